"""Administrative procedures by their names, as people look for them."""

from __future__ import annotations

from dataclasses import dataclass

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

MOST = 10_000
"""More than a country has; sources may write what they like."""


@dataclass(frozen=True, slots=True)
class NamedProcedure:
    """A procedure that a source gave a name."""

    procedure_code: str
    name: str


def procedures_called(connection: Connection, most: int = MOST) -> list[NamedProcedure]:
    """Procedures with a name, by it."""
    rows = connection.execute(statement("agencies/named_procedures"), {"most": most})
    return [value_of(NamedProcedure, row) for row in rows]
