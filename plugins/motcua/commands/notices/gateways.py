"""``motcua gateways``: what messages are sent through, what is stopped there, and by hand: stop and start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import console, local_moment, without_phone
from motcua.domain.routing import CARRIERS, day_of
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices.gateways import (
    GatewayStop,
    gateway_changes,
    gateway_names,
    gateway_stops,
    segments_today,
    start_gateway,
    stop_gateway,
)

app = typer.Typer(help="The SMS gateways.", no_args_is_help=True)
_console = console()


def _state(stops: list[GatewayStop], now: datetime) -> str:
    """What is stopped, in words."""
    words = []
    for stop in stops:
        until = f"until {local_moment(stop.until)}" if stop.until > now else "on trial, one request at a time"
        words.append(f"{stop.subject or 'stopped'} {until}: {stop.reason}")
    return "\n".join(words) or "in use"


@app.command("list")
def list_all() -> None:
    """List the gateways in the order in which they are preferred, with carriers, limits and what is stopped."""
    now = datetime.now(UTC)
    with connect() as connection:
        stops, used = gateway_stops(connection), segments_today(connection, day_of(now))
    table = Table("gateway", "adapter", "brandname registered at", "segments a second", "segments today", "state")
    for name in settings().gateways:
        try:
            address = open_gateway(name).address
        except GatewayMisconfigured as failure:
            table.add_row(name, "", "", "", "", escape(str(failure)), style="red")
            continue
        per_second, per_day = address.segments_per_second, address.segments_per_day
        table.add_row(
            name,
            escape(str(address.extra.get("adapter", "kannel"))),
            "every carrier" if address.carriers == CARRIERS else ", ".join(sorted(address.carriers)),
            "no limit" if per_second is None else f"{per_second:g}",
            f"{used.get(name, 0)} of {'no limit' if per_day is None else per_day}",
            escape(_state([stop for stop in stops if stop.gateway == name], now)),
        )
    _console.print(table)


@app.command("changes")
def list_changes(limit: Annotated[int, typer.Option(min=1, help="At most this many, the latest first.")] = 50) -> None:
    """List what was stopped and started, when, why and by whom."""
    with connect() as connection:
        rows = gateway_changes(connection, limit)
    if not rows:
        _console.print("Nothing was ever stopped.")
        return
    table = Table("when", "gateway", "what", "change", "until", "why", "by")
    for row in rows:
        what = row.subject or "all of it"
        until, by = local_moment(row.until), escape(row.changed_by)
        table.add_row(
            local_moment(row.changed_at), row.gateway, escape(what), row.change, until, escape(row.reason), by
        )
    _console.print(table)


@app.command("start")
def start(name: str, by: By = None) -> None:
    """Use a stopped gateway again, with all its carriers and templates, after what stopped it was mended."""
    who = signed(by)
    with connect() as connection:
        _require(name, gateway_names(connection))
        lifted = start_gateway(connection, name, changed_by=who, reason="started by hand")
    _console.print(f"{name} is in use." if lifted else f"{name} was not stopped.", markup=False)


@app.command("stop")
def stop(
    name: str,
    reason: Annotated[str, typer.Option(help="Why; it is kept.", callback=without_phone)],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 365, help="How long.")] = 24,
    by: By = None,
) -> None:
    """Send nothing through a gateway for some hours; others take over what they can, the rest waits."""
    who = signed(by)
    now = datetime.now(UTC)
    with connect() as connection:
        _require(name, gateway_names(connection))
        by_hand = GatewayStop(name, "gateway", "", now, now + timedelta(hours=hours), reason, by_hand=True)
        stop_gateway(connection, by_hand, changed_by=who)
    _console.print(f"{name} is stopped until {local_moment(now + timedelta(hours=hours))}.", markup=False)


def _require(name: str, known: list[str]) -> None:
    if name not in known:
        sentence = f"There is no gateway {name}, or it was never used."
        Console(stderr=True, soft_wrap=True).print(sentence, style="red", markup=False)
        raise typer.Exit(2)
