"""Test the demo's set-up: it reports faults in sentences, stores its secrets, and obeys its caller's variables."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from psycopg.conninfo import make_conninfo
from pyrage import x25519

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine import deployment
from motcua.sandbox.machine.components import components
from motcua.sandbox.machine.deployment import (
    EVENING_AFTER,
    MORNING_AFTER,
    Addresses,
    CannotRun,
    Databases,
    Deployment,
    Secrets,
    airflow_environment,
    check_room,
    keep_environment,
    kept_environment,
    postgres_connection,
    read_addresses,
)
from motcua.sandbox.vendor.joining import exporting, pushing
from motcua.sandbox.world.writers import DROPPED, PUSHED, SOURCES, OneStopAddresses
from motcua.settings import include_dir
from tests.ground import PASSWORD, free_port

pytestmark = pytest.mark.alone

DEMO = "from motcua.sandbox.demo import run_demo; raise SystemExit(run_demo())"
DSN = "host=127.0.0.1 port=15432 user={} password='p:@/%\"' dbname={}"


@pytest.fixture
def addresses(tmp_path: Path) -> Addresses:
    return read_addresses(tmp_path, {}, free_ports=True)


@pytest.fixture
def databases() -> Databases:
    return Databases(
        DSN.format("owner", "motcua"),
        DSN.format("app", "motcua"),
        DSN.format("callbacks", "motcua"),
        DSN.format("pages", "motcua"),
        DSN.format("airflow", "airflow"),
        {"khanhhoa": DSN.format("reader", "onestop_khanhhoa")},
        ledger_intake=DSN.format("intake", "motcua"),
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def motcua(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a ``motcua`` command with only these variables, without the tests' own settings."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("MOTCUA_", "AIRFLOW"))}
    program = str(Path(sys.executable).with_name("motcua"))
    return subprocess.run(
        [program, *arguments], env=environment | variables, capture_output=True, text=True, timeout=240
    )


def test_command_beside_a_demo_is_about_it_and_needs_nothing_set(ledger, tmp_path):
    """A command in another shell finds the demo by its folder alone. The shell's own variables take precedence."""
    environment = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_MOTCUA_DB": postgres_connection(f"{ledger} connect_timeout=5"),
    }
    keep_environment(tmp_path, environment | {"HOME": "/nowhere"})
    assert kept_environment(tmp_path) == environment, "the folder must hold nothing else of the caller's environment"
    assert stat.S_IMODE((tmp_path / "environment.json").stat().st_mode) == 0o600
    shown = motcua("publications", "list", MOTCUA_DATA=str(tmp_path))
    assert (shown.returncode, shown.stdout.strip()) == (0, "Nothing is published yet."), shown.stderr
    elsewhere = motcua(
        "publications", "list", MOTCUA_DATA=str(tmp_path), AIRFLOW_CONN_MOTCUA_DB="postgres://a:b@127.0.0.1:1/no"
    )
    assert elsewhere.returncode == 2, "a variable that the caller sets must count more than the folder's"


