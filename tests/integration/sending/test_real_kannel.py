"""Test sending through a real Kannel to phones, and its receipts back.

Other tests use a scripted gateway. This module shows that Kannel itself behaves as the scripted gateway does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from motcua.gateways import open_gateway
from motcua.gateways.adapter import GatewayAnswer, ReceiptReading
from motcua.jobs.notices.receiving import Intake, read_left_over_receipts
from motcua.jobs.notices.sending.request_slots import http_session
from motcua.jobs.notices.sending.sender import send
from motcua.store.agencies import save_agencies
from motcua.web import callbacks
from tests.gateways.real_kannel import IS_INSTALLED, Kannel, smpp_carrier
from tests.gateways.smsc import REFUSED, Fate, Smsc, Text
from tests.ground import (
    NHA_TRANG,
    NOW,
    TU_PHAP,
    OneStop,
    Served,
    agency,
    gateway_connection,
    in_ledger,
    queue_results,
    take_in,
    until,
)

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not IS_INSTALLED, reason="Kannel is not installed")]

AT_ONCE = 4
HOUR = timedelta(hours=1)
"""A time longer than any wait between two attempts and any gateway pause."""
PASSWORD = "bí mật & 100%"
USERS = f"""group = sendsms-user
username = motcua
password = "{PASSWORD}"
max-messages = 8
concatenation = true
"""
Rows = Callable[..., list[dict[str, Any]]]


@dataclass(frozen=True)
class Line:
    """A running Kannel, and the carrier that Kannel is connected to. The connection ``sms_kannel`` names the Kannel."""

    kannel: Kannel
    carrier: Smsc

    def is_up(self) -> bool:
        return self.carrier.is_bound

    def restart(self) -> None:
        self.kannel.restart()
        until(self.is_up)


@pytest.fixture
def receipts_url(ledger: str) -> Iterator[str]:
    """Serve the callbacks app on its own port; return the address for Kannel's receipts."""
    with Served(callbacks.create_standalone()) as served:
        yield f"{served.url}/gateway/receipts/kannel"


@pytest.fixture
def name_gateway(configure: Callable[..., None], receipts_url: str) -> Callable[..., None]:
    """Return a function that sets the connection ``sms_kannel``."""

    def name(port: int, password: str = PASSWORD, answer_timeout: float = 10) -> None:
        extra = {"concurrency": AT_ONCE, "answer_timeout": answer_timeout, "callback_url": receipts_url}
        configure(AIRFLOW_CONN_SMS_KANNEL=gateway_connection(port, "motcua", password, **extra))

    return name


@pytest.fixture
def connect_kannel(tmp_path: Path, name_gateway: Callable[..., None]) -> Iterator[Callable[..., Line]]:
    """Return a function that starts a Kannel and its carrier, and sets the connection ``sms_kannel`` to that Kannel."""
    with ExitStack() as stack:

        def start(*, core: str = "", routing: str = "", **connection: Any) -> Line:
            carrier = Smsc()
            stack.callback(carrier.close)
            kannel = Kannel(tmp_path / "kannel", carrier=smpp_carrier(carrier.port, routing), groups=USERS, core=core)
            stack.callback(kannel.stop)
            line = Line(kannel, carrier)
            until(line.is_up)
            name_gateway(kannel.sendsms_port, **connection)
            return line

        yield start


@pytest.fixture
def line(connect_kannel: Callable[..., Line]) -> Line:
    return connect_kannel()


def test_log_in_at_a_real_kannel_is_tried_without_sending_a_message(
    line: Line, name_gateway: Callable[..., None], configure: Callable[..., None]
) -> None:
    port = open_gateway("kannel").address.base_url.rpartition(":")[2]
    with http_session() as session:
        assert open_gateway("kannel").try_login(session) == GatewayAnswer("accepted", 400)
        name_gateway(int(port), "another")
        refused = open_gateway("kannel").try_login(session)
    assert refused is not None
    assert (refused.outcome, refused.http_status) == ("configuration", 403)
    assert line.carrier.submits == []


