"""What one examination knows and has found; each check adds to it, and one that breaks stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from motcua.domain.checks import Finding
from motcua.jobs.doctor.installation import Installation
from motcua.settings import Settings
from motcua.store.ledger.database import Connection

STATEMENT_WITHIN = 20.0
"""Seconds that a statement of the doctor's may take."""

Needs: TypeAlias = Literal["nothing", "running", "ledger", "schema", "airflow"]
"""``running``: an environment, not files; ``ledger``: that it answers; ``schema``: that it is of this version, too."""

Found: TypeAlias = Iterable[Finding]


@dataclass(slots=True)
class Examination:
    """One look at an installation."""

    installation: Installation
    settings: Settings
    now: datetime
    ledger: Connection | None = None
    """``None``: it does not answer."""
    sessions: dict[str, Connection] = field(default_factory=dict)
    """One of each role that was let in, by its connection."""
    schema_is_ours: bool = False
    airflow: Any = None
    """A session of SQLAlchemy's on Airflow's database; ``None``: it does not answer, or is of another version."""
    unusable: set[str] = field(default_factory=set)
    """Connections that something was already found about: whatever they lead to is not tried."""
    closers: list[Callable[[], object]] = field(default_factory=list)

    @property
    def open_ledger(self) -> Connection:
        """The ledger, which is there: a check that needs it is not asked otherwise."""
        assert self.ledger is not None
        return self.ledger

    def has(self, needs: Needs) -> bool:
        """Whether there is what a check needs."""
        if needs == "nothing":
            return True
        if self.installation.of_files:
            return False
        return {
            "running": True,
            "ledger": self.ledger is not None,
            "schema": self.schema_is_ours,
            "airflow": self.airflow is not None,
        }[needs]

    def close(self) -> None:
        """Gives back what was opened."""
        while self.closers:
            self.closers.pop()()


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is looked at."""

    name: str
    """In words: it stands in the list of what was not looked at."""
    needs: Needs
    look: Callable[[Examination], Found]
    hourly: Literal["", "files", "ledger"] = ""
    """Where it changes while everything runs: the watch asks it each hour, too."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an examination gave."""

    findings: tuple[Finding, ...]
    not_looked_at: tuple[tuple[str, tuple[str, ...]], ...]
    """Why, and which checks."""
    looked_at: int
    """Checks."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


_MOST_NAMES = 5


def some(names: Sequence[str]) -> str:
    """The first names of what may be many, for a finding's detail."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
