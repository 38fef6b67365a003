"""Test the grammar of texts that citizens send to 9029, and the rule that decides between on time and late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motcua.domain.inquiries import (
    AskedCodes,
    CodeTail,
    DossierState,
    Hit,
    asking_phone,
    choose,
    code_key,
    dedupe_key,
    punctuality,
    read_inquiry_text,
    read_tail,
    reads_as_name,
)

NHA_TRANG, TU_PHAP = "000.00.30.H32", "000.00.09.H32"
AGENCIES = {
    code_key(code): agency for code, agency in ((NHA_TRANG, NHA_TRANG), ("H32.30", NHA_TRANG), (TU_PHAP, TU_PHAP))
}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mckh_160915001", "160915001"),
        ("MCKH160915001", "160915001"),
        ("“MCKH 160915001”", "160915001"),
        ("MCKH-160915001", "160915001"),
        ("MCKH MCKH 160915001", "160915001"),
        ("160915001", "160915001"),
        ("MCKH hồ sơ số 160915001 ạ", "160915001"),
        ("ＭＣＫＨ １６０９１５００１", "160915001"),
        ("MCKH 1609\u200b15001", "160915001"),
        ("MCKH 000.00.04.H32–191225–0001", "000.00.04.H32-191225-0001"),
        ("mckh h32.4-260925-0001.", "H32.4-260925-0001"),
        ("MCKH 0012/2016", "0012/2016"),
        ("MCKH hđ-12", "HD-12"),
    ],
)
def test_code_is_found_however_it_is_typed(text, code):
    asked = read_inquiry_text(text)
    assert code in asked.literal
    assert asked.shown() == code


@pytest.mark.parametrize(
    ("text", "signs", "named"),
    [
        ("0007", "0007", None),
        ("261126-0007", "2611260007", None),
        (" 261126 0007 ", "2611260007", None),
        ("hồ sơ 261126.0007", "2611260007", None),
        ("h32.30-261126-0007", "2611260007", NHA_TRANG),
        ("H32.30 261126 OOO7", "2611260007", NHA_TRANG),
        ("000.00.30.h32–0007", "0007", NHA_TRANG),
    ],
)
def test_last_signs_of_a_code_are_read_with_or_without_its_agency(text, signs, named):
    """The last characters of a code are enough for a search, and the agency's code before them is recognised."""
    tail = read_tail(text, AGENCIES)
    assert tail is not None
    assert (tail.signs, tail.agencies) == (signs, {named} - {None})
    assert tail.is_last_of("000.00.30.H32-261126-0007")
    assert not tail.is_last_of("000.00.30.H32-261126-10007")


def test_nothing_short_is_a_tail_and_what_is_a_name_is_told_from_a_code():
    """A search by the end of a code needs enough characters. A person's name must not be read as a code."""
    assert read_tail("9" * 40, AGENCIES) == CodeTail("9" * 40, frozenset())
    assert read_tail("H32.30. 007", AGENCIES) == CodeTail("007", frozenset({NHA_TRANG}))
    assert [read_tail(text, AGENCIES) for text in ("", "7", "07", "Lan", "H32.30", "🙂", "9" * 41)] == [None] * 7
    for name in ("Lan", "Nguyễn Thị Lan", "nguyen thi lan 1985", "thi lan 1985", "Y Blô"):
        assert reads_as_name(name), name
    for code in ("", "0007", "hồ sơ số 0007", "HS-A-5531", "MCKH 160915001", "phường 0007", "?", "0905 123 456"):
        assert not reads_as_name(code), code


@pytest.mark.parametrize("text", ["MCKH", "MCKH ?", "", "MCKH xin chào", "MCKH 12"])
def test_text_without_a_code_shows_none(text):
    assert read_inquiry_text(text).shown() is None


def test_code_with_blanks_is_found():
    for text in ("MCKH 0012 / 2016", "MCKH 0012/ 2016.", "MCKH 0012 /2016"):
        assert read_inquiry_text(text).literal[0].rstrip(".") == read_inquiry_text(text).shown() == "0012/2016"
    literal = read_inquiry_text("MCKH 160915 001").literal
    assert literal.index("160915001") > literal.index("160915")
    assert "H32.4-260925-0001" in read_inquiry_text("MCKH H32.4 - 260925 - 0001").literal
    assert "160915001" in read_inquiry_text("MCKH_160915_001").literal


def test_code_with_blanks_around_a_sign_beside_a_letter_is_found_among_those_joined():
    """A code that a citizen typed with blanks around a dash or slash must still be found."""
    assert "HD-12" in read_inquiry_text("MCKH HĐ - 12").literal
    literal = read_inquiry_text("MCKH 12 A/ 34").literal
    assert {"A/34", "12A/", "12A/34"} <= set(literal)


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        # A dot behind a code may belong to it, so both spellings are tried. A dot before a code never belongs to it.
        ("MCKH .A12.", ("A12.", "A12")),
        ("MCKH-A12.", ("A12.", "A12", "MCKH-A12.")),
        ("MCKH ... A12", ("A12",)),
    ],
)
def test_signs_around_a_code_are_those_of_a_sentence(text, literal):
    """Punctuation around a code in a text to 9029 must not hide the dossier."""
    assert read_inquiry_text(text).literal == literal


