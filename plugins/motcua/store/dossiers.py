"""Read one dossier with everything stored about it, found by code or phone number, for the staff pages.

The parameter ``agencies`` of a function limits its result to the agencies whose rows the visitor of a page may see.
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
"""The agencies whose rows may be seen. ``None`` stands for all."""
MOST_FOUND = 100
MOST_ENTRIES = 500
"""How many entries of each sort, such as steps or attempts, are read at most. If a dossier has more, its page states
that the list is cut off."""


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
    """A source row that is or was in quarantine."""

    row_kind: RowKind
    reason: RowRefusal
    agency_code: str | None
    dossier_code: str | None
    status_code: int | None
    first_seen_at: datetime
    last_seen_at: datetime
    released_at: datetime | None
    """When the row was released from quarantine."""


@dataclass(frozen=True, slots=True)
class DossierShown:
    """The main data of a dossier. Holds personal data."""

    dossier_id: int
    agency_code: str
    dossier_code: str
    code_key: str
    """The key by which an inquiry to 9029 finds the dossier. The database derives the key from the code."""
    agency_name: str
    province: str
    procedure_code: str | None
    procedure_name: str | None
    applicant_name: str | None
    msisdn: str | None
    phone_refusal: str | None
    purged_at: datetime | None
    """When the applicant's name and phone number were emptied."""
    received_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    returned_at: datetime | None
    picked_up_at: datetime
    read_at: datetime | None
    """When the dossier's source was last read."""
    enabled_from: datetime | None
    """When the agency was enabled. ``None`` if the agency is not enabled, or if no agency is in charge of the agency's
    dossiers now."""
    same_day_excluded: bool
    same_day_procedures: Sequence[str]
    kinds_off: Sequence[str]
    at_one_stop_desk: bool
    handed_over: bool
    present_outcome: PlanningResult | None
    """The decision of planning about the dossier's last step: whether the step needs a message, and if not, why. Old
    steps, which were typed in late, are left out."""
    nothing_sent_since: datetime | None
    """Since when no message is sent because the ledger may lack data (a gap). ``None`` if no such gap is open."""
    inquiries_are_stopped: bool


@dataclass(frozen=True, slots=True)
class StepEntry:
    """A step of the dossier, with the moment when it was recorded."""

    transition_id: int
    at: datetime
    occurred_at: datetime
    from_step: str | None
    to_step: str | None
    status_code: int
    at_one_stop_desk: bool
    from_row: bool
    """``True`` if the step is known only from the dossier's row, which was newer than the last transition."""
    outcome: PlanningResult | None
    message_id: int | None
    is_old: bool
    """``True`` if this is an old step, which was typed in late."""
    has_force: bool | None
    """``True`` if the old step counts as other steps do. ``None`` if the step is not old, or if the dossier's row must
    be read again before this is decided."""


@dataclass(frozen=True, slots=True)
class VersionEntry:
    """A change of the due date or the phone field. Holds personal data."""

    version_id: int
    at: datetime
    due_at: datetime | None
    due_before: datetime | None
    applicant_phone: str | None
    phone_before: str | None
    phone_entered_at: datetime | None
    is_first: bool
    phone_emptied: bool
    """``True`` if the phone field was emptied because its retention time was over."""
    emptied_before: bool


@dataclass(frozen=True, slots=True)
class MoveEntry:
    """A change of a message's state."""

    history_id: int
    at: datetime
    message_id: int
    kind: Kind
    from_state: str | None
    """``None`` if this entry stands for the insertion of the message. Only such an entry has the message's text."""
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
    """When a person released the message after this attempt of unknown outcome."""
    released_by: str | None
    released_because: str | None


@dataclass(frozen=True, slots=True)
class ReceiptEntry:
    """A delivery receipt."""

    receipt_id: int
    at: datetime
    message_id: int
    gateway: str
    meaning: Meaning
    effect: str
    gateway_status: str | None


