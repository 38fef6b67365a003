"""Test the suggestions of a quality run, and the hash that seals the run."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from motcua.domain.quality import TextableShare
from motcua.quality.rules import load_rules
from motcua.quality.seal import FIRST, content_hash, seal
from motcua.quality.suggesting import hold_time, suggest
from motcua.store.oversight.quality import RuleCount, RuleOutcome, SuggestedFacts

WANTED = load_rules({}).suggestions


@pytest.mark.parametrize(
    ("told", "hold", "minutes", "expected"),
    [
        (200, 0, [3] * 20 + [18] * 4, (5, 20)),
        (200, 0, [3] * 10 + [18] * 14, (20, 24)),
        (200, 0, [3] * 9, None),
        (1000, 0, [3] * 24, None),
        (200, 30, [3] * 24, (45, 24)),
        (200, 60, [3] * 24, None),
        (200, 0, [300] * 24, None),
    ],
    ids=[
        "most at once",
        "some later",
        "too few",
        "too small a share",
        "held for a while",
        "held longest",
        "days later",
    ],
)
def test_shortest_hold_time_that_stops_most_false_messages(told, hold, minutes, expected):
    """The suggested hold time (delay of result messages) is the shortest that prevents most false result messages."""
    found = hold_time(WANTED.hold_time, told, hold, minutes)
    assert (found and (found["hold_minutes"], found["prevented"])) == expected


def share(dimension, key, dossiers, textable):
    return TextableShare("A", dimension, key, key, date(2026, 10, 1), dossiers, textable, 0, 0, "A")


def test_desk_user_with_most_bad_phones_is_named_by_pseudonym():
    shares = [
        share("agency", "", 100, 70),
        share("desk_user", "CB-1", 50, 24),
        share("desk_user", "CB-2", 50, 46),
        share("procedure", "1.000001", 100, 70),
    ]
    assert suggest(WANTED, [], shares) == [
        SuggestedFacts("A", "desk_user", {"key": "CB-1", "dossiers": 50, "bad": 26, "bad_of_agency": 30})
    ], "an agency's only procedure must not be suggested"


def test_content_hash_is_the_same_in_whatever_order_the_rows_come():
    results = [
        RuleOutcome(1, "P1", "checked", None, 1, "a" * 64),
        RuleOutcome(1, "P2", "broken", "no answer", 0, None),
    ]
    counts = [RuleCount(1, "P1", "A", 1, 0, 0, 0), RuleCount(1, "S1", None, 1, 0, 0, 0)]
    rules = [{"code": "P1", "digest": "x"}, {"code": "P2", "digest": "y"}]
    one = content_hash({"P1.x": 1}, rules, {"A": 3, "B": 4}, results, counts)
    assert one == content_hash({"P1.x": 1.0}, rules[::-1], {"B": 4, "A": 3}, results[::-1], counts[::-1])
    assert one != content_hash({"P1.x": 2}, rules, {"A": 3, "B": 4}, results, counts)
    assert one != content_hash({"P1.x": 1}, rules, {"A": 3, "B": 5}, results, counts)
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    assert seal(FIRST, one, "r", moment) != seal(one, one, "r", moment)
