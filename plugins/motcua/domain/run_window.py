"""What a run is bound to: a backfill to its data interval, every other run to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NEVER = datetime(8999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """Messages whose event was recorded in [start, end); both empty: all messages."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, recorded_at: datetime) -> bool:
        """Whether the window holds what was recorded then."""
        return (self.start is None or recorded_at >= self.start) and (self.end is None or recorded_at < self.end)

    def after(self, moment: datetime) -> Window:
        """The part of it that lies after a moment."""
        start = moment + timedelta(microseconds=1)
        return Window(start if self.start is None else max(start, self.start), self.end or _NEVER)

    @property
    def bounds(self) -> dict[str, datetime | None]:
        """As parameters of a statement."""
        return {"start": self.start, "end": self.end}


EVERYTHING = Window()
