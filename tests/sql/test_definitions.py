"""Test that each function, view and trigger is defined in one place, and that a migrated ledger has no others."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from motcua.settings import include_dir
from motcua.store.ledger import migrations
from motcua.store.ledger.database import open_connection
from motcua.store.ledger.definitions import DefinitionRefused, put_in_force, texts_of_definitions
from motcua.store.ledger.inspecting import Objects, objects_there
from motcua.store.ledger.locks import MIGRATING, hold_lock
from motcua.store.ledger.migrations import OWNER, SCHEMAS, LedgerRefused, migrate
from motcua.store.ledger.provisioning import with_database
from tests.ground import ask, connection_uri, provision

FOLDER = include_dir() / "sql" / "definitions"
MIGRATIONS = include_dir() / "sql" / "migrations"
FILES = sorted(FOLDER.glob("*.sql"))

_OBJECT = re.compile(r"^CREATE OR REPLACE (?:FUNCTION|VIEW) (\w+\.\w+)", re.M)
_TRIGGER = re.compile(r"^CREATE OR REPLACE TRIGGER (\w+)[^;]*? ON (\w+\.\w+)", re.M)


def _stated_objects() -> Counter[str]:
    return Counter(
        name
        for path in FILES
        for text in [path.read_text(encoding="utf-8")]
        for name in [*_OBJECT.findall(text), *(f"{table} {trigger}" for trigger, table in _TRIGGER.findall(text))]
    )


def schema_of(dsn: str) -> Objects:
    """Return the definition of each object that a ledger has, by kind and name."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        return objects_there(connection)


@pytest.fixture
def empty_ledger(postgres, monkeypatch):
    """Create an empty database for a ledger, and yield an administrator's DSN.

    The environment variables have the owner's connection.
    """
    name = "defined"
    provision(postgres.admin_dsn, name)
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB_OWNER", connection_uri(postgres.admin_dsn, "motcua_owner", name))
    yield with_database(postgres.admin_dsn, name)
    postgres.drop_database(name)


@pytest.fixture
def ledger_of_its_own(postgres, migrated, monkeypatch):
    """Create a migrated ledger for one test, and yield an administrator's DSN.

    The environment variables have the owner's connection.
    """
    name = "defined"
    postgres.copy_database(migrated, name)
    postgres.admin.execute(f"ALTER DATABASE {name} OWNER TO motcua_owner")
    monkeypatch.setenv("AIRFLOW_CONN_MOTCUA_DB_OWNER", connection_uri(postgres.admin_dsn, "motcua_owner", name))
    yield with_database(postgres.admin_dsn, name)
    postgres.drop_database(name)


@pytest.fixture
def files(tmp_path, configure) -> Path:
    """Copy the definition files for one test, let ``motcua migrate`` read the copy, and return its folder."""
    shutil.copytree(FOLDER.parent, tmp_path / "include" / "sql")
    configure(MOTCUA_HOME=str(tmp_path))
    return tmp_path / "include" / "sql" / "definitions"


def change(path: Path, *old_and_new: tuple[str, str]) -> None:
    """Replace texts in a file. Each old text must occur in the file."""
    text = path.read_text(encoding="utf-8")
    for old, new in old_and_new:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


OTHER_COLUMNS = ("r.receipt_id, r.gateway,", "r.gateway, r.receipt_id,")


def _put_in_force():
    with open_connection(OWNER) as owner:
        put_in_force(owner)


def test_everything_in_a_migrated_ledger_is_stated_once(postgres, migrated):
    """Each function, view and trigger of the ledger is in exactly one definition file."""
    with psycopg.connect(with_database(postgres.admin_dsn, migrated)) as connection:
        there = connection.execute(
            "SELECT n.nspname || '.' || p.proname FROM pg_proc AS p INNER JOIN pg_namespace AS n"
            " ON p.pronamespace = n.oid WHERE n.nspname = any(%(schemas)s)"
            " UNION ALL SELECT n.nspname || '.' || c.relname FROM pg_class AS c INNER JOIN pg_namespace AS n"
            " ON c.relnamespace = n.oid WHERE n.nspname = any(%(schemas)s) AND c.relkind = 'v'"
            " UNION ALL SELECT t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger AS t WHERE NOT t.tgisinternal",
            {"schemas": SCHEMAS},
        ).fetchall()
    assert Counter(name for (name,) in there) == _stated_objects()


