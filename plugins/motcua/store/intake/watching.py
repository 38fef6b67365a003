"""Read how clients usually push, the faults in their pushes, and supplements of which no citizen could be informed."""

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
    """How many records of one client's pushes had the same fault since a given day."""

    client: str
    fault: str
    field: str
    """The field with the fault. Empty if the fault concerns no single field."""
    records: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SupplementsUntold:
    """How many dossiers of an agency need a supplement but lack any sign that they are at the one-stop desk."""

    source: str
    agency_code: str
    dossiers: int


def watched_clients(connection: Connection, now: datetime) -> list[ClientFigures]:
    """Return the clients that may push, with the figures by which the system's monitoring (the watch) judges them."""
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
    """Count the faults in pushes by client, fault and field, since a day in Vietnam's time zone."""
    rows = connection.execute(statement("intake/clients/fault_sums"), {"since": since})
    return [value_of(FaultSum, row) for row in rows]


def supplements_untold(
    connection: Connection, start: datetime, end: datetime, agencies: Sequence[str] | None = None
) -> list[SupplementsUntold]:
    """Count, by agency, dossiers with a supplement pushed in [start, end) of which no citizen could be informed."""
    values = {"start": start, "end": end, "agencies": None if agencies is None else list(agencies)}
    rows = connection.execute(statement("intake/clients/supplements_untold"), values)
    return [value_of(SupplementsUntold, row) for row in rows]


def supplements_untold_by(
    connection: Connection, as_of: datetime, agencies: Sequence[str] | None = None
) -> list[SupplementsUntold]:
    """Count, by agency, dossiers with a supplement of which no citizen could be informed.

    The supplements were pushed in the seven days before ``as_of``.
    """
    return supplements_untold(connection, as_of - _JUDGED_DAYS, as_of, agencies)
