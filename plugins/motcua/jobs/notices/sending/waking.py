"""Whether a sender is awake, in the ledger that it knows.

A machine that comes back from a copy of its memory starts nothing anew: its senders go on, in a ledger of then. So each
compares its two clocks at every turn and before every request, and gives its sign in the ledger each second. One that
slept, or finds the ledger asleep, claims nothing more and ends: the next one looks for the gap.
"""

from __future__ import annotations

import time

from motcua.domain.restores import SLEEPS_AFTER
from motcua.jobs.notices.sending.run import SenderRun, read_clocks
from motcua.store.notices.gaps import stay_at_work

_EVERY = 1.0
"""Seconds."""


class Waking:
    """What one sender knows of its own sleep, and of the ledger's; several threads ask."""

    def __init__(self, run: SenderRun) -> None:
        self.run = run
        self._looked_at = run.began.steady
        self._is_over = False
        """As the ledger said."""

    def has_slept(self) -> bool:
        """Whether nothing may be claimed or called any more; asks nobody."""
        return self._is_over or self.run.began.slept_until(read_clocks())

    def look(self) -> None:
        """Gives this sender's sign in the ledger, once in a while; commits."""
        now = time.monotonic()
        if self.has_slept() or now < self._looked_at + _EVERY:
            return
        self._looked_at = now
        found = stay_at_work(self.run.ledger, self.run.clock(), SLEEPS_AFTER)
        self.run.ledger.commit()
        self._is_over = found.slept or found.gap_no != self.run.gap_no
