"""Test the planning rules as properties: for any history, every occasion has exactly one message.

A dossier is in the *condition* of a kind of message while it has the status of that kind at the one-stop desk. An
occasion is one entry into the condition.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.occasions import (
    Confirmation,
    DossierFacts,
    NewMessage,
    PastMessage,
    PastTransition,
    PlanningRules,
    SendCandidate,
    condition_of,
    is_same_day,
    look_again,
    plan_dossier,
    was_handed_over,
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

SAME_DAY = {"same_day_excluded": True, "due_at": FACTS.received_at}


def steps(*pairs):
    return [
        PastTransition(number, status, desk, NOW - timedelta(minutes=60 - number), NOW, None)
        for number, (status, desk) in enumerate(pairs, 1)
    ]


def test_condition_needs_the_status_and_the_desk():
    assert condition_of(9, True) == "result"
    assert condition_of(5, True) == "supplement"
    assert all(condition_of(status, False) is None for status in range(1, 11))
    assert all(condition_of(status, True) is None for status in (1, 2, 3, 4, 6, 7, 8, 10))


pairs = st.lists(st.tuples(st.sampled_from([2, 4, 5, 9, 10]), st.booleans()), max_size=12)


def entries(history):
    """Count the entries into a condition from neighbouring steps, independently of the planning rules."""
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
    planned = [replace(step, outcome=outcome[step.transition_id]) for step in history]
    written = [PastMessage(m.transition_id, m.kind, m.transition_id, None) for m in plan.messages]
    again = plan_dossier(FACTS, planned, written, NOW, RULES)
    assert again.messages == ()
    assert again.outcomes == ()


@given(pairs, st.integers(0, 12))
def test_planning_in_two_halves_makes_the_same_messages_for_each_entry(history_pairs, cut):
    """Steps that are planned in two runs must lead to as many messages as in one run."""
    history = steps(*history_pairs)
    first = plan_dossier(FACTS, history[:cut], [], NOW, RULES)
    outcome = {transition: name for transition, name, _ in first.outcomes}
    rest = [replace(step, outcome=outcome.get(step.transition_id)) for step in history]
    written = [PastMessage(m.transition_id, m.kind, m.transition_id, None) for m in first.messages]
    second = plan_dossier(FACTS, rest, written, NOW, RULES)
    assert len(first.messages) + len(second.messages) == entries(history)


@pytest.mark.parametrize(
    ("received", "due", "same"),
    [
        ("2026-11-24T16:59+00:00", "2026-11-24T17:01+00:00", False),
        ("2026-11-24T17:01+00:00", "2026-11-25T16:59+00:00", True),
        (None, "2026-11-25T09:00+00:00", False),
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
        ({"returned_at": NOW - timedelta(days=1)}, ("cancelled", "handed_over")),
        ({"returned_at": NOW - timedelta(days=1), "kind": "supplement"}, ("send", None)),
        ({"kind_off": True}, ("suppressed", "kind_off")),
        ({"told_at": NOW - timedelta(minutes=10)}, ("suppressed", "already_told")),
        ({"told_at": NOW - timedelta(minutes=11)}, ("send", None)),
        ({"unsettled_since": NOW - timedelta(minutes=10)}, ("wait", None)),
        ({"unsettled_since": NOW - timedelta(minutes=11)}, ("send", None)),
        ({"unsettled_since": NOW, "useful_until": NOW}, ("expired", "too_late")),
        ({"phone_refusal": "landline"}, ("suppressed", "landline")),
        ({"useful_until": NOW}, ("expired", "too_late")),
        ({"occasion_holds": False, "gone": "outdated"}, ("cancelled", "outdated")),
        ({"waits_until": NOW + timedelta(seconds=1)}, ("wait_for_row", None)),
        ({"waits_until": NOW}, ("send", None)),
        ({"waits_for_row": True}, ("wait_for_row", None)),
        ({"told_of_this": True, "told_at": NOW - timedelta(days=1)}, ("suppressed", "already_told")),
        ({"unsettled_of_this": True, "unsettled_since": NOW - timedelta(days=1)}, ("wait", None)),
    ],
)
def test_last_look_before_the_call(changes, verdict):
    """Just before its request, a message is checked once more: it is sent, waits, or ends with a reason."""
    assert look_again(candidate(**changes), NOW, RULES) == verdict


SKEW = timedelta(minutes=5)
MIDNIGHT = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
"""The moment 00:00 in Vietnam."""


@pytest.mark.parametrize(
    ("occurred", "recorded", "status", "substituted", "latest_before", "late"),
    [
        (NOW - timedelta(minutes=10), NOW, 4, False, NOW, False),
        (NOW - timedelta(minutes=10, microseconds=1), NOW, 4, False, NOW, True),
        (NOW - timedelta(hours=18), NOW, 4, False, None, False),
        (NOW - timedelta(hours=18), NOW, 4, True, NOW, False),
        (MIDNIGHT, NOW, 4, False, NOW, False),
        (MIDNIGHT + timedelta(microseconds=1), NOW, 4, False, NOW, True),
        *((NOW - timedelta(hours=18), NOW, status, False, NOW, False) for status in (3, 7, 10)),
        *((NOW - timedelta(hours=18), NOW, status, False, NOW, True) for status in (1, 2, 4, 5, 6, 8, 9)),
        # The earliest time of recording with which the step counts as old.
        (NOW - timedelta(hours=18), NOW - timedelta(minutes=10), 4, False, NOW, True),
    ],
)
def test_step_that_is_typed_in_late(occurred, recorded, status, substituted, latest_before, late):
    """A step counts as typed in late if it happened well before a step with a lower number.

    It must also have been recorded after that step had happened.
    """
    step = PastTransition(1, status, True, occurred, recorded, None)
    assert was_typed_in_late(step, substituted, latest_before, SKEW) is late


def old(step, row=None, read=True):
    """Return a step as an *old* step, that is, a step that was typed in late.

    Args:
        step: the step.
        row: the kind of message that the dossier's row in the source calls for.
        read: whether this row was read.
    """
    return replace(step, is_old=True, row_was_read=read, row_calls_for=row)


@pytest.mark.parametrize(
    ("before", "after", "left"), [((9, True), (4, False), "taken_back"), ((4, False), (9, True), "outdated")]
)
@pytest.mark.parametrize(("row", "read", "stays"), [("result", True, True), (None, True, False), (None, False, True)])
def test_old_step_out_of_the_condition_or_into_it_counts_where_the_row_agrees(before, after, left, row, read, stays):
    """The dossier's row decides whether an old step counts. Until the row is read, the message stays queued."""
    first, second = steps(before, after)
    assert states([first, old(second, row, read)]) == [("queued", None) if stays else ("cancelled", left)]


