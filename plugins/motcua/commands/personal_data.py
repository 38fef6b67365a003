"""``motcua personal-data``: empties personal data whose time is over, and tells what was emptied."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, local_moment, refuse, without_phone
from motcua.jobs.personal_data.purging import erase_dossier, purge
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


@app.command("erase")
def erase(
    agency: Annotated[str, typer.Argument(help="Code of the agency that the dossier is of.")],
    code: Annotated[str, typer.Argument(help="Code of the dossier, as the ledger has it.")],
    because: Annotated[
        str, typer.Option(callback=without_phone, help="The paper that the request stands in; kept for auditors.")
    ],
) -> None:
    """Empty one dossier at its citizen's request; exit 1 where that must wait for its end."""
    try:
        term = erase_dossier(agency, code, getpass.getuser(), because)
    except (LookupError, PurgeNotProvided, JournalFailed) as failure:
        raise refuse(failure) from None
    if term.purged_at is not None:
        _console.print(f"Dossier {code} was emptied at {local_moment(term.purged_at)}.", markup=False)
        return
    why = [
        words
        for holds, words in (
            (term.ended_at is None or term.ended_at > datetime.now(UTC), "it has not ended"),
            (term.may_be_told, "a message of it may still go, or has no known end"),
            (term.is_complained_of, "a complaint about it is open"),
        )
        if holds
    ]
    _console.print(
        f"Dossier {code} is kept for now: {'; '.join(why) or 'somebody holds it'}. A purge after that empties it.",
        markup=False,
    )
    raise typer.Exit(1)


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
