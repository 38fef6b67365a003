"""Prove that texts are right: their letters, segments and inserted values, and the wording of the pilot's report.

The proof shares no code with the system. Its alphabet is typed from 3GPP TS 23.038 by code point. The proof splits
texts into segments by septets or by UTF-16 bytes. The plain form of each letter comes from the Unicode database. The
texts of the pilot's report, 1263/STTTT-CNTT, are copied here.
"""

from __future__ import annotations

import itertools
import random
import time
import unicodedata
from collections.abc import Callable, Iterator

import yaml

from motcua.domain.texts import Template, render, segment_text
from motcua.settings import include_dir
from motcua.store.notices.templates import load_templates
from tests.prove import Figure

# 3GPP TS 23.038, table 6.2.1, row by row of sixteen septets.
_GSM_ROWS = """
0040 00A3 0024 00A5 00E8 00E9 00F9 00EC 00F2 00C7 000A 00D8 00F8 000D 00C5 00E5
0394 005F 03A6 0393 039B 03A9 03A0 03A8 03A3 0398 039E ---- 00C6 00E6 00DF 00C9
0020 0021 0022 0023 00A4 0025 0026 0027 0028 0029 002A 002B 002C 002D 002E 002F
0030 0031 0032 0033 0034 0035 0036 0037 0038 0039 003A 003B 003C 003D 003E 003F
00A1 0041 0042 0043 0044 0045 0046 0047 0048 0049 004A 004B 004C 004D 004E 004F
0050 0051 0052 0053 0054 0055 0056 0057 0058 0059 005A 00C4 00D6 00D1 00DC 00A7
00BF 0061 0062 0063 0064 0065 0066 0067 0068 0069 006A 006B 006C 006D 006E 006F
0070 0071 0072 0073 0074 0075 0076 0077 0078 0079 007A 00E4 00F6 00F1 00FC 00E0
"""
_SEPTET = {chr(int(point, 16)): bytes([septet]) for septet, point in enumerate(_GSM_ROWS.split()) if point != "----"}
# Table 6.2.1.1: septet after ESC.
_ESC = 0x1B
_EXTENDED = {0x0C: 0x0A, 0x5E: 0x14, 0x7B: 0x28, 0x7D: 0x29, 0x5C: 0x2F, 0x5B: 0x3C, 0x7E: 0x3D, 0x5D: 0x3E}
_EXTENDED |= {0x7C: 0x40, 0x20AC: 0x65}
_SEPTET |= {chr(point): bytes([_ESC, septet]) for point, septet in _EXTENDED.items()}
_CHARACTER = {septets: character for character, septets in _SEPTET.items()}

_BODIES = {
    "result": (
        "Thông báo: Hồ sơ của quý Ông/Bà (",
        ") đã được giải quyết xong. Mời Ông/Bà đến Bộ phận Một cửa ",
        " để nhận kết quả",
    ),
    "supplement": (
        "Thông báo: Hồ sơ của quý Ông/Bà (",
        ") cần bổ sung theo quy định. Mời Ông/Bà đến Bộ phận Một cửa ",
        " để nhận thông báo",
    ),
    "apology": (
        "Thông báo: Hồ sơ của quý Ông/Bà (",
        ") chưa có kết quả vào ngày ",
        ". ",
        " chân thành xin lỗi. Ông/Bà vui lòng đến nhận kết quả khi có tin nhắn tiếp theo",
    ),
    "reply": ("Hồ sơ của quý Ông/Bà (", ") hiện đang ở bước ", ", trạng thái hồ sơ: ", "."),
}
_ORDER = {
    "result": ("dossier_code", "agency_name"),
    "supplement": ("dossier_code", "agency_name"),
    "apology": ("dossier_code", "due_date", "agency_name"),
    "reply": ("dossier_code", "step_name", "punctuality"),
}
_VALUES = {
    "dossier_code": "000.00.04.H32-191225-0001",
    "asked_code": "160915001",
    "agency_name": "Sở Tư pháp",
    "due_date": "5/9/2016",
    "step_name": "Ký duyệt",
    "punctuality": "Đúng hạn",
}

RANDOM_TEXTS = 120_000
RANDOM_VALUES = 30_000
RENDERED_FOR_SPEED = 100_000


def figures(seed: int) -> list[Figure]:
    """Return all rows about texts; ``seed`` decides the random texts."""
    templates = load_templates()
    return [
        _words_of_the_report(templates),
        *_letters(templates),
        *_segments(random.Random(seed)),
        *_costs_of_the_pilot(templates),
        *_hostile_values(templates, random.Random(seed + 1)),
        _speed(templates),
    ]


