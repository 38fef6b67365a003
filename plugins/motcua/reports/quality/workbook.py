"""Write the workbooks of quality mails: the findings to correct, for people who sort, filter and print.

``motcua.reports.spreadsheets`` has the parts that all workbooks share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.people import Viewer
from motcua.quality.report_data import (
    AgencyFigures,
    AgencyReport,
    DepartmentReport,
    RowToCorrect,
    RuleResult,
)
from motcua.reports import wording
from motcua.reports.lists import Link, Seen, Word, cell_of, declared_list
from motcua.reports.mail import Attachment
from motcua.reports.quality.listed import FINDING_CELLS, dossier_address
from motcua.reports.quality.urgency import late
from motcua.reports.spreadsheets import CELL, NUMBER, PLAIN, RED, TEXT, VIETNAMESE, Book, Look, Worksheet

MOST_ROWS = 50_000
"""How many rows of findings one workbook has at most. They make 3 to 4 MB; a mail server may refuse larger files.

Mail and workbook state how many rows are left out.
"""


@dataclass(frozen=True, slots=True)
class Workbook(Attachment):
    """A finished workbook. ``rows`` counts its findings, ``left_out`` the findings that it lacks."""

    rows: int
    left_out: int


def agency_workbook(
    report: AgencyReport, rows: Sequence[RowToCorrect], left_out: int = 0, dossiers_url: str | None = None
) -> Workbook:
    """Write the workbook of one agency, with the findings in the order of ``rows``.

    ``left_out`` is the number of further findings. ``dossiers_url`` is the address of the page Hồ sơ, to which codes
    link; ``None`` if this deployment has none.
    """
    words = wording.words()["workbook"]
    book = _Book(report, dossiers_url)
    about = book.sheet("about", portrait=True)
    book.rows(rows, to_agency=True)
    book.rules(report.results)
    name = f"{report.agency_name} ({report.agency_code})"
    book.about(about, name, report.figures, _broken(report), words["how_agency"], len(rows), left_out)
    return Workbook(_file_name(report.agency_name, report.run.day), book.close(), len(rows), left_out)


def department_workbook(
    report: DepartmentReport, rows: Sequence[RowToCorrect], left_out: int = 0, dossiers_url: str | None = None
) -> Workbook:
    """Write the Department's workbook: the figures of all agencies, and the findings that concern the Department."""
    words = wording.words()["workbook"]
    book = _Book(report, dossiers_url)
    about = book.sheet("about", portrait=True)
    book.agencies(report.agencies)
    book.rows(rows, to_agency=False)
    book.rules(report.results)
    broken = [*_broken(report), *(f"{each.name}: {each.reason}" for each in report.broken_agencies)]
    book.about(about, words["all_agencies"], report.figures, broken, words["how_department"], len(rows), left_out)
    return Workbook(_file_name(words["all_agencies"], report.run.day), book.close(), len(rows), left_out)


def _broken(report: AgencyReport | DepartmentReport) -> list[str]:
    return [f"{each.rule.code} {each.rule.title}" for each in report.broken]


def _file_name(whose: str, day: date) -> str:
    """Return a file name that every file system accepts. Vietnamese letters stay."""
    kept = "".join(letter if letter.isalnum() or letter in " -_." else " " for letter in whose)
    name: str = wording.words()["workbook"]["file"].format(name=" ".join(kept.split())[:60], day=f"{day:%d-%m-%Y}")
    return name


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    width: float
    kind: str = "text"
    """The format of the cells: ``text``, ``wrapped``, ``number``, ``rate`` or ``day``."""
    head: str = ""
    """The column's heading. If it is empty, the file of words for mails gives the heading for the column's name."""


_KINDS = {"figure": "number", "day": "day", "moment": "day"}
"""The format of the cells of a column of the list of findings, by the column's ``shown``.

Cells of all other columns are wrapped text.
"""


