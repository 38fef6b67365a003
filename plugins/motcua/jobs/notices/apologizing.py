"""Plans the evening's apologies, and records the evenings that were settled, each with its result.

An *evening* is one agency's apologies of one day. Each evening is *settled* once, in one transaction: that is, every
dossier is checked, and the messages are written. The transaction locks the agency's sources: no rows of these sources
are read meanwhile, so the record agrees with the rows in the ledger. The ledger shows which evenings are not settled.
If a run is skipped or a source does not answer, the next run settles the evening.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Literal

from psycopg.errors import LockNotAvailable

from motcua.domain.apologies import (
    ApologyCandidate,
    ApologyRules,
    DueDays,
    Judgement,
    QuietHours,
    due_day_of,
    due_days,
    judge,
    occasion_of,
    useful_until,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.occasions import BeginState
from motcua.domain.routing import carrier_of_msisdn
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.texts import RenderedText, Template, date_in_text, render
from motcua.domain.working_days import WorkingCalendar
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.settings import settings
from motcua.store.agencies import InForce, in_force
from motcua.store.calendars import load_calendar, load_calendars
from motcua.store.ledger.database import Connection, connect, without_values
from motcua.store.notices.apologies import (
    AgencyEvenings,
    DueDossier,
    EveningState,
    LockedSource,
    SettledEvening,
    candidates,
    covered_until,
    is_evening_left,
    is_settled,
    lock_sources,
    save_evening,
    unsettled_evenings,
)
from motcua.store.notices.gaps import adopt_lost
from motcua.store.notices.messages import PlannedMessage, make_due, save_messages
from motcua.store.notices.templates import load_templates

log = logging.getLogger(__name__)

LEFT_OVER_AFTER = timedelta(minutes=5)
"""Time after the start of an evening in which only the DAG ``apologize_due_tomorrow`` settles the evening. After this
time, runs of ``notify_transitions`` settle the evening, too."""
_PATIENCE = 20.0
"""Seconds to wait while one of the agency's sources is being read."""
_INSTANT = timedelta(microseconds=1)


def apology_rules() -> ApologyRules:
    """Return the apology rules as set for this deployment."""
    quiet = QuietHours(settings().apology_quiet_from, settings().apology_quiet_until)
    return ApologyRules(at=settings().apology_time, quiet=quiet)


def candidate_of(dossier: DueDossier, *, kind_off: bool) -> ApologyCandidate:
    """Return a dossier in the form that the apology rules need. ``kind_off`` is whether the dossier's agency has
    switched apologies off."""
    return ApologyCandidate(
        due_at=dossier.due_at,
        received_at=dossier.received_at,
        status_code=dossier.status_code,
        handed_over=dossier.handed_over,
        kind_off=kind_off,
        phone_refusal=dossier.phone_refusal,
    )


def apology_words(template: Template, dossier: DueDossier, agency_name: str, *, accented: bool) -> RenderedText:
    """Return the text of the apology for a dossier with a due date."""
    due_day = due_day_of(dossier.due_at)
    assert due_day is not None
    values = {"dossier_code": dossier.dossier_code, "due_date": date_in_text(due_day), "agency_name": agency_name}
    return render(template, values, accented)


@dataclass(slots=True)
class ApologyCounts:
    """Counts of one planning of apologies."""

    evenings: dict[str, int] = field(default_factory=dict)
    """Number of settled evenings of agencies, by state."""
    messages: dict[str, int] = field(default_factory=dict)
    """Number of new messages, by their first state."""
    suppressed_by_reason: dict[str, int] = field(default_factory=dict)
    none: dict[str, int] = field(default_factory=dict)
    """Number of dossiers that were checked and get no apology, by the reason why."""
    waiting: dict[str, str] = field(default_factory=dict)
    """Agencies with an evening that cannot be settled yet, each with the reason."""
    made_due: int = 0
    """In a backfill: number of apologies that had failed for a passing reason and are due again."""
    told_before: int = 0
    """Number of messages that are not sent again, because they were sent, or may have been sent, before the ledger was
    restored."""


