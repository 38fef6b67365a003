"""The pages *Chất lượng dữ liệu*: all agencies, the worst first, and one agency with what it has to correct.

An agency's page takes one decision: a finding is acknowledged for a time, or that is taken back. Its administrators and
the Department take it; auditors see the page without its forms. Both need the token of the page's form, and are kept
with who, when, why and until when. An agency's administrators see their own agencies' pages alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import holds_phone
from motcua.quality.report_data import AgencyFigures, AgencyReport, RowToCorrect, Run, TrendPoint
from motcua.quality.reporting import agency_report, department_report, last_run_no, urgent_rows
from motcua.reports import wording
from motcua.reports.lists import MOST_ROWS, Cell, Row
from motcua.reports.quality.urgency import LEAST_DOSSIERS, beside, late, shares_told
from motcua.store.agencies import list_agencies
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.quality import acknowledge
from motcua.store.oversight.report_mails import MailedReport, mails_of
from motcua.web.forms import is_own_form, number_in, page_in, sent_form
from motcua.web.lists.files import FileFormat, at_most, dossier_cell, list_file
from motcua.web.refusals import PageRefused
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

ROWS_A_PAGE = 50
LONGEST_REASON = 500
LONGEST_ACKNOWLEDGEMENT = timedelta(days=366)
_AGENCY_COLUMNS = (
    "agency_code", "agency", "dossiers", "to_do", "acknowledged", "phone_missing", "phone_invalid", "status",
    "other_faults", "per_thousand", "new", "back", "standing", "fixed", "late", "late_for_department", "broken",
)  # fmt: skip
_FINDING_COLUMNS = (
    "dossier_code", "finding_subject", "rule", "severity", "what", "action", "procedure_code", "procedure",
    "finding_state", "began_at", "first_seen", "age_days", "deadline", "stage", "acknowledged_until",
    "acknowledged_why", "acknowledged_by",
)  # fmt: skip

router = APIRouter()


# --- Charts: SVG, which needs neither script nor style attribute --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Curve:
    """One kind of findings over the periods, as pieces of a line: a period without a figure is a gap."""

    group: str
    name: str
    pieces: tuple[str, ...]
    """Points, as SVG writes them."""
    dots: tuple[tuple[float, float, str], ...]
    """Places with what stands there, in words."""
    last: float | None


@dataclass(frozen=True, slots=True)
class TrendChart:
    """A chart in a box of 600 by 200."""

    curves: tuple[Curve, ...]
    labels: tuple[tuple[float, str], ...]
    lines: tuple[tuple[float, str], ...]
    """Heights of the horizontal lines, with their figures."""


_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 590.0, 12.0, 176.0


def trend_chart(points: Sequence[TrendPoint]) -> TrendChart | None:
    """The periods as lines; ``None`` where fewer than two have figures."""
    if sum(point.per_thousand is not None for point in points) < 2:
        return None
    values = [value for point in points for value in point.by_group.values() if value is not None]
    step = _round_step(max(values, default=0.0) / 4)
    highest = step * 4

    def across(place: int) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * place / max(len(points) - 1, 1), 1)

    def up(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * value / highest, 1)

    curves = []
    for group, name in wording.words()["group"].items():
        pieces: list[list[str]] = [[]]
        dots = []
        for place, point in enumerate(points):
            value = point.by_group.get(group)
            if value is None:
                pieces.append([])
                continue
            pieces[-1].append(f"{across(place)},{up(value)}")
            dots.append((across(place), up(value), f"{point.label}: {wording.decimal(value)}"))
        lines = tuple(" ".join(piece) for piece in pieces if len(piece) > 1)
        curves.append(Curve(group, name, lines, tuple(dots), points[-1].by_group.get(group)))
    return TrendChart(
        tuple(curves),
        tuple((across(place), point.label) for place, point in enumerate(points)),
        tuple((up(step * line), wording.plain(step * line)) for line in range(5)),
    )


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20, …"""
    size = 1.0
    while True:
        for times in (1, 2, 5):
            if size * times >= least:
                return size * times
        size *= 10


def bar_of(figures: AgencyFigures, highest: float) -> list[tuple[str, float, float]]:
    """An agency's bar in parts: kind, where it begins and how wide it is, in hundredths of the widest bar."""
    parts, left = [], 0.0
    for group in wording.words()["group"]:
        # Whom no rate is told of has no bar.
        rate = 0.0 if figures.per_thousand is None else figures.by_group.get(group, 0) / figures.dossiers
        wide = rate * 100_000 / highest
        if wide:
            parts.append((group, round(left, 2), round(wide, 2)))
        left += wide
    return parts


