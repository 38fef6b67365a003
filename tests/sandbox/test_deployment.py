"""Where a demo lives: sentences instead of late failures, secrets that stay, an environment to be changed."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path

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
from tests.ground import PASSWORD

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
    """A command as it is printed, typed in a shell that knows nothing else."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("MOTCUA_", "AIRFLOW"))}
    program = str(Path(sys.executable).with_name("motcua"))
    return subprocess.run(
        [program, *arguments], env=environment | variables, capture_output=True, text=True, timeout=60
    )


def test_command_beside_a_demo_is_about_it_and_needs_nothing_set(ledger: str, tmp_path: Path) -> None:
    unconnected = motcua("publications", "list", MOTCUA_DATA=str(tmp_path), HOME=str(tmp_path))
    assert (unconnected.returncode, unconnected.stdout) == (2, "")
    environment = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW_CONN_MOTCUA_DB": postgres_connection(f"{ledger} connect_timeout=5"),
    }
    keep_environment(tmp_path, environment | {"HOME": "/nowhere"})
    assert kept_environment(tmp_path) == environment, "no more of its caller's is kept"
    assert stat.S_IMODE((tmp_path / "environment.json").stat().st_mode) == 0o600
    shown = motcua("publications", "list", MOTCUA_DATA=str(tmp_path))
    assert (shown.returncode, shown.stdout.strip()) == (0, "Nothing is published yet."), shown.stderr
    elsewhere = motcua(
        "publications", "list", MOTCUA_DATA=str(tmp_path), AIRFLOW_CONN_MOTCUA_DB="postgres://a:b@127.0.0.1:1/no"
    )
    assert elsewhere.returncode == 2, "what is set wins"


def test_backup_is_made_beside_a_demo(ledger: str, databases: Databases, addresses: Addresses, tmp_path: Path) -> None:
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


def run_demo(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("MOTCUA_", "AIRFLOW"))}
    return subprocess.run(
        [sys.executable, "-c", DEMO], env=environment | variables, capture_output=True, text=True, timeout=60
    )


