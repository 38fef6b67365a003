"""Fixtures of all tests: one embedded PostgreSQL for the session, and a migrated ledger and a source for each test."""

from __future__ import annotations

from tests.environment import take_away_at_exit  # isort: skip # before the first import of Airflow

import copy
import gc
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar

import hypothesis
import psycopg
import pytest
import typer.testing
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from motcua.jobs.notices.looking import Watcher
from motcua.jobs.uploads import reading
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.settings import include_dir, settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.ledger.locks import WATCHING, lock_holders
from motcua.store.ledger.provisioning import with_database
from tests import preloading
from tests.given_ledgers import (
    GivenLedger,
    Template,
    given_ledger,
    is_given,
    keep_no_connections,
    kept_by_tests,
)
from tests.ground import (
    MADE,
    MEMORY,
    SHARE,
    TWO_AGENCIES,
    OneStop,
    Server,
    connection_uri,
    freeze_rows,
    in_ledger,
    ledger_connections,
    memory_folder,
    server_with_ledger,
    until,
)
from tests.tiers import why_second

# Hypothesis must set no deadline, because a slow machine is no fault of the program.
hypothesis.settings.register_profile("motcua", deadline=None)
hypothesis.settings.load_profile("motcua")
# At a lower level, the mail servers of tests would log each line of each session, with addresses.
logging.getLogger("mail.log").setLevel(logging.WARNING)


