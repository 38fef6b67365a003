"""Write docs/proofs.md: the results of tests, proofs and benches, each with the machine and the files of its run."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.postgres import binaries
from tests.bench import Line

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "proofs.md"
OK, SHORT = "ok", "FALLS SHORT"
_HEAD = """# Proofs

The results of all tests, of the proofs (checks of correctness at scale) and of the benches (measurements of speed).
Each result names the machine, and the tree: a hash of all files except this page. `make prove` takes a night: it runs
all parts that have no result for the present tree, and writes their results here; two parts run at a time if they
measure no time. Checks that found exactly what they must are only counted here; `make prove ONLY=<name>` prints each,
and `make bench ONLY=<name>` repeats one bench. Limits of speed: [sending](decisions/sending.md), [many
sources](decisions/reading-sources.md), [quick pages](decisions/queries.md),
[reconciliation](decisions/reconciliation.md), [data quality](operations/quality.md).
"""
_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.M | re.S)
_WHEN, _NEVER = "%d %B %Y, %H:%M", "1 January 1970, 00:00"
_WORDS = re.compile(r"^(?P<when>.+?) in Vietnam, commit (?P<commit>[^,:]+)(?:, tree (?P<tree>\w+))?: ", re.M)


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine and the tree of files that a part (all tests, a proof or a bench) runs on, read before its start.

    Host names and paths are left out, because the page is public.
    """

    cores: int
    memory: float
    """Memory in gigabytes."""
    python: str
    postgresql: str
    kernel: str
    load: float
    """Load average: number of running and runnable processes, averaged over the minute before."""
    is_favoured: bool
    """Whether the machine's scheduler prefers this part, and all that it starts, to other work (``chrt -r 1``)."""
    commit: str
    tree: str
    """Hash of all files but docs/proofs.md, as they are on disk, committed or not."""
    at: datetime

    @classmethod
    def now(cls) -> Machine:
        kernel = re.match(r"[0-9.]*[0-9]", platform.release())
        return cls(
            cores=len(os.sched_getaffinity(0)),
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
            python=platform.python_version(),
            postgresql=_output_of(str(binaries() / "postgres"), "--version").split()[-1],
            kernel=f"{platform.system()} {kernel[0] if kernel else ''}",
            load=os.getloadavg()[0],
            is_favoured=os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO),
            commit=_commit(),
            tree=tree(),
            at=datetime.now(UTC),
        )

    def words(self) -> str:
        return (
            f"{_written_at(self.at.astimezone(VIETNAM))} in Vietnam, commit {self.commit}, tree {self.tree}:"
            f" {self.cores} cores, {self.memory:.0f} GB, Python {self.python}, PostgreSQL {self.postgresql},"
            f" {self.kernel}; load at the start {self.load:.1f}"
            f"{', the part preferred to other work' if self.is_favoured else ''}."
        )


def _written_at(moment: datetime) -> str:
    """Return a moment as the page writes it."""
    return f"{moment.day} {moment:%B %Y, %H:%M}"


