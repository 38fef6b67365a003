"""Defines the lanes of one sender. A lane is a gateway in use, with its share of the request slots, its threads and its
open requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from motcua.domain.routing import CARRIERS
from motcua.domain.run_window import Window
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, GatewayAnswer, OutgoingMessage
from motcua.jobs.notices.sending.heartbeat import Heart
from motcua.jobs.notices.sending.request_slots import RequestSlots
from motcua.store.ledger.database import Connection
from motcua.store.notices.attempts import AttemptOutcome
from motcua.store.notices.gateways import GatewayOpening, GatewayStop, ensure_gateway, note_opening
from motcua.store.notices.messages import ClaimedMessage, MessageOutcome


@dataclass(slots=True)
class SendCounts:
    """Counts of one sender."""

    attempts: int = 0
    by_gateway: dict[str, int] = field(default_factory=dict)
    by_outcome: dict[str, int] = field(default_factory=dict)
    turned_away: dict[str, int] = field(default_factory=dict)
    abandoned: int = 0
    stopped: list[str] = field(default_factory=list)
    """The gateway pauses that began in this run, each with its reason."""
    gap: str | None = None
    """Why the sender sent nothing, or only messages that were recorded after a gap was noticed. A *gap* is open while
    the ledger may lack sent messages after a restore. ``None`` without an open gap."""
    set_aside: int = 0
    """Number of messages that this sender put on hold because of a stop."""
    unregistered: dict[str, int] = field(default_factory=dict)
    """Number of messages that wait because their template, or the brandname at their carrier, is registered at no
    gateway, by reason."""

    def count_unregistered(self, reason: str) -> None:
        """Count a message that waits for a registration."""
        self.unregistered[reason] = self.unregistered.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class SenderRun:
    """One run of a sender: its connections, its window, its clock and its heartbeat."""

    ledger: Connection
    lock: Connection
    """Connection that holds the sender's advisory locks. PostgreSQL frees the locks when this connection ends."""
    sender_id: int
    run_id: str
    window: Window
    clock: Callable[[], datetime]
    heart: Heart
    counts: SendCounts = field(default_factory=SendCounts)


_READY = 4
"""For this many open requests, one more committed attempt is held ready (docs/decisions/sending.md)."""
HELD_BACK = GatewayAnswer("transient", code="held back")
"""Answer for a committed attempt that was not sent: other requests failed in the meantime, other processes may consider
this process frozen, or the journal could not be written."""
NO_ANSWER = "no answer"
"""Reason of the pause of a gateway that gave no answers. Before such a gateway is tested with a message, it is asked a
question: a request that sends no message."""


@dataclass(frozen=True, slots=True)
class Call:
    """A message with a committed attempt."""

    message: ClaimedMessage
    carrier: str
    request: OutgoingMessage
    start_in: float
    """Seconds from the commit of the attempt to the start of the request, as the gateway's limit per second
    requires."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A call and its gateway's answer."""

    lane: Lane
    call: Call
    answer: GatewayAnswer


@dataclass(frozen=True, slots=True)
class Asked:
    """A silent gateway's answer to the question that comes before a test. The answer is ``None`` if the provider has no
    such request."""

    lane: Lane
    answer: GatewayAnswer | None


@dataclass(frozen=True, slots=True)
class Settled:
    """The changes that an answer leads to in the ledger."""

    message: MessageOutcome
    attempt: AttemptOutcome


