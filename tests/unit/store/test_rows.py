"""Test the conversion of database rows to Python values, and of values to rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from motcua.store.ledger.rows import by_dossier, columns_of, large_recordset, recordset, value_of
from motcua.store.notices.dossiers import DossierIds

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
    assert value_of(Name, {"more": 7, "name": "Nha Trang"}) == Name("Nha Trang"), (
        "a class of one field must take its column by name too"
    )


def test_value_is_not_made_where_a_column_is_missing():
    with pytest.raises(KeyError, match="by"):
        value_of(Step, {"number": 1, "at": NOON})


def test_values_and_mappings_of_their_columns_are_written_alike():
    """A value and a mapping with the same columns must give the same JSON."""
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


def test_many_rows_say_the_same_however_they_are_written():
    """The fast way to write many rows as JSON must give the same values as the simple way."""
    rows = [Step(1, NOON, 'Đặng "Lan"\n\\'), {"day": NOON.date(), "names": ("a", None), "of": True, "none": None}]
    many, few = large_recordset(rows), recordset(rows)
    assert few.dumps is not None
    said, plain = json.loads(many), json.loads(few.dumps(few.obj))
    assert said[0] | {"at": datetime.fromisoformat(said[0]["at"])} == plain[0] | {"at": NOON}
    assert said[1] | {"none": None} == plain[1]


def test_ids_are_kept_whatever_they_are():
    """The compact set of dossier ids must return exactly the ids that were put in, in sorted parts."""
    ids = DossierIds()
    assert not ids
    assert list(ids.parts(5)) == []
    given = [1, 1023, 1024, 5, 2**40, 5, 10**7]
    ids.update(given)
    assert ids
    assert [each for part in ids.parts(2) for each in part] == sorted(set(given))
    assert all(each in ids for each in given)
    assert not any(each in ids for each in (0, 2, 1022, 1025, 2**40 + 1))
    many = DossierIds()
    many.update(range(100_000))
    assert [len(part) for part in many.parts(20_000)] == [20_480] * 4 + [18_080]
