"""Test the HTTP request that all adapters share: what reaches a provider, and what is refused before it is sent."""

from __future__ import annotations

import time

import pytest

from motcua.gateways.adapter import GatewayAnswer
from motcua.gateways.exchange import HttpAnswer, exchange
from motcua.sandbox.network.scripted import http

TIMEOUT = (2.0, 0.5)


def test_query_headers_and_either_body_arrive_as_they_were_given(provider, session):
    """A request must arrive with its own query, headers and body, and with nothing from an earlier request."""
    provider.answer = http(200, "taken")
    url, headers, words = f"{provider.url}/there", {"access_token": "word"}, {"to": "a b", "text": "ở & +"}
    answers = [
        exchange(session, "GET", url, TIMEOUT, query=words),
        exchange(session, "POST", url, TIMEOUT, headers=headers, record=words),
        exchange(session, "POST", url, TIMEOUT, query={"n": 1}, form=words),
        exchange(session, "POST", url, TIMEOUT),
    ]
    assert answers == [HttpAnswer(200, "taken", None)] * 4
    in_query, in_json, in_form, without = provider.asked
    assert in_query.query == words
    assert (in_json.record, in_json.headers["access_token"]) == (words, "word")
    assert in_json.headers["content-type"] == "application/json"
    assert in_form.body == b"to=a+b&text=%E1%BB%9F+%26+%2B"
    assert (in_form.query, in_form.headers["content-type"]) == ({"n": "1"}, "application/x-www-form-urlencoded")
    assert "access_token" not in in_form.headers, "a header of one request must not be sent with the next"
    assert (without.body, without.headers["content-length"]) == (b"", "0")


@pytest.mark.parametrize("token", ["a\r\nX-More: 1", " a", "ở"])
def test_invalid_header_is_a_configuration_error_before_anything_is_sent(token, provider, session):
    answer = exchange(session, "POST", f"{provider.url}/there", TIMEOUT, headers={"access_token": token}, record={})
    assert isinstance(answer, GatewayAnswer)
    assert answer.outcome == "configuration"
    assert provider.asked == []


@pytest.mark.parametrize("status", [102, 103])
def test_answer_that_comes_after_an_interim_one_is_never_taken_for_the_next_messages(
    status, provider, session, monkeypatch
):
    """After an interim answer (102 or 103), the final answer must not be read as the answer about the next message."""
    send_answer = provider._send_answer

    def send_in_two_parts(connection, answer):
        connection.sendall(f"HTTP/1.1 {status} Wait\r\n\r\n".encode())
        time.sleep(0.2)
        return send_answer(connection, answer)

    monkeypatch.setattr(provider, "_send_answer", send_in_two_parts)
    provider.answer_to = lambda asked: http(200, f"about {asked['to']}")
    for number in ("first", "second"):
        answer = exchange(session, "GET", f"{provider.url}/there", TIMEOUT, query={"to": number})
        assert answer == GatewayAnswer("unknown", status, "no final answer")
    monkeypatch.undo()
    answer = exchange(session, "GET", f"{provider.url}/there", TIMEOUT, query={"to": "third"})
    assert answer == HttpAnswer(200, "about third", None)
