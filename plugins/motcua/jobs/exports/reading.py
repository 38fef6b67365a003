"""Read an export line by line, with the rules for pushed records, and collect its faults.

This module uses no clock and no ledger. It runs in the separate process that reads files from outside
(motcua.jobs.uploads.reading).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator

from motcua.domain.dossiers import EARLIEST
from motcua.domain.intake.merging import CLOCKS_MAY_DIFFER
from motcua.domain.intake.records import PushedDossier, agency_in_code, dossier_that_says, is_agency_code
from motcua.domain.intake.values import Unreadable, is_one_stop_desk, read_moment, read_status, read_text
from motcua.domain.words import AgencyWords, SeveralAgencies, agency_of, clean_cell, fold
from motcua.domain.written_times import read_time
from motcua.jobs.exports.forms import REQUIRED, Column, ExportForm
from motcua.jobs.handed_in.faults import FileFault, FileRefused
from motcua.jobs.handed_in.tables import (
    HEADING_WITHIN,
    ColumnSpec,
    Sheet,
    Table,
    Workbook,
    agency_in,
    dossier_code,
    ending_of,
    find_table,
    is_workbook,
    read_sheet,
    read_values,
    wrong,
)

MOST_LINES: Final = 300_000
"""Most lines that an export may have."""
MOST_KEPT_FAULTS: Final = 500
"""Most faults of a file that are stored. ``ReadExport.refused`` counts all refused lines."""
PREVIEWED: Final = 20
"""Number of lines that a preview shows."""
_LONGEST_WORD: Final = 100
"""Most characters of a heading or a status word that are shown."""
_MOST_WORDS: Final = 40
"""Most different status words that are shown."""
_FIELD_NAMES: Final[Mapping[Column, str]] = {
    "procedure_code": "MaTTHC",
    "procedure_name": "TenTTHC",
    "field_name": "TenLinhVuc",
    "applicant_name": "ChuHoSo",
    "applicant_phone": "SoDienThoai",
    "submitted_via": "HinhThuc",
}
"""Names of a dossier's text fields in the protocol of the national portal, by column of the form."""
_TIMES: Final[tuple[Column, ...]] = ("received_at", "due_at", "finished_at", "returned_at")
_VIA: Final = {"direct": "0", "postal": "1", "online": "2"}


@dataclass(frozen=True, slots=True)
class _Line:
    """One usable line of an export."""

    index: int
    agency_code: str
    dossier: PushedDossier
    status_code: int
    step: str
    actor: str
    at_desk: bool
    occurred_at: datetime | None
    says: str
    """Hash of all values of the line."""


@dataclass(slots=True)
class ReadExport:
    """The content of an export. It holds personal data."""

    ends_a_line: bool | None = None
    lines: int = 0
    refused: int = 0
    dossiers: int = 0
    faults: list[FileFault] = field(default_factory=list)
    """The first ``MOST_KEPT_FAULTS`` faults of the file and its lines."""
    rows: list[str] = field(default_factory=list)
    """One JSON text per dossier: a ``PushedDossier``, its steps, its line number. A preview has only the first
    ``PREVIEWED`` dossiers."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Agency and code of all dossiers in the export, also of refused lines if their agency is known. A preview has
    none."""

    def tell(self, fault: FileFault) -> None:
        """Add a fault, unless there are ``MOST_KEPT_FAULTS`` faults already."""
        if len(self.faults) < MOST_KEPT_FAULTS:
            self.faults.append(fault)

    def refuse(self, fault: FileFault) -> None:
        """Count a line that cannot be used, and add its fault."""
        self.refused += 1
        self.tell(fault)


@dataclass(slots=True)
class PreviewedExport(ReadExport):
    """The result of reading an export with a form, before anything is written to the ledger."""

    headings: list[str] = field(default_factory=list)
    """Headings of the columns; before a form is known, the row that most likely holds the headings."""
    sheets: list[str] = field(default_factory=list)
    """Names of a workbook's sheets."""
    words: list[tuple[str, int, int | None]] = field(default_factory=list)
    """Each word of the status column, its frequency, and the status that the form gives it. The list is empty if the
    column has too many different words."""
    is_refused: bool = False
    """Whether the whole file is refused; ``faults`` has the reasons."""


