"""What is due and served by nobody, as the ledger shows it: heads of queues, steps that nobody plans."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from motcua.domain.run_window import Window
from motcua.domain.watching.unserved import GatewayNow, Waiting, Way
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


def gateways_now(connection: Connection, names: Sequence[str], now: datetime) -> list[GatewayNow]:
    """The gateways of these names, in this order, as senders last found them."""
    rows = connection.execute(statement("unserved/gateways"), {"gateways": list(names), "now": now})
    return [
        GatewayNow(
            row["name"],
            None if row["carriers"] is None else frozenset(row["carriers"]),
            row["is_broken"],
            row["per_second"],
            row["has_day"],
            row["started_at"],
        )
        for row in rows
    ]


def unserved_messages(
    connection: Connection,
    ways: Sequence[Way],
    window: Window,
    due_by: datetime,
    now: datetime,
    resting: Collection[str],
) -> list[Waiting]:
    """By carrier, messages that are due since then and that nobody takes.

    Args:
        connection: to the ledger.
        ways: how messages should be going now.
        window: only what was recorded in it.
        due_by: they are due by then.
        now: what is stopped is judged by this moment.
        resting: kinds that rest at this hour.
    """
    values = {
        "carriers": [way.carrier for way in ways],
        "gateways": [way.gateway for way in ways],
        "firsts": [way.is_first for way in ways],
        "held_by": [way.held_by for way in ways],
        "since": [way.since for way in ways],
        "due_by": due_by,
        "now": now,
        "resting": list(resting),
        **window.bounds,
    }
    return [value_of(Waiting, row) for row in connection.execute(statement("unserved/messages"), values)]


def unplanned_steps(connection: Connection, window: Window, due_by: datetime) -> tuple[int, datetime | None]:
    """Steps that were picked up by then and that nobody plans: how many, and since when the first."""
    row = connection.execute(statement("unserved/steps"), {"due_by": due_by, **window.bounds}).fetchone()
    return (row["steps"], row["since"]) if row else (0, None)
