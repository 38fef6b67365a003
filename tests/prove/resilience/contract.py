"""Prove that the guarantees of docs/guarantees.md (section Airflow) hold when people use Airflow's own actions.

A real Airflow runs the project's DAGs. Each guarantee has a function that acts as a person would in the UI or at the
command line. The log of the simulated phone network shows which texts phones got, and how often.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from motcua.jobs.notices.picking_up import LOOK_BACK
from motcua.sandbox.machine.parts import send
from tests.live.airflow import MINUTE, NOTIFY, Case, LiveAirflow, live_airflow
from tests.prove import Figure, at_most, equal
from tests.prove.worlds.seeking import Places, Seeker

LANDLINE = "02583822334"
"""The landline of Nha Trang's town hall, which cannot get texts."""

RETRY_LATER = {"MOTCUA_RETRY_FIRST": "PT15M"}
"""Settings with which a retry waits so long that within this proof only a backfill retries messages."""

COMMITTED = 40
"""Largest number of committed attempts of one sender without an answer: 32 requests in flight, and 8 prepared."""

BUSY = {"error_503": {"probability": 1}}
"""Settings of the simulated gateway with which it refuses every message for now, so that no text reaches a phone."""


def _texted_once(name: str, live: LiveAirflow, cases: Sequence[Case]) -> Figure:
    times = live.at_phones(cases)
    value = f"{times[1]} of {len(cases)}, {sum(times.values()) - times[1] - times[0]} twice, {times[0]} never"
    return Figure(f"{name}: phones texted once", value, f"{len(cases)} of {len(cases)}", times == {1: len(cases)})


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _ever_unknown(live: LiveAirflow, cases: Sequence[Case]) -> int:
    (row,) = live.ledger(
        "SELECT count(DISTINCT m.message_id) AS number FROM motcua.messages AS m INNER JOIN motcua.message_history AS h"
        " ON m.message_id = h.message_id AND h.to_state = 'unknown' AND h.to_reason = 'sender_ended'"
        " INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id WHERE d.dossier_code = any(%s)",
        [case.code for case in cases],
    )
    return int(row["number"])


def _wait_until_refused(live: LiveAirflow, cases: Sequence[Case], attempts: int = 1) -> None:
    """Wait until the gateway has refused the message of each of these cases ``attempts`` times."""

    def refused() -> bool:
        picture = live.picture(cases)
        return len(picture) == len(cases) and all(
            state == "queued" and tried and len(tried) == attempts and set(tried) == {"failed"}
            for _, state, _, _, _, _, tried in picture
        )

    live.wait_until(f"{len(cases)} messages failed {attempts} time(s)", refused, 60)


def move_refused(live: LiveAirflow, *lots: tuple[int, datetime | None]) -> list[list[Case]]:
    """Record cases (dossiers with a ready result), and wait until the gateway has refused their messages temporarily.

    Each lot is (number of cases, time of recording).
    """
    live.set_faults(**BUSY)
    made = [live.desk.move(count, at=at) for count, at in lots]
    for cases in made:
        _wait_until_refused(live, cases)
    live.set_faults()
    return made


def _move_unknown(live: LiveAirflow, at: datetime | None = None) -> tuple[list[Case], list[Case]]:
    """Record cases whose messages become unknown because no answer and no receipt comes.

    Return a case whose text reached its phone, and a case whose text did not.
    """
    # Let the gateway answer once, because three requests in a row without an answer would pause it.
    live.wait_for_states(live.desk.move(), "delivered")
    live.set_faults(accept_then_timeout={"next": 1}, receipts_lost={"next": 1})
    reached = live.desk.move(1, at=at)
    live.wait_for_states(reached, "unknown")
    live.without_receipt |= _references(live, "unknown")
    live.set_faults(outage=True)
    unreached = live.desk.move(1, at=at)
    live.desk.cases.remove(unreached[0])
    live.wait_for_states(unreached, "unknown")
    live.set_faults()
    return reached, unreached


def _pause_at_rest(live: LiveAirflow) -> None:
    """Pause the DAG while no run is active, because an active run would stop half-way."""

    def paused() -> bool:
        live.wait_until_idle()
        live.pause()
        if live.is_idle():
            return True
        live.pause(False)
        return False

    live.wait_until("paused while no run is under way", paused, 120)


