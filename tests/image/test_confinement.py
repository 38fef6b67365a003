"""Containers have no special rights, a read-only file system, and limits that the handbook explains."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psycopg
import pytest

from motcua.sandbox.machine.postgres import EmbeddedPostgres
from tests.compose.project import OURS, SERVICES, dockerfile
from tests.ground import free_port
from tests.image.locks import ROOT

HANDBOOK = (ROOT / "docs" / "operations" / "server.md").read_text(encoding="utf-8")
_UNITS = {"m": 1, "g": 1024}


def megabytes(limit: str) -> int:
    return int(limit[:-1]) * _UNITS[limit[-1]]


def table_below(heading: str) -> dict[str, str]:
    """Return the second column of the table under a heading of the handbook, by the first column."""
    section = HANDBOOK.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", section, re.M)
    return {name.strip("` "): value.strip("` ") for name, value in rows[1:]}


@pytest.mark.guarantee("rights", "no service runs as root, writes to its root file system or can gain a right")
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_to_its_volumes_and_to_memory_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "pid", "network_mode"} & set(service)
    # Caddy's program does not start without the capability to bind low ports. Because of no-new-privileges, Caddy gets
    # this capability only if ``cap_add`` lists it.
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    user = dockerfile()[-1] if name in OURS else ("USER", [service["user"]])
    assert user in [("USER", ["motcua"]), ("USER", ["postgres"]), ("USER", ["redis"]), ("USER", ["50000:50000"])]
    # A container that uses too much memory is killed instead of using swap, and it cannot start endless processes.
    assert service["memswap_limit"] == service["mem_limit"]
    assert service["pids_limit"] <= 400
    # Files in these folders count towards the container's memory limit.
    places = {place.partition(":")[0]: int(re.findall(r"size=(\d+)m", place)[0]) for place in service["tmpfs"]}
    assert "/tmp" in places
    assert sum(places.values()) * 4 <= megabytes(service["mem_limit"]) * 3


def test_a_server_of_8_gb_carries_all_limits_together() -> None:
    assert sum(megabytes(service["mem_limit"]) for service in SERVICES.values()) <= 6 * 1024


def test_the_handbook_says_how_much_memory_each_service_may_take() -> None:
    told = {name: limit for name, limit in table_below("Memory").items() if name in SERVICES}
    assert told == {name: service["mem_limit"] for name, service in SERVICES.items()}


def postgres_options() -> dict[str, str]:
    """Return the settings with which Compose starts PostgreSQL."""
    program, *words = SERVICES["postgres"]["command"]
    assert program == "postgres"
    assert set(words[::2]) == {"-c"}
    return dict(word.split("=", 1) for word in words[1::2])


@pytest.fixture
def started_as_in_compose(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Start a PostgreSQL server with only the settings that docker-compose.yaml gives it on the command line."""
    tmp_path.chmod(0o711)
    server = EmbeddedPostgres(tmp_path / "server", free_port())
    server.set_up()
    (server.data / "postgresql.conf").write_text("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")
    words = SERVICES["postgres"]["command"][1:]
    process = subprocess.Popen([*server.command, *words], preexec_fn=server.drop_privileges(), cwd="/")
    try:
        while True:
            assert process.poll() is None, "PostgreSQL ended: see its output above"
            try:
                psycopg.connect(server.admin_dsn).close()
                break
            except psycopg.OperationalError:
                sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait()


def test_a_real_server_starts_with_exactly_these_settings(started_as_in_compose: EmbeddedPostgres) -> None:
    with psycopg.connect(started_as_in_compose.admin_dsn) as connection:
        rows = connection.execute("SELECT name, current_setting(name), source FROM pg_settings").fetchall()
    own = {name: value for name, value, _ in rows}
    given = {name: value for name, value, source in rows if source == "command line"}
    # The test itself chose the port.
    given.pop("port")
    assert given == postgres_options()
    # PostgreSQL's shared buffers fit into the container's limit, and twice as much is left for its connections.
    assert own["shared_buffers"] == "256MB"
    assert megabytes(SERVICES["postgres"]["mem_limit"]) >= 3 * 256


def test_the_handbook_says_why_each_setting_of_the_server_is_as_it_is() -> None:
    told = table_below("PostgreSQL's settings")
    assert {name: told.get(name) for name in postgres_options()} == postgres_options()
