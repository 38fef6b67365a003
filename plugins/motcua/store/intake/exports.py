"""Store exports that were dropped as files: the form of each source, the seen files, and the results of reading them.

The form of a source describes the source's files and what each column means. A file is *taken* if its dossiers were
written into the ledger. A file that was read may instead be repeated, outdated or refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from motcua.domain.intake.exports import ExportedDossier
from motcua.domain.intake.merging import Decided, Known
from motcua.domain.intake.records import PushedDossier
from motcua.store.intake.pushes import decided_rows, known_of
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import columns_of, large_array, large_recordset, record, recordset, value_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ExportState: TypeAlias = Literal["waiting", "taken", "repeated", "outdated", "refused", "accepted", "removed"]


@dataclass(frozen=True, slots=True)
class KeptForm:
    """The form in force of a source's exports."""

    form_no: int
    client_id: int
    """The account under which the source's rows are stored."""
    form: Mapping[str, Any]
    set_at: datetime
    set_by: str
    agencies: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExportAccount:
    """The account under which the rows of a source's exports are stored."""

    client_id: int
    agencies: Sequence[str]
    """Codes of the agencies that the source's files may concern."""


@dataclass(frozen=True, slots=True)
class FormVersion:
    """A form that is, or was, in force."""

    form_no: int
    form: Mapping[str, Any]
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file in a folder of exports, with its present size and time."""

    name: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file that was not read yet."""

    export_no: int
    seen_at: datetime
    """Since when the file has its present size and time."""
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastTaken:
    """The facts about a source's taken files that decide whether the next file is taken.

    The attributes ``whole_…`` describe the complete file that was exported last. They are ``None`` if there is none.
    """

    whole_at: datetime | None
    whole_name: str | None
    whole_dossiers: int | None
    ends_a_line: bool
    """``True`` if the taken file that was exported last is a text file, such as CSV, whose last line has a line end."""
    is_repeated: bool
    """``True`` if the next file repeats a taken file with the same content. The taken file must be the one that was
    exported last, or must have been exported at the same time as the next file or later."""


@dataclass(frozen=True, slots=True)
class Became:
    """The result of reading a file."""

    state: ExportState
    form_no: int
    is_whole: bool
    read_at: datetime
    sha256: bytes | None = None
    exported_at: datetime | None = None
    ends_a_line: bool | None = None
    lines: int = 0
    dossiers: int = 0
    added: int = 0
    moved: int = 0
    older: int = 0
    refused: int = 0
    vanished: int = 0
    faults: Sequence[DataclassInstance] = ()
    """The faults that were found in the file. Each is a ``FileFault``."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was dropped, with the result of reading it."""

    export_no: int
    source: str
    name: str
    size: int
    modified_at: datetime
    seen_at: datetime
    state: ExportState
    exported_at: datetime | None
    is_whole: bool | None
    read_at: datetime | None
    lines: int
    dossiers: int
    added: int
    moved: int
    older: int
    refused: int
    vanished: int
    faults: Sequence[Mapping[str, Any]]
    """The faults that were found in the file, each with the fields of ``FileFault``."""
    accepted_by: str | None
    accepted_at: datetime | None
    accepted_why: str | None
    sent_by: str | None
    """The person who sent the file on a page. ``None`` if it was dropped into the folder."""
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class VanishedDossier:
    """An open dossier that complete exports no longer contain."""

    agency_code: str
    dossier_code: str
    export_no: int
    exported_at: datetime


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A refused file whose content the ledger still lacks."""

    source: str
    name: str
    export_no: int


def form_in_force(connection: Connection, source: str) -> KeptForm | None:
    """Return the form in force of a source's exports. ``None`` if no form was ever set."""
    row = connection.execute(statement("intake/exports/form"), {"source": source}).fetchone()
    return None if row is None else value_of(KeptForm, row)


def account_of(connection: Connection, source: str) -> ExportAccount | None:
    """Return the account of a source's exports. ``None`` if no account was created."""
    row = connection.execute(statement("intake/exports/account"), {"source": source}).fetchone()
    return None if row is None else value_of(ExportAccount, row)


def list_forms(connection: Connection, source: str, most: int) -> list[FormVersion]:
    """Return the forms of a source, the newest first. The newest form is in force."""
    rows = connection.execute(statement("intake/exports/forms"), {"source": source, "most": most})
    return [value_of(FormVersion, row) for row in rows]


