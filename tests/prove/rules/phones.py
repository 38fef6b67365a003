"""Measure how well the system reads phone fields, with thousands of fields whose true content is known.

Each field is made from its true content: an owner's number and the day on which it was typed, or something that is no
phone number. The content is spelled as people spell it. The proof shares no code with the system's reader of phone
fields, and has its own copy of the numbering plan.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import phonenumbers

from motcua.domain.phones.reading import read_phone
from tests.prove import Figure

# --- The numbering plan, typed again --------------------------------------------------------------

TEN_DIGITS = date(2018, 9, 15)
TODAY = date(2026, 11, 25)


def _listed(text: str, separator: str | None = None) -> list[str]:
    return text.split(separator)


_PAIRS = (
    "0162 032, 0163 033, 0164 034, 0165 035, 0166 036, 0167 037, 0168 038, 0169 039, 0120 070, 0121 079, 0122 077,"
    " 0126 076, 0128 078, 0123 083, 0124 084, 0125 085, 0127 081, 0129 082, 0186 056, 0188 058, 0199 059"
)
MIGRATED = [tuple(pair.split()) for pair in _listed(_PAIRS, ",")]
NINES = _listed("090 091 092 093 094 096 097 098 0993 0994 0995 0996 0997 0998 0999")
SINCE_2018 = _listed(
    "032 033 034 035 036 037 038 039 070 076 077 078 079 081 082 083 084 085 086 087 088 0896 0897 0898 0899"
    " 0522 0523 0528 056 058 059 0559"
)
OPEN_2016 = _listed("0868 0888 0898")
OPEN_2017 = _listed("0868 0888 0898 0880 0885 0869 0899")
UNKNOWN_BLOCKS = _listed("095 0990 0991 0992 0555 0892")

# Province, its name, area code before 2017, area code after 2017, number of digits that follow the area code.
_LANDLINES = """
khanh_hoa|Khánh Hòa|058|0258|7
binh_dinh|Bình Định|056|0256|7
gia_lai|Gia Lai|059|0269|7
quang_binh|Quảng Bình|052|0232|7
vinh_long|Vĩnh Long|070|0270|7
an_giang|An Giang|076|0296|7
kien_giang|Kiên Giang|077|0297|7
soc_trang|Sóc Trăng|079|0299|7
thanh_hoa|Thanh Hóa|037|0237|7
nghe_an|Nghệ An|038|0238|7
ha_tinh|Hà Tĩnh|039|0239|7
quang_ninh|Quảng Ninh|033|0203|7
hai_phong|Hải Phòng|031|0225|7
thai_binh|Thái Bình|036|0227|7
ninh_binh|Ninh Bình|030|0229|7
ho_chi_minh|Hồ Chí Minh|08|028|8
ha_noi|Hà Nội|04|024|8
quang_tri|Quảng Trị|053|0233|7
thua_thien_hue|Thừa Thiên Huế|054|0234|7
phu_yen|Phú Yên|057|0257|7
tien_giang|Tiền Giang|073|0273|7
tra_vinh|Trà Vinh|074|0294|7
dong_nai|Đồng Nai|061|0251|7
ninh_thuan|Ninh Thuận|068|0259|7
lam_dong|Lâm Đồng|063|0263|7
da_nang|Đà Nẵng|0511|0236|7
quang_nam|Quảng Nam|0510|0235|7
can_tho|Cần Thơ|0710|0292|7
dak_lak|Đắk Lắk|0500|0262|7
binh_duong|Bình Dương|0650|0274|7
nam_dinh|Nam Định|0350|0228|7
hung_yen|Hưng Yên|0321|0221|7
lao_cai|Lào Cai|020|0214|7
thai_nguyen|Thái Nguyên|0280|0208|7
phu_tho|Phú Thọ|0210|0210|7
"""
# With these old area codes, a landline number may look like a mobile number of today.
TRAP_CODES = _listed("058 056 059 070 076 077 079 037 038 039 033 031 036 030 08")
# With these old area codes, a landline number never looks like a mobile number of today.
CLEAR_CODES = _listed("053 054 057 073 074 061 068 063 04 0511 0510 0710 0500 0650 0350 0321 020 0280 0210")


@dataclass(frozen=True)
class Area:
    """The landlines of one province."""

    key: str
    name: str
    old: str
    new: str
    subscriber: int


AREAS = [Area(*line.split("|")[:4], int(line[-1])) for line in _LANDLINES.strip().splitlines()]
TRAPS = [area for area in AREAS if area.old in TRAP_CODES]


@dataclass(frozen=True)
class Row:
    """One phone field and the right answer.

    The right answer is the number to text with all numbers of its owner. If the field has no number to text, the right
    answer is any of the acceptable reasons.
    """

    kind: str
    field: str
    entered_on: date | None
    province: str
    text_to: str | None = None
    owned: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


class People:
    """Draws owners' numbers, days and spellings from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def one_of(self, choices: str, separator: str = "|") -> str:
        """Return one of several spellings."""
        return self.random.choice(choices.split(separator))

    def digits(self, count: int) -> str:
        """Return random digits."""
        return "".join(self.random.choices("0123456789", k=count))

    def tail(self, count: int) -> str:
        """Return random digits that do not look made up, as a row of equal digits would."""
        while True:
            digits = self.digits(count)
            if len(set(digits)) > 3 and digits not in "0123456789" and digits[:2] != digits[-2:]:
                return digits

    def day(self, first: date, last: date) -> date:
        """Return a day between two days."""
        return first + timedelta(days=self.random.randint(0, (last - first).days))

    def day_before(self, last: date = TEN_DIGITS - timedelta(days=1)) -> date:
        """Return a day on which ten digits that begin with 03, 05 or 07 were no mobile number."""
        return self.day(date(2015, 6, 1), last)

    def day_since(self) -> date | None:
        """Return a day on which today's numbering plan was already in force; ``None`` means today."""
        return None if self.random.random() < 0.3 else self.day(TEN_DIGITS, TODAY)

    def any_day(self) -> date | None:
        """Return any day since 2015."""
        return self.day_before() if self.random.random() < 0.5 else self.day_since()

    def mobile(self) -> tuple[str, str, date | None, str]:
        """Return a mobile number as its owner writes it and as it is dialled today, the day of typing, the province."""
        province = self.one_of("khanh_hoa|khanh_hoa|Khánh Hòa|dak_lak|da_nang|lam_dong|")
        share = self.random.random()
        if share < 0.3:
            old, new = self.random.choice(MIGRATED)
            tail = self.tail(7)
            return old + tail, new + tail, self.any_day(), province
        if share < 0.6:
            prefix, day = self.random.choice(NINES), self.any_day()
        elif share < 0.64:
            prefix, day = self.random.choice(OPEN_2016), self.day_before(date(2016, 12, 31))
        elif share < 0.68:
            prefix, day = self.random.choice(OPEN_2017), self.day(date(2017, 1, 1), date(2018, 9, 14))
        else:
            prefix, day = self.random.choice(SINCE_2018), self.day_since()
        number = prefix + self.tail(10 - len(prefix))
        if prefix == "058" and province in ("khanh_hoa", "Khánh Hòa"):
            number = prefix + self.random.choice("0189") + self.tail(6)
        return number, number, day, province

    def certain_mobile(self) -> str:
        """Return a mobile number of ten digits that is valid on any day."""
        return self.one_of("090|091|098|094|097") + self.tail(7)

    def subscriber(self, area: Area) -> str:
        """Return the digits of a landline after its area code."""
        while True:
            digits = self.random.choice("2345673333") + self.tail(area.subscriber - 1)
            if not (area.old + digits).startswith((*OPEN_2017, "088")):
                return digits

    def landline(self) -> str:
        """Return a landline number of today."""
        area = self.random.choice(AREAS)
        return area.new + self.subscriber(area)


