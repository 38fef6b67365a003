"""How well phone fields are read: thousands of fields whose truth is known, because each was spelled from it.

Every row starts from a truth (an owner's number and the day it was typed, or something that is no phone) and is then
spelled as people spell. Nothing here is shared with the reader that is judged: the numbering plan is typed again.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import phonenumbers

from motcua.domain.phones import PhoneReading, read_phone
from tests.prove import Figure

# --- The plan, typed again --------------------------------------------------------------------------------------------

TEN_DIGITS = date(2018, 9, 15)
TODAY = date(2026, 11, 25)

OLD_TO_NEW = (
    "0162 032, 0163 033, 0164 034, 0165 035, 0166 036, 0167 037, 0168 038, 0169 039, 0120 070, 0121 079, 0122 077,"
    " 0126 076, 0128 078, 0123 083, 0124 084, 0125 085, 0127 081, 0129 082, 0186 056, 0188 058, 0199 059"
)
MIGRATED = dict(pair.split() for pair in OLD_TO_NEW.split(","))
NINES = ["090", "091", "092", "093", "094", "096", "097", "098", "0993", "0994", "0995", "0996", "0997", "0998", "0999"]
SINCE_2018 = ["032", "033", "034", "035", "036", "037", "038", "039", "070", "076", "077", "078", "079", "081", "082", "083", "084", "085", "086", "087", "088", "0896", "0897", "0898", "0899", "0522", "0523", "0528", "056", "058", "059", "0559"]
OPEN_2016 = ["0868", "0888", "0898"]
OPEN_2017 = [*OPEN_2016, "0880", "0885", "0869", "0899"]
UNKNOWN_BLOCKS = ["095", "0990", "0991", "0992", "0555", "0892"]

# key, name, code before 2017, code after, and how many digits follow it.
LANDLINES = [
    ("khanh_hoa", "Khánh Hòa", "058", "0258", 7),
    ("binh_dinh", "Bình Định", "056", "0256", 7),
    ("gia_lai", "Gia Lai", "059", "0269", 7),
    ("quang_binh", "Quảng Bình", "052", "0232", 7),
    ("vinh_long", "Vĩnh Long", "070", "0270", 7),
    ("an_giang", "An Giang", "076", "0296", 7),
    ("kien_giang", "Kiên Giang", "077", "0297", 7),
    ("soc_trang", "Sóc Trăng", "079", "0299", 7),
    ("thanh_hoa", "Thanh Hóa", "037", "0237", 7),
    ("nghe_an", "Nghệ An", "038", "0238", 7),
    ("ha_tinh", "Hà Tĩnh", "039", "0239", 7),
    ("quang_ninh", "Quảng Ninh", "033", "0203", 7),
    ("hai_phong", "Hải Phòng", "031", "0225", 7),
    ("thai_binh", "Thái Bình", "036", "0227", 7),
    ("ninh_binh", "Ninh Bình", "030", "0229", 7),
    ("ho_chi_minh", "Hồ Chí Minh", "08", "028", 8),
    ("ha_noi", "Hà Nội", "04", "024", 8),
    ("quang_tri", "Quảng Trị", "053", "0233", 7),
    ("thua_thien_hue", "Thừa Thiên Huế", "054", "0234", 7),
    ("phu_yen", "Phú Yên", "057", "0257", 7),
    ("tien_giang", "Tiền Giang", "073", "0273", 7),
    ("tra_vinh", "Trà Vinh", "074", "0294", 7),
    ("dong_nai", "Đồng Nai", "061", "0251", 7),
    ("ninh_thuan", "Ninh Thuận", "068", "0259", 7),
    ("lam_dong", "Lâm Đồng", "063", "0263", 7),
    ("da_nang", "Đà Nẵng", "0511", "0236", 7),
    ("quang_nam", "Quảng Nam", "0510", "0235", 7),
    ("can_tho", "Cần Thơ", "0710", "0292", 7),
    ("dak_lak", "Đắk Lắk", "0500", "0262", 7),
    ("binh_duong", "Bình Dương", "0650", "0274", 7),
    ("nam_dinh", "Nam Định", "0350", "0228", 7),
    ("hung_yen", "Hưng Yên", "0321", "0221", 7),
    ("lao_cai", "Lào Cai", "020", "0214", 7),
    ("thai_nguyen", "Thái Nguyên", "0280", "0208", 7),
    ("phu_tho", "Phú Thọ", "0210", "0210", 7),
]
# Where ten digits under the old code are a mobile today.
TRAPS = [row for row in LANDLINES if row[2] in ["058", "056", "059", "070", "076", "077", "079", "037", "038", "039", "033", "031", "036", "030", "08"]]


@dataclass(frozen=True)
class Row:
    """One field and its truth: the numbers of its owner, the one to text first, or the reasons that are right."""

    kind: str
    field: str
    entered_on: date | None
    province: str
    text_to: str | None = None
    owned: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


class People:
    """Invents owners, days and ways to spell, from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def tail(self, count: int) -> str:
        """Digits that nobody would take for a made-up number."""
        while True:
            digits = self.digits(count)
            if len(set(digits)) > 3 and digits not in "0123456789" and digits[:2] != digits[-2:]:
                return digits

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randint(0, (last - first).days))

    def day_2016(self) -> date:
        return self.day(date(2015, 6, 1), date(2016, 12, 31))

    def day_before(self) -> date:
        return self.day(date(2015, 6, 1), TEN_DIGITS - timedelta(days=1))

    def day_since(self) -> date | None:
        return self.random.choice([None, self.day(TEN_DIGITS, TODAY), self.day(TEN_DIGITS, TODAY)])

    def any_day(self) -> date | None:
        return self.random.choice([self.day_before(), self.day_since()])

    def mobile(self) -> tuple[str, str, date | None, str]:
        """As its owner writes it, as it is dialled today, the day, the agency's province."""
        province = self.pick("khanh_hoa", "khanh_hoa", "Khánh Hòa", "dak_lak", "da_nang", "lam_dong", "")
        era = self.random.random()
        if era < 0.3:
            old, new = self.random.choice(list(MIGRATED.items()))
            tail = self.tail(7)
            return old + tail, new + tail, self.any_day(), province
        if era < 0.6:
            prefix, day = self.pick(*NINES), self.any_day()
        elif era < 0.64:
            prefix, day = self.pick(*OPEN_2016), self.day_2016()
        elif era < 0.68:
            prefix, day = self.pick(*OPEN_2017), self.day(date(2017, 1, 1), TEN_DIGITS - timedelta(days=1))
        else:
            prefix, day = self.pick(*SINCE_2018), self.day_since()
        number = prefix + self.tail(10 - len(prefix))
        if prefix == "058" and province in ("khanh_hoa", "Khánh Hòa"):
            number = prefix + self.pick(*"0189") + self.tail(6)
        return number, number, day, province

    def landline(self, subscriber: int) -> str:
        return self.pick(*"2345673333") + self.tail(subscriber - 1)


