"""The life of an alert: seen, sure, told, acknowledged, over. Pure rules; what is judged is in ``judging.py``.

An alert is raised when it held for as many looks as its nature wants, and is over when it did not hold for as many. A
check that could not look says nothing: its alerts stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias, get_args

AlertName: TypeAlias = Literal[
    "identity",
    "apologies_late",
    "unserved",
    "source_failing",
    "source_no_news",
    "source_fault",
    "push_silent",
    "push_refused",
    "gateway_stopped",
    "unknown_old",
    "delivered_low",
    "receipts_stopped",
    "receipts_unknown",
    "red_run",
    "quality_late",
    "closing_late",
    "disk_low",
    "clock_off",
    "calendar_unsigned",
    "backup_old",
    "airflow_uncleaned",
    "ledger_behind",
    "ledger_slept",
    "ledger_went_back",
    "journal_damaged",
    "ledger_unreachable",
    "airflow_unreachable",
    "airflow_unhealthy",
    "callbacks_unhealthy",
    "intake_unhealthy",
    "check_failing",
]
"""What can be wrong; docs/operations/alerts has a page for each, include/templates/watch/alerts.vi.yaml its words."""

ALERT_NAMES: tuple[AlertName, ...] = get_args(AlertName)
Fact: TypeAlias = str | int | float | None
"""A figure, a name or a moment (ISO 8601) of an alert; no personal data."""

_LOOKS: Mapping[AlertName, int] = {
    # What the ledger says is exact at any moment, and what a person or a day must do does not flap.
    "identity": 1,
    "apologies_late": 1,
    "quality_late": 1,
    "closing_late": 1,
    "calendar_unsigned": 1,
    "backup_old": 1,
    "red_run": 1,
    "unknown_old": 1,
    "ledger_behind": 1,
    "ledger_slept": 1,
    "ledger_went_back": 1,
    "journal_damaged": 1,
    "receipts_unknown": 1,
    "source_fault": 1,
    # It has lasted a minute when it is seen.
    "unserved": 1,
    # Pauses of a gateway begin with two seconds; a source may be away for one pick-up.
    "gateway_stopped": 3,
    "source_failing": 3,
    # What was installed or started a moment ago cleans within minutes.
    "airflow_uncleaned": 3,
}
_USUAL_LOOKS = 2


def looks_needed(name: AlertName) -> int:
    """How many looks in a row an alert must hold before it is told, and must not hold before it is over."""
    return _LOOKS.get(name, _USUAL_LOOKS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at this look."""

    name: AlertName
    facts: Mapping[str, Fact] = field(default_factory=dict)
    subject: str = ""
    """Of what: a source, a gateway, a folder; empty where there is only one."""

    @property
    def key(self) -> str:
        """Name and subject together."""
        return key_of(self.name, self.subject)


def key_of(name: str, subject: str) -> str:
    """What stands for an alert: its name, and behind a slash what it is about."""
    return f"{name}/{subject}" if subject else name


@dataclass(slots=True)
class Alert:
    """One alert from the first look at which it held."""

    name: AlertName
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
    judged: Collection[AlertName],
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
        if alert.raised_at is None and alert.held >= looks_needed(alert.name):
            alert.raised_at = now
            raised.append(alert)
    for key, alert in list(alerts.items()):
        if key in found or key in undecided or alert.name not in judged:
            continue
        alert.held, alert.gone = 0, alert.gone + 1
        if alert.raised_at is None:
            del alerts[key]
        elif alert.gone >= looks_needed(alert.name):
            alert.over_at = now
            over.append(alerts.pop(key))
    return Changes(tuple(raised), tuple(over))
