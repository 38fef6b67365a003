"""Makes an empty ledger of include/sql/schema, and puts its functions, views and triggers in force.

Tables that are in use change step by step, so they have migrations. A function or a view has no past worth keeping:
include/sql/definitions says once what each is, and all are put in force together, in one transaction, whenever the
ledger is migrated.
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

_PATIENCE = 120.0
"""Seconds that whoever works with the ledger meanwhile may hold up what is to be replaced."""
_PAUSE = 0.5
_RIGHTS = "rights"
_CREATED = re.compile(r"^CREATE OR REPLACE (FUNCTION|VIEW) ([a-z_]+\.[a-z_]+)", re.MULTILINE)
_BEGINS = re.compile(
    r"^(?:--.*\n)*CREATE (?:OR REPLACE (?:FUNCTION|VIEW)|(?:UNLOGGED )?TABLE) ([a-z_]+\.[a-z_]+)", re.MULTILINE
)
"""Where the text of one table, function or view begins, with its comment, in a file that holds several."""
_NOT_YET = (
    errors.InvalidSchemaName,
    errors.UndefinedTable,
    errors.UndefinedFunction,
    errors.UndefinedColumn,
    errors.UndefinedObject,
)
"""What a definition meets that needs another one first."""
_OTHER_SHAPE = (errors.InvalidTableDefinition, errors.InvalidFunctionDefinition, errors.AmbiguousFunction)
"""What PostgreSQL does not replace: other columns of a view, another result of a function, or other parameters, which
make a function beside the earlier one."""


_Object: TypeAlias = tuple[str, str, str]
"""Kind, name, and signature as a command needs it."""


class _ShapeDiffers(Exception):
    """PostgreSQL does not replace what this text defines."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"{name}: {words}")
        self.name = name


class DefinitionRefused(Exception):
    """A definition could not be put in force, so none was; the message names it and says what to do."""


def make_schema(connection: psycopg.Connection[Any]) -> None:
    """Makes all that a ledger is made of, with its definitions, in a database that has nothing of it; the owner's
    connection, in a transaction.

    Raises:
        DefinitionRefused: a file cannot be put in force.
    """
    _apply(connection, _texts_of("schema") | texts_of_definitions())


def put_in_force(connection: Connection) -> None:
    """Puts every definition in force, or none; a connection of the schema's owner, outside a transaction.

    A lock that is not free at once is given back and asked for again, so that senders at work are not held up for
    longer than a moment and never become the victim of a deadlock.

    Raises:
        DefinitionRefused: a file cannot be put in force, or would change what an index holds.
    """
    texts = texts_of_definitions()
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with connection.transaction():
                # Shorter than deadlock_timeout: it is never a sender that has to give way.
                connection.execute("SET LOCAL lock_timeout = '300ms'")
                _replace_all(connection, texts)
        except (errors.LockNotAvailable, errors.DeadlockDetected) as busy:
            if time.monotonic() > until:
                raise DefinitionRefused(
                    f"for {_PATIENCE:.0f} s others held what is to be replaced ({busy.diag.message_primary});"
                    " stop the scheduler, end long queries, and migrate again"
                ) from busy
            time.sleep(_PAUSE)
        else:
            return


def texts_of_definitions() -> dict[str, str]:
    """The text of each function and view by its name, ``motcua.code_key``, with its comment, triggers and privileges;
    that of the rights, which comes last, by ``rights``."""
    texts = _texts_of("definitions")
    # Rights are given once everything is there that they are given on.
    return {name: texts[name] for name in sorted(texts, key=lambda name: (name == _RIGHTS, name))}


def _texts_of(folder: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted((include_dir() / "sql" / folder).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        found = [*_BEGINS.finditer(text)]
        names = [each[1] for each in found] or [path.stem]
        # What stands before the first is the file's own header.
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
                f"{differs}; what is not ours depends on it: "
                f"{'; '.join(sorted(needed[name] for name in names & needed.keys()))}. Drop that, and migrate again"
            ) from differs
    _drop_earlier_signatures(connection, texts, before)
    now = _functions_in_indexes(connection)
    for name, (definition, indexes) in in_indexes.items():
        if name in now and now[name][0] != definition:
            raise DefinitionRefused(
                f"{name} was changed, but {indexes} hold its old values: let a migration drop the indexes, replace the"
                " function and build them again"
            )


def _apply(connection: psycopg.Connection[Any], texts: Mapping[str, str]) -> None:
    """Round by round, since a definition may need others that come later in the alphabet; rights when all is there."""
    _apply_rounds(connection, {name: text for name, text in texts.items() if name != _RIGHTS})
    _apply_rounds(connection, {name: text for name, text in texts.items() if name == _RIGHTS})


def _apply_rounds(connection: psycopg.Connection[Any], texts: Mapping[str, str]) -> None:
    left = dict(texts)
    while left:
        missing: dict[str, psycopg.Error] = {}
        for name, text in left.items():
            try:
                with connection.transaction():
                    connection.execute(sql.SQL(text))  # a file of ours: no value is in it
            except _NOT_YET as not_yet:
                missing[name] = not_yet
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
    """A function with other parameters stands beside its earlier self, which nobody calls any more."""
    defined = {name for text in texts.values() for kind, name in _CREATED.findall(text) if kind == "FUNCTION"}
    now = _objects(connection)
    new = {name for kind, name, signature in now - before if kind == "FUNCTION"}
    earlier = {signature for _, name, signature in now & before if name in new & defined}
    if needed := _drop_where(connection, lambda _, signature: signature in earlier):
        raise DefinitionRefused(f"{'; '.join(sorted(needed.values()))}. Drop what uses it, and migrate again")


def _drop_where(connection: Connection, wanted: Callable[[str, str], bool]) -> dict[str, str]:
    """Drops what is wanted, dependents first; returns what something else stands on, and in PostgreSQL's words what."""
    while True:
        dropped, needed = False, dict[str, str]()
        for kind, name, signature in sorted(_objects(connection)):
            if not wanted(name, signature):
                continue
            try:
                with connection.transaction():
                    # regprocedure and regclass have quoted it as a command needs it.
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
