"""Test inquiries (texts to 9029) over HTTP: each gets one reply with the right words, and forged calls are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

import psycopg
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from motcua.domain.inquiries import code_key, fold
from motcua.gateways import open_gateway
from motcua.jobs.notices import answering
from motcua.jobs.notices.stopping import go, stop
from motcua.web import callbacks
from motcua.web.callbacks import Addresses
from tests.given_ledgers import leave
from tests.ground import NHA_TRANG, TU_PHAP, in_ledger, until

pytestmark = pytest.mark.alone

WORD, KEY = "inquiry-word-9", "esms-private-key"
URL = "/gateway/inquiries/kannel"
SECRET = {"secret": WORD}
PHONE = "0905123456"
# These replies, without accents, were typed from the documents that specify them and not copied from the templates.
HELP = "Soan tin: MCKH (ma so ho so) gui 9029. Ma so ho so ghi tren Giay tiep nhan ho so va hen tra ket qua."
LIMIT = (
    "So dien thoai nay da tra cuu qua so lan cho phep trong ngay. Ong/Ba vui long nhan lai vao ngay mai hoac lien he "
    "Bo phan Mot cua."
)
OFF = "Dich vu tra cuu ho so qua dau so 9029 chua duoc trien khai. Ong/Ba vui long lien he Bo phan Mot cua."
BUSY = "He thong tra cuu dang ban. Ong/Ba vui long nhan lai sau it phut."


def told(code, step="Tham dinh", punctuality="Dung han"):
    return f"Ho so cua quy Ong/Ba ({code}) hien dang o buoc {step}, trang thai ho so: {punctuality}."


def unknown(code):
    return (
        f"Khong tim thay ho so ({code}). Ong/Ba vui long kiem tra lai ma so tren Giay tiep nhan ho so hoac lien he "
        "Bo phan Mot cua."
    )


def several(code):
    return (
        f"Ma so ho so ({code}) co o nhieu co quan. Ong/Ba vui long nhan lai: MCKH (ma so ho so) (ma co quan) gui 9029."
    )


@pytest.fixture
def lookups():
    """Return a list. The last function in the list replaces ``open_gateway``, which reads a gateway's connection."""
    return []


@pytest.fixture(autouse=True)
def _no_later_test_gets_the_ledger(ledger):
    """Let no later test reuse the ledger: the app may still write a late answer there after the end of this test."""
    yield
    leave(str(conninfo_to_dict(ledger)["dbname"]))


@pytest.fixture
def client(agencies, configure, lookups):
    def connection(**extra):
        return json.dumps({"conn_type": "http", "host": "127.0.0.1", "extra": extra})

    configure(
        AIRFLOW_CONN_SMS_KANNEL=connection(adapter="kannel", callback_secret=WORD),
        AIRFLOW_CONN_SMS_ESMS=connection(adapter="esms", private_key=KEY, callback_secret=WORD),
        AIRFLOW_CONN_SMS_SIGNED=connection(adapter="kannel", callback_hmac_key=KEY),
        AIRFLOW_CONN_SMS_NEAR=connection(adapter="kannel", callback_secret=WORD, allowed_networks=["10.0.0.0/8"]),
        AIRFLOW_CONN_SMS_SPOILT=connection(adapter="kannel", callback_secret=WORD, allowed_networks="everywhere"),
        AIRFLOW_CONN_SMS_OPEN=connection(adapter="esms"),
    )
    app = callbacks.create_standalone(Addresses(lambda name: [open_gateway, *lookups][-1](name)))
    with TestClient(app, raise_server_exceptions=False, client=("127.0.0.1", 50000)) as http:
        yield http


@pytest.fixture
def dossier(rows):
    rows("INSERT INTO motcua.sources (name) VALUES ('khanhhoa')")

    def write(code, agency=NHA_TRANG, **changes):
        values = {
            "source_id": 1,
            "agency_code": agency,
            "dossier_code": code,
            "phone_refusal": "missing",
            "step_name": "Thẩm định",
            "status_code": 4,
            "due_at": "2100-01-01 10:00+07",
            "picked_up_at": "2026-11-25 10:00+07",
            "updated_at": "2026-11-25 09:59+07",
        } | changes
        if values.get("msisdn"):
            values["phone_refusal"] = None
        columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
        (row,) = rows(
            f"INSERT INTO motcua.dossiers ({columns}) VALUES ({places}) RETURNING dossier_id", *values.values()
        )
        return row["dossier_id"]

    return write


