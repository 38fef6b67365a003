"""Test the reading of phone fields with long tables of real spellings, each row with its reason."""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.phones import numbering_plan as plan
from motcua.domain.phones.reading import (
    NOTES,
    REFUSALS,
    holds_phone,
    mask_phones,
    read_phone,
    to_local,
)

PILOT = date(2016, 9, 15)
IN_2017 = date(2017, 8, 1)
LAST_DAY_OF_11_DIGITS = date(2018, 9, 14)
FIRST_DAY_OF_10_DIGITS = date(2018, 9, 15)
LATER = date(2020, 5, 1)


# --- Textable -----------------------------------------------------------------------------------

ONE_SPELLING = "+84905123456"
SPELLINGS = [
    ("0905.123.456", "groups, dots"),
    ("0905/771/482".replace("771", "123").replace("482", "456"), "slashes do not part one number"),
    ("0905 - 123 - 456", "dashes with spaces do not either, where the pieces are no numbers"),
    ("0 9 0 5 1 2 3 4 5 6", "digit by digit"),
    ("0905\u200b123\u200b456", "zero-width spaces, pasted from the web"),
    ("０９０５１２３４５６", "full-width digits"),
    ('="0905123456"', "a spreadsheet's formula"),
    ("905123456", "0 lost"),
    ("905123456.0", "a spreadsheet's number"),
    ("9.05123456E8", "a spreadsheet's scientific number, no digit lost"),
    ("0084905123456", "international prefix"),
    ("+084905123456", "0 before the country code"),
    ("+84 (0) 905 123 456", "country code and 0"),
    ("O9O5123456", "letter O"),
    ("o9o5l23456", "letters o and l"),
    ("ĐT: 0905123456", "label"),
    ("https://zalo.me/0905123456", "a Zalo link is a phone"),
    ("anh 7 0905 123 456", "a southern name is a figure"),
    ("0905123456Lan", "name glued on"),
    ("0905123456 (15/9/2016)", "date"),
    ("CMND 225123456 DT 0905123456", "ID number before"),
    ("056201001234 0905 123 456", "citizen ID without a label"),
    ("mã HS 160915001; ĐT 0905123456", "dossier code"),
    ("lan@gmail.com 0905123456", "e-mail"),
    ("02583822001 - 0905123456", "landline before it: the mobile is texted"),
    ("0905123456, 113", "emergency number after it"),
    ("0905123456 0905.123.456", "written twice"),
    ("84,905,123,456", "a spreadsheet's thousands"),
    ("+82 10 1234 5678 0905 123 456", "foreign number before, groups"),
    ("0905771*** / 0905123456", "a hidden number before"),
    ("0905 123 456 56 tuổi", "age"),
    ("Hoa 1979 0905 123 456", "a year of birth, then the number in groups"),
    ("Hoa 1979 905 123 456", "a year of birth, then the number without its 0"),
    ("Hoa 0905 123 456 1979", "the year after the number"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "reason"), SPELLINGS, ids=[reason for _, reason in SPELLINGS])
def test_one_number_is_read_however_it_is_spelled_and_masked_in_any_text(field: str, reason: str) -> None:
    for day in (PILOT, LATER, None):
        assert read_phone(field, day, "khanh_hoa").e164 == ONE_SPELLING, reason
    assert holds_phone(field), reason
    assert "905123456" not in re.sub("[^0-9]", "", mask_phones(field)), reason


