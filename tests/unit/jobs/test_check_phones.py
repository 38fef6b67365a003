"""Test the check of a table of phone numbers.

Every row must be counted once, all kinds of files must be readable, and nothing private or harmful may be written.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from motcua.commands import phones as command
from motcua.domain.phones.reading import NOTES, REFUSALS
from motcua.jobs.handed_in.phones import (
    PhoneRow,
    UnreadableTable,
    check_phones,
    mask_field,
    phone_labels,
    read_day,
    rows_of_file,
    rows_of_source,
    write_workbook,
)
from tests.ground import OneStop

app = typer.Typer()
app.command()(command.phones)
ROWS = [
    PhoneRow("2", "0905123457", date(2016, 9, 15), "khanh_hoa", "A", "Lan"),
    PhoneRow("3", "0583822001", date(2016, 9, 15), "khanh_hoa", "A", "Nam"),
    PhoneRow("4", "0583822001", date(2020, 1, 1), "", "B", "Hoa"),
    PhoneRow("5", "không có", None, "", "B", ""),
    PhoneRow("6", "0951234567", None, "", "B", "Minh"),
]


def _rows_with_one_number(count: int) -> list[PhoneRow]:
    """Return rows of different people with the same number, one row a day."""
    day = date(2026, 3, 1)
    return [PhoneRow(str(n), "0905 771 482", day + timedelta(days=n), "", "C", f"Người {n}") for n in range(count)]


def _workbook_text(path: Path) -> str:
    """Return the text of all cells of a workbook."""
    book = openpyxl.load_workbook(path)
    return "\n".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)


# --- Checking -----------------------------------------------------------------------------------


def test_every_row_is_counted_once_under_its_agency_and_reason() -> None:
    check = check_phones(ROWS, "khanh_hoa")
    assert check.by_agency["A"] == {None: 1, "landline": 1}
    assert check.by_agency["B"] == {"ambiguous_landline": 1, "missing": 1, None: 1}
    assert (check.total, check.textable) == (5, 2)
    assert [finding.row.place for finding in check.to_correct] == ["3", "4", "5"]


def test_a_row_without_a_province_is_read_for_the_default_one() -> None:
    """A number may be a landline in one province and a mobile in another, so a row needs a default province."""
    assert check_phones(ROWS[2:3], "khanh_hoa").textable == 0
    assert check_phones(ROWS[2:3], "dak_lak").textable == 1


def test_a_shared_number_is_a_warning_on_each_of_its_rows() -> None:
    check = check_phones(_rows_with_one_number(5))
    assert check.textable == 5
    assert [(finding.code, finding.owners) for finding in check.to_look_at] == [("shared_number", 5)] * 5
    assert check.notes["shared_number"] == 5
    assert check_phones(_rows_with_one_number(4)).to_look_at == []


def test_labels_name_every_refusal_and_note_in_vietnamese() -> None:
    labels = phone_labels()
    assert set(labels) == {*REFUSALS, *NOTES}
    assert all(label.title and label.action.endswith(".") for label in labels.values())


def test_a_field_is_shown_without_numbers_and_names() -> None:
    fields = ("0905 123 456", "０９０５１２３４５６", "0905123456/0914123456", "CMND 225123456", "Nguyễn Văn An", "12")
    shown = ["0905***456", "0905***456", "0905***456 0914***456", "2251***456 …", "…", "***"]
    assert [mask_field(field) for field in fields] == shown


# --- Files --------------------------------------------------------------------------------------


def test_a_file_with_one_column_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    path.write_text("phone\n0905123457, 0914123457\n0905.123.457;058.3822001\n", encoding="utf-8")
    assert [row.phone for row in rows_of_file(path)] == ["0905123457, 0914123457", "0905.123.457;058.3822001"]


def test_words_that_look_like_missing_values_stay_as_typed(tmp_path: Path) -> None:
    """A cell such as NA or null is the text that somebody typed and must not become an empty cell."""
    path = tmp_path / "phones.csv"
    path.write_text("phone,owner\nNA,An\nnull,Bình\n,Chi\n", encoding="utf-8")
    assert [row.phone for row in rows_of_file(path)] == ["NA", "null", ""]


def test_the_columns_of_the_source_contract_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    path.write_text("applicant_phone,phone_entered_at\n0905123457,2016-09-14 20:00:00+00\n", encoding="utf-8")
    assert rows_of_file(path)[0][:3] == ("2", "0905123457", date(2016, 9, 15))


def test_a_workbook_is_read_with_numbers_dates_and_texts(tmp_path: Path) -> None:
    path = tmp_path / "phones.xlsx"
    days = [datetime(2016, 9, 15), None, "15/9/2016"]  # noqa: DTZ001  # a spreadsheet's days have no zone
    pd.DataFrame({"Phone ": [905123457, "0914 123 457", None], "entered_on": days}).to_excel(path, index=False)
    rows = rows_of_file(path)
    assert [(row.phone, row.entered_on) for row in rows] == [
        ("905123457", date(2016, 9, 15)),
        ("0914 123 457", None),
        ("", date(2016, 9, 15)),
    ]


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (None, "missing.csv", "Không có tệp"),
        (b"", "empty.csv", "Không có dòng dữ liệu nào"),
        (b"name,agency\nLan,A\n", "columns.csv", "cần các cột: phone"),
        (b"phone,owner\n0905,A\n0905,B,C\n", "ragged.csv", "dòng 3: có ô nằm ngoài các cột"),
        (b"PK\x03\x04 no workbook", "broken.xlsx", "Excel"),
    ],
)
def test_what_is_no_table_is_one_clear_sentence(
    tmp_path: Path, content: bytes | None, name: str, sentence: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableTable, match=sentence):
        rows_of_file(path)
    result = CliRunner().invoke(app, [str(path)])
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_a_day_is_read_as_tables_write_it() -> None:
    days = ("15/9/2016", "15-09-2016 08:30", "2016-09-14T18:00:00Z", "20160915102030", "42628.5")
    assert {read_day(text) for text in days} == {date(2016, 9, 15)}
    assert {read_day(text) for text in ("", "hôm qua", "31/2/2016")} == {None}
    assert read_day("0001-01-01T00:00:00+14:00") == date(1, 1, 1)


# --- Sources ------------------------------------------------------------------------------------


def test_a_sources_whole_table_is_streamed_with_its_agencies_provinces(one_stop: OneStop) -> None:
    """The phones of a whole source are checked with the day of entry and the province of each dossier's agency."""
    moment = datetime(2016, 9, 14, 20, tzinfo=UTC)
    one_stop.dossier("1", "H32.30", applicant_phone="0905123457", phone_entered_at=moment, applicant_name=None)
    one_stop.dossier("2", "H32.99", applicant_phone=None, phone_entered_at=None, received_at=moment)
    assert sorted(rows_of_source("khanhhoa")) == [
        PhoneRow("1", "0905123457", date(2016, 9, 15), "khanh_hoa", "H32.30", ""),
        PhoneRow("2", "", date(2016, 9, 15), "", "H32.99", "Nguyễn Thị Lan"),
    ]
    with pytest.raises(UnreadableTable, match=r"Không có nguồn nowhere .*khanhhoa"):
        list(rows_of_source("nowhere"))


