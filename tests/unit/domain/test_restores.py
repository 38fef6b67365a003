"""Test when the journal or the watch proves that a ledger that was asleep was not restored from a backup.

A ledger is asleep while no sender gives it a heartbeat.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from motcua.domain.restores import Later, Witness, journal_vouches, watch_vouches, witness_vouches
from tests.ground import NOW

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("until", "vouches"), [(None, False), (-MINUTE, False), (MINUTE, False), (2 * MINUTE, True)])
def test_journal_vouches_where_it_was_not_copied_with_the_ledger(until, vouches):
    """A journal with attempts from after the ledger's last heartbeat was not restored together with the ledger."""
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
    """A watch proves that nothing was restored if it was awake and saw all sends since the senders' last heartbeat."""
    at = [None if each is None else NOW + each for each in (awake, sees)]
    assert watch_vouches(NOW, *at) is vouches


SAW_ALL = Witness(awake_since=NOW - MINUTE, sees_since=NOW - MINUTE, about=NOW)


@pytest.mark.parametrize(
    ("woke_at", "slept_since", "said", "vouches"),
    [
        (NOW, NOW, SAW_ALL, True),
        (NOW, NOW, replace(SAW_ALL, later=Later(attempts=1, seen_at=NOW)), False),
        (NOW, NOW, replace(SAW_ALL, later=Later(attempts=0, seen_at=NOW)), False),
        (NOW, NOW, replace(SAW_ALL, about=None), False),
        (NOW, NOW, replace(SAW_ALL, awake_since=NOW + MINUTE), False),
        (None, NOW, replace(SAW_ALL, about=None), False),
        (NOW, None, SAW_ALL, False),
        (NOW + MINUTE, NOW, SAW_ALL, False),
        (NOW, NOW - 2 * MINUTE, SAW_ALL, False),
        (NOW, NOW, replace(SAW_ALL, awake_since=None), False),
        (NOW, NOW, replace(SAW_ALL, sees_since=NOW + MINUTE), False),
        (NOW, NOW, replace(SAW_ALL, sees_since=None), False),
    ],
)
def test_testimony_releases_messages_only_about_this_waking_and_without_a_later_ledger(
    woke_at, slept_since, said, vouches
):
    """A watch's report releases no message if it is about another waking, or if the watch saw a later ledger state."""
    assert witness_vouches(woke_at, slept_since, said) is vouches
