"""The agencies' file: what is wrong in it is named, and what is imported is what it says."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from motcua.domain.occasions import VIETNAM
from motcua.jobs.configure_agencies import AgencyFileError, import_agencies, read_agencies
from motcua.settings import include_dir
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "needs a list under 'agencies:'"),
        ("- 1", "needs a list under 'agencies:'"),
        ("agencies:", "needs a list under 'agencies:'"),
        ("agencies: []", "needs a list under 'agencies:'"),
        ("agencies: [7]", "agency 1: entry"),
        ("agencies: [{code: A}]", "agency A: name: Field required"),
        ("agencies: [{code: A, name: '  '}]", "agency A: name: must not be blank"),
        ("agencies: [{code: 1.5, name: B}]", "agency 1.5: code: Input should be a valid string"),
        ("agencies: [{code: A, name: B, accented: perhaps}]", "agency A: accented: Input should be"),
        ("agencies: [{code: A, name: B, acented: true}]", "agency A: acented: Extra inputs are not permitted"),
        ("agencies: [{code: A, name: B, kinds_off: [reply]}]", "agency A: kinds_off.0"),
        ("agencies: [{code: A, name: B}, {code: C, name: D, aliases: [A]}]", "the code A stands for two agencies"),
        ("agencies: [", "while parsing"),
    ],
)
def test_malformed_file_is_refused_whole_and_the_fault_is_named(tmp_path, content, complaint):
    path = tmp_path / "agencies.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AgencyFileError) as error:
        read_agencies(path)
    assert str(path) in str(error.value)
    assert complaint in str(error.value)


def test_default_file_holds_the_thirteen_agencies_of_the_report():
    agencies = read_agencies(include_dir() / "agencies.yaml")
    assert len(agencies) == 13
    assert agencies[0].name == "Ủy ban nhân dân thành phố Nha Trang"
    assert all(agency.enabled_from is None for agency in agencies)


@pytest.mark.parametrize("written", ["2026-12-01", "2026-12-01 00:00:00", "2026-11-30T17:00:00Z"])
def test_enabled_from_is_the_clock_of_vietnam(tmp_path, written):
    path = tmp_path / "agencies.yaml"
    path.write_text(f"agencies: [{{code: A, name: B, enabled_from: {written}}}]", encoding="utf-8")
    assert read_agencies(path)[0].enabled_from == datetime(2026, 12, 1, tzinfo=VIETNAM)


def test_every_change_is_kept_with_who_made_it(ledger, rows, tmp_path):
    path = tmp_path / "agencies.yaml"
    for text in ("{code: A, name: B}", "{code: A, name: B}", "{code: A, name: B, result_hold: PT15M, aliases: [X]}"):
        path.write_text(f"agencies: [{text}]", encoding="utf-8")
        import_agencies(path, "lan", enabled_from=NOW)
    changes = rows("SELECT changed_by, before IS NULL AS is_new FROM motcua.agency_changes ORDER BY change_id")
    assert changes == [{"changed_by": "lan", "is_new": True}, {"changed_by": "lan", "is_new": False}]
    kept = rows("SELECT enabled_from, result_hold FROM motcua.agencies")[0]
    assert kept == {"enabled_from": NOW, "result_hold": timedelta(minutes=15)}
    assert rows("SELECT alias FROM motcua.agency_aliases") == [{"alias": "X"}]