def pytest_configure(config: pytest.Config) -> None:
    """Give the workers of this run a folder that they share, and start the process that loads the tests for them.

    A run without workers needs neither.
    """
    workers = " ".join(config.getoption("tx", None) or [])
    if workers and not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="motcua-shared-", dir=MEMORY if MEMORY.is_dir() else None)
        take_away_at_exit(folder)
        os.environ[SHARE] = folder
        if "preloading" in workers:
            os.environ[preloading.ADDRESS] = f"{folder}/preloaded"
            # Do not wait for the new process. It ends by itself when this process ends.
            subprocess.Popen(
                [sys.executable, "-c", "from tests.preloading import serve; serve()"],
                cwd=config.rootpath,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ``make test`` leaves to ``make test-all``, before ``-m`` selects by marks."""
    for item in items:
        file = item.path.relative_to(Path(__file__).parent).as_posix()
        if why_second(file, getattr(item, "originalname", item.name)):
            item.add_marker("second_tier")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from scanning loaded modules and eleven thousand tests again.

    Our apps run the garbage collector whenever they start, which took a second in each test that starts an app.
    """
    gc.collect()
    gc.freeze()
    gc.unfreeze = lambda: None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session in CI if a test was skipped: every program that a test needs is installed there."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("MOTCUA_CI") and skipped:
        reporter.write_line(f"{len(skipped)} test(s) skipped, which CI does not allow: see above.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def commands_put_together_once() -> Iterator[None]:
    """Build the hundred commands of ``motcua`` once for all tests: a build takes 70 ms and always gives the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Run the PostgreSQL server of the session, with a migrated ledger that tests copy."""
    with memory_folder() as folder, server_with_ledger(folder) as server:
        running = Server(server.admin_dsn)
        yield running
        running.admin.close()


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """Return the name of a migrated database that each test copies. Every template is registered at ``kannel``."""
    return MADE


@pytest.fixture(scope="session")
def with_agencies(postgres: Server, migrated: str) -> str:
    """Create a migrated database with two agencies, which tests of agencies copy, and return its name."""
    name = f"{migrated}_with_agencies"
    postgres.copy_database(migrated, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_MOTCUA_DB", connection_uri(postgres.admin_dsn, "motcua_app", name))
        in_ledger(save_agencies, TWO_AGENCIES, "tests")
    freeze_rows(with_database(postgres.admin_dsn, name))
    return name


@pytest.fixture(scope="session")
def given_ledgers(postgres: Server) -> Iterator[dict[str, GivenLedger]]:
    """Yield ledgers for the next tests, by the name of their template. Each has the content of its template."""
    ledgers: dict[str, GivenLedger] = {}
    yield ledgers
    for each in ledgers.values():
        each.let_go()
        postgres.drop_database(each.name)


def _log_position(postgres: Server) -> str:
    """Return the end of the server's write-ahead log. Two calls return the same if nobody wrote in between."""
    row = postgres.admin.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None
    return str(row[0])


def _is_unused(postgres: Server, name: str, but: list[int]) -> bool:
    others = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND pid <> ALL (%s)"
    # A closed connection stays in pg_stat_activity for a moment.
    for _ in range(20):
        if not postgres.admin.execute(others, [name, but]).fetchone():
            return True
        time.sleep(0.005)
    return False


_templates: dict[str, Template] = {}


def _fresh_ledger(postgres: Server, template: str) -> GivenLedger:
    name = postgres.fresh_database(template, "ledger")
    dsn = with_database(postgres.admin_dsn, name)
    if template not in _templates:
        with psycopg.connect(dsn, autocommit=True) as admin:
            _templates[template] = Template.of(admin)
    return GivenLedger(name, dsn, _templates[template])


_copied_from: dict[str, str] = {}
"""The template of each ledger that a test uses, by the ledger's DSN."""


@pytest.fixture
def ledger(
    request: pytest.FixtureRequest,
    postgres: Server,
    migrated: str,
    given_ledgers: dict[str, GivenLedger],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Give the test its own ledger and its own journal, and yield an administrator's DSN of the ledger.

    The environment variables have the connections to the ledger.
    """
    template = request.getfixturevalue("with_agencies") if "agencies" in request.fixturenames else migrated
    given = given_ledgers.pop(template, None) or _fresh_ledger(postgres, template)
    name, dsn = given.name, given.dsn
    _copied_from[dsn] = template
    before = _log_position(postgres)
    with memory_folder("motcua-journal-") as journal:
        monkeypatch.setenv("MOTCUA_JOURNAL", str(journal))
        settings.cache_clear()
        for variable, address in ledger_connections(postgres.admin_dsn, name).items():
            monkeypatch.setenv(variable, address)
        given.lend()
        yield dsn
        close_ledger_pool()
        given.take_back()
    if _is_unused(postgres, name, but=given.pids()) and (_log_position(postgres) == before or given.emptied()):
        given_ledgers[template] = given
    else:
        given.let_go()
        postgres.drop_database(name)
    settings.cache_clear()


Value = TypeVar("Value")


@dataclass(frozen=True)
class Kept:
    """A state from which tests start: the rows of a ledger, a folder, and what the function that made it returned."""

    rows: Template
    folder: Path | None
    value: Any


@pytest.fixture(scope="module")
def kept() -> dict[str, Kept]:
    """Return the prepared states of the module's tests, by name. The dictionary is empty at first."""
    return {}


@pytest.fixture
def made_once(
    ledger: str, kept: dict[str, Kept], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path | None, Callable[[], Value]], Value]:
    """Return a function that prepares a state once for all tests of the module.

    The first test that asks for a name runs ``make``. Each later test gets copies of the ledger, the folder and the
    value that ``make`` returned. The folder may be ``None``.
    """

    def made(name: str, folder: Path | None, make: Callable[[], Value]) -> Value:
        given = given_ledger(str(conninfo_to_dict(ledger)["dbname"]))
        if name in kept:
            given.become(kept[name].rows)
            copied = kept[name].folder
            if folder and copied:
                shutil.copytree(copied, folder)
        else:
            value = make()
            copied = tmp_path_factory.mktemp(name) / "folder" if folder else None
            kept[name] = Kept(given.as_it_is(), copied, value)
            if folder and copied:
                shutil.copytree(folder, copied)
        return copy.deepcopy(kept[name].value)

    return made


@pytest.fixture
def no_connections_kept(ledger: str) -> None:
    """Close connections after use and do not reuse them, for tests that count connections."""
    keep_no_connections()


@pytest.fixture
def agencies(ledger: str, with_agencies: str) -> None:
    """Save two agencies in the ledger: Nha Trang, and Tư pháp with accented texts.

    The ledger of a test that names this fixture is copied from a database that already has both agencies. The fixture
    saves them only if the ledger was made in another way.
    """
    if _copied_from.get(ledger) != with_agencies:
        in_ledger(save_agencies, TWO_AGENCIES, "tests")


@pytest.fixture(scope="session")
def emptied_one_stops(postgres: Server) -> Iterator[list[OneStop]]:
    """Yield one-stop databases without rows, for the next tests."""
    emptied: list[OneStop] = []
    yield emptied
    for each in emptied:
        postgres.drop_database(each.connection.info.dbname)


@pytest.fixture
def one_stop(
    postgres: Server,
    ledger: str,
    agencies: None,
    configure: Callable[..., None],
    emptied_one_stops: list[OneStop],
) -> Iterator[OneStop]:
    """Yield the source ``khanhhoa``, behind the connection ``onestop_khanhhoa``, with the source contract's views."""
    if emptied_one_stops:
        source = emptied_one_stops.pop()
    else:
        source = OneStop(with_database(postgres.admin_dsn, postgres.fresh_database("template0", "onestop")))
    name, pid = source.connection.info.dbname, source.connection.info.backend_pid
    uri = postgres_connection(with_database(postgres.admin_dsn, name))
    # NOW is a fixed day, but the first pick-up looks back from the real time.
    configure(MOTCUA_SOURCES="khanhhoa", AIRFLOW_CONN_ONESTOP_KHANHHOA=uri, MOTCUA_FIRST_LOOK_BACK="P9999D")
    yield source
    if _is_unused(postgres, name, but=[pid, *kept_by_tests()]) and source.emptied():
        emptied_one_stops.append(source)
    else:
        source.connection.close()
        postgres.drop_database(name)


@pytest.fixture
def watched(one_stop: OneStop) -> Iterator[None]:
    """Run a watcher, as the triggerer does.

    The watcher informs senders of unread rows, so that senders need not query the sources themselves.
    """
    stop = threading.Event()
    watching = threading.Thread(target=Watcher(lambda _: None, 0, 1).run, args=(stop,))
    watching.start()
    try:
        until(lambda: in_ledger(lock_holders, WATCHING))
        yield
    finally:
        stop.set()
        watching.join()


@pytest.fixture
def useful_for_years(configure: Callable[..., None]) -> None:
    """Keep messages useful for years.

    NOW is a fixed day, so a message of that day would be too late by the real clock.
    """
    configure(MOTCUA_USEFUL_FOR="P9999D")


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Yield a function that sets environment variables for this test and makes the settings read them."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield change
    settings.cache_clear()


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read uploaded files in this process, because starting a process for each file takes a second."""

    def answer(what: str, file: IO[bytes], name: str, asked: Mapping[str, object], by: object) -> Any:
        file.seek(0)
        # Pass the request and the answer through JSON, as between two processes.
        given = json.loads(json.dumps({"what": what, "name": name, **asked}))
        return json.loads(json.dumps(reading.read(file.read(), given), default=str))

    monkeypatch.setattr(reading, "_answer", answer)


_read_apart = reading._answer


@pytest.fixture
def read_apart(read_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read each uploaded file in a separate process, as in production."""
    monkeypatch.setattr(reading, "_answer", _read_apart)


@pytest.fixture
def rows(ledger: str) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Yield a function that runs an SQL statement on the ledger as administrator and returns the rows."""
    name = str(conninfo_to_dict(ledger)["dbname"])
    its_own = None if is_given(name) else psycopg.connect(ledger, autocommit=True, row_factory=dict_row)

    def query(statement: str, *parameters: Any) -> list[dict[str, Any]]:
        connection = its_own or given_ledger(name).connection()
        cursor = connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    yield query
    if its_own:
        its_own.close()


assert include_dir().is_dir()
