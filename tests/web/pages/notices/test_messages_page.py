"""Test the page Tin nhắn, which lists messages: its filters, pages and files."""

from __future__ import annotations

import csv
import html
import io
import re
import zipfile
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

import openpyxl
import psycopg
import pytest

from motcua.domain.texts import PARAMETER_LIMITS
from motcua.jobs.listing.lists import MESSAGES, NOBODYS, found_messages
from motcua.jobs.listing.reading import Bounds
from motcua.reports.lists import declared_list
from motcua.store.browsing import USUAL, LookedAt
from motcua.web.lists import MOST_TURNED
from tests.ground import NHA_TRANG, NOW, TU_PHAP, type_command
from tests.web.taken_away import read_file
from tests.web.visiting import VISITING, words

PAGE = "/motcua/messages"


def codes(answer) -> list[str]:
    """Return the codes of the dossiers on a page, in the order of the list."""
    assert answer.status_code == 200, words(answer)
    return re.findall(r'<th scope="row" class="code"><a href="[^"]*">([^<]*)</a>', answer.text)


def turned(staff, answer, rel: str = "next"):
    """Open the next page (or the previous page, for the link ``prev``); return ``None`` if there is no such link."""
    link = re.search(rf'href="([^"]*)" rel="{rel}"', answer.text)
    return staff.get(html.unescape(link[1])) if link else None


def bounded(looked_at: LookedAt = USUAL, page: int = 50, most: int = 20_000, **bounds: int):
    """Return a browser at the list of messages only, with other limits of sorting, counting and files."""
    listing = replace(
        MESSAGES,
        rows=replace(MESSAGES.rows, find=partial(found_messages, looked_at=looked_at)),
        bounds=Bounds(**bounds),
        declares=lambda name: declared_list(name).model_copy(update={"page": page, "most": most}),
    )
    return VISITING.list_alone(listing, "/messages")


def several(made, count: int = 50) -> None:
    for number in range(count):
        made.message(f"D{number:03}", at=NOW + timedelta(seconds=number))


def test_nothing_there_is_said_in_words(staff):
    assert "Chưa có tin nhắn nào." in words(staff.get(PAGE))
    assert "Không có tin nào như vậy. Bỏ lọc" in words(staff.get(f"{PAGE}?state=expired"))


def test_row_tells_what_was_said_to_whom_in_which_state_and_why(staff, made):
    made.message("D <b>1</b>&x", state="suppressed", reason="missing", text="Mời =SUM(1) <script>alert(1)</script>")
    answer = staff.get(PAGE)
    shown = words(answer)
    for expected in (
        "UBND TP Nha Trang",
        "Có kết quả",
        "Mời =SUM(1) <script>alert(1)</script>",
        "Không gửi Không có số điện thoại",
        "10:00 25/11/2026",
        "09•• ••• 482",
        "1 tin",
        "Dữ liệu tính đến",
    ):
        assert expected in shown, expected
    assert "<script>" not in answer.text
    assert "<b>1</b>" not in answer.text
    assert f'href="/motcua/dossiers?agency={NHA_TRANG}&amp;code=D+%3Cb%3E1%3C%2Fb%3E%26x"' in answer.text
    assert "5123482" not in answer.text


@pytest.mark.guarantee("pages", "an auditor sees rows of all agencies, without citizens' phone numbers, names or words")
def test_auditor_sees_facts_without_numbers_and_without_words_that_a_stranger_typed(staff, made):
    made.message("D1", text="Moi Ong/Ba den nhan ket qua")
    made.message(None, None, kind="reply", template="reply_unknown", text="Khong tim thay (NGUYEN.VAN.A.0905123482)")
    made.message("D2", template="gone", text="Loi cua mau da bo")
    shown = words(staff.get(PAGE))
    assert "NGUYEN.VAN.A.0905***482" in shown
    VISITING.visit_as("auditor")
    answer = staff.get(PAGE)
    shown = words(answer)
    assert "Moi Ong/Ba den nhan ket qua" in shown
    assert "Mẫu reply_unknown.v1" in shown
    for hidden in ("NGUYEN", "••", "482", "Loi cua mau da bo", "Số máy"):
        assert hidden not in shown, hidden
    for file in ("csv", "xlsx"):
        text = file_text(staff.get(f"{PAGE}/file?format={file}"))
        assert "Moi Ong/Ba den nhan ket qua" in text
        for hidden in ("NGUYEN", "••", "*482", "Loi cua mau da bo"):
            assert hidden not in text, hidden


