"""Test tasks of a clerk, an agency's administrator and the Department on the pages, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Frame, Page

from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import WorkingCalendar
from tests.ground import NHA_TRANG
from tests.journeys.conftest import SIZES
from tests.journeys.office import PHONES, SAME_DAY_PROCEDURE, codes_of, sign_in

pytestmark = pytest.mark.alone

Opens = Callable[[str], Page]


def look_up(page: Page, what: str) -> None:
    """Search with the one search box that each page has."""
    box = page.get_by_role("search")
    box.get_by_role("searchbox").fill(what)
    with page.expect_navigation():
        box.get_by_role("button", name="Tìm", exact=True).click()


def frame_of_airflow(page: Page) -> Frame:
    """Return the frame in which Airflow shows the staff pages."""
    element = page.wait_for_selector("iframe")
    assert element is not None
    frame = element.content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame


@pytest.mark.guarantee("pages", "a clerk needs three clicks from sign-in to the reason why a dossier got no SMS")
@pytest.mark.parametrize("size", SIZES)
def test_clerk_who_is_asked_why_no_sms_came_reads_the_answer_after_two_clicks(office, open_page, elsewhere, size):
    page = open_page(size)
    page.add_init_script("addEventListener('click', event => event.isTrusted && console.log('a click'), true)")
    clicks: list[str] = []
    page.on("console", lambda message: clicks.append(message.text) if message.text == "a click" else None)
    sign_in(page, office, "mai")
    look_up(page, codes_of(office.now)["no_phone"])
    told = page.locator("main").inner_text()
    assert told.startswith("Chưa nhắn tin mời nhận kết quả vì không có số điện thoại")
    assert "sửa số trong phần mềm một cửa trước" in told
    assert len(clicks) == 2
    assert elsewhere == []


def test_department_opens_the_pages_within_airflow(office, open_page):
    page = open_page("wide")
    sign_in(page, office, "lan")
    page.get_by_label("Một cửa").click()
    assert "Tổng quan" in frame_of_airflow(page).locator("main").inner_text()


@pytest.mark.guarantee("pages", "a searched phone number stands in no address and on no page; the search is logged")
def test_administrator_of_an_agency_finds_a_dossier_by_its_number_and_nothing_of_others(office, open_page, ledger_rows):
    codes, page = codes_of(office.now), open_page("wide")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, office, "hoa", "motcua/")
    assert "Tư pháp" not in page.content()
    look_up(page, PHONES["told"])
    assert codes["told"] in page.locator("main").inner_text()
    assert PHONES["told"][1:] not in page.content()
    assert [address for address in asked if PHONES["told"][1:] in address] == []
    searches = ledger_rows("SELECT searched_by, agencies, found FROM motcua.phone_searches")
    assert {"searched_by": "hoa", "agencies": [NHA_TRANG], "found": 1} in searches
    for of_others in (codes["other"], PHONES["other"]):
        look_up(page, of_others)
        assert "Tư pháp" not in page.content()
        assert "Nguyễn Thị Lan" not in page.content()


def test_department_lets_a_message_of_unknown_outcome_go_again_and_gives_a_user_his_agency(
    office, open_page, ledger_rows
):
    page = open_page("wide")
    sign_in(page, office, "lan", "motcua/")
    page.get_by_role("link", name="Xem tin chưa rõ kết quả").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_label("Lý do cho gửi lại").fill("Nhà mạng báo chưa nhận tin nào")
    page.get_by_role("button", name="Xem trước khi gửi lại").click()
    assert "hai lần" in page.locator("main").inner_text(), "the page names the effect before the act"
    assert ledger_rows("SELECT 1 FROM motcua.releases") == []
    page.get_by_role("button", name="Gửi lại 1 tin").click()
    assert "chưa tin nào được gửi" in page.locator("main").inner_text(), (
        "no message goes before the Department was mailed"
    )
    assert ledger_rows("SELECT asked_by FROM motcua.page_requests") == [{"asked_by": "lan"}]

    page.goto(f"{office.url}motcua/users")
    page.get_by_label("Tên đăng nhập trong Airflow").fill("minh")
    page.locator("form select[name=agency]").select_option(NHA_TRANG)
    page.get_by_role("button", name="Tiếp tục").click()
    page.get_by_role("button", name="Giao", exact=True).click()
    assert "minh" in page.locator("main").inner_text()
    given = ledger_rows("SELECT given_by FROM motcua.user_agencies WHERE user_name = 'minh'")
    assert given == [{"given_by": "lan"}]


@pytest.mark.guarantee(
    "settings",
    "an administrator excludes a procedure, tries this with the last working day's data, saves and undoes it",
)
@pytest.mark.parametrize("size", SIZES)
def test_administrator_of_an_agency_opts_a_procedure_out_tries_it_saves_and_undoes(
    office, open_page, elsewhere, ledger_rows, size
):
    def settings() -> dict[str, object]:
        (row,) = ledger_rows(
            "SELECT same_day_excluded, same_day_procedures, same_day_reason, changed_by FROM motcua.agencies"
            f" WHERE agency_code = '{NHA_TRANG}'"
        )
        return row

    page, main = open_page(size), lambda: page.locator("main").inner_text()
    sign_in(page, office, "hoa", "motcua/")
    page.get_by_role("link", name="Thiết lập", exact=True).click()
    page.get_by_role("link", name="Ủy ban nhân dân thành phố Nha Trang").click()
    page.get_by_label("Không nhắn tin với thủ tục giải quyết trong ngày").check()
    page.get_by_role("group", name="Thủ tục trong ngày không nhắn").get_by_label(SAME_DAY_PROCEDURE).check()
    page.get_by_role("button", name="Lưu thiết lập").click()
    assert "Cần ghi lý do" in main()
    page.get_by_label("Lý do không nhắn").fill("Công dân chờ và nhận ngay tại quầy")
    page.get_by_role("button", name="Xem thử với ngày làm việc gần nhất").click()
    assert "Xem thử với ngày làm việc gần nhất" in main()
    # The preview is of the last working day. The office's dossiers are of the day before the office was set up. The
    # preview shows these dossiers only if both are the same day.
    yesterday = office.now.astimezone(VIETNAM).date() - timedelta(days=1)
    if datetime.now(VIETNAM).date() == yesterday + timedelta(days=1) and WorkingCalendar().is_working_day(yesterday):
        assert "1 tin khác đi" in main()
        link = page.get_by_role("link", name=codes_of(office.now)["same_day"])
        told = page.locator("tr").filter(has=link).inner_text()
        assert "Gửi (1 đoạn tin)" in told
        assert "Không nhắn: Thủ tục giải quyết trong ngày" in told
    assert settings()["same_day_excluded"] is False, "a preview must change no setting"
    page.get_by_role("button", name="Lưu thiết lập").click()
    assert "Công dân sẽ không còn nhận được một số tin." in main()
    page.get_by_role("button", name="Vẫn lưu").click()
    assert "Đã lưu." in main()
    assert settings() == {
        "same_day_excluded": True,
        "same_day_procedures": [SAME_DAY_PROCEDURE],
        "same_day_reason": "Công dân chờ và nhận ngay tại quầy",
        "changed_by": "hoa",
    }
    page.get_by_role("button", name="Hoàn tác").first.click()
    page.get_by_role("button", name="Hoàn tác", exact=True).click()
    assert "Đã hoàn tác." in main()
    assert settings() == {
        "same_day_excluded": False,
        "same_day_procedures": [],
        "same_day_reason": None,
        "changed_by": "hoa",
    }
    assert elsewhere == []
