"""Compose accepts the files that set up a real server, and these files agree with the code.

``make prove ONLY=install`` starts a real server with these files.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from dotenv import dotenv_values

from motcua.celery_workers import _ALIVE
from motcua.jobs.publications.publishing import publications_store
from motcua.sandbox.machine.deployment import Addresses, Databases, Secrets, airflow_environment
from motcua.sandbox.machine.postgres import binaries
from motcua.settings import Settings, settings
from motcua.store.file_stores import StoreUnusable
from motcua.store.ledger.database import CALLBACKS, INTAKE, PAGES
from motcua.store.ledger.dumps import program_version
from motcua.store.ledger.migrations import OWNER
from motcua.store.personal_data import PURGE
from motcua.store.upkeep import AIRFLOW
from tests.compose.project import (
    COMPOSE,
    ENV_FILES,
    EXAMPLE,
    LONG_RUNNING,
    OURS,
    ROOT,
    SENDING_FILES,
    SERVICES,
    STORE_FILE,
    complete_environment,
    dockerfile,
    env_files,
    image_environment,
)
from tests.compose.typed_commands import understand_program
from tests.ground import Server

pytestmark = pytest.mark.alone

# --- Reading the files --------------------------------------------------------------------------------


_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?P<kind>:\?|:-)(?P<rest>[^}]*)\})")


def resolve(node: Any, environment: Mapping[str, str]) -> Any:
    """Return a part of docker-compose.yaml with its variables filled in, as Compose does it.

    A test compares this function's result with that of Compose itself.
    """
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
    """Yield each variable that a part of the file reads, with its kind: ``:-`` has a default, ``:?`` is required."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from variables(value)
    elif isinstance(node, str):
        yield from ((found["name"], found["kind"]) for found in _VARIABLE.finditer(node) if found["name"])


def named_variables() -> set[str]:
    """Return every variable name that the files give to a service or that the operator must set."""
    names = {*EXAMPLE, *image_environment()}
    for file in (*ENV_FILES, STORE_FILE):
        names |= set(dotenv_values(ROOT / f"{file}.example"))
    return names.union(*(service.get("environment", {}) for service in SERVICES.values()))


def commands(words: str | list[str]) -> list[list[str]]:
    """Return the commands in a service's ``command`` or healthcheck; a shell script is split into its commands."""
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
    """Return the commands of a service, including those of its healthcheck."""
    service = SERVICES[name]
    return [*commands(service["command"]), *commands(service.get("healthcheck", {}).get("test") or ["true"])]


# --- Compose itself -------------------------------------------------------------------------------------


