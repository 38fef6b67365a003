"""docs/operations/restore.md, typed as it stands: a machine is lost, an empty one takes over, and a third one after it.

Nothing is done between the commands of the handbook but what its words say: files are brought from the safe and from
where another machine keeps the backups, and the disk of the journal is there again. The gateway's own list says who was
told. The first machine has no Airflow: its messages are sent by the jobs that Airflow would run. The second one has
everything. On the third one Airflow is left out again, since the second shows that it comes up.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
import requests
from dotenv import dotenv_values
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pyrage.x25519 import Identity

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.calendars import confirm_year
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.publications.publishing import publish
from motcua.jobs.reconciliation.closing import close_period
from motcua.sandbox.network.scripted import Answer, Asked, ScriptedGateway
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.ledger.provisioning import with_database
from tests.compose.machine import IMAGE_USER, Machine
from tests.compose.project import EXAMPLE, LONG_RUNNING, complete_environment, steps
from tests.ground import NHA_TRANG, OneStop, Server, agency, ask, in_ledger, register_templates, take_in, until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(1200)]

AIRFLOW = frozenset({"init", "redis", *(name for name in LONG_RUNNING if name.startswith("airflow-"))})
"""Services that there would be none of without Airflow; ``init`` beside it does what the handbook types, too."""
IN_GAP, WHILE_AWAY = 20, 5
FIRST_START = """
sudo install -d -m 700 -o 50000 -g 50000 backups statements files
docker compose up --detach --wait postgres
docker compose run --rm init motcua provision
docker compose run --rm init motcua migrate
docker compose up --detach
"""
STATEMENT = "Số thuê bao;Kết quả\n0905123456;Thành công\n".encode()


@dataclass
class World:
    """What no machine of ours takes with it: the one-stop database, the gateway, a safe, other machines' disks."""

    folder: Path
    one_stop: OneStop
    gateway: ScriptedGateway
    answers: dict[int, Answer] = field(default_factory=dict)
    """What the gateway answers about a citizen, where it is not the usual."""
    told: Counter[int] = field(default_factory=Counter)
    """How often each citizen's message was taken, or may have been."""
    citizens: int = 0

    @property
    def safe(self) -> Path:
        return self.folder / "safe"

    @property
    def copies(self) -> Path:
        return self.folder / "copies"

    @property
    def journal(self) -> Path:
        return self.folder / "disk-of-the-journal"

    def answer(self, asked: Asked) -> Answer:
        citizen = int(asked["to"][-6:])
        answer = self.answers.get(citizen, (202, "0: Accepted for delivery"))
        self.told[citizen] += answer == "reset" or answer[0] == 202
        return answer

    def happen(self, count: int, at: datetime | None = None, phone: str | None = None) -> list[int]:
        """So many dossiers have their result; their citizens."""
        moment = at or datetime.now(UTC)
        first = self.citizens + 1
        self.citizens += count
        for citizen in range(first, self.citizens + 1):
            self.put(citizen, moment, applicant_phone=phone or f"0905{citizen:06}")
            self.one_stop.move(9, f"H-{citizen:06}", at=moment)
        return list(range(first, self.citizens + 1))

    def put(self, citizen: int, moment: datetime, **changes: Any) -> None:
        """Writes a dossier's row."""
        usual: dict[str, Any] = {
            "received_at": moment - timedelta(days=1),
            "phone_entered_at": moment - timedelta(days=1),
            "due_at": moment + timedelta(days=2),
            "applicant_phone": f"0905{citizen:06}",
            "updated_at": moment,
        }
        self.one_stop.dossier(f"H-{citizen:06}", **usual | changes)

    def report(self, citizen: int, status: str, callbacks: int) -> None:
        """The gateway tells what became of a citizen's message, as that message asked it to."""
        asked = next(each for each in self.gateway.asked if int(each["to"][-6:]) == citizen)
        url = asked["dlr-url"].replace("%d", status)
        # Each machine has its own port of callbacks; to the gateway they are one address.
        url = re.sub(r"//127\.0\.0\.1:\d+/", f"//127.0.0.1:{callbacks}/", url)
        assert requests.get(url, timeout=10).ok


@contextmanager
def at_work_on(machine: Machine) -> Iterator[None]:
    """This process is a worker of that machine."""
    told = {
        name: value
        for name, value in machine.told("airflow-worker").items()
        if name.startswith(("MOTCUA_", "AIRFLOW_CONN_"))
    }
    close_ledger_pool()
    with mock.patch.dict(os.environ, told):
        settings.cache_clear()
        yield
        close_ledger_pool()
    settings.cache_clear()


