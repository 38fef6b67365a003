"""Define the window of a run: a backfill handles only messages of its data interval, any other run all messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NEVER = datetime(8999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The messages whose event was recorded in [start, end). A bound that is ``None`` sets no limit."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, recorded_at: datetime) -> bool:
        """Return whether the window includes an event that was recorded at this time."""
        return (self.start is None or recorded_at >= self.start) and (self.end is None or recorded_at < self.end)

    def after(self, moment: datetime) -> Window:
        """Return the part of the window after a moment."""
        start = moment + timedelta(microseconds=1)
        return Window(start if self.start is None else max(start, self.start), self.end or _NEVER)

    @property
    def bounds(self) -> dict[str, datetime | None]:
        """Return the bounds as parameters of an SQL statement."""
        return {"start": self.start, "end": self.end}


EVERYTHING = Window()
