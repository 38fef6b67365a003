"""Words and cells as people hand them in, and which agency a person or a file means by a code, an alias or a name.

The one rule for what is typed or handed in: a code goes before a name. A name is looked for as it is written, whatever
its case, and then without its accents; it means every agency that has it or had it. Where that is more than one, nobody
guesses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from motcua.domain.texts import remove_accents

ROUNDED: Final = r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]+"
"""What is left of a code, a reference or a phone number that Excel took for a number: ``1,23E+17``."""


def fold(text: str, *, brackets: bool = False) -> str:
    """A heading or a word as it is compared: no accents, no case, nothing in brackets, one space between words."""
    text = unicodedata.normalize("NFC", text)
    plain = remove_accents(text if brackets else re.sub(r"\([^)]*\)", " ", text))
    return re.sub(r"[^a-z0-9]+", " ", plain.casefold()).strip()


def heading_key(heading: str) -> tuple[bool, str]:
    """What two headings of a form must not share; one with brackets means only one that has them too."""
    bracketed = "(" in heading
    return bracketed, fold(heading, brackets=bracketed)


def clean_cell(text: str) -> str:
    """A cell without what spreadsheets put around it: ``="0905…"``, a leading apostrophe, odd blanks."""
    text = unicodedata.normalize("NFC", text.replace("\xa0", " ").replace("\u202f", " ")).strip()
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip()


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
