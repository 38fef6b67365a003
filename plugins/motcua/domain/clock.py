"""Define the time zone of Vietnam. Every day, month and evening is counted in this zone, wherever the server is."""

from __future__ import annotations

from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
