"""Read and write gaps: times of which the ledger may lack data, because it was restored or slept.

The ledger *slept* if no sender ran for a long time. The journal is a folder outside the ledger with a line for each
attempt. The lost attempts of a gap are the attempts that the journal has and the ledger does not. The watch is the
process that monitors the system.
"""

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
"""How a gap was noticed.

- ``behind_journal``: the journal has attempts that the ledger lacks.
- ``other_journal``: the ledger was used with another journal, which is not here.
- ``behind_watch``: the watch had seen a later state of the ledger.
- ``slept``: no sender ran for a long time, and nothing proves that the ledger was not restored in that time.
"""


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap that nobody has closed yet."""

    gap_no: int
    kind: GapKind
    noticed_at: datetime
    ledger_until: datetime | None
    """When the last attempt in the ledger began."""
    journal_until: datetime | None
    """When the last attempt in the journal began."""
    lost_attempts: int
    held_messages: int
    slept_since: datetime | None
    """The last heartbeat of a sender in the ledger before a sleep. ``None`` if the gap was not caused by a sleep."""
    held_until: datetime | None
    """Messages recorded up to this moment are on hold, and later messages are sent. ``None`` if nothing is sent."""


@dataclass(frozen=True, slots=True)
class Gap(OpenGap):
    """A gap with all its stored data, for lists."""

    sent_until: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None
    not_found: int
    """For how many lost attempts the ledger does not have the message."""


@dataclass(frozen=True, slots=True)
class GapMessages:
    """How many messages of one kind are in one state now. The messages were or may have been sent in a gap."""

    kind: str
    state: str
    messages: int


@dataclass(frozen=True, slots=True)
class UnfoundAttempt:
    """A lost attempt of a gap whose message the ledger does not have."""

    departed_at: datetime
    gateway: str
    source: str
    agency_code: str
    dossier_code: str
    kind: str
    occasion: str
    outcome: str | None


def journal_of(connection: Connection) -> UUID | None:
    """Return the id of the journal that belongs to this ledger, or ``None`` if the ledger never sent with a
    journal."""
    return first(connection.execute(statement("gaps/journal")), "journal_id")


def begin_journal(connection: Connection, journal_id: UUID, reason: str) -> None:
    """Record that the ledger is used with this journal from now on."""
    connection.execute(statement("gaps/begin_journal"), {"journal_id": journal_id, "reason": reason})


def known_references(connection: Connection, references: Sequence[str]) -> set[str]:
    """Return which of these references belong to attempts that the ledger has, as its own or as lost attempts."""
    rows = connection.execute(statement("gaps/known_references"), {"asked": list(references)})
    return {row["reference"] for row in rows}


def last_attempt_at(connection: Connection) -> datetime | None:
    """Return when the last attempt in the ledger began."""
    return first(connection.execute(statement("gaps/last_attempt")), "started_at")


def open_gap(connection: Connection) -> OpenGap | None:
    """Return the open gap, or ``None`` if there is none."""
    return first_of(OpenGap, connection.execute(statement("gaps/open_gap")))


def noticed_since(connection: Connection, since: datetime) -> bool:
    """Return whether a gap was noticed at or after ``since``."""
    return bool(first(connection.execute(statement("gaps/noticed_since"), {"since": since}), "noticed"))


@dataclass(frozen=True, slots=True)
class RunStart:
    """The facts that a starting run learns from the last heartbeat of senders in the ledger."""

    slept_since: datetime | None
    """The last heartbeat before now, if it is old enough to count as a sleep. Otherwise ``None``."""
    is_believed: bool
    """``True`` if a sleep is no reason to put messages on hold: a person has signed that this server is never restored
    (``Belief``), or no agency is enabled yet."""


def note_run_start(connection: Connection, now: datetime, sleeps_after: timedelta) -> RunStart:
    """Write a heartbeat in ``sender_life`` for a starting run, and return the facts that the last heartbeat shows.

    The caller commits the heartbeat in one transaction with its reaction to a sleep.
    """
    values = {"now": now, "sleeps_after": sleeps_after}
    row = connection.execute(statement("gaps/say_at_work"), values).fetchone()
    assert row is not None
    return value_of(RunStart, row)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The facts that a running sender learns from the ledger with each heartbeat."""

    slept: bool
    """``True`` if the last heartbeat of senders is old enough to count as a sleep."""
    gap_no: int | None
    """The number of the open gap. ``None`` if no gap is open."""


def give_heartbeat(connection: Connection, now: datetime, sleeps_after: timedelta) -> Heartbeat:
    """Write a sender's heartbeat in ``sender_life``, unless the last heartbeat is old enough to count as a sleep."""
    values = {"now": now, "sleeps_after": sleeps_after}
    row = connection.execute(statement("gaps/stay_at_work"), values).fetchone()
    assert row is not None
    return value_of(Heartbeat, row)


def journal_fault(connection: Connection) -> str | None:
    """Return the faults that the last check of the journal found (from ``motcua.sender_life``); ``None`` for no
    faults."""
    return first(connection.execute(statement("gaps/journal_fault")), "journal_fault")


def note_journal(connection: Connection, fault: str | None) -> None:
    """Store the faults of the journal in ``motcua.sender_life``, so that the watch can read them."""
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
    """Open a gap unless one is open.

    With ``held_until``, put the queued messages that were recorded up to this moment on hold. Without ``held_until``,
    nothing is sent while the gap is open.
    """
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
    """Put on hold the queued messages that were recorded up to ``held_until`` of the open gap.

    Do nothing if no gap is open or the gap has no ``held_until``.
    """
    connection.execute(statement("gaps/hold"))


