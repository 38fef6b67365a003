"""Mails about data quality: who was mailed about which run, so that nobody is mailed twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeAlias

from motcua.store.database import Connection
from motcua.store.queries import statement

MailState: TypeAlias = Literal["sending", "sent", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class MailedTo:
    """How one recipient's mail of a run stands."""

    recipient_hash: str
    state: MailState
    settled_at: datetime | None


def hash_recipient(address: str) -> str:
    """What stands for an address in the table: addresses that differ in case or blanks are one."""
    return sha256(address.strip().lower().encode()).hexdigest()


def reserve_mail(
    connection: Connection, run_no: int, agency_code: str | None, recipient_hash: str, now: datetime, *, again: bool
) -> int | None:
    """Our number of the mail that the caller may now hand over; ``None``: it is not to be sent (again).

    The caller commits before it asks the mail server. ``agency_code`` is ``None`` for the Department's mail.
    """
    row = connection.execute(
        statement("quality_mails/reserve"),
        {"run_no": run_no, "agency_code": agency_code, "recipient_hash": recipient_hash, "now": now, "again": again},
    ).fetchone()
    return int(row["quality_mail_id"]) if row else None


def settle_mail(
    connection: Connection, quality_mail_id: int, state: MailState, failure: str | None, now: datetime
) -> None:
    """Writes how it ended; ``failure`` has no word of the server's."""
    connection.execute(
        statement("quality_mails/settle"),
        {"quality_mail_id": quality_mail_id, "state": state, "failure": failure, "now": now},
    )


def mails_of_run(connection: Connection, run_no: int, agency_code: str | None) -> list[MailedTo]:
    """Each recipient's mail about a run, of one agency or (``None``) the Department's."""
    rows = connection.execute(statement("quality_mails/states"), {"run_no": run_no, "agency_code": agency_code})
    return [MailedTo(row["recipient_hash"], row["state"], row["settled_at"]) for row in rows]
