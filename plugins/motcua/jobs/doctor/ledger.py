"""Checks of the ledger: connections and roles, the server, its parameters, migrations and database objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from motcua.domain.checks import Finding, fault
from motcua.jobs.doctor.examining import ENVIRONMENT, STATEMENT_WITHIN, Examination, some, variable_of
from motcua.jobs.doctor.written import LEDGER_CONNECTIONS
from motcua.store.ledger.database import LEDGER, Connection, open_as_given
from motcua.store.ledger.dumps import ProgramUnusable, program, wheel_programs
from motcua.store.ledger.inspecting import (
    ParameterOverride,
    ParameterThere,
    applied_migrations,
    compare_objects,
    objects_expected,
    objects_there,
    parameters_set_apart,
    parameters_there,
    roles_there,
    server_there,
)
from motcua.store.ledger.migrations import known_migrations
from motcua.store.ledger.provisioning import open_doors

ROLES = (
    "motcua_owner",
    "motcua_eraser",
    "motcua_airflow",
    "motcua_app",
    "motcua_audit",
    "motcua_callbacks",
    "motcua_intake",
    "motcua_pages",
    "motcua_purge",
)
"""Roles that ``motcua provision`` creates."""
OWNER = "motcua_owner"
POSTGRES = 18
"""Major version of the PostgreSQL server in docker-compose.yaml, and of the PostgreSQL client in the lock files."""
_EXPIRES_WITHIN = timedelta(days=30)


def ledger(examination: Examination) -> Iterator[Finding]:
    """Check that the ledger accepts each connection of this process and that the roles of ``ROLES`` exist. Also check
    that no role has too many rights or expires soon, and that no role except motcua_audit has a limit of sessions.
    Accepted connections stay open for the later checks."""
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
                ("", fault("connection_unreadable", where, "its extra has a field unknown to PostgreSQL's client"))
            )
        except psycopg.OperationalError as error:
            kind = why_refused(error)
            if kind == "unreachable":
                silent.add((given.host, given.port))
            place = f"{given.host}:{given.port or 5432}, database {given.schema}"
            found.append((given.login or "", fault(_OF_LEDGER[kind], where, place)))
        else:
            examination.closers.append(connection.close)
            examination.sessions[conn_id] = connection
            witness = witness or connection
            if conn_id == LEDGER:
                examination.ledger = connection
    missing: set[str] = set()
    if witness is not None:
        names = {*ROLES, *(each for each, _ in found)} - {""}
        rights_by_role = {each.name: each.rights for each in roles_there(witness, names, OWNER)}
        missing = set(ROLES) - rights_by_role.keys()
        for name in sorted(missing):
            yield fault("role_missing", f"role {name}")
        # PostgreSQL refuses a role that does not exist as if the password were wrong. So only the role is reported as
        # missing.
        found = [each for each in found if each[0] not in missing]
    yield from (finding for _, finding in found)
    if witness is not None:
        yield from _excess_rights(examination, witness)


def _excess_rights(examination: Examination, witness: Connection) -> Iterator[Finding]:
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
    """Return why PostgreSQL refused a connection: ``password``, ``database``, ``closed`` or ``unreachable``.

    A role that does not exist gives ``password``, too. ``closed`` means that the database exists and the role may not
    connect. A refusal carries no error code, so the reason is read from the error's text. A text in another language
    than English gives ``unreachable``.
    """
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


def migrations(examination: Examination) -> Iterator[Finding]:
    """Check that the ledger has exactly the migrations of this release. If it does not, later checks that need the
    schema are not run."""
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
    """Check that tables, indexes, constraints, functions, views, triggers, owners and rights match this release. Also
    check that our roles have no unwanted right which PostgreSQL gives to everybody."""
    connection = examination.open_ledger
    if connection.info.server_version // 10000 == POSTGRES:
        # Another major version of PostgreSQL prints the same definitions differently, so they cannot be compared.
        roles = {each.name for each in roles_there(connection, ROLES, OWNER)}
        differ = compare_objects(objects_there(connection), objects_expected(), roles, strangers=roles >= set(ROLES))
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
    """Check the clock and the version of the ledger's server, and that the ledger's database has no limit of sessions.
    Also check that the programs for backups of the ledger exist."""
    connection = examination.open_ledger
    before = datetime.now(UTC)
    found = server_there(connection)
    half = (datetime.now(UTC) - before) / 2
    skew = found.clock - (before + half)
    where = f"PostgreSQL at {connection.info.host}"
    if abs(skew) - half > examination.settings.watch_clock_skew:
        yield fault("clock_differs", where, f"{skew.total_seconds():+.0f} s")
    if found.sessions >= 0:
        yield fault("role_limited", _database(connection), f"CONNECTION LIMIT {found.sessions}")
    if found.version // 10000 != POSTGRES:
        yield fault("postgres_version", where, f"it is {found.version // 10000}, not {POSTGRES}")
    # Backups run only where the settings name the programs, or where an installed Python package contains them.
    if examination.settings.postgres_programs or wheel_programs():
        for name in ("pg_dump", "pg_restore"):
            try:
                path: Path = program(name, found.version)
                del path
            except ProgramUnusable as unusable:
                yield fault("backup_programs_unusable", name, str(unusable))
                break


# --- Parameters of PostgreSQL on which our guarantees depend: the required value of each, and why -------------------

_ZONES = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "universal", "asia/ho_chi_minh", "asia/saigon"})
_KEPT_HERE = frozenset({"local", "remote_write", "remote_apply"})
_OFF = frozenset({"off", "false", "no", "0", "f", "n"})
_ON = frozenset({"on", "true", "yes", "1", "t", "y"})
_SIZES = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "b": 1.0, "kb": 1024.0}
_SIZES |= {"8kb": 8192.0, "mb": 1024.0**2, "gb": 1024.0**3, "tb": 1024.0**4}
_NUMBER = re.compile(r"\s*(-?[\d.]+)\s*([a-zA-Z]*)\s*")

_OtherParameters = Mapping[str, str]
"""Texts by the name of a parameter: the values in force for one server, role or database, or the units."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """The required value of one parameter of PostgreSQL."""

    must: str
    """The requirement in words, such as ``on`` or ``at least 100``."""
    holds: Callable[[str, _OtherParameters], bool]
    """Returns whether a value fulfils the requirement, given the values of the other parameters. A value with a unit is
    given in seconds or bytes."""
    why: str
    fault: str = "parameter_differs"


def _on(why: str) -> Parameter:
    return Parameter("on", lambda value, _: value in _ON, why)


def _off(why: str) -> Parameter:
    return Parameter("off", lambda value, _: value in _OFF, why)


def _one_of(why: str, *values: str) -> Parameter:
    return Parameter(" or ".join(values), lambda value, _: value in values, why)


def _from(least: float, why: str, must: str = "") -> Parameter:
    return Parameter(must or f"at least {least:g}", lambda value, _: float(value) >= least, why)


def _up_to(most: float, must: str, why: str) -> Parameter:
    return Parameter(must, lambda value, _: float(value) <= most, why)


def _unless_values(nothing: float, why: str) -> Parameter:
    """Return the requirement that PostgreSQL logs no parameters of SQL statements. Either the value is ``nothing``,
    with which PostgreSQL logs no SQL statement, or log_parameter_max_length is 0."""
    return Parameter(
        f"{nothing:g}, unless log_parameter_max_length is 0",
        lambda value, others: float(value) == nothing or others.get("log_parameter_max_length") == "0",
        why,
    )


_LOST = "after a power cut the ledger may have lost sent messages, which are sent twice, or be unreadable"
_LOGGED = "phone numbers and names would be written to PostgreSQL's log"
_GROWS = "tables grow without end, and what takes milliseconds takes minutes"
_ENDED = "a running sender, migration or backup would be cancelled; the programs set their own limits"
_READ_WRONG = "programs would read values wrong"
_WATCHED = "a rule of the ledger would not be kept"

PARAMETERS: dict[str, Parameter] = {
    # Commits survive a crash
    "fsync": _on(_LOST),
    "full_page_writes": _on(_LOST),
    "synchronous_commit": Parameter("on", lambda value, _: value in _ON or value in _KEPT_HERE, _LOST),
    "zero_damaged_pages": _off("damaged rows would disappear without an error"),
    "ignore_checksum_failure": _off("damaged rows would be read as valid rows"),
    "ignore_invalid_pages": _off("damaged rows would disappear without an error"),
    "ignore_system_indexes": _off("every statement would be slow"),
    "restart_after_crash": _on("one process that dies would leave the ledger down"),
    "in_hot_standby": _off("a standby server accepts no rows, so nothing is sent"),
    # No personal data in the log
    "log_statement": _one_of(f"{_LOGGED}, passwords of roles too", "none"),
    "log_min_duration_statement": _unless_values(-1, _LOGGED),
    "log_min_duration_sample": _unless_values(-1, _LOGGED),
    "log_transaction_sample_rate": _unless_values(0, _LOGGED),
    "log_parameter_max_length_on_error": Parameter("0", lambda value, _: float(value) == 0, _LOGGED),
    "log_error_verbosity": _one_of(f"{_LOGGED}: a rejected row is logged in full", "terse"),
    "debug_print_parse": _off(_LOGGED),
    "debug_print_rewritten": _off(_LOGGED),
    "debug_print_plan": _off(_LOGGED),
    "auto_explain.log_min_duration": Parameter(
        "-1, unless auto_explain.log_parameter_max_length is 0",
        lambda value, others: float(value) < 0 or others.get("auto_explain.log_parameter_max_length") == "0",
        _LOGGED,
    ),
    "pgaudit.log_parameter": _off(_LOGGED),
    # The ledger stays fast
    "autovacuum": _on(_GROWS),
    "track_counts": _on(f"autovacuum would not know what changed: {_GROWS}"),
    "autovacuum_naptime": _up_to(300, "5min at most", _GROWS),
    "autovacuum_vacuum_scale_factor": _up_to(0.2, "0.2 at most", _GROWS),
    "autovacuum_analyze_scale_factor": _up_to(0.2, "0.2 at most", _GROWS),
    "autovacuum_max_workers": _from(1, _GROWS),
    "autovacuum_freeze_max_age": _up_to(1e9, "1000000000 at most", "the server would use up its transaction numbers"),
    "max_connections": _from(100, "services, runs and people could not connect"),
    "work_mem": _from(1024.0**2, "sorting would go to the disk", "at least 1MB"),
    "plan_cache_mode": _one_of("statements would get plans that do not suit their values", "auto"),
    # No limit ends running work
    "statement_timeout": _up_to(0, "0", _ENDED),
    "lock_timeout": _up_to(0, "0", _ENDED),
    "transaction_timeout": _up_to(0, "0", _ENDED),
    "idle_in_transaction_session_timeout": _up_to(0, "0", _ENDED),
    "idle_session_timeout": _up_to(0, "0", "a session that holds a lock would be ended while it waits"),
    # Rules and rights are enforced
    "session_replication_role": _one_of("no trigger would fire: forbidden changes would be accepted", "origin"),
    "default_transaction_isolation": _one_of("two senders would abort each other's transactions", "read committed"),
    "default_transaction_read_only": _off("nothing could be written"),
    "default_transaction_deferrable": _off("statements would wait for others"),
    "row_security": _on("statements would be refused"),
    "check_function_bodies": _on("a broken function would be accepted"),
    "allow_system_table_mods": _off(_WATCHED),
    "lo_compat_privileges": _off("everybody could read everybody's large objects"),
    "password_encryption": _one_of("passwords would be stored with a weak hash", "scram-sha-256"),
    "search_path": Parameter(
        '"$user", public',
        lambda value, _: value.replace(" ", "") == '"$user",public',
        "a name could lead to somebody else's table or function",
    ),
    "role": _one_of("a session would act as another role", "none"),
    # Values have one form everywhere
    "timezone": Parameter(
        "UTC or Asia/Ho_Chi_Minh",
        lambda value, _: value in _ZONES,
        "times without a zone would be read wrong",
        "zone_differs",
    ),
    "datestyle": Parameter("ISO", lambda value, _: value.startswith("iso"), _READ_WRONG),
    "intervalstyle": _one_of(_READ_WRONG, "postgres"),
    "standard_conforming_strings": _on(_READ_WRONG),
    "transform_null_equals": _off(_READ_WRONG),
    "array_nulls": _on(_READ_WRONG),
    "extra_float_digits": _from(1, "figures would be rounded"),
    "server_encoding": _one_of("Vietnamese letters would be lost", "utf8"),
    "client_encoding": _one_of("Vietnamese letters would be lost", "utf8"),
    "lc_messages": Parameter(
        "English",
        lambda value, _: value in ("", "c", "posix") or value.startswith(("c.", "en_")),
        "programs recognise errors by their English text",
    ),
}
"""The requirements, by the parameter's name in small letters.

