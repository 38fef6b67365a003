"""Compose the content of the printable report and of the page: sections of paragraphs, tables and charts.

Report and page are laid out from this content alone, so that they cannot differ. A day's report is a plain sheet of
figures. The report of a month or a longer period is a document that the Department issues, in the form of Nghị định
30/2020/NĐ-CP. Such a document also proposes which agencies to urge to improve.

A *closing* is the stored figures of one finished period.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import compress
from operator import itemgetter
from typing import Any, Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.costs import cost_by_sms_alone, cost_of, unpriced, whole
from motcua.domain.reconciliation import STATES, ChannelFigures, MessageFigures, Urged
from motcua.reports.publication.charts import Drawing, draw_dossiers, draw_messages
from motcua.reports.publication.data import AgencyLine, Told, duration, points, spared_of
from motcua.reports.wording import LEAST_JUDGED, count, day, moment, rate, signed, too_few

ROWS_SHOWN = 20
"""How many rows a table by procedure, reason or case shows. The workbook and the CSV files have all rows."""
AGENCIES_DRAWN = 20
UNRANKED_NAMED = 5
"""How many unranked agencies the summary names. The table has all of them."""
_IDENTITY = (
    "expected", "suppressed", "cancelled", "tellable", "waiting", "lost", "sent", "delivered", "of_tellable",
)  # fmt: skip
"""Columns of the table of messages by kind, after the column of the kind and before the column of the difference."""
_AGENCIES = ("expected", "suppressed", "cancelled", "tellable", "delivered", "of_tellable")
"""Columns of the table of messages by agency, after rank and agency, and before change and difference."""
_PROCEDURES = ("expected", "tellable", "delivered", "of_tellable")
"""Columns of the table of messages by procedure, after procedure and agency, and before the difference."""

Tone: TypeAlias = Literal["", "bad", "good", "soft", "total"]
Align: TypeAlias = Literal["left", "right"]
Columns: TypeAlias = Sequence[tuple[str, Align, int]]
"""The columns of a table. Each has the name of its head in the template's words, its alignment, and its share of the
table's width."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph. Its tone is ``bad`` for a warning, ``good`` for good news, ``soft`` for a remark."""

    text: str
    tone: Tone = ""
    sort: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``share`` is its width relative to the other columns, or 0 for the width of its words."""

    head: str
    align: Align
    share: int


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    cells: tuple[str, ...]
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, which may continue on the next page, where its head is repeated."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    sort: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its caption."""

    caption: str
    drawing: Drawing
    note: str = ""
    sort: str = "chart"


Block: TypeAlias = Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole report, with every word and number as readers see it."""

    is_sheet: bool
    """``True`` if the report is a plain sheet of figures, and not a document that the Department issues.

    A sheet names only who made it. It has no addressee, opening, ending or signature.
    """
    letterhead: dict[str, str]
    place_and_date: str
    about: str
    addressed_to: str
    """The addressees, one in each line."""
    grounds: tuple[str, ...]
    opening: str
    sections: tuple[Section, ...]
    ending: str
    copies: tuple[str, ...]
    title: str
    """The title for a window or the file's properties."""
    software: str


def compose_document(told: Told) -> Document:
    """Compose the report over all agencies."""
    words, closing = told.words["letterhead"], told.report.closing
    filled = {"period": told.period, "as_of": moment(closing.as_of), "closing": closing.closing_no}
    about = words["about_correction" if closing.corrects is not None else "about"].format(**filled)
    builder = _Sections(told)
    if closing.period.is_day:
        sheet = told.words["sheet"]
        return Document(
            is_sheet=True,
            letterhead={name: sheet[name] for name in ("issuer", "machine_copy")},
            place_and_date="",
            about=about,
            addressed_to="",
            grounds=(sheet["closing"].format(**filled),),
            opening="",
            sections=builder.daily(),
            ending="",
            copies=(),
            title=about,
            software=told.report.software,
        )
    names = ["parent", "issuer", "number", "country", "motto", "machine_copy", "report", "copies", "signer"]
    return Document(
        is_sheet=False,
        letterhead={name: words[name] for name in names},
        place_and_date=words["date"].format(
            place=words["place"], **official_date(closing.closed_at.astimezone(VIETNAM).date())
        ),
        about=about,
        addressed_to=words["to"],
        grounds=tuple(each.format(**filled) for each in words["grounds"]),
        opening=words["opening"].format(**filled),
        sections=builder.full(),
        ending=words["closing"].format(**filled),
        copies=tuple(words["copied_to"]),
        title=f"{words['report'].capitalize()}: {about}",
        software=told.report.software,
    )


