"""SMS texts: how many messages a text costs, how accents go, how a template becomes a text.

Everything here is pure and quick: planning renders a hundred thousand texts in a run. The rules for
replaced characters, cut values and refused links are written in docs/decisions/sms-texts.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

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
    start = used = 0
    for position, character in enumerate(text):
        cost = 2 if double.match(character) else 1
        if used + cost > per_part:
            parts.append(text[start:position])
            start, used = position, 0
        used += cost
    parts.append(text[start:])
    return parts


# Characters that NFKD leaves outside GSM-7 and that have an obvious spelling inside it: đ, which Unicode
# does not decompose, and what Word, VNI typists and telephones put in its place. Everything else outside
# GSM-7 becomes "?".
_SPELLINGS = str.maketrans(
    {
        **dict.fromkeys("đÐĐƉðɖ", "d"),
        **dict.fromkeys("ÐĐƉ", "D"),
        **dict.fromkeys("‘’‚‛′ʹʻʼʽ`´ˊˋ‹›", "'"),
        **dict.fromkeys("“”„‟″«»〝〞", '"'),
        **dict.fromkeys("‐‑‒–—―−⁃•‣▪●■", "-"),
        **dict.fromkeys("·∙⋅", "."),
        **dict.fromkeys("\t\v\x1c\x1d\x1e\x1f\x85\u2028\u2029", " "),
        "…": "...",
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
        "₫": "d",
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

# Nothing is drawn for these, yet str.isprintable() lets them pass (Default_Ignorable_Code_Point, U+2800).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def remove_accents(text: str) -> str:
    """Write a text without accents, in characters of GSM-7 only.

    đ/Đ, dashes, quotes and the like get the ASCII spelling listed above; other letters lose their marks
    (compatibility forms too: full-width letters, ligatures); characters of GSM-7 without a mark (£, §, Ø,
    €) stay; control and invisible characters go; anything else becomes "?". Length is kept for every
    Vietnamese text in NFC. Done twice it changes nothing more. Never raises.
    """
    if _BASIC_ONLY.fullmatch(text) and text.isascii():
        return text
    text = unicodedata.normalize("NFKD", _INVISIBLE.sub("", text).translate(_SPELLINGS))
    text = "".join(filterfalse_marks(text)).translate(_SPELLINGS)
    if not _GSM_ONLY.fullmatch(text):
        text = "".join(map(_in_gsm, text))
    return text
