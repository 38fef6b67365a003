"""Create, find, check and remove the backups in their folder.

A backup is a folder named by its time (UTC). It holds encrypted parts and ``backup.json``, which describes them. While
a backup is made, its folder has a name that begins with a dot. The folder gets its final name as the last step, so that
a folder with the name of a backup is complete.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias

from motcua.store.journal import sync_folder
from motcua.store.ledger.dumps import LedgerDump

MANIFEST, VERIFIED = "backup.json", "verified.json"
FORMAT = 1
LEDGER_PART, PUBLICATIONS_PART, STATEMENTS_PART = "ledger.dump.age", "publications.tar.age", "statements.tar.age"
LATEST = "latest"

_NAME = re.compile(r"\d{8}T\d{6}Z")
_UNFINISHED = re.compile(r"\.\d{8}T\d{6}Z\.unfinished")
_CHUNK = 1024 * 1024
_CLOCKS_DIFFER = timedelta(hours=1)
"""A backup whose time is later than now by more than this was made while the clock was wrong."""

How: TypeAlias = Literal["checksums", "read"]
Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Receives the name of a part, the bytes that are done, and the total number of bytes or ``None`` if it is not known.
"""


class BackupFailed(Exception):
    """No backup was made. Older backups are unchanged, except that backups whose storage time is over may have been
    removed. The message gives the reason and what to do."""


class BackupUnusable(Exception):
    """A backup does not exist or cannot be opened. The message names the backup and the reason."""


class BackupDamaged(BackupUnusable):
    """A backup was opened, but it was changed after it was made, or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Part:
    """One encrypted file of a backup."""

    name: str
    sha256: str
    """SHA-256 of the encrypted file."""
    bytes: int
    plain_bytes: int
    files: int | None
    """Number of files in the part; ``None`` for the ledger's dump."""


@dataclass(frozen=True, slots=True)
class VerifiedBackup:
    """The last verification of a backup: its time, whether it also read the content, and the fault that it found."""

    at: datetime
    how: How
    fault: str | None


