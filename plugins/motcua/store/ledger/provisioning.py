"""Create the roles and databases that a deployment's connections name."""

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
"""The role that owns the only function that empties personal data. The role cannot log in and owns nothing else."""


LOCKING = "motcua_app"
"""The role of tasks and commands. It may take advisory locks, with which senders divide their work."""
WAITING = ("motcua_callbacks", "motcua_pages", "motcua_purge")
"""Roles whose programs took advisory locks themselves in earlier versions. In this version, the ledger's functions
take these locks."""
PARTS = (LOCKING, *WAITING, "motcua_audit", "motcua_intake")
"""Roles that log in and have rights only to a part of the ledger."""
_AUDITORS = 10
"""The number of simultaneous sessions that the auditors' role may have. The limit leaves the server free for senders.
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A database role."""

    name: str
    password: str
    """The role's password. Empty if nobody may log in with this role."""


def ensure_role(admin: psycopg.Connection[object], role: Role) -> None:
    """Create the role, or change its password. A role without a password may not log in."""
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
    """Create the role that empties personal data and cannot log in, and let the ledger's owner assign functions to
    it."""
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ERASER,)).fetchone()
    if not known:
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(ERASER)))
    admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(ERASER), sql.Identifier(owner)))


def ensure_database(admin: psycopg.Connection[object], name: str, owner: str) -> None:
    """Create the database with this owner. The admin connection must be in autocommit mode.

    Other roles may not connect to the database or make temporary tables in it until somebody grants these rights.
    """
    known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    database, owning = sql.Identifier(name), sql.Identifier(owner)
    if not known:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(database, owning)
        )
    admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))


def allow_connect(admin: psycopg.Connection[object], database: str, role: str) -> None:
    """Let a role connect to a database."""
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
    """Create the missing databases and roles of the ledger and of Airflow. The function is safe to repeat.

    Also revoke rights that PostgreSQL gives everybody by default, and return the rights that could not be revoked
    (:func:`close_doors`).

    Args:
        admin_dsn: the DSN with which an administrator of the server connects.
        database: the ledger's name.
        owner: the role that migrates the ledger.
        app: the role of tasks and commands.
        audit: the role of people who check figures.
        airflow: the role that owns ``airflow_database``.
        airflow_database: the name of Airflow's own database.
        others: roles of other programs, such as the callbacks app, the staff pages and the purge of personal data;
            include/sql/definitions/rights.sql gives their rights.

    Raises:
        psycopg.Error: the administrator lacks a right, or the server does not answer.
    """
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        for role in (owner, app, audit, airflow, *others):
            ensure_role(admin, role)
        ensure_eraser(admin, owner.name)
        # Since PostgreSQL 16, an administrator who is not a superuser can make a role the owner of a database only as a
        # member of this role.
        for role in (owner, airflow):
            admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role.name)))
        ensure_database(admin, database, owner.name)
        ensure_database(admin, airflow_database, airflow.name)
        for role in (app, audit, *others):
            allow_connect(admin, database, role.name)
        admin.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(audit.name), _AUDITORS))
        for name in _databases_open_to_all(admin):
            _run_if_permitted(admin, sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    return close_doors(with_database(admin_dsn, database), owner.name)


def _databases_open_to_all(admin: psycopg.Connection[Any]) -> list[str]:
    """Return the server's own databases that everybody may connect to."""
    found = admin.execute(
        "SELECT d.datname FROM pg_database AS d WHERE d.datallowconn AND (d.datistemplate OR d.datname = 'postgres')"
        " AND EXISTS (SELECT 1 FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a WHERE a.grantee = 0)"
    )
    return [name for (name,) in found.fetchall()]


def _run_if_permitted(admin: psycopg.Connection[Any], command: sql.Composed) -> None:
    """Run the command, and ignore it if the administrator lacks the right."""
    with suppress(errors.InsufficientPrivilege), admin.transaction():
        admin.execute(command)


def close_doors(ledger_dsn: str, owner: str) -> list[str]:
    """Revoke rights that PostgreSQL gives everybody in the ledger's database.

    These are the rights to use large objects, advisory locks and temporary tables.

    Only the owner keeps all these rights. The role of tasks keeps locks and temporary tables. Nobody else may make
    large objects, because these would fill the disk and every dump. If programs of an earlier version may still be
    running, the roles of pages, callbacks and purge may still call the lock functions that these programs use.

    Returns:
        The rights that could not be revoked, one line for each. Usually a superuser must revoke them.
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
            function = sql.SQL(door["named"])  # PostgreSQL itself wrote and quoted this name.
            names = sql.SQL(", ")
            from_all = [sql.SQL("PUBLIC"), *map(sql.Identifier, waiting)]
            _run_if_permitted(
                admin, sql.SQL("REVOKE EXECUTE ON FUNCTION {} FROM {}").format(function, names.join(from_all))
            )
            _run_if_permitted(
                admin,
                sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, names.join(map(sql.Identifier, may))),
            )
        if LOCKING in there:
            database = sql.Identifier(admin.info.dbname)
            _run_if_permitted(
                admin,
                sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, sql.Identifier(LOCKING)),
            )
        return open_doors(admin, owner)


def open_doors(connection: Connection, owner: str) -> list[str]:
    """Return the rights that our roles have only because PostgreSQL gives these rights to everybody.

    One line reads, for example, ``motcua_audit takes any lock``.
    """
    values = {"roles": [*PARTS, owner], "owner": owner, "locking": LOCKING}
    return [f"{row['role']} {row['door']}" for row in connection.execute(statement("ledger/open_doors"), values)]


def set_database_aside(admin_dsn: str, database: str, aside: str) -> None:
    """Rename a database with all its content, and create an empty one with the old name for the same roles.

    Raises:
        psycopg.errors.ObjectInUse: somebody is connected to the database; nothing is changed.
        psycopg.Error: the administrator lacks a right, or the server does not answer.
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
    """Return the DSN with another database name."""
    return make_conninfo(dsn, dbname=database)
