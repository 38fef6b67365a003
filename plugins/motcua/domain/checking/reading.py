"""How a source can be read: our role there, the columns, the clock, and what its server does for our questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias

from motcua.domain.checking.kinds import Findings

LARGE_TABLE: Final = 10_000
"""Rows from which on a table must not be read whole for each question."""

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
"""By view and column, the types that the contract takes."""


def judge_columns(there: Mapping[str, Mapping[str, str]], found: Findings) -> bool:
    """Whether what each view shows can be read; adds what is wrong.

    Args:
        there: by view, its columns with their types; of a view that there is not, none.
        found: where findings go.

    Returns:
        ``False``: the rows cannot be read as they are. Times without a zone can, and are wrong.
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
    """Adds that the source's clock is off by more than it may, beyond what the answer's way took."""
    skew = source_now - our_now
    if abs(skew) - uncertain > clock_skew:
        found.add("clock_differs", names=[f"{skew.total_seconds():+.0f}"])


@dataclass(frozen=True, slots=True)
class Question:
    """One of our questions at a source, whose answer needs an index."""

    name: LiteralString
    """Of its statement in include/sql/sources/reading.sql."""
    index: str
    """View and columns of the index."""


QUESTIONS: Final = (
    Question("transitions_by_number", "transitions (transition_id)"),
    Question("transitions_between", "transitions (recorded_at)"),
    Question("transitions_by_key", "transitions (agency_code, dossier_code)"),
    Question("dossiers_since", "dossiers (updated_at)"),
    Question("dossiers_by_key", "dossiers (agency_code, dossier_code)"),
    # What these two ask is served by the indexes above: they are named where nothing else is.
    Question("transitions_since", "transitions (recorded_at), transitions (transition_id)"),
    Question("watch", "transitions (recorded_at), transitions (transition_id), dossiers (updated_at)"),
    Question("latest", "transitions (recorded_at), transitions (transition_id), dossiers (updated_at)"),
)
"""What pick-up and the watcher ask; each of the first five shows one index by itself."""
_SINGLE: Final = 5

Table: TypeAlias = tuple[str, str]
"""Schema and name."""


def tables_read_whole(plan: Mapping[str, Any]) -> set[Table]:
    """Tables that a plan (``EXPLAIN (VERBOSE, FORMAT JSON)``) reads from the first row to the last.

    A table of which a limit takes the first rows in no order is read whole, too, in the worst case.
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
    """Adds which indexes are missing: those of large tables that are read whole.

    Args:
        read_whole: by question, the tables that its plan reads whole.
        sizes: about how many rows each of these tables has.
        found: where findings go.
    """
    missing: dict[str, Table] = {}
    for place, question in enumerate(QUESTIONS):
        large = [table for table in read_whole.get(question.name, ()) if sizes.get(table, 0) >= LARGE_TABLE]
        if large and (place < _SINGLE or not missing):
            missing[question.index] = max(large, key=lambda table: sizes[table])
    if missing:
        names = [f"{index} – {'.'.join(table)}" for index, table in missing.items()]
        found.add("index_missing", rows=max(sizes[table] for table in missing.values()), names=names)