# --- Spellings ------------------------------------------------------------------------------------

_DIGITS = "0123456789"
OTHER_DIGITS = [str.maketrans(_DIGITS, other) for other in ("０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")]
SEPARATORS = " |.|-|,|/|_|  |. | - |\u00b7|'"
UNICODE_SEPARATORS = "\u00a0|\u2009|\u2013|\u2011|\u200b|\u2007|\u2060 |\u2212"
MARKS = '\ufeff{}|\u202a{}\u202c|\'{}|"{}"| {} |\t{}|{}\u200e|({})|[{}]|{}.|:{}'
INTERNATIONAL = (
    "+84{0}|84{0}|0084{0}|+84 {0}|(+84){0}|(+84) {1}|+84-{1}|+84(0){0}|84 (0) {0}|+840{0}|84{2}|0084 {1}|+ 84 {0}"
    "|84-{0}|00 84 {1}|(84) {0}|+84.{1}|+84 0{0}|(84)0{0}"
)
LABELS = (
    "ĐT: |SĐT |sdt:|Số ĐT: |Điện thoại: |ĐTDĐ: |DĐ |Di động |Tel: |Mobile: |Phone |Zalo |Liên hệ: |LH |Gọi |số "
    "|Hotline: |ĐT|đt.|Số điện thoại|gọi số |SĐT chủ hồ sơ: |ĐT người nộp: |mobile-|tel:|Đt: (|số máy "
)
BEFORE = (
    "chị Lan |anh Nam |Nguyễn Văn An - |gặp Hoa |Bà Năm: |con trai |vợ: |Cô Ba |Trần Thị Thu, |ông Tài |A. Hùng "
    "|chú Sáu:|cháu ngoại |anh 7 |Lan (con) |Mr. Long |NGUYỄN THỊ HỒNG |Lê Minh;|Hội đồng hương, "
)
AFTER = (
    " (chị Lan)| (con)| Lan| - anh Nam| (vợ)|(chồng)|, Nguyễn Văn An| gặp Hoa| (Zalo)| zalo| - gọi sau 17h|Lan"
    "| (giờ hành chính)|, gọi trước khi đến| (số của con gái)| (8h-17h)|.|,|;|/| -| (chính chủ)| - 12 Trần Phú"
    "| sau 5 giờ chiều|?| (Viettel)| nhé"
)
MORE_BEFORE = (
    "CMND: 225123456, |15/9/2016 - |Hồ sơ đất: |(1) |a/ |- |• |Số nhà 12/4/5 đường 2/4; |mã HS 160915001 / |K có zalo, "
    "|000.00.04.H32-191225-0001: |Đ/c: thôn 2, xã Vĩnh Phương. ĐT: |CCCD 056201001235 cấp ngày 01/02/2021, ĐT "
    "|Email a.b@gmail.com - |Nguyễn Thị Hai (1960) |Ông A & bà B: |giấy ủy quyền số 12/2016: |02583822001, "
    "|máy bàn 02583822001 ; di động |Gọi trước 1 ngày: "
)
MORE_AFTER = (
    " - CMND 225123456| (cấp 15/9/2016)| ; a.b@yahoo.com| / 02583822001|, máy bàn 058.3822001| (gọi từ 8h00 đến 11h30)"
    "| gọi 2 lần| - mã HS 160915001| - phòng 302| (nhà số 5)| (2 sim)| - 12/3 Lê Lợi| tổ 5, thôn 2| năm 2016"
    "| CCCD: 056201001235| (Lan, 0258 3822001)| - liên hệ 24/24| \n02583822001| (con trai - 30 tuổi)| -- số mới"
)
BETWEEN = " / ¦/¦;¦; ¦, ¦,¦ - ¦-¦ và ¦ hoặc ¦  ¦\n¦\t¦ & ¦ + ¦+¦ hay ¦|¦ (¦. ¦ – ¦ số 2: "


