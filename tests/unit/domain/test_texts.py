"""Test how many segments a text costs, how accents are removed, and how a value may change a template's text."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motcua.domain.texts import (
    EMPTY_VALUE,
    GSM_BASIC,
    GSM_EXTENSION,
    PARAMETER_LIMITS,
    Registration,
    Template,
    UnregisteredTemplate,
    clean_parameter,
    date_in_text,
    remove_accents,
    render,
    require_registered,
    segment_text,
    with_accents,
)

# The 67 accented lower-case letters of Vietnamese, grouped by the ASCII letter that replaces each.
LOWER = {
    "a": "àáảãạăằắẳẵặâầấẩẫậ",
    "d": "đ",
    "e": "èéẻẽẹêềếểễệ",
    "i": "ìíỉĩị",
    "o": "òóỏõọôồốổỗộơờớởỡợ",
    "u": "ùúủũụưừứửữự",
    "y": "ỳýỷỹỵ",
}
PLAIN = {letter: plain for plain, letters in LOWER.items() for letter in letters}
PLAIN |= {letter.upper(): plain.upper() for letter, plain in PLAIN.items()}
LETTERS = sorted(PLAIN)

RESULT = Template(
    "result",
    1,
    "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) đã được giải quyết xong. "
    "Mời Ông/Bà đến Bộ phận Một cửa {agency_name} để nhận kết quả",
    ("dossier_code", "agency_name"),
)
SUPPLEMENT = Template(
    "supplement",
    1,
    "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) cần bổ sung theo quy định. "
    "Mời Ông/Bà đến Bộ phận Một cửa {agency_name} để nhận thông báo",
    ("dossier_code", "agency_name"),
)
APOLOGY = Template(
    "apology",
    1,
    "Thông báo: Hồ sơ của quý Ông/Bà ({dossier_code}) chưa có kết quả vào ngày {due_date}. {agency_name} "
    "chân thành xin lỗi. Ông/Bà vui lòng đến nhận kết quả khi có tin nhắn tiếp theo",
    ("dossier_code", "due_date", "agency_name"),
)
REPLY = Template(
    "reply",
    1,
    "Hồ sơ của quý Ông/Bà ({dossier_code}) hiện đang ở bước {step_name}, trạng thái hồ sơ: {punctuality}.",
    ("dossier_code", "step_name", "punctuality"),
)
TEMPLATES = (RESULT, SUPPLEMENT, APOLOGY, REPLY)
SHORT, LONG = "160915001", "000.00.04.H32-160915-0001"
VALUES = {
    "dossier_code": LONG,
    "agency_name": "Sở Thông tin và Truyền thông",
    "due_date": "5/9/2016",
    "step_name": "Trình lãnh đạo phê duyệt",
    "punctuality": "Đúng hạn",
}

any_text = st.text(
    st.one_of(
        st.sampled_from(GSM_BASIC),
        st.sampled_from(GSM_EXTENSION),
        st.sampled_from("đĐỹự\u0301\u0323\u031b😀👨‍👩‍👧\u200b\u202e\ufeff\n\t\x00\x1b/.:@vncom…“”–"),
        st.characters(),
    ),
    max_size=400,
)


# ---------------------------------------------------------------- segments


@pytest.mark.parametrize(
    ("text", "encoding", "length", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        # A part has 153 septets, an odd number. A pair of septets is never split, so a part holds 76 pairs, not 76.5.
        ("€" * 152, "GSM-7", 304, 2),
        ("€" * 153, "GSM-7", 306, 3),
        ("a" * 152 + "{" + "a" * 151, "GSM-7", 305, 2),
        ("a" * 152 + "{" + "a" * 152, "GSM-7", 306, 3),
        ("đ" * 70, "UCS-2", 70, 1),
        ("đ" * 71, "UCS-2", 71, 2),
        ("đ" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("😀" * 67, "UCS-2", 134, 3),
        ("đ" * 66 + "😀" + "đ" * 66, "UCS-2", 134, 3),
        ("à" * 160, "GSM-7", 160, 1),
        ("a" * 159 + "á", "UCS-2", 160, 3),
        ("\x1b" + "a" * 70, "UCS-2", 71, 2),
        ("\ud83d\ude00", "UCS-2", 2, 1),
        ("\ud83d", "UCS-2", 1, 1),
    ],
)
def test_segments_follow_the_standard(text: str, encoding: str, length: int, segments: int) -> None:
    found = segment_text(text)
    assert (found.encoding, found.length, found.segments) == (encoding, length, segments)
    assert len(found.parts) == segments


def test_text_is_counted_in_nfc() -> None:
    text = "Thông báo: Hồ sơ đã được giải quyết xong"
    assert segment_text(unicodedata.normalize("NFD", text)) == segment_text(text)


@settings(deadline=None)
@given(any_text)
@example("a" * 152 + "€" * 90)
@example("đ" + "😀" * 70)
def test_parts_are_whole_and_make_up_the_text(text: str) -> None:
    found = segment_text(text)
    per_part, alone = (153, 160) if found.encoding == "GSM-7" else (67, 70)
    sizes = [_units(part, found.encoding) for part in found.parts]
    joined = "".join(found.parts)
    assert sum(sizes) == found.length
    assert all(size <= (alone if len(sizes) == 1 else per_part) for size in sizes)
    # The split is greedy: no part except the last has room for the first character of the next part.
    for position, size in enumerate(sizes[:-1]):
        assert size + _units(found.parts[position + 1][0], found.encoding) > per_part
    joined.encode("utf-8")  # raises if a surrogate pair was split
    if not any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        assert joined == unicodedata.normalize("NFC", text)


def _units(text: str, encoding: str) -> int:
    if encoding == "UCS-2":
        return len(text.encode("utf-16-le")) // 2
    return sum(2 if character in GSM_EXTENSION else 1 for character in text)


# ---------------------------------------------------------------- accents


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_all_134_letters_become_the_right_ascii_letter(form: str) -> None:
    assert len(LETTERS) == 134
    for letter in LETTERS:
        assert remove_accents(unicodedata.normalize(form, letter)) == PLAIN[letter]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.template_id)
def test_no_letter_makes_a_mixture(template: Template, form: str) -> None:
    """No letter in a value may make a text half accented: a text is fully accented or plain ASCII."""
    places = set(template.parameters) & {"dossier_code", "agency_name", "step_name"}
    assert places
    for letter in LETTERS:
        given_value = unicodedata.normalize(form, f"Tổ {letter}x{letter}")
        for name in places:
            values = VALUES | {name: given_value}
            accented = render(template, values, accented=True)
            assert f"Tổ {letter}x{letter}" in accented.text
            assert accented.encoding == "UCS-2"
            plain = render(template, values, accented=False)
            assert f"To {PLAIN[letter]}x{PLAIN[letter]}" in plain.text
            assert plain.text.isascii()
            assert plain.encoding == "GSM-7"
            assert len(plain.text) == len(accented.text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("“Đường” – ‘Hồ’ — Huế…", "\"Duong\" - 'Ho' - Hue..."),
        ("a\u00a0b\u2009c\u3000d\te", "a b c d e"),
        ("Ðà Nẵng", "Da Nang"),  # the letter eth, which old fonts draw as Đ
        ("100.000₫", "100.000d"),
        ("№ 12½", "No 121/2"),
        ("25°C × 3 ≤ 4 → 5", "25oC x 3 <= 4 -> 5"),
        ("`a´b’c", "'a'b'c"),
        ("£ § Ø ß € ^ {} [] ~ | \\", "£ § Ø ß € ^ {} [] ~ | \\"),
        ("ho so 😀👍🏽", "ho so ???"),
        ("日本 Жук", "?? ???"),
        ("a\u200bb\u202ec\ufeffd\x00e\x1bf\ufe0f", "abcdef"),
        ("dòng\nhai\r\n", "dong\nhai\r\n"),
        ("a\u1680b", "a b"),  # a blank without a compatibility form
        ("1\u20dd 2\u0488", "1 2"),  # enclosing marks
    ],
)
def test_odd_characters_are_spelled_as_written_down(text: str, plain: str) -> None:
    assert remove_accents(text) == plain


@settings(deadline=None)
@given(any_text)
def test_text_without_accents_is_always_gsm_and_stays_so(text: str) -> None:
    plain = remove_accents(text)
    assert set(plain) <= set(GSM_BASIC + GSM_EXTENSION)
    assert not set(plain) & set(LETTERS)
    assert remove_accents(plain) == plain
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert remove_accents(unicodedata.normalize("NFD", whole)) == plain


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "limit", "cleaned", "reason"),
    [
        (None, 20, "", "no value"),
        ("   \n ", 20, "", "only blanks"),
        ("Sở\r\nTư\u2028pháp\x85a\vb\fc", 30, "Sở Tư pháp a b c", "every kind of line break"),
        ("Sở\u00a0Tư\u2003pháp", 20, "Sở Tư pháp", "every kind of blank"),
        ("S\x00ở\x07 T\x1bư", 20, "Sở Tư", "control characters"),
        ("\u202eSở\u202c Tư\u2066pháp\u2069\u200f", 20, "Sở Tưpháp", "bidirectional controls"),
        ("Sở\u3164\u2800Tư\ufe0f", 20, "SởTư", "invisible fillers"),
        ("So\u031b\u0309 Tu\u031b", 20, "Sở Tư", "NFC"),
        ("o\u200b\u031b\u0309", 20, "ở", "NFC after the invisible is gone"),
        ("\u0301\u0323 Sở", 20, "Sở", "a leading mark would join the word before the value"),
        ("\ud83d Sở \ud83d\ude00", 20, "Sở", "halves of pairs"),
        ("Sở http://evil.example/a?b=c Tư pháp", 40, "Sở Tư pháp", "scheme"),
        ("zalo://x Sở", 40, "Sở", "any scheme"),
        ("xem www.evil", 40, "xem", "www"),
        ("xem evil.com nhé", 40, "xem nhé", "bare host"),
        ("xem (evil.com.vn/x) nhé", 40, "xem ( nhé", "a link is cut up to the next blank"),
        ("gặp t.me/abc bit.ly/x", 40, "gặp", "short links"),
        ("a@b.vn Sở", 40, "Sở", "mail address"),
        ("vào 10.0.0.1/x Sở", 40, "vào Sở", "address in digits"),
        ("ht\u200btp://evil.com Sở", 40, "Sở", "a link hidden by a zero-width character"),
        ("ｗｗｗ．ｅｖｉｌ．ｃｏｍ Sở", 40, "Sở", "a link hidden by full-width letters"),
        ("evil。com Sở", 40, "Sở", "a link hidden by an ideographic full stop"),
        ("TP.HCM, P.GD-ĐT, TT.TT, BV.TW", 40, "TP.HCM, P.GD-ĐT, TT.TT, BV.TW", "abbreviations are no links"),
        ("TP.Nha Trang", 40, "TP.Nha Trang", "a missing blank makes no link"),
        ("{agency_name} {0} %s $x", 40, "{agency_name} {0} %s $x", "placeholders in a value stay as they are"),
        ("Ủy ban nhân dân phường Lộc Thọ", 30, "Ủy ban nhân dân phường Lộc Thọ", "as long as the limit"),
        ("Ủy ban nhân dân phường Lộc Thọ", 29, "Ủy ban nhân dân phường Lộc...", "cut at a word"),
        ("Ủy ban nhân dân, phường", 22, "Ủy ban nhân dân...", "no punctuation before the dots"),
        ("Ủy ban nhân dân phường Lộc Thọ", 20, "Ủy ban nhân dân...", "cut behind the last word that fits"),
        ("AAAAAA BBBBBBBBBBBB", 13, "AAAAAA...", "cut behind a word that fills more than half"),
        ("AAAAA BBBBBBBBBBBBB", 13, "AAAAA BBBB...", "a long word is cut inside if the line would be half empty"),
        ("X" * 500, 10, "XXXXXXX...", "one long word is cut inside"),
        ("A" * 500, 1, "A", "no room for dots"),
        ("AAAAAAAAAAA BBBB", 13, "AAAAAAAAAA...", "a word one letter too long"),
        ("A" * 500, 3, "AAA", "no room for dots"),
        ("a" + " " * 1010 + "b", 12, "a b", "a value that is read to its end"),
        ("a" + " " * 1011 + "b", 12, "a...", "a value that is not read to its end, with dots"),
        ("A" * 9 + " " * 1003 + "b", 12, "AAAAAAAAA...", "a value that is not read to its end and fills the line"),
        ("A" * 500, 0, "", "no room"),
        (" " * 4000 + "Sở Tư pháp", 12, "Sở Tư pháp", "many blanks before the value"),
        ("xin evil.community", 15, "xin", "the cut must not make a link"),
    ],
)
def test_values_are_cleaned_by_the_written_rules(value: str | None, limit: int, cleaned: str, reason: str) -> None:
    assert clean_parameter(value, limit) == cleaned, reason


def test_a_hostile_run_of_marks_costs_no_time() -> None:
    # Normalising a million marks takes minutes, so the rule must cut the value first.
    assert len(clean_parameter("a" + "\u0301\u0323" * 1_000_000, 40)) <= 40


@settings(deadline=None)
@given(any_text, st.integers(-2, 90))
@example("ﷺﷺﷺ evil.community " * 3, 30)
@example("¨.com ´ www.", 20)
def test_a_cleaned_value_is_one_short_visible_line(value: str, limit: int) -> None:
    cleaned = clean_parameter(value, limit)
    assert len(cleaned) <= max(limit, 0)
    assert cleaned == cleaned.strip()
    assert "  " not in cleaned
    assert cleaned.isprintable()
    assert "://" not in cleaned or not cleaned.split("://")[0][-1:].isalnum()
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean_parameter(cleaned, limit) == cleaned


# ---------------------------------------------------------------- templates


@pytest.mark.parametrize(
    ("template", "code", "agency", "length", "segments"),
    [
        (RESULT, LONG, "Sở Thông tin và Truyền thông", 160, 1),
        (SUPPLEMENT, LONG, "Sở Thông tin và Truyền thông", 164, 2),
        (RESULT, SHORT, "A" * 44, 160, 1),
        (RESULT, SHORT, "A" * 45, 161, 2),
        (SUPPLEMENT, LONG, "A" * 24, 160, 1),
        (SUPPLEMENT, LONG, "A" * 25, 161, 2),
        (APOLOGY, SHORT, "Sở GTVT", 165, 2),
    ],
)
def test_edges_of_one_unaccented_segment(
    template: Template, code: str, agency: str, length: int, segments: int
) -> None:
    rendered = render(template, VALUES | {"dossier_code": code, "agency_name": agency}, accented=False)
    assert (len(rendered.text), rendered.segments) == (length, segments)


@pytest.mark.parametrize("accented", [True, False])
@pytest.mark.parametrize(
    "code",
    [
        "000.00.04.H32-191225-0001",
        "HS  12  (cu)",
        "[A]~^|\\{B}€",
        "www.hs.vn/12",
        "@£$¥ØøΔΩÆß¿§",
        "ÑÜÄñüä-1",
        "a" * 40,
    ],
)
def test_a_code_in_gsm_stands_exactly_as_written(code: str, accented: bool) -> None:
    rendered = render(RESULT, VALUES | {"dossier_code": code}, accented)
    assert f"({code})" in rendered.text
    assert rendered.parameters[0] == code


@pytest.mark.parametrize(
    ("code", "accented", "shown"),
    [
        ("HĐ-12/Nhà Đất", True, "HĐ-12/Nhà Đất"),
        ("HĐ-12/Nhà Đất", False, "HD-12/Nha Dat"),
        ("H\u0303Đ", True, "H\u0303Đ"),
        ("HS–12", False, "HS-12"),
        ("HS–12", True, "HS–12"),
        ("Đ" * 40, False, "D" * 40),
        ("`1`", False, "'1'"),
        ("12" + " " * 4000, False, "12"),
        ("HĐ-12" + " " * 4000, True, "HĐ-12"),
        ("1\u200b2\u00a03", True, "12 3"),
        ("x" * 41, True, "x" * 37 + "..."),
        ("x" * 30 + " " + "y" * 13 + " zzzzz", True, "x" * 30 + "..."),
        ("x" * 38 + " zzzzz", True, "x" * 37 + "..."),
        ("É-1", False, "E-1"),
        ("\u0301" * 41, True, EMPTY_VALUE),
        ("", True, EMPTY_VALUE),
        ("\u200b\n", False, EMPTY_VALUE),
    ],
)
def test_other_codes_keep_what_can_be_kept(code: str, accented: bool, shown: str) -> None:
    """A code with unusual or too many characters is shown as far as the text's encoding and limit allow."""
    assert render(RESULT, VALUES | {"dossier_code": code}, accented).parameters[0] == shown


