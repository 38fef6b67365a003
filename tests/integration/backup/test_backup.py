"""Test backups of a real ledger: each is complete or absent, unreadable without the key, and restored unchanged."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from hashlib import sha256
from itertools import count, product
from pathlib import Path
from typing import IO

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from pyrage.x25519 import Identity
from typer.testing import Result

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.backup import encrypting
from motcua.jobs.backup.files import Pack, count_files, put_back
from motcua.jobs.backup.folders import BackupFailed, backups_in, newest_good
from motcua.jobs.backup.making import TRY_AGAIN_AFTER, back_up_every_night, is_due, make_backup
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_all
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.watching.outside import newest_backup
from motcua.sandbox.machine.postgres import binaries
from motcua.store.file_stores import open_store
from motcua.store.ledger.database import Connection, close_ledger_pool, connect
from motcua.store.ledger.provisioning import with_database
from motcua.store.oversight.accounting import identity, summed_up
from tests.ground import (
    NOW,
    OneStop,
    Server,
    connection_uri,
    in_ledger,
    in_memory,
    provision,
    take_in,
    type_command,
)

DAY = Period.parse("2026-11-25")
MORNING = DAY.end + timedelta(hours=6, minutes=30)
KEY = Identity.generate()
STATEMENT = "Số thuê bao;Kết quả\n0905123456;Thành công\n".encode()

PARTS = ["ledger.dump.age", "publications.tar.age", "statements.tar.age"]

_numbers = count()


def silent(what: str, done: int, of: int | None) -> None:
    return None


def motcua(*arguments: object, stdin: str = str(KEY)) -> Result:
    return type_command(*[str(each) for each in arguments], exits=None, input=stdin)


@dataclass(frozen=True)
class Place:
    """The folders of one machine for backups, publications and carrier statements."""

    backups: Path
    publications: Path
    statements: Path


@pytest.fixture
def place(tmp_path: Path, ledger: str, postgres: Server, configure: Callable[..., None]) -> Place:
    """Set up a machine that encrypts its backups with a public key. The ledger's owner role makes the dump."""
    folders = Place(tmp_path / "backups", tmp_path / "công bố", tmp_path / "statements")
    owner = connection_uri(postgres.admin_dsn, "motcua_owner", str(conninfo_to_dict(ledger)["dbname"]))
    configure(
        AIRFLOW_CONN_MOTCUA_DB_OWNER=owner,
        MOTCUA_BACKUPS=str(folders.backups),
        MOTCUA_PUBLICATIONS=f"file://{folders.publications}",
        MOTCUA_STATEMENTS=f"file://{folders.statements}",
        MOTCUA_BACKUP_RECIPIENTS=str(KEY.to_public()),
    )
    return folders


@pytest.fixture
def other_machine(
    tmp_path: Path, postgres: Server, place: Place, configure: Callable[..., None]
) -> Iterator[Callable[[], Place]]:
    """Return a function that switches the settings to a newly provisioned, empty machine with the same backups."""
    made = []

    def go() -> Place:
        name = f"other_{len(made)}"
        provision(postgres.admin_dsn, name)
        made.append(name)
        folders = Place(place.backups, tmp_path / name / "công bố", tmp_path / name / "statements")
        close_ledger_pool()
        configure(
            AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_app", name),
            AIRFLOW_CONN_MOTCUA_DB_OWNER=connection_uri(postgres.admin_dsn, "motcua_owner", name),
            MOTCUA_PUBLICATIONS=f"file://{folders.publications}",
            MOTCUA_STATEMENTS=f"file://{folders.statements}",
            MOTCUA_ADMIN_DSN=postgres.admin_dsn,
        )
        return folders

    yield go
    close_ledger_pool()
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        for (name,) in admin.execute("SELECT datname FROM pg_database").fetchall():
            if any(name == each or name.startswith(f"{each}_aside_") for each in made):
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def send_results(one_stop: OneStop, first: int, cases: int) -> None:
    """Write ``cases`` dossiers with a result to the source, numbered from ``first``, and send their messages."""
    for number in range(first, first + cases):
        moment = NOW - timedelta(minutes=1)
        one_stop.both(9, f"D-{number}", at=moment, applicant_phone=f"0905{number:06}", updated_at=moment)
    take_in()
    send("run", clock=lambda: NOW)


