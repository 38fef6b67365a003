"""How long is waited before the same is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.routing import doubled_wait, retry_wait

SECOND = timedelta(seconds=1)
FIRST, LONGEST = 20 * SECOND, 900 * SECOND


@pytest.mark.parametrize(
    ("tries", "first", "longest", "seconds", "reason"),
    [
        (1, 20, 900, 20, "the first wait"),
        (2, 20, 900, 40, "twice that"),
        (3, 20, 900, 80, "and again"),
        (6, 20, 900, 640, "the last below the longest"),
        (7, 20, 900, 900, "1,280 would be longer than the longest"),
        (40, 20, 900, 900, "no longer ever"),
        (1, 20, 10, 10, "a longest below the first counts"),
        (12, 1, 10_000, 2048, "one before the most"),
        (13, 1, 10_000, 4096, "doubled twelve times"),
        (14, 1, 10_000, 4096, "and no thirteenth time"),
        (1_000_000, 1, 10_000, 4096, "however often"),
    ],
)
def test_wait_doubles_up_to_the_longest(tries: int, first: int, longest: int, seconds: int, reason: str) -> None:
    assert doubled_wait(tries, first * SECOND, longest * SECOND) == seconds * SECOND, reason


@pytest.mark.parametrize(
    ("tries", "chance", "asked", "seconds", "reason"),
    [
        (1, 0.0, None, 15, "a quarter less"),
        (1, 0.5, None, 20, "as it is"),
        (1, 1.0, None, 25, "a quarter more"),
        (2, 0.25, None, 35, "between them"),
        (40, 0.0, None, 675, "the longest is spread too"),
        (40, 1.0, None, 1125, "to either side"),
        (1, 1.0, 120, 120, "the gateway asked for more"),
        (1, 0.0, 25, 25, "also where only the spread is below it"),
        (3, 0.5, 30, 80, "it asked for less than is waited anyway"),
        (1, 0.5, 0, 20, "it asked for nothing"),
        (1, 0.5, 20.5, 20.5, "parts of a second count"),
    ],
)
def test_wait_is_spread_and_never_less_than_the_other_side_asks_for(
    tries: int, chance: float, asked: float | None, seconds: float, reason: str
) -> None:
    assert retry_wait(tries, FIRST, LONGEST, chance=chance, asked=asked) == seconds * SECOND, reason


@pytest.mark.parametrize("asked", [None, 0])
def test_wait_below_a_second_stays_so_where_nothing_is_asked_for(asked: float | None) -> None:
    assert retry_wait(1, SECOND / 10, LONGEST, chance=0.5, asked=asked) == SECOND / 10


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 10_000))
def test_no_wait_is_shorter_after_one_more_try(tries: int, chance: float, asked: float | None) -> None:
    wait, next_wait = (retry_wait(each, FIRST, LONGEST, chance=chance, asked=asked) for each in (tries, tries + 1))
    assert 0.75 * FIRST <= wait <= next_wait <= max(1.25 * LONGEST, timedelta(seconds=asked or 0))
