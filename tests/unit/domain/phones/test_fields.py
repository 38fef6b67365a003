"""Test phone fields whose reading depends on the order or length of their parts, or on the marks between them.

Each row of the tables lies at the boundary of a rule.
"""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

import pytest

from motcua.domain.phones.reading import (
    NumberUse,
    SharedNumber,
    find_shared_numbers,
    holds_phone,
    mask_msisdn,
    mask_phones,
    read_phone,
    to_local,
)

LATER = date(2020, 5, 1)
FIRST = date(2016, 9, 15)


# --- Masks ----------------------------------------------------------------------------------------


def test_how_much_of_a_number_is_shown_depends_on_its_length() -> None:
    shown = {
        "123456": "***", "1234567": "12***67", "12345678": "12***78", "123456789": "1234***789", "+1234567": "+12***67",
        "+123456": "***", " +84905123456": "0905***456", "84905123456": "8490***456",
    }  # fmt: skip
    assert {number: mask_msisdn(number) for number in shown} == shown
    # Only a Vietnamese number has a local form.
    assert [to_local(number) for number in ("+84905123456", "+14155552671")] == ["0905123456", "+14155552671"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+1234567", "+1234567"),
        ("+12345678", "+12***78"),
        ("số +1 234 567 8.", "số +12***78."),
        ("a 905123456 b", "a 0905***456 b"),
        ("X +1234567", "X +1234567"),
        ("+905123456", "+9051***456"),
        ("O9O512345I", "0905***451"),
        ("a 0905123456 b 0914123456 c", "a 0905***456 b 0914***456 c"),
    ],
)
def test_numbers_in_a_text_are_masked_from_eight_digits_on(text: str, shown: str) -> None:
    assert mask_phones(text) == shown
    assert holds_phone(text) is (shown != text)


# --- Shared numbers -------------------------------------------------------------------------------


def _shared(*uses: tuple[str, int | None], **limits: object) -> list[tuple[int, int | None, int | None]]:
    """Return each window in which a number is shared: number of owners, first and last day (days since ``FIRST``)."""
    number = "+84905123456"
    found = find_shared_numbers(
        [NumberUse(number, owner, None if day is None else FIRST + timedelta(days=day)) for owner, day in uses],
        **limits,  # type: ignore[arg-type]
    )
    assert all(each.e164 == number for each in found)
    return [
        (each.owners, *(None if day is None else (day - FIRST).days for day in (each.first, each.last)))
        for each in found
    ]


def test_a_number_of_five_owners_in_thirty_days_is_shared() -> None:
    five = [("An", 0), ("Bình", 3), ("Chi", 10), ("Dũng", 20)]
    assert _shared(*five, ("Em", 30)) == [(5, 0, 30)]
    assert _shared(*five, ("Em", 31)) == _shared(*five, ("", 4)) == _shared(*five, ("AN ", 4)) == []


def test_one_owner_in_two_unicode_forms_counts_once() -> None:
    names = ["Bình", unicodedata.normalize("NFD", "Bình"), "Chi"]
    assert _shared(*((name, 0) for name in names), at_least=2) == [(2, 0, 0)]
    assert _shared(*((name, 0) for name in names), at_least=3) == []


def test_of_two_windows_with_equally_many_owners_the_first_is_returned() -> None:
    assert _shared(("An", 0), ("Chi", 1), ("Em", 100), ("Bình", 101), at_least=2) == [(2, 0, 1)]


def test_an_owner_who_comes_back_is_counted_once_while_one_use_is_in_the_window() -> None:
    # When An's use of day 0 is no longer in the window, An's use of day 20 still is.
    uses = [("An", 0), ("An", 20), ("Chi", 40), ("Em", 45)]
    assert _shared(*uses, at_least=3) == [(3, 20, 45)]
    assert _shared(*uses, at_least=4) == []