# --- Spellings --------------------------------------------------------------------------------------------------------

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC_INDIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
BOLD = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
LABELS = ["ĐT: ", "SĐT ", "sdt:", "Số ĐT: ", "Điện thoại: ", "ĐTDĐ: ", "DĐ ", "Di động ", "Tel: ", "Mobile: ", "Phone ", "Zalo ", "Liên hệ: ", "LH ", "Gọi ", "số ", "Hotline: ", "ĐT", "đt.", "Số điện thoại", "gọi số ", "SĐT chủ hồ sơ: ", "ĐT người nộp: ", "mobile-", "tel:", "Đt: (", "số máy "]
PEOPLE_BEFORE = ["chị Lan ", "anh Nam ", "Nguyễn Văn An - ", "gặp Hoa ", "Bà Năm: ", "con trai ", "vợ: ", "Cô Ba ", "Trần Thị Thu, ", "ông Tài ", "A. Hùng ", "chú Sáu:", "cháu ngoại ", "anh 7 ", "Lan (con) ", "Mr. Long ", "NGUYỄN THỊ HỒNG ", "Lê Minh;", "Hội đồng hương, "]
PEOPLE_AFTER = [" (chị Lan)", " (con)", " Lan", " - anh Nam", " (vợ)", "(chồng)", ", Nguyễn Văn An", " gặp Hoa", " (Zalo)", " zalo", " - gọi sau 17h", " (giờ hành chính)", ", gọi trước khi đến", " (số của con gái)", " (8h-17h)", ".", ",", ";", "/", " -", " (chính chủ)", "Lan", " - 12 Trần Phú", " sau 5 giờ chiều", "?", " (Viettel)", " nhé"]
BETWEEN_TWO = " / |/|;|; |, |,| - |-| và | hoặc |  |\n|\t| & | + |+| hay |\\|| (|. | – | số 2: ".replace(
    "\\|", "\0"
).split("|")


