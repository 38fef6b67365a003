"""Compare the texts in the simulated phone networks' own logs with the texts that are owed to citizens.

The owed texts follow from the invented histories of dossiers (``lives.py``). No product code is used. The text of a
message has the code of its dossier in brackets, and a phrase that shows the kind of the message.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

_PHRASES = {
    "da duoc giai quyet xong": "result",
    "can bo sung theo quy dinh": "supplement",
    "chua co ket qua vao ngay": "apology",
}
_CODE = re.compile(r"\(([^()]+)\)")


class Promise(Protocol):
    @property
    def must(self) -> int: ...
    @property
    def most(self) -> int: ...


@dataclass(frozen=True)
class Taken:
    number: str
    text: str


@dataclass(frozen=True)
class Citizen:
    """The texts that one dossier's citizen is owed, by kind, and the only phone that may get them."""

    number: str
    owed: Mapping[str, Promise]


@dataclass
class Judgement:
    """The errors that were found; each entry names the code of a dossier and the kind of the message."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_phone: list[str] = field(default_factory=list)
    uncalled: list[str] = field(default_factory=list)
    """Texts that were not owed."""
    listed: int = 0
    """Number of owed texts that are missing from the networks' logs but are in the argument ``listed`` of ``judge``."""
    texts_by_kind: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong_phone or self.uncalled)


def read(text: str) -> tuple[str, str]:
    """Return the dossier's code and the kind of a message's text; each is empty if the text has none."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()
    code = _CODE.search(text)
    kind = next((kind for phrase, kind in _PHRASES.items() if phrase in plain), "")
    return (code[1] if code else ""), kind


def judge(
    citizens: Mapping[str, Citizen], taken: Sequence[Taken], listed: Collection[tuple[str, str]] = ()
) -> Judgement:
    """Compare the accepted texts with the owed texts.

    Args:
        citizens: Code of a dossier → its citizen.
        taken: All texts that the networks accepted.
        listed: Code and kind of each message that is or was in the state ``unknown``, which people can see.
    """
    found = Judgement()
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for each in taken:
        code, kind = read(each.text)
        citizen = citizens.get(code)
        if citizen is None or kind not in citizen.owed:
            found.uncalled.append(f"{code or 'no code'} {kind or 'no kind'}")
            continue
        if each.number != citizen.number:
            found.wrong_phone.append(f"{code} {kind}")
        counts[code, kind] += 1
        found.texts_by_kind[kind] += 1
    shown = Counter(listed)
    for code, citizen in citizens.items():
        for kind, promise in citizen.owed.items():
            count = counts[code, kind]
            if count > promise.most:
                found.doubled.append(f"{code} {kind}: {count} times")
            missing = promise.must - count
            if missing > 0:
                helped = min(missing, shown[code, kind])
                found.listed += helped
                if missing > helped:
                    found.lost.append(f"{code} {kind}")
    return found


def mistakes_noticed(citizens: Mapping[str, Citizen], taken: Sequence[Taken], found: Judgement) -> int:
    """Make three mistakes in copies of the log, one in each copy, and return how many of them ``judge`` finds.

    The mistakes are a missing text, a repeated text, and a text to another phone. For an empty log the result is 0.
    """
    if not taken:
        return 0
    first = taken[0]
    mistakes = {
        "lost": [each for each in taken if each.text != first.text],
        "doubled": [*taken, first, first],
        "wrong_phone": [*taken[:-1], replace(taken[-1], number="0900000000")],
    }
    return sum(len(getattr(judge(citizens, log), what)) > len(getattr(found, what)) for what, log in mistakes.items())
