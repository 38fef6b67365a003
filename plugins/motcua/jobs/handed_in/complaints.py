"""Keeps complaints (phản ánh): takes them from files and from the page, ties them to dossiers, takes them back.

A file's good rows are taken, its broken ones are told by line and column; the same row never counts twice, whether the
file comes again or a longer one with the same rows does. The same report by another way, on the page and in a list or
in two lists, is kept, shown as a repeat and not counted: view ``audit.complaints`` tells which. A complaint about a
dossier that is not known is kept, and is tied to it as soon as the dossier is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, cast

import yaml

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import NOTE_LIMIT, clean_code, clean_words
from motcua.domain.inquiries import code_key
from motcua.domain.inquiries import fold as fold_code
from motcua.domain.phones.reading import holds_phone
from motcua.jobs.handed_in.agency_words import AgencyWords, SeveralAgencies, agencies_by_word, agency_of
from motcua.jobs.handed_in.tables import (
    ROUNDED,
    FaultCode,
    FileFault,
    FileRefused,
    OnlyLooked,
    Table,
    clean_cell,
    find_table,
    fold,
    read_sheet,
)
from motcua.settings import include_dir
from motcua.store.ledger.database import Connection, connect
from motcua.store.oversight.complaints import (
    CHANNELS,
    CLAIMS,
    OUTCOMES,
    Channel,
    CheckResult,
    Claim,
    NewComplaint,
    link_complaints,
    repeated_complaints,
    save_complaints,
    set_outcome,
    withdraw_complaint,
)

LARGEST_FILE: Final = 20 * 1024 * 1024
"""Bytes."""
MOST_ROWS: Final = 50_000
LONGEST_NOTE: Final = NOTE_LIMIT
LONGEST_REASON: Final = NOTE_LIMIT
EARLIEST: Final = datetime(2016, 1, 1, tzinfo=VIETNAM)
"""The year of the pilot: nobody was texted before."""
_REQUIRED: Final = ("agency", "received_at", "claim")


class ComplaintRefused(Exception):
    """A complaint, or a change of one, cannot be taken; the message says why."""


# --- Words ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    path = include_dir() / "templates" / "report" / "complaints.vi.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, values in (("channel", CHANNELS), ("claim", CLAIMS), ("outcome", OUTCOMES)):
        if tuple(content["titles"][name]) != values:
            raise ValueError(f"{path.name} must name every {name}, in order")
    return content


def titles() -> Mapping[str, Mapping[str, str]]:
    """How channels, claims and outcomes are shown, in Vietnamese: ``titles()["claim"]["no_result_yet"]``."""
    return cast("dict[str, dict[str, str]]", _words()["titles"])


@lru_cache(maxsize=2)
def _meanings(name: str) -> dict[str, str]:
    words = _words()
    found = {}
    for code, title in words["titles"][name].items():
        for word in (code, title, *words["accepted"][name].get(code, ())):
            found[fold(word)] = code
    return found


# --- One complaint ----------------------------------------------------------------------------------------------


_DAY: Final = r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})"
_TIME: Final = r"(?P<hour>\d{1,2})(?::|h|g| giờ )(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
_MOMENTS: Final = (
    re.compile(rf"{_DAY}(?:[ ,T]+{_TIME})?", re.ASCII),
    re.compile(rf"{_TIME}[ ,]+(?:ngày )?{_DAY}", re.ASCII),
    re.compile(
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
        r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.0+)?)?)?",
        re.ASCII,
    ),
)


def _parse(written: str) -> datetime | None:
    """The moment; midnight where only the day is told."""
    for form in _MOMENTS:
        found = form.fullmatch(written.strip())
        if found:
            parts = {name: int(value) for name, value in found.groupdict().items() if value is not None}
            try:
                return datetime(**parts, tzinfo=VIETNAM)
            except ValueError:
                return None
    return None


def read_moment(written: str, now: datetime) -> datetime | None:
    """A moment by Vietnam's clock, as staff write it: ``25/11/2026``, ``25/11/2026 8:30``, ``2026-11-25 08:30``;
    ``None``: it is none.

    A day without a time, or at midnight as Excel writes a day, is the end of that day, or now where it is today's: all
    that was sent on that day may be what the citizen complains of.
    """
    moment = _parse(written)
    if moment is None or moment.time() != time.min:
        return moment
    return min(moment + timedelta(days=1) - timedelta(seconds=1), max(now, moment))


@dataclass(frozen=True, slots=True)
class Entry:
    """A complaint as somebody typed it."""

    agency: str
    dossier_code: str
    received_at: str
    channel: str
    claim: str
    note: str


class _Broken(Exception):
    """A field of an entry cannot be read."""

    def __init__(self, code: FaultCode, column: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.column, self.values = code, column, values


def _known(name: str, written: str) -> str:
    known = _meanings(name).get(fold(written))
    if known is None:
        shown = written if re.fullmatch(r"[^\d]{1,40}", written) else "…"
        raise _Broken("unknown_word", name, word=shown, known=", ".join(titles()[name].values()))
    return known


def _read(entry: Entry, agencies: AgencyWords, now: datetime) -> NewComplaint:
    """The complaint, without the key of its entry."""
    try:
        agency = agency_of(entry.agency, agencies)
    except SeveralAgencies as several:
        raise _Broken("several_agencies", "agency", agencies=str(several)) from None
    if agency is None:
        raise _Broken("unknown_agency" if entry.agency.strip() else "missing", "agency")
    code = clean_code(entry.dossier_code) if entry.dossier_code.strip() else None
    if code is None and entry.dossier_code.strip():
        raise _Broken("bad_code", "dossier_code")
    if code is not None and re.fullmatch(ROUNDED, code):
        raise _Broken("rounded", "dossier_code")
    for column, written in (("dossier_code", code), ("note", entry.note)):
        if written is not None and holds_phone(written):
            raise _Broken("holds_phone", column)
    moment = read_moment(entry.received_at, now)
    if moment is None:
        raise _Broken("bad_time" if entry.received_at.strip() else "no_time", "received_at", example="25/11/2026 08:30")
    if moment > now:
        raise _Broken("future", "received_at")
    if moment < EARLIEST:
        raise _Broken("too_early", "received_at")
    channel = _known("channel", entry.channel) if entry.channel.strip() else "other"
    if not entry.claim.strip():
        raise _Broken("missing", "claim")
    claim = _known("claim", entry.claim)
    note = clean_words(entry.note, LONGEST_NOTE + 1)
    if note is not None and len(note) > LONGEST_NOTE:
        raise _Broken("too_long", "note", most=LONGEST_NOTE)
    return NewComplaint("", agency, code, moment, cast("Channel", channel), cast("Claim", claim), note)


# --- Files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ComplaintsRead:
    """What a file holds."""

    complaints: Sequence[NewComplaint]
    faults: Sequence[FileFault]
    """The rows that cannot be taken, the first thing that is wrong with each."""


@dataclass(frozen=True, slots=True)
class ComplaintsImported:
    """What an import did, or would do."""

    rows: int
    """Good rows of the file."""
    new: int
    """Those that were not there before."""
    linked: int
    """Those of them whose dossier is known."""
    repeated: int
    """Those of them that repeat an earlier one, which counts alone."""
    faults: Sequence[FileFault]


def read_complaints(content: bytes, name: str, agencies: AgencyWords, now: datetime) -> ComplaintsRead:
    """The complaints of a file: CSV (UTF-8 or UTF-16) or the first sheet of an Excel workbook.

    Args:
        content: of the file.
        name: of the file, whose ending tells which of the two it is.
        agencies: every way in which agencies may be named → codes of those that are meant.
        now: nothing later is believed.

    Raises:
        FileRefused: it is no table, has not the headings, or is too large.
    """
    if len(content) > LARGEST_FILE:
        raise FileRefused(name, [FileFault("too_large", values={"most": LARGEST_FILE // 1024**2})])
    table = find_table(read_sheet(content, name), name, _words()["columns"], _REQUIRED)
    if len(table.rows) > MOST_ROWS:
        raise FileRefused(name, [FileFault("too_many_lines", values={"most": MOST_ROWS})])
    complaints: list[NewComplaint] = []
    faults: list[FileFault] = []
    seen: Counter[str] = Counter()
    alike: Counter[tuple[str, str, str, date]] = Counter()
    spilt = set(table.spilt)
    for index, cells in zip(table.rows.index, table.rows.itertuples(index=False, name=None), strict=True):
        entry = _entry(table, cells)
        if not any((entry.agency, entry.dossier_code, entry.received_at, entry.channel, entry.claim, entry.note)):
            continue
        if int(index) in spilt:
            faults.append(table.fault("cells_beyond", int(index)))
            continue
        try:
            read = _read(entry, agencies, now)
        except _Broken as broken:
            faults.append(table.fault(broken.code, int(index), broken.column, **broken.values))
            continue
        content_key = _key(read, entry.received_at)
        # Two citizens may say the same on the same day: the second row with it is another complaint, in this file and
        # in a longer one that repeats it.
        seen[content_key] += 1
        key = hashlib.sha256(f"{content_key}\n{seen[content_key]}".encode()).hexdigest()
        same = (
            read.agency_code,
            code_key(fold_code(read.dossier_code or "")),
            read.claim,
            read.received_at.astimezone(VIETNAM).date(),
        )
        alike[same] += 1
        complaints.append(replace(read, entry_key=key, imported_line=int(index) + 1, alike_no=alike[same]))
    return ComplaintsRead(complaints, faults)


def _entry(table: Table, cells: Sequence[object]) -> Entry:
    def text(column: str) -> str:
        place = table.columns.get(column)
        return "" if place is None else clean_cell(str(cells[place]))

    return Entry(*(text(name) for name in ("agency", "dossier_code", "received_at", "channel", "claim", "note")))


def _key(read: NewComplaint, written_at: str) -> str:
    # The day as it was told: the moment that stands for it is another one while the day lasts.
    told = _parse(written_at) or read.received_at
    code = code_key(fold_code(read.dossier_code or ""))
    words = [read.agency_code, code, told.isoformat(), read.channel, read.claim, read.note]
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def import_complaints(
    content: bytes, name: str, imported_by: str, now: datetime, *, dry_run: bool = False
) -> ComplaintsImported:
    """Takes the good rows of a file and ties them to their dossiers; the same rows again add nothing.

    Args:
        content: of the file.
        name: its name, without a folder.
        imported_by: who.
        now: when.
        dry_run: only tell what it would do.

    Raises:
        FileRefused: the file cannot be read as a table of complaints; nothing was taken.
    """
    digest = hashlib.sha256(content).hexdigest()
    result = None
    try:
        with connect() as connection:
            read = read_complaints(content, name, agencies_by_word(connection), now)
            new = save_complaints(connection, read.complaints, imported_by, now, file=(name, digest))
            linked = link_complaints(connection, now, new)
            repeated = len(repeated_complaints(connection, new))
            result = ComplaintsImported(len(read.complaints), len(new), linked, repeated, read.faults)
            if dry_run:
                raise OnlyLooked
    except OnlyLooked:
        pass
    assert result is not None
    return result


# --- By hand ----------------------------------------------------------------------------------------------------


def record_complaint(
    connection: Connection,
    entry: Entry,
    form_key: str,
    recorded_by: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> int | None:
    """Records one complaint and ties it to its dossier; ``None``: this very form was recorded before.

    Args:
        connection: to the ledger.
        entry: as typed.
        form_key: what the form holds that no other form does.
        recorded_by: who.
        now: when.
        agencies: of which he may record some; ``None``: of all. He is told no more of others than of none.

    Raises:
        ComplaintRefused: the message is ``<column>: <what is wrong>``, in Vietnamese.
    """
    names = agencies_by_word(connection)
    if agencies is not None:
        names = {word: [code for code in codes if code in agencies] for word, codes in names.items()}
    try:
        read = _read(entry, names, now)
    except _Broken as broken:
        fault = FileFault(broken.code, values=broken.values)
        raise ComplaintRefused(f"{_words()['columns'][broken.column][0]}: {fault}") from None
    key = hashlib.sha256(f"form {form_key}".encode()).hexdigest()
    new = save_complaints(connection, [replace(read, entry_key=key)], recorded_by, now)
    link_complaints(connection, now, new)
    return new[0] if new else None


def _reason(written: str) -> str | None:
    if holds_phone(written):
        raise ComplaintRefused(f"Lý do: {FileFault('holds_phone')}")
    return clean_words(written, LONGEST_REASON)


def take_back(
    connection: Connection,
    complaint_id: int,
    by: str,
    reason: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> None:
    """Takes a complaint back: it stays, and counts no more; ``agencies``: of these alone.

    Raises:
        ComplaintRefused: there is none, it was taken back before, no reason is given, or it holds a phone number.
    """
    why = _reason(reason)
    if why is None:
        raise ComplaintRefused("Cần ghi lý do rút.")
    if not withdraw_complaint(connection, complaint_id, by, why, now, agencies):
        raise ComplaintRefused("Không có phản ánh này, hoặc đã rút rồi.")


def write_outcome(
    connection: Connection,
    complaint_id: int,
    outcome: CheckResult,
    by: str,
    reason: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> None:
    """Writes down what the agency's check found; ``agencies``: of these alone.

    Raises:
        ComplaintRefused: there is none, it was taken back, or the reason holds a phone number.
    """
    if not set_outcome(connection, complaint_id, outcome, by, _reason(reason), now, agencies):
        raise ComplaintRefused("Không có phản ánh này, hoặc đã rút rồi.")


def relink(now: datetime | None = None) -> int:
    """Ties complaints that are not tied to dossiers and messages that have appeared since; returns how many were.

    A step of the daily run; safe to repeat.
    """
    with connect() as connection:
        return link_complaints(connection, now or datetime.now(UTC))
