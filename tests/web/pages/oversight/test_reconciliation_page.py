"""Test the page about reconciliation: whether a period balances, the rows of each figure, and published files."""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.reconciliation import MessageFigures
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verification import DifferingFigure
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.reconciliation.portal_figures import hand_in_portal_figures
from motcua.reports.publication.files import agency_workbook_name
from motcua.settings import settings
from motcua.store.agencies import save_agencies
from motcua.store.oversight.figure_rows import newest_periods
from motcua.store.oversight.publications import save_verification
from motcua.web.staff import reconciliation_page
from tests.ground import NHA_TRANG, NOW, TU_PHAP, agency, ask, in_ledger, take_in, type_command
from tests.web.visiting import Visiting, page_words

DAY = Period.parse("2026-11-25")
NEXT_MORNING = datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)


@pytest.fixture
def page(ledger, configure, tmp_path):
    """Yield a browser at this page only. Other tests cover who may open the page."""
    configure(MOTCUA_DATA=str(tmp_path))
    with TestClient(Visiting().alone(reconciliation_page.router)) as http:
        yield http


@pytest.fixture
def closed(one_stop, page):
    """Close a day with two results, one of them to a landline, and a row in quarantine; return the closing."""
    at = NOW - timedelta(minutes=5)
    for code, phone in (("A<1>", "0905771482"), ("B2", "0258 3822 001")):
        done = {"status_code": 9, "at_one_stop_desk": True, "finished_at": at}
        one_stop.both(9, code, at=at, applicant_phone=phone, updated_at=at, **done)
    one_stop.move(9, "NOBODY", at=at)
    take_in()
    return close_period(DAY, "tests", NEXT_MORNING).closing


@pytest.mark.guarantee(
    "reconciliation", "an agency without a message to send is not shown as 0 % delivered, and is not asked to improve"
)
def test_closing_is_told_down_to_its_rows_without_anybodys_number(closed, page):
    answer = page.get("/reconciliation")
    shown = page_words(answer)
    assert "Đối chiếu ngày 25/11/2026" in shown
    assert "khớp" in shown
    assert "Số cố định" in shown, "the page must give the reason of the unsent message"
    assert "NOBODY" in shown, "the page must name the row without a message"
    assert "Ủy ban nhân dân thành phố Nha Trang" in shown
    for number in ("0905771482", "905771482", "2583822001"):
        assert number not in answer.text
    assert "<1>" not in answer.text
    assert "Sở Tư pháp" in shown
    alone = page_words(page.get(f"/reconciliation?closing={closed.closing_no}&agency={NHA_TRANG}"))
    assert "Xem mọi cơ quan" in alone
    assert "Số cố định" in alone
    assert "Sở Tư pháp" not in alone
    # The page gives the formula of the share and states that no row is left over.
    assert "1 cần gửi = 2 phải nhắn − 1 không gửi − 0 đã hủy" in shown
    assert "Tỷ lệ tới máy tính trên số cần gửi = phải nhắn − không gửi − đã hủy." in shown
    assert "0/1 tin cần gửi tới máy" in shown
    assert links(answer)["closing=1&figure=tellable&agency=000.00.30.H32"] == 1
    assert "Mọi tin, báo cáo của nhà mạng và hồ sơ đã trao kết quả đều khớp." in shown


def test_figures_of_the_portal_stand_beside_ours_and_of_an_agency_its_own_alone(closed, page):
    """An agency must not see the national portal's figures about another agency.

    If nobody submitted figures of the portal, the page says how to submit them.
    """
    shown = page_words(page.get("/reconciliation"))
    assert "Chưa ai nộp số của Cổng cho kỳ này." in shown
    assert "gửi quản trị hệ thống tệp CSV" in shown
    heading = "Mã cơ quan,Ngày,Tiếp nhận,Đã giải quyết\n"
    for hour, counts in ((8, "4100"), (9, "4200")):
        lines = f"{NHA_TRANG},25/11/2026,{counts},0\n{TU_PHAP},25/11/2026,5300,0\n"
        now = NEXT_MORNING.replace(hour=hour)
        assert hand_in_portal_figures((heading + lines).encode(), "cong.csv", f"<b>hoa{hour}", now).faults == []

    answer = page.get("/reconciliation")
    assert "<b>hoa" not in answer.text
    shown = page_words(answer)
    assert "Tiếp nhận trong kỳ 4.200 (số nộp trước: 4.100)" in shown
    assert "5.300" in shown
    assert "đẩy lên sau giờ chốt" in shown
    assert "thay số nộp 8:30 ngày 26/11/2026, <b>hoa8" in shown
    assert "Chưa ai nộp" not in shown
    own = page_words(page.get(f"/reconciliation?closing={closed.closing_no}&agency={NHA_TRANG}"))
    assert "4.200" in own
    assert "5.300" not in own