@given(pairs, st.data())
def test_every_entry_has_its_message_and_one_at_most_is_sent_whatever_is_old(history_pairs, data):
    """Whichever steps are old, each entry has one message, and at most one is queued for a step that is not old."""
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


INSTANT, MINUTE, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "returned", "handed_over"),
    [
        ("result", NOW, True),
        ("result", NOW + INSTANT, False),
        # The desk recorded the result after it had handed the result over.
        ("result", NOW - 2 * DAY, True),
        # The desk asks for a supplement after an earlier result was handed over.
        ("supplement", NOW - DAY - INSTANT, False),
        ("supplement", NOW - DAY, True),
        ("supplement", NOW + INSTANT, False),
    ],
)
def test_handed_over_is_what_the_citizen_has_by_now(kind, returned, handed_over):
    """A citizen who has the result already gets no message about it."""
    assert was_handed_over(kind, returned, NOW - DAY, NOW) is handed_over


def begun(status=9, occurred_at=NOW - MINUTE, messages=(), **changes):
    """Return state and reason of the message that planning inserts for the last occasion of a history.

    ``status`` is the status of the only step, or a list with all steps.
    """
    history = status if isinstance(status, list) else [PastTransition(7, status, True, occurred_at, NOW, None)]
    message = plan_dossier(replace(FACTS, **changes), history, messages, NOW, RULES).messages[-1]
    return message.state, message.reason


@pytest.mark.parametrize(
    ("status", "changes", "state"),
    [
        (9, {}, ("queued", None)),
        (9, {"returned_at": NOW - 2 * DAY}, ("cancelled", "handed_over")),
        (5, {"returned_at": NOW - MINUTE}, ("cancelled", "handed_over")),
        (9, {"kinds_off": ("result",)}, ("suppressed", "kind_off")),
        (5, {"kinds_off": ("supplement", "apology")}, ("suppressed", "kind_off")),
        (9, {"same_day_excluded": True, "due_at": FACTS.received_at}, ("suppressed", "same_day")),
        (9, {"same_day_excluded": True, "due_at": None}, ("queued", None)),
        (9, SAME_DAY | {"same_day_procedures": ("1.1",), "procedure_code": "1.1"}, ("suppressed", "same_day")),
        (9, SAME_DAY | {"same_day_procedures": ("1.1",), "procedure_code": "1.2"}, ("queued", None)),
        (9, SAME_DAY | {"procedure_code": None}, ("suppressed", "same_day")),
        (9, {"phone_refusal": "landline"}, ("suppressed", "landline")),
        (9, {"occurred_at": NOW - timedelta(days=3)}, ("expired", "too_late")),
        (9, {"occurred_at": NOW - timedelta(days=3) + INSTANT}, ("queued", None)),
        # If several reasons apply, the message gets the reason that says most about the dossier.
        (9, {"returned_at": NOW, "kinds_off": ("result",)}, ("cancelled", "handed_over")),
        (9, {"kinds_off": ("result",), "phone_refusal": "missing"}, ("suppressed", "kind_off")),
        (9, {"phone_refusal": "missing", "occurred_at": NOW - 4 * DAY}, ("suppressed", "missing")),
    ],
)
def test_first_state_of_a_message_follows_from_dossier_agency_and_phone(status, changes, state):
    assert begun(status, **changes) == state


