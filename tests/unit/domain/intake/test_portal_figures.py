"""Test the comparison of the national portal's figures with ours: what differs, by how much, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.intake.portal_figures import CountedDossiers, PortalFigures, compare

START = datetime(2026, 11, 25, 3, tzinfo=UTC)


def at(hour):
    return START + timedelta(hours=hour)


def given(hour, received, resolved=0, returned=None, agency="A", period="2026-11-24"):
    return PortalFigures(hour, agency, period, received, resolved, returned, "hoa", at(hour), "x.csv", 2, None)


def counted(hour, received, resolved=0, returned=0, agency="A", period="2026-11-24"):
    return CountedDossiers(hour, at(hour), period, agency, received, resolved, returned)


@pytest.mark.parametrize(
    ("theirs", "ours", "difference", "since"),
    [
        ([(1, 10)], [(0, 10)], 0, None),
        ([(1, 12)], [(0, 10)], 2, 1),
        ([(0, 8)], [(1, 10)], -2, 1),
        ([(0, 8), (3, 10)], [(1, 10)], 0, None),
        ([(0, 8), (2, 10), (4, 9)], [(1, 10)], -1, 4),
        ([(0, 10)], [(1, 10), (2, 11)], -1, 2),
        # A clock that was set back must not hide a difference.
        ([(5, 10), (3, 12)], [(1, 10)], 2, 5),
        ([(0, 12)], [], 0, None),
    ],
)
def test_difference_stands_since_the_two_began_to_differ_without_a_break(theirs, ours, difference, since):
    """A difference begins when our figure and the portal's figure last became different."""
    (found,) = compare([given(*each) for each in theirs], [counted(*each) for each in ours])
    received = found.figures[0]
    assert (received.figure, received.difference) == ("received", difference)
    assert received.since == (None if since is None else at(since))
    assert found.differs == bool(difference)
    assert received.ours == (ours[-1][1] if ours else None)


def test_each_agency_and_period_is_compared_with_its_own_and_what_differs_comes_first():
    """A figure is compared with our figure of the same agency and period. Figures that differ come first."""
    found = compare(
        [given(0, 1), given(1, 5, agency="B"), given(2, 7, period="2026-11"), given(3, 6, agency="B")],
        [counted(0, 1), counted(1, 7, period="2026-11"), counted(2, 9, agency="B"), counted(3, 99, agency="C")],
    )
    assert [(each.newest.agency_code, each.newest.period, each.figures[0].difference) for each in found] == [
        ("B", "2026-11-24", -3),
        ("A", "2026-11", 0),
        ("A", "2026-11-24", 0),
    ]
    assert found[0].former == given(1, 5, agency="B")
    assert [each.replaced for each in found[0].figures] == [5, None], (
        "only the figure of received dossiers was replaced"
    )


def test_what_the_file_does_not_say_is_not_compared():
    """A figure that the portal's file leaves out must not be reported as a difference."""
    (silent,) = compare([given(0, 1, 2)], [counted(0, 1, 2, 9)])
    (told,) = compare([given(0, 1, 2, 8)], [counted(0, 1, 2, 9)])
    assert [each.figure for each in silent.figures] == ["received", "resolved"]
    assert not silent.differs
    assert [(each.figure, each.difference) for each in told.figures][2:] == [("returned", -1)]
