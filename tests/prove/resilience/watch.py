"""Prove that the watch reports each fault by its name within five minutes, and is silent on days without a fault.

The watch is the process that checks the system and mails alerts. In the first part faults are planted one after another
in a running system, as they happen in reality: programs are killed, a database refuses connections, rows go missing.
The proof measures the seconds from planting a fault to the mail in the mailbox, and checks that a mail reports the end
of the fault after its repair. Settings (``SHORTENED``) shorten the times that a fault must last before it is reported:
for example, a failed run is reported after 20 s instead of an hour. The watch makes its checks every 10 s. For each
fault, the proof computes from the measured seconds how long the mail takes at worst with one check per minute.

The second part simulates days by a simulated clock. On a working Friday and the weekend after it, desks work without
any fault, and the watch may send only its daily mails. On the following Monday the evening run of 17:30 does not
happen, and an alert must report the missing run.
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
class MailedAlert:
    """An alert, or the end of an alert, as a mail reported it."""

    key: str
    is_over: bool
    at: datetime


@dataclass
class Mailbox:
    """The mailbox that receives the mails of the watch."""

    folder: Path
    _read: dict[str, list[MailedAlert]] = field(default_factory=dict)

    def alerts(self) -> list[MailedAlert]:
        for name in mail_ids(self.folder):
            if name not in self._read:
                self._read[name] = self._alerts_of_mail(name)
        return sorted((each for mail in self._read.values() for each in mail), key=lambda each: each.at)

    def _alerts_of_mail(self, name: str) -> list[MailedAlert]:
        at = datetime.fromtimestamp(int(name.partition("-")[0]) / 1e9, UTC)
        found: list[MailedAlert] = []
        is_over: bool | None = None
        for line in read_mail(self.folder, name).text.splitlines():
            if line.startswith(("CẢNH BÁO: ", "ĐÃ HẾT: ")):
                is_over = line.startswith("ĐÃ HẾT: ")
            elif line.startswith("Mã: ") and is_over is not None:
                found.append(MailedAlert(line.removeprefix("Mã: ").partition(" · ")[0], is_over, at))
                is_over = None
        return found


@dataclass
class Fault:
    """A planted fault: the alert that must report it, and its repair."""

    name: str
    key: str
    planted_at: datetime
    mend: Callable[[], object]
    mended_at: datetime | None = None
    seconds: dict[bool, float] = field(default_factory=dict)
    """Seconds from planting to the mail of the alert (``False``), and from the repair to the mail of its end
    (``True``).
    """


class Planting:
    """Plants faults in one running system, and waits for the mails that report them."""

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
        """Allow connections to a database, or refuse them and end the sessions of the roles that match ``whose``."""
        with self.admin() as admin:
            admin.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {'true' if allow else 'false'}")
            if not allow:
                ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename LIKE %s"
                admin.execute(ended, (database, whose))

    def do(self, database: str, statement: str) -> None:
        with self.admin(database) as admin:
            admin.execute(statement.encode())

    def through(self, name: str, key: str, do: Callable[[], object], mend: Callable[[], object]) -> None:
        """Plant one fault, wait for the mail that reports it, repair it, and wait for the mail that reports its end."""
        fault = self.plant(name, key, do, mend)
        self.wait_reported(fault)
        self.mend(fault)

    def mend(self, *faults: Fault, again_after: float = inf) -> None:
        """Repair the faults, and repeat the repair every ``again_after`` seconds until each alert's end is mailed."""
        self.begin_to_mend(*faults)
        self.wait_over(*faults, again_after=again_after)

    def begin_to_mend(self, *faults: Fault) -> None:
        for fault in faults:
            fault.mended_at = datetime.now(UTC)
            fault.mend()

    def wait_reported(self, *faults: Fault) -> None:
        self._wait_for_mails(faults, is_over=False)

    def wait_over(self, *faults: Fault, again_after: float = inf) -> None:
        """Wait until the end of each alert is mailed; meanwhile repeat the repair every ``again_after`` seconds."""
        self._wait_for_mails(faults, is_over=True, again_after=again_after)

    def _wait_for_mails(self, faults: Sequence[Fault], *, is_over: bool, again_after: float = inf) -> None:
        """Wait at most five and a half minutes for the mails that report the faults, or with ``is_over`` their ends."""
        words = "over" if is_over else "reported"
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
            alerts = self.mailbox.alerts()
            for fault in left:
                since = fault.mended_at if is_over else fault.planted_at
                assert since is not None
                found = (each.at for each in alerts if (each.key, each.is_over) == (fault.key, is_over))
                if (first := next((at for at in found if at >= since), None)) is not None:
                    fault.seconds[is_over] = (first - since).total_seconds()
                    _report(f"{fault.key}: {words} after {fault.seconds[is_over]:.0f} s")
            time.sleep(0.5)


