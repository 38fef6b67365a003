"""What the printable report and the page both say: sections of paragraphs, tables and charts, all written out.

Both are laid out from this alone, so that they cannot differ. A day is a plain sheet of figures. A month or longer is a
document that the Department issues to those it serves, in the form of Nghị định 30/2020/NĐ-CP, and proposes whom to
urge.
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
"""Rows of a table by procedure, reason or case; all of them are in the workbook and the CSV files."""
AGENCIES_DRAWN = 20
UNRANKED_NAMED = 5
"""Agencies that a ranking names of those that it leaves out; the table has all of them."""
_IDENTITY = (
    "expected", "suppressed", "cancelled", "tellable", "waiting", "lost", "sent", "delivered", "of_tellable",
)  # fmt: skip
"""Columns of the identity by kind, between the kind and the difference."""
_AGENCIES = ("expected", "suppressed", "cancelled", "tellable", "delivered", "of_tellable")
"""Of messages by agency, between the agency and the change."""
_PROCEDURES = ("expected", "tellable", "delivered", "of_tellable")
"""Of messages by procedure, between the agency and the difference."""

Tone: TypeAlias = Literal["", "bad", "good", "soft", "total"]
Align: TypeAlias = Literal["left", "right"]
Columns: TypeAlias = Sequence[tuple[str, Align, int]]
"""Of a table: what stands above each (a word of the template), how it is set, its share of the width."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph; ``bad``: a warning, ``good``: what holds, ``soft``: a remark."""

    text: str
    tone: Tone = ""
    sort: str = "paragraph"


@dataclass(frozen=True, slots=True)
class Column:
    """``share``: its share of the page's width; 0: as wide as its words need."""

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
    """A table, which may break over pages; its head is repeated."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    sort: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with the words that say the same."""

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
    """The whole report, every word and number as it is read."""

    is_sheet: bool
    """A plain sheet of figures, which nobody issues: it has no letterhead but who made it, is addressed to nobody,
    opens and ends with nothing, and bears no signature."""
    letterhead: dict[str, str]
    place_and_date: str
    about: str
    addressed_to: str
    """A line each."""
    grounds: tuple[str, ...]
    opening: str
    sections: tuple[Section, ...]
    ending: str
    copies: tuple[str, ...]
    title: str
    """For a window's or file's title."""
    software: str


def compose_document(told: Told) -> Document:
    """The report over all agencies."""
    said, closing = told.words["letterhead"], told.report.closing
    filled = {"period": told.period, "as_of": moment(closing.as_of), "closing": closing.closing_no}
    about = said["about_correction" if closing.corrects is not None else "about"].format(**filled)
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
        letterhead={name: said[name] for name in names},
        place_and_date=said["date"].format(
            place=said["place"], **official_date(closing.closed_at.astimezone(VIETNAM).date())
        ),
        about=about,
        addressed_to=said["to"],
        grounds=tuple(each.format(**filled) for each in said["grounds"]),
        opening=said["opening"].format(**filled),
        sections=builder.full(),
        ending=said["closing"].format(**filled),
        copies=tuple(said["copied_to"]),
        title=f"{said['report'].capitalize()}: {about}",
        software=told.report.software,
    )


def official_date(on: date) -> dict[str, str]:
    """Day, month and year as Nghị định 30/2020 writes them: a leading zero for days below 10 and for months 1 and 2."""
    return {
        "day": f"{on.day:02d}",
        "month": f"{on.month:02d}" if on.month <= 2 else str(on.month),
        "year": str(on.year),
    }


