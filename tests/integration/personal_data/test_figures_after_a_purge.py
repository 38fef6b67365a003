"""Test that closings, publications and seals stay valid after a purge, and that a recount gives the same figures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.jobs.personal_data import purge
from motcua.jobs.publications.publishing import publish
from motcua.jobs.publications.verifying import verify_all
from motcua.jobs.quality.checking import check_quality, verify_seals
from motcua.jobs.reconciliation.closing import close_period
from motcua.store.ledger.database import connect
from motcua.store.oversight.accounting import identity
from motcua.store.oversight.closings import load_figures
from tests.integration.personal_data.conftest import NOW
from tests.integration.quality.world import NOTHING_EXPECTED

AT = NOW - timedelta(days=40)
FIGURES = (
    "SELECT agency_code, dossiers, textable FROM motcua.quality_agencies WHERE run_no ="
    " (SELECT max(run_no) FROM motcua.quality_runs)"
)


@pytest.mark.guarantee(
    "personal-data",
    "closings, publications and sealed quality runs verify after a purge, and a recount gives the same figures",
)
def test_publications_seals_and_figures_verify_after_a_purge(past, rows, tmp_path, configure):
    configure(MOTCUA_PUBLICATIONS=f"file://{tmp_path / 'publications'}")
    # With this short term, the purge empties dossiers of months that a quality check still reads.
    rows("UPDATE motcua.agencies SET retention = '30 days'")
    past.told_and_ended("D-1", "D-2", at=AT)
    past.one_stop.dossier("D-3", updated_at=AT, status_code=9, received_at=AT, applicant_phone="02583822222")
    past.one_stop.move(9, "D-3", at=AT)
    past.run(AT)
    past.hand_over("D-3", AT + timedelta(hours=1))
    day = Period.parse(AT.astimezone(VIETNAM).date().isoformat())
    closed = close_period(day, "run", day.end).closing.closing_no
    publish(closed)
    check_quality("before", now=NOW, soundness=NOTHING_EXPECTED)
    shares = rows(FIGURES)
    assert [(row["dossiers"], row["textable"]) for row in shares] == [(3, 2)]
    assert purge("tests")[0].rows > 0
    assert past.values() == []
    assert [each.faults for each in verify_all()] == [[]]
    assert verify_seals() == (1, [])
    again = close_period(day, "again", NOW).closing.closing_no
    with connect() as ledger:
        assert load_figures(ledger, closed) == load_figures(ledger, again)
        assert all(row.difference == 0 for row in identity(ledger))
    check_quality("after", now=NOW, soundness=NOTHING_EXPECTED)
    assert verify_seals() == (2, [])
    assert rows(FIGURES) == shares
