"""Test the reading of carrier statements.

Values that are read must be exact. A value that can be read in two ways is refused with its line and column. A form is
a file in include/statements that describes the columns and words of one provider's statements.
"""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.jobs.handed_in import faults
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.statement_files import (
    FormError,
    form_names,
    load_form,
    month_in_name,
    read_form,
    read_statement,
)

OCTOBER = date(2026, 10, 1)
HEADINGS = ("Mã tham chiếu", "Số thuê bao", "Thời gian gửi", "Số tin", "Đơn giá (đ)", "Thành tiền (đồng)", "Trạng thái")
ROW = ("our-1", "0905123456", "05/10/2026 10:00:00", "1", "350", "350", "Thành công")


def csv(*rows: tuple[str, ...], separator: str = ";", headings: tuple[str, ...] = HEADINGS) -> bytes:
    return "\n".join(separator.join(row) for row in (headings, *rows)).encode("utf-8-sig")


def row(**changes: str) -> tuple[str, ...]:
    named = dict(zip(("reference", "msisdn", "sent_at", "segments", "price", "amount", "status"), ROW, strict=True))
    assert changes.keys() <= named.keys()
    return tuple((named | changes).values())


def read(content: bytes, name: str = "bang-ke-2026-10.csv", **changes: object):
    return read_statement(content, name, load_form("kannel").model_copy(update=changes))


def refusal(content: bytes, name: str = "bang-ke-2026-10.csv", **changes: object) -> str:
    with pytest.raises(FileRefused) as refused:
        read(content, name, **changes)
    return str(refused.value)


def test_shipped_forms_can_be_used():
    forms = [load_form(name) for name in form_names()]
    assert [form.gateway for form in forms] == list(form_names())
    of_unit = {"segment": {"sent_at", "segments", "amount"}, "message": {"sent_at", "amount"}}
    assert [form for form in forms if form.required != of_unit[form.unit]] == []


# --- Files that are read ------------------------------------------------------------------------------------------


def test_amounts_as_they_are_written_in_vietnam():
    amounts = [read(csv(row(amount=written))).amount for written in ("1.234.567,5", "350\xa0đồng", '="350"', "'350")]
    assert amounts == [Decimal("1234567.5"), 350, 350, 350]


@pytest.mark.guarantee("statements", "an amount that can be read in two ways is refused, with its line and column")
@pytest.mark.parametrize(
    "written", ["1,050", "350.5", "12.34.567", "-350", "1e3", "٣٥٠", "=cmd|'/C calc'!A0", "1 050", ""]
)
def test_amounts_that_could_mean_something_else_are_refused(written):
    said = refusal(csv(row(amount=written)))
    assert "dòng 2, cột “Thành tiền (đồng)”" in said
    assert written == "" or written not in said.replace("1.234,5", ""), "the fault must not repeat the cell"


def test_english_notation_where_the_form_says_so():
    english = {"decimal": ".", "dates": ("%Y-%m-%d %H:%M",)}
    assert read(csv(row(amount="1,050.5", sent_at="2026-10-05 10:00")), **english).amount == Decimal("1050.5")
    assert "Thành tiền" in refusal(csv(row(amount="1.050,5", sent_at="2026-10-05 10:00")), **english)


def test_times_are_read_and_those_that_are_none_refused():
    for written in ("5/10/2026 7:05", "2026-10-05 07:05:00"):
        assert read(csv(row(sent_at=written))).last_at == datetime(2026, 10, 5, 0, 5, tzinfo=UTC)
    for written in ("10/25/2026 10:00", "45935.4", "hôm qua", "05/10/1600 10:00", "٠٥/10/2026 10:00"):
        assert "dòng 2, cột “Thời gian gửi”: không đọc được thời gian" in refusal(csv(row(sent_at=written)))


def test_month_is_that_of_vietnam():
    for written in ("01/10/2026 00:00:00", "31/10/2026 23:59:59"):
        assert read(csv(row(sent_at=written))).month == OCTOBER
    for written in ("30/09/2026 23:59:59", "01/11/2026 00:00:00"):
        assert "nằm ngoài tháng 10/2026" in refusal(csv(row(sent_at=written)))