def read_export(
    content: bytes,
    name: str,
    form: ExportForm,
    agencies: AgencyWords,
    own: Sequence[str],
    now: datetime,
    *,
    is_accepted: bool = False,
) -> ReadExport:
    """Read an export.

    Args:
        content: bytes of the file.
        name: name of the file.
        form: form of the source's exports.
        agencies: codes of agencies, by the codes and names that the file may use for an agency.
        own: codes of the agencies whose dossiers the source may deliver.
        now: present time. A step's time that is later than this by more than ``CLOCKS_MAY_DIFFER`` is not used.
        is_accepted: whether a person accepted the file, so that it is read although its last line looks cut off.

    Raises:
        FileRefused: the file is no table of this form, is cut off, or has no usable line.
    """
    ends_a_line = _ends_a_line(content, name, is_accepted=is_accepted)
    columns = _columns(form, agencies, now)
    table = find_table(_read_sheet(content, name, form), name, columns)
    found = _Reader(table, form, columns, agencies, set(own)).read(name)
    found.ends_a_line = ends_a_line
    return found


def preview_export(
    content: bytes,
    name: str,
    form: ExportForm | None,
    agencies: AgencyWords,
    own: Sequence[str],
    now: datetime,
) -> PreviewedExport:
    """Read an export as ``read_export`` does, and return the details that a person needs to write a form for it.

    A file that ``read_export`` would refuse gives a preview with ``is_refused``. Without a form, only the names of the
    sheets and the headings are read.
    """
    found = PreviewedExport()
    try:
        found.sheets = Workbook(content, name).names if is_workbook(content, name) else []
        sheet = _read_sheet(content, name, form)
        found.headings = _likely_headings(sheet)
        ends_a_line = _ends_a_line(content, name)
        if form is None:
            return found
        columns = _columns(form, agencies, now)
        table = find_table(sheet, name, columns)
        found.words = _status_words(table, columns)
        read = _Reader(table, form, columns, agencies, set(own)).read(name)
    except FileRefused as refused:
        found.is_refused, found.faults = True, list(refused.faults)
        return found
    found.lines, found.refused, found.dossiers, found.faults = read.lines, read.refused, read.dossiers, read.faults
    found.ends_a_line, found.rows = ends_a_line, read.rows[:PREVIEWED]
    return found


def _ends_a_line(content: bytes, name: str, *, is_accepted: bool = False) -> bool | None:
    """Return whether a line feed ends the last line of a CSV file; ``None`` for a workbook.

    Raises:
        FileRefused: the last line is cut off, and nobody accepted the file.
    """
    ending = ending_of(content, name)
    if ending == "cut" and not is_accepted:
        raise FileRefused(name, [FileFault("cut_off")])
    return None if ending is None else ending == "ended"


def _likely_headings(sheet: Sheet) -> list[str]:
    """Return the filled cells of the row that most likely holds the headings: the first row with the most filled cells.
    A title and other notes stand above it."""
    first = sheet.cells.iloc[:HEADING_WITHIN]
    if not len(first):
        return []
    row = first.iloc[int((first != "").sum(axis=1).to_numpy().argmax())]
    cells = (clean_cell(str(cell))[:_LONGEST_WORD] for cell in row)
    return list(dict.fromkeys(cell for cell in cells if cell))


def _read_sheet(content: bytes, name: str, form: ExportForm | None) -> Sheet:
    """Return the sheet of the file that the form names.

    Raises:
        FileRefused: the workbook has none of the form's sheets.
    """
    if not is_workbook(content, name):
        return read_sheet(content, name)
    book = Workbook(content, name)
    by_fold = {fold(each, brackets=True): each for each in book.names}
    sheets = () if form is None else form.sheets
    wanted = [by_fold[each] for sheet in sheets if (each := fold(sheet, brackets=True)) in by_fold]
    if sheets and not wanted:
        raise FileRefused(name, [FileFault("no_sheet", values={"names": ", ".join(sheets)})])
    return book.read((wanted or book.names)[0], decimal=".")


# --- Columns ----------------------------------------------------------------------------------------------------