def states(machine: Machine) -> dict[int, str]:
    """State of each citizen's message."""
    found = machine.rows("SELECT dossier_code, state FROM motcua.messages JOIN motcua.dossiers USING (dossier_id)")
    return {citizen_of(code): state for code, state in found}


def citizen_of(dossier_code: str) -> int:
    return int(dossier_code.removeprefix("H-"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, postgres: Server) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    name = "onestop_of_a_lost_machine"
    ask(postgres.admin_dsn, f"CREATE DATABASE {name}")
    gateway = ScriptedGateway()
    world = World(folder, OneStop(with_database(postgres.admin_dsn, name)), gateway)
    gateway.answer_to = world.answer
    fill_safe(world, conninfo_to_dict(postgres.admin_dsn) | {"dbname": name})
    yield world
    gateway.close()
    world.one_stop.connection.close()


def fill_safe(world: World, source: dict[str, Any]) -> None:
    """What an operator keeps apart from the machine."""
    for folder in (world.safe, world.journal):
        folder.mkdir()
    key = Identity.generate()
    extra = {
        "adapter": "kannel",
        "answer_timeout": 600,
        "callback_url": "http://127.0.0.1:8081/gateway/receipts/kannel",
        "callback_secret": secrets.token_hex(16),
    }
    gateway = {
        "conn_type": "http",
        "host": "127.0.0.1",
        "port": world.gateway.port,
        "login": "motcua",
        "password": secrets.token_hex(16),
    }
    shown = {name: extra[name] for name in ("adapter", "callback_secret")}
    to_callbacks = {"conn_type": "http", "host": "127.0.0.1", "extra": shown}
    environment = complete_environment() | {
        "BACKUP_RECIPIENTS": str(key.to_public()),
        "UI_URL": "http://localhost:8080",
    }
    address = f"postgres://{source['user']}:{source['password']}@127.0.0.1:{source['port']}/{source['dbname']}"
    files = {
        ".env": "".join(f"{name}={value}\n" for name, value in environment.items()),
        "settings.env": "MOTCUA_SOURCES=khanhhoa=contract\nMOTCUA_GATEWAYS=kannel\nMOTCUA_USEFUL_FOR=PT12H\n",
        "mail.env": "",
        "sources.env": f"AIRFLOW_CONN_ONESTOP_KHANHHOA='{address}'\n",
        "gateways.env": f"AIRFLOW_CONN_SMS_KANNEL='{json.dumps(gateway | {'extra': extra})}'\n",
        "callbacks.env": f"AIRFLOW_CONN_SMS_KANNEL='{json.dumps(to_callbacks)}'\n",
        "identity.txt": f"{key}\n",
        # As docs/operations/backup.md has it.
        "docker-compose.override.yaml": "volumes:\n  journal:\n"
        f"    driver_opts: {{type: none, o: bind, device: {world.journal}}}\n",
    }
    for name, text in files.items():
        (world.safe / name).write_text(text, encoding="utf-8")


def give_to_image_user(folder: Path) -> None:
    """What this process wrote is what a container would have written."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, IMAGE_USER, IMAGE_USER)


def fill_ledger(world: World, machine: Machine) -> None:
    """Messages in each state that a ledger knows but ``sending``, and a publication of yesterday's."""
    now = datetime.now(UTC)
    today = datetime.combine(now.astimezone(VIETNAM), datetime.min.time(), VIETNAM)
    yesterday = today - timedelta(days=1)
    register_templates(with_database(machine.postgres.admin_dsn, "motcua"), "kannel")
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=yesterday)], "tests")
    # In December the watch asks for it.
    confirm_year(yesterday.year + 1, "Thông báo 1/TB-BNV", "lan", datetime.now(UTC))
    send("first run")
    (unconfirmed,) = world.happen(1)
    take_in(None)
    send("run")
    wait = json.loads(os.environ["AIRFLOW_CONN_SMS_KANNEL"])
    wait["extra"]["horizon_hours"] = 0.00001
    with mock.patch.dict(os.environ, {"AIRFLOW_CONN_SMS_KANNEL": json.dumps(wait)}):
        settle("run")
    assert states(machine)[unconfirmed] == "unconfirmed"

    world.happen(1, at=yesterday + timedelta(minutes=1))
    world.happen(1, phone="123")
    told = world.happen(16)
    unknown, rejected, returned, queued = world.happen(4)
    world.answers |= {
        unknown: "reset",
        rejected: (400, "receiver number rejected"),
        queued: (503, "busy"),
    }
    take_in(None)
    world.put(returned, now, returned_at=now)
    pick_up("khanhhoa")
    send("run")
    world.report(told[0], "1", machine.ports[8081])
    world.report(told[1], "2", machine.ports[8081])
    period = Period.parse(f"{yesterday.astimezone(VIETNAM):%Y-%m-%d}")
    publish(close_period(period, "tests").closing.closing_no)


