"""Rows to the database and from it.

Batches go as one JSON parameter, which the statements open with ``jsonb_to_recordset``; rows come as dicts, and leave
the store as dataclasses whose fields are named as the columns.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache, partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Cursor
from psycopg.rows import BaseRowFactory, DictRow, RowMaker, class_row
from psycopg.types.json import Jsonb
from pydantic_core import to_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from psycopg._cursor_base import BaseCursor

Value = TypeVar("Value")


def batches(rows: Iterable[Value], size: int) -> Iterator[list[Value]]:
    """The rows, so many at a time."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return columns_of(value)
    raise TypeError(f"{type(value).__name__} cannot be a column's value")


_dumps = partial(json.dumps, default=_plain, ensure_ascii=False)


def recordset(rows: Iterable[Mapping[str, Any] | DataclassInstance]) -> Jsonb:
    """The rows as one parameter; keys of mappings and names of fields are column names."""
    return Jsonb(list(rows), dumps=_dumps)


def large_recordset(rows: Iterable[Mapping[str, Any]]) -> str:
    """As ``recordset``, for thousands of rows at a time: written at once, by a faster writer and without what is empty,
    and opened with ``json_to_recordset``, which spares PostgreSQL a form that is read once."""
    return to_json(list(rows), exclude_none=True).decode()


def large_array(numbers: Iterable[int | None]) -> str:
    """Thousands of whole numbers as one parameter that a statement casts to its array: the driver's own way looks at
    each of them several times."""
    return "{" + ",".join(["NULL" if number is None else str(int(number)) for number in numbers]) + "}"


def large_array_of_words(words: Iterable[str]) -> str:
    """As ``large_array``, of words that hold no zero character."""
    listed = list(words)
    if not listed:
        return "{}"
    joined = "\0".join(listed)
    if '"' in joined or "\\" in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}'


def record(values: Mapping[str, Any]) -> Jsonb:
    """One row as one parameter, which a statement opens with ``jsonb_to_record``; its keys are column names."""
    return Jsonb(values, dumps=_dumps)


@cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    # Asking a class for its fields costs more than taking their values: once a class, not once a row.
    return tuple(field.name for field in fields(kind))


@cache
def _taking(kind: type[Any]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    names = [field.name for field in fields(kind)]
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def value_of(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """The value in a row whose columns are named as the value's fields; other columns are ignored."""
    return kind(*_taking(kind)(row))  # type: ignore[arg-type]


def values_of(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> list[Value]:
    """The values in rows, as of one."""
    return [value_of(kind, row) for row in rows]


def first_of(kind: type[Value], rows: Cursor[DictRow]) -> Value | None:
    """The value in the first row; ``None``: there is no row."""
    row = rows.fetchone()
    return None if row is None else value_of(kind, row)


def first(rows: Cursor[DictRow], column: str) -> Any | None:  # noqa: ANN401 - a column may hold anything
    """What a column holds in the first row; ``None``: there is no row."""
    row = rows.fetchone()
    return None if row is None else row[column]


def row_of(kind: type[Value]) -> BaseRowFactory[Value]:
    """Rows of a cursor as values of this class: as ``psycopg.rows.class_row`` makes them, but where each field has its
    column, names are put together once a cursor and not once a row."""

    def row_factory(cursor: BaseCursor[Any, Any]) -> RowMaker[Value]:
        columns = [column.name for column in cursor.description or ()]
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        if sorted(columns) != sorted(names):
            return class_row(kind)(cursor)
        in_order = itemgetter(*(columns.index(name) for name in names))
        return lambda values: kind(*in_order(values))

    return row_factory


def columns_of(value: DataclassInstance) -> dict[str, Any]:
    """A value's fields by name, as a row to be written has them."""
    return {name: getattr(value, name) for name in _names_of(type(value))}


def by_dossier(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> dict[int, list[Value]]:
    """The values of rows that name their ``dossier_id`` too, by dossier, in the order that the rows have."""
    found: defaultdict[int, list[Value]] = defaultdict(list)
    for row in rows:
        found[row["dossier_id"]].append(value_of(kind, row))
    return dict(found)