_ids = iter(range(1, 100_000))


def ask(client, text, sender=PHONE, **fields):
    fields = {"sender": sender, "to": "9029", "text": text, "id": f"m{next(_ids)}"} | fields | SECRET
    answer = client.get(URL, params=fields)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


def test_known_code_is_answered_in_the_words_of_the_report(client, dossier, rows):
    number = dossier("160915001")
    assert ask(client, "MCKH 160915001", id="k-1") == told("160915001")
    (row,) = rows(
        "SELECT i.*, m.kind, m.state, m.text AS reply, m.template_id, m.segments, m.dossier_id AS of"
        " FROM motcua.inquiries AS i JOIN motcua.messages AS m USING (message_id)"
    )
    assert (row["outcome"], row["dossier_id"], row["of"], row["fee"]) == ("answered", number, number, 1000)
    assert (row["kind"], row["state"], row["template_id"], row["segments"]) == ("reply", "accepted", "reply", 1)
    assert (row["msisdn"], row["asked_code"]) == ("+84905123456", "160915001")
    assert row["as_of"].isoformat() == "2026-11-25T03:00:00+00:00"
    assert row["reply"] == told("160915001")


@pytest.mark.guarantee(
    "personal-data",
    "a provider's message id is a keyed hash, or is emptied after its term; the journal has no id made of a number",
)
def test_id_that_is_made_of_the_phones_number_shows_none(client, dossier, rows):
    dossier("160915001")
    for _ in range(2):
        assert ask(client, "MCKH 160915001", id="35-0905123456-7") == told("160915001")
    (kept,) = rows("SELECT to_jsonb(i) - 'msisdn' AS it FROM motcua.inquiries AS i")
    (shown,) = rows("SELECT i::text AS it FROM audit.inquiries AS i")
    assert "905123456" not in str([kept, shown])
    ask(client, "MCKH 160915001", id="35-0905123456-8")
    ids = rows("SELECT DISTINCT gateway_message_id FROM audit.inquiries")
    assert len(ids) == 2, "two ids must stay distinguishable"


def test_agency_with_accents_is_answered_with_accents_and_kannels_coding(client, dossier):
    """An agency's setting decides whether a reply has accents. With accents, Kannel needs the header for Unicode."""
    dossier("160915001")
    dossier("160915002", TU_PHAP, due_at="2020-01-01 10:00+07")
    fields = {"sender": PHONE, "text": "MCKH 160915002"}
    answer = client.post(URL, data=fields, params=SECRET)
    assert answer.text == ("Hồ sơ của quý Ông/Bà (160915002) hiện đang ở bước Thẩm định, trạng thái hồ sơ: Trễ hạn.")
    assert answer.headers["X-Kannel-Coding"] == "2"
    answer = client.get(URL, params=fields | {"text": "MCKH 160915001"} | SECRET)
    assert answer.headers["X-Kannel-Coding"] == "0"


@pytest.mark.guarantee(
    "inquiries",
    "each inquiry is answered within 2 s: unknown code, no code, over the limit, service off",
)
def test_every_other_reply(client, dossier, configure):
    dossier("7777")
    dossier("7777", TU_PHAP, msisdn="+84912345679", step_name="Ký duyệt")
    dossier("160915001", due_at=None)
    dossier("HĐ-0012", step_name=None)
    assert ask(client, "MCKH") == ask(client, "") == ask(client, "MCKH xin chao") == HELP
    assert ask(client, "MCKH 160915009.") == unknown("160915009")
    assert ask(client, "MCKH bit.ly/a1 ") == unknown("...")
    assert ask(client, "mckh 7777") == several("7777")
    assert ask(client, "mckh 7777 H32.30") == told("7777")
    assert "(7777) hiện đang ở bước Ký duyệt" in ask(client, "mckh 7777", sender="84912345679")
    assert ask(client, "MCKH l6O9l5OOI") == told("160915001", punctuality="chua co ngay hen tra")
    assert ask(client, "mckh hđ-0012") == told("HD-0012", "Dang xu ly")
    configure(MOTCUA_INQUIRIES_ACCENTED="true")
    assert ask(client, "MCKH").startswith("Soạn tin: MCKH (mã số hồ sơ)")


