"""Removes old rows of Airflow's own database, table by table; run as a program of its own.

A separate program is needed because Airflow denies its tasks access to the database, so ``airflow db clean`` does not
work in a task. The program writes to a file, as JSON, how many rows of which table were removed.
tests/integration/upkeep/test_cleaning_airflow.py gives the reason why the remaining tables that ``airflow db clean``
knows are not cleaned.
"""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow import settings as airflow_settings
from airflow.models import DagRun, TaskInstance
from airflow.models.dagrun import DagRunNote
from airflow.utils import db_cleanup
from airflow.utils.state import DagRunState, State
from sqlalchemy import (
    ColumnElement,
    Engine,
    MetaData,
    Table,
    and_,
    column,
    event,
    exists,
    func,
    inspect,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.exc import SQLAlchemyError

from motcua.store.ledger.queries import statement

log = logging.getLogger(__name__)

BATCH = 1_000
"""Largest number of rows of a table that one transaction removes. Rows that belong to a removed run are removed with
it."""
ON_ITS_WAY = "_motcua_cleaned__"
"""Prefix of our temporary tables.

Airflow's clean-up copies each batch into a table, removes the rows, and then drops that table. Archive tables that
people made with ``airflow db clean`` have another prefix and stay.
"""
_LOCK = 5_120_633_001
"""Key of a PostgreSQL advisory lock in Airflow's database, which permits one clean-up at a time."""
_HEALTH_CHECK = "cli_check"
"""Event name of the command that health checks run each minute."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The moments before which rows are removed."""

    before: datetime
    """The moment for all rows except those of the two fields below."""
    red_before: datetime
    """The moment for failed runs without a note."""
    acts_before: datetime
    """The moment for records of what people did in Airflow."""


@dataclass(slots=True)
class Cleaned:
    """The result of a clean-up."""

    removed: Counter[str] = field(default_factory=Counter)
    """Number of removed rows by table, including rows that were removed with their run."""
    failed: dict[str, str] = field(default_factory=dict)
    """Tables that could not be cleaned, with the name of PostgreSQL's error."""


class AlreadyCleaning(Exception):
    """Another clean-up is running."""


def conditions(terms: Terms) -> dict[str, list[ColumnElement[bool]]]:
    """Return, by table and in order of work, the conditions that a row must meet to be removed, besides its age and the
    conditions of ``airflow db clean``."""
    base, run, task, note = literal_column, DagRun.__table__.c, TaskInstance.__table__.c, DagRunNote.__table__.c
    at_work = exists().where(
        task.dag_id == base("base.dag_id"),
        task.run_id == base("base.run_id"),
        task.state.in_([state for state in State.unfinished if state]),
    )
    noted = exists().where(note.dag_run_id == base("base.id"), note.content != "")
    happened = table("dagrun_asset_event", column("event_id")).c.event_id
    made_for = exists().where(run.created_dag_version_id == base("base.id"))
    by_hand = or_(
        column("owner_display_name").is_not(None),
        and_(column("event").startswith("cli_", autoescape=True), column("event") != _HEALTH_CHECK),
    )
    return {
        "dag_run": [
            column("state").in_([DagRunState.SUCCESS, DagRunState.FAILED]),
            ~at_work,
            or_(
                column("state") != DagRunState.FAILED,
                func.coalesce(column("end_date"), column("start_date")) < terms.red_before,
                noted,
            ),
        ],
        "asset_event": [~exists().where(happened == base("base.id"))],
        "partitioned_asset_key_log": [],
        "log": [or_(~by_hand, column("dttm") < terms.acts_before)],
        "callback": [],
        "job": [],
        "import_error": [],
        "celery_taskmeta": [],
        "celery_tasksetmeta": [],
        "connection_test_request": [],
        "revoked_token": [],
        "session": [],
        "dag_version": [~made_for],
    }


def clean(terms: Terms) -> Cleaned:
    """Remove all rows that are due. A table that cannot be cleaned does not stop the next one.

    Raises:
        AlreadyCleaning: Another clean-up is running.
        sqlalchemy.exc.SQLAlchemyError: The database does not answer.
    """
    engine: Engine = airflow_settings.get_engine()  # type: ignore[no-untyped-call]
    done = Cleaned()
    # The lock is held without a transaction, because an open one would keep PostgreSQL from vacuuming removed rows.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as holding:
        if not holding.scalar(select(func.pg_try_advisory_lock(_LOCK))):
            raise AlreadyCleaning("another clean-up of Airflow's database is at work")
        try:
            _clean_tables(engine, terms, done)
        finally:
            holding.execute(select(func.pg_advisory_unlock(_LOCK)))
    return done


def _clean_tables(engine: Engine, terms: Terms, done: Cleaned) -> None:
    db_cleanup.ARCHIVE_TABLE_PREFIX = ON_ITS_WAY
    _drop_what_a_broken_run_left(engine)
    existing = set(inspect(engine).get_table_names())
    for name, filters in conditions(terms).items():
        known = db_cleanup.config_dict.get(name)
        # Tables of Celery and FAB exist only where these are used.
        if known is None or name not in existing:
            continue
        ours = replace(known, dependent_tables=None, extra_filters=[*(known.extra_filters or ()), *filters])
        db_cleanup.config_dict[name] = ours
        with _watched(engine, done.removed) as refusals:
            try:
                db_cleanup.run_cleanup(
                    clean_before_timestamp=terms.before,  # type: ignore[arg-type]
                    table_names=[name],
                    confirm=False,
                    skip_archive=True,
                    batch_size=BATCH,
                    error_on_cleanup_failure=True,
                )
            except (SQLAlchemyError, RuntimeError) as refused:
                # The error's message may quote rows, so only its class is recorded.
                done.failed[name] = refusals[-1] if refusals else type(refused).__name__
                log.error("%s could not be cleaned: %s", name, done.failed[name])
            finally:
                db_cleanup.config_dict[name] = known
    _drop_what_a_broken_run_left(engine)


def _drop_what_a_broken_run_left(engine: Engine) -> None:
    """Drop the copies of batches that a killed clean-up left."""
    for name in inspect(engine).get_table_names():
        if name.startswith(ON_ITS_WAY):
            Table(name, MetaData()).drop(engine)


@contextmanager
def _watched(engine: Engine, removed: Counter[str]) -> Iterator[list[str]]:
    """Count into ``removed`` the rows that each DELETE removes, by table, including dependent rows.

    PostgreSQL counts removed rows only for the whole session, so the count before the DELETE is subtracted from the
    count after it. Yields a list that collects the names of errors with which PostgreSQL refuses statements.
    """
    refusals: list[str] = []
    before: Counter[str] = Counter()

    def deleted(connection: Any) -> Counter[str]:  # noqa: ANN401 - a DBAPI connection
        with connection.connection.cursor() as cursor:
            return Counter(dict(cursor.execute(statement("upkeep/deleted")).fetchall()))

    def begin(connection: Any, _cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401
        if statement.startswith("DELETE"):
            before.clear()
            before.update(deleted(connection))

    def end(connection: Any, _cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401
        if statement.startswith("DELETE"):
            removed.update(deleted(connection) - before)

    def refuse(context: Any) -> None:  # noqa: ANN401
        refusals.append(type(context.original_exception).__name__)

    listening = (("before_cursor_execute", begin), ("after_cursor_execute", end), ("handle_error", refuse))
    for name, listener in listening:
        event.listen(engine, name, listener)
    try:
        yield refusals
    finally:
        for name, listener in listening:
            event.remove(engine, name, listener)


def main(terms: str, answer: str) -> int:
    """Clean Airflow's database.

    Args:
        terms: the fields of :class:`Terms`, as JSON.
        answer: path of the file that gets the result.
    """
    given = Terms(**{name: datetime.fromisoformat(moment) for name, moment in json.loads(terms).items()})
    done = clean(given)
    Path(answer).write_text(json.dumps({"removed": done.removed, "failed": done.failed}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
