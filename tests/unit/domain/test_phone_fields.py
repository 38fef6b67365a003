"""What phone fields say, where the order, the size or the mark of what stands there decides: each row at its boundary."""

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


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("123456", "***"),
        ("1234567", "12***67"),
        ("12345678", "12***78"),
        ("123456789", "1234***789"),
        ("+1234567", "+12***67"),
        ("+123456", "***"),
        (" +84905123456", "0905***456"),
        ("84905123456", "8490***456"),
    ],
)
def test_how_much_of_a_number_is_shown_depends_on_its_length(number: str, shown: str) -> None:
    assert mask_msisdn(number) == shown


@pytest.mark.parametrize(("e164", "local"), [("+84905123456", "0905123456"), ("+14155552671", "+14155552671")])
def test_only_a_vietnamese_number_has_a_local_form(e164: str, local: str) -> None:
    assert to_local(e164) == local


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+1234567", "+1234567"),
        ("+12345678", "+12***78"),
        ("số +1 234 567 8.", "số +12***78."),
        ("a 905123456 b", "a 0905***456 b"),
        ("a 0905123456 b 0914123456 c", "a 0905***456 b 0914***456 c"),
    ],
)
def test_numbers_in_a_text_are_masked_from_eight_digits_on(text: str, shown: str) -> None:
    assert mask_phones(text) == shown
    assert holds_phone(text) is (shown != text)


# --- Shared numbers -------------------------------------------------------------------------------


def _shared(*uses: tuple[str, int | None], **limits: object) -> list[tuple[int, int | None, int | None]]:
    """Owners, first and last day of the one number's widest window; days are counted from ``FIRST``."""
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


def test_one_owner_in_two_unicode_forms_is_one() -> None:
    names = ["Bình", unicodedata.normalize("NFD", "Bình"), "Chi"]
    assert _shared(*((name, 0) for name in names), at_least=2) == [(2, 0, 0)]
    assert _shared(*((name, 0) for name in names), at_least=3) == []


def test_the_first_of_two_windows_with_as_many_owners_is_told() -> None:
    assert _shared(("An", 0), ("Chi", 1), ("Em", 100), ("Bình", 101), at_least=2) == [(2, 0, 1)]


def test_an_owner_who_comes_back_is_counted_once_while_one_use_is_in_the_window() -> None:
    # The use of day 0 leaves, the use of day 20 stays.
    uses = [("An", 0), ("An", 20), ("Chi", 40), ("Em", 45)]
    assert _shared(*uses, at_least=3) == [(3, 20, 45)]
    assert _shared(*uses, at_least=4) == []


def test_uses_without_a_day_are_no_part_of_a_window() -> None:
    assert _shared(("An", None), ("Chi", None), ("Em", 3), ("Ba", 4), ("Tư", 5), at_least=3) == [(3, 3, 5)]
    assert _shared(("An", None), ("Chi", None), ("Em", 3), ("Ba", 4), at_least=2) == [(2, None, None)]


def test_numbers_with_as_many_owners_come_in_their_order() -> None:
    uses = [NumberUse(number, owner, None) for number in ("+84914123456", "+84905123456") for owner in "AB"]
    assert find_shared_numbers(uses, at_least=2) == [
        SharedNumber("+84905123456", 2, None, None),
        SharedNumber("+84914123456", 2, None, None),
    ]


# --- Whose plan a field is read by ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "day", "province", "refusal"),
    [
        ("0886253001", date(2016, 12, 31), "khanh_hoa", "landline"),
        ("0886253001", date(2017, 1, 1), "khanh_hoa", None),
        ("0563822001", date(2025, 6, 30), "gia_lai", None),
        ("0563822001", date(2025, 7, 1), "gia_lai", "ambiguous_landline"),
    ],
)
def test_a_plan_holds_from_its_first_day(field: str, day: date, province: str, refusal: str | None) -> None:
    assert read_phone(field, day, province).refusal == refusal
