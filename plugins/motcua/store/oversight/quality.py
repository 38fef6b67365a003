"""Runs of the quality check in the ledger: the snapshot they are judged on, their results, findings and their life.

The snapshot (schema ``quality``) is taken from one moment of the ledger, so that everything in it belongs together.
What a run found is written and sealed in one transaction: a run is there whole and sealed, or not at all.
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
"""The snapshot is made by so many connections side by side, all of which see one moment of the ledger."""
OWN_FACTS = "own_facts"
"""No table: the part of ``dossier_facts`` that a dossier's own row and steps make."""
_FACTS = "dossier_facts"
_FIRST_LANE = ("dossiers", "moves", "result_messages", "edited", "edits")
_SUMS = (("desk_cells",), ("notice_cells", "usual_waits"))
"""What is made of it, without another look at the ledger."""
_MONTHS = ("agency_month_facts", "agency_counts")
_HASHED = {_FACTS, *_SUMS[0], *_SUMS[1], *_MONTHS}
"""Their joins are of everything with everything; a planner that takes a part for small must not loop over it."""
_KNOWN_TO_PLANNER = ("dossiers", "moves", "result_messages", "in_register")
"""By their dossiers; the others are small, as the planner sees by their size."""


@cache
def _tables() -> Mapping[str, LiteralString]:
    """By table of the snapshot, the statement that makes and fills it, in the order in which they need each other."""
    files = ("quality/given", "quality/facts", "quality/marks", "quality/agency_facts", "quality/source_facts")
    return {table: f"{file}/{table}" for file in files for table in statements_of(file)}


@cache
def _lanes() -> tuple[tuple[str, ...], ...]:
    """What is taken from the ledger; the two lanes cost about the same."""
    marks = (own for own in statements_of("quality/marks") if own not in {*_FIRST_LANE, _FACTS})
    return _FIRST_LANE, ("moves", "actor_days", "agency_days", *marks, "source_facts", "ledger_counts")


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A row of a desk register; as it is read, its codes are what the source wrote."""

    agency_code: str | None
    dossier_code: str | None
    result_ready_at: datetime | None
    handed_over_at: datetime | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """An agency's results that were told and taken back."""

    agency_code: str
    told: int
    hold_minutes: float
    minutes: Sequence[float] | None
    """After how many they were taken back, in order; ``None``: none was."""


@dataclass(frozen=True, slots=True)
class DeskUserMonth:
    """Dossiers that a desk user received in a month, and those of them that may be texted."""

    agency_code: str
    key: str
    """The desk user's pseudonym."""
    month: date
    dossiers: int
    textable: int


@dataclass(frozen=True, slots=True)
class ReadBeside:
    """What a run's record needs of the snapshot and was read while its months were added up, of all agencies."""

    desk_users: Sequence[DeskUserMonth]
    taken_back: Sequence[TakenBack]


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is to be written; it is not sealed yet."""

    run_id: str
    as_of: datetime
    day: date
    since: date
    data_as_of: datetime | None
    rules: Sequence[Mapping[str, Any]]
    """Of its suite: ``code, severity, owner, level, digest``."""
    thresholds: Mapping[str, float]
    """By ``<code>.<name>``."""
    software: str
    dossiers: int
    broken: int


@dataclass(frozen=True, slots=True)
class Deadline:
    """In how many working days a rule's findings are to be mended."""

    rule: str
    agency: int
    department: int


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """What was said of a rule in a run."""

    run_no: int
    rule: str
    status: CheckStatus
    broken_reason: str | None
    found: int
    rows_hash: str | None


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """Something that is wrong with an agency's part of a run's snapshot; of no agency: with rows that name none."""

    run_no: int
    agency_code: str | None
    fault: str


@dataclass(frozen=True, slots=True)
class RuleCount:
    """Rows that a rule returned of an agency in a run; of no agency: of a source."""

    run_no: int
    rule: str
    agency_code: str | None
    found: int
    acknowledged: int
    remind_agency: int
    remind_department: int


@dataclass(frozen=True, slots=True)
class CheckedAgency:
    """How much of an agency a run checked."""

    run_no: int
    agency_code: str
    dossiers: int
    textable: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What changed in a rule's findings of an agency between two runs."""

    rule: str
    agency_code: str | None
    new: int
    back: int
    fixed: int