def compose(folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``docker compose config`` in a folder with the operator's env files, and print the result as JSON.

    The variables are written to the file ``.env``, and the process gets no others.
    """
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
    """Return a folder with the operator's env files, copied from their examples."""
    for file in (*ENV_FILES, STORE_FILE):
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
        for file in env_files(service):
            given |= dotenv_values(project / file, interpolate=False)
        given |= resolve(service.get("environment", {}), environment)
        # Compose escapes dollar signs in its output, so that Compose can read it again.
        escaped = {key: value.replace("$", "$$") for key, value in given.items() if value is not None}
        assert resolved[name].get("environment", {}) == escaped, name
        waits = {other: each["condition"] for other, each in resolved[name].get("depends_on", {}).items()}
        assert waits == waits_for(name), name


def test_compose_refuses_to_start_without_a_secret_or_a_file_of_connections(project: Path) -> None:
    wrong = []
    for name in (name for name, value in EXAMPLE.items() if not value):
        answer = compose(project, complete_environment() | {name: ""})
        if not answer.returncode or name not in answer.stderr or "set it in .env" not in answer.stderr:
            wrong.append((name, answer.stderr))
    for file in ENV_FILES:
        kept = (project / file).read_bytes()
        (project / file).unlink()
        answer = compose(project, complete_environment())
        if not answer.returncode or file not in answer.stderr:
            wrong.append((file, answer.stderr))
        (project / file).write_bytes(kept)
    assert wrong == []
    # The file that names a store for publications may be missing.
    (project / STORE_FILE).unlink()
    answer = compose(project, complete_environment())
    assert (answer.returncode, answer.stderr) == (0, "")


# --- Comparison with the code ---------------------------------------------------------------------------


def test_every_secret_is_asked_for_and_none_has_a_default() -> None:
    kinds = {name: ":-" if value else ":?" for name, value in EXAMPLE.items()}
    # The auditor's password may be empty: nobody logs in as the auditor before it is set.
    assert dict(variables(COMPOSE)) == kinds | {"MOTCUA_AUDIT_PASSWORD": ":-"}
    assert EXAMPLE["AIRFLOW_AUTH_MANAGER"] == resolve(
        COMPOSE["x-airflow-environment"]["AIRFLOW__CORE__AUTH_MANAGER"], {}
    )
    given = [*(service.get("environment", {}) for service in SERVICES.values()), image_environment()]
    written = {key for each in given for key, value in each.items() if "${" not in value}
    secret = {key for key in written if re.search("PASSWORD|SECRET|KEY|AUTH$|_CONN", key)}
    assert secret <= {"AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES"}


_OF_AIRFLOW = {"AIRFLOW_SECRET", "MOTCUA_AIRFLOW_PASSWORD"}
_ROLES = ("OWNER", "APP", "AUDIT", "AIRFLOW", "CALLBACKS", "INTAKE", "PAGES", "PURGE")
_OF_ROLES = {f"MOTCUA_{role}_PASSWORD" for role in _ROLES}
_OF_TASKS = {*_OF_AIRFLOW, "MOTCUA_APP_PASSWORD"}
KNOWN_TO: dict[str, tuple[set[str], tuple[str, ...]]] = {
    "postgres": ({"POSTGRES_PASSWORD"}, ()),
    "redis": ({"MOTCUA_AIRFLOW_PASSWORD"}, ()),
    "proxy": (set(), ()),
    "init": ({*_OF_AIRFLOW, *_OF_ROLES, "POSTGRES_PASSWORD", "WATCH_PASSWORD"}, (STORE_FILE,)),
    # The pages offer published files for download.
    "airflow-apiserver": ({*_OF_AIRFLOW, "MOTCUA_PAGES_PASSWORD"}, ("settings.env", STORE_FILE)),
    # Commands are run in the scheduler's container.
    "airflow-scheduler": (_OF_TASKS, (*SENDING_FILES, STORE_FILE)),
    "airflow-dag-processor": (_OF_TASKS, ("settings.env", "mail.env")),
    # The triggerer sends the mails about late apologies, because apologies may be late when no worker runs.
    "airflow-triggerer": (_OF_TASKS, ("settings.env", "mail.env", "sources.env")),
    "airflow-worker": ({*_OF_TASKS, "MOTCUA_PURGE_PASSWORD"}, (*SENDING_FILES, STORE_FILE)),
    # A dump contains every table, and only the owner may read the tables that migrations use.
    "backup": ({"MOTCUA_APP_PASSWORD", "MOTCUA_OWNER_PASSWORD"}, (STORE_FILE,)),
    "callbacks": ({"MOTCUA_CALLBACKS_PASSWORD"}, ("settings.env", "callbacks.env")),
    "intake": ({"MOTCUA_INTAKE_PASSWORD"}, ("settings.env",)),
    "watch": ({"MOTCUA_APP_PASSWORD", "WATCH_PASSWORD"}, ("settings.env", "mail.env", STORE_FILE)),
}
"""For each service, the secrets of .env that it gets, and its env files."""


@pytest.mark.guarantee("rights", "each service gets only the secrets of its own work")
def test_each_service_is_given_these_secrets_and_no_other() -> None:
    secret = {name for name in (*EXAMPLE, "MOTCUA_AUDIT_PASSWORD") if re.search("PASSWORD|SECRET|KEY", name)}
    given = {
        name: (secret.intersection(dict(variables(service))), env_files(service)) for name, service in SERVICES.items()
    }
    assert given == KNOWN_TO
    assert set().union(*(known for known, _ in KNOWN_TO.values())) == secret
    # Only the hash of a person's password is stored.
    assert not [name for name in EXAMPLE if name.startswith("UI_") and "PASSWORD" in name]
    # Check all other variables, too, because the name of a variable need not show that its value is a secret.
    assert set(SERVICES["callbacks"]["environment"]) == {"AIRFLOW__API__BASE_URL", "AIRFLOW_CONN_MOTCUA_DB_CALLBACKS"}
    assert set(SERVICES["intake"]["environment"]) == {"AIRFLOW_CONN_MOTCUA_DB_INTAKE", "MOTCUA_INTAKE_PROXIES"}
    assert "AIRFLOW_CONN_MOTCUA_DB" not in SERVICES["airflow-apiserver"]["environment"]


@pytest.mark.guarantee("rights", "each service gets only the secrets of its own work")
def test_each_file_is_for_what_its_readers_may_know() -> None:
    def names(file: str) -> set[str]:
        # Some examples of connections are in comment lines: another gateway, or the same connection as a URI.
        text = (ROOT / f"{file}.example").read_text(encoding="utf-8").replace("\n# AIRFLOW_CONN", "\nAIRFLOW_CONN")
        return set(re.findall(r"^([A-Z_]+)=", text, re.M))

    assert not [name for name in names("settings.env") if re.search("CONN|PASSWORD|SECRET|KEY|WEBHOOK", name)]
    assert {name.rpartition("_")[0] for name in names("sources.env")} == {"AIRFLOW_CONN_ONESTOP"}
    assert names("gateways.env") == {"AIRFLOW_CONN_SMS_KANNEL", "AIRFLOW_CONN_SMS_ZALO"}
    assert names("callbacks.env") == {"AIRFLOW_CONN_SMS_KANNEL", "MOTCUA_METRICS_SECRET"}
    assert names("mail.env") == {"AIRFLOW_CONN_SMTP_DEFAULT", "MOTCUA_WATCH_RECIPIENTS"}
    assert names("store.env") == {"MOTCUA_PUBLICATIONS", "AIRFLOW_CONN_KHO"}


def test_callbacks_know_of_a_gateway_what_it_must_show_and_nothing_that_sends(configure: Callable[..., None]) -> None:
    from motcua.gateways import open_gateway

    text = (ROOT / "callbacks.env.example").read_text(encoding="utf-8")
    other = text.replace("\nAIRFLOW_CONN_SMS", "\n# ").replace("\n# AIRFLOW_CONN_SMS", "\nAIRFLOW_CONN_SMS")
    for example in (text, other):
        given = dotenv_values(stream=StringIO(example), interpolate=False)
        configure(AIRFLOW_CONN_SMS_KANNEL=given["AIRFLOW_CONN_SMS_KANNEL"] or "")
        address = open_gateway("kannel").address  # type: ignore[attr-defined]
        assert (address.login, address.password) == ("", "")
        assert set(address.extra) == {"adapter", "callback_secret"}


@pytest.mark.guarantee(
    "rights", "only the proxy can be reached from outside; callbacks and intake reach only the ledger"
)
def test_the_proxy_alone_is_published_and_what_it_asks_has_no_way_out() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"proxy"}
    assert [resolve(port, {}) for port in published["proxy"]] == ["443:443", "80:80"]
    closed = {"internal": True, "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"}}
    for name, service in (("callbacks", "callbacks"), ("intake", "intake"), ("pages", "airflow-apiserver")):
        assert COMPOSE["networks"][name] == closed, "the network reaches neither the internet nor this machine"
        beside = {other for other, each in SERVICES.items() if name in each["networks"]}
        assert {service, "proxy"} <= beside <= {service, "proxy", "postgres", "watch"}
    for name in ("callbacks", "intake"):
        assert SERVICES[name]["networks"] == [name]
        # The watch calls these two services to see whether they run. The watch itself listens on no port.
        asked = SERVICES["watch"]["environment"][f"MOTCUA_WATCH_{name.upper()}"]
        assert asked.startswith(f"http://{name}:{listening_port(name)}/")
    assert "inside" not in SERVICES["proxy"]["networks"], "the proxy reaches no worker, no queue and no ledger"


