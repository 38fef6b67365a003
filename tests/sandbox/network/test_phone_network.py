"""Test the simulated phone network: it behaves like Kannel 1.4.5 and loses nothing when it is restarted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from motcua.gateways.adapter import GatewayAddress
from motcua.sandbox.network.application import create_app
from motcua.sandbox.network.behaviour import (
    DELIVERED,
    SMSC_ACCEPTED,
    SMSC_REFUSED,
    UNDELIVERED,
    Behaviour,
    Timing,
    default_behaviour,
    distort_receipts,
)
from motcua.sandbox.network.scripted import ScriptedGateway, http, in_json
from motcua.sandbox.network.submission import split_parts
from motcua.sandbox.past.phones import past_phones
from tests.gateways.real_kannel import IS_INSTALLED, FakeCarrier, Kannel
from tests.ground import Served, free_port, until

pytestmark = pytest.mark.alone

QUICK = Timing(
    delivery=(0.02, 0.05),
    submit_receipt=0.0,
    late=0.3,
    receipt_retry=0.05,
    receipt_retries=3,
    inquiry_retry=0.05,
    hang=0.4,
)
ACCOUNT = {"username": "motcua", "password": "bí mật"}
NUMBER = "0905123456"


class Application(ScriptedGateway):
    """The application that a dlr-url or get-url of Kannel calls. It records every call; the test sets its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = http(200)

    def types(self) -> list[int]:
        return [int(asked["d"]) for asked in self.asked]


