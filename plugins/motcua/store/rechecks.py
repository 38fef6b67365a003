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
    "quality/given/days",
    "quality/given/agencies",
    "quality/facts/dossiers",
    "quality/facts/moves",
    "quality/facts/own_facts",
)
"""What a run makes, as far as a dossier's own facts need it, in this order."""
_LEDGER = ("quality/rechecking/dossiers_here", "quality/rechecking/transitions_here")
"""What stands in them for tables of the ledger."""


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
    given = parameters_here(dossiers, calendars, first, last, parameters)
    said = ", ".join(
        # Both are ours: codes of rules, and conditions of the rules' file.
        f"'{rule}', jsonb_build_array(coalesce({_with(where, 'no')}, FALSE), coalesce({_with(where, 'short')}, FALSE))"
        for rule, where in predicates.items()
    )
    query = (
        f"{facts_here()} SELECT d.dossier_id, f.dossier_id IS NOT NULL AS is_looked_at,"  # noqa: S608
        f" jsonb_build_object({said}) AS said"
        " FROM dossiers_here AS d INNER JOIN quality_agencies AS a ON d.agency_code = a.agency_code"
        " LEFT JOIN quality_own_facts AS f ON d.dossier_id = f.dossier_id"
    )
    rows = connection.execute(query, given)
    return {
        row["dossier_id"]: {rule: Judged(*both) for rule, both in row["said"].items()} if row["is_looked_at"] else None
        for row in rows
    }


def parameters_here(
    dossiers: Sequence[int],
    calendars: Mapping[str, WorkingCalendar],
    first: date,
    last: date,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """What ``facts_here`` is asked with; arguments as of ``judge_dossiers``."""
    days, agencies = calendar_rows(calendars, first, last)
    rows = {"rows": recordset(days), "agency_rows": recordset(agencies)}
    return {**parameters, **_EVERY_NUMBER, **rows, "dossiers": list(dossiers)}


@lru_cache(maxsize=1)
def facts_here() -> str:
    """The beginning of a query that has the facts of some dossiers' own as ``quality_own_facts``: the statements of a
    run as parts of it."""
    names = [(name.rpartition("/")[2], statement(name)) for name in _LEDGER]
    names += [(f"quality_{name.rpartition('/')[2]}", _renamed(statement(name))) for name in _FILLED]
    parts = [f"{name} AS MATERIALIZED (\n{text}\n)" for name, text in names]
    # What is usual at others: nothing is known of it, or it is as short as can be.
    columns = "procedure_code, collected, median, deviation"
    parts.append(f"no_waits ({columns}) AS (SELECT NULL::text, 0, 0::numeric, 0::numeric WHERE FALSE)")
    shortest = "SELECT DISTINCT f.procedure_code, 1000000, -1000000::numeric, 0::numeric FROM quality_own_facts AS f"
    parts.append(f"short_waits ({columns}) AS ({shortest})")
    return f"WITH {', '.join(parts)}"


def _renamed(text: str) -> str:
    text = re.sub(r"\bmotcua\.(dossiers|transitions)\b", r"\1_here", text)
    return re.sub(r"\bquality\.(\w+)", r"quality_\1", text)


def _with(where: str, waits: str) -> str:
    """A condition, with what is usual at others as little or as much as it can be."""
    return _renamed(where.replace("%", "%%").replace("quality.usual_waits", f"{waits}_waits"))
