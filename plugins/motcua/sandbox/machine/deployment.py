"""Define where a demo runs: its addresses, its secrets, and the environment of its Airflow."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.supervisor import SupervisorError
from motcua.sandbox.world.writers import OWN_SOURCES, ROLES, OneStopAddresses
from motcua.store.ledger.database import Connection

ADMINISTRATOR, VIEWER, AGENCY_USER, CLERK = "vo-thi-minh-ha", "tran-van-binh", "le-thi-hoa", "pham-thi-mai"
"""Users of the Airflow UI: an administrator at the Department, an auditor with read access, and two people of an
agency."""
ZALO_APP = "3210123210123"
"""Id of the province's app at Zalo."""
WATCH_USER = "giam-sat"
"""Account of the watch, with read access only."""

EVENING_AFTER = timedelta(minutes=4)
"""Time from the demo's start to its evening, when apologies for dossiers that are due the next day are planned. In
production this is at 17:30."""

MORNING_AFTER = timedelta(minutes=6)
"""Time from the demo's start to its check of data quality."""

RECONCILED_AFTER = timedelta(minutes=9)
"""Time from the demo's start to the run of reconcile_daily, which closes the day before and publishes the closing."""

_NEEDED_BYTES = 1_500_000_000
"""How many free bytes of disk space the demo needs to start."""
_RESERVED_BYTES = 200_000_000
"""How many free bytes of disk space the demo needs to continue."""


class CannotRun(SupervisorError):
    """Raised if the demo cannot run here in this state. The message says what to change."""


@dataclass(frozen=True, slots=True)
class _Port:
    field: str
    variable: str
    default: int
    serves: str