@pytest.fixture
def at_work(place: Place, one_stop: OneStop, gateway: object, made_once: Callable[..., None]) -> Place:
    """Make a ledger with messages, a publication and a carrier statement."""

    def make() -> None:
        send_results(one_stop, 0, 3)
        publish(close_period(DAY, "tests", MORNING).closing.closing_no, MORNING)

    made_once("at work", place.publications, make)
    one_stop.number = 3  # The ledger has three steps already, so new steps must have higher numbers.
    (place.statements / "csp").mkdir(parents=True)
    (place.statements / "csp" / "2026-10.csv").write_bytes(STATEMENT)
    return place


def schema_of(dsn: str) -> list[str]:
    """Return the database's schema with its rights, without rows."""
    command = [binaries() / "pg_dump", "--schema-only", f"--dbname={dsn}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if not line.startswith("\\")]


def rows_of(connection: Connection, *tables: str) -> list[int]:
    """Return the number of rows of each table."""
    found = [connection.execute(f"SELECT count(*) AS n FROM {table}".encode()).fetchall() for table in tables]
    return [int(row["n"]) for (row,) in found]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def everything_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name != ".lock")


# --- Backup and restore ----------------------------------------------------------------------------------------------


@pytest.mark.guarantee(
    "backups",
    "a backup made while sending restores a balanced ledger, with the same tables, rights, functions and triggers",
)
@pytest.mark.guarantee("backups", "publications verify after a restore on an empty machine, byte for byte")
def test_backup_made_while_writing_goes_on_restores_to_a_ledger_that_balances(
    at_work: Place, one_stop: OneStop, other_machine: Callable[[], Place], ledger: str, postgres: Server
) -> None:
    begun, stop = threading.Event(), threading.Event()

    def work() -> None:
        for first in range(1000, 9000, 5):
            if stop.is_set():
                return
            send_results(one_stop, first, 5)
            begun.set()

    (at_work.statements / "csp" / "2026-09.csv").write_text("an earlier one")
    schema = schema_of(ledger)
    working = threading.Thread(target=work)
    working.start()
    assert begun.wait(20)
    backup = make_backup(at_work.backups, silent, datetime.now(UTC))
    time.sleep(0.2)
    stop.set()
    working.join()
    (now,) = in_ledger(rows_of, "motcua.attempts")
    assert 3 < backup.ledger.rows["motcua.attempts"] < now, "the backup must be made while messages are sent"

    there = other_machine()
    (there.statements / "csp").mkdir(parents=True)
    (there.statements / "csp" / "2026-09.csv").write_text("a later one")
    answer = motcua("restore", "latest", "--identity", "-")
    assert answer.exit_code == 0, answer.output
    assert "differs from the backup, left unchanged: csp/2026-09.csv" in answer.output
    (total,) = summed_up(in_ledger(identity))
    tables = ("motcua.messages", "motcua.attempts", "motcua.dossiers")
    assert in_ledger(rows_of, *tables) == [backup.ledger.rows[name] for name in tables]
    assert (total.difference, total.expected) == (0, backup.ledger.rows["motcua.messages"])
    assert [check.faults for check in verify_all()] == [[]]
    assert files_in(there.publications) == files_in(at_work.publications) != {}
    assert files_in(there.statements) == {"csp/2026-10.csv": STATEMENT, "csp/2026-09.csv": b"a later one"}
    restored = str(conninfo_to_dict(os.environ["AIRFLOW_CONN_MOTCUA_DB"])["dbname"])
    assert schema_of(with_database(postgres.admin_dsn, restored)) == schema
    # The restored ledger must work with its own roles.
    send_results(one_stop, 50, 2)
    assert in_ledger(rows_of, "motcua.messages")[0] >= total.expected + 2


