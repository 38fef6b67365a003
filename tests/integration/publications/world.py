"""Helpers of the publication tests: make small closings, verify publications, and change published files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from motcua.domain.periods import Period
from motcua.domain.reconciliation import Change, ChangeCause, Figures, ReconciliationReport
from motcua.jobs.publications.verifying import verify_publication
from motcua.store.oversight.closings import hash_figures, load_figures, load_orphans, save_closing
from tests import reconciliation_samples as samples
from tests.ground import in_ledger

DAY = Period.parse("2026-11-25")
MORNING = DAY.end + timedelta(hours=6, minutes=30)
LATE: tuple[ChangeCause, ...] = ("late_receipt",)
FIRST_DAY, SECOND_DAY, THIRD_DAY = (Period.parse(f"2026-11-{day}") for day in (22, 23, 24))


def small(period: Period = THIRD_DAY) -> ReconciliationReport:
    """Return a sample report with two agencies only, so that its publication is made quickly."""
    kept = samples.report(period)
    tables = {
        each.name: tuple(
            row for row in getattr(kept.figures, each.name) if row.agency_code in (samples.NHA_TRANG, samples.TU_PHAP)
        )
        for each in fields(Figures)
    }
    # The sample lists two explained differences, so the figures must count two events without a message.
    return with_cell(replace(kept, figures=Figures(**tables)), at_source=2, only_source=2)


def with_cell(report: ReconciliationReport, **more: int) -> ReconciliationReport:
    """Return a copy of the report with these numbers added to one row: Nha Trang's results of one procedure."""
    rows = list(report.figures.messages)
    keys = [(row.agency_code, row.procedure_code, row.kind) for row in rows]
    place = keys.index((samples.NHA_TRANG, "1.005129", "result"))
    rows[place] = replace(rows[place], **{name: getattr(rows[place], name) + each for name, each in more.items()})
    return replace(report, figures=replace(report.figures, messages=tuple(rows)))


def correction_of(report: ReconciliationReport) -> ReconciliationReport:
    """Return a correction of a report: one message that was suppressed now counts as delivered."""
    corrected = with_cell(report, delivered=1, suppressed=-1)
    changes = tuple(
        Change(new.agency_code, new.procedure_code, new.kind, name, getattr(old, name), getattr(new, name), LATE)
        for old, new in zip(report.figures.messages, corrected.figures.messages, strict=True)
        for name in ("suppressed", "delivered")
        if old != new
    )
    return replace(corrected, changes=changes)


def save(report: ReconciliationReport | None = None, **changes: Any) -> int:
    """Store a closing with the figures of a sample report; return its number."""
    own = report or small()
    content = own.figures, own.differences, own.orphans
    closing = replace(own.closing, figures_hash=hash_figures(*content), **changes)
    return in_ledger(save_closing, closing, *content, own.changes).closing_no


def stored_figures(connection: Any, closing: Any) -> Figures:
    """Return a closing's stored figures in place of a recount, because the ledger has no messages to count."""
    return load_figures(connection, closing.closing_no)


def stored_orphans(connection: Any, closing: Any) -> Any:
    return load_orphans(connection, closing.closing_no)


def faults(which: object) -> list[str]:
    """Verify a publication without counting its figures again, and return the faults in words."""
    return [str(each) for each in verify_publication(str(which), stored_figures, stored_orphans).faults]


def faults_by_facts(which: str = "1") -> list[str]:
    """Verify a publication, with its figures counted again from the ledger, and return the faults in words."""
    return [str(each) for each in verify_publication(which).faults]


def assert_named(found: list[str], *expected: str) -> None:
    """Check that each of the expected texts is a part of some fault."""
    assert not [each for each in expected if not any(each in fault for fault in found)], found


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


class Killed(BaseException):
    """The exception that stands for the death of the process in a test. No ``except Exception`` catches it."""


def die(*_: object) -> None:
    raise Killed
