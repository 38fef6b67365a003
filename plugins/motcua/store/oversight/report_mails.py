"""Mails of reports: who was mailed which one, so that nobody is mailed twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import values_of

MailState: TypeAlias = Literal["sending", "sent", "failed", "unknown"]

DEPARTMENT, HOME_AFFAIRS, JUSTICE, COMMITTEE = "department", "home_affairs", "justice", "committee"
"""Bodies that are no agency: the Department; Sở Nội vụ and Sở Tư pháp, who audit; Ủy ban nhân dân tỉnh."""


@dataclass(frozen=True, slots=True)
class MailedReport:
    """One report to one body."""

    report: Literal["quality", "publication"]
    report_no: int
    """Number of the run or of the publication."""
    body: str
    """One of the bodies above, or the code of an agency."""


@dataclass(frozen=True, slots=True)
class ToldPublication:
    """A publication that tells a body something."""

    body: str
    publication_no: int
    is_correction: bool
    is_owed: bool
    """It was not mailed to the body, or not to each of its recipients."""


@dataclass(frozen=True, slots=True)
class MailedTo:
    """How one recipient's mail of a report stands."""

    recipient_hash: str
    state: MailState
    settled_at: datetime | None


def hash_recipient(address: str) -> str:
    """What stands for an address in the table: addresses that differ in case or blanks are one."""
    return sha256(address.strip().lower().encode()).hexdigest()


def reserve_mail(
    connection: Connection, mailed: MailedReport, recipient_hash: str, now: datetime, *, again: bool
) -> int | None:
    """Our number of the report's mail that the caller may now hand over; ``None``: it is not to be sent (again).

    The caller commits before it asks the mail server.
    """
    values = asdict(mailed) | {"recipient_hash": recipient_hash, "now": now, "again": again}
    row = connection.execute(statement("report_mails/reserve"), values).fetchone()
    return int(row["report_mail_id"]) if row else None


def settle_mails(
    connection: Connection, numbers: Sequence[int | None], state: MailState, failure: str | None, now: datetime
) -> None:
    """Writes how handing over one letter ended, for each report in it; ``failure`` has no word of the server's."""
    values = {"numbers": list(numbers), "state": state, "failure": failure, "now": now}
    connection.execute(statement("report_mails/settle"), values)


def mails_of(connection: Connection, mailed: MailedReport) -> list[MailedTo]:
    """Each recipient's mail of a report to a body."""
    rows = connection.execute(statement("report_mails/states"), asdict(mailed))
    return [MailedTo(row["recipient_hash"], row["state"], row["settled_at"]) for row in rows]


def mailed_before(connection: Connection, mailed: MailedReport) -> datetime | None:
    """When the body was last mailed an earlier report of this kind; ``None``: never."""
    row = connection.execute(statement("report_mails/last_before"), asdict(mailed)).fetchone()
    mailed_at: datetime | None = row["mailed_at"] if row else None
    return mailed_at


def publications_told(
    connection: Connection,
    bodies: Sequence[str],
    *,
    since: datetime | None = None,
    publication_no: int | None = None,
) -> list[ToldPublication]:
    """Whom publications tell something; of all since a moment, or of one.

    Args:
        connection: to the ledger.
        bodies: those that are no agency, in the order in which they are given.
        since: a moment.
        publication_no: of the one.
    """
    values = {"bodies": list(bodies), "since": since, "publication_no": publication_no}
    return values_of(ToldPublication, connection.execute(statement("report_mails/publications_told"), values))


def runs_owed(connection: Connection, since: datetime, until: datetime) -> dict[str, list[int]]:
    """By agency, the checks of quality between two moments that it was not mailed, the newest first."""
    owed: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(statement("report_mails/runs_owed"), {"since": since, "until": until}):
        owed[row["agency_code"]].append(row["run_no"])
    return owed
