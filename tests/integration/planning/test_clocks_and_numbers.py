"""Test sources with a clock that is set back or runs ahead, and sources that number their steps from 1 again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.jobs.checking.checking import check_source
from tests.ground import NOW, take_in

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Desk:
    """A desk whose software writes with a clock that may be wrong. Runs use the right time."""

    def __init__(self, one_stop):
        self.one_stop, self.now, self.wrong_by, self.state = one_stop, NOW, timedelta(0), {}
        # Shadow now() in the source's database, so that the database server shows the wrong time too.
        one_stop.connection.execute("CREATE SCHEMA wrong")
        one_stop.connection.execute("CREATE TABLE wrong.clock AS SELECT timestamptz '2026-01-01' AS at")
        one_stop.connection.execute(
            "CREATE FUNCTION wrong.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT c.at FROM wrong.clock AS c'"
        )
        database = one_stop.connection.info.dbname
        one_stop.connection.execute(f"ALTER DATABASE {database} SET search_path = wrong, pg_catalog, public")
        self.is_told = True
        self.wait(timedelta(0))

    @property
    def clock(self):
        return self.now + self.wrong_by

    def wait(self, time):
        self.now += time
        self.one_stop.connection.execute("UPDATE wrong.clock SET at = %s", (self.clock if self.is_told else self.now,))

    def writes(self, code, **changes):
        self.state[code] = self.state.get(code, {}) | changes
        self.one_stop.dossier(code, updated_at=self.clock, **self.state[code])

    def moves(self, code, status, *, desk=True, row=True, **changes):
        self.one_stop.move(status, code, desk=desk, at=self.clock, **changes)
        if row:
            self.writes(code, status_code=status, at_one_stop_desk=desk)

    def run(self, after=MINUTE):
        self.wait(after)
        take_in(now=self.now)


@pytest.fixture(params=[True, False], ids=["told by its server", "seen in rows alone"])
def desk(one_stop, request):
    """Return a desk. By parameter, the wrong time shows in the database server and in rows, or in rows alone."""
    made = Desk(one_stop)
    made.is_told = request.param
    return made


@pytest.fixture
def planned(rows):
    """Return a function that reads dossier code, kind and state of all messages, in the order of planning."""
    found = (
        "SELECT d.dossier_code, m.kind, m.state FROM motcua.messages AS m"
        " INNER JOIN motcua.dossiers AS d USING (dossier_id) ORDER BY m.message_id"
    )
    return lambda: [tuple(row.values()) for row in rows(found)]


@pytest.mark.guarantee("what-fires", "no row is lost when a source's clock is set back and later corrected")
@pytest.mark.parametrize(("back", "is_righted"), [(20 * MINUTE, False), (7 * HOUR, False), (25 * HOUR, True)])
def test_what_a_clock_that_was_set_back_wrote_is_told(desk, planned, rows, back, is_righted):
    """Rows that a source wrote with a clock set back must still lead to their messages, once each."""
    desk.moves("A-1", 4, desk=False)
    desk.moves("A-2", 4, desk=False)
    desk.writes("A-3", applicant_phone="")
    desk.moves("A-3", 9)
    desk.run()
    assert planned() == [("A-3", "result", "suppressed")]
    desk.wrong_by = -back
    desk.wait(5 * MINUTE)
    # Three changes lead to a message: a change of the row alone, of a step and its row, and of a phone number.
    desk.writes("A-1", status_code=9, at_one_stop_desk=True)
    desk.moves("A-2", 5)
    desk.writes("A-3", applicant_phone="0905123499", phone_entered_at=desk.clock)
    if is_righted:
        desk.wrong_by = timedelta(0)
    desk.run()
    assert sorted(planned()) == [
        ("A-1", "result", "queued"), ("A-2", "supplement", "queued"), ("A-3", "result", "queued"),
    ]  # fmt: skip
    desk.wrong_by = timedelta(0)
    for _ in range(3):
        desk.run()
        desk.moves("A-2", 4, desk=False)
    desk.run()
    assert len(planned()) == 3
    if back > 20 * MINUTE:
        found = {each.finding.name: each.finding for each in check_source("khanhhoa", desk.now).findings}
        assert abs(int(found["clock_set_back"].facts["names"][1]) * MINUTE - back) <= 10 * MINUTE


def test_clock_that_was_far_ahead_hides_nothing_once_it_is_right(desk, planned):
    """After a clock that was hours ahead is corrected, new rows must still be read."""
    desk.moves("A-1", 4, desk=False)
    desk.moves("A-2", 4, desk=False)
    desk.run()
    desk.wrong_by = 3 * HOUR
    desk.writes("A-1", status_code=9, at_one_stop_desk=True)
    desk.run()
    assert planned() == [("A-1", "result", "queued")]
    desk.wrong_by = timedelta(0)
    desk.wait(10 * MINUTE)
    desk.writes("A-2", status_code=9, at_one_stop_desk=True)
    desk.run()
    assert planned() == [("A-1", "result", "queued"), ("A-2", "result", "queued")]
    desk.moves("A-1", 4, desk=False)
    desk.run()
    desk.moves("A-1", 9)
    desk.run(20 * MINUTE)
    assert len(planned()) == 3


def test_row_of_the_future_is_of_its_reading_where_it_is_new_and_of_no_time_at_the_first_one(desk, planned):
    """A row with a future time gets the time of its reading. At a source's first pick-up, the row's time is unknown."""
    desk.wrong_by = 3 * HOUR
    desk.writes("OLD", status_code=9, at_one_stop_desk=True)
    desk.wrong_by = timedelta(0)
    desk.moves("OLD", 4, desk=False, row=False)
    for _ in range(2):
        desk.run()
    assert planned() == [], "at a first reading nobody can know whether the row or the step is newer"
    desk.wrong_by = 3 * HOUR
    desk.writes("NEW", status_code=9, at_one_stop_desk=True)
    for _ in range(2):
        desk.run()
    assert planned() == [("NEW", "result", "queued")]


@pytest.mark.guarantee(
    "what-fires", "transitions of a source that begins again to number from 1 are read in their order"
)
@pytest.mark.parametrize("old", ["gone", "kept"])
def test_steps_that_are_numbered_anew_are_told_in_their_order(desk, planned, rows, old):
    desk.one_stop.number = 0 if old == "gone" else 5000
    for code in ("A-1", "A-2"):
        desk.moves(code, 4, desk=False)
        desk.moves(code, 5)
    desk.run(2 * MINUTE)
    assert [kind for _, kind, _ in planned()] == ["supplement", "supplement"]
    if old == "gone":
        desk.one_stop.connection.execute("TRUNCATE onestop.transitions")
    desk.one_stop.number = 0
    desk.wait(30 * MINUTE)
    desk.moves("A-1", 4, desk=False)
    desk.wait(MINUTE)
    desk.moves("A-1", 5)
    desk.run(2 * MINUTE)
    assert planned()[2:] == [("A-1", "supplement", "queued")]
    desk.moves("A-2", 4, desk=False)
    desk.wait(MINUTE)
    desk.moves("A-2", 9)
    for _ in range(3):
        desk.run()
    assert planned()[3:] == [("A-2", "result", "queued")]
    assert len(rows("SELECT 1 FROM motcua.transitions WHERE NOT from_row")) == 8
    assert len(rows("SELECT 1 FROM motcua.source_numberings")) == 1
    found = {each.finding.name for each in check_source("khanhhoa", desk.now).findings}
    assert "numbers_restarted" in found


def test_newest_step_that_is_edited_or_gone_is_no_new_numbering(desk, planned, rows):
    """If the newest step is edited or deleted, this must not count as a new numbering of the source's steps."""
    for code in ("A-1", "A-2", "A-3"):
        desk.moves(code, 4, desk=False)
        desk.wait(MINUTE)
        desk.moves(code, 9)
        desk.run()
    change = desk.one_stop.connection.execute
    desk.wait(MINUTE)
    change(
        "UPDATE onestop.transitions SET recorded_at = %s, occurred_at = %s WHERE transition_id = 6", (desk.clock,) * 2
    )
    desk.run()
    change("DELETE FROM onestop.transitions WHERE transition_id = 6")
    desk.moves("A-1", 10, number=7)
    desk.run()
    desk.one_stop.move(9, "A-2", at=desk.clock, number=1000)
    desk.run()
    desk.one_stop.move(9, "A-2", at=desk.clock - 8 * MINUTE, number=999)
    for _ in range(3):
        desk.run()
    assert rows("SELECT 1 FROM motcua.source_numberings") == []
    assert len([kind for _, kind, _ in planned() if kind == "result"]) == 3
