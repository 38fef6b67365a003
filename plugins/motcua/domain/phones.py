"""What a phone field says: the one number that may be texted, or the one reason why there is none.

Number types come from ``phonenumbers``. Our own are the rules that it cannot know, because they need the day the number
was typed and the agency's province (a 10-digit 058 number was a Khánh Hòa landline until 2017 and may be a mobile
today), and those it gets dangerously wrong (letters read as keypad digits, dossier codes that "are" mobiles).
docs/decisions/phone-reading.md tells why each rule is there. Nothing here guesses: where a number may have two owners,
nobody is texted.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

import phonenumbers

from motcua.domain import numbering_plan as plan

Refusal = Literal[
    "missing",
    "too_short",
    "too_long",
    "bad_chars",
    "landline",
    "ambiguous_landline",
    "service_1800_1900",
    "emergency_short",
    "dummy",
    "repeated_digits",
    "sequence",
    "foreign",
    "id_card_like",
    "not_a_phone",
]
Note = Literal[
    "two_numbers",
    "migrated_11_to_10",
    "prefix_84",
    "leading_zero_added",
    "letters_repaired",
    "unknown_block",
    "shared_number",
]
REFUSALS: Final[tuple[Refusal, ...]] = get_args(Refusal)
NOTES: Final[tuple[Note, ...]] = get_args(Note)


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """What one phone field holds. Exactly one of ``e164`` and ``refusal`` is set.

    ``alternates`` are the applicant's other textable numbers, in the order in which they were written. ``carrier`` goes
    by the block's first owner; since 16/11/2018 people keep their number when they change, so it is only a hint.
    """

    e164: str | None
    refusal: Refusal | None
    notes: tuple[Note, ...] = ()
    alternates: tuple[str, ...] = ()
    carrier: str | None = None


class _Era(IntEnum):
    """Whose plan a field is read by; only these days matter, so readings are remembered by era, not by day."""

    UNTIL_2016 = 1
    UNTIL_10_DIGITS = 2
    TEN_DIGITS = 3
    MERGED_PROVINCES = 4


_LONGEST_REMEMBERED: Final = 200


def read_phone(field: str | None, entered_on: date | None, province: str) -> PhoneReading:
    """Read a phone field as its writer meant it.

    Args:
        field: what was typed, as it is.
        entered_on: local day (Asia/Ho_Chi_Minh) on which it was typed or last edited; None for today.
        province: the agency's province, key (``khanh_hoa``) or Vietnamese name; unknown: read by the day alone.

    Never raises for any text. Equal arguments are read once and remembered.
    """
    if not field:
        return _MISSING
    known = plan.find_province(province) if province else None
    key = known.key if known else ""
    era = _era(entered_on)
    if len(field) > _LONGEST_REMEMBERED:
        return _read.__wrapped__(field, era, key)
    return _read(field, era, key)


def mask_msisdn(e164_or_local: str) -> str:
    """Return a number in the only form that may be shown: ``0905***456``. Never raises; hides what is short."""
    digits = "".join(str(unicodedata.digit(char)) for char in e164_or_local if char.isdecimal())
    sign = ""
    if e164_or_local.strip().startswith("+"):
        if digits.startswith("84"):
            digits = "0" + digits[2:]
        else:
            sign = "+"
    if len(digits) < 7:
        return "***"
    if len(digits) < 9:
        return f"{sign}{digits[:2]}***{digits[-2:]}"
    return f"{sign}{digits[:4]}***{digits[-3:]}"


def to_local(e164: str) -> str:
    """Return a Vietnamese E.164 number as people write it: ``0905123456``; any other text as it is."""
    return "0" + e164[3:] if e164.startswith("+84") else e164


# --- Shared numbers ---------------------------------------------------------------------------------------------------


class NumberUse(NamedTuple):
    """One dossier's use of a number: the number read, whose dossier it is, and the local day; None if not known."""

    e164: str
    owner: str
    used_on: date | None


class SharedNumber(NamedTuple):
    """One number that stood for many owners; ``owners`` is the most in one window, ``first``…``last`` that window."""

    e164: str
    owners: int
    first: date | None
    last: date | None


def find_shared_numbers(
    uses: Iterable[NumberUse], *, at_least: int = 5, within: timedelta = timedelta(days=30)
) -> list[SharedNumber]:
    """Find numbers that stand for ``at_least`` different owners within ``within`` of each other.

    A warning, not a refusal: notaries, brokers and service firms do this rightly; a desk's own number does not. Names
    that differ only in case, accents' encoding or spaces are one owner, an empty name is none. Uses without a day are
    held against each other. Sorted by owners, most first.
    """
    by_number: dict[str, list[tuple[date | None, str]]] = defaultdict(list)
    for e164, owner, used_on in uses:
        name = " ".join(unicodedata.normalize("NFC", owner).casefold().split())
        if name:
            by_number[e164].append((used_on, name))
    found = []
    for e164, pairs in by_number.items():
        if len(pairs) >= at_least:
            shared = _most_shared(e164, pairs, within)
            if shared.owners >= at_least:
                found.append(shared)
    return sorted(found, key=lambda shared: (-shared.owners, shared.e164))


def _most_shared(e164: str, pairs: list[tuple[date | None, str]], within: timedelta) -> SharedNumber:
    undated = {name for day, name in pairs if day is None}
    most = SharedNumber(e164, len(undated), None, None)
    window: deque[tuple[date, str]] = deque()
    owners: Counter[str] = Counter()
    for day, name in sorted((day, name) for day, name in pairs if day is not None):
        window.append((day, name))
        owners[name] += 1
        while day - window[0][0] > within:
            _, gone = window.popleft()
            owners[gone] -= 1
            if not owners[gone]:
                del owners[gone]
        if len(owners) > most.owners:
            most = SharedNumber(e164, len(owners), window[0][0], day)
    return most


# --- Cleaning ---------------------------------------------------------------------------------------------------------

# Stands where something that is no number was recognised and taken out; no writer's own letter.
_TAKEN_OUT: Final = "\ue000"
_LOOKS_LIKE_ZERO: Final = "ОоΟο"  # Cyrillic and Greek: a keyboard left in another language


class _CleanChars(dict[int, str]):
    """``str.translate`` table that is filled as characters are met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if category == "Nd":
            clean = str(unicodedata.digit(char))
        elif category in ("Cf", "Mn", "Me"):
            clean = ""
        elif category == "Pd" or char == "\u2212":
            clean = "-"
        elif char in "\n\r\t\v\f\u2028\u2029\x85":
            clean = "\n"
        elif category[0] in "ZC":
            clean = " "
        else:
            clean = "O" if char in _LOOKS_LIKE_ZERO else char
        self[code] = clean
        return clean


class _FoldedChars(dict[int, str]):
    """One lower-case letter without marks for each character, so that positions stay."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = "d" if char in "đĐ" else unicodedata.normalize("NFD", char)[0].lower()[0]
        self[code] = folded
        return folded


