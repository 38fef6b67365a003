"""Test findings that are judged again between two runs.

The new verdict must equal the verdict of the next run, and no sealed run may change.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from motcua.jobs.quality.checking import check_quality, verify_seals
from motcua.quality.rechecking import is_judged_alone, mended_since, recheck, rules_judged_alone
from motcua.quality.reporting import rows_to_correct
from motcua.quality.rules import RuleBook, calendar_days, condition, load_rules, snapshot_thresholds
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import connect, page_connection
from motcua.store.oversight.quality import OWN_FACTS, facts_of
from motcua.store.rechecks import facts_here, judge_dossiers, last_rechecks, parameters_here
from tests.integration.quality.world import NOTHING_EXPECTED, World, at

FIRST, AGAIN = at(25, 5, 30), at(26, 10)
REFUSALS = (
    "missing", "too_short", "too_long", "bad_chars", "landline", "ambiguous_landline", "service_1800_1900",
    "emergency_short", "dummy", "repeated_digits", "sequence", "foreign", "id_card_like", "not_a_phone",
)  # fmt: skip
NOTES = ("leading_zero_added", "migrated_11_to_10", "two_numbers", "unknown_block", "letters_repaired")


@pytest.fixture
def world(ledger: str, configure) -> Iterator[World]:
    configure(MOTCUA_SOURCES="")
    world = World(ledger)
    world.source("khanhhoa")
    for code in ("A", "B"):
        world.agency(code, province="Tỉnh Khánh Hòa")
    yield world
    world.connection.close()


def dossier_of_any_sort(world: World, chance: random.Random, number: int) -> int:
    received = at(1, month=9) + timedelta(days=chance.randrange(80), hours=chance.randrange(9))
    status = chance.choice([1, 2, 2, 3, 4, 4, 5, 9, 9, 9, 10, None])
    dossier = world.dossier(
        f"H{number:03}",
        chance.choice("AB"),
        received_at=received,
        due_at=chance.choice([None, received + timedelta(days=chance.randrange(1, 40))]),
        status_code=status,
        updated_at=chance.choice([received, at(20), None]),
        phone_refusal=chance.choice([*REFUSALS, *[None] * 10]),
        phone_notes=chance.sample(NOTES, chance.randrange(3)),
        procedure_code=chance.choice(["1.000001", "1.000002"]),
        returned_at=at(22) if status == 10 and chance.random() < 0.5 else None,
        picked_up_at=at(23),
    )
    when = received
    for step in chance.sample([2, 4, 5, 6, 9, 10, 7], chance.randrange(5)):
        when += timedelta(days=chance.randrange(6), minutes=chance.randrange(500))
        if when < FIRST:
            world.move(dossier, step, when)
    return dossier


def changed_somehow(world: World, chance: random.Random, dossier: int) -> None:
    """Change a dossier in one of several ways, as a desk does after the check, or not at all."""
    set_to: dict[str, Any] = {}
    what = chance.randrange(6)
    if what == 0:
        set_to = {"phone_refusal": None, "msisdn": "+84905000111", "phone_notes": []}
    elif what == 1:
        set_to = {"status_code": chance.choice([3, 4, 9, 10]), "updated_at": at(25, 9)}
    elif what == 2:
        set_to = {"due_at": at(27, 17), "updated_at": at(25, 9)}
    elif what == 3:
        set_to = {"phone_refusal": chance.choice(REFUSALS), "msisdn": None}
    elif what == 4:
        world.move(dossier, chance.choice([4, 5, 9, 10, 7]), at(25, 14), picked_up_at=at(25, 15))
    if set_to:
        names = ", ".join(f"{name} = %s" for name in set_to)
        world.connection.execute(
            f"UPDATE motcua.dossiers SET {names}, picked_up_at = %s WHERE dossier_id = %s",
            [*set_to.values(), at(25, 15), dossier],
        )


def parameters_of(book: RuleBook) -> dict[str, Any]:
    return {"as_of": FIRST, "since": book.since(FIRST), "day": at(25).date(), **snapshot_thresholds(book)}


def by_number(run_no: int) -> dict[int, str]:
    with connect() as connection:
        return {row.finding_id: row.rule.code for row in rows_to_correct(connection, run_no)}


@pytest.mark.guarantee(
    "reconciliation",
    "a recheck of a finding gives the next run's verdict, changes no sealed run, and is stored with its person",
)
def test_dossiers_of_all_sorts_are_judged_by_themselves_as_the_next_run_judges_them(world):
    chance = random.Random(1)
    dossiers = [dossier_of_any_sort(world, chance, number) for number in range(220)]
    first = by_number(check_quality("first", FIRST, soundness=NOTHING_EXPECTED).run_no)
    for dossier in dossiers:
        changed_somehow(world, chance, dossier)
    alone = rules_judged_alone()
    with page_connection() as connection:
        outcomes = {number: recheck(connection, number, "lan", AGAIN) for number in first}
        marked = mended_since(connection, list(first), FIRST, AGAIN)
    second = by_number(check_quality("second", AGAIN, soundness=NOTHING_EXPECTED).run_no)
    # Findings of rules such as P13, which only a whole run can judge, must stay undecided.
    assert {outcome for number, outcome in outcomes.items() if first[number] not in alone} <= {"unknown", None}
    wrong = {
        (first[number], outcome)
        for number, outcome in outcomes.items()
        if outcome in ("mended", "stands") and (outcome == "stands") != (number in second)
    }
    assert wrong == set()
    assert {
        first[number] for number, outcome in outcomes.items() if outcome == "unknown" and first[number] in alone
    } <= {"R3"}, "only R3 may stay undecided: it also compares with other agencies"
    verdicts = Counter((first[number], outcome) for number, outcome in outcomes.items() if first[number] in alone)
    assert {outcome for _, outcome in verdicts} >= {"mended", "stands"}
    assert {rule for rule, _ in verdicts} >= {"P1", "P2", "P7", "P14", "P15", "R3", "R7", "R11", "D1"}
    assert marked
    assert all(outcomes[number] == "mended" and number not in second for number in marked)


def test_facts_of_a_dossier_by_itself_are_those_of_a_whole_run(world):
    """The query that rechecks one dossier must compute the same facts as a whole quality run."""
    chance = random.Random(3)
    dossiers = [dossier_of_any_sort(world, chance, number) for number in range(120)]
    check_quality("run", FIRST, soundness=NOTHING_EXPECTED)
    book = load_rules()
    first, last = calendar_days(FIRST, book.since(FIRST))
    with page_connection() as connection:
        calendars = load_calendars(connection, ["A", "B"], first, last)
        asked = parameters_here(dossiers, calendars, first, last, parameters_of(book))
        query = f"{facts_here()} SELECT f.* FROM quality_own_facts AS f ORDER BY f.dossier_id"
        alone = connection.execute(query, asked).fetchall()
    whole = world.connection.execute("SELECT * FROM quality.dossier_facts ORDER BY dossier_id").fetchall()
    assert 60 < len(whole) <= len(dossiers)
    own = sorted(facts_of(OWN_FACTS))
    assert [{name: each[name] for name in own} for each in alone] == [
        {name: each[name] for name in own} for each in whole
    ]


def test_every_rule_that_can_be_mended_is_judged_alone_or_asks_what_only_a_run_knows(world):
    """Each correctable rule can be rechecked, unless PostgreSQL refuses its condition for one dossier's facts."""
    book = load_rules()
    days = calendar_days(FIRST, book.since(FIRST))
    mendable = {code: rule for code, rule in book.rules.items() if rule.mendable and rule.level == "dossier"}
    refused = set()
    with page_connection() as connection:
        for code, rule in mendable.items():
            asked = {code: condition(rule, FIRST, book.since(FIRST))}
            try:
                with connection.transaction():
                    judge_dossiers(connection, [], asked, {}, *days, parameters_of(book))
            except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
                refused.add(code)
    assert set(mendable) - rules_judged_alone(book) == refused
    other = book.rules["P1"].model_copy(update={"where": "f.phone_owners > 1"})
    assert not is_judged_alone(other), "a rule that asks for other owners of a number cannot be judged by one dossier"


