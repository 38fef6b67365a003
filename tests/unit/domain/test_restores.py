"""When senders that woke wait for the watch, and for how long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.domain.restores import SLEEPS_AFTER, WAITS_FOR_WATCH, waits_for_watch
from tests.conftest import NOW

INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("watched", "later", "waits"),
    [
        (None, timedelta(0), False),
        (-SLEEPS_AFTER, timedelta(0), False),
        (-SLEEPS_AFTER - INSTANT, timedelta(0), True),
        (-timedelta(days=9), WAITS_FOR_WATCH - INSTANT, True),
        (-timedelta(days=9), WAITS_FOR_WATCH, False),
        (timedelta(seconds=1), timedelta(minutes=1), False),
    ],
)
def test_senders_wait_only_where_the_watch_has_not_looked_since_and_not_for_long(watched, later, waits):
    watched_at = None if watched is None else NOW + watched
    assert waits_for_watch(NOW, watched_at, NOW + later, SLEEPS_AFTER) is waits
