"""What a watch on another machine makes of what it meets at the server's address: pure rules.

It knows the server by one page alone, which the callbacks serve: the figures by which it can testify that the ledger
was not put back, and when the server's own watch last looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from motcua.domain.checks import Finding
from motcua.domain.watching.judging import HighMarks, WatchRules, judge_clock, silence_of

Trouble: TypeAlias = Literal["name", "connect", "timeout", "certificate", "broken"]
"""Why there was no answer: its name is not known; nobody takes a connection; nothing came in time; its certificate is
not to be believed; it hung up, or speaks something else."""

SILENT_AFTER = timedelta(minutes=4)
"""The server's own watch is missed then; with two looks that is told within five minutes. A look may take a while."""
CERTIFICATE_ENDS = timedelta(days=14)
"""So long before its end a certificate is told of: whoever renews by himself has done it by then."""
OUTSIDE_SILENT = timedelta(minutes=10)
"""So long after its last look the server misses the watch on another machine."""


@dataclass(frozen=True, slots=True)
class Waking:
    """What a ledger that slept asks about."""

    woke_at: datetime
    slept_since: datetime


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert of the server's own watch, as it is told outside."""

    name: str
    subject: str


@dataclass(frozen=True, slots=True)
class ServerPage:
    """What the server's page says: no agency's figure, no dossier, no number and no name."""

    at: datetime
    """By the clock of the server."""
    marks: HighMarks
    watch_looked_at: datetime | None
    """``None``: the server's own watch never looked, or was given up."""
    asks: Waking | None = None
    """``None``: its ledger asks nothing."""
    alerts: list[OpenAlert] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Met:
    """What was met at the address in one look: a page, or why there is none."""

    page: ServerPage | None = None
    skew: timedelta = timedelta(0)
    """The server's clock less ours."""
    uncertain: timedelta = timedelta(0)
    """How exactly that is known."""
    status: int | None = None
    """Of an answer that is no page."""
    ledger_silent: str | None = None
    """The page is there, and says that the ledger does not answer."""
    trouble: Trouble | None = None
    """There was no answer."""


_REFUSED = (401, 403, 404)
"""The address is another one by now: its secret was changed, or there is no page."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong, and of which alerts that is known."""

    findings: list[Finding]
    names: frozenset[str]


def judge_met(met: Met, rules: WatchRules, now: datetime, *, is_alone: bool) -> Judged:
    """What is wrong with the server as it was met.

    Args:
        met: what was met.
        rules: how far clocks may differ.
        now: by our clock.
        is_alone: this machine reached nobody else either: then nothing is known of the server.
    """
    if met.trouble is not None:
        findings = [] if is_alone else [Finding("server_unreachable", {"reason": met.trouble})]
        return Judged(findings, frozenset() if is_alone else frozenset({"server_unreachable"}))
    if met.ledger_silent is not None:
        silent = Finding("ledger_unreachable", {"reason": met.ledger_silent})
        return Judged([silent], frozenset({"server_unreachable", "callbacks_unhealthy", "ledger_unreachable"}))
    if met.page is None and met.status in _REFUSED:
        refused = Finding("check_failing", {"error": f"HTTP {met.status}"}, "server")
        return Judged([refused], frozenset({"server_unreachable", "check_failing"}))
    if met.page is None:
        other = Finding("callbacks_unhealthy", {"answer": met.status})
        return Judged([other], frozenset({"server_unreachable", "callbacks_unhealthy"}))
    found = judge_clock("server", met.skew, met.uncertain, rules)
    # By the clock of the server, which is told of where it is wrong.
    looked_at = met.page.watch_looked_at
    if silence_of(looked_at, met.page.at, SILENT_AFTER) is not None and looked_at is not None:
        found.append(Finding("watch_silent", {"since": (looked_at - met.skew).isoformat()}))
    names = {"server_unreachable", "callbacks_unhealthy", "ledger_unreachable", "check_failing"}
    return Judged(found, frozenset(names | {"clock_off", "watch_silent"}))


def judge_certificate(ends_at: datetime | None, host: str, now: datetime) -> list[Finding]:
    """``ends_at``: when the one ends that is shown; ``None``: none is, which is told otherwise."""
    if ends_at is None or ends_at > now + CERTIFICATE_ENDS:
        return []
    return [Finding("certificate_ends", {"ends_at": ends_at.isoformat()}, host)]


def judge_outside_watch(
    asked_at: datetime | None, watching_since: datetime, machine: str, now: datetime
) -> list[Finding]:
    """Whether the watch on another machine is missed.

    Args:
        asked_at: when it last looked at this server; ``None``: never.
        watching_since: since when our own watch has looked: before, this server may have been off.
        machine: where the other one is.
        now: this moment.
    """
    if silence_of(max(asked_at or watching_since, watching_since), now, OUTSIDE_SILENT) is None:
        return []
    return [Finding("outside_watch_silent", {"since": asked_at.isoformat() if asked_at else None}, machine)]