@pytest.mark.parametrize(
    ("field", "e164", "alternates", "reason"),
    [
        ("0905123456/0914123456", "+84905123456", ["+84914123456"], "slash"),
        ("0905 123 456 0914 123 456", "+84905123456", ["+84914123456"], "only spaces"),
        ("+84905123456+84914123456", "+84905123456", ["+84914123456"], "plus of E.164"),
        ("09051234560914123456", "+84905123456", ["+84914123456"], "glued, 20 digits"),
        ("090512345601681234567", "+84905123456", ["+84381234567"], "glued, 10 and 11 digits"),
        ("028383822010905123456", "+84905123456", [], "glued, landline first"),
        ("0905123456, 0914123456, 0935123456", "+84905123456", ["+84914123456", "+84935123456"], "three"),
        ("0905123456-09", "+84905123456", ["+84905123409"], "short tail: …56 or …09"),
        ("0905-123-456-09", "+84905123456", ["+84905123409"], "the tail has the same mark as the number"),
        ("092 0787872 - 325", "+84920787872", ["+84920787325"], "a tail; 0787872325 would be a stranger's number"),
        ("0583822001 - 0905123456", "+84905123456", [], "the certain number is read, not the uncertain one"),
        ("số cũ 0905111222, số mới 0914333444", "+84914333444", ["+84905111222"], "the new number is texted"),
    ],
)
def test_two_numbers_are_both_the_applicants_and_the_first_is_texted(
    field: str, e164: str, alternates: list[str], reason: str
) -> None:
    reading = read_phone(field, LATER, "khanh_hoa")
    assert (reading.e164, list(reading.alternates)) == (e164, alternates), reason
    assert "two_numbers" in reading.notes


def test_what_is_no_tail_makes_no_other_number() -> None:
    """Dates, short numbers and ID numbers behind a phone number must not be read as a second phone number."""
    for beside in (
        " - 15/9", "/15/09", "-15/9/2016", " / 1080", "-24/7", " - 0914 336 25", "/0914***", " - 225 123 456",
        "/056 201 001 234", " - 079-652-36", "/12/5", "/225 089 668,1080", "-2016", " / 0905 771 4",
    ):  # fmt: skip
        reading = read_phone("0905123456" + beside, LATER, "khanh_hoa")
        assert (reading.e164, reading.alternates) == (ONE_SPELLING, ()), beside


def test_mobile_that_a_spreadsheet_wrote_as_an_amount_is_read() -> None:
    assert read_phone("1.694.253.871", LATER, "khanh_hoa").e164 == "+84394253871"
    assert read_phone("1.694.253.871 / 0905 123 456", LATER, "khanh_hoa").alternates == ("+84905123456",)
    for other in ("11.694.253.871", "1.694.253", "1.694,253.871", "1.694.253.871.5", "1.694.253.8712"):
        assert read_phone(other, LATER, "khanh_hoa").e164 is None, other


def test_year_beside_the_first_of_two_numbers_hides_neither() -> None:
    """A year of birth beside two phone numbers must not keep either number from being read."""
    reading = read_phone("Hoa 1979 0914 552 306 / 0905 123 456", LATER, "khanh_hoa")
    assert (reading.e164, reading.alternates) == ("+84914552306", ("+84905123456",))
    reading = read_phone("0914 552 306 / 0905 123 456 1979", LATER, "khanh_hoa")
    assert (reading.e164, reading.alternates) == ("+84914552306", ("+84905123456",))


@pytest.mark.parametrize(
    ("field", "notes"),
    [
        ("0905123456", ()),
        ("905123456", ("leading_zero_added",)),
        ("+84905123456", ("prefix_84",)),
        ("O905123456", ("letters_repaired",)),
        ("84-168-1234567", ("migrated_11_to_10", "prefix_84")),
        ("1681234567", ("migrated_11_to_10", "leading_zero_added")),
        ("1.681.234.567,00", ("migrated_11_to_10", "leading_zero_added")),
        ("Hoa 1979 1.681.234.567", ("migrated_11_to_10", "leading_zero_added")),
        ("0905123456 / 02583822001", ("two_numbers",)),
        ("0951234567", ("unknown_block",)),
        ("01681234567 (nay là 0381234567)", ("migrated_11_to_10",)),
    ],
)
def test_unusual_spellings_are_noted(field: str, notes: tuple[str, ...]) -> None:
    assert read_phone(field, LATER, "khanh_hoa").notes == notes


# The old and new prefixes of the ministry's decision of 15/9/2018, typed from the press and not copied from the module
# under test.
OLD_AND_NEW = """
    0162 032, 0163 033, 0164 034, 0165 035, 0166 036, 0167 037, 0168 038, 0169 039, 0120 070, 0121 079,
    0122 077, 0126 076, 0128 078, 0123 083, 0124 084, 0125 085, 0127 081, 0129 082, 0186 056, 0188 058,
    0199 059
"""


