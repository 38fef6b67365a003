"""Write the workbooks of a publication: one over all agencies, and one for each agency with the agency's own rows.

``motcua.reports.spreadsheets`` has the parts that all workbooks share. The first sheet is a summary. The last sheets
state what each column counts, and by which query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.reconciliation import QueryUsed
from motcua.reports import wording
from motcua.reports.publication.csv_tables import TABLES, FigureTable, heads, tables_of, utc
from motcua.reports.publication.data import Told
from motcua.reports.publication.document import (
    apologies_line,
    complaints_line,
    corrected_line,
    cost_line,
    dossiers_change_line,
    dossiers_line,
    inquiries_line,
    summary_lines,
    time_line,
)
from motcua.reports.publication.sheets import SHEETS, Cells, Sheet, sheet_rows
from motcua.reports.spreadsheets import CELL, NUMBER, PLAIN, RED, TEXT, VIETNAMESE, Book, Look, Worksheet

MOST_ROWS = 1_048_000
"""How many rows one sheet has at most: Excel's limit, minus the head and the notes below the rows."""

_WIDTHS = {"agency": 34, "procedure": 44, "reason": 42, "kinds_off_reason": 40, "causes": 40, "measure": 40}
_WIDTHS |= {"agency_code": 17, "procedure_code": 17, "dossier_code": 27, "kind": 18, "state": 18, "figure": 24}
_WIDTHS |= {"side": 24, "sort": 40, "claim": 34, "outcome": 18, "kinds_off": 28, "occurred_at": 16, "happened_at": 16}
_WIDTHS |= {"stopped_at": 16, "until": 16, "ended_at": 16, "stop_reason": 60}
_WIDTHS |= {
    "cost": 16,
    "by_sms": 16,
    "saved": 16,
    "gateway": 16,
    "inquiry_fees": 16,
    "unit": 28,
    "source_transition_id": 13,
    "message_id": 13,
}
_WORDS = {
    "agency_code",
    "agency",
    "procedure_code",
    "procedure",
    "kind",
    "state",
    "reason",
    "side",
    "explained",
    "dossier_code",
    "source",
    "sort",
    "figure",
    "causes",
    "claim",
    "outcome",
    "kinds_off",
    "kinds_off_reason",
    "same_day_excluded",
    "enabled",
    "measure",
    "unit",
    "stop_reason",
    "gateway",
    "billed_unit",
    "carrier",
}
_PERCENT = {"delivered_of_tellable", "delivered_of_sent", "before", "late_of_resolved"}
_PERCENT |= {"value", "threshold"}
_POINTS = {"change"}
_MOMENTS = {"occurred_at", "happened_at", "stopped_at", "until", "ended_at"}
_IDS = {"source_transition_id", "transition_id", "message_id", "receipt_id"}
"""Columns with identifying numbers. They have no dots between thousands, so that people can search for the numbers."""


_DERIVED = {
    "agency",
    "procedure",
    "sent",
    "tellable",
    "delivered_of_tellable",
    "delivered_of_sent",
    "before",
    "change",
    "received_direct",
    "received_total",
    "resolved",
    "late_of_resolved",
    "cost",
    "price",
    "by_sms",
    "saved",
}
"""Columns that contain names, or values computed from other columns. No query computes these columns."""


def publication_workbook(told: Told) -> bytes:
    """Write the workbook of all agencies, or of ``told.agency`` alone."""
    book = _Book(told)
    book.summary()
    rows = sheet_rows(told)
    shown = [sheet for sheet in SHEETS if sheet.name in rows]
    for sheet in shown:
        book.table(sheet, rows[sheet.name])
    book.columns(shown)
    book.queries()
    return book.close()


def queries_of(table: str, column: str, queries: Sequence[QueryUsed]) -> list[QueryUsed]:
    """Return the queries that compute the figures of a column.

    A query states which figures it computes: tables, and in brackets their columns or rows, such as ``messages
    (at_source of apology), reasons``. Queries that name the column are preferred, then queries that name its table
    without a column, then all queries that name the table.
    """
    named = [(each, *_match_of_query(table, column, each)) for each in queries]
    for place in (1, 2, 3):
        if found := [each[0] for each in named if each[place]]:
            return found
    return []


@lru_cache(maxsize=4)
def _cached_queries_of(queries: tuple[QueryUsed, ...]) -> Callable[[str, str], list[QueryUsed]]:
    """Return a cached ``queries_of`` for these queries, since all workbooks of a publication have the same columns."""
    return cache(lambda table, column: queries_of(table, column, queries))


_MADE = re.compile(r"(\w+)\s*(?:\(([^)]*)\))?")
_STEM = 6
"""A word matches a column if this many first letters are equal, so that ``inquiries`` matches ``inquiry_fees``."""


