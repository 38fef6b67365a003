"""One dossier whole, for whoever is asked about it: found by code or number, with everything that was kept of it.

Whatever a page asks takes the agencies whose rows its visitor may see; ``None`` means all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString, TypeAlias

from motcua.domain.dossiers import Kind, RowRefusal
from motcua.domain.explaining import MessageFact, MessageSent
from motcua.domain.occasions import PlanningResult, SendCandidate
from motcua.domain.routing import Meaning
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first_of, value_of, values_of
from motcua.store.notices.quarantine import RowKind
from motcua.store.oversight.complaints import Channel, CheckResult, Claim

Agencies: TypeAlias = Sequence[str] | None
"""Whose rows may be seen; ``None``: all."""
MOST_FOUND = 100
MOST_ENTRIES = 500
"""Of each sort; what one dossier has more of is told as cut off."""


@dataclass(frozen=True, slots=True)
class DossierFound:
    """A dossier that a search found."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    procedure_code: str | None
    procedure_name: str | None
    step_name: str | None
    status_code: int | None
    received_at: datetime | None
    due_at: datetime | None
    picked_up_at: datetime


@dataclass(frozen=True, slots=True)
class UnusableRowSeen:
    """A row of a source that cannot, or could not, be used."""

    row_kind: RowKind
    reason: RowRefusal
    agency_code: str | None
    dossier_code: str | None
    status_code: int | None
    first_seen_at: datetime
    last_seen_at: datetime
    released_at: datetime | None
    """When it went on."""


@dataclass(frozen=True, slots=True)
class DossierShown:
    """A dossier's head. Holds personal data."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    code_key: str
    """By which 9029 finds it, as the database makes it of the code."""
    agency_name: str
    province: str
    procedure_code: str | None
    procedure_name: str | None
    applicant_name: str | None
    msisdn: str | None
    phone_refusal: str | None
    purged_at: datetime | None
    """When name and number were emptied."""
    received_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    returned_at: datetime | None
    picked_up_at: datetime
    read_at: datetime | None
    """When its source was last read."""
    enabled_from: datetime | None
    """``None``: its agency is not told of, or nobody is in charge of it."""
    same_day_excluded: bool
    same_day_procedures: Sequence[str]
    kinds_off: Sequence[str]
    at_one_stop_desk: bool
    handed_over: bool
    present_outcome: PlanningResult | None
    """Of its last step."""
    nothing_sent_since: datetime | None
    """Since when a gap of the ledger is open that holds everything."""
    inquiries_are_stopped: bool


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step of the dossier, at the moment of its recording."""

    transition_id: int
    at: datetime
    occurred_at: datetime
    from_step: str | None
    to_step: str | None
    status_code: int
    at_one_stop_desk: bool
    from_row: bool
    """It was seen by the dossier's row alone."""
    outcome: PlanningResult | None
    message_id: int | None
    is_old: bool
    """Typed in late."""
    has_force: bool | None
    """Of an old one: whether it counts; ``None``: that waits for the row."""


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A due date or a phone field that is another than before. Holds personal data."""

    version_id: int
    at: datetime
    due_at: datetime | None
    due_before: datetime | None
    applicant_phone: str | None
    phone_before: str | None
    phone_entered_at: datetime | None
    is_first: bool
    phone_emptied: bool
    """It was there, and its time is over."""
    emptied_before: bool


@dataclass(frozen=True, slots=True)
class MoveEntry:
    """A move of a message."""

    history_id: int
    at: datetime
    message_id: int
    kind: Kind
    from_state: str | None
    """``None``: it begins, and has its words."""
    to_state: str
    to_reason: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """A request to a gateway."""

    attempt_id: int
    at: datetime
    message_id: int
    gateway: str
    state: str
    outcome: str | None
    http_status: int | None
    gateway_code: str | None
    answered_at: datetime | None
    released_at: datetime | None
    """When somebody let the message go again although nobody knew of this one."""
    released_by: str | None
    released_because: str | None


@dataclass(frozen=True, slots=True)
class ReceiptEntry:
    """A delivery report."""

    receipt_id: int
    at: datetime
    message_id: int
    gateway: str
    meaning: Meaning
    effect: str
    gateway_status: str | None


@dataclass(frozen=True, slots=True)
class InquiryEntry:
    """A text to 9029 and its answer. Holds the number that asked."""

    inquiry_id: int
    at: datetime
    msisdn: str | None
    gateway: str
    message_id: int
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """Something that a check of data quality found, once."""

    finding_id: int
    at: datetime
    rule: str
    since: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ComplaintEntry:
    """What a citizen reported."""

    complaint_id: int
    at: datetime
    claim: Claim
    channel: Channel
    outcome: CheckResult
    outcome_at: datetime | None
    withdrawn_at: datetime | None
    message_id: int | None


Entry: TypeAlias = (
    StepEntry | VersionEntry | MoveEntry | AttemptEntry | ReceiptEntry | InquiryEntry | FindingEntry | ComplaintEntry
)
_SORTS: tuple[tuple[LiteralString, type[Entry]], ...] = (
    ("dossiers/showing/complaints", ComplaintEntry),
    ("dossiers/showing/findings", FindingEntry),
    ("dossiers/showing/inquiries", InquiryEntry),
    ("dossiers/showing/receipts", ReceiptEntry),
    ("dossiers/showing/attempts", AttemptEntry),
    ("dossiers/showing/moves", MoveEntry),
    ("dossiers/showing/versions", VersionEntry),
    ("dossiers/showing/transitions", StepEntry),
)
"""Of one moment the cause stands below what it brought about."""


def dossiers_by_code(
    connection: Connection, keys: Sequence[str], agencies: Agencies, agency_code: str | None = None
) -> list[DossierFound]:
    """Dossiers whose code is one of these, or has one of these keys (``motcua.code_key``), also of one agency only."""
    if not keys:
        return []
    values = {"keys": list(keys), "agencies": agencies, "agency_code": agency_code, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find"), values))


def dossiers_by_tail(connection: Connection, tail: str, agencies: Sequence[str]) -> list[DossierFound]:
    """Dossiers of these agencies whose code ends with a tail (``domain.inquiries.read_tail``), the newest first."""
    values = {"tail": tail, "agencies": list(agencies), "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find_by_tail"), values))


def dossiers_by_phone(connection: Connection, msisdn: str, agencies: Agencies) -> list[DossierFound]:
    """Dossiers with this number, E.164, as their own, the newest first."""
    values = {"msisdn": msisdn, "agencies": agencies, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find_by_phone"), values))


def dossiers_by_number(connection: Connection, dossier_ids: Sequence[int], agencies: Agencies) -> list[DossierFound]:
    """Dossiers by their numbers, the newest first."""
    values = {"dossier_ids": list(dossier_ids), "agencies": agencies, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/by_number"), values))


def unusable_rows(
    connection: Connection, keys: Sequence[str], agencies: Agencies, agency_code: str | None = None
) -> list[UnusableRowSeen]:
    """Rows in quarantine, also those that went on, whose code is one of these, or has one of these keys."""
    if not keys:
        return []
    values = {"keys": list(keys), "agencies": agencies, "agency_code": agency_code, "limit": MOST_FOUND}
    return values_of(UnusableRowSeen, connection.execute(statement("dossiers/showing/unusable_rows"), values))


def dossier_shown(connection: Connection, dossier_id: int, agencies: Agencies, now: datetime) -> DossierShown | None:
    """A dossier's head; ``None``: there is none, or it may not be seen."""
    values = {"dossier_id": dossier_id, "agencies": agencies, "now": now}
    return first_of(DossierShown, connection.execute(statement("dossiers/showing/story"), values))


