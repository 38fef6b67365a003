"""Closes days, months, quarters and years, and checks closed periods again.

A closing counts the ledger as it was at a cut-off and compares it with the sources, which are counted again from their
own tables. An *occasion* is an event that calls for a message. Occasions that only a source or only the ledger has are
listed with the reason. Closing a period again gives the same figures, or a correction that states what changed and why.
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

from motcua.domain.apologies import Evening
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
from motcua.jobs.notices.apologizing import apology_rules, due_days_of_evening
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
"""Seconds to wait for another closing to end."""
_COUNTS_WITHIN = 600.0
"""Seconds that one SQL statement at a source may take, so that a hanging source does not delay a closing for long."""
_RECHECK_AFTER = timedelta(days=3)
"""When a period's first closing is this old, each run checks the period again, until a check leads to a correction."""
_LOOK_AGAIN_FOR = timedelta(days=31)
"""Runs check a period again only for this long after ``_RECHECK_AFTER``. Later, only a person's request leads to a
check."""


class NotOver(ValueError):
    """The period is not over, so it cannot be closed."""


class NothingInScope(ValueError):
    """No agency was enabled by the end of the period, so nobody should have been informed."""


class SourcesUnread(Exception):
    """A closed period could not be compared with its sources again; its last closing remains."""


@dataclass(frozen=True, slots=True)
class ClosingResult:
    """The result of a request to close a period."""

    closing: Closing
    changed: bool
    """Whether the closing was made now. Otherwise it is an earlier closing whose figures are still right."""

    @property
    def must_be_looked_at(self) -> bool:
        """Whether a run must report the closing.

        A run must report a new closing, and an earlier closing that does not add up, has a difference without a reason,
        lacks a source, or was made when a source had not been read since the period's end. So a rerun does not report
        success while the closing still needs somebody's attention.
        """
        closing = self.closing
        meets = not (closing.difference or closing.unexplained or closing.sources_unread)
        return self.changed or not meets or _is_stale(closing)


@without_values()
def close_period(period: Period, run_id: str, now: datetime | None = None) -> ClosingResult:
    """Close a period, or correct its last closing if anything differs from it.

    The days of a longer period are closed first, or corrected where needed. If a source does not answer, a first
    closing lacks that source's figures and states so. If an earlier closing has that source's figures, the period is
    not closed again (``SourcesUnread``).

    Args:
        period: the day, month, quarter or year.
        run_id: the DAG run, or a name for a closing by hand.
        now: the cut-off, by default the current moment. An earlier cut-off does not bring back the ledger's content of
            that moment: what the ledger holds at the time of the call is counted.

    Raises:
        NotOver: The period's last day is not over at ``now``.
        NothingInScope: No agency was enabled by the end of the period.
        ClosingHeldUp: Another closing, or a transaction from before the cut-off, did not end.
        SourcesUnread: The period is closed already, and a source does not answer now.
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
    """Return the earlier of two moments: the first event (of an agency that may be disabled now), and the moment from
    which the first agency is enabled."""
    moments = [first_event(ledger), *enabled_by_written_code(ledger).values()]
    return min((moment for moment in moments if moment is not None), default=None)


@without_values()
def recheck_closed(run_id: str, now: datetime | None = None) -> list[ClosingResult]:
    """Check periods again whose first closing is 3 to 34 days old, and correct them if something arrived late.

    A period with a correction that was made three days after its first closing or later is not checked again.

    Raises:
        ClosingHeldUp: Another closing, or a transaction from before the cut-off, did not end.
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
                log.warning("%s was not checked again: %s", period, unread)
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
    """The result of comparing a period with the sources, which becomes a part of the closing."""

    figures: list[MessageFigures]
    differences: list[Difference]
    unread: tuple[str, ...] = ()
    of_days: Counter[tuple[str, str, str]] | None = None
    """For a period longer than a day: by how much the expected messages of its days differ from the messages in the
    ledger, by agency, procedure and kind of message. ``None`` for a day."""


