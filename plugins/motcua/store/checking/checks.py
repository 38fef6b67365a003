"""Store the last source check of each source: its findings, and since when each finding has been found."""

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
    """A finding, with the time of the check that found it first. No later check has shown that the finding is gone."""

    finding: Finding
    since: datetime


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """One check of a source."""

    source: str
    checked_at: datetime
    dossiers: int
    """How many rows of dossiers were examined."""
    transitions: int
    """How many rows of transitions were examined."""
    findings: Sequence[StandingFinding]
    unseen: Sequence[StandingFinding] = ()
    """Findings of earlier checks that this check could not examine again."""

    @property
    def forbidding(self) -> list[StandingFinding]:
        """Return the findings of severity ``error``.

        Such a finding makes messages about the source's dossiers unreliable. The result includes findings of earlier
        checks that this check could not examine.
        """
        return [each for each in (*self.findings, *self.unseen) if each.finding.severity == "error"]

    @property
    def forbids(self) -> bool:
        """Return whether this check itself made a finding of severity ``error``.

        Findings of earlier checks that this check could not examine do not count.
        """
        return any(each.finding.severity == "error" for each in self.findings)


def last_checks(connection: Connection, sources: Sequence[str]) -> dict[str, SourceCheck]:
    """Return the last check of each of these sources. A source that was never checked is missing."""
    rows = connection.execute(statement("source_checks/last"), {"sources": list(sources)}).fetchall()
    return {row["source"]: _check_from(row) for row in rows}


def read_numbers(
    connection: Connection, source_id: int, numbers: Sequence[int]
) -> tuple[dict[int, datetime], set[int]]:
    """Return, for these transition numbers of a source, when each transition was first read into the ledger.

    Also return which of the numbers have a row that is or was in quarantine, because it could not be used.
    """
    values = {"source_id": source_id, "numbers": list(numbers)}
    rows = connection.execute(statement("source_checks/read_numbers"), values).fetchall()
    read = {row["number"]: row["picked_up_at"] for row in rows if row["picked_up_at"] is not None}
    return read, {row["number"] for row in rows if row["set_aside"]}


def sources_of_agency(connection: Connection, agency_code: str, sources: Sequence[str], since: datetime) -> list[str]:
    """Return which of these sources have data of an agency.

    These are sources from which dossiers of the agency were picked up at or after ``since``, and sources of clients
    that may push for the agency.
    """
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
    """Replace the stored check of a source by this check. Return this check with the time when each finding began.

    If this check could not examine an earlier finding, ``unseen`` has the finding with the time when it began.
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
                [*(_to_json(each) for each in standing), *(_to_json(each) | {"unseen": True} for each in unseen)]
            ),
        },
    )
    return check


def forget_other_checks(connection: Connection, sources: Sequence[str]) -> None:
    """Delete the stored findings of sources that are not read any more, because findings contain codes of dossiers
    (``motcua.source_checks``)."""
    connection.execute(statement("source_checks/forget_others"), {"sources": list(sources)})


def _to_json(standing: StandingFinding) -> dict[str, Any]:
    finding = standing.finding
    return {"kind": finding.name, **finding.facts, "since": standing.since.isoformat()}


def _check_from(row: Mapping[str, Any]) -> SourceCheck:
    findings: list[StandingFinding] = []
    unseen: list[StandingFinding] = []
    for each in row["findings"]:
        # A later version of the software may have stored kinds of findings that this version does not know.
        if each["kind"] in KINDS:
            facts = {"rows": each["rows"], "of": each["of"]}
            facts |= {name: tuple(each[name]) for name in ("names", "examples")}
            standing = StandingFinding(
                Finding(each["kind"], facts, row["source"]), datetime.fromisoformat(each["since"])
            )
            (unseen if each.get("unseen") else findings).append(standing)
    return SourceCheck(row["source"], row["checked_at"], row["dossiers"], row["transitions"], findings, unseen)