def test_every_parameter_of_texts_is_known_to_name_nobody_or_to_be_typed_by_a_stranger():
    """A new parameter of texts must make this test fail until a developer decides whether it can name a person.

    Until this decision, auditors do not see texts with the parameter.
    """
    assert NOBODYS | {"asked_code"} == PARAMETER_LIMITS.keys()


@pytest.mark.guarantee(
    "pages", "an agency's user sees and changes only its rows, whatever the address, file or form asks for"
)
def test_agencys_user_sees_its_rows_alone_whatever_the_address_says(staff, made):
    made.message("OURS")
    made.message("THEIRS", TU_PHAP)
    made.message(None, None, kind="reply", template="reply_unknown", text="ai hoi")
    run = made.message("THEIRS-2", TU_PHAP)
    made.attempt(run, run="run 7")
    assert sorted(codes(staff.get(PAGE))) == ["OURS", "THEIRS", "THEIRS-2"]
    VISITING.visit_as("agency", NHA_TRANG)
    for query in (
        "",
        f"?agency={NHA_TRANG}",
        "?agency=H32.30",
        "?kind=result",
        "?state=delivered",
        "?since=2026-11-01",
    ):
        assert codes(staff.get(PAGE + query)) == ["OURS"], query
    assert codes(staff.get(f"{PAGE}?run=run+7")) == []
    text = file_text(staff.get(f"{PAGE}/file?format=csv"))
    assert "OURS" in text
    assert "THEIRS" not in text
    assert "ai hoi" not in text
    # Another agency and an unknown agency are refused in the same words, so a visitor learns nothing from a refusal.
    refusals = {
        (staff.get(f"{PAGE}{path}agency={code}").status_code, words(staff.get(f"{PAGE}{path}agency={code}")))
        for path in ("?", "/file?format=csv&", "/file?format=xlsx&")
        for code in (TU_PHAP, "nobody", "%00", "-")
    }
    assert {status for status, _ in refusals} == {404}
    assert len({shown for _, shown in refusals}) == 1
    VISITING.visit_as("agency")
    assert codes(staff.get(PAGE)) == []
    assert "chưa được giao cơ quan nào" in words(staff.get(PAGE))


def test_messages_of_no_agency_are_listed_for_whoever_sees_all(staff, made):
    """Replies to texts that name no dossier belong to no agency. Only visitors who see all agencies may list these."""
    made.attempt(made.message("OURS", state="expired", reason="too_late"), run="run 8")
    for state, reason, run in (("accepted", None, "run 7"), ("expired", "too_late", "run 8")):
        number = made.message(
            None, None, kind="reply", template="reply_unknown", text="ai hoi", state=state, reason=reason
        )
        made.attempt(number, run=run)
    for role in ("operator", "auditor"):
        VISITING.visit_as(role)
        for query, listed in (
            ("agency=-", 2),
            ("agency=-&state=expired", 1),
            ("agency=-&state=delivered", 0),
            ("agency=-&run=run+8", 1),
            ("agency=-&kind=result", 0),
        ):
            answer = staff.get(f"{PAGE}?{query}")
            assert answer.text.count("không có hồ sơ") == listed, query
            assert "OURS" not in answer.text, query
    assert "không thuộc cơ quan nào" in words(staff.get(f"{PAGE}?agency=-"))
    assert '<option value="-" selected>' in staff.get(f"{PAGE}?agency=-").text
    taken = read_file(staff.get(f"{PAGE}/file?format=xlsx&agency=-"))
    assert len(taken.rows) == 2
    assert taken.notes[0] == "không thuộc cơ quan nào"
    VISITING.visit_as("agency", NHA_TRANG)
    assert 'value="-"' not in staff.get(PAGE).text


