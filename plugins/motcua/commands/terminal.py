"""How commands speak in a terminal, how they read a file that is handed to them, and who signs what they write."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import clean_words
from motcua.domain.people import NotAPerson, is_person, read_person
from motcua.domain.periods import NotAPeriod
from motcua.domain.phones.reading import holds_phone, mask_msisdn, read_phone, to_local
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.backup.folders import BackupFailed, BackupUnusable
from motcua.jobs.backup.restoring import RestoreFailed, RestoreRefused
from motcua.jobs.calendars import CalendarError
from motcua.jobs.exports.taking import FolderFailed
from motcua.jobs.handed_in.agencies import AgencyFileError, ImportRefused
from motcua.jobs.handed_in.complaints import ComplaintRefused
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.tables import shown_name
from motcua.jobs.publications.publishing import StoreFailed
from motcua.jobs.publications.verifying import NoSuchPublication
from motcua.jobs.quality.checking import CheckInProgress
from motcua.jobs.reconciliation.closing import NothingInScope, NotOver, SourcesUnread
from motcua.jobs.texts import RegistrationRefused
from motcua.jobs.uploads.reading import ReaderBusy
from motcua.quality.reporting import NoSuchAgency, NoSuchRun
from motcua.quality.rules import RulesInvalid
from motcua.store.agencies import UnknownAgency, find_agency, list_agencies
from motcua.store.journal import JournalFailed
from motcua.store.ledger.database import Connection, DatabaseFailed
from motcua.store.ledger.definitions import DefinitionRefused
from motcua.store.ledger.dumps import ProgramUnusable
from motcua.store.ledger.migrations import LedgerRefused
from motcua.store.oversight.closings import ClosingHeldUp
from motcua.store.personal_data import PurgeNotProvided

MOMENTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
"""How a moment may be typed, by the clock of Vietnam; a day alone is its midnight."""

_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
_plain = Console(soft_wrap=True, highlight=False, markup=False)


def console(*, markup: bool = True) -> Console:
    """Where a command prints: as wide as the terminal; 150 letters where the output goes elsewhere.

    ``markup``: off where what is printed may hold the words of a file or a form.
    """
    return Console(width=None if sys.stdout.isatty() else 150, highlight=markup, markup=markup)


def local_moment(moment: datetime | None) -> str:
    """A moment by the clock of Vietnam, as 25/11/2026 10:00:00; nothing where there is none."""
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}" if moment else ""


def print_rows(
    columns: Mapping[str, str | Callable[[Any], object]],
    rows: Sequence[Any],
    *,
    empty: str = "",
    title: str | None = None,
    caption: str | None = None,
    style: Callable[[Any], str | None] = lambda row: None,
) -> None:
    """Prints rows as a table.

    Args:
        columns: by head the value that a row has there: by its name, or told from the row.
        rows: what is printed; whatever they hold is no markup.
        empty: said in place of a table without rows.
        title: above it.
        caption: below it.
        style: how a row looks, where it is not as the others.
    """
    if empty and not rows:
        _plain.print(empty)
        return
    table = Table(*columns, title=title, caption=caption, box=None, pad_edge=False)
    for row in rows:
        values = (each(row) if callable(each) else getattr(row, each) for each in columns.values())
        table.add_row(*map(in_a_cell, values), style=style(row))
    console(markup=False).print(table)


def in_a_cell(value: object) -> str:
    """A value as a table has it: moments and days by the clock of Vietnam, nothing where there is none."""
    match value:
        case None:
            return ""
        case datetime():
            return local_moment(value)
        case date():
            return f"{value:%d/%m/%Y}"
        case tuple() | list():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def say(sentence: object, style: str | None = None) -> None:
    """Says a sentence, which may hold whatever others wrote; as long a line as it needs."""
    _plain.print(str(sentence), style=style)


def print_error(sentence: object) -> None:
    """Says in red, on standard error, what failed; the command goes on."""
    _errors.print(str(sentence), style="red")


def refuse(sentence: object) -> typer.Exit:
    """Says in red what cannot be done; raise what it gives: exit code 2."""
    print_error(sentence)
    return typer.Exit(2)


AsDepartment = Annotated[
    bool, typer.Option("--as-department", help="You act for the Department, which alone may; kept with your name.")
]


def must_be_department(as_department: bool) -> None:
    """Refuses what is the Department's alone.

    Raises:
        typer.Exit: whoever runs it does not say that he acts for it.
    """
    if not as_department:
        raise refuse("This is the Department's alone: say --as-department if you act for it.")


def without_phone(reason: str) -> str:
    """A reason that is kept for others to read, as it was given; the callback of an option.

    Raises:
        typer.BadParameter: something in it looks like a phone number.
    """
    if holds_phone(reason):
        raise typer.BadParameter("something in it looks like a phone number; say it without.")
    return reason


def written_elsewhere(text: str | None) -> str:
    """A code as a source or a file has it, whatever it is, for a terminal: one line of at most 80 letters, nothing that
    steers the terminal; a phone number in its place is masked. It may look like markup."""
    words = clean_words(text, 80) or ""
    number = read_phone(words, None, "").e164
    return words if number is None else mask_msisdn(to_local(number))


def typed_agencies(connection: Connection, written: Sequence[str]) -> list[str]:
    """The codes of the agencies that are meant by these codes and aliases, each once, in order.

    Raises:
        typer.Exit: there is no such agency.
    """
    agencies = list_agencies(connection)
    found = {each: find_agency(agencies, each) for each in written}
    if unknown := [each for each, agency in found.items() if agency is None]:
        raise refuse(f"There is no agency {', '.join(map(written_elsewhere, unknown))}: motcua agencies list.")
    return sorted({agency.agency_code for agency in found.values() if agency is not None})


def typed_window(since: datetime | None, until: datetime | None) -> Window:
    """What lies between two moments that were typed by the clock of Vietnam; everything where none was."""
    if since is None and until is None:
        return EVERYTHING
    start, end = since or datetime(2000, 1, 1), until or datetime(9000, 1, 1)  # noqa: DTZ001 - made aware here
    return Window(start.replace(tzinfo=VIETNAM), end.replace(tzinfo=VIETNAM))


def handed_in(path: Path, most: int) -> tuple[str, bytes]:
    """A file's name as text, and its content, of ``most`` bytes.

    Raises:
        typer.BadParameter: there is none, or nobody may read it.
        FileRefused: it is too large.
    """
    if not path.is_file():
        raise typer.BadParameter(f"there is no file {path}.")
    name = shown_name(path.name)
    if path.stat().st_size > most:
        raise FileRefused.too_large(name, most)
    try:
        return name, path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}.") from None


# --- Who signs what a command writes ---------------------------------------------------------------------------------

By = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="MOTCUA_PERSON",
        help="Your own name, which signs this for good; by default that of your login, never a shared one.",
        show_default=False,
    ),
]
"""How a command that writes asks who does so."""


def signed(by: str | None) -> str:
    """The person who signs: as told, else whoever is logged in to this machine. Called before anything is written.

    Raises:
        typer.Exit: that is nobody, or an account that several people use; said with what to do, exit code 2.
    """
    try:
        return read_person(_login_name() if by is None else by)
    except NotAPerson as nobody:
        raise refuse(
            f"{nobody} Nothing was written. Say who you are, as you sign in to the pages: --by NAME, or once for all"
            " commands MOTCUA_PERSON=NAME (in Compose: docker compose exec -e MOTCUA_PERSON=NAME …)."
        ) from None


def signed_if_known(by: str | None) -> str | None:
    """The person who signs, where one is known; ``None``: nobody is named, and whoever is logged in is no person. For
    what may also be done without a signature, and is then not kept.

    Raises:
        typer.Exit: who is named can sign nothing; said with what to do, exit code 2.
    """
    if by is not None:
        return signed(by)
    name = _login_name()
    return read_person(name) if is_person(name) else None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container may run as a number that has no name.
        return ""


# --- What went wrong -------------------------------------------------------------------------------------------------

_MENDABLE = (
    AgencyFileError,
    BackupFailed,
    BackupUnusable,
    CalendarError,
    CheckInProgress,
    ClosingHeldUp,
    ComplaintRefused,
    DatabaseFailed,
    DefinitionRefused,
    FileRefused,
    FolderFailed,
    ImportRefused,
    JournalFailed,
    LedgerRefused,
    NoSuchAgency,
    NoSuchPublication,
    NoSuchRun,
    NotAPeriod,
    NothingInScope,
    NotOver,
    ProgramUnusable,
    PurgeNotProvided,
    ReaderBusy,
    RegistrationRefused,
    RestoreFailed,
    RestoreRefused,
    RulesInvalid,
    SourcesUnread,
    StoreFailed,
    UnknownAgency,
)
"""What an operator can mend; each says so in a sentence."""


class SaysPlainly(TyperGroup):
    """Says what an operator can mend in one sentence, exit code 2, never as a traceback."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - the library keeps its type to itself
        """Runs the command."""
        try:
            return super().invoke(ctx)
        except _MENDABLE as failure:
            raise refuse(failure) from None
