"""The files of a real server as they stand in the project: what Compose and the image are told."""

from __future__ import annotations

import os
import secrets
import shlex
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values
from pyrage.x25519 import Identity

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
LONG_RUNNING = [name for name in SERVICES if name != "init"]
EXAMPLE = {name: value or "" for name, value in dotenv_values(ROOT / ".env.example").items()}
SENDING_FILES = ("settings.env", "mail.env", "sources.env", "gateways.env")
"""What tasks and commands need."""
ENV_FILES = (*SENDING_FILES, "callbacks.env")
STORE_FILE = "store.env"
"""Where publications are kept, if not in a volume; the only file that may be missing."""


def env_files(service: dict[str, Any]) -> tuple[str, ...]:
    """The files that a service is given, those that may be missing with them."""
    return tuple(each if isinstance(each, str) else each["path"] for each in service.get("env_file", ()))


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
