"""Test that closings and publications name the agencies whose figures were pushed.

Pushed figures cannot be counted independently of the software that pushed them.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from openpyxl import load_workbook
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.periods import Period
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_publication
from motcua.jobs.reconciliation.closing import close_period
from motcua.reports.publication.files import MANIFEST, PAGE, PDF, WORKBOOK, agency_workbook_name
from motcua.store.intake.clients import open_account
from motcua.store.intake.exports import set_form
from motcua.store.intake.pushes import keep_pushed_of_closing, pushed_of_closing
from tests.ground import NHA_TRANG, TU_PHAP, connection_uri, in_ledger, type_command
from tests.integration.intake.conftest import SOURCE, Software, dossier, register, step

SAYS = "theo dữ liệu được đẩy"


@pytest.fixture
def store(tmp_path, configure):
    """Set an empty folder as the store of publications; return the folder."""
    folder = tmp_path / "publications"
    configure(MOTCUA_PUBLICATIONS=f"file://{folder}")
    return folder


def today() -> tuple[Period, datetime]:
    """Return the day of a push that is made now, and the moment six hours after the end of that day."""
    day = Period.day_before(datetime.now(UTC) + timedelta(days=1))
    return day, day.end + timedelta(hours=6)


def test_closing_and_publication_say_whose_figures_were_pushed(served, store, run, postgres, ledger, configure):
    register(SOURCE, TU_PHAP)
    software = Software(served, SOURCE)
    day, morning = today()
    assert software.dossiers(dossier("H-1"), unit=TU_PHAP)["error_code"] == "00"
    assert software.steps(step("H-1", 9), unit=TU_PHAP)["error_code"] == "00"
    run()
    closing = close_period(day, "tests", morning).closing
    assert (closing.difference, closing.unexplained, closing.sources_unread) == (0, 0, ())
    folder = store / publish(closing.closing_no, morning).folder

    page = (folder / PAGE).read_text(encoding="utf-8")
    assert f"Số liệu của 1 cơ quan {SAYS} (nguồn {SOURCE})" in page
    assert "số đếm độc lập" not in page
    assert json.loads((folder / MANIFEST).read_bytes())["words"]["pushed"] == [
        {"source": SOURCE, "agency_code": TU_PHAP}
    ]
    sheet = load_workbook(io.BytesIO((folder / WORKBOOK).read_bytes()))["Dữ liệu được đẩy"]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [TU_PHAP]
    own, other = (
        load_workbook(io.BytesIO((folder / agency_workbook_name(code)).read_bytes())) for code in (TU_PHAP, NHA_TRANG)
    )
    said = [
        any(SAYS in str(cell) for row in book["Tóm tắt"].iter_rows(values_only=True) for cell in row)
        for book in (own, other)
    ]
    assert said == [True, False]
    assert (folder / PDF).stat().st_size > 10_000

    # Later the agency's data are read from its database instead of pushed. The old closing must not change.
    configure(MOTCUA_SOURCES=f"{SOURCE}=contract")
    checked = verify_publication("1")
    assert checked.faults == []
    assert "1 agency(s) listed as sending pushes match the closing" in checked.held
    shown = type_command("closings", "show", str(closing.closing_no), exits=None)
    assert f"{TU_PHAP} ({SOURCE})" in shown.output
    configure(
        AIRFLOW_CONN_MOTCUA_DB=connection_uri(postgres.admin_dsn, "motcua_audit", conninfo_to_dict(ledger)["dbname"])
    )
    assert verify_publication("1").faults == [], "the publication must verify for an auditor too"


@pytest.mark.guarantee(
    "reconciliation", "a closing stores which agencies' figures were pushed, and its publication cannot hide it"
)
def test_publication_that_hides_what_was_pushed_is_a_fault(software, store, rows):
    day, morning = today()
    publish(close_period(day, "tests", morning).closing.closing_no, morning)
    assert verify_publication("1").faults == []
    rows("ALTER TABLE motcua.closing_pushed DISABLE TRIGGER ALL")
    rows("DELETE FROM motcua.closing_pushed WHERE agency_code = %s", TU_PHAP)
    (fault,) = verify_publication("1").faults
    assert TU_PHAP in str(fault)


def test_agency_is_pushed_from_when_a_client_may_write_for_it_and_as_long_as_something_of_it_is_counted(
    software, store, run, rows
):
    """A closing lists each agency for which a client may push, or of which the closing counts pushed results."""
    day, morning = today()
    earlier = day.previous.previous.previous
    assert software.dossiers(dossier("H-1"))["error_code"] == "00"
    assert software.steps(step("H-1", 9))["error_code"] == "00"
    run()
    before, now = (close_period(period, "tests", morning).closing.closing_no for period in (earlier, day))
    assert in_ledger(pushed_of_closing, before) == ()
    assert [each.agency_code for each in in_ledger(pushed_of_closing, now)] == sorted([NHA_TRANG, TU_PHAP])
    # A longer period copies the pushed agencies from the closings of its days, not from today's clients.
    in_ledger(keep_pushed_of_closing, before, Period.month_of(day.first), (), (now,))
    assert len(in_ledger(pushed_of_closing, before)) == 2
    rows("ALTER TABLE intake.client_changes DISABLE TRIGGER ALL")
    rows("UPDATE intake.client_changes SET changed_at = %s, agencies = %s", day.start - timedelta(days=9), [TU_PHAP])
    software.dossiers(dossier("H-2"))
    software.steps(step("H-2", 9))
    run()
    corrected = close_period(day, "tests", morning + timedelta(hours=1)).closing
    assert corrected.corrects == now
    assert [each.agency_code for each in in_ledger(pushed_of_closing, corrected.closing_no)] == sorted(
        [NHA_TRANG, TU_PHAP]
    ), "an agency with a counted result stays listed, although no client may push for it any more"


def test_agencies_of_exported_files_are_named_though_nothing_of_them_is_counted(ledger, agencies, configure):
    """A closing lists the agencies of a file source, although the source's account is always disabled."""
    configure(MOTCUA_SOURCES=f"{SOURCE}=files")
    day, morning = today()
    opened = day.start - timedelta(days=9)
    in_ledger(open_account, SOURCE, [TU_PHAP], "hoa", opened)
    in_ledger(set_form, SOURCE, {}, "hoa", opened)
    closing = close_period(day, "tests", morning).closing
    assert [each.agency_code for each in in_ledger(pushed_of_closing, closing.closing_no)] == [TU_PHAP]
