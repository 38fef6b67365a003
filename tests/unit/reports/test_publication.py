"""Test the files of a published reconciliation report.

Print and page must have the same words, and no figure may be hidden.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import struct
import warnings
import zipfile
import zlib
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.costs import spent
from motcua.domain.phones.reading import holds_phone
from motcua.domain.reconciliation import (
    STATES,
    Budget,
    ChannelFigures,
    Figures,
    MessageFigures,
    QueryUsed,
    ReasonCount,
    ReconciliationReport,
    Timing,
)
from motcua.quality.report_data import BrokenAgency
from motcua.reports.publication import manifest
from motcua.reports.publication.csv_tables import (
    TABLES,
    figure_rows,
    heads,
    read_csv,
    table_rows,
    tables_of,
    unquoted,
    write_csv,
)
from motcua.reports.publication.data import Corrected, Told, duration
from motcua.reports.publication.document import (
    Chart,
    Document,
    Paragraph,
    Table,
    compose_document,
    identity_line,
    official_date,
    summary_lines,
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
from motcua.reports.publication.workbook import publication_workbook, queries_of
from motcua.reports.quality.charts import Bar, Line, draw_agencies, draw_trend
from motcua.reports.quality.workbook import agency_workbook, department_workbook
from motcua.reports.wording import publication_words
from motcua.settings import include_dir
from tests import reconciliation_samples as samples
from tests.quality_samples import agency_report, broken, department_report, row, rows

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
    """Return all texts of a document."""
    found = [written.about, written.addressed_to, *written.grounds]
    for section in written.sections:
        found.append(section.title)
        for block in section.blocks:
            if isinstance(block, Paragraph):
                found.append(block.text)
            elif isinstance(block, Table):
                found += [block.caption, block.note, *(cell for row in block.rows for cell in row.cells)]
    return found


def blocks(told: Told, title: str, kind: type[Any]) -> list[Any]:
    """Return the blocks of one kind in the section with this title."""
    (found,) = [each for each in compose_document(told).sections if each.title == title]
    return [each for each in found.blocks if isinstance(each, kind)]


# ------------------------------------------------------------------------------------------------- every report


@pytest.mark.parametrize("name", SAMPLES)
def test_every_report_can_be_printed_shown_and_made_again(name):
    made = files(name)
    assert made[PDF].content.startswith(b"%PDF-1.7")
    assert made[PAGE].content.decode().count("<section>") == len(document(name).sections)
    assert sheets(made[WORKBOOK].content).sheetnames[0] == "Tóm tắt"
    if name in ("day", "correction"):  # a second rendering is slow, so only small reports are rendered twice
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


def test_markup_in_a_name_is_printed_as_text():
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


# --------------------------------------------------------------------------- form of an official report


@pytest.mark.parametrize(
    ("on", "written"),
    [
        (date(2026, 2, 5), ("05", "02", "2026")),
        (date(2026, 8, 5), ("05", "8", "2026")),
        (date(2026, 12, 25), ("25", "12", "2026")),
    ],
)
def test_date_has_leading_zeros_below_ten_and_for_months_one_and_two_alone(on, written):
    assert tuple(official_date(on).values()) == written


def test_letterhead_is_that_of_a_report_that_somebody_has_yet_to_number_and_sign():
    month = document("month")
    head = month.letterhead
    assert head["parent"] == "ỦY BAN NHÂN DÂN TỈNH\u00a0KHÁNH\u00a0HÒA"
    assert re.fullmatch(r"Số: +/BC-STTTT", head["number"]), "the number must be left blank"
    assert head["machine_copy"] == "Báo cáo tự động, không thay thế văn bản ký ban hành"
    assert month.place_and_date == "Khánh Hòa, ngày 01 tháng 11 năm 2026"
    assert month.addressed_to.splitlines()[:2] == ["Kính gửi:", "- Ủy ban nhân dân tỉnh Khánh Hòa;"]
    assert "Nghị định số 118/2025/NĐ-CP" in month.grounds[0]
    assert [each[-1] for each in month.grounds] == [";", "."]
    assert "Lưu: VT" in month.copies[-1]
    assert month.ending.endswith("./.")


@pytest.mark.parametrize("name", ["day", "empty"])
def test_daily_report_is_a_sheet_without_number_addressee_and_signature(name):
    day, month = document(name), document("month")
    assert day.is_sheet
    assert not month.is_sheet
    assert (day.addressed_to, day.opening, day.ending, day.copies) == ("", "", "", ())
    assert "24/11/2026" in day.about
    assert "6:00 ngày 25/11/2026" in day.grounds[0], "the sheet must give the moment of its figures"
    assert len(day.sections) < len(month.sections)
    for made, issued in ((page(day).decode(), False), (page(month).decode(), True)):
        for word in ("CỘNG HÒA XÃ HỘI", "Độc lập - Tự do", "Kính gửi", "Nơi nhận", "GIÁM ĐỐC", "/BC-STTTT"):
            assert (word in made) is issued


# -------------------------------------------------------------------------------------- accounting identity


def test_identity_names_every_state_that_occurs_and_adds_up():
    row = MessageFigures("a", "", "result", at_source=66, **{state: place for place, state in enumerate(STATES, 1)})
    one = replace(report("month"), figures=replace(report("month").figures, messages=(row,)))
    assert identity_line(Told(one)) == (
        "Phải nhắn 66 tin = không gửi 1 + đã hủy 2 + hết hạn 3 + đang chờ 4 + đang gửi 5 + chưa rõ 6 + bị từ chối 7"
        " + nhà mạng đã nhận 8 + đã tới máy 9 + không tới máy 10 + không có báo cáo 11."
    )
    assert identity_line(Told(report("empty"))) == "Không có sự việc nào phải nhắn tin (phải nhắn 0 = 0)."


def test_identity_that_does_not_hold_is_red_everywhere_and_on_top():
    told = Told(report("unbalanced"))
    warnings = [each.text for each in blocks(told, "Kết quả chung", Paragraph) if each.tone == "bad"]
    assert warnings[0].startswith("KHÔNG KHỚP: chênh lệch 1 tin")
    assert "CHƯA CÓ LÝ DO" in warnings[1]
    assert "vanphong" in warnings[2]
    first = blocks(told, "Kết quả theo cơ quan", Table)[0].rows[0]
    assert (first.tone, first.cells[-1]) == ("bad", "1"), "the worst agency must come first"
    assert "chênh lệch 1" in identity_line(told)
    summary = sheets(files("unbalanced")[WORKBOOK].content)["Tóm tắt"]
    red = [
        row[1].value for row in summary if row[1].value and row[1].font.color and row[1].font.color.rgb == "FFB3202C"
    ]
    assert [each.partition(" ")[0] for each in red] == ["KHÔNG", "1", "Không"]
    groups = sheets(files("unbalanced")[WORKBOOK].content)["Cơ quan, thủ tục, loại tin"]
    assert groups["A2"].font.color.rgb == "FFB3202C"


def test_missing_and_surplus_do_not_cancel_each_other():
    """A missing message and a surplus message are two faults, although their sum is zero."""
    first, second, *rest = report("month").figures.messages
    rows = (replace(first, at_source=first.at_source + 1), replace(second, at_source=second.at_source - 1), *rest)
    hidden = Told(replace(report("month"), figures=replace(report("month").figures, messages=rows)))
    assert hidden.total.difference == 0
    assert hidden.difference == 2
    said = blocks(hidden, "Kết quả chung", Paragraph)
    assert any(each.tone == "bad" and "chênh lệch 2 tin" in each.text for each in said)


def test_balance_is_not_called_good_if_a_source_did_not_answer():
    unread = replace(report("month"), closing=samples.closing(sources_unread=("vanphong",)))
    said = blocks(Told(unread), "Kết quả chung", Paragraph)
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


def of_messages(*rows: MessageFigures) -> Told:
    """Return a month's report with only these figures of messages. The agencies have no names, only codes."""
    return Told(replace(report("month"), agencies=(), figures=replace(report("empty").figures, messages=rows)))