def test_month_in_a_files_name():
    october = ("bang-ke-2026-10.csv", "BK_202610_v2.csv", "bang-ke-2026-10-1.csv", "bang-ke-2026-10-den-25-23h10.xlsx")
    assert [month_in_name(name) for name in october] == [OCTOBER] * 4
    none = ("2026-10 va 2026-11.csv", "BK_20261105.csv", "bang-ke-2026-13.csv")
    assert [month_in_name(name) for name in none] == [None] * 3


def test_without_a_month_in_the_name_the_first_line_tells_it():
    assert read(csv(ROW), "bang-ke.csv").month == OCTOBER
    said = refusal(csv(ROW, row(sent_at="01/11/2026 08:00:00")), "bang-ke.csv")
    assert "dòng 3, cột “Thời gian gửi”: thời gian nằm ngoài tháng 10/2026" in said


def test_numbers_keep_their_zeros_and_masked_ones_are_none():
    """A phone number is read in each spelling that spreadsheets use. A masked number counts as missing."""
    spellings = ("905123456", '="0905123456"', "905123456.0", "84 (0) 905123456", "02583822001", "8490512***6")
    found = read(csv(*[row(msisdn=written) for written in spellings])).lines["msisdn"].tolist()
    assert found[:5] == ["+84905123456"] * 4 + ["+842583822001"]
    assert not isinstance(found[5], str)


def test_title_blank_rows_total_and_signatures_are_not_read_as_lines():
    content = (
        "CÔNG TY A;;;;;;\nBảng kê tháng 10/2026;;;;;;\n;;;;;;\n"
        + csv(row(amount="350,4"), row(reference="our-2", segments="2", amount="700,2")).decode("utf-8-sig")
        + "\n;;;;;;\nTổng cộng:;;;3;;1.051;\nNgười lập biểu;;;;;;\n(ký tên);;;;;;"
    ).encode()
    found = read(content)
    assert list(found.lines["line_no"]) == [5, 6]
    assert (found.segments, found.amount) == (3, Decimal("1050.6")), (
        "a total that is rounded to whole đồng must be accepted"
    )


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ("Tổng cộng;;;4;;350;", "dòng 3, cột “Số tin”: dòng tổng cộng ghi 4, cộng các dòng được 1"),
        ("Tổng;;;1;;352;", "cột “Thành tiền (đồng)”: dòng tổng cộng ghi 352, cộng các dòng được 350"),
        ("Cộng;;;;;abc;", "dòng 3, cột “Thành tiền (đồng)”: không đọc được số"),
        ("Tổng cộng;;;1;;350;\nour-9;;06/10/2026 10:00;1;;350;", "dòng 4: còn dữ liệu sau dòng tổng cộng"),
        ("our-9;;Tổng;1;;350;", "dòng 3, cột “Thời gian gửi”: không đọc được thời gian"),
    ],
)
def test_total_that_does_not_add_up_is_refused(total, said):
    assert said in refusal(csv(ROW) + b"\n" + total.encode())


def test_total_may_be_required():
    assert "thiếu dòng tổng cộng" in refusal(csv(ROW), total_required=True).lower()


def test_label_of_the_total_may_stand_where_the_time_does_and_notes_where_nothing_is_read():
    """A total's label may be in the column of times, and notes may be in columns that are not read."""
    headings = ("Thời gian gửi", "Số thuê bao", "Số tin", "Thành tiền")
    lines = ("05/10/2026 10:00:00", "0905123456", "1", "350")
    assert read(csv(lines, ("Tổng cộng", "", "1", "350"), headings=headings)).segments == 1
    said = refusal(csv(lines, ("Tổng cộng", "", "2", "350"), headings=headings))
    assert "dòng 3, cột “Số tin”: dòng tổng cộng ghi 2" in said
    content = csv(("Nhà mạng Viettel:",), ("1", *ROW), ("Người lập biểu",), headings=("STT", *HEADINGS))
    assert list(read(content).lines["line_no"]) == [3]