def test_files_of_the_whole_province_are_listed_and_for_an_agency_its_own_alone(closed, page):
    shorter = NHA_TRANG[:-1]
    in_ledger(save_agencies, [agency(code) for code in (NHA_TRANG, shorter, "A/B")], "tests")
    publish(closed.closing_no, NEXT_MORNING)

    def listed(**query: str) -> list[str]:
        answer = page.get("/reconciliation", params={"closing": closed.closing_no, **query})
        return [unquote(name) for name in re.findall(r'file\?publication=1&amp;name=([^"]+)"', answer.text)]

    assert listed()[:3] == ["bao-cao.pdf", "bao-cao.html", "so-lieu.xlsx"]
    assert "csv/messages.csv" in listed()
    assert not [name for name in listed() if name.startswith("co-quan/")]
    for code in (NHA_TRANG, shorter, "A/B"):
        assert listed(agency=code) == [agency_workbook_name(code)]


def test_files_are_handed_out_as_they_were_published_and_a_changed_one_is_not(closed, page, configure):
    publication = publish(closed.closing_no, NEXT_MORNING)
    text = page.get("/reconciliation").text
    parts = "Theo cơ quan", "<tfoot>", "Tệp của bản công bố", "Theo thủ tục và loại tin</h2>", "Hồ sơ theo thủ tục</h2>"
    places = [text.index(each) for each in parts]
    assert places == sorted(places), "agencies must come before procedures"
    assert text.count('<details class="card folded">\n<summary><h2>', 0, places[-1]) == 3, "three tables must be folded"
    assert re.search(r'data-name="Phải nhắn"><a href="[^"]+figure=messages">2</a>', text[places[1] :])
    assert '<details class="card folded" open>' in page.get("/reconciliation?closing_sort=kind").text, (
        "a sorted table must be open"
    )
    for named in ('bao-cao.pdf">Bảng số liệu trong ngày để in</a>', 'so-lieu.xlsx">Mọi số liệu, có giải thích'):
        assert f"name={named}" in text
    address = f"/reconciliation/file?publication={publication.publication_no}"
    answer = page.get(f"{address}&name=bao-cao.pdf")
    assert answer.content.startswith(b"%PDF")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert page.get(f"{address}&name=manifest.json").status_code == 200
    assert page.get(f"{address}&name=../secrets.json").status_code == 404
    file = settings().data / "publications" / publication.folder / "bao-cao.pdf"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b" ")
    refused = page.get(f"{address}&name=bao-cao.pdf")
    assert refused.status_code == 409
    assert "Xin báo cho quản trị hệ thống" in refused.text
    nobody = {"conn_type": "aws", "login": "a", "password": "b-secret", "extra": {"endpoint_url": "http://127.0.0.1:1"}}
    configure(AIRFLOW_CONN_IM_LANG=json.dumps(nobody), MOTCUA_PUBLICATIONS="s3://im_lang@motcua/cong-bo")
    refused = page.get(f"{address}&name=bao-cao.pdf")
    assert refused.status_code == 503
    assert "không trả lời" in refused.text
    assert "Xin báo cho" not in refused.text, "the page must not blame a file if the store does not answer"


def links(answer):
    """Return the numbers on a page that are links to rows, by the query of the link's address."""
    found = re.findall(r'href="/reconciliation/rows\?([^"]+)">([\d.]+)</a>', answer.text)
    return {html.unescape(query): int(number.replace(".", "")) for query, number in found}


@pytest.mark.guarantee(
    "reconciliation", "each figure, of messages, dossiers or data quality, leads to exactly its rows"
)
def test_every_number_leads_to_as_many_rows(closed, page, ledger):
    answer = page.get("/reconciliation")
    found = links(answer)
    assert len(found) > 8
    assert any("resolved" in query for query in found)
    assert any("reason=landline" in query for query in found)
    for query, number in found.items():
        rows = page.get(f"/reconciliation/rows?{query}")
        assert re.search(rf": {number} (hồ sơ|tin|trường hợp)", page_words(rows)), query
        lines = page.get(f"/reconciliation/rows.csv?{query}").text.splitlines()
        assert len(lines) == number + 1, query
        assert "Số đã chốt là" not in rows.text


