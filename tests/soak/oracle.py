"""Judges a day by what phones got, in the networks' own logs, and by the lives that were invented. No product code.

What a message is about stands in its words: a dossier's code in brackets, and a phrase for each kind.
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
    """What one dossier's citizen is owed, by kind, and the phone that may ring."""

    number: str
    owed: Mapping[str, Promise]


@dataclass
class Judgement:
    """What is wrong; each entry names a dossier's code and a kind."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong_phone: list[str] = field(default_factory=list)
    uncalled: list[str] = field(default_factory=list)
    """Nobody owed it."""
    listed: int = 0
    """Owed, not known to have arrived, and listed for people."""
    told: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.wrong_phone or self.uncalled)


def read(text: str) -> tuple[str, str]:
    """Code and kind of a message's words; empty where there is none."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()
    code = _CODE.search(text)
    kind = next((kind for phrase, kind in _PHRASES.items() if phrase in plain), "")
    return (code[1] if code else ""), kind


def judge(
    citizens: Mapping[str, Citizen], taken: Sequence[Taken], listed: Collection[tuple[str, str]] = ()
) -> Judgement:
    """Holds what was taken against what was owed.

    Args:
        citizens: by dossier's code.
        taken: all that the networks took.
        listed: code and kind of each message that people are shown as of unknown outcome.
    """
    found = Judgement()
    told: dict[tuple[str, str], int] = defaultdict(int)
    for each in taken:
        code, kind = read(each.text)
        citizen = citizens.get(code)
        if citizen is None or kind not in citizen.owed:
            found.uncalled.append(f"{code or 'no code'} {kind or 'no kind'}")
            continue
        if each.number != citizen.number:
            found.wrong_phone.append(f"{code} {kind}")
        told[code, kind] += 1
        found.told[kind] += 1
    shown = Counter(listed)
    for code, citizen in citizens.items():
        for kind, promise in citizen.owed.items():
            count = told[code, kind]
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
    """Of three mistakes made up in the same log (a message taken away, doubled, sent to the neighbour) how many are
    found; 0 of an empty log."""
    if not taken:
        return 0
    first = taken[0]
    mistakes = {
        "lost": [each for each in taken if each.text != first.text],
        "doubled": [*taken, first, first],
        "wrong_phone": [*taken[:-1], replace(taken[-1], number="0900000000")],
    }
    return sum(len(getattr(judge(citizens, log), what)) > len(getattr(found, what)) for what, log in mistakes.items())
