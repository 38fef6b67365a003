"""The usual commands upgrade a used ledger of version 0.2.0: its schema becomes that of a new ledger, no data is lost.

The archive ``ledger-0.2.0.tar.xz`` has such a ledger as pg_dump wrote it (``ledger.sql``), the manifests of its
thirteen publications, and all files of two of them, one of a day and one of a month. The code of version 0.2.0 made the
ledger: the demo's past of nine days up to 2026-10-07 with three dossiers a day (``load_past`` with seed 7, as in
tests/sandbox/test_past.py). The ledger contains closings, corrections, publications, quality checks, a carrier
statement, receipts and mails. Commands of version 0.2.0 then did the following: acknowledge a finding, map statuses of
a source, assign agencies to people and withdraw them, stop apologies, add a push account, check a source, verify all
publications, purge personal data, and erase the personal data of one dossier.
"""

from __future__ import annotations

import json
import lzma
import subprocess
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from motcua.sandbox.machine.postgres import binaries
from motcua.store.ledger.inspecting import objects_there
from motcua.store.ledger.migrations import SCHEMAS
from motcua.store.ledger.provisioning import with_database
from tests.ground import (
    Server,
    connection_uri,
    environment,
    ledger_connections,
    provision,
    type_command,
)

KEPT = Path(__file__).parent / "ledger-0.2.0.tar.xz"
DATABASE = "of_0_2_0"
WITH_FILES = {"5": "2026-09", "8": "2026-10-03"}
"""Publications whose files are in the archive, with their periods."""
SUMS = (
    "closing_message_sums",
    "closing_dossier_sums",
    "closing_reason_sums",
    "statement_sums",
    "statement_difference_sums",
)


class Upgraded(NamedTuple):
    """The upgraded ledger, and its rows before the upgrade."""

    dsn: str
    """An administrator's DSN of the ledger."""
    folder: Path
    columns: dict[str, set[str]]
    rows: dict[str, str]
    said: str


def _tables(connection: psycopg.Connection[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the columns of each table of the ledger."""
    found = connection.execute(
        "SELECT c.oid::regclass::text AS named, array_agg(a.attname::text) AS columns FROM pg_class AS c"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " WHERE c.relkind = 'r' AND c.relnamespace::regnamespace::text = any(%s) GROUP BY c.oid",
        (SCHEMAS,),
    )
    return {row["named"]: set(row["columns"]) for row in found}


def _rows(connection: psycopg.Connection[dict[str, Any]], columns: dict[str, set[str]]) -> dict[str, str]:
    """Return, for each table, its number of rows and a hash of its values in these columns."""
    found = {}
    for table, names in columns.items():
        all_of_it = connection.execute(f"SELECT to_jsonb(t) AS kept FROM {table} AS t")
        written = sorted(json.dumps({name: row["kept"][name] for name in sorted(names)}) for row in all_of_it)
        digest = sha256("\n".join(written).encode()).hexdigest()
        found[table] = f"{len(written)} {digest}"
    return found


@pytest.fixture(scope="module")
def upgraded(postgres: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    """Load the ledger of 0.2.0 with its publications' files, and run ``motcua provision`` and ``motcua migrate``."""
    folder = tmp_path_factory.mktemp("kept")
    with lzma.open(KEPT) as packed, tarfile.open(fileobj=packed) as files:
        files.extractall(folder, filter="data")
    provision(postgres.admin_dsn, DATABASE)
    dsn = with_database(postgres.admin_dsn, DATABASE)
    fill = [
        binaries() / "psql",
        "--quiet",
        "--no-psqlrc",
        "--set=ON_ERROR_STOP=1",
        "--file",
        folder / "ledger.sql",
        dsn,
    ]
    subprocess.run(fill, check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        columns = _tables(connection)
        rows = _rows(connection, columns)
    given = ledger_connections(postgres.admin_dsn, DATABASE) | {
        "AIRFLOW_CONN_MOTCUA_DB_OWNER": connection_uri(postgres.admin_dsn, "motcua_owner", DATABASE),
        "MOTCUA_PUBLICATIONS": f"file://{folder / 'publications'}",
        "MOTCUA_JOURNAL": str(folder / "journal"),
    }
    with environment(**given):
        provision(postgres.admin_dsn, DATABASE)
        done = type_command("migrate")
        yield Upgraded(dsn, folder, columns, rows, done.output)
    postgres.drop_database(DATABASE)


@pytest.mark.guarantee("upgrades", "an upgraded ledger of 0.2.0 has the same objects as a new ledger")
def test_ledger_of_0_2_0_becomes_what_a_new_one_is(postgres: Server, migrated: str, upgraded: Upgraded) -> None:
    found = []
    for dsn in (upgraded.dsn, with_database(postgres.admin_dsn, migrated)):
        with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
            found.append(objects_there(connection))
    of_upgraded, of_new = found
    differing = {
        key: (of_upgraded.get(key), of_new.get(key))
        for key in of_upgraded.keys() | of_new.keys()
        if of_upgraded.get(key) != of_new.get(key)
    }
    assert differing == {}
    assert len(of_new) > 1000


@pytest.mark.guarantee("upgrades", "an upgraded ledger of 0.2.0 keeps each row as it was")
def test_ledger_of_0_2_0_keeps_each_row_as_it_was(upgraded: Upgraded) -> None:
    with psycopg.connect(upgraded.dsn, row_factory=dict_row) as connection:
        found = _rows(connection, upgraded.columns)
        # Migrations fill the table of allowed changes of a message's state, and the present version adds two rows.
        moves = "motcua.message_moves"
        assert found == upgraded.rows | {moves: found[moves]}
        assert [told[moves].split()[0] for told in (upgraded.rows, found)] == ["44", "46"]
    assert len([told for told in upgraded.rows.values() if not told.startswith("0 ")]) > 60
    assert "applied 0071_unserved\n" in upgraded.said


@pytest.mark.guarantee("upgrades", "publications of 0.2.0 verify after the upgrade")
@pytest.mark.parametrize("number", WITH_FILES)
def test_publication_of_0_2_0_verifies(upgraded: Upgraded, number: str) -> None:
    done = type_command("verify", number)
    assert f"Publication {number}, {WITH_FILES[number]}," in done.output
    assert done.output.count("holds:") >= 5
    assert "Everything holds." in done.output


@pytest.mark.parametrize("look", [("identity",), ("quality", "verify")], ids=" ".join)
def test_books_of_0_2_0_hold(upgraded: Upgraded, look: tuple[str, ...]) -> None:
    type_command(*look)


def test_sums_that_an_older_ledger_lacks_are_added_up_where_they_are_read(upgraded: Upgraded) -> None:
    def sums(schema: str) -> dict[str, list[str]]:
        """Return each row as text, with columns by their names."""
        return {
            name: sorted(
                row["row"] for row in admin.execute(f"SELECT to_jsonb(s)::text AS row FROM {schema}.{name} AS s")
            )
            for name in SUMS
        }

    with psycopg.connect(upgraded.dsn, autocommit=True, row_factory=dict_row) as admin:
        written = sums("motcua")
        assert [name for name, rows in written.items() if not rows] == ["statement_difference_sums"]
        assert sums("audit") == written
        with admin.transaction(force_rollback=True):
            admin.execute("SET LOCAL session_replication_role = 'replica'")
            for name in SUMS:
                admin.execute(sql.SQL("DELETE FROM motcua.{}").format(sql.Identifier(name)))
            assert sums("audit") == written
