"""Log files of tasks and of the DAG processor: old ones go, and the folders that they leave empty.

Only what is named as Airflow names its logs is touched. A link is neither followed nor removed, and everything else
stays, whoever put it there.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

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
    """What was removed, and what was not."""

    files: int = 0
    folders: int = 0
    size: int = 0
    """Bytes of the files."""
    refused: int = 0
    """Files and folders that could not be removed."""
    foreign: int = 0
    """Old files that are not named as Airflow's logs."""


@dataclass(slots=True)
class _Walk:
    before: float
    files: tuple[re.Pattern[str], ...]
    folders: re.Pattern[str]
    done: LogsRemoved
    kept: Collection[tuple[str, str]] = ()
    left_out: Path | None = None
    emptied: set[Path] = field(default_factory=set)
    """Folders that something was removed from."""


def remove_old_logs(
    tasks: Path, processor: Path, before: datetime, kept: Collection[tuple[str, str]], processor_before: datetime
) -> LogsRemoved:
    """Removes logs that nobody wrote to since a moment.

    Args:
        tasks: folder of tasks' logs.
        processor: of the DAG processor's; often below the other.
        before: of tasks' logs: that moment.
        kept: runs that Airflow still has, each as its DAG's id and its own; their logs stay.
        processor_before: of the DAG processor's logs: that moment.
    """
    done = LogsRemoved()
    of_tasks = (_OF_TASKS, _OF_CALLBACKS)
    _walk(_Walk(before.timestamp(), of_tasks, _FOLDERS, done, kept, processor), tasks)
    _walk(_Walk(processor_before.timestamp(), (_OF_PROCESSOR,), _PROCESSOR_FOLDERS, done), processor)
    return done


def _walk(walk: _Walk, root: Path) -> None:
    """By descriptors of folders: none becomes a link between a look and a removal."""
    if root.is_symlink() or not root.is_dir():
        return

    def refused(_: OSError) -> None:
        walk.done.refused += 1

    for name, folders, files, here in os.fwalk(root, topdown=False, onerror=refused, follow_symlinks=False):
        folder = Path(name)
        if walk.left_out is not None and folder.is_relative_to(walk.left_out):
            continue
        for file in files:
            _remove(walk, folder.relative_to(root) / file, here, _file)
        for each in folders:
            _remove(walk, folder.relative_to(root) / each, here, _folder)


def _remove(walk: _Walk, path: Path, here: int, remove: Callable[[_Walk, Path, int, os.stat_result], None]) -> None:
    try:
        remove(walk, path, here, os.stat(path.name, dir_fd=here, follow_symlinks=False))
    except FileNotFoundError:
        return
    except OSError as refused:
        if refused.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            walk.done.refused += 1


def _file(walk: _Walk, path: Path, here: int, there: os.stat_result) -> None:
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


def _folder(walk: _Walk, path: Path, here: int, there: os.stat_result) -> None:
    # One that was made a moment ago waits for its first file.
    is_left = path in walk.emptied or there.st_mtime < walk.before
    if is_left and stat.S_ISDIR(there.st_mode) and walk.folders.fullmatch(path.as_posix()):
        os.rmdir(path.name, dir_fd=here)
        walk.emptied.add(path.parent)
        walk.done.folders += 1
