"""When a ledger slept, and who can say that it was not put back to an earlier state meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

SLEEPS_AFTER = timedelta(minutes=10)
"""Where senders gave no sign for so long the ledger slept."""
_AHEAD_BY = timedelta(minutes=1)
"""A copy of a machine's disks is not made in one instant; a journal that is ahead by more was not put back with it."""


def journal_vouches(slept_since: datetime, journal_until: datetime | None) -> bool:
    """Whether a journal that knows more than its ledger shows that the ledger alone was put back.

    Args:
        slept_since: the last sign of senders that the ledger has.
        journal_until: when the last attempt left that the journal knows.
    """
    return journal_until is not None and journal_until > slept_since + _AHEAD_BY


def watch_vouches(slept_since: datetime, awake_since: datetime | None, sees_since: datetime | None) -> bool:
    """Whether a watch that has seen no later state than the ledger is in knows that it was not put back.

    Args:
        slept_since: the last sign of senders that the ledger has.
        awake_since: since when the watch has looked without a pause; one on the same disk slept, too.
        sees_since: since when it has seen whatever senders did.
    """
    return awake_since is not None and sees_since is not None and max(awake_since, sees_since) <= slept_since
