"""Sending: claim → look again → commit the attempt → HTTP → outcome, committed.

The ledger is the only thing that retries. A sender that dies leaves attempts in flight; the next one finds its
advisory lock free, so the loss is known at once, and makes them ``unknown``: nothing is ever repeated blindly.

Each gateway in use is a lane with its own share of the queue (by carrier), its own threads and its own limits.
"""

from __future__ import annotations

import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Protocol

from motcua.domain.checks import Finding, fault
from motcua.domain.run_window import EVERYTHING, Window
from motcua.gateways import GatewayMisconfigured
from motcua.gateways.adapter import GatewayAnswer
from motcua.jobs.notices.attempts import bury_the_dead
from motcua.jobs.notices.sending.claiming import Claiming
from motcua.jobs.notices.sending.departures import Departures
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.jobs.notices.sending.lanes import HELD_BACK, Answered, Call, Lane, SendCounts, SenderRun, open_and_note
from motcua.jobs.notices.sending.outcomes import Outcomes
from motcua.jobs.notices.sending.request_slots import HeldBack, RequestSlots
from motcua.jobs.notices.sending.routing import Routing
from motcua.jobs.restoring import finding_of_gap, look_for_gap
from motcua.settings import settings
from motcua.store.journal import open_journal
from motcua.store.ledger.database import connect
from motcua.store.ledger.locks import (
    LINGERING,
    WATCHING,
    hold_lock,
    lock_holders,
    release_lock,
    somebody_stands_by,
    stand_by,
)
from motcua.store.notices import attempts, messages
from motcua.store.notices.gaps import open_gap
from motcua.store.notices.gateways import GatewayStop, gateway_stops
from motcua.store.worker_marks import leave_mark

_GATHER = 0.004
"""Seconds that the first answer waits for others, to be written with them (docs/decisions/sending.md)."""
_LOOK_FOR_NEWS_EVERY = timedelta(seconds=3)
"""While a long queue drains; else as often as when there is nothing to send."""
_LOOK_WHEN_IDLE_EVERY = 0.25
_ASK_WATCHERS_EVERY = 0.1
"""What they tell costs one short statement at the ledger, and no source."""
_LOOK_AT_QUEUE_EVERY = 1.0
_WAIT_FOR_SLOTS = 0.1
_IDLE_AFTER = 1.0
"""Seconds without news after which others may have all of this sender's slots."""
_CLAIM_FOR = 25 * 60.0
"""Seconds; well inside the task's execution_timeout, which would tear the sender from what is in flight. Beyond the
longest time of a sender by a quarter of an hour, in which no other one need come to take over."""


class CatchUp(Protocol):
    """Picks up and plans what has come meanwhile."""

    @property
    def is_over(self) -> bool:
        """The run has lasted long enough."""

    def __call__(self) -> bool:
        """Whether there was news."""


