"""``motcua personal-data``: empties personal data whose time is over, and tells what was emptied."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, local_moment, refuse
from motcua.jobs.personal_data.purging import purge
from motcua.store.journal import JournalFailed
from motcua.store.ledger.database import connect
from motcua.store.personal_data import PurgeNotProvided, list_purges

app = typer.Typer(help="Personal data whose time is over, and what was emptied.", no_args_is_help=True)
_console = console()


@app.command("purge")
def purge_now() -> None:
    """Empty what is due now, as each night does; may be broken off and goes on where it was."""
    try:
        done = purge(getpass.getuser(), _console.print)
    except (PurgeNotProvided, JournalFailed) as failure:
        raise refuse(failure) from None
    for each in done:
        _console.print(f"{each.kind}: {each.rows} row(s) emptied")


@app.command("purges")
def show_purges(limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown.")] = 50) -> None:
    """List what was emptied of late: how many rows of which table, when, by whom and why."""
    with connect() as connection:
        found = list_purges(connection, limit)
    table = Table("when", "cause", "table", "rows", "by", "reason")
    for each in found:
        table.add_row(
            local_moment(each.purged_at),
            each.cause,
            each.of_table,
            str(each.emptied),
            escape(each.purged_by),
            escape(each.reason or ""),
        )
    _console.print(table)
