"""Sending: claim → look again → commit the attempt → HTTP → outcome, committed.

The ledger is the only thing that retries. A sender that dies leaves attempts in flight; the next one finds its
advisory lock free, so the loss is known at once, and makes them ``unknown``: nothing is ever repeated blindly.
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
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import requests
from requests.adapters import HTTPAdapter

from motcua.domain.occasions import SendCandidate, look_again
from motcua.domain.texts import UnregisteredTemplate, require_registered
from motcua.gateways import open_gateway
from motcua.gateways.adapter import Gateway, Outcome, OutgoingMessage
from motcua.jobs.planning import planning_rules
from motcua.settings import settings
from motcua.store import attempts, messages
from motcua.store.database import Connection, connect, open_connection
from motcua.store.gateways import ensure_gateway, stop_gateway, stopped_gateways
from motcua.store.locks import LINGERING, hold_lock, release_lock
from motcua.store.messages import EVERYTHING, Window
from motcua.store.rows import value_of
from motcua.store.templates import load_template_versions

_WRITE_AT_MOST = 64
_WAIT_FOR_UNSETTLED = timedelta(minutes=1)
_LOOK_FOR_NEWS_EVERY = timedelta(seconds=5)
_LOOK_WHEN_IDLE_EVERY = 0.25
_CLAIM_FOR = 20 * 60.0
"""Seconds; well inside the task's execution_timeout, which would tear the sender from what is in flight."""