def _figure_of_all(name: str, right: int, of: int) -> Figure:
    return Figure(name, f"{right:,} of {of:,}", "all", right == of > 0)


def _figure_of_none(name: str, found: int) -> Figure:
    return Figure(name, str(found), "0", found == 0)


# ---------------------------------------------------------------- words and letters


def _words_of_the_report(templates: dict[str, Template]) -> Figure:
    right = 0
    for template_id, pieces in _BODIES.items():
        values = [_VALUES[name] for name in _ORDER[template_id]]
        expected = "".join(itertools.chain(*itertools.zip_longest(pieces, values, fillvalue="")))
        right += render(templates[template_id], _VALUES, accented=True).text == expected
    return _figure_of_all("texts of the report, to the letter", right, len(_BODIES))


def _accented_letters() -> list[str]:
    """Return the 134 accented letters, built from vowels, their shapes and the five tones, with đ added."""
    circumflex, breve, horn = "\u0302", "\u0306", "\u031b"
    vowels = [*"aeiouy", *(f"{vowel}{circumflex}" for vowel in "aeo"), f"a{breve}", f"o{horn}", f"u{horn}"]
    tones = ["", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"]
    lower = [unicodedata.normalize("NFC", vowel + tone) for vowel in vowels for tone in tones]
    lower = [letter for letter in lower if not letter.isascii()] + ["\u0111"]
    return lower + [letter.upper() for letter in lower]


def _ascii_of(letter: str) -> str:
    """Return the plain letter by the Unicode name: LATIN SMALL LETTER O WITH HORN AND TILDE gives an o."""
    _, case, _, plain, *_ = unicodedata.name(letter).split()
    return plain.lower() if case == "SMALL" else plain


_PLAIN = {letter: _ascii_of(letter) for letter in _accented_letters()}


def _letters(templates: dict[str, Template]) -> list[Figure]:
    right = {True: 0, False: 0}
    mixed = tried = 0
    for template in templates.values():
        carrying = set(template.parameters) & {"dossier_code", "asked_code", "agency_name", "step_name"}
        for name, letter, decomposed in itertools.product(sorted(carrying), _PLAIN, (False, True)):
            value = f"Q{letter}m{letter}"
            if decomposed:
                value = unicodedata.normalize("NFD", value)
            tried += 1
            for accented in (True, False):
                text = render(template, _VALUES | {name: value}, accented).text
                shown = letter if accented else _PLAIN[letter]
                right[accented] += f"Q{shown}m{shown}" in text
                left = sum(character in _PLAIN for character in text)
                mixed += left == 0 if accented else left > 0
    return [
        Figure("accented Vietnamese letters", str(len(_PLAIN)), "134", len(_PLAIN) == 134),
        _figure_of_all("letters kept, accented texts (letter x NFC/NFD x template x place)", right[True], tried),
        _figure_of_all("letters turned to the right ASCII letter, unaccented texts", right[False], tried),
        _figure_of_none("texts that mix accented and unaccented", mixed),
    ]


# ---------------------------------------------------------------- segments


def _expected_parts(text: str) -> tuple[str, int, list[str]]:
    """Return encoding, length and parts of a text in NFC.

    The parts are found by encoding the text, cutting the encoded form, and decoding each part.
    """
    if all(character in _SEPTET for character in text):
        septets = b"".join(_SEPTET[character] for character in text)
        pieces = _slices(septets, 160, 153, lambda piece: piece[-1] == _ESC)
        return "GSM-7", len(septets), ["".join(_decoded(piece)) for piece in pieces]
    units = text.encode("utf-16-be")
    pieces = _slices(units, 140, 134, lambda piece: 0xD8 <= piece[-2] <= 0xDB)
    return "UCS-2", len(units) // 2, [piece.decode("utf-16-be") for piece in pieces]


def _slices(encoded: bytes, alone: int, per_part: int, ends_inside: Callable[[bytes], bool]) -> list[bytes]:
    if len(encoded) <= alone:
        return [encoded]
    pieces = []
    while encoded:
        end = min(per_part, len(encoded))
        while end < len(encoded) and ends_inside(encoded[:end]):
            end -= 1 if per_part == 153 else 2
        pieces.append(encoded[:end])
        encoded = encoded[end:]
    return pieces


def _decoded(septets: bytes) -> Iterator[str]:
    position = 0
    while position < len(septets):
        width = 2 if septets[position] == _ESC else 1
        yield _CHARACTER[septets[position : position + width]]
        position += width


_BASIC = [character for character, septets in _SEPTET.items() if len(septets) == 1]
_ESCAPED = [character for character, septets in _SEPTET.items() if len(septets) == 2]
_VIETNAMESE = [*_PLAIN, *"abcdeghiklmnopqrstuvxy "]
_EMOJI = [chr(point) for point in range(0x1F300, 0x1F650)]
# Each mixture lists groups of characters with weights; one mixture is chosen for each random text.
_MIXTURES = (
    [(_BASIC, 1)],
    [(_BASIC, 60), (_ESCAPED, 1)],
    [(_BASIC, 2), (_ESCAPED, 3)],
    [(_ESCAPED, 1)],
    [(_VIETNAMESE, 1)],
    [(_VIETNAMESE, 30), (_EMOJI, 1)],
    [(_VIETNAMESE, 1), (_EMOJI, 1), (_ESCAPED, 1)],
    [(_EMOJI, 1)],
    [(_BASIC, 150), (["`", "ç", "đ", "😀", "\u0301", "\u0323"], 1)],
)


def _random_text(chance: random.Random) -> str:
    # Most lengths are near the limits where one more character costs another segment.
    edge = chance.choice((0, 70, 134, 160, 201, 268, 306, 459, 612))
    length = max(0, edge + chance.randint(-6, 6)) if chance.random() < 0.7 else chance.randint(0, 700)
    groups, weights = zip(*chance.choice(_MIXTURES), strict=True)
    text = "".join(chance.choice(group) for group in chance.choices(groups, weights, k=length))
    if chance.random() < 0.3 and length > 4:
        # Place a character that takes two units where a part may end.
        border = chance.choice((66, 69, 133, 152, 159, 305)) % length
        text = text[:border] + chance.choice((*_ESCAPED, "😀")) + text[border + 1 :]
    return unicodedata.normalize(chance.choice(("NFC", "NFC", "NFD")), text)


def _segments(chance: random.Random) -> list[Figure]:
    right = concatenated = split_pairs = 0
    borders = {"GSM-7": 0, "UCS-2": 0}
    previous = ""
    for _ in range(RANDOM_TEXTS):
        text = _random_text(chance)
        found = segment_text(text)
        encoding, length, parts = _expected_parts(unicodedata.normalize("NFC", text))
        right += (found.encoding, found.length, found.segments, list(found.parts)) == (
            encoding,
            length,
            len(parts),
            parts,
        )
        split_pairs += any(0xD800 <= ord(character) <= 0xDFFF for part in found.parts for character in part)
        full = 153 if encoding == "GSM-7" else 67
        borders[encoding] += any(_size(part, encoding) < full for part in parts[:-1])
        both = unicodedata.normalize("NFC", previous + text)
        concatenated += segment_text(previous + text).segments == len(_expected_parts(both)[2])
        previous = text
    return [
        _figure_of_all("random texts: encoding, length, segments and parts as the oracle says", right, RANDOM_TEXTS),
        _figure_of_all("concatenations of two: segments as the oracle says", concatenated, RANDOM_TEXTS),
        _figure_of_none("surrogate pairs split", split_pairs),
        *(
            Figure(
                f"{encoding} texts with a pair on a border, among them",
                f"{count:,}",
                "at least 1,000",
                count >= 1000,
            )
            for encoding, count in borders.items()
        ),
    ]


def _size(part: str, encoding: str) -> int:
    if encoding == "GSM-7":
        return sum(len(_SEPTET[character]) for character in part)
    return len(part.encode("utf-16-be")) // 2


# ------------------------------------------------------ segments of the pilot's texts


def _costs_of_the_pilot(templates: dict[str, Template]) -> list[Figure]:
    """Return the rows about the number of segments of each agency's texts, with its full and its short name."""
    with (include_dir() / "agencies.yaml").open(encoding="utf-8") as file:
        agencies = yaml.safe_load(file)["agencies"]
    names = [name for agency in agencies for name in (agency["name"], agency["short_name"])]
    rule_broken = right = tried = 0
    for template_id, name, code, date in itertools.product(
        _BODIES, names, ("160915001", "000.00.04.H32-160915-0001"), ("5/9/2016", "15/12/2016")
    ):
        values = _VALUES | {"dossier_code": code, "agency_name": name, "due_date": date}
        length = sum(map(len, _BODIES[template_id])) + sum(len(values[key]) for key in _ORDER[template_id])
        for accented in (True, False):
            alone, per_part = (70, 67) if accented else (160, 153)
            expected = 1 if length <= alone else -(-length // per_part)
            rendered = render(templates[template_id], values, accented)
            tried += 1
            right += (len(rendered.text), rendered.segments) == (length, expected)
        rule = {
            "result": 2 if len(name) > (28 if len(code) == 25 else 44) else 1,
            "supplement": 2 if len(name) > (24 if len(code) == 25 else 40) else 1,
            "apology": 2,
            "reply": 1,
        }
        rule_broken += render(templates[template_id], values, accented=False).segments != rule[template_id]
    edges = [
        render(
            templates[template_id],
            _VALUES | {"agency_name": "Sở Thông tin và Truyền thông"},
            accented=False,
        )
        for template_id in ("result", "supplement")
    ]
    must = "160 -> 1, 164 -> 2"
    shown = ", ".join(f"{len(edge.text)} -> {edge.segments}" for edge in edges)
    return [
        Figure("agencies of the pilot", str(len(agencies)), "13", len(agencies) == 13),
        _figure_of_all("lengths and segments for every agency, name, code, date and mode", right, tried),
        _figure_of_none("exceptions to the rules of thumb for unaccented texts", rule_broken),
        Figure("example at a limit: result and supplement with the same values", shown, must, shown == must),
    ]


# ----------------------------------------------------------------------- hostile values


_LINKS = [
    "http://evil.example/x",
    "HTTPS://Evil.COM",
    "www.evil.vn",
    "evil.com",
    "evil.com.vn/a?b",
    "t.me/evil",
    "bit.ly/evil",
    "ｗｗｗ．evil．ｃｏｍ",
    "ht\u200btp://evil",
    "evil@evil.vn",
    "evil.xyz:8080/",
]
_PIECES = [
    "{dossier_code}",
    "{0}",
    "{}",
    "%s",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\ufe0f",
    "😀",
    "“",
    "…",
    "Sở",
    "Tư",
    "Đ",
    "€",
    "^",
    "=1+1",
    "<b>",
]
_PIECES += [
    "\n",
    "\r\n",
    "\t",
    "\u2028",
    "\u00a0",
    "A" * 500,
    "\u0301" * 40,
    "\ud83d",
    "'; DROP TABLE messages;--",
]


def _hostile_values(templates: dict[str, Template], chance: random.Random) -> list[Figure]:
    bent = leaked = long = unseen = changed_codes = 0
    typeable = [character for character in _SEPTET if character.isprintable() and character not in _PLAIN]
    for _ in range(RANDOM_VALUES):
        parts = chance.choices(_PIECES, k=chance.randint(1, 12))
        parts += chance.choices(_LINKS, k=chance.randint(0, 2))
        chance.shuffle(parts)
        value = " ".join(parts)
        code = "".join(chance.choices(typeable, k=chance.randint(1, 40))).strip() or "1"
        template = chance.choice([templates[template_id] for template_id in _BODIES])
        accented = chance.random() < 0.5
        values = dict.fromkeys(_VALUES, value) | {"dossier_code": code}
        text = render(template, values, accented).text
        words = _BODIES[template.template_id]
        if not accented:
            words = tuple("".join(_PLAIN.get(character, character) for character in piece) for piece in words)
        bent += not (text.startswith(words[0]) and text.endswith(words[-1]) and words[1] in text)
        changed_codes += not text.startswith(words[0] + code + words[1])
        leaked += "evil" in text.removeprefix(words[0] + code).lower()
        long += len(text) > 266
        unseen += not text.isprintable()
    return [
        _figure_of_none(f"hostile values that change a text's other words, of {RANDOM_VALUES:,}", bent),
        _figure_of_none(f"links that reach a text, of the {len(_LINKS)} kinds tried", leaked),
        _figure_of_none("texts above 266 characters", long),
        _figure_of_none("texts with a character that cannot be seen", unseen),
        _figure_of_none("dossier codes in GSM-7 not shown exactly as written", changed_codes),
    ]


# ---------------------------------------------------------------- speed


def _speed(templates: dict[str, Template]) -> Figure:
    started = time.perf_counter()
    for number in range(RENDERED_FOR_SPEED):
        values = {
            "dossier_code": f"000.00.04.H32-191225-{number:04d}",
            "agency_name": ("Sở Tư pháp", "UBND phường Lộc Thọ")[number % 2],
            "due_date": "5/9/2016",
        }
        render(templates["apology"], values, accented=number % 3 == 0)
    rate = RENDERED_FOR_SPEED / (time.perf_counter() - started)
    return Figure("texts rendered a second, one process", f"{rate:,.0f}", "at least 20,000", rate >= 20_000)
