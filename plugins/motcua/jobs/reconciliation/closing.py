"""Reconciling: closes days, months, quarters and years, and looks again at what was closed.

A closing takes the ledger as it was at a cut-off and holds it against the sources, which are counted anew from their
own tables. What has no counterpart is listed with its reason. Closing a period again gives the same figures, or a
correction that says what changed and why.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from motcua.domain.apologies import Evening, due_days
from motcua.domain.checks import Fact, fault
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import KEPT_OF_CODE, SourceTransition, clean_words
from motcua.domain.numbering import Numbers
from motcua.domain.periods import Period
from motcua.domain.reconciliation import (
    Change,
    ChangeCause,
    Closing,
    Difference,
    DifferenceReason,
    Figures,
    MessageFigures,
    sum_messages,
)
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.notices.picking_up import connection_id
from motcua.settings import settings
from motcua.sources import adapter, pushed_sources
from motcua.sources.counting import SourceCount, plain_code
from motcua.store.agencies import agency_by_written_code, in_force
from motcua.store.calendars import load_calendar
from motcua.store.intake.pushes import keep_pushed_of_closing
from motcua.store.ledger.database import (
    Connection,
    connect,
    reason_without_values,
    without_values,
)
from motcua.store.ledger.locks import CLOSING, hold_lock
from motcua.store.notices.apologies import unsettled_evenings
from motcua.store.notices.gateways import gateway_prices
from motcua.store.notices.sources import ensure_source, list_sources, numberings_of, status_map
from motcua.store.notices.stops import keep_stops_of_closing
from motcua.store.notices.transitions import old_steps_since
from motcua.store.oversight.closings import (
    COUNTED,
    ClosingHeldUp,
    SumOfClosings,
    Unmatched,
    UnmatchedOccasion,
    closings_to_recheck,
    compare_apologies,
    compare_occasions,
    compare_replies,
    compute_figures,
    counted_figures,
    data_as_of,
    days_behind,
    empty_counted,
    enabled_by_written_code,
    evenings_between,
    find_orphans,
    first_event,
    hash_figures,
    last_closing,
    load_closing,
    load_differences,
    load_figures,
    load_message_figures,
    look_at_counted,
    message_moves,
    newest_closings,
    save_closing,
    sources_of_messages,
    sum_closings,
    take_occasions,
    take_watermark,
    with_differences,
)

log = logging.getLogger(__name__)

_PATIENCE = 600.0
"""Seconds that another closing is waited for."""
_COUNTS_WITHIN = 600.0
"""Seconds that one statement at a source may take: a source that hangs holds up no closing for long."""
_RECHECK_AFTER = timedelta(days=3)
"""How long after its closing a period is looked at once more."""
_LOOK_AGAIN_FOR = timedelta(days=31)
"""A closing older than this is looked at again only when somebody asks."""


class NotOver(ValueError):
    """The period is not over, so it cannot be closed."""


class NothingInScope(ValueError):
    """No agency was enabled by the end of the period: there is nothing that anybody should have been told."""


class SourcesUnread(Exception):
    """A closed period could not be compared with its sources again; its last closing stands."""


@dataclass(frozen=True, slots=True)
class ClosingResult:
    """What became of a request to close a period."""

    closing: Closing
    changed: bool
    """It was made now; else it is the one that stands, and nothing differs from it."""

    @property
    def must_be_looked_at(self) -> bool:
        """It was made now, or the one that stands does not meet: whoever runs it again must not be told that all is
        well."""
        closing = self.closing
        meets = not (closing.difference or closing.unexplained or closing.sources_unread)
        return self.changed or not meets or _is_stale(closing)


@without_values()
def close_period(period: Period, run_id: str, now: datetime | None = None) -> ClosingResult:
    """Closes a period, or corrects its last closing where anything differs from it.

    What is longer than a day first closes, or corrects, those of its days that need it. What a source cannot be asked
    for is missing from a first closing, which says so; it never undoes a closing that had it.

    Args:
        period: the day, month, quarter or year.
        run_id: DAG run, or the name of a run by hand.
        now: the cut-off; by default this moment. What the ledger holds when the call is made counts.

    Raises:
        NotOver: the period's last day is not over at ``now``.
        NothingInScope: no agency was enabled by the end of the period.
        ClosingHeldUp: another closing, or a transaction from before the cut-off, did not end.
        SourcesUnread: closed already, and a source did not answer now.
    """
    moment = now or datetime.now(UTC)
    if period.end > moment:
        raise NotOver(f"{period} is not over; it can be closed from {period.end:%H:%M %d/%m/%Y} on")
    with connect() as ledger:
        beginning = _beginning(ledger)
    if beginning is None or beginning >= period.end:
        raise NothingInScope(f"{period} is not closed: no agency was enabled by its end")
    with _the_one_closing():
        return _Closer(run_id, moment).close(period)


def _beginning(ledger: Connection) -> datetime | None:
    """When the first agency was enabled; or when the first event was told of, by one that is enabled no more."""
    moments = [first_event(ledger), *enabled_by_written_code(ledger).values()]
    return min((moment for moment in moments if moment is not None), default=None)


@without_values()
def recheck_closed(run_id: str, now: datetime | None = None) -> list[ClosingResult]:
    """Looks once more at each period that was closed three days ago, and corrects it where
    something arrived later.

    Raises:
        ClosingHeldUp: another closing, or a transaction from before the cut-off, did not end.
    """
    moment = now or datetime.now(UTC)
    results = []
    with _the_one_closing():
        with connect() as ledger:
            since = moment - _RECHECK_AFTER - _LOOK_AGAIN_FOR
            due = closings_to_recheck(ledger, _RECHECK_AFTER, moment, closed_since=since)
        for period in due:
            try:
                results.append(_Closer(run_id, moment).close(period))
            except SourcesUnread as unread:
                log.warning("%s was not looked at again: %s", period, unread)
    return results


@contextmanager
def _the_one_closing() -> Iterator[None]:
    with connect() as guard:
        until = time.monotonic() + _PATIENCE
        while not hold_lock(guard, CLOSING):
            guard.commit()
            if time.monotonic() > until:
                raise ClosingHeldUp("another closing is at work; rerun the task when it has ended")
            time.sleep(0.2)
        guard.commit()
        yield


@dataclass(slots=True)
class _Compared:
    """The sources' side of a closing."""

    figures: list[MessageFigures]
    differences: list[Difference]
    unread: tuple[str, ...] = ()
    of_days: Counter[tuple[str, str, str]] | None = None
    """Of what is longer than a day: by how much its days do not meet, cell by cell."""