@pytest.mark.guarantee("backups", "the machine that makes backups cannot read them; backup.json names no person")
def test_nothing_personal_can_be_read_without_the_key(
    at_work: Place, rows: Callable[..., list[dict[str, str]]]
) -> None:
    backup = make_backup(at_work.backups, silent)
    for content in files_in(at_work.backups).values():
        for secret in ("0905000001", "84905000001", "Nguyễn Thị Lan"):
            # Each secret is long enough that encrypted bytes do not contain it by chance.
            assert secret.encode() not in content
    told_of = json.loads((backup.folder / "backup.json").read_text())
    assert told_of["ledger"]["migration"] == rows("SELECT max(migration_id) AS m FROM _yoyo_migration")[0]["m"]
    (last,) = rows("SELECT max(started_at) AS last FROM motcua.attempts")
    assert datetime.fromisoformat(told_of["ledger"]["last_attempt_at"]) == last["last"]
    assert told_of["ledger"]["rows"]["motcua.messages"] == 3
    assert [part["name"] for part in told_of["parts"]] == PARTS
    assert all(path.stat().st_mode & 0o077 == 0 for path in backup.folder.rglob("*"))


def test_publications_of_an_object_store_come_and_go_likewise(
    place: Place, one_stop: OneStop, gateway: object, other_machine: Callable[[], Place], configure: Callable[..., None]
) -> None:
    """Publications in an object store are backed up and restored like publications in a folder."""
    configure(MOTCUA_PUBLICATIONS=in_memory("backed/up"))
    send_results(one_stop, 0, 1)
    publication = publish(close_period(DAY, "tests", MORNING).closing.closing_no, MORNING)
    # Add one for the manifest, which does not list itself.
    files = len(publication.manifest["files"]) + 1
    assert make_backup(place.backups, silent).part("publications.tar.age").files == files
    other_machine()
    configure(MOTCUA_PUBLICATIONS=in_memory("put/back"))
    answer = motcua("restore", "latest", "--identity", "-")
    assert answer.exit_code == 0, answer.output
    assert f"Publications: {files} restored, 0 already there." in answer.output
    assert [check.faults for check in verify_all()] == [[]]


# --- Refused restores ------------------------------------------------------------------------------------------------


def tables_now() -> int:
    with connect("motcua_db_owner") as connection:
        (row,) = connection.execute("SELECT count(*) AS n FROM pg_tables WHERE schemaname = 'motcua'").fetchall()
        return int(row["n"])


@pytest.mark.guarantee(
    "backups", "a restore never overwrites or drops a ledger that holds anything; on request it renames that ledger"
)
@pytest.mark.usefixtures("no_connections_kept")
def test_ledger_that_holds_anything_is_refused_or_set_aside(
    at_work: Place, other_machine: Callable[[], Place], postgres: Server
) -> None:
    make_backup(at_work.backups, silent)
    # The first restore goes to the database that was dumped, which still holds its messages.
    before = in_ledger(rows_of, "motcua.messages")
    answer = motcua("restore", "latest", "--identity", "-")
    assert answer.exit_code == 2
    assert "is not empty" in answer.output
    assert "--set-aside" in answer.output
    answer = motcua("restore", "latest", "--identity", "-", "--set-aside")
    assert (answer.exit_code, "needs an administrator: MOTCUA_ADMIN_DSN" in answer.output) == (2, True)

    other_machine()
    assert motcua("restore", "latest", "--identity", "-").exit_code == 0
    with connect("motcua_db_owner") as connection:
        connection.execute("CREATE TABLE public.mine (a int)")
    with connect():
        answer = motcua("restore", "latest", "--identity", "-", "--set-aside")
    assert answer.exit_code == 2
    assert "Somebody is connected" in answer.output
    answer = motcua("restore", "latest", "--identity", "-", "--set-aside")
    assert answer.exit_code == 0, answer.output
    (aside,) = [word.rstrip(".") for word in answer.output.split() if "_aside_" in word]
    with psycopg.connect(with_database(postgres.admin_dsn, aside)) as there:
        assert there.execute("SELECT count(*) FROM public.mine").fetchone() == (0,)
        assert there.execute("SELECT count(*) FROM motcua.messages").fetchone() == tuple(before)
    with connect() as connection:
        (row,) = connection.execute("SELECT to_regclass('public.mine') AS mine").fetchall()
        assert row["mine"] is None


