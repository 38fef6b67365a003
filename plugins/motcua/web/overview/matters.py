"""What wants somebody's attention, judged from how things stand: pure rules, what hurts citizens first.

What the watch looks at too is judged by its rules and told in its words, so that a thing has one name wherever it is
read; it is told here at once, also where the watch is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, TypeAlias, get_args

from motcua.domain.checks import ALERT_NAMES, Fact, Finding, key_of
from motcua.domain.watching import judging
from motcua.reports.watching import AlertInWords, alert_in_words
from motcua.store.watching.watch import MirroredAlert
from motcua.web.overview.state import SURE_AFTER, OverviewState
from motcua.web.visitors import Visitor

SILENT_AFTER = timedelta(minutes=10)
"""So long the watch may be quiet."""
NAMED = 5
"""Agencies that a matter names; of more it says how many."""

MatterKind: TypeAlias = Literal[
    "gap",
    "watch_silent",
    "watch_never",
    "alert",
    "gateway_broken",
    "evening_unsent",
    "unknown",
    "not_holding",
    "stop",
    "requests",
    "statuses_end",
    "quarantine",
    "not_checked",
    "not_enabled",
    "to_mend",
    "complaints",
]
"""What include/templates/web/overview.html has words for; ``alert``: the words of the watch."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that somebody should do something about."""

    kind: MatterKind
    is_red: bool
    """It keeps messages from citizens, or may; otherwise somebody decided so, or looks after it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: AlertInWords | None = None
    """Of an ``alert``."""


def matters_of(state: OverviewState, visitor: Visitor) -> list[Matter]:
    """What a visitor should look after, the red ones first: of an agency what is its own."""
    found = list(_of_all(state))
    found += _of_department(state) if visitor.agencies is None else _of_agency(state)
    return sorted(found, key=_place)


def _place(matter: Matter) -> tuple[bool, int, int]:
    """Red before the rest; then as the kinds, and the alerts of the watch, are listed."""
    alert = ALERT_NAMES.index(matter.words.name) if matter.words is not None else 0
    return not matter.is_red, get_args(MatterKind).index(matter.kind), alert


def _of_all(state: OverviewState) -> Iterable[Matter]:
    evening = state.evening
    if state.gap is not None:
        yield Matter("gap", is_red=True, facts={"gap": state.gap})
    if evening.left and not any(each.name == "apologies_late" for each in state.alerts):
        facts: dict[str, Fact] = {"agencies": evening.left, "evening": evening.evening_at.isoformat()}
        yield _found(Finding("apologies_late", facts))
    waiting, lost = evening.in_states("queued", "sending", "unknown"), evening.in_states("expired")
    if lost or (waiting and state.now >= evening.evening_at + SURE_AFTER):
        yield Matter("evening_unsent", bool(lost), {"waiting": waiting, "lost": lost, "day": evening.day})
    if state.unknown:
        yield Matter("unknown", is_red=True, facts={"messages": state.unknown, "since": state.unknown_since})
    for row in state.in_force:
        yield Matter("stop", is_red=False, facts={"row": row})
    if state.broken_agencies:
        yield Matter("not_checked", is_red=False, facts={"agencies": state.broken_agencies})
    if state.not_enabled:
        yield Matter("not_enabled", False, {"agencies": [each.agency_code for each in state.not_enabled]})


def _of_agency(state: OverviewState) -> Iterable[Matter]:
    for code, each in state.to_mend.items():
        yield Matter("to_mend", is_red=bool(each.late), facts={"agency": code, "found": each.found, "late": each.late})
    for code, complaints in state.complaints.items():
        yield Matter("complaints", is_red=False, facts={"agency": code, "complaints": complaints})


def _of_department(state: OverviewState) -> Iterable[Matter]:
    life = state.life
    if life is None:
        yield Matter("watch_never", is_red=False)
    elif judging.silence_of(life.looked_at, state.now, SILENT_AFTER) is not None:
        yield Matter("watch_silent", is_red=True, facts={"since": life.looked_at})
    said_here = {"ledger_behind", "ledger_slept"} if state.gap else set[str]()
    if state.unknown:
        said_here.add("unknown_old")
    for alert in state.alerts:
        if alert.name not in said_here:
            yield _alert(alert)
    known = {key_of(alert.name, alert.subject) for alert in state.alerts}
    for finding in _findings(state):
        if finding.key not in known:
            yield _found(finding)
    for gateway in state.gateways:
        if gateway.opened is not None and gateway.opened.fault is not None:
            yield Matter("gateway_broken", is_red=True, facts={"gateway": gateway.name, "fault": gateway.opened.fault})
    if state.not_holding:
        yield Matter("not_holding", is_red=True, facts={"publications": state.not_holding})
    if state.requests:
        yield Matter("requests", is_red=False, facts={"requests": state.requests})
    if state.ending:
        yield Matter("statuses_end", is_red=False, facts={"statuses": state.ending})
    if quarantined := [row for row in state.sources if row.quarantined]:
        yield Matter("quarantine", is_red=False, facts={"sources": quarantined})


def _findings(state: OverviewState) -> list[Finding]:
    """What the watch would find, where it is sure by now."""
    found: list[Finding] = []
    for row in state.sources:
        facts: dict[str, Fact] = {"since": row.picked_up_at.isoformat() if row.picked_up_at else None}
        if row.state == "failing" and (row.picked_up_at is None or row.picked_up_at <= state.now - SURE_AFTER):
            found.append(Finding("source_failing", facts, row.name))
        elif row.state in ("silent", "never"):
            found.append(Finding("unserved", facts | {"what": "reading", "source": row.name}, row.name))
    stops = [
        judging.StopFigures(stop.gateway, stop.subject, stop.stopped_at, stop.by_hand)
        for gateway in state.gateways
        for stop in gateway.stops
        if stop.by_hand or stop.stopped_at <= state.now - SURE_AFTER
    ]
    found += judging.judge_stops(stops, [each.name for each in state.gateways])
    found += judging.judge_calendar(*state.unsigned)
    return found if state.enabled else judging.without_agencies(found)


def _found(finding: Finding) -> Matter:
    words = alert_in_words(finding.name, finding.subject, finding.facts, raised_at=None)
    return Matter("alert", is_red=True, words=words)


def _alert(alert: MirroredAlert) -> Matter:
    words = alert_in_words(
        alert.name,
        alert.subject,
        alert.facts,
        raised_at=alert.raised_at,
        acknowledged_by=alert.acknowledged_by,
    )
    return Matter("alert", is_red=alert.acknowledged_by is None, words=words)
