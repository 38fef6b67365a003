"""SMS texts: how many messages a text costs, how accents go, how a template becomes a text.

Everything here is pure and quick: planning renders a hundred thousand texts in a run. The rules for
replaced characters, cut values and refused links are written in docs/decisions/sms-texts.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, TypeAlias

Encoding = Literal["GSM-7", "UCS-2"]

# 3GPP TS 23.038, 6.2.1: the default alphabet without ESC (0x1B), which is no character of its own.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038, 6.2.1.1: each is sent as ESC and one more septet.
GSM_EXTENSION = "\f^{}\\[~]|€"

# 3GPP TS 23.040, 9.2.3.24.1: a part of a concatenated message gives up 6 octets for its header.
GSM_ALONE, GSM_PER_PART = 160, 153
UCS2_ALONE, UCS2_PER_PART = 70, 67

_BASIC_ONLY = re.compile(f"[{re.escape(GSM_BASIC)}]*")
_GSM_ONLY = re.compile(f"[{re.escape(GSM_BASIC + GSM_EXTENSION)}]*")
_EXTENDED = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How a text travels: alphabet, length and the parts a phone puts together again.

    `length` counts septets (GSM-7) or UTF-16 units (UCS-2); `parts` joined are the text in NFC.
    """

    encoding: Encoding
    length: int
    segments: int
    parts: tuple[str, ...]


def segment_text(text: str) -> Segmentation:
    """Split a text as 3GPP TS 23.038 and TS 23.040 do: 160/153 septets, or 70/67 UTF-16 units.

    The text is put into NFC first: decomposed Vietnamese costs a third more. One character outside
    GSM-7 moves the whole text to UCS-2. A character of the extension table costs two septets, one beyond
    U+FFFF two units, and neither is ever split: it goes whole into the next part. An empty text is still
    one message. Never raises; a lone surrogate counts as U+FFFD.
    """
    text = _normalised(text)
    encoding, length, doubles = _measure(text)
    segments = _segments(text, encoding, length, doubles)
    parts = (text,) if segments == 1 else tuple(_split(text, encoding, doubles))
    return Segmentation(encoding, length, segments, parts)


