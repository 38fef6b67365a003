"""Read a phone field: find the one number that may be texted, or the one reason why there is none.

The types of numbers come from ``phonenumbers``. This package adds two groups of rules. The rules of the first group
need facts that the library does not have: the day on which the number was typed and the agency's province. For example,
a 10-digit 058 number was a Khánh Hòa landline until 2017 and may be a mobile today. The rules of the second group
correct dangerous errors of the library, such as letters read as keypad digits, or dossier codes that count as mobiles.
docs/decisions/phone-reading.md gives the reason for each rule. No rule guesses: if the digits may be the number of
either of two people, nobody is texted.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, get_args

from motcua.domain.phones import numbering_plan as plan
from motcua.domain.phones.numbers import (
    Era,
    Note,
    NumberReading,
    PhoneRefusal,
    ReadingPlan,
    Spelled,
    begins_with_day,
    classify,
    is_day_and_month,
    is_foreign,
    is_tax_code,
    may_be_foreign,
    plan_for,
    refuse_digits,
    spell_local,
)
from motcua.domain.phones.text import (
    TAKEN_OUT,
    DigitRun,
    FieldText,
    LabelKind,
    Touch,
    Words,
    clean_text,
    mended_text,
    says_nothing,
    take_apart,
)

__all__ = [
    "NOTES",
    "REFUSALS",
    "Note",
    "NumberUse",
    "PhoneReading",
    "PhoneRefusal",
    "SharedNumber",
    "find_shared_numbers",
    "hide_phones",
    "holds_phone",
    "mask_for_staff",
    "mask_msisdn",
    "mask_phones",
    "read_phone",
    "to_local",
]

REFUSALS: Final[tuple[PhoneRefusal, ...]] = get_args(PhoneRefusal)
NOTES: Final[tuple[Note, ...]] = get_args(Note)


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """The content of one phone field. Exactly one of ``e164`` and ``refusal`` is set.

    ``alternates`` are the applicant's other numbers that may be texted, in the order in which they were written.
    ``carrier`` is the carrier to which the number's block was first allotted. The carrier is only a hint: since
    16/11/2018 people can keep their number when they change carrier.
    """

    e164: str | None
    refusal: PhoneRefusal | None
    notes: tuple[Note, ...] = ()
    alternates: tuple[str, ...] = ()
    carrier: str | None = None


_MISSING: Final = PhoneReading(None, "missing")
_LONGEST_REMEMBERED: Final = 200


def read_phone(field: str | None, entered_on: date | None, province: str) -> PhoneReading:
    """Read a phone field as its writer meant it. Never raises for any text. Results are cached.

    Args:
        field: the text as it was typed.
        entered_on: local day (Asia/Ho_Chi_Minh) on which it was typed or last edited; None for today.
        province: key (``khanh_hoa``) or Vietnamese name of the agency's province. If unknown, only the day is used.
    """
    if not field:
        return _MISSING
    known = plan.find_province(province)
    key = known.key if known else ""
    if len(field) > _LONGEST_REMEMBERED:
        return _read_cached.__wrapped__(field, _era(entered_on), key)
    return _read_cached(field, _era(entered_on), key)


def mask_msisdn(e164_or_local: str) -> str:
    """Return a number in the only form that logs may contain, ``0905***456``. Never raises."""
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


def mask_for_staff(e164_or_local: str) -> str:
    """Return a number in the form that pages show: its first two and last three digits, ``09•• ••• 482``. Never raises.

    The seven of ten digits that :func:`mask_msisdn` shows in logs would be enough to find the number's owner. The
    argument may already be masked by that function.
    """
    masked = e164_or_local if _MASKED.fullmatch(e164_or_local) else mask_msisdn(e164_or_local)
    begin, end = masked.split("***")
    if not end:
        return "••••"
    return f"{begin[: len(begin) - len(begin.lstrip('+')) + 2]}•• ••• {end}"


def to_local(e164: str) -> str:
    """Return a Vietnamese E.164 number in local form, ``0905123456``; return any other text unchanged."""
    return "0" + e164[3:] if e164.startswith("+84") else e164


# --- Numbers in other texts -----------------------------------------------------------------------

_FEWEST_DIGITS: Final = 8
"""A text with fewer digits than this is not examined for phone numbers."""
_GAP: Final = rf"(?:[^\w{TAKEN_OUT}]|_){{0,5}}"
_LIKE_PHONE: Final = re.compile(
    # A number with its 0 or country code, with its digits in any groups. Landlines, invented numbers and numbers with
    # one digit too few or too many match too.
    rf"(?<![0-9])(?:\+?(?:00{_GAP})?84(?:{_GAP}0)?|0){_GAP}[1-9](?:{_GAP}[0-9]){{7,9}}(?![0-9])"
    # A number of any country after a +.
    rf"|\+{_GAP}[1-9](?:{_GAP}[0-9]){{6,14}}(?![0-9])"
)
_MASKED: Final = re.compile(r"(?<![0-9])\+?[0-9]{2,4}\*{3}[0-9]{2,3}(?![0-9])")
"""Pattern of a number that :func:`mask_msisdn` has masked."""
_LONG_RUN: Final = re.compile(rf"[0-9](?:{_GAP}[0-9]){{{_FEWEST_DIGITS - 1},}}")


def holds_phone(text: str) -> bool:
    """Return whether something in a text looks like a phone number, in any spelling. Never raises.

    This function checks texts in which no number is permitted. If in doubt it returns ``True``, even for digits that
    :func:`read_phone` would refuse. Dossier codes, numbers of documents, dates and times do not count.
    """
    return _mask_or_none(text) is not None


def mask_phones(text: str, show: Callable[[str], str] = mask_msisdn) -> str:
    """Return a text with everything masked that looks like a phone number, ``0905***456``. Never raises.

    A text without a number is returned unchanged. A text with a number is also cleaned: plain digits, no invisible
    characters. ``show`` may give numbers another form. Numbers that were masked before get that form too.
    """
    masked = _mask_or_none(text, show)
    text = text if masked is None else masked
    return text if show is mask_msisdn else _MASKED.sub(lambda number: show(number[0]), text)


def hide_phones(text: str) -> str:
    """Return a text with ``•••`` in place of everything that looks like a phone number.

    Use it for texts of sources, providers and people if the reader must not see any part of a number.
    """
    return mask_phones(text, lambda _: "•••")


def _mask_or_none(text: str, show: Callable[[str], str] = mask_msisdn) -> str | None:
    """Return the text with its numbers masked; ``None`` if nothing in it looks like a number."""
    if sum(map(str.isnumeric, text)) + sum(map(text.count, "OoIl")) < _FEWEST_DIGITS:
        return None
    plain, folded = mended_text(text)
    pieces: list[str] = []
    done = 0
    for found in _LIKE_PHONE.finditer(folded):
        pieces += [plain[done : found.start()], _show_number(found[0], show)]
        done = found.end()
    if pieces:
        return "".join([*pieces, plain[done:]])
    # Other spellings need the full reader: numbers without a 0, and several numbers without a separator.
    if not _LONG_RUN.search(folded) or _read_cached.__wrapped__(text, Era.MERGED_PROVINCES, "").e164 is None:
        return None
    return _LONG_RUN.sub(lambda run: _show_number(run[0], show), plain)


def _show_number(written: str, show: Callable[[str], str]) -> str:
    digits = "".join(filter(str.isdecimal, written))
    spelled = spell_local(digits, "+" in written)
    return show(spelled.local if spelled else written)


# --- Shared numbers -------------------------------------------------------------------------------


class NumberUse(NamedTuple):
    """One dossier's use of a number: the number, the dossier's applicant, and the local day on which the dossier used
    it, if known."""

    e164: str
    owner: str
    used_on: date | None


class SharedNumber(NamedTuple):
    """One number with many owners: the most owners within one window of days, and this window's first and last day."""

    e164: str
    owners: int
    first: date | None
    last: date | None


