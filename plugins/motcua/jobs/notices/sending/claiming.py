"""Claims due messages for a lane (a gateway that a sender uses), checks each message once more, and saves an attempt
for each message that may be sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.domain.occasions import look_again
from motcua.domain.routing import carrier_of_msisdn, day_of, fit_day, next_day, start_times, unregistered_carriers
from motcua.domain.texts import UnregisteredTemplate
from motcua.gateways.adapter import OutgoingMessage
from motcua.jobs.notices.attempts import rests_until
from motcua.jobs.notices.planning import planning_rules
from motcua.jobs.notices.sending.lanes import NO_ANSWER, Call, Lane, SenderRun
from motcua.jobs.notices.sending.routing import Routing
from motcua.settings import settings
from motcua.store.notices import attempts, messages, stops
from motcua.store.notices.gateways import GatewayStop, lock_allowance, use_allowance
from motcua.store.notices.messages import ClaimedMessage, Departing, Place, Postponed, Share, TurnedAway

_WAIT_FOR_UNSETTLED = timedelta(minutes=1)
_WAIT_FOR_ROW = timedelta(seconds=10)
"""Time from the planned reading of a dossier's row to the next claim of a message that waits for this reading.

A message waits for the row if an *old* step, which was typed in late, may take back the reason for the message. The
reading itself may make the message due earlier."""
_START_AHEAD = timedelta(seconds=0.5)
"""Longest time between the claim of a message and its request, at a gateway with a limit per second. The claim is the
last check of the message, so it must not be much earlier."""

_LATEST = timedelta(seconds=5)
"""Time within which a message must have become due to count as one of the latest messages."""
_LATEST_EVERY = 1.0
"""Seconds between two claims of the latest messages."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A claimed message that may go through a lane now."""

    message: ClaimedMessage
    carrier: str
    request: OutgoingMessage