def grouped(people: People, number: str, separator: str) -> str:
    """Write a number in one of the usual groups."""
    sizes = people.random.choice(
        [(4, 3, 3), (3, 3, 4), (4, 2, 2, 2), (3, 4, 3), (2,) * 5, (4, 6), (3, 7), (4, 4, 2)]
        if len(number) == 10
        else [(4, 3, 4), (5, 3, 3), (4, 4, 3), (4, 7), (3, 4, 4), (5, 2, 2, 2)]
    )
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return separator.join(parts)


def plain(people: People, number: str) -> str:
    return number


def separated(people: People, number: str) -> str:
    return grouped(people, number, people.pick(" ", ".", "-", ",", "/", "_", "  ", ". ", " - ", "\u00b7", "'"))


def unicode_separated(people: People, number: str) -> str:
    return grouped(
        people, number, people.pick("\u00a0", "\u2009", "\u2013", "\u2011", "\u200b", "\u2007", "\u2060 ", "\u2212")
    )


def other_digits(people: People, number: str) -> str:
    spelled = people.random.choice([number, grouped(people, number, " "), grouped(people, number, ".")])
    return spelled.translate(people.random.choice([FULL_WIDTH, FULL_WIDTH, ARABIC_INDIC, BOLD]))


def marked(people: People, number: str) -> str:
    return people.pick(
        "\ufeff{}", "\u202a{}\u202c", "'{}", '"{}"', " {} ", "\t{}", "{}\u200e", "({})", "[{}]", "{}.", ":{}"
    ).format(number)


def apart(people: People, number: str) -> str:
    return people.pick(" ", "-", ".").join(number)


def international(people: People, number: str) -> str:
    rest = number[1:]
    shape = people.pick(
        "+84{0}",
        "84{0}",
        "0084{0}",
        "+84 {0}",
        "(+84){0}",
        "(+84) {1}",
        "+84-{1}",
        "+84(0){0}",
        "84 (0) {0}",
        "+840{0}",
        "84{2}",
        "0084 {1}",
        "+ 84 {0}",
        "84-{0}",
        "00 84 {1}",
        "(84) {0}",
        "+84.{3}",
        "+84 0{0}",
        "(84)0{0}",
    )
    spaced = f"{rest[:3]} {rest[3:6]} {rest[6:]}"
    return shape.format(rest, spaced, number, spaced.replace(" ", "."))


def without_zero(people: People, number: str) -> str:
    rest = number[1:]
    # Nine digits under 3 may be an old ID number.
    if rest[0] == "3":
        return number
    return people.random.choice(
        [rest, rest, f"{rest[:3]} {rest[3:6]} {rest[6:]}", f"{rest[:3]}.{rest[3:6]}.{rest[6:]}", rest + ".0"]
    )


def with_letters(people: People, number: str) -> str:
    spelled = list(people.random.choice([number, grouped(people, number, "."), grouped(people, number, " ")]))
    places = [place for place, char in enumerate(spelled) if char in "01"]
    for place in people.random.sample(places, k=min(len(places), people.random.randint(1, 3))):
        alone = all(not spelled[near].isdecimal() for near in (place - 1, place + 1) if 0 <= near < len(spelled))
        if not alone:
            spelled[place] = people.pick(*("Oo" if spelled[place] == "0" else "lI"))
    text = "".join(spelled)
    return text if all(any(char.isdecimal() for char in part) for part in text.replace(".", " ").split()) else number


def labelled(people: People, number: str) -> str:
    return people.pick(*LABELS) + people.random.choice([number, separated(people, number)])


def after_name(people: People, number: str) -> str:
    return people.pick(*PEOPLE_BEFORE) + people.random.choice(
        [number, grouped(people, number, people.pick(".", " ", "-"))]
    )


def before_name(people: People, number: str) -> str:
    return people.random.choice([number, grouped(people, number, people.pick(".", " ", "-"))]) + people.pick(
        *PEOPLE_AFTER
    )


