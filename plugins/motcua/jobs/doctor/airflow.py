"""Airflow: its database, its parts, our DAGs, the watch's account, and the hosts that tasks run on.

Read from its database, as Airflow's own commands do: the doctor says what is wrong where its interface is down, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from motcua.domain.checks import Finding, fault
from motcua.domain.watching.judging import OUR_DAGS
from motcua.jobs.doctor.examining import DOT_ENV, Examination
from motcua.settings import BACKGROUND_POOL
from motcua.store.airflow_roles import FAB, SIMPLE, WATCH
from motcua.store.ledger.queries import statement
from motcua.store.worker_marks import machine_of, machines

_WHERE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_PATIENCE = 5
_PARTS = {"SchedulerJob": "scheduler", "DagProcessorJob": "DAG processor", "TriggererJob": "triggerer"}
_POOLS = ("default_pool", BACKGROUND_POOL)
_SIGN_OF_LIFE = timedelta(minutes=2)
_LOOKS_BACK = timedelta(days=1)
_PURGE_WITHIN = timedelta(days=3)


def database(examination: Examination) -> Iterator[Finding]:
    """It answers, and is of this Airflow; only then is it looked at further."""
    from airflow.configuration import conf
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import Session

    address = conf.get("database", "sql_alchemy_conn")
    arguments = {} if address.startswith("sqlite") else {"connect_timeout": _PATIENCE}
    try:
        engine = create_engine(address, connect_args=arguments)
        examination.closers.append(engine.dispose)
        session = Session(engine)
        examination.closers.append(session.close)
        session.connection().exec_driver_sql(statement("doctor/airflow_answers"))
    except (SQLAlchemyError, ImportError) as error:
        yield fault("airflow_database_unreachable", examination.installation.where(_WHERE, DOT_ENV), _why(error))
        return
    expected, there = heads_of_migrations(), _version(session)
    if there != expected:
        told = ", ".join(sorted(there)) or "empty"
        yield fault("airflow_not_migrated", "Airflow's database", f"it is {told}, Airflow's {', '.join(expected)}")
        return
    examination.airflow = session


def _why(error: Exception) -> str:
    # The driver's words quote the address, and in it the password.
    words = str(getattr(error, "orig", "") or "")
    return "password" if "authentication failed" in words else type(getattr(error, "orig", None) or error).__name__


@cache
def heads_of_migrations() -> set[str]:
    """What the newest migration of this Airflow is called."""
    import airflow
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory(str(Path(airflow.__file__).parent / "migrations")).get_heads())


def _version(session: Any) -> set[str]:  # noqa: ANN401 - SQLAlchemy's
    from sqlalchemy import inspect

    if not inspect(session.connection()).has_table("alembic_version"):
        return set()
    return set(session.connection().exec_driver_sql(statement("doctor/airflow_version")).scalars())


def zone(examination: Examination) -> Iterator[Finding]:
    """Airflow's own zone is UTC, as its DAGs expect."""
    from airflow.configuration import conf

    configured = conf.get("core", "default_timezone")
    if configured.lower() not in ("utc", "etc/utc"):
        yield fault("zone_differs", "Airflow: core.default_timezone", f"it is {configured}")


def signing_in(examination: Examination) -> Iterator[Finding]:
    """People sign in by accounts: what Airflow has by default where nothing is set is for trying out."""
    from airflow.configuration import conf

    if conf.get("core", "auth_manager") == SIMPLE:
        yield fault("sign_in_open", examination.installation.where("AIRFLOW__CORE__AUTH_MANAGER", DOT_ENV))


def parts(examination: Examination) -> Iterator[Finding]:
    """Scheduler, DAG processor and triggerer gave a sign of life."""
    from airflow.jobs.job import Job
    from sqlalchemy import func, select

    rows = examination.airflow.execute(
        select(Job.job_type, func.max(Job.latest_heartbeat)).where(Job.state == "running").group_by(Job.job_type)
    ).all()
    alive = {kind for kind, beat in rows if beat is not None and _aware(beat) >= examination.now - _SIGN_OF_LIFE}
    for kind, part in _PARTS.items():
        if kind not in alive:
            yield fault("airflow_part_down", f"Airflow's {part}")


