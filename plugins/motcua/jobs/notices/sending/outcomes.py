"""Writes gateways' answers: the outcome of the attempt, the state of the message, and when and through which gateway
the message is tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from motcua.domain.routing import REFUSED_NUMBERS, carrier_is_refused, retry_wait
from motcua.jobs.notices.attempts import ATTEMPT_STATE, settle_time
from motcua.jobs.notices.sending.lanes import HELD_BACK, Answered, Asked, Lane, SenderRun, Settled
from motcua.jobs.notices.sending.routing import Routing, words_of
from motcua.settings import settings
from motcua.store.notices import attempts, messages
from motcua.store.notices.attempts import AttemptOutcome
from motcua.store.notices.gateways import judge_carrier
from motcua.store.notices.messages import ClaimedMessage, MessageOutcome


class Outcomes:
    """Writes the outcomes of one sender's calls. All writes are part of the transaction that the caller commits."""

    def __init__(self, run: SenderRun, routing: Routing) -> None:
        self.run, self.routing = run, routing

    def write(self, lane: Lane) -> None:
        """Write the outcomes of the answers that arrived on a lane (one gateway that the sender uses)."""
        now = self.run.clock()
        refused: dict[str, str] = {}
        do_not_wait: list[int] = []
        while lane.answers:
            answered = lane.answers.pop(0)
            lane.in_flight -= 1
            if isinstance(answered, Asked):
                self.routing.note_question(answered)
                continue
            do_not_wait += self.routing.notice(answered)
            if answered.answer.outcome == "configuration" and answered.answer.concerns == "carrier":
                refused[answered.call.carrier] = words_of(answered.answer)
            lane.unwritten.append(self._settle(answered, now))
        if not lane.unwritten:
            return
        # Rows are locked in the same order as when receipts are applied: first all messages, then the attempts, then
        # the gateway's counter of the day.
        messages.apply_outcomes(self.run.ledger, [settled.message for settled in lane.unwritten])
        if do_not_wait:
            messages.do_not_wait(self.run.ledger, do_not_wait, now)
        attempts.apply_outcomes(self.run.ledger, [settled.attempt for settled in lane.unwritten])
        for carrier in refused.keys() - lane.carrier_stops.keys():
            # The judgement also uses answers to other senders and to earlier runs, which are in the ledger.
            since = now - settings().useful_for
            numbers, took_one = judge_carrier(self.run.ledger, lane.name, carrier, since, REFUSED_NUMBERS)
            if carrier_is_refused(numbers, took_one):
                self.routing.stop_for_a_pause(lane, refused[carrier], "carrier", carrier)

    def _settle(self, answered: Answered, now: datetime) -> Settled:
        lane, outcome = answered.lane, answered.answer
        self.run.counts.by_outcome[outcome.outcome] = self.run.counts.by_outcome.get(outcome.outcome, 0) + 1
        if lane.gateway.address.segments_per_day is not None:
            lane.exhausted = False
        return Settled(
            message=self._message_outcome(answered, now),
            attempt=AttemptOutcome(
                reference=answered.call.request.reference,
                attempt_state=ATTEMPT_STATE[outcome.outcome],
                outcome=outcome.outcome,
                concerns=outcome.concerns if outcome.outcome == "configuration" else None,
                http_status=outcome.http_status,
                gateway_code=outcome.code,
                gateway_reference=outcome.gateway_reference,
                answered_at=now,
                settle_at=settle_time(outcome, lane.gateway, now),
            ),
        )

    def _message_outcome(self, answered: Answered, now: datetime) -> MessageOutcome:
        """Return what an answer leads to: the message's state, the reason, and when and through which gateway the
        message is tried again."""
        message, outcome = answered.call.message, answered.answer
        number = message.message_id
        match outcome.outcome:
            case "accepted" | "duplicate":
                return MessageOutcome(number, "accepted", None, now)
            case "phone":
                return MessageOutcome(number, "rejected", "phone", now)
            case "unreachable":
                passed_on = self.routing.pass_on(message, answered.lane.name, answered.call.carrier, now)
                if passed_on is None:
                    # No gateway reaches this number. The agency's one-stop desk may correct the number.
                    return MessageOutcome(number, "rejected", "phone", now)
                return MessageOutcome(number, "queued", passed_on.reason, now, passed_on.until, passed_on.avoid)
            case "unknown":
                return MessageOutcome(number, "unknown", "no_answer", now)
            case "transient" if outcome is HELD_BACK:
                return MessageOutcome(number, "queued", "held_back", now, now)
            case "transient":
                wait = _retry_wait(self._tries(message), outcome.retry_after)
                if self.routing.route(answered.lane).stopped:
                    # The message waits until the gateway's pause ends, instead of a retry time of its own.
                    wait = timedelta(seconds=outcome.retry_after or 0)
                return MessageOutcome(number, "queued", "gateway_busy", now, now + wait)
            case "configuration" if (until := self._waits_until(answered)) is not None:
                return MessageOutcome(number, "queued", "waits_for_opening", now, until)
            case "configuration":
                passed_on = self.routing.try_another(message, answered.lane.name, answered.call.carrier, now)
                next_attempt_at = passed_on.until
                if passed_on.until > now:
                    # Other messages are sent first, because this message may be the reason of the refusal. If the
                    # gateway itself is at fault, the gateway's pause already delays the message.
                    begin = now if outcome.concerns == "gateway" else passed_on.until
                    next_attempt_at = begin + _retry_wait(self._tries(message), None)
                reason = "gateway_stopped" if outcome.concerns == "gateway" else f"{outcome.concerns}_refused"
                return MessageOutcome(number, "queued", reason, now, next_attempt_at, passed_on.avoid)

    def _waits_until(self, answered: Answered) -> datetime | None:
        """Return when a gateway that is closed at night or by a quota opens again, or ``None`` if the message does not
        wait for the opening.

        The message waits only if it is still useful at the opening. Besides, its agency must have chosen to wait, or
        there must be no other gateway.
        """
        message = answered.call.message
        if answered.answer.open_at is None or not (message.waits_for_opening or len(self.routing.routes) == 1):
            return None
        until = self.routing.opens_at(answered.lane)
        return until if until is not None and until < message.candidate.useful_until else None

    def _tries(self, message: ClaimedMessage) -> int:
        """Return how often the message was tried so far. An answer that a gateway does not reach the number does not
        count as a try."""
        selective = {lane.name for lane in self.routing.lanes if not lane.gateway.reaches_every_number}
        return max(1, message.attempts_made + 1 - len(selective.intersection(message.avoid)))


_RETRY_LONGEST = timedelta(minutes=15)
"""Longest wait between two attempts."""


def _retry_wait(attempts_made: int, asked: float | None) -> timedelta:
    first = settings().retry_first
    return retry_wait(attempts_made, first, _RETRY_LONGEST, chance=random.random(), asked=asked)  # noqa: S311