@dataclass(frozen=True, slots=True)
class SuggestedFacts:
    """What the data suggest to an agency, and by which facts."""

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
    """The field's text, for masking alone."""
    opened_run: int
    closed_run: int | None
    again: bool
    deadline: date | None
    department_on: date | None
    first_seen: datetime
    opened_at: datetime
    last_seen: datetime
    acknowledged: Acknowledged | None
    """By somebody, until after the run."""


# ------------------------------------------------------------------------------------------------- the snapshot


@cache
def facts_of(table: str) -> frozenset[str]:
    """Names of the columns that a table of the snapshot has by the statement that makes it: what a rule may ask of it.

    Raises:
        KeyError: no statement makes such a table.
    """
    plain, nested = statement(_tables()[table]), ""
    plain = re.sub(r"--[^\n]*|'[^']*'", "", plain)
    while plain != nested:
        nested, plain = plain, re.sub(r"\([^()]*\)", "", plain)
    listed = re.search(r"\bSELECT\s(.*?)(?<!DISTINCT)\sFROM\b", plain, re.DOTALL)
    names = {item.split()[-1].rpartition(".")[2] for item in listed[1].split(",")} if listed else set()
    return frozenset(names - {"*"}) | (facts_of(OWN_FACTS) if "*" in names else frozenset())


def begin_snapshot(connection: Connection, parameters: Mapping[str, Any]) -> None:
    """Empties the tables of the snapshot, and has each be there with the columns of the statement that will fill it.

    ``parameters``: as of ``fill_snapshot``.
    """
    connection.execute(statement("quality/snapshot/begin_snapshot"))
    given = {**_of_run(parameters), **_NOTHING, "low": 0, "high": 0}
    for table in _tables():
        if table != OWN_FACTS:
            made = connection.execute(f"SELECT * FROM ({_text_of(table)}) AS made LIMIT 0", given).description or ()  # noqa: S608 - ours
            columns = {"columns": [each.name for each in made], "types": [each.type_code for each in made]}
            connection.execute(statement("quality/snapshot/make"), {"table_name": table, **columns})


_NOTHING = {"rows": recordset(()), "agency_rows": recordset(()), "source": "", "failure": None, "rule": "", "level": ""}


def _of_run(parameters: Mapping[str, Any]) -> dict[str, Any]:
    day, since_day = (parameters[name].astimezone(VIETNAM).date() for name in ("as_of", "since"))
    return {**parameters, "day": day, "since_day": since_day}


def _text_of(table: str) -> str:
    """The statement that makes a table; of a dossier's facts with its own as a part, which costs less than a table of
    them: between two runs they are read alone."""
    text = statement(_tables()[table])
    if table != _FACTS:
        return text
    own = statement(_tables()[OWN_FACTS])
    return f"WITH {OWN_FACTS} AS NOT MATERIALIZED (\n{own}\n)\n{text.replace(f'quality.{OWN_FACTS}', OWN_FACTS)}"


def _fill(connection: Connection, table: str, given: Mapping[str, Any]) -> None:
    connection.execute(f"INSERT INTO quality.{table}\n{_text_of(table)}", given)


def add_register(connection: Connection, source: str, rows: Sequence[RegisterRow]) -> None:
    """Rows of a source's desk register, under our own agency codes."""
    _fill(connection, "desk_register", {"source": source, "rows": recordset(rows)})


def add_register_reading(connection: Connection, source: str, failure: str | None) -> None:
    """That a source's desk register was read, or why it could not be."""
    _fill(connection, "register_readings", {"source": source, "failure": failure})


