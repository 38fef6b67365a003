"""Create an empty ledger from include/sql/schema, and put its functions, views and triggers in force.

Tables that are in use change step by step, so they have migrations. Functions and views need no migrations:
include/sql/definitions contains the present text of each. Whenever the ledger is migrated, all functions and views are
put in force together, in one transaction.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

import psycopg
from psycopg import errors, sql

from motcua.settings import include_dir
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

LOCK_WITHIN = 0.3
"""How many seconds a transaction of the schema's owner waits for a lock.

This is less than PostgreSQL's ``deadlock_timeout``. Therefore a deadlock always ends this transaction, which is tried
again, and never the transaction of a sender.
"""
PAUSE = 0.5
"""The pause before the next try, in seconds, in which other sessions can work."""
_PATIENCE = 120.0
"""How many seconds other sessions may delay the replacement of definitions."""
_RIGHTS = "rights"
_CREATED = re.compile(r"^CREATE OR REPLACE (FUNCTION|VIEW) ([a-z_]+\.[a-z_]+)", re.MULTILINE)
_BEGINS = re.compile(
    r"^(?:--.*\n)*CREATE (?:OR REPLACE (?:FUNCTION|VIEW)|(?:UNLOGGED )?TABLE) ([a-z_]+\.[a-z_]+)", re.MULTILINE
)
"""Pattern of the place in a file where the text of a table, function or view begins, with the comment before it."""
_COMMENT_ON = re.compile(r"^COMMENT ON \w+ ([a-z0-9_.]+)\s+IS\s+'((?:[^']|'')*)';$", re.MULTILINE)
"""Pattern of a command of include/sql/schema that gives a table or column its comment."""
_MISSING_DEPENDENCY = (
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.UndefinedColumn,
    errors.UndefinedObject,
)
"""Errors that PostgreSQL raises if a definition needs another definition that does not exist yet."""
_OTHER_SHAPE = (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition, errors.AmbiguousFunction)
"""Errors that PostgreSQL raises if it cannot replace a definition: a view with other columns, or a function with
another result.

A function with other parameters does not replace the earlier function: both would exist.
"""


_Object: TypeAlias = tuple[str, str, str]
"""An object's kind, its name, and its signature in the form that an SQL command needs."""


