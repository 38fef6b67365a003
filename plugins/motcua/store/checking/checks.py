"""The last check of each source: what was found, and since when it has been so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from motcua.domain.checking.kinds import is_hidden
from motcua.domain.checks import KINDS, Finding
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
    unseen: Sequence[StandingFinding] = ()
    """What earlier checks found and this one could not look at again."""

    @property
    def forbidding(self) -> list[StandingFinding]:
        """What forbids to promise anybody a message, as far as is known: found now, or not looked at since."""
        return [each for each in (*self.findings, *self.unseen) if each.finding.severity == "error"]

    @property
    def forbids(self) -> bool:
        """Whether something was found that forbids to promise anybody a message."""
        return any(each.finding.severity == "error" for each in self.findings)


def last_checks(connection: Connection, sources: Sequence[str]) -> dict[str, SourceCheck]:
    """The last check of each of these sources that was ever checked."""
    rows = connection.execute(statement("source_checks/last"), {"sources": list(sources)}).fetchall()
    return {row["source"]: _check(row) for row in rows}


def read_numbers(
    connection: Connection, source_id: int, numbers: Sequence[int]
) -> tuple[dict[int, datetime], set[int]]:
    """When each of a source's numbers was read, of those that were; and which rows were ever quarantined."""
    values = {"source_id": source_id, "numbers": list(numbers)}
    rows = connection.execute(statement("source_checks/read_numbers"), values).fetchall()
    read = {row["number"]: row["picked_up_at"] for row in rows if row["picked_up_at"] is not None}
    return read, {row["number"] for row in rows if row["set_aside"]}


def sources_of_agency(connection: Connection, agency_code: str, sources: Sequence[str], since: datetime) -> list[str]:
    """Which of these sources tell of an agency: those that changed dossiers of it came from since a moment, and those
    that software pushes to which may write for it."""
    values = {"agency_code": agency_code, "sources": list(sources), "since": since}
    return [row["name"] for row in connection.execute(statement("source_checks/sources_of_agency"), values)]


def keep_check(
    connection: Connection,
    source: str,
    checked_at: datetime,
    *,
    dossiers: int,
    transitions: int,
    findings: Sequence[Finding],
) -> SourceCheck:
    """Keeps a check in the place of the last one of its source, and gives it with since when each finding stands.

    What was found before and could not be looked at this time is kept as unseen: it neither ends nor begins anew.
    """
    last = last_checks(connection, [source]).get(source)
    known = {each.finding.name: each for each in (*last.findings, *last.unseen)} if last else {}
    since = {kind: each.since for kind, each in known.items()}
    standing = [StandingFinding(each, since.get(each.name, checked_at)) for each in findings]
    found = {each.name for each in findings}
    unseen = [each for kind, each in known.items() if is_hidden(kind, found)]
    check = SourceCheck(source, checked_at, dossiers, transitions, standing, unseen)
    connection.execute(
        statement("source_checks/keep"),
        {
            "source": source,
            "checked_at": checked_at,
            "dossiers": dossiers,
            "transitions": transitions,
            "findings": Jsonb(
                [*(_record(each) for each in standing), *(_record(each) | {"unseen": True} for each in unseen)]
            ),
        },
    )
    return check


def forget_other_checks(connection: Connection, sources: Sequence[str]) -> None:
    """Keeps nothing of what was found at sources that are not read any more: codes of dossiers are among it."""
    connection.execute(statement("source_checks/forget_others"), {"sources": list(sources)})


def _record(standing: StandingFinding) -> dict[str, Any]:
    finding = standing.finding
    return {"kind": finding.name, **finding.facts, "since": standing.since.isoformat()}


def _check(row: Mapping[str, Any]) -> SourceCheck:
    findings: list[StandingFinding] = []
    unseen: list[StandingFinding] = []
    for each in row["findings"]:
        # What a later version found, and this one has no words for, is left out.
        if each["kind"] in KINDS:
            facts = {"rows": each["rows"], "of": each["of"]}
            facts |= {name: tuple(each[name]) for name in ("names", "examples")}
            standing = StandingFinding(
                Finding(each["kind"], facts, row["source"]), datetime.fromisoformat(each["since"])
            )
            (unseen if each.get("unseen") else findings).append(standing)
    return SourceCheck(row["source"], row["checked_at"], row["dossiers"], row["transitions"], findings, unseen)
