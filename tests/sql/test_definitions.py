"""Functions, views and triggers: each stands once, and what stands there is what is in force."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.settings import include_dir
from motcua.store.ledger import definitions, migrations
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.definitions import DefinitionRefused, put_in_force
from motcua.store.ledger.migrations import OWNER, migrate
from motcua.store.ledger.provisioning import Role, provision_ledger, with_database
from tests.conftest import PASSWORD, _drop, connection_uri, copy_database
from tests.schema_file import PATH, SCHEMAS, schema_of

FOLDER = include_dir() / "sql" / "definitions"
MIGRATIONS = include_dir() / "sql" / "migrations"
FILES = sorted(FOLDER.rglob("*.sql"))
LAST_WITH_DEFINITIONS = "0028"
"""Migrations up to here came before the definitions; they stay as they were applied."""

_OBJECT = re.compile(r"^CREATE OR REPLACE (?:FUNCTION|VIEW) (\w+\.\w+)", re.M)
_TRIGGER = re.compile(r"^CREATE OR REPLACE TRIGGER (\w+)[^;]*? ON (\w+\.\w+)", re.M)


def _stated() -> Counter[str]:
    return Counter(
        name
        for path in FILES
        for text in [path.read_text(encoding="utf-8")]
        for name in [*_OBJECT.findall(text), *(f"{table} {trigger}" for trigger, table in _TRIGGER.findall(text))]
    )


@pytest.fixture
def empty_ledger(postgres, monkeypatch):
    """A ledger that nobody has migrated, whose owner is behind motcua_db_owner; yields its administrator's DSN."""
    name = "defined"
    roles = [Role(role, PASSWORD) for role in ("motcua_owner", "motcua_app", "motcua_audit", "airflow")]
    provision_ledger(postgres.admin_dsn, name, *roles, "airflow_for_tests")
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB_OWNER", connection_uri(postgres.admin_dsn, "motcua_owner", name))
    yield with_database(postgres.admin_dsn, name)
    _drop(postgres, name)


@pytest.fixture
def ledger_of_its_own(postgres, migrated, monkeypatch):
    """A migrated one, likewise."""
    name = "defined"
    copy_database(postgres, migrated, name)
    postgres.admin.execute(f"ALTER DATABASE {name} OWNER TO motcua_owner")
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB_OWNER", connection_uri(postgres.admin_dsn, "motcua_owner", name))
    yield with_database(postgres.admin_dsn, name)
    _drop(postgres, name)


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    """A copy of the definitions that a test may change; they are what is put in force."""
    shutil.copytree(FOLDER, tmp_path / "sql" / "definitions")
    monkeypatch.setattr(definitions, "include_dir", lambda: tmp_path)
    return tmp_path / "sql" / "definitions"


def _put():
    with open_connection(OWNER) as owner:
        put_in_force(owner)


def test_everything_in_a_migrated_ledger_is_stated_once(postgres, migrated):
    with psycopg.connect(with_database(postgres.admin_dsn, migrated)) as connection:
        there = connection.execute(
            "SELECT n.nspname || '.' || p.proname FROM pg_proc AS p INNER JOIN pg_namespace AS n"
            " ON p.pronamespace = n.oid WHERE n.nspname = any(%(schemas)s)"
            " UNION ALL SELECT n.nspname || '.' || c.relname FROM pg_class AS c INNER JOIN pg_namespace AS n"
            " ON c.relnamespace = n.oid WHERE n.nspname = any(%(schemas)s) AND c.relkind = 'v'"
            " UNION ALL SELECT t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger AS t WHERE NOT t.tgisinternal",
            {"schemas": list(SCHEMAS)},
        ).fetchall()
    assert Counter(name for (name,) in there) == _stated()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_file_bears_the_name_of_what_it_defines_and_begins_with_what_it_promises(path):
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- \S.{10,}", text)
    names = _OBJECT.findall(text)
    if path.stem == "rights":
        # What there is it only gives to whom it is for.
        assert names == []
    elif path.stem == "audit_views":
        assert {name.partition(".")[0] for name in names} == {"audit"}
    else:
        (name,) = names
        assert path.stem in (name.partition(".")[2], name.replace(".", "_"))


