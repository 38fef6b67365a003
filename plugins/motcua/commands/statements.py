"""Commands ``motcua statements``: compare providers' monthly carrier statements with our attempts to send and with the
inquiries that citizens sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from motcua.commands.lists import Most, Search, Sort, To, print_list
from motcua.commands.terminal import By, handed_in, local_moment, print_rows, refuse, say, signed, without_phone
from motcua.domain.dossiers import NOTE_LIMIT, clean_words
from motcua.jobs.handed_in.faults import FileRefused
from motcua.jobs.handed_in.statement_files import FormError, form_names, load_form, read_statement
from motcua.jobs.handed_in.statements import figures_in_words, take_statement
from motcua.jobs.handed_in.tables import LARGEST_FILE
from motcua.jobs.listing.lists import STATEMENTS, statement_rows
from motcua.jobs.tasks.reconcile_carrier import missing_now
from motcua.store.ledger.database import connect
from motcua.store.oversight.statements import (
    DIFFERENCES,
    VERDICTS,
    KeptRefusal,
    LineMatch,
    StatementFigures,
    figures_of,
    list_refusals,
    list_statements,
    set_refusal_aside,
)

app = typer.Typer(help="Providers' monthly statements: import, verdicts, differences.", no_args_is_help=True)

_Month = Annotated[
    str | None, typer.Option("--month", help="Month such as 2026-11. By default, the month in the file's name.")
]


@contextmanager
def _refuse_bad_file() -> Iterator[None]:
    """End the command with exit code 2 and a sentence if a file or a form cannot be used."""
    try:
        yield
    except (FileRefused, FormError) as wrong:
        raise refuse(wrong.english if isinstance(wrong, FileRefused) else wrong) from None


def _month_of(written: str | None) -> date | None:
    """Return the first day of a month that is written as 2026-11."""
    if written is None:
        return None
    try:
        return datetime.strptime(written, "%Y-%m").date()  # noqa: DTZ007 - a month
    except ValueError:
        raise typer.BadParameter(f"{written} is not a month such as 2026-11.") from None


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="CSV or Excel workbook, as the provider sent it.")],
    form: Annotated[
        str | None,
        typer.Option("--form", help="File in include/statements. By default, the name of the statement's folder."),
    ] = None,
    month: _Month = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file and print its sums.")] = False,
    by: By = None,
) -> None:
    """Import a carrier statement and match each line. A second file of the same form and month supersedes the first."""
    chosen = form or path.resolve().parent.name
    if form is None and chosen not in form_names():
        raise typer.BadParameter(f"name the form with --form. The forms are: {', '.join(form_names())}.")
    asked = _month_of(month)
    with _refuse_bad_file():
        name, content = handed_in(path, LARGEST_FILE)
        now = datetime.now(UTC)
        if dry_run:
            read = read_statement(content, name, load_form(chosen), asked, now)
            say(
                f"{len(read.lines)} line(s) of {read.month:%m/%Y}: {read.segments} segment(s), {_dong(read.amount)};"
                f" {read.inquiries} inquiries, {_dong(read.revenue)}. Nothing was written."
            )
            return
        taken = take_statement(content, name, chosen, signed(by), now, asked)
    if taken.already_there:
        say(f"This file is statement {taken.statement_no} already; nothing was written.")
        with connect() as connection:
            (known,) = list_statements(connection, statement_no=taken.statement_no)
        if not known.in_force:
            say("A later file has superseded it.")
    elif taken.supersedes:
        say(f"Statement {taken.statement_no}, which supersedes {taken.supersedes}.")
    else:
        say(f"Statement {taken.statement_no}.")
    _print_statement(taken.statement_no)


def _dong(amount: Decimal) -> str:
    """Return an amount in đồng as text."""
    return f"{amount:,.0f} đồng".replace(",", ".")


@app.command()
def show(
    statement_no: Annotated[int | None, typer.Argument(help="Number of a statement; by default all of them.")] = None,
    to: To = None,
) -> None:
    """List the carrier statements, or print one with its verdicts. Exit code 1 if that statement is over its
    tolerance."""
    if statement_no is not None:
        if _print_statement(statement_no).over:
            raise typer.Exit(1)
        return
    statements = print_list(STATEMENTS, most=1_000, to=to)
    with connect() as connection:
        month, missing = missing_now(connection, datetime.now(UTC))
    for absent in missing:
        say(f"No statement of {absent.gateway} for {month:%m/%Y}: {absent.segments} segment(s) went there.")
    with connect() as connection:
        refused = list_refusals(connection)
    for each_refused in refused:
        say(f"Refused: {_file_of(each_refused)}; motcua statements refused shows the reason.")
    if not statements:
        say(f"There are no statements yet. Import one with motcua statements import FILE --form {form_names()[0]}")


def _print_statement(statement_no: int) -> StatementFigures:
    """Print the figures of a carrier statement and return them."""
    with connect() as connection:
        statements = list_statements(connection, statement_no=statement_no)
        if not statements:
            raise typer.BadParameter(f"there is no statement {statement_no}.")
        (figures,) = figures_of(connection, statements)
    say(figures_in_words(figures))
    print_rows(
        {
            "direction": lambda key: key[0],
            "verdict": lambda key: key[1],
            "matches": lambda key: figures.of(*key).matches,
            "segments theirs": lambda key: figures.of(*key).their_segments,
            "segments ours": lambda key: figures.of(*key).our_segments,
            "đồng theirs": lambda key: f"{figures.of(*key).their_amount:,.0f}".replace(",", "."),
            "đồng ours": lambda key: f"{figures.of(*key).our_amount:,.0f}".replace(",", "."),
            "what differs": lambda key: [
                f"{what} {figures.differs[*key, what]}" for what in DIFFERENCES if (*key, what) in figures.differs
            ],
        },
        [key for key in product(("mt", "mo"), VERDICTS) if figures.of(*key).matches],
    )
    if figures.over:
        say(f"Over the agreed tolerance: {', '.join(figures.over)}.", "red")
    return figures


@app.command()
def rows(
    statement_no: Annotated[int, typer.Argument(help="Number of a statement.")],
    verdict: Annotated[
        LineMatch | None,
        typer.Option("--verdict", help="Only this verdict. By default, all except exact."),
    ] = None,
    differs: Annotated[str | None, typer.Option("--differs", help=f"One of {', '.join(DIFFERENCES)}.")] = None,
    search: Search = "",
    sort: Sort = "",
    most: Most = 200,
    to: To = None,
) -> None:
    """Print the rows behind the figures, without phone numbers. ``line`` is the row number in the provider's file."""
    if differs is not None and differs not in DIFFERENCES:
        raise typer.BadParameter(f"--differs must be one of {', '.join(DIFFERENCES)}.")
    with connect() as connection:
        if not list_statements(connection, statement_no=statement_no):
            raise typer.BadParameter(f"there is no statement {statement_no}.")
    listing = statement_rows(statement_no, verdict, differs)
    print_list(listing, {"q": search, "sort": sort}, most=most, to=to)


