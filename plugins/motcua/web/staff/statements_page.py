"""The page *Đối soát nhà mạng*: each month's statement, its verdicts, the rows that differ, and files refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from motcua.domain.clock import VIETNAM
from motcua.jobs.handed_in.statement_forms import form_names
from motcua.jobs.tasks.reconcile_carrier import DUE_DAY, is_overdue, missing_now
from motcua.reports import wording
from motcua.store.ledger.database import page_connection
from motcua.store.oversight.statements import (
    DIFFERENCES,
    VERDICTS,
    LineMatch,
    MissingStatement,
    RowsAsked,
    StatementFigures,
    figures_of,
    list_refusals,
    list_statements,
    match_rows,
)
from motcua.web.forms import number_in, page_in
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render
from motcua.web.visitors import Visits

ROWS_A_PAGE = 50

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Missing:
    """A statement that is not there."""

    month: date
    statement: MissingStatement
    overdue: bool


def bar_of(figures: StatementFigures, direction: str) -> list[tuple[LineMatch, float, float]]:
    """The verdicts as parts of a bar 1000 wide: verdict, where it begins, how wide it is; none is too thin to see."""
    counts = [(verdict, figures.of(direction, verdict).matches) for verdict in VERDICTS]
    present = [(verdict, count) for verdict, count in counts if count]
    total = sum(count for _, count in present)
    if not total:
        return []
    wide = [max(1000 * count / total, 6.0) for _, count in present]
    scale = 1000 / sum(wide)
    parts, left = [], 0.0
    for (verdict, _), width in zip(present, wide, strict=True):
        parts.append((verdict, round(left, 2), round(width * scale, 2)))
        left += width * scale
    return parts


@router.get("/statements")
def show_statements(
    request: Request, visits: Visits, no: str = "", verdict: str = "", differs: str = "", page: str = "1"
) -> HTMLResponse:
    """All statements; one of them, the newest in force by default, with the rows that differ, a page at a time.

    They are accounts of all agencies together: for the Department and auditors.
    """
    visits.must_see_all()
    now = datetime.now(UTC)
    chosen_verdict = next((each for each in VERDICTS if each == verdict), None)
    chosen_difference = differs if differs in DIFFERENCES else None
    place = page_in(page)
    with page_connection() as connection:
        month, absent = missing_now(connection, now)
        missing = [Missing(month, each, is_overdue(now, month)) for each in absent]
        refusals = list_refusals(connection)
        statements = list_statements(connection)
        newest = next((each.statement_no for each in statements if each.in_force), None)
        wanted = number_in(no) if no else newest
        shown = None if wanted is None else next(iter(list_statements(connection, statement_no=wanted)), None)
        if no and shown is None:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
        figures, rows = None, []
        if shown is not None:
            (figures,) = figures_of(connection, [shown])
            asked = RowsAsked(chosen_verdict, chosen_difference, ROWS_A_PAGE + 1, (place - 1) * ROWS_A_PAGE)
            rows = match_rows(connection, shown.statement_no, asked)
    return render(
        request,
        "statements.html",
        statements=statements,
        figures=figures,
        bars={} if figures is None else {direction: bar_of(figures, direction) for direction in ("mt", "mo")},
        rows=rows[:ROWS_A_PAGE],
        more=len(rows) > ROWS_A_PAGE,
        place=place,
        verdict=chosen_verdict,
        differs=chosen_difference,
        verdicts=VERDICTS,
        differences=DIFFERENCES,
        missing=missing,
        refusals=refusals,
        forms=form_names(),
        due_day=DUE_DAY,
        local=VIETNAM,
        w=wording,
    )
