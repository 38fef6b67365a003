"""Test the tab Chưa rõ kết quả: who sees messages of unknown outcome, and how the Department releases a message."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from tests.ground import NHA_TRANG, TU_PHAP
from tests.web.visiting import VISITING, words

PAGE = "/motcua/messages/unknown"
WHY = "Viettel trả lời chưa nhận, anh Minh phòng kỹ thuật"
SOON = datetime.now(UTC) + timedelta(hours=5)


def fields_of(page: str) -> list[tuple[str, str]]:
    """Return the hidden fields of the page's own form, as a browser would send them."""
    form = page[page.index('action="/motcua/messages/unknown"') :].partition("</form>")[0]
    return [
        (name, html.unescape(value)) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    ]


def send(staff, fields: list[tuple[str, str]], **more: str):
    content = urlencode([*fields, *more.items()])
    return staff.post(PAGE, content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})


def choose(staff, *numbers: int, reason: str = WHY):
    fields = fields_of(staff.get(PAGE).text)
    return send(staff, [*fields, *(("held", str(number)) for number in numbers)], reason=reason, decision="ask")


def test_nothing_that_waits_is_said_in_words(staff):
    shown = words(staff.get(PAGE))
    assert "Không có tin nào chưa rõ kết quả." in shown
    assert "Chưa ai cho gửi lại tin nào." in shown
    assert "<form" not in staff.get(PAGE).text.partition("<main")[2]


def test_what_waits_is_listed_with_gateway_when_why_and_until_when(staff, made):
    made.held("D <1>", useful_until=SOON)
    late = made.held("LATE", useful_until=datetime.now(UTC) - timedelta(hours=1))
    answer = staff.get(PAGE)
    shown = words(answer)
    for expected in ("D <1>", "UBND TP Nha Trang", "Có kết quả", "kannel", "10:00 25/11/2026"):
        assert expected in shown, expected
    assert "Cổng nhắn tin không trả lời" in shown
    assert "1 tin chờ Sở quyết định" in shown
    assert "1 tin không còn ý nghĩa" in shown
    assert f'value="{late}"' not in answer.text
    assert 'href="/motcua/messages?state=unknown"' in answer.text
    assert "482" not in shown


def test_confirmation_names_what_it_does_and_only_then_it_is_asked_for(staff, made, rows, an_hour_later):
    """The page first says that a citizen may get a message twice. Only a second step stores the request to resend."""
    numbers = [made.held(f"D{number}", useful_until=SOON) for number in range(4)]
    asked = choose(staff, *numbers[:3])
    assert asked.status_code == 200
    shown = words(asked)
    assert (
        "3 tin sẽ được gửi lại tới đúng số máy và đúng lời cũ; nếu nhà mạng đã nhận thì công dân nhận hai lần" in shown
    )
    assert WHY in shown
    assert all(f"D{number}" in shown for number in range(3))
    assert "D3" not in shown
    assert rows("SELECT 1 FROM motcua.messages WHERE state <> 'unknown'") == []

    answer = send(staff, fields_of(asked.text), decision="release")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?said=asked")
    assert "chưa tin nào được gửi" in words(staff.get(answer.headers["location"]))
    assert rows("SELECT 1 FROM motcua.messages WHERE state <> 'unknown'") == []
    assert an_hour_later().ended == {"done": 1}
    states = rows("SELECT message_id, state, reason FROM motcua.messages ORDER BY message_id")
    assert [(row["state"], row["reason"]) for row in states] == [
        *[("queued", "released")] * 3,
        ("unknown", "no_answer"),
    ]
    kept = rows("SELECT message_id, released_by, reason FROM motcua.releases ORDER BY message_id")
    assert [(row["message_id"], row["released_by"], row["reason"]) for row in kept] == [
        (number, "lan", WHY) for number in numbers[:3]
    ]
    shown = words(staff.get(answer.headers["location"]))
    assert f"lan {WHY} Đang chờ" in shown

    assert send(staff, fields_of(asked.text), decision="release").status_code == 303
    assert an_hour_later().ended == {"nothing_left": 1}
    assert "không còn tin nào để gửi lại" in words(staff.get("/motcua/requests"))
    assert len(rows("SELECT 1 FROM motcua.releases")) == 3


@pytest.mark.guarantee(
    "unknown-outcome",
    "a receipt of the earlier attempt stops a released message that is not sent yet, or prevents the release",
)
def test_what_a_report_waits_for_is_left(staff, made, rows, an_hour_later, monkeypatch):
    settled, doubtful = (made.held(f"D{number}", useful_until=SOON) for number in range(2))
    rows(
        "INSERT INTO motcua.receipts (gateway, reference, gateway_status, raw)"
        " SELECT gateway, reference, '1', '{}' FROM motcua.attempts WHERE message_id = %s",
        settled,
    )
    # Triggers are disabled here, so the test inserts the unread receipt itself.
    rows("INSERT INTO motcua.unread_receipts SELECT receipt_id FROM motcua.receipts ON CONFLICT DO NOTHING")
    asked = choose(staff, settled, doubtful)
    send(staff, fields_of(asked.text), decision="release")
    # Reading is disabled, as if the receipt arrived after the last reading of receipts.
    monkeypatch.setattr("motcua.jobs.page_requests.read_left_over_receipts", lambda: None)
    an_hour_later()
    assert rows("SELECT released FROM motcua.page_requests") == [{"released": 1}]
    assert rows("SELECT message_id FROM motcua.releases") == [{"message_id": doubtful}]
    states = rows("SELECT message_id, state FROM motcua.messages ORDER BY message_id")
    assert states == [{"message_id": settled, "state": "unknown"}, {"message_id": doubtful, "state": "queued"}]


