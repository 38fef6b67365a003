"""How an agency joins the demo whose database nobody sees: it is entered as any other is, and its software gets an
account, or its exports a form."""

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
    """The agency that pushes: how it is entered, and how it lives."""

    source: str
    entry: Mapping[str, Any]
    """In the form of include/agencies.yaml."""
    agency: Agency


@dataclass(frozen=True, slots=True)
class Exporting(Pushing):
    """The agency that drops exports: how it is entered, how it lives, how its files are written."""

    form: ExportForm


@cache
def pushing() -> Pushing:
    """The agency of include/sandbox/pushing.yaml."""
    read = _read("pushing")
    return Pushing(read["source"], read["agency"], _agency(read))


@cache
def exporting() -> Exporting:
    """The agency of include/sandbox/exporting.yaml."""
    read = _read("exporting")
    return Exporting(read["source"], read["agency"], _agency(read), form_of(read["form"]))


def _read(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((include_dir() / "sandbox" / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


def _agency(read: Mapping[str, Any]) -> Agency:
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
    """What the agency writes into the settings of its software."""

    url: str
    client: str
    password: str = field(repr=False)
    unit: str
    """Code of the agency, as the software sends it."""


def read_account(folder: Path) -> Account | None:
    """The account that was kept in the vendor's folder; ``None``: there is none that can be used."""
    try:
        return Account(**json.loads((folder / "account.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def join(folder: Path, url: str, now: datetime) -> bool:
    """Enters the agency, told of from now on, and registers its software at the address; what is there stays.

    Nothing is done where the demo does not read its source (``MOTCUA_SOURCES`` of the caller's own); then ``False``.
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
    """Enters the agency that drops exports, told of from now on, and puts their form in force; what is there stays.

    Nothing is done where the demo does not read its source, or reads exports elsewhere (``MOTCUA_FILES`` of the
    caller's own); then ``False``.
    """
    played = exporting()
    if settings().sources.get(played.source) != DROPPED[played.source] or settings().files:
        return False
    _enter(folder, played.entry, played.agency, now)
    # It is looked into before its first file lies there.
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
        told = {**entry, "report_recipients": [f"{agency.login}@khanhhoa.example.vn"]}
        write_private(path, yaml.safe_dump({"agencies": [told]}, allow_unicode=True, sort_keys=False))
        import_agencies(path, "demo", now)
