"""Commands ``motcua dossiers``: messages about a dossier, or why there are none, as on the staff page Hồ sơ."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from motcua.commands.lists import print_list
from motcua.commands.terminal import local_moment, refuse, say, typed_agencies, written_elsewhere
from motcua.domain.phones.reading import holds_phone, mask_for_staff
from motcua.jobs.explaining import CodeSearch, axis_lines, explain_dossier, find_by_code
from motcua.jobs.listing.lists import AXIS
from motcua.store.ledger.database import connect

app = typer.Typer(help="What citizens were told of a dossier, or why not.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Make typer treat ``dossiers`` as a group of commands, although it has only one command."""


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="Code of the dossier, in any spelling that 9029 reads.")],
    agency: Annotated[
        str | None,
        typer.Option("--agency", help="Code of the dossier's agency, if several agencies use the dossier's code."),
    ] = None,
) -> None:
    """Print the sentence to read aloud to the citizen, and below it the dossier's events, the newest first.

    Phone numbers are masked. Exit code 2: there is no such dossier, or several agencies use the code.
    """
    if holds_phone(code):
        raise refuse(
            "That looks like a phone number: dossiers are found by their code here, by number on the page Hồ sơ."
        )
    now = datetime.now(UTC)
    with connect() as connection:
        agency_code = None if agency is None else typed_agencies(connection, [agency])[0]
        found = find_by_code(connection, code, None, agency_code)
        if len(found.dossiers) != 1:
            raise refuse(_why_not_one(code, found, agency_code))
        explained = explain_dossier(connection, found.dossiers[0].dossier_id, None, now, _masked)
    if explained is None:
        raise refuse("The dossier changed during the search. Repeat the command.")
    dossier = explained.dossier
    say(explained.sentence)
    head = (dossier.dossier_code, f"{dossier.agency_name} ({dossier.agency_code})", local_moment(dossier.picked_up_at))
    say(" · ".join(head), "dim")
    print_list(AXIS.of(axis_lines(explained, _masked)), most=1_000)


def _masked(number: str | None) -> str:
    """Return a phone number in the masked form for staff; empty if there is none."""
    return mask_for_staff(number) if number else ""


def _why_not_one(code: str, found: CodeSearch, agency_code: str | None) -> str:
    """Return why a code does not lead to exactly one dossier."""
    asked = written_elsewhere(code)
    if found.dossiers:
        several = "; ".join(f"{each.dossier_code} --agency {each.agency_code}" for each in found.dossiers)
        return f"{len(found.dossiers)} dossiers match {asked}. Name one of them: {several}"
    if found.unusable:
        rows = ", ".join(sorted({f"{each.row_kind} {each.reason}" for each in found.unusable}))
        return f"No dossier {asked} yet, because its rows cannot be used ({rows}). See motcua quarantine."
    where = f" of {agency_code}" if agency_code else ""
    return (
        f"No dossier {asked}{where}. Check the code on the citizen's receipt, and whether its source is read: "
        "motcua sources list."
    )
