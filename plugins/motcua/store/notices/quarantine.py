"""Rows of a source that cannot be used yet, and fields that had to be cleaned of those that can.

What the rules of data quality make of cleaned fields, with its life, is in motcua.store.oversight.quality.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from motcua.domain.dossiers import RowRefusal
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, recordset, values_of

RowKind: TypeAlias = Literal["dossier", "transition"]


@dataclass(frozen=True, slots=True)
class UnusableRow:
    """A row of a source that cannot be used, with why."""

    row_kind: RowKind
    row_key: str
    """Tells it from the source's other rows of its kind."""
    reason: RowRefusal
    agency_code: str | None
    dossier_code: str | None
    status_code: int | None
    payload: Mapping[str, Any]
    """Of a transition the whole row, of a dossier how its source writes its key."""


@dataclass(frozen=True, slots=True)
class CurableRow:
    """A row in quarantine whose cause may have gone."""

    row_kind: RowKind
    row_key: str
    reason: RowRefusal
    payload: Mapping[str, Any]
    """As it was kept, times as text."""


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """Open rows of one source, kind, reason and codes."""

    source: str
    row_kind: RowKind
    reason: RowRefusal
    agency_code: str | None
    status_code: int | None
    rows: int
    since: datetime
    examples: Sequence[str | None]
    """Codes of up to three dossiers."""


def quarantine_rows(connection: Connection, source_id: int, rows: Sequence[UnusableRow], now: datetime) -> int:
    """Keeps the rows with their reasons and returns how many were not known before."""
    if not rows:
        return 0
    once = {(row.row_kind, row.row_key): row for row in rows}
    values = recordset(once.values())
    kept = connection.execute(statement("quarantine/save"), {"rows": values, "source_id": source_id, "now": now})
    return sum(row["is_new"] for row in kept)


def is_any_in_quarantine(connection: Connection, source_id: int) -> bool:
    """Whether a row of this source waits there."""
    return bool(first(connection.execute(statement("quarantine/is_any"), {"source_id": source_id}), "is_any"))


def release_rows(
    connection: Connection, source_id: int, row_kind: RowKind, row_keys: Sequence[str], now: datetime
) -> int:
    """Marks rows as gone on, and returns how many were open."""
    if not row_keys:
        return 0
    return connection.execute(
        statement("quarantine/release"),
        {"source_id": source_id, "row_kind": row_kind, "row_keys": list(row_keys), "now": now},
    ).rowcount


def curable_rows(
    connection: Connection, source_id: int, agency_codes: Sequence[str], status_codes: Sequence[int], now: datetime
) -> list[CurableRow]:
    """Open rows whose cause may have gone: their agency or status is known now, or their dossier may have come."""
    return values_of(
        CurableRow,
        connection.execute(
            statement("quarantine/curable"),
            {
                "source_id": source_id,
                "agency_codes": list(agency_codes),
                "status_codes": list(status_codes),
                "now": now,
            },
        ),
    )


def open_quarantine(connection: Connection, agencies: Sequence[str] | None = None) -> list[QuarantineCount]:
    """Open rows counted by source, kind, reason and codes; of these agencies, or (``None``) all."""
    return values_of(QuarantineCount, connection.execute(statement("quarantine/open"), {"agencies": agencies}))


def count_open(connection: Connection, most: int) -> dict[str, int]:
    """Rows in quarantine by source, counted up to ``most`` of each."""
    return {
        row["source"]: row["rows"] for row in connection.execute(statement("quarantine/count_open"), {"most": most})
    }


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """A row of a source of which fields had to be cleaned."""

    agency_code: str
    dossier_code: str
    source_transition_id: int | None
    """``None``: it is a dossier's row."""
    detail: str
    """Names of the fields."""
    code: Literal["field_cleaned"] = "field_cleaned"


def save_findings(connection: Connection, source_id: int, rows: Sequence[CleanedRow], now: datetime) -> None:
    """Keeps what was cleaned.

    Each dossier and each transition once; a dossier's row that is read so again is seen again.
    """
    if rows:
        connection.execute(
            statement("quarantine/save_cleaned"), {"rows": recordset(rows), "source_id": source_id, "now": now}
        )