def phone(n: int) -> str:
    return f"+84905123{n:03}"


def send_at(hours: int = 0) -> None:
    moment = NOW + hours * HOUR
    send(f"run {hours}", clock=lambda: moment)


def states(rows: Rows) -> list[str]:
    return [row["state"] for row in rows("SELECT state FROM motcua.messages ORDER BY message_id")]


def receipts(rows: Rows) -> list[str]:
    return [row["gateway_status"] for row in rows("SELECT gateway_status FROM motcua.receipts ORDER BY receipt_id")]


def attempts(rows: Rows) -> list[tuple[int, str]]:
    """Return message id and state of each attempt, oldest first."""
    found = rows("SELECT message_id, state FROM motcua.attempts ORDER BY attempt_id")
    return [(row["message_id"], row["state"]) for row in found]


def each_phone_got_its_text_once(carrier: Smsc, count: int) -> bool:
    words = [RESULT.format(f"D-{n}", "UBND TP Nha Trang") for n in range(count)]
    return [carrier.phone(phone(n)) for n in range(count)] == [[Text("MotcuaSMS", text, 1)] for text in words]


# --- texts on the phone ---

LONG = "000.00.04.H32-191225-0001"
SIGNS = "A&b=1+2%d%p;#?/€[~]|"
"""Characters with a special meaning in URLs or in Kannel's own escapes, or outside GSM-7's basic alphabet."""
TT_TT = "000.00.04.H32"
RESULT = (
    "Thong bao: Ho so cua quy Ong/Ba ({}) da duoc giai quyet xong. Moi Ong/Ba den Bo phan Mot cua {} de nhan ket qua"
)
ACCENTED = (
    "Thông báo: Hồ sơ của quý Ông/Bà ({}) đã được giải quyết xong. Mời Ông/Bà đến Bộ phận Một cửa {} để nhận kết quả"
)
SUPPLEMENT = (
    "Thong bao: Ho so cua quy Ong/Ba ({}) can bo sung theo quy dinh."
    " Moi Ong/Ba den Bo phan Mot cua {} de nhan thong bao"
)


TEXTS = {
    "one part": (NHA_TRANG, "160915001", 9, RESULT.format("160915001", "UBND TP Nha Trang"), 133, [133]),
    "160": (TT_TT, LONG, 9, RESULT.format(LONG, "So Thong tin va Truyen thong"), 160, [160]),
    "161": (TT_TT, LONG + "2", 9, RESULT.format(LONG + "2", "So Thong tin va Truyen thong"), 161, [153, 8]),
    "two parts": (TT_TT, LONG + "3", 5, SUPPLEMENT.format(LONG + "3", "So Thong tin va Truyen thong"), 165, [153, 12]),
    "signs": (NHA_TRANG, SIGNS, 9, RESULT.format(SIGNS, "UBND TP Nha Trang"), 144, [149]),
    "accented": (TU_PHAP, "160915001", 9, ACCENTED.format("160915001", "Sở Tư pháp"), 126, [134, 118]),
    "long, accented": (TU_PHAP, LONG, 9, ACCENTED.format(LONG, "Sở Tư pháp"), 142, [134, 134, 16]),
}
"""Texts that each phone must show unchanged.

Each row has agency, dossier code, status, expected text, its number of characters, and the octets of each part without
the header. Kannel hands over one octet for a GSM-7 character (two for one of its extensions) and
two for a UTF-16 unit.
"""


