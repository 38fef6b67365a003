"""Test the step numbers of a source that restarted its numbering.

Each step has its own number in the ledger, and new numbers are higher than all numbers that were read before.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.dossiers import SourceTransition
from motcua.domain.numbering import KnownStep, Numbering, Numbers, began_anew, doubtful

T0 = datetime(2026, 11, 25, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def row(number: int, at: datetime, code: str = "A-1", occurred: datetime | None = None) -> SourceTransition:
    return SourceTransition(number, "H32.30", code, 4, False, occurred or at, at)


def step(number: int, at: datetime, code: str = "A-1", picked_up_at: datetime | None = None) -> KnownStep:
    return KnownStep(number, code, at, at, picked_up_at or at + MINUTE)


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 2**50)), min_size=1, max_size=5),
    st.integers(0, 2**50),
    st.integers(0, 10**7),
)
def test_each_number_of_the_ledger_is_unique_and_leads_back_to_the_sources_number(beginnings, highest, minutes):
    """A step's number in the ledger is unique and stable, and the source's number can be computed from it."""
    numbers, at = Numbers(), T0
    for after, read in beginnings:
        at += after * MINUTE
        added = numbers.next_added(numbers.added + max(highest, read))
        assert added > numbers.added + max(highest, read), "new numbers must come after all numbers that were read"
        numbers = Numbers([*numbers.numberings, Numbering(at, added)])
    recorded = T0 + minutes * MINUTE
    of_source = min(highest, numbers.numberings[0].added - 1)
    ours = numbers.ours(of_source, recorded)
    assert numbers.at_source(ours) == of_source
    assert numbers.ours(ours, recorded) == ours, "a number of the ledger must be recognised and stay the same"
    assert ours in numbers.all_of(of_source)
    later = numbers.ours(of_source, at)
    assert later >= ours


def test_source_that_never_began_anew_has_its_own_numbers():
    numbers = Numbers()
    for number in (-5, 0, 7, 2**62, 2**63 - 1):
        assert numbers.ours(number, T0) == numbers.at_source(number) == number
        assert numbers.all_of(number) == [number]


LATER = T0 + timedelta(hours=1)
KNOWN = {each.number: each for each in (step(1, T0), step(2, T0 + MINUTE, "A-2"), step(900, T0 + 5 * MINUTE))}
NEWEST = [KNOWN[900], KNOWN[2], KNOWN[1]]
READ = T0 + 5 * MINUTE
AS_IT_WAS = [row(900, READ)]


@pytest.mark.parametrize(
    ("rows", "there", "begun"),
    [
        ([row(1, LATER)], [], LATER),
        ([row(1, LATER), row(2, LATER - MINUTE)], [row(1, LATER)], LATER - MINUTE),
        ([row(1, LATER)], AS_IT_WAS, None),
        ([row(2, LATER)], AS_IT_WAS, LATER),
        ([row(3, LATER)], AS_IT_WAS, None),
        ([row(3, LATER)], [], LATER),
        ([row(3, LATER), row(901, LATER)], AS_IT_WAS, None),
        ([row(899, LATER)], AS_IT_WAS, None),
        ([row(3, T0 + 4 * MINUTE)], [], None),
        ([row(901, LATER)], [], None),
        ([row(1, LATER, occurred=T0)], [], None),
        ([row(1, T0)], [], None),
        ([row(2, READ)], [*AS_IT_WAS, row(2, T0 + MINUTE), row(2, READ)], None),
        ([row(2, LATER)], [*AS_IT_WAS, row(2, T0 + MINUTE), row(2, LATER)], LATER),
        ([row(2, READ)], AS_IT_WAS, READ),
    ],
    ids=[
        "another step of the same dossier, and none of the old ones", "the earliest of several", "edited",
        "the number of another dossier's, beside the old ones", "low, between others", "unknown, and no old ones",
        "out of order",
        "a late commit", "an earlier one that was left out", "one that comes next", "edited but for its day",
        "as it was", "shown twice when it was read", "beside another dossier's, later than what was read",
        "another dossier's in its place",
    ],
)  # fmt: skip
def test_numbers_begin_anew_where_the_old_steps_are_gone_or_the_numbers_anothers(rows, there, begun):
    """Known numbers with new steps prove a restart if the old steps are gone or the new steps are of other dossiers."""
    doubts = doubtful(rows, KNOWN, 900, READ)
    assert (began_anew(doubts, KNOWN, NEWEST, there, READ, 1) if doubts else None) == begun


@pytest.mark.parametrize(("lowest", "begun"), [(900, LATER), (104, LATER), (103, None), (3, None)])
def test_numbers_begin_anew_where_one_is_far_below_all_others(lowest, begun):
    doubts = doubtful([row(3, LATER)], {900: KNOWN[900]}, 900, READ)
    assert began_anew(doubts, {900: KNOWN[900]}, [KNOWN[900]], AS_IT_WAS, READ, lowest) == begun


def test_time_of_reading_tells_nothing_of_a_step():
    """A known step whose time is only the time of reading must not prove that the source restarted its numbering."""
    known = {1: step(1, T0, picked_up_at=T0)}
    assert doubtful([row(1, LATER)], known, 1, T0) == []
