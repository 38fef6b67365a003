"""Prove that the handbook leads from a bare server to a first message, through a reboot, a restore and an upgrade.

``make prove ONLY=install`` reads the command lines out of the pages of docs/vi/quan-tri and types them on a real Docker
engine (tests/engine). The proof changes a few lines; for example, the upgrade goes on although scripts/doctor.sh
reports faults. The engine's images are built here from Debian's and Python's packages. The systems that the server
connects to are real, too: a PostgreSQL server as the one-stop database, Kannel with a carrier behind it, and a mailbox.
Between the command lines the proof does what a page asks of an administrator, such as answering ten questions or
writing a file. A reboot of the server is simulated by stopping and starting the engine with all its containers. The
upgrade begins at version 0.2.0 and uses a real ``git pull``.

Before the restore, each container is killed once and frozen once while the message about a result is due.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import requests

from motcua.domain.clock import VIETNAM
from motcua.sandbox.machine.parts import Part
from tests.compose.project import LONG_RUNNING, SERVICES, steps, titles
from tests.engine.engine import Engine, why_none
from tests.engine.outside import BRIDGE, NAME, Door, Outside, outside
from tests.engine.server import Server
from tests.ground import until
from tests.integration.installing.province import certificate
from tests.prove import Figure
from tests.prove.page import ROOT

INSTALL, REBOOT, RESTORE, UPGRADE = (
    f"vi/quan-tri/{page}" for page in ("cai-dat", "khoi-dong-lai", "khoi-phuc", "nang-cap")
)
SECTION = "Từng bước"
OF_0_2_0 = "660d4bfd"
DOSSIER, PHONE = "SCT-000001", "0905999001"
OF_LAST_WEEK, PHONE_OF_LAST_WEEK = "SCT-000000", "0905999000"
DEPARTMENT, OPERATOR, ELSEWHERE = "so.tttt@example.vn", "lan@example.vn", "truc@example.vn"
"""Mail addresses of the recipients of reports, of alerts, and of alerts from the other machine.

The Department gets reports. The watch, the program that mails alerts, mails to the operator. A second watch on another
machine mails to the third address.
"""
WHILE_SENDING = 200
TOLD_WITHIN = 130.0
"""Seconds within which an alert must arrive.

