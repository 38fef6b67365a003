"""Print to a terminal, read files that are named on the command line, and find out who signs a change."""

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
"""Formats of a typed moment in Vietnam's time zone. A day alone means its midnight."""

_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
_plain = Console(soft_wrap=True, highlight=False, markup=False)


def console(*, markup: bool = True) -> Console:
    """Return a console as wide as the terminal, or with 150 columns if the output is no terminal.

    Args:
        markup: whether markup is interpreted. Markup must be off for texts of a file or a form.
    """
    return Console(width=None if sys.stdout.isatty() else 150, highlight=markup, markup=markup)


def local_moment(moment: datetime | None) -> str:
    """Return a moment in Vietnam's time zone, as 25/11/2026 10:00:00; empty for ``None``."""
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
    """Print rows as a table.

    Args:
        columns: for each heading, the name of an attribute or a function that returns the value for a row.
        rows: rows to print. Their texts are not interpreted as markup.
        empty: sentence to print if there are no rows.
        title: text above the table.
        caption: text below the table.
        style: returns the style of a row; ``None`` for the usual style.
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
    """Return a value as text for a table, with times and days in Vietnam's time zone; empty for ``None``."""
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
    """Print a sentence on one line of any length. Markup in the sentence is not interpreted."""
    _plain.print(str(sentence), style=style)


def print_error(sentence: object) -> None:
    """Print an error in red on standard error. The command continues."""
    _errors.print(str(sentence), style="red")


def refuse(sentence: object) -> typer.Exit:
    """Print in red why the command is refused, and return the exit with code 2 for the caller to raise."""
    print_error(sentence)
    return typer.Exit(2)


AsDepartment = Annotated[
    bool, typer.Option("--as-department", help="You act for the Department. Only it may do this. Your name is stored.")
]


def must_be_department(as_department: bool) -> None:
    """Refuse an action that only the Department may do.

    Raises:
        typer.Exit: the command was given without ``--as-department``.
    """
    if not as_department:
        raise refuse("Only the Department may do this. Add --as-department if you act for it.")


def without_phone(reason: str) -> str:
    """Return a reason unchanged if it holds no phone number. Callback of options whose texts other people will read.

    Raises:
        typer.BadParameter: something in the reason looks like a phone number.
    """
    if holds_phone(reason):
        raise typer.BadParameter("part of it looks like a phone number. Write it without that part.")
    return reason


def written_elsewhere(text: str | None) -> str:
    """Return a code from a source or a file in the form that a terminal shows: one line of at most 80 characters
    without control characters. If the code is a phone number, it is masked. The text may look like markup, so the
    caller must print it with markup switched off."""
    words = clean_words(text, 80) or ""
    number = read_phone(words, None, "").e164
    return words if number is None else mask_msisdn(to_local(number))


def typed_agencies(connection: Connection, written: Sequence[str]) -> list[str]:
    """Return the codes of the agencies with these codes or aliases, each once and sorted.

    Raises:
        typer.Exit: one of the agencies does not exist.
    """
    agencies = list_agencies(connection)
    found = {each: find_agency(agencies, each) for each in written}
    if unknown := [each for each, agency in found.items() if agency is None]:
        raise refuse(f"There is no agency {', '.join(map(written_elsewhere, unknown))}. See motcua agencies list.")
    return sorted({agency.agency_code for agency in found.values() if agency is not None})


def typed_window(since: datetime | None, until: datetime | None) -> Window:
    """Return the window between two moments typed in Vietnam's time zone; everything if neither is given."""
    if since is None and until is None:
        return EVERYTHING
    start, end = since or datetime(2000, 1, 1), until or datetime(9000, 1, 1)  # noqa: DTZ001 - made aware here
    return Window(start.replace(tzinfo=VIETNAM), end.replace(tzinfo=VIETNAM))


def handed_in(path: Path, most: int) -> tuple[str, bytes]:
    """Return a file's name as valid text, and its content.

    Raises:
        typer.BadParameter: the file does not exist or cannot be read.
        FileRefused: the file has more than ``most`` bytes.
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


# --- The person who signs --------------------------------------------------------------------------------------------

By = Annotated[
    str | None,
    typer.Option(
        "--by",
        envvar="MOTCUA_PERSON",
        help="Your own name, never a shared one. It is stored permanently. By default, your login name.",
        show_default=False,
    ),
]
"""Option of commands that write: the person who signs."""


def signed(by: str | None) -> str:
    """Return the person who signs: the given one, or the user of this machine.

    Commands call this function before they write.

    Raises:
        typer.Exit: the name is not that of a person, or is an account of several people. The message states what to do.
    """
    try:
        return read_person(_login_name() if by is None else by)
    except NotAPerson as nobody:
        raise refuse(
            f"{nobody} Nothing was written. Give the name with which you sign in to the pages: --by NAME, or for all"
            " commands MOTCUA_PERSON=NAME (in Compose: docker compose exec -e MOTCUA_PERSON=NAME …)."
        ) from None


def signed_if_known(by: str | None) -> str | None:
    """Return the person who signs; ``None`` if none is given and the user of this machine is no person.

    Commands call this function for an action that is also allowed without a signature. An unsigned action is not
    recorded.

    Raises:
        typer.Exit: the given name is not that of a person. The message states what to do.
    """
    if by is not None:
        return signed(by)
    name = _login_name()
    return read_person(name) if is_person(name) else None


def _login_name() -> str:
    """Return the login name of this process; empty if it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container may run with a user id that has no name.
        return ""


# --- Errors ----------------------------------------------------------------------------------------------------------

_OPERATOR_ERRORS = (
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
"""Errors that an operator can correct. Each has a sentence as its message."""


class SaysPlainly(TyperGroup):
    """A group of commands that shows an operator's errors as one sentence with exit code 2, without a traceback."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - the library does not export the type
        """Run the command."""
        try:
            return super().invoke(ctx)
        except _OPERATOR_ERRORS as failure:
            raise refuse(failure) from None
