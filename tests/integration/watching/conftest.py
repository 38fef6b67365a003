"""Fixtures of the watch's tests: a watch that checks a fresh ledger, a double of Airflow, and a real SMTP server.

The watch is a process outside Airflow that runs checks twice a minute and mails alerts.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.notices.looking import Watcher
from motcua.jobs.watching.checks import CHECKS, Question
from motcua.jobs.watching.keeping import WatchState
from motcua.jobs.watching.watch import Watch
from motcua.settings import settings
from tests.integration.quality.test_mailing_quality import MailServer
from tests.integration.watching.outside import Outside

LAN, MINH = "lan@khanhhoa.example", "minh@khanhhoa.example"
ASKED_OFTEN = tuple(each for each in CHECKS if each.name not in ("catalog", "installation"))
"""All checks of the watch except two with tests of their own: those that run the hourly checks of ``motcua doctor``."""
WEDNESDAY = datetime(2026, 11, 25, 15, 0, tzinfo=VIETNAM)


@dataclass
class Watched:
    """A watch, its doubles, and a clock that the test sets."""

    outside: Outside
    mail: MailServer
    folder: Path
    now: datetime = WEDNESDAY
    has_begun: bool = False
    asks: Sequence[Question] = ASKED_OFTEN
    seen: list[str] = field(default_factory=list)
    """Subjects of all mails that had arrived when ``mails`` was last called."""

    def look(self, times: int = 1, minutes: float = 1, *, notify: bool = True) -> WatchState:
        """Run ``times`` rounds of the watch, ``minutes`` apart; return its state.

        With ``notify`` a successful run of notify_transitions precedes each round.
        """
        if not self.has_begun:
            # A watch raises few alerts in its first three minutes, because the machine may be starting too. So the
            # first call lets the watch start five minutes earlier.
            self.has_begun, before = True, self.now
            self.now -= timedelta(minutes=5)
            self.look(2, minutes=2, notify=notify)
            self.now = before
        for _ in range(times):
            self.now += timedelta(minutes=minutes)
            if notify:
                self.outside.runs = [run for run in self.outside.runs if run["state"] != "success"]
                self.outside.run("success", self.now - timedelta(seconds=30), self.now - timedelta(seconds=20))
            state = Watch(clock=lambda: self.now, asks=self.asks).once()
        return state

    def open_alerts(self, state: WatchState) -> list[str]:
        """Return the keys of raised alerts that are not over."""
        return sorted(key for key, alert in state.alerts.items() if alert.raised_at is not None)

    def mails(self) -> list[str]:
        """Return the subjects of the mails since the last call, without the daily mails."""
        subjects = [str(message["Subject"]) for _, message in self.mail.taken]
        new, self.seen = subjects[len(self.seen) :], subjects
        return [subject for subject in new if "Giám sát ngày" not in subject]


@pytest.fixture
def outside() -> Iterator[Outside]:
    server = Outside()
    yield server
    server.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    if not server.is_closed:
        server.close()


@pytest.fixture
def watched(
    ledger: str,
    outside: Outside,
    mail: MailServer,
    tmp_path: Path,
    configure: Callable[..., None],
) -> Watched:
    """Set up a watch that asks the double ``outside``, without alerts about backups, upkeep and disk space."""
    smtp: dict[str, Any] = {"conn_type": "smtp", "host": "127.0.0.1", "port": mail.port}
    smtp["extra"] = {"disable_ssl": True, "disable_tls": True, "from_email": "MotcuaSMS <motcua@khanhhoa.example>"}
    configure(
        AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(smtp),
        MOTCUA_DATA=str(tmp_path),
        MOTCUA_WATCH_RECIPIENTS=LAN,
        MOTCUA_WATCH_AIRFLOW=outside.url,
        MOTCUA_WATCH_AIRFLOW_USER="watch",
        MOTCUA_WATCH_AIRFLOW_PASSWORD="watch-word",
        MOTCUA_WATCH_CALLBACKS=f"{outside.url}/callbacks",
        MOTCUA_WATCH_INTAKE=f"{outside.url}/intake/health",
        MOTCUA_WATCH_BACKUP_AGE="0",
        MOTCUA_WATCH_UPKEEP_AFTER="0",
        MOTCUA_WATCH_DISK_FREE="0",
    )
    return Watched(outside, mail, settings().watch_folder)


@pytest.fixture
def watched_sources(configure: Callable[..., None]) -> Iterator[None]:
    """Run a watcher of the sources, as Airflow's triggerer does."""
    stop = threading.Event()
    watching = threading.Thread(target=Watcher(lambda _: None, 0, 1).run, args=(stop,))
    watching.start()
    yield
    stop.set()
    watching.join()
