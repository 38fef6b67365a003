"""``motcua apologies``: what became of each evening, how good the forecast was, and who needs a letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import console, local_moment
from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.domain.texts import date_in_text
from motcua.jobs.notices.apologizing import waiting_evenings
from motcua.store.ledger.database import connect
from motcua.store.notices.apologies import ForecastCount, forecast, letters_needed, list_evenings

app = typer.Typer(help="The 17:30 apologies.", no_args_is_help=True)
_console = console()

_WHY = {
    "no_evening": "no evening was settled for that day",
    "not_seen": "not known at the evening",
    "due_set_late": "appointed day set or moved after the evening",
    "same_day": "appointed on the day of receipt",
    "other_status": "not being worked on at the evening (taken back, or its clock started later)",
    "missed": "evening missed (outage)",
    "not_read": "in a source that is read no longer",
    "kind_off": "apologies switched off",
    "cancelled": "changed just before the SMS left, and was late after all",
    "forgotten": "NO REASON FOUND: a mistake of this system",
}


def _today() -> date:
    return datetime.now(VIETNAM).date()


def _month(text: str) -> tuple[date, date]:
    """First and last day of a month written 2026-11.

    Raises:
        typer.BadParameter: it is not written so.
    """
    try:
        first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month, no moment
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month such as 2026-11") from None
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@app.command("evenings")
def show_evenings(
    days: Annotated[int, typer.Option(min=1, help="The last so many days.")] = 7,
) -> None:
    """List the evenings: what was planned, what was missed, what waits; exit 1 if one waits."""
    now = datetime.now(UTC)
    with connect() as connection:
        rows = list_evenings(connection, _today() - timedelta(days=days - 1), _today())
        waiting = waiting_evenings(connection, EVERYTHING, now)
    table = Table(
        "agency", "evening", "mode", "state", "due", "settled", "looked at", "planned", "suppressed", "missed", "told",
        "cancelled", "expired", "open",
    )  # fmt: skip
    for row in rows:
        due = ""
        if row.first_due is not None and row.last_due is not None:
            due = date_in_text(row.first_due)
            if row.last_due != row.first_due:
                due += f" - {date_in_text(row.last_due)}"
        figures = ("looked_at", "queued", "suppressed", "missed", "told", "cancelled", "expired", "open")
        table.add_row(
            escape(row.agency_code),
            date_in_text(row.day),
            row.apology_day,
            row.state,
            due,
            local_moment(row.settled_at),
            *(str(getattr(row, name)) for name in figures),
            style="red" if row.state == "missed" else None,
        )
    _console.print(table if rows else "No evening was settled in these days.")
    for day, agencies in waiting.items():
        _console.print(f"The evening of {date_in_text(day)} waits for {agencies} agency(ies).", style="red")
    if waiting:
        raise typer.Exit(1)


@app.command("forecast")
def show_forecast(
    month: Annotated[str | None, typer.Option(help="For example 2026-11; by default this month.")] = None,
) -> None:
    """Print how good the apologies were, by agency: told and late, told and on time after all, late and not told."""
    first, last = _month(month) if month else _month(f"{_today():%Y-%m}")
    with connect() as connection:
        rows = forecast(connection, first, last, datetime.now(UTC))
    if not rows:
        _console.print(f"No apology and no late dossier in {first:%m/%Y}, as far as its days are over.")
        return
    table = Table(
        "agency", "told", "right", "of them stopped", "wrong", "right, %", "late and not told",
        title=f"Apologies for appointed days of {first:%m/%Y}", caption="days that are not over are left out",
    )  # fmt: skip
    for agency_code in sorted({row.agency_code for row in rows}):
        table.add_row(escape(agency_code), *_figures([row for row in rows if row.agency_code == agency_code]))
    table.add_row("all", *_figures(rows), style="bold")
    _console.print(table)
    why: Counter[str] = Counter()
    for row in rows:
        if row.outcome == "missed":
            why[row.reason or ""] += row.dossiers
    for reason, dossiers in why.most_common():
        _console.print(f"{dossiers} late and not told: {_WHY.get(reason, reason)}", markup=False)


def _figures(rows: Sequence[ForecastCount]) -> list[str]:
    count: Counter[str] = Counter()
    for row in rows:
        count[row.outcome] += row.dossiers
    right = count["right"] + count["stopped"]
    told = right + count["wrong"]
    share = f"{100 * right / told:.1f}" if told else ""
    return [str(told), str(right), str(count["stopped"]), str(count["wrong"]), share, str(count["missed"])]


@app.command("letters")
def show_letters(
    agency: Annotated[str | None, typer.Option(help="Only this agency's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 200,
) -> None:
    """List dossiers that need a Phiếu xin lỗi (Mẫu 04): the SMS names no reason and no new date and replaces none."""
    with connect() as connection:
        rows = letters_needed(connection, _today(), agency_code=agency, limit=limit)
    if not rows:
        _console.print("No dossier needs a Phiếu xin lỗi.")
        return
    table = Table("agency", "dossier", "procedure", "appointed", "days late", "apology by SMS", "appointed anew before")
    for row in rows:
        sms = row.sms or "none"
        if row.sms in ("suppressed", "expired", "rejected"):
            sms += f": {row.sms_reason}"
        table.add_row(
            escape(row.agency_code),
            escape(row.dossier_code),
            escape(row.procedure_code or ""),
            date_in_text(row.due_day),
            str(row.days_late),
            sms,
            f"{row.times_moved} time(s)" if row.times_moved else "",
            style="red" if row.times_moved else None,
        )
    _console.print(table)
    if len(rows) == limit:
        _console.print(f"There may be more: --limit is {limit}.")