@pytest.mark.parametrize(
    ("kind", "accepted_at", "state"),
    [
        ("result", NOW - 11 * MINUTE, ("suppressed", "already_told")),
        ("result", NOW - 11 * MINUTE - INSTANT, ("queued", None)),
        ("result", None, ("queued", None)),
        ("supplement", NOW, ("queued", None)),
    ],
)
def test_nobody_is_told_twice_within_minutes(kind, accepted_at, state):
    """A citizen must not get the same kind of message again minutes after a gateway accepted the first one."""
    assert begun(9, messages=[PastMessage(70, kind, 3, accepted_at)]) == state


def test_message_of_the_same_state_that_no_gateway_took_told_nobody():
    """A message that no gateway accepted must not prevent the next message to the citizen."""
    first, step_back, again = steps((9, True), (4, False), (9, True))
    history = [first, old(step_back, "result"), again]
    assert begun(history, messages=[PastMessage(70, "result", 1, None)]) == ("queued", None)


@pytest.mark.parametrize(
    ("step_back", "state"),
    [
        (lambda step: old(step, "result"), ("suppressed", "already_told")),
        (lambda step: old(step, read=False), ("suppressed", "already_told")),
        (lambda step: old(step, None), ("queued", None)),
    ],
)
def test_state_that_was_told_is_not_told_again_however_long_ago_unless_it_was_left(step_back, state):
    """Two results with only an old step between them give a second message if the dossier's row confirms the step."""
    first, second, third = steps((9, True), (4, False), (9, True))
    told = [PastMessage(70, "result", 1, NOW - DAY)]
    assert begun([first, step_back(second), third], messages=told) == state


@pytest.mark.parametrize(
    ("then", "state"),
    [
        ((4, False), ("cancelled", "taken_back")),
        ((10, True), ("cancelled", "handed_over")),
        ((5, True), ("cancelled", "superseded")),
    ],
)
def test_occasion_that_is_over_says_how_it_ended(then, state):
    """If a later step ended an occasion, its message is cancelled, and the reason says how the occasion ended."""
    message = plan_dossier(FACTS, steps((9, True), then), [], NOW, RULES).messages[0]
    assert (message.state, message.reason) == state


def states(history):
    """Return state and reason of the messages that planning makes from a history."""
    return [(each.state, each.reason) for each in plan_dossier(FACTS, history, [], NOW, RULES).messages]


def test_what_is_entered_again_behind_old_steps_that_do_not_count_is_told_once():
    """If an old step between two results does not count, the later message replaces the earlier message."""
    first, second, third = steps((9, True), (4, False), (9, True))
    assert states([first, old(second, "result"), third]) == [("cancelled", "superseded"), ("queued", None)]
    # If the later step is old too and the dossier's row is not read yet, both messages stay queued.
    unsure = old(third, read=False)
    assert states([first, old(second, read=False), unsure]) == [("queued", None), ("queued", None)]


@pytest.mark.parametrize(
    ("status", "hold", "occurred_at", "next_attempt_at"),
    [
        (9, 5 * MINUTE, NOW - MINUTE, NOW + 4 * MINUTE),
        (9, 5 * MINUTE, NOW - 6 * MINUTE, NOW),
        # A source whose clock is ahead must not delay the message.
        (5, 5 * MINUTE, NOW + MINUTE, NOW),
    ],
)
def test_message_tells_of_its_first_step_and_only_a_result_is_held(status, hold, occurred_at, next_attempt_at):
    """If an occasion has two steps, its message is about the first. Only a message about a result has a hold time."""
    first = PastTransition(1, status, True, occurred_at, NOW - 2 * MINUTE, None)
    again = PastTransition(2, status, True, NOW, NOW, None)
    plan = plan_dossier(replace(FACTS, result_hold=hold), [first, again], [], NOW, RULES)
    assert plan.messages == (
        NewMessage(
            kind="result" if status == 9 else "supplement",
            transition_id=1,
            state="queued",
            reason=None,
            occurred_at=occurred_at,
            recorded_at=NOW - 2 * MINUTE,
            useful_until=occurred_at + RULES.useful_for,
            next_attempt_at=next_attempt_at,
        ),
    )


