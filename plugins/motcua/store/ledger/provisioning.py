"""Creates the roles and databases that a deployment's connections name."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

ERASER = "motcua_eraser"
"""Role that the one function that empties personal data belongs to; nobody logs in as it, and it owns nothing else."""


LOCKING = "motcua_app"
"""Role of tasks and commands: it sends, so that the locks that senders go by are its own."""
WAITING = ("motcua_callbacks", "motcua_pages", "motcua_purge")
"""Roles whose programs took locks themselves before functions of the ledger did it for them."""
PARTS = (LOCKING, *WAITING, "motcua_audit", "motcua_intake")
"""Roles that log in to do some of the ledger's work, and no more."""
_AUDITORS = 10
"""Sessions that people who check figures may have: all together they leave the server to who sends."""


@dataclass(frozen=True, slots=True)
class Role:
    """A database role."""

    name: str
    password: str
    """Empty: nobody logs in as it."""


def ensure_role(admin: psycopg.Connection[object], role: Role) -> None:
    """Creates the role, or gives it this password; without one it may not log in."""
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.name,)).fetchone()
    admin.execute(
        sql.SQL("{} ROLE {} {} PASSWORD {}").format(
            sql.SQL("ALTER" if known else "CREATE"),
            sql.Identifier(role.name),
            sql.SQL("LOGIN" if role.password else "NOLOGIN"),
            sql.Literal(role.password or None),
        )
    )


def ensure_eraser(admin: psycopg.Connection[object], owner: str) -> None:
    """Creates the role that personal data is emptied by, which cannot log in, and lets the ledger's owner give it that
    function."""
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ERASER,)).fetchone()
    if not known:
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ERASER)))
    admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(ERASER), sql.Identifier(owner)))


def ensure_database(admin: psycopg.Connection[object], name: str, owner: str) -> None:
    """Creates the database with that owner; nobody else may connect, or make temporary tables, until granted. Needs
    autocommit."""
    known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    database, owning = sql.Identifier(name), sql.Identifier(owner)
    if not known:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(database, owning)
        )
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


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
) -> list[str]:
    """Creates, where missing, the ledger's and Airflow's databases with their roles; safe to repeat.

    Closes what PostgreSQL leaves open to everybody, and returns what it could not close (:func:`close_doors`).

    Args:
        admin_dsn: an administrator of the server.
        database: the ledger.
        owner: migrates it.
        app: of tasks and commands.
        audit: of people who check figures.
        airflow: owns ``airflow_database``.
        airflow_database: Airflow's own.
        others: of the ledger's other parts, such as callbacks, pages and the purge; what each may do is
            include/sql/definitions/rights.sql.

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
        admin.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(audit.name), _AUDITORS))
        for name in _open_to_all(admin):
            _try(admin, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    return close_doors(with_database(admin_dsn, database), owner.name)


def _open_to_all(admin: psycopg.Connection[Any]) -> list[str]:
    """The server's own databases that everybody may connect to."""
    found = admin.execute(
        "SELECT d.datname FROM pg_database AS d WHERE d.datallowconn AND (d.datistemplate OR d.datname = 'postgres')"
        " AND EXISTS (SELECT 1 FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0)"
    )
    return [name for (name,) in found.fetchall()]


def _try(admin: psycopg.Connection[Any], command: sql.Composed) -> None:
    """Does it where the administrator may."""
    with suppress(errors.InsufficientPrivilege), admin.transaction():
        admin.execute(command)


def close_doors(ledger_dsn: str, owner: str) -> list[str]:
    """Takes from everybody what the ledger needs of nobody but its owner and who sends, in the ledger's database:
    large objects, which fill the disk and every dump, advisory locks, and temporary tables.

    While programs of before may be at work, pages, callbacks and purge keep the locks that these wait by.

    Returns:
        What is left open, a line for each: most of it is a superuser's to close.
    """
    with psycopg.connect(ledger_dsn, row_factory=dict_row) as admin:
        there = {row["rolname"] for row in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
        (before,) = admin.execute(statement("ledger/is_of_before")).fetchall()
        waiting = [name for name in WAITING if name in there]
        for door in admin.execute(statement("ledger/doors")).fetchall():
            may = [owner]
            if door["is_of_locks"]:
                may += [LOCKING] if LOCKING in there else []
                may += waiting if before["is_of_before"] and "pg_advisory_xact_lock(" in door["named"] else []
            function = sql.SQL(door["named"])  # as PostgreSQL itself writes it
            names = sql.SQL(", ")
            from_all = [sql.SQL("PUBLIC"), *map(sql.Identifier, waiting)]
            _try(admin, sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM {}").format(function, names.join(from_all)))
            _try(
                admin,
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, names.join(map(sql.Identifier, may))),
            )
        if LOCKING in there:
            database = sql.Identifier(admin.info.dbname)
            _try(
                admin,
                sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, sql.Identifier(LOCKING)),
            )
        return open_doors(admin, owner)


def open_doors(connection: Connection, owner: str) -> list[str]:
    """What our roles may do beyond their rights because PostgreSQL lets everybody: ``motcua_audit takes any lock``."""
    values = {"roles": [*PARTS, owner], "owner": owner, "locking": LOCKING}
    return [f"{row['role']} {row['door']}" for row in connection.execute(statement("ledger/open_doors"), values)]


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
    close_doors(with_database(admin_dsn, database), owner)


def with_database(dsn: str, database: str) -> str:
    """The same DSN, another database."""
    return make_conninfo(dsn, dbname=database)
