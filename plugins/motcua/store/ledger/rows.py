"""Convert rows for the database, and rows from the database.

A batch of rows is sent to the database as one JSON parameter, which the SQL statement expands by
``jsonb_to_recordset``. Rows arrive from the database as dicts, and the store returns them as data classes whose fields
have the names of the columns.
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
    """Yield the rows in batches of ``size``."""
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


def _to_json_value(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return columns_of(value)
    raise TypeError(f"{type(value).__name__} cannot be a column's value")


_dumps = partial(json.dumps, default=_to_json_value, ensure_ascii=False)


def recordset(rows: Iterable[Mapping[str, Any] | DataclassInstance]) -> Jsonb:
    """Return the rows as one parameter. Keys of mappings and names of fields are column names."""
    return Jsonb(list(rows), dumps=_dumps)


def large_recordset(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return thousands of rows as one parameter, faster than ``recordset`` does.

    This function uses a faster JSON writer and leaves out empty values. The SQL statement expands the parameter by
    ``json_to_recordset``, so that PostgreSQL builds no ``jsonb`` value that it would read only once.
    """
    return to_json(list(rows), exclude_none=True).decode()


def large_array(numbers: Iterable[int | None]) -> str:
    """Return thousands of whole numbers as one parameter, which the SQL statement casts to its array type.

    The driver's own conversion would examine each number several times.
    """
    return "{" + ",".join(["NULL" if number is None else str(int(number)) for number in numbers]) + "}"


def large_array_of_words(words: Iterable[str]) -> str:
    """Return thousands of words as one parameter, like ``large_array``. No word may contain a zero character."""
    listed = list(words)
    if not listed:
        return "{}"
    joined = "\0".join(listed)
    if '"' in joined or "\\" in joined:
        joined = joined.replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + joined.replace("\0", '","') + '"}'


def record(values: Mapping[str, Any]) -> Jsonb:
    """Return one row as one parameter, which the SQL statement expands by ``jsonb_to_record``.

    The keys are column names.
    """
    return Jsonb(values, dumps=_dumps)


@cache
def _field_names(kind: type[Any]) -> tuple[str, ...]:
    # The cache matters: reading the names of a class's fields costs more than reading a row's values.
    return tuple(field.name for field in fields(kind))


@cache
def _field_getter(kind: type[Any]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    names = [field.name for field in fields(kind)]
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def value_of(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """Return an instance of a data class, made from the columns of a row that have the names of the class's fields.

    Other columns of the row are ignored.
    """
    return kind(*_field_getter(kind)(row))  # type: ignore[arg-type]


def values_of(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> list[Value]:
    """Return an instance of a data class for each row, as ``value_of`` makes it."""
    return [value_of(kind, row) for row in rows]


def first_of(kind: type[Value], rows: Cursor[DictRow]) -> Value | None:
    """Return an instance of a data class made from the first row, or ``None`` if there is no row."""
    row = rows.fetchone()
    return None if row is None else value_of(kind, row)


def first(rows: Cursor[DictRow], column: str) -> Any | None:  # noqa: ANN401 - a column may hold anything
    """Return a column's value in the first row, or ``None`` if there is no row."""
    row = rows.fetchone()
    return None if row is None else row[column]


def row_of(kind: type[Value]) -> BaseRowFactory[Value]:
    """Return a row factory that makes instances of a data class, like ``psycopg.rows.class_row``.

    If each field has its column, the names are resolved once for each cursor instead of once for each row.
    """

    def row_factory(cursor: BaseCursor[Any, Any]) -> RowMaker[Value]:
        columns = [column.name for column in cursor.description or ()]
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        if sorted(columns) != sorted(names):
            return class_row(kind)(cursor)
        in_order = itemgetter(*(columns.index(name) for name in names))
        return lambda values: kind(*in_order(values))

    return row_factory


def columns_of(value: DataclassInstance) -> dict[str, Any]:
    """Return the fields of a data class instance by name, as a row to be written."""
    return {name: getattr(value, name) for name in _field_names(type(value))}


def by_dossier(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> dict[int, list[Value]]:
    """Return instances of a data class made from rows, by each row's ``dossier_id`` and in the order of the rows."""
    found: defaultdict[int, list[Value]] = defaultdict(list)
    for row in rows:
        found[row["dossier_id"]].append(value_of(kind, row))
    return dict(found)
