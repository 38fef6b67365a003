"""Lanes of one run of a sender: each is a gateway in use, with its share of the requests, its threads, what is out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests

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
    """What one sender did."""

    attempts: int = 0
    by_gateway: dict[str, int] = field(default_factory=dict)
    by_outcome: dict[str, int] = field(default_factory=dict)
    turned_away: dict[str, int] = field(default_factory=dict)
    abandoned: int = 0
    stopped: list[str] = field(default_factory=list)
    """What was stopped meanwhile, with the reasons."""
    gap: str | None = None
    """Why nothing was sent, or nothing of before: the ledger was restored, or may have been, and nobody looked at the
    gap."""
    set_aside: int = 0
    """Messages that wait because people stopped them, each counted when it was met."""
    unregistered: dict[str, int] = field(default_factory=dict)
    """Messages that wait because their template or their carrier is registered at no gateway, by the reason."""

    def count_unregistered(self, reason: str) -> None:
        """Counts a message that waits for a registration."""
        self.unregistered[reason] = self.unregistered.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class SenderRun:
    """Who sends what, and by which clock."""

    ledger: Connection
    lock: Connection
    """Holds the sender's advisory locks for as long as it lives."""
    sender_id: int
    run_id: str
    window: Window
    clock: Callable[[], datetime]
    heart: Heart
    counts: SendCounts = field(default_factory=SendCounts)


_READY = 4
"""One committed attempt is kept ready for so many that may be in flight (docs/decisions/sending.md)."""
HELD_BACK = GatewayAnswer("transient", code="held back")
"""Of a message kept ready that was not called: others failed meanwhile, or this process may be taken for frozen."""
UNHEARD = GatewayAnswer("transient", code="asked first, no answer")
"""Of a message that was to try a gateway again which still answers nothing, so that it was not called."""
NO_ANSWER = "no answer"
"""Why a gateway is stopped that answered nothing: before it is tried with a message it is asked without one."""


@dataclass(frozen=True, slots=True)
class Call:
    """A message whose attempt is committed."""

    message: ClaimedMessage
    carrier: str
    request: OutgoingMessage
    start_in: float
    """Seconds after the commit."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A call and what its gateway answered."""

    lane: Lane
    call: Call
    answer: GatewayAnswer


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer leads to."""

    message: MessageOutcome
    attempt: AttemptOutcome
    units_given_back: int


@dataclass(slots=True)
class Lane:
    """One gateway in use by this sender."""

    gateway: Gateway
    slots: RequestSlots
    pool: ThreadPoolExecutor
    trusted: int
    """How many requests may be out as far as the gateway can be trusted: after a stop one, then one more for each
    message that it takes."""
    answers: list[Answered] = field(default_factory=list)
    """Answers that came since its last turn."""
    unwritten: list[Settled] = field(default_factory=list)
    """What answers led to, until that is committed."""
    in_flight: int = 0
    calling: int = 0
    """Requests that are out at this moment."""
    failing: int = 0
    """Requests in a row that failed through no fault of the message."""
    guard: threading.Lock = field(default_factory=threading.Lock)
    """Of these two, which the lane's threads change."""
    unanswered: int = 0
    """Requests in a row that no answer came for."""
    turned_away: list[Answered] = field(default_factory=list)
    """The last answers in a row that turned a message away in passing."""
    exhausted: bool = False
    """The last claim found nothing."""
    queue_is_long: bool = False
    """The last claim found as many as there was room for."""
    latest_claimed_at: float = float("-inf")
    """By the monotonic clock: when it last claimed what became due just before."""
    resume_at: float = 0.0
    """By the monotonic clock: its limit a second allows no claim before."""
    stop: GatewayStop | None = None
    """It is stopped as a whole; or it was, and has taken nothing since: one request at a time."""
    on_trial: bool = False
    """A request is out that tries whether it takes messages again."""
    carrier_stops: dict[str, GatewayStop] = field(default_factory=dict)
    """The same of carriers there."""

    @property
    def name(self) -> str:
        """The gateway's."""
        return self.gateway.address.name

    @property
    def most(self) -> int:
        """How many requests may be out now."""
        return min(self.slots.share, 1 if self.stop else self.trusted)

    @property
    def room(self) -> int:
        """How many more attempts may be committed. Those that failed count until it takes one: an outage must cost no
        more messages than may be in flight at once. While all is well a few more are kept ready, so that no thread
        waits for a commit."""
        if not self.failing:
            return self.most + self.most // _READY - self.in_flight
        return self.most - self.in_flight - self.failing

    def try_on(self) -> None:
        """One that takes nothing, and is not stopped for it, is tried on, one request at a time: with none in flight,
        there is room for one."""
        if not self.in_flight:
            self.failing = min(self.failing, max(self.most - 1, 0))

    def begin_call(self) -> bool:
        """Whether one more request may go out. What was kept ready may not, once others fail."""
        with self.guard:
            may_go = self.calling + self.failing < self.most
            self.calling += may_go
        return may_go

    def submit(self, session: requests.Session, call: Call) -> GatewayAnswer:
        """Hands a call's message over. One that was silent is asked first in a way that can send nothing."""
        stop = self.stop
        if stop is not None and stop.reason == NO_ANSWER:
            said = self.gateway.try_login(session)
            if said is not None and said.outcome == "unknown" and (said.http_status or 500) >= 500:
                return UNHEARD
            if said is not None and said.http_status is None:
                return said
        return self.gateway.submit(session, call.request)

    def end_call(self, answer: GatewayAnswer) -> None:
        """Counts a request's end."""
        whole = answer.outcome == "configuration" and answer.concerns == "gateway"
        with self.guard:
            self.calling -= 1
            if answer is HELD_BACK:
                return
            self.failing = self.failing + 1 if whole or answer.outcome in ("unknown", "transient") else 0

    @property
    def wants_more(self) -> bool:
        """There may be due messages for it, and it has room for one."""
        return not self.exhausted and self.most > 0 and self.room > 0 and time.monotonic() >= self.resume_at


def open_and_note(ledger: Connection, name: str) -> Gateway:
    """The gateway's adapter, ready to use; what its connection says, or what is wrong with it, is kept.

    Raises:
        GatewayMisconfigured: its connection is missing or names an adapter that does not exist; that is kept, too.
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
