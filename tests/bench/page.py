"""What benches found, with the machine that each ran on: docs/benchmarks.md, written anew by each run."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.postgres import binaries
from tests.bench import Line

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "benchmarks.md"
OK, SHORT = "ok", "FALLS SHORT"
_HEAD = """# Benchmarks

How fast, as ratios to a limit or a peer of the same run. Written by `make bench`, not by hand: `make bench ONLY=<name>`
writes the section of that bench anew and leaves the others as they were measured. What bounds a figure:
[sending speed](decisions/sending-speed.md), [many sources](decisions/watching-sources.md),
[quick pages](decisions/quick-pages.md), [reconciliation](decisions/reconciliation.md),
[data quality](operations/quality.md).
"""
_SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a bench runs on, as it is before anything is measured; no name of a host and no path."""

    cores: int
    memory: float
    """Gigabytes."""
    python: str
    postgresql: str
    kernel: str
    load: float
    """Processes that ran or wanted to, on the average of the minute before."""
    is_favoured: bool
    """The system's scheduler prefers the bench and all that it starts to other work (``chrt -r 1``)."""
    commit: str
    at: datetime

    @classmethod
    def now(cls) -> Machine:
        """This one."""
        kernel = re.match(r"[0-9.]*[0-9]", platform.release())
        return cls(
            cores=len(os.sched_getaffinity(0)),
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
            python=platform.python_version(),
            postgresql=_said(str(binaries() / "postgres"), "--version").split()[-1],
            kernel=f"{platform.system()} {kernel[0] if kernel else ''}",
            load=os.getloadavg()[0],
            is_favoured=os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO),
            commit=_commit(),
            at=datetime.now(UTC),
        )

    def words(self) -> str:
        """One line of the page."""
        at = self.at.astimezone(VIETNAM)
        return (
            f"{at.day} {at:%B %Y, %H:%M} in Vietnam, commit {self.commit}: {self.cores} cores, {self.memory:.0f} GB,"
            f" Python {self.python}, PostgreSQL {self.postgresql}, {self.kernel}; load at the start {self.load:.1f}"
            f"{', the bench preferred to other work' if self.is_favoured else ''}."
        )


def _said(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _commit() -> str:
    """The commit that is checked out, and whether anything but the page was changed since."""
    try:
        commit = _said("git", "rev-parse", "--short=10", "HEAD")
        changed = _said(
            "git", "status", "--porcelain", "--untracked-files=no", "--", ".", f":!{PAGE.relative_to(ROOT)}"
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} and changes" if changed else commit


def section(name: str, machine: Machine, lines: Sequence[Line]) -> str:
    """What one bench found."""
    rows = [
        "| " + " | ".join(each.replace("|", "\\|") for each in (what, measured, reach, OK if good else SHORT)) + " |"
        for what, measured, reach, good in lines
    ]
    return "\n".join(
        [f"## {name}", "", machine.words(), "", "| what | measured | reach | |", "| --- | --- | --- | --- |", *rows, ""]
    )


def with_sections(page: str, found: Mapping[str, str], order: Sequence[str]) -> str:
    """The page with these sections anew, each other one as it was, in that order; a bench that is no more is gone."""
    known = {name: f"## {name}\n{body.rstrip()}\n" for name, body in _SECTION.findall(page)} | found
    return "\n".join([_HEAD, *(known[name] for name in order if name in known)])


def write_page(found: Mapping[str, str], order: Sequence[str], path: Path = PAGE) -> None:
    """Writes what was found into the page."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.write_text(with_sections(before, found, order), encoding="utf-8")
