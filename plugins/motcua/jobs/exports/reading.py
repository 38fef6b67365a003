"""Reads an export line by line: what each says of a dossier by the rules of pushed records, and what is wrong with it.

No clock and no ledger: it runs in the process that files of strangers are read in (motcua.jobs.uploads.reading).
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
from motcua.domain.intake.exports import CLOCKS_MAY_DIFFER
from motcua.domain.intake.records import PushedDossier, agency_in_code, dossier_that_says
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
"""Lines of one export."""
MOST_KEPT_FAULTS: Final = 500
"""Faults that are kept of a file; the rest is counted."""
PREVIEWED: Final = 20
"""Lines that a preview shows."""
_LONGEST_WORD: Final = 100
"""Characters of a heading or a word of a status that are shown."""
_MOST_WORDS: Final = 40
"""Words of statuses."""
_WORDS: Final[Mapping[Column, str]] = {
    "procedure_code": "MaTTHC",
    "procedure_name": "TenTTHC",
    "field_name": "TenLinhVuc",
    "applicant_name": "ChuHoSo",
    "applicant_phone": "SoDienThoai",
    "submitted_via": "HinhThuc",
}
"""Words that are told of a dossier, by their names in the portal's protocol."""
_TIMES: Final[tuple[Column, ...]] = ("received_at", "due_at", "finished_at", "returned_at")
_VIA: Final = {"direct": "0", "postal": "1", "online": "2"}


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

    ends_a_line: bool | None = None
    lines: int = 0
    refused: int = 0
    dossiers: int = 0
    faults: list[FileFault] = field(default_factory=list)
    """The first of them."""
    rows: list[str] = field(default_factory=list)
    """Each a ``PushedDossier`` with its steps and its place, as JSON. Of a preview the first."""
    keys: list[tuple[str, str]] = field(default_factory=list)
    """Agency and code of all dossiers in it, those of refused lines too. Of a preview none."""

    def tell(self, fault: FileFault) -> None:
        """Keeps a fault, one of the first."""
        if len(self.faults) < MOST_KEPT_FAULTS:
            self.faults.append(fault)

    def refuse(self, fault: FileFault) -> None:
        """Counts a line that cannot be used."""
        self.refused += 1
        self.tell(fault)


@dataclass(slots=True)
class PreviewedExport(ReadExport):
    """What a form makes of an export, before anything is written."""

    headings: list[str] = field(default_factory=list)
    """Of its columns, or what stands where headings usually do."""
    sheets: list[str] = field(default_factory=list)
    """Of a workbook."""
    words: list[tuple[str, int, int | None]] = field(default_factory=list)
    """Each word in the column of the status, how often, and what the form takes it for; none: too many differ."""
    is_refused: bool = False
    """The whole of it; ``faults`` say why."""


def read_export(
    content: bytes, name: str, form: ExportForm, agencies: AgencyWords, own: Sequence[str], now: datetime
) -> ReadExport:
    """Reads an export.

    Args:
        content: of the file.
        name: of the file.
        form: that it is written in.
        agencies: every way in which agencies may be named → codes of those that are meant.
        own: agencies that the source may tell of.
        now: a step later than that is none.

    Raises:
        FileRefused: it is no table of this form, it is cut off, or not one of its lines can be used.
    """
    ends_a_line = _ends_a_line(content, name)
    columns = _columns(form, agencies, now)
    table = find_table(_sheet(content, name, form), name, columns)
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
        columns = _columns(form, agencies, now)
        table = find_table(sheet, name, columns)
        found.words = _words_of_status(table, columns)
        read = _Reader(table, form, columns, agencies, set(own)).read(name)
    except FileRefused as refused:
        found.is_refused, found.faults = True, list(refused.faults)
        return found
    found.lines, found.refused, found.dossiers, found.faults = read.lines, read.refused, read.dossiers, read.faults
    found.ends_a_line, found.rows = ends_a_line, read.rows[:PREVIEWED]
    return found


def _ends_a_line(content: bytes, name: str) -> bool | None:
    """Raises ``FileRefused``: its last line is cut off."""
    ending = ending_of(content, name)
    if ending == "cut":
        raise FileRefused(name, [FileFault("cut_off")])
    return None if ending is None else ending == "ended"


def _likely_headings(sheet: Sheet) -> list[str]:
    """The cells of the first row that has most of them: above it stand a title and the like."""
    first = sheet.cells.iloc[:HEADING_WITHIN]
    if not len(first):
        return []
    row = first.iloc[int((first != "").sum(axis=1).to_numpy().argmax())]
    cells = (clean_cell(str(cell))[:_LONGEST_WORD] for cell in row)
    return list(dict.fromkeys(cell for cell in cells if cell))


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


# --- Columns ----------------------------------------------------------------------------------------------------