_CLEAN_CHARS: Final = _CleanChars()
_FOLDED_CHARS: Final = _FoldedChars()

_FLOAT: Final = re.compile(r"[ '\"]*(\d{8,14})[.,]0+[ '\"]*")
_SCIENTIFIC: Final = re.compile(r" *(\d)[.,](\d{1,14})[eE]\+?(\d{1,2}) *")
_DIGITS_AND_LOOKALIKES: Final = re.compile(r"[0-9OoIl]+")
_LOOKALIKES_BETWEEN: Final = re.compile(r"(?<=[0-9][ .\-])(?:[Oo]{2,4}|[lI]{2,4})(?=[ .\-][0-9])|(?<=[0-9][.\-])(?:[Oo]{2,4}|[lI]{2,4})$")
_LETTERS_TO_DIGITS: Final = str.maketrans("OoIl", "0011")


def _clean(field: str) -> str:
    text = field if field.isascii() else unicodedata.normalize("NFKC", field)
    # As long as what it replaces.
    return text.translate(_CLEAN_CHARS).replace("(084)", " +84 ")


def _undo_spreadsheet(text: str) -> str:
    """Give back the digits of a number that a spreadsheet took for an amount: ``905123456.0``, ``9.05123456E8``."""
    if match := _FLOAT.fullmatch(text):
        return match[1]
    if match := _SCIENTIFIC.fullmatch(text):
        digits, exponent = match[1] + match[2], int(match[3])
        # Fewer digits than the exponent says: the rest was rounded away.
        return digits if len(digits) == exponent + 1 else text
    return text


def _repair(text: str) -> tuple[str, frozenset[int]]:
    """Write 0 for O and o, 1 for l and I, inside runs of digits only; return where."""
    repaired: set[int] = set()

    def repair(match: re.Match[str]) -> str:
        run, start, end = match[0], match.start(), match.end()
        if run.isdecimal() or (start and text[start - 1].isalpha()) or (end < len(text) and text[end].isalpha()):
            return run
        # An only digit among letters is no run of digits, unless it is a group within one.
        if not any(char.isdecimal() for char in run):
            return run
        repaired.update(start + offset for offset, char in enumerate(run) if not char.isdecimal())
        return run.translate(_LETTERS_TO_DIGITS)

    text = _DIGITS_AND_LOOKALIKES.sub(repair, text)

    def repair_group(match: re.Match[str]) -> str:
        repaired.update(range(match.start(), match.end()))
        return match[0].translate(_LETTERS_TO_DIGITS)

    return _LOOKALIKES_BETWEEN.sub(repair_group, text), frozenset(repaired)


# --- What is recognised as something else, before any digit rule ------------------------------------------------------

_MAIL_NAME: Final = r"[a-z0-9._%+-]"
_MAIL: Final = re.compile(
    rf"(?<!{_MAIL_NAME}){_MAIL_NAME}+@[a-z0-9-]+(?:\.[a-z0-9.-]*|(?<=gmail|yahoo))|(?<!{_MAIL_NAME}){_MAIL_NAME}*(?:gmail|yahoo|hotmail|outlook|icloud)\.com"
)
_ADDRESS: Final = re.compile(r"(?:https?://|www\.|\b(?:facebook|fb|m\.me)\.com/)(?!zalo\.me)[^ \n]+")
_NOT_INSIDE_NUMBER: Final = r"(?<!\d)(?<!\d[./-])"
_NUMBER_ENDS: Final = r"(?![./-]?\d)"
_DAY_FIRST: Final = re.compile(
    rf"{_NOT_INSIDE_NUMBER}(\d\d?) ?[./-] ?(\d\d?) ?[./-] ?(?:19|20)\d\d{_NUMBER_ENDS}(?:[ ,t-]*\d\d?[:hg]\d\d(?::\d\d)?)?"
)
_YEAR_FIRST: Final = re.compile(
    rf"{_NOT_INSIDE_NUMBER}(?:19|20)\d\d[./-](\d\d?)[./-](\d\d?){_NUMBER_ENDS}(?:[ t]?\d\d?:\d\d(?::\d\d(?:\.\d+)?)?z?)?"
)
_SHORT_DATE: Final = re.compile(rf"{_NOT_INSIDE_NUMBER}(\d\d?)[./-](\d\d?)[./-]\d\d{_NUMBER_ENDS}")
_CLOCK: Final = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3])(?::[0-5]\d(?::[0-5]\d)?|[hg](?:[0-5]\d)?)(?![a-z\d])")
# Thông tư 01/2018/TT-VPCP, art. 19, with QCVN 102 or QĐ 20/2020 agency codes, and procedure codes.
_DOSSIER_CODE: Final = re.compile(
    r"(?<![a-z\d])(?:\d{1,3}\.){0,4}[a-z]\d\d(?:\.\d{1,3}){0,3}(?:[-_ ]{1,3}\d{6}(?:\d\d)?[-_ ]{1,3}\d{3,7})(?!\d)"
    r"|(?<![a-z\d.])(?:\d{1,6}\.){2,5}[a-z]\d\d(?![\d])"
    r"|(?<![a-z\d.])[a-z]\d\d(?:\.\d{1,3}){1,3}(?![.\d])"
    r"|(?<![\d.])\d\.\d{6}(?![\d.])"
)
_SERIAL_OF_YEAR: Final = re.compile(
    rf"{_NOT_INSIDE_NUMBER}(?<!\d )(?:\d{{1,6}}/20[0-4]\d|20[0-4]\d[./-]\d{{3,6}}|\d{{1,6}}/\d\d?/20[0-4]\d){_NUMBER_ENDS}"
)
_TAX_BRANCH: Final = re.compile(rf"{_NOT_INSIDE_NUMBER}\d{{10}} ?- ?00\d{_NUMBER_ENDS}")
_SERIAL_OF_DAY: Final = re.compile(rf"{_NOT_INSIDE_NUMBER}(?:20)?([12]\d)(\d\d)(\d\d)[._/-]\d{{3,7}}{_NUMBER_ENDS}")


def _is_day_and_month(day: str, month: str) -> bool:
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def _take_out(folded: str) -> str:
    """Replace e-mail and web addresses, dates, times and dossier codes; positions stay."""

    def blank(match: re.Match[str]) -> str:
        return _TAKEN_OUT * len(match[0])

    def blank_day_first(match: re.Match[str]) -> str:
        return blank(match) if _is_day_and_month(match[1], match[2]) else match[0]

    def blank_month_first(match: re.Match[str]) -> str:
        return blank(match) if _is_day_and_month(match[2], match[1]) else match[0]

    def blank_serial(match: re.Match[str]) -> str:
        return blank(match) if _is_day_and_month(match[3], match[2]) else match[0]

    if "@" in folded or ".com" in folded:
        folded = _MAIL.sub(blank, folded)
    if "/" in folded or "www" in folded:
        folded = _ADDRESS.sub(blank, folded)
    folded = _DOSSIER_CODE.sub(blank, folded)
    folded = _DAY_FIRST.sub(blank_day_first, folded)
    folded = _YEAR_FIRST.sub(blank_month_first, folded)
    folded = _SERIAL_OF_DAY.sub(blank_serial, folded)
    folded = _SERIAL_OF_YEAR.sub(blank, folded)
    folded = _TAX_BRANCH.sub(blank, folded)
    folded = _SHORT_DATE.sub(blank_day_first, folded)
    return _CLOCK.sub(blank, folded)


