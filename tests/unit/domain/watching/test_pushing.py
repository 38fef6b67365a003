"""Test when software that pushes counts as silent, and when too many of its rows are refused."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.watching.judging import WatchRules
from motcua.domain.watching.pushing import ClientFigures, DayPushed, judge_refused, judge_silence
from motcua.domain.working_days import SpecialDay, WorkingCalendar

RULES = WatchRules()
CALENDAR = WorkingCalendar()
AGENCY = "000.00.04.H32"


def at(hour: int, minute: int = 0, *, day: int = 25) -> datetime:
    """Return a moment of November 2026 in Vietnam; the 25th is a Wednesday, the 24th a day off."""
    return datetime(2026, 11, day, hour, minute, tzinfo=VIETNAM)


def client(
    *calls: datetime, agencies: tuple[str, ...] = (AGENCY,), recent: tuple[DayPushed, ...] = ()
) -> ClientFigures:
    """Return the figures of a client that pushed at these moments."""
    return ClientFigures(
        "hue",
        agencies,
        max(calls, default=None),
        frozenset(each.date() for each in calls),
        frozenset(each.replace(minute=0) for each in calls),
        recent,
    )


def silent(figures: ClientFigures, now: datetime, calendar: WorkingCalendar = CALENDAR) -> bool | None:
    """Return whether the client is judged silent, or ``None`` if that is undecided."""
    found, undecided = judge_silence([figures], {AGENCY: calendar}, RULES, now)
    assert not (found and undecided)
    if undecided:
        return None
    return [each.key for each in found] == ["push_silent/hue"]


EACH_HOUR = [at(hour, 5, day=day) for day in (16, 17, 18, 19, 20, 23, 24) for hour in range(7, 18)]
NIGHTLY = [at(22, day=day) for day in (16, 17, 18, 19, 20, 23, 24)]
WEEKLY = [at(9, day=day) for day in (3, 10, 17)]


@pytest.mark.guarantee("intake", "software that used to push and is silent in office hours raises an alert")
@pytest.mark.parametrize(
    ("calls", "now", "is_silent"),
    [
        ([*EACH_HOUR, at(8, day=25)], at(15), True),
        ([*EACH_HOUR, at(12, 30)], at(15), False),
        # The morning has just begun, or the office is closed: silence cannot be judged.
        (EACH_HOUR, at(9), None),
        (EACH_HOUR, at(20), None),
        # A client that pushes once a night is not silent by day or after a weekend. It is silent if it missed a night.
        (NIGHTLY, at(15), False),
        (NIGHTLY[:5], at(15, day=23), False),
        (NIGHTLY[:5], at(15), True),
        # A client that pushes once a week, or that began yesterday, has no usual hours that it could miss.
        (WEEKLY, at(15), False),
        ([at(9, day=24)], at(15), False),
        # On the afternoon of the 19th the client did not push, so afternoon hours are not usual for it.
        ([each for each in EACH_HOUR if each < at(12, day=19) or each.day > 19], at(15), False),
    ],
)
def test_client_is_silent_where_it_misses_its_usual_hours_or_a_whole_working_day(calls, now, is_silent):
    assert silent(client(*calls), now) is is_silent


def test_silence_goes_on_the_next_days_until_it_calls():
    """A client that stopped pushing counts as silent on the following days too, until it pushes again."""
    stopped = [*EACH_HOUR, at(8)]
    assert [silent(client(*stopped), at(15, day=day)) for day in (25, 26, 27)] == [True, True, True]
    assert silent(client(*stopped), datetime(2026, 12, 15, 15, tzinfo=VIETNAM)) is True
    assert silent(client(*stopped, at(14, day=27)), at(15, day=27)) is False
    long_ago = datetime(2027, 4, 1, 15, tzinfo=VIETNAM)
    assert silent(client(*stopped), long_ago) is None


def test_client_is_not_judged_on_a_day_off_or_without_an_agency_that_is_enabled():
    off = WorkingCalendar([SpecialDay(date(2026, 11, 25), "closed", "Nghỉ riêng", "agency", "Thông báo 1")])
    stopped = client(*EACH_HOUR, at(8))
    assert silent(stopped, at(15), off) is None
    assert judge_silence([client(*EACH_HOUR, agencies=())], {}, RULES, at(15)) == ([], set())


@pytest.mark.parametrize(
    ("recent", "told"),
    [
        ([(100, 6)], 6.0),
        ([(100, 5)], None),
        # Two refused rows of five are too few to report; three refused rows are enough.
        ([(5, 2)], None),
        ([(3, 3)], 100.0),
        # A day with few rows is judged together with the days before it, a day with many rows alone.
        ([(10, 1), (90, 9)], 10.0),
        ([(20, 0), (90, 90)], None),
    ],
)
def test_client_much_of_which_is_refused_is_told_of(recent, told):
    """A client is reported if too large a share of its recent rows was refused."""
    found = judge_refused([client(recent=tuple(DayPushed(*each) for each in recent))], RULES.push_refused)
    assert [each.facts["percent"] for each in found] == ([] if told is None else [told])
    assert judge_refused([client(recent=(DayPushed(9, 9),))], 1) == []
