"""Checks that need no ledger: health and runs of Airflow, health pages, disks, certificates, the newest backup.

Two services have a health page: the callbacks receive delivery receipts and inquiries from gateways, and the intake
receives data that one-stop software pushes.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from motcua.domain.watching.judging import COMPONENTS, Run
from motcua.jobs.backup.folders import newest_good

_PATIENCE = (3.05, 10.0)
"""Seconds to connect, and seconds to wait for an answer."""
CERTIFICATE_ENDS_SOON = timedelta(days=21)
"""A certificate is reported when it ends within this time."""
_MOST_RUNS = 100
_OK = (200, 201)


class AirflowRefused(Exception):
    """Airflow answers with something other than what was requested.

    The message holds the HTTP status and the request, and no word of the answer.
    """


@dataclass(frozen=True, slots=True)
class Health:
    """The health that Airflow reports of its own components."""

    states: Mapping[str, str | None]
    skew: timedelta | None
    """Airflow's clock minus this machine's clock. ``None`` if the answer has no readable ``Date`` header."""
    uncertain: timedelta
    """How far ``skew`` may be wrong in either direction."""


@dataclass(slots=True)
class Airflow:
    """A client of Airflow's public REST API. The client signs in to read runs, but not to read the health."""

    url: str
    user: str | None = None
    password: str | None = None
    _token: str | None = field(default=None, repr=False)

    @property
    def may_sign_in(self) -> bool:
        """Whether a user and a password are set."""
        return bool(self.user and self.password)

    def health(self) -> Health:
        """Return the states of Airflow's components, as their heartbeats show them, and the skew of Airflow's clock.

        Raises:
            AirflowRefused: Airflow answers with something that is not its health.
            requests.RequestException: Airflow does not answer.
        """
        asked = datetime.now(UTC)
        answer = requests.get(f"{self.url}/api/v2/monitor/health", timeout=_PATIENCE)
        answered = datetime.now(UTC)
        given = _json_of(answer, "monitor/health")
        parts = {name: given.get(name) for name in COMPONENTS}
        states = {name: part.get("status") if isinstance(part, dict) else None for name, part in parts.items()}
        skew = None
        if date := answer.headers.get("Date"):
            with suppress(ValueError, TypeError):
                # The Date header holds whole seconds, so on average half of the current second has passed.
                skew = parsedate_to_datetime(date) + timedelta(seconds=0.5) - (asked + (answered - asked) / 2)
        return Health(states, skew, (answered - asked) / 2 + timedelta(seconds=0.5))

    def failed_runs(self, since: datetime) -> list[Run]:
        """Return failed DAG runs that ended since a moment, the newest first, at most a hundred.

        Raises:
            AirflowRefused: Airflow does not let the watch's user read the runs.
            requests.RequestException: Airflow does not answer.
        """
        query = {"state": "failed", "end_date_gte": since.isoformat(), "order_by": "-end_date", "limit": _MOST_RUNS}
        return self._runs("dags/~/dagRuns", query)

    def _runs(self, path: str, query: Mapping[str, Any]) -> list[Run]:
        given = self._get(path, query)
        try:
            return [
                Run(
                    each["dag_id"],
                    each["state"],
                    _moment(each["start_date"]),
                    _moment(each["end_date"]),
                    bool(each["note"]),
                    each.get("dag_run_id", ""),
                )
                for each in given["dag_runs"]
            ]
        except (LookupError, TypeError, ValueError, AttributeError):
            raise AirflowRefused(f"Airflow's answer to the request for {path} holds no list of runs") from None

    def _get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self._signed_in()}"}
            answer = requests.get(f"{self.url}/api/v2/{path}", params=query, headers=headers, timeout=_PATIENCE)
            if answer.status_code != requests.codes.unauthorized:
                break
            self._token = None
        if answer.status_code == requests.codes.not_found:
            # Airflow answers 404 for a DAG that it has not parsed yet or no longer parses. Such a DAG has no runs.
            return {"dag_runs": []}
        return _json_of(answer, path)

    def _signed_in(self) -> str:
        if self._token is None:
            who = {"username": self.user, "password": self.password}
            answer = requests.post(f"{self.url}/auth/token", json=who, timeout=_PATIENCE)
            token = _json_of(answer, "auth/token").get("access_token")
            if not isinstance(token, str) or not token.isprintable():
                raise AirflowRefused("Airflow gave the watch's user no token")
            self._token = token
        return self._token


def _json_of(answer: requests.Response, asked: str) -> dict[str, Any]:
    """Return the JSON object that an answer holds.

    Raises:
        AirflowRefused: The answer is a refusal or an error, or holds no JSON object.
    """
    if answer.status_code not in _OK:
        raise AirflowRefused(f"Airflow answered the request for {asked} with HTTP status {answer.status_code}")
    try:
        given = answer.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise AirflowRefused(f"Airflow's answer to the request for {asked} is not a JSON object")
    return given


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def tls_place(url: str) -> tuple[str, int] | None:
    """Return the host and port of an https address. ``None`` for any other address."""
    try:
        split = urlsplit(url)
        return (split.hostname, split.port or 443) if split.scheme == "https" and split.hostname else None
    except ValueError:
        return None


def certificate_ends(host: str, port: int) -> datetime | None:
    """Return the end of validity of a server's certificate, without a check of its signature. ``None`` if no server
    shows a certificate."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        shown = ssl.get_server_certificate((host, port), timeout=_PATIENCE[0])
        return load_pem_x509_certificate(shown.encode()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def health_answer(url: str) -> int | str:
    """Return the HTTP status of a health page of the callbacks or the intake. If the page does not answer, return the
    name of the error's class."""
    try:
        return requests.get(url, timeout=_PATIENCE, allow_redirects=False).status_code
    except requests.RequestException as error:
        return type(error).__name__


LIVE = (200, 204)
"""Statuses with which a health page of the callbacks or the intake says that its service reaches the ledger."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a folder; sizes in bytes."""

    folder: Path
    free: int
    total: int


def disks_of(folders: Iterable[Path]) -> list[Disk]:
    """Return the disks of these folders, each disk once. Folders that do not exist are left out.

    Raises:
        OSError: The disk of a folder cannot be read.
    """
    found: dict[int, Disk] = {}
    for folder in folders:
        if folder.exists():
            usage = shutil.disk_usage(folder)
            found.setdefault(folder.stat().st_dev, Disk(folder, usage.free, usage.total))
    return list(found.values())


def newest_backup(folder: Path, now: datetime) -> datetime | None:
    """Return when the newest backup without a known fault was made. ``None`` if there is no such backup."""
    newest = newest_good(folder, now)
    return newest.made_at if newest else None
