"""Whether what is wrong is told within five minutes, by its name, and whether a quiet day is quiet.

Two parts. In a running system faults are planted one after another, as they happen: programs are killed by their
number, a database shuts its doors, rows go missing. What is measured are the seconds from planting to the mail in the
mailbox, and whether the end is mailed once it is mended. Waits that are rules rather than reactions are shortened by
settings (``SHORTENED``): a red run counts after 20 s instead of an hour, and so on. The watch looks each 10 s instead
of each minute; what the seconds would be at a look a minute, at worst, is reckoned beside them.

The other part has a clock of its own: three days, a working Friday and a weekend, in which desks work and everything
goes well, with no mail but those of each day; and a Monday whose 17:30 does not come.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import requests
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from motcua.domain.checks import CHECKS
from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.parts import send
from motcua.sandbox.machine.postgres import EmbeddedPostgres
from motcua.sandbox.network.mailbox import mail_ids, read_mail
from tests.ground import write_backup
from tests.live.airflow import LiveAirflow, live_airflow
from tests.prove import Figure, every, none
from tests.prove.worlds.ledgers import proving_ledger, proving_server

MOST_SECONDS = 300.0
ROUND = 10.0
SHORTENED = {
    "MOTCUA_WATCH_ROUND": f"PT{ROUND:.0f}S",
    "MOTCUA_WATCH_RECEIPTS_WITHIN": "PT30S",
    "MOTCUA_WATCH_UNKNOWN_AFTER": "PT20S",
    "MOTCUA_WATCH_RED_AFTER": "PT20S",
    "MOTCUA_WATCH_DAILY_AFTER": "PT0S",
    "MOTCUA_GATEWAY_STOP": "PT5M",
}
MINUTE = 60.0


@dataclass
class Told:
    """One alert, or its end, as a mail told it."""

    key: str
    is_over: bool
    at: datetime


@dataclass
class Mailbox:
    """What the watch has mailed."""

    folder: Path
    _read: dict[str, list[Told]] = field(default_factory=dict)

    def told(self) -> list[Told]:
        for name in mail_ids(self.folder):
            if name not in self._read:
                self._read[name] = self._of(name)
        return sorted((each for mail in self._read.values() for each in mail), key=lambda each: each.at)

    def _of(self, name: str) -> list[Told]:
        at = datetime.fromtimestamp(int(name.partition("-")[0]) / 1e9, UTC)
        found: list[Told] = []
        is_over: bool | None = None
        for line in read_mail(self.folder, name).text.splitlines():
            if line.startswith(("CẢNH BÁO: ", "ĐÃ HẾT: ")):
                is_over = line.startswith("ĐÃ HẾT: ")
            elif line.startswith("Mã: ") and is_over is not None:
                found.append(Told(line.removeprefix("Mã: ").partition(" · ")[0], is_over, at))
                is_over = None
        return found


@dataclass
class Fault:
    """One fault: what is done, by what alert it must be told, how it is mended."""

    name: str
    key: str
    planted_at: datetime
    mend: Callable[[], object]
    mended_at: datetime | None = None
    seconds: dict[bool, float] = field(default_factory=dict)
    """From planting to the mail that tells it (``False``), from mending to the one that tells its end."""


class Planting:
    """Faults in one running system."""

    def __init__(self, live: LiveAirflow, folder: Path) -> None:
        self.live, self.folder = live, folder
        self.mailbox = Mailbox(folder / "mailbox")
        port = int(json.loads(live.environment["AIRFLOW_CONN_MOTCUA_DB"])["port"])
        self.admin_dsn = EmbeddedPostgres(folder / "postgres", port).admin_dsn
        self.faults: list[Fault] = []

    @contextmanager
    def admin(self, database: str = "postgres") -> Iterator[psycopg.Connection[dict[str, Any]]]:
        dsn = make_conninfo(self.admin_dsn, dbname=database)
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
            connection.execute("SET session_replication_role = 'replica'")
            yield connection

    def plant(self, name: str, key: str, do: Callable[[], object], mend: Callable[[], object]) -> Fault:
        _report(f"{key}: planted")
        fault = Fault(name, key, datetime.now(UTC), mend)
        do()
        self.faults.append(fault)
        return fault

    def doors(self, database: str, allow: bool, whose: str = "%") -> None:
        """Whether a database lets anybody in; those of these roles who are in it are put out."""
        with self.admin() as admin:
            admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {'true' if allow else 'false'}")
            if not allow:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename LIKE %s"
                admin.execute(ended, (database, whose))

    def do(self, database: str, statement: str) -> None:
        with self.admin(database) as admin:
            admin.execute(statement.encode())

    def through(self, name: str, key: str, do: Callable[[], object], mend: Callable[[], object]) -> None:
        """One fault until it is told, and its end."""
        fault = self.plant(name, key, do, mend)
        self.wait_told(fault)
        self.mend(fault)

    def mend(self, *faults: Fault, again_after: float = inf) -> None:
        """Mends them, again after so many seconds, and waits until the end of each is told."""
        self.begin_to_mend(*faults)
        self.wait_over(*faults, again_after=again_after)

    def begin_to_mend(self, *faults: Fault) -> None:
        for fault in faults:
            fault.mended_at = datetime.now(UTC)
            fault.mend()

    def wait_told(self, *faults: Fault) -> None:
        self._wait(faults, is_over=False)

    def wait_over(self, *faults: Fault, again_after: float = inf) -> None:
        """Until the end of each is told; mends them again after so many seconds."""
        self._wait(faults, is_over=True, again_after=again_after)

    def _wait(self, faults: Sequence[Fault], *, is_over: bool, again_after: float = inf) -> None:
        """Five minutes and a little at most."""
        words = "over" if is_over else "told"
        mended_at = time.monotonic()
        until = mended_at + MOST_SECONDS + 30
        while left := [fault for fault in faults if is_over not in fault.seconds]:
            if time.monotonic() > until:
                _report(f"never {words}: {', '.join(fault.key for fault in left)}")
                return
            if time.monotonic() > mended_at + again_after:
                mended_at = time.monotonic()
                for fault in faults:
                    fault.mend()
            told = self.mailbox.told()
            for fault in left:
                since = fault.mended_at if is_over else fault.planted_at
                assert since is not None
                found = (each.at for each in told if (each.key, each.is_over) == (fault.key, is_over))
                if (first := next((at for at in found if at >= since), None)) is not None:
                    fault.seconds[is_over] = (first - since).total_seconds()
                    _report(f"{fault.key}: {words} after {fault.seconds[is_over]:.0f} s")
            time.sleep(0.5)


def _report(line: str) -> None:
    """How far it has come, for somebody who waits for the table."""
    print(f"{datetime.now(VIETNAM):%H:%M:%S} {line}", file=sys.stderr, flush=True)


# --- Faults in a running system --------------------------------------------------------------------------------------


@contextmanager
def killing(live: LiveAirflow, component: str) -> Iterator[Callable[[], None]]:
    """Kills a program by its number, and again whenever it was started anew; yields what stops that."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            if (pid := live.pid_of(component)) is not None:
                send(pid, signal.SIGKILL)
            stop.wait(0.5)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()

    def end() -> None:
        stop.set()
        thread.join()

    try:
        yield end
    finally:
        end()


