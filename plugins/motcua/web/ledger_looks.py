"""Answer questions about the ledger that unauthenticated callers and monitors ask, with one query for all callers.

The questions are whether the ledger answers, the figures for Prometheus, and the page for a watch (a process that runs
checks and raises alerts) on another machine. Each question has a thread, which asks it once, however many callers wait
for the answer.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar, cast

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from pydantic import TypeAdapter, ValidationError

from motcua.domain.restores import Witness
from motcua.domain.watching.elsewhere import ServerPage
from motcua.settings import settings
from motcua.store.ledger.database import Connection, Lookout, reason_without_values
from motcua.store.notices.gaps import give_testimony
from motcua.store.watching.metrics import Gauge, backup_gauges, open_gauges, recent_gauges
from motcua.store.watching.watch import seen_from_outside

Found = TypeVar("Found")

_log = logging.getLogger(__name__)


class LedgerSilent(Exception):
    """Raised if the ledger does not answer. The message holds no detail, because unauthenticated callers may read
    it."""


@dataclass(frozen=True, slots=True)
class _Look(Generic[Found]):
    at: float
    found: Found | None = None
    error: Exception | None = None


class LedgerLook(Generic[Found]):
    """One question to the ledger, with its own thread and connection.

    Receipts and inquiries cannot delay the question, and the question cannot delay receipts and inquiries. Callers that
    come while the question runs wait for the same answer, and an answer is used again for ``fresh`` seconds. An object
    of this class may be used from one event loop only.
    """

    def __init__(self, name: str, question: Callable[[Connection], Found], *, patience: float, fresh: float) -> None:
        """Create the question without asking it.

        Args:
            name: name of the thread, also used in logs.
            question: the function that queries the ledger.
            patience: seconds after which the ledger counts as silent.
            fresh: seconds for which an answer, or a failure, is given to all callers.
        """
        self._name, self._question, self._patience, self._fresh = name, question, patience, fresh
        self._lookout = Lookout(patience)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._asking: Future[_Look[Found]] | None = None
        self._asked_at = 0.0
        self._failed_at: float | None = None
        self._failure = ""
        self.answer: tuple[float, Found] | None = None
        """The time of the last answer by the monotonic clock, and the answer. ``None`` after a failure."""

    async def get(self, wait: float | None = None) -> Found:
        """Return the answer of the ledger.

        Args:
            wait: seconds that the caller waits. The default is ``patience``.

        Raises:
            LedgerSilent: no answer came.
        """
        self._store_result()
        now = time.monotonic()
        if self._asking is None:
            if self.answer is not None and now - self.answer[0] < self._fresh:
                return self.answer[1]
            if self._failed_at is not None and now - self._failed_at < self._fresh:
                raise LedgerSilent(self._failure)
            self._asked_at = now
            self._asking = self._thread.submit(self._query_ledger)
        # A caller that disconnects must not cancel the question of the other callers.
        await asyncio.wait([asyncio.wrap_future(self._asking)], timeout=self._patience if wait is None else wait)
        self._store_result()
        if self._asking is not None:
            if time.monotonic() - self._asked_at >= self._patience:
                self._lookout.give_up()
            raise LedgerSilent(f"the ledger did not answer within {self._patience:g} s")
        if self.answer is None:
            raise LedgerSilent(self._failure)
        return self.answer[1]

    def _query_ledger(self) -> _Look[Found]:
        try:
            found = self._lookout.ask(self._question)
        except Exception as error:
            return _Look(time.monotonic(), error=error)
        return _Look(time.monotonic(), found=found)

    def _store_result(self) -> None:
        """Store the result of the thread, even if no caller waits for it any more."""
        if self._asking is None or not self._asking.done():
            return
        look, self._asking = self._asking.result(), None
        if look.error is None:
            if self._failed_at is not None:
                _log.info("%s: the ledger answers again", self._name)
            self.answer, self._failed_at = (look.at, cast("Found", look.found)), None
            return
        if self._failed_at is None:
            # Host, port and role may be written into the log, but not into an answer.
            _log.warning("%s: the ledger does not answer: %s", self._name, reason_without_values(look.error))
        self._failed_at, self._failure = look.at, f"the ledger does not answer: {type(look.error).__name__}"
        # An answer from before the failure no longer describes the ledger.
        self.answer = None

    def close(self) -> None:
        """End the thread and close the connection."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._lookout.close()


# --- The page of a watch on another machine ---------------------------------------------------------------------------

_OUTSIDE_WITHIN = 4.0
_PAGE, _TESTIMONY = TypeAdapter(ServerPage), TypeAdapter(Witness)
_LARGEST = 2**31 - 1
"""Highest number of missing attempts that a testimony may state. A missing attempt was seen in the ledger by the watch,
and is no longer there."""


