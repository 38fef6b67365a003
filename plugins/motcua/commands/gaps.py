"""Commands ``motcua gaps``: times of which a restored or paused ledger may lack data, and how each gap was closed.

The journal is a folder outside the ledger with a line for each attempt to send. A ledger sleeps while its machine
stands still, as when a virtual machine is paused. Meanwhile its disk may have been restored.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from motcua.commands.terminal import (
    AsDepartment,
    By,
    local_moment,
    must_be_department,
    print_rows,
    refuse,
    say,
    signed,
    without_phone,
)
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
    help="Gaps: times that the ledger may not remember, because it was or may have been restored, and their messages.",
    no_args_is_help=True,
)

_KINDS = {
    "behind_journal": "the ledger was restored: its journal has later attempts",
    "other_journal": "the ledger was kept with a journal that is not here",
    "behind_watch": "the watch had seen later messages than the ledger has",
    "slept": "the ledger slept, and may have been put back",
}


@app.command("list")
def list_all() -> None:
    """List gaps, the latest first. Exit code 1 if a gap is open, or the journal is damaged or ahead of the ledger."""
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
        say("The ledger has no gap: it was never behind its journal.")
    if lost:
        say(
            f"The ledger is behind its journal: {lost} attempt(s) that were sent are not in it. The next run reads "
            "them before it sends anything.",
            "red",
        )
    if damage is not None:
        say(f"The journal is damaged: {damage}.", "red")
    if believed is not None:
        say(
            f"A ledger that slept is trusted, signed by {believed.said_by}, {local_moment(believed.said_at)}: "
            f"{believed.reason}"
        )
    if lost or damage is not None or any(gap.closed_at is None for gap in gaps):
        raise typer.Exit(1)


def _print_gaps(gaps: list[Gap]) -> None:
    """Print the gaps as a table."""

    def looked_at(gap: Gap) -> object:
        open_words = (
            "nothing is sent" if gap.held_until is None else f"messages up to {local_moment(gap.held_until)} on hold"
        )
        return gap.closed_at or f"open: {open_words}"

    print_rows(
        {
            "gap": "gap_no",
            "why": lambda gap: _KINDS[gap.kind],
            "noticed": "noticed_at",
            "ledger until": lambda gap: gap.slept_since or gap.ledger_until,
            "journal until": "journal_until",
            "lost attempts": "lost_attempts",
            "not found": "not_found",
            "looked at": looked_at,
            "by": "closed_by",
        },
        gaps,
        style=lambda gap: "red" if gap.closed_at is None else None,
    )
    opened = next((gap for gap in gaps if gap.closed_at is None), None)
    if opened is None:
        return
    close = f'motcua gaps close {opened.gap_no} --as-department --reason "…"'
    if opened.held_until is None:
        say(
            "Put the journal back (MOTCUA_JOURNAL). The next run reads it. If it is lost, run "
            f"{close} with --sent-until (the last time at which the ledger may have sent) or, if the ledger knows all "
            "sent messages, with --nothing-sent."
        )
    else:
        say(
            f"If the server was only off, run {close} --nothing-sent. If its disk was restored to an earlier state, "
            f"run {close} --put-back."
        )


@app.command("show")
def show(gap_no: Annotated[int, typer.Argument(help="Number from 'motcua gaps list'.")]) -> None:
    """Show one gap: its sent messages with their present states, and the messages that the ledger does not have yet."""
    with connect() as connection:
        gap = _require_gap(list_gaps(connection, limit=10_000), gap_no)
        counts = messages_of_gap(connection, gap_no)
        unfound = not_found(connection, gap_no)
    say(f"Gap {gap.gap_no}, noticed {local_moment(gap.noticed_at)}: {_KINDS[gap.kind]}.")
    say(
        f"Attempts that were sent and that the ledger did not know: {gap.lost_attempts}. Messages put on hold then: "
        f"{gap.held_messages}."
    )
    if gap.closed_at is None and gap.held_until is not None:
        say(f"Open: messages recorded up to {local_moment(gap.held_until)} are on hold.", "red")
    elif gap.closed_at is None:
        say("Open: nothing is sent.", "red")
    elif gap.reason is not None:
        until = "nothing was sent" if gap.sent_until is None else f"sent until {local_moment(gap.sent_until)}"
        say(f"Closed by {gap.closed_by}: {until}. {gap.reason}")
    if counts:
        heads = {"kind": "kind", "state now": "state", "messages": "messages"}
        print_rows(heads, counts, title="Messages sent, or maybe sent, in the gap")
    if unfound:
        print_rows(
            {
                "sent": "departed_at",
                "gateway": "gateway",
                "source": "source",
                "agency": "agency_code",
                "dossier": "dossier_code",
                "kind": "kind",
                "occasion": "occasion",
                "answer": lambda each: each.outcome or "none",
            },
            unfound,
            title="Not found",
        )
        say("Their sources have not shown these dossiers again. When they do, the messages are found automatically.")


@app.command("close")
def close(
    gap_no: Annotated[int, typer.Argument(help="Number from 'motcua gaps list'.")],
    reason: Annotated[str, typer.Option(help="The reason. It is stored for auditors.", callback=without_phone)],
    sent_until: Annotated[
        datetime | None,
        typer.Option(
            help="The last time at which the ledger may have sent, clock of Vietnam. Messages recorded up to then "
            "wait for a person's release."
        ),
    ] = None,
    nothing_sent: Annotated[
        bool,
        typer.Option(
            "--nothing-sent",
            help="The ledger is complete: the server was only off, or only its journal is lost. Sending continues.",
        ),
    ] = False,
    put_back: Annotated[
        bool,
        typer.Option(
            "--put-back",
            help="The ledger was restored to an earlier state: citizens may have got the held messages already.",
        ),
    ] = False,
    as_department: AsDepartment = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    by: By = None,
) -> None:
    """Close a gap that the journal cannot explain, with one decision for all its messages. Stores who and why."""
    must_be_department(as_department)
    if not reason.strip():
        raise refuse("Give the reason with --reason. It is stored for auditors.")
    if (sent_until is not None) + nothing_sent + put_back != 1:
        raise refuse(
            "Give one of --sent-until (the last time at which the ledger may have sent), --put-back and --nothing-sent."
        )
    who = signed(by)
    question = "A message that was sent in the gap is sent again. Are you sure that the ledger knows all sent messages?"
    if nothing_sent and not yes and not typer.confirm(question):
        raise typer.Exit(1)
    until = None if sent_until is None else sent_until.replace(tzinfo=VIETNAM)
    with connect() as connection:
        if put_back:
            until = _require_gap(list_gaps(connection, limit=10_000), gap_no).held_until
            if until is None:
                raise refuse("It is not known which messages are on hold. Give the time with --sent-until.")
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
    say(f"Gap {gap_no} is closed; the next run sends again.")
    if held:
        say(f"Citizens may have got {held} message(s) already. motcua messages held lists them.")


@app.command("believe")
def believe(
    reason: Annotated[str, typer.Option(help="The reason. It is stored for auditors.", callback=without_phone)],
    as_department: AsDepartment = False,
    by: By = None,
) -> None:
    """Sign that the ledger's or the journal's disk is never restored. Messages then do not wait after a sleep."""
    must_be_department(as_department)
    if not reason.strip():
        raise refuse("Give the reason with --reason. It is stored for auditors.")
    who = signed(by)
    with connect() as connection:
        if not believe_sleeps(connection, who, reason.strip(), datetime.now(UTC)):
            raise refuse("This is signed already. See motcua gaps list.")
    say("From now on, a ledger that slept is trusted. Withdraw this with motcua gaps doubt.")


@app.command("doubt")
def doubt(
    as_department: AsDepartment = False,
    by: By = None,
) -> None:
    """Withdraw the signature of ``believe``. After a sleep, messages then wait until a person closes the gap."""
    must_be_department(as_department)
    who = signed(by)
    with connect() as connection:
        if not doubt_sleeps(connection, who, datetime.now(UTC)):
            raise refuse("Nobody had signed this. See motcua gaps list.")
    say("From now on, messages recorded before a sleep are on hold until a person closes the gap.")


def _require_gap(gaps: list[Gap], gap_no: int) -> Gap:
    """Return a gap by its number, or end the command with exit code 2."""
    for gap in gaps:
        if gap.gap_no == gap_no:
            return gap
    raise refuse(f"There is no gap {gap_no}. See motcua gaps list.")
