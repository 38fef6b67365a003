"""Command ``motcua phones``: how many of a table's phone fields can be texted, and which rows to correct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from motcua.commands.terminal import By, refuse, say, signed, written_elsewhere
from motcua.domain.phones.numbering_plan import find_province
from motcua.domain.phones.reading import NOTES, REFUSALS
from motcua.jobs.handed_in.phones import (
    PhoneCheck,
    PhoneRow,
    UnreadableTable,
    check_phones,
    phone_labels,
    phone_words,
    rows_of_file,
    rows_of_source,
    write_workbook,
)
from motcua.reports.wording import count, percent
from motcua.store.ledger.database import connect, reason_without_values
from motcua.store.people import log_phone_search

# The width of the tables if the output is a file or a pipe.
_FILE_WIDTH = 140
_LONG_INPUT = 5000


def phones(
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV (UTF-8, UTF-16; comma, semicolon or tab) or .xlsx, with a column phone."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="Check all dossiers of a source of MOTCUA_SOURCES.")] = None,
    province: Annotated[str, typer.Option(help="Province of rows that name no province.")] = "khanh_hoa",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the rows to correct to this workbook (.xlsx).")
    ] = None,
    unmasked: Annotated[
        bool,
        typer.Option(
            "--unmasked",
            help="Write unmasked phone numbers to the workbook. With --source, your name is stored.",
        ),
    ] = False,
    by: By = None,
) -> None:
    """Check phone numbers before an agency joins. Print counts by agency and reason, and write the rows to correct."""
    looks = signed(by) if output and unmasked and source else None
    try:
        if (file is None) == (source is None):
            raise UnreadableTable("one_of_two")
        if province and find_province(province) is None:
            # If the province is not known, an old landline number looks like a mobile number.
            raise UnreadableTable("no_province", province=province)
        rows: Iterable[PhoneRow] = rows_of_file(file) if file else rows_of_source(source or "")
        check = check_phones(_with_progress(rows), province)
        if output:
            if looks is not None:
                _record_access(looks, len(check.to_correct) + len(check.to_look_at))
            write_workbook(check, output, unmasked=unmasked)
    except UnreadableTable as error:
        raise refuse(error) from error
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    _show(check, console)
    if output:
        mend, look = count(len(check.to_correct)), count(len(check.to_look_at))
        say(phone_words()["shown"]["written"].format(mend=mend, look=look, path=output))


def _record_access(who: str, rows: int) -> None:
    """Record in the ledger who writes unmasked numbers of a source, and how many, before the file is written."""
    try:
        with connect() as ledger:
            log_phone_search(ledger, who, None, rows, datetime.now(UTC))
    except psycopg.Error as error:
        raise UnreadableTable("not_kept", why=reason_without_values(error)) from None


def _with_progress(rows: Iterable[PhoneRow]) -> Iterator[PhoneRow]:
    """Show progress on stderr while a table of great or unknown length is read."""
    total = len(rows) if isinstance(rows, list) else None
    console = Console(stderr=True)
    columns = (TextColumn(phone_words()["shown"]["trying"]), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal or (total is not None and total < _LONG_INPUT)
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield from progress.track(rows, total=total)


def _show(check: PhoneCheck, console: Console) -> None:
    """Print the counts by agency and by reason."""
    labels, words = phone_labels(), phone_words()["shown"]
    table = Table(title=words["by_agency"], title_justify="left", title_style="bold")
    table.add_column(words["agency"])
    for heading in ("rows", "textable", "share", "to_mend"):
        table.add_column(words[heading], justify="right")
    for agency, counts in sorted(check.by_agency.items()):
        name = escape(written_elsewhere(agency)) or words["no_agency"]
        table.add_row(*_count_cells(name, counts.total(), counts[None]))
    if len(check.by_agency) != 1:
        table.add_section()
        table.add_row(*_count_cells(words["total"], check.total, check.textable), style="bold")
    console.print(table)

    reasons = Table(title=words["by_reason"], title_justify="left", title_style="bold")
    reasons.add_column(words["agency"])
    reasons.add_column(words["reason"])
    reasons.add_column(words["rows"], justify="right")
    reasons.add_column(words["share"], justify="right")
    for agency, counts in sorted(check.by_agency.items()):
        by_count = sorted((code for code in REFUSALS if counts[code]), key=lambda code: -counts[code])
        for position, code in enumerate(by_count):
            reasons.add_row(
                "" if position else escape(written_elsewhere(agency)) or words["no_agency"],
                labels[code].title,
                count(counts[code]),
                _share(counts[code], counts.total()),
                end_section=position == len(by_count) - 1,
            )
    if reasons.row_count:
        console.print(reasons)

    notes = Table(title=words["notes"], title_justify="left", title_style="bold")
    notes.add_column(words["note"])
    notes.add_column(words["rows"], justify="right")
    for note in NOTES:
        if check.notes[note]:
            notes.add_row(labels[note].title, count(check.notes[note]))
    if notes.row_count:
        console.print(notes)


def _count_cells(name: str, total: int, textable: int) -> tuple[str, str, str, str, str]:
    """Return the cells of one line of counts."""
    return name, count(total), count(textable), _share(textable, total), count(total - textable)


def _share(part: int, whole: int) -> str:
    """Return a share in Vietnamese notation: 30,5%."""
    return percent(part / whole) if whole else "–"
