"""When a ledger slept, and who can say that it was not put back to an earlier state meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Later:
    """That a watch had seen the ledger in a later state than it is in."""

    attempts: int
    """How many numbers of attempts are missing at the end."""
    seen_at: datetime | None
    """When it saw them."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What a watch on another machine knows of the ledger, given at each of its looks."""

    awake_since: datetime | None
    """Since when it has looked without a pause, whether the ledger answered or not."""
    sees_since: datetime | None
    """Since when it has seen whatever senders did."""
    about: datetime | None = None
    """The waking that it was asked about and saw nothing later at; the next one is another."""
    later: Later | None = None


def witness_vouches(woke_at: datetime | None, slept_since: datetime | None, said: Witness) -> bool:
    """Whether a testimony lets go what is held since a ledger woke.

    Args:
        woke_at: up to when is held: what the ledger asks about. One that was put back holds an old testimony, too.
        slept_since: the last sign of senders that the ledger has.
        said: the testimony.
    """
    if said.later is not None or woke_at is None or slept_since is None or said.about != woke_at:
        return False
    return watch_vouches(slept_since, said.awake_since, said.sees_since)