_LabelKind = Literal["id", "tax", "account", "code", "day"]
_LABEL_WORDS: Final[dict[_LabelKind, str]] = {
    "id": r"cmnd|cmtnd|cmt|cccd|cmqd|gttt|can cuoc(?: cong dan)?|chung minh(?: nhan dan| thu)?|dinh danh(?: ca nhan)?"
    r"|ho chieu|passport|id card",
    "tax": r"mst|ma so thue|msdn|ma so doanh nghiep|ma so dn|dkkd|gpkd|tax(?: code| id)?",
    "account": r"stk|so tk|tk|(?:so )?tai khoan|account|ngan hang|vietcombank|vcb|agribank|bidv|vietinbank|techcombank"
    r"|sacombank|mbbank|acb",
    "code": r"ma (?:so )?(?:hs|ho so)|mhs|so (?:hs|ho so)|(?<!chu )(?<!nop )(?<!nhan )(?:ho so|hs)|(?:so )?bien nhan"
    r"|so bn|(?:so )?giay (?:tiep nhan|hen|phep)|ma tthc|ma thu tuc|ma so|mckh|(?:so )?quyet dinh|so qd|so seri|gplx|bhyt"
    r"|bhxh|bien so|ho khau|so shk|so thua|hop dong|so hd",
    "day": r"ngay(?: sinh| cap)?|sinh (?:ngay|nam)|nam(?: sinh)?|ns|thang|tuoi",
}
_PHONE_WORDS: Final = (
    r"s?dt(?:dd|cd|lh|nr|b)?|dien thoai|di dong|dd|tel|telephone|phone|mobile|mob|cell|hp|zalo|viber|whatsapp|hotline|lh"
    r"|lien he|lien lac|goi|so may|so|call|sms|fax|may|nhan tin"
)
# Words that may stand between a label and its number: "MST là: 42…", "CMND số 225…".
_AFTER_LABEL: Final = r"(?:[\W_]|\b(?:so|la|no|number)\b)*$"
_LABEL_BEFORE: Final = tuple(
    # A passport's number begins with a letter.
    (kind, re.compile(rf"(?<![a-z])(?:{words}){_AFTER_LABEL}".replace("$", "[a-z]?$" if kind == "id" else "$")))
    for kind, words in _LABEL_WORDS.items()
)
# Further away, only the words that mean nothing else.
_LABEL_FAR_BEFORE: Final[tuple[tuple[_LabelKind, re.Pattern[str]], ...]] = (
    ("id", re.compile(r"(?<![a-z])(?:cmnd|cmtnd|cccd|can cuoc|chung minh)(?![a-z])")),
    ("tax", re.compile(r"(?<![a-z])(?:mst|ma so thue)(?![a-z])")),
    ("account", re.compile(r"(?<![a-z])(?:stk|so tai khoan)(?![a-z])")),
)
_LABEL_AFTER: Final = tuple(
    (kind, re.compile(rf"[\s([\-:,]*(?:(?:so|la) )*(?:{words})(?![a-z])\s*(?:[)\]]|$)"))
    for kind, words in _LABEL_WORDS.items()
    if kind != "day"
)
_PHONE_LABEL_BEFORE: Final = re.compile(rf"(?<![a-z])(?:{_PHONE_WORDS}){_AFTER_LABEL}")
_PHONE_LABEL: Final = re.compile(rf"(?<![a-z])(?:{_PHONE_WORDS})(?![a-z])")
_LANDLINE_LABEL_BEFORE: Final = re.compile(
    rf"(?<![a-z])(?:(?:s?dt|dien thoai|may|so) ?(?:de )?ban|co dinh|s?dtcd|dtb|fax){_AFTER_LABEL}"
)
_LANDLINE_LABEL_AFTER: Final = re.compile(r"[\s([\-:,]*(?:(?:so|dt|dien thoai) )?(?:may (?:de )?ban|co dinh|dt ban|fax)(?![a-z])")
_NO_LONGER_USED_BEFORE: Final = re.compile(rf"(?<![a-z])(?:(?:so|sdt|dt|sim) cu|cu){_AFTER_LABEL}")
_CLAUSE_ENDS: Final = re.compile(rf"[,;|\n{_TAKEN_OUT}]")
_LABEL_REFUSAL: Final[dict[_LabelKind, Refusal]] = {
    "id": "id_card_like",
    "tax": "not_a_phone",
    "account": "not_a_phone",
    "code": "not_a_phone",
    "day": "not_a_phone",
}
_FARTHEST_LABEL: Final = 60


# --- Runs of digits and what lies between them ------------------------------------------------------------------------


@dataclass(slots=True)
class _Run:
    """One unbroken run of digits; ``gap`` is what stands before it since the run before."""

    digits: str
    start: int
    end: int
    gap: str
    plus: bool
    repaired: bool
    glued: bool
    """Letters that are no label, or a mask, touch it."""
    corrupt: bool
    """What touches it may stand for digits: never read it as a number."""


_RUN: Final = re.compile(r"[0-9]+")
_BREAKS: Final = re.compile(rf"[^\W\d_]|[*?{_TAKEN_OUT}]")
_HARD: Final = re.compile(r"[/;,|&+\n]|\s-|-\s|--")
_WORD_AT_END: Final = re.compile(r"[^\W\d_]+$")
_WORD_AT_START: Final = re.compile(r"[^\W\d_]+")
_PLUS: Final = re.compile(r"\+([ (]*)$")
_MASK_WORD: Final = re.compile(r"x+")
_MASK: Final = re.compile(r"[\W_]*(?:x{2,}|\*)[\W_x]*")
_LABEL_WORD: Final = re.compile(rf"(?:{_PHONE_WORDS}|{'|'.join(_LABEL_WORDS.values())}|va|hoac|v)")
_LONGEST_JOINED: Final = 15
_MOST_RUNS: Final = 40
_MOST_RUNS_OF_A_FIELD: Final = 1000