def official_date(on: date) -> dict[str, str]:
    """Return a date as Nghị định 30/2020 writes it, with leading zeros for days below 10 and months 1 and 2."""
    return {
        "day": f"{on.day:02d}",
        "month": f"{on.month:02d}" if on.month <= 2 else str(on.month),
        "year": str(on.year),
    }


def summary_lines(told: Told) -> list[Paragraph]:
    """Return the summary: the accounting identity, whether it holds, shares, the change, the worst agencies."""
    words, report = told.words["summary"], told.report
    lines = [Paragraph(identity_line(told))]
    if told.difference:
        unbalanced = words["unbalanced_pushed" if told.pushed else "unbalanced"].format(
            difference=count(told.difference), groups=count(len(told.unbalanced))
        )
        lines.append(Paragraph(unbalanced, "bad"))
    elif report.closing.sources_unread:
        lines.append(Paragraph(words["balanced_unread"], "bad"))
    else:
        lines.append(Paragraph(words["balanced_pushed" if told.pushed else "balanced"], "good"))
    if told.pushed:
        lines.append(Paragraph(pushed_line(told)))
    # The number in the closing counts the differences of all agencies. A report for one agency counts only its own.
    unexplained = max(len(told.unexplained), report.closing.unexplained if told.agency is None else 0)
    if unexplained:
        lines.append(Paragraph(words["unexplained"].format(number=count(unexplained)), "bad"))
    if report.closing.sources_unread:
        lines.append(Paragraph(words["unread"].format(names=", ".join(report.closing.sources_unread)), "bad"))
    if told.stops:
        lines.append(Paragraph(words["stops"].format(number=count(len(told.stops))), "bad"))
    lines.append(Paragraph(shares_line(told)))
    if told.replies.expected:
        lines.append(Paragraph(replies_line(told)))
    lines.append(Paragraph(change_line(told)))
    if told.agency is None and told.worst:
        names = [words["worst_one"].format(name=each.name, share=told.share(each.notices)) for each in told.worst]
        lines.append(Paragraph(words["worst"].format(names="; ".join(names))))
    if told.agency is None and told.places and told.unranked:
        lines.append(Paragraph(unranked_line(told)))
    return lines


def unranked_line(told: Told) -> str:
    """Return the sentence about agencies that the ranking leaves out. It names a few of them."""
    words, left_out = told.words["summary"], told.unranked
    names = "; ".join(each.name for each in left_out[:UNRANKED_NAMED])
    if len(left_out) > UNRANKED_NAMED:
        names = words["unranked_more"].format(names=names, number=count(len(left_out) - UNRANKED_NAMED))
    return str(words["unranked"].format(number=count(len(left_out)), least=LEAST_JUDGED, names=names))


def pushed_line(told: Told) -> str:
    """Return the sentence about agencies whose figures rest on pushed data, with the sources of the data."""
    words, agencies = told.words["summary"], {each.agency_code for each in told.pushed}
    names = ", ".join(sorted({each.source for each in told.pushed}))
    return str(
        words["pushed" if told.agency is None else "pushed_own"].format(number=count(len(agencies)), names=names)
    )


def shares_line(told: Told) -> str:
    """Return the sentence about the delivered share, which refers to all messages except replies."""
    total = told.notices
    form = "no_shares" if not total.sent else "shares" if total.tellable >= LEAST_JUDGED else "shares_few"
    return str(
        told.words["summary"][form].format(
            delivered=count(total.delivered),
            share=told.share(total),
            of_sent=rate(total.delivered, total.sent),
            few=too_few(),
            formula=formula(told, total),
        )
    )


def replies_line(told: Told) -> str:
    """Return the sentence about the number of replies. Replies are part of no share."""
    return str(told.words["summary"]["replies"].format(number=count(told.replies.expected)))


def formula(told: Told, row: MessageFigures) -> str:
    """Return the base of the delivered share: ``92 tin cần gửi = 120 phải nhắn − 18 không gửi − 10 đã hủy``."""
    words = told.words["summary"]
    return str(
        words["formula"].format(
            tellable=count(row.tellable),
            expected=count(row.expected),
            suppressed=count(row.suppressed),
            cancelled=count(row.cancelled),
        )
    )


