"""Test watchers, runs and senders that read a hundred sources: a hanging source delays no other source."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.looking import Asking, Waits, Watcher, asking, part_of, pause_of
from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.stopping import stop
from motcua.jobs.notices.watching import CatchUp, ToRead, in_batches, sources_to_read
from motcua.jobs.tasks.notify_transitions import name_of_batch, pick_up_sources
from motcua.store.ledger.database import connect
from motcua.store.ledger.locks import LEADING, WATCHING, hold_lock, lock_holders
from motcua.store.notices.gaps import begin_gap
from motcua.store.notices.gateways import GatewayStop, ensure_gateway, stop_gateway
from motcua.store.notices.messages import left_waiting
from motcua.store.notices.sources import ensure_source, note_failure, source_signals
from tests.crash.processes import Forked
from tests.ground import NOW, ask, in_ledger, until
from tests.integration.looking.conftest import HEALTHY, MUTE, READ_AT, REFUSING, SLEEPING, Province

READ_BY = READ_AT + timedelta(minutes=2)
NAMES = [f"xa_{number}" for number in range(300)]


PATIENT = {"look": 3600.0, "connection": 3600.0}
"""Time limits in seconds, so long that a watcher never gives up a hanging source during a test."""
BRISK = {"connection": 1.0}
"""A time limit for connections in seconds, so short that a silent source soon counts as not answering."""


def watchers() -> int:
    with connect() as ledger:
        return lock_holders(ledger, WATCHING)


def sources_that(what: str) -> set[str]:
    return {name for name, each in in_ledger(source_signals).items() if getattr(each, what)}


@pytest.mark.guarantee(
    "airflow", "a source that hangs or refuses connections keeps no other source's new rows from being read"
)
def test_news_of_all_healthy_sources_is_told_while_others_hang(province: Province, watching):
    news = watching(**PATIENT)
    until(lambda: province.mute_callers() == len(MUTE))
    province.healthy.dossier()
    province.healthy.move(9)
    until(lambda: set(news) == set(HEALTHY))
    assert province.mute_callers() == len(MUTE), "the silent sources must hang for the whole test"
    assert sources_that("has_news") == set(HEALTHY)
    assert sources_that("is_silent") == set(REFUSING)


@pytest.mark.guarantee("airflow", "a watcher has two connections to the ledger, however many sources")
@pytest.mark.usefixtures("no_connections_kept")
def test_watcher_has_two_connections_to_the_ledger(province: Province, watching):
    news = watching(**BRISK)
    until(lambda: watchers() == 1)
    province.healthy.dossier()
    until(lambda: set(news) == set(HEALTHY))
    # Other connections of this test may still be closing.
    until(lambda: province.connections("motcua_app") <= 2)
    assert watchers() == 1


def test_source_that_hangs_is_given_up_and_asked_again(province: Province, watching, configure):
    """A hanging source is marked as silent. Once it is due for a pick-up, it counts as a source with unread rows."""
    configure(MOTCUA_SOURCES=",".join([*SLEEPING, HEALTHY[0]]))
    watching(look=0.3, grace=0.3, pause=0.1, longest_pause=0.1)
    until(lambda: sources_that("is_silent") == set(SLEEPING))
    ask(province.ledger, "UPDATE motcua.sources SET watch = NULL WHERE name = ANY(%s)", list(SLEEPING))
    until(lambda: sources_that("has_news") == set(SLEEPING))
    assert sources_that("is_silent").isdisjoint(SLEEPING), (
        "a source that was never read is due for a pick-up without being asked"
    )


@pytest.mark.guarantee("airflow", "several watchers share the sources, and each source has exactly one watcher")
def test_parts_share_the_sources_disjointly_and_completely(province: Province, watching):
    parts = [{name for name in NAMES if part_of(name, 4) == part} for part in range(4)]
    assert sorted(name for part in parts for name in part) == sorted(NAMES)
    assert all(part_of(name, 4) == part_of(name, 4) for name in NAMES)
    assert min(map(len, parts)) > len(NAMES) / 8
    first, second = watching(0, 2, **BRISK), watching(1, 2, **BRISK)
    until(lambda: watchers() == 2)
    province.healthy.dossier()
    until(lambda: {*first, *second} == set(HEALTHY))
    assert set(first).isdisjoint(second)


@pytest.mark.guarantee("airflow", "a watcher that died, or was stopped for ten seconds, is not counted as alive")
def test_watcher_that_is_gone_is_not_counted(province: Province, watching, rows, configure):
    configure(MOTCUA_SOURCES=",".join([*HEALTHY[:3], *REFUSING]), MOTCUA_FROZEN_AFTER="2")
    watching()
    until(lambda: watchers() == 1)
    session = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND objsubid = 1 AND classid = 0"
    (holder,) = rows(session, WATCHING)
    rows("SELECT pg_terminate_backend(%s)", holder["pid"])
    until(lambda: [row["pid"] for row in rows(session, WATCHING)] not in ([], [holder["pid"]]))
    assert watchers() == 1, "the watcher reconnects"
    frozen = Forked(lambda _: Watcher(lambda _: None).run(threading.Event()))
    until(lambda: watchers() == 2)
    os.kill(frozen.pid, signal.SIGSTOP)
    until(lambda: watchers() == 1)
    os.kill(frozen.pid, signal.SIGCONT)
    until(lambda: watchers() == 2)
    frozen.kill()
    frozen.end()


def test_watcher_counts_only_when_all_its_sources_were_looked_at(province: Province, watching):
    """A watcher that still waits for the first answer of some sources does not count as a working watcher."""
    news = watching(**PATIENT)
    until(lambda: province.mute_callers() == len(MUTE))
    province.healthy.dossier()
    until(lambda: set(news) == set(HEALTHY))
    assert watchers() == 0


def test_news_is_news_no_longer_once_it_was_picked_up(province: Province, watching, configure):
    configure(MOTCUA_SOURCES=f"{HEALTHY[0]},{HEALTHY[1]}")
    watching()
    until(lambda: watchers() == 1)
    province.healthy.dossier()
    province.healthy.move(9)
    until(lambda: sources_that("has_news") == {HEALTHY[0], HEALTHY[1]})
    assert pick_up(HEALTHY[0], now=NOW).transitions == 1
    assert HEALTHY[0] not in sources_that("has_news"), (
        "after the pick-up there is no news, also before the watcher's next look"
    )


@pytest.mark.guarantee(
    "airflow",
    "runs and senders rely on the watchers to report unread rows; without watchers they query the sources",
)
def test_run_and_sender_believe_watchers(province: Province, watching, rows, configure):
    configure(MOTCUA_SOURCES=",".join([*REFUSING, *HEALTHY[:4]]))
    assert sources_to_read(READ_BY).names == [*REFUSING], "without a watcher the run asks the sources itself"
    watching()
    until(lambda: watchers() == 1)
    assert sources_to_read(READ_BY).names == [*REFUSING]
    with connect() as ledger:
        for name in REFUSING:
            note_failure(ledger, name, "refused", READ_BY - timedelta(minutes=1))
    assert sources_to_read(READ_BY).names == [], "a source that just failed would only delay the run"
    assert set(sources_to_read(READ_BY + timedelta(minutes=4, seconds=1)).names) >= set(REFUSING)
    province.healthy.dossier()
    province.healthy.move(9)
    until(lambda: sources_that("has_news") == set(HEALTHY[:4]))
    catch_up = CatchUp(timedelta(minutes=5))
    try:
        while sources_that("has_news"):
            catch_up()
        assert catch_up.counts["picked_up"]["dossiers"] >= 1
        assert catch_up._looks is None
    finally:
        catch_up.close()


@pytest.mark.guarantee(
    "airflow",
    "runs and senders rely on the watchers to report unread rows; without watchers they query the sources",
)
def test_sender_without_watchers_picks_up_what_healthy_sources_have(province: Province, rows, configure):
    some = HEALTHY[:24]
    configure(MOTCUA_SOURCES=",".join([*MUTE, *REFUSING, *some]))

    def is_read() -> bool:
        catch_up()
        (row,) = rows("SELECT count(*) AS n FROM motcua.sources WHERE picked_up_at > %s", NOW)
        return bool(row["n"] == len(some))

    catch_up = CatchUp(timedelta(minutes=5), Waits(**PATIENT))
    try:
        until(lambda: not catch_up() and province.mute_callers() == len(MUTE))
        province.healthy.dossier()
        until(is_read)
        assert province.mute_callers() == len(MUTE), "the silent sources must hang for the whole test"
    finally:
        catch_up.close()


ASLEEP = """
SELECT pid FROM pg_stat_activity WHERE datname LIKE 'sleeping%' AND state = 'active' AND query LIKE '%source_%'
"""


def test_sender_picks_up_four_sources_at_a_time(province: Province, rows, configure):
    configure(MOTCUA_SOURCES=",".join(SLEEPING), MOTCUA_SOURCE_PATIENCE="PT1H")
    rows("UPDATE motcua.sources SET watch = NULL")
    catch_up = CatchUp(timedelta(minutes=5))
    most = 0

    def have_ended() -> bool:
        nonlocal most
        catch_up()
        hanging = rows(ASLEEP)
        most = max(most, len(hanging))
        for each in hanging:
            rows("SELECT pg_terminate_backend(%s)", each["pid"])
        return catch_up._failed == set(SLEEPING)

    try:
        until(lambda: not catch_up() and len(rows(ASLEEP)) >= 4)
        assert not catch_up()
        assert len(rows(ASLEEP)) == 4, "four pick-ups run at a time, and the other sources wait"
        until(have_ended)
        assert most == 4
    finally:
        catch_up.close()


def test_pick_up_that_hangs_holds_up_no_other_and_is_left_to_the_next_run(province: Province, rows, configure):
    hanging, healthy = SLEEPING[0], HEALTHY[0]
    configure(MOTCUA_SOURCES=f"{hanging},{healthy}", MOTCUA_SOURCE_PATIENCE="PT1H")
    # A source without an earlier reading is picked up without a query for unread rows.
    rows("UPDATE motcua.sources SET watch = NULL WHERE name = %s", hanging)
    catch_up = CatchUp(timedelta(minutes=5))
    try:
        until(lambda: bool(catch_up() or rows(ASLEEP)))
        province.healthy.dossier()
        until(lambda: catch_up() and catch_up.counts["picked_up"]["dossiers"] == 1)
        assert rows(ASLEEP), "the first source must hang for the whole test"
        (row,) = rows("SELECT failed_at FROM motcua.sources WHERE name = %s", hanging)
        assert row["failed_at"] is None
        for each in rows(ASLEEP):
            rows("SELECT pg_terminate_backend(%s)", each["pid"])
        until(lambda: not catch_up() and catch_up._failed == {hanging})
        (row,) = rows("SELECT failed_at FROM motcua.sources WHERE name = %s", hanging)
        assert row["failed_at"] is not None
    finally:
        catch_up.close()


@pytest.fixture
def left_behind(one_stop, useful_for_years):
    """Plan a message that is due and that no sender has claimed."""
    one_stop.both(9)
    pick_up("khanhhoa", now=NOW)
    assert plan(now=NOW).by_state == {"queued": 1}


def left(now: datetime | None = None) -> int:
    moment = now or datetime.now(UTC)
    return len(in_ledger(left_waiting, ["kannel"], moment - timedelta(seconds=2), moment))


@pytest.mark.guarantee(
    "airflow", "due messages that a killed sender left wake a run; while they stay due they wake runs ever more rarely"
)
def test_messages_that_a_sender_left_behind_wake_a_run(left_behind, watching, rows):
    assert left() == 1
    with connect() as at_work:
        at_work.autocommit = True
        assert hold_lock(at_work, LEADING)
        news = watching()
        until(lambda: watchers() == 1)
        assert news == []
    until(lambda: news == [""])
    assert left() == 1


def test_messages_on_hold_wake_no_run(left_behind, rows):
    """A message on hold must not start a run, because the run could not send the message."""
    moment, hour = datetime.now(UTC), timedelta(hours=1)
    in_ledger(ensure_gateway, "kannel")
    (row,) = rows("SELECT carrier FROM motcua.messages")
    for concerns, subject in (("gateway", ""), ("carrier", row["carrier"])):
        stopped = GatewayStop("kannel", concerns, subject, moment, moment + hour, "tests")
        in_ledger(stop_gateway, stopped, changed_by="tests")
        assert (left(moment), left(moment + 2 * hour)) == (0, 1), (
            "a message that a gateway pause holds back wakes a run only when the pause is over"
        )
        rows("DELETE FROM motcua.gateway_stops")
    assert left(moment) == 1
    stop(kind="result", agency=None, until=moment + hour, reason="Mẫu tin sai", stopped_by="lan", now=moment)
    assert (left(moment), left(moment + 2 * hour)) == (0, 1)
    rows("UPDATE motcua.messages SET next_attempt_at = %s", moment + 2 * hour)
    assert left(moment + 3 * hour) == 1
    in_ledger(begin_gap, "behind_watch", moment, ledger_until=moment, journal_until=moment, lost_attempts=1)
    assert left(moment + 3 * hour) == 0


def test_one_run_is_woken_at_a_time_until_its_sender_leads(one_stop):
    """Runs must not pile up: each start of a run doubles the wait before the next start, until a sender is leader."""
    news: list[str] = []
    one = Watcher(news.append)
    may = [one._may_wake(0.0)]
    one._wake("a", 0.0)
    may += [one._may_wake(9.9), one._may_wake(10.0)]
    one._wake("b", 10.0)
    may += [one._may_wake(29.9), one._may_wake(30.0)]
    one._wake("c", 30.0)
    one._is_attended = True
    may.append(one._may_wake(30.1))
    one._is_attended = False
    one._wake("d", 31.0)
    may += [one._may_wake(40.9), one._may_wake(41.0)]
    assert may == [True, False, True, False, True, True, False, True]
    assert news == ["a", "b", "c", "d"]


def test_sources_without_news_are_asked_less_often_the_more_sources_there_are(configure):
    configure(MOTCUA_LOOK_EVERY="0.25", MOTCUA_LOOK_QUIET="1.5")
    assert [pause_of(seconds, 900) for seconds in (0, 60, 120, 240, 99999)] == [0.25, 0.25, 0.5, 1.0, 1.5]
    assert pause_of(99999, 9000) == 1.5
    assert pause_of(99999, 300) == 0.5
    assert [pause_of(seconds, 20) for seconds in (60, 90, 99999)] == [0.25, 0.375, 0.5], "a few sources"
    configure(MOTCUA_SOURCES=",".join([*NAMES, "hue=national_sync"]))
    assert asking() == Asking(sources=300, after_news=4, at_rest=2, together_at_rest=600)
    configure(MOTCUA_LOOK_EVERY="5", MOTCUA_LOOK_PARTS="2")
    assert pause_of(0, 300) == pause_of(99999, 300) == 5
    assert asking().together_at_rest == 60


def test_many_sources_are_read_by_a_few_tasks_each_source_once():
    tasks = in_batches(NAMES)
    assert tasks[:8] == NAMES[:8], "each of the first eight sources has a task of its own"
    assert len(tasks) == 12
    assert sorted(",".join(tasks).split(",")) == sorted(NAMES)
    assert in_batches(NAMES[:12]) == NAMES[:12]
    assert max(len(name_of_batch(task)) for task in tasks) == 80, "longer names of tasks are cut"


def test_sources_without_news_share_two_tasks_and_delay_no_source_with_news():
    tasks = ToRead(news=["a", "b"], quiet=NAMES, failed=["z"]).tasks
    assert tasks[:3] == ["a", "b", "z"]
    assert len(tasks) == 5
    assert sorted(",".join(tasks[3:]).split(",")) == sorted(NAMES)
    assert ToRead(news=[], quiet=["only"], failed=[]).tasks == ["only"]


def test_source_that_fails_in_a_task_for_several_stops_no_other(province: Province, rows):
    province.healthy.dossier()
    with pytest.raises(SourceFailed, match=REFUSING[0]):
        pick_up_sources(f"{REFUSING[0]},{HEALTHY[0]}", EVERYTHING)
    read = rows("SELECT name FROM motcua.sources WHERE picked_up_at > %s ORDER BY 1", NOW)
    assert [row["name"] for row in read] == [HEALTHY[0]]


def test_reading_a_source_takes_no_id_from_the_sequence_of_sources(one_stop, rows):
    """Reading a source must use up no id, because the ids of sources are 16-bit numbers and would run out."""
    in_ledger(ensure_source, "khanhhoa")
    last = "SELECT last_value FROM motcua.sources_source_id_seq"
    before = rows(last)
    one_stop.dossier()
    pick_up("khanhhoa", now=NOW)
    in_ledger(note_failure, "khanhhoa", "away", NOW)
    in_ledger(ensure_source, "khanhhoa")
    assert rows(last) == before