class _Book(Book):
    """The workbook of one report."""

    def __init__(self, report: AgencyReport | DepartmentReport, dossiers_url: str | None) -> None:
        self._dossiers_url = dossiers_url
        self._words = wording.words()
        self._said: dict[str, Any] = self._words["workbook"]
        self._report = report
        looks: dict[str, Look] = {
            "text": TEXT | CELL,
            "wrapped": TEXT | CELL | {"text_wrap": True},
            "number": NUMBER,
            "rate": PLAIN | CELL | {"num_format": f"{VIETNAMESE}#,##0.0"},
            "day": PLAIN | CELL | {"num_format": f"{VIETNAMESE}dd/mm/yyyy", "align": "left"},
            "value": TEXT | {"bold": True, "text_wrap": True},
            "warning": TEXT | RED | {"text_wrap": True},
            "late": TEXT | CELL | RED,
            "link": TEXT | CELL | {"font_color": "#1D5FD1", "underline": 1},
        }
        super().__init__(
            self._said["title"],
            report.run.sealed_at or report.run.as_of,
            looks,
            self._said["sheets"],
            "MotcuaSMS",
            self._said["page"],
        )

    def rows(self, rows: Sequence[RowToCorrect], *, to_agency: bool) -> None:
        """Write the findings, with the columns that the list of findings declares for mails."""
        seen = Seen(Viewer("", "agency" if to_agency else "operator", None), {})
        listed = declared_list("findings").columns_for(seen.viewer, "mail")
        columns = [
            _Column("place", 6, "number"),
            *(_Column(name, each.width, _KINDS.get(each.shown, "wrapped"), each.head) for name, each in listed.items()),
        ]
        sheet = self._table("rows", columns, frozen=2 if to_agency else 3)
        for line, row in enumerate(rows, 1):
            cells = [cell_of(name, each, row, seen, FINDING_CELLS) for name, each in listed.items()]
            plain = [cell.words if isinstance(cell, Link | Word) else cell for cell in cells]
            self._line(sheet, line, columns, [line, *plain])
            for place, cell in enumerate(cells, 1):
                if isinstance(cell, Link) and (address := dossier_address(self._dossiers_url, cell)):
                    sheet.write_url(line, place, address, self._look["link"], cell.words)
            if row.stage != "in_time":
                place = [each.name for each in columns].index("stage")
                sheet.write_string(line, place, self._words["stage"][row.stage], self._look["late"])
        if rows:
            sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        else:
            sheet.write_string(1, 1, self._said["no_rows"], self._look["text"])

    def rules(self, results: Sequence[RuleResult]) -> None:
        """Write every rule with its words, its figures and its thresholds."""
        columns = [
            _Column("code", 7),
            _Column("title", 30, "wrapped"),
            _Column("severity", 12),
            _Column("owner", 18, "wrapped"),
            _Column("found", 10, "number"),
            _Column("acknowledged", 12, "number"),
            _Column("to_do", 10, "number"),
            _Column("new", 8, "number"),
            _Column("back", 8, "number"),
            _Column("fixed", 8, "number"),
            _Column("late", 9, "number"),
            _Column("rate", 9, "rate"),
            _Column("before", 9, "rate"),
            _Column("explanation", 48, "wrapped"),
            _Column("action", 44, "wrapped"),
            _Column("thresholds", 34, "wrapped"),
        ]
        sheet = self._table("rules", columns, frozen=2)
        for line, each in enumerate(results, 1):
            used = "; ".join(
                f"{threshold.meaning} {wording.plain(threshold.value)}"
                for threshold in self._report.thresholds
                if threshold.rule in ("", each.rule.code)
            )
            ran = each.status == "checked"
            counts: list[object] = [
                each.found,
                each.acknowledged,
                each.to_do,
                each.change.new,
                each.change.back,
                each.change.fixed,
                late(each),
                each.per_thousand,
                each.change.previous_per_thousand,
            ]
            words = [
                each.rule.code,
                each.rule.title,
                self._words["severity"][each.rule.severity],
                self._words["owner"][each.rule.owner],
            ]
            figures: list[object] = counts if ran else [None] * len(counts)
            self._line(sheet, line, columns, [*words, *figures, each.rule.explanation, each.rule.action, used])
            if not ran:
                sheet.write_string(line, 4, self._said["broken_count"], self._look["late"])
        sheet.autofilter(0, 0, max(len(results), 1), len(columns) - 1)

    def agencies(self, agencies: Sequence[AgencyFigures]) -> None:
        """Write every agency's figures, in the report's order."""
        groups = self._words["group"]
        columns = [
            _Column("place", 6, "number"),
            _Column("agency", 34, "wrapped"),
            _Column("dossiers", 11, "number"),
            *[_Column(group, 13, "number") for group in groups],
            _Column("found", 10, "number"),
            _Column("acknowledged", 12, "number"),
            _Column("to_do", 10, "number"),
            _Column("rate", 10, "rate"),
            _Column("before", 10, "rate"),
            _Column("new", 8, "number"),
            _Column("fixed", 8, "number"),
            _Column("late", 9, "number"),
            _Column("late_department", 10, "number"),
        ]
        sheet = self._table("agencies", columns, frozen=2)
        for line, each in enumerate(agencies, 1):
            figures: list[object] = [
                line,
                each.name,
                each.dossiers,
                *[each.by_group.get(group, 0) for group in groups],
                each.found,
                each.acknowledged,
                each.to_do,
                each.per_thousand,
                each.change.previous_per_thousand,
                each.change.new,
                each.change.fixed,
                late(each),
                each.remind_department,
            ]
            if each.broken_reason:
                figures = [line, each.name, *[None] * (len(columns) - 2)]
            self._line(sheet, line, columns, figures)
            if each.broken_reason:
                sheet.write_string(line, 2, self._said["broken_count"], self._look["late"])
        sheet.autofilter(0, 0, max(len(agencies), 1), len(columns) - 1)

    def about(
        self,
        sheet: Worksheet,
        whose: str,
        figures: AgencyFigures,
        broken: Sequence[str],
        how: Sequence[str],
        written: int,
        left_out: int,
    ) -> None:
        """Write the first sheet: agency and time, sums, how to use the workbook, broken rules, thresholds."""
        run, names = self._report.run, self._said["about"]
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, 68)
        line = 0

        def put(*cells: tuple[str, str], height: float | None = None) -> None:
            nonlocal line
            if height:
                sheet.set_row(line, height)
            for place, (words, look) in enumerate(cells):
                sheet.write_string(line, place, words, self._look[look])
            line += 1

        put((self._said["title"], "title"), height=24)
        if left_out:
            left = self._said["left_out"].format(written=wording.count(written), left=wording.count(left_out))
            put((self._words["state"]["new"], "name"), (left, "warning"), height=30)
        rate = wording.decimal(figures.per_thousand) if figures.per_thousand is not None else self._words["few"]
        when = self._said["about"]["run_value"].format(number=run.run_no, moment=wording.moment(run.as_of))
        for name, value in (
            ("agency", whose),
            ("run", when),
            ("data_as_of", wording.moment(run.data_as_of) if run.data_as_of else names["never"]),
            ("since", wording.day(run.since)),
            ("dossiers", wording.count(figures.dossiers)),
            ("found", wording.count(figures.found)),
            ("acknowledged", wording.count(figures.acknowledged)),
            ("to_do", wording.count(figures.to_do)),
            ("listed", names["listed_value"].format(number=wording.count(written + left_out))),
            ("late", wording.count(late(figures))),
            ("rate", rate),
            ("hash", run.content_hash[:16]),
        ):
            put((names[name], "name"), (value, "value"))
        put(
            (names["broken"], "name"),
            ("; ".join(broken) or names["none"], "value"),
            height=15.0 * max(1, len(broken)),
        )
        line += 1
        put((self._said["how"], "part"))
        for number, each in enumerate(how, 1):
            put((f"{number}.", "name"), (each, "line"), height=15.0 * (len(each) // 66 + 1))
        line += 1
        put((self._said["columns"]["thresholds"], "part"))
        for threshold in self._report.thresholds:
            put(
                (f"{threshold.rule} {wording.plain(threshold.value)}".strip(), "name"),
                (threshold.meaning, "line"),
                height=15.0 * (len(threshold.meaning) // 66 + 1),
            )

    def _table(self, name: str, columns: Sequence[_Column], frozen: int) -> Worksheet:
        sheet = self.sheet(name)
        named = self._said["columns"] | self._words["group"]
        for place, column in enumerate(columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(0, place, column.head or named[column.name], self._look["head"])
        sheet.freeze_panes(1, frozen)
        sheet.repeat_rows(0)
        return sheet

    def _line(self, sheet: Worksheet, line: int, columns: Sequence[_Column], values: Sequence[object]) -> None:
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            look = self._look[column.kind]
            if value is None:
                sheet.write_blank(line, place, None, look)
            elif isinstance(value, (date, datetime)):
                # Excel knows no time zones, so the day is that of Vietnam's calendar.
                local = value.astimezone(VIETNAM).date() if isinstance(value, datetime) else value
                sheet.write_datetime(line, place, datetime(local.year, local.month, local.day), look)  # noqa: DTZ001
            elif isinstance(value, (int, float)):
                sheet.write_number(line, place, value, look)
            else:
                sheet.write_string(line, place, str(value)[:32_767], look)
