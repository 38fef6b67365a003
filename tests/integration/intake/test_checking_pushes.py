"""Test the source check of pushed data: its findings name the fields that vendors push."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from typer.testing import Result

from motcua.domain.clock import VIETNAM
from motcua.jobs.checking.checking import check_source
from motcua.reports.checks import in_words
from tests.ground import type_command
from tests.integration.intake.conftest import SOURCE, Software, dossier, step, written

BEGAN = datetime.combine(datetime.now(VIETNAM).date() - timedelta(days=1), time(14), VIETNAM)
"""14:00 yesterday in Vietnam, so that the data lies in office hours whenever the tests run."""


def life(place: int, **changes: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a dossier that reached its result, and the dossier's steps."""
    code = f"H32-26-{place:04}"
    received = BEGAN - timedelta(days=9, minutes=7 * place)
    given = {
        "SoDienThoai": f"0905{271830 + 977 * place}",
        "NgayTiepNhan": written(received),
        "NgayHenTra": written(received + timedelta(days=12)),
    }
    steps = [
        step(code, 4, received + timedelta(hours=3)),
        step(code, 9, received + timedelta(days=1, minutes=place)),
    ]
    return dossier(code, 9, **(given | changes)), steps


def pushed(software: Software, change: Callable[[int], dict[str, Any]] = lambda _: {}, number: int = 30) -> None:
    lives = [life(place, **change(place)) for place in range(number)]
    assert software.dossiers(*(record for record, _ in lives))["error_code"] == "00"
    assert software.steps(*(each for _, steps in lives for each in steps))["error_code"] == "00"


def found() -> dict[str, str]:
    return {each.finding.name: each.finding.severity for each in check_source(SOURCE).findings}


def checked() -> Result:
    return type_command("sources", "check", SOURCE, exits=None, columns=400)


def test_software_that_pushes_as_it_should_gets_no_finding(software):
    pushed(software)
    assert found() == {}
    assert checked().exit_code == 0


@pytest.mark.guarantee("broken-rows", "the source check names faults in pushed data by the field that the vendor sends")
@pytest.mark.parametrize(
    ("kind", "severity", "field", "value", "every"),
    [
        ("phones_unusable", "error", "SoDienThoai", "02583822123", 1),
        ("due_before_received", "error", "NgayHenTra", written(BEGAN - timedelta(days=30)), 3),
        ("due_missing", "warning", "NgayHenTra", "", 3),
    ],
)
def test_fault_in_what_is_pushed_is_named_by_the_field_that_its_vendor_sends(
    software, kind, severity, field, value, every
):
    pushed(software, lambda place: {field: value} if place % every == 0 else {})
    assert found() == {kind: severity}
    (only,) = check_source(SOURCE).findings
    said = in_words(only.finding, "national_sync")
    assert field in said.todo
    shown = checked()
    assert shown.exit_code == {"error": 1, "warning": 3}[severity]
    assert said.title in shown.output


def test_statuses_that_nobody_knows_a_desk_that_is_never_reached_and_a_client_that_went_silent_are_named(
    software, rows
):
    lives = [life(place, TrangThaiHoSo="4") for place in range(30)]
    software.dossiers(*(record for record, _ in lives))
    steps = [each for _, (first, _) in lives for each in (first, first | {"NoiDungXuLy": "Thẩm định"})]
    software.steps(*(each | {"TrangThai": "4"} for each in steps))
    assert found() == {"desk_never": "error"}
    software.steps(*(step(f"H32-26-{place:04}", 15, BEGAN - timedelta(hours=1)) for place in range(20)))
    assert found() == {"status_unknown": "error", "desk_never": "error"}
    rows("UPDATE intake.pushed_steps SET recorded_at = recorded_at - interval '8 days 1 hour'")
    rows("UPDATE intake.pushed_dossiers SET updated_at = updated_at - interval '8 days 1 hour'")
    assert found() == {"silent": "warning", "status_unknown": "error", "desk_never": "error"}
    said = {each.finding.name: in_words(each.finding, "national_sync") for each in check_source(SOURCE).findings}
    assert "15" in said["status_unknown"].found
    assert "TrangThaiHoSo" in said["status_unknown"].todo
    assert "TrangThai 9" in said["desk_never"].todo
    assert "8 ngày" in said["silent"].found
    assert "tác vụ đồng bộ" in said["silent"].todo
    assert "khung nhìn" not in " ".join(f"{each.meaning} {each.todo}" for each in said.values())