@dataclass(slots=True)
class Lane:
    """One gateway that this sender uses."""

    gateway: Gateway
    slots: RequestSlots
    pool: ThreadPoolExecutor
    trusted: int
    """How many requests may be open after a pause: at first one, and then one more for each request that the gateway
    answers properly."""
    answers: list[Answered | Asked] = field(default_factory=list)
    """Answers that arrived since the sender last worked on this lane."""
    unwritten: list[Settled] = field(default_factory=list)
    """Changes that answers lead to and that are not committed yet."""
    in_flight: int = 0
    """Number of attempts and questions that have no written answer yet."""
    calling: int = 0
    """Number of requests that are open at this moment."""
    failing: int = 0
    """Number of requests in a row that failed through no fault of the message."""
    guard: threading.Lock = field(default_factory=threading.Lock)
    """Guards ``calling`` and ``failing``, which the lane's threads change."""
    unanswered: int = 0
    """Number of requests in a row without an answer."""
    turned_away: list[Answered] = field(default_factory=list)
    """The latest answers in a row that refused a message only for the moment (``transient``)."""
    exhausted: bool = False
    """Whether the lane's last claim found no due message."""
    queue_is_long: bool = False
    """Whether the last claim found as many messages as there was room for."""
    latest_claimed_at: float = float("-inf")
    """When the lane last claimed the messages that had just become due, by the monotonic clock."""
    resume_at: float = 0.0
    """Moment of the monotonic clock before which the gateway's limit per second allows no claim."""
    stop: GatewayStop | None = None
    """The pause of the whole gateway. After its planned end, the pause stays set until the gateway answers a request
    properly. Until then one request at a time is allowed."""
    on_trial: bool = False
    """Whether a request is open that tests if the gateway accepts messages again."""
    asks: bool = False
    """Whether the gateway is to be asked a question before it is tested with a message."""
    heard_until: datetime | None = None
    """End (``stop.until``) of the pause during which the gateway answered this sender's question. In that pause, the
    next message tests the gateway without a further question."""
    carrier_stops: dict[str, GatewayStop] = field(default_factory=dict)
    """Pauses of single carriers at this gateway, with the same meaning as ``stop``."""

    @property
    def name(self) -> str:
        """Name of the gateway."""
        return self.gateway.address.name

    @property
    def request_limit(self) -> int:
        """How many requests may be open now."""
        return min(self.slots.share, 1 if self.stop else self.trusted)

    @property
    def room(self) -> int:
        """How many more attempts may be committed.

        Failed requests count as open until the gateway answers a request properly: an outage must cost no more messages
        than may be in flight at once. While no request fails, a few more attempts are held ready, so that no thread
        waits for a commit.
        """
        if not self.failing:
            return self.request_limit + self.request_limit // _READY - self.in_flight
        return self.request_limit - self.in_flight - self.failing

    def allow_one_request(self) -> None:
        """Make room for one request although earlier requests to the gateway failed. Do nothing while a request is in
        flight."""
        if not self.in_flight:
            self.failing = min(self.failing, max(self.request_limit - 1, 0))

    def begin_call(self) -> bool:
        """Count one more open request and return ``True`` if the request may be sent. Once requests fail, an attempt
        that was held ready may not be sent."""
        with self.guard:
            may_go = self.calling + self.failing < self.request_limit
            self.calling += may_go
        return may_go

    def end_call(self, answer: GatewayAnswer) -> None:
        """Count the end of a request."""
        gateway_refused = answer.outcome == "configuration" and answer.concerns == "gateway"
        with self.guard:
            self.calling -= 1
            if answer is HELD_BACK:
                return
            self.failing = self.failing + 1 if gateway_refused or answer.outcome in ("unknown", "transient") else 0

    @property
    def wants_more(self) -> bool:
        """Whether the lane may have due messages and has room for one."""
        return not self.exhausted and self.request_limit > 0 and self.room > 0 and time.monotonic() >= self.resume_at


def open_and_note(ledger: Connection, name: str) -> Gateway:
    """Return a gateway's adapter, ready to use. Write the settings in the gateway's Airflow connection, or the fault of
    the connection, to the table ``gateways``.

    Raises:
        GatewayMisconfigured: the connection is missing or names an adapter that does not exist. The fault is then
            written to the table.
    """
    ensure_gateway(ledger, name)
    now = datetime.now(UTC)
    try:
        gateway = open_gateway(name)
    except GatewayMisconfigured as failure:
        note_opening(ledger, GatewayOpening(name, now, str(failure)))
        raise
    address = gateway.address
    carriers = None if address.carriers == CARRIERS else tuple(sorted(address.carriers))
    opening = GatewayOpening(
        name,
        now,
        None,
        carriers,
        address.segments_per_second,
        address.segments_per_day,
        None if gateway.unit == "segment" else gateway.unit,
        gateway.accents_cost_nothing or None,
        None if gateway.reports_deliveries else False,
        address.prices,
    )
    note_opening(ledger, opening)
    return gateway