def test_an_old_mobile_keeps_its_last_seven_digits_at_any_date() -> None:
    # In Khánh Hòa, 058 3… would be an ambiguous landline; 0188 3… never was a landline.
    pairs = [pair.split() for pair in OLD_AND_NEW.split(",")]
    read = {old: [read_phone(f"{old}3822001", day, "khanh_hoa") for day in (PILOT, LATER, None)] for old, _ in pairs}
    assert {old: {each.e164 for each in found} for old, found in read.items()} == {
        old: {f"+84{new[1:]}3822001"} for old, new in pairs
    }
    assert {each.notes for found in read.values() for each in found} == {("migrated_11_to_10",)}


def test_every_prefix_of_2016_is_textable_in_2016() -> None:
    numbers = ("0905771482", "0868771482", "0888771482", "0898771482", "01687714827", "0993771482")
    assert [number for number in numbers if not read_phone(number, PILOT, "khanh_hoa").e164] == []


@pytest.mark.parametrize(
    ("number", "carrier"),
    [
        ("0387714825", "Viettel"),
        ("0897714825", "MobiFone"),
        ("0527714825", None),
        ("0523714825", "Vietnamobile"),
        ("0998714825", "Đông Dương"),
        ("01887714825", "Vietnamobile"),
    ],
)
def test_the_carrier_goes_by_the_block(number: str, carrier: str | None) -> None:
    """A number's first digits (its block) determine the carrier."""
    assert read_phone(number, LATER, "khanh_hoa").carrier == carrier


@pytest.mark.parametrize("number", ["0555123456", "0951234567"])
def test_a_block_of_no_carrier_is_a_warning_not_a_refusal(number: str) -> None:
    """A number whose first digits belong to no known carrier is still texted, with a note."""
    reading = read_phone(number, LATER, "khanh_hoa")
    assert reading.e164 == "+84" + number[1:]
    assert "unknown_block" in reading.notes


# --- Landlines, by day and province -------------------------------------------------------------

AMBIGUOUS, LANDLINE, MOBILE = "ambiguous_landline", "landline", None