# --- Reasons ------------------------------------------------------------------------------------------------------


def reason_of(written: str) -> str:
    """A reason as it is kept: one line of visible characters, NFC."""
    text = unicodedata.normalize("NFC", written)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


# --- Pages --------------------------------------------------------------------------------------------------------


@router.get("/quality")
def show_department(request: Request, visits: Visits) -> Response:
    """All agencies by the last run, the worst rate first; of an agency's administrator his own."""
    if visits.agencies is not None:
        return _own_agencies(request, visits)
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            return render(request, "quality.html", report=None, **_common())
        report = department_report(connection, run_no, least_dossiers=LEAST_DOSSIERS)
    highest = max((each.per_thousand or 0.0 for each in report.agencies), default=0.0) or 1.0
    return render(
        request,
        "quality.html",
        as_of=report.run.data_as_of,
        report=report,
        bars={each.agency_code: bar_of(each, highest) for each in report.agencies},
        chart=trend_chart(report.trend),
        late=late(report.figures),
        beside=beside(report.results),
        shares=shares_told(report.shares),
        to_urge=sorted(
            (each for each in report.agencies if each.remind_department), key=lambda each: -each.remind_department
        ),
        **_common(),
    )


@router.get("/quality/file")
def download_agencies(visits: Visits, format: FileFormat) -> Response:
    """The agencies of the page, the worst rate first."""
    visits.must_see_all()
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
        report = department_report(connection, run_no, least_dossiers=LEAST_DOSSIERS)
    rows: list[Row] = [_agency_row(each) for each in report.agencies]
    about, as_of = [_checked(report.run)], report.run.data_as_of
    return list_file(format, "quality", about, _AGENCY_COLUMNS, at_most(rows), as_of=as_of)


def _checked(run: Run) -> str:
    """Which run found it, in words."""
    said = wording.list_words()["told"]["checked"]
    return str(said.format(no=run.run_no, moment=wording.moment(run.as_of)))


def _agency_row(row: AgencyFigures) -> list[Cell]:
    if row.broken_reason:
        return [row.agency_code, row.name, *([None] * (len(_AGENCY_COLUMNS) - 3)), row.broken_reason]
    return [
        row.agency_code,
        row.name,
        row.dossiers,
        row.to_do,
        row.acknowledged,
        *(row.by_group[group] for group in wording.words()["group"]),
        None if row.per_thousand is None else wording.decimal(row.per_thousand),
        row.change.new,
        row.change.back,
        row.change.standing,
        row.change.fixed,
        row.remind_agency + row.remind_department,
        row.remind_department,
        None,
    ]


def _own_agencies(request: Request, visits: Visitor) -> Response:
    """The page of an administrator's agency; of several agencies a list."""
    codes = visits.listed or []
    if len(codes) == 1:
        address = f"{request.scope.get('root_path', '')}/quality/agency?{urlencode({'code': codes[0]})}"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)
    with page_connection() as connection:
        names = {each.agency_code: each.name for each in list_agencies(connection)}
    return render(request, "users/own_agencies.html", agencies=[(code, names[code]) for code in codes])


@router.get("/quality/agency")
def show_agency(
    request: Request, visits: Visits, code: str = "", rule: str = "", page: str = "1", said: str = ""
) -> HTMLResponse:
    """One agency by the last run: its figures, and what it has to correct, a page of rows at a time."""
    told = said if said in ("acknowledged", "taken_back") else ""
    return _agency_page(request, visits, code, rule, page, told)


@router.get("/quality/agency/file")
def download_findings(request: Request, visits: Visits, format: FileFormat, code: str = "", rule: str = "") -> Response:
    """All that the agency has to correct, or what one rule found, the most urgent first."""
    visits.must_see(code)
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
        report = _report(connection, run_no, code)
        chosen = next((each.rule for each in report.results if each.rule.code == rule), None)
        first = urgent_rows(connection, run_no, report.agency_code, chosen.code if chosen else None, 0, MOST_ROWS + 1)
    about = [report.agency_name, *([chosen.title] if chosen else []), _checked(report.run)]
    columns = _FINDING_COLUMNS if visits.is_auditor else (*_FINDING_COLUMNS, "phone")
    rows: list[Row] = [
        [*_finding_row(request, visits, each), *([] if visits.is_auditor else [each.masked_phone])] for each in first
    ]
    return list_file(format, "findings", about, columns, at_most(rows), as_of=report.run.data_as_of)


