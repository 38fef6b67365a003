"""The environment of tests, proofs and benches: an Airflow home of their own, and nothing that was set before.

Imported for what it does, before the first import of Airflow.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="motcua-airflow-")


def take_away_at_exit(folder: str | Path) -> None:
    """Removes a folder when this process ends; a forked child ends, too, and removes nothing."""
    owner = os.getpid()

    def take_away() -> None:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(take_away)


take_away_at_exit(_HOME)
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parents[1] / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(Path(__file__).parents[1] / "plugins"),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
)
for _name in [name for name in os.environ if name.startswith(("MOTCUA_", "AIRFLOW_CONN_"))]:
    if _name not in ("MOTCUA_TEST_DSN", "MOTCUA_CI"):
        del os.environ[_name]
# Whoever runs the tests, a machine's own account as a rule, signs nothing.
os.environ["MOTCUA_PERSON"] = "lan"
# Nobody watches the sources here: a sender does until its time is over.
os.environ["MOTCUA_LINGER"] = "3"
