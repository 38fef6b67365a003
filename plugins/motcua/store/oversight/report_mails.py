"""Record which report was mailed to whom, so that nobody receives a report twice."""

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
"""Recipients that are not agencies: the Department, the Departments of Home Affairs and of Justice, which audit the
system, and the province's People's Committee."""


@dataclass(frozen=True, slots=True)
class MailedReport:
    """One report that is mailed to one body, such as the Department or an agency."""

    report: Literal["quality", "publication"]
    report_no: int
    """The number of the run of the quality check or of the publication."""
    body: str
    """``department``, ``home_affairs``, ``justice``, ``committee``, or the code of an agency."""


@dataclass(frozen=True, slots=True)
class ToldPublication:
    """A publication that one body gets by mail."""

    body: str
    publication_no: int
    is_correction: bool
    is_owed: bool
    """``True`` if the publication was not mailed to the body yet, or if the mail to a recipient of the body failed."""


@dataclass(frozen=True, slots=True)
class MailedTo:
    """The state of one recipient's mail of a report."""

    recipient_hash: str
    state: MailState
    settled_at: datetime | None


def hash_recipient(address: str) -> str:
    """Return the hash that replaces an address in the table ``motcua.report_mails``.

    Addresses that differ only in case or outer blanks have the same hash.
    """
    return sha256(address.strip().lower().encode()).hexdigest()


def reserve_mail(
    connection: Connection, mailed: MailedReport, recipient_hash: str, now: datetime, *, again: bool
) -> int | None:
    """Reserve the mail of a report to one recipient, and return the mail's number.

    Return ``None`` if the mail was or may have been sent and ``again`` is false, or if another process has reserved the
    mail. The caller commits before the mail server is contacted.
    """
    values = asdict(mailed) | {"recipient_hash": recipient_hash, "now": now, "again": again}
    row = connection.execute(statement("report_mails/reserve"), values).fetchone()
    return int(row["report_mail_id"]) if row else None


def settle_mails(
    connection: Connection, numbers: Sequence[int | None], state: MailState, failure: str | None, now: datetime
) -> None:
    """Store whether the mail server accepted one mail, for each report in the mail.

    ``failure`` contains no words of the mail server.
    """
    values = {"numbers": list(numbers), "state": state, "failure": failure, "now": now}
    connection.execute(statement("report_mails/settle"), values)


def mails_of(connection: Connection, mailed: MailedReport) -> list[MailedTo]:
    """Return each recipient's mail of a report to a body."""
    rows = connection.execute(statement("report_mails/states"), asdict(mailed))
    return [MailedTo(row["recipient_hash"], row["state"], row["settled_at"]) for row in rows]


def mailed_before(connection: Connection, mailed: MailedReport) -> datetime | None:
    """Return when the body was last mailed an earlier report of this kind (from ``motcua.report_mails``).

    Return ``None`` if there was no such mail.
    """
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
    """Return which bodies get which publications by mail, for all publications since a moment or for one publication.

    Args:
        connection: a connection to the ledger.
        bodies: the bodies that are not agencies, in the order of the result.
        since: only publications since this moment.
        publication_no: only this publication.
    """
    values = {"bodies": list(bodies), "since": since, "publication_no": publication_no}
    return values_of(ToldPublication, connection.execute(statement("report_mails/publications_told"), values))


def runs_owed(connection: Connection, since: datetime, until: datetime) -> dict[str, list[int]]:
    """Return, by agency, the runs of the quality check whose report was not mailed to all recipients of the agency.

    The newest run comes first. Only runs on working days from ``since`` to ``until`` are returned. Runs before the last
    mailed run are left out, because each report names all open findings.
    """
    owed: dict[str, list[int]] = defaultdict(list)
    for row in connection.execute(statement("report_mails/runs_owed"), {"since": since, "until": until}):
        owed[row["agency_code"]].append(row["run_no"])
    return owed