# ------------------------------------------------------ a scheduled or event-driven run handles everything due


def woken_at_once(live: LiveAirflow, moves: int = 4) -> list[Figure]:
    cases: list[Case] = []
    for _ in range(moves):
        cases += live.desk.move()
        live.wait_for_states(cases, "delivered")
        live.wait_until_idle()
    accepted = {message["number"]: datetime.fromisoformat(message["accepted_at"]) for message in live.network_log()}
    seconds = sorted((accepted[case.phone] - case.recorded_at).total_seconds() for case in cases)
    types = {live.run(run)["run_type"] for run in live.senders_of(cases)}
    return [
        at_most(
            f"{moves} single moves, no run active: slowest from recorded to the gateway",
            round(seconds[-1], 1),
            60,
            f" s (median {seconds[len(seconds) // 2]:.1f} s)",
        ),
        Figure("types of the runs that sent them", ", ".join(sorted(types)), "at least one", bool(types)),
        _texted_once("single moves", live, cases),
    ]


def skipped_windows(live: LiveAirflow, minutes: float = 2.2, moves: int = 24) -> list[Figure]:
    """Check that later runs send the messages of time windows (data intervals) that no run covered."""
    _pause_at_rest(live)
    began = datetime.now(UTC)
    cases: list[Case] = []
    for _ in range(moves):
        cases += live.desk.move()
        time.sleep(minutes * 60 / moves)
    meanwhile = sum(live.accepted()[case.phone] for case in cases)
    ended = datetime.now(UTC)
    live.pause(False)
    live.wait_for_states(cases, "delivered", 90)
    took = (datetime.now(UTC) - ended).total_seconds()
    live.wait_until_idle()
    windows = {_minute(case.recorded_at) for case in cases}
    with_run = {run["data_interval_start"] for run in live.runs() if run["run_type"] == "scheduled"}
    skipped = len(windows - with_run)
    return [
        Figure(
            f"paused for {(ended - began).total_seconds():.0f} s: windows with transitions that no run ever covered",
            f"{skipped} of {len(windows)}",
            "at least 1",
            skipped >= 1,
        ),
        equal("phones texted while paused", meanwhile, 0),
        at_most("unpaused: seconds until all are delivered", round(took, 1), 60, " s"),
        _texted_once("skipped windows", live, cases),
    ]


# ------------------------------------------------------------------------- clear, rerun, two runs at once


def cleared_and_rerun(live: LiveAirflow) -> list[Figure]:
    """Check that clearing and rerunning a run sends no message again that is accepted, delivered or unknown."""
    delivered = live.desk.move(6)
    live.wait_for_states(delivered, "delivered")
    reached, unreached = _move_unknown(live)
    live.wait_until_idle()
    everyone = [*delivered, *reached, *unreached]
    picture, log = live.picture(everyone), len(live.network_log())
    runs = live.senders_of(everyone)
    for run in runs:
        live.clear(run)
    since = (min(case.recorded_at for case in everyone) - MINUTE).isoformat(timespec="seconds")
    live.command("tasks", "clear", NOTIFY, "--start-date", since, "--yes")
    by_hand = [live.trigger(), live.trigger()]
    for run in [*runs, *by_hand]:
        live.wait_for_run(run, 120)
    live.wait_until_idle()
    return [
        equal(
            f"{len(runs)} runs cleared as in the UI, more by a command, 2 started by hand: messages; unchanged",
            (live.states(everyone), live.picture(everyone) == picture),
            (Counter(delivered=6, unknown=2), True),
        ),
        equal("cleared and rerun: requests that the gateway took meanwhile", len(live.network_log()) - log, 0),
    ]


def two_runs_at_once(live: LiveAirflow, count: int = 200) -> list[Figure]:
    """Check that two manual runs that begin at the same moment share the messages."""
    _pause_at_rest(live)
    live.set_faults(slow_seconds={"probability": 1, "seconds": 1})
    cases = live.desk.move(count)
    by_hand = [live.trigger(), live.trigger()]
    live.pause(False)
    for run in by_hand:
        live.wait_for_run(run, 120)
    live.wait_for_states(cases, "delivered", 120)
    live.set_faults()
    live.wait_until_idle()
    senders = len(set(live.senders_of(cases)) & set(by_hand))
    return [
        equal("two runs by hand at once: runs that sent messages", senders, 2),
        _texted_once("two runs by hand at once", live, cases),
    ]