class Running(Served):
    """A phone network under a real uvicorn on a free port."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(create_app(folder, **{**ACCOUNT, "timing": QUICK, **options}))

    def send(self, text: str = "Xin chao", **fields: Any) -> requests.Response:
        query = {**ACCOUNT, "from": "MotcuaSMS", "to": NUMBER, "text": text}
        query |= {name.replace("_", "-"): value for name, value in fields.items()}
        return requests.get(f"{self.url}/cgi-bin/sendsms", query, timeout=10)

    def call(self, method: str, path: str, **options: Any) -> Any:
        answer = requests.request(method, self.url + path, timeout=10, **options)
        answer.raise_for_status()
        return answer.json()

    def truth(self, after_id: int = 0) -> list[dict[str, Any]]:
        return self.call("GET", "/api/messages", params={"after_id": after_id})["messages"]

    def received(self) -> list[dict[str, Any]]:
        return [message for message in self.truth() if message["received_at"]]

    def counts(self) -> dict[str, Any]:
        return self.call("GET", "/api/counts")

    def handle(self, number: str = NUMBER) -> str:
        return self.call("POST", "/phones", json={"number": number})["handle"]

    def behave(self, behaviour: str | None, number: str = NUMBER) -> None:
        self.call("PUT", f"/phones/{self.handle(number)}/behaviour", json={"behaviour": behaviour})

    def fault(self, **faults: Any) -> None:
        self.call("PUT", "/faults", json=faults)


@pytest.fixture
def application() -> Iterator[Application]:
    application = Application()
    yield application
    application.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with contextlib.ExitStack() as stack:

        def begin(*, behave: bool = True, **options: Any) -> Running:
            network = Running(tmp_path / "network", **options)
            stack.callback(network.stop)
            if behave:
                network.behave("delivered")
            return network

        yield begin


@pytest.fixture
def network(start: Callable[..., Running], application: Application) -> Running:
    return start(inquiry_url=application.url + "/inquiries?secret=s&sender=%p&to=%P&text=%a&time=%T&id=%I")


# --- sendsms ---


ANSWERS: list[tuple[dict[str, str | None], int, str]] = [
    ({"password": "wrong"}, 403, "Authorization failed for sendsms"),
    ({"to": None}, 400, "Missing receiver number, rejected"),
    ({"to": ""}, 400, "Empty receiver number not allowed, rejected"),
    ({"to": "09x5"}, 400, "Number(s) has/have been denied by white- and/or black-lists."),
    ({"from": None}, 400, "Sender missing and no global set, rejected"),
    ({"dlr-url": "ftp://example.org/"}, 400, "DLR-URL field misformed, rejected"),
    ({"dlr-mask": "67"}, 400, "DLR-Mask field misformed, rejected"),
    ({"coding": "3"}, 400, "Coding field misformed, rejected"),
    ({"validity": "-5"}, 400, "Validity field misformed, rejected"),
    ({"priority": "4"}, 400, "Priority field misformed, rejected"),
    ({"charset": "bogus"}, 400, "Charset or body misformed, rejected"),
    ({"coding": "x", "validity": "", "dlr-mask": "y"}, 202, "0: Accepted for delivery"),
    ({"text": None}, 202, "0: Accepted for delivery"),
    ({"smsc": "unheard-of"}, 202, "0: Accepted for delivery"),
    ({"username": None, "user": "motcua", "password": None, "pass": "bí mật"}, 202, "0: Accepted for delivery"),
]


def test_sendsms_answers_in_the_words_of_kannel(network):
    for fields, status, sentence in ANSWERS:
        answer = network.send(**fields)
        assert (answer.status_code, answer.text) == (status, sentence), fields
    assert len(network.truth()) == sum(status == 202 for _, status, _ in ANSWERS)


def test_a_post_of_plain_text_carries_its_fields_in_headers_and_any_other_is_refused(network):
    headers = {
        "X-Kannel-Username": "motcua",
        "X-Kannel-Password": "bí mật".encode(),
        "X-Kannel-From": "MotcuaSMS",
        "X-Kannel-To": NUMBER,
        "X-Kannel-Coding": "2",
        "Content-Type": "text/plain; charset=UTF-8",
    }
    url = network.url + "/cgi-bin/sendsms"
    assert requests.post(url, "Hồ sơ".encode(), headers=headers, timeout=10).status_code == 202
    unnamed = {**headers, "Content-Type": "text/plain"}  # Without a charset, HTTP's default applies: ISO-8859-1.
    assert requests.post(url, "Hồ".encode(), headers=unnamed, timeout=10).status_code == 202
    for kind in ("application/x-www-form-urlencoded", "application/json"):
        answer = requests.post(url, "username=motcua", headers={"Content-Type": kind}, timeout=10)
        assert (answer.status_code, answer.text) == (400, "Invalid content-type")
    assert [message["text"] for message in network.truth()] == ["Hồ sơ", "Há»\x93"]


SHOWN: list[tuple[str, dict[str, str], str]] = [
    ("Hồ sơ đã xong à", {}, "H? s? ?? xong à"),
    ("Hồ sơ đã xong", {"coding": "2", "charset": "UTF-8"}, "Hồ sơ đã xong"),
    ("Hồ", {"coding": "2"}, "Hồ".encode().decode("utf-16-be", "replace")),  # Without a charset the text is misread.
    ("[€] {~} ç\t", {}, "[€] {~} Ç?"),
    ("😀 xong", {"coding": "2", "charset": "utf-8"}, "😀 xong"),
    ("", {}, ""),
    ("a\x00b", {}, "a?b"),
]


def test_a_phone_shows_what_kannel_makes_of_the_coding(network):
    for text, fields, shown in SHOWN:
        assert network.send(text, **fields).status_code == 202
        assert until(lambda: network.truth()[-1]["received_parts"]) == [shown]
    assert [message["received_parts"] for message in network.truth()] == [[shown] for _, _, shown in SHOWN] != []


GSM_LIMITS = [
    ("x" * 160, 0, [160], [160]),
    ("x" * 161, 0, [160], [153, 8]),
    ("x" * 159 + "€", 0, [159], [153, 7]),  # An escape pair is never split.
    ("x" * 152 + "€" * 5, 0, [156], [152, 5]),
    ("ộ" * 70, 2, [70], [70]),
    ("ộ" * 71, 2, [70], [67, 4]),
    ("ộ" * 66 + "😀" * 3, 2, [68], [66, 3]),  # A surrogate pair is never split.
]


def test_parts_are_cut_where_the_standard_cuts_them():
    for text, coding, cut, whole in GSM_LIMITS:
        assert [len(part) for part in split_parts(text, coding, 1)] == cut
        assert [len(part) for part in split_parts(text, coding, 10)] == whole


@given(st.text(st.sampled_from("aộ€😀{\n"), max_size=400), st.sampled_from([0, 2]))
def test_parts_make_up_the_whole_text_if_enough_parts_are_allowed(text, coding):
    parts = split_parts(text, coding, 100)
    assert "".join(parts) == text
    assert all(parts) or text == ""


def test_a_long_text_is_cut_with_a_202_unless_the_user_may_send_more(start):
    network = start()
    assert network.send("x" * 200, max_messages="5", concatenation="true").status_code == 202
    (message,) = until(network.received)
    assert (message["text"], message["received_parts"]) == ("x" * 200, ["x" * 160])
    network.stop()
    network = start(max_messages=3)
    network.send("y" * 200)
    network.send("ộ" * 300, coding="2", charset="UTF-8")
    until(lambda: len(network.received()) == 3)
    assert [len("".join(message["received_parts"])) for message in network.truth()] == [160, 200, 201]
    assert [message["parts"] for message in network.truth()] == [1, 2, 3]


def test_several_receivers_are_several_messages_and_one_phone_has_many_spellings(network):
    """A request with several receivers sends one message to each. All spellings of a number are the same phone."""
    assert network.send(to="+84905123456 84905123456 abc 0905123456").status_code == 202
    assert [message["to"] for message in network.truth()] == ["+84905123456", "84905123456", "0905123456"]
    (phone,) = network.call("GET", "/api/phones")["phones"]
    assert (phone["number"], len(phone["messages"])) == (NUMBER, 3)


# --- receipts ---


def test_receipts_follow_the_behaviour_of_the_number_and_the_mask(network, application):
    for behaviour, fields, types, reaches_the_phone in (
        ("delivered", {}, [8, 1], True),
        ("failed", {}, [8, 2], False),
        ("late", {"validity": "0"}, [8, 34], False),  # 34 means "expired" and contains bit 2, "failed".
        ("rejected", {}, [16], False),
        ("failed", {"dlr_mask": "1"}, [], False),
        ("delivered", {"dlr_mask": "1"}, [1], True),
        ("delivered", {"dlr_url": None}, [], True),
        ("never", {}, [], None),
    ):
        application.asked.clear()
        network.behave(behaviour)
        network.send(**{"dlr_mask": "31", "dlr_url": application.url + "/receipts?d=%d", **fields})
        message = network.truth()[-1]
        assert sorted(receipt["type"] for receipt in message["receipts"]) == sorted(types), behaviour
        assert reaches_the_phone in (None, message["will_be_received"])
        until(lambda types=types: sorted(application.types()) == sorted(types))
        message = until(
            lambda: all(r["state"] == "sent" for r in network.truth()[-1]["receipts"]) and network.truth()[-1]
        )
        assert [a["answer"] for r in message["receipts"] for a in r["attempts"]] == ["200"] * len(types)
    until(lambda: len(network.received()) == sum(each["will_be_received"] for each in network.truth()))


def test_the_escapes_of_a_dlr_url_are_filled_as_kannel_fills_them(network, application):
    network.send(
        to="+84905123456",
        smsc="viettel 1",
        dlr_mask="8",
        dlr_url=application.url + "/r?d=%d&A=%A&F=%F&p=%p&P=%P&t=%t&T=%T&I=%I&i=%i&n=%n&z=%z&pc=%%",
    )
    (asked,) = until(lambda: application.asked)
    assert re.fullmatch(
        r"/r\?d=8&A=ACK%2F&F=[0-9a-f-]{36}&p=%2B84905123456&P=MotcuaSMS&t=\d{4}-\d\d-\d\d\+\d\d:\d\d:\d\d"
        r"&T=\d{10}&I=[0-9a-f-]{36}&i=viettel\+1&n=motcua&z=%25z&pc=%25",
        asked.target,
    )


def test_a_receipt_that_is_not_taken_is_sent_again_with_the_same_id_and_given_up_in_the_end(
    network, application, caplog
):
    application.script = [http(503), http(404)]
    network.send(dlr_mask="1", dlr_url=application.url + "/r?d=%d&id=%I")
    (receipt,) = until(lambda: [r for m in network.truth() for r in m["receipts"] if r["state"] == "sent"])
    assert [attempt["answer"] for attempt in receipt["attempts"]] == ["503", "404", "200"]
    assert len({fields["id"] for fields in application.asked}) == 1
    application.asked.clear()
    application.answer = http(500)
    network.send(dlr_mask="1", dlr_url=application.url + "/r?number=%p")
    until(lambda: network.counts()["receipts"]["given_up"] == 1)
    assert len(application.asked) == 1 + QUICK.receipt_retries
    assert "given up after 4 tries: 500" in caplog.text
    assert NUMBER not in caplog.text


def test_receipts_not_yet_sent_are_sent_after_a_restart(start, application):
    patient = Timing(delivery=(0.0, 0.0), submit_receipt=0.0, receipt_retry=0.2)
    network = start(timing=patient)
    network.fault(outage=False, queued={"next": 1})
    application.answer = http(503)
    assert network.send(dlr_mask="31", dlr_url=application.url + "/r?d=%d").text.startswith("3: Queued")
    until(lambda: len(application.asked) >= 2)
    network.stop()
    application.answer = http(202)
    application.asked.clear()
    network = start(timing=patient)
    until(lambda: network.counts()["receipts"] == {"sent": 2, "pending": 0, "given_up": 0, "lost": 0})
    assert sorted(application.types()) == [1, 8]
    assert len(network.truth()) == 1


def process(folder: Path, port: int, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "motcua.sandbox.network", "--port", str(port)]
    settings = {"PATH": os.environ["PATH"], **environment}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen([*command, "--folder", str(folder / "data")], stdout=log, stderr=log, env=settings)


CREDENTIALS = {"MOTCUA_KANNEL_USERNAME": "motcua", "MOTCUA_KANNEL_PASSWORD": "bí mật"}


def test_nothing_accepted_is_lost_when_the_process_is_killed_and_its_log_shows_no_query(tmp_path, application):
    port, answered = free_port(), []
    url = f"http://127.0.0.1:{port}"
    running = process(tmp_path, port, **CREDENTIALS)

    def healthy() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(url + "/health", timeout=5).ok
        return False

    def send(name: str) -> None:
        session = requests.Session()
        with contextlib.suppress(requests.ConnectionError):
            for n in range(10_000):
                query = {**ACCOUNT, "from": "M", "to": NUMBER, "text": f"{name} {n}", "dlr-mask": "16"}
                if session.get(url + "/cgi-bin/sendsms", params=query, timeout=10).status_code == 202:
                    answered.append(query["text"])

    try:
        until(healthy, 30)
        senders = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
        for sender in senders:
            sender.start()
        until(lambda: len(answered) > 200, 30)
        running.send_signal(signal.SIGKILL)
        running.wait(10)
        for sender in senders:
            sender.join(30)
        running = process(tmp_path, port, **CREDENTIALS)
        until(healthy, 30)
        truth, after = [], 0
        while page := requests.get(url + "/api/messages", {"after_id": after}, timeout=10).json()["messages"]:
            truth += [message["text"] for message in page]
            after = page[-1]["id"]
        assert set(answered) <= set(truth)
        assert len(truth) == len(set(truth)) <= len(answered) + len(senders)
    finally:
        running.kill()
        running.wait(10)
    log = (tmp_path / "log").read_text()
    assert "Uvicorn running" in log
    assert not [word for word in (NUMBER, "password", "?", "Traceback") if word in log]


def test_an_operators_mistake_is_answered_with_a_sentence(tmp_path):
    (tmp_path / "data").write_text("a file in the folder's place")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for environment, words in (
            ({}, "MOTCUA_KANNEL_USERNAME and MOTCUA_KANNEL_PASSWORD must be set"),
            (CREDENTIALS, "cannot be used"),
            (CREDENTIALS, "address already in use"),
        ):
            (tmp_path / "log").unlink(missing_ok=True)
            assert process(tmp_path, taken.getsockname()[1], **environment).wait(30) != 0
            log = (tmp_path / "log").read_text()
            assert words in log
            assert "Traceback" not in log
            if words == "cannot be used":
                (tmp_path / "data").unlink()


# --- faults ---


def test_a_fault_hits_the_next_requests_and_no_more(network):
    for fault, status, sentence in (
        ("error_503", 503, "Temporal failure, try again later."),
        ("error_429", 429, "Too many requests."),
        ("not_routable", 403, "Not routable. Do not try again."),
        ("queued", 202, "3: Queued for later delivery"),
    ):
        before = len(network.truth())
        network.fault(**{fault: {"next": 2}})
        answers = [network.send() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [status, status, 202], fault
        assert answers[0].text == sentence
        assert len(network.truth()) - before == (3 if fault == "queued" else 1)
    for fault in ("error_503", "error_429"):
        network.fault(**{fault: {"next": 1, "retry_after": 90}})
        assert network.send().headers["Retry-After"] == "90"
        assert "Retry-After" not in network.send().headers


def test_a_fault_hits_a_share_of_the_requests_and_is_off_when_it_is_no_longer_named(network):
    network.fault(error_503={"probability": 0.5})
    hit = sum(network.send().status_code == 503 for _ in range(60))
    assert 10 < hit < 50
    network.fault()
    assert all(network.send().ok for _ in range(20))
    assert network.call("GET", "/faults")["error_503"] == {"probability": 0.0, "next": 0}
    for misspelt in ({"eror_503": {"next": 1}}, {"error_503": {"probability": 2}}, {"outage": {}}):
        assert requests.put(network.url + "/faults", json=misspelt, timeout=10).status_code == 422


def test_an_answer_may_come_late_or_never_although_the_message_was_accepted(network):
    """The network can accept a message and lose its answer, so that the sender cannot know the outcome."""
    query = {**ACCOUNT, "from": "M", "to": NUMBER, "text": "ambiguous"}
    for fault, failure in (
        ("accept_then_reset", requests.ConnectionError),
        ("accept_then_timeout", requests.ReadTimeout),
    ):
        network.fault(**{fault: {"next": 1}})
        with pytest.raises(failure):
            requests.get(network.url + "/cgi-bin/sendsms", query, timeout=0.2)
        assert network.truth()[-1]["text"] == "ambiguous"
    network.fault(accept_then_timeout={"next": 1})
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        network.send()
    assert time.monotonic() - started >= QUICK.hang, "a hung answer must end in a connection reset"
    network.fault(slow_seconds={"seconds": 0.3, "next": 1})
    started = time.monotonic()
    assert network.send().ok
    assert time.monotonic() - started >= 0.3
    network.fault(accept_then_500={"next": 1})
    assert network.send().status_code == 500
    assert len(network.truth()) == 5
    # If a client dies after it wrote its request, the message is sent.
    network.fault(slow_seconds={"seconds": 0.3, "next": 1})
    with pytest.raises(requests.ReadTimeout):
        requests.get(network.url + "/cgi-bin/sendsms", query, timeout=0.1)
    until(lambda: len(network.truth()) == 6)


def test_receipts_may_be_lost_repeated_turned_round_late_or_before_the_reply(network, application):
    """A fault of the network changes the receipts of a message: their number, order or time."""
    ask = {"dlr_mask": "31", "dlr_url": application.url + "/r?d=%d&id=%I"}

    def types_of(number: int, **fault: Any) -> list[int]:
        application.asked.clear()
        network.fault(**fault)
        network.send(**ask)
        until(lambda: len(application.asked) == number)
        return application.types()

    assert types_of(2) == [8, 1]
    assert types_of(2, receipts_reversed={"next": 1}) == [1, 8]
    assert sorted(types_of(4, receipts_repeated={"next": 1})) == [1, 1, 8, 8]
    assert len({fields["id"] for fields in application.asked}) == 2
    network.fault(receipts_before_reply={"next": 1})
    application.asked.clear()
    network.send(**ask)
    assert application.types() == [8, 1]
    assert types_of(0, receipts_late={"next": 1, "seconds": 0.4}) == []
    until(lambda: len(network.received()) == 5)
    assert not application.asked, "no receipt may come yet, although the phone has the text"
    until(lambda: application.types() == [8, 1])
    assert types_of(0, receipts_lost={"next": 1}) == []
    until(lambda: len(network.received()) == 6)
    assert [receipt["state"] for receipt in network.truth()[-1]["receipts"]] == ["lost", "lost"]
    until(lambda: network.counts()["receipts"] == {"sent": 10, "pending": 0, "given_up": 0, "lost": 2})
    assert not application.asked


def test_an_outage_accepts_nothing_and_receipts_wait_for_its_end(network, application):
    network.behave("late")
    network.send(dlr_mask="1", dlr_url=application.url + "/r?d=%d")
    network.fault(outage=True)
    with pytest.raises(requests.ConnectionError):
        network.send()
    until(network.received)
    assert network.call("GET", "/health") == {"status": "outage"}
    assert not application.asked
    network.fault()
    until(lambda: application.types() == [1])
    assert len(network.truth()) == 1


# --- inquiries ---

REPLY = "Hồ sơ của quý Ông/Bà (160915001) hiện đang ở bước Thẩm định, trạng thái hồ sơ: Đúng hạn."
UTF8 = {"Content_Type": "text/plain; charset=utf-8"}
ACCENTED = {**UTF8, "X_Kannel_Coding": "2"}


def inquire(network: Running, text: str) -> str:
    handle = network.handle()
    before = len(network.truth())
    network.call("POST", f"/phones/{handle}/texts", json={"to": "9029", "text": text})
    (reply,) = until(lambda: network.truth()[before:])
    assert (reply["kind"], reply["from"], reply["number"]) == ("reply", "9029", NUMBER)
    return "".join(reply["received_parts"])


def test_an_inquiry_reaches_the_application_as_kannel_would_bring_it(start, application):
    template = application.url + "/inquiries?secret=s&sender=%p&to=%P&text=%a&time=%T&id=%I"
    network = start(inquiry_url=template, max_messages=3)
    application.answer = http(200, REPLY, **ACCENTED)
    assert inquire(network, "  MCKH  160915001 a&b=c%20+d#é ") == REPLY
    (asked,) = application.asked
    assert asked["sender"] == NUMBER
    assert (asked["to"], asked["secret"]) == ("9029", "s")
    assert "text=MCKH+160915001+a%26b%3Dc%2520%2Bd%23%C3%A9&" in asked.target
    (phone,) = network.call("GET", "/api/phones")["phones"]
    assert [(m["kind"], m["state"]) for m in phone["messages"]] == [
        ("inquiry", "delivered"),
        ("reply", "delivered"),
    ]
    assert network.counts()["replies"] == 1
    assert network.counts()["accepted"] == 0  # Only messages that came through sendsms are counted.


def test_a_reply_is_shown_as_kannel_shows_it(network, application):
    for answer, shown in (
        (http(200, "Hồ sơ", **ACCENTED), "Hồ sơ"),
        (http(200, "Hồ sơ", **UTF8), "H? s?"),  # Accents need X-Kannel-Coding: 2.
        (http(200, "Hồ", Content_Type="text/plain"), "H???"),  # Without a charset, ISO-8859-1 applies.
        (http(200, b"", **UTF8), "<Empty reply from service provider>"),
        (http(202, b"ok", **UTF8), "ok"),
        (in_json({}), "Result could not be represented as an SMS message."),
        (http(200, b"x" * 200, **UTF8), "x" * 160),
    ):
        application.answer = answer
        assert inquire(network, "mckh 160915001") == shown


def test_an_inquiry_is_repeated_with_the_same_id_until_it_is_answered_or_kannel_says_sorry(network, application):
    application.script = [http(500), http(503)]
    application.answer = http(200, b"Dung han", **UTF8)
    assert inquire(network, "MCKH 160915001") == "Dung han"
    assert len({fields["id"] for fields in application.asked}) == 1
    assert len(application.asked) == 3
    application.asked.clear()
    application.answer = http(500)
    assert inquire(network, "MCKH 160915001") == "Could not fetch content, sorry."
    assert len(application.asked) == 4
    application.asked.clear()
    assert inquire(network, "Xin chao MCKH") == "Request Failed"
    assert not application.asked, "a text without the keyword must never reach the application"


def test_an_inquiry_left_unanswered_is_taken_up_after_a_restart(start, application):
    application.answer = http(500)
    template = application.url + "/inquiries?id=%I"
    patient = Timing(inquiry_retry=30)
    network = start(inquiry_url=template, timing=patient)
    network.call("POST", f"/phones/{network.handle()}/texts", json={"text": "MCKH 160915001"})
    until(lambda: application.asked)
    network.stop()
    application.answer = http(200, b"Tre han", **UTF8)
    network = start(inquiry_url=template)
    assert until(network.truth)[0]["received_parts"] == ["Tre han"]
    assert len({fields["id"] for fields in application.asked}) == 1


# --- people, numbers, pages ---


def test_most_phones_get_their_texts_and_numbers_that_are_no_mobile_are_rejected():
    found = [default_behaviour(f"09{n:08}", seed=7) for n in range(20_000)]
    shares = {behaviour: found.count(behaviour) / len(found) for behaviour in Behaviour}
    assert shares == pytest.approx(
        {"delivered": 0.93, "failed": 0.03, "late": 0.02, "never": 0.02, "rejected": 0}, abs=0.005
    )
    assert default_behaviour("0905123456", 1) == default_behaviour("0905123456", 1)
    for number in ("02583822229", "01225123456", "9029", "", "0955123456", "84"):
        assert default_behaviour(number, seed=7) is Behaviour.REJECTED


def test_a_handle_is_opaque_and_a_behaviour_set_by_hand_outlives_a_restart(start):
    """The handle that names a phone in URLs must not show its number. A behaviour set by hand survives a restart."""
    network = start()
    handle = network.handle("+84 905 123 456")
    assert handle == network.handle(NUMBER)
    assert NUMBER[1:] not in handle
    network.behave("rejected")
    network.stop()
    network = start(behave=False)
    network.send()
    assert network.truth()[0]["behaviour"] == "rejected"
    network.behave(None)
    network.send()
    assert network.truth()[1]["behaviour"] == default_behaviour(NUMBER, 0)
    unknown, known = f"{network.url}/phones/feedbeef", f"{network.url}/phones/{handle}"
    assert requests.put(unknown + "/behaviour", json={"behaviour": "late"}, timeout=10).status_code == 404
    assert requests.post(unknown + "/texts", json={"text": "MCKH 1"}, timeout=10).status_code == 404
    assert requests.put(known + "/behaviour", json={"behaviour": "dead"}, timeout=10).status_code == 422
    assert requests.post(known + "/texts", json={"text": ""}, timeout=10).status_code == 422


def test_every_accepted_message_is_counted_once(network, application):
    for place, behaviour in enumerate(Behaviour):
        network.behave(behaviour, f"090512345{place}")
        network.send("x", to=f"090512345{place}", dlr_mask="31", dlr_url=application.url + "/r?d=%d")
    network.send("y", **{"from": "Other"})
    counts = until(lambda: network.counts()["on_the_way"] == 0 and network.counts())
    outcomes = ("delivered", "failed", "rejected", "lost", "on_the_way")
    assert counts["accepted"] == sum(counts[outcome] for outcome in outcomes) == 6
    assert {sender: row["accepted"] for sender, row in counts["by_sender"].items()} == {
        "MotcuaSMS": 5,
        "Other": 1,
    }
    assert counts["parts"] == counts["delivered"]


def test_running_network_shows_each_message_of_the_past_at_once(network, tmp_path):
    """The demo sends the messages of its invented past through another port. The running network must show them."""
    assert network.counts()["last_used_at"] is None
    address = GatewayAddress("kannel", f"http://127.0.0.1:{free_port()}", *ACCOUNT.values(), {})
    query = {**ACCOUNT, "from": "MotcuaSMS", "to": NUMBER, "text": "Da co ket qua", "dlr-url": "http://localhost/?r=1"}
    with past_phones(tmp_path / "network", address) as phones:
        phones.now = datetime(2026, 9, 11, 10, 31, tzinfo=UTC)
        taken = requests.get(f"{address.base_url}/cgi-bin/sendsms", query, timeout=10)
        assert taken.status_code == 202
        (phone,) = network.call("GET", "/api/phones")["phones"]
    (message,) = phone["messages"]
    assert (message["text"], message["accepted_at"]) == ("Da co ket qua", "2026-09-11T10:31:00.000Z")
    assert network.counts()["last_used_at"] == "2026-09-11T10:31:00.000Z"
    network.send("Tin hôm nay")
    assert network.counts()["last_used_at"][:10] == f"{datetime.now(UTC):%Y-%m-%d}"


HOSTILE = "<img src=x onerror=\"document.title='broken'\"></script><script>document.title='broken'</script>&amp;"


def test_hostile_text_is_data_and_never_part_of_the_page(network):
    network.send(HOSTILE, **{"from": "<b>M</b>"})
    until(network.received)
    (phone,) = network.call("GET", "/api/phones")["phones"]
    assert phone["messages"][0]["text"] == HOSTILE
    page = requests.get(network.url + "/", timeout=10)
    assert "onerror" not in page.text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", page.text)
    assert not re.search(r"(?:src|href)=[\"']?https?:|url\(|@import", page.text)  # The page loads no other site.
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


def test_other_machines_may_neither_read_the_messages_nor_change_faults_and_phones(tmp_path):
    stranger = httpx.ASGITransport(create_app(tmp_path, **ACCOUNT), client=("203.0.113.7", 40000))

    async def ask(method: str, path: str) -> int:
        async with httpx.AsyncClient(transport=stranger, base_url="http://network") as client:
            return (await client.request(method, path, json={})).status_code

    closed = ("GET /api/messages", "GET /faults", "PUT /faults", "POST /phones", "PUT /phones/x/behaviour")
    assert {each: asyncio.run(ask(*each.split())) for each in closed} == dict.fromkeys(closed, 403)
    assert asyncio.run(ask("GET", "/api/counts")) == 200


# --- Comparison with a real Kannel ---

KANNEL_GROUPS = """
group = sendsms-user
username = motcua
password = "bí mật"
max-messages = 3
concatenation = true

