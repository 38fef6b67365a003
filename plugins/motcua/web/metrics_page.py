"""The page that Prometheus reads: the ledger's gauges in its text form."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

from fastapi import HTTPException, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from motcua.settings import settings
from motcua.store.ledger.database import Connection
from motcua.store.watching.metrics import Gauge, backup_gauges, open_gauges, recent_gauges
from motcua.web.ledger_looks import LedgerLook, LedgerSilent

_OPEN_WITHIN = 4.0
_RECENT_WITHIN = 30.0
_WAIT_FOR_RECENT = 4.0
"""Seconds that a reading waits for the figures of the last days before it takes those of before."""
_KEEP_RECENT = 300.0

LEDGER_UP = "motcua_ledger_up"


def check_reader(request: Request) -> None:
    """Lets in who brings the secret as ``Authorization: Bearer …``.

    Raises:
        HTTPException: 404, no secret is set, so there is no page; 401, it is another one.
    """
    secret = settings().metrics_secret
    if secret is None or not secret.get_secret_value():
        raise HTTPException(404)
    kind, _, offered = request.headers.get("authorization", "").partition(" ")
    right = hmac.compare_digest(offered.strip().encode("utf-8", "surrogatepass"), secret.get_secret_value().encode())
    if kind.lower() != "bearer" or not right:
        raise HTTPException(401)


class MetricsPage:
    """Looks at the ledger for the page, however often it is read."""

    def __init__(self) -> None:
        self._open = LedgerLook("ledger gauges", partial(_now, open_gauges), patience=_OPEN_WITHIN, fresh=5)
        self._recent = LedgerLook("ledger days", partial(_now, recent_gauges), patience=_RECENT_WITHIN, fresh=60)

    async def read(self, accepted: str) -> Response:
        """The page in the form that the reader asks for; a ledger that is silent is a figure, too."""
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
        """Ends its threads and connections."""
        self._open.close()
        self._recent.close()


def _now(read: Callable[[Connection, datetime], list[Gauge]], connection: Connection) -> list[Gauge]:
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
