"""Install the peers: `python -m bench.setup_peers [names]`.

Each gets a virtual environment of its own with pinned versions, so that their dependencies cannot
clash and the size of each installation can be told.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import venv
from pathlib import Path

from bench import registry


def install(name: str) -> Path:
    """Make the environment of that name afresh; it counts as made once pip has succeeded."""
    folder = registry.environment_folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    subprocess.run([*pip, *registry.ENVIRONMENTS[name]], check=True)
    (folder / "complete").touch()
    return folder


def size(name: str) -> float:
    """Megabytes that the packages of an environment take, without pip."""
    packages = registry.environment_folder(name).glob("lib/python*/site-packages/*")
    kept = (p for p in packages if not p.name.startswith("pip"))
    return sum(folder_size(path) for path in kept) / 1e6


def folder_size(path: Path) -> int:
    """Bytes of a file or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(f.lstat().st_size for f in files if f.is_file() and f.parent.name != "__pycache__")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench setup_peers", description=__doc__)
    choices = list(registry.ENVIRONMENTS)
    usual = [name for name in choices if not name.endswith("-gpu")]
    parser.add_argument(
        "names", nargs="*", help=f"of {', '.join(choices)}; all but those of a GPU by default"
    )
    parser.add_argument("--again", action="store_true", help="also those already installed")
    options = parser.parse_args(arguments)
    for unknown in set(options.names) - set(choices):
        parser.error(f"unknown peer {unknown!r}; expected some of {', '.join(choices)}")
    for name in options.names or usual:
        if options.again or not (registry.environment_folder(name) / "complete").exists():
            print(f"{name}: {', '.join(registry.ENVIRONMENTS[name])}", flush=True)
            install(name)
        print(f"{name}: {size(name):.0f} MB in {registry.environment_folder(name)}", flush=True)


if __name__ == "__main__":
    main()