def test_of_two_amounts_the_form_says_which_one_by_what_stands_in_brackets():
    """If a file has one amount with tax and one without, the words in brackets in the form choose the column."""
    headings = (*HEADINGS[:5], "Thành tiền (chưa VAT)", "Thành tiền (có VAT)")
    content = csv((*ROW[:5], "350", "378"), headings=headings)
    assert "dòng 1, cột “Thành tiền (chưa VAT)”: tiêu đề này có hai lần" in refusal(content)
    columns = load_form("kannel").columns
    for chosen, amount in (("Thành tiền (chưa VAT)", 350), ("thanh tien (CO VAT)", 378)):
        assert read(content, columns=columns | {"amount": (chosen, "Thành tiền")}).amount == amount


def test_accents_in_either_form_of_unicode_and_headings_as_anybody_types_them():
    headings = ("MÃ  THAM CHIẾU", '"Số\nthuê bao"', "thoi gian gui", " Số tin ", *HEADINGS[4:])
    text = csv(row(amount="350 đồng"), headings=headings).decode("utf-8-sig").replace("\n", "\r\n")
    for form in ("NFC", "NFD"):
        found = read(unicodedata.normalize(form, text).encode())
        assert (found.amount, list(found.lines["status"]), list(found.lines["line_no"])) == (350, ["delivered"], [2])


def test_separator_is_the_one_that_splits_all_lines_alike_though_texts_have_more_of_another():
    """Many commas in a message's text must not make the comma the separator of the file."""
    text = "Kính gửi ông, bà, hồ sơ 1, 2, 3, 4, 5, 6, 7, 8, 9 đã xong"
    assert read(csv((*ROW, text), (*ROW, "xong"), headings=(*HEADINGS, "Nội dung"))).segments == 2


def test_lines_are_counted_as_a_spreadsheet_counts_them():
    """The line of a fault must be the line that the person sees in the spreadsheet."""
    wrong = csv(row(segments="x")).decode("utf-8-sig")
    assert "dòng 4, cột" in refusal(f"\n\n{wrong}".encode())
    assert "dòng 2, cột" in refusal(f"sep=;\n{wrong}".encode()), "the line sep= is hidden in Excel and not counted"
    assert "dòng 3, cột" in refusal(f'"Bảng kê\ntháng 10";;\n{wrong}'.encode()), (
        "a cell with a line break is in one line of the table"
    )


# --- Files that are refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reference": "1,23E+17"}, "cột “Mã tham chiếu”: giá trị đã bị Excel làm tròn"),
        ({"reference": "our 1"}, "cột “Mã tham chiếu”: mã chỉ gồm"),
        ({"reference": "", "msisdn": "0905***456"}, "dòng 2: thiếu cả mã tham chiếu"),
        ({"msisdn": "không có"}, "cột “Số thuê bao”: không phải số điện thoại"),
        ({"msisdn": "9,05E+08"}, "cột “Số thuê bao”: giá trị đã bị Excel làm tròn"),
        ({"amount": "84905123456"}, "cột “Thành tiền (đồng)”: cột này chứa số điện thoại"),
        ({"segments": "1,5"}, "cột “Số tin”: cần số nguyên"),
        ({"segments": ""}, "cột “Số tin”: thiếu giá trị"),
        ({"segments": "9999999999"}, "cột “Số tin”: số quá lớn"),
        ({"price": "1,050"}, "cột “Đơn giá (đ)”: không đọc được số"),
        ({"status": "Có lẽ"}, "cột “Trạng thái”: không hiểu “Có lẽ”"),
        ({"status": "0905123456"}, "cột “Trạng thái”: không hiểu “…”"),
        ({"reference": "0905123456"}, "cột này chứa số điện thoại"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column_without_the_number(changes, said):
    told = refusal(csv(row(**changes)))
    assert said in told
    assert "905123456" not in told


def test_every_fault_is_told_in_the_order_of_the_file_and_no_more_than_can_be_read():
    told = refusal(csv(*[row(reference=f"our-{n}", amount="x", segments="y") for n in range(30)]))
    lines = told.splitlines()
    assert lines[1].startswith("- dòng 2, ")
    assert lines[-1] == "- và 40 lỗi khác"
    assert len(lines) == 22


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (csv(ROW[:3], headings=HEADINGS[:3]), "dòng 1: thiếu cột; tiêu đề có thể là: Số bản tin / Số tin"),
        (b"a;b;c\n1;2;3", "không thấy dòng tiêu đề; cần các cột: Thời gian gửi"),
        (csv(ROW, headings=(*HEADINGS[:5], "Số tin", "Trạng thái")), "cột “Số tin”: tiêu đề này có hai lần"),
        (csv((*ROW, "thừa")), "dòng 2: có ô nằm ngoài các cột có tiêu đề"),
        (csv(), "không có dòng dữ liệu nào"),
        (csv(ROW, ('"' + "x" * 200_000,)), "dòng 3: dấu ngoặc kép mở mà không đóng"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(128, 200)), "không"),
    ],
)  # fmt: skip
def test_files_that_are_no_statement_are_refused_with_what_to_do(content, said):
    assert said.lower() in refusal(content).lower()


