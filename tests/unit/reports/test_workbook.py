"""Workbooks open, hold what the report says as text that can never run, and can be filtered and printed."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from urllib.parse import parse_qs

import openpyxl
import pytest

from motcua.domain.phones.reading import holds_phone
from motcua.quality.report_data import BrokenAgency
from motcua.reports.quality.workbook import agency_workbook, department_workbook
from tests.quality_samples import agency_report, broken, department_report, row, rows


def opened(book):
    return openpyxl.load_workbook(io.BytesIO(book.content))


def test_agency_gets_every_row_with_what_is_wrong_since_when_and_what_to_do():
    book = agency_workbook(agency_report(), rows())
    assert (book.rows, book.left_out) == (146, 0)
    assert book.name == "Sở Tư pháp - lỗi dữ liệu 26-11-2026.xlsx"
    read = opened(book)
    assert read.sheetnames == ["Đọc trước", "Cần xử lý", "Các kiểm tra"]
    sheet = read["Cần xử lý"]
    heads = [cell.value for cell in sheet[1]]
    first = dict(zip(heads, (cell.value for cell in sheet[2]), strict=True))
    assert first["Mã hồ sơ"] == "000.00.09.H32-261102-0001"
    assert first["Sai gì"] == "Ô số điện thoại để trống."
    assert first["Cần làm gì"] == "Hỏi công dân và nhập số di động khi tiếp nhận hồ sơ."
    assert str(first["Từ khi nào"]) == "2026-11-17 00:00:00"
    assert str(first["Hạn sửa"]) == "2026-11-12 00:00:00"
    assert first["Tình trạng hạn"] == "Quá hạn, đã báo Sở"
    phones = {sheet.cell(line, heads.index("Số điện thoại (đã che)") + 1).value for line in range(2, 148)}
    assert phones == {None, "02•• ••• 001"}
    accepted = [sheet.cell(line, heads.index("Lý do xác nhận") + 1).value for line in range(2, 148)]
    assert "Công dân cao tuổi, không dùng di động" in accepted
    assert sum(each is not None for each in accepted) == 4


def test_sheets_are_frozen_filtered_and_print_on_paper():
    read = opened(department_workbook(department_report(), rows()))
    assert len(read.worksheets) > 1
    for sheet in read.worksheets[1:]:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        widths = [sheet.column_dimensions[cell.column_letter].width for cell in sheet[1]]
        assert all(width >= 6 for width in widths)


def test_first_sheet_explains_and_has_the_figures_of_the_report():
    read = opened(agency_workbook(agency_report(broken=(broken("R4"),)), rows()))
    about = "\n".join(str(cell.value) for line in read["Đọc trước"] for cell in line if cell.value)
    for expected in (
        "Sở Tư pháp (000.00.09.H32)",
        "số 41, lúc 6:15 ngày 26/11/2026",
        "6:11 ngày 26/11/2026",
        "2.188",
        "143",
        "139",
        "65,4",
        "R4 Trả kết quả ngay khi xong",
        "lần kiểm tra sáng hôm sau lỗi tự mất khỏi danh sách",
    ):
        assert expected in about


def test_codes_stay_text_and_broken_checks_have_no_figures():
    read = opened(department_workbook(department_report(), rows()))
    rules = {line[0].value: line for line in read["Các kiểm tra"].iter_rows(min_row=2)}
    assert rules["R4"][4].value == "không chạy được"
    assert {cell.value for cell in rules["R4"][5:13]} == {None}
    assert rules["P1"][4].value == 1399
    finding = read["Cần xử lý"][2]
    procedure = next(cell for cell in finding if cell.value == "2.000635")
    assert (procedure.data_type, procedure.number_format) == ("s", "@")


def test_broken_agency_has_its_line_and_its_reason_but_no_figure():
    report = department_report()
    gone = replace(report.agencies[0], broken_reason="Có hồ sơ được tính hơn một lần.")
    told = BrokenAgency(gone.agency_code, gone.name, "Có hồ sơ được tính hơn một lần.")
    report = replace(report, agencies=(gone, *report.agencies[1:]), broken_agencies=(told,))
    read = opened(department_workbook(report, rows()))
    line = read["Các cơ quan"][2]
    assert [cell.value for cell in line[:3]] == [1, gone.name, "không chạy được"]
    assert {cell.value for cell in line[3:]} == {None}
    about = "\n".join(str(cell.value) for line in read["Đọc trước"] for cell in line if cell.value)
    assert f"{gone.name}: Có hồ sơ được tính hơn một lần." in about


def test_department_gets_all_agencies_and_only_the_rows_that_concern_it():
    book = department_workbook(department_report(), [each for each in rows() if each.stage == "remind_department"])
    assert book.rows == 2
    sheet = opened(book)["Các cơ quan"]
    assert [line[1].value for line in sheet.iter_rows(min_row=2, max_row=4)] == [
        "UBND TP Nha Trang",
        "Sở Xây dựng",
        "Sở NN-PTNT",
    ]
    assert sheet.max_row == 14


DANGEROUS = (
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+84905123",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "{=1+1}",
    "http://x.example",
    "0012",
    "1e5",
    "\x00\x1b",
)


@pytest.mark.parametrize("text", DANGEROUS)
def test_cells_that_begin_like_formulas_are_text(text):
    hostile = row(1, subject=text, dossier_code=text, what=text, procedure_code=text, procedure_name=text)
    report = agency_report(agency_name=text, figures=replace(agency_report().figures, name=text))
    book = agency_workbook(report, [hostile])
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/" in name]
        assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in sheets)
        assert re.search(r'quotePrefix="1"', parts.read("xl/styles.xml").decode())
    sheet = opened(book)["Cần xử lý"]
    for cell in (sheet["B2"], sheet["F2"], sheet["M2"], sheet["N2"]):
        assert cell.data_type == "s"
        assert cell.number_format == "@"
        assert cell.quotePrefix
    assert sheet["B2"].value.strip("\x00\x1b") in (text, text.replace("\r", "_x000D_"), "_x0000__x001B_", "")


@pytest.mark.parametrize("code", [*DANGEROUS, "160915001", "a&b=c#d", "internal:A1", "0905123456"])
def test_codes_lead_to_the_page_of_the_dossier_and_nowhere_else(code):
    page = "https://noi-bo.example/motcua/dossiers"
    each = row(1, subject=code, dossier_code=code, agency_code="000.00.09.H32")
    cell = opened(agency_workbook(agency_report(), [each], dossiers_url=page))["Cần xử lý"]["B2"]
    if holds_phone(code):
        assert cell.hyperlink is None, "a number stands in no address"
        return
    assert cell.data_type == "s"
    address, _, query = cell.hyperlink.target.partition("?")
    assert address == page
    read = parse_qs(query, keep_blank_values=True)
    assert read["agency"] == ["000.00.09.H32"]
    assert read["code"] == [code]


def test_file_name_has_no_letter_that_a_file_system_refuses():
    named = agency_workbook(agency_report(agency_name='../a\\b:c*?"<>|\r\n' + "Sở Tư pháp " * 20), [row()]).name
    assert re.fullmatch(r"[\w .-]+\.xlsx", named)
    assert len(named) < 110


def test_rows_beyond_the_limit_are_counted_and_told():
    book = agency_workbook(agency_report(), rows()[:10], 133)
    assert (book.rows, book.left_out) == (10, 133)
    read = opened(book)
    assert read["Cần xử lý"].max_row == 11
    about = "\n".join(str(cell.value) for line in read["Đọc trước"] for cell in line if cell.value)
    assert "Tệp chỉ ghi 10 dòng đầu, còn 133 dòng nữa" in about


def test_same_report_gives_the_same_bytes_and_no_rows_are_said_so():
    assert agency_workbook(agency_report(), rows()).content == agency_workbook(agency_report(), rows()).content
    assert (
        opened(department_workbook(department_report(), []))["Cần xử lý"]["B2"].value == "Không có dòng nào cần xử lý."
    )