def test_the_parameters_kept_are_those_in_the_text() -> None:
    values = VALUES | {"agency_name": "Sở “Tư pháp” {dossier_code}\nhttp://x.vn"}
    for accented, agency in ((True, "Sở “Tư pháp” {dossier_code}"), (False, 'So "Tu phap" {dossier_code}')):
        rendered = render(APOLOGY, values, accented)
        body = APOLOGY.body if accented else remove_accents(APOLOGY.body)
        assert rendered.parameters == (LONG, "5/9/2016", agency)
        for name, parameter in zip(APOLOGY.parameters, rendered.parameters, strict=True):
            body = body.replace("{" + name + "}", parameter, 1)
        assert rendered.text == body
        assert (rendered.template_id, rendered.template_version, rendered.accented) == (
            "apology",
            1,
            accented,
        )


def test_a_link_that_appears_only_without_accents_goes_too() -> None:
    """A link that appears only when accents are removed must be taken out too."""
    rendered = render(RESULT, VALUES | {"agency_name": "Sở bịt.ly/đ"}, accented=False)
    assert rendered.parameters[1] == "So"


def test_a_value_of_which_nothing_is_left_shows_as_dots() -> None:
    """A value that cleaning empties is shown as dots and does not leave a gap in the sentence."""
    rendered = render(REPLY, VALUES | {"step_name": " \u200b http://evil.com "}, accented=False)
    assert "dang o buoc ..., trang thai" in rendered.text


