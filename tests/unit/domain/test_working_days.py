"""Test the working calendar: announced days off, which of its layers prevails, and properties of every calendar.

The layers are an agency's own days, decisions of the government, and the package with the public holidays.
"""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain import working_days
from motcua.domain.working_days import (
    DEFAULT_HOURS,
    OfficeHours,
    SpecialDay,
    WorkingCalendar,
    days_from_package,
    package_version,
    swapped,
)
from motcua.jobs.calendars import read_calendar_file
from motcua.settings import include_dir

FRIDAY, SATURDAY, SUNDAY, MONDAY = date(2026, 7, 3), date(2026, 7, 4), date(2026, 7, 5), date(2026, 7, 6)


def special(day: date, opening: str, origin: str = "decision") -> SpecialDay:
    return SpecialDay(day, opening, f"lý do của {origin}", origin, "số 1/TB")


@pytest.fixture(scope="module")
def shipped() -> WorkingCalendar:
    """Return the calendar of the holidays package together with the decisions that we ship."""
    file = read_calendar_file(include_dir() / "calendars" / "national.yaml")
    return WorkingCalendar([each for _, each in file.days])


def days(year: int, text: str) -> list[date]:
    """Return the days of a year that a text such as ``1/1 10-12/2`` lists: days, and spans within one month."""
    found = []
    for word in text.split():
        span, month = word.split("/")
        first, _, last = span.partition("-")
        found += [date(year, int(month), day) for day in range(int(first), int(last or first) + 1)]
    return found


@pytest.mark.parametrize(
    ("year", "weekdays_off", "weekends_worked"),
    [
        # Each row has the weekdays off and the worked weekend days of public offices. They were compiled by hand from
        # article 112 of the Labour Code, days in lieu (article 111) and the announcements that the comments name.
        # 2016 is the pilot's year: Tết 8-12/2, Hùng Vương on a day in lieu, 30/4 and 1/5 on days in lieu, 2/9.
        (2016, "1/1 8-12/2 18/4 2-3/5 2/9", ""),
        (2024, "1/1 8-9/2 12-14/2 18/4 29-30/4 1/5 2-3/9", "4/5"),  # 5015/TB-LĐTBXH, 1570/TB-LĐTBXH
        # 9441/TB-BNV, 3383/BNV-CVL, Nghị quyết 28/2026/QH16, and 12729/VPCP-KGVX for 2/1, a day that the package lacks.
        (2026, "1-2/1 16-20/2 27/4 30/4 1/5 31/8 1-2/9 24/11", "10/1 22/8"),
    ],
)
def test_the_days_off_are_those_that_were_announced(shipped, year, weekdays_off, weekends_worked):
    whole = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    whole = [day for day in whole if day.year == year]
    off = [day for day in whole if day.weekday() < 5 and not shipped.is_working_day(day)]
    assert off == days(year, weekdays_off)
    assert [day for day in whole if day.weekday() >= 5 and shipped.is_working_day(day)] == days(year, weekends_worked)


@pytest.mark.parametrize(
    ("day", "following", "preceding", "effective"),
    [
        # A holiday before a weekend: an apology for the due date Mon 5/9/2016 is sent on Thu 1/9.
        (date(2016, 9, 1), date(2016, 9, 5), date(2016, 8, 31), date(2016, 9, 1)),
        (date(2016, 9, 4), date(2016, 9, 5), date(2016, 9, 1), date(2016, 9, 5)),
        # Tết 2026.
        (date(2026, 2, 17), date(2026, 2, 23), date(2026, 2, 13), date(2026, 2, 23)),
        # Swapped days: Sat 22/8/2026 is a working day in place of Mon 31/8.
        (date(2026, 8, 21), date(2026, 8, 22), date(2026, 8, 20), date(2026, 8, 21)),
        (date(2026, 8, 31), date(2026, 9, 3), date(2026, 8, 28), date(2026, 9, 3)),
        # A swap over New Year's Eve: Sat 5/1/2019 is a working day in place of Mon 31/12/2018.
        (date(2018, 12, 28), date(2019, 1, 2), date(2018, 12, 27), date(2018, 12, 28)),
    ],
)
def test_neighbouring_working_days_and_the_day_on_which_a_term_ends(shipped, day, following, preceding, effective):
    assert shipped.next_working_day(day) == following
    assert shipped.next_working_day(preceding) == effective


