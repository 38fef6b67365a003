"""Build SMS texts: count the segments of a text, remove accents, clean values and fill templates.

The functions are pure and fast, because planning renders a hundred thousand texts in a run. The rules for replaced
characters, cut values and removed links are in docs/decisions/sms-texts.md.
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

# 3GPP TS 23.038, 6.2.1: the default alphabet without ESC (0x1B), which is not a character of its own.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038, 6.2.1.1: each of these characters is sent as ESC and one more septet.
GSM_EXTENSION = "\f^{}\\[~]|€"

# 3GPP TS 23.040, 9.2.3.24.1: the header of each part of a concatenated message takes 6 octets.
GSM_ALONE, GSM_PER_PART = 160, 153
UCS2_ALONE, UCS2_PER_PART = 70, 67

_BASIC_ONLY = re.compile(f"[{re.escape(GSM_BASIC)}]*")
_GSM_ONLY = re.compile(f"[{re.escape(GSM_BASIC + GSM_EXTENSION)}]*")
_EXTENDED = re.compile(f"[{re.escape(GSM_EXTENSION)}]")
_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The way a text is sent: its alphabet, its length, and the parts that a phone joins again.

    `length` counts septets (GSM-7) or UTF-16 units (UCS-2). Joining the `parts` gives the text in NFC.
    """

    encoding: Encoding
    length: int
    segments: int
    parts: tuple[str, ...]


def segment_text(text: str) -> Segmentation:
    """Split a text as 3GPP TS 23.038 and TS 23.040 prescribe: 160/153 septets, or 70/67 UTF-16 units.

    The text is put into NFC first, because decomposed Vietnamese is a third longer. One character outside GSM-7 makes
    the whole text UCS-2. A character of the extension table costs two septets, a character beyond U+FFFF two units.
    Such a character is never split: if it does not fit into a part, it begins the next part. An empty text is still one
    message. Never raises; half of a surrogate pair without its other half counts as U+FFFD.
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
        # A pair of surrogates becomes one character. A lone surrogate becomes U+FFFD.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return unicodedata.normalize("NFC", text)


def _measure(text: str) -> tuple[Encoding, int, int]:
    """Return the encoding, the length in the encoding's units, and how many characters cost two units."""
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
            # The part is too long by `excess` units. Each character that is left out frees at most two units, so this
            # step leaves out no character that would still fit.
            end -= (excess + 1) // 2
        parts.append(text[start:end])
        start = end
    return parts


