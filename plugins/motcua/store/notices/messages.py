"""Messages: planned, claimed, settled. The database refuses every move that message_moves does not name."""

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
    """A message of an occasion, to be written once; its words are ready."""

    kind: Kind
    dossier_id: int
    agency_code: str
    procedure_code: str | None
    occasion: str
    """What it tells of; a dossier has one message of a kind for each."""
    transition_id: int | None
    """The transition that begins the occasion, where one does."""
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
    """How a new message began."""

    state: BeginState
    reason: str | None


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message that may be tried, and since when."""

    message_id: int
    next_attempt_at: datetime


def messages_of(connection: Connection, dossier_ids: Sequence[int]) -> dict[int, list[PastMessage]]:
    """Result and supplement messages of these dossiers, by dossier."""
    return by_dossier(
        PastMessage, connection.execute(statement("messages/planning/of_dossiers"), {"dossier_ids": list(dossier_ids)})
    )


def save_messages(connection: Connection, messages: Sequence[PlannedMessage], now: datetime) -> list[SavedMessage]:
    """Writes new messages and returns how each began; one that exists already is left alone."""
    if not messages:
        return []
    rows = [columns_of(message) | columns_of(message.words) | {"words": None} for message in messages]
    return values_of(
        SavedMessage, connection.execute(statement("messages/planning/save"), {"rows": recordset(rows), "now": now})
    )


def reopen_mended(connection: Connection, window: Window, now: datetime) -> int:
    """Queues again what failed for a phone that the desk has mended since; returns how many. Without a window: of the
    dossiers whose phone, or one of whose messages, has changed since this was last asked."""
    return connection.execute(statement("messages/planning/reopen_mended"), {"now": now, **window.bounds}).rowcount


def reopen_confirmed(connection: Connection, confirmed: Sequence[Confirmation], now: datetime) -> int:
    """Queues again what only an old step had called for, now that one that is not old does; returns how many."""
    if not confirmed:
        return 0
    values = {"rows": recordset(confirmed), "now": now}
    return connection.execute(statement("messages/planning/reopen_confirmed"), values).rowcount


def make_due_judged(connection: Connection, dossier_ids: Sequence[int], now: datetime) -> None:
    """Makes due at once what waited for the rows of these dossiers, which were read."""
    if dossier_ids:
        connection.execute(
            statement("messages/planning/make_due_judged"), {"dossier_ids": list(dossier_ids), "now": now}
        )


def make_due(connection: Connection, window: Window, now: datetime) -> int:
    """Makes due at once what failed in passing in this window; returns how many."""
    return connection.execute(statement("messages/planning/make_due"), {"now": now, **window.bounds}).rowcount


@dataclass(frozen=True, slots=True)
class MessageText(Words):
    """What a message of the ledger says."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class KnownElsewhere:
    """What a message is called outside the ledger, in words that a restored one knows, too."""

    source: str
    agency_code: str
    dossier_code: str
    known_elsewhere_as: str
    """Its occasion: ``number 12`` (the source's), ``row``, or an apology's due date."""


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A due message, locked for one sender, with what its dossier and agency look like at this moment."""

    message_id: int
    attempts_made: int
    avoid: Sequence[str]
    """Gateways that did not take it."""
    msisdn: str
    """The dossier's number now; empty where it has none, which ``candidate`` refuses."""
    source_read_at: datetime | None
    is_stopped: bool
    """People have stopped what it is one of."""
    waits_for_opening: bool
    """Its agency would rather have it wait for a gateway's hours than go by the next one."""
    words: MessageText
    candidate: SendCandidate
    elsewhere: KnownElsewhere


@dataclass(frozen=True, slots=True)
class Share:
    """The due messages that a sender may claim for one gateway; with an empty name, those that no gateway is for."""

    gateway: str
    carriers: frozenset[str]
    """Carriers that this gateway is the one for at present."""
    open_carriers: frozenset[str]
    """Carriers that this gateway can take now, for messages that another gateway refused."""
    takes_unsorted: bool
    """Messages whose carrier was never looked up too."""


