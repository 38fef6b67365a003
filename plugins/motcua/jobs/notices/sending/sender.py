"""Sends due messages. For each message, the sender claims the message, checks it once more, commits an attempt, sends
an HTTP request, and commits the outcome.

Only the ledger decides on retries. A sender that dies leaves attempts in flight. The next sender finds the dead
sender's advisory lock free and marks these attempts ``unknown`` at once. A message of unknown outcome is sent again
only after a person released it.

Each gateway in use is a lane. A lane has its own part of the queue (by carrier), its own threads and its own limits.
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
from motcua.jobs.notices.attempts import mark_abandoned_attempts_unknown
from motcua.jobs.notices.sending.claiming import Claiming
from motcua.jobs.notices.sending.departures import Departures
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.jobs.notices.sending.lanes import (
    HELD_BACK,
    Answered,
    Asked,
    Call,
    Lane,
    SendCounts,
    SenderRun,
    open_and_note,
)
from motcua.jobs.notices.sending.outcomes import Outcomes
from motcua.jobs.notices.sending.request_slots import HeldBack, RequestSlots
from motcua.jobs.notices.sending.routing import Routing
from motcua.jobs.restoring import finding_of_gap, look_for_gap
from motcua.settings import settings
from motcua.store.journal import open_journal
from motcua.store.ledger.database import connect
from motcua.store.ledger.locks import (
    LEADING,
    WATCHING,
    has_standby,
    hold_lock,
    lock_holders,
    release_lock,
    take_standby_place,
)
from motcua.store.notices import attempts, messages
from motcua.store.notices.gaps import open_gap
from motcua.store.notices.gateways import GatewayStop, gateway_stops
from motcua.store.worker_marks import leave_mark

_COLLECT_FOR = 0.004
"""Seconds for which the sender waits after the first answer, to write further answers in the same transaction
(docs/decisions/sending.md)."""
_CHECK_NEWS_EVERY = timedelta(seconds=3)
"""Time between two pick-ups of news (new rows of the sources) while a long queue drains. With a short queue the sender
picks up as often as when it is idle."""
_CHECK_WHEN_IDLE_EVERY = 0.25
_CHECK_WATCHERS_EVERY = 0.1
"""Seconds between two checks for news while each source has a watcher, a trigger in Airflow that looks for new rows.
The check is one short query of the ledger and no query of a source."""
_QUIET_AFTER = 60.0
"""Seconds without news after which the leader checks for news less often."""
_CHECK_QUEUE_EVERY = 1.0
_WAIT_FOR_SLOTS = 0.1
_IDLE_AFTER = 1.0
"""Seconds without news after which this sender releases its request slots for other senders."""
_CLAIM_FOR = 25 * 60.0
"""Seconds for which one sender claims messages. This is well below the task's execution_timeout, which would kill the
sender while requests are in flight. A sender's run is planned to be at least a quarter of an hour shorter, so that a
sender without a successor can go on for another quarter of an hour."""


class CatchUp(Protocol):
    """Picks up new transitions and plans their messages while a sender runs."""

    @property
    def is_over(self) -> bool:
        """Whether the planned time of the run is over."""

    def __call__(self) -> bool:
        """Pick up and plan. Return whether there was news."""


def send(
    run_id: str,
    window: Window = EVERYTHING,
    *,
    catch_up: CatchUp | None = None,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SendCounts:
    """Send every due message of a window, until no message is left or no gateway may be used.

    ``catch_up`` picks up and plans news (unread rows of the sources) while the sender runs. While a long queue drains,
    it does so every few seconds, so that the state of the sources is fresh when a late message of the queue is checked.
    With an empty queue, the sender goes on as long as there is news.

    Once ``stop`` is set, the sender claims nothing more; it waits for the requests in flight and writes their outcomes.
    A gap is a time in which attempts may have been made that the ledger lacks, as after a restore. While a gap is open,
    the sender claims nothing, or only messages that were recorded after the gap was noticed.

    Raises:
        motcua.store.journal.JournalFailed: the journal of attempts cannot be read or written. The outcomes
            of requests in flight are written first.
        motcua.gateways.GatewayMisconfigured: no gateway's Airflow connection can be used.
    """
    with beating() as heart, connect() as lock, connect() as ledger:
        lock.autocommit = True
        heart.end_frozen_processes(lock)
        counts = SendCounts()
        if (hold := look_for_gap(ledger, run_id, clock())) is not None:
            counts.gap = hold.why
            if (part := hold.window(window)) is None:
                return counts
            window = part
        heart.record_running(clock, hold.gap_no if hold is not None else None)
        leave_mark(settings().journal_folder, socket.gethostname())
        messages.plan_by_keys(ledger)
        sender_id = secrets.randbits(62)
        if not hold_lock(lock, sender_id):
            raise RuntimeError("another process has the same random sender id; run the task again")
        sending = SenderRun(ledger, lock, sender_id, run_id, window, clock, heart, counts)
        return Sender(sending, catch_up, stop or threading.Event()).run()


class Sender:
    """A sender, which works on its lanes in turn until no message may be sent any more."""

    def __init__(self, sending: SenderRun, catch_up: CatchUp | None, stop: threading.Event) -> None:
        self.sending, self.catch_up, self.stop = sending, catch_up, stop
        self.answers: queue.SimpleQueue[Answered | Asked] = queue.SimpleQueue()
        self.lanes: list[Lane] = []
        self.routing = Routing(sending, self.lanes)
        self.claiming, self.outcomes = Claiming(sending, self.routing), Outcomes(sending, self.routing)
        self.departures = Departures(open_journal(), sending.clock, self._call, self.answers, sending.heart)
        self.refreshed_at = time.monotonic()
        """When the sender last picked up news, by the monotonic clock, which nobody sets back."""
        self.claim_until = time.monotonic() + _CLAIM_FOR
        # One sender is the leader and picks up news for all. Standbys help with a long queue, and one of them becomes
        # the leader when the leader ends. Any further sender, for example of a run started by hand, sends what is due
        # and ends.
        self.leads = catch_up is not None and hold_lock(sending.lock, LEADING)
        self.standby_places = max(1, settings().senders - 1)
        self.standby_place = (
            take_standby_place(sending.lock, self.standby_places) if catch_up is not None and not self.leads else None
        )
        self.waits_for_successor = settings().notify_every <= settings().linger <= settings().linger_quiet
        """Whether the DAG's schedule starts the next run before the senders of the current run end, so that some sender
        always waits for news. If no next run comes, for example while Airflow's API server does not answer, the current
        sender goes on."""
        self.busy_at = time.monotonic()
        """When the sender last had work, by the monotonic clock."""
        self.abandoned_marked_at = self.queue_checked_at = self.watchers_checked_at = float("-inf")
        self.is_watched = True

    def run(self) -> SendCounts:
        """Send until no message is left or the sender may not go on. Always wait for the requests in flight and write
        their outcomes."""
        with ExitStack() as pools:
            # The journal closes last, so that it also gets the answers to the requests in flight.
            pools.callback(self.departures.close)
            pools.callback(self.routing.tokens.close)
            self._mark_abandoned_attempts_unknown()
            self._open_lanes(pools)
            try:
                self.claiming.postpone_unroutable(lambda: self._may_claim)
                while True:
                    if self._may_claim:
                        self._refresh_if_old()
                        self.routing.read_if_old()
                        self._look_at_exhausted_lanes()
                    self._take_turns()
                    if self.in_flight:
                        self._collect_answers(wait=self._pause)
                    elif self._may_claim and not self.sending.heart.may_send:
                        # The heartbeat is late. Either the process beats again soon, or ``is_over`` becomes true and
                        # ends this loop.
                        self.stop.wait(self._pause)
                    elif not self._may_claim or not self._more_may_come():
                        break
            except BaseException:
                # After any error, the answers to the requests in flight are still written. All answers are written to
                # the journal first, because the connection to the ledger may have failed.
                self.claim_until = float("-inf")
                while self.in_flight > sum(len(lane.answers) for lane in self.lanes):
                    self._collect_answers(wait=None)
                self.sending.ledger.rollback()
                self._take_turns()
                raise
        if self.departures.failure is not None:
            raise self.departures.failure
        return self.sending.counts

    @property
    def in_flight(self) -> int:
        """Number of requests in all lanes whose answer is not written yet: attempts, and questions to silent
        gateways."""
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
                # Other gateways still send. The run fails at its end because of the pause.
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
        """Pick up news while requests are open, so that a slow gateway does not delay other messages."""
        if self.catch_up is None:
            return
        is_busy = any(lane.queue_is_long for lane in self.lanes)
        every = _CHECK_NEWS_EVERY.total_seconds() if is_busy else self._pause
        if time.monotonic() > self.refreshed_at + every:
            if self._takes_the_lead() and self.catch_up():
                self.routing.reset_exhausted()
            self.refreshed_at = time.monotonic()

    def _look_at_exhausted_lanes(self) -> None:
        """Let every lane with request slots claim again once a message is due. Otherwise a message whose retry is due
        at one gateway would wait until another gateway has drained its queue."""
        idle = [lane for lane in self.lanes if lane.exhausted and lane.slots.share]
        if idle and self._sees_due_message():
            for lane in idle:
                lane.exhausted = False

    @property
    def _pause(self) -> float:
        """Seconds between two checks for news."""
        is_quiet = time.monotonic() > self.busy_at + _QUIET_AFTER
        return _CHECK_WATCHERS_EVERY if self.leads and self.is_watched and not is_quiet else _CHECK_WHEN_IDLE_EVERY

    def _more_may_come(self) -> bool:
        """Return whether to check the queue once more. This method is called only while nothing is in flight."""
        if self.routing.changed:
            return True
        usable = [lane for lane, route in zip(self.lanes, self.routing.routes, strict=True) if not route.stopped]
        waiting = [lane.resume_at for lane in usable if not lane.exhausted and lane.slots.share]
        if waiting:
            # Under a limit per second, the next message may have to wait for minutes. Meanwhile the sender handles news
            # and other gateways.
            self.stop.wait(max(0.0, min(self._pause, min(waiting) - time.monotonic())))
            return True
        if not all(lane.exhausted for lane in usable):
            # Other senders hold all slots of some gateway. This sender releases its idle slots of the other gateways,
            # so that two senders never wait for each other in a circle.
            for lane in self.lanes:
                if lane.exhausted:
                    lane.slots.give_all_back()
            self.stop.wait(_WAIT_FOR_SLOTS)
            return True
        if self._wait_for_news():
            self.routing.reset_exhausted()
            return True
        return False

    def _mark_abandoned_attempts_unknown(self) -> None:
        """Mark attempts in flight of dead senders as unknown, so that they are settled soon. Every sender does this at
        its start, the leader also every few seconds."""
        self.abandoned_marked_at = time.monotonic()
        self.sending.counts.abandoned += mark_abandoned_attempts_unknown(
            self.sending.ledger, self.sending.lock, self.sending.clock(), self.sending.sender_id
        )

    def _takes_the_lead(self) -> bool:
        """Return whether this sender is the leader. Make this sender the leader if the former leader has ended for any
        reason."""
        if not self.leads and hold_lock(self.sending.lock, LEADING):
            self.leads, self.busy_at = True, time.monotonic()
            if self.standby_place is not None:
                # The next sender may take this standby place and become the leader after this sender.
                release_lock(self.sending.lock, self.standby_place)
                self.standby_place = None
        if self.leads and time.monotonic() > self.abandoned_marked_at + _CHECK_NEWS_EVERY.total_seconds():
            self._mark_abandoned_attempts_unknown()
        return self.leads

    def _wait_for_news(self) -> bool:
        """Wait while there is nothing to send. Return whether to check the queue again.

        Return ``True`` once there is news, a message is due, or a gateway or carrier under a pause may be tried again.
        Return ``False`` once the time without news or the time of the run is over. While messages wait for a gateway,
        the sender waits until the gateway's next trial.
        """
        if self.catch_up is None or not (self.leads or self.standby_place is not None):
            return False
        began = time.monotonic()
        trial_in = self.routing.next_trial()
        if trial_in is None and not self.waits_for_successor and all(route.stopped for route in self.routing.routes):
            return False
        while not self._may_end(self.catch_up):
            if self.sending.heart.is_over:
                return False
            leads = self._takes_the_lead()
            if leads and self.catch_up():
                self.refreshed_at = self.busy_at = time.monotonic()
                return True
            if self._sees_due_message():
                return True
            now = time.monotonic()
            if now > began + _IDLE_AFTER or not leads:
                for lane in self.lanes:
                    lane.slots.give_all_back()
            ends_at = began + trial_in if trial_in is not None else self._waits_until()
            if now >= ends_at:
                break
            if self.stop.wait(max(0.0, min(self._pause, ends_at - now))):
                return False
        self.routing.changed = trial_in is not None and not self._may_end(self.catch_up)
        return self.routing.changed

    def _may_end(self, catch_up: CatchUp) -> bool:
        """Return whether the sender may end. It may not end before the run's time is over.

        If the sender also waits for a successor, it may end only as a leader with a standby, or once it may not claim
        any more.
        """
        if not catch_up.is_over or not self.waits_for_successor:
            return catch_up.is_over
        return not self._may_claim or (self.leads and has_standby(self.sending.lock, self.standby_places))

    def _sees_due_message(self) -> bool:
        """Return whether any message is due now. Query at most once a second, since the query also counts due messages
        that cannot be sent now."""
        now = time.monotonic()
        if now < self.queue_checked_at + _CHECK_QUEUE_EVERY:
            return False
        self.queue_checked_at = now
        is_due = messages.any_due(self.sending.ledger, self.sending.window, self.sending.clock())
        self.sending.ledger.commit()
        return is_due

    def _waits_until(self) -> float:
        """Return until when the sender waits for news, by the monotonic clock.

        A standby waits until the run's time is over. A leader waits as long if a watcher is missing, or if the leader
        waits for a successor. Any other leader waits ``MOTCUA_LINGER_QUIET`` after its last work.
        """
        if not self.leads:
            return float("inf")
        now = time.monotonic()
        if now >= self.watchers_checked_at + _CHECK_QUEUE_EVERY:
            watchers = lock_holders(self.sending.lock, WATCHING)
            self.is_watched, self.watchers_checked_at = watchers >= settings().look_parts, now
        if not self.is_watched or self.waits_for_successor:
            return float("inf")
        return self.busy_at + settings().linger_quiet.total_seconds()

    def _may_claim_for(self, lane: Lane) -> bool:
        # A message claimed while the heartbeat is late would be held back and then claimed again at once.
        may_leave = self._may_claim and self.sending.heart.may_send
        return may_leave and lane.wants_more and not self.routing.changed and not self.routing.route(lane).stopped

    def _take_turns(self) -> None:
        """Write the answers of each lane and claim messages for its free room, in one transaction for each lane.

        The SQL statements of a transaction are sent without waiting for each other (pipeline mode). The sender waits
        only for the claimed rows and for the commit.
        """
        for lane in self.lanes:
            if self._may_claim and (lane.slots.share or not (lane.exhausted or self.routing.route(lane).stopped)):
                # An idle lane is balanced too, since other senders may need its slots.
                lane.slots.balance()
            lane.allow_one_request()
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
            if lane.asks:
                lane.asks = False
                lane.in_flight += 1
                lane.pool.submit(self._ask, lane)

    def _call(self, lane: Lane, call: Call, start_at: float) -> None:
        if (wait := start_at - time.monotonic()) > 0:
            time.sleep(wait)
        answer = HELD_BACK
        with lane.slots.session() as http:
            if self.sending.heart.may_send and lane.begin_call():
                try:
                    answer = lane.gateway.submit(http, call.request)
                except HeldBack:
                    # No byte of the request was written.
                    answer = HELD_BACK
                except Exception as failure:
                    # The adapter itself failed, possibly after the request left, so the outcome is unknown.
                    answer = GatewayAnswer("unknown", code=f"adapter: {type(failure).__name__}")
                lane.end_call(answer)
        self.answers.put(Answered(lane, call, answer))

    def _ask(self, lane: Lane) -> None:
        """Ask a silent gateway with a request that cannot send a message."""
        answer: GatewayAnswer | None = HELD_BACK
        with lane.slots.session() as http:
            if self.sending.heart.may_send:
                try:
                    answer = lane.gateway.try_login(http)
                except HeldBack:
                    answer = HELD_BACK
                except Exception as failure:
                    answer = GatewayAnswer("unknown", code=f"adapter: {type(failure).__name__}")
        self.answers.put(Asked(lane, answer))

    def _collect_answers(self, wait: float | None) -> None:
        """Pass answers to their lanes. Wait at most ``wait`` seconds for the first answer; ``None`` waits without
        limit."""
        try:
            answered = [self.answers.get(timeout=wait)]
        except queue.Empty:
            return
        time.sleep(_COLLECT_FOR)
        while not self.answers.empty():
            answered.append(self.answers.get())
        for each in answered:
            each.lane.answers.append(each)
        self.departures.note([each for each in answered if isinstance(each, Answered)])
        self.busy_at = time.monotonic()


def unresolved(run_id: str, window: Window = EVERYTHING, now: datetime | None = None) -> Sequence[Finding]:
    """Return findings about what failed in a run and may succeed in a retry; empty if there is nothing. The findings
    have only counts and reasons."""
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
        # Expected pauses (at night, or for a quota) need no action.
        stops = [stop for stop in gateway_stops(ledger) if not stop.expected]
        due = messages.waiting(ledger, window, moment, _paused_carriers(stops)).due if stops else 0
        # While messages are due, a pause after failures is reported for up to ``gateway_stop`` after its end, because
        # the gateway may not have been tried again yet.
        longest = settings().gateway_stop if due else timedelta(0)
        stops = [stop for stop in stops if stop.until > moment - (longest if stop.pause is not None else timedelta(0))]
        if stops and due:
            left.append(fault("messages_held_up", "", f"{due} message(s) due while a gateway is stopped", messages=due))
        left += [stop.finding for stop in stops if not stop.by_hand]
    return left


def _paused_carriers(stops: Sequence[GatewayStop]) -> list[str] | None:
    """Return the carriers that the gateway pauses concern, or ``None`` if a pause concerns something else than a
    carrier."""
    return [stop.subject for stop in stops] if all(stop.concerns == "carrier" for stop in stops) else None
