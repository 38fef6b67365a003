"""Check a table of phone fields before an agency is enabled: count the numbers that can be texted, and list the rows to
correct."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import EARLIEST, LATEST
from motcua.domain.phones.reading import (
    NOTES,
    REFUSALS,
    Note,
    NumberUse,
    PhoneRefusal,
    find_shared_numbers,
    mask_msisdn,
    read_phone,
    to_local,
)
from motcua.domain.written_times import read_day
from motcua.jobs.handed_in.faults import FileRefused, report_words
from motcua.jobs.handed_in.tables import ColumnSpec, read_table, read_values
from motcua.reports.spreadsheets import CELL, NUMBER, TEXT, Book
from motcua.reports.wording import words_in
from motcua.settings import settings
from motcua.sources import adapter
from motcua.store.agencies import agency_codes
from motcua.store.ledger.database import connect


def phone_words() -> dict[str, Any]:
    """Return the texts of include/templates/commands/phones.vi.yaml."""
    return words_in("commands/phones.vi")


class UnreadableTable(Exception):
    """A table of phones cannot be read or written. The message is one Vietnamese sentence for staff.

    Args:
        fault: a key of ``fault`` in phones.vi.yaml.
        values: values for the placeholders of the sentence.
    """

    def __init__(self, fault: str, **values: object) -> None:
        super().__init__(phone_words()["fault"][fault].format(**values))


class PhoneRow(NamedTuple):
    """One phone field of a table. ``place`` is the row's number in a file, or the dossier's code in a source."""

    place: str
    phone: str
    entered_on: date | None = None
    province: str = ""
    agency_code: str = ""
    owner: str = ""


class Label(NamedTuple):
    """The text that staff read about a refusal or a note: its title, and what to do."""

    title: str
    action: str


class Finding(NamedTuple):
    """One row to correct or to review. ``number`` is the number as read; it is empty if the field was refused."""

    row: PhoneRow
    code: PhoneRefusal | Note
    number: str = ""
    owners: int = 0


_SHARED_FROM: Final = 5
_SHARED_WITHIN: Final = timedelta(days=30)
"""Time within which ``_SHARED_FROM`` owners must have entered a number so that it counts as shared."""
_WARNINGS: Final[tuple[Note, ...]] = ("unknown_block", "letters_repaired")


@dataclass(slots=True)
class PhoneCheck:
    """The result of a check: counts by agency, rows to correct, rows to review."""

    by_agency: dict[str, Counter[PhoneRefusal | None]] = field(default_factory=lambda: defaultdict(Counter))
    notes: Counter[Note] = field(default_factory=Counter)
    to_correct: list[Finding] = field(default_factory=list)
    to_look_at: list[Finding] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Return the number of checked rows."""
        return sum(counts.total() for counts in self.by_agency.values())

    @property
    def textable(self) -> int:
        """Return the number of rows with a number that may be texted."""
        return sum(counts[None] for counts in self.by_agency.values())


@lru_cache(maxsize=1)
def phone_labels() -> Mapping[PhoneRefusal | Note, Label]:
    """Return the Vietnamese title and instruction of every refusal and note, from ``include/templates/report``.

    Raises:
        ValueError: the file lacks a code or has an unknown one.
    """
    content = report_words("phone_refusals")
    written = {**content["refusals"], **content["notes"]}
    if list(content["refusals"]) != list(REFUSALS) or list(content["notes"]) != list(NOTES):
        raise ValueError(
            "phone_refusals.vi.yaml must name exactly the refusals and notes of motcua.domain.phones.reading, in order"
        )
    return {code: Label(entry["title"], entry["action"]) for code, entry in written.items()}


# --- Checking -----------------------------------------------------------------------------------


def check_phones(rows: Iterable[PhoneRow], province: str = "") -> PhoneCheck:
    """Read every phone field of a table and return the counts and findings.

    Args:
        rows: the table as a stream; only rows with a finding or an owner stay in memory.
        province: province for rows that name none.
    """
    result = PhoneCheck()
    uses: dict[str, list[tuple[NumberUse, PhoneRow]]] = defaultdict(list)
    for row in rows:
        reading = read_phone(row.phone, row.entered_on, row.province or province)
        result.by_agency[row.agency_code][reading.refusal] += 1
        result.notes.update(reading.notes)
        if reading.refusal:
            result.to_correct.append(Finding(row, reading.refusal))
        elif reading.e164:
            number = to_local(reading.e164)
            result.to_look_at += [Finding(row, note, number) for note in _WARNINGS if note in reading.notes]
            if row.owner:
                uses[reading.e164].append((NumberUse(reading.e164, row.owner, row.entered_on), row))
    shared = find_shared_numbers(
        (use for of_number in uses.values() for use, _ in of_number),
        at_least=_SHARED_FROM,
        within=_SHARED_WITHIN,
    )
    for shared_number in shared:
        number = to_local(shared_number.e164)
        for _, row in uses[shared_number.e164]:
            result.notes["shared_number"] += 1
            result.to_look_at.append(Finding(row, "shared_number", number, shared_number.owners))
    return result


