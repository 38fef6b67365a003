"""Gives this process a heartbeat, and ends the sessions of processes that have none. A frozen process would otherwise
hold its locks for ever.

A process that holds locks beats ten times within ``frozen_after``, from a thread and a database session of its own.
Each beat also checks the other processes: the sessions of a process that was silent for ``frozen_after`` are ended, so
that PostgreSQL releases its locks. A process also has a deadline of its own: it sends nothing once its last beat is
older than half of ``frozen_after``. So a process that wakes does not send messages that other processes have taken over
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
from motcua.store.notices.gaps import give_heartbeat

log = logging.getLogger(__name__)

Clocks = tuple[float, float]


def _clocks() -> Clocks:
    """Read the wall clock, which shows that the whole machine slept, and the monotonic clock, which nobody can set."""
    return time.time(), time.monotonic()


def _seconds_between(before: Clocks, after: Clocks) -> float:
    return max(after[0] - before[0], after[1] - before[1])


class Others:
    """The other running processes, as this process sees them."""

    def __init__(self, own: str) -> None:
        self._own, self._limit = own, settings().frozen_after.total_seconds()
        self._checked_at = float("-inf")
        self._unchanged_since: dict[tuple[str, datetime], float] = {}

    def end_frozen_processes(self, connection: Connection) -> bool:
        """End the sessions of frozen processes. Return whether any process has been silent for ``frozen_after``.

        End only a process that was seen silent over two beats, because after the server slept, all processes look
        silent at first and then beat again.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        found = sessions.other_processes(connection, self._own)
        now, a_beat = time.monotonic(), self._limit / 10
        if now > self._checked_at + 3 * a_beat:
            # This process or the server was asleep, so nobody checked the other processes in between.
            self._unchanged_since.clear()
        since = {(each.name, each.alive_at): now for each in found}
        self._checked_at, self._unchanged_since = (
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
                "other processes can take over their work",
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
        """Whether this process must not send any more: the process or the ledger was asleep, a beat found a new gap
        (see ``record_running``), or the heartbeat failed, as when other processes ended its sessions."""
        self.leaving = threading.Lock()
        """A request holds this lock from its check of ``may_send`` until the kernel has its bytes."""
        self.users = 0
        self._every, self._deadline = limit / 10, limit / 2
        self._last_beat: Clocks = _clocks()
        """When the last beat that reached the ledger began, by both clocks."""
        self._writing_since: float | None = None
        self._clock: Callable[[], datetime] | None = None
        self._gap_no: int | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        sessions.set_session_name(self.name)
        self._thread.start()

    @property
    def may_send(self) -> bool:
        """Whether a request that is sent now is sent before other processes can consider this process frozen."""
        return not self.is_over and _seconds_between(self._last_beat, _clocks()) < self._deadline

    def record_running(self, clock: Callable[[], datetime], gap_no: int | None) -> None:
        """Make each beat also record in the ledger that senders are running. This method is called after the run has
        checked for a *gap*: a record that the ledger was or may have been restored.

        A machine that resumes from a copy of its memory starts no new run: the machine's senders go on, with an older
        state of the ledger. If a beat finds another gap, or finds that the ledger *slept* (no sender recorded a beat
        for a while), this process sends nothing more. The next run then handles the gap.

        Args:
            clock: the clock of the run.
            gap_no: the gap that the run found open; ``None`` if there was none.
        """
        self._clock, self._gap_no = clock, gap_no

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Mark a write to a disk. If the write takes longer than one beat, the process stops beating, because its disk
        seems to hang."""
        self._writing_since = time.monotonic()
        try:
            yield
        finally:
            self._writing_since = None

    def end_frozen_processes(self, connection: Connection) -> None:
        """End frozen processes before a run starts. When this method returns, their locks are free.

        Args:
            connection: a connection in autocommit.

        Raises:
            psycopg.Error: the ledger does not answer.
        """
        others = Others(self.name)
        while others.end_frozen_processes(connection):
            self._ended.wait(self._every)

    def end(self) -> None:
        """Stop the heartbeat thread and wait for its end."""
        self._ended.set()
        self._thread.join(self._deadline)

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
            log.warning("the heartbeat stopped: %s", reason_without_values(error))
        finally:
            self.is_over = self.is_over or not self._ended.is_set()
            if connection is not None:
                with suppress(psycopg.Error):
                    connection.close()

    def _sleep_until_next(self) -> bool:
        before = _clocks()
        if self._ended.wait(self._every):
            return False
        if (slept := _seconds_between(before, _clocks())) >= self._deadline:
            log.warning("this process stood still for %.0f s: it sends no more messages", slept)
            return False
        return True

    def _beat(self, connection: Connection, others: Others) -> None:
        began, writing_since = _clocks(), self._writing_since
        if writing_since is not None and began[1] > writing_since + self._every:
            return
        if self._clock is not None:
            # Do not wait for this row lock: its holder may be the frozen process.
            with suppress(psycopg.errors.LockNotAvailable):
                found = give_heartbeat(connection, self._clock(), SLEEPS_AFTER)
                self.is_over = self.is_over or found.slept or found.gap_no != self._gap_no
        others.end_frozen_processes(connection)
        self._last_beat = began


class _Process:
    """This process and its heartbeat."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.heart: Heart | None = None
        sessions.set_session_name(None)


_process = _Process()
# A forked process has none of its parent's threads, so it gets a heartbeat of its own.
os.register_at_fork(after_in_child=_process.__init__)  # type: ignore[misc]


@contextmanager
def beating() -> Iterator[Heart]:
    """Run the heartbeat of this process as long as the block runs. Several users share one heartbeat.

    Sessions of the ledger that the process opens in this time end if the process freezes.
    """
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
                sessions.set_session_name(None)
        if is_last:
            heart.end()
