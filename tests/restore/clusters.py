"""Run PostgreSQL servers and copies of them: an archive of the write-ahead log, base backups, a synchronous standby.

Real servers on the loopback interface are used as docs/operations/restore.md asks an operator to use them::

    with start_archiving(folder / "primary", archive) as primary:
        base_backup(primary, folder / "base")
        with start_standby(primary, folder / "standby", "beside") as standby:
            wait_for_standby(primary, "beside")      # commits wait for it from here on
            primary.kill()                           # as when the machine is gone
            promote(standby)                         # standby.admin_dsn writes now
    with recover(folder / "base", folder / "recovered", archive, moment) as recovered: ...

A copy has the roles, passwords and databases of the primary: ``copy.dsn("motcua")`` names the same database there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from motcua.sandbox.machine.parts import Part
from motcua.sandbox.machine.postgres import EmbeddedPostgres, binaries
from motcua.store.ledger.provisioning import with_database
from tests.ground import free_port, until

_PATIENCE = 60.0
"""Longest time that a wait in this module may take, in seconds."""


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server that runs until its context ends, or until ``stop``, ``quit`` or ``kill`` is called."""

    server: EmbeddedPostgres
    part: Part

    @property
    def admin_dsn(self) -> str:
        """Return the administrator's DSN of the database ``postgres``."""
        return self.server.admin_dsn

    def dsn(self, database: str) -> str:
        """Return the administrator's DSN of a database."""
        return with_database(self.server.admin_dsn, database)

    def ask(self, statement: str, *parameters: object, database: str = "postgres") -> Any:
        """Run an SQL statement, commit it, and return the first value of its first row, or ``None`` without a row."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            # psycopg's types accept only literal strings or bytes. These statements come from tests, so they are safe.
            cursor = connection.execute(statement.encode(), parameters or None)
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else row[0]

    def stop(self) -> None:
        """End the server cleanly, with all its data on disk and, if the server has an archive, in the archive."""
        self.part.stop()

    def quit(self) -> None:
        """End the server at once, without a checkpoint."""
        assert self.part.process is not None
        self.part.process.send_signal(signal.SIGQUIT)
        self.part.wait()

    def kill(self) -> None:
        """Kill all processes of the server at once, as a loss of power would."""
        self.part.kill()


@contextmanager
def _running(server: EmbeddedPostgres) -> Iterator[Cluster]:
    with server.part(server.folder / "log") as part:
        yield Cluster(server, part)


@contextmanager
def start_archiving(folder: Path, archive: Path) -> Iterator[Cluster]:
    """Run a new server below ``folder`` that copies each finished segment of its write-ahead log into ``archive``.

    ``archive_all`` finishes the segment that is being written.
    """
    server = EmbeddedPostgres(folder, free_port())
    server.set_up()
    archive.mkdir(parents=True, exist_ok=True)
    # The server may run as another user than this process.
    shutil.chown(archive, *_owner(server.data))
    # The command overwrites no existing file. It renames a copy only when the copy is complete, so an interrupted copy
    # never looks complete.
    copy = f"test ! -f {_quoted(archive)}/%f && cp %p {_quoted(archive)}/%f.part && mv {_quoted(archive)}/%f.part"
    _configure(
        server,
        f"""
        wal_level = replica
        max_wal_senders = 5
        archive_mode = on
        archive_command = '{copy} {_quoted(archive)}/%f'
        """,
    )
    with _running(server) as cluster:
        yield cluster


def archive_all(primary: Cluster) -> None:
    """Wait until the write-ahead log of all that was written so far is in the archive."""
    segment = primary.ask("SELECT pg_walfile_name(pg_switch_wal())")
    until(
        lambda: (primary.ask("SELECT last_archived_wal FROM pg_stat_archiver") or "") >= segment,
        _PATIENCE,
        "the archive",
    )


def base_backup(primary: Cluster, folder: Path) -> None:
    """Copy the whole server into ``folder``/data while it runs; ``recover`` starts from this copy."""
    _base_backup(primary.server, folder)


@contextmanager
def recover(base: Path, folder: Path, archive: Path, moment: datetime | None = None) -> Iterator[Cluster]:
    """Run a new server below ``folder`` from a base backup and the archived changes after it, up to ``moment``.

    Without a moment the server replays the whole archive. The moment must be later than the end of the base backup. The
    server accepts writes as soon as it is yielded.
    """
    server = EmbeddedPostgres(folder, free_port())
    folder.mkdir(parents=True)
    shutil.copy2(base / "admin-password", server.password_file)
    os.chown(folder, *_owner(base / "data"))
    _as_server(server, ["cp", "-a", str(base / "data"), str(server.data)], owned_folder=folder)
    target = f"recovery_target_time = '{moment.isoformat()}'\nrecovery_target_action = promote" if moment else ""
    _configure(server, f"archive_mode = off\nrestore_command = 'cp {_quoted(archive)}/%f %p'\n{target}")
    (server.data / "recovery.signal").touch()
    os.chown(server.data / "recovery.signal", *_owner(server.data))
    with _running(server) as cluster:
        until(lambda: not cluster.ask("SELECT pg_is_in_recovery()"), _PATIENCE, "the end of the recovery")
        yield cluster


@contextmanager
def start_standby(primary: Cluster, folder: Path, name: str) -> Iterator[Cluster]:
    """Run a standby below ``folder`` that follows the primary under the name ``name`` and answers queries."""
    server = EmbeddedPostgres(folder, free_port())
    # With a replication slot the primary keeps its write-ahead log for the standby, even while the standby is off.
    _base_backup(
        primary.server, folder, "--create-slot", f"--slot={name}", "--write-recovery-conf", application_name=name
    )
    _configure(server, "archive_mode = off")
    with _running(server) as cluster:
        yield cluster


def wait_for_standby(primary: Cluster, name: str, commit: str = "on") -> None:
    """Let each commit at the primary wait for the standby of this name; return when the standby has caught up.

    ``commit`` is ``synchronous_commit``: ``on`` waits until the standby has written the commit, ``remote_apply`` until
    readers of the standby see it.
    """
    settings = {"synchronous_standby_names": f'ANY 1 ("{name}")', "synchronous_commit": commit}
    for setting, value in settings.items():
        primary.ask(f"ALTER SYSTEM SET {setting} = '{value}'")
    primary.ask("SELECT pg_reload_conf()")
    state = "SELECT sync_state FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
    until(lambda: primary.ask(state, name) in ("quorum", "sync"), _PATIENCE, "the standby")


def do_without_standby(primary: Cluster) -> None:
    """Let commits no longer wait for a standby, as an operator decides when the standby is off for long."""
    primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
    primary.ask("SELECT pg_reload_conf()")


def promote(standby: Cluster) -> None:
    """Promote the standby, and return when it accepts writes. The caller must have ended the old primary."""
    if not standby.ask("SELECT pg_promote(wait := TRUE, wait_seconds := %s)", int(_PATIENCE)):
        raise TimeoutError("The standby was not promoted.")


def _base_backup(server: EmbeddedPostgres, folder: Path, *options: str, **connection: str) -> None:
    folder.mkdir(parents=True)
    shutil.copy2(server.password_file, folder / "admin-password")
    address = make_conninfo(**_address(server.admin_dsn) | connection)
    _as_server(
        server,
        [
            str(binaries() / "pg_basebackup"),
            *("--dbname", address, "--pgdata", str(folder / "data"), "--checkpoint=fast", "--wal-method=stream"),
            *options,
        ],
        owned_folder=folder,
    )


def _address(dsn: str) -> dict[str, Any]:
    return {name: value for name, value in conninfo_to_dict(dsn).items() if name != "dbname"}


def _as_server(server: EmbeddedPostgres, command: list[str], owned_folder: Path) -> None:
    """Run a command as the user who owns the server's files."""
    shutil.chown(owned_folder, *_owner(server.data if server.data.exists() else owned_folder))
    subprocess.run(command, preexec_fn=server.drop_privileges(), cwd="/", check=True, capture_output=True, timeout=300)


def _owner(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_uid, facts.st_gid


def _configure(server: EmbeddedPostgres, lines: str) -> None:
    """Add lines to the configuration file that the server reads last, as ALTER SYSTEM does."""
    file = server.data / "postgresql.auto.conf"
    with file.open("a", encoding="utf-8") as configuration:
        configuration.write("\n".join(line.strip() for line in lines.splitlines()) + "\n")


def _quoted(path: Path) -> str:
    # The path is written within a quoted value of the configuration file, so quotes are doubled.
    return shlex.quote(str(path)).replace("'", "''")
