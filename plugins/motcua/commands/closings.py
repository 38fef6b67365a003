"""Commands ``motcua closings``: close a period by hand, list closings, show figures and differences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from motcua.commands.lists import Search, Sort, To, print_list
from motcua.commands.terminal import By, handed_in, local_moment, print_error, print_rows, refuse, say, signed
from motcua.domain.intake.portal_figures import ComparedAgency
from motcua.domain.periods import Period
from motcua.domain.reconciliation import STATES, MessageFigures, sum_messages
from motcua.jobs.listing.lists import CLOSINGS, DIFFERENCES_OF_CLOSING
from motcua.jobs.reconciliation.closing import close_period
from motcua.jobs.reconciliation.portal_figures import LARGEST_FILE, hand_in_portal_figures
from motcua.reports.publication.csv_tables import plain_csv
from motcua.store.intake.portal_figures import compare_periods
from motcua.store.intake.pushes import pushed_of_closing
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import (
    load_changes,
    load_closing,
    load_differences,
    load_figures,
    load_orphans,
)
from motcua.store.oversight.figure_rows import Cell, rows_of_figure

app = typer.Typer(
    help="Closings of days, months, quarters and years: messages against what the sources count.", no_args_is_help=True
)

_NUMBER = typer.Argument(help="Number of the closing; motcua closings list shows it.")


@app.command("close")
def close(
    period: Annotated[
        str,
        typer.Argument(
            help="A day such as 2026-11-24, a month such as 2026-11, a quarter such as 2026-Q4 or a year such as 2026; "
            "yesterday by default."
        ),
    ] = "",
) -> None:
    """Close a period, or correct its last closing if a figure has changed since.

    Exit code 1 if figures do not agree, or if a source could not be counted. This command publishes nothing. The next
    run of reconcile_daily publishes the closing.
    """
    now = datetime.now(UTC)
    chosen = Period.parse(period) if period else Period.day_before(now)
    result = close_period(chosen, f"manual__{now.isoformat()}", now)
    closing = result.closing
    corrects = f", corrects closing {closing.corrects}" if closing.corrects else ""
    say(f"{closing.period}: closing {closing.closing_no}{corrects if result.changed else ' is unchanged'}")
    show(closing.closing_no)
    if closing.difference or closing.unexplained or closing.sources_unread:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    search: Search = "",
    sort: Sort = "",
    most: Annotated[int, typer.Option(min=1, help="Show at most this many closings, the newest first.")] = 40,
    to: To = None,
) -> None:
    """List closings, the newest period first."""
    print_list(
        CLOSINGS,
        {"q": search, "sort": sort},
        most=most,
        to=to,
        empty="No period was closed yet. Close one with motcua closings close.",
        red=lambda row: row.difference or row.unexplained or row.sources_unread,
    )


@app.command("show")
def show(closing_no: Annotated[int, _NUMBER]) -> None:
    """Print the accounting identity of a closing by kind and agency, and what a correction changed."""
    try:
        with connect() as connection:
            closing = load_closing(connection, closing_no)
            figures, changes = load_figures(connection, closing_no), load_changes(connection, closing_no)
            pushed = pushed_of_closing(connection, closing_no)
            compared = compare_periods(connection, [str(closing.period)], up_to=closing_no)
    except LookupError as missing:
        raise refuse(missing) from None
    sums = [
        (
            code,
            sum_messages(
                tuple(each for each in figures.messages if (each.agency_code, each.kind) == (code, kind)), kind
            ),
        )
        for code, kind in sorted({(each.agency_code, each.kind) for each in figures.messages})
    ]
    names = ("at_source", "out_of_scope", "expected", *STATES, "difference")
    print_rows(
        {
            "agency": lambda row: row[0] or "-",
            "kind": lambda row: row[1].kind,
            **{name.replace("_", " "): partial(_figure, name) for name in names},
        },
        sums,
        empty="No message was expected.",
        style=lambda row: "red" if row[1].difference else None,
    )
    if closing.sources_unread:
        say(f"Sources that could not be counted: {', '.join(closing.sources_unread)}", "red")
    if pushed:
        say("Figures taken from pushes, because these sources cannot be counted independently:")
        for each in pushed:
            say(f"  {each.agency_code} ({each.source})")
    if compared:
        _print_compared(compared)
    for change in changes:
        where = ", ".join(filter(None, (change.agency_code, change.procedure_code, change.kind)))
        causes = ", ".join(change.causes)
        say(f"{where}: {change.figure} {change.was} → {change.became} ({causes})")


def _figure(name: str, row: tuple[str, MessageFigures]) -> int | None:
    """Return a figure for a table; ``None`` for 0, so that the cell is empty."""
    return getattr(row[1], name) or None


@app.command("compare")
def compare(
    path: Annotated[
        Path, typer.Argument(help="CSV or Excel workbook of the portal's figures: docs/operations/reconciliation.md.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change. Nothing is stored.")] = False,
    by: By = None,
) -> None:
    """Store figures of the national portal and compare them with the figures of the closings.

    Good lines are stored even if others are refused. Exit code 1 if a figure differs or a line is refused. Differences
    are printed and change no closing.
    """
    who = "dry run" if dry_run else signed(by)
    name, content = handed_in(path, LARGEST_FILE)
    done = hand_in_portal_figures(content, name, who, datetime.now(UTC), dry_run=dry_run)
    for fault in done.faults:
        say(f"- {fault}")
    replacing = sum(each.replaces is not None for each in done.new)
    would = "would be " if dry_run else ""
    say(
        f"{done.lines} good line(s): {len(done.new)} {would}new, {replacing} of them replace earlier figures;"
        f" {done.lines - len(done.new)} stored before. {len(done.faults)} line(s) refused."
    )
    if done.compared:
        _print_compared(done.compared)
    if done.faults or any(each.differs for each in done.compared):
        raise typer.Exit(1)


def _print_compared(compared: Sequence[ComparedAgency]) -> None:
    """Print the figures of the portal beside those of the closings."""
    print_rows(
        {
            "agency": lambda row: row[0].agency_code,
            "period": lambda row: row[0].period,
            "figure": lambda row: row[1].figure,
            "portal": lambda row: row[1].theirs,
            "before": lambda row: row[1].replaced,
            "here": lambda row: "not closed" if row[1].ours is None else row[1].ours,
            "difference": lambda row: f"{row[1].difference:+}" if row[1].difference else None,
            "since": lambda row: row[1].since,
            "handed in": lambda row: f"{local_moment(row[0].handed_in_at)} {row[0].handed_in_by}",
        },
        [(each.newest, figure) for each in compared for figure in each.figures],
        style=lambda row: "red" if row[1].difference else None,
    )
    if any(each.differs for each in compared):
        say("The two differ by dossiers that were pushed late or never, or that the portal counted later or deleted.")


@app.command("differences")
def differences(closing_no: Annotated[int, _NUMBER], to: To = None) -> None:
    """List events without their message and messages without their event. Differences without a reason come first.

    Exit code 1 if a difference has no reason. Messages without an event are listed last and do not count for that.
    """
    try:
        with connect() as connection:
            load_closing(connection, closing_no)
            rows, orphans = load_differences(connection, closing_no), load_orphans(connection, closing_no)
    except LookupError as missing:
        raise refuse(missing) from None
    print_list(
        DIFFERENCES_OF_CLOSING.of(rows),
        most=len(rows) or 1,
        to=to,
        empty="Every occasion has its message, and every message its occasion.",
        red=lambda row: not row.is_explained,
    )
    for orphan in orphans:
        what = orphan.dossier_code or orphan.message_id or orphan.receipt_id
        say(f"{orphan.sort}: {orphan.agency_code or '-'} {what}")
    if any(not row.is_explained for row in rows):
        raise typer.Exit(1)


@app.command("rows")
def rows(
    closing_no: Annotated[int, _NUMBER],
    figure: Annotated[str, typer.Argument(help="A column of csv/messages.csv or csv/dossiers.csv, such as delivered.")],
    agency: Annotated[str | None, typer.Option(help="Code of the agency. By default, all agencies.")] = None,
    procedure: Annotated[str | None, typer.Option(help="Code of the procedure; '' where none is named.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Kind of the messages: result, supplement, apology or reply.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Reason of the messages, as in csv/reasons.csv.")] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV, for machines.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many rows.")] = 100,
) -> None:
    """List the rows that a figure counts, as of the cut-off. Exit code 1 if their number differs from the figure."""
    cell = Cell(agency, procedure, kind, reason)
    try:
        with connect() as connection:
            closing, figures = load_closing(connection, closing_no), load_figures(connection, closing_no)
            found = rows_of_figure(connection, closing, figures, figure, cell, None if csv else limit)
    except LookupError as missing:
        raise refuse(missing) from None
    if csv:
        sys.stdout.write(plain_csv(found.of, found.rows).decode())
    else:
        print_rows({name: name for name in found.of.__slots__}, found.rows, empty="The figure counts no row.")
        if found.all_rows > len(found.rows):
            say(f"{found.all_rows - len(found.rows)} more rows. Show more with --limit, or all with --csv.")
    if found.all_rows != found.closed:
        print_error(
            f"The closing counts {found.closed}, but the ledger has {found.all_rows} rows. Check the "
            "publication with motcua verify."
        )
        raise typer.Exit(1)
