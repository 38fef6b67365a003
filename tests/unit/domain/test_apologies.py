"""Test which due dates an evening of apologies covers, until when an apology may be sent, and for which dossiers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.apologies import (
    ApologyCandidate,
    ApologyRules,
    DueDays,
    QuietHours,
    desk_opens_at,
    due_days,
    judge,
    occasion_of,
    useful_until,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import OfficeHours, SpecialDay, WorkingCalendar

CALENDAR = WorkingCalendar()
"""The calendar of the holidays package: Fri 2/9/2016 and Tết are days off, Sat 22/8/2026 is a working day."""


def at(day, clock="17:30"):
    return datetime.combine(day, time.fromisoformat(clock), VIETNAM)


def days(mode, run_day, calendar=CALENDAR):
    due = due_days(mode, calendar, run_day)
    return None if due is None else list(due)


def test_day_off_has_an_evening_if_the_evening_before_covered_no_day_after_it():
    """Friday's evening covered only Saturday. Saturday then became a day off, so its own evening must cover Monday."""
    saturday = date(2026, 11, 28)
    sunday, monday = saturday + timedelta(days=1), saturday + timedelta(days=2)
    assert due_days("working_day", CALENDAR, saturday, covered_until=saturday) == DueDays(sunday, monday)
    assert due_days("working_day", CALENDAR, saturday, covered_until=sunday) is None
    assert due_days("working_day", CALENDAR, saturday) is None


@pytest.mark.parametrize(
    ("run_day", "calendar_mode", "working_mode"),
    [
        # The long weekend of 2/9/2016: Friday is a day off, so Thursday evening covers the days up to Monday.
        (date(2016, 9, 1), [date(2016, 9, 2)], [date(2016, 9, d) for d in (2, 3, 4, 5)]),
        (date(2016, 9, 2), [date(2016, 9, 3)], None),
        # Saturday 22/8/2026 is a working day in place of another day.
        (date(2026, 8, 21), [date(2026, 8, 22)], [date(2026, 8, 22)]),
        (date(2026, 8, 22), [date(2026, 8, 23)], [date(2026, 8, 23), date(2026, 8, 24)]),
        # Tết 2016: 8-12/2 are days off between two weekends.
        (date(2016, 2, 5), [date(2016, 2, 6)], [date(2016, 2, d) for d in range(6, 16)]),
    ],
)
def test_due_dates_of_an_evening(run_day, calendar_mode, working_mode):
    assert days("calendar", run_day) == calendar_mode
    assert days("working_day", run_day) == working_mode


special_days = st.dictionaries(
    st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.sampled_from(["closed", "full", "morning"]), max_size=80
)


@given(special_days, st.dates(date(2026, 2, 1), date(2026, 11, 1)))
def test_each_due_date_belongs_to_exactly_one_evening_in_either_mode(openings, due_day):
    calendar = WorkingCalendar(
        [SpecialDay(day, opening, "x", "agency", "x") for day, opening in openings.items()], seeded_years=(2026,)
    )
    evenings = [due_day - timedelta(days=back) for back in range(1, 60)]
    assert [day for day in evenings if due_day in (days("calendar", day, calendar) or ())] == [evenings[0]]
    asked = [day for day in evenings if due_day in (days("working_day", day, calendar) or ())]
    # The evening is that of the last working day before the term ends. An end on a day off moves to the next working
    # day (Civil Code 2015, article 148).
    ends = due_day if calendar.is_working_day(due_day) else calendar.next_working_day(due_day)
    assert asked == [next(day for day in evenings if day < ends and calendar.is_working_day(day))]


@pytest.mark.parametrize(
    ("mode", "run_day", "opens", "until"),
    [
        ("working_day", date(2026, 11, 25), at(date(2026, 11, 26), "07:00"), at(date(2026, 11, 25), "21:00")),
        # The term of a dossier due on Saturday ends on Saturday in mode calendar, and on Monday in mode working_day.
        ("calendar", date(2026, 11, 27), at(date(2026, 11, 28), "07:00"), at(date(2026, 11, 27), "21:00")),
        ("working_day", date(2026, 11, 27), at(date(2026, 11, 30), "07:00"), at(date(2026, 11, 29), "21:00")),
    ],
)
def test_an_apology_is_useful_until_the_night_before_the_desk_opens(mode, run_day, opens, until):
    """An apology must not arrive after the desk has opened, nor in the quiet hours of the night before."""
    due = due_days(mode, CALENDAR, run_day)
    assert desk_opens_at(CALENDAR, due) == opens
    assert useful_until(CALENDAR, due, QuietHours()) == until


def test_where_the_desk_opens_after_the_quiet_hours_the_morning_still_counts():
    """If the desk opens after the quiet hours, an apology may still be sent in the morning until the desk opens."""
    late = WorkingCalendar(hours=[OfficeHours(opens=time(8, 30))])
    due = due_days("calendar", late, date(2026, 11, 25))
    assert useful_until(late, due, QuietHours()) == at(date(2026, 11, 26), "08:30")
    assert useful_until(late, due, QuietHours(time(0), time(0))) == at(date(2026, 11, 26), "08:30")


