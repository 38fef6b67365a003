"""A ledger that can be set back to an earlier moment, as a restore does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from motcua.store.ledger.database import close_ledger_pool
from tests.ground import Server, ask


class Restorable:
    """Keeps the ledger as it is at a moment, and puts that back later."""

    def __init__(self, postgres: Server, ledger: str) -> None:
        self.postgres, self.dsn = postgres, ledger
        self.name = str(conninfo_to_dict(ledger)["dbname"])
        self.kept = f"kept_{self.name}"
        self.has_kept = False

    def keep(self) -> None:
        close_ledger_pool()
        self.postgres.copy_database(self.name, self.kept)
        self.has_kept = True

    def put_back(self) -> None:
        close_ledger_pool()
        ask(self.postgres.admin_dsn, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))
        self.postgres.copy_database(self.kept, self.name)

    def rows(self, statement: str, *parameters: object) -> list[dict[str, object]]:
        with psycopg.connect(self.dsn, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if self.has_kept:
            self.postgres.drop_database(self.kept)


@pytest.fixture
def restorable(postgres: Server, ledger: str) -> Iterator[Restorable]:
    kept = Restorable(postgres, ledger)
    yield kept
    kept.close()


@pytest.fixture
def states(restorable: Restorable) -> Callable[[], dict[str, tuple[str, str | None]]]:
    """State and reason of each message, by its dossier's code."""

    def read() -> dict[str, tuple[str, str | None]]:
        return {
            str(row["dossier_code"]): (str(row["state"]), row["reason"])  # type: ignore[misc]
            for row in restorable.rows(
                "SELECT dossier_code, state, reason FROM motcua.messages JOIN motcua.dossiers USING (dossier_id)"
            )
        }

    return read
