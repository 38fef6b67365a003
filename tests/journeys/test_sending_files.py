"""Test uploads in a real browser: a carrier statement, first refused and then accepted, and a list of phone numbers."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl
import pytest
from playwright.sync_api import Page

from tests.ground import NHA_TRANG
from tests.integration.handed_in.test_carrier_statements import at, file_of, line
from tests.journeys.office import sign_in

pytestmark = pytest.mark.alone

Opens = Callable[[str], Page]


def is_as_wide_as_the_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("size", "month"), [("wide", 8), ("narrow", 7)])
def test_department_sends_a_statement_that_is_refused_and_then_one_that_is_kept(
    office, open_page, elsewhere, ledger_rows, tmp_path, size, month
):
    page, name = open_page(size), f"bang-ke-2026-{month:02d}.csv"
    good = file_of(line("our-1", when=at(5, month=month)))
    sign_in(page, office, "lan", "motcua/statements")

    def try_out(content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        page.get_by_label("Nhà mạng (mẫu bảng kê)").select_option("kannel")
        page.get_by_label("Tệp của nhà mạng").set_input_files(tmp_path / name)
        page.get_by_role("button", name="Đọc thử").click()
        page.wait_for_url("**/statements/upload")
        return page.locator("main").inner_text()

    told = try_out(file_of(line("our-1", when=at(5, month=month), amount="1,050")))
    assert "Tệp sai, không nhận dòng nào." in told
    assert "dòng 2, cột “Thành tiền”" in told
    assert is_as_wide_as_the_window(page)
    told = try_out(good)
    assert f"Đọc được tệp {name}: bảng kê tháng {month}/2026 của kannel" in told
    assert is_as_wide_as_the_window(page)
    page.get_by_role("button", name="Nhận bảng kê này").click()
    page.wait_for_url("**/statements?said=*")
    assert f"Tệp kannel/{name} (bảng kê tháng {month}/2026) đã nộp" in page.locator("main").inner_text()
    kept = ledger_rows(f"SELECT uploaded_by FROM motcua.statement_uploads WHERE file_name = '{name}'")
    assert kept == [{"uploaded_by": "lan"}]
    assert elsewhere == []


def test_administrator_of_an_agency_checks_a_list_and_takes_the_rows_to_mend_away(
    office, open_page, elsewhere, tmp_path
):
    page = open_page("narrow")
    (tmp_path / "danh-sach.csv").write_text("Số điện thoại\n0905123456\n02583822001\n", encoding="utf-8")
    sign_in(page, office, "hoa", f"motcua/settings/phones?code={NHA_TRANG}")
    page.get_by_label("Danh sách xuất từ phần mềm một cửa").set_input_files(tmp_path / "danh-sach.csv")
    page.get_by_role("button", name="Kiểm tra", exact=True).click()
    page.wait_for_url("**/settings/phones/check?**")
    assert "1 trên 2 dòng" in page.locator("#danh-sach").inner_text()
    assert is_as_wide_as_the_window(page)
    with page.expect_download() as taken:
        page.get_by_role("link", name="Tải Excel các dòng cần sửa").click()
    assert taken.value.suggested_filename == "kiem-tra-so-dien-thoai.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(taken.value.path().read_bytes()))
    assert [cell.value for cell in book["Cần sửa"]["A"]] == ["Vị trí", 3]
    assert elsewhere == []
