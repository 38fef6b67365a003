"""How much is taken at once, and how often: whoever floods the intake holds nobody else up."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of one body."""
LARGE: Final = 256 * 1024
"""Bytes: larger bodies are worked on one after the other, so that the memory stays flat."""
_AT_ONCE: Final = 96 * 1024 * 1024
"""Bytes of all bodies that are being read or worked on."""
_FOR_SMALL_ONES: Final = 32 * 1024 * 1024
"""Bytes more that only small bodies may fill: large ones must not keep them out."""
MOST_RECORDS: Final = 20_000
"""Of one call."""
_MOST_KEYS: Final = 10_000


class Rate:
    """So many calls of one key in a minute."""

    def __init__(self, most: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._minute = 0
        self._calls: dict[Hashable, int] = {}

    def is_over(self, key: Hashable) -> bool:
        """Whether the key has none left."""
        self._begin_minute()
        # With that many keys none is one of ours any more: all are told to come later.
        return self._calls.get(key, 0) >= self._most() or (key not in self._calls and len(self._calls) >= _MOST_KEYS)

    def count(self, key: Hashable) -> None:
        """One call more."""
        self._begin_minute()
        if key in self._calls or len(self._calls) < _MOST_KEYS:
            self._calls[key] = self._calls.get(key, 0) + 1

    def _begin_minute(self) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._calls.clear()


class Room:
    """Bytes of bodies that are in memory now. For one thread."""

    def __init__(self, most: int = _AT_ONCE) -> None:
        self._most, self._held = most, 0

    def take(self, size: int, of_body: int) -> bool:
        """Whether there was room for a piece of a body that is so large by now; then it must be given back."""
        if self._held + size > self._most + (_FOR_SMALL_ONES if of_body <= LARGE else 0):
            return False
        self._held += size
        return True

    def give_back(self, size: int) -> None:
        """They are not in memory any more."""
        self._held -= size
