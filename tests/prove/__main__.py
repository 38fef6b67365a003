"""``python -m tests.prove [NAME …] [--seed N] [--seeds N] [--share S]``: a table of figures for each capability.

Exit code 1 if one falls short. ``--seeds`` is for those that repeat themselves with many seeds, the first being N;
``--share`` and ``--speed`` are of the soak, which takes the end of its day alone, or a slower one; ``--from`` is of the
upgrade, which otherwise begins at versions that it chooses.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

PROOFS = {
    path.stem: f"tests.prove.{path.parent.name}.{path.stem}"
    for path in sorted(Path(__file__).parent.glob("*/[a-z]*.py"), key=lambda path: path.stem)
    if path.parent.name != "worlds"
}
"""Name → module; worlds are what proofs are made in."""


def main() -> int:
    """Prints the tables and returns the exit code."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PROOFS)}; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--share", type=float)
    parser.add_argument("--speed", type=float)
    parser.add_argument("--from", dest="since", metavar="COMMIT")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - PROOFS.keys()):
        parser.error(f"there is no proof {', '.join(unknown)}; there are {', '.join(PROOFS)}")
    console = Console(width=None if sys.stdout.isatty() else 130)
    fell_short = False
    for name in asked.names or PROOFS:
        started = time.monotonic()
        prove = import_module(PROOFS[name]).figures
        takes = inspect.signature(prove).parameters
        given = {name: getattr(asked, name) for name in ("seeds", "share", "speed", "since") if name in takes}
        figures = prove(asked.seed, **{name: value for name, value in given.items() if value})
        table = Table(
            "figure", "value", "must reach", "", title=f"{name} (seed {asked.seed}, {time.monotonic() - started:.0f} s)"
        )
        for figure in figures:
            table.add_row(figure.name, figure.value, figure.must_reach, "ok" if figure.ok else "FALLS SHORT")
            fell_short |= not figure.ok
        console.print(table)
    return int(fell_short)


if __name__ == "__main__":
    sys.exit(main())