def test_phone_shows_the_very_text_in_as_many_parts_as_the_ledger_counted(
    one_stop: OneStop, line: Line, rows: Rows
) -> None:
    in_ledger(save_agencies, [agency(TT_TT, name="Sở Thông tin và Truyền thông")], "tests")
    for n, (agency_code, code, status, *_) in enumerate(TEXTS.values()):
        one_stop.both(status, code, agency_code, applicant_phone=f"0905123{n:03}")
    take_in()
    send_at()
    until(lambda: states(rows) == ["delivered"] * len(TEXTS))
    counted = {row["msisdn"]: row["segments"] for row in rows("SELECT msisdn, segments FROM motcua.messages")}
    for n, (name, (*_, words, length, octets)) in enumerate(TEXTS.items()):
        assert len(words) == length, name
        assert line.carrier.phone(phone(n)) == [Text("MotcuaSMS", words, len(octets))], name
        assert counted[phone(n)] == len(octets), name
        submits = [submit for submit in line.carrier.submits if submit.receiver == phone(n)]
        assert [len(submit.data) for submit in submits] == octets, name
        assert all(submit.sender_is_a_name for submit in submits), name
        if len(octets) > 1:
            # A phone joins parts that share one reference and count from 1 to the number of parts.
            reference = submits[0].part and submits[0].part[0]
            places = [(reference, len(octets), place + 1) for place in range(len(octets))]
            assert [submit.part for submit in submits] == places, name
    # Kannel sends one receipt for a message, not one for each of its parts.
    assert sorted(receipts(rows)) == ["1"] * len(TEXTS) + ["8"] * len(TEXTS)


# --- receipts ---

FATES = {
    "delivered": (Fate(), "delivered", ["1", "8"]),
    "failed": (Fate(receipts=("UNDELIV",)), "undelivered", ["2", "8"]),
    # 34 is the bit "failed" (2) and a bit 32 that Kannel's documentation does not list.
    "expired": (Fate(receipts=("EXPIRED",)), "undelivered", ["34", "8"]),
    "deleted": (Fate(receipts=("DELETED",)), "undelivered", ["2", "8"]),
    "rejected later": (Fate(receipts=("REJECTD",)), "undelivered", ["2", "8"]),
    # Kannel sends a receipt of type 16 and none of type 8, because the carrier never accepted the message.
    "refused at once": (Fate(status=REFUSED), "undelivered", ["16"]),
    "on its way, then delivered": (Fate(receipts=("ENROUTE", "ACCEPTD", "DELIVRD")), "delivered", ["1", "8"]),
    "on its way": (Fate(receipts=("ACCEPTD", "ENROUTE")), "accepted", ["8"]),
    # Kannel cannot match this receipt to a message before the carrier's answer arrives, and drops the receipt.
    "receipt before the carrier's answer": (Fate(overtakes=True), "accepted", ["8"]),
    "no receipt": (Fate(receipts=()), "accepted", ["8"]),
}


def test_receipts_end_each_message_as_the_carrier_says(one_stop: OneStop, line: Line, rows: Rows) -> None:
    line.carrier.fates = {phone(n): fate for n, (fate, *_) in enumerate(FATES.values())}
    queue_results(one_stop, len(FATES))
    send_at()
    until(lambda: len(receipts(rows)) == sum(len(types) for _, _, types in FATES.values()))
    found = rows("""
        SELECT m.state, array_agg(r.gateway_status ORDER BY r.gateway_status) AS types
        FROM motcua.messages AS m
        INNER JOIN motcua.attempts AS a ON m.message_id = a.message_id
        INNER JOIN motcua.receipts AS r ON a.reference = r.reference
        GROUP BY m.message_id
        ORDER BY m.message_id
    """)
    until(lambda: states(rows) == [state for _, state, _ in FATES.values()])
    assert {name: row["types"] for name, row in zip(FATES, found, strict=True)} == {
        name: types for name, (_, _, types) in FATES.items()
    }
    kept = str(rows("SELECT raw FROM motcua.receipts"))
    assert "stat:DELIVRD" in kept
    assert "Thong" not in kept
    assert "0905" not in kept.replace("+84", "0")
    send_at(1)
    assert len(line.carrier.submits) == len(FATES), "no message goes twice, whatever its receipt says"