def test_code_that_a_source_writes_oddly_is_found(client, dossier, rows):
    """A citizen's plain spelling must find a code that a source writes with other dashes, blanks or letters."""
    for number, odd in enumerate(("HĐ–001{}", "HD—001{}", "hđ-\u00a0001{}", "HĐ−OO1{}", "HD_-001{}")):
        code = odd.format(number)
        dossier(code)
        assert rows("SELECT motcua.code_key(%s) AS key", code) == [{"key": code_key(fold(code))}]
        assert "hien dang o buoc" in ask(client, f"mckh hđ-001{number}"), code


def test_code_of_more_agencies_than_a_province_has_is_answered(client, dossier, rows):
    """If hundreds of agencies use a code, the reply is about the dossier of the sender's phone or the named agency."""
    rows("INSERT INTO motcua.agencies (agency_code, name) SELECT '9.' || n, 'x' FROM generate_series(1, 300) AS n")
    for n in range(1, 301):
        dossier("0012/2016", f"9.{n}", step_name=f"B{n}", msisdn="+84905123456" if n == 300 else None)
    assert ask(client, "MCKH 0012/2016") == told("0012/2016", "B300")
    assert ask(client, "MCKH 0012/2016 9.299") == told("0012/2016", "B299")


@pytest.mark.guarantee("inquiries", "the time limit of a suspended dossier does not go on")
def test_newer_of_row_and_transition_decides_and_the_clock_stands_as_it_stopped(client, dossier, rows):
    """The reply names the newest known step. A dossier's time limit does not go on while the dossier is suspended."""
    number = dossier("160915001", due_at="2026-11-20 10:00+07", updated_at="2026-11-01 10:00+07")

    def move(status, step, at, sequence):
        rows(
            "INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, to_step,"
            " status_code, at_one_stop_desk, occurred_at, recorded_at, picked_up_at)"
            " VALUES (1, %s, %s, %s, %s, %s, false, %s, %s, now())",
            *(sequence, number, sequence, step, status, at, at),
        )

    assert ask(client, "MCKH 160915001") == told("160915001", punctuality="Tre han")
    move(5, "Chờ bổ sung", "2026-11-10 10:00+07", 1)
    assert ask(client, "MCKH 160915001") == told("160915001", "Cho bo sung")
    move(6, "Chờ nộp thuế", "2026-11-22 10:00+07", 2)
    assert ask(client, "MCKH 160915001") == told("160915001", "Cho nop thue")
    move(4, "Thẩm định", "2026-11-23 10:00+07", 3)
    assert ask(client, "MCKH 160915001") == told("160915001", punctuality="Tre han")
    move(8, "Dừng xử lý", "2026-11-24 10:00+07", 4)
    assert ask(client, "MCKH 160915001") == told("160915001", "Dung xu ly", "Tre han")


def test_result_released_in_time_stays_on_time_when_it_is_fetched_later(client, dossier, rows):
    """A dossier is on time if a step shows its result before the due time, even if the citizen fetches it later."""
    number = dossier(
        "160915001",
        status_code=10,
        step_name="Đã trả kết quả",
        due_at="2026-11-20 10:00+07",
        returned_at="2026-11-23 10:00+07",
        updated_at="2026-11-23 10:00+07",
    )
    assert ask(client, "MCKH 160915001") == told("160915001", "Da tra ket qua", "Tre han")
    rows(
        "INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code,"
        " at_one_stop_desk, occurred_at, recorded_at, picked_up_at) SELECT 1, n, %s, n, 8 + n, true, at, at, now()"
        " FROM (VALUES (1, timestamptz '2026-11-19 10:00+07'), (2, '2026-11-23 10:00+07')) AS moves (n, at)",
        number,
    )
    assert ask(client, "MCKH 160915001") == told("160915001", "Da tra ket qua")


@pytest.mark.guarantee(
    "inquiries",
    "an inquiry is counted once with one reply, however often it is delivered; there are as many replies as inquiries",
)
def test_repeat_gets_the_same_reply_and_is_counted_once(client, dossier, rows):
    dossier("160915001")
    first = ask(client, "MCKH 160915001", id="one")
    rows("UPDATE motcua.dossiers SET step_name = 'Ký duyệt'")
    assert ask(client, "MCKH 160915001", id="one") == first
    assert ask(client, "MCKH 160915001", id="two") != first
    at = str(int(time.time()))
    without_id = [ask(client, "MCKH 160915001", id="", time=at) for _ in range(3)]
    assert len(set(without_id)) == 1
    assert len(rows("SELECT 1 FROM motcua.inquiries")) == 3
    assert len(rows("SELECT 1 FROM motcua.messages WHERE kind = 'reply'")) == 3


