"""How a command lists rows: the list that a page shows, in a terminal or as the page's own file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from motcua.commands.terminal import console, local_moment, refuse
from motcua.domain.people import Viewer
from motcua.jobs.listing.asking import AgencyUnknown, Asked, ask, whose
from motcua.jobs.listing.reading import Connect, Listing, first_of, pieces_of
from motcua.reports.lists import Cell, Column, Filter, Link, ListHead, Seen, Word, csv_pieces, list_workbook
from motcua.store.ledger.database import Connection, connect

OPERATOR = Viewer("motcua", "operator", None)
"""Whoever has the machine's terminal: he acts for the Department, and sees no whole number here either."""
# What others wrote may look like markup.
_console = console(markup=False)

To = Annotated[Path | None, typer.Option("--to", help="Write the list into this file instead, .csv or .xlsx.")]
Search = Annotated[str, typer.Option("--search", help="Only rows that hold these words; accents may be left out.")]
Sort = Annotated[str, typer.Option("--sort", help="Column to put the rows in order by; with - before it, backwards.")]
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
    """Prints a list's rows, or writes them into a file as its page does; returns the rows that were printed.

    Args:
        listing: the list.
        written: what is asked of it, as an address writes it.
        most: rows that are printed.
        to: the file.
        empty: said in place of a table without rows.
        red: whether a row is printed in red.
    """
    with connect() as connection:
        asked = _asked(connection, listing, written or {})
        seen = Seen(OPERATOR, asked.names(short=False))
        rows, more = ([], False) if to else first_of(listing, connection, asked, seen, most)
    if to is not None:
        _write(listing, asked, seen, to)
        return rows
    columns = listing.columns(OPERATOR, "command")
    table = Table(box=None, pad_edge=False)
    for each in columns.values():
        table.add_column(each.command, justify="right" if each.shown == "figure" else "left")
    for row in rows:
        cells = (_plain(listing.cell(name, row, seen), column) for name, column in columns.items())
        table.add_row(*cells, style="red" if red(row) else None)
    _console.print(empty if empty and not rows else table)
    if more:
        _console.print(f"More than {most}: --most.")
    return rows


def _asked(connection: Connection, listing: Listing, written: Mapping[str, str]) -> Asked:
    try:
        asked = ask(connection, listing.declared, written, OPERATOR)
    except AgencyUnknown as unknown:
        raise refuse(f"There is no agency {unknown}: motcua agencies list.") from None
    if asked.faults:
        raise refuse("\n".join(asked.faults))
    return asked


def _plain(cell: Cell, column: Column) -> str:
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
            # What a source wrote steers no terminal.
            return "".join(each if each.isprintable() else " " for each in str(cell))


def _write(listing: Listing, asked: Asked, seen: Seen, to: Path) -> None:
    if to.suffix not in (".csv", ".xlsx"):
        raise refuse("--to takes a name that ends with .csv or .xlsx.")
    about = [" · ".join([whose(asked.chosen, asked.agencies, OPERATOR), *asked.told])]
    to.write_bytes(_content(listing, asked, seen, about, connect, to.suffix))
    _console.print(f"Written: {to}", soft_wrap=True)


def csv_of(listing: Listing) -> bytes:
    """A list whose rows were read already as a CSV file."""
    return _content(listing, Asked(OPERATOR), Seen(OPERATOR, {}), (), nullcontext, ".csv")


def _content(listing: Listing, asked: Asked, seen: Seen, about: Sequence[str], connect: Connect, suffix: str) -> bytes:
    now = datetime.now(UTC)
    head = ListHead(listing.declared.title, about, now, listing.declared.file_columns(OPERATOR))
    pieces = pieces_of(listing, connect, asked, seen)
    return b"".join(csv_pieces(head, pieces)) if suffix == ".csv" else list_workbook(head, pieces, now)


# --- A command that is a list and nothing else ----------------------------------------------------------------------


def list_command(app: typer.Typer, name: str, listing: Listing, told: str, empty: str = "") -> None:
    """Adds the command that prints a list; its options are the list's filters.

    Args:
        app: the group that it goes to.
        name: of the command.
        listing: the list.
        told: what the command does, for its help.
        empty: said in place of a table without rows.
    """
    options: dict[str, tuple[Any, Any]] = {
        option: (each, "")
        for filter_name, declared in listing.declared.filters.items()
        if declared.command
        for option, each in _options(filter_name, declared)
    }
    options |= {"search": (Search, ""), "sort": (Sort, ""), "most": (Most, 50), "to": (To, None)}

    def print_it(**chosen: Any) -> None:  # noqa: ANN401 - of each option its own
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
    if declared.shown != "days":
        return [(name, Annotated[str, typer.Option(help=declared.command)])]
    return [
        (
            "since",
            Annotated[str, typer.Option(help=f"{declared.command.capitalize()} on this day or later, as 2026-11-25.")],
        ),
        ("until", Annotated[str, typer.Option(help=f"{declared.command.capitalize()} on this day or earlier.")]),
    ]
