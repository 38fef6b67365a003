"""What a province has around a bare server: one-stop database, gateway, mailbox, certificates; and whoever types."""

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
from contextlib import contextmanager
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
    """A folder with what the program comes with, and no file of a province's."""
    folder.mkdir(exist_ok=True)
    for file in FILES:
        shutil.copy(ROOT / f"{file}.example", folder)
    return folder


def written(folder: Path, file: str, name: str) -> str:
    """What a variable of a file says."""
    return dotenv_values(folder / file, interpolate=False).get(name) or ""


def connection(folder: Path, file: str, name: str) -> GivenConnection:
    """A connection of a file."""
    given = read_connection(written(folder, file, f"AIRFLOW_CONN_{name.upper()}"))
    assert given is not None, (file, name)
    return given


class Mailbox(MailServer):
    """Asks for a log-in."""

    def __init__(self, login: str, password: str) -> None:
        self._wanted = LoginPassword(login.encode(), password.encode())
        super().__init__(authenticator=self._knows, auth_required=True, auth_require_tls=False)

    def _knows(self, _: SMTP, __: Session, ___: Envelope, ____: str, given: object) -> AuthResult:
        return AuthResult(success=given == self._wanted, handled=False)


@dataclass
class Province:
    """Everything that answers."""

    source: Mapping[str, str]
    smsbox: ScriptedGateway
    mails: Mailbox
    passwords: Mapping[str, str] = field(default_factory=dict)
    empty: str = ""
    """A database of the same server in which nothing is."""


@contextmanager
def one_stop(server: Server, password: str, tables: str = CONTRACT_TABLES) -> Iterator[dict[str, str]]:
    """A one-stop database on a real server, with a role that may only read."""
    name = f"onestop_of_set_up{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    role = f"{READER}{os.environ.get('PYTEST_XDIST_WORKER', '')}"
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
    """Puts a certificate and its key where the proxy looks for them."""
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


# --- Whoever types ----------------------------------------------------------------------------------------------------


def answer(folder: Path, *lines: str, question: str = "", exits: int = 0) -> str:
    """Answers by lines, as where there is no terminal; what was said."""
    words = ["set-up", folder, *([question] if question else [])]
    return type_command(*words, input="".join(f"{each}\n" for each in lines), exits=exits).output


class Person:
    """Somebody before a terminal, who reads what is said and types."""

    def __init__(self, folder: Path, *words: str) -> None:
        keyboard, screen = pty.openpty()

        def at_terminal() -> None:
            # Ctrl-C and questions for passwords need a terminal that is the process's own.
            os.setsid()
            # Whoever runs the tests in the background may have it ignored.
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

    def _more(self, until: float) -> bool:
        if not select.select([self._keyboard], [], [], max(0.0, until - time.monotonic()))[0]:
            raise AssertionError(f"nothing more was said after: …{self.seen[-2000:]}")
        try:
            said = os.read(self._keyboard, 65536)
        except OSError:
            # Whoever spoke has gone.
            return False
        self.seen += said.decode(errors="replace")
        return bool(said)

    def hears(self, words: str, within: float = 60) -> None:
        """Waits until something was said since what was heard last."""
        until = time.monotonic() + within
        while (found := self.seen.find(words, self._read)) < 0:
            assert self._more(until), f"{words!r} was not said: …{self.seen[-2000:]}"
        self._read = found + len(words)

    def types(self, words: str) -> None:
        """Types a line."""
        os.write(self._keyboard, f"{words}\n".encode())

    def answers(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Types each answer when its question was heard, to its end: what is typed before a password is asked for is
        thrown away."""
        for words, said in pairs:
            self.hears(words)
            until = time.monotonic() + 60
            while not self.seen.endswith(": "):
                assert self._more(until), f"nobody asked after {words!r}: …{self.seen[-2000:]}"
            self._read = len(self.seen)
            self.types(said)

    def presses_ctrl_c(self) -> None:
        """As it says."""
        os.write(self._keyboard, b"\x03")

    def leaves(self, within: float = 60) -> int:
        """Waits until it is over; its exit code, and nothing of it is left."""
        until = time.monotonic() + within
        while self._more(until):
            pass
        os.close(self._keyboard)
        return self._process.wait(max(1.0, until - time.monotonic()))

    def gives_up(self) -> None:
        """Ends it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def without_colours(told: str) -> str:
    """What a terminal shows, as text."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
