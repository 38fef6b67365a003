"""Test that the Department can do its work without a shell: eight journeys of at most five clicks each."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.notices.apologizing import coming_evening
from motcua.jobs.page_requests import carry_out_requests
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying_in_turn import verify_in_turn
from motcua.jobs.quality.checking import check_quality
from motcua.jobs.reconciliation.closing import close_period
from motcua.web.airflow import Account
from tests.ground import NHA_TRANG, NOW, TU_PHAP, take_in
from tests.integration.handed_in.test_carrier_statements import file_of, line, take
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING, words

MOST_CLICKS = 5
DAY, NEXT_MORNING = Period.parse("2026-11-25"), datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)


class Walk:
    """A person at a browser. Each click on a link or button is counted.

    A page that asks the person to type a command in a shell fails the test.
    """

    def __init__(self, http: TestClient, begins: str) -> None:
        self.http, self.clicks = http, 0
        self._show(http.get(begins), begins)

    def _show(self, answer: Any, address: str) -> None:
        while answer.status_code == 303:
            address = urljoin(address, answer.headers["location"])
            answer = self.http.get(address)
        assert answer.status_code == 200, (address, words(answer)[:500])
        self.answer, self.address = answer, address
        is_page = answer.headers["content-type"].startswith("text/html")
        typed = re.findall(r"\bmotcua [a-z-]+", self.main) if is_page else []
        assert typed == [], f"{address} tells its reader to type a command"

    @property
    def main(self) -> str:
        return words(self.answer).partition("Đến nội dung")[2]

    def follow(self, name: str) -> Walk:
        """Click on the first link whose text begins with ``name``."""
        for to, inner in re.findall(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', self.answer.text, re.DOTALL):
            if " ".join(html.unescape(re.sub(r"<[^>]+>", "", inner)).split()).startswith(name):
                self.clicks += 1
                address = urljoin(self.address, html.unescape(to))
                self._show(self.http.get(address), address)
                return self
        raise AssertionError(f"{self.address} has no link {name}")

    def press(self, button: str, **typed: str) -> Walk:
        """Click on the first button whose text begins with ``button``, with the typed fields of its form."""
        for action, form in re.findall(
            r'<form[^>]* method="post" action="([^"]+)"[^>]*>(.*?)</form>', self.answer.text, re.DOTALL
        ):
            for attributes, inner in re.findall(r"<button([^>]*)>(.*?)</button>", form, re.DOTALL):
                if not re.sub(r"<[^>]+>", "", inner).startswith(button):
                    continue
                fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
                sent = {name: html.unescape(value) for name, value in fields.items()} | typed
                sent |= dict(re.findall(r'name="(\w+)" value="(\w+)"', attributes))
                self.clicks += 1
                address = urljoin(self.address, html.unescape(action))
                self._show(self.http.post(address, data=sent), address)
                return self
        raise AssertionError(f"{self.address} has no button {button}")

    def ends(self, said: str) -> None:
        """Check that the page contains ``said``, and that the walk took at most ``MOST_CLICKS`` clicks."""
        assert said in self.main, self.main[:1500]
        assert self.clicks <= MOST_CLICKS


@pytest.fixture
def office(staff: TestClient, one_stop: Any, rows: Any, configure: Any, tmp_path: Any) -> TestClient:
    """Make a closed and published day of two agencies, a finding, rows in quarantine, and a dossier due tomorrow."""
    configure(MOTCUA_GATEWAYS="kannel", MOTCUA_DATA=str(tmp_path), AIRFLOW_CONN_SMS_KANNEL="http://127.0.0.1:9")
    for code, phone in (("XONG-1", "0905771482"), ("SO-BAN", "02583822001")):
        one_stop.both(9, code, at=NOW - timedelta(minutes=5), applicant_phone=phone)
    for number in range(3):
        one_stop.both(11, f"LA-{number}", TU_PHAP, at=NOW - timedelta(minutes=5))
    take_in()
    check_quality("tests", NOW)
    publish(close_period(DAY, "tests", NEXT_MORNING).closing.closing_no, NEXT_MORNING)
    now = datetime.now(UTC)
    due = coming_evening(now) + timedelta(hours=23)
    open_one = {"status_code": 4, "received_at": now - timedelta(days=14), "updated_at": now}
    one_stop.dossier("CON-KIP", due_at=due, **open_one)
    one_stop.dossier("QUA-HAN", due_at=now - timedelta(days=7), **open_one)
    take_in(now=now)
    take(file_of(line(phone="0988777666")))
    return staff


@pytest.mark.guarantee("pages", "the Department's eight tasks (journeys) need no shell and at most five clicks each")
def test_departments_journeys_need_no_shell_and_few_clicks(office, rows):
    # The link in the morning's mail opens the page of all agencies. An agency's findings are one click from there.
    Walk(office, "/motcua/quality").follow("UBND TP Nha Trang").ends("SO-BAN")

    until = f"{date.today() + timedelta(days=30):%Y-%m-%d}"  # noqa: DTZ011 - one day more or less is harmless
    walk = Walk(office, "/motcua/").follow("Chất lượng").follow("UBND TP Nha Trang")
    walk.press("Tạm chấp nhận", why="Công dân không dùng di động", until=until).ends("Tạm chấp nhận đến")
    walk.press("Rút lại").ends("Đã bỏ tạm chấp nhận")

    ends = f"{datetime.now(VIETNAM) + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    walk = Walk(office, "/motcua/").follow("Tin nhắn").follow("Tạm dừng gửi")
    walk.press("Xem trước khi dừng", kind="result", agency=NHA_TRANG, until=ends, reason="Sai tên")
    walk.press("Tạm dừng gửi").ends("Đã tạm dừng, có hiệu lực ngay.")
    walk = Walk(office, "/motcua/").follow("Gửi tiếp, hoặc xem").press("Gửi tiếp").press("Gửi tiếp")
    walk.ends("Đã cho gửi tiếp, có hiệu lực ngay.")

    walk = Walk(office, "/motcua/").follow("Xem theo lý do và việc cần làm")
    assert "Sở khai trạng thái này nghĩa là gì, ngay ở trang này" in walk.main
    walk.press("Khai", stands_for="4").ends("Đã khai.")

    walk = Walk(office, "/motcua/").follow("Trước buổi tới")
    walk.ends("1 hồ sơ còn cứu được")
    walk.follow("Phiếu xin lỗi (Mẫu 04)").ends("QUA-HAN")
    letters = re.findall(r'href="([^"]*/apologies/letters/file[^"]*xlsx[^"]*)"', walk.answer.text)
    assert walk.clicks < MOST_CLICKS
    assert "QUA-HAN" in [row[0] for row in read_file(office.get(html.unescape(letters[0]))).rows]

    Walk(office, "/motcua/").follow("Báo cáo").follow("Nhà mạng").ends("bang-ke-2026-10.csv")

    walk = Walk(office, "/motcua/").follow("Báo cáo").press("Kiểm lại")
    walk.ends("Đang kiểm tra lại.")
    assert VISITING.started[-1] == ("verify_publications", "lan")
    assert verify_in_turn("tests").failed == ()
    assert rows("SELECT verified_by, faults FROM motcua.publication_verifications LIMIT 1") == [
        {"verified_by": "lan", "faults": 0}
    ]
    assert "Kiểm tra lại lần cuối" in words(office.get(walk.address))
    assert rows("SELECT 1 FROM motcua.page_requests WHERE ended_at IS NULL") == []


@pytest.mark.guarantee(
    "requests", "a year's days off are confirmed on the page after a preview, and the confirmation can be withdrawn"
)
def test_year_is_confirmed_by_the_next_worker_and_taken_back(staff, rows):
    walk = Walk(staff, "/motcua/").follow("Thiết lập").follow("Lịch làm việc").follow("2027")
    assert "Năm 2027 chưa có trong bảng lịch." in walk.main
    walk.press("Xem trước khi xác nhận", authority="Thông báo 5015/TB-BNV ngày 3/12/2026")
    assert "Quốc khánh" in walk.main
    walk.press("Xác nhận năm 2027").ends("Hệ thống thực hiện trong ít phút.")
    assert rows("SELECT 1 FROM motcua.calendar_years WHERE year = 2027") == []
    assert carry_out_requests().ended == {"done": 1}
    year = "SELECT decision FROM motcua.calendar_years WHERE year = 2027"
    assert rows(year) == [{"decision": "Thông báo 5015/TB-BNV ngày 3/12/2026"}]
    assert rows("SELECT DISTINCT changed_by FROM motcua.calendar_changes WHERE concerns = 'year'") == [
        {"changed_by": "lan"}
    ]
    again = Walk(staff, walk.address.partition("&said")[0]).press("Bỏ xác nhận").press("Bỏ xác nhận năm 2027")
    again.ends("Hệ thống thực hiện trong ít phút.")
    carry_out_requests()
    assert rows(year) == [{"decision": None}]


def test_who_may_sign_in_is_told_with_role_and_since_when(staff):
    since = datetime(2026, 11, 2, 8, 0, tzinfo=VIETNAM)
    VISITING.accounts = [Account("hoa", "Lê Thị Hoa", "agency", since, None)]
    shown = words(staff.get("/motcua/users"))
    for expected in ("hoa", "Lê Thị Hoa", "Quản trị của cơ quan", "2/11/2026", "không rõ"):
        assert expected in shown
    VISITING.accounts = None
    assert "Tài khoản do hệ thống đăng nhập khác giữ" in words(staff.get("/motcua/users"))