@pytest.mark.parametrize(
    ("field", "day", "province", "refusal", "reason"),
    [
        ("0583822001", PILOT, "khanh_hoa", LANDLINE, "the pilot's trap"),
        ("0583822001", LAST_DAY_OF_11_DIGITS, "dak_lak", LANDLINE, "no 10-digit 05 mobile existed"),
        ("0583822001", FIRST_DAY_OF_10_DIGITS, "khanh_hoa", AMBIGUOUS, "from this day a landline or a mobile"),
        ("0583822001", FIRST_DAY_OF_10_DIGITS, "dak_lak", MOBILE, "nobody elsewhere writes this landline"),
        ("0583822001", None, "khanh_hoa", AMBIGUOUS, "typed today"),
        ("0583822001", LATER, "nowhere", MOBILE, "unknown province: the day alone"),
        ("0581822001", LATER, "khanh_hoa", MOBILE, "no landline began with 1"),
        ("0580822001", LATER, "khanh_hoa", MOBILE, "no landline began with 0"),
        ("0588822001", LATER, "khanh_hoa", MOBILE, "no landline began with 8"),
        ("0589822001", LATER, "khanh_hoa", MOBILE, "no landline began with 9"),
        ("0582822001", LATER, "khanh_hoa", AMBIGUOUS, "EVN 2"),
        ("0587822001", LATER, "khanh_hoa", AMBIGUOUS, "FPT 7"),
        ("+84 58 3822001", LATER, "khanh_hoa", AMBIGUOUS, "with the country code"),
        ("máy bàn 058 3822001", LATER, "khanh_hoa", LANDLINE, "the words say landline"),
        ("0583822001 (cố định)", LATER, "dak_lak", LANDLINE, "the words say landline, in any province"),
        ("0563822001", date(2026, 1, 5), "gia_lai", AMBIGUOUS, "merged on 1/7/2025, so the code is its own"),
        ("0838253000", PILOT, "ho_chi_minh", LANDLINE, "08 and eight digits"),
        ("0838253000", PILOT, "khanh_hoa", LANDLINE, "no 083 mobile existed"),
        ("0838253000", LATER, "TP.HCM", AMBIGUOUS, "08 and eight digits"),
        ("0838253000", LATER, "khanh_hoa", MOBILE, "083 is VinaPhone"),
        ("0868253001", PILOT, "ho_chi_minh", MOBILE, "0868 was open in 2016"),
        ("0869253001", PILOT, "khanh_hoa", LANDLINE, "0869 was not open in 2016"),
        ("0869253001", IN_2017, "khanh_hoa", MOBILE, "0869 was open in 2017"),
        ("0886253001", PILOT, "khanh_hoa", LANDLINE, "in 2016 only 0888 of 088 was open"),
        ("0886253001", IN_2017, "khanh_hoa", MOBILE, "all of 088 in 2017"),
        ("0896253001", IN_2017, "khanh_hoa", LANDLINE, "in 2017 only 0898 and 0899 of 089 were open"),
        ("0896253001", LATER, "khanh_hoa", MOBILE, "0896 is a mobile today"),
        ("0327714825", PILOT, "khanh_hoa", LANDLINE, "no 03 mobile existed: a landline or nothing"),
        ("0533822001", LATER, "khanh_hoa", LANDLINE, "053 is no mobile today either"),
        ("05113822001", PILOT, "da_nang", LANDLINE, "four-digit code, 11 digits"),
        ("05118822001", LATER, "khanh_hoa", LANDLINE, "a four-digit code, with any digits behind it"),
        ("03508822001", PILOT, "khanh_hoa", LANDLINE, "no 035 mobile existed"),
        ("03508822001", LATER, "khanh_hoa", "too_long", "035 and a digit too many"),
        ("0258.3.822.001 (máy lẻ 102)", LATER, "khanh_hoa", LANDLINE, "extension"),
        ("0203822001", PILOT, "lao_cai", LANDLINE, "old 020"),
        ("0692123456", LATER, "khanh_hoa", LANDLINE, "army and police"),
        ("069212345", LATER, "khanh_hoa", LANDLINE, "army and police, six digits"),
        ("08012345", LATER, "khanh_hoa", LANDLINE, "the state's own network"),
        ("0672123456", LATER, "khanh_hoa", LANDLINE, "VOIP"),
        ("ĐT bàn: 3822001", LATER, "khanh_hoa", LANDLINE, "no area code, but the words say it"),
        (
            "0583822001 / 02583822002",
            LATER,
            "khanh_hoa",
            AMBIGUOUS,
            "the reason is that of the uncertain number, which staff must check",
        ),
    ],
)
def test_ten_digits_are_read_by_the_day_and_the_province(
    field: str, day: date | None, province: str, refusal: str | None, reason: str
) -> None:
    """Ten digits may be a landline or a mobile. The day and the province decide, or the number is refused."""
    assert read_phone(field, day, province).refusal == refusal, reason


def test_a_moment_counts_as_its_local_day() -> None:
    vietnam = timezone(timedelta(hours=7))
    assert read_phone("0583822001", datetime(2018, 9, 14, 23, 59, tzinfo=vietnam), "khanh_hoa").refusal == LANDLINE


def test_no_provinces_old_landline_is_ever_texted_by_its_own_agencies() -> None:
    """A former landline may look like a mobile today; agencies of its own province must never text it."""
    read = []
    for province in plan.PROVINCES.values():
        for code in (province.old_code, province.new_code):
            digits = code + ("38220019" if len(code) == 2 or code in ("024", "028") else "3822001")
            for day in (PILOT, IN_2017, LATER, date(2026, 1, 1), None):
                read += [read_phone(digits, day, name) for name in (province.key, "Tỉnh " + province.name.upper())]
    assert {reading.e164 for reading in read} == {None}
    assert {reading.refusal for reading in read} == {LANDLINE, AMBIGUOUS}


# --- Refusals -----------------------------------------------------------------------------------

