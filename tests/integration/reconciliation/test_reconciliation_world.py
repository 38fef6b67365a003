"""Closings of a small world, held against an oracle that sees every event; ``make prove ONLY=reconciliation`` at scale.

And the oracle itself, held against days that a person can count.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from tests.ground import Server
from tests.prove.oversight.reconciliation import simulate
from tests.prove.worlds.reconciliation import EIGHT_DAYS
from tests.prove.worlds.reconciliation_oracle import Dossier, Office, Oracle, Row, Step, at

PLANTED = {
    *("cut_off", "quarantined", "other_period", "other_procedure", "source_changed", "time_cleaned", "scope_changed"),
    *("evening_missed", "missing", "unplanned", "without_message", "without_event"),
}


def test_closings_of_eight_days_tell_what_the_oracle_counted(postgres: Server, ledger: str) -> None:
    verdict = simulate(3, EIGHT_DAYS, postgres.admin_dsn, ledger, per_day=2)
    assert not verdict.wrong, verdict.examples
    assert set(verdict.planted) >= PLANTED
    assert verdict.compared["closings that can be recomputed"] > 15
    assert {"2024-12", "2024-Q4", "2024"} <= set(verdict.closings), "a month, a quarter and a year end within them"
    assert verdict.corrections > 5
    assert verdict.reruns > 5


MONDAY = date(2024, 3, 4)
AGENCY = "000.00.01.H32"


class Miniature:
    """One agency, one procedure, and an oracle that is told by hand."""

    def __init__(self, **office: object) -> None:
        office = {"enabled_from": at(MONDAY, 0, 0)} | office
        self.oracle = Oracle([Office(AGENCY, "one", **office)], at(MONDAY, 0, 0))  # type: ignore[arg-type]
        self.number = 1

    def dossier(self, received: datetime, due: datetime | None, phone: str | None = "0905310001") -> Dossier:
        dossier = Dossier("one", AGENCY, f"1603{self.number:04}")
        self.oracle.add(dossier)
        self.oracle.write_row(dossier, Row("1.1", received, due, phone, "online", 2, False, received))
        return dossier

    def move(self, dossier: Dossier, moment: datetime, status: int, *, desk: bool = False, **dates: datetime) -> None:
        self.number += 1
        row = dossier.row
        assert row is not None
        self.oracle.write_step(dossier, Step(self.number, status, desk, moment, moment))
        values = {"finished_at": row.finished_at, "returned_at": row.returned_at} | dates
        self.oracle.write_row(
            dossier,
            Row(row.procedure, row.received_at, row.due_at, row.phone, row.via, status, desk, moment, **values),
        )

    def run(self, moment: datetime, answer: str = "202") -> None:
        self.oracle.read("one", moment)
        self.oracle.plan(moment)
        for message in self.oracle.send(moment, lambda phone: answer):
            message.segments = 1

    def day(self, day: date) -> tuple[Counter[str], Counter[str]]:
        """Figures about messages of kind result, and about dossiers."""
        count = self.oracle.count(at(day, 0, 0), at(day + timedelta(days=1), 0, 0))
        of_messages = count.messages.get((AGENCY, "1.1", "result"), Counter())
        return +of_messages, +count.dossiers.get((AGENCY, "1.1"), Counter())


def test_oracle_agrees_with_a_day_counted_by_hand() -> None:
    world = Miniature()
    early = world.dossier(at(MONDAY, 8, 0), at(MONDAY + timedelta(days=2)))
    late = world.dossier(at(MONDAY, 8, 5), at(MONDAY, 16, 30), phone=None)
    world.dossier(at(MONDAY, 9, 0), None)
    world.move(early, at(MONDAY, 10, 0), 9, desk=True, finished_at=at(MONDAY, 10, 0))
    world.run(at(MONDAY, 11, 0))
    world.oracle.receipt(early.messages[0], 1, at(MONDAY, 11, 0, 20))
    tuesday = MONDAY + timedelta(days=1)
    world.move(late, at(tuesday, 9, 0), 9, desk=True, finished_at=at(tuesday, 9, 0))
    world.run(at(tuesday, 11, 0))
    messages, dossiers = world.day(MONDAY)
    assert messages == Counter(at_source=1, delivered=1, segments=1)
    assert dossiers == Counter(
        received=3, received_online=3, resolved_early=1, open_in_time=1, open_late=1, due=1
    )  # the one without a day is in time, the one of today is late: it was resolved tomorrow
    messages, dossiers = world.day(tuesday)
    assert messages == Counter(at_source=1, suppressed=1)
    assert dossiers == Counter(carried_over=2, resolved_late=1, open_in_time=1)
    assert world.oracle.count(at(MONDAY, 0, 0), at(tuesday, 0, 0)).timings[AGENCY, "1.1", "result"] == (1, 3620, 3620)


def test_oracle_names_what_has_no_counterpart() -> None:
    world = Miniature()
    dossier = world.dossier(at(MONDAY, 8, 0), None)
    world.run(at(MONDAY, 9, 0))
    world.move(dossier, at(MONDAY, 10, 0), 9, desk=True)
    count = world.oracle.count(at(MONDAY, 0, 0), at(MONDAY + timedelta(days=1), 0, 0))
    assert [(each.side, set(each.reasons)) for each in count.differences] == [("source", {"cut_off"})]
    assert count.unexplained == 0
    world.oracle.read("one", at(MONDAY, 11, 0))
    count = world.oracle.count(at(MONDAY, 0, 0), at(MONDAY + timedelta(days=1), 0, 0))
    assert [set(each.reasons) for each in count.differences] == [{"unplanned"}]
    assert (count.unexplained, count.unbalanced) == (1, {(AGENCY, "1.1", "result"): 1})
    world.oracle.plan(at(MONDAY, 11, 5))
    world.oracle.rewrite_step(dossier, dossier.steps[0], 4, False)
    count = world.oracle.count(at(MONDAY, 0, 0), at(MONDAY + timedelta(days=1), 0, 0))
    assert [(each.side, set(each.reasons)) for each in count.differences] == [("ledger", {"source_changed"})]


def test_oracle_counts_what_happened_before_the_agency_joined_apart() -> None:
    world = Miniature(enabled_from=at(MONDAY, 12, 0))
    for hour in (10, 14):
        dossier = world.dossier(at(MONDAY, 8, hour), None)
        world.move(dossier, at(MONDAY, hour, 0), 9, desk=True)
    world.run(at(MONDAY, 15, 0))
    messages, _ = world.day(MONDAY)
    assert messages == Counter(at_source=2, out_of_scope=1, accepted=1, segments=1)
