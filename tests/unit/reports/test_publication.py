"""What a reconciliation report is published as: the same words in print and on the page, and nothing is hidden."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.reconciliation import STATES, Budget, MessageFigures, QueryUsed, ReconciliationReport
from motcua.reports.publication.csv_tables import TABLES, heads
from motcua.reports.publication.data import Corrected, Told, duration, points
from motcua.reports.publication.document import (
    Chart,
    Document,
    Paragraph,
    Table,
    compose_document,
    identity_line,
    official_date,
)
from motcua.reports.publication.files import (
    PAGE,
    PDF,
    WORKBOOK,
    PublishedFile,
    agency_workbook_name,
    page,
    pdf,
    render,
    typst_input,
)
from motcua.reports.publication.manifest import agency_of, words_value
from motcua.reports.publication.workbook import queries_of
from motcua.reports.wording import publication_words
from tests import reconciliation_samples as samples

SAMPLES = {
    "month": samples.report,
    "day": lambda: samples.report(samples.DAY),
    "unbalanced": samples.unbalanced,
    "correction": samples.correction,
    "empty": samples.empty,
    "zeros": samples.zeros,
    "nasty": samples.nasty,
}


@cache
def report(name: str) -> ReconciliationReport:
    return SAMPLES[name]()


@cache
def document(name: str) -> Document:
    return compose_document(Told(report(name)))


@cache
def files(name: str) -> dict[str, PublishedFile]:
    return {each.name: each for each in render(report(name))}


def sheets(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def texts(written: Document) -> list[str]:
    """Every word of it."""
    found = [written.about, written.addressed_to, *written.grounds]
    for section in written.sections:
        found.append(section.title)
        for block in section.blocks:
            if isinstance(block, Paragraph):
                found.append(block.text)
            elif isinstance(block, Table):
                found += [block.caption, block.note, *(cell for row in block.rows for cell in row.cells)]
    return found


def section(written: Document, title: str) -> list[Any]:
    (found,) = [each for each in written.sections if each.title == title]
    return list(found.blocks)


# ------------------------------------------------------------------------------------------------- every report


@pytest.mark.parametrize("name", SAMPLES)
def test_every_report_can_be_printed_shown_and_made_again(name):
    made = files(name)
    assert made[PDF].content.startswith(b"%PDF-1.7")
    assert made[PAGE].content.decode().count("<section>") == len(document(name).sections)
    assert sheets(made[WORKBOOK].content).sheetnames[0] == "Tóm tắt"
    if name != "nasty":  # as slow as it is large
        again = {each.name: each.content for each in render(SAMPLES[name]())}
        assert again == {each: made[each].content for each in made}


@pytest.mark.parametrize("name", SAMPLES)
def test_page_says_what_the_print_says_and_needs_nothing_from_elsewhere(name):
    html = page(document(name)).decode()
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<body>")[2]))
    for text in texts(document(name)):
        escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        escaped = escaped.replace('"', "&#34;").replace("'", "&#39;")
        assert re.sub(r"\s+", " ", escaped).strip() in shown
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert "<script" not in html
    data = json.loads(typst_input(document(name)))
    assert [each["title"] for each in data["sections"]] == [each.title for each in document(name).sections]


def test_names_are_words_and_never_markup():
    data = json.loads(typst_input(document("nasty")))
    cells = {
        cell.replace("\u200b", "")
        for each in data["sections"]
        for block in each["blocks"]
        for row in block.get("rows", ())
        for cell in row["cells"]
    }
    assert samples.NASTY_NAME in cells
    assert samples.LONG in cells
    assert samples.FORMULA in cells


def test_words_that_no_line_holds_may_break_and_codes_break_at_hyphens():
    data = typst_input(replace(document("day"), about="X" * 40, opening="000.00.30.H32-261024-0019"))
    assert f"{'X' * 18}\u200b{'X' * 18}\u200bXXXX" in data
    assert "000.00.30.H32-261024-0019" in data


# ------------------------------------------------------------------------------------------------- form


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2026, 2, 5), ("05", "02", "2026")),
        (date(2026, 1, 31), ("31", "01", "2026")),
        (date(2026, 8, 5), ("05", "8", "2026")),
        (date(2026, 12, 25), ("25", "12", "2026")),
    ],
)
def test_date_has_leading_zeros_below_ten_and_for_months_one_and_two_alone(on, written):
    assert tuple(official_date(on).values()) == written


def test_letterhead_is_that_of_a_report_that_somebody_has_yet_to_number_and_sign():
    month = document("month")
    head = month.letterhead
    assert head["parent"] == "ỦY BAN NHÂN DÂN TỈNH KHÁNH HÒA"
    assert re.fullmatch(r"Số: +/BC-STTTT", head["number"]), "the number is left blank"
    assert head["machine_copy"] == "Báo cáo tự động, không thay thế văn bản ký ban hành"
    assert month.place_and_date == "Khánh Hòa, ngày 01 tháng 11 năm 2026"
    assert month.addressed_to.splitlines()[:2] == ["Kính gửi:", "- Ủy ban nhân dân tỉnh Khánh Hòa;"]
    assert "Nghị định số 118/2025/NĐ-CP" in month.grounds[0]
    assert [each[-1] for each in month.grounds] == [";", "."]
    assert "Lưu: VT" in month.copies[-1]
    assert month.ending.endswith("./.")


@pytest.mark.parametrize("name", ["day", "empty"])
def test_day_is_a_sheet_that_nobody_numbers_addresses_or_signs(name):
    day, month = document(name), document("month")
    assert day.is_sheet
    assert not month.is_sheet
    assert (day.addressed_to, day.opening, day.ending, day.copies) == ("", "", "", ())
    assert "24/11/2026" in day.about
    assert "6:00 ngày 25/11/2026" in day.grounds[0], "as of when"
    assert len(day.sections) < len(month.sections)
    for made, issued in ((page(day).decode(), False), (page(month).decode(), True)):
        for word in ("CỘNG HÒA XÃ HỘI", "Độc lập - Tự do", "Kính gửi", "Nơi nhận", "GIÁM ĐỐC", "/BC-STTTT"):
            assert (word in made) is issued


# ------------------------------------------------------------------------------------------------- identity


def test_identity_names_every_state_that_occurs_and_adds_up():
    row = MessageFigures("a", "", "result", at_source=66, **{state: place for place, state in enumerate(STATES, 1)})
    one = replace(report("month"), figures=replace(report("month").figures, messages=(row,)))
    assert identity_line(Told(one)) == (
        "Phải nhắn 66 tin = không gửi 1 + đã hủy 2 + hết hạn 3 + đang chờ 4 + đang gửi 5 + chưa rõ 6 + bị từ chối 7"
        " + nhà mạng đã nhận 8 + đã tới máy 9 + không tới máy 10 + không có báo cáo 11."
    )
    assert identity_line(Told(report("empty"))) == "Không có sự kiện nào phải nhắn tin (phải nhắn 0 = 0)."


def test_identity_that_does_not_hold_is_red_everywhere_and_on_top():
    written = document("unbalanced")
    warnings = [each.text for each in section(written, "Kết quả chung") if getattr(each, "tone", "") == "bad"]
    assert warnings[0].startswith("KHÔNG KHỚP: chênh lệch 1 tin")
    assert "CHƯA CÓ LÝ DO" in warnings[1]
    assert "vanphong" in warnings[2]
    tables = [each for each in section(written, "Kết quả theo cơ quan") if isinstance(each, Table)]
    assert tables[0].rows[0].tone == "bad", "worst first"
    assert tables[0].rows[0].cells[-1] == "1"
    assert "chênh lệch 1" in identity_line(Told(report("unbalanced")))
    summary = sheets(files("unbalanced")[WORKBOOK].content)["Tóm tắt"]
    red = [
        row[1].value for row in summary if row[1].value and row[1].font.color and row[1].font.color.rgb == "FFB3202C"
    ]
    assert [each.partition(" ")[0] for each in red] == ["KHÔNG", "1", "Không"]
    groups = sheets(files("unbalanced")[WORKBOOK].content)["Cơ quan, thủ tục, loại tin"]
    assert groups["A2"].font.color.rgb == "FFB3202C"


def test_missing_and_surplus_do_not_cancel_each_other():
    first, second, *rest = report("month").figures.messages
    rows = (replace(first, at_source=first.at_source + 1), replace(second, at_source=second.at_source - 1), *rest)
    hidden = Told(replace(report("month"), figures=replace(report("month").figures, messages=rows)))
    assert hidden.total.difference == 0
    assert hidden.difference == 2
    said = [each for each in section(compose_document(hidden), "Kết quả chung") if isinstance(each, Paragraph)]
    assert any(each.tone == "bad" and "chênh lệch 2 tin" in each.text for each in said)


def test_balance_is_not_praised_where_a_source_could_not_be_asked():
    unread = replace(report("month"), closing=samples.closing(sources_unread=("vanphong",)))
    said = [each for each in section(compose_document(Told(unread)), "Kết quả chung") if isinstance(each, Paragraph)]
    assert not [each for each in said if each.tone == "good"]
    assert sum(each.tone == "bad" for each in said) == 2


# ------------------------------------------------------------------------------------------------- what is shown


def test_agencies_stand_worst_first_few_messages_later_nothing_last():
    rows = (
        MessageFigures("good", "", "result", at_source=100, delivered=99, unconfirmed=1),
        MessageFigures("bad", "", "result", at_source=100, delivered=50, undelivered=50),
        MessageFigures("few", "", "result", at_source=2, undelivered=2),
        MessageFigures("broken", "", "result", at_source=100, delivered=99),
        MessageFigures("none", "", "result", at_source=5, out_of_scope=5),
        MessageFigures("", "", "reply", at_source=9, rejected=9),
    )
    told = Told(replace(report("month"), agencies=(), figures=replace(report("empty").figures, messages=rows)))
    assert [each.agency_code for each in told.agencies] == ["broken", "bad", "good", "few", "none", ""]
    assert [each.agency_code for each in told.worst] == ["bad", "broken", "good"]


def test_every_kind_off_with_its_reason_and_every_same_day_agency_is_shown():
    for name in ("month", "day"):
        (table,) = [
            each for each in section(document(name), "Loại tin đã tắt và thủ tục không nhắn") if isinstance(each, Table)
        ]
        assert [row.cells for row in table.rows] == [
            (
                "Ủy ban nhân dân thành phố Cam Ranh",
                "Tắt: xin lỗi chậm trả",
                "Công văn số 12/STTTT-CNTT ngày 5/10/2026",
            ),
            (
                "Ủy ban nhân dân phường Lộc Thọ (thành phố Nha Trang)",
                "Không nhắn với thủ tục giải quyết trong ngày",
                "–",
            ),
        ]


def test_which_same_day_procedures_are_left_out_and_why_is_shown_and_kept_by_the_manifest():
    made = report("month")
    words = list(made.agencies)
    words[2] = replace(words[2], same_day_procedures=("1.001193", "9.9"), same_day_reason="Trả ngay tại quầy")
    made = replace(made, agencies=tuple(words), procedures=dict(made.procedures) | {"1.001193": "Đăng ký khai sinh"})
    (table,) = [
        each
        for each in section(compose_document(Told(made)), "Loại tin đã tắt và thủ tục không nhắn")
        if isinstance(each, Table)
    ]
    assert table.rows[-1].cells[1:] == (
        "Không nhắn với thủ tục giải quyết trong ngày: Đăng ký khai sinh; 9.9",
        "Trả ngay tại quầy",
    )
    manifest = json.loads(json.dumps({"words": words_value(made)}, default=str))
    kept = manifest["words"]["agencies"]
    assert kept[2]["same_day_procedures"] == ["1.001193", "9.9"]
    assert all("same_day_procedures" not in each and "same_day_reason" not in each for each in kept[:2] + kept[3:])
    assert [agency_of(each) for each in kept] == words


def test_monthly_report_names_whom_to_urge_with_the_evidence_and_the_daily_one_does_not():
    (table,) = section(document("month"), "Cơ quan đề nghị đôn đốc, xử lý")
    assert [row.cells for row in table.rows] == [
        (
            "Sở Xây dựng",
            "Tỷ lệ tin tới máy trên số cần gửi thấp",
            "61,2\u00a0% (ngưỡng 70,0\u00a0%), tính trên 289 tin cần gửi",
        ),
        (
            "Ủy ban nhân dân thành phố Nha Trang",
            "Tỷ lệ hồ sơ giải quyết trễ hạn cao",
            "12,4\u00a0% (ngưỡng 10,0\u00a0%), tính trên 240 hồ sơ đã giải quyết",
        ),
    ]
    assert "Cơ quan đề nghị đôn đốc, xử lý" not in [each.title for each in document("day").sections]


def test_correction_names_the_old_publication_in_print_page_and_workbook():
    corrected = Corrected(7, "2026/10/2026-10/1", "ab" * 32)
    made = {each.name: each for each in render(report("correction"), corrected)}
    said = f"Bản này đính chính bản số 7 (thư mục 2026/10/2026-10/1, mã SHA-256 của tệp kê: {'ab' * 32})"
    told = compose_document(Told(report("correction"), corrected))
    assert any(said in text for text in texts(told)[:7])
    assert said in made[PAGE].content.decode()
    assert any(said in str(row[1].value) for row in sheets(made[WORKBOOK].content)["Tóm tắt"])
    changes = sheets(made[WORKBOOK].content)["Đính chính"]
    assert [cell.value for cell in changes[2]][4:] == [
        "Có kết quả",
        "Đã tới máy",
        61,
        62,
        "báo cáo của nhà mạng đến muộn",
    ]
    assert "Đính chính" not in sheets(files("month")[WORKBOOK].content).sheetnames


def test_without_a_period_before_nothing_is_compared():
    assert any("Kỳ trước chưa chốt" in text for text in texts(document("empty")))
    told = Told(replace(report("month"), previous=None))
    assert {each.change for each in told.agencies} == {None}


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(2026, None, None, None), "chưa ghi giá một đoạn tin"),
        (Budget(2026, None, 330, 660), "hết 660 đồng, chưa ghi kinh phí cả năm."),
        (Budget(2026, 0, 330, 660), "chưa ghi kinh phí cả năm"),
        (Budget(2026, 1000, 330, 660), "hết 660 đồng trên 1.000 đồng (66,0\u00a0%) của cả năm."),
    ],
)
def test_cost_is_told_as_far_as_it_is_known(budget, said):
    (line,) = section(compose_document(Told(replace(report("month"), budget=budget))), "Kinh phí tin nhắn")
    assert said in line.text


def test_charts_say_in_words_what_they_show():
    charts = [each for part in document("month").sections for each in part.blocks if isinstance(each, Chart)]
    assert len(charts) == 2
    assert "Sở Xây dựng Đã tới máy 73,5\u00a0%" in charts[0].drawing.alt
    assert "<svg" in charts[0].drawing.svg
    assert "<text" not in charts[0].drawing.svg, "letters are outlines"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 giây"), (119, "119 giây"), (120, "2 phút"), (131, "2,2 phút"), (7_200, "2 giờ"), (400_000, "4,6 ngày")],
)
def test_seconds_are_told_as_people_say_them(seconds, written):
    assert duration(seconds) == written


def test_shares_of_nothing_are_dashes():
    told = Told(report("day"))
    assert told.percent(None) == points(None) == "–"
    assert (told.percent(0.305), points(-0.0123)) == ("30,5\u00a0%", "−1,2")


# ------------------------------------------------------------------------------------------------- workbook


def test_no_cell_of_any_workbook_is_a_formula():
    nasty = files("nasty")
    for name in (WORKBOOK, agency_workbook_name(samples.NHA_TRANG)):
        with zipfile.ZipFile(io.BytesIO(nasty[name].content)) as book:
            for part in book.namelist():
                if part.startswith("xl/worksheets/"):
                    assert b"<f>" not in book.read(part)
        codes = {row[8].value for row in sheets(nasty[name].content)["Chênh lệch từng dòng"]}
        assert {"=1+1", "@SUM(A1)", "-2+3", "+84", "'x"} <= codes


def test_agency_gets_its_own_rows_alone():
    own = sheets(files("month")[agency_workbook_name(samples.XAY_DUNG)].content)
    words = {str(cell.value) for sheet in own for row in sheet for cell in row}
    others = [each.name for each in samples.agency_words() if each.agency_code != samples.XAY_DUNG]
    for other in others:
        assert not [word for word in words if other in word]
    assert "Sở Xây dựng" in words
    assert not [word for word in words if samples.NHA_TRANG in word or "300.000.000" in word]


def test_agencies_share_no_file():
    assert agency_workbook_name("000.00.30.H32") == "co-quan/000.00.30.H32.xlsx"
    assert len({agency_workbook_name(code) for code in ("a/b", "a:b", "a_b", "../b")}) == 4
    assert "/" not in agency_workbook_name("../../b").removeprefix("co-quan/")


def test_every_column_of_sheets_and_files_is_explained_and_names_its_query():
    book = sheets(files("month")[WORKBOOK].content)
    explained = {(row[0].value, row[2].value): row for row in book["Giải thích cột"]}
    names = {words["head"]: name for name, words in publication_words()["columns"].items()}
    for sheet in book.sheetnames[1:-2]:
        for cell in book[sheet][1]:
            assert any((sheet, name) in explained for name in names.values()), cell.value
    for table in TABLES:
        for column in heads(table):
            row = explained[table.file_name, column]
            assert row[3].value, column
    at_source = explained["csv/messages.csv", "at_source"]
    assert (at_source[5].value, at_source[6].value) == ("reconciliation/count_counted.sql", f"{3:064x}")
    assert explained["csv/messages.csv", "delivered"][5].value == (
        "reconciliation/count_messages.sql\nreconciliation/count_inquiries.sql"
    )
    queries = [[cell.value for cell in row] for row in book["Câu truy vấn"]]
    assert [row[0] for row in queries[1:9]] == [each.name for each in samples.QUERIES]
    # With these values each query gives its figures again, row by row.
    values = {row[0]: row[1] for row in queries[11:]}
    assert values["%(start)s"] == "2026-09-30T17:00:00Z"
    assert values["%(known_history)s"] == "34567"


def test_workbook_tells_the_change_of_each_group_and_what_its_sms_cost():
    book = sheets(files("month")[WORKBOOK].content)
    columns = publication_words()["columns"]
    for name in ("Theo cơ quan", "Cơ quan, thủ tục, loại tin"):
        heads_there, *rows = [[cell.value for cell in row] for row in book[name]]
        place = {key: heads_there.index(columns[key]["head"]) for key in ("segments", "cost", "before", "change")}
        assert all(row[place["cost"]] == row[place["segments"]] * 330 for row in rows)
        known = [row for row in rows if row[place["before"]] is not None]
        assert len(known) > len(rows) // 2
        assert all(abs(row[place["change"]]) <= 100 for row in known if row[place["change"]] is not None)
    (sheet,) = (book[name] for name in book.sheetnames if name == "Chênh lệch từng dòng")
    assert next(c.number_format for c in sheet[2] if c.value == 90_417) == "0", "a number that names has no dots"


@pytest.mark.parametrize(
    ("table", "column", "query"),
    [
        ("messages", "at_source", "b"),
        ("messages", "queued", "a"),
        ("agencies", "inquiry_fees", "c"),
        ("agencies", "findings_open", None),
        ("changes", "was", None),
    ],
)
def test_query_of_a_column_is_the_one_that_names_it(table, column, query):
    queries = [
        QueryUsed("a", "1", "messages, reasons"),
        QueryUsed("b", "2", "messages (at_source of apology)"),
        QueryUsed("c", "3", "agencies (inquiries)"),
    ]
    found = [each.name for each in queries_of(table, column, queries)]
    if column == "findings_open":
        assert found == ["c"], "better a query of the table than none"
    else:
        assert found == ([query] if query else [])


def test_sheets_freeze_their_heads_and_print_on_one_page_s_width():
    book = sheets(files("month")[WORKBOOK].content)
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.paperSize == 9
    groups = book["Cơ quan, thủ tục, loại tin"]
    number_formats = {groups.cell(1, column).value: groups.cell(2, column).number_format for column in range(1, 30)}
    assert number_formats["Phải nhắn"] == "[$-42A]#,##0"
    assert number_formats["Tới máy / cần gửi"] == "[$-42A]0.0 %"


# ------------------------------------------------------------------------------------------------- words


def test_every_word_that_a_report_can_need_is_there():
    from typing import get_args

    from motcua.domain import reconciliation

    words = publication_words()
    assert set(words["state"]) == set(STATES)
    assert set(words["difference"]) == set(get_args(reconciliation.DifferenceReason))
    assert set(words["cause"]) == set(get_args(reconciliation.ChangeCause))
    assert set(words["orphan"]) == set(get_args(reconciliation.OrphanSort))
    assert set(words["columns"]) >= {column for table in TABLES for column in heads(table)}
    told = {"missing", "landline", "same_day", "kind_off", "already_told", "handed_over", "taken_back", "superseded"}
    assert told | {"too_late", "missed", "not_read", "phone", "no_receipt", "part_refused"} <= set(words["reason"])


def test_reason_that_is_a_gateway_s_own_code_is_told_as_that():
    rows = [row.cells for row in section(document("month"), "Lý do tin không gửi hoặc không tới máy")[0].rows]
    assert ("Không tới máy", "Nhà mạng báo không tới, mã 2", "267") in rows
    assert Told(report("month")).reason("something new") == "something new"


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_any_name_can_be_printed(name):
    small = replace(
        report("empty"),
        agencies=(replace(samples.agency_words()[0], name=name, kinds_off_reason=name, kinds_off=("reply",)),),
    )
    assert pdf(compose_document(Told(small)), small.closing.closed_at).startswith(b"%PDF")


def test_hash_is_that_of_the_bytes():
    file = PublishedFile("x", b"bytes", None, "")
    assert file.sha256 == sha256(b"bytes").hexdigest()
