"""Gaps: what a restored ledger does not remember, and what the journal of attempts knew of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from motcua.settings import settings
from motcua.store.journal import JournaledAttempt
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset, value_of

GapKind = Literal["behind_journal", "other_journal", "behind_watch"]


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that was not looked at: nothing is sent."""

    gap_no: int
    kind: GapKind
    noticed_at: datetime
    ledger_until: datetime | None
    """The last attempt that the ledger knew."""
    journal_until: datetime | None
    """The last attempt that the journal knows."""
    lost_attempts: int
    held_messages: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap, as it is listed."""

    gap_no: int
    kind: GapKind
    noticed_at: datetime
    ledger_until: datetime | None
    journal_until: datetime | None
    lost_attempts: int
    held_messages: int
    sent_until: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None
    not_found: int
    """Of the lost attempts those whose message the ledger does not have."""


@dataclass(frozen=True, slots=True)
class GapMessages:
    """How many messages that were told, or may have been told, in a gap are in a state now."""

    kind: str
    state: str
    messages: int


@dataclass(frozen=True, slots=True)
class UnfoundAttempt:
    """An attempt of a gap whose message the ledger does not have."""

    departed_at: datetime
    gateway: str
    source: str
    agency_code: str
    dossier_code: str
    kind: str
    occasion: str
    outcome: str | None


def journal_of(connection: Connection) -> UUID | None:
    """The journal that this ledger is kept with; ``None``: it never sent with one."""
    row = connection.execute(statement("gaps/noticing/journal")).fetchone()
    return row["journal_id"] if row else None


def begin_journal(connection: Connection, journal_id: UUID, reason: str) -> None:
    """From here on the ledger is kept with this journal."""
    connection.execute(statement("gaps/noticing/begin_journal"), {"journal_id": journal_id, "reason": reason})


def known_references(connection: Connection, references: Sequence[str]) -> set[str]:
    """Which of these attempts the ledger knows."""
    rows = connection.execute(statement("gaps/noticing/known_references"), {"asked": list(references)})
    return {row["reference"] for row in rows}


def last_attempt_at(connection: Connection) -> datetime | None:
    """When the last attempt that the ledger knows began."""
    row = connection.execute(statement("gaps/noticing/last_attempt")).fetchone()
    return row["started_at"] if row else None


def open_gap(connection: Connection) -> OpenGap | None:
    """The gap that was not looked at, where there is one."""
    row = connection.execute(statement("gaps/noticing/open_gap")).fetchone()
    return value_of(OpenGap, row) if row else None


def noticed_since(connection: Connection, since: datetime) -> bool:
    """Whether a gap was noticed since then."""
    row = connection.execute(statement("gaps/noticing/noticed_since"), {"since": since}).fetchone()
    return bool(row and row["noticed"])


@dataclass(frozen=True, slots=True)
class AtWork:
    """Since when senders have been at work, and when the watch last looked."""

    woke_at: datetime
    """Since then without a long sleep."""
    watched_at: datetime | None
    """``None``: there is no watch."""


def say_at_work(connection: Connection, now: datetime, sleeps_after: timedelta) -> AtWork:
    """Notes that senders are at work; they slept where the last note is older than ``sleeps_after``."""
    values = {"now": now, "sleeps_after": sleeps_after}
    row = connection.execute(statement("gaps/noticing/say_at_work"), values).fetchone()
    assert row is not None
    return value_of(AtWork, row)


def begin_gap(
    connection: Connection,
    kind: GapKind,
    now: datetime,
    *,
    ledger_until: datetime | None,
    journal_until: datetime | None,
    lost_attempts: int,
) -> None:
    """Opens a gap, unless one is open, and holds what is queued."""
    values = {
        "kind": kind,
        "now": now,
        "ledger_until": ledger_until,
        "journal_until": journal_until,
        "lost_attempts": lost_attempts,
    }
    connection.execute(statement("gaps/noticing/open"), values)


def save_lost(connection: Connection, gap_no: int, attempts: Sequence[JournaledAttempt]) -> None:
    """Keeps attempts that the journal knows and the ledger does not."""
    rows = [
        {
            "reference": each.departure.reference,
            "gateway": each.departure.gateway,
            "departed_at": each.departure.departed_at,
            "source": each.departure.source,
            "agency_code": each.departure.agency_code,
            "dossier_code": each.departure.dossier_code,
            "kind": each.departure.kind,
            "occasion": each.departure.occasion,
            "segments": each.departure.segments,
            "outcome": each.answer.outcome if each.answer else None,
            "answered_at": each.answer.answered_at if each.answer else None,
            "gateway_reference": each.answer.gateway_reference if each.answer else None,
        }
        for each in attempts
    ]
    connection.execute(statement("gaps/adopting/save_lost"), {"rows": recordset(rows), "gap_no": gap_no})


def adopt_lost(connection: Connection, now: datetime) -> int:
    """Gives attempts of a gap back to their messages, as far as these are there; returns how many messages are not
    sent again for it. To be called in each transaction that queues messages: none may be claimed before."""
    rules = {"now": now, "useful_for": settings().useful_for}
    row = connection.execute(statement("gaps/adopting/waits_for_messages"), rules).fetchone()
    stopped = 0
    if row and row["lost"]:
        values = {"now": now, "clock_skew": settings().clock_skew}
        adopted = [
            each["message_id"]
            for each in connection.execute(statement("gaps/adopting/adopt"), values)
            if each["state"] == "unknown"
        ]
        connection.execute(statement("gaps/adopting/confirm_accepted"), {"message_ids": adopted})
        connection.execute(statement("gaps/adopting/read_receipts_again"), {"now": now})
        stopped += len(adopted)
    if row and row["blind"] is not None:
        stopped += hold_blind(connection, row["blind"], now)
    return stopped


def hold_blind(connection: Connection, gap_no: int, now: datetime) -> int:
    """Makes what may have been told in a gap without a journal unknown; returns how many messages."""
    values = {"gap_no": gap_no, "gateway": settings().gateways[0], "now": now}
    return connection.execute(statement("gaps/adopting/hold_blind"), values).rowcount


def close_gap(
    connection: Connection,
    gap_no: int,
    now: datetime,
    *,
    closed_by: str,
    reason: str | None = None,
    sent_until: datetime | None = None,
) -> bool:
    """A gap was looked at; ``False``: it had been before."""
    values = {"gap_no": gap_no, "now": now, "closed_by": closed_by, "reason": reason, "sent_until": sent_until}
    return connection.execute(statement("gaps/noticing/close"), values).rowcount == 1


def list_gaps(connection: Connection, limit: int = 100) -> list[Gap]:
    """Gaps, the latest first."""
    return [value_of(Gap, row) for row in connection.execute(statement("gaps/reading/list"), {"limit": limit})]


def messages_of_gap(connection: Connection, gap_no: int) -> list[GapMessages]:
    """How the messages stand now that were told, or may have been told, in a gap."""
    return [
        value_of(GapMessages, row) for row in connection.execute(statement("gaps/reading/messages"), {"gap_no": gap_no})
    ]


def not_found(connection: Connection, gap_no: int, limit: int = 100) -> list[UnfoundAttempt]:
    """Attempts of a gap whose message the ledger does not have, the oldest first."""
    values = {"gap_no": gap_no, "limit": limit}
    return [value_of(UnfoundAttempt, row) for row in connection.execute(statement("gaps/reading/not_found"), values)]