def one_moment(connection: Connection) -> None:
    """What this connection does next sees one moment of the ledger; no transaction may be open."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ


def fill_snapshot(
    lanes: Sequence[Connection],
    calendars: Mapping[str, WorkingCalendar],
    first: date,
    last: date,
    parameters: Mapping[str, Any],
) -> ReadBeside:
    """Makes the snapshot.

    Args:
        lanes: ``LANES`` connections without a transaction; they work side by side and see one moment.
        calendars: by agency code.
        first, last: days of the calendars that are kept.
        parameters: ``as_of``, ``since``, ``sources`` and the thresholds that the statements name.

    Returns:
        What the record needs of it besides.

    Raises:
        psycopg.Error: the ledger refused or did not answer.
    """
    given = _of_run(parameters)
    leader = lanes[0]
    _add_calendars(leader, calendars, first, last, given["day"])
    leader.commit()
    for lane in lanes:
        one_moment(lane)
    moment = leader.execute(statement("quality/snapshot/export_moment")).fetchone()
    ranges = _halves(leader, parameters["since"])
    for lane in lanes[1:]:
        # No statement with parameters: it takes a literal alone.
        lane.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment["moment"] if moment else "")))
    _side_by_side(lanes, _lanes(), given, ranges)
    for lane in lanes:
        lane.isolation_level = None
    for table in _KNOWN_TO_PLANNER:
        _look_at(leader, table, "dossier_id")
    _look_at(leader, "desk_register", "agency_code")
    leader.commit()
    _side_by_side(lanes, ((_FACTS,), (_FACTS,)), given, ranges)
    with ThreadPoolExecutor(1) as other:
        sums = other.submit(_run_and_commit, lanes[1], _SUMS[1], given)
        beside = other.submit(_read_beside, lanes[1], given)
        _run_and_commit(leader, _SUMS[0], given)
        sums.result()
        _run_and_commit(leader, _MONTHS, given)
        return beside.result()


def _look_at(connection: Connection, table: str, column: str) -> None:
    connection.execute(statement("quality/snapshot/look_at"), {"table_name": table, "column_name": column})


def _run_and_commit(connection: Connection, tables: Sequence[str], given: Mapping[str, Any]) -> None:
    _run(connection, tables, given)
    connection.commit()


def _read_beside(connection: Connection, given: Mapping[str, Any]) -> ReadBeside:
    """What the other lane reads while months are added up: one core would idle, and later hold up the record."""
    _look_at(connection, "dossier_facts", "reopened_at")
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "on"})
    users = connection.execute(statement("quality/saving/count_desk_users"), given).fetchall()
    agencies = connection.execute(statement("quality/findings/taken_back"), given).fetchall()
    connection.commit()
    return ReadBeside([value_of(DeskUserMonth, row) for row in users], [value_of(TakenBack, row) for row in agencies])


def _halves(connection: Connection, since: datetime) -> list[dict[str, int]]:
    """Ranges of dossier numbers for the two lanes, about as many in each; a planner can tell how many."""
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
            threads.submit(_run, lane, of_lane, {**given, **of_range})
            for lane, of_lane, of_range in zip(lanes, tables, ranges, strict=True)
        ]
    for each in work:
        each.result()
    for lane in lanes:
        lane.commit()


def _run(connection: Connection, tables: Sequence[str], given: Mapping[str, Any]) -> None:
    for table in tables:
        connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "off" if table in _HASHED else "on"})
        _fill(connection, table, given)
        if table == "edited":
            _look_at(connection, table, "dossier_id")  # few, which what looks at them next must know


def calendar_rows(
    calendars: Mapping[str, WorkingCalendar], first: date, last: date
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of ``quality.days`` and ``quality.agencies``; most agencies work by one calendar, which is kept once."""
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
    _look_at(connection, "days", "day")
    _fill(connection, "agencies", {"agency_rows": recordset(agencies), "day": day})
    _look_at(connection, "agencies", "agency_code")