def hold_up_to(connection: Connection, gap_no: int, moment: datetime) -> None:
    """Limit an open gap to the messages that were recorded up to a moment, and put these messages on hold."""
    connection.execute(statement("gaps/hold_up_to"), {"gap_no": gap_no, "moment": moment})
    hold(connection)


def turn_into_went_back(connection: Connection, lost_attempts: int, journal_until: datetime | None) -> None:
    """Turn the open gap of a ledger that slept into the gap of a restored ledger.

    The reason is that the watch had seen a later state of the ledger.
    """
    values = {"lost_attempts": lost_attempts, "journal_until": journal_until}
    connection.execute(statement("gaps/went_back"), values)


def save_lost(connection: Connection, gap_no: int, attempts: Sequence[JournaledAttempt]) -> None:
    """Store the lost attempts of a gap, which the journal has and the ledger does not."""
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
    """Assign lost attempts to their messages, if the ledger has the messages again.

    Also put the messages of an open gap on hold, and mark messages that may have been sent in a gap without a journal
    as unknown. The caller must call this function in each transaction that queues messages, so that no sender claims a
    message before its lost attempt is assigned. Return how many messages became unknown.
    """
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


def unanswered(connection: Connection, since: datetime | None) -> dict[str, datetime]:
    """Return the attempts that have no answer in the ledger, by reference, with the time at which each began.

    The journal may have the answers. With ``since``, return only attempts that began since this moment and whose sender
    has ended.
    """
    rows = connection.execute(statement("gaps/unanswered"), {"since": since})
    return {row["reference"]: row["started_at"] for row in rows}


def take_answers(connection: Connection, answers: Sequence[JournaledAnswer], now: datetime) -> int:
    """Write gateways' answers from the journal into ``motcua.attempts``.

    Return how many messages got a known outcome.
    """
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
    """Mark as unknown the messages that may have been sent in a gap without a journal. Return how many there are."""
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
    """Close a gap. Return ``False`` if the gap is closed already."""
    values = {"gap_no": gap_no, "now": now, "closed_by": closed_by, "reason": reason, "sent_until": sent_until}
    return connection.execute(statement("gaps/close"), values).rowcount == 1


def answer_gap(
    connection: Connection, gap_no: int, *, sent_until: datetime | None, by: str, reason: str, now: datetime
) -> int | None:
    """Close a gap that put the messages recorded up to a moment on hold.

    Return how many messages become unknown, or ``None`` if no such gap is open.

    Args:
        connection: a connection; the caller commits.
        gap_no: the gap.
        sent_until: until when messages may have been sent that the restored ledger lacks; ``None`` if the ledger was
            not restored but only slept.
        by: the person who answers.
        reason: the person's reason, in words.
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
    """The last testimony of a watch on another machine: the state of the ledger that this watch saw, and since when
    the watch has checked."""

    asked_at: datetime
    """When that watch last checked, by the ledger's clock."""
    said: Witness


def last_testimony(connection: Connection) -> GivenTestimony | None:
    """Return the last testimony of a watch on another machine (from ``motcua.outside_watch``). ``None`` if no such
    watch ever checked."""
    row = connection.execute(statement("gaps/testimony")).fetchone()
    if row is None:
        return None
    later = Later(row["lost_attempts"], row["seen_until"]) if row["lost_attempts"] is not None else None
    said = Witness(row["awake_since"], row["sees_since"], row["about"], later)
    return GivenTestimony(row["asked_at"], said)


def take_testimony(connection: Connection) -> None:
    """Clear the watch's observation of a later state, because the system has reacted to it
    (``motcua.outside_watch``)."""
    connection.execute(statement("gaps/take_testimony"))


def give_testimony(connection: Connection, said: Witness) -> None:
    """Store the testimony of a watch on another machine. The role of the callbacks app may do this."""
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
    """A person's signed assurance that this server's disk is never restored to an earlier state."""

    said_at: datetime
    said_by: str
    reason: str


def belief(connection: Connection) -> Belief | None:
    """Return the assurance in force, or ``None`` if nobody gave one or it was withdrawn (from
    ``motcua.believed_sleeps``)."""
    return first_of(Belief, connection.execute(statement("gaps/belief")))


def believe_sleeps(connection: Connection, by: str, reason: str, now: datetime) -> bool:
    """Store in ``motcua.believed_sleeps`` a person's assurance that this server's disk is never restored.

    Return ``False`` if such an assurance is in force.
    """
    values = {"by": by, "reason": reason, "now": now}
    return connection.execute(statement("gaps/believe"), values).rowcount == 1


def doubt_sleeps(connection: Connection, by: str, now: datetime) -> bool:
    """End the assurance about sleeps in ``motcua.believed_sleeps``. Return ``False`` if none was in force."""
    return connection.execute(statement("gaps/doubt"), {"by": by, "now": now}).rowcount == 1


def list_gaps(connection: Connection, limit: int = 100) -> list[Gap]:
    """Return gaps, the latest first."""
    return values_of(Gap, connection.execute(statement("gaps/list"), {"limit": limit}))


def messages_of_gap(connection: Connection, gap_no: int) -> list[GapMessages]:
    """Count the messages that were or may have been sent in a gap, by kind and present state (from
    ``motcua.attempts``)."""
    return values_of(GapMessages, connection.execute(statement("gaps/messages"), {"gap_no": gap_no}))


def not_found(connection: Connection, gap_no: int) -> list[UnfoundAttempt]:
    """Return the hundred oldest lost attempts of a gap whose message the ledger does not have, the oldest first."""
    values = {"gap_no": gap_no, "limit": 100}
    return values_of(UnfoundAttempt, connection.execute(statement("gaps/not_found"), values))
