"""The pages *Chất lượng dữ liệu*: figures of all agencies, the highest rate of findings first, and lists of findings.

A list shows the findings of one agency, of all agencies, or only those that a figure on a page counts.

With the forms on a list, visitors acknowledge a finding for a time, withdraw an acknowledgement, or check a finding
again against the present state of its dossier. The result of a repeated check is stored separately and does not change
the run. Administrators of the finding's agency and the Department decide. Auditors see the pages without forms. Each
decision needs the token of the page's form. The ledger stores each decision with the person and the time, and an
acknowledgement also with its reason and its last day. An agency's administrators see the pages of their own agencies
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from motcua.domain.clock import VIETNAM
from motcua.jobs.listing.lists import QUALITY, findings_of
from motcua.jobs.listing.reading import Listing
from motcua.quality.rechecking import recheck
from motcua.quality.report_data import AgencyReport, DepartmentReport, RuleResult
from motcua.quality.reporting import NoSuchAgency, agency_report, department_report, last_run_no
from motcua.quality.rules import load_rules
from motcua.reports import wording
from motcua.reports.quality.urgency import LEAST_DOSSIERS, added_up, beside, late, shares_told
from motcua.store.agencies import in_force, list_agencies
from motcua.store.intake.watching import supplements_untold_by
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.oversight.quality import acknowledge
from motcua.store.oversight.report_mails import MailedReport, mails_of
from motcua.web.forms import PageRefused, is_own_form, kept_query, number_in, page_in, sent_form
from motcua.web.lists import FileFormat, ShownList, file_of, shown_list
from motcua.web.quality.charts import bar_of, trend_chart
from motcua.web.quality.findings import (
    LONGEST_ACKNOWLEDGEMENT,
    LONGEST_REASON,
    Asked,
    FindingsAddress,
    checked,
    day_in,
    given,
    look_again,
    reason_of,
    title_of,
    what_is_wrong,
)
from motcua.web.rendering import HEADERS, render
from motcua.web.visitors import Visitor, Visits

router = APIRouter()


# --- All agencies -------------------------------------------------------------------------------------------------


@router.get("/quality")
def show_department(request: Request, visits: Visits) -> Response:
    """Show the figures of all agencies by the last run, the highest rate of findings first.

    An administrator of one agency is redirected to the list of that agency's findings. Administrators of several
    agencies get a list of these agencies.
    """
    if visits.agencies is not None:
        return _own_agencies(request, visits)
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            return render(request, "quality/quality.html", report=None, **_common_values(request))
        report = department_report(connection, run_no, least_dossiers=LEAST_DOSSIERS)
        agencies = _agencies(connection, report.run.day, visits)
        untold = supplements_untold_by(connection, report.run.as_of)
    highest = max((each.per_thousand or 0.0 for each in report.agencies), default=0.0) or 1.0
    return render(
        request,
        "quality/quality.html",
        as_of=report.run.data_as_of,
        bars={each.agency_code: bar_of(each, highest) for each in report.agencies},
        to_urge=sorted(
            (each for each in report.agencies if each.remind_department), key=lambda each: -each.remind_department
        ),
        agencies=agencies,
        untold=sum(each.dossiers for each in untold),
        of_agencies=[each for each in report.results if each.rule.owner == "agency"],
        of_others=[each for each in report.results if each.rule.owner != "agency"],
        **_report_values(report),
        **_common_values(request),
    )


@router.get("/quality/file")
def download_agencies(request: Request, visits: Visits, format: FileFormat) -> Response:
    """Return the agencies of the page as a file, the highest rate of findings first."""
    visits.must_see_all()
    with page_connection() as connection:
        report = department_report(connection, _last_run(connection), least_dossiers=LEAST_DOSSIERS)
    listing = QUALITY.of(report.agencies)
    return file_of(request, visits, listing, format, about=[checked(report.run)], as_of=report.run.data_as_of)


def _own_agencies(request: Request, visits: Visitor) -> Response:
    """Redirect to the page of an administrator's only agency, or list the agencies if there are several."""
    codes = visits.listed or []
    if len(codes) == 1:
        address = f"{request.scope.get('root_path', '')}/quality/findings?{urlencode({'code': codes[0]})}"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, HEADERS)
    with page_connection() as connection:
        names = {each.agency_code: each.name for each in list_agencies(connection)}
    return render(request, "users/own_agencies.html", agencies=[(code, names[code]) for code in codes])


@router.get("/quality/agency")
def moved(request: Request, visits: Visits, code: str = "") -> Response:
    """Redirect the former address of an agency's page to the list of its findings.

    If the address names no agency, redirect to the page of all agencies.
    """
    query = f"/findings?{request.url.query}" if code else ""
    address = f"{request.scope.get('root_path', '')}/quality{query}"
    return RedirectResponse(address, HTTPStatus.MOVED_PERMANENTLY, HEADERS)