# Replacements in GSM-7 for characters that NFKD does not convert to GSM-7: đ, which Unicode does not decompose, and
# characters that Word, typists of VNI and telephones write. Any other character outside GSM-7 becomes "?".
_SPELLINGS = str.maketrans(
    {
        **dict.fromkeys("\u0111\u00f0\u0256\u20ab", "d"),  # đ, the similar eth and African d, and ₫
        **dict.fromkeys("\u0110\u00d0\u0189", "D"),  # Đ and two characters that look like it
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

# These characters are invisible, yet str.isprintable() accepts them (Default_Ignorable_Code_Point, U+2800).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def remove_accents(text: str) -> str:
    """Write a text without accents, using only characters of GSM-7.

    Characters such as đ/Đ, dashes and quotes are replaced as ``_SPELLINGS`` gives. Letters lose their marks. Full-width
    letters, ligatures and other compatibility forms become plain letters. Characters of GSM-7 without a mark (£, §, Ø,
    €) stay. Control and invisible characters are removed. Any other character becomes "?". A Vietnamese text in NFC
    keeps its length. A second call changes nothing more. Never raises.
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

# Maximum number of characters of each value. With these limits the longest apology has 266 characters. That is the
# lowest of the providers' limits for an accented text. The longest reply to a citizen's text (to the short code 9029)
# has 160 characters if its dossier code has 25. That is one segment without accents.
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
# This value is written exactly as in the source, because a citizen compares it with the paper in hand.
_WRITTEN_AS_IT_IS = "dossier_code"
# Replaces an empty value. The text then still matches its registered template, and the reader sees that a value is
# missing.
EMPTY_VALUE = "..."

# If a top-level domain is no Vietnamese syllable or abbreviation, any `name.tld` with it counts as a link. With other
# top-level domains a name counts as a link only if a path follows (`t.me/…`), so that “TP.HCM”, “BV.TW” or “P.CN” stay.
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

# A value is read at most this many characters beyond its limit, because NFC of a hostile text needs quadratic time.
_READ_AT_MOST = 1000


def clean_parameter(value: str | None, limit: int, accented: bool = True) -> str:
    """Make a value safe for use in a text: one line of visible characters, without links, at most `limit` characters.

    The steps, in this order: line breaks, tabs and all kinds of blanks become one space. Control, bidirectional,
    zero-width and other invisible characters are removed. The value is put into NFC. A link or mail address (scheme,
    `www.`, or a host name with a top-level domain that `_LINK` lists, also in full-width letters) is removed up to the
    next blank. A value longer than `limit` is cut between words and ends in `...`. None counts as an empty value. A
    second call changes nothing more. Never raises.
    """
    if not value or limit <= 0:
        return ""
    return (_clean_accented if accented else _clean_without_accents)(*_limited_value(value, limit))


def _limited_value(value: str, limit: int) -> tuple[str, int, bool]:
    """Return the part of a value that is read, the limit, and whether the value continues after this part.

    Blanks around the value are removed.
    """
    value = value.strip()
    window = limit + _READ_AT_MOST
    return value[:window], limit, len(value) > window


@lru_cache(maxsize=4096)
def _clean_accented(value: str, limit: int, is_longer: bool) -> str:
    text = _without_links(_one_line(value))
    while is_longer or len(text) > limit:
        # A cut can make a link of a word that was no link: “example.community” becomes “example.com”.
        text, is_longer = _without_links(_cut(text, limit)), False
    return text


def _visible(value: str) -> str:
    """Return the value in NFC without invisible characters, with every kind of blank as a space."""
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
    # A combining mark at the start would change the last letter of the fixed words before the value.
    while start < len(text) and (text[start] == " " or _is_mark(text[start])):
        start += 1
    return text[start:]


def _without_links(text: str) -> str:
    # A phone treats the ideographic full stop in a link as a dot.
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
    """Return a dossier code as its source writes it: trimmed, and without unprintable characters."""
    code, limit, _ = _limited_value(value, PARAMETER_LIMITS[_WRITTEN_AS_IT_IS])
    if not (code.isascii() and code.isprintable()):
        code = _visible(code).strip()
    return code if len(code) <= limit else _cut(code, limit)


# GSM-7 contains these Vietnamese letters, but a text without accents must not contain them.
_ACCENTED_IN_GSM = re.compile("[àèéìòùÉ]")


def _code_without_accents(code: str) -> str:
    if _GSM_ONLY.fullmatch(code) and (code.isascii() or not _ACCENTED_IN_GSM.search(code)):
        return code
    return remove_accents(code)


@lru_cache(maxsize=4096)
def _clean_without_accents(value: str, limit: int, is_longer: bool) -> str:
    # Accents are removed first, so that the rules for links and length see full-width letters and “…” as plain
    # characters.
    return _clean_accented(remove_accents(value), limit, is_longer)


def _cleaned_value(name: str, value: str | None, accented: bool) -> str:
    if not value:
        return EMPTY_VALUE
    if name == _WRITTEN_AS_IT_IS:
        code = _code_as_written(value)
        return (code if accented else _code_without_accents(code)) or EMPTY_VALUE
    return clean_parameter(value, PARAMETER_LIMITS.get(name, OTHER_LIMIT), accented) or EMPTY_VALUE


def date_in_text(day: date) -> str:
    """Write a date without leading zeros, such as 5/9/2016. `day` is a date in Vietnam."""
    return f"{day.day}/{day.month}/{day.year}"


# ---------------------------------------------------------------- templates


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template: the words that a provider registered and compares each text with.

    `body` is accented and in NFC, and names the `parameters` in braces, in their order. `choices` gives, for each
    parameter with fixed values, the allowed words.
    """

    template_id: str
    version: int
    body: str
    parameters: tuple[str, ...]
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a message, made once from one version of a template.

    `parameters` are in the template's order and in the form that the text shows: cleaned, and without accents if the
    text has no accents. Some providers accept only the template's id and the parameters. `accented_parameters` are the
    accented parameters of a text without accents; None if the text is accented or if the parameters are not known.
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
        """Return the template's name, which is also the name of its file."""
        return f"{self.template_id}.v{self.template_version}"


@dataclass(frozen=True, slots=True)
class RenderedText(Words):
    """A text ready to send, with everything that must be stored with it."""

    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Registration:
    """One version of a template, as registered with the provider behind a gateway.

    The ids are the provider's own: one for the text without accents, one for the accented text. An id is None if the
    provider gives none.
    """

    gateway: str
    template_id: str
    template_version: int
    provider_template_id: str | None = None
    accented_provider_template_id: str | None = None

    @property
    def key(self) -> RegistrationKey:
        """Return the key that is unique for each registration."""
        return self.gateway, self.template_id, self.template_version

    def provider_id(self, accented: bool) -> str | None:
        """Return the provider's own id for the accented or the unaccented text."""
        return self.accented_provider_template_id if accented else self.provider_template_id


RegistrationKey: TypeAlias = tuple[str, str, int]
"""Gateway, template id and version."""


class UnregisteredTemplate(Exception):
    """Raised if the gateway does not know this version of a template and would refuse every text made from it."""


def require_registered(
    known: Mapping[RegistrationKey, Registration], key: RegistrationKey, *, accented: bool, by_id: bool
) -> str | None:
    """Return the provider's own id of a template, or None if the provider gives none.

    The caller must call this function before the message uses part of a daily limit. With `by_id` the gateway accepts
    the id and the values instead of the words, so a registration without the id is useless.

    Raises:
        UnregisteredTemplate: no message with this template may go through the gateway. The error's text says what to
            do.
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
    """Fill a template: entirely accented, or entirely without accents in GSM-7, never a mixture.

    A dossier code stays exactly as its source writes it, except in a text without accents: there accented letters and
    characters outside GSM-7 are replaced. Other values are cleaned (clean_parameter) and cut to PARAMETER_LIMITS, or to
    OTHER_LIMIT if PARAMETER_LIMITS has no limit for the parameter. Braces in a value have no meaning. Values that the
    template does not name are ignored.

    Raises:
        ValueError: a parameter of the template has no value at all, which is a mistake in the calling code.
    """
    try:
        given = [(name, values[name]) for name in template.parameters]
    except KeyError as missing:
        raise ValueError(
            f"template {template.template_id}.v{template.version}: no value for {missing.args[0]}"
        ) from None
    shown = tuple(_cleaned_value(name, value, accented) for name, value in given)
    in_full = None if accented else tuple(_cleaned_value(name, value, True) for name, value in given)
    return _fill(template, shown, accented, in_full)


def with_accents(template: Template, words: Words) -> Words:
    """Return the words of a message with accents, made from the same version of the template.

    The words stay unchanged if they are accented already. They also stay unchanged if the accented values are not
    known, as in messages of an earlier version of this software. The result is never a mixture.
    """
    if words.accented or words.accented_parameters is None:
        return words
    return _fill(template, tuple(words.accented_parameters), True, None)


def _fill(
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
