"""Which rows of Airflow's own database go, table by table; a test says why what else ``airflow db clean`` knows stays.

Run as a program: Airflow keeps tasks from its database, and so does its own clean-up where a task imports it.
What it removes of which table goes, as JSON, to the file that it is given.
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
"""Rows of a table that one transaction removes; what belongs to a run goes with it."""
ON_ITS_WAY = "_motcua_cleaned__"
"""Airflow's clean-up copies a batch into a table before it removes it, and then drops the table. Ours are named so:
what somebody archived with ``airflow db clean`` himself has another name, and stays."""
_LOCK = 5_120_633_001
"""Of PostgreSQL's advisory locks in Airflow's database: one clean-up at a time."""
_NO_ONES = "cli_check"
"""What health checks call each minute."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Before which moments rows go."""

    before: datetime
    """Of all rows."""
    red_before: datetime
    """Of runs that failed and that nobody noted."""
    acts_before: datetime
    """Of what people did in Airflow."""


@dataclass(slots=True)
class Cleaned:
    """What was removed."""

    removed: Counter[str] = field(default_factory=Counter)
    """Table → rows, those that went with their run among them."""
    failed: dict[str, str] = field(default_factory=dict)
    """Table → why it was not cleaned, as the name of what PostgreSQL refused with."""


class AlreadyCleaning(Exception):
    """Another clean-up is at work."""


def conditions(terms: Terms) -> dict[str, list[ColumnElement[bool]]]:
    """Table → what must be so, beside its age and what Airflow itself asks, for a row to go; in the order of work."""
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
        and_(column("event").startswith("cli_", autoescape=True), column("event") != _NO_ONES),
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
    """Removes what is due; a table that cannot be cleaned holds up no other.

    Raises:
        AlreadyCleaning: another clean-up is at work.
        sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    engine: Engine = airflow_settings.get_engine()  # type: ignore[no-untyped-call]
    done = Cleaned()
    # Not in a transaction, which would keep PostgreSQL from clearing up behind us.
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
    there = set(inspect(engine).get_table_names())
    for name, filters in conditions(terms).items():
        known = db_cleanup.config_dict.get(name)
        # Celery's and FAB's tables are there where those are used.
        if known is None or name not in there:
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
                # What PostgreSQL says may quote rows.
                done.failed[name] = refusals[-1] if refusals else type(refused).__name__
                log.error("%s could not be cleaned: %s", name, done.failed[name])
            finally:
                db_cleanup.config_dict[name] = known
    _drop_what_a_broken_run_left(engine)


def _drop_what_a_broken_run_left(engine: Engine) -> None:
    """A clean-up that was killed leaves its last batch's copy."""
    for name in inspect(engine).get_table_names():
        if name.startswith(ON_ITS_WAY):
            Table(name, MetaData()).drop(engine)


@contextmanager
def _watched(engine: Engine, removed: Counter[str]) -> Iterator[list[str]]:
    """Counts into ``removed`` what each DELETE removes, by table, also what went with it; gives names of refusals.

    PostgreSQL's own count is of the session up to now, so that what counts is what the statement added to it.
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
    """``terms``: of :class:`Terms`, as JSON; ``answer``: the file that is written."""
    given = Terms(**{name: datetime.fromisoformat(moment) for name, moment in json.loads(terms).items()})
    done = clean(given)
    Path(answer).write_text(json.dumps({"removed": done.removed, "failed": done.failed}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
