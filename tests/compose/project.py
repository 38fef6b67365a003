"""Read the files that set up a real server: docker-compose.yaml, Dockerfile, examples of settings, handbook pages."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import textwrap
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from pyrage.x25519 import Identity

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"] == "motcua"]
LONG_RUNNING = [name for name in SERVICES if name != "init"]
EXAMPLE = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
SENDING_FILES = ("settings.env", "mail.env", "sources.env", "gateways.env")
"""Files with the settings that tasks and commands need."""
ENV_FILES = (*SENDING_FILES, "callbacks.env")
STORE_FILE = "store.env"
"""The env file that names a store for publications instead of a volume. Only this env file may be missing."""


def env_files(service: dict[str, Any]) -> tuple[str, ...]:
    """Return the env files of a service, including those that may be missing."""
    return tuple(each if isinstance(each, str) else each["path"] for each in service.get("env_file", ()))


def complete_environment() -> dict[str, str]:
    """Return an environment that has a value for every name in .env.example."""
    made = {name: value or secrets.token_hex(32) for name, value in EXAMPLE.items()}
    return made | {
        "AIRFLOW_SECRET": urlsafe_b64encode(os.urandom(32)).decode(),
        "BACKUP_RECIPIENTS": str(Identity.generate().to_public()),
        "GATEWAY_NETWORKS": "10.20.2.7",
        "TLS": "internal",
        "UI_URL": "https://motcua.example.vn",
    }


def dockerfile() -> list[tuple[str, list[str]]]:
    """Return the instructions of the Dockerfile with their words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], shlex.split(line)[1:]) for line in lines]


def image_environment() -> dict[str, str]:
    """Return the environment variables that the project's image gives to each of its services."""
    settings = [word for instruction, words in dockerfile() if instruction == "ENV" for word in words]
    return dict(setting.split("=", 1) for setting in settings)


_STEP = re.compile(r"^(?P<number>\d+)\. ", re.M)
_BLOCK = re.compile(r"^ *```sh\n(?P<lines>.*?)^ *```$", re.M | re.S)
_ROW = re.compile(r"^ *\| (?P<cells>.+) \|$", re.M)


def steps(page: str, section: str) -> dict[int, list[str]]:
    """Return the blocks of commands of each step of a section, by the step's number.

    A step without a block of commands has an empty list.

    Args:
        page: the page below docs, without its ending, as ``vi/quan-tri/cai-dat``.
        section: the section's heading.

    Raises:
        KeyError: the page has no such section.
        ValueError: its steps are not numbered 1, 2, 3, …
    """
    _, *parts = _STEP.split(_section(page, section))
    found = {
        int(number): [textwrap.dedent(block["lines"]) for block in _BLOCK.finditer(words)]
        for number, words in zip(parts[::2], parts[1::2], strict=True)
    }
    if list(found) != list(range(1, len(found) + 1)):
        raise ValueError(f"{page}.md, {section}: the steps are numbered {list(found)}, not 1, 2, 3, …")
    return found


def titles(page: str, section: str) -> dict[str, int]:
    """Return the number of each step by its title, the bold words at the beginning of the step.

    Raises:
        KeyError: the page has no such section.
    """
    found = re.findall(r"^(\d+)\. \*\*([^*]+?)[.,:?]?\*\*", _section(page, section), re.M)
    return {title: int(number) for number, title in found}


def rows(page: str, section: str) -> list[tuple[str, ...]]:
    """Return the rows of a section's tables, without head rows and without the backticks around a cell.

    Raises:
        KeyError: the page has no such section.
    """
    lines = [
        tuple(cell.strip() for cell in row["cells"].split(" | ")) for row in _ROW.finditer(_section(page, section))
    ]
    rules = {number for number, cells in enumerate(lines) if set("".join(cells)) <= set("-: ")}
    heads = {number - 1 for number in rules}
    return [
        tuple(re.sub(r"^`([^`]+)`$", r"\1", cell) for cell in cells)
        for number, cells in enumerate(lines)
        if number not in rules | heads
    ]


def _section(page: str, section: str) -> str:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))[section]
