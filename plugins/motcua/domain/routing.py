"""Decide which gateway gets a message, and when the message may be sent or retried. Pure: no I/O, no clock.

A brandname is registered per carrier, so the carrier of a phone number decides which gateways may send its messages. A
message is never sent through a gateway that would send it without the brandname. The carrier is guessed from the block
of the number, that is, from its first digits. The guess may be wrong, because since 16/11/2018 people can keep their
number when they change carrier. If a gateway finds that the number has another carrier, the gateway refuses the
message, and the next gateway gets the message.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.numbering_plan import CARRIER_BY_PREFIX, carrier_of

OTHER_CARRIER: Final = "other"
CARRIERS: Final = frozenset(CARRIER_BY_PREFIX.values()) | {OTHER_CARRIER}
"""Carriers at which a brandname may be registered. ``other`` stands for numbers whose block belongs to no known
carrier."""


def carrier_of_msisdn(msisdn: str) -> str:
    """Return the carrier to which the block of an E.164 number was first allotted, or ``other``."""
    return (carrier_of(f"0{msisdn[3:]}") if msisdn.startswith("+84") else None) or OTHER_CARRIER


@dataclass(frozen=True, slots=True)
class Route:
    """One gateway, with the facts that routing needs."""

    gateway: str
    registered: frozenset[str]
    """Carriers at which the gateway's brandname is registered."""
    stopped: bool
    """``True`` if a gateway pause is in force, so that the gateway gets no message now."""
    stopped_carriers: frozenset[str]
    """Carriers for which the gateway is paused. The gateway gets no message to numbers of these carriers now."""

    @property
    def open_carriers(self) -> frozenset[str]:
        """Return the carriers that this gateway can serve now."""
        return frozenset() if self.stopped else self.registered - self.stopped_carriers


def assign_carriers(routes: Iterable[Route]) -> dict[str, frozenset[str]]:
    """Return, for each gateway, the carriers that it serves now.

    The ``routes`` are in order of preference. Each carrier is served by the first route that can serve it.
    """
    taken: frozenset[str] = frozenset()
    assigned = {}
    for route in routes:
        assigned[route.gateway] = route.open_carriers - taken
        taken |= route.open_carriers
    return assigned


def unregistered_carriers(routes: Iterable[Route]) -> frozenset[str]:
    """Return the carriers at which no gateway's brandname is registered, whether the gateway is paused or not."""
    return CARRIERS.difference(*(route.registered for route in routes))


def another_gateway(routes: Sequence[Route], carrier: str, avoid: Collection[str]) -> bool:
    """Return whether a gateway outside ``avoid`` can serve the carrier now."""
    return any(route.gateway not in avoid and carrier in route.open_carriers for route in routes)


def other_gateways(routes: Iterable[Route], carrier: str, gateway: str) -> frozenset[str]:
    """Return the other gateways whose brandname is registered at the carrier, whether they are paused or not."""
    return frozenset(r.gateway for r in routes if r.gateway != gateway and carrier in r.registered)


FIRST_PAUSE: Final = timedelta(seconds=2)
"""Length of the first gateway pause: short, because a gateway that restarts is back within seconds."""
TIME_OUTS: Final = 3
"""After this many consecutive requests without an answer a gateway counts as silent. A silent gateway gets one request
at a time until it answers."""
REFUSED_NUMBERS: Final = 10
"""If a gateway refuses this many different phone numbers of one carrier and accepts no number in between, its
brandname counts as not registered at the carrier. Single refusals between accepted numbers come from ported numbers and
unused blocks."""


def next_pause(last: timedelta | None, longest: timedelta) -> timedelta:
    """Return how long the next gateway pause is: ``FIRST_PAUSE`` at first, then twice the last, at most ``longest``."""
    return min(longest, FIRST_PAUSE if last is None else last * 2)


def carrier_is_refused(refused: int, took_one: bool) -> bool:
    """Return whether a gateway refuses a carrier as a whole.

    Args:
        refused: how many different numbers of the carrier the gateway refused. A number that is refused again counts
            only once.
        took_one: whether the gateway accepted a message to this carrier after the first of these refusals.
    """
    return refused >= REFUSED_NUMBERS and not took_one