@dataclass(frozen=True, slots=True)
class Backup:
    """A complete backup. ``backup.json`` holds no personal data."""

    folder: Path
    made_at: datetime
    """Time at which the backup began. The ledger's dump is from this moment or some seconds later."""
    finished_at: datetime
    recipients: tuple[str, ...]
    ledger: LedgerDump
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """Return the name of the backup's folder, as ``20261127T183000Z``."""
        return self.folder.name

    @property
    def bytes(self) -> int:
        """Return the size of all encrypted parts."""
        return sum(part.bytes for part in self.parts)

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        return next(part for part in self.parts if part.name == name)

    def verified(self) -> VerifiedBackup | None:
        """Return the last verification of this backup; ``None`` if it was never verified."""
        try:
            written = json.loads((self.folder / VERIFIED).read_text(encoding="utf-8"))
            return VerifiedBackup(datetime.fromisoformat(written["at"]), written["how"], written["fault"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_ahead(self, now: datetime) -> bool:
        """Return whether the backup has a time in the future, so that its age is not known. The clock of the machine
        was wrong when the backup was made."""
        return self.made_at > now + _CLOCKS_DIFFER

    def fault(self) -> str | None:
        """Return the fault that the sizes of the parts or the last verification show; ``None`` for a good backup."""
        for part in self.parts:
            try:
                size = (self.folder / part.name).stat().st_size
            except OSError:
                return f"{part.name} is missing"
            if size != part.bytes:
                return f"{part.name} has {size} bytes, not {part.bytes}"
        verified = self.verified()
        return verified.fault if verified else None


def name_of(moment: datetime) -> str:
    """Return the name of a backup of that moment."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def backups_in(folder: Path) -> list[Backup]:
    """Return all complete backups with a readable ``backup.json``, the newest first."""
    try:
        names = [path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return []
    found = []
    for name in sorted(names, reverse=True):
        try:
            found.append(_read_manifest(folder / name))
        except BackupUnusable:
            continue
    return found


def unreadable_in(folder: Path) -> list[str]:
    """Return the names of folders that are named like a backup but have no readable ``backup.json``."""
    known = {backup.name for backup in backups_in(folder)}
    try:
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.name not in known)
    except OSError:
        return []


def newest_good(folder: Path, now: datetime) -> Backup | None:
    """Return the newest backup without a known fault. A backup with a time in the future does not count. If it counted,
    no backup would be made until that time, and nobody would notice that."""
    return next((backup for backup in backups_in(folder) if not backup.is_ahead(now) and backup.fault() is None), None)


def find_backup(folder: Path, named: str) -> Backup:
    """Return the backup with that name or path, or the newest backup for ``latest``. A backup with a time in the future
    is the latest only if there is no other one.

    Raises:
        BackupUnusable: there is no such backup.
    """
    if named == LATEST:
        found, now = backups_in(folder), datetime.now(UTC)
        if not found:
            raise BackupUnusable(f"There is no backup in {folder}.")
        return next((backup for backup in found if not backup.is_ahead(now)), found[0])
    path = Path(named) if os.sep in named else folder / named
    if not path.is_dir():
        raise BackupUnusable(f"There is no backup {path}; motcua backup list shows those in {folder}.")
    return _read_manifest(path)


def _read_manifest(path: Path) -> Backup:
    """Read the ``backup.json`` of a folder.

    Raises:
        BackupUnusable: the folder is no backup, or its format is unknown.
    """
    try:
        written: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if written["format"] != FORMAT:
            raise BackupUnusable(
                f"{path} is of format {written['format']}; this version of the program reads {FORMAT}."
            )
        ledger = written["ledger"]
        last = ledger.pop("last_attempt_at")
        return Backup(
            folder=path,
            made_at=datetime.fromisoformat(written["made_at"]),
            finished_at=datetime.fromisoformat(written["finished_at"]),
            recipients=tuple(written["recipients"]),
            ledger=LedgerDump(last_attempt_at=datetime.fromisoformat(last) if last else None, **ledger),
            parts=tuple(Part(**part) for part in written["parts"]),
        )
    except FileNotFoundError:
        raise BackupUnusable(f"{path} is no backup: it has no {MANIFEST}.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BackupUnusable(f"{path} is no backup: its {MANIFEST} cannot be read.") from None


def check_part(backup: Backup, part: Part, seen: Progress) -> None:
    """Read a part to its end and check its size and checksum.

    Raises:
        BackupDamaged: the part is missing, cut off, or was changed.
    """
    path = backup.folder / part.name
    sum_of, read = sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sum_of.update(chunk)
                read += len(chunk)
                seen(part.name, read, part.bytes)
    except FileNotFoundError:
        raise BackupDamaged(f"{path} is missing.") from None
    except OSError as error:
        raise BackupDamaged(f"{path} cannot be read: {error.strerror}.") from None
    if read != part.bytes:
        how = "is too short" if read < part.bytes else "is too long"
        raise BackupDamaged(f"{path} {how}: {read} bytes, not {part.bytes}. The copy is damaged; take another one.")
    if sum_of.hexdigest() != part.sha256:
        raise BackupDamaged(
            f"{path} is damaged: its SHA-256 is {sum_of.hexdigest()}, not {part.sha256}. Take another copy."
        )


# --- Making and removing ---------------------------------------------------------------------------------------------


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Create the folder, lock it against other backups, and remove the folders that interrupted backups left.

    Raises:
        BackupFailed: the folder cannot be written to, or another process is making a backup in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BackupFailed(f"The folder of the backups, {folder}, cannot be written to: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed(f"A backup is being made in {folder} at this moment.") from None
        for path in folder.iterdir():
            if _UNFINISHED.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True)
        yield
    finally:
        os.close(lock)


@contextmanager
def unfinished(folder: Path, moment: datetime) -> Iterator[Path]:
    """Create a folder for the parts of a backup. The folder is removed at the end unless ``finish`` has renamed it."""
    path = folder / f".{name_of(moment)}.unfinished"
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def finish(path: Path, backup: Backup) -> None:
    """Turn an unfinished folder into the backup: write ``backup.json``, then rename the folder."""
    written = asdict(backup)
    del written["folder"]
    write_whole(path / MANIFEST, {"format": FORMAT} | written)
    sync_folder(path)
    path.rename(backup.folder)
    sync_folder(backup.folder.parent)


def note_verified(backup: Backup, verified: VerifiedBackup) -> None:
    """Write the result of a verification into the backup's folder.

    Raises:
        OSError: the folder cannot be written to.
    """
    write_whole(backup.folder / VERIFIED, asdict(verified))


def write_whole(path: Path, value: dict[str, Any]) -> None:
    """Write a small JSON file under a temporary name and rename it, so that no reader sees half of it."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=1, default=lambda moment: moment.isoformat())
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o600)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def remove_old(folder: Path, keep: timedelta, now: datetime) -> list[str]:
    """Remove backups older than ``keep``, except the newest good one, and return their names."""
    last_good = newest_good(folder, now)
    removed = []
    for backup in backups_in(folder):
        if backup.made_at < now - keep and (last_good is None or backup.name != last_good.name):
            # The folder is renamed first, so that an interrupted removal leaves no incomplete backup under its name.
            doomed = folder / f".{backup.name}.unfinished"
            backup.folder.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
            removed.append(backup.name)
    return removed
