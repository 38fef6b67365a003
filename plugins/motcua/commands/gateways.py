"""Commands ``motcua gateways``: list the gateways and their pauses, and pause or resume a gateway by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Annotated

import typer

from motcua.commands.terminal import By, local_moment, print_rows, refuse, say, signed, without_phone
from motcua.domain.routing import CARRIERS, day_of
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices.gateways import (
    GatewayStop,
    days_used_up,
    gateway_changes,
    gateway_names,
    gateway_stops,
    segments_today,
    start_gateway,
    stop_gateway,
)

app = typer.Typer(help="The SMS gateways.", no_args_is_help=True)


def _state(stops: list[GatewayStop], now: datetime, elsewhere: int | None) -> str:
    """Return in words what is paused at a gateway.

    Args:
        stops: gateway pauses.
        now: present time.
        elsewhere: number of messages that went through other gateways since this gateway used up its daily limit;
            ``None`` if this gateway has not used up its limit.
    """
    words = []
    for stop in stops:
        until = f"until {local_moment(stop.until)}" if stop.until > now else "on trial, one request at a time"
        what = stop.subject or ("closed" if stop.expected else "stopped")
        words.append(f"{what} {until}: {stop.reason}")
    words += [] if elsewhere is None else [f"daily limit used up; {elsewhere} message(s) went by other gateways since"]
    return "\n".join(words) or "in use"


@app.command("list")
def list_all() -> None:
    """List the gateways, the preferred one first, with carriers, limits and gateway pauses."""
    now = datetime.now(UTC)
    with connect() as connection:
        stops, used = gateway_stops(connection), segments_today(connection, day_of(now))
        elsewhere = {each.gateway: each.elsewhere for each in days_used_up(connection, settings().gateways, now)}
    rows: list[tuple[str, ...]] = []
    for name in settings().gateways:
        try:
            address = open_gateway(name).address
        except GatewayMisconfigured as failure:
            rows.append((name, "", "", "", "", str(failure)))
            continue
        per_second, per_day = address.segments_per_second, address.segments_per_day
        rows.append(
            (
                name,
                str(address.extra.get("adapter", "kannel")),
                "every carrier" if address.carriers == CARRIERS else ", ".join(sorted(address.carriers)),
                "no limit" if per_second is None else f"{per_second:g}",
                f"{used.get(name, 0)} of {'no limit' if per_day is None else per_day}",
                _state([stop for stop in stops if stop.gateway == name], now, elsewhere.get(name)),
            )
        )
    heads = ("gateway", "adapter", "brandname registered at", "segments a second", "segments today", "state")
    columns = {head: itemgetter(place) for place, head in enumerate(heads)}
    print_rows(columns, rows, style=lambda row: None if row[1] else "red")


@app.command("changes")
def list_changes(limit: Annotated[int, typer.Option(min=1, help="At most this many, the latest first.")] = 50) -> None:
    """List when gateway pauses began and ended, with the reason and the person."""
    with connect() as connection:
        rows = gateway_changes(connection, limit)
    print_rows(
        {
            "when": "changed_at",
            "gateway": "gateway",
            "what": lambda row: row.subject or "all of it",
            "change": "change",
            "until": "until",
            "why": "reason",
            "by": "changed_by",
        },
        rows,
        empty="Nothing was ever stopped.",
    )


@app.command("start")
def start(name: str, by: By = None) -> None:
    """Resume a paused gateway with all its carriers and templates, after the cause of the pause was corrected."""
    who = signed(by)
    with connect() as connection:
        _require_gateway(name, gateway_names(connection))
        lifted = start_gateway(connection, name, changed_by=who, reason="started by hand")
    say(f"{name} is in use." if lifted else f"{name} was not stopped.")


@app.command("stop")
def stop(
    name: str,
    reason: Annotated[str, typer.Option(help="The reason. It is stored with the change.", callback=without_phone)],
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 365, help="For how many hours.")] = 24,
    by: By = None,
) -> None:
    """Pause a gateway for some hours. Other gateways send the messages that they can send. The rest wait."""
    who = signed(by)
    now = datetime.now(UTC)
    with connect() as connection:
        _require_gateway(name, gateway_names(connection))
        by_hand = GatewayStop(name, "gateway", "", now, now + timedelta(hours=hours), reason, by_hand=True)
        stop_gateway(connection, by_hand, changed_by=who)
    say(f"{name} is stopped until {local_moment(now + timedelta(hours=hours))}.")


def _require_gateway(name: str, known: list[str]) -> None:
    """End the command with exit code 2 if a gateway is unknown."""
    if name not in known:
        raise refuse(f"There is no gateway {name}, or it was never used.")
