"""Looks into folders while a sender waits for news: no watcher sees a file before it is taken."""

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
"""Seconds; a file is taken by the first look after it was seen the same for long enough."""


class FolderLooks:
    """Takes what is dropped for sources that are told by files, one folder after the other, in a thread of its own:
    a folder may be far away, and a file long. What was taken is news, as watchers tell it.

    A folder that cannot be read is left to the next run, which is red for it; it stops no other.
    """

    def __init__(self) -> None:
        self._looking: threading.Thread | None = None
        self._began_at = float("-inf")

    def know_store(self) -> None:
        """Has Airflow asked now for the store that folders lie in, which is known to this process from then on."""
        with suppress(StoreUnusable):
            if any(is_told_by_files(source) for source in settings().sources):
                open_store(settings().files_url)

    def look(self) -> None:
        """Begins to look, unless that was just now, or is under way."""
        if time.monotonic() < self._began_at + LOOK_EVERY or (self._looking is not None and self._looking.is_alive()):
            return
        self._began_at = time.monotonic()
        if sources := [source for source in settings().sources if is_told_by_files(source)]:
            # What it has not taken when the process ends is taken by the next look; a file is taken whole.
            self._looking = threading.Thread(target=_look_into, args=(sources,), name="folders", daemon=True)
            self._looking.start()

    def close(self, within: float) -> None:
        """Waits so many seconds for a look that is under way."""
        if self._looking is not None:
            self._looking.join(within)


def _look_into(sources: list[str]) -> None:
    for source in sources:
        try:
            if has_unread_files(source):
                take_files(source)
        except FolderFailed as failure:
            log.warning("%s", failure)
        except Exception as error:
            log.warning("the folder of %s is left to the next run: %s", source, reason_without_values(error))
