"""Store source rows that cannot be used yet, and usable rows whose fields had to be cleaned.

A row in quarantine is open until it is released because the cause is gone. The rules of data quality make findings from
cleaned fields. motcua.store.oversight.quality stores these findings.
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
    """A source row that cannot be used, with the reason."""

    row_kind: RowKind
    row_key: str
    """The text that distinguishes the row from the source's other rows of its kind."""
    reason: RowRefusal
    agency_code: str | None
    dossier_code: str | None
    status_code: int | None
    payload: Mapping[str, Any]
    """The whole row of a transition. For a row of a dossier only the dossier's key, as the source writes it."""


@dataclass(frozen=True, slots=True)
class CurableRow:
    """A row in quarantine that may have become usable."""

    row_kind: RowKind
    row_key: str
    reason: RowRefusal
    payload: Mapping[str, Any]
    """The stored payload, with times as text."""


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """How many open rows of one source have this kind, reason and codes."""

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
    """Store unusable rows with their reasons in ``quarantine``. Return how many were not stored there before."""
    if not rows:
        return 0
    once = {(row.row_kind, row.row_key): row for row in rows}
    values = recordset(once.values())
    kept = connection.execute(statement("quarantine/save"), {"rows": values, "source_id": source_id, "now": now})
    return sum(row["is_new"] for row in kept)


def is_any_in_quarantine(connection: Connection, source_id: int) -> bool:
    """Return whether any row of this source is in quarantine and open."""
    return bool(first(connection.execute(statement("quarantine/is_any"), {"source_id": source_id}), "is_any"))


def release_rows(
    connection: Connection, source_id: int, row_kind: RowKind, row_keys: Sequence[str], now: datetime
) -> int:
    """Mark rows in quarantine as released, because their cause is gone. Return how many of them were open until now."""
    if not row_keys:
        return 0
    return connection.execute(
        statement("quarantine/release"),
        {"source_id": source_id, "row_kind": row_kind, "row_keys": list(row_keys), "now": now},
    ).rowcount


def curable_rows(
    connection: Connection, source_id: int, agency_codes: Sequence[str], status_codes: Sequence[int], now: datetime
) -> list[CurableRow]:
    """Return open rows that may have become usable (from ``motcua.quarantine``).

    A row may be usable if its agency or status is known now, if its dossier may have arrived, or if the row is due for
    another reading.
    """
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
    """Count open rows by source, kind, reason and codes, for these agencies (from ``motcua.quarantine``). ``None``
    counts all agencies."""
    return values_of(QuarantineCount, connection.execute(statement("quarantine/open"), {"agencies": agencies}))


def count_open(connection: Connection, most: int) -> dict[str, int]:
    """Count open rows in quarantine by source, up to ``most`` for each source."""
    return {
        row["source"]: row["rows"] for row in connection.execute(statement("quarantine/count_open"), {"most": most})
    }


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """A source row with fields that had to be cleaned."""

    agency_code: str
    dossier_code: str
    source_transition_id: int | None
    """The source's number of the transition. ``None`` if the row is a dossier's row."""
    detail: str
    """The names of the cleaned fields."""
    code: Literal["field_cleaned"] = "field_cleaned"


def save_findings(connection: Connection, source_id: int, rows: Sequence[CleanedRow], now: datetime) -> None:
    """Store in ``cleaned_fields`` which fields were cleaned.

    The table has one row for each dossier and each transition with cleaned fields. The row is updated if other fields
    were cleaned, or if the dossier was read into the ledger anew in the meantime.
    """
    if rows:
        connection.execute(
            statement("quarantine/save_cleaned"), {"rows": recordset(rows), "source_id": source_id, "now": now}
        )
