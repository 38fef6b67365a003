"""Exports that were dropped as files: the form of each source, what was seen of each file, and what it told."""

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
    """The form of a source that is in force."""

    form_no: int
    client_id: int
    """The account that its rows are kept under."""
    form: Mapping[str, Any]
    set_at: datetime
    set_by: str
    agencies: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExportAccount:
    """What a source's exports are kept under."""

    client_id: int
    agencies: Sequence[str]
    """Codes of those that its files may tell of."""


@dataclass(frozen=True, slots=True)
class FormVersion:
    """A form that is, or was, in force."""

    form_no: int
    form: Mapping[str, Any]
    set_at: datetime
    set_by: str


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as its folder shows it."""

    name: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file that was not read yet."""

    export_no: int
    seen_at: datetime
    """Since when it is as it is."""
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class LastTaken:
    """What was last taken of a source."""

    whole_at: datetime | None
    whole_name: str | None
    whole_dossiers: int | None
    ends_a_line: bool
    """The newest of all was a text whose last line was ended."""
    is_repeated: bool
    """This very file was taken, and nothing that it could take back came after it."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a file that was read."""

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
    """Each a ``FileFault``."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was dropped, and what became of it."""

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
    """Fields of ``FileFault``."""
    accepted_by: str | None
    accepted_at: datetime | None
    accepted_why: str | None
    sent_by: str | None
    """Who sent it by the page; ``None``: it was dropped."""
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class VanishedDossier:
    """An open dossier that whole exports have no more."""

    agency_code: str
    dossier_code: str
    export_no: int
    exported_at: datetime


@dataclass(frozen=True, slots=True)
class HeldUp:
    """A file that was refused, and after which none was taken."""

    source: str
    name: str
    export_no: int


def form_in_force(connection: Connection, source: str) -> KeptForm | None:
    """The form of a source's exports; ``None``: none was ever set."""
    row = connection.execute(statement("intake/exports/form"), {"source": source}).fetchone()
    return None if row is None else value_of(KeptForm, row)


def account_of(connection: Connection, source: str) -> ExportAccount | None:
    """The account of a source's exports; ``None``: none was opened."""
    row = connection.execute(statement("intake/exports/account"), {"source": source}).fetchone()
    return None if row is None else value_of(ExportAccount, row)


def list_forms(connection: Connection, source: str, most: int) -> list[FormVersion]:
    """The forms of a source, the newest, which is in force, first."""
    rows = connection.execute(statement("intake/exports/forms"), {"source": source, "most": most})
    return [value_of(FormVersion, row) for row in rows]


def one_at_a_time(connection: Connection, source: str) -> None:
    """Waits until nobody else sends a file of this source, or sets its form, by a page; from then on others wait for
    this transaction's end."""
    connection.execute(statement("intake/exports/one_at_a_time"), {"source": source})


def send_file(connection: Connection, source: str, file: SeenFile, by: str, now: datetime) -> None:
    """Notes a file that somebody puts into a source's folder by the page."""
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
    """Puts a form in force for the account of this source's name."""
    connection.execute(
        statement("intake/exports/set_form"), {"source": source, "form": record(form), "by": by, "now": now}
    )


def try_again(connection: Connection, source: str, form_no: int, there: Sequence[SeenFile]) -> None:
    """Those of the files that are there which another form refused wait again."""
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
    """Marks files that waited and were taken away before they were read; how many.

    Args:
        connection: to the ledger.
        source: whose folder was looked into.
        unread: names of the files there that are still to be read.
        seen_until: one that was first seen later is left: it may have come after the look.
        now: when the folder was looked into.
    """
    values = {"source": source, "names": list(unread), "seen_until": seen_until, "now": now}
    return connection.execute(statement("intake/exports/note_removed"), values).rowcount


def any_waiting(connection: Connection, source: str) -> bool:
    """Whether a file of a source waits."""
    row = connection.execute(statement("intake/exports/any_waiting"), {"source": source}).fetchone()
    return row is not None and bool(row["waits"])


def files_read(connection: Connection, source: str, names: Sequence[str]) -> set[SeenFile]:
    """Files of these names that were read, as they were then."""
    rows = connection.execute(statement("intake/exports/read"), {"source": source, "names": list(names)})
    return {value_of(SeenFile, row) for row in rows}


