"""Reads an export line by line: what each says of a dossier by the rules of pushed records, and what is wrong with it.

No clock and no ledger: it runs in the process that files of strangers are read in (motcua.jobs.uploads.reading).
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import EARLIEST
from motcua.domain.intake.exports import CLOCKS_MAY_DIFFER
from motcua.domain.intake.records import PushedDossier, RecordRefused, read_dossier
from motcua.domain.intake.values import Fields, Unreadable, is_one_stop_desk, read_moment, read_status, read_text
from motcua.jobs.exports.forms import REQUIRED, Column, ExportForm
from motcua.jobs.handed_in.tables import (
    ROUNDED,
    FaultCode,
    FileFault,
    FileRefused,
    Sheet,
    Table,
    Workbook,
    clean_cell,
    ending_of,
    find_table,
    fold,
    is_workbook,
    read_sheet,
)

MOST_LINES: Final = 300_000
"""Lines of one export."""
MOST_KEPT_FAULTS: Final = 500
"""Faults that are kept of a file; the rest is counted."""
PREVIEWED: Final = 20
"""Lines that a preview shows."""
_HEADINGS_WITHIN: Final = 50
"""Rows in which a heading is looked for."""
_LONGEST_WORD: Final = 100
"""Characters of a heading or a word of a status that are shown."""
_MOST_WORDS: Final = 40
"""Words of statuses."""
_DOSSIER: Final[Mapping[Column, str]] = {
    "dossier_code": "MaHoSo",
    "procedure_code": "MaTTHC",
    "procedure_name": "TenTTHC",
    "field_name": "TenLinhVuc",
    "applicant_name": "ChuHoSo",
    "applicant_phone": "SoDienThoai",
    "submitted_via": "HinhThuc",
    "received_at": "NgayTiepNhan",
    "due_at": "NgayHenTra",
    "finished_at": "NgayKetThucXuLy",
    "returned_at": "NgayTra",
}
"""Columns that tell of a dossier, by their names in the portal's protocol."""
_TIMES: Final[tuple[Column, ...]] = ("received_at", "due_at", "finished_at", "returned_at", "occurred_at")
_VIA: Final = {"direct": "0", "postal": "1", "online": "2"}
_EXCEL_BEGINS: Final = datetime(1899, 12, 30, tzinfo=VIETNAM)
_SERIAL: Final = re.compile(r"([3-6]\d{4})([.,]\d+)?", re.ASCII)
_PREFIX: Final = re.compile(r"(.+?)-\d{6}(?:\d\d)?-\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that may be used."""

    index: int
    agency_code: str
    dossier: PushedDossier
    status_code: int
    step: str
    actor: str
    at_desk: bool
    occurred_at: datetime | None
    says: str
    """Hash of all that it says."""


@dataclass(slots=True)
class ReadExport:
    """What an export says. Holds personal data."""

    ends_a_line: bool | None
    lines: int = 0
    refused: int = 0
    faults: list[FileFault] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    """Each a dossier with its steps, as JSON; intake.take_export says which columns."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Agency and code of all dossiers in it, those of refused lines too."""


@dataclass(slots=True)
class PreviewedExport:
    """What a form makes of an export, before anything is written. Holds personal data."""

    headings: list[str] = field(default_factory=list)
    """Of its columns, or what stands where headings usually do."""
    sheets: list[str] = field(default_factory=list)
    """Of a workbook."""
    words: list[tuple[str, int, int | None]] = field(default_factory=list)
    """Each word in the column of the status, how often, and what the form takes it for; none: too many differ."""
    is_refused: bool = False
    """The whole of it; ``faults`` say why."""
    faults: list[FileFault] = field(default_factory=list)
    lines: int = 0
    refused: int = 0
    dossiers: int = 0
    ends_a_line: bool | None = None
    rows: list[str] = field(default_factory=list)
    """The first, as JSON; ``ReadExport`` says how."""


class _LineRefused(Exception):
    def __init__(self, code: FaultCode, column: Column | None = None, **values: object) -> None:
        super().__init__(code)
        self.code, self.column, self.values = code, column, values


def read_export(
    content: bytes, name: str, form: ExportForm, agencies: Mapping[str, str], own: Sequence[str], now: datetime
) -> ReadExport:
    """Reads an export.

    Args:
        content: of the file.
        name: of the file.
        form: that it is written in.
        agencies: code, alias and name (folded) of every agency → its code.
        own: agencies that the source may tell of.
        now: a step later than that is none.

    Raises:
        FileRefused: it is no table of this form, it is cut off, or not one of its lines can be used.
    """
    ends_a_line = _ends_a_line(content, name)
    table = find_table(_sheet(content, name, form), name, _headings(form), REQUIRED)
    return _read(table, name, form, ends_a_line, _Judge(table, form, agencies, set(own), now))


def preview_export(
    content: bytes,
    name: str,
    form: ExportForm | None,
    agencies: Mapping[str, str],
    own: Sequence[str],
    now: datetime,
) -> PreviewedExport:
    """Reads an export as ``read_export`` does, and tells what a form for it can be made of; a file that would be
    refused is told, too.

    ``form``: without one the headings alone are told.
    """
    found = PreviewedExport()
    try:
        found.sheets = Workbook(content, name).names if is_workbook(content, name) else []
        sheet = _sheet(content, name, form)
        found.headings = _likely_headings(sheet)
        ends_a_line = _ends_a_line(content, name)
        if form is None:
            return found
        table = find_table(sheet, name, _headings(form), REQUIRED)
        judge = _Judge(table, form, agencies, set(own), now)
        found.words = judge.words_of_status()
        read = _read(table, name, form, ends_a_line, judge)
    except FileRefused as refused:
        found.is_refused, found.faults = True, list(refused.faults)
    else:
        found.faults, found.lines, found.refused = read.faults, read.lines, read.refused
        found.dossiers, found.ends_a_line = len(set(read.keys)), read.ends_a_line
        found.rows = read.rows[:PREVIEWED]
    return found


def _read(table: Table, name: str, form: ExportForm, ends_a_line: bool | None, judge: _Judge) -> ReadExport:
    lines = len(table.rows)
    if lines > MOST_LINES:
        raise FileRefused(name, [FileFault("too_many_lines", table.sheet, values={"most": MOST_LINES})])
    found = judge.found
    found.ends_a_line, found.lines = ends_a_line, lines
    _keep(judge.lines_of(), table, form, found)
    if lines and not found.rows:
        raise FileRefused(name, [FileFault("all_refused", table.sheet), *found.faults])
    return found


def _ends_a_line(content: bytes, name: str) -> bool | None:
    """Raises ``FileRefused``: its last line is cut off."""
    ending = ending_of(content, name)
    if ending == "cut":
        raise FileRefused(name, [FileFault("cut_off")])
    return None if ending is None else ending == "ended"


def _likely_headings(sheet: Sheet) -> list[str]:
    """The cells of the first row that has most of them: above it stand a title and the like."""
    first = sheet.cells.iloc[:_HEADINGS_WITHIN]
    if not len(first):
        return []
    row = first.iloc[int((first != "").sum(axis=1).to_numpy().argmax())]
    cells = (clean_cell(str(cell))[:_LONGEST_WORD] for cell in row)
    return list(dict.fromkeys(cell for cell in cells if cell))


def _headings(form: ExportForm) -> dict[str, tuple[str, ...]]:
    return {column: headings for column, headings in form.columns.items() if headings}


def _sheet(content: bytes, name: str, form: ExportForm | None) -> Sheet:
    if not is_workbook(content, name):
        return read_sheet(content, name)
    book = Workbook(content, name)
    by_fold = {fold(each, brackets=True): each for each in book.names}
    sheets = () if form is None else form.sheets
    wanted = [by_fold[each] for sheet in sheets if (each := fold(sheet, brackets=True)) in by_fold]
    if sheets and not wanted:
        raise FileRefused(name, [FileFault("no_sheet", values={"names": ", ".join(sheets)})])
    return book.read((wanted or book.names)[0], decimal=".")


def agency_key(written: str) -> str:
    """An agency's code, alias or name as it is compared."""
    return " ".join(unicodedata.normalize("NFC", written).casefold().split())


class _Judge:
    """Looks at one line after the other."""

    def __init__(
        self,
        table: Table,
        form: ExportForm,
        agencies: Mapping[str, str],
        own: set[str],
        now: datetime,
    ) -> None:
        self.table, self.form, self.agencies, self.own, self.now = table, form, agencies, own, now
        self.found = ReadExport(None)
        self.statuses = {fold(word, brackets=True): code for code, words in form.statuses.items() for word in words}
        self.ways = {fold(word, brackets=True): way for way, words in form.submitted_via.items() for word in words}
        self.desks = {fold(word, brackets=True) for word in form.at_desk}
        self.spilt = set(table.spilt)

    def lines_of(self) -> list[_Line]:
        columns = list(self.table.columns)
        cells = [self.table.rows.iloc[:, self.table.columns[column]].tolist() for column in columns]
        good = []
        for index, values in zip(map(int, self.table.rows.index), zip(*cells, strict=True), strict=True):
            line = dict(zip(columns, map(str, values), strict=True))
            agency: str | None = None
            try:
                if index in self.spilt:
                    raise _LineRefused("cells_beyond")
                agency = self._agency(line)
                good.append(self._line(index, line, agency))
            except _LineRefused as refused:
                self._fault(refused.code, index, refused.column, **refused.values)
                self.found.refused += 1
                if agency is not None:
                    # It is there, and has not vanished.
                    self.found.keys.append((agency, line["dossier_code"].strip()))
        return good

    def words_of_status(self) -> list[tuple[str, int, int | None]]:
        """Each word in the column of the status, how often, and the status that it is taken for, the most used first;
        none where more differ than there are words of states: then it is another column."""
        counts = self.table.rows.iloc[:, self.table.columns["status"]].map(clean_cell).value_counts()
        if len(counts) > _MOST_WORDS:
            return []
        told = []
        for word, times in counts.items():
            try:
                means = self._status(str(word))
            except _LineRefused:
                means = None
            told.append((str(word)[:_LONGEST_WORD], int(times), means))
        return told

    def _fault(self, code: FaultCode, index: int, column: str | None, **values: object) -> None:
        if len(self.found.faults) < MOST_KEPT_FAULTS:
            self.found.faults.append(self.table.fault(code, index, column, **values))

    def _agency(self, line: Mapping[str, str]) -> str:
        written = line.get("agency", "").strip()
        prefix = _PREFIX.fullmatch(line["dossier_code"].strip())
        if written:
            agency = self.agencies.get(agency_key(written))
        else:
            agency = self.agencies.get(agency_key(prefix[1])) if prefix else None
            if agency is None and len(self.own) == 1:
                (agency,) = self.own
        if agency is None:
            raise _LineRefused("unknown_agency" if written else "no_agency", "agency" if written else None)
        if agency not in self.own:
            raise _LineRefused("not_ours", "agency" if written else "dossier_code")
        return agency

    def _line(self, index: int, line: Mapping[str, str], agency: str) -> _Line:
        if re.fullmatch(ROUNDED, line["dossier_code"].strip()):
            raise _LineRefused("rounded", "dossier_code")
        record = Fields()
        for column, name in _DOSSIER.items():
            if column in line:
                # What cannot be read says nothing; what is empty empties.
                with suppress(Unreadable):
                    record[name.lower()] = self._cell(index, column, line[column])
        try:
            dossier, _ = read_dossier(record, None)
        except RecordRefused as refused:
            code: FaultCode = "missing" if refused.reason == "code_missing" else "bad_code"
            raise _LineRefused(code, "dossier_code") from None
        status = self._status(line["status"])
        desk = read_text(line.get("desk", ""))
        step, actor = read_text(line.get("step", "")), read_text(line.get("actor", ""))
        occurred_at = self._occurred_at(index, line.get("occurred_at", ""))
        at_desk = (
            self.form.supplements_at_desk
            or is_one_stop_desk(desk)
            or bool(desk and fold(desk, brackets=True) in self.desks)
        )
        says = _hash([dossier.digest, status, step, actor, at_desk, occurred_at])
        return _Line(index, agency, dossier, status, step, actor, at_desk, occurred_at, says)

    def _cell(self, index: int, column: Column, cell: str) -> str:
        """A cell as the protocol would have it. Raises ``Unreadable``, and tells of it."""
        if column in _TIMES:
            moment = self._moment(index, column, cell)
            return "" if moment is None else moment.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
        if column == "submitted_via":
            way = self.ways.get(fold(cell, brackets=True))
            return _VIA[way] if way else cell
        return cell

    def _status(self, cell: str) -> int:
        known = self.statuses.get(fold(cell, brackets=True)) if cell.strip() else None
        if known is not None:
            return known
        try:
            status = read_status(read_text(cell))
        except Unreadable:
            words = ", ".join(word for each in self.form.statuses.values() for word in each)
            raise _LineRefused("bad_status", "status", known=words or "1-10") from None
        if status is None:
            raise _LineRefused("missing", "status")
        return status

    def _moment(self, index: int, column: Column, cell: str) -> datetime | None:
        """Raises ``Unreadable``, and tells of it."""
        text = cell.strip()
        serial = _SERIAL.fullmatch(text)
        try:
            if serial:
                days = float(f"{serial[1]}{(serial[2] or '').replace(',', '.')}")
                return _EXCEL_BEGINS + timedelta(seconds=round(days * 86_400))
            return read_moment(read_text(text))
        except Unreadable:
            self._fault("unread_time", index, column)
            raise

    def _occurred_at(self, index: int, cell: str) -> datetime | None:
        try:
            moment = self._moment(index, "occurred_at", cell)
        except Unreadable:
            return None
        if moment is None:
            return None
        if not EARLIEST <= moment <= self.now + CLOCKS_MAY_DIFFER:
            self._fault("unread_time", index, "occurred_at")
            return None
        return moment


def _keep(lines: Sequence[_Line], table: Table, form: ExportForm, found: ReadExport) -> None:
    """Puts the lines of each dossier together; lines that contradict each other refuse each other."""
    of_dossier: dict[tuple[str, str], list[_Line]] = defaultdict(list)
    for line in lines:
        of_dossier[line.agency_code, line.dossier.dossier_code].append(line)
    for key, all_its in of_dossier.items():
        its = list({line.says: line for line in reversed(all_its)}.values())[::-1]
        found.keys.append(key)
        if len(its) > 1:
            if form.kind == "whole" or not _have_an_order(its):
                for line in all_its:
                    found.refused += 1
                    if len(found.faults) < MOST_KEPT_FAULTS:
                        found.faults.append(table.fault("twice", line.index, "dossier_code"))
                continue
            its.sort(key=lambda line: line.occurred_at or datetime.max.replace(tzinfo=UTC))
        found.rows.append(_row(key, its, form))


def _have_an_order(lines: Sequence[_Line]) -> bool:
    times = Counter(line.occurred_at for line in lines)
    return None not in times and max(times.values()) == 1


def _row(key: tuple[str, str], lines: Sequence[_Line], form: ExportForm) -> str:
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
    # One moment is one, in whatever shape it came.
    written = json.dumps(said, default=lambda at: at.astimezone(UTC).isoformat(), ensure_ascii=False)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
