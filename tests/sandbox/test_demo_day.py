"""Test the demo: its summary is right, its daily fault comes and ends by itself, and its first day is a working day."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import yaml
from rich.console import Console

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.numbering_plan import carrier_of
from motcua.jobs.calendars import prepare_calendars
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.sandbox.daily_fault import BEGINS_AFTER, CARRIER, LASTS, DailyFault
from motcua.sandbox.demo import busiest_agency, let_user_see, work_today, write_agencies
from motcua.sandbox.machine.deployment import AGENCY_USER, Deployment
from motcua.sandbox.summary import LATENCY_OVER, Summary, read_summary, render
from motcua.sandbox.world.people import _PREFIXES
from motcua.settings import include_dir
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import Connection, connect
from motcua.store.ledger.queries import statement
from motcua.store.notices.gateways import GatewayStop, gateway_stops, stop_gateway
from motcua.store.oversight.accounting import Latency
from motcua.store.people import agencies_of_user, give_agency, take_agency
from tests.ground import NHA_TRANG, NOW, TU_PHAP, in_ledger

LATER = NOW + timedelta(minutes=1)


def test_the_summary_counts_what_was_planned(one_stop):
    one_stop.dossier("A-1")
    one_stop.move(9, "A-1")
    one_stop.dossier("A-2", applicant_phone="")
    one_stop.move(5, "A-2")
    one_stop.dossier("A-3")
    one_stop.move(4, "A-3", desk=False)
    one_stop.move(9, "A-4", agency_code="000.00.99.H32")
    pick_up("khanhhoa", now=LATER)
    plan(now=LATER)

    summary = in_ledger(read_summary, LATER)
    assert (summary.count(kind="result", state="queued"), summary.count(kind="supplement", reason="missing")) == (1, 1)
    assert (summary.transitions["picked_up"], summary.transitions["no_message"]) == (3, 1)
    assert (summary.quarantined, summary.difference) == (1, 0)
    assert summary.agencies[NHA_TRANG] == "UBND TP Nha Trang"
    assert "2 expected = 1 suppressed + 1 queued; difference 0" in printed(summary)


def test_latency_leaves_out_messages_from_before_the_senders_began(ledger, monkeypatch):
    """The latency must leave out messages that were recorded before the senders began and had to wait for them."""
    asked: list[datetime] = []
    monkeypatch.setattr("motcua.sandbox.summary.latency", lambda _, since: asked.append(since) or Latency())
    in_ledger(read_summary, LATER, NOW)
    in_ledger(read_summary, LATER)
    assert asked == [NOW, LATER - LATENCY_OVER]


def test_an_empty_ledger_is_shown_too(ledger):
    assert "0 expected" in printed(in_ledger(read_summary, NOW))


def printed(summary: Summary) -> str:
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(render(summary))
    return console.export_text()


def test_the_smoke_test_reads_attempts_and_numbers(one_stop, rows):
    """The SQL statements of the smoke test must find each attempt, and the phone numbers of dossiers and attempts."""
    one_stop.dossier("A-1")
    one_stop.move(9, "A-1")
    pick_up("khanhhoa", now=LATER)
    plan(now=LATER)
    rows("INSERT INTO motcua.gateways (name) VALUES ('kannel')")
    rows(
        "INSERT INTO motcua.attempts (message_id, gateway, reference, sender_id, run_id, msisdn, started_at)"
        " SELECT message_id, 'kannel', 'ref-1', 1, 'run', '+84912000111', %s FROM motcua.messages",
        LATER,
    )
    with connect() as connection:
        (attempt,) = connection.execute(statement("sandbox/ledger/attempts")).fetchall()
        numbers = {row["msisdn"] for row in connection.execute(statement("sandbox/ledger/numbers"))}
    assert (attempt["reference"], attempt["kind"], attempt["message_state"]) == ("ref-1", "result", "queued")
    assert numbers == {"+84905123456", "+84912000111"}


# --- The demo's daily fault: it comes once a day and ends by itself --------------------------------------------------

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


class Ledger:
    """The part of a deployment that the daily fault needs: connections to the ledger."""

    @contextmanager
    def ledger(self) -> Iterator[Connection]:
        with connect() as connection:
            yield connection


@pytest.fixture
def fault(ledger: str) -> DailyFault:
    return DailyFault(cast("Deployment", Ledger()), START)


def stops() -> list[GatewayStop]:
    return in_ledger(gateway_stops)


def test_fault_comes_once_a_day_and_goes_by_itself(fault):
    assert fault.look(START + BEGINS_AFTER - timedelta(seconds=1)) is None
    assert stops() == []
    begun = START + BEGINS_AFTER
    assert "no messages to Wintel for 5 minutes" in (fault.look(begun) or "")
    assert [(each.concerns, each.subject, each.by_hand) for each in stops()] == [("carrier", CARRIER, True)]
    assert fault.look(begun + LASTS - timedelta(seconds=1)) is None
    assert "is over" in (fault.look(begun + LASTS) or "")
    assert stops() == []
    assert fault.look(begun + timedelta(hours=23, minutes=59)) is None
    assert fault.look(begun + timedelta(days=1)) is not None


def test_fault_stops_its_carrier_at_the_first_gateway_in_use_that_serves_it(fault, configure, rows):
    """The daily fault stops its carrier at a gateway that serves this carrier; otherwise it stops nothing."""
    rows("INSERT INTO motcua.gateways (name, opened_at) VALUES ('thuc', now())")
    for day, (gateways, carriers, at) in enumerate(
        (
            ("thuc", None, ["thuc"]),
            ("thuc,kannel", None, ["thuc"]),
            ("thuc,kannel", ["Viettel"], ["kannel"]),
            ("thuc", ["Viettel"], []),
        )
    ):
        configure(MOTCUA_GATEWAYS=gateways)
        rows("UPDATE motcua.gateways SET carriers = %s WHERE name = 'thuc'", carriers)
        begins = START + timedelta(days=day) + BEGINS_AFTER
        fault.look(begins)
        assert [each.gateway for each in stops()] == at
        fault.look(begins + LASTS)
        assert stops() == []


def test_fault_that_a_killed_demo_left_ends_with_the_next_start_and_other_stops_stay(fault):
    fault.look(START + BEGINS_AFTER)
    with connect() as connection:
        for concerns, subject in (("carrier", "Viettel"), ("gateway", "")):
            stop = GatewayStop(
                "kannel", cast("Any", concerns), subject, START, START + timedelta(hours=9), "test", True
            )
            stop_gateway(connection, stop, changed_by="somebody")
    later = START + timedelta(hours=2)
    DailyFault(cast("Deployment", Ledger()), later)
    assert sorted(each.subject for each in stops()) == ["", "Viettel"]


def test_no_invented_phone_has_the_carrier_that_the_daily_fault_stops():
    """The daily fault must delay no message of the demo, so its carrier must serve no invented phone."""
    assert _PREFIXES
    assert CARRIER not in {carrier_of(prefix + "0" * (10 - len(prefix))) for prefix in _PREFIXES}


# --- The start of the demo: its day is a working day, and a user sees one agency -------------------------------------


def test_day_on_which_the_demo_starts_becomes_a_working_day(agencies, tmp_path):
    for now, was_off in (
        (datetime(2026, 11, 25, 3, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 3, tzinfo=UTC), True),  # a public holiday
        (datetime(2026, 11, 27, 18, tzinfo=UTC), True),  # one o'clock on a Saturday in Vietnam
        (datetime(2027, 2, 8, 3, tzinfo=UTC), True),  # Tết
    ):
        prepare_calendars(now, "tests", (now.year,))
        assert work_today(tmp_path, now) is was_off
        assert work_today(tmp_path, now) is False, "a second start must have nothing left to do"
        day = now.astimezone(VIETNAM).date()
        calendars = in_ledger(load_calendars, [NHA_TRANG, TU_PHAP], day, day)
        assert all(calendar.is_working_day(day) for calendar in calendars.values())


def test_agency_user_of_the_demo_sees_one_agency_and_whatever_was_decided_since_is_kept(agencies):
    now = datetime(2026, 11, 25, 3, tzinfo=UTC)
    assert let_user_see(AGENCY_USER, NHA_TRANG, now)
    with connect() as connection:
        assert agencies_of_user(connection, AGENCY_USER) == {NHA_TRANG}
        take_agency(connection, AGENCY_USER, NHA_TRANG, "lan", now)
        give_agency(connection, AGENCY_USER, TU_PHAP, "lan", now)
    assert not let_user_see(AGENCY_USER, NHA_TRANG, now)
    with connect() as connection:
        assert agencies_of_user(connection, AGENCY_USER) == {TU_PHAP}


def test_agency_that_the_user_is_given_has_much_to_show(tmp_path):
    """The demo's user sees the agency with the most dossiers, which joined when the demo's invented past began."""
    world = yaml.safe_load((include_dir() / "sandbox" / "agencies.yaml").read_text(encoding="utf-8"))["agencies"]
    lives = {each["code"]: each for each in world}
    given = busiest_agency(write_agencies(tmp_path))
    assert lives[given]["weight"] == max(each["weight"] for each in world)
    assert "past" in lives[given]
