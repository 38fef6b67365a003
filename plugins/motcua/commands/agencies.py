"""``motcua agencies``: the agencies' settings."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.domain.occasions import VIETNAM
from motcua.jobs.configure_agencies import AgencyFileError, import_agencies
from motcua.settings import include_dir
from motcua.store.agencies import list_agencies
from motcua.store.database import connect

app = typer.Typer(help="The agencies' settings.", no_args_is_help=True)
_console = Console()


@app.command("import")
def import_file(
    path: Annotated[Path | None, typer.Argument(help="YAML file; include/agencies.yaml by default.")] = None,
    enable_now: Annotated[
        bool, typer.Option("--enable-now", help="Enable from this moment the agencies that the file gives no date.")
    ] = False,
) -> None:
    """Write the settings in a file to the ledger; every change is kept with who made it."""
    try:
        agencies = import_agencies(
            path or include_dir() / "agencies.yaml",
            changed_by=getpass.getuser(),
            enabled_from=datetime.now(VIETNAM) if enable_now else None,
        )
    except AgencyFileError as wrong:
        Console(stderr=True).print(str(wrong), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from None
    waiting = sum(agency.enabled_from is None for agency in agencies)
    _console.print(f"{len(agencies)} agencies written, {waiting} of them not enabled.")


@app.command("list")
def list_all() -> None:
    """List the agencies with their settings."""
    with connect() as connection:
        agencies = list_agencies(connection)
    if not agencies:
        _console.print("No agency is configured: motcua agencies import.")
        return
    table = Table("code", "aliases", "name", "in texts", "enabled from", "accents", "same-day", "kinds off")
    for agency in agencies:
        table.add_row(
            agency.agency_code,
            ", ".join(agency.aliases),
            escape(agency.name),
            escape(agency.short_name or agency.name),
            f"{agency.enabled_from.astimezone(VIETNAM):%d/%m/%Y %H:%M}" if agency.enabled_from else "not enabled",
            "yes" if agency.accented else "no",
            "excluded" if agency.same_day_excluded else "told",
            ", ".join(agency.kinds_off),
        )
    _console.print(table)
