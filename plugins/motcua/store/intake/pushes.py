"""Pushes are written by functions of the ledger's owner, each of which asks for a session; nothing else is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from psycopg import Error

from motcua.domain.intake.records import PushedDossier, PushedStep
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, recordset, value_of

_NOBODYS = "MC010"


class SessionEnded(Exception):
    """The session is nobody's: it never was one, its time is over, or its client may push no more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a record."""

    place: int
    outcome: str
    """``taken``, ``repeated``, ``waiting`` (for its dossier), or why it is refused."""
    dossier_no: int | None
    """Our number of the dossier, of dossiers that were not refused."""


@dataclass(frozen=True, slots=True)
class KnownDossier:
    """A dossier that was pushed."""

    dossier_code: str
    status_code: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong in a call, counted."""

    fault: str
    field: str
    records: int


def digest(secret: str) -> bytes:
    """What is kept of a session or a password, which are random: SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def sign_in(connection: Connection, name: str, password: str, session: str, lasts: timedelta) -> bool:
    """Opens a session for the client that has this password; ``False``: there is none."""
    row = connection.execute(
        statement("intake/pushes/sign_in"),
        {"name": name, "shown": digest(password), "session": digest(session), "lasts": lasts},
    ).fetchone()
    return bool(row and row["is_open"])


def sign_in_from(connection: Connection, caller: str, unit: str, session: str) -> bool:
    """Opens a short session for the one client that may call from this address for this unit; ``False``: there is
    none."""
    row = connection.execute(
        statement("intake/pushes/sign_in_from"), {"caller": caller, "unit": unit, "session": digest(session)}
    ).fetchone()
    return bool(row and row["is_open"])


def whose(connection: Connection, session: str) -> int | None:
    """Number of the client that a session is of."""
    row = connection.execute(statement("intake/pushes/whose"), {"session": digest(session)}).fetchone()
    return None if row is None else row["client_id"]


def take_dossiers(connection: Connection, session: str, dossiers: Mapping[int, PushedDossier]) -> list[Outcome]:
    """Writes dossiers, by their places in the push, each as far as it tells something new.

    Raises:
        SessionEnded: nothing is written.
    """
    return _take(connection, session, [{"place": place, **columns_of(each)} for place, each in dossiers.items()], True)


def take_steps(connection: Connection, session: str, steps: Mapping[int, PushedStep]) -> list[Outcome]:
    """Writes steps, by their places in the push, each once.

    Raises:
        SessionEnded: nothing is written.
    """
    return _take(connection, session, [{"place": place, **columns_of(each)} for place, each in steps.items()], False)


def _take(connection: Connection, session: str, rows: Sequence[Mapping[str, Any]], are_dossiers: bool) -> list[Outcome]:
    name = statement("intake/pushes/take_dossiers") if are_dossiers else statement("intake/pushes/take_steps")
    try:
        with connection.transaction():
            found = connection.execute(name, {"session": digest(session), "rows": recordset(rows)}).fetchall()
    except Error as error:
        if error.sqlstate == _NOBODYS:
            raise SessionEnded from None
        raise
    return [value_of(Outcome, row) for row in found]


def look_up(connection: Connection, session: str, codes: Sequence[str]) -> list[KnownDossier]:
    """Which of these dossiers the client's agencies have been pushed."""
    rows = connection.execute(statement("intake/pushes/look_up"), {"session": digest(session), "codes": list(codes)})
    return [value_of(KnownDossier, row) for row in rows]


def note_call(
    connection: Connection,
    session: str,
    service: str,
    *,
    taken: int = 0,
    repeated: int = 0,
    refused: int = 0,
    faults: Sequence[Fault] = (),
) -> None:
    """Counts a call and what was wrong in it; of a session that is nobody's, nothing."""
    connection.execute(
        statement("intake/pushes/note_call"),
        {
            "session": digest(session),
            "service": service,
            "taken": taken,
            "repeated": repeated,
            "refused": refused,
            "faults": recordset(faults),
        },
    )