def test_each_file_and_each_definition_begins_with_what_it_is_for():
    assert [path.name for path in FILES if not re.match(r"-- \S.{10,}", path.read_text(encoding="utf-8"))] == []
    # One sentence describes all views for auditors together, so no single view needs a sentence of its own.
    silent = [
        name
        for name, text in texts_of_definitions().items()
        if not re.match(r"-- \S.{10,}", text) and not name.startswith("audit.")
    ]
    assert silent == []


def test_migrations_hold_tables_and_data_only():
    made_here = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TRIGGER).*")
    found = {
        path.name: made
        for path in sorted(MIGRATIONS.glob("*.sql"))
        if (made := made_here.findall(path.read_text(encoding="utf-8")))
    }
    # A migration may define a function only if it also rebuilds an index that stores the function's values.
    # No migration does so at present.
    assert found == {}


def test_empty_database_becomes_a_ledger_whole_or_not_at_all(postgres, migrated, empty_ledger, files):
    broken = files / "zzz.sql"
    broken.write_text("-- Is none.\nCREATE OR REPLACE VIEW audit.zzz AS SELEKT 1;", encoding="utf-8")
    with pytest.raises(DefinitionRefused, match=r"audit\.zzz: syntax error"):
        migrate()
    assert schema_of(empty_ledger) == {}
    broken.unlink()
    assert migrate() == ["schema"]
    assert schema_of(empty_ledger) == schema_of(with_database(postgres.admin_dsn, migrated))
    assert migrate() == []


def test_ledger_that_is_half_there_is_refused_and_left_as_it_is(empty_ledger):
    with psycopg.connect(empty_ledger, autocommit=True) as admin:
        admin.execute("CREATE SCHEMA motcua")
        with pytest.raises(
            LedgerRefused, match=r"incomplete ledger: it has the schemas motcua and no record of migrations"
        ):
            migrate()
        assert schema_of(empty_ledger).keys() == {("schema", "motcua")}
        admin.execute("DROP SCHEMA motcua")
        migrate()
        admin.execute("DROP SCHEMA statements CASCADE")
        with pytest.raises(LedgerRefused, match=r"audit, intake, motcua, quality and a record of migrations up to 00"):
            migrate()


def test_ledger_of_before_the_first_version_that_migrations_lead_from_is_told_the_way(ledger_of_its_own):
    """A ledger that is too old must be refused, with an error that names the version to which it must migrate first."""
    before = schema_of(ledger_of_its_own)
    ask(
        ledger_of_its_own,
        "UPDATE public._yoyo_migration SET migration_id = '0051_verified' WHERE migration_id = '0071_unserved'",
    )
    ask(ledger_of_its_own, "DELETE FROM public._yoyo_migration WHERE migration_id > '0051_verified'")
    with pytest.raises(
        LedgerRefused, match=r"older than version 0\.2\.0: its newest migration is 0051_verified\..*first"
    ):
        migrate()
    assert schema_of(ledger_of_its_own) == before


def test_changed_definition_comes_into_force_where_no_migration_is_pending(ledger_of_its_own, files):
    as_migrated = schema_of(ledger_of_its_own)
    change(files / "messages.sql", ("s.gone IS NULL", "s.gone IS NULL AND TRUE"))
    assert migrate() == []
    assert schema_of(ledger_of_its_own) != as_migrated
    shutil.copy(FOLDER / "messages.sql", files)
    migrate()
    assert schema_of(ledger_of_its_own) == as_migrated


