"""Test the mails about a publication: what the share of delivered messages counts, and that totals are sums of rows."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from motcua.domain.reconciliation import AgencyWords, Figures, MessageFigures, ReasonCount, ReconciliationReport
from motcua.reports.mail import Mail, bound
from motcua.reports.publication.data import Corrected, Told
from motcua.reports.publication.mail import Correction, compose_corrections_mail, compose_publication_mail
from motcua.reports.quality.mail import compose_agency_mail
from tests import quality_samples
from tests import reconciliation_samples as samples


def report(*messages: MessageFigures, reasons: tuple[ReasonCount, ...] = ()) -> ReconciliationReport:
    """Return a day's report with only these figures of messages, and no earlier day."""
    kept = samples.empty()
    codes = {row.agency_code for row in messages}
    return replace(
        kept,
        agencies=tuple(AgencyWords(code, f"Cơ quan {code}", enabled=True) for code in sorted(codes)),
        figures=Figures(messages=messages, reasons=reasons),
    )


def figures(code: str, **counts: int) -> MessageFigures:
    """Return figures of an agency's results. The source has an occasion (event that needs a message) for each one."""
    return MessageFigures(code, "", "result", at_source=sum(counts.values()), **counts)


def mail_of(one: ReconciliationReport, agency: str | None = None) -> Mail:
    return compose_publication_mail(Told(one, agency=agency), 12, "ab" * 32, [])


def words_of(html: str) -> str:
    html = re.sub(r"(?s)<(style|head|title)\b.*?</\1>|<!--.*?-->", " ", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.guarantee(
    "reconciliation", "an agency without a message to send is not shown as 0 % delivered, and is not asked to improve"
)
@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"cancelled": 7, "suppressed": 5}, "không có tin cần gửi"),
        ({}, "không có tin phải nhắn"),
        ({"cancelled": 7, "delivered": 20, "expired": 10}, "66,7% tin cần gửi đã tới máy"),
        ({"undelivered": 30}, "0,0% tin cần gửi đã tới máy"),
        ({"delivered": 28, "expired": 1}, "28/29 tin cần gửi đã tới máy, chưa đủ tin để đánh giá"),
    ],
)
def test_subject_tells_the_share_of_what_should_and_could_be_told(counts, said):
    mail = mail_of(report(figures("A", **counts)), "A")
    assert mail.subject == f"Cơ quan A: đối chiếu tin nhắn ngày 24/11/2026, {said}"


def test_formula_stands_beside_the_share_and_what_was_left_out_is_told_apart():
    mail = mail_of(report(figures("A", cancelled=7, suppressed=5, delivered=30, undelivered=10)), "A")
    for text in (mail.text, words_of(mail.html)):
        said = " ".join(text.split())
        assert "Đã tới máy 30 tin, bằng 75,0% số cần gửi (40 cần gửi = 52 phải nhắn − 5 không gửi − 7 đã hủy)" in said
        assert "hủy đúng" in said.lower()
    assert "Không gửi 5 tin:" in mail.text


@pytest.mark.guarantee("reconciliation", "a rate of fewer than 30 messages is not shown, but their count is")
def test_few_messages_have_counts_and_no_rate():
    mail = mail_of(report(figures("A", delivered=3, undelivered=26), figures("B", delivered=20, undelivered=10)))
    text = " ".join(mail.text.split())
    assert "Cơ quan A: chưa đủ tin để đánh giá (so kỳ trước –); phải nhắn 29" in text
    assert "Cơ quan B: 66,7%" in text
    alone = mail_of(report(figures("A", delivered=3, undelivered=26)), "A")
    for text in (alone.text, words_of(alone.html)):
        said = " ".join(text.split())
        assert "Đã tới máy 3 tin (29 cần gửi = 29 phải nhắn − 0 không gửi − 0 đã hủy): chưa đủ tin để đánh giá." in said
        assert "%" not in said.partition("KIỂM ĐẾM")[0].partition("Kiểm đếm")[0].replace("điểm %", "")


@pytest.mark.guarantee(
    "reconciliation", "the share of delivered messages counts notices only; replies to 9029 are counted apart"
)
def test_replies_which_have_no_receipts_stand_apart():
    replies = MessageFigures("A", "", "reply", at_source=400, accepted=390, rejected=10)
    mail = mail_of(report(figures("A", delivered=190, undelivered=10), replies), "A")
    assert mail.subject.endswith(", 95,0% tin cần gửi đã tới máy")
    for text in (mail.text, words_of(mail.html)):
        said = " ".join(text.split())
        assert "Phải nhắn 600 tin" in said, "the accounting identity must count replies too"
        assert "bằng 95,0% số cần gửi (200 cần gửi = 200 phải nhắn − 0 không gửi − 0 đã hủy)" in said
        assert "Riêng 400 tin trả lời tra cứu 9029 không có báo cáo của nhà mạng nên đứng ngoài tỷ lệ trên." in said
        assert "31,7%" not in said
    without = mail_of(report(figures("A", delivered=190, undelivered=10)), "A")
    assert "tra cứu 9029" not in without.text
    alone = mail_of(report(replies), "A")
    assert alone.subject.endswith("không có tin cần gửi")
    assert "0,0%" not in alone.text


