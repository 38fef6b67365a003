"""What an installation is told: by its files, before anything runs, or by the environment of whoever looks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

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


def of_environment(environment: Mapping[str, str] | None = None) -> Installation:
    """What the process that looks was given."""
    return Installation({ENVIRONMENT: dict(os.environ if environment is None else environment)})


def of_folder(folder: Path) -> Installation:
    """What the files beside docker-compose.yaml say; one that is missing says nothing."""
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
        read = dotenv_values(stream=StringIO(text), interpolate=False)
        given[file] = {name: value or "" for name, value in read.items()}
    return Installation(given, folder, unreadable)
