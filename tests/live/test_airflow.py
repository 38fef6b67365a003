"""Test guarantees about runs that only a real Airflow can show.

One Airflow serves all tests of this file.

The order of the tests matters: the second test leaves a failed ("red") run, which later tests clear, mark as successful
and backfill.
"""

from __future__ import annotations

import email
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from email import policy
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live.airflow import AGENCY, MINUTE, NOTIFY, Case, LiveAirflow, live_airflow
from tests.prove import Figure
from tests.prove.resilience import contract

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def live() -> Iterator[LiveAirflow]:
    """Start an Airflow whose senders end soon after their last message.

    The wait before a retry is so long that in these tests only a backfill sends failed messages again.
    """
    folder = Path(tempfile.mkdtemp(prefix="motcua-live-"))
    try:
        with live_airflow(folder, contract.RETRY_LATER | {"MOTCUA_LINGER_QUIET": "0.5"}) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def red(live: LiveAirflow) -> tuple[str, list[Case]]:
    """Make a failed (red) run. Return its id, and the three dossiers whose messages the gateway temporarily refused."""
    (failing,) = contract.move_refused(live, (3, None))
    (run,) = live.senders_of(failing)
    return run, failing


def hold(figures: Sequence[Figure]) -> None:
    """Check that every figure has the required value."""
    short = [f"{figure.name}: {figure.value}, must reach {figure.must_reach}" for figure in figures if not figure.ok]
    assert not short, "\n".join(short)


@pytest.mark.guarantee(
    "airflow",
    "a run is red if a retryable message of its interval failed, whichever run sent it; a bad phone makes no run red",
)
def test_bad_phone_does_not_make_a_run_red(live):
    bad, good = live.desk.move(1, phone=contract.LANDLINE), live.desk.move(1)
    live.wait_for_states(good, "delivered")
    assert live.wait_for_run(live.senders_of(good)[0]) == "success"
    assert live.states(bad) == Counter(suppressed=1)


@pytest.mark.guarantee(
    "airflow",
    "a run is red if a retryable message of its interval failed, whichever run sent it; a bad phone makes no run red",
)
def test_run_with_sends_that_may_be_retried_is_red(live, red):
    assert live.wait_for_run(red[0]) == "failed"


@pytest.mark.guarantee("airflow", "*Mark success* in Airflow changes no message")
def test_mark_success_changes_no_message(live, red):
    run, failing = red
    before = live.picture(failing)
    live.mark_success(run, "gate")
    live.mark_success(run)
    assert live.run(run)["state"] == "success"
    assert live.picture(failing) == before


@pytest.mark.guarantee(
    "airflow", "a rerun, or two runs at once, sends no message that is accepted, delivered or unknown"
)
def test_clear_and_rerun_send_nothing_again(live, red):
    everyone = live.desk.cases
    sender = live.senders_of([case for case in everyone if case not in red[1]])[0]
    before, log = live.picture(everyone), len(live.network_log())
    live.clear(sender)
    live.clear(red[0], "send")
    for run in (live.trigger(), sender, red[0]):
        live.wait_for_run(run)
    assert live.picture(everyone) == before
    assert len(live.network_log()) == log


@pytest.mark.guarantee("airflow", "a killed task and a killed scheduler lose no message and send none twice")
def test_killed_task_loses_and_doubles_nothing(live):
    hold(contract.in_flight(live, "send's process killed"))


@pytest.mark.guarantee("airflow", "a backfill of the failed runs sends exactly the messages that failed")
def test_backfill_of_failed_runs_resends_exactly_what_failed(live, red):
    failing = red[1]
    others = [case for case in live.desk.cases if case not in failing]
    before, log = live.picture(others), len(live.network_log())
    fires = contract.minute_of(failing[0]) + MINUTE
    live.wait_until("the minute's run by the clock ended", lambda: contract.clock_run(live, failing[0]), 150)
    assert live.backfill(fires, fires, "none", by_command=False) == [], "Airflow makes no run, since every run exists"
    assert [run["state"] for run in live.backfill(fires, fires, "failed")] == ["success"]
    live.wait_for_states(failing, "delivered")
    assert len(live.network_log()) == log + len(failing)
    assert [run["state"] for run in live.backfill(fires, fires, "completed", by_command=False)] == ["success"]
    assert len(live.network_log()) == log + len(failing)
    assert live.picture(others) == before


def reports_in(mailbox: Path) -> int:
    """Return the number of mails with attached files, which are reports; alerts have no files."""
    mails = (email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in mailbox.glob("*.eml"))
    return sum(any(True for _ in mail.iter_attachments()) for mail in mails)


@pytest.mark.guarantee("airflow", "a day is closed, published and mailed once")
def test_day_is_closed_published_and_mailed_once(live):
    live.ledger("UPDATE motcua.agencies SET report_recipients = '{}' WHERE agency_code <> %s RETURNING 1", AGENCY)
    live.pause(False, "reconcile_daily")
    by_hand = live.trigger("reconcile_daily")
    assert live.wait_for_run(by_hand, 180, "reconcile_daily") == "success"
    live.wait_until_idle(150)
    assert {run["state"] for run in live.runs("reconcile_daily")} == {"success"}
    # There may be two closings. The run that this test starts closes yesterday. Unpausing the DAG starts its latest
    # scheduled run, too. Before 6:30 this is the run of yesterday morning, which closes the day before yesterday.
    closed = live.ledger("SELECT closing_no FROM motcua.closings ORDER BY 1")
    published = live.ledger("SELECT publication_no, closing_no FROM motcua.publications ORDER BY closing_no")
    assert closed == [{"closing_no": each["closing_no"]} for each in published] != []
    mails = live.ledger("SELECT report_no, body, state FROM motcua.report_mails WHERE report = 'publication'")
    # An agency gets a mail about a day only if a message to its citizens was due on that day, or if one of its dossiers
    # was received, resolved, withdrawn or handed over.
    told = live.ledger(
        "SELECT closing_no, agency_code FROM motcua.closing_messages WHERE expected <> 0 UNION"
        " SELECT closing_no, agency_code FROM motcua.closing_dossier_sums WHERE received + resolved_early"
        " + resolved_on_time + resolved_late + resolved_without_due + withdrawn + handed_over > 0"
    )
    everyone = []
    for each in published:
        agencies = {row["agency_code"] for row in told if row["closing_no"] == each["closing_no"]}
        bodies = (*(("department", "home_affairs", "justice") if agencies else ()), *({AGENCY} & agencies))
        everyone += [(each["publication_no"], body) for body in bodies]
    assert everyone
    assert sorted((mail["report_no"], mail["body"]) for mail in mails) == sorted(everyone)
    assert {mail["state"] for mail in mails} == {"sent"}
    assert reports_in(live.folder / "mailbox") == len(mails)
    assert live.wait_for_run(live.trigger("reconcile_daily"), 180, "reconcile_daily") == "success"
    assert reports_in(live.folder / "mailbox") == len(mails)
    live.pause(True, "reconcile_daily")


def test_parse_while_a_run_is_active_leaves_room_for_the_next_run(live):
    """After a DAG was parsed during a run, Airflow must be able to start the DAG's next run.

    With ``max_active_runs=1``, Airflow would start no run until the next parse, minutes later.
    """

    def parsed_at() -> datetime:
        return datetime.fromisoformat(live.call("GET", f"dags/{NOTIFY}")["last_parsed_time"])

    live.set_faults(slow_seconds={"probability": 1, "seconds": 1.2})
    cases = live.desk.move(60)
    live.wait_until("a run is active", lambda: not live.is_idle(), 60)
    before = parsed_at()
    live.call("PUT", f"parseDagFile/{quote(live.call('GET', f'dags/{NOTIFY}')['file_token'], safe='')}")
    live.wait_until("the DAG is parsed", lambda: parsed_at() > before, 60)
    assert not live.is_idle()
    full = live.airflow_rows("SELECT exceeds_max_non_backfill AS is_full FROM dag WHERE dag_id = %s", NOTIFY)
    live.set_faults()
    assert full == [{"is_full": False}]
    live.wait_for_states([*cases, *live.desk.move()], "delivered", 90)


@pytest.mark.guarantee("airflow", "a killed task and a killed scheduler lose no message and send none twice")
def test_killed_scheduler_loses_and_doubles_nothing(live):
    hold(contract.in_flight(live, "scheduler killed"))


@pytest.mark.guarantee("personal-data", "Airflow's own database and logs hold no citizen's number or name")
def test_airflow_keeps_no_number_and_no_name(live, red):
    hold(contract.kept_by_airflow(live))
