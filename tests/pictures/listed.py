"""Define what each picture of docs/vi shows, by the picture's name; the file is docs/vi/hinh/<name>.png."""

from __future__ import annotations

from datetime import datetime, timedelta

from playwright.sync_api import Locator

from motcua.domain.clock import VIETNAM
from motcua.domain.texts import remove_accents
from tests.pictures.taking import CannotTake, Shows, Visit

_RECEIVED_ALONE = """words => [...document.querySelectorAll('#wall article')].findIndex(
  each => each.querySelectorAll('.talk li').length === 1 && each.innerText.includes('Đã nhận')
    && words.some(kind => each.innerText.includes(kind)))"""
"""Script that returns the index of a phone whose only message was received and contains one of the words, or -1."""
_STAND_STILL = """phones => {
  const wall = document.getElementById('wall'), still = wall.cloneNode(false);
  still.innerHTML = phones.join('');
  for (const each of still.children) each.classList.remove('fresh');
  wall.replaceWith(still);
}"""
_NO_PHONE = "P1"
_MESSAGES = 20
"""Least number of messages that the agency must have today, so that the overview shows some of each outcome."""
_REASONS = 3
"""Least number of different reasons why phone numbers of the agency cannot be texted, so that the list is useful."""
_SAME_DAY_REASON = "Công dân chờ và nhận kết quả ngay tại quầy"


def _overview(at: Visit) -> list[Locator]:
    page = at.open("")
    planned = page.locator("section.sum strong")
    if not planned.count() or int(planned.inner_text().replace(".", "")) < _MESSAGES:
        raise CannotTake(f"fewer than {_MESSAGES} messages today")
    if page.locator(".matters li").filter(has_text="chưa được lập").count():
        raise CannotTake("the evening is not settled yet")
    matters = page.locator(".matters, .note.ok").first
    return [page.locator("h1"), matters, page.locator("section.sum")]


def _answer(at: Visit) -> list[Locator]:
    at.find_dossier("kind=result&state=suppressed", "Chưa nhắn tin mời nhận kết quả vì .* thì tin tự gửi")
    at.mark(at.page.locator("main .say"))
    return [
        at.page.locator("header.bar"),
        at.page.locator("main .say"),
        at.page.locator("main .facts"),
        at.page.locator("main .ways"),
    ]


def _course(at: Visit) -> list[Locator]:
    at.find_dossier("kind=result&state=delivered", "Đã nhắn tin mời nhận kết quả")
    return [at.section("Diễn biến"), at.first_of(at.page.locator("main .axis"), "li", 14)]


def _slip(at: Visit) -> list[Locator]:
    at.find_dossier("kind=result&state=delivered", "Đã nhắn tin mời nhận kết quả")
    at.page.get_by_role("link", name="In phiếu cho công dân").click()
    at.page.wait_for_load_state()
    # Leave out the note on how to print the slip.
    at.page.locator("main .slip ~ .lead").evaluate("each => each.remove()")
    return [at.page.locator("main .slip")]


def _phone_reasons(at: Visit) -> list[Locator]:
    page = at.open(f"settings/phones?code={at.agency}")
    reasons = at.under("Vì sao không nhắn được")
    if reasons.locator("tbody tr").count() < _REASONS:
        raise CannotTake(f"fewer than {_REASONS} reasons why a number cannot be texted")
    return [page.locator("h1"), reasons]


def _phones_to_mend(at: Visit) -> list[Locator]:
    at.open(f"settings/phones?code={at.agency}")
    at.mark(at.section("Hồ sơ cần sửa số").locator("xpath=following-sibling::*"))
    return [at.section("Hồ sơ cần sửa số"), at.first_of(at.under("Hồ sơ cần sửa số"), "tbody tr", 6)]


def _texts(at: Visit) -> list[Locator]:
    page = at.page
    page.goto(at.demo.phones)
    page.locator("#wall article").first.wait_for()
    kinds = ["được giải quyết xong", "cần bổ sung theo quy định", "chân thành xin lỗi"]
    found: list[str] = []
    for kind in kinds:
        words = [kind, remove_accents(kind)]
        with page.expect_response(lambda answer: "api/phones" in answer.url and "search=&" not in answer.url + "&"):
            page.locator("#search").fill(kind)
        page.wait_for_timeout(1000)
        place = page.evaluate(_RECEIVED_ALONE, words)
        if place < 0:
            raise CannotTake(f"no phone on the wall whose only message was received and contains {kind!r}")
        found.append(page.locator("#wall article").nth(place).evaluate("each => each.outerHTML"))
    page.evaluate(_STAND_STILL, found)
    return page.locator("#wall article").all()