class _Closer:
    """One run over one or more periods."""

    def __init__(self, run_id: str, now: datetime) -> None:
        self.run_id, self.now = run_id, now

    def close(self, period: Period, *, each_day: bool = False) -> ClosingResult:
        """Closes or corrects a period; ``each_day`` of a longer one, whether it seems to need it or not."""
        if not period.is_day:
            self._bring_days_up_to_date(period, each_day)
        with connect() as ledger:
            before = last_closing(ledger, period)
            draft = self._draft(ledger, period, before)
            compared = self._compare(ledger, draft) if period.is_day else self._sum_of_days(ledger, period)
            if before is not None and set(compared.unread) - set(before.sources_unread):
                raise SourcesUnread(f"{', '.join(compared.unread)} did not answer, or is not read any more")
            with connect() as aside:
                figures = compute_figures(ledger, draft, compared.figures, aside)
            if compared.of_days is not None and not each_day and compared.of_days != _unbalanced(figures.messages):
                # The ledger lost or gained something in a day that was closed: that day lists it.
                ledger.rollback()
                return self.close(period, each_day=True)
            orphans = find_orphans(ledger, draft)
            draft = replace(
                draft,
                sources_unread=compared.unread,
                figures_hash=hash_figures(figures, compared.differences, orphans),
                difference=sum(abs(each.difference) for each in figures.messages),
                unexplained=sum(not each.is_explained for each in compared.differences),
            )
            if before is not None and _tells_the_same(before, draft):
                ledger.rollback()
                log.info("%s: closing %d stands, nothing differs", period, before.closing_no)
                return ClosingResult(before, changed=False)
            changes = [] if before is None else _changes(ledger, before, draft, figures)
            closing = save_closing(ledger, draft, figures, compared.differences, orphans, changes)
            keep_stops_of_closing(ledger, closing.closing_no, period, draft.as_of)
            days = () if period.is_day else newest_closings(ledger, period.days).values()
            pushed = pushed_sources(settings().sources)
            keep_pushed_of_closing(ledger, closing.closing_no, period, pushed, tuple(days))
        _log_closing(closing, figures)
        return ClosingResult(closing, changed=True)

    def _draft(self, ledger: Connection, period: Period, before: Closing | None) -> Closing:
        mark = take_watermark(ledger)
        # A correction counts what the closing counted that it corrects, or each would be corrected once by an upgrade.
        has_channels = before is None or before.known_attempt is not None
        if not has_channels:
            mark = replace(mark, known_attempt=None)
        return Closing(
            closing_no=0,
            period=period,
            corrects=before.closing_no if before else None,
            run_id=self.run_id,
            as_of=self.now,
            **{each.name: getattr(mark, each.name) for each in fields(mark)},
            data_as_of=data_as_of(ledger, settings().sources),
            sources_unread=(),
            segment_price=settings().segment_price,
            prices=gateway_prices(ledger) if has_channels else None,
            figures_hash="",
            difference=0,
            unexplained=0,
            closed_at=self.now,
        )

    # --- Against the sources

    def _compare(self, ledger: Connection, draft: Closing) -> _Compared:
        """The sources' own count of a day, and what has no counterpart."""
        empty_counted(ledger)
        known = _known_sources(ledger)
        evenings, since = self._evenings(ledger, draft.period), old_steps_since(ledger)
        unread: list[str] = []
        for source in settings().sources:
            try:
                with ledger.transaction(), _counting(ledger, source, known[source], draft.period) as count:
                    take_occasions(ledger, source, count.occasions(draft.period.start, draft.period.end))
                    take_occasions(ledger, source, count.apologies(evenings, settings().clock_skew, since))
            except Exception as error:
                log.warning("source %s was not counted: %s", source, reason_without_values(error))
                unread.append(source)
        look_at_counted(ledger)
        given_up = [name for name in known if name not in settings().sources]
        away = [known[name] for name in (*unread, *given_up)]
        unread += sources_of_messages(ledger, draft.period, given_up)
        names = {number: name for name, number in known.items()}
        occasions = compare_occasions(ledger, draft, away, settings().overlap)
        found = [
            *_with_reasons(ledger, occasions, names, draft.period),
            *compare_apologies(ledger, draft, away),
            *compare_replies(ledger, draft),
        ]
        differences = [_difference(each, names) for each in found]
        return _Compared(with_differences(counted_figures(ledger), differences), differences, tuple(unread))

    def _evenings(self, ledger: Connection, period: Period) -> list[Evening]:
        """The evenings of a day with the due days that they are about, by the rule where one is not settled yet."""
        found = [*evenings_between(ledger, period.start, period.end)]
        rules = apology_rules()
        evening_at = rules.evening_of(period.first)
        if evening_at <= self.now:
            in_charge = in_force(ledger, period.first)
            for agency in unsettled_evenings(ledger, period.first, only=True):
                if not agency.days or evening_at < agency.begins_at:
                    continue
                whose = in_charge[agency.agency_code].in_charge or agency.agency_code
                due = due_days(
                    agency.apology_day, load_calendar(ledger, whose, period.first, period.first), period.first
                )
                if due is not None:
                    found.append(Evening(agency.agency_code, evening_at, due.first, due.last))
        return found

    # --- Months, quarters, years

    def _bring_days_up_to_date(self, period: Period, each_day: bool) -> None:
        """Closes the days of a period that are not, and corrects those that lack messages or, within its last month,
        that their sources count otherwise by now; or each day, where the period does not add up.

        Earlier months were held against their sources when they were closed themselves: a source need not keep more
        than a month.
        """
        month = period.last_month
        at_source = self._count_by_day(month)
        with connect() as ledger:
            beginning = _beginning(ledger)
            behind = days_behind(ledger, period)
            closed = newest_closings(ledger, period.days)
            stand = {
                day
                for day, number in closed.items()
                if day.first not in behind
                and not self._is_behind(
                    ledger, load_closing(ledger, number), at_source if day.first >= month.first else None
                )
            }
        for day in period.days:
            if (day in stand and not each_day) or (beginning is not None and beginning >= day.end):
                continue
            try:
                self.close(day)
            except SourcesUnread as unread:
                log.warning("%s was not looked at again: %s", day, unread)

    def _count_by_day(self, month: Period) -> Counter[tuple[date, str, str, str, str]] | None:
        """What the sources count of the month by now, cell by cell; ``None``: one did not answer, or there is none."""
        if not settings().sources:
            return None
        total: Counter[tuple[date, str, str, str, str]] = Counter()
        with connect() as ledger:
            known = _known_sources(ledger)
            begins = enabled_by_written_code(ledger)
            for source in settings().sources:
                try:
                    with _counting(ledger, source, known[source], month) as count:
                        total += count.by_day(month.start, month.end, begins)
                except Exception as error:
                    log.warning("source %s was not counted: %s", source, reason_without_values(error))
                    return None
        return total

    def _is_behind(
        self, ledger: Connection, closing: Closing, at_source: Counter[tuple[date, str, str, str, str]] | None
    ) -> bool:
        """Whether the sources count the day otherwise by now than its closing did."""
        if closing.sources_unread:
            return True
        if at_source is None:
            return False
        day = closing.period.first
        stored: Counter[tuple[date, str, str, str, str]] = Counter()
        for each in load_message_figures(ledger, closing.closing_no):
            if each.kind in ("result", "supplement"):
                for figure in ("at_source", "out_of_scope"):
                    key = (day, each.agency_code, each.procedure_code, each.kind, figure)
                    stored[key] = getattr(each, figure)
        return +stored != Counter({key: count for key, count in at_source.items() if key[0] == day and count})

    def _sum_of_days(self, ledger: Connection, period: Period) -> _Compared:
        """The sources' count of a longer period: that of its days, with their differences; what one day moved into
        another is no difference of the period."""
        differences: list[Difference] = []
        unread: set[str] = set()
        numbers = newest_closings(ledger, period.days).values()
        for number in numbers:
            unread |= set(load_closing(ledger, number).sources_unread)
            differences += load_differences(ledger, number)
        cells = sum_closings(ledger, numbers)
        of_days = _unbalanced(cells)
        figures = [
            MessageFigures(
                cell.agency_code,
                cell.procedure_code,
                cell.kind,
                at_source=cell.at_source,
                out_of_scope=cell.out_of_scope,
            )
            for cell in cells
            if cell.kind != "reply"
        ]
        # What is counted on another day of the same period, in the same cell, is no difference of the period.
        sides: dict[tuple[int | None, str, str], set[str]] = {}
        for moved in differences:
            if moved.reason == "other_period":
                sides.setdefault((moved.message_id, moved.agency_code, moved.procedure_code), set()).add(moved.side)
        differences = [
            one
            for one in differences
            if one.reason != "other_period"
            or one.message_id is None
            or len(sides[one.message_id, one.agency_code, one.procedure_code]) < 2
        ]
        figures = with_differences(figures, differences)
        return _Compared(figures, differences, tuple(sorted(unread)), of_days)


