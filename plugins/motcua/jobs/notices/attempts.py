"""What sending and settling share: how an attempt reads what its gateway answered, and what a request is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from motcua.domain.texts import (
    Registration,
    RegistrationKey,
    Template,
    UnregisteredTemplate,
    Words,
    require_registered,
    with_accents,
)
from motcua.gateways.adapter import Gateway, GatewayAnswer, OutcomeClass, OutgoingMessage
from motcua.jobs.notices.apologizing import apology_rules
from motcua.jobs.restoring import take_answers
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import hold_lock, release_lock
from motcua.store.notices import attempts
from motcua.store.notices.attempts import UnsettledAttempt
from motcua.store.notices.messages import ClaimedMessage

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


def words_at(
    gateway: Gateway, words: Words, templates: Mapping[tuple[str, int], Template], *, accented: bool | None = None
) -> Words:
    """What a gateway sends of a message: with accents where these cost nothing there, else as it was planned.

    Args:
        gateway: the one that takes it.
        words: as they were planned.
        templates: by id and version.
        accented: as it was sent before, whatever would be sent now; ``None``: it was not.

    Raises:
        UnregisteredTemplate: the version that the words were made of has no file.
    """
    template = templates.get((words.template_id, words.template_version))
    if template is None:
        raise UnregisteredTemplate(f"template {words.template} has no file")
    in_full = gateway.accents_cost_nothing if accented is None else accented
    return with_accents(template, words) if in_full else words


def outgoing_message(
    gateway: Gateway,
    words: Words,
    msisdn: str,
    reference: str,
    templates: Mapping[tuple[str, int], Template],
    known: Mapping[RegistrationKey, Registration],
) -> OutgoingMessage:
    """A request as the gateway's adapter takes it, of words as it sends them.

    Raises:
        UnregisteredTemplate: their template is not registered at the gateway.
    """
    key = (gateway.address.name, words.template_id, words.template_version)
    known_as = require_registered(known, key, accented=words.accented, by_id=gateway.takes_template_ids)
    names = templates[words.template_id, words.template_version].parameters
    return OutgoingMessage(
        reference=reference,
        msisdn=msisdn,
        text=words.text,
        accented=words.accented,
        units=words.segments if gateway.unit == "segment" else 1,
        template_id=words.template_id,
        template_version=words.template_version,
        values=dict(zip(names, words.parameters, strict=True)),
        provider_template_id=known_as,
    )
