"""Test every page at each width and on paper.

The accessibility checker axe finds no fault, no other host is called, and nothing is cut off.
"""

from __future__ import annotations

from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute

from motcua.web.pages import create_pages
from tests.ground import NHA_TRANG
from tests.journeys.conftest import SIZES
from tests.journeys.office import HOSTILE, USERS, sign_in
from tests.journeys.reading import clipped_on_paper, faults, findings, not_skipped, untold

pytestmark = pytest.mark.alone

ADDRESSES = (
    "",
    "?day=2020-01-01",
    "alerts",
    "apologies",
    "apologies/letters",
    "calendar",
    f"calendar?agency={NHA_TRANG}",
    "calendar?year=1",
    "checks/identity",
    "checks/khong-co",
    "complaints",
    "complaints?since=x",
    "dossiers",
    "dossiers?code=khong-co",
    f"dossiers?agency={NHA_TRANG}&code={quote(HOSTILE)}",
    f"dossiers/slip?agency={NHA_TRANG}&code={quote(HOSTILE)}",
    "dossiers/found?dossier=1&dossier=2",
    "messages",
    "messages?sort=state&q=ho",
    "messages?state=expired",
    "messages?agency=-",
    "messages/inquiries",
    "messages/unknown",
    "quality",
    f"quality/findings?code={NHA_TRANG}",
    "quality/sources",
    "quality/sources/check?source=khanhhoa",
    "quality/sources/exports",
    "quality/sources/exports/form?source=khanhhoa",
    "quality/findings?part=faults&state=to_do",
    "reconciliation",
    "reconciliation/closings",
    "reconciliation/rows?closing=1&figure=delivered",
    "requests",
    "run?dag_id=notify_transitions&run_id=nothing",
    "settings",
    f"settings/agency?code={NHA_TRANG}",
    f"settings/phones?code={NHA_TRANG}",
    "statements",
    "stops",
    "users",
    "nothing",
)
"""Addresses below ``/motcua/`` of pages with content, of empty pages, and of pages that refuse the request."""
_FILES = ("/apologies/letters/filled", "/reconciliation/rows.csv", "/reconciliation/rows.xlsx")
_LEADS_ON = {"/sending", "/quality/agency"}


def test_every_page_is_among_those_that_are_looked_at():
    looked_at = {"/" + address.partition("?")[0] for address in ADDRESSES}
    missed = {
        route.path
        for route in create_pages().routes
        if isinstance(route, APIRoute)
        and "GET" in route.methods
        and route.path not in _FILES
        and not route.path.endswith("/file")
        and not any(route.path_regex.match(address) for address in looked_at)
    } - _LEADS_ON
    assert sorted(missed) == []


@pytest.mark.guarantee(
    "pages",
    "pages load nothing from other hosts, fit 320 px and A4, label tables; axe finds no more than minor faults",
)
@pytest.mark.parametrize("size", SIZES)
def test_page_is_whole_and_can_be_used_by_everybody(office, open_page, elsewhere, size):
    page = open_page(size)
    sign_in(page, office, "lan", "motcua/calendar")
    wrong = []
    for address in ADDRESSES:
        page.goto(f"{office.url}motcua/{address}")
        # At 320 px, axe would only repeat what it finds at 390 px.
        found = [] if size == "narrowest" else findings(page)
        if size == "wide":
            found += [*untold(page), *clipped_on_paper(page), *not_skipped(page)]
        wrong += [f"{address}: {each}" for each in [*faults(page), *found]]
    assert wrong == []
    assert elsewhere == []


@pytest.mark.parametrize("user", [user for user in USERS if user != "lan"])
def test_page_is_whole_for_every_role(office, open_page, elsewhere, user):
    page = open_page("narrow")
    sign_in(page, office, user, "motcua/calendar")
    wrong = []
    for address in ADDRESSES:
        page.goto(f"{office.url}motcua/{address}")
        wrong += [f"{address}: {each}" for each in faults(page)]
    assert wrong == []
    assert elsewhere == []


@pytest.mark.guarantee("pages", "pages can be used with the keyboard only")
def test_keyboard_leads_past_the_header_to_the_content_and_to_every_entry(office, open_page):
    page = open_page("wide")
    sign_in(page, office, "lan", "motcua/calendar")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Đến nội dung"
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))
    assert reached[1:9] == ["Tổng quan", "Hồ sơ", "Tin nhắn", "Chất lượng", "Báo cáo", "Thiết lập", "q", "Tìm"]
    page.goto(f"{office.url}motcua/calendar")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#noi-dung")
