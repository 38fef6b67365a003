"""Insert, claim and settle messages.

The database refuses every change of a message's state that the table ``message_moves`` does not list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from motcua.domain.dossiers import Kind
from motcua.domain.occasions import BeginState, Confirmation, PastMessage, SendCandidate
from motcua.domain.run_window import Window
from motcua.domain.texts import RenderedText, Words
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import by_dossier, columns_of, first, first_of, recordset, value_of, values_of


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """A message for one occasion, with its finished text, before it is inserted."""

    kind: Kind
    dossier_id: int
    agency_code: str
    procedure_code: str | None
    occasion: str
    """The event that the message reports. A dossier has at most one message of a kind for each occasion."""
    transition_id: int | None
    """The transition that begins the occasion. ``None`` if no transition does."""
    state: BeginState
    reason: str | None
    msisdn: str | None
    carrier: str | None
    words: RenderedText
    occurred_at: datetime
    recorded_at: datetime
    useful_until: datetime
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """The state in which a new message began."""

    state: BeginState
    reason: str | None


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A due message with the moment since which it is due."""

    message_id: int
    next_attempt_at: datetime


def messages_of(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, list[PastMessage]]:
    """Return the result and supplement messages of these dossiers, by dossier."""
    return by_dossier(
        PastMessage, connection.execute(statement("messages/planning/of_dossiers"), {"dossier_ids": list(dossier_ids)})
    )


def save_messages(connection: Connection, messages: Sequence[PlannedMessage], now: datetime) -> list[SavedMessage]:
    """Insert messages. Return the first state of each new message. Leave existing messages unchanged."""
    if not messages:
        return []
    rows = [columns_of(message) | columns_of(message.words) | {"words": None} for message in messages]
    return values_of(
        SavedMessage, connection.execute(statement("messages/planning/save"), {"rows": recordset(rows), "now": now})
    )


def reopen_mended(connection: Connection, window: Window, now: datetime) -> int:
    """Queue the messages again whose sending failed because of a phone number that the desk has since corrected.

    With a window, check the messages recorded in the window. Without a window, check the dossiers whose phone number or
    messages have changed since the last check. Return how many messages are queued again.
    """
    return connection.execute(statement("messages/planning/reopen_mended"), {"now": now, **window.bounds}).rowcount


def reopen_confirmed(connection: Connection, confirmed: Sequence[Confirmation], now: datetime) -> int:
    """Queue unsent messages again whose occasion began with an old step and is now confirmed by a step that is not old.

    An old step was typed in late. Return how many messages are queued again.
    """
    if not confirmed:
        return 0
    values = {"rows": recordset(confirmed), "now": now}
    return connection.execute(statement("messages/planning/reopen_confirmed"), values).rowcount


