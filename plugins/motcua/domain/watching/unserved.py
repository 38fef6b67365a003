"""Find work that is due and that no process does. Pure: no I/O.

Every fault that prevents messages from reaching citizens leaves due work undone. Three kinds of work can be due. An
alert is raised when work of one kind has been due for ``MOTCUA_SERVED_WITHIN`` (60 s), whatever the cause:

- **A message** that a sender could claim. A waiting message alone is no fault, because a long queue is sent in order.
  The fault is that no sender claims the message that is next in its queue. There is no fault while the gateway of the
  queue answers attempts for earlier messages and the last of these attempts began within ``MOTCUA_SERVED_WITHIN``.
- **A step** of a dossier that was picked up (read from its source) and not planned (checked for a message to send).
  There is no fault while a process plans the dossiers before it.
- **News of a source** that no pick-up reads, and a source that no pick-up has read for a certain time, because each
  source must be read from time to time even without news.

A message that waits for a known reason is not due. The reason may be a stop (an order not to send), a gap (a time of
which the ledger may lack data), a gateway that a person paused or that has used up its daily limit, or a kind of
message that is not sent at this hour. If a gateway is paused because it does not answer, its messages are still due,
because the citizens wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.domain.checks import Fact, Finding, key_of
from motcua.domain.routing import CARRIERS

UNSORTED = ""
"""Stands for the carrier of messages whose carrier was never determined."""
_SEGMENTS_AT_MOST = 4
"""Maximum number of segments of one message. A gateway may need the time of this many segments between two messages."""
_OF_GATEWAY = "gateway "


@dataclass(frozen=True, slots=True)
class GatewayNow:
    """A gateway in use, with the values of its connection that senders last found."""

    name: str
    carriers: frozenset[str] | None
    """The carriers at which the gateway's brandname is registered; ``None`` if no sender has opened the gateway yet."""
    is_broken: bool
    """``True`` if the gateway's connection cannot be used."""
    per_second: float | None
    has_day: bool
    """``True`` if the gateway has a daily limit of segments."""
    started_at: datetime | None = None
    """When a pause of the gateway, or of one carrier there, was last ended."""


@dataclass(frozen=True, slots=True)
class StopNow:
    """A gateway, or a carrier there, through which nothing is sent now."""

    gateway: str
    carrier: str
    """The carrier. Empty if the whole gateway is paused."""
    until: datetime
    by_hand: bool
    """``True`` if a person paused the gateway, or if a setting of its connection pauses it, for example at night."""
    is_tried: bool
    """``True`` if a sender paused the gateway and tries it again and again."""

    @property
    def key(self) -> str:
        """Return the key of the alert that reports this pause."""
        return key_of("gateway_stopped", f"{self.gateway} {self.carrier}".strip())


@dataclass(frozen=True, slots=True)
class Way:
    """One way for messages to a carrier: a gateway that may send them."""

    carrier: str
    gateway: str
    is_first: bool
    """``True`` if new messages go to this gateway; ``False`` if only messages that other gateways refused do."""
    held_by: str
    """The key of the alert about the gateway's pause. Empty if the gateway is not paused."""
    since: datetime
    """The gateway counts as running if it began an attempt after this moment."""


def ways_of(gateways: Sequence[GatewayNow], stops: Iterable[StopNow], now: datetime, within: timedelta) -> list[Way]:
    """Return the ways on which messages should be sent now.

    A carrier has no way while its messages wait for a person's decision, for the next day because a daily limit is used
    up, or for the registration of the brandname.

    Args:
        gateways: gateways in use, the preferred one first.
        stops: pauses of gateways and carriers.
        now: the present time.
        within: how long work may be due. A pause that ended within this time still explains a waiting message.
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
            # Messages that waited for this gateway are due only from the end of its pause on.
            continue
        ways += [
            Way(way.carrier, way.gateway, first is None or way is first, way.held_by, way.since) for way in possible
        ]
    return ways


def _is_meant(stop: StopNow, gateway: GatewayNow) -> bool:
    """Return whether a person or a setting paused the gateway, or the gateway's daily limit is used up."""
    return stop.by_hand or (not stop.carrier and not stop.is_tried and gateway.has_day)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages to one carrier that are due and that no sender claims."""

    carrier: str
    gateway: str
    held_by: str
    messages: int
    """Minimum number of these messages; there may be more."""
    since: datetime


def judge_messages(waiting: Iterable[Waiting]) -> list[Finding]:
    """Return one finding for each gateway that no sender serves, with the pauses that explain it."""
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
            # The pauses explain the finding only if every group of messages waits for a pause. If not, something else
            # is wrong too.
            "stops": "; ".join(sorted(stops)) if all(stops) else "",
        }
        found.append(Finding("unserved", facts, f"{_OF_GATEWAY}{gateway}"))
    return found


def judge_steps(steps: int, since: datetime | None) -> list[Finding]:
    """Return a finding if steps were picked up and nobody plans them."""
    if not steps:
        return []
    return [Finding("unserved", {"what": "steps", "steps": steps, "since": since.isoformat() if since else None})]


@dataclass(frozen=True, slots=True)
class SourceNow:
    """A source in use, with its state in the ledger."""

    name: str
    picked_up_at: datetime | None
    is_failing: bool
    has_unread: bool
    """``True`` if a watcher has seen the same unread news of the source for as long as work may be due."""


def judge_sources(sources: Iterable[SourceNow], now: datetime, within: timedelta, turn: timedelta) -> list[Finding]:
    """Return a finding for each source with news that no pick-up reads, and for each source that nobody reads at all.

    A failing source is left out, because another check reports it. ``turn`` is the interval in which each source is
    read once even without news.
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
    """Return a finding if nobody checks the sources for news.

    There is a finding if for the time ``within`` no watcher and no sender has checked the sources, and not all sources
    were read in this time.

    Args:
        nobody_since: since when nobody has checked, without a break; ``None`` if a process checks.
        read_at: when each source in use was last read.
        now: the present time.
        within: how long work may be due.
    """
    if nobody_since is None or nobody_since > now - within:
        return []
    if all(each is not None and each > now - within for each in read_at):
        return []
    return [Finding("unserved", {"what": "looking", "since": nobody_since.isoformat()}, "sources")]


def told_once(findings: Sequence[Finding], raised: Collection[str]) -> set[str]:
    """Return the keys of findings that repeat another finding.

    A finding about a paused gateway and a finding about messages that wait only for this pause repeat each other. The
    finding that was reported first stays.

    ``raised``: keys of the alerts that were reported and are not over.
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