def _runs(folded: str, repaired: frozenset[int]) -> list[_Run]:
    """List the runs of digits of a text, with what touches them."""
    matches = list(itertools.islice(_RUN.finditer(folded), _MOST_RUNS_OF_A_FIELD))
    runs = []
    end = 0
    for index, match in enumerate(matches):
        gap = folded[end : match.start()]
        following = folded[match.end() : matches[index + 1].start()] if index + 1 < len(matches) else folded[match.end() :]
        plus = _PLUS.search(gap)
        glued_before, corrupt_before = _touch(_WORD_AT_END.search(gap), gap, index > 0, gap[-1:])
        glued_after, corrupt_after = _touch(
            _WORD_AT_START.match(following), following, index + 1 < len(matches), following[:1]
        )
        if corrupt_before and index and _is_whole(matches[index - 1][0]) and _is_whole(match[0]):
            corrupt_before = False
        if corrupt_after and index + 1 < len(matches) and _is_whole(matches[index + 1][0]) and _is_whole(match[0]):
            corrupt_after = False
        if index and _MASK.fullmatch(gap):
            corrupt_before = glued_before = True
        if index + 1 < len(matches) and _MASK.fullmatch(following):
            corrupt_after = glued_after = True
        runs.append(
            _Run(
                digits=match[0],
                start=match.start(),
                end=match.end(),
                gap=gap,
                # "0905123456 + 914123456": that plus is an "and".
                plus=plus is not None and not (index and plus[1] and not match[0].startswith("84")),
                repaired=any(position in repaired for position in range(match.start(), match.end()))
                if repaired
                else False,
                glued=glued_before or glued_after,
                corrupt=corrupt_before or corrupt_after,
            )
        )
        end = match.end()
    return runs


def _touch(word: re.Match[str] | None, gap: str, digits_beyond: bool, nearest: str) -> tuple[bool, bool]:
    """Say whether letters touch a run, and whether they may hide digits of it."""
    if nearest == "*":
        return True, True
    if nearest == "?":
        return True, False
    if word is None:
        return False, False
    if _MASK_WORD.fullmatch(word[0]):
        return True, True
    if _LABEL_WORD.fullmatch(word[0]):
        return False, False
    # "09A5123456": one or two letters with digits on both sides stand for digits.
    return True, digits_beyond and len(word[0]) == len(gap) and len(word[0]) < 3


def _is_whole(digits: str) -> bool:
    return len(digits) in (10, 11) and digits[0] in "08"


def _groups(runs: Sequence[_Run]) -> Iterator[list[_Run]]:
    """Part the runs where words, masks or things taken out stand between them."""
    group: list[_Run] = []
    for run in runs:
        if group and _BREAKS.search(run.gap):
            yield group
            group = []
        group.append(run)
    if group:
        yield group


# --- One number -------------------------------------------------------------------------------------------------------

_OLD_LANDLINE_11: Final = "|".join(sorted(code[1:] for code in plan.FOUR_DIGIT_OLD_CODES))
_MIGRATED: Final = "|".join(sorted(prefix[1:] for prefix in plan.MIGRATED_PREFIXES))
_WHOLE: Final = re.compile(
    rf"0(?:[2-9]\d{{8}}|2\d{{9}}|(?:{_MIGRATED})\d{{7}}|(?:{_OLD_LANDLINE_11})[2-7]\d{{6}}|69\d{{6}}|80\d{{5}}|1[89]00\d{{2,6}})"
)
_SERVICE: Final = re.compile(r"0?1[89]00\d{0,6}")
_LACKS_ZERO: Final = re.compile(rf"[35789]\d{{8}}|(?:{_MIGRATED})\d{{7}}|2\d{{9}}|1[89]00\d{{2,6}}")


class _Spelled(NamedTuple):
    """Digits that make a whole number, in local form, and how they were written."""

    local: str
    prefix_84: bool
    zero_added: bool


def _spelled(digits: str, plus: bool) -> _Spelled | None:
    """Bring digits into local form; None when they are no whole Vietnamese number."""
    if digits.startswith("0084"):
        rest = digits[4:]
    elif digits.startswith("84") and (plus or len(digits) >= 11):
        rest = digits[2:]
    elif plus and digits.startswith("084"):
        rest = digits[3:]
    elif plus and not digits.startswith("0"):
        return None
    else:
        if _WHOLE.fullmatch(digits) and not _is_day(digits):
            return _Spelled(digits, False, False)
        if _LACKS_ZERO.fullmatch(digits):
            return _Spelled("0" + digits, False, True)
        return None
    local = rest if rest.startswith("0") else "0" + rest
    return _Spelled(local, True, False) if _WHOLE.fullmatch(local) else None


