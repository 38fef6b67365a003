"""Test how runs of digits are recognised: as days, spellings of a number, foreign numbers, or zeros for "no number"."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.phones import numbers


def test_days_and_months_from_the_first_to_the_last() -> None:
    days = ("01 01", "31 12", "9 5", "00 01", "32 01", "01 00", "01 13")
    assert [numbers.is_day_and_month(*each.split()) for each in days] == [True] * 3 + [False] * 4


def test_what_the_library_knows_for_no_mobile_is_not_texted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that the phone library does not count as a mobile is not texted."""
    # Today's numbering plan has no such block, so the test makes one.
    monkeypatch.setattr(numbers, "_type_of", lambda _: phonenumbers.PhoneNumberType.FIXED_LINE)
    reading = numbers.plan_for(numbers.Era.TEN_DIGITS, "khanh_hoa")
    assert numbers.classify("0905123456", reading) == (None, "landline", ())


@given(st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True))
def test_type_of_a_number_is_the_librarys_of_its_international_form(local: str) -> None:
    """The quick look-up of a number's type must return the type that the phone library gives for the parsed number."""
    asked = phonenumbers.number_type(phonenumbers.parse("+84" + local[1:]))
    assert numbers._type_of.__wrapped__(local) == asked


def test_spelling_with_a_country_code_or_without_the_zero_is_recognised() -> None:
    spelled = [numbers.spell_local(digits, plus=False) for digits in ("0905123456", "905123456", "84905123456")]
    assert spelled == [("0905123456", *how) for how in ((False, False), (False, True), (True, False))]


def test_up_to_three_zeros_mean_that_there_is_no_number() -> None:
    plan = numbers.plan_for(numbers.Era.TEN_DIGITS, "khanh_hoa")
    refused = [numbers.refuse_digits("0" * count, plus=False, reading=plan) for count in (1, 2, 3, 4)]
    assert refused == ["missing"] * 3 + ["repeated_digits"]


@pytest.mark.parametrize(
    ("digits", "valid", "possible"),
    [
        ("14155552671", True, True),
        ("19995550100", False, True),
        ("84905123456", False, False),
        ("85290123456", True, True),
        ("1415555267", False, False),
        ("82101234567890123", False, False),
        ("999123456789", False, False),
        ("1", False, False),
    ],
)
def test_a_number_is_foreign_by_its_country_code_and_its_length(digits: str, valid: bool, possible: bool) -> None:
    assert (numbers.is_foreign(digits), numbers.may_be_foreign(digits)) == (valid, possible)
