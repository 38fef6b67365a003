"""Which version of each text is registered with which gateway's provider, and every change of that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from motcua.domain.texts import Registration, RegistrationKey
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset, value_of


def registrations(connection: Connection) -> dict[RegistrationKey, Registration]:
    """What is registered now, by gateway, template id and version."""
    found = (value_of(Registration, row) for row in list_registrations(connection))
    return {registration.key: registration for registration in found}


def list_registrations(connection: Connection) -> list[dict[str, Any]]:
    """What is registered now, with when, by whom and why; by gateway and template."""
    return connection.execute(statement("registrations/all")).fetchall()


def save_registrations(
    connection: Connection, wanted: Iterable[Registration], *, changed_by: str, reason: str | None, now: datetime
) -> dict[RegistrationKey, str]:
    """Registers templates; returns what changed and how: ``registered``, or ``changed`` where a provider's id did.

    An id that is None stays as it was. What is registered so already is left alone.
    """
    rows = recordset(asdict(registration) for registration in wanted)
    values = {"rows": rows, "changed_by": changed_by, "reason": reason, "now": now}
    changed = connection.execute(statement("registrations/save"), values).fetchall()
    return {(row["gateway"], row["template_id"], row["template_version"]): row["change"] for row in changed}


def remove_registration(
    connection: Connection, key: RegistrationKey, *, changed_by: str, reason: str, now: datetime
) -> bool:
    """Takes a registration away; ``False``: there was none."""
    gateway, template_id, version = key
    values = {
        "gateway": gateway,
        "template_id": template_id,
        "template_version": version,
        "changed_by": changed_by,
        "reason": reason,
        "now": now,
    }
    return connection.execute(statement("registrations/remove"), values).rowcount == 1


def registration_changes(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The last changes, the newest first."""
    return connection.execute(statement("registrations/changes"), {"limit": limit}).fetchall()