DEFAULTS = Settings(home=Path("/opt/motcua"), data=Path("/opt/motcua/.data"))
PUBLICATIONS = "/opt/motcua/.data/publications"
JOURNAL = "/opt/motcua/.data/journal"
MOUNTED = {
    # Tasks delete files after their retention period. The pages store the files that the Department uploads.
    f"./statements:{DEFAULTS.statements_url.removeprefix('file://')}": {
        "airflow-worker": "", "airflow-apiserver": "", "init": "", "airflow-scheduler": ":ro", "backup": ":ro",
    },
    # Backups do not contain these files.
    f"./files:{DEFAULTS.files_url.removeprefix('file://')}": {
        "airflow-worker": "", "airflow-apiserver": "", "airflow-scheduler": ":ro",
    },
    # The pages offer publications for download. Backups contain them, and a restore puts them back.
    f"publications:{PUBLICATIONS}": {
        "airflow-worker": "", "airflow-scheduler": "", "airflow-apiserver": ":ro", "watch": ":ro", "backup": ":ro",
        "init": "",
    },
    # All senders write to the journal, including those that a command starts.
    f"journal:{JOURNAL}": {"airflow-worker": "", "airflow-scheduler": ""},
    # Only senders use the tokens of gateways. Backups do not contain them.
    f"tokens:{DEFAULTS.tokens_folder}": {"airflow-worker": ""},
    # The doctor, like every command, runs in the scheduler's container.
    f"${{BACKUPS:-./backups}}:{DEFAULTS.backups_folder}": {
        "backup": "", "init": ":ro", "watch": ":ro", "airflow-scheduler": ":ro",
    },
}  # fmt: skip
"""``FOLDER:PATH IN THE CONTAINER`` → services that mount the folder, with ``:ro`` for those that only read it."""


