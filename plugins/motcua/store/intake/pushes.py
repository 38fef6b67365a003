"""Write pushes, and store with each closing which agencies' data were pushed.

A push is a request by which one-stop software (a client) sends dossiers and steps. A closing holds the stored figures
of a period.

Only database functions of the ledger's owner write pushes, and each of these functions demands a session of a client.
The role of the intake app may only call these functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any, LiteralString

from psycopg import Error
from pydantic import TypeAdapter
from pydantic_core import from_json

from motcua.domain.intake.merging import Decided, Dossier, Key, Known, Step
from motcua.domain.periods import Period
from motcua.domain.reconciliation import PushedWords
from motcua.domain.words import AgencyWords, words_of
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, large_recordset, recordset, value_of

_NO_SESSION = "MC010"
_DOSSIERS, _STEPS = TypeAdapter(list[Dossier]), TypeAdapter(list[Step])


class SessionEnded(Exception):
    """Raised if a session does not exist, has expired, or belongs to a client that may no longer push."""


@dataclass(frozen=True, slots=True)
class KnownDossier:
    """A dossier that was pushed."""

    dossier_code: str
    status_code: int | None


@dataclass(frozen=True, slots=True)
class Fault:
    """How many records of a call had the same fault."""

    fault: str
    field: str
    records: int


def digest(secret: str) -> bytes:
    """Return the stored form of a session or a password: SHA-256, which is enough because both are random."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def sign_in(connection: Connection, name: str, password: str, session: str, lasts: timedelta) -> bool:
    """Open a session for the client with this name and password. Return ``False`` if there is no such client."""
    row = connection.execute(
        statement("intake/pushes/sign_in"),
        {"name": name, "shown": digest(password), "session": digest(session), "lasts": lasts},
    ).fetchone()
    return bool(row and row["is_open"])


def sign_in_from(connection: Connection, caller: str, unit: str, session: str) -> bool:
    """Open a short session for the only client that may call from this address for this agency.

    ``unit`` is a code or alias of the agency, as the caller writes it.
    Return ``False`` if there is no such client or more than one.
    """
    row = connection.execute(
        statement("intake/pushes/sign_in_from"), {"caller": caller, "unit": unit, "session": digest(session)}
    ).fetchone()
    return bool(row and row["is_open"])


def client_of_session(connection: Connection, session: str) -> int | None:
    """Return the number of the client to which a session belongs. ``None`` if the session is not valid."""
    row = connection.execute(statement("intake/pushes/whose"), {"session": digest(session)}).fetchone()
    return None if row is None else row["client_id"]


def begin_push(connection: Connection, session: str, asked: Iterable[Mapping[str, Any]]) -> Known:
    """Return the ledger's data about the dossiers in a push, and lock the source against other writers.

    The lock lasts until the transaction ends.

    ``asked`` has for each record of the push its ``place`` in the push and its ``dossier_code`` or ``dossier_no``. A
    dossier's record also has its ``fields`` and ``digests``.

    Raises:
        SessionEnded: the session is not valid.
    """
    values = {"session": digest(session), "given": large_recordset(asked)}
    return known_of(_execute_in_session(connection, statement("intake/pushes/begin"), values)[0])


def write_push(connection: Connection, session: str, decided: Decided) -> dict[Key, int]:
    """Write the dossiers and steps of a push in the form that ``decided`` gives.

    Return the ledger's numbers of the written dossiers by agency and code.

    Raises:
        SessionEnded: the session is not valid.
    """
    values = {"session": digest(session), **decided_rows(decided)}
    rows = _execute_in_session(connection, statement("intake/pushes/write"), values)
    return {(row["agency_code"], row["dossier_code"]): row["dossier_no"] for row in rows}


def _execute_in_session(connection: Connection, text: LiteralString, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return connection.execute(text, values).fetchall()
    except Error as error:
        if error.sqlstate == _NO_SESSION:
            raise SessionEnded from None
        raise


def known_of(row: Mapping[str, Any]) -> Known:
    """Convert a row with the ledger's data about the dossiers in a push or in a file."""
    dossiers, steps = _DOSSIERS.validate_json(row["dossiers"]), _STEPS.validate_json(row["steps"])
    return Known(
        row["client_id"], row["agencies"], row["moment"], dossiers, steps, _parse_words(row.get("words") or "[]")
    )


@lru_cache(maxsize=4)
def _parse_words(text: str) -> AgencyWords:
    # The text lists all codes and names of agencies. It changes only if an agency changes, so the result is cached.
    found: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for is_code, written, agency in from_json(text):
        found[not is_code].append((written, agency))
    return words_of(*found)


def decided_rows(decided: Decided) -> dict[str, str]:
    """Return the decided dossiers and steps as the parameters of the SQL statements that write them."""
    return {
        "dossiers": _DOSSIERS.dump_json(list(decided.dossiers.values()), exclude_none=True).decode(),
        "steps": large_recordset({"ordinal": at, **columns_of(each)} for at, each in enumerate(decided.steps, 1)),
        "states": large_recordset(
            {"agency_code": agency, "dossier_code": code, "digest": each}
            for agency, code, each in sorted(decided.states)
        ),
    }


def look_up(connection: Connection, session: str, codes: Sequence[str]) -> list[KnownDossier]:
    """Return which of these dossiers were pushed for the client's agencies."""
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
    """Count a call and its faults. Count nothing if the session is not valid."""
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


# --- Data that a closing stores, because a source may be read in another way later -----------------------------------


def keep_pushed_of_closing(
    connection: Connection, closing_no: int, period: Period, sources: Sequence[str], days: Sequence[int]
) -> None:
    """Store with a closing which agencies' data are pushed.

    Args:
        connection: the connection with which the sources' own figures were counted.
        closing_no: the closing's number.
        period: the closing's period.
        sources: the sources to which software pushes, by the present settings.
        days: the numbers of the closings of the period's days, if the period is longer than a day. These closings
            already store which agencies' data were pushed.
    """
    values = {
        "closing_no": closing_no,
        "start": period.start,
        "end": period.end,
        "sources": list(sources),
        "is_day": period.is_day,
        "days": list(days),
    }
    connection.execute(statement("intake/pushes/keep_of_closing"), values)


def pushed_of_closing(connection: Connection, closing_no: int) -> tuple[PushedWords, ...]:
    """Return which agencies' data were pushed, as stored with a closing. The rights of an auditor are enough."""
    rows = connection.execute(statement("intake/pushes/of_closing"), {"closing_no": closing_no})
    return tuple(value_of(PushedWords, row) for row in rows)
