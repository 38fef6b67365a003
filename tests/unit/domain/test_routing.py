"""Test which gateway a message goes to, when it may start, and how long a retry waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.routing import (
    CARRIERS,
    Route,
    another_gateway,
    assign_carriers,
    carrier_is_refused,
    carrier_of_msisdn,
    day_of,
    doubled_wait,
    fair_share,
    fit_day,
    next_day,
    next_pause,
    other_gateways,
    retry_wait,
    start_times,
    unregistered_carriers,
)

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
NONE: frozenset[str] = frozenset()
SECOND = timedelta(seconds=1)
FIRST, LONGEST = 20 * SECOND, 900 * SECOND


def route(name, registered=CARRIERS, *, stopped=False, without=()):
    return Route(name, frozenset(registered), stopped, frozenset(without))


def test_carrier_goes_by_the_block():
    # In this order: a carrier; a carrier with its own blocks; no carrier; a foreign number whose digits look like
    # MobiFone's; no number.
    numbers = ("+84905123456", "+84559123456", "+84951234567", "+86905123456", "")
    assert [carrier_of_msisdn(each) for each in numbers] == ["MobiFone", "Wintel", "other", "other", "other"]
    assert {"MobiFone", "Wintel", "other"} <= CARRIERS


@pytest.mark.parametrize(
    ("routes", "assigned"),
    [
        ([route("a", stopped=True), route("b")], {"a": NONE, "b": CARRIERS}),
        ([route("a", without=["Viettel"]), route("b", ["Viettel"])], {"a": CARRIERS - {"Viettel"}, "b": {"Viettel"}}),
        (
            [route("a", ["iTel"]), route("b", ["Viettel"]), route("c")],
            {"a": {"iTel"}, "b": {"Viettel"}, "c": CARRIERS - {"iTel", "Viettel"}},
        ),
    ],
)
def test_each_carrier_goes_to_the_first_gateway_that_may_take_it(routes, assigned):
    assert assign_carriers(routes) == assigned


def test_stopped_gateway_does_not_make_its_carriers_unregistered():
    """A stopped gateway still serves its carriers, so staff must not be told that no gateway serves them."""
    routes = [route("a", ["Viettel"], stopped=True), route("b", ["iTel"])]
    assert unregistered_carriers(routes) == CARRIERS - {"Viettel", "iTel"}


def test_another_gateway_is_one_that_is_open_registered_and_not_avoided():
    routes = [route("a"), route("b", ["iTel"]), route("c", stopped=True)]
    assert another_gateway(routes, "iTel", ["a"])
    assert not another_gateway(routes, "Viettel", ["a"])
    assert not another_gateway(routes, "iTel", ["a", "b"])
    assert other_gateways(routes, "iTel", "a") == {"b", "c"}, "a paused gateway opens again"
    assert other_gateways(routes, "Viettel", "a") == {"c"}


@given(
    batches=st.lists(st.lists(st.integers(1, 5), max_size=30), max_size=20),
    per_second=st.floats(0.5, 200),
    pause=st.floats(0, 3),
)
def test_no_second_holds_more_segments_than_the_limit_and_one_message(batches, per_second, pause):
    """In any second, a gateway gets no more segments than its limit, apart from the last message in this second."""
    now, free_at = NOW, None
    started: list[tuple[datetime, int]] = []
    for batch in batches:
        starts, free_at = start_times(batch, per_second, free_at, now, SECOND)
        started += zip(starts, batch, strict=False)
        assert all(now <= start <= now + SECOND for start in starts)
        now += timedelta(seconds=pause)
    assert started == sorted(started, key=lambda one: one[0])
    for first, _ in started:
        second = [count for start, count in started if first <= start < first + SECOND]
        assert sum(second[:-1]) <= per_second + 1e-3


def test_message_longer_than_the_limit_goes_and_the_next_waits_for_it():
    """A message with more segments than the limit per second is sent at once, and the next one waits longer."""
    starts, free_at = start_times([3, 1], 2, None, NOW, SECOND)
    assert starts == [NOW]
    assert free_at == NOW + 1.5 * SECOND


def test_messages_start_as_far_ahead_as_is_asked_and_no_further():
    """Start times are given only for the asked time ahead; messages that do not fit wait for a later claim."""
    assert start_times([1, 1, 1], 1, None, NOW, SECOND) == ([NOW, NOW + SECOND], NOW + 2 * SECOND)
    # A message starts only after earlier messages went out at their pace. A start time in the past causes no burst.
    assert start_times([1], 1, NOW + SECOND, NOW, SECOND) == ([NOW + SECOND], NOW + 2 * SECOND)
    assert start_times([1], 1, NOW - 60 * SECOND, NOW, SECOND) == ([NOW], NOW + SECOND)


@pytest.mark.parametrize("per_second", [0.01, 1, 50])
def test_time_from_a_clock_that_was_ahead_stops_no_gateway(per_second):
    """If a sender whose clock was seven hours ahead stored when the gateway is free, the next message must not wait."""
    starts, free_at = start_times([1], per_second, NOW + 7 * 3600 * SECOND, NOW, SECOND)
    assert (starts, free_at) == ([NOW], NOW + SECOND / per_second)


def test_gateway_may_be_occupied_for_as_long_as_a_longest_message_and_a_minute_between_clocks():
    """A stored time is believed up to 71 s ahead: 1 s of starts, 60 s between clocks, and 10 s for 20 segments."""
    latest = NOW + (1 + 60 + 10) * SECOND
    assert start_times([1], 2, latest, NOW, SECOND) == ([], latest)
    assert start_times([1], 2, latest + timedelta(microseconds=1), NOW, SECOND) == ([NOW], NOW + SECOND / 2)


def test_daily_limit_that_is_used_up_takes_no_more_messages():
    assert [fit_day([1, 1, 1], 10, 8), fit_day([2, 1], 10, 9), fit_day([1], 10, 99)] == [2, 0, 0]


def test_day_of_a_daily_limit_begins_at_midnight_in_vietnam():
    late = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
    assert str(day_of(late)) == "2026-11-26"
    assert next_day(late) == datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    assert next_day(late.replace(second=59, microsecond=999_999)) == datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
    assert next_day(NOW) == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def test_pauses_begin_with_seconds_and_double_up_to_the_longest():
    pauses = [next_pause(last and last * SECOND, longest * SECOND) / SECOND for last, longest in (
        (None, 1), (None, 300), (128, 300), (256, 300), (300, 60),
    )]  # fmt: skip
    assert pauses == [1, 2, 256, 300, 60]


def test_carrier_is_refused_by_many_different_numbers_and_none_that_was_taken():
    """A gateway refuses a whole carrier only if it refused many of its numbers and accepted none meanwhile."""
    seen = ((1, False), (9, False), (10, False), (10, True))
    assert [carrier_is_refused(*each) for each in seen] == [False, False, True, False]


def test_senders_share_a_gateway_evenly_and_each_has_one_request_at_least():
    assert [fair_share(*each) for each in ((16, 0), (16, 3), (16, 20), (1, 2))] == [16, 5, 1, 1]


@pytest.mark.parametrize(
    ("tries", "first", "longest", "seconds", "reason"),
    [
        (1, 20, 900, 20, "the first wait"),
        (3, 20, 900, 80, "the wait is doubled twice"),
        (7, 20, 900, 900, "1,280 s would exceed the longest wait"),
        (1, 20, 10, 10, "a longest wait below the first wait counts"),
        (13, 1, 10_000, 4096, "the wait is doubled twelve times"),
        (14, 1, 10_000, 4096, "the wait is not doubled a thirteenth time"),
    ],
)
def test_wait_doubles_up_to_the_longest(tries: int, first: int, longest: int, seconds: int, reason: str) -> None:
    assert doubled_wait(tries, first * SECOND, longest * SECOND) == seconds * SECOND, reason


@pytest.mark.parametrize(
    ("tries", "chance", "asked", "seconds", "reason"),
    [
        (1, 0.0, None, 15, "the shortest wait is a quarter less"),
        (2, 0.25, None, 35, "a wait between the shortest and the longest"),
        (40, 1.0, None, 1125, "the longest wait is spread too"),
        (1, 1.0, 120, 120, "the gateway asked for more"),
        (1, 0.0, 25, 25, "the gateway asked for more than the spread wait"),
        (3, 0.5, 30, 80, "the gateway asked for less than the wait"),
        (1, 0.5, 20.5, 20.5, "fractions of a second count"),
    ],
)
def test_wait_is_spread_and_never_less_than_the_other_side_asks_for(
    tries: int, chance: float, asked: float | None, seconds: float, reason: str
) -> None:
    assert retry_wait(tries, FIRST, LONGEST, chance=chance, asked=asked) == seconds * SECOND, reason


def test_wait_below_a_second_stays_so_where_nothing_is_asked_for() -> None:
    assert {retry_wait(1, SECOND / 10, LONGEST, chance=0.5, asked=asked) for asked in (None, 0)} == {SECOND / 10}


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 10_000))
def test_no_wait_is_shorter_after_one_more_try(tries: int, chance: float, asked: float | None) -> None:
    wait, next_wait = (retry_wait(each, FIRST, LONGEST, chance=chance, asked=asked) for each in (tries, tries + 1))
    assert 0.75 * FIRST <= wait <= next_wait <= max(1.25 * LONGEST, timedelta(seconds=asked or 0))