_PORTS = (
    _Port("postgres", "MOTCUA_PG_PORT", 15432, "PostgreSQL"),
    _Port("airflow", "MOTCUA_AIRFLOW_PORT", 18080, "Airflow"),
    _Port("network", "MOTCUA_NETWORK_PORT", 18013, "the phone network"),
    _Port("mailbox", "MOTCUA_MAILBOX_PORT", 18025, "the mailbox's page"),
    _Port("smtp", "MOTCUA_SMTP_PORT", 18026, "the mailbox's SMTP server"),
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """The data folder and the ports on 127.0.0.1."""

    data: Path
    postgres: int
    airflow: int
    network: int
    mailbox: int
    smtp: int
    health: int
    """The port of the scheduler's health check. Any free port will do, because nobody types it."""


def _free_ports(number: int) -> list[int]:
    """Return distinct ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def read_addresses(data: Path, environment: Mapping[str, str], *, free_ports: bool = False) -> Addresses:
    """Read the addresses from ``MOTCUA_*_PORT``.

    If a port is not set, it is the default port, or with ``free_ports`` any free port.

    Raises:
        CannotRun: a variable contains no port, or two variables contain the same port.
    """
    spare = _free_ports(len(_PORTS) + 1)
    chosen = {"health": spare.pop()}
    variables: dict[int, str] = {}
    for port in _PORTS:
        text = environment.get(port.variable, "")
        if not text:
            chosen[port.field] = spare.pop() if free_ports else port.default
        elif not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
            raise CannotRun(f"{port.variable} is {text!r}; a port is a number from 1 to 65535.")
        else:
            chosen[port.field] = int(text)
        other = variables.setdefault(chosen[port.field], port.variable)
        if other != port.variable:
            raise CannotRun(f"{other} and {port.variable} both say {chosen[port.field]}; give each another port.")
    return Addresses(data=data, **chosen)


def check_disk(addresses: Addresses, needed: int = _RESERVED_BYTES) -> None:
    """Check that the data folder's disk has enough free bytes. On a full disk PostgreSQL would crash.

    Raises:
        CannotRun: there are too few free bytes.
    """
    free = shutil.disk_usage(addresses.data).free
    if free < needed:
        raise CannotRun(
            f"Only {free / 1e9:.1f} GB are free in {addresses.data}, {needed / 1e9:.1f} GB are needed: "
            "make room, or set MOTCUA_DATA to a folder elsewhere."
        )


def check_room(addresses: Addresses, *, embedded_postgres: bool) -> None:
    """Check for conditions that would stop the demo later: too little disk space, and ports that another program uses.

    Raises:
        CannotRun: too little disk space is free, or a port is in use. The message names the variable to set.
    """
    check_disk(addresses, _NEEDED_BYTES)
    for port in _PORTS:
        if port.field == "postgres" and not embedded_postgres:
            continue
        number = getattr(addresses, port.field)
        with socket.socket() as probe:
            # With this option, which servers set too, closed connections of an ended run do not block the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError as error:
                raise CannotRun(
                    f"Port {number} for {port.serves} cannot be used ({error.strerror}): "
                    f"set {port.variable} to a free port."
                ) from None


def _token() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Every password and key of one demo."""

    ledger_owner: str
    ledger_app: str
    ledger_audit: str
    ledger_callbacks: str
    ledger_pages: str
    airflow_database: str
    one_stop: dict[str, str]
    """The passwords of the roles in the one-stop databases, by role."""
    airflow_admin: str
    airflow_viewer: str
    airflow_agency: str
    airflow_jwt: str
    airflow_api: str
    airflow_fernet: str
    kannel_user: str
    kannel_password: str
    receipts: str
    ledger_purge: str = ""
    airflow_watch: str = ""
    airflow_clerk: str = ""
    ledger_intake: str = ""
    zalo_key: str = ""
    zalo_refresh_token: str = ""
    zalo_webhook: str = ""

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the folder's secrets. They are made at first use and stored in ``secrets.json``, mode 0600.

        Raises:
            CannotRun: the file cannot be read.
        """
        path = folder / "secrets.json"
        if path.exists():
            try:
                kept = json.loads(path.read_text(encoding="ascii"))
                # Demos of earlier versions lack some of these secrets and must continue to work, so the secrets are
                # added.
                roles = ("ledger_callbacks", "ledger_intake", "ledger_pages", "ledger_purge")
                zalo = ("zalo_key", "zalo_refresh_token", "zalo_webhook")
                later = ("airflow_agency", "airflow_clerk", "airflow_watch", *roles, *zalo)
                found = cls(**{name: _token() for name in later} | kept)
            except (OSError, ValueError, TypeError):
                raise CannotRun(
                    f"{path} cannot be read; 'make clean' removes the demo's data and lets it begin anew."
                ) from None
            if asdict(found) != kept:
                write_private(path, json.dumps(asdict(found), indent=1))
            return found
        made = cls(
            **dict[str, Any]({each.name: _token() for each in fields(cls)})
            | {
                "one_stop": {role: _token() for role in ROLES},
                "airflow_jwt": secrets.token_urlsafe(72),
                "airflow_fernet": base64.urlsafe_b64encode(os.urandom(32)).decode(),
                "kannel_user": "motcua",
            }
        )
        write_private(path, json.dumps(asdict(made), indent=1))
        return made


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, completely or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(path)


@dataclass(frozen=True, slots=True)
class Databases:
    """DSNs of all databases in the demo's PostgreSQL."""

    ledger_owner: str
    ledger_app: str
    ledger_callbacks: str
    ledger_pages: str
    airflow: str
    sources: Mapping[str, str]
    """The DSN of each source, with a role that can only read."""
    ledger_purge: str = ""
    ledger_intake: str = ""


def postgres_connection(dsn: str) -> str:
    """Return an Airflow connection for a DSN, in the form of ``AIRFLOW_CONN_*``."""
    rest: dict[str, Any] = dict(conninfo_to_dict(dsn))
    connection = {
        "conn_type": "postgres",
        "host": rest.pop("host", None),
        "port": int(rest.pop("port", None) or 5432),
        "login": rest.pop("user", None),
        "password": rest.pop("password", None),
        "schema": rest.pop("dbname", None),
        # Airflow would treat a number that is given as text as a secret, and print a warning that the secret is short
        # into the output of commands.
        "extra": {name: int(value) if str(value).isdigit() else value for name, value in rest.items()},
    }
    return json.dumps(connection)


def mailbox_connection(port: int) -> str:
    """Return an Airflow connection to a mailbox on this machine, in the form of ``AIRFLOW_CONN_SMTP_DEFAULT``."""
    extra = {"disable_ssl": True, "disable_tls": True, "from_email": "motcua@motcua.test"}
    return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra})


def _sqlalchemy_url(dsn: str) -> str:
    rest: dict[str, Any] = dict(conninfo_to_dict(dsn))
    user, password = quote(rest.pop("user"), safe=""), quote(rest.pop("password"), safe="")
    host, port, database = rest.pop("host"), rest.pop("port", 5432), quote(rest.pop("dbname"), safe="")
    rest.pop("connect_timeout", None)  # Airflow makes asyncpg's URL of this URL, and asyncpg knows no connect_timeout
    query = f"?{urlencode(rest)}" if rest else ""
    return f"postgresql+psycopg://{user}:{password}@{host}:{port}/{database}{query}"


