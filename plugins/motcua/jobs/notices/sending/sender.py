"""Sending: claim → look again → commit the attempt → HTTP → outcome, committed.

The ledger is the only thing that retries. A sender that dies leaves attempts in flight; the next one finds its
advisory lock free, so the loss is known at once, and makes them ``unknown``: nothing is ever repeated blindly.

Each gateway in use is a lane with its own share of the queue (by carrier), its own threads and its own limits.
"""

from __future__ import annotations

import queue
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from motcua.domain.occasions import SendCandidate, look_again
from motcua.domain.routing import (
    REFUSED_NUMBERS,
    Route,
    another_gateway,
    assign_carriers,
    carrier_is_refused,
    carrier_of_msisdn,
    day_of,
    fit_day,
    next_day,
    next_pause,
    start_times,
    unregistered_carriers,
)
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.texts import Registration, RegistrationKey, UnregisteredTemplate
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, GatewayAnswer, OutgoingMessage
from motcua.jobs.notices.attempts import (
    ATTEMPT_STATE,
    bury_the_dead,
    outgoing_message,
    provider_template_id,
    rests_until,
    settle_time,
)
from motcua.jobs.notices.planning import planning_rules
from motcua.jobs.notices.request_slots import RequestSlots
from motcua.settings import settings
from motcua.store.ledger.database import Connection, connect, open_connection
from motcua.store.ledger.locks import LINGERING, hold_lock
from motcua.store.ledger.rows import value_of
from motcua.store.notices import attempts, messages
from motcua.store.notices.gateways import (
    GatewayStop,
    StopConcern,
    begin_trial,
    end_trial,
    ensure_gateway,
    gateway_stops,
    judge_carrier,
    lift_stops_that_are_over,
    lock_allowance,
    stop_gateway,
    use_allowance,
)
from motcua.store.notices.messages import Place, Share
from motcua.store.notices.registrations import registrations
from motcua.store.notices.templates import load_template_versions

_GATHER = 0.004
"""Seconds that the first answer waits for others, to be written with them (docs/decisions/sending-speed.md)."""
_READY = 4
"""One committed attempt is kept ready for so many that may be in flight (docs/decisions/sending-speed.md)."""
_WAIT_FOR_UNSETTLED = timedelta(minutes=1)
_WAIT_FOR_ROW = timedelta(seconds=10)
"""Beyond the moment from which on the dossier's row is read for an old step; that reading makes it due by itself."""
_LOOK_FOR_NEWS_EVERY = timedelta(seconds=5)
_LOOK_WHEN_IDLE_EVERY = 0.25
_READ_STOPS_EVERY = 5.0
_START_AHEAD = timedelta(seconds=0.5)
"""How far ahead messages are claimed for a gateway with a limit a second: they are judged this long before they go."""
_WAIT_FOR_SLOTS = 0.1
_IDLE_AFTER = 1.0
"""Seconds without news after which others may have all of this sender's slots."""
_HELD_BACK = GatewayAnswer("transient", code="held back")
"""Of a message kept ready that was not called, because others failed meanwhile."""
_CLAIM_FOR = 20 * 60.0
"""Seconds; well inside the task's execution_timeout, which would tear the sender from what is in flight."""


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
    unregistered: dict[str, int] = field(default_factory=dict)
    """Messages that wait because their template or their carrier is registered at no gateway, by the reason."""


class CatchUp(Protocol):
    """Picks up and plans what has come meanwhile."""

    @property
    def is_over(self) -> bool:
        """The run has lasted long enough."""

    def __call__(self) -> bool:
        """Whether there was news."""


def _now() -> datetime:
    return datetime.now(UTC)


def send(
    run_id: str,
    window: Window = EVERYTHING,
    *,
    catch_up: CatchUp | None = None,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = _now,
) -> SendCounts:
    """Sends every message that is due, or those of a window, until none is left or no gateway may be used.

    ``catch_up`` picks up and plans news meanwhile: every few seconds while a long queue drains, so that a message late
    in it is judged by what the sources say then; and when the queue is empty, for as long as news keeps coming.

    Once ``stop`` is set nothing more is claimed; what is in flight is waited for and written.

    Raises:
        motcua.gateways.GatewayMisconfigured: no gateway's Airflow connection can be used.
    """
    with open_connection() as lock, connect() as ledger:
        lock.autocommit = True
        messages.plan_by_keys(ledger)
        sender_id = secrets.randbits(62)
        if not hold_lock(lock, sender_id):
            raise RuntimeError("a random sender id was taken")
        return _Sender(ledger, lock, sender_id, run_id, window, catch_up, stop or threading.Event(), clock).run()