def in_flight(live: LiveAirflow, name: str, count: int = 80) -> list[Figure]:
    """Apply an action of ``IN_FLIGHT`` to a run with requests in flight.

    A run that starts after the next status change at the desk must send the remaining messages.
    """
    most_unknown = 0 if name == "triggerer killed" else COMMITTED
    live.wait_until_idle()
    # The gateway accepts at once and answers after 1.2 s, so a sender that is killed in between never gets the answer.
    live.set_faults(slow_seconds={"probability": 1, "seconds": 1.2})
    cases = live.desk.move(count)
    flying = live.wait_until("requests in flight, at the gateway", lambda: _at_gateway(live, 16), 60)
    (run,) = live.senders_of(cases)[-1:]
    IN_FLIGHT[name](live, run)
    began = time.monotonic()
    live.set_faults()
    cases += live.desk.move()
    live.wait_until("quiet again", lambda: _is_quiet(live, cases), 150)
    took = time.monotonic() - began
    left = live.states(cases)["unknown"]
    times = live.at_phones(cases)
    return [
        Figure(
            f"{name}, {flying} attempts in flight: phones texted once, twice, never",
            f"{times[1]}, {sum(times.values()) - times[0] - times[1]}, {times[0]} of {len(cases)} after {took:.0f} s",
            "none twice; never only those of the next row",
            times[1] + left == len(cases) and times[0] == left,
        ),
        Figure(
            f"{name}: unknown until a receipt came; unknown for good, since the gateway never had them",
            f"{_ever_unknown(live, cases) - left}; {left}",
            f"at most {most_unknown}",
            _ever_unknown(live, cases) <= most_unknown,
        ),
    ]


def _kill_task(live: LiveAirflow, _: str) -> None:
    send(live.task_processes()[0][0].pid, signal.SIGKILL)


def _kill_worker(live: LiveAirflow, _: str) -> None:
    worker = live.task_processes()[0][1]
    assert worker is not None
    send(worker.pid, signal.SIGKILL)


def _kill(name: str) -> Callable[[LiveAirflow, str], None]:
    def kill(live: LiveAirflow, _: str) -> None:
        pid = live.pid_of(name)
        assert pid is not None
        send(pid, signal.SIGKILL)

    return kill


IN_FLIGHT: Mapping[str, Callable[[LiveAirflow, str], None]] = {
    "send cleared": lambda live, run: live.clear(run, "send"),
    "send marked success": lambda live, run: live.mark_success(run, "send"),
    "send's process killed": _kill_task,
    "executor's worker killed": _kill_worker,
    # When the scheduler is killed, its worker processes and their tasks end, too.
    "scheduler killed": _kill("airflow-scheduler"),
    "triggerer killed": _kill("airflow-triggerer"),
}
"""Name of an action → function that performs the action on a run whose requests are in flight."""


def _is_quiet(live: LiveAirflow, cases: Sequence[Case]) -> bool:
    return not set(live.states(cases)) - {"delivered", "unknown"} and not _unsettled(live)


def _at_gateway(live: LiveAirflow, least: int) -> int:
    """Return how many attempts are committed and unanswered, or 0 if the gateway has fewer than ``least`` of them."""
    flying = _references(live, "in_flight")
    taken = {message["reference"] for message in live.network_log()} if len(flying) >= least else set()
    return len(flying) if len(flying & taken) >= least else 0


# --------------------------------------------------------------------------------------------- backfills


_LONG_AGO = LOOK_BACK + timedelta(hours=2)
"""Age of transitions (status changes of dossiers) that checks record in a past minute.

The age is more than ``LOOK_BACK``. A pick-up that reads a younger transition late considers the transition's time
wrong, and replaces it by the time of the pick-up.
"""