REFUSED = {
    "missing": [
        "", "\u200b", "không có", "KHÔNG CÓ SỐ", "ko", "chưa cung cấp", "Chủ hồ sơ không có điện thoại", "00", "0 có",
        "k0", "xx", "-", "n/a", "undefined", "SĐT:", "bổ sung sau", unicodedata.normalize("NFD", "không có"),
    ],
    "too_short": [
        "090512345", "0168123456", "ĐT: 0905 123", "3822001", "84 90512345", "0905123 / 091412", "0905771...",
        "(1) 090512345",
    ],
    "too_long": ["09051234567", "+849051234567", "9051234567", "0905123456789", "0905123456225123456", "00905123456"],
    "bad_chars": [
        "0905771*** (con)", "0905 xxx 456", "090512345x", "09057714a2", "a905771482", "09S5123456", "Nguyễn Văn An",
        "9.05E+08", "*0905123456*", "*** *** 482",
    ],
    "service_1800_1900": ["1900545466", "18001091", "+84 1900 545466", "1900"],
    "emergency_short": ["111", "119", "1080", "9029", "Gọi 113"],
    "dummy": ["0909090909", "0912121212", "0905905905", "0123123123"],
    "repeated_digits": [
        "0900000000", "0999999999", "0333333333", "0000000000", "1111111111", "+84900000000", "01222222222",
        "0896111111",
    ],
    "sequence": ["0123456789", "0987654321", "123456", "1234567890", "01234567890", "0901234567"],
    "foreign": [
        "+1 415 555 2671", "8210 1234 5678", "821012345678", "+79051234567", "Hàn Quốc: +82-10-1234-5678",
        "+905123456", "1-415-555-2671",
    ],
    "id_card_like": [
        "225123456", "225 123 456", "CMND 225123456", "225123456 (CMND)", "CMND: 0905123456", "056201001234",
        "CCCD 056 201 001 234", "084905123456", "012345679", "Hộ chiếu B1234567", "1. 225123456",
        "(2) 056 201 001 234", "225 123 456 (2 hồ sơ)", "056201001234 (2 hồ sơ)",
    ],
    "not_a_phone": [
        "160915001", "1609150001", "160915-001", "2016.1234", "HS160915001", "mã HS 0905123456",
        "000.00.04.H32-191225-0001", "H32.4-260925-0001", "G09.20-20260609-0092637", "1.005129", "12/2016/QĐ-UBND",
        "15/9/2016", "15.9.16", "2016-09-15 10:20:30", "20160915", "17h30", "9/2016", "2016", "4200123456-001",
        "MST của công ty: 0301234567", "4201123456001", "STK 0061001234567", "1903 0905 123 456", "1929 0905 123 456",
        "1979.0905.123.456", "1.905.123.456", "19025123456789", "0905123456@gmail.com", "facebook.com/0905123456",
        "01601234567", "9704 1234 5678 9012", "mã HS 056 889 428 068", "mã HS 16/0905123456", "1. 20160915",
    ],
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_is_no_phone_is_refused_with_its_reason(refusal: str) -> None:
    read = {field: {read_phone(field, day, "khanh_hoa").refusal for day in (PILOT, None)} for field in REFUSED[refusal]}
    assert {field: found for field, found in read.items() if found != {refusal}} == {}


def test_the_table_covers_every_refusal() -> None:
    assert {*REFUSED, LANDLINE, AMBIGUOUS} == set(REFUSALS)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("352123456", "An Giang's ID numbers begin with 35"),
        ("322123456", "Bến Tre's ID numbers begin with 32"),
        ("382123456", "Bạc Liêu's ID numbers begin with 38"),
    ],
)
def test_nine_digits_of_an_id_series_are_not_guessed_to_be_a_mobile(field: str, reason: str) -> None:
    assert read_phone(field, LATER, "khanh_hoa").refusal == "id_card_like", reason
    assert read_phone("ĐT " + field, LATER, "khanh_hoa").e164 == "+84" + field


def test_nine_digits_under_3_were_no_mobile_before_2018() -> None:
    assert read_phone("362123456", PILOT, "khanh_hoa").refusal == "id_card_like"
    assert read_phone("362123456", LATER, "khanh_hoa").e164 == "+84362123456"
    assert read_phone("362123456", LATER, "can_tho").refusal == "id_card_like"


