"""Delivery reports: stored as they come, then read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset

Effect: TypeAlias = Literal["applied", "no_change", "unknown_reference"]


def save_receipts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Keeps receipts as they came and returns their numbers: ``gateway``, ``reference``, ``gateway_status`` and
    ``raw``, which must hold no phone number and no secret."""
    numbered = [{"position": position, **row} for position, row in enumerate(rows)]
    saved = connection.execute(statement("receipts/save"), {"rows": recordset(numbered)}).fetchall()
    return sorted(row["receipt_id"] for row in saved)


def unread_receipts(connection: Connection) -> list[dict[str, Any]]:
    """Receipts that were stored but not read."""
    return connection.execute(statement("receipts/unread")).fetchall()


def apply_receipts(connection: Connection, rows: Sequence[Mapping[str, Any]], now: datetime) -> dict[int, Effect]:
    """Moves the messages that receipts are about, where the table of moves allows it, and keeps what was done.

    ``receipt_id``, ``gateway``, ``reference``, ``meaning``, ``reason``. Of several, those are left out whose messages
    others hold, and a reference's second one: what is not in the answer must be given again. One alone is waited for.
    """
    once = {(row["gateway"], row["reference"] or row["receipt_id"]): row for row in reversed(rows)}
    values = {"rows": recordset(once.values()), "now": now}
    if len(rows) == 1:
        named = {name: rows[0][name] for name in ("gateway", "reference")}
        locked = connection.execute(statement("receipts/lock_message"), named)
    else:
        locked = connection.execute(statement("receipts/lock_free_messages"), values)
    values["locked"] = [row["message_id"] for row in locked]
    return {row["receipt_id"]: row["effect"] for row in connection.execute(statement("receipts/read"), values)}
