"""Commands ``motcua watch`` and ``motcua alerts``: the process that checks the system from outside Airflow, and its
alerts."""

from __future__ import annotations

import logging
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from motcua.commands.terminal import By, console, local_moment, refuse, signed
from motcua.domain.checks import ALERT_NAMES, key_of
from motcua.jobs.watching.elsewhere import AddressUnusable, NobodyToTell, OutsideWatch, address_of_server
from motcua.jobs.watching.keeping import AlreadyWatching, leave_acknowledgement, load_state
from motcua.jobs.watching.rounds import Rounds
from motcua.jobs.watching.watch import Watch
from motcua.reports.checks import alert_in_words
from motcua.settings import settings
from motcua.store.ledger.database import Connection, open_without_airflow
from motcua.store.watching.watch import acknowledge_alert, list_alerts, retire_watch, watch_life

looking = typer.Typer(help="Check from outside whether the system works, and inform people if it does not.")
app = typer.Typer(help="Alerts of the watch: list them, and acknowledge that you attend to one.", no_args_is_help=False)
_console = console()
_PATIENCE = 20.0
"""Seconds that an SQL statement of a command may take."""


@looking.callback(invoke_without_command=True)
def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Check once and exit, for example from cron.")] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="Stop expecting heartbeats of the watch, because you no longer use it.")
    ] = False,
) -> None:
    """Check from outside whether everything works, and inform people if it does not."""
    if context.invoked_subcommand is not None:
        return
    if retire:
        with open_without_airflow(_PATIENCE) as ledger:
            _console.print(
                "retired" if retire_watch(ledger) else "no heartbeat of the watch was expected", markup=False
            )
        return
    _run_watch(Watch(), once=once)


