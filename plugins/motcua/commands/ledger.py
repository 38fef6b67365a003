"""``motcua migrate``, ``identity``, ``latency``, ``quarantine``, ``inquiries``, ``data-dictionary``: for operators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, local_moment, refuse, written_elsewhere
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import RowRefusal
from motcua.domain.reconciliation import STATES
from motcua.domain.run_window import EVERYTHING, Window
from motcua.store.ledger.database import connect
from motcua.store.ledger.definitions import DefinitionRefused
from motcua.store.ledger.inspecting import data_dictionary
from motcua.store.ledger.migrations import LedgerRefused, migrate
from motcua.store.notices.gaps import list_gaps, messages_of_gap
from motcua.store.notices.inquiries import inquiries_by_outcome
from motcua.store.notices.quarantine import open_quarantine
from motcua.store.oversight.accounting import identity, latency, summed_up

_console = console()


def migrate_ledger() -> None:
    """Make an empty ledger, or apply the migrations that it lacks (connection motcua_db_owner, else motcua_db)."""
    try:
        applied = migrate()
    except (LedgerRefused, DefinitionRefused) as refused:
        raise refuse(refused) from None
    _console.print("\n".join(f"applied {name}" for name in applied) or "The ledger is up to date.", markup=False)


def show_identity(
    by_procedure: Annotated[bool, typer.Option("--by-procedure", help="A row for each procedure.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Recorded from this time on, clock of Vietnam.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Recorded before this time, clock of Vietnam.")] = None,
) -> None:
    """Print the accounting identity by agency and kind; exit 1 unless every difference is zero."""
    window = EVERYTHING
    if since is not None or until is not None:
        start, end = since or datetime(2000, 1, 1), until or datetime(9000, 1, 1)  # noqa: DTZ001 - made aware below
        window = Window(start.replace(tzinfo=VIETNAM), end.replace(tzinfo=VIETNAM))
    with connect() as connection:
        rows = identity(connection, window)
        gaps = list_gaps(connection)
        gap_messages = {gap.gap_no: messages_of_gap(connection, gap.gap_no) for gap in gaps}
    if not rows:
        _console.print("No transition calls for a message yet.")
        return
    names = ("agency_code", "procedure_code", "kind") if by_procedure else ("agency_code", "kind")
    (total,) = summed_up(rows)
    terms = [term for term in STATES if getattr(total, term)]
    table = Table(*names, "expected", *terms, "difference", title="Accounting identity", caption="terms of 0 left out")
    for row in summed_up(rows, *names):
        figures = [str(getattr(row, name)) for name in ("expected", *terms, "difference")]
        table.add_row(
            *(escape(getattr(row, name)) for name in names), *figures, style="red" if row.difference else None
        )
    figures = [str(getattr(total, name)) for name in ("expected", *terms, "difference")]
    table.add_row("all", *[""] * (len(names) - 1), *figures, style="bold")
    _console.print(table)
    for gap in gaps:
        told = ", ".join(f"{each.messages} {each.state}" for each in gap_messages[gap.gap_no])
        _console.print(
            f"gap {gap.gap_no}, {'open: nothing is sent' if gap.closed_at is None else 'looked at'}: of the messages "
            f"that were told, or may have been, before the ledger was restored, there are now {told or 'none'}",
            markup=False,
        )
    if any(row.difference for row in rows):
        raise typer.Exit(1)


def show_latency(
    minutes: Annotated[int, typer.Option(min=1, help="Only messages picked up in the last minutes.")] = 60,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the latest first.")] = 1000,
    must_reach: Annotated[
        float | None, typer.Option(help="Exit 1 unless p95 is at most this many seconds, over at least 100 messages.")
    ] = None,
) -> None:
    """Print the seconds from a transition's recording to its acceptance by the gateway."""
    with connect() as connection:
        figures = latency(connection, datetime.now(UTC) - timedelta(minutes=minutes), limit)
    if not figures.messages:
        _console.print(f"No message was accepted in the last {minutes} minutes.")
        raise typer.Exit(1 if must_reach else 0)
    table = Table("messages", "p50 s", "p95 s", "p99 s", "longest s", title="Recorded → accepted by the gateway")
    seconds = (figures.p50, figures.p95, figures.p99, figures.longest)
    table.add_row(str(figures.messages), *(f"{each:.2f}" for each in seconds))
    _console.print(table)
    if must_reach is not None and (figures.messages < 100 or figures.p95 > must_reach):
        raise typer.Exit(1)


def show_quarantine() -> None:
    """List rows of the sources that cannot be used yet, with why and what mends them."""
    with connect() as connection:
        rows = open_quarantine(connection)
    if not rows:
        _console.print("Nothing is in quarantine.")
        return
    table = Table("source", "row", "reason", "agency", "status", "rows", "since", "dossiers", "what mends it")
    for row in rows:
        table.add_row(
            row.source,
            row.row_kind,
            row.reason,
            written_elsewhere(row.agency_code),
            "" if row.status_code is None else str(row.status_code),
            str(row.rows),
            local_moment(row.since),
            ", ".join(written_elsewhere(code) for code in row.examples if code),
            _REMEDIES[row.reason],
        )
    _console.print(table)


_REMEDIES: dict[RowRefusal, str] = {
    "agency_missing": "the source must write an agency",
    "agency_unknown": "motcua agencies import: add the agency, or the code as an alias",
    "status_missing": "the source must write a status",
    "status_unknown": "motcua sources map-status: say what the code stands for",
    "code_missing": "the source must write a dossier code",
    "code_unusable": "the source must write a code of 1-40 printable characters",
    "number_missing": "the source must number its transitions",
    "dossier_missing": "waits for the dossier's own row at the source",
}


def show_data_dictionary() -> None:
    """Print every table and column of the ledger with its meaning, from the database's own comments, as Markdown."""
    with connect() as connection:
        typer.echo(data_dictionary(connection), nl=False)


def show_inquiries() -> None:
    """Print inquiries to 9029 and the fees paid, by gateway and outcome."""
    with connect() as connection:
        rows = inquiries_by_outcome(connection)
    if not rows:
        _console.print("Nobody has asked yet.")
        return
    table = Table("gateway", "outcome", "inquiries", "đồng", "told ready, not handed over", title="Inquiries")
    for row in rows:
        table.add_row(row.gateway, row.outcome, str(row.inquiries), str(row.fees), str(row.told_result))
    _console.print(table)