@pytest.mark.guarantee("reconciliation", "a rate of fewer than 30 messages is not shown, but their count is")
def test_print_and_workbook_tell_no_rate_of_few_messages_and_draw_none():
    told = of_messages(
        MessageFigures("few", "1.1", "result", at_source=29, delivered=3, undelivered=26),
        MessageFigures("enough", "1.1", "result", at_source=40, delivered=30, undelivered=10),
    )
    (table,) = blocks(told, "Kết quả theo cơ quan", Table)
    said = {row.cells[1]: row.cells for row in table.rows}
    assert said["few"][5:8] == ("29", "3", "–")
    assert "chưa đủ tin để đánh giá" in table.note, "the note must say why no rate is shown"
    assert said["enough"][5:8] == ("40", "30", "75,0%")
    drawn = blocks(told, "Kết quả theo cơ quan", Chart)
    assert [("few" in each.drawing.alt, "enough" in each.drawing.alt) for each in drawn] == [(False, True)]
    heads, *rows = [[cell.value for cell in row] for row in sheets(publication_workbook(told))["Theo cơ quan"]]
    shares = {row[heads.index("Cơ quan")]: row[heads.index("Tới máy / cần gửi")] for row in rows}
    assert shares == {"few": "chưa đủ tin để đánh giá", "enough": 0.75}


