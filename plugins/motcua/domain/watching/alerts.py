"""Decide after each check which alerts are seen for the first time, raised or over. Pure: no I/O, no clock.

``judging.py`` finds the faults. An alert is raised after its fault was found at as many consecutive checks as its
definition demands. An alert is over after as many consecutive checks without the fault. A check that could not judge
changes no alert.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.checks import CHECKS, Fact, Finding, key_of


@dataclass(slots=True)
class Alert:
    """One alert, from the first check that found its fault."""

    name: str
    subject: str
    facts: dict[str, Fact]
    first_seen: datetime
    held: int = 0
    """Number of consecutive checks that found the fault."""
    gone: int = 0
    """Number of consecutive checks that did not find the fault."""
    raised_at: datetime | None = None
    """When the alert was raised; ``None`` if too few checks found the fault yet."""
    told_at: datetime | None = None
    over_at: datetime | None = None
    over_told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def finding(self) -> Finding:
        """Return the alert's finding with the facts of the last check."""
        return Finding(self.name, self.facts, self.subject)

    @property
    def key(self) -> str:
        """Return the alert's key, made of its name and its subject."""
        return key_of(self.name, self.subject)


@dataclass(frozen=True, slots=True)
class Changes:
    """The alerts that one check raised, and the alerts that it ended. All of them must be reported."""

    raised: tuple[Alert, ...]
    over: tuple[Alert, ...]


def advance(
    alerts: dict[str, Alert],
    judged: Collection[str],
    findings: Iterable[Finding],
    now: datetime,
    undecided: Collection[str] = (),
) -> Changes:
    """Update all alerts by the result of one check, and return which were raised and which ended.

    Args:
        alerts: alerts that were seen and are not over, by key; changed in place.
        judged: names of the checks (keys of ``CHECKS``) that had enough facts to judge. Alerts with other names do not
            change.
        findings: everything that is wrong now.
        now: the time of the check.
        undecided: keys of alerts that could not be judged this time, for example because too little is known about
            their subject. These alerts do not change although their name is in ``judged``.
    """
    raised: list[Alert] = []
    over: list[Alert] = []
    found = {finding.key: finding for finding in findings}
    for key, finding in found.items():
        alert = alerts.get(key)
        if alert is None:
            alert = alerts[key] = Alert(finding.name, finding.subject, dict(finding.facts), now)
        alert.facts, alert.held, alert.gone = dict(finding.facts), alert.held + 1, 0
        if alert.raised_at is None and alert.held >= CHECKS[alert.name].looks:
            alert.raised_at = now
            raised.append(alert)
    for key, alert in list(alerts.items()):
        if key in found or key in undecided or alert.name not in judged:
            continue
        alert.held, alert.gone = 0, alert.gone + 1
        if alert.raised_at is None:
            del alerts[key]
        elif alert.gone >= CHECKS[alert.name].looks:
            alert.over_at = now
            over.append(alerts.pop(key))
    return Changes(tuple(raised), tuple(over))
