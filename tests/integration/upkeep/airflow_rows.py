"""Airflow's own database for tests: Airflow's migrations make it, and SQL statements fill it as runs of DAGs do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row

from motcua.sandbox.machine.deployment import postgres_connection
from motcua.store.ledger.provisioning import with_database
from tests.ground import ask

ROOT = Path(__file__).parents[3]
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


def make_airflow_database(admin_dsn: str, name: str, role: str, home: Path, password: str) -> dict[str, str]:
    """Create a database with Airflow's migrations, owned by an existing role.

    ``home`` is an empty folder for Airflow. Return the environment that the cleaning job needs.
    """
    ask(admin_dsn, sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (name, role))))
    place = conninfo_to_dict(admin_dsn)
    dsn = make_conninfo("", host=place["host"], port=place["port"], user=role, password=password, dbname=name)
    (home / "airflow.cfg").touch()
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW_CONN_MOTCUA_AIRFLOW": postgres_connection(dsn),
    }
    url = f"postgresql+psycopg://{role}:{password}@{place['host']}:{place['port']}/{name}"
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=os.environ | environment | {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url},
        check=True,
        capture_output=True,
    )
    with psycopg.connect(with_database(admin_dsn, name)) as airflow:
        # Celery itself creates this table when it stores its first result.
        airflow.execute(
            "CREATE TABLE celery_taskmeta (id integer PRIMARY KEY, task_id text UNIQUE, status text, result bytea,"
            " date_done timestamp, traceback text, name text, args bytea, kwargs bytea, worker text, retries integer,"
            " queue text)"
        )
        airflow.execute("CREATE SEQUENCE task_id_sequence")
        airflow.execute(
            sql.SQL("ALTER TABLE celery_taskmeta OWNER TO {}").format(sql.Identifier(role)),
        )
    return environment


class AirflowRows:
    """Writes rows into Airflow's database as Airflow would."""

    def __init__(self, dsn: str) -> None:
        # The client inserts the parameters, because the SQL statements use one parameter with different types.
        self.connection = psycopg.Connection[DictRow].connect(
            dsn, autocommit=True, row_factory=dict_row, cursor_factory=psycopg.ClientCursor
        )

    def dag(self, dag_id: str, version_made: datetime) -> None:
        """Write a DAG with one version."""
        self.connection.execute(
            "INSERT INTO dag_bundle (name, active) VALUES ('dags-folder', TRUE) ON CONFLICT DO NOTHING"
        )
        self._insert("dag", {"dag_id": dag_id, "bundle_name": "dags-folder", "last_parsed_time": version_made})
        self.version(dag_id, 1, version_made)

    def version(self, dag_id: str, number: int, made_at: datetime) -> None:
        """Write a version of a DAG."""
        self._insert(
            "dag_version",
            {
                "dag_id": dag_id,
                "version_number": number,
                "bundle_name": "dags-folder",
                "created_at": made_at,
                "last_updated": made_at,
            },
        )

    def runs(
        self,
        dag_id: str,
        began: Sequence[datetime],
        tasks: Sequence[str] = ("send", "gate"),
        *,
        state: str = "success",
        run_type: str = "scheduled",
        task_state: str | None = None,
    ) -> None:
        """Write runs of the DAG's last version.

        Each run has its tasks, an XCom and two log rows of each task, and an asset event.
        """
        values = {
            "dag_id": dag_id,
            "began": list(began),
            "tasks": list(tasks),
            "state": state,
            "run_type": run_type,
            "task_state": task_state or state,
        }
        for statement in _RUNS:
            self.connection.execute(statement, values)

    def note(self, dag_id: str, began: datetime, words: str) -> None:
        """Write a person's note on the run that began at this moment."""
        self.connection.execute(
            "INSERT INTO dag_run_note (dag_run_id, content, created_at, updated_at)"
            " SELECT id, %s, now(), now() FROM dag_run WHERE dag_id = %s AND start_date = %s",
            (words, dag_id, began),
        )

    def act(self, who: str | None, event: str, at: datetime) -> None:
        """Write a row of the audit log that belongs to no task."""
        self._insert("log", {"dttm": at, "event": event, "owner": who or "root", "owner_display_name": who})

    def count(self, table: str, where: str = "TRUE") -> int:
        """Return the number of rows of a table."""
        row = self.connection.execute(f"SELECT count(*) AS n FROM {table} WHERE {where}").fetchone()
        assert row is not None
        return int(row["n"])

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        """Insert a row; required columns that are not given get a value of their type."""
        columns = self.connection.execute(
            "SELECT column_name, data_type, is_nullable = 'NO' AND column_default IS NULL AS needed"
            " FROM information_schema.columns WHERE table_name = %s",
            (table,),
        ).fetchall()
        kinds = {"uuid": "gen_random_uuid()", "boolean": "FALSE", "integer": "0", "double precision": "0"}
        more = {
            each["column_name"]: kinds.get(each["data_type"], "now()" if "time" in each["data_type"] else "'{}'")
            for each in columns
            if each["needed"] and each["column_name"] not in values
        }
        names = sql.SQL(", ").join(map(sql.Identifier, [*values, *more]))
        given = sql.SQL(", ").join([*(sql.Placeholder() for _ in values), *(sql.SQL(made) for made in more.values())])
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, given)
        self.connection.execute(statement, list(values.values()))