def test_backup_is_made_beside_a_demo(ledger, databases, addresses, tmp_path):
    owner, app = (make_conninfo(ledger, user=f"motcua_{role}", password=PASSWORD) for role in ("owner", "app"))
    environment = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_MOTCUA_DB": postgres_connection(app),
        "MOTCUA_BACKUP_RECIPIENTS": str(x25519.Identity.generate().to_public()),
    }
    secret = Secrets(*("x" for _ in fields(Secrets)))
    demo = Deployment(addresses, secret, replace(databases, ledger_owner=owner), OneStopAddresses({}, ""), environment)
    keep_environment(tmp_path, demo.commands_environment)
    made = motcua("backup", "--to", str(tmp_path / "backups"), MOTCUA_DATA=str(tmp_path))
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.timeout(900)
def test_what_keeps_a_demo_from_running_is_a_sentence_with_what_to_set(taken_port, tmp_path):
    (tmp_path / "file").touch()
    holds = (
        "import sys, time; from pathlib import Path; from motcua.sandbox.machine.supervisor import Supervisor\n"
        "with Supervisor(Path(sys.argv[1])): print('UP', flush=True); time.sleep(600)"
    )
    first = subprocess.Popen([sys.executable, "-c", holds, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "UP\n"
        ports = {f"MOTCUA_{each}_PORT": str(free_port()) for each in ("PG", "AIRFLOW", "NETWORK", "MAILBOX", "SMTP")}
        running = f"Process {first.pid} is already running in {tmp_path}"
        for variables, told in (
            ({"MOTCUA_DATA": str(tmp_path)}, (running, "set MOTCUA_DATA to another folder")),
            (
                {"MOTCUA_DATA": str(tmp_path / "data"), "MOTCUA_PG_PORT": str(taken_port)},
                (f"Port {taken_port} for PostgreSQL cannot be used", "set MOTCUA_PG_PORT to a free port"),
            ),
            ({"MOTCUA_DATA": str(tmp_path / "file" / "data")}, ("set MOTCUA_DATA to another one",)),
            ({"MOTCUA_DATA": str(tmp_path / "data"), "MOTCUA_LATE_COMMIT": "soon"}, ("MOTCUA_LATE_COMMIT",)),
        ):
            environment = {n: v for n, v in os.environ.items() if not n.startswith(("MOTCUA_", "AIRFLOW"))}
            environment |= ports | variables
            run = subprocess.run(
                [sys.executable, "-c", DEMO], env=environment, capture_output=True, text=True, timeout=240
            )
            assert run.returncode == 1
            for words in told:
                assert words in run.stdout
            assert "Traceback" not in run.stdout + run.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate()


def test_bad_port_or_one_port_for_two_parts_is_refused_with_the_names_of_the_variables(tmp_path):
    assert read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": ""}).airflow == 18080
    for port in ("0", "65536", "-1", "http", "80 80", "٣٠٠٠", "1" * 400):
        with pytest.raises(CannotRun, match="MOTCUA_AIRFLOW_PORT"):
            read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": port})
    with pytest.raises(CannotRun, match="MOTCUA_AIRFLOW_PORT and MOTCUA_SMTP_PORT both say 18026"):
        read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": "18026"})


def test_a_full_disk_is_reported_in_a_sentence(addresses, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(deployment.shutil, "disk_usage", lambda path: usage(10**10, 10**10 - 10**9, 10**9))
    with pytest.raises(CannotRun, match=r"Only 1\.0 GB are free in .*MOTCUA_DATA"):
        check_room(addresses, embedded_postgres=True)


def test_port_of_postgresql_may_be_taken_if_the_demo_starts_no_postgresql(taken_port, tmp_path):
    addresses = read_addresses(tmp_path, {"MOTCUA_PG_PORT": str(taken_port)}, free_ports=True)
    check_room(addresses, embedded_postgres=False)
    with pytest.raises(CannotRun):
        check_room(addresses, embedded_postgres=True)


def test_secrets_are_made_once_only_their_owner_reads_them_and_a_broken_file_is_reported(tmp_path):
    made, file = Secrets.of(tmp_path), tmp_path / "secrets.json"
    assert Secrets.of(tmp_path) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(made.airflow_jwt) >= 64
    assert len(set(json.loads(file.read_text())["one_stop"].values())) > 3
    # The folder of an older demo without an agency user gets that user's password at the next start.
    kept = asdict(made)
    file.write_text(json.dumps({name: kept[name] for name in kept if name != "airflow_agency"}))
    found = Secrets.of(tmp_path)
    assert asdict(found) == kept | {"airflow_agency": found.airflow_agency}
    assert Secrets.of(tmp_path) == found
    for content in ("", "{}", '{"ledger_owner": 1}', "[]"):
        file.write_text(content)
        with pytest.raises(CannotRun, match="make clean"):
            Secrets.of(tmp_path)


def test_a_real_gateway_and_source_are_connected_by_environment_alone_and_an_airflow_of_the_callers_left_alone(
    addresses, databases, tmp_path
):
    given = {
        "AIRFLOW_CONN_SMS_KANNEL": "http://gateway.test",
        "AIRFLOW_CONN_ONESTOP_KHANHHOA": "postgres://one-stop.test",
        "AIRFLOW_CONN_ONESTOP_NINHTHUAN": "postgres://another.test",
        "MOTCUA_SOURCES": "khanhhoa,ninhthuan",
        "AIRFLOW__CORE__PARALLELISM": "2",
    }
    theirs = {
        "AIRFLOW_HOME": "/theirs",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://theirs",
        "AIRFLOW__CORE__DAGS_FOLDER": "/theirs/dags",
        "AIRFLOW__CORE__FERNET_KEY": "theirs",
        "AIRFLOW__API__PORT": "8080",
        "AIRFLOW_CONN_MOTCUA_DB": "postgres://theirs",
        "AIRFLOW_CONN_MOTCUA_DB_OWNER": "postgres://theirs",
    }
    made = airflow_environment(addresses, Secrets.of(tmp_path), databases, tmp_path, given | theirs)
    assert given.items() <= made.items()
    assert made["MOTCUA_GATEWAYS"] == "kannel", "messages must go to the real gateway and not to invented phones"
    assert not any("theirs" in value for value in made.values())
    # Tasks must not get a connection as the owner of the ledger.
    assert not any("owner" in name.lower() or '"login": "owner"' in value for name, value in made.items())


@pytest.fixture
def deployed(addresses: Addresses, databases: Databases, tmp_path: Path) -> Callable[[dict[str, str]], Deployment]:
    """Return a function that makes the demo's deployment from a caller's environment."""
    secret = Secrets.of(tmp_path)

    def made(caller: dict[str, str]) -> Deployment:
        environment = airflow_environment(addresses, secret, databases, tmp_path, caller)
        return Deployment(addresses, secret, databases, OneStopAddresses({}, "truth"), environment)

    return made


def test_apologies_and_reports_are_due_some_minutes_after_the_demo_is_up(deployed):
    """A visitor of the demo sees apologies and reports within minutes, unless the caller set their hours."""
    caller, up = {"MOTCUA_RECONCILE_TIME": "06:45"}, datetime(2026, 11, 28, 16, 58, tzinfo=UTC)
    made = deployed(caller)
    later = made.whose_day_begins(up, caller).environment
    assert later["MOTCUA_APOLOGY_TIME"] == f"{up.astimezone(VIETNAM) + EVENING_AFTER:%H:%M}" == "00:02"
    assert later["MOTCUA_QUALITY_TIME"] == f"{up.astimezone(VIETNAM) + MORNING_AFTER:%H:%M}"
    assert later["MOTCUA_RECONCILE_TIME"] == "06:45", "the caller's own setting must stay"
    changed = {name for name in later if later[name] != made.environment[name]}
    assert changed <= {"MOTCUA_APOLOGY_TIME", "MOTCUA_QUALITY_TIME"}


def test_past_is_played_with_the_hours_of_production_and_the_rights_of_the_ledgers_owner(deployed):
    """The demo's invented past uses the hours of production, not those of the demo, and the ledger owner's rights."""
    given = deployed({}).past_environment
    assert not {"MOTCUA_APOLOGY_TIME", "MOTCUA_QUALITY_TIME", "MOTCUA_RECONCILE_TIME"} & given.keys()
    assert {"AIRFLOW_CONN_MOTCUA_DB_OWNER", "MOTCUA_WORLD_TRUTH_DSN"} <= given.keys()
    assert given["MOTCUA_GATEWAYS"] == "kannel"
    usual = json.loads(deployed({}).environment["AIRFLOW_CONN_SMS_KANNEL"])
    gateway = json.loads(given["AIRFLOW_CONN_SMS_KANNEL"])
    assert gateway["port"] != usual["port"], "messages of the past must go to a port of their own"
    assert gateway | {"port": 0} == usual | {"port": 0}
    assert "PGOPTIONS" not in given, "a demo that continues must commit synchronously, so that a crash loses no data"


def test_software_that_pushes_or_exports_starts_only_if_its_source_is_read_and_gets_no_database(deployed):
    def started(**caller: str) -> dict[str, Any]:
        made = deployed(caller)
        assert json.loads(made.environment["AIRFLOW_CONN_MOTCUA_DB_INTAKE"])["login"] == "intake"
        return {each.name: each for group in components(made) for each in group}

    every = started()
    assert every.keys() - started(MOTCUA_SOURCES="khanhhoa,ninhthuan").keys() == {"vendor", "clerk"}
    assert every.keys() - started(MOTCUA_FILES="s3://theirs@bucket/files").keys() == {"clerk"}
    given = {*every["vendor"].environment, *every["clerk"].environment}
    assert not [name for name in given if name.startswith(("AIRFLOW", "MOTCUA_WORLD"))]


def test_sources_without_a_database_are_those_of_the_software_that_pushes_or_exports():
    """No source or agency code of the demo may belong to two kinds of software."""
    assert {pushing().source} == PUSHED.keys()
    assert {exporting().source} == DROPPED.keys()
    assert len(SOURCES | PUSHED | DROPPED) == len(SOURCES) + len(PUSHED) + len(DROPPED)
    codes = [*(entry["code"] for entry in read_agencies_file()), pushing().agency.code, exporting().agency.code]
    assert len(set(codes)) == len(codes)


def read_agencies_file() -> list[dict[str, str]]:
    content = yaml.safe_load((include_dir() / "agencies.yaml").read_text(encoding="utf-8"))
    agencies: list[dict[str, str]] = content["agencies"]
    return agencies


def test_a_dsn_becomes_a_connection_with_its_password_as_it_is():
    connection = json.loads(postgres_connection(DSN.format("app", "motcua") + " sslmode=require"))
    assert connection["password"] == 'p:@/%"'
    assert connection["extra"] == {"sslmode": "require"}
    assert (connection["host"], connection["port"], connection["schema"]) == ("127.0.0.1", 15432, "motcua")
