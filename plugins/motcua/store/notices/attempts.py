"""Read and write attempts. Each attempt is committed before its HTTP request, and its outcome is written afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from motcua.domain.occasions import SendCandidate
from motcua.domain.run_window import Window
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, recordset, value_of, values_of
from motcua.store.notices.messages import Departing, MessageText


@dataclass(frozen=True, slots=True)
class AskedAttempt:
    """An attempt whose outcome the gateway may be asked for."""

    attempt_id: int
    reference: str
    gateway_reference: str | None
    """The provider's own reference. ``None`` if the provider's answer never came."""
    sent_to: str
    started_at: datetime
    settlings: int
    """How often the gateway was asked about the attempt or the request was repeated."""


@dataclass(frozen=True, slots=True)
class UnsettledAttempt:
    """An attempt of unknown outcome, with the present data of its message."""

    attempt: AskedAttempt
    message_id: int
    msisdn: str | None
    """The dossier's present phone number."""
    source_read_at: datetime | None
    is_stopped: bool
    """``True`` if a stop (an order not to send for some time) covers the message's kind or agency."""
    sent_accented: bool | None
    """Whether the text was sent with accents. ``None`` if the text was sent as the message was planned."""
    words: MessageText
    candidate: SendCandidate


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """The gateway's answer to an attempt in flight."""

    reference: str
    attempt_state: str
    outcome: str
    concerns: str | None
    """The part that a refusal concerns: the gateway, a carrier, a template or the message. ``None`` without a
    refusal."""
    http_status: int | None
    gateway_code: str | None
    gateway_reference: str | None
    answered_at: datetime
    settle_at: datetime | None
    """When the gateway may first be asked about the attempt or receive its request again."""


@dataclass(frozen=True, slots=True)
class RepeatOutcome:
    """The outcome of an attempt and its message that the answer to a repeated request proves."""

    attempt_id: int
    message_id: int
    state: Literal["accepted", "rejected"]
    reason: str | None
    attempt_state: str
    outcome: str
    http_status: int | None
    gateway_code: str | None
    gateway_reference: str | None
    settle_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One outcome of a run's attempts, with the number of messages that had this outcome and are unresolved."""

    outcome: str | None
    unresolved: int
    """How many messages with this outcome are queued, in flight or unknown now.

    Messages that wait for the end of a stop, a person's decision or opening hours are not counted.
    """


def save_attempts(
    connection: Connection,
    rows: Sequence[Departing],
    *,
    gateway: str,
    sender_id: int,
    run_id: str,
    now: datetime,
) -> None:
    """Insert the attempts for these messages before their requests leave."""
    connection.execute(
        statement("attempts/save"),
        {"rows": recordset(rows), "gateway": gateway, "sender_id": sender_id, "run_id": run_id, "now": now},
    )


def apply_outcomes(connection: Connection, rows: Sequence[AttemptOutcome]) -> None:
    """Write the gateway's answers to attempts in flight."""
    connection.execute(statement("attempts/apply_outcomes"), {"rows": recordset(rows)})


def unreachable(connection: Connection, gateway: str, numbers: Sequence[str], since: datetime) -> set[str]:
    """Return which of these numbers the gateway has reported as unreachable since ``since`` (from
    ``motcua.attempts``)."""
    values = {"gateway": gateway, "numbers": list(numbers), "since": since}
    return {row["msisdn"] for row in connection.execute(statement("attempts/unreachable"), values)}


def senders_in_flight(connection: Connection) -> list[int]:
    """Return the senders that have attempts in flight, including senders that died."""
    return [row["sender_id"] for row in connection.execute(statement("attempts/senders_in_flight"))]


def abandon(connection: Connection, sender_id: int, now: datetime, settle_at: datetime) -> int:
    """Mark the in-flight attempts of a dead sender, and their messages, as unknown. Return the number of messages.

    ``settle_at`` is the moment from which a gateway may be asked about these attempts or receive their requests again.
    Before that the provider may still be processing the requests.
    """
    values = {"sender_id": sender_id, "now": now, "settle_at": settle_at}
    return connection.execute(statement("attempts/abandon"), values).rowcount


def attempts_of_run(connection: Connection, run_id: str) -> list[RunOutcome]:
    """Return the outcomes of a run's attempts, each with the number of its messages that are unresolved now."""
    return values_of(RunOutcome, connection.execute(statement("attempts/of_run"), {"run_id": run_id}))


def unsettled(
    connection: Connection, gateway: str, window: Window, now: datetime, begun_since: datetime, limit: int
) -> list[UnsettledAttempt]:
    """Return and lock attempts of unknown outcome that the gateway may be asked about, or that may be repeated, now.

    Only attempts of this gateway that began since ``begun_since`` are returned.
    """
    values = {"gateway": gateway, "now": now, "begun_since": begun_since, "limit": limit, **window.bounds}
    return [
        UnsettledAttempt(
            value_of(AskedAttempt, row),
            row["message_id"],
            row["msisdn"],
            row["source_read_at"],
            row["is_stopped"],
            row["sent_accented"],
            value_of(MessageText, row),
            value_of(SendCandidate, row),
        )
        for row in connection.execute(statement("attempts/unsettled"), values)
    ]


def unreported(connection: Connection, gateway: str, window: Window, now: datetime, limit: int) -> list[AskedAttempt]:
    """Return and lock accepted attempts without a final receipt that the gateway may be asked about now."""
    values = {"gateway": gateway, "now": now, "limit": limit, **window.bounds}
    return values_of(AskedAttempt, connection.execute(statement("attempts/unreported"), values))


def note_settling(connection: Connection, settle_at: Mapping[int, datetime]) -> None:
    """Record that a gateway is asked about these attempts or receives their requests again.

    ``settle_at`` gives, for each attempt, the earliest time for the next question or the next repetition.
    """
    if settle_at:
        rows = [{"attempt_id": attempt_id, "settle_at": moment} for attempt_id, moment in settle_at.items()]
        connection.execute(statement("attempts/note_settling"), {"rows": recordset(rows)})


def begin_repeat(connection: Connection, sender_id: int, attempt_ids: Sequence[int]) -> None:
    """Mark attempts as in flight again, because their requests are repeated with the same reference.

    ``sender_id`` is the sender that repeats the requests.
    """
    values = {"sender_id": sender_id, "attempt_ids": list(attempt_ids)}
    connection.execute(statement("attempts/begin_repeat"), values)


def end_repeat(connection: Connection, sender_id: int, attempt_id: int) -> None:
    """Mark a repeated attempt as unknown again, because the answer to the repetition proved nothing."""
    values = {"sender_id": sender_id, "attempt_id": attempt_id}
    connection.execute(statement("attempts/end_repeat"), values)


def settle_repeat(connection: Connection, sender_id: int, outcome: RepeatOutcome, now: datetime) -> bool:
    """Write the outcome that the answer to a repeated request proves.

    Return ``False`` if the attempt was settled in the meantime.
    """
    values = columns_of(outcome) | {"sender_id": sender_id, "now": now}
    return connection.execute(statement("attempts/settle_repeat"), values).rowcount == 1


def assume_accepted(connection: Connection, gateway: str, window: Window, before: datetime, now: datetime) -> int:
    """Mark a gateway's attempts of unknown outcome that began before ``before`` as accepted.

    Return the number of their messages.
    """
    values = {"gateway": gateway, "before": before, "now": now, **window.bounds}
    return connection.execute(statement("attempts/assume_accepted"), values).rowcount
