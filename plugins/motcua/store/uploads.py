"""Statements that somebody put into their folder by the page: who signed for which, and what no run has read yet."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from motcua.domain.periods import Period
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of

_MOST_UNREAD = 50
"""That are listed: a month has a few."""


@dataclass(frozen=True, slots=True)
class StatementUpload:
    """A statement that is put into its folder."""

    form: str
    month: date
    """Its first day."""
    file_name: str
    """In the folder."""
    sha256: str
    uploaded_at: datetime
    uploaded_by: str


def one_upload_at_a_time(connection: Connection) -> None:
    """Waits until nobody else puts a statement into its folder; from then on others wait for this transaction's end."""
    connection.execute(statement("uploads/one_at_a_time"))


def save_upload(connection: Connection, upload: StatementUpload) -> int:
    """Writes down who put a statement there; returns the upload's number."""
    row = connection.execute(statement("uploads/save"), asdict(upload)).fetchone()
    assert row is not None
    return int(row["upload_no"])


def unread_uploads(connection: Connection, since: datetime) -> list[StatementUpload]:
    """Statements that were put there since, and that no run has taken or refused, the newest first."""
    rows = connection.execute(statement("uploads/unread"), {"since": since, "most": _MOST_UNREAD})
    return [value_of(StatementUpload, row) for row in rows]


def who_uploaded(connection: Connection, sha256: str, form: str) -> str | None:
    """Who put this file there by the page; ``None``: nobody, it came another way."""
    row = connection.execute(statement("uploads/who_uploaded"), {"sha256": sha256, "form": form}).fetchone()
    return None if row is None else str(row["uploaded_by"])


def segments_handed(connection: Connection, gateway: str, month: date) -> int:
    """Segments that we handed to a gateway in a month, by our own count."""
    asked = {"gateway": gateway, "month": month, "next_month": Period.month_of(month).next.first}
    row = connection.execute(statement("statements/segments_handed"), asked).fetchone()
    assert row is not None
    return int(row["segments"])