@pytest.mark.guarantee(
    "reconciliation", "the share of delivered messages counts notices only; replies to 9029 are counted apart"
)
def test_print_and_workbook_tell_shares_of_notices_alone():
    told = of_messages(
        MessageFigures("B", "1.1", "result", at_source=100, delivered=95, undelivered=5),
        MessageFigures("A", "1.1", "result", at_source=100, delivered=96, undelivered=4),
        MessageFigures("A", "", "reply", at_source=50, accepted=50),
    )
    (table,) = blocks(told, "Kết quả theo cơ quan", Table)
    assert [(row.cells[1], row.cells[7]) for row in table.rows] == [
        ("B", "95,0%"),
        ("A", "96,0%"),
        ("Toàn tỉnh", "95,5%"),
    ]
    identity = blocks(told, "Kết quả chung", Table)[0]
    heads = [each.head for each in identity.columns]
    shares = {row.cells[0]: row.cells[heads.index("% số cần gửi")] for row in identity.rows}
    assert shares == {"Có kết quả": "95,5%", "Trả lời tra cứu": "–", "Toàn tỉnh": "95,5%"}
    assert "Riêng 50 tin trả lời tra cứu 9029 không có báo cáo của nhà mạng" in " ".join(texts(compose_document(told)))
    assert "A Đã tới máy 96,0%" in blocks(told, "Kết quả theo cơ quan", Chart)[0].drawing.alt
    heads, *rows = [[cell.value for cell in row] for row in sheets(publication_workbook(told))["Theo cơ quan"]]
    shares = {row[heads.index("Cơ quan")]: row[heads.index("Tới máy / cần gửi")] for row in rows}
    assert shares == {"A": 0.96, "B": 0.95}
    assert [each.kind for each in told.messages][-1] == "reply", "replies must come last and have no rank"


@pytest.mark.guarantee(
    "reconciliation",
    "a ranking names the agencies that it leaves out; figures that belong to no agency are in no ranking",
)
def test_ranking_of_the_print_and_the_page_says_whom_it_leaves_out():
    told = of_messages(
        MessageFigures("few", "1.1", "result", at_source=29, undelivered=29),
        MessageFigures("bad", "1.1", "result", at_source=40, delivered=30, undelivered=10),
        MessageFigures("good", "1.1", "result", at_source=40, delivered=40),
        MessageFigures("", "", "reply", at_source=99, accepted=99),
    )
    (table,) = blocks(told, "Kết quả theo cơ quan", Table)
    assert [row.cells[:2] for row in table.rows] == [
        *[("1", "bad"), ("2", "good"), ("", "few"), ("", "Không rõ cơ quan"), ("", "Toàn tỉnh")],
    ]
    said = [each.text for each in summary_lines(told)]
    assert said[-2:] == ["Thấp nhất: bad (75,0%).", "Không xếp hạng 1 cơ quan có dưới 30 tin cần gửi: few."]


LEFT_OUT = "Loại tin đã tắt và thủ tục không nhắn"


def test_every_kind_off_with_its_reason_and_every_same_day_agency_is_shown():
    for name in ("month", "day"):
        (table,) = blocks(Told(report(name)), LEFT_OUT, Table)
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
    (table,) = blocks(Told(made), LEFT_OUT, Table)
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
    (table,) = blocks(Told(report("month")), "Cơ quan đề nghị đôn đốc, xử lý", Table)
    assert [row.cells for row in table.rows] == [
        (
            "Sở Xây dựng",
            "Tỷ lệ tin tới máy trên số cần gửi thấp",
            "61,2% (ngưỡng 70,0%), tính trên 289 tin cần gửi",
        ),
        (
            "Ủy ban nhân dân thành phố Nha Trang",
            "Tỷ lệ hồ sơ giải quyết trễ hạn cao",
            "12,4% (ngưỡng 10,0%), tính trên 240 hồ sơ đã giải quyết",
        ),
    ]
    assert "Cơ quan đề nghị đôn đốc, xử lý" not in [each.title for each in document("day").sections]


def test_correction_names_the_old_publication_in_print_page_and_workbook():
    corrected = Corrected(7, "2026/10/2026-10/1", "ab" * 32)
    made = {each.name: each for each in render(report("correction"), corrected)}
    said = "đính chính bản công bố số 7"
    told = compose_document(Told(report("correction"), corrected))
    assert any(said in text for text in texts(told)[:7])
    assert said in made[PAGE].content.decode()
    former = f"số 7, thư mục 2026/10/2026-10/1, mã SHA-256 của tệp kê {'ab' * 32}."
    assert texts(told)[-1].endswith(former), "the former publication must be named at the end, in the part for machines"
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


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(2026, None, None, None), "chưa ghi giá một đoạn tin"),
        (Budget(2026, None, 330, 660), "hết 660 đồng, chưa ghi kinh phí cả năm."),
        (Budget(2026, 1000, 330, 660), "hết 660 đồng trên 1.000 đồng (66,0%) của cả năm."),
    ],
)
def test_cost_is_told_as_far_as_it_is_known(budget, said):
    (line,) = blocks(Told(replace(report("month"), budget=budget)), "Kinh phí tin nhắn", Paragraph)
    assert said in line.text