def beside_other_things(people: People, number: str) -> str:
    id_number = people.pick("225", "220", "186", "261") + people.digits(6)
    citizen_id = people.pick("056", "001", "079", "038") + people.digits(9)
    return people.pick(
        f"CMND {id_number} DT {number}",
        f"CMND: {id_number}, {number}",
        f"{number} - CMND {id_number}",
        f"{id_number} / {number}",
        f"CCCD {citizen_id} SĐT {number}",
        f"{number} (CCCD: {citizen_id})",
        f"{number}; lan.nguyen{people.digits(2)}@gmail.com",
        f"hoa{people.digits(4)}@yahoo.com.vn {number}",
        f"{number} (15/9/2016)",
        f"15/09/2016 {number}",
        f"2016-09-15 {number}",
        f"mã HS 160915{people.digits(3)}; ĐT {number}",
        f"{number} - 000.00.04.H32-191225-0001",
        f"H32.4-260925-0001 {number}",
        f"MST 4200{people.digits(6)}, {number}",
        f"12 Trần Phú - {number}",
        f"Số nhà 12/3 Lê Lợi, {number}",
        f"1. {number}",
        f"{number} (STK 4700205{people.digits(6)})",
        f"{number}, 113",
        f"{number} lúc 17h30",
        f"{number} - 1900545466",
    )


ONE_NUMBER: dict[str, Callable[[People, str], str]] = {
    "as it is": plain,
    "groups": separated,
    "groups in Unicode": unicode_separated,
    "other digits": other_digits,
    "marks around": marked,
    "digit by digit": apart,
    "country code": international,
    "0 left out": without_zero,
    "letters for digits": with_letters,
    "label": labelled,
    "after a name": after_name,
    "before a name": before_name,
    "beside other things": beside_other_things,
}


def e164(number: str) -> str:
    return "+84" + number[1:]


def textable(people: People) -> Iterator[Row]:
    """Fields with one, two or three numbers of one owner."""
    for kind, spell in ONE_NUMBER.items():
        for _ in range(180):
            written, number, day, province = people.mobile()
            yield Row(kind, spell(people, written), day, province, e164(number), frozenset({e164(number)}))
    for _ in range(300):
        written, number, day, province = people.mobile()
        second = people.pick("090", "091", "098") + people.tail(7)
        between = people.pick(*BETWEEN_TWO).replace("\0", "|")
        style = people.random.choice([plain, partial(grouped, separator=people.pick(" ", "."))])
        field = style(people, written) + between + style(people, second)
        yield Row("two mobiles", field, day, province, e164(number), frozenset({e164(number), e164(second)}))
    for _ in range(150):
        written, number, day, province = people.mobile()
        _, _, old, new, count = people.random.choice(LANDLINES)
        landline = (new if day is None or day >= TEN_DIGITS else people.pick(old, new)) + people.landline(count)
        pair = people.random.choice([(written, landline), (landline, written)])
        field = people.pick(*BETWEEN_TWO).replace("\0", "|").join(pair)
        yield Row("mobile and landline", field, day, province, e164(number), frozenset({e164(number)}))
    for _ in range(120):
        written, number, day, province = people.mobile()
        tail = people.digits(people.random.choice([2, 2, 3]))
        if tail[:2] == "00":
            continue
        spelled = people.random.choice([written, grouped(people, written, "."), grouped(people, written, " ")])
        owned = frozenset({e164(number), e164(number[: -len(tail)] + tail)})
        yield Row("short tail", spelled + people.pick("-", "/", " - ") + tail, day, province, e164(number), owned)
    for _ in range(120):
        written, number, day, province = people.mobile()
        second = people.pick("090", "091", "098") + people.tail(7)
        owned = frozenset({e164(number), e164(second)})
        yield Row("glued", written + second, day, province, e164(number), owned)
    for _ in range(60):
        written, number, day, province = people.mobile()
        field = f"{written} ({grouped(people, written, '.')})"
        yield Row("same number twice", field, day, province, e164(number), frozenset({e164(number)}))
    for prefix in UNKNOWN_BLOCKS:
        for _ in range(8):
            number = prefix + people.tail(10 - len(prefix))
            yield Row(
                "block of no carrier", number, people.day_since(), "khanh_hoa", e164(number), frozenset({e164(number)})
            )
    for key, _, code, _, count in TRAPS:
        for _ in range(12):
            # Another province's old code, typed since 2018: a mobile of today.
            number = code + people.landline(count)
            other = people.pick(*(row[0] for row in LANDLINES if row[2] in ("058", "0511", "063") and row[0] != key))
            if not phonenumbers.is_valid_number(phonenumbers.parse(e164(number))):
                continue
            day = people.day(TEN_DIGITS, TODAY)
            yield Row("other province's old code", number, day, other, e164(number), frozenset({e164(number)}))
        if count == 7:
            for _ in range(4):
                number = code + people.pick(*"0189") + people.tail(6)
                yield Row(
                    "own code, no landline digit",
                    number,
                    people.day_since(),
                    key,
                    e164(number),
                    frozenset({e164(number)}),
                )


