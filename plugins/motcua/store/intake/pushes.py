"""Pushes are written by functions of the ledger's owner, each of which asks for a session; nothing else is allowed."""

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

_NOBODYS = "MC010"
_DOSSIERS, _STEPS = TypeAdapter(list[Dossier]), TypeAdapter(list[Step])


class SessionEnded(Exception):
    """The session is nobody's: it never was one, its time is over, or its client may push no more."""


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


def begin_push(connection: Connection, session: str, asked: Iterable[Mapping[str, Any]]) -> Known:
    """Reads what is known of what a push is about; until the transaction's end nobody else writes of its source.

    ``asked``: of each record ``place`` and ``dossier_code`` or ``dossier_no``; of a dossier its ``fields`` and
    ``digests``, too.

    Raises:
        SessionEnded: the session is nobody's.
    """
    values = {"session": digest(session), "given": large_recordset(asked)}
    return known_of(_of_session(connection, statement("intake/pushes/begin"), values)[0])


def write_push(connection: Connection, session: str, decided: Decided) -> dict[Key, int]:
    """Writes what was decided of a push; our numbers of the dossiers that were written.

    Raises:
        SessionEnded: the session is nobody's.
    """
    values = {"session": digest(session), **decided_rows(decided)}
    rows = _of_session(connection, statement("intake/pushes/write"), values)
    return {(row["agency_code"], row["dossier_code"]): row["dossier_no"] for row in rows}


def _of_session(connection: Connection, text: LiteralString, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return connection.execute(text, values).fetchall()
    except Error as error:
        if error.sqlstate == _NOBODYS:
            raise SessionEnded from None
        raise


def known_of(row: Mapping[str, Any]) -> Known:
    """What was read under the lock of a source."""
    dossiers, steps = _DOSSIERS.validate_json(row["dossiers"]), _STEPS.validate_json(row["steps"])
    return Known(row["client_id"], row["agencies"], row["moment"], dossiers, steps, _words(row.get("words") or "[]"))


@lru_cache(maxsize=4)
def _words(text: str) -> AgencyWords:
    # As all agencies are named: the same from call to call, until one of them changes.
    found: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
    for is_code, written, agency in from_json(text):
        found[not is_code].append((written, agency))
    return words_of(*found)


def decided_rows(decided: Decided) -> dict[str, str]:
    """What was decided, as the statements that write it take it."""
    return {
        "dossiers": _DOSSIERS.dump_json(list(decided.dossiers.values()), exclude_none=True).decode(),
        "steps": large_recordset({"ordinal": at, **columns_of(each)} for at, each in enumerate(decided.steps, 1)),
        "states": large_recordset(
            {"agency_code": agency, "dossier_code": code, "digest": each}
            for agency, code, each in sorted(decided.states)
        ),
    }


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


# --- What a closing keeps, for adapters change ------------------------------------------------------------------------


def keep_pushed_of_closing(
    connection: Connection, closing_no: int, period: Period, sources: Sequence[str], days: Sequence[int]
) -> None:
    """Keeps with a closing which agencies are told by pushes.

    Args:
        connection: that the sources' own count was taken with.
        closing_no: of the closing.
        period: its period.
        sources: those that push, by what is set now.
        days: closings of the days of what is longer than a day, which say it themselves.
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
    """What a closing kept of it; what auditors may read is enough."""
    rows = connection.execute(statement("intake/pushes/of_closing"), {"closing_no": closing_no})
    return tuple(value_of(PushedWords, row) for row in rows)
