"""Gaps: what a restored ledger does not remember, what one that slept may not, and what the journal knew of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from motcua.domain.restores import Later, Witness
from motcua.settings import settings
from motcua.store.journal import JournaledAnswer, JournaledAttempt
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, first_of, recordset, value_of, values_of

GapKind = Literal["behind_journal", "other_journal", "behind_watch", "slept"]


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that was not looked at."""

    gap_no: int
    kind: GapKind
    noticed_at: datetime
    ledger_until: datetime | None
    """The last attempt that the ledger knew."""
    journal_until: datetime | None
    """The last attempt that the journal knows."""
    lost_attempts: int
    held_messages: int
    slept_since: datetime | None
    """Of a sleep: the last sign of senders at work that the ledger has."""
    held_until: datetime | None
    """What was recorded up to then is held, and what was recorded later is sent; ``None``: nothing is sent."""


@dataclass(frozen=True, slots=True)
class Gap(OpenGap):
    """A gap, as it is listed."""

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
    return first(connection.execute(statement("gaps/journal")), "journal_id")


def begin_journal(connection: Connection, journal_id: UUID, reason: str) -> None:
    """From here on the ledger is kept with this journal."""
    connection.execute(statement("gaps/begin_journal"), {"journal_id": journal_id, "reason": reason})


def known_references(connection: Connection, references: Sequence[str]) -> set[str]:
    """Which of these attempts the ledger knows."""
    rows = connection.execute(statement("gaps/known_references"), {"asked": list(references)})
    return {row["reference"] for row in rows}


def last_attempt_at(connection: Connection) -> datetime | None:
    """When the last attempt that the ledger knows began."""
    return first(connection.execute(statement("gaps/last_attempt")), "started_at")


def open_gap(connection: Connection) -> OpenGap | None:
    """The gap that was not looked at, where there is one."""
    return first_of(OpenGap, connection.execute(statement("gaps/open_gap")))


def noticed_since(connection: Connection, since: datetime) -> bool:
    """Whether a gap was noticed since then."""
    return bool(first(connection.execute(statement("gaps/noticed_since"), {"since": since}), "noticed"))


@dataclass(frozen=True, slots=True)
class AtWork:
    """What the ledger says of senders' last sign when a run begins."""

    slept_since: datetime | None
    """The last sign before, where it is as old as a sleep."""
    is_believed: bool
    """A sleep is no reason to hold anything: somebody signed so, or nobody was told for yet."""


def say_at_work(connection: Connection, now: datetime, sleeps_after: timedelta) -> AtWork:
    """Notes that senders are at work; the caller commits it together with what it makes of a sleep."""
    values = {"now": now, "sleeps_after": sleeps_after}
    row = connection.execute(statement("gaps/say_at_work"), values).fetchone()
    assert row is not None
    return value_of(AtWork, row)


@dataclass(frozen=True, slots=True)
class StillAtWork:
    """What a sender at work finds in the ledger."""

    slept: bool
    """The last sign of senders in it is as old as a sleep."""
    gap_no: int | None
    """The gap that is open."""


def stay_at_work(connection: Connection, now: datetime, sleeps_after: timedelta) -> StillAtWork:
    """Gives the sign of a sender at work, unless the last one is as old as a sleep."""
    values = {"now": now, "sleeps_after": sleeps_after}
    row = connection.execute(statement("gaps/stay_at_work"), values).fetchone()
    assert row is not None
    return value_of(StillAtWork, row)


def journal_fault(connection: Connection) -> str | None:
    """What the journal lacks, as a run found that looked; ``None``: nothing."""
    return first(connection.execute(statement("gaps/journal_fault")), "journal_fault")


def note_journal(connection: Connection, fault: str | None) -> None:
    """Keeps what the journal lacks, for those who look from outside."""
    connection.execute(statement("gaps/note_journal"), {"fault": fault})


def begin_gap(
    connection: Connection,
    kind: GapKind,
    now: datetime,
    *,
    ledger_until: datetime | None,
    journal_until: datetime | None,
    lost_attempts: int,
    slept_since: datetime | None = None,
    held_until: datetime | None = None,
) -> None:
    """Opens a gap, unless one is open, and holds what is queued; or only what was recorded up to ``held_until``."""
    values = {
        "kind": kind,
        "now": now,
        "ledger_until": ledger_until,
        "journal_until": journal_until,
        "lost_attempts": lost_attempts,
        "slept_since": slept_since,
        "held_until": held_until,
    }
    connection.execute(statement("gaps/open"), values)
    hold(connection)


def hold(connection: Connection) -> None:
    """Holds what is queued and was recorded up to the moment of an open gap."""
    connection.execute(statement("gaps/hold"))


def hold_up_to(connection: Connection, gap_no: int, moment: datetime) -> None:
    """Has an open gap hold what was recorded up to a moment, and no more."""
    connection.execute(statement("gaps/hold_up_to"), {"gap_no": gap_no, "moment": moment})
    hold(connection)


def turn_into_went_back(connection: Connection, lost_attempts: int, journal_until: datetime | None) -> None:
    """The gap of a sleep is one of a ledger that was put back: the watch had seen more."""
    values = {"lost_attempts": lost_attempts, "journal_until": journal_until}
    connection.execute(statement("gaps/went_back"), values)


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
    connection.execute(statement("gaps/save_lost"), {"rows": recordset(rows), "gap_no": gap_no})