def backfills(live: LiveAirflow) -> list[Figure]:
    """Check backfills with each ``--reprocess-behavior``.

    With ``none`` a backfill makes only missing runs; ``failed`` also repeats failed runs; ``completed`` also repeats
    all ended runs.
    Each run that is made or repeated must plan the missing messages of its minute, and retry those that failed.
    """
    first = _minute(datetime.now(UTC)) - _LONG_AGO
    failing_at, settled_at, unseen_at, outside_at = (first + n * MINUTE + timedelta(seconds=20) for n in range(4))
    last = (
        first + 3 * MINUTE
    )  # the end of unseen_at's minute, since a backfill's dates are the moments at which runs start
    # Move the source's cursor (the newest time that was read) to the present: only then does a row that was recorded
    # hours ago count as late.
    live.wait_for_states(live.desk.move(), "delivered")
    delivered = live.desk.move(2, at=settled_at)
    live.wait_for_states(delivered, "delivered")
    reached, unreached = _move_unknown(live, settled_at)
    failing, outside = move_refused(live, (3, failing_at), (2, outside_at))
    (early,) = move_refused(live, (1, first - timedelta(seconds=20)))
    missing = live.desk.move(2, at=unseen_at, unseen=True)
    outside_missing = live.desk.move(1, at=outside_at, unseen=True)
    live.wait_until_idle()
    untouched = [*delivered, *reached, *unreached, *outside, *early]
    picture = live.picture(untouched)

    def create(behavior: str) -> Counter[str]:
        runs = live.backfill(first + MINUTE, last, behavior)
        return Counter(run["state"] for run in runs)

    found = [equal("rows committed hours late: messages before a backfill", live.states(missing), Counter(missing=2))]

    live.set_faults(**BUSY)
    runs = create("none")
    live.set_faults()
    _wait_until_refused(live, failing, 2)
    _wait_until_refused(live, missing, 1)
    found.append(
        equal("none, gateway busy: 3 missing runs made (3 messages retried, 2 planned)", runs, _runs_by_state(1, 2))
    )

    before = live.picture([*failing, *missing])
    runs = create("none")
    found.append(
        equal(
            "none again: runs made (all exist already); messages unchanged",
            (runs, live.picture([*failing, *missing]) == before),
            (Counter(), True),
        )
    )

    runs = create("failed")
    live.wait_for_states([*failing, *missing], "delivered")
    found += [
        equal("failed: runs repeated (the 2 that failed)", runs, _runs_by_state(2, 0)),
        _texted_once("failed: messages that had failed temporarily", live, [*failing, *missing]),
    ]

    late = live.desk.move(1, at=settled_at, unseen=True)
    again = create("failed")
    runs = create("completed")
    live.wait_for_states(late, "delivered")
    found += [
        equal("failed, without a failed run: runs", again, Counter()),
        equal("completed: runs repeated (all 3; one plans a row that was committed later)", runs, _runs_by_state(3, 0)),
        _texted_once("completed", live, late),
    ]
    log = len(live.network_log())
    create("completed")
    found += [
        equal("completed once more: requests that the gateway took", len(live.network_log()) - log, 0),
        equal(
            "after all backfills: delivered and unknown messages and those outside the window are untouched",
            (live.picture(untouched) == picture, live.states(outside_missing)),
            (True, Counter(missing=1)),
        ),
        _texted_once("messages of the window that were delivered before", live, delivered),
    ]
    # Send the messages outside the time window by a backfill of their own minutes, so that they do not disturb later
    # checks.
    live.backfill(first, first + 4 * MINUTE, "none", by_command=False)
    live.wait_for_states([*outside, *early, *outside_missing], "delivered")
    found.append(
        _texted_once(
            "none, for the minutes around the window: messages outside it", live, [*outside, *early, *outside_missing]
        )
    )
    return found


def _runs_by_state(green: int, red: int) -> Counter[str]:
    return +Counter(success=green, failed=red)


