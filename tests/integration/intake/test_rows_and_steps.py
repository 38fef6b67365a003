"""Test that a pushed dossier's row and its steps agree in whatever order they arrive, also if they are sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.intake.conftest import dossier, step, written


@pytest.fixture
def row(software, rows):
    """Return a function that reads status, desk and phone of the dossier H-1 from the source's view of dossiers."""

    def of() -> tuple[int, bool, str]:
        (found,) = rows(
            "SELECT status_code, at_one_stop_desk, applicant_phone FROM intake.source_dossiers"
            " WHERE dossier_code = 'H-1'"
        )
        return found["status_code"], found["at_one_stop_desk"], found["applicant_phone"]

    return of


def test_row_and_its_words_follow_steps_where_no_row_comes_with_them_and_never_an_older_one(software, row, rows):
    """A dossier's row takes the status of a newer step, and never of an older step that arrives later."""
    now = datetime.now(UTC)
    software.dossiers(dossier("H-1", 4))
    software.steps(step("H-1", 9, now - timedelta(hours=1)))
    assert row()[:2] == (9, True), "the step decides: its citizen gets the result text although the row had status 4"
    for hours, status in ((2, 4), (4, 2)):
        software.steps(step("H-1", status, now - timedelta(hours=hours)))
        assert row()[:2] == (9, True)
    assert rows("SELECT step_name FROM intake.source_dossiers") == [{"step_name": "Trả kết quả"}]


def test_step_that_is_sent_again_overturns_no_row_that_was_taken_back_since(software, row):
    """A repeated push of an old result step must not undo a later row that took the result back."""
    given = step("H-1", 9, datetime.now(UTC) - timedelta(hours=2))
    for status, steps in ((4, []), (9, [given])):
        software.dossiers(dossier("H-1", status))
        software.steps(*steps)
    software.dossiers(dossier("H-1", 4, NgayHenTra=""))
    assert row()[0] == 4
    assert software.steps(given)["repeated"] == 1
    assert row()[0] == 4


def test_row_of_an_ended_dossier_is_not_taken_back_by_a_step_that_comes_late(software, row, run, messages):
    """A step from before the hand-over that arrives late leads to no text, because the citizen has the result."""
    began = datetime.now(UTC) - timedelta(hours=3)
    software.dossiers(dossier("H-1", 10, NgayTra=written(began + timedelta(hours=1))))
    software.steps(step("H-1", 9, began))
    assert row()[0] == 10
    software.steps(step("H-1", ""))
    assert row()[0] == 10
    run()
    assert [state for _, _, state in messages()] == ["cancelled"]


@pytest.mark.guarantee("intake", "a state that is sent again reverts nothing, even if a later state came between")
def test_state_that_came_beside_a_later_one_takes_nothing_back_when_it_is_sent_again(software, row):
    """An old update that is sent again must not restore an old phone number."""
    began = datetime.now(UTC) - timedelta(hours=1)
    first, second = dossier("H-1", 4), dossier("H-1", 4, SoDienThoai="0912000000")
    software.dossiers(first, second)
    software.steps(step("H-1", 4, began))
    assert row() == (4, False, "0912000000")
    assert software.dossiers(first)["repeated"] == 1
    assert row() == (4, False, "0912000000")
    # This update repeats the present phone number and changes nothing. It is sent again after the number has changed.
    short = {"MaHoSo": "H-1", "SoDienThoai": "0912000000"}
    assert software.dossiers(short)["repeated"] == 1
    software.dossiers(dossier("H-1", 4, SoDienThoai="0933000000"))
    assert software.dossiers(short)["repeated"] == 1
    assert row() == (4, False, "0933000000")
