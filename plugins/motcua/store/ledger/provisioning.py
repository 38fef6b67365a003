"""Creates the roles and databases that a deployment's connections name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

ERASER = "motcua_eraser"
"""Role that the one function that empties personal data belongs to; nobody logs in as it, and it owns nothing else."""


@dataclass(frozen=True, slots=True)
class Role:
    """A database role that may log in."""

    name: str
    password: str


def ensure_role(admin: psycopg.Connection[object], role: Role) -> None:
    """Creates the role, or gives it this password."""
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.name,)).fetchone()
    verb = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}")
    admin.execute(verb.format(sql.Identifier(role.name), sql.Literal(role.password)))


def ensure_eraser(admin: psycopg.Connection[object], owner: str) -> None:
    """Creates the role that personal data is emptied by, which cannot log in, and lets the ledger's owner give it that
    function."""
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ERASER,)).fetchone()
    if not known:
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ERASER)))
    admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(ERASER), sql.Identifier(owner)))


def ensure_database(admin: psycopg.Connection[object], name: str, owner: str) -> None:
    """Creates the database with that owner; nobody else may connect until granted. Needs autocommit."""
    known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    database, owning = sql.Identifier(name), sql.Identifier(owner)
    if not known:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(database, owning)
        )
    admin.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(database))


def allow_connect(admin: psycopg.Connection[object], database: str, role: str) -> None:
    """Lets a role connect to a database."""
    admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(role)))


def provision_ledger(
    admin_dsn: str,
    database: str,
    owner: Role,
    app: Role,
    audit: Role,
    airflow: Role,
    airflow_database: str,
    others: Sequence[Role] = (),
) -> None:
    """Creates, where missing, the ledger's and Airflow's databases with their roles; safe to repeat.

    Args:
        admin_dsn: an administrator of the server.
        database: the ledger.
        owner: migrates it.
        app: of tasks and commands.
        audit: of people who check figures.
        airflow: owns ``airflow_database``.
        airflow_database: Airflow's own.
        others: of the ledger's other parts, such as callbacks, pages and the purge; what each may do is
            include/sql/definitions/ledger/rights.sql.

    Raises:
        psycopg.Error: the administrator may not do that, or the server does not answer.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for role in (owner, app, audit, airflow, *others):
            ensure_role(admin, role)
        ensure_eraser(admin, owner.name)
        # PostgreSQL 16 and later: an administrator who is no superuser must be in a role to give it a database.
        for role in (owner, airflow):
            admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role.name)))
        ensure_database(admin, database, owner.name)
        ensure_database(admin, airflow_database, airflow.name)
        for role in (app, audit, *others):
            allow_connect(admin, database, role.name)


def set_database_aside(admin_dsn: str, database: str, aside: str) -> None:
    """Gives a database another name, with all that is in it, and makes an empty one in its place for the same roles.

    Raises:
        psycopg.errors.ObjectInUse: somebody is connected to it; nothing is changed.
        psycopg.Error: the administrator may not do that, or the server does not answer.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        owner, connecting = admin.execute(
            "SELECT pg_get_userbyid(d.datdba), ARRAY(SELECT DISTINCT pg_get_userbyid(a.grantee)"
            " FROM aclexplode(d.datacl) AS a WHERE a.privilege_type = 'CONNECT' AND a.grantee NOT IN (0, d.datdba))"
            " FROM pg_database AS d WHERE d.datname = %s",
            (database,),
        ).fetchall()[0]
        admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(database), sql.Identifier(aside)))
        ensure_database(admin, database, owner)
        for role in connecting:
            allow_connect(admin, database, role)


def with_database(dsn: str, database: str) -> str:
    """The same DSN, another database."""
    return make_conninfo(dsn, dbname=database)
