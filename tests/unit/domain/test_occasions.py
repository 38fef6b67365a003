"""Planning rules as properties: whatever the history, every occasion has exactly one message, and only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.occasions import (
    DossierFacts,
    PastMessage,
    PastTransition,
    PlanningRules,
    SendCandidate,
    condition_of,
    is_same_day,
    look_again,
    plan_dossier,
    was_typed_in_late,
)

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
RULES = PlanningRules(timedelta(days=3), timedelta(minutes=10))
FACTS = DossierFacts(
    received_at=NOW - timedelta(days=3),
    due_at=NOW + timedelta(days=3),
    returned_at=None,
    phone_refusal=None,
    enabled_from=NOW - timedelta(days=9),
    same_day_excluded=False,
    kinds_off=(),
    result_hold=timedelta(0),
)


def steps(*pairs, outcomes=None):
    return [
        PastTransition(number, status, desk, NOW - timedelta(minutes=60 - number), NOW, None)
        for number, (status, desk) in enumerate(pairs, 1)
    ]


def test_condition_needs_both_halves():
    assert condition_of(9, True) == "result"
    assert condition_of(5, True) == "supplement"
    assert all(condition_of(status, False) is None for status in range(1, 11))
    assert all(condition_of(status, True) is None for status in (1, 2, 3, 4, 6, 7, 8, 10))


pairs = st.lists(st.tuples(st.sampled_from([2, 4, 5, 9, 10]), st.booleans()), max_size=12)


def entries(history):
    """An oracle by another road: entries into a condition, read off neighbouring pairs."""
    kinds = [None, *(condition_of(t.status_code, t.at_one_stop_desk) for t in history)]
    return sum(after is not None and after != before for before, after in pairwise(kinds))


@given(pairs)
def test_every_entry_gets_exactly_one_message_and_planning_again_adds_none(history_pairs):
    history = steps(*history_pairs)
    plan = plan_dossier(FACTS, history, [], NOW, RULES)
    assert len(plan.messages) == entries(history)
    assert {transition for transition, _, _ in plan.outcomes} == {t.transition_id for t in history}
    assert sum(message.state != "cancelled" for message in plan.messages) <= 1
    outcome = {transition: name for transition, name, _ in plan.outcomes}
    planned = [
        PastTransition(
            t.transition_id, t.status_code, t.at_one_stop_desk, t.occurred_at, t.recorded_at, outcome[t.transition_id]
        )
        for t in history
    ]
    written = [PastMessage(m.transition_id, m.kind, m.transition_id, None) for m in plan.messages]
    again = plan_dossier(FACTS, planned, written, NOW, RULES)
    assert again.messages == ()
    assert again.outcomes == ()


@given(pairs, st.integers(0, 12))
def test_planning_in_two_halves_makes_the_same_messages_for_each_entry(history_pairs, cut):
    history = steps(*history_pairs)
    first = plan_dossier(FACTS, history[:cut], [], NOW, RULES)
    outcome = {transition: name for transition, name, _ in first.outcomes}
    rest = [
        PastTransition(
            t.transition_id,
            t.status_code,
            t.at_one_stop_desk,
            t.occurred_at,
            t.recorded_at,
            outcome.get(t.transition_id),
        )
        for t in history
    ]
    written = [PastMessage(m.transition_id, m.kind, m.transition_id, None) for m in first.messages]
    second = plan_dossier(FACTS, rest, written, NOW, RULES)
    assert len(first.messages) + len(second.messages) == entries(history)


@pytest.mark.parametrize(
    ("received", "due", "same"),
    [
        ("2026-11-25T01:00+00:00", "2026-11-25T09:00+00:00", True),
        ("2026-11-24T16:59+00:00", "2026-11-24T17:01+00:00", False),
        ("2026-11-24T17:01+00:00", "2026-11-25T16:59+00:00", True),
        (None, "2026-11-25T09:00+00:00", False),
        ("2026-11-25T01:00+00:00", None, False),
    ],
)
def test_same_day_is_the_day_of_vietnam(received, due, same):
    def moment(text):
        return None if text is None else datetime.fromisoformat(text)

    assert is_same_day(moment(received), moment(due)) is same


def candidate(**changes):
    values = {
        "kind": "result",
        "occurred_at": NOW,
        "useful_until": NOW + timedelta(days=3),
        "occasion_holds": True,
        "returned_at": None,
        "kind_off": False,
        "phone_refusal": None,
        "told_at": None,
        "unsettled_since": None,
    }
    return SendCandidate(**values | changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, ("send", None)),
        ({"occasion_holds": False, "phone_refusal": "missing"}, ("cancelled", "taken_back")),
        ({"returned_at": NOW}, ("cancelled", "handed_over")),
        ({"returned_at": NOW - timedelta(days=1)}, ("cancelled", "handed_over")),
        ({"returned_at": NOW - timedelta(days=1), "kind": "supplement"}, ("send", None)),
        ({"returned_at": NOW + timedelta(days=300)}, ("send", None)),
        ({"kind_off": True}, ("suppressed", "kind_off")),
        ({"told_at": NOW + timedelta(minutes=1)}, ("suppressed", "already_told")),
        ({"told_at": NOW - timedelta(minutes=10)}, ("suppressed", "already_told")),
        ({"told_at": NOW - timedelta(minutes=11)}, ("send", None)),
        ({"unsettled_since": NOW - timedelta(minutes=5)}, ("wait", None)),
        ({"unsettled_since": NOW - timedelta(minutes=11)}, ("send", None)),
        ({"phone_refusal": "landline"}, ("suppressed", "landline")),
        ({"useful_until": NOW}, ("expired", "too_late")),
        ({"occasion_holds": False, "gone": "outdated"}, ("cancelled", "outdated")),
        ({"waits_until": NOW + timedelta(seconds=1)}, ("wait_for_row", None)),
        ({"waits_until": NOW}, ("send", None)),
        ({"waits_for_row": True}, ("wait_for_row", None)),
        ({"waits_for_row": True, "useful_until": NOW}, ("expired", "too_late")),
        ({"told_of_this": True, "told_at": NOW - timedelta(days=1)}, ("suppressed", "already_told")),
        ({"unsettled_of_this": True, "unsettled_since": NOW - timedelta(days=1)}, ("wait", None)),
    ],
)
def test_last_look_before_the_call(changes, verdict):
    assert look_again(candidate(**changes), NOW, RULES) == verdict


SKEW = timedelta(minutes=5)
MIDNIGHT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
"""00:00 in Vietnam."""


@pytest.mark.parametrize(
    ("occurred", "recorded", "status", "substituted", "latest_before", "late"),
    [
        (NOW - timedelta(hours=18), NOW, 4, False, NOW, True),
        (NOW - timedelta(minutes=10), NOW, 4, False, NOW, False),
        (NOW - timedelta(minutes=10, microseconds=1), NOW, 4, False, NOW, True),
        (NOW - timedelta(hours=18), NOW, 4, False, None, False),
        (NOW - timedelta(hours=18), NOW, 4, True, NOW, False),
        (MIDNIGHT, NOW, 4, False, NOW, False),
        (MIDNIGHT + timedelta(microseconds=1), NOW, 4, False, NOW, True),
        *((NOW - timedelta(hours=18), NOW, status, False, NOW, False) for status in (3, 7, 10)),
        *((NOW - timedelta(hours=18), NOW, status, False, NOW, True) for status in (1, 2, 4, 5, 6, 8, 9)),
        # Recorded as long ago as it happened: no one typed it in.
        (NOW - timedelta(hours=18), NOW - timedelta(hours=18), 4, False, NOW, False),
        (NOW - timedelta(hours=18), NOW - timedelta(minutes=10), 4, False, NOW, True),
    ],
)
def test_step_that_is_typed_in_late(occurred, recorded, status, substituted, latest_before, late):
    step = PastTransition(1, status, True, occurred, recorded, None)
    assert was_typed_in_late(step, substituted, latest_before, SKEW) is late


def old(step, row=None, read=True):
    return replace(step, is_old=True, row_was_read=read, row_calls_for=row)


@pytest.mark.parametrize(
    ("row", "read", "state"),
    [("result", True, ("queued", None)), (None, True, ("cancelled", "taken_back")), (None, False, ("queued", None))],
)
def test_old_step_out_of_the_condition_counts_where_the_row_agrees(row, read, state):
    first, second = steps((9, True), (4, False))
    (message,) = plan_dossier(FACTS, [first, old(second, row, read)], [], NOW, RULES).messages
    assert (message.state, message.reason) == state


@pytest.mark.parametrize(
    ("row", "read", "state"),
    [("result", True, ("queued", None)), (None, True, ("cancelled", "outdated")), (None, False, ("queued", None))],
)
def test_old_step_into_the_condition_counts_where_the_row_agrees(row, read, state):
    first, second = steps((4, False), (9, True))
    (message,) = plan_dossier(FACTS, [first, old(second, row, read)], [], NOW, RULES).messages
    assert (message.state, message.reason) == state


@given(pairs, st.data())
def test_every_entry_has_its_message_and_one_at_most_is_sent_whatever_is_old(history_pairs, data):
    history = [
        old(step, data.draw(st.sampled_from(["result", "supplement", None])), data.draw(st.booleans()))
        if number and data.draw(st.booleans())
        else step
        for number, step in enumerate(steps(*history_pairs))
    ]
    plan = plan_dossier(FACTS, history, [], NOW, RULES)
    assert len(plan.messages) == entries(history)
    sure = [m for m in plan.messages if m.state == "queued" and not history[m.transition_id - 1].is_old]
    assert len(sure) <= 1