def evening_window(window: Window, rules: ApologyRules) -> Window:
    """Return the window that contains the apologies of a backfill's run and no other message.

    A day's evening belongs to the run that starts at 17:30 of that day. The run's data interval ends at that moment.
    """
    if window.end is None:
        return EVERYTHING
    evening_at = rules.evening_of(rules.latest_evening(window.end))
    return Window(evening_at, evening_at + _INSTANT)


@without_values()
@beating()
def apologize(window: Window = EVERYTHING, now: datetime | None = None, *, left_over: bool = False) -> ApologyCounts:
    """Settle every evening that has begun and is not settled. With a backfill's window, settle only the last evening in
    the window.

    An evening is planned only from rows that were read after the evening began. An agency whose sources could not be
    read waits for the next run. If it is too late to text anybody about an evening, the evening is recorded as missed,
    with an ``expired`` message for each dossier whose citizen should have got an apology. Settling an evening twice,
    even at the same time, makes no second message.

    ``left_over`` restricts the call to evenings older than ``LEFT_OVER_AFTER``, so that the DAG
    ``apologize_due_tomorrow`` can settle them first. Runs of ``notify_transitions`` use this restriction. The call
    costs little if there is no such evening.
    """
    moment = now or datetime.now(UTC)
    rules = apology_rules()
    counts = ApologyCounts()
    reached = moment - LEFT_OVER_AFTER if left_over else moment
    with connect() as ledger:
        day = rules.latest_evening(reached)
        if left_over and not is_evening_left(ledger, day, rules.evening_of(day)):
            return counts
        agencies = _with_evenings_left(ledger, window, rules, reached)
    if agencies:
        _Settling(rules, moment, counts).run(agencies)
    if window.end is not None:
        with connect() as ledger:
            counts.made_due = make_due(ledger, evening_window(window, rules), moment)
    if not agencies and not left_over:
        log.info("no evening is due: every evening so far is settled")
    return counts


def _with_evenings_left(
    ledger: Connection, window: Window, rules: ApologyRules, reached: datetime
) -> list[AgencyEvenings]:
    only = window.end is not None
    day = rules.latest_evening(reached if window.end is None else min(window.end, reached))
    agencies = [
        replace(each, days=tuple(day for day in each.days if rules.evening_of(day) >= each.begins_at))
        for each in unsettled_evenings(ledger, day, only=only)
    ]
    return [agency for agency in agencies if agency.days]


def waiting_evenings(ledger: Connection, window: Window, now: datetime) -> dict[date, int]:
    """Return the evenings that have begun and are not settled, each with the number of agencies that wait. In a
    backfill, return only the evening at the end of the backfill's window."""
    agencies = _with_evenings_left(ledger, window, apology_rules(), now)
    return dict(sorted(Counter(day for agency in agencies for day in agency.days).items()))


def due_days_of_evening(
    ledger: Connection, agency: AgencyEvenings, calendar: WorkingCalendar, day: date
) -> DueDays | None:
    """Return the due dates that an agency's evening covers; ``None`` if the agency has no evening on that day."""
    return due_days(agency.apology_day, calendar, day, covered_until(ledger, agency.agency_code, day))


def _judge_dossier(
    dossier: DueDossier, agency: AgencyEvenings, due: DueDays, read_sources: Collection[str], *, too_late: bool
) -> Judgement:
    """Decide whether an agency's evening apologises for a dossier, and in which state the message begins."""
    hindrance: Literal["missed", "not_read"] | None = "missed" if too_late else None
    if hindrance is None and dossier.source not in read_sources:
        hindrance = "not_read"
    return judge(candidate_of(dossier, kind_off="apology" in agency.kinds_off), due, hindrance)


@dataclass(frozen=True, slots=True)
class OwedTonight:
    """A dossier that the next evening apologises for unless the dossier changes before."""

    agency_code: str
    dossier_code: str
    procedure_code: str | None
    due_day: date
    is_told: bool
    """Whether the citizen will be texted. If not, ``reason`` says why."""
    reason: str | None
    """Why the citizen cannot be texted."""


def coming_evening(now: datetime) -> datetime:
    """Return the moment at which the next evening of apologies begins."""
    rules = apology_rules()
    return rules.evening_of(rules.latest_evening(now) + timedelta(days=1))