def _normalised(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Halves that belong together become one character, halves alone U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", text)


def _measure(text: str) -> tuple[Encoding, int, int]:
    """Return the encoding, the length in its units, and how many characters cost two of them."""
    if _BASIC_ONLY.fullmatch(text):
        return "GSM-7", len(text), 0
    if _GSM_ONLY.fullmatch(text):
        doubles = len(_EXTENDED.findall(text))
        return "GSM-7", len(text) + doubles, doubles
    doubles = len(_BEYOND_BMP.findall(text))
    return "UCS-2", len(text) + doubles, doubles


def _segments(text: str, encoding: Encoding, length: int, doubles: int) -> int:
    alone, per_part = (GSM_ALONE, GSM_PER_PART) if encoding == "GSM-7" else (UCS2_ALONE, UCS2_PER_PART)
    if length <= alone:
        return 1
    if not doubles:
        return -(-length // per_part)
    return len(_split(text, encoding, doubles))


def _split(text: str, encoding: Encoding, doubles: int) -> list[str]:
    per_part = GSM_PER_PART if encoding == "GSM-7" else UCS2_PER_PART
    if not doubles:
        return [text[start : start + per_part] for start in range(0, len(text), per_part)]
    double = _EXTENDED if encoding == "GSM-7" else _BEYOND_BMP
    parts: list[str] = []
    start = 0
    while start < len(text):
        end = min(start + per_part, len(text))
        while (excess := end - start + len(double.findall(text, start, end)) - per_part) > 0:
            # A character frees two units at most, so this never gives up one that would fit.
            end -= (excess + 1) // 2
        parts.append(text[start:end])
        start = end
    return parts


# Spellings inside GSM-7 for what NFKD leaves outside it: đ, which Unicode does not decompose, and what
# Word, VNI typists and telephones write. What is still outside GSM-7 after that becomes "?".
_SPELLINGS = str.maketrans(
    {
        **dict.fromkeys("\u0111\u00f0\u0256\u20ab", "d"),  # đ, eth and African d that look like it, ₫
        **dict.fromkeys("\u0110\u00d0\u0189", "D"),  # Đ and its two doubles
        **dict.fromkeys("‘’‚‛′‹›ʹʻʼʽˊˋ´`", "'"),
        **dict.fromkeys("“”„‟″«»〝〞", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃•‣▪●■", "-"),
        **dict.fromkeys("·∙⋅", "."),
        **dict.fromkeys("\t\v\x1c\x1d\x1e\x1f\x85\u2028\u2029", " "),
        "⁄": "/",
        "∕": "/",
        "×": "x",
        "÷": ":",
        "±": "+/-",
        "≤": "<=",
        "≥": ">=",
        "≠": "<>",
        "→": "->",
        "←": "<-",
        "⇒": "=>",
        "°": "o",
        "©": "(c)",
        "®": "(R)",
        "¦": "|",
        "ı": "i",
        "ł": "l",
        "Ł": "L",
        "œ": "oe",
        "Œ": "OE",
    }
)
UNKNOWN_CHARACTER = "?"

# Nothing is drawn for these, yet str.isprintable() lets them pass (Default_Ignorable_Code_Point, U+2800).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def remove_accents(text: str) -> str:
    """Write a text without accents, in characters of GSM-7 only.

    đ/Đ, dashes, quotes and the like get the spelling of the table above; letters lose their marks, and
    full-width letters, ligatures and other compatibility forms become plain ones; characters of GSM-7
    without a mark (£, §, Ø, €) stay; control and invisible characters go; any other becomes "?". A
    Vietnamese text in NFC keeps its length. Done twice it changes nothing more. Never raises.
    """
    if text.isascii() and _GSM_ONLY.fullmatch(text):
        return text
    text = _INVISIBLE.sub("", _normalised(text)).translate(_SPELLINGS)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not _is_mark(character)).translate(_SPELLINGS)
    if not _GSM_ONLY.fullmatch(text):
        text = "".join(map(_replace_outside_gsm, text))
    return text


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


def _replace_outside_gsm(character: str) -> str:
    if _GSM_ONLY.fullmatch(character):
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Cf"):
        return ""
    return " " if category.startswith("Z") else UNKNOWN_CHARACTER


# ---------------------------------------------------------------- values

# Characters a value may have. Together with the fixed words they keep the longest apology at 266
# characters, the tightest cap known for an accented text, and a reply on a 25-character code with the
# longest punctuality at 160, one unaccented segment.
PARAMETER_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "dossier_code": 40,
        "asked_code": 40,
        "agency_name": 75,
        "due_date": 10,
        "step_name": 53,
        "punctuality": 20,
    }
)
OTHER_LIMIT = 60
# Written exactly as the source has it: what a citizen compares with the paper in hand.
_WRITTEN_AS_IT_IS = "dossier_code"
# Stands where nothing is left of a value: the text still matches its registered template, and the gap shows.
EMPTY_VALUE = "..."

# Top-level domains that are no Vietnamese syllable or abbreviation make a link of any `name.tld`; the
# others only with a path behind them (`t.me/…`), so that “TP.HCM”, “BV.TW” or “P.CN” stay.
_LINK = re.compile(
    r"""
    (?<![a-z0-9+.-])[a-z0-9+.-]*://\S*
    | (?<!\w)www\d?\.\S*
    | (?<![\w.-])(?:[\w.-]*@)?(?:[\w-]*\.)+
      (?:
        (?:vn|com|net|org|info|biz|edu|gov|asia|mobi|xyz|top|site|online|website|shop|store|app|link|click|club
          |vip|icu|tech|cloud|cfd|sbs|cyou|buzz|dev|page|live|fun|win|work|news|blog|space|world|today|life|host
          |press|email|zone|digital|io|uk|eu|jp|xn--\w+)(?!\w)
        | (?:me|ly|to|gl|co|la|ru|ai|gg|sh|ws|pw|su|id|in|us|cc|tk)(?::\d+)?/
      )\S*
    | (?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/\S*
    """,
    re.VERBOSE | re.IGNORECASE,
)

# A value this much longer than its limit is not read to its end: NFC of a hostile text is quadratic.
_READ_AT_MOST = 1000


def clean_parameter(value: str | None, limit: int, accented: bool = True) -> str:
    """Make a value safe to stand in a text: one line of visible characters, no link, at most `limit` of them.

    In this order: line breaks, tabs and all kinds of blanks become one space; control, bidirectional,
    zero-width and other invisible characters go; NFC; a link or mail address (scheme, `www.`, or a host
    under a listed top-level domain, also in full-width letters) goes, up to the next blank; what is longer
    than `limit` characters is cut at a word and ends in `...`. None is an empty value. Cleaning twice
    changes nothing more. Never raises.
    """
    if not value or limit <= 0:
        return ""
    return (_clean if accented else _clean_without_accents)(*_window(value, limit))


