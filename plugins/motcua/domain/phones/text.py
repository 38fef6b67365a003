"""Split a phone field's text into its runs of digits, and read what the words around them say.

Characters are cleaned and mistyped letters are corrected. Dates, dossier codes, and mail and web addresses are removed.
Labels, such as "CMND" or "MST", show the kind of a number. No rule here depends on the numbering plan.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from motcua.domain.phones.numbers import is_day_and_month

# --- Characters -----------------------------------------------------------------------------------

_ZEROS_OF_OTHER_KEYBOARDS: Final = "ОоΟο"  # Cyrillic and Greek


class _CleanChars(dict[int, str]):
    """Table for ``str.translate`` that cleans characters. The table is filled as new characters occur."""

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
            clean = "O" if char in _ZEROS_OF_OTHER_KEYBOARDS else char
        self[code] = clean
        return clean


class _FoldedChars(dict[int, str]):
    """Table that maps each character to one lower-case letter without marks, so that positions do not change."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = "d" if char in "đĐ" else unicodedata.normalize("NFD", char)[0].lower()[0]
        self[code] = folded
        return folded


_CLEAN_CHARS: Final = _CleanChars()
_FOLDED_CHARS: Final = _FoldedChars()

_AMOUNT: Final = re.compile(r"(?<!\d)(?<!\d[.,])([1-9]\d{7,13})[.,]0+(?!\d|[.,]\d)")
_THOUSANDS: Final = re.compile(r"(?<!\d)(?<!\d[.,])1([.,])(\d{3})\1(\d{3})\1(\d{3})(?:[.,]0+)?(?!\d|[.,]\d)")
"""Ten digits in groups of three with a single first digit: an 11-digit mobile that lost its 0. Nine digits in groups of
three are a usual spelling and do not match."""
_SCIENTIFIC: Final = re.compile(r" *(\d)[.,](\d{1,14})[eE]\+?(\d{1,2}) *")
_DIGITS_AND_LOOKALIKES: Final = re.compile(r"[0-9OoIl]+")
_LOOKALIKE_GROUP: Final = re.compile(
    r"(?<=[0-9][ .\-])(?:[Oo]{2,4}|[lI]{2,4})(?=[ .\-][0-9])|(?<=[0-9][.\-])(?:[Oo]{2,4}|[lI]{2,4})$"
)
_NAME: Final = re.compile(r"(?=[^\W\d_])(?:(?![a-zà-ỹ])\w)[a-zà-ỹ]+")
_LETTERS_TO_DIGITS: Final = str.maketrans("OoIl", "0011")


def clean_text(field: str) -> str:
    """Convert a field to NFKC with plain digits, spaces and hyphens, and without invisible characters."""
    return unicodedata.normalize("NFKC", field).translate(_CLEAN_CHARS).replace("(084)", " +84 ").strip()


def _undo_spreadsheet(text: str) -> str:
    """Restore digits that a spreadsheet formatted: ``905123456.0``, ``1.694.253.871``, ``9.05123456E8``."""
    text = _AMOUNT.sub(r"\1", _THOUSANDS.sub(r"1\2\3\4", text))
    if match := _SCIENTIFIC.fullmatch(text):
        digits, exponent = match[1] + match[2], int(match[3])
        # If there are fewer digits than the exponent demands, the spreadsheet rounded the last digits away.
        return digits if len(digits) == exponent + 1 else text
    return text


def _repair_letters(text: str) -> tuple[str, frozenset[int]]:
    """Write 0 for O and o, and 1 for l and I, inside runs of digits only. Return the text and the changed positions."""
    repaired: set[int] = set()

    def repair(match: re.Match[str]) -> str:
        run, start, end = match[0], match.start(), match.end()
        before = text[max(0, start - 20) : start]
        # In "ĐTO905123456" a label precedes the number without a space and is no part of it.
        in_word = before[-1:].isalpha() and not _PHONE_LABEL_AT_END.search(before.translate(_FOLDED_CHARS))
        # In "o905123456Lan" a name follows the number without a space and is no part of it.
        in_word = in_word or (text[end : end + 1].isalpha() and not _NAME.match(text, end))
        if in_word or run.isdecimal() or not any(char.isdecimal() for char in run):
            return run
        repaired.update(range(start, end))
        return run.translate(_LETTERS_TO_DIGITS)

    def repair_group(match: re.Match[str]) -> str:
        repaired.update(range(match.start(), match.end()))
        return match[0].translate(_LETTERS_TO_DIGITS)

    text = _DIGITS_AND_LOOKALIKES.sub(repair, text)
    return _LOOKALIKE_GROUP.sub(repair_group, text), frozenset(repaired)