def test_later_migrations_hold_tables_and_data_only():
    made_here = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TRIGGER).*")
    found = {
        path.name: made
        for path in sorted(MIGRATIONS.glob("*.sql"))
        if path.name[:4] > LAST_WITH_DEFINITIONS and (made := made_here.findall(path.read_text(encoding="utf-8")))
    }
    # But for a function whose values an index holds: whoever builds the index anew replaces it there.
    assert found == {}


def test_schema_in_the_docs_is_current(postgres, migrated):
    assert PATH.read_text(encoding="utf-8") == schema_of(with_database(postgres.admin_dsn, migrated)), (
        "run: python -m tests.schema_file"
    )


def test_changed_definition_comes_into_force_where_no_migration_is_pending(ledger_of_its_own, files):
    as_migrated = schema_of(ledger_of_its_own)
    path = files / "messages" / "occasion_holds.sql"
    path.write_text(path.read_text(encoding="utf-8").replace("s.gone IS NULL", "s.gone IS NULL AND TRUE"))
    assert migrate() == []
    assert "s.gone IS NULL AND TRUE" in schema_of(ledger_of_its_own)
    shutil.copy(FOLDER / "messages" / "occasion_holds.sql", path)
    migrate()
    assert schema_of(ledger_of_its_own) == as_migrated


def test_what_somebody_changed_by_hand_is_put_right(ledger_of_its_own):
    as_migrated = schema_of(ledger_of_its_own)
    with psycopg.connect(ledger_of_its_own) as admin:
        admin.execute("ALTER TABLE motcua.messages DISABLE TRIGGER enforce_message_move")
        admin.execute("DROP TRIGGER refuse_change ON motcua.receipts")
        admin.execute("DROP VIEW audit.receipts")
        admin.execute(
            "CREATE OR REPLACE FUNCTION motcua.refuse_change() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NEW; END $$"
        )
    migrate()
    assert schema_of(ledger_of_its_own) == as_migrated


def test_key_of_codes_refuses_to_change_while_indexes_hold_its_values(ledger_of_its_own, files):
    before = schema_of(ledger_of_its_own)
    path = files / "dossiers" / "code_key.sql"
    path.write_text(path.read_text(encoding="utf-8").replace("'011'", "'012'"), encoding="utf-8")
    (files / "messages" / "new.sql").write_text(
        "CREATE OR REPLACE FUNCTION motcua.new_one() RETURNS int LANGUAGE sql AS 'SELECT 1';", encoding="utf-8"
    )
    with pytest.raises(DefinitionRefused, match=r"motcua\.code_key.*dossiers_code_key.*build them again") as refused:
        _put()
    assert "complaints" in str(refused.value)
    assert schema_of(ledger_of_its_own) == before, "all or nothing"
    # As a migration would do it: the indexes go, so nothing old is left when the file comes into force.
    with psycopg.connect(ledger_of_its_own) as admin:
        indexes = admin.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE pg_get_indexdef(indexrelid) LIKE '%code_key(%'"
        ).fetchall()
        assert len(indexes) == 3
        for (index,) in indexes:
            admin.execute(f"DROP INDEX {index}")
    _put()
    assert "'012'" in schema_of(ledger_of_its_own)


def test_a_file_that_cannot_be_read_keeps_all_others_out_of_force(ledger_of_its_own, files):
    before = schema_of(ledger_of_its_own)
    (files / "aaa.sql").write_text("CREATE OR REPLACE VIEW audit.aaa AS SELECT 1 AS one;", encoding="utf-8")
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELEKT 1;", encoding="utf-8")
    with pytest.raises(DefinitionRefused, match=r"zzz\.sql: syntax error"):
        _put()
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELECT * FROM audit.nothing;", encoding="utf-8")
    with pytest.raises(DefinitionRefused, match=r"zzz\.sql: relation .audit\.nothing. does not exist"):
        _put()
    assert schema_of(ledger_of_its_own) == before


