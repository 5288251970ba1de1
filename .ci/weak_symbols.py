"""Checks that code compiled for one instruction set leaks no symbol that others could link to.

An inline function of the standard library compiled with AVX-512 may be chosen for the whole program
and crash on a CPU without it. Every symbol that an ISA's object files define must live in that
ISA's own namespace.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ISAS = ("portable", "avx2", "avx512", "neon")


def leaks(path: Path, isa: str) -> list[str]:
    """Defined external symbols of an object file outside convnet::<isa>."""
    listing = subprocess.run(
        ["nm", "--defined-only", "--extern-only", "--demangle", str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = []
    for line in listing.splitlines():
        match = re.match(r"[0-9a-f]+ (\w) (.+)", line)
        if match and f"convnet::{isa}::" not in match[2]:
            found.append(f"{match[1]} {match[2]}")
    return found


def main(build: Path) -> int:
    failures = 0
    for isa in ISAS:
        objects = sorted(build.glob(f"**/convnet_{isa}.dir/**/*.o"))
        for path in objects:
            for symbol in leaks(path, isa):
                print(f"{path.name} ({isa}): {symbol}")
                failures += 1
        if objects:
            print(f"{isa}: {len(objects)} object files checked")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
