"""Arrange a reconciliation report for its readers: sums by agency, the worst first, with the agencies' names.

All counts come from the closing, the counted figures of one period. Only shares and sums are computed here. The
accounting identity says that each occasion, an event that calls for a message, has exactly one message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period
from motcua.domain.reconciliation import (
    AgencyFigures,
    Change,
    ChannelFigures,
    ComplaintCount,
    Difference,
    DossierFigures,
    MessageFigures,
    Orphan,
    PushedWords,
    ReconciliationReport,
    StopWords,
    Timing,
    Urged,
    sum_dossiers,
    sum_messages,
)
from motcua.reports import wording
from motcua.reports.wording import LEAST_JUDGED

KINDS: tuple[Kind, ...] = ("result", "supplement", "apology", "reply")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Corrected:
    """The publication that a correction corrects."""

    publication_no: int
    folder: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class AgencyLine:
    """All figures of a closing for one agency."""

    agency_code: str
    name: str
    messages: MessageFigures
    notices: MessageFigures
    """The sum of all messages except replies. Shares refer to this sum."""
    before: MessageFigures | None
    """The notices of the period before. ``None`` if that period was not closed, or did not have the agency."""
    dossiers: DossierFigures
    counts: AgencyFigures
    timing: Timing | None
    """The times between the recording of a result and the delivery of its message."""

    channels: tuple[ChannelFigures, ...]
    """Messages that gateways accepted, with the units that they bill."""

    @property
    def change(self) -> float | None:
        """The change of the delivered share since the period before. ``None`` if it cannot be compared."""
        return change_of(self.notices, self.before)

    @property
    def spared(self) -> tuple[ChannelFigures, ...]:
        """The channel figures of messages that were not sent as SMS."""
        return spared_of(self.channels)


@dataclass(frozen=True)
class Told:
    """A report, arranged for its readers.

    ``agency`` limits the report to one agency, for the agency's own workbook and mail.
    """

    report: ReconciliationReport
    corrected: Corrected | None = None
    agency: str | None = None

    @property
    def words(self) -> dict[str, Any]:
        """The words of the templates."""
        return wording.publication_words()

    def percent(self, share: float | None) -> str:
        """Return a share as a percentage, or a dash if there is no share."""
        return str(self.words["names"]["dash"]) if share is None else wording.percent(share)

    def share(self, row: MessageFigures) -> str:
        """Return the delivered share as a percentage, the words for "too few" messages, or a dash for replies."""
        return self.percent(None) if row.kind == "reply" else wording.rate(row.delivered, row.tellable)

    @staticmethod
    def is_judged(row: MessageFigures) -> bool:
        """Return whether there are enough messages for a share."""
        return row.tellable >= LEAST_JUDGED

    @cached_property
    def _names(self) -> dict[str, str]:
        return {each.agency_code: each.name for each in self.report.agencies}

    def agency_name(self, code: str | None) -> str:
        """Return an agency's name on the last day of the period, or its code if no name is known."""
        return self._names.get(code or "", code or self.words["names"]["no_agency"])

    def procedure_name(self, code: str) -> str:
        """Return a procedure's name, or its code if the sources give no name."""
        return self.report.procedures.get(code, code) if code else str(self.words["names"]["no_procedure"])

    def reason(self, reason: str) -> str:
        """Return the words for a reason, or the reason itself if it has no words."""
        return wording.message_reason(reason)

    def figure_name(self, figure: str) -> str:
        """Return the head of a figure's column for staff, or the figure's own name if it has no words."""
        column = self.words["columns"].get(figure)
        return str(column["head"]) if column else figure

    def causes(self, change: Change) -> str:
        """Return why a correction changed a figure, in words."""
        return "; ".join(self.words["cause"].get(cause, cause) for cause in change.causes)

    @property
    def period(self) -> str:
        """The period in words: ``ngày 24/11/2026``, ``tháng 11 năm 2026``, ``quý IV năm 2026``, ``năm 2026``."""
        return period_words(self.report.closing.period)

    @property
    def previous_period(self) -> str:
        """The period before, in words that fit into a sentence."""
        before = self.report.closing.period.previous
        return _name_period(self.words, f"previous_{before.length}", before)

    # --- Rows --------------------------------------------------------------------------------------------------

    def _rows_of_agency(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        return tuple(row for row in rows if self.agency is None or row.agency_code == self.agency)  # type: ignore[attr-defined]

    @cached_property
    def messages(self) -> tuple[MessageFigures, ...]:
        """Messages by agency, procedure and kind, the worst first."""
        return tuple(
            sorted(
                self._rows_of_agency(self.report.figures.messages),
                key=lambda row: (*_badness(row), row.agency_code, row.procedure_code, KINDS.index(row.kind)),
            )
        )

    @cached_property
    def total(self) -> MessageFigures:
        """The sum of all messages."""
        return sum_messages(self.messages)

    @cached_property
    def notices(self) -> MessageFigures:
        """The sum of all messages except replies. Delivered shares refer to this sum, because replies have no
        receipts."""
        return notices_of(self.messages)

    @cached_property
    def replies(self) -> MessageFigures:
        """The sum of the replies to inquiries."""
        return sum_messages((row for row in self.messages if row.kind == "reply"), "reply")

    @cached_property
    def notices_before(self) -> MessageFigures | None:
        """The sum of all messages of the period before except replies. ``None`` if there is no period before."""
        if self.report.previous is None:
            return None
        return notices_of(self._rows_of_agency(self.report.previous.messages))

    @cached_property
    def by_kind(self) -> tuple[MessageFigures, ...]:
        """The sum of the messages of each kind that occurs."""
        groups = _grouped(self.messages, lambda row: row.kind)
        return tuple(sum_messages(groups[kind], kind) for kind in KINDS if kind in groups)

    @cached_property
    def total_before(self) -> MessageFigures | None:
        """The sum of all messages of the period before. ``None`` if there is no period before."""
        if self.report.previous is None:
            return None
        return sum_messages(self._rows_of_agency(self.report.previous.messages))

    @property
    def change(self) -> float | None:
        """The change of the delivered share since the period before. ``None`` if it cannot be compared."""
        return change_of(self.notices, self.notices_before)

    @cached_property
    def unbalanced(self) -> tuple[MessageFigures, ...]:
        """The rows of ``messages`` for which the accounting identity does not hold."""
        return tuple(row for row in self.messages if row.difference)

    @cached_property
    def difference(self) -> int:
        """The number of missing messages plus the number of surplus messages."""
        return sum(abs(row.difference) for row in self.messages)

    @cached_property
    def dossiers(self) -> tuple[DossierFigures, ...]:
        """Dossiers by agency and procedure, rows with the most late dossiers first."""
        rows = self._rows_of_agency(self.report.figures.dossiers)
        return tuple(sorted(rows, key=lambda row: (*_lateness(row), row.agency_code, row.procedure_code)))

    @cached_property
    def dossiers_total(self) -> DossierFigures:
        """The sum of all dossiers."""
        return sum_dossiers(self.dossiers)

    @cached_property
    def dossiers_before(self) -> DossierFigures | None:
        """The sum of all dossiers of the period before. ``None`` if there is no period before."""
        if self.report.previous is None:
            return None
        return sum_dossiers(self._rows_of_agency(self.report.previous.dossiers))

    @cached_property
    def before(self) -> dict[tuple[str, str, str], MessageFigures]:
        """Messages of the period before, by agency, procedure and kind."""
        rows = self.report.previous.messages if self.report.previous else ()
        return {(row.agency_code, row.procedure_code, row.kind): row for row in rows}

    @cached_property
    def channels(self) -> tuple[ChannelFigures, ...]:
        """Messages that gateways accepted, with billed units, by agency, kind, gateway and carrier."""
        return self._rows_of_agency(self.report.figures.channels)

    @cached_property
    def by_gateway(self) -> dict[tuple[str, str], list[ChannelFigures]]:
        """The channel figures grouped by gateway and billed unit, sorted by both."""
        groups = _grouped(self.channels, lambda row: (row.gateway, row.billed_unit))
        return {key: groups[key] for key in sorted(groups)}

    @cached_property
    def counts_total(self) -> AgencyFigures:
        """The sum of the figures that are counted by agency only."""
        own = self._rows_of_agency(self.report.figures.agencies)
        names = [name for name in AgencyFigures.__slots__ if name != "agency_code"]
        return AgencyFigures("", **{name: sum(getattr(row, name) for row in own) for name in names})

    @cached_property
    def timings(self) -> dict[tuple[str | None, str | None, str], Timing]:
        """Times from recording to delivery, by agency, procedure and kind."""
        return {(row.agency_code, row.procedure_code, row.kind): row for row in self.report.figures.timings}

    @cached_property
    def agencies(self) -> tuple[AgencyLine, ...]:
        """The agencies that are enabled or have a figure, worst first. Figures without an agency come last."""
        figures, previous = self.report.figures, self.report.previous
        messages = _grouped(figures.messages, lambda row: row.agency_code)
        before = _grouped(previous.messages if previous else (), lambda row: row.agency_code)
        dossiers = _grouped(figures.dossiers, lambda row: row.agency_code)
        counts = {row.agency_code: row for row in figures.agencies}
        channels = _grouped(figures.channels, lambda row: row.agency_code)
        codes = {each.agency_code for each in self.report.agencies if each.enabled} | {*messages, *dossiers, *counts}
        lines = [
            AgencyLine(
                code,
                self.agency_name(code),
                sum_messages(messages.get(code, ())),
                notices_of(messages.get(code, ())),
                notices_of(before[code]) if code in before else None,
                sum_dossiers(dossiers.get(code, ())),
                counts.get(code, AgencyFigures(code)),
                self.timings.get((code, None, "result")),
                tuple(channels.get(code, ())),
            )
            for code in codes
            if self.agency is None or code == self.agency
        ]
        return tuple(
            sorted(
                lines,
                key=lambda line: (
                    not line.agency_code,
                    *_badness(line.messages, line.notices),
                    line.name,
                    line.agency_code,
                ),
            )
        )

    @cached_property
    def worst(self) -> tuple[AgencyLine, ...]:
        """Up to five agencies with the lowest delivered share. Agencies with too few notices, or with all notices
        delivered, are left out."""
        named = (each for each in self.agencies if each.agency_code)
        enough = [each for each in named if self.is_judged(each.notices)]
        below = [each for each in enough if (each.notices.delivered_of_tellable or 0) < 1]
        return tuple(sorted(below, key=lambda each: (each.notices.delivered_of_tellable or 0, each.name))[:5])

    @cached_property
    def places(self) -> dict[str, int]:
        """The rank of each agency with enough notices, by code."""
        ranked = [each for each in self.agencies if each.agency_code and self.is_judged(each.notices)]
        return {each.agency_code: place for place, each in enumerate(ranked, 1)}

    @cached_property
    def unranked(self) -> tuple[AgencyLine, ...]:
        """Agencies with too few notices to be ranked, in the order of the table."""
        return tuple(each for each in self.agencies if each.agency_code and each.agency_code not in self.places)

    @cached_property
    def procedures(self) -> tuple[MessageFigures, ...]:
        """Sums by agency and procedure, the worst first, without replies, because these have no receipts.

        Replies are included if the accounting identity fails for them.
        """
        shown_rows = (row for row in self.messages if row.kind != "reply" or row.difference)
        groups = _grouped(shown_rows, lambda row: (row.agency_code, row.procedure_code))
        sums = [
            replace(sum_messages(rows), agency_code=agency, procedure_code=procedure)
            for (agency, procedure), rows in groups.items()
        ]
        return tuple(sorted(sums, key=lambda row: (*_badness(row), row.agency_code, row.procedure_code)))

    @cached_property
    def reasons(self) -> tuple[tuple[str, str, int], ...]:
        """State, reason and number of messages, the greatest number first."""
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for row in self._rows_of_agency(self.report.figures.reasons):
            counts[row.state, row.reason] += row.messages
        return tuple((*key, number) for key, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Occasions without a message, and messages without an occasion. Unexplained differences come first."""
        rows = self._rows_of_agency(self.report.differences)
        return tuple(sorted(rows, key=lambda row: (row.is_explained, row.reason, *map(_sortable, _values(row)))))

    @cached_property
    def stops(self) -> tuple[StopWords, ...]:
        """The stops of the period. A report on one agency has only the stops for this agency or for every agency."""
        return tuple(row for row in self.report.stops if self.agency is None or row.agency_code in ("", self.agency))

    def stopped(self, stop: StopWords) -> tuple[str, str]:
        """Return, in words, which agency's messages a stop put on hold, and which kind of messages."""
        whose = self.agency_name(stop.agency_code) if stop.agency_code else self.words["names"]["all"]
        return whose, self.words["kind"][stop.kind] if stop.kind else self.words["stops"]["every_kind"]

    @cached_property
    def pushed(self) -> tuple[PushedWords, ...]:
        """The agencies whose figures depend on pushed data, sorted by source and agency."""
        return self._rows_of_agency(self.report.pushed)

    @cached_property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that no reason explains."""
        return tuple(row for row in self.differences if not row.is_explained)

    @cached_property
    def orphans(self) -> tuple[Orphan, ...]:
        """Records that lack the record that they should belong to, sorted by kind."""
        return tuple(
            sorted(self._rows_of_agency(self.report.orphans), key=lambda row: tuple(map(_sortable, _values(row))))
        )

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The figures that a correction changed."""
        return self._rows_of_agency(self.report.changes)

    @cached_property
    def urged(self) -> tuple[Urged, ...]:
        """The agencies that the Department should urge to improve, as the report proposes."""
        return self._rows_of_agency(self.report.urged)

    @cached_property
    def complaints(self) -> tuple[ComplaintCount, ...]:
        """Counts of complaints, the greatest first."""
        rows = self._rows_of_agency(self.report.complaints)
        return tuple(sorted(rows, key=lambda row: (-row.complaints, row.agency_code, row.claim, row.outcome)))


def period_words(period: Period) -> str:
    """Return a period in words: ``ngày 24/11/2026``, ``tháng 11 năm 2026``, ``quý IV năm 2026``, ``năm 2026``."""
    return _name_period(wording.publication_words(), period.length, period)


def _name_period(words: dict[str, Any], form: str, period: Period) -> str:
    return str(
        words["period"][form].format(
            day=wording.day(period.first),
            month=period.first.month,
            quarter=("I", "II", "III", "IV")[(period.first.month - 1) // 3],
            year=period.first.year,
        )
    )


def duration(seconds: int) -> str:
    """Return a duration in words: ``45 giây``, ``3,5 phút``, ``26 giờ``, ``4 ngày``."""
    words = wording.publication_words()["time"]
    for name, least, unit in (("days", 172_800, 86_400), ("hours", 7_200, 3_600), ("minutes", 120, 60)):
        if seconds >= least:
            return str(words[name].format(number=wording.plain(round(seconds / unit, 1))))
    return str(words["seconds"].format(number=wording.count(seconds)))


def points(value: float | None) -> str:
    """Return a change of a share in percentage points, with its sign."""
    dash: str = wording.publication_words()["names"]["dash"]
    return dash if value is None else wording.signed(value * 100)


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def notices_of(rows: Iterable[MessageFigures]) -> MessageFigures:
    """Return the sum of all messages except replies."""
    return sum_messages(row for row in rows if row.kind != "reply")


def spared_of(rows: Iterable[ChannelFigures]) -> tuple[ChannelFigures, ...]:
    """Return the channel figures of messages that were not sent as SMS, for a comparison with the cost of SMS."""
    return tuple(row for row in rows if row.billed_unit != "segment")


def _badness(row: MessageFigures, notices: MessageFigures | None = None) -> tuple[float, ...]:
    """Return a sort key that puts the worst rows first.

    Rows whose accounting identity fails come first. Rows with enough ``notices`` follow in the order of their delivered
    share, then rows with few notices. Rows without notices, and replies, come last.
    """
    if row.difference:
        return (0, -abs(row.difference), 0)
    judged = notices or row
    delivered, of_all = judged.delivered_of_tellable, judged.tellable
    if delivered is None or judged.kind == "reply":
        return (3, 0, 0)
    return (1 if of_all >= LEAST_JUDGED else 2, delivered, -of_all)


def change_of(now: MessageFigures, before: MessageFigures | None) -> float | None:
    """Return the change of the delivered share. ``None`` if one of the two rows has too few messages."""
    if before is None or min(now.tellable, before.tellable) < LEAST_JUDGED:
        return None
    new, old = now.delivered_of_tellable, before.delivered_of_tellable
    return None if new is None or old is None else new - old


def _lateness(row: DossierFigures) -> tuple[float, ...]:
    late = row.resolved_late + row.open_late
    return (-late, -row.received)


def _values(row: Difference | Orphan) -> list[Any]:
    return [getattr(row, name) for name in type(row).__slots__]


def _sortable(value: object) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, int) else (2, str(value))