@pytest.mark.guarantee(
    "reconciliation", "the rows of a figure are those known at its cut-off; they name the dossier and no person"
)
def test_rows_of_a_figure_name_the_dossier_and_nobody(closed, page):
    shown = page.get("/reconciliation/rows?closing=1&figure=not_sent")
    assert "B2" in page_words(shown)
    assert "A<1>" not in page_words(shown)
    assert "Số cố định, không nhận được tin nhắn" in page_words(shown)
    late = page_words(page.get(f"/reconciliation/rows?closing=1&figure=received&agency={NHA_TRANG}"))
    assert "0 hồ sơ" in late
    assert "Không có hồ sơ nào." in late
    for number in ("0905771482", "905771482", "2583822001"):
        assert number not in shown.text


@pytest.mark.guarantee(
    "reconciliation",
    "messages without a dossier, and dossiers without a message, are on the page as in the report, with their rows",
)
def test_what_belongs_to_nothing_is_on_the_page_with_its_rows(one_stop, page):
    at = NOW - timedelta(minutes=5)
    one_stop.dossier("A", status_code=10, returned_at=at, finished_at=at, updated_at=at, received_at=at)
    pick_up("khanhhoa", EVERYTHING, NOW)
    closing = close_period(DAY, "tests", NEXT_MORNING).closing
    answer = page.get("/reconciliation")
    assert "Tin không khớp hồ sơ nào" in page_words(answer)
    assert links(answer)[f"closing={closing.closing_no}&figure=handed_over_untold"] == 1
    assert not [query for query in links(page.get(f"/reconciliation?agency={TU_PHAP}")) if "untold" in query]
    rows = page.get("/reconciliation/rows?closing=1&figure=handed_over_untold")
    assert "Hồ sơ đã trao kết quả mà không có tin nào: 1 trường hợp" in page_words(rows)
    assert "A" in re.findall(r'<th scope="row" class="code">([^<]*)</th>', rows.text)
    file = page.get("/reconciliation/rows.csv?closing=1&figure=handed_over_untold").text.splitlines()
    assert file[1].split(",")[0] == "A"
    other = page_words(page.get(f"/reconciliation/rows?closing=1&figure=handed_over_untold&agency={TU_PHAP}"))
    assert "0 trường hợp" in other
    assert "Không có trường hợp nào." in other
    assert "handed_over_untold" in type_command("closings", "rows", 1, "handed_over_untold").output


@pytest.mark.guarantee("reconciliation", "days late are shown with the calendar by which they are counted")
def test_days_late_are_told_as_days_of_the_calendar(one_stop, page):
    at = NOW - timedelta(minutes=5)
    done = {"status_code": 9, "at_one_stop_desk": True, "finished_at": at, "due_at": at - timedelta(days=4)}
    one_stop.both(9, "A", at=at, updated_at=at, **done)
    pick_up("khanhhoa", EVERYTHING, NOW)
    close_period(DAY, "tests", NEXT_MORNING)
    shown = page_words(page.get("/reconciliation/rows?closing=1&figure=resolved_late"))
    assert "trễ 4 ngày theo lịch" in shown
    assert "tính theo lịch, kể cả ngày nghỉ" in shown


@pytest.mark.guarantee(
    "reconciliation", "the rows of a figure are those known at its cut-off; they name the dossier and no person"
)
def test_rows_are_those_of_the_cut_off_whatever_came_since(closed, page, one_stop):
    before = page.get("/reconciliation/rows.csv?closing=1&figure=resolved").text
    later = NOW + timedelta(days=3)
    one_stop.dossier("A<1>", updated_at=later, received_at=later, status_code=2)
    pick_up("khanhhoa", EVERYTHING, later)
    assert page.get("/reconciliation/rows.csv?closing=1&figure=resolved").text == before
    assert "Số đã chốt là" not in page.get("/reconciliation/rows?closing=1&figure=resolved").text


@pytest.mark.guarantee("reconciliation", "a figure that was changed by hand is shown as wrong, with its rows")
def test_figure_that_was_doctored_is_told_with_its_rows(closed, page, ledger):
    # First only a sum is falsified, then a single cell.
    ask(ledger, "ALTER TABLE motcua.closing_message_sums DISABLE TRIGGER USER")
    ask(ledger, "UPDATE motcua.closing_message_sums SET suppressed = suppressed + 4 WHERE suppressed > 0")
    shown = page_words(page.get("/reconciliation/rows?closing=1&figure=suppressed"))
    assert "Số đã chốt là 5, khác với 1 dòng đếm lại từ sổ." in shown
    ask(ledger, "ALTER TABLE motcua.closing_messages DISABLE TRIGGER USER")
    (cell,) = ask(
        ledger,
        "UPDATE motcua.closing_messages SET suppressed = suppressed + 4 WHERE suppressed > 0"
        " RETURNING agency_code, procedure_code",
    )
    of_agency = f"/reconciliation/rows?closing=1&figure=suppressed&agency={cell['agency_code']}"
    for address in (of_agency, f"{of_agency}&procedure={cell['procedure_code']}"):
        shown = page_words(page.get(address))
        assert "Số đã chốt là 5, khác với 1 dòng đếm lại từ sổ." in shown, address
        assert "Xin báo quản trị hệ thống" in shown