PostgreSQL's defaults fulfil all requirements except the one about log_error_verbosity.
"""
_PLANNED = _on("PostgreSQL could not choose this kind of plan, and what takes milliseconds may take minutes")
"""Requirement for every parameter ``enable_…`` that is on by default."""


def parameters(examination: Examination) -> Iterator[Finding]:
    """Check the parameters of the server, of the ledger's database, of each role and of each connection."""
    where = {
        connection: examination.installation.where(variable_of(conn_id), ENVIRONMENT)
        for conn_id, connection in examination.sessions.items()
    }
    connection = examination.open_ledger
    present = parameters_there(connection)
    logins = {each.info.user for each in where}
    apart = parameters_set_apart(connection, {*ROLES, *logins})
    units = {each.name.lower(): each.unit for each in present}
    planned = {each.name for each in present if each.name.startswith("enable_") and each.by_default == "on"}
    yield from _server_parameters(
        present, apart, connection.info.user, units, planned, f"PostgreSQL at {connection.info.host}"
    )
    yield from _parameters_set_apart(present, apart, units, planned)
    for session, written in where.items():
        for each in parameters_there(session, asked_for=True):
            if (why := _fault_of_parameter(each.name, each.setting, {}, units, planned)) is not None:
                yield fault(why[0], written, f"{why[1]}. Take {each.name} out of the connection")


