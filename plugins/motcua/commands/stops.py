"""Commands ``motcua stop`` and ``motcua go``: make or list stops of the Department, and end a stop early."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from motcua.commands.terminal import (
    MOMENTS,
    AsDepartment,
    By,
    local_moment,
    must_be_department,
    print_rows,
    refuse,
    say,
    signed,
    without_phone,
)
from motcua.domain.clock import VIETNAM
from motcua.jobs.notices import stopping
from motcua.store.ledger.database import connect
from motcua.store.notices.stops import Stop, last_stops, stopped_messages, stops_in_force, waiting_for

_SHOWN = 50


def _stop_state(stop: Stop, now: datetime) -> str:
    """Return the state of a stop in words."""
    if stop.ended_at is not None:
        return f"ended {local_moment(stop.ended_at)} by {stop.ended_by}"
    return "in force" if stop.is_in_force(now) else "over"


def list_stops() -> None:
    """Print the stops, the newest first."""
    now = datetime.now(UTC)
    with connect() as connection:
        stops, waiting = last_stops(connection, _SHOWN), stopped_messages(connection, now)
    print_rows(
        {
            "number": "stop_id",
            "what": "what",
            "since": "stopped_at",
            "until": "until",
            "state": lambda stop: _stop_state(stop, now),
            "messages waiting": lambda stop: waiting_for(stop, waiting) if stop.is_in_force(now) else None,
            "by": "stopped_by",
            "why": "reason",
        },
        stops,
        empty="Nothing was ever stopped.",
        style=lambda stop: None if stop.is_in_force(now) else "dim",
    )
    say("Times are of the clock of Vietnam (UTC+7).")


def _list_and_exit(wanted: bool) -> None:
    """Print the stops and end the command; the callback of ``--list``."""
    if wanted:
        list_stops()
        raise typer.Exit


def stop(
    reason: Annotated[
        str,
        typer.Option(help="The reason. Publications show it to everybody.", callback=without_phone, show_default=False),
    ],
    until: Annotated[
        datetime,
        typer.Option(
            formats=MOMENTS,
            help="When the stop ends, clock of Vietnam (UTC+7); at most 7 days from now.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        Literal["result", "supplement", "apology", "reply"] | None,
        typer.Option(help="Only this kind. reply: the answers of 9029."),
    ] = None,
    agency: Annotated[str | None, typer.Option(help="Only this agency: its code or an alias.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Every kind of every agency.")] = False,
    as_department: AsDepartment = False,
    listed: Annotated[
        bool,
        typer.Option(
            "--list", is_eager=True, callback=_list_and_exit, help="List what is stopped, by whom, why, until when."
        ),
    ] = False,
    by: By = None,
) -> None:
    """Stop messages of a kind, messages of an agency, or all messages for some time, but never a single message.

    Messages on hold are sent when the stop ends, or expire as usual. Requests in flight are not cancelled.
    """
    must_be_department(as_department)
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
    say(f"Stop {made.stop_id}: {made.what} until {local_moment(made.until)}, clock of Vietnam (UTC+7).")
    with connect() as connection:
        waiting = stopped_messages(connection, datetime.now(UTC))
    say(f"{waiting_for(made, waiting)} message(s) wait for it. motcua go {made.stop_id} ends it early.")


def go(
    number: Annotated[int, typer.Argument(min=1, help="Number of the stop, from 'motcua stop --list'.")],
    as_department: AsDepartment = False,
    by: By = None,
) -> None:
    """End a stop early. Its messages are sent at once, unless another stop applies to them. Your name is stored."""
    must_be_department(as_department)
    who = signed(by)
    try:
        ended, queued_again = stopping.go(number, ended_by=who)
    except stopping.StopRefused as refusal:
        raise refuse(f"{refusal}.") from None
    say(f"Stop {ended.stop_id}, {ended.what}, is over.")
    say(f"{queued_again} message(s) go with the next run, within a minute.")
    with connect() as connection:
        for each in stops_in_force(connection, datetime.now(UTC)):
            say(f"Still in force: stop {each.stop_id}, {each.what}: {each.reason}")
