"""Normalise words and table cells that people type or hand in, and find the agency that such a word means.

A word is first compared with codes and aliases, then with names. A name is compared as it is written, regardless of
case, and then without accents. A name means every agency that has or had the name. If there are several such agencies,
the software does not guess: it raises ``SeveralAgencies``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from motcua.domain.texts import remove_accents

ROUNDED: Final = r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+"
"""Pattern of a code, reference or phone number that Excel mistook for a number and rounded: ``1,23E+17``."""


def fold(text: str, *, brackets: bool = False) -> str:
    """Normalise a heading or word for comparison: no accents, no case, no text in brackets, single spaces."""
    text = unicodedata.normalize("NFC", text)
    plain = remove_accents(text if brackets else re.sub(r"\([^)]*\)", " ", text))
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def heading_key(heading: str) -> tuple[bool, str]:
    """Return the key by which a heading is recognised. No two headings of one form may have the same key.

    The key of a heading with text in brackets is equal only to keys of headings with the same text in brackets.
    """
    bracketed = "(" in heading
    return bracketed, fold(heading, brackets=bracketed)


def clean_cell(text: str) -> str:
    """Return a cell's text without what spreadsheets add: ``="0905…"``, a leading apostrophe, unusual blanks."""
    text = unicodedata.normalize("NFC", text.replace("\xa0", " ").replace("\u202f", " ")).strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip()


AgencyWords: TypeAlias = Mapping[str, Sequence[str]]
"""Maps a normalised word to the sorted codes of the agencies that the word means."""


class SeveralAgencies(LookupError):
    """Raised for a name that several agencies have or had."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(", ".join(codes))
        self.codes = tuple(codes)


def words_of(codes: Iterable[tuple[str, str]], names: Iterable[tuple[str, str]] = ()) -> AgencyWords:
    """Build the map from words to agencies.

    ``codes`` are pairs of a code or alias and the agency's code. ``names`` are pairs of a name and the agency's code.
    """
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
    """Return the code of the agency that a word means; ``None`` if the word means no agency.

    Raises:
        SeveralAgencies: several agencies have this name. The error contains their codes.
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
