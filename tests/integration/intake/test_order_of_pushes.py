"""Test pushes in any order and with wrong clocks: a dossier counts as resolved exactly if its result text is queued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import methodcaller
from typing import Any

import psycopg
import pytest

from tests.ground import take_in
from tests.integration.intake.conftest import SOURCE, Software, dossier, step, written

MINUTE = timedelta(minutes=1)
_CLOCK = """
CREATE SCHEMA tests;
CREATE TABLE tests.clock (moment timestamptz NOT NULL);
INSERT INTO tests.clock VALUES (now());
CREATE SEQUENCE tests.ticks;
CREATE FUNCTION tests.now() RETURNS timestamptz LANGUAGE sql VOLATILE SECURITY DEFINER
RETURN (SELECT moment + nextval('tests.ticks') * interval '1 millisecond' FROM tests.clock);
GRANT USAGE ON SCHEMA tests TO public;
"""
"""SQL that creates a clock for the intake. Tests set this clock, and each reading advances it by a millisecond."""


@dataclass
class Desk:
    """Software that pushes one dossier, at given minutes of a story. The times in the pushes may be wrong."""

    software: Software
    ledger: psycopg.Connection[Any]
    began: datetime
    code: str = ""

    def at(self, minute: float) -> datetime:
        return self.began + timedelta(minutes=minute)

    def _set_clock(self, minute: float) -> None:
        self.ledger.execute("UPDATE tests.clock SET moment = %s", (self.at(minute),))

    def _with_written_times(self, given: dict[str, Any]) -> dict[str, Any]:
        """Replace each time span since the story's beginning by the moment in the notation of the software OpenCPS."""
        return {
            name: written(self.began + value) if isinstance(value, timedelta) else value
            for name, value in given.items()
        }

    def row(self, minute: float, status: int | str, **changes: Any) -> None:
        self._set_clock(minute)
        assert (
            self.software.dossiers(dossier(self.code, status, **self._with_written_times(changes)))["error_code"]
            == "00"
        )

    def short(self, minute: float, **fields: Any) -> None:
        self._set_clock(minute)
        record = {"MaHoSo": self.code, **self._with_written_times(fields)}
        assert self.software.call("DongBoHoSoMC", [record], isUpdating="True")

    def steps(self, minute: float, *steps: tuple[int, float | None]) -> None:
        """Push steps, each with a status and a time. The time is a minute, or ``None`` for the day without a time."""
        self._set_clock(minute)
        day = f"{self.at(0) + timedelta(hours=7):%Y%m%d}"
        records = [
            step(self.code, status, None if stamp is None else self.at(stamp), NoiDungXuLy=f"{status} {stamp}")
            | ({"ThoiDiemXuLy": day} if stamp is None else {})
            for status, stamp in steps
        ]
        assert self.software.steps(*records)["error_code"] == "00"

    def run(self, minute: float) -> None:
        now = self.at(minute)
        take_in(source=SOURCE, now=now)


@pytest.fixture
def desk(software: Software, ledger: str) -> Iterator[Desk]:
    """Make the intake's SQL functions use the clock of the tests; return software that pushes one dossier."""
    with psycopg.connect(ledger, autocommit=True) as connection:
        connection.execute(_CLOCK)
        found = connection.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = 'intake'::regnamespace AND prosrc LIKE '%clock_timestamp()%'"
        ).fetchall()
        for (definition,) in found:
            connection.execute(definition.replace("clock_timestamp()", "tests.now()").encode())
        # The intake reads a time of exactly midnight in Vietnam as a day without a time. The seventh second keeps the
        # times of all stories away from midnight.
        yield Desk(software, connection, datetime.now(UTC).replace(second=7, microsecond=0) - timedelta(days=6))