If a message is due for a minute and no sender sends it, an alert must be mailed within two minutes. Ten seconds are
added, because the machine of the proof may be slow.
"""
_PATIENCE = 900.0
_MEMORY = 4096
"""Most memory that all containers together may use when nothing happens, in MiB, as the handbook states it."""


@dataclass
class Administrator:
    """An administrator who follows the pages of the handbook on one server, and the figures found meanwhile."""

    server: Server
    world: Outside
    copies: Path
    """Folder on another disk to which the server's backups are copied."""
    figures: list[Figure] = field(default_factory=list)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    typed: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, value: str, must_reach: str, ok: bool) -> None:
        """Add a row to the proof's table."""
        self.figures.append(Figure(name, value, must_reach, ok))

    def follow(self, page: str, at: dict[str, Callable[[str], str | None]]) -> None:
        """Type each block of a page's steps.

        Args:
            page: Path of the page within docs, without its ending.
            at: Title of a step → function that is called with each block of the step, instead of typing the block. If
                the function returns ``None``, the block is typed after all.

        Raises:
            ValueError: The page has no step with a title that ``at`` names.
            AssertionError: A line failed, or the result that the page promises did not come about.
        """
        titled = {number: title for title, number in titles(page, SECTION).items()}
        if unknown := at.keys() - titled.values():
            raise ValueError(f"{page} has no step {', '.join(sorted(unknown))}")
        for number, blocks in steps(page, SECTION).items():
            for block in blocks:
                done = at.get(titled.get(number, ""), lambda _: None)(block)
                if done is None:
                    self.type(block)
                self.typed[page] = self.typed.get(page, 0) + len([line for line in block.splitlines() if line.strip()])

    def type(self, block: str) -> str:
        """Type a block of command lines, with the shell variables that earlier blocks of the pages set."""
        return self.server.type(block, SAFE=self.world.safe, COPIES=self.copies, DOSSIER=DOSSIER)

    # --- Installing

    def install(self) -> None:
        """Follow the page about installing, up to the first message."""
        begun = time.monotonic()
        self.world.result_at_the_desk(OF_LAST_WEEK, PHONE_OF_LAST_WEEK, days_ago=3)
        certificate(self.server.project, NAME)
        self.follow(
            INSTALL,
            {
                "Mười câu hỏi": self._answers,
                "Khởi động": self._starts,
                "Tài khoản đầu tiên": self._first_account,
                "Cơ quan đầu tiên": self._first_agency,
                "Tin nhắn đầu tiên": self._first_message,
            },
        )
        number = len(steps(INSTALL, SECTION))
        lines = self.typed[INSTALL]
        self.note("install: steps, lines typed", f"{number}, {lines}", "6, 15", number <= 6 and lines <= 15)
        minutes = (time.monotonic() - begun) / 60
        self.note(
            "install: minutes to the first message, without a person's pauses", f"{minutes:.0f}", "30", minutes <= 30
        )
        texts = self.world.shown(PHONE_OF_LAST_WEEK)
        self.note("install: texts about dossiers from before the installation", str(len(texts)), "0", not texts)
        names = re.findall(r"^([A-Z_]+)=", (self.server.project / ".env").read_text(encoding="utf-8"), re.M)
        secret = [name for name in names if re.search("PASSWORD|SECRET", name)]
        self.note("install: secrets in .env", str(len(secret)), "fewer than 14", len(secret) < 14)

    def _answers(self, block: str) -> str | None:
        first, rest = block.split("\n", 1)
        self.set_up(first)
        # This Kannel delivers receipts through a stunnel (docs/gateways.md).
        tunnel = Door(443, "127.0.0.1", self.server.project / "certificates" / "site.pem")
        gateways = self.server.project / "gateways.env"
        text = gateways.read_text(encoding="utf-8")
        assert f"https://{NAME}/gateway" in text
        text = text.replace(f"https://{NAME}/gateway", f"http://{NAME}:{tunnel.port}/gateway")
        gateways.write_text(text, encoding="utf-8")
        self.type(rest)
        return block

    def set_up(self, line: str, *, again: bool = False) -> None:
        """Answer the ten questions of scripts/set_up.sh, which ``line`` starts.

        ``again``: press Enter where the settings files of version 0.2.0 have the answer already.
        """
        ports, passwords = self.world.ports, self.world.passwords

        def asked(*questions: tuple[str, object]) -> list[tuple[str, str]]:
            return [(question, "" if again else str(answer)) for question, answer in questions]

        printed = self.server.type_answering(
            line,
            [
                *asked(("Địa chỉ các trang", f"https://{NAME}")),
                ("Chứng thư (tep", "tep"),
                *asked(
                    ("Tên các nguồn", "khanhhoa"),
                    ("Nguồn khanhhoa là phần mềm gì", "contract"),
                    ("khanhhoa: máy chủ", BRIDGE),
                    ("khanhhoa: cổng mạng", ports["one_stop"]),
                    ("khanhhoa: tên cơ sở dữ liệu", "onestop"),
                    ("khanhhoa: tài khoản", "motcua_reader"),
                    ("khanhhoa: mật khẩu", passwords["one_stop"]),
                ),
                ("khanhhoa: TLS", "disable"),
                # Set-up warns that phone numbers go unencrypted: the database and the mailbox of this proof have no
                # TLS.
                ("Enter để trả lời lại câu này", "g"),
                *asked(
                    ("Tên các cổng", "kannel"),
                    ("Cổng kannel nói giao thức nào", "kannel"),
                    ("kannel: http hay https", "http"),
                    ("kannel: máy chủ", BRIDGE),
                    ("kannel: cổng mạng", ports["kannel"]),
                    ("kannel: tài khoản", "motcua"),
                    ("kannel: mật khẩu", passwords["kannel"]),
                    ("kannel: brandname", "MotcuaSMS"),
                ),
                ("kannel: brandname và các mẫu tin", "Số 12/CV-VNPT"),
                # Kannel's calls come through one of the engine's bridges, so all networks of bridges are allowed.
                ("Địa chỉ mà nhà mạng gọi vào", "172.16.0.0/12 192.168.0.0/16"),
                ("đẩy dữ liệu từ đó", "127.0.0.1/32"),
                *asked(
                    ("Máy chủ thư", BRIDGE),
                    ("Cổng mạng của máy chủ thư", ports["mail"]),
                    ("Mã hóa (starttls", "khong"),
                    ("Tài khoản thư", "motcua"),
                    ("Mật khẩu thư", passwords["mail"]),
                    ("Gửi đi từ địa chỉ", "MotcuaSMS <motcua@example.vn>"),
                ),
                ("Enter để trả lời lại câu này", "g"),
                *asked(
                    ("Địa chỉ thư nhận cảnh báo", OPERATOR),
                    ("Địa chỉ thư của Sở", DEPARTMENT),
                    ("Sở Nội vụ nhận", ""),
                    ("Sở Tư pháp nhận", ""),
                    ("Ủy ban nhân dân tỉnh nhận", ""),
                ),
                ("Tên máy giám sát", "giamsat-02"),
                ("Thư mục, tên máy đến lấy", str(self.copies)),
            ],
        )
        wrong = printed.count("SAI:")
        name = f"set-up{', again' * again}: answers called wrong, because the outside systems have no TLS"
        self.note(name, str(wrong), "2", wrong == 2)

    def _starts(self, block: str) -> str | None:
        begun = time.monotonic()
        self.type(block)
        self.all_healthy("install: services healthy after the first start", begun)
        subjects = until(lambda: self.world.mails(OPERATOR), _PATIENCE, "the watch's first mail")
        life = [each for each in subjects if "Giám sát ngày" in each]
        self.note("install: mails of the watch's first day", str(len(life)), "1", len(life) == 1)
        return block

    def all_healthy(self, name: str, begun: float) -> None:
        """Wait until every service is healthy."""
        until(lambda: not self._unhealthy(), _PATIENCE, "everything is healthy")
        self.note(name, f"{len(LONG_RUNNING)} in {time.monotonic() - begun:.0f} s", f"{len(LONG_RUNNING)}", True)

    def _unhealthy(self) -> dict[str, str]:
        there = self.server.states()
        return {name: there.get(name, "none") for name in LONG_RUNNING if there.get(name, "none") != "running healthy"}

    def _first_account(self, block: str) -> str:
        self.server.type_answering(block, [("Password:", self.password), ("confirmation:", self.password)])
        # The province signed this certificate itself, so the client must be told to trust it.
        trusted = str(self.server.project / "certificates" / "site.pem")
        with requests.Session() as session:
            page = session.get(f"https://{NAME}/motcua/", timeout=60, verify=trusted)
            mark = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
            assert mark, page.text[-2000:]
            form = {"csrf_token": mark[1], "username": "lan", "password": self.password}
            # Send the address of the form's page along, as a browser does.
            shown = session.post(page.url, data=form, headers={"Referer": page.url}, timeout=60, verify=trusted)
        self.note("install: the first account sees", shown.url, "…/motcua/", shown.url.endswith("/motcua/"))
        return block

    def _first_agency(self, block: str) -> None:
        if not (self.server.project / "agencies.yaml").exists():
            text = (ROOT / "docs" / f"{INSTALL}.md").read_text(encoding="utf-8")
            (example,) = re.findall(r"^ *```yaml\n(.*?)^ *```", text, re.M | re.S)
            lines = [line[3:] for line in example.splitlines()]
            (self.server.project / "agencies.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _first_message(self, block: str) -> str:
        before, last = block.rstrip().rsplit("\n", 1)
        self.type(before)
        self.world.result_at_the_desk(DOSSIER, PHONE)
        begun = time.monotonic()
        texts = until(lambda: self.world.shown(PHONE), _PATIENCE, "the first phone rings")
        rang = time.monotonic() - begun
        until(lambda: "đã tới máy" in self.type(last), _PATIENCE, "the ledger says that it was delivered")
        today = datetime.now(VIETNAM)
        if today.month == 12:
            # From December on, the watch alerts until next year's days off are confirmed.
            self.type(
                "docker compose exec -T -e MOTCUA_PERSON=lan airflow-scheduler"
                f" motcua calendar confirm {today.year + 1} --by-decision '1/TB-BNV'"
            )
        self.note(
            "install: first message, desk to phone", f"{len(texts)} text, {rang:.1f} s", "1 text", len(texts) == 1
        )
        return block

    def logs(self) -> None:
        """Check that the containers' logs contain no phone number and no secret."""
        said = self.server.compose("logs", "--no-color")
        numbers = [phone for phone in (PHONE, PHONE_OF_LAST_WEEK) if phone[1:] in said]
        files = [path.read_text(encoding="utf-8") for path in self.server.project.glob("*.env")]
        made = re.findall(r"^[A-Z_]*(?:PASSWORD|SECRET)=(\S{20,})$", "\n".join(files), re.M)
        secrets_found = [word for word in (*made, *self.world.passwords.values()) if word in said]
        self.note("numbers, secrets in all logs", f"{len(numbers)}, {len(secrets_found)} of {len(made)}", "0, 0",
                  bool(made) and not numbers and not secrets_found)  # fmt: skip

    @contextmanager
    def watched_from_outside(self) -> Iterator[None]:
        """Run the watch of another machine, a process beside the engine, with the settings that this server prints."""
        lines = self.type("docker compose exec -T callbacks motcua watch address").splitlines()
        given = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        given["MOTCUA_WATCH_RECIPIENTS"] = ELSEWHERE
        mail = {"conn_type": "smtp", "host": BRIDGE, "port": self.world.ports["mail"], "login": "motcua",
                "password": self.world.passwords["mail"],
                "extra": {"from_email": "giamsat@example.vn", "disable_ssl": True, "disable_tls": True}}  # fmt: skip
        given["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(mail)
        given["MOTCUA_WATCH"] = str(self.world.folder / "giamsat-02")
        # The province signed this certificate itself, so the client must be told to trust it.
        given["REQUESTS_CA_BUNDLE"] = str(self.server.project / "certificates" / "site.pem")
        motcua = str(Path(sys.executable).with_name("motcua"))
        log = self.world.folder / "giamsat-02.log"
        with Part("watch outside", [motcua, "watch", "outside"], log, environment={**os.environ, **given}):
            until(lambda: self.world.mails(ELSEWHERE), _PATIENCE, "the other machine's first mail")
            yield

    # --- At rest

    def at_rest(self) -> None:
        """Record the memory that all containers use when nothing happens, and the sum of their memory limits."""
        time.sleep(60)
        printed = self.server.engine.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").stdout
        taken = {line.split()[0]: _mib(line.split()[1]) for line in printed.splitlines()}
        limits = sum(_mib(service["mem_limit"]) for service in SERVICES.values())
        self.note(f"MiB at rest, {len(taken)} containers", f"{sum(taken.values()):.0f}", f"{_MEMORY}",
                  sum(taken.values()) <= _MEMORY)  # fmt: skip
        self.note("MiB that all containers may use", f"{limits:.0f}", "6144", limits <= 6144)
        for name, size in sorted(taken.items(), key=lambda each: -each[1])[:4]:
            self.note(f"MiB at rest of {name}", f"{size:.0f} MiB", "-", True)

    def rebuild(self) -> None:
        """Rebuild the unchanged images, as an unsure administrator might; no service may be recreated."""
        before = self.server.containers()
        self.type("docker compose build\ndocker compose up --detach")
        anew = self.server.containers().keys() - before.keys()
        self.note("idle rebuild: services recreated", str(len(anew)), "0", not anew)

    # --- Failures

    def reboot(self) -> None:
        """Follow the page about a reboot while messages are sent; afterwards, cut the power without any warning."""
        phones = self.world.many(WHILE_SENDING)
        until(lambda: self._count_rung(phones) >= WHILE_SENDING // 8, _PATIENCE, "some of them rang")

        def again(block: str) -> str | None:
            if "sudo reboot" not in block:
                return None
            rung = self._count_rung(phones)
            seconds = self.server.engine.stop()
            more = self._count_rung(phones) - rung
            said = f"{rung}, {more} of {len(phones)} in {seconds:.0f} s"
            self.note("reboot: phones texted before and while the engine stopped", said, "within 90 s", True)
            begun = time.monotonic()
            self.server.engine.start()
            self.all_healthy("reboot: services healthy", begun)
            until(self._is_calm, _PATIENCE, "the watch has no open alert")
            return block

        self.follow(REBOOT, dict.fromkeys(titles(REBOOT, SECTION), again))
        self._everybody_once("reboot", phones)
        after = self.world.many(20)
        until(lambda: self._count_rung(after) >= 3, _PATIENCE, "some of them rang")
        mails_before = len(self.world.mails(ELSEWHERE))
        begun = time.monotonic()
        self.server.engine.lose_power()
        until(
            lambda: len(self.world.mails(ELSEWHERE)) > mails_before,
            _PATIENCE,
            "the other machine reports that the host is gone",
        )
        gone = time.monotonic() - begun
        self.note("power cut: reported by the other machine", f"after {gone:.0f} s", "300 s", gone <= 300)
        begun = time.monotonic()
        self.server.engine.start()
        self.all_healthy("power cut: services healthy", begun)
        self._everybody_once("power cut", after, unknown_may_be=True)

    def _count_rung(self, phones: Sequence[str]) -> int:
        return sum(bool(self.world.shown(phone)) for phone in phones)

    def all_ring(self, phones: Sequence[str], what: str) -> None:
        """Wait until each phone got a text.

        Raises:
            AssertionError: a phone got none in time; the error names the states of all messages and the open gaps.
        """
        try:
            until(lambda: self._count_rung(phones) == len(phones), _PATIENCE, what)
        except AssertionError as late:
            states = self.server.rows(
                "SELECT concat_ws(' ', state, reason, count(*)) FROM motcua.messages GROUP BY state, reason ORDER BY 1"
            )
            gaps = self.server.rows("SELECT kind FROM motcua.gaps WHERE closed_at IS NULL")
            words = ", ".join(row[0] for row in (*states, *gaps))
            raise AssertionError(f"{late}; {self._count_rung(phones)} of {len(phones)} rang; {words}") from late

    def _everybody_once(self, what: str, phones: Sequence[str], *, unknown_may_be: bool = False) -> None:
        def unknown() -> int:
            codes = ", ".join(f"'N-{phone}'" for phone in phones)
            return int(
                self.server.rows(
                    "SELECT count(*) FROM motcua.messages JOIN motcua.dossiers USING (dossier_id)"
                    f" WHERE state = 'unknown' AND dossier_code IN ({codes})"
                )[0][0]
            )

        until(
            lambda: self._count_rung(phones) + unknown() * unknown_may_be >= len(phones), _PATIENCE, f"{what}: all rang"
        )
        twice = sum(len(self.world.shown(phone)) > 1 for phone in phones)
        never = len(phones) - self._count_rung(phones)
        self.note(f"{what}: phones texted twice", str(twice), "0", twice == 0)
        is_right = never <= unknown() and (unknown_may_be or not unknown())
        must = "0, 0; after a power cut, no more phones than unknown messages"
        self.note(f"{what}: phones not texted, messages unknown", f"{never}, {unknown()}", must, is_right)

    def _is_calm(self) -> bool:
        # Exit code 1 means open alerts; any other failure means that the watch could not answer, and the command fails.
        said = self.server.type("docker compose exec -T watch motcua alerts || { test $? = 1 && echo open; }")
        return said.splitlines()[-1] != "open"

    def silences(self) -> None:
        """Kill and freeze each container in turn; each time, let a dossier's result become ready.

        The citizen's phone must get the text in time, or an alert must be mailed in time.
        """
        for name in LONG_RUNNING:
            for how, again in (("pause", "unpause"), ("kill", "")):
                self._silence_container(name, how, again)
        self.note("silences: phones texted twice", str(self.twice()), "0", self.twice() == 0)

    def _silence_container(self, name: str, how: str, again: str) -> None:
        before = len(self.world.mails(OPERATOR))
        container = f"motcua-{name}-1"
        self.server.engine.docker(how, container)
        (phone,) = self.world.many(1)
        begun = time.monotonic()

        def noticed() -> bool:
            return bool(self.world.shown(phone)) or len(self.world.mails(OPERATOR)) > before

        while not noticed() and time.monotonic() - begun < TOLD_WITHIN:
            time.sleep(0.5)
        seconds, rang = time.monotonic() - begun, bool(self.world.shown(phone))
        # The server cannot mail an alert while its watch or its database is gone. Then the watch on the other machine
        # mails an alert.
        ok = noticed() or name in ("watch", "postgres")
        result = "rang" if rang else "reported" if noticed() else "silent"
        self.note(f"{name}, {how}", f"{result} after {seconds:.0f} s", f"{TOLD_WITHIN:.0f} s", ok)
        if again:
            self.server.engine.docker(again, container)
        else:
            self.server.type("docker compose up --detach")
        until(lambda: self.world.shown(phone), _PATIENCE, f"{name} {how}: it rings after all")
        until(lambda: not self._unhealthy(), _PATIENCE, "everything is healthy")

    def twice(self) -> int:
        """Return how many phones got more than one text."""
        return sum(len(self.world.shown(f"0905{number:06}")) > 1 for number in range(1, self.world.moved + 1))

    # --- On several machines

    def workers(self) -> None:
        """Let a worker on a second machine send messages.

        The second machine is another Compose project on this engine; the commands come from docs/operations/server.md.
        """
        shared = self.world.folder / "shared"
        names: dict[str, str | Path] = {"MAIN": BRIDGE, "SHARED": shared}
        second = Server(self.server.engine, self.world.folder / "second" / "motcua-2")
        override = "COMPOSE_FILE=docker-compose.yaml:docker-compose.workers.yaml"
        for number, blocks in steps("operations/server", "Workers on several machines").items():
            if number == 3:
                second.clone()
                for file in self.server.project.glob("*.env"):
                    shutil.copy(file, second.project)
            server = second if number == 3 else self.server
            for block in blocks:
                named = block.replace(override, f"{override}:docker-compose.override.yaml")
                server.type(named, **names, COMPOSE_PROJECT_NAME="motcua-2" if number == 3 else "motcua")
            if number == 2:
                self.all_healthy("workers: services healthy", time.monotonic())
        # The first machine's own worker is stopped, so that only the second machine can send.
        self.server.type("docker compose stop airflow-worker")
        phones = self.world.many(20)
        self.all_ring(phones, "the worker on the second machine sends")
        self.note("workers: sent by the second machine alone", str(len(phones)), "20", True)
        self.server.engine.docker("rm", "--force", "motcua-2-airflow-worker-1")
        self.server.type("docker compose up --detach")

    # --- Restoring

    def restore(self) -> None:
        """Destroy the server after its backup, and follow the page about the restore on an empty machine."""
        self.type("docker compose exec -T backup motcua backup")
        since = self.world.many(20)
        self.all_ring(since, "texts after the backup")
        self.type(
            "docker compose run --rm -T --no-deps airflow-worker tar -c -C /opt/motcua/.data/journal . > journal.tar"
        )
        journal = self.world.folder / "journal.tar"
        shutil.move(self.server.project / "journal.tar", journal)
        for name in ("docker-compose.override.yaml", "certificates"):
            _copy(self.server.project / name, self.world.safe / name)
        self.server.compose("down", "--volumes", "--timeout", "0")
        shutil.rmtree(self.server.project)
        # The page first asks to install the same version on the empty machine.
        self.server.clone()
        (self.server.project / "docker-compose.override.yaml").unlink()
        meanwhile = self.world.many(5)
        shutil.copy(journal, self.server.project / "journal.tar")
        begun = time.monotonic()
        kept, copies = self.copies, self.world.folder / "copies"
        shutil.copytree(kept, copies)
        shutil.rmtree(kept)

        def last(block: str) -> str | None:
            if "$COPIES" in block:
                # The page shows the folder "backups". If the setting BACKUPS names another folder, type that folder.
                self.type(block.replace(" backups", f" {kept}"))
                return block
            if "gaps list" in block:
                self.all_ring(meanwhile, "texts that were still due")
                self.all_healthy("restore: services healthy", begun)
                until(self._is_calm, _PATIENCE, "the watch has no open alert")
            return None

        self.copies = copies
        self.follow(RESTORE, dict.fromkeys(titles(RESTORE, SECTION), last))
        self.copies = kept
        self.note("restore: phones texted twice", str(self.twice()), "0", self.twice() == 0)
        self.note(
            "restore: phones never texted",
            str(len(meanwhile) - self._count_rung(meanwhile)),
            "0",
            self._count_rung(meanwhile) == 5,
        )


def _mib(size: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", size).groups()  # type: ignore[union-attr]
    return float(number) * {"b": 2**-20, "k": 2**-10, "m": 1, "g": 1024}[(unit or "b")[0].lower()]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def _create_folder(folder: Path) -> None:
    """Create an empty folder that belongs to the services' user."""
    folder.mkdir(mode=0o700)
    shutil.chown(folder, 50000, 50000)


# --- Upgrade from 0.2.0 ----------------------------------------------------------------------------------------------

_OVERRIDE_OF_0_2_0 = """services:
  postgres: {image: local/postgres}
  redis: {image: local/redis}
  init: {build: {context: ., args: {PYTHON_IMAGE: local/python}}}
""" + "".join(
    f"  {name}: {{build: !reset null}}\n" for name in LONG_RUNNING if name not in ("postgres", "redis", "proxy")
)


def upgrade(engine: Engine, world: Outside, copies: Path, found: list[Figure]) -> None:
    """Let a server of version 0.2.0 send messages, and then follow the page about the upgrade."""
    server = Server(engine, world.folder / "older" / "motcua")
    server.clone(OF_0_2_0)
    (server.project / "docker-compose.override.yaml").write_text(_OVERRIDE_OF_0_2_0, encoding="utf-8")
    lan = Administrator(server, world, copies, found)
    _fill_in_0_2_0(server, world)
    server.type("docker compose build init\ndocker compose up --detach")
    of_0_2_0 = [name for name in LONG_RUNNING if name != "proxy"]
    until(
        lambda: all(server.states().get(name) == "running healthy" for name in of_0_2_0), _PATIENCE, "0.2.0 is healthy"
    )
    lan._first_agency("")
    server.type(
        "docker compose exec -T -e MOTCUA_PERSON=lan airflow-scheduler motcua texts register kannel --all\n"
        "docker compose exec -T -e MOTCUA_PERSON=lan airflow-scheduler motcua agencies import - --enable-now"
        " < agencies.yaml"
    )
    before = world.many(20)
    lan.all_ring(before, "0.2.0 sends the texts")
    messages = server.rows("SELECT count(*) FROM motcua.messages")[0][0]

    def follow(block: str) -> str | None:
        if "git pull" in block:
            # For lack of a registry, an override file names local images. An operator has no override file. The
            # override file of 0.2.0 is removed here, and that of the new version is written after the pull.
            (server.project / "docker-compose.override.yaml").unlink()
            server.type(block)
            server.name_stand_ins()
            return block
        if "set_up.sh" in block:
            before_it, line = block.rstrip().rpartition("\n")[::2]
            lan.type(before_it or "true")
            lan.set_up(line, again=True)
            return block
        if "doctor.sh" in block:
            # The doctor rightly fails here: the systems outside the server have no TLS, so phone numbers go
            # unencrypted.
            lan.type(block.replace("scripts/doctor.sh", "scripts/doctor.sh || true"))
            return block
        if "up --detach" in block:
            lan.type(block)
            meanwhile.extend(world.many(5))
            lan.all_healthy("upgrade: services healthy", time.monotonic())
            return block
        return None

    meanwhile: list[str] = []
    certificate(server.project, NAME)
    lan.follow(UPGRADE, dict.fromkeys(titles(UPGRADE, SECTION), follow))
    lan.all_ring(meanwhile, "texts of the meantime")
    kept = server.rows("SELECT count(*) FROM motcua.messages")[0][0]
    lan.note("upgrade from 0.2.0: messages before, after", f"{messages}, {kept}", "none lost",
             int(kept) >= int(messages))  # fmt: skip
    lan.note("upgrade from 0.2.0: phones texted twice", str(lan.twice()), "0", lan.twice() == 0)


def _fill_in_0_2_0(server: Server, world: Outside) -> None:
    """Write the settings files of an installation of version 0.2.0, as the handbook of 0.2.0 describes them."""
    text = (server.project / ".env.example").read_text(encoding="utf-8")
    empty = r"^([A-Z_]*(?:PASSWORD|SECRET|SECRET_KEY))=$"
    env = re.sub(empty, lambda found: f"{found[1]}={secrets.token_urlsafe(48)}", text, flags=re.M)
    fernet = secrets.token_urlsafe(32) + "="
    key = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    for name, value in (
        ("AIRFLOW_FERNET_KEY", fernet),
        ("BACKUP_RECIPIENTS", key),
        ("UI_URL", f"https://{NAME}"),
        ("UI_LISTEN", "127.0.0.1:18080"),
        ("CALLBACKS_LISTEN", "127.0.0.1:18081"),
        ("INTAKE_LISTEN", "127.0.0.1:18082"),
    ):
        env = re.sub(rf"^{name}=.*$", f"{name}={value}", env, flags=re.M)

    def there(name: str, login: str = "motcua") -> dict[str, object]:
        password = world.passwords[name]
        return {"host": BRIDGE, "port": world.ports[name], "login": login, "password": password}

    word = secrets.token_hex(20)
    mail = {"conn_type": "smtp", **there("mail"),
            "extra": {"from_email": "motcua@example.vn", "disable_ssl": True, "disable_tls": True}}  # fmt: skip
    source = {"conn_type": "postgres", **there("one_stop", "motcua_reader"),
              "schema": "onestop", "extra": {"connect_timeout": 5}}  # fmt: skip
    gateway = {"conn_type": "http", "schema": "http", **there("kannel"),
               "extra": {"adapter": "kannel", "sender": "MotcuaSMS", "callback_secret": word,
                         "callback_url": f"https://{NAME}/gateway/receipts/kannel"}}  # fmt: skip
    shown = {"conn_type": "http", "host": BRIDGE, "extra": {"adapter": "kannel", "callback_secret": word}}
    files = {
        ".env": env,
        "settings.env": "MOTCUA_SOURCES=khanhhoa=contract\nMOTCUA_GATEWAYS=kannel\n"
        f"MOTCUA_DEPARTMENT_RECIPIENTS={DEPARTMENT}\n",
        "mail.env": f"AIRFLOW_CONN_SMTP_DEFAULT='{json.dumps(mail)}'\nMOTCUA_WATCH_RECIPIENTS={OPERATOR}\n",
        "sources.env": f"AIRFLOW_CONN_ONESTOP_KHANHHOA='{json.dumps(source)}'\n",
        "gateways.env": f"AIRFLOW_CONN_SMS_KANNEL='{json.dumps(gateway)}'\n",
        "callbacks.env": f"AIRFLOW_CONN_SMS_KANNEL='{json.dumps(shown)}'\n",
    }
    for name, content in files.items():
        (server.project / name).write_text(content, encoding="utf-8")
    server.type("sudo install -d -m 700 -o 50000 -g 50000 backups statements files")


@contextmanager
def _figure_of_failure(found: list[Figure], whole: str) -> Iterator[None]:
    """Run a part of the proof; add a failing row if a command of the handbook fails or lacks its promised result."""
    try:
        yield
    except AssertionError as failure:
        traceback.print_exc()
        line = str(failure).partition("\n")[0]
        found.append(Figure(whole, f"broke off: {line}", "comes to its end", False))


def figures(seed: int, into: str = "") -> list[Figure]:
    """Follow all pages and return the rows; a failing row names the line of the handbook that failed.

    ``into``: a folder in which the engine's images are stored for the next run.
    """
    if why := why_none():
        return [Figure("the handbook on a real engine: not proven here", why, "-", True)]
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="motcua-install-"))
    folder.chmod(0o711)
    copies = Path("/dev/shm") / folder.name
    _create_folder(copies)
    engine = Engine(Path(into) if into else folder / "engine")
    found: list[Figure] = []
    try:
        engine.start()
        # Remove what an interrupted run has left.
        engine.clear()
        engine.make_stand_ins()
        with outside(folder / "outside") as world:
            lan = Administrator(Server(engine, folder / "server" / "motcua"), world, copies, found)
            with _figure_of_failure(found, "the server of this version"):
                lan.server.clone()
                lan.install()
                lan.at_rest()
                lan.rebuild()
                lan.logs()
                with lan.watched_from_outside():
                    lan.reboot()
                    lan.silences()
                    lan.restore()
                    lan.workers()
            engine.clear()
            with _figure_of_failure(found, "the server of 0.2.0"):
                upgrade(engine, world, copies, found)
    finally:
        engine.end(keep=bool(into))
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(copies, ignore_errors=True)
    minutes = (time.monotonic() - begun) / 60
    found.append(Figure("minutes", f"{minutes:.0f}", "90", minutes <= 90))
    return found
