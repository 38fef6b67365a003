"""What was removed of Airflow's own database and logs, as the ledger keeps it; and which runs Airflow still has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import URL

from motcua.store.ledger.database import Connection, conninfo_of, given_connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first

AIRFLOW = "motcua_airflow"
"""Airflow connection to Airflow's own database, for what cleans it, and what must know who asked for a backfill."""


@dataclass(frozen=True, slots=True)
class CleanedOf:
    """What was removed of one table, or of the log files."""

    of_what: str
    """A table of Airflow's, ``log_files`` or ``log_folders``."""
    removed: int
    size: int | None = None
    """Bytes of files; ``None``: rows."""
    failed: str | None = None
    """Why it was not cleaned, or not all of it; no value of any row."""


def airflow_url() -> str:
    """Airflow's own database, as Airflow's settings name it.

    Raises:
        airflow.exceptions.AirflowNotFoundException: it is not connected here.
    """
    said = dict(conninfo_to_dict(conninfo_of(given_connection(AIRFLOW))))
    # asyncpg, for which Airflow derives an address from this one, does not know it.
    said.pop("connect_timeout", None)
    user, password, database = (str(said.pop(name, "")) for name in ("user", "password", "dbname"))
    rest = {name: str(value) for name, value in said.items()}
    url = URL.create("postgresql+psycopg", user, password, database=database, query=rest)
    return url.render_as_string(hide_password=False)


def runs_before(connection: Connection, moment: datetime) -> frozenset[tuple[str, str]]:
    """Runs that Airflow has and that began before a moment or did not begin, each as its DAG's id and its own.

    Args:
        connection: to Airflow's database.
        moment: that moment.
    """
    rows = connection.execute(statement("upkeep/runs_before"), {"moment": moment})
    return frozenset((row["dag_id"], row["run_id"]) for row in rows)


def backfill_asked_by(connection: Connection, dag_id: str, run_id: str) -> str | None:
    """Airflow's name of who asked for the backfill that a run belongs to; ``None``: nobody is named, or it is of none.

    Args:
        connection: to Airflow's database.
        dag_id: of the run.
        run_id: its own.
    """
    return first(
        connection.execute(statement("upkeep/backfill_asked_by"), {"dag_id": dag_id, "run_id": run_id}), "asked_by"
    )


def save_cleaning(connection: Connection, cleaned_at: datetime, done: Iterable[CleanedOf]) -> None:
    """Keeps what was removed."""
    for each in done:
        connection.execute(statement("upkeep/save"), asdict(each) | {"cleaned_at": cleaned_at})


def last_cleaning(connection: Connection) -> datetime | None:
    """When runs were last removed of Airflow's database, or looked for; ``None``: never."""
    return first(connection.execute(statement("upkeep/last")), "cleaned_at")
