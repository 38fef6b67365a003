"""``motcua publications`` and ``motcua verify``: what was published, and whether it still holds."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed_if_known
from motcua.commands.terminal import console, local_moment, print_error, refuse
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.publications.mailing import FileChanged, bodies_of, mail_publication
from motcua.jobs.publications.publishing import publications_store
from motcua.jobs.publications.verification import Verification
from motcua.jobs.publications.verifying import (
    NoSuchPublication,
    is_manifest,
    stray_folders,
    verify_all,
    verify_publication,
)
from motcua.jobs.publications.verifying_in_turn import keep_verification
from motcua.jobs.reconciliation.reporting import find_statement, statement_hash, statement_text
from motcua.store.ledger.database import connect
from motcua.store.oversight.publications import find_publication, list_publications

app = typer.Typer(help="Published reconciliation reports.", no_args_is_help=True)
_console = console()
_plain = Console(soft_wrap=True)


@app.command("list")
def list_all() -> None:
    """List every publication, the first one first."""
    with connect() as ledger:
        publications = list_publications(ledger)
    if not publications:
        _console.print("Nothing is published yet.")
        return
    table = Table("number", "period", "closing", "corrects", "published", "folder", "manifest", title="Publications")
    for each in publications:
        table.add_row(
            str(each.publication_no),
            each.period,
            str(each.closing_no),
            "" if each.corrects is None else str(each.corrects),
            local_moment(each.published_at),
            each.folder,
            f"{each.manifest_sha256[:16]}…",
        )
    _console.print(table)


@app.command("show")
def show(number: Annotated[int, typer.Argument(min=1, help="Number of the publication.")]) -> None:
    """Print a publication's files with their hashes, and where they are."""
    with connect() as ledger:
        publication = find_publication(ledger, publication_no=number)
    if publication is None:
        raise refuse(f"there is no publication {number}; motcua publications list shows them")
    try:
        folder = publications_store() / publication.folder
    except OSError as error:
        raise refuse(error) from None
    corrects = "" if publication.corrects is None else f", corrects publication {publication.corrects}"
    _plain.print(
        f"Publication {number}: {publication.period}, closing {publication.closing_no}{corrects}.\n"
        f"Folder {folder}\n"
        f"SHA-256 of manifest.json {publication.manifest_sha256}\n"
        f"of the one before       {publication.previous_sha256}",
        markup=False,
        highlight=False,
    )
    table = Table("file", "bytes", "rows", "SHA-256")
    if not is_manifest(publication.manifest):
        raise refuse(f"its manifest in the ledger is none; motcua verify {number} says more")
    for each in publication.manifest["files"]:
        rows = "" if each.get("rows") is None else str(each["rows"])
        table.add_row(escape(each["name"]), str(each["size"]), rows, escape(each["sha256"]))
    _console.print(table)


@app.command("statement")
def print_statement(
    asked: Annotated[str, typer.Argument(metavar="NAME_OR_HASH", help="As a manifest names it, or its SHA-256.")],
) -> None:
    """Print the text of a statement that a publication names, byte for byte what its SHA-256 is of."""
    try:
        name = find_statement(asked)
    except LookupError as error:
        raise refuse(error.args[0]) from None
    # Nothing but the text, so that sha256sum finds the same; what it is goes beside it.
    sys.stderr.write(f"{name}  SHA-256 {statement_hash(name)}\n")
    sys.stdout.write(statement_text(name))


@app.command("mail")
def mail(
    number: Annotated[int, typer.Argument(min=1, help="Number of the publication.")],
    bodies: Annotated[
        list[str] | None,
        typer.Argument(
            help="department, home_affairs, justice, committee, or an agency's code; all that have recipients."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Whoever has the mail gets it once more.")] = False,
) -> None:
    """Mail a publication to those whom its mail did not reach; exit 1 if one is not reached."""
    failed = False
    try:
        chosen = bodies or bodies_of(number)
    except LookupError as error:
        raise refuse(error) from None
    for body in chosen:
        try:
            counts = mail_publication(number, body, again=again)
        except LookupError as error:
            raise refuse(error) from None
        except (MailsNotSent, FileChanged) as error:
            print_error(error)
            failed = True
        else:
            told = f"{counts['recipients']} recipient(s), {counts['sent']} mailed, {counts['had_it']} had it before."
            _console.print(f"{body}: {told}", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command("verify-all")
def verify_every(by: By = None) -> None:
    """Verify every publication, and look for folders that are none; exit 1 if one does not hold.

    What was found is kept for the pages, signed by whoever runs it.
    """
    failed = looked = 0
    who = signed_if_known(by)
    for checked in verify_all():
        _print_verification(checked)
        _keep(checked, who)
        looked += 1
        failed += bool(checked.faults)
    try:
        for stray in stray_folders():
            _plain.print(f"  DIFFERS: {stray}", style="red", markup=False, highlight=False)
            failed += 1
    except NoSuchPublication as error:
        raise refuse(error) from None
    _plain.print(f"{looked} publication(s) verified, {failed} fault(s)." if looked else "Nothing is published yet.")
    if failed:
        raise typer.Exit(1)


def verify(
    publication: Annotated[
        str, typer.Argument(help="Number of the publication, its folder, or the path of a manifest.json.")
    ],
    by: By = None,
) -> None:
    """Verify a publication: its files, its place in the chain, its figures against the facts. Exit 1 if one fails.

    Reads the schema audit only: the role motcua_audit can run it, with AIRFLOW_CONN_MOTCUA_DB set to that role. Where
    the role may write, what was found of a publication in its store is kept for the pages, signed by whoever runs it.
    """
    who = signed_if_known(by)
    try:
        checked = verify_publication(publication)
    except NoSuchPublication as error:
        raise refuse(error) from None
    _print_verification(checked)
    _keep(checked, who)
    if checked.faults:
        raise typer.Exit(1)


def _keep(checked: Verification, who: str | None) -> None:
    """Keeps what was found, or says why that is not kept."""
    if not checked.in_store:
        told = "Not kept: it is a copy elsewhere, not the publication in its store."
    elif who is None:
        told = "Not kept: nobody signs it; --by NAME does, or once for all commands MOTCUA_PERSON=NAME."
    elif keep_verification(checked, who):
        told = f"Kept, signed by {who}."
    else:
        told = "Not kept: this role may only read."
    _plain.print(told, markup=False, highlight=False)


def _print_verification(checked: Verification) -> None:
    own = checked.publication
    _plain.print(
        f"Publication {own.publication_no}, {own.period}, closing {own.closing_no}", style="bold", markup=False
    )
    for held in checked.held:
        _plain.print(f"  holds: {held}", markup=False, highlight=False)
    for remark in checked.remarks:
        _plain.print(f"  note: {remark}", style="yellow", markup=False, highlight=False)
    for fault in checked.faults:
        _plain.print(f"  DIFFERS: {fault}", style="red", markup=False, highlight=False)
    verdict = f"{len(checked.faults)} difference(s)." if checked.faults else "Everything holds."
    _plain.print(verdict, style="red" if checked.faults else "green", markup=False)