# --- Files that were refused ----------------------------------------------------------------------------------------


def _file_of(refusal: KeptRefusal) -> str:
    """Return the path of a refused file, with its form as the folder."""
    return f"{refusal.form}/{refusal.file_name}" if refusal.form else refusal.file_name


@app.command()
def refused(
    everything: Annotated[bool, typer.Option("--all", help="List also files that are replaced or set aside.")] = False,
) -> None:
    """List refused files that no good file of their month has replaced yet, with the reason that staff read."""
    with connect() as connection:
        found = list_refusals(connection, settled=everything)
    for each in found:
        month = f", {each.month:%m/%Y}" if each.month else ""
        state = (
            f"; replaced by statement {each.replaced_by}"
            if each.replaced_by
            else f"; set aside by {each.set_aside_by}: {each.set_aside_reason}"
            if each.set_aside_at
            else ""
        )
        say(f"{each.refusal_no}. {_file_of(each)}{month}, {local_moment(each.refused_at)}, {each.refused_by}{state}")
        say(each.message)
    if not found:
        say("No file is refused.")


@app.command("set-aside")
def set_aside(
    refusal_no: Annotated[int, typer.Argument(min=1, help="Number of the refusal.")],
    why: Annotated[
        str, typer.Option("--why", help="The reason. It is stored with the refusal.", callback=without_phone)
    ],
    by: By = None,
) -> None:
    """Discard a refused file, for example one that is no carrier statement. The file is not tried or shown again."""
    reason = clean_words(why, NOTE_LIMIT)
    if reason is None:
        raise typer.BadParameter("--why needs a reason.")
    who = signed(by)
    with connect() as connection:
        if not set_refusal_aside(connection, refusal_no, who, reason, datetime.now(UTC)):
            raise typer.BadParameter(f"there is no refusal {refusal_no}, or it was set aside before.")
    say(f"Refusal {refusal_no} is set aside.")