def test_uses_without_a_day_are_no_part_of_a_window() -> None:
    assert _shared(("An", None), ("Chi", None), ("Em", 3), ("Ba", 4), ("Tư", 5), at_least=3) == [(3, 3, 5)]
    assert _shared(("An", None), ("Chi", None), ("Em", 3), ("Ba", 4), at_least=2) == [(2, None, None)]


def test_the_most_owners_come_first_and_of_as_many_the_lower_number() -> None:
    owners = {"+84914123456": "AB", "+84905123456": "AB", "+84935123456": "ABC"}
    uses = [NumberUse(number, owner, None) for number, names in owners.items() for owner in names]
    assert find_shared_numbers(uses, at_least=2) == [
        SharedNumber("+84935123456", 3, None, None),
        SharedNumber("+84905123456", 2, None, None),
        SharedNumber("+84914123456", 2, None, None),
    ]


# --- The numbering plan of a day ----------------------------------------------------------------


def test_a_plan_holds_from_its_first_day() -> None:
    days = (date(2016, 12, 31), date(2017, 1, 1))
    assert [read_phone("0886253001", day, "khanh_hoa").refusal for day in days] == ["landline", None]
    days = (date(2025, 6, 30), date(2025, 7, 1))
    assert [read_phone("0563822001", day, "gia_lai").refusal for day in days] == [None, "ambiguous_landline"]


# --- Fields, at the boundaries of their rules -----------------------------------------------------

