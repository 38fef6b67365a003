"""Which gateway a message goes to, and when it may start or be tried again: by priority, carrier and limits. Pure.

The brandname is registered per carrier, so a number's carrier decides which gateways may take it; a message is never
sent where its sender name would be missing. The carrier is read from the number's block and is only a hint, since
numbers may be ported (16/11/2018): a gateway that finds another carrier refuses, and the message tries the next one.
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
"""Carriers that a brandname may be registered at; ``other``: numbers of a block that none is known for."""


def carrier_of_msisdn(msisdn: str) -> str:
    """The carrier that the block of an E.164 number was first given to, or ``other``."""
    return (carrier_of(f"0{msisdn[3:]}") if msisdn.startswith("+84") else None) or OTHER_CARRIER


@dataclass(frozen=True, slots=True)
class Route:
    """One gateway as routing sees it."""

    gateway: str
    registered: frozenset[str]
    """Carriers at which its brandname is registered."""
    stopped: bool
    """Nothing goes through it now."""
    stopped_carriers: frozenset[str]
    """Nothing goes through it to these carriers now."""

    @property
    def open_carriers(self) -> frozenset[str]:
        """Carriers that it can be used for now."""
        return frozenset() if self.stopped else self.registered - self.stopped_carriers


def assign_carriers(routes: Iterable[Route]) -> dict[str, frozenset[str]]:
    """For each gateway, in order of preference, the carriers that it is the one for now."""
    taken: frozenset[str] = frozenset()
    assigned = {}
    for route in routes:
        assigned[route.gateway] = route.open_carriers - taken
        taken |= route.open_carriers
    return assigned


def unregistered_carriers(routes: Iterable[Route]) -> frozenset[str]:
    """Carriers that no gateway's brandname is registered at, stopped or not."""
    return CARRIERS.difference(*(route.registered for route in routes))


def another_gateway(routes: Sequence[Route], carrier: str, avoid: Collection[str]) -> bool:
    """Whether a gateway that is not to be avoided can take the carrier now."""
    return any(route.gateway not in avoid and carrier in route.open_carriers for route in routes)


def other_gateways(routes: Iterable[Route], carrier: str, gateway: str) -> frozenset[str]:
    """Gateways besides this one that have the brandname at the carrier, stopped or not."""
    return frozenset(r.gateway for r in routes if r.gateway != gateway and carrier in r.registered)


FIRST_PAUSE: Final = timedelta(seconds=2)
"""How long what is stopped is left alone at first: a gateway that restarts is back within seconds."""
TIME_OUTS: Final = 3
"""So many requests in a row without an answer: the gateway is silent, and one is out at a time until it answers."""
REFUSED_NUMBERS: Final = 10
"""So many different numbers of a carrier refused, and none taken meanwhile: its brandname is not registered there.
Ported numbers and unused blocks are refused one by one, between others that are taken."""


def next_pause(last: timedelta | None, longest: timedelta) -> timedelta:
    """How long to wait before what is stopped is tried again, after it was left alone for ``last``: twice that."""
    return min(longest, FIRST_PAUSE if last is None else last * 2)


def carrier_is_refused(refused: int, took_one: bool) -> bool:
    """Whether a gateway refuses a carrier as a whole: by different numbers that were first refused since it last took
    one there. A number that comes back and is refused again says nothing new."""
    return refused >= REFUSED_NUMBERS and not took_one


def fair_share(concurrency: int, senders: int) -> int:
    """How many of the requests that may be out at a gateway each of those who share it may have out; at least one."""
    return max(1, concurrency // max(1, senders))


def start_times(
    segments: Sequence[int], per_second: float, free_at: datetime | None, now: datetime, ahead: timedelta
) -> tuple[list[datetime], datetime]:
    """When each of these messages may start at a gateway that takes so many segments a second, as far as ``ahead``
    from now, and when the next one may. Evenly spaced, so that no second holds more than the limit and one message.
    """
    starts: list[datetime] = []
    moment = max(now, free_at) if free_at is not None else now
    for count in segments:
        if moment > now + ahead:
            break
        starts.append(moment)
        moment += timedelta(seconds=count / per_second)
    return starts, moment


def fit_day(segments: Sequence[int], per_day: int, used: int) -> int:
    """How many of these messages, in order, a day's limit still has room for."""
    left = per_day - used
    for position, count in enumerate(segments):
        left -= count
        if left < 0:
            return position
    return len(segments)


def day_of(now: datetime) -> date:
    """The day that limits a day are counted by: Vietnam's."""
    return now.astimezone(VIETNAM).date()


def next_day(now: datetime) -> datetime:
    """When the next such day begins."""
    local = now.astimezone(VIETNAM)
    return (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


_DOUBLED_AT_MOST: Final = 12
"""No wait is more than 4,096 times the first one, and no number of tries is too large to count with."""


def doubled_wait(tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """The wait after so many tries in vain, 1 at least: the first one, then each time twice as long, up to the
    longest."""
    return min(longest, first * (1 << min(tries - 1, _DOUBLED_AT_MOST)))


def retry_wait(tries: int, first: timedelta, longest: timedelta, *, chance: float, asked: float | None) -> timedelta:
    """The wait of one of many that failed together: a quarter less to a quarter more than the doubled wait, so that a
    crowd does not come back at once, and never less than was asked for.

    Args:
        tries: in vain so far, 1 at least.
        first: wait after the first of them.
        longest: before it is spread.
        chance: from 0 to 1, drawn anew for each.
        asked: seconds that the other side wants to be left alone; ``None``: it did not say.
    """
    return max(doubled_wait(tries, first, longest) * (0.75 + chance / 2), timedelta(seconds=asked or 0))


Concern: TypeAlias = Literal["gateway", "carrier", "template", "message"]
"""What a gateway refuses, and what is stopped there for it: all of it, a carrier, a template; or a message alone."""
Meaning: TypeAlias = Literal["accepted", "delivered", "undelivered", "refused", "absent", "pending", "unreadable"]
"""``refused``: the carrier refused the message, or one part of it, which is then not whole whatever else is reported;
``absent``: the gateway never had it."""
