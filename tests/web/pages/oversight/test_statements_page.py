"""Test the page about carrier statements: verdicts, differences and missing statements, without phone numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from motcua.domain.periods import Period
from motcua.web.staff import statements_page
from tests.integration.handed_in.test_carrier_statements import Ours, at, file_of, form, line, priced, take
from tests.web.visiting import Visiting, page_words


@pytest.fixture
def ours(agencies, rows) -> Ours:
    return Ours(rows)


@pytest.fixture
def page(ledger, configure):
    configure(MOTCUA_GATEWAYS="kannel")
    with TestClient(Visiting().alone(statements_page.router)) as http:
        yield http


def test_without_statements_the_page_says_what_to_do(page):
    shown = page_words(page.get("/statements"))
    assert "Chưa có bảng kê nào." in shown
    assert "đặt vào thư mục bảng kê" in shown


def test_verdicts_and_rows_are_shown_without_anybodys_number(ours, page, monkeypatch):
    from decimal import Decimal

    form(monkeypatch, inquiry_share_percent=Decimal(45))
    priced(other="350")
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
    shown = page_words(answer)
    for expected in (
        "Tháng 10/2026, kannel · bảng kê số 1 quá mức cho phép: số lượng, số tiền",
        "3 đoạn tin nhà mạng tính",
        "4 đoạn tin theo hệ thống",
        "1.050 đ nhà mạng tính",
        "1.400 đ theo đơn giá đã thỏa thuận",
        "3 (75,0%) đoạn tin chênh lệch, cho phép 0 (1,0%)",
        "nhà mạng kê 1 lượt, 450 đ ; hệ thống có 1 lượt, phần được hưởng 45,0% là 450 đ",
        "MT 3 Khớp một phần số lượng, số tiền",
        "Chỉ nhà mạng có",
        "hồ sơ 160915001",
    ):
        assert expected in shown, expected
    assert "988777666" not in answer.text
    assert "905123456" not in answer.text
    assert answer.text.count("<rect") >= 4
    only = page_words(page.get("/statements?no=1&verdict=ours_only"))
    assert "không có" in only.partition("Mã tham chiếu")[2]
    assert "MT 3" not in only
    assert "Không có dòng nào khác nhau như vậy." in page_words(page.get("/statements?no=1&differs=status"))
    assert "Không có trang này." in page_words(page.get("/statements?no=1&page=9"))


def test_superseded_statement_is_still_shown_as_such(ours, page):
    first, second = ours.attempt(at(5)), ours.attempt(at(6))
    take(file_of(line(first)))
    take(file_of(line(first), line(second, when=at(6))), "sua-2026-10.csv")
    assert "bảng kê số 2 trong mức cho phép" in page_words(page.get("/statements"))
    assert "bảng kê số 1 đã có bản sửa" in page_words(page.get("/statements?no=1"))
    assert "sửa cho bảng kê số 1" in page_words(page.get("/statements?no=2"))


def test_missing_statement_is_told(ours, page, rows):
    now = datetime.now(UTC)
    rows("INSERT INTO motcua.gateway_days VALUES ('kannel', %s, 1234)", Period.month_before(now).first)
    shown = page_words(page.get("/statements"))
    month = Period.month_before(now).first
    assert f"Chưa có bảng kê tháng {month.month}/{month.year} của kannel." in shown
    assert "1.234 đoạn tin" in shown


def test_unknown_statement_is_told_and_odd_questions_are_answered_as_if_not_asked(ours, page):
    """For an unknown statement, the page must say that there is none. Invalid filters must be ignored."""
    take(file_of(line("", phone="0988777666")))
    for query in ("no=99", "no=x", "no=-1", "no=9999999999999999999", "no=%00"):
        answer = page.get(f"/statements?{query}")
        assert answer.status_code == 404
        assert "Không có trang này" in answer.text
    for query in ("verdict=x", "differs=%27", "page=-1", "page=x", "page=99999999999999999999"):
        assert "Chỉ nhà mạng có" in page_words(page.get(f"/statements?{query}"))
