"""Test page requests that take effect later: each is carried out an hour after the mail to the Department."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.mailing import MailServerFailed
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.page_requests import carry_out_requests
from motcua.jobs.tasks.settle_messages import gate, settle_run
from motcua.store.notices.sources import map_status
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger, red_gate
from tests.web.pages.conftest import DEPARTMENT
from tests.web.visiting import VISITING, token_of, words

SOURCES, UNKNOWN, REQUESTS = "/motcua/quality/sources", "/motcua/messages/unknown", "/motcua/requests"


@pytest.fixture
def waiting(staff: Any, one_stop: Any) -> Any:
    """Read a source with three dossiers whose status is unknown, and return the source."""
    for number in range(3):
        one_stop.both(11, f"cho {number}", NHA_TRANG)
    pick_up("khanhhoa", EVERYTHING, NOW)
    return one_stop


def map_to(staff: Any, status: int, written: int = 11) -> Any:
    """Send the form that maps a status of the source to a status of the source contract."""
    form = {"source": "khanhhoa", "written": str(written), "stands_for": str(status)}
    return staff.post(SOURCES, data=form | {"token": token_of(staff)})


def mapped(rows: Any) -> list[tuple[int, int]]:
    """Return each mapped status of the sources, with the contract's status that it means."""
    return [(each["source_status"], each["status_code"]) for each in rows("SELECT * FROM motcua.status_maps")]


@pytest.mark.guarantee(
    "requests",
    "mapping a status to a result takes effect an hour after a mail told the Department how many dossiers it concerns",
)
def test_status_is_mapped_to_a_result_an_hour_after_the_department_was_mailed(
    waiting, staff, rows, mailbox, an_hour_later
):
    sent = map_to(staff, 9)
    assert sent.headers["location"] == f"{SOURCES}?said=asked"
    assert mapped(rows) == []
    page = words(staff.get(SOURCES))
    assert "Khai trạng thái 11 của nguồn khanhhoa nghĩa là 9 Đã xử lý xong" in page
    assert "Đang chờ báo cho Sở bằng thư" in page
    carry_out_requests()
    carry_out_requests()
    ((recipient, subject, text),) = mailbox
    assert recipient == DEPARTMENT
    assert "1 yêu cầu sẽ có hiệu lực lúc" in subject
    assert "nhiều nhất 3 hồ sơ đang chờ" in text
    assert "lan yêu cầu lúc" in text
    assert mapped(rows) == [], "the hour must be over first"
    assert "Sẽ có hiệu lực lúc" in words(staff.get(SOURCES))
    assert "1 yêu cầu trên trang web đang chờ, sớm nhất có hiệu lực lúc" in words(staff.get("/motcua/"))
    an_hour_later()
    assert mapped(rows) == [(11, 9)]
    assert rows("SELECT status_before, status_code, changed_by FROM motcua.status_map_changes") == [
        {"status_before": None, "status_code": 9, "changed_by": "lan"}
    ]
    assert "đã có hiệu lực" in words(staff.get(REQUESTS))
    kept = rows("SELECT asked_by, outcome, told FROM audit.page_requests")
    assert kept == [{"asked_by": "lan", "outcome": "done", "told": {"dossiers": {NHA_TRANG: 3}}}]


@pytest.mark.guarantee("requests", "a request can be withdrawn on the page until it is done")
def test_request_that_was_withdrawn_is_never_done(waiting, staff, rows, mailbox, an_hour_later):
    map_to(staff, 9)
    carry_out_requests()
    assert map_to(staff, 5).headers["location"] == f"{SOURCES}?said=asked_before"
    VISITING.visit_as("operator", name="minh")
    form = re.search(r'action="/motcua/requests">(.*?)</form>', staff.get(SOURCES).text, re.DOTALL)
    assert form is not None
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1]))
    assert staff.post(REQUESTS, data=fields | {"token": "x"}).status_code == 403
    assert staff.post(REQUESTS, data=fields).headers["location"] == f"{REQUESTS}?said=withdrawn"
    assert staff.post(REQUESTS, data=fields).headers["location"] == f"{REQUESTS}?said=too_late"
    an_hour_later()
    assert mapped(rows) == []
    assert "đã rút lại (minh)" in words(staff.get(REQUESTS))
    assert "Không có yêu cầu nào đang chờ" in words(staff.get(REQUESTS))