def test_message_that_was_settled_meanwhile_is_left_out_of_the_question(staff, made, rows):
    """A chosen message whose outcome became known meanwhile must not be sent again; the page says so."""
    first, second = (made.held(f"D{number}", useful_until=SOON) for number in range(2))
    fields = fields_of(staff.get(PAGE).text)
    rows("UPDATE motcua.messages SET state = 'delivered' WHERE message_id = %s", second)
    chosen = [("held", str(first)), ("held", str(second))]
    shown = words(send(staff, [*fields, *chosen], reason=WHY, decision="ask"))
    assert "1 tin sẽ được gửi lại" in shown
    assert "1 tin khác đã chọn nay đã rõ kết quả" in shown
    shown = words(send(staff, [*fields, chosen[1]], reason=WHY, decision="ask"))
    assert "Không còn tin nào để gửi lại" in shown


def test_reason_that_cannot_be_kept_or_no_choice_is_said_and_changes_nothing(staff, made, rows):
    number = made.held("D1", useful_until=SOON)
    fields = fields_of(staff.get(PAGE).text)
    for reason, said in (
        ("  ", "Thiếu lý do"),
        ("gọi 0905 123 482 thì chưa có", "Lý do có số điện thoại; hãy viết lại không có số."),
        ("x" * 501, "không quá 500 chữ"),
        ("a\x00b", "phải là một dòng"),
    ):
        for decision in ("ask", "release"):
            answer = send(staff, [*fields, ("held", str(number))], reason=reason, decision=decision)
            assert answer.status_code == 422
            assert said in words(answer)
            assert f'value="{number}" checked' in answer.text
    for chosen in ([], [("held", "x")], [("held", "-1")], [("held", "9" * 30)]):
        answer = send(staff, [*fields, *chosen], reason=WHY, decision="ask")
        assert answer.status_code == 422
        assert "Chưa chọn tin nào." in words(answer)
    assert send(staff, [*fields, ("held", "1")], reason=WHY, decision="other").status_code == 400
    assert send(staff, [("held", str(n)) for n in range(500)], reason=WHY, decision="ask").status_code == 400
    assert rows("SELECT 1 FROM motcua.releases") == []


@pytest.mark.guarantee("pages", "only the Department releases unknown messages; agencies see their own, auditors all")
def test_others_see_their_rows_without_a_form_and_may_release_none(staff, made, rows):
    ours = made.held("OURS", useful_until=SOON)
    theirs = made.held("THEIRS", TU_PHAP, useful_until=SOON)
    asked = choose(staff, ours, theirs)
    rows(
        "INSERT INTO motcua.releases (message_id, attempt_id, released_at, released_by, reason)"
        " SELECT message_id, attempt_id, now(), 'minh', 'vì ' || message_id FROM motcua.attempts"
    )
    for who, seen in ((("agency", NHA_TRANG), ["OURS"]), (("agency",), []), (("auditor",), ["OURS", "THEIRS"])):
        VISITING.visit_as(*who)
        answer = staff.get(PAGE)
        shown = words(answer)
        for code, number in (("OURS", ours), ("THEIRS", theirs)):
            assert (code in shown) == (code in seen)
            assert (f"vì {number} " in shown) == (code in seen)
        assert f"{len(seen)} tin chờ" in shown
        assert "<form" not in answer.text.partition("<main")[2]
        assert "••" not in shown
        answer = send(staff, fields_of(asked.text), decision="release")
        assert answer.status_code == 403
        assert "Việc này chỉ Sở Thông tin và Truyền thông thực hiện" in words(answer)
    assert rows("SELECT 1 FROM motcua.messages WHERE state <> 'unknown'") == []


def test_pages_go_on_by_the_last_row_and_a_whole_page_may_be_chosen(staff, made):
    """The pages of the list must show each message exactly once. One click chooses all messages of a page."""
    numbers = [made.held(f"D{number}", useful_until=SOON) for number in range(17)]
    first = staff.get(PAGE)
    second = staff.get(html.unescape(re.search(r'href="([^"]*)" rel="next"', first.text)[1]))
    listed = [re.findall(r'name="held" value="(\d+)"', page.text) for page in (first, second)]
    assert [[int(number) for number in page] for page in listed] == [numbers[:15], numbers[15:]]
    assert first.text.count(" checked>") == 0
    every = staff.get(html.unescape(re.search(r'href="([^"]*)">Chọn cả trang', second.text)[1]))
    assert every.text.count(" checked>") == 2
    assert "Không có trang này." in words(staff.get(f"{PAGE}?page=3"))
    assert staff.get(f"{PAGE}?page=%00x").status_code == 200