def of_two_channels(**changes: Any) -> ReconciliationReport:
    """Return a report of two agencies whose results went by Zalo and by SMS, with prices by carrier."""
    rows = (
        ChannelFigures(samples.NHA_TRANG, "result", "kannel", "segment", "Viettel", 3, 4, 4),
        ChannelFigures(samples.NHA_TRANG, "result", "kannel", "segment", "", 1, 2, 2),
        ChannelFigures(samples.NHA_TRANG, "result", "zalo", "message", "Viettel", 10, 10, 15),
        ChannelFigures(samples.TU_PHAP, "apology", "zalo", "message", "MobiFone", 2, 2, 4),
    )
    prices = {"kannel": {"Viettel": "300", "other": "412.5"}, "zalo": {"other": "200"}}
    closed = samples.closing(**{"segment_price": 350, "known_attempt": 99, "prices": prices} | changes)
    figures = Figures(messages=(MessageFigures(samples.NHA_TRANG, "", "result", delivered=14),), channels=rows)
    words = tuple(each for each in samples.agency_words() if each.agency_code in (samples.NHA_TRANG, samples.TU_PHAP))
    told = spent(closed, figures)
    return replace(
        report("month"), closing=closed, figures=figures, agencies=words, budget=Budget(2026, None, told, told)
    )


@pytest.mark.guarantee(
    "publications", "a publication shows by agency what each channel cost, and what it saved against SMS alone"
)
def test_cost_is_told_by_channel_and_what_is_saved_by_agency():
    told = Told(of_two_channels())
    (line,) = blocks(told, "Kinh phí tin nhắn", Paragraph)
    assert line.text.startswith("Đã gửi 6 đoạn tin qua kannel, 12 tin qua zalo, hết 4.425 đồng trong kỳ;")
    by_gateway, saved = blocks(told, "Kinh phí tin nhắn", Table)
    assert [row.cells for row in by_gateway.rows] == [
        ("kannel", "đoạn tin", "4", "6", "2.025"),
        ("zalo", "tin", "12", "12", "2.400"),
    ]
    assert [row.cells for row in saved.rows] == [
        ("Sở Tư pháp", "2", "4", "1.400", "400", "1.000"),
        ("Ủy ban nhân dân thành phố Nha Trang", "10", "15", "5.250", "2.000", "3.250"),
        ("Toàn tỉnh", "12", "19", "6.650", "2.400", "4.250"),
    ]
    assert "nhân giá một đoạn tin lúc chốt (350 đồng)" in saved.note


@pytest.mark.parametrize(
    ("changes", "cost", "saved"),
    [
        ({"prices": {}}, "chưa ghi giá một tin qua zalo", "chưa ghi giá một tin qua zalo"),
        ({"segment_price": None}, "hết 4.425 đồng", "chưa ghi giá một đoạn tin"),
    ],
)
def test_savings_are_not_shown_if_a_price_is_not_known(changes, cost, saved):
    told = Told(of_two_channels(**changes))
    first, second = blocks(told, "Kinh phí tin nhắn", Paragraph)
    assert cost in first.text
    assert second.text.startswith("Chưa tính được tiền tiết kiệm")
    assert saved in second.text
    assert len(blocks(told, "Kinh phí tin nhắn", Table)) == 1


def test_workbook_has_a_row_for_each_channel_and_explains_its_columns():
    book = sheets(publication_workbook(Told(of_two_channels())))
    head, *rows = [[cell.value for cell in row] for row in book["Cổng nhắn tin, tiền"]]
    assert [row[2:] for row in rows] == [
        ["Có kết quả", "kannel", "đoạn tin", "Viettel", 3, 4, 300, 1200, 4, None, None],
        ["Có kết quả", "kannel", "đoạn tin", "", 1, 2, 412.5, 825, 2, None, None],
        ["Có kết quả", "zalo", "tin", "Viettel", 10, 10, 200, 2000, 15, 5250, 3250],
        ["Xin lỗi chậm trả", "zalo", "tin", "MobiFone", 2, 2, 200, 400, 4, 1400, 1000],
    ]
    explained = {(row[0].value, row[1].value) for row in book["Giải thích cột"]}
    assert {("Cổng nhắn tin, tiền", each) for each in head} <= explained
    costs = {row[1].value: row[-3].value for row in book["Theo cơ quan"]}
    assert costs["Sở Tư pháp"] == 400


def test_charts_say_in_words_what_they_show():
    charts = [each for part in document("month").sections for each in part.blocks if isinstance(each, Chart)]
    assert len(charts) == 2
    assert "Sở Xây dựng Đã tới máy 73,5%" in charts[0].drawing.alt
    assert "<svg" in charts[0].drawing.svg
    assert "<text" not in charts[0].drawing.svg, "letters in a chart must be outlines"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(119, "119 giây"), (120, "2 phút"), (131, "2,2 phút"), (400_000, "4,6 ngày")],
)
def test_seconds_are_told_as_people_say_them(seconds, written):
    assert duration(seconds) == written


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


