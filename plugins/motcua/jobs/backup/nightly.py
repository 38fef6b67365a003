"""A backup every night: when one is due, and what to do when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from motcua.domain.clock import VIETNAM
from motcua.jobs.backup.folders import Backup, BackupFailed, Progress, newest_good
from motcua.jobs.backup.making import make_backup
from motcua.settings import settings

TRY_AGAIN_AFTER = timedelta(minutes=15)
_LOOK_EVERY = timedelta(minutes=1)


def due_since(now: datetime) -> datetime:
    """The last moment at or before ``now`` at which a backup was to be made."""
    today = datetime.combine(now.astimezone(VIETNAM), settings().backup_time, VIETNAM)
    return today if today <= now else today - timedelta(days=1)


def is_due(folder: Path, now: datetime) -> bool:
    """No good backup of the last night, or of a later time, is there: the machine may have been off then."""
    newest = newest_good(folder)
    return newest is None or newest.made_at < due_since(now)


def back_up_every_night(
    folder: Path,
    progress: Progress,
    made: Callable[[Backup], None],
    failed: Callable[[BackupFailed], None],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Makes a backup whenever one is due, for ever; one that failed is tried again after a quarter of an hour."""
    while True:
        wait = _LOOK_EVERY
        if is_due(folder, clock()):
            try:
                made(make_backup(folder, progress, clock()))
            except BackupFailed as failure:
                failed(failure)
                wait = TRY_AGAIN_AFTER
        sleep(wait.total_seconds())
