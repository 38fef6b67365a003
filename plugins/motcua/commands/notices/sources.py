"""``motcua sources``: the one-stop databases."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import local_moment
from motcua.settings import settings
from motcua.sources import connection_of
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import list_sources, map_status

app = typer.Typer(help="The one-stop databases.", no_args_is_help=True)
_console = Console()


@app.command("list")
def list_all() -> None:
    """List the sources with their adapters, cursors and failures."""
    with connect() as connection:
        known = {source.name: source for source in list_sources(connection)}
    table = Table("source", "adapter", "connection", "read up to", "last pick-up", "failure")
    for name, kind in settings().sources.items():
        source = known.get(name)
        failure = f"{local_moment(source.failed_at)}: {source.failure}" if source and source.failed_at else ""
        table.add_row(
            name,
            kind,
            connection_of(name, kind),
            local_moment(source.cursor_recorded_at if source else None),
            local_moment(source.picked_up_at if source else None) or "never",
            escape(failure),
        )
    _console.print(table if settings().sources else "No source is configured: set MOTCUA_SOURCES.")


@app.command("map-status")
def map_one_status(
    source: str,
    source_status: Annotated[int, typer.Argument(help="Code as the source writes it.")],
    status_code: Annotated[int, typer.Argument(min=1, max=10, help="National code 1-10 that it stands for.")],
    by: By = None,
) -> None:
    """Say what a status code of a source stands for; quarantined rows with it go on at the next pick-up."""
    who = signed(by)
    with connect() as connection:
        if not map_status(connection, source, source_status, status_code, who):
            Console(stderr=True).print(f"There is no source {source}, or it was never read.", style="red", markup=False)
            raise typer.Exit(2)
    _console.print(f"{source}: status {source_status} stands for {status_code}.", markup=False)
