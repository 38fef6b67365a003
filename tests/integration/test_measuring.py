"""Test that all our gauges are sent to Airflow's metrics (StatsD), under the names that our page for Prometheus has."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.tasks import settle_messages
from motcua.jobs.tasks.settle_messages import settle_run
from motcua.store.watching import metrics
from tests.ground import in_ledger


class Listener:
    """A StatsD server that receives metrics by UDP."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.5)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def heard(self) -> dict[str, float]:
        found: dict[str, float] = {}
        while True:
            try:
                name, _, rest = self._socket.recv(4096).decode().partition(":")
            except TimeoutError:
                return found
            value, _, kind = rest.partition("|")
            assert kind == "g"
            found[name] = float(value)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(configure) -> Iterator[Listener]:
    """Start a StatsD server and send Airflow's metrics to it, set up as in a task's process."""
    listening = Listener()
    configure(
        AIRFLOW__METRICS__STATSD_ON="True",
        AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
        AIRFLOW__METRICS__STATSD_PORT=str(listening.port),
    )
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    yield listening
    listening.close()
    configure(AIRFLOW__METRICS__STATSD_ON="False")
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def expected() -> set[str]:
    now = datetime.now(UTC)
    gauges = in_ledger(metrics.open_gauges, now) + in_ledger(metrics.recent_gauges, now)
    return {".".join(("airflow", gauge.name, *labels)) for gauge in gauges for labels in gauge.samples}


@pytest.mark.guarantee(
    "airflow", "the DAG `settle_messages` sends each figure of the page for Prometheus to Airflow's own metrics, too"
)
def test_settling_emits_every_figure_to_who_listens_to_airflow(agencies, rows, listener):
    rows("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
    rows("INSERT INTO motcua.sources (name, picked_up_at) VALUES ('khanhhoa', now() - interval '7 min')")
    settle_run("run", EVERYTHING)
    heard = listener.heard()
    assert heard.keys() == expected()
    assert 420 <= heard["airflow.motcua_source_read_age_seconds.khanhhoa"] < 480
    assert heard["airflow.motcua_messages_open.result.queued"] == 0
    assert heard["airflow.motcua_gateway_stops.kannel.carrier"] == 0


def test_age_of_the_newest_backup_is_told_where_a_folder_is_set(agencies, listener, configure, tmp_path):
    configure(MOTCUA_BACKUPS=str(tmp_path))
    settle_messages.emit_gauges()
    assert "airflow.motcua_backup_age_seconds" not in listener.heard(), "without a backup there is no age"
    for hours in (30, 5):
        facts = tmp_path / f"{hours}" / "backup.json"
        facts.parent.mkdir()
        facts.write_text("{}")
        made = (datetime.now(UTC) - timedelta(hours=hours)).timestamp()
        os.utime(facts, (made, made))
    settle_messages.emit_gauges()
    assert 5 * 3600 <= listener.heard()["airflow.motcua_backup_age_seconds"] < 5 * 3600 + 60


def test_ledger_is_not_read_where_metrics_are_off(agencies, monkeypatch):
    monkeypatch.setattr(settle_messages, "connect", lambda: pytest.fail("the ledger was asked"))
    assert settle_messages.emit_gauges() == 0


def test_settling_goes_on_when_its_figures_cannot_be_told(agencies, listener, monkeypatch, caplog):
    """A failure to send metrics must not end settling, and its log line holds no value of the error."""

    def fail(*_: object) -> None:
        raise RuntimeError("0905123456")

    monkeypatch.setattr(settle_messages, "open_gauges", fail)
    with caplog.at_level(logging.WARNING):
        settle_run("run", EVERYTHING)
    assert "The gauges were not emitted: RuntimeError" in caplog.text
    assert "0905123456" not in caplog.text
    assert listener.heard() == {}
