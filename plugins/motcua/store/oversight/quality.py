"""Store runs of the quality check: the snapshot that rules are applied to, their results, and the findings' episodes.

The snapshot (schema ``quality``) shows the ledger at one moment, so that all its data are consistent. A finding is one
fault that a rule found. An episode is the time from the run that first had a finding to the run that no longer had it.
An agency is broken in a run if its part of the snapshot is faulty. The seal of a run is a hash of its results and of
the previous run's seal. The results of a run are written and sealed in one transaction: a run exists completely and
sealed, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, LiteralString

from psycopg import IsolationLevel, sql
from psycopg.types.json import Jsonb

from motcua.domain.clock import VIETNAM
from motcua.domain.quality import Acknowledged, CheckStatus, Dimension, Run, SourceState, TextableShare
from motcua.domain.working_days import WorkingCalendar
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement, statements_of
from motcua.store.ledger.rows import columns_of, recordset, value_of

_BATCH = 20_000

LANES = 2
"""How many connections (*lanes*) fill the snapshot in parallel. All of them see the ledger at the same moment."""
OWN_FACTS = "own_facts"
"""The SQL statement for the part of ``dossier_facts`` that comes from a dossier's own row and steps. It fills no
table."""
_FACTS = "dossier_facts"
_FIRST_LANE = ("dossiers", "moves", "result_messages", "edited", "edits")
_SUMS = (("desk_cells",), ("notice_cells", "usual_waits"))
"""Tables that are computed from ``dossier_facts`` without reading the ledger again."""
_MONTHS = ("agency_month_facts", "agency_counts")
_HASHED = {_FACTS, *_SUMS[0], *_SUMS[1], *_MONTHS}
"""Tables whose queries join large tables completely. Nested loops are off for these queries: if the planner wrongly
believed that a table is small, it would choose a nested loop, which would take hours."""
_KNOWN_TO_PLANNER = ("dossiers", "moves", "result_messages", "in_register")
"""Tables for which the planner needs statistics of dossier numbers. For the other tables, which are small, the planner
needs only their size."""


@cache
def _tables() -> Mapping[str, LiteralString]:
    """Return the SQL statement that fills each table of the snapshot, in the order of the tables' dependencies."""
    files = ("quality/given", "quality/facts", "quality/marks", "quality/agency_facts", "quality/source_facts")
    return {table: f"{file}/{table}" for file in files for table in statements_of(file)}


@cache
def _lanes() -> tuple[tuple[str, ...], ...]:
    """Return the tables that each of the two connections fills from the ledger.

    The tables are divided so that both connections need about the same time.
    """
    marks = (own for own in statements_of("quality/marks") if own not in {*_FIRST_LANE, _FACTS})
    return _FIRST_LANE, ("moves", "actor_days", "agency_days", *marks, "source_facts", "ledger_counts")


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row of a desk register, the list in which a one-stop desk writes when results are ready and handed over.

    A row that was just read has the codes that the source wrote.
    """

    agency_code: str | None
    dossier_code: str | None
    result_ready_at: datetime | None
    handed_over_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """How many results of an agency were announced to citizens, and when some of them were revoked."""

    agency_code: str
    told: int
    hold_minutes: float
    minutes: Sequence[float] | None
    """After how many minutes each of these results was revoked, in ascending order. ``None`` if none was revoked."""


@dataclass(frozen=True, slots=True)
class DeskUserMonth:
    """How many dossiers a desk user received in a month, and how many of them have a number that can be texted."""

    agency_code: str
    key: str
    """The desk user's pseudonym."""
    month: date
    dossiers: int
    textable: int


@dataclass(frozen=True, slots=True)
class RecordFigures:
    """The data of the snapshot that a run's record needs, for all agencies.

    The second connection reads these data while the first connection computes the sums by month.
    """

    desk_users: Sequence[DeskUserMonth]
    taken_back: Sequence[TakenBack]


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is to be inserted. It is not sealed yet."""

    run_id: str
    as_of: datetime
    day: date
    since: date
    data_as_of: datetime | None
    rules: Sequence[Mapping[str, Any]]
    """The rules of the run's suite. Each has ``code, severity, owner, level, digest``."""
    thresholds: Mapping[str, float]
    """The thresholds of the rules, by ``<code>.<name>``."""
    software: str
    dossiers: int
    broken: int