def _grouped(people: People, number: str, separators: str) -> str:
    shapes = "4 3 3|3 3 4|4 2 2 2|3 4 3|2 2 2 2 2|4 6|3 7|4 4 2"
    if len(number) == 11:
        shapes = "4 3 4|5 3 3|4 4 3|4 7|3 4 4|5 2 2 2"
    parts, start = [], 0
    for size in map(int, people.one_of(shapes).split()):
        parts.append(number[start : start + size])
        start += size
    return people.one_of(separators).join(parts)


def _plain_or_grouped(people: People, number: str, separators: str = ".| |-") -> str:
    return number if people.random.random() < 0.5 else _grouped(people, number, separators)


def _without_zero(people: People, number: str) -> str:
    rest = number[1:]
    if rest[0] == "3":
        # Nine digits that begin with 3 may be an old ID number.
        return number
    return people.one_of(f"{rest}|{rest}|{rest[:3]} {rest[3:6]} {rest[6:]}|{rest[:3]}.{rest[3:6]}.{rest[6:]}|{rest}.0")


def _with_letters(people: People, number: str) -> str:
    while True:
        spelled = list(_plain_or_grouped(people, number, ".| "))
        places = [place for place, char in enumerate(spelled) if char in "01"]
        for place in people.random.sample(places, k=min(len(places), people.random.randint(1, 3))):
            spelled[place] = people.random.choice("Oo" if spelled[place] == "0" else "lI")
        text = "".join(spelled)
        if all(any(map(str.isdecimal, part)) for part in text.replace(".", " ").split()):
            return text