def _window(value: str, limit: int) -> tuple[str, int, bool]:
    """Return what is read of a value, its limit, and whether more follows; padding does not count."""
    value = value.strip()
    window = limit + _READ_AT_MOST
    return value[:window], limit, len(value) > window


@lru_cache(maxsize=4096)
def _clean(value: str, limit: int, is_longer: bool) -> str:
    text = _without_links(_one_line(value))
    while is_longer or len(text) > limit:
        # A cut can make a link of what was none: “example.community”.
        text, is_longer = _without_links(_cut(text, limit)), False
    return text


def _visible(value: str) -> str:
    """Return the value in NFC without what cannot be seen; every kind of blank is a space."""
    if not value.isprintable():
        value = "".join(map(_printable, value))
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", value))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ""


def _one_line(value: str) -> str:
    text = " ".join(_visible(value).split())
    start = 0
    # A leading mark would join the fixed word before it.
    while start < len(text) and (text[start] == " " or _is_mark(text[start])):
        start += 1
    return text[start:]


def _without_links(text: str) -> str:
    # The ideographic full stop is a dot to whoever follows a link.
    folded = unicodedata.normalize("NFKC", text).replace("\u3002", ".")
    if not _LINK.search(folded):
        return text
    return _one_line(_LINK.sub(" ", folded))


def _cut(text: str, limit: int) -> str:
    dots = EMPTY_VALUE if limit > len(EMPTY_VALUE) else ""
    end = limit - len(dots)
    if end < len(text):
        at_word = text.rfind(" ", 0, end + 1)
        if at_word > end // 2:
            end = at_word
        while end > 0 and _is_mark(text[end]):
            end -= 1
    return text[:end].rstrip(" .,;:-/(") + dots


def _code_as_written(value: str) -> str:
    """Return a dossier code as its source writes it: trimmed, and without what cannot be printed."""
    code, limit, _ = _window(value, PARAMETER_LIMITS[_WRITTEN_AS_IT_IS])
    if not (code.isascii() and code.isprintable()):
        code = _visible(code).strip()
    return code if len(code) <= limit else _cut(code, limit)


# Vietnamese letters that GSM-7 happens to hold; they are accents all the same.
_ACCENTED_IN_GSM = re.compile("[àèéìòùÉ]")


def _code_without_accents(code: str) -> str:
    if _GSM_ONLY.fullmatch(code) and (code.isascii() or not _ACCENTED_IN_GSM.search(code)):
        return code
    return remove_accents(code)


@lru_cache(maxsize=4096)
def _clean_without_accents(value: str, limit: int, is_longer: bool) -> str:
    # Accents go first: full-width letters and “…” must be seen by the rules for links and length.
    return _clean(remove_accents(value), limit, is_longer)


def _prepared(name: str, value: str | None, accented: bool) -> str:
    if not value:
        return EMPTY_VALUE
    if name == _WRITTEN_AS_IT_IS:
        code = _code_as_written(value)
        return (code if accented else _code_without_accents(code)) or EMPTY_VALUE
    return clean_parameter(value, PARAMETER_LIMITS.get(name, OTHER_LIMIT), accented) or EMPTY_VALUE


def date_in_text(day: date) -> str:
    """Write a date as the report of 2016 does: 5/9/2016, without leading zeros. `day` is a local date."""
    return f"{day.day}/{day.month}/{day.year}"


# ---------------------------------------------------------------- templates


