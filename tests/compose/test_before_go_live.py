"""The commands of docs/vi/truoc-khi-van-hanh.md exist, and their output is what the page states.

Commands that need no running server are run here, on a test ledger.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from pyrage.x25519 import Identity

from motcua.sandbox.machine.postgres import binaries
from tests.compose.project import ROOT, SERVICES
from tests.compose.typed_commands import NotUnderstood, understand
from tests.ground import PASSWORD, ask, connection_uri, type_command

PAGE = ROOT / "docs" / "vi" / "truoc-khi-van-hanh.md"
_ROW = re.compile(r"^\| `(?P<command>[^`]+)` \| (?P<answer>.+) \|$", re.M)
NEEDS_A_SERVER = {
    "airflow": "the users in Airflow's own database",
    "printenv": "the environment of a container",
    "tar": "a volume",
    "docker": "the engine of containers",
}
"""Programs whose commands are checked but not run here, each with what a run would need."""


def rows_of_page() -> list[tuple[str, str]]:
    """Return each command of the page with the output that the page states."""
    return [(row["command"], row["answer"]) for row in _ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def questions() -> dict[str, str]:
    """Return the text below each question of the page, by the question's heading."""
    return dict(re.findall(r"^## (\d+\. .+?)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S))


def program_in(command: str) -> list[str]:
    """Return the words that run in the container, or those of Compose's own command, without redirections."""
    words = shlex.split(command)
    words = words[: next((n for n, word in enumerate(words) if word in ("<", ">")), len(words))]
    service = next((n for n, word in enumerate(words) if word in SERVICES), None)
    if service is None or words[2] not in ("exec", "run"):
        return ["docker", *words[1:]]
    return words[service + 1 :]


def promised(answer: str) -> list[str]:
    """Return the quotations in an answer of the page, which the command's output must contain."""
    return re.findall(r"“([^”]+)”", answer)


def test_twelve_questions_each_have_a_command() -> None:
    assert [heading.partition(".")[0] for heading in questions()] == [str(n) for n in range(1, 13)]
    assert [heading for heading, words in questions().items() if not _ROW.search(words)] == []


def test_every_command_of_the_page_is_understood_and_only_what_needs_a_server_is_not_run_here() -> None:
    refused = []
    for command, _ in rows_of_page():
        try:
            understand(command)
        except NotUnderstood as error:
            refused.append(f"{command}: {error}")
    assert refused == []
    programs = {program_in(command)[0] for command, _ in rows_of_page()}
    assert programs == {"motcua", "psql", "pg_dump", *NEEDS_A_SERVER}
    (answer,) = [answer for command, answer in rows_of_page() if "--images" in command]
    assert set(promised(answer)) == {re.split(r"[:@]", service["image"])[0] for service in SERVICES.values()}


@pytest.fixture
def server(
    ledger: str, agencies: None, configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Set up a ledger with agencies, its owner's connection and the settings that a backup needs.

    Return an administrator's DSN of the ledger.
    """
    key = Identity.generate()
    (tmp_path / "identity.txt").write_text(f"{key}\n", encoding="utf-8")
    configure(
        AIRFLOW_CONN_MOTCUA_DB_OWNER=connection_uri(ledger, "motcua_owner", conninfo_to_dict(ledger)["dbname"]),
        MOTCUA_BACKUPS=str(tmp_path / "backups"),
        MOTCUA_BACKUP_RECIPIENTS=str(key.to_public()),
        MOTCUA_PUBLICATIONS=f"file://{tmp_path}/publications",
        MOTCUA_STATEMENTS=f"file://{tmp_path}/statements",
        MOTCUA_WATCH=str(tmp_path / "watch"),
        MOTCUA_SOURCES="",
        MOTCUA_PERSON="lan",
    )
    for folder in ("backups", "publications", "statements"):
        (tmp_path / folder).mkdir()
    ask(ledger, "GRANT CONNECT, TEMPORARY ON DATABASE {} TO motcua_owner".format(conninfo_to_dict(ledger)["dbname"]))
    monkeypatch.chdir(tmp_path)
    return ledger


def answered(words: list[str], dsn: str, identity: str) -> tuple[int, str]:
    """Run a command of the page, and return its exit code and output."""
    if words[0] == "motcua":
        result = type_command(*words[1:], exits=None, input=identity)
        return result.exit_code, f"{result.output}{result.exception or ''}"
    where = conninfo_to_dict(dsn)
    given = [word for word in words[1:] if not word.startswith(("--username", "--dbname")) and word != "motcua"]
    environment = {"PGHOST": where["host"], "PGPORT": where["port"], "PGUSER": "postgres"}
    environment |= {"PGPASSWORD": where.get("password") or PASSWORD, "PGDATABASE": where["dbname"]}
    run = subprocess.run(
        [binaries() / words[0], *given],
        env={name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.mark.timeout(600)
def test_commands_of_the_page_answer_what_it_says(server: str, tmp_path: Path) -> None:
    identity = (tmp_path / "identity.txt").read_text(encoding="utf-8")
    seen: dict[str, tuple[int, str]] = {}
    wrong: list[Any] = []
    # Make the backup first, since other commands report on it.
    in_order = sorted(rows_of_page(), key=lambda row: program_in(row[0]) != ["motcua", "backup"])
    for command, answer in in_order:
        words = program_in(command)
        if words[0] in NEEDS_A_SERVER:
            continue
        if command not in seen or words == ["motcua", "identity"]:
            seen[command] = answered(words, server, identity)
        code, output = seen[command]
        # The output of psql must be exactly the promised words; other outputs must contain them.
        said = [output.strip()] if words[0] == "psql" else output
        if code or any(word not in said for word in promised(answer)):
            wrong.append((command, answer, code, output[-600:]))
    assert wrong == []
    assert len(seen) > 20