def summary_lines(told: Told) -> list[Paragraph]:
    """The report for a person in a hurry: identity, whether it holds, shares, change, the worst."""
    said, report = told.words["summary"], told.report
    lines = [Paragraph(identity_line(told))]
    if told.difference:
        unbalanced = said["unbalanced_pushed" if told.pushed else "unbalanced"].format(
            difference=count(told.difference), groups=count(len(told.unbalanced))
        )
        lines.append(Paragraph(unbalanced, "bad"))
    elif report.closing.sources_unread:
        lines.append(Paragraph(said["balanced_unread"], "bad"))
    else:
        lines.append(Paragraph(said["balanced_pushed" if told.pushed else "balanced"], "good"))
    if told.pushed:
        lines.append(Paragraph(pushed_line(told)))
    # Of one agency only its own cases: the closing's number is that of all.
    unexplained = max(len(told.unexplained), report.closing.unexplained if told.agency is None else 0)
    if unexplained:
        lines.append(Paragraph(said["unexplained"].format(number=count(unexplained)), "bad"))
    if report.closing.sources_unread:
        lines.append(Paragraph(said["unread"].format(names=", ".join(report.closing.sources_unread)), "bad"))
    if told.stops:
        lines.append(Paragraph(said["stops"].format(number=count(len(told.stops))), "bad"))
    lines.append(Paragraph(shares_line(told)))
    if told.replies.expected:
        lines.append(Paragraph(replies_line(told)))
    lines.append(Paragraph(change_line(told)))
    if told.agency is None and told.worst:
        names = [said["worst_one"].format(name=each.name, share=told.share(each.notices)) for each in told.worst]
        lines.append(Paragraph(said["worst"].format(names="; ".join(names))))
    if told.agency is None and told.places and told.unranked:
        lines.append(Paragraph(unranked_line(told)))
    return lines


def unranked_line(told: Told) -> str:
    """Whom the ranking leaves out, by name as far as they are few."""
    said, left_out = told.words["summary"], told.unranked
    names = "; ".join(each.name for each in left_out[:UNRANKED_NAMED])
    if len(left_out) > UNRANKED_NAMED:
        names = said["unranked_more"].format(names=names, number=count(len(left_out) - UNRANKED_NAMED))
    return str(said["unranked"].format(number=count(len(left_out)), least=LEAST_JUDGED, names=names))


def pushed_line(told: Told) -> str:
    """Whose figures are as they were pushed, and by which sources."""
    said, agencies = told.words["summary"], {each.agency_code for each in told.pushed}
    names = ", ".join(sorted({each.source for each in told.pushed}))
    return str(said["pushed" if told.agency is None else "pushed_own"].format(number=count(len(agencies)), names=names))


def shares_line(told: Told) -> str:
    """What share was delivered, and of what: of all but replies."""
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
    """How many replies there are, that are in no share."""
    return str(told.words["summary"]["replies"].format(number=count(told.replies.expected)))


def formula(told: Told, row: MessageFigures) -> str:
    """What the delivered messages are a share of: ``92 tin cần gửi = 120 phải nhắn − 18 không gửi − 10 đã hủy``."""
    said = told.words["summary"]
    return str(
        said["formula"].format(
            tellable=count(row.tellable),
            expected=count(row.expected),
            suppressed=count(row.suppressed),
            cancelled=count(row.cancelled),
        )
    )


def identity_line(told: Told) -> str:
    """``Phải nhắn 120 tin = …``: every state that occurs, and the difference where there is one."""
    said, total = told.words["summary"], told.total
    terms = [(told.words["state"][state].lower(), getattr(total, state)) for state in STATES]
    written = [said["term"].format(state=name, number=count(number)) for name, number in terms if number]
    if total.difference:
        written.append(
            said["term"].format(state=told.words["heads"]["difference"].lower(), number=count(total.difference))
        )
    if not written and not total.expected:
        return str(said["identity_none"])
    return str(said["identity"].format(expected=count(total.expected), terms=" + ".join(written) or "0"))


def change_line(told: Told) -> str:
    """Against the period before."""
    said, before, notices = told.words["summary"], told.total_before, told.notices_before
    if before is None or notices is None:
        return str(said["no_previous"])
    return str(
        said["change_no_share" if told.change is None else "change"].format(
            previous=told.previous_period,
            share=told.share(notices),
            change=points(told.change),
            expected=count(before.expected),
            expected_change=signed(told.total.expected - before.expected, 0),
        )
    )


def _billed(told: Told) -> str:
    """What gateways bill: ``120 tin qua zalo, 45 đoạn tin qua kannel``; the gateway where there is more than one."""
    groups = {key: sum(row.units for row in rows) for key, rows in told.by_gateway.items()}
    if told.report.closing.known_attempt is None or not groups:
        groups = {("", "segment"): told.total.segments}
    return ", ".join(f"{count(units)} {_unit(told, *key)}" for key, units in groups.items())


