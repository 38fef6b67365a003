"""The ``motcua`` command, with which operators do everything that no DAG does."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer
from psycopg import Error

from motcua.commands import (
    agencies,
    apologies,
    backup,
    calendars,
    closings,
    complaints,
    dossiers,
    files,
    gaps,
    gateways,
    intake,
    ledger,
    messages,
    personal_data,
    publications,
    quality,
    sources,
    statements,
    stops,
    texts,
    users,
    watch,
)
from motcua.commands.demo import connect_to_demo, demo, smoke
from motcua.commands.doctor import doctor
from motcua.commands.phones import phones
from motcua.commands.set_up import set_up
from motcua.commands.status import status
from motcua.commands.terminal import SaysPlainly, print_error
from motcua.settings import SettingsUnusable
from motcua.store.ledger.database import reason_without_values
from motcua.version import software

app = typer.Typer(name="motcua", cls=SaysPlainly, no_args_is_help=True, pretty_exceptions_enable=False)


def _say_version(asked: bool) -> None:
    """Print the version and end the command; the callback of ``--version``."""
    if asked:
        typer.echo(software())
        raise typer.Exit


@app.callback()
def _motcua(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """MotcuaSMS: SMS notices on one-stop dossiers. Connections come from AIRFLOW_CONN_*, settings from MOTCUA_*."""


app.command("demo")(demo)
app.command("smoke")(smoke)
app.command("doctor")(doctor)
app.command("set-up")(set_up)
app.command("status")(status)
app.command("provision")(ledger.provision)
app.command("migrate")(ledger.migrate_ledger)
app.command("identity")(ledger.show_identity)
app.command("latency")(ledger.show_latency)
ledger.add_quarantine(app)
app.command("inquiries")(ledger.show_inquiries)
app.command("data-dictionary")(ledger.show_data_dictionary)
app.command("phones")(phones)
app.command("stop")(stops.stop)
app.command("go")(stops.go)
app.add_typer(agencies.app, name="agencies")
app.add_typer(apologies.app, name="apologies")
app.add_typer(backup.app, name="backup")
app.command("restore")(backup.restore)
app.add_typer(calendars.app, name="calendar")
app.add_typer(closings.app, name="closings")
app.add_typer(dossiers.app, name="dossiers")
app.add_typer(gaps.app, name="gaps")
app.add_typer(sources.app, name="sources")
app.add_typer(intake.app, name="intake")
app.add_typer(files.app, name="files")
app.add_typer(gateways.app, name="gateways")
app.add_typer(texts.app, name="texts")
app.add_typer(messages.app, name="messages")
app.add_typer(quality.app, name="quality")
app.add_typer(statements.app, name="statements")
app.add_typer(complaints.app, name="complaints")
app.add_typer(personal_data.app, name="personal-data")
app.add_typer(users.app, name="users")
app.add_typer(watch.looking, name="watch")
app.add_typer(watch.app, name="alerts")
app.command("verify")(publications.verify)
app.add_typer(publications.app, name="publications")


def main() -> None:
    """Run the command. An error that an operator can correct is shown as one sentence with exit code 2."""
    logging.getLogger("airflow").setLevel(logging.ERROR)
    try:
        if sys.argv[1:2] not in (["--version"], ["demo"], ["doctor"], ["set-up"], ["smoke"], ["provision"]):
            connect_to_demo()
        app()
    except Exception as failure:
        sentence = _sentence(failure)
        if sentence is None:
            raise
        print_error(sentence)
        sys.exit(2)


def _sentence(failure: Exception) -> str | None:
    """Return a sentence for an error that an operator can correct, or ``None`` for any other error.

    Airflow's exception is recognized by its name, because importing Airflow writes files to Airflow's home folder.
    """
    if type(failure).__name__ == "AirflowNotFoundException":
        return f"{failure} Set the variable AIRFLOW_CONN_<NAME>, or add the connection in Airflow."
    if isinstance(failure, SettingsUnusable):
        return str(failure)
    if isinstance(failure, Error):
        return f"The database answered: {reason_without_values(failure)}"
    return None
