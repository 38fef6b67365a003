"""Steps that sending and settling share: build a request, find when to retry it, and mark the attempts of dead senders.

Settling decides the outcome of a message that a gateway did not answer or did not confirm.
"""

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
"""Wait after an attempt without an answer, until the gateway is first asked about the attempt or the attempt's request
is first repeated. The delivery receipt may arrive within this time."""
ASK_FIRST = timedelta(minutes=2)
"""Wait after a gateway accepted a message, until the gateway is first asked for the receipt. Only some gateways can be
asked."""
ATTEMPT_STATE: Mapping[OutcomeClass, str] = {
    "accepted": "accepted",
    "duplicate": "accepted",
    "phone": "rejected",
    "unreachable": "failed",
    "configuration": "failed",
    "transient": "failed",
    "unknown": "unknown",
}


def mark_abandoned_attempts_unknown(ledger: Connection, lock: Connection, now: datetime, own: int | None = None) -> int:
    """Mark an attempt as unknown if its sender is dead and the ledger has no answer to it. Return the number of
    messages of the marked attempts.

    Then copy the answers to these attempts from the journal of attempts (motcua.store.journal) to the ledger. Leave out
    the attempts of the sender ``own``, the calling process.

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
    """Return when a message may be sent at the earliest, or ``None`` if it may be sent now.

    Apologies wait at night, and as long as the last reading of their source is too old.
    """
    is_apology = message.words.kind == "apology"
    return apology_rules().wait_until(now, message.source_read_at) if is_apology else None


def settle_time(outcome: GatewayAnswer, gateway: Gateway, now: datetime) -> datetime | None:
    """Return when the gateway may first be asked about an attempt, or when the attempt's request may first be repeated
    under the same reference. ``None`` if the attempt needs neither."""
    if outcome.outcome == "unknown":
        return now + SETTLE_FIRST
    if outcome.outcome in ("accepted", "duplicate") and gateway.can_be_asked:
        return now + ASK_FIRST
    return None


def words_at(
    gateway: Gateway, words: Words, templates: Mapping[tuple[str, int], Template], *, accented: bool | None = None
) -> Words:
    """Return a message's text as a gateway sends it: with accents if they cost nothing at this gateway, otherwise as
    planned.

    If the message was sent before, the text has accents only if it had accents then.

    Args:
        gateway: the gateway that is to send the message.
        words: the text as planned.
        templates: templates by id and version.
        accented: whether the message was sent with accents before; ``None`` if it was not sent before.

    Raises:
        UnregisteredTemplate: no file has the template version of the planned text.
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
    """Return a request for the gateway's adapter, from a text as the gateway sends it.

    Raises:
        UnregisteredTemplate: the template is not registered at the gateway.
    """
    key = (gateway.address.name, words.template_id, words.template_version)
    provider_template_id = require_registered(known, key, accented=words.accented, by_id=gateway.takes_template_ids)
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
        provider_template_id=provider_template_id,
    )