def test_a_gigantic_value_without_accents_says_that_it_goes_on() -> None:
    """A value that was cut must end in dots in a text without accents too."""
    rendered = render(RESULT, VALUES | {"agency_name": "Sở" + " " * 2000 + "Tư pháp"}, accented=False)
    assert rendered.parameters[1] == "So..."


def test_a_character_of_two_septets_at_a_border_goes_whole_into_the_next_part() -> None:
    # With 126 characters the text has 306 septets, but one septet of the first part stays empty.
    for following, segments in ((125, 2), (126, 3)):
        body = "A" * 100 + "{dossier_code}" + "A" * following
        template = Template("other", 1, body, ("dossier_code",))
        assert render(template, {"dossier_code": "€" * 40}, accented=False).segments == segments


def test_a_parameter_without_a_limit_of_its_own_has_60_characters() -> None:
    template = Template("other", 1, "Mời {place}", ("place",))
    assert render(template, {"place": "A" * 60}, accented=True).parameters == ("A" * 60,)
    assert render(template, {"place": "A" * 61}, accented=True).parameters == ("A" * 57 + "...",)


def test_a_missing_value_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"apology\.v1: no value for due_date"):
        render(APOLOGY, {"dossier_code": "1", "agency_name": "Sở"}, accented=False)


