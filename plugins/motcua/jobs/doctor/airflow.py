"""Checks of Airflow: its database, its components, our DAGs, the watch's account, and the hosts that run tasks.

The checks read Airflow's database, as Airflow's own commands do. They work even if Airflow's API server is down.
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
    """Check that Airflow's database answers and has the schema of the installed Airflow. Later checks of Airflow run
    only if this check finds no fault."""
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
        yield fault(
            "airflow_database_unreachable",
            examination.installation.where(_WHERE, DOT_ENV),
            _reason_without_address(error),
        )
        return
    expected, applied = heads_of_migrations(), _applied_heads(session)
    if applied != expected:
        heads = ", ".join(sorted(applied)) or "empty"
        yield fault("airflow_not_migrated", "Airflow's database", f"its schema is {heads}, not {', '.join(expected)}")
        return
    examination.airflow = session


def _reason_without_address(error: Exception) -> str:
    # The driver's message quotes the address with the password. Only ``password`` or the name of the error's class is
    # returned.
    words = str(getattr(error, "orig", "") or "")
    return "password" if "authentication failed" in words else type(getattr(error, "orig", None) or error).__name__


@cache
def heads_of_migrations() -> set[str]:
    """Return the identifiers of the newest migrations of the installed Airflow."""
    import airflow
    from alembic.script import ScriptDirectory

    return set(ScriptDirectory(str(Path(airflow.__file__).parent / "migrations")).get_heads())


def _applied_heads(session: Any) -> set[str]:  # noqa: ANN401 - SQLAlchemy's
    from sqlalchemy import inspect

    if not inspect(session.connection()).has_table("alembic_version"):
        return set()
    return set(session.connection().exec_driver_sql(statement("doctor/airflow_version")).scalars())


def zone(examination: Examination) -> Iterator[Finding]:
    """Check that Airflow's own time zone is UTC, as the DAGs expect."""
    from airflow.configuration import conf

    configured = conf.get("core", "default_timezone")
    if configured.lower() not in ("utc", "etc/utc"):
        yield fault("zone_differs", "Airflow: core.default_timezone", f"it is {configured}")


def signing_in(examination: Examination) -> Iterator[Finding]:
    """Check that people sign in with accounts. Airflow's default sign-in is only meant for trying Airflow out."""
    from airflow.configuration import conf

    if conf.get("core", "auth_manager") == SIMPLE:
        yield fault("sign_in_open", examination.installation.where("AIRFLOW__CORE__AUTH_MANAGER", DOT_ENV))


def parts(examination: Examination) -> Iterator[Finding]:
    """Check that scheduler, DAG processor and triggerer gave a heartbeat recently."""
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
    """Return a moment with a time zone. SQLite returns moments in UTC that name no time zone."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def dags(examination: Examination) -> Iterator[Finding]:
    """Check that each of our DAGs is known and not paused, and that every DAG file can be imported."""
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from sqlalchemy import select

    session = examination.airflow
    ours = select(DagModel.dag_id, DagModel.is_paused).where(DagModel.dag_id.in_(OUR_DAGS), ~DagModel.is_stale)
    paused_by_id = {row.dag_id: row.is_paused for row in session.execute(ours)}
    broken = list(session.execute(select(ParseImportError.filename)).scalars())
    for file in sorted({str(each) for each in broken}):
        yield fault("dag_import_error", f"DAG file {Path(file).name}")
    named = {Path(str(file)).stem for file in broken}
    for dag_id in sorted(OUR_DAGS - paused_by_id.keys() - named):
        yield fault("dag_missing", f"DAG {dag_id}")
    for dag_id in sorted(each for each, is_paused in paused_by_id.items() if is_paused):
        yield fault("dag_paused", f"DAG {dag_id}")


def pools(examination: Examination) -> Iterator[Finding]:
    """Check that our tasks' pools have slots. A missing pool is no fault, because the scheduler creates it."""
    from airflow.models.pool import Pool
    from sqlalchemy import select

    for row in examination.airflow.execute(select(Pool.pool, Pool.slots).where(Pool.pool.in_(_POOLS))):
        # A negative number of slots means that the pool is unlimited.
        if row.slots == 0:
            yield fault("pool_closed", f"Airflow's pool {row.pool}")


def watch_account(examination: Examination) -> Iterator[Finding]:
    """Check that an active account has the watch's role, if FAB (Flask AppBuilder) manages the accounts."""
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
    """Check that tasks run on one machine only, or that the machines share their storage.

    Only an object store is certain to be shared: a folder may be on this machine's own disk or on a shared file system.
    Each sender writes a file, its mark, into the journal's folder. The marks show which hosts share that folder.
    """
    from airflow.configuration import conf
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import func, select

    since = examination.now - _LOOKS_BACK
    rows = examination.airflow.execute(
        select(TaskInstance.hostname, func.min(TaskInstance.start_date), func.max(TaskInstance.start_date))
        .where(TaskInstance.start_date >= since, TaskInstance.hostname != "")
        .group_by(TaskInstance.hostname)
    ).all()
    # A re-created container has a new host name, but never runs at the same time as the container before it.
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
    """Check that personal data was purged within the last three days, if Airflow has run for that long."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    begun = select(func.min(DagRun.start_date))
    done = select(func.max(DagRun.end_date)).where(DagRun.dag_id == "purge_personal_data", DagRun.state == "success")
    first, last = (examination.airflow.execute(each).scalar() for each in (begun, done))
    since = last or first
    if since is not None and _aware(since) < examination.now - _PURGE_WITHIN:
        detail = f"last on {_aware(last):%d/%m/%Y}" if last else "never"
        yield fault("purge_late", "DAG purge_personal_data", detail)
