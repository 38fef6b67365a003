"""What a run is bound to: a backfill to its data interval, every other run to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Window:
    """Messages whose event was recorded in [start, end); both empty: all messages."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, recorded_at: datetime) -> bool:
        """Whether the window holds what was recorded then."""
        return (self.start is None or recorded_at >= self.start) and (self.end is None or recorded_at < self.end)

    @property
    def bounds(self) -> dict[str, datetime | None]:
        """As parameters of a statement."""
        return {"start": self.start, "end": self.end}


EVERYTHING = Window()
