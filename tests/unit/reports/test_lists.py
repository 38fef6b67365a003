"""Test lists of the staff pages, above all as CSV files and workbooks that staff download."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from unittest.mock import MagicMock

import pytest

from motcua.domain.people import Viewer
from motcua.jobs.handed_in.complaints import titles
from motcua.jobs.listing.asking import Asked, ask, folded
from motcua.jobs.listing.lists import CLOSINGS, COMPLAINTS, INQUIRIES, LETTERS, MESSAGES, STATEMENTS, owed_of
from motcua.jobs.listing.reading import Listing, first_of, in_order, text_of
from motcua.reports.lists import (
    FileColumn,
    Filter,
    Link,
    ListHead,
    Seen,
    Word,
    csv_pieces,
    declared_list,
    list_workbook,
    load_every_list,
    words_of,
)
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
    """Programs expect the headings in the first line of a CSV file, so no title may stand above them."""
    head = ListHead("Tin nhắn", ("mọi cơ quan",), AS_OF, [HEADS[0], HEADS[-1]])
    content = b"".join(csv_pieces(head, [[["=x", 1]], [["y, z", 2]]])).decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(content, newline=""))) == [
        {"Nội dung, lý do": "'=x", "Số tin": "1"},
        {"Nội dung, lý do": "y, z", "Số tin": "2"},
    ]


def test_days_moments_and_numbers_are_the_same_in_both_and_a_moment_is_no_later_than_it_was():
    """A CSV file and a workbook must have the same values, and a moment must not be rounded up to the next day."""
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
    """A row with fewer cells than the heading is a note and must not stop the download."""
    as_csv, as_book = taken(["x", None, None, 1], ["Tệp chỉ có một dòng"])
    assert as_csv.rows == as_book.rows == [["x", "", "", "1"], ["Tệp chỉ có một dòng", "", "", ""]]


# --- Lists declared in include/templates/lists: each entry can be shown and has a Vietnamese name -------------------

LISTS = load_every_list()
OPERATOR = Viewer("lan", "operator", None)
AUDITOR = Viewer("minh", "auditor", None)


def test_columns_and_words_that_lists_name_exist():
    wrong = []
    for declared in map(declared_list, LISTS):
        columns = declared.columns
        known = columns.keys() | {""}
        wrong += [each for each in columns.values() if not {each.under, each.sort_by} <= known]
        wrong += [each for each in columns.values() if each.under and columns[each.under].under]
        wrong += [
            each for each in (*columns.values(), *declared.filters.values()) if each.words and not words_of(each.words)
        ]
        heads = [each.head for each in declared.file_columns(OPERATOR)]
        wrong += [head for head in heads if heads.count(head) > 1]
    assert wrong == []


def test_every_title_of_complaints_can_be_named_as_the_words_of_a_list():
    assert {name: words_of(f"publication.{name}") for name in titles()} == titles()


FILTERED = {
    "complaints": lambda asked: COMPLAINTS,
    "inquiries": lambda asked: INQUIRIES,
    "letters": lambda asked: LETTERS,
    "messages": lambda asked: MESSAGES,
    "owed_tonight": lambda asked: owed_of(MagicMock(), [], AS_OF, asked),
}
"""For each list with filters, a function that returns the list as requested."""


@pytest.mark.parametrize("name", [each for each in LISTS if declared_list(each).filters])
def test_declared_filters_are_passed_on_and_one_that_the_query_does_not_know_is_an_error(name):
    declared = declared_list(name)
    forgotten = declared.model_copy(update={"filters": {**declared.filters, "forgotten": Filter(shown="name")}})

    def read(each):
        asked = ask(MagicMock(), each, {"since": "2026-11-25", "until": "2026-11-25"}, OPERATOR, [])
        return first_of(FILTERED[name](asked), MagicMock(), asked, Seen(OPERATOR, {}), 1)

    assert read(declared) == ([], False)
    with pytest.raises(TypeError, match="'forgotten'"):
        read(forgotten)


@pytest.mark.guarantee("pages", "headings in files are Vietnamese; headings above times name Vietnam's time")
def test_heads_of_a_file_are_vietnamese_and_say_by_which_clock():
    wrong = []
    for declared in map(declared_list, LISTS):
        moments = [each.shown == "moment" for each in declared.columns_for(OPERATOR, "file").values()]
        heads = [each.head for each in declared.file_columns(OPERATOR)]
        wrong += [head for head in heads or ["no column"] if not head[0].isupper() or "_" in head]
        said = [head.endswith(" (giờ Việt Nam)") for head in heads]
        wrong += [] if said == moments else heads
    assert wrong == []


@pytest.mark.guarantee("pages", "each column of a list is declared once, for the page, the files and the command")
def test_column_is_one_entry_for_page_file_and_command():
    declared = MESSAGES.declared
    added = declared.columns["recorded_at"].model_copy(update={"head": "Gửi trước", "of": "due", "command": "due"})
    more = declared.model_copy(update={"columns": {**declared.columns, "useful_until": added}})
    listing = replace(MESSAGES, declares=lambda name: more)
    assert listing.columns(OPERATOR, "page")["useful_until"].head == "Gửi trước"
    assert listing.declared.file_columns(OPERATOR)[-1].head == "Gửi trước (giờ Việt Nam)"
    assert listing.columns(OPERATOR, "command")["useful_until"].command == "due"
    at = datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert listing.cell("useful_until", {"due": at}, Seen(OPERATOR, {})) == at


def test_column_that_is_hidden_from_a_role_is_on_no_page_and_in_no_file_for_it():
    for place in ("page", "file", "command"):
        assert "phone" not in MESSAGES.columns(AUDITOR, place)
    assert "phone" in MESSAGES.columns(OPERATOR, "page")
    assert "phone" not in MESSAGES.columns(OPERATOR, "command")


@pytest.mark.parametrize(
    ("text", "small"),
    [("Đã Hủy", "da huy"), ("ĐƯỜNG", "duong"), ("1.005129", "1.005129")],
)
def test_text_is_searched_without_accents_and_capitals(text, small):
    assert folded(text) == small


def test_rows_are_in_the_order_of_a_column_those_without_a_value_last_and_equals_as_they_were():
    """A sorted list has empty cells last in both directions, and keeps the order of equal rows."""
    rows = [
        {"day": day, "weekday": name} for day, name in ((None, "a"), (date(2026, 1, 2), "Đ"), (date(2026, 1, 1), "e"))
    ]
    seen = Seen(OPERATOR, {})
    listing = Listing("calendar")

    def names(sort: str, *, backwards: bool = False) -> list[str]:
        asked = Asked(OPERATOR, sort=sort, backwards=backwards)
        return [row["weekday"] for row in in_order(listing, rows, asked, seen)]

    assert names("day") == ["e", "Đ", "a"]
    assert names("day", backwards=True) == ["Đ", "e", "a"]
    assert names("weekday") == ["a", "Đ", "e"], "names must be sorted nearly as in the Vietnamese alphabet"
    assert names("") == ["a", "Đ", "e"]


def test_search_sees_a_cell_as_people_read_it():
    """A search in a list looks at the Vietnamese words and dates on the page, not at the stored values."""
    assert text_of(datetime(2026, 11, 25, 3, 5, tzinfo=UTC)) == "25/11/2026 10:05"
    assert text_of(Word("delivered", "Đã tới máy", "ok")) == "Đã tới máy"
    assert text_of(None) == ""


@pytest.mark.parametrize(
    ("listing", "column", "rows"),
    [
        (CLOSINGS, "closing_no", [{"closing_no": number} for number in (2, 9, 10, 100)]),
        (CLOSINGS, "period", [{"period": each} for each in ("2026-10-31", "2026-11-02", "2026-11-10", "2027-01-01")]),
        (STATEMENTS, "statement_no", [{"statement_no": number} for number in (2, 9, 10, 100)]),
        (STATEMENTS, "month", [{"month": date(*each, 1)} for each in ((2025, 11), (2026, 2), (2026, 9), (2026, 10))]),
    ],
)
def test_numbers_and_times_that_stand_as_words_are_sorted_as_what_they_are(listing, column, rows):
    """If cells were sorted as texts, closing 10 would be before closing 9, and the 10th of a month before the 2nd."""
    viewer = Viewer("lan", "operator", None)
    for backwards in (False, True):
        asked = Asked(viewer, sort=column, backwards=backwards)
        found = in_order(listing, list(reversed(rows)), asked, Seen(viewer, {}))
        assert found == (rows[::-1] if backwards else rows)
