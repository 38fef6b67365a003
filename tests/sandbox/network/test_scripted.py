"""Test the scripted gateway: it gives the answers that a test sets, and its record of requests is complete."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from motcua.sandbox.network.scripted import Asked, ScriptedGateway


@pytest.fixture
def gateway() -> Iterator[ScriptedGateway]:
    gateway = ScriptedGateway()
    yield gateway
    gateway.close()


def status(gateway: ScriptedGateway, number: str = "") -> int:
    return requests.get(f"{gateway.url}/cgi-bin/sendsms", {"to": number} if number else {}, timeout=5).status_code


def asked_at(moment: float) -> Asked:
    return Asked("GET", "/send?to=1", {}, b"", moment)


def test_a_numbers_own_answers_come_before_the_script_and_the_script_before_all_else(gateway):
    """The gateway answers with the number's own answers first, then with the script, then with the default."""
    gateway.by_number["1"], gateway.script, gateway.answer = [(400, "")], [(503, "")], (403, "")
    assert [status(gateway, number) for number in "2123"] == [503, 400, 403, 403]
    gateway.answer_to = lambda asked: (404, "") if asked["to"] == "3" else (202, "")
    assert [status(gateway, number) for number in "23"] == [202, 404]


def test_check_of_an_account_uses_up_no_answer_of_the_script(gateway):
    """A check of the account must use answers of its own, not an answer that is meant for a message."""
    gateway.script, gateway.login = [(503, "")], (403, "")
    assert [status(gateway), status(gateway, "1")] == [403, 503]
    assert (len(gateway.logins), len(gateway.asked)) == (1, 1)


def test_a_gateway_that_goes_away_also_closes_open_connections(gateway):
    with socket.create_connection(("127.0.0.1", gateway.port), 5) as kept:
        kept.sendall(b"GET /send?to=1 HTTP/1.1\r\n\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 202 ")
        gateway.close()
        assert kept.recv(65536) == b""
    with pytest.raises(requests.ConnectionError):
        status(gateway, "1")


def test_most_in_a_second_is_of_any_second_and_most_at_once_counts_unanswered_requests(gateway):
    """The busiest second may begin at any moment. Requests without an answer yet count as simultaneous."""
    gateway.asked = [asked_at(moment) for moment in (0.0, 0.5, 0.9, 1.2, 1.4, 3.0)]
    gateway.most_in_flight = 3
    assert gateway.seen() == {"requests": 6, "most_at_once": 3, "most_in_a_second": 4}


def test_figures_are_of_the_time_since_the_last_reading_and_include_open_requests(gateway):
    """Each reading of the figures begins a new count. The count includes requests that are still open."""
    gateway.asked, gateway.in_flight, gateway.most_in_flight = [asked_at(0.0)], 1, 2
    gateway.seen()
    assert gateway.seen() == {"requests": 0, "most_at_once": 1, "most_in_a_second": 0}
