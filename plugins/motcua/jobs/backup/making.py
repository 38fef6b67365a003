"""Make a backup, each night or at once: the ledger's dump, then the publications and the carrier statements.

Each part is encrypted. A publication's files are stored before its row in the ledger. As the ledger is dumped first,
all publications of the dump are among the files.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pyrage.x25519 import Recipient

from motcua.domain.clock import VIETNAM
from motcua.jobs.backup.encrypting import Sealed, read_recipients, seal
from motcua.jobs.backup.files import Pack
from motcua.jobs.backup.folders import (
    LEDGER_PART,
    PUBLICATIONS_PART,
    STATEMENTS_PART,
    Backup,
    BackupFailed,
    Part,
    Progress,
    finish,
    name_of,
    newest_good,
    one_at_a_time,
    remove_old,
    unfinished,
)
from motcua.jobs.publications.publishing import publications_store
from motcua.settings import settings
from motcua.store.file_stores import StoreUnusable, open_store
from motcua.store.ledger.database import DatabaseFailed
from motcua.store.ledger.dumps import LedgerDump, ProgramFailed, ProgramUnusable, ledger_snapshot

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

log = logging.getLogger(__name__)


def make_backup(folder: Path, progress: Progress, now: datetime | None = None) -> Backup:
    """Make a backup in a folder, after removing the backups there that are older than ``MOTCUA_BACKUP_KEEP``.

    Args:
        folder: folder of the backups; it is created if it is missing.
        progress: receives the progress.
        now: moment that names the backup; by default the present time.

    Raises:
        BackupFailed: no backup was made, and nothing of it is left. The message gives the reason.
    """
    moment = (now or datetime.now(UTC)).replace(microsecond=0)
    recipients = read_recipients(settings().backup_recipients)
    try:
        with one_at_a_time(folder):
            for name in remove_old(folder, settings().backup_keep, moment):
                log.info("backup %s was kept long enough and is removed", name)
            if (folder / name_of(moment)).exists():
                raise BackupFailed(f"There is a backup {name_of(moment)} already.")
            with unfinished(folder, moment) as path:
                return _write_parts(path, folder / name_of(moment), recipients, moment, progress)
    except (DatabaseFailed, ProgramFailed, ProgramUnusable) as error:
        raise BackupFailed(f"The ledger was not dumped. {error}") from error
    except StoreUnusable as error:
        raise BackupFailed(f"Files cannot be read: {error}.") from error
    except OSError as error:
        raise BackupFailed(f"The folder of the backups, {folder}, cannot be used: {error.strerror}.") from error


def statements_store() -> ObjectStoragePath:
    """Return the store of the providers' carrier statements."""
    return open_store(settings().statements_url)


def _write_parts(
    path: Path, target: Path, recipients: Sequence[Recipient], moment: datetime, progress: Progress
) -> Backup:
    """Write the parts and ``backup.json`` of a backup and return it."""
    ledger, dumped = _dump_ledger(path / LEDGER_PART, recipients, progress)
    parts = [dumped]
    for name, store in ((PUBLICATIONS_PART, publications_store()), (STATEMENTS_PART, statements_store())):
        parts.append(_pack_store(store, path / name, recipients, progress))
    _demand_publications(ledger, parts[1])
    backup = Backup(
        folder=target,
        made_at=moment,
        finished_at=datetime.now(UTC),
        recipients=tuple(map(str, recipients)),
        ledger=ledger,
        parts=tuple(parts),
    )
    finish(path, backup)
    return backup


def _demand_publications(ledger: LedgerDump, part: Part) -> None:
    """Refuse a backup with fewer files than the ledger has publications.

    Without this check, a service with the wrong store in its settings would make backups without publications for
    years.

    Raises:
        BackupFailed: files are missing.
    """
    expected, found = ledger.rows.get("motcua.publications", 0), part.files or 0
    # Each publication has at least one file.
    if found < expected:
        raise BackupFailed(
            f"The ledger lists {expected} publications, but {settings().publications_url} holds {found} files. Set "
            "MOTCUA_PUBLICATIONS, and the connection that it names, to the values of the server that publishes."
        )


def _dump_ledger(path: Path, recipients: Sequence[Recipient], progress: Progress) -> tuple[LedgerDump, Part]:
    """Dump the ledger into an encrypted part."""
    sealed: list[Sealed] = []

    def take(stream: IO[bytes]) -> None:
        sealed.append(seal(stream, path, recipients, lambda done: progress(path.name, done, None)))

    with ledger_snapshot() as snapshot:
        snapshot.dump(take)
    return snapshot.facts, _part(path, sealed[0], None)


def _pack_store(store: ObjectStoragePath, path: Path, recipients: Sequence[Recipient], progress: Progress) -> Part:
    """Pack the files of a store into an encrypted part."""
    pack = Pack(store)
    try:
        with pack.open() as stream:
            sealed = seal(stream, path, recipients, lambda done: progress(path.name, done, None))
    except OSError as error:
        raise BackupFailed(f"{store} cannot be read: {error.strerror or error}.") from error
    return _part(path, sealed, pack.files)


def _part(path: Path, sealed: Sealed, files: int | None) -> Part:
    """Return the description of a part for ``backup.json``."""
    return Part(path.name, sealed.sha256, sealed.bytes, sealed.plain_bytes, files)


TRY_AGAIN_AFTER = timedelta(minutes=15)
_CHECK_EVERY = timedelta(minutes=1)


def due_since(now: datetime) -> datetime:
    """Return the last scheduled time of a backup at or before ``now``."""
    today = datetime.combine(now.astimezone(VIETNAM), settings().backup_time, VIETNAM)
    return today if today <= now else today - timedelta(days=1)


def is_due(folder: Path, now: datetime) -> bool:
    """Return whether a backup is due: the newest good backup was made before the last scheduled time, or there is none.

    A backup is therefore also due when the machine was off at the scheduled time.
    """
    newest = newest_good(folder, now)
    return newest is None or newest.made_at < due_since(now)


def back_up_every_night(
    folder: Path,
    progress: Progress,
    made: Callable[[Backup], None],
    failed: Callable[[BackupFailed], None],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make a backup whenever one is due, without end. A failed backup is retried after a quarter of an hour."""
    while True:
        wait = _CHECK_EVERY
        if is_due(folder, clock()):
            try:
                made(make_backup(folder, progress, clock()))
            except BackupFailed as failure:
                failed(failure)
                wait = TRY_AGAIN_AFTER
        sleep(wait.total_seconds())
