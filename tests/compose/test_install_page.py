"""docs/operations/install.md can be typed: its commands are understood, and its files are what Compose asks for.

That it leads to a first message is shown by ``make prove ONLY=install``, to a first restore by test_coming_back.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.compose.machine import Machine
from tests.compose.project import ENV_FILES, EXAMPLE, ROOT, SECTION, asked_for, fill_in, rows, steps, titles
from tests.compose.typed_commands import NotUnderstood, lines_of, understand
from tests.prove.machines.install import NOT_FOLLOWED, Ports, values

pytestmark = pytest.mark.alone

PUBLIC_KEY = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """An empty one with the program's files."""
    machine = Machine(tmp_path / "machine")
    yield machine
    machine.lose()


def every_line() -> list[tuple[int, str]]:
    """Each command of the page with its step."""
    return [
        (number, line)
        for number, blocks in steps("install", SECTION).items()
        for block in blocks
        for line in lines_of(block)
    ]


def test_command_that_is_wrong_is_not_understood() -> None:
    assert {understand(line) for _, line in every_line()} >= {
        "airflow-apiserver",
        "airflow-scheduler",
        "backup",
        "watch",
    }
    scheduler = "docker compose exec airflow-scheduler motcua"
    for line in (
        "docker compose exec nobody motcua identity",
        "docker compose frobnicate",
        "docker compose up --detatch",
        f"{scheduler} messages sent",
        f"{scheduler} messages sent --since yesterday",
        f"{scheduler} agencies import - --silently < agencies.yaml",
    ):
        with pytest.raises(NotUnderstood):
            understand(line)


def test_steps_lead_to_files_that_compose_takes_with_secrets_of_their_own(machine: Machine) -> None:
    page = {title: steps("install", SECTION)[number] for title, number in titles("install", SECTION).items()}
    for block in page["The files and folders"] + page["The secrets"]:
        machine.type(block)
    complete, *_ = page["What only you know"]
    with pytest.raises(AssertionError, match=r"set it in \.env"):
        machine.type(complete)
    fill_in(machine.project, values(Ports(1, 2, 3), "word", PUBLIC_KEY))
    machine.type(complete)
    environment = dotenv_values(machine.project / ".env")
    assert all(environment.values())
    made = [environment[name] for name in EXAMPLE if not EXAMPLE[name] and re.search("PASSWORD|SECRET|KEY", name)]
    assert len({*made}) == len(made) > 10
    shown = {
        json.loads(dotenv_values(machine.project / file)["AIRFLOW_CONN_SMS_KANNEL"] or "")["extra"]["callback_secret"]
        for file in ("gateways.env", "callbacks.env")
    }
    assert len(shown) == 1
    assert len(*shown) > 32
    modes = {(machine.project / file).stat().st_mode & 0o777 for file in (".env", *ENV_FILES)}
    assert modes == {0o600}, "a file that is written anew keeps who may read it"
    safe = machine.folder / "safe"
    safe.mkdir()
    machine.type(page["The safe"][0], SAFE=safe)
    assert {path.name for path in safe.iterdir()} == {".env", *ENV_FILES}
    handbook = (ROOT / "docs" / "operations" / "restore.md").read_text(encoding="utf-8")
    (restored,) = re.findall(r"^\| `SAFE` \|.*$", handbook, re.M)
    assert all(f"`{file}`" in restored for file in (".env", *ENV_FILES))


def test_everything_that_is_empty_in_an_example_is_filled_in_by_a_step() -> None:
    asked = asked_for()
    assert len(asked) == len({*asked})
    secret = [name for name in EXAMPLE if re.search("PASSWORD|SECRET|KEY", name)]
    empty = {name for name, value in EXAMPLE.items() if not value}
    assert empty - {*secret} == {name for file, name in asked if file == ".env"}
    assert {file for file, _ in asked} == {".env", *ENV_FILES}


def test_what_is_not_followed_is_named_as_the_steps_have_it() -> None:
    named = [row[0] for row in rows("install", NOT_FOLLOWED)]
    typed = {line.strip() for _, line in every_line()}
    without_block = {f"step {number}" for number, blocks in steps("install", SECTION).items() if not blocks}
    assert {name for name in named if name.startswith("step ")} <= without_block
    restore = f"step {titles('install', SECTION)['The first restore']}"
    assert without_block - {*named} == {restore}, "which is typed as restore.md has it"
    commands = [name for name in named if re.match(r"(docker|sudo|timedatectl) ", name)]
    assert {*commands} <= typed
    assert {name for name in typed if name.startswith("sudo reboot")} <= {*commands}


def test_editor_refuses_what_the_page_does_not_ask_for_and_misses_what_it_does(machine: Machine) -> None:
    known = values(Ports(1, 2, 3), "word", PUBLIC_KEY)
    for file in (".env", *ENV_FILES):
        (machine.project / file).write_bytes((machine.project / f"{file}.example").read_bytes())
    with pytest.raises(ValueError, match="MOTCUA_SOURCE"):
        fill_in(machine.project, known | {("settings.env", "MOTCUA_SOURCE"): "x"})
    with pytest.raises(KeyError, match="UI_URL"):
        fill_in(machine.project, {name: value for name, value in known.items() if name != (".env", "UI_URL")})
    fill_in(machine.project, known)
    assert set(dotenv_values(machine.project / "sources.env")) == {"AIRFLOW_CONN_ONESTOP_KHANHHOA"}
