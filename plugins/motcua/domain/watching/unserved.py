"""What is due and served by nobody: the one symptom of everything that keeps messages from citizens. Pure rules.

Three things are due, each for so long (``MOTCUA_SERVED_WITHIN``, 60 s) before it is told, whatever the cause:

- **A message** that a sender could claim. Long queues drain in their order, so that waiting says nothing; what says
  something is a message at the head of its queue which nobody takes. It is served while its gateway begins, or has
  begun within that time, an attempt for a message that stands before it, and which the gateway answers.
- **A step** that was picked up and not planned, while no dossier before it is planned either.
- **News of a source** that no pick-up takes; and a source that nobody has read although its turn has come.

What waits for a reason that is known is not due: people stopped it, a gap of a restore holds it, its gateway was
stopped by hand or has used up its day, or it has an hour of its own. A gateway that stopped itself since it does not
answer is no such reason: the citizen waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.domain.checks import Fact, Finding, key_of
from motcua.domain.routing import CARRIERS

UNSORTED = ""
"""In place of a carrier: of messages whose carrier was never looked up."""
_SEGMENTS_AT_MOST = 4
"""Of one message: so many steps of its pace a gateway may take from one message to the next."""
_OF_GATEWAY = "gateway "


@dataclass(frozen=True, slots=True)
class GatewayNow:
    """A gateway in use, as senders last found its connection to say."""

    name: str
    carriers: frozenset[str] | None
    """Those that its brandname is registered at; ``None``: no sender has opened it yet."""
    is_broken: bool
    """Its connection cannot be used."""
    per_second: float | None
    has_day: bool
    """It takes only so many segments a day."""
    started_at: datetime | None = None
    """When it, or a carrier there, was last taken off a stop."""


@dataclass(frozen=True, slots=True)
class StopNow:
    """A gateway, or a carrier there, that nothing is sent through."""

    gateway: str
    carrier: str
    """Empty where it is the whole gateway."""
    until: datetime
    by_hand: bool
    """A person stopped it, or its own rules do, as at night."""
    is_tried: bool
    """It stopped itself and is tried again and again."""

    @property
    def key(self) -> str:
        """Of the alert that tells of this stop."""
        return key_of("gateway_stopped", f"{self.gateway} {self.carrier}".strip())


@dataclass(frozen=True, slots=True)
class Way:
    """How messages to a carrier can go."""

    carrier: str
    gateway: str
    is_first: bool
    """New messages go there; others only what another gateway did not take."""
    held_by: str
    """Key of the alert about what stops it; empty where it is open."""
    since: datetime
    """It is at work where it has begun an attempt since then."""


def ways_of(gateways: Sequence[GatewayNow], stops: Iterable[StopNow], now: datetime, within: timedelta) -> list[Way]:
    """The ways that messages should be going now; none for a carrier that waits for people, a day or a registration.

    Args:
        gateways: those in use, the preferred first.
        stops: of gateways and carriers.
        now: the moment.
        within: for so long something may be due; what was over less long ago explains what waits still.
    """
    held = {(stop.gateway, stop.carrier): stop for stop in stops if stop.until > now - within}
    just_started = {each.name for each in gateways if each.started_at and now - within < each.started_at <= now}
    ways: list[Way] = []
    for carrier in [*sorted(CARRIERS), UNSORTED]:
        possible: list[Way] = []
        for gateway in gateways:
            if carrier != UNSORTED and gateway.carriers is not None and carrier not in gateway.carriers:
                continue
            stop = held.get((gateway.name, "")) or held.get((gateway.name, carrier))
            if stop is not None and not gateway.is_broken and _is_meant(stop, gateway):
                continue
            pace = timedelta(seconds=_SEGMENTS_AT_MOST / gateway.per_second) if gateway.per_second else timedelta(0)
            broken = key_of("gateway_stopped", gateway.name) if gateway.is_broken else ""
            possible.append(Way(carrier, gateway.name, False, stop.key if stop else broken, now - within - pace))
        first = next((way for way in possible if not way.held_by), None)
        if first is not None and first.gateway in just_started:
            # What waited for it is due from then on.
            continue
        ways += [
            Way(way.carrier, way.gateway, first is None or way is first, way.held_by, way.since) for way in possible
        ]
    return ways


def _is_meant(stop: StopNow, gateway: GatewayNow) -> bool:
    """A person or its own rules said so, or its day is used up."""
    return stop.by_hand or (not stop.carrier and not stop.is_tried and gateway.has_day)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages to one carrier that are due and that nobody takes."""

    carrier: str
    gateway: str
    held_by: str
    messages: int
    """At least."""
    since: datetime


