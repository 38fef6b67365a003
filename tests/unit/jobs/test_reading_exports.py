"""Test the reading of exports line by line, in all shapes that software writes, and the faults that are reported."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from motcua.domain.words import words_of
from motcua.jobs.exports.forms import ExportForm, ExportFormError, read_export_form
from motcua.jobs.exports.reading import ReadExport, read_export
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from tests.ground import NHA_TRANG, NOW, TU_PHAP

FORM_TEXT = """
kind: whole
columns:
  dossier_code: [Mã hồ sơ, Số hồ sơ]
  status: [Trạng thái]
  step: [Bước xử lý]
  occurred_at: [Cập nhật lúc]
  agency: [Đơn vị]
  applicant_phone: [Điện thoại]
  received_at: [Ngày nhận]
  submitted_via: [Hình thức]
  desk: [Nơi]
statuses:
  4: [Đang xử lý]
  9: [Chờ trả (tại quầy), Đã có kết quả]
submitted_via:
  online: [Trực tuyến]
at_desk: [Quầy số 2]
"""
FORM = read_export_form(FORM_TEXT)
HEADINGS = ["Mã hồ sơ", "Trạng thái", "Bước xử lý", "Cập nhật lúc", "Đơn vị", "Điện thoại", "Ngày nhận"]
AGENCIES = words_of([(NHA_TRANG, NHA_TRANG), (TU_PHAP, TU_PHAP), ("x", "x")])


def cells(code: str = "H-1", status: str = "4", **changes: str) -> list[str]:
    its = {"step": "Xử lý", "at": "", "agency": NHA_TRANG, "phone": "0905123456", "received": "20/11/2026"} | changes
    return [code, status, its["step"], its["at"], its["agency"], its["phone"], its["received"]]


def csv_of(*lines: list[str], headings: list[str] | None = None, separator: str = ";") -> bytes:
    return ("\n".join(separator.join(each) for each in (headings or HEADINGS, *lines)) + "\n").encode()


def workbook_of(*lines: list[Any], title: str = "HS") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for each in lines:
        sheet.append(each)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(
    content: bytes, name: str = "xuat.csv", form: ExportForm = FORM, own: tuple[str, ...] = (NHA_TRANG, TU_PHAP)
) -> ReadExport:
    return read_export(content, name, form, AGENCIES, own, NOW)


def rows_of(found: ReadExport) -> list[dict[str, Any]]:
    return [json.loads(each) for each in found.rows]


def faults_of(found: ReadExport | FileRefused) -> list[tuple[str, int | None]]:
    return [(each.code, each.line) for each in found.faults]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("25/11/2026 08:15", "2026-11-25T01:15:00+00:00"),
        ("46351", "2026-11-24T17:00:00+00:00"),
        ("46351.34375", "2026-11-25T01:15:00+00:00"),
        ("46351,34375", "2026-11-25T01:15:00+00:00"),
        ("", None),
    ],
)
def test_times_are_read_in_the_shapes_that_software_and_excel_write(written, read_as):
    (row,) = rows_of(read(csv_of(cells(at=written, received=written), headings=HEADINGS, separator="\t")))
    assert row["steps"][0]["occurred_at"] == read_as
    assert row["received_at"] == read_as
    assert row["said"] == ["received_at"]


@pytest.mark.parametrize("written", ["mai", "-46351", "99999"])
def test_time_that_cannot_be_read_is_told_and_costs_its_cell_alone(written):
    found = read(csv_of(cells(at=written, received=written)))
    (row,) = rows_of(found)
    assert row["steps"][0]["occurred_at"] is None
    assert row["said"] == []
    assert faults_of(found) == [("unread_time", 2), ("unread_time", 2)]
    assert found.refused == 0


def test_step_that_has_not_happened_yet_has_no_time():
    """A step's time in the future is a fault, and the step is stored without a time."""
    found = read(csv_of(cells(at="26/11/2026 08:00"), cells("H-2", at="25/11/2026 10:05")))
    assert [row["steps"][0]["occurred_at"] for row in rows_of(found)] == [None, "2026-11-25T03:05:00+00:00"]
    assert faults_of(found) == [("unread_time", 2)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (cells(""), "missing"),
        (cells("H" * 41), "bad_code"),
        (cells("H\u200b1\x07"), "bad_code"),
        (cells("1,60915E+17"), "rounded"),
        (cells(status=""), "missing"),
        (cells(status="Xong"), "unknown_word"),
        (cells(agency=""), "no_agency"),
        (cells(agency="Xã Không Có"), "unknown_agency"),
        (cells(agency="x"), "not_ours"),
        ([*cells(), "thừa"], "cells_beyond"),
    ],
)
def test_line_that_cannot_be_used_refuses_itself_alone(line, fault):
    """An unusable line is refused with its fault, and the other lines of the file are used."""
    found = read(csv_of(cells("H-0"), line, cells("H-9"), separator="\t"))
    assert [row["dossier_code"] for row in rows_of(found)] == ["H-0", "H-9"]
    assert (found.lines, found.refused, faults_of(found)) == (3, 1, [(fault, 3)])
    assert all(str(each) and each.english for each in found.faults)


