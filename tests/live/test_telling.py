"""What Airflow itself tells of runs, in a real one: deadlines through its triggerer, red gates from their tasks."""

from __future__ import annotations

import email
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live.airflow import LiveAirflow, live_airflow
from tests.prove import contract

pytestmark = pytest.mark.alone

APOLOGIES = "apologize_due_tomorrow"
WATCHER = "truc@example.vn"
LATE, RED = "tin xin lỗi chưa gửi xong", "«Nhắn tin khi hồ sơ chuyển bước» báo đỏ"


@pytest.fixture(scope="module")
def live() -> Iterator[LiveAirflow]:
    folder = Path(tempfile.mkdtemp(prefix="motcua-live-"))
    told = {"MOTCUA_LINGER_QUIET": "0.5", "MOTCUA_WATCH_RECIPIENTS": WATCHER}
    try:
        with live_airflow(folder, contract.RETRY_LATER | told) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def mails(live: LiveAirflow, about: str, of: str = "") -> list[str]:
    """Texts of the mails about something that reached the watcher, and that name a run."""
    read = (
        email.message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in sorted((live.folder / "mailbox").glob("*.eml"))
    )
    texts = [
        mail.get_body(("plain",)).get_content() for mail in read if about in mail["Subject"] and mail["To"] == WATCHER
    ]
    return [text for text in texts if of in text]


@pytest.mark.guarantee("airflow", "apologies that are not with their gateways by 17:36 are told of")
def test_deadline_of_apologies_is_told_once_by_airflow_and_hinders_no_clear(live: LiveAirflow) -> None:
    live.wait_until("the DAG is read", lambda: APOLOGIES in live.dags(), 60)
    live.pause(False, APOLOGIES)
    # A logical date a day and ten minutes ago: four minutes too late when it begins.
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


@pytest.mark.guarantee("airflow", "a DAG that turns red is told of once, not each minute, and once more a day later")
def test_dag_that_turns_red_is_told_of_once_with_its_reason(live: LiveAirflow) -> None:
    for told in (1, 1):
        (failing,) = contract.move_refused(live, (2, None))
        (run,) = live.senders_of(failing)
        assert live.wait_for_run(run) == "failed"
        live.wait_until("the mail", lambda: mails(live, RED), 30)
        live.wait_until_idle()
        assert len(mails(live, RED)) == told
    assert "- 2 message(s) transient" in mails(live, RED)[0]
