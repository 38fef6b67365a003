"""Prove by the gateway's own log that no citizen is texted twice or forgotten after a restore of the ledger.

``make prove ONLY=restore`` tries each way of restoring on real servers. When the ledger is copied, 200 messages are
queued. Then these messages are sent: one in twenty requests gets no answer, and one in twenty is refused for now. Fifty
more events happen at the desk; the messages about half of them are sent before the ledger is lost. The ledger is
restored with the restore command, by hand, from a copied data folder, or from its archived write-ahead log; or a
standby server takes over in the middle of sending. Then the system runs as usual, without anybody's help. The journal
(files outside the ledger) shows the system which requests were sent after the copy. Only if the journal is lost, or is
restored with the whole disk, must the Department close the gap (the time of which the ledger may lack data) by a
command. In one more experiment the server is only switched off. The result is judged by the list of requests that the
gateway stored.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from pydantic import SecretStr
from pyrage import x25519

from motcua.domain.watching.elsewhere import Met
from motcua.jobs.notices.sending import heartbeat, sender
from motcua.jobs.notices.settling import settle
from motcua.jobs.watching.elsewhere import OutsideWatch, address_of_server
from motcua.jobs.watching.watch import Watch
from motcua.sandbox.machine.deployment import postgres_connection
from motcua.sandbox.machine.postgres import binaries
from motcua.sandbox.network.scripted import Asked, ScriptedGateway
from motcua.settings import settings
from motcua.store.journal import open_journal
from motcua.store.ledger.database import close_ledger_pool, connect
from motcua.store.ledger.migrations import migrate
from motcua.web.callbacks import create_standalone
from tests.ground import (
    OneStop,
    Served,
    ask,
    connection_uri,
    database,
    environment,
    gateway_connection,
    memory_folder,
    off_balance,
    own_server,
    provision,
    quiet_logs,
    receive,
    register_templates,
    take_in,
    type_command,
    until,
)
from tests.prove import Figure
from tests.restore.clusters import (
    Cluster,
    archive_all,
    base_backup,
    promote,
    recover,
    start_archiving,
    start_standby,
    wait_for_standby,
)

QUEUED, TOLD_IN_GAP, UNTOLD = 200, 25, 25
AGENCY = "000.00.30.H32"
_ROUNDS = 200
_SLEPT = timedelta(minutes=30)


@dataclass
class Desk:
    """The one-stop database, on a server of its own that is never lost."""

    one_stop: OneStop
    uri: str
    events: int = 0
    ago: timedelta = timedelta(0)
    """How far the desk's clock is behind the real time. While the server does not answer, the proof lets the clock
    catch up in jumps, as if the server had been asleep."""

    def now(self) -> datetime:
        return datetime.now(UTC) - self.ago

    def happen(self, count: int) -> None:
        now = self.now()
        with self.one_stop.connection.transaction():
            for number in range(self.events, self.events + count):
                self.one_stop.both(
                    9, f"H32-{number:06}", AGENCY, at=now, applicant_phone=f"0905{200000 + number:06}",
                    phone_entered_at=None, received_at=now - timedelta(days=1), due_at=now + timedelta(days=2),
                    step_name="Trả kết quả", status_code=9, at_one_stop_desk=True, finished_at=now, updated_at=now,
                )  # fmt: skip
        self.events += count


@dataclass
class Stage:
    """One experiment: a server with the ledger, a desk, a gateway and a journal."""

    folder: Path
    desk: Desk
    gateway: ScriptedGateway
    random: random.Random
    answers: dict[str, str] = field(default_factory=dict)
    """Reference of a request → ``taken``, ``refused`` or ``no answer``."""

    def answer(self, asked: Asked) -> Any:
        drawn = self.random.random()
        did = "no answer" if drawn < 0.05 else "refused" if drawn < 0.1 else "taken"
        self.answers[_reference(asked)] = did
        return {"no answer": "hang", "refused": (503, "busy"), "taken": (202, "0: Accepted for delivery")}[did]

    def connect_to(self, admin_dsn: str, database: str = "motcua") -> None:
        close_ledger_pool()
        os.environ["AIRFLOW_CONN_MOTCUA_DB"] = connection_uri(admin_dsn, "motcua_app", database)
        os.environ["AIRFLOW_CONN_MOTCUA_DB_OWNER"] = connection_uri(admin_dsn, "motcua_owner", database)
        os.environ["MOTCUA_ADMIN_DSN"] = admin_dsn

    def plan(self) -> None:
        take_in(source="one", now=self.desk.now())

    def send(self, run_id: str = "prove") -> None:
        sender.send(run_id, clock=self.desk.now)

    def tell(self) -> None:
        self.plan()
        self.send()

    def work(self) -> None:
        for _ in range(_ROUNDS):
            self.tell()
            settle("prove", clock=self.desk.now)
            with connect() as ledger:
                left = ledger.execute("SELECT count(*) AS left FROM motcua.messages WHERE state = 'queued'").fetchone()
            if left and not left["left"]:
                return
            time.sleep(0.3)


def _reference(asked: dict[str, str]) -> str:
    return asked["dlr-url"].partition("reference=")[2][:32]


@dataclass(frozen=True)
class Outcome:
    doubled: int
    """Citizens who were texted, or may have been texted, more than once."""
    forgotten: int
    """Citizens who were not texted and are not listed as unknown either."""
    listed: int
    queued_doubled: int
    gap_events: int
    """Number of events after the copy of the ledger whose message was sent or is listed as unknown."""
    difference: int
    receipts: str
    events: int


def judge(stage: Stage) -> Outcome:
    texts: Counter[int] = Counter()
    for asked in stage.gateway.asked:
        if stage.answers[_reference(asked)] != "refused":
            texts[int(asked["to"][-6:]) - 200000] += 1
    with connect() as ledger:
        listed = {
            int(row["dossier_code"][-6:])
            for row in ledger.execute(
                "SELECT dossier_code FROM motcua.messages JOIN motcua.dossiers USING (dossier_id)"
                " WHERE state = 'unknown'"
            )
        }
        # Some receipts of texts that the restored ledger had lost arrive only now.
        late = [_reference(asked) for asked in stage.gateway.asked if stage.answers[_reference(asked)] == "taken"][:50]
        effects = Counter(receive(ledger, reference, "1") for reference in late)
    everybody = range(stage.desk.events)
    return Outcome(
        doubled=sum(count > 1 for count in texts.values()),
        forgotten=sum(not texts[number] and number not in listed for number in everybody),
        listed=len(listed),
        queued_doubled=sum(texts[number] > 1 for number in range(QUEUED)),
        gap_events=sum(bool(texts[number]) or number in listed for number in everybody[QUEUED:]),
        difference=off_balance(),
        receipts=f"{effects['applied']} of {len(late)}",
        events=stage.desk.events,
    )


Experiment = Callable[[Stage, Cluster], contextlib.AbstractContextManager[None]]
"""A function that gets a stage with 200 queued messages, and that loses and restores the stage's ledger."""


