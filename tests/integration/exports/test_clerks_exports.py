"""Test the demo's agency that can only export files: each result that its simulated clerk exports gets a message."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import openpyxl
import pytest

from motcua.sandbox.vendor.clerk import EVERY, FIRST_AFTER, Clerk
from motcua.sandbox.vendor.joining import exporting, join_by_files
from motcua.sandbox.vendor.office import AT_FIRST
from motcua.store.agencies import list_agencies
from motcua.store.intake.clients import list_clients
from motcua.store.intake.exports import form_in_force, list_exports, set_form
from tests.ground import NHA_TRANG, in_ledger
from tests.integration.exports.conftest import SOURCE


@pytest.fixture
def begin(software, tmp_path):
    """Return a function that starts the simulated clerk, who exports to a folder and uses the clock of ``software``.

    ``begin.live`` lets a clerk work for some seconds of this clock. ``begin.said`` is the clerk's log.
    """
    said = []
    in_ledger(set_form, SOURCE, exporting().form.model_dump(mode="json"), "hoa", software.now)

    def start(folder=None):
        agency = exporting().agency.model_copy(update={"code": NHA_TRANG, "aliases": ("H32.30",)})
        given = (tmp_path, folder or software.folder, agency, exporting().form, said.append)
        clerk = Clerk(*given, random=Random(11), clock=lambda: software.now)
        clerk.memory.next_birth += timedelta(days=1)
        return clerk

    def live(clerk, seconds):
        for _ in range(round(seconds)):
            software.now += timedelta(seconds=1)
            clerk.tick()

    start.live, start.said = live, said
    return start


def test_first_export_tells_nobody_and_later_ones_tell_each_result_that_they_show(
    begin, software, run, states, messages
):
    clerk = begin()
    begin.live(clerk, FIRST_AFTER.total_seconds())
    assert run() == set()
    assert len(states()) == AT_FIRST
    assert messages() == []
    shown = set()
    for _ in range(9):
        begin.live(clerk, EVERY.total_seconds())
        book = openpyxl.load_workbook(max(software.folder.glob("*.xlsx")), read_only=True)
        headings, *lines = book["Hồ sơ"].iter_rows(values_only=True)
        code, status = headings.index("Mã hồ sơ"), headings.index("Trạng thái")
        shown |= {cells[code] for cells in lines if cells[status] == "Chờ trả kết quả"}
        # A restarted clerk must continue where the earlier clerk stopped.
        clerk = begin()
        assert run() == set()
    assert len(shown) > 1
    assert {code for kind, code, _ in messages() if kind == "result"} == shown
    files = in_ledger(list_exports, SOURCE)
    # Two exports of the same second without a change in between are identical. The second one has the state repeated.
    assert {each.state for each in files if not (each.refused or each.vanished)} <= {"taken", "repeated"}
    assert sum(each.state == "taken" for each in files) > 1
    assert [each.name for each in files if each.refused or each.vanished] == []
    assert begin.said == []


def test_export_that_cannot_be_written_is_told_and_the_next_one_is_whole(begin, software, tmp_path):
    away = tmp_path / "away"
    away.write_text("no folder", encoding="utf-8")
    clerk = begin(away / "files")
    begin.live(clerk, FIRST_AFTER.total_seconds())
    assert len(begin.said) == 1
    clerk = begin()
    begin.live(clerk, EVERY.total_seconds())
    assert software.read() == {"taken": 1}


def test_agency_that_exports_joins_once_and_only_where_its_files_are_read(ledger, configure, tmp_path, software):
    played, now = exporting(), software.now
    folder = tmp_path / "clerk"
    configure(MOTCUA_SOURCES="khanhhoa", MOTCUA_DATA=str(tmp_path), MOTCUA_FILES="")
    assert not join_by_files(folder, now), "the agency must not join where its source is not read"
    configure(MOTCUA_SOURCES=f"{played.source}=files", MOTCUA_FILES=f"file://{tmp_path / 'elsewhere'}")
    assert not join_by_files(folder, now), (
        "the agency must not join where files go to a folder that its clerk does not know"
    )
    configure(MOTCUA_SOURCES=f"{played.source}=files", MOTCUA_FILES="")
    for _ in range(2):
        assert join_by_files(folder, now)
    kept = in_ledger(form_in_force, played.source)
    assert kept is not None
    assert (kept.agencies, kept.set_by) == ([played.agency.code], "demo")
    (joined,) = (each for each in in_ledger(list_agencies) if each.agency_code == played.agency.code)
    assert joined.enabled_from == now
    (account,) = (each for each in in_ledger(list_clients, now.date()) if each.name == played.source)
    assert account.disabled_at is not None, "the account of a file source is never used to sign in"