def test_each_filter_narrows_the_list_down(staff, made):
    day = timedelta(days=1)
    numbers = [
        made.message("A", state="undelivered", reason="gateway status 5", at=NOW - 3 * day),
        made.message("B", kind="supplement", procedure="1.005129", at=NOW - 2 * day),
        # The filters count days in Vietnam's time zone: the 24th begins at 17:00 UTC on the 23rd.
        made.message("C", state="suppressed", reason="missing", at=NOW.replace(day=23, hour=17)),
        made.message("D", TU_PHAP, state="suppressed", reason="landline", at=NOW.replace(day=24, hour=16, minute=59)),
        made.message("E", TU_PHAP, at=NOW),
    ]
    for number, state in ((numbers[0], "failed"), (numbers[2], "rejected"), (numbers[0], "undelivered")):
        made.attempt(number, state=state, run="scheduled__2026")
    for query, found in {
        f"agency={TU_PHAP}": "ED",
        "kind=supplement": "B",
        "state=suppressed": "DC",
        f"state=suppressed&agency={TU_PHAP}": "D",
        "reason=landline": "D",
        "state=undelivered&reason=gateway status 5": "A",
        "procedure=1.005129": "B",
        "since=2026-11-25": "E",
        "until=2026-11-24": "DCBA",
        "since=2026-11-24&until=2026-11-24": "DC",
        f"since=2026-11-24&until=2026-11-24&agency={NHA_TRANG}": "C",
        f"since=2026-11-24&until=2026-11-24&agency={NHA_TRANG}&state=delivered": "",
        "run=scheduled__2026": "CA",
        "run=scheduled__2026&state=suppressed&until=2026-11-24": "C",
        "run=nobody": "",
    }.items():
        assert codes(staff.get(f"{PAGE}?{query}")) == list(found), query


def test_filter_that_is_wrong_is_said_in_words_and_lists_nothing(staff, made):
    made.message("D1")
    for query, said in {
        "kind=x": "Không có loại tin “x”.",
        "state=<script>": "Không có trạng thái “<script>”.",
        "reason=x": "Không có lý do “x”.",
        "reason=gateway status %00": "Lý do không đúng",
        "since=25/11/2026": "Không đọc được ngày “25/11/2026”; viết theo dạng 2026-11-25.",
        "until=9999-12-31": "Không đọc được ngày",
        "since=2026-11-25&until=2026-11-24": "Ngày đầu sau ngày cuối",
        "procedure=%00": "Thủ tục không đúng",
        "run=" + "x" * 251: "Lượt chạy không đúng",
        "before=999999999999999999-1": "Chỗ trong danh sách (before) không đúng",
        "before=1%00-1": "Chỗ trong danh sách (before) không đúng",
    }.items():
        answer = staff.get(f"{PAGE}?{query}")
        assert answer.status_code == 400, query
        assert said in words(answer)
        assert " D1 " not in words(answer)
        assert "<script>" not in answer.text
        assert "Bỏ lọc" in words(answer) or "before" in query
        if not query.startswith("before"):
            assert staff.get(f"{PAGE}/file?format=csv&{query}").status_code == 400
    answer = staff.get(f"{PAGE}?agency=nobody")
    assert (answer.status_code, "Không có cơ quan này" in words(answer)) == (404, True)
    assert staff.get(f"{PAGE}/file?format=exe").status_code == 400


