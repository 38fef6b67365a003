"""Define the time zone of Vietnam, and compare times that this server's clock gave.

Every day, month and evening is counted in Vietnam's time zone, wherever the server is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def is_longer_ago(at: datetime, pause: timedelta, now: datetime) -> bool:
    """Return whether a stored time is at least ``pause`` ago, or as far in the future.

    A time in the future was stored while the clock was ahead. Such a time must not delay the next action until the
    clock reaches it.
    """
    return abs(now - at) >= pause