@pytest.mark.guarantee(
    "statements", "arbitrary bytes are refused and cause no other error; unmatched quotes never swallow a line"
)
@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(content):
    for name in ("x-2026-10.csv", "x-2026-10.xlsx"):
        with pytest.raises(FileRefused):
            read(content, name)


BOOK = "bang-ke-2026-10.xlsx"
LINES = [list(HEADINGS), list(ROW)]


def workbook(**sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for cells in rows:
            sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_cells_of_a_workbook_are_read_by_what_they_are():
    content = workbook(
        MT=[
            list(HEADINGS),
            ["our-1", 905123456, datetime(2026, 10, 5, 10, 0, 0, 400_000), 2, 350.5, 701, "Success"],  # noqa: DTZ001
            ["our-2", "84905123457", "05/10/2026 10:01", "1", "350,5", "350,5", None],
            ["Tổng cộng", None, None, 3, None, 1051.5, None],
        ]
    )
    found = read(content, BOOK)
    assert list(found.lines["msisdn"]) == ["+84905123456", "+84905123457"]
    assert (found.segments, found.amount) == (3, Decimal("1051.5"))


def test_long_number_that_excel_rounded_is_refused():
    content = workbook(MT=[list(HEADINGS), [123456789012345678, "", "05/10/2026 10:01", 1, 350, 350, ""]])
    assert "đã bị Excel làm tròn" in refusal(content, BOOK)


def test_sheet_with_lines_is_not_passed_over_whatever_it_is_called_or_hidden():
    """A workbook is refused if a sheet that the form does not name has billed lines, even if the sheet is hidden."""
    for other in (
        {"Them": LINES}, {"MT_(2)": LINES}, {"Mt_": LINES}, {"Sheet2": [list(ROW)] * 3}, {"Tổng_hợp": [], "MT2": LINES},
    ):  # fmt: skip
        assert f"trang tính “{list(other)[-1].replace('_', ' ').strip()}" in refusal(workbook(MT=LINES, **other), BOOK)
    assert "Không có trang tính nào trong các trang" in refusal(workbook(A=LINES, B=LINES), "2026-10.xlsx")
    for notes in ({"Ghi_chu": [["Liên hệ"]]}, {"Tong_hop": [["Ngày", "Bản tin"], ["05/10/2026", 1]]}):
        assert read(workbook(MT=LINES, **notes), BOOK).segments == 1
    assert read(workbook(Sheet1=LINES), BOOK).segments == 1
    book = openpyxl.load_workbook(io.BytesIO(workbook(MT=LINES, An=LINES)))
    book["An"].sheet_state = "veryHidden"
    stream = io.BytesIO()
    book.save(stream)
    assert "trang tính “An”" in refusal(stream.getvalue(), BOOK)


def test_sheet_with_only_a_heading_says_that_nothing_is_billed():
    """A sheet of texts to 9029 with only a heading means that none was billed."""
    mo = [["Mã giao dịch", "Thời gian", "Số lượng", "Doanh thu được hưởng"]]
    found = read(workbook(MT=LINES, MO=mo), BOOK)
    assert (found.covers, found.inquiries) == ({"mt", "mo"}, 0)
    assert read(workbook(MT=LINES), BOOK).covers == {"mt"}
    assert "không có dòng dữ liệu nào" in refusal(workbook(MT=[list(HEADINGS)], MO=mo), BOOK)


TOTAL_OF_NONE = ["Tổng cộng", "", "", 0, "", "0", ""]


@pytest.mark.guarantee(
    "statements", "a statement sheet with only a total of 0 means no message; a total without its lines is refused"
)
@pytest.mark.parametrize("below", [[TOTAL_OF_NONE], [TOTAL_OF_NONE, ["Người lập biểu"]], [["Tổng cộng"]]])
def test_sheet_with_nothing_but_a_total_of_none_tells_that_there_was_none(below):
    found = read(workbook(MT=LINES, MO=[list(HEADINGS), *below]), BOOK)
    assert (found.covers, found.segments, found.inquiries) == ({"mt", "mo"}, 1, 0)


@pytest.mark.guarantee(
    "statements", "a statement sheet with only a total of 0 means no message; a total without its lines is refused"
)
def test_total_without_the_lines_that_it_sums_up_is_refused():
    headings, lines = list(HEADINGS), [list(ROW)]
    for amount, said in (("0", "dòng tổng cộng ghi 2"), ("2.000", "dòng tổng cộng ghi 2.000")):
        told = ["Tổng cộng", "", "", 2 if amount == "0" else 0, "", amount, ""]
        assert said in refusal(workbook(MT=[headings, *lines], MO=[headings, told]), BOOK)
    torn = ["x", "", "", 3, "", "", ""]
    assert "thiếu giá trị" in refusal(workbook(MT=[headings, *lines], MO=[headings, torn]), BOOK)
    none = [headings, TOTAL_OF_NONE]
    assert "không có dòng dữ liệu nào" in refusal(workbook(MT=none, MO=none), BOOK)


@pytest.mark.guarantee(
    "statements", "arbitrary bytes are refused and cause no other error; unmatched quotes never swallow a line"
)
@given(
    st.permutations(range(6)),
    st.sampled_from([",", ";", "\t"]),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.booleans()), min_size=1, max_size=4),
)
def test_quotes_that_do_not_match_never_swallow_a_line(order, separator, quotes):
    headings = ("Mã tham chiếu", "Số thuê bao", "Thời gian gửi", "Số tin", "Thành tiền", "Nội dung")
    rows = [
        [f"our-{n}", f"090512345{n}", f"05/10/2026 10:00:0{n}", "1", "350", "Hồ sơ đã xong"] for n in range(5)
    ]  # fmt: skip
    for line, column, at_the_end in quotes:
        rows[line][column] = rows[line][column] + '"' if at_the_end else '"' + rows[line][column]
    content = csv(
        *[tuple(cells[place] for place in order) for cells in rows],
        separator=separator,
        headings=tuple(headings[place] for place in order),
    )
    try:
        found = read(content)
    except FileRefused:
        return
    assert len(found.lines) == 5


