"""A request to ``sendsms`` as Kannel reads it: measured on Debian's ``kannel`` 1.4.5-20."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request

from motcua.sandbox.network.short_messages import SEVEN_BIT, decode_text

SMSC_ID = "phone-network"


class Refused(Exception):
    """Kannel's refusal of a request: a status and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclasses.dataclass(frozen=True)
class Submission:
    """One accepted ``sendsms`` request; several receivers are several messages."""

    sender: str
    receivers: tuple[str, ...]
    text: str
    coding: int
    validity: int | None
    dlr_mask: int
    dlr_url: str
    smsc: str


_RANGES = {  # field: (lowest, highest, name in Kannel's refusal), in the order in which Kannel looks
    "dlr-mask": (-1, 66, "DLR-Mask"),
    "mclass": (-1, 3, "MClass"),
    "coding": (-1, 2, "Coding"),
    "validity": (-1, 2**31, "Validity"),
    "priority": (-1, 3, "Priority"),
}


def read_submission(fields: Mapping[str, bytes], username: str, password: str) -> Submission:
    """Read a request as Kannel's smsbox does.

    Raises:
        Refused: with the status and the words of Kannel.
    """

    def word(*names: str) -> str:
        return next((fields[name].decode("utf-8", "replace") for name in names if name in fields), "")

    def whole(name: str) -> int | None:  # like sscanf: what does not begin with a number is not there
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
        return {name: value.encode("latin-1") for name, value in reversed(pairs)}  # the first one counts
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
    default = "iso-8859-1" if kind == "text/plain" else ""  # HTTP/1.1's default, which Kannel keeps to
    fields["charset"] = charset[1].encode() if charset else default.encode()
    if kind == "application/octet-stream":
        fields.setdefault("coding", b"1")
    fields["text"] = await request.body()
    return fields