def test_definition_may_need_one_that_comes_later_in_the_alphabet(ledger_of_its_own, files):
    (files / "aaa.sql").write_text("CREATE OR REPLACE VIEW audit.aaa AS SELECT one FROM audit.zzz;", encoding="utf-8")
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELECT 1 AS one;", encoding="utf-8")
    _put()
    assert "CREATE VIEW audit.aaa" in schema_of(ledger_of_its_own)


def test_view_with_other_columns_and_function_with_other_parameters_take_the_place_of_the_old(ledger_of_its_own, files):
    view = files / "receipts" / "audit_views.sql"
    view.write_text(
        view.read_text(encoding="utf-8").replace("r.receipt_id, r.gateway,", "r.gateway, r.receipt_id,"),
        encoding="utf-8",
    )
    function = files / "messages" / "is_same_state.sql"
    text = function.read_text(encoding="utf-8")
    function.write_text(
        text.replace("of_kind text)", "of_kind text, unused integer DEFAULT 0)").replace(
            "(bigint, bigint, bigint, text)", "(bigint, bigint, bigint, text, integer)"
        ),
        encoding="utf-8",
    )
    _put()
    with psycopg.connect(ledger_of_its_own, row_factory=dict_row) as admin:
        (first,) = admin.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'audit.receipts'::regclass AND attnum = 1"
        ).fetchall()
        assert first["attname"] == "gateway"
        signatures = admin.execute("SELECT oid::regprocedure::text AS s FROM pg_proc WHERE proname = 'is_same_state'")
        assert [row["s"] for row in signatures] == ["motcua.is_same_state(bigint,bigint,bigint,text,integer)"]
        readers = admin.execute(
            "SELECT grantee FROM information_schema.role_table_grants"
            " WHERE table_schema = 'audit' AND table_name = 'receipts' AND privilege_type = 'SELECT'"
        )
        assert {"motcua_audit", "motcua_app"} <= {row["grantee"] for row in readers}


def test_another_mans_view_on_ours_is_named_and_not_dropped(ledger_of_its_own, files):
    with psycopg.connect(ledger_of_its_own) as admin:
        admin.execute("CREATE SCHEMA inspectorate")
        admin.execute("CREATE VIEW inspectorate.own AS SELECT receipt_id FROM audit.receipts")
    _put()
    view = files / "receipts" / "audit_views.sql"
    view.write_text(
        view.read_text(encoding="utf-8").replace("r.receipt_id, r.gateway,", "r.gateway, r.receipt_id,"),
        encoding="utf-8",
    )
    with pytest.raises(DefinitionRefused, match=r"not ours depends on it: view inspectorate\.own depends on"):
        _put()
    with psycopg.connect(ledger_of_its_own) as admin:
        assert admin.execute("SELECT count(*) FROM inspectorate.own").fetchone() == (0,)


def test_sender_at_work_is_waited_for_and_never_the_one_to_give_way(ledger_of_its_own):
    with psycopg.connect(ledger_of_its_own) as sender:
        sender.execute("LOCK TABLE motcua.messages IN ROW EXCLUSIVE MODE")
        thread = threading.Thread(target=_put)
        thread.start()
        time.sleep(1.2)  # Longer than deadlock_timeout.
        assert thread.is_alive()
        sender.execute("SELECT count(*) FROM motcua.sending_conditions")
        sender.execute("SELECT count(*) FROM audit.receipts")
        sender.commit()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.guarantee(
    "upgrades", "a migration waits for a lock in short turns, so that no sender waits behind it, and then goes on"
)
def test_migration_waits_for_a_lock_in_short_turns_and_nobody_waits_behind_it(ledger_of_its_own, tmp_path, monkeypatch):
    shutil.copytree(MIGRATIONS, tmp_path / "sql" / "migrations")
    last = max(path.stem for path in MIGRATIONS.glob("*.sql"))
    new = tmp_path / "sql" / "migrations" / "9999_colour.sql"
    new.write_text(f"-- depends: {last}\nALTER TABLE motcua.messages ADD COLUMN colour text;\n", encoding="utf-8")
    monkeypatch.setattr(migrations, "include_dir", lambda: tmp_path)
    monkeypatch.setattr(migrations, "_LOCK_WITHIN", 0.2)
    monkeypatch.setattr(migrations, "_PATIENCE", 0.0)
    applied: list[str] = []
    with psycopg.connect(ledger_of_its_own) as sender, psycopg.connect(ledger_of_its_own, autocommit=True) as other:
        other.execute("SET statement_timeout = '60s'")
        sender.execute("LOCK TABLE motcua.messages IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate()
        monkeypatch.setattr(migrations, "_PATIENCE", 600.0)
        thread = threading.Thread(target=lambda: applied.extend(migrate()))
        thread.start()
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'motcua.messages'::regclass AND NOT granted)"
        while other.execute(waits).fetchone() != (True,):
            assert thread.is_alive()
            time.sleep(0.02)
        assert other.execute("SELECT count(*) FROM motcua.messages").fetchone() == (0,), "though it stands behind"
        sender.commit()
        thread.join(120)
        assert applied == ["9999_colour"]
        assert other.execute("SELECT count(colour) FROM motcua.messages").fetchone() == (0,)