def _report(line: str) -> None:
    """Print a line about the progress, because the table of figures is printed only at the end."""
    print(f"{datetime.now(VIETNAM):%H:%M:%S} {line}", file=sys.stderr, flush=True)


# --- Faults in a running system --------------------------------------------------------------------------------------


@contextmanager
def killing(live: LiveAirflow, component: str) -> Iterator[Callable[[], None]]:
    """Kill a program, and kill it again after each restart; yield a function that ends the killing."""
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
    """Move a dossier at the desk every ten seconds, so that there is always something to read and to send.

    While the desk's database refuses connections, nothing is moved.
    """
    while not stop.wait(10):
        with suppress(psycopg.OperationalError):
            live.desk.move(1)


def _plant_in_ledger(planting: Planting) -> None:
    """Plant three faults: an old backup, a message that is missing from the ledger, and receipts about messages that
    the ledger does not know."""
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
    planting.wait_reported(*faults)
    # The watch checks only every three minutes whether messages are missing (the accounting identity), so begin the
    # repair of this fault first, and then wait for the ends of all three faults.
    backup, difference, strange = faults
    planting.begin_to_mend(difference)
    planting.mend(backup, strange)


def _plant_silence(planting: Planting) -> None:
    """Plant faults that raise no error: receipts are lost, and a lock in the ledger keeps a source from being read."""
    live = planting.live

    def hold() -> psycopg.Connection[Any]:
        held = psycopg.connect(make_conninfo(planting.admin_dsn, dbname="motcua"))
        held.execute("SELECT 1 FROM motcua.sources FOR UPDATE")
        return held

    receipts = planting.plant(
        "no receipt comes for messages that the gateway accepts",
        "receipts_stopped/kannel",
        lambda: (live.set_faults(receipts_lost={"probability": 1}), live.desk.move(15)),
        lambda: (live.set_faults(), live.desk.move(15)),
    )
    live.wait_until("taken without receipts", lambda: live.states(live.desk.cases[-15:])["accepted"] >= 10, 120)
    planting.wait_reported(receipts)
    planting.mend(receipts)
    holders: list[psycopg.Connection[Any]] = []
    planting.through(
        "a pick-up hangs: new rows of its source stay unread",
        "unserved/khanhhoa",
        lambda: holders.append(hold()),
        lambda: [each.close() for each in holders],
    )


def _plant_refusals(planting: Planting) -> None:
    """Plant refusals: the source's database refuses connections, and the gateway resets every request."""
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
    red = planting.plant("runs failed and nobody noted it", "red_run", lambda: None, note_all)
    planting.wait_reported(failing, red)
    planting.mend(failing)
    outage = planting.plant(
        "the gateway resets every request: nothing is sent",
        "gateway_stopped/kannel",
        lambda: (live.set_faults(outage=True), live.desk.move(40)),
        lambda: (live.set_faults(), planting.live.ledger("DELETE FROM motcua.gateway_stops RETURNING 1")),
    )

    def settle() -> None:
        for table in ("attempts", "messages"):
            planting.do("motcua", f"UPDATE motcua.{table} SET state = 'delivered' WHERE state = 'unknown'")

    unknown = planting.plant("messages are of unknown outcome", "unknown_old", lambda: None, settle)
    planting.wait_reported(outage, unknown)
    planting.mend(outage, unknown)
    # Runs that began before the repair may still fail.
    planting.mend(red, again_after=10)


def _kill_programs(planting: Planting) -> None:
    """Kill Airflow's programs one after the other, and kill each again whenever it is restarted."""
    live = planting.live
    with killing(live, "airflow-triggerer") as end_triggerer, killing(live, "airflow-scheduler") as end_scheduler:
        faults = [
            planting.plant("the scheduler is killed", "airflow_unhealthy/scheduler", lambda: None, end_scheduler),
            planting.plant("the triggerer is killed", "airflow_unhealthy/triggerer", lambda: None, end_triggerer),
            planting.plant("no watcher checks the sources", "unserved/sources", lambda: None, lambda: None),
        ]
        planting.wait_reported(*faults)
        planting.mend(*faults)
    with killing(live, "airflow-api-server") as end_server:
        planting.through("Airflow's API server is killed", "airflow_unreachable", lambda: None, end_server)


