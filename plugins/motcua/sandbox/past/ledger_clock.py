"""The clock of a ledger that is being given a past: what it notes by itself carries the time that is set here.

Only the sandbox's own ledger has it, put there by the schema's owner, and only until its past is there. A ledger that
still has one was left half done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg

from motcua.store.ledger.locks import wait_for_lock
from motcua.store.ledger.queries import statement

AT_WORK = 500
"""Advisory lock of whoever works beside the one that sets the clock, while it is in a transaction."""


def is_half_done(connection: psycopg.Connection[Any]) -> bool:
    """Whether the past of the ledger that this leads to was broken off."""
    return connection.execute(statement("sandbox/ledger_clock/is_there")).fetchone() is not None


class LedgerClock:
    """What time the ledger takes it for."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self._owner = owner

    def set(self, moment: datetime) -> None:
        """From now on the ledger's own notes carry this time."""
        self._owner.execute(statement("sandbox/ledger_clock/set"), {"moment": moment})


@contextmanager
def ledger_clock(owner: psycopg.Connection[Any], moment: datetime) -> Iterator[LedgerClock]:
    """A ledger's clock that is ours, by the schema's owner in autocommit mode; when all went well the ledger is as it
    was. After a failure it stays half done, for all to see.

    Raises:
        psycopg.Error: the connection is not the owner's.
    """
    with owner.transaction():
        owner.execute(statement("sandbox/ledger_clock/begin"))
    clock = LedgerClock(owner)
    clock.set(moment)
    yield clock
    with owner.transaction():
        # What reads several tables in a transaction of its own would wait for us, and we for it.
        wait_for_lock(owner, AT_WORK)
        owner.execute(statement("sandbox/ledger_clock/end"))
