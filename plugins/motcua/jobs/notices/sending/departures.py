"""Writes each attempt to the journal, after the attempt is committed in the ledger and before its request is sent.

One thread writes for all lanes (a lane sends to one gateway), so that the sender's main loop does not wait for the
disk. The thread writes all attempts that are ready at one moment with one write and one sync
(docs/decisions/restores.md).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.jobs.notices.sending.heartbeat import Heart
from motcua.jobs.notices.sending.lanes import HELD_BACK, Answered, Asked, Call, Lane
from motcua.store.journal import Departure, Journal, JournaledAnswer, JournalFailed


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call (one request for one message) whose attempt is committed in the ledger."""

    lane: Lane
    call: Call
    start_at: float
    """When the request is to start, by the monotonic clock."""


class Departures:
    """Writes the journal of one sender, and starts its calls afterwards."""

    def __init__(
        self,
        journal: Journal,
        clock: Callable[[], datetime],
        call: Callable[[Lane, Call, float], None],
        answers: queue.SimpleQueue[Answered | Asked],
        heart: Heart,
    ) -> None:
        self.journal, self.clock, self.call, self.answers, self.heart = journal, clock, call, answers, heart
        self.failure: JournalFailed | None = None
        """The error that prevents further writes to the journal; ``None`` if there was no error. After an error no more
        calls start."""
        self._waiting: queue.SimpleQueue[tuple[list[_Ready], list[JournaledAnswer]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def depart(self, lane: Lane, calls: Sequence[Call], committed_at: float) -> None:
        """Start calls as soon as the journal contains them. Each call gets an answer: ``HELD_BACK`` if it did not
        start."""
        if calls:
            self._waiting.put(([_Ready(lane, each, committed_at + each.start_in) for each in calls], []))

    def note(self, answered: Sequence[Answered]) -> None:
        """Queue gateways' answers for the journal, without waiting for the write."""
        now = self.clock()
        answers = [
            JournaledAnswer(each.call.request.reference, now, each.answer.outcome, each.answer.gateway_reference)
            for each in answered
        ]
        self._waiting.put(([], answers))

    def close(self) -> None:
        """Write the queued attempts and answers, and end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            ready: list[_Ready] = []
            answers: list[JournaledAnswer] = []
            item = self._waiting.get()
            while True:
                if item is None:
                    ended = True
                else:
                    ready += item[0]
                    answers += item[1]
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
            self._write(ready, answers)

    def _write(self, ready: Sequence[_Ready], answers: Sequence[JournaledAnswer]) -> None:
        now = self.clock()
        try:
            if self.failure is None:
                with self.heart.writing():
                    self.journal.write([_departure(each, now) for each in ready], answers, now)
        except Exception as failure:
            self.failure = failure if isinstance(failure, JournalFailed) else JournalFailed(type(failure).__name__)
        for each in ready:
            if self.failure is None:
                each.lane.pool.submit(self.call, each.lane, each.call, each.start_at)
            else:
                self.answers.put(Answered(each.lane, each.call, HELD_BACK))


def _departure(ready: _Ready, now: datetime) -> Departure:
    message, request = ready.call.message, ready.call.request
    return Departure(
        reference=request.reference,
        departed_at=now,
        gateway=ready.lane.name,
        source=message.elsewhere.source,
        agency_code=message.elsewhere.agency_code,
        dossier_code=message.elsewhere.dossier_code,
        kind=message.words.kind,
        occasion=message.elsewhere.known_elsewhere_as,
        segments=request.units,
    )
