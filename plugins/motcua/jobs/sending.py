"""Sending: claim → look again → commit the attempt → HTTP → outcome, committed.

The ledger is the only thing that retries. A sender that dies leaves attempts in flight; the next one finds its
advisory lock free, so the loss is known at once, and makes them ``unknown``: nothing is ever repeated blindly.

Each gateway in use is a lane with its own share of the queue (by carrier), its own threads and its own limits.
"""

from __future__ import annotations

import logging
import queue
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter

from motcua.domain.occasions import SendCandidate, look_again
from motcua.domain.routing import (
    Route,
    another_gateway,
    assign_carriers,
    carrier_of_msisdn,
    day_of,
    fit_day,
    next_day,
    start_times,
    unregistered_carriers,
)
from motcua.domain.texts import Registration, RegistrationKey, UnregisteredTemplate, require_registered
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway, Outcome, OutcomeClass, OutgoingMessage
from motcua.jobs.apologizing import apology_rules
from motcua.jobs.planning import planning_rules
from motcua.settings import settings
from motcua.store import attempts, messages
from motcua.store.database import Connection, connect, open_connection
from motcua.store.gateways import (
    GatewayStop,
    StopConcern,
    end_trial,
    ensure_gateway,
    gateway_stops,
    lift_stops_that_are_over,
    lock_allowance,
    stop_gateway,
    use_allowance,
)
from motcua.store.locks import LINGERING, hold_lock, release_lock
from motcua.store.messages import EVERYTHING, Share, Window
from motcua.store.registrations import registrations
from motcua.store.rows import value_of
from motcua.store.templates import load_template_versions

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
_CARRIER_REFUSALS = 3
"""So many in a row, and the brandname is taken for unregistered at that carrier: one alone may be a ported number."""
_HELD_BACK = Outcome("transient", code="held back")
"""Of a message kept ready that was not called, because others failed meanwhile."""
SETTLE_FIRST = timedelta(seconds=30)
"""When an attempt without an answer is first asked about or repeated: its receipt may come meanwhile."""
ASK_FIRST = timedelta(minutes=2)
"""When a gateway that can be asked is first asked for the receipt of what it accepted."""
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


def bury_the_dead(ledger: Connection, lock: Connection, now: datetime, own: int | None = None) -> int:
    """Makes unknown what senders that no longer live left in flight; returns how many messages."""
    abandoned = 0
    for sender_id in attempts.senders_in_flight(ledger):
        if sender_id != own and hold_lock(lock, sender_id):
            abandoned += attempts.abandon(ledger, sender_id, now, now + SETTLE_FIRST)
            ledger.commit()
            release_lock(lock, sender_id)
    ledger.commit()
    return abandoned


@dataclass(slots=True)
class _Lane:
    """One gateway in use by this sender."""

    gateway: Gateway
    concurrency: int
    pool: ThreadPoolExecutor
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
    refused: int = 0
    """Requests in a row that it took none of."""
    refused_carriers: dict[str, int] = field(default_factory=dict)
    exhausted: bool = False
    """The last claim found nothing."""
    resume_at: float = 0.0
    """By the monotonic clock: its limit a second allows no claim before."""
    on_trial: bool = False
    """It was stopped, and has not answered since: one request at a time."""

    @property
    def name(self) -> str:
        return self.gateway.address.name

    @property
    def most(self) -> int:
        return 1 if self.on_trial else self.concurrency

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

    def end_call(self, outcome: Outcome) -> None:
        """Counts a request's end."""
        whole = outcome.outcome == "configuration" and outcome.concerns == "gateway"
        with self.guard:
            self.calling -= 1
            self.failing = self.failing + 1 if whole or outcome.outcome in ("unknown", "transient") else 0

    @property
    def wants_more(self) -> bool:
        return not self.exhausted and self.room > 0 and time.monotonic() >= self.resume_at


