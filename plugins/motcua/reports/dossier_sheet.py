"""What happened to a dossier as a table, for who files it or sends it on: a workbook, and a CSV file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.reports import wording
from motcua.reports.explaining import clauses
from motcua.reports.publication.csv_tables import plain_csv
from motcua.reports.spreadsheets import CELL, TEXT, Book

_WIDTHS = (20, 18, 60, 80)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A line of the axis; no cell of it is ever a formula."""

    at: datetime
    sort: str
    event: str
    details: str


def axis_csv(rows: Sequence[SheetRow]) -> bytes:
    """The lines, for machines."""
    return plain_csv(SheetRow, rows)


def axis_workbook(told: str, dossier: str, rows: Sequence[SheetRow], made_at: datetime) -> bytes:
    """The lines, for people, below the sentence and what the dossier is."""
    book = _Book(made_at)
    book.lines(told, dossier, rows)
    return book.close()


class _Book(Book):
    def __init__(self, made_at: datetime) -> None:
        self._said = clauses()["sheet"]
        made = self._said["made"].format(at=wording.moment(made_at))
        looks = {"cell": TEXT | CELL | {"text_wrap": True}}
        super().__init__(self._said["title"], made_at, looks, {"axis": self._said["name"]}, made, "&P/&N")

    def lines(self, told: str, dossier: str, rows: Sequence[SheetRow]) -> None:
        """The one sheet."""
        sheet = self.sheet("axis")
        for column, width in enumerate(_WIDTHS):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, told, self._look["title"])
        sheet.write_string(1, 0, dossier, self._look["name"])
        for column, name in enumerate(self._said["columns"]):
            sheet.write_string(3, column, name, self._look["head"])
        for place, row in enumerate(rows, 4):
            for column, cell in enumerate((wording.moment(row.at), row.sort, row.event, row.details)):
                sheet.write_string(place, column, cell, self._look["cell"])
        sheet.freeze_panes(4, 0)
