"""Store complaints (phản ánh).

Each complaint is recorded once and linked to its dossier and message, if these are known. A complaint may be withdrawn
but is never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from psycopg.rows import DictRow

from motcua.domain.phones.reading import mask_for_staff, mask_phones
from motcua.domain.reconciliation import ComplaintCount
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, recordset, value_of

Channel: TypeAlias = Literal["hotline", "desk", "portal", "letter", "mail", "other"]
Claim: TypeAlias = Literal[
    "no_result_yet", "wrong_person", "wrong_content", "never_received", "not_my_dossier", "other"
]
CheckResult: TypeAlias = Literal["open", "upheld", "not_upheld"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
CLAIMS: tuple[Claim, ...] = get_args(Claim)
OUTCOMES: tuple[CheckResult, ...] = get_args(CheckResult)


@dataclass(frozen=True, slots=True)
class NewComplaint:
    """A complaint that is to be recorded."""

    entry_key: str
    """A SHA-256 as 64 hexadecimal digits. If the same entry is imported again, it has the same key."""
    agency_code: str
    dossier_code: str | None
    received_at: datetime
    channel: Channel
    claim: Claim
    note: str | None
    imported_line: int | None = None
    alike_no: int = 1
    """The row's position, counted from 1, among the rows of its file with the same agency, code, claim and day."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint as recorded. Holds personal data."""

    complaint_id: int
    agency_code: str
    dossier_code: str | None
    dossier_id: int | None
    message_id: int | None
    received_at: datetime
    channel: Channel
    claim: Claim
    note: str | None
    recorded_by: str
    recorded_at: datetime
    imported_from: str | None
    imported_line: int | None
    outcome: CheckResult
    outcome_by: str | None
    outcome_at: datetime | None
    outcome_reason: str | None
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdraw_reason: str | None
    repeats: int | None
    """The number of the earlier complaint that this complaint repeats, or ``None``. A repeating complaint is not
    counted."""
    message_kind: str | None
    message_state: str | None
    message_accepted_at: datetime | None
    intended_id: int | None
    """The number of the message that was planned before the complaint and that no gateway had accepted by then. The
    fields ``intended_…`` have the present values of this message."""
    intended_kind: str | None
    intended_state: str | None
    intended_reason: str | None


@dataclass(frozen=True, slots=True)
class OutcomeSeen:
    """The result of a check that a person saw on the page before writing a new result."""

    at: datetime | None
    """When the result was written. ``None`` if there was no result."""


@dataclass(frozen=True, slots=True)
class ComplaintsAsked:
    """The filters for complaints. A filter that is ``None`` does not apply."""

    claim: Claim | None = None
    outcome: CheckResult | None = None
    unlinked: bool = False
    """``True`` if only complaints are wanted whose dossier is not known and that were not withdrawn."""
    repeated: bool = False
    """``True`` if only complaints are wanted that repeat an earlier one."""
    begins: datetime | None = None
    ends: datetime | None = None
    most: int = 50
    skipped: int = 0
    agencies: Sequence[str] | None = None
    """The agencies whose complaints the user may see."""


def save_complaints(
    connection: Connection,
    complaints: Iterable[NewComplaint],
    recorded_by: str,
    recorded_at: datetime,
    *,
    file: tuple[str, str] | None = None,
) -> list[int]:
    """Record complaints and return the numbers of the complaints that were new.

    ``file`` is the name and SHA-256 of the file that the complaints come from.
    """
    parameters = {
        "rows": recordset(complaints),
        "recorded_by": recorded_by,
        "recorded_at": recorded_at,
        "imported_from": file[0] if file else None,
        "imported_sha256": file[1] if file else None,
    }
    return [row["complaint_id"] for row in connection.execute(statement("complaints/save"), parameters)]


def link_complaints(connection: Connection, now: datetime, complaint_ids: Collection[int] | None = None) -> int:
    """Link complaints to their dossier and message. Return how many complaints were linked.

    By default, try all complaints without a link.
    """
    ids = None if complaint_ids is None else list(complaint_ids)
    return connection.execute(statement("complaints/link"), {"now": now, "complaint_ids": ids}).rowcount