@pytest.mark.guarantee("requests", "a request whose mail no server accepted is not carried out, and the run reports it")
def test_request_is_not_done_while_no_mail_reaches_the_department(waiting, staff, rows, mailbox, monkeypatch):
    def away() -> Any:
        raise MailServerFailed("away")

    with monkeypatch.context() as patched:
        patched.setattr("motcua.jobs.mailing.mail_server", away)
        map_to(staff, 9)
        counts = carry_out_requests()
        assert (counts.told, counts.untold) == (0, 1)
    with red_gate(r"1 request\(s\) of the pages wait.*away"):
        gate(EVERYTHING)
    assert "Chưa báo được cho Sở bằng thư" in words(staff.get(REQUESTS))
    assert rows("SELECT told_at FROM motcua.page_requests") == [{"told_at": None}]
    assert "requests" not in settle_run("backfill", Window(NOW, NOW)), "a backfill must carry out no request"
    assert settle_run("run", EVERYTHING)["requests"]["told"] == 1
    assert mapped(rows) == []


@pytest.mark.guarantee(
    "requests",
    "ending the mapping of a status to a result is a request, too; a mapping that texts nobody takes effect at once",
)
def test_mapping_away_from_a_result_is_asked_for_and_others_are_done_at_once(
    waiting, staff, rows, mailbox, an_hour_later
):
    assert map_to(staff, 4).headers["location"] == f"{SOURCES}?said=mapped"
    assert mapped(rows) == [(11, 4)]
    assert map_to(staff, 9).headers["location"] == f"{SOURCES}?said=asked"
    in_ledger(map_status, "khanhhoa", 11, 5, "minh")
    carry_out_requests()
    assert an_hour_later().ended == {"changed": 1}, "the request must end, as the status was mapped meanwhile"
    assert mapped(rows) == [(11, 5)]
    assert map_to(staff, 4).headers["location"] == f"{SOURCES}?said=asked"
    assert mapped(rows) == [(11, 5)]
    carry_out_requests()
    assert "sẽ không còn được báo" in mailbox[-1][2]


@pytest.mark.guarantee("requests", "status codes 1-10 belong to the source contract and are never mapped")
def test_code_of_the_contract_is_refused_on_the_page(waiting, staff, rows):
    for written in range(1, 11):
        for stands_for in (5, 9, 4, written):
            assert map_to(staff, stands_for, written).status_code == 400
    assert mapped(rows) == []
    assert rows("SELECT 1 FROM motcua.page_requests") == []


def test_what_an_earlier_version_mapped_shows_its_end_and_is_taken_back(waiting, staff, rows, mailbox, an_hour_later):
    """The page must show the last day of a mapping that is no longer allowed. The Department may end it earlier."""
    _map_as_before(rows, 2, 9)
    page = words(staff.get(SOURCES))
    assert "Mã từ 1 đến 10 là mã quốc gia, không khai lại được" in page
    assert "hết hiệu lực từ" in page
    assert "Khai báo về mã trạng thái quốc gia sắp hết hiệu lực: nguồn khanhhoa mã 2" in words(staff.get("/motcua/"))
    assert map_to(staff, 4, 2).status_code == 400
    assert map_to(staff, 2, 2).headers["location"] == f"{SOURCES}?said=asked"
    carry_out_requests()
    assert an_hour_later().ended == {"done": 1}
    assert "hết hiệu lực từ" not in words(staff.get(SOURCES))
    assert rows("SELECT status_before, status_code FROM motcua.status_map_changes") == [
        {"status_before": 9, "status_code": 2}
    ]


@pytest.mark.guarantee(
    "requests",
    "a mapping of one of the contract's status codes, which an earlier version allowed, ends on an announced date",
)
def test_what_an_earlier_version_mapped_ends_on_its_date(one_stop, agencies, rows):
    one_stop.both(2, "cu", NHA_TRANG)
    pick_up("khanhhoa", EVERYTHING, NOW)
    _map_as_before(rows, 2, 9)
    (ends,) = rows("SELECT ends_at FROM motcua.status_meanings")
    one_stop.move(2, "cu", NHA_TRANG)
    pick_up("khanhhoa", EVERYTHING, NOW + timedelta(hours=1))
    one_stop.move(2, "cu", NHA_TRANG)
    pick_up("khanhhoa", EVERYTHING, ends["ends_at"])
    steps = rows("SELECT status_code FROM motcua.transitions ORDER BY source_transition_id")
    assert [each["status_code"] for each in steps] == [2, 9, 2]


