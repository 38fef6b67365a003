"""Test sources behind foreign tables, which show the tables of another database in PostgreSQL.

The other database must filter the rows itself. It has no common snapshot for several queries, so each query may see
another state of its rows. It may also ignore time limits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import IsolationLevel, sql

from motcua.jobs.notices.picking_up import SourceFailed, pick_up
from motcua.jobs.notices.watching import sources_to_read
from motcua.reports.checks import words_of
from motcua.sources import patience
from motcua.sources.contract import ContractSource
from motcua.sources.foreign_tables import ForeignTablesSource
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.provisioning import with_database
from tests.ground import NOW, OneStop, type_command

CODES = {
    "known_codes": list(range(1, 11)),
    "result_codes": [9],
    "supplement_codes": [5],
    "working_codes": [2, 4],
    "ending_codes": [3, 7, 10],
}


@pytest.fixture
def far(postgres, one_stop: OneStop, configure) -> Iterator[OneStop]:
    """Set up a database whose foreign tables show the one-stop database; return the one-stop database."""
    name = postgres.fresh_database("template0", "between")
    parts = psycopg.conninfo.conninfo_to_dict(postgres.admin_dsn)
    with psycopg.connect(with_database(postgres.admin_dsn, name), autocommit=True) as between:
        between.execute("CREATE EXTENSION postgres_fdw")
        server = "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host {}, port {}, dbname {})"
        far_name = one_stop.connection.info.dbname
        between.execute(sql.SQL(server).format("127.0.0.1", str(parts["port"]), far_name))
        mapping = "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user {}, password {})"
        between.execute(sql.SQL(mapping).format(parts["user"], parts["password"]))
        between.execute("CREATE SCHEMA onestop")
        between.execute("IMPORT FOREIGN SCHEMA onestop FROM SERVER far INTO onestop")
    uri = f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    configure(MOTCUA_SOURCES="khanhhoa=foreign_tables", AIRFLOW_CONN_ONESTOP_KHANHHOA=uri)
    yield one_stop
    postgres.drop_database(name)


def test_source_behind_foreign_tables_is_picked_up_and_watched(far, rows):
    far.dossier()
    far.move(9)
    assert pick_up("khanhhoa", now=NOW).transitions == 1
    assert sources_to_read(NOW).names == []
    far.move(4)
    far.dossier(status_code=4, updated_at=NOW)
    assert sources_to_read(NOW).names == ["khanhhoa"]
    assert pick_up("khanhhoa", now=NOW).transitions == 1
    assert sources_to_read(NOW).names == []
    assert [row["status_code"] for row in rows("SELECT status_code FROM motcua.transitions ORDER BY 1")] == [4, 9]


def test_source_behind_foreign_tables_is_checked_as_any_other(far):
    moment = datetime.now(UTC)
    for place in range(30):
        received = moment - timedelta(days=9, minutes=place)
        far.dossier(
            f"H-{place:03}",
            applicant_phone=None if place % 2 else f"0905{271830 + 977 * place}",
            received_at=received,
            due_at=received - timedelta(days=30),
            updated_at=moment - timedelta(hours=2),
            status_code=4,
        )
        far.move(4, f"H-{place:03}", desk=False, at=moment - timedelta(hours=2))
        far.move(77, f"H-{place:03}", desk=False, at=moment - timedelta(hours=1))
    shown = type_command("sources", "check", "khanhhoa", "--json", exits=1)
    found = {each["kind"]: each for each in json.loads(shown.output)["findings"]}
    named = {"status_unknown", "phones_missing", "due_before_received", "desk_never"}
    assert named <= found.keys()
    assert not found.keys() & {
        "unreadable",
        "unreachable",
        "views_missing",
        "columns_missing",
        "unanswered",
        "too_slow",
    }
    assert found["status_unknown"]["names"] == ["77"]
    assert found["status_unknown"]["action"] == words_of("status_unknown")["todo"]
    assert "khung nhìn" in found["phones_missing"]["action"]


READINGS = {
    "latest": ({}, ["max(transition_id)", "max(recorded_at)", "max(updated_at)"]),
    "watch": (
        {"recorded_since": NOW, "updated_since": NOW, "after": 7},
        ["count(*), sum(transition_id)", "recorded_at >= $", "transition_id > $", "updated_at >= $"],
    ),
    "dossiers_since": ({"since": NOW, "open_too": True}, ["updated_at >= $", "status_code IS NULL"]),
    "transitions_since": ({"since": NOW, "after": 7}, ["recorded_at >= $", "transition_id > $"]),
    "transitions_between": ({"start": NOW, "end": NOW}, ["recorded_at >= $", "recorded_at < $"]),
    "dossiers_by_key": ({"agency_codes": ["A"], "dossier_codes": ["D-7"]}, ["dossier_code = ANY", "D-7"]),
    "transitions_by_key": ({"agency_codes": ["A"], "dossier_codes": ["D-7"]}, ["dossier_code = ANY", "D-7"]),
    "transitions_by_number": ({"numbers": [7]}, ["transition_id = ANY", "{7}"]),
    "occasions": ({"start": NOW, "end": NOW} | CODES, ["recorded_at >= $", "updated_at >= $"]),
}


def asks(reader, name):
    return reader._query(name, of="sources/counting") if name == "occasions" else reader.reading_query(name)


@pytest.mark.parametrize("name", READINGS)
def test_the_other_database_filters_the_rows(far, name):
    parameters, wanted = READINGS[name]
    with open_connection("onestop_khanhhoa") as connection:
        reader = ForeignTablesSource(connection)
        plan = connection.execute("EXPLAIN (VERBOSE) " + asks(reader, name), parameters).fetchall()
    asked = "\n".join(row["QUERY PLAN"] for row in plan if "Remote SQL" in row["QUERY PLAN"])
    missing = [each for each in wanted if each not in asked.replace("((", "(").replace("r1.", "")]
    assert not missing, asked


@pytest.mark.parametrize("name", ["occasions", "dossiers_by_key"])
def test_rows_are_joined_without_relying_on_the_other_databases_order(far, name):
    with open_connection("onestop_khanhhoa") as connection:
        reader = ForeignTablesSource(connection)
        plan = connection.execute("EXPLAIN " + asks(reader, name), READINGS[name][0]).fetchall()
    assert "Hash" in str(plan)
    assert "Merge" not in str(plan)


@pytest.mark.guarantee(
    "once", "rows that arrive during the pick-up of a source without snapshots are read by the next pick-up"
)
def test_what_comes_while_a_source_without_snapshot_is_read_stays_news(one_stop, monkeypatch):
    one_stop.both(4)
    read_all = ContractSource.transitions_since

    def while_rows_come(self, *asked):
        # Like a foreign scan, each SQL statement sees the rows that are committed when it runs.
        yield from list(read_all(self, *asked))
        one_stop.move(9)

    set_up = ContractSource.__init__

    def without_snapshot(self, connection, source=""):
        set_up(self, connection, source)
        connection.isolation_level = IsolationLevel.READ_COMMITTED

    monkeypatch.setattr(ContractSource, "__init__", without_snapshot)
    with monkeypatch.context() as busy:
        busy.setattr(ContractSource, "transitions_since", while_rows_come)
        assert pick_up("khanhhoa", now=NOW).transitions == 1
    assert sources_to_read(NOW).names == ["khanhhoa"], "the row that came during the reading must still count as news"
    assert pick_up("khanhhoa", now=NOW).transitions == 1
    assert sources_to_read(NOW).names == []


HANGING = """
CREATE FUNCTION onestop.hang() RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    -- A foreign data wrapper that waits for its server ignores cancelling in this way.
    PERFORM pg_sleep(600);
    RETURN now();
EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(600);
    RETURN now();
END $$;
ALTER TABLE onestop.transitions RENAME TO written;
CREATE VIEW onestop.transitions AS
SELECT transition_id, agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk,
    onestop.hang() AS occurred_at, recorded_at, actor, note
FROM onestop.written;
"""


@pytest.mark.guarantee(
    "once", "the pick-up of a hanging source ends after 30 s, or 35 s if it ignores the limit; other sources go on"
)
def test_source_that_minds_no_time_limit_is_given_up_all_the_same(one_stop, rows, configure, monkeypatch):
    monkeypatch.setattr(patience, "_GRACE", 0.2)
    configure(MOTCUA_SOURCE_PATIENCE="PT0.2S")
    one_stop.both(9)
    one_stop.connection.execute(HANGING)
    with pytest.raises(SourceFailed, match="no answer within"):
        pick_up("khanhhoa", now=NOW)
    assert "no answer within" in rows("SELECT failure FROM motcua.sources")[0]["failure"]
