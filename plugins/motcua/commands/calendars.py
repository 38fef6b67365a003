"""Commands ``motcua calendar``: the working calendar."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from motcua.commands.terminal import By, say, signed
from motcua.domain.clock import VIETNAM
from motcua.domain.working_days import WorkingCalendar, written_day
from motcua.jobs.calendars import (
    FIRST_YEAR,
    HOME_PROVINCE,
    LAST_YEAR,
    Difference,
    as_lines,
    confirm_year,
    export_calendar,
    import_calendar,
    prepare_calendars,
    province_of,
    unconfirmed_years,
)
from motcua.store.calendars import list_years, load_calendar, load_province_calendar
from motcua.store.ledger.database import connect

app = typer.Typer(help="The working calendar: days off, worked Saturdays, office hours.", no_args_is_help=True)
_console = Console(highlight=False)

_Year = Annotated[int, typer.Argument(min=FIRST_YEAR, max=LAST_YEAR)]
_Province = Annotated[str, typer.Option("--province", help="Key of the province, as in the agencies' file.")]


def _print_lines(differences: Sequence[Difference]) -> None:
    """Print the differences, one per line."""
    for line in as_lines(differences):
        say(line)


@app.command()
def seed(
    years: Annotated[
        list[int] | None,
        typer.Argument(min=FIRST_YEAR, max=LAST_YEAR, help="Years to write. By default, from 2016 to next year."),
    ] = None,
    by: By = None,
) -> None:
    """Store the days off of the package ``holidays`` and of the decisions in include/calendars/national.yaml.

    In confirmed years, the package's days are not written.
    """
    who = signed(by)
    seeding = prepare_calendars(datetime.now(VIETNAM), who, years or ())
    _print_lines(seeding.written)
    say(f"{len(seeding.written)} change(s) written.")
    if seeding.kept_back:
        say("Not written, because the year is confirmed:")
        _print_lines(seeding.kept_back)


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="YAML file; the form: docs/operations/calendar.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    by: By = None,
) -> None:
    """Import days, office hours and confirmed years from a file, and print the changes. Nothing else changes."""
    who = "dry run" if dry_run else signed(by)
    _apply_change(lambda only_look: import_calendar(path, who, datetime.now(VIETNAM), dry_run=only_look), dry_run)


def _apply_change(change: Callable[[bool], Sequence[Difference]], dry_run: bool) -> None:
    """Print the differences of a change, and write them unless it is a dry run."""
    differences = change(True)
    _print_lines(differences)
    if not dry_run:
        change(False)
    say(f"{len(differences)} change(s){', none' if dry_run else ''} written.")


@app.command()
def export(province: _Province = HOME_PROVINCE) -> None:
    """Print the calendar as a file that import accepts, without the days of the package ``holidays``.

    The file has the decided days, the confirmed years, and the days and office hours of agencies.
    """
    typer.echo(export_calendar(province), nl=False)


@app.command()
def confirm(
    year: _Year,
    decision: Annotated[
        str | None, typer.Option("--by-decision", help="Number and date of the official announcement.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the confirmation.")] = False,
    province: _Province = HOME_PROVINCE,
    by: By = None,
) -> None:
    """Confirm that a year's days off agree with the official announcement.

    ``motcua calendar seed`` then does not replace the year's days by those of the package ``holidays``.
    """
    if (decision is None) != withdraw:
        raise typer.BadParameter("give either --by-decision with the announcement, or --withdraw.")
    who = signed(by)
    differences = confirm_year(year, decision, who, datetime.now(VIETNAM), province)
    _print_lines(differences)
    if not differences:
        say("Nothing changed: the year was already in this state.")


@app.command()
def unconfirmed() -> None:
    """List the years that should be confirmed and are not. Exit code 1 if there are any."""
    found = unconfirmed_years(datetime.now(VIETNAM))
    for each in found:
        say(
            f"{each.province}: {each.year} is not confirmed. Check it with motcua calendar show {each.year}, then "
            f"confirm it with motcua calendar confirm {each.year} --by-decision DECISION."
        )
    if found:
        raise typer.Exit(1)
    say("All years that should be confirmed are confirmed.")


# ------------------------------------------------------------------------------------------------- show

_MARKS = {"off": "*", "own": "#", "worked": "+", "morning": "~"}
_STYLES = {"off": "red", "own": "magenta", "worked": "bold green", "morning": "green", "weekend": "dim"}


@app.command()
def show(
    year: _Year,
    agency: Annotated[
        str | None, typer.Option("--agency", help="Code of an agency, or one of its other codes.")
    ] = None,
    province: _Province = HOME_PROVINCE,
) -> None:
    """Print a year: twelve months, days off and worked weekend days marked, reasons below."""
    code, province = province_of(agency) if agency else (None, province)
    first, last = date(year, 1, 1), date(year, 12, 31)
    with connect() as connection:
        if code:
            calendar = load_calendar(connection, code, first, last)
        else:
            calendar = load_province_calendar(connection, province, first, last)
        row = next((each for each in list_years(connection, [province]) if each.year == year), None)
    if row is None:
        state = "not stored, days off as in the package holidays, NOT CONFIRMED"
    elif row.decision is None:
        state = f"from {row.package}, NOT CONFIRMED"
    else:
        state = f"confirmed by {row.decision}"
    say(f"{code or province}, {year}: {state}")
    number = calendar.count_working_days(first, last)
    _console.print(
        f"{number} working days.  * day off   # closed by the agency   + day off worked   ~ worked in the morning"
    )
    _console.print(Columns([_month_table(calendar, year, month) for month in range(1, 13)], padding=(1, 3)))
    for each in calendar.special_days(year):
        opening = {"closed": "off", "full": "worked", "morning": "worked in the morning"}[each.opening]
        say(f"{written_day(each.day):>10}  {each.day:%a}  {opening}  {each.reason}  ({each.authority})")


def _day_kind(calendar: WorkingCalendar, day: date) -> str | None:
    """Return how a day differs from a full working day; ``None`` if it does not."""
    special, opening = calendar.special_day(day), calendar.opening(day)
    if opening == "morning":
        return "morning"
    if special is None:
        return "weekend" if opening == "closed" else None
    if opening == "full":
        return "worked"
    return "own" if special.origin == "agency" else "off"


def _month_table(calendar: WorkingCalendar, year: int, month: int) -> Table:
    """Return a month as a table with marked days."""
    table = Table(title=f"{month}/{year}", box=None, padding=(0, 0, 0, 1), show_edge=False)
    for name in ("T2", "T3", "T4", "T5", "T6", "T7", "CN"):
        table.add_column(name, justify="right", min_width=3)
    for week in Calendar().monthdatescalendar(year, month):
        cells = []
        for day in week:
            kind = _day_kind(calendar, day) if day.month == month else None
            mark = _MARKS.get(kind or "", " ")
            cells.append(Text(f"{day.day}{mark}" if day.month == month else "", style=_STYLES.get(kind or "", "")))
        table.add_row(*cells)
    return table