# --- Items that are removed before the rules about digits -----------------------------------------

TAKEN_OUT: Final = "\ue000"
"""Replaces each character of a removed item. Nobody types this character."""

_MAIL_NAME: Final = r"(?<![a-z0-9._%+-])[a-z0-9._%+-]"
_MAIL: Final = re.compile(
    rf"{_MAIL_NAME}+@[a-z0-9-]+(?:\.[a-z0-9.-]*|(?<=gmail|yahoo))"
    rf"|{_MAIL_NAME}*(?:gmail|yahoo|hotmail|outlook|icloud)\.com"
)
_WEB: Final = re.compile(r"(?:https?://|www\.|\b(?:facebook|fb|m\.me)\.com/)(?!zalo\.me)[^ \n]+")
_BEGINS: Final = r"(?<!\d)(?<!\d[./_-])"
_ENDS: Final = r"(?![./_-]?\d)"
# These borders keep an item in the text if digits are so near that the item may be part of a number.
_STANDS_APART_BEFORE: Final = r"(?<!\d)(?<!\d[\W_])(?<!\d[\W_]{2})"
_STANDS_APART_AFTER: Final = r"(?![\W_]{0,2}\d)"
_DAY_FIRST: Final = re.compile(
    rf"{_BEGINS}(?P<day>\d\d?) ?[./-] ?(?P<month>\d\d?) ?[./-] ?(?:19|20)\d\d{_ENDS}"
    r"(?:[ ,t-]*\d\d?[:hg]\d\d(?::\d\d)?)?"
)
_YEAR_FIRST: Final = re.compile(
    rf"{_BEGINS}(?:19|20)\d\d[./-](?P<month>\d\d?)[./-](?P<day>\d\d?){_ENDS}"
    r"(?:[ t]?\d\d?:\d\d(?::\d\d(?:\.\d+)?)?z?)?"
)
_SHORT_DATE: Final = re.compile(
    rf"{_STANDS_APART_BEFORE}(?P<day>\d\d?)[./-](?P<month>\d\d?)[./-]\d\d{_STANDS_APART_AFTER}"
)
_CLOCK: Final = re.compile(
    r"(?<!\d)(?:[01]?\d|2[0-3])(?::[0-5]\d(?::[0-5]\d)?|[hg](?:[0-5]\d)?)(?![a-z\d])"
    r"|(?<![\d./])24/(?:7|24)(?![./-]?\d)"
)
_AGE: Final = re.compile(r"(?<!\d)[1-9]\d ?tuoi(?![a-z])")
# Form of dossier codes by Thông tư 01/2018/TT-VPCP, art. 19, with agency codes of QCVN 102:2016/BTTTT or
# QĐ 20/2020/QĐ-TTg. Procedure codes match too.
_DOSSIER_CODE: Final = re.compile(
    r"(?<![a-z\d])(?:\d{1,3}\.){0,4}[a-z]\d\d(?:\.\d{1,3}){0,3}"
    r"[-_ ]{1,3}\d{6}(?:\d\d)?[-_ ]{1,3}\d{3,7}(?!\d)"
    r"|(?<![a-z\d.])(?:\d{1,6}\.){2,5}[a-z]\d\d(?!\d)"
    r"|(?<![a-z\d.])[a-z]\d\d(?:\.\d{1,3}){1,3}(?![.\d])"
    rf"|{_STANDS_APART_BEFORE}[1-9]\.\d{{6}}{_STANDS_APART_AFTER}"
)
_SERIAL_OF_YEAR: Final = re.compile(
    rf"{_BEGINS}(?<!\d )(?:\d{{1,6}}/20[0-4]\d|20[0-4]\d[./-]\d{{3,6}}|\d{{1,6}}/\d\d?/20[0-4]\d){_ENDS}"
)
_SERIAL_OF_DAY: Final = re.compile(rf"{_BEGINS}(?:20)?[12]\d(?P<month>\d\d)(?P<day>\d\d)[._/-]\d{{3,7}}{_ENDS}")
_DECISION: Final = re.compile(
    rf"{_STANDS_APART_BEFORE}\d{{1,5}}(?:/(?:19|20)\d\d)?/(?:qd|gp|cv|tb|bc|nq|gxn)-[a-z]{{2,}}"
)
_TAX_BRANCH: Final = re.compile(rf"{_BEGINS}\d{{10}} ?- ?00\d(?!\d)")