def test_each_agency_has_a_file_name_of_its_own():
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
    for table in tables_of(report("month").closing):
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
    # A reader can run each query again with these values and gets the same rows.
    values = {row[0]: row[1] for row in queries[11:]}
    assert values["%(start)s"] == "2026-09-30T17:00:00Z"
    assert values["%(known_history)s"] == "34567"


def test_workbook_tells_the_change_of_each_group_and_what_each_agency_cost():
    book = sheets(files("month")[WORKBOOK].content)
    columns = publication_words()["columns"]
    for name in ("Theo cơ quan", "Cơ quan, thủ tục, loại tin"):
        heads_there, *rows = [[cell.value for cell in row] for row in book[name]]
        place = {key: heads_there.index(columns[key]["head"]) for key in ("segments", "before", "change")}
        if name == "Theo cơ quan":
            cost = heads_there.index(columns["cost"]["head"])
            assert all(row[cost] == row[place["segments"]] * 330 for row in rows)
        known = [row for row in rows if row[place["before"]] is not None]
        assert len(known) > len(rows) // 2
        assert all(abs(row[place["change"]]) <= 100 for row in known if row[place["change"]] is not None)
    (sheet,) = (book[name] for name in book.sheetnames if name == "Chênh lệch từng dòng")
    assert next(c.number_format for c in sheet[2] if c.value == 90_417) == "0", (
        "a number that is an identifier must have no dots"
    )


@pytest.mark.parametrize(
    ("table", "column", "query"),
    [
        ("messages", "at_source", "b"),
        ("messages", "queued", "a"),
        ("agencies", "findings_open", "c"),
    ],
)
def test_query_of_a_column_is_its_own_or_else_one_of_its_table(table, column, query):
    """A reader of a figure is led to the query of its column, or else to a query of its table."""
    queries = [
        QueryUsed("a", "1", "messages, reasons"),
        QueryUsed("b", "2", "messages (at_source of apology)"),
        QueryUsed("c", "3", "agencies (inquiries)"),
    ]
    assert [each.name for each in queries_of(table, column, queries)] == [query]


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


def test_code_of_a_gateway_without_words_is_shown_as_it_is():
    rows = [row.cells for row in blocks(Told(report("month")), "Lý do tin không gửi hoặc không tới máy", Table)[0].rows]
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


# --- CSV files of a publication: they follow RFC 4180, hold no formulas, and give back the same rows -----------------

BY_NAME = {table.name: table for table in TABLES}


def test_file_is_utf8_without_a_mark_with_commas_and_crlf():
    content = write_csv(BY_NAME["timings"], table_rows(BY_NAME["timings"], 7, [Timing("", None, "result", 3, 1, 2)]))
    assert content == (
        b'closing_no,agency_code,procedure_code,kind,delivered,median_seconds,p95_seconds\r\n7,"",,result,3,1,2\r\n'
    ), "an empty text must be quoted and a missing value must not"


@pytest.mark.parametrize("reason", ["=1+1", "\tx", "'quoted", 'say "no"', "đ\nđ"])
def test_text_cannot_run_as_a_formula_and_comes_back(reason):
    table = BY_NAME["reasons"]
    content = write_csv(table, table_rows(table, 1, [ReasonCount("a", "p", "result", "suppressed", reason, 1)]))
    ((*_, cell, number),) = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == reason
    assert number == "1"


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12), max_size=6))
def test_whatever_is_written_is_read_again(reasons):
    table = BY_NAME["reasons"]
    rows = table_rows(table, 1, [ReasonCount("a", "p", "result", "suppressed", each, 1) for each in reasons])
    assert [tuple(each) for each in read_csv(write_csv(table, rows))[1:]] == [tuple(map(unquoted, row)) for row in rows]


def test_order_of_the_rows_does_not_depend_on_the_report_s():
    """The same rows in another order must give the same file, or its checksum would change."""
    figures = figure_rows(samples.figures(1))
    assert max(map(len, figures.values())) > 1
    for name, found in figures.items():
        table = BY_NAME[name]
        assert table_rows(table, 1, found) == table_rows(table, 1, tuple(reversed(found)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b'a,"b', "unexpected end of data"), (b'a,"b"c\r\n', "expected after")],
)
def test_file_that_is_no_csv_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        read_csv(content)


# --- Charts: they are the same bytes each time, say in words what they show, and can draw odd figures ----------------

