"""Test the reading of files with figures of the national portal: lines, faults of lines, and refused files."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook

from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.reconciliation.portal_figures import read_portal_figures

NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
AGENCIES = {
    "H32.1": ["H32.1"],
    "LAMA": ["H32.1"],
    "H32.2": ["H32.2"],
    "so tu phap": ["H32.2"],
    "ubnd phuong": ["H32.1", "H32.2"],
}
HEADING = "Mã cơ quan;Kỳ;Tiếp nhận;Đã giải quyết;Đã trả kết quả"


def read(*lines, heading=HEADING):
    return read_portal_figures("\n".join([heading, *lines]).encode(), "cong.csv", AGENCIES, NOW)


def told(found):
    return [
        (each.agency_code, each.period, each.received, each.resolved, each.returned, each.file_line)
        for each in found.figures
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("LAMA;24-11-2026;12;9;", ("H32.1", "2026-11-24", 12, 9, None)),
        ("SỞ  TƯ PHÁP;2026-11-24;0;0;0", ("H32.2", "2026-11-24", 0, 0, 0)),
        ("H32.1;ngày 01 tháng 11 năm 2026;1;1;1", ("H32.1", "2026-11-01", 1, 1, 1)),
        ("H32.1;10/2026;1.234;1 200;", ("H32.1", "2026-10", 1234, 1200, None)),
        ("H32.1;2026-10;1;1;1", ("H32.1", "2026-10", 1, 1, 1)),
    ],
)
def test_line_says_one_agency_one_period_and_its_counts(line, says):
    found = read(line)
    assert (told(found), found.faults) == ([(*says, 2)], [])


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("H32.9;24/11/2026;1;1;1", "cột “Mã cơ quan”: không có cơ quan nào"),
        ("UBND phường;24/11/2026;1;1;1", "cột “Mã cơ quan”: nhiều cơ quan"),
        ("H32.1;;1;1;1", "cột “Kỳ”: thiếu giá trị"),
        ("H32.1;31/11/2026;1;1;1", "cột “Kỳ”: không đọc được kỳ"),
        ("H32.1;11/24/2026;1;1;1", "cột “Kỳ”: không đọc được kỳ"),
        ("H32.1;24/11/2026 08:30;1;1;1", "cột “Kỳ”: không đọc được kỳ"),
        ("H32.1;2026-11-01 00:00:00;1;1;1", "cột “Kỳ”: không rõ là ngày 01/11/2026 hay cả tháng 11/2026"),
        ("H32.1;25/11/2026;1;1;1", "cột “Kỳ”: kỳ này chưa hết"),
        ("H32.1;24/11/2015;1;1;1", "cột “Kỳ”: thời gian trước năm 2016"),
        ("H32.1;24/11/2026;;1;1", "cột “Tiếp nhận”: thiếu giá trị"),
        ("H32.1;24/11/2026;1;1,5;1", "cột “Đã giải quyết”: cần số nguyên không âm"),
        ("H32.1;24/11/2026;١;1;1", "cột “Tiếp nhận”: cần số nguyên không âm"),
        ("H32.1;24/11/2026;905123456;1;1", "cột “Tiếp nhận”: số quá lớn"),
        ("H32.1;24/11/2026;1;1;1;7", "có ô nằm ngoài các cột"),
    ],
)
def test_broken_line_is_told_by_line_and_column_and_the_others_are_taken(line, fault):
    found = read("H32.2;24/11/2026;5;4;3", line)
    assert told(found) == [("H32.2", "2026-11-24", 5, 4, 3, 2)]
    (said,) = map(str, found.faults)
    assert said.startswith(f"dòng 3, {fault}" if fault.startswith("cột") else f"dòng 3: {fault}")
    assert "905123456" not in said


def test_period_twice_in_a_file_is_taken_where_the_lines_are_the_same_and_refused_where_they_are_not():
    """Two equal lines of a file count once. Two different lines for one agency and period are both refused."""
    same = read("H32.1;24/11/2026;5;4;", "H32.1;2026-11-24;5;4;")
    assert (told(same), same.repeated, same.faults) == ([("H32.1", "2026-11-24", 5, 4, None, 2)], 1, [])
    # Two lines of one agency under two codes may be two parts with equal figures by chance, so both are refused.
    for other in ("H32.1;24/11/2026;5;3;", "LAMA;24/11/2026;5;4;"):
        found = read("H32.1;24/11/2026;5;4;", other, "H32.2;24/11/2026;1;1;")
        assert [each[0] for each in told(found)] == ["H32.2"]
        assert [(fault.line, fault.code, fault.values["other"]) for fault in found.faults] == [
            (2, "twice", 3),
            (3, "twice", 2),
        ]


def test_line_with_a_total_is_skipped():
    for total in ("Tổng cộng;;20;9;8", "TỔNG SỐ:;24/11/2026;20;9;8", "Cộng;24/11/2026;20;9;8"):
        found = read("H32.1;24/11/2026;12;9;8", total)
        assert (told(found), found.faults) == ([("H32.1", "2026-11-24", 12, 9, 8, 2)], []), total


def test_total_before_an_empty_agency_is_one_and_a_name_that_begins_like_it_is_none():
    """A line "Tổng cộng" is a total and is skipped; an agency whose name begins with "Tổng" is not."""
    heading = "TT;Mã cơ quan;Kỳ;Tiếp nhận;Đã giải quyết"
    found = read("1;H32.1;24/11/2026;12;9", "Tổng cộng;;24/11/2026;12;9", "3;Tổng kho;24/11/2026;1;1", heading=heading)
    assert [each.agency_code for each in found.figures] == ["H32.1"]
    assert [each.line for each in found.faults] == [4]


def test_column_says_whether_a_day_that_excel_made_is_a_month():
    """Excel turns a month into its first day, so the column's heading decides whether the cell is a day or a month."""
    book = Workbook()
    sheet = book.active
    sheet.append(["Số liệu của Cổng"])
    sheet.append(["Tên cơ quan", "Ngày", "Tháng", "Kỳ", "Tiếp nhận", "Đã giải quyết"])
    first = date(2026, 10, 1)
    sheet.append(["Sở Tư pháp", first, None, None, 12, 9])
    sheet.append(["Sở Tư pháp", None, first, None, 300, 200.0])
    sheet.append(["Sở Tư pháp", None, None, first, 1, 1])
    sheet.append(["Sở Tư pháp", None, None, date(2026, 10, 2), 2, 1])
    sheet.append(["Sở Tư pháp", None, date(2026, 10, 2), None, 2, 1])
    sheet.append(["Sở Tư pháp", first, first, None, 2, 1])
    sheet.append(["Sở Tư pháp", date(2026, 10, 3), None, None, 1.234, 1])
    packed = io.BytesIO()
    book.save(packed)
    found = read_portal_figures(packed.getvalue(), "cong.xlsx", AGENCIES, NOW)
    assert [each[1:4] for each in told(found)] == [("2026-10-01", 12, 9), ("2026-10", 300, 200), ("2026-10-02", 2, 1)]
    assert [(fault.line, fault.heading, fault.code) for fault in found.faults] == [
        (5, "Kỳ", "bare_month"),
        (7, "Tháng", "bad_period"),
        (8, "Tháng", "several_periods"),
        (9, "Tiếp nhận", "bad_whole"),
    ]


def test_what_is_no_such_table_is_refused_whole():
    for content, why in (
        (HEADING, "Không có dòng dữ liệu nào"),
        ("Mã cơ quan;Tiếp nhận;Đã giải quyết\nH32.1;1;1", "thiếu cột; tiêu đề có thể là: Ngày / Tháng / Kỳ"),
    ):
        with pytest.raises(FileRefused, match=why):
            read_portal_figures(content.encode(), "cong.csv", AGENCIES, NOW)