def test_changed_comment_of_a_table_comes_into_force_where_no_migration_is_pending(ledger_of_its_own, files):
    as_migrated = schema_of(ledger_of_its_own)
    schema = files.parent / "schema" / "messages.sql"
    as_written = schema.read_text(encoding="utf-8")
    change(
        schema, ("COMMENT ON COLUMN motcua.messages.msisdn IS '", "COMMENT ON COLUMN motcua.messages.msisdn IS 'It''s ")
    )
    assert migrate() == []
    changed = schema_of(ledger_of_its_own)
    assert [key for key in changed if changed[key] != as_migrated[key]] == [("table", "motcua.messages")]
    (dictionary,) = ask(
        ledger_of_its_own,
        "SELECT col_description(attrelid, attnum) AS said FROM pg_attribute"
        " WHERE attrelid = 'motcua.messages'::regclass AND attname = 'msisdn'",
    )
    assert dictionary["said"].startswith("It's ")
    schema.write_text(as_written, encoding="utf-8")
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
    """Indexes store values of ``motcua.code_key``. If only the function changed, the indexes would find no code."""
    before = schema_of(ledger_of_its_own)
    change(files / "dossiers.sql", ("'011'", "'012'"))
    (files / "new.sql").write_text(
        "CREATE OR REPLACE FUNCTION motcua.new_one() RETURNS int LANGUAGE sql AS 'SELECT 1';", encoding="utf-8"
    )
    with pytest.raises(DefinitionRefused, match=r"motcua\.code_key.*dossiers_code_key.*build them again") as refused:
        _put_in_force()
    assert "complaints" in str(refused.value)
    assert schema_of(ledger_of_its_own) == before, "refused definitions must change nothing"
    # Do what a migration would do: drop the indexes first, so that no old value is left when the changed file is run.
    with psycopg.connect(ledger_of_its_own) as admin:
        indexes = admin.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE pg_get_indexdef(indexrelid) LIKE '%code_key(%'"
        ).fetchall()
        assert len(indexes) == 4
        for (index,) in indexes:
            admin.execute(f"DROP INDEX {index}")
    _put_in_force()
    with psycopg.connect(ledger_of_its_own) as connection:
        (defined,) = connection.execute("SELECT pg_get_functiondef('motcua.code_key'::regproc)").fetchone()
    assert "'012'" in defined


def test_a_file_that_cannot_be_read_keeps_all_others_out_of_force_and_one_may_need_a_later_one(
    ledger_of_its_own, files
):
    """If one definition is wrong, none comes into force. A definition may use an object that a later file defines."""
    before = schema_of(ledger_of_its_own)
    (files / "aaa.sql").write_text("CREATE OR REPLACE VIEW audit.aaa AS SELECT 1 AS one;", encoding="utf-8")
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELEKT 1;", encoding="utf-8")
    with pytest.raises(DefinitionRefused, match=r"audit\.zzz: syntax error"):
        _put_in_force()
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELECT * FROM audit.nothing;", encoding="utf-8")
    with pytest.raises(DefinitionRefused, match=r"audit\.zzz: relation .audit\.nothing. does not exist"):
        _put_in_force()
    assert schema_of(ledger_of_its_own) == before
    (files / "aaa.sql").write_text("CREATE OR REPLACE VIEW audit.aaa AS SELECT one FROM audit.zzz;", encoding="utf-8")
    (files / "zzz.sql").write_text("CREATE OR REPLACE VIEW audit.zzz AS SELECT 1 AS one;", encoding="utf-8")
    _put_in_force()
    assert ("view", "audit.aaa") in schema_of(ledger_of_its_own)


def test_view_with_other_columns_and_function_with_other_parameters_take_the_place_of_the_old(ledger_of_its_own, files):
    change(files / "receipts.sql", OTHER_COLUMNS)
    change(
        files / "messages.sql",
        ("later bigint, of_kind text)", "later bigint, of_kind text, unused integer DEFAULT 0)"),
        ("is_same_state(bigint, bigint, bigint, text)", "is_same_state(bigint, bigint, bigint, text, integer)"),
    )
    _put_in_force()
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
    """A migration must not drop a view that another office built on one of our views."""
    ask(ledger_of_its_own, "CREATE SCHEMA inspectorate")
    ask(ledger_of_its_own, "CREATE VIEW inspectorate.own AS SELECT receipt_id FROM audit.receipts")
    _put_in_force()
    change(files / "receipts.sql", OTHER_COLUMNS)
    with pytest.raises(DefinitionRefused, match=r"did not create depend on it: view inspectorate\.own depends on"):
        _put_in_force()
    with psycopg.connect(ledger_of_its_own) as admin:
        assert admin.execute("SELECT count(*) FROM inspectorate.own").fetchone() == (0,)


