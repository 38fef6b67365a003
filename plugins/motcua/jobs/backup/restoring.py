"""Looks a backup through, and puts one back: files where none of their name is, the ledger into an empty database.

A look is at the checksums, and with the private key at every byte of what is in it. A ledger is put back whole or not
at all. The files come first: they may be put back twice, the ledger may not, so that a restore that breaks off can be
begun again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from pyrage.x25519 import Identity

from motcua.jobs.backup.encrypting import demand_identity, open_sealed
from motcua.jobs.backup.files import PutBack, count_files, put_back
from motcua.jobs.backup.folders import (
    LEDGER_PART,
    PUBLICATIONS_PART,
    STATEMENTS_PART,
    Backup,
    BackupDamaged,
    How,
    Part,
    Progress,
    VerifiedBackup,
    check_part,
    note_verified,
)
from motcua.jobs.backup.making import statements_store
from motcua.jobs.publications.publishing import publications_store
from motcua.store.ledger.database import DatabaseFailed, reason_without_values
from motcua.store.ledger.dumps import (
    ProgramFailed,
    database_to_fill,
    gather_statistics,
    made_in_database,
    read_through,
    rows_now,
)
from motcua.store.ledger.migrations import BEGINNING, known_migrations, migrate
from motcua.store.ledger.provisioning import set_database_aside

log = logging.getLogger(__name__)


def verify_backup(backup: Backup, identities: Sequence[Identity], progress: Progress) -> How:
    """Looks a backup through, and notes beside it what was found; how it was looked through.

    Args:
        backup: the backup.
        identities: private keys; none: the checksums alone are looked at.
        progress: is told how far it is.

    Raises:
        BackupDamaged: it is not as it was written; that is noted.
        BackupUnusable: no identity opens it.
        ProgramUnusable: pg_restore is missing.
    """
    how: How = "read" if identities else "checksums"
    try:
        for part in backup.parts:
            check_part(backup, part, progress)
            if identities:
                _read(backup, part, identities, progress)
    except BackupDamaged as damage:
        _note(backup, how, str(damage))
        raise
    _note(backup, how, None)
    return how


def _read(backup: Backup, part: Part, identities: Sequence[Identity], progress: Progress) -> None:
    unseal = partial(open_sealed, backup.folder / part.name, identities, seen=progress)
    if part.files is None:
        try:
            read_through(unseal, backup.ledger.postgres)
        except ProgramFailed as error:
            raise BackupDamaged(f"{part.name} cannot be read by {error}.") from error
    elif (files := count_files(unseal)) != part.files:
        raise BackupDamaged(f"{part.name} holds {files} files, not {part.files}.")


def _note(backup: Backup, how: How, fault: str | None) -> None:
    try:
        note_verified(backup, VerifiedBackup(datetime.now(UTC), how, fault))
    except OSError as error:
        log.warning("%s cannot be written to (%s): nothing is noted there", backup.folder, error.strerror)


class RestoreRefused(Exception):
    """Nothing was changed in any database; the message says why, and what to do."""


class RestoreFailed(Exception):
    """The restore did not come to its end; the message says what is there now, and what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    aside: str | None
    """Name that the ledger which was there has now; ``None``: there was none."""
    publications: PutBack
    statements: PutBack
    migrations: tuple[str, ...]
    """That the dump did not have yet."""