def adopt_lost(connection: Connection, now: datetime) -> int:
    """Gives attempts of a gap back to their messages, as far as these are there, and holds what an open gap holds;
    returns how many messages are not sent again. To be called in each transaction that queues messages: none may be
    claimed before."""
    rules = {"now": now, "useful_for": settings().useful_for}
    row = connection.execute(statement("gaps/waits_for_messages"), rules).fetchone()
    stopped = 0
    if row and row["lost"]:
        values = {"now": now, "clock_skew": settings().clock_skew}
        adopted = [
            each["message_id"]
            for each in connection.execute(statement("gaps/adopt"), values)
            if each["state"] == "unknown"
        ]
        connection.execute(statement("gaps/confirm_accepted"), {"message_ids": adopted})
        connection.execute(statement("gaps/read_receipts_again"), {"now": now})
        stopped += len(adopted)
    if row and row["blind"] is not None:
        stopped += hold_blind(connection, row["blind"], now)
    if row and row["holds"]:
        hold(connection)
    return stopped


def unanswered(connection: Connection) -> dict[str, datetime]:
    """When each attempt began whose answer the ledger does not have, and perhaps the journal, by its reference."""
    rows = connection.execute(statement("gaps/unanswered"))
    return {row["reference"]: row["started_at"] for row in rows}


def take_answers(connection: Connection, answers: Sequence[JournaledAnswer], now: datetime) -> int:
    """Writes what gateways answered, as the journal knows it; returns how many messages that settles."""
    rows = [
        {
            "reference": each.reference,
            "outcome": each.outcome,
            "answered_at": each.answered_at,
            "gateway_reference": each.gateway_reference,
        }
        for each in answers
    ]
    values = {"rows": recordset(rows), "now": now}
    return connection.execute(statement("gaps/take_answers"), values).rowcount


def hold_blind(connection: Connection, gap_no: int, now: datetime) -> int:
    """Makes what may have been told in a gap without a journal unknown; returns how many messages."""
    values = {"gap_no": gap_no, "gateway": settings().gateways[0], "now": now}
    return int(first(connection.execute(statement("gaps/hold_blind"), values), "held") or 0)


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
    return connection.execute(statement("gaps/close"), values).rowcount == 1


def answer_gap(
    connection: Connection, gap_no: int, *, sent_until: datetime | None, by: str, reason: str, now: datetime
) -> int | None:
    """Closes a gap that holds what was recorded up to a moment; returns how many messages are of unknown outcome for
    it, ``None``: no such gap is open.

    Args:
        connection: a connection; the caller commits.
        gap_no: the gap.
        sent_until: until when a ledger that is lost may have sent; ``None``: it only slept.
        by: who says so.
        reason: why, in words.
        now: this moment.
    """
    values = {
        "gap_no": gap_no,
        "sent_until": sent_until,
        "by": by,
        "reason": reason,
        "gateway": settings().gateways[0],
        "now": now,
    }
    return first(connection.execute(statement("gaps/answer"), values), "held")


@dataclass(frozen=True, slots=True)
class GivenTestimony:
    """The last word of a watch on another machine."""

    asked_at: datetime
    """When it last looked, by the ledger's clock."""
    said: Witness


def last_testimony(connection: Connection) -> GivenTestimony | None:
    """What a watch on another machine said last; ``None``: none ever looked."""
    row = connection.execute(statement("gaps/testimony")).fetchone()
    if row is None:
        return None
    later = Later(row["lost_attempts"], row["seen_until"]) if row["lost_attempts"] is not None else None
    said = Witness(row["awake_since"], row["sees_since"], row["about"], later)
    return GivenTestimony(row["asked_at"], said)


def take_testimony(connection: Connection) -> None:
    """That it had seen a later state was acted on."""
    connection.execute(statement("gaps/take_testimony"))


def give_testimony(connection: Connection, said: Witness) -> None:
    """Keeps what a watch on another machine says, as the callbacks may."""
    values = {
        "awake_since": said.awake_since,
        "sees_since": said.sees_since,
        "about": said.about,
        "lost_attempts": said.later.attempts if said.later else None,
        "seen_until": said.later.seen_at if said.later else None,
    }
    connection.execute(statement("gaps/give_testimony"), values)


@dataclass(frozen=True, slots=True)
class Belief:
    """That this server's disk is never put back, as somebody signed."""

    said_at: datetime
    said_by: str
    reason: str


def belief(connection: Connection) -> Belief | None:
    """Who signed that a sleep of this ledger may be believed; ``None``: nobody, or it was taken back."""
    return first_of(Belief, connection.execute(statement("gaps/belief")))


def believe_sleeps(connection: Connection, by: str, reason: str, now: datetime) -> bool:
    """Keeps that a sleep of this ledger may be believed; ``False``: that was in force already."""
    values = {"by": by, "reason": reason, "now": now}
    return connection.execute(statement("gaps/believe"), values).rowcount == 1


def doubt_sleeps(connection: Connection, by: str, now: datetime) -> bool:
    """Takes that back; ``False``: it was not in force."""
    return connection.execute(statement("gaps/doubt"), {"by": by, "now": now}).rowcount == 1


def list_gaps(connection: Connection, limit: int = 100) -> list[Gap]:
    """Gaps, the latest first."""
    return values_of(Gap, connection.execute(statement("gaps/list"), {"limit": limit}))


def messages_of_gap(connection: Connection, gap_no: int) -> list[GapMessages]:
    """How the messages stand now that were told, or may have been told, in a gap."""
    return values_of(GapMessages, connection.execute(statement("gaps/messages"), {"gap_no": gap_no}))


def not_found(connection: Connection, gap_no: int) -> list[UnfoundAttempt]:
    """Attempts of a gap whose message the ledger does not have, the hundred oldest, in their order."""
    values = {"gap_no": gap_no, "limit": 100}
    return values_of(UnfoundAttempt, connection.execute(statement("gaps/not_found"), values))
