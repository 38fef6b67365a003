"""Run proofs: ``python -m tests.prove [NAME …] [--seed N] [--seeds N] [--share S]`` prints a table of figures for each.

Without a name the command runs every *part*: all tests together, each proof and each bench. Each part has a process of
its own, so that a crash of one part does not stop the others. All parts together take a night. When a part ends, its
figures are written to docs/proofs.md. A part is skipped if its section on that page already names the present tree of
files, so an interrupted run continues where it ended.

The exit code is 1 if any figure misses its required value. ``--seeds`` is for proofs that repeat themselves with many
seeds; ``--seed`` is the first of these seeds. ``--share`` is for proofs that by default use only a share of their
simulated data, so that all proofs fit into one night; 1 uses all data. The proof ``soak`` simulates a whole day by
default, and with a share only the end of that day; ``--speed`` is how much faster than real time the simulated day
passes. ``--from`` is the version that the proof ``upgrade`` starts from; without ``--from`` this proof chooses the
versions itself. ``--into`` names a folder. Some proofs put faults into the code of rules, SQL statements, DAGs and
routes to see whether a test notices them. These proofs store in the folder which code each test runs, and which faults
a test noticed. The proof ``install`` stores the images of its Docker engine in the folder.
"""

from __future__ import annotations

import argparse
import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import tests.environment  # noqa: F401
from tests.bench import Line
from tests.prove.page import PAGE, ROOT, SHORT, Machine, is_of, read_page, section, sections_of, show, write_page

PROOFS = {
    path.stem: f"tests.prove.{path.parent.name}.{path.stem}"
    for path in sorted(Path(__file__).parent.glob("*/[a-z]*.py"), key=lambda path: path.stem)
    if path.parent.name != "worlds"
}
"""Name of a proof → its module. The package ``worlds`` has no proofs, only the environments that proofs run in."""


_PYTEST_ENDED = re.compile(r"^=+ (?P<counts>(?:\d+ \w+(?:, )?)+ in [\d.]+s).*=$")
"""The last line that pytest prints."""
_SHOWN = 200
"""Number of characters of a part's last printed line that docs/proofs.md shows if the part broke off."""


def all_parts(*options: str) -> dict[str, list[str]]:
    """Return the command of each part by the part's name.

    Commands of proofs and benches write docs/proofs.md themselves.
    """
    from tests.bench.__main__ import BENCHES

    return {
        "test-all": ["make", "test-all"],
        **{name: [sys.executable, "-m", "tests.prove", name, "--page", *options] for name in PROOFS},
        **{f"bench {name}": [sys.executable, "-m", "tests.bench", name] for name in BENCHES},
    }


ALONE = {"contract", "freezes", "inquiries", "soak", "upgrade", "watch", "workers"}
"""Proofs that measure seconds, wait for a real Airflow, or simulate a whole day faster than real time.

Each of these proofs runs alone. The part ``test-all`` and each bench run alone, too.
"""


def prove_all(parts: dict[str, list[str]], page: Path = PAGE, now: Callable[[], Machine] = Machine.now) -> int:
    """Run each part that docs/proofs.md does not yet show for this tree, and return the exit code.

    Two proofs run at a time, unless they are in ``ALONE``, so that one night is long enough for all parts.
    """
    write_page({}, parts, page)
    beside = [part for part in parts if part in PROOFS.keys() - ALONE]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda part: _prove(part, parts, page, now()), beside))
    for part in (part for part in parts if part not in beside):
        _prove(part, parts, page, now())
    return int(SHORT in read_page(page))


def _prove(part: str, parts: dict[str, list[str]], page: Path, machine: Machine) -> None:
    command, before = parts[part], sections_of(read_page(page)).get(part, "")
    if is_of(before, machine.tree):
        print(f"{part}: has figures of this tree already")
        return
    print(f"{part}: {' '.join(command)}", flush=True)
    lines, last, code = _run_part(command)
    if sections_of(read_page(page)).get(part, "") == before:
        lines = lines or [("the whole part", f"broke off: {last}", "an end", False)]
        write_page({part: section(part, machine, [*lines, ("exit code", str(code), "0", code == 0)])}, parts, page)


def _run_part(command: list[str]) -> tuple[list[Line], str, int]:
    """Run a part and print its output.

    Return a line for each run of pytest in the part, the last line that the part printed, and the part's exit code. If
    the part broke off, its last printed line is usually the error.
    """
    # Remove make's variables: a part that itself calls make must run as if it were typed in a shell.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    lines: list[Line] = []
    last = "it printed nothing"
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            last = line.strip()[:_SHOWN] or last
            if ended := _PYTEST_ENDED.match(line.rstrip()):
                good = not re.search("failed|error", ended["counts"])
                lines.append(("tests of one group", ended["counts"], "none fails", good))
    return lines, last, process.returncode


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(PROOFS)}; no name runs all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--share", type=float)
    parser.add_argument("--speed", type=float)
    parser.add_argument("--from", dest="since", metavar="COMMIT")
    parser.add_argument("--into", metavar="FOLDER")
    parser.add_argument("--page", action="store_true", help="also write the figures to docs/proofs.md")
    asked = parser.parse_args(words)
    if unknown := sorted(set(asked.names) - PROOFS.keys()):
        parser.error(f"there is no proof {', '.join(unknown)}; there are {', '.join(PROOFS)}")
    if not asked.names:
        return prove_all(all_parts(*sys.argv[1:]))
    fell_short = False
    for name in asked.names:
        machine, started = Machine.now(), time.monotonic()
        prove = import_module(PROOFS[name]).figures
        takes = inspect.signature(prove).parameters
        given = {name: getattr(asked, name) for name in ("seeds", "share", "speed", "since", "into") if name in takes}
        figures = prove(asked.seed, **{name: value for name, value in given.items() if value})
        show(figures, f"{name} (seed {asked.seed}, {time.monotonic() - started:.0f} s)")
        fell_short |= not all(figure.ok for figure in figures)
        if asked.page:
            write_page({name: section(name, machine, figures)})
    return int(fell_short)


if __name__ == "__main__":
    sys.exit(main())