NUMBERS = [
    # Each row has the field, its owner's numbers (the number that is texted comes first), and the rule.
    ("0905123456 (CMND) 225123456", "0905123456", "a label between two numbers belongs to the digits behind it"),
    ("+0905 123 456", "0905123456", "a + before the 0"),
    ("anh 84 905123456", "0905123456", "84 behind anh is a country code and no name"),
    ("84. 905123456", "0905123456", "84 with a dot is no line number of a list"),
    ("0. 905123456", "0905123456", "0 with a dot is no line number of a list"),
    ("CMND 225123456 / 1979 0905 123 456", "0905123456", "an ID number, and a year of birth"),
    ("CMND 225 123 456 905 123 456", "0905123456", "nine digits are an ID number, and nine more a phone"),
    ("CMND 056 201 001 234 0905 123 456", "0905123456", "twelve digits that begin with 0 are a citizen ID"),
    ("CCCD 056 201 001 0905 123 456", "0905123456", "a citizen ID that lacks digits"),
    ("MST 4200 123 456 0905 123 456", "0905123456", "ten digits are a tax code"),
    ("MST 4200123456 001 0905123456", "0905123456", "thirteen digits are a tax code"),
    ("MST 42001234 0905123456", "0905123456", "a tax code that lacks digits"),
    ("CMND 225123456 12 0905123456", "0905123456", "an ID number and something else"),
    ("CMND 2251-0905123456", "0905123456", "an ID number that lacks digits"),
    ("mã HS 160915/0905123456", "0905123456", "a dossier code of six digits is complete"),
    ("mã HS 160915 0905123456", "0905123456", "a dossier code ends where a number with its 0 begins"),
    ("STK 12345678 0905123456", "0905123456", "a bank account of eight digits is complete"),
    ("ngày 15 905123456", "0905123456", "a day has no nine digits"),
    ("+1 4155552671 0905123456", "0905123456", "a complete foreign number, then ours"),
    ("+65 6123 4567 / 0905123456", "0905123456", "a mark ends a foreign number"),
    ("+65 6123 4567 +84905123456", "0905123456", "a + ends a foreign number in groups"),
    ("00 84 905 123 456", "0905123456", "the country code in pieces"),
    ("090512345609141234560935123456", "0905123456 0914123456 0935123456", "three numbers without anything between"),
    (
        "016812345670169123456701621234567012012345670121123456701221234567",
        "0381234567 0391234567 0321234567 0701234567 0791234567 0771234567",
        "six numbers without anything between",
    ),
    ("8490512345684914123456", "0905123456 0914123456", "two numbers with country codes and nothing between"),
    ("08438220010905123456", "0843822001 0905123456", "084 is read as a mobile's prefix, not as a country code"),
    ("+09051234560843822001", "0905123456 0843822001", "a + belongs to the first number only"),
    ("0905123456-09 (0914123456)", "0905123456 0914123456 0905123409", "a bracket ends the tail"),
    ("0905123456-09 0914123456", "0905123456 0914123456", "a blank does not end a tail, so there is none"),
    ("(0905123456-09) 0914123456", "0905123456 0914123456", "brackets around number and tail make no tail"),
    ("(225) 905 123 456", "0905123456", "brackets set off the digits before the number"),
    ("09 05 (123456)", "0905123456", "six digits in brackets belong to the number"),
    ("0905 (123456)", "0905123456", "six digits in brackets"),
    ("09051 (23456)", "0905123456", "five digits in brackets"),
    ("0351742714 2 sim", "0351742714", "ten digits and a word with a figure are no longer number"),
    ("09051/23456", "0905123456", "two halves with a slash"),
    ("905/123/456", "0905123456", "no 0, even groups with marks"),
    ("90 512 3456", "0905123456", "no 0, two digits first"),
    ("90 512.3456", "0905123456", "no 0, two different marks"),
    ("168 1234567", "0381234567", "no 0, an old prefix first"),
    ("9051 23456", "0905123456", "no 0, four digits first"),
    ("0385123456-09", "0385123456 0385123409", "a tail behind a number of another block"),
    ("352.123.456", "0352123456", "an ID number has no dots"),
    ("352.123 456", "0352123456", "an ID number has not even one dot"),
    ("12 34 0905123456 56 78", "0905123456", "a whole number in one piece, whatever stands beside it"),
    ("0905 12 34 56 Lan", "0905123456", "two last digits without a dash are no house number"),
    ("0905 - 123 - 456 Lan", "0905123456", "three last digits with a dash are no house number"),
    ("0905/123456 - 12", "0905123456 0905123412", "a prefix and the rest, and a tail"),
    ("0905,123456 - 12", "0905123456 0905123412", "a prefix and the rest, and a tail"),
    ("0914123456; 0905/123456 - 12", "0914123456 0905123456 0905123412", "the second number has a tail"),
    ("09051/23456 - 12", "0905123456 0905123412", "five digits and the rest, and a tail"),
    ("3822001 / 0905 123456", "0905123456", "a slash separates a number from the number before it"),
    ("0914123456 ; 0905 - 123456 / 12", "0914123456", "an uncertain second part gives no number"),
    ("0905 123456 / 225 123 456", "0905123456", "an ID number behind a mark"),
    ("225 123 456 / 0905 123456", "0905123456", "an ID number before a mark"),
    ("225123456 0905 123 456", "0905123456", "nine digits in one piece are separate from the number"),
    ("225 123 456 0905 123 456", "0905123456", "nine digits in groups are separate from the number"),
    ("056201001234 0905 123 456", "0905123456", "twelve digits in one piece are separate from the number"),
    ("056 201 001 234 0905.123.456", "0905123456", "twelve digits in groups"),
    ("22 51 23 45 6 0905 123 456", "0905123456", "nine digits in odd groups"),
    ("số nhà 120 0905 123 456", "0905123456", "up to three digits behind a word belong to the word"),
    ("tổ 10 0905 123 456", "0905123456", "up to three digits behind a word belong to the word"),
    ("120. 0905 123 456", "0905123456", "up to three digits and a dot are a line number"),
    ("1 (0905 123 456)", "0905123456", "brackets separate a number from a line number"),
    ("1) 0905 123 456", "0905123456", "a digit and a bracket are a line number"),
    ("84 9 0512 3456", "0905123456", "a digit alone behind the country code"),
    ("0084 905 123 456", "0905123456", "groups behind the international prefix"),
    ("84 905 123456", "0905123456", "two groups behind the country code"),
    ("84 905 12 34 56", "0905123456", "pairs behind the country code"),
    ("0 905 123 456", "0905123456", "the 0 alone"),
    ("0168 12 34 56 7", "0381234567", "eleven digits in pairs, with one digit left"),
    ("01 681 23 45 67", "0381234567", "eleven digits in other groups"),
    ("0905 / 1234 / 56", "0905123456", "4-4-2 with marks"),
    ("0905/12/34/56", "0905123456", "pairs with marks"),
    ("0905 1234 56", "0905123456", "4-4-2"),
    ("090 512 34 56", "0905123456", "3-3-2-2"),
    ("90. 512 3456", "0905123456", "90 with a dot is no line number if the digits make a phone number"),
    ("90. 512 3456, 225123456", "0905123456", "an ID number behind them changes nothing"),
    ("CCCD 345201001234 0905 123 456", "0905123456", "twelve digits that do not begin with 0"),
    ("CMND/ 225 123 456 905 123 456", "0905123456", "a mark behind the label does not end the ID number"),
    ("CMND 225123456 905123456", "0905123456", "nine digits in one piece"),
    ("+6561234567 +84905123456", "0905123456", "a + ends a foreign number in one piece"),
    ("+6561234567 / 84905123456", "0905123456", "a slash ends a foreign number in one piece"),
    ("+6561234567 0905123456", "0905123456", "a number with its 0 ends a foreign number in one piece"),
    ("0/905/123/456", "0905123456", "a 0 and marks"),
    ("0084/905/123/456", "0905123456", "a prefix and marks"),
    ("0905 - 123456 Lan", "0905123456", "six last digits are no house number"),
    ("09051 - 23456 Lan", "0905123456", "five last digits are no house number"),
    ("0905 123 456 225123456", "0905123456", "an ID number behind the number"),
    ("0905 123 456 056201001234", "0905123456", "a citizen ID behind the number"),
    ("0905 123 456 225123456 12", "0905123456", "an ID number and more digits behind the number"),
    ("0084 9 0512 3456", "0905123456", "a digit alone behind the international prefix"),
    ("0084 905 12 34 56", "0905123456", "pairs behind the international prefix"),
    ("84 90512 34 56", "0905123456", "5-2-2 behind the country code"),
    ("84 9 0512 34 56", "0905123456", "a digit alone behind the country code, and pairs"),
    ("84, 0905123456, 0", "0905123456", "a 0 behind a comma does not belong to the number"),
    ("0905123456-3457", "0905123456 0905123457", "a tail of four digits"),
    ("0905123456-3057", "0905123456 0905123057", "a tail may have a 0 inside"),
    ("0905123456-0357", "0905123456", "a tail of four digits must not begin with 0"),
    ("0905123456-12345", "0905123456", "five digits are no tail"),
    ("0905123456-1457", "0905123456", "a possible short number is no tail"),
    ("0905123456-113", "0905123456", "a possible short number is no tail"),
    ("0905123456-11", "0905123456 0905123411", "two digits are no short number, so they are a tail"),
    ("0905123456-1985", "0905123456", "a year is no tail"),
    ("0905123456-09a", "0905123456", "digits with a letter are no tail"),
    ("0905123456/005", "0905123456", "digits with two zeros in front are no tail"),
    ("0905123456-15-16", "0905123456 0905123415 0905123416", "two tails"),
    ("0905123456-12/13", "0905123456", "two tails need the same mark"),
    ("0905123456-123-457", "0905123456 0905123123 0905123457", "two tails of three digits"),
    ("0905123456-1234-567", "0905123456", "seven are a number that lacks some"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "owned", "reason"), NUMBERS, ids=[field for field, *_ in NUMBERS])