def last_week(live: LiveAirflow, days: int = 6) -> list[Figure]:
    """Check that a backfill of last week with ``failed`` sends only messages that failed and may be retried.

    Most runs of the week are only written into Airflow's database as successful, because a real run for each minute
    would take hours. Three minutes have a real, failed run. Three other minutes have no run, as after an outage.
    """
    today = _minute(datetime.now(UTC)) - _LONG_AGO - timedelta(hours=1)
    minutes = [today, today - timedelta(days=1), today - timedelta(days=1, hours=17)]
    settled = [*live.desk.move(), *live.desk.move(4, at=today + timedelta(seconds=5))]
    live.wait_for_states(settled, "delivered")
    lots = move_refused(live, *((3, minute + timedelta(seconds=30)) for minute in minutes))
    failing = [case for lot in lots for case in lot]
    # These transitions were recorded in minutes without a run, and are committed late.
    skipped = [minute - 7 * MINUTE for minute in minutes]
    missing = [case for minute in skipped for case in live.desk.move(1, at=minute, unseen=True)]
    too_late = live.desk.move(2, at=today - timedelta(days=days - 1))
    for case in too_late:
        live.desk.cases.remove(case)
    live.wait_for_states(too_late, "expired")
    live.set_faults(**BUSY)
    for minute in minutes:
        live.backfill(minute + MINUTE, minute + MINUTE, "none", by_command=False)
    live.set_faults()
    _wait_until_refused(live, failing, 2)
    live.wait_until_idle()
    begin, end = today - timedelta(days=days), today + timedelta(hours=3)
    written = live.write_green_runs(begin, end, without=[minute + MINUTE for minute in skipped])
    everyone_else = [case for case in live.desk.cases if case not in failing and case not in missing]
    picture, log, began = live.picture(everyone_else), len(live.network_log()), time.monotonic()
    runs = live.backfill(begin + MINUTE, end, "failed", seconds=400)
    live.wait_for_states([*failing, *missing], "delivered")
    took = time.monotonic() - began
    return [
        equal(
            f"last {days} days by command, {written:,} successful runs, 3 failed runs, 3 minutes without a run:"
            f" runs made or repeated ({took:.0f} s)",
            Counter(run["state"] for run in runs),
            _runs_by_state(6, 0),
        ),
        _texted_once(
            "last week, failed: messages that had failed temporarily, and 3 rows never seen", live, [*failing, *missing]
        ),
        equal("last week: requests that the gateway took", len(live.network_log()) - log, len(failing) + len(missing)),
        equal("last week: messages too late to be useful", live.states(too_late), Counter(expired=2)),
        equal(
            f"last week: the {len(everyone_else)} other messages untouched",
            live.picture(everyone_else) == picture,
            True,
        ),
    ]


def release_unknown(live: LiveAirflow) -> list[Figure]:
    at = _minute(datetime.now(UTC)) - _LONG_AGO - timedelta(hours=2) + timedelta(seconds=10)
    fires = _minute(at) + MINUTE
    reached, unreached = _move_unknown(live, at)
    elsewhere = _move_unknown(live, at + MINUTE)[1]
    live.wait_until_idle()
    live.backfill(fires, fires, "completed")
    kept = live.states([*reached, *unreached])
    # A signed-in person must start this backfill. A command runs under the machine's account, so no person would be
    # responsible for it.
    live.backfill(fires, fires, "completed", conf={"release_unknown": True}, by_command=False)
    live.wait_for_states([*reached, *unreached], "delivered")
    times = live.at_phones([*reached, *unreached])
    return [
        equal("backfill without release_unknown: messages", kept, Counter(unknown=2)),
        equal(
            "with release_unknown: texts on the phone that already had one, and on the phone that had none",
            times,
            Counter({2: 1, 1: 1}),
        ),
        equal("with release_unknown: messages outside the window", live.states(elsewhere), Counter(unknown=1)),
    ]


# ------------------------------------------------------------------------------------------ mark success


def marked_success(live: LiveAirflow) -> list[Figure]:
    """Check that *Mark success* on a failed run changes no message."""
    (failing,) = move_refused(live, (2, None))
    (run,) = live.senders_of(failing)
    red = live.wait_for_run(run)
    picture, log = live.picture(failing), len(live.network_log())
    live.mark_success(run, "gate")
    live.mark_success(run)
    live.wait_until_idle()
    after = live.run(run)["state"]
    return [
        equal("a failed run; the same run, marked success", (red, after), ("failed", "success")),
        equal("mark success: messages unchanged", live.picture(failing) == picture, True),
        equal("mark success: requests that the gateway took", len(live.network_log()) - log, 0),
    ]


# ---------------------------------------------------------------------------- success and failure of runs


