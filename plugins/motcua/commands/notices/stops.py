"""``motcua stop`` and ``motcua go``: the Department has nothing sent for a time, and lets it go again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import MOMENTS, console, local_moment, refuse, without_phone
from motcua.domain.clock import VIETNAM
from motcua.jobs.notices import stopping
from motcua.store.ledger.database import connect
from motcua.store.notices.stops import Stop, last_stops, stopped_messages, stops_in_force, waiting_for

_SHOWN = 50
_console = console()

_AS_DEPARTMENT = Annotated[
    bool,
    typer.Option("--as-department", help="You act for the Department, which alone may; kept with your name."),
]


def _state(stop: Stop, now: datetime) -> str:
    if stop.ended_at is not None:
        return f"ended {local_moment(stop.ended_at)} by {stop.ended_by}"
    return "in force" if stop.is_in_force(now) else "over"


def list_stops() -> None:
    """Prints what is stopped and what was, the newest first."""
    now = datetime.now(UTC)
    with connect() as connection:
        stops, waiting = last_stops(connection, _SHOWN), stopped_messages(connection, now)
    if not stops:
        _console.print("Nothing was ever stopped.")
        return
    table = Table("number", "what", "since", "until", "state", "messages waiting", "by", "why")
    for stop in stops:
        in_force = stop.is_in_force(now)
        table.add_row(
            str(stop.stop_id),
            escape(stop.what),
            local_moment(stop.stopped_at),
            local_moment(stop.until),
            escape(_state(stop, now)),
            str(waiting_for(stop, waiting)) if in_force else "",
            escape(stop.stopped_by),
            escape(stop.reason),
            style=None if in_force else "dim",
        )
    _console.print(table)
    _console.print("Times are of the clock of Vietnam (UTC+7).")


def _list(wanted: bool) -> None:
    if wanted:
        list_stops()
        raise typer.Exit


def stop(
    reason: Annotated[
        str, typer.Option(help="Why; publications show it to everybody.", callback=without_phone, show_default=False)
    ],
    until: Annotated[
        datetime,
        typer.Option(
            formats=MOMENTS,
            help="When it ends by itself, clock of Vietnam (UTC+7); within 7 days.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        Literal["result", "supplement", "apology", "reply"] | None,
        typer.Option(help="This kind only; reply: what 9029 answers."),
    ] = None,
    agency: Annotated[str | None, typer.Option(help="This agency only: its code or an alias.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Every kind of every agency.")] = False,
    as_department: _AS_DEPARTMENT = False,
    listed: Annotated[
        bool,
        typer.Option("--list", is_eager=True, callback=_list, help="List what is stopped, by whom, why, until when."),
    ] = False,
    by: By = None,
) -> None:
    """Send nothing of a kind, of an agency, or at all, for a time. Never one message: what waits goes when it ends, or
    expires as ever; what is in flight is not called back."""
    if not as_department:
        raise refuse("This is the Department's alone: say --as-department if you act for it.")
    if everything == (kind is not None or agency is not None):
        raise refuse("Name a --kind, an --agency, or both; or --everything.")
    who = signed(by)
    try:
        made = stopping.stop(
            kind=kind,
            agency=agency,
            until=until.replace(tzinfo=VIETNAM),
            reason=reason,
            stopped_by=who,
        )
    except stopping.StopRefused as refusal:
        raise refuse(f"Nothing was stopped: {refusal}.") from None
    _console.print(
        f"Stop {made.stop_id}: {made.what} until {local_moment(made.until)}, clock of Vietnam (UTC+7).", markup=False
    )
    with connect() as connection:
        waiting = stopped_messages(connection, datetime.now(UTC))
    _console.print(f"{waiting_for(made, waiting)} message(s) wait for it. motcua go {made.stop_id} ends it early.")


def go(
    number: Annotated[int, typer.Argument(min=1, help="Of a stop, from 'motcua stop --list'.")],
    as_department: _AS_DEPARTMENT = False,
    by: By = None,
) -> None:
    """End a stop early: what waited for it goes at once, or waits for what else is stopped. Who and when is kept."""
    if not as_department:
        raise refuse("This is the Department's alone: say --as-department if you act for it.")
    who = signed(by)
    try:
        ended, gone = stopping.go(number, ended_by=who)
    except stopping.StopRefused as refusal:
        raise refuse(f"{refusal}.") from None
    _console.print(f"Stop {ended.stop_id}, {ended.what}, is over.", markup=False)
    _console.print(f"{gone} message(s) go with the next run, within a minute.")
    with connect() as connection:
        for each in stops_in_force(connection, datetime.now(UTC)):
            _console.print(f"Still in force: stop {each.stop_id}, {each.what}: {each.reason}", markup=False)
