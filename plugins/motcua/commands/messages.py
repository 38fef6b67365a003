"""Commands ``motcua messages``: sent messages, messages on hold, and messages whose outcome is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from motcua.commands.lists import To, list_command, print_list
from motcua.commands.terminal import (
    MOMENTS,
    By,
    local_moment,
    print_rows,
    refuse,
    say,
    signed,
    typed_window,
    without_phone,
)
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.listing.asking import Asked
from motcua.jobs.listing.lists import HELD, MESSAGES
from motcua.jobs.notices.stopping import release
from motcua.store.ledger.database import Connection, connect
from motcua.store.notices.messages import HeldMessage, count_held, held
from motcua.store.notices.stops import sent_messages, stopped_messages, stops_in_force

app = typer.Typer(
    help="Messages: those sent, those on hold because of a stop, and those of unknown outcome.",
    no_args_is_help=True,
)
list_command(
    app,
    "list",
    MESSAGES,
    "List messages, the newest first: those of the page Tin nhắn. No phone number is shown.",
    "There is no such message.",
)


def _held_at_all(connection: Connection, asked: Asked, most: int, skipped: int) -> list[HeldMessage]:
    """Return all messages of unknown outcome, even if they are no longer useful to the citizen."""
    return held(connection, useful_at=None, limit=skipped + most, agencies=asked.viewer.listed)[skipped:]


@app.command("held")
def list_held(
    every: Annotated[
        bool, typer.Option("--all", help="List also messages that are no longer useful to the citizen.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 200,
    to: To = None,
) -> None:
    """List messages whose attempt got no answer from the gateway, if no delivery receipt has settled them since."""
    now = datetime.now(UTC)
    listing = replace(HELD, rows=_held_at_all) if every else HELD
    if not print_list(listing, most=limit, to=to, empty="No message of unknown outcome is waiting.") or to:
        return
    with connect() as connection:
        counts = count_held(connection, EVERYTHING, now)
    for count in counts:
        words = f"{count.gateway}: {count.held} of unknown outcome, {count.useful} of them still useful"
        say(words)
    say("Citizens may have got these messages already. Ask the provider, then run motcua messages release.")


@app.command("sent")
def list_sent(
    since: Annotated[datetime, typer.Option(formats=MOMENTS, help="From this time on, clock of Vietnam.")],
    until: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="Before this time, clock of Vietnam; by default now.")
    ] = None,
    kind: Annotated[Literal["result", "supplement", "apology"] | None, typer.Option(help="Only this kind.")] = None,
    agency: Annotated[str | None, typer.Option(help="Only the agency with this code.")] = None,
) -> None:
    """Count the messages handed to gateways between two times, by agency, kind and version of the text."""
    start, end = since.replace(tzinfo=VIETNAM), until.replace(tzinfo=VIETNAM) if until else datetime.now(UTC)
    with connect() as connection:
        rows = sent_messages(connection, start, end, kind=kind, agency_code=agency)
    print_rows(
        {
            "agency": "agency_code",
            "kind": "kind",
            "text": lambda row: f"{row.template_id}.v{row.template_version}",
            "messages": "messages",
            "taken": "taken",
            "delivered": "delivered",
            "unknown": "unknown",
            "first": "first_at",
            "last": "last_at",
        },
        rows,
        empty="No message was handed to a gateway.",
    )
    taken, unknown = sum(row.taken for row in rows), sum(row.unknown for row in rows)
    if rows:
        say(f"A gateway accepted {taken} message(s). The outcome of {unknown} is not known yet.")


@app.command("stopped")
def list_stopped() -> None:
    """Count the messages that wait because the Department stopped them."""
    now = datetime.now(UTC)
    with connect() as connection:
        stops, rows = stops_in_force(connection, now), stopped_messages(connection, now)
    for stop in stops:
        say(f"Stop {stop.stop_id}: {stop.what} until {local_moment(stop.until)}: {stop.reason}")
    print_rows(
        {
            "agency": "agency_code",
            "kind": "kind",
            "messages": "messages",
            "stopped until": "until",
            "the first expires": "useful_until",
        },
        rows,
        empty="No message is on hold because of a stop." if stops else "Nothing is stopped.",
    )


@app.command("release")
def release_held(
    message_ids: Annotated[list[int] | None, typer.Argument(help="Numbers from 'motcua messages held'.")] = None,
    reason: Annotated[
        str, typer.Option(help="Why the messages may be sent again. It is stored for auditors.", callback=without_phone)
    ] = "",
    gateway: Annotated[str | None, typer.Option(help="Only messages last handed to this gateway.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Recorded from this time on, clock of Vietnam.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Recorded before this time, clock of Vietnam.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    by: By = None,
) -> None:
    """Send messages of unknown outcome once more, with the same text to the dossier's number. Stores who and why."""
    if not (message_ids or gateway or since or until):
        raise refuse("Give numbers of messages, or --gateway, or --since and --until.")
    if not reason.strip():
        raise refuse("Give the reason with --reason. It is stored for auditors.")
    who = signed(by)
    window = typed_window(since, until)
    if not yes and not typer.confirm("A citizen who has got the message already will get it twice. Send again?"):
        raise typer.Exit(1)
    released = release(who, reason, window, message_ids=message_ids or None, gateway=gateway)
    left = set(message_ids or ()) - set(released)
    say(f"{len(released)} message(s) released; the next run sends them.")
    if left:
        say(
            "Not released, because settled, sent again already or no longer useful: "
            f"{', '.join(map(str, sorted(left)))}"
        )
        raise typer.Exit(1)