def mask_field(text: str) -> str:
    """Return a phone field in the form that may be shown: numbers are masked, and all letters become one ``…``."""
    text = unicodedata.normalize("NFKC", text)
    runs = re.findall(r"\d+", text)
    numbers = [mask_msisdn("".join(runs))] if len("".join(runs)) <= 15 else [mask_msisdn(run) for run in runs[:4]]
    words = ["…"] if any(char.isalpha() for char in text) else []
    return " ".join((numbers if runs else []) + words)


# --- Where the rows come from -------------------------------------------------------------------

_COLUMNS: Final[Mapping[str, ColumnSpec]] = {
    "phone": ColumnSpec(
        ("phone", "applicant_phone", "Số điện thoại", "Điện thoại", "SĐT", "Di động", "Số di động"), required=True
    ),
    "entered_on": ColumnSpec(
        ("entered_on", "phone_entered_at", "received_at", "Ngày nhập", "Ngày tiếp nhận", "Ngày nhận"),
        Annotated[date | None, BeforeValidator(read_day)],
    ),
    "province": ColumnSpec(("province", "Tỉnh")),
    "agency_code": ColumnSpec(("agency_code", "Mã cơ quan")),
    "owner": ColumnSpec(("owner", "applicant_name", "Chủ hồ sơ", "Người nộp", "Họ tên", "Họ và tên")),
}


def rows_of_source(source: str) -> Iterator[PhoneRow]:
    """Yield the phone fields of a source's whole table, each with its agency's province if that is known.

    Raises:
        UnreadableTable: MOTCUA_SOURCES has no such source.
        psycopg.Error: the source or the ledger does not answer.
    """
    kind = settings().sources.get(source)
    if kind is None:
        known = ", ".join(settings().sources) or phone_words()["fault"]["no_sources"]
        raise UnreadableTable("no_source", source=source, known=known)
    with connect() as ledger:
        provinces = {code.written: code.province for code in agency_codes(ledger)}
    reader = adapter(kind)
    with connect(reader.connection_id(source)) as connection:
        for dossier in reader(connection, source).dossiers_since(EARLIEST, open_too=True):
            typed = dossier.phone_entered_at or dossier.received_at
            agency = dossier.agency_code or ""
            yield PhoneRow(
                dossier.dossier_code or "",
                dossier.applicant_phone or "",
                typed.astimezone(VIETNAM).date() if typed and EARLIEST <= typed < LATEST else None,
                provinces.get(agency, ""),
                agency,
                dossier.applicant_name or "",
            )


def rows_of_file(path: Path) -> list[PhoneRow]:
    """Read a table in a file, as ``rows_of_content`` does.

    Raises:
        UnreadableTable: the file does not exist, has no column of phones, or is no table.
    """
    if not path.is_file():
        raise UnreadableTable("no_file", path=path)
    try:
        return rows_of_content(path.read_bytes(), str(path))
    except FileRefused as refused:
        raise UnreadableTable("bad_file", path=path, why=refused.faults[0]) from None
    except OSError as error:
        raise UnreadableTable("unreadable", path=path, why=error.strerror or error) from error


def rows_of_content(content: bytes, path: str) -> list[PhoneRow]:
    """Read a CSV file (UTF-8 or UTF-16; comma, semicolon or tab) or an Excel workbook's first sheet.

    The column ``phone`` is required. The columns ``entered_on``, ``province``, ``agency_code`` and ``owner`` are
    optional. The column names of a source's views and the usual headings of one-stop desks are accepted, too. The place
    of a row is its number in a spreadsheet, where the heading is row 1.

    Args:
        content: bytes of the file.
        path: path or name of the file, for the error.

    Raises:
        FileRefused: the file has no column of phones, or is no table.
    """
    table = read_table(content, path, _COLUMNS, headed=True)
    if table.spilt:
        raise FileRefused(path, [table.fault("cells_beyond", table.spilt[0])])
    values = read_values(table, _COLUMNS)
    return [
        PhoneRow(
            place=str(index + 1),
            phone=row["phone"] or "",
            entered_on=row["entered_on"],
            province=row["province"] or "",
            agency_code=row["agency_code"] or "",
            owner=row["owner"] or "",
        )
        for index, row, _ in values.lines()
        if index not in values.blank
    ]


