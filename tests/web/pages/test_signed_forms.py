"""What is written on the pages is signed by whoever is signed in; an account that several people use writes nothing."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from motcua.web.pages import create_pages
from tests.ground import NHA_TRANG
from tests.web.visiting import Visiting

FORMS = {
    "/alerts": {"name": "source_failing", "subject": "khanhhoa"},
    "/alerts/gap": {"gap": "1", "became": "let_go", "reason": "tắt máy"},
    "/complaints": {"decision": "withdraw", "complaint": "1", "reason": "Ghi nhầm"},
    "/dossiers/search": {"q": "0905123456"},
    "/messages/unknown": {"decision": "release", "held": "1", "reason": "Đã hỏi nhà mạng"},
    "/quality/agency": {"code": NHA_TRANG, "finding": "1", "decision": "take_back"},
    "/quality/sources": {"source": "khanhhoa", "written": "77", "stands_for": "9"},
    "/quality/sources/exports": {"source": "tep", "no": "1", "reason": "Đúng vậy"},
    "/quality/sources/exports/form": {"source": "tep", "decision": "save"},
    "/quality/sources/exports/sent": {"source": "tep", "decision": "keep"},
    "/quality/sources/exports/upload": {"source": "tep"},
    "/requests": {"no": "1"},
    "/settings/phones/check": {"token": ""},
    "/statements": {"decision": "set_aside", "refusal": "1", "reason": "Nhầm"},
    "/statements/upload": {"form": "kannel"},
    "/settings/agency": {"code": NHA_TRANG, "decision": "save", "seen": "1"},
    "/users": {"decision": "give", "user": "hoa", "agency": NHA_TRANG, "sure": "yes"},
}
"""Route that takes a form → one that would be written."""
KEPT = (
    *("alerts WHERE acknowledged_by IS NOT NULL", "complaint_changes", "phone_searches", "releases"),
    *(
        "finding_acknowledgements",
        "finding_rechecks",
        "status_map_changes",
        "user_agency_changes",
        "statement_uploads",
        "refused_statements",
        "page_requests",
    ),
)


def test_every_route_that_takes_a_form_is_asked():
    posting = {
        route.path
        for route in create_pages().routes
        if isinstance(route, APIRoute) and not route.methods <= {"GET", "HEAD"}
    }
    assert posting == set(FORMS)


@pytest.mark.guarantee("pages", "what is written on the pages is signed by a person, never by a shared account")
@pytest.mark.parametrize("name", ["admin", "xem", "co-quan", "airflow", "Anonymous", ""])
def test_shared_account_writes_nothing_and_reads_what_to_do(agencies, rows, name):
    with TestClient(Visiting(name, "operator", None).mount(), follow_redirects=False) as http:
        http.cookies.set("_token", "a-session")
        page = http.get("/motcua/calendar")
        token = re.search(r'name="token" value="([^"]+)"', page.text)
        assert page.status_code == 200, "it may look"
        assert token is not None
        # Nothing is written, so that each finds the ledger as the one before it did.
        refused = {path: http.post(f"/motcua{path}", data=form | {"token": token[1]}) for path, form in FORMS.items()}
    assert {path: answer.status_code for path, answer in refused.items()} == dict.fromkeys(FORMS, 403)
    words = "Hãy đăng nhập bằng tài khoản của chính bạn"
    assert [path for path, answer in refused.items() if words not in answer.text] == []
    assert [rows(f"SELECT 1 FROM motcua.{table}") for table in KEPT] == [[]] * len(KEPT)


def test_code_is_looked_for_by_anybody_since_nothing_is_written(agencies):
    with TestClient(Visiting("xem", "operator", None).mount(), follow_redirects=False) as http:
        http.cookies.set("_token", "a-session")
        token = re.search(r'name="token" value="([^"]+)"', http.get("/motcua/calendar").text)[1]  # type: ignore[index]
        found = http.post("/motcua/dossiers/search", data={"q": "000.00.30.H32-261125-0001", "token": token})
    assert found.status_code == 303
