"""The page of alerts: what is open, who looks after it, whether the watch lives; forms of others change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg.types.json import Jsonb

from motcua.domain.checks import ALERT_NAMES, CHECKS
from tests.web.visiting import VISITING, form_of, page_words

PAGE = "/motcua/alerts"


@pytest.fixture
def staff(app: FastAPI, ledger: str) -> Iterator[TestClient]:
    with VISITING.browse(app) as http:
        yield http


@pytest.fixture
def alert(rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., None]:
    """Writes an alert as the watch does."""

    def write(name: str, subject: str = "", facts: dict[str, Any] | None = None, *, over: bool = False) -> None:
        rows(
            "INSERT INTO motcua.alerts (name, subject, raised_at, facts, over_at)"
            " VALUES (%s, %s, now() - interval '1 hour', %s, CASE WHEN %s THEN now() END)",
            name,
            subject,
            Jsonb(facts or {}),
            over,
        )

    return write


@pytest.fixture
def alive(rows: Callable[..., list[dict[str, Any]]]) -> Callable[..., None]:
    """Writes the watch's sign of life."""

    def write(ago: timedelta = timedelta(minutes=1), unsent: int = 0, recipients: int = 1) -> None:
        looks = [{"check": "identity", "state": "ok", "facts": {"difference": 0, "night_of": None}}]
        looks.append({"check": "of another version", "state": "ok", "facts": {}})
        rows("DELETE FROM motcua.watch_life")
        rows(
            "INSERT INTO motcua.watch_life (began_at, looked_at, looks, recipients, unsent, unsent_since)"
            " VALUES (now() - interval '1 day', %s, %s, %s, %s, %s)",
            datetime.now(UTC) - ago,
            Jsonb(looks),
            recipients,
            unsent,
            datetime.now(UTC) - timedelta(hours=2) if unsent else None,
        )

    return write


def test_watch_that_never_ran_and_one_that_found_nothing_are_said_in_words(staff, alive):
    assert "Chương trình giám sát chưa từng chạy." in page_words(staff.get(PAGE))
    alive()
    shown = page_words(staff.get(PAGE))
    assert "Không có cảnh báo nào. Mọi thứ được xem đều tốt." in shown
    assert "Sổ cân tốt lệch 0" in shown
    assert "không hoạt động" not in shown


def test_open_alert_is_shown_with_what_to_do_and_acknowledged_by_the_visitor(staff, alive, alert, rows):
    alive()
    alert("source_failing", "khanh<b>hoa", {"since": None, "failed_at": None})
    alert("source_failing", "vanphong", {"since": None, "failed_at": None})
    alert("red_run", facts={"runs": 2, "dags": "notify_transitions", "since": "2026-11-25T03:00:00+00:00"}, over=True)
    page = staff.get(PAGE)
    shown = page_words(page)
    assert "Cảnh báo cần xử lý Đọc nguồn" in shown
    assert "Cần làm: Xem lý do bằng motcua sources list" in shown
    assert "docs/operations/alerts/source_failing.md" in shown
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
    # Twice is once, and who said it first stays.
    rows("UPDATE motcua.alerts SET acknowledged_by = 'minh' WHERE subject = 'khanh<b>hoa'")
    staff.post(PAGE, data=form_of(page.text, "vanphong") | {"subject": "khanh<b>hoa"})
    assert rows("SELECT 1 FROM motcua.alerts WHERE acknowledged_by = 'minh'")


def test_who_may_only_look_sees_no_form_and_can_acknowledge_nothing(staff, alive, alert, rows):
    alive()
    alert("airflow_unreachable", facts={"reason": "ConnectionError"})
    fields = form_of(staff.get(PAGE).text, "Airflow không trả lời")
    VISITING.visit_as("auditor")
    assert "<form" not in staff.get(PAGE).text.partition("<main")[2]
    assert staff.post(PAGE, data=fields).status_code == 403
    assert not rows("SELECT 1 FROM motcua.alerts WHERE acknowledged_at IS NOT NULL")


@pytest.mark.parametrize("change", [{"token": "of another"}, {"token": ""}])
def test_form_of_another_site_changes_nothing(staff, alive, alert, rows, change):
    alive()
    alert("airflow_unreachable", facts={"reason": "ConnectionError"})
    fields = form_of(staff.get(PAGE).text, "Airflow không trả lời")
    answer = staff.post(PAGE, data=fields | change)
    assert answer.status_code == 403
    assert "Chưa ghi nhận gì." in answer.text
    assert not rows("SELECT 1 FROM motcua.alerts WHERE acknowledged_at IS NOT NULL")