class Claiming:
    """Claims messages for one sender. All writes are part of the transaction that the caller commits."""

    def __init__(self, run: SenderRun, routing: Routing) -> None:
        self.run, self.routing = run, routing

    def postpone_unroutable(self, may_claim: Callable[[], bool]) -> None:
        """Postpone and count messages to carriers at which no gateway's brandname is registered."""
        unregistered = unregistered_carriers(self.routing.routes)
        if not unregistered or not self.routing.routes:
            return
        share = Share("", unregistered, frozenset(), takes_unsorted=False)
        while may_claim():
            rows = messages.claim(self.run.ledger, share, self.run.window, 1000, self.run.clock())
            now = self.run.clock()
            postponed = []
            for message in self._judge(rows, now):
                carrier = carrier_of_msisdn(message.msisdn)
                until, reason = now, "carrier_changed"
                if carrier in unregistered:
                    until, reason = now + settings().gateway_stop, "carrier_unregistered"
                    self.run.counts.count_unregistered(f"no gateway's brandname is registered at {carrier}")
                postponed.append(Postponed(message.message_id, until, reason, carrier))
            messages.postpone(self.run.ledger, postponed)
            self.run.ledger.commit()
            if not rows:
                break

    def claim(self, lane: Lane) -> list[Call]:
        """Claim due messages of the lane's part of the queue and save their attempts. The requests may start once the
        caller has committed."""
        now = self.run.clock()
        route = self.routing.route(lane)
        share = Share(
            lane.name,
            self.routing.assigned[lane.name],
            route.open_carriers,
            takes_unsorted=next(r.gateway for r in self.routing.routes if not r.stopped) == lane.name,
        )
        going = self._claim_for_trials(lane, now)
        room = max(0, lane.room - len(going))
        rows = self._claim_in_turn(lane, share, room, now) if room else []
        lane.exhausted = not rows and not going
        going += self._fit_to_go(lane, share, rows, now)
        if going and lane.stop is not None and not self._may_test(lane, lane.stop, now):
            going = []
        starts = self._within_limits(lane, [each.request.units for each in going], now)
        going = going[: len(starts)]
        if going:
            departing = [
                Departing(
                    each.message.message_id,
                    each.request.reference,
                    each.request.msisdn,
                    each.carrier,
                    each.request.units,
                    lane.gateway.unit,
                    each.request.accented,
                )
                for each in going
            ]
            messages.begin_sending(self.run.ledger, departing)
            attempts.save_attempts(
                self.run.ledger,
                departing,
                gateway=lane.name,
                sender_id=self.run.sender_id,
                run_id=self.run.run_id,
                now=now,
            )
        return [
            Call(each.message, each.carrier, each.request, (start - now).total_seconds())
            for each, start in zip(going, starts, strict=True)
        ]

    def _may_test(self, lane: Lane, stop: GatewayStop, now: datetime) -> bool:
        """Begin a test of a paused gateway. Return whether a message may test the gateway now. A gateway that gave no
        answers first gets a question: a request that sends no message and needs no attempt."""
        is_heard = stop.until == lane.heard_until
        if not (is_heard and stop.until > now) and not self.routing.begin_trial(lane, stop, now):
            return False
        lane.asks, lane.heard_until = stop.reason == NO_ANSWER and not is_heard, None
        lane.on_trial = True
        return not lane.asks

    def _claim_in_turn(self, lane: Lane, share: Share, room: int, now: datetime) -> list[ClaimedMessage]:
        """Claim up to ``room`` due messages, the longest due first.

        While the queue is long, one claim in each second takes half of its messages from the messages that became due
        just now. So thousands of messages of one agency do not delay a single message of another agency.
        """
        latest: list[ClaimedMessage] = []
        if lane.queue_is_long and room > 1 and time.monotonic() > lane.latest_claimed_at + _LATEST_EVERY:
            lane.latest_claimed_at = time.monotonic()
            latest = messages.claim(self.run.ledger, share, self.run.window, room // 2, now, (now - _LATEST, 0))
        left = room - len(latest)
        first = messages.claim(self.run.ledger, share, self.run.window, left, now)
        lane.queue_is_long = len(first) == left
        # Both claims are in one transaction, and a transaction does not skip the rows that it locked itself. So the
        # second claim may return messages of the first claim.
        claimed = {message.message_id for message in latest}
        return [*latest, *(message for message in first if message.message_id not in claimed)]

    def _claim_for_trials(self, lane: Lane, now: datetime) -> list[_Fit]:
        """Claim one message for each carrier whose pause at this gateway has reached its planned end. The message tests
        whether the gateway accepts messages to the carrier again."""
        going: list[_Fit] = []
        for carrier, stop in list(lane.carrier_stops.items()):
            if lane.stop is not None or stop.until > now or len(going) >= lane.room:
                continue
            only = frozenset({carrier})
            share = Share(lane.name, only, only, takes_unsorted=False)
            fit: list[_Fit] = []
            while not fit and (place := self._place_of_trial(lane, carrier, now)) is not None:
                rows = messages.claim(self.run.ledger, share, self.run.window, 1, now, place)
                if not rows:
                    # Another sender has claimed the message.
                    break
                fit = self._fit_to_go(lane, share, rows, now)
            if fit and self.routing.begin_trial(lane, stop, now):
                going += fit
        return going

    def _place_of_trial(self, lane: Lane, carrier: str, now: datetime) -> Place | None:
        """Return the place in the queue of a message that may test a carrier. Prefer a number that this gateway has not
        refused."""
        for refused_too in (False, True):
            place = messages.find_for_trial(
                self.run.ledger, lane.name, carrier, self.run.window, now, refused_too=refused_too
            )
            if place is not None:
                return place
        return None

    def _fit_to_go(self, lane: Lane, share: Share, claimed: Sequence[ClaimedMessage], now: datetime) -> list[_Fit]:
        """Return the claimed messages that may go through the lane now. Postpone or end all other claimed messages."""
        going: list[_Fit] = []
        postponed: list[Postponed] = []
        judged = self._judge(claimed, now)
        unreachable = self._unreachable(lane, judged, now)
        opens_at = self._openings(lane, judged, now)
        for message in judged:
            carrier = carrier_of_msisdn(message.msisdn)
            passed_on = None
            if message.msisdn in unreachable:
                passed_on = self.routing.pass_on(message, lane.name, carrier, now)
            if passed_on is not None:
                postponed.append(passed_on)
            elif carrier not in (share.open_carriers if message.avoid else share.carriers):
                # The desk changed the number since the carrier was stored, or the carrier was never determined.
                postponed.append(Postponed(message.message_id, now, carrier=carrier))
                self.routing.reset_exhausted()
            elif message.message_id in opens_at:
                postponed.append(
                    Postponed(message.message_id, opens_at[message.message_id], "waits_for_opening", carrier)
                )
            else:
                try:
                    going.append(_Fit(message, carrier, self.routing.request(message, lane.gateway)))
                except UnregisteredTemplate as refusal:
                    wait = self.routing.try_another(message, lane.name, carrier, now)
                    postponed.append(wait)
                    if wait.until > now:
                        self.run.counts.count_unregistered(str(refusal))
        messages.postpone(self.run.ledger, postponed)
        return going

    def _openings(self, lane: Lane, claimed: Sequence[ClaimedMessage], now: datetime) -> dict[int, datetime]:
        """Return, by message id, the opening time of the preferred gateway for each message that waits for such a
        gateway.

        Consider gateways that are preferred to the lane's gateway and are closed as expected (at night, or for a
        quota). A message waits if its agency chose to wait, the closed gateway may send the message, and the message is
        still useful at the opening.
        """
        opens_at: dict[int, datetime] = {}
        waiting = [message for message in claimed if message.waits_for_opening]
        for closed, until in self.routing.closed_before(lane) if waiting else ():
            unreachable = self._unreachable(closed, waiting, now)
            for message in waiting:
                carrier = carrier_of_msisdn(message.msisdn)
                may_take = carrier in closed.gateway.address.carriers and carrier not in closed.carrier_stops
                is_for_it = may_take and closed.name not in message.avoid and message.msisdn not in unreachable
                if (
                    is_for_it
                    and until < message.candidate.useful_until
                    and self.routing.has_registered_template(message, closed)
                ):
                    opens_at.setdefault(message.message_id, until)
        return opens_at

    def _unreachable(self, lane: Lane, claimed: Sequence[ClaimedMessage], now: datetime) -> set[str]:
        """Return the numbers of these messages that the lane's gateway is known not to reach."""
        if lane.gateway.reaches_every_number or not claimed:
            return set()
        numbers = [message.msisdn for message in claimed]
        return attempts.unreachable(self.run.ledger, lane.name, numbers, now - settings().unreachable_for)

    def _judge(self, claimed: Sequence[ClaimedMessage], now: datetime) -> list[ClaimedMessage]:
        """Check claimed messages once more. Return the messages that may be sent. End, postpone or put on hold all
        others."""
        rules = planning_rules()
        going: list[ClaimedMessage] = []
        turned_away: list[TurnedAway] = []
        waiting: list[Postponed] = []
        stopped: list[int] = []
        for message in claimed:
            verdict, reason = look_again(message.candidate, now, rules)
            if message.is_stopped and verdict in ("send", "wait", "wait_for_row"):
                # Put the message on hold once, until the stop ends, so that no later claim checks it again.
                stopped.append(message.message_id)
            elif verdict == "send" and (until := rests_until(message, now)) is not None:
                waiting.append(Postponed(message.message_id, until))
            elif verdict == "send":
                going.append(message)
            elif verdict == "wait":
                waiting.append(Postponed(message.message_id, now + _WAIT_FOR_UNSETTLED))
            elif verdict == "wait_for_row":
                waits_until = None if message.candidate.waits_for_row else message.candidate.waits_until
                until = now + _WAIT_FOR_UNSETTLED if waits_until is None else waits_until + _WAIT_FOR_ROW
                waiting.append(Postponed(message.message_id, until, "old_step"))
            else:
                turned_away.append(TurnedAway(message.message_id, verdict, reason))
                self.run.counts.turned_away[verdict] = self.run.counts.turned_away.get(verdict, 0) + 1
        messages.turn_away(self.run.ledger, turned_away)
        messages.postpone(self.run.ledger, waiting)
        stops.set_aside(self.run.ledger, stopped, now)
        self.run.counts.set_aside += len(stopped)
        return going

    def _within_limits(self, lane: Lane, units: Sequence[int], now: datetime) -> list[datetime]:
        """Return the start times of the first messages, as many as the gateway's limits allow. The other messages stay
        queued.

        The segments are counted before the request, in the transaction of the attempts. So all senders together respect
        the limits, even if one of them dies.
        """
        if not units:
            return []
        per_second, per_day = lane.gateway.address.segments_per_second, lane.gateway.address.segments_per_day
        day, room, free_at = day_of(now), len(units), None
        starts = [now] * room
        if per_second is not None or per_day is not None:
            allowance = lock_allowance(self.run.ledger, lane.name, day)
            if per_day is not None and (room := fit_day(units, per_day, allowance.segments_today)) < len(units):
                if room + lane.in_flight == 0:
                    used_up = f"the {per_day} {lane.gateway.unit}s of the day are used"
                    self.routing.stop(lane.name, used_up, next_day(now) - now, expected=True)
                # A request in flight may be refused, which returns its segments to the day's limit.
                lane.exhausted = True
            starts = starts[:room]
            if per_second is not None:
                starts, free_at = start_times(units[:room], per_second, allowance.free_at, now, _START_AHEAD)
                if len(starts) < room:
                    lane.resume_at = time.monotonic() + max(0.0, (free_at - now - _START_AHEAD).total_seconds())
        used = sum(units[: len(starts)])
        use_allowance(self.run.ledger, lane.name, day=day, segments=used, free_at=free_at)
        return starts