class _Closer:
    """Closes periods in one run. All of them have the same cut-off."""

    def __init__(self, run_id: str, now: datetime) -> None:
        self.run_id, self.now = run_id, now

    def close(self, period: Period, *, each_day: bool = False) -> ClosingResult:
        """Close or correct a period. With ``each_day``, all days of a longer period are closed again, even if their
        closings seem right."""
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
                # The ledger lost or gained rows of a closed day. Closing that day again lists them.
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
        # A correction counts the same kinds of figures as the closing that it corrects. Otherwise an upgrade that adds
        # figures would lead to a correction of every closing.
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
        """Count a day at the sources, and list the occasions that only the sources or only the ledger have."""
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
        unanswered = [known[name] for name in (*unread, *given_up)]
        unread += sources_of_messages(ledger, draft.period, given_up)
        names = {number: name for name, number in known.items()}
        occasions = compare_occasions(ledger, draft, unanswered, settings().overlap)
        found = [
            *_with_reasons(ledger, occasions, names, draft.period),
            *compare_apologies(ledger, draft, unanswered),
            *compare_replies(ledger, draft),
        ]
        differences = [_difference(each, names) for each in found]
        return _Compared(with_differences(counted_figures(ledger), differences), differences, tuple(unread))

    def _evenings(self, ledger: Connection, period: Period) -> list[Evening]:
        """Return a day's evenings of apologies, with their due days. An evening is the apology hour at one agency.

        The ledger stores settled evenings. The due days of all other evenings follow from the agency's setting and
        calendar.
        """
        found = [*evenings_between(ledger, period.start, period.end)]
        rules = apology_rules()
        evening_at = rules.evening_of(period.first)
        if evening_at <= self.now:
            in_charge = in_force(ledger, period.first)
            for agency in unsettled_evenings(ledger, period.first, only=True):
                if not agency.days or evening_at < agency.begins_at:
                    continue
                whose = in_charge[agency.agency_code].in_charge or agency.agency_code
                calendar = load_calendar(ledger, whose, period.first, period.first)
                due = due_days_of_evening(ledger, agency, calendar, period.first)
                if due is not None:
                    found.append(Evening(agency.agency_code, evening_at, due.first, due.last))
        return found

    # --- Months, quarters, years

    def _bring_days_up_to_date(self, period: Period, each_day: bool) -> None:
        """Close the days of a period that have no closing, and correct day closings that are no longer right.

        A day's closing is no longer right if messages were inserted after it, or if its counts differ from the sources.
        Only days of the period's last month are compared with the sources, because a source need not keep more than a
        month. Earlier months were compared when they were closed themselves. ``each_day`` closes all days again.
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
                log.warning("%s was not checked again: %s", day, unread)

    def _count_by_day(self, month: Period) -> Counter[tuple[date, str, str, str, str]] | None:
        """Return the sources' counts of a month, by day, agency, procedure, kind of message and figure.

        The result is ``None`` if a source did not answer, or no source is in use.
        """
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
        """Return whether a day's closing lacks a source, or has stored counts of the sources that differ from the
        present ones in ``at_source``."""
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
        """Sum up the sources' counts and the differences of a period's days.

        An occasion that is missing on one day because it counts on another day of the period is no difference of the
        period.
        """
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
        # An occasion that counts on another day is a difference of both days. If both differences are of the same
        # agency and procedure, they cancel each other out in this period.
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
    """Return the figures that differ from the earlier closing ``before``, with the causes."""
    causes: dict[tuple[str, str, str], set[ChangeCause]] = {}
    for move in message_moves(ledger, before, draft):
        causes.setdefault((move.agency_code, move.procedure_code, move.kind), set()).add(move.cause)
    was = load_figures(ledger, before.closing_no)
    return [
        *_differing_figures(
            was.messages,
            figures.messages,
            3,
            lambda key, name: _message_causes(causes.get((key[0], key[1], key[2])), name),
        ),
        *_differing_figures(was.dossiers, figures.dossiers, 2, lambda *_: {"dossier_changed"}),
        *_differing_figures(was.agencies, figures.agencies, 1, lambda _, name: _agency_causes(name)),
    ]


def _unbalanced(rows: Sequence[MessageFigures] | Sequence[SumOfClosings]) -> Counter[tuple[str, str, str]]:
    """Return the difference between the number of expected messages and the number of messages in the ledger, by
    agency, procedure and kind of message. Differences of zero are left out."""
    return Counter({(row.agency_code, row.procedure_code, row.kind): row.difference for row in rows if row.difference})


def _message_causes(moved: set[ChangeCause] | None, figure: str) -> set[ChangeCause]:
    if figure in COUNTED:
        return {"picked_up_late"} if moved and "picked_up_late" in moved else {"source_changed"}
    return moved or {"source_changed"}


def _agency_causes(figure: str) -> set[ChangeCause]:
    return {"picked_up_late"} if figure in ("inquiries", "inquiry_fees", "told_without_result") else {"dossier_changed"}


def _differing_figures(
    was: Sequence[Any], became: Sequence[Any], keys: int, causes_of: Callable[[tuple[str, ...], str], set[ChangeCause]]
) -> Iterator[Change]:
    """Yield the figures that differ between two lists of rows.

    Rows belong together if their first ``keys`` fields (agency, procedure, kind) are equal. A row that only one list
    has is compared with zeros.
    """
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
    """Return the sources' numbers by name. New sources get a number first; without a number they would be counted as if
    they had no rows."""
    known = {source.name: source.source_id for source in list_sources(ledger)}
    if new := [name for name in settings().sources if name not in known]:
        with connect() as aside:
            for name in new:
                ensure_source(aside, name)
        known = {source.name: source.source_id for source in list_sources(ledger)}
    return known


@contextmanager
def _counting(ledger: Connection, source: str, source_id: int, period: Period) -> Iterator[SourceCount]:
    # The whole period is counted with the status mappings that are in force at the start of the period.
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
    """Return the occasions without a counterpart, each with its reason. A reason that the ledger cannot show is
    determined from the source's present rows."""
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
    """Return why a source's occasions have no counterpart, judged by the source's present rows for the transitions of
    these occasions."""
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
    """Return why one occasion has no counterpart. ``present`` holds the source's present rows by number."""
    unmatched = occasion.unmatched
    if unmatched.side == "ledger":
        kept = [
            (now, recorded_at)
            for number, recorded_at in zip(occasion.numbers, occasion.recorded, strict=True)
            for now in present.get(number, ())
            # A source may give a number a second time, to another dossier. That row is not the one that was read.
            if _is_of(now, unmatched) or now.recorded_at == recorded_at
        ]
        return _reason_of_message(count, kept, occasion, period)
    # The source has two occasions for which the ledger has one message. Either the ledger lacks the transition between
    # the two occasions, or the source has changed. The source is unchanged if it still has every row that the ledger
    # read for this message, if each row leads to a message of this kind, and if all rows have the same dossier code.
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
    """Return why a message has no counterpart at the source. ``kept`` holds the source's present rows with the ledger's
    recorded times."""
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
        # The code of a quarantined row may hold anything, and this value appears in files and on pages.
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