def judge_messages(waiting: Iterable[Waiting]) -> list[Finding]:
    """One finding for each gateway that serves nobody, with what stops it."""
    by_gateway: dict[str, list[Waiting]] = {}
    for each in waiting:
        by_gateway.setdefault(each.gateway, []).append(each)
    found = []
    for gateway, some in sorted(by_gateway.items()):
        stops = {each.held_by for each in some}
        facts: dict[str, Fact] = {
            "what": "messages",
            "gateway": gateway,
            "messages": sum(each.messages for each in some),
            "carriers": ", ".join(sorted({each.carrier for each in some} - {UNSORTED})),
            "since": min(each.since for each in some).isoformat(),
            # Only where all of them wait for what is stopped: else something else is wrong besides.
            "stops": "; ".join(sorted(stops)) if all(stops) else "",
        }
        found.append(Finding("unserved", facts, f"{_OF_GATEWAY}{gateway}"))
    return found


def judge_steps(steps: int, since: datetime | None) -> list[Finding]:
    """Steps that were picked up and that nobody plans."""
    if not steps:
        return []
    return [Finding("unserved", {"what": "steps", "steps": steps, "since": since.isoformat() if since else None})]


@dataclass(frozen=True, slots=True)
class SourceNow:
    """A source in use, as the ledger has it."""

    name: str
    picked_up_at: datetime | None
    is_failing: bool
    has_unread: bool
    """A watcher has seen the same news there for as long as something may be due."""


def judge_sources(sources: Iterable[SourceNow], now: datetime, within: timedelta, turn: timedelta) -> list[Finding]:
    """Sources with news that no pick-up takes, and those that nobody reads: of one that fails that is told anyway.

    ``turn``: each is read once in so long, whether it has news or not.
    """
    found = []
    for source in sources:
        picked_up_at = source.picked_up_at
        is_unread = source.has_unread and picked_up_at is not None and picked_up_at <= now - within
        is_left = picked_up_at is None or picked_up_at < now - turn
        if not source.is_failing and (is_unread or is_left):
            facts: dict[str, Fact] = {
                "what": "news" if is_unread else "reading",
                "source": source.name,
                "since": picked_up_at.isoformat() if picked_up_at else None,
            }
            found.append(Finding("unserved", facts, source.name))
    return found


def judge_lookers(
    nobody_since: datetime | None, read_at: Iterable[datetime | None], now: datetime, within: timedelta
) -> list[Finding]:
    """Nobody looks whether sources have news, neither a watcher nor a sender that would look itself, nor were all read
    meanwhile.

    Args:
        nobody_since: since when nobody looks, without a break; ``None``: somebody does.
        read_at: when each source in use was read last.
        now: the moment.
        within: for so long something may be due.
    """
    if nobody_since is None or nobody_since > now - within:
        return []
    if all(each is not None and each > now - within for each in read_at):
        return []
    return [Finding("unserved", {"what": "looking", "since": nobody_since.isoformat()}, "sources")]


def told_once(findings: Sequence[Finding], raised: Collection[str]) -> set[str]:
    """Keys of findings that say again what another one says: a gateway that stopped itself, and messages that wait for
    nothing else. Whichever was told first stays.

    ``raised``: keys of the alerts that were told and are not over.
    """
    again: set[str] = set()
    found = {each.key for each in findings}
    for each in findings:
        stops = set(str(each.facts.get("stops") or "").split("; ")) & found if each.name == "unserved" else set()
        if not stops:
            continue
        if each.key not in raised and stops.issubset(raised):
            again.add(each.key)
        else:
            again |= stops.difference(raised)
    return again
