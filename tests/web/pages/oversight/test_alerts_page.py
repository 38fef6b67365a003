"""Test the page of alerts: open alerts, who acknowledged them, and whether the watch runs.

If a visitor without the right to act sends a form, nothing may change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from motcua.domain.checks import ALERT_NAMES, CHECKS
from tests.web.ledger_rows import put, put_life
from tests.web.visiting import VISITING, form_of, page_words

PAGE = "/motcua/alerts"


@pytest.fixture
def staff(app: FastAPI, ledger: str) -> Iterator[TestClient]:
    with VISITING.browse(app) as http:
        yield http


@pytest.fixture
def alert(rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., None]:
    """Return a function that inserts an alert as the watch does."""

    def write(name: str, subject: str = "", facts: dict[str, Any] | None = None, *, over: bool = False) -> None:
        now = datetime.now(UTC)
        times = {"raised_at": now - timedelta(hours=1), "over_at": now if over else None}
        put(rows, "alerts", name=name, subject=subject, facts=facts or {}, **times)

    return write


@pytest.fixture
def alive(rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., None]:
    """Return a function that inserts the watch's sign of life."""
    return partial(put_life, rows)


def test_watch_that_never_ran_and_one_that_found_nothing_are_said_in_words(staff, alive):
    assert "Chương trình giám sát chưa từng chạy." in page_words(staff.get(PAGE))
    alive()
    shown = page_words(staff.get(PAGE))
    assert "Không có cảnh báo nào. Mọi mục đã kiểm tra đều tốt." in shown
    assert "Số liệu khớp tốt chênh lệch 0" in shown
    assert "không hoạt động" not in shown


def test_open_alert_is_shown_with_what_to_do_and_acknowledged_by_the_visitor(staff, alive, alert, rows):
    alive()
    alert("source_failing", "khanh<b>hoa", {"since": None, "failed_at": None})
    alert("source_failing", "vanphong", {"since": None, "failed_at": None})
    alert("red_run", facts={"runs": 2, "dags": "notify_transitions", "since": "2026-11-25T03:00:00+00:00"}, over=True)
    page = staff.get(PAGE)
    shown = page_words(page)
    assert "Cảnh báo cần xử lý Đọc nguồn" in shown
    assert "Cần làm: Xem lý do ở Tổng quan, mục Nguồn" in shown
    assert "/motcua/checks/source_failing" in page.text
    assert "chưa gửi thư được cho ai" in shown
    assert "Đã hết trong 7 ngày qua" in shown
    assert "khanh<b>hoa" not in page.text
    answer = staff.post(PAGE, data=form_of(page.text, "khanh&lt;b&gt;hoa"))
    assert answer.status_code == 303
    page = staff.get(answer.headers["location"])
    shown = page_words(page)
    assert "Đã ghi nhận." in shown
    assert "Đang có người xử lý Đọc nguồn khanh<b>hoa" in shown
    assert "lan đã biết lúc" in shown
    known = rows("SELECT subject FROM motcua.alerts WHERE acknowledged_by = 'lan'")
    assert [row["subject"] for row in known] == ["khanh<b>hoa"]
    # A second acknowledgement changes nothing: the name of the first person stays.
    rows("UPDATE motcua.alerts SET acknowledged_by = 'minh' WHERE subject = 'khanh<b>hoa'")
    staff.post(PAGE, data=form_of(page.text, "vanphong") | {"subject": "khanh<b>hoa"})
    assert rows("SELECT 1 FROM motcua.alerts WHERE acknowledged_by = 'minh'")


def test_silent_watch_unsent_mails_and_nobody_to_tell_are_said(staff, alive):
    alive(timedelta(minutes=11), unsent=2, unsent_since=datetime.now(UTC), recipients=0)
    shown = page_words(staff.get(PAGE))
    assert "Chương trình giám sát không hoạt động quá 10 phút." in shown
    assert "2 thư chưa gửi được" in shown
    assert "Không có địa chỉ nào để báo." in shown
    assert "Mọi mục đã kiểm tra đều tốt" not in shown