def test_quotes_around_a_whole_line_do_not_make_it_one_cell_that_is_passed_over():
    """A line in quotes is one cell. The file is refused at this line, because the billed message would be lost."""
    whole = '"Hồ sơ đã xong,our-2,0905123452,05/10/2026 10:00:02,1,350"'
    headings = "Nội dung,Mã tham chiếu,Số thuê bao,Thời gian gửi,Số tin,Thành tiền"
    lines = [f"Hồ sơ đã xong,our-{n},090512345{n},05/10/2026 10:00:0{n},1,350" for n in range(5)]
    lines[2] = whole
    assert "dòng 4" in refusal("\n".join([headings, *lines]).encode())


def test_column_of_which_every_word_is_another_one_is_told_at_once():
    """A column of thousands of unknown words is refused quickly, with only a thousand faults counted."""
    rows = [row(reference=f"our-{n}", status=f"x{n}") for n in range(2_000)]
    said = refusal(csv(*rows))
    assert "dòng 2, cột “Trạng thái”: không hiểu “…”" in said
    assert "và 980 lỗi khác" in said, "only a thousand faults are counted"


def test_amounts_that_no_ledger_could_hold_are_refused():
    assert "cột “Thành tiền (đồng)”: số quá lớn" in refusal(csv(*[row(amount="9" * 12)] * 11))


