"""What an installation is told, by its files before anything runs or by the environment of whoever looks; and what one
examination of it knows and has found: each check adds to it, and one that breaks stops no other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, Literal, TypeAlias

from dotenv import dotenv_values

from motcua.domain.checks import Finding
from motcua.settings import Settings
from motcua.store.ledger.database import Connection
from motcua.store.ledger.environment import GivenConnection, read_connection

DOT_ENV, SETTINGS, MAIL, SOURCES, GATEWAYS, STORE, CALLBACKS = (
    ".env",
    "settings.env",
    "mail.env",
    "sources.env",
    "gateways.env",
    "store.env",
    "callbacks.env",
)
FILES = (DOT_ENV, SETTINGS, MAIL, SOURCES, GATEWAYS, STORE, CALLBACKS)
"""In the order in which Compose gives them to what sends; the callbacks get the last and the settings."""
OPTIONAL = frozenset({STORE})
"""What need not be there: without a store of publications."""
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, and where it stands."""

    file: str
    name: str
    value: str

    @property
    def where(self) -> str:
        """``mail.env: MOTCUA_WATCH_RECIPIENTS``."""
        return f"{self.file}: {self.name}"


@dataclass(frozen=True, slots=True)
class Installation:
    """Variables by the file that they stand in."""

    given: Mapping[str, Mapping[str, str]]
    folder: Path | None = None
    """Where the files stand; ``None``: it is an environment."""
    unreadable: Mapping[str, str] | None = None
    """Files that are there and cannot be read, each with why."""
    machine: Path = Path("/")
    """Where the root of the machine that the folder is on is seen."""

    @property
    def of_files(self) -> bool:
        """Whether only files are known: then nothing can be asked over the network, whose names are Compose's."""
        return self.folder is not None

    def all(self) -> Iterator[Variable]:
        """Every variable, as often as it stands somewhere."""
        for file, variables in self.given.items():
            for name, value in variables.items():
                yield Variable(file, name, value)

    def find(self, name: str) -> Variable | None:
        """A variable as what sends is given it: of two files the later one holds."""
        found = [each for each in self.all() if each.name == name and each.file != CALLBACKS]
        return found[-1] if found else None

    def value(self, name: str) -> str:
        """Its value without blanks around it; empty where it is not set."""
        found = self.find(name)
        return found.value.strip() if found else ""

    def where(self, name: str, file: str) -> str:
        """Where a variable stands, or where it should."""
        found = self.find(name)
        return found.where if found else f"{file if self.of_files else ENVIRONMENT}: {name}"

    def connection(self, conn_id: str) -> GivenConnection | None:
        """A connection as what sends is given it; ``None``: not set, or not to be read."""
        return read_connection(self.value(variable_of(conn_id)))


def variable_of(conn_id: str) -> str:
    """``AIRFLOW_CONN_SMS_KANNEL`` of ``sms_kannel``."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def of_environment() -> Installation:
    """What the process that looks was given."""
    return Installation({ENVIRONMENT: dict(os.environ)})


def of_folder(folder: Path, machine: Path = Path("/")) -> Installation:
    """What the files beside docker-compose.yaml say; one that is missing says nothing.

    ``machine``: where the root of the machine that they are on is seen.
    """
    given: dict[str, dict[str, str]] = {}
    unreadable: dict[str, str] = {}
    for file in FILES:
        path = folder / file
        if not path.exists():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            unreadable[file] = getattr(error, "strerror", None) or "it is no text in UTF-8"
            continue
        given[file] = read_variables(text)
    return Installation(given, folder, unreadable, machine)


def read_variables(text: str) -> dict[str, str]:
    """The variables of a file's text."""
    read = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in read.items()}


# --- The examination --------------------------------------------------------------------------------------------------

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
