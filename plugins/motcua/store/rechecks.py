"""Dossiers judged by themselves between two runs of the quality check, and what came of it.

A whole run fills the tables of schema ``quality`` by statements and asks its rules of them. Here the very same
statements are parts of one query, over a few dossiers alone: what they say stands once, so that both cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from motcua.domain.working_days import WorkingCalendar
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset, value_of
from motcua.store.oversight.quality import calendar_rows

Outcome: TypeAlias = Literal["mended", "stands", "unknown"]

_EVERY_NUMBER = {"low": 0, "high": 2**62}
_FILLED = (
    "quality/marks/add_days",
    "quality/saving/add_agencies",
    "quality/snapshot/fill_dossiers",
    "quality/snapshot/fill_moves",
    "quality/facts/fill_dossier_facts",
)
"""What a run fills, as far as one dossier's facts need it, in this order."""
_STANDING_FOR = {
    "dossiers_here": "quality/rechecking/dossiers_here",
    "transitions_here": "quality/rechecking/transitions_here",
    "quality_marks": "quality/rechecking/no_marks",
    "quality_result_messages": "quality/rechecking/no_messages",
    "quality_desk_register": "quality/rechecking/no_register",
}
"""What stands in a dossier's facts for tables of the ledger and of a run."""
_INSERT = re.compile(r"\A(?:--[^\n]*\n)*INSERT INTO quality\.(\w+) \(([^)]*)\)\n(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FindingOfDossier:
    """A finding about a dossier, and what is known of the dossier now."""

    finding_id: int
    rule: str
    agency_code: str
    dossier_id: int
    dossier_agency: str
    changed: bool
    """Since the moment that was asked about."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """That somebody had a finding judged again."""

    finding_id: int
    rechecked_at: datetime
    rechecked_by: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule says of a dossier: where others' part in it is as little, and as much, as it can be."""

    at_least: bool
    at_most: bool


def findings_of_dossiers(
    connection: Connection, findings: Sequence[int], since: datetime, agencies: Sequence[str] | None
) -> list[FindingOfDossier]:
    """Those of these findings that are about a dossier, of these agencies (``None``: of any)."""
    given = {"findings": list(findings), "since": since, "agencies": agencies}
    rows = connection.execute(statement("quality/rechecking/findings"), given)
    return [value_of(FindingOfDossier, row) for row in rows]


def save_recheck(connection: Connection, finding: int, by: str, now: datetime, outcome: Outcome) -> None:
    """Keeps what came of judging a finding again."""
    given = {"finding": finding, "by": by, "now": now, "outcome": outcome}
    connection.execute(statement("quality/rechecking/add"), given)


def last_rechecks(connection: Connection, findings: Sequence[int], since: datetime) -> dict[int, Recheck]:
    """By finding, the last time that it was judged again after a moment."""
    rows = connection.execute(statement("quality/rechecking/last"), {"findings": list(findings), "since": since})
    return {row["finding_id"]: value_of(Recheck, row) for row in rows}


def judge_dossiers(
    connection: Connection,
    dossiers: Sequence[int],
    predicates: Mapping[str, str],
    calendars: Mapping[str, WorkingCalendar],
    first: date,
    last: date,
    parameters: Mapping[str, Any],
) -> dict[int, dict[str, Judged] | None]:
    """What rules say of some dossiers, as the ledger is now.

    Args:
        connection: to the ledger.
        dossiers: their numbers.
        predicates: by rule, its condition over the facts, alias f, thresholds filled in.
        calendars: of the dossiers' agencies, by code.
        first, last: days of the calendars that count, as in a run.
        parameters: ``as_of``, ``since``, ``day`` and the thresholds that the statements name, as in a run.

    Returns:
        By dossier; ``None``: a run would not look at it any more. One of an agency without a calendar is left out.
    """
    days, agencies = calendar_rows(calendars, first, last)
    given = {
        **parameters,
        **_EVERY_NUMBER,
        "dossiers": list(dossiers),
        "rows": recordset(days),
        "agency_rows": recordset(agencies),
    }
    said = ", ".join(
        # Both are ours: codes of rules, and conditions of the rules' file.
        f"'{rule}', jsonb_build_array(coalesce({_with(where, 'no')}, FALSE), coalesce({_with(where, 'short')}, FALSE))"
        for rule, where in predicates.items()
    )
    query = (
        f"{_facts()} SELECT d.dossier_id, f.dossier_id IS NOT NULL AS is_looked_at, jsonb_build_object({said}) AS said"  # noqa: S608
        " FROM dossiers_here AS d INNER JOIN quality_agencies AS a ON d.agency_code = a.agency_code"
        " LEFT JOIN quality_dossier_facts AS f ON d.dossier_id = f.dossier_id"
    )
    rows = connection.execute(query, given)
    return {
        row["dossier_id"]: {rule: Judged(*both) for rule, both in row["said"].items()} if row["is_looked_at"] else None
        for row in rows
    }


def facts_of_dossiers(
    connection: Connection,
    dossiers: Sequence[int],
    calendars: Mapping[str, WorkingCalendar],
    first: date,
    last: date,
    parameters: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The facts themselves, as a run would have them in ``quality.dossier_facts``; arguments as of
    ``judge_dossiers``."""
    days, agencies = calendar_rows(calendars, first, last)
    given = {
        **parameters,
        **_EVERY_NUMBER,
        "dossiers": list(dossiers),
        "rows": recordset(days),
        "agency_rows": recordset(agencies),
    }
    query = f"{_facts()} SELECT f.* FROM quality_dossier_facts AS f ORDER BY f.dossier_id"  # noqa: S608 - ours
    return list(connection.execute(query, given))


@lru_cache(maxsize=1)
def _facts() -> str:
    """The statements of a run as parts of one query, narrowed to some dossiers."""
    parts = [f"{name} AS MATERIALIZED (\n{statement(text)}\n)" for name, text in _STANDING_FOR.items()]
    for name in _FILLED:
        found = _INSERT.match(statement(name))
        if found is None:
            raise RuntimeError(f"{name} does not fill a table of schema quality")
        table, columns, select = found.groups()
        if name == "quality/saving/add_agencies":
            select = select.replace("%(rows)s", "%(agency_rows)s")
        parts.append(f"quality_{table} ({columns}) AS MATERIALIZED (\n{_renamed(select)}\n)")
    # What is usual at others: nothing is known of it, or it is as short as can be.
    columns = "procedure_code, collected, median, deviation"
    parts.append(f"no_waits ({columns}) AS (SELECT NULL::text, 0, 0::numeric, 0::numeric WHERE FALSE)")
    shortest = (
        "SELECT DISTINCT f.procedure_code, 1000000, -1000000::numeric, 0::numeric FROM quality_dossier_facts AS f"
    )
    parts.append(f"short_waits ({columns}) AS ({shortest})")
    return f"WITH {', '.join(parts)}"


def _renamed(text: str) -> str:
    text = re.sub(r"\bmotcua\.(dossiers|transitions)\b", r"\1_here", text)
    return re.sub(r"\bquality\.(\w+)", r"quality_\1", text)


def _with(where: str, waits: str) -> str:
    """A condition, with what is usual at others as little or as much as it can be."""
    return _renamed(where.replace("%", "%%").replace("quality.usual_waits", f"{waits}_waits"))