@dataclass(slots=True)
class _Lane:
    """One gateway in use by this sender."""

    gateway: Gateway
    slots: RequestSlots
    pool: ThreadPoolExecutor
    trusted: int
    """How many requests may be out as far as the gateway can be trusted: after a stop one, then one more for each
    message that it takes."""
    answers: list[_Answer] = field(default_factory=list)
    """Answers that came since its last turn."""
    unwritten: list[_Settled] = field(default_factory=list)
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
    turned_away: list[_Answer] = field(default_factory=list)
    """The last answers in a row that turned a message away in passing."""
    exhausted: bool = False
    """The last claim found nothing."""
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
        return self.gateway.address.name

    @property
    def most(self) -> int:
        return min(self.slots.share, 1 if self.stop else self.trusted)

    @property
    def room(self) -> int:
        """How many more attempts may be committed. Those that failed count until it takes one: an outage must cost no
        more messages than may be in flight at once. While all is well a few more are kept ready, so that no thread
        waits for a commit."""
        if not self.failing:
            return self.most + self.most // _READY - self.in_flight
        room = self.most - self.in_flight - self.failing
        # One that takes nothing, and is not stopped for it, is tried on: one request at a time.
        return room if self.in_flight else max(room, 1)

    def begin_call(self) -> bool:
        """Whether one more request may go out. What was kept ready may not, once others fail."""
        with self.guard:
            may_go = self.calling == 0 or self.calling + self.failing < self.most
            self.calling += may_go
        return may_go

    def end_call(self, outcome: GatewayAnswer) -> None:
        """Counts a request's end."""
        whole = outcome.outcome == "configuration" and outcome.concerns == "gateway"
        with self.guard:
            self.calling -= 1
            self.failing = self.failing + 1 if whole or outcome.outcome in ("unknown", "transient") else 0

    @property
    def wants_more(self) -> bool:
        return not self.exhausted and self.most > 0 and self.room > 0 and time.monotonic() >= self.resume_at


@dataclass(frozen=True, slots=True)
class _Answer:
    lane: _Lane
    row: Mapping[str, Any]
    message: OutgoingMessage
    outcome: GatewayAnswer


@dataclass(frozen=True, slots=True)
class _Settled:
    """What an answer leads to: columns of the message and of the attempt."""

    message: Mapping[str, Any]
    attempt: Mapping[str, Any]
    segments_given_back: int


@dataclass(frozen=True, slots=True)
class _Fit:
    """A claimed message that may go through a lane now."""

    row: Mapping[str, Any]
    carrier: str
    known_as: str | None
    """The provider's own id of its template."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A message whose attempt is committed."""

    row: Mapping[str, Any]
    message: OutgoingMessage
    start_in: float
    """Seconds after the commit."""