def fair_share(concurrency: int, senders: int) -> int:
    """Return how many requests each sender may have open at a gateway that all senders share; at least one."""
    return max(1, concurrency // max(1, senders))


_MOST_UNITS: Final = 20
"""Upper limit for the billed segments of one message. No message has as many."""
_CLOCKS_DIFFER: Final = timedelta(minutes=1)
"""The largest difference between two senders' clocks that ``start_times`` allows for."""


def start_times(
    segments: Sequence[int], per_second: float, free_at: datetime | None, now: datetime, ahead: timedelta
) -> tuple[list[datetime], datetime]:
    """Return when each message may be sent through a gateway that limits segments per second.

    The second value is the time at which the next message after these may be sent.
    Messages that would start later than ``ahead`` from now are left out. The next message starts when the gateway has
    had the time that the segments of the message before it need. So the messages that start in any second exceed the
    limit by one message at most.
    """
    starts: list[datetime] = []
    farthest = now + ahead + _CLOCKS_DIFFER + timedelta(seconds=_MOST_UNITS / per_second)
    # Earlier messages cannot occupy the gateway beyond ``farthest``. A later ``free_at`` comes from a clock that was
    # ahead, so ``free_at`` is ignored. Otherwise the gateway would wait until the right clock has caught up.
    moment = max(now, free_at) if free_at is not None and free_at <= farthest else now
    for count in segments:
        if moment > now + ahead:
            break
        starts.append(moment)
        moment += timedelta(seconds=count / per_second)
    return starts, moment


def fit_day(segments: Sequence[int], per_day: int, used: int) -> int:
    """Return how many of these messages, in order, still fit into the gateway's daily limit."""
    left = per_day - used
    for position, count in enumerate(segments):
        left -= count
        if left < 0:
            return position
    return len(segments)


def day_of(now: datetime) -> date:
    """Return the day by which daily limits are counted, in Vietnam's time zone."""
    return now.astimezone(VIETNAM).date()


def next_day(now: datetime) -> datetime:
    """Return the moment at which the next day of daily limits begins: midnight in Vietnam."""
    local = now.astimezone(VIETNAM)
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


_DOUBLED_AT_MOST: Final = 12
"""Maximum number of doublings. A wait is at most 4,096 times the first wait, and many tries cause no overflow."""


def doubled_wait(tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """Return the wait after ``tries`` failed tries (at least 1): ``first``, doubled each time, up to ``longest``."""
    return min(longest, first * (1 << min(tries - 1, _DOUBLED_AT_MOST)))


def retry_wait(tries: int, first: timedelta, longest: timedelta, *, chance: float, asked: float | None) -> timedelta:
    """Return the wait before a retry: 75 to 125 percent of ``doubled_wait``, chosen at random.

    Many requests may fail at the same moment, and the random part keeps their retries apart. The wait is never shorter
    than the wait that the server asked for.

    Args:
        tries: failed tries so far, at least 1.
        first: wait after the first failed try.
        longest: upper limit of the wait before the random part is applied.
        chance: a random number from 0 to 1, drawn anew for each request.
        asked: how many seconds the server asked the client to wait; ``None`` if it did not ask.
    """
    return max(doubled_wait(tries, first, longest) * (0.75 + chance / 2), timedelta(seconds=asked or 0))


Concern: TypeAlias = Literal["gateway", "carrier", "template", "message"]
"""The scope of a gateway's refusal: everything, one carrier, one template, or one message. The gateway pause that
follows the refusal has the same scope."""
Meaning: TypeAlias = Literal["accepted", "delivered", "undelivered", "refused", "absent", "pending", "unreadable"]
"""Meaning of a gateway's answer or receipt.

``refused``: the carrier refused the message or one of its parts. If one part is refused, the phone cannot show the
whole message, whatever other receipts report. ``absent``: the gateway never had the message.
"""
