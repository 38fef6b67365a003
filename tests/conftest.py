"""Fixtures: one embedded PostgreSQL for the session, a freshly migrated ledger and a source for each test."""

from __future__ import annotations

import atexit
import fcntl
import gc
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

# Before the first import of Airflow.
_HOME = tempfile.mkdtemp(prefix="motcua-airflow-")


def _take_away(folder: str | Path, owner: int) -> None:
    # A forked child ends, too.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


atexit.register(_take_away, _HOME, os.getpid())
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parents[1] / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(Path(__file__).parents[1] / "plugins"),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
)
for _name in [name for name in os.environ if name.startswith(("MOTCUA_", "AIRFLOW_CONN_"))]:
    if _name not in ("MOTCUA_TEST_DSN", "MOTCUA_CI"):
        del os.environ[_name]
# Whoever runs the tests, a machine's own account as a rule, signs nothing.
os.environ["MOTCUA_PERSON"] = "lan"
# Nobody watches the sources here: a sender does until its time is over.
os.environ["MOTCUA_LINGER"] = "3"

import hypothesis
import psycopg
import pytest
import typer.testing
from psycopg import sql
from psycopg.rows import dict_row

from motcua.domain.dossiers import SourceTransition
from motcua.jobs.notices.looking import Watcher
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.settings import include_dir, settings
from motcua.store.agencies import Agency, save_agencies
from motcua.store.ledger.database import close_ledger_pool, connect
from motcua.store.ledger.locks import WATCHING, lock_holders
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.gateways.ports import free_port
from tests.given_ledgers import GivenLedger, Template, keep_no_connections, kept_by_tests
from tests.registered import believe_sleeps, register_templates
from tests.tiers import why_second

# No test of rightness has a clock: a busy machine is no fault.
hypothesis.settings.register_profile("motcua", deadline=None)
hypothesis.settings.load_profile("motcua")

