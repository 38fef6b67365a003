"""Files with personal data that were handed in or dropped: the providers' statements, which name every number, and
exports of one-stop software."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from motcua.jobs.uploads.waiting import KEPT_WAITING, is_waiting
from motcua.settings import settings
from motcua.store.file_stores import open_store

KEPT_FOR = timedelta(days=90)
"""Statements, from the day on which a file was put there."""
EXPORTS_KEPT_FOR = timedelta(days=30)
"""Exports, likewise: what they told is in the ledger."""


@dataclass(slots=True)
class FilesRemoved:
    """What was removed of the folders of statements and of exports, and what could not be."""

    removed: int = 0
    refused: int = 0


def remove_old_files(now: datetime) -> FilesRemoved:
    """Removes what has lain in the folder of statements for longer than 90 days or in that of exports for longer than
    30, taken or not, whatever its name, and what was sent by the page and nobody confirmed within a day."""
    done = FilesRemoved()
    for url, kept_for in ((settings().statements_url, KEPT_FOR), (settings().files_url, EXPORTS_KEPT_FOR)):
        for file in _files(url):
            try:
                kept = KEPT_WAITING if is_waiting(file.name) else kept_for
                if datetime.fromtimestamp(file.stat().st_mtime, UTC) < now - kept:
                    file.unlink()
                    done.removed += 1
            except FileNotFoundError:
                continue
            except OSError:
                done.refused += 1
    return done


def _files(url: str) -> Iterator[Any]:
    root = open_store(url)
    if not root.is_dir():
        return
    for place in root.iterdir():
        yield from (file for file in (place.iterdir() if place.is_dir() else (place,)) if file.is_file())