@pytest.mark.guarantee(
    "intake", "a name that two agencies share is reported with both codes, and the agency is never guessed"
)
def test_name_that_two_agencies_have_is_told_with_their_codes_and_its_line_is_left_out():
    names = [("Phòng Một", NHA_TRANG), ("phong mot", TU_PHAP), ("Sở Tư pháp", TU_PHAP)]
    agencies = words_of([(NHA_TRANG, NHA_TRANG), (TU_PHAP, TU_PHAP)], names)
    content = csv_of(cells(agency="PHÒNG MỘT"), cells("H-2", agency="phong mot"), cells("H-3", agency="so tu phap"))
    found = read_export(content, "x.csv", FORM, agencies, (NHA_TRANG, TU_PHAP), NOW)
    assert [(row["dossier_code"], row["agency_code"]) for row in rows_of(found)] == [
        ("H-1", NHA_TRANG),
        ("H-3", TU_PHAP),
    ]
    assert faults_of(found) == [("several_agencies", 3)]
    assert f"({TU_PHAP}, {NHA_TRANG})" in str(found.faults[0])


def test_what_is_told_of_a_line_names_no_cell():
    """A fault of a line must not quote a name or a phone number from its cells."""
    secret = "Nguyễn Thị Lan 0905123456"
    found = read(csv_of(cells("H-0"), cells(status=secret), cells(agency=secret), cells("H-3", at=secret)))
    assert len(found.faults) == 3
    assert not [each for each in found.faults if "Lan" in f"{each}{each.english}" or "0905" in f"{each}{each.english}"]


@pytest.mark.parametrize("kind", ["whole", "changes"])
def test_lines_of_a_dossier_that_contradict_each_other_refuse_each_other(kind):
    """If two lines contradict each other about a dossier, neither is used, because nobody knows which is right."""
    form = FORM.model_copy(update={"kind": kind})
    found = read(csv_of(cells(), cells("H-2"), cells("H-2"), cells(status="9")), form=form)
    assert [row["dossier_code"] for row in rows_of(found)] == ["H-2"]
    assert faults_of(found) == [("twice", 2), ("twice", 5)]
    assert set(found.keys) == {(NHA_TRANG, "H-1"), (NHA_TRANG, "H-2")}


def test_steps_of_a_dossier_in_an_export_of_changes_are_put_in_the_order_of_their_times():
    form = FORM.model_copy(update={"kind": "changes"})
    lines = cells(status="9", at="25/11/2026 09:00"), cells(at="25/11/2026 08:00"), cells(at="25/11/2026 08:00")
    (row,) = rows_of(read(csv_of(*lines), form=form))
    assert [step["status_code"] for step in row["steps"]] == [4, 9]
    same_time = cells(status="9", at="25/11/2026"), cells(at="25/11/2026")
    with pytest.raises(FileRefused) as refused:
        read(csv_of(*same_time), form=form)
    assert faults_of(refused.value) == [("all_refused", None), ("twice", 2), ("twice", 3)]


