"""Rows to the database and from it.

Batches go as one JSON parameter, which the statements open with ``jsonb_to_recordset``; rows come as dicts, and leave
the store as dataclasses whose fields are named as the columns.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import cache, partial
from operator import itemgetter
from typing import Any, TypeVar

from psycopg.types.json import Jsonb

Value = TypeVar("Value")


def _plain(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be a column's value")


_dumps = partial(json.dumps, default=_plain, ensure_ascii=False)


def recordset(rows: Iterable[Mapping[str, Any]]) -> Jsonb:
    """The rows as one parameter; keys are column names."""
    return Jsonb(list(rows), dumps=_dumps)


@cache
def _columns_of(kind: type[object]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    # Asking a class for its fields costs more than taking their values: once a class, not once a row.
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def value_of(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """The value in a row whose columns are named as the value's fields; other columns are ignored."""
    return kind(*_columns_of(kind)(row))  # type: ignore[arg-type]


def by_dossier(kind: type[Value], rows: Iterable[Mapping[str, Any]]) -> dict[int, list[Value]]:
    """The values of rows that name their ``dossier_id`` too, by dossier, in the order that the rows have."""
    found: defaultdict[int, list[Value]] = defaultdict(list)
    for row in rows:
        found[row["dossier_id"]].append(value_of(kind, row))
    return dict(found)
