"""Commands ``motcua sources``: list and check the sources, and map their status codes.

The source contract is the two views, with their columns and meanings, that every source must offer.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from psycopg.errors import CheckViolation
from rich.markup import escape
from rich.table import Table

from motcua.commands.lists import Most, Search, Sort, To, csv_of, print_list
from motcua.commands.terminal import By, console, local_moment, refuse, say, signed
from motcua.jobs.checking.checking import UnknownSource, check_source
from motcua.jobs.listing.lists import SOURCES, check_of
from motcua.reports.checks import check_words, in_words, terms_of, verdict
from motcua.reports.wording import count
from motcua.settings import settings
from motcua.store.checking.checks import SourceCheck
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import map_status, mapped_statuses

app = typer.Typer(help="The one-stop databases.", no_args_is_help=True)
_ONLY_WARNINGS = 3
"""Exit code of a check that found only warnings, which do not forbid going live."""


@app.command("list")
def list_all(search: Search = "", sort: Sort = "", most: Most = 200, to: To = None) -> None:
    """List the sources with their adapters, how far each was read, and failures."""
    print_list(
        SOURCES, {"q": search, "sort": sort}, most=most, to=to, empty="No source is configured: set MOTCUA_SOURCES."
    )
    with connect() as connection:
        ending = [each for each in mapped_statuses(connection) if each.ends_at is not None]
    for each in ending:
        say(
            f"{each.source}: status {each.source_status} belongs to the contract, and is mapped to {each.status_code} "
            f"only until {local_moment(each.ends_at)}. Translate it in the source's view, adapter or export form by "
            "then.",
            "yellow",
        )


@app.command("map-status")
def map_one_status(
    source: str,
    source_status: Annotated[int, typer.Argument(min=-32_768, max=32_767, help="Code as the source writes it.")],
    status_code: Annotated[int, typer.Argument(min=1, max=10, help="National code 1-10 that it stands for.")],
    by: By = None,
) -> None:
    """Map a source's status code to a national code, at once. Rows refused for the code are used at the next reading.

    Codes 1-10 belong to the source contract and are never mapped. A source that uses them with another meaning must
    translate them in its view, adapter or export form. If an earlier version of this software mapped such a code,
    remove the mapping by mapping the code to itself: map-status SOURCE 2 2.
    """
    who = signed(by)
    with connect() as connection:
        try:
            known = map_status(connection, source, source_status, status_code, who)
        except CheckViolation:
            raise refuse(
                f"Status {source_status} belongs to the contract and is never mapped. Translate it in the source's "
                "view, adapter or export form (docs/sources.md)."
            ) from None
        if not known:
            raise refuse(f"There is no source {source}, or it was never read.")
    say(f"{source}: status {source_status} is mapped to {status_code}.")


@app.command("check")
def check_one(
    source: Annotated[str, typer.Argument(help="Name in MOTCUA_SOURCES.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a monitor.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, to send to the vendor.")] = False,
) -> None:
    """Compare a source with the source contract; print in Vietnamese what the vendor must correct. Only reads it.

    The result is stored for the page of sources. Exit code 0: no finding; 1: a finding forbids going live; 3: only
    warnings.
    """
    try:
        check = check_source(source)
    except UnknownSource:
        raise refuse(f"There is no source {source}: MOTCUA_SOURCES names {', '.join(settings().sources)}.") from None
    if as_json:
        typer.echo(json.dumps(_as_record(check), ensure_ascii=False, indent=2))
    elif as_csv:
        typer.echo(csv_of(check_of(check, settings().sources[check.source])), nl=False)
    else:
        _print_check(check)
    if check.findings:
        raise typer.Exit(1 if check.forbids else _ONLY_WARNINGS)


def _as_record(check: SourceCheck) -> dict[str, object]:
    """Return a source check as a record for JSON."""
    return {
        "source": check.source,
        "checked_at": check.checked_at.isoformat(),
        "dossiers": check.dossiers,
        "transitions": check.transitions,
        "forbids": check.forbids,
        "findings": [
            {
                "kind": each.finding.name,
                "severity": each.finding.severity,
                **each.finding.facts,
                "since": each.since.isoformat(),
                "title": (texts := in_words(each.finding, settings().sources[check.source])).title,
                "found": texts.found,
                "why": texts.meaning,
                "action": texts.todo,
                "page": texts.address,
            }
            for each in check.findings
        ],
    }


def _print_check(check: SourceCheck) -> None:
    """Print the findings of a source check."""
    out, words = console(), check_words()["shown"]
    if check.findings:
        table = Table(words["severity"], words["breach"], words["told"], show_lines=True)
        for each in check.findings:
            texts, examples = in_words(each.finding, settings().sources[check.source]), each.finding.facts["examples"]
            description = texts.found + (f"\n{words['examples'].format(codes=', '.join(examples))}" if examples else "")
            table.add_row(
                escape(check_words()["severity"][texts.severity]),
                f"{each.finding.name}\n{escape(texts.title)}\n{words['since'].format(moment=local_moment(each.since))}",
                f"{escape(description)}\n{escape(texts.meaning)}\n→ {escape(texts.todo)}\n{escape(texts.address)}",
                style="red" if texts.severity == "error" else None,
            )
        out.print(table)
        if terms := terms_of(settings().sources[check.source]):
            say(terms)
    say(
        words["looked"].format(
            source=check.source,
            dossiers=count(check.dossiers),
            transitions=count(check.transitions),
            verdict=verdict([each.finding.severity for each in check.findings]),
        )
    )
