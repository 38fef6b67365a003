"""Commands ``motcua apologies``: outcome of each evening, number of right apologies, and citizens who need a letter.

An evening is the planning of one agency's apologies on one day. An apology was right if the dossier had no result on
its appointed day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import Annotated

import typer

from motcua.commands.lists import Most, To, print_list
from motcua.commands.terminal import print_rows, say
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.domain.texts import date_in_text
from motcua.jobs.listing.lists import LETTERS
from motcua.jobs.notices.apologizing import waiting_evenings
from motcua.store.ledger.database import connect
from motcua.store.notices.apologies import ForecastCount, forecast, list_evenings

app = typer.Typer(help="The 17:30 apologies.", no_args_is_help=True)

_WHY = {
    "no_evening": "no evening was settled for that day",
    "not_seen": "dossier not known on that evening",
    "due_set_late": "appointed day set or moved after the evening",
    "same_day": "appointed on the day of receipt",
    "other_status": "not in progress on that evening (taken back, or its term started later)",
    "missed": "evening missed (outage)",
    "not_read": "its source is no longer read",
    "kind_off": "apologies switched off",
    "cancelled": "apology cancelled because the dossier changed just before sending, but it was late",
    "forgotten": "NO REASON FOUND: a mistake of this system",
}


def _today() -> date:
    """Return the present day in Vietnam."""
    return datetime.now(VIETNAM).date()


def _month_bounds(text: str) -> tuple[date, date]:
    """Return the first and the last day of a month that is written as 2026-11.

    Raises:
        typer.BadParameter: the text is no month.
    """
    try:
        first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month, not a moment
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month such as 2026-11") from None
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@app.command("evenings")
def show_evenings(
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Show only the last DAYS days.")] = 7,
) -> None:
    """List the evenings with the number of messages by state. Exit code 1 if an evening is not settled yet."""
    now = datetime.now(UTC)
    with connect() as connection:
        rows = list_evenings(connection, _today() - timedelta(days=days - 1), _today())
        waiting = waiting_evenings(connection, EVERYTHING, now)
    figures = ("suppressed", "missed", "told", "cancelled", "expired", "open")
    print_rows(
        {
            "agency": "agency_code",
            "evening": lambda row: date_in_text(row.day),
            "mode": "apology_day",
            "state": "state",
            "due": lambda row: " - ".join(
                dict.fromkeys(date_in_text(day) for day in (row.first_due, row.last_due) if day)
            ),
            "settled": "settled_at",
            "looked at": "looked_at",
            "planned": "queued",
            **dict(zip(figures, figures, strict=True)),
        },
        rows,
        empty="No evening was settled in these days.",
        style=lambda row: "red" if row.state == "missed" else None,
    )
    for day, agencies in waiting.items():
        say(f"The evening of {date_in_text(day)} waits for {agencies} agency(ies).", "red")
    if waiting:
        raise typer.Exit(1)


@app.command("forecast")
def show_forecast(
    month: Annotated[str | None, typer.Option(help="For example 2026-11; by default this month.")] = None,
) -> None:
    """Print by agency how many dossiers were late with an apology, on time despite an apology, or late without one."""
    first, last = _month_bounds(month) if month else _month_bounds(f"{_today():%Y-%m}")
    with connect() as connection:
        rows = forecast(connection, first, last, datetime.now(UTC))
    if not rows:
        say(f"No apology and no late dossier in {first:%m/%Y}. Days that are not over are left out.")
        return
    heads = ("agency", "told", "right", "of them stopped", "wrong", "right, %", "late and not told")
    lines = [
        [code, *_forecast_cells([row for row in rows if row.agency_code == code])]
        for code in sorted({row.agency_code for row in rows})
    ]
    print_rows(
        {head: itemgetter(place) for place, head in enumerate(heads)},
        [*lines, ["all", *_forecast_cells(rows)]],
        title=f"Apologies for appointed days of {first:%m/%Y}",
        caption="days that are not over are left out",
        style=lambda line: "bold" if line[0] == "all" else None,
    )
    why: Counter[str] = Counter()
    for row in rows:
        if row.outcome == "missed":
            why[row.reason or ""] += row.dossiers
    for reason, dossiers in why.most_common():
        say(f"{dossiers} late and not told: {_WHY.get(reason, reason)}")


def _forecast_cells(rows: Sequence[ForecastCount]) -> list[str]:
    """Return the cells with the counts and the share of right apologies."""
    count: Counter[str] = Counter()
    for row in rows:
        count[row.outcome] += row.dossiers
    right = count["right"] + count["stopped"]
    texted = right + count["wrong"]
    share = f"{100 * right / texted:.1f}" if texted else ""
    return [str(texted), str(right), str(count["stopped"]), str(count["wrong"]), share, str(count["missed"])]


@app.command("letters")
def show_letters(
    agency: Annotated[str, typer.Option(help="Only dossiers of this agency.")] = "",
    most: Most = 200,
    to: To = None,
) -> None:
    """List dossiers whose citizens need a letter (Mẫu 04), because the SMS gives neither a reason nor a new date."""
    print_list(
        LETTERS,
        {"agency": agency},
        most=most,
        to=to,
        empty="No dossier needs a letter of apology.",
        red=lambda row: bool(row.times_moved),
    )
