"""Airflow connections as the environment holds them, read without Airflow.

The watch must work where Airflow does not, and starts once a minute where cron runs it: importing Airflow alone takes
seconds. Everything else goes through Airflow's own hooks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class GivenConnection:
    """What a connection says; Airflow's hooks take it for one."""

    host: str | None
    port: int | None
    login: str | None
    password: str | None
    schema: str | None
    extra: Mapping[str, Any]

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra as Airflow's hooks ask for it."""
        return dict(self.extra)


def connection_of_environment(conn_id: str) -> GivenConnection | None:
    """The connection in ``AIRFLOW_CONN_<NAME>``, JSON or an address; ``None``: not set, or not to be read so."""
    return read_connection(os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}", ""))


def read_connection(written: str) -> GivenConnection | None:
    """A connection as it is written, JSON or an address; ``None``: nothing is, or it is not to be read so."""
    written = written.strip()
    if written[:1] in ("'", '"') and written[-1:] == written[:1]:
        # A file of variables that is read by a shell and by Docker, which takes quotes for a part of the value.
        written = written[1:-1]
    try:
        return _of_json(written) if written.startswith("{") else _of_address(written) if written else None
    except (ValueError, TypeError, AttributeError):
        return None


def _of_json(written: str) -> GivenConnection:
    given = json.loads(written)
    extra = given.get("extra") or {}
    if isinstance(extra, str):
        extra = json.loads(extra)
    port = given.get("port")
    return GivenConnection(
        given.get("host"),
        int(port) if port else None,
        given.get("login"),
        given.get("password"),
        given.get("schema"),
        dict(extra),
    )


def _of_address(written: str) -> GivenConnection:
    address = urlsplit(written)
    extra: dict[str, Any] = dict(parse_qsl(address.query, keep_blank_values=True))
    if set(extra) == {"__extra__"}:
        extra = dict(json.loads(extra["__extra__"]))

    def plain(text: str | None) -> str | None:
        return unquote(text) if text else None

    return GivenConnection(
        plain(address.hostname),
        address.port,
        plain(address.username),
        plain(address.password),
        plain(address.path.removeprefix("/")),
        extra,
    )
