"""Whether the ledger can be worked with."""

from __future__ import annotations

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement


def takes_rows(connection: Connection) -> bool:
    """Whether our role may read the ledger and the ledger takes new rows: a standby does not."""
    row = connection.execute(statement("metrics/takes_rows"), {}).fetchone()
    return bool(row and row["takes_rows"])