def _international(people: People, number: str) -> str:
    rest = number[1:]
    return people.one_of(INTERNATIONAL).format(rest, f"{rest[:3]} {rest[3:6]} {rest[6:]}", number)


def _beside_other_things(people: People, number: str) -> str:
    id_number = people.one_of("225|220|186|261") + people.digits(6)
    citizen_id = people.one_of("056|001|079|038") + people.digits(9)
    serial = people.digits(6)
    return people.one_of(
        f"CMND {id_number} DT {number}|CMND: {id_number}, {number}|{number} - CMND {id_number}|{id_number} / {number}"
        f"|CCCD {citizen_id} SĐT {number}|{number} (CCCD: {citizen_id})|{number}; lan.nguyen{serial}@gmail.com"
        f"|hoa{serial}@yahoo.com.vn {number}|{number} (15/9/2016)|15/09/2016 {number}|2016-09-15 {number}"
        f"|mã HS 160915{serial[:3]}; ĐT {number}|{number} - 000.00.04.H32-191225-0001|H32.4-260925-0001 {number}"
        f"|MST 4200{serial}, {number}|12 Trần Phú - {number}|Số nhà 12/3 Lê Lợi, {number}|1. {number}|{number}, 113"
        f"|{number} (STK 4700205{serial})|{number} lúc 17h30|{number} - 1900545466"
    )


SPELLINGS: dict[str, Callable[[People, str], str]] = {
    "as it is": lambda people, number: number,
    "groups": lambda people, number: _grouped(people, number, SEPARATORS),
    "groups in Unicode": lambda people, number: _grouped(people, number, UNICODE_SEPARATORS),
    "other digits": lambda people, number: _plain_or_grouped(people, number).translate(
        people.random.choice(OTHER_DIGITS)
    ),
    "marks around": lambda people, number: people.one_of(MARKS).format(number),
    "digit by digit": lambda people, number: people.one_of(" |-|.").join(number),
    "country code": _international,
    "0 left out": _without_zero,
    "letters for digits": _with_letters,
    "label": lambda people, number: people.one_of(LABELS) + _plain_or_grouped(people, number, SEPARATORS),
    "after a name": lambda people, number: people.one_of(BEFORE) + _plain_or_grouped(people, number),
    "before a name": lambda people, number: _plain_or_grouped(people, number) + people.one_of(AFTER),
    "beside other things": _beside_other_things,
}


# The spellings that change only the number itself, without words around it.
_ALONE = list(SPELLINGS.values())[:9]


def _e164(number: str) -> str:
    return "+84" + number[1:]


