"""Test the dry run of one dossier: each event is planned at the moment at which it was recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.occasions import DossierFacts, PastTransition, PlanningRules, condition_of
from motcua.jobs.notices.dry_running import rehearse, with_old_steps

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
RULES = PlanningRules(timedelta(days=3), timedelta(minutes=10))
FACTS = DossierFacts(
    received_at=NOW - 9 * DAY,
    due_at=NOW + 3 * DAY,
    returned_at=None,
    phone_refusal=None,
    enabled_from=NOW - 7 * DAY,
    same_day_excluded=False,
    kinds_off=(),
    result_hold=timedelta(0),
)
AT_DESK, BACK, SUPPLEMENT, RETURNED = (9, True), (4, False), (5, True), (10, True)


def steps(*moves):
    """Return transitions from tuples: minutes before now, status, at the desk, minutes until recorded (optional)."""
    return [
        PastTransition(number, status, desk, NOW - minutes * MINUTE, NOW - (minutes - sum(late)) * MINUTE, None)
        for number, (minutes, status, desk, *late) in enumerate(moves, 1)
    ]


@pytest.mark.parametrize(
    ("facts", "moves", "expected"),
    [
        ({}, [(60, *AT_DESK)], [("result", "would_go", None, 60)]),
        ({}, [(8 * 1440, *AT_DESK), (60, *AT_DESK)], []),
        (
            {},
            [(60, *AT_DESK), (58, *BACK), (55, *AT_DESK), (40, *BACK), (20, *AT_DESK)],
            [
                ("result", "would_go", None, 60),
                ("result", "suppressed", "already_told", 55),
                ("result", "would_go", None, 20),
            ],
        ),
        ({"result_hold": 15 * MINUTE}, [(60, *AT_DESK)], [("result", "would_go", None, 45)]),
        ({"result_hold": 15 * MINUTE}, [(60, *AT_DESK), (50, *BACK)], [("result", "cancelled", "taken_back", 50)]),
        ({"result_hold": 15 * MINUTE}, [(10, *AT_DESK)], [("result", "held", None, -5)]),
        (
            {"result_hold": 15 * MINUTE, "returned_at": NOW - 50 * MINUTE},
            [(60, *AT_DESK)],
            [("result", "cancelled", "handed_over", 45)],
        ),
        ({"returned_at": NOW - 50 * MINUTE}, [(60, *AT_DESK)], [("result", "would_go", None, 60)]),
        ({"kinds_off": ("result",)}, [(60, *AT_DESK)], [("result", "suppressed", "kind_off", 60)]),
        ({}, [(5 * 1440, *AT_DESK, 4 * 1440)], [("result", "expired", "too_late", 1440)]),
    ],
)
def test_what_would_have_become_of_a_history(facts, moves, expected):
    """The dry run must give each event of a dossier the end that real planning would have given it."""
    rehearsed = rehearse(replace(FACTS, **facts), steps(*moves), NOW, RULES)
    assert [(each.kind, each.end, each.reason, (NOW - each.at) / MINUTE) for each in rehearsed] == expected


@given(
    st.lists(
        st.tuples(st.integers(0, 12 * 1440), st.sampled_from([2, 4, 5, 9, 10]), st.booleans(), st.integers(0, 600)),
        max_size=10,
    ),
    st.sampled_from([0, 15, 120]),
)
def test_every_entry_into_a_condition_since_the_day_has_one_end(moves, hold):
    """In a dry run, each change after the agency joined to a status that calls for a message must give one message."""
    history = steps(*sorted(moves, key=lambda move: -move[0]))
    rehearsed = rehearse(replace(FACTS, result_hold=hold * MINUTE), history, NOW, RULES)
    expected, kind_before, in_scope = [], None, False
    for step in history:
        kind = condition_of(step.status_code, step.at_one_stop_desk)
        if kind is not None and kind != kind_before:
            in_scope = step.occurred_at >= FACTS.enabled_from
            expected += [kind] * in_scope
        kind_before = kind
    assert sorted(each.kind for each in rehearsed) == sorted(expected)


@pytest.mark.parametrize(
    ("moves", "row", "expected"),
    [
        ([(60, *AT_DESK), (20 * 60, *BACK, 20 * 60 - 58)], AT_DESK, [("would_go", None)]),
        ([(60, *AT_DESK), (20 * 60, *BACK, 20 * 60 - 58)], BACK, [("cancelled", "taken_back")]),
        ([(60, *AT_DESK), (20 * 60, *BACK, 20 * 60 - 58)], None, [("would_go", None)]),
        ([(60, *BACK), (20 * 60, *AT_DESK, 20 * 60 - 58)], BACK, [("cancelled", "outdated")]),
        ([(60, *BACK), (20 * 60, *AT_DESK, 20 * 60 - 58), (30, *AT_DESK)], AT_DESK, [("would_go", None)]),
        (
            [(60, *AT_DESK), (20 * 60, *BACK, 20 * 60 - 58), (55, *AT_DESK)],
            AT_DESK,
            [("cancelled", "superseded"), ("would_go", None)],
        ),
    ],
)
def test_old_steps_of_the_past_are_held_against_what_is_known_of_the_row(moves, row, expected):
    """A dry run must judge an old step (one that was typed in late) by what is known of the dossier's row."""
    history = with_old_steps(steps(*moves), (), row, 5 * MINUTE)
    held = replace(FACTS, result_hold=10 * MINUTE)
    assert [(each.end, each.reason) for each in rehearse(held, history, NOW, RULES)] == expected