def one_at_a_time(connection: Connection, source: str) -> None:
    """Wait until no other transaction sends a file of the source or sets the form of the source on a page.

    Later transactions that do the same wait until this transaction ends.
    """
    connection.execute(statement("intake/exports/one_at_a_time"), {"source": source})


def send_file(connection: Connection, source: str, file: SeenFile, by: str, now: datetime) -> None:
    """Record in ``intake.exports`` that a person puts a file into a source's folder on a page."""
    connection.execute(
        statement("intake/exports/send"),
        {
            "source": source,
            "name": file.name,
            "size": file.size,
            "modified_at": file.modified_at,
            "by": by,
            "now": now,
        },
    )


def set_form(connection: Connection, source: str, form: Mapping[str, Any], by: str, now: datetime) -> None:
    """Put a form in force for the account with this source's name, in ``intake.export_forms``."""
    connection.execute(
        statement("intake/exports/set_form"), {"source": source, "form": record(form), "by": by, "now": now}
    )


def try_again(connection: Connection, source: str, form_no: int, there: Sequence[SeenFile]) -> None:
    """Queue files in ``intake.exports`` again if they were refused under another form than ``form_no``, or could not be
    opened.

    A file is queued only if it is still unchanged in the folder: ``there`` has the present files of the folder.
    """
    values = {
        "source": source,
        "form_no": form_no,
        "names": [file.name for file in there],
        "sizes": [file.size for file in there],
        "modified": [file.modified_at for file in there],
    }
    connection.execute(statement("intake/exports/try_again"), values)


def note_removed(
    connection: Connection, source: str, unread: Sequence[str], seen_until: datetime, now: datetime
) -> int:
    """Mark files as removed in ``intake.exports`` if they disappeared before they were read. Return their number.

    Args:
        connection: a connection to the ledger.
        source: the source whose folder was listed.
        unread: names of the files in the folder that are still to be read.
        seen_until: files that were first seen after this moment are left out, because they may have arrived after the
            listing.
        now: when the folder was listed.
    """
    values = {"source": source, "names": list(unread), "seen_until": seen_until, "now": now}
    return connection.execute(statement("intake/exports/note_removed"), values).rowcount


def any_waiting(connection: Connection, source: str) -> bool:
    """Return whether a file of a source waits to be read (from ``intake.exports``)."""
    row = connection.execute(statement("intake/exports/any_waiting"), {"source": source}).fetchone()
    return row is not None and bool(row["waits"])


def files_read(connection: Connection, source: str, names: Sequence[str]) -> set[SeenFile]:
    """Return the files with these names that were read, with their size and time at that moment (from
    ``intake.exports``)."""
    rows = connection.execute(statement("intake/exports/read"), {"source": source, "names": list(names)})
    return {value_of(SeenFile, row) for row in rows}


def see_file(connection: Connection, source: str, file: SeenFile, now: datetime) -> WaitingFile | None:
    """Record in ``intake.exports`` that a file waits to be read. Return ``None`` if another process has just recorded
    or read the file."""
    values = {"source": source, "name": file.name, "size": file.size, "modified_at": file.modified_at, "now": now}
    connection.execute(statement("intake/exports/replaced"), values)
    row = connection.execute(statement("intake/exports/see_again"), values).fetchone()
    if row is None:
        row = connection.execute(statement("intake/exports/see"), values).fetchone()
    return None if row is None else value_of(WaitingFile, row)


def hold_file(connection: Connection, export_no: int) -> bool:
    """Lock a file and the account of its source until the transaction ends.

    Return ``False`` if the file does not wait to be read any more.
    """
    return connection.execute(statement("intake/exports/hold"), {"export_no": export_no}).fetchone() is not None


def last_taken(connection: Connection, source: str, sha256: bytes, exported_at: datetime) -> LastTaken:
    """Return the facts about a source's taken files, for the next file with this hash and export time (from
    ``intake.exports``)."""
    row = connection.execute(
        statement("intake/exports/last"), {"source": source, "sha256": sha256, "exported_at": exported_at}
    ).fetchone()
    assert row is not None
    return value_of(LastTaken, row)


