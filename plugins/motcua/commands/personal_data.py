"""Commands ``motcua personal-data``: purge after the retention time, and a citizen's requests for access or erasure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from motcua.commands.terminal import By, local_moment, print_error, print_rows, refuse, say, signed, without_phone
from motcua.domain.clock import VIETNAM
from motcua.domain.personal_data import ByCode, ByNumber, Citizen, CitizenDossier, read_number
from motcua.jobs.personal_data import erase, export, look_up, purge
from motcua.reports.personal_data import sheet, workbook
from motcua.store.ledger.database import connect
from motcua.store.personal_data import list_purges, list_requests

app = typer.Typer(
    help="Personal data: what is held of one citizen, what is due, and what was emptied.", no_args_is_help=True
)


@app.command("purge")
def purge_now(by: By = None) -> None:
    """Empty the personal data whose retention time is over, as the nightly run does. The next purge completes a purge
    that was interrupted."""
    who = signed(by)
    done = purge(who, say)
    for each in done:
        say(f"{each.kind}: {each.rows} row(s) emptied")


_Because = Annotated[
    str, typer.Option(callback=without_phone, help="The document that contains the request. It is stored for auditors.")
]
_Phone = Annotated[
    bool,
    typer.Option(
        "--phone", help="Search by phone number. It is asked for, or read from the first line of standard input."
    ),
]
_To = Annotated[
    Path | None,
    typer.Option(help="Path of the files to write, without endings. By default, in this folder, named by the time."),
]


@app.command("export")
def export_data(
    because: _Because,
    agency: Annotated[str | None, typer.Option(help="Code of the dossier's agency.")] = None,
    code: Annotated[str | None, typer.Option(help="Code of the dossier, as the ledger has it.")] = None,
    phone: _Phone = False,
    to: _To = None,
    by: By = None,
) -> None:
    """Write all stored data about a citizen into a workbook and into a page to print. Your name is stored."""
    who = signed(by)
    asked_for = _read_request(agency, code, phone)
    target = _target_path(to)
    try:
        citizen = export(asked_for, who, because)
    except LookupError as failure:
        raise refuse(failure) from None
    _warn_of_names(citizen)
    with _private_file(target.with_name(f"{target.name}.xlsx")) as file:
        file.write(workbook(citizen, because))
    with _private_file(target.with_name(f"{target.name}.html")) as file:
        file.write(sheet(citizen, who, because).encode())
    say(f"{len(citizen.dossiers)} dossier(s), {len(citizen.held)} value(s).")


@app.command("erase")
def erase_data(
    because: _Because,
    agency: Annotated[str | None, typer.Argument(help="Code of the dossier's agency.")] = None,
    code: Annotated[str | None, typer.Argument(help="Code of the dossier, as the ledger has it.")] = None,
    phone: _Phone = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    to: _To = None,
    by: By = None,
) -> None:
    """Empty the personal data of a dossier or phone number at the citizen's request. Exit code 1 if a row must stay."""
    who = signed(by)
    asked_for = _read_request(agency, code, phone)
    target = _target_path(to) if phone or to else None
    # The page is opened before the erasure, because it lists data that nobody can list afterwards.
    page = nullcontext() if target is None else _private_file(target.with_name(f"{target.name}.html"))
    try:
        with page as file:
            if not yes:
                _confirm(look_up(asked_for, who))
            done = erase(asked_for, who, because)
            if file is not None:
                file.write(sheet(done.before, who, because, done).encode())
    except LookupError as failure:
        raise refuse(failure) from None
    for each in done.dossiers:
        say(_erasure_state(each))
    if done.quarantined or done.complaints or done.complaints_kept:
        say(
            f"Without a dossier, {done.quarantined} row(s) in quarantine and {done.complaints} complaint(s) were "
            f"emptied; {done.complaints_kept} complaint(s) are kept until they are settled."
        )
    if phone:
        say(f"{done.inquiries} text(s) to 9029 were emptied; {done.inquiries_kept} are kept for now.")
    if done.inquiries_kept or done.complaints_kept or any(each.purged_at is None for each in done.dossiers):
        raise typer.Exit(1)


