"""A connection for looking at the ledger from outside of its work: given up when no answer comes, however it hangs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg.rows import dict_row

from motcua.store.ledger.database import Connection, ledger_conninfo

Found = TypeVar("Found")


class Lookout:
    """One connection to the ledger, made when first needed and made anew when it broke.

    :meth:`ask` is for one thread; :meth:`give_up` and :meth:`close` may come from any other one.
    """

    def __init__(self, patience: float) -> None:
        """``patience``: seconds in which PostgreSQL itself ends a statement, and a connection that is not made by then
        is given up."""
        self._patience = patience
        self._conninfo: str | None = None
        self._guard = threading.Lock()
        self._connection: Connection | None = None
        self._given_up = False

    def ask(self, question: Callable[[Connection], Found]) -> Found:
        """What the ledger answers. A connection that broke since it was last used is replaced once.

        Raises:
            psycopg.Error: the ledger does not answer, or refuses.
        """
        with self._guard:
            self._given_up = False
        known = self._usable()
        try:
            return question(known or self._open())
        except psycopg.OperationalError:
            broke_meanwhile = known is not None and known.closed and not self._given_up
            if not broke_meanwhile:
                raise
        return question(self._open())

    def give_up(self) -> None:
        """Has the question that waits end with an error: PostgreSQL's own limit does not bind one that is stopped, nor
        a proxy before it."""
        with self._guard:
            self._given_up = True
            connection = self._connection
            if connection is not None and not connection.closed:
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends a question that waits, and the connection."""
        self.give_up()
        with self._guard:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _usable(self) -> Connection | None:
        with self._guard:
            return self._connection if self._connection is not None and not self._connection.closed else None

    def _open(self) -> Connection:
        if self._conninfo is None:
            self._conninfo = ledger_conninfo()
        milliseconds = round(self._patience * 1000)
        connection: Connection = psycopg.connect(
            self._conninfo,
            row_factory=dict_row,
            autocommit=True,
            # Less than two seconds libpq takes for two.
            connect_timeout=max(2, round(self._patience)),
            tcp_user_timeout=milliseconds,
            options=f"-c timezone=UTC -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        )
        with self._guard:
            self._connection = connection
        return connection
