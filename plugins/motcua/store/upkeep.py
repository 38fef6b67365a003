"""Record removals from Airflow's own database and logs, and read which runs Airflow still has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.conninfo import conninfo_to_dict

from motcua.store.ledger.database import Connection, conninfo_of, given_connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first

AIRFLOW = "motcua_airflow"
"""Airflow connection to Airflow's own database, used to clean it and to find who asked for a backfill."""


@dataclass(frozen=True, slots=True)
class CleanedOf:
    """How much was removed from one table or from the log files."""

    of_what: str
    """The name of a table of Airflow, or ``log_files`` or ``log_folders``."""
    removed: int
    size: int | None = None
    """The size of the removed files in bytes. ``None`` if rows were removed."""
    failed: str | None = None
    """The reason why cleaning failed completely or in part. Contains no value of any row."""


def airflow_url() -> str:
    """Return the URL of Airflow's own database in the form that Airflow's settings need.

    Raises:
        airflow.exceptions.AirflowNotFoundException: there is no such connection here.
    """
    # ``motcua watch`` and most commands import this module. An import of SQLAlchemy at the top would cost each of these
    # commands memory and time.
    from sqlalchemy.engine import URL

    parameters = dict(conninfo_to_dict(conninfo_of(given_connection(AIRFLOW))))
    # Airflow derives a URL for asyncpg from this URL, and asyncpg does not know this parameter.
    parameters.pop("connect_timeout", None)
    user, password, database = (str(parameters.pop(name, "")) for name in ("user", "password", "dbname"))
    rest = {name: str(value) for name, value in parameters.items()}
    url = URL.create("postgresql+psycopg", user, password, database=database, query=rest)
    return url.render_as_string(hide_password=False)


def runs_before(connection: Connection, moment: datetime) -> frozenset[tuple[str, str]]:
    """Return the runs in Airflow that began before a moment, and the runs that have not begun, as (DAG id, run id).

    Args:
        connection: a connection to Airflow's database.
        moment: the moment.
    """
    rows = connection.execute(statement("upkeep/runs_before"), {"moment": moment})
    return frozenset((row["dag_id"], row["run_id"]) for row in rows)


def backfill_asked_by(connection: Connection, dag_id: str, run_id: str) -> str | None:
    """Return Airflow's name of the user who asked for the backfill that a run belongs to.

    Return ``None`` if the run belongs to no backfill or the backfill names no user.

    Args:
        connection: a connection to Airflow's database.
        dag_id: the run's DAG.
        run_id: the run.
    """
    return first(
        connection.execute(statement("upkeep/backfill_asked_by"), {"dag_id": dag_id, "run_id": run_id}), "asked_by"
    )


def save_cleaning(connection: Connection, cleaned_at: datetime, done: Iterable[CleanedOf]) -> None:
    """Record in ``motcua.airflow_cleanings`` how much was removed from each table and from the logs."""
    for each in done:
        connection.execute(statement("upkeep/save"), asdict(each) | {"cleaned_at": cleaned_at})


def last_cleaning(connection: Connection) -> datetime | None:
    """Return when old runs were last searched for and removed from Airflow's database (from
    ``motcua.airflow_cleanings``).

    A search that found no old run counts too. ``None`` if there was no search yet.
    """
    return first(connection.execute(statement("upkeep/last")), "cleaned_at")