row, short, steps, run = (partial(methodcaller, act) for act in ("row", "short", "steps", "run"))
"""The acts of a story. The first argument of each act is its minute in the story."""
RESULT = {
    # Another server of the software, with a clock seven minutes behind, pushes the result again.
    "result again from a late clock with other fields": [
        row(0, 4),
        steps(0.1, (4, 0)),
        row(30, 9),
        steps(30.1, (9, 30)),
        row(60, 4, NgayKetThucXuLy=""),
        steps(60.1, (4, 60)),
        row(63, 9, NgayKetThucXuLy=63 * MINUTE),
        steps(63.1, (9, 56)),
    ],
    "result again from a late clock with its status alone": [
        row(0, 4),
        steps(0.1, (4, 0)),
        steps(30, (9, 30)),
        steps(60, (4, 60)),
        row(60.5, 4, SoDienThoai="0912000000"),
        short(63, TrangThaiHoSo=9),
        steps(63.1, (9, 56)),
    ],
    "step of a moment before its row": [row(10, 4), steps(10.1, (9, 9.99))],
    "first row says in work an hour after the result step": [row(90, 4), steps(90.1, (9, 30))],
    "row says in work once more after the result step": [
        row(0, 4),
        steps(30, (9, 30)),
        run(31),
        short(40, TrangThaiHoSo=4, SoDienThoai="0912000000"),
    ],
    "step of an old state after the row of the new one": [row(0, 4), row(90, 9), run(90.5), steps(91, (4, 20))],
    # The update between row and step (``short``) has a phone number and no status.
    "phone is changed between row and step": [
        row(0, 4),
        steps(20, (4, 20)),
        short(22, SoDienThoai="0912000000"),
        steps(23, (9, 18)),
    ],
    "clocks ahead and a call overtaken": [row(0, 4), row(30, 9), steps(30.1, (9, 33)), steps(32, (4, 31))],
    "clocks behind and a call overtaken": [row(0, 4), row(30, 9), steps(30.1, (9, 27)), steps(32, (4, 25))],
    "a call overtaken after it was told": [row(0, 4), row(30, 9), steps(30.1, (9, 30)), run(31), steps(32, (4, 26))],
    # The second row with the result equals the first one. Each row is pushed before its steps.
    "taken back and there again": [
        *(
            act
            for minute, status in ((0, 4), (40, 9), (80, 4), (120, 9))
            for act in (row(minute, status), steps(minute + 0.1, (status, minute)), run(minute + 1))
        ),
    ],
    "taken back and there again, steps first": [
        *(
            act
            for minute, status in ((0, 4), (40, 9), (80, 4), (120, 9))
            for act in (steps(minute, (status, minute)), row(minute + 0.1, status), run(minute + 1))
        ),
    ],
    "old pushes again after the result": [
        row(0, 4),
        steps(0.1, (4, 0)),
        row(30, 9),
        steps(30.1, (9, 30)),
        run(31),
        row(200, 4),
        steps(200.1, (4, 0)),
    ],
    "step before its dossier": [steps(0, (9, -1)), run(1), row(2, 4)],
    "steps before their dossier in reverse": [steps(0, (9, -1)), steps(1, (4, -2)), row(2, 9)],
    # Among steps of the same second, the step that was pushed last counts.
    "two steps of one second in one call": [row(0, 2), steps(30, (4, 29), (9, 29))],
    "two steps of one second after each other": [row(0, 2), steps(30, (4, 29)), steps(30.1, (9, 29))],
    "steps in one call in reverse": [row(0, 2), steps(40, (9, 39), (4, 35), (2, 30))],
    # Among steps without a time, the step that arrives last counts, even if a row of the same day came earlier.
    "days without a time": [
        row(0, 4),
        steps(30, (4, None)),
        row(60, 4, SoDienThoai="0912000000"),
        steps(90, (9, None)),
    ],
    "clock that is years ahead": [row(0, 4), steps(1, (4, 500_000)), steps(30, (9, 30))],
    "update that says no status": [
        short(0, SoDienThoai="0905123456", NgayTiepNhan=0 * MINUTE, MaTTHC="1.005129"),
        steps(1, (9, 0.5)),
    ],
}
NO_RESULT = {
    "row is taken back after it said so": [row(0, 4), row(30, 9), steps(30.1, (9, 30)), row(40, 4, NgayHenTra="")],
    "clocks ahead and taken back": [
        row(0, 4),
        row(30, 9),
        steps(30.1, (9, 33)),
        row(32, 4, NgayHenTra=""),
        steps(32.1, (4, 32)),
    ],
    "clocks behind and taken back": [
        row(0, 4),
        row(30, 9),
        steps(30.1, (9, 30)),
        row(32, 4, NgayHenTra=""),
        steps(32.1, (4, 28)),
    ],
    # The software pushes the whole day again, in order, with a step that was never pushed before.
    "old pushes again after newer ones": [
        row(0, 4),
        steps(0.1, (4, 0)),
        row(30, 9),
        row(36, 4, NgayHenTra=""),
        steps(36.1, (4, 36)),
        run(37),
        row(200, 4),
        steps(200.1, (4, 0)),
        row(200.2, 9),
        steps(200.3, (9, 30)),
        row(200.4, 4, NgayHenTra=""),
        steps(200.5, (4, 36)),
    ],
    "taking back in one call in reverse": [row(0, 2), steps(40, (4, 39), (9, 35), (4, 30))],
    "days without a time and taken back": [row(0, 4), steps(30, (9, 30)), steps(90, (4, None))],
}


@pytest.mark.guarantee(
    "intake",
    "in whatever order pushes come, and whatever clocks show, the dossier and its message agree with the source's row",
)
def test_dossier_stands_as_it_is_told_in_whatever_order_its_pushes_come(desk, rows):
    """At the end of each story, the source's row, the ledger's dossier and the queued message must agree."""
    ends = {}
    for number, (story, acts) in enumerate((RESULT | NO_RESULT).items()):
        desk.code, desk.began = f"H-{number:02}", desk.began + timedelta(hours=5)
        for act in [*acts, run(240)]:
            act(desk)
        (row,) = rows("SELECT status_code FROM intake.source_dossiers WHERE dossier_code = %s", desk.code)
        (kept,) = rows("SELECT dossier_id, status_code FROM motcua.dossiers WHERE dossier_code = %s", desk.code)
        states = rows("SELECT state FROM motcua.messages WHERE dossier_id = %s AND kind = 'result'"
                      " ORDER BY message_id", kept["dossier_id"])  # fmt: skip
        is_told = [each["state"] for each in states][-1:] == ["queued"]
        ends[story] = row["status_code"], kept["status_code"], is_told
    assert ends == dict.fromkeys(RESULT, (9, 9, True)) | dict.fromkeys(NO_RESULT, (4, 4, False))
