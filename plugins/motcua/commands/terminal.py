"""How commands speak in a terminal, and how they read a file that is handed to them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import clean_words
from motcua.domain.phones.reading import holds_phone, mask_msisdn, read_phone, to_local
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.tables import shown_name
from motcua.store.agencies import find_agency, list_agencies
from motcua.store.ledger.database import Connection

MOMENTS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
"""How a moment may be typed, by the clock of Vietnam; a day alone is its midnight."""

_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def console(*, markup: bool = True) -> Console:
    """Where a command prints: as wide as the terminal; 150 letters where the output goes elsewhere.

    ``markup``: off where what is printed may hold the words of a file or a form.
    """
    return Console(width=None if sys.stdout.isatty() else 150, highlight=markup, markup=markup)


def local_moment(moment: datetime | None) -> str:
    """A moment by the clock of Vietnam, as 25/11/2026 10:00:00; nothing where there is none."""
    return f"{moment.astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}" if moment else ""


def print_error(sentence: object) -> None:
    """Says in red, on standard error, what failed; the command goes on."""
    _errors.print(str(sentence), style="red")


def refuse(sentence: object) -> typer.Exit:
    """Says in red what cannot be done; raise what it gives: exit code 2."""
    print_error(sentence)
    return typer.Exit(2)


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
    steers the terminal or is markup; a phone number in its place is masked."""
    words = clean_words(text, 80) or ""
    number = read_phone(words, None, "").e164
    return escape(words) if number is None else mask_msisdn(to_local(number))


def typed_agencies(connection: Connection, written: Sequence[str]) -> list[str]:
    """The codes of the agencies that are meant by these codes and aliases, each once, in order.

    Raises:
        typer.Exit: there is no such agency.
    """
    agencies = list_agencies(connection)
    found = {each: find_agency(agencies, each) for each in written}
    if unknown := [each for each, agency in found.items() if agency is None]:
        raise refuse(f"There is no agency {', '.join(unknown)}: motcua agencies list.")
    return sorted({agency.agency_code for agency in found.values() if agency is not None})


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