def _columns(form: ExportForm, agencies: AgencyWords, now: datetime) -> dict[str, ColumnSpec]:
    """Return the specification of each column by the form.

    The agency and the code of the dossier come first, because a line without them belongs to no dossier.
    """
    statuses = {fold(word, brackets=True): code for code, words in form.statuses.items() for word in words}
    ways = {fold(word, brackets=True): way for way, words in form.submitted_via.items() for word in words}
    known = ", ".join(word for words in form.statuses.values() for word in words) or "1-10"

    def status(written: str) -> int:
        code = statuses.get(fold(written, brackets=True))
        try:
            code = read_status(read_text(written)) if code is None else code
        except Unreadable:
            code = None
        if code is None:
            # The fault does not repeat the cell: if columns slipped, the cell may hold a name.
            raise wrong("unknown_word", word="…", known=known)
        return code

    def way(written: str) -> str:
        meant = ways.get(fold(written, brackets=True))
        return _VIA[meant] if meant else read_text(written)

    def occurred_at(written: str) -> datetime | None:
        moment = _read_time(written)
        if moment is not None and not EARLIEST <= moment <= now + CLOCKS_MAY_DIFFER:
            raise wrong("unread_time")
        return moment

    text = Annotated[str, AfterValidator(read_text)]
    types: dict[Column, Any] = {
        "agency": agency_in(agencies),
        "dossier_code": Annotated[str, AfterValidator(dossier_code)],
        "status": Annotated[int, BeforeValidator(status)],
        **dict.fromkeys(_TIMES, Annotated[datetime | None, BeforeValidator(_read_time)]),
        "occurred_at": Annotated[datetime | None, BeforeValidator(occurred_at)],
        **dict.fromkeys(_FIELD_NAMES, text),
        "submitted_via": Annotated[str, AfterValidator(way)],
        **dict.fromkeys(("step", "actor", "desk"), text),
    }
    return {
        column: ColumnSpec(headings, value, required=column in REQUIRED, filled=column in REQUIRED)
        for column, value in types.items()
        if (headings := form.columns.get(column))
    }


def _read_time(written: str) -> datetime | None:
    """Return a time to the second; refuse a text that is no time."""
    try:
        moment = read_time(written, "serial") or read_moment(read_text(written))
    except Unreadable:
        raise wrong("unread_time") from None
    return None if moment is None else moment.replace(microsecond=0)


def _status_words(table: Table, columns: Mapping[str, ColumnSpec]) -> list[tuple[str, int, int | None]]:
    """Return each word of the status column, its frequency, and its status, with the most frequent word first.

    The list is empty if there are more than ``_MOST_WORDS`` different words, because the column is then no status
    column.
    """
    texts = table.texts("status")
    assert texts is not None
    counts = texts.value_counts()
    if len(counts) > _MOST_WORDS:
        return []
    means = read_values(table, {"status": columns["status"]}).rows["status"]
    meant = dict(zip(texts, means, strict=True))
    return [(str(word)[:_LONGEST_WORD], int(times), meant[word]) for word, times in counts.items()]


