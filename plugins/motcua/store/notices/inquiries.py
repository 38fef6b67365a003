"""Inquiries to 9029 and their replies: each counted once, however often a gateway brings it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import psycopg

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement


def find_dossiers(connection: Connection, keys: Sequence[str], phone: str | None) -> list[dict[str, Any]]:
    """Dossiers whose code has one of these keys, with step, status and what punctuality needs."""
    if not keys:
        return []
    parameters = {"keys": list(keys), "phone": phone}
    return connection.execute(statement("inquiries/find_dossiers"), parameters).fetchall()


def agency_keys(connection: Connection) -> dict[str, str]:
    """Keys of all agencies' codes and aliases → agency code."""
    rows = connection.execute(statement("inquiries/agencies")).fetchall()
    return {row["code_key"]: row["agency_code"] for row in rows}


@dataclass(frozen=True, slots=True)
class Limits:
    """From when inquiries are counted, and up to how many."""

    day: datetime
    minute: datetime
    of_phone: int
    of_gateway: int


def lock_phone(connection: Connection, phone: str) -> None:
    """Waits for the phone's other inquiries, and keeps them waiting for the rest of this transaction."""
    connection.execute(statement("inquiries/lock_phone"), {"phone": phone})


def is_over(connection: Connection, gateway: str, phone: str | None, limits: Limits) -> tuple[bool, bool]:
    """Whether the phone has used up its day, and the gateway its minute."""
    row = connection.execute(
        statement("inquiries/count_recent"),
        {
            "gateway": gateway,
            "phone": phone,
            "day": limits.day,
            "minute": limits.minute,
            "phone_limit": limits.of_phone,
            "gateway_limit": limits.of_gateway,
        },
    ).fetchone()
    return (bool(row["phone_is_over"]), bool(row["gateway_is_over"])) if row else (False, False)


class _Repeated(psycopg.Rollback):
    """The inquiry is there already; takes the second reply back."""


def save_inquiry(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Writes an inquiry with its reply; ``False``: it was there already, and nothing is written.

    A repeat that comes at the same moment waits for the first one.
    """
    saved = False
    with connection.transaction() as transaction:
        reply = connection.execute(
            statement("inquiries/save_reply"), {"occasion": f"inquiry {uuid4()}", **row}
        ).fetchone()
        message_id = reply["message_id"] if reply else None
        saved = connection.execute(statement("inquiries/save"), {**row, "message_id": message_id}).rowcount == 1
        if not saved:
            raise _Repeated(transaction)
    return saved


def reply_given(connection: Connection, gateway: str, dedupe_key: str) -> dict[str, Any] | None:
    """``text``, ``accented`` and ``outcome`` of the reply that this inquiry got."""
    return connection.execute(
        statement("inquiries/reply_given"), {"gateway": gateway, "dedupe_key": dedupe_key}
    ).fetchone()


def inquiries_by_outcome(connection: Connection) -> list[dict[str, Any]]:
    """Inquiries and fees by gateway and outcome."""
    return connection.execute(statement("inquiries/by_outcome")).fetchall()