class _Verdict(NamedTuple):
    """What one number is; ``local`` is set when it may be texted."""

    local: str | None
    refusal: Refusal | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The plan by which one field is read."""

    era: _Era
    own_codes: tuple[str, ...]
    own_id_series: tuple[str, ...]


@lru_cache(maxsize=512)
def _plan_of(era: _Era, province_key: str) -> _Plan:
    merged = era >= _Era.MERGED_PROVINCES
    return _Plan(era, plan.own_old_codes(province_key, merged), plan.own_id_series(province_key, merged))


def _era(entered_on: date | None) -> _Era:
    if entered_on is None:
        return _Era.MERGED_PROVINCES
    day = entered_on.date() if isinstance(entered_on, datetime) else entered_on
    if day < plan.WIDER_08_BLOCKS_SINCE:
        return _Era.UNTIL_2016
    if day < plan.MOBILES_HAVE_10_DIGITS_SINCE:
        return _Era.UNTIL_10_DIGITS
    return _Era.TEN_DIGITS if day < plan.PROVINCES_MERGED_ON else _Era.MERGED_PROVINCES


def _classify(local: str, reading: _Plan) -> _Verdict:
    """Say what a whole number is: a mobile of today, or why nobody may be texted."""
    if _SERVICE.fullmatch(local):
        return _Verdict(None, "service_1800_1900", ())
    if len(set(local[1:])) == 1:
        return _Verdict(None, "repeated_digits", ())
    if len(local) == 11:
        new_prefix = plan.MIGRATED_PREFIXES.get(local[:4])
        if new_prefix is None:
            return _Verdict(None, "landline", ())
        made_up = _made_up(local)
        if made_up:
            return _Verdict(None, made_up, ())
        verdict = _as_mobile(new_prefix + local[4:])
        return verdict._replace(notes=("migrated_11_to_10", *verdict.notes))
    if len(local) != 10 or local[1] in "246":
        return _Verdict(None, "landline", ())
    made_up = _made_up(local)
    if made_up:
        return _Verdict(None, made_up, ())
    if local[1] != "9":
        refusal = _landline_reading(local, reading)
        if refusal:
            return _Verdict(None, refusal, ())
    return _as_mobile(local)


def _landline_reading(local: str, reading: _Plan) -> Refusal | None:
    """Say whether ten digits under 03, 05, 07 or 08 are, or may be, a landline of before 2017."""
    open_blocks = plan.OPEN_08_BLOCKS_2016 if reading.era == _Era.UNTIL_2016 else plan.OPEN_08_BLOCKS_2017
    if reading.era < _Era.TEN_DIGITS:
        return None if local.startswith(open_blocks) else "landline"
    if local.startswith(plan.LANDLINE_ONLY_CODES):
        return "landline"
    # Blocks that were mobile before the landlines moved were never a landline's.
    if local.startswith(plan.OPEN_08_BLOCKS_2016):
        return None
    for code in reading.own_codes:
        if local.startswith(code) and len(code) < 4 and local[len(code)] in plan.FIRST_LANDLINE_DIGITS:
            return "ambiguous_landline"
    return None


@lru_cache(maxsize=65536)
def _type_of(local: str) -> int:
    """Type of a number by ``phonenumbers`` (``PhoneNumberType``), from its full international form."""
    try:
        return int(phonenumbers.number_type(phonenumbers.parse("+84" + local[1:])))
    except phonenumbers.NumberParseException:
        return int(phonenumbers.PhoneNumberType.UNKNOWN)


def _as_mobile(local: str) -> _Verdict:
    made_up = _made_up(local)
    if made_up:
        return _Verdict(None, made_up, ())
    kind = _type_of(local)
    if kind == phonenumbers.PhoneNumberType.MOBILE:
        unknown = local.startswith(plan.WITHOUT_A_LIVING_CARRIER)
    elif kind == phonenumbers.PhoneNumberType.UNKNOWN:
        # New blocks open before the library learns of them: a warning, not a refusal.
        unknown = True
    else:
        return _Verdict(None, "landline", ())
    return _Verdict(local, None, ("unknown_block",) if unknown else ())


_PAIRS_OR_TRIPLES: Final = re.compile(r"(\d\d)\1{3,}|(\d{3})\2{2,}")


_LONG_PREFIXES: Final = frozenset(prefix[:3] for prefix in plan.CARRIER_BY_PREFIX if len(prefix) == 4)


def _made_up(local: str) -> Refusal | None:
    """Recognise numbers typed to fill a field: 0900000000, 0912345678, 0909090909."""
    after_zero = local[1:]
    has_long_prefix = len(local) == 11 or local[:3] in _LONG_PREFIXES
    if len(set(local[4:] if has_long_prefix else local[3:])) == 1:
        return "repeated_digits"
    if _has_sequence(local):
        return "sequence"
    if _PAIRS_OR_TRIPLES.fullmatch(local) or _PAIRS_OR_TRIPLES.fullmatch(after_zero):
        return "dummy"
    return "dummy" if _PAIRS_OR_TRIPLES.fullmatch(local[-8:]) else None


def _has_sequence(local: str) -> bool:
    """Whether the last eight of ten digits, or all after the 0, go up or down by one (there 9 and 0 are neighbours).

    0701234567 is no such number: seven digits in order are a number that somebody chose.
    """
    if len(local) == 10 and (local[2:] in "123456789" or local[2:] in "9876543210"):
        return True
    return _is_run(local[1:])


def _is_run(digits: str) -> bool:
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(digits)}
    return steps in ({1}, {9})


# --- Digits that are no whole number ----------------------------------------------------------------------------------

_SHORT_NUMBERS: Final = frozenset({"9029", "9090", "9191", "9198"})
_TAX_WEIGHTS: Final = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def _is_tax_code(digits: str) -> bool:
    """Whether ten digits, or ten with a branch's three, carry a tax code's check digit (Thông tư 105/2020/TT-BTC)."""
    if len(digits) not in (10, 13):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_TAX_WEIGHTS, digits, strict=False))
    is_branch = len(digits) == 13 and digits[10] == "0"
    return (10 - total % 11) == int(digits[9]) and (len(digits) == 10 or is_branch)


def _begins_with_day(digits: str) -> bool:
    """Whether digits begin with YYMMDD of 2010–2029, as the dossier codes of 2016 do."""
    return digits[0] in "12" and _is_day_and_month(digits[4:6], digits[2:4])


def _is_day(digits: str) -> bool:
    if len(digits) != 8:
        return False
    day_first = digits[4:6] in ("19", "20") and _is_day_and_month(digits[:2], digits[2:4])
    return day_first or (digits[:2] in ("19", "20") and _is_day_and_month(digits[6:], digits[4:6]))


def _refuse_digits(digits: str, plus: bool, reading: _Plan) -> Refusal:
    """Name what digits are that make no whole number."""
    size = len(digits)
    if size <= 3 and set(digits) == {"0"}:
        return "missing"
    if (size == 3 and digits[0] == "1" and digits != "123") or digits in _SHORT_NUMBERS:
        return "emergency_short"
    if size == 4 and digits[:2] in ("10", "14"):
        return "emergency_short"
    if size >= 4 and (len(set(digits)) == 1 or (size >= 9 and len(set(digits[2:])) == 1)):
        return "repeated_digits"
    if (size >= 4 or digits == "123") and _is_run(digits):
        return "sequence"
    if any(_PAIRS_OR_TRIPLES.fullmatch(part) for part in (digits, digits[1:])):
        return "dummy"
    if _SERVICE.fullmatch(digits):
        return "service_1800_1900"
    if (size == 4 and digits[:2] in ("19", "20")) or _is_day(digits):
        return "not_a_phone"
    if digits.startswith("0084"):
        return _refuse_after_84(digits[4:])
    if digits.startswith("84") and (plus or size >= 10):
        return _refuse_after_84(digits[2:])
    if size <= 8:
        return "too_short"
    if size == 9:
        return _refuse_nine(digits, reading)
    if size == 10:
        return _refuse_ten(digits)
    if size == 12 and digits[0] == "0" and (digits[:3] in plan.CITIZEN_ID_PROVINCES or digits[1] not in "135789"):
        return "id_card_like"
    if size == 13 and _is_tax_code(digits):
        return "not_a_phone"
    if digits[0] == "0":
        is_mobile_with_more = digits[1] in "35789" or digits[:4] in plan.MIGRATED_PREFIXES
        return "too_long" if size == 11 and digits[1] in "02468" or is_mobile_with_more else "not_a_phone"
    return "too_long" if size == 11 and digits[0] in "35789" else "not_a_phone"


def _refuse_after_84(rest: str) -> Refusal:
    local = rest if rest.startswith("0") else "0" + rest
    return "too_short" if len(local) < (11 if local[:4] in plan.MIGRATED_PREFIXES else 10) else "too_long"


def _refuse_nine(digits: str, reading: _Plan) -> Refusal:
    if digits[0] == "0":
        return "too_short" if digits[1] in "35789" or digits[:3] in ("016", "018", "019") else "id_card_like"
    if digits[0] in "46" and ("0" + digits).startswith(reading.own_codes or ("?",)):
        return "landline"
    return "not_a_phone" if _begins_with_day(digits) else "id_card_like"


def _refuse_ten(digits: str) -> Refusal:
    if digits[0] == "0":
        return "too_short" if digits[:4] in plan.MIGRATED_PREFIXES else "not_a_phone"
    # Tax codes of today's southern provinces: 3600…3703, 5800…5901.
    if digits[0] in "3578" and (_is_tax_code(digits) or digits[2] == "0"):
        return "not_a_phone"
    return "too_long" if digits[0] in "35789" else "not_a_phone"


# --- A field ----------------------------------------------------------------------------------------------------------


class _Found(NamedTuple):
    """One number or one other thing of a field; ``digits`` tells how much of the field it covers."""

    verdict: _Verdict
    is_phone: bool
    digits: str
    no_longer_used: bool = False
    tails: tuple[str, ...] = ()


_MISSING: Final = PhoneReading(None, "missing")
_PLAIN: Final = re.compile(r"0[35789][0-9]{8}")

# Refusals as they are chosen when a field holds several; the nearer to a phone, the more it says.
_TELLS_MOST: Final[tuple[Refusal, ...]] = (
    "ambiguous_landline",
    "landline",
    "foreign",
    "service_1800_1900",
    "repeated_digits",
    "sequence",
    "dummy",
    "bad_chars",
    "too_long",
    "too_short",
    "emergency_short",
    "id_card_like",
    "not_a_phone",
    "missing",
)

_NOTHING: Final = re.compile(
    r"(?:khong|khg|kh|ko|k|kg|hong|hok|hem|chua|no|none|null|nil|nan|na|n ?/ ?a|n\.a\.?|x+|o co|trong|bo trong|de trong"
    r"|mat|mat may|mat sim|tam|blank|empty|unknown|vo danh|kco|kcó|khongco|koco|chuaco)(?![a-z])"
)


_SAYS_NO: Final = re.compile(r"\b(?:khong|ko|k co|chua|bo sung sau|cap nhat sau)\b")


@lru_cache(maxsize=65536)
def _read(field: str, era: _Era, province_key: str) -> PhoneReading:
    reading = _plan_of(era, province_key)
    text = _clean(field).strip()
    if _PLAIN.fullmatch(text):
        return _answer([_Found(_classify(text, reading), True, text)])
    text, repaired = _repair(_undo_spreadsheet(text))
    folded = text.translate(_FOLDED_CHARS)
    folded = _take_out(folded)
    runs = _runs(folded, repaired)
    found: list[_Found] = []
    for group in _groups(runs):
        found += _read_group(group, folded, reading)
    if any(item.is_phone for item in found) or not _says_nothing(folded, runs):
        return _answer(found) if found else _without_digits(folded)
    return _MISSING


def _says_nothing(folded: str, runs: Sequence[_Run]) -> bool:
    """Whether a field only says that there is no number: "không có", "0 có", "-", "ĐT:"."""
    if _TAKEN_OUT in folded or sum(len(run.digits) for run in runs) > 3 or any(run.digits.strip("0") for run in runs):
        return False
    words = re.sub(r"[^a-z]+", " ", re.sub(r"\b0 ?(?=co\b)|k0\b", "khong ", folded)).strip()
    if not words:
        return "*" not in folded or not runs
    if _NOTHING.match(folded.strip(" -./:'\"(_0")) or _NOTHING.match(words) or _SAYS_NO.search(words):
        return True
    return not runs and not _PHONE_LABEL.sub(" ", folded).strip(" -./:'\"()_,;")


def _without_digits(folded: str) -> PhoneReading:
    return PhoneReading(None, "not_a_phone" if _TAKEN_OUT in folded else "bad_chars")


def _answer(found: Sequence[_Found]) -> PhoneReading:
    phones = [item for item in found if item.is_phone]
    textable = sorted((item for item in phones if item.verdict.local), key=lambda item: item.no_longer_used)
    different = {item.verdict.local or item.digits for item in phones}
    if textable:
        first = textable[0].verdict
        locals_ = [item.verdict.local for item in textable]
        for item in textable:
            locals_ += item.tails
        numbers = list(dict.fromkeys(local for local in locals_ if local))
        notes = set(first.notes)
        if len(different) > 1 or len(numbers) > 1:
            notes.add("two_numbers")
        e164s = ["+84" + local[1:] for local in numbers]
        return PhoneReading(
            e164s[0],
            None,
            tuple(note for note in NOTES if note in notes),
            tuple(e164s[1:]),
            plan.carrier_of(numbers[0]),
        )
    chosen = min(found, key=lambda item: (_rank(item), not item.is_phone))
    notes = set(chosen.verdict.notes)
    if len(different) > 1:
        notes.add("two_numbers")
    return PhoneReading(None, chosen.verdict.refusal, tuple(note for note in NOTES if note in notes))


def _rank(item: _Found) -> int:
    refusal = item.verdict.refusal
    if refusal == "too_short" and len(item.digits) < 5:
        # A house number beside something that says more.
        return len(_TELLS_MOST) - 2
    return _TELLS_MOST.index(refusal) if refusal else 0


def _read_group(group: list[_Run], folded: str, reading: _Plan) -> list[_Found]:
    """Read runs of digits with no word between them."""
    before = folded[max(0, group[0].start - _FARTHEST_LABEL) : group[0].start]
    after = folded[group[-1].end : group[-1].end + _FARTHEST_LABEL]
    found: list[_Found] = []
    label = _label(before, after, group)
    if label:
        count = _labelled(label, group)
        found.append(_other(_LABEL_REFUSAL[label], "".join(run.digits for run in group[:count])))
        group = group[count:]
        before = ""
        if not group:
            return found
    foreign = _read_foreign(group)
    if foreign:
        return [*found, foreign]
    group = _part_glued(group)
    pieces = _pieces(group) if len(group) <= _MOST_RUNS else [(index, index + 1) for index in range(len(group))]
    return found + _judge_pieces(group, pieces, before, after, reading)


def _other(refusal: Refusal, digits: str) -> _Found:
    return _Found(_Verdict(None, refusal, ()), False, digits)


def _label(before: str, after: str, group: list[_Run]) -> _LabelKind | None:
    """Find the label of a group's first number; a label decides before any digit rule."""
    clause = _CLAUSE_ENDS.split(before)[-1]
    for kind, pattern in _LABEL_BEFORE:
        if match := pattern.search(clause):
            # "SĐT hồ sơ: 0905…" is a phone; so is "anh Nam 0905…".
            if kind == "code" and _PHONE_LABEL.search(clause[: match.start()]):
                continue
            if kind == "day" and sum(len(run.digits) for run in group) > 8:
                continue
            return kind
    digits = sum(len(run.digits) for run in group)
    for kind, pattern in _LABEL_FAR_BEFORE:
        if match := pattern.search(clause):
            fits = {"id": (9, 12), "tax": (10, 13)}.get(kind)
            if not _PHONE_LABEL.search(clause, match.end()) and (fits is None or digits in fits):
                return kind
    if len(group) == 1 and _RUN.search(after) is None:
        for kind, pattern in _LABEL_AFTER:
            if pattern.match(after):
                return kind
    return None


