"""The figures of one day as files, for spreadsheets and machines: what the page *Tổng quan* shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

from motcua.reports import wording
from motcua.reports.publication.csv_tables import plain_csv
from motcua.reports.spreadsheets import CELL, NUMBER, TEXT, Book, Look
from motcua.settings import include_dir

_WIDTHS = (14, 18, 44, 20, 22, 12)


@dataclass(frozen=True, slots=True)
class DayFigure:
    """Messages of one agency, kind and state, recorded on one day."""

    day: date
    agency_code: str
    agency: str
    kind: str
    state: str
    messages: int


def figures_csv(figures: Iterable[DayFigure]) -> bytes:
    """For machines: kinds and states as the ledger names them."""
    return plain_csv(DayFigure, figures)


def figures_workbook(figures: Iterable[DayFigure], day: date, data_as_of: datetime | None, made_at: datetime) -> bytes:
    """For people: in words. Text stays text, whatever it begins with."""
    return _Book(day, data_as_of, made_at).with_figures(figures)


class _Book(Book):
    def __init__(self, day: date, data_as_of: datetime | None, made_at: datetime) -> None:
        path = include_dir() / "templates" / "report" / "day_figures.vi.yaml"
        self._said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._words = wording.publication_words()
        self._title = self._said["title"].format(day=wording.day(day))
        as_of = wording.moment(data_as_of) if data_as_of else self._words["names"]["unknown"]
        self._as_of = self._said["as_of"].format(as_of=as_of, made_at=wording.moment(made_at))
        looks: dict[str, Look] = {"text": TEXT | CELL, "number": NUMBER}
        super().__init__(self._title, made_at, looks, {"figures": self._said["sheet"]}, "MotcuaSMS", self._said["page"])

    def with_figures(self, figures: Iterable[DayFigure]) -> bytes:
        sheet = self.sheet("figures")
        for place, width in enumerate(_WIDTHS):
            sheet.set_column(place, place, width)
        sheet.write_string(0, 0, self._title, self._look["title"])
        sheet.write_string(1, 0, self._as_of, self._look["name"])
        for place, head in enumerate(self._said["heads"]):
            sheet.write_string(3, place, head, self._look["head"])
        for line, each in enumerate(figures, 4):
            kind, state = self._words["kind"][each.kind], self._words["state"][each.state]
            cells = (wording.day(each.day), each.agency_code, each.agency, kind, state)
            for place, cell in enumerate(cells):
                sheet.write_string(line, place, cell, self._look["text"])
            sheet.write_number(line, len(cells), each.messages, self._look["number"])
        return self.close()