# --- Lines ------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the lines of an export and joins the lines of each dossier."""

    def __init__(
        self,
        table: Table,
        form: ExportForm,
        columns: Mapping[str, ColumnSpec],
        agencies: AgencyWords,
        own: set[str],
    ) -> None:
        self.table, self.form, self.columns, self.agencies, self.own = table, form, columns, agencies, own
        self.found = ReadExport(lines=len(table.rows))
        self.desks = {fold(word, brackets=True) for word in form.at_desk}

    def read(self, name: str) -> ReadExport:
        """Return the content of the export.

        Raises:
            FileRefused: the file has too many lines, or no usable line.
        """
        found = self.found
        if found.lines > MOST_LINES:
            raise FileRefused(name, [FileFault("too_many_lines", self.table.sheet, values={"most": MOST_LINES})])
        of_dossier: dict[tuple[str, str], list[_Line]] = defaultdict(list)
        for line in self._read_lines():
            of_dossier[line.agency_code, line.dossier.dossier_code].append(line)
        for key, lines in of_dossier.items():
            self._add_dossier(key, lines)
        if found.lines and not found.rows:
            raise FileRefused(name, [FileFault("all_refused", self.table.sheet), *found.faults])
        found.dossiers = len(set(found.keys))
        return found

    def _read_lines(self) -> Iterator[_Line]:
        """Yield each usable line, and refuse the other lines."""
        codes = self.table.texts("dossier_code")
        assert codes is not None
        for (index, row, wrongs), code in zip(read_values(self.table, self.columns).lines(), codes, strict=True):
            agency = wrongs.get("") or wrongs.get("agency") or self._agency_of(index, row.get("agency"), code)
            if isinstance(agency, FileFault):
                self.found.refuse(agency)
            elif fault := wrongs.get("dossier_code") or wrongs.get("status"):
                self.found.refuse(fault)
                # The dossier is in the file, so it counts as present although its line is refused.
                self.found.keys.append((agency, code))
            else:
                for cell in wrongs.values():
                    self.found.tell(cell)
                yield self._read_line(index, row, wrongs, agency)

    def _add_dossier(self, key: tuple[str, str], lines: Sequence[_Line]) -> None:
        """Add the row of a dossier. If its lines contradict each other, refuse all of them."""
        self.found.keys.append(key)
        distinct = list({line.says: line for line in reversed(lines)}.values())[::-1]
        if len(distinct) > 1 and (self.form.kind == "whole" or not _have_an_order(distinct)):
            for line in lines:
                other = next(each.index for each in lines if each is not line)
                self.found.refuse(self.table.fault("twice", line.index, "dossier_code", other=other + 1))
            return
        if len(distinct) > 1:
            distinct.sort(key=lambda line: line.occurred_at or datetime.max.replace(tzinfo=UTC))
        self.found.rows.append(_dossier_row(key, distinct))

    def _agency_of(self, index: int, named: str | None, code: str) -> str | FileFault:
        """Return the agency of a line: the agency that the line names, the agency in the prefix of the dossier's code,
        or the source's only agency. The source's only agency is not used if the dossier's code begins with the code of
        an agency that the ledger does not know. Return a fault if no agency is found, or if the source may not deliver
        dossiers of the agency."""
        agency, prefix = named, agency_in_code(code)
        if agency is None and prefix:
            with suppress(SeveralAgencies):
                agency = agency_of(prefix, self.agencies)
        if agency is None and len(self.own) == 1 and not is_agency_code(prefix):
            (agency,) = self.own
        if agency is None:
            return self.table.fault("no_agency", index)
        if agency not in self.own:
            return self.table.fault("not_ours", index, "agency" if named else "dossier_code")
        return agency

    def _read_line(self, index: int, row: Mapping[str, Any], wrongs: Mapping[str, FileFault], agency: str) -> _Line:
        """Return a line with the values of its cells."""
        # An unreadable time is left out, so that the ledger keeps the time that it stores. An empty cell empties the
        # field.
        fields = {name: row[column] or "" for column, name in _FIELD_NAMES.items() if column in self.table.columns}
        other_values: dict[str, Any] = {
            column: row[column] for column in _TIMES if column in self.table.columns and column not in wrongs
        }
        dossier = dossier_that_says(row["dossier_code"], fields, other_values)
        status, occurred_at = row["status"], row.get("occurred_at")
        step, actor, desk = (row.get(column) or "" for column in ("step", "actor", "desk"))
        at_desk = (
            self.form.supplements_at_desk
            or is_one_stop_desk(desk)
            or bool(desk and fold(desk, brackets=True) in self.desks)
        )
        line_hash = _hash([dossier.digest, status, step, actor, at_desk, occurred_at])
        return _Line(index, agency, dossier, status, step, actor, at_desk, occurred_at, line_hash)


def _have_an_order(lines: Sequence[_Line]) -> bool:
    """Return whether all lines have a time, and all times differ."""
    times = Counter(line.occurred_at for line in lines)
    return None not in times and max(times.values()) == 1


def _dossier_row(key: tuple[str, str], lines: Sequence[_Line]) -> str:
    """Return a dossier and its steps as JSON, from its lines in the order of their times."""
    last = lines[-1]
    dossier = last.dossier
    fields = dict(dossier.fields)
    steps = []
    for line in lines:
        words = {"NoiDungXuLy": line.step, "NguoiXuLy": line.actor}
        state = _hash([line.status_code, line.step, line.at_desk])
        steps.append(
            {
                "status_code": line.status_code,
                "supplement_at_desk": line.at_desk,
                "fields": {name: text for name, text in words.items() if text},
                "occurred_at": line.occurred_at,
                "state": state,
                "digest": _hash([state, line.actor, line.occurred_at]),
            }
        )
    row = {
        "place": last.index + 1,
        "agency_code": key[0],
        "dossier_code": key[1],
        "fields": fields,
        "said": list(dossier.said),
        "received_at": dossier.received_at,
        "due_at": dossier.due_at,
        "finished_at": dossier.finished_at,
        "returned_at": dossier.returned_at,
        "steps": steps,
    }
    return json.dumps(row, default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)


def _hash(said: Sequence[object]) -> str:
    """Return a SHA-256 hash of some values."""
    # Times are converted to UTC first, so that the same moment gives the same hash in every time zone.
    written = json.dumps(said, default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
