"""Looks a backup through: its checksums, and with the private key every byte of what is in it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from pyrage.x25519 import Identity

from motcua.jobs.backup.encrypting import open_sealed
from motcua.jobs.backup.files import count_files
from motcua.jobs.backup.folders import (
    Backup,
    BackupDamaged,
    How,
    Part,
    Progress,
    VerifiedBackup,
    check_part,
    note_verified,
)
from motcua.store.ledger.dumps import read_through
from motcua.store.ledger.programs import ProgramFailed

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