def identity_line(told: Told) -> str:
    """Return the accounting identity, ``Phải nhắn 120 tin = …``, with every state that occurs and any difference."""
    words, total = told.words["summary"], told.total
    terms = [(told.words["state"][state].lower(), getattr(total, state)) for state in STATES]
    written = [words["term"].format(state=name, number=count(number)) for name, number in terms if number]
    if total.difference:
        written.append(
            words["term"].format(state=told.words["heads"]["difference"].lower(), number=count(total.difference))
        )
    if not written and not total.expected:
        return str(words["identity_none"])
    return str(words["identity"].format(expected=count(total.expected), terms=" + ".join(written) or "0"))


def change_line(told: Told) -> str:
    """Return the sentence that compares the period with the period before."""
    words, before, notices = told.words["summary"], told.total_before, told.notices_before
    if before is None or notices is None:
        return str(words["no_previous"])
    return str(
        words["change_no_share" if told.change is None else "change"].format(
            previous=told.previous_period,
            share=told.share(notices),
            change=points(told.change),
            expected=count(before.expected),
            expected_change=signed(told.total.expected - before.expected, 0),
        )
    )


def _billed(told: Told) -> str:
    """Return the billed units: ``120 tin qua zalo, 45 đoạn tin qua kannel``. A single gateway is not named."""
    groups = {key: sum(row.units for row in rows) for key, rows in told.by_gateway.items()}
    if told.report.closing.known_attempt is None or not groups:
        groups = {("", "segment"): told.total.segments}
    return ", ".join(f"{count(units)} {_unit(told, *key)}" for key, units in groups.items())


def _unit(told: Told, gateway: str, billed_unit: str) -> str:
    """Return the unit that a gateway bills, in words."""
    names = told.words["channels"]
    unit: str = names["unit"][billed_unit]
    return names["by"].format(unit=unit, gateway=gateway or names["unknown"]) if len(told.by_gateway) > 1 else unit


def _unpriced(told: Told, rows: Iterable[ChannelFigures]) -> str:
    """Return the units for which the closing has no price, such as ``một tin qua zalo``.

    Callers must call this only if some price is missing. If every given row has a price, the price of an SMS segment
    is the missing one.
    """
    names = told.words["channels"]
    units = [_unit(told, *each) for each in unpriced(told.report.closing, rows)] or [names["unit"]["segment"]]
    return ", ".join(names["one"].format(unit=unit) for unit in units)


def cost_line(told: Told) -> str:
    """Return the sentence about billed units and their cost in đồng, compared with the year's budget."""
    words, budget, billed = told.words["summary"], told.report.budget, _billed(told)
    if budget.spent_in_period is None:
        return str(words["cost_unknown"].format(billed=billed, unpriced=_unpriced(told, told.channels)))
    if budget.spent_in_year is None:
        spent = count(budget.spent_in_period)
        return str(words["cost_of_period"].format(billed=billed, spent=spent, year=budget.year))
    of_year = words["cost_no_budget"]
    if budget.for_year:
        of_year = words["cost_budget"].format(
            for_year=count(budget.for_year), share=told.percent(budget.spent_in_year / budget.for_year)
        )
    return str(
        words["cost"].format(
            billed=billed,
            spent=count(budget.spent_in_period),
            year=budget.year,
            spent_in_year=count(budget.spent_in_year),
            budget=of_year,
        )
    )


def dossiers_line(told: Told) -> str:
    """Return the sentence about dossiers received and resolved."""
    words, total = told.words["summary"], told.dossiers_total
    without = (
        words["without_due"].format(number=count(total.resolved_without_due)) if total.resolved_without_due else ""
    )
    return str(
        words["dossiers"].format(
            received=count(total.received),
            carried_over=count(total.carried_over),
            resolved=count(total.resolved),
            early=count(total.resolved_early),
            on_time=count(total.resolved_on_time),
            late=count(total.resolved_late),
            without_due=without,
            withdrawn=count(total.withdrawn),
        )
    )