def spelled_landline(people: People, code: str, subscriber: str) -> str:
    return people.pick(
        code + subscriber,
        f"{code} {subscriber}",
        f"{code}.{subscriber}",
        f"({code}) {subscriber}",
        f"{code}-{subscriber[:-4]}.{subscriber[-4:]}",
        f"+84 {code[1:]} {subscriber}",
        f"84{code[1:]}{subscriber}",
        f"ĐT: {code}{subscriber}",
        f"{code}{subscriber} (nhà)",
        f"{code}.{subscriber[:-6]}.{subscriber[-6:-3]}.{subscriber[-3:]}",
    )


def not_textable(people: People) -> Iterator[Row]:
    """Fields with nobody to text, each with its reason."""
    pick, digits = people.pick, people.digits

    def row(kind: str, field: str, *reasons: str, day: date | None = None, province: str = "khanh_hoa") -> Row:
        return Row(kind, field, day, province, reasons=reasons)

    for key, name, old, new, count in LANDLINES:
        for _ in range(6):
            subscriber = people.landline(count)
            while (old + subscriber)[:4] in OPEN_2017 or (old + subscriber)[:3] == "088":
                subscriber = people.landline(count)
            field = spelled_landline(people, old, subscriber)
            yield row(
                "old landline in its time",
                field,
                "landline",
                day=people.day_before(),
                province=pick(key, name, "khanh_hoa", ""),
            )
            field = spelled_landline(people, new, subscriber)
            yield row("landline", field, "landline", day=people.any_day(), province=pick(key, "khanh_hoa"))
            still_clear = old[:3] in ["053", "054", "057", "073", "074", "061", "068", "063", "0511", "04"] or (
                len(old) == 4 or old.startswith("02")
            )
            if still_clear:
                field = spelled_landline(people, old, subscriber)
                yield row(
                    "old landline, no mobile today", field, "landline", day=people.day_since(), province=pick(key, "")
                )
    for key, name, old, _, count in TRAPS:
        for _ in range(10):
            subscriber = pick(*"234567") + people.tail(count - 1)
            if (old + subscriber)[:4] in OPEN_2017:
                continue
            field = spelled_landline(people, old, subscriber)
            yield row(
                "own old code since 2018", field, "ambiguous_landline", day=people.day_since(), province=pick(key, name)
            )
            field = f"{old}{subscriber} - {new_landline(people)}"
            yield row("own old code and a landline", field, "ambiguous_landline", day=people.day_since(), province=key)
    for text in ["", "không có", "ko", "k", "0", "x", "-", ".", "n/a", "chưa có", "Không", "KHÔNG CÓ", "ko có", "không có số", "không có điện thoại", "k có", "chua co", "khong co", "...", "--", "/", "N/A", "null", "NULL", "none", "không có đt", "Ko có SĐT", "chưa cung cấp", "không cung cấp", " ", "\xa0", "\u200b", "không dùng điện thoại", "00", "0 có", "xx", "kg có", "trống", "\t", "\n", "không sử dụng", "nan", "_"]:
        for _ in range(4):
            yield row("nothing", text, "missing", day=people.any_day())
    for _ in range(60):
        written, _, day, province = people.mobile()
        short = written[: -people.random.randint(1, 4)]
        # Nine digits under 012 are also an ID number of Hà Nội.
        reasons = ("too_short", "id_card_like") if len(short) == 9 and short.startswith("012") else ("too_short",)
        yield row(
            "digits missing", pick(short, f"ĐT: {short}", f"{short} (chị Lan)"), *reasons, day=day, province=province
        )
        nines = pick("090", "091", "098", "0168", "0123") + people.tail(7)
        cut = nines[:-1]
        yield row(
            "digits missing", pick(cut, f"{cut[:4]}.{cut[4:]}", "+84" + cut[1:]), "too_short", day=people.any_day()
        )
        long = pick("090", "091", "098", "0868") + people.tail(7)
        long = (long if len(long) == 10 else long[:10]) + digits(1)
        yield row(
            "digits too many",
            pick(long, f"{long[:4]} {long[4:7]} {long[7:]}", "+84" + long[1:]),
            "too_long",
            day=people.any_day(),
        )
        hidden = list(pick("090", "091", "098", "0168") + people.tail(7))
        place = people.random.randint(3, len(hidden) - 1)
        hidden[place] = pick("a", "e", "S", "B", "x", "*", "?", "z")
        yield row("letters among digits", "".join(hidden), "bad_chars", day=people.any_day())
        stars = pick("090", "091", "098") + digits(4) + pick("***", "xxx", "XXX", "abc") + pick("", " (con)", " Lan")
        yield row("hidden digits", stars, "bad_chars", day=people.any_day())
    for text in ("abc", "Nguyễn Văn An", "gọi chồng", "như trên", "số của vợ", "@@", "liên hệ con trai"):
        yield row("words", text, "bad_chars" if text != "@@" else "missing")
    for _ in range(12):
        digit = pick(*"0123456789")
        yield row("made up", pick("090", "098", "088", "032") + digit * 7, "repeated_digits", day=people.day_since())
        yield row("made up", digit * people.random.choice([10, 10, 11, 9]), "repeated_digits")
        yield row("made up", pick("0123456789", "0987654321", "0912345678", "123456789", "1234567890"), "sequence")
        pair = pick("09", "07", "08", "03")
        yield row("made up", pair * 5, "dummy", "repeated_digits")
        yield row("made up", "+84" + pick("900000000", "999999999"), "repeated_digits")
        service = pick("1900", "1800") + digits(people.random.choice([4, 6]))
        yield row(
            "service",
            pick(service, f"{service[:4]} {service[4:]}", f"{service[:4]}.{service[4:]}", f"Hotline {service}"),
            "service_1800_1900",
        )
        yield row(
            "short number",
            pick("111", "112", "113", "114", "115", "116", "117", "119", "1080", "9029"),
            "emergency_short",
        )
        yield row(
            "state and army",
            pick(
                "069" + digits(6),
                "069" + digits(7),
                "080" + digits(1) + pick(*"3456789") + digits(3),
                "0672" + digits(6),
            ),
            "landline",
        )
    for _ in range(25):
        foreign = pick(
            f"+1 415 555 2{digits(3)}",
            f"+82 10 {digits(4)} {digits(4)}",
            f"+8210{digits(8)}",
            f"+7 905 {digits(3)} {digits(2)} {digits(2)}",
            f"+86 138 {digits(4)} {digits(4)}",
            f"+61 4{digits(8)}",
            f"0082 10 {digits(4)} {digits(4)}",
            f"(+82) 10-{digits(4)}-{digits(4)}",
            f"+44 7911 {digits(6)}",
            f"+33 6 12 34 56 {digits(2)}",
            f"+1-408-555-{digits(4)}",
            f"00 1 415 555 2{digits(3)}",
            f"Hàn Quốc: +82 10 {digits(4)} {digits(4)}",
        )
        yield row("foreign", foreign, "foreign", day=people.any_day())
    for _ in range(60):
        id_number = pick("225", "221", "264", "231", "024", "025", "011") + pick(*"456789") + people.tail(5)
        yield row(
            "ID number",
            pick(
                id_number,
                f"CMND {id_number}",
                f"CMND: {id_number}",
                f"{id_number[:3]} {id_number[3:6]} {id_number[6:]}",
                f"CMT{id_number}",
                f"số CMND {id_number}",
                f"{id_number} (CMND)",
            ),
            "id_card_like",
            day=people.any_day(),
        )
        southern = pick("35", "32", "38") + people.tail(7)
        yield row("ID number under 3", pick(southern, f"CMND {southern}"), "id_card_like", day=people.any_day())
        citizen = pick("056", "058", "001", "079", "048", "066") + pick(*"0123") + digits(2) + people.tail(6)
        yield row(
            "citizen ID",
            pick(
                citizen,
                f"CCCD {citizen}",
                f"CCCD: {citizen}",
                f"{citizen[:3]} {citizen[3:6]} {citizen[6:9]} {citizen[9:]}",
                f"căn cước {citizen}",
                f"Số định danh: {citizen}",
            ),
            "id_card_like",
            day=people.any_day(),
        )
    for _ in range(60):
        day = people.day(date(2016, 1, 1), TODAY)
        serial = digits(people.random.choice([3, 4]))
        yield row(
            "dossier code",
            pick(
                f"{day:%y%m%d}{digits(3)}",
                f"{day:%y%m%d}-{serial}",
                f"{day:%Y}.{digits(4)}",
                f"00{digits(2)}/{day:%Y}",
                f"mã HS {day:%y%m%d}{digits(3)}",
                f"HS {day:%y%m%d}{digits(3)}",
                f"000.00.{digits(2)}.H32-{day:%y%m%d}-{digits(4)}",
                f"H32.{digits(1)}-{day:%y%m%d}-{digits(4)}",
                f"G09.20-{day:%Y%m%d}-00{digits(5)}",
                f"H32.30.5-{day:%y%m%d}-{digits(4)}",
                f"Mã hồ sơ: 000.00.04.H32-{day:%y%m%d}-0001",
                f"Số biên nhận {day:%y%m%d}{digits(3)}",
                f"000.05.30.h32-{day:%y%m%d}-{digits(4)}",
                f"{digits(3)}/{day:%Y}",
                f"mã hồ sơ 09{digits(8)}",
                f"000.00.22.H32-{day:%y%m%d}-{digits(4)} ",
            ),
            "not_a_phone",
            day=people.any_day(),
        )
        yield row(
            "procedure code",
            pick(f"1.00{digits(4)}", f"2.00{digits(4)}", f"3.000{digits(3)}.000.00.00.H32"),
            "not_a_phone",
        )
        yield row(
            "date",
            pick(
                f"{day.day}/{day.month}/{day.year}",
                f"{day:%d/%m/%Y}",
                f"{day:%Y-%m-%d}",
                f"{day:%d-%m-%Y}",
                f"{day:%d.%m.%Y}",
                f"ngày {day.day}/{day.month}/{day.year}",
                f"{day:%d/%m/%y}",
                f"{day:%Y-%m-%d} 00:00:00",
                f"{day:%d%m%Y}",
            ),
            "not_a_phone",
        )
        yield row(
            "tax code",
            pick(
                f"4200{digits(6)}",
                f"4201{digits(6)}",
                f"MST 0301{digits(6)}",
                f"MST: 4201{digits(6)}",
                f"4200{digits(6)}-00{pick(*'123')}",
                f"mã số thuế 09{digits(8)}",
                f"4201{digits(6)}00{pick(*'123')}",
                f"0301{digits(6)}-00{pick(*'123')}",
            ),
            "not_a_phone",
        )
        yield row(
            "account",
            pick(
                f"STK 0061{digits(9)}",
                f"stk: 4700205{digits(6)}",
                f"TK 19{digits(12)}",
                f"0061{digits(9)}",
                f"4700205{digits(6)}",
                f"19{digits(12)}",
                f"STK 09{digits(8)}",
                f"số tài khoản: 1903 0905 {digits(3)} {digits(3)}",
                f"Vietcombank 0061{digits(9)}",
            ),
            "not_a_phone",
        )
        yield row(
            "e-mail",
            pick(
                f"lan{digits(3)}@gmail.com",
                f"09{digits(8)}@gmail.com",
                "hoa.nguyen@yahoo.com.vn",
                f"email: nam{digits(2)}@khanhhoa.gov.vn",
            ),
            "not_a_phone",
        )
    for _ in range(30):
        field = f"{new_landline(people)} / {new_landline(people)}"
        yield row("two landlines", field, "landline")


