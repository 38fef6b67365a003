"""Test that a publication lists its period's stops as known at the closing, and that verifying checks this list.

A stop is an order not to send messages of a kind or an agency for some time.
"""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from psycopg.conninfo import conninfo_to_dict

from motcua.jobs.notices.stopping import go, stop
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_publication
from motcua.jobs.reconciliation.closing import close_period
from motcua.reports.publication.files import MANIFEST, PAGE, PDF, WORKBOOK
from tests.ground import NHA_TRANG, NOW, TU_PHAP, connection_uri, take_in
from tests.integration.publications.world import DAY, MORNING

DRAWS = True
"""Tells conftest.py to make real PDFs, because a test checks the PDF's size."""

HOUR = timedelta(hours=1)
WHY = "Mẫu tin ghi sai tên Bộ phận Một cửa"


def stop_at(moment, until, kind=None, agency=None, reason=WHY):
    return stop(kind=kind, agency=agency, until=until, reason=reason, stopped_by="lan", now=moment)


@pytest.fixture
def close(one_stop, store):
    """Queue a result message of two agencies; return a function that publishes the day and returns its folder."""
    for agency in (NHA_TRANG, TU_PHAP):
        one_stop.both(9, "D", agency, at=NOW - HOUR, updated_at=NOW - HOUR)
    take_in()

    def published(morning=MORNING) -> Path:
        publication = publish(close_period(DAY, "tests", morning).closing.closing_no, morning)
        return store / publication.folder

    return published


def sheet_of(file: Path) -> list[tuple[object, ...]]:
    book = load_workbook(io.BytesIO(file.read_bytes()))
    return list(book["Tạm dừng gửi"].iter_rows(values_only=True))[1:] if "Tạm dừng gửi" in book.sheetnames else []


@pytest.mark.guarantee(
    "stops", "a publication lists each stop of its period, with reason and times, as known at the closing"
)
def test_publication_shows_the_stops_of_its_period_with_reason_and_times(close, rows):
    stop_at(DAY.start - 3 * HOUR, DAY.start - HOUR, reason="hôm trước")
    stop_at(DAY.start - HOUR, DAY.start + HOUR, reason="qua đêm")
    early = stop_at(NOW, NOW + 4 * HOUR, kind="result", agency=TU_PHAP)
    go(early.stop_id, ended_by="minh", now=NOW + HOUR)
    stop_at(DAY.end - HOUR, DAY.end + 48 * HOUR, kind="apology", reason="còn tiếp")
    stop_at(DAY.end + HOUR, DAY.end + 2 * HOUR, reason="hôm sau")
    folder = close()
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert "Trong kỳ có 3 lần Sở tạm dừng gửi tin" in page
    assert "10:00 ngày 25/11/2026" in page
    assert "11:00 ngày 25/11/2026, kết thúc sớm" in page
    assert "23:00 ngày 27/11/2026, theo dự định" not in page
    assert "0:00 ngày 28/11/2026, theo dự định" in page
    assert all(each in page for each in (WHY, "qua đêm", "còn tiếp"))
    assert not any(each in page for each in ("hôm trước", "hôm sau"))
    assert "lan" not in json.dumps(json.loads((folder / MANIFEST).read_bytes())["words"]["stops"])
    every = [row[-1] for row in sheet_of(folder / WORKBOOK)]
    assert every == ["qua đêm", WHY, "còn tiếp"]
    assert [row[-1] for row in sheet_of(folder / f"co-quan/{TU_PHAP}.xlsx")] == every
    assert [row[-1] for row in sheet_of(folder / f"co-quan/{NHA_TRANG}.xlsx")] == ["qua đêm", "còn tiếp"]
    assert (folder / PDF).stat().st_size > 10_000
    checked = verify_publication("1")
    assert checked.faults == []
    assert "3 stop(s) of sending match the ledger" in checked.held


def test_publication_of_a_period_without_a_stop_mentions_none(close):
    stop_at(DAY.end + HOUR, DAY.end + 2 * HOUR, kind="supplement")
    folder = close()
    assert "stops" not in json.loads((folder / MANIFEST).read_bytes())["words"]
    assert "ạm dừng gửi" not in (folder / PAGE).read_text(encoding="utf-8")
    assert sheet_of(folder / WORKBOOK) == []
    assert verify_publication("1").faults == []


@pytest.mark.guarantee(
    "stops", "a publication lists each stop of its period, with reason and times, as known at the closing"
)
def test_what_is_published_is_what_was_known_at_the_closing(close, ledger, postgres, configure):
    made = stop_at(DAY.end - HOUR, DAY.end + 48 * HOUR)
    folder = close()
    go(made.stop_id, ended_by="minh", now=MORNING + HOUR)
    assert "theo dự định" in (folder / PAGE).read_text(encoding="utf-8")
    database = conninfo_to_dict(ledger)["dbname"]
    configure(AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", database))
    assert verify_publication("1").faults == [], (
        "the publication must also verify for an auditor, who sees that the stop was ended early since then"
    )


def test_stop_that_is_hidden_or_invented_is_a_fault(close, rows):
    made = stop_at(NOW, NOW + HOUR)
    close()
    rows("ALTER TABLE motcua.stops DISABLE TRIGGER ALL")
    rows("UPDATE motcua.stops SET reason = 'khác'")
    assert [str(each) for each in verify_publication("1").faults] == [
        f"manifest.json: words.stops[0].reason: published {WHY}, the ledger says khác"
    ]
    rows("ALTER TABLE motcua.closing_stops DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.closing_stops")
    (fault,) = verify_publication("1").faults
    assert f'"stop_id": {made.stop_id}' in str(fault)
