"""Import complaints (phản ánh) from files and from the staff page, link them to dossiers, and withdraw them.

An import saves the good rows of a file and reports the broken rows by line and column. The same row never counts twice,
whether the same file is imported again or a longer file repeats the row. One report of a citizen may also arrive twice
in different ways, for example on the page and in a list. The ledger stores the second report too, but does not count
it. The view ``audit.complaints`` shows which complaint the second report repeats. A complaint about an unknown dossier
is stored and linked as soon as the dossier is picked up.
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
    OutcomeSeen,
    is_complaint_open,
    link_complaints,
    repeated_complaints,
    save_complaints,
    set_outcome,
    withdraw_complaint,
)

LARGEST_FILE: Final = 20 * 1024 * 1024
"""Largest complaints file, in bytes."""
MOST_ROWS: Final = 50_000
"""Largest number of rows in a complaints file."""
LONGEST_NOTE: Final = NOTE_LIMIT
LONGEST_REASON: Final = NOTE_LIMIT
EARLIEST: Final = datetime(2016, 1, 1, tzinfo=VIETNAM)
"""Earliest time of a complaint that is accepted. The pilot began in 2016, and no citizen received a message before that
year, so an earlier time is a typing error."""


class ComplaintRefused(Exception):
    """A complaint or a change of a complaint was refused; the message gives the reason."""


# --- Words ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _complaint_words() -> dict[str, Any]:
    """Return the texts of complaints.vi.yaml.

    Raises:
        ValueError: the file does not name all channels, claims and outcomes in order.
    """
    content = report_words("complaints")
    for name, values in (("channel", CHANNELS), ("claim", CLAIMS), ("outcome", OUTCOMES)):
        if tuple(content["titles"][name]) != values:
            raise ValueError(f"complaints.vi.yaml must name every {name}, in order")
    return content


def titles() -> Mapping[str, Mapping[str, str]]:
    """Return the Vietnamese titles of channels, claims and outcomes, as ``titles()["claim"]["no_result_yet"]``."""
    return cast("dict[str, dict[str, str]]", _complaint_words()["titles"])


# --- One complaint ----------------------------------------------------------------------------------------------


def _latest_moment(written_at: datetime, now: datetime) -> datetime:
    """Return the latest moment that a written time may mean.

    A day without a time means the end of that day; Excel writes such a day as midnight. A minute means the end of that
    minute. The result is not later than now, unless the written time itself is later. Every message that was sent until
    the returned moment may be the cause of the complaint.
    """
    if written_at.second or written_at.microsecond:
        return written_at
    length = timedelta(days=1) if written_at.time() == time.min else timedelta(minutes=1)
    return min(written_at + length - timedelta(seconds=1), max(now, written_at))


@dataclass(frozen=True, slots=True)
class Entry:
    """A complaint with all fields as somebody typed them into the form of the staff page."""

    agency: str
    dossier_code: str
    received_at: str
    channel: str
    claim: str
    note: str


def _columns(agencies: AgencyWords, now: datetime) -> dict[str, ColumnSpec]:
    """Return the columns of a complaints file. The staff page's form for one complaint has the same fields."""
    words = _complaint_words()

    def received_at(written: str) -> datetime:
        written_at = read_time(written, "day_first", "time_first", "year_first")
        if written_at is None:
            raise wrong("bad_time", example="25/11/2026 08:30")
        if written_at > now:
            raise wrong("future")
        if written_at < EARLIEST:
            raise wrong("too_early")
        return written_at

    def named(column: str) -> Any:  # noqa: ANN401 - a type for pydantic
        shown: Mapping[str, str] = words["titles"][column]
        accepted = words["accepted"][column]
        meanings = {code: (code, title, *accepted.get(code, ())) for code, title in shown.items()}
        return word_of(meanings, shown.values())

    types: dict[str, Any] = {
        "agency": agency_in(agencies),
        "dossier_code": Annotated[str, AfterValidator(dossier_code), AfterValidator(without_phone)],
        "note": Annotated[str | None, AfterValidator(without_phone), AfterValidator(_read_note)],
        "received_at": Annotated[datetime, BeforeValidator(received_at)],
        "channel": named("channel"),
        "claim": named("claim"),
    }
    needed = ("agency", "received_at", "claim")
    return {
        column: ColumnSpec(words["columns"][column], value, required=column in needed, filled=column in needed)
        for column, value in types.items()
    }


def _read_note(written: str) -> str | None:
    """Return the cleaned note, or ``None`` if no text is left after cleaning; refuse a note that is too long."""
    note = clean_words(written, LONGEST_NOTE + 1)
    if note is not None and len(note) > LONGEST_NOTE:
        raise wrong("too_long", most=LONGEST_NOTE)
    return note


def _complaint_of(read: Mapping[str, Any], now: datetime) -> NewComplaint:
    """Return the complaint of a row or a form, still without the key that identifies a repeated entry."""
    moment = _latest_moment(read["received_at"], now)
    channel: Channel = read["channel"] or "other"
    return NewComplaint("", read["agency"], read["dossier_code"], moment, channel, read["claim"], read["note"])


# --- Files ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ComplaintsRead:
    """The complaints of a file and the faults of its other rows."""

    complaints: Sequence[NewComplaint]
    faults: Sequence[FileFault]
    """The first fault of each row that cannot be imported."""