@dataclass
class Lost:
    """The first machine as it was when it was lost."""

    forgotten: list[int]
    """Citizens who were told after the backup."""
    without_answer: list[int]
    publications: dict[str, bytes]


@pytest.fixture(scope="module")
def lost(world: World) -> Lost:
    """A machine at work, its nightly backup, an evening's messages after it, and a fire."""
    machine = Machine(world.folder / "first", left_out=AIRFLOW)
    try:
        give_to_image_user(world.journal)
        for file in world.safe.iterdir():
            # The server has the public key only.
            if file.name != "identity.txt":
                shutil.copy(file, machine.project)
        machine.type(FIRST_START)
        for name in ("callbacks", "intake"):
            machine.wait_until_healthy(name)
        with at_work_on(machine):
            fill_ledger(world, machine)
            (machine.project / "statements" / "kannel").mkdir()
            (machine.project / "statements" / "kannel" / "2026-10.csv").write_bytes(STATEMENT)
            give_to_image_user(machine.project / "statements")

            # One is on its way while the backup is made.
            (sending,) = world.happen(1)
            take_in(None)
            asked, go_on, claim_no_more = threading.Event(), threading.Event(), threading.Event()

            def hold(_: Asked) -> None:
                asked.set()
                go_on.wait(600)

            world.gateway.before_answer = hold
            on_its_way = threading.Thread(target=send, args=("run",), kwargs={"stop": claim_no_more})
            on_its_way.start()
            assert asked.wait(60)
            claim_no_more.set()
            # These are queued in the backup.
            queued = world.happen(6)
            take_in(None)
            machine.type("docker compose exec backup motcua backup")
            world.gateway.before_answer = None
            go_on.set()
            on_its_way.join()
            now = states(machine)
            assert [now[citizen] for citizen in queued] == ["queued"] * len(queued)
            in_backup = {*now.values(), "sending"}
            assert in_backup >= {row[0] for row in machine.rows("SELECT state FROM motcua.message_states")}

            in_gap = world.happen(IN_GAP)
            world.answers |= dict.fromkeys(in_gap[:2], "reset")
            take_in(None)
            send("run")
            for citizen in (sending, *in_gap[5:8]):
                world.report(citizen, "1", machine.ports[8081])
            assert all(world.told[citizen] for citizen in (*queued, *in_gap))
        world.happen(WHILE_AWAY)
        # Another machine fetches them each night.
        shutil.copytree(machine.project / "backups", world.copies)
        publications = files_in(machine.folder / "volumes" / "publications")
        assert publications
    finally:
        machine.lose()
    give_to_image_user(world.journal)
    return Lost([*queued, *in_gap], in_gap[:2], publications)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def restored(world: World, lost: Lost) -> Iterator[Machine]:
    """An empty machine on which every step of the handbook was done."""
    machine = Machine(world.folder / "second")
    try:
        for number, blocks in steps("restore", "From a backup").items():
            # "Mount that disk, and type nothing": it is there.
            if number == 3:
                continue
            if number == 10:
                # "After some minutes": those who were not yet told are, with one whom the gateway puts off.
                until(lambda: len(states(machine)) == world.citizens, 400, "everybody has a message")
                until(lambda: len(waiting(machine)) <= 1, 120, "nobody waits")
            for block in blocks:
                machine.type(block, SAFE=world.safe, COPIES=world.copies)
        yield machine
    finally:
        machine.lose()


def waiting(machine: Machine) -> set[int]:
    return {citizen for citizen, state in states(machine).items() if state in ("queued", "sending")}


