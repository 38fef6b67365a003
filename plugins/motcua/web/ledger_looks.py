"""Looks at the ledger for whoever asks, strangers among them: however many ask, one thread asks once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from motcua.store.ledger.database import Connection, Lookout, reason_without_values

Found = TypeVar("Found")

_log = logging.getLogger(__name__)


class LedgerSilent(Exception):
    """The ledger did not answer; the message says so in plain words that a stranger may read."""


@dataclass(frozen=True, slots=True)
class _Look(Generic[Found]):
    at: float
    found: Found | None = None
    error: Exception | None = None


class LedgerLook(Generic[Found]):
    """One question to the ledger, with a thread and a connection of its own: neither receipts nor inquiries can hold it
    up, nor it them.

    Whoever asks while it is being asked waits for the same answer, and an answer serves all who ask within moments. To
    be used from one event loop.
    """

    def __init__(self, name: str, question: Callable[[Connection], Found], *, patience: float, fresh: float) -> None:
        """Asks nothing yet.

        Args:
            name: of the thread, and in logs.
            question: what is asked.
            patience: seconds until the ledger is taken to be silent.
            fresh: seconds for which an answer, or the lack of one, is given to all who ask.
        """
        self._name, self._question, self._patience, self._fresh = name, question, patience, fresh
        self._lookout = Lookout(patience)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._asking: Future[_Look[Found]] | None = None
        self._asked_at = 0.0
        self._failed_at: float | None = None
        self._failure = ""
        self.answer: tuple[float, Found] | None = None
        """The last one, and when it came by the monotonic clock; none after a failure."""

    async def get(self, wait: float | None = None) -> Found:
        """The answer.

        Args:
            wait: seconds, where the caller waits for less than the ledger is given.

        Raises:
            LedgerSilent: none came.
        """
        self._take_in()
        now = time.monotonic()
        if self._asking is None:
            if self.answer is not None and now - self.answer[0] < self._fresh:
                return self.answer[1]
            if self._failed_at is not None and now - self._failed_at < self._fresh:
                raise LedgerSilent(self._failure)
            self._asked_at = now
            self._asking = self._thread.submit(self._look)
        # A caller who goes away takes the question from nobody.
        await asyncio.wait([asyncio.wrap_future(self._asking)], timeout=self._patience if wait is None else wait)
        self._take_in()
        if self._asking is not None:
            if time.monotonic() - self._asked_at >= self._patience:
                self._lookout.give_up()
            raise LedgerSilent(f"the ledger did not answer within {self._patience:g} s")
        if self.answer is None:
            raise LedgerSilent(self._failure)
        return self.answer[1]

    def _look(self) -> _Look[Found]:
        try:
            found = self._lookout.ask(self._question)
        except Exception as error:
            return _Look(time.monotonic(), error=error)
        return _Look(time.monotonic(), found=found)

    def _take_in(self) -> None:
        """Keeps what the thread has brought, also after nobody waited any more."""
        if self._asking is None or not self._asking.done():
            return
        look, self._asking = self._asking.result(), None
        if look.error is None:
            if self._failed_at is not None:
                _log.info("%s: the ledger answers again", self._name)
            self.answer, self._failed_at = (look.at, cast("Found", look.found)), None
            return
        if self._failed_at is None:
            # Host, port and role are for the log.
            _log.warning("%s: the ledger does not answer: %s", self._name, reason_without_values(look.error))
        self._failed_at, self._failure = look.at, f"the ledger does not answer: {type(look.error).__name__}"
        # What it said before says nothing of now.
        self.answer = None

    def close(self) -> None:
        """Ends thread and connection."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._lookout.close()