def new_landline(people: People) -> str:
    _, _, _, new, count = people.random.choice(LANDLINES)
    return new + people.landline(count)


def rows(seed: int) -> list[Row]:
    """Every field of one seed, with its truth."""
    people = People(seed)
    return [*textable(people), *not_textable(people)]


# --- The judged ------------------------------------------------------------------------------------------------------

Answer = tuple[str | None, str | None, tuple[str, ...]]
"""The number to text, the reason why there is none, other numbers of the owner."""


def ours(row: Row) -> Answer:
    """Read a field as the system does."""
    reading: PhoneReading = read_phone(row.field, row.entered_on, row.province)
    return reading.e164, reading.refusal, reading.alternates


_REASON_OF_TYPE = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
    phonenumbers.PhoneNumberType.VOIP: "landline",
    phonenumbers.PhoneNumberType.UAN: "landline",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "service_1800_1900",
    phonenumbers.PhoneNumberType.TOLL_FREE: "service_1800_1900",
}


def library_alone(row: Row, search: bool) -> Answer:
    """Read a field with ``phonenumbers`` alone; ``search``: look through the text where it does not parse."""
    if not row.field.strip():
        return None, "missing", ()
    try:
        number = phonenumbers.parse(row.field, "VN")
    except phonenumbers.NumberParseException as error:
        reason = "too_long" if error.error_type == phonenumbers.NumberParseException.TOO_LONG else "bad_chars"
        return _found_in_text(row, reason) if search else (None, reason, ())
    if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE and number.country_code == 84:
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None, ()
    if number.country_code != 84:
        return None, "foreign", ()
    if reason := _REASON_OF_TYPE.get(phonenumbers.number_type(number)):
        return None, reason, ()
    possible = phonenumbers.is_possible_number_with_reason(number)
    reason = "too_short" if possible == phonenumbers.ValidationResult.TOO_SHORT else "too_long"
    return _found_in_text(row, reason) if search else (None, reason, ())