def owed_tonight(ledger: Connection, evening_at: datetime, agencies: Collection[str] | None) -> list[OwedTonight]:
    """Return the dossiers that the next evening would apologise for if nothing changes until then, by agency. Dossiers
    whose citizen cannot be texted come first.

    The dossiers are judged by the same rules as in the evening. ``agencies`` are codes; ``None`` means all.
    """
    day, read_sources = evening_at.astimezone(VIETNAM).date(), frozenset(settings().sources)
    on_day, owed = in_force(ledger, day), list[OwedTonight]()
    asked = [
        each
        for each in unsettled_evenings(ledger, day, only=True)
        if each.days and evening_at >= each.begins_at and (agencies is None or each.agency_code in agencies)
    ]
    desks = {each.agency_code: on_day[each.agency_code].in_charge or each.agency_code for each in asked}
    calendars = load_calendars(ledger, sorted(set(desks.values())), day, day) if asked else {}
    agencies_by_due = dict[DueDays, dict[str, AgencyEvenings]]()
    for agency in asked:
        due = due_days_of_evening(ledger, agency, calendars[desks[agency.agency_code]], day)
        if due is not None:
            agencies_by_due.setdefault(due, {})[agency.agency_code] = agency
    for due, agency_of in agencies_by_due.items():
        for each in chain.from_iterable(candidates(ledger, agency_of, due, evening_at)):
            agency = agency_of[each.agency_code]
            judgement = _judge_dossier(each, agency, due, read_sources, too_late=False)
            due_day = due_day_of(each.due_at)
            if due_day is not None and not isinstance(judgement, str):
                state, reason = judgement
                row = (agency.agency_code, each.dossier_code, each.procedure_code, due_day, state == "queued", reason)
                owed.append(OwedTonight(*row))
    return sorted(owed, key=lambda each: (each.agency_code, each.is_told, each.dossier_code))


class _Settling:
    """One run over the agencies with unsettled evenings."""

    def __init__(self, rules: ApologyRules, now: datetime, counts: ApologyCounts) -> None:
        self.rules, self.now, self.counts = rules, now, counts
        self.template = load_templates()["apology"]
        self.read_sources = frozenset(settings().sources)
        self.agencies_on: dict[date, dict[str, InForce]] = {}

    def run(self, agencies: Sequence[AgencyEvenings]) -> None:
        """Settle the evenings of these agencies. An agency that has to wait does not delay any other agency."""
        for agency in agencies:
            for day in agency.days:
                why_not = self._settle(agency, day)
                if why_not is not None:
                    self.counts.waiting[agency.agency_code] = why_not
                    log.warning("%s, evening of %s: not settled, %s", agency.agency_code, day, why_not)
                    break

    def _in_force(self, ledger: Connection, day: date) -> dict[str, InForce]:
        if day not in self.agencies_on:
            self.agencies_on[day] = in_force(ledger, day)
        return self.agencies_on[day]

    def _settle(self, agency: AgencyEvenings, day: date) -> str | None:
        """Settle an evening. Return why the evening has to wait, or ``None`` once it is settled."""
        with connect() as ledger:
            in_charge = self._in_force(ledger, day)[agency.agency_code]
            # Use the calendar of the desk that citizens go to: after a merger, the calendar of the agency in charge.
            calendar = load_calendar(ledger, in_charge.in_charge or agency.agency_code, day, day)
            due = due_days_of_evening(ledger, agency, calendar, day)
            try:
                sources = lock_sources(ledger, agency.sources, _PATIENCE)
            except LockNotAvailable:
                ledger.rollback()
                return "a source is being read"
            if is_settled(ledger, agency.agency_code, day):
                return None
            evening = _Evening(self, agency, day, due, calendar, in_charge.name_in_texts)
            if due is not None and (why_not := evening.why_not_yet(sources)) is not None:
                return why_not
            evening.settle(ledger)
        return None


