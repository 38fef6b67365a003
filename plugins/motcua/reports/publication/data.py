"""A reconciliation report put in order for its readers: sums by agency, worst first, each with its name.

Nothing is counted here that a closing does not hold; shares and sums alone are formed.
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
    """All that a closing says of one agency."""

    agency_code: str
    name: str
    messages: MessageFigures
    notices: MessageFigures
    """Of these, all but replies: those that a share is of."""
    before: MessageFigures | None
    """Notices of the period before; ``None``: it was not closed, or knew nothing of the agency."""
    dossiers: DossierFigures
    counts: AgencyFigures
    timing: Timing | None
    """Of results."""

    channels: tuple[ChannelFigures, ...]
    """What gateways took of its messages, and bill."""

    @property
    def change(self) -> float | None:
        """Of the share that was delivered, against the period before; ``None``: there is nothing to compare."""
        return change_of(self.notices, self.before)

    @property
    def spared(self) -> tuple[ChannelFigures, ...]:
        """Of these, what did not go by SMS."""
        return spared_of(self.channels)


@dataclass(frozen=True)
class Told:
    """A report in the order in which it is told.

    ``agency``: only what concerns this agency, for the agency's own workbook and mail.
    """

    report: ReconciliationReport
    corrected: Corrected | None = None
    agency: str | None = None

    @property
    def words(self) -> dict[str, Any]:
        """Words of the templates."""
        return wording.publication_words()

    def percent(self, share: float | None) -> str:
        """A share as a percentage; a dash where there is nothing to have a share of."""
        return str(self.words["names"]["dash"]) if share is None else wording.percent(share)

    def share(self, row: MessageFigures) -> str:
        """The share that was delivered, as a percentage; of few that they are too few, of replies a dash."""
        return self.percent(None) if row.kind == "reply" else wording.rate(row.delivered, row.tellable)

    @staticmethod
    def is_judged(row: MessageFigures) -> bool:
        """Whether there are enough of them for a share."""
        return row.tellable >= LEAST_JUDGED

    @cached_property
    def _names(self) -> dict[str, str]:
        return {each.agency_code: each.name for each in self.report.agencies}

    def agency_name(self, code: str | None) -> str:
        """Name in force on the last day; the code where nobody knows a name."""
        return self._names.get(code or "", code or self.words["names"]["no_agency"])

    def procedure_name(self, code: str) -> str:
        """Its name; the code where the sources name none."""
        return self.report.procedures.get(code, code) if code else str(self.words["names"]["no_procedure"])

    def reason(self, reason: str) -> str:
        """The words for a reason; itself where there are none."""
        return wording.message_reason(reason)

    def figure_name(self, figure: str) -> str:
        """What staff read above the column of a figure; its own name where there are no words."""
        column = self.words["columns"].get(figure)
        return str(column["head"]) if column else figure

    def causes(self, change: Change) -> str:
        """Why a correction changed a figure, in words."""
        return "; ".join(self.words["cause"].get(cause, cause) for cause in change.causes)

    @property
    def period(self) -> str:
        """``ngày 24/11/2026``, ``tháng 11 năm 2026``, ``quý IV năm 2026``, ``năm 2026``."""
        return period_words(self.report.closing.period)

    @property
    def previous_period(self) -> str:
        """The period before, as a sentence names it."""
        before = self.report.closing.period.previous
        return _name_period(self.words, f"previous_{before.length}", before)

    # --- Rows --------------------------------------------------------------------------------------------------

    def _own(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        return tuple(row for row in rows if self.agency is None or row.agency_code == self.agency)  # type: ignore[attr-defined]

    @cached_property
    def messages(self) -> tuple[MessageFigures, ...]:
        """By agency, procedure and kind, worst first."""
        return tuple(
            sorted(
                self._own(self.report.figures.messages),
                key=lambda row: (*_badness(row), row.agency_code, row.procedure_code, KINDS.index(row.kind)),
            )
        )

    @cached_property
    def total(self) -> MessageFigures:
        """All messages."""
        return sum_messages(self.messages)

    @cached_property
    def notices(self) -> MessageFigures:
        """All messages but replies: what a share of delivered ones is of, since replies have no receipts."""
        return notices_of(self.messages)

    @cached_property
    def replies(self) -> MessageFigures:
        """Replies to inquiries alone."""
        return sum_messages((row for row in self.messages if row.kind == "reply"), "reply")

    @cached_property
    def notices_before(self) -> MessageFigures | None:
        """Those of the period before."""
        if self.report.previous is None:
            return None
        return notices_of(self._own(self.report.previous.messages))

    @cached_property
    def by_kind(self) -> tuple[MessageFigures, ...]:
        """A sum for each kind that occurs."""
        groups = _grouped(self.messages, lambda row: row.kind)
        return tuple(sum_messages(groups[kind], kind) for kind in KINDS if kind in groups)

    @cached_property
    def total_before(self) -> MessageFigures | None:
        """All messages of the period before."""
        if self.report.previous is None:
            return None
        return sum_messages(self._own(self.report.previous.messages))

    @property
    def change(self) -> float | None:
        """Of the share that was delivered."""
        return change_of(self.notices, self.notices_before)

    @cached_property
    def unbalanced(self) -> tuple[MessageFigures, ...]:
        """Groups in which the identity does not hold."""
        return tuple(row for row in self.messages if row.difference)

    @cached_property
    def difference(self) -> int:
        """What is missing or too much, without signs."""
        return sum(abs(row.difference) for row in self.messages)

    @cached_property
    def dossiers(self) -> tuple[DossierFigures, ...]:
        """By agency and procedure, most late ones first."""
        rows = self._own(self.report.figures.dossiers)
        return tuple(sorted(rows, key=lambda row: (*_lateness(row), row.agency_code, row.procedure_code)))

    @cached_property
    def dossiers_total(self) -> DossierFigures:
        """All dossiers."""
        return sum_dossiers(self.dossiers)

    @cached_property
    def dossiers_before(self) -> DossierFigures | None:
        """All dossiers of the period before."""
        if self.report.previous is None:
            return None
        return sum_dossiers(self._own(self.report.previous.dossiers))

    @cached_property
    def before(self) -> dict[tuple[str, str, str], MessageFigures]:
        """By agency, procedure and kind: the period before."""
        rows = self.report.previous.messages if self.report.previous else ()
        return {(row.agency_code, row.procedure_code, row.kind): row for row in rows}

    @cached_property
    def channels(self) -> tuple[ChannelFigures, ...]:
        """What gateways took, and bill, by agency, kind, gateway and carrier."""
        return self._own(self.report.figures.channels)

    @cached_property
    def by_gateway(self) -> dict[tuple[str, str], list[ChannelFigures]]:
        """The same by gateway and the unit that it bills, in their order."""
        groups = _grouped(self.channels, lambda row: (row.gateway, row.billed_unit))
        return {key: groups[key] for key in sorted(groups)}

    @cached_property
    def counts_total(self) -> AgencyFigures:
        """What is counted by agency alone, added up."""
        own = self._own(self.report.figures.agencies)
        names = [name for name in AgencyFigures.__slots__ if name != "agency_code"]
        return AgencyFigures("", **{name: sum(getattr(row, name) for row in own) for name in names})

    @cached_property
    def timings(self) -> dict[tuple[str | None, str | None, str], Timing]:
        """By agency, procedure and kind."""
        return {(row.agency_code, row.procedure_code, row.kind): row for row in self.report.figures.timings}

    @cached_property
    def agencies(self) -> tuple[AgencyLine, ...]:
        """Each agency that is enabled or has a figure, worst first; what belongs to no agency last."""
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
        """Up to five agencies that have the lowest share of delivered messages, none of a handful."""
        named = (each for each in self.agencies if each.agency_code)
        enough = [each for each in named if self.is_judged(each.notices)]
        below = [each for each in enough if (each.notices.delivered_of_tellable or 0) < 1]
        return tuple(sorted(below, key=lambda each: (each.notices.delivered_of_tellable or 0, each.name))[:5])

    @cached_property
    def places(self) -> dict[str, int]:
        """By code, the place of each agency that is ranked; what belongs to no agency is none, and few are not."""
        ranked = [each for each in self.agencies if each.agency_code and self.is_judged(each.notices)]
        return {each.agency_code: place for place, each in enumerate(ranked, 1)}

    @cached_property
    def unranked(self) -> tuple[AgencyLine, ...]:
        """Agencies that have too few notices to be ranked, in the order of the table."""
        return tuple(each for each in self.agencies if each.agency_code and each.agency_code not in self.places)

    @cached_property
    def procedures(self) -> tuple[MessageFigures, ...]:
        """By agency and procedure over all kinds but replies, which have no receipts, worst first."""
        told = (row for row in self.messages if row.kind != "reply" or row.difference)
        groups = _grouped(told, lambda row: (row.agency_code, row.procedure_code))
        sums = [
            replace(sum_messages(rows), agency_code=agency, procedure_code=procedure)
            for (agency, procedure), rows in groups.items()
        ]
        return tuple(sorted(sums, key=lambda row: (*_badness(row), row.agency_code, row.procedure_code)))

    @cached_property
    def reasons(self) -> tuple[tuple[str, str, int], ...]:
        """State, reason and messages over all agencies, the most first."""
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for row in self._own(self.report.figures.reasons):
            counts[row.state, row.reason] += row.messages
        return tuple((*key, number) for key, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Without a reason first."""
        rows = self._own(self.report.differences)
        return tuple(sorted(rows, key=lambda row: (row.is_explained, row.reason, *map(_sortable, _values(row)))))

    @cached_property
    def stops(self) -> tuple[StopWords, ...]:
        """What was stopped: of an agency what was stopped everywhere, too."""
        return tuple(row for row in self.report.stops if self.agency is None or row.agency_code in ("", self.agency))

    def stopped(self, stop: StopWords) -> tuple[str, str]:
        """Whose messages were stopped, and which kind, in words."""
        whose = self.agency_name(stop.agency_code) if stop.agency_code else self.words["names"]["all"]
        return whose, self.words["kind"][stop.kind] if stop.kind else self.words["stops"]["every_kind"]

    @cached_property
    def pushed(self) -> tuple[PushedWords, ...]:
        """Whose figures are as they were pushed, by source and agency."""
        return self._own(self.report.pushed)

    @cached_property
    def unexplained(self) -> tuple[Difference, ...]:
        """Those without a reason."""
        return tuple(row for row in self.differences if not row.is_explained)

    @cached_property
    def orphans(self) -> tuple[Orphan, ...]:
        """By sort."""
        return tuple(sorted(self._own(self.report.orphans), key=lambda row: tuple(map(_sortable, _values(row)))))

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What a correction changed."""
        return self._own(self.report.changes)

    @cached_property
    def urged(self) -> tuple[Urged, ...]:
        """Whom the report proposes to urge."""
        return self._own(self.report.urged)

    @cached_property
    def complaints(self) -> tuple[ComplaintCount, ...]:
        """The most first."""
        rows = self._own(self.report.complaints)
        return tuple(sorted(rows, key=lambda row: (-row.complaints, row.agency_code, row.claim, row.outcome)))


def period_words(period: Period) -> str:
    """``ngày 24/11/2026``, ``tháng 11 năm 2026``, ``quý IV năm 2026``, ``năm 2026``."""
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
    """Seconds as people say them: ``45 giây``, ``3,5 phút``, ``26 giờ``, ``4 ngày``."""
    said = wording.publication_words()["time"]
    for name, least, unit in (("days", 172_800, 86_400), ("hours", 7_200, 3_600), ("minutes", 120, 60)):
        if seconds >= least:
            return str(said[name].format(number=wording.plain(round(seconds / unit, 1))))
    return str(said["seconds"].format(number=wording.count(seconds)))


def points(value: float | None) -> str:
    """A change of a share in percentage points, with its sign."""
    dash: str = wording.publication_words()["names"]["dash"]
    return dash if value is None else wording.signed(value * 100)


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def notices_of(rows: Iterable[MessageFigures]) -> MessageFigures:
    """All but replies, added up."""
    return sum_messages(row for row in rows if row.kind != "reply")


def spared_of(rows: Iterable[ChannelFigures]) -> tuple[ChannelFigures, ...]:
    """What did not go by SMS, whose messages SMS alone would have cost."""
    return tuple(row for row in rows if row.billed_unit != "segment")


def _badness(row: MessageFigures, notices: MessageFigures | None = None) -> tuple[float, ...]:
    """Unbalanced first, then by the share of ``notices`` that was delivered, of few messages later, of none last, with
    replies."""
    if row.difference:
        return (0, -abs(row.difference), 0)
    judged = notices or row
    delivered, of_all = judged.delivered_of_tellable, judged.tellable
    if delivered is None or judged.kind == "reply":
        return (3, 0, 0)
    return (1 if of_all >= LEAST_JUDGED else 2, delivered, -of_all)


def change_of(now: MessageFigures, before: MessageFigures | None) -> float | None:
    """Of the share that was delivered; ``None``: there is nothing to compare, or too few."""
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