def send(
    run_id: str,
    window: Window = EVERYTHING,
    *,
    catch_up: CatchUp | None = None,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SendCounts:
    """Sends every message that is due, or those of a window, until none is left or no gateway may be used.

    ``catch_up`` picks up and plans news meanwhile: every few seconds while a long queue drains, so that a message late
    in it is judged by what the sources say then; and when the queue is empty, for as long as news keeps coming.

    Once ``stop`` is set nothing more is claimed; what is in flight is waited for and written. Where the ledger was
    restored, and nobody has looked at the gap, nothing is claimed at all; where it slept, nothing of before.

    Raises:
        motcua.store.journal.JournalFailed: the journal of attempts cannot be read, or takes no more lines; what was in
            flight is written.
        motcua.gateways.GatewayMisconfigured: no gateway's Airflow connection can be used.
    """
    with beating() as heart, connect() as lock, connect() as ledger:
        lock.autocommit = True
        heart.end_the_frozen(lock)
        counts = SendCounts()
        if (hold := look_for_gap(ledger, run_id, clock())) is not None:
            counts.gap = hold.why
            if (part := hold.window(window)) is None:
                return counts
            window = part
        heart.sign(clock, hold.gap_no if hold is not None else None)
        leave_mark(settings().journal_folder, socket.gethostname())
        messages.plan_by_keys(ledger)
        sender_id = secrets.randbits(62)
        if not hold_lock(lock, sender_id):
            raise RuntimeError("a random sender id was taken")
        sending = SenderRun(ledger, lock, sender_id, run_id, window, clock, heart, counts)
        return Sender(sending, catch_up, stop or threading.Event()).run()


class Sender:
    """Takes turns over its lanes until nothing is left that may go."""

    def __init__(self, sending: SenderRun, catch_up: CatchUp | None, stop: threading.Event) -> None:
        self.sending, self.catch_up, self.stop = sending, catch_up, stop
        self.answers: queue.SimpleQueue[Answered] = queue.SimpleQueue()
        self.lanes: list[Lane] = []
        self.routing = Routing(sending, self.lanes)
        self.claiming, self.outcomes = Claiming(sending, self.routing), Outcomes(sending, self.routing)
        self.departures = Departures(open_journal(), sending.clock, self._call, self.answers, sending.heart)
        self.refreshed_at = sending.clock()
        self.claim_until = time.monotonic() + _CLAIM_FOR
        # One sender leads and picks up news for all; so many stand by that help with a long queue and lead when it is
        # gone. Whoever comes besides, as a run by the clock or by hand, does what is due and ends.
        self.leads = catch_up is not None and hold_lock(sending.lock, LINGERING)
        self.places = max(1, settings().senders - 1)
        self.place = stand_by(sending.lock, self.places) if catch_up is not None and not self.leads else None
        self.waits_for_relief = settings().notify_every <= settings().linger <= settings().linger_quiet
        """By these settings some sender always waits for news: a run comes by the clock before the last one's have
        ended. Where none comes, as while Airflow's API server is away, whoever is there goes on."""
        self.busy_at = time.monotonic()
        """When there was last something to do, by the monotonic clock."""
        self.buried_at = self.queue_looked_at = self.watch_looked_at = float("-inf")
        self.is_watched = True

    def run(self) -> SendCounts:
        """Sends until nothing is left, or it may go on no longer; what is in flight is always waited for."""
        with ExitStack() as pools:
            # Last of all: the answers to what was in flight are written, too.
            pools.callback(self.departures.close)
            self._bury_the_dead()
            self._open_lanes(pools)
            try:
                self.claiming.set_unroutable_aside(lambda: self._may_claim)
                while True:
                    if self._may_claim:
                        self._refresh_if_old()
                        self.routing.read_if_old()
                    self._take_turns()
                    if self.in_flight:
                        self._gather(wait=self._pause)
                    elif self._may_claim and not self.sending.heart.may_send:
                        # It beats again soon, or is over.
                        self.stop.wait(self._pause)
                    elif not self._may_claim or not self._more_may_come():
                        break
            except BaseException:
                # Whatever ended the run: the gateways' answers to what is in flight are not thrown away.
                self.sending.ledger.rollback()
                self.claim_until = float("-inf")
                self._take_turns()
                while self.in_flight:
                    self._gather(wait=None)
                    self._take_turns()
                raise
        if self.departures.failure is not None:
            raise self.departures.failure
        return self.sending.counts

    @property
    def in_flight(self) -> int:
        """Attempts whose answers are not written, in all lanes."""
        return sum(lane.in_flight for lane in self.lanes)

    @property
    def _may_claim(self) -> bool:
        return (
            not self.stop.is_set()
            and time.monotonic() < self.claim_until
            and self.departures.failure is None
            and not self.sending.heart.is_over
        )

    def _open_lanes(self, pools: ExitStack) -> None:
        refusal: GatewayMisconfigured | None = None
        for name in settings().gateways:
            try:
                gateway = open_and_note(self.sending.ledger, name)
            except GatewayMisconfigured as failure:
                # The others go on; the run is red for it.
                refusal = failure
                self.routing.stop(name, str(failure), settings().gateway_stop)
                continue
            concurrency = gateway.address.concurrency
            slots = RequestSlots(self.sending.lock, name, concurrency, self.sending.heart)
            pools.callback(slots.close)
            pool = ThreadPoolExecutor(concurrency, thread_name_prefix=f"gateway {name}")
            self.lanes.append(Lane(gateway, slots, pools.enter_context(pool), concurrency))
        self.sending.ledger.commit()
        if refusal is not None and not self.lanes:
            raise refusal
        self.routing.read()

    def _refresh_if_old(self) -> None:
        """Picks up news while requests are out: a gateway that takes long to answer one holds up no other message."""
        if self.catch_up is None:
            return
        is_busy = any(lane.queue_is_long for lane in self.lanes)
        every = _LOOK_FOR_NEWS_EVERY if is_busy else timedelta(seconds=self._pause)
        if self.sending.clock() - self.refreshed_at > every:
            if self._takes_the_lead() and self.catch_up():
                self.routing.look_anew()
            self.refreshed_at = self.sending.clock()

    @property
    def _pause(self) -> float:
        """Seconds between two questions for news."""
        return _ASK_WATCHERS_EVERY if self.leads and self.is_watched else _LOOK_WHEN_IDLE_EVERY

    def _more_may_come(self) -> bool:
        """With nothing in flight: whether to look at the queue once more."""
        if self.routing.changed:
            return True
        usable = [lane for lane, route in zip(self.lanes, self.routing.routes, strict=True) if not route.stopped]
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
            self.routing.look_anew()
            return True
        return False

    def _bury_the_dead(self) -> None:
        """What senders that no longer live left in flight is of unknown outcome: found at the start, and by whoever
        leads every few seconds, so that it is settled soon."""
        self.buried_at = time.monotonic()
        self.sending.counts.abandoned += bury_the_dead(
            self.sending.ledger, self.sending.lock, self.sending.clock(), self.sending.sender_id
        )

    def _takes_the_lead(self) -> bool:
        """Whether this sender leads; another one does as soon as the one that led has ended, however it did."""
        if not self.leads and hold_lock(self.sending.lock, LINGERING):
            self.leads, self.busy_at = True, time.monotonic()
            if self.place is not None:
                # Who comes next may have it, and leads after this one.
                release_lock(self.sending.lock, self.place)
                self.place = None
        if self.leads and time.monotonic() > self.buried_at + _LOOK_FOR_NEWS_EVERY.total_seconds():
            self._bury_the_dead()
        return self.leads

    def _wait_for_news(self) -> bool:
        """With nothing left to send: whether to look again, since news came, a message is due, or what is stopped may
        be tried again, before the patience or the run's time was over. Messages that wait for a gateway are waited
        with."""
        if self.catch_up is None or not (self.leads or self.place is not None):
            return False
        began = time.monotonic()
        trial_in = self.routing.next_trial()
        if trial_in is None and not self.waits_for_relief and all(route.stopped for route in self.routing.routes):
            return False
        while not self._is_relieved(self.catch_up):
            if self.sending.heart.is_over:
                return False
            leads = self._takes_the_lead()
            if leads and self.catch_up():
                self.refreshed_at, self.busy_at = self.sending.clock(), time.monotonic()
                return True
            if self._sees_due_message():
                return True
            now = time.monotonic()
            if now > began + _IDLE_AFTER or not leads:
                for lane in self.lanes:
                    lane.slots.give_all_back()
            ends_at = began + trial_in if trial_in is not None else self._patient_until()
            if now >= ends_at:
                break
            if self.stop.wait(max(0.0, min(self._pause, ends_at - now))):
                return False
        self.routing.changed = trial_in is not None and not self._is_relieved(self.catch_up)
        return self.routing.changed

    def _is_relieved(self, catch_up: CatchUp) -> bool:
        """Its time is over, and another one goes on: who leads has one that stands by, which waits until it leads."""
        if not catch_up.is_over or not self.waits_for_relief:
            return catch_up.is_over
        return not self._may_claim or (self.leads and somebody_stands_by(self.sending.lock, self.places))

    def _sees_due_message(self) -> bool:
        """Whether some message is due by now that was not when the queue was looked at; asked once in a while, since
        what cannot go now is due, too."""
        now = time.monotonic()
        if now < self.queue_looked_at + _LOOK_AT_QUEUE_EVERY:
            return False
        self.queue_looked_at = now
        is_due = messages.any_due(self.sending.ledger, self.sending.window, self.sending.clock())
        self.sending.ledger.commit()
        return is_due

    def _patient_until(self) -> float:
        """By the monotonic clock. Where nobody watches the sources, this sender does until the run's time is over; and
        so does who stands by while another one leads, and whoever waits for relief."""
        if not self.leads:
            return float("inf")
        now = time.monotonic()
        if now >= self.watch_looked_at + _LOOK_AT_QUEUE_EVERY:
            watchers = lock_holders(self.sending.lock, WATCHING)
            self.is_watched, self.watch_looked_at = watchers >= settings().look_parts, now
        if not self.is_watched or self.waits_for_relief:
            return float("inf")
        return self.busy_at + settings().linger_quiet.total_seconds()

    def _may_claim_for(self, lane: Lane) -> bool:
        # What may not leave would be held back, and claimed again at once.
        may_leave = self._may_claim and self.sending.heart.may_send
        return may_leave and lane.wants_more and not self.routing.changed and not self.routing.route(lane).stopped

    def _take_turns(self) -> None:
        """For each lane: writes its answers and claims for the room that they leave, in one transaction.

        The statements go out without waiting for each other; only claimed rows and the commit are waited for.
        """
        for lane in self.lanes:
            if self._may_claim and (lane.slots.share or not (lane.exhausted or self.routing.route(lane).stopped)):
                # Also of an idle lane: others may want what it has.
                lane.slots.balance()
            lane.try_on()
            if not (lane.answers or lane.unwritten or self._may_claim_for(lane)):
                continue
            with self.sending.ledger.pipeline():
                self.outcomes.write(lane)
                calls = self.claiming.claim(lane) if self._may_claim_for(lane) else []
                self.sending.ledger.commit()
            committed_at = time.monotonic()
            lane.unwritten.clear()
            lane.in_flight += len(calls)
            self.sending.counts.attempts += len(calls)
            self.sending.counts.by_gateway[lane.name] = self.sending.counts.by_gateway.get(lane.name, 0) + len(calls)
            self.departures.depart(lane, calls, committed_at)

    def _call(self, lane: Lane, call: Call, start_at: float) -> None:
        if (wait := start_at - time.monotonic()) > 0:
            time.sleep(wait)
        answer = HELD_BACK
        with lane.slots.session() as http:
            if self.sending.heart.may_send and lane.begin_call():
                try:
                    answer = lane.submit(http, call)
                except HeldBack:
                    # Nothing of it was written.
                    answer = HELD_BACK
                except Exception as failure:
                    # An adapter's own mistake, after the request may have left: the outcome is not known.
                    answer = GatewayAnswer("unknown", code=f"adapter: {type(failure).__name__}")
                lane.end_call(answer)
        self.answers.put(Answered(lane, call, answer))

    def _gather(self, wait: float | None) -> None:
        """Gives the lanes the answers that have come; waits for the first so many seconds."""
        try:
            answered = [self.answers.get(timeout=wait)]
        except queue.Empty:
            return
        time.sleep(_GATHER)
        while not self.answers.empty():
            answered.append(self.answers.get())
        for each in answered:
            each.lane.answers.append(each)
        self.departures.note(answered)
        self.busy_at = time.monotonic()


def unresolved(run_id: str, window: Window = EVERYTHING, now: datetime | None = None) -> Sequence[Finding]:
    """What a run leaves that failed and may be retried, in words; empty: nothing. Names counts and reasons only."""
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        gap = open_gap(ledger)
        left = [] if gap is None else [finding_of_gap(gap)]
        left += [
            fault(
                "attempts_failed",
                str(each.outcome),
                f"{each.unresolved} message(s) {each.outcome}",
                messages=each.unresolved,
                outcome=each.outcome,
            )
            for each in attempts.attempts_of_run(ledger, run_id)
            if each.unresolved
        ]
        # What is as it should be is nobody's to mend.
        stops = [stop for stop in gateway_stops(ledger) if not stop.expected]
        due = messages.waiting(ledger, window, moment, _carriers(stops)).due if stops else 0
        # With messages due what was stopped counts until it is tried again, also just after its pause.
        longest = settings().gateway_stop if due else timedelta(0)
        stops = [stop for stop in stops if stop.until > moment - (longest if stop.pause is not None else timedelta(0))]
        if stops and due:
            left.append(fault("messages_held_up", "", f"{due} message(s) due while a gateway is stopped", messages=due))
        left += [stop.finding for stop in stops if not stop.by_hand]
    return left


def _carriers(stops: Sequence[GatewayStop]) -> list[str] | None:
    """Carriers whose messages the stops hold up; ``None``: there is a stop that is not of one carrier."""
    return [stop.subject for stop in stops] if all(stop.concerns == "carrier" for stop in stops) else None