def _keep_busy(live: LiveAirflow, stop: threading.Event) -> None:
    """A desk that moves a dossier every few seconds, so that there is always something to read and to send; while its
    database is shut it waits, as people do."""
    while not stop.wait(10):
        with suppress(psycopg.OperationalError):
            live.desk.move(1)


def _in_the_ledger(planting: Planting) -> None:
    """What is found in the ledger alone: a lost message, receipts of nobody, an old backup, work that was not done."""
    backups = planting.folder / "backups"

    def date_backup(back: timedelta) -> None:
        shutil.rmtree(backups)
        write_backup(backups, datetime.now(UTC) - back)

    def lose() -> None:
        planting.do("motcua", "CREATE TABLE public.lost AS SELECT * FROM motcua.messages ORDER BY message_id LIMIT 1")
        planting.do("motcua", "DELETE FROM motcua.messages WHERE message_id = (SELECT message_id FROM public.lost)")

    def strange_receipts() -> None:
        extra = json.loads(planting.live.environment["AIRFLOW_CONN_SMS_KANNEL"])["extra"]
        for number in range(3):
            query = {"secret": extra["callback_secret"], "reference": f"strange{number}", "status": "1"}
            requests.get(extra["callback_url"], params=query, timeout=10).raise_for_status()

    faults = [
        planting.plant(
            "the newest backup is of the day before yesterday",
            "backup_old",
            lambda: date_backup(timedelta(days=2)),
            lambda: date_backup(timedelta(0)),
        ),
        planting.plant(
            "a message is missing: the identity differs",
            "identity",
            lose,
            lambda: planting.do(
                "motcua", "INSERT INTO motcua.messages OVERRIDING SYSTEM VALUE SELECT * FROM public.lost"
            ),
        ),
        planting.plant(
            "receipts about messages that the ledger does not know",
            "receipts_unknown",
            strange_receipts,
            lambda: planting.do("motcua", "DELETE FROM motcua.receipt_readings WHERE effect = 'unknown_reference'"),
        ),
    ]
    planting.wait_told(*faults)
    # The last days are counted each three minutes: its end is waited for with the others.
    backup, difference, strange = faults
    planting.begin_to_mend(difference)
    planting.mend(backup, strange)