def _found_in_text(row: Row, reason: str) -> Answer:
    found = [
        phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
        for match in phonenumbers.PhoneNumberMatcher(row.field, "VN")
        if phonenumbers.number_type(match.number) == phonenumbers.PhoneNumberType.MOBILE
        and match.number.country_code == 84
    ]
    return (found[0], None, tuple(found[1:])) if found else (None, reason, ())


@dataclass
class Score:
    """What one reader made of all rows."""

    reached: int = 0
    strangers: int = 0
    right_reasons: int = 0
    reached_by_kind: dict[str, int] | None = None


def score(judged: list[Row], read: Callable[[Row], Answer], failures: list[tuple[Row, Answer]] | None = None) -> Score:
    """Hold a reader's answers against the truth."""
    result = Score(reached_by_kind=defaultdict(int))
    for row in judged:
        answer = read(row)
        number, reason, others = answer
        right = number == row.text_to if row.text_to else number is None and reason in row.reasons
        if any(each not in row.owned for each in (number, *others) if each):
            result.strangers += 1
            right = False
        if right:
            result.reached += row.text_to is not None
            result.right_reasons += row.text_to is None
            assert result.reached_by_kind is not None
            result.reached_by_kind[row.kind] += 1
        elif failures is not None:
            failures.append((row, answer))
    return result


