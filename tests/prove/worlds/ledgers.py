"""Provide PostgreSQL servers and ledgers for proofs, and run short simulations in which the system is broken on
purpose."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final
from unittest import mock

from tests.ground import FAST, Server, environment, ledger_connections, make_ledger, own_server
from tests.prove import Figure, equal


@contextlib.contextmanager
def proving_server(folder: Path, *, trusting: bool = False) -> Iterator[str]:
    """Start a PostgreSQL server with a migrated ledger that serves as a template; yield its administrator's DSN.

    ``trusting``: see ``own_server``.
    """
    with (
        own_server(folder, FAST, trusting=trusting) as server,
        environment(AIRFLOW_HOME=str(folder / "airflow")),
    ):
        make_ledger(server.admin_dsn)
        yield server.admin_dsn


@contextlib.contextmanager
def proving_ledger(admin_dsn: str, name: str) -> Iterator[str]:
    """Create an empty ledger, let the connection ``motcua_db`` lead to it, and yield an administrator's DSN for it."""
    server = Server(admin_dsn)
    dsn = server.copy_database("motcua", name)
    with tempfile.TemporaryDirectory(prefix="motcua-journal-") as journal:
        variables = ledger_connections(admin_dsn, name) | {"MOTCUA_JOURNAL": journal}
        with environment(**variables):
            yield dsn
    server.drop_database(name)
    server.admin.close()


LEDGER_CLOCK: Final = """
CREATE SCHEMA prove;
CREATE TABLE prove.clock (moment timestamptz NOT NULL);
INSERT INTO prove.clock VALUES (now());
CREATE FUNCTION prove.now() RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
RETURN (SELECT moment FROM prove.clock);
GRANT USAGE ON SCHEMA prove TO public;
ALTER TABLE motcua.message_history ALTER COLUMN changed_at SET DEFAULT prove.now();
ALTER TABLE motcua.receipts ALTER COLUMN received_at SET DEFAULT prove.now();
ALTER TABLE motcua.receipt_readings ALTER COLUMN read_at SET DEFAULT prove.now();
ALTER TABLE motcua.inquiries ALTER COLUMN counted_at SET DEFAULT prove.now();
CREATE FUNCTION prove.note_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := prove.now();
    RETURN NEW;
END
$$;
CREATE TRIGGER prove_clock BEFORE INSERT OR UPDATE OF state ON motcua.messages
FOR EACH ROW WHEN (NEW.changed_at > '2025-01-01') EXECUTE FUNCTION prove.note_time();
"""
"""SQL after which the ledger stamps its records with a simulated time, which the table ``prove.clock`` holds."""

Mistake = Callable[[str], AbstractContextManager[object]]
"""A function that takes a ledger's DSN and returns a context in which the system is broken in one way."""


def replacing(owner: object, attribute: str, wrong: object) -> Mistake:
    return lambda _: mock.patch.object(owner, attribute, wrong)


def notice_mistakes(
    admin_dsn: str,
    mistakes: Mapping[str, Mistake],
    falls_short: Callable[[str], bool],
) -> Figure:
    """Return a row with the number of planted mistakes that a short simulation reveals; print the names of the others.

    Args:
        admin_dsn: DSN as ``proving_server`` yields it.
        mistakes: Description → mistake; each mistake gets a ledger of its own.
        falls_short: Function that runs the simulation in the ledger with this DSN, and returns whether a figure misses
            its required value.
    """
    noticed = 0
    for number, (name, mistake) in enumerate(mistakes.items()):
        with proving_ledger(admin_dsn, f"mistake_{number}") as ledger, mistake(ledger):
            if falls_short(ledger):
                noticed += 1
            else:
                print(f"not noticed: {name}")
    made = len(mistakes)
    return equal("mistakes made on purpose that are noticed", noticed, made)
