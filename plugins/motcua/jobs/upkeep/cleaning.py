"""Removes old rows of Airflow's own database and old log files, and records in the ledger how many were removed.

Only log files with names as Airflow gives them are removed. Links are neither followed nor removed, and all other files
stay.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.upkeep import AIRFLOW, CleanedOf, airflow_url, runs_before, save_cleaning

_RUN = r"dag_id=(?P<dag>[^/]+)/run_id=(?P<run>[^/]+)"
_OF_TASKS = re.compile(rf"{_RUN}/task_id=[^/]+(/map_index=\d+)?/attempt=\d+\.log(\.trigger\.\d+\.log)?")
_OF_CALLBACKS = re.compile(r"executor_callbacks/(?P<dag>[^/]+)/(?P<run>[^/]+)/[0-9a-f-]{36}")
_FOLDERS = re.compile(
    r"dag_id=[^/]+(/run_id=[^/]+(/task_id=[^/]+(/map_index=\d+)?)?)?|executor_callbacks/[^/]+(/[^/]+)?"
)
_OF_PROCESSOR = re.compile(r"\d{4}-\d\d-\d\d/.+\.log")
_PROCESSOR_FOLDERS = re.compile(r"\d{4}-\d\d-\d\d(/.+)?")


@dataclass(slots=True)
class LogsRemoved:
    """Counts of one clean-up of log files."""

    files: int = 0
    folders: int = 0
    size: int = 0
    """Number of bytes of the removed files."""
    refused: int = 0
    """Number of files and folders that could not be removed."""
    foreign: int = 0
    """Number of old files that stay because their names are not those of Airflow's logs."""


@dataclass(slots=True)
class _Walk:
    before: float
    files: tuple[re.Pattern[str], ...]
    folders: re.Pattern[str]
    done: LogsRemoved
    kept: Collection[tuple[str, str]] = ()
    left_out: Path | None = None
    emptied: set[Path] = field(default_factory=set)
    """Folders from which a file or a folder was removed."""


def remove_old_logs(
    tasks: Path, processor: Path, before: datetime, kept: Collection[tuple[str, str]], processor_before: datetime
) -> LogsRemoved:
    """Remove log files that were last written to before a moment.

    Args:
        tasks: the folder of tasks' logs.
        processor: the folder of the DAG processor's logs, often inside ``tasks``.
        before: the moment that applies to tasks' logs.
        kept: runs that Airflow still has, as pairs of DAG id and run id; their logs stay.
        processor_before: the moment that applies to the DAG processor's logs.
    """
    done = LogsRemoved()
    of_tasks = (_OF_TASKS, _OF_CALLBACKS)
    _walk(_Walk(before.timestamp(), of_tasks, _FOLDERS, done, kept, processor), tasks)
    _walk(_Walk(processor_before.timestamp(), (_OF_PROCESSOR,), _PROCESSOR_FOLDERS, done), processor)
    return done


def _walk(walk: _Walk, root: Path) -> None:
    """Walk a folder by file descriptors, so that nobody can replace a folder by a link between check and removal."""
    if root.is_symlink() or not root.is_dir():
        return

    def refused(_: OSError) -> None:
        walk.done.refused += 1

    for name, folders, files, here in os.fwalk(root, topdown=False, onerror=refused, follow_symlinks=False):
        folder = Path(name)
        if walk.left_out is not None and folder.is_relative_to(walk.left_out):
            continue
        for file in files:
            _try_to_remove(walk, folder.relative_to(root) / file, here, _remove_file)
        for each in folders:
            _try_to_remove(walk, folder.relative_to(root) / each, here, _remove_folder)


def _try_to_remove(
    walk: _Walk, path: Path, here: int, remove: Callable[[_Walk, Path, int, os.stat_result], None]
) -> None:
    try:
        remove(walk, path, here, os.stat(path.name, dir_fd=here, follow_symlinks=False))
    except FileNotFoundError:
        return
    except OSError as refused:
        if refused.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            walk.done.refused += 1


