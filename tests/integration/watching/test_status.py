"""Test ``motcua status``: one screen with the figures of the pages and metrics, and with the state of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from motcua.jobs.watching.status import rows_of_status
from motcua.settings import settings
from motcua.store.journal import open_journal
from motcua.store.notices.gaps import begin_journal
from motcua.store.watching.watch import list_alerts
from tests.ground import in_ledger, type_command, write_backup
from tests.integration.watching.conftest import WEDNESDAY, Watched
from tests.integration.watching.test_watch import save

PARTS = ["runs", "late", "waits", "disk", "backup", "journal", "certificate", "evening"]


def words(part: str, watched: Watched) -> str:
    return "\n".join(f"{row.words} {row.check}" for row in rows_of_status(watched.now) if row.part == part)


@pytest.mark.guarantee("watch", "`motcua status` shows on one screen what runs, is late or waits")
def test_one_screen_has_every_part(watched: Watched, configure: Callable[..., None], tmp_path) -> None:
    configure(MOTCUA_WATCH_BACKUP_AGE="P1D")
    save(enabled_from=WEDNESDAY - timedelta(days=9))
    write_backup(tmp_path / "backups", watched.now - timedelta(hours=3))
    watched.look()
    rows = rows_of_status(watched.now)
    assert [part for part in PARTS if not any(row.part == part for row in rows)] == ["late"], rows
    assert "20261125T050000Z, 3 hours old" in words("backup", watched)
    assert words("evening", watched).startswith("planned next on 25/11/2026 at 17:30, for 0 of 1 agencies")
    lines = type_command("status", exits=None).output.splitlines()
    heads = ("runs", "late or wrong", "waits for a person", "disk", "backup", "journal", "certificate", "17:30")
    assert [head for head in heads if not any(line.startswith(head) for line in lines)] == []
    assert len(lines) <= 40


def test_alerts_are_the_rows_that_the_page_has_and_say_who_looks_after_them(watched: Watched) -> None:
    save(enabled_from=WEDNESDAY - timedelta(days=9))
    watched.look()
    watched.outside.airflow_status = 503
    watched.look(3)
    (alert,) = [each for each in in_ledger(list_alerts, watched.now, 10) if each.name == "airflow_unreachable"]
    row = next(row for row in rows_of_status(watched.now) if row.check == "airflow_unreachable")
    assert row.words.startswith("Airflow không trả lời, since ")
    assert row.is_wrong
    assert alert.acknowledged_by is None
    type_command("status", exits=1)
    type_command("alerts", "acknowledge", "airflow_unreachable", exits=None)
    row = next(row for row in rows_of_status(watched.now) if row.check == "airflow_unreachable")
    assert row.words.endswith("lan looks after it")
    assert not row.is_wrong


def test_faults_of_this_machines_disk_backup_and_journal_are_shown(
    watched: Watched, configure: Callable[..., None], tmp_path
) -> None:
    configure(MOTCUA_WATCH_BACKUP_AGE="P1D", MOTCUA_WATCH_DISK_FREE=str(10**18))
    write_backup(tmp_path / "backups", watched.now - timedelta(days=2))
    in_ledger(begin_journal, open_journal().begin(), "first use")
    assert "journal_elsewhere" not in words("journal", watched)
    (settings().journal_folder / "journal.json").unlink()
    wrong = {(row.part, row.check.partition("/")[0]) for row in rows_of_status(watched.now) if row.is_wrong}
    assert wrong >= {("disk", "disk_low"), ("backup", "backup_old"), ("journal", "journal_elsewhere")}


def test_status_shows_the_watchs_own_state_while_the_ledger_is_away(
    watched: Watched, configure: Callable[..., None]
) -> None:
    watched.look()
    configure(AIRFLOW_CONN_MOTCUA_DB="postgres://motcua_app:x@127.0.0.1:1/motcua?connect_timeout=1")
    watched.look(3)
    shown = type_command("status", "--json", exits=None)
    rows = json.loads(shown.stdout)
    assert shown.exit_code == 1
    assert any("the ledger does not answer" in row["words"] for row in rows)
    assert any(row["check"] == "ledger_unreachable" for row in rows)
    assert {row["part"] for row in rows} >= {"runs", "late", "disk", "backup"}
