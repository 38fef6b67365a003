"""Define what all workbooks share: opening a workbook, the formats of cells, and the printing of sheets.

XlsxWriter streams rows to disk (``constant_memory``), so that many rows need little memory. Every cell with words is
written as a string in text format, marked with a quote prefix. A value that begins with ``= + - @``, tab or carriage
return therefore stays text, even after somebody edits the cell. The same report always gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

Worksheet: TypeAlias = Any
"""A worksheet of XlsxWriter, which has no type annotations."""
Look: TypeAlias = dict[str, Any]
"""A cell format: its properties by XlsxWriter's names."""

VIETNAMESE: Final = "[$-42A]"
"""Prefix in the formats of numbers and moments that requests Vietnamese forms (56.000; 61,2%) on any machine.

LibreOffice obeys the prefix. Excel takes the separators of numbers from the machine.
"""
PLAIN: Final[Look] = {"font_name": "Arial", "font_size": 10, "valign": "top"}
TEXT: Final[Look] = PLAIN | {"num_format": "@", "quote_prefix": True}
CELL: Final[Look] = {"border": 1, "border_color": "#DDE3EE"}
RED: Final[Look] = {"font_color": "#B3202C", "bold": True}
NUMBER: Final[Look] = PLAIN | CELL | {"num_format": f"{VIETNAMESE}#,##0"}
_LOOKS: Final[dict[str, Look]] = {
    "head": TEXT | {"bold": True, "bg_color": "#0B2A4A", "font_color": "#FFFFFF", "text_wrap": True, "border": 1},
    "title": TEXT | {"bold": True, "font_size": 15},
    "name": TEXT | {"font_color": "#55617A"},
    "line": TEXT | {"text_wrap": True},
    "part": TEXT | {"bold": True, "font_size": 12},
}
_A4: Final = 9


class Book:
    """A workbook that is being written.

    The rows of a sheet must be written from top to bottom, because each row goes to disk at once.

    Args:
        title: the title in the file's properties.
        made_at: when the report was made.
        looks: formats of cells by name, in addition to the formats that all workbooks have.
        names: the titles of the sheets, by their names in the code.
        footer: the text below each printed page, on the left.
        page: the page number below each printed page, on the right.
    """

    def __init__(
        self,
        title: str,
        made_at: datetime,
        looks: Mapping[str, Look],
        names: Mapping[str, str],
        footer: str,
        page: str,
    ) -> None:
        import xlsxwriter  # type: ignore[import-untyped]

        self._file = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
            },
        )
        created = made_at.astimezone(UTC).replace(tzinfo=None)
        self._book.set_properties({"title": title, "author": "MotcuaSMS", "created": created})
        self._look = {name: self._book.add_format(look) for name, look in (_LOOKS | dict(looks)).items()}
        self._names, self._footer = names, f"&L&8{footer}&R&8{page}"

    def close(self) -> bytes:
        """Return the finished file."""
        self._book.close()
        return self._file.getvalue()

    def sheet(self, name: str, *, portrait: bool = False) -> Worksheet:
        """Add a sheet. It is printed on A4, as wide as the paper, with page numbers."""
        sheet = self._book.add_worksheet(self._names[name])
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer(self._footer)
        if not portrait:
            sheet.set_landscape()
        return sheet
