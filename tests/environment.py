"""Set the environment of tests, proofs and benches: an Airflow home of their own, and no inherited settings.

An import of this module sets the environment. Import the module before the first import of Airflow.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="motcua-airflow-")


def take_away_at_exit(folder: str | Path) -> None:
    """Remove a folder when this process ends. A forked child process removes nothing when it ends."""
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
    # Let Airflow mask no secret here, because it builds the pattern of all secrets anew for each new password.
    AIRFLOW__LOGGING__MIN_LENGTH_MASKED_SECRET="1000000",
)
for _name in [name for name in os.environ if name.startswith(("MOTCUA_", "AIRFLOW_CONN_"))]:
    if _name != "MOTCUA_CI":
        del os.environ[_name]
# Commands store this person's name. They refuse the account that runs the tests, which is usually a machine's.
os.environ["MOTCUA_PERSON"] = "lan"
# Most tests run no watcher. Then a sender waits for unread rows only until this time is over.
os.environ["MOTCUA_LINGER"] = "3"
