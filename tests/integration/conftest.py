"""What the integration tests share."""

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
from motcua.store.ledger.database import close_ledger_pool
from tests.ground import Server, gateway_connection


@pytest.fixture
def gateway(configure: Callable[..., None]) -> Iterator[ScriptedGateway]:
    """A gateway on loopback behind sms_kannel, four requests at once."""
    scripted = ScriptedGateway()
    configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(scripted.port, concurrency=4, answer_timeout=1.0))
    yield scripted
    scripted.close()


Value = TypeVar("Value")


@dataclass(frozen=True)
class Kept:
    """A ledger and a folder of publications, as they were once made."""

    database: str
    folder: Path
    value: Any


@pytest.fixture(scope="module")
def kept(postgres: Server) -> Iterator[dict[str, Kept]]:
    """What the module's tests start from, by name."""
    found: dict[str, Kept] = {}
    yield found
    for each in found.values():
        postgres.drop_database(each.database)


@pytest.fixture
def made_once(
    postgres: Server, ledger: str, kept: dict[str, Kept], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path, Callable[[], Value]], Value]:
    """Makes what many tests start from in the first of them; later ones get a copy of ledger and folder.

    No connection to the ledger may be open but those of its pool.
    """

    def made(name: str, folder: Path, make: Callable[[], Value]) -> Value:
        database = str(conninfo_to_dict(ledger)["dbname"])
        if name in kept:
            close_ledger_pool()
            postgres.drop_database(database)
            postgres.copy_database(kept[name].database, database)
            shutil.copytree(kept[name].folder, folder)
        else:
            value = make()
            close_ledger_pool()
            kept[name] = Kept(f"kept_{name}_{database}", tmp_path_factory.mktemp(name) / "folder", value)
            postgres.copy_database(database, kept[name].database)
            shutil.copytree(folder, kept[name].folder)
        return copy.deepcopy(kept[name].value)

    return made


@pytest.fixture
def messages(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[], list[tuple[str, str, str]]]:
    """Kind, dossier and state of all messages."""

    def found() -> list[tuple[str, str, str]]:
        return [
            (row["kind"], row["dossier_code"], row["state"])
            for row in rows(
                "SELECT m.kind, d.dossier_code, m.state FROM motcua.messages AS m"
                " JOIN motcua.dossiers AS d USING (dossier_id) ORDER BY d.dossier_code, m.message_id"
            )
        ]

    return found
