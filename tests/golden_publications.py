"""What whole publications are to the byte: those of reports made by hand, as tests/golden_publications.json holds them.

A publication must be the same, years later, when ``motcua verify`` makes it again. So bytes change with the number of
the rendering (``reports/publication/rendering.py``) or not at all, and those of earlier renderings never. Whoever
changes them on purpose raises the number and records the new ones; whoever has libraries that nobody recorded yet, and
that make other bytes, records those:

    python -m tests.golden_publications

What is recorded is never overwritten. A report of REPORTS that has to change gets another name.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

from motcua.domain.periods import Period
from motcua.domain.reconciliation import Budget, Figures, PushedWords, ReconciliationReport
from motcua.jobs.publications.publishing import FORMAT, compose_manifest, folder_of
from motcua.jobs.reconciliation.reporting import urge
from motcua.reports.publication.again import made_by
from motcua.reports.publication.data import Corrected
from motcua.reports.publication.files import MANIFEST, PAGE, PublishedFile, canonical, render
from motcua.reports.publication.rendering import RENDERING, RENDERINGS
from tests import reconciliation_samples as samples

HOW_TO_CHANGE = (
    "other bytes than were recorded, so that what was published would not be the same when it is made again: undo it, "
    "or raise RENDERING in plugins/motcua/reports/publication/rendering.py and keep there what the one before did "
    "(where only the manifest is another: FORMAT in plugins/motcua/jobs/publications/publishing.py), and run python -m "
    "tests.golden_publications. Where no report "
    "changes, and one of tests/golden_publications.py says more than before: give it another name"
)
FILE = Path(__file__).with_suffix(".json")

THRESHOLDS = {
    "urge_from": 3,
    "urge_delivered_below": 0.95,
    "urge_late_above": 0.05,
    "urge_untold_above": 0.02,
    "urge_wrong_apologies_above": 0.2,
}
"""Of the first rendering; later ones have more."""

Hashes: TypeAlias = dict[str, dict[str, str]]
"""By report and file: SHA-256 in hexadecimal."""
Recorded: TypeAlias = dict[str, Hashes]
"""Of one rendering: by ``everywhere`` and each software the hashes."""


def _urging(report: ReconciliationReport, rendering: int) -> ReconciliationReport:
    thresholds = THRESHOLDS if rendering == 1 else THRESHOLDS | {"urge_phoneless_above": 0.02}
    return replace(report, urged=tuple(urge(report.figures, thresholds, rendering)), thresholds=thresholds)


def _unread(rendering: int) -> ReconciliationReport:
    """A daily correction that corrects no publication and changes nothing, of a day whose source did not answer."""
    kept = samples.report(samples.DAY, rendering, budget=Budget(2026, 300_000_000, 3_412_200, 187_330_000))
    return replace(kept, closing=replace(kept.closing, closing_no=58, corrects=41, sources_unread=("vanphong",)))


def _pushed(report: ReconciliationReport) -> ReconciliationReport:
    """The figures of its first two agencies are as they were pushed."""
    codes = [each.agency_code for each in report.agencies[:2]]
    return replace(report, pushed=tuple(PushedWords("motcua_so", code) for code in codes))


def _unbalanced(report: ReconciliationReport) -> ReconciliationReport:
    """A message is missing in its first group."""
    first, *others = report.figures.messages
    short = replace(first, at_source=first.at_source + first.difference + 1)
    return replace(report, figures=replace(report.figures, messages=(short, *others)))


def _nothing(report: ReconciliationReport) -> ReconciliationReport:
    return replace(samples.empty(), closing=replace(samples.empty().closing, period=report.closing.period))


REPORTS: Mapping[str, Callable[[int], ReconciliationReport]] = {
    "month": lambda rendering: _urging(samples.report(), rendering),
    "day": lambda rendering: samples.report(samples.DAY, rendering),
    "correction": samples.correction,
    "everything, with stops and sleeps": lambda rendering: _urging(samples.everything(rendering), rendering),
    "unread day": _unread,
    "empty day": lambda rendering: samples.empty(),
    "quarter": lambda rendering: _urging(samples.report(Period.parse("2026-Q3"), rendering), rendering),
    "year": lambda rendering: _urging(samples.report(Period.parse("2025"), rendering), rendering),
    "pushed day": lambda rendering: _pushed(samples.report(samples.DAY, rendering)),
    "pushed, unbalanced": lambda rendering: _pushed(_unbalanced(samples.report(samples.DAY, rendering))),
    "empty month": lambda rendering: replace(_nothing(samples.report()), previous=Figures()),
}
"""By name: the report as that rendering has it, whose measures another may not know."""
CORRECTED = Corrected(7, "2026/10/2026-10/1", "cd" * 32)


@cache
def publication(name: str, rendering: int = RENDERING) -> list[PublishedFile]:
    """All files of a report but the manifest."""
    return render(REPORTS[name](rendering), None if name == "unread day" else CORRECTED, rendering)


def software() -> str:
    """What decides bytes beside the rendering, in words."""
    own = {name: each for name, each in made_by().items() if name not in ("rendering", "python")}
    return ", ".join(f"{name} {each}" for name, each in sorted(own.items()))


def of_libraries(files: list[PublishedFile]) -> dict[str, str]:
    """Hashes of the files whose bytes the libraries decide."""
    return {each.name: _hash(each) for each in files if not each.name.endswith(".csv")}


def of_everywhere(name: str, files: list[PublishedFile], rendering: int = RENDERING) -> dict[str, str]:
    """Hashes of what is the same wherever it is made: tables, the page but for its pictures, the manifest but for what
    made the files."""
    page = next(each.content.decode() for each in files if each.name == PAGE)
    unmade = [replace(each, content=b"") for each in files]
    report = REPORTS[name](rendering)
    manifest = compose_manifest(report, unmade, 1, folder_of(report.closing.period, 1), None, None)
    manifest["words"].pop("made_by")
    return {each.name: each.sha256 for each in files if each.name.endswith(".csv")} | {
        PAGE: sha256(re.sub(r"data:image[^\"]*", "", page).encode()).hexdigest(),
        f"{MANIFEST}, format {FORMAT}": sha256(canonical(manifest)).hexdigest(),
    }


def _hash(file: PublishedFile) -> str:
    """Of a workbook, that of what is in it: who packs it decides no byte of that."""
    if not file.name.endswith(".xlsx"):
        return file.sha256
    whole = sha256()
    with zipfile.ZipFile(BytesIO(file.content)) as book:
        for name in sorted(book.namelist()):
            whole.update(f"{name}\0{sha256(book.read(name)).hexdigest()}\n".encode())
    return whole.hexdigest()


def hashes(rendering: int) -> Recorded:
    """Of all reports, as a rendering makes them: what is the same everywhere, and what these libraries make."""
    made = {name: publication(name, rendering) for name in REPORTS}
    return {
        "everywhere": {name: of_everywhere(name, files, rendering) for name, files in made.items()},
        software(): {name: of_libraries(files) for name, files in made.items()},
    }


def recorded() -> dict[int, Recorded]:
    """What was recorded, by rendering."""
    kept: dict[str, Recorded] = json.loads(FILE.read_text(encoding="utf-8"))
    return {int(rendering): each for rendering, each in kept.items()}


def changed(was: Hashes, now: Hashes) -> list[str]:
    """Files that are other bytes than were recorded, by report."""
    return [
        f"{name}: {file}"
        for name in sorted(was.keys() & now.keys())
        for file in sorted(was[name].keys() & now[name].keys())
        if was[name][file] != now[name][file]
    ]


def missing(was: Hashes, now: Hashes) -> list[str]:
    """Files that are recorded and are not made, or made and not recorded, by report."""
    return [
        f"{name}: {file}"
        for name in sorted(was.keys() | now.keys())
        for file in sorted(was.get(name, {}).keys() ^ now.get(name, {}).keys())
    ]


def record() -> None:
    """Adds what is not recorded yet.

    Raises:
        SystemExit: something is, with other bytes.
    """
    kept = recorded()
    for rendering in RENDERINGS:
        for where, now in hashes(rendering).items():
            was = kept.setdefault(rendering, {}).get(where, {})
            if unlike := changed(was, now):
                raise SystemExit(f"rendering {rendering}: {HOW_TO_CHANGE}: {'; '.join(unlike)}")
            kept[rendering][where] = now
    FILE.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
    sys.stdout.write(f"recorded: renderings {', '.join(map(str, RENDERINGS))}, {software()}\n")
