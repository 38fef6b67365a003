"""Decides through which gateway the messages to each carrier are sent, from the gateway pauses and the registrations at
each gateway."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Literal

from motcua.domain.routing import (
    FIRST_PAUSE,
    TIME_OUTS,
    Concern,
    Route,
    another_gateway,
    assign_carriers,
    next_pause,
    other_gateways,
)
from motcua.domain.texts import Registration, RegistrationKey, UnregisteredTemplate
from motcua.gateways.adapter import Gateway, GatewayAnswer, OutgoingMessage
from motcua.jobs.notices.attempts import outgoing_message, words_at
from motcua.jobs.notices.sending.lanes import HELD_BACK, NO_ANSWER, Answered, Asked, Lane, SenderRun
from motcua.jobs.notices.sending.tokens import TokenKeeper
from motcua.settings import settings
from motcua.store.notices import messages
from motcua.store.notices.gateways import (
    GatewayStop,
    begin_trial,
    end_trial,
    gateway_stops,
    lift_stops_that_are_over,
    stop_gateway,
)
from motcua.store.notices.messages import ClaimedMessage, Postponed
from motcua.store.notices.registrations import registrations
from motcua.store.notices.templates import load_template_versions

_READ_STOPS_EVERY = 5.0
_CHECK_TOKENS_EVERY = 0.2
"""Seconds between two checks while another process renews the tokens."""


class Routing:
    """The routes of one sender: which carriers each gateway serves now. The sender writes the beginning and the end of
    each gateway pause to the ledger, so that all senders obey the pause."""

    def __init__(self, run: SenderRun, lanes: Sequence[Lane]) -> None:
        self.run, self.lanes = run, lanes
        self.templates = load_template_versions()
        self.tokens = TokenKeeper(run)
        self.routes: list[Route] = []
        self.assigned: dict[str, frozenset[str]] = {}
        self.stopped_templates: set[tuple[str, str]] = set()
        self.registrations: Mapping[RegistrationKey, Registration] = {}
        self.on_trial: frozenset[tuple[str, str]] = frozenset()
        self.changed = False
        """Whether a pause began or ended since the pauses were last read. The sender claims nothing before it has read
        the pauses again."""
        self._read_at = 0.0

    def read(self) -> None:
        """Read the pauses and registrations of each gateway, and assign each carrier to a gateway."""
        now = self.run.clock()
        if lift_stops_that_are_over(self.run.ledger, now, changed_by=self.run.run_id):
            self.run.ledger.commit()
        stops = gateway_stops(self.run.ledger)
        if self._pause_closed_gateways(stops, now):
            stops = gateway_stops(self.run.ledger)
        self.registrations = registrations(self.run.ledger)
        self.run.ledger.commit()
        ends = [(stop.until - now).total_seconds() for stop in stops if stop.until > now]
        self._read_at, self.changed = time.monotonic() + min([_READ_STOPS_EVERY, *ends]), False
        self.routes = []
        for lane in self.lanes:
            ours = [stop for stop in stops if stop.gateway == lane.name]
            lane.stop = next((stop for stop in ours if stop.concerns == "gateway"), None)
            lane.carrier_stops = {stop.subject: stop for stop in ours if stop.concerns == "carrier"}
            if lane.stop is not None and not lane.stop.expected:
                lane.trusted = 1
            stopped = lane.stop is not None and lane.stop.until > now and lane.stop.until != lane.heard_until
            # Tokens are checked before an attempt is committed: without a good token no message is sent and no segment
            # is counted.
            if (token_fault := self.tokens.provide_tokens(lane.gateway)) == "":
                stopped, self._read_at = True, min(self._read_at, time.monotonic() + _CHECK_TOKENS_EVERY)
            elif token_fault is not None:
                stopped = stopped or self._pause_without_tokens(lane, token_fault, now)
            self.routes.append(Route(lane.name, lane.gateway.address.carriers, stopped, frozenset(lane.carrier_stops)))
        self.stopped_templates = {(stop.gateway, stop.subject) for stop in stops if stop.concerns == "template"}
        assigned = assign_carriers(self.routes)
        on_trial = frozenset(
            (stop.gateway, stop.subject) for stop in stops if stop.concerns == "carrier" and stop.until <= now
        )
        if assigned != self.assigned or on_trial != self.on_trial:
            self.assigned, self.on_trial = assigned, on_trial
            self.reset_exhausted()

    def _pause_closed_gateways(self, stops: Sequence[GatewayStop], now: datetime) -> bool:
        """Write an expected pause for each gateway that accepts nothing at this hour. Return whether it wrote any
        pause."""
        closing = False
        for lane in self.lanes:
            until = lane.gateway.closed.until(now) if lane.gateway.closed is not None else None
            if until is not None and not any(
                stop.gateway == lane.name and stop.concerns == "gateway" and stop.until >= until for stop in stops
            ):
                night = GatewayStop(
                    lane.name, "gateway", "", now, until, "it accepts no messages at this hour", expected=True
                )
                stop_gateway(self.run.ledger, night, changed_by=self.run.run_id)
                closing = True
        return closing

    def _pause_without_tokens(self, lane: Lane, why: str, now: datetime) -> Literal[True]:
        """Pause a gateway that has no good access token, so that staff and the other senders see the reason."""
        pause = next_pause(lane.stop.pause if lane.stop is not None else None, settings().gateway_stop)
        lane.stop = GatewayStop(lane.name, "gateway", "", now, now + pause, why, pause=pause)
        stop_gateway(self.run.ledger, lane.stop, changed_by=self.run.run_id)
        self.run.ledger.commit()
        return True

    def read_if_old(self) -> None:
        """Read pauses and registrations again if the last reading is too old or a pause changed since."""
        if self.changed or time.monotonic() >= self._read_at:
            self.read()

    def reset_exhausted(self) -> None:
        """Let every lane claim again, because some message may now be due at any gateway."""
        for lane in self.lanes:
            lane.exhausted = False

    def route(self, lane: Lane) -> Route:
        """Return the route of a lane."""
        return next(route for route in self.routes if route.gateway == lane.name)

    def opens_at(self, lane: Lane) -> datetime | None:
        """Return when a gateway opens again after an expected pause: its closed hours, or a day's used-up quota.

        If the pause for a day's quota ends within the gateway's closed hours, the gateway opens after these hours.
        ``None`` if the gateway is open or its pause has another reason.
        """
        if lane.stop is None or not lane.stop.expected:
            return None
        hours = lane.gateway.closed
        return (hours.until(lane.stop.until) if hours is not None else None) or lane.stop.until

    def closed_before(self, lane: Lane) -> list[tuple[Lane, datetime]]:
        """Return the gateways that are preferred to a lane's gateway and are under an expected pause, each with its
        opening time."""
        before = takewhile(lambda other: other is not lane, self.lanes)
        return [(other, until) for other in before if (until := self.opens_at(other)) is not None]

    def next_trial(self) -> float | None:
        """Return the seconds until the next test of a paused gateway or carrier, or ``None`` if no test is planned or
        no message is due by then."""
        now = self.run.clock()
        stops = [stop for lane in self.lanes for stop in (lane.stop, *lane.carrier_stops.values()) if stop]
        ends = [stop.until for stop in stops if stop.pause is not None and stop.until > now]
        waits = bool(ends) and messages.any_due(self.run.ledger, self.run.window, min(ends))
        self.run.ledger.commit()
        return (min(ends) - now).total_seconds() if waits else None

    def begin_trial(self, lane: Lane, stop: GatewayStop, now: datetime) -> bool:
        """Reserve a test of a paused gateway or carrier for this sender. Return ``False`` if another sender has
        reserved the test."""
        # A silent gateway is first asked a question: a request that sends no message. The question costs nothing, so
        # the pause does not grow.
        pause = stop.pause if stop.reason == NO_ANSWER else None
        pause = pause or next_pause(stop.pause, settings().gateway_stop)
        tried = replace(stop, until=now + pause, pause=pause)
        if not begin_trial(self.run.ledger, tried, now):
            self.changed = True
            return False
        if stop.concerns == "gateway":
            lane.stop, lane.on_trial = tried, True
        else:
            lane.carrier_stops[stop.subject] = tried
        return True

    def note_question(self, asked: Asked) -> None:
        """Note whether a silent gateway answered the question, a request that sends no message.

        If the gateway answered, or if its provider has no such request, the next message tests the gateway at once.
        """
        lane, answer = asked.lane, asked.answer
        is_silent = answer is not None and answer.outcome == "unknown" and (answer.http_status or 500) >= 500
        # A gateway that is still silent is asked again when the pause that ``begin_trial`` set is over.
        if not is_silent and answer is not HELD_BACK:
            if answer is None or answer.http_status is not None:
                lane.heard_until = lane.stop.until if lane.stop is not None else None
            else:
                self.stop_for_a_pause(lane, f"takes nothing: {words_of(answer)}")
        lane.on_trial, self.changed = False, True

    def request(self, message: ClaimedMessage, gateway: Gateway) -> OutgoingMessage:
        """Return the request that would send a message through a gateway.

        Raises:
            UnregisteredTemplate: the template is not registered at the gateway or is paused there, so the gateway would
                refuse the message.
        """
        words = words_at(gateway, message.words, self.templates)
        if (gateway.address.name, words.template) in self.stopped_templates:
            raise UnregisteredTemplate(f"template {words.template} is stopped at {gateway.address.name}")
        reference = secrets.token_hex(16)
        return outgoing_message(gateway, words, message.msisdn, reference, self.templates, self.registrations)

    def has_registered_template(self, message: ClaimedMessage, lane: Lane) -> bool:
        """Return whether the message's template may be used at the lane's gateway."""
        try:
            self.request(message, lane.gateway)
        except UnregisteredTemplate:
            return False
        return True

    def try_another(self, message: ClaimedMessage, gateway: str, carrier: str, now: datetime) -> Postponed:
        """Return how to queue a message again that this gateway does not accept: at once for another gateway, or for
        later if no other gateway can accept the message."""
        avoid = [*message.avoid, gateway]
        if another_gateway(self.routes, carrier, avoid):
            self.reset_exhausted()
            return Postponed(message.message_id, now, carrier=carrier, avoid=avoid)
        return Postponed(message.message_id, now + settings().gateway_stop, carrier=carrier, avoid=[])

    def pass_on(self, message: ClaimedMessage, gateway: str, carrier: str, now: datetime) -> Postponed | None:
        """Return how to queue a message for another gateway, because this gateway does not reach the number.

        The message goes to another gateway, at once or as soon as that gateway opens again. If every other gateway has
        refused the number, or no other gateway has a brandname at the carrier, the message waits. ``None`` if no other
        gateway is configured.
        """
        if len(self.routes) == 1:
            return None
        others = other_gateways(self.routes, carrier, gateway)
        if not others:
            self.run.counts.count_unregistered(f"no gateway's brandname is registered at {carrier}")
            until = now + settings().gateway_stop
            return Postponed(message.message_id, until, "carrier_unregistered", carrier, avoid=[])
        if others.issubset(message.avoid):
            return Postponed(message.message_id, now + settings().gateway_stop, "unreachable", carrier, avoid=[])
        self.reset_exhausted()
        return Postponed(message.message_id, now, "unreachable", carrier, avoid=[*message.avoid, gateway])

    def notice(self, answered: Answered) -> list[int]:
        """Begin and end pauses according to an answer. Return the ids of messages that from now on wait for the end of
        the gateway's pause instead of a retry time of their own."""
        lane, outcome, carrier = answered.lane, answered.answer, answered.call.carrier
        wait_for_gateway: list[int] = []
        if outcome is HELD_BACK:
            return wait_for_gateway
        is_transient, words = outcome.outcome == "transient", words_of(outcome)
        lane.unanswered = lane.unanswered + 1 if outcome.outcome == "unknown" else 0
        lane.turned_away = [*lane.turned_away, answered] if is_transient else []
        # Outside a test, a single failure of a gateway that was reached begins no pause. The gateway may have
        # restarted.
        limit = 1 if lane.on_trial else max(2, lane.request_limit)
        if lane.unanswered >= min(limit, TIME_OUTS):
            # A few time-outs suffice: each further request may cost a message of unknown outcome, while queued messages
            # can wait.
            self.stop_for_a_pause(lane, NO_ANSWER, costs_a_message=True)
        elif is_transient and (outcome.http_status is None or len(lane.turned_away) >= limit):
            # An answer without an HTTP status means that no connection was possible. One such answer is enough for a
            # pause.
            self.stop_for_a_pause(lane, f"takes nothing: {words}")
            wait_for_gateway = [
                each.call.message.message_id for each in lane.turned_away if not each.answer.retry_after
            ]
            lane.turned_away = []
        elif outcome.outcome == "configuration" and outcome.open_at is not None:
            # The pause has at least the shortest length, because the gateway's clock may differ from ours.
            lasting = max(FIRST_PAUSE, outcome.open_at - self.run.clock())
            self.stop(lane.name, words, lasting, expected=True)
        elif outcome.outcome == "configuration" and outcome.concerns == "gateway":
            if outcome.refused_token is not None:
                self.tokens.note_refusal(lane.name, outcome.refused_token)
            self.stop_for_a_pause(lane, words)
        elif outcome.outcome == "configuration" and outcome.concerns == "template":
            template = answered.call.message.words.template
            self.stop(lane.name, words, settings().gateway_stop, "template", template)
        if outcome.outcome in ("accepted", "duplicate"):
            self._end_pauses(lane, carrier)
        elif outcome.outcome in ("phone", "unreachable") or (
            outcome.outcome == "configuration" and outcome.concerns != "gateway"
        ):
            # The gateway refuses only this message, so the gateway itself works.
            self._end_pauses(lane, None)
        lane.on_trial = False
        return wait_for_gateway

    def _end_pauses(self, lane: Lane, carrier: str | None) -> None:
        """End the pause of a gateway that answered properly, and the pause of the carrier whose message the gateway
        accepted.

        A pause with a fixed end, ordered by a person or for a day's limit, stays until that end.
        """
        lane.trusted = min(lane.gateway.address.concurrency, lane.trusted + 1)
        for stop in filter(None, (lane.stop, lane.carrier_stops.get(carrier or ""))):
            if stop.pause is not None or stop.until <= self.run.clock():
                end_trial(self.run.ledger, stop, self.run.clock(), changed_by=self.run.run_id)
                self.changed = True
                if stop is lane.stop:
                    lane.stop = None
                else:
                    del lane.carrier_stops[stop.subject]

    def stop_for_a_pause(
        self,
        lane: Lane,
        reason: str,
        concerns: Concern = "gateway",
        subject: str = "",
        *,
        costs_a_message: bool = False,
    ) -> None:
        """Pause a gateway, or a carrier there. The first pause lasts some seconds, and each further pause lasts longer.
        No pause is shorter than the gateway asked for.

        A test that cost a message of unknown outcome makes the pause four times as long.
        """
        if concerns == "gateway" and lane.stop is not None and not lane.on_trial:
            # The gateway is paused already. This request was open before the pause.
            return
        longest = settings().gateway_stop
        pause = lane.stop.pause if concerns == "gateway" and lane.stop is not None else None
        if pause is None:
            pause = next_pause(None, longest)
        elif costs_a_message:
            pause = next_pause(next_pause(pause, longest), longest)
        asked = timedelta(seconds=max((each.answer.retry_after or 0.0 for each in lane.turned_away), default=0.0))
        self.stop(lane.name, reason, max(pause, asked), concerns, subject, pause)

    def stop(
        self,
        gateway: str,
        reason: str,
        lasting: timedelta,
        concerns: Concern = "gateway",
        subject: str = "",
        pause: timedelta | None = None,
        *,
        expected: bool = False,
    ) -> None:
        """Pause a gateway, or a carrier or a template there, for a time. ``expected`` marks a pause that follows from
        the gateway's own rules, such as its closed hours."""
        now = self.run.clock()
        stop = GatewayStop(gateway, concerns, subject, now, now + lasting, reason, expected=expected, pause=pause)
        stop_gateway(self.run.ledger, stop, changed_by=self.run.run_id)
        self.run.counts.stopped.append(str(stop))
        self.changed = True
        if concerns == "gateway":
            self.routes = [replace(route, stopped=True) if route.gateway == gateway else route for route in self.routes]
            for lane in self.lanes:
                if lane.name == gateway:
                    lane.stop = stop


def words_of(outcome: GatewayAnswer) -> str:
    """Return an answer in few words, as the reason of a gateway pause."""
    return f"{outcome.http_status or ''} {outcome.code or ''}".strip() or outcome.outcome