def test_each_folder_is_mounted_where_it_is_needed_and_nowhere_else() -> None:
    assert Settings().data == ROOT / ".data", "in the image, MOTCUA_HOME holds the code"
    assert (DEFAULTS.publications_url, str(DEFAULTS.journal_folder)) == (f"file://{PUBLICATIONS}", JOURNAL)
    for folder, wanted in MOUNTED.items():
        target = folder.rpartition(":")[2]
        given = {
            name: volume.removeprefix(folder)
            for name, service in SERVICES.items()
            for volume in service.get("volumes", ())
            if target in volume.split(":")
        }
        assert given == wanted, folder
    volumes = [volume.split(":") for volume in SERVICES["airflow-apiserver"]["volumes"]]
    written = {source for source, _, *options in volumes if options != ["ro"]}
    assert written == {"logs", "./statements", "./files"}, "pages write only to the folders of uploads"
    for name in ("airflow-scheduler", "airflow-apiserver"):
        assert "logs:/opt/airflow/logs" in SERVICES[name]["volumes"], (
            "the service's own list of volumes replaces the common one, so it must repeat the logs"
        )
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/statements/", "/files/", "/backups/"} <= set(ignored), "the folders hold phone numbers"
    assert {"/certificates/", "identity.txt", "docker-compose.override.yaml"} <= set(ignored), (
        "the files belong to one server"
    )


def test_backups_are_made_when_the_settings_say_so_by_programs_of_the_server_s_version() -> None:
    given = resolve(SERVICES["backup"]["environment"], {})
    usual = Settings().model_dump()
    # The image has PostgreSQL's programs from a Python package in the lock file; their major version must be the
    # server's.
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{program_version(binaries() / 'pg_dump')}-")
    read = Settings(**{name: given[f"MOTCUA_{name.upper()}"] for name in ("backup_time", "backup_keep")})
    assert (read.backup_time, read.backup_keep) == (usual["backup_time"], usual["backup_keep"])


def test_every_service_restarts_and_is_watched() -> None:
    for name in LONG_RUNNING:
        assert SERVICES[name]["restart"] == "unless-stopped"
        assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES["init"]["restart"] == "no"


def waits_for(name: str) -> dict[str, str]:
    """Return the services that a service waits for, each with its condition, such as ``service_healthy``."""
    return {other: each["condition"] for other, each in SERVICES[name].get("depends_on", {}).items()}


