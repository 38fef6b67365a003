"""Delivery reports: stored as they come, then read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias

from psycopg.types.json import Jsonb

from motcua.store.database import Connection
from motcua.store.queries import statement

Meaning: TypeAlias = Literal["accepted", "delivered", "undelivered", "refused", "absent", "pending", "unreadable"]
"""``refused``: the carrier refused the message, or one part of it, which is then not whole whatever else is reported;
``absent``: the gateway never had it."""


def save_receipt(
    connection: Connection,
    *,
    gateway: str,
    reference: str | None,
    gateway_status: str | None,
    raw: Mapping[str, str],
) -> int:
    """Keeps a receipt as it came and returns its number; ``raw`` must hold no phone number and no secret."""
    row = connection.execute(
        statement("receipts/save"),
        {"gateway": gateway, "reference": reference, "gateway_status": gateway_status, "raw": Jsonb(dict(raw))},
    ).fetchone()
    if row is None:
        raise RuntimeError("INSERT … RETURNING returned nothing")
    return int(row["receipt_id"])


def unread_receipts(connection: Connection) -> list[dict[str, Any]]:
    """Receipts that were stored but not read."""
    return connection.execute(statement("receipts/unread")).fetchall()


def apply_receipt(
    connection: Connection,
    *,
    receipt_id: int,
    gateway: str,
    reference: str | None,
    meaning: Meaning,
    reason: str | None,
    now: datetime,
) -> Literal["applied", "no_change", "unknown_reference"]:
    """Moves the message that the receipt is about, where the table of moves allows it, and keeps what was done.

    A receipt of an attempt that is not the message's last one proves something about that attempt only: the message
    has gone on, for example to a mended number.
    """
    named = {"gateway": gateway, "reference": reference}
    connection.execute(statement("receipts/lock_message"), named)
    attempt = connection.execute(
        statement("receipts/lock_attempt"), {"gateway": gateway, "reference": reference}
    ).fetchone()
    effect: Literal["applied", "no_change", "unknown_reference"] = "no_change"
    if attempt is None:
        effect = "unknown_reference"
    elif meaning in ("accepted", "delivered", "undelivered", "refused"):
        part_refused = meaning == "refused" and attempt["in_parts"]
        said = {
            "state": "undelivered" if meaning == "refused" else meaning,
            "reason": "part_refused" if part_refused else reason,
            "now": now,
        }
        connection.execute(
            statement("receipts/settle_attempt"),
            said
            | {
                "attempt_id": attempt["attempt_id"],
                "is_last": attempt["is_last"],
                "part_refused": part_refused,
            },
        )
        if attempt["is_last"]:
            moved = connection.execute(
                statement("receipts/move_message"),
                said | {"message_id": attempt["message_id"], "was_given_up": attempt["was_given_up"]},
            ).fetchone()
            effect = "applied" if moved else "no_change"
    elif meaning == "absent" and attempt["is_last"]:
        values = {"attempt_id": attempt["attempt_id"], "now": now}
        effect = "applied" if connection.execute(statement("receipts/absent"), values).fetchone() else "no_change"
    connection.execute(
        statement("receipts/save_reading"),
        {
            "receipt_id": receipt_id,
            "attempt_id": attempt["attempt_id"] if attempt else None,
            "meaning": meaning,
            "effect": effect,
        },
    )
    return effect
