"""Verify a backup, or restore it: the files that the stores lack, and the ledger into an empty database.

A verification checks the checksums, and with the private key also reads every byte of the content. The ledger is
restored as a whole or not at all. The files are restored first, because restoring them twice does no harm while the
ledger can be restored only once. An interrupted restore can therefore be started again.
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
    """Verify a backup, write the result into its folder, and return how it was verified.

    Args:
        backup: the backup.
        identities: private keys; without them only the checksums are checked.
        progress: receives the progress.

    Raises:
        BackupDamaged: the backup was changed after it was made, or cannot be read. This result is written into its
            folder.
        BackupUnusable: no identity opens the backup.
        ProgramUnusable: pg_restore is missing.
    """
    how: How = "read" if identities else "checksums"
    try:
        for part in backup.parts:
            check_part(backup, part, progress)
            if identities:
                _read_content(backup, part, identities, progress)
    except BackupDamaged as damage:
        _note_result(backup, how, str(damage))
        raise
    _note_result(backup, how, None)
    return how


def _read_content(backup: Backup, part: Part, identities: Sequence[Identity], progress: Progress) -> None:
    """Read the content of a part to its end.

    Raises:
        BackupDamaged: the content cannot be read, or has another number of files.
    """
    unseal = partial(open_sealed, backup.folder / part.name, identities, seen=progress)
    if part.files is None:
        try:
            read_through(unseal, backup.ledger.postgres)
        except ProgramFailed as error:
            raise BackupDamaged(f"{part.name} cannot be read by {error}.") from error
    elif (files := count_files(unseal)) != part.files:
        raise BackupDamaged(f"{part.name} holds {files} files, not {part.files}.")


def _note_result(backup: Backup, how: How, fault: str | None) -> None:
    """Write the result of a verification into the backup's folder, or log that this was not possible."""
    try:
        note_verified(backup, VerifiedBackup(datetime.now(UTC), how, fault))
    except OSError as error:
        log.warning(
            "%s cannot be written to (%s): the result of the verification is not stored there",
            backup.folder,
            error.strerror,
        )


class RestoreRefused(Exception):
    """A restore was refused and no database was changed. The message gives the reason and what to do."""


class RestoreFailed(Exception):
    """A restore did not complete. The message states what was restored and what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore."""

    aside: str | None
    """New name of the database that held a ledger before; ``None`` if there was none."""
    publications: PutBack
    statements: PutBack
    migrations: tuple[str, ...]
    """Migrations that the dump lacked and that were applied."""


def restore_backup(
    backup: Backup,
    identities: Sequence[Identity],
    progress: Progress,
    say: Callable[[str], None],
    aside_by: str | None,
    now: datetime,
) -> Restored:
    """Restore a backup into an empty database that ``motcua provision`` created.

    Args:
        backup: the backup.
        identities: private keys.
        progress: receives the progress.
        say: receives a sentence at the beginning of each step.
        aside_by: DSN of an administrator who may rename a database that already holds a ledger; ``None`` to refuse the
            restore in this case.
        now: time for the new name of that database.

    Raises:
        BackupUnusable: the backup is damaged, or no identity opens it. Nothing was changed.
        RestoreRefused: the database is not empty or is in use, a store cannot be used, or this program or this server
            cannot restore the backup.
        RestoreFailed: pg_restore or a later step failed.
        StoreFailed: the store of publications or statements cannot be written to. The database is unchanged, except
            that a former ledger was renamed.
        ProgramUnusable: pg_restore is missing or older than the server.
        DatabaseFailed: the database does not exist or does not answer.
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
    _restore_ledger(backup, identities, progress)
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
    """Refuse a backup that this version of the program, or this PostgreSQL server, cannot restore."""
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
        server, dumped = (
            database.server_version // 10000,
            int(backup.ledger.postgres.partition(".")[0]),
        )
        if server < dumped:
            raise RestoreRefused(
                f"The backup is of PostgreSQL {dumped}, and this server is of {server}, which is older."
            )


def _make_room(aside_by: str | None, now: datetime) -> str | None:
    """Rename a database with content, and return its new name; ``None`` if the database is empty.

    Raises:
        RestoreRefused: the database may not be renamed.
    """
    database, made = made_in_database()
    if not made:
        return None
    if aside_by is None:
        raise RestoreRefused(
            f"The database {database} is not empty: it holds {', '.join(made)}. A backup is only restored into an "
            "empty one. If you do not want to replace this database, correct the connection motcua_db_owner. If you "
            "do, stop everything that uses it and add --set-aside, which keeps it under another name."
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


def _restore_ledger(backup: Backup, identities: Sequence[Identity], progress: Progress) -> None:
    """Restore the ledger's dump into the database and compare the numbers of rows.

    Raises:
        RestoreFailed: pg_restore failed, or tables have other numbers of rows than the dump.
    """
    try:
        with database_to_fill() as database:
            database.restore(partial(open_sealed, backup.folder / LEDGER_PART, identities, seen=progress))
    except (ProgramFailed, DatabaseFailed) as error:
        missing = " Run motcua provision first." if "role" in str(error) and "does not exist" in str(error) else ""
        raise RestoreFailed(
            f"The ledger was not put back, and the database is as empty as before. {error}.{missing}"
        ) from error
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
    """Check and return the administrator's DSN of MOTCUA_ADMIN_DSN.

    Raises:
        RestoreRefused: the DSN is empty or invalid. The message never repeats it.
    """
    try:
        if conninfo_to_dict(dsn):
            return dsn
    except psycopg.ProgrammingError:
        pass
    raise RestoreRefused(
        "--set-aside needs an administrator: MOTCUA_ADMIN_DSN=postgres://<administrator>:<password>@<host>:5432/postgres."
    )