@dataclass(frozen=True, slots=True)
class Deadline:
    """The deadlines of one rule for a finding.

    ``agency`` is the number of working days until the agency is reminded. ``department`` is the number of further
    working days until the Department is informed.
    """

    rule: str
    agency: int
    department: int


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """The result of a rule in a run."""

    run_no: int
    rule: str
    status: CheckStatus
    broken_reason: str | None
    found: int
    rows_hash: str | None


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """A fault in an agency's part of a run's snapshot. ``agency_code`` is ``None`` for rows that name no agency."""

    run_no: int
    agency_code: str | None
    fault: str


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How many rows a rule returned for an agency in a run.

    If ``agency_code`` is ``None``, the rows are about a source. In the result of ``counts_by_rule``, ``None`` stands
    for all agencies.
    """

    run_no: int
    rule: str
    agency_code: str | None
    found: int
    acknowledged: int
    remind_agency: int
    remind_department: int


@dataclass(frozen=True, slots=True)
class CheckedAgency:
    """How much of an agency's data a run checked."""

    run_no: int
    agency_code: str
    dossiers: int
    textable: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """How a rule's findings of an agency changed between two runs."""

    rule: str
    agency_code: str | None
    new: int
    back: int
    fixed: int


@dataclass(frozen=True, slots=True)
class SuggestedFacts:
    """A suggestion to an agency, with the facts that it follows from."""

    agency_code: str
    kind: Literal["hold_time"] | Dimension
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding with its episode."""

    finding_id: int
    rule: str
    agency_code: str | None
    subject: str
    since: datetime | None
    facts: Mapping[str, Any]
    dossier_code: str | None
    procedure_code: str | None
    procedure_name: str | None
    phone: str | None
    """The text of the phone field. It must be masked before it is shown."""
    opened_run: int
    closed_run: int | None
    again: bool
    deadline: date | None
    department_on: date | None
    first_seen: datetime
    opened_at: datetime
    last_seen: datetime
    acknowledged: Acknowledged | None
    """The last acknowledgement, if it lasts at least until the day of the run. Otherwise ``None``."""


# ------------------------------------------------------------------------------------------------- the snapshot


@cache
def facts_of(table: str) -> frozenset[str]:
    """Return the names of a snapshot table's columns, from its SQL statement. A rule may use these columns.

    Raises:
        KeyError: no SQL statement makes such a table.
    """
    plain, nested = statement(_tables()[table]), ""
    plain = re.sub(r"--[^\n]*|'[^']*'", "", plain)
    while plain != nested:
        nested, plain = plain, re.sub(r"\([^()]*\)", "", plain)
    listed = re.search(r"\bSELECT\s(.*?)(?<!DISTINCT)\sFROM\b", plain, re.DOTALL)
    names = {item.split()[-1].rpartition(".")[2] for item in listed[1].split(",")} if listed else set()
    return frozenset(names - {"*"}) | (facts_of(OWN_FACTS) if "*" in names else frozenset())


def begin_snapshot(connection: Connection, parameters: Mapping[str, Any]) -> None:
    """Remove the tables of the last snapshot, and create each with the columns of the SQL statement that will fill it.

    ``parameters`` are the parameters of ``fill_snapshot``.
    """
    connection.execute(statement("quality/snapshot/begin_snapshot"))
    given = {**_run_parameters(parameters), **_NOTHING, "low": 0, "high": 0}
    for table in _tables():
        if table != OWN_FACTS:
            made = connection.execute(f"SELECT * FROM ({_query_of(table)}) AS made LIMIT 0", given).description or ()  # noqa: S608 - ours
            columns = {"columns": [each.name for each in made], "types": [each.type_code for each in made]}
            connection.execute(statement("quality/snapshot/make"), {"table_name": table, **columns})


_NOTHING = {"rows": recordset(()), "agency_rows": recordset(()), "source": "", "failure": None, "rule": "", "level": ""}


def _run_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    day, since_day = (parameters[name].astimezone(VIETNAM).date() for name in ("as_of", "since"))
    return {**parameters, "day": day, "since_day": since_day}


def _query_of(table: str) -> str:
    """Return the SQL statement that makes a table.

    The SQL statement for a dossier's facts includes the statement for the dossier's own facts as a part, which costs
    less than a separate table. Rechecks of dossiers between two runs need only the own facts.
    """
    text = statement(_tables()[table])
    if table != _FACTS:
        return text
    own = statement(_tables()[OWN_FACTS])
    return f"WITH {OWN_FACTS} AS NOT MATERIALIZED (\n{own}\n)\n{text.replace(f'quality.{OWN_FACTS}', OWN_FACTS)}"


def _fill(connection: Connection, table: str, given: Mapping[str, Any]) -> None:
    connection.execute(f"INSERT INTO quality.{table}\n{_query_of(table)}", given)


def add_register(connection: Connection, source: str, rows: Sequence[RegisterRow]) -> None:
    """Add rows of a source's desk register to ``quality.desk_register``, with our own agency codes."""
    _fill(connection, "desk_register", {"source": source, "rows": recordset(rows)})


