"""Which agency a person or a file means, by a code, an alias or a name: the one rule for what is typed or handed in.

A code goes before a name. A name is looked for as it is written, whatever its case, and then without its accents; it
means every agency that has it or had it. Where that is more than one, nobody guesses.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from motcua.domain.words import fold

AgencyWords: TypeAlias = Mapping[str, Sequence[str]]
"""Word, as it is compared → codes of the agencies that it means, in order."""


class SeveralAgencies(LookupError):
    """A name that several agencies have, or had."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = tuple(codes)


def words_of(codes: Iterable[tuple[str, str]], names: Iterable[tuple[str, str]] = ()) -> AgencyWords:
    """What agencies are called: codes and aliases, then names, each with the code of its agency."""
    of_names: dict[str, set[str]] = {}
    for name, agency in names:
        for word in (_in_any_case(name), fold(name)):
            of_names.setdefault(word, set()).add(agency)
    exact: dict[str, set[str]] = {}
    of_codes: dict[str, set[str]] = {}
    for code, agency in codes:
        exact[_trimmed(code)] = {agency}
        of_codes.setdefault(_in_any_case(code), set()).add(agency)
    return {word: tuple(sorted(meant)) for word, meant in (of_names | of_codes | exact).items() if word}


def agency_of(written: str, agencies: AgencyWords) -> str | None:
    """Code of the agency that is meant; ``None``: nobody knows it.

    Raises:
        SeveralAgencies: with the codes of all that have this name.
    """
    readings = (_trimmed, _in_any_case, fold)
    codes = next((codes for reading in readings if (codes := agencies.get(reading(written)))), ())
    if len(codes) > 1:
        raise SeveralAgencies(codes)
    return codes[0] if codes else None


def _trimmed(written: str) -> str:
    return unicodedata.normalize("NFC", written).strip()


def _in_any_case(written: str) -> str:
    return " ".join(unicodedata.normalize("NFC", written).casefold().split())
