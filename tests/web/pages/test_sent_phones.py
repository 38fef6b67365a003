"""Test the list of phones that an agency uploads before it is enabled: the result is masked and stored nowhere."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient

from motcua.web import forms
from motcua.web.staff import phones_page
from tests.ground import NHA_TRANG, TU_PHAP
from tests.web.visiting import VISITING, token_of, words

LIST = (
    "Số điện thoại;Ngày nhập;Chủ hồ sơ\n"
    "0905123456;05/10/2026;Nguyễn Thị Hòa\n"
    "0258 3822001;05/10/2026;Trần Văn An\n"
    ";05/10/2026;Lê Bình\n"
    "0900000000;05/10/2026;=HYPERLINK(1)\n"
).encode()


def send(staff: TestClient, content: bytes, name: str = "danh-sach.csv", code: str = NHA_TRANG, **fields: str) -> Any:
    return staff.post(
        "/motcua/settings/phones/check",
        params={"code": code},
        data={"token": token_of(staff)} | fields,
        files={"file": (name, content)},
    )


def workbook_of(answer: Any) -> Any:
    packed = re.search(r'href="data:[^,]+;base64,([^"]+)"', answer.text)
    assert packed is not None
    return openpyxl.load_workbook(io.BytesIO(base64.b64decode(packed[1])))


@pytest.mark.guarantee(
    "personal-data",
    "an uploaded list of phones is checked on the page, masked, and stored nowhere; the result can be downloaded",
)
def test_agency_reads_at_once_which_rows_are_to_be_mended_and_takes_them_away(staff, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    VISITING.visit_as("agency", NHA_TRANG, name="hoa")
    answer = send(staff, LIST)
    told = words(answer)
    assert answer.status_code == 200, told
    assert "1 trên 4 dòng có số nhắn tin được: chưa đủ tin để đánh giá. 3 dòng cần sửa" in told
    table = told.partition("Dòng của tệp")[2]
    assert " 3 0258***001 Số cố định" in table
    assert " 4 (trống) Không có số điện thoại 5 0900***000 Một chữ số lặp lại" in table
    for masked, whole in (("3822001", "2583822001"), ("900000000", "0900000000"), ("905123456", "0905123456")):
        assert whole not in answer.text
        assert masked not in answer.text
    for owner in ("Nguyễn Thị Hòa", "Trần Văn An", "Lê Bình"):
        assert owner not in answer.text
    book = workbook_of(answer)
    assert book.sheetnames == ["Cần sửa", "Cần xem lại", "Tổng hợp"]
    taken_away = [[cell.value for cell in row] for row in book["Cần sửa"].iter_rows(min_row=2)]
    assert [row[0] for row in taken_away] == [3, 4, 5]
    assert "900000000" not in str(taken_away)
    for table in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'motcua'"):
        content = str(rows(f"SELECT t::text FROM motcua.{table['tablename']} AS t"))
        assert "583822001" not in content
        assert "905123456" not in content
    assert list(tmp_path.iterdir()) == []


def test_list_is_held_in_memory_from_the_browser_to_the_process_that_reads(staff, tmp_path, monkeypatch):
    """A list of phone numbers must never be written to a temporary file."""
    made: list[int] = []
    rolled = forms.MultiPartParser.__init__.__globals__["SpooledTemporaryFile"]

    class Watched(rolled):  # type: ignore[misc, valid-type]
        def rollover(self) -> None:
            made.append(1)
            super().rollover()

    monkeypatch.setitem(forms.MultiPartParser.__init__.__globals__, "SpooledTemporaryFile", Watched)
    answer = send(staff, LIST + b"0905123457;;\n" * 150_000)
    assert answer.status_code == 200
    assert "150.001 trên 150.004 dòng" in words(answer)
    assert made == []


def test_what_is_no_list_or_too_large_is_told_in_words(staff, monkeypatch):
    for content, why in (
        (b"", "Tệp rỗng"),
        (b"0905123456\n0905123457\n", "cần các cột: phone"),
        (b"PK\x03\x04" + bytes(50), "không đọc được như một bảng"),
    ):
        answer = send(staff, content)
        assert answer.status_code == 422
        assert why.lower() in words(answer).lower()
        assert "905123456" not in answer.text
    monkeypatch.setattr(phones_page, "LARGEST_LIST", 1024)
    answer = send(staff, b"phone\n" + b"0905123456\n" * 9_000)
    assert (answer.status_code, "Tệp quá lớn" in words(answer)) == (413, True)


def test_nobody_checks_a_list_for_an_agency_that_is_not_his(staff, tmp_path):
    VISITING.visit_as("agency", NHA_TRANG, name="hoa")
    assert send(staff, LIST, code=TU_PHAP).status_code == 404
    assert send(staff, LIST, code="khong-co").status_code == 404
    assert send(staff, LIST, token="x").status_code == 403
    VISITING.visit_as("auditor", name="kiem")
    refused = send(staff, LIST)
    assert refused.status_code == 403
    assert "mới kiểm tra" in words(refused)
    assert "/settings/phones/check" not in staff.get(f"/motcua/settings/phones?code={NHA_TRANG}").text
    VISITING.visit_as("operator", name="admin")
    assert send(staff, LIST).status_code == 403