def test_keyword_and_punctuation_are_no_words():
    assert read_inquiry_text("MCKH-A12.").words == ("A12.",)
    assert read_inquiry_text("MCKH ... xin chào - A12").words == ("XIN", "CHAO", "A12")


def test_six_words_at_most_are_joined_to_one_code():
    literal = read_inquiry_text("MCKH 1 2 3 4 5 6 7 8 9").literal
    assert "123456" in literal
    assert max(map(len, literal)) == 6


def test_codes_are_looked_up_by_their_keys_each_once():
    assert read_inquiry_text("MCKH 16O9l5 160915 HĐ-1").keys[:2] == ("160915", "HD-1")


def test_first_of_two_codes_comes_first_and_a_long_text_gives_few_codes():
    assert read_inquiry_text("MCKH 160915001 160915002").literal[:2] == ("160915001", "160915002")
    assert len(read_inquiry_text("MCKH " + "A1B2 " * 10_000).literal) < 400


def hit(number, code, agency=NHA_TRANG, *, asks=False):
    return Hit(number, agency, code, asks)


@pytest.mark.parametrize(
    ("text", "hits", "expected"),
    [
        ("MCKH 16O9l5OOI", [hit(1, "160915001")], 1),
        ("MCKH O1", [hit(1, "O1-A")], None),
        ("MCKH ABO1", [hit(1, "ABO1"), hit(2, "AB01")], 1),
        ("MCKH AB01", [hit(1, "ABO1"), hit(2, "AB01")], 2),
        ("MCKH 16O915001 160915002", [hit(1, "160915001"), hit(2, "160915002")], 2),
        ("MCKH ABOI", [hit(1, "AB0I"), hit(2, "ABO1", TU_PHAP)], None),
        ("MCKH hd-12 b", [hit(1, "hđ-12 B")], 1),
        ("MCKH 7777", [hit(1, "7777"), hit(2, "7777", TU_PHAP)], "7777"),
        ("MCKH hd7", [hit(1, "HĐ 7"), hit(2, "hd7", TU_PHAP)], "HĐ 7"),
        ("MCKH 7777", [hit(1, "7777"), hit(2, "7777", TU_PHAP, asks=True)], 2),
        ("MCKH 7777 h32.30", [hit(1, "7777"), hit(2, "7777", TU_PHAP, asks=True)], 1),
        ("MCKH OOO.00.09.H32 7777.", [hit(1, "7777"), hit(2, "7777", TU_PHAP)], 2),
        ("MCKH 7777 000.00.04.H32", [hit(1, "7777"), hit(2, "7777", TU_PHAP)], "7777"),
        ("MCKH 7777 h32 . 30", [hit(1, "7777"), hit(2, "7777", TU_PHAP)], 1),
        ("MCKH 0012 / 2016", [hit(1, "0012", TU_PHAP), hit(2, "2016"), hit(3, "0012/2016")], 3),
    ],
)
def test_dossier_is_chosen(text, hits, expected):
    """If several dossiers have the typed code, the agency in the text decides, or else the sender's phone number."""
    choice = choose(read_inquiry_text(text), hits, AGENCIES)
    assert (choice.hit.dossier_id if choice.hit else choice.shared_code) == expected


def test_agency_code_is_not_shown_as_an_unknown_dossier():
    """A reply about an unknown dossier names the dossier code of the text, not the agency code beside it."""
    assert read_inquiry_text("MCKH H32.30 160915009").shown(AGENCIES) == "160915009"


any_text = st.text(max_size=700) | st.text(alphabet="MCKHmckh0O1lI _-./đĐ\u00a0\"'\x00\ud800", max_size=80)


@pytest.mark.guarantee(
    "inquiries", "no text and no caller causes an internal error, not even a signed inquiry with a NUL character"
)
@settings(max_examples=300, deadline=None)
@given(any_text, any_text)
def test_no_text_raises(text, sender):
    asked = read_inquiry_text(text)
    assert isinstance(asked, AskedCodes)
    assert all(3 <= len(code) <= 40 for code in asked.literal)
    asked.shown(AGENCIES)
    choose(asked, [hit(n, code) for n, code in enumerate(asked.literal[:3])], AGENCIES)
    asking_phone(sender)
    dedupe_key(None, sender, text, datetime(2026, 11, 25, tzinfo=UTC))


@settings(max_examples=200, deadline=None)
@given(
    st.from_regex(r"[0-9A-Z][0-9A-Z./-]{1,30}[0-9]", fullmatch=True).filter(lambda code: not code.startswith("MCKH")),
    st.sampled_from(["MCKH {}", "mckh{}", "Mckh_{}", "MCKH  {}.", "“MCKH {}”", "MCKH\u00a0{} ạ", "Xin hỏi {}"]),
)
def test_known_code_is_answered_in_every_spelling(code, form):
    assert choose(read_inquiry_text(form.format(code.lower())), [hit(1, code)], {}).hit == hit(1, code)


NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("status", "due", "changes", "expected"),
    [
        (4, None, {}, "no_due_date"),
        (4, NOW, {}, "on_time"),
        (4, NOW - HOUR, {}, "late"),
        (None, NOW - HOUR, {}, "late"),
        # A due time of 00:00 in Vietnam is a date: the whole day is on time.
        (4, datetime(2026, 11, 24, 17, 0, tzinfo=UTC), {}, "on_time"),
        (4, datetime(2026, 11, 23, 17, 0, tzinfo=UTC), {}, "late"),
        # A dossier is late just after its due time, or from the next midnight on if its due time is a date.
        (4, NOW - timedelta(microseconds=1), {}, "late"),
        (9, datetime(2026, 11, 23, 17, 0, tzinfo=UTC), {"finished_at": datetime(2026, 11, 24, 17, tzinfo=UTC)}, "late"),
        # The dossier ended or was suspended, and no column says when.
        *[(status, NOW - HOUR, {}, "late") for status in (3, 5, 6, 7, 8, 9, 10)],
        *[(status, NOW + HOUR, {}, "on_time") for status in (3, 5, 6, 7, 8, 9, 10)],
        *[(status, NOW - DAY, {"status_since": NOW - 2 * DAY}, "on_time") for status in (5, 6, 8)],
        *[(status, NOW - 2 * DAY, {"status_since": NOW - DAY}, "late") for status in (5, 6, 8)],
        (9, NOW - DAY, {"finished_at": NOW - 2 * DAY}, "on_time"),
        (9, NOW - 2 * DAY, {"finished_at": NOW - DAY}, "late"),
        (10, NOW - DAY, {"finished_at": NOW - 2 * DAY, "returned_at": NOW}, "on_time"),
        # The result was ready in time and fetched later.
        (10, NOW - DAY, {"returned_at": NOW, "status_since": NOW - 2 * DAY}, "on_time"),
        (10, NOW - 2 * DAY, {"returned_at": NOW - DAY, "status_since": NOW}, "late"),
        # The status of the source is unknown.
        (None, NOW - DAY, {"finished_at": NOW - 2 * DAY, "status_since": NOW}, "on_time"),
        (None, NOW - 2 * DAY, {"returned_at": NOW - DAY, "status_since": NOW - 3 * DAY}, "late"),
        (None, NOW - DAY, {"status_since": NOW - 2 * DAY}, "late"),
        # The dossier was finished once and is open again.
        (4, NOW - HOUR, {"finished_at": NOW - 2 * DAY}, "late"),
    ],
)
def test_punctuality(status, due, changes, expected):
    """A dossier is judged at the moment of its end or suspension, not when the citizen fetches the result later."""
    assert punctuality(DossierState(status, due, **changes), NOW) == expected


def test_repeat_is_known_by_id_else_by_sender_text_and_minute():
    """A text to 9029 with the same id as before, or the same sender, text and minute, must not count twice."""
    at = datetime(2026, 11, 25, 3, 0, 1, tzinfo=UTC)
    assert dedupe_key("7", "a", "x", at) == dedupe_key("7", "b", "y", at + DAY)
    by_text = dedupe_key(None, "a", "x", at)
    assert by_text == dedupe_key(None, "a", "x", at + timedelta(seconds=58))
    assert len({by_text, dedupe_key(None, "b", "x", at), dedupe_key(None, "a", "y", at)}) == 3
    assert by_text != dedupe_key(None, "a", "x", at + timedelta(seconds=59))


@pytest.mark.parametrize(
    ("message_id", "parts"),
    [("7", "id 7"), (None, "text 9029 x 202611251000"), ("", "text 9029 x 202611251000")],
)
def test_key_of_a_delivery_stays_what_stored_ones_are(message_id, parts):
    """A gateway may deliver a text again after an upgrade.

    The text then needs the key that was stored before the upgrade, or the citizen gets a second reply.
    """
    key = dedupe_key(message_id, "9029", "x", datetime(2026, 11, 25, 3, 0, 59, tzinfo=UTC))
    assert key == sha256(parts.replace(" ", "\x1f").encode()).hexdigest()


@pytest.mark.parametrize("sender", ["0905123456", "+84905123456", "0084905123456"])
def test_one_phone_however_the_carrier_writes_it(sender):
    assert asking_phone(sender) == "+84905123456"


@pytest.mark.parametrize(
    ("sender", "phone"),
    [
        (" 02583822001 ", "+842583822001"),
        ("+821012345678", "+821012345678"),
        (" VIETTEL ", None),
        ("9029", None),
        ("19001234", None),
        ("84258382200112345", None),
        ("0905123456 và vợ", None),
    ],
)
def test_sender_is_a_number_or_none(sender, phone):
    assert asking_phone(sender) == phone


def test_phone_that_looks_made_up_is_real_when_it_asks():
    """A number that would look invented in a dossier is real if a text to 9029 comes from it."""
    assert asking_phone("0987654321") == asking_phone("84987654321") == "+84987654321"
