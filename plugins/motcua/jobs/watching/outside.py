"""What is seen without the ledger: Airflow's health and runs, the callbacks, the intake, disks, the newest backup."""

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
"""Seconds to connect, and to wait for an answer."""
CERTIFICATE_ENDS = timedelta(days=21)
"""So long before its end a certificate is told of."""
_MOST_RUNS = 100
_OK = (200, 201)


class AirflowRefused(Exception):
    """Airflow answers, and not what was asked for; the message holds its status and what was asked, no word of its
    answer."""


@dataclass(frozen=True, slots=True)
class Health:
    """What Airflow says of itself."""

    states: Mapping[str, str | None]
    skew: timedelta | None
    """Its clock less ours; ``None``: it told none."""
    uncertain: timedelta
    """How exactly that is known."""


@dataclass(slots=True)
class Airflow:
    """Airflow's public REST interface; its health needs nobody to be signed in, its runs do."""

    url: str
    user: str | None = None
    password: str | None = None
    _token: str | None = field(default=None, repr=False)

    @property
    def may_sign_in(self) -> bool:
        """Whether it was told as whom."""
        return bool(self.user and self.password)

    def health(self) -> Health:
        """Its parts, by their heartbeats.

        Raises:
            AirflowRefused: it answers with something that is no health.
            requests.RequestException: it does not answer.
        """
        asked = datetime.now(UTC)
        answer = requests.get(f"{self.url}/api/v2/monitor/health", timeout=_PATIENCE)
        answered = datetime.now(UTC)
        given = _json_of(answer, "monitor/health")
        parts = {name: given.get(name) for name in COMPONENTS}
        states = {name: part.get("status") if isinstance(part, dict) else None for name, part in parts.items()}
        skew = None
        if told := answer.headers.get("Date"):
            with suppress(ValueError, TypeError):
                # It tells whole seconds: on average half of one has passed.
                skew = parsedate_to_datetime(told) + timedelta(seconds=0.5) - (asked + (answered - asked) / 2)
        return Health(states, skew, (answered - asked) / 2 + timedelta(seconds=0.5))

    def failed_runs(self, since: datetime) -> list[Run]:
        """Red runs that ended since a moment, the newest first, a hundred at most.

        Raises:
            AirflowRefused: it does not let us see them.
            requests.RequestException: it does not answer.
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
            raise AirflowRefused(f"Airflow answered {path} with something else than runs") from None

    def _get(self, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(2):
            headers = {"Authorization": f"Bearer {self._signed_in()}"}
            answer = requests.get(f"{self.url}/api/v2/{path}", params=query, headers=headers, timeout=_PATIENCE)
            if answer.status_code != requests.codes.unauthorized:
                break
            self._token = None
        if answer.status_code == requests.codes.not_found:
            # A DAG that Airflow has not read, or reads no more, has no runs.
            return {"dag_runs": []}
        return _json_of(answer, path)

    def _signed_in(self) -> str:
        if self._token is None:
            who = {"username": self.user, "password": self.password}
            answer = requests.post(f"{self.url}/auth/token", json=who, timeout=_PATIENCE)
            token = _json_of(answer, "the watch's user").get("access_token")
            if not isinstance(token, str) or not token.isprintable():
                raise AirflowRefused("Airflow gave the watch's user no token")
            self._token = token
        return self._token


def _json_of(answer: requests.Response, asked: str) -> dict[str, Any]:
    """What an answer says.

    Raises:
        AirflowRefused: it is a refusal or an error, or no object of JSON.
    """
    if answer.status_code not in _OK:
        raise AirflowRefused(f"Airflow answered {answer.status_code} to {asked}")
    try:
        given = answer.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise AirflowRefused(f"Airflow answered {asked} with something that is no JSON")
    return given


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def tls_place(url: str) -> tuple[str, int] | None:
    """Host and port of an https address; ``None``: it is none."""
    try:
        split = urlsplit(url)
        return (split.hostname, split.port or 443) if split.scheme == "https" and split.hostname else None
    except ValueError:
        return None


def certificate_ends(host: str, port: int) -> datetime | None:
    """When the certificate ends that is shown there, whoever signed it; ``None``: nobody answers with one."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        shown = ssl.get_server_certificate((host, port), timeout=_PATIENCE[0])
        return load_pem_x509_certificate(shown.encode()).not_valid_after_utc
    except (OSError, ValueError):
        return None


def health_answer(url: str) -> int | str:
    """The status that the callbacks or the intake answer when asked for their health; or why there is no answer."""
    try:
        return requests.get(url, timeout=_PATIENCE, allow_redirects=False).status_code
    except requests.RequestException as error:
        return type(error).__name__


LIVE = (200, 204)
"""Statuses that they answer while their ledger answers them."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that a folder is on; bytes."""

    folder: Path
    free: int
    total: int


def disks_of(folders: Iterable[Path]) -> list[Disk]:
    """The disks of these folders, each once; folders that are not there are left out.

    Raises:
        OSError: a folder cannot be looked at.
    """
    found: dict[int, Disk] = {}
    for folder in folders:
        if folder.exists():
            usage = shutil.disk_usage(folder)
            found.setdefault(folder.stat().st_dev, Disk(folder, usage.free, usage.total))
    return list(found.values())


def newest_backup(folder: Path) -> datetime | None:
    """When the newest backup was made that is good as far as is known; ``None``: there is none."""
    newest = newest_good(folder)
    return newest.made_at if newest else None
