"""Store inquiries to 9029 and their replies. Each inquiry counts once, however often a gateway delivers it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from motcua.domain.inquiries import DossierState, Hit, InquiryAnswer, InquiryResult
from motcua.domain.texts import RenderedText
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, first_of, record, value_of, values_of


@dataclass(frozen=True, slots=True)
class FoundDossier:
    """The present state of a dossier to which a code in the inquiry may refer."""

    hit: Hit
    state: DossierState
    procedure_code: str | None
    step_name: str | None
    accented: bool
    as_of: datetime
    """When the facts about the dossier were read from its source."""
    told_result: bool
    """``True`` if the citizen was informed that the result is ready, and the result is not handed over yet."""


@dataclass(frozen=True, slots=True)
class NewInquiry:
    """An inquiry with its reply."""

    gateway: str
    gateway_message_id: str | None
    dedupe_key: str
    """A key that is equal for every delivery of the same inquiry by the gateway."""
    received_at: datetime
    phone: str | None
    text: str
    asked_code: str | None
    outcome: InquiryResult
    fee: int
    """The fee that the citizen paid, in đồng."""
    dossier: FoundDossier | None
    """The dossier that the reply is about."""
    reply: RenderedText


@dataclass(frozen=True, slots=True)
class InquiryCount:
    """How many inquiries of one gateway had one outcome, and how many đồng citizens paid for them."""

    gateway: str
    outcome: InquiryResult
    inquiries: int
    fees: int
    told_result: int
    """How many of these inquiries asked about a result that was already announced and is not handed over yet."""


def find_dossiers(connection: Connection, keys: Sequence[str], phone: str | None) -> list[FoundDossier]:
    """Return the dossiers whose code has one of these keys. Dossiers of the asking phone come first."""
    if not keys:
        return []
    return [
        FoundDossier(
            value_of(Hit, row),
            value_of(DossierState, row),
            row["procedure_code"],
            row["step_name"],
            row["accented"],
            row["as_of"],
            row["told_result"],
        )
        for row in connection.execute(statement("inquiries/find_dossiers"), {"keys": list(keys), "phone": phone})
    ]


def agency_keys(connection: Connection) -> dict[str, str]:
    """Return a dict from the key of each agency code or alias to the agency's code."""
    rows = connection.execute(statement("inquiries/agencies")).fetchall()
    return {row["code_key"]: row["agency_code"] for row in rows}


@dataclass(frozen=True, slots=True)
class Limits:
    """The periods in which inquiries are counted, and the largest allowed counts."""

    day: datetime
    minute: datetime
    of_phone: int
    of_gateway: int


def lock_phone(connection: Connection, phone: str) -> None:
    """Wait until no other transaction handles an inquiry of this phone.

    Later transactions that do the same wait until this transaction ends.
    """
    connection.execute(statement("inquiries/lock_phone"), {"phone": phone})


def is_over(connection: Connection, gateway: str, phone: str | None, limits: Limits) -> tuple[bool, bool]:
    """Return whether the phone has reached its limit for the day, and whether the gateway has reached its limit for the
    minute."""
    row = connection.execute(
        statement("inquiries/count_recent"),
        {
            "gateway": gateway,
            "phone": phone,
            "day": limits.day,
            "minute": limits.minute,
            "phone_limit": limits.of_phone,
            "gateway_limit": limits.of_gateway,
        },
    ).fetchone()
    return (bool(row["phone_is_over"]), bool(row["gateway_is_over"])) if row else (False, False)


def save_inquiry(connection: Connection, inquiry: NewInquiry) -> bool:
    """Insert an inquiry with its reply. Return ``False`` and write nothing if the inquiry is stored already.

    A repeated delivery at the same moment waits for the first one.
    """
    dossier, reply = inquiry.dossier, inquiry.reply
    values = {
        "gateway": inquiry.gateway,
        "gateway_message_id": inquiry.gateway_message_id,
        "dedupe_key": inquiry.dedupe_key,
        "received_at": inquiry.received_at,
        "phone": inquiry.phone,
        "text": inquiry.text,
        "asked_code": inquiry.asked_code,
        "outcome": inquiry.outcome,
        "fee": inquiry.fee,
        "dossier_id": dossier and dossier.hit.dossier_id,
        "agency_code": dossier and dossier.hit.agency_code,
        "procedure_code": dossier and dossier.procedure_code,
        "as_of": dossier and dossier.as_of,
        "told_result": dossier is not None and dossier.told_result,
        "occasion": f"inquiry {uuid4()}",
        "reply": reply.text,
        "template_id": reply.template_id,
        "template_version": reply.template_version,
        "parameters": list(reply.parameters),
        "accented": reply.accented,
        "segments": reply.segments,
    }
    return bool(first(connection.execute(statement("inquiries/save"), {"inquiry": record(values)}), "is_new"))


def reply_given(connection: Connection, gateway: str, dedupe_key: str) -> InquiryAnswer | None:
    """Return the reply that this inquiry got, or ``None`` if the inquiry is not stored."""
    values = {"gateway": gateway, "dedupe_key": dedupe_key}
    return first_of(InquiryAnswer, connection.execute(statement("inquiries/reply_given"), values))


def inquiries_by_outcome(connection: Connection) -> list[InquiryCount]:
    """Count inquiries and fees by gateway and outcome."""
    return values_of(InquiryCount, connection.execute(statement("inquiries/by_outcome")))
