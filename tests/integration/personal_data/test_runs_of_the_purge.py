"""Test the nightly purge run: its counts, the faults that make the run fail, and the removal of files."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from motcua.jobs.personal_data import FilesRemoved
from motcua.jobs.tasks import purge_personal_data
from motcua.jobs.tasks.purge_personal_data import gate, purge_due, remove_files
from motcua.settings import Settings
from motcua.store.ledger.sessions import Run, work_for
from motcua.store.runs import work_of
from tests.ground import in_ledger, red_gate, type_command
from tests.integration.personal_data.conftest import NOW

RUN = Run("purge_personal_data", "manual__1")


def test_run_and_command_tell_how_many_rows_of_what_they_emptied_and_no_values(past, rows):
    past.told_and_ended("D-1")
    work_for(RUN)
    try:
        done = purge_due(RUN.run_id)
    finally:
        work_for(None)
    assert done["dossiers"] > 0
    gate([done])
    work = in_ledger(work_of, RUN, ("purges",), None, 20)
    assert {each.of_table: each.emptied for each in work.purges}["dossiers"] == 1
    assert {row["purged_by"] for row in rows("SELECT purged_by FROM motcua.personal_data_purges")} == {RUN.run_id}
    past.told_and_ended("D-2")
    type_command("personal-data", "purge")
    listed = type_command("personal-data", "purges").output
    assert "dossier_versions" in listed
    assert "905123" not in listed
    assert past.values() == []


@pytest.mark.guarantee(
    "personal-data", "without a role that may purge, the nightly run is red and names the command to run"
)
def test_run_where_nobody_may_purge_is_red_and_says_what_to_run(past, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_MOTCUA_DB_PURGE")
    with red_gate("motcua provision"):
        gate([purge_due("run")])


def test_files_under_statements_go_after_ninety_days_and_one_that_stays_reddens_the_run(
    configure, tmp_path, monkeypatch
):
    old, young = tmp_path / "kannel" / "2026-01.csv", tmp_path / "kannel" / "2026-10.csv"
    loose = tmp_path / "note.txt"
    old.parent.mkdir()
    for path, days in ((old, 91), (young, 89), (loose, 200)):
        path.write_text("0905123456")
        at = (NOW - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
    configure(MOTCUA_STATEMENTS=f"file://{tmp_path}")
    assert remove_files(NOW) == {"removed": 2}
    assert [path.name for path in Path(tmp_path).rglob("*") if path.is_file()] == ["2026-10.csv"]
    monkeypatch.setattr(purge_personal_data, "remove_old_files", lambda now: FilesRemoved(removed=0, refused=1))
    with red_gate("1 file.* cannot be removed"):
        gate([remove_files(NOW)])


@pytest.mark.parametrize("keep", ["P36D", "P1Y"])
def test_backups_are_kept_for_35_days_at_most(keep):
    with pytest.raises(ValueError, match="backup_keep"):
        Settings(backup_keep=keep)
    assert Settings(backup_keep="P35D").backup_keep == timedelta(days=35)