def test_unknown_closing_or_figure_is_refused_and_an_unknown_cell_has_no_rows(closed, page):
    for query in ("closing=999&figure=delivered", "closing=1&figure=nonsense", "closing=1&figure=__class__"):
        for form in ("", ".csv"):
            assert page.get(f"/reconciliation/rows{form}?{query}").status_code == 404
    for query in ("closing=999", "closing=1&agency=nobody"):
        assert page.get(f"/reconciliation?{query}").status_code == 404
    cells = [("delivered", field) for field in ("agency", "procedure", "kind", "reason")] + [("received", "agency")]
    for written in ("nobody", "'; DROP TABLE motcua.messages --", "\x00", "x" * 5000, "🂡\u202e"):
        for figure, field in cells:
            answer = page.get("/reconciliation/rows", params={"closing": 1, "figure": figure, field: written})
            assert answer.status_code == (404 if written == "\x00" else 200), (figure, field)
            assert "<table" not in answer.text


@pytest.mark.guarantee(
    "reconciliation", "the share of delivered messages counts notices only; replies to 9029 are counted apart"
)
def test_replies_stand_apart_and_few_notices_have_no_rate(closed, page, ledger):
    for kind, number, state in (("reply", 40, "accepted"), ("supplement", 60, "delivered")):
        cell = f"closing_no, agency_code, kind, at_source, {state}"
        values = f"{closed.closing_no}, '{NHA_TRANG}', '{kind}', {number}, {number}"
        counted = [each.name for each in fields(MessageFigures)[3:]]
        others = [name for name in counted if name not in ("at_source", state)]
        named, zeros = ", ".join(others), ", ".join("0" for _ in others)
        ask(
            ledger,
            f"INSERT INTO motcua.closing_messages ({cell}, procedure_code, {named}) VALUES ({values}, '', {zeros})",
        )
        ask(
            ledger,
            f"INSERT INTO motcua.closing_message_sums ({cell}, balances, cells, {named})"
            f" VALUES ({values}, true, 1, {zeros})",
        )
        shown = page_words(page.get("/reconciliation"))
        assert "Riêng 40 tin trả lời tra cứu 9029 không có báo cáo của nhà mạng nên đứng ngoài tỷ lệ trên." in shown
        if kind == "reply":
            assert "0/1 tin cần gửi tới máy" in shown, "the share must count the one notice only"
            assert "cần gửi = 2 phải nhắn − 1 không gửi" in shown
    assert "Đã tới máy 60 tin, bằng 98,4% số cần gửi (61 cần gửi" in shown
    assert "60/61 tin cần gửi tới máy" in shown, "the list of periods must give the share"


LENGTHS = re.compile(r'<nav class="lengths".*?</nav>', re.S)


def test_periods_of_each_length_are_under_their_own_tab(closed, page):
    first = page.get("/reconciliation")
    tabs = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", LENGTHS.search(first.text)[0]))
    assert "Ngày" in tabs
    for name in ("Tháng", "Quý", "Năm"):
        assert f"{name}: chưa chốt kỳ nào" in tabs
    later = datetime(2027, 1, 1, 7, 30, tzinfo=VIETNAM)
    in_ledger(save_agencies, [agency(NHA_TRANG, enabled_from=NOW - timedelta(days=1))], "tests")
    numbers = {
        name: close_period(Period.parse(name), "tests", later).closing.closing_no for name in ("2026-Q4", "2026")
    }
    leads = re.findall(r'closing=(\d+)">(Quý|Năm)', LENGTHS.search(page.get("/reconciliation").text)[0])
    assert leads == [(str(numbers["2026-Q4"]), "Quý"), (str(numbers["2026"]), "Năm")]
    for name, told, current in (("2026-Q4", "quý IV năm 2026", "Quý"), ("2026", "năm 2026", "Năm")):
        answer = page.get(f"/reconciliation?closing={numbers[name]}")
        shown = page_words(answer)
        assert f"Đối chiếu {told}" in shown
        assert re.search(rf'aria-current="true">{current}</a>', LENGTHS.search(answer.text)[0])
        listed = answer.text.partition('<nav class="card periods"')[2]
        assert re.findall(r"closing=(\d+)", listed) == [str(numbers[name])], (
            "the list must have only this length of period"
        )
    days = [each.closing_no for each in in_ledger(newest_periods, "day", 1, summed=False)]
    assert f"closing={days[0]}" in page.get("/reconciliation").text, "the newest day must be in the list"
    assert "Đối chiếu ngày 25/11/2026" in page_words(page.get("/reconciliation")), (
        "the page must open on the newest day with messages"
    )


