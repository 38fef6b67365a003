"""Checks of this machine: folders, disks, time zone, installed versions, and the backups stored here."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from motcua.domain.checks import Finding, fault
from motcua.jobs.backup.folders import backups_in, newest_good
from motcua.jobs.doctor.examining import Examination, some
from motcua.jobs.doctor.server_files import backups_folder
from motcua.jobs.watching.outside import disks_of
from motcua.settings import Settings

PYTHONS = ((3, 11), (3, 12), (3, 13))
"""The versions of Python that pyproject.toml supports."""
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+(?:\[.*?\])?==[^\\\n]+)", re.MULTILINE)
_OFFSETS = (0, 7 * 3600)
"""Seconds east of UTC, for UTC itself and for Vietnam."""
_REHEARSED_WITHIN = timedelta(days=365)


def folders(examination: Examination) -> Iterator[Finding]:
    """Check that this process may read or write each folder as its work needs."""
    for variable, folder, writes in _folders(examination.settings):
        if (why := _unusable(folder, writes)) is not None:
            yield fault("folder_unusable", f"{folder} ({variable})", why)


def _folders(settings: Settings) -> Iterator[tuple[str, Path, bool]]:
    yield "MOTCUA_JOURNAL", settings.journal_folder, True
    for variable, url, writes in (
        ("MOTCUA_PUBLICATIONS", settings.publications_url, True),
        # With Compose, most services only read this folder and the next one, and cannot write there.
        ("MOTCUA_STATEMENTS", settings.statements_url, False),
        ("MOTCUA_FILES", settings.files_url, False),
    ):
        if url.startswith("file://"):
            yield variable, Path(url.removeprefix("file://")), writes
    if logs := os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER"):
        yield "AIRFLOW__LOGGING__BASE_LOG_FOLDER", Path(logs), True


def _unusable(folder: Path, writes: bool) -> str | None:
    try:
        if folder.exists() and not folder.is_dir():
            return "it is no folder"
        existing = folder
        while not existing.exists():
            # A missing folder is created at the first write, so its nearest existing parent is checked.
            existing = existing.parent
        if not existing.is_dir():
            return f"{existing} is no folder"
        how = os.R_OK | os.X_OK | (os.W_OK if writes else 0)
        if (writes or existing == folder) and not os.access(existing, how):
            who = f"user {os.geteuid()} may not {'write' if writes else 'read'} there"
            return who if existing == folder else f"it is missing, and in {existing} {who}"
    except OSError as error:
        return error.strerror
    return None


def disks(examination: Examination) -> Iterator[Finding]:
    """Check that each disk with growing data has enough free space."""
    settings = examination.settings
    watched = [*settings.watched_disks, *(folder for _, folder, _ in _folders(settings)), settings.backups_folder]
    for disk in disks_of(dict.fromkeys(watched)):
        if disk.free < settings.watch_disk_free:
            yield fault("disk_low", str(disk.folder), f"{disk.free / 1e9:.1f} GB of {disk.total / 1e9:.0f} GB free")


def zone(examination: Examination) -> Iterator[Finding]:
    """Check that the machine's time zone is UTC or that of Vietnam."""
    east = time.localtime().tm_gmtoff
    if east not in _OFFSETS:
        yield fault("zone_differs", "this machine", f"its clock shows UTC{east / 3600:+g} h")


def versions(examination: Examination) -> Iterator[Finding]:
    """Check that Python is a supported version, and that the installed packages have the versions of the lock file."""
    if sys.version_info[:2] not in PYTHONS:
        yield fault("python_version", "this machine", f"it is {sys.version_info[0]}.{sys.version_info[1]}")
    lock = examination.settings.home / "requirements-production.lock"
    if not lock.is_file():
        return
    differ = []
    for line in _LOCKED.findall(lock.read_text(encoding="utf-8")):
        locked = Requirement(line.strip())
        if locked.marker is not None and not locked.marker.evaluate():
            continue
        try:
            installed = version(locked.name)
        except PackageNotFoundError:
            # The lock also lists packages that this installation does not need.
            continue
        if not locked.specifier.contains(installed, prereleases=True):
            differ.append(f"{locked.name} {installed} instead of {str(locked.specifier).removeprefix('==')}")
    if differ:
        yield fault("package_differs", str(lock), some(differ))


def backups(examination: Examination) -> Iterator[Finding]:
    """Check that a good and recent backup exists, and that a backup was read with the private key within the last year.

    A folder that this process may not read is not checked.
    """
    installation, settings = examination.installation, examination.settings
    folder = backups_folder(installation) or settings.backups_folder
    if not settings.watch_backup_age:
        return
    if not folder.is_dir() and not installation.of_files:
        yield fault("folder_unusable", f"{folder} (MOTCUA_BACKUPS)", "it is missing: no backup is seen from here")
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return
    newest = newest_good(folder, examination.now)
    if newest is None:
        # A new installation has no backup before its first night.
        if not installation.of_files:
            yield fault("backup_missing", str(folder))
        return
    age = examination.now - newest.made_at
    if age > settings.watch_backup_age:
        yield fault("backup_old", str(folder), f"{newest.name} is {age.total_seconds() / 3600:.0f} hours old")
    read = [
        looked.at
        for backup in backups_in(folder)
        if (looked := backup.verified()) is not None and looked.how == "read" and looked.fault is None
    ]
    if not read or max(read) < examination.now - _REHEARSED_WITHIN:
        yield fault("backup_never_read", str(folder))
