"""What is stopped or registered at which gateway, and which gateway each carrier goes to meanwhile."""

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
from motcua.jobs.notices.sending.lanes import HELD_BACK, NO_ANSWER, UNHEARD, Answered, Lane, SenderRun
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
_LOOK_FOR_TOKENS = 0.2
"""Seconds, while another process gets them."""


class Routing:
    """Routes of one sender's lanes; what it stops and starts is the ledger's, so that all senders keep to it."""

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
        """Something was stopped or started since it was last read: nothing is claimed before it is read again."""
        self._read_at = 0.0

    def read(self) -> None:
        """What is stopped and registered at each gateway, and which one each carrier goes to now."""
        now = self.run.clock()
        if lift_stops_that_are_over(self.run.ledger, now, changed_by=self.run.run_id):
            self.run.ledger.commit()
        stops = gateway_stops(self.run.ledger)
        if self._close_for_the_night(stops, now):
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
            stopped = lane.stop is not None and lane.stop.until > now
            # Before an attempt is committed: nothing leaves, nothing is spent.
            if (shut := self.tokens.look(lane.gateway, now)) == "":
                stopped, self._read_at = True, min(self._read_at, time.monotonic() + _LOOK_FOR_TOKENS)
            elif shut is not None:
                stopped = stopped or self._shut(lane, shut, now)
            self.routes.append(Route(lane.name, lane.gateway.address.carriers, stopped, frozenset(lane.carrier_stops)))
        self.stopped_templates = {(stop.gateway, stop.subject) for stop in stops if stop.concerns == "template"}
        assigned = assign_carriers(self.routes)
        on_trial = frozenset(
            (stop.gateway, stop.subject) for stop in stops if stop.concerns == "carrier" and stop.until <= now
        )
        if assigned != self.assigned or on_trial != self.on_trial:
            self.assigned, self.on_trial = assigned, on_trial
            self.look_anew()

    def _close_for_the_night(self, stops: Sequence[GatewayStop], now: datetime) -> bool:
        """Stops the gateways that take nothing at this hour, until they do; whether any was not stopped for so long."""
        closing = False
        for lane in self.lanes:
            until = lane.gateway.closed.until(now) if lane.gateway.closed is not None else None
            if until is not None and not any(
                stop.gateway == lane.name and stop.concerns == "gateway" and stop.until >= until for stop in stops
            ):
                night = GatewayStop(
                    lane.name, "gateway", "", now, until, "it takes nothing at this hour", expected=True
                )
                stop_gateway(self.run.ledger, night, changed_by=self.run.run_id)
                closing = True
        return closing

    def _shut(self, lane: Lane, why: str, now: datetime) -> Literal[True]:
        """Stops a gateway that would let nobody in, for a pause, so that whoever looks sees it."""
        pause = next_pause(lane.stop.pause if lane.stop is not None else None, settings().gateway_stop)
        lane.stop = GatewayStop(lane.name, "gateway", "", now, now + pause, why, pause=pause)
        stop_gateway(self.run.ledger, lane.stop, changed_by=self.run.run_id)
        self.run.ledger.commit()
        return True

    def read_if_old(self) -> None:
        """Likewise, when that was some seconds ago or something was changed since."""
        if self.changed or time.monotonic() >= self._read_at:
            self.read()

    def look_anew(self) -> None:
        """Something changed that may make a message due at any gateway."""
        for lane in self.lanes:
            lane.exhausted = False

    def route(self, lane: Lane) -> Route:
        """Of a lane."""
        return next(route for route in self.routes if route.gateway == lane.name)

    def opens_at(self, lane: Lane) -> datetime | None:
        """When a gateway opens that takes nothing now as is expected: past a day's quota, not in the night after that
        day. ``None``: it is open, or stopped for anything else."""
        if lane.stop is None or not lane.stop.expected:
            return None
        hours = lane.gateway.closed
        return (hours.until(lane.stop.until) if hours is not None else None) or lane.stop.until

    def closed_before(self, lane: Lane) -> list[tuple[Lane, datetime]]:
        """Gateways before a lane's that take nothing now as is expected, each with when it opens."""
        before = takewhile(lambda other: other is not lane, self.lanes)
        return [(other, until) for other in before if (until := self.opens_at(other)) is not None]

    def next_trial(self) -> float | None:
        """In how many seconds something that messages wait for is tried again; ``None``: nothing is."""
        now = self.run.clock()
        stops = [stop for lane in self.lanes for stop in (lane.stop, *lane.carrier_stops.values()) if stop]
        ends = [stop.until for stop in stops if stop.pause is not None and stop.until > now]
        waits = bool(ends) and messages.any_due(self.run.ledger, self.run.window, min(ends))
        self.run.ledger.commit()
        return (min(ends) - now).total_seconds() if waits else None

    def begin_trial(self, lane: Lane, stop: GatewayStop, now: datetime) -> bool:
        """Whether this sender is the one that tries what was stopped again."""
        # One that is asked first costs nothing while it is silent, and is asked again soon.
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

    def request(self, message: ClaimedMessage, gateway: Gateway) -> OutgoingMessage:
        """What a gateway would be asked to send of a message.

        Raises:
            UnregisteredTemplate: the gateway would refuse the template, so nothing is spent on it.
        """
        words = words_at(gateway, message.words, self.templates)
        if (gateway.address.name, words.template) in self.stopped_templates:
            raise UnregisteredTemplate(f"template {words.template} is stopped at {gateway.address.name}")
        reference = secrets.token_hex(16)
        return outgoing_message(gateway, words, message.msisdn, reference, self.templates, self.registrations)

    def has_words(self, message: ClaimedMessage, lane: Lane) -> bool:
        """Whether a gateway would be given the message as far as its template goes."""
        try:
            self.request(message, lane.gateway)
        except UnregisteredTemplate:
            return False
        return True

    def try_another(self, message: ClaimedMessage, gateway: str, carrier: str, now: datetime) -> Postponed:
        """When and where a message goes on that this gateway does not take: at once by another one, else later."""
        avoid = [*message.avoid, gateway]
        if another_gateway(self.routes, carrier, avoid):
            self.look_anew()
            return Postponed(message.message_id, now, carrier=carrier, avoid=avoid)
        return Postponed(message.message_id, now + settings().gateway_stop, carrier=carrier, avoid=[])

    def pass_on(self, message: ClaimedMessage, gateway: str, carrier: str, now: datetime) -> Postponed | None:
        """When and where a message goes on whose number this gateway does not reach: at once by another one, or as soon
        as that is open again; later, where each of them has refused it, or has no brandname at the carrier. ``None``:
        there is no other."""
        if len(self.routes) == 1:
            return None
        others = other_gateways(self.routes, carrier, gateway)
        if not others:
            self.run.counts.count_unregistered(f"no gateway's brandname is registered at {carrier}")
            until = now + settings().gateway_stop
            return Postponed(message.message_id, until, "carrier_unregistered", carrier, avoid=[])
        if others.issubset(message.avoid):
            return Postponed(message.message_id, now + settings().gateway_stop, "unreachable", carrier, avoid=[])
        self.look_anew()
        return Postponed(message.message_id, now, "unreachable", carrier, avoid=[*message.avoid, gateway])

    def notice(self, answered: Answered) -> list[int]:
        """Stops what the answer shows to be wrong, and starts what takes messages again; returns messages that wait for
        the gateway from now on, and not for a time of their own."""
        lane, outcome, carrier = answered.lane, answered.answer, answered.call.carrier
        wait_for_it: list[int] = []
        if outcome is HELD_BACK:
            return wait_for_it
        if outcome is UNHEARD:
            self.stop_for_a_pause(lane, NO_ANSWER)
            lane.on_trial = False
            return wait_for_it
        is_transient, words = outcome.outcome == "transient", words_of(outcome)
        lane.unanswered = lane.unanswered + 1 if outcome.outcome == "unknown" else 0
        lane.turned_away = [*lane.turned_away, answered] if is_transient else []
        # One that fails alone, just after a restart for example, is nothing.
        limit = 1 if lane.on_trial else max(2, lane.most)
        if lane.unanswered >= min(limit, TIME_OUTS):
            # A few show that nobody answers; what is out by then cannot be taken back, the queue waits.
            self.stop_for_a_pause(lane, NO_ANSWER, costs_a_message=True)
        elif is_transient and (outcome.http_status is None or len(lane.turned_away) >= limit):
            # Without a status nobody is there, which one request shows as well as many.
            self.stop_for_a_pause(lane, f"takes nothing: {words}")
            wait_for_it = [each.call.message.message_id for each in lane.turned_away if not each.answer.retry_after]
            lane.turned_away = []
        elif outcome.outcome == "configuration" and outcome.open_at is not None:
            # No less than the shortest pause, wherever their clock and ours are.
            lasting = max(FIRST_PAUSE, outcome.open_at - self.run.clock())
            self.stop(lane.name, words, lasting, expected=True)
        elif outcome.outcome == "configuration" and outcome.concerns == "gateway":
            if outcome.tokens_refused:
                self.tokens.doubt(lane.gateway)
            self.stop_for_a_pause(lane, words)
        elif outcome.outcome == "configuration" and outcome.concerns == "template":
            template = answered.call.message.words.template
            self.stop(lane.name, words, settings().gateway_stop, "template", template)
        if outcome.outcome in ("accepted", "duplicate"):
            self._start_what_takes_messages(lane, carrier)
        elif outcome.outcome in ("phone", "unreachable") or (
            outcome.outcome == "configuration" and outcome.concerns != "gateway"
        ):
            # It refuses this message alone, so it works.
            self._start_what_takes_messages(lane, None)
        lane.on_trial = False
        return wait_for_it

    def _start_what_takes_messages(self, lane: Lane, carrier: str | None) -> None:
        """The gateway answered as it should, and took a message to the carrier, if one is given: neither stays stopped
        until its time. What is stopped until a fixed time does: a person, or a day's limit, did it."""
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
        """Leaves a gateway, or a carrier there, alone for a pause, at first for seconds, and no less than it asked.

        A try that cost a message, whose outcome nobody knows now, makes the pause four times as long.
        """
        if concerns == "gateway" and lane.stop is not None and not lane.on_trial:
            # It is left alone already; this request was out before.
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
        """Stops a gateway, or a carrier or a template there, for a time; ``expected``: as its own rules have it."""
        now = self.run.clock()
        stop = GatewayStop(gateway, concerns, subject, now, now + lasting, reason, expected=expected, pause=pause)
        stop_gateway(self.run.ledger, stop, changed_by=self.run.run_id)
        self.run.counts.stopped.append(str(stop))
        # The routes are read anew before the next claim.
        self.changed = True
        if concerns == "gateway":
            self.routes = [replace(route, stopped=True) if route.gateway == gateway else route for route in self.routes]
            for lane in self.lanes:
                if lane.name == gateway:
                    lane.stop = stop


def words_of(outcome: GatewayAnswer) -> str:
    """An answer in few words, for who reads why something is stopped."""
    return f"{outcome.http_status or ''} {outcome.code or ''}".strip() or outcome.outcome