KINDS = ("Thiếu số điện thoại", "Số không nhắn được", "Trạng thái sai thực tế", "Lỗi khác")
BARS = (Bar("Ủy ban nhân dân phường Lộc Thọ", (90.0, 40.0, 20.0, 6.0), 120.4), Bar("Sở TT-TT", (45.0, 0, 0, 0), None))
WEEKS = tuple(f"T{number}" for number in range(37, 49))


def trend(**changes):
    values = tuple(None if week == 5 else 90.0 - week for week in range(12))
    return draw_trend(**{"periods": WEEKS, "lines": [Line(kind, values) for kind in KINDS]} | changes)


@pytest.mark.parametrize("draw", [lambda: draw_agencies(BARS, KINDS), trend])
def test_same_figures_give_the_same_bytes_whatever_the_machine_prefers(draw):
    import matplotlib

    first = draw()
    with matplotlib.rc_context({"font.family": "serif", "axes.facecolor": "black", "savefig.dpi": 30}):
        assert draw().png == first.png
    width, height = struct.unpack(">II", first.png[16:24])
    assert (width, height) == (first.width * 2, first.height * 2)


def test_alternative_text_is_a_sentence_with_the_figures():
    assert draw_agencies(BARS, KINDS).alt == (
        "Biểu đồ: trên 1.000 hồ sơ, Ủy ban nhân dân phường Lộc Thọ có 156 lỗi, tăng 36 so với lần trước;"
        " Sở TT-TT có 45 lỗi."
    )
    alt = trend(lines=[Line("Lỗi khác", (None, 9.0, 12.5, 4.0))], periods=WEEKS[:4]).alt
    assert alt == (
        "Biểu đồ: số lỗi trên 1.000 hồ sơ qua 4 tuần gần nhất: Lỗi khác từ 9,0 thành 4,0, cao nhất 12,5."
        " 1 tuần không có số liệu."
    )


def test_every_vietnamese_letter_has_a_glyph_and_nothing_warns():
    letters = "ÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬĐÈÉẺẼẸÊỀẾỂỄỆÌÍỈĨỊÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢÙÚỦŨỤƯỪỨỬỮỰỲÝỶỸỴ"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = draw_agencies([Bar(letters + letters.lower(), (1.0, 0, 0, 0), 0.0)], KINDS)
    assert letters in chart.alt


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_agencies([Bar("Không có lỗi", (0.0, 0.0, 0.0, 0.0), 0.0)], KINDS),
        lambda: draw_agencies([Bar("$x_1$ & <b>", (1000.0, 1000.0, 1000.0, 1000.0), 2.0)], KINDS),
        lambda: trend(lines=[Line(KINDS[0], (None,) * 12)]),
    ],
)
def test_odd_figures_are_drawn_without_a_warning(draw):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw().png.startswith(b"\x89PNG")


# --- The parts of a publication's print, and the software that its manifest names ------------------------------------


@pytest.mark.parametrize("name", ["month", "day"])
def test_print_is_an_archivable_pdf_that_says_every_line_and_figure_of_the_report(name):
    content, written = files(name)[PDF].content, document(name)
    parts = (b"/Type/StructTreeRoot", b"/Lang(vi)", b"/S/TH/", b"/Marked true", b"<pdfaid:part>2</pdfaid:part>")
    assert [part for part in parts if part not in content] == [], "a screen reader needs each of these parts"
    said = without_blanks(text_of(content))
    assert [line for line in [written.software, *texts(written)] if without_blanks(line) not in said] == []


def test_font_of_the_same_name_that_a_machine_has_is_never_taken(tmp_path):
    """A font of the machine must not replace ours, or the same figures would give another chart."""
    from matplotlib import font_manager, get_data_path

    fonts, own = font_manager.fontManager, Path(get_data_path()).resolve()
    (lookalike,) = (each.fname for each in fonts.ttflist if each.fname == str(own / "fonts/ttf/DejaVuSans.ttf"))
    kept = list(fonts.ttflist)
    try:
        fonts.addfont(shutil.copy(lookalike, tmp_path / "DejaVuSans.ttf"))
        assert len(fonts.ttflist) == len(kept) + 1
        taken = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans"))
    finally:
        fonts.ttflist[:] = kept
        fonts._findfont_cached.cache_clear()
    assert Path(taken).is_relative_to(own)


@pytest.mark.guarantee(
    "publications", "any change of the software changes the hash of the software that a publication names"
)
@pytest.mark.parametrize("name", ["publication.vi.yaml", "publication.typ", "phone_refusals.vi.yaml"])
def test_one_word_of_a_template_makes_it_other_software(configure, tmp_path, name):
    was = manifest.made_by()
    folder = tmp_path / "include" / "templates" / "report"
    shutil.copytree(include_dir() / "templates" / "report", folder)
    configure(MOTCUA_HOME=str(tmp_path))
    assert manifest.made_by.__wrapped__() == was, "the folder of the software must not change what the manifest names"
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    now = manifest.made_by.__wrapped__()
    assert {key for key in was if was[key] != now[key]} == {"source"}


