"""Store page requests: orders that users give on staff pages.

A stop, the end of a stop, and a status mapping that causes no message are carried out at once. A worker carries out all
other requests. For most of these, the Department gets a mail before the request is carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from motcua.domain.people import PageRequest, RequestKind, RequestOutcome
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, record, values_of

Became: TypeAlias = Literal["waits", "done", "asked_before", "unknown"]
"""The result of a page request.

- ``waits``: a worker will carry out the request.
- ``done``: the request was carried out at once.
- ``asked_before``: the same request is open already.
- ``unknown``: there is no such source, agency, account, publication or stop in force.
"""


def ask(connection: Connection, kind: RequestKind, wanted: Mapping[str, Any], by: str) -> Became:
    """Store a page request, or carry it out at once.

    Raises:
        psycopg.IntegrityError: the values of the request contradict a rule of the ledger.
    """
    values = {"kind": kind, "wanted": record(wanted), "by": by}
    row = connection.execute(statement("page_requests/save"), values).fetchone()
    assert row is not None
    became: Became = row["became"]
    return became


def withdraw(connection: Connection, request_no: int, by: str) -> bool:
    """Withdraw a page request. Return ``False`` if it was carried out or withdrawn before."""
    return bool(
        first(
            connection.execute(statement("page_requests/withdraw"), {"request_no": request_no, "by": by}),
            "is_withdrawn",
        )
    )


def open_requests(
    connection: Connection, kind: RequestKind | None = None, subject: str | None = None
) -> list[PageRequest]:
    """Return page requests that were neither carried out nor withdrawn, the oldest first.

    ``kind`` and ``subject`` limit the result to one kind or one subject.
    """
    return _list_requests(connection, is_open=True, kind=kind, subject=subject)


def open_request(connection: Connection, request_no: int) -> PageRequest | None:
    """Return the open page request with this number, or ``None``."""
    return next(iter(_list_requests(connection, is_open=True, request_no=request_no)), None)


def ended_requests(connection: Connection, limit: int) -> list[PageRequest]:
    """Return page requests that were carried out, withdrawn or impossible, the newest first."""
    return _list_requests(connection, is_open=False, limit=limit)


def _list_requests(
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
    """Carry out a page request. Return ``None`` if somebody else has carried out or withdrawn the request.

    Raises:
        psycopg.errors.InsufficientPrivilege: the Department got no mail about the request, or the request may still be
            withdrawn.
    """
    row = connection.execute(statement("page_requests/apply"), {"request_no": request_no}).fetchone()
    became: RequestOutcome | None = row["became"] if row else None
    return became


def note_told(connection: Connection, request_no: int, told: Mapping[str, Any], after: timedelta) -> None:
    """Record in ``motcua.page_requests`` that the Department got a mail about a page request.

    ``told`` has the numbers in the mail, such as how many dossiers the request affects. The request may be carried out
    when the time ``after`` has passed.
    """
    values = {"request_no": request_no, "told": record(told), "after": after}
    connection.execute(statement("page_requests/note_told"), values)


def note_untold(connection: Connection, request_nos: Sequence[int], why: str) -> None:
    """Record in ``motcua.page_requests`` that no mail about these requests reached anybody, and why."""
    connection.execute(statement("page_requests/note_untold"), {"request_nos": list(request_nos), "why": why})


def untold(connection: Connection) -> tuple[int, str]:
    """Return how many page requests wait because no mail about them reached anybody, and the reason."""
    row = connection.execute(statement("page_requests/untold")).fetchone()
    assert row is not None
    return row["requests"], row["why"] or ""


def waiting_for_status(connection: Connection, source: str, written: int) -> dict[str, int]:
    """Return, by agency, an upper limit of how many dossiers wait until this status code of a source is mapped."""
    rows = connection.execute(statement("page_requests/waiting_for_status"), {"source": source, "written": written})
    return {row["agency_code"]: row["dossiers"] for row in rows}


def messages_to_release(connection: Connection, message_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Count which of these messages would be sent again if a person released them now.

    Return rows of ``agency_code``, ``kind`` and ``messages``.
    """
    rows = connection.execute(statement("page_requests/messages_to_release"), {"messages": list(message_ids)})
    return list(rows)