# --- Findings -----------------------------------------------------------------------------------------------------


def _asked_for(code: str = "", rule: str = "", part: str = "", state: str = "") -> Asked:
    """Return the findings that an address asks for."""
    return Asked(code, rule, part, state)


AskedFor: TypeAlias = Annotated[Asked, Depends(_asked_for)]


@router.get("/quality/findings")
def show_findings(request: Request, visits: Visits, asked: AskedFor, page: str = "1", said: str = "") -> HTMLResponse:
    """Show the last run's findings, page by page: of an agency, of all agencies, or those that a figure counts."""
    return _list_page(request, visits, asked, page, _known_message(said))


@router.get("/quality/findings/file")
def download_findings(request: Request, visits: Visits, format: FileFormat, asked: AskedFor) -> Response:
    """Return the findings of the list as a file, the most urgent first."""
    _check_may_see(visits, asked)
    with page_connection() as connection:
        report = _report(connection, _last_run(connection), asked.code)
    if isinstance(report, AgencyReport):
        return _findings_file(request, visits, format, report, report.agency_code, asked, report.agency_name)
    everything = wording.words()["page"]["all_findings"]
    return _findings_file(request, visits, format, report, None, asked, everything)


def _findings_file(
    request: Request,
    visits: Visitor,
    format: FileFormat,
    report: AgencyReport | DepartmentReport,
    agency_code: str | None,
    asked: Asked,
    whose: str,
) -> Response:
    chosen = asked.chosen(_rules_of(report.results))
    title = title_of(chosen, report.results, "")
    about = [each for each in (whose, title, checked(report.run)) if each]
    listing = findings_of(report.run.run_no, agency_code, chosen)
    return file_of(request, visits, listing, format, about=about, as_of=report.run.data_as_of)


# --- Decisions ----------------------------------------------------------------------------------------------------


@router.post("/quality/findings")
def decide(request: Request, visits: Visits, fields: Annotated[dict[str, str], Depends(sent_form)]) -> Response:
    """Acknowledge a finding until a day, withdraw an acknowledgement, or check a finding again; then show the list."""
    if visits.is_auditor:
        raise PageRefused(HTTPStatus.FORBIDDEN, "may_not_acknowledge")
    who = visits.signature
    asked = Asked(*(fields.get(name, "") for name in ("code", "rule", "part", "state")))
    page = fields.get("page", "")
    _check_may_see(visits, asked)
    if not is_own_form(request, fields):
        return _list_page(request, visits, asked, page, "old_form", status=HTTPStatus.FORBIDDEN)
    number = number_in(fields.get("finding", ""))
    if number is None:
        raise PageRefused(HTTPStatus.BAD_REQUEST, "not_so")
    now = datetime.now(UTC)
    today = now.astimezone(VIETNAM).date()
    if fields.get("decision") == "recheck":
        with page_connection() as connection:
            outcome = recheck(connection, number, who, now, visits.listed)
        if outcome is None:
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page" if visits.agencies is None else "not_yours")
        return _back_to_list(request, asked, page, f"recheck_{outcome}", number)
    until: date | None
    if fields.get("decision") == "take_back":
        why, until, said = wording.words()["page"]["taken_back"], today - timedelta(days=1), "taken_back"
    else:
        why, until, said = reason_of(fields.get("why", "")), day_in(fields.get("until", "")), "acknowledged"
        wrong = what_is_wrong(why, until, today)
        if wrong:
            tried, status = (number, fields), HTTPStatus.UNPROCESSABLE_ENTITY
            return _list_page(request, visits, asked, page, wrong, tried=tried, status=status)
    assert until is not None
    with page_connection() as connection:
        # The ledger decides which agency a finding belongs to. The agency in the form only decides which page is shown
        # next.
        if not acknowledge(connection, number, who, why, until, now, visits.listed):
            raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page" if visits.agencies is None else "not_yours")
    return _back_to_list(request, asked, page, said, number)


def _back_to_list(request: Request, asked: Asked, page: str, said: str, number: int) -> Response:
    """Redirect to the list that contained the form, at the finding to which the form belongs."""
    query = given(asked.given | _order_and_search(request) | {"page": page, "said": said})
    address = f"{request.scope.get('root_path', '')}/quality/findings?{urlencode(query)}"
    return RedirectResponse(f"{address}#loi-{number}", HTTPStatus.SEE_OTHER, HEADERS)


def _known_message(said: str) -> str:
    return said if said in _MESSAGES else ""


_MESSAGES = ("acknowledged", "taken_back", "recheck_mended", "recheck_stands", "recheck_unknown")


def _check_may_see(visits: Visitor, asked: Asked) -> None:
    if asked.code:
        visits.must_see(asked.code)
    else:
        visits.must_see_all()


