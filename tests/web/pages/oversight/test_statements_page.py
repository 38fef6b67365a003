"""The page about providers' statements: verdicts, what differs, what is missing, and nobody's number."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from motcua.domain.periods import Period
from motcua.jobs.handed_in.faults import FileRefused
from motcua.web.forms import PageRefused
from motcua.web.rendering import render_refusal
from motcua.web.staff import statements_page
from tests.integration.handed_in.test_carrier_statements import LATER, Ours, at, file_of, form, line, take
from tests.web.visiting import Visiting


@pytest.fixture
def ours(agencies, rows) -> Ours:
    return Ours(rows)


@pytest.fixture
def page(ledger, configure):
    configure(MOTCUA_GATEWAYS="kannel")
    server = FastAPI()
    server.include_router(statements_page.router)
    Visiting().let_into(server)
    server.add_exception_handler(
        PageRefused,
        lambda request, refused: render_refusal(request, refused.status, refused.refusal, **refused.words),
    )
    with TestClient(server) as http:
        yield http


def words(answer) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("</style>")[2])))


def test_without_statements_the_page_says_what_to_do(page):
    shown = words(page.get("/statements"))
    assert "Chưa có bảng kê nào." in shown
    assert "motcua statements import" in shown


def test_verdicts_and_rows_are_shown_without_anybodys_number(ours, page, monkeypatch):
    from decimal import Decimal

    form(monkeypatch, prices={"other": Decimal(350)}, inquiry_share_percent=Decimal(45))
    first, second = ours.attempt(at(5)), ours.attempt(at(6), segments=2)
    ours.attempt(at(7))
    ours.inquiry(at(8), "MO-1")
    take(
        file_of(
            line(first),
            line(second, when=at(6)),
            line(phone="0988777666", when=at(9)),
            line("", "MO-1", kind="MO", when=at(8), amount="450", status=""),
        )
    )
    answer = page.get("/statements")
    shown = words(answer)
    for expected in (
        "Tháng 10/2026, kannel · bảng kê số 1 quá mức cho phép: số đoạn tin, số tiền",
        "3 đoạn tin nhà mạng tính",
        "4 đoạn tin theo hệ thống",
        "1.050 đ nhà mạng tính",
        "1.400 đ theo đơn giá đã thỏa thuận",
        "3 (75,0 %) đoạn tin lệch, cho phép 0 (1,0 %)",
        "nhà mạng kê 1 lượt, 450 đ ; hệ thống có 1 lượt, phần được hưởng 45,0 % là 450 đ",
        "MT 3 Khớp một phần số đoạn tin, số tiền",
        "Chỉ nhà mạng có",
        "hồ sơ 160915001",
    ):
        assert expected in shown, expected
    assert "988777666" not in answer.text
    assert "905123456" not in answer.text
    assert answer.text.count("<rect") >= 4
    only = words(page.get("/statements?no=1&verdict=ours_only"))
    assert "không có" in only.partition("Mã tham chiếu")[2]
    assert "MT 3" not in only
    assert "Không có dòng nào khác nhau như vậy." in words(page.get("/statements?no=1&differs=status"))
    assert "Không có trang này." in words(page.get("/statements?no=1&page=9"))


def test_superseded_statement_is_still_shown_as_such(ours, page):
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    take(file_of(line(first)))
    take(file_of(line(first), line(second, when=at(6))), "sua-2026-10.csv")
    assert "bảng kê số 2 trong mức cho phép" in words(page.get("/statements"))
    assert "bảng kê số 1 đã có bản sửa" in words(page.get("/statements?no=1"))
    assert "sửa cho bảng kê số 1" in words(page.get("/statements?no=2"))


def test_missing_statement_is_told(ours, page, rows):
    now = datetime.now(UTC)
    rows("INSERT INTO motcua.gateway_days VALUES ('kannel', %s, 1234)", Period.month_before(now).first)
    shown = words(page.get("/statements"))
    month = Period.month_before(now).first
    assert f"Chưa có bảng kê tháng {month.month}/{month.year} của kannel." in shown
    assert "1.234 đoạn tin" in shown


def test_refused_file_is_shown_with_what_to_do_until_a_good_one_comes(ours, page):
    first = ours.attempt(at(5))
    with pytest.raises(FileRefused):
        take(file_of(line(first, phone="abc0905123456"), line(first, amount="1,050")), "bảng <b>kê</b> 2026-10.csv")
    answer = page.get("/statements")
    shown = words(answer)
    for expected in (
        "Không nhận được tệp kannel/bảng <b>kê</b> 2026-10.csv (bảng kê tháng 10/2026).",
        "7:00 ngày 5/11/2026, lan",
        "dòng 2, cột “Số thuê bao”: không phải số điện thoại",
        "dòng 3, cột “Thành tiền”: không đọc được số",
        "Cần làm: gửi những dòng trên cho nhà mạng và xin tệp đã sửa",
        "Thông báo này mất khi có tệp đúng của kannel, tháng 10/2026",
        "Bỏ qua tệp này",
    ):
        assert expected in shown, expected
    assert "<b>kê" not in answer.text
    assert "905123456" not in answer.text
    take(file_of(line(first)), now=LATER + timedelta(hours=1))
    assert "Không nhận được tệp" not in words(page.get("/statements"))


@pytest.mark.parametrize("query", ["no=99", "no=x", "no=-1", "no=9999999999999999999", "no=%00"])
def test_unknown_statement_is_told(page, query):
    answer = page.get(f"/statements?{query}")
    assert answer.status_code == 404
    assert "Không có trang này" in answer.text


@pytest.mark.parametrize("query", ["verdict=x", "differs=%27", "page=-1", "page=x", "page=99999999999999999999"])
def test_odd_questions_are_answered_as_if_not_asked(ours, page, query):
    take(file_of(line("", phone="0988777666")))
    assert "Chỉ nhà mạng có" in words(page.get(f"/statements?{query}"))
