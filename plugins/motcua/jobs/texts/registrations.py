"""Registering texts: which versions the provider behind each gateway has approved.

The adapters send nothing from a version that is not registered at their gateway, so that nothing is spent on what the
provider would refuse; such a message waits, and the run is red.
"""

from __future__ import annotations

from datetime import UTC, datetime

from motcua.domain.texts import Registration, RegistrationKey
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices.registrations import registrations, remove_registration, save_registrations
from motcua.store.notices.templates import load_template_versions, load_templates, version_in_name


class RegistrationRefused(ValueError):
    """What was to be registered, or no longer, cannot be; the message says why."""


def register_all(gateway: str, changed_by: str, reason: str | None = None) -> dict[RegistrationKey, str]:
    """Registers the newest version of every template at a gateway; returns what changed, and how.

    Raises:
        RegistrationRefused: the gateway is not in use, or nobody is named.
    """
    newest = load_templates().values()
    return _register([Registration(gateway, each.template_id, each.version) for each in newest], changed_by, reason)


def register_text(
    gateway: str,
    name: str,
    changed_by: str,
    reason: str | None = None,
    *,
    provider_template_id: str | None = None,
    accented_provider_template_id: str | None = None,
) -> str | None:
    """Registers one version, such as ``result.v1``, with the provider's ids; ``registered``, ``changed``, or None where
    it is registered so already. An id that is not given stays as it was.

    Raises:
        RegistrationRefused: the gateway is not in use, there is no such template, nobody is named, or an id is empty.
    """
    ids = (provider_template_id, accented_provider_template_id)
    if any(each is not None and not each.strip() for each in ids):
        raise RegistrationRefused("The provider's id of a template is empty.")
    template_id, version = _version(name)
    if (template_id, version) not in (known := load_template_versions()):
        names = ", ".join(f"{each}.v{number}" for each, number in sorted(known))
        raise RegistrationRefused(f"There is no template {name}; there are {names}.")
    wanted = Registration(gateway, template_id, version, *(each and each.strip() for each in ids))
    return _register([wanted], changed_by, reason).get(wanted.key)


def unregister_text(gateway: str, name: str, changed_by: str, reason: str) -> None:
    """Takes a registration away, also of a gateway or a version that is no longer in use: nothing more is sent so.

    Raises:
        RegistrationRefused: it is not registered, or who does it or why is missing.
    """
    template_id, version = _version(name)
    if not changed_by.strip() or not reason.strip():
        raise RegistrationRefused("To unregister a template it takes who does it and why.")
    key = (gateway, template_id, version)
    with connect() as ledger:
        if not remove_registration(
            ledger, key, changed_by=changed_by.strip(), reason=reason.strip(), now=datetime.now(UTC)
        ):
            at = sorted(known for known, *registered in registrations(ledger) if registered == [template_id, version])
            where = f"only at {', '.join(at)}" if at else "nowhere"
            raise RegistrationRefused(f"{name} is not registered at {gateway}: it is {where}.")


def _register(wanted: list[Registration], changed_by: str, reason: str | None) -> dict[RegistrationKey, str]:
    unknown = {each.gateway for each in wanted}.difference(settings().gateways)
    if unknown:
        in_use = ", ".join(settings().gateways) or "none"
        raise RegistrationRefused(f"There is no gateway {', '.join(unknown)}: MOTCUA_GATEWAYS names {in_use}.")
    if not changed_by.strip():
        raise RegistrationRefused("To register a template it takes who does it.")
    with connect() as ledger:
        return save_registrations(
            ledger,
            wanted,
            changed_by=changed_by.strip(),
            reason=(reason or "").strip() or None,
            now=datetime.now(UTC),
        )


def _version(name: str) -> tuple[str, int]:
    found = version_in_name(name)
    if found is None:
        raise RegistrationRefused(f"{name} is no version of a template: write it as its file is named, result.v1.")
    return found
