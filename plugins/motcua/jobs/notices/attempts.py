"""What sending and settling share: how an attempt reads what its gateway answered, and what a request is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from motcua.domain.texts import Registration, RegistrationKey, require_registered
from motcua.gateways.adapter import Gateway, GatewayAnswer, OutcomeClass, OutgoingMessage
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.restoring import take_answers
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import hold_lock, release_lock
from motcua.store.notices import attempts
from motcua.store.notices.attempts import UnsettledAttempt
from motcua.store.notices.messages import ClaimedMessage, MessageText

SETTLE_FIRST = timedelta(seconds=30)
"""When an attempt without an answer is first asked about or repeated: its receipt may come meanwhile."""
ASK_FIRST = timedelta(minutes=2)
"""When a gateway that can be asked is first asked for the receipt of what it accepted."""
ATTEMPT_STATE: Mapping[OutcomeClass, str] = {
    "accepted": "accepted",
    "duplicate": "accepted",
    "phone": "rejected",
    "unreachable": "failed",
    "configuration": "failed",
    "transient": "failed",
    "unknown": "unknown",
}


def bury_the_dead(ledger: Connection, lock: Connection, now: datetime, own: int | None = None) -> int:
    """Makes unknown what senders that no longer live left in flight, but for what the journal knows the answer to;
    returns how many messages they left.

    Raises:
        motcua.store.journal.JournalFailed: the journal cannot be read.
    """
    abandoned = 0
    for sender_id in attempts.senders_in_flight(ledger):
        if sender_id != own and hold_lock(lock, sender_id):
            abandoned += attempts.abandon(ledger, sender_id, now, now + SETTLE_FIRST)
            ledger.commit()
            release_lock(lock, sender_id)
    if abandoned:
        take_answers(ledger, now)
    ledger.commit()
    return abandoned


def rests_until(message: ClaimedMessage | UnsettledAttempt, now: datetime) -> datetime | None:
    """When a message that may go may go at the earliest; ``None``: now. Apologies rest at night, and while their source
    was not read for too long."""
    is_apology = message.words.kind == "apology"
    return apology_rules().wait_until(now, message.source_read_at) if is_apology else None


def settle_time(outcome: GatewayAnswer, gateway: Gateway, now: datetime) -> datetime | None:
    """When the gateway may first be asked about an attempt, or be given it again under the same reference."""
    if outcome.outcome == "unknown":
        return now + SETTLE_FIRST
    if outcome.outcome in ("accepted", "duplicate") and gateway.can_be_asked:
        return now + ASK_FIRST
    return None


def provider_template_id(
    known: Mapping[RegistrationKey, Registration], words: MessageText, gateway: Gateway
) -> str | None:
    """The provider's own id of the template that words were made from, where it gives one.

    Raises:
        UnregisteredTemplate: the template is not registered at the gateway.
    """
    key = (gateway.address.name, words.template_id, words.template_version)
    return require_registered(known, key, accented=words.accented, by_id=gateway.takes_template_ids)


def outgoing_message(
    words: MessageText, msisdn: str, reference: str, provider_template_id: str | None
) -> OutgoingMessage:
    """A request as adapters take it."""
    return OutgoingMessage(
        reference=reference,
        msisdn=msisdn,
        text=words.text,
        accented=words.accented,
        segments=words.segments,
        template_id=words.template_id,
        template_version=words.template_version,
        parameters=tuple(words.parameters),
        provider_template_id=provider_template_id,
    )