def dossiers_change_line(told: Told) -> str | None:
    """Return the sentence that compares dossiers with the period before. ``None`` if that period was not closed."""
    before, now = told.dossiers_before, told.dossiers_total
    if before is None:
        return None
    figures = {
        "received": (now.received, before.received),
        "resolved": (now.resolved, before.resolved),
        "late": (now.resolved_late, before.resolved_late),
    }
    values = {name: count(old) for name, (_, old) in figures.items()}
    values |= {f"{name}_change": signed(new - old, 0) for name, (new, old) in figures.items()}
    return str(told.words["summary"]["dossiers_change"].format(previous=told.previous_period, **values))


def time_line(told: Told) -> str | None:
    """Return the sentence about the time from a result to the delivery of its message, ``None`` without a delivery."""
    timing = told.timings.get((told.agency, None, "result"))
    if timing is None:
        return None
    return str(
        told.words["summary"]["time"].format(median=duration(timing.median_seconds), p95=duration(timing.p95_seconds))
    )


def apologies_line(told: Told) -> str:
    """Return the sentence about how many apologies were right, were wrong, concerned a paused dossier, or were missing
    before a late result."""
    counts = told.counts_total
    return str(
        told.words["summary"]["apologies"].format(
            right=count(counts.apologies_right),
            wrong=count(counts.apologies_wrong),
            stopped=count(counts.apologies_stopped),
            untold=count(counts.late_untold),
        )
    )


def inquiries_line(told: Told) -> str:
    """Return the sentence about inquiries, the texts that citizens send to the number 9029."""
    counts = told.counts_total
    return str(
        told.words["summary"]["inquiries"].format(
            inquiries=count(counts.inquiries), fees=count(counts.inquiry_fees), told=count(counts.told_without_result)
        )
    )


def complaints_line(told: Told) -> str:
    """Return the sentence about the number of complaints."""
    words, number = told.words["summary"], sum(each.complaints for each in told.complaints)
    return str(words["complaints"].format(number=count(number)) if number else words["complaints_none"])


def corrected_line(told: Told) -> str:
    """Return the sentence about the publication or closing that is corrected."""
    words, corrected = told.words["corrected"], told.corrected
    if corrected is None:
        return str(words["with_closing"].format(closing=told.report.closing.corrects))
    return str(words["with_publication"].format(publication=corrected.publication_no))


def evidence(told: Told, urged: Urged) -> str:
    """Return why an agency is to be urged: the figure, its threshold, and the base of the share."""
    words = told.words["urged"]
    values = {
        "value": told.percent(urged.value),
        "threshold": told.percent(urged.threshold),
        "of_all": count(urged.of_all),
    }
    return str(words["evidence"].format(**values, unit=words["unit"][urged.measure]))


