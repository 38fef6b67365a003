"""Empties the personal data whose time is over: batches, each in the list outside the ledger before it is committed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from psycopg import errors

from motcua.store.erasures import Erasure, ErasureList, open_erasures
from motcua.store.ledger.database import Connection, connect
from motcua.store.personal_data import (
    KINDS,
    Batch,
    Kind,
    Order,
    purge_batch,
    purge_connection,
    tidy_after_purge,
    wait_for_emptying,
)

log = logging.getLogger(__name__)

_TRIES = 5
"""Of a batch that others are in the way of."""


@dataclass(slots=True)
class Emptied:
    """What was emptied of one kind."""

    kind: Kind
    batches: int = 0
    rows: int = 0


def empty_batch(connection: Connection, erasures: ErasureList, order: Order, reference: str | None = None) -> Batch:
    """Empties one batch in a transaction of its own, which is in the list outside the ledger before it is committed.

    Args:
        connection: of :func:`purge_connection`, with no transaction under way.
        erasures: the list.
        order: what to empty.
        reference: of a batch that is in the list already, after a restore.

    Raises:
        motcua.store.journal.JournalFailed: the list cannot be written; nothing was emptied.
        psycopg.errors.LockNotAvailable: others were in the way each time; nothing was emptied.
    """
    for left in reversed(range(_TRIES)):
        try:
            with connection.transaction():
                wait_for_emptying(connection)
                # Nobody who sends waits for this.
                connection.execute("SET LOCAL lock_timeout = '900ms'")
                known_as = reference or uuid4().hex
                batch = purge_batch(connection, order, known_as)
                if reference is None and batch.emptied:
                    listed = batch.listed if order.kind == "dossiers" or order.only_these is not None else None
                    erasures.write(Erasure(known_as, datetime.now(UTC), order.kind, listed))
            return batch
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if not left:
                raise
    raise AssertionError("unreachable")


def empty_kind(
    connection: Connection,
    erasures: ErasureList,
    order: Order,
    say: Callable[[str], None],
    reference: str | None = None,
) -> Emptied:
    """Empties all of one kind whose time is over; what is done stays done, wherever it is broken off."""
    done = Emptied(order.kind)
    after: int | None = order.after
    while after is not None:
        batch = empty_batch(connection, erasures, replace(order, after=after), reference)
        after = batch.looked_until
        done.batches += 1
        done.rows += batch.emptied
        if batch.emptied:
            say(f"{order.kind}: looked at up to {after}, {done.rows} row(s) emptied")
    return done


def purge(by: str, say: Callable[[str], None] = log.info) -> list[Emptied]:
    """Empties everything whose time is over.

    Args:
        by: the run, or who does it.
        say: is told of progress, in counts.

    Raises:
        PurgeNotProvided: nobody may do that here yet.
        motcua.store.journal.JournalFailed: the list cannot be written.
    """
    erasures = open_erasures()
    with connect() as ledger, purge_connection() as connection:
        # The run's number, which only the app's connection knows.
        run = ledger.execute("SELECT current_setting('motcua.run', TRUE) AS run").fetchone()
        ledger.commit()
        if run and run["run"]:
            connection.execute("SELECT set_config('motcua.run', %s, FALSE)", (run["run"],))
            connection.commit()
        done = [empty_kind(connection, erasures, Order(kind, "term", by), say) for kind in KINDS]
    tidy()
    return done


def tidy() -> None:
    """What the planner remembers of emptied columns goes too; where a statement is being taken, at the next purge."""
    try:
        with connect() as ledger:
            ledger.execute("SET LOCAL lock_timeout = '5s'")
            tidy_after_purge(ledger)
    except errors.LockNotAvailable:
        log.warning("a carrier's statement is being taken: the planner's samples are gathered anew by the next purge")