group = sms-service
keyword = mckh
get-url = "{get_url}"
accept-x-kannel-headers = true
max-messages = 3
concatenation = true
"""


@pytest.mark.skipif(not IS_INSTALLED, reason="Kannel is not installed")
def test_a_real_kannel_answers_cuts_reports_and_asks_the_same(start, application, tmp_path):
    template = "/inquiries?secret=s&sender=%p&to=%P&text=%a"
    carrier = FakeCarrier()
    groups = KANNEL_GROUPS.format(get_url=application.url + template)
    kannel = Kannel(tmp_path, carrier=carrier.group, groups=groups)
    try:
        carrier.connect()
        network = start(inquiry_url=application.url + template, max_messages=3)
        for fields, status, sentence in ANSWERS:
            query = {**ACCOUNT, "from": "MotcuaSMS", "to": NUMBER, "text": "x", **fields}
            answer = requests.get(kannel.url + "/cgi-bin/sendsms", query, timeout=10)
            assert (answer.status_code, answer.text) == (status, sentence), fields

        accented = {"coding": "2", "charset": "UTF-8"}
        texts = [(text, fields) for text, fields, _ in SHOWN]
        texts += [(text, accented if coding else {}) for text, coding, *_ in GSM_LIMITS if "😀" not in text]
        texts += [("z" * 1000, {}), ("ộ" * 1000, accented)]
        for place, (text, fields) in enumerate(texts):
            number = f"09040000{place:02}"
            network.behave("delivered", number)
            query = {**ACCOUNT, "from": "MotcuaSMS", "to": number, "text": text, **fields}
            for url in (kannel.url, network.url):
                assert requests.get(url + "/cgi-bin/sendsms", query, timeout=10).status_code == 202
            ours = until(lambda: network.truth()[-1]["received_parts"])

            def theirs(number: str = number, accented: bool = fields.get("coding") == "2") -> list[str]:
                return [part.words(accented=accented) for part in carrier.parts if part.receiver == number]

            until(lambda theirs=theirs, ours=ours: len(theirs()) >= len(ours))
            assert theirs() == ours, text[:20]

        ask = {"dlr-mask": "31", "dlr-url": application.url + "/r?d=%d&A=%A&p=%p&P=%P&n=%n&pc=%%"}
        reports = []
        for url in (kannel.url, network.url):
            query = {**ACCOUNT, "from": "MotcuaSMS", "to": NUMBER, "text": "x", **ask}
            assert requests.get(url + "/cgi-bin/sendsms", query, timeout=10).status_code == 202
            until(lambda: len(application.asked) == 2)
            by_type = sorted((asked.query for asked in application.asked), key=lambda fields: int(fields["d"]))
            by_type[0].pop("A", None)  # ``A`` is the carrier's text, which Kannel's fake carrier does not have.
            reports.append(by_type)
            application.asked.clear()
        assert reports[0] == reports[1]

        application.answer = http(200, REPLY, **ACCENTED)
        carrier.parts.clear()
        carrier.text(NUMBER, "mckh  160915001 a&b=c%20+d#")
        until(lambda: len(carrier.parts) == 2)
        shown = "".join(part.words(accented=True) for part in carrier.parts)
        assert inquire(network, "mckh  160915001 a&b=c%20+d#") == shown == REPLY
        asked, asked_again = (each.target for each in application.asked)
        assert asked == asked_again
    finally:
        kannel.stop()
        carrier.close()


def test_faults_that_name_numbers_hit_each_once_also_when_many_ask_at_once(network):
    first, second = "0905123456", "0905123457"
    network.fault(error_503={"numbers": [first, second]})
    answers = [network.send(to=to).status_code for to in ("+84905123456", "84905999999", first, second, second)]
    assert answers == [503, 202, 202, 503, 202]
    numbers = [f"0905{number:06d}" for number in range(40)]
    network.fault(error_503={"numbers": numbers})
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda number: network.send(to=number).status_code, numbers * 2))
    assert answers.count(503) == answers.count(202) == len(numbers)


def test_each_part_of_a_long_text_gets_a_receipt_if_the_fault_says_so(start, application):
    network = start(max_messages=5)
    ask = {"dlr_mask": "31", "dlr_url": application.url + "/r?d=%d"}
    for behaviour, types, received in (("delivered", [1, 1, 1, 8], 3), ("failed", [1, 1, 2, 8], 0)):
        application.asked.clear()
        network.behave(behaviour)
        network.fault(receipts_by_part={"next": 1})
        network.send("dài " * 40, coding=2, charset="UTF-8", **ask)
        until(lambda: len(application.asked) == 4)
        assert sorted(application.types()) == types
        truth = network.truth()[-1]
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
def test_receipts_are_distorted_as_asked(options, expected):
    whole = {"parts": 1, "late": 0.0, "backwards": False} | options
    assert distort_receipts([(SMSC_ACCEPTED, 10.0), (UNDELIVERED, 12.0)], **whole) == expected
    assert distort_receipts([], **whole) == []
    assert len(distort_receipts([(SMSC_REFUSED, 10.0)], **whole)) == 1
