"""Commands ``motcua migrate``, ``provision``, ``identity``, ``latency``, ``quarantine``, ``inquiries`` and
``data-dictionary``."""

from __future__ import annotations

import os
import string
from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict

from motcua.commands.lists import list_command
from motcua.commands.terminal import print_rows, refuse, say, typed_window
from motcua.domain.reconciliation import STATES
from motcua.jobs.listing.lists import UNUSABLE
from motcua.store.ledger.database import connect
from motcua.store.ledger.inspecting import data_dictionary
from motcua.store.ledger.migrations import migrate
from motcua.store.ledger.provisioning import Role, provision_ledger
from motcua.store.notices.gaps import list_gaps, messages_of_gap
from motcua.store.notices.inquiries import inquiries_by_outcome
from motcua.store.oversight.accounting import identity, latency, summed_up


def migrate_ledger() -> None:
    """Create an empty ledger, or apply missing migrations, over the connection motcua_db_owner or else motcua_db."""
    applied = migrate()
    say("\n".join(f"applied {name}" for name in applied) or "The ledger is up to date.")


def show_identity(
    by_procedure: Annotated[bool, typer.Option("--by-procedure", help="Print a row for each procedure.")] = False,
    since: Annotated[datetime | None, typer.Option(help="Recorded from this time on, clock of Vietnam.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Recorded before this time, clock of Vietnam.")] = None,
) -> None:
    """Print by agency and kind how many messages must exist and how many exist in each state; exit 1 if they differ."""
    window = typed_window(since, until)
    with connect() as connection:
        rows = identity(connection, window)
        gaps = list_gaps(connection)
        gap_messages = {gap.gap_no: messages_of_gap(connection, gap.gap_no) for gap in gaps}
    if not rows:
        say("No transition calls for a message yet.")
        return
    names = ("agency_code", "procedure_code", "kind") if by_procedure else ("agency_code", "kind")
    (total,) = summed_up(rows)
    terms = [term for term in STATES if getattr(total, term)]
    print_rows(
        {
            names[0]: lambda row: "all" if row is total else row.agency_code,
            **{name: name for name in (*names[1:], "expected", *terms, "difference")},
        },
        [*summed_up(rows, *names), total],
        title="Accounting identity",
        caption="terms of 0 left out",
        style=lambda row: "bold" if row is total else "red" if row.difference else None,
    )
    for gap in gaps:
        states = ", ".join(f"{each.messages} {each.state}" for each in gap_messages[gap.gap_no])
        say(
            f"gap {gap.gap_no}, {'open' if gap.closed_at is None else 'closed'}: the messages that were sent, or may "
            f"have been sent, before the ledger was restored are now: {states or 'none'}"
        )
    if any(row.difference for row in rows):
        raise typer.Exit(1)


def show_latency(
    minutes: Annotated[int, typer.Option(min=1, help="Only messages picked up in the last MINUTES minutes.")] = 60,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the latest first.")] = 1000,
    must_reach: Annotated[
        float | None, typer.Option(help="Exit 1 unless p95 is at most this many seconds, over at least 100 messages.")
    ] = None,
) -> None:
    """Print the seconds from the recording of a transition until a gateway accepted the message about it."""
    with connect() as connection:
        figures = latency(connection, datetime.now(UTC) - timedelta(minutes=minutes), limit)
    if not figures.messages:
        say(f"No message was accepted in the last {minutes} minutes.")
        raise typer.Exit(1 if must_reach else 0)
    print_rows(
        {
            "messages": "messages",
            "p50 s": lambda row: f"{row.p50:.2f}",
            "p95 s": lambda row: f"{row.p95:.2f}",
            "p99 s": lambda row: f"{row.p99:.2f}",
            "longest s": lambda row: f"{row.longest:.2f}",
        },
        [figures],
        title="Recorded → accepted by the gateway",
    )
    if must_reach is not None and (figures.messages < 100 or figures.p95 > must_reach):
        raise typer.Exit(1)


