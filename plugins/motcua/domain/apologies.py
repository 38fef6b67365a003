"""Which dossiers are apologised for on an evening, and until when that may be told: pure rules.

An *evening* is the apology hour (17:30) of one day at one agency. What it selects is judged as things stood at that
moment, also where it is caught up later; the SMS itself is looked at once more just before it leaves
(``motcua.apology_holds`` in the database).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.occasions import BeginState
from motcua.domain.working_days import WorkingCalendar

ApologyDay: TypeAlias = Literal["calendar", "working_day"]
"""Which day is "the next day": the next calendar day, or every day up to the next working day (agency's setting)."""

NoApology: TypeAlias = Literal["not_due", "not_applicable", "other_status", "handed_over"]
"""Why a dossier is not apologised for: its appointed day is another; it is the day of receipt (nobody can know the day
before); it is not being worked on; its citizen has the result."""

BEING_WORKED_ON = frozenset({2, 4})
"""Được tiếp nhận, Đang xử lý: the statuses whose clock runs (QĐ 766/QĐ-TTg); 1, 3 and 5-10 get no apology."""

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of every day in which no apology is planned or sent, clock of Vietnam. The same hour twice: none."""

    begin: time = time(21, 0)
    end: time = time(7, 0)

    def until(self, moment: datetime) -> datetime | None:
        """When the quiet hours end that hold at this moment; ``None``: they do not hold."""
        began = self._began(moment)
        if began is None:
            return None
        ends_on = began.date() if self.begin < self.end else began.date() + _ONE_DAY
        return datetime.combine(ends_on, self.end, VIETNAM)

    def last_moment_before(self, moment: datetime) -> datetime:
        """The end of the last stretch before ``moment`` in which something may be sent."""
        return self._began(moment - _INSTANT) or moment

    def _began(self, moment: datetime) -> datetime | None:
        local = moment.astimezone(VIETNAM)
        clock = local.time()
        if self.begin <= self.end:
            holds, day = self.begin <= clock < self.end, local.date()
        else:
            holds = clock >= self.begin or clock < self.end
            day = local.date() if clock >= self.begin else local.date() - _ONE_DAY
        return datetime.combine(day, self.begin, VIETNAM) if holds else None


@dataclass(frozen=True, slots=True)
class ApologyRules:
    """The settings that apologies follow."""

    at: time = time(17, 30)
    """The hour of the evening, clock of Vietnam."""
    quiet: QuietHours = QuietHours()
    fresh_for: timedelta = timedelta(minutes=10)
    """Nobody is told on what a source said longer ago than this."""

    def evening_of(self, day: date) -> datetime:
        """The evening of a day; aware, VIETNAM."""
        return datetime.combine(day, self.at, VIETNAM)

    def latest_evening(self, moment: datetime) -> date:
        """The day of the last evening that had come by this moment."""
        local = moment.astimezone(VIETNAM)
        return local.date() if local.time() >= self.at else local.date() - _ONE_DAY

    def wait_until(self, now: datetime, read_at: datetime | None) -> datetime | None:
        """When a claimed apology may be tried again because it may not leave now; ``None``: it may.

        It rests in the quiet hours, and while what its source last said (``read_at``) is too old to tell on.
        """
        quiet_until = self.quiet.until(now)
        if quiet_until is not None:
            return quiet_until
        return now + timedelta(minutes=1) if read_at is None or read_at < now - self.fresh_for else None


@dataclass(frozen=True, slots=True)
class DueDays:
    """Stored due dates from ``first`` to ``last``, both counted."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (date.fromordinal(n) for n in range(self.first.toordinal(), self.last.toordinal() + 1))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def due_days(mode: ApologyDay, calendar: WorkingCalendar, run_day: date) -> DueDays | None:
    """The stored due dates that the evening of ``run_day`` apologises for; ``None``: a day off, none.

    ``calendar``: the next day, every day (the report of 2016 to the letter). ``working_day``: on a working day W the
    due dates d whose effective day is after W and not after the next working day. A day off is effective on the
    working day that follows it (BLDS 2015 art. 148), so these are all days after W up to the next working day.
    """
    if mode == "calendar":
        return DueDays(run_day + _ONE_DAY, run_day + _ONE_DAY)
    if not calendar.is_working_day(run_day):
        return None
    return DueDays(run_day + _ONE_DAY, calendar.next_working_day(run_day))


def desk_opens_at(calendar: WorkingCalendar, due: DueDays) -> datetime:
    """When the desk opens on the appointed day, from which on an apology is pointless.

    That is the last of the due dates. By ``working_day`` it is the day on which they are all effective; by
    ``calendar`` the stored date, at the hour of that weekday, also where it is a day off: on the day itself nobody is
    told any more that the result will not be there.
    """
    return datetime.combine(due.last, calendar.hours_on(due.last).opens, VIETNAM)


def useful_until(calendar: WorkingCalendar, due: DueDays, quiet: QuietHours) -> datetime:
    """When it is too late for the evening's apologies: the desk opens, or the last night before that begins.

    The quiet hours that end when the desk opens, or later, leave no moment to send in.
    """
    return quiet.last_moment_before(desk_opens_at(calendar, due))


@dataclass(frozen=True, slots=True)
class Evening:
    """An agency's evening, whose apologies are about due days from ``first_due`` to ``last_due``."""

    agency_code: str
    evening_at: datetime
    first_due: date
    last_due: date


@dataclass(frozen=True, slots=True)
class ApologyCandidate:
    """A dossier as it stood at the evening, and what its agency and phone allow now."""

    due_at: datetime | None
    received_at: datetime | None
    status_code: int | None
    """``None``: nothing was known of it at that moment."""
    handed_over: bool
    """The citizen had the result, and the dossier was not moved since."""
    kind_off: bool
    phone_refusal: str | None


Judgement: TypeAlias = tuple[BeginState, str | None] | NoApology
"""State and reason of the message, or why there is none."""


def judge(candidate: ApologyCandidate, due: DueDays, hindrance: Literal["missed", "not_read"] | None) -> Judgement:
    """Whether an evening apologises for a dossier, and how its message begins.

    ``hindrance``: why nobody can be told, though it is owed: ``missed``, it is too late by now; ``not_read``, the
    dossier's source is no longer read, so nobody knows what became of it.
    """
    day = due_day_of(candidate.due_at)
    if day is None or day not in due:
        return "not_due"
    if candidate.status_code not in BEING_WORKED_ON:
        return "other_status"
    if candidate.handed_over:
        return "handed_over"
    received = due_day_of(candidate.received_at)
    if received is not None and received >= day:
        return "not_applicable"
    if candidate.kind_off:
        return "suppressed", "kind_off"
    if candidate.phone_refusal is not None:
        return "suppressed", candidate.phone_refusal
    return ("queued", None) if hindrance is None else ("expired", hindrance)


def due_day_of(due_at: datetime | None) -> date | None:
    """The appointed day, by the calendar of Vietnam."""
    return None if due_at is None else due_at.astimezone(VIETNAM).date()


def occasion_of(due_day: date) -> str:
    """The occasion of an apology: with dossier and kind it is unique for good."""
    return f"due {due_day.isoformat()}"
