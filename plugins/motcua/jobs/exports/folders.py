"""Check the folders of sources for new exports while a run sends messages.

The processes that watch sources for unread rows (motcua.jobs.notices.looking) do not see files.
"""

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
"""Seconds between two checks of the folders. A file is imported by the first check after it stayed unchanged for
``SETTLED``."""


class FolderLooks:
    """Imports the exports of sources that deliver files, one folder after the other, in a thread of its own.

    A thread is needed because a folder may be slow to answer, and a file may be long. The content of an imported file
    is stored in the ledger as pushed rows are, and the watching processes report it as unread rows. A folder that
    cannot be read is skipped here. The next run tries it again, and fails if it still cannot be read.
    """

    def __init__(self) -> None:
        self._looking: threading.Thread | None = None
        self._began_at = float("-inf")

    def know_store(self) -> None:
        """Get the connection to the folders' store from Airflow now. This process keeps the connection, so that no
        later check of the folders needs to ask Airflow."""
        with suppress(StoreUnusable):
            if any(is_told_by_files(source) for source in settings().sources):
                open_store(settings().files_url)

    def look(self) -> None:
        """Start a check of the folders, unless the last one began within ``LOOK_EVERY`` seconds or still runs."""
        if time.monotonic() < self._began_at + LOOK_EVERY or (self._looking is not None and self._looking.is_alive()):
            return
        self._began_at = time.monotonic()
        if sources := [source for source in settings().sources if is_told_by_files(source)]:
            # The process may end before this check of the folders. Each file is imported as a whole, and the next check
            # imports the remaining files.
            self._looking = threading.Thread(target=_look_into, args=(sources,), name="folders", daemon=True)
            self._looking.start()

    def close(self, within: float) -> None:
        """Wait up to ``within`` seconds for a check of the folders that still runs."""
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