@pytest.mark.guarantee(
    "inquiries",
    "an inquiry is counted once with one reply, however often it is delivered; there are as many replies as inquiries",
)
def test_repeats_at_the_same_moment_are_counted_once(client, dossier, rows):
    dossier("160915001")
    barrier = threading.Barrier(8)

    def at_once(_):
        barrier.wait()
        return ask(client, "MCKH 160915001", id="same")

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(at_once, range(8))) == {told("160915001")}
    assert len(rows("SELECT 1 FROM motcua.inquiries")) == 1
    assert len(rows("SELECT 1 FROM motcua.messages")) == 1


def test_phone_above_its_daily_limit_gets_that_reply_until_midnight_in_khanh_hoa(client, dossier, rows, configure):
    dossier("160915001")
    configure(MOTCUA_INQUIRIES_PER_PHONE="3")
    replies = [ask(client, f"MCKH 16091500{n}") for n in range(5)]
    assert replies[:3] == [unknown("160915000"), told("160915001"), unknown("160915002")]
    assert replies[3:] == [LIMIT, LIMIT]
    assert ask(client, "MCKH 160915001", sender="0912000111") == told("160915001")
    rows("ALTER TABLE motcua.inquiries DISABLE TRIGGER keep_inquiry")
    midnight = "date_trunc('day', now(), 'Asia/Ho_Chi_Minh')"
    rows(f"UPDATE motcua.inquiries SET received_at = {midnight}")
    assert ask(client, "MCKH 160915001") == LIMIT
    rows(f"UPDATE motcua.inquiries SET received_at = {midnight} - interval '1 s'")
    assert ask(client, "MCKH 160915001") == told("160915001")


@pytest.mark.guarantee("inquiries", "a phone's limit also holds for simultaneous inquiries, and delays no other phone")
def test_limit_of_a_phone_holds_when_it_asks_at_once_and_others_are_answered_meanwhile(
    client, dossier, rows, configure
):
    dossier("160915001")
    configure(MOTCUA_INQUIRIES_PER_PHONE="5")
    barrier = threading.Barrier(24)

    def at_once(number):
        barrier.wait()
        return ask(client, "MCKH 160915001", sender="0912000111" if number == 23 else PHONE)

    with ThreadPoolExecutor(24) as threads:
        *replies, other = threads.map(at_once, range(24))
    assert other == told("160915001")
    # On a busy machine, the last texts in the queue get the reply that the system is busy.
    assert 0 < replies.count(told("160915001")) <= 5
    assert set(replies) <= {told("160915001"), LIMIT, BUSY}
    until(lambda: len(rows("SELECT 1 FROM motcua.inquiries")) == 24)


@pytest.mark.guarantee(
    "inquiries", "an inquiry whose sender is no phone number is answered and counted once, and no sender is stored"
)
def test_sender_that_is_no_number_is_answered_counted_once_and_stored_as_none(client, dossier, rows, configure):
    dossier("160915001")
    configure(MOTCUA_INQUIRIES_PER_PHONE="1")
    at = str(int(time.time()))
    senders = ("MotcuaSMS", "9029", "")
    for sender in senders:
        for _ in range(2):
            assert ask(client, "MCKH 160915001", sender=sender, id="", time=at) == told("160915001")
        assert ask(client, "MCKH 160915001", sender=sender) == told("160915001"), (
            "the limit must count phone numbers only"
        )
    kept = rows(
        "SELECT i.msisdn AS asked, m.msisdn AS told"
        " FROM motcua.inquiries AS i JOIN motcua.messages AS m USING (message_id)"
    )
    assert kept == [{"asked": None, "told": None}] * 2 * len(senders)


def test_inquiry_above_the_gateways_limit_a_minute_is_answered_and_counted(client, dossier, rows, configure):
    dossier("160915001")
    configure(MOTCUA_INQUIRIES_PER_GATEWAY="2")
    replies = [ask(client, "MCKH 160915001", sender=f"090512345{n}") for n in range(4)]
    assert replies == [told("160915001")] * 2 + [BUSY] * 2
    outcomes = [each["outcome"] for each in rows("SELECT outcome FROM motcua.inquiries ORDER BY 1")]
    assert outcomes == ["answered"] * 2 + ["too_many"] * 2


