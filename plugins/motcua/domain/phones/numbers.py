"""Decide whether digits are a number that may be texted, or give the reason why they are no such number.

Each function handles one run of digits. :mod:`motcua.domain.phones.reading` reads whole fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import phonenumbers

from motcua.domain.phones import numbering_plan as plan

PhoneRefusal = Literal[
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


class Era(IntEnum):
    """Period of the numbering plan by which a phone field is read.

    Only the days on which the plan changed matter, so the cache of readings is keyed by era and not by day.
    """

    UNTIL_2016 = 1
    UNTIL_10_DIGITS = 2
    TEN_DIGITS = 3
    MERGED_PROVINCES = 4


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """The numbering plan for one field: the era in which it was typed, and the codes of the agency's own province."""

    era: Era
    own_codes: tuple[str, ...]
    own_id_series: tuple[str, ...]


@lru_cache(maxsize=512)
def plan_for(era: Era, province_key: str) -> ReadingPlan:
    """Return the plan of an era for a province's agencies. An empty key stands for an unknown province."""
    merged = era >= Era.MERGED_PROVINCES
    return ReadingPlan(era, plan.own_old_codes(province_key, merged), plan.own_id_series(province_key, merged))


class Spelled(NamedTuple):
    """A whole number in local form (``0905123456``), with how it was written: with 84, or without its leading 0."""

    local: str
    prefix_84: bool
    zero_added: bool


class NumberReading(NamedTuple):
    """Classification of one number. ``local`` is set if the number may be texted, ``refusal`` if it may not."""

    local: str | None
    refusal: PhoneRefusal | None
    notes: tuple[Note, ...] = ()


# --- Whole numbers --------------------------------------------------------------------------------

_MIGRATED: Final = "|".join(prefix[1:] for prefix in plan.MIGRATED_PREFIXES)
_OLD_LANDLINES: Final = "|".join(sorted(code[1:] for code in plan.FOUR_DIGIT_OLD_CODES))
_WHOLE: Final = re.compile(
    r"0(?:[2-9]\d{8}|2\d{9}|69\d{6}|80\d{5}|1[89]00\d{2,6}"
    rf"|(?:{_MIGRATED})\d{{7}}|(?:{_OLD_LANDLINES})[2-7]\d{{6}})"
)
_LACKS_ZERO: Final = re.compile(rf"[35789]\d{{8}}|(?:{_MIGRATED})\d{{7}}|2\d{{9}}|1[89]00\d{{2,6}}")
_SERVICE: Final = re.compile(r"0?1[89]00\d{0,6}")


def spell_local(digits: str, plus: bool = False) -> Spelled | None:
    """Convert digits to local form; return None if they are not a whole Vietnamese number.

    ``plus``: whether a + stands before the digits.
    """
    if digits.startswith("0084"):
        rest = digits[4:]
    elif digits.startswith("84") and (plus or len(digits) >= 11):
        rest = digits[2:]
    elif plus and digits.startswith("084"):
        rest = digits[3:]
    elif plus and not digits.startswith("0"):
        return None
    elif _WHOLE.fullmatch(digits):
        return None if _is_day(digits) else Spelled(digits, False, False)
    else:
        return Spelled("0" + digits, False, True) if _LACKS_ZERO.fullmatch(digits) else None
    local = rest if rest.startswith("0") else "0" + rest
    return Spelled(local, True, False) if _WHOLE.fullmatch(local) else None


def classify(local: str, reading: ReadingPlan) -> NumberReading:
    """Classify a whole number as a mobile number of today, or give the reason why it may not be texted."""
    if _SERVICE.fullmatch(local):
        return NumberReading(None, "service_1800_1900")
    if len(set(local[1:])) == 1:
        return NumberReading(None, "repeated_digits")
    if len(local) == 11:
        new_prefix = plan.MIGRATED_PREFIXES.get(local[:4])
        if new_prefix is None:
            return NumberReading(None, "landline")
        made_up = _invented(local)
        if made_up:
            return NumberReading(None, made_up)
        migrated = new_prefix + local[4:]
        made_up = _invented(migrated)
        verdict = NumberReading(None, made_up) if made_up else _as_mobile(migrated)
        if verdict.refusal:
            return verdict
        return verdict._replace(notes=("migrated_11_to_10", *verdict.notes))
    if len(local) != 10 or local[1] in "246":
        return NumberReading(None, "landline")
    refusal = _invented(local) or (_landline_reading(local, reading) if local[1] != "9" else None)
    return NumberReading(None, refusal) if refusal else _as_mobile(local)