@pytest.mark.parametrize("parameters", [(), ("dossier_code", "agency_name")])
def test_a_template_whose_words_have_other_places_than_its_parameters_is_never_sent(
    parameters: tuple[str, ...],
) -> None:
    """A template whose words and parameters do not match must fail before a text is sent."""
    with pytest.raises(ValueError, match="zip"):
        render(Template("odd", 1, "Hồ sơ {dossier_code}", parameters), VALUES, accented=True)


@settings(deadline=None)
@given(any_text, any_text, st.booleans(), st.sampled_from(TEMPLATES))
def test_no_value_breaks_a_text(code: str, other: str, accented: bool, template: Template) -> None:
    values = dict.fromkeys(PARAMETER_LIMITS, other) | {"dossier_code": code}
    rendered = render(template, values, accented)
    found = segment_text(rendered.text)
    assert (found.encoding, found.segments) == (rendered.encoding, rendered.segments)
    assert "".join(found.parts) == rendered.text
    assert rendered.text.isprintable()
    assert rendered.text.startswith(template.body[:5] if accented else remove_accents(template.body[:5]))
    if accented:
        assert len(rendered.text) <= 266
    else:
        assert rendered.encoding == "GSM-7"
        assert not set(rendered.text) & set(LETTERS)


def test_the_longest_values_stay_inside_the_tightest_caps() -> None:
    """Even with the longest values, no text may be longer than its gateway allows."""
    longest = {name: "Ở" * limit for name, limit in PARAMETER_LIMITS.items()}
    assert len(render(APOLOGY, longest, accented=True).text) == 266
    reply = render(REPLY, longest | {"dossier_code": LONG}, accented=False)
    assert (len(reply.text), reply.segments) == (160, 1)