STRANGERS = [
    ("822001-105", "a landline's extension made 0822001105"),
    ("84 3822001", "a country code before a local number made 0843822001"),
    ("0905 123 lol", "letters made 0905123101"),
    ("0300588569", "a tax code with its check digit"),
    ("0562010012840905123456", "an ID number and a phone, cut at its 84"),
    ("0905123/2016", "a serial of a year"),
    ("90/5123456", "a certificate's number"),
    ("0510123456*", "a landline with a digit hidden"),
    ("09429727 - 12 Trần Phú", "a number that lacks digits, and a house number"),
    ("09429727-12", "a number that lacks digits, and a tail"),
    ("0772 - 4631 - 12 Trần Phú", "a number that lacks digits, and a house number"),
    ("Hồ sơ đất: mã hồ sơ 0963550362", "a code behind a label for codes"),
    ("Gọi trước 1 ngày: mã HS 0963550362", "a code behind its label, after a word for a phone"),
    ("0301123457-001/07", "a branch's tax code"),
    ("098110883 3", "a number that lacks a digit, and something else"),
    ("0905.123 - 456 Trần Phú", "a number that lacks digits, and a house number"),
    ("07-10-2016-73 Trần Phú", "a date and a house number"),
    ("05-1951/1989", "a month and a year"),
    ("056 201 001 090,3685844", "a citizen ID in groups, and a local number"),
    ("CMND 098092607 / 056 809 148 378", "an ID number and a citizen ID"),
]


@pytest.mark.parametrize(("field", "reason"), STRANGERS, ids=[field for field, _ in STRANGERS])
def test_no_stranger_is_texted(field: str, reason: str) -> None:
    """A field with another person's number must not lead to a message to this person."""
    assert read_phone(field, LATER, "dak_lak").e164 is None, reason


# --- Properties ---------------------------------------------------------------------------------

# A shared machine may be slow, so an example has no deadline.
unhurried = settings(deadline=None)

ANY_DAY = st.none() | st.dates(date(2005, 1, 1), date(2040, 1, 1))
ANY_PROVINCE = st.sampled_from([*plan.PROVINCES, "Hồ Chí Minh", "nowhere", ""])
PHONE_LIKE = st.text(st.sampled_from("0123456789 .-/+()*,;xoOlIkĐT\n"), max_size=40)


@unhurried
@given(st.text(max_size=60) | PHONE_LIKE, ANY_DAY, ANY_PROVINCE)
def test_any_text_is_a_number_or_a_refusal_and_never_an_error(field: str, day: date | None, province: str) -> None:
    reading = read_phone(field, day, province)
    assert (reading.e164 is None) != (reading.refusal is None)
    assert reading.refusal is None or reading.refusal in REFUSALS
    assert set(reading.notes) <= set(NOTES)
    for number in filter(None, (reading.e164, *reading.alternates)):
        assert re.fullmatch(r"\+84[35789]\d{8}", number)
    assert len({reading.e164, *reading.alternates}) == 1 + len(reading.alternates)


@unhurried
@given(PHONE_LIKE, ANY_DAY, ANY_PROVINCE)
def test_reading_the_result_again_changes_nothing(field: str, day: date | None, province: str) -> None:
    reading = read_phone(field, day, province)
    if reading.e164:
        again = read_phone(reading.e164, None, "")
        assert again.e164 == reading.e164
        assert read_phone(to_local(reading.e164), None, "").e164 == reading.e164


@unhurried
@given(PHONE_LIKE, ANY_DAY, ANY_PROVINCE)
def test_the_number_returned_is_one_that_was_written(field: str, day: date | None, province: str) -> None:
    reading = read_phone(field, day, province)
    if reading.e164:
        written = re.sub(r"\D", "", field.translate(str.maketrans("oOlI", "0011")))
        assert reading.e164[-7:] in written


MOBILES = st.builds(
    lambda prefix, digits: prefix + digits,
    st.sampled_from(["0905", "0914", "0983", "0868", "0932"]),
    st.text(st.sampled_from("0123456789"), min_size=6, max_size=6).filter(lambda digits: len(set(digits)) > 3),
)
FILLING = st.text(st.sampled_from(" .-()'\u00a0\u200b"), max_size=2)


