"""What include/templates/lists declares: each entry can be shown, and says in Vietnamese what it is."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from motcua.domain.people.viewers import Viewer
from motcua.jobs.listing.asking import Asked, folded
from motcua.jobs.listing.messages import MESSAGES
from motcua.jobs.listing.reading import Listing, in_order, text_of
from motcua.reports.lists import Seen, Word, declared_list, load_every_list, words_of

LISTS = load_every_list()
OPERATOR = Viewer("lan", "operator", None)
AUDITOR = Viewer("minh", "auditor", None)


@pytest.mark.parametrize("name", LISTS)
def test_what_a_list_declares_is_there(name):
    declared = declared_list(name)
    columns = declared.columns
    assert {each.under for each in columns.values()} - {""} <= columns.keys()
    assert {each.sort_by for each in columns.values()} - {""} <= columns.keys()
    assert not [each.head for each in columns.values() if each.under and columns[each.under].under], "two storeys"
    for each in (*columns.values(), *declared.filters.values()):
        if each.words:
            assert words_of(each.words), each.head
    heads = [each.head for each in declared.file_columns(OPERATOR)]
    assert len(heads) == len(set(heads)), "two columns of a file are called the same"


@pytest.mark.guarantee("pages", "heads of files are Vietnamese, and those of moments say that they are Vietnam's")
@pytest.mark.parametrize("name", LISTS)
def test_heads_of_a_file_are_vietnamese_and_say_by_which_clock(name):
    declared = declared_list(name)
    columns = list(declared.columns_for(OPERATOR, "file").values())
    heads = [each.head for each in declared.file_columns(OPERATOR)]
    assert heads, "a list without columns"
    assert [head for head in heads if not head[0].isupper() or "_" in head] == []
    assert [head.endswith(" (giờ Việt Nam)") for head in heads] == [each.shown == "moment" for each in columns]


@pytest.mark.guarantee(
    "pages", "a column of a list is one entry: its page, its files and its command have it from there"
)
def test_column_is_one_entry_for_page_file_and_command(monkeypatch):
    declared = MESSAGES.declared
    added = declared.columns["recorded_at"].model_copy(update={"head": "Gửi trước", "of": "due", "command": "due"})
    more = declared.model_copy(update={"columns": {**declared.columns, "useful_until": added}})
    monkeypatch.setattr("motcua.jobs.listing.reading.declared_list", lambda name: more)
    assert MESSAGES.columns(OPERATOR, "page")["useful_until"].head == "Gửi trước"
    assert MESSAGES.declared.file_columns(OPERATOR)[-1].head == "Gửi trước (giờ Việt Nam)"
    assert MESSAGES.columns(OPERATOR, "command")["useful_until"].command == "due"
    at = datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert MESSAGES.cell("useful_until", {"due": at}, Seen(OPERATOR, {})) == at


def test_what_is_hidden_from_a_role_is_in_no_place_for_it():
    for place in ("page", "file", "command"):
        assert "phone" not in MESSAGES.columns(AUDITOR, place)
    assert "phone" in MESSAGES.columns(OPERATOR, "page")
    assert "phone" not in MESSAGES.columns(OPERATOR, "command")


@pytest.mark.parametrize(
    ("text", "small"),
    [("Đã Hủy", "da huy"), ("ĐƯỜNG", "duong"), ("Ủy ban", "uy ban"), ("Ả", "a"), ("1.005129", "1.005129")],
)
def test_text_is_searched_without_accents_and_capitals(text, small):
    assert folded(text) == small


def test_rows_are_in_the_order_of_a_column_those_without_a_value_last_and_equals_as_they_were():
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
    assert names("weekday") == ["a", "Đ", "e"], "as a Vietnamese alphabet has it, near enough"
    assert names("") == ["a", "Đ", "e"]


def test_cell_is_searched_as_it_is_read():
    assert text_of(datetime(2026, 11, 25, 3, 5, tzinfo=UTC)) == "25/11/2026 10:05"
    assert text_of(Word("delivered", "Đã tới máy", "ok")) == "Đã tới máy"
    assert text_of(None) == ""