# --- The workbook and the command ---------------------------------------------------------------


def test_the_workbook_names_the_row_the_reason_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "out.xlsx"
    write_workbook(check_phones(ROWS, "khanh_hoa"), path)
    sheets = pd.read_excel(path, sheet_name=None, dtype=str)
    assert list(sheets) == ["Cần sửa", "Cần xem lại", "Tổng hợp"]
    first = sheets["Cần sửa"].iloc[0]
    label = phone_labels()["landline"]
    assert list(first) == ["3", "A", "15/9/2016", "0583***001", label.title, label.action, "landline"]
    assert sheets["Tổng hợp"]["Số dòng"].astype(int).sum() == len(ROWS)


def test_numbers_and_names_are_masked_unless_asked_for(tmp_path: Path) -> None:
    rows = [PhoneRow("2", "09051234569 (chị Lan)", None, "", "A", "Trần Thị Bưởi"), *_rows_with_one_number(5)]
    path = tmp_path / "out.xlsx"
    write_workbook(check_phones(rows), path)
    text = _workbook_text(path)
    assert not re.search(r"\d{7}|Lan|Bưởi|Người", text)
    write_workbook(check_phones(rows), path, unmasked=True)
    assert "09051234569 (chị Lan)" in _workbook_text(path)
    assert "0905771482" in _workbook_text(path)


@pytest.mark.parametrize("bad", ["+cmd|' /C calc'!A0", "\t=1", '=HYPERLINK("x")'])
def test_no_cell_runs_as_a_formula(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "out.xlsx"
    write_workbook(check_phones([PhoneRow(bad, bad, None, "", bad, bad)]), path, unmasked=True)
    book = openpyxl.load_workbook(path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert {cell.data_type for cell in cells} == {"s"}
    typed = [cell for cell in cells if cell.value.strip() and cell.value.startswith(tuple("=+-@\t\r"))]
    # With the text format and a quote before it, the cell stays text even after somebody edits it.
    assert all((cell.number_format, cell.quotePrefix) == ("@", True) for cell in typed)


def test_a_workbook_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    table = tmp_path / "phones.csv"
    table.write_text("phone\n0905123457\n", encoding="utf-8")
    for output in (tmp_path / "no such folder" / "out.xlsx", tmp_path / "out.csv"):
        result = CliRunner().invoke(app, [str(table), "--output", str(output)])
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == [table]


def test_the_command_summarises_by_agency_and_reason_and_shows_no_number(tmp_path: Path) -> None:
    table, output = tmp_path / "phones.csv", tmp_path / "out.xlsx"
    lines = ["phone,agency_code,applicant_name", "0905123457,A,Lan", "02583822001,A,Nam", "ko,B,", "0583822001,B,"]
    table.write_text("\n".join(lines), encoding="utf-8")
    result = CliRunner().invoke(app, [str(table), "--output", str(output)])
    assert result.exit_code == 0, result.output
    labels: dict[Any, Any] = dict(phone_labels())
    for code in ("landline", "missing", "ambiguous_landline"):
        assert labels[code].title in result.stdout
    assert re.search(r"A +│ +2 │ +1 │ +50,0% │ +1", result.stdout)
    assert re.search(r"Cộng +│ +4 │ +1 │ +25,0% │ +3", result.stdout)
    assert "Đã ghi 3 dòng cần sửa" in result.stdout
    assert not re.search(r"0905123457|3822001|Lan|Nam", result.stdout + _workbook_text(output))


def test_an_unknown_province_is_told_and_not_passed_over(tmp_path: Path) -> None:
    """A mistyped province must be refused: without it, landlines would be read as mobiles."""
    path = tmp_path / "phones.csv"
    path.write_text("phone\n0583822001\n", encoding="utf-8")
    result = CliRunner().invoke(app, [str(path), "--province", "khanhhoaa"])
    assert result.exit_code == 2
    assert "khanhhoaa" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["phones.csv", "--source", "khanhhoa"], ["--source", "nowhere"]])
def test_one_table_must_be_named(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
