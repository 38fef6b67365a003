"""Simulate days without any fault, with a simulated clock.

Desks work, messages reach phones, and the watch (the process that raises alerts) makes its checks. The ledger, the
watch, a mail server and the jobs that pick up, plan, send and apologise are real. Airflow is a stand-in with scripted
answers. No gateway sends receipts, and no quality check or closing runs: instead, SQL statements of this module write
their results into the ledger.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.domain.clock import VIETNAM
from motcua.jobs.calendars import prepare_calendars
from motcua.jobs.doctor.ledger import PARAMETERS
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.watching.watch import Watch
from motcua.sandbox.machine.deployment import mailbox_connection
from motcua.store.agencies import save_agencies
from tests.ground import FAST, NHA_TRANG, TU_PHAP, Desks, agency, in_ledger, one_stops, take_in, write_backup
from tests.integration.quality.test_mailing_quality import MailServer
from tests.integration.watching.outside import Outside

BEGIN = datetime(2026, 11, 27, 0, 0, tzinfo=VIETNAM)
"""Beginning of the first simulated day, a Friday."""


class QuietDays:
    def __init__(self, ledger: str, desks: Desks, mail: MailServer, outside: Outside, backups: Path, seed: int) -> None:
        self.now = BEGIN
        self.rounds = 0
        self._random = random.Random(seed)
        self._moved = 0
        self._desk, self._mail, self._outside, self._backups = desks["khanhhoa"], mail, outside, backups
        self._ledger = psycopg.connect(ledger, autocommit=True, row_factory=dict_row)
        self._ledger.execute("SET session_replication_role = 'replica'")
        agencies = [
            agency(code, enabled_from=BEGIN - timedelta(days=9), apology_day="working_day")
            for code in (NHA_TRANG, TU_PHAP)
        ]
        in_ledger(save_agencies, agencies, "proof")
        prepare_calendars(self.now, "proof")
        # Switch two checks of the ledger off, because here they would always alert: the tests' server has parameters
        # that make it fast, and this copy of a ledger lacks the grants of a real ledger.
        self._patching = pytest.MonkeyPatch()
        for line in FAST.splitlines():
            self._patching.delitem(PARAMETERS, line.split()[0], raising=False)
        self._patching.setattr("motcua.jobs.doctor.ledger.open_doors", lambda *_: [])

    # --- Playing days

    def work_until(self, moment: datetime) -> None:
        """Simulate the time until a moment: desks work in office hours; the system always runs, but less often at
        night."""
        while self.now < moment:
            local = self.now.astimezone(VIETNAM)
            is_office = local.weekday() < 5 and 7 <= local.hour < 18
            self.now += timedelta(minutes=5 if is_office else 15)
            if is_office and local.hour < 17:
                self._write_at_desk()
            self._run_system()
            if local.hour == 17 and local.minute >= 25:
                apologize(now=self.now)
            self._run_watch()

    def evening_without_its_run(self) -> str:
        """Let an evening pass without planning its apologies.

        Return the time of the alert about the missing run, such as ``17:36``, or an empty text if no alert came.
        """
        before = set(self.alerts())
        while self.now.astimezone(VIETNAM).hour < 18:
            self.now += timedelta(minutes=1)
            self._run_system()
            self._run_watch()
            if any("Tin xin lỗi" in each for each in set(self.alerts()) - before):
                return f"{self.now.astimezone(VIETNAM):%H:%M}"
        return ""

    def _write_at_desk(self) -> None:
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

    def _run_system(self) -> None:
        now = self.now
        take_in(now=now)
        send(f"run {now:%d %H:%M}", clock=lambda: now)
        # Nine of ten messages reach their phone; the other phones stay off.
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

    def _run_watch(self) -> None:
        self.rounds += 1
        Watch(clock=lambda: self.now).once()

    # --- Mails and messages

    def _subjects(self) -> list[str]:
        return [str(message["Subject"]) for _, message in self._mail.taken]

    def alerts(self) -> list[str]:
        return [each for each in self._subjects() if "Giám sát ngày" not in each]

    def daily_mails(self) -> int:
        return sum("Giám sát ngày" in each for each in self._subjects())

    def messages(self) -> int:
        row = self._ledger.execute("SELECT count(*) AS n FROM motcua.messages WHERE accepted_at IS NOT NULL").fetchone()
        return int(row["n"]) if row else 0


@contextlib.contextmanager
def quiet_days(folder: Path, admin_dsn: str, ledger: str, seed: int) -> Iterator[QuietDays]:
    """Yield ``QuietDays`` at the start of the first day. Its files are written below ``folder``."""
    backups = folder / "backups"
    backups.mkdir()
    with (
        contextlib.closing(MailServer()) as mail,
        contextlib.closing(Outside()) as outside,
        one_stops(
            admin_dsn,
            ("khanhhoa",),
            AIRFLOW_CONN_SMTP_DEFAULT=mailbox_connection(mail.port),
            MOTCUA_FIRST_LOOK_BACK="P999D",
            MOTCUA_DATA=str(folder),
            MOTCUA_WATCH_RECIPIENTS="lan@khanhhoa.example",
            MOTCUA_WATCH_AIRFLOW=outside.url,
            MOTCUA_WATCH_AIRFLOW_USER="watch",
            MOTCUA_WATCH_AIRFLOW_PASSWORD="watch-word",
            MOTCUA_WATCH_CALLBACKS=f"{outside.url}/callbacks",
            MOTCUA_WATCH_DISK_FREE="0",
            # No real Airflow runs here, so the check that its tables are cleaned would alert.
            MOTCUA_WATCH_UPKEEP_AFTER="0",
        ) as desks,
    ):
        days = QuietDays(ledger, desks, mail, outside, backups, seed)
        with days._ledger:
            yield days
