"""Test that each figure on the pages about data quality leads to exactly as many rows as the figure states."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.jobs.listing.lists import findings_of
from motcua.jobs.listing.reading import Listing
from motcua.jobs.quality.checking import check_quality
from motcua.quality.reporting import agency_report, rows_to_correct
from motcua.reports.lists import declared_list
from motcua.store.ledger.database import connect
from motcua.store.oversight.quality import acknowledge
from motcua.web.quality import quality_page
from tests.integration.quality.world import NOTHING_EXPECTED, World, at
from tests.web.visiting import VISITING

FIGURE = re.compile(r'<a href="(/motcua/quality/(?:findings|agency)\?[^"]*)#danh-sach">(?:Cộng )?(\d[\d.]*)[^<]*</a>')
LISTED = re.compile(r'<li id="loi-(\d+)">')


@pytest.fixture(scope="module")
def pages() -> Iterator[TestClient]:
    with VISITING.browse(VISITING.mount()) as http:
        yield http


@pytest.fixture
def staff(pages: TestClient) -> TestClient:
    VISITING.visit_as("operator")
    return pages


@pytest.fixture
def world(ledger: str, configure, made_once: Callable[..., None]) -> Iterator[World]:
    """Make two agencies with findings of each kind that a figure counts."""
    configure(MOTCUA_SOURCES="khanhhoa", AIRFLOW_CONN_ONESTOP_KHANHHOA="postgres://127.0.0.1:1/none")
    world = World(ledger)
    made_once("checked", None, lambda: _check_thrice(world))
    yield world
    world.connection.close()


def _check_thrice(world: World) -> None:
    """Fill the ledger and check it on three days.

    There are new, recurred, fixed, late and acknowledged findings. Some findings are signs (about an agency's month),
    some are notes (of severity ``info``), and some must be corrected by other offices than the agency.
    """
    world.source("khanhhoa", picked_up_at=at(24, 1))
    world.agency("A", name="Sở Tư pháp", province="Tỉnh Khánh Hòa")
    world.agency("B", name="UBND xã B", province="Tỉnh Khánh Hòa")
    refusals = ("missing", "landline", "dummy", None)
    for number in range(60):
        dossier = world.dossier(
            f"A{number:02}", "A", phone_refusal=refusals[number % 4], due_at=at(3 + number % 20, 17), received_at=at(2)
        )
        world.move(dossier, 4, at(2 + number % 3))
    for number in range(30):
        # These results were recorded and handed over within a minute, some of them at night.
        dossier = world.dossier(f"B{number:02}", "B", status_code=10, received_at=at(9), updated_at=at(11))
        for status, minute in ((4, 0), (9, 5), (10, 6)):
            world.move(dossier, status, at(10, 21 if number < 5 else 9, minute))
    world.dossier("B note", "B", phone_notes=["leading_zero_added"])
    check_quality("one", at(3, 5), soundness=NOTHING_EXPECTED)
    _set(world, "A00", None)
    _set(world, "A01", None)
    check_quality("two", at(17, 5), soundness=NOTHING_EXPECTED)
    _set(world, "A01", "landline")
    for number in range(4):
        world.dossier(f"B new {number}", "B", phone_refusal="missing")
    with connect() as connection:
        some = [row.finding_id for row in rows_to_correct(connection, 2, rule="P1")][:3]
        assert all(acknowledge(connection, each, "lan", "đã xem", at(30).date(), datetime.now(UTC)) for each in some)
    _set(world, "A02", None)
    check_quality("three", at(25, 5), soundness=NOTHING_EXPECTED)
    with connect() as connection:
        later = next(iter(rows_to_correct(connection, 3, "B", rule="P1"))).finding_id
        # This acknowledgement comes after the check. The list shows it, but the check's figure counts the finding.
        assert acknowledge(connection, later, "lan", "xem sau", at(30).date(), datetime.now(UTC))


def _set(world: World, code: str, refusal: str | None) -> None:
    """Set the reason why a dossier's phone cannot get a text; ``None`` makes the dossier textable."""
    world.connection.execute(
        "UPDATE motcua.dossiers SET phone_refusal = %s, msisdn = CASE WHEN %s::text IS NULL THEN '+84905771482' END"
        " WHERE dossier_code = %s",
        (refusal, refusal, code),
    )


def figures_of(page: str) -> list[tuple[str, int]]:
    """Return the address and the number of each figure that is a link."""
    return [(unescape(address), int(number.replace(".", ""))) for address, number in FIGURE.findall(page)]


def listed(staff: TestClient, address: str) -> list[str]:
    """Return the numbers of all findings of a list, from all its pages."""
    found: list[str] = []
    for number in range(1, 40):
        answer = staff.get(f"{address}&page={number}")
        assert answer.status_code == 200, address
        found += LISTED.findall(answer.text)
        if 'rel="next"' not in answer.text:
            break
    return found


@pytest.mark.guarantee(
    "reconciliation", "each figure, of messages, dossiers or data quality, leads to exactly its rows"
)
def test_each_figure_leads_to_as_many_rows_as_it_says(world, staff, monkeypatch):
    # Longer pages make the test faster.
    def longer(*asked: Any) -> Listing:
        list_of_fifty = declared_list("findings").model_copy(update={"page": 50})
        return replace(findings_of(*asked), declares=lambda _: list_of_fifty)

    monkeypatch.setattr(quality_page, "findings_of", longer)
    seen: Counter[str] = Counter()
    for start in ("/motcua/quality", "/motcua/quality/findings?code=A", "/motcua/quality/findings?code=B"):
        page = staff.get(start).text
        figures = figures_of(page)
        assert len(figures) > 5, start
        assert '#danh-sach">Cộng ' in page, "the page must have a total"
        for address, number in sorted(set(figures)):
            rows = listed(staff, address)
            assert len(rows) == len(set(rows)) == number, address
            parts = urlsplit(address)
            taken = staff.get(f"{parts.path}/file?{parts.query}&format=csv").content.decode("utf-8-sig")
            assert len(list(csv.reader(taken.splitlines()))) - 1 == number, f"{address} as a file"
            for name in re.findall(r"(?:state|part)=(\w+)", parts.query):
                seen[f"{start.rpartition('/')[2]} {name}"] += 1
    told = {name for each in seen for name in [each.split()[1]] if seen[each]}
    every = {"faults", "signs", "notes", "others", "to_do", "acknowledged_then", "new", "back", "arrived", "standing"}
    assert told == every | {"fixed", "late", "late_for_department"}, "each kind of figure must have been above 0 once"


def agencies_to_choose(page: str) -> list[tuple[str, str]]:
    """Return the agencies that a page offers for choice: the code, and a mark at the agency that is shown."""
    form = re.search(r'<select name="code">(.*?)</select>', page, re.S)
    return [] if form is None else re.findall(r'<option value="([^"]*)"( selected)?>', form[1])


@pytest.mark.guarantee(
    "reconciliation",
    "an agency sees the findings that it can correct; the Department also sees those that others must correct",
)
def test_agency_is_told_what_it_can_mend_and_the_department_what_others_must(world, staff):
    at_agency = staff.get("/motcua/quality/findings?code=B").text
    assert "Thứ tự hoặc thời gian không thể có" not in at_agency
    assert LISTED.findall(staff.get("/motcua/quality/findings?code=B&rule=R10").text) == LISTED.findall(at_agency)
    department = staff.get("/motcua/quality").text
    _, _, others = department.partition("<h2>Việc của Sở và của đơn vị phần mềm một cửa</h2>")
    assert "Thứ tự hoặc thời gian không thể có" in others.partition("<h2>")[0]
    assert len(listed(staff, "/motcua/quality/findings?rule=R10")) == 5
    with connect() as connection:
        owners = {row.rule.owner for code in "AB" for row in rows_to_correct(connection, 3, code)}
        counted = {each.rule.owner for code in "AB" for each in agency_report(connection, 3, code).results}
    assert owners == counted == {"agency"}
    # The choice of all agencies comes first and has no code.
    for address in ("/motcua/quality", "/motcua/quality/findings?code=B"):
        choices = agencies_to_choose(staff.get(address).text)
        assert [code for code, _ in choices] == ["", "A", "B"]
        assert [code for code, chosen in choices if chosen] == (["B"] if "findings" in address else [])
    # Old addresses, as in earlier mails, redirect to the new pages.
    for kept, leads_to in (("", ""), ("?code=", ""), ("?code=B&rule=P1", "/findings?code=B&rule=P1")):
        answer = staff.get(f"/motcua/quality/agency{kept}")
        assert (answer.status_code, answer.headers["location"]) == (301, f"/motcua/quality{leads_to}")
    VISITING.visit_as("agency", "A")
    for address in ("/motcua/quality/findings", "/motcua/quality/findings/file?format=csv"):
        assert staff.get(address).status_code == 403
    own = staff.get("/motcua/quality/findings?code=A").text
    assert "Toàn tỉnh" not in own.partition("<main")[2].partition("<h2>")[0]
    assert agencies_to_choose(own) == [], "a user of one agency must have no choice"
    assert 'class="choose' not in own
    assert re.findall(r'<select name="(\w+)"', own) == ["sort"], "only the order of the list may be chosen"
    VISITING.visit_as("agency", "A", "B")
    choices = agencies_to_choose(staff.get("/motcua/quality/findings?code=A").text)
    assert choices == [("A", " selected"), ("B", "")]


def test_finding_of_nobody_is_acknowledged_by_the_department_on_the_list_of_all(world, staff):
    """Only the Department may acknowledge a finding that belongs to no agency."""
    address = "/motcua/quality/findings?rule=S1&part=others&state=to_do"
    page = staff.get(address).text
    (number,) = LISTED.findall(page)
    fields = form_of(page, number, "acknowledge")
    sent = staff.post("/motcua/quality/findings", data=fields | {"why": "đang sửa đường truyền", "until": _tomorrow()})
    assert sent.status_code == 303
    assert sent.headers["location"].startswith("/motcua/quality/findings?rule=S1&")
    assert "đang sửa đường truyền" in staff.get(sent.headers["location"].partition("#")[0]).text
    VISITING.visit_as("agency", "A")
    assert staff.post("/motcua/quality/findings", data=fields | {"why": "x", "until": _tomorrow()}).status_code == 403


def test_list_in_another_order_stays_so_when_a_form_of_it_is_refused_or_taken(world, staff):
    """After a finding is acknowledged, or the form is refused, the list keeps the chosen order and search."""
    address = "/motcua/quality/findings?code=A&q=a&sort=-dossier_code"
    page = staff.get(address).text
    in_order = LISTED.findall(page)
    assert set(in_order) != set(LISTED.findall(staff.get("/motcua/quality/findings?code=A&q=a").text))
    number = next(each for each in in_order if has_form(page, each))
    to = unescape(re.search(r'<form method="post" action="([^"]*/quality/findings[^"]*)"', page)[1])
    fields = form_of(page, number, "acknowledge")
    refused = staff.post(to, data=fields | {"why": "", "until": _tomorrow()})
    assert refused.status_code == 422
    assert LISTED.findall(refused.text) == in_order
    item = refused.text[refused.text.index(f'id="loi-{number}"') :].partition("</li>")[0]
    assert "Cần ghi lý do." in item
    assert _tomorrow() in item.partition('name="until"')[2]
    taken = staff.post(to, data=fields | {"why": "đang sửa", "until": _tomorrow()}).headers["location"]
    assert "sort=-dossier_code" in taken
    # Within one dossier, an acknowledged finding moves behind the others, so only the set is compared.
    assert set(LISTED.findall(staff.get(taken.partition("#")[0]).text)) == set(in_order)


def has_form(page: str, number: str) -> bool:
    """Return whether a page offers to acknowledge a finding."""
    return 'value="acknowledge"' in page[page.index(f'id="loi-{number}"') :].partition("</li>")[0]


def form_of(page: str, number: str, decision: str) -> dict[str, str]:
    """Return the fields of the finding's form for a decision, as a browser would send them."""
    item = page[page.index(f'id="loi-{number}"') :].partition("</li>")[0]
    (form,) = [each for each in re.findall(r"<form.*?</form>", item, re.DOTALL) if f'value="{decision}"' in each]
    return {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}


@pytest.mark.guarantee(
    "reconciliation", "a finding is marked if its data was corrected since the check, and can be rechecked at once"
)
def test_finding_mended_since_the_check_is_marked_and_is_judged_again_at_once(world, staff):
    VISITING.visit_as("agency", "B")
    address = "/motcua/quality/findings?code=B&rule=P1"
    page = staff.get(address).text
    first, second = LISTED.findall(page)[:2]
    assert "đã sửa, chờ kiểm tra lại" not in page
    dossier = "SELECT dossier_id FROM motcua.findings WHERE finding_id = %s"
    world.connection.execute(
        "UPDATE motcua.dossiers SET phone_refusal = NULL, msisdn = '+84905771482', picked_up_at = now()"
        f" WHERE dossier_id = ({dossier})",
        (first,),
    )
    page = staff.get(address).text
    assert page.count("đã sửa, chờ kiểm tra lại") == 1
    assert LISTED.findall(page)[:2] == [first, second], "the list of the run must stay unchanged"
    for number, told, kept in ((first, "không còn lỗi", "mended"), (second, "vẫn còn lỗi", "stands")):
        sent = staff.post("/motcua/quality/findings", data=form_of(page, number, "recheck"))
        assert (sent.status_code, sent.headers["location"].partition("#")[2]) == (303, f"loi-{number}")
        shown = staff.get(sent.headers["location"].partition("#")[0]).text
        assert f"Đã kiểm tra lại: {told}" in shown
        item = shown[shown.index(f'id="loi-{number}"') :].partition("</li>")[0]
        assert f"lan: {told}." in " ".join(item.split())
        row = world.connection.execute(
            "SELECT rechecked_by, outcome FROM motcua.finding_rechecks WHERE finding_id = %s", (number,)
        ).fetchone()
        assert row == {"rechecked_by": "lan", "outcome": kept}
    fields = form_of(page, first, "recheck")
    VISITING.visit_as("agency", "A")
    assert staff.post("/motcua/quality/findings", data=fields | {"code": "A"}).status_code == 404, (
        "another agency's finding must not be found"
    )
    VISITING.visit_as("auditor")
    assert staff.post("/motcua/quality/findings", data=fields).status_code == 403
    assert 'value="recheck"' not in staff.get(address).text
    count = world.connection.execute("SELECT count(*) AS n FROM motcua.finding_rechecks").fetchone()
    assert count == {"n": 2}


def _tomorrow() -> str:
    return (datetime.now(VIETNAM).date() + timedelta(days=1)).isoformat()
