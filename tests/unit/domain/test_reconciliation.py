"""Test the accounting identity (each occasion has one message in one state) and the sums of its figures."""

from __future__ import annotations

from dataclasses import asdict, fields
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


def test_identity_counts_explained_differences_of_source_and_ledger_out():
    """A difference between source and ledger with a known reason must not appear as lost messages."""
    told = figures(at_source=10, out_of_scope=2, only_source=3, only_ledger=1, delivered=4, suppressed=2)
    assert (told.expected, told.messages, told.difference) == (6, 6, 0)
    lost = figures(at_source=10, delivered=9)
    assert lost.difference == 1


def test_each_state_of_a_message_is_counted_once_and_in_its_group():
    counts = {state: 10**position for position, state in enumerate(STATES)}
    whole = figures(**counts)
    assert whole.messages == 11_111_111_111
    assert (whole.not_sent, whole.in_hand, whole.sent) == (
        sum(counts[state] for state in ("suppressed", "cancelled", "expired")),
        sum(counts[state] for state in ("queued", "sending", "unknown")),
        sum(counts[state] for state in ("accepted", "delivered", "undelivered", "unconfirmed")),
    )
    assert whole.not_sent + whole.in_hand + whole.sent + whole.rejected == whole.messages


@pytest.mark.parametrize(
    ("counts", "of_tellable", "of_sent"),
    [
        ({"at_source": 8, "delivered": 2, "accepted": 2}, 0.25, 0.5),
        ({"at_source": 1, "delivered": 1}, 1.0, 1.0),
        # Suppressed and cancelled messages did not have to be sent, so an agency with only these has no share.
        ({"at_source": 1, "suppressed": 1}, None, None),
        ({"at_source": 10, "suppressed": 2, "cancelled": 4, "delivered": 3, "expired": 1}, 0.75, 1.0),
        # More occasions are out of scope than exist: nothing was expected, and no share is negative.
        ({"at_source": 1, "out_of_scope": 2, "delivered": 1}, None, 1.0),
        ({"only_ledger": 4, "delivered": 3, "unconfirmed": 1}, 0.75, 0.75),
        ({"rejected": 5, "at_source": 5}, 0.0, None),
    ],
)
def test_shares_are_of_what_could_be_told_and_was_sent(counts, of_tellable, of_sent):
    """The share of delivered messages is computed twice: of the messages that had to be sent, and of those sent."""
    one = figures(**counts)
    assert (one.delivered_of_tellable, one.delivered_of_sent) == (of_tellable, of_sent)


@pytest.mark.parametrize(("of", "keys", "add"), [(DossierFigures, 2, sum_dossiers), (MessageFigures, 3, sum_messages)])
def test_sum_adds_every_figure_and_names_no_agency_and_no_procedure(of, keys, add):
    named = ("A", "P", "supplement")[:keys]
    counts = [each.name for each in fields(of)[keys:]]
    first = of(*named, *range(1, len(counts) + 1))
    second = of(*named, *(100 * number for number in range(1, len(counts) + 1)))
    whole = asdict(add(iter([first, second])))
    assert [whole.pop(each.name) for each in fields(of)[:keys]] == ["", "", "result"][:keys]
    assert whole == {name: 101 * number for number, name in enumerate(counts, 1)}
    assert sum_messages([], "apology").kind == "apology"


@given(st.lists(st.tuples(*[st.integers(0, 50)] * len(STATES)), max_size=6))
def test_sums_of_groups_keep_the_identity(rows):
    groups = tuple(figures(at_source=sum(row), **dict(zip(STATES, row, strict=True))) for row in rows)
    whole = sum_messages(groups, "result")
    assert whole.difference == 0
    assert whole.messages == sum(map(sum, rows))


def test_resolved_are_all_sorts_and_direct_is_what_is_left():
    """Resolved dossiers are the sum of all kinds. Dossiers not received online or by post are received directly."""
    whole = sum_dossiers(
        (
            DossierFigures("A", "P", received=5, received_online=2, resolved_early=1, resolved_late=1),
            DossierFigures("A", "Q", received=3, received_postal=1, resolved_on_time=1, resolved_without_due=1),
        )
    )
    assert (whole.received_direct, whole.resolved) == (5, 4)
    every = DossierFigures(
        "A",
        "P",
        received=1111,
        received_online=10,
        received_postal=100,
        resolved_early=1,
        resolved_on_time=10,
        resolved_late=100,
        resolved_without_due=1000,
        withdrawn=7,
    )
    assert (every.received_direct, every.resolved) == (1001, 1111)


def test_only_reasons_that_account_for_nothing_are_unexplained():
    """Only the reasons in ``UNEXPLAINED`` leave a difference unexplained. The cut-off, for example, explains it."""

    def difference(reason):
        return Difference("source", reason, "A", "P", "result", None, None, None, None, None, None)

    assert not any(difference(reason).is_explained for reason in UNEXPLAINED)
    assert difference("cut_off").is_explained


@pytest.mark.parametrize(
    ("due", "resolved", "days"),
    [
        ("2026-11-24T16:59:59.999999Z", "2026-11-24T17:00:00Z", 1),  # either side of midnight in Vietnam
        ("2026-11-24T17:00:00Z", "2026-11-25T16:59:59Z", 0),
        ("2024-02-28T02:00:00Z", "2024-03-01T02:00:00Z", 2),  # over a leap day
        (None, "2026-11-25T02:00:00Z", None),
        ("2026-11-25T02:00:00Z", None, None),
    ],
)
def test_days_over_are_calendar_days_of_vietnam(due, resolved, days):
    at = [None if each is None else datetime.fromisoformat(each) for each in (due, resolved)]
    assert CountedDossier("H1", "H32", "1.1", None, at[0], at[1], None).days_over == days