def find_shared_numbers(
    uses: Iterable[NumberUse], *, at_least: int = 5, within: timedelta = timedelta(days=30)
) -> list[SharedNumber]:
    """Find numbers that at least ``at_least`` different owners used within a time of the length ``within``.

    The result is a warning and not a refusal. Notaries, brokers and service firms share a number legitimately, while a
    desk must not enter its own number. Names that differ only in case, Unicode form or spaces count as one owner. An
    empty name is no owner. Uses without a day form one group of their own. Numbers with the most owners come first.
    """
    by_number: dict[str, list[tuple[date | None, str]]] = defaultdict(list)
    for e164, owner, used_on in uses:
        name = " ".join(unicodedata.normalize("NFC", owner).casefold().split())
        if name:
            by_number[e164].append((used_on, name))
    found = [_most_shared(e164, pairs, within) for e164, pairs in by_number.items() if len(pairs) >= at_least]
    return sorted(
        (shared for shared in found if shared.owners >= at_least),
        key=lambda shared: (-shared.owners, shared.e164),
    )


def _most_shared(e164: str, pairs: Sequence[tuple[date | None, str]], within: timedelta) -> SharedNumber:
    most = SharedNumber(e164, len({name for day, name in pairs if day is None}), None, None)
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


# --- Reading a field ------------------------------------------------------------------------------


class _Found(NamedTuple):
    """One number or other item of a field.

    ``tails`` are further numbers that are written as short endings after the number, as in ``0905123456-09``.
    """

    verdict: NumberReading
    is_phone: bool
    digits: str
    no_longer_used: bool = False
    tails: tuple[str, ...] = ()