def _unit(told: Told, gateway: str, billed_unit: str) -> str:
    """What a gateway counts, in words."""
    names = told.words["channels"]
    unit: str = names["unit"][billed_unit]
    return names["by"].format(unit=unit, gateway=gateway or names["unknown"]) if len(told.by_gateway) > 1 else unit


def _unpriced(told: Told, rows: Iterable[ChannelFigures]) -> str:
    """What has no price: ``một tin qua zalo``; where each of these has one, SMS."""
    names = told.words["channels"]
    units = [_unit(told, *each) for each in unpriced(told.report.closing, rows)] or [names["unit"]["segment"]]
    return ", ".join(names["one"].format(unit=unit) for unit in units)


def cost_line(told: Told) -> str:
    """What gateways bill and đồng, against the year's budget."""
    said, budget, billed = told.words["summary"], told.report.budget, _billed(told)
    if budget.spent_in_period is None:
        return str(said["cost_unknown"].format(billed=billed, unpriced=_unpriced(told, told.channels)))
    if budget.spent_in_year is None:
        spent = count(budget.spent_in_period)
        return str(said["cost_of_period"].format(billed=billed, spent=spent, year=budget.year))
    of_year = said["cost_no_budget"]
    if budget.for_year:
        of_year = said["cost_budget"].format(
            for_year=count(budget.for_year), share=told.percent(budget.spent_in_year / budget.for_year)
        )
    return str(
        said["cost"].format(
            billed=billed,
            spent=count(budget.spent_in_period),
            year=budget.year,
            spent_in_year=count(budget.spent_in_year),
            budget=of_year,
        )
    )