@unhurried
@given(MOBILES, st.lists(FILLING, min_size=11, max_size=11), ANY_DAY, ANY_PROVINCE)
def test_characters_between_digits_never_make_another_number(
    number: str, fillings: list[str], day: date | None, province: str
) -> None:
    field = fillings[0] + "".join(digit + filling for digit, filling in zip(number, fillings[1:], strict=True))
    reading = read_phone(field, day, province)
    assert reading.alternates == ()
    assert reading.e164 in (None, "+84" + number[1:])


USUAL_GROUPS = ["4 6", "3 7", "4 3 3", "3 3 4", "3 4 3", "4 2 2 2", "4 4 2", "2 2 2 2 2", "1 3 3 3", "1 " * 10]


@unhurried
@given(MOBILES, st.sampled_from(USUAL_GROUPS), st.sampled_from([" ", ".", "-", "/", ",", " - ", "\u00a0", "_", "·"]))
def test_a_number_in_usual_groups_is_read(number: str, groups: str, mark: str) -> None:
    digits = iter(number)
    field = mark.join("".join(next(digits) for _ in range(int(size))) for size in groups.split())
    reading = read_phone(field, LATER, "khanh_hoa")
    assert reading.e164 == "+84" + number[1:] or reading.refusal in ("sequence", "dummy", "repeated_digits")


@unhurried
@given(MOBILES, MOBILES, st.sampled_from(["/", ";", ", ", " - ", " hoặc ", "\n", " ", ""]))
def test_of_two_numbers_the_first_is_texted_and_the_other_kept(first: str, second: str, between: str) -> None:
    reading = read_phone(first + between + second, LATER, "khanh_hoa")
    if reading.e164 and read_phone(first, LATER, "").e164:
        assert reading.e164 == "+84" + first[1:]
        assert set(reading.alternates) <= {"+84" + second[1:]}


@unhurried
@given(
    MOBILES,
    st.integers(0, 9),
    st.sampled_from(string.ascii_letters.translate({ord(c): None for c in "oOlIxX"})),
)
def test_a_letter_in_place_of_a_digit_never_makes_another_number(number: str, place: int, letter: str) -> None:
    field = number[:place] + letter + number[place + 1 :]
    assert read_phone(field, LATER, "khanh_hoa").e164 in (None, "+84" + number[1:])


@pytest.mark.parametrize(
    "field",
    [
        "1" * 100_000,
        "h32." * 25_000,
        "a@" * 50_000,
    ],
    ids=lambda field: field[:4],
)
def test_a_field_of_100_kilobytes_is_read_too(field: str) -> None:
    assert read_phone(field, LATER, "khanh_hoa").e164 in (None, "+84905123456")


# --- Wrong numbers of digits --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "refusal"),
    [
        # Behind the country code: one digit too few and one too many, in the old and the new numbering plan.
        ("+84 90512345", "too_short"),
        ("+84 9051234567", "too_long"),
        ("+84 123456789", "too_short"),
        ("+84 12345678901", "too_long"),
        ("000", "missing"),
        ("7777", "repeated_digits"),
        ("12 7777777", "repeated_digits"),
    ],
)
def test_what_is_too_short_too_long_or_all_alike_is_said_to_the_digit(field: str, refusal: str) -> None:
    assert read_phone(field, LATER, "khanh_hoa").refusal == refusal