def make_due_judged(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> None:
    """Make due now the messages that waited until the rows of these dossiers were read. The caller has just read these
    rows."""
    if dossier_ids:
        connection.execute(
            statement("messages/planning/make_due_judged"), {"dossier_ids": list(dossier_ids), "now": now}
        )


def make_due(connection: Connection, window: Window, now: datetime) -> int:
    """Make messages of this window due at once if their last attempt failed transiently. Return their number."""
    return connection.execute(statement("messages/planning/make_due"), {"now": now, **window.bounds}).rowcount


@dataclass(frozen=True, slots=True)
class MessageText(Words):
    """The kind and text of a message."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class KnownElsewhere:
    """The values that identify a message in the journal and in a restored ledger, which do not have this ledger's
    ids."""

    source: str
    agency_code: str
    dossier_code: str
    known_elsewhere_as: str
    """The occasion: ``number 12`` (the transition's number at the source), ``row`` (the dossier's row), or an apology's
    due date."""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A due message, locked for one sender, with the present data of its dossier and agency."""

    message_id: int
    attempts_made: int
    avoid: Sequence[str]
    """Gateways that refused the message or its carrier."""
    msisdn: str
    """The dossier's present phone number. Empty if the dossier has no number. The sender then refuses the message."""
    source_read_at: datetime | None
    is_stopped: bool
    """``True`` if a stop (an order not to send for some time) covers the message's kind or agency."""
    waits_for_opening: bool
    """``True`` if the agency wants the message to wait for a gateway's opening hours. ``False`` if the next gateway
    sends the message."""
    words: MessageText
    candidate: SendCandidate
    elsewhere: KnownElsewhere


@dataclass(frozen=True, slots=True)
class Share:
    """The due messages that a sender may claim for one gateway.

    A share with an empty gateway name contains the messages that no gateway serves.
    """

    gateway: str
    carriers: frozenset[str]
    """The carriers that are routed to this gateway at present."""
    open_carriers: frozenset[str]
    """The carriers that this gateway can serve now if another gateway has refused a message."""
    takes_unsorted: bool
    """``True`` if the share includes messages whose carrier was never determined."""


def plan_by_keys(connection: Connection) -> None:
    """Configure this connection to plan each SQL statement once and to read tables only through their keys.

    A sender needs this because it claims few messages at a time: planning a claim costs more than the claim itself. A
    plan made for an empty table would also stay in use after the table has grown (docs/decisions/sending.md).
    """
    connection.execute(statement("messages/claiming/plan_by_keys"))


Place: TypeAlias = tuple[datetime, int]
"""The place of a queued message in the queue: when it is due, and its message number."""


def claim(
    connection: Connection, share: Share, window: Window, limit: int, now: datetime, first: Place | None = None
) -> list[ClaimedMessage]:
    """Claim up to ``limit`` due messages of a gateway's share and lock them until the transaction ends.

    Claim at most a thousand messages at a time. Begin at the place ``first`` in the queue if one is given.
    """
    from_due, from_id = first or (None, None)
    values = {
        "gateway": share.gateway,
        "carriers": sorted(share.carriers),
        "open_carriers": sorted(share.open_carriers),
        "takes_unsorted": share.takes_unsorted,
        "from_due": from_due,
        "from_id": from_id,
        "now": now,
        "limit": limit,
    }
    return [
        ClaimedMessage(
            row["message_id"],
            row["attempts_made"],
            row["avoid"],
            row["msisdn"] or "",
            row["source_read_at"],
            row["is_stopped"],
            row["waits_for_opening"],
            value_of(MessageText, row),
            value_of(SendCandidate, row),
            value_of(KnownElsewhere, row),
        )
        for row in connection.execute(statement("messages/claiming/claim_due"), values | window.bounds)
    ]


def find_for_trial(
    connection: Connection, gateway: str, carrier: str, window: Window, now: datetime, *, refused_too: bool
) -> Place | None:
    """Find the newest due message that may test whether the gateway again accepts messages for a carrier.

    Skip messages to a number that the gateway refused because of the number's carrier, unless ``refused_too`` is true.
    """
    values = {"gateway": gateway, "carrier": carrier, "refused_too": refused_too, "now": now, **window.bounds}
    row = connection.execute(statement("messages/claiming/find_for_trial"), values).fetchone()
    return (row["next_attempt_at"], row["message_id"]) if row else None


def left_waiting(connection: Connection, gateways: Sequence[str], due_by: datetime, now: datetime) -> list[DueMessage]:
    """Return messages that have been due since ``due_by`` and that a sender could send now.

    Only the 20 messages that became due first, and the 20 that became due last, are examined.

    Args:
        connection: a connection to the ledger.
        gateways: names of the gateways in use.
        due_by: the messages must have been due by this moment.
        now: the moment at which stops and gateway pauses are judged.
    """
    values = {"gateways": list(gateways), "due_by": due_by, "now": now}
    return values_of(DueMessage, connection.execute(statement("messages/claiming/left_waiting"), values))


def any_due(connection: Connection, window: Window, by: datetime) -> bool:
    """Return whether any message of the window is due at the moment ``by``."""
    return bool(first(connection.execute(statement("messages/claiming/any_due"), {"by": by, **window.bounds}), "due"))


def do_not_wait(connection: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """Make due now the messages that failed transiently just before their gateway was paused for the same failure.

    These messages wait for the gateway anyway, so they need no waiting time of their own.
    """
    connection.execute(statement("messages/outcomes/do_not_wait"), {"message_ids": list(message_ids), "now": now})


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A claimed message that may not be sent."""

    message_id: int
    state: Literal["cancelled", "suppressed", "expired"]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Postponed:
    """A claimed message that must wait. A field that is ``None`` leaves the stored value unchanged."""

    message_id: int
    until: datetime
    reason: str | None = None
    carrier: str | None = None
    """The carrier of the message's present number."""
    avoid: Sequence[str] | None = None
    """Gateways that refused the message or its carrier."""


@dataclass(frozen=True, slots=True)
class Departing:
    """A claimed message that is sent now, with the data of its attempt."""

    message_id: int
    reference: str
    msisdn: str
    carrier: str
    units: int
    """The number of units, in the unit that the gateway counts."""
    unit: Literal["segment", "message"] = "segment"
    accented: bool | None = None
    """Whether the text is sent with accents. ``None`` if the text is sent as it was planned."""


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """The new state of a message in flight after the gateway's answer."""

    message_id: int
    state: Literal["accepted", "rejected", "unknown", "queued"]
    reason: str | None
    answered_at: datetime
    next_attempt_at: datetime | None = None
    """When the message is due again, if it is queued again."""
    avoid: Sequence[str] | None = None
    """Gateways that refused the message or its carrier. ``None`` leaves the stored list unchanged."""


def turn_away(connection: Connection, rows: Sequence[TurnedAway]) -> None:
    """End claimed messages that may not be sent."""
    if rows:
        connection.execute(statement("messages/claiming/turn_away"), {"rows": recordset(rows)})


def postpone(connection: Connection, rows: Sequence[Postponed]) -> None:
    """Queue claimed messages for a later time."""
    if rows:
        connection.execute(statement("messages/claiming/postpone"), {"rows": recordset(rows)})


def begin_sending(connection: Connection, rows: Sequence[Departing]) -> None:
    """Mark claimed messages as in flight."""
    connection.execute(statement("messages/claiming/begin_sending"), {"rows": recordset(rows)})


def apply_outcomes(connection: Connection, rows: Sequence[MessageOutcome]) -> None:
    """Write the new states of messages in flight, which follow from the gateway's answers."""
    connection.execute(statement("messages/outcomes/apply_outcomes"), {"rows": recordset(rows)})


def expire(connection: Connection, window: Window, now: datetime) -> int:
    """End queued messages that are no longer useful. Return their number."""
    return connection.execute(statement("messages/outcomes/expire"), {"now": now, **window.bounds}).rowcount


def close_unconfirmed(connection: Connection, gateway: str, window: Window, before: datetime) -> int:
    """End messages that the gateway accepted before ``before`` and that no receipt confirmed. Return their number."""
    values = {"gateway": gateway, "before": before, **window.bounds}
    return connection.execute(statement("messages/outcomes/close_unconfirmed"), values).rowcount


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message of unknown outcome with its unresolved attempt, without phone number and text."""

    message_id: int
    kind: Kind
    agency_code: str
    dossier_code: str
    procedure_name: str | None
    reason: str | None
    useful_until: datetime
    gateway: str
    started_at: datetime
    settlings: int
    """How often the gateway was asked about the attempt or the request was repeated."""
    gateway_code: str | None


@dataclass(frozen=True, slots=True)
class HeldCount:
    """How many messages of unknown outcome one gateway has."""

    gateway: str
    held: int
    useful: int
    """How many of these messages are still useful."""


@dataclass(frozen=True, slots=True)
class ReleasedMessage:
    """A message of unknown outcome that a person released, without phone number and text."""

    released_at: datetime
    released_by: str
    reason: str
    kind: Kind
    agency_code: str
    dossier_code: str
    procedure_name: str | None
    state: str
    """The message's present state."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many queued messages are due, and how many failed before.

    ``failed`` does not count messages that wait for the end of a stop, a person's decision or opening hours.
    """

    due: int
    failed: int
    """How many messages wait for another attempt after a failed attempt."""


@dataclass(frozen=True, slots=True)
class RecordedCount:
    """How many messages about events recorded in a period are in one state."""

    agency_code: str | None
    """``None`` if the messages concern no agency's dossier, for example replies to an unknown code."""
    kind: Kind
    state: str
    messages: int


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many messages of an agency and a kind are in one state."""

    agency_code: str
    kind: Kind
    state: str
    reason: str | None
    """The reason of suppressed, cancelled and rejected messages. ``None`` for messages in other states."""
    messages: int


def release(
    connection: Connection,
    window: Window,
    now: datetime,
    *,
    released_by: str,
    reason: str,
    message_ids: Sequence[int] | None = None,
    gateway: str | None = None,
) -> list[int]:
    """Queue messages of unknown outcome again, unchanged, and record who released them. Return the messages' ids."""
    values = {
        "message_ids": None if message_ids is None else list(message_ids),
        "gateway": gateway,
        "released_by": released_by,
        "reason": reason,
        "now": now,
        **window.bounds,
    }
    return [row["message_id"] for row in connection.execute(statement("messages/outcomes/release"), values)]


def held(
    connection: Connection,
    *,
    useful_at: datetime | None,
    limit: int,
    agencies: Sequence[str] | None = None,
    message_ids: Sequence[int] | None = None,
) -> list[HeldMessage]:
    """Return messages of unknown outcome, the oldest first.

    Args:
        connection: a connection to the ledger.
        useful_at: return only messages that are still useful at this moment; ``None`` returns all.
        limit: return at most this many messages.
        agencies: return only messages of these agencies; ``None`` returns all.
        message_ids: return only these messages; ``None`` returns all.
    """
    values = {
        "useful_at": useful_at,
        "agencies": None if agencies is None else list(agencies),
        "message_ids": None if message_ids is None else list(message_ids),
        "limit": limit,
    }
    return values_of(HeldMessage, connection.execute(statement("messages/outcomes/held"), values))


def count_held(
    connection: Connection, window: Window, now: datetime, agencies: Sequence[str] | None = None
) -> list[HeldCount]:
    """Count messages of unknown outcome by gateway, for these agencies or for all."""
    values = {"now": now, "agencies": None if agencies is None else list(agencies), **window.bounds}
    return values_of(HeldCount, connection.execute(statement("messages/outcomes/count_held"), values))


def releases(connection: Connection, limit: int, agencies: Sequence[str] | None = None) -> list[ReleasedMessage]:
    """Return messages that people released, for these agencies or for all, the latest first (from
    ``motcua.releases``)."""
    values = {"limit": limit, "agencies": None if agencies is None else list(agencies)}
    return values_of(ReleasedMessage, connection.execute(statement("messages/outcomes/releases"), values))


def waiting(connection: Connection, window: Window, now: datetime, carriers: Sequence[str] | None = None) -> Waiting:
    """Count queued messages that are due, for these carriers or for all, and queued messages that failed before."""
    values = {"now": now, "carriers": None if carriers is None else list(carriers), **window.bounds}
    return first_of(Waiting, connection.execute(statement("messages/browsing/waiting"), values)) or Waiting(0, 0)


def by_state(connection: Connection) -> list[StateCount]:
    """Count messages by agency, kind, state and reason."""
    return values_of(StateCount, connection.execute(statement("messages/browsing/by_state")))


def recorded_in(
    connection: Connection, start: datetime, end: datetime, agencies: Sequence[str] | None = None
) -> list[RecordedCount]:
    """Count messages about events recorded in [start, end), by agency, kind and state.

    ``agencies`` limits the count to these agency codes. ``None`` counts all.
    """
    values = {"start": start, "end": end, "agencies": agencies}
    return values_of(RecordedCount, connection.execute(statement("messages/browsing/recorded_in"), values))