def test_pages_go_on_to_what_is_older_and_back_and_miss_nothing(made):
    for number in range(50):
        # Groups of twenty messages are recorded at the same moment.
        made.message(f"D{number:03}", at=NOW + timedelta(seconds=number // 20))
    every = [f"D{number:03}" for number in range(50)]
    # The list is longer than the limit for sorting (10), so the order by time must come from an index.
    with bounded(sorted=10, counted=30, page=13) as staff:
        for query, expected in (("", every[::-1]), ("&sort=recorded_at", every)):
            pages = [staff.get(f"{PAGE}?state=delivered{query}")]
            assert turned(staff, pages[0], "prev") is None
            while answer := turned(staff, pages[-1]):
                pages.append(answer)
            assert [code for page in pages for code in codes(page)] == expected
            assert len(pages) == 4
            back = pages[-1]
            for page in reversed(pages[:-1]):
                back = turned(staff, back, "prev")
                assert codes(back) == codes(page)
        for query in ("", f"?agency={NHA_TRANG}"):
            assert "hơn 30 tin" in words(staff.get(PAGE + query))
    with bounded(page=2) as staff:
        back = staff.get(PAGE)
        assert "50 tin" in words(back)
        for _ in range(24):
            back = turned(staff, back)
        steps = 0
        while answer := turned(staff, back, "prev"):
            back, steps = answer, steps + 1
        assert (steps, codes(back)[0]) == (MOST_TURNED + 1, "D049"), (
            "after MOST_TURNED pages, the way back must lead to the first page"
        )


@pytest.mark.guarantee(
    "cost", "a list of messages reads and sorts a bounded part of the ledger, says so, and links to the next part"
)
def test_what_is_rare_is_looked_for_piece_by_piece_and_said_so(made):
    made.message("RARE", kind="apology", reason="dummy", at=NOW - timedelta(days=9))
    several(made)
    with bounded(LookedAt(20, 20, page=10)) as staff:
        for query in ("kind=apology", f"kind=apology&agency={NHA_TRANG}", "reason=dummy"):
            answer = staff.get(f"{PAGE}?{query}")
            assert "Chưa thấy tin nào như vậy trong những tin ghi nhận từ" in words(answer)
            assert "0 tin" not in words(answer)
            for _ in range(10):
                if "RARE" in answer.text:
                    break
                answer = turned(staff, answer)
            assert codes(answer) == ["RARE"], query
    with bounded(LookedAt(5, 20, page=10), looks=3, searched=20, piece=10) as staff:
        assert "Mới tìm đến lúc 10:00 ngày 25/11/2026" in file_text(staff.get(f"{PAGE}/file?format=csv&kind=apology"))
        answer = staff.get(f"{PAGE}?q=rare")
        assert "Chưa thấy tin nào như vậy" in words(answer)
        for _ in range(10):
            if codes(answer):
                break
            answer = turned(staff, answer)
        assert codes(answer) == ["RARE"]


def file_text(answer) -> str:
    """Return the whole text of a file: of a CSV file, or of the first sheet of a workbook."""
    assert answer.status_code == 200, words(answer)
    if answer.headers["content-type"].startswith("text/csv"):
        return answer.content.decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        return html.unescape(
            " ".join(parts.read(name).decode() for name in parts.namelist() if name == "xl/worksheets/sheet1.xml")
        )


def test_file_holds_text_that_no_spreadsheet_takes_for_a_formula_and_leads_to_the_dossier(staff, made):
    hostile = ["=1+1", "+84", "-2", "@SUM(A1)", "\tx", "\rx", "'x", 'a"b,c', "000123", "<script>"]
    for number, text in enumerate(hostile):
        # A dossier's code never holds unprintable characters.
        code = text if text.isprintable() else f"HS.{number}"
        made.message(code, text=text, procedure=text, reason="gateway status =1")
    content = staff.get(f"{PAGE}/file?format=csv").content.decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(content, newline=""), strict=True)
    sheet = openpyxl.load_workbook(io.BytesIO(staff.get(f"{PAGE}/file?format=xlsx").content)).active
    (place,) = [row[0].row for row in sheet.iter_rows() if row[0].value == "Mã hồ sơ"]
    for number, (text, row) in enumerate(zip(reversed(hostile), rows, strict=True), 1):
        cells = dict(zip(head, row, strict=True))
        found = dict(zip([cell.value for cell in sheet[place]], sheet[place + number], strict=True))
        for column in ("Nội dung", "Mã thủ tục"):
            assert cells[column] == (f"'{text}" if text[0] in "=+-@\t\r'" else text)
            assert found[column].data_type in ("s", "inlineStr")
            assert found[column].number_format == "@"
            assert str(found[column].value).replace("_x000D_", "\r").strip() == text.strip()
        code = cells["Mã hồ sơ"].removeprefix("'")
        assert cells["Ghi nhận lúc (giờ Việt Nam)"] == "2026-11-25 10:00:00"
        link = found["Mã hồ sơ"].hyperlink.target
        assert link == f"http://testserver/motcua/dossiers?{urlencode({'agency': NHA_TRANG, 'code': code})}"


def test_file_has_every_row_of_the_filter_and_says_where_it_is_cut(staff, made):
    several(made)
    made.message("OTHER", TU_PHAP)
    addresses = [f"{PAGE}/file?format={form}&agency={NHA_TRANG}" for form in ("csv", "xlsx")]
    assert "nhiều nhất 20.000 tin" in words(staff.get(PAGE))
    with bounded(piece_of_file=20) as pages:
        for address in addresses:
            whole = file_text(pages.get(address))
            assert all(f"D{number:03}" in whole for number in range(50))
            assert "OTHER" not in whole
            assert "Tệp chỉ có" not in whole
    with bounded(piece_of_file=20, most=30) as pages:
        for address in addresses:
            cut = file_text(pages.get(address))
            assert "Tệp chỉ có 30 dòng mới nhất" in cut
            assert "D020" in cut
            assert "D019" not in cut
            assert ("Tệp có nhiều nhất 30 dòng" in cut) == ("xlsx" in address), (
                "a CSV file must begin with its headings"
            )
        assert "nhiều nhất 30 tin" in words(pages.get(PAGE))


def test_database_that_goes_away_while_a_file_is_read_is_told_in_the_file(made):
    """A CSV file that an error cuts short must say that it is incomplete, or staff would trust the file."""
    made.message("D1")

    def breaks(*_):
        raise psycopg.OperationalError("gone")

    with VISITING.list_alone(replace(MESSAGES, rows=replace(MESSAGES.rows, read=breaks)), "/messages") as pages:
        assert "TỆP CHƯA ĐỦ" in file_text(pages.get(f"{PAGE}/file?format=csv"))
        assert pages.get(f"{PAGE}/file?format=xlsx").status_code == 503


# ------------------------------------------------------------------------------------- order of the list and search


def three(made) -> None:
    made.message("B", state="suppressed", reason="missing", at=NOW)
    made.message("C", TU_PHAP, state="delivered", at=NOW + timedelta(seconds=1))
    made.message("A", state="accepted", at=NOW + timedelta(seconds=2))


@pytest.mark.guarantee(
    "pages", "a list is sorted and filtered by its links, and keeps order and filter when a form of its page is sent"
)
def test_heads_put_the_rows_in_order_and_keep_the_filters(staff, made):
    three(made)
    for sort, found in (("dossier_code", "ABC"), ("-dossier_code", "CBA"), ("recorded_at", "BCA")):
        assert codes(staff.get(f"{PAGE}?sort={sort}")) == list(found)
    # The list is sorted by the Vietnamese words for the states: Không gửi comes before Nhà mạng đã nhận.
    answer = staff.get(f"{PAGE}?agency={NHA_TRANG}&sort=state")
    assert codes(answer) == ["B", "A"]
    assert answer.text.count("aria-sort=") == 1
    assert re.search(r'<th scope="col" aria-sort="ascending"><a href="[^"]*">Trạng thái', answer.text)
    again = html.unescape(re.search(r'aria-sort="ascending"><a href="([^"]*)"', answer.text)[1])
    assert codes(staff.get(again)) == ["A", "B"]
    file = html.unescape(re.search(r'href="([^"]*format=csv[^"]*)"', answer.text)[1])
    assert [row[0] for row in read_file(staff.get(file)).rows] == ["B", "A"]
    assert staff.get(f"{PAGE}?sort=msisdn").status_code == 400


@pytest.mark.guarantee(
    "cost", "a list of messages reads and sorts a bounded part of the ledger, says so, and links to the next part"
)
def test_what_is_longer_than_may_be_put_in_order_is_put_in_order_in_part_and_said_so(made):
    for number, code in enumerate("FBDACE"):
        made.message(code, at=NOW + timedelta(seconds=number))
    with bounded(sorted=3) as staff:
        answer = staff.get(f"{PAGE}?sort=dossier_code")
        assert codes(answer) == ["A", "C", "E"], "only the newest three are sorted"
        assert "Chỉ xếp 3 tin đầu" in words(answer)
        assert "Chỉ xếp" not in words(staff.get(f"{PAGE}?sort=dossier_code&until=2026-11-24"))
        assert codes(staff.get(f"{PAGE}?sort=recorded_at")) == ["F", "B", "D", "A", "C", "E"], (
            "an index must sort the whole list"
        )


@pytest.mark.guarantee(
    "pages",
    "a search in a list compares the text that the visitor sees, with or without accents, and names of procedures",
)
def test_search_finds_rows_by_what_is_seen_of_them(staff, made):
    three(made)
    made.message(None, None, kind="reply", template="reply_unknown", text="Khong tim thay (nguyen van a)")
    made.message("D", text="Hồ sơ đường Trần Phú")
    assert codes(staff.get(f"{PAGE}?q=duong+tran")) == ["D"]
    assert codes(staff.get(f"{PAGE}?q=NHA+MANG+DA")) == ["A"], "not found by the words for its state"
    assert codes(staff.get(f"{PAGE}?q=so+tu+phap&state=delivered")) == ["C"], "not found by its agency"
    assert "không có hồ sơ" in words(staff.get(f"{PAGE}?q=nguyen+van"))
    assert codes(staff.get(f"{PAGE}?q=khong+dien+thoai")) == ["B"], "not found by the words for its reason"
    assert "Không có tin nào như vậy. Bỏ lọc" in words(staff.get(f"{PAGE}?q=khong+xe"))
    assert [row[0] for row in read_file(staff.get(f"{PAGE}/file?format=xlsx&q=duong+tran")).rows] == ["D"]
    VISITING.visit_as("auditor")
    assert "Không có tin nào như vậy." in words(staff.get(f"{PAGE}?q=nguyen+van")), (
        "an auditor must not find hidden text"
    )
    answer = staff.get(f"{PAGE}?q=0905123482")
    assert answer.status_code == 400
    assert "không tìm theo số điện thoại" in words(answer)


@pytest.mark.guarantee(
    "pages",
    "a search in a list compares the text that the visitor sees, with or without accents, and names of procedures",
)
def test_procedure_is_told_and_found_by_its_name(staff, made, rows):
    rows("INSERT INTO motcua.procedures VALUES ('1.000001', 'Cấp bản sao trích lục', NULL), ('1.000002', '=1+1', NULL)")
    made.message("A", procedure="1.000001")
    made.message("B", procedure="1.000002")
    made.message("C", procedure="1.000003")
    assert "Cấp bản sao trích lục" in words(staff.get(PAGE))
    for written in ("cap ban sao", "Cấp bản sao trích lục", "1.000001", "trích lục"):
        answer = staff.get(PAGE, params={"procedure": written})
        assert codes(answer) == ["A"], written
        assert "thủ tục Cấp bản sao trích lục (1.000001)" in words(answer)
    assert codes(staff.get(f"{PAGE}?procedure=1.000003")) == ["C"]
    assert '<option value="Cấp bản sao trích lục">' in staff.get(PAGE).text
    for form in ("csv", "xlsx"):
        taken = read_file(staff.get(f"{PAGE}/file?format={form}"))
        assert {row["Thủ tục"] for row in taken.by_head()} == {"Cấp bản sao trích lục", "=1+1", ""}
        assert taken.is_text


def test_command_lists_the_same_messages_without_a_number(staff, made):
    three(made)
    listed = type_command("messages", "list", "--sort", "dossier_code").output
    assert re.findall(r"^([ABC]) ", listed, re.M) == ["A", "B", "C"]
    assert "482" not in listed
    assert re.findall(r"^([ABC]) ", type_command("messages", "list", "--agency", TU_PHAP).output, re.M) == ["C"]
    type_command("messages", "list", "--kind", "x", exits=2)
