"""Real PostgreSQL servers behave as docs/operations/restore.md states about archives and standbys."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.restore.clusters import (
    Cluster,
    archive_all,
    base_backup,
    do_without_standby,
    promote,
    recover,
    start_archiving,
    start_standby,
    wait_for_standby,
)

pytestmark = pytest.mark.alone


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def primary(tmp_path: Path, archive: Path) -> Iterator[Cluster]:
    with start_archiving(tmp_path / "primary", archive) as cluster:
        cluster.ask("CREATE TABLE sent (message int PRIMARY KEY)")
        yield cluster


def sent(cluster: Cluster) -> list[int]:
    return list(cluster.ask("SELECT coalesce(array_agg(message ORDER BY message), '{}') FROM sent"))


def send(cluster: Cluster, message: int) -> datetime:
    cluster.ask("INSERT INTO sent VALUES (%s)", message)
    moment = cluster.ask("SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


@pytest.mark.guarantee("backups", "the archived log restores every commit up to a chosen moment, and no later commit")
def test_archive_brings_back_every_commit_up_to_a_moment_and_none_after_it(
    primary: Cluster, archive: Path, tmp_path: Path
) -> None:
    send(primary, 1)
    base_backup(primary, tmp_path / "base")
    until = send(primary, 2)
    send(primary, 3)
    archive_all(primary)
    primary.kill()
    with recover(tmp_path / "base", tmp_path / "then", archive, until) as recovered:
        assert sent(recovered) == [1, 2]
        send(recovered, 4)
    with recover(tmp_path / "base", tmp_path / "all", archive) as recovered:
        assert sent(recovered) == [1, 2, 3]


@pytest.mark.guarantee(
    "backups",
    "a synchronous standby has every commit when the server is lost; a commit waits, unseen, until the standby has it",
)
def test_synchronous_standby_has_every_commit_when_the_primary_is_gone(primary: Cluster, tmp_path: Path) -> None:
    with start_standby(primary, tmp_path / "standby", "beside") as standby:
        wait_for_standby(primary, "beside")
        for message in range(200):
            send(primary, message)
        primary.kill()
        promote(standby)
        assert sent(standby) == list(range(200))
        send(standby, 200)


@pytest.mark.guarantee(
    "backups",
    "a synchronous standby has every commit when the server is lost; a commit waits, unseen, until the standby has it",
)
def test_commit_waits_while_the_standby_is_away_and_goes_on_when_the_operator_says_so(
    primary: Cluster, tmp_path: Path
) -> None:
    with start_standby(primary, tmp_path / "standby", "beside") as standby:
        wait_for_standby(primary, "beside")
        standby.kill()
        done = threading.Event()

        def commit() -> None:
            send(primary, 1)
            done.set()

        waiting = threading.Thread(target=commit)
        waiting.start()
        assert not done.wait(1.5)
        # A commit that the standby does not have yet is visible to no reader, so no reader can act on it.
        assert sent(primary) == []
        do_without_standby(primary)
        assert done.wait(10)
        waiting.join()
        assert sent(primary) == [1]


def test_statement_that_was_given_up_while_the_standby_was_away_is_committed_all_the_same(
    primary: Cluster, tmp_path: Path
) -> None:
    with start_standby(primary, tmp_path / "standby", "beside") as standby:
        wait_for_standby(primary, "beside")
        standby.kill()
        with psycopg.connect(primary.admin_dsn, autocommit=True) as impatient:
            cancel = threading.Timer(1, impatient.cancel)
            cancel.start()
            impatient.execute("INSERT INTO sent VALUES (1)")
            cancel.join()
        assert sent(primary) == [1]
        do_without_standby(primary)