@looking.command("outside")
def watch_outside(
    once: Annotated[bool, typer.Option("--once", help="Check once and exit, for example from cron.")] = False,
) -> None:
    """Watch a server from another machine, at the address that motcua watch address prints on the server."""
    try:
        watching = OutsideWatch()
    except AddressUnusable as error:
        raise refuse(f"MOTCUA_WATCH_ADDRESS: {error}. On the server, motcua watch address prints it.") from None
    except NobodyToTell as error:
        raise refuse(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    _run_watch(watching, once=once)


@looking.command("address")
def show_address() -> None:
    """Print a watch.env for a machine that is to watch this server. Recipients and mail server must be filled in."""
    base, secret = os.environ.get("AIRFLOW__API__BASE_URL", ""), settings().metrics_secret
    if secret is None or not secret.get_secret_value():
        raise refuse("MOTCUA_METRICS_SECRET is not set here, so there is no page to watch. Set it in callbacks.env.")
    if not base:
        raise refuse(
            "AIRFLOW__API__BASE_URL is not set here. Set it to the address of the staff pages, https://<host>."
        )
    typer.echo(_WATCH_ENV.format(address=address_of_server(base, secret.get_secret_value())), nl=False)


_WATCH_ENV = """\
# For the machine that watches from outside, chmod 600: docs/operations/watch.md.
MOTCUA_WATCH_ADDRESS={address}
# Mail addresses that get the alerts, separated by commas. Or set MOTCUA_WATCH_WEBHOOK, to which alerts are posted.
MOTCUA_WATCH_RECIPIENTS=
# A mail server that accepts this machine's mails. Do not use a mail account of the watched server.
# If the mail server has no TLS, append &disable_tls=true.
AIRFLOW_CONN_SMTP_DEFAULT='smtp://<host>:25?from_email=<address>&disable_ssl=true'
"""


def _run_watch(watching: Rounds, *, once: bool) -> None:
    """Run the watch, once or until a signal ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        if once:
            state = watching.once()
            raised = sorted(alert.key for alert in state.alerts.values() if alert.raised_at is not None)
            _console.print(", ".join(raised) or "no alert is open", markup=False)
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        watching.go_on(stop)
    except AlreadyWatching as busy:
        raise refuse(f"{str(busy)[0].upper()}{str(busy)[1:]}.") from None
    except OSError as error:
        raise refuse(f"The folder {settings().watch_folder} cannot be used: {error.strerror}.") from None


class _NoLedgerHere(Exception):
    """Raised if this watch runs on another machine, where it stores its state in its folder and not in a ledger."""


def _open_ledger() -> Connection:
    """Open the ledger of this machine.

    Raises:
        _NoLedgerHere: the watch runs on another machine.
    """
    if settings().watch_address is not None:
        raise _NoLedgerHere
    return open_without_airflow(_PATIENCE)


@app.callback(invoke_without_command=True)
def show_alerts(
    context: typer.Context,
    days: Annotated[
        int, typer.Option(min=0, max=36_500, help="List also alerts that ended in the last DAYS days.")
    ] = 1,
) -> None:
    """List alerts that are open or ended recently. Exit code 1 if an open alert is not acknowledged."""
    if context.invoked_subcommand is not None:
        return
    now = datetime.now(UTC)
    table = Table("alert", "what", "since", "over", "acknowledged")
    waits = False
    try:
        with _open_ledger() as ledger:
            life = watch_life(ledger)
            alerts = list_alerts(ledger, now - timedelta(days=days), 200)
        for each in alerts:
            words = alert_in_words(each)
            known = f"{local_moment(each.acknowledged_at)} {each.acknowledged_by}" if each.acknowledged_at else ""
            is_open = each.over_at is None
            table.add_row(
                escape(key_of(each.name, each.subject)),
                escape(f"{words.title}\n{words.address}"),
                local_moment(each.raised_at),
                local_moment(each.over_at),
                escape(known),
                style="red" if is_open and not known else None,
            )
            waits |= is_open and not known
        seen = f"the watch last looked at {local_moment(life.looked_at)}" if life else "the watch never ran"
    except (psycopg.OperationalError, _NoLedgerHere):
        # Without the ledger, the watch's own folder has the open alerts.
        state = load_state(settings().watch_folder, now)
        for alert in state.alerts.values():
            if alert.raised_at is not None:
                words = alert_in_words(alert)
                by = alert.acknowledged_by or ""
                table.add_row(
                    escape(alert.key),
                    escape(f"{words.title}\n{words.address}"),
                    local_moment(alert.raised_at),
                    "",
                    escape(by),
                )
                waits |= not by
        seen = "no ledger answers here; these are the alerts in the watch's folder"
    if table.row_count:
        _console.print(table)
    else:
        _console.print("No alert is open.", markup=False)
    _console.print(seen, markup=False)
    if waits:
        raise typer.Exit(1)


@app.command("acknowledge")
def acknowledge(
    name: Annotated[str, typer.Argument(help="Name of the alert, or NAME/SUBJECT for only one subject.")],
    by: By = None,
) -> None:
    """State that you attend to an open alert. The alert stays open until its cause is gone. Pages show your name."""
    kind, _, subject = name.partition("/")
    if kind not in ALERT_NAMES:
        raise refuse(f"There is no alert {kind}. The alerts are {', '.join(ALERT_NAMES)}.")
    now, who = datetime.now(UTC), signed(by)
    try:
        with _open_ledger() as ledger:
            done = acknowledge_alert(ledger, kind, subject or None, who, now)
    except (psycopg.OperationalError, _NoLedgerHere):
        try:
            leave_acknowledgement(settings().watch_folder, kind, subject or None, who, now)
        except OSError as error:
            raise refuse(
                f"The ledger does not answer, and {settings().watch_folder} is not the watch's folder here"
                f" ({error.strerror}). Run this command where the watch runs."
            ) from None
        _console.print("No ledger answers here. The watch reads the acknowledgement in its next round.", markup=False)
        return
    if not done:
        raise refuse(f"There is no open alert {name} that is not acknowledged.")
    _console.print("\n".join(f"{key_of(kind, each)} acknowledged by {who}" for each in done), markup=False)