def _server_parameters(
    there: list[ParameterThere],
    apart: list[ParameterOverride],
    user: str,
    units: _OtherParameters,
    planned: set[str],
    where: str,
) -> Iterator[Finding]:
    # ``_parameters_set_apart`` reports the values that are set for the role of this session or for a database.
    own = {each.name.lower() for each in apart if each.role in ("", user)}
    others = {each.name.lower(): _comparable(each.setting, each.unit) for each in there}
    for each in there:
        if each.name.lower() in own or each.source == "client":
            continue
        if (why := _fault_of_parameter(each.name, each.setting, others, units, planned)) is not None:
            yield fault(why[0], where, f"{why[1]}. Set by {each.source}")


def _parameters_set_apart(
    there: list[ParameterThere], apart: list[ParameterOverride], units: _OtherParameters, planned: set[str]
) -> Iterator[Finding]:
    server = {each.name.lower(): _comparable(each.setting, each.unit) for each in there}
    for each in apart:
        same = {
            one.name.lower(): _comparable(one.setting, units.get(one.name.lower(), ""))
            for one in apart
            if one.role in ("", each.role) and one.database in ("", each.database)
        }
        if (why := _fault_of_parameter(each.name, each.setting, server | same, units, planned)) is None:
            continue
        target = f"ROLE {each.role}" if each.role else "ROLE ALL" if not each.database else f"DATABASE {each.database}"
        within = f" IN DATABASE {each.database}" if each.role and each.database else ""
        where = f"role {each.role}{within.lower()}" if each.role else f"PostgreSQL, database {each.database}"
        yield fault(why[0], where, f"{why[1]}. ALTER {target}{within} RESET {each.name}")


def _fault_of_parameter(
    name: str, setting: str, others: _OtherParameters, units: _OtherParameters, planned: set[str]
) -> tuple[str, str] | None:
    """Return the identifier of the fault and the detail of the fault. ``None`` if the value is right, or if the
    parameter has no requirement."""
    parameter = PARAMETERS.get(name.lower(), _PLANNED if name in planned else None)
    if parameter is None:
        return None
    try:
        if parameter.holds(_comparable(setting, units.get(name.lower(), "")), others):
            return None
    except ValueError:
        # The value is not a number, so it does not fulfil the requirement.
        pass
    return parameter.fault, f"{name} is {setting or 'empty'}, and must be {parameter.must}: else {parameter.why}"


def _comparable(setting: str, unit: str) -> str:
    """Return a parameter's value in small letters. A value with a unit is converted to seconds or bytes; -1 and 0 stay
    as they are."""
    found = _NUMBER.fullmatch(setting)
    if not unit or found is None:
        return setting.lower()
    size = _SIZES.get((found[2] or unit).lower())
    return setting.lower() if size is None or float(found[1]) < 0 else f"{float(found[1]) * size:g}"