@dataclass(frozen=True, slots=True)
class Template:
    """One version of the words that are sent: what a provider has registered and checks each text against.

    `body` is accented, in NFC, with the `parameters` as {named} places in that order. `choices` holds the
    words that a parameter of fixed values may take, by key.
    """

    template_id: str
    version: int
    body: str
    parameters: tuple[str, ...]
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says, made once from one version of a template.

    `parameters` stand in the template's order and are what the text shows: cleaned, and without accents
    where the text has none. Some providers take only the template's id and these. `accented_parameters` are
    the same with accents where the text has none; None: it has accents, or they are not known.
    """

    text: str
    template_id: str
    template_version: int
    parameters: Sequence[str]
    accented: bool
    segments: int
    accented_parameters: Sequence[str] | None

    @property
    def template(self) -> str:
        """The template as its file is called."""
        return f"{self.template_id}.v{self.template_version}"


@dataclass(frozen=True, slots=True)
class RenderedText(Words):
    """A text ready to send, and all that must be kept with it."""

    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Registration:
    """One version of a template that the provider behind a gateway has registered.

    The ids are the provider's own, of the text without accents and of the accented one; None where it gives none.
    """

    gateway: str
    template_id: str
    template_version: int
    provider_template_id: str | None = None
    accented_provider_template_id: str | None = None

    @property
    def key(self) -> RegistrationKey:
        """What there is one of."""
        return self.gateway, self.template_id, self.template_version

    def provider_id(self, accented: bool) -> str | None:
        """Return the provider's own id of the text in this form."""
        return self.accented_provider_template_id if accented else self.provider_template_id


RegistrationKey: TypeAlias = tuple[str, str, int]
"""Gateway, template id, version."""


class UnregisteredTemplate(Exception):
    """The gateway does not know this version of a template and would refuse every text made from it."""


def require_registered(
    known: Mapping[RegistrationKey, Registration], key: RegistrationKey, *, accented: bool, by_id: bool
) -> str | None:
    """Return the provider's own id of a template, None where it gives none; called before anything is spent.

    `by_id`: the gateway takes the id and the values, never the words, so a registration without the id serves nothing.

    Raises:
        UnregisteredTemplate: nothing of this template may go through the gateway; the message says what to do.
    """
    gateway, template_id, version = key
    name = f"{template_id}.v{version}"
    registration = known.get(key)
    if registration is None:
        raise UnregisteredTemplate(
            f"template {name} is not registered at gateway {gateway} (motcua texts register {gateway} {name})"
        )
    provider_id = registration.provider_id(accented)
    if by_id and provider_id is None:
        option = "--accented-provider-template-id" if accented else "--provider-template-id"
        raise UnregisteredTemplate(
            f"template {name} is registered at gateway {gateway} without the id of its "
            f"{'accented' if accented else 'unaccented'} text (motcua texts register {gateway} {name} {option} …)"
        )
    return provider_id


PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@lru_cache(maxsize=256)
def fixed_words(body: str, accented: bool) -> tuple[str, ...]:
    """Return the words of a template around its parameters: one piece more than there are parameters."""
    words = PLACEHOLDER.split(unicodedata.normalize("NFC", body))[::2]
    return tuple(words) if accented else tuple(map(remove_accents, words))


def render(template: Template, values: Mapping[str, str], accented: bool) -> RenderedText:
    """Fill a template: wholly accented, or wholly without accents in GSM-7, never a mixture.

    A dossier code stands exactly as its source writes it; only in a text without accents a code that holds
    accented letters, or characters outside GSM-7, loses them. Other values are cleaned (clean_parameter)
    to PARAMETER_LIMITS, else to OTHER_LIMIT. Braces in a value mean nothing. Values that the template does
    not name are ignored.

    Raises:
        ValueError: a parameter of the template has no value at all, which is a mistake in the calling code.
    """
    try:
        given = [(name, values[name]) for name in template.parameters]
    except KeyError as missing:
        raise ValueError(
            f"template {template.template_id}.v{template.version}: no value for {missing.args[0]}"
        ) from None
    shown = tuple(_prepared(name, value, accented) for name, value in given)
    in_full = None if accented else tuple(_prepared(name, value, True) for name, value in given)
    return _filled(template, shown, accented, in_full)


def with_accents(template: Template, words: Words) -> Words:
    """Return the words of a message with accents, from the version of the template that they were made of.

    As they are where they have accents, and where their values are not known with them, as those of an earlier version
    of this software: never a mixture.
    """
    if words.accented or words.accented_parameters is None:
        return words
    return _filled(template, tuple(words.accented_parameters), True, None)


def _filled(
    template: Template, parameters: tuple[str, ...], accented: bool, accented_parameters: tuple[str, ...] | None
) -> RenderedText:
    words = fixed_words(template.body, accented)
    pieces = [words[0]]
    for parameter, following in zip(parameters, words[1:], strict=True):
        pieces += (parameter, following)
    text = "".join(pieces)
    encoding, length, doubles = _measure(text)
    return RenderedText(
        text,
        template.template_id,
        template.version,
        parameters,
        accented,
        _segments(text, encoding, length, doubles),
        accented_parameters,
        encoding,
    )
