"""Let an agency join the demo although nobody may read its database.

The agency is entered like any other agency. Then its software gets an account with which it pushes data, or the form of
its export files is set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import yaml

from motcua.jobs.exports.forms import ExportForm, form_of
from motcua.jobs.handed_in.agencies import import_agencies
from motcua.sandbox.machine.deployment import write_private
from motcua.sandbox.world.procedures import Agency
from motcua.sandbox.world.writers import DROPPED, PUSHED
from motcua.settings import include_dir, settings
from motcua.store.agencies import list_agencies
from motcua.store.intake.clients import Password, change_client, list_clients, open_account, register_client
from motcua.store.intake.exports import form_in_force, set_form
from motcua.store.ledger.database import connect


@dataclass(frozen=True, slots=True)
class Pushing:
    """The agency whose software pushes its data to the system: its entry in the agencies' file, and how its dossiers
    proceed in the simulation."""

    source: str
    entry: Mapping[str, Any]
    """Entry in the form of include/agencies.yaml."""
    agency: Agency


@dataclass(frozen=True, slots=True)
class Exporting(Pushing):
    """The agency that exports files: its entry, how its dossiers proceed in the simulation, and the form of its
    files."""

    form: ExportForm


@cache
def pushing() -> Pushing:
    """Return the agency of include/sandbox/pushing.yaml."""
    read = _read_yaml("pushing")
    return Pushing(read["source"], read["agency"], _agency_from(read))


@cache
def exporting() -> Exporting:
    """Return the agency of include/sandbox/exporting.yaml."""
    read = _read_yaml("exporting")
    return Exporting(read["source"], read["agency"], _agency_from(read), form_of(read["form"]))


def _read_yaml(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((include_dir() / "sandbox" / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


def _agency_from(read: Mapping[str, Any]) -> Agency:
    entry = read["agency"]
    return Agency(
        code=entry["code"],
        aliases=tuple(entry["aliases"]),
        source=read["source"],
        login=read["login"],
        weight=1,
        pace=read["pace"],
        procedures=read["procedures"],
    )


@dataclass(frozen=True, slots=True)
class Account:
    """The values that an agency enters into the settings of its software, in order to push."""

    url: str
    client: str
    password: str = field(repr=False)
    unit: str
    """The agency's code that the software sends."""


def read_account(folder: Path) -> Account | None:
    """Return the account that is stored in the vendor's folder; ``None`` if no usable account is stored there."""
    try:
        return Account(**json.loads((folder / "account.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def join(folder: Path, url: str, now: datetime) -> bool:
    """Enter the agency, enabled from now on, and register its software as a push client. Existing entries stay.

    ``url`` is the address to which the software pushes.

    Nothing is done if the demo does not read the agency's source (the user set ``MOTCUA_SOURCES``). The result is then
    ``False``.
    """
    played = pushing()
    if settings().sources.get(played.source) != PUSHED[played.source]:
        return False
    _enter(folder, played.entry, played.agency, now)
    kept = read_account(folder)
    with connect() as connection:
        registered = played.source in {client.name for client in list_clients(connection, now.date())}
        password = kept.password if kept and registered else token_urlsafe(24)
        if not registered:
            register_client(
                connection,
                played.source,
                played.source,
                Password.of(password),
                [played.agency.code],
                [],
                supplements_at_desk=False,
                by="demo",
                now=now,
            )
        elif kept is None:
            change_client(connection, played.source, "password", by="demo", now=now, password=Password.of(password))
    account = Account(url, played.source, password, played.agency.written_code)
    write_private(folder / "account.json", json.dumps(asdict(account)))
    return True


def join_by_files(folder: Path, now: datetime) -> bool:
    """Enter the agency that exports files, enabled from now on, and set the form of its files. Existing entries stay.

    Nothing is done if the demo does not read the agency's source, or reads exports elsewhere (the user set
    ``MOTCUA_FILES``). The result is then ``False``.
    """
    played = exporting()
    if settings().sources.get(played.source) != DROPPED[played.source] or settings().files:
        return False
    _enter(folder, played.entry, played.agency, now)
    # The folder must exist now, because the system searches it before its first file arrives.
    (settings().data / "files" / played.source).mkdir(parents=True, exist_ok=True)
    with connect() as connection:
        if form_in_force(connection, played.source) is None:
            open_account(connection, played.source, [played.agency.code], "demo", now)
            set_form(connection, played.source, played.form.model_dump(mode="json"), "demo", now)
    return True


def _enter(folder: Path, entry: Mapping[str, Any], agency: Agency, now: datetime) -> None:
    folder.mkdir(exist_ok=True)
    with connect() as connection:
        known = {each.agency_code for each in list_agencies(connection)}
    if agency.code not in known:
        path = folder / "agency.yaml"
        agency_entry = {**entry, "report_recipients": [f"{agency.login}@khanhhoa.example.vn"]}
        write_private(path, yaml.safe_dump({"agencies": [agency_entry]}, allow_unicode=True, sort_keys=False))
        import_agencies(path, "demo", now)
