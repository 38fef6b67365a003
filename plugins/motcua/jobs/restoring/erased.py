"""A restore does not bring the erased back: what the list outside the ledger knows and the ledger does not is emptied
again before anything is sent."""

from __future__ import annotations

import logging

from motcua.jobs.personal_data.purging import empty_batch, empty_kind, tidy
from motcua.store.erasures import Erasure, ErasureList, open_erasures
from motcua.store.ledger.database import Connection
from motcua.store.personal_data import (
    Kind,
    Order,
    PurgeNotProvided,
    known_references,
    purge_connection,
    wait_for_emptying,
)

log = logging.getLogger(__name__)


def empty_again(ledger: Connection, by: str) -> str | None:
    """Holds the list of the erased against the ledger, and empties again what came back; says why nothing may be sent
    where that cannot be done.

    A dossier of which a message waits in the restored ledger is emptied by the daily purge, once that has expired.

    Args:
        ledger: a connection with no transaction under way.
        by: the run that looks.

    Raises:
        motcua.store.journal.JournalFailed: the list cannot be read.
    """
    erasures = open_erasures()
    if not _unknown(ledger, erasures.tail()):
        ledger.commit()
        return None
    try:
        with purge_connection() as connection:
            # A batch is listed before it is committed: whoever is at it now comes to its end.
            wait_for_emptying(connection)
            connection.commit()
            back = _came_back(ledger, erasures)
            ledger.commit()
            for erasure in back:
                _empty(connection, erasures, erasure, by)
    except PurgeNotProvided as missing:
        return f"the ledger was restored with personal data that had been emptied; {missing}"
    if back:
        tidy()
        log.warning("the ledger was restored: %d batch(es) of personal data were emptied again", len(back))
    return None


def _unknown(ledger: Connection, erasures: list[Erasure]) -> list[Erasure]:
    known = known_references(ledger, [each.reference for each in erasures]) if erasures else set()
    return [each for each in erasures if each.reference not in known]


def _came_back(ledger: Connection, erasures: ErasureList) -> list[Erasure]:
    """What the ledger does not know, the oldest first: back to a day of which it knows all."""
    found: list[Erasure] = []
    for day in erasures.days():
        unknown = _unknown(ledger, day)
        if day and not unknown:
            break
        found = unknown + found
    return found


def _empty(connection: Connection, erasures: ErasureList, erasure: Erasure, by: str) -> None:
    kind: Kind = erasure.kind  # type: ignore[assignment] # a line of ours
    order = Order(kind, "restore", by, only_these=erasure.listed, listed_at=erasure.at)
    if erasure.listed is None:
        empty_kind(connection, erasures, order, log.info, erasure.reference)
    else:
        empty_batch(connection, erasures, order, erasure.reference)