@cache
def _match_of_query(table: str, column: str, query: QueryUsed) -> tuple[bool, bool, bool]:
    """Return whether a query names the column, whether it names the table without a column, and whether it names the
    table at all."""
    its_columns = next(each.columns for each in TABLES if each.name == table)
    own = [details for name, details in _MADE.findall(query.figures) if name == table]
    words = [word[:_STEM] for details in own for word in re.findall(r"\w+", details)]
    named = {each for each in its_columns if each[:_STEM] in words}
    return column in named, bool(own) and not named, bool(own)


class _Book(Book):
    """The workbook of one report."""

    def __init__(self, told: Told) -> None:
        self._told, self._words = told, told.words
        self._said: dict[str, Any] = told.words["workbook"]
        kinds: dict[str, Look] = {
            "words": TEXT | CELL | {"text_wrap": True},
            "number": NUMBER,
            # As in ``wording.percent``, a share below 1 is not shown as 100%. The cell holds the exact share.
            "percent": PLAIN | CELL | {"num_format": f'[>=1]{VIETNAMESE}0.0%;[>=0.9995]"99,9%";{VIETNAMESE}0.0%'},
            "points": PLAIN | CELL | {"num_format": f"{VIETNAMESE}+0.0;-0.0;0"},
            "id": PLAIN | CELL | {"num_format": "0"},
            # A price may be a fraction of a đồng, so its number of decimals is not fixed.
            "price": PLAIN | CELL | {"num_format": "General"},
            "moment": PLAIN | CELL | {"num_format": f"{VIETNAMESE}dd/mm/yyyy hh:mm", "align": "left"},
        }
        looks = kinds | {f"bad_{name}": look | RED for name, look in kinds.items()}
        looks |= {
            "bad": TEXT | RED | {"text_wrap": True},
            "good": TEXT | {"text_wrap": True, "bold": True, "font_color": "#17633F"},
        }
        super().__init__(
            f"{self._said['title']} {told.period}",
            told.report.closing.closed_at,
            looks,
            self._said["sheets"],
            f"{self._words['letterhead']['machine_copy']}. MotcuaSMS",
            self._said["page"],
        )

    def summary(self) -> None:
        """Write the first sheet, a summary for people with little time."""
        arranged_report, names, closing = self._told, self._said["about"], self._told.report.closing
        sheet = self.sheet("summary", portrait=True)
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 86)
        line = 0

        def put(name: str, value: str, look: str = "line") -> None:
            nonlocal line
            sheet.set_row(line, 14.5 * max(1, -(-len(value) // 88)))
            sheet.write_string(line, 0, name, self._look["name"])
            sheet.write_string(line, 1, value, self._look[look])
            line += 1

        sheet.set_row(0, 24)
        sheet.write_string(0, 0, f"{self._said['title']} {arranged_report.period}", self._look["title"])
        line = 2
        whose = (
            self._words["names"]["all"]
            if arranged_report.agency is None
            else arranged_report.agency_name(arranged_report.agency)
        )
        put(names["whose"], whose)
        moment = wording.moment(closing.as_of)
        put(names["closing"], names["closing_value"].format(number=closing.closing_no, as_of=moment))
        read = closing.data_as_of
        put(names["data_as_of"], wording.moment(read) if read else names["never"], "line" if read else "bad")
        if closing.corrects is not None:
            put(names["corrects"], corrected_line(arranged_report), "bad")
        first = names["identity"]
        for each in summary_lines(arranged_report):
            put(first, each.text, {"": "line"}.get(each.tone, each.tone))
            first = ""
        put(names["dossiers"], dossiers_line(arranged_report))
        if change := dossiers_change_line(arranged_report):
            put("", change)
        if time := time_line(arranged_report):
            put(names["time"], time)
        put(names["apologies"], apologies_line(arranged_report))
        put(names["inquiries"], inquiries_line(arranged_report))
        put(names["complaints"], complaints_line(arranged_report))
        if arranged_report.agency is None:
            put(names["cost"], cost_line(arranged_report))
        put(names["hash"], closing.figures_hash)
        line += 1
        sheet.write_string(line, 0, self._said["how"], self._look["part"])
        line += 1
        for number, each in enumerate(self._said["how_all" if arranged_report.agency is None else "how_agency"], 1):
            put(f"{number}.", each)

    def table(self, shown: Sheet, rows: Iterable[Cells]) -> None:
        """Write one sheet of rows. A row is red if its figures do not add up, or if it is an unexplained difference."""
        sheet = self.sheet(shown.name)
        for place, column in enumerate(shown.columns):
            sheet.set_column(place, place, _WIDTHS.get(column, 11))
            sheet.write_string(0, place, self._words["columns"][column]["head"], self._look["head"])
        sheet.freeze_panes(1, shown.frozen)
        sheet.repeat_rows(0)
        written = beyond = 0
        for row in rows:
            if written >= MOST_ROWS:
                beyond += 1
                continue
            written += 1
            bad = bool(row.get("difference")) or bool(row.get("bad"))
            for place, column in enumerate(shown.columns):
                self._cell(sheet, written, place, column, row[column], bad=bad)
        if written:
            sheet.autofilter(0, 0, written, len(shown.columns) - 1)
        else:
            sheet.write_string(1, 0, self._said["no_rows"], self._look["name"])
        if beyond:
            left = self._said["beyond"].format(most=wording.count(MOST_ROWS), number=wording.count(beyond))
            sheet.write_string(written + 2, 0, left, self._look["bad"])

    def _cell(self, sheet: Worksheet, line: int, place: int, column: str, value: Any, *, bad: bool) -> None:  # noqa: ANN401
        kind = _kind(column)
        look = self._look[f"bad_{kind}" if bad else kind]
        if value is None:
            sheet.write_blank(line, place, None, look)
        elif kind == "words" or isinstance(value, str):
            sheet.write_string(line, place, str(value)[:32_767], look)
        elif isinstance(value, datetime):
            # Excel knows no time zones, so the moment is written by Vietnam's clock.
            local = value.astimezone(VIETNAM).replace(tzinfo=None, second=0, microsecond=0)
            sheet.write_datetime(line, place, local, look)
        else:
            sheet.write_number(line, place, value, look)

    def columns(self, written: Sequence[Sheet]) -> None:
        """Write every column's meaning, the table that contains it, and the query that computes it."""
        sheet = self.sheet("columns")
        sheets, queries = self._said["sheets"], self._told.report.queries
        for place, width in enumerate((26, 26, 22, 62, 22, 40, 68)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, self._said["explained_head"][place], self._look["head"])
        sheet.freeze_panes(1, 2)
        sheet.repeat_rows(0)
        line = 0
        shown = [(sheets[each.name], each.columns, each.table) for each in written]
        told_of = tables_of(self._told.report.closing)
        shown += [(table.file_name, heads(table), table.name) for table in told_of]
        by_name = {table.name: table for table in TABLES}
        made_by = _cached_queries_of(tuple(queries))
        for where, columns, table in shown:
            for column in columns:
                line += 1
                origin, made = self._origin(column, by_name.get(table or ""), made_by)
                words = self._words["columns"][column]
                cells = (where, words["head"], column, words["means"], origin, *made)
                for place, cell in enumerate(cells):
                    sheet.write_string(line, place, cell, self._look["words"])
        sheet.autofilter(0, 0, line, 6)

    def _origin(
        self, column: str, table: FigureTable | None, made_by: Callable[[str, str], list[QueryUsed]]
    ) -> tuple[str, tuple[str, str]]:
        if table is None:
            return "", ("", "")
        if column in _DERIVED:
            return self._said["computed"], ("", "")
        # Seconds are shown beside messages, but come from the separate table of timings.
        name = "timings" if column in ("median_seconds", "p95_seconds") else table.name
        found = made_by(name, column)
        of = table.table if name == table.name else f"closing_{name}"
        return of, ("\n".join(each.name for each in found), "\n".join(each.sha256 for each in found))

    def queries(self) -> None:
        """Write every query that made the figures, with its hash, and the parameters that reproduce these figures."""
        sheet = self.sheet("queries")
        for place, width in enumerate((48, 60, 68)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, self._said["queries_head"][place], self._look["head"])
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        for line, query in enumerate(self._told.report.queries, 1):
            for place, cell in enumerate((query.name, query.figures, query.sha256)):
                sheet.write_string(line, place, cell, self._look["words"])
        line = len(self._told.report.queries) + 2
        for place, head in enumerate(self._said["parameters_head"]):
            sheet.write_string(line, place, head, self._look["head"])
        closing = self._told.report.closing
        values: dict[str, Any] = {"start": closing.period.start, "end": closing.period.end}
        for name, means in self._said["parameters"].items():
            value = values[name] if name in values else getattr(closing, name)
            if value is None:
                # Closings of earlier versions of the software did not store this value.
                continue
            line += 1
            written = utc(value) if isinstance(value, datetime) else str(value)
            for place, cell in enumerate((f"%({name})s", written, means)):
                sheet.write_string(line, place, cell, self._look["words"])


def _kind(column: str) -> str:
    if column in _WORDS:
        return "words"
    for names, kind in (
        (_PERCENT, "percent"),
        (_POINTS, "points"),
        (_MOMENTS, "moment"),
        (_IDS, "id"),
        ({"price"}, "price"),
    ):
        if column in names:
            return kind
    return "number"
