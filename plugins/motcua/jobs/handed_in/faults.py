"""What is wrong in a file that people hand in: one table of words for every reader, told by sheet, line and column.

Never with the value: a column that slipped may hold phone numbers. Staff read it in Vietnamese (``str``), operators in
English (``english``).
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
"""Faults of a file that are told; the rest is counted."""

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
"""What include/templates/report/file_faults.vi.yaml and file_faults.en.yaml have words for."""


_NOW: Final[Mapping[str, FaultCode]] = {"bad_status": "unknown_word", "too_heavy_export": "too_heavy"}
"""Codes that the ledger keeps of files that version 0.2.0 read → what says the same."""


class _Values(dict[str, object]):
    """Values of a sentence; what was not kept of a file that version 0.2.0 read is left open."""

    def __missing__(self, name: str) -> str:
        return "…"


@dataclass(frozen=True, slots=True)
class FileFault:
    """One thing that is wrong in a file, and where."""

    code: FaultCode
    sheet: str | None = None
    line: int | None = None
    """Row, as a spreadsheet counts."""
    heading: str | None = None
    """Heading of the column, as it stands in the file."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What fills the places of the sentence; never a cell that may be personal."""

    def __str__(self) -> str:
        return self._told("vi")

    @property
    def english(self) -> str:
        """The same for operators."""
        return self._told("en")

    def _told(self, language: str) -> str:
        words = report_words("file_faults", language)
        # Also a heading or a sheet may be named after a phone. Each by itself: what holds a number comes back cleaned.
        places = [
            mask_phones(words["places"][name].format(value))
            for name, value in (("sheet", self.sheet), ("line", self.line), ("heading", self.heading))
            if value is not None
        ]
        sentence = mask_phones(str(words["faults"][_NOW.get(self.code, self.code)]).format_map(_Values(self.values)))
        return f"{', '.join(places)}: {sentence}" if places else sentence[:1].upper() + sentence[1:]


@lru_cache(maxsize=8)
def report_words(name: str, language: str = "vi") -> dict[str, Any]:
    """The words of ``include/templates/report/<name>.<language>.yaml``."""
    path = include_dir() / "templates" / "report" / f"{name}.{language}.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


class FileRefused(Exception):
    """A file cannot be taken; the message names the first faults, one a line."""

    def __init__(self, name: str, faults: Sequence[FileFault]) -> None:
        self.name, self.faults = name, tuple(faults)
        self.month: date | None = None
        """First day of the month that the file is about, where that much could be read."""
        super().__init__(self._told("vi"))

    @classmethod
    def too_large(cls, name: str, most: int) -> FileRefused:
        """A file of more than so many bytes."""
        return cls(name, [FileFault("too_large", values={"most": most // 1024**2})])

    @property
    def english(self) -> str:
        """The same for operators."""
        return self._told("en")

    def _told(self, language: str) -> str:
        words = report_words("file_faults", language)
        shown = [fault.english if language == "en" else str(fault) for fault in self.faults[:MOST_FAULTS]]
        if len(self.faults) > MOST_FAULTS:
            shown.append(words["more"].format(len(self.faults) - MOST_FAULTS))
        return "\n".join([words["refused"].format(self.name), *(f"- {line}" for line in shown)])


_NOT_WHAT_IS_AWAITED: Final[tuple[FaultCode, ...]] = ("not_a_table", "web_page", "not_text", "no_heading", "no_lines")
"""Faults of a file that is another thing altogether."""


def is_another_thing(message: str) -> bool:
    """Whether a kept refusal says that the file is not at all what was awaited, so that no line of it can be named."""
    faults = report_words("file_faults")["faults"]
    begins = [str(faults[code]).split("{", maxsplit=1)[0].lower() for code in _NOT_WHAT_IS_AWAITED]
    told = message.splitlines()[1:]
    return len(told) == 1 and any(begin in told[0].lower() for begin in begins)