def add_found(connection: Connection, rule: str, level: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows that were returned for a rule."""
    for start in range(0, len(rows), _BATCH):
        _fill(connection, "found", {"rule": rule, "level": level, "rows": recordset(rows[start : start + _BATCH])})


def count_dossiers(connection: Connection, broken_agencies: Collection[str]) -> int:
    """How many dossiers of the snapshot are of agencies that are not broken."""
    given = {"broken_agencies": list(broken_agencies)}
    row = connection.execute(statement("quality/saving/count_dossiers"), given).fetchone()
    return int(row["dossiers"]) if row else 0


def data_as_of(connection: Connection) -> datetime | None:
    """When the snapshot's sources had last been read, the oldest of them."""
    row = connection.execute(statement("quality/saving/data_as_of")).fetchone()
    return row["data_as_of"] if row else None


# ------------------------------------------------------------------------------------------------- writing a run


def save_run(connection: Connection, run: NewRun) -> int:
    """Writes a run that is not sealed yet and returns its number."""
    given = columns_of(run) | {"rules": Jsonb(run.rules), "thresholds": Jsonb(run.thresholds)}
    row = connection.execute(statement("quality/saving/save_run"), given).fetchone()
    if row is None:
        raise RuntimeError("the ledger returned no number for the run")
    return int(row["run_no"])


def save_broken_agencies(connection: Connection, run_no: int, parts: Iterable[BrokenPart]) -> None:
    """Agencies whose part of the snapshot is broken."""
    connection.execute(statement("quality/saving/save_broken_agencies"), {"run_no": run_no, "rows": recordset(parts)})


def save_findings(
    connection: Connection,
    run_no: int,
    day: date,
    checked: Sequence[str],
    deadlines: Sequence[Deadline],
    broken_agencies: Collection[str],
) -> None:
    """Begins and ends episodes by what was found; those of broken agencies stay as they were.

    Args:
        connection: of the run's transaction.
        run_no: the run.
        day: its day.
        checked: rules whose absence of a finding means that it is fixed; not those that are broken.
        deadlines: of the rules that have one.
        broken_agencies: codes; empty text stands for what is said of whole sources.
    """
    _look_at(connection, "found", "subject")
    given = {
        "run_no": run_no,
        "day": day,
        "checked": list(checked),
        "deadlines": recordset(deadlines),
        "broken_agencies": list(broken_agencies),
    }
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "off"})
    for name in _LIFE:
        connection.execute(statement(name), given)
    connection.execute(statement("quality/snapshot/set_up"), {"nested_loops": "on"})


_LIFE = (
    "quality/findings/change_findings",
    "quality/findings/add_findings",
    "quality/findings/withhold_findings",
    "quality/findings/close_episodes",
    "quality/findings/open_episodes",
)


def rows_hashes(connection: Connection, run_no: int, rules: Sequence[str]) -> dict[str, tuple[int, str]]:
    """By rule: how many rows a run's episodes hold, and the hash of their ids."""
    rows = connection.execute(statement("quality/saving/rows_hashes"), {"run_no": run_no, "rules": list(rules)})
    return {row["rule"]: (row["found"], row["rows_hash"]) for row in rows}


def save_results(connection: Connection, run_no: int, results: Sequence[RuleOutcome]) -> None:
    """What was said of each rule."""
    connection.execute(statement("quality/saving/save_results"), {"run_no": run_no, "rows": recordset(results)})


def save_figures(
    connection: Connection,
    run_no: int,
    day: date,
    desk_users: Iterable[DeskUserMonth],
    broken_agencies: Collection[str],
) -> None:
    """Counts by agency, what rates are told against, shares of textable numbers, and the sources' state.

    Broken agencies have none of them; empty text among them stands for what is said of whole sources.
    """
    last_month = date.fromordinal(day.replace(day=1).toordinal() - 1).replace(day=1)
    given = {
        "run_no": run_no,
        "day": day,
        "desk_users": recordset(desk_users),
        "recent_month": last_month,
        "broken_agencies": list(broken_agencies),
    }
    for name in _FIGURES:
        connection.execute(statement(name), given)


_FIGURES = (
    "quality/saving/save_counts",
    "quality/saving/save_agencies",
    "quality/saving/save_shares",
    "quality/saving/save_sources",
)


def save_suggestions(connection: Connection, run_no: int, rows: Iterable[SuggestedFacts]) -> None:
    """What the data suggest."""
    connection.execute(statement("quality/saving/save_suggestions"), {"run_no": run_no, "rows": recordset(rows)})


def last_seal(connection: Connection) -> str | None:
    """The seal that the next run follows."""
    row = connection.execute(statement("quality/saving/last_seal")).fetchone()
    return row["seal"] if row else None


def seal_run(connection: Connection, run_no: int, content_hash: str, previous_seal: str, seal: str) -> None:
    """Seals a run."""
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
    """Runs, the newest first."""
    given = {"run_no": run_no, "run_id": run_id, "day": day, "most": most}
    return [value_of(Run, row) for row in connection.execute(statement("quality/reading/runs"), given)]


def previous_run_no(connection: Connection, run_no: int) -> int | None:
    """The run that changes are told against: the last one of an earlier working day."""
    row = connection.execute(statement("quality/reading/previous_run"), {"run_no": run_no}).fetchone()
    return row["run_no"] if row else None