class _Sender:
    def __init__(
        self,
        ledger: Connection,
        lock: Connection,
        sender_id: int,
        run_id: str,
        window: Window,
        catch_up: CatchUp | None,
        stop: threading.Event,
        clock: Callable[[], datetime],
    ) -> None:
        self.ledger, self.lock, self.sender_id = ledger, lock, sender_id
        self.run_id, self.window, self.catch_up, self.stop, self.clock = run_id, window, catch_up, stop, clock
        self.counts = SendCounts()
        self.answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self.templates = load_template_versions()
        self.refreshed_at = clock()
        self.lanes: list[_Lane] = []
        self.routes: list[Route] = []
        self.assigned: dict[str, frozenset[str]] = {}
        self.stopped_templates: set[tuple[str, str]] = set()
        self.registrations: Mapping[RegistrationKey, Registration] = {}
        self.read_stops_at, self.stops_changed = 0.0, False
        self.on_trial: frozenset[tuple[str, str]] = frozenset()
        self.claim_until = time.monotonic() + _CLAIM_FOR
        # One sender goes on for all: a second run, by the clock or by hand, does what is due and ends.
        self.lingers = catch_up is not None and hold_lock(lock, LINGERING)

    def run(self) -> SendCounts:
        self.counts.abandoned = bury_the_dead(self.ledger, self.lock, self.clock(), self.sender_id)
        with ExitStack() as pools:
            self._open_lanes(pools)
            try:
                self._set_unroutable_aside()
                while True:
                    if self._may_claim:
                        self._refresh_if_old()
                        self._read_stops_if_old()
                    self._take_turns()
                    if self.in_flight:
                        self._gather(wait=_LOOK_WHEN_IDLE_EVERY)
                    elif not self._may_claim or not self._more_may_come():
                        break
            except BaseException:
                # Whatever ended the run: the gateways' answers to what is in flight are not thrown away.
                self.ledger.rollback()
                self.claim_until = float("-inf")
                self._take_turns()
                while self.in_flight:
                    self._gather(wait=None)
                    self._take_turns()
                raise
        return self.counts

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    @property
    def _may_claim(self) -> bool:
        return not self.stop.is_set() and time.monotonic() < self.claim_until

    def _open_lanes(self, pools: ExitStack) -> None:
        refusal: GatewayMisconfigured | None = None
        for name in settings().gateways:
            ensure_gateway(self.ledger, name)
            try:
                gateway = open_gateway(name)
            except GatewayMisconfigured as failure:
                # The others go on; the run is red for it.
                refusal = failure
                self._stop(name, str(failure), settings().gateway_stop)
                continue
            concurrency = gateway.address.concurrency
            slots = RequestSlots(self.lock, name, concurrency)
            pools.callback(slots.close)
            pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"gateway {name}")
            self.lanes.append(_Lane(gateway, slots, pools.enter_context(pool), concurrency))
        self.ledger.commit()
        if refusal is not None and not self.lanes:
            raise refusal
        self._read_stops()

    def _read_stops(self) -> None:
        """What is stopped and registered at each gateway, and which one each carrier goes to now."""
        now = self.clock()
        if lift_stops_that_are_over(self.ledger, now, changed_by=self.run_id):
            self.ledger.commit()
        stops = gateway_stops(self.ledger)
        self.registrations = registrations(self.ledger)
        self.ledger.commit()
        ends = [(stop.until - now).total_seconds() for stop in stops if stop.until > now]
        self.read_stops_at, self.stops_changed = time.monotonic() + min([_READ_STOPS_EVERY, *ends]), False
        self.routes = []
        for lane in self.lanes:
            ours = [stop for stop in stops if stop.gateway == lane.name]
            lane.stop = next((stop for stop in ours if stop.concerns == "gateway"), None)
            lane.carrier_stops = {stop.subject: stop for stop in ours if stop.concerns == "carrier"}
            if lane.stop is not None:
                lane.trusted = 1
            stopped = lane.stop is not None and lane.stop.until > now
            self.routes.append(Route(lane.name, lane.gateway.address.carriers, stopped, frozenset(lane.carrier_stops)))
        self.stopped_templates = {(stop.gateway, stop.subject) for stop in stops if stop.concerns == "template"}
        assigned = assign_carriers(self.routes)
        on_trial = frozenset(
            (stop.gateway, stop.subject) for stop in stops if stop.concerns == "carrier" and stop.until <= now
        )
        if assigned != self.assigned or on_trial != self.on_trial:
            self.assigned, self.on_trial = assigned, on_trial
            self._look_anew()

    def _look_anew(self) -> None:
        """Something changed that may make a message due at any gateway."""
        for lane in self.lanes:
            lane.exhausted = False

    def _read_stops_if_old(self) -> None:
        if self.stops_changed or time.monotonic() >= self.read_stops_at:
            self._read_stops()

    def _refresh_if_old(self) -> None:
        if self.catch_up is not None and self.clock() - self.refreshed_at > _LOOK_FOR_NEWS_EVERY:
            if self.catch_up():
                self._look_anew()
            self.refreshed_at = self.clock()

    def _more_may_come(self) -> bool:
        """With nothing in flight: whether to look at the queue once more."""
        if self.stops_changed:
            return True
        usable = [lane for lane, route in zip(self.lanes, self.routes, strict=True) if not route.stopped]
        waiting = [lane.resume_at for lane in usable if not lane.exhausted and lane.slots.share]
        if waiting:
            self.stop.wait(max(0.0, min(waiting) - time.monotonic()))
            return True
        if not all(lane.exhausted for lane in usable):
            # Others have all slots; so that nobody waits for the other in a circle, they may have what is idle here.
            for lane in self.lanes:
                if lane.exhausted:
                    lane.slots.give_all_back()
            self.stop.wait(_WAIT_FOR_SLOTS)
            return True
        if self._wait_for_news():
            self._look_anew()
            return True
        return False

    def _wait_for_news(self) -> bool:
        """With nothing left to send: whether news came, or what is stopped may be tried again, before the patience or
        the run's time was over. Messages that wait for a gateway are waited with."""
        if self.catch_up is None or not self.lingers:
            return False
        began = time.monotonic()
        trial_in = self._next_trial()
        if trial_in is None and all(route.stopped for route in self.routes):
            return False
        patience = settings().linger_quiet.total_seconds() if trial_in is None else trial_in
        while time.monotonic() < began + patience and not self.catch_up.is_over:
            if self.catch_up():
                self.refreshed_at = self.clock()
                return True
            if time.monotonic() > began + _IDLE_AFTER:
                for lane in self.lanes:
                    lane.slots.give_all_back()
            left = began + patience - time.monotonic()
            if self.stop.wait(max(0.0, min(_LOOK_WHEN_IDLE_EVERY, left))):
                return False
        self.stops_changed = trial_in is not None and not self.catch_up.is_over
        return self.stops_changed

    def _next_trial(self) -> float | None:
        """In how many seconds something that messages wait for is tried again; ``None``: nothing is."""
        now = self.clock()
        stops = [stop for lane in self.lanes for stop in (lane.stop, *lane.carrier_stops.values()) if stop]
        ends = [stop.until for stop in stops if stop.pause is not None and stop.until > now]
        waits = bool(ends) and messages.any_due(self.ledger, self.window, min(ends))
        self.ledger.commit()
        return (min(ends) - now).total_seconds() if waits else None

    def _set_unroutable_aside(self) -> None:
        """Messages to carriers that no gateway's brandname is registered at wait and are reported."""
        nowhere = unregistered_carriers(self.routes)
        if not nowhere or not self.routes:
            return
        share = Share("", nowhere, frozenset(), takes_unsorted=False)
        while self._may_claim:
            rows = messages.claim(self.ledger, share, self.window, 1000, self.clock())
            now = self.clock()
            postponed = []
            for row in self._judge(rows, now):
                carrier = carrier_of_msisdn(row["msisdn"])
                wait = {"message_id": row["message_id"], "carrier": carrier, "until": now, "reason": "carrier_changed"}
                if carrier in nowhere:
                    wait |= {"until": now + settings().gateway_stop, "reason": "carrier_unregistered"}
                    self._count_unregistered(f"no gateway's brandname is registered at {carrier}")
                postponed.append(wait)
            messages.postpone(self.ledger, postponed)
            self.ledger.commit()
            if not rows:
                break

    def _judge(self, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Mapping[str, Any]]:
        """Looks at claimed messages again; settles those that may not go and returns the others."""
        rules = planning_rules()
        going: list[Mapping[str, Any]] = []
        away: list[dict[str, Any]] = []
        waiting: list[dict[str, Any]] = []
        for row in rows:
            verdict, reason = look_again(value_of(SendCandidate, row), now, rules)
            if verdict == "send" and (until := rests_until(row, now)) is not None:
                waiting.append({"message_id": row["message_id"], "until": until})
            elif verdict == "send":
                going.append(row)
            elif verdict == "wait":
                waiting.append({"message_id": row["message_id"], "until": now + _WAIT_FOR_UNSETTLED})
            elif verdict == "wait_for_row":
                until = now + _WAIT_FOR_UNSETTLED if row["waits_for_row"] else row["waits_until"] + _WAIT_FOR_ROW
                waiting.append({"message_id": row["message_id"], "until": until, "reason": "old_step"})
            else:
                away.append({"message_id": row["message_id"], "state": verdict, "reason": reason})
                self.counts.turned_away[verdict] = self.counts.turned_away.get(verdict, 0) + 1
        messages.turn_away(self.ledger, away)
        messages.postpone(self.ledger, waiting)
        return going

    def _route(self, lane: _Lane) -> Route:
        return next(route for route in self.routes if route.gateway == lane.name)

    def _may_claim_for(self, lane: _Lane) -> bool:
        return self._may_claim and lane.wants_more and not self.stops_changed and not self._route(lane).stopped

    def _take_turns(self) -> None:
        """For each lane: writes its answers and claims for the room that they leave, in one transaction.

        The statements go out without waiting for each other; only claimed rows and the commit are waited for.
        """
        for lane in self.lanes:
            if self._may_claim and (lane.slots.share or not (lane.exhausted or self._route(lane).stopped)):
                # Also of an idle lane: others may want what it has.
                lane.slots.balance()
            if not (lane.answers or lane.unwritten or self._may_claim_for(lane)):
                continue
            with self.ledger.pipeline():
                self._write_answers(lane)
                calls = self._claim(lane) if self._may_claim_for(lane) else []
                self.ledger.commit()
            committed_at = time.monotonic()
            lane.unwritten.clear()
            lane.in_flight += len(calls)
            self.counts.attempts += len(calls)
            self.counts.by_gateway[lane.name] = self.counts.by_gateway.get(lane.name, 0) + len(calls)
            for call in calls:
                lane.pool.submit(self._call, lane, call, committed_at + call.start_in)

    def _claim(self, lane: _Lane) -> list[_Call]:
        """Claims due messages of the lane's share and saves their attempts; they may be called once committed."""
        now = self.clock()
        route = self._route(lane)
        share = Share(
            lane.name,
            self.assigned[lane.name],
            route.open_carriers,
            takes_unsorted=next(r.gateway for r in self.routes if not r.stopped) == lane.name,
        )
        going = self._claim_for_trials(lane, now)
        room = max(0, lane.room - len(going))
        rows = messages.claim(self.ledger, share, self.window, room, now) if room else []
        lane.exhausted = not rows and not going
        going += self._fit_to_go(lane, share, rows, now)
        if going and lane.stop is not None:
            going = going if self._begin_trial(lane, lane.stop, now) else []
        starts = self._within_limits(lane, [each.row["segments"] for each in going], now)
        going = going[: len(starts)]
        outgoing = [outgoing_message(each.row, secrets.token_hex(16), each.known_as) for each in going]
        if going:
            values = [
                {
                    "message_id": each.row["message_id"],
                    "reference": message.reference,
                    "msisdn": message.msisdn,
                    "carrier": each.carrier,
                    "segments": message.segments,
                }
                for each, message in zip(going, outgoing, strict=True)
            ]
            messages.begin_sending(self.ledger, values)
            attempts.save_attempts(
                self.ledger, values, gateway=lane.name, sender_id=self.sender_id, run_id=self.run_id, now=now
            )
        return [
            _Call({**each.row, "carrier": each.carrier}, message, (start - now).total_seconds())
            for each, message, start in zip(going, outgoing, starts, strict=True)
        ]

    def _claim_for_trials(self, lane: _Lane, now: datetime) -> list[_Fit]:
        """For each carrier that was stopped here long enough one message that tries whether it is taken again."""
        going: list[_Fit] = []
        for carrier, stop in list(lane.carrier_stops.items()):
            if lane.stop is not None or stop.until > now or len(going) >= lane.room:
                continue
            only = frozenset({carrier})
            share = Share(lane.name, only, only, takes_unsorted=False)
            fit: list[_Fit] = []
            while not fit and (place := self._place_of_trial(lane, carrier, now)) is not None:
                rows = messages.claim(self.ledger, share, self.window, 1, now, place)
                if not rows:
                    # Others have it.
                    break
                fit = self._fit_to_go(lane, share, rows, now)
            if fit and self._begin_trial(lane, stop, now):
                going += fit
        return going

    def _place_of_trial(self, lane: _Lane, carrier: str, now: datetime) -> Place | None:
        """Where in the queue the message is that tries a carrier again; better one whose number was not refused."""
        for refused_too in (False, True):
            place = messages.find_for_trial(self.ledger, lane.name, carrier, self.window, now, refused_too=refused_too)
            if place is not None:
                return place
        return None

    def _begin_trial(self, lane: _Lane, stop: GatewayStop, now: datetime) -> bool:
        """Whether this sender is the one that tries what was stopped again."""
        pause = next_pause(stop.pause, settings().gateway_stop)
        tried = replace(stop, until=now + pause, pause=pause)
        if not begin_trial(self.ledger, tried, now):
            self.stops_changed = True
            return False
        if stop.concerns == "gateway":
            lane.stop, lane.on_trial = tried, True
        else:
            lane.carrier_stops[stop.subject] = tried
        return True

    def _fit_to_go(self, lane: _Lane, share: Share, rows: Sequence[Mapping[str, Any]], now: datetime) -> list[_Fit]:
        """Of claimed messages those that may go through the lane now; the others are settled."""
        going: list[_Fit] = []
        postponed: list[dict[str, Any]] = []
        for row in self._judge(rows, now):
            carrier = carrier_of_msisdn(row["msisdn"])
            if carrier not in (share.registered if row["avoid"] else share.carriers):
                # The desk changed the number since, or nobody had looked the carrier up.
                postponed.append({"message_id": row["message_id"], "carrier": carrier, "until": now})
                self._look_anew()
            else:
                try:
                    going.append(_Fit(row, carrier, self._provider_template_id(row, lane.gateway)))
                except UnregisteredTemplate as refusal:
                    wait = self._try_another(row, lane.name, carrier, now)
                    postponed.append(wait | {"message_id": row["message_id"]})
                    if wait["until"] > now:
                        self._count_unregistered(str(refusal))
        messages.postpone(self.ledger, postponed)
        return going

    def _within_limits(self, lane: _Lane, segments: Sequence[int], now: datetime) -> list[datetime]:
        """When each of the first of these messages may start; the others stay queued. Counted before the call, in
        the transaction of the attempts: all senders together keep to the limits, also if one dies."""
        if not segments:
            return []
        per_second, per_day = lane.gateway.address.segments_per_second, lane.gateway.address.segments_per_day
        day, room, free_at = day_of(now), len(segments), None
        starts = [now] * room
        if per_second is not None or per_day is not None:
            allowance = lock_allowance(self.ledger, lane.name, day)
            if per_day is not None and (room := fit_day(segments, per_day, allowance.segments_today)) < len(segments):
                if room + lane.in_flight == 0:
                    self._stop(lane.name, f"the {per_day} segments of the day are used", next_day(now) - now)
                # What is in flight may be refused, and give back what it took.
                lane.exhausted = True
            starts = starts[:room]
            if per_second is not None:
                starts, free_at = start_times(segments[:room], per_second, allowance.free_at, now, _START_AHEAD)
                if len(starts) < room:
                    lane.resume_at = time.monotonic() + max(0.0, (free_at - now - _START_AHEAD).total_seconds())
        used = sum(segments[: len(starts)])
        use_allowance(self.ledger, lane.name, day=day, segments=used, free_at=free_at)
        return starts

    def _provider_template_id(self, row: Mapping[str, Any], gateway: Gateway) -> str | None:
        """The provider's own id of the message's template, where it gives one.

        Raises:
            UnregisteredTemplate: the gateway would refuse the template, so nothing is spent on it.
        """
        name = f"{row['template_id']}.v{row['template_version']}"
        if (gateway.address.name, name) in self.stopped_templates:
            raise UnregisteredTemplate(f"template {name} is stopped at {gateway.address.name}")
        if (row["template_id"], row["template_version"]) not in self.templates:
            raise UnregisteredTemplate(f"template {name} has no file")
        return provider_template_id(self.registrations, row, gateway)

    def _count_unregistered(self, reason: str) -> None:
        self.counts.unregistered[reason] = self.counts.unregistered.get(reason, 0) + 1

    def _try_another(self, row: Mapping[str, Any], gateway: str, carrier: str, now: datetime) -> dict[str, Any]:
        """When and where a message goes on that this gateway does not take: at once by another one, else later."""
        avoid = [*row["avoid"], gateway]
        if another_gateway(self.routes, carrier, avoid):
            self._look_anew()
            return {"until": now, "avoid": avoid, "carrier": carrier}
        return {"until": now + settings().gateway_stop, "avoid": [], "carrier": carrier}

    def _call(self, lane: _Lane, call: _Call, start_at: float) -> None:
        if (wait := start_at - time.monotonic()) > 0:
            time.sleep(wait)
        outcome = _HELD_BACK
        with lane.slots.session() as http:
            if lane.begin_call():
                try:
                    outcome = lane.gateway.submit(http, call.message)
                except Exception as failure:
                    # An adapter's own mistake, after the request may have left: the outcome is not known.
                    outcome = GatewayAnswer("unknown", code=f"adapter: {type(failure).__name__}")
                lane.end_call(outcome)
        self.answers.put(_Answer(lane, call.row, call.message, outcome))

    def _gather(self, wait: float | None) -> None:
        """Gives the lanes the answers that have come; waits for the first so many seconds."""
        try:
            answer = self.answers.get(timeout=wait)
        except queue.Empty:
            return
        answer.lane.answers.append(answer)
        time.sleep(_GATHER)
        while not self.answers.empty():
            answer = self.answers.get()
            answer.lane.answers.append(answer)

    def _write_answers(self, lane: _Lane) -> None:
        """Writes what the lane's answers lead to."""
        now = self.clock()
        refused: dict[str, str] = {}
        do_not_wait: list[int] = []
        while lane.answers:
            answer = lane.answers.pop(0)
            lane.in_flight -= 1
            do_not_wait += self._notice(answer)
            if answer.outcome.outcome == "configuration" and answer.outcome.concerns == "carrier":
                refused[answer.row["carrier"]] = _words(answer.outcome)
            lane.unwritten.append(self._settle(answer, now))
        if not lane.unwritten:
            return
        messages.apply_outcomes(self.ledger, [settled.message for settled in lane.unwritten])
        attempts.apply_outcomes(self.ledger, [settled.attempt for settled in lane.unwritten])
        if do_not_wait:
            messages.do_not_wait(self.ledger, do_not_wait, now)
        for carrier in refused.keys() - lane.carrier_stops.keys():
            # Judged by the ledger, which knows what other senders and earlier runs were answered.
            since = now - settings().useful_for
            numbers, took_one = judge_carrier(self.ledger, lane.name, carrier, since, REFUSED_NUMBERS)
            if carrier_is_refused(numbers, took_one):
                self._stop_for_a_pause(lane, refused[carrier], "carrier", carrier)
        if given_back := sum(settled.segments_given_back for settled in lane.unwritten):
            use_allowance(self.ledger, lane.name, day=day_of(now), segments=-given_back)

    def _settle(self, answer: _Answer, now: datetime) -> _Settled:
        lane, outcome = answer.lane, answer.outcome
        self.counts.by_outcome[outcome.outcome] = self.counts.by_outcome.get(outcome.outcome, 0) + 1
        attempt_state = ATTEMPT_STATE[outcome.outcome]
        if lane.gateway.address.segments_per_day is not None:
            lane.exhausted = False
        return _Settled(
            message={"message_id": answer.row["message_id"], "answered_at": now} | self._after(answer, now),
            attempt={
                "reference": answer.message.reference,
                "attempt_state": attempt_state,
                "outcome": outcome.outcome,
                "concerns": outcome.concerns if outcome.outcome == "configuration" else None,
                "http_status": outcome.http_status,
                "gateway_code": outcome.code,
                "gateway_reference": outcome.gateway_reference,
                "answered_at": now,
                "settle_at": settle_time(outcome, lane.gateway, now),
            },
            segments_given_back=answer.message.segments if attempt_state in ("rejected", "failed") else 0,
        )

    def _notice(self, answer: _Answer) -> list[int]:
        """Stops what the answer shows to be wrong, and starts what takes messages again; returns messages that wait for
        the gateway from now on, and not for a time of their own."""
        lane, outcome, carrier = answer.lane, answer.outcome, answer.row["carrier"]
        wait_for_it: list[int] = []
        if outcome is _HELD_BACK:
            return wait_for_it
        is_transient, words = outcome.outcome == "transient", _words(outcome)
        lane.unanswered = lane.unanswered + 1 if outcome.outcome == "unknown" else 0
        lane.turned_away = [*lane.turned_away, answer] if is_transient else []
        # One that fails alone, just after a restart for example, is nothing.
        limit = 1 if lane.on_trial else max(2, lane.most)
        if lane.unanswered >= limit:
            # It takes no more than was in flight to see that nobody answers; the queue waits.
            self._stop_for_a_pause(lane, "no answer", costs_a_message=True)
        elif is_transient and (outcome.http_status is None or len(lane.turned_away) >= limit):
            # Without a status nobody is there, which one request shows as well as many.
            self._stop_for_a_pause(lane, f"takes nothing: {words}")
            wait_for_it = [each.row["message_id"] for each in lane.turned_away if not each.outcome.retry_after]
            lane.turned_away = []
        elif outcome.outcome == "configuration" and outcome.concerns == "gateway":
            self._stop_for_a_pause(lane, words)
        elif outcome.outcome == "configuration" and outcome.concerns == "template":
            template = f"{answer.row['template_id']}.v{answer.row['template_version']}"
            self._stop(lane.name, words, settings().gateway_stop, "template", template)
        if outcome.outcome in ("accepted", "duplicate"):
            self._start_what_takes_messages(lane, carrier)
        elif outcome.outcome == "phone" or (outcome.outcome == "configuration" and outcome.concerns != "gateway"):
            # It refuses this message alone, so it works.
            self._start_what_takes_messages(lane, None)
        lane.on_trial = False
        return wait_for_it

    def _start_what_takes_messages(self, lane: _Lane, carrier: str | None) -> None:
        """The gateway answered as it should, and took a message to the carrier, if one is given: neither stays stopped
        until its time. What is stopped until a fixed time does: a person, or a day's limit, did it."""
        lane.trusted = min(lane.gateway.address.concurrency, lane.trusted + 1)
        for stop in filter(None, (lane.stop, lane.carrier_stops.get(carrier or ""))):
            if stop.pause is not None or stop.until <= self.clock():
                end_trial(self.ledger, stop, self.clock(), changed_by=self.run_id)
                self.stops_changed = True
                if stop is lane.stop:
                    lane.stop = None
                else:
                    del lane.carrier_stops[stop.subject]

    def _stop_for_a_pause(
        self,
        lane: _Lane,
        reason: str,
        concerns: StopConcern = "gateway",
        subject: str = "",
        *,
        costs_a_message: bool = False,
    ) -> None:
        """Leaves a gateway, or a carrier there, alone for a pause, at first for seconds, and no less than it asked.

        A try that cost a message, whose outcome nobody knows now, lengthens the pause once more.
        """
        if concerns == "gateway" and lane.stop is not None and not lane.on_trial:
            # It is left alone already; this request was out before.
            return
        longest = settings().gateway_stop
        pause = lane.stop.pause if concerns == "gateway" and lane.stop is not None else None
        if pause is None or costs_a_message:
            pause = next_pause(pause, longest)
        asked = timedelta(seconds=max((each.outcome.retry_after or 0.0 for each in lane.turned_away), default=0.0))
        self._stop(lane.name, reason, max(pause, asked), concerns, subject, pause)

    def _stop(
        self,
        gateway: str,
        reason: str,
        lasting: timedelta,
        concerns: StopConcern = "gateway",
        subject: str = "",
        pause: timedelta | None = None,
    ) -> None:
        now = self.clock()
        stop = GatewayStop(gateway, concerns, subject, now, now + lasting, reason, pause=pause)
        stop_gateway(self.ledger, stop, changed_by=self.run_id)
        self.counts.stopped.append(str(stop))
        # The routes are read anew before the next claim.
        self.stops_changed = True
        if concerns == "gateway":
            self.routes = [replace(route, stopped=True) if route.gateway == gateway else route for route in self.routes]
            for lane in self.lanes:
                if lane.name == gateway:
                    lane.stop = stop

    def _after(self, answer: _Answer, now: datetime) -> dict[str, Any]:
        """What an answer leads to: the message's state, the reason, when and where it is tried again."""
        row, outcome = answer.row, answer.outcome
        match outcome.outcome:
            case "accepted" | "duplicate":
                return {"state": "accepted", "reason": None}
            case "phone":
                return {"state": "rejected", "reason": "phone"}
            case "unknown":
                return {"state": "unknown", "reason": "no_answer"}
            case "transient" if outcome is _HELD_BACK:
                return {"state": "queued", "reason": "held_back", "next_attempt_at": now}
            case "transient":
                wait = retry_wait(row["attempts_made"] + 1, outcome.retry_after)
                if self._route(answer.lane).stopped:
                    # It waits for the gateway, not for itself.
                    wait = timedelta(seconds=outcome.retry_after or 0)
                return {"state": "queued", "reason": "gateway_busy", "next_attempt_at": now + wait}
            case "configuration":
                on = self._try_another(row, answer.lane.name, row["carrier"], now)
                if on["until"] > now:
                    # After the others: what is refused may be this message. The gateway itself has pauses of its own.
                    on["until"] = now if outcome.concerns == "gateway" else on["until"]
                    on["until"] += retry_wait(row["attempts_made"] + 1, None)
                reason = "gateway_stopped" if outcome.concerns == "gateway" else f"{outcome.concerns}_refused"
                return {
                    "state": "queued", "reason": reason, "next_attempt_at": on["until"], "avoid": on["avoid"]
                }  # fmt: skip