def _textable(people: People) -> Iterator[Row]:
    """Yield fields with one, two or three numbers of one owner."""

    def row(kind: str, text: str, day: date | None, province: str, *numbers: str) -> Row:
        owned = [_e164(number) for number in numbers]
        return Row(kind, text, day, province, owned[0], frozenset(owned))

    for kind, spell in SPELLINGS.items():
        for _ in range(180):
            written, number, day, province = people.mobile()
            yield row(kind, spell(people, written), day, province, number)
    for _ in range(600):
        written, number, day, province = people.mobile()
        spelled = people.random.choice(_ALONE)(people, written)
        text = people.one_of(f"{LABELS}|{BEFORE}|{MORE_BEFORE}|") + spelled + people.one_of(f"{AFTER}|{MORE_AFTER}|")
        yield row("all at once", text, day, province, number)
    for _ in range(300):
        written, number, day, province = people.mobile()
        second = people.certain_mobile()
        separators = people.one_of("| |.", "|")
        texts = (_grouped(people, each, separators) if separators else each for each in (written, second))
        yield row("two mobiles", people.one_of(BETWEEN, "¦").join(texts), day, province, number, second)
    for _ in range(150):
        written, number, day, province = people.mobile()
        area = people.random.choice(AREAS)
        code = area.new if day is None or day >= TEN_DIGITS else people.one_of(f"{area.old}|{area.new}")
        texts = people.random.sample([written, code + people.subscriber(area)], k=2)
        yield row("mobile and landline", people.one_of(BETWEEN, "¦").join(texts), day, province, number)
    for _ in range(120):
        written, number, day, province = people.mobile()
        tail = people.random.choice("123456789") + people.digits(people.random.choice([1, 1, 2]))
        text = _plain_or_grouped(people, written, ".| ") + people.one_of("-|/| - ") + tail
        yield row("short tail", text, day, province, number, number[: -len(tail)] + tail)
        written, number, day, province = people.mobile()
        second = people.certain_mobile()
        yield row("glued", written + second, day, province, number, second)
        written, number, day, province = people.mobile()
        yield row("same number twice", f"{written} ({_grouped(people, written, '.')})", day, province, number)
    for prefix in UNKNOWN_BLOCKS:
        for _ in range(8):
            number = prefix + people.tail(10 - len(prefix))
            yield row("block of no carrier", number, people.day_since(), "khanh_hoa", number)
    for area in TRAPS:
        others = [other.key for other in AREAS if other.old in ("058", "0511", "063") and other is not area]
        for _ in range(12):
            number = area.old + people.subscriber(area)
            if area.old == "052" and number[3] not in "238":
                continue
            day = people.day(TEN_DIGITS, TODAY)
            yield row("another province's old code", number, day, people.random.choice(others), number)
        for _ in range(4 if area.subscriber == 7 else 0):
            number = area.old + people.random.choice("0189") + people.tail(6)
            yield row("own code, no landline's digit", number, people.day_since(), area.key, number)


LANDLINE_SHAPES = (
    "{0}{1}|{0} {1}|{0}.{1}|({0}) {1}|{0}-{2}.{3}|+84 {4} {1}|84{4}{1}|ĐT: {0}{1}|{0}{1} (nhà)|({0}){1}|Tel {0}.{1}"
)
NOTHING = (
    "¦không có¦ko¦k¦0¦x¦-¦.¦n/a¦chưa có¦Không¦KHÔNG CÓ¦ko có¦không có số¦không có điện thoại¦k có¦chua co¦khong co"
    "¦...¦--¦/¦N/A¦null¦NULL¦none¦không có đt¦Ko có SĐT¦chưa cung cấp¦không cung cấp¦ ¦\u00a0¦\u200b¦00¦0 có¦xx¦kg có"
    "¦không dùng điện thoại¦trống¦\t¦\n¦không sử dụng¦nan¦_"
)


def _landline_text(people: People, code: str, subscriber: str) -> str:
    shape = people.one_of(LANDLINE_SHAPES)
    return shape.format(code, subscriber, subscriber[:-4], subscriber[-4:], code[1:])


