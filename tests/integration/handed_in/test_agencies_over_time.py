"""Test agencies that are renamed, merged or closed: a message has the name in force when the message is planned."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from motcua.domain.clock import VIETNAM
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.store.agencies import FormerName, in_force, save_agencies
from motcua.store.ledger.database import connect
from motcua.store.notices.dossiers import lock_dossiers_to_plan
from motcua.store.oversight.accounting import identity
from tests.ground import NHA_TRANG, TU_PHAP, agency, in_ledger

DAY = timedelta(days=1)
NOW = datetime.now(UTC)
TODAY = NOW.astimezone(VIETNAM).date()
YESTERDAY, TOMORROW = TODAY - DAY, TODAY + DAY


def save(*agencies):
    in_ledger(save_agencies, agencies, "tests", by_department=True)


def in_force_on(day):
    return {code: (each.in_charge, each.name_in_texts) for code, each in in_ledger(in_force, day).items()}


def run(now=NOW):
    pick_up("khanhhoa", now=now)
    return plan(now=now)


def tell(one_stop, code=NHA_TRANG, at=NOW):
    one_stop.both(
        9, agency_code=code, at=at, updated_at=at - timedelta(minutes=1), received_at=at - DAY, due_at=at + DAY
    )


def texts(rows):
    return [
        row["text"].partition("Mot cua ")[2].partition(" de nhan")[0]
        for row in rows("SELECT text FROM motcua.messages")
    ]


def test_each_name_is_in_force_to_the_end_of_its_last_day(ledger):
    save(
        agency(
            "A",
            name="Tên mới",
            short_name="Mới",
            former_names=(
                FormerName("Tên đầu", None, date(2025, 2, 28)),
                FormerName("Tên giữa", "Giữa", date(2026, 6, 30)),
            ),
        )
    )
    for day, name in [
        (date(2016, 9, 19), "Tên đầu"),
        (date(2025, 2, 28), "Tên đầu"),
        (date(2025, 3, 1), "Giữa"),
        (date(2026, 6, 30), "Giữa"),
        (date(2026, 7, 1), "Mới"),
    ]:
        assert in_force_on(day)["A"] == ("A", name), day


def test_successors_are_followed_to_whoever_is_there(ledger):
    """For each day, the agency that replaces a closed agency must be found, also after several mergers."""
    end, next_end = date(2025, 2, 28), date(2025, 6, 30)
    save(
        agency("A", name="A", valid_until=end, successor_code="B"),
        agency("B", name="B", valid_from=date(2025, 3, 1), valid_until=next_end, successor_code="C"),
        agency("C", name="C mới", former_names=(FormerName("C cũ", None, date(2026, 1, 31)),)),
        agency("X", name="X", valid_until=end),
    )
    for day, expected in [
        (end, {"A": ("A", "A"), "B": ("B", "B"), "C": ("C", "C cũ"), "X": ("X", "X")}),
        (next_end, {"A": ("B", "B"), "B": ("B", "B"), "C": ("C", "C cũ"), "X": (None, "X")}),
        (date(2025, 7, 1), {"A": ("C", "C cũ"), "B": ("C", "C cũ"), "C": ("C", "C cũ"), "X": (None, "X")}),
        (date(2026, 2, 1), {"A": ("C", "C mới"), "B": ("C", "C mới"), "C": ("C", "C mới"), "X": (None, "X")}),
    ]:
        assert in_force_on(day) == expected, day


def test_circle_of_successors_typed_by_hand_ends(ledger, rows):
    """Two closed agencies that name each other as successor must not make the search for an agency endless."""
    save(agency("A", name="A"), agency("B", name="B"))
    for code, other in (("A", "B"), ("B", "A")):
        rows(
            "UPDATE motcua.agencies SET valid_until = '2025-01-01', successor_code = %s WHERE agency_code = %s",
            other,
            code,
        )
    assert {code: in_charge for code, (in_charge, _) in in_force_on(TODAY).items()} == {"A": None, "B": None}


def test_name_is_that_of_the_moment_of_planning(one_stop, rows):
    """Planning uses the old name until its last day ends in Vietnam (17:00 UTC), and the new name from then on."""
    save(agency(NHA_TRANG, name="Mới", former_names=(FormerName("Cũ", None, date(2026, 11, 30)),)))
    tell(one_stop)
    pick_up("khanhhoa", now=NOW)
    dossier_ids = [row["dossier_id"] for row in rows("SELECT dossier_id FROM motcua.dossiers")]
    for now, name in [
        (datetime(2026, 11, 30, 16, 59, tzinfo=UTC), "Cũ"),
        (datetime(2026, 11, 30, 17, 0, tzinfo=UTC), "Mới"),
    ]:
        with connect() as connection:
            (dossier,) = lock_dossiers_to_plan(connection, dossier_ids, now)
            assert dossier.agency_name == name


def test_dossier_of_a_merged_agency_keeps_its_accounts_and_settings_and_names_the_successor(one_stop, rows):
    """A merged agency's dossiers keep the settings and figures of this agency; their messages name the successor.

    In this test the successor has other settings: it is not enabled, sends accented texts, and excludes dossiers that
    are due on the day of receipt.
    """
    save(
        agency(NHA_TRANG, valid_until=YESTERDAY, successor_code=TU_PHAP),
        agency(TU_PHAP, name="Sở Tư pháp", accented=True, same_day_excluded=True, enabled_from=None),
    )
    one_stop.both(9, at=NOW, updated_at=NOW - timedelta(minutes=1), received_at=NOW, due_at=NOW)
    run()
    assert rows("SELECT agency_code, state FROM motcua.messages") == [{"agency_code": NHA_TRANG, "state": "queued"}]
    assert texts(rows) == ["So Tu phap"]
    assert [row.difference for row in in_ledger(identity, EVERYTHING)] == [0]


def test_closed_agency_tells_nothing_until_somebody_is_in_charge(one_stop, rows):
    """A closed agency without a successor sends no message. With a successor, its messages name the successor."""
    save(agency(NHA_TRANG, valid_until=YESTERDAY))
    tell(one_stop)
    run()
    assert rows("SELECT outcome FROM motcua.transitions") == [{"outcome": "out_of_scope"}]
    assert texts(rows) == []
    save(agency(NHA_TRANG, valid_until=YESTERDAY, successor_code=TU_PHAP))
    run()
    assert texts(rows) == ["So Tu phap"]
    assert [row.difference for row in in_ledger(identity, EVERYTHING)] == [0]