def _plant_ledger_faults(planting: Planting) -> None:
    """Plant faults of the ledger: it refuses connections, it goes back in time, and it has a gap.

    A gap is a time of which the ledger may lack data.
    """

    def go_back() -> None:
        with planting.admin("motcua") as ledger:
            # This imitates the restore of an older dump: the last rows are gone, and new rows will get their numbers.
            for table, number in (("message_history", "history_id"), ("attempts", "attempt_id")):
                last = f"(SELECT max({number}) FROM motcua.{table})"
                ledger.execute(f"DELETE FROM motcua.{table} WHERE {number} > {last} - 60")
                ledger.execute(f"SELECT setval(pg_get_serial_sequence('motcua.{table}', '{number}'), {last})")

    planting.through(
        "the ledger refuses connections",
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
        # Insert a gap of a kind that no run closes. The ledger that went back in time may already have a gap.
        lambda: planting.do(
            "motcua",
            "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages)"
            " VALUES ('behind_watch', now(), 1, 0) ON CONFLICT DO NOTHING",
        ),
        lambda: planting.do(
            "motcua", "UPDATE motcua.gaps SET closed_at = now(), closed_by = 'prove' WHERE closed_at IS NULL"
        ),
    )
    planting.wait_reported(back, behind)
    # The journal outside the ledger has attempts that the ledger now lacks. A run may therefore open a gap again before
    # the repair is complete.
    planting.mend(back, behind, again_after=10)


def _figures_of_running_system(seed: int) -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="motcua-prove-watch-"))
    # The quality check and the closing become overdue in ten minutes. Even on a busy machine, the first fault is
    # planted before that.
    due = datetime.now(VIETNAM) + timedelta(minutes=10)
    variables = SHORTENED | {
        # The DAGs of these two jobs stay paused, as if somebody had forgotten to unpause them.
        "MOTCUA_QUALITY_TIME": f"{due:%H:%M}",
        "MOTCUA_RECONCILE_TIME": f"{due:%H:%M}",
        "MOTCUA_BACKUPS": str(folder / "backups"),
        # Let the watch check the age of backups, because the settings of the demo, used here, switch this check off.
        "MOTCUA_WATCH_BACKUP_AGE": "PT26H",
        "MOTCUA_APOLOGY_TIME": f"{due - timedelta(hours=2):%H:%M}",
    }
    (folder / "backups").mkdir()
    write_backup(folder / "backups", datetime.now(UTC))
    stop = threading.Event()
    try:
        _report("a running system is started")
        with live_airflow(folder, variables, seed=seed) as live:
            planting = Planting(live, folder)
            # From December on, the watch alerts until next year's days off are confirmed.
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
            before = [each.key for each in planting.mailbox.alerts()]
            at = due.replace(second=0, microsecond=0).astimezone(UTC)
            missed = [
                Fault("the day's check was not made", "quality_late", at, lambda: None),
                Fault("the day before was not closed", "closing_late", at, lambda: None),
            ]
            for part in (_plant_in_ledger, _plant_silence, _plant_refusals, _kill_programs, _plant_ledger_faults):
                part(planting)
            planting.wait_reported(*missed)
            planting.wait_over(*planting.faults)
            stop.set()
            busy.join()
            alerts = planting.mailbox.alerts()
    finally:
        stop.set()
        shutil.rmtree(folder, ignore_errors=True)
    faults = [*missed, *planting.faults]
    figures = [Figure("before any fault: alerts", ", ".join(before) or "none", "none", not before)]
    for fault in faults:
        value, ok = "never", False
        if False in fault.seconds:
            # An alert may need several failed checks. With a check every 60 s instead of every 10 s, each of these
            # checks may come 50 s later.
            looks = CHECKS[fault.key.partition("/")[0]].looks
            each_minute = fault.seconds[False] + looks * (MINUTE - ROUND)
            value, ok = f"{fault.seconds[False]:.0f} s; {each_minute:.0f} s", each_minute <= MOST_SECONDS
        must = f"{MOST_SECONDS:.0f} s with one check a minute"
        figures.append(Figure(f"{fault.key}: {fault.name}", value, must, ok))
    over = sum(True in fault.seconds for fault in planting.faults)
    figures.append(every("alerts whose end was mailed", over, len(planting.faults)))
    return [*figures, none("alerts mailed twice before they were over", _count_out_of_turn(alerts))]


def _count_out_of_turn(alerts: Sequence[MailedAlert]) -> int:
    """Return how many mails reported an alert that was already open, or the end of an alert that was not open."""
    state: dict[str, bool] = {}
    wrong = 0
    for each in alerts:
        wrong += state.get(each.key, False) is not each.is_over
        state[each.key] = not each.is_over
    return wrong


# --- Days without a fault, by a simulated clock ----------------------------------------------------------------------


def _figures_of_quiet_days(seed: int) -> list[Figure]:
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
            f"Friday to Sunday, {rounds} checks, {messages} messages: alerts",
            ", ".join(raised) or "none",
            "none",
            not raised and messages > 100,
        ),
        Figure("daily mails of the watch", str(daily), "3: as it begins, and each day", daily == 3),
        Figure("Monday until 17:20: alerts", ", ".join(raised_monday) or "none", "none", not raised_monday),
        Figure(
            "the missing run of 17:30 is reported at",
            late or "never",
            "17:36 at the latest",
            "17:35" <= late <= "17:36",
        ),
    ]


def figures(seed: int = 1) -> list[Figure]:
    return [*_figures_of_quiet_days(seed), *_figures_of_running_system(seed)]