def test_sender_at_work_is_waited_for_and_never_the_one_to_give_way(ledger_of_its_own):
    """A migration waits for the locks of a sender at work, and must not make the sender fail."""
    with psycopg.connect(ledger_of_its_own) as sender:
        sender.execute("LOCK TABLE motcua.messages IN ROW EXCLUSIVE MODE")
        thread = threading.Thread(target=_put_in_force)
        thread.start()
        time.sleep(1.2)  # Wait longer than deadlock_timeout.
        assert thread.is_alive()
        sender.execute("SELECT count(*) FROM motcua.sending_conditions")
        sender.execute("SELECT count(*) FROM audit.receipts")
        sender.commit()
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.guarantee("upgrades", "a migration that changes two tables never ends a sender's transaction")
def test_migration_of_two_tables_gives_way_to_a_sender_that_uses_them_in_the_other_order(ledger_of_its_own, files):
    last = max(path.stem for path in MIGRATIONS.glob("*.sql"))
    (files.parent / "migrations" / "9999_colours.sql").write_text(
        f"-- depends: {last}\n"
        "ALTER TABLE motcua.messages ADD COLUMN colour text;\nALTER TABLE motcua.attempts ADD COLUMN colour text;\n",
        encoding="utf-8",
    )
    applied: list[str] = []
    with (
        psycopg.connect(ledger_of_its_own) as sender,
        psycopg.connect(ledger_of_its_own) as reader,
        psycopg.connect(ledger_of_its_own, autocommit=True) as other,
    ):
        sender.execute("LOCK TABLE motcua.attempts IN ROW EXCLUSIVE MODE")
        reader.execute("SELECT count(*) FROM motcua.messages")
        thread = threading.Thread(target=lambda: applied.extend(migrate()))
        thread.start()
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'motcua.messages'::regclass AND NOT granted)"
        while other.execute(waits).fetchone() != (True,):
            assert thread.is_alive()
            time.sleep(0.02)
        # The sender waits behind the migration. If the migration still waits when the reader's transaction ends, the
        # migration gets the lock of the table ``messages``, and then waits for the sender. PostgreSQL would detect this
        # deadlock 1 s after the sender began to wait, and would end the sender's transaction.
        threading.Timer(0.6, reader.commit).start()
        sender.execute("SELECT count(*) FROM motcua.messages")
        sender.commit()
        thread.join(120)
        assert applied == ["9999_colours"]


def test_migration_that_was_killed_keeps_no_later_one_out(ledger_of_its_own):
    """A killed migration leaves a row in yoyo's lock table. This row must not stop the next migration."""
    killing = (
        "import os, signal; from motcua.store.ledger import migrations;"
        " migrations.put_in_force = lambda owner: os.kill(os.getpid(), signal.SIGKILL); migrations.migrate()"
    )
    killed = subprocess.run([sys.executable, "-c", killing], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(ask(ledger_of_its_own, "SELECT pid FROM public.yoyo_lock")) == 1
    assert migrate() == []
    assert ask(ledger_of_its_own, "SELECT pid FROM public.yoyo_lock") == []


def test_second_migration_at_the_same_time_is_refused_in_a_sentence(ledger_of_its_own, monkeypatch):
    monkeypatch.setattr(migrations, "_TURN_WITHIN", 0.1)
    with open_connection(OWNER) as other:
        assert hold_lock(other, MIGRATING)
        with pytest.raises(LedgerRefused, match="Another motcua migrate is running"):
            migrate()
    assert migrate() == []


@pytest.mark.guarantee("upgrades", "a migration waits for a lock in short turns, so that no sender waits behind it")
def test_migration_waits_for_a_lock_in_short_turns_and_nobody_waits_behind_it(ledger_of_its_own, files):
    last = max(path.stem for path in MIGRATIONS.glob("*.sql"))
    new = files.parent / "migrations" / "9999_colour.sql"
    new.write_text(f"-- depends: {last}\nALTER TABLE motcua.messages ADD COLUMN colour text;\n", encoding="utf-8")
    applied: list[str] = []
    with psycopg.connect(ledger_of_its_own) as sender, psycopg.connect(ledger_of_its_own, autocommit=True) as other:
        other.execute("SET statement_timeout = '60s'")
        sender.execute("LOCK TABLE motcua.messages IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            migrate(0.2, patience=0.0)
        thread = threading.Thread(target=lambda: applied.extend(migrate(0.2, patience=600.0)))
        thread.start()
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'motcua.messages'::regclass AND NOT granted)"
        while other.execute(waits).fetchone() != (True,):
            assert thread.is_alive()
            time.sleep(0.02)
        assert other.execute("SELECT count(*) FROM motcua.messages").fetchone() == (0,), (
            "the reader waits behind the migration's lock request and still gets its turn"
        )
        sender.commit()
        thread.join(120)
        assert applied == ["9999_colour"]
        assert other.execute("SELECT count(colour) FROM motcua.messages").fetchone() == (0,)
