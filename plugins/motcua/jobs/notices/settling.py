"""Settles attempts without an answer, and accepted messages without a receipt.

An attempt without an answer is settled by the first of these steps that gives a result:

1. A receipt is read.
2. The gateway is asked about the attempt, if the gateway can be asked.
3. The same request is sent again under the same reference, if the provider promises to refuse a repeat.
4. The gateway's policy for unknown outcomes is applied. With ``hold``, the message stays unknown, and people may
   release it (``stopping.release``). With ``accept``, the message counts as accepted.

An accepted message without a receipt is closed as ``unconfirmed`` after the gateway's *horizon*, the time in which a
receipt may still arrive. A receipt that arrives later is still applied.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from motcua.domain.occasions import look_again
from motcua.domain.routing import day_of, doubled_wait, fit_day, next_pause, start_times
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.texts import UnregisteredTemplate
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import (
    DEFAULT_HORIZON_HOURS,
    Gateway,
    GatewayAnswer,
    OutgoingMessage,
    ReceiptReading,
    SentAttempt,
)
from motcua.jobs.notices.attempts import (
    ATTEMPT_STATE,
    SETTLE_FIRST,
    mark_abandoned_attempts_unknown,
    outgoing_message,
    rests_until,
    settle_time,
    words_at,
)
from motcua.jobs.notices.planning import planning_rules
from motcua.jobs.notices.receiving import read_left_over_receipts, store_and_read_receipt
from motcua.jobs.notices.sending.heartbeat import Heart, beating
from motcua.jobs.notices.sending.request_slots import RequestSlots
from motcua.jobs.restoring import look_for_gap, take_answers
from motcua.settings import settings
from motcua.store.ledger.database import Connection, connect
from motcua.store.ledger.locks import hold_lock
from motcua.store.notices import attempts, messages
from motcua.store.notices.attempts import AskedAttempt, RepeatOutcome, UnsettledAttempt
from motcua.store.notices.gateways import (
    GatewayStop,
    gateway_names,
    gateway_stops,
    lock_allowance,
    stop_gateway,
    use_allowance,
)
from motcua.store.notices.registrations import registrations
from motcua.store.notices.templates import load_template_versions

log = logging.getLogger(__name__)

_SETTLE_LONGEST = timedelta(hours=1)
"""Longest wait until a gateway is asked again about an attempt without an answer or a receipt."""
_ASKED_PER_SLOT = 4
"""Largest number of accepted attempts that are asked about together, for each request that may be open at the
gateway."""
_ASKS_FOR = 120.0
"""Seconds for which one settling asks one gateway. The next settling continues. A gateway that does not answer must not
delay the rest of the settling: other gateways, messages that expire, and requests of the staff pages."""
_SURE_AFTER = timedelta(minutes=10)
"""Age of a request from which a gateway's answer that it never got the request is believed. Before that, the gateway's
records may lag behind."""
_REMEMBERED_FOR = timedelta(days=30)
"""Largest age of an attempt about which its gateway is asked. No provider keeps a record of a request for longer than a
week. The messages of older attempts stay unknown, so without this limit the gateways would be asked about these
attempts once an hour for ever."""
_LATE_ANSWERS = timedelta(days=1)
"""Largest age of an attempt whose answer is searched for in the journal (files outside the ledger) after the attempt's
sender ended."""
_WAIT_FOR_SLOTS = 60.0
"""Seconds to wait for request slots. After that, the remaining attempts are left to the next settling."""
_FORGETS_SOONER = timedelta(minutes=5)
"""Time that must be left, when a request is repeated, of the time for which the provider promises to refuse repeats."""


@dataclass(slots=True)
class SettleCounts:
    """Counts of one settling."""

    receipts_read: int = 0
    abandoned: int = 0
    asked: int = 0
    repeated: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    """Number of attempts whose outcome is known now, by the way in which the outcome became known and by the
    outcome."""
    assumed: int = 0
    unconfirmed: int = 0
    expired: int = 0
    held: dict[str, int] = field(default_factory=dict)
    """Number of messages of unknown outcome, by gateway. People may release the messages that are still useful."""
    held_useful: int = 0
    gap: str | None = None
    """Why nothing was settled, or only messages that were recorded after a gap was noticed. A *gap* is open while the
    ledger may lack sent messages after a restore. ``None`` without an open gap."""


def settle(
    run_id: str,
    window: Window = EVERYTHING,
    *,
    stop: threading.Event | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> SettleCounts:
    """Settle the attempts and messages of a window, by default of all time, as far as possible now. Also end messages
    that are no longer useful.

    A second call, even at the same time, does nothing twice.
    """
    asked_to_stop = stop or threading.Event()
    with beating() as heart, connect() as lock, connect() as ledger:
        lock.autocommit = True
        heart.end_frozen_processes(lock)
        counts = SettleCounts(receipts_read=read_left_over_receipts())
        sender_id = secrets.randbits(62)
        if not hold_lock(lock, sender_id):
            raise RuntimeError("another process has the same random sender id; run the task again")
        if (hold := look_for_gap(ledger, run_id, clock())) is not None:
            # While the gap is open, a gateway's answer that it never got an attempt proves nothing: the gateway may
            # have got another attempt of the same message, which the ledger has lost.
            counts.gap = hold.why
            if (part := hold.window(window)) is None:
                return counts
            window = part
        heart.record_running(clock, hold.gap_no if hold is not None else None)
        counts.abandoned = mark_abandoned_attempts_unknown(ledger, lock, clock(), sender_id)
        # A sender that lost its connection to the ledger still writes its last answers to the journal. By then, another
        # process may have marked its attempts as unknown.
        take_answers(ledger, clock(), since=clock() - _LATE_ANSWERS)
        names = gateway_names(ledger)
        ledger.commit()
        for name in names:
            if asked_to_stop.is_set():
                break
            _settle_gateway(ledger, lock, heart, name, sender_id, run_id, window, asked_to_stop, clock, counts)
        counts.expired = messages.expire(ledger, window, clock())
        ledger.commit()
        for count in messages.count_held(ledger, window, clock()):
            counts.held[count.gateway] = count.held
            counts.held_useful += count.useful
    log.info("settled: %s", counts)
    return counts


def _settle_gateway(
    ledger: Connection,
    lock: Connection,
    heart: Heart,
    name: str,
    sender_id: int,
    run_id: str,
    window: Window,
    stop: threading.Event,
    clock: Callable[[], datetime],
    counts: SettleCounts,
) -> None:
    horizon = timedelta(hours=DEFAULT_HORIZON_HOURS)
    try:
        gateway = open_gateway(name)
    except GatewayMisconfigured:
        # A gateway that was taken out of use has no Airflow connection. Its messages without a receipt are still closed
        # below. The last task of the run reports a misconfigured gateway that is in use.
        pass
    else:
        horizon = gateway.address.horizon
        slots = RequestSlots(lock, name, gateway.address.concurrency, heart)
        with closing(slots):
            _Settler(ledger, gateway, slots, sender_id, run_id, window, stop, clock, counts).run()
            slots.give_all_back()
    counts.unconfirmed += messages.close_unconfirmed(ledger, name, window, clock() - horizon)
    ledger.commit()


class _Settler:
    """Settles the attempts of one gateway."""

    def __init__(
        self,
        ledger: Connection,
        gateway: Gateway,
        slots: RequestSlots,
        sender_id: int,
        run_id: str,
        window: Window,
        stop: threading.Event,
        clock: Callable[[], datetime],
        counts: SettleCounts,
    ) -> None:
        self.ledger, self.gateway, self.slots, self.sender_id = ledger, gateway, slots, sender_id
        self.run_id, self.window = run_id, window
        self.stop, self.clock, self.counts = stop, clock, counts
        self.name = gateway.address.name
        self._ask_until = time.monotonic() + _ASKS_FOR

    def run(self) -> None:
        repeats_are_refused = self.gateway.refuses_repeats_for > timedelta(0)
        with ThreadPoolExecutor(self.gateway.address.concurrency, thread_name_prefix=f"settling {self.name}") as pool:
            if self.gateway.can_be_asked or repeats_are_refused:
                self._settle_unanswered(pool)
            if self.gateway.can_be_asked:
                self._ask_for_receipts(pool)
        if self.gateway.address.when_unknown == "accept":
            now = self.clock()
            # While a repeat could still show the outcome, the policy does not apply yet.
            wait = max(self.gateway.address.unknown_after, self.gateway.refuses_repeats_for)
            self.counts.assumed += attempts.assume_accepted(self.ledger, self.name, self.window, now - wait, now)
            self.ledger.commit()

    def _may_ask(self) -> bool:
        """Wait for request slots. Return ``False`` if senders have held all slots of the gateway for too long, or if
        this settling has asked the gateway for long enough."""
        if time.monotonic() >= self._ask_until:
            return False
        until = time.monotonic() + _WAIT_FOR_SLOTS
        self.slots.balance()
        while not self.slots.share and time.monotonic() < until and not self.stop.wait(0.1):
            self.slots.balance()
        return self.slots.share > 0

    @property
    def _is_paused(self) -> bool:
        now = self.clock()
        stops = gateway_stops(self.ledger)
        self.ledger.commit()
        return any(s.gateway == self.name and s.concerns == "gateway" and s.until > now for s in stops)

    def _settle_unanswered(self, pool: ThreadPoolExecutor) -> None:
        while not self.stop.is_set() and not self._is_paused and self._may_ask():
            now = self.clock()
            # Read at most as many attempts as requests may be open, so that each request is sent right after its check.
            found = attempts.unsettled(
                self.ledger, self.name, self.window, now, now - _REMEMBERED_FOR, self.gateway.address.concurrency
            )
            if not found:
                break
            repeating = self._to_repeat(found, now)
            # A message must not be released while its request is repeated.
            attempts.begin_repeat(self.ledger, self.sender_id, sorted(repeating))
            self.counts.asked += len(found) if self.gateway.can_be_asked else 0
            self._note_next_settling([each.attempt for each in found], now)
            self.ledger.commit()
            asked = [each.attempt for each in found]
            answers = pool.map(
                lambda each, repeat=repeating: self._ask_or_repeat(each, repeat.get(each.attempt_id)), asked
            )
            for each, (reading, outcome) in zip(found, answers, strict=True):
                self.slots.balance()
                if reading is not None:
                    self._store_reading(each.attempt, reading)
                if outcome is not None:
                    self._write_repeat(each, outcome)
                if each.attempt.attempt_id in repeating:
                    attempts.end_repeat(self.ledger, self.sender_id, each.attempt.attempt_id)
                    self.ledger.commit()
        self.ledger.commit()

    def _note_next_settling(self, asked: Sequence[AskedAttempt], now: datetime) -> None:
        attempts.note_settling(
            self.ledger,
            {each.attempt_id: now + doubled_wait(each.settlings + 2, SETTLE_FIRST, _SETTLE_LONGEST) for each in asked},
        )

    def _to_repeat(self, found: Sequence[UnsettledAttempt], now: datetime) -> dict[int, OutgoingMessage]:
        """Return the requests that may be sent once more, by attempt.

        A request may be repeated only if all of these conditions are met:

        - The provider still promises to refuse a repeat.
        - The message still applies, is still useful, is not stopped and need not wait.
        - The citizen's number is still the number of the first request.
        - The template is registered at the gateway.
        - The gateway's limits leave room.
        """
        until = self.gateway.refuses_repeats_for - _FORGETS_SOONER
        rules = planning_rules()
        wanted = [
            each
            for each in found
            if each.attempt.started_at + until > now
            and not each.is_stopped
            and each.msisdn == each.attempt.sent_to
            and look_again(each.candidate, now, rules)[0] == "send"
            and rests_until(each, now) is None
        ]
        requests = self._same_requests(wanted)
        wanted = [each for each in wanted if each.attempt.attempt_id in requests]
        address, day = self.gateway.address, day_of(now)
        units = [requests[each.attempt.attempt_id].units for each in wanted]
        if wanted and (address.segments_per_second is not None or address.segments_per_day is not None):
            allowance = lock_allowance(self.ledger, self.name, day)
            if address.segments_per_day is not None:
                units = units[: fit_day(units, address.segments_per_day, allowance.segments_today)]
            free_at = None
            if address.segments_per_second is not None:
                ahead = timedelta(seconds=1)
                starts, free_at = start_times(units, address.segments_per_second, allowance.free_at, now, ahead)
                units = units[: len(starts)]
            use_allowance(self.ledger, self.name, day=day, segments=sum(units), free_at=free_at)
        going = [each.attempt.attempt_id for each in wanted[: len(units)]]
        return {attempt_id: requests[attempt_id] for attempt_id in going}

    def _same_requests(self, wanted: Sequence[UnsettledAttempt]) -> dict[int, OutgoingMessage]:
        """Return the original requests by attempt: the same text, number and reference. Leave out attempts whose
        template is not registered now."""
        known, templates = registrations(self.ledger), load_template_versions()
        requests = {}
        for each in wanted:
            with contextlib.suppress(UnregisteredTemplate):
                attempt, accented = each.attempt, bool(each.sent_accented)
                words = words_at(self.gateway, each.words, templates, accented=accented)
                requests[attempt.attempt_id] = outgoing_message(
                    self.gateway, words, attempt.sent_to, attempt.reference, templates, known
                )
        return requests

    def _ask_or_repeat(
        self, attempt: AskedAttempt, repeat: OutgoingMessage | None
    ) -> tuple[ReceiptReading | None, GatewayAnswer | None]:
        """Ask the gateway about an attempt. If the gateway's reply does not settle the attempt and a repeat is safe,
        repeat the request and return the answer to the repeat."""
        if self.gateway.can_be_asked and (reading := self._ask(attempt)) is not None:
            return reading, None
        if repeat is None:
            return None, None
        try:
            with self.slots.session() as http:
                return None, self.gateway.submit(http, repeat)
        except Exception as failure:
            return None, GatewayAnswer("unknown", code=f"adapter: {type(failure).__name__}")

    def _ask(self, attempt: AskedAttempt) -> ReceiptReading | None:
        """Ask the gateway about an attempt. Return ``None`` if the answer does not settle the attempt."""
        sent = SentAttempt(attempt.reference, attempt.gateway_reference, attempt.sent_to, attempt.started_at)
        try:
            with self.slots.session() as http:
                reading = self.gateway.ask(http, sent)
        except Exception as failure:
            log.warning("asking %s: %s", self.name, type(failure).__name__)
            return None
        if reading is None or reading.meaning in ("pending", "unreadable"):
            return None
        if reading.meaning == "absent" and self.clock() - attempt.started_at < _SURE_AFTER:
            return None
        return reading

    def _store_reading(self, attempt: AskedAttempt, reading: ReceiptReading) -> None:
        """Store and read the answer of a gateway that was asked, as if the answer were a receipt."""
        known = ReceiptReading(
            attempt.reference, reading.gateway_status, reading.meaning, {**reading.raw, "asked": "1"}
        )
        if store_and_read_receipt(self.ledger, self.name, known) == "applied":
            self._count("asked", reading.meaning)

    def _count(self, how: str, what: str) -> None:
        key = f"{how}: {what}"
        self.counts.settled[key] = self.counts.settled.get(key, 0) + 1

    def _write_repeat(self, repeated: UnsettledAttempt, outcome: GatewayAnswer) -> None:
        """Write what the answer to a repeated request proves. A temporary refusal, or a refusal of our account, proves
        nothing about the first request, so the attempt stays unknown."""
        self.counts.repeated += 1
        now = self.clock()
        if outcome.outcome in ("accepted", "duplicate", "phone"):
            accepted = outcome.outcome != "phone"
            settled = attempts.settle_repeat(
                self.ledger,
                self.sender_id,
                RepeatOutcome(
                    attempt_id=repeated.attempt.attempt_id,
                    message_id=repeated.message_id,
                    state="accepted" if accepted else "rejected",
                    reason=None if accepted else "phone",
                    attempt_state=ATTEMPT_STATE[outcome.outcome],
                    outcome=outcome.outcome,
                    http_status=outcome.http_status,
                    gateway_code=outcome.code,
                    gateway_reference=outcome.gateway_reference,
                    settle_at=settle_time(outcome, self.gateway, now),
                ),
                now,
            )
            if settled:
                self._count("repeated", outcome.outcome)
        elif outcome.outcome == "configuration" and outcome.concerns == "gateway":
            words = f"{outcome.http_status or ''} {outcome.code or ''}".strip()
            pause = next_pause(None, settings().gateway_stop)
            stop = GatewayStop(self.name, "gateway", "", now, now + pause, words, pause=pause)
            stop_gateway(self.ledger, stop, changed_by=self.run_id)
        self.ledger.commit()

    def _ask_for_receipts(self, pool: ThreadPoolExecutor) -> None:
        while not self.stop.is_set() and self._may_ask():
            now = self.clock()
            at_once = _ASKED_PER_SLOT * self.gateway.address.concurrency
            asked = attempts.unreported(self.ledger, self.name, self.window, now, at_once)
            self._note_next_settling(asked, now)
            self.ledger.commit()
            if not asked:
                break
            self.counts.asked += len(asked)
            for attempt, reading in zip(asked, pool.map(self._ask, asked), strict=True):
                self.slots.balance()
                if reading is not None and reading.meaning in ("delivered", "undelivered"):
                    self._store_reading(attempt, reading)
