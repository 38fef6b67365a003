"""A citizen asks for the erasure: what has ended goes at once, what has not as soon as it has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from motcua.jobs.personal_data import purge
from tests.ground import NHA_TRANG, type_command
from tests.integration.personal_data.conftest import NOW

PAPER = "Đơn số 7/2026"


def erase(code, because=PAPER):
    return type_command("personal-data", "erase", NHA_TRANG, code, "--yes", "--because", because, exits=None)


@pytest.mark.guarantee(
    "personal-data", "at a citizen's request a dossier that has ended goes at once, an open one as soon as it has ended"
)
def test_ended_dossier_goes_at_once_and_an_open_one_when_it_has_ended(past, rows):
    ten_days_ago = NOW - timedelta(days=10)
    past.told_and_ended("D-ended", at=ten_days_ago)
    past.result("D-waits", ten_days_ago)
    past.run(ten_days_ago)
    past.receipts()
    assert erase("D-ended").exit_code == 0
    purged = "SELECT dossier_code FROM motcua.dossiers WHERE purged_at IS NOT NULL ORDER BY 1"
    assert rows(purged) == [{"dossier_code": "D-ended"}]
    answer = erase("D-waits")
    assert answer.exit_code == 1
    purge("tests")
    assert rows(purged) == [{"dossier_code": "D-ended"}]
    past.hand_over("D-waits", NOW - timedelta(days=5))
    purge("tests")
    assert [row["dossier_code"] for row in rows(purged)] == ["D-ended", "D-waits"]
    assert past.values() == []
    asked = rows("SELECT DISTINCT cause, reason FROM motcua.personal_data_purges WHERE cause = 'request'")
    assert asked == [{"cause": "request", "reason": PAPER}]


def test_what_is_not_there_and_a_reason_with_a_number_are_refused(past):
    past.told_and_ended("D-1")
    assert erase("D-2").exit_code == 2
    assert erase("D-1", because="gọi 0905123456").exit_code == 2
    assert past.values() != []