def _read_request(agency: str | None, code: str | None, phone: bool) -> ByCode | ByNumber:
    """Read which dossier is meant, or read a phone number from the terminal or standard input."""
    if phone and agency is None and code is None:
        # The number is not given as an argument, because arguments are visible in the shell's history and in the list
        # of processes.
        at_terminal = sys.stdin.isatty()
        typed = typer.prompt("Phone number", hide_input=True) if at_terminal else sys.stdin.readline()
        try:
            return read_number(typed)
        except ValueError as failure:
            raise refuse(failure) from None
    if phone or agency is None or code is None:
        raise typer.BadParameter("give either an agency and a dossier's code, or --phone.")
    return ByCode(agency, code)


def _confirm(citizen: Citizen) -> None:
    """Ask for the confirmation of an erasure."""
    _warn_of_names(citizen)
    tables = ("messages", "attempts", "inquiries", "complaints", "quarantine")
    rows = ", ".join(f"{citizen.rows_of(table)} row(s) of {table}" for table in tables)
    question = (
        f"Empty {len(citizen.dossiers)} dossier(s) permanently, with {rows}? A dossier that has not ended is emptied"
        " after its end."
    )
    typer.confirm(question, abort=True)


def _warn_of_names(citizen: Citizen) -> None:
    """Warn if the dossiers have several names, which may belong to several persons."""
    if citizen.names > 1:
        print_error(f"The dossiers have {citizen.names} names. Check the identity papers of the person who asks.")


def _erasure_state(dossier: CitizenDossier) -> str:
    """Return the state of a dossier after an erasure."""
    if dossier.purged_at is not None:
        return f"Dossier {dossier.dossier_code} was emptied at {local_moment(dossier.purged_at)}."
    why = [
        words
        for holds, words in (
            (dossier.ended_at is None or dossier.ended_at > datetime.now(UTC), "it has not ended"),
            (dossier.may_be_told, "a message about it may still be sent, or has an unknown outcome"),
            (dossier.is_complained_of, "a complaint about it is open"),
        )
        if holds
    ]
    return (
        f"Dossier {dossier.dossier_code} is kept for now: {'; '.join(why) or 'another process is using it'}. "
        "A later purge empties it."
    )


def _target_path(to: Path | None) -> Path:
    """Return the path for the files without their ending, and refuse to overwrite a file."""
    target = to or Path(f"du-lieu-ca-nhan-{datetime.now(VIETNAM):%Y%m%d-%H%M%S}")
    if not target.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {target.parent}.")
    for ending in ("xlsx", "html"):
        if target.with_name(f"{target.name}.{ending}").exists():
            raise typer.BadParameter(f"{target}.{ending} exists already.")
    return target


@contextmanager
def _private_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that only the user of this command may read. Remove the file if the block fails."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            try:
                yield file
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except OSError as failure:
        raise refuse(f"{path}: {failure.strerror or failure}") from None
    say(f"Written: {path}")


@app.command("requests")
def show_requests(limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown.")] = 50) -> None:
    """List citizens' last requests: when, by whom, what was done, the written request. Shows no personal data."""
    with connect() as connection:
        found = list_requests(connection, limit)
    print_rows(
        {
            "when": "handled_at",
            "by": "handled_by",
            "done": "act",
            "asked by": lambda each: (
                "a phone" if each.dossier_code is None else f"{each.agency_code} {each.dossier_code}"
            ),
            "paper": "reason",
            "dossiers": "dossiers",
            "values held": "held",
        },
        found,
    )


@app.command("purges")
def show_purges(limit: Annotated[int, typer.Option(min=1, max=10_000, help="Rows shown.")] = 50) -> None:
    """List what was emptied recently: table, number of rows, when, by whom and why."""
    with connect() as connection:
        found = list_purges(connection, limit)
    print_rows(
        {
            "when": "purged_at",
            "cause": "cause",
            "table": "of_table",
            "rows": "emptied",
            "by": "purged_by",
            "reason": "reason",
        },
        found,
    )
