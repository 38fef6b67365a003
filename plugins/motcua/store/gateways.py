"""Which gateways are stopped, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from motcua.store.database import Connection
from motcua.store.queries import statement


def ensure_gateway(connection: Connection, name: str) -> None:
    """Makes the gateway's row where it is missing."""
    connection.execute(statement("gateways/ensure"), {"name": name})


def stopped_gateways(connection: Connection, now: datetime) -> dict[str, dict[str, Any]]:
    """Gateways stopped at that moment, by name."""
    return {row["name"]: row for row in connection.execute(statement("gateways/stopped"), {"now": now})}


def stop_gateway(connection: Connection, name: str, until: datetime, reason: str) -> None:
    """Stops a gateway until then."""
    connection.execute(statement("gateways/stop"), {"name": name, "until": until, "reason": reason})


def start_gateway(connection: Connection, name: str) -> bool:
    """Starts a stopped gateway again; ``False``: no such gateway."""
    return connection.execute(statement("gateways/start"), {"name": name}).rowcount == 1