def _labelled(label: _LabelKind, group: list[_Run]) -> int:
    """Count the runs that belong to a label; what follows may be a phone again."""
    sizes = {"id": (12, 9) if group[0].digits[0] == "0" else (9, 12), "tax": (13, 10)}.get(label, ())
    for size in sizes:
        total = 0
        for index, run in enumerate(group):
            total += len(run.digits)
            if total == size:
                return index + 1
    for index in range(1, len(group)):
        gap = group[index].gap
        if _HARD.search(gap) or (label in ("code", "day") and " " in gap):
            return index
    return len(group)


def _read_foreign(group: list[_Run]) -> _Found | None:
    """Recognise a foreign number that fills a group: ``+82 10 1234 5678``, ``0082…``, ``1-415-555-2671``."""
    digits = "".join(run.digits for run in group)
    if group[0].plus and digits[0] != "0":
        first = [group[0]]
        for run in group[1:]:
            if run.plus or _HARD.search(run.gap):
                break
            first.append(run)
        number = "".join(run.digits for run in first)
        if number.startswith("84"):
            return None
        return _other("foreign" if len(number) >= 7 else "too_short", number) if len(first) == len(group) else None
    if digits.startswith("00") and not digits.startswith("0084"):
        # Accounts of Vietcombank begin so too: 0061 is its branch in Nha Trang.
        is_account = len(group) == 1 and len(digits) == 13 and digits.startswith("0061")
        return _other("foreign", digits) if not is_account and _is_foreign(digits[2:]) else None
    if digits[0] in "08" and not digits.startswith(("81", "82", "85", "86")):
        return None
    if not 11 <= len(digits) <= 13 or (len(group) == 1 and not digits.startswith(("8210", "8613"))):
        return None
    if any(_HARD.search(run.gap) for run in group[1:]) or any(_spelled(run.digits, run.plus) for run in group):
        return None
    return _other("foreign", digits) if _is_foreign(digits) else None


