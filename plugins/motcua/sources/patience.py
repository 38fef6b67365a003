"""Patience with a source that hangs, where PostgreSQL's own limit does not end what it was asked."""

from __future__ import annotations

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from motcua.store.ledger.database import Connection

_GRACE = 5.0
"""Seconds: where the server ends a statement by itself, its own words come first."""


@contextmanager
def answered_within(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Breaks the connection when what the body asks of it has no answer by then, a moment after ``statement_timeout``.

    That limit binds neither a server that is stopped, whose kernel still keeps the connection up, nor a statement that
    waits for another database inside a foreign data wrapper.

    Args:
        connection: of the source.
        seconds: what the server was told as ``statement_timeout``; ``None``: wait for ever.

    Raises:
        psycopg.errors.QueryCanceled: it was broken; it can be closed, and nothing else.
    """
    if seconds is None:
        yield
        return
    answer = _Awaited(connection)
    _deadlines.add(time.monotonic() + seconds + _GRACE, answer)
    try:
        yield
    except psycopg.OperationalError:
        if answer.was_given_up:
            raise psycopg.errors.QueryCanceled(f"no answer within {seconds + _GRACE:.0f} s") from None
        raise
    finally:
        answer.is_there()


class _Awaited:
    """An answer that is waited for on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._guard = threading.Lock()
        self._connection: Connection | None = connection
        self.was_given_up = False

    def is_there(self) -> None:
        """It is waited for no longer; afterwards the descriptor may be another connection's."""
        with self._guard:
            self._connection = None

    def give_up(self) -> None:
        """Breaks the connection, unless the answer is there."""
        with self._guard:
            if self._connection is not None:
                self.was_given_up = True
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)


class _Deadlines:
    """One thread for all answers that are waited for: a pick-up asks some twenty times, and a thread that is begun for
    each waits for Python's lock as often."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._awaited: list[tuple[float, int, _Awaited]] = []
        self._number = itertools.count()
        self._watch: threading.Thread | None = None

    def add(self, until: float, answer: _Awaited) -> None:
        """Gives the answer up when it is not there by then, of the monotonic clock."""
        with self._changed:
            heapq.heappush(self._awaited, (until, next(self._number), answer))
            if self._watch is None:
                self._watch = threading.Thread(target=self._keep, name="patience", daemon=True)
                self._watch.start()
            elif self._awaited[0][2] is answer:
                self._changed.notify()

    def _keep(self) -> None:
        with self._changed:
            while self._awaited:
                until, _, answer = self._awaited[0]
                if until > (now := time.monotonic()):
                    self._changed.wait(until - now)
                else:
                    heapq.heappop(self._awaited)
                    answer.give_up()
            self._watch = None


_deadlines = _Deadlines()
# A process that is forked has none of the threads, and may have a lock that one of them held.
os.register_at_fork(after_in_child=_deadlines.__init__)  # type: ignore[misc]
