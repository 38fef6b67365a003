"""Test how the watch finds due work that nobody does. Beside each such case, a case that is just no fault is tested."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from motcua.domain.checks import Finding
from motcua.domain.clock import VIETNAM
from motcua.domain.watching import unserved
from motcua.domain.watching.unserved import GatewayNow, SourceNow, StopNow, Waiting, told_once

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=VIETNAM)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ANY = GatewayNow("kannel", None, is_broken=False, per_second=None, has_day=False)
DAILY = GatewayNow("kannel", None, is_broken=False, per_second=None, has_day=True)
BROKEN = GatewayNow("kannel", None, is_broken=True, per_second=None, has_day=False)
SECOND_ONE = GatewayNow("second", frozenset({"MobiFone"}), is_broken=False, per_second=None, has_day=False)


def stop(gateway="kannel", carrier="", until=NOW + HOUR, *, by_hand=False, is_tried=True):
    return StopNow(gateway, carrier, until, by_hand, is_tried)


def ways(gateways, stops, carrier):
    """Return each way to a carrier: the gateway, whether it is the first choice, and the stop that holds messages."""
    found = unserved.ways_of(gateways, stops, NOW, MINUTE)
    return [(way.gateway, way.is_first, way.held_by) for way in found if way.carrier == carrier]


OPEN, STOPPED = [("kannel", True, "")], [("kannel", True, "gateway_stopped/kannel")]


@pytest.mark.parametrize(
    ("gateways", "stops", "viettel"),
    [
        ([ANY], [], OPEN),
        # A sending process and not a person paused the gateway, so staff do not know why messages wait.
        ([ANY], [stop()], STOPPED),
        ([ANY], [stop(carrier="Viettel")], [("kannel", True, "gateway_stopped/kannel Viettel")]),
        ([ANY], [stop(carrier="MobiFone")], OPEN),
        # A pause that ended less than a minute ago explains waiting messages; a pause that ended earlier does not.
        ([ANY], [stop(until=NOW - 59 * SECOND)], STOPPED),
        ([ANY], [stop(until=NOW - 60 * SECOND)], OPEN),
        # A person who stopped the gateway needs no alert, and a daily limit ends at a known hour.
        ([ANY], [stop(by_hand=True, is_tried=False)], []),
        ([DAILY], [stop(is_tried=False)], []),
        # Messages that waited for a daily limit may take a minute to go out after the limit ended.
        ([DAILY], [stop(until=NOW - 59 * SECOND, is_tried=False)], []),
        # A gateway whose connection cannot be used counts as paused.
        ([BROKEN], [], STOPPED),
        # No gateway serves this carrier: its messages wait with that reason and are not reported here.
        ([SECOND_ONE], [], []),
    ],
)
def test_messages_should_go_unless_people_or_a_limit_hold_them(gateways, stops, viettel):
    assert ways(gateways, stops, "Viettel") == viettel


def test_messages_that_one_gateway_does_not_take_should_go_by_another():
    """While the first gateway of a carrier is stopped, its messages should go by the next gateway of the carrier."""
    told = ("gateway_stopped/kannel", "gateway_stopped/second")
    for stops, mobifone in (
        ([], [("kannel", True, ""), ("second", False, "")]),
        ([stop()], [("kannel", False, told[0]), ("second", True, "")]),
        ([stop(by_hand=True)], [("second", True, "")]),
        ([stop(), stop("second")], [("kannel", True, told[0]), ("second", True, told[1])]),
        ([stop(by_hand=True), stop("second", by_hand=True)], []),
    ):
        assert ways([ANY, SECOND_ONE], stops, "MobiFone") == mobifone


def test_gateway_that_was_started_just_now_has_a_minute_for_what_waited():
    """Messages that waited for a gateway have a minute to go out after a person started it."""

    def started(ago):
        return GatewayNow("kannel", None, is_broken=False, per_second=None, has_day=False, started_at=NOW - ago)

    assert ways([started(59 * SECOND)], [], "Viettel") == []
    assert ways([started(MINUTE)], [], "Viettel") == OPEN


def test_gateway_with_a_slow_pace_is_given_the_time_that_a_message_takes_there():
    """Messages at a gateway with a low rate may wait longer before the watch reports them."""
    (way, *_) = unserved.ways_of([GatewayNow("kannel", None, False, 0.1, False)], [], NOW, MINUTE)
    assert way.since == NOW - MINUTE - timedelta(seconds=40)


def test_one_finding_a_gateway_and_its_stop_explains_it_only_where_all_wait_for_it():
    """Messages of one gateway share one finding. A pause explains it only if it holds all these messages."""
    held = Waiting("Viettel", "kannel", "gateway_stopped/kannel Viettel", 3, NOW - 2 * MINUTE)
    free = Waiting("MobiFone", "kannel", "", 2, NOW - 3 * MINUTE)
    (both,) = unserved.judge_messages([held, free])
    assert both.key == "unserved/gateway kannel"
    assert (both.facts["messages"], both.facts["carriers"], both.facts["stops"]) == (5, "MobiFone, Viettel", "")
    assert both.facts["since"] == (NOW - 3 * MINUTE).isoformat()
    (one,) = unserved.judge_messages([held])
    assert one.facts["stops"] == "gateway_stopped/kannel Viettel"


@pytest.mark.parametrize(
    ("read", "failing", "unread", "told"),
    [
        # The source was read less than a minute ago: the unread rows are newer, or no reading can use them.
        (NOW - 59 * SECOND, False, True, None),
        (NOW - MINUTE, False, True, "news"),
        (NOW - 11 * MINUTE, False, False, None),
        (NOW - 11 * MINUTE - SECOND, False, False, "reading"),
        (None, False, False, "reading"),
        # The alert ``source_failing`` already reports a source that fails.
        (NOW - HOUR, True, True, None),
    ],
)
def test_source_with_news_that_nobody_reads(read, failing, unread, told):
    """A source with unread rows, or a source that nobody reads any more, must not go unnoticed."""
    found = unserved.judge_sources([SourceNow("khanhhoa", read, failing, unread)], NOW, MINUTE, 11 * MINUTE)
    assert [each.facts["what"] for each in found] == ([told] if told else [])
    assert [each.key for each in found] == (["unserved/khanhhoa"] if told else [])


def test_nobody_who_looks_is_told_after_a_minute():
    """An alert is raised if no process has checked the sources for a minute, and not all were read in this minute."""
    # Even if no process checks for unread rows, a scheduled run or a person may have read the sources meanwhile.
    looks = (
        (None, [None]), (NOW - 59 * SECOND, [NOW - HOUR]), (NOW - MINUTE, [NOW - HOUR, NOW]),
        (NOW - HOUR, [NOW - SECOND]),
    )  # fmt: skip
    told = [bool(unserved.judge_lookers(since, read, NOW, MINUTE)) for since, read in looks]
    assert told == [False, False, True, False]


STOP, OTHER = Finding("gateway_stopped", {}, "kannel"), Finding("gateway_stopped", {}, "second")
WAITS = Finding("unserved", {"stops": "gateway_stopped/kannel"}, "gateway kannel")
STUCK = Finding("unserved", {"stops": ""}, "gateway kannel")


@pytest.mark.parametrize(
    ("findings", "raised", "again"),
    [
        ([STOP, WAITS], set(), {STOP.key}),
        ([STOP, WAITS], {WAITS.key}, {STOP.key}),
        # The stop was mailed before any message waited for the gateway.
        ([STOP, WAITS], {STOP.key}, {WAITS.key}),
        # Both alerts were mailed, so each ends by itself.
        ([STOP, WAITS], {STOP.key, WAITS.key}, set()),
        ([STOP, OTHER, WAITS], set(), {STOP.key}),
        ([STOP, STUCK], {STOP.key}, set()),
    ],
)
def test_gateway_pause_and_the_messages_that_it_holds_give_one_alert(findings, raised, again):
    assert told_once(findings, raised) == again