def test_a_used_port_is_a_sentence_with_the_variable_to_set(taken_port: int, tmp_path: Path) -> None:
    run = run_demo(MOTCUA_DATA=str(tmp_path / "data"), MOTCUA_PG_PORT=str(taken_port))
    assert run.returncode == 1
    assert f"Port {taken_port} for PostgreSQL cannot be used" in run.stdout
    assert "set MOTCUA_PG_PORT to a free port" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = run_demo(MOTCUA_DATA=str(tmp_path / "file" / "data"))
    assert run.returncode == 1
    assert "set MOTCUA_DATA to another one" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_a_setting_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    run = run_demo(MOTCUA_DATA=str(tmp_path), MOTCUA_LATE_COMMIT="soon")
    assert run.returncode == 1
    assert "MOTCUA_LATE_COMMIT" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_a_second_demo_in_the_same_folder_is_refused_with_a_sentence(tmp_path: Path) -> None:
    holds = (
        "import sys, time; from pathlib import Path; from motcua.sandbox.machine.supervisor import Supervisor\n"
        "with Supervisor(Path(sys.argv[1])): print('UP', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", holds, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "UP\n"
        second = run_demo(MOTCUA_DATA=str(tmp_path))
        assert second.returncode == 1
        assert f"Process {first.pid} is already running in {tmp_path}" in second.stdout
        assert "set MOTCUA_DATA to another folder" in second.stdout
        assert "Traceback" not in second.stdout + second.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate()


@pytest.mark.parametrize("port", ["", "0", "65536", "-1", "http", "80 80", "٣٠٠٠", "1" * 400])
def test_what_is_no_port_names_its_variable(tmp_path: Path, port: str) -> None:
    if port == "":
        assert read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": port}).airflow == 18080
    else:
        with pytest.raises(CannotRun, match="MOTCUA_AIRFLOW_PORT"):
            read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": port})


def test_one_port_for_two_parts_names_both(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="MOTCUA_AIRFLOW_PORT and MOTCUA_SMTP_PORT both say 18026"):
        read_addresses(tmp_path, {"MOTCUA_AIRFLOW_PORT": "18026"})


def test_a_full_disk_is_a_sentence(addresses: Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(deployment.shutil, "disk_usage", lambda path: usage(10**10, 10**10 - 10**9, 10**9))
    with pytest.raises(CannotRun, match=r"Only 1\.0 GB are free in .*MOTCUA_DATA"):
        check_room(addresses, embedded_postgres=True)


def test_a_database_of_somebody_else_needs_no_port_for_ours(taken_port: int, tmp_path: Path) -> None:
    addresses = read_addresses(tmp_path, {"MOTCUA_PG_PORT": str(taken_port)}, free_ports=True)
    check_room(addresses, embedded_postgres=False)
    with pytest.raises(CannotRun):
        check_room(addresses, embedded_postgres=True)


def test_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    made = Secrets.of(tmp_path)
    assert Secrets.of(tmp_path) == made
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
    assert len(made.airflow_jwt) >= 64
    assert len(set(json.loads((tmp_path / "secrets.json").read_text())["one_stop"].values())) > 3


def test_demo_from_before_agencies_had_a_user_gets_his_password_once(tmp_path: Path) -> None:
    made = asdict(Secrets.of(tmp_path))
    (tmp_path / "secrets.json").write_text(json.dumps({name: made[name] for name in made if name != "airflow_agency"}))
    found = Secrets.of(tmp_path)
    assert asdict(found) == made | {"airflow_agency": found.airflow_agency}
    assert Secrets.of(tmp_path) == found


@pytest.mark.parametrize("content", ["", "{}", '{"ledger_owner": 1}', "[]"])
def test_spoilt_secrets_are_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(CannotRun, match="make clean"):
        Secrets.of(tmp_path)


def test_a_real_gateway_and_source_are_connected_by_environment_alone(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    given = {
        "AIRFLOW_CONN_SMS_KANNEL": "http://gateway.test",
        "AIRFLOW_CONN_ONESTOP_KHANHHOA": "postgres://one-stop.test",
        "AIRFLOW_CONN_ONESTOP_NINHTHUAN": "postgres://another.test",
        "MOTCUA_SOURCES": "khanhhoa,ninhthuan",
        "AIRFLOW__CORE__PARALLELISM": "2",
    }
    made = airflow_environment(addresses, Secrets.of(tmp_path), databases, tmp_path, given)
    assert given.items() <= made.items()


def test_an_airflow_of_the_callers_own_is_left_alone(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    theirs = {
        "AIRFLOW_HOME": "/theirs",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://theirs",
        "AIRFLOW__CORE__DAGS_FOLDER": "/theirs/dags",
        "AIRFLOW__CORE__FERNET_KEY": "theirs",
        "AIRFLOW__API__PORT": "8080",
        "AIRFLOW_CONN_MOTCUA_DB": "postgres://theirs",
        "AIRFLOW_CONN_MOTCUA_DB_OWNER": "postgres://theirs",
    }
    made = airflow_environment(addresses, Secrets.of(tmp_path), databases, tmp_path, theirs)
    assert not theirs.items() & made.items()
    assert not any("theirs" in value for value in made.values())
    assert "AIRFLOW_CONN_MOTCUA_DB_OWNER" not in made


def test_evening_and_morning_are_counted_from_when_the_demo_is_up(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    secret, caller = Secrets.of(tmp_path), {"MOTCUA_RECONCILE_TIME": "06:45"}
    environment = airflow_environment(addresses, secret, databases, tmp_path, caller)
    made = Deployment(addresses, secret, databases, OneStopAddresses({}, "truth"), environment)
    up = datetime(2026, 11, 28, 16, 58, tzinfo=UTC)
    later = made.whose_day_begins(up, caller).environment
    assert later["MOTCUA_APOLOGY_TIME"] == f"{up.astimezone(VIETNAM) + EVENING_AFTER:%H:%M}" == "00:02"
    assert later["MOTCUA_QUALITY_TIME"] == f"{up.astimezone(VIETNAM) + MORNING_AFTER:%H:%M}"
    assert later["MOTCUA_RECONCILE_TIME"] == "06:45", "the caller's stays"
    assert {name for name in later if later[name] != environment[name]} <= {
        "MOTCUA_APOLOGY_TIME",
        "MOTCUA_QUALITY_TIME",
    }


def test_past_is_played_by_the_hours_of_production_as_the_owner(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    secret = Secrets.of(tmp_path)
    environment = airflow_environment(addresses, secret, databases, tmp_path, {})
    made = Deployment(addresses, secret, databases, OneStopAddresses({}, "truth"), environment)
    given = made.past_environment
    assert not {"MOTCUA_APOLOGY_TIME", "MOTCUA_QUALITY_TIME", "MOTCUA_RECONCILE_TIME"} & given.keys()
    assert {"AIRFLOW_CONN_MOTCUA_DB_OWNER", "MOTCUA_WORLD_TRUTH_DSN"} <= given.keys()
    assert given["MOTCUA_GATEWAYS"] == "kannel"
    assert "PGOPTIONS" not in given, "a demo that goes on loses nothing"


def test_intake_of_the_demo_has_its_role_and_software_that_pushes_or_exports_where_it_is_read(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    secret = Secrets.of(tmp_path)
    started = {}
    for caller in ({}, {"MOTCUA_SOURCES": "khanhhoa,ninhthuan"}):
        environment = airflow_environment(addresses, secret, databases, tmp_path, caller)
        assert json.loads(environment["AIRFLOW_CONN_MOTCUA_DB_INTAKE"])["login"] == "intake"
        made = Deployment(addresses, secret, databases, OneStopAddresses({}, "truth"), environment)
        started[len(caller)] = {each.name: each for group in components(made) for each in group}
    assert started[0].keys() - started[1].keys() == {"vendor", "clerk"}
    # They are outside: they know neither the ledger nor the one-stop databases.
    given = {*started[0]["vendor"].environment, *started[0]["clerk"].environment}
    assert not [name for name in given if name.startswith(("AIRFLOW", "MOTCUA_WORLD"))]


def test_clerk_of_the_demo_drops_nothing_where_exports_are_read_elsewhere(
    addresses: Addresses, databases: Databases, tmp_path: Path
) -> None:
    secret, caller = Secrets.of(tmp_path), {"MOTCUA_FILES": "s3://theirs@bucket/files"}
    environment = airflow_environment(addresses, secret, databases, tmp_path, caller)
    made = Deployment(addresses, secret, databases, OneStopAddresses({}, "truth"), environment)
    names = {each.name for group in components(made) for each in group}
    assert "vendor" in names
    assert "clerk" not in names


def test_sources_of_the_demo_that_have_no_database_are_the_ones_that_are_read() -> None:
    assert {pushing().source} == PUSHED.keys()
    assert {exporting().source} == DROPPED.keys()
    assert len(SOURCES | PUSHED | DROPPED) == len(SOURCES) + len(PUSHED) + len(DROPPED)
    codes = [*(entry["code"] for entry in read_agencies_file()), pushing().agency.code, exporting().agency.code]
    assert len(set(codes)) == len(codes)


def read_agencies_file() -> list[dict[str, str]]:
    content = yaml.safe_load((include_dir() / "agencies.yaml").read_text(encoding="utf-8"))
    agencies: list[dict[str, str]] = content["agencies"]
    return agencies


def test_tasks_do_not_get_the_owner_of_the_ledger(addresses: Addresses, databases: Databases, tmp_path: Path) -> None:
    secret = Secrets.of(tmp_path)
    made = airflow_environment(addresses, secret, databases, tmp_path, {})
    assert not any("owner" in name.lower() or '"login": "owner"' in value for name, value in made.items())


def test_a_dsn_becomes_a_connection_with_its_password_as_it_is() -> None:
    connection = json.loads(postgres_connection(DSN.format("app", "motcua") + " sslmode=require"))
    assert connection["password"] == 'p:@/%"'
    assert connection["extra"] == {"sslmode": "require"}
    assert (connection["host"], connection["port"], connection["schema"]) == ("127.0.0.1", 15432, "motcua")
