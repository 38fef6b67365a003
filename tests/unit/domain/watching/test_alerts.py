"""Test the life of an alert: it is mailed as soon as it is certain, and a second time when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.checks import ALERT_NAMES, CHECKS, Finding
from motcua.domain.watching.alerts import Alert, advance

BEGIN = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
USUAL, EXACT = "airflow_unreachable", "identity"


def look(alerts, place, *found, judged=ALERT_NAMES, undecided=()):
    changes = advance(alerts, judged, found, BEGIN + timedelta(minutes=place), undecided)
    return [each.key for each in changes.raised], [each.key for each in changes.over]


def test_alert_is_raised_at_the_second_look_and_over_at_the_second_without_it():
    """A usual alert begins only when two checks in a row find the fault, and ends when two do not."""
    alerts: dict[str, Alert] = {}
    assert look(alerts, 0, Finding(USUAL)) == ([], [])
    assert look(alerts, 1, Finding(USUAL)) == ([USUAL], [])
    assert look(alerts, 2, Finding(USUAL)) == ([], [])
    assert look(alerts, 3) == ([], [])
    assert look(alerts, 4) == ([], [USUAL])
    assert alerts == {}


def test_what_comes_and_goes_at_each_look_is_never_told():
    """A fault that only every second check sees is never mailed."""
    alerts: dict[str, Alert] = {}
    for place in range(10):
        assert look(alerts, place, *([Finding(USUAL)] if place % 2 else [])) == ([], [])


def test_open_alert_that_is_away_for_one_look_is_neither_over_nor_told_again():
    """An open alert whose fault is missed by a single check must not end, and must not be mailed again."""
    alerts: dict[str, Alert] = {}
    told = [look(alerts, place, *([] if place in (3, 5) else [Finding(USUAL)])) for place in range(8)]
    assert told == [([], []), ([USUAL], []), *[([], [])] * 6]


def test_alert_of_an_exact_check_begins_and_ends_at_the_first_look():
    """An alert that needs no second check begins and ends with the first check that sees the change."""
    alerts: dict[str, Alert] = {}
    assert look(alerts, 0, Finding(EXACT)) == ([EXACT], [])
    assert look(alerts, 1) == ([], [EXACT])


def test_check_that_could_not_look_ends_nothing():
    """A check that did not run, or could not decide, must not end an open alert."""
    alerts: dict[str, Alert] = {}
    look(alerts, 0, Finding(EXACT))
    assert look(alerts, 1, judged=()) == ([], [])
    assert look(alerts, 2, undecided={EXACT}) == ([], [])
    assert list(alerts) == [EXACT]


def test_each_subject_is_an_alert_of_its_own():
    """Two faulty parts, such as scheduler and triggerer, each have an alert of their own."""
    alerts: dict[str, Alert] = {}
    for place in (0, 1):
        raised = look(alerts, place, Finding("airflow_unhealthy", {}, "scheduler"))[0]
    assert raised == ["airflow_unhealthy/scheduler"]
    both = [Finding("airflow_unhealthy", {}, name) for name in ("scheduler", "triggerer")]
    look(alerts, 2, *both)
    assert look(alerts, 3, *both) == (["airflow_unhealthy/triggerer"], [])


def test_facts_are_those_of_the_last_look():
    """An open alert shows the facts of the newest check and not those of its beginning."""
    alerts: dict[str, Alert] = {}
    look(alerts, 0, Finding(EXACT, {"difference": 1}))
    look(alerts, 1, Finding(EXACT, {"difference": 2}))
    assert alerts[EXACT].facts == {"difference": 2}


@given(st.lists(st.sets(st.sampled_from(ALERT_NAMES)), max_size=40))
def test_each_alert_is_told_once_and_its_end_once_in_turn(seen):
    alerts: dict[str, Alert] = {}
    told: list[tuple[str, str]] = []
    for place, names in enumerate([*seen, *[set()] * 3]):
        raised, over = look(alerts, place, *map(Finding, names))
        told += [("raised", key) for key in raised] + [("over", key) for key in over]
    for name in ALERT_NAMES:
        own = [what for what, key in told if key == name]
        assert own == ["raised", "over"] * (len(own) // 2)
    assert alerts == {}
    assert all(1 <= CHECKS[name].looks <= 3 for name in ALERT_NAMES)
