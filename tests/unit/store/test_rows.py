"""Rows and values: what comes from the database and what goes to it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from motcua.store.ledger.rows import by_dossier, columns_of, recordset, value_of

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    number: int
    at: datetime
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    day: date
    names: tuple[Name, ...]


def written(*rows):
    parameter = recordset(rows)
    assert parameter.dumps is not None
    return json.loads(parameter.dumps(parameter.obj))


def test_value_takes_its_columns_by_name_and_leaves_others():
    row = {"more": 7, "by": "lan", "at": NOON, "number": 1}
    assert value_of(Step, row) == Step(1, NOON, "lan")
    assert value_of(Name, {"more": 7, "name": "Nha Trang"}) == Name("Nha Trang"), "of one column too"


def test_value_is_not_made_where_a_column_is_missing():
    with pytest.raises(KeyError, match="by"):
        value_of(Step, {"number": 1, "at": NOON})


def test_values_are_written_as_the_mappings_of_their_columns_would_be():
    step = Step(1, NOON)
    assert written(step) == written({"number": 1, "at": NOON, "by": None}) == written(columns_of(step))
    assert written(Named(date(2026, 11, 25), (Name("Đông"), Name("Tây")))) == [
        {"day": "2026-11-25", "names": [{"name": "Đông"}, {"name": "Tây"}]}
    ]


def test_what_no_column_can_hold_is_refused():
    with pytest.raises(TypeError, match="set cannot be"):
        written({"numbers": {1}})


def test_rows_of_a_dossier_stay_together_in_their_order():
    rows = [{"dossier_id": whose, "name": name} for whose, name in ((2, "b"), (1, "z"), (2, "a"))]
    assert by_dossier(Name, rows) == {2: [Name("b"), Name("a")], 1: [Name("z")]}
