"""Compose the mails about data quality: one for each agency, and one for the Department over all agencies.

A mail has a plain text, an HTML text with the same figures, pictures that the HTML references by ``cid:``, and a
workbook. The words are in include/templates/mail. The figures come from ``motcua.quality.report_data``. This module
counts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from motcua.quality.report_data import (
    AgencyFigures,
    AgencyReport,
    DepartmentReport,
    RowToCorrect,
    RuleResult,
    TrendPoint,
)
from motcua.reports import wording
from motcua.reports.checks import InWords
from motcua.reports.lists import dossier_link
from motcua.reports.mail import Mail, inline_styles, tidy
from motcua.reports.quality.charts import Bar, Line, Picture, draw_agencies, draw_trend
from motcua.reports.quality.listed import dossier_address
from motcua.reports.quality.urgency import added_up, beside, late, most_urgent, shares_told
from motcua.reports.quality.workbook import MOST_ROWS, Workbook, agency_workbook, department_workbook
from motcua.templating import templates

ROWS_SHOWN = 8
"""How many rows the text of an agency's mail shows. The workbook has all rows."""
SHARES_SHOWN = 6
RULES_SHOWN = 15
FAULTS_SHOWN = 10
AGENCIES_SHOWN = 15
"""How many agencies the Department's chart and table show. The Department's workbook has all agencies."""


@dataclass(frozen=True, slots=True)
class SourceFault:
    """A fault of a source that makes messages about its dossiers unreliable, in words for a mail.

    No field names a dossier.
    """

    source: str
    said: InWords
    since: datetime
    is_new: bool
    """``True`` if the fault was found after the previous mail."""


def is_due(report: AgencyReport | DepartmentReport, faults: Sequence[SourceFault] = ()) -> bool:
    """Return whether a run needs a mail: the run found something new about data or a source, or is the first run."""
    return report.has_news or report.previous is None or any(each.is_new for each in faults)


def compose_agency_mail(
    report: AgencyReport,
    rows: Iterable[RowToCorrect],
    page_url: str | None = None,
    dossiers_url: str | None = None,
    untold: int = 0,
    faults: Sequence[SourceFault] = (),
) -> Mail:
    """Compose an agency's mail.

    Args:
        report: the agency's report of one run.
        rows: the rows to correct, in any order; the iterable is read once.
        page_url: address of the agency's page, if this deployment has one.
        dossiers_url: address of the page Hồ sơ, to which dossiers' codes link, if this deployment has one.
        untold: number of pushed dossiers that need a supplement, but whose citizen could not be informed, because no
            step at the one-stop desk was pushed.
        faults: faults of the agency's sources.
    """
    urgent, left_out = most_urgent(rows, MOST_ROWS)
    workbook = agency_workbook(report, urgent, left_out, dossiers_url) if urgent else None
    first = [row for row in urgent[:ROWS_SHOWN] if row.acknowledged is None]
    return _compose(
        "quality_agency",
        report,
        workbook,
        page_url,
        first_rows=[(row, _address(row, dossiers_url)) for row in first],
        trend=_trend(report.trend),
        chart=None,
        untold=untold,
        untold_of=(),
        faults=faults,
    )


def _address(row: RowToCorrect, dossiers_url: str | None) -> str | None:
    """Return the address of the page that shows a row's dossier. ``None`` if the row has no dossier."""
    if row.dossier_code is None:
        return None
    return dossier_address(dossiers_url, dossier_link(row.agency_code, row.dossier_code))


def compose_department_mail(
    report: DepartmentReport,
    rows: Iterable[RowToCorrect],
    page_url: str | None = None,
    dossiers_url: str | None = None,
    untold: Sequence[tuple[str, int]] = (),
    faults: Sequence[SourceFault] = (),
) -> Mail:
    """Compose the Department's mail. Its workbook has the findings that the Department must attend to.

    These are findings that an agency left uncorrected for too long, and findings that no agency can correct.

    ``untold`` lists the names of agencies with their numbers of dossiers whose citizen could not be informed
    (``compose_agency_mail`` explains them), the greatest number first. ``faults`` are the faults of all sources.
    """
    urged = (row for row in rows if row.stage == "remind_department" or row.rule.owner != "agency")
    workbook = department_workbook(report, *most_urgent(urged, MOST_ROWS), dossiers_url)
    return _compose(
        "quality_department",
        report,
        workbook,
        page_url,
        first_rows=(),
        trend=_trend(report.trend),
        chart=_chart(report.agencies),
        untold=sum(number for _, number in untold),
        untold_of=untold,
        faults=faults,
    )


# --- Templates ----------------------------------------------------------------------------------------------------


