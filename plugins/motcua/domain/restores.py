"""What a machine that was set back as a whole cannot know by itself, and for how long senders wait for who can."""

from __future__ import annotations

from datetime import datetime, timedelta

SLEEPS_AFTER = timedelta(minutes=10)
"""Senders that did not look for so long have slept."""
WAITS_FOR_WATCH = timedelta(minutes=5)
"""How long after a sleep they wait for the watch, where there is one."""


def waits_for_watch(woke_at: datetime, watched_at: datetime | None, now: datetime, slept: timedelta) -> bool:
    """Whether senders that woke from a long sleep wait for a look of the watch.

    Args:
        woke_at: since when they have been at work without a long sleep.
        watched_at: when the watch last looked, as far as the ledger knows; ``None``: there is no watch.
        now: this moment.
        slept: the least that counts as a long sleep, ``SLEEPS_AFTER``.
    """
    if watched_at is None or now >= woke_at + WAITS_FOR_WATCH:
        return False
    # The last look that a ledger which was set back knows is as old as itself.
    return watched_at < woke_at - slept
