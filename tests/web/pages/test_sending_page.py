"""The page about sending: every message's end, the gateways, and what people must decide about."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.releasing import release
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.stopping import go, stop
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render_refusal
from motcua.web.staff import sending_page
from tests.conftest import NHA_TRANG
from tests.integration.conftest import gateway  # noqa: F401 - a fixture


@pytest.fixture
def page(ledger):
    """The page alone; who may look is tested with all pages together."""
    server = FastAPI()
    server.include_router(sending_page.router)
    server.add_exception_handler(
        PageRefused,
        lambda request, refused: render_refusal(request, refused.status, refused.refusal, **refused.words),
    )
    with TestClient(server) as http:
        yield http


def words(answer):
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("</style>")[2])))


def test_empty_ledger_is_said_in_words(page, configure, gateway):  # noqa: F811
    shown = words(page.get("/sending"))
    assert "Chưa có thay đổi nào trong ngày cần nhắn tin." in shown
    assert "Không có tin nào chưa rõ kết quả." in shown
    assert "mọi nhà mạng" in shown
    assert "đang dùng" in shown


def test_every_end_is_shown_with_what_people_must_decide_and_nobodys_number(one_stop, page, gateway, rows):  # noqa: F811
    now = datetime.now(UTC)
    for number in range(4):
        one_stop.dossier(f"D-{number}<b>", applicant_phone=f"0905123{number:03}" if number else "")
        one_stop.move(9, f"D-{number}<b>", at=now)
    pick_up("khanhhoa", now=now)
    plan(now=now)
    gateway.script = ["hang"]
    send("run", clock=lambda: now)
    answer = page.get("/sending")
    shown = words(answer)
    assert "4 tin phải có đủ, không thiếu tin nào" in shown
    assert "nhà mạng đã nhận 2" in shown
    assert "chưa rõ 1" in shown
    assert "không gửi 1" in shown
    assert "motcua messages release" in shown
    assert "<b>" not in answer.text.partition("D-")[2][:40]
    assert "0905123" not in answer.text
    assert "84905123" not in answer.text
    release("Nguyễn Văn A", "nhà mạng chưa nhận")
    shown = words(page.get("/sending"))
    assert "Nguyễn Văn A nhà mạng chưa nhận đang chờ" in shown
    assert "Không có tin nào chưa rõ kết quả." in shown
    yesterday = (now - timedelta(days=2)).date()
    assert "Chưa có thay đổi nào" in words(page.get(f"/sending?day={yesterday}"))


def test_stopped_gateway_says_why(one_stop, page, gateway):  # noqa: F811
    now = datetime.now(UTC)
    one_stop.dossier("D-0")
    one_stop.move(9, "D-0", at=now)
    pick_up("khanhhoa", now=now)
    plan(now=now)
    gateway.default = (403, "Authorization failed for sendsms")
    send("run 7", clock=lambda: now)
    shown = words(page.get("/sending"))
    assert "dừng 403 Authorization failed for sendsms" in shown
    assert "run 7" in shown


@pytest.mark.guarantee("stops", "what is stopped is shown on the page about sending, with who, why and until when")
def test_what_the_department_stopped_is_shown_with_who_why_and_until_when(one_stop, page, gateway, rows):  # noqa: F811
    now = datetime.now(UTC)
    assert "Sở chưa tạm dừng lần nào." in words(page.get("/sending"))
    one_stop.dossier("D-0")
    one_stop.move(9, "D-0", at=now)
    pick_up("khanhhoa", now=now)
    plan(now=now)
    made = stop(
        kind="result", agency=NHA_TRANG, until=now + timedelta(hours=1), reason="Sai <b>tên", stopped_by="lan", now=now
    )
    shown = words(page.get("/sending"))
    assert f"Sở đang tạm dừng gửi có kết quả của cơ quan {NHA_TRANG} đến" in shown
    assert ": Sai <b>tên 1 tin đang chờ." in shown
    assert "Sai <b>tên lan đang dừng" in shown
    go(made.stop_id, ended_by="minh", now=datetime.now(UTC))
    shown = words(page.get("/sending"))
    assert "Sở đang tạm dừng" not in shown
    assert "bởi minh" in shown


def test_broken_connection_is_named(page, configure):
    configure(AIRFLOW_CONN_SMS_KANNEL='{"conn_type": "http", "host": "h", "extra": {"segments_per_day": "x"}}')
    assert "segments_per_day" in words(page.get("/sending"))


@pytest.mark.parametrize("day", ["hôm nay", "2026-13-01", "0001-01-01", "9999-12-31", "25/11/2026"])
def test_day_that_is_none_is_refused_in_words(page, day):
    answer = page.get("/sending", params={"day": day})
    assert answer.status_code == 404
    assert "Không có ngày này" in answer.text


@pytest.mark.parametrize(
    ("kind", "why", "what_to_do"),
    [
        ("behind_journal", "thiếu những lần gửi mà nhật ký còn ghi", "tự gửi tiếp"),
        ("other_journal", "không thấy nhật ký gửi tin đi cùng sổ này", "motcua gaps close"),
        ("behind_watch", "bộ giám sát từng thấy sổ ghi nhiều hơn", "motcua gaps close"),
    ],
)
def test_open_gap_is_said_first_with_what_to_do_and_stays_in_the_history(page, rows, gateway, kind, why, what_to_do):  # noqa: F811
    assert "Sổ được phục hồi" not in words(page.get("/sending"))
    rows(
        "INSERT INTO motcua.gaps (kind, noticed_at, lost_attempts, held_messages) VALUES (%s, now(), 12, 3)",
        kind,
    )
    shown = words(page.get("/sending"))
    assert shown.index("Không tin nào được gửi từ") < shown.index(
        "tin phải có" if "tin phải có" in shown else "Chưa có"
    )
    assert why in shown
    assert what_to_do in shown
    assert "chưa: không gửi tin nào" in shown
    rows("UPDATE motcua.gaps SET closed_at = now(), closed_by = 'lan', reason = 'máy hỏng'")
    shown = words(page.get("/sending"))
    assert "Không tin nào được gửi từ" not in shown
    assert "lan: máy hỏng" in shown