def _silenced(planting: Planting) -> None:
    """Receipts are lost on their way; and a pick-up hangs, holding its source."""
    live = planting.live

    def hold() -> psycopg.Connection[Any]:
        held = psycopg.connect(make_conninfo(planting.admin_dsn, dbname="motcua"))
        held.execute("SELECT 1 FROM motcua.sources FOR UPDATE")
        return held

    receipts = planting.plant(
        "no receipt comes for what the gateway takes",
        "receipts_stopped/kannel",
        lambda: (live.set_faults(receipts_lost={"probability": 1}), live.desk.move(15)),
        lambda: (live.set_faults(), live.desk.move(15)),
    )
    live.wait_until("taken without receipts", lambda: live.states(live.desk.cases[-15:])["accepted"] >= 10, 120)
    planting.wait_told(receipts)
    planting.mend(receipts)
    holders: list[psycopg.Connection[Any]] = []
    planting.through(
        "a pick-up hangs: its source's news are unread",
        "unserved/khanhhoa",
        lambda: holders.append(hold()),
        lambda: [each.close() for each in holders],
    )


def _refused(planting: Planting) -> None:
    """The source's database shuts its doors; the gateway resets every request."""
    live = planting.live

    def note_all() -> None:
        for run in live.airflow_rows("SELECT dag_id, run_id FROM dag_run WHERE state = 'failed'"):
            path = f"dags/{run['dag_id']}/dagRuns/{quote(run['run_id'], safe='')}"
            live.call("PATCH", path, note="đã xem")

    failing = planting.plant(
        "the one-stop database refuses connections",
        "source_failing/khanhhoa",
        lambda: planting.doors("onestop_khanhhoa", False, "%reader%"),
        lambda: planting.doors("onestop_khanhhoa", True),
    )
    red = planting.plant("runs are red and nobody looks", "red_run", lambda: None, note_all)
    planting.wait_told(failing, red)
    planting.mend(failing)
    outage = planting.plant(
        "the gateway resets every request: nobody is sent to",
        "unserved/gateway kannel",
        lambda: (live.set_faults(outage=True), live.desk.move(40)),
        lambda: (live.set_faults(), planting.live.ledger("DELETE FROM motcua.gateway_stops RETURNING 1")),
    )

    def settle() -> None:
        for table in ("attempts", "messages"):
            planting.do("motcua", f"UPDATE motcua.{table} SET state = 'delivered' WHERE state = 'unknown'")

    unknown = planting.plant("messages are of unknown outcome", "unknown_old", lambda: None, settle)
    planting.wait_told(outage, unknown)
    planting.mend(outage, unknown)
    # Runs that began before may still turn red.
    planting.mend(red, again_after=10)