@dataclass(frozen=True, slots=True)
class _Answer:
    lane: _Lane
    row: Mapping[str, Any]
    message: OutgoingMessage
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Settled:
    """What an answer leads to: columns of the message and of the attempt."""

    message: Mapping[str, Any]
    attempt: Mapping[str, Any]
    segments_given_back: int


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
        self.session = threading.local()
        self.templates = load_template_versions()
        self.refreshed_at = clock()
        self.lanes: list[_Lane] = []
        self.routes: list[Route] = []
        self.assigned: dict[str, frozenset[str]] = {}
        self.stopped_templates: set[tuple[str, str]] = set()
        self.registrations: Mapping[RegistrationKey, Registration] = {}
        self.stops_read_at, self.stops_changed = 0.0, False
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
            pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"gateway {name}")
            self.lanes.append(_Lane(gateway, concurrency, pools.enter_context(pool)))
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
        self.stops_read_at, self.stops_changed = time.monotonic(), False
        self.routes = []
        for lane in self.lanes:
            ours = [stop for stop in stops if stop.gateway == lane.name]
            whole = [stop for stop in ours if stop.concerns == "gateway"]
            stopped = any(stop.until > now for stop in whole)
            lane.on_trial = bool(whole) and not stopped
            carriers = frozenset(stop.subject for stop in ours if stop.concerns == "carrier")
            self.routes.append(Route(lane.name, lane.gateway.address.carriers, stopped, carriers))
        self.stopped_templates = {(stop.gateway, stop.subject) for stop in stops if stop.concerns == "template"}
        assigned = assign_carriers(self.routes)
        if assigned != self.assigned:
            self.assigned = assigned
            self._look_anew()

    def _look_anew(self) -> None:
        """Something changed that may make a message due at any gateway."""
        for lane in self.lanes:
            lane.exhausted = False

    def _read_stops_if_old(self) -> None:
        if self.stops_changed or time.monotonic() - self.stops_read_at > _READ_STOPS_EVERY:
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
        waiting = [lane.resume_at for lane in usable if not lane.exhausted]
        if waiting:
            self.stop.wait(max(0.0, min(waiting) - time.monotonic()))
            return True
        if self._wait_for_news():
            self._look_anew()
            return True
        return False

    def _wait_for_news(self) -> bool:
        """With nothing left to send: whether news came before the patience or the run's time was over."""
        if self.catch_up is None or not self.lingers or all(route.stopped for route in self.routes):
            return False
        patience = time.monotonic() + settings().linger_quiet.total_seconds()
        while time.monotonic() < patience and not self.catch_up.is_over:
            if self.catch_up():
                self.refreshed_at = self.clock()
                return True
            if self.stop.wait(_LOOK_WHEN_IDLE_EVERY):
                break
        return False

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
        rows = messages.claim(self.ledger, share, self.window, max(1, lane.room), now)
        lane.exhausted = not rows
        going: list[tuple[Mapping[str, Any], str, str | None]] = []
        postponed: list[dict[str, Any]] = []
        for row in self._judge(rows, now):
            carrier = carrier_of_msisdn(row["msisdn"])
            if carrier not in (share.registered if row["avoid"] else share.carriers):
                # The desk changed the number since, or nobody had looked the carrier up.
                postponed.append({"message_id": row["message_id"], "carrier": carrier, "until": now})
                self._look_anew()
            else:
                try:
                    going.append((row, carrier, self._provider_template_id(row, lane.gateway)))
                except UnregisteredTemplate as refusal:
                    wait = self._try_another(row, lane.name, carrier, now)
                    postponed.append(wait | {"message_id": row["message_id"]})
                    if wait["until"] > now:
                        self._count_unregistered(str(refusal))
        messages.postpone(self.ledger, postponed)
        starts = self._within_limits(lane, [row["segments"] for row, *_ in going], now)
        going = going[: len(starts)]
        outgoing = [outgoing_message(row, secrets.token_hex(16), known_as) for row, _, known_as in going]
        if going:
            values = [
                {
                    "message_id": row["message_id"],
                    "reference": message.reference,
                    "msisdn": message.msisdn,
                    "carrier": carrier,
                    "segments": message.segments,
                }
                for (row, carrier, _), message in zip(going, outgoing, strict=True)
            ]
            messages.begin_sending(self.ledger, values)
            attempts.save_attempts(
                self.ledger, values, gateway=lane.name, sender_id=self.sender_id, run_id=self.run_id, now=now
            )
        return [
            _Call({**row, "carrier": carrier}, message, (start - now).total_seconds())
            for (row, carrier, _), message, start in zip(going, outgoing, starts, strict=True)
        ]

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
        if not hasattr(self.session, "http"):
            self.session.http = http_session()
        outcome = _HELD_BACK
        if lane.begin_call():
            try:
                outcome = lane.gateway.submit(self.session.http, call.message)
            except Exception as failure:
                # An adapter's own mistake, after the request may have left: the outcome is not known.
                outcome = Outcome("unknown", code=f"adapter: {type(failure).__name__}")
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
        while lane.answers:
            answer = lane.answers.pop(0)
            lane.in_flight -= 1
            self._notice(answer)
            lane.unwritten.append(self._settle(answer, now))
        if not lane.unwritten:
            return
        messages.apply_outcomes(self.ledger, [settled.message for settled in lane.unwritten])
        attempts.apply_outcomes(self.ledger, [settled.attempt for settled in lane.unwritten])
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

    def _notice(self, answer: _Answer) -> None:
        """Stops what the answer shows to be wrong, and takes a gateway that answers again off its trial."""
        lane, outcome, carrier = answer.lane, answer.outcome, answer.row["carrier"]
        if outcome is _HELD_BACK:
            return
        words = f"{outcome.http_status or ''} {outcome.code or ''}".strip() or outcome.outcome
        lane.unanswered = lane.unanswered + 1 if outcome.outcome == "unknown" else 0
        lane.refused = lane.refused + 1 if outcome.outcome == "transient" else 0
        if lane.unanswered >= lane.most:
            # It takes no more than was in flight to see that nobody answers; the queue waits.
            self._stop(lane.name, "no answer", settings().gateway_stop)
        elif lane.refused >= lane.most and another_gateway(self.routes, carrier, [lane.name]):
            self._stop(lane.name, f"takes nothing: {words}", settings().gateway_stop)
        elif outcome.outcome == "configuration":
            if outcome.concerns == "gateway":
                self._stop(lane.name, words, settings().gateway_stop)
            elif outcome.concerns == "template":
                template = f"{answer.row['template_id']}.v{answer.row['template_version']}"
                self._stop(lane.name, words, settings().gateway_stop, "template", template)
            elif outcome.concerns == "carrier":
                in_a_row = lane.refused_carriers.get(carrier, 0) + 1
                lane.refused_carriers[carrier] = in_a_row
                if in_a_row >= _CARRIER_REFUSALS:
                    self._stop(lane.name, words, settings().gateway_stop, "carrier", carrier)
        elif outcome.outcome in ("accepted", "duplicate", "phone"):
            lane.refused_carriers.pop(carrier, None)
            if lane.on_trial:
                end_trial(self.ledger, lane.name, changed_by=self.run_id)
                lane.on_trial = False

    def _stop(
        self, gateway: str, reason: str, lasting: timedelta, concerns: StopConcern = "gateway", subject: str = ""
    ) -> None:
        now = self.clock()
        stop = GatewayStop(gateway, concerns, subject, now, now + lasting, reason)
        stop_gateway(self.ledger, stop, changed_by=self.run_id)
        self.counts.stopped.append(str(stop))
        # The routes are read anew before the next claim.
        self.stops_changed = True
        self.routes = [
            Route(route.gateway, route.registered, True, route.stopped_carriers)
            if route.gateway == gateway and concerns == "gateway"
            else route
            for route in self.routes
        ]

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
                return {"state": "queued", "reason": "gateway_busy", "next_attempt_at": now + wait}
            case "configuration":
                on = self._try_another(row, answer.lane.name, row["carrier"], now)
                if on["until"] > now:
                    # After the others: what is refused may be this message.
                    on["until"] += retry_wait(row["attempts_made"] + 1, None)
                reason = "gateway_stopped" if outcome.concerns == "gateway" else f"{outcome.concerns}_refused"
                return {
                    "state": "queued", "reason": reason, "next_attempt_at": on["until"], "avoid": on["avoid"]
                }  # fmt: skip


