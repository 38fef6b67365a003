"""Store delivery receipts as gateways send them, and apply the receipts to attempts and messages later."""

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
"""How many unread receipts of each gateway are read at a time. The next run reads the rest."""


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A delivery receipt as the gateway sent it."""

    gateway: str
    reference: str | None
    gateway_status: str | None
    raw: Mapping[str, str]
    """The fields that the gateway sent, without phone numbers and secrets."""


@dataclass(frozen=True, slots=True)
class UnreadReceipt:
    """A delivery receipt that is stored and not applied yet."""

    receipt_id: int
    gateway: str
    reference: str | None
    gateway_status: str | None


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """The meaning of a stored delivery receipt for the attempt that it names."""

    receipt_id: int
    gateway: str
    reference: str | None
    meaning: Meaning


def save_receipts(connection: Connection, receipts: Sequence[NewReceipt]) -> list[int]:
    """Store receipts as they were sent, and return their numbers in ascending order."""
    rows = [columns_of(receipt) | {"position": position} for position, receipt in enumerate(receipts)]
    saved = connection.execute(statement("receipts/save"), {"rows": recordset(rows)})
    return sorted(row["receipt_id"] for row in saved)


def unread_receipts(connection: Connection) -> list[UnreadReceipt]:
    """Return stored receipts that are not applied yet (from ``motcua.unread_receipts``).

    Of each gateway, only the oldest ``_MOST_OF_EACH_GATEWAY`` receipts are returned.
    """
    return values_of(
        UnreadReceipt, connection.execute(statement("receipts/unread"), {"of_each": _MOST_OF_EACH_GATEWAY})
    )


def apply_receipts(connection: Connection, receipts: Sequence[ReadReceipt], now: datetime) -> dict[int, Effect]:
    """Change the states of the messages that receipts name, as far as the table ``message_moves`` allows, and record
    each effect.

    If several receipts are given, a receipt is left out if another session has locked its message, or if an earlier
    receipt in the list has the same reference. The returned dict lacks these receipts, and the caller must pass them
    again. A single receipt waits for the lock of its message.

    Raises:
        psycopg.errors.ForeignKeyViolation: a receipt is not stored.
        psycopg.errors.InsufficientPrivilege: a receipt means that a message never arrived, and this connection's role
            may not change the state of messages.
    """
    once = {(receipt.gateway, receipt.reference or receipt.receipt_id): receipt for receipt in reversed(receipts)}
    meanings = [{"receipt_id": each.receipt_id, "meaning": each.meaning} for each in once.values()]
    applied = connection.execute(statement("receipts/apply"), {"meanings": recordset(meanings), "now": now})
    return {row["receipt_id"]: row["effect"] for row in applied}
