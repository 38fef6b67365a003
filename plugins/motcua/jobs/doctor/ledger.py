"""Whether the ledger answers each role, and is as this version leaves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from motcua.domain.checks import Finding, fault
from motcua.jobs.doctor.examining import STATEMENT_WITHIN, Examination, some
from motcua.jobs.doctor.installation import ENVIRONMENT, variable_of
from motcua.jobs.doctor.parameters import ROLES
from motcua.jobs.doctor.written import LEDGER_CONNECTIONS
from motcua.store.ledger.database import LEDGER, Connection, open_as_given
from motcua.store.ledger.dumps import ProgramUnusable, program, wheel_programs
from motcua.store.ledger.inspecting import (
    applied_migrations,
    compare_objects,
    objects_expected,
    objects_there,
    roles_there,
    server_there,
)
from motcua.store.ledger.migrations import known_migrations
from motcua.store.ledger.provisioning import open_doors

OWNER = "motcua_owner"
POSTGRES = 18
"""Major version of docker-compose.yaml and of the client in the locks."""
_EXPIRES_WITHIN = timedelta(days=30)


def ledger(examination: Examination) -> Iterator[Finding]:
    """Each connection that this process has is let in; the first that is stays open for the checks that follow."""
    found: list[tuple[str, Finding]] = []
    silent: set[tuple[str | None, int | None]] = set()
    witness: Connection | None = None
    for conn_id in LEDGER_CONNECTIONS:
        given = examination.installation.connection(conn_id)
        if given is None or conn_id in examination.unusable:
            continue
        where = examination.installation.where(variable_of(conn_id), ENVIRONMENT)
        if (given.host, given.port) in silent:
            continue
        try:
            connection = open_as_given(given, STATEMENT_WITHIN)
        except psycopg.ProgrammingError:
            found.append(
                ("", fault("connection_unreadable", where, "its extra says what PostgreSQL's client does not know"))
            )
        except psycopg.OperationalError as error:
            kind = why_refused(error)
            if kind == "unreachable":
                silent.add((given.host, given.port))
            found.append(
                (given.login or "", fault(_OF_LEDGER[kind], where, _place(given.host, given.port, given.schema)))
            )
        else:
            examination.closers.append(connection.close)
            examination.sessions[conn_id] = connection
            witness = witness or connection
            if conn_id == LEDGER:
                examination.ledger = connection
    missing: set[str] = set()
    if witness is not None:
        names = {*ROLES, *(each for each, _ in found)} - {""}
        there = {each.name: each.rights for each in roles_there(witness, names, OWNER)}
        missing = set(ROLES) - there.keys()
        for name in sorted(missing):
            yield fault("role_missing", f"role {name}")
        # What a role that is not there was refused is no fault of its password.
        found = [each for each in found if each[0] not in missing]
    yield from (finding for _, finding in found)
    if witness is not None:
        yield from _mighty(examination, witness)


def _mighty(examination: Examination, witness: Connection) -> Iterator[Finding]:
    logins = {
        given.login
        for conn_id in LEDGER_CONNECTIONS
        if (given := examination.installation.connection(conn_id)) is not None and given.login
    }
    for role in roles_there(witness, {*ROLES, *logins}, OWNER):
        if role.rights:
            yield fault("role_too_mighty", f"role {role.name}", ", ".join(role.rights))
        if role.valid_until is not None and role.valid_until < examination.now + _EXPIRES_WITHIN:
            yield fault("role_limited", f"role {role.name}", f"VALID UNTIL {role.valid_until:%Y-%m-%d}")
        if role.sessions >= 0 and role.name != "motcua_audit":
            yield fault("role_limited", f"role {role.name}", f"CONNECTION LIMIT {role.sessions}")


_OF_LEDGER = {
    "unreachable": "ledger_unreachable",
    "password": "ledger_password_wrong",
    "database": "ledger_missing",
    "closed": "ledger_closed_to_role",
}


def why_refused(error: psycopg.OperationalError) -> str:
    """``password`` (or there is no such role), ``database``, ``closed`` (it is there, the role may not), else
    ``unreachable``: a refusal of the server's has no code, only words, which are English in every server of ours."""
    words = str(error)
    if (
        "authentication failed" in words
        or "no password supplied" in words
        or ("role " in words and "not exist" in words)
    ):
        return "password"
    if "database " in words and "does not exist" in words:
        return "database"
    if (
        "permission denied for database" in words
        or "no pg_hba.conf entry" in words
        or "not permitted to log in" in words
    ):
        return "closed"
    return "unreachable"


def _place(host: str | None, port: int | None, database: str | None) -> str:
    return f"{host}:{port or 5432}, database {database}"


def migrations(examination: Examination) -> Iterator[Finding]:
    """The ledger has every migration of this version, and no other; only then is it looked at further."""
    connection, known = examination.open_ledger, set(known_migrations())
    try:
        applied = applied_migrations(connection)
    except psycopg.errors.InsufficientPrivilege:
        applied = set()
    if lacking := sorted(known - applied):
        yield fault("migrations_behind", _database(connection), some(lacking))
    if beyond := sorted(applied - known):
        yield fault("migrations_ahead", _database(connection), some(beyond))
    examination.schema_is_ours = not lacking and not beyond


def _database(connection: Connection) -> str:
    return f"database {connection.info.dbname}"


def objects(examination: Examination) -> Iterator[Finding]:
    """Tables, indexes, constraints, functions, views, triggers, owners and rights are those of this version."""
    connection = examination.open_ledger
    if connection.info.server_version // 10000 == POSTGRES:
        # Another major version writes definitions in other words.
        there = {each.name for each in roles_there(connection, ROLES, OWNER)}
        differ = compare_objects(objects_there(connection), objects_expected(), there, strangers=there >= set(ROLES))
        for name, what in (
            ("definition_differs", differ.definitions),
            ("schema_differs", differ.tables),
            ("right_too_many", differ.rights_too_many),
            ("right_missing", differ.rights_lacking),
        ):
            if what:
                yield fault(name, _database(connection), some(what))
    if doors := open_doors(connection, OWNER):
        yield fault("door_open", _database(connection), some(doors))


def server(examination: Examination) -> Iterator[Finding]:
    """Its clock and version, how many it lets in, and that a backup of it can be made."""
    connection = examination.open_ledger
    before = datetime.now(UTC)
    there = server_there(connection)
    half = (datetime.now(UTC) - before) / 2
    skew = there.clock - (before + half)
    where = f"PostgreSQL at {connection.info.host}"
    if abs(skew) - half > examination.settings.watch_clock_skew:
        yield fault("clock_differs", where, f"{skew.total_seconds():+.0f} s")
    if there.sessions >= 0:
        yield fault("role_limited", _database(connection), f"CONNECTION LIMIT {there.sessions}")
    if there.version // 10000 != POSTGRES:
        yield fault("postgres_version", where, f"it is {there.version // 10000}, we are tested with {POSTGRES}")
    # Backups are made where MOTCUA_BACKUP_RECIPIENTS is, or wherever the package brings the programs.
    if examination.settings.postgres_programs or wheel_programs():
        for name in ("pg_dump", "pg_restore"):
            try:
                path: Path = program(name, there.version)
                del path
            except ProgramUnusable as unusable:
                yield fault("backup_programs_unusable", name, str(unusable))
                break
