"""Whatever order pushes come in, and whatever clocks say: what is told as resolved is counted as resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.ground import take_in
from tests.integration.intake.conftest import SOURCE, Software, dossier, step, written

_CLOCK = """
CREATE SCHEMA tests;
CREATE TABLE tests.clock (moment timestamptz NOT NULL);
INSERT INTO tests.clock VALUES (now());
CREATE SEQUENCE tests.ticks;
CREATE FUNCTION tests.now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER
RETURN (SELECT moment + nextval('tests.ticks') * interval '1 millisecond' FROM tests.clock);
GRANT USAGE ON SCHEMA tests TO public;
"""
"""Each moment that the intake asks for is later than the one before."""


@dataclass
class Desk:
    """Software whose pushes come at minutes of one day; its own clocks may say something else."""

    software: Software
    ledger: psycopg.Connection[Any]
    began: datetime
    code: str = ""

    def at(self, minute: float) -> datetime:
        return self.began + timedelta(minutes=minute)

    def _now(self, minute: float) -> None:
        self.ledger.execute("UPDATE tests.clock SET moment = %s", (self.at(minute),))

    def row(self, minute: float, status: int | str, **changes: Any) -> None:
        self._now(minute)
        assert self.software.dossiers(dossier(self.code, status, **changes))["error_code"] == "00"

    def short(self, minute: float, **fields: Any) -> None:
        self._now(minute)
        assert self.software.call("DongBoHoSoMC", [{"MaHoSo": self.code, **fields}], isUpdating="True")

    def steps(self, minute: float, *steps: tuple[int, float | str]) -> None:
        """Each with its status and its stamp: a minute, or what is written."""
        self._now(minute)
        records = [
            step(self.code, status, None if isinstance(stamp, str) else self.at(stamp), NoiDungXuLy=f"{status} {stamp}")
            | ({"ThoiDiemXuLy": stamp} if isinstance(stamp, str) else {})
            for status, stamp in steps
        ]
        assert self.software.steps(*records)["error_code"] == "00"

    def run(self, minute: float) -> None:
        now = self.at(minute)
        take_in(source=SOURCE, now=now)


@pytest.fixture
def desk(software: Software, ledger: str) -> Iterator[Desk]:
    with psycopg.connect(ledger, autocommit=True) as connection:
        connection.execute(_CLOCK)
        found = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'intake'::regnamespace AND prosrc LIKE '%clock_timestamp()%'"
        ).fetchall()
        for (definition,) in found:
            connection.execute(definition.replace("clock_timestamp()", "tests.now()").encode())
        yield Desk(software, connection, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(days=6))


def held_back_with_other_fields(desk: Desk) -> None:
    """Given again by another of its servers, whose clock is seven minutes behind."""
    desk.row(0, 4)
    desk.steps(0.1, (4, 0))
    desk.row(30, 9)
    desk.steps(30.1, (9, 30))
    desk.row(60, 4, NgayKetThucXuLy="")
    desk.steps(60.1, (4, 60))
    desk.row(63, 9, NgayKetThucXuLy=written(desk.at(63)))
    desk.steps(63.1, (9, 56))


def held_back_with_its_status_alone(desk: Desk) -> None:
    desk.row(0, 4)
    desk.steps(0.1, (4, 0))
    desk.steps(30, (9, 30))
    desk.steps(60, (4, 60))
    desk.row(60.5, 4, SoDienThoai="0912000000")
    desk.short(63, TrangThaiHoSo=9)
    desk.steps(63.1, (9, 56))


def step_of_a_moment_before_its_row(desk: Desk) -> None:
    desk.row(10, 4)
    desk.steps(10.1, (9, 9.99))


def step_of_an_hour_before_a_row_that_is_coarse(desk: Desk) -> None:
    desk.row(90, 4)
    desk.steps(90.1, (9, 30))


def coarse_row_says_once_more_what_it_said_before(desk: Desk) -> None:
    desk.row(0, 4)
    desk.steps(30, (9, 30))
    desk.run(31)
    desk.short(40, TrangThaiHoSo=4, SoDienThoai="0912000000")


def row_is_taken_back_after_it_said_so(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(30, 9)
    desk.steps(30.1, (9, 30))
    desk.row(40, 4, NgayHenTra="")


def step_of_an_old_state_after_the_row_of_the_new_one(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(90, 9)
    desk.run(90.5)
    desk.steps(91, (4, 20))


def phone_is_changed_between_row_and_step(desk: Desk) -> None:
    """The short update says nothing of the status."""
    desk.row(0, 4)
    desk.steps(20, (4, 20))
    desk.short(22, SoDienThoai="0912000000")
    desk.steps(23, (9, 18))


def clocks_ahead_and_a_call_overtaken(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(30, 9)
    desk.steps(30.1, (9, 33))
    desk.steps(32, (4, 31))


def clocks_behind_and_a_call_overtaken(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(30, 9)
    desk.steps(30.1, (9, 27))
    desk.steps(32, (4, 25))


def clocks_ahead_and_taken_back(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(30, 9)
    desk.steps(30.1, (9, 33))
    desk.row(32, 4, NgayHenTra="")
    desk.steps(32.1, (4, 32))


def clocks_behind_and_taken_back(desk: Desk) -> None:
    desk.row(0, 4)
    desk.row(30, 9)
    desk.steps(30.1, (9, 30))
    desk.row(32, 4, NgayHenTra="")
    desk.steps(32.1, (4, 28))


def old_pushes_again_after_newer_ones(desk: Desk) -> None:
    """A day that is sent again, in its order, with a step of it that never came."""
    desk.row(0, 4)
    desk.steps(0.1, (4, 0))
    desk.row(30, 9)
    desk.row(36, 4, NgayHenTra="")
    desk.steps(36.1, (4, 36))
    desk.run(37)
    desk.row(200, 4)
    desk.steps(200.1, (4, 0))
    desk.row(200.2, 9)
    desk.steps(200.3, (9, 30))
    desk.row(200.4, 4, NgayHenTra="")
    desk.steps(200.5, (4, 36))


def old_pushes_again_after_the_result(desk: Desk) -> None:
    desk.row(0, 4)
    desk.steps(0.1, (4, 0))
    desk.row(30, 9)
    desk.steps(30.1, (9, 30))
    desk.run(31)
    desk.row(200, 4)
    desk.steps(200.1, (4, 0))


def step_before_its_dossier(desk: Desk) -> None:
    desk.steps(0, (9, -1))
    desk.run(1)
    desk.row(2, 4)


def steps_before_their_dossier_in_reverse(desk: Desk) -> None:
    desk.steps(0, (9, -1))
    desk.steps(1, (4, -2))
    desk.row(2, 9)


def two_steps_of_one_second_in_one_call(desk: Desk) -> None:
    """As they stand there."""
    desk.row(0, 2)
    desk.steps(30, (4, 29), (9, 29))


def two_steps_of_one_second_after_each_other(desk: Desk) -> None:
    desk.row(0, 2)
    desk.steps(30, (4, 29))
    desk.steps(30.1, (9, 29))


def steps_in_one_call_in_reverse(desk: Desk) -> None:
    desk.row(0, 2)
    desk.steps(40, (9, 39), (4, 35), (2, 30))


def taking_back_in_one_call_in_reverse(desk: Desk) -> None:
    desk.row(0, 2)
    desk.steps(40, (4, 39), (9, 35), (4, 30))


def days_without_a_time(desk: Desk) -> None:
    """What comes last counts, also where the row was said by then."""
    day = f"{desk.at(0) + timedelta(hours=7):%Y%m%d}"
    desk.row(0, 4)
    desk.steps(30, (4, day))
    desk.row(60, 4, SoDienThoai="0912000000")
    desk.steps(90, (9, day))


def days_without_a_time_and_taken_back(desk: Desk) -> None:
    day = f"{desk.at(0) + timedelta(hours=7):%Y%m%d}"
    desk.row(0, 4)
    desk.steps(30, (9, 30))
    desk.steps(90, (4, day))


def clock_that_is_years_ahead(desk: Desk) -> None:
    desk.row(0, 4)
    desk.steps(1, (4, 500_000))
    desk.steps(30, (9, 30))


def update_that_says_no_status(desk: Desk) -> None:
    desk.short(0, SoDienThoai="0905123456", NgayTiepNhan=written(desk.at(0)), MaTTHC="1.005129")
    desk.steps(1, (9, 0.5))


RESULT: list[Callable[[Desk], None]] = [
    held_back_with_other_fields,
    held_back_with_its_status_alone,
    step_of_a_moment_before_its_row,
    step_of_an_hour_before_a_row_that_is_coarse,
    coarse_row_says_once_more_what_it_said_before,
    step_of_an_old_state_after_the_row_of_the_new_one,
    phone_is_changed_between_row_and_step,
    clocks_ahead_and_a_call_overtaken,
    clocks_behind_and_a_call_overtaken,
    old_pushes_again_after_the_result,
    step_before_its_dossier,
    steps_before_their_dossier_in_reverse,
    two_steps_of_one_second_in_one_call,
    two_steps_of_one_second_after_each_other,
    steps_in_one_call_in_reverse,
    days_without_a_time,
    clock_that_is_years_ahead,
    update_that_says_no_status,
]
NO_RESULT: list[Callable[[Desk], None]] = [
    row_is_taken_back_after_it_said_so,
    clocks_ahead_and_taken_back,
    clocks_behind_and_taken_back,
    old_pushes_again_after_newer_ones,
    taking_back_in_one_call_in_reverse,
    days_without_a_time_and_taken_back,
]


@pytest.mark.guarantee(
    "intake", "what is told as resolved is counted as resolved, whatever clocks say and in whatever order pushes come"
)
def test_dossier_stands_as_it_is_told_in_whatever_order_its_pushes_come(desk, rows):
    """Of each: how its row stands, how the ledger has it, and whether a result is told in the end."""
    told = {}
    for number, push in enumerate(RESULT + NO_RESULT):
        desk.code, desk.began = f"H-{number:02}", desk.began + timedelta(hours=5)
        push(desk)
        desk.run(240)
        (row,) = rows("SELECT status_code FROM intake.source_dossiers WHERE dossier_code = %s", desk.code)
        (kept,) = rows("SELECT dossier_id, status_code FROM motcua.dossiers WHERE dossier_code = %s", desk.code)
        states = rows("SELECT state FROM motcua.messages WHERE dossier_id = %s AND kind = 'result'"
                      " ORDER BY message_id", kept["dossier_id"])  # fmt: skip
        is_told = [each["state"] for each in states][-1:] == ["queued"]
        told[push.__name__] = row["status_code"], kept["status_code"], is_told
    wanted = {push.__name__: (9, 9, True) for push in RESULT} | {push.__name__: (4, 4, False) for push in NO_RESULT}
    assert told == wanted
