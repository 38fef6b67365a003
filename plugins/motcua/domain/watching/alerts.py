"""The life of an alert: seen, sure, told, acknowledged, over. Pure rules; what is judged is in ``judging.py``.

An alert is raised when it held for as many looks as its nature wants, and is over when it did not hold for as many. A
check that could not look says nothing: its alerts stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.checks import CHECKS, Fact, Finding, key_of


@dataclass(slots=True)
class Alert:
    """One alert from the first look at which it held."""

    name: str
    subject: str
    facts: dict[str, Fact]
    first_seen: datetime
    held: int = 0
    """Looks in a row at which it held."""
    gone: int = 0
    """Looks in a row at which it did not."""
    raised_at: datetime | None = None
    """When it was sure; ``None``: not yet."""
    told_at: datetime | None = None
    over_at: datetime | None = None
    over_told_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def finding(self) -> Finding:
        """What it tells of, as it was at the last look."""
        return Finding(self.name, self.facts, self.subject)

    @property
    def key(self) -> str:
        """Name and subject together."""
        return key_of(self.name, self.subject)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look changed: what is to be told."""

    raised: tuple[Alert, ...]
    over: tuple[Alert, ...]


def advance(
    alerts: dict[str, Alert],
    judged: Collection[str],
    findings: Iterable[Finding],
    now: datetime,
    undecided: Collection[str] = (),
) -> Changes:
    """Takes one look into account.

    Args:
        alerts: by key, those that were seen and are not over; changed in place.
        judged: names that this look could judge; others stay as they are.
        findings: what is wrong now.
        now: the moment of the look.
        undecided: keys of judged names that this look cannot judge, as where too little is known.
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
