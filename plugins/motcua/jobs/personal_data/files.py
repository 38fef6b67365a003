"""Files with personal data that were handed in: the providers' statements, which name every number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from motcua.jobs.uploads.statements import KEPT_WAITING, is_waiting
from motcua.settings import settings
from motcua.store.file_stores import open_store

KEPT_FOR = timedelta(days=90)
"""From the day on which a file was put there."""


@dataclass(slots=True)
class FilesRemoved:
    """What was removed of the folder of statements, and what could not be."""

    removed: int = 0
    refused: int = 0


def remove_old_files(now: datetime) -> FilesRemoved:
    """Removes what has lain in the folder of statements for longer than 90 days, taken or not, whatever its name, and
    what was sent by the page and nobody confirmed within a day."""
    done = FilesRemoved()
    for file in _files():
        try:
            kept = KEPT_WAITING if is_waiting(file.name) else KEPT_FOR
            if datetime.fromtimestamp(file.stat().st_mtime, UTC) < now - kept:
                file.unlink()
                done.removed += 1
        except FileNotFoundError:
            continue
        except OSError:
            done.refused += 1
    return done


def _files() -> Iterator[Any]:
    root = open_store(settings().statements_url)
    if not root.is_dir():
        return
    for place in root.iterdir():
        yield from (file for file in (place.iterdir() if place.is_dir() else (place,)) if file.is_file())