def test_calendar_gives_the_reason_of_a_special_day(shipped):
    for day, reason in (
        (date(2016, 4, 18), "Ngày Giỗ Tổ Hùng Vương (nghỉ bù)"),
        (date(2016, 2, 7), "Giao thừa Tết Nguyên Đán"),
        (date(2026, 1, 2), "Nghỉ hoán đổi, làm bù ngày 10/1/2026"),
        (date(2026, 1, 10), "Làm bù cho ngày nghỉ 2/1/2026"),
    ):
        assert shipped.special_day(day).reason == reason
        assert shipped.why_open(day) == (reason if shipped.is_working_day(day) else None)
    for day in (SATURDAY, SUNDAY, FRIDAY):
        assert (shipped.special_day(day), shipped.why_open(day)) == (None, None)


def test_agency_counts_before_decision_and_decision_before_package():
    layers = [special(FRIDAY, "closed", "package"), special(FRIDAY, "full"), special(FRIDAY, "closed", "agency")]
    assert WorkingCalendar(layers[:1]).special_day(FRIDAY).reason == "lý do của package"
    assert WorkingCalendar(layers[:2]).is_working_day(FRIDAY)
    for in_order in (layers, layers[::-1], [*layers[1:], layers[0]]):
        assert WorkingCalendar(in_order).special_day(FRIDAY).reason == "lý do của agency"


def test_saturday_mornings_are_worked_from_the_day_they_begin_but_not_on_a_holiday():
    calendar = WorkingCalendar(
        [special(SATURDAY + timedelta(days=14), "closed", "package")],
        [OfficeHours(SATURDAY + timedelta(days=7), saturday_mornings=True)],
        seeded_years=[2026],
    )
    openings = [calendar.opening(SATURDAY + timedelta(days=7 * week)) for week in range(4)]
    assert openings == ["closed", "morning", "closed", "morning"]
    assert calendar.why_open(SATURDAY + timedelta(days=7)) == "Làm việc sáng thứ Bảy"
    assert calendar.opening(SUNDAY + timedelta(days=7)) == "closed"


def test_year_that_nobody_seeded_is_answered_by_the_package():
    """A year without stored days off has the public holidays of the package and the agencies' own days."""
    calendar = WorkingCalendar([special(date(2027, 5, 3), "closed", "agency")], seeded_years=[2026])
    assert calendar.is_working_day(date(2026, 5, 1)), "in a seeded year the package's holidays must not count"
    assert calendar.is_working_day(date(2027, 5, 4))
    assert calendar.special_day(date(2027, 9, 2)).reason == "Quốc khánh"
    assert calendar.special_day(date(2027, 5, 3)).reason == "lý do của agency", "an agency's day must count here too"


def test_no_due_date_that_a_source_can_hold_stops_the_evening_run():
    """The first and the last possible due date must not make the evening run fail."""
    for day in (date.min, date(9999, 12, 31)):
        assert WorkingCalendar().is_working_day(day)


def test_a_swap_is_off_on_one_day_and_worked_on_the_other():
    off, worked = swapped(FRIDAY, SATURDAY, "decision", "số 1/TB")
    assert off == SpecialDay(FRIDAY, "closed", "Nghỉ hoán đổi, làm bù ngày 4/7/2026", "decision", "số 1/TB")
    assert worked == SpecialDay(SATURDAY, "full", "Làm bù cho ngày nghỉ 3/7/2026", "decision", "số 1/TB")
    others = [worked, special(FRIDAY, "closed"), SpecialDay(FRIDAY, "morning", off.reason, "decision", "số 1/TB")]
    assert [each.is_swapped_off for each in (off, *others)] == [True, False, False, False]


def test_package_names_holidays_and_both_days_of_a_swap():
    for day, opening, reason in (
        (date(2026, 8, 31), "closed", "Nghỉ hoán đổi, làm bù ngày 22/8/2026"),
        (date(2026, 8, 22), "full", "Làm bù cho ngày nghỉ 31/8/2026"),
        # A swap over New Year's Eve, seen from both days.
        (date(2018, 12, 31), "closed", "Nghỉ hoán đổi, làm bù ngày 5/1/2019"),
        (date(2019, 1, 5), "full", "Làm bù cho ngày nghỉ 31/12/2018"),
        (date(2014, 12, 27), "full", "Làm bù cho ngày nghỉ 2/1/2015"),
        (date(2015, 1, 2), "closed", "Nghỉ hoán đổi, làm bù ngày 27/12/2014"),
        # A holiday on a weekend has a name too.
        (date(2026, 4, 26), "closed", "Ngày Giỗ Tổ Hùng Vương"),
    ):
        (found,) = [each for each in days_from_package(day.year) if each.day == day]
        assert found == SpecialDay(day, opening, reason, "package", package_version())
    assert package_version().split()[0] == "holidays"