def colours(live: LiveAirflow) -> tuple[list[Figure], list[Case]]:
    """Check that a run fails only because of messages that failed and may be retried.

    Also return the cases whose messages failed.
    """
    live.wait_until_idle()
    bad = live.desk.move(2, phone=LANDLINE)
    good = live.desk.move(2)
    live.wait_for_states(good, "delivered")
    live.wait_for_states(bad, "suppressed")
    beside_bad = live.wait_for_run(live.senders_of(good)[0])
    (failing,) = move_refused(live, (3, None))
    red = live.wait_for_run(live.senders_of(failing)[0])
    while True:
        following = live.desk.move(2)
        live.wait_for_states(following, "delivered")
        (run,) = live.senders_of(following)
        # The scheduled run of the minute of the failed cases always fails because of them, so take another run.
        if live.run(run)["data_interval_start"] != minute_of(failing[0]):
            break
    green = live.wait_for_run(run)
    return [
        equal("run with messages to 2 landlines and 2 mobiles", beside_bad, "success"),
        equal("run with 3 messages that the gateway refused for now", red, "failed"),
        equal("later run without such messages", green, "success"),
    ], failing


def minute_of(case: Case) -> datetime:
    return _minute(case.recorded_at)


def clock_run(live: LiveAirflow, case: Case) -> dict[str, Any] | None:
    """Return the scheduled run of the minute in which a case was recorded, once it has ended."""
    runs = [run for run in live.runs() if run["data_interval_start"] == minute_of(case) and not run["backfill_id"]]
    return runs[0] if runs and runs[0]["state"] in ("success", "failed") else None


def red_minute(live: LiveAirflow, failing: Sequence[Case]) -> list[Figure]:
    """Check that the scheduled run of the minute of the failed cases fails, too.

    A backfill with ``failed`` must then find and repair the run.
    """
    run = live.wait_until("the scheduled run ended", lambda: clock_run(live, failing[0]), 150)
    fires, log = minute_of(failing[0]) + MINUTE, len(live.network_log())
    live.backfill(fires, fires, "failed")
    live.wait_for_states(failing, "delivered")
    return [
        equal(
            "scheduled run of these messages' minute; the same run after a backfill with failed",
            (run["state"], live.run(run["run_id"])["state"]),
            ("failed", "success"),
        ),
        equal("backfill of this run: requests that the gateway took", len(live.network_log()) - log, len(failing)),
        _texted_once("backfill of this run", live, failing),
    ]


def _references(live: LiveAirflow, state: str | None = None) -> set[str]:
    """Return the references of the attempts in a state, or of all attempts."""
    rows = live.ledger("SELECT reference FROM motcua.attempts WHERE %s::text IS NULL OR state = %s", state, state)
    return {row["reference"] for row in rows}


def _unsettled(live: LiveAirflow) -> bool:
    """Return whether a message is unknown although the gateway accepted it, and its receipt will still come."""
    unknown = _references(live, "unknown") - live.without_receipt
    return bool(unknown & {message["reference"] for message in live.network_log()})


# ---------------------------------------------------------------------------------- without a logical date


def by_hand(live: LiveAirflow) -> list[Figure]:
    """Check that each DAG runs when it is started by hand without a logical date.

    One DAG is started by command, the others as in the UI.
    """
    runs: dict[str, str] = {}
    for dag_id in live.dags():
        live.pause(False, dag_id)
        if dag_id == NOTIFY:
            live.command("dags", "trigger", dag_id, "--run-id", "by_command")
            runs[dag_id] = "by_command"
        else:
            runs[dag_id] = live.trigger(dag_id)
    states = {dag_id: live.wait_for_run(run, 180, dag_id) for dag_id, run in runs.items()}
    dated = [dag_id for dag_id, run in runs.items() if live.run(run, dag_id)["data_interval_start"] is not None]
    broken = live.airflow_rows("SELECT filename FROM import_error")
    return [
        equal("DAG files that cannot be imported", len(broken), 0),
        *(equal(f"by hand, without a logical date: {dag_id}", state, "success") for dag_id, state in states.items()),
        equal("runs by hand with a data interval", len(dated), 0),
    ]


# -------------------------------------------------------------------------------------------- all checks


Line = Callable[[LiveAirflow], list[Figure]]