@pytest.mark.guarantee(
    "reconciliation",
    "a ranking names the agencies that it leaves out; figures that belong to no agency are in no ranking",
)
def test_ranking_of_a_mail_says_whom_it_leaves_out():
    rows = [
        figures("A", delivered=90, undelivered=10),
        figures("B", delivered=50, undelivered=50),
        figures("C", undelivered=29),
    ]
    mail = mail_of(report(*rows, MessageFigures("", "", "reply", at_source=99, accepted=99)))
    listed = re.findall(r"(?m)^(\S+) (Cơ quan [ABC]?): ", mail.text)
    assert listed == [("1.", "Cơ quan B"), ("2.", "Cơ quan A"), ("-", "Cơ quan C"), ("-", "Cơ quan ")]
    for text in (mail.text, words_of(mail.html)):
        assert "Không xếp hạng 1 cơ quan có dưới 30 tin cần gửi: Cơ quan C." in text
    assert "Không xếp hạng" not in mail_of(report(*rows[:2])).text
    many = mail_of(report(*rows, *(figures(f"{place:02d}", delivered=1) for place in range(40))))
    assert "Không xếp hạng 41 cơ quan có dưới 30 tin cần gửi: Cơ quan C; " in many.text
    assert " và 36 cơ quan khác." in many.text


@pytest.mark.guarantee(
    "reconciliation", "the figures of a mail are the sums of its rows, or the mail names the difference"
)
@pytest.mark.parametrize("number", [3, 40])
def test_agencies_and_reasons_add_up_also_where_rows_are_cut_off(number):
    rows = [
        figures(f"{place:03d}", suppressed=place % 7, cancelled=place % 5, delivered=place, undelivered=place % 3)
        for place in range(1, number + 1)
    ]
    reasons = tuple(
        ReasonCount("001", "", "result", "undelivered", f"gateway status {place}", place)
        for place in range(1, number + 1)
    )
    mail = mail_of(report(*rows, reasons=reasons))
    names = ("phải nhắn", "không gửi", "đã hủy", "cần gửi", "tới máy")

    def counts(line: str) -> list[int]:
        return [int(re.search(rf"{name} ([\d.]+)", line)[1].replace(".", "")) for name in names]  # type: ignore[index]

    *told, total = map(counts, re.findall(r"(?m)^(?:(?:\d+\.|-) Cơ quan|\d+ cơ quan khác:|Toàn tỉnh:) .*$", mail.text))
    assert len(told) == min(number, 16)
    assert [sum(column) for column in zip(*told, strict=True)] == total
    assert total[3] == total[0] - total[1] - total[2]
    listed = [
        int(each)
        for each in re.findall(r"\(không tới máy\): (\d+)|lý do khác: (\d+)", mail.text)
        for each in each
        if each
    ]
    assert sum(listed) == sum(each.messages for each in reasons)
    assert _numbers_in_row(mail.html, "Toàn tỉnh")[:5] == [f"{count:,}".replace(",", ".") for count in total]


def corrections(agency: str | None = None, number: int = 1, changes: int = 3) -> list[Correction]:
    one = samples.correction()
    one = replace(one, changes=(one.changes * changes)[:changes])
    told = Told(one, Corrected(12, "2026/10/2026-10/1", "cd" * 32), agency)
    return [
        Correction(told, 40 + place, "ab" * 32, "https://mot-cua.example/motcua/reconciliation")
        for place in range(number)
    ]


@pytest.mark.guarantee(
    "publications",
    "the mail of a correction gives each old and new figure and the cause; an agency's mail only its own figures",
)
def test_correction_says_what_each_figure_was_is_and_why_and_to_an_agency_its_own_alone():
    whole = compose_corrections_mail(corrections())
    own = compose_corrections_mail(corrections(samples.TU_PHAP))
    assert whole.subject == "Toàn tỉnh: đính chính 3 số liệu của tháng 10 năm 2026"
    assert own.subject == "Sở Tư pháp: đính chính 1 số liệu của tháng 10 năm 2026"
    for mail in (whole, own):
        for text in (mail.text, words_of(mail.html)):
            assert "Bản công bố số 40 đính chính bản công bố số 12" in text
            assert "phần mềm một cửa đã sửa dữ liệu; hồ sơ thay đổi sau giờ chốt" in text
    assert "đã tới máy: đã công bố 61, nay là 62; vì báo cáo của nhà mạng đến muộn" in whole.text
    assert _numbers_in_row(own.html, "Trễ hạn") == ["2", "1"]
    for text in (own.text, own.html):
        assert "Nha Trang" not in text
    assert compose_corrections_mail(corrections(number=2)).subject == "Toàn tỉnh: đính chính 6 số liệu của 2 kỳ"


def test_letter_of_much_is_below_what_gmail_cuts_off_and_leaves_nothing_out_untold():
    """A long mail stays below Gmail's limit of 102 kB and names the number of entries that it leaves out."""
    many = corrections(number=31, changes=200)
    whole = bound(
        [compose_publication_mail(Told(samples.everything()), 12, "ab" * 32, []), compose_corrections_mail(many)]
    )
    own = compose_agency_mail(quality_samples.agency_report(), quality_samples.rows())
    day = mail_of(samples.report(), samples.TU_PHAP)
    letter = bound([own, day, compose_corrections_mail(corrections(samples.TU_PHAP, number=5, changes=200))])
    for mail in (whole, letter):
        assert len(mail.html.encode()) < 102_000
    assert "Còn 198 số liệu khác; xem trang Đối chiếu." in words_of(whole.html)
    assert "23 bản đính chính khác" in words_of(whole.html)
    assert whole.text.count("Còn 198 số liệu khác") == 31
    assert letter.html.count("<body") == letter.html.count("</html>") == 1
    assert [name for name, _ in letter.pictures] == [name for name, _ in own.pictures]


def _numbers_in_row(html: str, name: str) -> list[Any]:
    """Return the numbers in the table row with this name."""
    (row,) = re.findall(rf">{name}(?:</b>.*?)?</td>(.*?)</tr>", html)
    return [unescape(re.sub(r"<[^>]+>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
