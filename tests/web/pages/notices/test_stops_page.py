"""Test the tab Tạm dừng gửi: the Department stops messages and ends a stop, each after a preview of its effect."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from motcua.domain.clock import VIETNAM
from tests.ground import NHA_TRANG, NOW, TU_PHAP
from tests.web.visiting import VISITING, token_of, words

PAGE = "/motcua/stops"


def form_of(page: Any, button: str) -> dict[str, str]:
    """Return the hidden fields of the form with this button, and the field ``decision`` that the button adds."""
    (form,) = [each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if f">{button}<" in each]
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    decision = re.search(r'<button[^>]* name="decision" value="(\w+)"', form)
    assert decision is not None
    return {name: html.unescape(value) for name, value in fields.items()} | {"decision": decision[1]}


def asked(staff: Any, **changes: str) -> dict[str, str]:
    until = f"{datetime.now(VIETNAM) + timedelta(hours=3):%Y-%m-%dT%H:%M}"
    given = {"kind": "result", "agency": NHA_TRANG, "until": until, "reason": "Sai tên", "decision": "stop"}
    return {"token": token_of(staff)} | given | changes


@pytest.mark.guarantee(
    "stops",
    "the Department stops sending on a page that first shows what the stop covers; the signed stop works at once",
)
def test_stop_and_its_end_are_looked_at_first_and_then_in_force_at_once(staff, made, rows):
    held, other = made.message("D1", state="queued"), made.message("D2", TU_PHAP, state="queued")
    rows("SET session_replication_role = 'origin'")
    look = staff.post(PAGE, data=asked(staff))
    assert "Tạm dừng gửi tin có kết quả của cơ quan" in words(look)
    assert "1 tin đang xếp hàng sẽ chờ" in words(look)
    assert rows("SELECT 1 FROM motcua.stops") == []
    assert staff.post(PAGE, data=form_of(look, "Tạm dừng gửi")).headers["location"] == f"{PAGE}?said=stopped"
    (stop,) = rows("SELECT kind, agency_code, stopped_by, reason, ended_at FROM motcua.stops")
    assert stop == {
        "kind": "result", "agency_code": NHA_TRANG, "stopped_by": "lan", "reason": "Sai tên", "ended_at": None,
    }  # fmt: skip
    stopped = "SELECT message_id FROM motcua.messages WHERE motcua.stopped_until(kind, agency_code, now()) IS NOT NULL"
    assert rows(stopped) == [{"message_id": held}]
    # The update does what a sending process does with a message that a stop covers: it puts the message on hold.
    rows(
        "UPDATE motcua.messages SET reason = 'stopped', next_attempt_at = now() + interval '3 hours'"
        " WHERE message_id = %s",
        held,
    )
    VISITING.visit_as("operator", name="minh")
    go = staff.post(PAGE, data=form_of(staff.get(PAGE), "Gửi tiếp"))
    assert "1 tin đang chờ được gửi ngay" in words(go)
    assert rows("SELECT 1 FROM motcua.stops WHERE ended_at IS NOT NULL") == []
    confirmed = form_of(go, "Gửi tiếp")
    assert staff.post(PAGE, data=confirmed).headers["location"] == f"{PAGE}?said=gone"
    assert rows("SELECT ended_by FROM motcua.stops") == [{"ended_by": "minh"}]
    waiting = rows("SELECT message_id FROM motcua.messages WHERE next_attempt_at > now()")
    assert waiting == []
    assert staff.post(PAGE, data=confirmed).status_code == 409
    kept = rows("SELECT kind, asked_by, outcome, released FROM motcua.page_requests ORDER BY request_no")
    assert kept == [
        {"kind": "stop", "asked_by": "lan", "outcome": "done", "released": None},
        {"kind": "go", "asked_by": "minh", "outcome": "done", "released": 1},
    ]
    said = words(staff.get("/motcua/requests"))
    assert "Tạm dừng gửi tin có kết quả của cơ quan" in said
    assert "1 tin đang chờ được gửi ngay." in said
    assert other


def test_end_of_a_stop_is_taken_back_as_it_was(staff, rows):
    """A stop that was ended by mistake can be set again with its kind, agency, end and reason."""
    staff.post(PAGE, data=asked(staff) | {"sure": "yes"})
    (number,) = rows("SELECT stop_id FROM motcua.stops")
    staff.post(PAGE, data={"token": token_of(staff), "decision": "go", "no": str(number["stop_id"]), "sure": "yes"})
    look = staff.post(PAGE, data=form_of(staff.get(PAGE), "Dừng lại"))
    staff.post(PAGE, data=form_of(look, "Tạm dừng gửi"))
    first, second = rows("SELECT kind, agency_code, until, reason, ended_at FROM motcua.stops ORDER BY stop_id")
    assert first | {"ended_at": None} == second


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "Cần ghi lý do."),
        ({"reason": "gọi 0905123456"}, "Lý do có số điện thoại"),
        ({"until": f"{NOW:%Y}-01-01T08:00"}, "Cần ghi giờ kết thúc"),
        ({"until": "mai"}, "Cần ghi giờ kết thúc"),
        ({"until": "2999-01-01T08:00"}, "Nhiều nhất 7 ngày"),
        ({"agency": "không có"}, "Không có cơ quan này"),
    ],
)
def test_invalid_stop_is_refused_with_the_reason(staff, rows, changes, said):
    answer = staff.post(PAGE, data=asked(staff, **changes) | {"sure": "yes"})
    assert answer.status_code == 422
    assert said in words(answer)
    assert rows("SELECT 1 FROM motcua.stops") == []


def test_only_the_department_stops_and_an_auditor_looks(staff, rows):
    staff.post(PAGE, data=asked(staff) | {"sure": "yes"})
    VISITING.visit_as("auditor")
    page = staff.get(PAGE)
    assert "Sai tên" in words(page)
    assert "<form" not in page.text.partition("<main")[2]
    assert staff.post(PAGE, data=asked(staff)).status_code == 403
    VISITING.visit_as("agency", NHA_TRANG)
    assert staff.get(PAGE).status_code == 403
