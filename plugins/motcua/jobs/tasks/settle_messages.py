"""The tasks of the DAG ``settle_messages``: settle, send the ledger's gauges to Airflow's metrics, gate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from motcua.domain.checks import Finding, fault
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.watching.judging import silence_of
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.jobs.gates import demand_nothing_left
from motcua.jobs.notices.sending.lanes import open_and_note
from motcua.jobs.notices.settling import settle
from motcua.jobs.page_requests import carry_out_requests
from motcua.jobs.tasks.notify_transitions import asked_to_stop
from motcua.settings import settings
from motcua.store.ledger.database import connect, reason_without_values, without_values
from motcua.store.notices.messages import count_held
from motcua.store.oversight.page_requests import untold
from motcua.store.watching.metrics import backup_gauges, open_gauges, recent_gauges
from motcua.store.watching.watch import watch_life

log = logging.getLogger(__name__)


def emit_gauges() -> int:
    """Send each gauge of the ledger to Airflow's metrics. The sent name is the gauge's name and its labels' values, for
    example ``motcua_messages_open.result.queued``.

    Plain StatsD has no labels, so figures that differ only in labels would overwrite each other. Read nothing if
    Airflow's metrics are off. A failure is only logged, so that the caller goes on.

    Returns: the number of gauges that were sent.
    """
    from airflow.sdk.observability import stats

    if not _metrics_are_on():
        return 0
    now = datetime.now(UTC)
    try:
        with connect() as ledger:
            gauges = open_gauges(ledger, now) + recent_gauges(ledger, now) + backup_gauges(settings().backups, now)
        figures = {
            ".".join((gauge.name, *labels)): value for gauge in gauges for labels, value in gauge.samples.items()
        }
        for name, value in figures.items():
            stats.gauge(name, value)
    except Exception as error:
        log.warning("The gauges were not emitted: %s", reason_without_values(error))
        return 0
    return len(figures)


def _metrics_are_on() -> bool:
    from airflow.sdk.configuration import conf

    return any(
        conf.getboolean("metrics", name, fallback=False) for name in ("statsd_on", "otel_on", "statsd_datadog_enabled")
    )


@without_values()
def settle_run(run_id: str, window: Window) -> dict[str, Any]:
    """Settle messages and return the counts. Since this task runs every few minutes, it also carries out page requests
    and sends the ledger's gauges to Airflow's metrics."""
    with asked_to_stop() as stop:
        counts: dict[str, Any] = asdict(settle(run_id, window, stop=stop))
    if window is EVERYTHING:
        counts["requests"] = asdict(carry_out_requests())
    emit_gauges()
    return counts


@without_values()
def gate(window: Window, failed_tasks: Sequence[str] = ()) -> None:
    """End the run: fail if work is left undone, and name each reason.

    These are the reasons:

    - A task failed.
    - People must decide about messages of unknown outcome that are still useful.
    - A gateway is misconfigured.
    - The watch (the monitoring process) is silent.
    - A page request could not be mailed to the Department.

    Raises:
        RunIncomplete: the run failed; the error has all findings.
    """
    left, misconfigured = [], []
    with connect() as ledger:
        for count in count_held(ledger, window, datetime.now(UTC)):
            if count.useful and _holds(count.gateway):
                detail = f"{count.useful} message(s) of unknown outcome at {count.gateway}: motcua messages held"
                facts = {"messages": count.useful, "gateway": count.gateway, "since": None, "detail": detail}
                left.append(Finding("unknown_old", facts, count.gateway))
        waiting, why = untold(ledger)
        life = watch_life(ledger) if window is EVERYTHING else None
        for name in settings().gateways:
            try:
                open_and_note(ledger, name)
            except GatewayMisconfigured as failure:
                misconfigured.append(fault("gateway_misconfigured", name, str(failure), fault=str(failure)))
    if life is not None and (silence := silence_of(life.looked_at, datetime.now(UTC))) is not None:
        detail = f"the watch has been silent for {silence.total_seconds() // 60:.0f} minutes: start it again"
        left.append(fault("watch_silent", "", detail, since=life.looked_at.isoformat()))
    if waiting:
        detail = f"{waiting} request(s) of the pages wait, because no mail about them reached the Department: {why}"
        left.append(fault("requests_untold", "", detail, requests=waiting, why=why))
    demand_nothing_left(failed_tasks, [*left, *misconfigured])


def _holds(gateway: str) -> bool:
    """Return whether people decide about unknown messages of the gateway. Otherwise the gateway's policy decides after
    some time."""
    try:
        address = open_gateway(gateway).address
    except GatewayMisconfigured:
        return True
    return address.when_unknown == "hold"