def _blank(match: re.Match[str]) -> str:
    return TAKEN_OUT * len(match[0])


def _blank_day(match: re.Match[str]) -> str:
    return _blank(match) if is_day_and_month(match["day"], match["month"]) else match[0]


def _take_out(folded: str) -> str:
    """Remove mail and web addresses, dates, times, ages, codes and numbers of documents. Positions do not change."""
    if "@" in folded or ".com" in folded:
        folded = _MAIL.sub(_blank, folded)
    if "/" in folded or "www" in folded:
        folded = _WEB.sub(_blank, folded)
    folded = _take_out_codes(folded)
    folded = _TAX_BRANCH.sub(_blank, folded)
    folded = _SHORT_DATE.sub(_blank_day, folded)
    folded = _CLOCK.sub(_blank, folded)
    return _AGE.sub(_blank, folded)


def _take_out_codes(folded: str) -> str:
    """Remove dossier codes, whole dates and numbers of documents."""
    folded = _DOSSIER_CODE.sub(_blank, folded)
    folded = _DAY_FIRST.sub(_blank_day, folded)
    folded = _YEAR_FIRST.sub(_blank_day, folded)
    folded = _SERIAL_OF_DAY.sub(_blank_day, folded)
    folded = _DECISION.sub(_blank, folded)
    return _SERIAL_OF_YEAR.sub(_blank, folded)


def mended_text(text: str) -> tuple[str, str]:
    """Return a cleaned text with corrected letters, and the same text folded, with codes and dates removed.

    The folded text has lower-case letters without marks. It still contains mail and web addresses, because a phone
    number inside an address counts. Each character has the same position in both texts.
    """
    text, _ = _repair_letters(clean_text(text))
    return text, _take_out_codes(text.translate(_FOLDED_CHARS))


# --- Words that name the kind of a number ---------------------------------------------------------

