"""Read the variables of an installation, and define the state of one examination of it.

Variables come from the installation's files, before anything runs, or from the environment of this process. Checks
store objects for later checks in the examination, such as open connections. A check that fails does not stop other
ones.
"""

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
"""The files that hold variables, in the order in which Compose gives them to senders. Senders do not get the last file.
The callbacks app gets settings.env and the last file."""
OPTIONAL = frozenset({STORE})
"""Files that may be missing; STORE is needed only for a separate store of publications."""
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, and the file that holds it."""

    file: str
    name: str
    value: str

    @property
    def where(self) -> str:
        """The place as findings show it, such as ``mail.env: MOTCUA_WATCH_RECIPIENTS``."""
        return f"{self.file}: {self.name}"


@dataclass(frozen=True, slots=True)
class Installation:
    """The variables of an installation, by the file that holds them."""

    given: Mapping[str, Mapping[str, str]]
    folder: Path | None = None
    """The folder of the files. ``None`` if the variables come from an environment."""
    unreadable: Mapping[str, str] | None = None
    """Files that exist and cannot be read, each with the reason."""
    machine: Path = Path("/")
    """Path at which this process sees the root folder of the machine that holds ``folder``."""

    @property
    def of_files(self) -> bool:
        """Whether the variables come from files. In this case no check can use the network, because the host names in
        the files are known only to the containers of Compose."""
        return self.folder is not None

    def all(self) -> Iterator[Variable]:
        """Yield every variable, once for each file that holds it."""
        for file, variables in self.given.items():
            for name, value in variables.items():
                yield Variable(file, name, value)

    def find(self, name: str) -> Variable | None:
        """Return a variable as senders get it: if several files set it, the last file counts. ``None`` if it is not
        set."""
        found = [each for each in self.all() if each.name == name and each.file != CALLBACKS]
        return found[-1] if found else None

    def value(self, name: str) -> str:
        """Return the value of a variable without surrounding blanks; empty if the variable is not set."""
        found = self.find(name)
        return found.value.strip() if found else ""

    def where(self, name: str, file: str) -> str:
        """Return the place of a variable, or the place where it should be set."""
        found = self.find(name)
        return found.where if found else f"{file if self.of_files else ENVIRONMENT}: {name}"

    def connection(self, conn_id: str) -> GivenConnection | None:
        """Return an Airflow connection as senders get it. ``None`` if it is not set or cannot be read."""
        return read_connection(self.value(variable_of(conn_id)))


def variable_of(conn_id: str) -> str:
    """Return the variable that holds a connection: ``AIRFLOW_CONN_SMS_KANNEL`` for ``sms_kannel``."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def of_environment() -> Installation:
    """Return the installation that this process's environment describes."""
    return Installation({ENVIRONMENT: dict(os.environ)})


def of_folder(folder: Path, machine: Path = Path("/")) -> Installation:
    """Read the variables of the files beside docker-compose.yaml. Missing files are skipped.

    Args:
        folder: the folder of the files.
        machine: path at which this process sees the root folder of the machine that holds the files.
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
    """Parse the variables in a file's text."""
    read = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in read.items()}


# --- The examination --------------------------------------------------------------------------------------------------

STATEMENT_WITHIN = 20.0
"""Seconds that an SQL statement of the doctor may take."""

Needs: TypeAlias = Literal["nothing", "running", "ledger", "schema", "airflow"]
"""Precondition of a check.

``running``: the variables come from an environment, not from files; ``ledger``: the ledger answers; ``schema``: the
ledger also has this release's migrations; ``airflow``: Airflow's database answers.
"""

Found: TypeAlias = Iterable[Finding]


@dataclass(slots=True)
class Examination:
    """The state of one run of the doctor's checks on an installation."""

    installation: Installation
    settings: Settings
    now: datetime
    ledger: Connection | None = None
    """The connection to the ledger. ``None`` if the ledger does not answer."""
    sessions: dict[str, Connection] = field(default_factory=dict)
    """One open session for each connection that the ledger accepted, by the id of the connection."""
    schema_is_ours: bool = False
    airflow: Any = None
    """An SQLAlchemy session on Airflow's database. ``None`` if the database does not answer or is of another
    release."""
    unusable: set[str] = field(default_factory=set)
    """Names of connections, callbacks (as ``callback kannel``) and stores in which an earlier check found a fault.
    Later checks do not use them."""
    closers: list[Callable[[], object]] = field(default_factory=list)

    @property
    def open_ledger(self) -> Connection:
        """The connection to the ledger. Checks that need the ledger are not run without one."""
        assert self.ledger is not None
        return self.ledger

    def has(self, needs: Needs) -> bool:
        """Return whether the precondition of a check is met in this examination."""
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
        """Close connections and sessions that checks opened."""
        while self.closers:
            self.closers.pop()()


@dataclass(frozen=True, slots=True)
class Question:
    """One check of the doctor."""

    name: str
    """The check's name in words, for the list of checks that were not run."""
    needs: Needs
    look: Callable[[Examination], Found]
    hourly: Literal["", "files", "ledger"] = ""
    """The group with which the watch runs this check each hour, because the check's result may change while the system
    runs: checks of files, or checks of the ledger. Empty if only the doctor runs this check."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of an examination."""

    findings: tuple[Finding, ...]
    not_looked_at: tuple[tuple[str, tuple[str, ...]], ...]
    """Reasons, each with the names of the checks that were not run for this reason."""
    looked_at: int
    """Number of checks that were run."""

    @property
    def is_whole(self) -> bool:
        """Whether no fault was found."""
        return not self.findings


_MOST_NAMES = 5


def some(names: Sequence[str]) -> str:
    """Return the first names of a list and the number of the remaining ones, for a finding's detail."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
