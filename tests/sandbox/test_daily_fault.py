"""The demo's fault of the day: it comes once, goes by itself, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from motcua.domain.phones.numbering_plan import carrier_of
from motcua.sandbox.daily_fault import BEGINS_AFTER, CARRIER, LASTS, DailyFault
from motcua.sandbox.machine.deployment import Deployment
from motcua.sandbox.world.people import _PREFIXES
from motcua.store.ledger.database import Connection, connect
from motcua.store.notices.gateways import GatewayStop, gateway_stops, stop_gateway
from tests.ground import in_ledger

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)


class Ledger:
    """A deployment, as far as the fault needs one."""

    @contextmanager
    def ledger(self) -> Iterator[Connection]:
        with connect() as connection:
            yield connection


@pytest.fixture
def fault(ledger: str) -> DailyFault:
    return DailyFault(cast("Deployment", Ledger()), START)


def stops() -> list[GatewayStop]:
    return in_ledger(gateway_stops)


def test_fault_comes_once_a_day_and_goes_by_itself(fault: DailyFault):
    assert fault.look(START + BEGINS_AFTER - timedelta(seconds=1)) is None
    assert stops() == []
    begun = START + BEGINS_AFTER
    assert "nothing to Wintel for 5 minutes" in (fault.look(begun) or "")
    assert [(each.concerns, each.subject, each.by_hand) for each in stops()] == [("carrier", CARRIER, True)]
    assert fault.look(begun + LASTS - timedelta(seconds=1)) is None
    assert "is over" in (fault.look(begun + LASTS) or "")
    assert stops() == []
    assert fault.look(begun + timedelta(hours=23, minutes=59)) is None
    assert fault.look(begun + timedelta(days=1)) is not None


@pytest.mark.parametrize(
    ("gateways", "carriers", "at"),
    [
        ("thuc", {}, ["thuc"]),
        ("thuc,kannel", {}, ["thuc"]),
        ("thuc,kannel", {"thuc": ["Viettel"]}, ["kannel"]),
        ("thuc", {"thuc": ["Viettel"]}, []),
    ],
)
def test_carrier_is_stopped_at_the_gateway_in_use_that_its_messages_go_to(
    fault, configure, rows, gateways, carriers, at
):
    configure(MOTCUA_GATEWAYS=gateways)
    for name, some in carriers.items():
        rows("INSERT INTO motcua.gateways (name, opened_at, carriers) VALUES (%s, now(), %s)", name, some)
    fault.look(START + BEGINS_AFTER)
    assert [each.gateway for each in stops()] == at
    fault.look(START + BEGINS_AFTER + LASTS)
    assert stops() == []


def test_what_a_killed_demo_left_ends_with_the_next_start_and_other_stops_stay(fault: DailyFault):
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


def test_no_invented_phone_waits_because_of_it():
    assert _PREFIXES
    assert CARRIER not in {carrier_of(prefix + "0" * (10 - len(prefix))) for prefix in _PREFIXES}