def _is_foreign(digits: str) -> bool:
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return False
    return number.country_code != 84 and phonenumbers.is_valid_number(number)


def _part_glued(group: list[_Run]) -> list[_Run]:
    """Part runs of 20 digits and more into the numbers that were typed without a space between them."""
    parted: list[_Run] = []
    for run in group:
        sizes = _glued_sizes(run.digits) if 20 <= len(run.digits) <= 66 else None
        if not sizes:
            parted.append(run)
            continue
        start = 0
        for size in sizes:
            parted.append(
                _Run(
                    run.digits[start : start + size],
                    run.start + start,
                    run.start + start + size,
                    run.gap if start == 0 else "\n",
                    run.plus and start == 0,
                    run.repaired,
                    run.glued,
                    run.corrupt,
                )
            )
            start += size
    return parted


def _glued_sizes(digits: str) -> list[int] | None:
    """Return the lengths of the numbers in an unbroken run, when there is exactly one way to part it."""
    # Either all carry a country code or none; or an ID number before a phone could be cut at its "84".
    begins = "84" if digits.startswith("84") else "0"
    ways: list[list[list[int]]] = [[] for _ in range(len(digits) + 1)]
    ways[-1] = [[]]
    for start in range(len(digits) - 10, -1, -1):
        for size in range(10, 16):
            piece = digits[start : start + size]
            if len(piece) == size and ways[start + size] and piece.startswith(begins):
                spelled = _spelled(piece, False)
                if spelled and not spelled.zero_added:
                    ways[start] += [[size, *rest] for rest in ways[start + size][:2]]
        ways[start] = ways[start][:2]
    return ways[0][0] if len(ways[0]) == 1 else None


def _pieces(group: list[_Run]) -> list[tuple[int, int]]:
    """Part a group into numbers.

    As many digits as possible go into whole numbers; then as few marks that part numbers as possible lie inside one;
    then as many digits as possible in long runs; then few pieces; then the number that begins first.
    """
    size = len(group)
    hard = [bool(_HARD.search(run.gap)) for run in group]
    best: list[tuple[tuple[int, int, int, int], int]] = [((0, 0, 0, 0), size)] * (size + 1)
    for start in range(size - 1, -1, -1):
        options: list[tuple[tuple[int, int, int, int], bool, int]] = []
        digits = ""
        crossed = 0
        for end in range(start + 1, size + 1):
            run = group[end - 1]
            digits += run.digits
            if end > start + 1:
                if len(digits) > _LONGEST_JOINED or run.plus:
                    break
                crossed += hard[end - 1]
            phone, uncrossed, other, pieces = best[end][0]
            is_set_off = (start == 0 or hard[start]) and (end == size or hard[end])
            if _makes_number(group[start:end], digits, is_set_off):
                options.append(((phone + len(digits), uncrossed - crossed, other, pieces - 1), True, end))
            if end == start + 1:
                long = len(digits) if len(digits) >= 6 else 0
                options.append(((phone, uncrossed, other + long, pieces - 1), False, end))
        score, _, end = max(options)
        best[start] = (score, end)
    pieces_found = []
    start = 0
    while start < size:
        end = best[start][1]
        pieces_found.append((start, end))
        start = end
    return pieces_found


def _makes_number(runs: list[_Run], digits: str, is_set_off: bool) -> bool:
    if len(digits) < 8:
        return False
    spelled = _spelled(digits, runs[0].plus)
    if spelled is None:
        return False
    if len(runs) == 1 or not spelled.zero_added:
        return True
    # Without the 0 that begins a number, only a tidy spelling is one: 905 123 456, 905/771/482; not a landline of six
    # or seven digits with an extension (822001-105), nor one after a country code (84 3822001).
    gaps = {run.gap for run in runs[1:]}
    is_hard = any(_HARD.search(gap) for gap in gaps)
    first = runs[0].digits
    is_tidy = len(gaps) == 1 and len(runs) > 2 if is_hard else True
    return is_set_off and is_tidy and first != "84" and (3 if first[0] == "1" else 2) <= len(first) <= 4


def _judge_pieces(
    group: list[_Run], pieces: list[tuple[int, int]], before: str, after: str, reading: _Plan
) -> list[_Found]:
    found: list[_Found] = []
    rest: list[tuple[int, int]] = []
    numbers = {
        piece: spelled
        for piece in pieces
        if (spelled := _spelled("".join(run.digits for run in group[slice(*piece)]), group[piece[0]].plus))
    }
    refused_join = False
    for index, piece in enumerate(pieces):
        runs = group[slice(*piece)]
        digits = "".join(run.digits for run in runs)
        spelled = numbers.get(piece)
        if spelled is None or not _makes_number(runs, digits, True):
            rest.append(piece)
            continue
        piece_before = before if index == 0 else ""
        piece_after = after if index == len(pieces) - 1 else ""
        verdict = _judge(spelled, runs, piece_before, piece_after, reading)
        if verdict.local and not _stands_alone(group, pieces, index, numbers, spelled, before):
            refused_join = True
            rest.append(piece)
            continue
        tails: tuple[str, ...] = ()
        if verdict.local:
            # "0905123456 - 12 Trần Phú" has an address, not a tail.
            tails = () if _STARTS_WITH_WORD.match(after) else _tails(verdict.local, group, pieces, index, reading)
        found.append(_Found(verdict, True, spelled.local, bool(_NO_LONGER_USED_BEFORE.search(piece_before)), tails))
    if found and not refused_join:
        # What is left beside a number is an extension, a list's bullet, an ID card: it changes nothing.
        return found
    return found + _judge_rest(group, rest, refused_join and not found, before, after, reading)


