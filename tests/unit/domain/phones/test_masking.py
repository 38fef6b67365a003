"""Test that phone numbers inside other texts are found and shown without their middle digits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.phones.reading import (
    hide_phones,
    holds_phone,
    mask_for_staff,
    mask_msisdn,
    mask_phones,
)

unhurried = settings(deadline=None)


@pytest.mark.guarantee(
    "complaints",
    "no complaint and no reason given for an act holds a phone number; a number stored earlier is shown to nobody",
)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gọi 0905/123/456 sau", "gọi 0905***456 sau"),
        ("٠٩٠٥/١٢٣/٤٥٦", "0905***456"),
        ("O9O5 123 456", "0905***456"),
        ("+84(0)905123456", "0905***456"),
        ("05/11/2026 08:30 gọi 0905123456", "05/11/2026 08:30 gọi 0905***456"),
        ("mã HS 0905123456", "mã HS 0905***456"),
        ("0905123456@gmail.com", "0905***456@gmail.com"),
        ("https://zalo.me/0905123456", "https://zalo.me/0905***456"),
        ("0905123456-001", "0905***456-001"),
        ("máy bàn 0258.3822.001", "máy bàn 0258***001"),
        ("0258 3822001 và 0914123456", "0258***001 và 0914***456"),
        ("+82 10 1234 5678", "+8210***678"),
        ("09051234560914123456", "0905***456"),
        ("?sender=+84905123456&to=9029", "?sender=0905***456&to=9029"),
    ],
)
def test_what_looks_like_a_phone_is_masked_where_it_stands(text: str, shown: str) -> None:
    assert holds_phone(text)
    assert mask_phones(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9029",
        "mã 160915001",
        "H32.30-251125-0001",
        "Công văn 1263/STTTT-CNTT, QĐ 12/2020/QĐ-UBND",
        "từ 01/11/2026 đến 15/11/2026",
        "08:30 05/11/2026",
        "scheduled__2026-11-25T08:56:00.123456+00:00",
        "lệ phí 500.000.000 đồng",
        "0905***456",
        "id:1234567890 sub:001 dlvrd:001 submit date:2611271030 done date:2611271031 stat:DELIVRD err:000",
    ],
)
def test_codes_papers_days_and_sums_are_left_as_they_are(text: str) -> None:
    assert not holds_phone(text)
    assert mask_phones(text) is text


@unhurried
@given(st.text() | st.text(alphabet="0123456789 /+-.()OoIl８٠\u200b"))
def test_looking_for_numbers_never_raises_and_changes_no_text_without_one(text: str) -> None:
    assert holds_phone(text) or mask_phones(text) is text


def test_a_mask_hides_the_middle_and_staff_are_shown_five_digits() -> None:
    for number, masked, to_staff in (
        ("+84905123456", "0905***456", "09•• ••• 456"),
        ("0905.123.456", "0905***456", "09•• ••• 456"),
        ("02583822001", "0258***001", "02•• ••• 001"),
        ("+14155552671", "+1415***671", "+14•• ••• 671"),
        ("3822001", "38***01", "38•• ••• 01"),
        ("0905***456", "09***56", "09•• ••• 456"),
        ("113", "***", "••••"),
        ("", "***", "••••"),
        ("०९०५१२३४५६", "0905***456", "09•• ••• 456"),
    ):
        assert (mask_msisdn(number), mask_for_staff(number)) == (masked, to_staff), number


@unhurried
@given(st.text())
def test_a_mask_never_shows_seven_digits_in_a_row(number: str) -> None:
    assert not re.search(r"\d{5}", mask_msisdn(number))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gọi 0905/123/456 sau", "gọi 09•• ••• 456 sau"),
        ("0258 3822001 và +84914123456", "02•• ••• 001 và 09•• ••• 456"),
        ("cột “Số tin (0905***456)”", "cột “Số tin (09•• ••• 456)”"),
        ("gọi +8210***678 hoặc 0905123456", "gọi +82•• ••• 678 hoặc 09•• ••• 456"),
        ("H32.30-251125-0001", "H32.30-251125-0001"),
    ],
)
def test_numbers_in_a_text_are_shown_as_whoever_reads_it_may_see_them(text, shown):
    """Each phone number in a text is replaced by the form that its reader may see; dossier codes stay."""
    assert mask_phones(text, mask_for_staff) == shown
    nothing = mask_phones(text, lambda number: "…")
    assert nothing == text or not re.search(r"\d", nothing)


@given(st.text(max_size=40))
def test_staff_are_never_shown_more_than_three_digits_in_a_row(written):
    assert not re.search(r"\d{4}", mask_for_staff(written))


def test_a_number_in_other_words_is_hidden_whole():
    """A phone number inside a sentence is replaced completely; codes and dates in the sentence stay."""
    assert hide_phones("gọi 0905 123 456 hoặc 0258 3822 222") == "gọi ••• hoặc •••"
    for written in ("hồ sơ 160915001 ngày 25/11/2026", "điểm *** 5"):
        assert hide_phones(written) == written
