"""Test how the text of a phone field is split into its runs of digits.

The tests cover which characters are cleaned, which letters are corrected to digits, what is removed (such as days and
addresses), and what words and punctuation beside digits mean.
"""

from __future__ import annotations

import unicodedata

import pytest

from motcua.domain.phones.text import (
    TAKEN_OUT,
    Touch,
    Words,
    clean_text,
    mended_text,
    says_nothing,
    take_apart,
)

# --- Characters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "clean", "reason"),
    [
        ("1\u200b2", "12", "a format character is left out"),
        ("1\u20e32", "12", "an enclosing mark is left out"),
        ("x\u0301y", "xy", "a mark is left out on a letter without an accented form"),
        ("1\u20132", "1-2", "an en dash"),
        ("1\u22122", "1-2", "a minus sign, which is no dash to Unicode"),
        ("1\u16802", "1 2", "a space that NFKC leaves as it is"),
        ("1\x002", "1 2", "a control character"),
        (f"1{TAKEN_OUT}2", "1 2", "the sign for parts that were taken out is removed from a text"),
        ("aXb", "aXb", "a letter"),
        ("\u041e9", "O9", "a Cyrillic О"),
        ("\u043e9", "O9", "a small Cyrillic о"),
        ("\u039f9", "O9", "a Greek Ο"),
        ("\u03bf9", "O9", "a small Greek ο"),
        ("８٠9", "809", "digits of other scripts"),
        ("gọi (084)9", "gọi  +84 9", "the country code in brackets, with a 0"),
        ("  9 ", "9", "blanks around"),
    ],
)
def test_characters_are_cleaned(text: str, clean: str, reason: str) -> None:
    assert clean_text(text) == clean, reason


@pytest.mark.parametrize("char", "\n\r\t\v\f\u2028\u2029\x85")
def test_tabs_and_all_ends_of_lines_end_a_line(char: str) -> None:
    assert clean_text(f"1{char}2") == "1\n2"


def test_letters_are_folded_one_for_one() -> None:
    """A text in lower case and without accents must be as long as the original, so that positions fit both."""
    # The lower-case form of the Turkish letter İ is two characters.
    assert mended_text("ĐđỆẾX İ")[1] == "ddeex i"


@pytest.mark.parametrize("text", ["Nguyễn Văn An 0905", unicodedata.normalize("NFD", "Nguyễn Văn An 0905")])
def test_a_composed_and_a_decomposed_text_are_one(text: str) -> None:
    assert mended_text(text) == ("Nguyễn Văn An 0905", "nguyen van an 0905")


@pytest.mark.parametrize(
    ("text", "mended", "reason"),
    [
        ("ĐTO905123456", "ĐT0905123456", "a label without a blank does not belong to the number"),
        ("abO905123456", "abO905123456", "another word without a blank belongs to the number"),
        ("số aO905123456", "số aO905123456", "a letter without a blank belongs to the number"),
        ("o905123456Mai", "0905123456Mai", "a name with a capital does not belong to the number before it"),
        ("o905123456mai", "o905123456mai", "a name needs a capital"),
        ("Mai O905123456mai", "Mai O905123456mai", "a capital before the number does not make a name behind it"),
        ("O905123456a 1", "O905123456a 1", "one letter behind the number is no name"),
        ("OIl", "OIl", "letters without a digit"),
        ("0905.OO.1234", "0905.00.1234", "letters between groups"),
        ("09 05 ll 23 45", "09 05 11 23 45", "letters between groups"),
        ("0905-123-OOO", "0905-123-000", "letters behind the last mark"),
        ("0905 123 OOO", "0905 123 OOO", "letters behind a blank may be a word"),
    ],
)
def test_letters_are_digits_only_where_digits_are_meant(text: str, mended: str, reason: str) -> None:
    """A letter such as O counts as a digit only among digits, and not in a label or a name."""
    assert mended_text(text)[0] == mended, reason


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("09O5123456", [True]),
        ("225 O905123456 114", [False, True, False]),
        ("12 0905 OOO 123", [False, False, True, False]),
    ],
)
def test_the_runs_with_mended_letters_are_known(text: str, repaired: list[bool]) -> None:
    assert [run.repaired for run in take_apart(text).runs] == repaired