def plan_by_keys(connection: Connection) -> None:
    """Has this connection plan each statement once, and read tables through their keys alone.

    For a sender, which takes few rows at a time: planning a claim costs more than a claim, and a plan for an empty
    table would be followed until it is long (docs/decisions/sending.md).
    """
    connection.execute(statement("messages/claiming/plan_by_keys"))


Place: TypeAlias = tuple[datetime, int]
"""Of a queued message in the queue: when it is due, its number."""


def claim(
    connection: Connection, share: Share, window: Window, limit: int, now: datetime, first: Place | None = None
) -> list[ClaimedMessage]:
    """Up to ``limit`` due messages of a gateway's share, a thousand at most, locked until the transaction ends; from
    the place ``first`` in the queue on, if one is given."""
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
    """The newest due message to a carrier that may try whether the gateway takes it again; of those whose numbers it
    did not refuse, unless ``refused_too``."""
    values = {"gateway": gateway, "carrier": carrier, "refused_too": refused_too, "now": now, **window.bounds}
    row = connection.execute(statement("messages/claiming/find_for_trial"), values).fetchone()
    return (row["next_attempt_at"], row["message_id"]) if row else None


def left_waiting(connection: Connection, gateways: Sequence[str], due_by: datetime, now: datetime) -> list[DueMessage]:
    """Some of the messages that are due since then and that some sender could send now; of many, both ends of them.

    Args:
        connection: to the ledger.
        gateways: names of those that are in use.
        due_by: they are due by then.
        now: what is stopped is judged by this moment.
    """
    values = {"gateways": list(gateways), "due_by": due_by, "now": now}
    return values_of(DueMessage, connection.execute(statement("messages/claiming/left_waiting"), values))


def any_due(connection: Connection, window: Window, by: datetime) -> bool:
    """Whether any message of the window is due by then."""
    return bool(first(connection.execute(statement("messages/claiming/any_due"), {"by": by, **window.bounds}), "due"))


def do_not_wait(connection: Connection, message_ids: Sequence[int], now: datetime) -> None:
    """Makes messages due at once that failed in passing just before their gateway was stopped for it."""
    connection.execute(statement("messages/outcomes/do_not_wait"), {"message_ids": list(message_ids), "now": now})


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A claimed message that may not go."""

    message_id: int
    state: Literal["cancelled", "suppressed", "expired"]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Postponed:
    """A claimed message that must wait; what is ``None`` stays as it was."""

    message_id: int
    until: datetime
    reason: str | None = None
    carrier: str | None = None
    """Of its present number."""
    avoid: Sequence[str] | None = None
    """Gateways that did not take it."""


@dataclass(frozen=True, slots=True)
class Departing:
    """A claimed message that goes, and the attempt that is made for it."""

    message_id: int
    reference: str
    msisdn: str
    carrier: str
    units: int
    """Of what the gateway counts."""
    unit: Literal["segment", "message"] = "segment"
    accented: bool | None = None
    """``None``: as it was planned."""


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """What a gateway's answer makes of a message in flight."""

    message_id: int
    state: Literal["accepted", "rejected", "unknown", "queued"]
    reason: str | None
    answered_at: datetime
    next_attempt_at: datetime | None = None
    """Of one that is queued again."""
    avoid: Sequence[str] | None = None
    """Gateways that did not take it; ``None``: as before."""


def turn_away(connection: Connection, rows: Sequence[TurnedAway]) -> None:
    """Ends claimed messages that may not go."""
    if rows:
        connection.execute(statement("messages/claiming/turn_away"), {"rows": recordset(rows)})


def postpone(connection: Connection, rows: Sequence[Postponed]) -> None:
    """Has claimed messages wait."""
    if rows:
        connection.execute(statement("messages/claiming/postpone"), {"rows": recordset(rows)})


def begin_sending(connection: Connection, rows: Sequence[Departing]) -> None:
    """Claimed messages are in flight from here on."""
    connection.execute(statement("messages/claiming/begin_sending"), {"rows": recordset(rows)})