def started_before(name: str) -> set[str]:
    others = waits_for(name)
    return set(others).union(*(started_before(other) for other in others))


STOPPED_AFTER = {"airflow-worker": ("callbacks", "proxy"), "proxy": ("airflow-apiserver", "callbacks", "intake")}
"""For each service, the services that must stay up until it has stopped.

For example, the callbacks must still accept the receipts of a worker's last messages.
"""


def test_what_is_stopped_has_the_time_that_it_takes_and_the_ledger_waits_for_all() -> None:
    grace = {name: service.get("stop_grace_period", "10s") for name, service in SERVICES.items()}
    assert grace["airflow-worker"] == grace["postgres"] == grace["redis"] == "2m"
    assert {grace[name] for name in LONG_RUNNING if name.startswith("airflow-")} == {"30s", "2m"}
    # On SIGTERM PostgreSQL shuts down only after all open sessions have ended.
    assert SERVICES["postgres"]["stop_signal"] == "SIGTERM"


@pytest.mark.guarantee(
    "airflow", "no task starts before the API server answers requests of tasks, however slow the machine is"
)
def test_services_start_in_the_order_of_need_each_when_what_it_needs_is_ready() -> None:
    for name in SERVICES:
        for other, condition in waits_for(name).items():
            waited_for = "service_completed_successfully" if other == "init" else "service_healthy"
            assert condition == ("service_started" if other in STOPPED_AFTER.get(name, ()) else waited_for)
    assert started_before("init") == {"postgres"}
    assert started_before("airflow-apiserver") == {"postgres", "init"}
    for name in ("airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker"):
        assert started_before(name) - {"proxy", "callbacks", "intake"} == {
            "postgres",
            "init",
            "redis",
            "airflow-apiserver",
        }
    # Messages must be sent even if the proxy cannot start, for example because another web server has its port.
    assert SERVICES["airflow-worker"]["depends_on"]["proxy"]["required"] is False
    # Receipts and inquiries also come while Airflow starts.
    for name in ("callbacks", "intake", "backup"):
        assert started_before(name) == {"postgres", "init"}


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
    base = dict(words[0].partition("=")[::2] for instruction, words in dockerfile() if instruction == "ARG")
    assert [words for instruction, words in dockerfile() if instruction == "FROM"] == [["${PYTHON_IMAGE}"]]
    for image in (
        base["PYTHON_IMAGE"],
        *(service["image"] for service in SERVICES.values() if service["image"] != "motcua"),
    ):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?@sha256:[0-9a-f]{64}", image), image


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
    assert copied >= {"dags", "plugins", "include", "pyproject.toml"}
    assert {"!requirements-production.lock", "!requirements-build.lock"} <= set(ignored)
    assert instructions[-1] == ("USER", ["motcua"])
    made = {word for instruction, words in instructions if instruction == "RUN" for word in words}

    given = [environment, *(SERVICES[name].get("environment", {}) for name in OURS)]
    paths = {Path(value) for variables in given for value in variables.values() if value.startswith("/")}
    for path in (each for each in paths if not each.is_relative_to("/tmp")):
        if path.is_relative_to(workdir):
            assert (ROOT / path.relative_to(workdir)).exists(), path
            assert path == workdir or path.relative_to(workdir).parts[0] in copied
        else:
            assert path.is_relative_to(home), path
    for name in OURS:
        for volume in SERVICES[name].get("volumes", ()):
            if "./" in volume:
                continue
            source, target = volume.split(":")[:2]
            assert source in COMPOSE["volumes"]
            # Docker gives a new volume the owner of the folder in the image, so the image must have this folder.
            assert target in made
            assert target in (
                environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"],
                PUBLICATIONS,
                JOURNAL,
                str(DEFAULTS.tokens_folder),
                str(DEFAULTS.watch_folder),
            )
        for file in env_files(SERVICES[name]):
            assert (ROOT / f"{file}.example").exists()
        assert Path(SERVICES[name].get("working_dir", workdir)) == workdir


