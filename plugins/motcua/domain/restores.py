"""Decide whether a ledger that was asleep may have been restored to an earlier state in that time. Pure: no I/O.

A ledger is asleep while no sender gives it a heartbeat, for example while its machine is suspended. A ledger that wakes
may be a restored copy that does not remember messages already sent. Either of two things can prove that the ledger was
not restored: the journal (a record of all attempts, stored outside the ledger), or a watch (a program that monitors the
ledger) on another machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

SLEEPS_AFTER = timedelta(minutes=10)
"""If no sender gives a heartbeat for this time, the ledger counts as asleep."""
_AHEAD_BY = timedelta(minutes=1)
"""If the journal's last attempt is later than the ledger's last heartbeat by more than this, the two were not restored
together. A smaller difference proves nothing, because a copy of a machine's disks is not made in one instant."""


def journal_vouches(slept_since: datetime, journal_until: datetime | None) -> bool:
    """Return whether the journal proves that the ledger was not restored together with it.

    The proof is an attempt in the journal that is later than the beginning of the sleep by more than ``_AHEAD_BY``. If
    both had been restored together, the journal would have no such attempt.

    Args:
        slept_since: the last heartbeat of senders in the ledger.
        journal_until: when the request of the last attempt in the journal left.
    """
    return journal_until is not None and journal_until > slept_since + _AHEAD_BY


def watch_vouches(slept_since: datetime, awake_since: datetime | None, sees_since: datetime | None) -> bool:
    """Return whether a watch proves that the ledger was not restored.

    The watch must have seen no later state of the ledger.

    Args:
        slept_since: the last heartbeat of senders in the ledger.
        awake_since: since when the watch has checked without a pause. A watch on the ledger's machine proves nothing,
            because it slept together with the ledger.
        sees_since: since when the watch has seen everything that senders did.
    """
    return awake_since is not None and sees_since is not None and max(awake_since, sees_since) <= slept_since


@dataclass(frozen=True, slots=True)
class Later:
    """A watch's observation that the ledger had been in a later state than its present one."""

    attempts: int
    """How many of the newest attempt numbers the ledger no longer has."""
    seen_at: datetime | None
    """When the watch saw the later state."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The testimony of a watch on another machine about the ledger. The watch gives it at each of its checks."""

    awake_since: datetime | None
    """Since when the watch has checked without a pause, whether the ledger answered or not."""
    sees_since: datetime | None
    """Since when the watch has seen everything that senders did."""
    about: datetime | None = None
    """The time of the waking that the testimony is about. ``None`` if the ledger asks about none, or if ``later`` is
    given."""
    later: Later | None = None


def witness_vouches(woke_at: datetime | None, slept_since: datetime | None, said: Witness) -> bool:
    """Return whether the watch's testimony releases the messages that are on hold since the ledger woke.

    Args:
        woke_at: the time of the waking that the ledger asks about. Messages up to this time are on hold. A testimony
            about another waking is old and proves nothing. A restored ledger may contain such an old testimony.
        slept_since: the last heartbeat of senders in the ledger.
        said: the testimony.
    """
    if said.later is not None or woke_at is None or slept_since is None or said.about != woke_at:
        return False
    return watch_vouches(slept_since, said.awake_since, said.sees_since)
