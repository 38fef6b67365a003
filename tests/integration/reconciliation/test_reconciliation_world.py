"""Run ``make prove ONLY=reconciliation`` on a small simulated province.

An oracle that saw each event judges the closings.
"""

from __future__ import annotations

from tests.ground import Server
from tests.prove.oversight.reconciliation import simulate
from tests.prove.worlds.reconciliation import EIGHT_DAYS

PLANTED = {
    *("cut_off", "quarantined", "other_period", "other_procedure", "source_changed", "time_cleaned", "scope_changed"),
    *("evening_missed", "missing", "unplanned", "without_message", "without_event"),
}


def test_closings_of_eight_days_tell_what_the_oracle_counted(postgres: Server, ledger: str) -> None:
    verdict = simulate(3, EIGHT_DAYS, postgres.admin_dsn, ledger, per_day=2)
    assert not verdict.wrong, verdict.examples
    assert set(verdict.planted) >= PLANTED
    assert verdict.compared["closings that can be recomputed"] > 15
    assert {"2024-12", "2024-Q4", "2024"} <= set(verdict.closings), (
        "the eight days must contain the end of a month, a quarter and a year"
    )
    assert verdict.corrections > 5
    assert verdict.reruns > 5
