"""Faults of the simulated phone network that name their numbers, and receipts as bad as carriers send them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from motcua.sandbox.network.behaviour import DELIVERED, SMSC_ACCEPTED, SMSC_REFUSED, UNDELIVERED, distort_receipts
from tests.ground import until
from tests.sandbox.network.test_phone_network import Application, Running

pytestmark = pytest.mark.alone

FIRST, SECOND = "0905123456", "0905123457"


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Running]:
    network = Running(tmp_path, max_messages=5)
    for number in (FIRST, SECOND):
        network.behave("delivered", number)
    yield network
    network.stop()


@pytest.fixture
def ask(application: Application) -> dict[str, str]:
    return {"dlr_mask": "31", "dlr_url": application.url + "/r?d=%d&id=%I"}


def test_a_fault_hits_the_next_request_to_each_number_that_it_names(network: Running) -> None:
    network.fault(error_503={"numbers": [FIRST, SECOND]})
    answers = [network.send(to=to).status_code for to in ("+84905123456", "84905999999", FIRST, SECOND, SECOND)]
    assert answers == [503, 202, 202, 503, 202]


@pytest.mark.parametrize(("fault", "status"), [("error_503", 503), ("error_429", 429)])
def test_a_busy_gateway_says_when_to_come_back(network: Running, fault: str, status: int) -> None:
    network.fault(**{fault: {"next": 1, "retry_after": 90}})
    answer = network.send()
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "90")
    assert "Retry-After" not in network.send().headers
    assert len(network.truth()) == 1


def test_a_500_may_come_after_the_message_was_accepted(network: Running) -> None:
    network.fault(accept_then_500={"next": 1})
    assert network.send().status_code == 500
    assert len(network.truth()) == 1


def test_a_client_that_dies_after_writing_its_request_has_sent_it(network: Running) -> None:
    network.fault(slow_seconds={"seconds": 0.2, "next": 1})
    with pytest.raises(requests.ReadTimeout):
        requests.get(
            f"{network.url}/cgi-bin/sendsms?username=motcua&password=b%C3%AD+m%E1%BA%ADt&from=M&to={FIRST}&text=x",
            timeout=0.05,
        )
    until(network.received)


@pytest.mark.parametrize(
    ("fault", "order"),
    [({}, [8, 1]), ({"receipts_reversed": {"next": 1}}, [1, 8]), ({"receipts_repeated": {"next": 1}}, [8, 8, 1, 1])],
)
def test_receipts_come_in_the_order_that_the_fault_says(
    network: Running, application: Application, ask: dict[str, str], fault: dict[str, Any], order: list[int]
) -> None:
    network.fault(**fault)
    network.send(**ask)
    until(lambda: len(application.asked) == len(order))
    assert application.types() == order


def test_late_receipts_come_late_though_the_phone_has_the_text(
    network: Running, application: Application, ask: dict[str, str]
) -> None:
    network.fault(receipts_late={"next": 1, "seconds": 0.4})
    network.send(**ask)
    until(network.received)
    assert not application.asked
    until(lambda: application.types() == [8, 1])


@pytest.mark.parametrize(
    ("behaviour", "types", "received"), [("delivered", [1, 1, 1, 8], 3), ("failed", [1, 1, 2, 8], 0)]
)
def test_a_carrier_may_report_each_part(
    network: Running,
    application: Application,
    ask: dict[str, str],
    behaviour: str,
    types: list[int],
    received: int,
) -> None:
    network.behave(behaviour)
    network.fault(receipts_by_part={"next": 1})
    network.send("dài " * 40, coding=2, charset="UTF-8", **ask)
    until(lambda: len(application.asked) == len(types))
    assert sorted(application.types()) == types
    (truth,) = network.truth()
    assert (truth["parts"], len(truth["received_parts"])) == (3, received)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(SMSC_ACCEPTED, 10.0), (UNDELIVERED, 12.0)]),
        ({"late": 5.0}, [(SMSC_ACCEPTED, 15.0), (UNDELIVERED, 17.0)]),
        ({"backwards": True}, [(SMSC_ACCEPTED, 12.0), (UNDELIVERED, 10.0)]),
        ({"parts": 2}, [(SMSC_ACCEPTED, 10.0), (DELIVERED, 12.0), (UNDELIVERED, 12.0)]),
    ],
)
def test_receipts_are_distorted_as_asked(options: dict[str, Any], expected: list[tuple[int, float]]) -> None:
    whole = {"parts": 1, "late": 0.0, "backwards": False} | options
    assert distort_receipts([(SMSC_ACCEPTED, 10.0), (UNDELIVERED, 12.0)], **whole) == expected
    assert distort_receipts([], **whole) == []
    assert len(distort_receipts([(SMSC_REFUSED, 10.0)], **whole)) == 1


def test_faults_that_name_numbers_are_safe_when_many_ask_at_once(network: Running) -> None:
    numbers = [f"0905{number:06d}" for number in range(40)]
    network.fault(error_503={"numbers": numbers})
    answers: list[int] = []

    def twice(number: str) -> Callable[[], None]:
        return lambda: answers.extend(network.send(to=number).status_code for _ in range(2))

    threads = [threading.Thread(target=twice(number)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(503) == answers.count(202) == len(numbers)