def test_alert_with_facts_of_another_version_is_shown_all_the_same(staff, alive, alert, rows):
    """After an upgrade, an alert with facts in the form of another version must not break the page."""
    alive()
    half = len(ALERT_NAMES) // 2  # a page shows at most fifty alerts
    for names in (ALERT_NAMES[:half], ALERT_NAMES[half:]):
        for name in names:
            alert(name, facts={"since": 5})
        shown = page_words(staff.get(PAGE))
        assert [name for name in names if name not in shown] == []
        rows("UPDATE motcua.alerts SET over_at = now() WHERE over_at IS NULL")


def test_department_says_on_the_page_what_became_of_a_ledger_that_slept(staff, alive, rows):
    """After a sleep (a time in which the whole system stood still) messages are on hold.

    Only the Department (here the role ``operator``) decides what becomes of these messages, and only after a preview.
    """
    alive()
    woke = datetime.now(UTC) - timedelta(hours=1)
    for became, said in (("let_go", "máy chủ chỉ tắt"), ("put_back", "đã bị đưa về bản cũ")):
        slept = {"slept_since": woke - timedelta(hours=8), "held_until": woke}
        put(rows, "gaps", kind="slept", noticed_at=woke, lost_attempts=0, held_messages=1, **slept)
        page = staff.get(PAGE)
        assert "Hệ thống ngừng từ" in page_words(page)
        fields = form_of(page.text, 'id="so-ngu"') | {"became": became, "reason": "mất điện đêm qua"}
        for wrong, status in (({"reason": " "}, 422), ({"reason": "gọi 0905123456"}, 422), ({"became": "x"}, 400)):
            refused = staff.post(f"{PAGE}/gap", data=fields | wrong)
            assert refused.status_code == status
            assert status == 400 or f'value="{wrong["reason"].strip()}"' in refused.text, "what was typed must stay"
        VISITING.visit_as("auditor")
        assert 'id="so-ngu"' in staff.get(PAGE).text
        assert staff.post(f"{PAGE}/gap", data=fields).status_code == 403
        VISITING.visit_as("operator")
        assert len(rows("SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL")) == 1
        look = staff.post(f"{PAGE}/gap", data=fields)
        assert "1 tin đang giữ" in page_words(look)
        assert len(rows("SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL")) == 1, "the preview must close nothing"
        fields |= {"sure": "yes"}
        answer = staff.post(f"{PAGE}/gap", data=fields)
        assert answer.status_code == 303
        assert said in page_words(staff.get(answer.headers["location"]))
        gap = rows("SELECT closed_by, reason, sent_until = held_until AS put_back FROM motcua.gaps ORDER BY gap_no")[-1]
        put_back = None if became == "let_go" else True
        assert gap == {"closed_by": "lan", "reason": "mất điện đêm qua", "put_back": put_back}
        # The second answer to the same gap is refused.
        assert staff.post(f"{PAGE}/gap", data=fields).status_code == 409


def test_page_says_whose_word_a_sleep_is_believed_on(staff, alive, rows):
    """The page must name the person who signed that the server's disk is never restored."""
    alive()
    assert "tests đã ký lúc" in page_words(staff.get(PAGE))
    rows("UPDATE motcua.believed_sleeps SET withdrawn_at = now(), withdrawn_by = 'lan'")
    assert "giữ lại cho tới khi Sở" in page_words(staff.get(PAGE))


@pytest.mark.guarantee("pages", "each check has a handbook page at its own address, for everybody")
def test_every_check_has_a_page_with_what_to_do(staff):
    for name in CHECKS:
        answer = staff.get(f"/motcua/checks/{name}")
        assert answer.status_code == 200, name
        assert f"<code>{name}</code>" in answer.text
        assert "Cần làm" in answer.text or "→" in answer.text, name
        assert "{{" not in answer.text, name
    assert staff.get("/motcua/checks/no_such").status_code == 404
