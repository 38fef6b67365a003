"""Tokens that a provider lets us in by, and gives anew: when the next are due. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

_RENEWED_AFTER = 0.75
"""Of an access token's life: the last quarter is for trying again, and for a person."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and the refresh token that gives the next two, once. Secrets, whose values nothing shows."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renewed_at: datetime
    access_until: datetime
    refresh_until: datetime

    def lets_in(self, now: datetime) -> bool:
        """Whether the access token is good still."""
        return now < self.access_until

    def are_due(self, now: datetime) -> bool:
        """Whether they should be renewed."""
        return now >= self.renewed_at + (self.access_until - self.renewed_at) * _RENEWED_AFTER
