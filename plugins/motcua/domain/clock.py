"""The clock of Vietnam: what is a day, a month or an evening is said by it, wherever the server stands."""

from __future__ import annotations

from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