KNOWN = {
    registration.key: registration
    for registration in (
        Registration("kannel", "result", 1),
        Registration("vnpt", "result", 1, "7731", "7732"),
        Registration("half", "result", 1, "7731"),
    )
}


@pytest.mark.parametrize(
    ("gateway", "accented", "by_id", "known_as"),
    [
        ("kannel", False, False, None),
        ("vnpt", False, True, "7731"),
        ("vnpt", True, True, "7732"),
        ("half", True, False, None),
    ],
)
def test_a_registered_template_passes(gateway: str, accented: bool, by_id: bool, known_as: str | None) -> None:
    assert require_registered(KNOWN, (gateway, "result", 1), accented=accented, by_id=by_id) == known_as


@pytest.mark.parametrize("key", [("esms", "result", 1), ("kannel", "result", 2), ("kannel", "apology", 1)])
def test_an_unregistered_template_is_refused_with_what_to_do(key: tuple[str, str, int]) -> None:
    gateway, template_id, version = key
    with pytest.raises(UnregisteredTemplate) as refusal:
        require_registered(KNOWN, key, accented=False, by_id=False)
    name = f"{template_id}.v{version}"
    assert f"template {name} is not registered at gateway {gateway}" in str(refusal.value)
    assert f"motcua texts register {gateway} {name}" in str(refusal.value)


