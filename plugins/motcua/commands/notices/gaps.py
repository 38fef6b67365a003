"""``motcua gaps``: what a restored ledger does not remember, what one that slept may not, and what became of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.signing import By, signed
from motcua.commands.terminal import console, local_moment, refuse, without_phone
from motcua.domain.clock import VIETNAM
from motcua.jobs.restoring import close_by_hand, lost_attempts
from motcua.store.journal import JournalFailed, open_journal
from motcua.store.ledger.database import connect
from motcua.store.notices.gaps import (
    Gap,
    belief,
    believe_sleeps,
    doubt_sleeps,
    list_gaps,
    messages_of_gap,
    not_found,
)

app = typer.Typer(
    help="What a ledger does not remember that was restored, or may have been, and what became of it.",
    no_args_is_help=True,
)
_console = console()

_KINDS = {
    "behind_journal": "the ledger was restored: its journal knew more",
    "other_journal": "the ledger was kept with a journal that is not here",
    "behind_watch": "the watch had seen later messages than the ledger has",
    "slept": "the ledger slept, and may have been put back",
}


@app.command("list")
def list_all() -> None:
    """List gaps, the latest first; exit 1 while one is open, the ledger is behind its journal, or that is damaged."""
    with connect() as connection:
        gaps = list_gaps(connection)
        believed = belief(connection)
        try:
            lost, damage = lost_attempts(connection), open_journal().damage(date.min)
        except JournalFailed as failure:
            lost, damage = 0, str(failure)
    if gaps:
        _print_gaps(gaps)
    elif not lost:
        _console.print("The ledger has no gap: it was never behind its journal.")
    if lost:
        _console.print(
            f"The ledger is behind its journal: {lost} attempt(s) that left are not in it. The next run reads them "
            "before it sends anything.",
            style="red",
        )
    if damage is not None:
        _console.print(f"The journal is damaged: {damage}.", style="red", markup=False)
    if believed is not None:
        _console.print(
            f"A sleep is believed, says {believed.said_by}, {local_moment(believed.said_at)}: {believed.reason}",
            markup=False,
        )
    if lost or damage is not None or any(gap.closed_at is None for gap in gaps):
        raise typer.Exit(1)


def _print_gaps(gaps: list[Gap]) -> None:
    table = Table("gap", "why", "noticed", "ledger until", "journal until", "left", "not found", "looked at", "by")
    for gap in gaps:
        open_words = "nothing is sent" if gap.held_until is None else f"held up to {local_moment(gap.held_until)}"
        table.add_row(
            str(gap.gap_no),
            _KINDS[gap.kind],
            local_moment(gap.noticed_at),
            local_moment(gap.slept_since or gap.ledger_until),
            local_moment(gap.journal_until),
            str(gap.lost_attempts),
            str(gap.not_found),
            f"[red]open: {open_words}[/red]" if gap.closed_at is None else local_moment(gap.closed_at),
            escape(gap.closed_by or ""),
        )
    _console.print(table)
    opened = next((gap for gap in gaps if gap.closed_at is None), None)
    if opened is None:
        return
    if opened.held_until is None:
        _console.print("Put the journal back (MOTCUA_JOURNAL): it is read by itself. Lost for good: motcua gaps close.")
    else:
        _console.print(
            f"Was the server only off: motcua gaps close {opened.gap_no} --nothing-sent. Was its disk put back to an "
            f"earlier state: motcua gaps close {opened.gap_no} --put-back."
        )


@app.command("show")
def show(gap_no: Annotated[int, typer.Argument(help="Number from 'motcua gaps list'.")]) -> None:
    """Show one gap: what left in it, how those messages stand now, and which the sources did not tell of again."""
    with connect() as connection:
        gap = _find(list_gaps(connection, limit=10_000), gap_no)
        counts = messages_of_gap(connection, gap_no)
        unfound = not_found(connection, gap_no)
    _console.print(f"Gap {gap.gap_no}, noticed {local_moment(gap.noticed_at)}: {_KINDS[gap.kind]}.", markup=False)
    _console.print(
        f"Attempts that left and that the ledger did not know: {gap.lost_attempts}. Messages held then: "
        f"{gap.held_messages}.",
        markup=False,
    )
    if gap.closed_at is None and gap.held_until is not None:
        _console.print(f"Open: what was recorded up to {local_moment(gap.held_until)} is held.", style="red")
    elif gap.closed_at is None:
        _console.print("Open: nothing is sent.", style="red")
    elif gap.reason is not None:
        until = "nothing was sent" if gap.sent_until is None else f"sent until {local_moment(gap.sent_until)}"
        _console.print(f"Closed by {gap.closed_by}: {until}. {gap.reason}", markup=False)
    if counts:
        table = Table("kind", "state now", "messages", title="Told, or maybe told, in the gap")
        for count in counts:
            table.add_row(count.kind, count.state, str(count.messages))
        _console.print(table)
    if unfound:
        table = Table("left", "gateway", "source", "agency", "dossier", "kind", "occasion", "answer", title="Not found")
        for each in unfound:
            table.add_row(
                local_moment(each.departed_at),
                each.gateway,
                each.source,
                escape(each.agency_code),
                escape(each.dossier_code),
                each.kind,
                escape(each.occasion),
                each.outcome or "none",
            )
        _console.print(table)
        _console.print("Their sources have not told of them again; as soon as they do, they are found by themselves.")


@app.command("close")
def close(
    gap_no: Annotated[int, typer.Argument(help="Number from 'motcua gaps list'.")],
    reason: Annotated[str, typer.Option(help="Why, kept for auditors.", callback=without_phone)],
    sent_until: Annotated[
        datetime | None,
        typer.Option(help="What was recorded up to then may have been told: it is held for people; clock of Vietnam."),
    ] = None,
    nothing_sent: Annotated[
        bool,
        typer.Option(
            "--nothing-sent",
            help="The ledger is whole: the server was only off, or only its journal is lost. All goes on.",
        ),
    ] = False,
    put_back: Annotated[
        bool,
        typer.Option(
            "--put-back", help="The ledger was put back to an earlier state: what is held may have been told."
        ),
    ] = False,
    as_department: Annotated[
        bool, typer.Option("--as-department", help="You decide for the Department, which alone may.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    by: By = None,
) -> None:
    """Say what became of a gap that the journal cannot tell, one for all; who and why is kept."""
    if not as_department:
        raise refuse("Only the Department may decide this: --as-department.")
    if not reason.strip():
        raise refuse("Say why with --reason; it is kept for auditors.")
    if (sent_until is not None) + nothing_sent + put_back != 1:
        raise refuse(
            "Say one of --sent-until, the last moment at which the ledger may have sent, --put-back and --nothing-sent."
        )
    who = signed(by)
    question = "What was told in the gap is told again. Was nothing sent that the ledger does not know?"
    if nothing_sent and not yes and not typer.confirm(question):
        raise typer.Exit(1)
    until = None if sent_until is None else sent_until.replace(tzinfo=VIETNAM)
    with connect() as connection:
        if put_back:
            until = _find(list_gaps(connection, limit=10_000), gap_no).held_until
            if until is None:
                raise refuse("Nobody knows here what is held: say --sent-until.")
        try:
            held = close_by_hand(
                connection,
                gap_no,
                closed_by=who,
                reason=reason.strip(),
                sent_until=until,
                now=datetime.now(UTC),
            )
        except (LookupError, JournalFailed) as failure:
            connection.rollback()
            raise refuse(failure) from None
    _console.print(f"Gap {gap_no} is closed; the next run sends again.")
    if held:
        _console.print(f"{held} message(s) may have been told: motcua messages held.")


@app.command("believe")
def believe(
    reason: Annotated[str, typer.Option(help="Why, kept for auditors.", callback=without_phone)],
    as_department: Annotated[
        bool, typer.Option("--as-department", help="You decide for the Department, which alone may.")
    ] = False,
    by: By = None,
) -> None:
    """Sign that this server's disk is never put back, or its journal never with it: then a sleep is believed."""
    if not as_department:
        raise refuse("Only the Department may decide this: --as-department.")
    if not reason.strip():
        raise refuse("Say why with --reason; it is kept for auditors.")
    who = signed(by)
    with connect() as connection:
        if not believe_sleeps(connection, who, reason.strip(), datetime.now(UTC)):
            raise refuse("That is signed already: motcua gaps list.")
    _console.print("From now on a ledger that slept is believed. Take it back: motcua gaps doubt.")


@app.command("doubt")
def doubt(
    as_department: Annotated[
        bool, typer.Option("--as-department", help="You decide for the Department, which alone may.")
    ] = False,
    by: By = None,
) -> None:
    """Take back that a ledger that slept is believed."""
    if not as_department:
        raise refuse("Only the Department may decide this: --as-department.")
    who = signed(by)
    with connect() as connection:
        if not doubt_sleeps(connection, who, datetime.now(UTC)):
            raise refuse("Nobody had signed that: motcua gaps list.")
    _console.print("From now on what was recorded before a sleep is held until somebody says what became of it.")


def _find(gaps: list[Gap], gap_no: int) -> Gap:
    for gap in gaps:
        if gap.gap_no == gap_no:
            return gap
    raise refuse(f"There is no gap {gap_no}: motcua gaps list.")