def rests_until(row: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a message that may go may go at the earliest; ``None``: now. Apologies rest at night, and while their source
    was not read for too long."""
    return apology_rules().wait_until(now, row["source_read_at"]) if row["kind"] == "apology" else None


def settle_time(outcome: Outcome, gateway: Gateway, now: datetime) -> datetime | None:
    """When the gateway may first be asked about an attempt, or be given it again under the same reference."""
    if outcome.outcome == "unknown":
        return now + SETTLE_FIRST
    if outcome.outcome in ("accepted", "duplicate") and gateway.can_be_asked:
        return now + ASK_FIRST
    return None


ATTEMPT_STATE: Mapping[OutcomeClass, str] = {
    "accepted": "accepted",
    "duplicate": "accepted",
    "phone": "rejected",
    "configuration": "failed",
    "transient": "failed",
    "unknown": "unknown",
}


def retry_wait(attempts_made: int, asked: float | None) -> timedelta:
    """Wait before the next attempt: doubling, with jitter so that a crowd does not come back at once; never less than
    the gateway asked for."""
    longest = settings().retry_longest
    doubled: timedelta = min(longest, settings().retry_first * 2 ** min(attempts_made - 1, 12))
    return max(doubled * random.uniform(0.75, 1.25), timedelta(seconds=asked or 0))  # noqa: S311


def http_session() -> requests.Session:
    """A Session for one thread that never repeats a request by itself and ignores the machine's proxy settings."""
    # Where urllib3 warns it writes whole addresses, numbers and words among them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=1))
    return session


def provider_template_id(
    known: Mapping[RegistrationKey, Registration], row: Mapping[str, Any], gateway: Gateway
) -> str | None:
    """The provider's own id of the template that a row's message was made from, where it gives one.

    Raises:
        UnregisteredTemplate: the template is not registered at the gateway.
    """
    key = (gateway.address.name, row["template_id"], row["template_version"])
    return require_registered(known, key, accented=row["accented"], by_id=gateway.takes_template_ids)


def outgoing_message(row: Mapping[str, Any], reference: str, provider_template_id: str | None) -> OutgoingMessage:
    """The message of a row, as adapters take it."""
    return OutgoingMessage(
        reference=reference,
        msisdn=row["msisdn"],
        text=row["text"],
        accented=row["accented"],
        segments=row["segments"],
        template_id=row["template_id"],
        template_version=row["template_version"],
        parameters=tuple(row["parameters"]),
        provider_template_id=provider_template_id,
    )


def unresolved(run_id: str, window: Window = EVERYTHING, now: datetime | None = None) -> Sequence[str]:
    """What a run leaves that failed and may be retried, in words; empty: nothing. Names counts and reasons only."""
    moment = now or _now()
    with connect() as ledger:
        left = [
            f"{row['unresolved']} message(s) {row['outcome']}"
            for row in attempts.attempts_of_run(ledger, run_id)
            if row["unresolved"]
        ]
        stops = [stop for stop in gateway_stops(ledger) if stop.until > moment]
        if stops and (due := messages.waiting(ledger, window, moment)["due"]):
            left.append(f"{due} message(s) due while a gateway is stopped")
        left += [f"gateway {stop}" for stop in stops if not stop.by_hand]
    return left
