"""Test the work at the counter: a citizen asks, and the clerk can answer after one search on one page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ground import NHA_TRANG, NOW, TU_PHAP, take_in
from tests.web.visiting import VISITING, token_of, words

PHONE = "0914 553 926"
TAILS = ("0007", "261126-0007", "261126 0007", "h32.30-261126-0007", "000.00.30.H32-261126-0007")
PHONES = ("0914553926", PHONE, "0914.553.926", "+84 914 553 926", "84914553926", "(0914) 553-926")


def code_of(agency: str, number: str) -> str:
    return f"{agency}-261126-{number}"


@pytest.fixture
def clerk(app, one_stop) -> Iterator[TestClient]:
    """Yield a browser of a clerk of Nha Trang. The ledger has dossiers of Nha Trang and of another agency."""
    one_stop.dossier(code_of(NHA_TRANG, "0007"), applicant_phone=PHONE)
    one_stop.dossier(code_of(NHA_TRANG, "10007"))
    one_stop.dossier(code_of(TU_PHAP, "0007"), TU_PHAP, applicant_phone=PHONE)
    take_in()
    with VISITING.browse(app) as http:
        VISITING.visit_as("clerk", NHA_TRANG)
        yield http


def typed(clerk: TestClient, what: str) -> Any:
    return clerk.post("/motcua/dossiers/search", data={"token": token_of(clerk), "q": what})


def read(clerk: TestClient, what: str) -> str:
    """Search for ``what`` and return the visible text of the page that the search leads to."""
    answer = typed(clerk, what)
    assert answer.status_code == 303, words(answer)
    shown = clerk.get(answer.headers["location"])
    assert shown.status_code == 200
    return words(shown)


# ---------------------------------------------------------------- the search box


@pytest.mark.guarantee(
    "dossiers", "the last characters of a code, or a phone in any spelling, find a dossier of the visitor's own agency"
)
@pytest.mark.parametrize("what", [*TAILS, *PHONES])
def test_tail_of_a_code_and_phone_in_any_spelling_lead_to_the_dossier_of_ones_own_agency(clerk, what):
    assert f"Hồ sơ {code_of(NHA_TRANG, '0007')}" in read(clerk, what)


def test_address_with_a_tail_leads_to_no_dossier_of_another_code(clerk):
    """An address with only the end of a code must find no dossier."""
    assert clerk.get(f"/motcua/dossiers?agency={NHA_TRANG}&code=0007").status_code == 404


def test_several_codes_with_the_typed_end_are_listed(clerk):
    listed = typed(clerk, "007")
    assert listed.status_code == 200
    assert re.findall(r">([^<>]*007)</a>", listed.text) == [code_of(NHA_TRANG, "0007"), code_of(NHA_TRANG, "10007")]
    VISITING.visit_as("operator")
    both = typed(clerk, "0007").text
    assert [code_of(each, "0007") in both for each in (NHA_TRANG, TU_PHAP)] == [True, True]
    assert f"Hồ sơ {code_of(TU_PHAP, '0007')}" in read(clerk, f"{TU_PHAP} 0007")


@pytest.mark.guarantee(
    "dossiers", "no search finds a dossier by a citizen's name, and no address of a page holds a name"
)
@pytest.mark.parametrize("name", ["Nguyễn Thị Lan", "Blô", "Nguyen Van An 1985"])
def test_name_is_answered_and_led_nowhere(clerk, name):
    answer = typed(clerk, name)
    assert (answer.status_code, "location" in answer.headers) == (404, False)
    assert "Không tra theo tên" in words(answer)
    assert name not in answer.text


def test_no_answer_of_the_box_has_a_link_that_is_refused(clerk):
    """No answer of the search may have a link that the clerk may not open."""
    for what in ("Nguyễn Thị Lan", "9999", "0905 999 999", "0258 3822917", " ", "007", code_of(TU_PHAP, "0008")):
        links = set(re.findall(r'href="(/motcua[^"#]*)', typed(clerk, what).text))
        refused = [link for link in links if clerk.get(link.replace("&amp;", "&")).status_code in (403, 404)]
        assert refused == [], what


# ---------------------------------------------------------------- five situations, each with one search and one page


ASKED_ABOUT = {
    # Each situation has the changed columns of the dossier, the state of its message, and the sentence on the page.
    "it came, as the carrier says": (
        {"status_code": 9, "at_one_stop_desk": True},
        "delivered",
        "Đã nhắn tin mời nhận kết quả từ MotcuaSMS tới số có ba số cuối 926 lúc 10:00 ngày 25/11/2026, nhà mạng báo tới"
        " máy lúc 10:01 ngày 25/11/2026; phần mềm một cửa ghi kết quả đang ở quầy. Công dân nói chưa nhận: hỏi số máy"
        " có ba số cuối 926 không",
    ),
    "it did not come": (
        {"status_code": 9, "at_one_stop_desk": True},
        "undelivered",
        "Đã nhắn tin mời nhận kết quả từ MotcuaSMS tới số có ba số cuối 926 lúc 10:00 ngày 25/11/2026 nhưng nhà mạng"
        " báo không tới máy; phần mềm một cửa ghi kết quả đang ở quầy",
    ),
    "papers are missing": (
        {"status_code": 5, "at_one_stop_desk": True},
        "accepted",
        "Đã nhắn tin mời bổ sung giấy tờ từ MotcuaSMS tới số có ba số cuối 926 lúc 10:00 ngày 25/11/2026, nhà mạng đã"
        " nhận và chưa báo tới máy; phần mềm một cửa ghi hồ sơ đang chờ bổ sung giấy tờ tại quầy",
    ),
    "it is late": (
        {"due_at": NOW.replace(year=2016), "step_name": "Thẩm định"},
        "",
        "Chưa có gì phải nhắn; hồ sơ đang ở bước Thẩm định, đã quá ngày hẹn trả 10:00 ngày 25/11/2016; có kết quả tại"
        " quầy thì tin tự gửi",
    ),
    "it was handed over": (
        {"status_code": 9, "at_one_stop_desk": True, "returned_at": NOW},
        "delivered",
        "nhà mạng báo tới máy lúc 10:01 ngày 25/11/2026; phần mềm một cửa ghi đã trao kết quả ngày 25/11/2026",
    ),
}


@pytest.mark.guarantee(
    "dossiers",
    "a clerk can answer a citizen after one search, by phone or a code's end, and reading one sentence",
)
@pytest.mark.parametrize("what", ["0007", "0914.553.926"])
@pytest.mark.parametrize("situation", ASKED_ABOUT)
def test_clerk_answers_after_one_search_and_one_reading(clerk, one_stop, rows, situation, what):
    changes, state, sentence = ASKED_ABOUT[situation]
    code, at = code_of(NHA_TRANG, "0007"), NOW + timedelta(minutes=1)
    row = {"applicant_phone": PHONE, "updated_at": at} | changes
    if state:
        one_stop.dossier(code, **row | {"returned_at": None})
        one_stop.move(changes["status_code"], code)
        take_in(at)
        went(rows, state)
    one_stop.dossier(code, **row | {"updated_at": at + timedelta(minutes=1)})
    take_in(at + timedelta(minutes=1))
    assert sentence in read(clerk, what)


def went(rows: Callable[..., Any], state: str) -> None:
    """Set the only message as accepted at ten o'clock (``NOW``), and as changed to ``state`` a minute later."""
    rows("SET session_replication_role = 'replica'")
    rows("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
    rows(
        "UPDATE motcua.messages SET state = %s, reason = %s, accepted_at = %s, attempts_made = 1",
        state,
        "gateway status 2" if state == "undelivered" else None,
        NOW,
    )
    rows(
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at,"
        " outcome, http_status, gateway_code) SELECT message_id, 'kannel', 'r', 1, 'tests', msisdn, %s, %s, 'accepted',"
        " 202, '0: Accepted for delivery' FROM motcua.messages",
        "delivered",
        NOW,
    )
    rows(
        "INSERT INTO motcua.message_history (message_id, from_state, to_state, to_reason, changed_at)"
        " SELECT message_id, 'accepted', state, reason, %s FROM motcua.messages",
        NOW + timedelta(minutes=1),
    )


def test_who_denies_it_is_recorded_with_one_button(clerk, one_stop, rows):
    """If a citizen denies having received a delivered message, one button must open a filled-in complaint form."""
    one_stop.both(9, code_of(NHA_TRANG, "0007"), applicant_phone=PHONE)
    take_in()
    went(rows, "delivered")
    page = clerk.get(typed(clerk, "0007").headers["location"]).text
    (button,) = re.findall(r'<a href="([^"]+)">Công dân nói chưa nhận</a>', page)
    form = clerk.get(html.unescape(button).partition("#")[0]).text
    form = form[form.index("Ghi nhận một phản ánh") : form.index("</details>")]
    chosen = re.findall(r'<option value="(\w[^"]*)" selected>', form)
    assert chosen == [NHA_TRANG, "desk", "never_received"]
    assert f'value="{code_of(NHA_TRANG, "0007")}"' in form


@pytest.mark.guarantee("dossiers", "only the Department sees the codes and English texts that providers answer")
def test_codes_and_english_of_providers_are_for_the_department(clerk, one_stop, rows):
    one_stop.both(9, code_of(NHA_TRANG, "0007"), applicant_phone=PHONE)
    take_in()
    went(rows, "undelivered")
    address = typed(clerk, "0007").headers["location"]
    for role, told in (("clerk", False), ("agency", False), ("auditor", False), ("operator", True)):
        VISITING.visit_as(role, NHA_TRANG)
        file = clerk.get(address.replace("/dossiers?", "/dossiers/file?") + "&format=csv").text
        for shown in (words(clerk.get(address)), file):
            assert ("Accepted for delivery" in shown, "mã 2" in shown) == (told, told), role
    VISITING.visit_as("auditor")
    assert "926" not in words(clerk.get(address)), "an auditor must see no digit of a number"


def test_slip_prints_itself_and_says_what_9029_costs(clerk, configure):
    """The slip opens the print dialog by the only script that its headers allow, and names the price of 9029."""
    slip = clerk.get(f"/motcua/dossiers/slip?agency={NHA_TRANG}&code={code_of(NHA_TRANG, '0007')}")
    (nonce,) = re.findall(r'<script nonce="([^"]+)">[^<]*print\(\)', slip.text)
    assert f"script-src 'nonce-{nonce}'" in slip.headers["content-security-policy"]
    assert "gửi 9029 , 1.000 đồng một tin." in words(slip)
    configure(MOTCUA_INQUIRIES_FEE="0")
    assert "không mất tiền" in words(clerk.get(str(slip.url)))


# ---------------------------------------------------------------- the pages of a clerk


@pytest.mark.guarantee("pages", "a clerk has two pages, dossiers and complaints, and no way into Airflow's console")
def test_clerk_is_led_to_dossiers_and_complaints_and_to_nothing_else(clerk):
    first = clerk.get("/motcua/")
    assert first.headers["location"] == "/motcua/dossiers"
    header = clerk.get("/motcua/dossiers").text.partition("<main")[0]
    assert re.findall(r'href="(/[^"]*)"', header) == [
        "/motcua/", "/motcua/dossiers", "/motcua/complaints", "/api/v2/auth/logout"
    ]  # fmt: skip
    for path in ("alerts", "messages", "quality", "reconciliation", "settings", "statements", "users", "calendar"):
        refused = clerk.get(f"/motcua/{path}")
        assert refused.status_code == 403, path
        assert "Không có ở quầy" in words(refused)
