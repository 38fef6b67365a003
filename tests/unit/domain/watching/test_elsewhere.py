"""Test what a watch on another machine concludes from the server's answers, and when that watch counts as silent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.domain.watching import elsewhere
from motcua.domain.watching.elsewhere import Met, ServerPage
from motcua.domain.watching.judging import HighMarks, WatchRules
from tests.ground import NOW

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MARKS = HighMarks(7, 9, NOW)


def page(watch_looked_at=NOW, skew=timedelta(0)):
    return Met(ServerPage(NOW, MARKS, watch_looked_at), skew, timedelta(seconds=0.2))


@pytest.mark.parametrize(
    ("met", "found", "left_open"),
    [
        (page(), [], set()),
        (page(None), [], set()),
        (page(NOW - 4 * MINUTE), [], set()),
        (page(NOW - 4 * MINUTE - SECOND), ["watch_silent"], set()),
        (page(skew=4 * SECOND), [], set()),
        (page(skew=-6 * SECOND), ["clock_off/server"], set()),
        (Met(trouble="name"), ["server_unreachable"], {"watch_silent", "ledger_unreachable", "callbacks_unhealthy"}),
        (Met(trouble="certificate"), ["server_unreachable"], {"watch_silent", "clock_off"}),
        (Met(ledger_silent="away"), ["ledger_unreachable"], {"watch_silent", "clock_off"}),
        (Met(status=401), ["check_failing/server"], {"watch_silent", "ledger_unreachable", "callbacks_unhealthy"}),
        (Met(status=404), ["check_failing/server"], {"watch_silent"}),
        (Met(status=502), ["callbacks_unhealthy"], {"watch_silent", "ledger_unreachable"}),
        (Met(status=200), ["callbacks_unhealthy"], {"watch_silent", "ledger_unreachable"}),
    ],
)
def test_each_answer_gives_one_finding_and_ends_no_alert_that_it_says_nothing_about(met, found, left_open):
    """An answer gives at most one finding, and ends no open alert that the answer says nothing about."""
    judged = elsewhere.judge_met(met, WatchRules(), NOW, is_alone=False)
    assert [each.key for each in judged.findings] == found
    assert {each.name for each in judged.findings} <= judged.names
    assert judged.names & left_open == set()
    assert "server_unreachable" in judged.names


def test_watch_whose_own_machine_is_offline_judges_nothing_of_the_server():
    """A watch whose own machine is offline must not report the server as unreachable."""
    judged = elsewhere.judge_met(Met(trouble="name"), WatchRules(), NOW, is_alone=True)
    assert (judged.findings, judged.names) == ([], frozenset())


@pytest.mark.parametrize(("days", "told"), [(15, False), (14, True), (1, True), (-1, True), (None, False)])
def test_certificate_is_told_of_two_weeks_before_its_end(days, told):
    ends_at = None if days is None else NOW + timedelta(days=days)
    found = elsewhere.judge_certificate(ends_at, "motcua.example.vn", NOW)
    assert [each.key for each in found] == ["certificate_ends/motcua.example.vn"][: int(told)]


@pytest.mark.parametrize(
    ("asked", "since", "missed"),
    [
        (NOW - 10 * MINUTE, NOW - 60 * MINUTE, False),
        (NOW - 11 * MINUTE, NOW - 60 * MINUTE, True),
        # The server itself was off until nine minutes ago, and an outside watch cannot ask a server that is off.
        (NOW - 60 * MINUTE, NOW - 9 * MINUTE, False),
        (None, NOW - 9 * MINUTE, False),
        (None, NOW - 11 * MINUTE, True),
    ],
)
def test_watch_elsewhere_is_missed_after_ten_minutes_in_which_the_server_was_on(asked, since, missed):
    found = elsewhere.judge_outside_watch(asked, since, "phong-b", NOW)
    assert [each.key for each in found] == ["outside_watch_silent/phong-b"][: int(missed)]
