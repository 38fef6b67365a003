"""Test the reader of all tables that people hand in: any encoding, separator or heading gives the same rows."""

from __future__ import annotations

import io
import unicodedata
from typing import Annotated
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from pydantic import BeforeValidator

from motcua.jobs.handed_in import tables
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.tables import ColumnSpec, read_table, read_typed, read_values, wrong


def _parse_number(written: str) -> int:
    """Parse the number in a cell, as a column's own validator does."""
    if not written.isdecimal():
        raise wrong("bad_whole")
    return int(written)


COLUMNS = {
    "name": ColumnSpec(("Tên", "Họ tên"), required=True, filled=True),
    "count": ColumnSpec(("Số lượng", "Số"), Annotated[int, BeforeValidator(_parse_number)], required=True),
    "note": ColumnSpec(("Ghi chú",), no_phones=True),
}
TEXT = "Tên;Số lượng;Ghi chú\nNguyễn Thị Hòa;12;x\nLê Văn B;;\n"


def read(content: bytes, name: str = "bang.csv", **how):
    table = read_table(content, name, COLUMNS, **how)
    values = read_values(table, COLUMNS)
    rows = [(index + 1, *row.values()) for index, row, wrongs in values.lines() if not wrongs]
    return rows, [(fault.code, fault.line, fault.heading) for fault in values.all_faults]


def code_of(content: bytes, name: str = "bang.csv", **how) -> str:
    with pytest.raises(FileRefused) as refused:
        read(content, name, **how)
    assert str(refused.value)
    assert refused.value.english
    return refused.value.faults[0].code


def workbook(*lines, change=lambda book: None) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    change(book)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


WORKBOOK = workbook(["Tên", "Số lượng", "Ghi chú"], ["Nguyễn Thị Hòa", 12, "x"], ["Lê Văn B", None, None])
ROWS = [(2, "Nguyễn Thị Hòa", 12, "x"), (3, "Lê Văn B", None, None)]


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_csv_is_read_in_every_encoding_and_with_every_separator_that_excel_writes(separator):
    text = TEXT.replace(";", separator)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        for written in (text, text.replace("\n", "\r\n"), text.replace("\n", "\r"), unicodedata.normalize("NFD", text)):
            assert read(written.encode(encoding)) == (ROWS, []), encoding


def test_workbook_says_what_a_csv_file_says_whatever_it_is_called():
    for name in ("bang.xlsx", "bang.csv", "BANG.XLSM"):
        assert read(WORKBOOK, name) == (ROWS, [])


def test_what_a_spreadsheet_puts_around_a_cell_is_no_part_of_it():
    """Formula signs, apostrophes and blanks around a cell are removed before its value is read."""
    written = 'Tên;Số;Ghi chú\n ="0012" ;\'7;\xa0a\u202fb \n'
    assert read(written.encode()) == ([(2, "0012", 7, "a b")], [])
    assert read(f"sep=;\n{TEXT}".encode()) == (ROWS, []), "the line sep= must not become a row"


def test_heading_stands_below_titles_in_one_row_or_in_two_and_is_compared_without_accents():
    titles = "CÔNG TY A;;\n;;\n"
    assert read(f"{titles}{TEXT}".encode())[0][0] == (4, "Nguyễn Thị Hòa", 12, "x")
    two = f"{titles}tên;Trong tháng;\n;SO LUONG (hồ sơ);Ghi chú\nA;1;\n"
    assert read(two.encode()) == ([(5, "A", 1, None)], [])


def test_each_wrong_cell_is_told_by_line_and_column_and_a_row_that_slipped_by_its_line():
    """Each fault names its line, and its column if one cell is wrong; the other lines are read."""
    written = "Tên;Số;Ghi chú\nA;x;\n;1;\nB;2;y;z\nC;3;\n"
    assert read(written.encode()) == (
        [(5, "C", 3, None)],
        [("cells_beyond", 4, None), ("missing", 3, "Tên"), ("bad_whole", 2, "Số")],
    )


def test_column_of_phones_where_none_may_stand_is_told_once_at_its_heading():
    """A column full of phone numbers gives one fault at its heading and not a fault for each row."""
    lines = "\n".join(f"A;1;090512345{number}" for number in range(6))
    assert read(f"Tên;Số;Ghi chú\nA;1;x\n{lines}".encode())[1] == [("phones_in_column", 1, "Ghi chú")]