def _landline_reading(local: str, reading: ReadingPlan) -> PhoneRefusal | None:
    """Return a refusal if ten digits that begin with 03, 05, 07 or 08 are or may be a landline from before 2017."""
    if reading.era < Era.TEN_DIGITS:
        since_2017 = reading.era == Era.UNTIL_10_DIGITS
        open_blocks = plan.OPEN_08_BLOCKS_2017 if since_2017 else plan.OPEN_08_BLOCKS_2016
        return None if local.startswith(open_blocks) else "landline"
    if local.startswith(plan.LANDLINE_ONLY_CODES):
        return "landline"
    # These blocks were mobile before the landlines moved, so they never belonged to a landline.
    if local.startswith(plan.OPEN_08_BLOCKS_2016):
        return None
    for code in reading.own_codes:
        if len(code) < 4 and local.startswith(code) and local[len(code)] in plan.FIRST_LANDLINE_DIGITS:
            return "ambiguous_landline"
    return None


@lru_cache(maxsize=16384)
def _type_of(local: str) -> int:
    """Return the type that ``phonenumbers`` gives to a number of ten digits with a single 0 at its beginning."""
    # Building the number directly gives the same result as parsing its international form, at a quarter of the cost.
    number = phonenumbers.PhoneNumber(country_code=84, national_number=int(local[1:]))
    return int(phonenumbers.number_type(number))


def _as_mobile(local: str) -> NumberReading:
    kind = _type_of(local)
    if kind == phonenumbers.PhoneNumberType.MOBILE:
        unknown = local.startswith(plan.WITHOUT_A_LIVING_CARRIER)
    elif kind == phonenumbers.PhoneNumberType.UNKNOWN:
        # New blocks open before the library knows them, so an unknown block is a warning and not a refusal.
        unknown = True
    else:
        return NumberReading(None, "landline")
    return NumberReading(local, None, ("unknown_block",) if unknown else ())


def is_foreign(digits: str) -> bool:
    """Return whether digits that begin with a country code are a valid number of another country."""
    number = _with_country_code(digits)
    return number is not None and number.country_code != 84 and phonenumbers.is_valid_number(number)


def may_be_foreign(digits: str) -> bool:
    """Return whether digits that begin with a country code have the length of a number of another country."""
    number = _with_country_code(digits)
    return number is not None and number.country_code != 84 and phonenumbers.is_possible_number(number)


def _with_country_code(digits: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None


# --- Invented numbers -----------------------------------------------------------------------------

_LONG_PREFIXES: Final = frozenset(prefix[:3] for prefix in plan.CARRIER_BY_PREFIX if len(prefix) == 4)
_PATTERN_REPEATED: Final = re.compile(r"(\d\d)\1{3,}|(\d{3})\2{2,}")


def _invented(local: str) -> PhoneRefusal | None:
    """Recognise invented numbers such as 0900000000, 0912345678 and 0909090909.

    A real person may own such a number, but hardly the person in whose field the number was typed.
    """
    if len(set(local[4 if local[:3] in _LONG_PREFIXES else 3 :])) == 1:
        return "repeated_digits"
    # Only a number with eight digits in order counts as invented. Some people buy a number with seven digits in order,
    # such as 0701234567.
    in_order = len(local) == 10 and (local[2:] in "123456789" or local[2:] in "9876543210")
    if in_order or _is_run(local[1:]):
        return "sequence"
    repeats = any(_PATTERN_REPEATED.fullmatch(part) for part in (local, local[1:], local[-8:]))
    return "dummy" if repeats else None


def _is_run(digits: str) -> bool:
    """Return whether each digit is one higher, or each one lower, than the digit before; 0 follows 9."""
    upwards = "0123456789" * len(digits)
    return digits in upwards or digits[::-1] in upwards


# --- Digits that are not a whole number -----------------------------------------------------------

_SHORT_NUMBERS: Final = frozenset({"9029", "9090", "9191", "9198"})
_TAX_WEIGHTS: Final = (31, 29, 23, 19, 17, 13, 7, 5, 3)


def is_tax_code(digits: str) -> bool:
    """Return whether the check digit of ten digits shows that they are a tax code.

    Three more digits for a branch may follow the ten.

    Source: Thông tư 105/2020/TT-BTC, art. 5.
    """
    if len(digits) != 10 and not (len(digits) == 13 and digits[10] == "0"):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_TAX_WEIGHTS, digits, strict=False))
    return 10 - total % 11 == int(digits[9])


