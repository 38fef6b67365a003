"""Read Airflow connections from the environment without Airflow.

The watch, which monitors the system, must work even if Airflow does not. If cron runs the watch, it starts once a
minute, and importing Airflow alone takes seconds. All other code reads connections through Airflow's own hooks.
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
    """The values of a connection. Airflow's hooks accept an instance in place of Airflow's own connection object."""

    host: str | None
    port: int | None
    login: str | None
    password: str | None
    schema: str | None
    extra: Mapping[str, Any]

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """Return the extra in the form that Airflow's hooks expect."""
        return dict(self.extra)


def connection_of_environment(conn_id: str) -> GivenConnection | None:
    """Read the connection in ``AIRFLOW_CONN_<NAME>``, written as JSON or as an address.

    Return ``None`` if this variable is not set or cannot be parsed.
    """
    return read_connection(os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}", ""))


def read_connection(written: str) -> GivenConnection | None:
    """Parse a connection that is written as JSON or as an address. Return ``None`` if the text is empty or cannot be
    parsed."""
    written = written.strip()
    if written[:1] in ("'", '"') and written[-1:] == written[:1]:
        # The value may come from a file that both a shell and Docker read. Docker takes quotes as a part of the value.
        written = written[1:-1]
    try:
        return _parse_json(written) if written.startswith("{") else _parse_address(written) if written else None
    except (ValueError, TypeError, AttributeError):
        return None


def _parse_json(written: str) -> GivenConnection:
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


def _parse_address(written: str) -> GivenConnection:
    address = urlsplit(written)
    extra: dict[str, Any] = dict(parse_qsl(address.query, keep_blank_values=True))
    if set(extra) == {"__extra__"}:
        extra = dict(json.loads(extra["__extra__"]))

    def unquoted(text: str | None) -> str | None:
        return unquote(text) if text else None

    return GivenConnection(
        unquoted(address.hostname),
        address.port,
        unquoted(address.username),
        unquoted(address.password),
        unquoted(address.path.removeprefix("/")),
        extra,
    )
