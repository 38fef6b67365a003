"""Commands ``motcua intake``: accounts of one-stop software that pushes to the intake app, and what it pushed."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer

from motcua.commands.lists import Most, Search, Sort, To, print_list
from motcua.commands.terminal import By, print_rows, refuse, say, signed, typed_agencies
from motcua.jobs.listing.lists import ACCOUNTS, pushes_since
from motcua.settings import settings
from motcua.store.intake.clients import (
    NameTaken,
    NoSuchClient,
    Password,
    change_client,
    list_client_changes,
    list_clients,
    list_faults,
    register_client,
)
from motcua.store.ledger.database import connect

if TYPE_CHECKING:
    from motcua.sandbox.vendor.portal import Answer, PortalClient

app = typer.Typer(help="One-stop software that pushes to us: its accounts, and what it pushed.", no_args_is_help=True)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_Client = Annotated[str, typer.Argument(help="The name that the software signs in with.")]
_Agencies = Annotated[
    list[str] | None,
    typer.Option(
        "--agency",
        help="Code or alias of an agency that the client may write for. Repeat the option for more agencies.",
    ),
]
_Networks = Annotated[
    list[str] | None,
    typer.Option(
        "--network",
        help="Network from which the client may push without a session, such as 10.1.2.0/24. Repeat the "
        "option for more networks.",
    ),
]
_AtDesk = Annotated[
    bool | None,
    typer.Option(
        "--supplements-at-desk/--supplements-where-said",
        help="Whether status 5 of this client always means a supplement at the one-stop desk. By default, only if a "
        "push says so.",
    ),
]


@app.command("list")
def list_all(
    history: Annotated[
        bool, typer.Option("--history", help="List who changed which account, the newest first.")
    ] = False,
    search: Search = "",
    sort: Sort = "",
    most: Most = 200,
    to: To = None,
) -> None:
    """List the accounts, with what they pushed in the last seven days."""
    if not history:
        empty = "There is no client yet. Register one with motcua intake add NAME --agency CODE."
        print_list(ACCOUNTS, {"q": search, "sort": sort}, most=most, to=to, empty=empty)
        return
    with connect() as connection:
        changes = list_client_changes(connection, most)
    print_rows(
        {
            "when": "changed_at",
            "who": "changed_by",
            "client": "name",
            "change": "change",
            "agencies": "agencies",
            "networks": "networks",
            "supplements": lambda change: "at the desk" if change.supplements_at_desk else "where said",
        },
        changes,
    )


@app.command()
def faults(client: _Client) -> None:
    """Show the faults of a client's pushes in the last seven days, without the pushed values."""
    since = pushes_since()
    with connect() as connection:
        if client not in {each.name for each in list_clients(connection, since)}:
            raise refuse(f"There is no client {client}. See motcua intake list.")
        found = list_faults(connection, client, since)
    columns = {name: name for name in ("day", "service", "fault", "field", "records")}
    print_rows(columns, found, empty="Nothing was wrong.")


@app.command()
def add(
    client: _Client,
    agency: _Agencies = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source", help="Source in MOTCUA_SOURCES under which its data is read. By default, the client's name."
        ),
    ] = None,
    network: _Networks = None,
    supplements_at_desk: _AtDesk = None,
    by: By = None,
) -> None:
    """Register software that may push for these agencies, and show its password once. Your name is stored."""
    who = signed(by)
    of_source = source or client
    for name in (client, of_source):
        if not _NAME.fullmatch(name):
            raise refuse(f"{name!r} is not a name. A name has at most 40 of a-z, 0-9 and _, and begins with a-z.")
    if not agency:
        raise refuse("Name the agencies that the client may write for with --agency CODE.")
    words = secrets.token_urlsafe(24)
    try:
        with connect() as connection:
            codes = typed_agencies(connection, agency)
            register_client(
                connection,
                client,
                of_source,
                Password.of(words),
                codes,
                network or [],
                supplements_at_desk=bool(supplements_at_desk),
                by=who,
                now=datetime.now(UTC),
            )
    except NameTaken:
        raise refuse(f"There is a client {client} already. See motcua intake list.") from None
    except psycopg.DataError:
        raise _no_network() from None
    say(f"{client} may push for {', '.join(codes)}. Its password is shown only now:")
    say(words)
    if settings().sources.get(of_source) != "national_sync":
        say(f"No pick-up reads this source yet. Add {of_source}=national_sync to MOTCUA_SOURCES.")


@app.command()
def change(
    client: _Client,
    agency: _Agencies = None,
    network: _Networks = None,
    supplements_at_desk: _AtDesk = None,
    by: By = None,
) -> None:
    """Change what a client may do. Agencies or networks given here replace the client's present ones."""
    who = signed(by)
    if agency is None and network is None and supplements_at_desk is None:
        raise refuse("Give at least one of --agency, --network and --supplements-at-desk.")
    try:
        with connect() as connection:
            codes = None if agency is None else typed_agencies(connection, agency)
            change_client(
                connection,
                client,
                "changed",
                by=who,
                now=datetime.now(UTC),
                agencies=codes,
                networks=network,
                supplements_at_desk=supplements_at_desk,
            )
    except NoSuchClient:
        raise refuse(f"There is no client {client}. See motcua intake list.") from None
    except psycopg.DataError:
        raise _no_network() from None
    say(f"{client} is changed.")


@app.command()
def password(client: _Client, by: By = None) -> None:
    """Give a client a new password and show it once. The old password and the client's sessions end."""
    who = signed(by)
    words = secrets.token_urlsafe(24)
    _change_client(client, "password", who, password=Password.of(words))
    say(f"The new password of {client} is shown only now:")
    say(words)