def _changes(ledger: Connection, before: Closing, draft: Closing, figures: Figures) -> list[Change]:
    """What differs from the closing before, and why."""
    causes: dict[tuple[str, str, str], set[ChangeCause]] = {}
    for move in message_moves(ledger, before, draft):
        causes.setdefault((move.agency_code, move.procedure_code, move.kind), set()).add(move.cause)
    was = load_figures(ledger, before.closing_no)
    return [
        *_changed(
            was.messages,
            figures.messages,
            3,
            lambda key, name: _message_causes(causes.get((key[0], key[1], key[2])), name),
        ),
        *_changed(was.dossiers, figures.dossiers, 2, lambda *_: {"dossier_changed"}),
        *_changed(was.agencies, figures.agencies, 1, lambda _, name: _agency_causes(name)),
    ]


def _unbalanced(rows: Sequence[MessageFigures] | Sequence[SumOfClosings]) -> Counter[tuple[str, str, str]]:
    """By how much the identity does not hold, of the cells in which it does not."""
    return Counter({(row.agency_code, row.procedure_code, row.kind): row.difference for row in rows if row.difference})


def _message_causes(moved: set[ChangeCause] | None, figure: str) -> set[ChangeCause]:
    if figure in COUNTED:
        return {"picked_up_late"} if moved and "picked_up_late" in moved else {"source_changed"}
    return moved or {"source_changed"}


