"""Decide which dossiers get an apology on an evening, and until when the apology may be sent. Pure: no I/O.

An *evening* is the apology hour (17:30) of one day at one agency. Dossiers are judged as they were at that moment,
even if they are judged later. Each message is checked again just before it is sent (``motcua.apology_holds`` in the
database).
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
"""Agency setting: an evening's apologies concern the next calendar day, or all days up to the next working day."""

NoApology: TypeAlias = Literal["not_due", "not_applicable", "other_status", "handed_over"]
"""Reason why a dossier gets no apology.

``not_due``: the dossier's due date is not among the evening's due dates. ``not_applicable``: the due date is the day of
receipt, so no apology was possible the evening before. ``other_status``: the dossier is not being worked on.
``handed_over``: the citizen has the result.
"""

BEING_WORKED_ON = frozenset({2, 4})
"""Được tiếp nhận (2) and Đang xử lý (4): the statuses in which a dossier's time limit runs (QĐ 766/QĐ-TTg). The
statuses 1, 3 and 5-10 call for no apology."""

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of each day in which no apology is planned or sent, in Vietnam's time. ``begin`` equal to ``end`` means
    no quiet hours."""

    begin: time = time(21, 0)
    end: time = time(7, 0)

    def until(self, moment: datetime) -> datetime | None:
        """Return the end of the quiet hours that contain this moment; ``None`` if the moment is not in quiet hours."""
        began = self._began(moment)
        if began is None:
            return None
        ends_on = began.date() if self.begin < self.end else began.date() + _ONE_DAY
        return datetime.combine(ends_on, self.end, VIETNAM)

    def last_moment_before(self, moment: datetime) -> datetime:
        """Return the last moment for sending that is not after ``moment``.

        If quiet hours contain ``moment`` or end exactly at ``moment``, the result is the beginning of these quiet
        hours. Otherwise the result is ``moment`` itself.
        """
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
    """The settings of apologies."""

    at: time = time(17, 30)
    """The apology hour, in Vietnam's time."""
    quiet: QuietHours = QuietHours()
    fresh_for: timedelta = timedelta(minutes=10)
    """An apology is sent only if its dossier's source was read within this time before the sending."""

    def evening_of(self, day: date) -> datetime:
        """Return the moment at which a day's evening begins, in Vietnam's time zone."""
        return datetime.combine(day, self.at, VIETNAM)

    def latest_evening(self, moment: datetime) -> date:
        """Return the day of the last evening that began by this moment."""
        local = moment.astimezone(VIETNAM)
        return local.date() if local.time() >= self.at else local.date() - _ONE_DAY

    def wait_until(self, now: datetime, read_at: datetime | None) -> datetime | None:
        """Return when a claimed apology may be tried again; ``None`` if it may be sent now.

        The apology waits until quiet hours end, and until its source is read again if the last reading (``read_at``) is
        older than ``fresh_for``.
        """
        quiet_until = self.quiet.until(now)
        if quiet_until is not None:
            return quiet_until
        return now + timedelta(minutes=1) if read_at is None or read_at < now - self.fresh_for else None


@dataclass(frozen=True, slots=True)
class DueDays:
    """The due dates from ``first`` to ``last``, both included. The ledger stores these two dates with each evening."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (date.fromordinal(n) for n in range(self.first.toordinal(), self.last.toordinal() + 1))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def due_days(
    mode: ApologyDay, calendar: WorkingCalendar, run_day: date, covered_until: date | None = None
) -> DueDays | None:
    """Return the due dates that the evening of ``run_day`` covers; ``None`` if that day has no evening.

    In the mode ``calendar`` every day has an evening, which covers the next day, as the report on the pilot of 2016
    demands.
    In the mode ``working_day`` the evening of a working day covers all days up to the next working day. A due date on a
    day off takes effect on the working day that follows it (BLDS 2015 art. 148), so all these due dates take effect on
    the next working day. A day off has an evening only if no earlier evening covers the days after it. This happens if
    the calendar still showed the day as a working day on the evening before, and the day was closed later, for example
    because of a storm.

    Args:
        mode: the agency's setting.
        calendar: the calendar of the one-stop desk.
        run_day: the day of the evening.
        covered_until: the last due date of the agency's earlier evenings. ``None`` if the agency had no evening yet:
            its first evening must be on a working day.
    """
    if mode == "calendar":
        return DueDays(run_day + _ONE_DAY, run_day + _ONE_DAY)
    if not calendar.is_working_day(run_day) and (covered_until is None or covered_until > run_day):
        return None
    return DueDays(run_day + _ONE_DAY, calendar.next_working_day(run_day))


def desk_opens_at(calendar: WorkingCalendar, due: DueDays) -> datetime:
    """Return when the desk opens on the appointed day. From that moment on no apology is sent.

    The appointed day is the last of the due dates. In the mode ``working_day`` all due dates take effect on that day.
    In the mode ``calendar`` the appointed day may be a day off. The office hours of that date then count all the same.
    """
    return datetime.combine(due.last, calendar.hours_on(due.last).opens, VIETNAM)


def useful_until(calendar: WorkingCalendar, due: DueDays, quiet: QuietHours) -> datetime:
    """Return the moment from which the evening's apologies are too late.

    The result is the moment when the desk opens. If quiet hours last until the desk opens or longer, the result is the
    moment when the quiet hours begin, because no time for sending is left after them.
    """
    return quiet.last_moment_before(desk_opens_at(calendar, due))


@dataclass(frozen=True, slots=True)
class Evening:
    """An agency's evening, whose apologies concern due dates from ``first_due`` to ``last_due``."""

    agency_code: str
    evening_at: datetime
    first_due: date
    last_due: date


@dataclass(frozen=True, slots=True)
class ApologyCandidate:
    """A dossier as it was at the apology hour of the evening.

    Two fields are not from the evening but from the present: ``kind_off`` follows from the agency's present settings,
    and ``phone_refusal`` from the dossier's present phone field.
    """

    due_at: datetime | None
    received_at: datetime | None
    status_code: int | None
    """The national status code. ``None`` if nothing was known of the dossier on that evening."""
    handed_over: bool
    """``True`` if the citizen had the result and no step followed the handing over."""
    kind_off: bool
    phone_refusal: str | None


Judgement: TypeAlias = tuple[BeginState, str | None] | NoApology
"""State and reason of the message, or the reason for no message."""


def judge(candidate: ApologyCandidate, due: DueDays, hindrance: Literal["missed", "not_read"] | None) -> Judgement:
    """Decide whether a dossier gets an apology on an evening, and in which state the message begins.

    ``hindrance`` is the reason why no apology can be sent although one is due. ``missed``: the apology is too late.
    ``not_read``: the dossier's source is no longer read, so the dossier's present state is unknown.
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
    """Return the day of a due time, in Vietnam's time zone."""
    return None if due_at is None else due_at.astimezone(VIETNAM).date()


def occasion_of(due_day: date) -> str:
    """Return the text that identifies the event of an apology. One dossier gets at most one apology for one event."""
    return f"due {due_day.isoformat()}"
