"""Attempts: committed before their HTTP call, settled after it."""

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
    """An attempt that its gateway may be asked about."""

    attempt_id: int
    reference: str
    gateway_reference: str | None
    """The provider's own; empty where its answer never came."""
    sent_to: str
    started_at: datetime
    settlings: int
    """How often it was asked about or repeated."""


@dataclass(frozen=True, slots=True)
class UnsettledAttempt:
    """An attempt whose end is not known, with what its message looks like at this moment."""

    attempt: AskedAttempt
    message_id: int
    msisdn: str | None
    """The dossier's number now."""
    source_read_at: datetime | None
    is_stopped: bool
    """People have stopped what its message is one of."""
    sent_accented: bool | None
    """``None``: as its message was planned."""
    words: MessageText
    candidate: SendCandidate


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What a gateway answered to an attempt in flight."""

    reference: str
    attempt_state: str
    outcome: str
    concerns: str | None
    """What a refusal of our account is about."""
    http_status: int | None
    gateway_code: str | None
    gateway_reference: str | None
    answered_at: datetime
    settle_at: datetime | None
    """When the gateway may first be asked about it, or be given it again."""


@dataclass(frozen=True, slots=True)
class RepeatOutcome:
    """What the answer to a repeated request says of its attempt and message."""

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
    """What a run's attempts with one outcome leave unresolved."""

    outcome: str | None
    unresolved: int
    """Messages."""


def save_attempts(
    connection: Connection,
    rows: Sequence[Departing],
    *,
    gateway: str,
    sender_id: int,
    run_id: str,
    now: datetime,
) -> None:
    """Writes the attempts that are made for messages, before their requests go."""
    connection.execute(
        statement("attempts/save"),
        {"rows": recordset(rows), "gateway": gateway, "sender_id": sender_id, "run_id": run_id, "now": now},
    )


def apply_outcomes(connection: Connection, rows: Sequence[AttemptOutcome]) -> None:
    """Writes the gateway's answers."""
    connection.execute(statement("attempts/apply_outcomes"), {"rows": recordset(rows)})


def unreachable(connection: Connection, gateway: str, numbers: Sequence[str], since: datetime) -> set[str]:
    """Which of these numbers a gateway has said since then that it does not reach."""
    values = {"gateway": gateway, "numbers": list(numbers), "since": since}
    return {row["msisdn"] for row in connection.execute(statement("attempts/unreachable"), values)}


def senders_in_flight(connection: Connection) -> list[int]:
    """Senders that have attempts in flight, dead ones among them."""
    return [row["sender_id"] for row in connection.execute(statement("attempts/senders_in_flight"))]


def abandon(connection: Connection, sender_id: int, now: datetime, settle_at: datetime) -> int:
    """Makes unknown what a dead sender left in flight, to be asked about or repeated at ``settle_at`` at the earliest,
    since the provider may be at work on it still; returns how many messages."""
    values = {"sender_id": sender_id, "now": now, "settle_at": settle_at}
    return connection.execute(statement("attempts/abandon"), values).rowcount


def attempts_of_run(connection: Connection, run_id: str) -> list[RunOutcome]:
    """A run's attempts by outcome, with how many of their messages are unresolved."""
    return values_of(RunOutcome, connection.execute(statement("attempts/of_run"), {"run_id": run_id}))


def unsettled(
    connection: Connection, gateway: str, window: Window, now: datetime, limit: int
) -> list[UnsettledAttempt]:
    """Attempts at a gateway whose end is not known and that may be asked about or repeated now, locked."""
    values = {"gateway": gateway, "now": now, "limit": limit, **window.bounds}
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
    """Accepted attempts at a gateway without a final receipt that may be asked about now, locked."""
    values = {"gateway": gateway, "now": now, "limit": limit, **window.bounds}
    return values_of(AskedAttempt, connection.execute(statement("attempts/unreported"), values))


def note_settling(connection: Connection, settle_at: Mapping[int, datetime]) -> None:
    """Attempts that are being asked about or repeated, each with the moment before which it is not again."""
    if settle_at:
        rows = [{"attempt_id": attempt_id, "settle_at": moment} for attempt_id, moment in settle_at.items()]
        connection.execute(statement("attempts/note_settling"), {"rows": recordset(rows)})


def begin_repeat(connection: Connection, sender_id: int, attempt_ids: Sequence[int]) -> None:
    """Attempts whose requests are repeated under the same reference: in flight again, by this settler."""
    values = {"sender_id": sender_id, "attempt_ids": list(attempt_ids)}
    connection.execute(statement("attempts/begin_repeat"), values)


def end_repeat(connection: Connection, sender_id: int, attempt_id: int) -> None:
    """A repeated request that proved nothing."""
    values = {"sender_id": sender_id, "attempt_id": attempt_id}
    connection.execute(statement("attempts/end_repeat"), values)


def settle_repeat(connection: Connection, sender_id: int, outcome: RepeatOutcome, now: datetime) -> bool:
    """Writes what the answer to a repeated request says; ``False``: settled meanwhile."""
    values = columns_of(outcome) | {"sender_id": sender_id, "now": now}
    return connection.execute(statement("attempts/settle_repeat"), values).rowcount == 1


def assume_accepted(connection: Connection, gateway: str, window: Window, before: datetime, now: datetime) -> int:
    """Takes attempts without an answer, begun before then, for accepted; returns how many messages."""
    values = {"gateway": gateway, "before": before, "now": now, **window.bounds}
    return connection.execute(statement("attempts/assume_accepted"), values).rowcount
