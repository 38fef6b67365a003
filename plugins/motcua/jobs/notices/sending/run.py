"""One run of a sender: what all its parts work with, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from motcua.domain.run_window import Window
from motcua.jobs.notices.sending.heartbeat import Heart
from motcua.store.ledger.database import Connection


@dataclass(slots=True)
class SendCounts:
    """What one sender did."""

    attempts: int = 0
    by_gateway: dict[str, int] = field(default_factory=dict)
    by_outcome: dict[str, int] = field(default_factory=dict)
    turned_away: dict[str, int] = field(default_factory=dict)
    abandoned: int = 0
    stopped: list[str] = field(default_factory=list)
    """What was stopped meanwhile, with the reasons."""
    gap: str | None = None
    """Why nothing was sent, or nothing of before: the ledger was restored, or may have been, and nobody looked at the
    gap."""
    set_aside: int = 0
    """Messages that wait because people stopped them, each counted when it was met."""
    unregistered: dict[str, int] = field(default_factory=dict)
    """Messages that wait because their template or their carrier is registered at no gateway, by the reason."""

    def count_unregistered(self, reason: str) -> None:
        """Counts a message that waits for a registration."""
        self.unregistered[reason] = self.unregistered.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class SenderRun:
    """Who sends what, and by which clock."""

    ledger: Connection
    lock: Connection
    """Holds the sender's advisory locks for as long as it lives."""
    sender_id: int
    run_id: str
    window: Window
    clock: Callable[[], datetime]
    heart: Heart
    counts: SendCounts = field(default_factory=SendCounts)
