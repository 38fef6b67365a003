"""Provide test doubles of a province's systems, and of a person who answers the questions of ``motcua set-up``.

The systems are a one-stop database, an SMS gateway and a mail server. The module also makes certificates.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from dotenv import dotenv_values

from motcua.jobs.doctor.examining import FILES
from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.ledger.environment import GivenConnection, read_connection
from tests.compose.project import ROOT
from tests.ground import CONTRACT_TABLES, Server, database, type_command
from tests.integration.quality.test_mailing_quality import MailServer

HOST = "motcua.khanhhoa.gov.vn"
READER, WRONG = "motcua_reader_of_set_up", "mat-khau-sai"


def bare(folder: Path) -> Path:
    """Make a folder with the program's example files and none of a province's own files; return the folder."""
    folder.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copy(ROOT / f"{file}.example", folder)
    return folder


def written(folder: Path, file: str, name: str) -> str:
    """Return the value of a variable in a file, or an empty text."""
    return dotenv_values(folder / file, interpolate=False).get(name) or ""


def connection(folder: Path, file: str, name: str) -> GivenConnection:
    """Return a connection that an env file defines."""
    given = read_connection(written(folder, file, f"AIRFLOW_CONN_{name.upper()}"))
    assert given is not None, (file, name)
    return given


class Mailbox(MailServer):
    """A mail server that requires the given log-in."""

    def __init__(self, login: str, password: str) -> None:
        self._wanted = LoginPassword(login.encode(), password.encode())
        super().__init__(authenticator=self._check_login, auth_required=True, auth_require_tls=False)

    def _check_login(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: object) -> AuthResult:
        return AuthResult(success=given == self._wanted, handled=False)


@dataclass
class Province:
    """The running test doubles of a province's systems, with the systems' passwords."""

    source: Mapping[str, str]
    smsbox: ScriptedGateway
    mails: Mailbox
    passwords: Mapping[str, str] = field(default_factory=dict)
    empty: str = ""
    """Name of an empty database on the source's server."""


@contextmanager
def one_stop(server: Server, password: str, tables: str = CONTRACT_TABLES) -> Iterator[dict[str, str]]:
    """Make a one-stop database and a role that may only read it; yield host, port, database and login."""
    name = "onestop_of_set_up"
    role = f"{READER}"
    with database(server.admin_dsn, name) as dsn:
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute(tables.encode())
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())
            admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'".encode())
            admin.execute(f"GRANT USAGE ON SCHEMA onestop TO {role}".encode())
            admin.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA onestop TO {role}".encode())
            host, port = admin.info.host, admin.info.port
        try:
            yield {"host": host, "port": str(port), "database": name, "login": role}
        finally:
            with psycopg.connect(dsn, autocommit=True) as admin:
                admin.execute(f"DROP OWNED BY {role}".encode())
                admin.execute(f"DROP ROLE {role}".encode())


# --- Certificates -----------------------------------------------------------------------------------------------------


def certificate(
    folder: Path,
    *names: str,
    begins: timedelta = timedelta(days=-30),
    ends: timedelta = timedelta(days=300),
    key_of_another: bool = False,
    password: bytes | None = None,
) -> None:
    """Write a self-signed certificate and its key to the folder where the proxy expects them."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    begun = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
    if names:
        begun = begun.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    place = folder / "certificates"
    place.mkdir(exist_ok=True)
    (place / "site.pem").write_bytes(begun.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    closed = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    kept = ec.generate_private_key(ec.SECP256R1()) if key_of_another else key
    as_pem = kept.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, closed)
    (place / "site.key").write_bytes(as_pem)


# --- Answers of a person ----------------------------------------------------------------------------------------------


def answer(folder: Path, *lines: str, question: str = "", exits: int = 0) -> str:
    """Answer set-up's questions by lines on standard input, without a terminal; return set-up's output."""
    words = ["set-up", folder, *([question] if question else [])]
    return type_command(*words, input="".join(f"{each}\n" for each in lines), exits=exits).output


class Person:
    """A person at a terminal who runs set-up, reads its output and types answers."""

    def __init__(self, folder: Path, *words: str) -> None:
        keyboard, screen = pty.openpty()

        def at_terminal() -> None:
            # Ctrl-C and password prompts need a terminal that controls the process.
            os.setsid()
            # If the tests run in the background, they may ignore SIGINT, and this process would ignore SIGINT too.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self._keyboard = keyboard
        self.seen = ""
        self._read = 0
        motcua = str(Path(sys.executable).with_name("motcua"))
        self._process = subprocess.Popen(
            [motcua, "set-up", str(folder), *words],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            preexec_fn=at_terminal,
            env={**os.environ, "TERM": "dumb", "COLUMNS": "200"},
        )
        os.close(screen)

    def _read_more(self, until: float) -> bool:
        if not select.select([self._keyboard], [], [], max(0.0, until - time.monotonic()))[0]:
            raise AssertionError(f"set-up printed nothing more after: …{self.seen[-2000:]}")
        try:
            said = os.read(self._keyboard, 65536)
        except OSError:
            # Reading fails when the process has ended.
            return False
        self.seen += said.decode(errors="replace")
        return bool(said)

    def hears(self, words: str, within: float = 60) -> None:
        """Wait until set-up prints these words. Search only the output after the words that the last call found."""
        until = time.monotonic() + within
        while (found := self.seen.find(words, self._read)) < 0:
            assert self._read_more(until), f"set-up did not print {words!r}: …{self.seen[-2000:]}"
        self._read = found + len(words)

    def types(self, words: str) -> None:
        """Type a line."""
        os.write(self._keyboard, f"{words}\n".encode())

    def answers(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Type each answer when its question has been printed completely.

        The terminal discards text that is typed before a password prompt.
        """
        for words, said in pairs:
            self._hears_question(words)
            self.types(said)

    def presses_ctrl_c_at(self, words: str) -> None:
        """Press Ctrl-C when the question with these words is printed completely, and again if set-up does not end.

        A signal that comes while Python is about to wait for the answer has an effect only after the next key.
        """
        self._hears_question(words)
        for _ in range(3):
            os.write(self._keyboard, b"\x03")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
                return

    def _hears_question(self, words: str) -> None:
        self.hears(words)
        until = time.monotonic() + 60
        while not self.seen.endswith(": "):
            assert self._read_more(until), f"no prompt followed {words!r}: …{self.seen[-2000:]}"
        self._read = len(self.seen)

    def leaves(self, within: float = 60) -> int:
        """Wait until set-up ends; return its exit code."""
        until = time.monotonic() + within
        while self._read_more(until):
            pass
        os.close(self._keyboard)
        return self._process.wait(max(1.0, until - time.monotonic()))

    def gives_up(self) -> None:
        """Kill set-up if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def without_colours(output: str) -> str:
    """Return terminal output without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output)