def _judge(spelled: _Spelled, runs: list[_Run], before: str, after: str, reading: _Plan) -> _Verdict:
    if any(run.corrupt for run in runs) or any(run.glued for run in runs[1:-1]):
        return _Verdict(None, "bad_chars", ())
    verdict = _classify(spelled.local, reading)
    if spelled.zero_added:
        if any(run.glued for run in runs):
            return _Verdict(None, "bad_chars", ())
        digits = spelled.local[1:]
        is_id_series = digits[:2] in plan.ID_SERIES_LIKE_MOBILES or digits[:2] in reading.own_id_series
        if len(digits) == 9 and digits[0] == "3" and not spelled.local.startswith(reading.own_codes or ("?",)):
            before_10_digits = reading.era < _Era.TEN_DIGITS
            plain = all(run.gap == " " for run in runs[1:]) and not _PHONE_LABEL_BEFORE.search(before)
            if before_10_digits or (is_id_series and plain):
                return _Verdict(None, "id_card_like", ())
        if len(digits) == 10 and digits[0] in "12" and len(runs) == 1 and not verdict.local and _begins_with_day(digits):
            return _Verdict(None, "not_a_phone", ())
    elif not spelled.prefix_84 and len(spelled.local) == 10 and spelled.local[:3] in ("030", "031", "050"):
        # Hardly any phones, but the tax codes of Ho Chi Minh City and Hà Tây.
        if verdict.local and _is_tax_code(spelled.local):
            return _Verdict(None, "not_a_phone", ())
    if verdict.local or verdict.refusal == "ambiguous_landline":
        if _is_labelled_landline(before, after) and spelled.local.startswith(_OLD_CODES):
            return _Verdict(None, "landline", ())
    if verdict.refusal == "service_1800_1900":
        return verdict
    notes: list[Note] = list(verdict.notes)
    if spelled.prefix_84:
        notes.append("prefix_84")
    if spelled.zero_added:
        notes.append("leading_zero_added")
    if any(run.repaired for run in runs):
        notes.append("letters_repaired")
    return verdict._replace(notes=tuple(notes))


_OLD_CODES: Final = (*plan.THREE_DIGIT_OLD_CODES, "08")


def _is_labelled_landline(before: str, after: str) -> bool:
    return bool(_LANDLINE_LABEL_BEFORE.search(before) or _LANDLINE_LABEL_AFTER.match(after))


def _stands_alone(
    group: list[_Run],
    pieces: list[tuple[int, int]],
    index: int,
    numbers: dict[tuple[int, int], _Spelled],
    spelled: _Spelled,
    before: str,
) -> bool:
    """Whether a number is set off from what stands beside it, so that it is no slice of a longer thing."""
    start, end = pieces[index]
    if end == start + 1 and not spelled.zero_added:
        return True
    if any(_HARD.search(run.gap) for run in group[start + 1 : end]):
        # 0905/771/482 is one number only if nothing else stands there.
        return all(piece in numbers for piece in pieces)

    def set_off(gap: str, neighbour: tuple[int, int]) -> bool:
        digits = sum(len(run.digits) for run in group[slice(*neighbour)])
        return neighbour in numbers or digits in (9, 12) or bool(_HARD.search(gap))

    left = index == 0 or set_off(group[start].gap, pieces[index - 1])
    if not left and start == 1 and len(group[0].digits) <= 3 and group[0].digits[0] != "0":
        # "anh 7 0905 123 456", "Số nhà 12 0905 123 456", "1. 0905 123 456"
        left = bool(_ENDS_WITH_WORD.search(before) or _BULLET_GAP.fullmatch(group[1].gap)) and not spelled.zero_added
    right = index == len(pieces) - 1 or set_off(group[end].gap, pieces[index + 1])
    return left and (right or _ends_in_tails(group, pieces[index + 1 :]))


_TAIL_GAP: Final = re.compile(r" ?[-/] ?")
_BULLET_GAP: Final = re.compile(r"[.)] ?| [(]")
_STARTS_WITH_WORD: Final = re.compile(r" *[^\W\d_]")
_ENDS_WITH_WORD: Final = re.compile(r"[^\W\d_][ .:]*$")


def _ends_in_tails(group: list[_Run], pieces: list[tuple[int, int]]) -> bool:
    return all(
        end == start + 1 and len(group[start].digits) <= 4 and _TAIL_GAP.fullmatch(group[start].gap)
        for start, end in pieces
    )


def _tails(
    local: str, group: list[_Run], pieces: list[tuple[int, int]], index: int, reading: _Plan
) -> tuple[str, ...]:
    """Complete the short tails after a number: ``0905123456-09`` also says 0905123409."""
    numbers = []
    for start, end in pieces[index + 1 :]:
        tail = group[start]
        is_year = len(tail.digits) == 4 and tail.digits[:2] in ("19", "20")
        is_branch = tail.digits.startswith("00") or (len(tail.digits) == 3 and tail.digits.startswith("11"))
        if end != start + 1 or not 2 <= len(tail.digits) <= 4 or not _TAIL_GAP.fullmatch(tail.gap):
            break
        if is_year or is_branch:
            break
        verdict = _classify(local[: -len(tail.digits)] + tail.digits, reading)
        if verdict.local:
            numbers.append(verdict.local)
    return tuple(numbers)


def _judge_rest(
    group: list[_Run], rest: list[tuple[int, int]], as_one: bool, before: str, after: str, reading: _Plan
) -> list[_Found]:
    """Name what the digits are that make no number."""
    segments: list[list[_Run]] = []
    for piece in rest:
        runs = group[slice(*piece)]
        is_new = not segments or (not as_one and _HARD.search(runs[0].gap))
        if is_new:
            segments.append(list(runs))
        else:
            segments[-1] += runs
    if any(sum(len(run.digits) for run in segment) < 6 for segment in segments):
        segments = [[run for segment in segments for run in segment]]
    found = []
    for segment in segments:
        digits = "".join(run.digits for run in segment)
        refusal = _refuse_digits(digits, segment[0].plus, reading)
        if refusal == "id_card_like" and digits.startswith("01") and _PHONE_LABEL_BEFORE.search(before):
            refusal = "too_short"
        if refusal == "too_short" and len(digits) >= 6 and _is_labelled_landline(before, after):
            refusal = "landline"
        if any(run.glued or run.corrupt for run in segment):
            # "KH160915001" is a code, "0905771*** (con)" a number that somebody hid.
            refusal = refusal if refusal in ("id_card_like", "not_a_phone") and len(digits) >= 9 else "bad_chars"
            refusal = "not_a_phone" if refusal == "id_card_like" else refusal
        found.append(_other(refusal, digits))
    return found