def _words(outcome: GatewayAnswer) -> str:
    """An answer in few words, for who reads why something is stopped."""
    return f"{outcome.http_status or ''} {outcome.code or ''}".strip() or outcome.outcome


def retry_wait(attempts_made: int, asked: float | None) -> timedelta:
    """Wait before the next attempt: doubling, with jitter so that a crowd does not come back at once; never less than
    the gateway asked for."""
    longest = settings().retry_longest
    doubled: timedelta = min(longest, settings().retry_first * 2 ** min(attempts_made - 1, 12))
    return max(doubled * random.uniform(0.75, 1.25), timedelta(seconds=asked or 0))  # noqa: S311


def unresolved(run_id: str, window: Window = EVERYTHING, now: datetime | None = None) -> Sequence[str]:
    """What a run leaves that failed and may be retried, in words; empty: nothing. Names counts and reasons only."""
    moment = now or _now()
    with connect() as ledger:
        left = [
            f"{row['unresolved']} message(s) {row['outcome']}"
            for row in attempts.attempts_of_run(ledger, run_id)
            if row["unresolved"]
        ]
        stops = gateway_stops(ledger)
        due = messages.waiting(ledger, window, moment)["due"] if stops else 0
        # With messages due what was stopped counts until it is tried again, also just after its pause.
        longest = settings().gateway_stop if due else timedelta(0)
        stops = [stop for stop in stops if stop.until > moment - (longest if stop.pause is not None else timedelta(0))]
        if stops and due:
            left.append(f"{due} message(s) due while a gateway is stopped")
        left += [f"gateway {stop}" for stop in stops if not stop.by_hand]
    return left