class _Evening:
    """One agency's evening, while its sources are locked."""

    def __init__(
        self,
        run: _Settling,
        agency: AgencyEvenings,
        day: date,
        due: DueDays | None,
        calendar: WorkingCalendar,
        agency_name: str,
    ) -> None:
        self.run, self.agency, self.day, self.due, self.agency_name = run, agency, day, due, agency_name
        self.evening_at = run.rules.evening_of(day)
        self.useful_until = None if due is None else useful_until(calendar, due, run.rules.quiet)
        self.too_late = self.useful_until is not None and self.useful_until <= run.now
        self.looked_at = 0
        self.begun: Counter[str] = Counter()

    def why_not_yet(self, sources: Sequence[LockedSource]) -> str | None:
        """Return why the evening cannot be settled now, or ``None`` if it can."""
        rules, now = self.run.rules, self.run.now
        read_since = self.evening_at if self.too_late else max(self.evening_at, now - rules.fresh_for)
        unread = [
            source.name
            for source in sources
            if source.name in self.run.read_sources
            and (source.picked_up_at is None or source.picked_up_at < read_since)
        ]
        if unread:
            return f"not read since: {', '.join(unread)}"
        if not self.too_late and (quiet_until := rules.quiet.until(now)) is not None:
            return f"quiet hours until {quiet_until:%H:%M}"
        return None

    def settle(self, ledger: Connection) -> None:
        """Write the evening's messages, and then the row that records the evening as settled."""
        if self.due is not None:
            for batch in candidates(ledger, [self.agency.agency_code], self.due, self.evening_at):
                self.looked_at += len(batch)
                self._plan(ledger, batch, self.due)
        state: EveningState = "day_off" if self.due is None else "missed" if self.too_late else "done"
        save_evening(
            ledger,
            SettledEvening(
                agency_code=self.agency.agency_code,
                day=self.day,
                evening_at=self.evening_at,
                apology_day=self.agency.apology_day,
                state=state,
                first_due=None if self.due is None else self.due.first,
                last_due=None if self.due is None else self.due.last,
                useful_until=self.useful_until,
                settled_at=self.run.now,
                looked_at=self.looked_at,
                queued=self.begun["queued"],
                suppressed=self.begun["suppressed"],
                missed=self.begun["expired"],
            ),
        )
        evenings = self.run.counts.evenings
        evenings[state] = evenings.get(state, 0) + 1
        log.info(
            "%s, evening of %s: %s, %d dossiers looked at, messages %s%s",
            self.agency.agency_code,
            self.day,
            "day off, nothing selected" if state == "day_off" else state,
            self.looked_at,
            dict(self.begun),
            "; left out because it is too late to tell anybody" if self.begun["expired"] else "",
        )

    def _plan(self, ledger: Connection, batch: Sequence[DueDossier], due: DueDays) -> None:
        counts = self.run.counts
        new = []
        for dossier in batch:
            judgement = _judge_dossier(dossier, self.agency, due, self.run.read_sources, too_late=self.too_late)
            if isinstance(judgement, str):
                counts.none[judgement] = counts.none.get(judgement, 0) + 1
            else:
                new.append(self._planned_message(dossier, *judgement))
        for saved in save_messages(ledger, new, self.run.now):
            self.begun[saved.state] += 1
            counts.messages[saved.state] = counts.messages.get(saved.state, 0) + 1
            if saved.state == "suppressed" and saved.reason is not None:
                reasons = counts.suppressed_by_reason
                reasons[saved.reason] = reasons.get(saved.reason, 0) + 1
        counts.told_before += adopt_lost(ledger, self.run.now)

    def _planned_message(self, dossier: DueDossier, state: BeginState, reason: str | None) -> PlannedMessage:
        due_day = due_day_of(dossier.due_at)
        assert due_day is not None
        assert self.useful_until is not None
        words = apology_words(self.run.template, dossier, self.agency_name, accented=self.agency.accented)
        return PlannedMessage(
            kind="apology",
            dossier_id=dossier.dossier_id,
            agency_code=self.agency.agency_code,
            procedure_code=dossier.procedure_code,
            occasion=occasion_of(due_day),
            transition_id=None,
            state=state,
            reason=reason,
            msisdn=dossier.msisdn,
            carrier=carrier_of_msisdn(dossier.msisdn) if dossier.msisdn else None,
            words=words,
            occurred_at=self.evening_at,
            recorded_at=self.evening_at,
            useful_until=self.useful_until,
            next_attempt_at=self.run.now,
        )