_NEW = """
    r.dag_id = %(dag_id)s AND r.start_date = any(%(began)s::timestamptz[])
"""
_RUNS = (
    """
    INSERT INTO dag_run (
        dag_id, queued_at, logical_date, start_date, end_date, state, run_id, run_type, triggered_by, conf, run_after,
        log_template_id, created_at, updated_at, clear_number, span_status, created_dag_version_id, context_carrier
    )
    SELECT
        %(dag_id)s, b.began, CASE WHEN %(run_type)s = 'scheduled' THEN b.began END, b.began,
        CASE WHEN %(state)s IN ('success', 'failed') THEN b.began + interval '9 seconds' END, %(state)s,
        %(run_type)s || '__' || to_char(b.began AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'), %(run_type)s,
        'timetable', '{}', b.began, (SELECT max(id) FROM log_template), b.began, b.began, 0, 'not_started',
        (SELECT v.id FROM dag_version AS v WHERE v.dag_id = %(dag_id)s ORDER BY v.version_number DESC LIMIT 1), '{}'
    FROM unnest(%(began)s::timestamptz[]) AS b (began)
    """,
    f"""
    INSERT INTO task_instance (
        id, task_id, dag_id, run_id, map_index, start_date, end_date, duration, state, try_number, max_tries, hostname,
        unixname, pool, pool_slots, queue, priority_weight, operator, queued_dttm, scheduled_dttm, last_heartbeat_at,
        pid, executor_config, updated_at, context_carrier, span_status, task_display_name, dag_version_id
    )
    SELECT
        gen_random_uuid(), t.task, r.dag_id, r.run_id, -1, r.start_date,
        CASE WHEN %(task_state)s IN ('success', 'failed') THEN r.start_date + interval '3 seconds' END, 3,
        %(task_state)s, 1, 3, '172.18.0.7', 'airflow', 'default_pool', 1, 'default', 1, '_PythonDecoratedOperator',
        r.start_date, r.start_date, r.start_date, 4711, '\\x80057d942e', r.start_date, '{{}}', 'not_started',
        'Gửi tin nhắn', r.created_dag_version_id
    FROM dag_run AS r
    CROSS JOIN unnest(%(tasks)s::text[]) AS t (task)
    WHERE {_NEW}
    """,
    f"""
    INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp)
    SELECT r.id, t.task, -1, 'return_value', r.dag_id, r.run_id, '{{"sent": 12, "left": 0}}', r.start_date
    FROM dag_run AS r
    CROSS JOIN unnest(%(tasks)s::text[]) AS t (task)
    WHERE {_NEW}
    """,
    f"""
    INSERT INTO log (dttm, dag_id, task_id, map_index, event, run_id, owner, extra, try_number)
    SELECT r.start_date, r.dag_id, t.task, -1, e.event, r.run_id, 'so-tttt', '{{"host_name": "172.18.0.7"}}', 1
    FROM dag_run AS r
    CROSS JOIN unnest(%(tasks)s::text[]) AS t (task)
    CROSS JOIN unnest(ARRAY['running', %(task_state)s]) AS e (event)
    WHERE {_NEW}
    """,
    f"""
    WITH happened AS (
        INSERT INTO asset_event (asset_id, extra, source_map_index, timestamp)
        SELECT 1, '{{"from_trigger": true}}', -1, r.start_date FROM dag_run AS r WHERE {_NEW}
        RETURNING id, timestamp
    )
    INSERT INTO dagrun_asset_event (dag_run_id, event_id)
    SELECT r.id, h.id FROM dag_run AS r INNER JOIN happened AS h ON r.start_date = h.timestamp WHERE {_NEW}
    """,
    f"""
    INSERT INTO celery_taskmeta (id, task_id, status, result, date_done, retries)
    SELECT nextval('task_id_sequence'), gen_random_uuid()::text, 'SUCCESS', '\\x80054e2e', r.start_date, 0
    FROM dag_run AS r
    CROSS JOIN unnest(%(tasks)s::text[]) AS t (task)
    WHERE {_NEW}
    """,
)
