"""Set up a whole installation on loopback for the tests of ``motcua doctor``.

PostgreSQL with a role for each part of MotcuaSMS, a source, the callbacks app and Airflow's database are real. The SMS
gateway, the mail server and the backup are test doubles. A test breaks the installation and then repairs it.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pyrage.x25519 import Identity

from motcua.commands.ledger import AIRFLOW, LEDGER
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.backup.folders import VERIFIED, name_of
from motcua.jobs.doctor.airflow import heads_of_migrations
from motcua.jobs.doctor.examine import examine
from motcua.jobs.doctor.examining import Diagnosis, of_environment
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.network.scripted import TAKEN, Answer, Asked, ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.airflow_roles import FAB, WATCH
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.ground import (
    CONTRACT_TABLES,
    NHA_TRANG,
    Served,
    agency,
    memory_folder,
    own_server,
    register_templates,
    write_backup,
)
from tests.integration.quality.test_mailing_quality import MailServer

ROLES = ("owner", "app", "audit", "airflow", "callbacks", "intake", "pages", "purge")
SOURCE = "onestop"
_HOME = Path(__file__).parents[3]


def made() -> str:
    """Return a new secret of hexadecimal digits. Programs would read a secret with a leading dash as an option."""
    return secrets.token_hex(24)


def smsbox_of(login: str, password: str) -> ScriptedGateway:
    """Return a gateway that answers requests to ``sendsms`` as Kannel does (see sandbox/network/submission.py)."""
    gateway = ScriptedGateway()

    def answer(asked: Asked) -> Answer:
        if asked.method != "GET" or asked.path != "/cgi-bin/sendsms":
            return 404, ""
        if (asked.get("username"), asked.get("password")) != (login, password):
            return 403, "Authorization failed for sendsms"
        return TAKEN if "to" in asked else (400, "Missing receiver number, rejected")

    gateway.login = gateway.answer_to = answer
    return gateway


class Mails(MailServer):
    """A mail server that accepts every mail, or refuses every sender while ``refuses`` is set."""

    refuses = False

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.refuses:
            return "550 5.7.1 not you"
        envelope.mail_from = address
        return "250 OK"


@dataclass
class Installed:
    """A running installation, with methods that break parts of it. ``undo`` repairs everything."""

    server: EmbeddedPostgres
    passwords: dict[str, str]
    folder: Path
    smsbox: ScriptedGateway
    mails: Mails
    environment: dict[str, str]
    now: datetime
    expected_secret: dict[str, str]
    """The secret that the callbacks app expects from the gateway, under the key ``secret``."""
    _undo: list[Callable[[], object]] = field(default_factory=list)

    def dsn(self, database: str) -> str:
        return with_database(self.server.admin_dsn, database)

    def ask(self, statement: str, *parameters: object, database: str = LEDGER) -> list[dict[str, Any]]:
        with psycopg.connect(self.dsn(database), autocommit=True, row_factory=dict_row) as admin:
            cursor = admin.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def sql(self, breaks: str, mends: str, database: str = LEDGER) -> None:
        """Break the installation with the SQL of ``breaks``; ``undo`` repairs it with the SQL of ``mends``."""
        self._undo.append(lambda: self.ask(mends, database=database))
        self.ask(breaks, database=database)

    def reloaded(self, statement: str, parameter: str) -> None:
        """Change a parameter of the PostgreSQL server, and wait until a new session has the new value."""
        before = self.ask(f"SHOW {parameter}")
        self.ask(statement)
        self.ask("SELECT pg_reload_conf()")
        until = time.monotonic() + 10
        while self.ask(f"SHOW {parameter}") == before and time.monotonic() < until:
            time.sleep(0.02)

    def set(self, **variables: str) -> None:
        self.environment |= variables

    def unset(self, *names: str) -> None:
        for name in names:
            del self.environment[name]

    def connection(self, name: str, **changes: Any) -> None:
        """Change fields of an Airflow connection. ``None`` removes a field. Other fields stay, also in ``extra``."""
        variable = f"AIRFLOW_CONN_{name.upper()}"
        given = json.loads(self.environment[variable])
        extra = given.get("extra", {}) | changes.pop("extra", {})
        given = given | changes | {"extra": {key: value for key, value in extra.items() if value is not None}}
        self.environment[variable] = json.dumps({key: value for key, value in given.items() if value is not None})

    def patch(self, module: ModuleType | type, name: str, value: object) -> None:
        """Replace a constant or function of a module or class until ``undo`` is called."""
        patching = pytest.MonkeyPatch()
        self._undo.append(patching.undo)
        patching.setattr(module, name, value)

    def later(self, mends: Callable[[], object]) -> None:
        self._undo.append(mends)

    def examine(self) -> Diagnosis:
        """Examine the installation as ``motcua doctor`` does with this environment."""
        with given_environment(self.environment):
            return examine(of_environment(), self.now)

    def beat(self) -> None:
        """Set the heartbeats of Airflow's parts and of the watch to now, because the doctor reports old heartbeats."""
        self.ask("UPDATE job SET latest_heartbeat = now()", database=AIRFLOW)
        self.ask("UPDATE motcua.watch_life SET looked_at = now()")

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