def _not_textable(people: People) -> Iterator[Row]:
    """Yield fields without a number to text, each with its reason."""
    one_of, digits = people.one_of, people.digits

    def row(kind: str, text: str, *reasons: str, day: date | None = None, province: str = "khanh_hoa") -> Row:
        return Row(kind, text, day, province, reasons=reasons)

    for area in AREAS:
        for _ in range(6):
            old = _landline_text(people, area.old, people.subscriber(area))
            province = one_of(f"{area.key}|{area.name}|khanh_hoa|")
            yield row("old landline in its time", old, "landline", day=people.day_before(), province=province)
            new = _landline_text(people, area.new, people.subscriber(area))
            yield row("landline", new, "landline", day=people.any_day(), province=one_of(f"{area.key}|khanh_hoa"))
            if area.old in CLEAR_CODES:
                old = _landline_text(people, area.old, people.subscriber(area))
                yield row(
                    "old landline later", old, "landline", day=people.day_since(), province=one_of(f"{area.key}|")
                )
    for area in TRAPS:
        for _ in range(10):
            subscriber = people.random.choice("234567") + people.tail(area.subscriber - 1)
            if (area.old + subscriber).startswith(tuple(OPEN_2017)):
                continue
            text = _landline_text(people, area.old, subscriber)
            province = one_of(f"{area.key}|{area.name}")
            yield row("own old code later", text, "ambiguous_landline", day=people.day_since(), province=province)
            text = f"{area.old}{subscriber} - {people.landline()}"
            yield row("and a landline", text, "ambiguous_landline", day=people.day_since(), province=province)
    for text in _listed(NOTHING, "¦") * 4:
        yield row("nothing", text, "missing", day=people.any_day())
    for _ in range(60):
        written, _, day, province = people.mobile()
        short = written[: -people.random.randint(1, 4)]
        # Nine digits that begin with 012 may also be an ID number of Hà Nội.
        reasons = ("too_short", "id_card_like") if len(short) == 9 and short.startswith("012") else ("too_short",)
        text = one_of(f"{short}|ĐT: {short}|{short} (chị Lan)")
        yield row("digits missing", text, *reasons, day=day, province=province)
        cut = (one_of("090|091|098|0168|0123") + people.tail(7))[:-1]
        text = one_of(f"{cut}|{cut[:4]}.{cut[4:]}|+84{cut[1:]}")
        yield row("digits missing", text, "too_short", day=people.any_day())
        long = people.certain_mobile() + digits(1)
        text = one_of(f"{long}|{long[:4]} {long[4:7]} {long[7:]}|+84{long[1:]}")
        yield row("digits too many", text, "too_long", day=people.any_day())
        hidden = list(one_of("090|091|098|0168") + people.tail(7))
        hidden[people.random.randint(3, len(hidden) - 1)] = people.random.choice("aeSBx*?z")
        yield row("letters among digits", "".join(hidden), "bad_chars", day=people.any_day())
        text = one_of("090|091|098") + digits(4) + one_of("***|xxx|XXX|abc") + one_of("| (con)| Lan")
        yield row("hidden digits", text, "bad_chars", day=people.any_day())
    for text in _listed("abc|Nguyễn Văn An|gọi chồng|như trên|số của vợ|liên hệ con trai", "|"):
        yield row("words", text, "bad_chars")
    for _ in range(12):
        digit = people.random.choice(_DIGITS)
        prefix = one_of("090|098|088|032")
        yield row("made up", prefix + digit * 7, "repeated_digits", day=people.day_since())
        yield row("made up", digit * people.random.choice([9, 10, 10, 11]), "repeated_digits")
        yield row("made up", one_of("0123456789|0987654321|0912345678|123456789|1234567890"), "sequence")
        yield row("made up", one_of("09|07|08|03") * 5, "dummy", "repeated_digits")
        yield row("made up", one_of("+84900000000|+84999999999"), "repeated_digits")
        service = one_of("1900|1800") + digits(people.random.choice([4, 6]))
        text = one_of(f"{service}|{service[:4]} {service[4:]}|{service[:4]}.{service[4:]}|Hotline {service}")
        yield row("service", text, "service_1800_1900")
        yield row("short number", one_of("111|112|113|114|115|116|117|119|1080|9029"), "emergency_short")
        state = f"080{digits(1)}{people.random.choice('3456789')}{digits(3)}"
        yield row("state and army", one_of(f"069{digits(6)}|069{digits(7)}|0672{digits(6)}|{state}"), "landline")
    for _ in range(25):
        a, b, c = digits(4), digits(4), digits(3)
        text = one_of(
            f"+1 415 555 2{c}|+82 10 {a} {b}|+8210{a}{b}|+7 905 {c} {a[:2]} {a[2:]}|+86 138 {a} {b}|+61 4{a}{b}"
            f"|0082 10 {a} {b}|(+82) 10-{a}-{b}|+44 7911 {a}{b[:2]}|+33 6 12 34 {a[:2]} {b[:2]}|+1-408-555-{a}"
            f"|00 1 415 555 2{c}|Hàn Quốc: +82 10 {a} {b}"
        )
        yield row("foreign", text, "foreign", day=people.any_day())
    for _ in range(60):
        # The digits from the third on cannot be a date, so such an ID number is not read as a dossier code.
        number = one_of("225|221|264|231|024|025|011") + people.random.choice("456789") + people.tail(5)
        shapes = "{0}|CMND {0}|CMND: {0}|{1} {2} {3}|CMT{0}|số CMND {0}|{0} (CMND)"
        text = one_of(shapes).format(number, number[:3], number[3:6], number[6:])
        yield row("ID number", text, "id_card_like", day=people.any_day())
        southern = one_of("35|32|38") + people.tail(7)
        yield row("ID number under 3", one_of(f"{southern}|CMND {southern}"), "id_card_like", day=people.any_day())
        number = one_of("056|058|001|079|048|066") + people.random.choice("0123") + digits(2) + people.tail(6)
        shapes = "{0}|CCCD {0}|CCCD: {0}|{1} {2} {3} {4}|căn cước {0}|Số định danh: {0}"
        text = one_of(shapes).format(number, number[:3], number[3:6], number[6:9], number[9:])
        yield row("citizen ID", text, "id_card_like", day=people.any_day())
        yield from _codes(people, row)
    for _ in range(30):
        yield row("two landlines", f"{people.landline()} / {people.landline()}", "landline")


