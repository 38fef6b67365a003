"""Judge how a source can be read: its columns, its clock, and how its server executes our queries.

The module is pure: it uses no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias

from motcua.domain.checking.kinds import Findings

LARGE_TABLE: Final = 10_000
"""If a table has at least this many rows, a query must not read it from the first to the last row."""

_TEXT: Final = frozenset({"text", "varchar", "bpchar", "character varying", "character", "name", "citext"})
_NUMBER: Final = frozenset({"smallint", "integer", "bigint", "int2", "int4", "int8"})
_MOMENT: Final = frozenset({"timestamp with time zone", "timestamptz"})
_WITHOUT_ZONE: Final = frozenset({"timestamp without time zone", "timestamp", "date"})
_FLAG: Final = frozenset({"boolean", "bool"})

COLUMNS: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "dossiers": {
        "dossier_code": _TEXT,
        "agency_code": _TEXT,
        "procedure_code": _TEXT,
        "procedure_name": _TEXT,
        "field_name": _TEXT,
        "applicant_name": _TEXT,
        "applicant_phone": _TEXT,
        "phone_entered_at": _MOMENT,
        "submitted_via": _TEXT,
        "received_at": _MOMENT,
        "due_at": _MOMENT,
        "step_name": _TEXT,
        "status_code": _NUMBER,
        "at_one_stop_desk": _FLAG,
        "finished_at": _MOMENT,
        "returned_at": _MOMENT,
        "updated_at": _MOMENT,
    },
    "transitions": {
        "transition_id": _NUMBER,
        "agency_code": _TEXT,
        "dossier_code": _TEXT,
        "from_step": _TEXT,
        "to_step": _TEXT,
        "status_code": _NUMBER,
        "at_one_stop_desk": _FLAG,
        "occurred_at": _MOMENT,
        "recorded_at": _MOMENT,
        "actor": _TEXT,
        "note": _TEXT,
    },
}
"""The accepted types of each column, by view and column."""


def judge_columns(there: Mapping[str, Mapping[str, str]], found: Findings) -> bool:
    """Add findings about the columns, and return whether the views can be read.

    Args:
        there: columns with their types, by view; empty for a view that does not exist.
        found: the collection that receives the findings.

    Returns:
        ``False`` if a view or a column is missing, or if a column has an unusable type. Columns of times without a time
        zone are a finding too, but the views can still be read.
    """
    views = [view for view in COLUMNS if not there.get(view)]
    missing, wrong, zoneless = [], [], []
    for view, columns in COLUMNS.items():
        if view in views:
            continue
        for column, types in columns.items():
            kind = there[view].get(column)
            if kind is None:
                missing.append(f"{view}.{column}")
            elif types is _MOMENT and kind in _WITHOUT_ZONE:
                zoneless.append(f"{view}.{column}")
            elif kind not in types:
                wrong.append(f"{view}.{column} ({kind})")
    for kind_of, names in (
        ("views_missing", views),
        ("columns_missing", missing),
        ("column_types", wrong),
        ("time_without_zone", zoneless),
    ):
        if names:
            found.add(kind_of, rows=len(names), names=names)
    return not (views or missing or wrong)


def judge_clock(
    source_now: datetime, our_now: datetime, uncertain: timedelta, clock_skew: timedelta, found: Findings
) -> None:
    """Add a finding if the source's clock is wrong by more than the allowed skew plus the time that the answer took."""
    skew = source_now - our_now
    if abs(skew) - uncertain > clock_skew:
        found.add("clock_differs", names=[f"{skew.total_seconds():+.0f}"])


@dataclass(frozen=True, slots=True)
class Question:
    """One of our queries to a source. The source needs an index in order to answer the query fast."""

    name: LiteralString
    """The name of the SQL statement in include/sql/sources/reading.sql."""
    index: str
    """The view, and the columns in it that need an index."""


QUESTIONS: Final = (
    Question("transitions_by_number", "transitions (transition_id)"),
    Question("transitions_between", "transitions (recorded_at)"),
    Question("transitions_by_key", "transitions (agency_code, dossier_code)"),
    Question("dossiers_since", "dossiers (updated_at)"),
    Question("dossiers_by_key", "dossiers (agency_code, dossier_code)"),
    # These queries use the indexes above too. The indexes of a query here are reported as missing only if none of the
    # queries above lacks its index.
    Question("transitions_since", "transitions (recorded_at), transitions (transition_id)"),
    Question("watch", "transitions (recorded_at), transitions (transition_id), dossiers (updated_at)"),
    Question("latest", "transitions (recorded_at), transitions (transition_id), dossiers (updated_at)"),
)
"""Queries that read a source or watch it for unread rows. Each of the first five is slow without the index given with
it."""
_SINGLE: Final = 5

Table: TypeAlias = tuple[str, str]
"""A table, given by its schema and its name."""


def tables_read_whole(plan: Mapping[str, Any]) -> set[Table]:
    """Return the tables that a plan (``EXPLAIN (VERBOSE, FORMAT JSON)``) reads from the first row to the last.

    A table is also returned if the plan reads it in no order and stops after a certain number of fitting rows. In the
    worst case these rows are at the end of the table, so that the whole table is read.
    """
    return {
        (str(node.get("Schema", "")), str(node["Relation Name"]))
        for node in _nodes(plan)
        if node.get("Node Type") == "Seq Scan" and "Relation Name" in node
    }


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def judge_plans(read_whole: Mapping[str, Sequence[Table]], sizes: Mapping[Table, int], found: Findings) -> None:
    """Add a finding about missing indexes if queries read large tables from the first row to the last.

    Args:
        read_whole: for each query, the tables that its plan reads whole.
        sizes: approximate number of rows of each of these tables.
        found: the collection that receives the findings.
    """
    missing: dict[str, Table] = {}
    for place, question in enumerate(QUESTIONS):
        large = [table for table in read_whole.get(question.name, ()) if sizes.get(table, 0) >= LARGE_TABLE]
        if large and (place < _SINGLE or not missing):
            missing[question.index] = max(large, key=lambda table: sizes[table])
    if missing:
        names = [f"{index} – {'.'.join(table)}" for index, table in missing.items()]
        found.add("index_missing", rows=max(sizes[table] for table in missing.values()), names=names)