@contextmanager
def given_environment(variables: dict[str, str]) -> Iterator[None]:
    """Give the process these variables and no others of MotcuaSMS or Airflow while the block runs."""
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("MOTCUA_", "AIRFLOW__", "AIRFLOW_CONN_"))]:
        del os.environ[name]
    os.environ.update(variables)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        settings.cache_clear()


def _connection_json(kind: str, host: str, port: int, login: str | None, password: str | None, **more: Any) -> str:
    given = {"conn_type": kind, "host": host, "port": port, "login": login, "password": password, **more}
    return json.dumps({name: value for name, value in given.items() if value is not None})


@contextmanager
def callbacks(ask: Callable[[], str]) -> Iterator[int]:
    """Serve the callbacks app on loopback; yield the port. ``ask`` returns the secret that the gateway must send."""
    from motcua.gateways.adapter import GatewayAddress
    from motcua.web.callbacks import Addresses, create_standalone

    def of_callbacks(name: str) -> KannelGateway:
        return KannelGateway(GatewayAddress(name, "http://127.0.0.1", "", "", {"callback_secret": ask()}))

    # The callbacks app runs as a separate service, so it has its own gateway connection.
    with Served(create_standalone(Addresses(of_callbacks, keep=0, refresh=0, wait=30))) as served:
        yield served.port


