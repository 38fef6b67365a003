"""Test the page of complaints: recording, filters, outcome and withdrawal.

A phone number in a complaint is shown masked, and not at all to auditors.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from motcua.domain.clock import VIETNAM
from tests.ground import NHA_TRANG, TU_PHAP, type_command
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING, form_of, words

PAGE = "/motcua/complaints"


def entry(staff, **changes: str) -> dict[str, str]:
    typed = {
        "agency": NHA_TRANG,
        "dossier_code": "160915001",
        "received_at": f"{datetime.now(VIETNAM) - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "channel": "desk",
        "claim": "no_result_yet",
        "note": "Đến <b>chưa</b> có",
    }
    return form_of(staff.get(PAGE).text, "Ghi nhận một phản ánh") | typed | changes


def record(staff, **changes: str):
    return staff.post(PAGE, data=entry(staff, **changes))


def test_nothing_there_is_said_in_words(staff):
    shown = words(staff.get(PAGE))
    assert "Chưa có phản ánh nào." in shown
    assert "Không có phản ánh nào như vậy." in words(staff.get(f"{PAGE}?claim=other"))


def test_recording_keeps_who_and_when_once_however_often_the_form_is_sent(staff, rows):
    fields = entry(staff)
    answer = staff.post(PAGE, data=fields)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert (address.path, parse_qs(address.query), address.fragment) == (PAGE, {"said": ["recorded"]}, "phan-anh-1")
    page = staff.get(answer.headers["location"])
    shown = words(page)
    for expected in (
        "Đã ghi nhận phản ánh.",
        "Mời đến nhưng chưa có kết quả Chưa kiểm tra",
        "UBND TP Nha Trang · hồ sơ 160915001 (chưa thấy trong phần mềm một cửa)",
        "ghi bởi lan",
        "30 ngày qua: 1 mời đến nhưng chưa có kết quả (1 chưa kiểm tra)",
    ):
        assert expected in shown, expected
    assert "<b>chưa</b>" not in page.text
    assert "said=repeated" in staff.post(PAGE, data=fields).headers["location"]
    assert len(rows("SELECT 1 FROM motcua.complaints")) == 1
    (change,) = rows("SELECT change, changed_by FROM motcua.complaint_changes")
    assert change == {"change": "recorded", "changed_by": "lan"}


def test_what_is_wrong_is_told_and_nothing_typed_is_lost(staff, rows):
    for changes, said in (
        ({"agency": ""}, "Mã cơ quan: Thiếu giá trị."),
        ({"agency": "nobody"}, "Không có cơ quan nào có mã hoặc tên này."),
        ({"received_at": ""}, "Thời gian phản ánh: Thiếu giá trị."),
        ({"received_at": "2099-01-01T08:00"}, "Thời gian ở tương lai."),
        ({"received_at": "hôm qua"}, "Không đọc được thời gian"),
        ({"claim": "<script>"}, "Không hiểu “<script>”"),
        ({"dossier_code": "x" * 41}, "Mã hồ sơ: "),
        ({"dossier_code": "0905 123 456"}, "Mã hồ sơ: Có số điện thoại; hãy viết lại không có số."),
        ({"note": "Đến <b>chưa</b> có, gọi 0905/123/456"}, "Nội dung phản ánh: Có số điện thoại"),
    ):
        answer = record(staff, **changes)
        assert answer.status_code == 422
        assert said in words(answer)
        assert "<script>" not in answer.text
        assert "Đến &lt;b&gt;chưa" in answer.text
    assert staff.post(PAGE, data=entry(staff, decision="erase")).status_code == 400
    assert staff.post(PAGE, json=entry(staff)).status_code == 415
    assert rows("SELECT 1 FROM motcua.complaints") == []
    assert record(staff, note="ộ" * 1000).status_code == 303, "the longest note must fit into a form"


def test_outcome_and_withdrawal_are_written_and_shown(staff, rows):
    record(staff)
    page = staff.get(PAGE).text
    fields = form_of(page, "Ghi kết quả kiểm tra</summary>") | {"outcome": "upheld", "reason": "Giấy về muộn một ngày"}
    assert "said=outcome" in staff.post(PAGE, data=fields).headers["location"]
    assert "Phản ánh đúng" in words(staff.get(f"{PAGE}?state=upheld"))
    assert "Giấy về muộn một ngày lan" in words(staff.get(PAGE))
    fields = form_of(staff.get(PAGE).text, "Rút phản ánh</summary>")
    refused = staff.post(PAGE, data=fields | {"reason": " "})
    assert refused.status_code == 422
    assert "Cần ghi lý do rút." in words(refused)
    assert "Lý do: Có số điện thoại" in words(staff.post(PAGE, data=fields | {"reason": "Gọi 0905/123/456"}))
    assert "said=withdrawn" in staff.post(PAGE, data=fields | {"reason": "Ghi nhầm"}).headers["location"]
    shown = words(staff.get(PAGE))
    assert "Đã rút: Ghi nhầm lan" in shown
    assert "30 ngày qua" not in shown, "a withdrawn complaint must not be counted"
    assert staff.post(PAGE, data=fields | {"reason": "Lại"}).status_code == 422
    assert len(rows("SELECT 1 FROM motcua.complaints")) == 1


@pytest.mark.guarantee(
    "complaints", "a complaint shows its unsent message with state and reason, and is linked to it once it is sent"
)
def test_message_that_was_not_sent_is_shown_with_its_reason(staff, rows):
    rows("INSERT INTO motcua.sources (name) VALUES ('khanhhoa')")
    rows(
        "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, phone_refusal, picked_up_at)"
        " VALUES (1, %s, '160915001', 'landline', now())",
        NHA_TRANG,
    )
    rows(
        "INSERT INTO motcua.messages (kind, dossier_id, agency_code, occasion, state, reason, text, template_id,"
        " template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,"
        " next_attempt_at, changed_at)"
        " SELECT 'apology', dossier_id, agency_code, 'x', 'suppressed', 'landline', 'x', 'x', 1, '{}', false, 1, at,"
        " at, at, at, at, at FROM motcua.dossiers, (VALUES (now() - interval '1 day')) AS a (at)"
    )
    record(staff, claim="never_received")
    told = "chưa gửi tin nào. Tin xin lỗi số 1 nay: không gửi – Số cố định, không nhận được tin nhắn."
    assert f"Trước lúc phản ánh {told}" in words(staff.get(PAGE))
    assert rows("SELECT message_id FROM motcua.complaints") == [{"message_id": None}]
    listed = type_command("complaints", "list", exits=None, columns=300)
    # The command prints these words in a column, over several lines.
    expected = "(not sent then) 1 apology: Không gửi – Số cố định, không nhận được tin nhắn"
    assert set(expected.split()) <= set(listed.output.split())
    rows("UPDATE motcua.messages SET planned_at = now() + interval '1 hour'")
    assert "Không có tin nhắn nào của hồ sơ này trước lúc phản ánh." in words(staff.get(PAGE))


def test_report_that_is_there_already_is_kept_shown_as_a_repeat_and_not_counted(staff):
    """A complaint that repeats an earlier one is stored and marked, but does not count in the totals."""
    assert "said=recorded" in record(staff).headers["location"]
    answer = record(staff, channel="hotline", note="Gọi lại")
    assert "said=alike" in answer.headers["location"]
    shown = words(staff.get(answer.headers["location"]))
    for expected in (
        "Phản ánh này trùng với một phản ánh đã có",
        "trùng với số 1, không đếm",
        "Kết quả kiểm tra ghi ở phản ánh số 1.",
        "30 ngày qua: 1 mời đến nhưng chưa có kết quả (1 chưa kiểm tra) 1 trùng, không đếm",
    ):
        assert expected in shown, expected
    assert staff.get(f"{PAGE}?state=repeated").text.count('<li id="phan-anh-') == 1
    assert "said=recorded" in record(staff, claim="wrong_content").headers["location"]


def test_filters_narrow_the_list_and_stay_after_a_change(staff):
    record(staff)
    record(staff, agency=TU_PHAP, claim="wrong_person", dossier_code="")
    day = f"{datetime.now(UTC).astimezone(VIETNAM):%Y-%m-%d}"
    for query, number in (
        ("", 2),
        (f"agency={TU_PHAP}", 1),
        ("agency=H32.30", 1),
        ("claim=wrong_person", 1),
        ("state=open", 2),
        ("state=upheld", 0),
        ("state=unlinked", 2),
        (f"until={day}", 2),
        ("since=2099-01-01", 0),
        ("page=000001000999999999999999999", 2),
    ):
        assert staff.get(f"{PAGE}?{query}").text.count('<li id="phan-anh-') == number, query
    assert staff.get(f"{PAGE}?agency=nobody").status_code == 404
    for query, fault in (
        ("since=x", "Không đọc được ngày “x”"),
        ("since=2026-11-25&until=2026-11-24", "Ngày đầu sau ngày cuối"),
        ("claim=x", "Không có loại phản ánh “x”."),
        ("state=x", "Không có tình trạng “x”."),
    ):
        answer = staff.get(f"{PAGE}?{query}")
        assert answer.status_code == 400
        assert fault in words(answer)
        assert "bỏ lọc" in words(answer)
        assert '<li id="phan-anh-' not in answer.text
        assert "Chưa có phản ánh nào" not in words(answer)
        assert staff.get(f"{PAGE}/file?format=csv&{query}").status_code == 400
    fields = form_of(staff.get(f"{PAGE}?agency={TU_PHAP}&state=open").text, "Rút phản ánh</summary>")
    location = staff.post(PAGE, data=fields | {"reason": "Ghi nhầm"}).headers["location"]
    assert parse_qs(urlsplit(location).query)["agency"] == [TU_PHAP]


@pytest.mark.guarantee(
    "complaints",
    "no complaint and no reason given for an act holds a phone number; a number stored earlier is shown to nobody",
)
def test_number_that_was_recorded_before_is_shown_to_nobody(staff, rows):
    record(staff, dossier_code="2016/0001")
    rows("ALTER TABLE motcua.complaints DISABLE TRIGGER keep_complaint")
    rows("UPDATE motcua.complaints SET dossier_code = '0905 123 456', note = 'gọi 0905/123/456'")
    for may in (True, False):
        VISITING.visit_as("operator" if may else "auditor")
        shown = words(staff.get(PAGE))
        assert ("hồ sơ 09•• ••• 456" in shown, "gọi 09•• ••• 456" in shown) == (may, may)
        assert "123" not in shown
        assert may or "456" not in shown, "an auditor must see no digit of the number"


def test_auditor_sees_no_code_that_somebody_typed_and_no_dossier_has(staff, made):
    """Auditors see a typed code only if a dossier has this code, because clerks may type a name instead.

    The view audit.complaints has the same rule.
    """
    made.dossier("160915001")
    record(staff)
    record(staff, dossier_code="Nguyễn Văn Tèo 1990", claim="other")
    for role in ("operator", "auditor"):
        VISITING.visit_as(role)
        page = words(staff.get(PAGE))
        files = [staff.get(f"{PAGE}/file?format={form}") for form in ("csv", "xlsx")]
        shown = " ".join([page, *(cell for file in files for row in read_file(file).rows for cell in row)])
        assert shown.count("160915001") == 3
        assert ("Nguyễn Văn Tèo" in shown) == (role == "operator")
    assert "Không có phản ánh nào như vậy." in words(staff.get(f"{PAGE}?q=Tèo"))


def test_outcome_that_somebody_else_wrote_meanwhile_is_not_written_over_unseen(staff, rows):
    """If two people record an outcome of one complaint, the second sees the first outcome and keeps what he typed."""
    record(staff)
    place = "Ghi kết quả kiểm tra</summary>"
    first, second = (form_of(staff.get(PAGE).text, place) for _ in range(2))
    first |= {"outcome": "upheld", "reason": "Giấy về muộn một ngày"}
    second |= {"outcome": "not_upheld", "reason": "Công dân đã nhận"}
    assert "said=outcome" in staff.post(PAGE, data=first).headers["location"]
    VISITING.visit_as("operator", name="minh")
    refused = staff.post(PAGE, data=second)
    assert refused.status_code == 422
    for expected in ("người khác đã ghi kết quả kiểm tra", "Giấy về muộn một ngày lan", "Công dân đã nhận"):
        assert expected in words(refused), expected
    assert '<option value="not_upheld" selected>' in refused.text
    (kept,) = rows("SELECT outcome, outcome_by FROM motcua.complaints")
    assert kept == {"outcome": "upheld", "outcome_by": "lan"}
    again = form_of(refused.text, place) | {"outcome": "not_upheld", "reason": "Công dân đã nhận"}
    assert "said=outcome" in staff.post(PAGE, data=again).headers["location"]
    (kept,) = rows("SELECT outcome, outcome_by FROM motcua.complaints")
    assert kept == {"outcome": "not_upheld", "outcome_by": "minh"}
    assert staff.post(PAGE, data=again | {"seen": "hôm qua"}).status_code == 400
