"""Test the tab 9029: inquiries by day and one by one, repeated unknown codes, and what each visitor may see."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.inquiries import InquiryResult
from motcua.reports.wording import list_words
from motcua.store import browsing
from tests.ground import NHA_TRANG, NOW, TU_PHAP
from tests.web.visiting import VISITING, words

PAGE = "/motcua/messages/inquiries"
DAYS = "since=2026-11-20&until=2026-11-25"


def listed(answer) -> str:
    """Return the text of the list of single inquiries."""
    assert answer.status_code == 200, words(answer)
    return words(answer).partition("Từng lượt hỏi")[2]


def test_nothing_asked_is_said_in_words(staff):
    assert "7 ngày qua không có ai hỏi 9029." in words(staff.get(PAGE))
    assert "Không có lượt hỏi nào như vậy. Bỏ lọc" in words(staff.get(f"{PAGE}?{DAYS}&outcome=help"))


def test_every_outcome_has_words():
    assert set(list_words()["outcome"]) == set(InquiryResult.__args__)


def test_without_days_the_last_seven_are_shown(staff, made):
    now = datetime.now(UTC)
    made.inquiry(code="YOUNG", at=now - timedelta(days=5))
    made.inquiry(code="OLD", at=now - timedelta(days=8))
    shown = listed(staff.get(PAGE))
    assert "YOUNG" in shown
    assert "OLD" not in shown


def test_days_count_each_outcome_and_lead_to_its_rows(staff, made):
    for outcome in ("answered", "answered", "help", "unknown_code", "error"):
        made.inquiry(outcome, asked="X1" if outcome == "unknown_code" else None)
    # In Vietnam, these are the last minute of the 24th and the first moment of the 25th.
    made.inquiry("too_many", at=NOW.replace(day=24, hour=16, minute=59))
    made.inquiry("several_agencies", at=NOW.replace(day=24, hour=17), asked="160915001")
    answer = staff.get(f"{PAGE}?{DAYS}")
    table = words(answer).partition("Theo ngày")[2].partition("Từng lượt hỏi")[0]
    heads = "Ngày Lượt hỏi Đã trả lời Chưa trả lời được Không có mã này Mã có ở nhiều cơ quan Hướng dẫn cách soạn"
    assert f"{heads} Quá số lần trong ngày" in table
    assert "25/11/2026 6 2 1 1 1 1 0 24/11/2026 1 0 0 0 0 0 1 Cộng 7 2 1 1 1 1 1" in table
    link = re.search(r'href="([^"]*outcome=error[^"]*)"', answer.text)[1]
    shown = listed(staff.get(html.unescape(link).partition("#")[0]))
    assert shown.count("10:00 25/11/2026") == 1
    assert "Chưa trả lời được" in shown


def test_each_filter_narrows_the_list_down_and_one_that_is_wrong_is_said_in_words(staff, made):
    made.inquiry(code="A")
    # The filters count days in Vietnam's time zone.
    made.inquiry(code="B", agency=TU_PHAP, at=datetime(2026, 11, 24, 0, 0, tzinfo=VIETNAM))
    made.inquiry("unknown_code", asked="X-1")
    for query, found in {
        DAYS: {"A", "B", "X-1"},
        f"{DAYS}&agency={TU_PHAP}": {"B"},
        f"{DAYS}&agency=H32.30": {"A"},
        f"{DAYS}&outcome=unknown_code": {"X-1"},
        f"{DAYS}&outcome=help": set(),
        "since=2026-11-24&until=2026-11-24": {"B"},
        "since=2026-11-23&until=2026-11-23": set(),
        "until=2026-11-24": {"B"},
        "since=2026-11-25": {"A", "X-1"},
    }.items():
        shown = listed(staff.get(f"{PAGE}?{query}"))
        assert {code for code in ("A", "B", "X-1") if f" {code} " in shown} == found, query
    for query, said in {
        "outcome=<b>": "Không có kết quả “<b>”.",
        "since=x": "Không đọc được ngày “x”",
        "since=2026-01-01&until=2026-11-25": "Chọn nhiều nhất 14 ngày mỗi lần.",
        "since=2026-11-25&until=2026-11-20": "Ngày đầu sau ngày cuối",
        "before=x": "Chỗ trong danh sách",
    }.items():
        answer = staff.get(f"{PAGE}?{query}")
        assert answer.status_code == 400
        assert said in words(answer)
        assert " X-1 " not in words(answer)
    assert staff.get(f"{PAGE}?agency=%00").status_code == 404


def test_unknown_codes_that_come_again_are_shown_with_how_often_and_by_how_many(staff, made):
    for spelled, phone in (("X0-1", "+84905123482"), ("XO-1", "+84905123482"), ("X0-1", "+84911222333")):
        made.inquiry("unknown_code", asked=spelled, msisdn=phone)
    made.inquiry("unknown_code", asked="ONCE-1", msisdn="+84911222444")
    made.inquiry("unknown_code", asked="OTHER-1", msisdn="+84905123482")
    made.inquiry("unknown_code", asked="X0-1", at=NOW - timedelta(days=20))
    answer = staff.get(f"{PAGE}?{DAYS}")
    shown = words(answer).partition("Từng lượt hỏi")[0]
    assert "X0-1 3 2 10:00 ngày 25/11/2026" in shown
    assert "ONCE-1" not in shown
    assert "09•• ••• 482 3 2 OTHER-1" in shown
    assert "123482" not in answer.text


@pytest.mark.guarantee(
    "pages",
    "only the Department and auditors see inquiries about unknown dossiers, auditors without numbers",
)
def test_agencies_see_inquiries_about_their_dossiers_alone_and_auditors_no_number(staff, made):
    made.inquiry(code="OURS")
    made.inquiry(code="THEIRS", agency=TU_PHAP)
    for _ in range(2):
        made.inquiry("unknown_code", asked="0905123482")
    shown = words(staff.get(f"{PAGE}?{DAYS}"))
    assert "0905***482" in shown
    assert "0905123482" not in shown
    VISITING.visit_as("auditor")
    answer = staff.get(f"{PAGE}?{DAYS}")
    shown = words(answer)
    assert "OURS" in shown
    assert "THEIRS" in shown
    assert "Người hỏi mã không có nhiều lần" in shown
    assert "••" not in answer.text
    assert "Số máy hỏi" not in shown
    VISITING.visit_as("agency", NHA_TRANG)
    for query in (DAYS, f"{DAYS}&agency={NHA_TRANG}", f"{DAYS}&outcome=answered"):
        shown = words(staff.get(f"{PAGE}?{query}"))
        assert "OURS" in shown
        for hidden in ("THEIRS", "0905", "mã không có"):
            assert hidden not in shown, hidden
    assert listed(staff.get(f"{PAGE}?{DAYS}&outcome=unknown_code")).startswith(" Không có lượt hỏi nào")
    text = staff.get(f"{PAGE}/file?format=csv&{DAYS}").content.decode("utf-8-sig")
    assert "OURS" in text
    assert "THEIRS" not in text
    assert "0905***" not in text
    for path in ("?", "/file?format=csv&", "/file?format=xlsx&"):
        answer = staff.get(f"{PAGE}{path}{DAYS}&agency={TU_PHAP}")
        assert answer.status_code == 404
        assert "Không có, hoặc không thuộc cơ quan" in words(answer)


def test_pages_go_on_and_what_is_rare_is_looked_for_piece_by_piece(staff, made, monkeypatch):
    """A rare outcome is searched in bounded steps, and the page links to the next step."""
    for number in range(70):
        made.inquiry(code=f"D{number:02}", at=NOW + timedelta(seconds=number))
    made.inquiry("help", at=NOW - timedelta(days=2))
    first = staff.get(f"{PAGE}?{DAYS}")
    second = staff.get(html.unescape(re.search(r'href="([^"]*)" rel="next"', first.text)[1]))
    found = re.findall(r">(D\d\d)</a>", first.text + second.text)
    assert found == [f"D{number:02}" for number in reversed(range(40, 70))]
    monkeypatch.setattr(browsing, "LOOKED_AT", 30)
    answer = staff.get(f"{PAGE}?{DAYS}&outcome=help")
    assert "Chưa thấy lượt hỏi nào như vậy" in words(answer)
    for _ in range(2):
        answer = staff.get(html.unescape(re.search(r'href="([^"]*)" rel="next"', answer.text)[1]))
    assert "Hướng dẫn cách soạn" in listed(answer)
