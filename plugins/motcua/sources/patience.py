"""Breaks the connection to a hanging source if PostgreSQL's own time limit does not end the SQL statement."""

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
"""Seconds to wait after the server's own limit, so that a server that ends the statement by itself can still send its
error."""


@contextmanager
def answered_within(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Breaks the connection if the ``with`` body has not ended ``_GRACE`` seconds after ``statement_timeout``.

    PostgreSQL's ``statement_timeout`` does not end every wait. A stopped server process does not apply this limit,
    although its kernel keeps the connection open. A statement that uses a foreign data wrapper ignores the limit while
    the wrapper waits for the other database.

    Args:
        connection: the connection to the source.
        seconds: the ``statement_timeout`` that the server was given; ``None`` waits for ever.

    Raises:
        psycopg.errors.QueryCanceled: the connection was broken. The caller can only close it.
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
    """An answer that is awaited on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._guard = threading.Lock()
        self._connection: Connection | None = connection
        self.was_given_up = False

    def is_there(self) -> None:
        """Ends the waiting: ``give_up`` has no effect any more.

        Afterwards the connection's file descriptor may belong to another connection, which must not be broken.
        """
        with self._guard:
            self._connection = None

    def give_up(self) -> None:
        """Breaks the connection, unless the answer has arrived."""
        with self._guard:
            if self._connection is not None:
                self.was_given_up = True
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)


class _Deadlines:
    """One thread that watches the deadlines of all awaited answers.

    To read a source once takes about twenty queries. A new thread for each query would cost time, because Python does
    not run a new thread at once.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._awaited: list[tuple[float, int, _Awaited]] = []
        self._number = itertools.count()
        self._watch: threading.Thread | None = None

    def add(self, until: float, answer: _Awaited) -> None:
        """Calls ``give_up`` of the answer if it has not arrived by the moment ``until`` of the monotonic clock."""
        with self._changed:
            heapq.heappush(self._awaited, (until, next(self._number), answer))
            if self._watch is None:
                self._watch = threading.Thread(target=self._watch_deadlines, name="patience", daemon=True)
                self._watch.start()
            elif self._awaited[0][2] is answer:
                self._changed.notify()

    def _watch_deadlines(self) -> None:
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
# A forked process has none of the parent's threads, and may have inherited a lock that one of them held.
os.register_at_fork(after_in_child=_deadlines.__init__)  # type: ignore[misc]