def _codes(people: People, row: Callable[..., Row]) -> Iterator[Row]:
    one_of, digits = people.one_of, people.digits
    day, typed = people.day(date(2016, 1, 1), TODAY), people.any_day()
    a, b, c = digits(4), digits(6), digits(9)
    text = one_of(
        f"{day:%y%m%d}{c[:3]}|{day:%y%m%d}-{a}|{day:%Y}.{a}|00{a[:2]}/{day:%Y}|{a[:3]}/{day:%Y}|mã hồ sơ 09{b}{a[:2]}"
        f"|HS {day:%y%m%d}{c[:3]}|000.00.{a[:2]}.H32-{day:%y%m%d}-{a}|H32.{a[:1]}-{day:%y%m%d}-{a}"
        f"|mã HS {day:%y%m%d}{c[:3]}"
        f"|G09.20-{day:%Y%m%d}-00{c[:5]}|H32.30.5-{day:%y%m%d}-{a}|Mã hồ sơ: 000.00.04.H32-{day:%y%m%d}-0001"
        f"|Số biên nhận {day:%y%m%d}{c[:3]}|000.05.30.h32-{day:%y%m%d}-{a}|000.00.22.H32-{day:%y%m%d}-{a} "
    )
    yield row("dossier code", text, "not_a_phone", day=typed)
    yield row("procedure code", one_of(f"1.00{a}|2.00{a}|3.000{a[:3]}.000.00.00.H32"), "not_a_phone", day=typed)
    text = one_of(
        f"{day.day}/{day.month}/{day.year}|{day:%d/%m/%Y}|{day:%Y-%m-%d}|{day:%d-%m-%Y}|{day:%d.%m.%Y}|{day:%d/%m/%y}"
        f"|ngày {day.day}/{day.month}/{day.year}|{day:%Y-%m-%d} 00:00:00|{day:%d%m%Y}"
    )
    yield row("date", text, "not_a_phone", day=typed)
    text = one_of(
        f"4200{b}|4201{b}|MST 0301{b}|MST: 4201{b}|4200{b}-001|mã số thuế 09{b}{a[:2]}|4201{b}002|0301{b}-003"
    )
    yield row("tax code", text, "not_a_phone", day=typed)
    text = one_of(
        f"STK 0061{c}|stk: 4700205{b}|TK 19{b}{b}|0061{c}|4700205{b}|19{b}{b}|STK 09{b}{a[:2]}|Vietcombank 0061{c}"
        f"|số tài khoản: 1903 0905 {a[:3]} {c[:3]}"
    )
    yield row("account", text, "not_a_phone", day=typed)
    text = one_of(f"lan{a}@gmail.com|09{b}{a[:2]}@gmail.com|hoa.nguyen@yahoo.com.vn|email: nam{a}@khanhhoa.gov.vn")
    yield row("e-mail", text, "not_a_phone", day=typed)


def rows(seed: int) -> list[Row]:
    """Return every field of one seed, with the right answer."""
    people = People(seed)
    return [*_textable(people), *_not_textable(people)]


# --- Readers --------------------------------------------------------------------------------------

Answer = tuple[str | None, str | None, tuple[str, ...]]
"""The number to text, the reason if there is none, and other numbers of the owner."""


def ours(row: Row) -> Answer:
    """Read a field as the system does."""
    reading = read_phone(row.field, row.entered_on, row.province)
    return reading.e164, reading.refusal, reading.alternates


