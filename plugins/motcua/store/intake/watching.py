"""What clients that push usually do, what was wrong in it, and which supplements nobody could be told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from motcua.domain.clock import VIETNAM
from motcua.domain.watching.pushing import DAYS_BACK, ClientFigures, DayPushed
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

_JUDGED_DAYS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FaultSum:
    """What was wrong in a client's pushes of some days."""

    client: str
    fault: str
    field: str
    """Empty: no field in particular."""
    records: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SupplementsUntold:
    """Dossiers of an agency with a supplement that nothing says to be at the one-stop desk."""

    source: str
    agency_code: str
    dossiers: int


def watched_clients(connection: Connection, now: datetime) -> list[ClientFigures]:
    """Clients that may push, as the watch judges them."""
    today = now.astimezone(VIETNAM).date()
    values = {"now": now, "days_since": today - DAYS_BACK, "records_since": today - _JUDGED_DAYS}
    return [
        ClientFigures(
            row["name"],
            tuple(row["agencies"]),
            row["last_call_at"],
            frozenset(row["days"]),
            frozenset(row["hours"]),
            tuple(DayPushed(**each) for each in row["recent"] or ()),
        )
        for row in connection.execute(statement("intake/clients/watched"), values)
    ]


def fault_sums(connection: Connection, since: date) -> list[FaultSum]:
    """What was wrong in the pushes of all clients since that day of Vietnam."""
    rows = connection.execute(statement("intake/clients/fault_sums"), {"since": since})
    return [value_of(FaultSum, row) for row in rows]


def supplements_untold(
    connection: Connection, start: datetime, end: datetime, agencies: Sequence[str] | None = None
) -> list[SupplementsUntold]:
    """Supplements pushed in [start, end) of which nobody could be told, by agency."""
    values = {"start": start, "end": end, "agencies": None if agencies is None else list(agencies)}
    rows = connection.execute(statement("intake/clients/supplements_untold"), values)
    return [value_of(SupplementsUntold, row) for row in rows]


def supplements_untold_by(
    connection: Connection, as_of: datetime, agencies: Sequence[str] | None = None
) -> list[SupplementsUntold]:
    """Supplements pushed in the seven days before a moment of which nobody could be told, by agency."""
    return supplements_untold(connection, as_of - _JUDGED_DAYS, as_of, agencies)