def withdraw_complaint(
    connection: Connection,
    complaint_id: int,
    by: str,
    reason: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> bool:
    """Withdraw a complaint. Return ``False`` if these agencies have no such complaint or it was withdrawn before.

    ``None`` for ``agencies`` stands for all.
    """
    asked = {"complaint_id": complaint_id, "by": by, "reason": reason, "now": now, "agencies": agencies}
    return connection.execute(statement("complaints/withdraw"), asked).rowcount == 1


def set_outcome(
    connection: Connection,
    complaint_id: int,
    outcome: CheckResult,
    by: str,
    reason: str | None,
    now: datetime,
    agencies: Sequence[str] | None = None,
    seen: OutcomeSeen | None = None,
) -> bool:
    """Write the result of checking a complaint. Return ``False`` if these agencies have no such complaint.

    Also return ``False`` if the complaint was withdrawn, or if it has another result than ``seen``.
    ``None`` for ``agencies`` stands for all, and ``None`` for ``seen`` writes over any result.
    """
    asked = {
        "complaint_id": complaint_id,
        "outcome": outcome,
        "by": by,
        "reason": reason,
        "now": now,
        "agencies": agencies,
        "is_seen": seen is not None,
        "seen": None if seen is None else seen.at,
    }
    return connection.execute(statement("complaints/set_outcome"), asked).rowcount == 1


def is_complaint_open(connection: Connection, complaint_id: int, agencies: Sequence[str] | None = None) -> bool:
    """Return whether these agencies have a complaint with this number that was not withdrawn."""
    asked = {"complaint_id": complaint_id, "agencies": agencies}
    return bool(first(connection.execute(statement("complaints/is_open"), asked), "is_open"))


_TYPED = ("dossier_code", "note", "imported_from", "outcome_reason", "withdraw_reason")


def list_complaints(
    connection: Connection, asked: ComplaintsAsked, show: Callable[[str], str] = mask_for_staff
) -> list[Complaint]:
    """Return complaints, the newest first. ``show`` masks phone numbers in texts that earlier versions stored."""

    def shown(row: DictRow) -> DictRow:
        return row | {name: row[name] and mask_phones(row[name], show) for name in _TYPED}

    rows = connection.execute(statement("complaints/list"), asdict(asked))
    return [value_of(Complaint, shown(row)) for row in rows]


def count_complaints(connection: Connection, start: datetime, end: datetime) -> list[ComplaintCount]:
    """Count complaints received in a period by agency, claim and outcome, without withdrawn and repeated ones.

    Read only the views of schema ``audit``, so that an auditor's role gets the same figures.
    """
    rows = connection.execute(statement("complaints/count"), {"begins": start, "ends": end})
    return [ComplaintCount(**row | {"agency_code": row["agency_code"] or ""}) for row in rows]


def open_complaints(connection: Connection, since: datetime, agencies: Sequence[str] | None = None) -> dict[str, int]:
    """Count, by agency, the complaints that were received since a moment and whose check has no outcome yet.

    ``agencies`` limits the count to these codes. ``None`` counts all.
    """
    rows = connection.execute(statement("complaints/count_open"), {"since": since, "agencies": agencies})
    return {row["agency_code"]: row["complaints"] for row in rows}


def repeated_complaints(
    connection: Connection,
    complaint_ids: Collection[int] | None = None,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    agencies: Sequence[str] | None = None,
) -> dict[int, int]:
    """Return the complaints that repeat an earlier complaint, with the number of the earlier complaint.

    The numbers, the period and the agencies limit the result. An auditor's role gets the same result.
    """
    ids = None if complaint_ids is None else list(complaint_ids)
    asked = {"complaint_ids": ids, "begins": start, "ends": end, "agencies": agencies}
    return {row["complaint_id"]: row["repeats"] for row in connection.execute(statement("complaints/repeats"), asked)}
