"""Lists as files: what stands above the rows, and cells that a spreadsheet would lose or take for something else."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest

from motcua.reports.lists import FileColumn, Link, ListHead, csv_pieces, list_workbook
from tests.web.taken_away import TakenAway, read_csv, read_workbook

HEADS = [FileColumn(head, 20) for head in ("Nội dung, lý do", "Ngày", "Lúc", "Số tin")]
AS_OF = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


def taken(*rows, about=("mọi cơ quan",), as_of=AS_OF) -> tuple[TakenAway, TakenAway]:
    head = ListHead("Tin nhắn", about, as_of, HEADS)
    return (
        read_csv(b"".join(csv_pieces(head, [rows[:1], rows[1:]]))),
        read_workbook(list_workbook(head, [rows[:1], rows[1:]], AS_OF)),
    )


def test_workbook_says_what_it_holds_what_it_was_narrowed_down_to_and_when_it_held():
    _, book = taken(["x", None, None, 1], about=("=cmd|x", "", "một tuần"))
    assert book.title == "Tin nhắn"
    assert book.notes == ["=cmd|x", "một tuần", "Dữ liệu tính đến 10:00 ngày 25/11/2026."]
    assert book.is_text
    _, book = taken(as_of=None)
    assert book.notes[-1] == "Chưa rõ dữ liệu tính đến lúc nào."
    assert book.rows == []


def test_csv_file_begins_with_its_heads_as_whatever_reads_one_expects():
    head = ListHead("Tin nhắn", ("mọi cơ quan",), AS_OF, [HEADS[0], HEADS[-1]])
    content = b"".join(csv_pieces(head, [[["=x", 1]], [["y, z", 2]]])).decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(content, newline=""))) == [
        {"Nội dung, lý do": "'=x", "Số tin": "1"},
        {"Nội dung, lý do": "y, z", "Số tin": "2"},
    ]


def test_days_moments_and_numbers_are_the_same_in_both_and_a_moment_is_no_later_than_it_was():
    late = datetime(2026, 11, 25, 16, 59, 59, 999_999, tzinfo=UTC)
    as_csv, as_book = taken(["000123", date(2026, 11, 25), late, -1_000], [None, None, None, None])
    assert as_csv.rows == [["000123", "2026-11-25", "2026-11-25 23:59:59", "-1000"], ["", "", "", ""]]
    assert as_book.rows == [["000123", "2026-11-25 00:00:00", "2026-11-25 23:59:59", "-1000"], ["", "", "", ""]]
    assert as_csv.is_text
    assert as_book.is_text


@pytest.mark.parametrize("cell", ["x" * 40_000, Link("x" * 40_000, "https://example.org/" + "y" * 3_000)])
def test_text_that_is_longer_than_a_cell_may_be_is_cut_and_not_lost(cell):
    as_csv, as_book = taken([cell, None, None, 0])
    assert as_csv.rows[0][0] == "x" * 40_000
    assert as_book.rows[0][0] == "x" * 32_767


def test_row_of_another_length_is_a_note_below_the_rows():
    as_csv, as_book = taken(["x", None, None, 1], ["Tệp chỉ có một dòng"])
    assert as_csv.rows == as_book.rows == [["x", "", "", "1"], ["Tệp chỉ có một dòng", "", "", ""]]