# --- What is recognised as something else ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("lan1@khanhhoa.gov.vn 2", ["2"]),
        ("lan1gmail.com 2", ["2"]),
        ("www.12.vn 2", ["2"]),
        ("http://a.vn/12 2", ["2"]),
        ("31/12/2016 2", ["2"]),
        ("32-12-2016 2", ["32", "12", "2016", "2"]),
        ("lúc 17h30 2", ["2"]),
    ],
)
def test_addresses_and_days_are_taken_out(text: str, left: list[str]) -> None:
    assert [run.digits for run in take_apart(text).runs] == left


def test_what_is_no_day_stays_where_it_stands() -> None:
    """Digits that look like a date, but are no valid date, must stay in the text."""
    assert mended_text("từ 32-12-2016")[1] == "tu 32-12-2016"


def test_no_more_than_a_thousand_runs_are_read() -> None:
    assert len(take_apart("1 " * 1001).runs) == 1000


# --- Words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "runs", "label", "reason"),
    [
        ("ngay ", ["15"], "day", "two digits may be a day"),
        ("ngay ", ["150"], None, "three digits are no day"),
        ("nam ", ["1985"], "day", "a year"),
        ("nam ", ["2016"], "day", "a year"),
        ("nam ", ["20", "16"], "day", "a year in two pieces"),
        ("nam ", ["2116"], None, "a year out of range"),
        ("nam ", ["20161"], None, "five digits are no year"),
        ("ho so: ", ["160915001"], "code", "a dossier's code"),
        ("hs ", ["160915001"], "code", "a dossier's code"),
        ("sdt ho so: ", ["0905123456"], None, "the dossier's phone number"),
        ("sdt hs: ", ["0905123456"], None, "the dossier's phone number"),
        ("sdt ma hs: ", ["0905123456"], "code", "the label ma before hs means a code"),
        ("mst cua cong ty: ", ["4200", "123456"], "tax", "a label further away, ten digits in two pieces"),
        ("mst cua cong ty: ", ["4200", "12345"], None, "nine digits are no tax code"),
        ("mst cua cong ty, ", ["4200123456"], None, "a comma ends the label's reach"),
        ("lien he cmnd cua toi ", ["225123456"], "id", "a word for a phone before the label"),
        ("cmnd cua toi, dt cua toi ", ["225123456"], None, "a word for a phone after the label"),
        ("cmnd toi dt ban ", ["225123456"], None, "a word for a phone after the label"),
        ("mst 1234567 va ", ["0905123456"], "tax", "seven digits are no tax code, so the label is for the next"),
        ("mst 12345678 va ", ["0905123456"], None, "eight digits may be a mistyped tax code"),
    ],
)
def test_words_before_digits_say_what_they_are(before: str, runs: list[str], label: str | None, reason: str) -> None:
    assert Words(before, "").label(runs, nothing_follows=True) == label, reason


@pytest.mark.parametrize(
    ("runs", "nothing_follows", "label"),
    [
        (["225123456"], True, "id"),
        (["225123456"], False, None),
        (["225", "123456"], True, None),
        (["225", "123456"], False, None),
    ],
)
def test_words_after_digits_are_their_label_where_nothing_else_can_be_meant(
    runs: list[str], nothing_follows: bool, label: str | None
) -> None:
    """A word behind digits is their label only if no other digits follow and the digits are a single run."""
    assert Words("", " (cmnd)").label(runs, nothing_follows) == label


# --- Runs of digits -------------------------------------------------------------------------------