def test_every_command_of_a_service_exists() -> None:
    asked = [command for name in OURS for command in commands_of(name)]
    for command in asked:
        check_command(command)
    assert {"airflow", "motcua", "python", "uvicorn"} <= {command[0] for command in asked}


def check_command(command: list[str]) -> None:
    """Check, without running a command, that its program is in the image and accepts these arguments."""
    program, *arguments = command
    if program in _PROGRAMS:
        _PROGRAMS[program](arguments)
    else:
        understand_program(command)


def _is_uvicorn(arguments: list[str]) -> None:
    from uvicorn.importer import import_from_string
    from uvicorn.main import main

    parameters = main.make_context("uvicorn", list(arguments)).params
    assert callable(import_from_string(parameters["app"]))
    # With these options, the callbacks app reads the caller's address from the proxy's headers. The intake app has its
    # own setting for this, MOTCUA_INTAKE_PROXIES.
    assert parameters["proxy_headers"] == (parameters["forwarded_allow_ips"] == "*")


def _is_python(arguments: list[str]) -> None:
    assert arguments[0] == "-c"
    compile(arguments[1], "healthcheck", "exec")


_PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "uvicorn": _is_uvicorn,
    "python": _is_python,
}


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
    # Each of these variables has the connection of one role of the ledger.
    asked = {f"AIRFLOW_CONN_{name.upper()}" for name in (AIRFLOW, CALLBACKS, INTAKE, OWNER, PAGES, PURGE)}
    others = named_variables() - asked - fields - strings - options - set(dict(variables(COMPOSE)))
    connections = {name for name in others if name.startswith(("AIRFLOW_CONN_ONESTOP_", "AIRFLOW_CONN_SMS_"))}
    # MOTCUA_PUBLICATIONS in store.env names the connection AIRFLOW_CONN_KHO.
    connections |= {"AIRFLOW_CONN_KHO"} & others
    assert asked <= named_variables()
    assert others - connections == {
        "AIRFLOW_HOME",
        "AIRFLOW_CONN_SMTP_DEFAULT",  # motcua.jobs.mailing.SMTP_CONNECTION
        # Other programs read these variables.
        "DO_NOT_TRACK",
        "FORWARDED_ALLOW_IPS",
        "MPLCONFIGDIR",
        "POSTGRES_INITDB_ARGS",
        "PYTHONUNBUFFERED",
        "REDISCLI_AUTH",
        "SCARF_ANALYTICS",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    }


def test_the_examples_of_connections_can_be_read(configure: Callable[..., None]) -> None:
    from airflow.sdk.bases.hook import BaseHook

    from motcua.gateways import open_gateway
    from motcua.sources import adapter

    text = "".join((ROOT / f"{file}.example").read_text(encoding="utf-8") for file in SENDING_FILES)
    # Test the gateway's connection as JSON, and as the URI in a comment line.
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


def test_the_example_of_a_store_can_be_opened_once_its_secret_is_there(configure: Callable[..., None]) -> None:
    given = {name: value or "" for name, value in dotenv_values(ROOT / f"{STORE_FILE}.example").items()}
    configure(**given)
    with pytest.raises(StoreUnusable, match="kho lacks its access key"):
        publications_store()
    configure(**given | {"AIRFLOW_CONN_KHO": given["AIRFLOW_CONN_KHO"].replace('""', '"x"')})
    assert publications_store().path == "motcua/cong-bo"
    assert publications_store().fs.endpoint_url == "https://s3.example.vn:9000"


def test_rules_in_the_examples_are_the_defaults(configure: Callable[..., None]) -> None:
    usual = Settings().model_dump(exclude={"sources", "gateways"})
    rules = {name: value or "" for name, value in dotenv_values(ROOT / "settings.env.example").items()}
    configure(**{name: value for name, value in rules.items() if name.startswith("MOTCUA_")})
    assert settings().model_dump(exclude={"sources", "gateways"}) == usual


