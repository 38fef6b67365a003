"""Commands ``motcua demo`` and ``motcua smoke``: run the whole system on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from motcua.settings import settings


def demo() -> None:
    """Run the whole system on this machine, with simulated sources and phones, until Ctrl-C."""
    from motcua.sandbox.demo import run_demo

    raise typer.Exit(run_demo())


def connect_to_demo() -> None:
    """Use the environment of a demo on this machine, if no connection to a ledger is set.

    Variables that are already set keep their values.
    """
    if "AIRFLOW_CONN_MOTCUA_DB" in os.environ:
        return
    from motcua.sandbox.machine.deployment import kept_environment

    for name, value in kept_environment(settings().data).items():
        os.environ.setdefault(name, value)
    settings.cache_clear()


def smoke(
    folder: Annotated[
        Path | None,
        typer.Option(
            help="A new folder for the demo's data. It is not deleted: MOTCUA_DATA=FOLDER motcua demo continues there."
        ),
    ] = None,
) -> None:
    """Run the demo without a person, wait until messages are delivered, check the results, and stop."""
    from motcua.sandbox.smoke import run_smoke

    raise typer.Exit(run_smoke(folder))
