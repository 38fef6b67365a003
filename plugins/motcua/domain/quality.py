"""Define the data classes of a quality check: its run, its sources and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

CheckStatus: TypeAlias = Literal["checked", "broken"]
"""``checked``: the check ended. ``broken``: the check itself failed, so the state of the data is unknown."""
Dimension: TypeAlias = Literal["agency", "procedure", "desk_user"]
"""The dossiers that a figure counts: all dossiers of an agency, or those of one procedure or of one desk user (the
account that entered the dossiers)."""


@dataclass(frozen=True, slots=True)
class Run:
    """One stored and sealed run of the quality rules."""

    run_no: int
    """The run's number. Later runs have higher numbers. The link to the run's page contains it and stays valid."""
    run_id: str
    """Id of the DAG run, or the name that was given to a check by hand."""
    as_of: datetime
    """The moment that the rules used as "now"."""
    day: date
    working_day: bool
    """``True`` if at least one agency worked that day. If no agency worked, nothing is mailed, and the mail of the next
    working day covers this day."""
    since: date
    """First day of the earliest month that the rules examined."""
    data_as_of: datetime | None
    """The oldest of the times at which each source was last read. ``None`` if no source was ever read."""
    rules: Sequence[Mapping[str, Any]]
    """The rules of the run, each with its ``code, severity, owner, level, digest``."""
    thresholds: Mapping[str, float]
    """The thresholds of the rules, by ``<code>.<name>``."""
    dossiers: int
    """Number of dossiers that were checked."""
    findings: int
    broken: int
    """Number of rules that could not be checked, plus the number of agencies whose data could not be read."""
    content_hash: str
    """SHA-256 over the counts and row ids that the run found. Equal data give an equal hash."""
    previous_seal: str
    seal: str
    """SHA-256 over the previous run's seal and this run's facts. Empty until the run has ended."""
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """How recently one source was read before a check, and how complete its data were."""

    source: str
    picked_up_at: datetime | None
    last_transition_at: datetime | None
    quarantined: int
    failing: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A person's acceptance of a finding: who, why and until when."""

    acknowledged_by: str
    why: str
    until: date
    """Last day on which the acceptance is valid."""
    acknowledged_at: datetime


@dataclass(frozen=True, slots=True)
class TextableShare:
    """The share of a month's dossiers whose citizens can be texted: of an agency, or of one procedure or desk user."""

    agency_code: str
    dimension: Dimension
    key: str
    """The procedure's code, or the desk user's pseudonym (``CB-7f3a09c2``). Empty for the whole agency."""
    name: str
    """Name of the procedure, or the same text as ``key``."""
    month: date
    dossiers: int
    textable: int
    previous_dossiers: int
    previous_textable: int
    agency_name: str
    """The agency's name on the day of the check."""

    @property
    def share(self) -> float | None:
        """Return the share, between 0 and 1; ``None`` if there were no dossiers."""
        return self.textable / self.dossiers if self.dossiers else None

    @property
    def previous_share(self) -> float | None:
        """Return the share of the month before, between 0 and 1; ``None`` if there were no dossiers."""
        return self.previous_textable / self.previous_dossiers if self.previous_dossiers else None