def exported_dossiers(connection: Connection, source: str) -> Iterator[ExportedDossier]:
    """Yield the dossiers that the exports of a source contained."""
    for row in connection.execute(statement("intake/exports/exported"), {"source": source}):
        yield value_of(ExportedDossier, row)


def begin_batch(connection: Connection, client_id: int, records: Sequence[PushedDossier], *, with_steps: bool) -> Known:
    """Return the ledger's data about the dossiers in a file, and lock their source against other writers.

    The lock lasts until the transaction ends. With ``with_steps``, also read the dossiers' steps.
    """
    asked = [{"place": at, "dossier_code": r.dossier_code, "fields": r.fields} for at, r in enumerate(records)]
    values = {"client_id": client_id, "given": large_recordset(asked), "with_steps": with_steps}
    row = connection.execute(statement("intake/exports/begin"), values).fetchone()
    assert row is not None
    return known_of(row)


def write_batch(
    connection: Connection, client_id: int, export_no: int, exported_at: datetime, decided: Decided
) -> None:
    """Write the dossiers and steps of a file in the form that ``decided`` gives."""
    values = {"client_id": client_id, "export_no": export_no, "exported_at": exported_at, **decided_rows(decided)}
    connection.execute(statement("intake/exports/write"), values)


def note_vanished(connection: Connection, export_no: int, gone: Sequence[int], back: Sequence[int]) -> None:
    """Mark dossiers as vanished in ``intake.exported_dossiers`` if a complete export does not contain them any more.

    ``gone`` has the numbers of these dossiers. ``back`` has the numbers of dossiers that the export contains again;
    their marks are removed.
    """
    connection.execute(
        statement("intake/exports/note_vanished"),
        {"export_no": export_no, "gone": large_array(gone), "back": large_array(back)},
    )


def finish_file(connection: Connection, export_no: int, became: Became) -> None:
    """Store the result of reading a file in ``intake.exports``."""
    values = columns_of(became) | {"export_no": export_no, "faults": recordset(became.faults)}
    connection.execute(statement("intake/exports/finish"), values)


def accept_file(connection: Connection, export_no: int, by: str, why: str, now: datetime) -> bool:
    """Record in ``intake.exports`` that a refused file may be taken unchanged.

    Return ``False`` if the file is not refused or has changed in the meantime.
    """
    values = {"export_no": export_no, "by": by, "why": why, "now": now}
    return connection.execute(statement("intake/exports/accept"), values).fetchone() is not None


def list_exports(
    connection: Connection,
    source: str | None = None,
    *,
    export_no: int | None = None,
    limit: int = 100,
    skipped: int = 0,
) -> list[Export]:
    """Return files of one source or of all sources from ``intake.exports``, the newest first.

    Leave out the first ``skipped`` files.
    """
    values = {"source": source, "export_no": export_no, "limit": limit, "skipped": skipped}
    return [value_of(Export, row) for row in connection.execute(statement("intake/exports/list"), values)]


def count_states(connection: Connection, source: str, most: int = 1000) -> dict[ExportState, int]:
    """Count the newest ``most`` files of a source by state (from ``intake.exports``). A state without files is
    missing."""
    rows = connection.execute(statement("intake/exports/states"), {"source": source, "most": most})
    return {row["state"]: row["files"] for row in rows}


def agencies_told_of(connection: Connection, source: str) -> frozenset[str]:
    """Return the codes of the agencies that the files of a source may concern now, or could concern at any earlier
    time."""
    rows = connection.execute(statement("intake/clients/told_of"), {"source": source})
    return frozenset(row["agency_code"] for row in rows)


def list_vanished(connection: Connection, source: str, limit: int = 500) -> list[VanishedDossier]:
    """Return open dossiers that the complete exports of a source no longer contain, the newest first."""
    rows = connection.execute(statement("intake/exports/vanished"), {"source": source, "limit": limit})
    return [value_of(VanishedDossier, row) for row in rows]


def held_up(connection: Connection, sources: Sequence[str]) -> list[HeldUp]:
    """Return the refused files of these sources whose content the ledger still lacks (from ``intake.exports``).

    A refused file is left out if another file of its source was taken after the refusal, or if a complete file that
    was exported later was taken.
    """
    rows = connection.execute(statement("intake/exports/held_up"), {"sources": list(sources)})
    return [value_of(HeldUp, row) for row in rows]
