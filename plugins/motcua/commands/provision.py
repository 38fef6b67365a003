"""`motcua provision`: the roles and databases of a real server."""

from __future__ import annotations

import os
import string
from typing import NoReturn

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict

from motcua.store.ledger.provisioning import Role, provision_ledger

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
_NEEDS_NO_PERCENT_SIGNS = frozenset(string.ascii_letters + string.digits + "-._~")


def provision() -> None:
    """Create the roles and databases, or give the roles their passwords anew; safe to repeat.

    Reads MOTCUA_ADMIN_DSN (an administrator) and
    MOTCUA_{OWNER,APP,AUDIT,AIRFLOW,CALLBACKS,INTAKE,PAGES,PURGE}_PASSWORD.
    """
    given = {name: os.environ.get(name, "") for name in ("MOTCUA_ADMIN_DSN", *_ROLES)}
    if missing := [name for name, value in given.items() if not value]:
        _refuse(f"Set {', '.join(missing)} in the environment.")
    for name in _ROLES:
        # These passwords stand in addresses, where anything else would end the password or the host.
        if not _NEEDS_NO_PERCENT_SIGNS.issuperset(given[name]):
            _refuse(f"{name} may hold letters, digits, '-', '.', '_' and '~' only: it stands in addresses.")
    admin_dsn = given["MOTCUA_ADMIN_DSN"]
    try:
        conninfo_to_dict(admin_dsn)
    except psycopg.ProgrammingError:
        # The driver's own words would quote the password.
        _refuse("MOTCUA_ADMIN_DSN is no address; write postgres://<administrator>:<password>@<host>:5432/postgres.")
    owner, app, audit, airflow, *others = (Role(role, given[name]) for name, role in _ROLES.items())
    left = provision_ledger(admin_dsn, LEDGER, owner, app, audit, airflow, AIRFLOW, others)
    typer.echo(f"Databases {LEDGER} and {AIRFLOW}; roles {', '.join(_ROLES.values())}.")
    if left:
        typer.echo(
            f"Left open, since this administrator may not close it, or for programs of before: {'; '.join(left)}."
        )


def _refuse(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(2)