def add_quarantine(app: typer.Typer) -> None:
    """Add the command that lists rows of sources that cannot be used yet."""
    list_command(
        app,
        "quarantine",
        UNUSABLE,
        "List rows of the sources that cannot be used yet, with the reason and the remedy.",
        "Nothing is in quarantine.",
    )


def show_data_dictionary() -> None:
    """Print every table and column of the ledger with its meaning, from the database's own comments, as Markdown."""
    with connect() as connection:
        typer.echo(data_dictionary(connection), nl=False)


def show_inquiries() -> None:
    """Print inquiries to 9029 and the fees paid, by gateway and outcome."""
    with connect() as connection:
        rows = inquiries_by_outcome(connection)
    print_rows(
        {
            "gateway": "gateway",
            "outcome": "outcome",
            "inquiries": "inquiries",
            "đồng": "fees",
            "told ready, not handed over": "told_result",
        },
        rows,
        empty="Nobody has asked yet.",
        title="Inquiries",
    )


# --- The roles and databases of a real server ------------------------------------------------------------------------

LEDGER, AIRFLOW = "motcua", "motcua_airflow"
"""Databases of the ledger and of Airflow."""

_ROLES = {
    "MOTCUA_OWNER_PASSWORD": "motcua_owner",
    "MOTCUA_APP_PASSWORD": "motcua_app",
    "MOTCUA_AUDIT_PASSWORD": "motcua_audit",
    "MOTCUA_AIRFLOW_PASSWORD": "motcua_airflow",
    "MOTCUA_CALLBACKS_PASSWORD": "motcua_callbacks",
    "MOTCUA_INTAKE_PASSWORD": "motcua_intake",
    "MOTCUA_PAGES_PASSWORD": "motcua_pages",
    "MOTCUA_PURGE_PASSWORD": "motcua_purge",
}
_MAY_BE_EMPTY = "MOTCUA_AUDIT_PASSWORD"
"""Variable that may be empty. The role of the auditors then has no password, and nobody can log in with that role."""
_NEEDS_NO_PERCENT_SIGNS = frozenset(string.ascii_letters + string.digits + "-._~")


def provision() -> None:
    """Create the roles and databases, or set the roles' passwords again. Safe to repeat.

    Reads MOTCUA_ADMIN_DSN (an administrator) and
    MOTCUA_{OWNER,APP,AUDIT,AIRFLOW,CALLBACKS,INTAKE,PAGES,PURGE}_PASSWORD. If MOTCUA_AUDIT_PASSWORD is empty, nobody
    can log in as motcua_audit.
    """
    given = {name: os.environ.get(name, "") for name in ("MOTCUA_ADMIN_DSN", *_ROLES)}
    if missing := [name for name, value in given.items() if not value and name != _MAY_BE_EMPTY]:
        raise refuse(f"Set {', '.join(missing)} in the environment.")
    for name in _ROLES:
        # Connection URLs contain these passwords. In a URL, a character that must be percent-encoded could end the
        # password or the host.
        if not _NEEDS_NO_PERCENT_SIGNS.issuperset(given[name]):
            raise refuse(
                f"{name} may contain only letters, digits, '-', '.', '_' and '~', because addresses contain it."
            )
    admin_dsn = given["MOTCUA_ADMIN_DSN"]
    try:
        conninfo_to_dict(admin_dsn)
    except psycopg.ProgrammingError:
        # The driver's own message would quote the password.
        raise refuse(
            "MOTCUA_ADMIN_DSN is not an address. Write postgres://<administrator>:<password>@<host>:5432/postgres."
        ) from None
    owner, app, audit, airflow, *others = (Role(role, given[name]) for name, role in _ROLES.items())
    left = provision_ledger(admin_dsn, LEDGER, owner, app, audit, airflow, AIRFLOW, others)
    typer.echo(f"Databases {LEDGER} and {AIRFLOW}; roles {', '.join(_ROLES.values())}.")
    if left:
        typer.echo(
            f"Rights not removed, because this administrator may not remove them or an earlier program may need them: "
            f"{'; '.join(left)}."
        )
