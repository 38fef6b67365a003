"""Numbers that too many owners give."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from motcua.domain.phones.reading import (
    NumberUse,
    find_shared_numbers,
)

PILOT = date(2016, 9, 15)


def _uses(owners: list[str], days: list[date | None], number: str = "+84905123456") -> list[NumberUse]:
    return [NumberUse(number, owner, day) for owner, day in zip(owners, days, strict=True)]


def _days(*offsets: int) -> list[date | None]:
    return [PILOT + timedelta(days=offset) for offset in offsets]


FIVE = ["An", "Bình", "Chi", "Dũng", "Em"]


def test_a_number_of_five_owners_in_thirty_days_is_shared() -> None:
    (shared,) = find_shared_numbers(_uses(FIVE, _days(0, 3, 10, 20, 30)))
    assert shared == ("+84905123456", 5, PILOT, PILOT + timedelta(days=30))


@pytest.mark.parametrize(
    ("owners", "days", "reason"),
    [
        (FIVE, _days(0, 3, 10, 20, 31), "31 days"),
        (FIVE[:4], _days(0, 0, 0, 0), "four owners"),
        (["Lan"] * 9, _days(*range(9)), "one owner, many dossiers"),
        (["Lan ", "LAN", "lan", "  Lan", "Lan"], _days(0, 1, 2, 3, 4), "one owner, spelled in five ways"),
        ([*FIVE[:4], ""], _days(0, 0, 0, 0, 0), "no name is no owner"),
        (FIVE, [*_days(0, 0, 0, 0), None], "a use without a day is held against others without one"),
    ],
)
def test_fewer_owners_or_more_days_are_not_shared(owners: list[str], days: list[date | None], reason: str) -> None:
    assert find_shared_numbers(_uses(owners, days)) == [], reason


def test_uses_without_days_are_held_against_each_other() -> None:
    (shared,) = find_shared_numbers(_uses(FIVE, [None] * 5))
    assert (shared.owners, shared.first) == (5, None)


def test_the_widest_window_is_found_wherever_it_lies() -> None:
    uses = _uses([*FIVE, "Giang", "Hà"], _days(0, 100, 101, 102, 103, 104, 300))
    assert find_shared_numbers(uses) == [("+84905123456", 5, PILOT + timedelta(days=100), PILOT + timedelta(days=104))]


def test_most_shared_comes_first() -> None:
    uses = _uses(FIVE, [None] * 5, "+84914123456") + _uses([*FIVE, "Giang"], [None] * 6)
    assert [shared.e164 for shared in find_shared_numbers(uses)] == ["+84905123456", "+84914123456"]
