"""Whether docs/operations/install.md leads from a bare machine to a first message.

``make prove ONLY=install``. The page's blocks are read out of it and typed, line by line, on a machine of
``tests.compose.machine``: each service of docker-compose.yaml is a process with its own command and environment. The
world outside is real: a PostgreSQL as the one-stop database, a Kannel with a carrier behind it, an SMTP server. What an
operator does between the commands (fills in files, has a dossier reach its result, switches the power off) is done at
its step. The first restore, on a second machine, is steps 1 to 7 of docs/operations/restore.md, which
tests/compose/test_coming_back.py types with all that follow them.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import NamedTuple

import requests
from pyrage.x25519 import Identity

from motcua.sandbox.machine.parts import Part
from tests.compose.machine import Machine
from tests.compose.project import LONG_RUNNING, SECTION, Value, fill_in, rows, steps, titles
from tests.gateways.real_kannel import IS_INSTALLED, Kannel, smpp_carrier
from tests.gateways.smsc import Smsc, Text
from tests.ground import OneStop, ask, database, free_port, listens, own_server, until
from tests.prove import Figure

NOT_FOLLOWED = "What is not followed without an engine"
DOSSIER = "SCT-000001"
AFTER_REBOOT = "SCT-000002"
OF_LAST_WEEK = "SCT-000000"
PHONES = {DOSSIER: "0905123456", AFTER_REBOOT: "0905123457", OF_LAST_WEEK: "0905123458"}
DEPARTMENT, OPERATOR = "so.tttt@example.vn", "lan@example.vn"
_PATIENCE = 600.0
"""Seconds after which something has not merely been slow."""
_APART = 4.0
"""Seconds between the starts of two services after the reboot."""


class Ports(NamedTuple):
    """Of loopback, where each part of the world outside listens."""

    one_stop: int
    kannel: int
    smtp: int


@dataclass
class Outside:
    """What no server of ours takes with it."""

    folder: Path
    one_stop: OneStop
    carrier: Smsc
    ports: Ports
    password: str
    """By which the server is known to each of them."""
    mails: Path
    identity: Identity = field(default_factory=Identity.generate)

    @property
    def safe(self) -> Path:
        return self.folder / "safe"

    def result_at_the_desk(self, code: str, days_ago: int = 0) -> None:
        now = datetime.now(UTC) - timedelta(days=days_ago)
        day = timedelta(days=1)
        self.one_stop.dossier(
            code,
            "H32.11",
            received_at=now - day,
            phone_entered_at=now - day,
            due_at=now + 2 * day,
            applicant_phone=PHONES[code],
            status_code=9,
            at_one_stop_desk=True,
            updated_at=now,
        )
        self.one_stop.move(9, code, "H32.11", at=now)

    def shown(self, code: str) -> list[Text]:
        return self.carrier.phone(f"+84{PHONES[code][1:]}")

    def subjects(self, receiver: str) -> list[str]:
        found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in self.mails.glob("*.eml")]
        return [str(mail["subject"]) for mail in found if receiver in str(mail["to"])]


@contextmanager
def _outside(folder: Path) -> Iterator[Outside]:
    password = secrets.token_hex(16)
    mails = folder / "mails"
    with ExitStack() as stack:
        (folder / "one-stop").mkdir()
        server = stack.enter_context(own_server(folder / "one-stop"))
        ask(server.admin_dsn, f"CREATE ROLE motcua_reader LOGIN PASSWORD '{password}'")
        one_stop = OneStop(stack.enter_context(database(server.admin_dsn, "onestop")))
        stack.callback(one_stop.connection.close)
        one_stop.connection.execute("GRANT USAGE ON SCHEMA onestop TO motcua_reader")
        one_stop.connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO motcua_reader")
        carrier = Smsc()
        stack.callback(carrier.close)
        user = (
            f"group = sendsms-user\nusername = motcua\npassword = {password}\nmax-messages = 8\nconcatenation = true\n"
        )
        kannel = Kannel(folder / "kannel", carrier=smpp_carrier(carrier.port), groups=user)
        stack.callback(kannel.stop)
        page, smtp = free_port(), free_port()
        words = ["--folder", str(mails), "--port", str(page), "--smtp-port", str(smtp)]
        account = {"MOTCUA_SMTP_USERNAME": "motcua", "MOTCUA_SMTP_PASSWORD": password}
        stack.enter_context(
            Part(
                "mailbox",
                [sys.executable, "-m", "motcua.sandbox.network.mailbox", *words],
                folder / "mailbox.log",
                environment={**os.environ, **account},
                ready=lambda: listens(smtp),
            )
        )
        ports = Ports(server.port, kannel.sendsms_port, smtp)
        outside = Outside(folder, one_stop, carrier, ports, password, mails)
        outside.safe.mkdir()
        # The desk was at work before there was a server of ours.
        outside.result_at_the_desk(OF_LAST_WEEK, days_ago=3)
        until(lambda: carrier.is_bound, _PATIENCE, "Kannel is bound to its carrier")
        yield outside


def values(ports: Ports, password: str, public_key: str) -> dict[tuple[str, str], Value]:
    """What the operator of such a machine fills in."""
    host = {"host": "127.0.0.1"}
    return {
        (".env", "UI_URL"): "http://localhost:8080",
        (".env", "BACKUP_RECIPIENTS"): public_key,
        ("settings.env", "MOTCUA_SOURCES"): "khanhhoa=contract",
        ("settings.env", "MOTCUA_GATEWAYS"): "kannel",
        ("settings.env", "MOTCUA_DEPARTMENT_RECIPIENTS"): DEPARTMENT,
        ("mail.env", "AIRFLOW_CONN_SMTP_DEFAULT"): {
            "conn_type": "smtp",
            "port": ports.smtp,
            "login": "motcua",
            "password": password,
            "extra": {"from_email": "MotcuaSMS <motcua@example.vn>", "disable_ssl": True, "disable_tls": True},
            **host,
        },
        ("mail.env", "MOTCUA_WATCH_RECIPIENTS"): OPERATOR,
        ("sources.env", "AIRFLOW_CONN_ONESTOP_KHANHHOA"): {
            "port": ports.one_stop,
            "password": password,
            "extra": {"sslmode": None},
            **host,
        },
        ("gateways.env", "AIRFLOW_CONN_SMS_KANNEL"): {
            "port": ports.kannel,
            "password": password,
            "extra": {"callback_url": "http://127.0.0.1:8081/gateway/receipts/kannel"},
            **host,
        },
        ("callbacks.env", "AIRFLOW_CONN_SMS_KANNEL"): host,
    }


@dataclass
class Installing:
    """One run along the page."""

    machine: Machine
    outside: Outside
    seed: int
    typed: int = 0
    figures: list[Figure] = field(default_factory=list)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    not_followed: dict[str, str] = field(default_factory=lambda: dict(rows("install", NOT_FOLLOWED)))

    def note(self, name: str, value: str, must_reach: str, ok: bool) -> None:
        self.figures.append(Figure(name, value, must_reach, ok))

    def follow(self) -> None:
        """Every step of the page, with what a person does at it.

        Raises:
            ValueError: the page has no step at which something is done here.
        """
        before = {"What only you know": self._fill_in}
        after = {
            "The start": self._started,
            "The first account": self._signs_in,
            "The power": self._after_reboot,
        }
        at = titles("install", SECTION)
        if unknown := {*before, *after, "The first message", "The first restore"} - at.keys():
            raise ValueError(f"the page has no step {', '.join(sorted(unknown))}")
        titled = {number: title for title, number in at.items()}
        for number, blocks in steps("install", SECTION).items():
            title = titled.get(number, "")
            before.get(title, lambda: None)()
            for place, block in enumerate(blocks):
                # Between enabling the agency and looking what became of it.
                if (title, place) == ("The first message", 1):
                    self._first_message(DOSSIER, "first message")
                self._type(block, answering=title == "The first account")
            after.get(title, lambda: None)()

    def _type(self, block: str, answering: bool) -> None:
        lines = block.splitlines(keepends=True)
        left_out = [line for line in lines if line.strip() in self.not_followed]
        kept = "".join(line for line in lines if line not in left_out)
        if any(line.strip() == "sudo reboot" for line in left_out):
            self._reboot()
        if not kept.strip():
            return
        variables: dict[str, str | Path] = {"SAFE": self.outside.safe, "DOSSIER": DOSSIER}
        if answering:
            self.machine.type_answering(kept, r"(?:Password|confirmation):", self.password, **variables)
        else:
            self.machine.type(kept, **variables)
        self.typed += len([line for line in kept.splitlines() if line.strip()])

    def _fill_in(self) -> None:
        there = self.outside
        fill_in(self.machine.project, values(there.ports, there.password, str(there.identity.to_public())))

    def _started(self) -> None:
        # That each is healthy the page's own docker compose ps has found.
        running = len(self.machine.running) == len(LONG_RUNNING)
        self.note(
            "services healthy after the first start", _share(self.machine), f"{len(LONG_RUNNING)} of them", running
        )
        subjects = until(lambda: self.outside.subjects(OPERATOR), _PATIENCE, "the watch's first mail")
        self.note("mails of the watch's first day", subjects[0], "Giám sát ngày …", "Giám sát ngày" in subjects[0])

    def _signs_in(self) -> None:
        answer = requests.post(
            f"http://127.0.0.1:{self.machine.ports[8080]}/auth/token",
            json={"username": "lan", "password": self.password},
            timeout=60,
        )
        self.note("the first account signs in", str(answer.status_code), "201", answer.status_code == 201)

    def _first_message(self, code: str, name: str) -> None:
        self.outside.result_at_the_desk(code)
        begun = time.monotonic()
        text = until(lambda: self.outside.shown(code), _PATIENCE, f"{code} rings")
        seconds = time.monotonic() - begun
        until(lambda: self._state(code) == "delivered", _PATIENCE, f"{code} is delivered")
        self.note(
            f"{name}: phone shows, ledger says",
            f"{len(text)} text, delivered, {seconds:.1f} s",
            "1 text",
            len(text) == 1,
        )

    def _state(self, code: str) -> str:
        found = self.machine.rows(
            f"SELECT state FROM motcua.messages JOIN motcua.dossiers USING (dossier_id) WHERE dossier_code = '{code}'"
        )
        return str(found[0][0]) if found else ""

    def _reboot(self) -> None:
        before = dict(self.machine.running)
        self.machine.lose_power()
        order = [name for name in LONG_RUNNING if name not in ("postgres", "redis")]
        random.Random(self.seed).shuffle(order)
        order += ["redis", "postgres"]
        begun = time.monotonic()
        again = self.machine.come_back(order, _APART)
        self.note(
            "services healthy after a reboot, " + ", ".join(order),
            f"{_share(self.machine)} in {time.monotonic() - begun:.0f} s; started again: "
            + (", ".join(f"{name} {times}" for name, times in sorted(again.items())) or "none"),
            f"{len(before)} of them",
            len(self.machine.running) == len(before),
        )
        # What the watch saw of it is over before it is asked.
        until(self._is_calm, _PATIENCE, "the watch has nothing to tell")

    def _is_calm(self) -> bool:
        try:
            self.machine.type("docker compose exec watch motcua alerts")
        except AssertionError:
            return False
        return True

    def _after_reboot(self) -> None:
        self._first_message(AFTER_REBOOT, "first message after the reboot")


def _share(machine: Machine) -> str:
    return f"{len(machine.running)} of {len(LONG_RUNNING)}"


def figures(seed: int) -> list[Figure]:
    """Follows the page; what fell short is told by the command that failed.

    Raises:
        AssertionError: a command of the page failed, or what it promises did not come about.
    """
    assert IS_INSTALLED, "Kannel is not installed"
    folder = Path(tempfile.mkdtemp(prefix="motcua-install-"))
    folder.chmod(0o711)
    try:
        with _outside(folder) as outside:
            machine = Machine(folder / "server")
            run = Installing(machine, outside, seed)
            try:
                run.follow()
                machine.type("docker compose exec airflow-scheduler motcua identity")
                run.note("the identity at the end", "0", "0", True)
                told = outside.shown(OF_LAST_WEEK)
                run.note("told of what was before", str(len(told)), "0", not told)
            finally:
                machine.lose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    followed = len(steps("install", SECTION))
    run.note("steps followed, lines typed", f"{followed}, {run.typed}", "all", True)
    for name, why in run.not_followed.items():
        run.note(f"not followed: {name}", why, "listed", True)
    return run.figures