def test_fields_typed_on_a_page_are_read_like_a_row_of_a_file():
    assert read_typed(COLUMNS, {"name": " A ", "count": "", "note": "'x"}) == (
        {"name": "A", "count": None, "note": "x"},
        {},
    )
    _, wrongs = read_typed(COLUMNS, {"name": "", "count": "x", "note": ""})
    assert {field: fault.code for field, fault in wrongs.items()} == {"name": "missing", "count": "bad_whole"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_lines"),
        (TEXT.encode() + b"\x00", "not_text"),
        (b"T\xean;S\xf3 l\xfd\xf2ng\n", "not_utf8"),
        (unicodedata.normalize("NFD", TEXT).encode("cp1258", "ignore"), "not_utf8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "old_workbook"),
        (b"\xef\xbb\xbf<html><table><tr><td>M\xc3\xa3</td></tr></table>", "web_page"),
        (b"PK\x03\x04 no zip", "not_a_table"),
        (TEXT.replace("Lê", '"Lê').encode(), "open_quote"),
        ('Tên;Số\nA;1\n"B;2"\nC;3\n'.encode(), "open_quote"),
        ("Tên;Số\n".encode() + b";" * 250, "too_wide"),
        ("Tên;Ghi chú\nA;x".encode(), "missing_heading"),
        (b"a;b\n1;2", "no_heading"),
        ("Tên;Số;Tên\nA;1;B".encode(), "heading_twice"),
    ],
)  # fmt: skip
def test_what_is_no_such_table_is_refused_with_what_to_do(content, code):
    assert code_of(content) == code


def test_file_that_is_too_large_is_refused_by_its_bytes_or_its_rows():
    assert code_of(TEXT.encode(), largest=10) == "too_large"
    assert code_of(TEXT.encode(), most_rows=1) == "too_many_lines"


@pytest.mark.parametrize("part", [0.3, 0.999])
def test_workbook_that_was_cut_off_is_refused(part):
    assert code_of(WORKBOOK[: int(len(WORKBOOK) * part)], "bang.xlsx") == "not_a_table"


@pytest.mark.parametrize("member", ["word/document.xml", "xl/workbook.bin"])
def test_what_is_packed_like_a_workbook_and_is_none_is_refused(member):
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        kinds = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"></Types>'
        archive.writestr("[Content_Types].xml", kinds)
        archive.writestr(member, "x")
    for name in ("bang.xlsx", "bang.csv", "bang.xlsb"):
        assert code_of(packed.getvalue(), name) == "not_a_table"


def test_bytes_of_a_workbook_that_were_changed_raise_nothing_but_a_refusal():
    refused = 0
    for place in range(0, len(WORKBOOK), 97):
        content = bytes(b ^ 0x5A for b in WORKBOOK[place : place + 5])
        try:
            read(WORKBOOK[:place] + content + WORKBOOK[place + 5 :], "bang.xlsx")
        except FileRefused:
            refused += 1
    assert refused > 10


def test_workbook_that_swells_is_not_unpacked(monkeypatch):
    """A workbook that would fill the memory when unpacked is refused before it is unpacked."""
    monkeypatch.setattr(tables, "LARGEST_FILE", 1024**2)
    packed = io.BytesIO(WORKBOOK)
    with ZipFile(packed, "a", ZIP_DEFLATED) as book:
        book.writestr("xl/media/image1.bmp", b"\x00" * 8 * 1024**2)
    assert code_of(packed.getvalue(), "bang.xlsx") == "too_large"


def test_cell_far_out_refuses_the_file_instead_of_filling_the_memory():
    """One cell at the far end of a sheet must not make the reader allocate millions of empty cells."""

    def far_out(book):
        book.active["XFD2"] = "x"

    assert code_of(workbook(["Tên", "Số"], ["A", 1], change=far_out), "bang.xlsx") == "too_wide"
    far = io.BytesIO()
    with ZipFile(io.BytesIO(WORKBOOK)) as given, ZipFile(far, "w") as packed:
        for name in given.namelist():
            packed.writestr(name, given.read(name).replace(b'<row r="2"', b'<row r="999999999999"'))
    assert code_of(far.getvalue(), "bang.xlsx") == "too_many_lines"


def test_formulas_are_not_run_and_not_kept():
    rows, faults = read(workbook(["Tên", "Số"], ["A", "=1+1"], ['=HYPERLINK("http://x")', 1]), "bang.xlsx")
    assert (rows, faults) == ([(2, "A", None, None)], [("missing", 3, "Tên")])