@pytest.mark.guarantee("backups", "the handbook's restore, typed line by line on an empty machine, tells nobody twice")
def test_restore_as_the_handbook_types_it_tells_nobody_twice_and_forgets_nobody(
    world: World, lost: Lost, restored: Machine
) -> None:
    assert {citizen: times for citizen, times in world.told.items() if times > 1} == {}
    now = states(restored)
    assert len(now) == world.citizens
    assert {now[citizen] for citizen in lost.without_answer} == {"unknown"}, "people are shown them"
    assert all(world.told[citizen] == 1 for citizen in range(world.citizens - WHILE_AWAY + 1, world.citizens + 1))
    publications = files_in(restored.folder / "volumes" / "publications")
    assert {name: publications.get(name) for name in lost.publications} == lost.publications
    assert files_in(restored.project / "statements") == {"kannel/2026-10.csv": STATEMENT}
    assert restored.rows("SELECT kind, closed_at IS NOT NULL FROM motcua.gaps") == [("behind_journal", True)]
    # The gateway put one off once more; that one waits as it did.
    lost_then = restored.rows("SELECT dossier_code FROM motcua.lost_attempts WHERE outcome <> 'transient'")
    assert sorted(citizen_of(code) for (code,) in lost_then) == sorted(lost.forgotten)


def test_every_service_serves_after_a_restore(world: World, restored: Machine) -> None:
    """Its own healthchecks have said so in the last step; these are what they do not ask."""
    citizen = next(citizen for citizen in sorted(states(restored), reverse=True) if world.told[citizen])
    world.report(citizen, "1", restored.ports[8081])
    assert states(restored)[citizen] == "delivered"
    password = dotenv_values(world.safe / ".env")["MOTCUA_AUDIT_PASSWORD"]
    ledger = with_database(restored.postgres.admin_dsn, "motcua")
    auditor = make_conninfo(ledger, user="motcua_audit", password=password)
    with psycopg.connect(auditor) as connection:
        assert connection.execute("SELECT count(*) FROM audit.messages").fetchone() == (world.citizens,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT msisdn FROM motcua.messages")


@pytest.mark.guarantee("backups", "the handbook's move, typed line by line, loses nothing and tells nobody twice")
def test_move_as_the_handbook_types_it_takes_everything_along(world: World, restored: Machine) -> None:
    moving = steps("restore", "Moving to another machine")
    there = steps("restore", "From a backup")
    (world.safe / "docker-compose.override.yaml").unlink()
    machine = Machine(world.folder / "third", left_out=AIRFLOW)
    try:
        copies = world.folder / "copied"
        for block in there[1]:
            machine.type(block, SAFE=world.safe)
        for block in moving[2]:
            restored.type(block)
        known = states(restored)
        # What a check found wrong with this source, which is made for other ends, would be an alert.
        restored.rows("DELETE FROM motcua.source_checks", past_guards=True)
        for block in moving[3]:
            restored.type(block)
        meanwhile = world.happen(2)
        shutil.copytree(restored.project / "backups", copies)
        shutil.copy(restored.project / "journal.tar", machine.project)
        for number in range(2, 11):
            if number == 10:
                with at_work_on(machine):
                    take_in(None)
                    send("run")
                    settle("run")
            for block in there[number]:
                machine.type(block, COPIES=copies)
        now = states(machine)
        assert {citizen: world.told[citizen] for citizen in meanwhile} == dict.fromkeys(meanwhile, 1)
        assert {citizen: times for citizen, times in world.told.items() if times > 1} == {}
        assert {citizen: now[citizen] for citizen in known} == known
        assert machine.rows("SELECT count(*) FROM motcua.gaps") == [(1,)], "that of the restore"
        assert files_in(machine.folder / "volumes" / "publications") == files_in(
            restored.folder / "volumes" / "publications"
        )
    finally:
        machine.lose()


def test_stopped_machine_leaves_no_process_and_logs_hold_no_number_and_no_secret(
    world: World, restored: Machine
) -> None:
    restored.stop()
    # Airflow's other services do not always hear TERM in time (docs/decisions/demo.md); nothing is lost with them.
    assert "airflow-worker" not in restored.stopped_by_force
    assert not restored.left_over()
    gateway = json.loads(dotenv_values(world.safe / "gateways.env")["AIRFLOW_CONN_SMS_KANNEL"] or "")
    given = {**dotenv_values(world.safe / ".env"), **gateway, **gateway["extra"]}
    secret = [given[name] for name in ("password", "callback_secret", *(name for name in EXAMPLE if not EXAMPLE[name]))]
    # A public key and an address are none.
    secret = [value for value in secret if not value.startswith(("age1", "http"))]
    assert len(secret) > 10
    numbers = [f"905{citizen:06}" for citizen in range(1, world.citizens + 1)]
    logs = [path for path in restored.folder.rglob("*.log") if path.is_file()]
    assert any("airflow-worker" in path.name for path in logs)
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not [number for number in numbers if number in text], log
        assert not [value for value in secret if value in text], log
