"""Test the watch's checks of pushes: which clients push, and which supplements led to no message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from motcua.domain.clock import VIETNAM
from motcua.domain.watching.pushing import judge_refused
from motcua.jobs.watching.checks import CHECKS, Looking, rules_of
from motcua.jobs.watching.keeping import WatchState
from motcua.settings import settings
from motcua.store.intake.clients import change_client
from motcua.store.intake.watching import supplements_untold, watched_clients
from motcua.store.ledger.database import connect
from motcua.store.notices.sources import map_status
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger
from tests.integration.intake.conftest import SOURCE, dossier, register, step


def test_watch_knows_days_and_hours_of_calls_and_ignores_a_disabled_client(software, rows):
    rows("UPDATE motcua.agencies SET enabled_from = NULL WHERE agency_code = %s", TU_PHAP)
    began = datetime.now(UTC)
    software.dossiers(dossier("H-1"), *[dossier("") for _ in range(3)])
    register("other", NHA_TRANG)
    hue, other = (each for name in (SOURCE, "other") for each in watched() if each.name == name)
    assert hue.agencies == (NHA_TRANG,)
    assert hue.last_call_at is not None
    assert hue.last_call_at >= began
    assert hue.days == {hue.last_call_at.astimezone(VIETNAM).date()}
    assert hue.hours == {hue.last_call_at.replace(minute=0, second=0, microsecond=0)}
    assert [(each.records, each.refused) for each in hue.recent] == [(4, 3)]
    assert [each.key for each in judge_refused([hue], settings().watch_push_refused)] == [f"push_refused/{SOURCE}"]
    assert (other.last_call_at, other.days, other.hours, other.recent) == (None, frozenset(), frozenset(), ())
    in_ledger(change_client, SOURCE, "disabled", by="tests", now=datetime.now(UTC), enabled=False)
    assert [each.name for each in watched()] == ["other"]


def watched():
    return in_ledger(watched_clients, datetime.now(UTC))


def test_old_hours_are_forgotten_as_new_ones_come(software, rows):
    """Hours of calls are removed after 60 days, so that the table stays small."""
    rows(
        "INSERT INTO intake.client_hours SELECT client_id, date_trunc('hour', now()) - make_interval(days => d)"
        " FROM intake.clients, unnest(ARRAY[1, 59, 61, 400]) AS d"
    )
    software.dossiers(dossier("H-1"))
    ((kept,),) = (tuple(row.values()) for row in rows("SELECT count(*) FROM intake.client_hours"))
    assert kept == 3


def untold():
    now = datetime.now(UTC)
    found = in_ledger(supplements_untold, now - timedelta(days=1), now + timedelta(minutes=1))
    return {each.agency_code: each.dossiers for each in found}


def test_supplement_that_nothing_says_to_be_at_the_desk_is_counted_by_agency_and_one_that_was_told_is_not(
    software, run, messages, rows
):
    """The watch counts, for each agency, the supplements that led to no message.

    Such supplements show a fault that the vendor must correct: the pushes do not state whether a supplement is at the
    one-stop desk.
    """
    software.dossiers(dossier("H-1"), dossier("H-2"), dossier("H-4"))
    software.dossiers(dossier("H-3", 5), unit=TU_PHAP)
    software.steps(step("H-1", 5), step("H-2", 5, PhongBanXuLy="MOT_CUA"), step("H-4", 5), step("H-4", 4))
    run()
    assert messages() == [("supplement", "H-2", "queued")]
    assert untold() == {NHA_TRANG: 2, TU_PHAP: 1}
    # If a later push states that the supplement is at the one-stop desk, a message is planned, and the supplement
    # no longer counts.
    software.steps(step("H-1", 5, datetime.now(UTC) + timedelta(seconds=1), PhongBanXuLy="MOT_CUA"))
    run()
    assert ("supplement", "H-1", "queued") in messages()
    assert untold() == {NHA_TRANG: 1, TU_PHAP: 1}
    # Staff map the software's own status 15 to "supplement". H-2 must then count. H-1 counts again too, because its
    # message is moved out of the days that the watch looks at.
    software.steps(step("H-2", 15))
    assert in_ledger(map_status, SOURCE, 15, 5, "lan")
    rows("UPDATE motcua.messages SET planned_at = planned_at - interval '2 days'")
    assert untold()[NHA_TRANG] == 3


def test_check_tells_of_a_client_that_stopped_and_says_nothing_where_nothing_may_push(ledger, agencies, rows):
    """The watch reports a client that stopped pushing. Without any registered client the check is off."""
    (check,) = (each for each in CHECKS if each.name == "pushes")
    now = datetime(2026, 11, 25, 15, 0, tzinfo=VIETNAM)
    state = WatchState(began_at=now)
    with connect() as connection:
        looking = Looking(now, rules_of(settings()), settings(), state, None, connection)
        assert check.look(looking).is_off
        register(SOURCE, NHA_TRANG)
        rows(
            "INSERT INTO intake.client_days SELECT client_id, d::date, 'DongBoHoSoMC', 1, 50, 0, 0, d"
            " FROM intake.clients, unnest(%s::timestamptz[]) AS d",
            [now - timedelta(days=back, hours=5) for back in range(10)],
        )
        rows(
            "INSERT INTO intake.client_hours SELECT client_id, date_trunc('hour', d) + h FROM intake.clients,"
            " unnest(%s::timestamptz[]) AS d, unnest(ARRAY[interval '0', interval '3 hours']) AS h"
            " WHERE h = '0' OR d < %s",
            [now - timedelta(days=back, hours=5) for back in range(10)],
            now - timedelta(hours=6),
        )
        connection.commit()
        seen = check.look(looking)
    assert [each.key for each in seen.findings] == [f"push_silent/{SOURCE}"]
    assert seen.facts == {"clients": 1, "silent": 1, "refused": 0}