def listening_port(name: str) -> int:
    """Return the port that a service listens on, according to its command or environment."""
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
    """Return the port that a service's healthcheck connects to."""
    (words, *_) = commands(SERVICES[name]["healthcheck"]["test"])
    if words[0] == "python":
        call, *_ = [
            node
            for node in ast.walk(ast.parse(words[2]))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HTTPConnection"
        ]
        return int(ast.literal_eval(call.args[1]))
    if "-p" in words:
        return int(words[words.index("-p") + 1])
    return int(next(word.removeprefix("--port=") for word in words if word.startswith("--port=")))


def test_every_healthcheck_asks_the_port_that_the_service_listens_on() -> None:
    asking = {"postgres", "redis", "airflow-apiserver", "airflow-scheduler", "callbacks", "intake"}
    assert {name: asked_port(name) for name in asking} == {name: listening_port(name) for name in asking}
    assert "watch_folder" in SERVICES["watch"]["healthcheck"]["test"][-1], "the watch listens on no port"
    for name in ("airflow-dag-processor", "airflow-triggerer"):
        assert asked_port(name) == listening_port("airflow-apiserver"), (
            "the API server knows the heartbeats of Airflow's other services"
        )
    assert _ALIVE.name in SERVICES["airflow-worker"]["healthcheck"]["test"][-1]
    caddyfile = (ROOT / "include" / "proxy" / "Caddyfile").read_text(encoding="utf-8")
    address = SERVICES["proxy"]["healthcheck"]["test"][-1]
    assert f"\n{address.removesuffix('/health')} {{\n\trespond /health 200\n" in caddyfile


def test_every_address_names_a_service_and_its_port() -> None:
    found = set()
    for service in SERVICES.values():
        for value in resolve(service.get("environment", {}), complete_environment()).values():
            address = urlsplit(value)
            if "://" in value and address.hostname != "motcua.example.vn":
                assert address.hostname in SERVICES, value
                assert address.port == listening_port(address.hostname)
                found.add(address.hostname)
    assert found == {"postgres", "redis", "airflow-apiserver", "callbacks", "intake"}


def test_values_are_masked_as_in_the_demo_and_tasks_outlast_an_api_server_that_is_away() -> None:
    addresses = Addresses(Path("/"), *range(1, 7))
    secret = Secrets("", "", "", "", {}, *[""] * 11)
    dsn = "host=h user=u password=p dbname=d"
    demo = airflow_environment(addresses, secret, Databases(dsn, dsn, dsn, dsn, dsn, {}), ROOT, {})
    server = resolve(COMPOSE["x-airflow-environment"], {})
    for name in (
        "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES",
        "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL",
    ):
        assert server[name] == demo[name]
    # A task goes on for ten minutes without an API server. The task's token is renewed when a fifth of the token's
    # lifetime is left.
    interval = int(server["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"])
    assert int(server["AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS"]) * interval >= 600
    assert int(server["AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME"]) / 5 >= 600


def test_postgres_is_the_tested_one(postgres: Server) -> None:
    with psycopg.connect(postgres.admin_dsn) as connection:
        version = connection.info.server_version
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{version // 10000}.{version % 10000}-")


# --- Provisioning --------------------------------------------------------------------------------------


def provision(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("motcua"), "provision"],
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"]} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_provisioning_says_in_a_sentence_what_is_missing_or_wrong() -> None:
    given = dict.fromkeys(_OF_ROLES, "x")
    given["MOTCUA_ADMIN_DSN"] = "postgres://postgres:geheim@127.0.0.1:1/postgres"
    for name in given.keys() - {"MOTCUA_AUDIT_PASSWORD"}:
        answer = provision(**given | {name: ""})
        assert answer.returncode == 2
        assert answer.stderr == f"Set {name} in the environment.\n"
    for change, words in (
        ({"MOTCUA_APP_PASSWORD": "a@b"}, "MOTCUA_APP_PASSWORD may contain only letters, digits"),
        ({"MOTCUA_ADMIN_DSN": "posgres://u:geheim@h/d"}, "MOTCUA_ADMIN_DSN is not an address"),
        ({}, "The database answered: "),
    ):
        answer = provision(**given | change)
        assert answer.returncode == 2
        assert answer.stderr.startswith(words)
        assert "geheim" not in answer.stderr
        assert "a@b" not in answer.stderr
        assert "Traceback" not in answer.stderr