def _output_of(*command: str, root: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    return subprocess.run(command, cwd=root, env=env, check=True, capture_output=True, text=True).stdout.strip()


def _commit() -> str:
    """Return the commit that is checked out, with "and changes" if a file other than the page differs from it."""
    try:
        commit = _output_of("git", "rev-parse", "--short=10", "HEAD")
        changed = _output_of(
            "git", "status", "--porcelain", "--untracked-files=no", "--", ".", f":!{PAGE.relative_to(ROOT)}"
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit} and changes" if changed else commit


def tree(root: Path = ROOT, page: Path = PAGE) -> str:
    """Return a hash of all files except the page, as they are on disk, or ``unknown`` if git fails.

    A tree ``unknown`` counts as different from every other tree, even from another tree ``unknown``.
    """
    with tempfile.TemporaryDirectory() as folder:
        own_index = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index"}
        try:
            for command in ("read-tree HEAD", "add --all", f"rm -q --cached --ignore-unmatch {page.relative_to(root)}"):
                subprocess.run(["git", *command.split()], cwd=root, env=own_index, check=True, capture_output=True)
            return _output_of("git", "write-tree", root=root, env=own_index)[:10]
        except (OSError, subprocess.CalledProcessError):
            return "unknown"


def _cell(text: str) -> str:
    """Return the first line of a text, so that a traceback is left out, and remove folder names of this machine."""
    line = (text.splitlines() or [""])[0]
    for folder in (ROOT, Path.home(), Path(tempfile.gettempdir())):
        line = line.replace(f"{folder}/", "")
    return line.replace("|", "\\|")


def show(lines: Sequence[Line], title: str = "") -> None:
    """Print the lines as a table."""
    table = Table("what", "found", "must reach", "", title=title or None)
    for what, found, reach, good in lines:
        table.add_row(what, found, reach, OK if good else SHORT)
    Console(width=None if sys.stdout.isatty() else 130).print(table)


def section(name: str, machine: Machine, lines: Sequence[Line]) -> str:
    """Return a part's section of the page. Lines whose value is exactly the required value are only counted."""
    told = [line for line in lines if line[1] != line[2] or not line[3]]
    rows = [
        f"{_cell(what)} | {_cell(found)} | {_cell(reach)}{'' if good else f': {SHORT}'}"
        for what, found, reach, good in told
    ]
    table = ["", "what | found | reach", "--- | --- | ---", *rows] if rows else []
    exact = f" Checks that found exactly what they must: {len(lines) - len(told)}." if len(told) < len(lines) else ""
    return "\n".join([f"## {name}", "", f"{machine.words()}{exact}", *table, ""])


def sections_of(page: str) -> dict[str, str]:
    """Return the sections of a page by the name of their part."""
    return {name: f"## {name}\n{body.rstrip()}\n" for name, body in _SECTION.findall(page)}


def is_of(section: str, tree: str) -> bool:
    """Return whether a part's section was measured on this tree."""
    words = _WORDS.search(section)
    return words is not None and words["tree"] == tree != "unknown"


def _overview(known: Mapping[str, str]) -> str:
    """Return a table with one row for each tree, the newest tree first.

    A row shows the tree's commit, the time of its first part, the parts whose figures all reach their required values,
    and the parts that fall short.
    """
    of_tree: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], datetime] = {}
    for name, section in known.items():
        words = _WORDS.search(section)
        tree, commit = (words["tree"] or "unknown", words["commit"]) if words else ("unknown", "unknown")
        began = datetime.strptime(words["when"] if words else _NEVER, _WHEN).replace(tzinfo=VIETNAM)
        of_tree.setdefault((tree, commit), []).append(name)
        first[tree, commit] = min(began, first.get((tree, commit), began))
    rows = ["| tree | commit | since, in Vietnam | ok | falls short |", "| --- | --- | --- | --- | --- |"]
    for tree, commit in sorted(of_tree, key=first.__getitem__, reverse=True):
        names = of_tree[tree, commit]
        good, short = (
            ", ".join(f"[{name}](#{name.replace(' ', '-')})" for name in names if (SHORT in known[name]) is falls)
            for falls in (False, True)
        )
        rows.append(f"| {tree} | {commit} | {_written_at(first[tree, commit])} | {good} | {short} |")
    return "\n".join([*rows, ""])


def _sort_key(name: str) -> tuple[bool, bool, str]:
    """Return the sort key of a part: tests come first, then proofs, then benches."""
    return name.startswith("bench "), name != "test-all", name


def with_sections(page: str, found: Mapping[str, str], parts: Collection[str] | None = None) -> str:
    """Return the page with these sections replaced or added, and every other section unchanged.

    If ``parts`` is given, sections of parts that are not in it are left out.
    """
    all_known = sections_of(page) | found
    known = {name: all_known[name] for name in sorted(all_known, key=_sort_key) if parts is None or name in parts}
    return "\n".join([_HEAD, _overview(known), *known.values()])


def read_page(path: Path = PAGE) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def write_page(found: Mapping[str, str], parts: Collection[str] | None = None, path: Path = PAGE) -> None:
    # Two parts may end at the same moment, and each of them rewrites the whole page, so the page is locked.
    with path.open("a", encoding="utf-8") as page:
        fcntl.flock(page, fcntl.LOCK_EX)
        path.write_text(with_sections(read_page(path), found, parts), encoding="utf-8")