@pytest.mark.guarantee("receipts", "a long message with one refused part is not called delivered")
def test_message_of_which_one_part_was_refused_is_not_called_delivered(
    one_stop: OneStop, line: Line, rows: Rows
) -> None:
    line.carrier.fate = Fate(refused_part=2)
    one_stop.both(9, LONG, TU_PHAP)
    take_in()
    send_at()
    until(lambda: sorted(receipts(rows)) == ["1", "16"])
    until(lambda: len(rows("SELECT 1 FROM motcua.receipt_readings")) == 2)
    assert states(rows) == ["undelivered"]


def test_receipt_that_we_could_not_take_is_brought_again(
    one_stop: OneStop, line: Line, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kannel delivers a receipt again if the callbacks app failed to store it, so that no receipt is lost."""
    tried: list[str | None] = []
    take = Intake.take

    def take_at_the_second_try(intake: Intake, name: str, reading: ReceiptReading) -> Any:
        tried.append(reading.gateway_status)
        if tried.count(reading.gateway_status) == 1:
            raise RuntimeError("the ledger was away")
        return take(intake, name, reading)

    monkeypatch.setattr(Intake, "take", take_at_the_second_try)
    queue_results(one_stop)
    send_at()
    until(lambda: states(rows) == ["delivered"])
    until(lambda: sorted(receipts(rows)) == ["1", "8"])
    assert sorted(tried) == ["1", "1", "8", "8"]


def test_receipt_that_comes_after_kannels_restart_still_finds_its_message(
    one_stop: OneStop, line: Line, rows: Rows
) -> None:
    line.carrier.fate = Fate(receipts=())
    queue_results(one_stop)
    send_at()
    until(lambda: receipts(rows) == ["8"])
    line.restart()
    line.carrier.report(line.carrier.submits[0], "DELIVRD")
    until(lambda: states(rows) == ["delivered"])


# --- outages ---


def test_bearerbox_killed_in_mid_traffic_loses_nothing_and_we_repeat_nothing(
    one_stop: OneStop, line: Line, rows: Rows
) -> None:
    count = 60
    queue_results(one_stop, count)

    def kill() -> None:
        if len(line.carrier.submits) == 10:
            line.kannel.end_bearerbox()

    line.carrier.when_taken = kill
    send_at()
    line.carrier.when_taken = None
    before = Counter(states(rows))
    assert before["queued"], "bearerbox must die while messages are still queued"
    assert before["unknown"] <= AT_ONCE
    line.restart()
    for hours in range(1, 6):
        send_at(hours)
    settled = rows("SELECT msisdn FROM motcua.messages WHERE state <> 'unknown' ORDER BY message_id")
    # A message without an answer may be in Kannel's store. Kannel then sends this message after the restart, and the
    # receipt settles the message.
    assert len(settled) >= count - before["unknown"]
    until(lambda: all(line.carrier.phone(row["msisdn"]) for row in settled))
    assert set(states(rows)) <= {"accepted", "delivered", "unknown"}
    taken = Counter(message_id for message_id, state in attempts(rows) if state != "failed")
    assert set(taken.values()) == {1}, "each message is given to Kannel once, also one without an answer"
    # After its restart, Kannel submits again the messages for which it had not read the carrier's answer. These are at
    # most max-pending-submits messages.
    again = [len(line.carrier.phone(phone(n))) - 1 for n in range(count)]
    assert sum(copies for copies in again if copies > 0) <= 10
    assert max(again) <= 1


def test_bearerbox_that_hangs_leaves_unknown_which_its_receipt_settles_when_it_wakes(
    one_stop: OneStop, connect_kannel: Callable[..., Line], rows: Rows
) -> None:
    """If Kannel hangs, the message is unknown and not sent again. The later receipt settles it."""
    line = connect_kannel(answer_timeout=0.5)
    queue_results(one_stop)
    line.kannel.bearerbox.freeze()
    send_at()
    assert rows("SELECT state, reason FROM motcua.messages") == [{"state": "unknown", "reason": "no_answer"}]
    send_at(1)
    assert len(attempts(rows)) == 1, "a message of unknown outcome is not sent again"
    assert line.carrier.submits == []
    line.kannel.bearerbox.thaw()
    until(lambda: states(rows) == ["delivered"])
    send_at(2)
    assert each_phone_got_its_text_once(line.carrier, 1)


def test_what_kannel_queues_while_the_carrier_is_away_outlives_kannels_end(
    one_stop: OneStop, line: Line, rows: Rows
) -> None:
    """Messages that Kannel accepted while the carrier was away are sent after a restart of Kannel."""
    line.carrier.go_away()
    until(lambda: not line.is_up())
    queue_results(one_stop, 3)
    send_at()
    assert states(rows) == ["accepted"] * 3
    assert {row["gateway_code"] for row in rows("SELECT gateway_code FROM motcua.attempts")} <= {
        "0: Accepted for delivery",
        "3: Queued for later delivery",
    }
    line.kannel.stop()
    line.carrier.come_back()
    line.kannel.start()
    until(lambda: states(rows) == ["delivered"] * 3)
    assert each_phone_got_its_text_once(line.carrier, 3)


def test_full_queue_of_kannel_is_waited_for_and_each_message_goes_once(
    one_stop: OneStop, connect_kannel: Callable[..., Line], rows: Rows
) -> None:
    line = connect_kannel(core="sms-outgoing-queue-limit = 10")
    count = 40
    queue_results(one_stop, count)
    line.carrier.hold()
    send_at()
    refused = rows("SELECT http_status, outcome, gateway_code FROM motcua.attempts WHERE state = 'failed'")
    # An attempt that was about to start when the first refusal came is held back and makes no request.
    answers = {tuple(row.values()) for row in refused} - {(None, "transient", "held back")}
    assert answers == {(503, "transient", "Temporal failure, try again later.")}
    assert set(states(rows)) == {"accepted", "queued"}
    send_at()
    asked = rows("SELECT message_id FROM motcua.attempts WHERE coalesce(gateway_code, '') <> 'held back'")
    assert max(Counter(row["message_id"] for row in asked).values()) == 1, "a refused message is not retried at once"
    line.carrier.release()
    until(lambda: states(rows).count("delivered") == count - states(rows).count("queued"))
    for hours in range(1, 6):
        send_at(hours)
    until(lambda: states(rows) == ["delivered"] * count)
    assert each_phone_got_its_text_once(line.carrier, count)


# --- refusals ---


def test_number_that_kannel_has_no_route_to_waits_for_one_and_holds_up_no_other(
    one_stop: OneStop, connect_kannel: Callable[..., Line], rows: Rows
) -> None:
    """One number without a route must not delay the eight messages to other numbers."""
    line = connect_kannel(routing="denied-prefix = +84993")
    one_stop.both(9, "NO-ROUTE", applicant_phone="0993123456")
    queue_results(one_stop, 8)
    send_at()
    until(lambda: receipts(rows).count("16 NACK/no SMSC") == 1)
    # If a receipt says that Kannel never accepted the message, the callbacks app stores the receipt and does nothing
    # else, because the app has no right to queue the message again. The next run reads the receipt.
    read_left_over_receipts()
    until(lambda: len(rows("SELECT 1 FROM motcua.receipt_readings")) == len(receipts(rows)))
    answers = rows("SELECT http_status, gateway_code FROM motcua.attempts WHERE msisdn = '+84993123456'")
    assert [tuple(row.values()) for row in answers] == [(403, "Not routable. Do not try again.")]
    assert rows("SELECT state FROM motcua.messages WHERE msisdn = '+84993123456'") == [{"state": "queued"}]
    for hours in range(1, 4):
        send_at(hours)
    until(lambda: states(rows).count("delivered") == 8)
    assert each_phone_got_its_text_once(line.carrier, 8)
    assert line.carrier.phone("+84993123456") == []