def test_each_step_says_what_planning_made_of_it():
    """Planning records for each step whether it has a message, shares an earlier step's message, or has no occasion."""
    history = steps((4, True), (9, True), (9, True), (4, True), (5, True), (5, True), (5, True))
    plan = plan_dossier(FACTS, history, [], NOW, RULES)
    assert sorted(plan.outcomes) == [
        (1, "no_occasion", None),
        (2, "message", 2),
        (3, "same_occasion", 2),
        (4, "no_occasion", None),
        (5, "message", 5),
        (6, "same_occasion", 5),
        (7, "same_occasion", 5),
    ]
    assert plan.confirmed == ()


@pytest.mark.parametrize(
    ("before", "then"), [("message", ("same_occasion", 3)), ("out_of_scope", ("out_of_scope", None))]
)
def test_occasion_that_comes_to_light_late_is_planned_beside_the_step_that_joins_a_later_one(before, then):
    """An occasion that is recorded late gets its own message. The steps of a later occasion stay with that occasion."""
    late, left, begun_before, again = steps((9, True), (4, True), (9, True), (9, True))
    history = [late, left, replace(begun_before, outcome=before), again]
    plan = plan_dossier(FACTS, history, [PastMessage(70, "result", 3, None)] * (before == "message"), NOW, RULES)
    assert sorted(plan.outcomes) == [(1, "message", 1), (2, "no_occasion", None), (4, *then)]


def test_message_of_another_kind_at_the_same_step_is_not_the_one_that_is_owed():
    """A step got a message about a supplement; later the source changed the status of the step to a result.

    If this fails, the citizen gets no message about the result.
    """
    plan = plan_dossier(FACTS, steps((9, True)), [PastMessage(70, "supplement", 1, None)], NOW, RULES)
    assert [message.kind for message in plan.messages] == ["result"]


@pytest.mark.parametrize(
    ("enabled_from", "outcome"),
    [
        (NOW - 59 * MINUTE, "message"),
        (NOW - 59 * MINUTE + INSTANT, "out_of_scope"),
        (None, "out_of_scope"),
    ],
)
def test_agency_tells_of_what_happened_since_it_joined(enabled_from, outcome):
    """An agency sends messages only about events since it joined."""
    plan = plan_dossier(replace(FACTS, enabled_from=enabled_from), steps((9, True)), [], NOW, RULES)
    assert plan.outcomes == ((1, outcome, 1 if outcome == "message" else None),)
    assert len(plan.messages) == (outcome == "message")


def test_occasion_from_before_an_agency_joined_stays_out_of_scope_and_the_next_one_does_not():
    """A result from before an agency joined gets no message, even if a step repeats it later. A new result gets one."""
    first, again, left, entered = steps((9, True), (9, True), (4, True), (9, True))
    # When the first step was planned, the agency was to join on a later day.
    history = [replace(first, outcome="out_of_scope"), again, left, entered]
    plan = plan_dossier(FACTS, history, [], NOW, RULES)
    assert sorted(plan.outcomes) == [(2, "out_of_scope", None), (3, "no_occasion", None), (4, "message", 4)]
    assert [message.transition_id for message in plan.messages] == [4]


@pytest.mark.parametrize(
    ("hold", "next_attempt_at"), [(timedelta(0), NOW), (60 * MINUTE, NOW + 2 * MINUTE), (58 * MINUTE, NOW)]
)
def test_sure_step_confirms_the_message_that_an_old_one_had_begun(hold, next_attempt_at):
    """An old step's message waits until the dossier's row is read or a step that is not old confirms the condition."""
    first, sure = steps((9, True), (9, True))
    history = [old(replace(first, outcome="message"), read=False), sure]
    told = [PastMessage(70, "result", 1, None)]
    plan = plan_dossier(replace(FACTS, result_hold=hold), history, told, NOW, RULES)
    assert plan.outcomes == ((2, "same_occasion", 1),)
    assert plan.messages == ()
    assert plan.confirmed == (Confirmation(70, sure.occurred_at, sure.occurred_at + RULES.useful_for, next_attempt_at),)


@pytest.mark.parametrize(
    "history",
    [
        # In this order: the second step is old too; the first step was not old; the dossier has left the condition
        # since; the second step was planned before.
        lambda first, again, left: [old(first, read=False), old(again, read=False)],
        lambda first, again, left: [first, again],
        lambda first, again, left: [old(first, read=False), again, left],
        lambda first, again, left: [old(first, read=False), replace(again, outcome="same_occasion")],
    ],
)
def test_nothing_else_confirms_a_message(history):
    """Only a step that is not old and follows in the same condition may confirm a message of an old step."""
    first, again, left = steps((9, True), (9, True), (4, True))
    told = [PastMessage(70, "result", 1, None)]
    plan = plan_dossier(FACTS, history(replace(first, outcome="message"), again, left), told, NOW, RULES)
    assert plan.confirmed == ()