def dossiers_line(told: Told) -> str:
    """Dossiers received and resolved."""
    said, total = told.words["summary"], told.dossiers_total
    without = said["without_due"].format(number=count(total.resolved_without_due)) if total.resolved_without_due else ""
    return str(
        said["dossiers"].format(
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
    """Dossiers against the period before; ``None``: that was not closed."""
    before, now = told.dossiers_before, told.dossiers_total
    if before is None:
        return None
    figures = {
        "received": (now.received, before.received),
        "resolved": (now.resolved, before.resolved),
        "late": (now.resolved_late, before.resolved_late),
    }
    said = {name: count(old) for name, (_, old) in figures.items()}
    said |= {f"{name}_change": signed(new - old, 0) for name, (new, old) in figures.items()}
    return str(told.words["summary"]["dossiers_change"].format(previous=told.previous_period, **said))


def time_line(told: Told) -> str | None:
    """From the source's recording to delivery, of results; ``None``: none was delivered."""
    timing = told.timings.get((told.agency, None, "result"))
    if timing is None:
        return None
    return str(
        told.words["summary"]["time"].format(median=duration(timing.median_seconds), p95=duration(timing.p95_seconds))
    )


def apologies_line(told: Told) -> str:
    """Apologies right and wrong."""
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
    """9029."""
    counts = told.counts_total
    return str(
        told.words["summary"]["inquiries"].format(
            inquiries=count(counts.inquiries), fees=count(counts.inquiry_fees), told=count(counts.told_without_result)
        )
    )


def complaints_line(told: Told) -> str:
    """How many complaints there were."""
    said, number = told.words["summary"], sum(each.complaints for each in told.complaints)
    return str(said["complaints"].format(number=count(number)) if number else said["complaints_none"])


def corrected_line(told: Told) -> str:
    """What a correction corrects."""
    said, corrected = told.words["corrected"], told.corrected
    if corrected is None:
        return str(said["with_closing"].format(closing=told.report.closing.corrects))
    return str(said["with_publication"].format(publication=corrected.publication_no))


def evidence(told: Told, urged: Urged) -> str:
    """Why an agency is to be urged: the figure, its threshold, and what it is a share of."""
    said = told.words["urged"]
    values = {
        "value": told.percent(urged.value),
        "threshold": told.percent(urged.threshold),
        "of_all": count(urged.of_all),
    }
    return str(said["evidence"].format(**values, unit=said["unit"][urged.measure]))


class _Sections:
    """Builds the sections."""

    def __init__(self, told: Told) -> None:
        self._told, self._words = told, told.words
        self._heads, self._said = told.words["heads"], told.words["summary"]

    def daily(self) -> tuple[Section, ...]:
        return self._kept(
            self._corrected(),
            ("overall", self._overall()),
            ("agencies", self._agencies()),
            ("reasons", self._reasons(10)),
            ("reconciled", self._reconciled()),
            ("left_out", self._left_out()),
            ("check", self._check()),
        )

    def full(self) -> tuple[Section, ...]:
        return self._kept(
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

    def _kept(self, *sections: tuple[str, Iterable[Block]]) -> tuple[Section, ...]:
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
        # What a row has too few of to be judged is said once, below the table.
        few = self._said["few"].format(least=LEAST_JUDGED) if any(too_few() in row.cells for row in shown) else ""
        dash = self._words["names"]["dash"]
        written = [
            replace(row, cells=tuple(dash if each == too_few() else each for each in row.cells)) for row in shown
        ]
        heads = [Column(self._heads[head], align, width) for head, align, width in columns]
        says = [self._says(place, written) for place in range(len(heads))]
        return Table(
            self._words["tables"][name],
            tuple(compress(heads, says)),
            tuple(replace(row, cells=tuple(compress(row.cells, says))) for row in written),
            " ".join(filter(None, (note, few, more))),
        )

    def _says(self, place: int, rows: Sequence[Row]) -> bool:
        """Whether a column says something of a row; all rows together are told in the summary."""
        own = [row for row in rows if row.tone != "total"] or rows
        return any(row.cells[place] not in ("", self._words["names"]["dash"]) for row in own)

    def _corrected(self) -> tuple[str, list[Block]]:
        told = self._told
        if told.report.closing.corrects is None:
            return "corrected", []
        blocks: list[Block] = [Paragraph(corrected_line(told))]
        if not told.changes:
            return "corrected", [*blocks, Paragraph(self._words["corrected"]["no_changes"])]
        rows = [
            Row(
                (
                    told.agency_name(each.agency_code),
                    told.procedure_name(each.procedure_code),
                    self._words["kind"].get(each.kind, self._words["names"]["dash"]),
                    told.figure_name(each.figure),
                    count(each.was),
                    count(each.became),
                    told.causes(each),
                )
            )
            for each in told.changes
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
        told = self._told
        read = told.report.closing.data_as_of
        as_of = self._said["data_as_of"].format(moment=moment(read)) if read else self._said["never_read"]
        rows = [self._identity_row(self._words["kind"][row.kind], row) for row in told.by_kind]
        rows.append(self._identity_row(self._words["names"]["all"], told.total, total=True))
        columns: Columns = [
            ("kind", "left", 2),
            *[(name, "right", 1) for name in (*_IDENTITY, "difference")],
        ]
        return [
            *summary_lines(told),
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
        """Figures of messages, by the words above them; ``notices``: those that a share is of, by default all."""
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
        told = self._told
        lines = sorted(
            (each for each in told.agencies if each.agency_code),
            key=lambda each: (-each.dossiers.resolved_late - each.dossiers.open_late, each.name),
        )
        rows = []
        for name, own, tone in (
            *((each.name, each.dossiers, "") for each in lines),
            (self._words["names"]["all"], told.dossiers_total, "total"),
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
            Paragraph(dossiers_line(told)),
            *([Paragraph(changed)] if (changed := dossiers_change_line(told)) else []),
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
        told, shown = self._told, (*_PROCEDURES, "difference")
        rows = [
            Row(
                (
                    told.procedure_name(each.procedure_code),
                    told.agency_name(each.agency_code),
                    *self._cells(each, shown),
                ),
                "bad" if each.difference else "",
            )
            for each in told.procedures
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
        told, names = self._told, self._words
        blocks: list[Block] = []
        by_reason = Counter((each.side, each.reason, each.is_explained) for each in told.differences)
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
        if told.unexplained:
            rows = [
                Row(
                    (
                        told.agency_name(each.agency_code),
                        each.dossier_code or names["names"]["dash"],
                        names["kind"][each.kind],
                        names["difference"][each.reason],
                        day(each.occurred_at) if each.occurred_at else names["names"]["dash"],
                    ),
                    "bad",
                )
                for each in told.unexplained
            ]
            columns = [
                ("agency", "left", 3),
                ("dossier", "left", 3),
                ("kind", "left", 1),
                ("reason", "left", 3),
                ("moment", "right", 0),
            ]
            blocks.append(self._table("unexplained", columns, rows, ROWS_SHOWN))
        if told.pushed:
            rows = [Row((told.agency_name(each.agency_code), each.source)) for each in told.pushed]
            blocks.append(self._table("pushed", [("agency", "left", 3), ("source", "left", 2)], rows, ROWS_SHOWN))
        orphans = Counter(each.sort for each in told.orphans)
        if orphans:
            rows = [Row((names["orphan"][sort], count(number))) for sort, number in sorted(orphans.items())]
            blocks.append(self._table("orphans", [("what_orphan", "left", 1), ("rows", "right", 0)], rows))
        else:
            blocks.append(Paragraph(self._said["orphans_none"]))
        return blocks

    def _citizens(self) -> list[Block]:
        told = self._told
        rows = []
        for each in told.agencies:
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
        findings = self._said["findings"].format(number=count(told.counts_total.findings_open))
        blocks: list[Block] = [Paragraph(apologies_line(told)), Paragraph(inquiries_line(told)), Paragraph(findings)]
        if rows:
            blocks.append(self._table("citizens", columns, rows))
        blocks.append(Paragraph(complaints_line(told)))
        if told.complaints:
            rows = [
                Row(
                    (
                        told.agency_name(each.agency_code),
                        self._words["claim"].get(each.claim, each.claim),
                        self._words["outcome"].get(each.outcome, each.outcome),
                        count(each.complaints),
                    )
                )
                for each in told.complaints
            ]
            columns = [("agency", "left", 3), ("claim", "left", 3), ("outcome", "left", 2), ("rows", "right", 0)]
            blocks.append(self._table("complaints", columns, rows, ROWS_SHOWN))
        return blocks

    def _cost(self) -> list[Block]:
        told, closing = self._told, self._told.report.closing
        blocks: list[Block] = [Paragraph(cost_line(told))]
        if len(told.by_gateway) < 2 and not spared_of(told.channels):
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
            for (gateway, unit), of_gateway in told.by_gateway.items()
        ]
        columns: Columns = [
            ("gateway", "left", 3),
            ("billed_unit", "left", 2),
            *[(head, "right", 1) for head in ("number", "units", "cost")],
        ]
        return [*blocks, self._table("channels", columns, rows), *self._saved()]

    def _saved(self) -> list[Block]:
        """What SMS alone would have cost more, by agency."""
        told, closing = self._told, self._told.report.closing
        spared = spared_of(told.channels)
        if not spared:
            return []
        if closing.segment_price is None or unpriced(closing, spared):
            missing = [] if closing.segment_price is None else spared
            return [Paragraph(self._said["saved_unknown"].format(unpriced=_unpriced(told, missing)), "soft")]
        lines = sorted(((each.name, each.spared, "") for each in told.agencies if each.spared), key=itemgetter(0))
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
        told = self._told
        if not told.urged:
            return [Paragraph(self._said["nobody_urged"])]
        rows = [
            Row(
                (
                    told.agency_name(each.agency_code),
                    self._words["measure"][each.measure],
                    evidence(told, each),
                )
            )
            for each in told.urged
        ]
        columns: Columns = [
            ("agency", "left", 3),
            ("measure", "left", 3),
            ("evidence", "left", 3),
        ]
        return [self._table("urged", columns, rows)]

    def _left_out(self) -> list[Block]:
        said = self._words["left_out"]
        rows = []
        for each in self._told.report.agencies:
            if each.kinds_off:
                kinds = ", ".join(self._words["kind"][kind].lower() for kind in each.kinds_off)
                reason = each.kinds_off_reason or self._words["names"]["unknown"]
                rows.append(Row((each.name, said["kinds"].format(kinds=kinds), reason)))
            if each.same_day_excluded:
                named = [self._told.report.procedures.get(code, code) for code in each.same_day_procedures]
                what = ": ".join(filter(None, (said["same_day"], "; ".join(named))))
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
        said, as_of = self._words["stops"], self._told.report.closing.as_of
        rows = []
        for each in self._told.stops:
            if each.ended_at is not None:
                until = said["ended"].format(moment=moment(each.ended_at))
            else:
                until = said["to_end" if each.until > as_of else "over"].format(moment=moment(each.until))
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
            said = self._words["corrected"]["former"]
            filled = {"publication": former.publication_no, "folder": former.folder, "sha256": former.manifest_sha256}
            blocks.append(Paragraph(said.format(**filled)))
        return blocks
