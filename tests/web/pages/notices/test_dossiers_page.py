"""Test the page of a dossier.

The dossier is found by its code or phone number. The page begins with a sentence that says whether the citizen was
texted and why. The page shows nothing that its visitor may not see.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from motcua.domain.phones.reading import holds_phone
from motcua.jobs.notices.picking_up import pick_up
from motcua.store.ledger.database import connect
from tests.ground import NHA_TRANG, NOW, TU_PHAP, take_in
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING

CODE = "160915001"
PAGE = "/motcua/dossiers"


@pytest.fixture
def staff(app, one_stop) -> Iterator[TestClient]:
    one_stop.dossier(applicant_phone="")
    one_stop.dossier("160915002", TU_PHAP)
    one_stop.move(9)
    one_stop.move(4, "160915002", TU_PHAP, desk=False)
    take_in()
    with VISITING.browse(app) as http:
        yield http


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])))


def search(staff: TestClient, typed: str, **changes: str) -> Any:
    page = staff.get(PAGE).text
    (token,) = set(re.findall(r'name="token" value="([^"]+)"', page))
    return staff.post(f"{PAGE}/search", data={"token": token, "q": typed} | changes)


def follow(staff: TestClient, answer: Any) -> Any:
    assert answer.status_code == 303
    return staff.get(answer.headers["location"])


SENTENCE = "Chưa nhắn tin mời nhận kết quả vì không có số điện thoại; phần mềm một cửa ghi kết quả đang ở quầy; "


@pytest.mark.guarantee("dossiers", "the search in every page's header leads from a dossier's code to its sentence")
def test_header_of_any_page_leads_to_the_sentence_which_comes_first(staff):
    for page in ("/motcua/calendar", "/motcua/complaints"):
        form = re.search(r'<form class="search".*?</form>', staff.get(page).text, re.S)
        assert form is not None
        assert 'action="/motcua/dossiers/search"' in form[0]
    shown = follow(staff, search(staff, f"mckh {CODE}"))
    assert shown.status_code == 200
    assert words(shown).split("> ", 1)[1].startswith(SENTENCE)
    assert f"Hồ sơ {CODE}" in words(shown)
    assert "Dữ liệu tính đến 10:00 ngày 25/11/2026" in html.unescape(shown.text)


def test_axis_stands_below_with_ways_on(staff):
    """Below its first sentence, the page must show the dossier's events, and links to a complaint form and a slip."""
    page = staff.get(f"{PAGE}?agency={NHA_TRANG}&code={CODE}")
    shown = words(page)
    for expected in (
        "Xử lý → Trả kết quả",
        "Lập tin số 1, tin mời nhận kết quả: không gửi",
        "lập tin số 1",
        "Điện thoại: ",
    ):
        assert expected in shown, expected
    links = html.unescape(page.text)
    assert f'href="/motcua/complaints?agency={NHA_TRANG}&code={CODE}#ghi-phan-anh"' in links
    assert f'href="/motcua/dossiers/slip?agency={NHA_TRANG}&code={CODE}"' in links
    assert f"/motcua/messages?agency={NHA_TRANG}&kind=result&state=suppressed" in links
    assert "<script" not in page.text


def test_complaint_is_begun_with_agency_and_code_filled_in(staff):
    page = staff.get(f"/motcua/complaints?agency={NHA_TRANG}&code={CODE}").text
    assert '<details class="card record unprinted" id="ghi-phan-anh" open>' in page
    assert f'name="dossier_code" maxlength="40" value="{CODE}"' in page
    form = page[page.index("ghi-phan-anh") : page.index("</details>")]
    assert f'<option value="{NHA_TRANG}" selected>' in form
    assert "0905123456" not in staff.get("/motcua/complaints?code=0905123456").text


def test_slip_has_sentence_code_dates_and_how_to_ask_and_no_name_or_number(staff, configure):
    slip = staff.get(f"{PAGE}/slip?agency={NHA_TRANG}&code={CODE}")
    shown = words(slip)
    for expected in (SENTENCE, CODE, "Bộ phận Một cửa UBND TP Nha Trang", "23/11/2026", "27/11/2026"):
        assert expected in shown, expected
    assert "Lan" not in shown
    assert not holds_phone(shown)
    assert f"soạn tin MCKH {CODE} gửi 9029" in shown
    configure(MOTCUA_INQUIRIES_ON="false")
    assert "9029" not in words(staff.get(f"{PAGE}/slip?agency={NHA_TRANG}&code={CODE}"))