def _agency_causes(figure: str) -> set[ChangeCause]:
    return {"picked_up_late"} if figure in ("inquiries", "inquiry_fees", "told_without_result") else {"dossier_changed"}


def _changed(
    was: Sequence[Any], became: Sequence[Any], keys: int, causes_of: Callable[[tuple[str, ...], str], set[ChangeCause]]
) -> Iterator[Change]:
    """The figures that differ, cell by cell; a cell that is missing on one side counts as zeros."""
    rows = [*was, *became]
    names = [each.name for each in fields(rows[0])] if rows else []

    def by_key(rows: Sequence[Any]) -> dict[tuple[str, ...], Any]:
        return {tuple(getattr(row, name) for name in names[:keys]): row for row in rows}

    old, new = by_key(was), by_key(became)
    for key in sorted({*old, *new}):
        agency_code, procedure_code, kind = (*key, "", "")[:3]
        for name in names[keys:]:
            before, after = getattr(old.get(key), name, 0), getattr(new.get(key), name, 0)
            if before != after:
                causes = tuple(sorted(causes_of(key, name)))
                yield Change(agency_code, procedure_code, kind, name, before, after, causes)


def _tells_the_same(before: Closing, draft: Closing) -> bool:
    return (before.figures_hash, before.sources_unread) == (draft.figures_hash, draft.sources_unread)