class _ShapeDiffers(Exception):
    """Raised if PostgreSQL refuses to replace an object because its columns, result or parameters differ."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"{name}: {words}")
        self.name = name


class DefinitionRefused(Exception):
    """Raised if a definition could not be put in force. No other definition was put in force either.

    The message names the definition and says what to do.
    """


def make_schema(connection: psycopg.Connection[Any]) -> None:
    """Create all objects of a ledger with their definitions, in a database that has none of them.

    Needs a connection of the owner inside a transaction.

    Raises:
        DefinitionRefused: a file cannot be put in force.
    """
    _apply(connection, _read_texts("schema") | texts_of_definitions())


def put_in_force(connection: Connection) -> None:
    """Put every definition and every comment of a table in force, or none of them.

    Needs a connection of the schema's owner outside a transaction. If a lock is not free within ``LOCK_WITHIN``, the
    transaction is rolled back and tried again later. Running senders are therefore delayed only for a moment and never
    become the victim of a deadlock.

    Raises:
        DefinitionRefused: a file cannot be put in force, or would change a function on which an index is built.
    """
    texts = texts_of_definitions()
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {round(LOCK_WITHIN * 1000)}")
                _replace_all(connection, texts)
                _apply(connection, {"comments": _changed_comments(connection)})
        except (errors.LockNotAvailable, errors.DeadlockDetected) as busy:
            if time.monotonic() > until:
                raise DefinitionRefused(
                    f"other sessions locked the definitions for {_PATIENCE:.0f} s ({busy.diag.message_primary});"
                    " stop the scheduler, end long queries, and migrate again"
                ) from busy
            time.sleep(PAUSE)
        else:
            return


def texts_of_definitions() -> dict[str, str]:
    """Return the text of each function and view by its name, for example ``motcua.code_key``.

    A text includes the object's comment, triggers and privileges. The text of the rights comes last, with the name
    ``rights``.
    """
    texts = _read_texts("definitions")
    # Rights can be granted only once all objects exist.
    return {name: texts[name] for name in sorted(texts, key=lambda name: (name == _RIGHTS, name))}


def _read_texts(folder: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted((include_dir() / "sql" / folder).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        found = [*_BEGINS.finditer(text)]
        names = [each[1] for each in found] or [path.stem]
        # The text before the first object is the file's own header. It is added to the first object's text.
        places = [0, *(each.start() for each in found[1:]), len(text)]
        texts |= {name: text[start:end] for name, (start, end) in zip(names, pairwise(places), strict=True)}
    return texts


def _replace_all(connection: Connection, texts: Mapping[str, str]) -> None:
    in_indexes = _functions_in_indexes(connection)
    before = _objects(connection)
    try:
        _apply(connection, texts)
    except _ShapeDiffers:
        ours = {name for text in texts.values() for _, name in _CREATED.findall(text)}
        needed = _drop_where(connection, lambda name, _: name in ours)
        try:
            _apply(connection, texts)
        except _ShapeDiffers as differs:
            names = {name for _, name in _CREATED.findall(texts[differs.name])}
            raise DefinitionRefused(
                f"{differs}; objects that motcua did not create depend on it: "
                f"{'; '.join(sorted(needed[name] for name in names & needed.keys()))}. Drop them, and migrate again"
            ) from differs
    _drop_earlier_signatures(connection, texts, before)
    now = _functions_in_indexes(connection)
    for name, (definition, indexes) in in_indexes.items():
        if name in now and now[name][0] != definition:
            raise DefinitionRefused(
                f"{name} was changed, but {indexes} hold its old values: let a migration drop the indexes, replace the"
                " function and build them again"
            )


def _changed_comments(connection: Connection) -> str:
    """Return the COMMENT ON commands of include/sql/schema whose text the ledger does not have yet.

    Unchanged comments are left out because writing a comment waits for an autovacuum of its table.
    """
    in_force: set[tuple[str, str | None]] = set()
    for row in connection.execute(statement("ledger/columns_in_words"), {}):
        table = f"{row['schema_name']}.{row['table_name']}"
        in_force |= {(table, row["table_comment"]), (f"{table}.{row['column_name']}", row["column_comment"])}
    commands = (command for text in _read_texts("schema").values() for command in _COMMENT_ON.finditer(text))
    return "\n".join(command[0] for command in commands if (command[1], command[2].replace("''", "'")) not in in_force)


def _apply(connection: psycopg.Connection[Any], texts: Mapping[str, str]) -> None:
    """Put texts in force in rounds, because a text may need another text that comes later in the alphabet.

    Rights come last.
    """
    _apply_rounds(connection, {name: text for name, text in texts.items() if name != _RIGHTS})
    _apply_rounds(connection, {name: text for name, text in texts.items() if name == _RIGHTS})


def _apply_rounds(connection: psycopg.Connection[Any], texts: Mapping[str, str]) -> None:
    left = dict(texts)
    while left:
        missing: dict[str, psycopg.Error] = {}
        for name, text in left.items():
            try:
                with connection.transaction():
                    connection.execute(sql.SQL(text))  # The text is a file of the project and contains no value.
            except _MISSING_DEPENDENCY as missing_dependency:
                missing[name] = missing_dependency
            except _OTHER_SHAPE as shape:
                raise _ShapeDiffers(name, str(shape.diag.message_primary)) from shape
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                raise
            except psycopg.Error as error:
                raise DefinitionRefused(f"{name}: {error.diag.message_primary or error}") from error
        if len(missing) == len(left):
            name, not_there = next(iter(missing.items()))
            raise DefinitionRefused(f"{name}: {not_there.diag.message_primary}")
        left = {name: left[name] for name in missing}


def _drop_earlier_signatures(
    connection: Connection, texts: Mapping[str, str], before: set[tuple[str, str, str]]
) -> None:
    """Drop the earlier versions of functions whose parameters have changed. No definition calls these versions."""
    defined = {name for text in texts.values() for kind, name in _CREATED.findall(text) if kind == "FUNCTION"}
    now = _objects(connection)
    new = {name for kind, name, signature in now - before if kind == "FUNCTION"}
    earlier = {signature for _, name, signature in now & before if name in new & defined}
    if needed := _drop_where(connection, lambda _, signature: signature in earlier):
        raise DefinitionRefused(
            f"{'; '.join(sorted(needed.values()))}. Drop the objects that use it, and migrate again"
        )


def _drop_where(connection: Connection, wanted: Callable[[str, str], bool]) -> dict[str, str]:
    """Drop the wanted objects, dependent objects first.

    Return the objects that cannot be dropped because other objects depend on them, with PostgreSQL's reason.
    """
    while True:
        dropped, needed = False, dict[str, str]()
        for kind, name, signature in sorted(_objects(connection)):
            if not wanted(name, signature):
                continue
            try:
                with connection.transaction():
                    # PostgreSQL's regprocedure and regclass have already quoted the signature as a command needs it.
                    connection.execute(sql.SQL(f"DROP {kind} {signature}"))
                dropped = True
            except errors.DependentObjectsStillExist as depends:
                needed[name] = " ".join((depends.diag.message_detail or "").split())
        if not dropped:
            return needed


def _objects(connection: Connection) -> set[_Object]:
    rows = connection.execute(statement("ledger/defined_objects"))
    return {(row["kind"], row["name"], row["signature"]) for row in rows}


def _functions_in_indexes(connection: Connection) -> dict[str, tuple[str, str]]:
    rows = connection.execute(statement("ledger/functions_in_indexes"))
    return {row["function_name"]: (row["definition"], row["indexes"]) for row in rows}
