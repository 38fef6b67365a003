"""Test the mails about data quality.

Plain text and HTML must have the same figures, and each picture must be attached. A subject must stay readable, and
a mail must not load anything from elsewhere.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32, default
from html import unescape

import pytest

from motcua.quality.report_data import Change
from motcua.quality.rules import load_rules
from motcua.reports.checks import InWords
from motcua.reports.mail import Mail, write_message
from motcua.reports.quality import mail as quality_mail
from motcua.reports.quality.mail import SourceFault, compose_agency_mail, compose_department_mail, is_due
from motcua.reports.quality.workbook import Workbook
from tests.ground import TU_PHAP
from tests.quality_samples import (
    AT,
    LAST_FRIDAY,
    PREVIOUS,
    RUN,
    agency_report,
    broken,
    department_report,
    figures,
    row,
    rows,
    rows_of_a_source,
    trend,
)


@pytest.fixture(scope="module")
def agency_mail() -> Mail:
    return compose_agency_mail(agency_report(), rows())


@pytest.fixture(scope="module")
def department_mail() -> Mail:
    return compose_department_mail(department_report(), [*rows(), *rows_of_a_source()])


def sent(mail: Mail, recipient: str = "lan@tuphap.example") -> bytes:
    return write_message(
        mail, "MotcuaSMS <motcua@khanhhoa.example>", recipient, "<chat-luong.41.1@khanhhoa.example>", AT
    )


def workbook_of(mail: Mail) -> Workbook:
    (attached,) = mail.attachments
    assert isinstance(attached, Workbook)
    return attached


def words_of(html: str) -> str:
    html = re.sub(r"(?s)<(style|head|title)\b.*?</\1>|<!--.*?-->", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# ----------------------------------------------------------------------------------------- what the mails say


@pytest.mark.guarantee(
    "intake",
    "mails count, by agency, pushed dossiers that need further papers and whose citizens could not be told so by SMS",
)
def test_mails_say_how_many_supplements_nobody_could_be_told_of(agency_mail, department_mail):
    own = compose_agency_mail(agency_report(), rows(), untold=1234)
    many = [("Sở Tư pháp", 900), *((f"Xã số {place}", 2) for place in range(20))]
    whole = compose_department_mail(department_report(), rows(), untold=many)
    for text in (" ".join(own.text.split()), words_of(own.html)):
        assert "chưa báo được 1.234 hồ sơ cần bổ sung" in text.lower()
    for text in (" ".join(whole.text.split()), words_of(whole.html)):
        assert "chưa báo được 940 hồ sơ cần bổ sung" in text.lower()
        assert "Sở Tư pháp (900), Xã số 0 (2)," in text
        assert "Xã số 13 (2). Các cơ quan khác xem ở trang Nguồn dữ liệu." in text
        assert "Xã số 14" not in text
    for mail in (agency_mail, department_mail):
        assert "cần bổ sung trong bảy ngày" not in mail.text + mail.html


@pytest.mark.guarantee("broken-rows", "each agency gets a mail with the faults that a check finds in its source")
def test_mails_tell_what_must_be_mended_at_a_source_the_new_first_and_are_due_for_what_is_new(agency_mail):
    def fault(place, *, is_new=False, source="hue"):
        said = InWords(
            "desk_never", "desk_never/hue", "error", f"Điều <{place}>", f"Thấy {place}.", "Vì sao.", f"Sửa {place}.", ""
        )
        return SourceFault(source, said, datetime(2026, 11, 24, 22, 30, tzinfo=UTC), is_new)

    faults = [*(fault(place) for place in range(12)), fault(99, is_new=True)]
    own = compose_agency_mail(agency_report(), rows(), faults=faults)
    whole = compose_department_mail(department_report(), rows(), faults=faults)
    broken = replace(agency_report().figures, broken_reason="Không đọc được.")
    without_figures = compose_agency_mail(agency_report(figures=broken), [], faults=faults)
    for mail in (own, whole, without_figures):
        for text in (" ".join(mail.text.split()), words_of(mail.html)):
            assert "13 điều phải sửa ở nguồn dữ liệu" in text or "13 ĐIỀU PHẢI SỬA Ở NGUỒN DỮ LIỆU" in text
            new = text.index("hue: Điều <99> (mới, từ")
            assert "Thấy 99. Cần làm: Sửa 99." in text
            assert new < text.index("hue: Điều <0> (từ")
            assert "Điều <8>" in text
            assert "Điều <9>" not in text
            assert "Còn 3 điều khác" in text
        assert "<99>" not in mail.html, "words of a finding must be escaped as text"
    assert "nguồn dữ liệu</b>" not in agency_mail.html
    assert is_due(agency_report(has_news=False), [fault(1), fault(2, is_new=True)])
    assert not is_due(agency_report(has_news=False), [fault(1)]), "a fault that was mailed before must not cause a mail"


def test_agency_is_told_what_changed_what_comes_first_and_what_is_late(agency_mail):
    assert agency_mail.subject == "Sở Tư pháp: 139 lỗi dữ liệu cần xử lý (15 mới, 11 quá hạn), ngày 26/11/2026"
    for text in (agency_mail.text, words_of(agency_mail.html)):
        for expected in (
            "12 lỗi mới",
            "3 tái diễn",
            "8 đã sửa",
            "65,4",
            "11 lỗi đã quá hạn sửa.",
            "2 lỗi đã được báo Sở Thông tin và Truyền thông.",
            "62 hồ sơ, 2 hồ sơ quá hạn, phải báo Sở",
            "Hỏi công dân và nhập số di động khi tiếp nhận hồ sơ.",
            "000.00.09.H32-261102-0001",
            "Dữ liệu tính đến 6:11 ngày 26/11/2026",
            "Báo cáo tự động, không thay thế văn bản ký ban hành.",
        ):
            assert expected in text, expected
        assert text.index("cần làm trước".upper() if text is agency_mail.text else "cần làm trước") < text.index(
            "62 hồ sơ"
        )


def test_department_is_told_of_the_worst_by_rate_not_by_size(department_mail):
    html = words_of(department_mail.html)
    for text in (department_mail.text, html):
        for expected in ("211 lỗi mới", "95,5", "−2,9", "31.701", "Sở Xây dựng", "115,1", "+16,4", "vanphong"):
            assert expected in text, expected
    ranked = [re.sub(r"^\d+\. |:.*", "", line) for line in department_mail.text.splitlines() if "trên 1.000 (" in line]
    assert ranked[:4] == ["UBND TP Nha Trang", "Sở Xây dựng", "Sở NN-PTNT", "UBND TP Cam Ranh"]
    assert "UBND TP Nha Trang (15), UBND TP Cam Ranh (3)" in html
    assert workbook_of(department_mail).rows == 4, (
        "the workbook must have two rows for the Department and two of a source"
    )


def test_broken_checks_are_named_and_are_neither_clean_nor_bad():
    report = agency_report(broken=(broken("R4"),), results=(*agency_report().results[:4], broken("R4")))
    mail = compose_agency_mail(report, rows())
    assert mail.subject.endswith(", 1 kiểm tra không chạy được, ngày 26/11/2026")
    for text in (mail.text, words_of(mail.html)):
        assert "R4 Trả kết quả ngay khi xong: ProgrammingError: cột due_at không có" in text
        assert "không tính là tốt, cũng không tính là lỗi dữ liệu" in text
        assert "không tìm thấy lỗi nào" not in text, "a broken check must not be reported as clean"


def test_mail_of_an_agency_without_findings_has_no_attachment_and_says_that_nothing_is_wrong():
    clean = figures("000.00.09.H32", "Sở Tư pháp", 2_188, (0, 0, 0, 0), 0.0, change=Change(previous_found=0))
    report = agency_report(
        figures=clean, to_do_first=(), results=(), suggestions=(), shares=(), rank=None, has_news=False
    )
    mail = compose_agency_mail(report, [])
    assert mail.subject == "Sở Tư pháp: dữ liệu hồ sơ không có lỗi cần xử lý, ngày 26/11/2026"
    assert mail.attachments == ()
    assert "Không còn lỗi nào trong dữ liệu của cơ quan." in words_of(mail.html)
    assert sent(mail)


@pytest.mark.guarantee(
    "reconciliation", "a quality run without an earlier run to compare with is not called the first run"
)
def test_run_with_none_of_an_earlier_day_is_not_called_the_first_and_has_no_line_of_one_point():
    point = trend({"phone_missing": 28.3, "phone_invalid": 18.7, "status": 17.4, "other": 0.9})[-1:]
    own = replace(agency_report().figures, change=Change(new=143), per_thousand=None)
    second = {"previous": None, "run": replace(RUN, run_no=2)}
    mail = compose_agency_mail(agency_report(**second, trend=point, figures=own), rows())
    for text in (mail.text, words_of(mail.html)):
        assert "Lần kiểm tra số 2" in text
        assert "đầu tiên" not in text
        assert "Chưa có lần kiểm tra nào của ngày làm việc trước để so sánh." in text
    assert "mới" not in mail.subject, "without an earlier run nothing must be called new"
    assert mail.pictures == ()
    assert "cid:" not in mail.html


def test_three_dossiers_accuse_nobody_and_an_agency_s_own_share_has_its_name(agency_mail):
    """The mail must not list a procedure with only three dossiers, and names the agency beside its own share."""
    for text in (agency_mail.text, words_of(agency_mail.html)):
        assert "Thủ tục hiếm" not in text
    assert "- Sở Tư pháp, tháng 11/2026: 89,0% trong 712 hồ sơ, tháng trước 92,9%" in agency_mail.text


@pytest.mark.guarantee(
    "reconciliation", "the figures of a mail are the sums of its rows, or the mail names the difference"
)
def test_figures_of_an_agency_s_mail_add_up_to_its_rows(agency_mail):
    (told,) = re.findall(
        r"Danh sách đủ (\d+) dòng: (\d+) lỗi \(kể cả (\d+) đã tạm chấp nhận\), (\d+) dấu", agency_mail.text
    )
    listed, found, accepted, besides = map(int, told)
    assert listed == found + besides == workbook_of(agency_mail).rows
    (told,) = re.findall(r"(\d+) lỗi mới, (\d+) tái diễn, (\d+) chưa sửa: cộng (\d+) lỗi", agency_mail.text)
    assert sum(map(int, told[:3])) == int(told[3]) == found
    assert f"trừ {accepted} lỗi đã tạm chấp nhận còn {found - accepted} lỗi cần xử lý" in agency_mail.text
    assert agency_mail.subject.startswith(f"Sở Tư pháp: {found - accepted} lỗi dữ liệu cần xử lý")
    of_rules = [int(number) for number in re.findall(r": (\d+) cần xử lý, ", agency_mail.text)]
    (told,) = re.findall(r"Cộng (\d+) cần xử lý: (\d+) lỗi, (\d+) dấu hiệu, (\d+) lưu ý\.", agency_mail.text)
    assert sum(of_rules) == int(told[0]) == sum(map(int, told[1:]))
    assert int(told[1]) == found - accepted
    html = words_of(agency_mail.html)
    for said in (f"Danh sách đủ {listed} dòng: {found} lỗi", f"Cộng {told[0]} cần xử lý: {told[1]} lỗi"):
        assert said in html


@pytest.mark.guarantee(
    "reconciliation", "the figures of a mail are the sums of its rows, or the mail names the difference"
)
@pytest.mark.parametrize("number", [13, 65])
def test_agencies_of_the_department_s_mail_add_up_to_the_whole_also_where_rows_are_cut_off(number):
    many = [
        figures(f"000.{place:02d}.30.H32", f"Xã số {place}", 900 + place, (9, 4, 3, place), 100.0, remind_agency=place)
        for place in range(number)
    ]
    sums = [sum(each.by_group[group] for each in many) for group in many[0].by_group]
    late = sum(each.remind_agency for each in many)
    whole = figures("", "", sum(each.dossiers for each in many), tuple(sums), 100.0, remind_agency=late)
    mail = compose_department_mail(department_report(agencies=tuple(many), figures=whole), [])
    table = mail.text.partition("TỪNG CƠ QUAN")[2].partition("KẾT QUẢ TỪNG")[0]
    lines = re.findall(r"(?m)^(?:\d+\. Xã|\d+ cơ quan khác).*?([\d.]+) hồ sơ, .*$", table)
    told = re.findall(r"(?m)^(?:\d+\. Xã|\d+ cơ quan khác|Toàn tỉnh).*? hồ sơ, .*$", table)

    def counts(line: str) -> list[int]:
        named = re.findall(r"(?:thiếu số điện thoại|không nhắn được|sai thực tế|lỗi khác|quá hạn) ([\d.]+)", line)
        return [int(each.replace(".", "")) for each in named]

    *rows_told, total = map(counts, told)
    assert len(rows_told) == len(lines) == min(number, 16)
    assert [sum(column) for column in zip(*rows_told, strict=True)] == total == [*sums, late]
    assert sum(int(each.replace(".", "")) for each in lines) == whole.dossiers
    assert f"Cộng các loại: {whole.found:,} lỗi.".replace(",", ".") in table


def test_agency_of_few_dossiers_is_told_its_counts_and_no_rate():
    few = figures(TU_PHAP, "Sở Tư pháp", 99, (20, 3, 1, 0), None)
    mail = compose_agency_mail(agency_report(figures=few, rank=None), rows()[:24])
    assert "- Lỗi trên 1.000 hồ sơ: - (ít hồ sơ, chỉ ghi số lỗi)" in mail.text
    assert "ít hồ sơ, chỉ ghi số lỗi" in words_of(mail.html)
    department = compose_department_mail(department_report(agencies=(few,)), [])
    assert "- Sở Tư pháp (ít hồ sơ, chỉ ghi số lỗi): - trên 1.000" in department.text
    for text in (department.text, words_of(department.html)):
        assert "Không xếp hạng 1 cơ quan có ít hồ sơ, đứng cuối bảng." in text
    assert len(department.pictures) == 1, "only the trend must be drawn, as no agency has a bar"


def test_acknowledged_rows_are_not_among_those_to_mend_first():
    accepted = [each for each in rows() if each.acknowledged]
    mail = compose_agency_mail(agency_report(), [*accepted, row(700)])
    assert accepted[0].subject not in mail.text
    assert "261102-0700" in mail.text
    assert workbook_of(mail).rows == 5


def test_latest_and_gravest_rows_come_first_and_what_does_not_fit_is_counted(monkeypatch):
    """The most overdue findings come first, and the mail says how many it leaves out."""
    shuffled = sorted(rows(), key=lambda each: each.finding_id * 7919 % 1009)
    mail = compose_agency_mail(agency_report(), iter(shuffled))
    told = re.findall(r"^- (\S+) \[(Quá hạn[^\]]*)\]", mail.text, re.MULTILINE)
    assert [stage for _, stage in told] == ["Quá hạn, đã báo Sở"] * 2 + ["Quá hạn"] * 6
    monkeypatch.setattr(quality_mail, "MOST_ROWS", 20)
    mail = compose_agency_mail(agency_report(), iter(shuffled))
    assert (workbook_of(mail).rows, workbook_of(mail).left_out) == (20, 126)
    for text in (mail.text, words_of(mail.html)):
        assert "20 dòng đầu" in text
        assert "còn 126 dòng nữa" in text


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"has_news": False}, False),
        ({"has_news": False, "previous": None}, True),
        ({"has_news": False, "previous": LAST_FRIDAY}, False),
        ({"has_news": False, "previous": replace(PREVIOUS, day=RUN.day)}, False),
    ],
)
def test_report_without_news_is_not_mailed_unless_it_is_of_the_first_check(changes, due):
    """An agency gets no mail if its findings have not changed, except after its first check."""
    assert is_due(agency_report(**changes)) is due


# --------------------------------------------------------------------------------------- how the mails are sent


def test_message_is_plain_text_html_pictures_and_a_workbook(agency_mail):
    raw = sent(agency_mail)
    message = message_from_bytes(raw, policy=default)
    assert message.get_content_type() == "multipart/mixed"
    body, workbook = message.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    plain, related = body.iter_parts()
    assert (plain.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    assert plain.get_content().replace("\r\n", "\n") == agency_mail.text
    assert workbook.get_filename() == "Sở Tư pháp - lỗi dữ liệu 26-11-2026.xlsx"
    assert workbook.get_content() == workbook_of(agency_mail).content
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].endswith("+0700")
    raw.decode("ascii")


def test_every_picture_that_the_html_names_is_there_with_words(agency_mail, department_mail):
    for mail, number in ((agency_mail, 1), (department_mail, 2)):
        message = message_from_bytes(sent(mail), policy=default)
        html = message.get_body(("html",)).get_content()
        named = re.findall(r'<img src="cid:([^"]+)" width="\d+" alt="([^"]{40,})"', html)
        assert len(named) == html.count("<img") == html.count("cid:") == number
        carried = {
            part["content-id"].strip("<>"): part for part in message.walk() if part.get_content_maintype() == "image"
        }
        assert set(carried) == {cid for cid, _ in named}
        assert all(part.get_content().startswith(b"\x89PNG") for part in carried.values())
        assert all(part.get_content_disposition() == "inline" for part in carried.values())


@pytest.mark.parametrize("policy", [default, compat32], ids=["new parser", "old parser"])
def test_vietnamese_subjects_survive_at_every_length(agency_mail, policy):
    name = "Ủy ban nhân dân phường Lộc Thọ (thành phố Nha Trang)"
    for length in range(0, 44, 2):
        middle = "đ " * (length // 2) + str(10 ** (length % 7))
        subject = f"{name}: {middle} lỗi dữ liệu cần xử lý (12 mới, 9 quá hạn), ngày 26/11/2026"
        raw = sent(replace(agency_mail, subject=subject, attachments=(), pictures=(), html="<p>x</p>", text="x\n"))
        read = message_from_bytes(raw, policy=policy)["subject"]
        assert str(make_header(decode_header(read)) if policy is compat32 else read) == subject


def test_html_loads_nothing_and_links_nowhere_unless_told_where(agency_mail, department_mail):
    for mail in (agency_mail, department_mail):
        html = re.sub(r'xmlns="http://www.w3.org/1999/xhtml"', "", mail.html)
        assert not re.search(r"(?i)https?:|//[a-z]|url\(|@import|<script|<link|<iframe|<form|javascript:", html)
        assert "href" not in html
    linked = compose_agency_mail(agency_report(), rows(), "http://noi-bo.example/motcua/quality/findings?code=a&b")
    assert re.findall(r'href="([^"]+)"', linked.html) == ["http://noi-bo.example/motcua/quality/findings?code=a&amp;b"]
    assert "http://noi-bo.example/motcua/quality/findings?code=a&b" in linked.text


def test_code_of_a_dossier_leads_to_its_page_unless_it_holds_a_number():
    rows_told = [row(1), row(2, dossier_code="0905771482", subject="0905771482")]
    mail = compose_agency_mail(agency_report(), rows_told, dossiers_url="http://noi-bo.example/motcua/dossiers")
    (address,) = re.findall(r'href="([^"]+/dossiers[^"]+)"', mail.html)
    assert address == f"http://noi-bo.example/motcua/dossiers?agency={TU_PHAP}&amp;code={row(1).dossier_code}"
    assert unescape(address) in mail.text


def test_everything_at_once_still_fits():
    """The mails must not exceed their size limits, even if all rules find faults in a province of 65 agencies."""
    book = load_rules({})
    results = tuple(
        replace(agency_report().results[0], rule=each, found=100 + number)
        for number, each in enumerate(book.rules.values())
    )
    everything = {"results": results, "thresholds": book.thresholds_used(), "shares": agency_report().shares * 9}
    mail = compose_agency_mail(agency_report(**everything), rows())
    assert len(mail.html.encode()) < 100_000
    assert f"{len(results) - 15} kiểm tra khác còn " in mail.text
    many = tuple(
        figures(f"000.{number:02d}.30.H32", f"Ủy ban nhân dân xã số {number}", 900, (90, 40, 30, number), 100.0)
        for number in range(65)
    )
    mail = compose_department_mail(department_report(agencies=many, **everything), [])
    assert len(mail.html.encode()) < 100_000
    assert "50 cơ quan khác: 45.000 hồ sơ" in mail.text


def test_what_others_typed_stays_text():
    nasty = '<script>alert(1)</script> & "ngoặc" {{ 7*7 }}'
    hostile = row(1, subject=nasty, dossier_code=nasty, what=nasty, procedure_name=nasty)
    mail = compose_agency_mail(agency_report(agency_name=nasty), [hostile])
    assert "<script" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert nasty in mail.text, "plain text must not be escaped"
    assert "49" not in mail.subject
    assert message_from_bytes(sent(mail), policy=default)["subject"].startswith("<script>alert(1)</script> & ")


def test_a_line_break_in_a_name_does_not_become_a_header():
    mail = compose_agency_mail(agency_report(agency_name="Sở Tư pháp\r\nBcc: x@y.example"), rows())
    message = message_from_bytes(sent(mail), policy=default)
    assert message["Bcc"] is None
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        sent(mail, "lan@tuphap.example\r\nBcc: x@y.example")


def test_texts_are_in_composed_form_and_hold_no_whole_number(agency_mail, department_mail):
    for mail in (agency_mail, department_mail):
        for text in (mail.subject, mail.text, mail.html):
            assert unicodedata.is_normalized("NFC", text)
            assert not re.search(r"(?<![\d.-])(?:\+?84|0)(?:[ .-]?\d){9}(?!\d)", words_of(text))