_REASON_OF_TYPE = {
    phonenumbers.PhoneNumberType.FIXED_LINE: "landline",
    phonenumbers.PhoneNumberType.VOIP: "landline",
    phonenumbers.PhoneNumberType.UAN: "landline",
    phonenumbers.PhoneNumberType.PREMIUM_RATE: "service_1800_1900",
    phonenumbers.PhoneNumberType.TOLL_FREE: "service_1800_1900",
}


def library_alone(row: Row, search: bool) -> Answer:
    """Read a field with the library ``phonenumbers`` alone.

    ``search``: search within the field if the field as a whole is no Vietnamese mobile number.
    """
    reason = "missing" if not row.field.strip() else "bad_chars"
    try:
        number = phonenumbers.parse(row.field, "VN")
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.TOO_LONG:
            reason = "too_long"
    else:
        if phonenumbers.is_emergency_number(row.field, "VN"):
            return None, "emergency_short", ()
        if number.country_code != 84:
            return None, "foreign", ()
        if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), None, ()
        possible = phonenumbers.is_possible_number_with_reason(number)
        length = "too_short" if possible == phonenumbers.ValidationResult.TOO_SHORT else "too_long"
        reason = _REASON_OF_TYPE.get(phonenumbers.number_type(number), length)
    found = [match.number for match in phonenumbers.PhoneNumberMatcher(row.field, "VN")] if search else []
    mobiles = [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for number in found
        if number.country_code == 84 and phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    ]
    return (mobiles[0], None, tuple(mobiles[1:])) if mobiles else (None, reason, ())


@dataclass
class Score:
    """The result of one reader: counts of right numbers, right reasons, and numbers of other people."""

    numbers: int = 0
    reasons: int = 0
    strangers: int = 0
    right_by_kind: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Row, Answer]] = field(default_factory=list)


def score(judged: list[Row], read: Callable[[Row], Answer]) -> Score:
    """Compare a reader's answers with the right answers."""
    result = Score()
    for row in judged:
        number, reason, others = answer = read(row)
        is_stranger = any(each not in row.owned for each in (number, *others) if each)
        is_right = number == row.text_to if row.text_to else number is None and reason in row.reasons
        result.strangers += is_stranger
        if is_right and not is_stranger:
            result.numbers += row.text_to is not None
            result.reasons += row.text_to is None
            result.right_by_kind[row.kind] += 1
        else:
            result.wrong.append((row, answer))
    return result


def _speed(seed: int) -> float:
    fresh = {(row.field, row.entered_on, row.province) for row in rows(seed)}
    started = time.process_time()
    for text, entered_on, province in fresh:
        read_phone(text, entered_on, province)
    return len(fresh) / (time.process_time() - started)


def figures(seed: int) -> list[Figure]:
    """Read every field with the system's reader and with ``phonenumbers`` alone, and count the right answers."""
    judged = rows(seed)
    numbers = sum(row.text_to is not None for row in judged)
    refused = len(judged) - numbers
    own = score(judged, ours)
    searched = score(judged, partial(library_alone, search=True))
    result = [
        Figure("fields judged", str(len(judged)), "at least 1,000", len(judged) >= 1000),
        Figure("textable numbers read", _percentage(own.numbers, numbers), "99 %", own.numbers >= 0.99 * numbers),
        Figure("strangers' numbers returned", str(own.strangers), "0", own.strangers == 0),
        Figure(
            "refusals with the right code", _percentage(own.reasons, refused), "98 %", own.reasons >= 0.98 * refused
        ),
        Figure("different fields read per second on one CPU", f"{_speed(seed + 1):,.0f}", "-", True),
    ]
    for name, alone in (
        ("phonenumbers alone, parse", score(judged, partial(library_alone, search=False))),
        ("phonenumbers alone, parse and search", searched),
    ):
        result += [
            Figure(f"{name}: textable numbers", _percentage(alone.numbers, numbers), "-", True),
            Figure(f"{name}: strangers' numbers", str(alone.strangers), "-", True),
            Figure(f"{name}: right codes", _percentage(alone.reasons, refused), "-", True),
        ]
    for kind, whole in Counter(row.kind for row in judged).items():
        value = f"{own.right_by_kind[kind]} of {whole}; phonenumbers alone {searched.right_by_kind[kind]}"
        result.append(Figure(f"right: {kind}", value, "-", True))
    return result


def _percentage(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} % ({part} of {whole})"
