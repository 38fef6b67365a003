"""Batches of values as one JSON parameter, which the statements open with ``jsonb_to_recordset``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from psycopg.types.json import Jsonb


def _plain(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be a column's value")


_dumps = partial(json.dumps, default=_plain, ensure_ascii=False)


def recordset(rows: Iterable[Mapping[str, Any]]) -> Jsonb:
    """The rows as one parameter; keys are column names."""
    return Jsonb(list(rows), dumps=_dumps)