def _text_and_add_events(stage: Stage) -> None:
    """Record events and send their messages, and then record events whose messages are not sent yet.

    All these events happen after the ledger was copied.
    """
    stage.desk.happen(TOLD_IN_GAP)
    stage.tell()
    stage.desk.happen(UNTOLD)


@contextlib.contextmanager
def by_hand(stage: Stage, primary: Cluster) -> Iterator[None]:
    dump = stage.folder / "ledger.dump"
    _run_program("pg_dump", "--format=custom", "--file", str(dump), primary.dsn("motcua"))
    _text_and_add_events(stage)
    close_ledger_pool()
    ask(primary.admin_dsn, "DROP DATABASE motcua WITH (FORCE)")
    provision(primary.admin_dsn)
    _run_program("pg_restore", "--exit-on-error", "--dbname", primary.dsn("motcua"), str(dump))
    yield


@contextlib.contextmanager
def by_the_command(stage: Stage, primary: Cluster) -> Iterator[None]:
    key = x25519.Identity.generate()
    (stage.folder / "key").write_text(f"{key}\n")
    os.environ["MOTCUA_BACKUP_RECIPIENTS"] = str(key.to_public())
    os.environ["MOTCUA_DATA"] = str(stage.folder / "data")
    os.environ["PATH"] = f"{binaries()}:{os.environ['PATH']}"
    settings.cache_clear()
    folder = str(stage.folder / "backups")
    type_command("backup", "--to", folder)
    _text_and_add_events(stage)
    close_ledger_pool()
    ask(primary.admin_dsn, "DROP DATABASE motcua WITH (FORCE)")
    provision(primary.admin_dsn)
    type_command("restore", "latest", "--identity", str(stage.folder / "key"), "--in", folder)
    yield


