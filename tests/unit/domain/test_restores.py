"""Whose word counts that a ledger which slept was not put back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.domain.restores import SLEEPS_AFTER, Clocks, journal_vouches, watch_vouches
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)
LEAST = SLEEPS_AFTER.total_seconds()


@pytest.mark.parametrize(
    ("wall", "steady", "slept"),
    [
        (0, 0, False),
        (9000, 9000, False),
        (LEAST, 0, False),
        (LEAST + 1, 0, True),
        (LEAST + 1, 1, False),
        (-9000, 5, False),
    ],
)
def test_process_slept_where_its_clocks_part(wall, steady, slept):
    assert Clocks(100.0, 7.0).slept_until(Clocks(100.0 + wall, 7.0 + steady)) is slept


@pytest.mark.parametrize(("until", "vouches"), [(None, False), (-MINUTE, False), (MINUTE, False), (2 * MINUTE, True)])
def test_journal_vouches_where_it_was_not_copied_with_the_ledger(until, vouches):
    assert journal_vouches(NOW, None if until is None else NOW + until) is vouches


@pytest.mark.parametrize(
    ("awake", "sees", "vouches"),
    [
        (-MINUTE, -MINUTE, True),
        (timedelta(0), timedelta(0), True),
        (MINUTE, -MINUTE, False),
        (-MINUTE, MINUTE, False),
        (None, -MINUTE, False),
        (-MINUTE, None, False),
    ],
)
def test_watch_vouches_where_it_was_awake_and_saw_all_that_senders_did(awake, sees, vouches):
    at = [None if each is None else NOW + each for each in (awake, sees)]
    assert watch_vouches(NOW, *at) is vouches