@dataclass(frozen=True, slots=True)
class ComplaintsImported:
    """The counts of an import, or of a dry run."""

    rows: int
    """Number of good rows in the file."""
    new: int
    """Number of good rows that the ledger did not have before."""
    linked: int
    """Number of new complaints that were linked to a dossier."""
    repeated: int
    """Number of new complaints that repeat an earlier complaint. Only the earlier one counts."""
    faults: Sequence[FileFault]


def read_complaints(content: bytes, name: str, agencies: AgencyWords, now: datetime) -> ComplaintsRead:
    """Return the complaints of a file, which is CSV (UTF-8 or UTF-16) or the first sheet of an Excel workbook.

    Args:
        content: bytes of the file.
        name: name of the file; its ending or the content distinguishes a workbook from CSV.
        agencies: codes of agencies, by the codes and names that staff may write for an agency.
        now: present time; later times are refused.

    Raises:
        FileRefused: the file is no table, lacks a required heading, or is too large.
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
        complaint = _complaint_of(row, now)
        content_key = _content_key(complaint, row["received_at"])
        # Two citizens may make the same complaint on the same day. Equal rows are numbered, and the number is part of
        # the key, so the second row is another complaint. A longer file with the same rows gives the same keys.
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


def _content_key(complaint: NewComplaint, written_at: datetime) -> str:
    """Return a hash of a complaint's content."""
    # The hash uses the time as it was written, because the moment in ``received_at`` depends on the time of the import.
    code = code_key(fold_code(complaint.dossier_code or ""))
    words = [
        complaint.agency_code, code, written_at.isoformat(), complaint.channel, complaint.claim, complaint.note
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def import_complaints(
    content: bytes, name: str, imported_by: str, now: datetime, *, dry_run: bool = False
) -> ComplaintsImported:
    """Import the good rows of a complaints file and link them to their dossiers. A repeated import adds nothing.

    Args:
        content: bytes of the file.
        name: name of the file, without a folder.
        imported_by: the person who imports.
        now: time of the import.
        dry_run: roll everything back and only return the counts.

    Raises:
        FileRefused: the file cannot be read as a table of complaints. Nothing was imported.
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
    """Record one complaint from the form and link it to its dossier.

    Args:
        connection: to the ledger.
        entry: the complaint as typed.
        form_key: a key that is unique to this copy of the form.
        recorded_by: the person who records.
        now: time of the recording.
        agencies: codes of the agencies that the person may record complaints for; ``None`` for all agencies. For any
            other agency the error is the same as for an unknown agency.

    Returns:
        The complaint's id, or ``None`` if the same form was recorded before.

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
    new = save_complaints(connection, [replace(_complaint_of(read, now), entry_key=key)], recorded_by, now)
    link_complaints(connection, now, new)
    return new[0] if new else None


def _refusal_words(why: str) -> str:
    """Return the text of a refusal."""
    return str(report_words("complaints")["refused"][why])


def _read_reason(written: str) -> str | None:
    """Return the cleaned reason, or ``None`` if it is blank; refuse a reason with a phone number."""
    if holds_phone(written):
        raise ComplaintRefused(_refusal_words("reason").format(fault=FileFault("holds_phone")))
    return clean_words(written, LONGEST_REASON)


def take_back(
    connection: Connection,
    complaint_id: int,
    by: str,
    reason: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
) -> None:
    """Withdraw a complaint. The complaint stays in the ledger but does not count.

    Args:
        connection: to the ledger.
        complaint_id: the complaint.
        by: the person who withdraws the complaint.
        reason: why the complaint is withdrawn.
        now: time of the withdrawal.
        agencies: codes of the agencies whose complaints the person may withdraw; ``None`` for all agencies.

    Raises:
        ComplaintRefused: no such complaint is in force, the reason is blank, or it holds a phone number.
    """
    why = _read_reason(reason)
    if why is None:
        raise ComplaintRefused(_refusal_words("no_reason"))
    if not withdraw_complaint(connection, complaint_id, by, why, now, agencies):
        raise ComplaintRefused(_refusal_words("gone"))


def write_outcome(
    connection: Connection,
    complaint_id: int,
    outcome: CheckResult,
    by: str,
    reason: str,
    now: datetime,
    agencies: Sequence[str] | None = None,
    seen: OutcomeSeen | None = None,
) -> None:
    """Record the outcome of the agency's own check of a complaint.

    Args:
        connection: to the ledger.
        complaint_id: the complaint.
        outcome: result of the check.
        by: the person who records the outcome.
        reason: explanation, or blank.
        now: time of the recording.
        agencies: codes of the agencies whose complaints the person may change; ``None`` for all agencies.
        seen: the outcome that the person saw; ``None`` to write over any outcome.

    Raises:
        ComplaintRefused: the complaint does not exist or was withdrawn, somebody wrote another outcome since the person
            saw it, or the reason holds a phone number.
    """
    if not set_outcome(connection, complaint_id, outcome, by, _read_reason(reason), now, agencies, seen):
        is_open = is_complaint_open(connection, complaint_id, agencies)
        raise ComplaintRefused(_refusal_words("written_meanwhile" if is_open else "gone"))


def relink(now: datetime | None = None) -> int:
    """Link complaints to dossiers and messages that are new since the last call, and return the number of new links.

    The daily run calls this function; calling it again is safe.
    """
    with connect() as connection:
        return link_complaints(connection, now or datetime.now(UTC))
