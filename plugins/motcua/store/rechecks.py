"""Judge single dossiers anew between two runs of the quality check, and store the results.

A complete run uses SQL statements to fill the tables of schema ``quality``, and applies the rules to these tables. This
module builds one query from the same SQL statements and applies it to a few dossiers. Each rule is therefore written
only once, and the two ways to judge cannot differ.
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
_RUN_STATEMENTS = (
    "quality/given/days",
    "quality/given/agencies",
    "quality/facts/dossiers",
    "quality/facts/moves",
    "quality/facts/own_facts",
)
"""The SQL statements of a complete run that compute the facts of a dossier, in the order of their execution."""
_LEDGER_TABLES = ("quality/rechecking/dossiers_here", "quality/rechecking/transitions_here")
"""The SQL statements that replace the ledger's tables of dossiers and transitions in the query."""


@dataclass(frozen=True, slots=True)
class FindingOfDossier:
    """A finding about a dossier, with present facts about the dossier."""

    finding_id: int
    rule: str
    agency_code: str
    dossier_id: int
    dossier_agency: str
    changed: bool
    """``True`` if the dossier or one of its steps was read again after ``since`` of ``findings_of_dossiers``."""


@dataclass(frozen=True, slots=True)
class Recheck:
    """The record that somebody had a finding judged anew."""

    finding_id: int
    rechecked_at: datetime
    rechecked_by: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """Two verdicts of a rule on one dossier, under two assumptions about the usual waits of other dossiers.

    A rule may compare a dossier's wait with the usual waits, which only a complete run computes. ``at_least`` is the
    verdict if no usual waits are known. ``at_most`` is the verdict if the usual waits are as short as possible.
    ``True`` means that the rule finds a fault.
    """

    at_least: bool
    at_most: bool


def findings_of_dossiers(
    connection: Connection, findings: Sequence[int], since: datetime, agencies: Sequence[str] | None
) -> list[FindingOfDossier]:
    """Return the findings among ``findings`` that concern a dossier of these agencies.

    ``None`` stands for all agencies. ``FindingOfDossier.changed`` refers to the moment ``since``.
    """
    given = {"findings": list(findings), "since": since, "agencies": agencies}
    rows = connection.execute(statement("quality/rechecking/findings"), given)
    return [value_of(FindingOfDossier, row) for row in rows]


def save_recheck(connection: Connection, finding: int, by: str, now: datetime, outcome: Outcome) -> None:
    """Store the result of judging a finding anew in ``motcua.finding_rechecks``."""
    given = {"finding": finding, "by": by, "now": now, "outcome": outcome}
    connection.execute(statement("quality/rechecking/add"), given)


def last_rechecks(connection: Connection, findings: Sequence[int], since: datetime) -> dict[int, Recheck]:
    """Return the last recheck of each finding after the moment ``since``, by finding (from
    ``motcua.finding_rechecks``)."""
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
    """Return the verdicts of rules on some dossiers, computed from the ledger's present state.

    Args:
        connection: a connection to the ledger.
        dossiers: the dossiers' numbers.
        predicates: each rule's condition over the facts (alias f), with its thresholds filled in.
        calendars: the calendars of the dossiers' agencies, by code.
        first, last: the first and the last day of the calendars that are used, as in a run.
        parameters: ``as_of``, ``since``, ``day`` and the thresholds that the SQL statements name, as in a run.

    Returns:
        The verdicts by dossier and rule. A dossier that a run would no longer examine has ``None``. A dossier of an
        agency without a calendar is missing.
    """
    given = parameters_here(dossiers, calendars, first, last, parameters)
    said = ", ".join(
        # Both parts come from the project's own rules' file, so nothing here can be an injection.
        f"'{rule}', jsonb_build_array(coalesce({_bind(where, 'no')}, FALSE), coalesce({_bind(where, 'short')}, FALSE))"
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
    """Return the parameters of the query that ``facts_here`` begins. The arguments are those of ``judge_dossiers``."""
    days, agencies = calendar_rows(calendars, first, last)
    rows = {"rows": recordset(days), "agency_rows": recordset(agencies)}
    return {**parameters, **_EVERY_NUMBER, **rows, "dossiers": list(dossiers)}


@lru_cache(maxsize=1)
def facts_here() -> str:
    """Return the ``WITH`` part of a query, made of the SQL statements of a complete run.

    The ``WITH`` part computes the facts of some dossiers as ``quality_own_facts``.
    """
    names = [(name.rpartition("/")[2], statement(name)) for name in _LEDGER_TABLES]
    names += [(f"quality_{name.rpartition('/')[2]}", _renamed(statement(name))) for name in _RUN_STATEMENTS]
    parts = [f"{name} AS MATERIALIZED (\n{text}\n)" for name, text in names]
    # A query of a few dossiers cannot compute the usual waits of other dossiers, so each condition is judged twice. In
    # no_waits no usual waits are known, and in short_waits the usual waits are as short as possible.
    columns = "procedure_code, collected, median, deviation"
    parts.append(f"no_waits ({columns}) AS (SELECT NULL::text, 0, 0::numeric, 0::numeric WHERE FALSE)")
    shortest = "SELECT DISTINCT f.procedure_code, 1000000, -1000000::numeric, 0::numeric FROM quality_own_facts AS f"
    parts.append(f"short_waits ({columns}) AS ({shortest})")
    return f"WITH {', '.join(parts)}"


def _renamed(text: str) -> str:
    text = re.sub(r"\bmotcua\.(dossiers|transitions)\b", r"\1_here", text)
    return re.sub(r"\bquality\.(\w+)", r"quality_\1", text)


def _bind(where: str, waits: str) -> str:
    """Return a rule's condition with the usual waits of other dossiers replaced by ``no_waits`` or ``short_waits``."""
    return _renamed(where.replace("%", "%%").replace("quality.usual_waits", f"{waits}_waits"))
