"""What a quality check says, and of what: in the ledger as in reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

CheckStatus: TypeAlias = Literal["checked", "broken"]
"""broken: the check itself failed; it says nothing about the data, neither green nor bad."""
Dimension: TypeAlias = Literal["agency", "procedure", "desk_user"]
"""Whose dossiers of an agency are told apart: all, those of a procedure, those of a desk user."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it was written and sealed."""

    run_no: int
    """Our number, growing; in the stable link of a run."""
    run_id: str
    """The DAG run, or the hand that started it."""
    as_of: datetime
    """The moment that the rules took for now."""
    day: date
    working_day: bool
    """Some agency worked that day; else nothing is mailed, and the next working day's mail tells of it."""
    since: date
    """First day of the months looked at."""
    data_as_of: datetime | None
    """When the sources were last read; the oldest where they differ. None: never."""
    rules: Sequence[Mapping[str, Any]]
    """Of its suite: ``code, severity, owner, level, digest``."""
    thresholds: Mapping[str, float]
    """By ``<code>.<name>``."""
    dossiers: int
    """Checked."""
    findings: int
    broken: int
    """Checks that broke, and agencies whose part of the snapshot was broken."""
    content_hash: str
    """SHA-256 over counts and row ids; the same for the same data."""
    previous_seal: str
    seal: str
    """SHA-256 over the previous run's seal and this run's facts; empty: the check that makes it is not at its end."""
    sealed_at: datetime | None


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