def apply_outcomes(connection: Connection, rows: Sequence[MessageOutcome]) -> None:
    """Writes the gateway's answers."""
    connection.execute(statement("messages/outcomes/apply_outcomes"), {"rows": recordset(rows)})


def expire(connection: Connection, window: Window, now: datetime) -> int:
    """Closes queued messages that are no longer useful; returns how many."""
    return connection.execute(statement("messages/outcomes/expire"), {"now": now, **window.bounds}).rowcount


def close_unconfirmed(connection: Connection, gateway: str, window: Window, before: datetime) -> int:
    """Closes messages that the gateway took before then and that no receipt came for; returns how many."""
    values = {"gateway": gateway, "before": before, **window.bounds}
    return connection.execute(statement("messages/outcomes/close_unconfirmed"), values).rowcount


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message of unknown outcome, with the attempt that has no known end; no number and no words."""

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
    """How often the gateway was asked about it, or the request repeated."""
    gateway_code: str | None


@dataclass(frozen=True, slots=True)
class HeldCount:
    """Messages of unknown outcome at one gateway."""

    gateway: str
    held: int
    useful: int
    """Of them those that are still useful."""


@dataclass(frozen=True, slots=True)
class ReleasedMessage:
    """A message that a person let go again; no number and no words."""

    released_at: datetime
    released_by: str
    reason: str
    kind: Kind
    agency_code: str
    dossier_code: str
    procedure_name: str | None
    state: str
    """By now."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Queued messages, without those that wait because people stopped them."""

    due: int
    failed: int
    """Those that were tried already."""


@dataclass(frozen=True, slots=True)
class RecordedCount:
    """How many messages of what was recorded in a period are in a state."""

    agency_code: str | None
    """``None``: they are about no agency's dossier, as replies to a code that nobody knows."""
    kind: Kind
    state: str
    messages: int


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many messages of an agency and a kind are in a state."""

    agency_code: str
    kind: Kind
    state: str
    reason: str | None
    """Of those that were not sent or were refused."""
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
    """Queues messages of unknown outcome again, as they are, and keeps who did so; returns their ids."""
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
    """Messages of unknown outcome, the oldest first.

    Args:
        connection: to the ledger.
        useful_at: only those that are still useful then; ``None``: all.
        limit: the first so many.
        agencies: only theirs; ``None``: all.
        message_ids: only these; ``None``: all.
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
    """Messages of unknown outcome, of these agencies or all, by gateway."""
    values = {"now": now, "agencies": None if agencies is None else list(agencies), **window.bounds}
    return values_of(HeldCount, connection.execute(statement("messages/outcomes/count_held"), values))


def releases(connection: Connection, limit: int, agencies: Sequence[str] | None = None) -> list[ReleasedMessage]:
    """Messages that people let go again, of these agencies or all, the latest first."""
    values = {"limit": limit, "agencies": None if agencies is None else list(agencies)}
    return values_of(ReleasedMessage, connection.execute(statement("messages/outcomes/releases"), values))


def waiting(connection: Connection, window: Window, now: datetime, carriers: Sequence[str] | None = None) -> Waiting:
    """Queued messages that are due, of these carriers or all, and that failed before."""
    values = {"now": now, "carriers": None if carriers is None else list(carriers), **window.bounds}
    return first_of(Waiting, connection.execute(statement("messages/browsing/waiting"), values)) or Waiting(0, 0)


def by_state(connection: Connection) -> list[StateCount]:
    """Messages counted by agency, kind, state and reason."""
    return values_of(StateCount, connection.execute(statement("messages/browsing/by_state")))


def recorded_in(
    connection: Connection, start: datetime, end: datetime, agencies: Sequence[str] | None = None
) -> list[RecordedCount]:
    """Messages of what was recorded in [start, end), by agency, kind and state.

    ``agencies``: codes of those whose messages count; ``None``: all.
    """
    values = {"start": start, "end": end, "agencies": agencies}
    return values_of(RecordedCount, connection.execute(statement("messages/browsing/recorded_in"), values))