def restore_backup(
    backup: Backup,
    identities: Sequence[Identity],
    progress: Progress,
    say: Callable[[str], None],
    aside_by: str | None,
    now: datetime,
) -> Restored:
    """Puts a backup back, onto an empty database that ``motcua provision`` made.

    Args:
        backup: the backup.
        identities: private keys.
        progress: is told how far it is.
        say: is told what begins.
        aside_by: DSN of an administrator, who gives a ledger that is there another name; ``None``: it is refused.
        now: what that name is made of.

    Raises:
        BackupUnusable: the backup is damaged, or no identity opens it; nothing was changed.
        RestoreRefused: the ledger holds something, or what is here is older than the backup.
        RestoreFailed: pg_restore, or what follows it, failed.
        StoreFailed: the store of publications or statements takes nothing; the database is as it was.
        ProgramUnusable: pg_restore is missing or older than the server.
        DatabaseFailed: the database is not there or does not answer.
    """
    for part in backup.parts:
        check_part(backup, part, progress)
        demand_identity(backup.folder / part.name, identities)
    _demand_new_enough(backup)
    try:
        stores = {PUBLICATIONS_PART: publications_store(), STATEMENTS_PART: statements_store()}
    except OSError as error:
        raise RestoreRefused(f"Files cannot be put back: {error}.") from error
    aside = _make_room(aside_by, now)

    put = {}
    for name, store in stores.items():
        say(f"Putting {name} back into {store}.")
        unseal = partial(open_sealed, backup.folder / name, identities, seen=progress)
        put[name] = put_back(store, unseal)
    say("Putting the ledger back.")
    _fill(backup, identities, progress)
    say("Applying migrations and definitions.")
    try:
        migrations = migrate()
    except Exception as error:
        raise RestoreFailed(
            f"The ledger is put back, but not migrated ({reason_without_values(error)}). Run motcua migrate."
        ) from error
    say("Gathering statistics.")
    gather_statistics()
    return Restored(aside, put[PUBLICATIONS_PART], put[STATEMENTS_PART], tuple(migrations))


def _demand_new_enough(backup: Backup) -> None:
    if (backup.ledger.migration or "") < BEGINNING:
        raise RestoreRefused(
            f"The backup is of a ledger before version 0.2.0; its newest migration is {backup.ledger.migration}."
            " Restore it with 0.2.0, and upgrade then: docs/operations/upgrade.md."
        )
    if backup.ledger.migration not in (BEGINNING, *known_migrations()):
        raise RestoreRefused(
            f"The backup's ledger has the migration {backup.ledger.migration}, which this version of the program does "
            "not know. Use the version that made it, or a later one."
        )
    with database_to_fill() as database:
        here, there = database.server_version // 10000, int(backup.ledger.postgres.partition(".")[0])
        if here < there:
            raise RestoreRefused(f"The backup is of PostgreSQL {there}, and this server is of {here}, which is older.")


def _make_room(aside_by: str | None, now: datetime) -> str | None:
    """Sets aside what is in the database; the name that it has now."""
    database, made = made_in_database()
    if not made:
        return None
    if aside_by is None:
        raise RestoreRefused(
            f"The database {database} is not empty: it holds {', '.join(made)}. A backup is put into an empty one "
            "only. If this is not the ledger that is to be replaced, look at the connection motcua_db_owner. If it is, "
            "stop everything that uses it and add --set-aside: it is kept under another name."
        )
    aside = f"{database}_aside_{now:%Y%m%dt%H%M%S}"
    try:
        set_database_aside(aside_by, database, aside)
    except errors.ObjectInUse:
        raise RestoreRefused(
            f"Somebody is connected to the database {database}: stop the scheduler, the workers, the API server, the "
            "callbacks and the backups first. Nothing was changed."
        ) from None
    except psycopg.Error as error:
        raise RestoreRefused(f"The database {database} was not set aside. {reason_without_values(error)}") from None
    return aside


def _fill(backup: Backup, identities: Sequence[Identity], progress: Progress) -> None:
    try:
        with database_to_fill() as database:
            database.restore(partial(open_sealed, backup.folder / LEDGER_PART, identities, seen=progress))
    except (ProgramFailed, DatabaseFailed) as error:
        missing = " Run motcua provision first." if "role" in str(error) and "does not exist" in str(error) else ""
        raise RestoreFailed(
            f"The ledger was not put back, and the database is as empty as before. {error}.{missing}"
        ) from (error)
    counted = rows_now()
    if counted != backup.ledger.rows:
        tables = [
            name for name in {**counted, **backup.ledger.rows} if counted.get(name) != backup.ledger.rows.get(name)
        ]
        raise RestoreFailed(
            f"The ledger is put back, but {', '.join(sorted(tables))} do not have the rows that were dumped. Do not "
            "use it; report it."
        )


def administrator(dsn: str) -> str:
    """The DSN of an administrator as MOTCUA_ADMIN_DSN has it.

    Raises:
        RestoreRefused: it is empty or none; it is never repeated.
    """
    try:
        if conninfo_to_dict(dsn):
            return dsn
    except psycopg.ProgrammingError:
        pass
    raise RestoreRefused(
        "--set-aside needs an administrator: MOTCUA_ADMIN_DSN=postgres://<administrator>:<password>@<host>:5432/postgres."
    )