def add_register_reading(connection: Connection, source: str, failure: str | None) -> None:
    """Record in ``quality.register_readings`` that a desk register was read, or why it could not be read."""
    _fill(connection, "register_readings", {"source": source, "failure": failure})


def one_moment(connection: Connection) -> None:
    """Make each later transaction of this connection see the ledger at one moment. No transaction may be open."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ


def fill_snapshot(
    lanes: Sequence[Connection],
    calendars: Mapping[str, WorkingCalendar],
    first: date,
    last: date,
    parameters: Mapping[str, Any],
) -> RecordFigures:
    """Fill the snapshot.

    Args:
        lanes: ``LANES`` connections without a transaction. They work in parallel and see the ledger at one moment.
        calendars: the calendars by agency code.
        first, last: the first and last day of the calendars that are stored.
        parameters: ``as_of``, ``since``, ``sources`` and the thresholds that the SQL statements name.

    Returns:
        The data of the snapshot that the run's record needs.

    Raises:
        psycopg.Error: the ledger refused or did not answer.
    """
    given = _run_parameters(parameters)
    leader = lanes[0]
    _add_calendars(leader, calendars, first, last, given["day"])
    leader.commit()
    for lane in lanes:
        one_moment(lane)
    moment = leader.execute(statement("quality/snapshot/export_moment")).fetchone()
    ranges = _halves(leader, parameters["since"])
    for lane in lanes[1:]:
        # SET TRANSACTION SNAPSHOT accepts only a literal and no parameter.
        lane.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment["moment"] if moment else "")))
    _side_by_side(lanes, _lanes(), given, ranges)
    for lane in lanes:
        lane.isolation_level = None
    for table in _KNOWN_TO_PLANNER:
        _update_statistics(leader, table, "dossier_id")
    _update_statistics(leader, "desk_register", "agency_code")
    leader.commit()
    _side_by_side(lanes, ((_FACTS,), (_FACTS,)), given, ranges)
    with ThreadPoolExecutor(1) as other:
        sums = other.submit(_fill_and_commit, lanes[1], _SUMS[1], given)
        beside = other.submit(_read_beside, lanes[1], given)
        _fill_and_commit(leader, _SUMS[0], given)
        sums.result()
        _fill_and_commit(leader, _MONTHS, given)
        return beside.result()


def _update_statistics(connection: Connection, table: str, column: str) -> None:
    connection.execute(statement("quality/snapshot/look_at"), {"table_name": table, "column_name": column})


def _fill_and_commit(connection: Connection, tables: Sequence[str], given: Mapping[str, Any]) -> None:
    _fill_tables(connection, tables, given)
    connection.commit()


def _read_beside(connection: Connection, given: Mapping[str, Any]) -> RecordFigures:
    """Read data for the run's record while the other connection computes the sums by month.

    Both connections then work at the same time, which makes the run shorter.
    """
    _update_statistics(connection, "dossier_facts", "reopened_at")
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "on"})
    users = connection.execute(statement("quality/saving/count_desk_users"), given).fetchall()
    agencies = connection.execute(statement("quality/findings/taken_back"), given).fetchall()
    connection.commit()
    desk_users = [value_of(DeskUserMonth, row) for row in users]
    return RecordFigures(desk_users, [value_of(TakenBack, row) for row in agencies])


def _halves(connection: Connection, since: datetime) -> list[dict[str, int]]:
    """Return two ranges of dossier numbers, one for each connection, with about the same number of dossiers.

    A range also lets the planner estimate the number of its rows.
    """
    row = connection.execute(statement("quality/snapshot/middle"), {"since": since}).fetchone()
    middle = int(row["middle"] or 0) if row else 0
    return [{"low": 0, "high": middle}, {"low": middle, "high": 2**62}]


def _side_by_side(
    lanes: Sequence[Connection],
    tables: Sequence[Sequence[str]],
    given: Mapping[str, Any],
    ranges: Sequence[Mapping[str, int]],
) -> None:
    with ThreadPoolExecutor(len(lanes)) as threads:
        work = [
            threads.submit(_fill_tables, lane, of_lane, {**given, **of_range})
            for lane, of_lane, of_range in zip(lanes, tables, ranges, strict=True)
        ]
    for each in work:
        each.result()
    for lane in lanes:
        lane.commit()


def _fill_tables(connection: Connection, tables: Sequence[str], given: Mapping[str, Any]) -> None:
    for table in tables:
        connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "off" if table in _HASHED else "on"})
        _fill(connection, table, given)
        if table == "edited":
            # The table is small, and the planner must know its size for the next query.
            _update_statistics(connection, table, "dossier_id")


def calendar_rows(
    calendars: Mapping[str, WorkingCalendar], first: date, last: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``quality.days`` and ``quality.agencies``. Agencies with equal calendars share the days."""
    numbers: dict[tuple[bool, ...], int] = {}
    agencies = []
    days = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
    for code, calendar in calendars.items():
        worked = tuple(calendar.is_working_day(each) for each in days)
        agencies.append({"agency_code": code, "calendar": numbers.setdefault(worked, len(numbers) + 1)})
    rows = []
    for worked, number in numbers.items():
        nth, before = 0, None
        for each, is_worked in zip(days, worked, strict=True):
            nth += is_worked
            rows.append(
                {"calendar": number, "day": each, "working": is_worked, "nth": nth, "previous_working_day": before}
            )
            before = each if is_worked else before
    return rows, agencies