@pytest.mark.parametrize(
    ("gateway", "accented", "text", "option"),
    [
        ("half", True, "accented", "--accented-provider-template-id"),
        ("kannel", False, "unaccented", "--provider-template-id"),
    ],
)
def test_a_registration_without_the_id_that_the_provider_takes_is_refused(
    gateway: str, accented: bool, text: str, option: str
) -> None:
    with pytest.raises(UnregisteredTemplate) as refusal:
        require_registered(KNOWN, (gateway, "result", 1), accented=accented, by_id=True)
    assert str(refusal.value) == (
        f"template result.v1 is registered at gateway {gateway} without the id of its {text} text "
        f"(motcua texts register {gateway} result.v1 {option} …)"
    )


@pytest.mark.parametrize(("day", "written"), [(date(2016, 9, 5), "5/9/2016"), (date(2016, 12, 15), "15/12/2016")])
def test_dates_have_no_leading_zeros(day: date, written: str) -> None:
    assert date_in_text(day) == written


def test_words_that_were_planned_without_accents_are_made_with_them_elsewhere() -> None:
    """A text that was planned without accents can be rendered with accents for a gateway where they cost nothing."""
    template = Template("result", 1, "Hồ sơ {dossier_code} ở {agency_name} đã xong", ("dossier_code", "agency_name"))
    values = {"dossier_code": "Đ  1", "agency_name": "Sở Tư pháp"}
    plain, full = render(template, values, accented=False), render(template, values, accented=True)
    assert plain.text == "Ho so D  1 o So Tu phap da xong"
    assert with_accents(template, plain) == full
    assert with_accents(template, full) is full
    of_before = replace(plain, accented_parameters=None)
    assert with_accents(template, of_before) is of_before, "a text must never mix plain and accented values"
