"""Read a request to ``sendsms`` as Kannel does, and decide what a phone shows of the text.

Kannel's behaviour was measured on Debian's ``kannel`` 1.4.5-20. The module also handles the alphabets of SMS, the parts
of a text, and the phone number that a receiver means.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote_plus

from fastapi import Request

# --- Texts as a phone shows them -------------------------------------------------------------------------------------

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
    """Return what a phone shows of a text sent without ``coding=2``, with ``?`` for characters outside GSM-7."""
    text = text.replace("ç", "Ç")  # in the standard 0x09 is the capital letter, and Kannel maps both letters to it
    return "".join(letter if letter in GSM_BASIC or letter in GSM_ESCAPED else "?" for letter in text)


def split_parts(text: str, coding: int, max_messages: int) -> list[str]:
    """Return the parts that a phone receives, cut off after ``max_messages`` as Kannel does.

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

    With ``coding=2`` and no ``charset`` the bytes are read as UTF-16BE, so that UTF-8 text becomes nonsense on the
    phone. Kannel does the same.

    Raises:
        ValueError: the charset is unknown or cannot be applied.
    """
    if coding == EIGHT_BIT:
        return raw.decode("latin-1")
    try:
        codecs.lookup(charset or "utf-8")
        text = raw.decode(charset or ("utf-16-be" if coding == UCS2 else "utf-8"), errors="replace")
    except (LookupError, ValueError) as error:
        raise ValueError("unknown charset, or the body is not in this charset") from error
    return text.encode("utf-8", "replace").decode()  # a lone surrogate cannot be stored


def fill_escapes(pattern: str, values: Mapping[str, str]) -> str:
    """Fill Kannel's ``%`` escapes in a dlr-url or get-url. ``%%`` is a percent sign, and unknown escapes stay.

    A percent sign that encodes nothing is sent as ``%25``. Kannel sends it unchanged, which HTTP libraries cannot.
    """
    filled = re.sub(r"%(.)", lambda found: values.get(found[1], found[0]), pattern, flags=re.DOTALL)
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", filled)


def encode(value: str) -> str:
    """Encode a value for a URL as Kannel does: a space becomes ``+``, and the "mark" characters of RFC 2396 stay."""
    return quote_plus(value, safe="-_.!~*'()")


def phone_number(receiver: str) -> str:
    """Return a phone's number in one form: ``+84905…``, ``84905…`` and ``0905…`` are the same phone."""
    digits = re.sub(r"\D", "", receiver)
    return "0" + digits[2:] if re.fullmatch(r"84\d{9}", digits) else digits


# --- The request -----------------------------------------------------------------------------------------------------

SMSC_ID = "phone-network"


class Refused(Exception):
    """Raised if Kannel would refuse a request. Holds the status and the sentence of the refusal."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclasses.dataclass(frozen=True)
class Submission:
    """One accepted ``sendsms`` request. Each of its receivers gets a message of its own."""

    sender: str
    receivers: tuple[str, ...]
    text: str
    coding: int
    validity: int | None
    dlr_mask: int
    dlr_url: str
    smsc: str


_RANGES = {  # field: (lowest, highest, name in Kannel's refusal), in the order of Kannel's checks
    "dlr-mask": (-1, 66, "DLR-Mask"),
    "mclass": (-1, 3, "MClass"),
    "coding": (-1, 2, "Coding"),
    "validity": (-1, 2**31, "Validity"),
    "priority": (-1, 3, "Priority"),
}


def read_submission(fields: Mapping[str, bytes], username: str, password: str) -> Submission:
    """Read a request as Kannel's smsbox does.

    Raises:
        Refused: Kannel would refuse it; the error has Kannel's status and words.
    """

    def word(*names: str) -> str:
        return next((fields[name].decode("utf-8", "replace") for name in names if name in fields), "")

    def whole(name: str) -> int | None:  # like sscanf: a value without a number at its beginning is ignored
        found = re.match(r"\s*[+-]?\d{1,12}", word(name))
        value = int(found[0]) if found else None
        lowest, highest, label = _RANGES[name]
        if value is not None and not lowest <= value <= highest:
            raise Refused(400, f"{label} field misformed, rejected")
        return None if value == -1 else value

    given = (word("username", "user"), word("password", "pass"))
    if not all(map(secrets.compare_digest, map(str.encode, given), map(str.encode, (username, password)))):
        raise Refused(403, "Authorization failed for sendsms")
    if "to" not in fields:
        raise Refused(400, "Missing receiver number, rejected")
    if not fields["to"]:
        raise Refused(400, "Empty receiver number not allowed, rejected")
    receivers = tuple(to for to in word("to").split() if re.fullmatch(r"[0-9+-]+", to))
    if not receivers:
        raise Refused(400, "Number(s) has/have been denied by white- and/or black-lists.")
    if not word("from"):
        raise Refused(400, "Sender missing and no global set, rejected")
    dlr_url = word("dlr-url", "dlrurl")
    if dlr_url and not re.match(r"https?://.", dlr_url, re.IGNORECASE):
        raise Refused(400, "DLR-URL field misformed, rejected")
    numbers = {name: whole(name) for name in _RANGES}
    coding = numbers["coding"] or SEVEN_BIT
    try:
        text = decode_text(fields.get("text", b""), coding, word("charset"))
    except ValueError as error:
        raise Refused(400, "Charset or body misformed, rejected") from error
    return Submission(
        sender=word("from"),
        receivers=receivers,
        text=text,
        coding=coding,
        validity=numbers["validity"],
        dlr_mask=numbers["dlr-mask"] or 0,
        dlr_url=dlr_url,
        smsc=word("smsc"),
    )


async def read_fields(request: Request) -> dict[str, bytes]:
    """Return the fields of a request as bytes: the query of a GET, the headers and body of a POST.

    Raises:
        Refused: a POST whose body is a form, JSON or anything else that is not plain text.
    """
    if request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in reversed(pairs)}  # the first value counts
    kind, _, rest = request.headers.get("content-type", "application/octet-stream").partition(";")
    kind = kind.strip().lower()
    if kind not in ("text/plain", "application/octet-stream"):
        raise Refused(400, "Invalid content-type")
    fields = {
        name.removeprefix("x-kannel-"): value.encode("latin-1")
        for name, value in request.headers.items()
        if name.startswith("x-kannel-")
    }
    charset = re.search(r"charset=\"?([\w.:-]+)", rest, re.IGNORECASE)
    default = "iso-8859-1" if kind == "text/plain" else ""  # the default of HTTP/1.1, which Kannel follows
    fields["charset"] = charset[1].encode() if charset else default.encode()
    if kind == "application/octet-stream":
        fields.setdefault("coding", b"1")
    fields["text"] = await request.body()
    return fields
