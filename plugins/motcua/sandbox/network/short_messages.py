"""What a phone shows: the alphabets of SMS, the parts a text is cut into, and the number that a receiver means."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from urllib.parse import quote_plus

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED = "\f^{}\\[~]|€"
SEVEN_BIT, EIGHT_BIT, UCS2 = 0, 1, 2
_SIZE = {  # coding: (alone, as part of a chain) in septets, octets, UTF-16 units; 3GPP TS 23.038 and 23.040
    SEVEN_BIT: (160, 153),
    EIGHT_BIT: (140, 134),
    UCS2: (70, 67),
}


def as_gsm(text: str) -> str:
    """Return what a phone shows of a text sent without ``coding=2``: ``?`` for what GSM-7 does not hold."""
    text = text.replace("ç", "Ç")  # the standard's 0x09 is the capital; Kannel maps both to it
    return "".join(letter if letter in GSM_BASIC or letter in GSM_ESCAPED else "?" for letter in text)


def split_parts(text: str, coding: int, max_messages: int) -> list[str]:
    """Return the parts a phone receives, cut off after ``max_messages`` as Kannel does.

    An escape pair or a surrogate pair is never split. An empty text is one empty part.
    """

    def weight(letter: str) -> int:
        if coding == UCS2:
            return 2 if ord(letter) > 0xFFFF else 1
        return 2 if coding == SEVEN_BIT and letter in GSM_ESCAPED else 1

    alone, chained = _SIZE[coding]
    room = alone if max_messages == 1 or sum(map(weight, text)) <= alone else chained
    parts, used = [""], 0
    for letter in text:
        if used + weight(letter) > room:
            if len(parts) == max_messages:
                break
            parts.append("")
            used = 0
        parts[-1] += letter
        used += weight(letter)
    return parts


def decode_text(raw: bytes, coding: int, charset: str) -> str:
    """Return the text that Kannel understands from the bytes of a request.

    With ``coding=2`` and no ``charset`` the bytes are taken as UTF-16BE as they stand, so that UTF-8 text
    becomes nonsense on the phone: Kannel does the same.

    Raises:
        ValueError: the charset is unknown or cannot be applied.
    """
    if coding == EIGHT_BIT:
        return raw.decode("latin-1")
    try:
        codecs.lookup(charset or "utf-8")
        text = raw.decode(charset or ("utf-16-be" if coding == UCS2 else "utf-8"), errors="replace")
    except (LookupError, ValueError) as error:
        raise ValueError("unknown charset or a body that is not in it") from error
    return text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be stored


def fill_escapes(pattern: str, values: Mapping[str, str]) -> str:
    """Fill Kannel's ``%`` escapes of a dlr-url or get-url; ``%%`` is a percent sign, unknown ones stay.

    A percent sign that encodes nothing leaves as ``%25``: Kannel sends it bare, which HTTP libraries do not.
    """
    filled = re.sub(r"%(.)", lambda found: values.get(found[1], found[0]), pattern, flags=re.DOTALL)
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", filled)


def encode(value: str) -> str:
    """Encode a value for a URL as Kannel does (space is ``+``; RFC 2396 marks stay)."""
    return quote_plus(value, safe="-_.!~*'()")


def phone_number(receiver: str) -> str:
    """Return one spelling for one phone: ``+84905…``, ``84905…`` and ``0905…`` ring the same."""
    digits = re.sub(r"\D", "", receiver)
    return "0" + digits[2:] if re.fullmatch(r"84\d{9}", digits) else digits