_DATA = """
INSERT INTO motcua.agencies (agency_code, name) VALUES ('000.00.30.H32', 'Nha Trang');
INSERT INTO motcua.sources (name) VALUES ('khanhhoa');
INSERT INTO motcua.gateways (name) VALUES ('kannel');
INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, picked_up_at)
VALUES (1, '000.00.30.H32', 'Đ-01O', '+84905123456', now());
INSERT INTO motcua.transitions (source_id, source_transition_id, sequence, dossier_id, status_code, at_one_stop_desk,
    occurred_at, recorded_at, picked_up_at)
SELECT 1, n, n, 1, 9, TRUE, now(), now(), now() FROM generate_series(1, 2) AS n;
INSERT INTO motcua.messages (kind, dossier_id, transition_id, agency_code, occasion, state, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, changed_at)
VALUES ('result', 1, 1, '000.00.30.H32', '1', 'queued', 'x', 'result', 1, '{}', FALSE, 1, now(), now(), now(),
    now() + interval '1 day', now(), now());
INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, started_at, state)
VALUES (1, 'kannel', md5('1'), 1, 'run', '+84905123456', now(), 'accepted');
INSERT INTO motcua.receipts (gateway, received_at, reference, raw) VALUES ('kannel', now(), md5('1'), '{}');
INSERT INTO motcua.closings (period, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, figures_hash, difference, unexplained)
SELECT day, 'run', now(), 0, 0, 0, 0, 0, 0, repeat('0', 64), 0, 0 FROM unnest(ARRAY['2026-05-01', '2026-05-02']) AS day;
INSERT INTO motcua.closing_messages (closing_no, agency_code, procedure_code, kind, at_source, out_of_scope,
    only_source, only_ledger, suppressed, cancelled, expired, queued, sending, unknown, rejected, accepted, delivered,
    undelivered, unconfirmed, segments)
SELECT c, 'H' || a, 'P' || p, 'result', 2 * p + a + CASE p WHEN 3 THEN a - 2 ELSE 0 END, 0, 0, 0, p, 0, 0, 0, 0, 0, 0,
    0, p, a, 0, c + p
FROM generate_series(1, 2) AS c CROSS JOIN generate_series(1, 3) AS a CROSS JOIN generate_series(1, 4) AS p;
INSERT INTO motcua.closing_dossiers (closing_no, agency_code, procedure_code, carried_over, received, received_online,
    received_postal, resolved_early, resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time,
    open_late, paused_in_time, paused_late, due, handed_over)
SELECT c, 'H' || a, 'P' || p, 1, 2 * p, a, 4, 5, 6 * c, 7, 8, 9, 10, 11, 12, 13, 14, 15
FROM generate_series(1, 2) AS c CROSS JOIN generate_series(1, 3) AS a CROSS JOIN generate_series(1, 4) AS p;
INSERT INTO motcua.closing_reasons (closing_no, agency_code, procedure_code, kind, state, reason, messages)
SELECT c, 'H1', 'P' || p, 'result', 'suppressed', CASE p WHEN 1 THEN 'missing' ELSE 'landline' END, p
FROM generate_series(1, 2) AS c CROSS JOIN generate_series(1, 4) AS p;
INSERT INTO motcua.carrier_statements (form, gateway, month, covers_until, file_name, sha256, imported_at, imported_by,
    terms, lines, segments, amount, inquiries, revenue)
VALUES ('kannel', 'kannel', '2026-05-01', '2026-06-01', 'x.csv', repeat('0', 64), now(), 'lan', '{}', 4, 4, 4, 0, 0);
INSERT INTO motcua.statement_lines (statement_no, direction, line_no, sent_at, segments, amount, billed)
SELECT 1, 'mt', n, now(), n, 300.5 * n, n <> 3 FROM generate_series(1, 4) AS n;
INSERT INTO motcua.statement_matches (statement_no, verdict, direction, line_no, attempt_id, matched_by, differs,
    segments, amount)
VALUES
    (1, 'partial', 'mt', 1, 1, 'reference', ARRAY['amount', 'segments'], 2, 100),
    (1, 'theirs_only', 'mt', 2, NULL, NULL, '{}', NULL, NULL),
    (1, 'theirs_only', 'mt', 3, NULL, NULL, ARRAY['repeated'], NULL, NULL),
    (1, 'theirs_only', 'mt', 4, NULL, NULL, '{}', NULL, NULL);
"""
_SUMS = (
    "closing_message_sums",
    "closing_dossier_sums",
    "closing_reason_sums",
    "statement_sums",
    "statement_difference_sums",
)