def is_day_and_month(day: str, month: str) -> bool:
    """Return whether two texts of digits are a day and a month."""
    return 1 <= int(day) <= 31 and 1 <= int(month) <= 12


def begins_with_day(digits: str) -> bool:
    """Return whether digits begin with a day of 2010–2029 as YYMMDD, as the dossier codes of 2016 do."""
    return digits[0] in "12" and is_day_and_month(digits[4:6], digits[2:4])


def _is_day(digits: str) -> bool:
    if len(digits) != 8:
        return False
    day_first = digits[4:6] in ("19", "20") and is_day_and_month(digits[:2], digits[2:4])
    return day_first or (digits[:2] in ("19", "20") and is_day_and_month(digits[6:], digits[4:6]))


def refuse_digits(digits: str, plus: bool, reading: ReadingPlan) -> PhoneRefusal:
    """Return the refusal for digits that are not a whole number."""
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
    if any(_PATTERN_REPEATED.fullmatch(part) for part in (digits, digits[1:])):
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
    if size == 11 and digits[:4] in plan.FOUR_DIGIT_OLD_CODES and (reading.era < Era.TEN_DIGITS or digits[1] == "5"):
        # No mobile number began like this before 2018. Since then 11 digits that begin with 03 or 07 have one digit too
        # many.
        return "landline"
    return _refuse_ten(digits) if size == 10 else _refuse_long(digits)


def _refuse_after_84(rest: str) -> PhoneRefusal:
    local = rest if rest.startswith("0") else "0" + rest
    return "too_short" if len(local) < (11 if local[:4] in plan.MIGRATED_PREFIXES else 10) else "too_long"


def _refuse_nine(digits: str, reading: ReadingPlan) -> PhoneRefusal:
    if digits[0] == "0":
        return "too_short" if digits[1] in "35789" or digits[:3] in ("016", "018", "019") else "id_card_like"
    if digits[0] in "46" and ("0" + digits).startswith(reading.own_codes):
        return "landline"
    return "not_a_phone" if begins_with_day(digits) else "id_card_like"


def _refuse_ten(digits: str) -> PhoneRefusal:
    if digits[0] == "0":
        return "too_short" if digits[:4] in plan.MIGRATED_PREFIXES else "not_a_phone"
    # The tax codes of many provinces begin with these digits: 3600…3703, 5800…5901.
    is_tax_code_like = digits[0] in "3578" and (is_tax_code(digits) or digits[2] == "0")
    return "too_long" if digits[0] in "35789" and not is_tax_code_like else "not_a_phone"


def _refuse_long(digits: str) -> PhoneRefusal:
    size = len(digits)
    is_mobile_with_more = digits[0] == "0" and (digits[1] in "35789" or digits[:4] in plan.MIGRATED_PREFIXES)
    if size == 12 and digits[0] == "0":
        is_id = digits[:3] in plan.CITIZEN_ID_PROVINCES or not is_mobile_with_more
        return "id_card_like" if is_id else "too_long"
    if is_tax_code(digits):
        return "not_a_phone"
    if size == 11 and digits.startswith("06"):
        return "landline"
    if digits[0] == "0":
        return "too_long" if is_mobile_with_more or (size == 11 and digits[1] in "0248") else "not_a_phone"
    return "too_long" if size == 11 and digits[0] in "35789" else "not_a_phone"