def without_blanks(text: str) -> str:
    """Return a text without blanks and soft hyphens, so that line breaks do not matter."""
    # In bold italics, typst sets ơ as two glyphs.
    return re.sub(r"[\s\u200b\u00ad]", "", text).replace("ơơ", "ơ")


_OBJECT = re.compile(rb"(\d+) 0 obj\s(.*?)\sendobj", re.S)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.S)
_INNER = rb"\((?:\\.|[^\\()])*\)"
"""A pair of brackets inside a string, which a PDF need not escape."""
_SHOWN = re.compile(
    rb"/(?P<font>f\d+) [\d.]+ Tf|<(?!FEFF)(?P<hexed>[0-9A-F]+)>|\((?P<written>(?:\\.|[^\\()]|%s)*)\)" % _INNER,
    re.S,
)
_ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.S)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def text_of(content: bytes) -> str:
    """Return the text of a PDF made by typst: the letters of its glyphs, in the order in which they are set."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}

    def part(body: bytes, name: str) -> bytes:
        found = re.search(rb"/%s (\d+) 0 R" % name.encode(), body)
        assert found, name
        return objects[int(found[1])]

    said = []
    for body in (body for body in objects.values() if b"/Type/Page/" in body):
        resources = part(body, "Resources")
        names = re.findall(rb"/(f\d+) \d+ 0 R", resources)
        letters = {name: letters_of(packed(part(part(resources, name.decode()), "ToUnicode"))) for name in names}
        font: dict[bytes, str] = {}
        for found in _SHOWN.finditer(packed(part(body, "Contents"))):
            font = letters[found["font"]] if found["font"] else font
            glyphs = bytes.fromhex((found["hexed"] or b"").decode())
            glyphs += _ESCAPED.sub(lambda escaped: unescaped(escaped[1]), found["written"] or b"")
            said += [font[glyphs[place : place + 2]] for place in range(0, len(glyphs), 2)]
    return "".join(said)


def packed(body: bytes) -> bytes:
    """Return the content of a stream of a PDF, decompressed if necessary."""
    found = _STREAM.search(body)
    assert found
    return zlib.decompress(found[1]) if b"/FlateDecode" in body else found[1]


def unescaped(written: bytes) -> bytes:
    """Return the byte that an escape sequence of a PDF string stands for."""
    return bytes([int(written, 8)]) if written.isdigit() else _ESCAPES.get(written, written)


def letters_of(characters: bytes) -> dict[bytes, str]:
    """Return the letters of each glyph, from the ``ToUnicode`` table of a font."""
    pairs = re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>\s*(?=<|end)", characters)
    return {bytes.fromhex(glyph.decode()): bytes.fromhex(to.decode()).decode("utf-16-be") for glyph, to in pairs}


# --- Workbooks: they open, hold the report as text that can never run, and can be filtered and printed ---------------


def opened(book):
    return openpyxl.load_workbook(io.BytesIO(book.content))


def test_agency_gets_every_row_with_what_is_wrong_since_when_and_what_to_do():
    book = agency_workbook(agency_report(), rows())
    assert (book.rows, book.left_out) == (146, 0)
    assert book.name == "Sở Tư pháp - lỗi dữ liệu 26-11-2026.xlsx"
    read = opened(book)
    assert read.sheetnames == ["Đọc trước", "Cần xử lý", "Các kiểm tra"]
    sheet = read["Cần xử lý"]
    heads = [cell.value for cell in sheet[1]]
    first = dict(zip(heads, (cell.value for cell in sheet[2]), strict=True))
    assert first["Mã hồ sơ"] == "000.00.09.H32-261102-0001"
    assert first["Sai gì"] == "Ô số điện thoại để trống."
    assert first["Cần làm gì"] == "Hỏi công dân và nhập số di động khi tiếp nhận hồ sơ."
    assert str(first["Từ khi nào"]) == "2026-11-17 00:00:00"
    assert str(first["Hạn sửa"]) == "2026-11-12 00:00:00"
    assert first["Tình trạng hạn"] == "Quá hạn, đã báo Sở"
    phones = {sheet.cell(line, heads.index("Số điện thoại (đã che)") + 1).value for line in range(2, 148)}
    assert phones == {None, "02•• ••• 001"}
    accepted = [sheet.cell(line, heads.index("Lý do tạm chấp nhận") + 1).value for line in range(2, 148)]
    assert "Công dân cao tuổi, không dùng di động" in accepted
    assert sum(each is not None for each in accepted) == 4


def test_first_sheet_explains_and_has_the_figures_of_the_report():
    read = opened(agency_workbook(agency_report(broken=(broken("R4"),)), rows()))
    about = "\n".join(str(cell.value) for line in read["Đọc trước"] for cell in line if cell.value)
    for expected in (
        "số 41, lúc 6:15 ngày 26/11/2026",
        "2.188",
        "65,4",
        "R4 Trả kết quả ngay khi xong",
        "lần kiểm tra sáng hôm sau lỗi tự mất khỏi danh sách",
    ):
        assert expected in about


def test_codes_stay_text_and_broken_checks_have_no_figures():
    read = opened(department_workbook(department_report(), rows()))
    rules = {line[0].value: line for line in read["Các kiểm tra"].iter_rows(min_row=2)}
    assert rules["R4"][4].value == "không chạy được"
    assert {cell.value for cell in rules["R4"][5:13]} == {None}
    assert rules["P1"][4].value == 1399
    finding = read["Cần xử lý"][2]
    procedure = next(cell for cell in finding if cell.value == "2.000635")
    assert (procedure.data_type, procedure.number_format) == ("s", "@")


def test_broken_agency_has_its_line_and_its_reason_but_no_figure():
    report = department_report()
    gone = replace(report.agencies[0], broken_reason="Có hồ sơ được tính hơn một lần.")
    told = BrokenAgency(gone.agency_code, gone.name, "Có hồ sơ được tính hơn một lần.")
    report = replace(report, agencies=(gone, *report.agencies[1:]), broken_agencies=(told,))
    read = opened(department_workbook(report, rows()))
    line = read["Các cơ quan"][2]
    assert [cell.value for cell in line[:3]] == [1, gone.name, "không chạy được"]
    assert {cell.value for cell in line[3:]} == {None}
    about = "\n".join(str(cell.value) for line in read["Đọc trước"] for cell in line if cell.value)
    assert f"{gone.name}: Có hồ sơ được tính hơn một lần." in about


def test_department_gets_all_agencies_and_only_the_rows_that_concern_it():
    book = department_workbook(department_report(), [each for each in rows() if each.stage == "remind_department"])
    assert book.rows == 2
    sheet = opened(book)["Các cơ quan"]
    assert [line[1].value for line in sheet.iter_rows(min_row=2, max_row=4)] == [
        "UBND TP Nha Trang",
        "Sở Xây dựng",
        "Sở NN-PTNT",
    ]
    assert sheet.max_row == 14


DANGEROUS = (
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "\t=1+1",
    "＝1+1",
    "http://x.example",
    "0012",
    "\x00\x1b",
)


@pytest.mark.parametrize("text", DANGEROUS)
def test_cells_that_begin_like_formulas_are_text(text):
    hostile = row(1, subject=text, dossier_code=text, what=text, procedure_code=text, procedure_name=text)
    report = agency_report(agency_name=text, figures=replace(agency_report().figures, name=text))
    book = agency_workbook(report, [hostile])
    with zipfile.ZipFile(io.BytesIO(book.content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if "worksheets/" in name]
        assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in sheets)
        assert re.search(r'quotePrefix="1"', parts.read("xl/styles.xml").decode())
    sheet = opened(book)["Cần xử lý"]
    for cell in (sheet["B2"], sheet["F2"], sheet["M2"], sheet["N2"]):
        assert cell.data_type == "s"
        assert cell.number_format == "@"
        assert cell.quotePrefix
    assert sheet["B2"].value.strip("\x00\x1b") in (text, text.replace("\r", "_x000D_"), "_x0000__x001B_", "")


@pytest.mark.parametrize("code", [*DANGEROUS, "160915001", "a&b=c#d", "internal:A1", "0905123456"])
def test_codes_lead_to_the_page_of_the_dossier_and_nowhere_else(code):
    """A link from a workbook must lead only to the dossier, whatever characters its code has."""
    page = "https://noi-bo.example/motcua/dossiers"
    each = row(1, subject=code, dossier_code=code, agency_code="000.00.09.H32")
    cell = opened(agency_workbook(agency_report(), [each], dossiers_url=page))["Cần xử lý"]["B2"]
    if holds_phone(code):
        assert cell.hyperlink is None, "a cell with a number must have no link"
        return
    assert cell.data_type == "s"
    address, _, query = cell.hyperlink.target.partition("?")
    assert address == page
    read = parse_qs(query, keep_blank_values=True)
    assert read["agency"] == ["000.00.09.H32"]
    assert read["code"] == [code]


def test_file_name_has_no_letter_that_a_file_system_refuses():
    named = agency_workbook(agency_report(agency_name='../a\\b:c*?"<>|\r\n' + "Sở Tư pháp " * 20), [row()]).name
    assert re.fullmatch(r"[\w .-]+\.xlsx", named)
    assert len(named) < 110


def test_same_report_gives_the_same_bytes_and_no_rows_are_said_so():
    assert agency_workbook(agency_report(), rows()).content == agency_workbook(agency_report(), rows()).content
    assert (
        opened(department_workbook(department_report(), []))["Cần xử lý"]["B2"].value == "Không có dòng nào cần xử lý."
    )