def see_file(connection: Connection, source: str, file: SeenFile, now: datetime) -> WaitingFile | None:
    """Notes a file that was not read yet, as it is seen now; ``None``: somebody else has just noted or read it."""
    values = {"source": source, "name": file.name, "size": file.size, "modified_at": file.modified_at, "now": now}
    connection.execute(statement("intake/exports/replaced"), values)
    row = connection.execute(statement("intake/exports/see_again"), values).fetchone()
    if row is None:
        row = connection.execute(statement("intake/exports/see"), values).fetchone()
    return None if row is None else value_of(WaitingFile, row)


def hold_file(connection: Connection, export_no: int) -> bool:
    """Keeps others from taking this file, or another one of its source, until the transaction ends; ``False``: it was
    read already."""
    return connection.execute(statement("intake/exports/hold"), {"export_no": export_no}).fetchone() is not None


def last_taken(connection: Connection, source: str, sha256: bytes, exported_at: datetime) -> LastTaken:
    """What was last taken of a source, and whether this file was."""
    row = connection.execute(
        statement("intake/exports/last"), {"source": source, "sha256": sha256, "exported_at": exported_at}
    ).fetchone()
    assert row is not None
    return value_of(LastTaken, row)


def exported_dossiers(connection: Connection, source: str) -> Iterator[ExportedDossier]:
    """Dossiers that the exports of a source had."""
    for row in connection.execute(statement("intake/exports/exported"), {"source": source}):
        yield value_of(ExportedDossier, row)


def begin_batch(connection: Connection, client_id: int, records: Sequence[PushedDossier], *, with_steps: bool) -> Known:
    """Reads what is known of dossiers that a file tells of; until the transaction's end nobody else writes of its
    source. ``with_steps``: of their steps, too."""
    asked = [{"place": at, "dossier_code": r.dossier_code, "fields": r.fields} for at, r in enumerate(records)]
    values = {"client_id": client_id, "given": large_recordset(asked), "with_steps": with_steps}
    row = connection.execute(statement("intake/exports/begin"), values).fetchone()
    assert row is not None
    return known_of(row)


def write_batch(
    connection: Connection, client_id: int, export_no: int, exported_at: datetime, decided: Decided
) -> None:
    """Writes what was decided of dossiers that a file tells of."""
    values = {"client_id": client_id, "export_no": export_no, "exported_at": exported_at, **decided_rows(decided)}
    connection.execute(statement("intake/exports/write"), values)


def note_vanished(connection: Connection, export_no: int, gone: Sequence[int], back: Sequence[int]) -> None:
    """Marks dossiers, by their numbers, that a whole export has no more, and takes the mark from those that it has
    again."""
    connection.execute(
        statement("intake/exports/note_vanished"),
        {"export_no": export_no, "gone": large_array(gone), "back": large_array(back)},
    )


def finish_file(connection: Connection, export_no: int, became: Became) -> None:
    """Keeps what became of a file."""
    values = columns_of(became) | {"export_no": export_no, "faults": recordset(became.faults)}
    connection.execute(statement("intake/exports/finish"), values)


def accept_file(connection: Connection, export_no: int, by: str, why: str, now: datetime) -> bool:
    """Has a refused file taken as it is; ``False``: it is not refused, or was written anew since."""
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
    """Files of a source, or of all, the newest first but for as many as are skipped."""
    values = {"source": source, "export_no": export_no, "limit": limit, "skipped": skipped}
    return [value_of(Export, row) for row in connection.execute(statement("intake/exports/list"), values)]


def count_states(connection: Connection, source: str, most: int = 1000) -> dict[ExportState, int]:
    """How many of the newest ``most`` files of a source became what; a state that none is in is not told."""
    rows = connection.execute(statement("intake/exports/states"), {"source": source, "most": most})
    return {row["state"]: row["files"] for row in rows}


def agencies_told_of(connection: Connection, source: str) -> frozenset[str]:
    """Codes of the agencies that the files of a source may tell of now, or might at any time."""
    rows = connection.execute(statement("intake/clients/told_of"), {"source": source})
    return frozenset(row["agency_code"] for row in rows)


def list_vanished(connection: Connection, source: str, limit: int = 500) -> list[VanishedDossier]:
    """Open dossiers that the whole exports of a source have no more, the newest first."""
    rows = connection.execute(statement("intake/exports/vanished"), {"source": source, "limit": limit})
    return [value_of(VanishedDossier, row) for row in rows]


def held_up(connection: Connection, sources: Sequence[str]) -> list[HeldUp]:
    """Files that were refused and after which none of their source was taken."""
    rows = connection.execute(statement("intake/exports/held_up"), {"sources": list(sources)})
    return [value_of(HeldUp, row) for row in rows]
