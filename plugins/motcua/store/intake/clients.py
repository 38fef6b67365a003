"""Store clients: accounts of one-stop software that may push. Each change is recorded with the person who made it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from motcua.store.intake.pushes import digest
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


@dataclass(frozen=True, slots=True)
class Client:
    """A client, with the numbers of its calls and records since a given day."""

    name: str
    source: str
    agencies: Sequence[str]
    networks: Sequence[str]
    """The networks from which the client may call without a session."""
    supplements_at_desk_since: datetime | None
    disabled_at: datetime | None
    last_call_at: datetime | None
    calls: int
    taken: int
    repeated: int
    refused: int
    waiting: int
    """How many pushed steps wait for their dossiers."""
    supplements_nowhere: int
    """How many dossiers with a request for a supplement lack any sign that they are at the desk, so that nobody is
    informed."""


@dataclass(frozen=True, slots=True)
class DayFault:
    """How many records of one day's pushes had the same fault."""

    day: date
    service: str
    fault: str
    field: str
    records: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ClientChange:
    """One change of a client, with its rights after the change."""

    changed_at: datetime
    changed_by: str
    name: str
    change: str
    agencies: Sequence[str]
    networks: Sequence[str]
    supplements_at_desk: bool


@dataclass(frozen=True, slots=True)
class Password:
    """A new password in its stored form. The password itself is shown only once."""

    salt: bytes
    password_digest: bytes

    @classmethod
    def of(cls, words: str) -> Password:
        """Return the stored form of a random password. A fast hash is enough, because nobody can guess the password."""
        salt = secrets.token_bytes(16)
        return cls(salt, hashlib.sha256(salt + digest(words)).digest())


class NameTaken(Exception):
    """Raised if there is already a client with this name."""


class NoSuchClient(LookupError):
    """Raised if there is no client with this name."""


def list_clients(connection: Connection, since: date, agencies: Sequence[str] | None = None) -> list[Client]:
    """Return the clients that may push for these agencies, ordered by name.

    Calls and records are counted from the day ``since`` in Vietnam's time zone. If ``agencies`` is ``None``, all
    clients are returned.
    """
    values = {"since": since, "agencies": None if agencies is None else list(agencies)}
    return [value_of(Client, row) for row in connection.execute(statement("intake/clients/list"), values)]


def list_faults(connection: Connection, name: str, since: date) -> list[DayFault]:
    """Return the faults in a client's pushes since that day, the newest day first."""
    rows = connection.execute(statement("intake/clients/faults"), {"name": name, "since": since})
    return [value_of(DayFault, row) for row in rows]


def list_client_changes(connection: Connection, limit: int) -> list[ClientChange]:
    """Return the changes of clients, the newest first."""
    return [
        value_of(ClientChange, row) for row in connection.execute(statement("intake/clients/changes"), {"limit": limit})
    ]


def register_client(
    connection: Connection,
    name: str,
    source: str,
    password: Password,
    agencies: Sequence[str],
    networks: Sequence[str],
    *,
    supplements_at_desk: bool,
    by: str,
    now: datetime,
) -> None:
    """Create a client for these agencies.

    Raises:
        NameTaken: there is a client with this name; nothing is changed.
        psycopg.DataError: a network is invalid.
    """
    row = connection.execute(
        statement("intake/clients/register"),
        {
            "name": name,
            "source": source,
            "salt": password.salt,
            "password_digest": password.password_digest,
            "networks": list(networks),
            "supplements_at_desk": supplements_at_desk,
            "now": now,
        },
    ).fetchone()
    if row is None:
        raise NameTaken(name)
    _set_agencies(connection, row["client_id"], agencies)
    _note_change(connection, row["client_id"], "registered", by, now)


def change_client(
    connection: Connection,
    name: str,
    change: str,
    *,
    by: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
    networks: Sequence[str] | None = None,
    supplements_at_desk: bool | None = None,
    enabled: bool | None = None,
    password: Password | None = None,
) -> None:
    """Change a client. An argument that is ``None`` changes nothing.

    A new password ends the client's sessions, and so does disabling the client.

    Raises:
        NoSuchClient: there is no client with this name; nothing is changed.
        psycopg.DataError: a network is invalid.
    """
    row = connection.execute(
        statement("intake/clients/change"),
        {
            "name": name,
            "salt": password and password.salt,
            "password_digest": password and password.password_digest,
            "networks": None if networks is None else list(networks),
            "supplements_at_desk": supplements_at_desk,
            "enabled": enabled,
            "now": now,
        },
    ).fetchone()
    if row is None:
        raise NoSuchClient(name)
    if agencies is not None:
        _set_agencies(connection, row["client_id"], agencies)
    if password is not None or enabled is False:
        connection.execute(statement("intake/clients/end_sessions"), {"client_id": row["client_id"]})
    _note_change(connection, row["client_id"], change, by, now)


def _set_agencies(connection: Connection, client_id: int, agencies: Sequence[str]) -> None:
    values = {"client_id": client_id, "agencies": list(agencies)}
    connection.execute(statement("intake/clients/take_agencies"), values)
    connection.execute(statement("intake/clients/give_agencies"), values)


def _note_change(connection: Connection, client_id: int, change: str, by: str, now: datetime) -> None:
    values = {"client_id": client_id, "change": change, "by": by, "now": now}
    connection.execute(statement("intake/clients/note_change"), values)


def open_account(connection: Connection, source: str, codes: Sequence[str], by: str, now: datetime) -> None:
    """Create the account under which the rows of a source's exports are stored. Nobody can sign in with it.

    ``codes`` are the agencies that the source's files may concern.

    Raises:
        NameTaken: there is a client with this name that pushes.
    """
    password = Password.of(secrets.token_urlsafe(24))
    register_client(connection, source, source, password, codes, (), supplements_at_desk=False, by=by, now=now)
    change_client(connection, source, "disabled", by=by, now=now, enabled=False)