def _add_calendars(
    connection: Connection, calendars: Mapping[str, WorkingCalendar], first: date, last: date, day: date
) -> None:
    rows, agencies = calendar_rows(calendars, first, last)
    _fill(connection, "days", {"rows": recordset(rows)})
    _update_statistics(connection, "days", "day")
    _fill(connection, "agencies", {"agency_rows": recordset(agencies), "day": day})
    _update_statistics(connection, "agencies", "agency_code")


def add_found(connection: Connection, rule: str, level: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the rows that a rule returned to ``quality.found``."""
    for start in range(0, len(rows), _BATCH):
        _fill(connection, "found", {"rule": rule, "level": level, "rows": recordset(rows[start : start + _BATCH])})


def count_dossiers(connection: Connection, broken_agencies: Collection[str]) -> int:
    """Count the dossiers of the snapshot whose agencies are not broken (from ``quality.dossier_facts``)."""
    given = {"broken_agencies": list(broken_agencies)}
    row = connection.execute(statement("quality/saving/count_dossiers"), given).fetchone()
    return int(row["dossiers"]) if row else 0


def data_as_of(connection: Connection) -> datetime | None:
    """Return the oldest time at which one of the snapshot's sources was last read (from ``quality.source_facts``)."""
    row = connection.execute(statement("quality/saving/data_as_of")).fetchone()
    return row["data_as_of"] if row else None


# ------------------------------------------------------------------------------------------------- writing a run


def save_run(connection: Connection, run: NewRun) -> int:
    """Insert a run that is not sealed yet into ``motcua.quality_runs``. Return its number."""
    given = columns_of(run) | {"rules": Jsonb(run.rules), "thresholds": Jsonb(run.thresholds)}
    row = connection.execute(statement("quality/saving/save_run"), given).fetchone()
    if row is None:
        raise RuntimeError("the ledger returned no number for the run")
    return int(row["run_no"])


def save_broken_agencies(connection: Connection, run_no: int, parts: Iterable[BrokenPart]) -> None:
    """Insert the agencies whose part of the snapshot is broken into ``motcua.quality_broken_agencies``."""
    connection.execute(statement("quality/saving/save_broken_agencies"), {"run_no": run_no, "rows": recordset(parts)})


def save_findings(
    connection: Connection,
    run_no: int,
    day: date,
    checked: Sequence[str],
    deadlines: Sequence[Deadline],
    broken_agencies: Collection[str],
) -> None:
    """Open and close episodes according to the found rows. Episodes of broken agencies stay unchanged.

    Args:
        connection: the connection of the run's transaction.
        run_no: the run.
        day: the run's day.
        checked: the rules whose check did not fail; a finding is fixed if its rule is among these and does not return
            the finding's row any more.
        deadlines: the deadlines of the rules that have a deadline.
        broken_agencies: codes of the broken agencies; an empty text among them stands for findings about whole sources.
    """
    _update_statistics(connection, "found", "subject")
    given = {
        "run_no": run_no,
        "day": day,
        "checked": list(checked),
        "deadlines": recordset(deadlines),
        "broken_agencies": list(broken_agencies),
    }
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "off"})
    for name in _EPISODE_STATEMENTS:
        connection.execute(statement(name), given)
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "on"})


