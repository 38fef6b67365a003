"""Store which version of each text is registered with which gateway's provider, and every change of a registration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.texts import Registration, RegistrationKey
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset, value_of, values_of


@dataclass(frozen=True, slots=True)
class KeptRegistration:
    """A registration in force, with the time, the person and the reason of its last change."""

    registration: Registration
    registered_at: datetime
    registered_by: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RegistrationChange:
    """One change of a registration."""

    gateway: str
    template_id: str
    template_version: int
    change: str
    ids_before: Sequence[str | None] | None
    """The provider's ids before the change: for the text without accents and for the accented text. ``None`` if the
    text was not registered."""
    ids_after: Sequence[str | None] | None
    changed_at: datetime
    changed_by: str
    reason: str | None


def registrations(connection: Connection) -> dict[RegistrationKey, Registration]:
    """Return the registrations in force, by gateway, template id and version."""
    return {kept.registration.key: kept.registration for kept in list_registrations(connection)}


def list_registrations(connection: Connection) -> list[KeptRegistration]:
    """Return the registrations in force, ordered by gateway and template."""
    return [
        KeptRegistration(value_of(Registration, row), row["registered_at"], row["registered_by"], row["reason"])
        for row in connection.execute(statement("registrations/all"))
    ]


def save_registrations(
    connection: Connection, wanted: Iterable[Registration], *, changed_by: str, reason: str | None, now: datetime
) -> dict[RegistrationKey, str]:
    """Write registrations into ``motcua.template_registrations``.

    Log each change in ``motcua.template_registration_changes``. Return the kind of change by registration:
    ``registered`` if it is new, ``changed`` if a provider's id changed. An id that is ``None`` does not change the
    stored id. If an equal registration exists, nothing is changed.
    """
    values = {"rows": recordset(wanted), "changed_by": changed_by, "reason": reason, "now": now}
    changed = connection.execute(statement("registrations/save"), values).fetchall()
    return {(row["gateway"], row["template_id"], row["template_version"]): row["change"] for row in changed}


def remove_registration(
    connection: Connection, key: RegistrationKey, *, changed_by: str, reason: str, now: datetime
) -> bool:
    """Delete a registration from ``motcua.template_registrations``.

    Log the change in ``motcua.template_registration_changes``. Return ``False`` if there was no such registration.
    """
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


def registration_changes(connection: Connection, limit: int) -> list[RegistrationChange]:
    """Return the last changes of registrations, the newest first (from ``motcua.template_registration_changes``)."""
    return values_of(RegistrationChange, connection.execute(statement("registrations/changes"), {"limit": limit}))