def _known_sources(ledger: Connection) -> dict[str, int]:
    """Numbers of the sources by name; of one that no pick-up ever looked at as well, or it would pass for empty."""
    known = {source.name: source.source_id for source in list_sources(ledger)}
    if new := [name for name in settings().sources if name not in known]:
        with connect() as aside:
            for name in new:
                ensure_source(aside, name)
        known = {source.name: source.source_id for source in list_sources(ledger)}
    return known


@contextmanager
def _counting(ledger: Connection, source: str, source_id: int, period: Period) -> Iterator[SourceCount]:
    # What a status was said to stand for ends with a whole day.
    statuses = status_map(ledger, source_id, period.start)
    written = agency_by_written_code(ledger)
    with connect(connection_id(source)) as reading:
        counted = adapter(settings().sources[source])(reading, source)
        counted.numbers = Numbers(numberings_of(ledger, source_id))
        counted.limit_time(_COUNTS_WITHIN)
        yield SourceCount(counted, statuses, written)


def _with_reasons(
    ledger: Connection, occasions: Sequence[UnmatchedOccasion], names: Mapping[int, str], period: Period
) -> list[Unmatched]:
    """What has no counterpart, with the reasons that only the sources can tell."""
    found = [each.unmatched for each in occasions]
    to_ask: dict[int, list[int]] = {}
    for place, unmatched in enumerate(found):
        if unmatched.reason is None and unmatched.source_id is not None:
            to_ask.setdefault(unmatched.source_id, []).append(place)
    for source_id, places in to_ask.items():
        with _counting(ledger, names[source_id], source_id, period) as count:
            reasons = _ask_for_reasons(count, [occasions[place] for place in places], period)
        for place, reason in zip(places, reasons, strict=True):
            found[place] = replace(found[place], reason=reason)
    return found


def _ask_for_reasons(
    count: SourceCount, occasions: Sequence[UnmatchedOccasion], period: Period
) -> list[DifferenceReason]:
    """The reasons that only the source can tell: by what it says now of the transitions of a message."""
    numbers = sorted({number for each in occasions for number in each.numbers})
    present: dict[int | None, list[SourceTransition]] = {}
    for each in count.transitions(numbers):
        present.setdefault(each.transition_id, []).append(each)
    return [_reason(count, occasion, present, period) for occasion in occasions]


def _reason(
    count: SourceCount,
    occasion: UnmatchedOccasion,
    present: Mapping[int | None, Sequence[SourceTransition]],
    period: Period,
) -> DifferenceReason:
    """``present``: what the source says now, by number."""
    unmatched = occasion.unmatched
    if unmatched.side == "ledger":
        kept = [
            (now, recorded_at)
            for number, recorded_at in zip(occasion.numbers, occasion.recorded, strict=True)
            for now in present.get(number, ())
            # A number that the source gave a second time, to another dossier, is another row.
            if _is_of(now, unmatched) or now.recorded_at == recorded_at
        ]
        return _reason_of_message(count, kept, occasion, period)
    # It still has them all as they were read, under one code: then it has one between, too, that ends one and begins
    # another.
    found = [present.get(number, ()) for number in occasion.numbers]
    rows_now = [now for each in found for now in each]
    as_read = (
        all(found)
        and all(_is_of(now, unmatched) and count.kind_of(now) == unmatched.kind for now in rows_now)
        and len({now.dossier_code for now in rows_now}) == 1
    )
    return "missing" if as_read else "source_changed"