@pytest.mark.parametrize(
    ("field", "refusal", "reason"),
    [
        ("+84 090512345", "too_short", "the 0 behind the country code is one of the ten digits"),
        ("+84 113456789", "too_long", "ten digits with a prefix that no number has"),
        ("016812345", "too_short", "0168 was a prefix of mobiles"),
        ("018812345", "too_short", "0188 was a prefix of mobiles"),
        ("019912345", "too_short", "0199 was a prefix of mobiles"),
        ("012345671", "id_card_like", "nine digits under 012 are an ID number of Hà Nội"),
        ("0158822001", "not_a_phone", "no old mobile began with 0158"),
        ("3601123456", "not_a_phone", "a tax code of Đồng Nai, its check digit mistyped"),
        ("3712345680", "not_a_phone", "a tax code with its check digit"),
        ("3512345678", "too_long", "a mobile without its 0 and with a digit too many"),
        ("9712345610", "too_long", "no tax code begins with 9"),
        ("0300588569001", "not_a_phone", "a branch's tax code"),
        ("06138220011", "landline", "a landline of 061 and a digit too many"),
        ("069212345678901", "not_a_phone", "06 and four digits too many"),
        ("36123456789", "too_long", "eleven digits that begin like a mobile without its 0"),
        ("46123456789", "not_a_phone", "eleven digits that begin like no number"),
        ("361234567890", "not_a_phone", "twelve digits without a 0"),
        ("0084 90512345", "too_short", "the international prefix, and a digit too few"),
        ("0084 9051234567", "too_long", "the international prefix, and a digit too many"),
        ("1985", "not_a_phone", "a year of the last century"),
        ("0300588569101", "too_long", "thirteen digits that are no branch's tax code"),
        ("160932001", "id_card_like", "a dossier code with an impossible day"),
        ("15091985", "not_a_phone", "a day of the last century"),
        ("19850915", "not_a_phone", "a day of the last century, the year first"),
        ("15191985", "too_short", "an impossible month"),
        ("20160932", "too_short", "an impossible day, the year first"),
        ("20161901", "too_short", "an impossible month, the year first"),
        ("20163199", "too_short", "an impossible month and day"),
        ("105", "emergency_short", "three digits that begin with 1"),
        ("211", "too_short", "three digits that do not begin with 1"),
        ("123", "sequence", "no emergency number"),
        ("2345", "sequence", "four digits that go up"),
        ("1414", "emergency_short", "four digits that begin with 14"),
        ("654321", "sequence", "digits that go down"),
        ("0321098765", "sequence", "all digits go down, and 9 follows 0"),
        ("08012016", "not_a_phone", "a day, though a number of the state's own network is as long"),
    ],
)
def test_digits_that_make_no_number_are_named_to_the_digit(field: str, refusal: str, reason: str) -> None:
    assert read_phone(field, LATER, "khanh_hoa").refusal == refusal, reason


@pytest.mark.parametrize(
    ("field", "province", "refusal"),
    [
        ("613822001", "dong_nai", "landline"),
        ("438253001", "ha_noi", "landline"),
        ("438253001", "khanh_hoa", "id_card_like"),
        ("613822001", "khanh_hoa", "id_card_like"),
        ("613822001", "", "id_card_like"),
        ("225123456", "son_la", "id_card_like"),
    ],
)
def test_nine_digits_are_a_landline_only_under_the_agencys_own_code(field: str, province: str, refusal: str) -> None:
    assert read_phone(field, LATER, province).refusal == refusal


def test_nine_digits_of_an_id_series_are_the_merged_provinces_too() -> None:
    # ID numbers of Kiên Giang begin with 37; since 1/7/2025 An Giang includes Kiên Giang.
    assert read_phone("372123456", LATER, "an_giang").e164 == "+84372123456"
    assert read_phone("372123456", date(2026, 1, 5), "an_giang").refusal == "id_card_like"


def test_ten_digits_under_an_own_code_of_four_are_a_mobile() -> None:
    # A landline of Hải Dương had seven digits behind the area code 0320.
    assert read_phone("0320382201", LATER, "hai_duong").e164 == "+84320382201"


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("0901222222", "six equal digits are a number that somebody chose"),
        ("0701234567", "seven digits that go up are a number that somebody chose"),
        ("0909876543", "seven digits that go down are a number that somebody chose"),
    ],
)
def test_a_number_that_somebody_chose_is_texted(field: str, reason: str) -> None:
    """A number that is easy to remember must not be refused as invented."""
    assert read_phone(field, LATER, "khanh_hoa").e164 == "+84" + field[1:], reason


@pytest.mark.parametrize(
    ("field", "refusal", "reason"),
    [
        ("01623456789", "sequence", "the number is 0323456789 today"),
        ("01287654321", "sequence", "the number is 0787654321 today"),
        ("01682222222", "repeated_digits", "seven equal digits"),
    ],
)
def test_an_old_mobile_that_is_made_up_is_refused_and_not_said_to_be_renumbered(
    field: str, refusal: str, reason: str
) -> None:
    reading = read_phone(field, LATER, "khanh_hoa")
    assert (reading.refusal, reading.notes) == (refusal, ()), reason
