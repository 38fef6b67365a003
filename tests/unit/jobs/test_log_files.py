"""Test the removal of log files: old files and emptied folders are removed, and all other files stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from motcua.jobs.upkeep.cleaning import LogsRemoved, remove_old_logs

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BEFORE = NOW - timedelta(days=30)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)


def write(path: Path, at: datetime, words: str = "một dòng\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def log_of(folder: Path, run: str, at: datetime, dag: str = "notify_transitions", name: str = "attempt=1.log") -> Path:
    return write(folder / f"dag_id={dag}" / f"run_id={run}" / "task_id=send" / name, at)


def clean(folder: Path, kept: frozenset[tuple[str, str]] = frozenset()) -> LogsRemoved:
    return remove_old_logs(folder, folder / "dag_processor", BEFORE, kept, BEFORE)


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


@pytest.mark.guarantee(
    "airflow", "old log files and folders that become empty are removed; links and foreign files stay"
)
def test_old_logs_go_with_their_folders_and_young_ones_stay(tmp_path: Path) -> None:
    old = [
        log_of(tmp_path, "scheduled__2026-10-28T00:00:00+00:00", OLD),
        log_of(tmp_path, "scheduled__2026-10-28T00:00:00+00:00", OLD, name="attempt=2.log.trigger.7.log"),
        log_of(tmp_path, "old", OLD, dag="gone", name="map_index=3/attempt=1.log"),
        write(tmp_path / "dag_processor" / "2026-10-28" / "dags-folder" / "check_quality.py.log", OLD),
        write(tmp_path / "executor_callbacks" / "d" / "r" / "3f0e5b0a-0000-4000-8000-0123456789ab", OLD),
    ]
    young = [
        log_of(tmp_path, "scheduled__2026-11-28T00:00:00+00:00", YOUNG),
        write(tmp_path / "dag_processor" / "2026-11-27" / "dags-folder" / "check_quality.py.log", YOUNG),
    ]
    done = clean(tmp_path)
    assert left(tmp_path) == {path.relative_to(tmp_path).as_posix() for path in young}
    assert (done.files, done.refused, done.foreign) == (len(old), 0, 0)
    assert done.size == len(old) * len("một dòng\n".encode())
    empty = [path.name for path in tmp_path.rglob("*") if path.is_dir() and not any(path.iterdir())]
    assert empty == ["executor_callbacks"], "the folder for all callbacks must stay"
    assert done.folders == 2 + 4 + 2 + 2, "folders above a log that stays must stay"
    assert clean(tmp_path) == LogsRemoved()


def test_log_that_is_still_written_to_and_that_of_a_run_that_airflow_has_stay(tmp_path: Path) -> None:
    """A log that is still written, and the log of a run that Airflow still lists, must not be removed."""
    written = log_of(tmp_path, "long", NOW)
    red = log_of(tmp_path, "red", OLD)
    log_of(tmp_path, "gone", OLD)
    done = clean(tmp_path, frozenset({("notify_transitions", "red"), ("settle_messages", "gone")}))
    assert (done.files, written.exists(), red.exists()) == (1, True, True)


def test_links_and_foreign_files_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    theirs = [
        log_of(elsewhere, "run", OLD),
        write(elsewhere / "attempt=1.log", OLD),
        write(folder / "dag_id=x" / "run_id=y" / "task_id=z" / "notes.txt", OLD),
        write(folder / "dag_id=x" / "kept.log", OLD),
        write(folder / "ledger.dump", OLD),
        write(folder / "dag_processor" / "README.log", OLD),
    ]
    (folder / "dag_id=linked").symlink_to(elsewhere / "dag_id=notify_transitions")
    run = folder / "dag_id=x" / "run_id=linked" / "task_id=z"
    run.mkdir(parents=True)
    (run / "attempt=1.log").symlink_to(elsewhere / "attempt=1.log")
    (folder / "dag_processor" / "latest").symlink_to("2026-10-28")
    for link in (folder / "dag_id=linked", run / "attempt=1.log", folder / "dag_processor" / "latest"):
        os.utime(link, (OLD.timestamp(), OLD.timestamp()), follow_symlinks=False)
    done = clean(folder)
    assert (done.files, done.folders, done.foreign, done.refused) == (0, 0, 4, 0)
    assert all(path.exists() for path in theirs)
    assert (folder / "dag_processor" / "latest").is_symlink()
    assert (run / "attempt=1.log").is_symlink()
    linked = tmp_path / "linked"
    linked.symlink_to(elsewhere)
    assert clean(linked) == LogsRemoved(), "a log folder that is a link must not be cleaned"


def test_folder_that_was_made_a_moment_ago_waits_for_its_first_file(tmp_path: Path) -> None:
    """A new empty folder must stay, or the run that made it cannot write its log."""
    (tmp_path / "dag_id=x" / "run_id=y").mkdir(parents=True)
    assert clean(tmp_path) == LogsRemoved()
    assert (tmp_path / "dag_id=x" / "run_id=y").is_dir()


def test_file_that_cannot_be_removed_is_counted_and_the_others_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = log_of(tmp_path, "a", OLD), log_of(tmp_path, "b", OLD)
    remove = os.unlink

    def refuse(name: str, *, dir_fd: int) -> None:
        if os.fstat(dir_fd).st_ino == kept.parent.stat().st_ino:
            raise PermissionError(13, "no")
        remove(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", refuse)
    done = clean(tmp_path)
    assert (done.refused, done.files, kept.exists(), gone.exists()) == (1, 1, True, False)


def test_folder_that_is_not_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert clean(tmp_path / "none") == LogsRemoved()
