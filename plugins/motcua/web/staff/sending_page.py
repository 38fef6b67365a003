"""The page *Gửi tin nhắn*: what became of the day's messages, what is stopped, and what people must decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from motcua.domain.clock import VIETNAM
from motcua.domain.reconciliation import STATES
from motcua.domain.routing import CARRIERS, day_of
from motcua.domain.run_window import Window
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.settings import settings
from motcua.store.ledger.database import Connection, page_connection
from motcua.store.notices.gaps import list_gaps, open_gap
from motcua.store.notices.gateways import GatewayStop, gateway_changes, gateway_stops, segments_today
from motcua.store.notices.messages import held, releases
from motcua.store.notices.stops import Stop, last_stops, stopped_messages, waiting_for
from motcua.store.oversight.accounting import identity, summed_up
from motcua.web.refusals import PageRefused
from motcua.web.rendering import render

_SHOWN = 50

router = APIRouter()


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway as the page shows it."""

    name: str
    fault: str | None
    """Why its connection cannot be used."""
    carriers: tuple[str, ...]
    """Where its brandname is registered; empty: at every carrier."""
    per_second: float | None
    per_day: int | None
    used: int
    stops: tuple[GatewayStop, ...]


@dataclass(frozen=True, slots=True)
class StopRow:
    """What the Department stopped, as the page shows it."""

    stop: Stop
    in_force: bool
    waiting: int
    """Messages that wait for it."""


def _gateway_row(name: str, stops: list[GatewayStop], used: int) -> GatewayRow:
    ours = tuple(stop for stop in stops if stop.gateway == name)
    try:
        address = open_gateway(name).address
    except GatewayMisconfigured as failure:
        return GatewayRow(name, str(failure), (), None, None, used, ours)
    carriers = () if address.carriers == CARRIERS else tuple(sorted(address.carriers))
    return GatewayRow(name, None, carriers, address.segments_per_second, address.segments_per_day, used, ours)


@router.get("/sending")
def show_sending(request: Request, day: str = "") -> HTMLResponse:
    """What was recorded on a day (today by default), and the gateways as they are now."""
    now = datetime.now(UTC)
    today = day_of(now)
    shown = _day(day, today)
    start = datetime.combine(shown, datetime.min.time(), VIETNAM)
    with page_connection() as connection:
        rows = identity(connection, Window(start, start + timedelta(days=1)))
        stops, used = gateway_stops(connection), segments_today(connection, today)
        waiting = held(connection, useful_at=now, limit=_SHOWN)
        changes, let_go = gateway_changes(connection, _SHOWN), releases(connection, _SHOWN)
        stopped = _stop_rows(connection, now)
        gap, gaps = open_gap(connection), list_gaps(connection, _SHOWN)
    total = next(iter(summed_up(rows)), None)
    return render(
        request,
        "sending.html",
        day=shown,
        today=today,
        before=shown - timedelta(days=1),
        after=shown + timedelta(days=1),
        terms=[(term, count) for term in STATES if (count := getattr(total, term, 0))],
        total=total,
        kinds=summed_up(rows, "kind"),
        gateways=[_gateway_row(name, stops, used.get(name, 0)) for name in settings().gateways],
        held=waiting,
        changes=changes,
        releases=let_go,
        gap=gap,
        gaps=gaps,
        in_force=[row for row in stopped if row.in_force],
        stopped=stopped,
        local=VIETNAM,
        now=now,
        shown=_SHOWN,
    )


def _stop_rows(connection: Connection, now: datetime) -> list[StopRow]:
    stops = last_stops(connection, _SHOWN)
    # The queue is looked at only for what is in force.
    waiting = stopped_messages(connection, now) if any(stop.is_in_force(now) for stop in stops) else []
    return [
        StopRow(stop, in_force, waiting_for(stop, waiting) if in_force else 0)
        for stop, in_force in ((stop, stop.is_in_force(now)) for stop in stops)
    ]


def _day(written: str, today: date) -> date:
    if not written:
        return today
    try:
        asked = date.fromisoformat(written)
    except ValueError:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_day") from None
    if not 2000 <= asked.year <= 2999:
        raise PageRefused(HTTPStatus.NOT_FOUND, "no_such_day")
    return asked
