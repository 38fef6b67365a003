"""Test the window of a run: a backfill covers what was recorded in its interval, any other run covers everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.run_window import EVERYTHING, Window

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("window", "before", "at_start", "within", "at_end"),
    [
        (Window(START, END), False, True, True, False),
        (Window(start=START), False, True, True, True),
        (Window(end=END), True, True, True, False),
        (EVERYTHING, True, True, True, True),
    ],
)
def test_window_holds_its_start_and_not_its_end(window, before, at_start, within, at_end):
    moments = (START - INSTANT, START, END - INSTANT, END)
    assert [window.holds(moment) for moment in moments] == [before, at_start, within, at_end]


def test_bounds_are_the_parameters_that_statements_take():
    """A window without a start or end gives SQL statements ``None`` as this bound."""
    assert Window(START, END).bounds == {"start": START, "end": END}
    assert EVERYTHING.bounds == {"start": None, "end": None}


@pytest.mark.parametrize(
    ("window", "later"),
    [
        (Window(START, END), Window(START + INSTANT, END)),
        (Window(END), Window(END, datetime(8999, 1, 1, tzinfo=UTC))),
        (EVERYTHING, Window(START + INSTANT, datetime(8999, 1, 1, tzinfo=UTC))),
    ],
)
def test_of_a_window_what_lies_after_a_moment_begins_an_instant_later(window, later):
    """The part of a window after a moment excludes this moment itself."""
    assert window.after(START) == later