def _times_of_day(up: datetime) -> dict[str, str]:
    """Return settings that put the demo's evening, morning and closing soon after ``up``, the time of its start."""
    clock = up.astimezone(VIETNAM)
    return {
        "MOTCUA_APOLOGY_TIME": f"{clock + EVENING_AFTER:%H:%M}",
        "MOTCUA_QUALITY_TIME": f"{clock + MORNING_AFTER:%H:%M}",
        "MOTCUA_RECONCILE_TIME": f"{clock + RECONCILED_AFTER:%H:%M}",
    }


def airflow_environment(
    addresses: Addresses, secret: Secrets, databases: Databases, home: Path, caller: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment of every Airflow component of the demo, and of its set-up steps.

    Variables that decide where this Airflow runs are fixed here. For all others the value of ``caller`` wins, so that a
    real gateway (``AIRFLOW_CONN_SMS_KANNEL``) or another one-stop database (``MOTCUA_SOURCES``,
    ``AIRFLOW_CONN_ONESTOP_…``) can be connected through the environment alone.

    Args:
        addresses: addresses of the demo.
        secret: secrets of the demo.
        databases: databases of the demo.
        home: folder with dags/, plugins/ and include/.
        caller: environment of the person who started the demo.
    """
    airflow_home = addresses.data / "airflow"
    logs = addresses.data / "logs" / "airflow"
    url = f"http://localhost:{addresses.airflow}"
    kannel = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": addresses.network,
        "login": secret.kannel_user,
        "password": secret.kannel_password,
        "extra": {
            "adapter": "kannel",
            "sender": "MotcuaSMS",
            "concurrency": 32,
            "callback_url": f"http://127.0.0.1:{addresses.airflow}/gateway/receipts/kannel",
            "callback_secret": secret.receipts,
        },
    }
    zalo = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": addresses.network,
        "login": ZALO_APP,
        "password": secret.zalo_key,
        "extra": {
            "adapter": "zalo",
            "concurrency": 32,
            "refresh_token": secret.zalo_refresh_token,
            "webhook_secret": secret.zalo_webhook,
            "oauth_url": f"http://127.0.0.1:{addresses.network}",
            "refusals_are_sure": True,
            "price": 200,
        },
    }
    wishes = {
        "AIRFLOW__API__INSTANCE_NAME": "MotcuaSMS",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # Each idle worker of LocalExecutor costs 40 MiB.
        "AIRFLOW__CORE__PARALLELISM": "6",
        # Without this limit, glibc gives each thread memory of its own, and most of this memory stays unused.
        "MALLOC_ARENA_MAX": "2",
        # As on a server, DAG files never change. docker-compose.yaml explains how parsing affects a run.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        # The value is the same as on a server. docker-compose.yaml gives the reason.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1.25",
        # Nobody reads the demo's metrics. By default, Airflow would count its pools for the metrics every five seconds.
        "AIRFLOW__SCHEDULER__POOL_METRICS_INTERVAL": "60",
        # A task that a dead scheduler had queued waits until another scheduler makes this check.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
        # A dead task blocks the only run of its DAG until its missing heartbeat is noticed.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # As on a server, a task continues while the API server is away, and can report its end afterwards.
        "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME": "3600",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "450",
        # A finished task often keeps its worker busy until the next heartbeat. With Airflow's default, 5 s, no worker
        # would be free.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        # The levels are the same as on a server. docker-compose.yaml explains what is not logged.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": (
            "http.access=warning airflow=warning airflow.task=info py.warnings=error supervisor=warning task=warning"
        ),
        "AIRFLOW_CONN_SMS_KANNEL": json.dumps(kannel),
        "AIRFLOW_CONN_SMS_ZALO": json.dumps(zalo),
        "AIRFLOW_CONN_SMTP_DEFAULT": mailbox_connection(addresses.smtp),
        "MOTCUA_SOURCES": OWN_SOURCES,
        # With a real gateway, messages must go to that gateway only, and not first to the simulated Zalo.
        "MOTCUA_GATEWAYS": "kannel" if caller.get("AIRFLOW_CONN_SMS_KANNEL") else "zalo,kannel",
        "MOTCUA_INQUIRIES_ON": "true",
        **_times_of_day(datetime.now(VIETNAM)),
        # The demo's officials work at any hour. With the usual night hours almost all findings would be about work at
        # night.
        "MOTCUA_QUALITY_THRESHOLDS": "R10.night_from=24,R10.night_until=0",
        "MOTCUA_DEPARTMENT_RECIPIENTS": "so.tttt@khanhhoa.example.vn",
        "MOTCUA_HOME_AFFAIRS_RECIPIENTS": "so.noivu@khanhhoa.example.vn",
        "MOTCUA_JUSTICE_RECIPIENTS": "so.tuphap@khanhhoa.example.vn",
        "MOTCUA_COMMITTEE_RECIPIENTS": "ubnd.tinh@khanhhoa.example.vn",
        "MOTCUA_WATCH_RECIPIENTS": "quan.tri@khanhhoa.example.vn",
        "MOTCUA_WATCH_AIRFLOW": f"http://127.0.0.1:{addresses.airflow}",
        "MOTCUA_WATCH_AIRFLOW_USER": WATCH_USER,
        "MOTCUA_WATCH_AIRFLOW_PASSWORD": secret.airflow_watch,
        "MOTCUA_WATCH_CALLBACKS": f"http://127.0.0.1:{addresses.airflow}/gateway/health",
        "MOTCUA_WATCH_INTAKE": f"http://127.0.0.1:{addresses.airflow}/intake/health",
        # A demo has no backups, and it stops by itself before the disk is full.
        "MOTCUA_WATCH_BACKUP_AGE": "0",
        "MOTCUA_WATCH_DISK_FREE": str(_RESERVED_BYTES),
        "MOTCUA_SEGMENT_PRICE": "350",
        "MOTCUA_REQUESTS_AFTER": "PT2M",
        "MOTCUA_SMS_BUDGET": "300000000",
        "MOTCUA_APOLOGY_QUIET_FROM": "00:00",
        "MOTCUA_APOLOGY_QUIET_UNTIL": "00:00",
    } | {f"AIRFLOW_CONN_ONESTOP_{name.upper()}": postgres_connection(dsn) for name, dsn in databases.sources.items()}
    ours = {
        "AIRFLOW_HOME": str(airflow_home),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(addresses.airflow),
        "AIRFLOW__API__SECRET_KEY": secret.airflow_api,
        "AIRFLOW__API_AUTH__JWT_SECRET": secret.airflow_jwt,
        "AIRFLOW__CORE__AUTH_MANAGER": "motcua.sandbox.sign_in.DemoAuthManager",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{addresses.airflow}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": secret.airflow_fernet,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES": (
            "secret,reference,reply,msisdn,phone,sender,text,content,from,to,password"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(airflow_home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": (
            f"{ADMINISTRATOR}:admin,{VIEWER}:viewer,{AGENCY_USER}:agency,{CLERK}:clerk,{WATCH_USER}:viewer"
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _sqlalchemy_url(databases.airflow),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dag_processor"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "True",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(addresses.health),
        "AIRFLOW_CONN_MOTCUA_AIRFLOW": postgres_connection(databases.airflow),
        "AIRFLOW_CONN_MOTCUA_DB": postgres_connection(databases.ledger_app),
        "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS": postgres_connection(databases.ledger_callbacks),
        "AIRFLOW_CONN_MOTCUA_DB_INTAKE": postgres_connection(databases.ledger_intake),
        "AIRFLOW_CONN_MOTCUA_DB_PAGES": postgres_connection(databases.ledger_pages),
        "AIRFLOW_CONN_MOTCUA_DB_PURGE": postgres_connection(databases.ledger_purge),
        "MOTCUA_DATA": str(addresses.data),
        "MOTCUA_HOME": str(home),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "SCARF_ANALYTICS": "false",
        "PYTHONUNBUFFERED": "1",
    }
    # Only migrations may use the role that owns the schema (see set_up).
    inherited = {name: value for name, value in caller.items() if name != "AIRFLOW_CONN_MOTCUA_DB_OWNER"}
    return {**wishes, **inherited, **ours}


def write_airflow_home(addresses: Addresses, secret: Secrets) -> None:
    """Create AIRFLOW_HOME with the UI's users and an empty airflow.cfg. The environment holds all settings.

    Without this file each component would write a file of its own, with different secrets.
    """
    folder = addresses.data / "airflow"
    folder.mkdir(exist_ok=True)
    write_private(
        folder / "passwords.json",
        json.dumps(
            {
                ADMINISTRATOR: secret.airflow_admin,
                VIEWER: secret.airflow_viewer,
                AGENCY_USER: secret.airflow_agency,
                CLERK: secret.airflow_clerk,
                WATCH_USER: secret.airflow_watch,
            }
        ),
    )
    (folder / "airflow.cfg").touch(mode=0o600)


_KEPT_ENVIRONMENT = "environment.json"


def keep_environment(data: Path, environment: Mapping[str, str]) -> None:
    """Store the environment that a ``motcua`` command needs to act on this demo. Only the file's owner may read it."""
    ours = {name: value for name, value in environment.items() if name.startswith(("AIRFLOW", "MOTCUA_"))}
    write_private(data / _KEPT_ENVIRONMENT, json.dumps(ours))


def kept_environment(data: Path) -> dict[str, str]:
    """Return the environment of the demo that runs, or ran, in this folder; empty if there was no demo."""
    try:
        known = json.loads((data / _KEPT_ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in known.items()} if isinstance(known, dict) else {}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A demo that is set up: its addresses, its secrets, its databases and its environment."""

    addresses: Addresses
    secret: Secrets
    databases: Databases
    one_stop: OneStopAddresses
    environment: Mapping[str, str]
    """Environment of every Airflow component."""

    def whose_day_begins(self, up: datetime, caller: Mapping[str, str]) -> Self:
        """Return a copy with evening, morning and closing soon after ``up``, unless ``caller`` sets their times."""
        times = {name: value for name, value in _times_of_day(up).items() if name not in caller}
        return replace(self, environment={**self.environment, **times})

    @property
    def past_environment(self) -> dict[str, str]:
        """Return the environment for loading the past, with evenings and mornings at the hours of production.

        In the past no phone has Zalo, and SMS go to a gateway that listens at its own port (sandbox/past/phones.py).
        """
        as_owner = self.commands_environment
        kept = {name: value for name, value in as_owner.items() if name not in _times_of_day(datetime.now(UTC))}
        # The phone network already runs and has taken its own port.
        kannel = json.loads(self.environment["AIRFLOW_CONN_SMS_KANNEL"]) | {"port": _free_ports(1)[0]}
        past = {"AIRFLOW_CONN_SMS_KANNEL": json.dumps(kannel), "MOTCUA_GATEWAYS": "kannel"}
        return {**kept, **self.world_environment, **past}

    @property
    def commands_environment(self) -> dict[str, str]:
        """Return the environment for commands that a person runs while the demo runs.

        Some commands, such as backups, need the rights of the role that owns the schema.
        """
        return {**self.environment, "AIRFLOW_CONN_MOTCUA_DB_OWNER": postgres_connection(self.databases.ledger_owner)}

    @property
    def world_environment(self) -> dict[str, str]:
        """Return the environment that the simulated one-stop software needs for writing."""
        dsns = {name: source.writer_dsn for name, source in self.one_stop.sources.items()}
        dsns["truth"] = self.one_stop.truth_dsn
        return {f"MOTCUA_WORLD_{name.upper()}_DSN": dsn for name, dsn in dsns.items()}

    @property
    def airflow_url(self) -> str:
        """Return the address of the Airflow UI."""
        return f"http://localhost:{self.addresses.airflow}"

    @property
    def network_url(self) -> str:
        """Return the address of the page that shows all phones."""
        return f"http://localhost:{self.addresses.network}"

    @property
    def inquiry_url(self) -> str:
        """Return Kannel's ``get-url``: the phone network fills in its ``%`` codes and calls it for each inquiry."""
        return (
            f"http://127.0.0.1:{self.addresses.airflow}/gateway/inquiries/kannel"
            f"?secret={quote(self.secret.receipts, safe='')}&sender=%p&to=%P&text=%a&time=%T&id=%I"
        )

    @property
    def mailbox_url(self) -> str:
        """Return the address of the mailbox's page."""
        return f"http://localhost:{self.addresses.mailbox}"

    def ledger(self) -> Connection:
        """Connect to the ledger. All reads of one transaction see the same moment.

        Raises:
            psycopg.OperationalError: the ledger does not answer.
        """
        connection = psycopg.connect(self.databases.ledger_app, row_factory=dict_row)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection
