"""Test the list of a run's work: it has only what this run wrote, even if a run of another DAG has the same run id."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from motcua.domain.checks import fault
from motcua.domain.clock import VIETNAM
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.run_alerts import save_red_run
from motcua.store.browsing import MessagesAsked, find_messages
from motcua.store.ledger.database import connect, open_connection
from motcua.store.ledger.sessions import Run, parse_left_undone, work_for
from motcua.store.runs import RunWork, work_of
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger, receive, take_in
from tests.integration.conftest import gateway  # noqa: F401 - a fixture

EVENING = "scheduled__2026-11-25T10:30:00+00:00"
NOTIFY, APOLOGIZE = Run("notify_transitions", EVENING), Run("apologize_due_tomorrow", EVENING)
EVERYTHING = ("moves", "attempts", "pick_ups", "quarantined", "evenings", "messages", "stops")


@pytest.fixture(autouse=True)
def nobodys_work() -> Iterator[None]:
    """After each test, let the connections of this process belong to no run again."""
    yield
    work_for(None)


def work(run: Run, agencies: list[str] | None = None, most: int = 50) -> RunWork:
    return in_ledger(work_of, run, EVERYTHING, agencies, most)


def listed(run: Run, **narrowed: Any) -> list[str | None]:
    """Return the dossier codes that the list of messages shows for a run."""
    asked = MessagesAsked(None, run_id=run.run_id, dag_id=run.dag_id or None, **narrowed)
    with connect() as ledger:
        places = find_messages(ledger, asked, [NHA_TRANG, TU_PHAP], None, 50).places
        found = ledger.execute(
            "SELECT d.dossier_code FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id)"
            " WHERE m.message_id = any(%s) ORDER BY 1",
            [[place.number for place in places]],
        )
        return [row["dossier_code"] for row in found]


def moved(work: RunWork) -> dict[tuple[str | None, str, str | None], int]:
    return {(move.from_state, move.to_state, move.reason): move.messages for move in work.moves}


@pytest.mark.guarantee("airflow", "runs of the same name in the same minute are distinguished")
def test_two_runs_of_one_name_each_have_their_own_work(one_stop, gateway):  # noqa: F811
    now = datetime.now(UTC)
    for number in range(3):
        one_stop.both(9, f"D-{number}", at=now, applicant_phone=f"0905123{number:03}" if number else "")
    one_stop.move(9, "of nobody", "no agency", at=now)
    work_for(NOTIFY)
    take_in(now=now)
    send(NOTIFY.run_id, clock=lambda: now)
    work_for(APOLOGIZE)
    one_stop.both(9, "D-9", at=now, applicant_phone="0905123009")
    take_in(now=now)
    send(APOLOGIZE.run_id, clock=lambda: now)
    first, second = work(NOTIFY), work(APOLOGIZE)
    assert moved(first) == {
        (None, "queued", None): 2,
        (None, "suppressed", "missing"): 1,
        ("sending", "accepted", None): 2,
    }
    assert moved(second) == {(None, "queued", None): 1, ("sending", "accepted", None): 1}
    assert [sum(each.attempts for each in found.attempts) for found in (first, second)] == [2, 1]
    assert [[message.dossier_code for message in found.messages] for found in (first, second)] == [
        ["D-2", "D-1", "D-0"],
        ["D-9"],
    ]
    assert [(each.source, each.transitions, each.dossiers) for each in first.pick_ups] == [("khanhhoa", 3, 3)]
    assert [(each.source, each.transitions, each.dossiers) for each in second.pick_ups] == [("khanhhoa", 1, 1)]
    assert [(each.reason, each.found, each.waiting) for each in first.quarantined] == [("agency_unknown", 1, 1)]
    assert second.quarantined == [], "the quarantined row was found by the first run"
    assert listed(NOTIFY) == ["D-0", "D-1", "D-2"]
    assert listed(NOTIFY, state="suppressed") == ["D-0"]
    assert listed(APOLOGIZE) == ["D-9"]
    assert listed(Run("", EVENING)) == ["D-0", "D-1", "D-2", "D-9"], "a name without a DAG finds the work of all DAGs"


@pytest.mark.guarantee("pages", "an agency's user sees only his agencies' part of a run")
def test_only_the_rows_of_an_agency_are_found_for_its_own_user(one_stop, gateway):  # noqa: F811
    now = datetime.now(UTC)
    work_for(NOTIFY)
    for code, agency in (("D-1", NHA_TRANG), ("D-2", TU_PHAP)):
        one_stop.both(9, code, agency, at=now)
    one_stop.move(None, "D-1", NHA_TRANG, at=now)
    one_stop.move(9, "D-3", "no agency", at=now)
    take_in(now=now)
    send(NOTIFY.run_id, clock=lambda: now)
    found = work(NOTIFY, [TU_PHAP])
    assert [message.dossier_code for message in found.messages] == ["D-2"]
    assert sum(move.messages for move in found.moves if move.from_state is None) == 1
    assert sum(each.attempts for each in found.attempts) == 1
    assert [(each.transitions, each.dossiers) for each in found.pick_ups] == [(1, 1)]
    assert found.quarantined == []
    assert [each.reason for each in work(NOTIFY, [NHA_TRANG]).quarantined] == ["status_missing"]
    nothing = work(NOTIFY, [])
    assert nothing.known is not None
    assert nothing.is_nothing
    assert nothing.messages == []


def test_evening_belongs_to_the_run_that_settled_it(one_stop, rows):
    evening = datetime(2026, 11, 25, 17, 30, 5, tzinfo=VIETNAM)
    begun = evening - timedelta(days=10)
    rows("UPDATE motcua.agencies SET enabled_from = %s", evening - timedelta(hours=1))
    one_stop.dossier("D-1", status_code=4, due_at=evening + timedelta(hours=23), updated_at=begun, received_at=begun)
    work_for(APOLOGIZE)
    pick_up("khanhhoa", now=begun)
    pick_up("khanhhoa", now=evening)
    apologize(now=evening)
    (own,) = [each for each in work(APOLOGIZE).evenings if each.agency_code == NHA_TRANG and each.queued]
    assert (own.state, own.looked_at, own.queued) == ("done", 1, 1)
    assert own.agency_name == "Ủy ban nhân dân thành phố Nha Trang"
    assert work(NOTIFY).evenings == []


def test_receipt_that_comes_later_is_nobodys_work_and_shows_where_the_attempt_stands(one_stop, gateway, rows):  # noqa: F811
    """A receipt after a run is not counted as the run's work, but changes the displayed state of the run's attempt."""
    now = datetime.now(UTC)
    one_stop.both(9, "D-1", at=now)
    work_for(NOTIFY)
    take_in(now=now)
    send(NOTIFY.run_id, clock=lambda: now)
    work_for(None)
    before = moved(work(NOTIFY))
    (reference,) = [row["reference"] for row in rows("SELECT reference FROM motcua.attempts")]
    in_ledger(receive, reference, "1", reply="")
    found = work(NOTIFY)
    assert moved(found) == before
    assert [each.state for each in found.attempts] == ["delivered"]
    assert [message.state for message in found.messages] == ["delivered"]


def test_work_of_before_runs_had_numbers_is_found_by_name_and_what_is_not_known_is_empty(one_stop, gateway):  # noqa: F811
    """A run that began before runs had numbers is shown with the attempts of its run id and without other work."""
    now = datetime.now(UTC)
    one_stop.both(9, "D-1", at=now)
    take_in(now=now)
    send("old run", clock=lambda: now)
    found = work(Run("notify_transitions", "old run"))
    assert found.known is None
    assert found.moves == []
    assert found.pick_ups == []
    assert [each.attempts for each in found.attempts] == [1]


def test_why_a_gate_was_red_is_kept_and_a_run_is_known_by_one_number(ledger):
    """A run has one number in all its connections. The ledger stores why the run's gate (its last task) failed."""
    work_for(NOTIFY)
    with open_connection() as one, open_connection() as other:
        numbers = {
            connection.execute("SELECT current_setting('motcua.run') AS number").fetchone()["number"]
            for connection in (one, other)
        }
    assert len(numbers) == 1
    assert work(NOTIFY).known.left_undone is None
    left = [fault("attempts_failed", "transient", "2 message(s) transient", messages=2, outcome="transient")]
    save_red_run("notify_transitions", EVENING, left)
    assert parse_left_undone(work(NOTIFY).known.left_undone) == left
    assert work(APOLOGIZE).known is None
