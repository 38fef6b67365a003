"""Days on which nothing goes wrong, by a clock of their own: desks work, messages reach phones, the watch looks.

Real are the ledger, pick-up, planning, sending, the evening's apologies, the watch and its mail server. Airflow is one
that says what it is told to; receipts, the day's check and its closing are entered as done.
"""

from __future__ import annotations

import json
import os
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.jobs.calendars.keeping import prepare_calendars
from motcua.jobs.doctor.ledger import PARAMETERS
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.watching.watch import Watch
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import connect
from motcua.store.ledger.provisioning import with_database
from tests.conftest import NHA_TRANG, TU_PHAP, OneStop, agency
from tests.dated_backup import write_backup
from tests.integration.quality.test_mailing_quality import MailServer
from tests.integration.watching.outside import Outside

BEGIN = datetime(2026, 11, 27, 0, 0, tzinfo=VIETNAM)
"""A Friday."""


class QuietDays:
    """The world, the system and the watch, a step at a time."""

    def __init__(self, folder: Path, admin_dsn: str, ledger: str, random: random.Random) -> None:
        self.now = BEGIN
        self.rounds = 0
        self._random = random
        self._moved = 0
        self._mail, self._outside, self._gateway = MailServer(), Outside(), ScriptedGateway()
        self._ledger = psycopg.connect(ledger, autocommit=True, row_factory=dict_row)
        self._ledger.execute("SET session_replication_role = 'replica'")
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            admin.execute("CREATE DATABASE onestop")
        self._desk = OneStop(with_database(admin_dsn, "onestop"))
        parts = conninfo_to_dict(admin_dsn)
        backups = folder / "backups"
        backups.mkdir()
        self._backups = backups
        smtp: dict[str, Any] = {"conn_type": "smtp", "host": "127.0.0.1", "port": self._mail.port}
        smtp["extra"] = {"disable_ssl": True, "disable_tls": True, "from_email": "motcua@khanhhoa.example"}
        sms = {
            "conn_type": "http",
            "host": "127.0.0.1",
            "port": self._gateway.port,
            "login": "motcua",
            "password": "kannel-word",
            "extra": {"adapter": "kannel", "callback_url": "http://127.0.0.1:1/r", "callback_secret": "receipt-word"},
        }
        os.environ.update(
            AIRFLOW_CONN_SMTP_DEFAULT=json.dumps(smtp),
            AIRFLOW_CONN_SMS_KANNEL=json.dumps(sms),
            AIRFLOW_CONN_ONESTOP_KHANHHOA=(
                f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/onestop"
            ),
            MOTCUA_SOURCES="khanhhoa",
            MOTCUA_FIRST_LOOK_BACK="P999D",
            MOTCUA_DATA=str(folder),
            MOTCUA_WATCH_RECIPIENTS="lan@khanhhoa.example",
            MOTCUA_WATCH_AIRFLOW=self._outside.url,
            MOTCUA_WATCH_AIRFLOW_USER="watch",
            MOTCUA_WATCH_AIRFLOW_PASSWORD="watch-word",
            MOTCUA_WATCH_CALLBACKS=f"{self._outside.url}/callbacks",
            MOTCUA_WATCH_DISK_FREE="0",
            # Nothing cleans an Airflow that is not there.
            MOTCUA_WATCH_UPKEEP_AFTER="0",
        )
        settings.cache_clear()
        with connect() as connection:
            codes = (NHA_TRANG, TU_PHAP)
            save_agencies(
                connection,
                [agency(code, enabled_from=BEGIN - timedelta(days=9), apology_day="working_day") for code in codes],
                "proof",
            )
        prepare_calendars(self.now, "proof")
        # The server of proofs keeps nothing, and a copy of a database has no rights of its own.
        self._patching = pytest.MonkeyPatch()
        self._patching.delitem(PARAMETERS, "fsync")
        self._patching.setattr("motcua.jobs.doctor.ledger.open_doors", lambda *_: [])

    def close(self) -> None:
        """Ends what it began."""
        self._patching.undo()
        self._desk.connection.close()
        self._ledger.close()
        for server in (self._mail, self._outside, self._gateway):
            server.close()
        settings.cache_clear()

    # --- What happens

    def work_until(self, moment: datetime) -> None:
        """Days as they are: desks in office hours, the system all the time, by night in longer steps."""
        while self.now < moment:
            local = self.now.astimezone(VIETNAM)
            is_office = local.weekday() < 5 and 7 <= local.hour < 18
            self.now += timedelta(minutes=5 if is_office else 15)
            if is_office and local.hour < 17:
                self._desk_works()
            self._system_runs()
            if local.hour == 17 and local.minute >= 25:
                apologize(now=self.now)
            self._watch_looks()

    def evening_without_its_run(self) -> str:
        """The clock goes on by minutes and nobody plans the evening; when that is told, as 17:36."""
        before = set(self.alerts())
        while self.now.astimezone(VIETNAM).hour < 18:
            self.now += timedelta(minutes=1)
            self._system_runs()
            self._watch_looks()
            if any("Tin xin lỗi" in each for each in set(self.alerts()) - before):
                return f"{self.now.astimezone(VIETNAM):%H:%M}"
        return ""

    def _desk_works(self) -> None:
        for _ in range(self._random.randrange(1, 4)):
            self._moved += 1
            code = f"D-{self._moved:05}"
            code_of_agency = self._random.choice((NHA_TRANG, TU_PHAP))
            at = self.now - timedelta(seconds=self._random.randrange(60, 240))
            is_ready = self._random.random() < 0.8
            self._desk.dossier(
                code,
                code_of_agency,
                applicant_phone=f"0905{self._random.randrange(10**6):06}",
                received_at=at - timedelta(days=2),
                due_at=at + timedelta(days=self._random.randrange(1, 4)),
                status_code=9 if is_ready else 4,
                at_one_stop_desk=is_ready,
                step_name="Trả kết quả" if is_ready else "Xử lý",
                updated_at=at,
            )
            self._desk.move(9 if is_ready else 4, code, code_of_agency, desk=is_ready, at=at)

    def _system_runs(self) -> None:
        now = self.now
        pick_up("khanhhoa", now=now)
        plan(now=now)
        send(f"run {now:%d %H:%M}", clock=lambda: now)
        # Nine of ten reach their phone; the others stay off for now.
        for table in ("attempts", "messages"):
            self._ledger.execute(
                f"UPDATE motcua.{table} SET state = 'delivered' WHERE state = 'accepted' AND message_id % 10 > 0"
            )
        self._outside.runs = []
        self._outside.run("success", now - timedelta(seconds=30), now - timedelta(seconds=20))
        local = now.astimezone(VIETNAM)
        day = local.date()
        if (local.hour, local.minute) >= (5, 45):
            self._ledger.execute(
                "INSERT INTO motcua.quality_runs (run_no, run_id, as_of, day, working_day, since, rules, thresholds,"
                " software, dossiers, seal, content_hash, previous_seal, sealed_at) OVERRIDING SYSTEM VALUE"
                " SELECT extract(DOY FROM %(day)s::date), %(day)s::text, %(now)s, %(day)s, TRUE, %(day)s, '{}', '{}',"
                " 's', 0, s, s, s, %(now)s FROM md5(%(day)s::text) AS h, repeat(h, 2) AS s ON CONFLICT DO NOTHING",
                {"day": day, "now": now},
            )
        if (local.hour, local.minute) >= (6, 45):
            self._ledger.execute(
                "INSERT INTO motcua.closings (closing_no, period, run_id, as_of, known_version, known_transition,"
                " known_history, known_message, known_inquiry, known_receipt, figures_hash, difference, unexplained)"
                " OVERRIDING SYSTEM VALUE SELECT extract(DOY FROM %(day)s::date), to_char(%(day)s::date - 1,"
                " 'YYYY-MM-DD'), 'proof', %(now)s, 0, 0, 0, 0, 0, 0, repeat(md5('x'), 2), 0, 0 ON CONFLICT DO NOTHING",
                {"day": day, "now": now},
            )
        if local.hour == 1 or not list(self._backups.iterdir()):
            write_backup(self._backups, now)

    def _watch_looks(self) -> None:
        self.rounds += 1
        Watch(clock=lambda: self.now).once()

    # --- What was told

    def _subjects(self) -> list[str]:
        return [str(message["Subject"]) for _, message in self._mail.taken]

    def alerts(self) -> list[str]:
        """Subjects of the mails about alerts."""
        return [each for each in self._subjects() if "Giám sát ngày" not in each]

    def daily_mails(self) -> int:
        """How many mails said that the watch lives."""
        return sum("Giám sát ngày" in each for each in self._subjects())

    def messages(self) -> int:
        """Messages that a gateway took."""
        row = self._ledger.execute("SELECT count(*) AS n FROM motcua.messages WHERE accepted_at IS NOT NULL").fetchone()
        return int(row["n"]) if row else 0