def _count_cut_off(ledger: Connection, closing: Closing) -> int:
    found = load_differences(ledger, closing.closing_no)
    return sum(each.reason == "cut_off" and each.side == "source" for each in found)


def _is_stale(closing: Closing) -> bool:
    """Return whether a source had not been read since the period's end when the closing was made."""
    return closing.data_as_of is None or closing.data_as_of < closing.period.end


@without_values()
def require_complete(closing_nos: Sequence[int], failed_tasks: Sequence[str] = ()) -> None:
    """Fail the run if a closing needs somebody's attention.

    Raises:
        RunIncomplete: A task failed, a source was not counted, a figure differs without a reason, or sources have
            events of the period that nobody has read since the period ended.
    """
    left = []
    with connect() as ledger:
        for closing in (load_closing(ledger, number) for number in closing_nos):
            named, number = f"closing {closing.closing_no} of {closing.period}", str(closing.closing_no)
            facts: dict[str, Fact] = {"closing": closing.closing_no, "period": str(closing.period)}
            if closing.sources_unread:
                sources = ", ".join(closing.sources_unread)
                detail = f"{named}: not counted at {sources}; rerun when they answer"
                left.append(fault("source_not_counted", number, detail, sources=sources, **facts))
            elif closing.unexplained or closing.difference:
                detail = (
                    f"{named}: difference {closing.difference}, {closing.unexplained} row(s) without a reason: "
                    f"motcua closings differences {closing.closing_no}"
                )
                facts |= {"difference": closing.difference, "rows": closing.unexplained}
                left.append(fault("closing_differs", number, detail, **facts))
            elif _is_stale(closing) and (cut_off := _count_cut_off(ledger, closing)):
                read = closing.data_as_of and f"{closing.data_as_of.astimezone(VIETNAM):last read at %H:%M %d/%m/%Y}"
                detail = (
                    f"{named}: {cut_off} event(s) that the sources have and nobody read; "
                    f"one source was {read or 'never read'}"
                )
                left.append(fault("events_unread", number, detail, events=cut_off, **facts))
    demand_nothing_left(failed_tasks, left)