def _remove_file(walk: _Walk, path: Path, here: int, there: os.stat_result) -> None:
    if not stat.S_ISREG(there.st_mode) or there.st_mtime >= walk.before:
        return
    named = next((found for each in walk.files if (found := each.fullmatch(path.as_posix()))), None)
    if named is None:
        walk.done.foreign += 1
    elif (named.groupdict().get("dag"), named.groupdict().get("run")) not in walk.kept:
        os.unlink(path.name, dir_fd=here)
        walk.emptied.add(path.parent)
        walk.done.files += 1
        walk.done.size += there.st_size


def _remove_folder(walk: _Walk, path: Path, here: int, there: os.stat_result) -> None:
    # A new empty folder stays, because it may be waiting for its first file.
    is_left = path in walk.emptied or there.st_mtime < walk.before
    if is_left and stat.S_ISDIR(there.st_mode) and walk.folders.fullmatch(path.as_posix()):
        os.rmdir(path.name, dir_fd=here)
        walk.emptied.add(path.parent)
        walk.done.folders += 1


log = logging.getLogger(__name__)

_LIMITS = "-c lock_timeout=5s -c application_name=motcua-upkeep"
"""Options of each session. A short lock timeout is needed, since other sessions queue behind a session that waits for a
lock."""


class CleaningFailed(Exception):
    """The clean-up of Airflow's database ended early; the message holds no value of any row."""


def clean_database(now: datetime) -> list[CleanedOf]:
    """Remove old rows of Airflow's database, and record in the ledger how many.

    Returns: the result for each table.

    Raises:
        CleaningFailed: The clean-up ended early; rows removed until then are not recorded.
        airflow.exceptions.AirflowNotFoundException: Airflow's database is not connected here.
    """
    rules = settings()
    terms = {
        "before": now - rules.airflow_keep,
        "red_before": now - max(rules.airflow_keep, rules.airflow_keep_red),
        "acts_before": now - max(rules.airflow_keep, rules.airflow_keep_acts),
    }
    given = json.dumps({name: moment.isoformat() for name, moment in terms.items()})
    # Airflow gives its tasks no access to its database, so a separate program does the work.
    kept = {name: value for name, value in os.environ.items() if name != "AIRFLOW__CORE__SQL_ALCHEMY_CONN"}
    environment = kept | {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_url(),
        "PGOPTIONS": _LIMITS,
    }
    with tempfile.TemporaryDirectory(prefix="motcua-upkeep-") as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-m", "motcua.jobs.upkeep.airflow_tables", given, str(answer)]
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        log.info("airflow db clean says:\n%s", ended.stdout.decode(errors="replace"))
        if ended.returncode or not answer.exists():
            raise CleaningFailed(f"the clean-up of Airflow's database ended with {ended.returncode}; its log is above")
        found = json.loads(answer.read_text(encoding="utf-8"))
    tables = sorted({*found["removed"], *found["failed"], "dag_run"})
    done = [CleanedOf(name, found["removed"].get(name, 0), None, found["failed"].get(name)) for name in tables]
    _record(done, now)
    return done


def clean_logs(now: datetime) -> LogsRemoved:
    """Remove old log files and empty folders, and record in the ledger how many.

    Logs of runs that Airflow still has stay. If Airflow's database does not answer, the logs of all runs that Airflow
    might still have are left in place.
    """
    import psycopg
    from airflow.configuration import conf
    from airflow.sdk.exceptions import AirflowNotFoundException

    rules = settings()
    before = tasks_before = now - rules.airflow_keep
    try:
        with connect(AIRFLOW) as connection:
            kept = runs_before(connection, before)
    except (psycopg.Error, AirflowNotFoundException) as away:
        log.warning(
            "Airflow's database does not answer (%s): logs stay as long as those of failed runs", type(away).__name__
        )
        kept, tasks_before = frozenset(), now - max(rules.airflow_keep, rules.airflow_keep_red)
    done = remove_old_logs(
        Path(conf.get("logging", "base_log_folder")),
        Path(conf.get("logging", "dag_processor_child_process_log_directory")),
        tasks_before,
        kept,
        before,
    )
    log.info("log files: %s", asdict(done))
    failed = f"{done.refused} refused" if done.refused else None
    of_logs = [CleanedOf("log_files", done.files, done.size, failed), CleanedOf("log_folders", done.folders)]
    _record(of_logs, now)
    return done


def _record(done: list[CleanedOf], now: datetime) -> None:
    with connect() as ledger:
        save_cleaning(ledger, now, done)