def test_files_have_the_events_of_the_dossier_and_no_formula(staff, one_stop):
    one_stop.move(4, desk=False, at=NOW + timedelta(minutes=1), to_step="=1+1", from_step="@x")
    pick_up("khanhhoa", now=NOW + timedelta(minutes=1))
    address = f"agency={NHA_TRANG}&code={CODE}"
    for form in ("csv", "xlsx"):
        answer = staff.get(f"{PAGE}/file?{address}&format={form}")
        assert answer.headers["content-disposition"].startswith("attachment")
        read = read_file(answer)
        assert form == "csv" or read.title == f"Hồ sơ {CODE}, UBND TP Nha Trang"
        assert read.head == ["Lúc (giờ Việt Nam)", "Loại", "Việc", "Chi tiết"]
        assert len(read.rows) > 4
        assert read.is_text
        assert any("@x → =1+1" in cell for row in read.rows for cell in row)


# ---------------------------------------------------------------- search by phone number


@pytest.mark.guarantee(
    "dossiers",
    "a search by phone is sent by POST and stored with its user, without the number; auditors cannot search",
)
def test_phone_is_searched_by_post_kept_with_who_and_shown_nowhere(staff, rows):
    answer = search(staff, "0905 123 456")
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"agency": [TU_PHAP], "code": ["160915002"]}
    (kept,) = rows("SELECT searched_by, agencies, found FROM motcua.phone_searches")
    assert kept == {"searched_by": "lan", "agencies": None, "found": 1}
    shown = follow(staff, answer)
    assert "09•• ••• 456" in words(shown)
    assert not holds_phone(words(shown))
    none = search(staff, "0905 999 999")
    assert (none.status_code, "999" in words(none)) == (404, False)
    assert "Không có hồ sơ nào có số điện thoại này" in words(none)
    assert len(rows("SELECT 1 FROM motcua.phone_searches")) == 2


def test_several_dossiers_of_a_number_are_listed(staff, one_stop):
    one_stop.dossier("160915003")
    pick_up("khanhhoa", now=NOW + timedelta(minutes=1))
    listed = search(staff, "+84905123456")
    assert listed.status_code == 200
    assert {"160915002", "160915003"} <= set(re.findall(r">(\d+)</a>", listed.text))
    assert "905123456" not in listed.text
    addresses = [html.unescape(each) for each in re.findall(r'href="([^"]*/dossiers/found/file[^"]*)"', listed.text)]
    assert [each[-4:] for each in addresses] == ["xlsx", "=csv"]
    assert not holds_phone(" ".join(addresses))
    for address in addresses:
        taken = read_file(staff.get(address))
        assert {row[0] for row in taken.rows} >= {"160915002", "160915003"}
        assert len(taken.rows) == listed.text.count('<th scope="row" class="code"><a ')
        assert not holds_phone(" ".join(cell for row in taken.rows for cell in row[:4]))
    VISITING.visit_as("agency", NHA_TRANG)
    (own,) = read_file(staff.get(addresses[1])).rows
    assert own[:2] == ["160915003", NHA_TRANG]
    assert staff.get(f"{PAGE}/found/file?format=csv").status_code == 400
    assert read_file(staff.get(f"{PAGE}/found/file?format=csv&dossier=x&dossier=0")).rows == []
    assert "160915003" in search(staff, "0905123456").headers["location"]


def test_auditor_finds_by_code_alone_and_sees_no_number_and_no_name(staff, rows):
    VISITING.visit_as("auditor")
    refused = search(staff, "0905 123 456")
    assert refused.status_code == 403
    assert "456" not in words(refused)
    assert rows("SELECT 1 FROM motcua.phone_searches") == []
    assert "số điện thoại" not in words(staff.get(PAGE))
    shown = staff.get(f"{PAGE}?code=160915002")
    assert shown.status_code == 200
    assert "Lan" not in words(shown)
    assert "•••" not in shown.text
    assert "Ghi phản ánh" not in words(shown)
    VISITING.visit_as("operator")
    assert "Nguyễn Thị Lan" in words(staff.get(f"{PAGE}?code=160915002"))


@pytest.mark.guarantee(
    "dossiers",
    "an agency's administrator opens no other agency's dossier by code or phone, as page, printed slip or file",
)
def test_dossier_of_another_agency_is_not_there(staff):
    VISITING.visit_as("agency", NHA_TRANG)
    assert staff.get(f"{PAGE}?code={CODE}").status_code == 200
    for address in (
        f"{PAGE}?code=160915002",
        f"{PAGE}?agency={TU_PHAP}&code=160915002",
        f"{PAGE}/slip?agency={TU_PHAP}&code=160915002",
        f"{PAGE}/file?agency={TU_PHAP}&code=160915002&format=csv",
        f"{PAGE}/file?agency={NHA_TRANG}&code=160915002&format=xlsx",
    ):
        answer = staff.get(address)
        assert answer.status_code == 404, address
        assert "Sở Tư pháp" not in words(answer)
    assert search(staff, "0905123456").status_code == 404
    VISITING.visit_as("agency")
    assert staff.get(f"{PAGE}?code={CODE}").status_code == 404


