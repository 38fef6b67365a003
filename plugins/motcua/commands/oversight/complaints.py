"""``motcua complaints``: what citizens report about messages (phản ánh)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import console, handed_in, local_moment, refuse
from motcua.jobs.handed_in.complaints import (
    LARGEST_FILE,
    ComplaintRefused,
    import_complaints,
    relink,
    take_back,
    titles,
    write_outcome,
)
from motcua.jobs.handed_in.faults import FileRefused
from motcua.reports import wording
from motcua.store.ledger.database import connect
from motcua.store.oversight.complaints import (
    CheckResult,
    Claim,
    Complaint,
    ComplaintsAsked,
    count_complaints,
    list_complaints,
    repeated_complaints,
)

app = typer.Typer(help="Complaints (phản ánh): import, list, withdraw, outcome of the check.", no_args_is_help=True)
# What a file or a form holds may look like markup.
_console = console(markup=False)

_Number = Annotated[int, typer.Argument(min=1, help="Number of the complaint.")]


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What cannot be taken is told and exit code 2."""
    try:
        yield
    except (FileRefused, ComplaintRefused) as wrong:
        raise refuse(wrong) from None


@app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="CSV or Excel workbook; the form: docs/operations/complaints.md.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would do.")] = False,
    by: By = None,
) -> None:
    """Take the good rows of a file and tell the broken ones (exit code 1); rows that are there already add nothing."""
    who = "dry run" if dry_run else signed(by)
    with _said_plainly():
        name, content = handed_in(path, LARGEST_FILE)
        done = import_complaints(content, name, who, datetime.now(UTC), dry_run=dry_run)
    for fault in done.faults:
        _console.print(f"- {fault}", markup=False, soft_wrap=True)
    would = "would be " if dry_run else ""
    _console.print(
        f"{done.rows} good row(s): {done.new} {would}new, {done.rows - done.new} there already;"
        f" {done.linked} of the new ones with a known dossier, {done.repeated} repeat an earlier complaint and are not"
        f" counted. {len(done.faults)} row(s) not taken."
    )
    if done.faults:
        raise typer.Exit(1)


@app.command("list")
def list_all(
    agency: Annotated[str | None, typer.Option("--agency", help="Code of an agency.")] = None,
    claim: Annotated[Claim | None, typer.Option("--claim")] = None,
    outcome: Annotated[CheckResult | None, typer.Option("--outcome")] = None,
    unlinked: Annotated[bool, typer.Option("--unlinked", help="Only those whose dossier is not known.")] = False,
    repeated: Annotated[bool, typer.Option("--repeated", help="Only those that repeat an earlier one.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, max=10_000)] = 50,
) -> None:
    """Complaints, the newest first; their notes are on the staff page only."""
    with connect() as connection:
        found = list_complaints(connection, ComplaintsAsked(agency, claim, outcome, unlinked, repeated, most=most + 1))
    table = Table(box=None, pad_edge=False)
    for name in ("no.", "received", "agency", "dossier", "claim", "channel", "message", "outcome", "recorded by"):
        table.add_column(name)
    for each in found[:most]:
        known = "" if each.dossier_id else " (not known)"
        table.add_row(
            str(each.complaint_id),
            local_moment(each.received_at),
            each.agency_code,
            f"{each.dossier_code}{known}" if each.dossier_code else "",
            each.claim,
            each.channel,
            _message(each),
            "withdrawn" if each.withdrawn_at else f"repeats {each.repeats}" if each.repeats else each.outcome,
            each.recorded_by,
        )
    _console.print(table)
    if len(found) > most:
        _console.print(f"More than {most}: --most.")


def _message(complaint: Complaint) -> str:
    if complaint.message_id:
        return f"{complaint.message_id} {complaint.message_kind} {complaint.message_state}"
    if not complaint.intended_id:
        return ""
    told = wording.publication_words()["state"][complaint.intended_state]
    told += f" – {wording.message_reason(complaint.intended_reason)}" if complaint.intended_reason else ""
    return f"(not sent then) {complaint.intended_id} {complaint.intended_kind}: {told}"


@app.command()
def count(
    days: Annotated[int, typer.Option("--days", min=1, max=4000, help="So many days back.")] = 30,
) -> None:
    """Complaints by agency and claim, as reports count them."""
    now = datetime.now(UTC)
    with connect() as connection:
        found = count_complaints(connection, now - timedelta(days=days), now)
        repeated = len(repeated_complaints(connection, start=now - timedelta(days=days), end=now))
    table = Table(box=None, pad_edge=False)
    for name in ("agency", "claim", "outcome", "complaints"):
        table.add_column(name, justify="right" if name == "complaints" else "left")
    for each in found:
        table.add_row(each.agency_code, titles()["claim"][each.claim], each.outcome, str(each.complaints))
    _console.print(table)
    if repeated:
        _console.print(f"Not counted: {repeated} that repeat an earlier one (motcua complaints list --repeated).")


@app.command()
def withdraw(
    complaint_id: _Number,
    why: Annotated[str, typer.Option("--why", help="Reason, kept beside it.")],
    by: By = None,
) -> None:
    """Take a complaint back: it stays, and counts no more."""
    who = signed(by)
    with _said_plainly(), connect() as connection:
        take_back(connection, complaint_id, who, why, datetime.now(UTC))
    _console.print(f"Complaint {complaint_id} is withdrawn.")


@app.command()
def outcome(
    complaint_id: _Number,
    found: Annotated[CheckResult, typer.Argument(help="open, upheld or not_upheld.")],
    why: Annotated[str, typer.Option("--why", help="What the check found.")] = "",
    by: By = None,
) -> None:
    """Write down what the agency's check found."""
    who = signed(by)
    with _said_plainly(), connect() as connection:
        write_outcome(connection, complaint_id, found, who, why, datetime.now(UTC))
    _console.print(f"Complaint {complaint_id}: {found}.")


@app.command()
def link() -> None:
    """Tie complaints to dossiers and messages that have appeared since, as the daily run does."""
    _console.print(f"{relink()} complaint(s) tied.")
