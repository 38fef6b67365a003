"""Commands ``motcua complaints``: citizens' reports about messages (phản ánh)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from motcua.commands.lists import Most, Search, Sort, To, print_list
from motcua.commands.terminal import By, handed_in, print_rows, say, signed
from motcua.jobs.handed_in.complaints import (
    LARGEST_FILE,
    import_complaints,
    relink,
    take_back,
    titles,
    write_outcome,
)
from motcua.jobs.listing.lists import COMPLAINTS
from motcua.store.ledger.database import connect
from motcua.store.oversight.complaints import (
    CheckResult,
    Claim,
    count_complaints,
    repeated_complaints,
)

app = typer.Typer(help="Complaints about messages: import, list, withdraw, outcome of the check.", no_args_is_help=True)

_Number = Annotated[int, typer.Argument(min=1, help="Number of the complaint.")]


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="CSV or Excel workbook; the form: docs/operations/complaints.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change. Nothing is stored.")] = False,
    by: By = None,
) -> None:
    """Import the good rows of a file and report the faulty ones (exit code 1). Skip rows that are stored already."""
    who = "dry run" if dry_run else signed(by)
    name, content = handed_in(path, LARGEST_FILE)
    done = import_complaints(content, name, who, datetime.now(UTC), dry_run=dry_run)
    for fault in done.faults:
        say(f"- {fault}")
    would = "would be " if dry_run else ""
    say(
        f"{done.rows} good row(s): {done.new} {would}new, {done.rows - done.new} stored before;"
        f" {done.linked} of the new ones with a known dossier, {done.repeated} repeat an earlier complaint and are not"
        f" counted. {len(done.faults)} row(s) refused."
    )
    if done.faults:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    agency: Annotated[str | None, typer.Option("--agency", help="Code of an agency.")] = None,
    claim: Annotated[Claim | None, typer.Option("--claim")] = None,
    outcome: Annotated[CheckResult | None, typer.Option("--outcome")] = None,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only complaints whose dossier is not known.")] = False,
    repeated: Annotated[bool, typer.Option("--repeated", help="Only complaints that repeat an earlier one.")] = False,
    search: Search = "",
    sort: Sort = "",
    most: Most = 50,
    to: To = None,
) -> None:
    """List complaints, the newest first. Only the staff page shows their notes."""
    state = "repeated" if repeated else "unlinked" if unlinked else outcome or ""
    print_list(
        COMPLAINTS,
        {"agency": agency or "", "claim": claim or "", "state": state, "q": search, "sort": sort},
        most=most,
        to=to,
    )


@app.command()
def count(
    days: Annotated[
        int, typer.Option("--days", min=1, max=4000, help="Count the complaints of the last DAYS days.")
    ] = 30,
) -> None:
    """Count complaints by agency and claim, as reports count them."""
    now = datetime.now(UTC)
    with connect() as connection:
        found = count_complaints(connection, now - timedelta(days=days), now)
        repeated = len(repeated_complaints(connection, start=now - timedelta(days=days), end=now))
    print_rows(
        {
            "agency": "agency_code",
            "claim": lambda each: titles()["claim"][each.claim],
            "outcome": "outcome",
            "complaints": "complaints",
        },
        found,
    )
    if repeated:
        say(f"Not counted: {repeated} that repeat an earlier one (motcua complaints list --repeated).")


@app.command()
def withdraw(
    complaint_id: _Number,
    why: Annotated[str, typer.Option("--why", help="The reason. It is stored with the complaint.")],
    by: By = None,
) -> None:
    """Withdraw a complaint. The complaint stays stored but no longer counts."""
    who = signed(by)
    with connect() as connection:
        take_back(connection, complaint_id, who, why, datetime.now(UTC))
    say(f"Complaint {complaint_id} is withdrawn.")


@app.command()
def outcome(
    complaint_id: _Number,
    found: Annotated[CheckResult, typer.Argument(help="open, upheld or not_upheld.")],
    why: Annotated[str, typer.Option("--why", help="What the check found.")] = "",
    by: By = None,
) -> None:
    """Record the outcome of the agency's check of a complaint."""
    who = signed(by)
    with connect() as connection:
        write_outcome(connection, complaint_id, found, who, why, datetime.now(UTC))
    say(f"Complaint {complaint_id}: {found}.")


@app.command()
def link() -> None:
    """Link complaints to dossiers and messages that reached the ledger after the complaint, as the daily run does."""
    say(f"{relink()} complaint(s) linked.")