@pytest.mark.parametrize("before", ["0022", "0028"])
def test_ledger_with_data_in_it_becomes_what_a_new_one_is(
    postgres, migrated, empty_ledger, tmp_path, monkeypatch, before
):
    """0022 is what stood before this folder did; 0028 the last whose functions came by migrations."""
    old = tmp_path / "sql" / "migrations"
    old.mkdir(parents=True)
    (tmp_path / "sql" / "definitions").mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        if path.name[:4] <= before:
            shutil.copy(path, old)
    with monkeypatch.context() as then:
        then.setattr("motcua.store.ledger.migrations.include_dir", lambda: tmp_path)
        then.setattr("motcua.store.ledger.definitions.include_dir", lambda: tmp_path)
        migrate()
    with psycopg.connect(empty_ledger, autocommit=True, row_factory=dict_row) as admin:
        admin.execute(_DATA)
        tables = [
            row["name"]
            for row in admin.execute(
                "SELECT oid::regclass::text AS name FROM pg_class WHERE relnamespace = 'motcua'::regnamespace"
                " AND relkind = 'r' AND relname NOT LIKE '%yoyo%' AND relname <> 'message_moves'"
            )
        ]

        def counts() -> dict[str, int]:
            return {name: admin.execute(f"SELECT count(*) AS n FROM {name}").fetchone()["n"] for name in tables}

        kept = counts()
        migrate()
        assert counts() == kept
        assert schema_of(empty_ledger) == schema_of(with_database(postgres.admin_dsn, migrated))
        (found,) = admin.execute(
            "SELECT dossier_id FROM motcua.dossiers WHERE motcua.code_key(dossier_code) = motcua.code_key('d-010')"
        ).fetchall()
        assert found["dossier_id"] == 1
        (ready,) = admin.execute("SELECT occasion_holds, gone FROM motcua.sending_conditions").fetchall()
        assert ready == {"occasion_holds": True, "gone": None}
        assert [row["receipt_id"] for row in admin.execute("SELECT receipt_id FROM motcua.unread_receipts")] == [1]
        with pytest.raises(psycopg.DatabaseError, match="append-only"):
            admin.execute("DELETE FROM motcua.receipts")

        def sums(schema: str) -> dict[str, list[str]]:
            """Each row in words, columns by their names."""
            return {
                name: sorted(
                    row["row"] for row in admin.execute(f"SELECT to_jsonb(s)::text AS row FROM {schema}.{name} AS s")
                )
                for name in _SUMS
            }

        written = sums("motcua")
        assert all(written.values())
        with admin.transaction(force_rollback=True):
            admin.execute("SET LOCAL session_replication_role = 'replica'")
            for name in _SUMS:
                admin.execute(f"DELETE FROM motcua.{name}")
            # Where nothing is written the views add up.
            assert sums("audit") == written
        assert sums("audit") == written