def test_the_owners_numbers_are_read_and_no_others(field: str, owned: str, reason: str) -> None:
    reading = read_phone(field, LATER, "khanh_hoa")
    assert [to_local(number) for number in (reading.e164 or "", *reading.alternates)] == owned.split(), reason


NO_NUMBER = [
    ("113 12", "emergency_short", "a short number with two digits behind it"),
    ("số 1357 và 113", "emergency_short", "a short number decides over four other digits"),
    ("số 13579 và 113", "too_short", "five other digits decide over a short number"),
    ("0905123456 (CMND)", "id_card_like", "a label behind the last digits belongs to them"),
    ("anh 7 09051234", "too_short", "a name of one digit, and a number that lacks digits"),
    ("anh 12 09051234", "too_short", "a name of two digits, and a number that lacks digits"),
    ("nhà 120 09051234", "not_a_phone", "three digits are no name"),
    ("anh 9 05123456", "too_short", "9 is a name, although all nine digits would make a mobile"),
    ("anh 3 3822001", "too_short", "a name and a local number"),
    ("số nhà 12 225123456", "id_card_like", "a house number and an ID number"),
    ("1. 09051234", "too_short", "the first line of a list"),
    ("12. 09051234", "too_short", "line 12 of a list"),
    ("120. 09051234", "not_a_phone", "120 with a dot is no line number"),
    ("9. 051 23456", "too_short", "line 9 of a list"),
    ("+1. 09051234", "foreign", "a + begins no line number"),
    ("mã HS 16091/0905123456", "not_a_phone", "a dossier code of five digits goes on behind a slash"),
    ("mã HS 15 905123456", "not_a_phone", "digits without a 0 continue a dossier code"),
    ("STK 1234567 0905123456", "not_a_phone", "a bank account of seven digits goes on"),
    ("STK 1234567 905123456", "not_a_phone", "digits without a 0 continue a bank account"),
    ("+1234567", "foreign", "seven digits behind a +"),
    ("+123456", "sequence", "six digits behind a + are no foreign number"),
    ("+82 0905123456", "foreign", "a country code and no number before the 0"),
    ("0082 10 12345678", "foreign", "an international prefix and pieces"),
    ("0082 1 0 1234 5678", "foreign", "an international prefix and pieces"),
    ("00821012345678", "foreign", "an international prefix in one piece"),
    ("0061412345678", "not_a_phone", "thirteen digits in one piece are a bank account"),
    ("00 61 412 345 678", "foreign", "digits in pieces are no bank account"),
    ("0061 001234567", "foreign", "digits in pieces are no bank account"),
    ("0065 6123 4567", "foreign", "twelve digits in pieces"),
    ("8613812345678", "foreign", "a mobile of China"),
    ("84 10 1234 5678", "too_long", "84 is our own country code"),
    (
        "01681234567016912345670162123456701201234567012112345670122123456701631234567",
        "too_long",
        "seven numbers without anything between are not separated",
    ),
    ("008409051234560914123456", "too_long", "two numbers, one with a country code, are not separated"),
    ("225 905 123 456", "not_a_phone", "no 0, and other digits before the number"),
    ("(225 905 123 456", "not_a_phone", "one bracket separates nothing"),
    ("225) 905 123 456", "not_a_phone", "one bracket separates nothing"),
    ("0905 123 (456)", "too_short", "three digits in brackets do not belong to the number"),
    ("090512/3456", "too_short", "six digits before a slash are no prefix"),
    ("90512 3456", "too_short", "no 0, five digits first"),
    ("máy bàn 02583822001 / 0583822002", "ambiguous_landline", "words before describe the first number only"),
    ("0583822001 / 02583822002 (cố định)", "ambiguous_landline", "words behind describe the last number only"),
    ("352 123 456", "id_card_like", "an ID number in groups"),
    ("2009150001", "not_a_phone", "a dossier code of 15/9/2020"),
    ("2009 150001", "landline", "a dossier code is never in pieces"),
    ("12 905123456", "not_a_phone", "no 0, and two digits before the number"),
    ("1979.0905 123 456", "not_a_phone", "a year of birth needs a blank behind it"),
    ("0905 123 456.1979", "too_long", "a year of birth needs a blank before it"),
    ("1979, 0905 1 23456", "not_a_phone", "a year of birth has no comma behind it"),
    ("0905 123 456 7890", "too_long", "a number and four digits more"),
    ("0905 - 123456 - 12", "too_long", "a number with two dashes"),
    ("0905 - 123456 / 3822001", "too_long", "a landline's digits behind a slash"),
    ("số nhà 1200 0905 123 456", "not_a_phone", "four digits are no house number"),
    ("120 0905 123 456", "not_a_phone", "three digits without a word are no house number"),
    ("012 0905 123 456", "too_long", "digits that begin with 0 are no house or line number"),
    ("tổ 0 0905 123 456", "too_long", "digits that begin with 0 are no house or line number"),
    ("số nhà 12 34 0905 123 456", "not_a_phone", "two groups of digits are no house number"),
    ("12-10-1985-73", "too_short", "a day and something else"),
    ("0905 1 23456", "too_short", "a digit alone in the middle"),
    ("0905 12345 6", "too_short", "a digit alone at the end"),
    ("0905 1 2 3 4 5 6", "too_short", "digits alone behind a prefix"),
    ("09051 23 45 6", "too_short", "pairs of ten digits leave no single digit"),
    ("090512 34 56", "too_short", "six digits first"),
    ("0905 123 4 56", "too_short", "a digit alone in the middle"),
    ("09 051 234 56", "too_short", "two digits behind three"),
    ("0905 12 345 6", "too_short", "a digit alone at the end"),
    ("gọi 84 123456789", "too_short", "84 behind a word is a country code and no name"),
    ("84. 123456789", "too_short", "84 with a dot is no line number"),
    ("05. 225123456", "too_long", "05 with a dot is no line number"),
    ("12. 225123456", "id_card_like", "the twelfth line of a list"),
    ("MST 4200 0512345", "not_a_phone", "a tax code in groups, whatever a group begins with"),
    ("CMND 22512345 +8469123456", "landline", "a + and a complete number do not belong to the ID number"),
    ("CMND 225123456 12 0905123", "id_card_like", "digits behind an ID number need a word before them"),
    ("CMND 22512345 905123456", "id_card_like", "a number without its 0 may belong to the ID number"),
    ("0019995550100", "not_a_phone", "in one piece, a number that the foreign plan lacks"),
    ("0065 1234 5678", "foreign", "in groups, a number that the foreign plan lacks"),
    ("65 6123 4567", "not_a_phone", "ten digits without a mark"),
    ("43 1234 5678 9012", "not_a_phone", "fourteen digits, which are no bank card"),
    ("82 / 10 1234 5678", "not_a_phone", "a foreign number has no slash inside"),
    ("0691234560905123456", "not_a_phone", "nineteen digits are not separated"),
    ("225 123 456 905 123 456", "not_a_phone", "no 0, and nine digits in groups before it"),
    ("225 123 456 0905/123456", "not_a_phone", "a slash inside, and nine digits in groups before the number"),
    ("07-10-1985-73 Trần Phú", "too_short", "a day of the last century and a house number"),
    ("01 68.12 34 56 7", "too_short", "eleven digits in pairs with two marks"),
    ("016 812 34 56 7", "too_short", "eleven digits, and not all in pairs"),
    ("01 68 12 345 67", "too_short", "eleven digits, and not all in pairs"),
    ("0905 123 45 0", "too_short", "a 0 alone at the end"),
    ("09 051234 56", "too_short", "six digits behind two"),
    ("090 51234 56", "too_short", "five digits behind three"),
    ("090/512/34/56", "too_short", "slashes, and not all digits in pairs"),
    ("09051 234 56", "too_short", "two digits behind three"),
    ("123456 / 99", "sequence", "six digits decide over two others"),
    ("0905 123 +456", "too_short", "a + inside ends the number"),
    ("0 / 9143-36225", "too_short", "digits behind a lone 0 must be complete"),
    ("0084, 905-123456", "too_short", "digits behind a country code must be complete"),
    ("0583;8220/01/058/3822/001", "ambiguous_landline", "a landline, and the same with more marks"),
    ("190;0;5;45466;1;13", "service_1800_1900", "the split with the fewest marks inside a number"),
    ("190;01;23;490;5123", "not_a_phone", "of two splits with equally many marks, the longer number"),
    ("84 9 051234 56", "too_short", "six digits first, behind a digit alone"),
    ("+84-9999999", "repeated_digits", "equal digits behind the country code"),
    ("111 111", "repeated_digits", "equal digits are no short number"),
    ("3822 113", "too_short", "seven digits hold no short number"),
    ("(12)", "too_short", "two digits in brackets"),
    ("225 123 456 (123)", "not_a_phone", "three digits in brackets are not left out"),
    ("+84 9051234", "too_short", "nine digits with the country code are no ID number"),
    ("ĐT 012345671", "too_short", "digits labelled as a phone are no ID number of Hà Nội"),
    ("ĐT 016812345678", "too_long", "a number labelled as a phone has a digit too many"),
    ("máy bàn 382200", "landline", "a local number of six digits"),
    ("máy bàn 38220", "too_short", "a local number has no five digits"),
    ("a09051234567", "bad_chars", "a letter, and a digit too many"),
    ("a225123456", "not_a_phone", "a letter makes a code of an ID number"),
    ("09051234567?", "too_long", "a question mark hides nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "refusal", "reason"), NO_NUMBER, ids=[field for field, *_ in NO_NUMBER])
def test_what_is_not_surely_a_number_is_refused_with_its_reason(field: str, refusal: str, reason: str) -> None:
    assert read_phone(field, LATER, "khanh_hoa").refusal == refusal, reason


@pytest.mark.parametrize(
    ("field", "notes"),
    [
        ("0583822001 / 905123456", ("two_numbers", "leading_zero_added")),
        ("0583822001 / 02583822002", ("two_numbers",)),
        ("1900545466", ()),
        ("máy bàn 3822001, nhà +84 258 3822002", ("prefix_84",)),
        ("1900 54 / 0905123456", ()),
        ("0905123456 / 190054", ()),
        ("12 0905123456", ()),
        ("0/905/123/456", ()),
        ("0084/905/123/456", ("prefix_84",)),
        ("0084 01681234567", ("migrated_11_to_10", "prefix_84")),
        ("84/01.681234567", ("migrated_11_to_10",)),
    ],
)
def test_notes_are_of_the_number_that_was_chosen(field: str, notes: tuple[str, ...]) -> None:
    """The notes of a field describe only the number that is texted, not the other numbers in the field."""
    assert read_phone(field, LATER, "khanh_hoa").notes == notes


def test_a_long_field_is_read_by_day_and_province_too() -> None:
    """The day and the province must decide between a mobile and a landline in a long field too."""
    asked = ((LATER, "khanh_hoa"), (FIRST, "khanh_hoa"), (LATER, "dak_lak"), (None, "khanh_hoa"))
    refusals = [read_phone("0583822001" + " (Lan)" * 40, *each).refusal for each in asked]
    assert refusals == ["ambiguous_landline", "landline", None, "ambiguous_landline"]


def test_of_forty_pieces_numbers_are_made_and_of_more_none() -> None:
    """Up to forty single pieces of digits are joined to numbers. If there are more, none are joined."""
    digit_by_digit = " ".join("0905123456")
    assert read_phone(" / ".join([digit_by_digit] * 4), LATER, "khanh_hoa").e164 == "+84905123456"
    assert read_phone(" / ".join([digit_by_digit] * 5), LATER, "khanh_hoa").e164 is None
    assert read_phone("0905123456 " + "0914123456 " * 40, LATER, "khanh_hoa").e164 == "+84905123456"