def _compose(
    template: str,
    report: AgencyReport | DepartmentReport,
    workbook: Workbook | None,
    page_url: str | None,
    *,
    trend: Picture | None,
    chart: Picture | None,
    **values: Any,  # noqa: ANN401
) -> Mail:
    trend_cid, chart_cid = f"dien-bien.{report.run.run_no}@motcuasms", f"co-quan.{report.run.run_no}@motcuasms"
    values |= {
        "report": report,
        "beside": beside(report.results),
        "words": wording.words(),
        "counted": _counted(report.figures),
        "attachment": workbook.name if workbook else None,
        "rows_written": workbook.rows if workbook else 0,
        "rows_left": workbook.left_out if workbook else 0,
        "page_url": page_url,
        "trend": trend,
        "trend_cid": trend_cid,
        "chart": chart,
        "chart_cid": chart_cid,
        "shares": shares_told(report.shares)[:SHARES_SHOWN],
        "agencies_shown": AGENCIES_SHOWN,
        "faults_shown": FAULTS_SHOWN,
    }
    plain = _templates().get_template(f"{template}.txt")
    subject = " ".join("".join(plain.blocks["subject"](plain.new_context(values))).split())
    html = _templates().get_template(f"{template}.html").render(values, subject=subject)
    pictures = tuple((cid, drawn) for cid, drawn in ((chart_cid, chart), (trend_cid, trend)) if drawn)
    reference = f"chat-luong.{report.run.run_no}.{report.run.seal[:12]}"
    attachments = (workbook,) if workbook else ()
    return Mail(reference, subject, tidy(plain.render(values)), inline_styles(html), pictures, attachments)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    filters: dict[str, Callable[..., Any]] = {
        "n": wording.count,
        "dec": wording.decimal,
        "judged": wording.judged,
        "signed": wording.signed,
        "day": wording.day,
        "moment": wording.moment,
        "rate_change": _rate_change,
        "tone": _tone,
        "late": late,
        "rules_told": _rules_told,
    }
    return templates("mail", filters)


def _worth_showing(result: RuleResult) -> bool:
    return bool(result.found or result.change.new or result.change.back or result.change.fixed)


@dataclass(frozen=True, slots=True)
class _RulesTold:
    """The rules that a mail lists, and the numbers of the other rules, with and without findings."""

    shown: list[RuleResult]
    more: int
    more_to_do: int
    clean: int
    sum: str
    """The sum of all findings to correct, in words."""


def _rules_told(report: AgencyReport | DepartmentReport) -> _RulesTold:
    checked = [each for each in report.results if each.status == "checked"]
    worth = [each for each in checked if _worth_showing(each)]
    shown, more = worth[:RULES_SHOWN], worth[RULES_SHOWN:]
    added = added_up(report.figures, beside(report.results))
    return _RulesTold(shown, len(more), sum(each.to_do for each in more), len(checked) - len(worth), added)


def _counted(figures: AgencyFigures) -> str:
    """Return how many findings an agency has, how many are acknowledged, and how many it must correct, in words."""
    sentence = wording.words()["counted_with" if figures.acknowledged else "counted"]
    numbers = {name: wording.count(getattr(figures, name)) for name in ("found", "acknowledged", "to_do")}
    return str(sentence.format(**numbers))


def _difference(figures: AgencyFigures) -> float | None:
    before = figures.change.previous_per_thousand
    return None if figures.per_thousand is None or before is None else figures.per_thousand - before


def _rate_change(figures: AgencyFigures) -> str:
    difference = _difference(figures)
    return "" if difference is None else wording.signed(difference)


def _tone(figures: AgencyFigures) -> str:
    written = _rate_change(figures)
    return {"+": "worse", wording.MINUS: "better"}.get(written[:1], "")


# --- Pictures -----------------------------------------------------------------------------------------------------


def _trend(points: tuple[TrendPoint, ...]) -> Picture | None:
    """Draw the chart of the trend. ``None`` if fewer than two periods have a figure, because there is no line then."""
    if sum(point.per_thousand is not None for point in points) < 2:
        return None
    groups = wording.words()["group"]
    return draw_trend(
        [point.label for point in points],
        [Line(name, tuple(point.by_group.get(group) for point in points)) for group, name in groups.items()],
    )


def _chart(agencies: tuple[AgencyFigures, ...]) -> Picture | None:
    groups = wording.words()["group"]
    bars = [
        Bar(
            figures.name,
            tuple(figures.by_group.get(group, 0) / figures.dossiers * 1000 for group in groups),
            figures.change.previous_per_thousand,
        )
        for figures in agencies
        if figures.per_thousand is not None
    ]
    return draw_agencies(bars[:AGENCIES_SHOWN], list(groups.values())) if bars else None