@dataclass(slots=True)
class SendCounts:
    """What one sender did."""

    attempts: int = 0
    by_outcome: dict[str, int] = field(default_factory=dict)
    turned_away: dict[str, int] = field(default_factory=dict)
    abandoned: int = 0
    stopped_gateway: str | None = None
    unregistered: dict[str, int] = field(default_factory=dict)
    """Messages that wait because their template is not registered at the gateway, by the reason."""


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
        motcua.gateways.GatewayMisconfigured: a gateway's Airflow connection cannot be used.
    """
    with open_connection() as lock, connect() as ledger:
        lock.autocommit = True
        sender_id = secrets.randbits(62)
        if not hold_lock(lock, sender_id):
            raise RuntimeError("a random sender id was taken")
        return _Sender(ledger, lock, sender_id, run_id, window, catch_up, stop or threading.Event(), clock).run()


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
        self.answers: queue.SimpleQueue[tuple[Mapping[str, Any], OutgoingMessage, Outcome]] = queue.SimpleQueue()
        self.session = threading.local()
        self.templates = load_template_versions()
        self.refreshed_at = clock()
        self.in_flight = self.unanswered = 0
        self.claim_until = time.monotonic() + _CLAIM_FOR
        # One sender goes on for all: a second run, by the clock or by hand, does what is due and ends.
        self.lingers = catch_up is not None and hold_lock(lock, LINGERING)

    def run(self) -> SendCounts:
        self._bury_the_dead()
        name = self._usable_gateway()
        if name is None:
            return self.counts
        gateway = open_gateway(name)
        most = gateway.address.concurrency
        exhausted = False
        with ThreadPoolExecutor(max_workers=most, thread_name_prefix="gateway") as pool:
            try:
                while True:
                    if not exhausted and self._may_claim and self.in_flight <= most // 2:
                        self._refresh_if_old()
                        claimed, taken = self._claim(name, most - self.in_flight)
                        exhausted = taken == 0
                        self.in_flight += len(claimed)
                        for message, row in claimed:
                            pool.submit(self._call, gateway, message, row)
                    if self.in_flight:
                        self._write_answers(name, most)
                    elif not self._may_claim or (exhausted and not self._wait_for_news()):
                        break
                    else:
                        exhausted = False
            except BaseException:
                # Whatever ended the run: the gateway's answers to what is in flight are not thrown away.
                self.ledger.rollback()
                while self.in_flight:
                    self._write_answers(name, most)
                raise
        return self.counts

    @property
    def _may_claim(self) -> bool:
        return self.counts.stopped_gateway is None and not self.stop.is_set() and time.monotonic() < self.claim_until

    def _bury_the_dead(self) -> None:
        for sender_id in attempts.senders_in_flight(self.ledger):
            if sender_id != self.sender_id and hold_lock(self.lock, sender_id):
                self.counts.abandoned += attempts.abandon(self.ledger, sender_id, self.clock())
                self.ledger.commit()
                release_lock(self.lock, sender_id)
        self.ledger.commit()

    def _usable_gateway(self) -> str | None:
        stopped = stopped_gateways(self.ledger, self.clock())
        for name in settings().gateways:
            ensure_gateway(self.ledger, name)
        self.ledger.commit()
        return next((name for name in settings().gateways if name not in stopped), None)

    def _refresh_if_old(self) -> None:
        if self.catch_up is not None and self.clock() - self.refreshed_at > _LOOK_FOR_NEWS_EVERY:
            self.catch_up()
            self.refreshed_at = self.clock()

    def _wait_for_news(self) -> bool:
        """With nothing left to send: whether news came before the patience or the run's time was over."""
        if self.catch_up is None or not self.lingers:
            return False
        patience = time.monotonic() + settings().linger_quiet.total_seconds()
        while time.monotonic() < patience and not self.catch_up.is_over:
            if self.catch_up():
                self.refreshed_at = self.clock()
                return True
            if self.stop.wait(_LOOK_WHEN_IDLE_EVERY):
                break
        return False

    def _claim(self, gateway: str, limit: int) -> tuple[list[tuple[OutgoingMessage, Mapping[str, Any]]], int]:
        """Due messages, settled or committed as attempts; and how many rows were looked at."""
        now = self.clock()
        rules = planning_rules()
        rows = messages.claim(self.ledger, self.window, limit, now)
        going: list[tuple[OutgoingMessage, Mapping[str, Any]]] = []
        away: list[dict[str, Any]] = []
        waiting: list[int] = []
        later: list[int] = []
        for row in rows:
            verdict, reason = look_again(value_of(SendCandidate, row), now, rules)
            if verdict == "send":
                if not self._is_registered(row, gateway):
                    later.append(row["message_id"])
                    continue
                going.append((_outgoing(row), row))
            elif verdict == "wait":
                waiting.append(row["message_id"])
            else:
                away.append({"message_id": row["message_id"], "state": verdict, "reason": reason})
                self.counts.turned_away[verdict] = self.counts.turned_away.get(verdict, 0) + 1
        messages.turn_away(self.ledger, away)
        messages.postpone(self.ledger, waiting, now + _WAIT_FOR_UNSETTLED)
        if going:
            values = [
                {"message_id": row["message_id"], "reference": message.reference, "msisdn": message.msisdn}
                for message, row in going
            ]
            messages.begin_sending(self.ledger, values)
            attempts.save_attempts(
                self.ledger, values, gateway=gateway, sender_id=self.sender_id, run_id=self.run_id, now=now
            )
        messages.postpone(self.ledger, later, now + settings().gateway_stop)
        self.ledger.commit()
        self.counts.attempts += len(going)
        return going, len(rows)

    def _is_registered(self, row: Mapping[str, Any], gateway: str) -> bool:
        """Whether the gateway knows the template, so that nothing is spent on a text that it would refuse."""
        template = self.templates.get((row["template_id"], row["template_version"]))
        try:
            if template is None:
                raise UnregisteredTemplate(f"template {row['template_id']}.v{row['template_version']} has no file")
            require_registered(template, gateway)
        except UnregisteredTemplate as refusal:
            self.counts.unregistered[str(refusal)] = self.counts.unregistered.get(str(refusal), 0) + 1
            return False
        return True

    def _call(self, gateway: Gateway, message: OutgoingMessage, row: Mapping[str, Any]) -> None:
        if not hasattr(self.session, "http"):
            self.session.http = http_session()
        try:
            outcome = gateway.submit(self.session.http, message)
        except Exception as failure:
            # An adapter's own mistake, after the request may have left: the outcome is not known.
            outcome = Outcome("unknown", code=f"adapter: {type(failure).__name__}")
        self.answers.put((row, message, outcome))

    def _write_answers(self, gateway: str, most: int) -> None:
        answers = [self.answers.get()]
        while len(answers) < _WRITE_AT_MOST and not self.answers.empty():
            answers.append(self.answers.get())
        self.in_flight -= len(answers)
        now = self.clock()
        message_rows, attempt_rows = [], []
        for row, message, outcome in answers:
            self.counts.by_outcome[outcome.outcome] = self.counts.by_outcome.get(outcome.outcome, 0) + 1
            state, reason, again_at = self._after(row, outcome, now)
            message_rows.append(
                {
                    "message_id": row["message_id"],
                    "state": state,
                    "reason": reason,
                    "answered_at": now,
                    "next_attempt_at": again_at,
                }
            )
            attempt_rows.append(
                {
                    "reference": message.reference,
                    "attempt_state": _ATTEMPT_STATE[outcome.outcome],
                    "outcome": outcome.outcome,
                    "http_status": outcome.http_status,
                    "gateway_code": outcome.code,
                    "gateway_reference": outcome.gateway_reference,
                    "answered_at": now,
                }
            )
            self.unanswered = self.unanswered + 1 if outcome.outcome == "unknown" else 0
            if self.unanswered == most:
                # It takes no more than was in flight to see that nobody answers; the queue waits.
                self._stop(gateway, "no answer")
            if outcome.outcome == "configuration":
                self._stop(gateway, f"{outcome.http_status or ''} {outcome.code or ''}".strip())
        messages.apply_outcomes(self.ledger, message_rows)
        attempts.apply_outcomes(self.ledger, attempt_rows)
        self.ledger.commit()

    def _stop(self, gateway: str, reason: str) -> None:
        self.counts.stopped_gateway = reason
        stop_gateway(self.ledger, gateway, self.clock() + settings().gateway_stop, reason)

    def _after(
        self, row: Mapping[str, Any], outcome: Outcome, now: datetime
    ) -> tuple[str, str | None, datetime | None]:
        """State, reason and time of the next attempt that an answer leads to."""
        match outcome.outcome:
            case "accepted" | "duplicate":
                return "accepted", None, None
            case "phone":
                return "rejected", "phone", None
            case "configuration":
                # After the others: what is refused may be this message.
                return (
                    "queued",
                    "gateway_stopped",
                    now + settings().gateway_stop + retry_wait(row["attempts_made"] + 1, None),
                )
            case "transient":
                return "queued", "gateway_busy", now + retry_wait(row["attempts_made"] + 1, outcome.retry_after)
            case "unknown":
                return "unknown", "no_answer", None


_ATTEMPT_STATE = {
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


def _outgoing(row: Mapping[str, Any]) -> OutgoingMessage:
    return OutgoingMessage(
        reference=secrets.token_hex(16),
        msisdn=row["msisdn"],
        text=row["text"],
        accented=row["accented"],
        segments=row["segments"],
        template_id=row["template_id"],
        template_version=row["template_version"],
        parameters=tuple(row["parameters"]),
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
        stopped = stopped_gateways(ledger, moment)
        if stopped and (due := messages.waiting(ledger, window, moment)["due"]):
            left.append(f"{due} message(s) due while a gateway is stopped")
        left += [f"gateway {name} stopped: {row['stopped_reason']}" for name, row in stopped.items()]
    return left
