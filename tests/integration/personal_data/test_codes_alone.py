"""Test that a citizen's data are exported and erased by a code that only a quarantined row or a complaint has."""

from __future__ import annotations

import pytest

from motcua.jobs.personal_data import purge
from tests.ground import NHA_TRANG, TU_PHAP
from tests.integration.personal_data.conftest import NOW, complain, quarantine
from tests.integration.personal_data.test_requests import PAPER, export, of_code, run, words

QUARANTINED = "SELECT payload, dossier_code FROM motcua.quarantine ORDER BY quarantine_id"
COMPLAINED = "SELECT note, outcome_reason, dossier_code FROM motcua.complaints ORDER BY complaint_id"


def erase(*arguments, to=None):
    more = ("--to", str(to)) if to else ()
    return run("erase", *arguments, "--yes", "--because", PAPER, *more)


@pytest.fixture
def past(past):
    """Read the source once while the source has no dossiers."""
    past.run(NOW)
    return past


@pytest.mark.guarantee(
    "personal-data",
    "quarantined rows and complaints without a dossier are exported, and erased once a complaint is settled",
)
def test_code_of_no_dossier_is_exported_and_erased(past, rows, tmp_path):
    quarantine(rows, "H-1")
    # This code is an alias of the agency.
    quarantine(rows, "h-1", agency_code="H32.30")
    quarantine(rows, "H-1", TU_PHAP)
    quarantine(rows, "H-2")
    complain(rows, "H-1")
    complain(rows, "H-2")

    answer, found, sheet = export(tmp_path / "a", *of_code("H-1"))
    assert answer.exit_code == 0, answer.output
    assert {row[0] for row in found} == {"Dòng dữ liệu chưa đọc được", "Phản ánh"}
    assert "bà Lan nói" in words(found)
    assert "gọi bà Lan" in words(found)
    assert "918 222 937" not in words(found), (
        "a number in a note may be another citizen's, so the export must leave it out"
    )
    assert "không có hồ sơ nào mang mã này" in sheet
    assert "H-1" in sheet
    assert "bà Lan" not in sheet

    answer = erase(NHA_TRANG, "H-1", to=tmp_path / "b")
    assert answer.exit_code == 0, answer.output
    assert "2 row(s) in quarantine and 1 complaint(s) were emptied" in answer.output
    notes = [row["payload"].get("note") for row in rows(QUARANTINED)]
    assert [note is None for note in notes] == [True, True, False, False]
    assert [(row["note"], row["dossier_code"]) for row in rows(COMPLAINED)] == [(None, "H-1"), ("bà Lan nói", "H-2")]
    assert "2 dòng dữ liệu chưa đọc được, 1 phản ánh" in (tmp_path / "b.html").read_text(encoding="utf-8")
    kept = rows("SELECT act, agency_code, dossier_code, dossiers FROM audit.personal_data_requests ORDER BY request_id")
    assert [tuple(row.values()) for row in kept] == [
        ("export", NHA_TRANG, "H-1", 0),
        ("erase", NHA_TRANG, "H-1", 0),
    ]


@pytest.mark.guarantee(
    "personal-data",
    "quarantined rows and complaints without a dossier are exported, and erased once a complaint is settled",
)
def test_open_complaint_of_no_dossier_goes_when_it_is_settled(past, rows, tmp_path):
    complain(rows, "H-1", outcome="open")
    complain(rows, "h-1", note="bà Lan lại nói")
    with pytest.raises(Exception, match="is kept as it was recorded"):
        rows("UPDATE motcua.complaints SET erase_asked_at = now()")
    answer = erase(NHA_TRANG, "H-1", to=tmp_path / "a")
    assert answer.exit_code == 1
    assert "còn 2 phản ánh chưa giải quyết xong" in (tmp_path / "a.html").read_text(encoding="utf-8")
    purge("tests")
    assert [row["note"] for row in rows(COMPLAINED)] == ["bà Lan nói", "bà Lan lại nói"]
    rows("UPDATE motcua.complaints SET outcome = 'upheld', outcome_at = now(), outcome_by = 'hoa'")
    purge("tests")
    assert [row["note"] for row in rows(COMPLAINED)] == [None, None]
    changes = {row["change"] for row in rows("SELECT change FROM motcua.complaint_changes")}
    assert changes == {"recorded", "outcome", "emptied"}


@pytest.mark.guarantee("personal-data", "a name or a number in place of a code is stored nowhere")
def test_name_in_place_of_a_code_is_kept_nowhere(past, rows, tmp_path):
    name = "Nguyễn Thị Lan"
    complain(rows, name)
    answer, found, sheet = export(tmp_path / "a", *of_code(name))
    assert answer.exit_code == 0, answer.output
    assert name in words(found)
    assert name not in sheet
    assert erase(NHA_TRANG, name, to=tmp_path / "b").exit_code == 0
    assert name not in (tmp_path / "b.html").read_text(encoding="utf-8")
    assert past.values() == []
    (mark,) = {row["dossier_code"] for row in rows("SELECT dossier_code FROM audit.personal_data_requests")}
    assert rows(COMPLAINED) == [{"note": None, "outcome_reason": None, "dossier_code": mark}]


def test_erasing_a_dossier_erases_all_rows_of_its_code_and_a_misspelt_code_erases_none(past, rows):
    past.told_and_ended("D-1")
    quarantine(rows, "D-1")
    complain(rows, "d-1")
    answer = erase(NHA_TRANG, "d-1")
    assert answer.exit_code == 2
    assert "it has D-1" in answer.output
    assert erase(NHA_TRANG, "H-9").exit_code == 2
    assert [row["payload"].get("note") is None for row in rows(QUARANTINED)] == [False]
    assert erase(NHA_TRANG, "D-1").exit_code == 0
    assert [row["payload"].get("note") for row in rows(QUARANTINED)] == [None]
    assert [row["note"] for row in rows(COMPLAINED)] == [None]
