"""`python -m bench compare|setup_peers|scaling|chart|page|limits`; each has `--help`."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "compare": "bench.compare",
    "setup_peers": "bench.setup_peers",
    "scaling": "bench.scaling",
    "chart": "bench.chart",
    "page": "bench.page",
    "limits": "bench.kernels.limits",
}


def main() -> None:
    """Hand the arguments to the command that is named first."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: python -m bench {{{','.join(COMMANDS)}}} ...")
    import_module(COMMANDS[sys.argv[1]]).main(sys.argv[2:])


if __name__ == "__main__":
    main()