@app.command()
def push(
    dossier: Annotated[
        str | None,
        typer.Argument(help="Code of the dossier to push. It looks like your own codes, but no citizen has it."),
    ] = None,
    status: Annotated[
        int,
        typer.Option(
            "--status", help="Status of the dossier, 1 to 10. 9: the result is at the desk. 5: a supplement is needed."
        ),
    ] = 4,
    phone: Annotated[str, typer.Option("--phone", help="Phone number that gets the message. Use your own.")] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="JSON file to push instead: a list of dossiers or of steps.")
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="The file holds steps (CapNhatTienDoHoSoMC).")] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Address to push to, https://<host>/intake. By default, that of this demo."),
    ] = None,
    client: Annotated[
        str | None, typer.Option("--client", help="The account's name; its password is asked for, or read from a pipe.")
    ] = None,
    agency: Annotated[str, typer.Option("--agency", help="Code of the agency that sends, madonvi.")] = "",
) -> None:
    """Push dossiers or steps as one-stop software does, and print each answer. Exit code 1 if something was refused.

    The pushed data counts as real data: for a result (9) of an enabled agency, the phone gets a message.
    """
    if (dossier is None) == (file is None):
        raise refuse("Give the code of a dossier, or a JSON file with --file.")
    if not 1 <= status <= 10:
        raise refuse("--status must be a code of the portal, 1 to 10.")
    speaking, unit = _portal_client(url, client, agency)
    answers = (
        _push_trial(speaking, unit, dossier, status, phone) if dossier else _push_file(speaking, unit, file, steps)
    )
    if not answers[-1].is_done or any(answer.refused for answer in answers):
        raise typer.Exit(1)


def _portal_client(url: str | None, client: str | None, agency: str) -> tuple[PortalClient, str]:
    """Return a client of the push protocol, and the code of the agency that it names as the sender."""
    from motcua.sandbox.vendor.joining import read_account
    from motcua.sandbox.vendor.portal import PortalClient

    if url is None:
        account = read_account(settings().data / "vendor")
        if account is None:
            raise refuse("Name the address and the client: --url https://<host>/intake --client NAME.")
        return PortalClient(account.url, account.client, account.password), agency or account.unit
    if client is None:
        raise refuse("Name the client with --client NAME.")
    words = typer.prompt(f"Password of {client}", hide_input=True, err=True)
    return PortalClient(url, client, words.strip()), agency


def _push_trial(speaking: PortalClient, unit: str, dossier: str, status: int, phone: str) -> list[Answer]:
    """Push a trial dossier and its step as one-stop software does.

    The client first asks whether the intake has the dossier, then pushes the dossier, then the step if the dossier was
    accepted.
    """
    from motcua.sandbox.vendor.portal import trial_records

    record, step = trial_records(dossier, status, phone, datetime.now(UTC))
    answers = [_send(lambda: speaking.look_up(dossier, unit))]
    if answers[-1].is_done:
        is_held = bool(answers[-1].content.get("result"))
        answers.append(_send(lambda: speaking.sync_dossiers([record], unit, is_updating=is_held)))
        if answers[-1].is_done and not answers[-1].refused:
            answers.append(_send(lambda: speaking.update_steps([step], unit)))
    return answers


def _push_file(speaking: PortalClient, unit: str, file: Path | None, steps: bool) -> list[Answer]:
    """Push the records of a JSON file."""
    try:
        read = json.loads(file.read_bytes()) if file else None
    except (OSError, ValueError) as failure:
        raise refuse(f"{file} cannot be read as JSON: {type(failure).__name__}.") from None
    records = read if isinstance(read, list) else [read]
    if steps:
        return [_send(lambda: speaking.update_steps(records, unit))]
    return [_send(lambda: speaking.sync_dossiers(records, unit, is_updating=False))]


def _send(ask: Callable[[], Answer]) -> Answer:
    """Send one request and print its answer."""
    from motcua.sandbox.vendor.portal import NoAnswer

    try:
        answer = ask()
    except NoAnswer as silence:
        raise refuse(f"{silence}.") from None
    counts = {name: answer.content[name] for name in ("received", "repeated", "refused") if name in answer.content}
    held: Any = answer.content.get("result")
    if answer.service == "TraCuuHoSo" and answer.is_done:
        counts = {"held": len(held) if isinstance(held, list) else 0}
    words = ", ".join(f"{name} {number}" for name, number in counts.items())
    say(f"{answer.service}: {answer.code}  {answer.content.get('message', '')}  {words}".rstrip())
    for each in answer.refused:
        place = f"{each.get('MaHoSo', '')} {each.get('field', '')}".strip()
        say(f"  record {each.get('index')} ({place}): {each.get('reason')}. {each.get('message', '')}")
    return answer


@app.command()
def disable(client: _Client, by: By = None) -> None:
    """Forbid a client to push. Its sessions end, and the data that it pushed stays."""
    _change_client(client, "disabled", signed(by), enabled=False)
    say(f"{client} may no longer push.")


@app.command()
def enable(client: _Client, by: By = None) -> None:
    """Allow a disabled client to push again, with its present password."""
    _change_client(client, "enabled", signed(by), enabled=True)
    say(f"{client} may push.")


def _change_client(
    client: str, change: str, by: str, *, enabled: bool | None = None, password: Password | None = None
) -> None:
    """Change an account, or end the command with exit code 2 if there is none."""
    try:
        with connect() as connection:
            change_client(connection, client, change, by=by, now=datetime.now(UTC), enabled=enabled, password=password)
    except NoSuchClient:
        raise refuse(f"There is no client {client}. See motcua intake list.") from None


def _no_network() -> typer.Exit:
    """Return the exit for a text that is no network."""
    return refuse("This is not a network. Write, for example, 10.1.2.0/24, or one address.")