# ---------------------------------------------------------------- no hits, and odd input


def test_hostile_code_gives_a_clear_page_and_one_that_a_source_has_is_found_as_it_stands(staff, one_stop):
    """A code that looks like an attack is found if a source has this code. Otherwise the page finds no dossier."""
    there = ["<script>alert(1)</script>&\"'`", "Đơn số 7`/2026", "a/b/../c", "x’y“z”-1", "{{ 7*7 }}"]
    for number, code in enumerate(there):
        one_stop.both(9, code, number=77 + number)
    pick_up("khanhhoa", now=NOW)
    for code in there:
        for answer in (
            staff.get(PAGE, params={"agency": NHA_TRANG, "code": code}),
            follow(staff, search(staff, code)),
        ):
            assert answer.status_code == 200, words(answer)
            assert code in html.unescape(answer.text)
            assert "<script>" not in answer.text
    for typed in ("a/../c", "'\"; DROP TABLE x", "<script>", "x" * 10_000, "a\x00b", "%00", "🙂"):
        for answer in (search(staff, typed), staff.get(PAGE, params={"code": typed})):
            assert answer.status_code == 404
            assert re.search("Không tìm thấy hồ sơ nào có mã|Không tra theo tên", words(answer))
            assert "<script>" not in answer.text
            assert len(answer.text) < 60_000


def test_nothing_typed_and_nothing_found_say_what_to_do(staff, one_stop):
    assert "Gõ mã cách nào cũng được" in words(staff.get(PAGE))
    assert "Chưa gõ mã hồ sơ" in words(staff.get(f"{PAGE}?code=%20"))
    one_stop.move(9, "160915009")
    pick_up("khanhhoa", now=NOW + timedelta(minutes=1))
    assert "chưa dùng được: có bước mà chưa có dòng hồ sơ" in words(staff.get(f"{PAGE}?code=160915009"))
    answer = staff.get(f"{PAGE}?agency=nobody&code=1")
    assert answer.status_code == 404
    assert "Không có cơ quan này" in words(answer)


def test_unusable_rows_are_told_whichever_code_the_source_writes_for_the_agency(staff, one_stop):
    """One-stop software may use another code for an agency. The agency's users must still see why a row is not used."""
    one_stop.move(9, "160915009", "H32.30", number=71)
    one_stop.move(77, CODE, "H32.30", number=72, at=NOW + timedelta(minutes=1))
    pick_up("khanhhoa", now=NOW + timedelta(minutes=1))
    VISITING.visit_as("agency", NHA_TRANG)
    assert "chưa dùng được: có bước mà chưa có dòng hồ sơ" in words(staff.get(f"{PAGE}?code=160915009"))
    assert "Trạng thái chưa khai báo chưa dùng được đến nay" in words(staff.get(f"{PAGE}?code={CODE}"))
    VISITING.visit_as("agency", TU_PHAP)
    assert "chưa dùng được" not in words(staff.get(f"{PAGE}?code=160915009"))


def test_code_of_several_agencies_is_chosen_from_a_list(staff, one_stop):
    one_stop.dossier(agency_code=TU_PHAP)
    pick_up("khanhhoa", now=NOW + timedelta(minutes=1))
    listed = staff.get(f"{PAGE}?code={CODE}")
    assert listed.status_code == 200
    assert "Chọn đúng hồ sơ" in words(listed)
    for address in re.findall(r'<th scope="row"><b><a href="([^"]+)">', listed.text):
        assert staff.get(html.unescape(address)).text.count("<h2>Diễn biến") == 1
    assert staff.get(f"{PAGE}?agency=H32.30&code={CODE}").status_code == 200


def test_number_in_an_address_is_neither_searched_nor_shown(staff, rows):
    """A phone number in an address would get into logs, so the page refuses it and searches nothing."""
    answer = staff.get(f"{PAGE}?code=0905123456")
    assert answer.status_code == 400
    assert "Không tìm số điện thoại qua địa chỉ trang" in words(answer)
    assert "123456" not in answer.text
    assert rows("SELECT 1 FROM motcua.phone_searches") == []


def test_codes_on_other_pages_lead_to_the_dossier(staff):
    with connect() as connection:
        from motcua.jobs.handed_in.complaints import Entry, record_complaint

        typed = Entry(NHA_TRANG, CODE, "2026-11-25 11:00", "desk", "never_received", "")
        record_complaint(connection, typed, "f" * 32, "lan", datetime(2026, 11, 25, 5, tzinfo=UTC))
    (address,) = re.findall(rf'<a href="([^"]+)">{CODE}</a>', staff.get("/motcua/complaints").text)
    assert SENTENCE in words(staff.get(html.unescape(address)))