def _finding_row(request: Request, visits: Visitor, row: RowToCorrect) -> list[Cell]:
    words, accepted = wording.words(), row.acknowledged
    return [
        dossier_cell(request, row.agency_code, row.dossier_code),
        row.subject,
        f"{row.rule.code} {row.rule.title}",
        words["severity"][row.rule.severity],
        visits.text(row.what),
        row.rule.action,
        row.procedure_code,
        row.procedure_name,
        words["state"][row.state],
        row.since,
        row.first_seen,
        row.age_days,
        row.deadline,
        words["stage"][row.stage],
        accepted and accepted.until,
        accepted and accepted.why,
        accepted and accepted.by,
    ]


@router.post("/quality/agency")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Acknowledges a finding until a day, or takes that back, and shows the agency's page again."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_acknowledge")
    who = visits.signature
    code, rule, page = (fields.get(name, "") for name in ("code", "rule", "page"))
    visits.must_see(code)
    if not is_own_form(request, fields):
        return _agency_page(request, visits, code, rule, page, "old_form", status=HTTPStatus.FORBIDDEN)
    number = number_in(fields.get("finding", ""))
    if number is None:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    now = datetime.now(UTC)
    today = now.astimezone(VIETNAM).date()
    until: date | None
    if fields.get("decision") == "take_back":
        why, until, said = wording.words()["page"]["taken_back"], today - timedelta(days=1), "taken_back"
    else:
        why, until, said = reason_of(fields.get("why", "")), _day(fields.get("until", "")), "acknowledged"
        wrong = _what_is_wrong(why, until, today)
        if wrong:
            tried, status = (number, fields), HTTPStatus.UNPROCESSABLE_ENTITY
            return _agency_page(request, visits, code, rule, page, wrong, tried=tried, status=status)
    assert until is not None
    with page_connection() as connection:
        # Whose the finding is says the ledger; the form's agency is only where its page goes back to.
        if not acknowledge(connection, number, who, why, until, now, visits.listed):
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page" if visits.agencies is None else "not_yours")
    query = {"code": code, "rule": rule, "page": page, "said": said}
    base = request.scope.get("root_path", "")
    address = f"{base}/quality/agency?{urlencode({key: value for key, value in query.items() if value})}"
    return RedirectResponse(f"{address}#loi-{number}", HTTPStatus.SEE_OTHER, HEADERS)


def _agency_page(
    request: Request,
    visits: Visitor,
    code: str,
    rule: str,
    page: str,
    said: str,
    *,
    tried: tuple[int, dict[str, str]] | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    visits.must_see(code)
    place = page_in(page)
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            return render(request, "quality.html", report=None, **_common())
        report = _report(connection, run_no, code)
        known = {each.rule.code for each in report.results}
        chosen = rule if rule in known else None
        rows, more = _page_of_rows(connection, run_no, report.agency_code, chosen, place)
        mails = mails_of(connection, MailedReport("quality", run_no, report.agency_code))
    today = datetime.now(VIETNAM).date()
    return render(
        request,
        "quality_agency.html",
        status=status,
        as_of=report.run.data_as_of,
        report=report,
        chart=trend_chart(report.trend),
        late=late(report.figures),
        beside=beside(report.results),
        shares=shares_told(report.shares),
        rule=chosen,
        rows=rows,
        place=place,
        more=more,
        first=(place - 1) * ROWS_A_PAGE + 1,
        said=said,
        decides=not visits.is_auditor,
        tried=tried,
        earliest=today.isoformat(),
        latest=(today + LONGEST_ACKNOWLEDGEMENT).isoformat(),
        longest_reason=LONGEST_REASON,
        mailed=sum(mail.state == "sent" for mail in mails),
        not_mailed=sum(mail.state != "sent" for mail in mails),
        **_common(),
    )


def _report(connection: Connection, run_no: int, code: str) -> AgencyReport:
    try:
        return agency_report(connection, run_no, code)
    except LookupError:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency") from None


def _page_of_rows(
    connection: Connection, run_no: int, agency_code: str, rule: str | None, place: int
) -> tuple[list[RowToCorrect], bool]:
    rows = urgent_rows(connection, run_no, agency_code, rule, (place - 1) * ROWS_A_PAGE, ROWS_A_PAGE + 1)
    return rows[:ROWS_A_PAGE], len(rows) > ROWS_A_PAGE


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _what_is_wrong(why: str, until: date | None, today: date) -> str | None:
    if not why:
        return "no_reason"
    if len(why) > LONGEST_REASON:
        return "long_reason"
    # It is shown in mails and workbooks.
    if holds_phone(why):
        return "phone"
    if until is None or not today <= until <= today + LONGEST_ACKNOWLEDGEMENT:
        return "bad_day"
    return None


def _common() -> dict[str, Any]:
    return {"words": wording.words(), "w": wording}