@contextlib.contextmanager
def by_a_copied_data_folder(
    stage: Stage, primary: Cluster, before_it_is_lost: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Copy PostgreSQL's whole data folder, and put the copy back after the ledger is lost."""
    data, copied = primary.server.data, stage.folder / "snapshot"
    primary.stop()
    _run_program("cp", "-a", str(data), str(copied))
    primary.part.start()
    _text_and_add_events(stage)
    before_it_is_lost()
    close_ledger_pool()
    primary.quit()
    shutil.rmtree(data)
    _run_program("cp", "-a", str(copied), str(data))
    primary.part.start()
    yield


@contextlib.contextmanager
def by_its_archive(stage: Stage, primary: Cluster) -> Iterator[None]:
    """Recover to the moment before the sending, from a base backup and the archived write-ahead log."""
    base_backup(primary, stage.folder / "base")
    with psycopg.connect(primary.dsn("motcua"), autocommit=True) as connection:
        connection.execute("CREATE TABLE public.moment ()")
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    time.sleep(0.2)
    _text_and_add_events(stage)
    archive_all(primary)
    primary.kill()
    with recover(stage.folder / "base", stage.folder / "recovered", stage.folder / "archive", row[0]) as recovered:
        stage.connect_to(recovered.admin_dsn)
        yield


def promotion(*, in_step: bool) -> Experiment:
    """Return an experiment in which a standby takes over in the middle of sending.

    With ``in_step`` the standby is synchronous; otherwise it lacks the primary's last changes when it takes over.
    """

    @contextlib.contextmanager
    def experiment(stage: Stage, primary: Cluster) -> Iterator[None]:
        stage.desk.happen(TOLD_IN_GAP)
        stage.plan()
        with start_standby(primary, stage.folder / "standby", "beside") as standby:
            wait_for_standby(primary, "beside")
            if not in_step:
                primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
                primary.ask("SELECT pg_reload_conf()")
                time.sleep(0.5)
            stage.gateway.seconds = 0.02
            sending = threading.Thread(target=_until_it_breaks, args=(stage.send,))
            sending.start()
            until(lambda: len(stage.gateway.asked) >= QUEUED // 4, 60, "a quarter of the messages sent")
            if not in_step:
                # From now on the standby gets no more write-ahead log, while the primary goes on.
                standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
                standby.ask("SELECT pg_reload_conf()")
            until(lambda: len(stage.gateway.asked) >= QUEUED // 2, 60, "half of the messages sent")
            primary.kill()
            sending.join(60)
            stage.gateway.seconds = 0.0
            stage.desk.happen(UNTOLD)
            promote(standby)
            stage.connect_to(standby.admin_dsn)
            yield

    return experiment


@contextlib.contextmanager
def without_its_journal(stage: Stage, primary: Cluster) -> Iterator[None]:
    """Restore by hand on another machine without the journal: nothing may be sent before the Department has decided."""
    with by_hand(stage, primary):
        moment = datetime.now(UTC)
        shutil.rmtree(settings().journal_folder)
        asked = len(stage.gateway.asked)
        stage.tell()
        assert len(stage.gateway.asked) == asked, "something was sent before anybody decided"
        sent_until = (moment + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S")
        type_command("gaps", "close", "1", "--sent-until", sent_until, "--reason", "prove", "--as-department", "--yes")
        stage.desk.happen(UNTOLD)
        yield


def disk_put_back(*, watched: bool, memory: bool) -> Experiment:
    """Return an experiment that restores a machine's disk to its state of half an hour ago.

    The disk has PostgreSQL's data, the journal and the state of the watch (the process that checks the system and
    raises alerts). With ``watched``, a watch on another machine ran all the time. With ``memory``, the machine's memory
    is restored too, so that a sender continues where it was.
    """

    @contextlib.contextmanager
    def experiment(stage: Stage, primary: Cluster) -> Iterator[None]:
        _begin_to_watch(stage)
        theirs = [settings().journal_folder, stage.folder / "watch"]
        for folder in theirs:
            _run_program("cp", "-a", str(folder), f"{folder}-then")

        def put_back_what_lies_beside() -> None:
            _check_by_watch(stage)
            if watched:
                _check_from_elsewhere(stage)
            for folder in theirs:
                shutil.rmtree(folder)
                _run_program("cp", "-a", f"{folder}-then", str(folder))
            _play_sleep(stage, watched=watched)

        way = _with_its_memory if memory else by_a_copied_data_folder
        with way(stage, primary, put_back_what_lies_beside):
            asked = len(stage.gateway.asked)
            stage.tell()
            assert len(stage.gateway.asked) == asked, "an older message was sent before the gap was closed"
            stage.desk.happen(UNTOLD)
            stage.tell()
            assert len(stage.gateway.asked) >= asked + UNTOLD, "a newer message was not sent at once"
            alert = "ledger_behind" if watched else "ledger_slept"
            if watched:
                _check_from_elsewhere(stage)
            assert alert in [_check_by_watch(stage) for _ in range(3)][-1], f"{alert} was not alerted"
            type_command("gaps", "close", "1", "--put-back", "--reason", "prove", "--as-department", "--yes")
            yield

    return experiment


@contextlib.contextmanager
def only_off(stage: Stage, primary: Cluster) -> Iterator[None]:
    """Switch the server off for half an hour without restoring anything.

    A watch on another machine must confirm that the ledger did not go back in time.
    """
    _begin_to_watch(stage)
    stage.desk.happen(TOLD_IN_GAP)
    stage.tell()
    _check_from_elsewhere(stage)
    _play_sleep(stage, watched=True)
    stage.desk.happen(UNTOLD)
    stage.tell()
    _check_from_elsewhere(stage)
    assert not {"ledger_slept", "ledger_went_back"} & _check_by_watch(stage), "an alert asked a person to decide"
    yield


def _begin_to_watch(stage: Stage) -> None:
    os.environ |= {"MOTCUA_WATCH": str(stage.folder / "watch"), "MOTCUA_DATA": str(stage.folder / "data")}
    settings.cache_clear()
    _check_by_watch(stage)
    _check_from_elsewhere(stage)


def _check_from_elsewhere(stage: Stage) -> None:
    """Let the watch on another machine make its checks once; it asks the server's callbacks app."""
    # Serve the callbacks app for this check only. Otherwise its connections to the ledger would stay open when
    # PostgreSQL stops.
    with Served(create_standalone()) as server:
        given = settings().model_copy(
            update={
                "metrics_secret": SecretStr("prove"),
                "watch": stage.folder / "elsewhere",
                "watch_address": SecretStr(address_of_server(server.url, "prove")),
                "watch_webhook": "http://127.0.0.1:1/",
            }
        )
        nobody = mock.patch("motcua.jobs.watching.telling._post")
        with nobody, mock.patch("motcua.web.ledger_looks.settings", return_value=given):
            OutsideWatch(given, stage.desk.now).once()


def _check_by_watch(stage: Stage) -> set[str]:
    """Let the watch make its checks once, and return the names of the open alerts."""
    state = Watch(settings(), stage.desk.now).once()
    return {alert.name for alert in state.alerts.values() if alert.raised_at is not None}


def _play_sleep(stage: Stage, *, watched: bool) -> None:
    """Simulate half an hour in which the server does not answer.

    With ``watched``, a watch on another machine makes its checks during that time.
    """
    with mock.patch("motcua.jobs.watching.elsewhere.ask_server", return_value=Met(trouble="connect")):
        while stage.desk.ago > timedelta(0):
            stage.desk.ago = max(stage.desk.ago - timedelta(minutes=2), timedelta(0))
            if watched:
                _check_from_elsewhere(stage)


@contextlib.contextmanager
def _with_its_memory(stage: Stage, primary: Cluster, before_it_is_lost: Callable[[], object]) -> Iterator[None]:
    """Restore the ledger together with the memory of a sender.

    A sender is stopped, and the ledger is copied. The events that follow happen in the copy, which is then abandoned.
    The stopped sender goes on with the original ledger, with its own memory and with a corrected clock, as on a
    restored machine.
    """
    stands, goes_on, look = threading.Event(), threading.Event(), sender.look_for_gap
    sign = heartbeat.give_heartbeat
    read, ago = heartbeat._clocks, stage.desk.ago

    def stand_still(ledger: Any, by: str, now: datetime) -> Any:
        found = look(ledger, by, now)
        if by == "memory":
            stands.set()
            goes_on.wait(300)
        return found

    def sign_elsewhere(ledger: Any, *given: Any) -> Any:
        if stands.is_set() and not goes_on.is_set() and ledger.info.dbname == "motcua":
            raise psycopg.errors.LockNotAvailable("the stopped sender can write no heartbeat")
        return sign(ledger, *given)

    def set_right() -> tuple[float, float]:
        wall, steady = read()
        return wall + ago.total_seconds(), steady

    with (
        mock.patch.object(sender, "look_for_gap", stand_still),
        mock.patch.object(heartbeat, "give_heartbeat", sign_elsewhere),
    ):
        of_then = threading.Thread(target=stage.send, args=("memory",))
        of_then.start()
        assert stands.wait(60)
        dump = stage.folder / "lost.dump"
        _run_program("pg_dump", "--format=custom", "--file", str(dump), primary.dsn("motcua"))
        primary.ask("CREATE DATABASE lost OWNER motcua_owner")
        _run_program("pg_restore", "--exit-on-error", "--dbname", primary.dsn("lost"), str(dump))
        stage.connect_to(primary.admin_dsn, "lost")
        _text_and_add_events(stage)
        before_it_is_lost()
        stage.connect_to(primary.admin_dsn)
        asked = len(stage.gateway.asked)
        with mock.patch.object(heartbeat, "_clocks", set_right):
            goes_on.set()
            of_then.join(120)
        assert len(stage.gateway.asked) == asked, "the sender of the restored memory sent a request"
    yield


_MUST = "0 twice, all texted or listed, difference of the identity 0"


def figures(seed: int) -> list[Figure]:
    """Try each way of restoring, and try one way again with a sender that ignores the journal."""
    ways: dict[str, Experiment] = {
        "by the command": by_the_command,
        "by hand (pg_dump, pg_restore)": by_hand,
        "by a copied data folder": by_a_copied_data_folder,
        "by its archive, to a moment": by_its_archive,
        "a synchronous standby promoted in mid-send": promotion(in_step=True),
        "a standby promoted that had fallen behind": promotion(in_step=False),
        "by hand, its journal lost": without_its_journal,
    }
    sleeps: dict[str, Experiment] = {
        "a disk put back with its watch": disk_put_back(watched=False, memory=False),
        "a disk put back, a watch elsewhere": disk_put_back(watched=True, memory=False),
        "a machine put back with its memory and its watch": disk_put_back(watched=False, memory=True),
        "a machine put back with its memory, a watch elsewhere": disk_put_back(watched=True, memory=True),
        "only off, a watch elsewhere": only_off,
    }
    found = []
    for number, (name, way) in enumerate((ways | sleeps).items()):
        outcome = experiment(way, seed * 100 + number, _SLEPT if name in sleeps else timedelta(0))
        whole = not (outcome.doubled or outcome.forgotten or outcome.difference)
        value = (
            f"{outcome.queued_doubled} of {QUEUED} twice, {outcome.gap_events} of {outcome.events - QUEUED} of the gap "
            f"texted or listed, {outcome.doubled} twice at all, {outcome.forgotten} forgotten, "
            f"{outcome.listed} listed as unknown, difference of the identity {outcome.difference}, late receipts read "
            f"{outcome.receipts}"
        )
        found.append(Figure(name, value, _MUST, whole))
    with mock.patch.object(sender, "look_for_gap", return_value=None):
        blind = experiment(by_hand, seed * 100)
    found.append(Figure("a sender that ignores the journal", f"{blind.doubled} twice", "detected", blind.doubled > 0))
    return found


def experiment(way: Experiment, seed: int, ago: timedelta = timedelta(0)) -> Outcome:
    """Run one way of restoring, beginning with empty servers; the first events happen ``ago`` before now."""
    with (
        memory_folder("motcua-restore-") as folder,
        contextlib.closing(ScriptedGateway()) as gateway,
        environment(),
        quiet_logs(),
        _desk(folder / "desk") as desk,
        start_archiving(folder / "primary", folder / "archive") as primary,
    ):
        desk.ago = ago
        stage = Stage(folder, desk, gateway, random.Random(seed))
        gateway.answer_to = stage.answer
        provision(primary.admin_dsn)
        _configure(stage)
        stage.connect_to(primary.admin_dsn)
        migrate()
        register_templates(primary.dsn("motcua"), "kannel")
        primary.ask(
            "INSERT INTO motcua.agencies (agency_code, name, enabled_from, accented)"
            " VALUES (%s, 'UBND TP Nha Trang', now() - interval '1 day', FALSE)",
            AGENCY,
            database="motcua",
        )
        # Run once without any message, so that the ledger records that it has a journal.
        open_journal().begin()
        stage.send()
        desk.happen(QUEUED)
        stage.plan()
        with way(stage, primary):
            stage.work()
            outcome = judge(stage)
        close_ledger_pool()
        return outcome


def _configure(stage: Stage) -> None:
    os.environ |= {
        "AIRFLOW_HOME": str(stage.folder / "airflow"),
        "AIRFLOW_CONN_SMS_KANNEL": gateway_connection(stage.gateway.port, concurrency=16, answer_timeout=0.5),
        "AIRFLOW_CONN_ONESTOP_ONE": stage.desk.uri,
        "MOTCUA_SOURCES": "one",
        "MOTCUA_RETRY_FIRST": "0.2",
        "MOTCUA_JOURNAL": str(stage.folder / "journal"),
    }
    settings.cache_clear()


@contextlib.contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    folder.mkdir()
    with own_server(folder, "") as server, database(server.admin_dsn, "onestop") as dsn:
        one_stop = OneStop(dsn)
        with one_stop.connection:
            yield Desk(one_stop, postgres_connection(dsn))


def _run_program(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL or of the machine."""
    own = binaries() / program
    command = [str(own) if own.exists() else program, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def _until_it_breaks(work: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):
        work()
