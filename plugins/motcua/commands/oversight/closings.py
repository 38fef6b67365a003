"""``motcua closings``: close a period by hand, list closings, show figures and differences."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import console, handed_in, local_moment, print_error, refuse
from motcua.domain.intake.portal_figures import ComparedAgency
from motcua.domain.periods import NotAPeriod, Period
from motcua.domain.reconciliation import STATES, sum_messages
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.reconciliation.closing import NothingInScope, NotOver, SourcesUnread, close_period
from motcua.jobs.reconciliation.portal_figures import LARGEST_FILE, hand_in_portal_figures
from motcua.reports.publication.csv_tables import plain_csv
from motcua.store.intake.closings import pushed_of_closing
from motcua.store.intake.portal_figures import compare_periods
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import (
    ClosingHeldUp,
    list_closings,
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
_console = console()

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
    """Close a period, or correct its last closing where something differs; exit 1 if something does not meet.

    Nothing is published: the next run of reconcile_daily does that.
    """
    now = datetime.now(UTC)
    try:
        chosen = Period.parse(period) if period else Period.day_before(now)
        result = close_period(chosen, f"manual__{now.isoformat()}", now)
    except (NotAPeriod, NotOver, NothingInScope, ClosingHeldUp, SourcesUnread) as refusal:
        raise refuse(refusal) from None
    closing = result.closing
    if result.changed:
        corrects = f", corrects closing {closing.corrects}" if closing.corrects else ""
        _console.print(f"{closing.period}: closing {closing.closing_no}{corrects}", markup=False)
    else:
        _console.print(f"{closing.period}: closing {closing.closing_no} stands, nothing differs", markup=False)
    show(closing.closing_no)
    if closing.difference or closing.unexplained or closing.sources_unread:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 40,
) -> None:
    """List closings, the newest period first."""
    with connect() as connection:
        rows = list_closings(connection, limit)
    table = Table(
        "closing", "period", "corrects", "cut-off", "expected", "sent", "delivered", "difference", "no reason"
    )
    for row in rows:
        table.add_row(
            str(row.closing_no),
            row.period,
            str(row.corrects or ""),
            local_moment(row.as_of),
            *(str(getattr(row, name) or 0) for name in ("expected", "sent", "delivered", "difference", "unexplained")),
            style="red" if row.difference or row.unexplained or row.sources_unread else None,
        )
    _console.print(table if rows else "Nothing was closed yet: motcua closings close")


@app.command("show")
def show(closing_no: Annotated[int, _NUMBER]) -> None:
    """Print the identity of a closing, by kind and agency, and what a correction changed."""
    try:
        with connect() as connection:
            closing = load_closing(connection, closing_no)
            figures, changes = load_figures(connection, closing_no), load_changes(connection, closing_no)
            pushed = pushed_of_closing(connection, closing_no)
            compared = compare_periods(connection, [str(closing.period)], up_to=closing_no)
    except LookupError as missing:
        raise refuse(missing) from None
    table = Table("agency", "kind", "at source", "out of scope", "expected", *STATES, "difference")
    cells = sorted({(each.agency_code, each.kind) for each in figures.messages})
    for agency_code, kind in cells:
        own = tuple(each for each in figures.messages if (each.agency_code, each.kind) == (agency_code, kind))
        whole = sum_messages(own, kind)
        names = ("at_source", "out_of_scope", "expected", *STATES, "difference")
        table.add_row(
            escape(agency_code) or "-",
            kind,
            *(str(getattr(whole, name) or "") for name in names),
            style="red" if whole.difference else None,
        )
    _console.print(table if cells else "No message was expected.")
    if closing.sources_unread:
        _console.print(f"Not counted: {', '.join(closing.sources_unread)}", style="red", markup=False)
    if pushed:
        _console.print("As pushed, not counted independently:", markup=False)
        for each in pushed:
            _console.print(f"  {each.agency_code} ({each.source})", markup=False)
    if compared:
        _print_compared(compared)
    for change in changes:
        where = ", ".join(filter(None, (change.agency_code, change.procedure_code, change.kind)))
        causes = ", ".join(change.causes)
        _console.print(f"{where}: {change.figure} {change.was} → {change.became} ({causes})", markup=False)


@app.command("compare")
def compare(
    path: Annotated[
        Path, typer.Argument(help="CSV or Excel workbook of the portal's figures: docs/operations/reconciliation.md.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")] = False,
    by: By = None,
) -> None:
    """Hand in figures of the national portal and compare them with the closings of their periods; they are in none.

    Exit 1 where a figure differs or a line was not taken; the good lines are taken. A difference is shown, not judged.
    """
    who = "dry run" if dry_run else signed(by)
    try:
        name, content = handed_in(path, LARGEST_FILE)
        done = hand_in_portal_figures(content, name, who, datetime.now(UTC), dry_run=dry_run)
    except FileRefused as wrong:
        raise refuse(wrong) from None
    for fault in done.faults:
        _console.print(f"- {fault}", markup=False, soft_wrap=True)
    replacing = sum(each.replaces is not None for each in done.new)
    would = "would be " if dry_run else ""
    _console.print(
        f"{done.lines} good line(s): {len(done.new)} {would}new, {replacing} of them in place of what was said before;"
        f" {done.lines - len(done.new)} there already. {len(done.faults)} line(s) not taken.",
        markup=False,
    )
    if done.compared:
        _print_compared(done.compared)
    if done.faults or any(each.differs for each in done.compared):
        raise typer.Exit(1)


def _print_compared(compared: Sequence[ComparedAgency]) -> None:
    table = Table("agency", "period", "figure", "portal", "before", "here", "difference", "since", "handed in")
    for each in compared:
        newest = each.newest
        for figure in each.figures:
            table.add_row(
                escape(newest.agency_code),
                newest.period,
                figure.figure,
                str(figure.theirs),
                "" if figure.replaced is None else str(figure.replaced),
                "not closed" if figure.ours is None else str(figure.ours),
                f"{figure.difference:+}" if figure.difference else "",
                local_moment(figure.since),
                f"{local_moment(newest.handed_in_at)} {escape(newest.handed_in_by)}",
                style="red" if figure.difference else None,
            )
    _console.print(table)
    if any(each.differs for each in compared):
        _console.print(
            "A dossier pushed later, counted on another day, deleted there or never pushed makes a difference.",
            markup=False,
        )


@app.command("differences")
def differences(closing_no: Annotated[int, _NUMBER]) -> None:
    """List what has no counterpart, each with its reason, those without one first; exit 1 if there are any of these."""
    try:
        with connect() as connection:
            load_closing(connection, closing_no)
            rows, orphans = load_differences(connection, closing_no), load_orphans(connection, closing_no)
    except LookupError as missing:
        raise refuse(missing) from None
    table = Table("reason", "side", "agency", "procedure", "kind", "dossier", "source", "transition", "message")
    for row in rows:
        source = f"{row.source} {row.source_transition_id or ''}" if row.source else ""
        cells = (row.reason, row.side, row.agency_code, row.procedure_code, row.kind, row.dossier_code or "", source)
        numbers = (str(row.transition_id or ""), str(row.message_id or ""))
        table.add_row(*map(escape, cells), *numbers, style=None if row.is_explained else "red")
    _console.print(table if rows else "Every occasion has its message, and every message its occasion.")
    for orphan in orphans:
        what = orphan.dossier_code or orphan.message_id or orphan.receipt_id
        _console.print(f"{orphan.sort}: {orphan.agency_code or '-'} {what}", markup=False)
    if any(not row.is_explained for row in rows):
        raise typer.Exit(1)


@app.command("rows")
def rows(
    closing_no: Annotated[int, _NUMBER],
    figure: Annotated[str, typer.Argument(help="A column of csv/messages.csv or csv/dossiers.csv, such as delivered.")],
    agency: Annotated[str | None, typer.Option(help="Code of the agency; all by default.")] = None,
    procedure: Annotated[str | None, typer.Option(help="Code of the procedure; '' where none is named.")] = None,
    kind: Annotated[str | None, typer.Option(help="result, supplement, apology or reply; of messages.")] = None,
    reason: Annotated[str | None, typer.Option(help="Of messages: the reason, as in csv/reasons.csv.")] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="All rows as CSV, for machines.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The first so many.")] = 100,
) -> None:
    """List what a figure counts, as it stood at the cut-off; exit 1 if it is not as many as the closing says."""
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
        names = found.of.__slots__
        table = Table(*names)
        for row in found.rows:
            table.add_row(*(_cell(getattr(row, name)) for name in names))
        _console.print(table if found.rows else "Nothing is counted there.")
        if found.all_rows > len(found.rows):
            _console.print(f"{found.all_rows - len(found.rows)} more: --limit, or --csv for all")
    if found.all_rows != found.closed:
        print_error(f"The closing says {found.closed}, the facts say {found.all_rows}: motcua verify")
        raise typer.Exit(1)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return local_moment(value)
    return "" if value is None else escape(str(value))
