"""Test the page about users: only the Department gives a user an agency or takes it away, and confirms each change.

The commands ``motcua users give`` and ``motcua users take`` do the same.
"""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.ground import NHA_TRANG, TU_PHAP, type_command

PAGE = "/motcua/users"


def words(answer) -> str:
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def form_in(page: str, after: str) -> dict[str, str]:
    part = page[page.index(after) :]
    part = part[: part.index("</form>")]
    return {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', part)}


def give(staff, user: str = "hoa", agency: str = NHA_TRANG):
    """Give a user an agency as a person does: send the form, then the confirmation. Return both answers."""
    asked = form_in(staff.get(PAGE).text, "Giao cơ quan</h2>") | {"user": user, "agency": agency}
    told = staff.post(PAGE, data=asked)
    assert told.status_code == 200, words(told)
    return told, staff.post(PAGE, data=form_in(told.text, '<form method="post" action="/motcua/users">'))


def test_page_says_in_words_that_nobody_has_an_agency_yet(staff):
    shown = words(staff.get(PAGE))
    assert "Chưa giao cơ quan nào cho ai." in shown
    assert "Chưa có lần nào." in shown


@pytest.mark.guarantee("pages", "each agency that a user is given or loses is stored, with the person and the time")
def test_agency_is_given_and_taken_after_its_effect_was_told_and_both_are_kept(staff, rows):
    told, done = give(staff)
    assert "hoa sẽ xem được hồ sơ, tin nhắn, lỗi dữ liệu" in words(told)
    assert "Ủy ban nhân dân thành phố Nha Trang (000.00.30.H32)" in words(told)
    assert "không được giao cơ quan nào khác" in words(told)
    assert rows("SELECT user_name, agency_code, given_by FROM motcua.user_agencies") == [
        {"user_name": "hoa", "agency_code": NHA_TRANG, "given_by": "lan"}
    ]
    page = staff.get(done.headers["location"])
    assert "Đã giao. Người này xem được cơ quan đó từ trang mở tiếp theo." in words(page)
    told, _ = give(staff, agency=TU_PHAP)
    assert f"Các cơ quan khác đang được giao: {NHA_TRANG}." in words(told)
    page = staff.get(PAGE)
    told = staff.post(PAGE, data=form_in(page.text, '<td><form class="unprinted"'))
    assert "hoa sẽ không còn xem được gì của" in words(told)
    assert len(rows("SELECT 1 FROM motcua.user_agencies")) == 2, "the preview must take nothing"
    done = staff.post(PAGE, data=form_in(told.text, '<form method="post" action="/motcua/users">'))
    shown = words(staff.get(done.headers["location"]))
    assert "Đã thu lại." in shown
    assert len(rows("SELECT 1 FROM motcua.user_agencies")) == 1
    kept = rows("SELECT changed_by, user_name, change FROM motcua.user_agency_changes ORDER BY change_id")
    assert [tuple(each.values()) for each in kept] == [
        ("lan", "hoa", "given"),
        ("lan", "hoa", "given"),
        ("lan", "hoa", "taken"),
    ]
    assert re.search(r"hoa \S.* thu lại lan", shown)


@pytest.mark.guarantee(
    "pages", "a list is sorted and filtered by its links, and keeps order and filter when a form of its page is sent"
)
def test_order_and_search_of_the_list_outlive_the_forms_of_its_page(staff):
    give(staff)
    page = staff.get(f"{PAGE}?sort=-user_name&q=hoa&changes_sort=at")
    told = staff.post(PAGE, data=form_in(page.text, '<td><form class="unprinted"'))
    done = staff.post(PAGE, data=form_in(told.text, '<form method="post" action="/motcua/users">'))
    assert done.status_code == 303
    query = dict(parse_qsl(urlsplit(done.headers["location"]).query))
    assert query == {"sort": "-user_name", "q": "hoa", "changes_sort": "at", "said": "taken"}


def test_giving_the_same_agency_twice_changes_nothing_and_says_so(staff, rows):
    give(staff)
    _, again = give(staff)
    assert "Không đổi gì. Người này đã được giao" in words(staff.get(again.headers["location"]))
    assert len(rows("SELECT 1 FROM motcua.user_agency_changes")) == 1


def test_what_names_nobody_or_no_agency_is_refused_and_nothing_typed_is_lost(staff, rows):
    typed = form_in(staff.get(PAGE).text, "Giao cơ quan</h2>") | {"user": "hoa<b>", "agency": NHA_TRANG}
    for changes, said in (
        ({"user": ""}, "Cần ghi tên đăng nhập"),
        ({"user": " \u200b "}, "Cần ghi tên đăng nhập"),
        ({"user": "x" * 251}, "dài quá 250 chữ"),
        ({"agency": ""}, "Không có cơ quan này"),
        ({"sure": "yes", "agency": "nobody"}, "Không có cơ quan này"),
    ):
        answer = staff.post(PAGE, data=typed | changes)
        assert answer.status_code == 422
        assert said in words(answer)
        assert "hoa<b>" not in answer.text
        assert "user" in changes or "hoa&lt;b&gt;" in answer.text
    assert staff.post(PAGE, data=typed | {"decision": "rule"}).status_code == 400
    assert rows("SELECT 1 FROM motcua.user_agencies") == []


def test_commands_do_the_same_with_the_operators_name_and_say_what_is_wrong(agencies, rows):
    def run(*words: str):
        return type_command("users", *words, exits=None)

    assert "No user was given an agency" in run("list").output
    assert "hoa now sees the rows of 000.00.30.H32" in run("give", "hoa", "H32.30").output, (
        "an alias of the agency must be accepted"
    )
    assert "already saw" in run("give", "hoa", NHA_TRANG).output
    listed = run("list").output
    assert "hoa" in listed
    assert NHA_TRANG in listed
    for words, said in (
        (("give", "hoa", "nobody"), "no such agency"),
        (("give", " ", NHA_TRANG), "name is empty"),
        (("take", "x" * 251, NHA_TRANG), "at most 250"),
        (("take", "hoa", TU_PHAP), "was not given"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2, words
        assert said in refused.output, words
    assert "no longer sees" in run("take", "hoa", NHA_TRANG).output
    assert rows("SELECT 1 FROM motcua.user_agencies") == []
    assert re.findall("given|taken", run("list", "--history").output) == ["taken", "given"]
    (who,) = rows("SELECT DISTINCT changed_by <> '' AS known FROM motcua.user_agency_changes")
    assert who == {"known": True}