def test_status_is_a_word_of_the_form_or_a_number():
    lines = [cells(f"H-{number}", status) for number, status in enumerate(("9", "09", "9.0", "đã CÓ kết quả", "11"))]
    lines.append(cells("H-5", "Chờ trả (tại quầy)"))
    assert [row["steps"][0]["status_code"] for row in rows_of(read(csv_of(*lines)))] == [9, 9, 9, 9, 11, 9]


def test_dossier_of_an_unknown_agency_is_not_taken_for_one_of_the_only_agency_of_its_source():
    """Otherwise a citizen would be texted in the name of a wrong agency. Pushed records follow the same rule."""
    other, own, of_none = (
        cells(code, agency="") for code in ("000.00.99.H32-261120-0001", "000.00.30.H32-261120-0002", "H-3")
    )
    found = read(csv_of(other, own, of_none), own=(NHA_TRANG,))
    assert found.keys == [(NHA_TRANG, own[0]), (NHA_TRANG, of_none[0])]
    assert faults_of(found) == [("no_agency", 2)]


@pytest.mark.parametrize(
    ("desk", "at_desk"), [("Phòng Tư pháp", False), ("Quầy số 2", True), ("Bộ phận Một cửa", True)]
)
def test_desk_is_where_the_file_says_so(desk, at_desk):
    """A step with status 5 has ``supplement_at_desk`` only if the place in the file names a desk."""
    (row,) = rows_of(read(csv_of([*cells(status="5"), desk], headings=[*HEADINGS, "Nơi"])))
    assert row["steps"][0]["supplement_at_desk"] is at_desk


def test_way_in_is_a_word_of_the_form():
    """The way in which a dossier was handed in is a word that the form lists, or its number."""
    lines = [[*cells("H-1"), "trực tuyến"], [*cells("H-2"), "1"]]
    found = rows_of(read(csv_of(*lines, headings=[*HEADINGS, "Hình thức"])))
    assert [row["fields"]["HinhThuc"] for row in found] == ["2", "1"]


def test_workbook_is_read_with_its_numbers_dates_and_formulas():
    at = datetime.fromisoformat("2026-11-25 08:15:30")
    content = workbook_of(
        ["BÁO CÁO HỒ SƠ"],
        [],
        [*HEADINGS, None],
        [160915001, 9, "Trả", at, NHA_TRANG, 905123456, 46351],
        ["H-2", "4", "Xử lý", "=NOW()", NHA_TRANG, "0905123456", datetime.fromisoformat("2026-11-20")],
        [None] * 7,
        ["H-3", 4.0, '=HYPERLINK("http://x")', None, NHA_TRANG, 84905123456.0, None],
        [1.60915001123456e17, 4, "Xử lý", None, NHA_TRANG, "", None],
    )
    found = read(content, "xuat.xlsx")
    rows = rows_of(found)
    assert [row["dossier_code"] for row in rows] == ["160915001", "H-2", "H-3"]
    # Phone numbers stay as they are in the file, because the phone rules read them later.
    assert [row["fields"]["SoDienThoai"] for row in rows] == ["905123456", "0905123456", "84905123456"]
    assert rows[0]["steps"][0]["occurred_at"] == "2026-11-25T01:15:30+00:00"
    assert rows[0]["received_at"] == "2026-11-24T17:00:00+00:00"
    assert faults_of(found) == [("rounded", 8)]
    assert found.ends_a_line is None