def _checks() -> Iterator[tuple[str, Line]]:
    """Yield the checks, in an order in which no check has to wait for a scheduled time.

    For example, the check ``red minute`` repairs the failures of the check ``colours``, which can be done only minutes
    later.
    """
    red: list[Case] = []

    def colour(live: LiveAirflow) -> list[Figure]:
        found, failing = colours(live)
        red.extend(failing)
        return found

    def acting(name: str) -> tuple[str, Line]:
        return name, partial(in_flight, name=name)

    yield "woken", woken_at_once
    yield "by hand", by_hand
    yield "colours", colour
    yield "two at once", two_runs_at_once
    yield acting("send cleared")
    yield "clear and rerun", cleared_and_rerun
    yield "red minute", lambda live: red_minute(live, red)
    yield "mark success", marked_success
    yield acting("send marked success")
    yield "backfills", backfills
    yield "release unknown", release_unknown
    yield "last week", last_week
    for name in list(IN_FLIGHT)[2:]:
        yield acting(name)
    yield "skipped windows", skipped_windows
    yield "kept by Airflow", kept_by_airflow


def kept_by_airflow(live: LiveAirflow) -> list[Figure]:
    """Check that Airflow's database and logs contain no personal data after all checks have run."""
    (asker,) = live.desk.move(1)
    live.wait_for_states([asker], "delivered")
    reply = live.ask_9029(asker, f"MCKH {asker.code} Nguyễn Thị Lan {asker.phone}")
    live.pause(False, "purge_personal_data")
    purged = live.wait_for_run(live.trigger("purge_personal_data"), 180, "purge_personal_data")
    live.pause(True, "purge_personal_data")
    live.wait_until_idle(150)
    name = ("Nguyễn", "Thị", "Lan")
    seeker = Seeker(((case.phone[1:], name) for case in live.desk.cases), alone=True)
    held = live.ledger(
        "SELECT m.msisdn || ' ' || d.applicant_name AS words FROM motcua.messages AS m"
        " INNER JOIN motcua.dossiers AS d ON m.dossier_id = d.dossier_id WHERE m.msisdn IS NOT NULL"
    )
    in_ledger = set().union(*(seeker.found(row["words"]) for row in held))
    places, looked, lines, listeners = Places(), Counter[str](), 0, 0
    for table, column, written in live.airflow_tables():
        looked[table] += 1
        places.search(f"{table}.{column}", seeker, written)
    for path in Path(live.environment["AIRFLOW__LOGGING__BASE_LOG_FOLDER"]).rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines += len(text.splitlines())
            listeners += text.count("error calling listener")
            places.search(f"logs/{path.name}", seeker, text)
    unused = [each for each in _KEPT if not looked[each]]
    return [
        Figure("kept: 9029 answered a citizen meanwhile", str(asker.code in reply), "True", asker.code in reply),
        equal("kept: the run of the purge", purged, "success"),
        Figure("kept: numbers and names in the ledger", str(len(in_ledger)), "> 1", len(in_ledger) > 1),
        Figure(
            "kept: tables of Airflow that should have rows and are empty", ", ".join(unused) or "0", "0", not unused
        ),
        Figure("kept: lines of logs", f"{lines:,}", "> 0", lines > 0),
        equal("kept: listeners that failed in a component or a task", listeners, 0),
        Figure("kept: numbers and names in Airflow's database and logs", places.summary(), "0", not places.of),
    ]


_KEPT = ("xcom", "log", "dag_run", "task_instance", "rendered_task_instance_fields")


def figures(seed: int) -> list[Figure]:
    """Check every guarantee of the section Airflow of docs/guarantees.md, in one Airflow installation."""
    found: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="motcua-contract-", ignore_cleanup_errors=True) as folder,
        live_airflow(Path(folder), RETRY_LATER, seed=seed) as live,
    ):
        for name, line in _checks():
            try:
                found += line(live)
            except (AssertionError, TimeoutError, RuntimeError, ValueError, IndexError) as failure:
                found.append(Figure(name, f"{type(failure).__name__}: {failure}", "comes to its end", False))
                live.set_faults()
                live.pause(False)
        strange = len({message["reference"] for message in live.network_log()} - _references(live))
        found.append(equal("all checks: requests at the gateway without an attempt in the ledger", strange, 0))
    return found
