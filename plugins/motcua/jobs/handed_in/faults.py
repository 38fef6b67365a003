"""Describe the faults of handed-in files by sheet, line and column, with one set of texts for all file readers.

No text repeats the faulty cell: in a table whose columns slipped, any cell may be a phone number. Staff read the
Vietnamese text (``str``), operators the English text (``english``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import yaml

from motcua.domain.phones.reading import mask_phones
from motcua.settings import include_dir

MOST_FAULTS: Final = 20
"""Largest number of faults of a file that a message names. The message gives only the number of the other faults."""

FaultCode: TypeAlias = Literal[
    "too_large", "too_many_lines", "too_heavy", "too_wide", "not_a_table", "old_workbook", "web_page", "unreadable",
    "not_utf8", "not_text", "open_quote", "no_form", "bad_form", "no_folder", "no_sheet", "extra_sheet", "no_heading",
    "missing_heading", "heading_twice", "cells_beyond", "no_lines", "bad_time", "outside_month",
    "bad_number", "bad_whole", "too_large_number", "missing", "bad_phone", "no_identity", "bad_reference", "rounded",
    "phones_in_column", "unknown_word", "no_total", "bad_total", "after_total", "bad_month", "future",
    "too_early", "unknown_agency", "bad_code", "too_long", "holds_phone", "cut_off", "few_dossiers", "from_future",
    "all_refused", "no_agency", "not_ours", "twice", "unread_time",
    "bad_period", "bare_month", "several_periods", "not_over", "several_agencies",
]  # fmt: skip
"""Codes of the texts in include/templates/report/file_faults.vi.yaml and file_faults.en.yaml."""


_PRESENT_CODES: Final[Mapping[str, FaultCode]] = {"bad_status": "unknown_word", "too_heavy_export": "too_heavy"}
"""Old fault codes that version 0.2.0 stored in the ledger, each with the present code of the same meaning."""


class _Values(dict[str, object]):
    """Values for the placeholders of a text. A value that version 0.2.0 did not store becomes ``…``."""

    def __missing__(self, name: str) -> str:
        return "…"


@dataclass(frozen=True, slots=True)
class FileFault:
    """One fault of a file and its place."""

    code: FaultCode
    sheet: str | None = None
    line: int | None = None
    """Row number, counted from 1 as in a spreadsheet."""
    heading: str | None = None
    """Heading of the column, as the file writes it."""
    values: Mapping[str, object] = field(default_factory=dict)
    """Values for the placeholders of the text; never a cell that may hold personal data."""

    def __str__(self) -> str:
        return self._text_in("vi")

    @property
    def english(self) -> str:
        """Return the English text of the fault, for operators."""
        return self._text_in("en")

    def _text_in(self, language: str) -> str:
        """Return the text of the fault in a language, with its place."""
        words = report_words("file_faults", language)
        # A heading or a sheet name may hold a phone number. ``mask_phones`` also changes other letters of a text that
        # holds a number, so each part is masked separately.
        places = [
            mask_phones(words["places"][name].format(value))
            for name, value in (("sheet", self.sheet), ("line", self.line), ("heading", self.heading))
            if value is not None
        ]
        sentence = mask_phones(
            str(words["faults"][_PRESENT_CODES.get(self.code, self.code)]).format_map(_Values(self.values))
        )
        return f"{', '.join(places)}: {sentence}" if places else sentence[:1].upper() + sentence[1:]


@lru_cache(maxsize=8)
def report_words(name: str, language: str = "vi") -> dict[str, Any]:
    """Return the texts of ``include/templates/report/<name>.<language>.yaml``."""
    path = include_dir() / "templates" / "report" / f"{name}.{language}.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


class FileRefused(Exception):
    """A file was refused. The message names its first faults, one per line."""

    def __init__(self, name: str, faults: Sequence[FileFault]) -> None:
        self.name, self.faults = name, tuple(faults)
        self.month: date | None = None
        """First day of the file's month, if the month could be read."""
        super().__init__(self._text_in("vi"))

    @classmethod
    def too_large(cls, name: str, most: int) -> FileRefused:
        """Return the refusal of a file with more than ``most`` bytes."""
        return cls(name, [FileFault("too_large", values={"most": most // 1024**2})])

    @property
    def english(self) -> str:
        """Return the English message, for operators."""
        return self._text_in("en")

    def _text_in(self, language: str) -> str:
        """Return the message in a language."""
        words = report_words("file_faults", language)
        shown = [fault.english if language == "en" else str(fault) for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            shown.append(words["more"].format(len(self.faults) - MOST_FAULTS))
        return "\n".join([words["refused"].format(self.name), *(f"- {line}" for line in shown)])


_FAULTS_OF_OTHER_KIND: Final[tuple[FaultCode, ...]] = ("not_a_table", "web_page", "not_text", "no_heading", "no_lines")
"""Faults that show that the file is not of the expected kind."""


def is_another_thing(message: str) -> bool:
    """Return whether a stored refusal shows that the file was not of the expected kind. Such a refusal has only one
    fault."""
    faults = report_words("file_faults")["faults"]
    begins = [str(faults[code]).split("{", maxsplit=1)[0].lower() for code in _FAULTS_OF_OTHER_KIND]
    fault_lines = message.splitlines()[1:]
    return len(fault_lines) == 1 and any(begin in fault_lines[0].lower() for begin in begins)
