"""Test that days, months, quarters and years are read and counted in Vietnam's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import LENGTHS, NotAPeriod, Period


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("2026-11-24", date(2026, 11, 24), date(2026, 11, 24)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2028-Q1", date(2028, 1, 1), date(2028, 3, 31)),
        ("2026-Q2", date(2026, 4, 1), date(2026, 6, 30)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_period_is_read_as_it_is_written(words, first, last):
    period = Period.parse(words)
    assert (period.first, period.last, str(period)) == (first, last, words)


def test_number_of_a_period_counts_within_its_month_or_year():
    assert [Period.parse(each).number for each in ("2026-11-24", "2026-11", "2026-Q4", "2026")] == [24, 11, 4, 2026]


@pytest.mark.parametrize(
    "words",
    ["", "2026-13", "2026-02-30", "26-11-24", "٢٠٢٦-١١",
     "2026-Q0", "2026-Q5", "2026-q4", "2026-Q4-1", "2026\n", "1999-Q4", "2101"],
)  # fmt: skip
def test_what_is_no_period_is_refused_with_the_form_to_use(words):
    with pytest.raises(NotAPeriod, match=r"2026-11.* nor a year such as 2026"):
        Period.parse(words)


def test_period_that_does_not_begin_with_its_first_day_is_refused():
    for first, length in ((date(2026, 11, 2), "month"), (date(2026, 11, 1), "quarter"), (date(2026, 4, 1), "year")):
        with pytest.raises(NotAPeriod, match=f"a {length} begins with its first day, not {first}"):
            Period(first, length)


def test_day_and_month_before_a_moment_are_vietnams():
    # The two moments are 23:59 and 00:00 in Vietnam (UTC+7).
    for moment, before in (
        (datetime(2026, 11, 30, 16, 59, tzinfo=UTC), ("2026-11-29", "2026-10")),
        (datetime(2026, 11, 30, 17, 0, tzinfo=UTC), ("2026-11-30", "2026-11")),
        (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), ("2026-12-31", "2026-12")),
    ):
        assert (str(Period.day_before(moment)), str(Period.month_before(moment))) == before


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)))
def test_days_of_a_month_follow_each_other_and_fill_it(day):
    month = Period.month_of(day)
    days = list(month.days)
    assert days[0].start == month.start
    assert days[-1].end == month.end
    assert all(one.end == following.start for one, following in pairwise(days))
    assert month.previous.end == month.start
    assert month.start.tzinfo is VIETNAM
    assert Period.parse(str(month)) == month
    assert days[0].previous.first == month.first - timedelta(days=1)


@pytest.mark.parametrize(
    ("words", "previous", "following"),
    [
        ("2026-11-24", "2026-11-23", "2026-11-25"),
        ("2028-03-01", "2028-02-29", "2028-03-02"),
        ("2026-01", "2025-12", "2026-02"),
        ("2026-12", "2026-11", "2027-01"),
        ("2026-Q1", "2025-Q4", "2026-Q2"),
        ("2026", "2025", "2027"),
    ],
)
def test_neighbours_are_of_the_same_length(words, previous, following):
    period = Period.parse(words)
    assert (str(period.previous), str(period.next)) == (previous, following)
    assert period.next.previous == period.previous.next == period


def test_period_begins_at_midnight_of_vietnam_and_ends_as_the_next_one_begins():
    day = Period.parse("2026-11-24")
    assert (day.start.isoformat(), day.end.isoformat()) == ("2026-11-24T00:00:00+07:00", "2026-11-25T00:00:00+07:00")
    assert list(day.days) == [day]
    month = Period.parse("2026-11")
    assert (month.start.isoformat(), month.end.isoformat()) == (
        "2026-11-01T00:00:00+07:00",
        "2026-12-01T00:00:00+07:00",
    )
    assert [str(one) for one in month.days] == [f"2026-11-{number:02}" for number in range(1, 31)]


def test_periods_are_of_the_years_2000_to_2100():
    for words in ("2000-01-01", "2000-Q1", "2100-12-31", "2100"):
        assert str(Period.parse(words)) == words
    for words in ("1999-12-31", "2101-01-01"):
        with pytest.raises(NotAPeriod, match=words):
            Period.parse(words)


@given(st.dates(date(2001, 1, 1), date(2099, 12, 31)), st.sampled_from(LENGTHS[1:]))
def test_longer_periods_are_filled_by_their_months_and_follow_each_other(day, length):
    (period,) = {
        each
        for month in range(1, 13)
        for each in Period(date(day.year, month, 1), "month").ending_with
        if each.length == length and each.first <= day <= each.last
    }
    assert Period.parse(str(period)) == period
    assert period.next.previous == period.previous.next == period
    assert period.previous.end == period.start
    assert period.end == period.next.start
    assert len({Period.month_of(each.first) for each in period.days}) == {"month": 1, "quarter": 3, "year": 12}[length]
    assert period.last_month == Period.month_of(period.last)


def test_quarter_and_year_end_with_their_last_month():
    ending = {
        month: [str(each) for each in Period.parse(month).ending_with] for month in ("2026-11", "2026-03", "2026-12")
    }
    assert ending == {
        "2026-11": ["2026-11"],
        "2026-03": ["2026-03", "2026-Q1"],
        "2026-12": ["2026-12", "2026-Q4", "2026"],
    }