_EPISODE_STATEMENTS = (
    "quality/findings/change_findings",
    "quality/findings/add_findings",
    "quality/findings/withhold_findings",
    "quality/findings/close_episodes",
    "quality/findings/open_episodes",
)


def rows_hashes(connection: Connection, run_no: int, rules: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Return, by rule, how many findings had an open episode in a run, and the hash of their subjects."""
    rows = connection.execute(statement("quality/saving/rows_hashes"), {"run_no": run_no, "rules": list(rules)})
    return {row["rule"]: (row["found"], row["rows_hash"]) for row in rows}


def save_results(connection: Connection, run_no: int, results: Sequence[RuleOutcome]) -> None:
    """Insert the result of each rule into ``motcua.quality_results``."""
    connection.execute(statement("quality/saving/save_results"), {"run_no": run_no, "rows": recordset(results)})


def save_figures(
    connection: Connection,
    run_no: int,
    day: date,
    desk_users: Iterable[DeskUserMonth],
    broken_agencies: Collection[str],
) -> None:
    """Insert counts by rule and agency, the numbers of checked dossiers, shares of textable numbers, and the sources'
    state.

    Broken agencies are left out. An empty text in ``broken_agencies`` stands for findings about whole sources.
    """
    last_month = date.fromordinal(day.replace(day=1).toordinal() - 1).replace(day=1)
    given = {
        "run_no": run_no,
        "day": day,
        "desk_users": recordset(desk_users),
        "recent_month": last_month,
        "broken_agencies": list(broken_agencies),
    }
    for name in _FIGURE_STATEMENTS:
        connection.execute(statement(name), given)


_FIGURE_STATEMENTS = (
    "quality/saving/save_counts",
    "quality/saving/save_agencies",
    "quality/saving/save_shares",
    "quality/saving/save_sources",
)


def save_suggestions(connection: Connection, run_no: int, rows: Iterable[SuggestedFacts]) -> None:
    """Insert the suggestions that follow from the data into ``motcua.quality_suggestions``."""
    connection.execute(statement("quality/saving/save_suggestions"), {"run_no": run_no, "rows": recordset(rows)})


def last_seal(connection: Connection) -> str | None:
    """Return the seal of the last run, which the next run's seal continues (from ``motcua.quality_runs``)."""
    row = connection.execute(statement("quality/saving/last_seal")).fetchone()
    return row["seal"] if row else None


def seal_run(connection: Connection, run_no: int, content_hash: str, previous_seal: str, seal: str) -> None:
    """Store the seal of a run in ``motcua.quality_runs``."""
    given = {"run_no": run_no, "content_hash": content_hash, "previous_seal": previous_seal, "seal": seal}
    connection.execute(statement("quality/saving/seal_run"), given)


# ------------------------------------------------------------------------------------------------- reading


def list_runs(
    connection: Connection,
    *,
    run_no: int | None = None,
    run_id: str | None = None,
    day: date | None = None,
    most: int | None = None,
) -> list[Run]:
    """Return runs, the newest first (from ``motcua.quality_runs``). Filters that are ``None`` do not apply."""
    given = {"run_no": run_no, "run_id": run_id, "day": day, "most": most}
    return [value_of(Run, row) for row in connection.execute(statement("quality/reading/runs"), given)]


def previous_run_no(connection: Connection, run_no: int) -> int | None:
    """Return the number of the run with which a run is compared: the last run of an earlier working day (from
    ``motcua.quality_runs``)."""
    row = connection.execute(statement("quality/reading/previous_run"), {"run_no": run_no}).fetchone()
    return row["run_no"] if row else None


def weekly_runs(connection: Connection, run_no: int, weeks: int) -> dict[date, int]:
    """Return the last run of each of the last weeks, by the Monday of the week (from ``motcua.quality_runs``)."""
    rows = connection.execute(statement("quality/reading/weekly_runs"), {"run_no": run_no, "weeks": weeks})
    return {row["week"]: row["run_no"] for row in rows}


def results_of(connection: Connection, run_nos: Sequence[int]) -> list[RuleOutcome]:
    """Return the result of each rule in these runs (from ``motcua.quality_results``)."""
    rows = connection.execute(statement("quality/reading/results"), {"run_nos": list(run_nos)})
    return [value_of(RuleOutcome, row) for row in rows]


def counts_of(connection: Connection, run_nos: Sequence[int], agency_code: str | None = None) -> list[RuleCount]:
    """Return how many rows each rule returned, by agency, for one agency or for all (from
    ``motcua.quality_counts``)."""
    given = {"run_nos": list(run_nos), "agency_code": agency_code}
    rows = connection.execute(statement("quality/reading/counts"), given)
    return [value_of(RuleCount, row) for row in rows]


def counts_by_rule(connection: Connection, run_nos: Sequence[int]) -> list[RuleCount]:
    """Return how many rows each rule returned, summed over all agencies (from ``motcua.quality_counts``)."""
    rows = connection.execute(statement("quality/reading/counts_by_rule"), {"run_nos": list(run_nos)})
    return [value_of(RuleCount, row) for row in rows]


def found_by_agency(connection: Connection, run_no: int, rules: Sequence[str]) -> dict[str, int]:
    """Return how many rows these rules returned in a run, summed by agency (from ``motcua.quality_counts``).

    An agency without such rows is left out.
    """
    given = {"run_no": run_no, "rules": list(rules)}
    return {
        row["agency_code"]: row["found"]
        for row in connection.execute(statement("quality/reading/found_by_agency"), given)
    }


def agencies_of(connection: Connection, run_nos: Sequence[int]) -> list[CheckedAgency]:
    """Return how much of each agency's data these runs checked (from ``motcua.quality_agencies``)."""
    rows = connection.execute(statement("quality/reading/checked_agencies"), {"run_nos": list(run_nos)})
    return [value_of(CheckedAgency, row) for row in rows]


def broken_agencies_of(connection: Connection, run_nos: Sequence[int]) -> list[BrokenPart]:
    """Return the agencies whose part of the snapshot was broken (from ``motcua.quality_broken_agencies``)."""
    rows = connection.execute(statement("quality/reading/broken_agencies"), {"run_nos": list(run_nos)})
    return [value_of(BrokenPart, row) for row in rows]


def changes_of(connection: Connection, run_no: int, since_run: int) -> list[RuleChange]:
    """Return how a run's findings changed since an earlier run, by rule and agency (from
    ``motcua.finding_episodes``)."""
    rows = connection.execute(statement("quality/reading/changes"), {"run_no": run_no, "since_run": since_run})
    return [value_of(RuleChange, row) for row in rows]


def shares_of(
    connection: Connection,
    run_no: int,
    agency_code: str | None = None,
    least_dossiers: int = 0,
    name_of: Callable[[str], str] = str,
) -> list[TextableShare]:
    """Return shares of textable numbers among at least ``least_dossiers`` dossiers (from ``motcua.quality_shares``).

    The newest month comes first, and the worst share first within a month and dimension. ``name_of`` gives the name of
    an agency.
    """
    given = {"run_no": run_no, "agency_code": agency_code, "least": least_dossiers}
    rows = connection.execute(statement("quality/reading/shares"), given)
    return [value_of(TextableShare, {**row, "agency_name": name_of(row["agency_code"])}) for row in rows]


def suggestions_of(connection: Connection, run_no: int, agency_code: str | None = None) -> list[SuggestedFacts]:
    """Return the suggestions that followed from a run's data (from ``motcua.quality_suggestions``)."""
    given = {"run_no": run_no, "agency_code": agency_code}
    rows = connection.execute(statement("quality/reading/suggestions"), given)
    return [value_of(SuggestedFacts, row) for row in rows]


def sources_of(connection: Connection, run_no: int) -> list[SourceState]:
    """Return when each source was last read and how many of its rows were unusable (from
    ``motcua.quality_sources``)."""
    rows = connection.execute(statement("quality/reading/sources"), {"run_no": run_no})
    return [value_of(SourceState, row) for row in rows]


def rows_of(
    connection: Connection,
    run_no: int,
    rules: Sequence[str],
    *,
    agency_code: str | None = None,
    rule: str | None = None,
    fixed_since: int | None = None,
) -> Iterator[StoredFinding]:
    """Yield the findings of a run in the order of ``rules``, while they are read from the database.

    With ``fixed_since``, also yield findings that were fixed after the run with this number.
    """
    given = {
        "run_no": run_no,
        "rules": list(rules),
        "agency_code": agency_code,
        "rule": rule,
        "fixed_since": fixed_since,
    }
    with connection.cursor(name="quality_rows") as cursor:
        cursor.itersize = 2000
        cursor.execute(statement("quality/reading/rows"), given)
        for row in cursor:
            yield _stored_finding(row)


def urgent_rows_of(
    connection: Connection,
    run_no: int,
    rules: Sequence[str],
    *,
    agency_code: str | None,
    standing: str | None,
    since_run: int | None,
    first: int,
    most: int,
) -> list[StoredFinding]:
    """Return one page of the findings of a run, the most urgent first.

    Args:
        connection: a connection to the ledger.
        run_no: the run.
        rules: the rules whose findings are wanted, in the order of their urgency.
        agency_code: only findings of this agency; ``None`` stands for all agencies and sources.
        standing: the wanted state of findings (``motcua.quality.choosing``); ``None`` stands for all findings of the
            run.
        since_run: the run with which new, returned and fixed findings are compared; ``None`` if there is no such run.
        first: the place of the first finding, from 0.
        most: return at most this many findings.
    """
    given = {
        "run_no": run_no,
        "rules": list(rules),
        "agency_code": agency_code,
        "standing": standing,
        "since_run": since_run,
        "skipped": first,
        "most": most,
    }
    return [_stored_finding(row) for row in connection.execute(statement("quality/reading/urgent_rows"), given)]


def _stored_finding(row: Mapping[str, Any]) -> StoredFinding:
    acknowledged = None if row["until"] is None else value_of(Acknowledged, row)
    return value_of(StoredFinding, {**row, "acknowledged": acknowledged})


def acknowledge(
    connection: Connection,
    finding_id: int,
    by: str,
    why: str,
    until: date,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> bool:
    """Store in ``motcua.finding_acknowledgements`` that a person accepts a finding until a day.

    Return ``False`` if these agencies have no such finding. ``None`` for ``agencies`` stands for all.
    """
    given = {"finding_id": finding_id, "by": by, "why": why, "until": until, "now": now, "agencies": agencies}
    return connection.execute(statement("quality/findings/acknowledge"), given).fetchone() is not None
