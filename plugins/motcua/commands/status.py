"""Command ``motcua status``: one screen with the state of the system."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, local_moment
from motcua.jobs.watching.status import Part, Row, rows_of_status
from motcua.settings import settings
from motcua.version import software

_console = console()
_HEADS: dict[Part, str] = {
    "runs": "runs",
    "late": "late or wrong",
    "waits": "waits for a person",
    "disk": "disk",
    "backup": "backup",
    "journal": "journal",
    "certificate": "certificate",
}


def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a monitor.")] = False) -> None:
    """Show on one screen what runs, what is late, what waits for a person, and when the next apologies are due.

    Exit code 1 if something is wrong that nobody has acknowledged.
    """
    now = datetime.now(UTC)
    rows = rows_of_status(now)
    if as_json:
        typer.echo(json.dumps([asdict(row) | {"page": row.page} for row in rows], ensure_ascii=False, indent=2))
    else:
        _print_state(rows, now)
    if any(row.is_wrong for row in rows):
        raise typer.Exit(1)


def _print_state(rows: list[Row], now: datetime) -> None:
    """Print the rows of the state, part by part."""
    heads = _HEADS | {"evening": f"{settings().apology_time:%H:%M}"}
    table = Table(show_header=False, box=None, pad_edge=False)
    for part, head in heads.items():
        of_part = [row for row in rows if row.part == part] or [Row(part, "nothing")]
        for place, row in enumerate(of_part):
            page = f" ({row.check}: {row.page})" if row.check else ""
            table.add_row(
                head if place == 0 else "", escape(f"{row.words}{page}"), style="red" if row.is_wrong else None
            )
    _console.print(f"{software()}, {local_moment(now)}", markup=False)
    _console.print(table)