@pytest.mark.guarantee("backups", "a damaged backup, or a wrong key, is named before anything is changed")
def test_damaged_backup_is_named_before_anything_is_changed(
    at_work: Place, other_machine: Callable[[], Place], tmp_path: Path
) -> None:
    backup = make_backup(at_work.backups, silent)
    there = other_machine()
    for number, (part, damage) in enumerate(product(PARTS, ("flipped", "truncated", "longer", "missing"))):
        copy = tmp_path / "copies" / f"20261201T0000{number:02}Z"
        shutil.copytree(backup.folder, copy)
        content = (copy / part).read_bytes()
        middle = len(content) - 100
        damaged, words = {
            "flipped": (
                content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
                "is damaged: its SHA-256 is",
            ),
            "truncated": (content[:middle], f"is too short: {middle} bytes, not {len(content)}"),
            "longer": (content + b"\0", "is too long"),
            "missing": (None, "is missing"),
        }[damage]
        (copy / part).unlink() if damaged is None else (copy / part).write_bytes(damaged)
        for command in (("restore", copy, "--identity", "-"), ("backup", "verify", copy, "--identity", "-")):
            answer = motcua(*command)
            assert answer.exit_code == 2
            assert f"{copy / part} {words}" in answer.output
            assert "Traceback" not in answer.output
        assert tables_now() == 0
        assert not there.publications.exists()
    assert newest_good(tmp_path / "copies", datetime.now(UTC)) is None


def test_damage_that_age_finds_is_named_although_the_checksums_were_forged(
    at_work: Place, other_machine: Callable[[], Place]
) -> None:
    """Decryption must find a damaged part even if the manifest has the damaged part's hash."""
    backup = make_backup(at_work.backups, silent)
    other_machine()
    manifest = backup.folder / "backup.json"
    written = manifest.read_text()
    for part in PARTS:
        content = (backup.folder / part).read_bytes()
        forged = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
        (backup.folder / part).write_bytes(forged)
        manifest.write_text(written.replace(sha256(content).hexdigest(), sha256(forged).hexdigest()))
        for command in (("restore", "latest"), ("backup", "verify", "latest")):
            answer = motcua(*command, "--identity", "-")
            assert answer.exit_code == 2
            assert f"{part} is damaged near byte" in answer.output
        assert tables_now() == 0
        (backup.folder / part).write_bytes(content)
    manifest.write_text(written)
    assert motcua("restore", "latest", "--identity", "-").exit_code == 0


def test_key_that_does_not_open_a_backup_is_refused_and_the_backup_stays_good(
    at_work: Place, other_machine: Callable[[], Place], tmp_path: Path
) -> None:
    make_backup(at_work.backups, silent)
    there = other_machine()
    other = tmp_path / "other.txt"
    other.write_text(f"# public key\n{Identity.generate()}\n")
    for command in (("restore", "latest"), ("backup", "verify", "latest")):
        answer = motcua(*command, "--identity", other)
        assert answer.exit_code == 2
        assert "None of the given identities can decrypt ledger.dump.age" in answer.output
    assert tables_now() == 0
    assert not there.publications.exists()
    assert newest_good(at_work.backups, datetime.now(UTC)) is not None
    for content, words in (("hello\n", "Line 1 of the identity file"), ("# nothing\n", "holds no private key")):
        other.write_text(content)
        answer = motcua("restore", "latest", "--identity", other)
        assert (answer.exit_code, words in answer.output) == (2, True)
    other.write_text(f"{Identity.generate()}\n{KEY}\n")
    assert motcua("backup", "verify", "latest", "--identity", other).exit_code == 0