def _killed(planting: Planting) -> None:
    """Programs are killed by their number as often as they are started."""
    live = planting.live
    with killing(live, "airflow-triggerer") as end_triggerer, killing(live, "airflow-scheduler") as end_scheduler:
        faults = [
            planting.plant("the scheduler is killed", "airflow_unhealthy/scheduler", lambda: None, end_scheduler),
            planting.plant("the triggerer is killed", "airflow_unhealthy/triggerer", lambda: None, end_triggerer),
            planting.plant("nobody looks for news", "unserved/sources", lambda: None, lambda: None),
        ]
        planting.wait_told(*faults)
        planting.mend(*faults)
    with killing(live, "airflow-api-server") as end_server:
        planting.through("Airflow's API server is killed", "airflow_unreachable", lambda: None, end_server)


def _the_ledger_itself(planting: Planting) -> None:
    """It lets nobody in; it has gone backwards; it has a gap."""

    def go_back() -> None:
        with planting.admin("motcua") as ledger:
            # As an older dump leaves it: the last rows are gone, and their numbers will be given again.
            for table, number in (("message_history", "history_id"), ("attempts", "attempt_id")):
                last = f"(SELECT max({number}) FROM motcua.{table})"
                ledger.execute(f"DELETE FROM motcua.{table} WHERE {number} > {last} - 60")
                ledger.execute(f"SELECT setval(pg_get_serial_sequence('motcua.{table}', '{number}'), {last})")

    planting.through(
        "the ledger lets nobody in",
        "ledger_unreachable",
        lambda: planting.doors("motcua", False),
        lambda: planting.doors("motcua", True),
    )
    back = planting.plant(
        "the ledger has gone backwards",
        "ledger_went_back",
        go_back,
        lambda: planting.do(
            "motcua",
            "UPDATE motcua.alerts SET acknowledged_at = now(), acknowledged_by = 'prove'"
            " WHERE name = 'ledger_went_back' AND over_at IS NULL",
        ),
    )
    behind = planting.plant(
        "the ledger has a gap",
        "ledger_behind",
        # Of the kind that no run closes by itself; the ledger that went back may have one already.
        lambda: planting.do(
            "motcua",
            "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages)"
            " VALUES ('behind_watch', now(), 1, 0) ON CONFLICT DO NOTHING",
        ),
        lambda: planting.do(
            "motcua", "UPDATE motcua.gaps SET closed_at = now(), closed_by = 'prove' WHERE closed_at IS NULL"
        ),
    )
    planting.wait_told(back, behind)
    # The journal, too, knows of what is gone, and a run opens a gap of that kind meanwhile.
    planting.mend(back, behind, again_after=10)