def test_merged_heads_are_read_in_one_row_or_two():
    """Headings may be in two rows with merged cells, as in reports of one-stop software."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["BÁO CÁO TÌNH HÌNH HỒ SƠ"],
        ["Mã hồ sơ", "Xử lý", None, "Đơn vị"],
        [None, "Trạng thái", "Bước xử lý", None],
        ["H-1", 4, "Thẩm định", NHA_TRANG],
        ["H-2", 9, "Trả", NHA_TRANG],
    ):
        sheet.append(row)
    for merged in ("A1:D1", "A2:A3", "B2:C2", "D2:D3"):
        sheet.merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    found = read(file.getvalue(), "x.xlsx")
    assert [(row["dossier_code"], row["steps"][0]["status_code"], row["place"]) for row in rows_of(found)] == [
        ("H-1", 4, 4),
        ("H-2", 9, 5),
    ]
    assert (found.lines, found.faults) == (2, [])


def test_rows_that_hold_nothing_and_lines_that_stand_there_twice_count_once():
    """Empty rows do not count as lines, and a line that occurs twice gives one dossier."""
    trailing = csv_of(cells(), cells(), cells("H-2"), *[[""] * len(HEADINGS)] * 300)
    found = read(trailing)
    assert [row["dossier_code"] for row in rows_of(found)] == ["H-1", "H-2"]
    assert (found.lines, found.refused, found.faults) == (3, 0, [])
    empty = workbook_of(HEADINGS, cells(), *[[None] * len(HEADINGS)] * 300, [""] * len(HEADINGS))
    assert read(empty, "x.xlsx").lines == 1


def test_sheet_of_a_workbook_is_the_one_that_the_form_names():
    book = workbook_of(HEADINGS, cells(), title="Dữ liệu")
    assert len(read(book, "x.xlsx", FORM.model_copy(update={"sheets": ("du lieu",)})).rows) == 1
    with pytest.raises(FileRefused) as refused:
        read(book, "x.xlsx", FORM.model_copy(update={"sheets": ("Hồ sơ",)}))
    assert faults_of(refused.value) == [("no_sheet", None)]


WHOLE = csv_of(cells(), cells("H-2", step="Bước ở giữa"), cells("H-3"))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (csv_of(cells(step='"Xử lý')), "open_quote"),
        (csv_of(cells(step='"Xử lý'))[:-1], "cut_off"),
        (csv_of(cells(), headings=["Mã hồ sơ", "Bước"]), "missing_heading"),
        (csv_of(cells(status="?"), cells("H-2", status="?")), "all_refused"),
        (WHOLE[: WHOLE.index(b"H-3") + 1], "cut_off"),
    ],
)  # fmt: skip
def test_file_that_is_no_export_is_refused_with_what_to_do(content, fault):
    with pytest.raises(FileRefused) as refused:
        read(content)
    assert refused.value.faults[0].code == fault
    assert str(refused.value)
    assert refused.value.english


def test_last_line_that_is_not_ended_is_told_apart_from_one_that_is_cut():
    """The reader says whether the last line has its line break: without one, the file may be cut off."""
    assert read(WHOLE).ends_a_line is True
    assert read(WHOLE[:-1]).ends_a_line is False
    assert read(WHOLE.replace(b"\n", b"\r\n")).ends_a_line is True


@pytest.mark.parametrize(
    ("code", "values", "told"),
    [
        ("bad_status", {"known": "Đã trả"}, "Không hiểu “…”; các từ đã biết: Đã trả."),
        ("too_heavy_export", {}, "Tệp quá nặng để đọc; "),
        ("twice", {}, "dòng … của tệp, không biết dòng nào đúng"),
    ],
)
def test_what_version_0_2_0_kept_of_a_file_is_told_in_the_words_of_today(code, values, told):
    """A fault that version 0.2.0 stored is shown in the present words, even if it lacks values that these words use."""
    fault = FileFault(code, values=values)
    assert told in str(fault)
    assert fault.english


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("  status: [Trạng thái]\n", ""), "status needs a heading"),
        (("[Đang xử lý]", "[Đang xử lý, đã có kết quả]"), "twice"),
        (("step: [Bước xử lý]", "step: [Trạng Thái]"), "twice"),
        (("  4:", "  0:"), "from 1 to 9999"),
        (("at_desk: [Quầy số 2]", "at_desk: [Quầy"), "no YAML"),
        (("step: [Bước xử lý]", "step: ['']"), "empty word"),
    ],
)
def test_form_that_cannot_be_used_says_why(change, why):
    text = FORM_TEXT.replace(*change)
    assert text != FORM_TEXT
    with pytest.raises(ExportFormError, match=why):
        read_export_form(text)
