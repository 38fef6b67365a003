"""Find people in any text, however their phone numbers and names are spelled, and report where they were found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

Person: TypeAlias = tuple[str, tuple[str, str, str]]
"""A person: the nine digits that each spelling of the phone number ends with; and family, middle and given name."""


def folded(words: str) -> str:
    bare = unicodedata.normalize("NFD", words.lower().replace("đ", "d"))
    return "".join(letter for letter in bare if not unicodedata.combining(letter))


class Seeker:
    _ANYWHERE = re.compile(r"(?=([35789]\d\d[ .]?\d{3}[ .]?\d{3}))")
    _ALONE = re.compile(r"(?<!\d)(?:0|84)?([35789]\d\d[ .]?\d{3}[ .]?\d{3})(?!\d)")

    def __init__(self, people: Iterable[Person], *, alone: bool = False) -> None:
        """Create a seeker of these people.

        With ``alone``, nine digits within a longer row of digits do not count as a phone number. This avoids chance
        hits in texts with very many digits.
        """
        known = list(people)
        self.tails = {tail for tail, _ in known}
        names = [tuple(folded(part) for part in name) for _, name in known]
        self.names = {*names, *((given, family, middle) for family, middle, given in names)}
        self._digits = self._ALONE if alone else self._ANYWHERE

    def found(self, text: str) -> set[str]:
        """Return the phone numbers (nine digits each) and the names that occur in the text."""
        numbers = {re.sub("[ .]", "", each) for each in self._digits.findall(text)} & self.tails
        words = re.findall(r"[a-z]+", folded(unicodedata.normalize("NFC", text)))
        names = {each for each in zip(words, words[1:], words[2:], strict=False) if each in self.names}
        return numbers | {" ".join(each) for each in names}


@dataclass
class Places:
    of: dict[str, set[str]] = field(default_factory=dict)

    def search(self, place: str, seeker: Seeker, text: str) -> None:
        if hit := seeker.found(text):
            self.of.setdefault(place, set()).update(hit)

    def summary(self) -> str:
        where = ", ".join(f"{name} ({len(each)})" for name, each in sorted(self.of.items())[:6])
        return f"{sum(map(len, self.of.values()))}" + (f": {where}" if where else "")
