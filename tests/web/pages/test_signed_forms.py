"""Test that each form writes under the name of the person who is signed in.

A shared account, or a form of another session or site, must write nothing.
"""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from tests.ground import NHA_TRANG
from tests.web.visiting import VISITING, token_of

FORMS = {
    "/alerts": {"name": "source_failing", "subject": "khanhhoa"},
    "/alerts/gap": {"gap": "1", "became": "let_go", "reason": "tắt máy", "sure": "yes"},
    "/calendar": {"decision": "doubt", "year": "2026", "sure": "yes"},
    "/complaints": {"decision": "withdraw", "complaint": "1", "reason": "Ghi nhầm"},
    "/dossiers/search": {"q": "0905123456"},
    "/messages/unknown": {"decision": "release", "held": "1", "reason": "Đã hỏi nhà mạng"},
    "/quality/findings": {"code": NHA_TRANG, "finding": "1", "decision": "take_back"},
    "/quality/sources": {"source": "khanhhoa", "written": "77", "stands_for": "9"},
    "/quality/sources/exports": {"source": "tep", "no": "1", "reason": "Đúng vậy"},
    "/quality/sources/exports/form": {"source": "tep", "decision": "save"},
    "/quality/sources/exports/sent": {"source": "tep", "decision": "keep"},
    "/quality/sources/exports/upload": {"source": "tep"},
    "/reconciliation": {"publication": "1"},
    "/requests": {"no": "1"},
    "/settings/phones/check": {"token": ""},
    "/statements": {"decision": "set_aside", "refusal": "1", "reason": "Nhầm"},
    "/statements/upload": {"form": "kannel"},
    "/stops": {"decision": "stop", "until": "2999-01-01T08:00", "reason": "Sai tên", "sure": "yes"},
    "/settings/agency": {"code": NHA_TRANG, "decision": "save", "seen": "1"},
    "/users": {"decision": "give", "user": "hoa", "agency": NHA_TRANG, "sure": "yes"},
}
"""For each route that accepts a form, fields that would be stored if a signed-in person sent them."""
ABOUT_WHAT_IS_THERE = {"/quality/findings", *(path for path in FORMS if path.startswith("/quality/sources/exports/"))}
ABOUT_WHAT_IS_THERE |= {"/settings/phones/check", "/statements/upload"}
"""Routes whose forms need a quality run, an account or a file. Tests of their pages send the forged forms."""
KEPT = (
    "alerts WHERE acknowledged_by IS NOT NULL",
    *("complaint_changes", "finding_acknowledgements", "finding_rechecks", "page_requests", "phone_searches"),
    *("refused_statements", "releases", "statement_uploads", "stops", "status_map_changes", "user_agency_changes"),
)


def test_every_route_that_takes_a_form_is_asked(app):
    pages = [route for route in app.routes[-1].app.routes if isinstance(route, APIRoute)]
    assert {page.path for page in pages if not page.methods <= {"GET", "HEAD"}} == set(FORMS)


@pytest.mark.guarantee(
    "pages", "a command or page that decides something is signed by a person, never by a shared account"
)
def test_form_of_a_shared_account_another_session_or_another_site_writes_nothing(staff, rows):
    token = token_of(staff)
    person, old = "Hãy đăng nhập bằng tài khoản của chính bạn", "Trang đã cũ"
    for name, sent, site, session, words in (
        ("admin", token, "same-origin", "a-session", person),
        ("", token, "same-origin", "a-session", person),
        ("lan", "0" * 64, "same-origin", "a-session", old),
        ("lan", token, "same-origin", "another-session", old),
        ("lan", token, "cross-site", "a-session", old),
    ):
        VISITING.visit_as("operator", name=name)
        staff.cookies.set("_token", session)
        assert staff.get("/motcua/calendar").status_code == 200, "a shared account may open pages"
        headers = {"Sec-Fetch-Site": site}
        # No form writes anything, so all forms find the same ledger.
        refused = {
            path: staff.post(f"/motcua{path}", data=form | {"token": sent}, headers=headers)
            for path, form in FORMS.items()
            if words == person or path not in ABOUT_WHAT_IS_THERE
        }
        assert {path: answer.status_code for path, answer in refused.items()} == dict.fromkeys(refused, 403)
        assert [path for path, answer in refused.items() if words not in answer.text] == []
    assert [rows(f"SELECT 1 FROM motcua.{table}") for table in KEPT] == [[]] * len(KEPT)


def test_code_is_looked_for_by_anybody_since_nothing_is_written(staff):
    """A shared account may search for a dossier code, because this search writes nothing."""
    VISITING.visit_as("operator", name="xem")
    sent = {"q": "000.00.30.H32-261125-0001", "token": token_of(staff)}
    assert staff.post("/motcua/dossiers/search", data=sent).status_code == 404, "the search must run and find nothing"


def test_authority_that_is_refused_stays_in_its_field(staff):
    """An announcement with a phone number is refused, but its text must stay in the field for correction."""
    typed = "Thông báo 9441/TB-BNV, gọi 0905 123 456"
    fields = {"token": token_of(staff), "decision": "confirm", "year": "2026", "authority": typed}
    answer = staff.post("/motcua/calendar", data=fields)
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text


def test_nul_in_an_address_or_a_form_is_refused_and_no_internal_error(staff, configure):
    configure(MOTCUA_SOURCES="tep=files")
    token = {"token": token_of(staff)}
    for address in ("reconciliation?agency=%00", "quality/sources/check?source=%00"):
        assert staff.get(f"/motcua/{address}").status_code == 400, address
    for page, fields in (
        ("settings/agency", {"code": NHA_TRANG, "decision": "try", "seen": "1", "procedure": "\x00"}),
        ("quality/sources", {"source": "\x00", "written": "77", "stands_for": "3"}),
    ):
        assert staff.post(f"/motcua/{page}", data=token | fields).status_code in (400, 409), page
