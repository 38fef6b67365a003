"""Commands ``motcua publications`` and ``motcua verify``: list, print, mail and verify publications."""

from __future__ import annotations

import sys
from operator import itemgetter
from typing import Annotated

import typer

from motcua.commands.terminal import By, print_error, print_rows, refuse, say, signed_if_known
from motcua.jobs.mailing import MailsNotSent
from motcua.jobs.publications.mailing import FileChanged, bodies_of, mail_publications
from motcua.jobs.publications.publishing import publications_store
from motcua.jobs.publications.verification import Verification
from motcua.jobs.publications.verifying import (
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


@app.command("list")
def list_all() -> None:
    """List every publication, the oldest first."""
    with connect() as ledger:
        publications = list_publications(ledger)
    print_rows(
        {
            "number": "publication_no",
            "period": "period",
            "closing": "closing_no",
            "corrects": "corrects",
            "published": "published_at",
            "folder": "folder",
            "manifest": lambda each: f"{each.manifest_sha256[:16]}…",
        },
        publications,
        empty="Nothing is published yet.",
        title="Publications",
    )


@app.command("show")
def show(number: Annotated[int, typer.Argument(min=1, help="Number of the publication.")]) -> None:
    """Print the folder of a publication, and its files with their hashes."""
    with connect() as ledger:
        publication = find_publication(ledger, publication_no=number)
    if publication is None:
        raise refuse(f"there is no publication {number}; motcua publications list shows them")
    try:
        folder = publications_store() / publication.folder
    except OSError as error:
        raise refuse(error) from None
    corrects = "" if publication.corrects is None else f", corrects publication {publication.corrects}"
    say(
        f"Publication {number}: {publication.period}, closing {publication.closing_no}{corrects}.\n"
        f"Folder {folder}\n"
        f"SHA-256 of manifest.json {publication.manifest_sha256}\n"
        f"of the previous manifest {publication.previous_sha256}"
    )
    if not is_manifest(publication.manifest):
        raise refuse(f"the text in the ledger is not a manifest. motcua verify {number} shows the fault.")
    print_rows(
        {
            "file": itemgetter("name"),
            "bytes": itemgetter("size"),
            "rows": lambda each: each.get("rows"),
            "SHA-256": itemgetter("sha256"),
        },
        publication.manifest["files"],
    )


@app.command("statement")
def print_statement(
    asked: Annotated[
        str, typer.Argument(metavar="NAME_OR_HASH", help="Name of the statement in a manifest, or its SHA-256.")
    ],
) -> None:
    """Print the SQL statement that a publication names, in exactly the bytes that its SHA-256 was computed from."""
    try:
        name = find_statement(asked)
    except LookupError as error:
        raise refuse(error.args[0]) from None
    # Standard output has only the text, so that sha256sum gives the same hash. The name goes to standard error.
    sys.stderr.write(f"{name}  SHA-256 {statement_hash(name)}\n")
    sys.stdout.write(statement_text(name))


@app.command("mail")
def mail(
    number: Annotated[int, typer.Argument(min=1, help="Number of the publication.")],
    bodies: Annotated[
        list[str] | None,
        typer.Argument(
            help="department, home_affairs, justice, committee, or an agency's code. By default, all with recipients."
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Mail also recipients who have the mail already.")] = False,
) -> None:
    """Mail a publication to recipients who do not have it yet. Exit code 1 if a recipient is not reached."""
    failed = False
    try:
        chosen = bodies or bodies_of(number)
    except LookupError as error:
        raise refuse(error) from None
    for body in chosen:
        try:
            counts = mail_publications([number], body, again=again)
        except LookupError as error:
            raise refuse(error) from None
        except (MailsNotSent, FileChanged) as error:
            print_error(error)
            failed = True
        else:
            summary = f"{counts['recipients']} recipient(s), {counts['sent']} mailed, {counts['had_it']} had it before."
            say(f"{body}: {summary}")
    if failed:
        raise typer.Exit(1)


@app.command("verify-all")
def verify_every(by: By = None) -> None:
    """Verify every publication, and search for folders that belong to no publication. Exit code 1 if a fault is found.

    The results are stored for the staff pages if a person signs them and the database role may write.
    """
    failed = looked = 0
    who = signed_if_known(by)
    for checked in verify_all():
        _print_verification(checked)
        _store_result(checked, who)
        looked += 1
        failed += bool(checked.faults)
    for stray in stray_folders():
        say(f"  DIFFERS: {stray}", "red")
        failed += 1
    say(f"{looked} publication(s) verified, {failed} fault(s)." if looked else "Nothing is published yet.")
    if failed:
        raise typer.Exit(1)


def verify(
    publication: Annotated[
        str, typer.Argument(help="Number of the publication, its folder, or the path of a manifest.json.")
    ],
    by: By = None,
) -> None:
    """Verify a publication: its files, its place in the chain of publications, its figures. Exit code 1 for a fault.

    Reads only the schema audit, so that the role motcua_audit is enough (set AIRFLOW_CONN_MOTCUA_DB to that role). The
    result is stored for the staff pages if a person signs it, the role may write, and the files are those in the store.
    """
    who = signed_if_known(by)
    checked = verify_publication(publication)
    _print_verification(checked)
    _store_result(checked, who)
    if checked.faults:
        raise typer.Exit(1)


def _store_result(checked: Verification, who: str | None) -> None:
    """Store the result of a verification for the staff pages, or print why it is not stored."""
    if not checked.in_store:
        sentence = "Result not stored: this is a copy, not the publication in the store."
    elif who is None:
        sentence = "Result not stored: nobody signed it. Sign with --by NAME, or for all commands MOTCUA_PERSON=NAME."
    elif keep_verification(checked, who):
        sentence = f"Result stored, signed by {who}."
    else:
        sentence = "Result not stored: this role may only read."
    say(sentence)


def _print_verification(checked: Verification) -> None:
    """Print what a verification found, and its verdict."""
    own = checked.publication
    say(f"Publication {own.publication_no}, {own.period}, closing {own.closing_no}", "bold")
    for held in checked.held:
        say(f"  holds: {held}")
    for remark in checked.remarks:
        say(f"  note: {remark}", style="yellow")
    for fault in checked.faults:
        say(f"  DIFFERS: {fault}", style="red")
    verdict = f"{len(checked.faults)} difference(s)." if checked.faults else "Everything holds."
    say(verdict, "red" if checked.faults else "green")