class Announced(dict):
    """The holidays of the package, together with worked weekend days whose dates are in no holiday's name."""

    weekend_workdays = frozenset({date(2026, 10, 3), date(2026, 10, 4), date(2027, 10, 2)})


def test_worked_weekend_day_that_no_swap_names_is_worked_all_the_same(monkeypatch):
    announced = Announced(
        {date(2026, 10, 4): "Ngày lễ", date(2026, 9, 2): "Quốc khánh", date(2025, 9, 2): "Quốc khánh"}
    )
    monkeypatch.setattr(working_days.holidays, "country_holidays", lambda *_, **__: announced)
    monkeypatch.setattr(working_days, "_package_days", working_days._package_days.__wrapped__)
    assert days_from_package(2026) == tuple(
        SpecialDay(day, opening, reason, "package", package_version())
        for day, opening, reason in (
            (date(2026, 9, 2), "closed", "Quốc khánh"),
            (date(2026, 10, 3), "full", "Làm bù"),
            (date(2026, 10, 4), "closed", "Ngày lễ"),
        )
    )


def test_special_days_of_a_year_are_those_of_all_layers_in_order():
    firsts = [special(date(2026, 12, 31), "closed", "agency"), special(date(2026, 1, 1), "closed", "agency")]
    others = [special(date(2025, 12, 31), "closed", "agency"), special(date(2027, 1, 1), "closed", "agency")]
    calendar = WorkingCalendar([*firsts, *others], seeded_years=[2026])
    assert [each.day for each in calendar.special_days(2026)] == [date(2026, 1, 1), date(2026, 12, 31)]
    bare = WorkingCalendar()
    assert tuple(bare.special_days(2026)) == days_from_package(2026)


def test_office_hours_are_in_force_from_their_day_on_however_they_are_given():
    spring = OfficeHours(date(2026, 3, 1), opens=time(7, 30))
    winter = OfficeHours(date(2026, 11, 1), opens=time(8))
    for hours in ([spring, winter], [winter, spring]):
        calendar = WorkingCalendar(hours=hours)
        assert calendar.hours_on(date(2026, 2, 28)) is DEFAULT_HOURS
        assert calendar.hours_on(date(2026, 3, 1)) is spring
        assert calendar.hours_on(date(2026, 10, 31)) is spring
        assert calendar.hours_on(date(2026, 11, 1)) is winter


def test_desk_is_open_all_day_from_monday_to_friday():
    openings = [WorkingCalendar().opening(FRIDAY + timedelta(days=n)) for n in range(5)]
    assert openings == ["full", "closed", "closed", "full", "full"]


@pytest.mark.parametrize(
    ("last", "count"), [(FRIDAY, 1), (SATURDAY, 1), (SUNDAY, 1), (MONDAY, 2), (FRIDAY - timedelta(days=1), 0)]
)
def test_both_ends_of_a_span_are_counted(last, count):
    assert WorkingCalendar().count_working_days(FRIDAY, last) == count


# --------------------------------------------------------------------------- properties of every calendar

_days = st.dates(date(2025, 11, 1), date(2027, 2, 28))
_specials = st.builds(
    SpecialDay,
    day=_days,
    opening=st.sampled_from(["closed", "full", "morning"]),
    reason=st.just("lý do"),
    origin=st.sampled_from(["package", "decision", "agency"]),
    authority=st.just("số 1/TB"),
)
_hours = st.builds(OfficeHours, valid_from=_days, saturday_mornings=st.booleans())
_calendars = st.builds(
    WorkingCalendar, st.lists(_specials, max_size=60), st.lists(_hours, max_size=3), st.sets(st.integers(2025, 2027))
)


@given(_calendars, _days)
def test_nothing_worked_lies_between_a_day_and_the_next_working_one(calendar, day):
    following = calendar.next_working_day(day)
    assert day < following
    assert calendar.is_working_day(following)
    assert calendar.count_working_days(day, following) == 1 + calendar.is_working_day(day)


@given(_calendars, st.tuples(_days, _days, _days).map(sorted))
def test_counts_of_neighbouring_spans_add_up(calendar, three):
    first, middle, last = three
    whole = calendar.count_working_days(first, last)
    parts = calendar.count_working_days(first, middle), calendar.count_working_days(middle + timedelta(days=1), last)
    assert whole == sum(parts)