@pytest.mark.guarantee(
    "reconciliation",
    "a recheck of a finding gives the next run's verdict, changes no sealed run, and is stored with its person",
)
def test_judging_again_is_kept_and_touches_no_sealed_run(world):
    world.dossier("bad", "A", phone_refusal="missing")
    one = check_quality("one", FIRST, soundness=NOTHING_EXPECTED)
    (number,) = [each for each, rule in by_number(one.run_no).items() if rule == "P1"]
    before = world.connection.execute("TABLE motcua.quality_counts").fetchall()
    with page_connection() as connection:
        assert recheck(connection, number, "lan", AGAIN) == "stands"
        assert recheck(connection, number, "cúc", AGAIN, ["B"]) is None, (
            "a user of agency B may not recheck a finding of agency A"
        )
        assert recheck(connection, 999_999, "lan", AGAIN) is None
        assert mended_since(connection, [number], FIRST, AGAIN) == set()
    _correct_phone(world, "bad", at(25, 15))
    with page_connection() as connection:
        assert mended_since(connection, [number], FIRST, AGAIN) == {number}
        assert recheck(connection, number, "lan", AGAIN) == "mended"
        assert last_rechecks(connection, [number], FIRST)[number].rechecked_by == "lan"
        assert last_rechecks(connection, [number], AGAIN) == {}, "a recheck before the given moment must not be shown"
    assert world.connection.execute("TABLE motcua.quality_counts").fetchall() == before
    assert number in by_number(1), "the sealed run still has its finding"
    assert verify_seals() == (1, [])
    assert number not in by_number(check_quality("two", AGAIN, soundness=NOTHING_EXPECTED).run_no)
    assert verify_seals() == (2, [])
    world.connection.execute("SET session_replication_role = origin")
    with pytest.raises(psycopg.Error, match="append-only"):
        world.connection.execute("UPDATE motcua.finding_rechecks SET outcome = 'mended'")


def _correct_phone(world: World, code: str, read: datetime) -> None:
    world.connection.execute(
        "UPDATE motcua.dossiers SET phone_refusal = NULL, msisdn = '+84905771482', picked_up_at = %s"
        " WHERE dossier_code = %s",
        (read, code),
    )
