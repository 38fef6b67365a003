"""Decide when the access and refresh tokens of a provider must be renewed. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

_RENEWED_AFTER = 0.75
"""The access token is renewed when this share of its life is over. The remaining quarter leaves time to try again and
to ask a person for help."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and its refresh token.

    A refresh token can be exchanged once for the next pair. Both tokens are secrets and are left out of ``repr``.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    renewed_at: datetime
    access_until: datetime
    refresh_until: datetime

    def lets_in(self, now: datetime) -> bool:
        """Return whether the access token is still valid."""
        return now < self.access_until

    def are_due(self, now: datetime) -> bool:
        """Return whether the tokens should be renewed now."""
        return now >= self.renewed_at + (self.access_until - self.renewed_at) * _RENEWED_AFTER
