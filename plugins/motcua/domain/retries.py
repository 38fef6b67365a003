"""How long to wait before the same is tried again. Pure: chance is given."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_DOUBLED_AT_MOST: Final = 12
"""No wait is more than 4,096 times the first one, and no number of tries is too large to count with."""


def doubled_wait(tries: int, first: timedelta, longest: timedelta) -> timedelta:
    """The wait after so many tries in vain, 1 at least: the first one, then each time twice as long, up to the
    longest."""
    return min(longest, first * (1 << min(tries - 1, _DOUBLED_AT_MOST)))


def retry_wait(tries: int, first: timedelta, longest: timedelta, *, chance: float, asked: float | None) -> timedelta:
    """The wait of one of many that failed together: a quarter less to a quarter more than the doubled wait, so that a
    crowd does not come back at once, and never less than was asked for.

    Args:
        tries: in vain so far, 1 at least.
        first: wait after the first of them.
        longest: before it is spread.
        chance: from 0 to 1, drawn anew for each.
        asked: seconds that the other side wants to be left alone; ``None``: it did not say.
    """
    return max(doubled_wait(tries, first, longest) * (0.75 + chance / 2), timedelta(seconds=asked or 0))