NOTHING, DOUBT, WORD, LETTERS, MASK = Touch


@pytest.mark.parametrize(
    ("text", "touches", "reason"),
    [
        ("0905 12", [NOTHING, NOTHING], "a blank"),
        ("12 / xx 34", [MASK, MASK], "letters x between digits stand for digits"),
        ("0905123456 xx 12", [MASK, MASK], "letters x beside a complete number, without a mark between"),
        ("0905123456 / xx 0914123456", [NOTHING, NOTHING], "with a mark, letters x belong to neither complete number"),
        ("xx 12 34", [NOTHING, NOTHING], "letters x before the first digits are a word"),
        ("12 34 xx", [NOTHING, NOTHING], "letters x behind the last digits are a word"),
        ("a *12", [MASK], "a star directly before digits"),
        ("12* a", [MASK], "a star directly behind digits"),
        ("a?12", [DOUBT], "a question mark before digits"),
        ("12? a", [DOUBT], "a question mark behind digits"),
        ("abc12", [WORD], "a word"),
        ("12abc", [WORD], "a word"),
        ("ab12", [LETTERS], "two letters"),
        ("12a", [LETTERS], "a letter"),
        ("dt12", [NOTHING], "a label"),
        ("x12", [MASK], "an x"),
        ("12a34", [MASK, MASK], "a letter between digits stands for a digit"),
        ("12 a34", [NOTHING, LETTERS], "a letter behind a blank stands for no digit"),
        ("12a 34", [LETTERS, NOTHING], "a letter before a blank stands for no digit"),
        (
            "12 0905123456a0914123456",
            [NOTHING, LETTERS, LETTERS],
            "a letter between complete numbers stands for no digit",
        ),
        (
            "0905123456a0914123456 12",
            [LETTERS, LETTERS, NOTHING],
            "a letter between complete numbers stands for no digit",
        ),
        ("01681234567a84905123456", [LETTERS, LETTERS], "complete numbers of eleven digits"),
        ("0905123456a12", [MASK, MASK], "both numbers must be complete"),
        ("12a0905123456", [MASK, MASK], "both numbers must be complete"),
        ("1234567890a1234567890", [MASK, MASK], "ten digits that begin like no phone number"),
        ("056201001234a056201001234", [MASK, MASK], "twelve digits are no phone number"),
    ],
)
def test_characters_beside_digits_mask_doubt_or_label_them(text: str, touches: list[Touch], reason: str) -> None:
    """Letters and marks beside digits may stand for hidden digits. A run of digits must state what stands beside it."""
    assert [run.touch for run in take_apart(text).runs] == touches, reason


@pytest.mark.parametrize(
    ("text", "plus"),
    [
        ("+84905123456", [True]),
        ("+ 905123456", [True]),
        ("12 +84905123456", [False, True]),
        ("12 +905123456", [False, True]),
        ("12 + 84905123456", [False, True]),
        ("12 + 914123456", [False, False]),
        ("12 +a 914123456", [False, False]),
    ],
)
def test_a_plus_is_of_the_number_unless_it_is_an_and(text: str, plus: list[bool]) -> None:
    """A plus sign belongs to a country code, or separates two numbers like the word "and"."""
    assert [run.plus for run in take_apart(text).runs] == plus


# --- Fields that only say that there is no number -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_nothing"),
    [
        ("0", True),
        ("0-0", True),
        ("000", True),
        ("0000", False),
        ("0 có", True),
        ("k0", True),
        ("o", True),
        ("1", False),
        ("***", True),
        ("0*", False),
        ("(n/a)", True),
        ("n/a", True),
        ("- không", True),
        ("anh Nam", False),
        ("ĐT:", True),
        ("ĐT: 0 b", False),
        ("15/9/2016", False),
    ],
)
def test_a_field_says_that_there_is_no_number(text: str, is_nothing: bool) -> None:
    assert says_nothing(take_apart(text)) is is_nothing