@dataclass(frozen=True, slots=True)
class InquiryEntry:
    """A citizen's text to 9029 and its reply. Holds the citizen's phone number."""

    inquiry_id: int
    at: datetime
    msisdn: str | None
    gateway: str
    message_id: int
    text: str
    state: str


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """A finding of one check of data quality."""

    finding_id: int
    at: datetime
    rule: str
    since: datetime | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ComplaintEntry:
    """A citizen's complaint."""

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
"""The query and the class of each sort of entry. Entries of the same moment are listed in this order. The list begins
with the newest entry, so an effect, such as a receipt, must be above its cause, such as an attempt."""


def dossiers_by_code(
    connection: Connection, keys: Sequence[str], agencies: Agencies, agency_code: str | None = None
) -> list[DossierFound]:
    """Find the dossiers that have one of these codes or one of these keys of codes.

    With ``agency_code``, find only dossiers of this agency. ``motcua.code_key`` makes a code's key.
    """
    if not keys:
        return []
    values = {"keys": list(keys), "agencies": agencies, "agency_code": agency_code, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find"), values))


def dossiers_by_tail(connection: Connection, tail: str, agencies: Sequence[str]) -> list[DossierFound]:
    """Find dossiers of these agencies by the end of their codes, the newest first.

    ``domain.inquiries.read_tail`` reads such a tail from what a person typed.
    """
    values = {"tail": tail, "agencies": list(agencies), "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find_by_tail"), values))


def dossiers_by_phone(connection: Connection, msisdn: str, agencies: Agencies) -> list[DossierFound]:
    """Find dossiers whose own phone number is this E.164 number, the newest first."""
    values = {"msisdn": msisdn, "agencies": agencies, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/find_by_phone"), values))


def dossiers_by_number(connection: Connection, dossier_ids: Sequence[int], agencies: Agencies) -> list[DossierFound]:
    """Return the dossiers with these ids, the newest first."""
    values = {"dossier_ids": list(dossier_ids), "agencies": agencies, "limit": MOST_FOUND}
    return values_of(DossierFound, connection.execute(statement("dossiers/showing/by_number"), values))


def unusable_rows(
    connection: Connection, keys: Sequence[str], agencies: Agencies, agency_code: str | None = None
) -> list[UnusableRowSeen]:
    """Return the rows that are or were in quarantine and have one of these dossier codes or keys of codes."""
    if not keys:
        return []
    values = {"keys": list(keys), "agencies": agencies, "agency_code": agency_code, "limit": MOST_FOUND}
    return values_of(UnusableRowSeen, connection.execute(statement("dossiers/showing/unusable_rows"), values))


def dossier_shown(connection: Connection, dossier_id: int, agencies: Agencies, now: datetime) -> DossierShown | None:
    """Return a dossier's main data. ``None`` if there is no such dossier or the visitor may not see it."""
    values = {"dossier_id": dossier_id, "agencies": agencies, "now": now}
    return first_of(DossierShown, connection.execute(statement("dossiers/showing/story"), values))


def message_facts(connection: Connection, dossier_id: int, now: datetime) -> list[MessageFact]:
    """Return a dossier's messages, the newest first, with the conditions that a sender would check now. Leave out
    replies."""
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
    """Return how a message was sent. ``None`` if there is no such message."""
    return first_of(MessageSent, connection.execute(statement("dossiers/showing/sent"), {"message_id": message_id}))


def entries_of(connection: Connection, dossier_id: int) -> list[Entry]:
    """Return what happened to a dossier, as entries of its page, the newest first.

    The list has at most ``MOST_ENTRIES`` entries of each sort.
    """
    values = {"dossier_id": dossier_id, "limit": MOST_ENTRIES}
    found: list[Entry] = [
        value_of(of, row) for name, of in _SORTS for row in connection.execute(statement(name), values)
    ]
    # Python's sort keeps the order of entries with the same moment. Each query returns the newest entry first, so the
    # later of two such entries stays before the earlier one.
    return sorted(found, key=lambda entry: entry.at, reverse=True)
