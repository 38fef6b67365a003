"""Delivery reports: stored as they come, then read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from motcua.domain.routing import Meaning
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, recordset, values_of

Effect: TypeAlias = Literal["applied", "no_change", "unknown_reference"]
_MOST_OF_EACH_GATEWAY = 1_000
"""Unread receipts that are read at a time; the next run reads on."""


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A delivery report as it came."""

    gateway: str
    reference: str | None
    gateway_status: str | None
    raw: Mapping[str, str]
    """The fields given; no phone number among them and no secret."""


@dataclass(frozen=True, slots=True)
class UnreadReceipt:
    """A delivery report that was stored but not read."""

    receipt_id: int
    gateway: str
    reference: str | None
    gateway_status: str | None


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """What a stored delivery report says of the attempt that it names."""

    receipt_id: int
    gateway: str
    reference: str | None
    meaning: Meaning


def save_receipts(connection: Connection, receipts: Sequence[NewReceipt]) -> list[int]:
    """Keeps receipts as they came and returns their numbers, in the order given."""
    rows = [columns_of(receipt) | {"position": position} for position, receipt in enumerate(receipts)]
    saved = connection.execute(statement("receipts/save"), {"rows": recordset(rows)})
    return sorted(row["receipt_id"] for row in saved)


def unread_receipts(connection: Connection) -> list[UnreadReceipt]:
    """Receipts that were stored but not read, the oldest of each gateway."""
    return values_of(
        UnreadReceipt, connection.execute(statement("receipts/unread"), {"of_each": _MOST_OF_EACH_GATEWAY})
    )


def apply_receipts(connection: Connection, receipts: Sequence[ReadReceipt], now: datetime) -> dict[int, Effect]:
    """Moves the messages that receipts are about, where the table of moves allows it, and keeps what was done.

    Of several, those are left out whose messages others hold, and a reference's second one: what is not in the answer
    must be given again. One alone is waited for.

    Raises:
        psycopg.errors.ForeignKeyViolation: one of them is not stored.
        psycopg.errors.InsufficientPrivilege: one says that a message never arrived, and our role may not move any.
    """
    once = {(receipt.gateway, receipt.reference or receipt.receipt_id): receipt for receipt in reversed(receipts)}
    meanings = [{"receipt_id": each.receipt_id, "meaning": each.meaning} for each in once.values()]
    applied = connection.execute(statement("receipts/apply"), {"meanings": recordset(meanings), "now": now})
    return {row["receipt_id"]: row["effect"] for row in applied}
