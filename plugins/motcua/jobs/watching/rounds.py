"""Common parts of the server's watch and the watch from another machine: one process per folder, rounds, letters."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from motcua.domain.watching.alerts import Changes
from motcua.jobs.watching.keeping import WatchState, load_state, save_state, the_one_watch
from motcua.jobs.watching.telling import send_letters, write_about_alerts
from motcua.settings import Settings

log = logging.getLogger(__name__)


def this_moment() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


class Rounds(ABC):
    """A watch that works in rounds. Only one process at a time may use the watch's folder.

    Args:
        given: the settings.
        clock: returns the current time.
    """

    def __init__(self, given: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = given
        self._clock = clock
        self.folder: Path = given.watch_folder
        self._unsaved: WatchState | None = None
        """The state if it could not be saved, as on a full disk. ``None`` if the file holds the newest state."""

    @abstractmethod
    def _round(self, state: WatchState, now: datetime, keep: Callable[[], None]) -> None:
        """Run one round and act on its changes. ``keep`` saves the state and is called after each step that must not be
        repeated."""

    def go_on(self, stop: threading.Event) -> None:
        """Run rounds until ``stop`` is set. A round that fails is logged, and the next round tries again.

        If the state cannot be saved, as on a full disk, the watch continues with the state in memory, because people
        must be informed of the fault.

        Raises:
            AlreadyWatching: Another watch runs in this folder.
            OSError: The folder cannot be used.
        """
        with the_one_watch(self.folder):
            every = self._settings.watch_round.total_seconds()
            while not stop.is_set():
                began = time.monotonic()
                try:
                    self._look_once(self._keep_in_memory)
                except Exception:
                    log.exception("a round of the watch failed; the next round runs as usual")
                stop.wait(max(every - (time.monotonic() - began), 1.0))

    def once(self) -> WatchState:
        """Run one round, and return the state after it.

        If the state cannot be saved, no letter is sent, because each later call would send the same letter again.

        Raises:
            AlreadyWatching: Another watch runs in this folder.
            OSError: The folder cannot be used.
        """
        with the_one_watch(self.folder):
            return self._look_once(lambda state: save_state(self.folder, state))

    def _look_once(self, save: Callable[[WatchState], None]) -> WatchState:
        now = self._clock()
        state = self._unsaved or load_state(self.folder, now)
        self._round(state, now, lambda: save(state))
        return state

    def _keep_in_memory(self, state: WatchState) -> None:
        try:
            save_state(self.folder, state)
        except OSError as error:
            log.error("the state of the watch cannot be saved: %s", error.strerror)
            self._unsaved = state
        else:
            self._unsaved = None

    def _tell(self, state: WatchState, changes: Changes, now: datetime, keep: Callable[[], None]) -> None:
        """Log the alerts that a round raised or ended, and send a letter about them at once."""
        for alert in changes.raised:
            log.warning("alert %s", alert.key)
        for alert in changes.over:
            log.warning("over: %s", alert.key)
        state.over += changes.over
        if changes.raised or changes.over:
            write_about_alerts(state, changes.raised, changes.over, self._settings, now)
            keep()
            send_letters(state, self._settings, now, keep)