# --- The workbook -------------------------------------------------------------------------------

_MOST_ROWS_OF_SHEET: Final = 1_000_000
_LONGEST_CELL: Final = 1000
_NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SHEETS: Final[Mapping[str, tuple[str, ...]]] = {
    "correct": ("place", "agency", "entered_on", "written", "reason", "action", "code"),
    "look": ("place", "agency", "entered_on", "number", "note", "owners", "action"),
    "summary": ("agency", "reason", "rows"),
}
"""Sheets of the workbook and their columns. The texts of phones.vi.yaml have the same keys."""
_WIDTHS: Final[Mapping[str, int]] = {
    "place": 12, "agency": 24, "entered_on": 12, "written": 22, "number": 22, "reason": 44, "note": 44,
    "action": 60, "code": 20, "owners": 12, "rows": 12,
}  # fmt: skip


def write_workbook(check: PhoneCheck, path: Path, *, unmasked: bool = False) -> None:
    """Write an Excel workbook with the rows to correct, the rows to review, and a summary.

    Numbers are masked unless ``unmasked``. No cell can run as a formula. A failed write leaves no partial file.

    Raises:
        UnreadableTable: the file cannot be written, or its name does not end with .xlsx.
    """
    if path.suffix.lower() != ".xlsx":
        raise UnreadableTable("not_xlsx", path=path)
    handle, name = -1, ""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".xlsx")
        os.close(handle)
        Path(name).write_bytes(workbook_of(check, unmasked=unmasked))
        Path(name).chmod(0o600)
        Path(name).replace(path)
    except OSError as error:
        raise UnreadableTable("unwritable", path=path, why=error.strerror or error) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def workbook_of(check: PhoneCheck, *, unmasked: bool = False) -> bytes:
    """Return the content of the workbook that ``write_workbook`` writes."""
    labels, words = phone_labels(), phone_words()["workbook"]
    correct = [
        (
            *_first_cells(finding.row),
            finding.row.phone if unmasked else mask_field(finding.row.phone),
            labels[finding.code].title,
            labels[finding.code].action,
            finding.code,
        )
        for finding in check.to_correct
    ]
    look = [
        (
            *_first_cells(finding.row),
            finding.number if unmasked else mask_msisdn(finding.number),
            labels[finding.code].title,
            finding.owners or "",
            labels[finding.code].action,
        )
        for finding in check.to_look_at
    ]
    summary = [
        (agency, labels[code].title if code else words["textable"], count)
        for agency, counts in sorted(check.by_agency.items())
        for code, count in counts.most_common()
    ]
    parts: dict[str, tuple[tuple[str, ...], Sequence[tuple[object, ...]]]] = {}
    contents: list[Sequence[tuple[object, ...]]] = [correct, look, summary]
    for (name, headings), rows in zip(_SHEETS.items(), contents, strict=True):
        for start in range(0, max(len(rows), 1), _MOST_ROWS_OF_SHEET):
            number = start // _MOST_ROWS_OF_SHEET + 1
            sheet = f"{words['sheets'][name]} {number}" if start else words["sheets"][name]
            parts[sheet] = (headings, rows[start : start + _MOST_ROWS_OF_SHEET])
    looks = {"text": TEXT | CELL | {"text_wrap": True}, "number": NUMBER}
    book = _Book(
        words["title"], datetime.now(VIETNAM), looks, {name: name for name in parts}, "MotcuaSMS", words["page"]
    )
    for name, (headings, body) in parts.items():
        book.table(name, headings, body)
    return book.close()


class _Book(Book):
    """A workbook with one table per sheet."""

    def table(self, name: str, headings: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        """Write a sheet with headings that stay visible when scrolling and are printed on each page."""
        sheet = self.sheet(name)
        for place, heading in enumerate(headings):
            sheet.set_column(place, place, _WIDTHS[heading])
            sheet.write_string(0, place, phone_words()["workbook"]["columns"][heading], self._look["head"])
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(len(rows), 1), len(headings) - 1)
        for line, row in enumerate(rows, 1):
            for place, cell in enumerate(row):
                if isinstance(cell, int):
                    sheet.write_number(line, place, cell, self._look["number"])
                else:
                    text = _NOT_IN_XML.sub("", str(cell))[:_LONGEST_CELL]
                    sheet.write_string(line, place, text, self._look["text"])


def _first_cells(row: PhoneRow) -> tuple[object, str, str]:
    """Return the first three cells of a row: its place, the agency's code, and the day of the phone's entry."""
    day = row.entered_on
    return (
        int(row.place) if row.place.isdecimal() and len(row.place) < 8 else row.place,
        row.agency_code,
        f"{day.day}/{day.month}/{day.year}" if day else "",
    )