def test_too_many_lines_are_told_as_such(monkeypatch):
    from motcua.jobs.handed_in import statement_files

    monkeypatch.setattr(statement_files, "MOST_LINES", 1)
    assert "nhiều nhất 1 dòng" in refusal(csv(ROW, row(reference="our-2")))


def test_lines_of_the_future_are_refused_by_line():
    content = csv(ROW, row(sent_at="05/10/2026 10:06:00"))
    with pytest.raises(FileRefused, match=r"dòng 3, cột “Thời gian gửi”: thời gian ở tương lai") as refused:
        read_statement(content, "x.csv", load_form("kannel"), now=datetime(2026, 10, 5, 3, 0, tzinfo=UTC))
    assert refused.value.month == OCTOBER


def test_faults_are_told_in_english_too():
    with pytest.raises(FileRefused) as refused:
        read(csv(row(amount="1,050"), *[row(segments="x")] * 20))
    told = refused.value.english.splitlines()
    assert told[0] == "File bang-ke-2026-10.csv is refused; nothing was written. To mend:"
    assert told[1].startswith("- line 2, column “Thành tiền (đồng)”: the number cannot be read")
    assert told[-1] == "- and 1 more"
    words = [faults.report_words("file_faults", language) for language in ("vi", "en")]
    assert words[0]["faults"].keys() == words[1]["faults"].keys() == set(faults.FaultCode.__args__)


def test_phone_in_a_heading_or_a_sheets_name_is_masked():
    headings = (*HEADINGS[:3], "Số tin (0905123456)", *HEADINGS[4:])
    told = refusal(csv(row(segments="x"), headings=headings))
    assert "cột “Số tin (0905***456)”" in told
    lines = LINES
    assert "905123456" not in refusal(workbook(MT=lines, **{"+84905123456": lines}), BOOK)


# --- Forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("columns: {sent_at: [T], segments: [S]}", "one of reference"),
        ("columns: {sent_at: [T], reference: [R]}", "segments needs a heading"),
        ("columns: {sent_at: [T], segments: [T], reference: [R]}", "stands there twice"),
        ("carriers: {Viettle: [V]}", "unknown carriers Viettle"),
        ("unit: letter", "unit"),
        ("surprise: 1", "surprise"),
    ],
)
def test_form_that_cannot_be_used_says_why(tmp_path, changes, said):
    path = tmp_path / "form.yaml"
    columns = "" if changes.startswith("columns") else "columns: {sent_at: [T], segments: [S], reference: [R]}\n"
    path.write_text(f"gateway: kannel\ndates: ['%d/%m/%Y']\n{columns}{changes}\n", encoding="utf-8")
    with pytest.raises(FormError, match=said):
        read_form(path)


@pytest.mark.parametrize("content", ["gateway: [", "gateway: kannel # nhà mạng"])
def test_form_that_is_no_text_says_so(tmp_path, content):
    path = tmp_path / "form.yaml"
    path.write_bytes(content.encode("utf-16"))
    with pytest.raises(FormError, match=r"form.yaml is no YAML in UTF-8"):
        read_form(path)


@pytest.mark.parametrize("name", ["nothing", "../kannel"])
def test_unknown_form_is_told(name):
    with pytest.raises(FormError, match=r"There is no form"):
        load_form(name)
