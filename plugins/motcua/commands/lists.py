"""Print the list that a staff page shows, or write it into the file that the page offers for download."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from motcua.commands.terminal import console, local_moment, refuse, say
from motcua.domain.people import Viewer
from motcua.jobs.listing.asking import AgencyUnknown, Asked, ask, whose
from motcua.jobs.listing.reading import Connect, Listing, first_of, pieces_of
from motcua.reports.lists import Cell, Column, Filter, Link, ListHead, Seen, Word, csv_pieces, list_workbook
from motcua.store.ledger.database import Connection, connect

OPERATOR = Viewer("motcua", "operator", None)
"""The viewer at the terminal: a person who acts for the Department, but to whom no unmasked phone number is shown."""

To = Annotated[Path | None, typer.Option("--to", help="Write the list to this file instead, .csv or .xlsx.")]
Search = Annotated[str, typer.Option("--search", help="Only rows that contain these words. Accents may be left out.")]
Sort = Annotated[str, typer.Option("--sort", help="Column to sort by. A - before its name sorts backwards.")]
Most = Annotated[int, typer.Option("--most", min=1, help="At most this many rows.")]


def print_list(
    listing: Listing,
    written: Mapping[str, str] | None = None,
    *,
    most: int = 50,
    to: Path | None = None,
    empty: str = "",
    red: Callable[[Any], bool] = lambda row: False,
) -> Sequence[Any]:
    """Print a list's rows, or write the list into a file as the list's page does.

    Args:
        listing: the list.
        written: filters, search and order, by their names in the URL of the list's page.
        most: number of rows to print.
        to: path of the file to write; ``None`` to print.
        empty: sentence to print if there are no rows.
        red: returns whether a row is printed in red.

    Returns:
        The printed rows, or no rows if a file was written.
    """
    with connect() as connection:
        request = _read_request(connection, listing, written or {})
        seen = Seen(OPERATOR, request.names(short=False))
        rows, more = ([], False) if to else first_of(listing, connection, request, seen, most)
    if to is not None:
        _write_file(listing, request, seen, to)
        return rows
    columns = listing.columns(OPERATOR, "command")
    table = Table(box=None, pad_edge=False)
    for each in columns.values():
        table.add_column(each.command, justify="right" if each.shown == "figure" else "left")
    for row in rows:
        cells = (_plain_text(listing.cell(name, row, seen), column) for name, column in columns.items())
        table.add_row(*cells, style="red" if red(row) else None)
    # Markup is switched off, because texts from outside may look like markup.
    shown = console(markup=False)
    shown.print(empty if empty and not rows else table)
    if more:
        shown.print(f"There are more than {most} rows. Show more with --most.")
    return rows


def _read_request(connection: Connection, listing: Listing, written: Mapping[str, str]) -> Asked:
    """Read a request for a list, or end the command with exit code 2."""
    try:
        asked = ask(connection, listing.declared, written, OPERATOR)
    except AgencyUnknown as unknown:
        raise refuse(f"There is no agency {unknown}. See motcua agencies list.") from None
    if asked.faults:
        raise refuse("\n".join(asked.faults))
    return asked


def _plain_text(cell: Cell, column: Column) -> str:
    """Return a cell as plain text for a terminal."""
    match cell:
        case None:
            return ""
        case datetime():
            return local_moment(cell)
        case date():
            return f"{cell:%d/%m/%Y}"
        case Word(code, _, _):
            return code
        case Link(words, _):
            return words
        case int() if column.shown == "figure":
            return f"{cell:,}".replace(",", ".")
        case _:
            # Characters of a source's text must not control the terminal.
            return "".join(each if each.isprintable() else " " for each in str(cell))


def _write_file(listing: Listing, asked: Asked, seen: Seen, to: Path) -> None:
    """Write a list into a CSV file or a workbook."""
    if to.suffix not in (".csv", ".xlsx"):
        raise refuse("The file name of --to must end with .csv or .xlsx.")
    about = [" · ".join([whose(asked.chosen, asked.agencies, OPERATOR), *asked.told])]
    try:
        to.write_bytes(_file_content(listing, asked, seen, about, connect, to.suffix))
    except OSError as error:
        raise refuse(f"{to}: {error.strerror}") from None
    say(f"Written: {to}")


def csv_of(listing: Listing) -> bytes:
    """Return the CSV file of a list that already has its rows, without reading the ledger."""
    return _file_content(listing, Asked(OPERATOR), Seen(OPERATOR, {}), (), nullcontext, ".csv")


def _file_content(
    listing: Listing, asked: Asked, seen: Seen, about: Sequence[str], connect: Connect, suffix: str
) -> bytes:
    """Return the content of a CSV file or a workbook."""
    now = datetime.now(UTC)
    head = ListHead(listing.declared.title, about, now, listing.declared.file_columns(OPERATOR))
    pieces = pieces_of(listing, connect, asked, seen)
    return b"".join(csv_pieces(head, pieces)) if suffix == ".csv" else list_workbook(head, pieces, now)


# --- A command that is a list and nothing else ----------------------------------------------------------------------


def list_command(app: typer.Typer, name: str, listing: Listing, told: str, empty: str = "") -> None:
    """Add a command that prints a list, with the list's filters as its options.

    Args:
        app: group of the command.
        name: name of the command.
        listing: the list.
        told: help text of the command.
        empty: sentence to print if there are no rows.
    """
    options: dict[str, tuple[Any, Any]] = {
        option: (each, "")
        for filter_name, declared in listing.declared.filters.items()
        if declared.command
        for option, each in _options(filter_name, declared)
    }
    options |= {"search": (Search, ""), "sort": (Sort, ""), "most": (Most, 50), "to": (To, None)}

    def print_it(**chosen: Any) -> None:  # noqa: ANN401 - each option has its own type
        most, to, search = chosen.pop("most"), chosen.pop("to"), chosen.pop("search")
        print_list(listing, chosen | {"q": search}, most=most, to=to, empty=empty)

    parameters = [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=each)
        for option, (each, default) in options.items()
    ]
    vars(print_it)["__signature__"] = inspect.Signature(parameters)
    print_it.__annotations__ = {option: each for option, (each, _) in options.items()}
    print_it.__doc__ = told
    app.command(name)(print_it)


def _options(name: str, declared: Filter) -> list[tuple[str, Any]]:
    """Return the options of a filter."""
    if declared.shown != "days":
        return [(name, Annotated[str, typer.Option(help=declared.command)])]
    return [
        (
            "since",
            Annotated[str, typer.Option(help=f"{declared.command.capitalize()} on this day or later, as 2026-11-25.")],
        ),
        ("until", Annotated[str, typer.Option(help=f"{declared.command.capitalize()} on this day or earlier.")]),
    ]