@pytest.mark.guarantee("reconciliation", "the reconciliation page opens on the newest closed day with messages")
def test_page_opens_on_the_newest_day_that_had_messages(one_stop, page):
    """The page must open on the newest day with messages, or staff would miss a bad day.

    A day also counts if its messages are missing by mistake. For one agency, only days with its messages count.
    """
    assert "Chưa chốt kỳ nào" in page_words(page.get("/reconciliation"))
    close_period(Period.parse("2026-11-24"), "tests", NEXT_MORNING)
    later = datetime(2026, 11, 30, 6, 30, tzinfo=VIETNAM)
    close_period(Period.parse("2026-11-28"), "tests", later)
    assert "Đối chiếu ngày 28/11/2026" in page_words(page.get("/reconciliation")), (
        "the newest day must open if no day had messages"
    )
    at = NOW - timedelta(minutes=5)
    done = {"status_code": 9, "at_one_stop_desk": True, "finished_at": at}
    one_stop.both(9, "A", at=at, updated_at=at, applicant_phone="0905771482", **done)
    missed = close_period(DAY, "tests", NEXT_MORNING).closing.closing_no
    assert "Đối chiếu ngày 25/11/2026" in page_words(page.get("/reconciliation")), (
        "a day with a missing message must open"
    )
    take_in()
    corrected = close_period(DAY, "tests", later).closing
    assert corrected.corrects == missed
    shown = page_words(page.get("/reconciliation"))
    assert "Đối chiếu ngày 25/11/2026" in shown
    assert f"lần chốt số {corrected.closing_no}" in shown
    opened = LENGTHS.search(page.get("/reconciliation?closing=2").text)[0]
    assert f'closing={corrected.closing_no}" aria-current="true">Ngày' in opened
    assert "Đối chiếu ngày 28/11/2026" in page_words(page.get(f"/reconciliation?agency={TU_PHAP}")), (
        "an agency without messages must get the newest day"
    )


def test_each_period_says_when_it_was_last_verified_and_whether_it_held(closed, page):
    publication = publish(closed.closing_no, NEXT_MORNING)
    other = close_period(Period.parse("2026-11-24"), "tests", NEXT_MORNING).closing.closing_no
    assert page_words(page.get(f"/reconciliation?closing={closed.closing_no}")).count("hưa kiểm tra lại") == 2
    assert "kiểm tra lại" not in page_words(page.get(f"/reconciliation?closing={other}")).replace(
        "chưa kiểm tra lại", "", 1
    )
    at = datetime(2026, 11, 27, 3, 30, tzinfo=VIETNAM)
    in_ledger(save_verification, publication.publication_no, at, "lan", 0, None)
    told = page_words(page.get("/reconciliation"))
    assert told.count("Kiểm tra lại lần cuối: 3:30 ngày 27/11/2026, khớp") == 2, (
        "the page must show the verification once at the publication, and once in the list"
    )
    differs = DifferingFigure(NHA_TRANG, "", "result", "delivered", "12", "11")
    others = DifferingFigure(TU_PHAP, "", "", "received", "", "7")
    what = {"listed": [asdict(differs), asdict(others)], "figures": 23, "files": []}
    in_ledger(save_verification, publication.publication_no, at + timedelta(days=1), "lan", 30, what)
    told = page_words(page.get("/reconciliation"))
    assert told.count("Kiểm tra lại lần cuối: 3:30 ngày 28/11/2026, KHÔNG KHỚP") == 2
    assert "27/11/2026, khớp" not in told
    assert "Đã tới máy, có kết quả 12 11" in told
    assert "Còn 21 số liệu khác nữa." in told
    of_one = page_words(page.get(f"/reconciliation?agency={NHA_TRANG}"))
    assert ("có kết quả 12 11" in of_one, "không có 7" in of_one) == (True, False)
    assert "KHÔNG KHỚP" in page_words(page.get(f"/reconciliation?agency={NHA_TRANG}"))