LabelKind = Literal["id", "tax", "account", "code", "day"]
_LABEL_WORDS: Final[dict[LabelKind, str]] = {
    "id": r"cmnd|cmtnd|cmt|cccd|cmqd|gttt|can cuoc(?: cong dan)?|chung minh(?: nhan dan| thu)?"
    r"|dinh danh(?: ca nhan)?|ho chieu|passport|id card",
    "tax": r"mst|ma so thue|msdn|ma so doanh nghiep|ma so dn|dkkd|gpkd|tax(?: code| id)?",
    "account": r"stk|so tk|tk|(?:so )?tai khoan|account|ngan hang|vietcombank|vcb|agribank|bidv|vietinbank"
    r"|techcombank|sacombank|mbbank|acb",
    "code": r"ma (?:so )?(?:hs|ho so)|mhs|so (?:hs|ho so)|(?<!chu )(?<!nop )(?<!nhan )(?:ho so|hs)"
    r"|(?:so )?bien nhan|so bn|(?:so )?giay (?:tiep nhan|hen|phep)|ma tthc|ma thu tuc|ma so|mckh"
    r"|(?:so )?quyet dinh|so qd|so seri|gplx|bhyt|bhxh|bien so|ho khau|so shk|so thua|hop dong|so hd",
    "day": r"ngay(?: sinh| cap)?|sinh (?:ngay|nam)|nam(?: sinh)?|ns|thang|tuoi",
}
_PHONE_WORDS: Final = (
    r"s?dt(?:dd|cd|lh|nr|b)?|dien thoai|di dong|dd|tel|telephone|phone|mobile|mob|cell|hp|zalo|viber|whatsapp"
    r"|hotline|lh|lien he|lien lac|goi|so may|so|call|sms|fax|may|nhan tin"
)
# Characters and words that may stand between a label and its number: "MST là: 42…", "CMND số 225…".
_AFTER_LABEL: Final = r"(?:[^\w,;|\n]|_|\b(?:so|la|no|number)\b)*"
_LABEL_BEFORE: Final[tuple[tuple[LabelKind, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(rf"(?<![a-z])(?:{words}){_AFTER_LABEL}{'[a-z]?' if kind == 'id' else ''}$"))
    for kind, words in _LABEL_WORDS.items()
)
# If other words stand between a label and its digits, only unambiguous words count as a label, and only before digits
# of the right length.
_LABEL_FAR_BEFORE: Final[tuple[tuple[LabelKind, re.Pattern[str], tuple[int, ...]], ...]] = (
    ("id", re.compile(r"(?<![a-z])(?:cmnd|cmtnd|cccd|can cuoc|chung minh)(?![a-z])"), (9, 12)),
    ("tax", re.compile(r"(?<![a-z])(?:mst|ma so thue)(?![a-z])"), (10, 13)),
    ("account", re.compile(r"(?<![a-z])(?:stk|so tai khoan)(?![a-z])"), tuple(range(6, 20))),
)
# "0905123456 (hồ sơ)" is a phone number of a dossier, so "hồ sơ" alone is no label after a number.
_WORDS_AFTER: Final[dict[LabelKind, str]] = {
    "id": _LABEL_WORDS["id"],
    "tax": _LABEL_WORDS["tax"],
    "account": _LABEL_WORDS["account"],
    "code": r"ma (?:so )?(?:hs|ho so)|(?:so )?bien nhan",
}
_LABEL_AFTER: Final[tuple[tuple[LabelKind, re.Pattern[str]], ...]] = tuple(
    (kind, re.compile(rf"[\s([\-:,]*(?:(?:so|la) )*(?:{words})(?![a-z])\s*(?:[)\]]|$)"))
    for kind, words in _WORDS_AFTER.items()
)
_PHONE_LABEL: Final = re.compile(rf"(?<![a-z])(?:{_PHONE_WORDS})(?![a-z])")
_PHONE_LABEL_AT_END: Final = re.compile(rf"(?<![a-z])(?:{_PHONE_WORDS})$")
_PHONE_LABEL_BEFORE: Final = re.compile(rf"(?<![a-z])(?:{_PHONE_WORDS}){_AFTER_LABEL}$")
_LANDLINE_LABEL_BEFORE: Final = re.compile(
    rf"(?<![a-z])(?:(?:s?dt|dien thoai|may|so) ?(?:de )?ban|co dinh|s?dtcd|dtb|fax){_AFTER_LABEL}$"
)
_LANDLINE_LABEL_AFTER: Final = re.compile(
    # No digits may follow the words, because the words would then belong to those digits.
    r"[\s([\-:,]*(?:(?:so|dt|dien thoai) )?(?:may (?:de )?ban|co dinh|dt ban|fax)(?![a-z])(?![\W_]*\d)"
)
_NO_LONGER_USED_BEFORE: Final = re.compile(rf"(?<![a-z])(?:(?:so|sdt|dt|sim) cu|cu){_AFTER_LABEL}$")
_CLAUSE_ENDS: Final = re.compile(rf"[,;|\n{TAKEN_OUT}]")


@dataclass(frozen=True, slots=True)
class Words:
    """The folded words right before and right after some runs of digits."""

    before: str
    after: str

    @property
    def name_phone(self) -> bool:
        """Return whether a word for a phone stands right before the digits."""
        return bool(_PHONE_LABEL_BEFORE.search(self.before))

    @property
    def name_landline(self) -> bool:
        """Return whether the words name a landline: "máy bàn", "cố định", "fax"."""
        return bool(_LANDLINE_LABEL_BEFORE.search(self.before) or _LANDLINE_LABEL_AFTER.match(self.after))

    @property
    def name_no_longer_used(self) -> bool:
        """Return whether the words say that the number is no longer used: "số cũ"."""
        return bool(_NO_LONGER_USED_BEFORE.search(self.before))

    def label(self, runs: Sequence[str], nothing_follows: bool) -> LabelKind | None:
        """Find the label of some runs of digits. If there is a label, no rule about the digits themselves is applied.

        ``nothing_follows``: no digits come after, so that words after the runs may be their label.
        """
        clause = _CLAUSE_ENDS.split(self.before)[-1]
        digits = "".join(runs)
        total = len(digits)
        may_be_day = total < 3 or (total == 4 and digits[:2] in ("19", "20"))
        for kind, pattern in _LABEL_BEFORE:
            match = pattern.search(clause)
            # The digits in "SĐT hồ sơ: 0905…" and "anh Nam 0905…" are phone numbers.
            is_bare = match and kind == "code" and match[0].startswith(("ho so", "hs"))
            is_phone = match and is_bare and _PHONE_LABEL.search(clause[: match.start()])
            if match and not is_phone and (kind != "day" or may_be_day):
                return kind
        for kind, pattern, fitting in _LABEL_FAR_BEFORE:
            match = pattern.search(clause)
            if match and total in fitting and not _PHONE_LABEL.search(clause, match.end()):
                # In "MST 4200123456 và 0905123456" the label already has its number.
                has_number = sum(map(str.isdigit, clause[match.end() :])) > 7
                if not has_number:
                    return kind
        if len(runs) == 1 and nothing_follows:
            return next((kind for kind, pattern in _LABEL_AFTER if pattern.match(self.after)), None)
        return None


# --- Runs of digits -------------------------------------------------------------------------------


class Touch(IntEnum):
    """Kind of the character or word next to a run of digits. A higher value makes a number less likely."""

    NOTHING = 0
    DOUBT = 1
    """A question mark."""
    WORD = 2
    LETTERS = 3
    """One or two letters that are no label."""
    MASK = 4
    """A character that may stand for digits. The run is then never a number."""


@dataclass(slots=True)
class DigitRun:
    """One unbroken run of digits, with the text between it and the run before."""

    digits: str
    start: int
    end: int
    gap: str
    plus: bool = False
    repaired: bool = False
    touch: Touch = Touch.NOTHING

    @property
    def parted(self) -> bool:
        """Return whether a separator of numbers (``/ ; , |``, or a dash between spaces) stands before the run."""
        return bool(_PARTING_MARK.search(self.gap))


_DIGITS: Final = re.compile(r"[0-9]+")
_BREAK: Final = re.compile(rf"[^\W\d_]|[*?{TAKEN_OUT}]")
_PARTING_MARK: Final = re.compile(r"[/;,|&+\n]|\s-|-\s|--")
_WORD_AT_END: Final = re.compile(r"[^\W\d_]+$")
_WORD_AT_START: Final = re.compile(r"[^\W\d_]+")
_PLUS_AT_END: Final = re.compile(r"\+([ (]*)$")
_MASK_WORD: Final = re.compile(r"x+")
_MASK_BETWEEN: Final = re.compile(r"[\W_]*(?:x{2,}|\*)[\W_x]*")
_LABEL_WORD: Final = re.compile(rf"(?:{_PHONE_WORDS}|{'|'.join(_LABEL_WORDS.values())}|va|hoac|v)")
# Runs beyond this number are not read. A field with more runs is no phone field, and reading it would take long.
_MOST_RUNS: Final = 1000
_FARTHEST_WORD: Final = 60


@dataclass(frozen=True, slots=True)
class FieldText:
    """A field's text in lower-case letters without marks, with its runs of digits."""

    folded: str
    runs: tuple[DigitRun, ...]

    @property
    def has_something_taken_out(self) -> bool:
        """Return whether a date, an address or a code was recognised."""
        return TAKEN_OUT in self.folded

    def groups(self) -> Iterator[list[DigitRun]]:
        """Yield groups of runs that have no word, mask or removed item between them."""
        group: list[DigitRun] = []
        for run in self.runs:
            if group and _BREAK.search(run.gap):
                yield group
                group = []
            group.append(run)
        if group:
            yield group

    def words_around(self, group: Sequence[DigitRun]) -> Words:
        """Return the words near a group."""
        start, end = group[0].start, group[-1].end
        before = self.folded[max(0, start - _FARTHEST_WORD) : start].rpartition(TAKEN_OUT)[2]
        return Words(before, self.folded[end : end + _FARTHEST_WORD])


def take_apart(text: str) -> FieldText:
    """Find the runs of digits in a cleaned text."""
    text, repaired = _repair_letters(_undo_spreadsheet(text))
    folded = _take_out(text.translate(_FOLDED_CHARS))
    matches = list(itertools.islice(_DIGITS.finditer(folded), _MOST_RUNS))
    gaps = [folded[: matches[0].start()]] if matches else []
    gaps += [folded[left.end() : right.start()] for left, right in itertools.pairwise(matches)]
    if matches:
        gaps.append(folded[matches[-1].end() :])
    runs = []
    for index, match in enumerate(matches):
        before, after = gaps[index], gaps[index + 1]
        previous = matches[index - 1][0] if index else ""
        following = matches[index + 1][0] if index + 1 < len(matches) else ""
        touch_before = _touching(before, _WORD_AT_END.search(before), before[-1:], previous, match[0])
        touch_after = _touching(after, _WORD_AT_START.match(after), after[:1], following, match[0])
        plus = _PLUS_AT_END.search(before)
        runs.append(
            DigitRun(
                match[0],
                match.start(),
                match.end(),
                before,
                # In "0905123456 + 914123456" the plus means "and".
                plus=plus is not None and not (index and plus[1] and not match[0].startswith("84")),
                repaired=not repaired.isdisjoint(range(match.start(), match.end())),
                touch=max(touch_before, touch_after),
            )
        )
    return FieldText(folded, tuple(runs))


def _touching(gap: str, word: re.Match[str] | None, nearest: str, beyond: str, digits: str) -> Touch:
    """Return what stands next to digits on one side. ``beyond``: the digits on the other side of the gap, if any."""
    # In "0905771*** / 0914123456" the signs *** belong to the first number and do not touch the second one.
    is_apart = _may_be_whole(digits) and _PARTING_MARK.search(gap)
    if nearest == "*" or (beyond and not is_apart and _MASK_BETWEEN.fullmatch(gap)):
        return Touch.MASK
    if nearest == "?":
        return Touch.DOUBT
    if word is None or _LABEL_WORD.fullmatch(word[0]):
        return Touch.NOTHING
    if _MASK_WORD.fullmatch(word[0]):
        return Touch.MASK
    if len(word[0]) > 2:
        return Touch.WORD
    # In "09A5123456" one or two letters between digits stand for digits, unless both sides are whole numbers.
    is_between = bool(beyond) and len(word[0]) == len(gap)
    return Touch.MASK if is_between and not (_may_be_whole(beyond) and _may_be_whole(digits)) else Touch.LETTERS


def _may_be_whole(digits: str) -> bool:
    return len(digits) in (10, 11) and digits[0] in "08"


# --- Fields that only say that there is no number -------------------------------------------------

_NOTHING: Final = re.compile(
    r"(?:khong|khg|kh|ko|k|kg|hong|hok|hem|chua|no|none|null|nil|nan|na|n ?/ ?a|n\.a\.?|x+|trong|bo trong"
    r"|de trong|mat|tam|blank|empty|unknown|undefined|vo danh|kco|khongco|koco|chuaco)(?![a-z])"
)
_SAYS_NO: Final = re.compile(r"\b(?:khong|ko|k co|chua|bo sung sau|cap nhat|tu choi)\b")
_ZERO_FOR_NO: Final = re.compile(r"\b[0o] ?(?=co\b)|\bk0\b|^o$")


def says_nothing(field: FieldText) -> bool:
    """Return whether a field only says that there is no number: "không có", "0 có", "-", "ĐT:"."""
    digits = "".join(run.digits for run in field.runs)
    if field.has_something_taken_out or len(digits) > 3 or digits.strip("0"):
        return False
    folded = field.folded
    if _ZERO_FOR_NO.search(folded):
        return True
    words = re.sub(r"[^a-z]+", " ", folded).strip()
    if not words:
        return "*" not in folded or not digits
    if _NOTHING.match(folded.strip(" -./:'\"(_#\\")) or _NOTHING.match(words) or _SAYS_NO.search(words):
        return True
    return not digits and not re.sub(r"[\W_]+", "", _PHONE_LABEL.sub(" ", folded))
