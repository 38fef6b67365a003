"""The accounting identity and its sums, as pure rules."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.reconciliation import (
    STATES,
    UNEXPLAINED,
    CountedDossier,
    Difference,
    DossierFigures,
    MessageFigures,
    sum_dossiers,
    sum_messages,
)


def figures(**counts):
    return MessageFigures("A", "P", "result", **counts)


def test_identity_takes_what_is_explained_on_both_sides_into_account():
    told = figures(at_source=10, out_of_scope=2, only_source=3, only_ledger=1, delivered=4, suppressed=2)
    assert (told.expected, told.messages, told.difference) == (6, 6, 0)
    lost = figures(at_source=10, delivered=9)
    assert lost.difference == 1


def test_shares_of_nothing_are_none():
    empty = figures()
    assert empty.delivered_of_expected is None
    assert empty.delivered_of_sent is None
    assert figures(at_source=4, delivered=1, undelivered=1, suppressed=2).delivered_of_sent == 0.5


@given(st.lists(st.tuples(*[st.integers(0, 50)] * len(STATES)), max_size=6))
def test_sums_of_groups_keep_the_identity(rows):
    groups = tuple(figures(at_source=sum(row), **dict(zip(STATES, row, strict=True))) for row in rows)
    whole = sum_messages(groups, "result")
    assert whole.difference == 0
    assert whole.messages == sum(map(sum, rows))


def test_resolved_are_all_sorts_and_direct_is_what_is_left():
    whole = sum_dossiers(
        (
            DossierFigures("A", "P", received=5, received_online=2, resolved_early=1, resolved_late=1),
            DossierFigures("A", "Q", received=3, received_postal=1, resolved_on_time=1, resolved_without_due=1),
        )
    )
    assert (whole.received_direct, whole.resolved) == (5, 4)


def test_only_reasons_that_account_for_nothing_are_unexplained():
    def difference(reason):
        return Difference("source", reason, "A", "P", "result", None, None, None, None, None, None)

    assert not any(difference(reason).is_explained for reason in UNEXPLAINED)
    assert difference("cut_off").is_explained


@pytest.mark.parametrize(
    ("due", "resolved", "days"),
    [
        ("2026-11-24T16:59:59.999999Z", "2026-11-24T17:00:00Z", 1),  # either side of midnight in Vietnam
        ("2026-11-24T17:00:00Z", "2026-11-25T16:59:59Z", 0),
        ("2026-11-25T02:00:00Z", "2026-11-20T02:00:00Z", -5),
        ("2024-02-28T02:00:00Z", "2024-03-01T02:00:00Z", 2),  # over a leap day
        (None, "2026-11-25T02:00:00Z", None),
        ("2026-11-25T02:00:00Z", None, None),
    ],
)
def test_days_over_are_calendar_days_of_vietnam(due, resolved, days):
    at = [None if each is None else datetime.fromisoformat(each) for each in (due, resolved)]
    assert CountedDossier("H1", "H32", "1.1", None, at[0], at[1], None).days_over == days