def test_quiet_hours_over_midnight_within_a_day_and_none():
    day = date(2026, 11, 25)
    quiet = {clock: QuietHours().until(at(day, clock)) for clock in ("20:59:59.999999", "21:00", "00:00", "07:00")}
    assert list(quiet.values()) == [None, at(date(2026, 11, 26), "07:00"), at(day, "07:00"), None]
    noon, none = QuietHours(time(11, 30), time(13, 30)), QuietHours(time(7), time(7))
    assert [noon.until(at(day, clock)) for clock in ("12:00", "23:00")] == [at(day, "13:30"), None]
    assert {none.until(at(day, f"{hour:02}:00")) for hour in range(24)} == {None}


@given(
    st.times(),
    st.times(),
    st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 30)),  # noqa: DTZ001 - made aware below
)
def test_last_moment_before_a_moment_is_that_moment_or_the_beginning_of_its_quiet_hours(begin, end, moment):
    """Apologies may be sent until the desk opens, or until quiet hours begin that last until the opening."""
    quiet, moment = QuietHours(begin, end), moment.replace(tzinfo=VIETNAM)
    last = quiet.last_moment_before(moment)
    instant = timedelta(microseconds=1)
    assert last <= moment
    if last < moment:
        assert quiet.until(last) is not None
        assert quiet.until(last) >= moment, "the time between must be quiet without a break"
        assert quiet.until(last - instant) is None or quiet.begin == quiet.end
    else:
        assert quiet.until(moment - instant) is None


def test_latest_evening_goes_by_the_clock_of_vietnam():
    moments = [at(date(2026, 11, 25), clock) for clock in ("17:29:59", "17:30", "23:59")]
    for each in (moments, [moment.astimezone(datetime.now().astimezone().tzinfo) for moment in moments]):
        assert [ApologyRules().latest_evening(moment).day for moment in each] == [24, 25, 25]
    evening = ApologyRules(at=time(16, 45)).evening_of(date(2026, 11, 25))
    assert evening.isoformat() == "2026-11-25T16:45:00+07:00"


def test_a_claimed_apology_waits_for_the_morning_or_for_a_new_reading_of_its_source():
    """An apology waits if its source was not read for ten minutes, and until 07:00 in the quiet hours."""
    day, rules = date(2026, 11, 25), ApologyRules()
    assert rules.wait_until(at(day, "17:40"), at(day, "17:30")) is None
    assert rules.wait_until(at(day, "17:41"), at(day, "17:30")) == at(day, "17:42")
    assert rules.wait_until(at(day, "17:31"), None) == at(day, "17:32")
    assert rules.wait_until(at(day, "21:00"), at(day, "20:59")) == at(date(2026, 11, 26), "07:00")


DUE = DueDays(date(2026, 11, 26), date(2026, 11, 26))
CANDIDATE = ApologyCandidate(
    due_at=at(date(2026, 11, 26), "16:30"),
    received_at=at(date(2026, 11, 10), "08:00"),
    status_code=4,
    handed_over=False,
    kind_off=False,
    phone_refusal=None,
)


def test_only_a_dossier_that_is_being_worked_on_is_apologised_for():
    judged = {status: judge(replace(CANDIDATE, status_code=status), DUE, None) for status in (None, *range(1, 11))}
    assert [status for status, found in judged.items() if found == ("queued", None)] == [2, 4]
    assert {judged[status] for status in judged.keys() - {2, 4}} == {"other_status"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"due_at": at(date(2026, 11, 27), "00:00")}, "not_due"),
        ({"due_at": at(date(2026, 11, 26), "00:00")}, ("queued", None)),
        ({"handed_over": True}, "handed_over"),
        ({"received_at": at(date(2026, 11, 26), "07:30")}, "not_applicable"),
        ({"received_at": None}, ("queued", None)),
        ({"kind_off": True, "phone_refusal": "landline"}, ("suppressed", "kind_off")),
        ({"phone_refusal": "landline"}, ("suppressed", "landline")),
    ],
)
def test_a_dossier_gets_a_message_with_its_state_or_a_reason_for_none(changes, expected):
    assert judge(replace(CANDIDATE, **changes), DUE, None) == expected


@pytest.mark.parametrize("hindrance", ["missed", "not_read"])
def test_apologies_of_a_missed_evening_expire_but_a_bad_phone_is_still_the_reason(hindrance):
    """If an evening was missed or the source was not read, an apology expires, or is suppressed for a bad phone."""
    assert judge(CANDIDATE, DUE, hindrance) == ("expired", hindrance)
    assert judge(replace(CANDIDATE, phone_refusal="missing"), DUE, hindrance) == ("suppressed", "missing")
    assert judge(replace(CANDIDATE, status_code=5), DUE, hindrance) == "other_status"


def test_occasion_is_the_due_date():
    assert occasion_of(date(2026, 9, 5)) == "due 2026-09-05"