def _fill_same_day(at: Visit) -> None:
    page = at.open(f"settings/agency?code={at.agency}")
    page.get_by_label("Không nhắn tin với thủ tục giải quyết trong ngày").check()
    listed = page.get_by_role("group", name="Thủ tục trong ngày không nhắn").get_by_role("checkbox")
    if listed.count():
        listed.first.check()
    page.get_by_label("Lý do không nhắn").fill(_SAME_DAY_REASON)


def _same_day(at: Visit) -> list[Locator]:
    _fill_same_day(at)
    fieldsets = at.page.locator("form.settings fieldset")
    return [fieldsets.nth(0), fieldsets.nth(1)]


def _rehearsal(at: Visit) -> list[Locator]:
    page = at.open(f"settings/agency?code={at.agency}")
    page.get_by_label("Không nhắn tin với thủ tục giải quyết trong ngày").check()
    page.get_by_label("Mọi thủ tục trong ngày").check()
    page.get_by_label("Lý do không nhắn").fill(_SAME_DAY_REASON)
    page.get_by_role("button", name="Xem thử với ngày làm việc gần nhất").click()
    page.locator("#thu").wait_for()
    return [page.locator("#thu"), at.first_of(page.locator("#thu ~ .card").nth(1), "tbody tr", 4)]


def _history(at: Visit) -> list[Locator]:
    page = at.open(f"settings/agency?code={at.agency}")
    page.get_by_label("Thời gian chờ").select_option(index=2)
    page.get_by_role("button", name="Lưu thiết lập").click()
    page.get_by_text("Đã lưu.").wait_for()
    card = at.under("Lịch sử")
    at.mark(card.get_by_role("button", name="Hoàn tác"))
    return [at.section("Lịch sử"), at.first_of(card, "tbody tr", 4)]


def _quality(at: Visit) -> list[Locator]:
    page = at.open(f"quality/findings?code={at.agency}")
    return [page.locator("h1"), page.locator("section.figures"), page.locator("ol.todo")]


def _accepting(at: Visit) -> list[Locator]:
    page = at.open(f"quality/findings?code={at.agency}&rule={_NO_PHONE}")
    findings = page.locator("ol.list")
    first = findings.locator("li").filter(has=page.get_by_text("Tạm chấp nhận (có thời hạn)")).first
    if not first.count():
        raise CannotTake(f"no finding of {_NO_PHONE} can be acknowledged")
    first.get_by_text("Tạm chấp nhận (có thời hạn)").click()
    first.get_by_label("Lý do").fill("Công dân không dùng điện thoại, đã hẹn đến quầy ngày trả kết quả")
    first.get_by_label("Đến hết ngày").fill(f"{datetime.now(VIETNAM) + timedelta(days=30):%Y-%m-%d}")
    return [at.first_of(findings, "li", 2)]


def _reconciled(at: Visit) -> list[Locator]:
    page = at.open("reconciliation")
    return [page.locator("h1"), page.locator("section.summary")]


def _complaint(at: Visit) -> list[Locator]:
    at.find_dossier("kind=result&state=delivered", "Đã nhắn tin mời nhận kết quả")
    at.page.get_by_role("link", name="Công dân nói chưa nhận").click()
    at.page.wait_for_load_state()
    record = at.page.locator("details.record")
    if record.get_attribute("open") is None:
        record.locator("summary").click()
    record.locator("select[name=claim]").select_option("no_result_yet")
    record.locator("select[name=channel]").select_option("desk")
    return [record]


def _stopped(at: Visit) -> list[Locator]:
    at.demo.stop_results_of(at.agency, "Nội dung tin ghi sai địa điểm Bộ phận Một cửa; đang sửa")
    page = at.open("")
    matter = page.locator(".matters li").filter(has_text="Sở đang tạm dừng gửi").first
    matter.locator("details").evaluate("each => each.open = true")
    return [matter]


PICTURES: dict[str, Shows] = {
    "ho-so-cau-tra-loi": _answer,
    "ho-so-dien-bien": _course,
    "ho-so-phieu-in": _slip,
    "so-dien-thoai-ly-do": _phone_reasons,
    "so-dien-thoai-can-sua": _phones_to_mend,
    "thiet-lap-thu-tuc-trong-ngay": _same_day,
    "thiet-lap-xem-thu": _rehearsal,
    "thiet-lap-lich-su": _history,
    "chat-luong-co-quan": _quality,
    "chat-luong-xac-nhan": _accepting,
    "doi-chieu-co-quan": _reconciled,
    "phan-anh-ghi-nhan": _complaint,
    "tin-nhan-tren-may": _texts,
    "tong-quan": _overview,
    "tam-dung-gui": _stopped,
}
"""The function that opens the page of each picture, by the picture's name.

Pictures that need the messages of a full day come late. The picture for which messages are stopped comes last.
"""
