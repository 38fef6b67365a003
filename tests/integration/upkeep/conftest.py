"""Fixtures of the upkeep tests: an Airflow database for each module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from motcua.store.ledger.provisioning import with_database
from tests.ground import PASSWORD, Server, ask
from tests.integration.upkeep.airflow_rows import AirflowRows, make_airflow_database


@pytest.fixture(scope="module")
def cleaned_by(
    postgres: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """Make an empty Airflow database; yield an administrator's DSN and the environment of the cleaning job."""
    name = "airflow_upkeep"
    home = tmp_path_factory.mktemp("airflow")
    environment = make_airflow_database(postgres.admin_dsn, name, "airflow", home, PASSWORD)
    yield with_database(postgres.admin_dsn, name), environment
    postgres.drop_database(name)


@pytest.fixture
def airflow_rows(
    cleaned_by: tuple[str, dict[str, str]], ledger: str, configure: Callable[..., None]
) -> Iterator[AirflowRows]:
    """Empty the module's Airflow database and set the connection ``motcua_airflow`` to it."""
    dsn, environment = cleaned_by
    # Airflow gives its tasks this address instead of its database's, so that they cannot reach the database.
    nothing = "airflow-db-not-allowed:///"
    configure(**environment, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=nothing, AIRFLOW__CORE__SQL_ALCHEMY_CONN=nothing)
    rows = AirflowRows(dsn)
    tables = "dag_run, dag, dag_version, asset_event, log, celery_taskmeta, job, callback"
    ask(dsn, f"TRUNCATE {tables} CASCADE")
    yield rows
    rows.connection.close()