def _in_a_running_system(seed: int) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="motcua-prove-watch-"))
    # Late enough that a machine that is busy with other things has planted the first fault before.
    due = datetime.now(VIETNAM) + timedelta(minutes=10)
    variables = SHORTENED | {
        # Their DAGs are paused, as somebody may forget them to be.
        "MOTCUA_QUALITY_TIME": f"{due:%H:%M}",
        "MOTCUA_RECONCILE_TIME": f"{due:%H:%M}",
        "MOTCUA_BACKUPS": str(folder / "backups"),
        "MOTCUA_APOLOGY_TIME": f"{due - timedelta(hours=2):%H:%M}",
    }
    (folder / "backups").mkdir()
    write_backup(folder / "backups", datetime.now(UTC))
    stop = threading.Event()
    try:
        _report("a running system is started")
        with live_airflow(folder, variables, seed=seed) as live:
            planting = Planting(live, folder)
            # From December on the watch asks for next year's days off.
            motcua = Path(sys.executable).with_name("motcua")
            decision = ["--by-decision", "Thông báo 1/TB-BNV", "--by", "lan"]
            subprocess.run(
                [motcua, "calendar", "confirm", str(due.year + 1), *decision],
                env=dict(live.environment),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            busy = threading.Thread(target=_keep_busy, args=(live, stop), daemon=True)
            busy.start()
            live.wait_until("a message is delivered", lambda: live.states(live.desk.cases)["delivered"] > 0, 120)
            time.sleep(6 * ROUND)
            before = [each.key for each in planting.mailbox.told()]
            at = due.replace(second=0, microsecond=0).astimezone(UTC)
            missed = [
                Fault("the day's check was not made", "quality_late", at, lambda: None),
                Fault("the day before was not closed", "closing_late", at, lambda: None),
            ]
            for part in (_in_the_ledger, _silenced, _refused, _killed, _the_ledger_itself):
                part(planting)
            planting.wait_told(*missed)
            planting.wait_over(*planting.faults)
            stop.set()
            busy.join()
            told = planting.mailbox.told()
    finally:
        stop.set()
        shutil.rmtree(folder, ignore_errors=True)
    faults = [*missed, *planting.faults]
    figures = [Figure("before any fault: alerts", ", ".join(before) or "none", "none", not before)]
    for fault in faults:
        value, ok = "never", False
        if False in fault.seconds:
            # At worst each look that it needs comes so much later.
            looks = CHECKS[fault.key.partition("/")[0]].looks
            each_minute = fault.seconds[False] + looks * (MINUTE - ROUND)
            value, ok = f"{fault.seconds[False]:.0f} s; {each_minute:.0f} s", each_minute <= MOST_SECONDS
        must = f"{MOST_SECONDS:.0f} s at a look a minute"
        figures.append(Figure(f"{fault.key}: {fault.name}", value, must, ok))
    over = sum(True in fault.seconds for fault in planting.faults)
    figures.append(every("ends that were told", over, len(planting.faults)))
    return [*figures, none("alerts told twice before they were over", _told_in_turn(told))]


def _told_in_turn(told: Sequence[Told]) -> int:
    """How often an alert was told that was open already, or an end of one that was not."""
    state: dict[str, bool] = {}
    wrong = 0
    for each in told:
        wrong += state.get(each.key, False) is not each.is_over
        state[each.key] = not each.is_over
    return wrong


# --- Days by a clock of their own ------------------------------------------------------------------------------------


def _days(seed: int) -> list[Figure]:
    from tests.prove.worlds.quiet_days import quiet_days

    with (
        tempfile.TemporaryDirectory(prefix="motcua-prove-quiet-") as name,
        proving_server(folder := Path(name)) as server,
        proving_ledger(server, "quiet") as dsn,
        quiet_days(folder, server, dsn, seed) as days,
    ):
        _report("quiet days: Friday to Sunday")
        days.work_until(datetime(2026, 11, 30, 7, 0, tzinfo=VIETNAM))
        raised, messages, rounds = list(days.alerts()), days.messages(), days.rounds
        daily = days.daily_mails()
        _report("quiet days: Monday")
        days.work_until(datetime(2026, 11, 30, 17, 20, tzinfo=VIETNAM))
        raised_monday = [each for each in days.alerts() if each not in raised]
        late = days.evening_without_its_run()
    return [
        Figure(
            f"Friday to Sunday, {rounds} looks, {messages} messages: alerts",
            ", ".join(raised) or "none",
            "none",
            not raised and messages > 100,
        ),
        Figure("mails that say that the watch lives", str(daily), "3: as it begins, and each day", daily == 3),
        Figure("Monday until 17:20: alerts", ", ".join(raised_monday) or "none", "none", not raised_monday),
        Figure(
            "the 17:30 that does not come is told at",
            late or "never",
            "17:36 at the latest",
            "17:35" <= late <= "17:36",
        ),
    ]


def figures(seed: int = 1) -> list[Figure]:
    return [*_days(seed), *_in_a_running_system(seed)]
