"""Words and cells as people hand them in: what is left of a cell without a spreadsheet's dressing, and how two words
are compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

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