def _set_up_airflow(address: str, now: datetime) -> None:
    """Create Airflow's tables, the DAGs of MotcuaSMS, the heartbeats of Airflow's parts and the watch's account."""
    from airflow.jobs.job import Job
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.providers.fab.auth_manager.models import Model, Role, User
    from sqlalchemy import create_engine, text
    from sqlalchemy.orm import Session as Rows

    from motcua.domain.watching.judging import OUR_DAGS

    import_all_models()
    engine = create_engine(address)
    Base.metadata.create_all(engine)
    Model.metadata.create_all(engine)
    with Rows(engine) as rows:
        rows.execute(text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"))
        for head in heads_of_migrations():
            rows.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": head})
        rows.add(DagBundleModel(name="dags-folder"))
        rows.flush()
        for dag_id in OUR_DAGS:
            rows.add(DagModel(dag_id=dag_id, bundle_name="dags-folder", is_paused=False, is_stale=False))
        for kind in ("SchedulerJob", "DagProcessorJob", "TriggererJob"):
            job = Job()
            job.job_type, job.state, job.latest_heartbeat, job.hostname = kind, "running", now, "a"
            rows.add(job)
        role = Role()
        role.name = WATCH
        user = User()
        user.username, user.first_name, user.last_name, user.email = "giam-sat", "a", "b", "a@motcua.invalid"
        user.active, user.roles = True, [role]
        rows.add_all([role, user])
        rows.commit()
    engine.dispose()


@contextmanager
def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Set up a whole installation as the handbook says; remove it after the block."""
    with memory_folder() as data, own_server(data, "scram_iterations = 1\n") as server:
        yield from _running_installation(server, folder, monkeypatch, datetime.now(UTC))


def _running_installation(
    server: EmbeddedPostgres, folder: Path, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> Iterator[Installed]:
    passwords = {role: made() for role in ROLES} | {"reader": made(), "gateway": made(), "secret": made()}
    smsbox, mails = smsbox_of("motcua", passwords["gateway"]), Mails()
    roles = {role: Role(f"motcua_{role}", passwords[role]) for role in ROLES}
    owner, app, audit, airflow, *others = (roles[role] for role in ROLES)
    provision_ledger(server.admin_dsn, LEDGER, owner, app, audit, airflow, AIRFLOW, others)
    data = folder / "data"
    for name in ("publications", "statements", "journal", "logs"):
        (data / name).mkdir(parents=True)

    home = folder / "home"
    home.mkdir()
    (home / "include").symlink_to(_HOME / "include")
    (home / "requirements-production.lock").write_text(
        f"psycopg=={version('psycopg')} \\\n    --hash=sha256:0\n", encoding="utf-8"
    )

    def of_ledger(role: str) -> str:
        return _connection_json("postgres", "127.0.0.1", server.port, f"motcua_{role}", passwords[role], schema=LEDGER)

    airflow_address = f"postgresql+psycopg://motcua_airflow:{passwords['airflow']}@127.0.0.1:{server.port}/{AIRFLOW}"
    expected = {"secret": passwords["secret"]}
    environment = {
        "AIRFLOW_CONN_MOTCUA_DB": of_ledger("app"),
        "AIRFLOW_CONN_MOTCUA_DB_OWNER": of_ledger("owner"),
        "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS": of_ledger("callbacks"),
        "AIRFLOW_CONN_MOTCUA_DB_INTAKE": of_ledger("intake"),
        "AIRFLOW_CONN_MOTCUA_DB_PAGES": of_ledger("pages"),
        "AIRFLOW_CONN_MOTCUA_DB_PURGE": of_ledger("purge"),
        "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"],
        "AIRFLOW__API__BASE_URL": "https://motcua.khanhhoa.gov.vn",
        "AIRFLOW__API__SECRET_KEY": made(),
        "AIRFLOW__API_AUTH__JWT_SECRET": made(),
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(os.urandom(32)).decode(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_address,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(data / "logs"),
        "AIRFLOW_CONN_ONESTOP_KHANHHOA": _connection_json(
            "postgres", "127.0.0.1", server.port, "motcua_reader", passwords["reader"], schema=SOURCE
        ),
        "AIRFLOW_CONN_SMTP_DEFAULT": _connection_json(
            "smtp",
            "127.0.0.1",
            mails.port,
            None,
            None,
            extra={"from_email": "MotcuaSMS <motcua@khanhhoa.gov.vn>", "disable_ssl": True, "disable_tls": True},
        ),
        "MOTCUA_BACKUP_RECIPIENTS": str(Identity.generate().to_public()),
        "MOTCUA_DATA": str(data),
        "MOTCUA_DEPARTMENT_RECIPIENTS": "lan@khanhhoa.gov.vn",
        "MOTCUA_GATEWAYS": "kannel",
        "MOTCUA_HOME": str(home),
        "MOTCUA_SOURCES": "khanhhoa=contract",
        "MOTCUA_WATCH_DISK_FREE": "1000",
        "MOTCUA_WATCH_RECIPIENTS": "hoa@khanhhoa.gov.vn",
    }
    backup = write_backup(data / "backups", now - timedelta(hours=3))
    assert backup.name == name_of(now - timedelta(hours=3))
    looked = {"at": now.isoformat(), "how": "read", "fault": None}
    (backup / VERIFIED).write_text(json.dumps(looked), encoding="utf-8")
    installed = Installed(server, passwords, folder, smsbox, mails, environment, now, expected)
    with given_environment(environment):
        migrate()
        _set_up_airflow(airflow_address, now)
        register_templates(installed.dsn(LEDGER), "kannel", "vnpt")
        with psycopg.connect(installed.dsn(LEDGER), row_factory=dict_row) as ledger:
            save_agencies(
                ledger, [agency(NHA_TRANG, name="Ủy ban nhân dân thành phố Nha Trang", enabled_from=now)], "lan"
            )
        installed.ask(
            "INSERT INTO motcua.calendar_years (province, year, package, decision, confirmed_at)"
            " SELECT 'khanh_hoa', y, 'tests', 'QĐ 1', now() FROM generate_series(%s::integer, %s::integer) AS y",
            *(now.year, now.year + 2),
        )
        installed.ask(
            "INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent) VALUES (%s, %s, %s, 1, 0)",
            *(now, now, Jsonb([])),
        )
        installed.ask(f"CREATE DATABASE {SOURCE} TEMPLATE template0", database="postgres")
        installed.ask(CONTRACT_TABLES, database=SOURCE)
        installed.ask(
            f"CREATE ROLE motcua_reader LOGIN PASSWORD '{passwords['reader']}'; GRANT USAGE ON SCHEMA onestop TO"
            " motcua_reader; GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO motcua_reader",
            database=SOURCE,
        )
        with callbacks(lambda: expected["secret"]) as port:
            environment["AIRFLOW_CONN_SMS_KANNEL"] = _connection_json(
                "http",
                "127.0.0.1",
                smsbox.port,
                "motcua",
                passwords["gateway"],
                extra={
                    "adapter": "kannel",
                    "callback_url": f"http://127.0.0.1:{port}/gateway/receipts/kannel",
                    "callback_secret": passwords["secret"],
                },
            )
            yield installed
        close_ledger_pool()
    mails.close()
    smsbox.close()