def test_silent_watch_unsent_mails_and_nobody_to_tell_are_said(staff, alive):
    alive(ago=timedelta(minutes=11), unsent=2, recipients=0)
    shown = page_words(staff.get(PAGE))
    assert "Chương trình giám sát không hoạt động quá 10 phút." in shown
    assert "2 thư chưa gửi được" in shown
    assert "Không có địa chỉ nào để báo." in shown
    assert "Mọi thứ được xem đều tốt" not in shown


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_alert_with_facts_of_another_version_is_shown_all_the_same(staff, alive, alert, name):
    alive()
    alert(name, facts={"since": 5})
    assert name in page_words(staff.get(PAGE))


@pytest.fixture
def slept(rows: Callable[..., list[dict[str, Any]]]) -> Callable[[], datetime]:
    """A ledger that woke an hour ago, with one message held and one of after that."""

    def wake() -> datetime:
        woke = datetime.now(UTC) - timedelta(hours=1)
        rows(
            "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages, slept_since, held_until)"
            " VALUES ('slept', %s, 0, 1, %s, %s)",
            woke,
            woke - timedelta(hours=8),
            woke,
        )
        return woke

    return wake


@pytest.mark.parametrize(("became", "said"), [("let_go", "máy chủ chỉ tắt"), ("put_back", "đã bị đưa về bản cũ")])
def test_department_says_on_the_page_what_became_of_a_ledger_that_slept(staff, alive, rows, slept, became, said):
    alive()
    slept()
    page = staff.get(PAGE)
    assert "Sổ ngủ từ" in page_words(page)
    fields = form_of(page.text, 'id="so-ngu"') | {"became": became, "reason": "mất điện đêm qua"}
    assert staff.post(f"{PAGE}/gap", data=fields | {"reason": " "}).status_code == 422
    assert staff.post(f"{PAGE}/gap", data=fields | {"reason": "gọi 0905123456"}).status_code == 422
    assert staff.post(f"{PAGE}/gap", data=fields | {"became": "x"}).status_code == 400
    assert staff.post(f"{PAGE}/gap", data=fields | {"token": "of another"}).status_code == 403
    assert rows("SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL")
    answer = staff.post(f"{PAGE}/gap", data=fields)
    assert answer.status_code == 303
    assert said in page_words(staff.get(answer.headers["location"]))
    (gap,) = rows("SELECT closed_by, reason, sent_until = held_until AS put_back FROM motcua.gaps")
    assert gap == {"closed_by": "lan", "reason": "mất điện đêm qua", "put_back": None if became == "let_go" else True}
    # Twice is once.
    assert staff.post(f"{PAGE}/gap", data=fields).status_code == 409


def test_who_may_only_look_answers_for_no_sleep(staff, alive, rows, slept):
    alive()
    slept()
    fields = form_of(staff.get(PAGE).text, 'id="so-ngu"') | {"became": "let_go", "reason": "mất điện"}
    VISITING.visit_as("auditor")
    assert 'id="so-ngu"' in staff.get(PAGE).text
    assert "<form" not in staff.get(PAGE).text.partition("<main")[2]
    assert staff.post(f"{PAGE}/gap", data=fields).status_code == 403
    assert rows("SELECT 1 FROM motcua.gaps WHERE closed_at IS NULL")


def test_page_says_whose_word_a_sleep_is_believed_on(staff, alive, rows):
    alive()
    assert "tests đã ký lúc" in page_words(staff.get(PAGE))
    rows("UPDATE motcua.believed_sleeps SET withdrawn_at = now(), withdrawn_by = 'lan'")
    assert "giữ lại cho tới khi có người" in page_words(staff.get(PAGE))


@pytest.mark.guarantee("pages", "each check has a page of the handbook at an address of its own, whoever asks")
def test_every_check_has_a_page_with_what_to_do(staff):
    for name in CHECKS:
        answer = staff.get(f"/motcua/checks/{name}")
        assert answer.status_code == 200, name
        assert f"<code>{name}</code>" in answer.text
        assert "Cần làm" in answer.text or "→" in answer.text, name
        assert "{{" not in answer.text, name
    assert staff.get("/motcua/checks/no_such").status_code == 404


def test_what_is_told_leads_to_its_page(staff, alert):
    alert("disk_low", "/data", {"free": 1, "total": 2})
    assert 'href="/motcua/checks/disk_low"' in staff.get(PAGE).text