def test_inquiry_to_the_service_that_is_switched_off_is_answered_and_counted(client, dossier, rows, configure):
    dossier("160915001")
    configure(MOTCUA_INQUIRIES_ON="false")
    assert ask(client, "MCKH 160915001") == OFF
    assert rows("SELECT outcome, fee FROM motcua.inquiries") == [{"outcome": "service_off", "fee": 1000}]


STOPPED = "Tra cuu ho so qua dau so 9029 dang tam dung. Ong/Ba vui long lien he Bo phan Mot cua."


@pytest.mark.guarantee("stops", "while replies are stopped each inquiry is answered by one fixed sentence")
def test_inquiry_is_answered_by_one_sentence_while_replies_are_stopped(client, dossier, rows):
    dossier("160915001")
    dossier("160915002", TU_PHAP, step_name="Tham dinh")
    rows("UPDATE motcua.agencies SET accented = FALSE")
    answered = [told("160915001"), told("160915002"), HELP]
    for kind, agency, replies in (
        ("reply", None, [STOPPED] * 3),
        (None, None, [STOPPED] * 3),
        ("reply", TU_PHAP, [told("160915001"), STOPPED, HELP]),
        ("result", None, answered),
    ):
        now = datetime.now(UTC)
        made = stop(kind=kind, agency=agency, until=now + timedelta(hours=1), reason="sai", stopped_by="lan", now=now)
        assert [ask(client, text) for text in ("MCKH 160915001", "MCKH 160915002", "chao")] == replies
        counted = rows("SELECT outcome, fee FROM motcua.inquiries ORDER BY inquiry_id DESC LIMIT 3")[::-1]
        assert [row["outcome"] == "service_off" for row in counted] == [reply == STOPPED for reply in replies]
        assert {row["fee"] for row in counted} == {1000}
        go(made.stop_id, ended_by="lan", now=datetime.now(UTC))
        assert ask(client, "MCKH 160915002") == told("160915002")


@pytest.mark.guarantee(
    "inquiries", "after an internal error the inquiry is answered, logged without its number, and counted"
)
def test_what_breaks_inside_is_answered_logged_without_the_number_and_counted(client, rows, monkeypatch, caplog):
    with monkeypatch.context() as broken:
        broken.setattr(answering, "find_dossiers", lambda *_: 1 / 0)
        assert ask(client, "MCKH 160915001") == BUSY
    assert "0905***456" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert not any(words in caplog.text for words in (PHONE, PHONE[1:], "160915001", WORD))
    counted = until(lambda: rows("SELECT outcome, fee FROM motcua.inquiries"))
    assert counted == [{"outcome": "error", "fee": 1000}]


@pytest.mark.guarantee(
    "inquiries", "each inquiry is answered within 2 s while the ledger is down or hangs, and counted on its return"
)
def test_ledger_that_is_away_costs_no_reply_and_is_counted_on_its_return(client, dossier, rows, monkeypatch):
    dossier("160915001")
    ask(client, "MCKH 160915001")

    def away():
        raise psycopg.OperationalError("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(answering.quick_connections, "get", away)
        started = time.monotonic()
        assert ask(client, "MCKH 160915001", id="during") == BUSY
        assert time.monotonic() - started < 2
    until(lambda: rows("SELECT 1 FROM motcua.inquiries WHERE outcome = 'error'"))
    # A text that is delivered again is not counted again and gets the same reply.
    assert ask(client, "MCKH 160915001", id="during") == BUSY
    assert len(rows("SELECT 1 FROM motcua.inquiries")) == 2


def test_connections_cut_by_the_server_are_opened_anew(client, dossier, rows):
    """A citizen must get a reply although PostgreSQL has ended the callbacks app's connections."""
    dossier("160915001")
    for _ in range(3):
        assert ask(client, "MCKH 160915001") == told("160915001")
        rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'motcua_app' AND datname = current_database()"
        )
    assert ask(client, "MCKH 160915001") == told("160915001")


