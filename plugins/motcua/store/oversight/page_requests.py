"""What pages ask for, to be done by a worker once the Department was mailed; what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from motcua.domain.people import PageRequest, RequestKind, RequestOutcome
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, record, values_of

Became: TypeAlias = Literal["waits", "done", "asked_before", "unknown"]
"""``done``: it tells nobody, and was carried out at once; ``asked_before``: the same is asked for already; ``unknown``:
there is no such source, agency or account."""


def ask(connection: Connection, kind: RequestKind, wanted: Mapping[str, Any], by: str) -> Became:
    """Asks for something by a page.

    Raises:
        psycopg.IntegrityError: it is nothing that can be asked for.
    """
    values = {"kind": kind, "wanted": record(wanted), "by": by}
    row = connection.execute(statement("page_requests/save"), values).fetchone()
    assert row is not None
    became: Became = row["became"]
    return became


def withdraw(connection: Connection, request_no: int, by: str) -> bool:
    """Takes back what was asked for; ``False``: it is done, or was withdrawn."""
    return bool(
        first(
            connection.execute(statement("page_requests/withdraw"), {"request_no": request_no, "by": by}),
            "is_withdrawn",
        )
    )


def open_requests(
    connection: Connection, kind: RequestKind | None = None, subject: str | None = None
) -> list[PageRequest]:
    """What is neither done nor withdrawn, the oldest first: all, or of one kind or about one subject."""
    return _listed(connection, is_open=True, kind=kind, subject=subject)


def open_request(connection: Connection, request_no: int) -> PageRequest | None:
    """One of these by its number."""
    return next(iter(_listed(connection, is_open=True, request_no=request_no)), None)


def ended_requests(connection: Connection, limit: int) -> list[PageRequest]:
    """What was done, withdrawn or could not be done, the newest first."""
    return _listed(connection, is_open=False, limit=limit)


def _listed(
    connection: Connection,
    *,
    is_open: bool,
    kind: RequestKind | None = None,
    subject: str | None = None,
    request_no: int | None = None,
    limit: int | None = None,
) -> list[PageRequest]:
    values = {"is_open": is_open, "kind": kind, "subject": subject, "request_no": request_no, "limit": limit}
    return values_of(PageRequest, connection.execute(statement("page_requests/list"), values))


def apply_request(connection: Connection, request_no: int) -> RequestOutcome | None:
    """Does what was asked for; ``None``: somebody else ended it.

    Raises:
        psycopg.errors.InsufficientPrivilege: nobody was mailed of it, or it may still be withdrawn.
    """
    row = connection.execute(statement("page_requests/apply"), {"request_no": request_no}).fetchone()
    became: RequestOutcome | None = row["became"] if row else None
    return became


def note_told(connection: Connection, request_no: int, told: Mapping[str, Any], after: timedelta) -> None:
    """Keeps that the Department was mailed whom a request would tell; ``after`` so long it may be done."""
    values = {"request_no": request_no, "told": record(told), "after": after}
    connection.execute(statement("page_requests/note_told"), values)


def note_untold(connection: Connection, request_nos: Sequence[int], why: str) -> None:
    """Keeps that the mail of these requests reached nobody, and why."""
    connection.execute(statement("page_requests/note_untold"), {"request_nos": list(request_nos), "why": why})


def untold(connection: Connection) -> tuple[int, str]:
    """How many requests wait because their mail reached nobody, and why."""
    row = connection.execute(statement("page_requests/untold")).fetchone()
    assert row is not None
    return row["requests"], row["why"] or ""


def waiting_for_status(connection: Connection, source: str, written: int) -> dict[str, int]:
    """By agency: how many dossiers at most wait with this status code of a source."""
    rows = connection.execute(statement("page_requests/waiting_for_status"), {"source": source, "written": written})
    return {row["agency_code"]: row["dossiers"] for row in rows}


def messages_to_release(connection: Connection, message_ids: Sequence[int]) -> list[dict[str, Any]]:
    """How many of these messages would go again now: ``agency_code``, ``kind``, ``messages``."""
    rows = connection.execute(statement("page_requests/messages_to_release"), {"messages": list(message_ids)})
    return list(rows)