def weekly_runs(connection: Connection, run_no: int, weeks: int) -> dict[date, int]:
    """The last run of each of the last weeks, by the week's Monday."""
    rows = connection.execute(statement("quality/reading/weekly_runs"), {"run_no": run_no, "weeks": weeks})
    return {row["week"]: row["run_no"] for row in rows}


def results_of(connection: Connection, run_nos: Sequence[int]) -> list[RuleOutcome]:
    """What was said of each rule."""
    rows = connection.execute(statement("quality/reading/results"), {"run_nos": list(run_nos)})
    return [value_of(RuleOutcome, row) for row in rows]


def counts_of(connection: Connection, run_nos: Sequence[int], agency_code: str | None = None) -> list[RuleCount]:
    """Rows returned, by rule and agency; of one agency, or of all."""
    given = {"run_nos": list(run_nos), "agency_code": agency_code}
    rows = connection.execute(statement("quality/reading/counts"), given)
    return [value_of(RuleCount, row) for row in rows]


def counts_by_rule(connection: Connection, run_nos: Sequence[int]) -> list[RuleCount]:
    """Rows returned, by rule, of all agencies together."""
    rows = connection.execute(statement("quality/reading/counts_by_rule"), {"run_nos": list(run_nos)})
    return [value_of(RuleCount, row) for row in rows]


def agencies_of(connection: Connection, run_nos: Sequence[int]) -> list[CheckedAgency]:
    """How much of each agency was checked."""
    rows = connection.execute(statement("quality/reading/checked_agencies"), {"run_nos": list(run_nos)})
    return [value_of(CheckedAgency, row) for row in rows]


def broken_agencies_of(connection: Connection, run_nos: Sequence[int]) -> list[BrokenPart]:
    """Agencies whose part of the snapshot was broken."""
    rows = connection.execute(statement("quality/reading/broken_agencies"), {"run_nos": list(run_nos)})
    return [value_of(BrokenPart, row) for row in rows]


def changes_of(connection: Connection, run_no: int, since_run: int) -> list[RuleChange]:
    """What a run changed against an earlier one, by rule and agency."""
    rows = connection.execute(statement("quality/reading/changes"), {"run_no": run_no, "since_run": since_run})
    return [value_of(RuleChange, row) for row in rows]


def shares_of(
    connection: Connection,
    run_no: int,
    agency_code: str | None = None,
    least_dossiers: int = 0,
    name_of: Callable[[str], str] = str,
) -> list[TextableShare]:
    """Textable numbers among so many dossiers at least, the worst first; ``name_of``: how an agency is called."""
    given = {"run_no": run_no, "agency_code": agency_code, "least": least_dossiers}
    rows = connection.execute(statement("quality/reading/shares"), given)
    return [value_of(TextableShare, {**row, "agency_name": name_of(row["agency_code"])}) for row in rows]


def suggestions_of(connection: Connection, run_no: int, agency_code: str | None = None) -> list[SuggestedFacts]:
    """What the data suggested."""
    given = {"run_no": run_no, "agency_code": agency_code}
    rows = connection.execute(statement("quality/reading/suggestions"), given)
    return [value_of(SuggestedFacts, row) for row in rows]


def sources_of(connection: Connection, run_no: int) -> list[SourceState]:
    """How fresh and how whole each source was."""
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
    """Findings that a run returned, streamed, rules in the order given; ``fixed_since``: also those fixed since a
    run."""
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
    """Some of the findings of a run, the most urgent first.

    Args:
        connection: to the ledger.
        run_no: the run.
        rules: those whose findings are wanted, in the order of their urgency.
        agency_code: whose findings; ``None``: of all agencies and sources.
        standing: which of them, as ``motcua.quality.choosing`` names it; ``None``: all that the run returned.
        since_run: against which run they are new, back or fixed; ``None``: there is none.
        first: place of the first one, from 0.
        most: how many.
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
    """Somebody accepts a finding for a time; ``False``: these agencies (``None``: all) have no such finding."""
    given = {"finding_id": finding_id, "by": by, "why": why, "until": until, "now": now, "agencies": agencies}
    return connection.execute(statement("quality/findings/acknowledge"), given).fetchone() is not None
