"""The ledger's gauges through Airflow's own metrics: StatsD or OpenTelemetry, whatever the installation has set up."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from motcua.settings import settings
from motcua.store.ledger.database import connect, reason_without_values
from motcua.store.watching.metrics import Gauge, backup_gauges, open_gauges, recent_gauges

log = logging.getLogger(__name__)


def emit_gauges() -> int:
    """Emits each figure of the ledger under its name and its labels' values, as ``motcua_messages_open.result.queued``.

    Plain StatsD has no labels, and figures that differ by them alone would overwrite each other. Where Airflow's
    metrics are off nothing is read. A failure is logged and hinders nobody: the caller has work of its own.

    Returns: how many figures.
    """
    from airflow.sdk.observability import stats

    if not _metrics_are_on():
        return 0
    now = datetime.now(UTC)
    try:
        with connect() as ledger:
            gauges = open_gauges(ledger, now) + recent_gauges(ledger, now) + backup_gauges(settings().backups, now)
        figures = {name: value for gauge in gauges for name, value in _named(gauge).items()}
        for name, value in figures.items():
            stats.gauge(name, value)
    except Exception as error:
        log.warning("The gauges were not emitted: %s", reason_without_values(error))
        return 0
    return len(figures)


def _named(gauge: Gauge) -> dict[str, float]:
    return {".".join((gauge.name, *labels)): value for labels, value in gauge.samples.items()}


def _metrics_are_on() -> bool:
    from airflow.sdk.configuration import conf

    return any(
        conf.getboolean("metrics", name, fallback=False) for name in ("statsd_on", "otel_on", "statsd_datadog_enabled")
    )