def test_dump_that_pg_restore_refuses_leaves_the_database_empty(
    at_work: Place, other_machine: Callable[[], Place], configure: Callable[..., None], tmp_path: Path
) -> None:
    make_backup(at_work.backups, silent)
    other_machine()
    # The dump breaks off in the middle of the restore, as when a disk fails.
    programs = fake_programs(tmp_path, pg_restore='head -c -2000 | "{real}" "$@"')
    configure(MOTCUA_POSTGRES_PROGRAMS=str(programs))
    answer = motcua("restore", "latest", "--identity", "-")
    assert answer.exit_code == 2
    assert "The ledger was not put back, and the database is as empty as before. pg_restore: " in answer.output
    assert tables_now() == 0
    configure(MOTCUA_POSTGRES_PROGRAMS=str(binaries()))
    assert motcua("restore", "latest", "--identity", "-").exit_code == 0


def test_backup_of_a_version_that_is_too_new_or_too_old_is_refused(
    at_work: Place, other_machine: Callable[[], Place]
) -> None:
    backup = make_backup(at_work.backups, silent)
    other_machine()
    file = backup.folder / "backup.json"
    written = json.loads(file.read_text())
    for change, words in (
        ({"migration": "9999_later"}, "the migration 9999_later, which this version of the program does not know"),
        (
            {"migration": "0051_verified"},
            "of a ledger before version 0.2.0; its newest migration is 0051_verified. Restore it with",
        ),
        ({"postgres": "99.1"}, "The backup is of PostgreSQL 99, and this server is of 18"),
    ):
        file.write_text(json.dumps(written | {"ledger": written["ledger"] | change}))
        answer = motcua("restore", "latest", "--identity", "-")
        assert (answer.exit_code, words in answer.output) == (2, True), answer.output
    assert tables_now() == 0


# --- Failed backups --------------------------------------------------------------------------------------------------


def fake_programs(tmp_path: Path, **scripts: str) -> Path:
    """Make a folder of PostgreSQL's programs, some replaced by shell scripts.

    ``{real}`` in a script stands for the path of the real program.
    """
    folder = tmp_path / f"programs {next(_numbers)}"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        real = binaries() / name
        if name in scripts:
            text = scripts[name].replace("{real}", str(real))
            version = f'[ "$1" = --version ] && exec "{real}" --version\n' if "--version" not in text else ""
            (folder / name).write_text(f"#!/bin/sh\n{version}{text}\n")
            (folder / name).chmod(0o755)
        else:
            (folder / name).symlink_to(real)
    return folder