def message_facts(connection: Connection, dossier_id: int, now: datetime) -> list[MessageFact]:
    """A dossier's messages, the newest first, with what sending would see of each now."""
    values = {"dossier_id": dossier_id, "now": now, "limit": MOST_ENTRIES}
    return [
        MessageFact(
            message_id=row["message_id"],
            kind=row["kind"],
            state=row["state"],
            reason=row["reason"],
            useful_until=row["useful_until"],
            next_attempt_at=row["next_attempt_at"],
            accepted_at=row["accepted_at"],
            attempted_at=row["attempted_at"],
            stopped_until=row["stopped_until"],
            went_to_present_number=row["went_to_present_number"],
            candidate=value_of(SendCandidate, row),
        )
        for row in connection.execute(statement("dossiers/showing/messages"), values)
    ]


def message_sent(connection: Connection, message_id: int) -> MessageSent | None:
    """How a message went; ``None``: there is none."""
    return first_of(MessageSent, connection.execute(statement("dossiers/showing/sent"), {"message_id": message_id}))


def entries_of(connection: Connection, dossier_id: int) -> list[Entry]:
    """Everything that happened to a dossier that may be seen, the newest first; of each sort the newest 500."""
    values = {"dossier_id": dossier_id, "limit": MOST_ENTRIES}
    found: list[Entry] = [
        value_of(of, row) for name, of in _SORTS for row in connection.execute(statement(name), values)
    ]
    # Python keeps the order of equals: of one moment the later of a sort stays before the earlier.
    return sorted(found, key=lambda entry: entry.at, reverse=True)
