"""Patience with a source that hangs, where PostgreSQL's own limit does not end what it was asked."""

from __future__ import annotations

import os
import socket
import threading
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
    guard = threading.Lock()
    state = {"over": False, "broken": False}

    def give_up() -> None:
        with guard:
            if not state["over"]:
                state["broken"] = True
                with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds + _GRACE, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError:
        if state["broken"]:
            raise psycopg.errors.QueryCanceled(f"no answer within {seconds + _GRACE:.0f} s") from None
        raise
    finally:
        timer.cancel()
        # Afterwards the descriptor may be another connection's.
        with guard:
            state["over"] = True