PASSWORD = "only-for-tests"


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Has one of several workers compile the tests of a fresh clone, which takes longer than to read them: the others
    wait until it has."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None or sys.dont_write_bytecode or (Path(__file__).parent / "web" / "__pycache__").exists():
        return (yield)
    with (Path(tempfile.gettempdir()) / f"motcua-compiling-{run}").open("w") as compiling:
        try:
            fcntl.flock(compiling, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(compiling, fcntl.LOCK_SH)
            Path(compiling.name).unlink(missing_ok=True)
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what ``make test`` leaves to ``make test-all``; before ``-m`` looks at marks."""
    for item in items:
        file = item.path.relative_to(Path(__file__).parent).as_posix()
        if why_second(file, getattr(item, "originalname", item.name)):
            item.add_marker("second_tier")


def pytest_collection_finish() -> None:
    """Takes what is loaded by now, and eleven thousand tests, out of the garbage collector's sight for good: an app of
    ours looks through all of it whenever it starts, which took a second in each test with one."""
    gc.collect()
    gc.freeze()
    gc.unfreeze = lambda: None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI every program that a test needs is installed, so a skipped test is a failure."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if os.environ.get("MOTCUA_CI") and skipped:
        reporter.write_line(f"{len(skipped)} test(s) skipped, which CI does not allow: see above.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def commands_put_together_once() -> Iterator[None]:
    """The hundred commands of ``motcua`` take 70 ms to be put together, and are the same at each call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield


NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
"""10:00 in Khánh Hòa on a Wednesday."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server for the session."""

    admin_dsn: str

    @cached_property
    def admin(self) -> psycopg.Connection[Any]:
        """The administrator's connection for what is made before each test and dropped after it."""
        return psycopg.connect(self.admin_dsn, autocommit=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if given := os.environ.get("MOTCUA_TEST_DSN"):
        yield Server(given)
        return
    folder = in_memory() or tmp_path_factory.mktemp("postgres")
    server = EmbeddedPostgres(folder, free_port())
    with server.running(configuration="fsync = off\nscram_iterations = 1\n"):
        running = Server(server.admin_dsn)
        yield running
        running.admin.close()
    shutil.rmtree(folder, ignore_errors=True)


_ROOM = 4 * 1024**3
"""Bytes that a session's databases, and as many of a second worker, need at most."""


def _memory_or_none() -> str | None:
    """Where files that are synced cost no time, where this machine has such a place."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def in_memory() -> Path | None:
    """A folder in memory, where a copy of a ledger costs a third; ``None``: this machine has no room there."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < _ROOM:
        return None
    folder = Path(tempfile.mkdtemp(prefix="motcua-tests-", dir=memory))
    # As root PostgreSQL runs as another user, who must pass through.
    folder.chmod(0o711)
    atexit.register(_take_away, folder, os.getpid())
    return folder


def connection_uri(dsn: str, user: str, database: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"postgres://{user}:{PASSWORD}@{parts['host']}:{parts['port']}/{database}"


PARTS = {
    "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS": "motcua_callbacks",
    "AIRFLOW_CONN_MOTCUA_DB_INTAKE": "motcua_intake",
    "AIRFLOW_CONN_MOTCUA_DB_PAGES": "motcua_pages",
    "AIRFLOW_CONN_MOTCUA_DB_PURGE": "motcua_purge",
}
"""Parts of the deployment that have a connection and a role of their own."""


def ledger_connections(dsn: str, database: str) -> dict[str, str]:
    """The connections to a ledger, for the environment: each part has its own role, as in production."""
    roles = {"AIRFLOW_CONN_MOTCUA_DB": "motcua_app"} | PARTS
    return {variable: connection_uri(dsn, role, database) for variable, role in roles.items()}


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """Name of a migrated database that each test copies; every text is registered at ``kannel``."""
    roles = [Role(name, PASSWORD) for name in ("motcua_owner", "motcua_app", "motcua_audit", "airflow")]
    others = [Role(name, PASSWORD) for name in PARTS.values()]
    name = f"motcua_template{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    provision_ledger(postgres.admin_dsn, name, *roles, "airflow_for_tests", others)
    os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"] = connection_uri(postgres.admin_dsn, "motcua_owner", name)
    migrate()
    register_templates(with_database(postgres.admin_dsn, name), "kannel")
    believe_sleeps(with_database(postgres.admin_dsn, name))
    del os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"]
    _freeze(postgres, name)
    return name


@pytest.fixture(scope="session")
def with_agencies(postgres: Server, migrated: str) -> str:
    """Name of a database that each test with the two agencies copies."""
    name = f"{migrated}_with_agencies"
    copy_database(postgres, migrated, name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_MOTCUA_DB", connection_uri(postgres.admin_dsn, "motcua_app", name))
        with connect() as connection:
            save_agencies(connection, TWO_AGENCIES, "tests")
    _freeze(postgres, name)
    return name


def _freeze(postgres: Server, name: str) -> None:
    """From now on whoever only reads a copy of it writes nothing, not even what he found out about old rows."""
    with psycopg.connect(with_database(postgres.admin_dsn, name), autocommit=True) as admin:
        admin.execute("VACUUM (FREEZE)")


@pytest.fixture(scope="session")
def given_ledgers(postgres: Server) -> Iterator[dict[str, GivenLedger]]:
    """Ledgers that are as their templates are, by these: the next test has them."""
    ledgers: dict[str, GivenLedger] = {}
    yield ledgers
    for each in ledgers.values():
        each.let_go()
        _drop(postgres, each.name)


def _written(postgres: Server) -> str:
    """How far the server's log has come: where it has not, nobody wrote anything."""
    row = postgres.admin.execute("SELECT pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None
    return str(row[0])


def _nobody_is_in(postgres: Server, name: str, but: list[int]) -> bool:
    others = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND pid <> ALL (%s)"
    # A connection that was closed is there for a moment still.
    for _ in range(20):
        if not postgres.admin.execute(others, [name, but]).fetchone():
            return True
        time.sleep(0.005)
    return False


_templates: dict[str, Template] = {}
_given: dict[str, GivenLedger] = {}
"""Those that a test has or had, by their database."""


def _fresh_ledger(postgres: Server, template: str) -> GivenLedger:
    name = _fresh_database(postgres, template, "ledger")
    dsn = with_database(postgres.admin_dsn, name)
    if template not in _templates:
        with psycopg.connect(dsn, autocommit=True) as admin:
            _templates[template] = Template.of(admin)
    _given[name] = GivenLedger(name, dsn, _templates[template])
    return _given[name]


_numbers = iter(range(10_000))
_copied_from: dict[str, str] = {}
"""Ledgers by their DSN, and the database that each is a copy of."""


def _fresh_database(postgres: Server, template: str, prefix: str) -> str:
    # Workers that were given one server share it.
    name = f"{prefix}_{os.environ.get('PYTEST_XDIST_WORKER', '')}_{next(_numbers)}"
    copy_database(postgres, template, name)
    return name


def copy_database(postgres: Server, template: str, name: str) -> None:
    """Makes a database that is as the template is, for the ledger's roles; nobody may be connected to the template."""
    if template in _given:
        _given[template].let_go()
    # Without fsync, copying files takes a third of the time of writing the copy to the log.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    postgres.admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    roles = sql.SQL(", ").join(map(sql.Identifier, ("motcua_app", "motcua_audit", *PARTS.values())))
    postgres.admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), roles))


def _drop(postgres: Server, name: str) -> None:
    postgres.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def ledger(
    request: pytest.FixtureRequest,
    postgres: Server,
    migrated: str,
    given_ledgers: dict[str, GivenLedger],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """A ledger of the test's own behind the connection motcua_db, with a journal of its own; yields an administrator's
    DSN for it."""
    template = request.getfixturevalue("with_agencies") if "agencies" in request.fixturenames else migrated
    given = given_ledgers.pop(template, None) or _fresh_ledger(postgres, template)
    name, dsn = given.name, given.dsn
    _copied_from[dsn] = template
    before = _written(postgres)
    journal = tempfile.TemporaryDirectory(prefix="motcua-journal-", dir=_memory_or_none())
    monkeypatch.setenv("MOTCUA_JOURNAL", journal.name)
    settings.cache_clear()
    for variable, address in ledger_connections(postgres.admin_dsn, name).items():
        monkeypatch.setenv(variable, address)
    given.lend()
    yield dsn
    close_ledger_pool()
    given.take_back()
    if _nobody_is_in(postgres, name, but=given.pids()) and (_written(postgres) == before or given.emptied()):
        given_ledgers[template] = given
    else:
        given.let_go()
        _drop(postgres, name)
    journal.cleanup()
    settings.cache_clear()


@pytest.fixture
def no_connections_kept(ledger: str) -> None:
    """For a test that looks at who is connected."""
    keep_no_connections()


NHA_TRANG, TU_PHAP, VAN_PHONG = "000.00.30.H32", "000.00.09.H32", "000.00.10.H32"


def agency(code: str, **changes: Any) -> Agency:
    values: dict[str, Any] = {
        "name": f"Cơ quan {code}",
        "short_name": None,
        "province": "khanh_hoa",
        "enabled_from": NOW - timedelta(days=30),
        "accented": False,
        "same_day_excluded": False,
        "kinds_off": (),
        "result_hold": timedelta(0),
        "aliases": (),
    }
    if changes.get("kinds_off"):
        values["kinds_off_reason"] = "Công văn 12/STTTT-CNTT"
    return Agency(agency_code=code, **values | changes)


TWO_AGENCIES = [
    agency(NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang", short_name="UBND TP Nha Trang", aliases=("H32.30",)),
    agency(TU_PHAP, name="Sở Tư pháp", accented=True),
]


@pytest.fixture
def agencies(ledger: str, with_agencies: str) -> None:
    """Two agencies: Nha Trang, and Tư pháp with accented texts. The ledger of a test that names them has them already;
    one that is made otherwise, or asked for them later, is given them."""
    if _copied_from.get(ledger) != with_agencies:
        with connect() as connection:
            save_agencies(connection, TWO_AGENCIES, "tests")


CONTRACT_TABLES = """
CREATE SCHEMA onestop;
CREATE TABLE onestop.dossiers (
    dossier_code text, agency_code text, procedure_code text, procedure_name text, field_name text, applicant_name text,
    applicant_phone text, phone_entered_at timestamptz, submitted_via text, received_at timestamptz, due_at timestamptz,
    step_name text, status_code smallint, at_one_stop_desk boolean, finished_at timestamptz, returned_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE onestop.transitions (
    transition_id bigint, agency_code text, dossier_code text, from_step text, to_step text, status_code smallint,
    at_one_stop_desk boolean, occurred_at timestamptz, recorded_at timestamptz, actor text, note text
);
"""


class DeskConnection(psycopg.Connection[Any]):
    """Notices whoever does more than to write rows."""

    rows_alone = True

    def execute(self, query: Any, *given: Any, **options: Any) -> psycopg.Cursor[Any]:
        if not (isinstance(query, str) and re.fullmatch(r"\s*(INSERT|UPDATE|DELETE)\s[^;]*", query)):
            self.rows_alone = False
        return super().execute(query, *given, **options)


_SHAPE = """
SELECT (SELECT count(*) FROM pg_class) AS tables, (SELECT count(*) FROM pg_proc) AS functions,
    (SELECT count(*) FROM pg_trigger) AS triggers, (SELECT count(*) FROM pg_db_role_setting) AS settings
"""


class OneStop:
    """A one-stop database that a test writes to as its desk would; its clock is the test's."""

    def __init__(self, dsn: str) -> None:
        self.connection = DeskConnection.connect(dsn, autocommit=True, row_factory=dict_row)
        self.connection.execute(CONTRACT_TABLES)
        self.number = 0
        self._shape = self.connection.execute(_SHAPE).fetchone()
        self.connection.rows_alone = True

    def emptied(self) -> bool:
        """Takes the rows out; ``False``: more than rows was changed, or may have been. Nobody else may be in it."""
        if self.connection.closed or not self.connection.rows_alone:
            return False
        self.connection.execute("DELETE FROM onestop.dossiers")
        self.connection.execute("DELETE FROM onestop.transitions")
        is_as_made = self.connection.execute(_SHAPE).fetchone() == self._shape
        self.connection.rows_alone, self.number = True, 0
        return is_as_made

    def dossier(self, code: str = "160915001", agency_code: str = NHA_TRANG, **changes: Any) -> None:
        """Writes or replaces the row of a dossier."""
        values: dict[str, Any] = {
            "dossier_code": code,
            "agency_code": agency_code,
            "procedure_code": "1.005129",
            "procedure_name": "Cấp bản sao",
            "field_name": "Hộ tịch",
            "applicant_name": "Nguyễn Thị Lan",
            "applicant_phone": "0905123456",
            "phone_entered_at": NOW - timedelta(days=2),
            "submitted_via": "direct",
            "received_at": NOW - timedelta(days=2),
            "due_at": NOW + timedelta(days=2),
            "step_name": "Xử lý",
            "status_code": 4,
            "at_one_stop_desk": False,
            "finished_at": None,
            "returned_at": None,
            "updated_at": NOW - timedelta(hours=1),
        } | changes
        self.connection.execute(
            "DELETE FROM onestop.dossiers"
            " WHERE agency_code IS NOT DISTINCT FROM %s AND dossier_code IS NOT DISTINCT FROM %s",
            (agency_code, code),
        )
        columns = ", ".join(values)
        places = ", ".join(f"%({name})s" for name in values)
        self.connection.execute(f"INSERT INTO onestop.dossiers ({columns}) VALUES ({places})", values)

    def move(
        self,
        status: int | None,
        code: str | None = "160915001",
        agency_code: str | None = NHA_TRANG,
        *,
        desk: bool = True,
        at: datetime = NOW,
        number: int | None = None,
        **changes: Any,
    ) -> int:
        """Writes a transition, and nothing to the dossier's row."""
        self.number = self.number + 1 if number is None else number
        row = SourceTransition(
            transition_id=self.number,
            agency_code=agency_code,
            dossier_code=code,
            status_code=status,
            at_one_stop_desk=desk,
            occurred_at=at,
            recorded_at=at,
            from_step="Xử lý",
            to_step="Trả kết quả",
            actor="can.bo",
        )
        values = {name: getattr(row, name) for name in row.__dataclass_fields__} | changes
        columns = ", ".join(values)
        places = ", ".join(f"%({name})s" for name in values)
        self.connection.execute(f"INSERT INTO onestop.transitions ({columns}) VALUES ({places})", values)
        return self.number


@pytest.fixture(scope="session")
def emptied_one_stops(postgres: Server) -> Iterator[list[OneStop]]:
    """One-stop databases whose rows are gone: the next test has them."""
    emptied: list[OneStop] = []
    yield emptied
    for each in emptied:
        _drop(postgres, each.connection.info.dbname)


@pytest.fixture
def one_stop(
    postgres: Server,
    ledger: str,
    agencies: None,
    configure: Callable[..., None],
    emptied_one_stops: list[OneStop],
) -> Iterator[OneStop]:
    """The source ``khanhhoa`` behind onestop_khanhhoa, read through the contract's views."""
    if emptied_one_stops:
        source = emptied_one_stops.pop()
    else:
        source = OneStop(with_database(postgres.admin_dsn, _fresh_database(postgres, "template0", "onestop")))
    name, pid = source.connection.info.dbname, source.connection.info.backend_pid
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    uri = f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    # NOW is a fixed day; the first pick-up looks back from the real one.
    configure(MOTCUA_SOURCES="khanhhoa", AIRFLOW_CONN_ONESTOP_KHANHHOA=uri, MOTCUA_FIRST_LOOK_BACK="P9999D")
    yield source
    if _nobody_is_in(postgres, name, but=[pid, *kept_by_tests()]) and source.emptied():
        emptied_one_stops.append(source)
    else:
        source.connection.close()
        _drop(postgres, name)


@pytest.fixture
def watched(one_stop: OneStop) -> Iterator[None]:
    """Somebody watches the sources, as the triggerer does: a sender is told of news, and need not look itself."""
    stop = threading.Event()
    watching = threading.Thread(target=Watcher(lambda _: None, 0, 1).run, args=(stop,))
    watching.start()
    try:
        while True:
            with connect() as ledger:
                if lock_holders(ledger, WATCHING):
                    break
            time.sleep(0.02)
        yield
    finally:
        stop.set()
        watching.join()


@pytest.fixture
def useful_for_years(configure: Callable[..., None]) -> None:
    """NOW is a fixed day: what is recorded then and sent by the real clock would be too late from the third day on."""
    configure(MOTCUA_USEFUL_FOR="P9999D")


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets environment variables for this test and makes the settings read them."""

    def change(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield change
    settings.cache_clear()


@pytest.fixture
def rows(ledger: str) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    """Runs a statement on the ledger as its administrator and gives the rows."""
    connection = psycopg.connect(ledger, autocommit=True, row_factory=dict_row)

    def query(statement: str, *parameters: Any) -> list[dict[str, Any]]:
        cursor = connection.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []

    yield query
    connection.close()


assert include_dir().is_dir()
