"""Test that a real Airflow with its triggerer mails about late apologies and failed gates, and sends metrics."""

from __future__ import annotations

import email
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.live.airflow import LiveAirflow, live_airflow
from tests.prove.resilience import contract

pytestmark = pytest.mark.alone

APOLOGIES = "apologize_due_tomorrow"
WATCHER = "truc@example.vn"
LATE, RED = "tin xin lỗi chưa gửi xong", "«Nhắn tin khi hồ sơ chuyển bước» báo lỗi"


@pytest.fixture(scope="module")
def statsd() -> Iterator[socket.socket]:
    """Yield a UDP socket that receives Airflow's metrics."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(1)
        yield listening


@pytest.fixture(scope="module")
def live(statsd: socket.socket) -> Iterator[LiveAirflow]:
    folder = Path(tempfile.mkdtemp(prefix="motcua-live-"))
    told = {
        "MOTCUA_LINGER_QUIET": "0.5",
        "MOTCUA_WATCH_RECIPIENTS": WATCHER,
        "MOTCUA_METRICS_SECRET": "watching-word-9",
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd.getsockname()[1]),
        "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "motcua_",
    }
    try:
        with live_airflow(folder, contract.RETRY_LATER | told) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def mails(live: LiveAirflow, about: str, of: str = "") -> list[str]:
    """Return the texts of the mails to ``WATCHER`` with ``about`` in the subject and ``of`` in the text."""
    read = (
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((live.folder / "mailbox").glob("*.eml"))
    )
    texts = [
        mail.get_body(("plain",)).get_content() for mail in read if about in mail["Subject"] and mail["To"] == WATCHER
    ]
    return [text for text in texts if of in text]


@pytest.mark.guarantee(
    "airflow", "the DAG `settle_messages` sends each figure of the page for Prometheus to Airflow's own metrics, too"
)
def test_task_tells_who_listens_to_airflow(live, statsd):
    assert live.wait_for_run(live.trigger("settle_messages"), 120, "settle_messages") == "success"
    heard = set()
    while "airflow.motcua_identity_difference" not in heard:
        heard.add(statsd.recv(4096).decode().partition(":")[0])
    assert "airflow.motcua_messages_open.result.queued" in heard


@pytest.mark.guarantee(
    "callbacks",
    "the health page is green only while the ledger answers; it shows the fault in seconds, also if the ledger hangs",
)
def test_health_and_figures_are_served_by_airflow_too(live):
    address = f"{live.environment['AIRFLOW__API__BASE_URL'].rstrip('/')}/gateway"
    healthy = requests.get(f"{address}/health", timeout=20)
    assert (healthy.status_code, healthy.text) == (200, "ok")
    assert requests.get(f"{address}/metrics", timeout=20).status_code == 401
    page = requests.get(f"{address}/metrics", headers={"Authorization": "Bearer watching-word-9"}, timeout=20)
    assert "\nmotcua_ledger_up 1.0\n" in page.text


@pytest.mark.guarantee("airflow", "a mail reports apologies that no gateway has accepted by 17:36")
def test_deadline_of_apologies_is_told_once_by_airflow_and_hinders_no_clear(live):
    live.wait_until("the DAG is read", lambda: APOLOGIES in live.dags(), 60)
    live.pause(False, APOLOGIES)
    # The deadline is a day and six minutes after the logical date, so this run is four minutes late when it begins.
    logical = datetime.now(UTC) - timedelta(days=1, minutes=10)
    run = live.call("POST", f"dags/{APOLOGIES}/dagRuns", logical_date=logical.isoformat(), conf={})["dag_run_id"]
    live.wait_until("the mail", lambda: mails(live, LATE, run), 60)
    live.wait_for_run(run, 120, APOLOGIES)
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False}
    live.call("POST", f"dags/{APOLOGIES}/clearTaskInstances", **body)
    live.wait_for_run(run, 120, APOLOGIES)
    by_hand = live.trigger(APOLOGIES)
    live.wait_for_run(by_hand, 120, APOLOGIES)
    assert len(mails(live, LATE, run)) == 1
    assert mails(live, LATE, by_hand) == []
    assert quote(run, safe="") in mails(live, LATE, run)[0]
    live.pause(True, APOLOGIES)


@pytest.mark.guarantee("airflow", "a mail reports a DAG that turns red; if it stays red, another comes a day later")
def test_dag_that_turns_red_is_told_of_once_with_its_reason(live):
    for told in (1, 1):
        (failing,) = contract.move_refused(live, (2, None))
        (run,) = live.senders_of(failing)
        assert live.wait_for_run(run) == "failed"
        live.wait_until("the mail", lambda: mails(live, RED), 30)
        live.wait_until_idle()
        assert len(mails(live, RED)) == told
    assert "- 2 tin chưa gửi được vì cổng nhắn tin bận." in mails(live, RED)[0]