def _aware(moment: datetime) -> datetime:
    """SQLite gives moments without a zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def dags(examination: Examination) -> Iterator[Finding]:
    """Each of ours is known, not paused, and every file can be read."""
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from sqlalchemy import select

    session = examination.airflow
    ours = select(DagModel.dag_id, DagModel.is_paused).where(DagModel.dag_id.in_(OUR_DAGS), ~DagModel.is_stale)
    there = {row.dag_id: row.is_paused for row in session.execute(ours)}
    broken = list(session.execute(select(ParseImportError.filename)).scalars())
    for file in sorted({str(each) for each in broken}):
        yield fault("dag_import_error", f"DAG file {Path(file).name}")
    named = {Path(str(file)).stem for file in broken}
    for dag_id in sorted(OUR_DAGS - there.keys() - named):
        yield fault("dag_missing", f"DAG {dag_id}")
    for dag_id in sorted(each for each, is_paused in there.items() if is_paused):
        yield fault("dag_paused", f"DAG {dag_id}")


def pools(examination: Examination) -> Iterator[Finding]:
    """Tasks of ours find a free slot some time; a pool that is not there yet the scheduler makes."""
    from airflow.models.pool import Pool
    from sqlalchemy import select

    for row in examination.airflow.execute(select(Pool.pool, Pool.slots).where(Pool.pool.in_(_POOLS))):
        # Below 0: any number.
        if row.slots == 0:
            yield fault("pool_closed", f"Airflow's pool {row.pool}")


def watch_account(examination: Examination) -> Iterator[Finding]:
    """Somebody has the watch's role and may sign in, where FAB keeps the accounts."""
    from airflow.configuration import conf
    from sqlalchemy import inspect

    session = examination.airflow
    if conf.get("core", "auth_manager") != FAB:
        return
    connection = session.connection()
    if (
        not inspect(connection).has_table("ab_user")
        or WATCH not in connection.exec_driver_sql(statement("doctor/airflow_roles_held")).scalars()
    ):
        yield fault("watch_account_missing", f"Airflow's role {WATCH}")


def hosts(examination: Examination) -> Iterator[Finding]:
    """Tasks run on one machine, or on several that share what they must: what is local may be shared storage, too, so
    that an address of another kind alone is sure. Of the journal, marks that its senders leave in it tell."""
    from airflow.configuration import conf
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import func, select

    since = examination.now - _LOOKS_BACK
    rows = examination.airflow.execute(
        select(TaskInstance.hostname, func.min(TaskInstance.start_date), func.max(TaskInstance.start_date))
        .where(TaskInstance.start_date >= since, TaskInstance.hostname != "")
        .group_by(TaskInstance.hostname)
    ).all()
    # A container that was made anew has another name; it never runs beside the one before.
    beside = sorted(
        host
        for host, first, last in rows
        if any(other != host and begins <= last and first <= ends for other, begins, ends in rows)
    )
    known = machines(examination.settings.journal_folder)
    on = {machine_of(host, known) for host in beside}
    if len(on) == 1 and on <= set(filter(None, known.values())):
        # Containers of one machine share its volumes.
        return
    local = [
        name
        for name, url in (
            ("publications", examination.settings.publications_url),
            ("statements", examination.settings.statements_url),
            ("files", examination.settings.files_url),
        )
        if url.startswith("file://")
    ]
    if None in on:
        local.append("journal")
    if not conf.getboolean("logging", "remote_logging", fallback=False):
        local.append("logs")
    if beside and local:
        yield fault("hosts_share_nothing", ", ".join(beside), f"local: {', '.join(local)}")


def purge(examination: Examination) -> Iterator[Finding]:
    """Personal data was purged of late, where Airflow has run for so long."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    begun = select(func.min(DagRun.start_date))
    done = select(func.max(DagRun.end_date)).where(DagRun.dag_id == "purge_personal_data", DagRun.state == "success")
    first, last = (examination.airflow.execute(each).scalar() for each in (begun, done))
    since = last or first
    if since is not None and _aware(since) < examination.now - _PURGE_WITHIN:
        told = f"last on {_aware(last):%d/%m/%Y}" if last else "never"
        yield fault("purge_late", "DAG purge_personal_data", told)