def _map_as_before(rows: Any, written: int, stands_for: int) -> None:
    """Insert a mapping that version 0.2.0 allowed and the present ledger forbids."""
    name = "codes_of_the_contract_are_not_mapped"
    rows(f"ALTER TABLE motcua.status_maps DROP CONSTRAINT {name}")
    rows(
        "INSERT INTO motcua.status_maps (source_id, source_status, status_code, ends_at)"
        " VALUES (1, %s, %s, now() + interval '30 days')",
        written,
        stands_for,
    )
    rows(
        f"ALTER TABLE motcua.status_maps ADD CONSTRAINT {name}"
        " CHECK (source_status NOT BETWEEN 1 AND 10 OR status_code = source_status) NOT VALID"
    )


@pytest.mark.guarantee(
    "requests",
    "recipients of reports change an hour after the Department was mailed; the request then holds no address",
)
def test_recipients_are_changed_an_hour_after_the_department_was_mailed(staff, rows, mailbox, an_hour_later):
    VISITING.visit_as("agency", NHA_TRANG, name="hoa")
    address = f"/motcua/settings/agency?code={NHA_TRANG}"
    sent = staff.post(
        "/motcua/settings/agency", data=_settings_form(staff.get(address)) | {"report_recipients": "moi@x.vn"}
    )
    assert sent.headers["location"].endswith("said=asked")
    assert _recipients(rows) == []
    page = words(staff.get(address))
    assert "Đổi người nhận báo cáo chất lượng của" in page
    carry_out_requests()
    assert "Sẽ là: moi@x.vn." in mailbox[0][2]
    assert rows("SELECT told FROM motcua.page_requests") == [{"told": {"before": 0, "after": 1}}]
    again = staff.post(
        "/motcua/settings/agency", data=_settings_form(staff.get(address)) | {"report_recipients": "b@x.vn"}
    )
    assert again.status_code == 409
    assert "Đã có yêu cầu đổi người nhận đang chờ" in words(again)
    VISITING.visit_as("agency", TU_PHAP)
    assert "Đổi người nhận" not in words(staff.get(REQUESTS)), "an agency must not see another agency's request"
    (number,) = rows("SELECT request_no FROM motcua.page_requests")
    fields = {"token": token_of(staff), "no": str(number["request_no"])}
    assert staff.post(REQUESTS, data=fields).status_code == 403
    an_hour_later()
    assert _recipients(rows) == ["moi@x.vn"]
    assert rows("SELECT wanted ? 'addresses' AS held FROM motcua.page_requests") == [{"held": False}]
    (change,) = rows("SELECT changed_by, by_department FROM motcua.agency_changes ORDER BY change_id DESC LIMIT 1")
    assert change == {"changed_by": "hoa", "by_department": False}


def _recipients(rows: Any) -> list[str]:
    (row,) = rows("SELECT report_recipients FROM motcua.agencies WHERE agency_code = %s", NHA_TRANG)
    return list(row["report_recipients"])


def _settings_form(page: Any) -> dict[str, str]:
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text.partition("card settings")[2])
    )
    sent = {"token": hidden["token"], "code": NHA_TRANG, "seen": hidden["seen"], "seen_recipients": ""}
    return sent | {"decision": "save", "accented": "no", "result_hold": "PT15M", "apology_day": "calendar"}


@pytest.mark.guarantee(
    "requests", "messages of unknown outcome are released an hour after the Department was mailed about the request"
)
def test_messages_are_let_go_an_hour_after_the_department_was_mailed(staff, rows, made, mailbox, an_hour_later):
    soon = datetime.now(UTC) + timedelta(hours=5)
    held = [made.held(f"H{number}", useful_until=soon) for number in range(2)]
    form = [("token", token_of(staff)), ("reason", "Đã hỏi nhà mạng"), ("decision", "release")]
    body = urlencode([*form, *(("held", str(each)) for each in held)])
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert staff.post(UNKNOWN, content=body, headers=kind).headers["location"] == f"{UNKNOWN}?said=asked"
    page = words(staff.get(UNKNOWN))
    assert "Cho gửi lại 2 tin chưa rõ kết quả" in page
    assert "đã yêu cầu" in page
    carry_out_requests()
    assert "2 tin có kết quả" in mailbox[0][2]
    assert {each["state"] for each in rows("SELECT state FROM motcua.messages")} == {"unknown"}
    assert an_hour_later().ended == {"done": 1}
    assert {each["state"] for each in rows("SELECT state FROM motcua.messages")} == {"queued"}
    assert {each["released_by"] for each in rows("SELECT released_by FROM motcua.releases")} == {"lan"}
