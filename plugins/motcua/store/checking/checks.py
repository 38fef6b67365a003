"""The last check of each source: what was found, and since when it has been so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from motcua.domain.checking.kinds import KINDS, Finding
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement


@dataclass(frozen=True, slots=True)
class StandingFinding:
    """A finding, and since when each check has found it."""

    finding: Finding
    since: datetime


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """One check of a source."""

    source: str
    checked_at: datetime
    dossiers: int
    transitions: int
    """Rows that were looked at."""
    findings: Sequence[StandingFinding]

    @property
    def forbids(self) -> bool:
        """Whether something was found that forbids to promise anybody a message."""
        return any(each.finding.severity == "forbids" for each in self.findings)


def last_checks(connection: Connection, sources: Sequence[str]) -> dict[str, SourceCheck]:
    """The last check of each of these sources that was ever checked."""
    rows = connection.execute(statement("source_checks/last"), {"sources": list(sources)}).fetchall()
    return {row["source"]: _check(row) for row in rows}


def keep_check(
    connection: Connection,
    source: str,
    checked_at: datetime,
    *,
    dossiers: int,
    transitions: int,
    findings: Sequence[Finding],
) -> SourceCheck:
    """Keeps a check in the place of the last one of its source, and gives it with since when each finding stands."""
    last = last_checks(connection, [source]).get(source)
    known = {each.finding.kind: each.since for each in last.findings} if last else {}
    standing = [StandingFinding(each, known.get(each.kind, checked_at)) for each in findings]
    check = SourceCheck(source, checked_at, dossiers, transitions, standing)
    connection.execute(
        statement("source_checks/keep"),
        {
            "source": source,
            "checked_at": checked_at,
            "dossiers": dossiers,
            "transitions": transitions,
            "findings": Jsonb([_record(each) for each in standing]),
        },
    )
    return check


def forget_other_checks(connection: Connection, sources: Sequence[str]) -> None:
    """Keeps nothing of what was found at sources that are not read any more: codes of dossiers are among it."""
    connection.execute(statement("source_checks/forget_others"), {"sources": list(sources)})


def _record(standing: StandingFinding) -> dict[str, Any]:
    finding = standing.finding
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "rows": finding.rows,
        "of": finding.of,
        "names": list(finding.names),
        "examples": list(finding.examples),
        "since": standing.since.isoformat(),
    }


def _check(row: Mapping[str, Any]) -> SourceCheck:
    # What a later version found, and this one has no words for, is left out.
    findings = [
        StandingFinding(
            Finding(
                each["kind"],
                each["severity"],
                each["rows"],
                each["of"],
                tuple(each["names"]),
                tuple(each["examples"]),
            ),
            datetime.fromisoformat(each["since"]),
        )
        for each in row["findings"]
        if each["kind"] in KINDS
    ]
    return SourceCheck(row["source"], row["checked_at"], row["dossiers"], row["transitions"], findings)