class _Sections:
    """Builds the sections of a report."""

    def __init__(self, told: Told) -> None:
        self._told, self._words = told, told.words
        self._heads, self._said = told.words["heads"], told.words["summary"]

    def daily(self) -> tuple[Section, ...]:
        return self._without_empty(
            self._corrected(),
            ("overall", self._overall()),
            ("agencies", self._agencies()),
            ("reasons", self._reasons(10)),
            ("reconciled", self._reconciled()),
            ("left_out", self._left_out()),
            ("check", self._check()),
        )

    def full(self) -> tuple[Section, ...]:
        return self._without_empty(
            self._corrected(),
            ("overall", [*self._overall(), *self._time()]),
            ("agencies", self._agencies()),
            ("dossiers", self._dossiers()),
            ("reasons", self._reasons(ROWS_SHOWN)),
            ("procedures", self._procedures()),
            ("reconciled", self._reconciled()),
            ("citizens", self._citizens()),
            ("cost", self._cost()),
            ("urged", self._urged()),
            ("left_out", self._left_out()),
            ("check", self._check()),
        )

    def _without_empty(self, *sections: tuple[str, Iterable[Block]]) -> tuple[Section, ...]:
        named = ((self._words["sections"][name], tuple(blocks)) for name, blocks in sections)
        return tuple(Section(title, blocks) for title, blocks in named if blocks)

    def _table(
        self,
        name: str,
        columns: Columns,
        rows: Sequence[Row],
        most: int | None = None,
        note: str = "",
    ) -> Table:
        shown = rows[:most] if most is not None else rows
        more = self._said["more_rows"].format(number=count(len(rows) - len(shown))) if len(shown) < len(rows) else ""
        # Rows with too few cases for a share get a dash, and one note below the table explains it.
        few = self._said["few"].format(least=LEAST_JUDGED) if any(too_few() in row.cells for row in shown) else ""
        dash = self._words["names"]["dash"]
        written = [
            replace(row, cells=tuple(dash if each == too_few() else each for each in row.cells)) for row in shown
        ]
        heads = [Column(self._heads[head], align, width) for head, align, width in columns]
        says = [self._has_values(place, written) for place in range(len(heads))]
        return Table(
            self._words["tables"][name],
            tuple(compress(heads, says)),
            tuple(replace(row, cells=tuple(compress(row.cells, says))) for row in written),
            " ".join(filter(None, (note, few, more))),
        )

    def _has_values(self, place: int, rows: Sequence[Row]) -> bool:
        """Return whether a column has a value in any row except the row of the total."""
        own = [row for row in rows if row.tone != "total"] or rows
        return any(row.cells[place] not in ("", self._words["names"]["dash"]) for row in own)

    def _corrected(self) -> tuple[str, list[Block]]:
        arranged_report = self._told
        if arranged_report.report.closing.corrects is None:
            return "corrected", []
        blocks: list[Block] = [Paragraph(corrected_line(arranged_report))]
        if not arranged_report.changes:
            return "corrected", [*blocks, Paragraph(self._words["corrected"]["no_changes"])]
        rows = [
            Row(
                (
                    arranged_report.agency_name(each.agency_code),
                    arranged_report.procedure_name(each.procedure_code),
                    self._words["kind"].get(each.kind, self._words["names"]["dash"]),
                    arranged_report.figure_name(each.figure),
                    count(each.was),
                    count(each.became),
                    arranged_report.causes(each),
                )
            )
            for each in arranged_report.changes
        ]
        columns: Columns = [
            ("agency", "left", 3),
            ("procedure", "left", 3),
            ("kind", "left", 2),
            ("figure", "left", 2),
            ("was", "right", 0),
            ("became", "right", 0),
            ("causes", "left", 3),
        ]
        return "corrected", [*blocks, self._table("changes", columns, rows, 3 * ROWS_SHOWN)]

    def _overall(self) -> list[Block]:
        arranged_report = self._told
        read = arranged_report.report.closing.data_as_of
        as_of = self._said["data_as_of"].format(moment=moment(read)) if read else self._said["never_read"]
        rows = [self._identity_row(self._words["kind"][row.kind], row) for row in arranged_report.by_kind]
        rows.append(self._identity_row(self._words["names"]["all"], arranged_report.total, total=True))
        columns: Columns = [
            ("kind", "left", 2),
            *[(name, "right", 1) for name in (*_IDENTITY, "difference")],
        ]
        return [
            *summary_lines(arranged_report),
            Paragraph(as_of, "" if read else "bad"),
            self._table("identity", columns, rows),
        ]

    def _identity_row(self, name: str, row: MessageFigures, *, total: bool = False) -> Row:
        cells = self._cells(row, (*_IDENTITY, "difference"), notices=self._told.notices if total else None)
        return Row((name, *cells), "bad" if row.difference else "total" if total else "")

    def _cells(
        self,
        row: MessageFigures,
        columns: Iterable[str],
        change: float | None = None,
        notices: MessageFigures | None = None,
    ) -> list[str]:
        """Return figures of messages for these columns. Shares refer to ``notices``, by default to the whole row."""
        written = {
            **{state: count(getattr(row, state)) for state in STATES},
            "expected": count(row.expected),
            "tellable": count(row.tellable),
            "waiting": count(row.in_hand),
            "lost": count(row.expired + row.rejected),
            "sent": count(row.sent),
            "of_tellable": self._told.share(notices or row),
            "change": points(change),
            "difference": count(row.difference),
        }
        return [written[column] for column in columns]

    def _time(self) -> list[Block]:
        line = time_line(self._told)
        return [Paragraph(line)] if line else []

    def _agencies(self) -> list[Block]:
        lines = self._told.agencies
        if not lines:
            return []
        shown = (*_AGENCIES, "change", "difference")
        rows = [
            Row(
                (
                    str(self._told.places.get(each.agency_code, "")),
                    each.name,
                    *self._cells(each.messages, shown, each.change, each.notices),
                ),
                "bad" if each.messages.difference else "",
            )
            for each in lines
        ]
        total = self._told.total
        rows.append(
            Row(
                ("", self._words["names"]["all"], *self._cells(total, shown, self._told.change, self._told.notices)),
                "bad" if total.difference else "total",
            )
        )
        columns: Columns = [
            ("place", "right", 0),
            ("agency", "left", 4),
            *[(name, "right", 1) for name in shown],
        ]
        return [*self._chart("messages", lines), self._table("agencies", columns, rows)]

    def _chart(self, name: Literal["messages", "dossiers"], lines: Sequence[AgencyLine]) -> list[Block]:
        draw = draw_messages if name == "messages" else draw_dossiers
        drawn = [
            each
            for each in lines
            if (each.notices.tellable if name == "messages" else each.dossiers.resolved) >= LEAST_JUDGED
        ]
        if not drawn:
            return []
        note = self._said["more_agencies"].format(number=AGENCIES_DRAWN) if len(drawn) > AGENCIES_DRAWN else ""
        return [Chart(self._words["charts"][name], draw(self._told, drawn[:AGENCIES_DRAWN]), note)]

    def _dossiers(self) -> list[Block]:
        arranged_report = self._told
        lines = sorted(
            (each for each in arranged_report.agencies if each.agency_code),
            key=lambda each: (-each.dossiers.resolved_late - each.dossiers.open_late, each.name),
        )
        rows = []
        for name, own, tone in (
            *((each.name, each.dossiers, "") for each in lines),
            (self._words["names"]["all"], arranged_report.dossiers_total, "total"),
        ):
            figures = (
                own.received,
                own.resolved,
                own.resolved_early,
                own.resolved_on_time,
                own.resolved_late,
                own.open_in_time + own.open_late,
                own.paused_in_time + own.paused_late,
                own.open_late + own.paused_late,
            )
            rows.append(Row((name, *map(count, figures)), tone))  # type: ignore[arg-type]
        columns: Columns = [
            ("agency", "left", 3),
            *[
                (head, "right", 1)
                for head in ("received", "resolved", "early", "on_time", "late", "open", "paused", "open_late")
            ],
        ]
        return [
            Paragraph(dossiers_line(arranged_report)),
            *([Paragraph(changed)] if (changed := dossiers_change_line(arranged_report)) else []),
            *self._chart("dossiers", lines),
            self._table("dossiers", columns, rows),
        ]

    def _reasons(self, most: int) -> list[Block]:
        rows = [
            Row((self._words["state"][state], self._told.reason(reason), count(number)))
            for state, reason, number in self._told.reasons
        ]
        if not rows:
            return []
        columns: Columns = [
            ("state", "left", 1),
            ("reason", "left", 3),
            ("number", "right", 0),
        ]
        return [self._table("reasons", columns, rows, most)]

    def _procedures(self) -> list[Block]:
        arranged_report, shown = self._told, (*_PROCEDURES, "difference")
        rows = [
            Row(
                (
                    arranged_report.procedure_name(each.procedure_code),
                    arranged_report.agency_name(each.agency_code),
                    *self._cells(each, shown),
                ),
                "bad" if each.difference else "",
            )
            for each in arranged_report.procedures
            if each.agency_code and (each.expected or each.difference)
        ]
        if not rows:
            return []
        columns: Columns = [
            ("procedure", "left", 4),
            ("agency", "left", 3),
            *[(name, "right", 1) for name in shown],
        ]
        return [self._table("procedures", columns, rows, ROWS_SHOWN)]

    def _reconciled(self) -> list[Block]:
        arranged_report, names = self._told, self._words
        blocks: list[Block] = []
        by_reason = Counter((each.side, each.reason, each.is_explained) for each in arranged_report.differences)
        if by_reason:
            order = sorted(by_reason.items(), key=lambda item: (item[0][2], -item[1], item[0]))
            rows = [
                Row(
                    (
                        names["side"][side],
                        names["difference"][reason],
                        count(number),
                        self._heads["has_reason" if explained else "has_no_reason"],
                    ),
                    "" if explained else "bad",
                )
                for (side, reason, explained), number in order
            ]
            columns: Columns = [
                ("side", "left", 2),
                ("reason", "left", 4),
                ("rows", "right", 0),
                ("explained", "left", 0),
            ]
            blocks.append(self._table("differences", columns, rows))
        else:
            blocks.append(Paragraph(self._said["differences_none"]))
        if arranged_report.unexplained:
            rows = [
                Row(
                    (
                        arranged_report.agency_name(each.agency_code),
                        each.dossier_code or names["names"]["dash"],
                        names["kind"][each.kind],
                        names["difference"][each.reason],
                        day(each.occurred_at) if each.occurred_at else names["names"]["dash"],
                    ),
                    "bad",
                )
                for each in arranged_report.unexplained
            ]
            columns = [
                ("agency", "left", 3),
                ("dossier", "left", 3),
                ("kind", "left", 1),
                ("reason", "left", 3),
                ("moment", "right", 0),
            ]
            blocks.append(self._table("unexplained", columns, rows, ROWS_SHOWN))
        if arranged_report.pushed:
            rows = [
                Row((arranged_report.agency_name(each.agency_code), each.source)) for each in arranged_report.pushed
            ]
            blocks.append(self._table("pushed", [("agency", "left", 3), ("source", "left", 2)], rows, ROWS_SHOWN))
        orphans = Counter(each.sort for each in arranged_report.orphans)
        if orphans:
            rows = [Row((names["orphan"][sort], count(number))) for sort, number in sorted(orphans.items())]
            blocks.append(self._table("orphans", [("what_orphan", "left", 1), ("rows", "right", 0)], rows))
        else:
            blocks.append(Paragraph(self._said["orphans_none"]))
        return blocks

    def _citizens(self) -> list[Block]:
        arranged_report = self._told
        rows = []
        for each in arranged_report.agencies:
            own = each.counts
            figures = (
                own.apologies_right,
                own.apologies_wrong,
                own.late_untold,
                own.inquiries,
                own.told_without_result,
                own.findings_open,
            )
            if any(figures):
                rows.append(Row((each.name, *map(count, figures))))
        columns: Columns = [
            ("agency", "left", 3),
            *[
                (head, "right", 1)
                for head in (
                    "apologies_right",
                    "apologies_wrong",
                    "late_untold",
                    "inquiries",
                    "told_without_result",
                    "findings_open",
                )
            ],
        ]
        findings = self._said["findings"].format(number=count(arranged_report.counts_total.findings_open))
        blocks: list[Block] = [
            Paragraph(apologies_line(arranged_report)),
            Paragraph(inquiries_line(arranged_report)),
            Paragraph(findings),
        ]
        if rows:
            blocks.append(self._table("citizens", columns, rows))
        blocks.append(Paragraph(complaints_line(arranged_report)))
        if arranged_report.complaints:
            rows = [
                Row(
                    (
                        arranged_report.agency_name(each.agency_code),
                        self._words["claim"].get(each.claim, each.claim),
                        self._words["outcome"].get(each.outcome, each.outcome),
                        count(each.complaints),
                    )
                )
                for each in arranged_report.complaints
            ]
            columns = [("agency", "left", 3), ("claim", "left", 3), ("outcome", "left", 2), ("rows", "right", 0)]
            blocks.append(self._table("complaints", columns, rows, ROWS_SHOWN))
        return blocks

    def _cost(self) -> list[Block]:
        arranged_report, closing = self._told, self._told.report.closing
        blocks: list[Block] = [Paragraph(cost_line(arranged_report))]
        if len(arranged_report.by_gateway) < 2 and not spared_of(arranged_report.channels):
            return blocks
        rows = [
            Row(
                (
                    gateway or self._words["channels"]["unknown"],
                    self._words["channels"]["unit"][unit],
                    count(sum(row.taken for row in of_gateway)),
                    count(sum(row.units for row in of_gateway)),
                    self._dong(cost_of(closing, of_gateway)),
                )
            )
            for (gateway, unit), of_gateway in arranged_report.by_gateway.items()
        ]
        columns: Columns = [
            ("gateway", "left", 3),
            ("billed_unit", "left", 2),
            *[(head, "right", 1) for head in ("number", "units", "cost")],
        ]
        return [*blocks, self._table("channels", columns, rows), *self._saved()]

    def _saved(self) -> list[Block]:
        """Return the table of how much more sending by SMS alone would have cost, by agency."""
        arranged_report, closing = self._told, self._told.report.closing
        spared = spared_of(arranged_report.channels)
        if not spared:
            return []
        if closing.segment_price is None or unpriced(closing, spared):
            missing = [] if closing.segment_price is None else spared
            return [Paragraph(self._said["saved_unknown"].format(unpriced=_unpriced(arranged_report, missing)), "soft")]
        lines = sorted(
            ((each.name, each.spared, "") for each in arranged_report.agencies if each.spared), key=itemgetter(0)
        )
        rows = []
        for name, own, tone in (*lines, (self._words["names"]["all"], spared, "total")):
            alone, paid = cost_by_sms_alone(closing, own), cost_of(closing, own)
            saved = None if alone is None or paid is None else alone - paid
            figures = (sum(row.taken for row in own), sum(row.segments for row in own))
            rows.append(Row((name, *map(count, figures), *map(self._dong, (alone, paid, saved))), tone))  # type: ignore[arg-type]
        columns: Columns = [
            ("agency", "left", 3),
            *[(head, "right", 1) for head in ("number", "segments", "by_sms", "paid", "saved")],
        ]
        note = self._said["saved"].format(price=count(closing.segment_price))
        return [self._table("saved", columns, rows, note=note)]

    def _dong(self, amount: Decimal | None) -> str:
        return self._words["names"]["dash"] if amount is None else count(whole(amount) or 0)

    def _urged(self) -> list[Block]:
        arranged_report = self._told
        if not arranged_report.urged:
            return [Paragraph(self._said["nobody_urged"])]
        rows = [
            Row(
                (
                    arranged_report.agency_name(each.agency_code),
                    self._words["measure"][each.measure],
                    evidence(arranged_report, each),
                )
            )
            for each in arranged_report.urged
        ]
        columns: Columns = [
            ("agency", "left", 3),
            ("measure", "left", 3),
            ("evidence", "left", 3),
        ]
        return [self._table("urged", columns, rows)]

    def _left_out(self) -> list[Block]:
        words = self._words["left_out"]
        rows = []
        for each in self._told.report.agencies:
            if each.kinds_off:
                kinds = ", ".join(self._words["kind"][kind].lower() for kind in each.kinds_off)
                reason = each.kinds_off_reason or self._words["names"]["unknown"]
                rows.append(Row((each.name, words["kinds"].format(kinds=kinds), reason)))
            if each.same_day_excluded:
                named = [self._told.report.procedures.get(code, code) for code in each.same_day_procedures]
                what = ": ".join(filter(None, (words["same_day"], "; ".join(named))))
                rows.append(Row((each.name, what, each.same_day_reason or self._words["names"]["dash"])))
        columns: Columns = [
            ("agency", "left", 3),
            ("what", "left", 3),
            ("reason", "left", 3),
        ]
        blocks: list[Block] = [self._table("left_out", columns, rows) if rows else Paragraph(self._said["nothing_off"])]
        if self._told.stops:
            blocks.append(self._stops())
        off = [each.name for each in self._told.report.agencies if not each.enabled]
        if off:
            blocks.append(Paragraph(self._said["not_enabled"].format(names="; ".join(off))))
        return blocks

    def _stops(self) -> Table:
        words, as_of = self._words["stops"], self._told.report.closing.as_of
        rows = []
        for each in self._told.stops:
            if each.ended_at is not None:
                until = words["ended"].format(moment=moment(each.ended_at))
            else:
                until = words["to_end" if each.until > as_of else "over"].format(moment=moment(each.until))
            rows.append(Row((*self._told.stopped(each), moment(each.stopped_at), until, each.reason)))
        columns: Columns = [
            ("agency", "left", 3),
            ("kind", "left", 2),
            ("stopped_at", "left", 2),
            ("until", "left", 2),
            ("reason", "left", 3),
        ]
        return self._table("stops", columns, rows)

    def _check(self) -> list[Block]:
        report = self._told.report
        filled: dict[str, Any] = {
            "closing": report.closing.closing_no,
            "hash": report.closing.figures_hash,
            "software": report.software,
        }
        blocks: list[Block] = [Paragraph(each.format(**filled)) for each in self._words["check"]]
        if (former := self._told.corrected) is not None:
            sentence = self._words["corrected"]["former"]
            filled = {"publication": former.publication_no, "folder": former.folder, "sha256": former.manifest_sha256}
            blocks.append(Paragraph(sentence.format(**filled)))
        return blocks