def _speed(seed: int) -> float:
    fresh = {(row.field, row.entered_on, row.province) for row in rows(seed)}
    started = time.process_time()
    for field, entered_on, province in fresh:
        read_phone(field, entered_on, province)
    return len(fresh) / (time.process_time() - started)


def figures(seed: int) -> list[Figure]:
    """Read every field by our rules and by ``phonenumbers`` alone, and count what is right."""
    judged = rows(seed)
    numbers = sum(row.text_to is not None for row in judged)
    refused = len(judged) - numbers
    own = score(judged, ours)
    parse = score(judged, partial(library_alone, search=False))
    search = score(judged, partial(library_alone, search=True))

    def share(part: int, whole: int) -> str:
        return f"{100 * part / whole:.2f} % ({part} of {whole})"

    size_ok = len(judged) >= 1000
    result = [
        Figure("fields judged", str(len(judged)), ">= 1000", size_ok),
        Figure("textable numbers read", share(own.reached, numbers), ">= 99 %", own.reached >= 0.99 * numbers),
        Figure("strangers' numbers returned", str(own.strangers), "0", own.strangers == 0),
        Figure(
            "refusals with the right code",
            share(own.right_reasons, refused),
            ">= 98 %",
            own.right_reasons >= 0.98 * refused,
        ),
        Figure("phonenumbers alone, parse: textable read", share(parse.reached, numbers), "-", True),
        Figure("phonenumbers alone, parse: strangers", str(parse.strangers), "-", True),
        Figure("phonenumbers alone, parse: right reason", share(parse.right_reasons, refused), "-", True),
        Figure("phonenumbers alone, parse and search: textable read", share(search.reached, numbers), "-", True),
        Figure("phonenumbers alone, parse and search: strangers", str(search.strangers), "-", True),
        Figure("phonenumbers alone, parse and search: right reason", share(search.right_reasons, refused), "-", True),
        Figure("fields read in a second of one CPU, none twice", f"{_speed(seed + 1):,.0f}", "-", True),
    ]
    assert own.reached_by_kind is not None
    for kind in dict.fromkeys(row.kind for row in judged):
        whole = sum(row.kind == kind for row in judged)
        library = (search.reached_by_kind or {}).get(kind, 0)
        value = f"{own.reached_by_kind.get(kind, 0)} of {whole}; phonenumbers alone {library}"
        result.append(Figure(f"right: {kind}", value, "-", True))
    return result
