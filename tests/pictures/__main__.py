"""Take the pictures of docs/vi and print the sheet for the wall: ``python -m tests.pictures [NAME …] [--of FOLDER]``.

The command starts a demo of its own, on free ports and in a new folder, and stops and removes it at the end. ``--of``
takes the pictures of a demo that runs already, and changes that demo: a setting is changed, and messages about results
are stopped for an hour.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from motcua.sandbox.demo import guarded, make_console, prepare, progress, start_everything
from motcua.sandbox.machine.supervisor import StopRequested, Supervisor
from tests.pictures.listed import PICTURES
from tests.pictures.taking import PDF, CannotTake, Demo, Visit, print_sheet, take, visit

PATIENCE = 600.0
"""Seconds within which the demo must show what the pictures need; it sends apologies four minutes after its start."""


def take_all(demo: Demo, names: Sequence[str]) -> None:
    """Take the pictures one after another, and wait if the demo does not show one of them yet.

    Raises:
        CannotTake: the demo did not show in time what the picture must contain.
    """
    until = time.monotonic() + PATIENCE
    with visit(demo) as visiting:
        for name in names:
            print(f"{_take_when_there(visiting, name, until):9,} bytes  {name}", flush=True)


def _take_when_there(visiting: Visit, name: str, until: float) -> int:
    while True:
        try:
            return take(visiting, name, PICTURES[name])
        except CannotTake as missing:
            if time.monotonic() > until:
                raise
            print(f"  not yet: {missing}", flush=True)
            time.sleep(15)


def in_own_demo(names: Sequence[str]) -> int:
    """Start a demo, take the pictures, stop and remove the demo, and return the exit code."""
    console = make_console()
    folder = Path(tempfile.mkdtemp(prefix="motcua-pictures-"))
    folder.chmod(0o711)  # If root runs this, PostgreSQL runs as another user, who needs access to the folder.

    def run() -> int:
        addresses = prepare(folder, free_ports=True)
        try:
            with Supervisor(addresses.data, progress(console)) as supervisor:
                start_everything(supervisor, addresses, past=True)
                take_all(Demo.in_folder(addresses.data), names)
        except StopRequested:
            return 130
        return 0

    try:
        return guarded(run, console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Take the pictures that the command line asks for, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"pictures to take; default: {', '.join(PICTURES)}")
    parser.add_argument("--of", type=Path, metavar="FOLDER", help="the data folder of a demo that runs")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - PICTURES.keys()):
        parser.error(f"there is no picture {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    PDF.write_bytes(print_sheet())
    names = [name for name in PICTURES if not asked.names or name in asked.names]
    try:
        if asked.of is None:
            return in_own_demo(names)
        take_all(Demo.in_folder(asked.of.resolve()), names)
    except CannotTake as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