def _columns(form: ExportForm, agencies: AgencyWords, now: datetime) -> dict[str, ColumnSpec]:
    """What the form says of each column; the agency and the code come first, since without them a line is nobody's."""
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
            # Nothing of a line is repeated: a column that slipped may hold a name.
            raise wrong("unknown_word", word="…", known=known)
        return code

    def way(written: str) -> str:
        meant = ways.get(fold(written, brackets=True))
        return _VIA[meant] if meant else read_text(written)

    def occurred_at(written: str) -> datetime | None:
        moment = _moment(written)
        if moment is not None and not EARLIEST <= moment <= now + CLOCKS_MAY_DIFFER:
            raise wrong("unread_time")
        return moment

    text = Annotated[str, AfterValidator(read_text)]
    types: dict[Column, Any] = {
        "agency": agency_in(agencies),
        "dossier_code": Annotated[str, AfterValidator(dossier_code)],
        "status": Annotated[int, BeforeValidator(status)],
        **dict.fromkeys(_TIMES, Annotated[datetime | None, BeforeValidator(_moment)]),
        "occurred_at": Annotated[datetime | None, BeforeValidator(occurred_at)],
        **dict.fromkeys(_WORDS, text),
        "submitted_via": Annotated[str, AfterValidator(way)],
        **dict.fromkeys(("step", "actor", "desk"), text),
    }
    return {
        column: ColumnSpec(headings, value, required=column in REQUIRED, filled=column in REQUIRED)
        for column, value in types.items()
        if (headings := form.columns.get(column))
    }


def _moment(written: str) -> datetime | None:
    try:
        moment = read_time(written, "serial") or read_moment(read_text(written))
    except Unreadable:
        raise wrong("unread_time") from None
    return None if moment is None else moment.replace(microsecond=0)


def _words_of_status(table: Table, columns: Mapping[str, ColumnSpec]) -> list[tuple[str, int, int | None]]:
    """Each word in the column of the status, how often, and the status that it is taken for, the most used first; none
    where more differ than there are words of states: then it is another column."""
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
    """Looks at one line after the other, and puts the lines of each dossier together."""

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
        """Raises ``FileRefused``: it has too many lines, or not one that can be used."""
        found = self.found
        if found.lines > MOST_LINES:
            raise FileRefused(name, [FileFault("too_many_lines", self.table.sheet, values={"most": MOST_LINES})])
        of_dossier: dict[tuple[str, str], list[_Line]] = defaultdict(list)
        for line in self._lines():
            of_dossier[line.agency_code, line.dossier.dossier_code].append(line)
        for key, lines in of_dossier.items():
            self._keep(key, lines)
        if found.lines and not found.rows:
            raise FileRefused(name, [FileFault("all_refused", self.table.sheet), *found.faults])
        found.dossiers = len(set(found.keys))
        return found

    def _lines(self) -> Iterator[_Line]:
        codes = self.table.texts("dossier_code")
        assert codes is not None
        for (index, row, wrongs), code in zip(read_values(self.table, self.columns).lines(), codes, strict=True):
            agency = wrongs.get("") or wrongs.get("agency") or self._agency(index, row.get("agency"), code)
            if isinstance(agency, FileFault):
                self.found.refuse(agency)
            elif fault := wrongs.get("dossier_code") or wrongs.get("status"):
                self.found.refuse(fault)
                # It is there, and has not vanished.
                self.found.keys.append((agency, code))
            else:
                for cell in wrongs.values():
                    self.found.tell(cell)
                yield self._line(index, row, wrongs, agency)

    def _keep(self, key: tuple[str, str], lines: Sequence[_Line]) -> None:
        """Lines of a dossier that contradict each other refuse each other."""
        self.found.keys.append(key)
        its = list({line.says: line for line in reversed(lines)}.values())[::-1]
        if len(its) > 1 and (self.form.kind == "whole" or not _have_an_order(its)):
            for line in lines:
                other = next(each.index for each in lines if each is not line)
                self.found.refuse(self.table.fault("twice", line.index, "dossier_code", other=other + 1))
            return
        if len(its) > 1:
            its.sort(key=lambda line: line.occurred_at or datetime.max.replace(tzinfo=UTC))
        self.found.rows.append(_row(key, its))

    def _agency(self, index: int, named: str | None, code: str) -> str | FileFault:
        """Whose dossier it is: of the agency that is named, or that the code begins with, or the source's only one."""
        agency = named
        if agency is None and (prefix := agency_in_code(code)):
            with suppress(SeveralAgencies):
                agency = agency_of(prefix, self.agencies)
        if agency is None and len(self.own) == 1:
            (agency,) = self.own
        if agency is None:
            return self.table.fault("no_agency", index)
        if agency not in self.own:
            return self.table.fault("not_ours", index, "agency" if named else "dossier_code")
        return agency

    def _line(self, index: int, row: Mapping[str, Any], wrongs: Mapping[str, FileFault], agency: str) -> _Line:
        # What cannot be read says nothing; what is empty empties.
        fields = {name: row[column] or "" for column, name in _WORDS.items() if column in self.table.columns}
        said: dict[str, Any] = {
            column: row[column] for column in _TIMES if column in self.table.columns and column not in wrongs
        }
        dossier = dossier_that_says(row["dossier_code"], fields, said)
        status, occurred_at = row["status"], row.get("occurred_at")
        step, actor, desk = (row.get(column) or "" for column in ("step", "actor", "desk"))
        at_desk = (
            self.form.supplements_at_desk
            or is_one_stop_desk(desk)
            or bool(desk and fold(desk, brackets=True) in self.desks)
        )
        says = _hash([dossier.digest, status, step, actor, at_desk, occurred_at])
        return _Line(index, agency, dossier, status, step, actor, at_desk, occurred_at, says)


def _have_an_order(lines: Sequence[_Line]) -> bool:
    times = Counter(line.occurred_at for line in lines)
    return None not in times and max(times.values()) == 1


def _row(key: tuple[str, str], lines: Sequence[_Line]) -> str:
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
