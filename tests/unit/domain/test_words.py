"""Test which agency a written code or name means, and the answer if two agencies have the same name."""

from __future__ import annotations

import unicodedata

import pytest

from motcua.domain.words import SeveralAgencies, agency_of, words_of

CODES = [("H32.1", "H32.1"), ("LAMA", "H32.1"), ("H32.2", "H32.2"), ("H32.3", "H32.3"), ("1022", "H32.3")]
NAMES = [
    ("UBND phường Vạn Thạnh", "H32.1"),
    ("UBND phường Vạn Thành", "H32.2"),
    ("Sở Tư pháp (cũ)", "H32.1"),
    ("Phòng Một", "H32.1"),
    ("phòng  một", "H32.2"),
    ("LAMA", "H32.2"),
]
WORDS = words_of(CODES, NAMES)


@pytest.mark.parametrize(
    ("written", "agency"),
    [
        (" H32.2 ", "H32.2"),
        ("h32.3", "H32.3"),
        ("LAMA", "H32.1"),
        ("lama", "H32.1"),
        ("UBND Phường VẠN THÀNH", "H32.2"),
        (unicodedata.normalize("NFD", "UBND phường Vạn Thạnh"), "H32.1"),
        ("so tu phap", "H32.1"),
        ("Sở Nội vụ", None),
        ("", None),
    ],
)
def test_code_goes_before_a_name_and_a_name_with_its_accents_before_one_without(written, agency):
    assert agency_of(written, WORDS) == agency


@pytest.mark.parametrize("written", ["ubnd phuong van thanh", "Phòng một", "PHONG MOT"])
def test_name_that_two_have_is_told_with_both_and_never_guessed(written):
    """A name that two agencies have is refused, and the error gives the codes of both."""
    with pytest.raises(SeveralAgencies) as several:
        agency_of(written, WORDS)
    assert several.value.codes == ("H32.1", "H32.2")


def test_codes_that_differ_by_case_alone_mean_their_own_agencies_and_nobody_guesses_between_them():
    """Codes that differ only in case mean different agencies. Any other code may be typed in upper or lower case."""
    words = words_of([("a1", "X"), ("A1", "Y")])
    assert (agency_of("a1", words), agency_of("A1", words)) == ("X", "Y")
    assert agency_of("A1", words_of([("a1", "X")])) == "X"
