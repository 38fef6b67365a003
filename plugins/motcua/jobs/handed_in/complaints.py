"""Keeps complaints (phản ánh): takes them from files and from the page, ties them to dossiers, takes them back.

A file's good rows are taken, its broken ones are told by line and column; the same row never counts twice, whether the
file comes again or a longer one with the same rows does. The same report by another way, on the page and in a list or
in two lists, is kept, shown as a repeat and not counted: view ``audit.complaints`` tells which. A complaint about a
dossier that is not known is kept, and is tied to it as soon as the dossier is read.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, BeforeValidator

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.domain.inquiries import code_key
from motcua.domain.inquiries import fold as fold_code
from motcua.domain.phones.reading import holds_phone
from motcua.domain.words import AgencyWords
from motcua.domain.written_times import read_time
from motcua.jobs.handed_in.faults import FileFault, report_words
from motcua.jobs.handed_in.tables import (
    ColumnSpec,
    agency_in,
    dossier_code,
    read_table,
    read_typed,
    read_values,
    without_phone,
    word_of,
    wrong,
)
from motcua.store.agencies import agency_words
from motcua.store.ledger.database import Connection, connect
from motcua.store.oversight.complaints import (
    CHANNELS,
    CLAIMS,
    OUTCOMES,
    Channel,
    CheckResult,
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


class ComplaintRefused(Exception):
    """A complaint, or a change of one, cannot be taken; the message says why."""


# --- Words ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    content = report_words("complaints")
    for name, values in (("channel", CHANNELS), ("claim", CLAIMS), ("outcome", OUTCOMES)):
        if tuple(content["titles"][name]) != values:
            raise ValueError(f"complaints.vi.yaml must name every {name}, in order")
    return content


def titles() -> Mapping[str, Mapping[str, str]]:
    """How channels, claims and outcomes are shown, in Vietnamese: ``titles()["claim"]["no_result_yet"]``."""
    return cast("dict[str, dict[str, str]]", _words()["titles"])


# --- One complaint ----------------------------------------------------------------------------------------------


def _meant(told: datetime, now: datetime) -> datetime:
    """A day without a time, or at midnight as Excel writes a day, is the end of that day, a minute the end of that
    minute, or now where it is the present one: all that was sent until then may be what the citizen complains of."""
    if told.second or told.microsecond:
        return told
    length = timedelta(days=1) if told.time() == time.min else timedelta(minutes=1)
    return min(told + length - timedelta(seconds=1), max(now, told))


@dataclass(frozen=True, slots=True)
class Entry:
    """A complaint as somebody typed it."""

    agency: str
    dossier_code: str
    received_at: str
    channel: str
    claim: str
    note: str


def _columns(agencies: AgencyWords, now: datetime) -> dict[str, ColumnSpec]:
    """The columns of a complaint, and the fields of the form for one."""
    words = _words()

    def received_at(written: str) -> datetime:
        told = read_time(written, "day_first", "time_first", "year_first")
        if told is None:
            raise wrong("bad_time", example="25/11/2026 08:30")
        if _meant(told, now) > now:
            raise wrong("future")
        if told < EARLIEST:
            raise wrong("too_early")
        return told

    def named(column: str) -> Any:  # noqa: ANN401 - a type for pydantic
        shown: Mapping[str, str] = words["titles"][column]
        accepted = words["accepted"][column]
        meanings = {code: (code, title, *accepted.get(code, ())) for code, title in shown.items()}
        return word_of(meanings, shown.values())

    types: dict[str, Any] = {
        "agency": agency_in(agencies),
        "dossier_code": Annotated[str, AfterValidator(dossier_code), AfterValidator(without_phone)],
        "note": Annotated[str | None, AfterValidator(without_phone), AfterValidator(_note)],
        "received_at": Annotated[datetime, BeforeValidator(received_at)],
        "channel": named("channel"),
        "claim": named("claim"),
    }
    needed = ("agency", "received_at", "claim")
    return {
        column: ColumnSpec(words["columns"][column], value, required=column in needed, filled=column in needed)
        for column, value in types.items()
    }


def _note(written: str) -> str | None:
    note = clean_words(written, LONGEST_NOTE + 1)
    if note is not None and len(note) > LONGEST_NOTE:
        raise wrong("too_long", most=LONGEST_NOTE)
    return note


def _complaint(read: Mapping[str, Any], now: datetime) -> NewComplaint:
    """The complaint that a row or a form tells, without the key of its entry."""
    moment = _meant(read["received_at"], now)
    channel: Channel = read["channel"] or "other"
    return NewComplaint("", read["agency"], read["dossier_code"], moment, channel, read["claim"], read["note"])


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
    columns = _columns(agencies, now)
    table = read_table(content, name, columns, largest=LARGEST_FILE, most_rows=MOST_ROWS)
    values = read_values(table, columns)
    complaints: list[NewComplaint] = []
    faults: list[FileFault] = []
    seen: Counter[str] = Counter()
    alike: Counter[tuple[str, str, str, date]] = Counter()
    for place, row, wrongs in values.lines():
        if place in values.blank:
            continue
        if wrongs:
            faults.append(next(iter(wrongs.values())))
            continue
        complaint = _complaint(row, now)
        content_key = _key(complaint, row["received_at"])
        # Two citizens may say the same on the same day: the second row with it is another complaint, in this file and
        # in a longer one that repeats it.
        seen[content_key] += 1
        key = hashlib.sha256(f"{content_key}\n{seen[content_key]}".encode()).hexdigest()
        same = (
            complaint.agency_code,
            code_key(fold_code(complaint.dossier_code or "")),
            complaint.claim,
            complaint.received_at.astimezone(VIETNAM).date(),
        )
        alike[same] += 1
        complaints.append(replace(complaint, entry_key=key, imported_line=place + 1, alike_no=alike[same]))
    return ComplaintsRead(complaints, faults)


def _key(complaint: NewComplaint, told: datetime) -> str:
    # The day as it was told: the moment that stands for it is another one while the day lasts.
    code = code_key(fold_code(complaint.dossier_code or ""))
    words = [
        complaint.agency_code, code, told.isoformat(), complaint.channel, complaint.claim, complaint.note
    ]  # fmt: skip
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
    with connect() as connection:
        read = read_complaints(content, name, agency_words(connection), now)
        new = save_complaints(connection, read.complaints, imported_by, now, file=(name, digest))
        linked = link_complaints(connection, now, new)
        repeated = len(repeated_complaints(connection, new))
        if dry_run:
            connection.rollback()
    return ComplaintsImported(len(read.complaints), len(new), linked, repeated, read.faults)


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
    names = agency_words(connection)
    if agencies is not None:
        names = {word: [code for code in codes if code in agencies] for word, codes in names.items()}
    columns = _columns(names, now)
    read, wrongs = read_typed(columns, asdict(entry))
    if wrongs:
        column, fault = next(iter(wrongs.items()))
        raise ComplaintRefused(f"{columns[column].headings[0]}: {FileFault(fault.code, values=fault.values)}")
    key = hashlib.sha256(f"form {form_key}".encode()).hexdigest()
    new = save_complaints(connection, [replace(_complaint(read, now), entry_key=key)], recorded_by, now)
    link_complaints(connection, now, new)
    return new[0] if new else None


def _refused(why: str) -> str:
    return str(report_words("complaints")["refused"][why])


def _reason(written: str) -> str | None:
    if holds_phone(written):
        raise ComplaintRefused(_refused("reason").format(fault=FileFault("holds_phone")))
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
        raise ComplaintRefused(_refused("no_reason"))
    if not withdraw_complaint(connection, complaint_id, by, why, now, agencies):
        raise ComplaintRefused(_refused("gone"))


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
        raise ComplaintRefused(_refused("gone"))


def relink(now: datetime | None = None) -> int:
    """Ties complaints that are not tied to dossiers and messages that have appeared since; returns how many were.

    A step of the daily run; safe to repeat.
    """
    with connect() as connection:
        return link_complaints(connection, now or datetime.now(UTC))