# --- Pages --------------------------------------------------------------------------------------------------------


def _list_page(
    request: Request,
    visits: Visitor,
    asked: Asked,
    page: str,
    said: str,
    *,
    tried: tuple[int, dict[str, str]] | None = None,
    status: int = HTTPStatus.OK,
) -> HTMLResponse:
    _check_may_see(visits, asked)
    place = page_in(page)
    with page_connection() as connection:
        run_no = last_run_no(connection)
        if run_no is None:
            return render(request, "quality/quality.html", report=None, **_common_values(request))
        report = _report(connection, run_no, asked.code)
        chosen = asked.chosen(_rules_of(report.results))
        listing = findings_of(run_no, asked.code or None, chosen)
        shown = _list_on_page(connection, request, visits, listing, asked, page)
        again = look_again(connection, report.run, shown.part.rows)
        agencies = _agencies(connection, report.run.day, visits)
        own = _agency_figures(connection, report) if isinstance(report, AgencyReport) else {}
    of_all = wording.words()["page"]["own_findings" if own else "all_findings"]
    return render(
        request,
        "quality/findings.html",
        status=status,
        as_of=report.run.data_as_of,
        agencies=agencies,
        list_name=title_of(chosen, report.results, of_all),
        own=own,
        chosen=chosen,
        shown=shown,
        again=again,
        **_report_values(report),
        **_list_values(visits, place, said, tried),
        **_common_values(request, asked.code),
    )


def _agency_figures(connection: Connection, report: AgencyReport) -> dict[str, int]:
    """Return figures of one agency that are not in its report."""
    untold = supplements_untold_by(connection, report.run.as_of, [report.agency_code])
    mails = mails_of(connection, MailedReport("quality", report.run.run_no, report.agency_code))
    return {
        "untold": sum(each.dossiers for each in untold),
        "mailed": sum(mail.state == "sent" for mail in mails),
        "not_mailed": sum(mail.state != "sent" for mail in mails),
    }


def _list_on_page(
    connection: Connection,
    request: Request,
    visits: Visitor,
    listing: Listing,
    asked: Asked,
    page: str,
) -> ShownList:
    """Return the list as a page shows it, both when a visitor opens the page and after a form on it was sent."""
    query = [*asked.given.items(), *_order_and_search(request).items(), ("page", page)]
    here = "/quality/findings"
    return shown_list(connection, request, visits, listing, here=here, query=query, file=f"{here}/file")


def _order_and_search(request: Request) -> dict[str, str]:
    """Return order and search of the list from the page's address, or from the address of the page with the form."""
    return {name: value for name, value in kept_query(request) if name in ("sort", "q") and value}


def _list_values(visits: Visitor, place: int, said: str, tried: tuple[int, dict[str, str]] | None) -> dict[str, Any]:
    """Return the values that a list of findings and its forms need."""
    today = datetime.now(VIETNAM).date()
    return {
        "place": place,
        "said": said,
        "decides": not visits.is_auditor,
        "tried": tried,
        "earliest": today.isoformat(),
        "latest": (today + LONGEST_ACKNOWLEDGEMENT).isoformat(),
        "longest_reason": LONGEST_REASON,
    }


def _report_values(report: AgencyReport | DepartmentReport) -> dict[str, Any]:
    """Return the values that the page of all agencies and the page of a list of findings both show."""
    besides = beside(report.results)
    return {
        "report": report,
        "chart": trend_chart(report.trend),
        "rated_from": load_rules({}).rated_from,
        "late": late(report.figures),
        "beside": besides,
        "added_up": added_up(report.figures, besides),
        "shares": shares_told(report.shares),
    }


def _agencies(connection: Connection, day: date, visits: Visitor) -> list[tuple[str, str]]:
    """Return code and name of the agencies that a visitor may choose, ordered by name."""
    names = {code: each.name_in_texts for code, each in in_force(connection, day).items() if visits.sees(code)}
    return sorted(names.items(), key=lambda each: (each[1].casefold(), each[0]))


def _rules_of(results: Sequence[RuleResult]) -> set[str]:
    return {each.rule.code for each in results}


def _last_run(connection: Connection) -> int:
    run_no = last_run_no(connection)
    if run_no is None:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_page")
    return run_no


def _report(connection: Connection, run_no: int, code: str) -> AgencyReport | DepartmentReport:
    """Return the report of an agency, or the report over all agencies if no code is given."""
    if not code:
        return department_report(connection, run_no, least_dossiers=LEAST_DOSSIERS)
    try:
        return agency_report(connection, run_no, code)
    except NoSuchAgency:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_agency") from None


def _common_values(request: Request, code: str = "") -> dict[str, Any]:
    to_list = FindingsAddress(request.scope.get("root_path", ""), code)
    return {"words": wording.words(), "w": wording, "to_list": to_list}
