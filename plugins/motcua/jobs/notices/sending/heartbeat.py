"""The heartbeat of a process at work, and the end of those that have none: one that is frozen, not dead, holds its
locks as if it lived.

Whoever holds what others wait for beats ten times within ``frozen_after`` from a thread of its own, over a session of
its own. With each beat it looks at the others; one that has been silent for ``frozen_after`` has its sessions ended, by
which PostgreSQL frees what it had locked, as if it had been killed. And it knows its own deadline: half that time after
its last beat nothing of it leaves any more, so that whoever wakes does not send what others have taken over
(docs/decisions/lingering-runs.md).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg

from motcua.domain.restores import SLEEPS_AFTER
from motcua.settings import settings
from motcua.store.ledger import sessions
from motcua.store.ledger.database import Connection, open_connection, reason_without_values
from motcua.store.notices.gaps import stay_at_work

log = logging.getLogger(__name__)

Clocks = tuple[float, float]


def _clocks() -> Clocks:
    """Of the wall, which shows that a whole machine slept, and monotonic, which nobody sets."""
    return time.time(), time.monotonic()


def _apart(before: Clocks, after: Clocks) -> float:
    return max(after[0] - before[0], after[1] - before[1])


class Others:
    """Other processes at work, as one process sees them."""

    def __init__(self, own: str) -> None:
        self._own, self._limit = own, settings().frozen_after.total_seconds()
        self._looked_at = float("-inf")
        self._unchanged_since: dict[tuple[str, datetime], float] = {}

    def end_the_frozen(self, connection: Connection) -> bool:
        """Ends the sessions of those that are frozen; whether one was there that had been silent for too long.

        Only who was seen silent over two beats is: when a server wakes that slept, all look old to it, and beat again.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        found = sessions.others_at_work(connection, self._own)
        now, a_beat = time.monotonic(), self._limit / 10
        if now > self._looked_at + 3 * a_beat:
            # This process was asleep, or the server was: nobody was watched meanwhile.
            self._unchanged_since.clear()
        since = {(each.name, each.alive_at): now for each in found}
        self._looked_at, self._unchanged_since = (
            now,
            since | {key: began for key, began in self._unchanged_since.items() if key in since},
        )
        silent = {each.name: each for each in found if each.silent_for >= self._limit}
        frozen = [
            name for name, each in silent.items() if now >= self._unchanged_since[name, each.alive_at] + 2 * a_beat
        ]
        if frozen:
            ended = sessions.end_sessions(connection, frozen)
            log.warning(
                "%d process(es) at work gave no sign of life for %.0f s or longer: their %d session(s) are ended, and "
                "what they held is free",
                len(frozen),
                self._limit,
                ended,
            )
        return bool(silent)


class Heart:
    """The heartbeat of this process."""

    def __init__(self) -> None:
        limit = settings().frozen_after.total_seconds()
        self.name = sessions.new_name()
        self.is_over = False
        """It or the ledger was asleep, or the others gave it up: nothing leaves any more, whatever comes."""
        self.leaving = threading.Lock()
        """Held by the one request that is between its look at ``may_send`` and the kernel."""
        self.users = 0
        self._every, self._patience = limit / 10, limit / 2
        self._beaten: Clocks = _clocks()
        """When the last beat began that the ledger has taken."""
        self._writing_since: float | None = None
        self._clock: Callable[[], datetime] | None = None
        self._gap_no: int | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        sessions.call_sessions(self.name)
        self._thread.start()

    @property
    def may_send(self) -> bool:
        """Whether what leaves at this moment leaves before anybody may take this process for frozen."""
        return not self.is_over and _apart(self._beaten, _clocks()) < self._patience

    def sign(self, clock: Callable[[], datetime], gap_no: int | None) -> None:
        """From now on each beat keeps in the ledger that senders are at work; to be called once a run has looked for a
        gap.

        A machine that comes back from a copy of its memory starts nothing anew: its senders go on, in a ledger of then.
        One that finds the ledger asleep, or another gap in it, is over, and the next run looks for the gap.

        Args:
            clock: the run's.
            gap_no: the gap that the run found open; ``None``: none.
        """
        self._clock, self._gap_no = clock, gap_no

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Meanwhile a disk is waited for: it does not beat for a process whose disk hangs."""
        self._writing_since = time.monotonic()
        try:
            yield
        finally:
            self._writing_since = None

    def end_the_frozen(self, connection: Connection) -> None:
        """At a start: what a frozen process holds is free when this returns.

        Args:
            connection: in autocommit.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        others = Others(self.name)
        while others.end_the_frozen(connection):
            self._ended.wait(self._every)

    def end(self) -> None:
        """Ends it, in order."""
        self._ended.set()
        self._thread.join(self._patience)

    def _run(self) -> None:
        connection: Connection | None = None
        others = Others(self.name)
        try:
            while self._sleep_until_next():
                if connection is None:
                    connection = open_connection()
                    connection.autocommit = True
                    sessions.begin_beats(connection, self.name)
                self._beat(connection, others)
        except Exception as error:
            log.warning("it beats no longer: %s", reason_without_values(error))
        finally:
            self.is_over = self.is_over or not self._ended.is_set()
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()

    def _sleep_until_next(self) -> bool:
        before = _clocks()
        if self._ended.wait(self._every):
            return False
        if (slept := _apart(before, _clocks())) >= self._patience:
            log.warning("this process was asleep for %.0f s: nothing leaves any more", slept)
            return False
        return True

    def _beat(self, connection: Connection, others: Others) -> None:
        began, writing_since = _clocks(), self._writing_since
        if writing_since is not None and began[1] > writing_since + self._every:
            return
        if self._clock is not None:
            # Not waited for: who holds the row may be the one that is frozen.
            with suppress(psycopg.errors.LockNotAvailable):
                found = stay_at_work(connection, self._clock(), SLEEPS_AFTER)
                self.is_over = self.is_over or found.slept or found.gap_no != self._gap_no
        others.end_the_frozen(connection)
        self._beaten = began


class _Process:
    """This process, as far as its heart goes."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.heart: Heart | None = None
        sessions.call_sessions(None)


_process = _Process()
# A process that is forked has none of the threads: it is another one than its parent, and gets a heart of its own.
os.register_at_fork(after_in_child=_process.__init__)  # type: ignore[misc]


@contextmanager
def beating() -> Iterator[Heart]:
    """The heart of this process, which beats as long as anybody needs it; sessions of the ledger that are opened
    meanwhile are this process's, and end with it should it freeze."""
    with _process.guard:
        heart = _process.heart
        if heart is None or heart.is_over:
            heart = _process.heart = Heart()
        heart.users += 1
    try:
        yield heart
    finally:
        with _process.guard:
            heart.users -= 1
            is_last = not heart.users
            if is_last and _process.heart is heart:
                _process.heart = None
                sessions.call_sessions(None)
        if is_last:
            heart.end()
