"""Fixtures that the integration tests share."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from psycopg.conninfo import conninfo_to_dict

from motcua.sandbox.network.scripted import ScriptedGateway
from tests.given_ledgers import Template, given_ledger
from tests.ground import gateway_connection


@pytest.fixture
def gateway(configure: Callable[..., None]) -> Iterator[ScriptedGateway]:
    """Start a scripted gateway on loopback. The connection ``sms_kannel`` names it and allows four requests at once."""
    scripted = ScriptedGateway()
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(scripted.port, concurrency=4, answer_timeout=1.0))
    yield scripted
    scripted.close()


Value = TypeVar("Value")


@dataclass(frozen=True)
class Kept:
    """A prepared state from which tests start: the rows of a ledger, a folder, and the value that ``make`` returned."""

    rows: Template
    folder: Path
    value: Any


@pytest.fixture(scope="module")
def kept() -> dict[str, Kept]:
    """Return the prepared states of the module's tests, by name. The dictionary is empty at first."""
    return {}


@pytest.fixture
def made_once(
    ledger: str, kept: dict[str, Kept], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path, Callable[[], Value]], Value]:
    """Return a function that prepares a state once for all tests of the module.

    The first test that asks for a name runs ``make``. Each later test gets copies of the ledger, the folder and the
    value that ``make`` returned.
    """

    def made(name: str, folder: Path, make: Callable[[], Value]) -> Value:
        given = given_ledger(str(conninfo_to_dict(ledger)["dbname"]))
        if name in kept:
            given.become(kept[name].rows)
            shutil.copytree(kept[name].folder, folder)
        else:
            value = make()
            kept[name] = Kept(given.as_it_is(), tmp_path_factory.mktemp(name) / "folder", value)
            shutil.copytree(folder, kept[name].folder)
        return copy.deepcopy(kept[name].value)

    return made


@pytest.fixture
def messages(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[], list[tuple[str, str, str]]]:
    """Return a function that reads kind, dossier code and state of all messages from the ledger."""

    def found() -> list[tuple[str, str, str]]:
        return [
            (row["kind"], row["dossier_code"], row["state"])
            for row in rows(
                "SELECT m.kind, d.dossier_code, m.state FROM motcua.messages AS m"
                " JOIN motcua.dossiers AS d USING (dossier_id) ORDER BY d.dossier_code, m.message_id"
            )
        ]

    return found
