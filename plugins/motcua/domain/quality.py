"""What a quality check says, and of what: in the ledger as in reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

CheckStatus: TypeAlias = Literal["checked", "broken"]
"""broken: the check itself failed; it says nothing about the data, neither green nor bad."""
Dimension: TypeAlias = Literal["agency", "procedure", "desk_user"]
"""Whose dossiers of an agency are told apart: all, those of a procedure, those of a desk user."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How fresh and how whole one source was at a check."""

    source: str
    picked_up_at: datetime | None
    last_transition_at: datetime | None
    quarantined: int
    failing: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who accepted a finding, why and for how long."""

    acknowledged_by: str
    why: str
    until: date
    """Last day on which it holds."""
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True)
class TextableShare:
    """Dossiers of a month whose phone may be texted, of an agency, or of one procedure or desk user there."""

    agency_code: str
    dimension: Dimension
    key: str
    """Procedure code, pseudonym of the desk user (``CB-7f3a09c2``), or empty for the agency."""
    name: str
    """The procedure's name, or the same as ``key``."""
    month: date
    dossiers: int
    textable: int
    previous_dossiers: int
    previous_textable: int
    agency_name: str
    """In force on the day of the check."""

    @property
    def share(self) -> float | None:
        """Between 0 and 1."""
        return self.textable / self.dossiers if self.dossiers else None

    @property
    def previous_share(self) -> float | None:
        """Of the month before."""
        return self.previous_textable / self.previous_dossiers if self.previous_dossiers else None