# Most fields match this pattern and need no other rule. The pattern leaves out blocks whose numbers may be a tax code:
# fields with such numbers are read with all rules.
_PLAIN: Final = re.compile(r"0(?!30|31|50)[35789][0-9]{8}")
# Order in which the refusal is chosen if a field holds several items: an item that looks more like a phone number comes
# first.
_TELLS_MOST: Final[tuple[PhoneRefusal, ...]] = (
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


def _era(entered_on: date | None) -> Era:
    if entered_on is None:
        return Era.MERGED_PROVINCES
    day = entered_on.date() if isinstance(entered_on, datetime) else entered_on
    if day < plan.WIDER_08_BLOCKS_SINCE:
        return Era.UNTIL_2016
    if day < plan.MOBILES_HAVE_10_DIGITS_SINCE:
        return Era.UNTIL_10_DIGITS
    return Era.TEN_DIGITS if day < plan.PROVINCES_MERGED_ON else Era.MERGED_PROVINCES


@lru_cache(maxsize=16384)
def _read_cached(field: str, era: Era, province_key: str) -> PhoneReading:
    reading = plan_for(era, province_key)
    text = clean_text(field)
    if _PLAIN.fullmatch(text):
        return _answer([_Found(classify(text, reading), True, text)])
    taken_apart = take_apart(text)
    found = [item for group in taken_apart.groups() for item in _read_group(group, taken_apart, reading)]
    if not any(item.is_phone for item in found) and says_nothing(taken_apart):
        return _MISSING
    if taken_apart.has_something_taken_out:
        found.append(_refused_item("not_a_phone"))
    return _answer(found or [_refused_item("bad_chars")])


def _answer(found: Sequence[_Found]) -> PhoneReading:
    phones = [item for item in found if item.is_phone]
    textable = sorted((item for item in phones if item.verdict.local), key=lambda item: item.no_longer_used)
    chosen = textable[0] if textable else min(found, key=lambda item: (_rank(item), not item.is_phone))
    written = [local for item in textable if (local := item.verdict.local)]
    numbers = list(dict.fromkeys(written + [tail for item in textable for tail in item.tails]))
    notes = set(chosen.verdict.notes)
    if len({item.verdict.local or item.digits for item in phones}) > 1 or len(numbers) > 1:
        notes.add("two_numbers")
    in_order = tuple(note for note in NOTES if note in notes)
    if not textable:
        return PhoneReading(None, chosen.verdict.refusal, in_order)
    e164s = ["+84" + number[1:] for number in numbers]
    return PhoneReading(e164s[0], None, in_order, tuple(e164s[1:]), plan.carrier_of(numbers[0]))


def _rank(item: _Found) -> int:
    refusal = item.verdict.refusal
    if refusal == "too_short" and len(item.digits) < 5:
        # A short number is probably a house number, so any other item explains the field better.
        return len(_TELLS_MOST)
    return _TELLS_MOST.index(refusal)


def _refused_item(refusal: PhoneRefusal, digits: str = "") -> _Found:
    return _Found(NumberReading(None, refusal), False, digits)


def _digits(runs: Iterable[DigitRun]) -> str:
    return "".join(run.digits for run in runs)


def _joined(runs: Iterable[DigitRun]) -> Iterable[str]:
    """Yield the digits of the first run, of the first two runs, and so on."""
    return itertools.accumulate(run.digits for run in runs)


def _read_group(group: list[DigitRun], field: FieldText, reading: ReadingPlan) -> list[_Found]:
    """Read runs of digits that have no word between them."""
    words = field.words_around(group)
    found: list[_Found] = []
    label = words.label([run.digits for run in group], group[-1] is field.runs[-1])
    if label:
        count = _count_labelled(label, group)
        found.append(_refused_item("id_card_like" if label == "id" else "not_a_phone"))
        group = group[count:]
        words = Words("", words.after)
    if _begins_with_aside(group, words.before) or _begins_with_bullet(group):
        group = group[1:]
        words = Words("", words.after)
    if not group:
        return found
    group = _without_year(group)
    foreign = _count_foreign(group)
    if foreign:
        found.append(_refused_item("foreign"))
        group = group[foreign:]
    if not group:
        return found
    group = [part for run in group for part in _split_glued(run)]
    return found + _read_pieces(_Pieces.of(group), words, reading)


def _begins_with_aside(group: Sequence[DigitRun], before: str) -> bool:
    """Return whether the first run belongs to the word before it: "anh 7 0905 123 456", "Số nhà 12 0905 123 456"."""
    if len(group) < 2 or not _ENDS_WITH_WORD.search(before):
        return False
    first = group[0].digits
    is_small = len(first) <= 2 and first[0] != "0" and first != "84"
    return is_small and not any(map(spell_local, _joined(group)))


def _begins_with_bullet(group: Sequence[DigitRun]) -> bool:
    """Return whether the first run numbers a line of a list: "1. 225 123 456", "(2) 0905 123 456"."""
    if len(group) < 2 or not _BULLET_WITH_SPACE.fullmatch(group[1].gap):
        return False
    first = group[0]
    if len(first.digits) > 2 or first.digits[0] == "0" or first.digits == "84" or first.plus:
        return False
    return not any(_as_number(group[:count], digits, True) for count, digits in enumerate(_joined(group), start=1))


def _without_year(group: list[DigitRun]) -> list[DigitRun]:
    """Return a group without a year of birth that stands at its beginning or end beside a whole number.

    Examples: "Hoa 1979 0914 552 306", "0914 552 306 1979". 1902 and 1903 do not count as years, because account numbers
    begin with them.
    """
    parted = [index for index in range(1, len(group)) if group[index].parted]
    first, last = slice(1, parted[0] if parted else None), slice(parted[-1] if parted else 0, -1)
    if _is_beside_year(group[0], group[1:2], group[first]):
        group = group[1:]
    elif _is_beside_year(group[-1], group[-1:], group[last]):
        group = group[:-1]
    return group


def _is_beside_year(year: DigitRun, after_gap: Sequence[DigitRun], rest: Sequence[DigitRun]) -> bool:
    is_year = _YEAR.fullmatch(year.digits) and any(" " in run.gap for run in after_gap)
    return bool(is_year and rest and _as_number(rest, _digits(rest), True))


def _count_labelled(label: LabelKind, group: Sequence[DigitRun]) -> int:
    """Count the runs of the item that a label, such as "CMND", names. The runs after it may be a phone number."""
    sizes: tuple[int, ...] = ()
    if label == "id":
        sizes = (12, 9) if group[0].digits[0] == "0" else (9, 12)
    elif label == "tax":
        sizes = (13, 10)
    end = next((index for index in range(1, len(group)) if group[index].parted), None)
    count_of_size = {len(digits): count for count, digits in enumerate(_joined(group[:end]), start=1)}
    for size in sizes:
        if size in count_of_size:
            return count_of_size[size]
    return next((index for index in range(1, len(group)) if _ends_label(label, group, index)), len(group))


def _ends_label(label: LabelKind, group: Sequence[DigitRun], index: int) -> bool:
    """Return whether the item that a label names ends before the run at ``index``."""
    run = group[index]
    first = group[0].digits
    if label == "code" and len(first) < 6 and _TIGHT_GAP.fullmatch(run.gap):
        # In "mã HS 16/0905771482" the "/" is a part of the code.
        return False
    if run.parted:
        return True
    if label in ("id", "tax"):
        # In "CMND 22512345 0905123456" a phone number follows an ID number that lacks a digit. In "CMT8 0905123456" it
        # follows the name of a street.
        spelled = spell_local(run.digits)
        return spelled is not None and not spelled.zero_added
    # Account numbers and codes may be written in groups. In "mã HS 056 889 428 068" the digits "889 428 068" are
    # therefore not read as a phone number that lacks its 0.
    may_begin = " " in run.gap and (label != "account" or len(first) > 7)
    return may_begin and bool(_HAS_PREFIX.fullmatch(run.digits))


def _count_foreign(group: Sequence[DigitRun]) -> int:
    """Count the runs of a foreign number at the beginning of a group: ``+82 10 1234 5678``, ``0082…``."""
    count = next((index for index in range(1, len(group)) if group[index].parted), len(group))
    digits = _digits(group[:count])
    if group[0].plus and digits[0] != "0":
        if digits.startswith("84") or len(digits) < 7:
            return 0
        # In "+1 415 555 2671 0905 123 456" the foreign number ends before "0905".
        begun = enumerate(_joined(group[: count - 1]), start=1)
        return next((index for index, joined in begun if group[index].digits[0] == "0" and is_foreign(joined)), count)
    if not digits.startswith("00"):
        return 0
    # Accounts of Vietcombank have 13 digits and begin with the code of a branch, 0011…0091, such as 0061 in Nha Trang.
    is_account = count == 1 and len(digits) == 13 and digits[3] == "1"
    in_groups = count > 1 and len(digits) > 11
    is_number = may_be_foreign(digits[2:]) if in_groups else is_foreign(digits[2:])
    return count if is_number and not is_account else 0


def _is_unmarked_foreign(runs: Sequence[DigitRun]) -> bool:
    """Return whether digits without a + or 00 are a foreign number: in groups, or a mobile number of Korea or China."""
    digits = _digits(runs)
    if not 11 <= len(digits) <= 13:
        return False
    if len(runs) == 1 and not digits.startswith(("8210", "8613")):
        return False
    return not any(run.parted for run in runs[1:]) and is_foreign(digits)


_LONGEST_GLUED: Final = 66


def _split_glued(run: DigitRun) -> list[DigitRun]:
    """Split a run of up to 66 digits into the numbers that were typed without a space between them."""
    sizes = _glued_sizes(run.digits) if len(run.digits) <= _LONGEST_GLUED else None
    if not sizes:
        return [run]
    return [
        replace(run, digits=run.digits[start:end], plus=False)
        for start, end in itertools.pairwise([0, *itertools.accumulate(sizes)])
    ]


def _glued_sizes(digits: str) -> list[int] | None:
    """Return the lengths of the numbers in an unbroken run, if there is exactly one way to split it."""
    # Either all numbers have a country code or none has. Without this rule an ID number before a phone could be split
    # at its "84".
    begins = "84" if digits.startswith("84") else "0"
    ways: list[list[list[int]]] = [[] for _ in range(len(digits))] + [[[]]]
    for start in reversed(range(len(digits))):
        for size in range(10, 14):
            piece = digits[start : start + size]
            if len(piece) < size or not ways[start + size] or not piece.startswith(begins):
                continue
            spelled = spell_local(piece)
            if spelled and not spelled.zero_added:
                # Two ways are enough to refuse the run, so further ways are dropped.
                ways[start] = (ways[start] + [[size, *rest] for rest in ways[start + size]])[:2]
    return ways[0][0] if len(ways[0]) == 1 else None


# --- Numbers of a group ---------------------------------------------------------------------------

_LONGEST_JOINED: Final = 15
# A group is split so that its numbers have as many digits as possible, but this many digits are subtracted for each
# separator inside a number. In "84 663 0096 / 12" the digits around the "/" are therefore not joined to a landline.
_WORTH_OF_A_MARK: Final = 3
_MOST_RUNS_JOINED: Final = 40
_TAIL_GAP: Final = re.compile(r" ?[-/] ?")
_YEAR: Final = re.compile(r"19[3-9][0-9]|20[0-2][0-9]")
_BULLET_GAP: Final = re.compile(r"[.)] ?| \(")
_BULLET_WITH_SPACE: Final = re.compile(r"[.)] +")
_HAS_PREFIX: Final = re.compile(r"0\d*|84(?:\d{9,})?")
_TIGHT_GAP: Final = re.compile(r"[/.-]")
_HIDDEN_BEFORE: Final = re.compile(r"(?:\*{2,}|x{2,})[ .-]{0,2}$")
_HIDDEN_AFTER: Final = re.compile(r"[ .-]{0,2}(?:\*{2,}|x{2,})")
_DASH_WITH_SPACES: Final = re.compile(r" -+ ")
_STARTS_WITH_WORD: Final = re.compile(r" *[^\W\d_]")
_ENDS_WITH_WORD: Final = re.compile(r"[^\W\d_][ .:]*$")
_OLD_CODES: Final = (*plan.THREE_DIGIT_OLD_CODES, "08")
_BLOCKS_LIKE_TAX_CODES: Final = ("030", "031", "050")


class _Pieces(NamedTuple):
    """A group's runs, the pieces into which it is split, and the pieces that are whole numbers."""

    runs: list[DigitRun]
    spans: list[tuple[int, int]]
    numbers: dict[tuple[int, int], Spelled]

    @classmethod
    def of(cls, runs: list[DigitRun]) -> _Pieces:
        """Split a group into pieces."""
        joined = len(runs) <= _MOST_RUNS_JOINED
        spans = _split_group(runs) if joined else [(index, index + 1) for index in range(len(runs))]
        numbers = {}
        for span in spans:
            within = runs[slice(*span)]
            spelled = _as_number(within, _digits(within), True)
            if spelled:
                numbers[span] = spelled
        return cls(runs, spans, numbers)


def _split_group(runs: Sequence[DigitRun]) -> list[tuple[int, int]]:
    """Split a group into numbers.

    The best split puts as many digits as possible into whole numbers, with as few separators as possible inside a
    number. Among equal splits, the split whose first number begins earliest is chosen.
    """
    size = len(runs)
    parted = [run.parted for run in runs]
    # A run after a lone 0 or country code begins no new number: "0/905/771/482", "84,905,771,482".
    opens = ("0", "84", "0084")
    begins = [True, *(_begins_anew(runs, i) and runs[i - 1].digits not in opens for i in range(1, size)), True]
    best: list[tuple[tuple[int, int], int]] = [((0, 0), size)] * (size + 1)
    for start in reversed(range(size)):
        options: list[tuple[tuple[int, int], int]] = [(best[start + 1][0], start + 1)]
        digits = ""
        crossed = 0
        for end in range(start + 1, size + 1):
            digits += runs[end - 1].digits
            if end > start + 1:
                if len(digits) > _LONGEST_JOINED or runs[end - 1].plus:
                    break
                crossed += parted[end - 1]
            if _as_number(runs[start:end], digits, begins[start] and begins[end]):
                worth = max(len(digits) - _WORTH_OF_A_MARK * crossed, 1)
                in_numbers, uncrossed = best[end][0]
                options.append(((in_numbers + worth, uncrossed - crossed), end))
        best[start] = max(options)
    spans = []
    start = 0
    while start < size:
        spans.append((start, best[start][1]))
        start = best[start][1]
    return spans


def _begins_anew(runs: Sequence[DigitRun], index: int) -> bool:
    """Return whether a run begins a new item: it follows a separator, is in brackets, or follows a run in brackets."""
    if runs[index].parted or "(" in runs[index].gap:
        return True
    return runs[index - 1].gap.endswith("(") and runs[index].gap.startswith(")")


def _as_number(runs: Sequence[DigitRun], digits: str, is_set_off: bool) -> Spelled | None:
    """Return runs as one whole number; None if they are none. ``is_set_off``: they are separated from other digits."""
    spelled = spell_local(digits, runs[0].plus) if len(digits) >= 8 else None
    if spelled is None or len(runs) == 1:
        return spelled
    first, last = runs[0].digits, runs[-1].digits
    whole = spell_local(first)
    if whole and not whole.zero_added:
        # In "0351742714 (2 sim)" the first run is a whole number, so it is not joined with the 2 to a landline of 0351.
        return None
    if "(" in runs[-1].gap and len(last) < 5:
        return None
    is_parted = any(run.parted for run in runs[1:])
    if is_parted and len({mark for run in runs[1:] if (mark := run.gap.strip(" ()."))}) > 1:
        # In "05-1951/1989" the two separators differ, so the digits are not one number.
        return None
    is_even = len(runs) > 2 and len({run.gap for run in runs[1:]}) == 1
    if is_parted and not is_even and len(first) > 5:
        return None
    if not spelled.zero_added:
        return spelled
    # Without its leading 0 only a tidy spelling counts as a number: 905 123 456, 905/771/482. A landline of six or
    # seven digits does not count if it has an extension (822001-105) or follows 84 (84 3822001).
    is_tidy = first != "84" and (3 if first[0] == "1" else 2) <= len(first) <= 4 and (is_even or not is_parted)
    return spelled if is_tidy and is_set_off else None


def _read_pieces(pieces: _Pieces, words: Words, reading: ReadingPlan) -> list[_Found]:
    found: list[_Found] = []
    rest: list[DigitRun] = []
    is_doubtful = False
    for index, span in enumerate(pieces.spans):
        runs = pieces.runs[slice(*span)]
        spelled = pieces.numbers.get(span)
        if spelled is None:
            rest += runs
            continue
        near = Words(words.before if index == 0 else "", words.after if index == len(pieces.spans) - 1 else "")
        verdict = _classify_in_context(spelled, runs, near, reading)
        if verdict.local and not _stands_alone(pieces, index, words):
            is_doubtful = True
            rest += runs
            continue
        tails: tuple[str, ...] = ()
        if verdict.local and not _STARTS_WITH_WORD.match(words.after):
            # In "0905123456 - 12 Trần Phú" the 12 belongs to an address and is no other ending of the number.
            tails = _complete_tails(verdict.local, pieces, index, reading)
        found.append(_Found(verdict, True, spelled.local, near.name_no_longer_used, tails))
    if found and not is_doubtful:
        # The digits beside a number are an extension, a list number or an ID card, so no refusal is given for them.
        return found
    return found + _refuse_rest(rest, is_doubtful and not found, words, reading)


def _classify_in_context(
    spelled: Spelled, runs: Sequence[DigitRun], words: Words, reading: ReadingPlan
) -> NumberReading:
    """Classify a whole number by the numbering plan, its spelling and the words beside it."""
    worst = max(run.touch for run in runs)
    if worst == Touch.MASK or (spelled.zero_added and worst == Touch.LETTERS):
        return NumberReading(None, "bad_chars")
    verdict = classify(spelled.local, reading)
    other = _other_reading(spelled, runs, words, verdict, reading)
    if other:
        return NumberReading(None, other)
    if verdict.refusal == "service_1800_1900":
        return verdict
    may_be_landline = verdict.local or verdict.refusal == "ambiguous_landline"
    if may_be_landline and words.name_landline and spelled.local.startswith(_OLD_CODES):
        return NumberReading(None, "landline")
    notes: list[Note] = list(verdict.notes)
    if spelled.prefix_84:
        notes.append("prefix_84")
    if spelled.zero_added:
        notes.append("leading_zero_added")
    if any(run.repaired for run in runs):
        notes.append("letters_repaired")
    return verdict._replace(notes=tuple(notes))


def _other_reading(
    spelled: Spelled, runs: Sequence[DigitRun], words: Words, verdict: NumberReading, reading: ReadingPlan
) -> PhoneRefusal | None:
    """Return a refusal for digits that form a whole number but are more likely something else."""
    local = spelled.local
    if spelled.zero_added:
        digits = local[1:]
        if len(digits) == 9 and digits[0] == "3" and not (reading.own_codes and local.startswith(reading.own_codes)):
            is_id_series = digits[:2] in plan.ID_SERIES_LIKE_MOBILES or digits[:2] in reading.own_id_series
            is_plain = all(run.gap == " " for run in runs[1:]) and not words.name_phone
            if reading.era < Era.TEN_DIGITS or (is_id_series and is_plain):
                return "id_card_like"
        if len(digits) == 10 and len(runs) == 1 and not verdict.local and begins_with_day(digits):
            return "not_a_phone"
    elif verdict.local and not spelled.prefix_84 and local.startswith(_BLOCKS_LIKE_TAX_CODES) and is_tax_code(local):
        # These blocks contain hardly any phones, but many tax codes of Hồ Chí Minh City and Hà Tây.
        return "not_a_phone"
    return None


def _stands_alone(pieces: _Pieces, index: int, words: Words) -> bool:
    """Return whether a number is clearly separated from its neighbours, so that it is no part of a longer item."""
    runs, spans, numbers = pieces
    start, end = spans[index]
    own, is_last = runs[start:end], index == len(spans) - 1
    if len(own) == 1 and not numbers[spans[index]].zero_added:
        return True
    if not _is_grouped_as_usual(own):
        return False
    last = own[-1]
    may_be_address = is_last and bool(_STARTS_WITH_WORD.match(words.after))
    if may_be_address and _DASH_WITH_SPACES.search(last.gap) and len(last.digits) < 3:
        # In "0772 - 4631 - 12 Trần Phú" the 12 is a house number, and the number before it lacks digits.
        return False
    inner = {run.gap for run in own[1:]}
    is_parted = any(run.parted for run in own[1:])
    is_prefix_and_rest = len(own) == 2 and last.gap in ("/", ",")
    if is_parted and (len(own) < 3 or len(inner) > 1) and not is_prefix_and_rest:
        # "0905 - 123456" is one number only if no other digits are near. "0905 123 - 456 Trần Phú" is no number.
        return len(numbers) == len(spans) and not (may_be_address and len(last.digits) < 5)
    if not (is_last or _is_set_off(pieces, end, spans[index + 1], inner) or all(map(_is_tail, runs[end:]))):
        return False
    if index == 0 or _is_set_off(pieces, start, spans[index - 1], inner):
        return True
    return _follows_its_own(pieces, index, inner, words, is_tidy=own[0].digits[0] == "0" and not is_parted)


def _is_set_off(pieces: _Pieces, at: int, neighbour: tuple[int, int], inner: Collection[str]) -> bool:
    """Return whether a neighbour is a separate item, or is separated by a mark that the number itself does not use.

    Args:
        pieces: pieces of the group.
        at: index of the run at which the later of the two neighbours begins.
        neighbour: the piece beside the number.
        inner: marks between the number's own groups.
    """
    runs, _, numbers = pieces
    if neighbour in numbers or len(_digits(runs[slice(*neighbour)])) in (9, 12):
        return True
    return _begins_anew(runs, at) and runs[at].gap not in inner


def _follows_its_own(pieces: _Pieces, index: int, inner: Collection[str], words: Words, *, is_tidy: bool) -> bool:
    """Return whether digits before a number, without a separator, are an ID card, a house number or a list number."""
    runs, spans, numbers = pieces
    start = spans[index][0]
    if is_tidy and not any(span in numbers for span in spans[:index]):
        # In "056 201 001 234 0905 123 456" the first twelve digits are an ID number.
        since = max((at for at in range(start) if runs[at].parted), default=0)
        if len(_digits(runs[since:start])) == (12 if runs[since].digits[0] == "0" else 9):
            return True
    if start == 1 and len(inner) == 1 and len(runs[0].digits) <= 3 and runs[0].digits[0] != "0":
        # "120" is a house number in "Số nhà 120 0905 123 456", and "1." numbers a line in "1. 0905 123 456".
        return bool(_ENDS_WITH_WORD.search(words.before) or _BULLET_GAP.fullmatch(runs[1].gap))
    return False


def _is_grouped_as_usual(runs: Sequence[DigitRun]) -> bool:
    """Return whether people usually write a single number in these groups.

    "09429727 - 12", "099329221 3" and "0946-839 84" are each two items: a number that lacks digits, and something after
    it. "0905 12 34 56" is one number.
    """
    if runs[0].digits in ("84", "0084"):
        # In "+84 9 0512 3456" the single digit after the country code is usual, so only the groups after it are judged.
        runs = runs[2:] if len(runs[1].digits) == 1 else runs[1:]
    sizes = [len(run.digits) for run in runs]
    if len(sizes) == 1 or set(sizes) == {1}:
        return True
    is_year = sizes[:3] == [2, 2, 4] and runs[2].digits[:2] in ("19", "20")
    if is_year and is_day_and_month(runs[0].digits, runs[1].digits):
        # In "07-10-2016-73 Trần Phú" the first three groups are a date, and "73" is a house number.
        return False
    same_mark = len({run.gap for run in runs[1:]}) == 1
    if same_mark and sum(sizes) == 11 and runs[0].digits.startswith("01") and set(sizes[1:-1]) == {2}:
        # If an 11-digit number is written in pairs, its last digit remains alone: "01 68 12 34 56 7".
        return True
    if any(len(run.digits) == 1 and run.digits != "0" for run in runs) or sizes[-1] == 1:
        return False
    if sizes[-1] > 2:
        return True
    is_short_throughout = sizes[0] < 6 and max(sizes[1:]) < 5
    is_pairs = not runs[-1].parted or set(sizes[1:]) == {2} or sizes == [4, 4, 2]
    return is_short_throughout and same_mark and is_pairs and sizes[-2] != 3


def _is_tail(run: DigitRun) -> bool:
    return len(run.digits) <= 4 and bool(_TAIL_GAP.fullmatch(run.gap))


def _is_other_ending(run: DigitRun, reading: ReadingPlan) -> bool:
    """Return whether a run may stand for the last digits of a second number: the 09 in "0905123456-09".

    Years, short numbers such as 113, numbers of branch offices such as 001 and numbers that lack digits are no endings.
    """
    tail = run.digits
    if len(tail) < 2 or not _is_tail(run) or run.touch == Touch.MASK or tail.startswith("00"):
        return False
    if len(tail) < 4:
        return not (len(tail) == 3 and tail.startswith("11"))
    return tail[:2] not in ("19", "20") and tail[0] != "0" and refuse_digits(tail, False, reading) != "emergency_short"


def _complete_tails(local: str, pieces: _Pieces, index: int, reading: ReadingPlan) -> tuple[str, ...]:
    """Return the numbers that short endings after a number give: ``0905123456-09`` also means 0905123409.

    Digits count as endings only if nothing but endings follows the number. 0905123456/15/9 and
    0905123456 - 225 123 456 have no endings.
    """
    start = pieces.spans[index][1]
    end = next((span[0] for span in pieces.spans[index + 1 :] if span in pieces.numbers), len(pieces.runs))
    runs = pieces.runs[start:end]
    tails = [run.digits for run in runs]
    is_set_off = end == len(pieces.runs) or _begins_anew(pieces.runs, end)
    if not is_set_off or not all(_is_other_ending(run, reading) for run in runs) or len({run.gap for run in runs}) > 1:
        return ()
    # A longer ending is a number that lacks digits: 0905123456 - 0914-336.
    if len("".join(tails)) > 6 or any(is_day_and_month(day, month) for day, month in itertools.pairwise(tails)):
        return ()
    verdicts = (classify(local[: -len(tail)] + tail, reading) for tail in tails)
    return tuple(verdict.local for verdict in verdicts if verdict.local)


def _refuse_rest(rest: Sequence[DigitRun], as_one: bool, words: Words, reading: ReadingPlan) -> list[_Found]:
    """Return the refusals for digits that form no number."""
    segments: list[list[DigitRun]] = []
    for run in rest:
        if segments and (as_one or not run.parted):
            segments[-1].append(run)
        else:
            segments.append([run])
    # If no segment has six digits, all segments together are one item. Otherwise each segment of six digits or more is
    # an item, and shorter segments are ignored.
    long = [segment for segment in segments if len(_digits(segment)) >= 6]
    return [_refuse_runs(segment, words, reading) for segment in long or [list(rest)]]


def _refuse_runs(runs: Sequence[DigitRun], words: Words, reading: ReadingPlan) -> _Found:
    while len(runs) > 1 and "(" in runs[-1].gap and len(runs[-1].digits) < 3:
        # In "225 123 456 (2 hồ sơ)" the digit in brackets is not part of the number.
        runs = runs[:-1]
    digits = _digits(runs)
    if spell_local(digits, runs[0].plus):
        # All runs together may be a number, but this is not sure, so only the first run gives the refusal.
        digits = runs[0].digits
    refusal = "foreign" if _is_unmarked_foreign(runs) else refuse_digits(digits, runs[0].plus, reading)
    if refusal == "id_card_like" and digits.startswith("01") and words.name_phone:
        refusal = "too_short"
    if refusal == "too_short" and len(digits) >= 6 and words.name_landline:
        refusal = "landline"
    if refusal == "too_short" and len(digits) < 7:
        apart = [refuse_digits(run.digits, run.plus, reading) for run in runs]
        refusal = "emergency_short" if "emergency_short" in apart else refusal
    touch = max(run.touch for run in runs)
    is_size_wrong = refusal in ("too_short", "too_long")
    is_hidden = bool(_HIDDEN_BEFORE.search(words.before) or _HIDDEN_AFTER.match(words.after))
    if touch == Touch.LETTERS and refusal == "id_card_like":
        # "KH160915001" and "GT225123456" are codes.
        refusal = "not_a_phone"
    elif (
        touch == Touch.MASK
        or ((touch == Touch.DOUBT or is_hidden) and refusal == "too_short")
        or (touch > Touch.DOUBT and is_size_wrong)
    ):
        # "0905771*** (con)" is a number that somebody hid or mistyped.
        refusal = "bad_chars"
    return _refused_item(refusal, digits)
