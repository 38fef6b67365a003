"""Test the source check of exported files: its findings name the columns of the files."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.jobs.checking.checking import check_source
from motcua.reports.checks import in_words
from tests.ground import type_command
from tests.integration.exports.conftest import FORM, HEADINGS, SOURCE, Software, line, set_form_of

WHOLE = FORM.replace(
    "  occurred_at: [Lúc]\n",
    "  applicant_name: [Người nộp]\n  procedure_code: [Mã TTHC]\n  procedure_name: [Tên TTHC]\n",
)
TODAY = datetime.now(VIETNAM).date()


def lines(status: str, **changes: str) -> list[str]:
    """Return the lines of thirty dossiers. The changes apply to every third dossier."""
    received, due = TODAY - timedelta(days=9), TODAY + timedelta(days=9)
    given = {"received": f"{received:%d/%m/%Y} 09:15", "due": f"{due:%d/%m/%Y} 17:00"}
    return [
        line(
            f"H-{place:03}",
            status,
            **(given | {"phone": f"0905{271830 + 977 * place}"} | (changes if place % 3 == 0 else {})),
        )
        + ";Nguyễn Thị Lan;1.005129;Cấp bản sao"
        for place in range(30)
    ]


def drop(software: Software, *statuses: str, **changes: str) -> None:
    set_form_of(WHOLE)
    for status in statuses:
        software.drop(*lines(status, **changes), headings=f"{HEADINGS};Người nộp;Mã TTHC;Tên TTHC")
        assert software.read() == {"taken": 1}


def exported(software: Software, **changes: str) -> dict[str, str]:
    """Export dossiers as in progress and then as resolved; return the severity of each finding of a source check."""
    drop(software, "Đang xử lý", "Chờ trả kết quả", **changes)
    return {each.finding.name: each.finding.severity for each in check_source(SOURCE).findings}


def test_files_that_are_as_they_should_be_get_no_finding(software):
    assert exported(software) == {}
    type_command("sources", "check", SOURCE)


@pytest.mark.parametrize(
    ("kind", "severity", "changes", "column"),
    [
        ("phones_missing", "warning", {"phone": ""}, "số điện thoại"),
        ("due_before_received", "error", {"due": f"{TODAY - timedelta(days=40):%d/%m/%Y} 17:00"}, "cột ngày"),
    ],
)
def test_fault_in_files_is_named_by_the_columns_of_the_file(software, kind, severity, changes, column):
    assert exported(software, **changes) == {kind: severity}
    (only,) = check_source(SOURCE).findings
    said = in_words(only.finding, "files")
    assert column in said.todo
    assert "khung nhìn" not in said.todo
    shown = type_command("sources", "check", SOURCE, exits={"error": 1, "warning": 3}[severity], columns=400)
    assert said.title in shown.output


def test_form_that_knows_no_result_and_files_that_do_not_come_any_more_are_named(software, rows):
    """The source check reports that no exported dossier was ever at the desk, and that no file came for eight days."""
    drop(software, "Mới đăng ký", "Đang xử lý")
    rows("UPDATE intake.pushed_steps SET recorded_at = recorded_at - interval '8 days 1 hour'")
    found = {each.finding.name: each.finding for each in check_source(SOURCE).findings}
    assert {kind: each.severity for kind, each in found.items()} == {"desk_never": "error", "silent": "warning"}
    assert "mẫu tệp" in in_words(found["desk_never"], "files").todo
    assert "thư mục" in in_words(found["silent"], "files").todo