@pytest.mark.guarantee("backups", "a backup that failed or was killed leaves nothing that looks like one, and says why")
def test_backup_that_failed_leaves_nothing_and_says_why(
    at_work: Place, configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = 'echo "pg_dump (PostgreSQL) 15.20 (Debian 15.20)"; : --version'
    (tmp_path / "file").touch()
    good = {"MOTCUA_POSTGRES_PROGRAMS": str(binaries()), "MOTCUA_BACKUP_RECIPIENTS": str(KEY.to_public())}
    for change, words in (
        ({"MOTCUA_BACKUP_RECIPIENTS": ""}, "MOTCUA_BACKUP_RECIPIENTS names no public key"),
        ({"MOTCUA_BACKUP_RECIPIENTS": "age1nothing"}, "age1nothing is no public key of age"),
        ({"MOTCUA_BACKUP_RECIPIENTS": str(KEY)}, "one of its values is no public key of age"),
        ({"MOTCUA_POSTGRES_PROGRAMS": str(tmp_path)}, f"pg_dump is missing: it is not in {tmp_path}"),
        (
            {"MOTCUA_POSTGRES_PROGRAMS": str(fake_programs(tmp_path, pg_dump=older))},
            "is from PostgreSQL 15, the server is 18: an older pg_dump does not understand a newer server",
        ),
        (
            {"MOTCUA_POSTGRES_PROGRAMS": str(fake_programs(tmp_path, pg_dump='"{real}" "$@" | head -c 9000; exit 1'))},
            "The ledger was not dumped. pg_dump: ",
        ),
        ({"MOTCUA_BACKUPS": str(tmp_path / "file")}, f"{tmp_path / 'file'}, cannot be written to: File exists"),
        ({"MOTCUA_PUBLICATIONS": f"file://{tmp_path}/elsewhere"}, "The ledger lists 1 publications, but file://"),
    ):
        folders = {"MOTCUA_BACKUPS": str(at_work.backups), "MOTCUA_PUBLICATIONS": f"file://{at_work.publications}"}
        configure(**good | folders | change)
        answer = motcua("backup")
        assert answer.exit_code == 2, change
        assert words in answer.output.replace("\n", " "), answer.output
        assert str(KEY) not in answer.output
        assert not at_work.backups.exists() or everything_in(at_work.backups) == []
    configure(**good | folders)
    monkeypatch.setattr(encrypting.os, "fsync", no_space)
    answer = motcua("backup")
    assert (answer.exit_code, "backups is full; make room" in answer.output.replace("\n", " ")) == (2, True)
    assert everything_in(at_work.backups) == []


def no_space(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_backup_of_a_killed_process_does_not_count_and_the_next_one_removes_it(
    at_work: Place, configure: Callable[..., None], tmp_path: Path
) -> None:
    programs = fake_programs(tmp_path, pg_dump="head -c 3000000 /dev/urandom; sleep 60")
    configure(MOTCUA_POSTGRES_PROGRAMS=str(programs))
    running = subprocess.Popen([Path(sys.executable).with_name("motcua"), "backup"], start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not any(path.stat().st_size > 1_000_000 for path in at_work.backups.rglob("ledger.dump.age")):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert "A backup is being made" in motcua("backup").output
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert backups_in(at_work.backups) == []
    assert "There is no backup" in motcua("backup", "list").output
    assert motcua("backup", "check").exit_code == 1
    configure(MOTCUA_POSTGRES_PROGRAMS=str(binaries()))
    make_backup(at_work.backups, silent)
    assert [path.name for path in at_work.backups.iterdir() if path.name != ".lock"] == [
        backup.name for backup in backups_in(at_work.backups)
    ]


# --- Retention and schedule ------------------------------------------------------------------------------------------


def test_file_that_is_larger_than_the_memory_is_backed_up_and_restored(tmp_path: Path) -> None:
    """A file that is larger than the free memory is backed up and restored in pieces.

    A carrier statement may have 200 MB, and the backup service has 256 MB of memory.
    """
    size, most = 64 * 1024**2, 8 * 1024**2
    for name in ("from/csp", "to"):
        (tmp_path / name).mkdir(parents=True)
    with (tmp_path / "from" / "csp" / "2026-10.csv").open("wb") as file:
        file.truncate(size)
    archive = tmp_path / "archive.tar"

    def unpack(stream: IO[bytes]) -> None:
        with archive.open("rb") as file:
            shutil.copyfileobj(file, stream)

    pack, there = Pack(open_store(f"file://{tmp_path / 'from'}")), open_store(f"file://{tmp_path / 'to'}")
    tracemalloc.start()
    try:
        with pack.open() as stream, archive.open("wb") as file:
            shutil.copyfileobj(stream, file)
        assert count_files(unpack) == pack.files == 1
        assert put_back(there, unpack).written == 1
        assert put_back(there, unpack).same == 1
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    restored = tmp_path / "to" / "csp" / "2026-10.csv"
    assert restored.stat().st_size == size
    restored.chmod(0o600)
    with restored.open("r+b") as file:
        file.truncate(size - 1)
    assert put_back(there, unpack).differing == ["csp/2026-10.csv"]


@pytest.mark.guarantee("backups", "a backup is removed after 35 days, never the last good one")
def test_backups_are_removed_after_their_time_but_never_the_last_good_one(
    place: Place, configure: Callable[..., None]
) -> None:
    made = [make_backup(place.backups, silent, NOW + timedelta(days=day)).name for day in (0, 1, 30)]
    assert motcua("backup", "verify", made[1], "--identity", "-").exit_code == 0
    (place.backups / made[2] / "ledger.dump.age").write_bytes(b"damaged")
    listed = {line.split()[0]: line for line in motcua("backup", "list").output.splitlines() if line}
    assert [word for word in ("read", "never") if word in listed[made[1]]] == ["read"]
    assert "never" in listed[made[0]]
    assert motcua("backup", "check").exit_code == 1, "the newest good backup is too old"

    def there() -> list[str]:
        return [backup.name for backup in backups_in(place.backups)]

    configure(MOTCUA_BACKUP_RECIPIENTS="")
    later = NOW + timedelta(days=70)
    with pytest.raises(BackupFailed):
        make_backup(place.backups, silent, later)
    assert there() == made[::-1]
    configure(MOTCUA_BACKUP_RECIPIENTS=str(KEY.to_public()), MOTCUA_POSTGRES_PROGRAMS=str(place.backups))
    with pytest.raises(BackupFailed):
        make_backup(place.backups, silent, later)
    assert there() == [made[1]], "the newest good backup, that of the second day, must stay"
    configure(MOTCUA_POSTGRES_PROGRAMS=str(binaries()))
    newer = make_backup(place.backups, silent, later)
    assert there() == [newer.name, made[1]]
    newest = make_backup(place.backups, silent, later + timedelta(days=1))
    assert there() == [newest.name, newer.name]


def test_backup_of_a_clock_that_ran_ahead_replaces_no_later_one(place: Place) -> None:
    """A backup that a wrong clock dated in the future must not count as the newest backup."""
    now = datetime.now(UTC)
    ahead = make_backup(place.backups, silent, now + timedelta(days=365))
    assert is_due(place.backups, now)
    assert motcua("backup", "check").exit_code == 1
    assert newest_backup(place.backups, now) is None
    made = make_backup(place.backups, silent, now)
    assert not is_due(place.backups, now)
    assert newest_backup(place.backups, now) == made.made_at
    assert motcua("backup", "check").exit_code == 0
    assert f"{made.name} is good" in motcua("backup", "verify", "latest", "--identity", "-").output
    assert "time is in the future" in motcua("backup", "list").output
    assert [each.name for each in backups_in(place.backups)] == [ahead.name, made.name], "no good backup is deleted"


def test_backup_is_made_each_night_and_again_when_one_failed(place: Place, configure: Callable[..., None]) -> None:
    configure(MOTCUA_BACKUP_TIME="01:30")
    evening = datetime(2026, 11, 25, 20, 0, tzinfo=VIETNAM)
    clock = [evening]
    made: list[datetime] = []
    failed: list[datetime] = []

    class Enough(Exception):
        """An error that the test raises after two nights, to end the backup job."""

    def sleep(seconds: float) -> None:
        clock[0] += timedelta(seconds=seconds)
        if clock[0] > evening + timedelta(days=2):
            raise Enough
        # In the second night the public key is missing for an hour, so the first tries of a backup fail.
        second = datetime(2026, 11, 27, 1, 0, tzinfo=VIETNAM)
        if clock[0] in (second, second + timedelta(hours=1)):
            configure(MOTCUA_BACKUP_RECIPIENTS="" if clock[0] == second else str(KEY.to_public()))

    with pytest.raises(Enough):
        back_up_every_night(
            place.backups,
            silent,
            lambda backup: made.append(backup.made_at.astimezone(VIETNAM)),
            lambda failure: failed.append(clock[0]),
            clock=lambda: clock[0],
            sleep=sleep,
        )
    assert made[0] == evening, "without any backup the first one is made at once"
    assert [moment.time() for moment in made[1:]] == [time_of_day(1, 30), time_of_day(2, 0)]
    assert [moment.day for moment in made[1:]] == [26, 27]
    assert failed[0].time() == time_of_day(1, 30)
    assert failed[1] - failed[0] == TRY_AGAIN_AFTER
