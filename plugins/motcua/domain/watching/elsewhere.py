"""Judge the server from a watch on another machine, by the answer at the server's address. Pure: no network.

This watch reads only one page of the server, which the callbacks app serves. The page gives the figures with which the
watch can testify that the ledger was not restored, and the time of the last check by the server's own watch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from motcua.domain.checks import Finding
from motcua.domain.watching.judging import HighMarks, WatchRules, judge_clock, silence_of

Trouble: TypeAlias = Literal["name", "connect", "timeout", "certificate", "broken"]
"""Reason why the server gave no answer.

``name``: the name is unknown. ``connect``: the connection was not accepted. ``timeout``: nothing arrived in time.
``certificate``: the certificate is not trusted. ``broken``: the server hung up or sent something other than HTTP.
"""

SILENT_AFTER = timedelta(minutes=4)
"""The server's own watch counts as silent after this time without a check. Two checks of this watch must find it
silent, so the alert is raised within five minutes. The time is not shorter, because a single check of the server's own
watch may take some minutes."""
CERTIFICATE_ENDS = timedelta(days=14)
"""If the server's certificate ends within this time, an alert is raised. Automatic renewal happens earlier."""
OUTSIDE_SILENT = timedelta(minutes=10)
"""The watch on another machine counts as silent after this time without a check."""


@dataclass(frozen=True, slots=True)
class Waking:
    """One waking of a ledger that was asleep. The ledger asks the watch whether a restore happened during the sleep."""

    woke_at: datetime
    slept_since: datetime


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An open alert of the server's own watch, as the page gives it."""

    name: str
    subject: str


@dataclass(frozen=True, slots=True)
class ServerPage:
    """The content of the server's page. Holds no agency's figures, no dossier, no phone number and no name."""

    at: datetime
    """The time by the server's clock."""
    marks: HighMarks
    watch_looked_at: datetime | None
    """When the server's own watch last checked. ``None`` if it never checked, or is no longer used."""
    asks: Waking | None = None
    """The waking that the ledger asks about. ``None`` if the ledger asks nothing."""
    alerts: list[OpenAlert] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Met:
    """The result of one check of the server's address: a page, or the reason why there is no page."""

    page: ServerPage | None = None
    skew: timedelta = timedelta(0)
    """The server's clock minus this machine's clock."""
    uncertain: timedelta = timedelta(0)
    """Possible error of ``skew``."""
    status: int | None = None
    """HTTP status of an answer that is not a page."""
    ledger_silent: str | None = None
    """The reason that the page gives if the ledger does not answer. ``None`` if the ledger answers."""
    trouble: Trouble | None = None
    """Why the server gave no answer. ``None`` if it gave an answer."""


_REFUSED = (401, 403, 404)
"""HTTP statuses that mean that the address is wrong: its secret was changed, or the page does not exist there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings, and the names of the checks (``domain/checks.py``) that had enough facts to judge."""

    findings: list[Finding]
    names: frozenset[str]


def judge_met(met: Met, rules: WatchRules, now: datetime, *, is_alone: bool) -> Judged:
    """Return the findings about the server, and the names of the checks that had enough facts to judge.

    Args:
        met: the result of the check of the address.
        rules: the settings, including how far clocks may differ.
        now: the time by this machine's clock.
        is_alone: whether this machine reached no other address either, so that its own network may be broken. Nothing
            is then known of the server.
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
    # Both times come from the server's clock. If that clock is wrong, the finding above reports it.
    looked_at = met.page.watch_looked_at
    if silence_of(looked_at, met.page.at, SILENT_AFTER) is not None and looked_at is not None:
        found.append(Finding("watch_silent", {"since": (looked_at - met.skew).isoformat()}))
    names = {"server_unreachable", "callbacks_unhealthy", "ledger_unreachable", "check_failing"}
    return Judged(found, frozenset(names | {"clock_off", "watch_silent"}))


def judge_certificate(ends_at: datetime | None, host: str, now: datetime) -> list[Finding]:
    """Return a finding if the certificate ends within ``CERTIFICATE_ENDS``.

    ``ends_at`` is ``None`` if no certificate could be read. Another check reports this.
    """
    if ends_at is None or ends_at > now + CERTIFICATE_ENDS:
        return []
    return [Finding("certificate_ends", {"ends_at": ends_at.isoformat()}, host)]


def judge_outside_watch(
    asked_at: datetime | None, watching_since: datetime, machine: str, now: datetime
) -> list[Finding]:
    """Return a finding if the watch on another machine is silent.

    Args:
        asked_at: when the watch on another machine last checked this server; ``None`` if it never did.
        watching_since: since when the server's own watch has been checking. Earlier the server may have been off.
        machine: the name of the machine on which the other watch runs.
        now: the present time.
    """
    if silence_of(max(asked_at or watching_since, watching_since), now, OUTSIDE_SILENT) is None:
        return []
    return [Finding("outside_watch_silent", {"since": asked_at.isoformat() if asked_at else None}, machine)]
