"""Fixtures of the restore tests: a ledger that can be set back to an earlier state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from motcua.sandbox.network.scripted import ScriptedGateway
from motcua.store.ledger.database import close_ledger_pool
from motcua.store.oversight.accounting import identity
from tests.ground import NOW, OneStop, Server, ask, in_ledger, type_command

MINUTE = timedelta(minutes=1)


class Restorable:
    """A ledger that ``keep`` copies and ``put_back`` sets back to that copy."""

    def __init__(self, postgres: Server, ledger: str) -> None:
        self.postgres, self.dsn = postgres, ledger
        self.name = str(conninfo_to_dict(ledger)["dbname"])
        self.kept = f"kept_{self.name}"

    def keep(self) -> None:
        close_ledger_pool()
        self.postgres.copy_database(self.name, self.kept)

    def put_back(self) -> None:
        close_ledger_pool()
        ask(self.postgres.admin_dsn, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
        self.postgres.copy_database(self.kept, self.name)

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        return ask(self.dsn, statement, *parameters)


@pytest.fixture
def restorable(postgres: Server, ledger: str) -> Iterator[Restorable]:
    kept = Restorable(postgres, ledger)
    yield kept
    postgres.drop_database(kept.kept)


@pytest.fixture
def states(restorable: Restorable) -> Callable[[], dict[str, tuple[str, str | None]]]:
    """Return a function that reads state and reason of each message, by dossier code."""

    def read() -> dict[str, tuple[str, str | None]]:
        return {
            row["dossier_code"]: (row["state"], row["reason"])
            for row in restorable.rows(
                "SELECT dossier_code, state, reason FROM motcua.messages JOIN motcua.dossiers USING (dossier_id)"
            )
        }

    return read


def event(one_stop: OneStop, *numbers: int, at: datetime = NOW) -> None:
    """Write to the source, for each of these numbers, a dossier that has reached its result (status 9).

    The dossier's phone number ends in its number.
    """
    for number in numbers:
        one_stop.both(9, f"D-{number}", at=at, applicant_phone=f"0905123{number:03}")


def times_texted(gateway: ScriptedGateway) -> Counter[str]:
    """Return how often the gateway was asked to text each number, by its last three digits."""
    return Counter(asked["to"][-3:] for asked in gateway.asked)


def once_each(*numbers: int) -> Counter[str]:
    """Return the result of ``times_texted`` if each of these numbers was texted once."""
    return Counter(f"{number:03}" for number in numbers)


def balances() -> bool:
    return all(row.difference == 0 for row in in_ledger(identity))


def close(*options: str) -> None:
    """Close gap 1 (a time of which the ledger lacks data) by ``motcua gaps close`` as the Department."""
    type_command("gaps", "close", "1", *options, "--reason", "tra lời", "--as-department", "--yes")
