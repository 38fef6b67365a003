"""Check the folders of sources for exports while a sender waits for news, because no watcher sees these files."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from motcua.jobs.exports.taking import FolderFailed, has_unread_files, is_told_by_files, take_files
from motcua.settings import settings
from motcua.store.file_stores import StoreUnusable, open_store
from motcua.store.ledger.database import reason_without_values

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0
"""Seconds between two looks into the folders. ``take_files`` reads a file that stayed the same for long enough."""


class FolderLooks:
    """Imports the exports of sources that drop files, one folder after the other, in a thread of its own.

    A thread is needed because a folder may be slow to answer, and a file may be long. The imported rows are news, as if
    a watcher had reported them. A folder that cannot be read is skipped here. The next run tries it again, and fails if
    it still cannot be read.
    """

    def __init__(self) -> None:
        self._looking: threading.Thread | None = None
        self._began_at = float("-inf")

    def know_store(self) -> None:
        """Get the connection to the folders' store from Airflow now. This process keeps it, so that no later look needs
        to ask Airflow."""
        with suppress(StoreUnusable):
            if any(is_told_by_files(source) for source in settings().sources):
                open_store(settings().files_url)

    def look(self) -> None:
        """Start a look into the folders, unless one began within ``LOOK_EVERY`` seconds or still runs."""
        if time.monotonic() < self._began_at + LOOK_EVERY or (self._looking is not None and self._looking.is_alive()):
            return
        self._began_at = time.monotonic()
        if sources := [source for source in settings().sources if is_told_by_files(source)]:
            # The process may end before the look. Each file is imported as a whole, and the next look imports the rest.
            self._looking = threading.Thread(target=_look_into, args=(sources,), name="folders", daemon=True)
            self._looking.start()

    def close(self, within: float) -> None:
        """Wait up to ``within`` seconds for a look that still runs."""
        if self._looking is not None:
            self._looking.join(within)


def _look_into(sources: list[str]) -> None:
    """Import the unread files of each source and log each folder that fails."""
    for source in sources:
        try:
            if has_unread_files(source):
                take_files(source)
        except FolderFailed as failure:
            log.warning("%s", failure)
        except Exception as error:
            log.warning("the folder of %s is left to the next run: %s", source, reason_without_values(error))