@pytest.mark.guarantee(
    "inquiries", "each inquiry is answered within 2 s while the ledger is down or hangs, and counted on its return"
)
def test_ledger_that_hangs_is_not_waited_for(client, dossier, rows, ledger):
    dossier("160915001")
    ask(client, "MCKH 160915001")
    with psycopg.connect(ledger) as holding:
        holding.execute("LOCK TABLE motcua.inquiries IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert ask(client, "MCKH 160915001") == BUSY
        assert time.monotonic() - started < 2
    until(lambda: rows("SELECT 1 FROM motcua.inquiries WHERE outcome = 'error'"))


@pytest.mark.guarantee(
    "inquiries", "an inquiry between result and hand-over is stored as a fact for the rules of data quality"
)
def test_inquiry_after_the_result_was_told_is_kept_as_a_sign(client, dossier, rows):
    number = dossier("160915001", status_code=9, step_name="Trả kết quả")

    def is_sign():
        ask(client, "MCKH 160915001")
        return rows("SELECT told_result FROM motcua.inquiries ORDER BY inquiry_id DESC LIMIT 1")[0]["told_result"]

    assert not is_sign()
    rows("ALTER TABLE motcua.messages DISABLE TRIGGER enforce_message_move")
    rows(
        "INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code,"
        " at_one_stop_desk, occurred_at, recorded_at, picked_up_at) VALUES (1, 1, %s, 1, 9, true, now(), now(), now())",
        number,
    )
    rows(
        "INSERT INTO motcua.messages (kind, dossier_id, occasion, transition_id, state, text, template_id,"
        " template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,"
        " next_attempt_at, changed_at) VALUES ('result', %s, 'x', 1, 'delivered', 'x', 'result', 1, '{}', false, 1,"
        " now(), now(), now(), now(), now(), now())",
        number,
    )
    assert is_sign()
    rows("UPDATE motcua.dossiers SET returned_at = now()")
    assert not is_sign()


@pytest.mark.guarantee(
    "inquiries",
    "an inquiry is counted once with one reply, however often it is delivered; there are as many replies as inquiries",
)
def test_identity_counts_a_reply_for_each_inquiry(client, dossier):
    from motcua.store.oversight.accounting import identity

    dossier("160915001")
    ask(client, "MCKH 160915001")
    ask(client, "MCKH")
    found = [row for row in in_ledger(identity) if row.kind == "reply"]
    assert [(row.agency_code, row.expected, row.accepted, row.difference) for row in found] == [
        ("", 1, 1, 0),
        (NHA_TRANG, 1, 1, 0),
    ]


def test_inquiries_are_append_only(client, rows):
    ask(client, "MCKH 160915001")
    for change in (
        "DELETE FROM motcua.inquiries",
        "UPDATE motcua.inquiries SET fee = 0",
        "UPDATE motcua.inquiries SET text = 'x'",
        "UPDATE motcua.inquiries SET msisdn = NULL, text = NULL, asked_code = NULL",
    ):
        with pytest.raises(psycopg.DatabaseError, match="append-only"):
            rows(change)


def test_only_a_reply_may_begin_as_accepted(rows):
    """Only a reply may be inserted as accepted; any other message must be planned and sent first."""
    columns = (
        "occasion, state, text, template_id, template_version, parameters, accented, segments, occurred_at,"
        " recorded_at, planned_at, useful_until, next_attempt_at, changed_at"
    )
    values = "'x', 'accepted', 'x', 'x', 1, '{}', false, 1, now(), now(), now(), now(), now(), now()"
    rows(f"INSERT INTO motcua.messages (kind, {columns}) VALUES ('reply', {values})")
    with pytest.raises(psycopg.DatabaseError, match="may not begin as accepted"):
        rows(f"INSERT INTO motcua.messages (kind, {columns}) VALUES ('apology', {values})")


# ---------------------------------------------------------------- who may ask


def esms_fields(content="MCKH 160915001", key=KEY, **changes):
    fields = {
        "sender": "84905123456",
        "content": content,
        "serviceNumber": "9029",
        "keyword": "MCKH",
        "cpid": "77",
        "smsid": "s-1",
        "receiverTime": "20261125100000",
    }
    signed = fields["cpid"] + fields["smsid"] + fields["content"] + fields["receiverTime"] + key
    fields["sign"] = base64.b64encode(hashlib.md5(signed.encode()).digest()).decode()
    return fields | changes


def test_esms_is_answered_in_its_xml_by_its_signature(client, dossier, rows):
    dossier("160915001", step_name="Thẩm định & ký <1>")
    answer = client.get("/gateway/inquiries/esms", params=esms_fields())
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    reply = ElementTree.fromstring(answer.text)
    assert {field.tag: field.text for field in reply} == {
        "Message": told("160915001", "Tham dinh & ky <1>"),
        "Smsid": "s-1",
        "Receiver": "84905123456",
    }
    assert reply.tag == "ClientResponse"
    assert client.get("/gateway/inquiries/esms", params=esms_fields()).text == answer.text
    assert len(rows("SELECT 1 FROM motcua.inquiries")) == 1


@pytest.mark.guarantee("inquiries", "inquiries of callers without the right secret or signature are refused")
def test_forged_signature_is_refused(client, rows):
    for changes in ({"sign": ""}, {"sign": "x"}, {"content": "MCKH 160915002"}, {"smsid": "s-2"}, {"sign": "é\ufffd"}):
        for more in ({}, SECRET):
            asked = esms_fields() | changes | more
            assert client.get("/gateway/inquiries/esms", params=asked).status_code == 401, asked
    assert client.get("/gateway/inquiries/esms", params=esms_fields(key="other")).status_code == 401
    assert rows("SELECT 1 FROM motcua.inquiries") == []


@pytest.mark.guarantee(
    "inquiries", "no text and no caller causes an internal error, not even a signed inquiry with a NUL character"
)
def test_nul_in_a_rightly_signed_inquiry_is_answered_and_left_out(client, dossier, rows):
    dossier("160915001")
    for name in ("content", "smsid", "cpid"):
        fields = {"content": "MCKH 160915001", "smsid": "s-1", "cpid": "77"}
        fields[name] += "\x00"
        signed = "".join(fields[part] for part in ("cpid", "smsid", "content")) + "20261125100000" + KEY
        fields["sign"] = base64.b64encode(hashlib.md5(signed.encode()).digest()).decode()
        answer = client.get("/gateway/inquiries/esms", params=esms_fields() | fields)
        assert (answer.status_code, told("160915001") in answer.text) == (200, True), name
    kept = rows("SELECT DISTINCT text, gateway_message_id = motcua.provider_id('s-1') AS is_it FROM motcua.inquiries")
    assert kept == [{"text": "MCKH 160915001", "is_it": True}]


@pytest.mark.guarantee(
    "callbacks", "a secret in the body does not authenticate a caller; if the query is signed, the body is ignored"
)
def test_body_beside_a_signed_query_changes_nothing_of_it(client, dossier, rows):
    dossier("160915001")
    answer = client.post("/gateway/inquiries/esms", params=esms_fields(), data={"content": "MCKH 160915002"})
    assert told("160915001") in answer.text


def test_signature_with_an_unescaped_plus_is_right(client, rows):
    """eSMS may send the plus sign of its signature unescaped, which a web server reads as a blank."""
    signed = next(fields for n in range(1000) if "+" in (fields := esms_fields(f"MCKH 16091{n}"))["sign"])
    target = "/gateway/inquiries/esms?" + urlencode(signed, safe="+/=").replace("MCKH ", "MCKH%20")
    assert "+" in target
    assert client.get(target).status_code == 200


def test_gateway_without_key_and_secret_is_closed(client):
    assert client.get("/gateway/inquiries/open", params=esms_fields(secret="x")).status_code == 503
    assert client.get("/gateway/inquiries/open", params=esms_fields()).status_code == 401


def test_hmac_covers_query_and_body(client, dossier):
    """A signed request must be refused if its body differs from the body that was signed."""
    dossier("160915001")
    query = urlencode({"sender": PHONE, "text": "MCKH 160915001"})

    def call(signed, body=b""):
        signature = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
        return client.post(
            f"/gateway/inquiries/signed?{query}", content=body, headers={callbacks.SIGNATURE_HEADER: signature}
        )

    assert call(query.encode() + b"\n").text == told("160915001")
    assert call(query.encode() + b"\nbody", b"body").status_code == 200
    assert call(query.encode() + b"\nbody", b"other").status_code == 401
    assert client.get(f"/gateway/inquiries/signed?{query}&secret={WORD}").status_code == 401


def test_caller_outside_the_networks_is_refused_whatever_it_knows_and_one_inside_let_in(client, rows, configure):
    for gateway in ("near", "spoilt"):
        for path in ("inquiries", "receipts"):
            assert client.get(f"/gateway/{path}/{gateway}", params=SECRET).status_code == 401
    assert rows("SELECT 1 FROM motcua.receipts UNION ALL SELECT 1 FROM motcua.inquiries") == []
    extra = {"callback_secret": WORD, "allowed_networks": "10.0.0.0/8, 127.0.0.1"}
    configure(AIRFLOW_CONN_SMS_HERE=json.dumps({"conn_type": "http", "host": "h", "extra": extra}))
    assert client.get("/gateway/inquiries/here", params=SECRET).text == HELP


def addresses(client):
    """Return the running app's cache of gateway connections."""
    (mounted,) = (route for route in client.app.routes if route.path == "/gateway")
    return mounted.app.state.resources.addresses


def test_gateway_whose_connection_cannot_be_read_anew_is_still_known(client, lookups):
    """If Airflow's database is down, citizens still get replies through a gateway whose connection was read before."""
    assert client.get(URL, params=SECRET).text == HELP
    read_at, gateway = addresses(client)["kannel"]
    lookups.append(lambda _: 1 / 0)
    for age in (20, 90):
        addresses(client)["kannel"] = (read_at - age, gateway)
        assert client.get(URL, params=SECRET).text == HELP
    addresses(client)["kannel"] = (read_at - 4000, gateway)
    assert client.get(URL, params=SECRET).status_code == 401


def test_address_that_hangs_when_read_anew_is_not_waited_for(client, lookups):
    """A reply must not wait while the gateway's connection is read again from a hanging database."""
    assert client.get(URL, params=SECRET).text == HELP
    read_at, gateway = addresses(client)["kannel"]
    released = threading.Event()
    lookups.append(lambda _: released.wait(10) and gateway)
    addresses(client)["kannel"] = (read_at - 90, gateway)
    started = time.monotonic()
    try:
        assert client.get(URL, params=SECRET).text == HELP
        assert time.monotonic() - started < 2
    finally:
        released.set()


def test_changed_secret_counts_after_a_minute_at_most(client, monkeypatch):
    """A gateway's old secret must stop working within a minute after the connection was changed."""
    assert client.get(URL, params=SECRET).status_code == 200
    changed = {"conn_type": "http", "host": "h", "extra": {"callback_secret": "another"}}
    monkeypatch.setenv("AIRFLOW_CONN_SMS_KANNEL", json.dumps(changed))
    read_at, gateway = addresses(client)["kannel"]
    addresses(client)["kannel"] = (read_at - 61, gateway)
    assert client.get(URL, params=SECRET).status_code == 401
    assert client.get(URL, params={"secret": "another"}).status_code == 200


# ---------------------------------------------------------------- arbitrary input


word = st.text(max_size=60)
names = st.sampled_from(
    [
        "sender",
        "text",
        "id",
        "time",
        "to",
        "secret",
        "sign",
        "content",
        "smsid",
        "cpid",
        "receiverTime",
        "reference",
        "status",
    ]
)


@pytest.mark.guarantee(
    "inquiries", "no text and no caller causes an internal error, not even a signed inquiry with a NUL character"
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["inquiries", "receipts"]),
    gateway=st.sampled_from(["kannel", "esms", "signed", "near"]) | st.text(min_size=1, max_size=20),
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD"]),
    fields=st.dictionaries(names | word, word, max_size=8),
    query_tail=st.text(alphabet="%0123456789abcdefABCDEF&=+;.-xyz", max_size=80),
    raw=st.binary(max_size=200),
    known=st.booleans(),
)
def test_nothing_that_comes_is_an_error_inside(client, path, gateway, method, fields, query_tail, raw, known):
    query = urlencode(fields | (SECRET if known else {}), errors="replace")
    target = f"/gateway/{path}/{urlencode({'': gateway}, errors='replace')[1:]}?{query}"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        client.request(method, target),
        client.request(method, f"{target}&{query_tail}"),
        client.request("POST", target, content=raw, headers=kind),
    ]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    if known and gateway == "kannel" and path == "inquiries" and method in ("GET", "POST"):
        assert answers[0].status_code == 200
        assert answers[0].text


def test_server_around_the_app_is_left_no_query_to_log(client):
    """The app must empty the query in the ASGI scope, from which Airflow's access log reads it after the request."""
    left = []

    async def server(scope, receive, send):
        await callbacks.create_standalone()(scope, receive, send)
        left.append(scope["query_string"])

    http = TestClient(server, client=("127.0.0.1", 50000))
    for path in ("inquiries/kannel", "inquiries/none", "receipts/kannel", "nothing"):
        answer = http.get(f"/gateway/{path}", params={"sender": PHONE, "text": "MCKH"} | SECRET)
        assert answer.text == HELP or path != "inquiries/kannel"
    assert left == [b""] * 4
