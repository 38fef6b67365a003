"""Test that the code which judges a simulated day notices lost and repeated texts, and values that keep growing.

``make prove ONLY=soak`` simulates such a day.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from motcua.sandbox.world.happenings import condition
from tests.soak.clock import Clock, give_time
from tests.soak.faults import COSTS, draw
from tests.soak.lives import HELD, KINDS, Life, Owed, lives
from tests.soak.oracle import Citizen, Taken, judge, read
from tests.soak.sampling import FILES, MEMORY, ROWS, Margin, Samples, Series, rising, trend

START = datetime(2026, 1, 21, 0, 0, tzinfo=UTC)
TOMORROW = START + timedelta(days=1, hours=10)
RESULT = "Thong bao: Ho so cua quy Ong/Ba ({}) da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua de nhan ket qua"
SUPPLEMENT = "Thông báo: Hồ sơ của quý Ông/Bà ({}) cần bổ sung theo quy định. Mời Ông/Bà đến Bộ phận Một cửa"
APOLOGY = "Thông báo: Hồ sơ của quý Ông/Bà ({}) chưa có kết quả vào ngày 26/11/2026. UBND chân thành xin lỗi."
CITIZENS = {
    "A-1": Citizen("0905000001", {"result": Owed(1, 1)}),
    "A-2": Citizen("0905000002", {"supplement": Owed(1, 1), "result": Owed(0, 1)}),
    "A-3": Citizen("0905000003", {"apology": Owed(1, 1)}),
    "A-4": Citizen("", {}),
    "A-5": Citizen("0905000005", {"result": Owed(2, 2)}),
}
ALL_TOLD = [
    Taken("0905000001", RESULT.format("A-1")),
    Taken("0905000002", SUPPLEMENT.format("A-2")),
    Taken("0905000003", APOLOGY.format("A-3")),
    Taken("0905000005", RESULT.format("A-5")),
    Taken("0905000005", RESULT.format("A-5")),
]


def test_day_on_which_everybody_was_told_once_is_clean() -> None:
    assert judge(CITIZENS, ALL_TOLD).is_clean
    # A text that may be sent (``must`` is 0) may also be missing.
    assert judge(CITIZENS, [*ALL_TOLD, Taken("0905000002", RESULT.format("A-2"))]).is_clean
    assert read("Hệ thống tra cứu đang bận.") == ("", "")


@pytest.mark.parametrize("place", range(len(ALL_TOLD)))
def test_message_that_is_missing_or_doubled_or_strayed_is_found(place: int) -> None:
    code, kind = read(ALL_TOLD[place].text)
    left = [*ALL_TOLD[:place], *ALL_TOLD[place + 1 :]]
    assert judge(CITIZENS, left).lost == [f"{code} {kind}"]
    assert judge(CITIZENS, left, [(code, "another"), ("A-9", kind)]).lost == [f"{code} {kind}"]
    shown = judge(CITIZENS, left, [(code, kind)])
    assert (shown.is_clean, shown.listed) == (True, 1), "people see the message as unknown, so it is not lost"
    (doubled,) = judge(CITIZENS, [*ALL_TOLD, ALL_TOLD[place]]).doubled
    assert doubled.startswith(f"{code} {kind}")
    strayed = [*left, replace(ALL_TOLD[place], number="0905999999")]
    assert judge(CITIZENS, strayed).wrong_phone == [f"{code} {kind}"]


def test_message_that_nobody_is_owed_is_found() -> None:
    for text in (RESULT.format("A-4"), APOLOGY.format("A-1"), RESULT.format("B-1"), "hello"):
        assert len(judge(CITIZENS, [*ALL_TOLD, Taken("0905000001", text)]).uncalled) == 1


def _series(growth: float, noise: float = 0.0, margin: Margin = MEMORY) -> Series:
    lot = random.Random(1)
    series = Series("a process: memory", "MB", margin)
    for minute in range(300):
        # The values rise in the first hour, as in a process that fills its caches.
        series.add(minute / 60, 150 + min(minute, 60) / 2 + growth * minute / 60 + lot.uniform(-noise, noise))
    return series


def test_what_goes_on_growing_is_found_and_what_fills_up_and_then_stays_is_not() -> None:
    flat, leaks = _series(0.0, noise=4.0), _series(12.0, noise=4.0)
    assert rising([flat, leaks]) == [leaks]
    assert trend(leaks.points).per_hour == pytest.approx(12.0, abs=0.5)
    # A few odd samples neither make a trend nor hide one.
    flat, leaks = _series(0.0), _series(12.0)
    flat.points[250:262] = [(hour, value * 3) for hour, value in flat.points[250:262]]
    leaks.points[250:262] = [(hour, 0.0) for hour, _ in leaks.points[250:262]]
    assert rising([flat, leaks]) == [leaks]
    kept_open = _series(30.0, margin=FILES)
    assert rising([_series(0.0, margin=FILES), kept_open]) == [kept_open]
    grows, outgrows = Series("as much as messages", "rows", ROWS), Series("more", "rows", ROWS)
    for minute in range(1, 301):
        messages = 3 * minute
        grows.add(minute / 60, (50 + 4 * messages) / messages)
        outgrows.add(minute / 60, (50 + 4 * messages + 0.3 * minute**2) / messages)
    assert rising([grows, outgrows]) == [outgrows]


def test_too_few_samples_are_no_verdict() -> None:
    with pytest.raises(ValueError, match="too few"):
        trend([(hour, 1.0) for hour in range(11)])
    samples = Samples(taken=100)
    for name, minutes in (("old", 60), ("young", 15)):
        for minute in range(minutes):
            samples._series(name, "memory", "MB", MEMORY).add(minute, 1.0)
    assert [series.subject for series in samples.judged()] == ["old: memory"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_kind_of_fault_comes_and_the_backup_before_the_restore(seed: int) -> None:
    faults = draw(random.Random(seed))
    kinds = [fault.kind for fault in faults]
    assert set(COSTS) < set(kinds)
    assert kinds.index("backup") < kinds.index("restore")
    assert faults == draw(random.Random(seed))
    clocks = sorted((fault.at, fault.at + fault.lasts) for fault in faults if fault.kind.startswith("clock"))
    assert clocks[0][1] < clocks[1][0], "two faults of the clock overlap"


def _conditions(life: Life) -> list[tuple[str, float]]:
    """Return each time that a life enters a condition that calls for a message, and how long the condition lasts."""
    moves = [act for act in sorted(life.acts, key=lambda act: act.at) if act.phone is None]
    ends = [*(act.at for act in moves[1:]), float("inf")]
    kinds = [condition(act.status, act.desk) for act in moves]
    return [(str(kind), end - act.at) for kind, act, end in zip(kinds, moves, ends, strict=True) if kind]


def test_lives_are_owed_what_stands_long_enough_and_no_two_share_a_phone() -> None:
    made = lives(random.Random(1), 600, START, TOMORROW)
    assert {life.kind for life in made} == set(KINDS)
    for life in made:
        entered = [] if life.kind == "no phone" else _conditions(life)
        must = {
            kind: Owed(
                sum(each == kind and lasts >= HELD for each, lasts in entered),
                sum(each == kind for each, _ in entered),
            )
            for kind, _ in entered
        }
        assert {kind: promise for kind, promise in life.owed.items() if kind != "apology"} == must, life.kind
        is_open = life.acts[-1].status == 4 and life.dossier.due_at == TOMORROW
        assert ("apology" in life.owed) == is_open, life.kind
    numbers = [life.number for life in made if life.number]
    assert len(set(numbers)) == len(numbers)
    assert len({life.dossier.code for life in made}) == len(made)


def test_modules_take_the_time_from_a_clock_that_goes_at_its_pace_and_nothing_else_changes(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    clock.set(START, 1e9)
    assert clock.true() > START + timedelta(seconds=1)
    clock.set(START, 1e-9, timedelta(minutes=7))
    assert abs(clock.true() - START) < timedelta(seconds=1)
    module = ModuleType("one_of_ours")
    exec("from datetime import datetime, timedelta, UTC", vars(module))
    give_time([module], clock)
    moment = module.datetime.now(UTC)
    assert abs(moment - START - timedelta(minutes=7)) < timedelta(seconds=1), (
        "modules do not use the simulated clock of the server"
    )
    assert type(moment) is datetime
    assert isinstance(START, module.datetime)
    assert module.datetime.fromisoformat(START.isoformat()) == START
    assert datetime.now(UTC) - START > timedelta(hours=1)