class OutsidePage:
    """The page that a watch on another machine reads, and the testimonies that the watch sends.

    A testimony states when the watch saw this server and its ledger.
    """

    def __init__(self) -> None:
        self._page = LedgerLook(
            "ledger from outside", partial(_as_of_now, seen_from_outside), patience=_OUTSIDE_WITHIN, fresh=1
        )
        self._lookout = Lookout(_OUTSIDE_WITHIN)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="testimony")

    async def read(self) -> Response:
        """Return the page with the time by this machine's clock, or 503 with the reason if the ledger is silent."""
        try:
            page = await self._page.get()
        except LedgerSilent as silence:
            return _silent_answer(silence)
        body = _PAGE.dump_json(replace(page, at=datetime.now(UTC)))
        return Response(body, media_type="application/json")

    async def take(self, body: bytes) -> Response:
        """Store a testimony.

        Tasks of DAG runs decide later whether the testimony counts, and to which gap (a time of which the ledger may
        lack data) it belongs.

        Raises:
            HTTPException: 400, the body is not a testimony.
        """
        said = read_testimony(body)
        if said is None:
            raise HTTPException(400)
        writing = self._writing.submit(self._lookout.ask, lambda ledger: give_testimony(ledger, said))
        try:
            await asyncio.wait_for(asyncio.wrap_future(writing), _OUTSIDE_WITHIN)
        except Exception as error:
            self._lookout.give_up()
            _log.warning("the report of a watch on another machine was not stored: %s", reason_without_values(error))
            return _silent_answer(LedgerSilent(f"the ledger does not answer: {type(error).__name__}"))
        return Response(status_code=204)

    def close(self) -> None:
        """End the threads of the page and close their connections."""
        self._page.close()
        self._writing.shutdown(wait=False, cancel_futures=True)
        self._lookout.close()


def read_testimony(body: bytes) -> Witness | None:
    """Return the testimony in a body, or ``None`` if the body holds no testimony that the ledger can store."""
    try:
        said = _TESTIMONY.validate_json(body)
    except ValidationError:
        return None
    moments = [said.awake_since, said.sees_since, said.about, said.later.seen_at if said.later else None]
    if any(each is not None and (each.tzinfo is None or not 2000 <= each.year < 9000) for each in moments):
        return None
    return said if said.later is None or 0 <= said.later.attempts <= _LARGEST else None


def _silent_answer(silence: LedgerSilent) -> Response:
    return JSONResponse({"ledger": str(silence)}, status_code=503)


# --- Figures: the ledger's gauges in the text form of Prometheus -----------------------------------------------------

_OPEN_WITHIN = 4.0
_RECENT_WITHIN = 30.0
_WAIT_FOR_RECENT = 4.0
"""Seconds that a request waits for new figures of the last days before it gets the figures of the previous answer."""
_KEEP_RECENT = 300.0

LEDGER_UP = "motcua_ledger_up"


def check_reader(request: Request) -> None:
    """Refuse a caller that does not send the secret as ``Authorization: Bearer …``.

    Raises:
        HTTPException: 404, no secret is set, so there is no page; 401, the caller's secret is wrong.
    """
    secret = settings().metrics_secret
    if secret is None or not secret.get_secret_value():
        raise HTTPException(404)
    kind, _, offered = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(offered.strip().encode("utf-8", "surrogatepass"), secret.get_secret_value().encode())
    if kind.lower() != "bearer" or not right:
        raise HTTPException(401)


class MetricsPage:
    """The page of figures for Prometheus. It limits how often the ledger is queried, however often the page is read."""

    def __init__(self) -> None:
        self._open = LedgerLook("ledger gauges", partial(_as_of_now, open_gauges), patience=_OPEN_WITHIN, fresh=5)
        self._recent = LedgerLook("ledger days", partial(_as_of_now, recent_gauges), patience=_RECENT_WITHIN, fresh=60)

    async def read(self, accepted: str) -> Response:
        """Return the page in the format that the reader accepts. One figure says whether the ledger answers."""
        try:
            gauges = await self._open.get()
        except LedgerSilent:
            gauges = []
        up = Gauge(LEDGER_UP, "1: the ledger answers this page.", (), {(): float(bool(gauges))})
        encode, media_type = choose_encoder(accepted)
        recent = await self._recent_gauges() if gauges else []
        backups = await asyncio.to_thread(backup_gauges, settings().backups, datetime.now(UTC))
        body = encode(_registry([up, *gauges, *recent, *backups]))
        return Response(body, headers={"Content-Type": media_type})

    async def _recent_gauges(self) -> list[Gauge]:
        try:
            return await self._recent.get(_WAIT_FOR_RECENT)
        except LedgerSilent:
            last = self._recent.answer
            return last[1] if last is not None and time.monotonic() - last[0] < _KEEP_RECENT else []

    def close(self) -> None:
        """End the threads of the page and close their connections."""
        self._open.close()
        self._recent.close()


def _as_of_now(read: Callable[[Connection, datetime], Found], connection: Connection) -> Found:
    return read(connection, datetime.now(UTC))


class _Gauges(Collector):
    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=gauge.labels)
            for labels, value in gauge.samples.items():
                family.add_metric(labels, value)
            yield family


def _registry(gauges: Iterable[Gauge]) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Gauges(gauges))
    return registry