def _is_of(transition: SourceTransition, unmatched: Unmatched) -> bool:
    return plain_code(transition.dossier_code) == unmatched.dossier_code


def _reason_of_message(
    count: SourceCount,
    kept: Sequence[tuple[SourceTransition, datetime]],
    occasion: UnmatchedOccasion,
    period: Period,
) -> DifferenceReason:
    """``kept``: what the source says now of the message's transitions, each with the recorded time that was kept."""
    if not kept:
        is_dropped = bool(occasion.numbers) and all(map(count.is_of_earlier_numbers, occasion.numbers))
        return "source_changed" if is_dropped else "without_event"
    kind = occasion.unmatched.kind
    calling = [(now.recorded_at, recorded_at) for now, recorded_at in kept if count.kind_of(now) == kind]
    if not calling:
        return "source_changed"
    if any(now != then for now, then in calling):
        return "time_cleaned" if occasion.was_cleaned else "source_changed"
    return "source_changed" if all(period.start <= then < period.end for _, then in calling) else "other_period"


def _difference(unmatched: Unmatched, names: Mapping[int, str]) -> Difference:
    assert unmatched.reason is not None
    return Difference(
        side=unmatched.side,
        reason=unmatched.reason,
        agency_code=unmatched.agency_code or "",
        procedure_code=unmatched.procedure_code,
        kind=unmatched.kind,
        # Of a row in quarantine it may be anything, and goes into files and pages.
        dossier_code=clean_words(unmatched.dossier_code, KEPT_OF_CODE),
        source=None if unmatched.source_id is None else names.get(unmatched.source_id),
        source_transition_id=unmatched.source_transition_id,
        transition_id=unmatched.transition_id,
        message_id=unmatched.message_id,
        occurred_at=unmatched.occurred_at,
    )


def _log_closing(closing: Closing, figures: Figures) -> None:
    whole = sum_messages(figures.messages)
    log.info(
        "%s: closing %d%s, %d expected, %d messages, difference %d, %d unexplained%s",
        closing.period,
        closing.closing_no,
        f" corrects {closing.corrects}" if closing.corrects else "",
        whole.expected,
        whole.messages,
        closing.difference,
        closing.unexplained,
        f", not counted: {', '.join(closing.sources_unread)}" if closing.sources_unread else "",
    )


def _cut_off(ledger: Connection, closing: Closing) -> int:
    found = load_differences(ledger, closing.closing_no)
    return sum(each.reason == "cut_off" and each.side == "source" for each in found)


def _is_stale(closing: Closing) -> bool:
    """A source had not been read since the period ended."""
    return closing.data_as_of is None or closing.data_as_of < closing.period.end


@without_values()
def require_complete(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """Makes a run red over what somebody must look at.

    Raises:
        RunIncomplete: a task failed, a source was not counted, a figure does not meet for no known reason, or events
            are cut off that a source has and nobody read for as long as the period has been over.
    """
    left = []
    with connect() as ledger:
        for closing in (load_closing(ledger, number) for number in closing_nos):
            named, number = f"closing {closing.closing_no} of {closing.period}", str(closing.closing_no)
            facts: dict[str, Fact] = {"closing": closing.closing_no, "period": str(closing.period)}
            if closing.sources_unread:
                sources = ", ".join(closing.sources_unread)
                told = f"{named}: not counted at {sources}; rerun when they answer"
                left.append(fault("source_not_counted", number, told, sources=sources, **facts))
            elif closing.unexplained or closing.difference:
                told = (
                    f"{named}: difference {closing.difference}, {closing.unexplained} row(s) without a reason: "
                    f"motcua closings differences {closing.closing_no}"
                )
                facts |= {"difference": closing.difference, "rows": closing.unexplained}
                left.append(fault("closing_differs", number, told, **facts))
            elif _is_stale(closing) and (cut_off := _cut_off(ledger, closing)):
                read = closing.data_as_of and f"{closing.data_as_of.astimezone(VIETNAM):last read at %H:%M %d/%m/%Y}"
                told = (
                    f"{named}: {cut_off} event(s) that the sources have and nobody read; one was {read or 'never read'}"
                )
                left.append(fault("events_unread", number, told, events=cut_off, **facts))
    demand_nothing_left(failed_tasks, left)
