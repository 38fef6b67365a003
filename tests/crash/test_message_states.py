"""Test that the state of each message is true after any sequence of events.

The test does random acts on a real ledger, and checks invariants after each act. The allowed changes of state are
listed here independently of the product. The test's own gateway records which messages it accepted, so this record
does not depend on the ledger.
"""

from __future__ import annotations

import secrets
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from motcua.domain.run_window import EVERYTHING, Window
from motcua.gateways.adapter import GatewayAddress, GatewayAnswer, GatewayCall, ReceiptReading
from motcua.gateways.kannel import KannelGateway
from motcua.jobs.notices import settling
from motcua.jobs.notices.planning import plan
from motcua.jobs.notices.receiving import store_and_read_receipt
from motcua.jobs.notices.sending import sender as sending
from motcua.jobs.notices.sending.sender import send
from motcua.jobs.notices.settling import settle
from motcua.jobs.notices.stopping import release
from motcua.settings import settings as motcua_settings
from motcua.store.notices import attempts, messages
from motcua.store.notices.gateways import ensure_gateway, start_gateway
from motcua.store.oversight.accounting import identity
from tests.ground import NHA_TRANG, in_ledger

MOVES = {
    "queued": "queued sending cancelled suppressed expired accepted delivered undelivered",
    "sending": "accepted rejected queued unknown delivered undelivered",
    "unknown": "accepted delivered undelivered rejected queued",
    "accepted": "delivered undelivered unconfirmed",
    "unconfirmed": "delivered undelivered",
    "undelivered": "delivered queued",
    "rejected": "queued",
    "suppressed": "queued suppressed",
    "delivered": "",
    "cancelled": "",
    "expired": "",
}
ONLY_FOR = {
    ("delivered", "undelivered"): "part_refused",
    ("cancelled", "queued"): "confirmed",
    ("expired", "queued"): "confirmed",
} | {
    (before, after): "late_receipt"
    for before in ("expired", "cancelled", "suppressed", "rejected")
    for after in ("accepted", "delivered")
}
ONLY_FOR |= {
    (before, "unknown"): "restored"
    for before in ("queued", "suppressed", "cancelled", "expired", "rejected", "undelivered")
}
MAY_BEGIN = {"suppressed", "cancelled", "expired", "queued"}
FORBIDDEN = sorted(
    (before, after) for before in MOVES for after in MOVES if after not in MOVES[before].split() and after != before
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANSWERS = {
    # Name of an answer → whether the gateway accepts the message, and what it answers.
    "takes it": (True, GatewayAnswer("accepted", 202)),
    "takes it and is silent": (True, GatewayAnswer("unknown")),
    "is silent": (False, GatewayAnswer("unknown")),
    "is busy": (False, GatewayAnswer("transient", 503)),
    "is busy for long": (False, GatewayAnswer("transient", 429, retry_after=1800)),
    "refuses the number": (False, GatewayAnswer("phone", 400)),
    "refuses the account": (False, GatewayAnswer("configuration", 403)),
    "refuses the message": (False, GatewayAnswer("configuration", 400, concerns="message")),
    "refuses the carrier": (False, GatewayAnswer("configuration", 403, concerns="carrier")),
    "breaks": (True, RuntimeError("the adapter's own mistake")),
}
STATUSES = ["1", "2", "4", "8", "16", "34", "nonsense", ""]


class Provider(KannelGateway):
    """A gateway in this process that answers by a script and remembers the accepted messages.

    Depending on the test, it can be asked for an outcome, refuses repeats, or calls a function once before it answers.
    """

    can_be_asked = False

    def __init__(self, address):
        super().__init__(address)
        self.script = []
        self.taken = Counter()
        self.disturb = lambda: None

    def submit(self, session, message):
        disturb, self.disturb = self.disturb, lambda: None
        disturb()
        if self.refuses_repeats_for and self.taken[message.reference]:
            return GatewayAnswer("duplicate", 409)
        takes, answer = ANSWERS[self.script.pop(0) if self.script else "takes it"]
        self.taken[message.reference] += takes
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, session, attempt):
        meaning = "delivered" if self.taken[attempt.reference] else "absent"
        return ReceiptReading(attempt.reference, "1" if meaning == "delivered" else "absent", meaning, {})


class Messages(RuleBasedStateMachine):
    """Random acts of senders, gateways, citizens' phones, the desk, operators and time."""

    ledger = ""
    provider: Provider

    def __init__(self):
        super().__init__()
        self.start = self.now = datetime.now(UTC)
        self.dossiers = self.runs = 0
        self.rows = psycopg.connect(self.ledger, autocommit=True, row_factory=psycopg.rows.dict_row)
        self.rows.execute(CLEAN)
        # A journal with more messages than the emptied ledger would look like a restore, so the journal is removed too.
        shutil.rmtree(motcua_settings().journal_folder, ignore_errors=True)

    def teardown(self):
        self.rows.close()

    def all(self, query, *values):
        return self.rows.execute(query, values or None).fetchall()

    @initialize(
        can_be_asked=st.booleans(), hours=st.sampled_from([0, 0, 23]), when_unknown=st.sampled_from(["hold", "accept"])
    )
    def choose_provider(self, can_be_asked, hours, when_unknown):
        provider = Messages.provider
        provider.can_be_asked, provider.refuses_repeats_for = can_be_asked, timedelta(hours=hours)
        provider.address.extra["when_unknown"] = when_unknown
        provider.taken.clear()
        provider.script = []
        ensure_gateway(self.rows, "kannel")
        self.add_dossier(9, True)

    # The one-stop desk

    @precondition(lambda self: self.dossiers < 4)
    @rule(status=st.sampled_from([5, 9]), has_phone=st.booleans())
    def add_dossier(self, status, has_phone):
        self.dossiers += 1
        phone = (f"+8490512300{self.dossiers}", None) if has_phone else (None, "landline")
        self.all(
            "INSERT INTO motcua.dossiers (source_id, agency_code, dossier_code, msisdn, phone_refusal, picked_up_at)"
            " VALUES (1, %s, %s, %s, %s, %s) RETURNING dossier_id",
            NHA_TRANG,
            f"D-{self.dossiers}",
            *phone,
            self.now,
        )
        self.move(self.dossiers, status, True)

    @rule(dossier=st.integers(1, 4), status=st.sampled_from([4, 5, 9, 9]), desk=st.booleans())
    def move(self, dossier, status, desk):
        """Record a transition; it may start or end a condition that calls for a message."""
        self.all(
            "INSERT INTO motcua.transitions (source_id, source_transition_id, dossier_id, sequence, status_code,"
            " at_one_stop_desk, occurred_at, recorded_at, picked_up_at)"
            " SELECT 1, n, dossier_id, n, %s, %s, %s, %s, %s FROM motcua.dossiers,"
            " (SELECT count(*) + 1 AS n FROM motcua.transitions) AS c WHERE dossier_code = %s RETURNING 1",
            status,
            desk,
            self.now,
            self.now,
            self.now,
            f"D-{dossier}",
        )
        plan(now=self.now)

    @rule(dossier=st.integers(1, 4), good=st.booleans())
    def mend_or_spoil_phone(self, dossier, good):
        number = f"+84905{secrets.randbelow(10**6):06d}"
        values = (number, None) if good else (None, "too_short")
        self.all(
            "UPDATE motcua.dossiers SET msisdn = %s, phone_refusal = %s WHERE dossier_code = %s RETURNING 1",
            *values,
            f"D-{dossier}",
        )
        plan(now=self.now)

    @rule(passes=st.sampled_from([MINUTE, 20 * MINUTE, 20 * MINUTE, 6 * HOUR, DAY, 80 * HOUR]))
    def time_passes(self, passes):
        self.now += passes

    # Senders and operators

    @rule(script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=5), clear=st.booleans())
    def send(self, script, clear):
        self.runs += not clear
        self.provider.script = list(script)
        send(f"run {self.runs}", EVERYTHING, clock=lambda: self.now)

    @rule(script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=3), ago=st.sampled_from([HOUR, 2 * DAY]))
    def backfill(self, script, ago):
        self.provider.script = list(script)
        window = Window(self.now - ago, self.now + MINUTE)
        plan(window, now=self.now)
        send("backfill", window, clock=lambda: self.now)

    @rule(took_it=st.booleans())
    def sender_dies(self, took_it):
        """Write the rows that a sender leaves in the ledger if it is killed right after it committed an attempt."""
        queued = self.all(
            "SELECT m.message_id, d.msisdn FROM motcua.messages AS m JOIN motcua.dossiers AS d USING (dossier_id)"
            " WHERE m.state = 'queued' AND d.msisdn IS NOT NULL ORDER BY 1 LIMIT 1"
        )
        for row in queued:
            reference = secrets.token_hex(16)
            values = [messages.Departing(row["message_id"], reference, row["msisdn"], "Mobifone", 1)]
            sender_id = secrets.randbits(62)
            messages.begin_sending(self.rows, values)
            attempts.save_attempts(
                self.rows, values, gateway="kannel", sender_id=sender_id, run_id="died", now=self.now
            )
            self.provider.taken[reference] += took_it

    @rule(script=st.lists(st.sampled_from(sorted(ANSWERS)), max_size=3))
    def settle(self, script):
        self.provider.script = list(script)
        settle("settling", clock=lambda: self.now)

    @rule()
    def release(self):
        release("Trần Thị B", "nhà mạng báo chưa nhận", now=self.now)

    @rule()
    def start_gateway(self):
        start_gateway(self.rows, "kannel", changed_by="B", reason="mended")

    # Receipts

    @rule(which=st.integers(0, 20), status=st.sampled_from(STATUSES))
    def receipt(self, which, status):
        """Store a receipt for any attempt, even an old one, or for an unknown reference."""
        references = self.all("SELECT reference FROM motcua.attempts ORDER BY attempt_id")
        reference = references[which]["reference"] if which < len(references) else "f" * 32
        self.bring(reference, status)

    @rule(which=st.integers(0, 20))
    def report_that_there_is_no_route(self, which):
        """Store a receipt which says that the gateway never had a message; choose one that it really never had."""
        never_taken = [
            row["reference"]
            for row in self.all("SELECT reference FROM motcua.attempts WHERE state <> 'in_flight' ORDER BY attempt_id")
            if not self.provider.taken[row["reference"]]
        ]
        if which < len(never_taken):
            self.bring(never_taken[which], "16", "NACK/no SMSC")

    def bring(self, reference, status, reply=""):
        report = {"reference": reference, "status": status, "reply": reply}
        in_ledger(store_and_read_receipt, "kannel", self.provider.read_receipt(GatewayCall(report)))

    # SQL typed by hand

    @rule(place=st.integers(0, len(FORBIDDEN) - 1))
    def forbidden_move_by_hand(self, place):
        before, after = FORBIDDEN[place]
        for row in self.all("SELECT message_id FROM motcua.messages WHERE state = %s", before):
            with pytest.raises(psycopg.DatabaseError, match="may not move"):
                self.all(
                    "UPDATE motcua.messages SET state = %s, reason = 'kind_off' WHERE message_id = %s RETURNING 1",
                    after,
                    row["message_id"],
                )

    # Invariants that hold at every moment

    @invariant()
    def only_allowed_moves_happened(self):
        paths = defaultdict(list)
        for row in self.all("SELECT * FROM motcua.message_history ORDER BY history_id"):
            paths[row["message_id"]].append((row["from_state"], row["to_state"]))
            only_for = ONLY_FOR.get((row["from_state"], row["to_state"]), row["to_reason"])
            assert row["to_reason"] == only_for, row
        states = {row["message_id"]: row["state"] for row in self.all("SELECT message_id, state FROM motcua.messages")}
        assert states.keys() == paths.keys()
        for message_id, path in paths.items():
            assert path[0][0] is None
            assert path[0][1] in MAY_BEGIN
            for (_, reached), (before, after) in pairwise(path):
                assert before == reached
                allowed = after == before or after in MOVES[before].split() or (before, after) in ONLY_FOR
                assert allowed, (before, after)
            assert path[-1][1] == states[message_id]

    @invariant()
    def nothing_is_twice_on_its_way(self):
        allowed = Counter()
        for row in self.all(
            "SELECT message_id FROM motcua.releases UNION ALL SELECT message_id FROM motcua.message_history"
            " WHERE from_state IN ('undelivered', 'rejected') AND to_state = 'queued'"
        ):
            allowed[row["message_id"]] += 1
        taken = Counter()
        known = {row["reference"]: row for row in self.all("SELECT * FROM motcua.attempts")}
        for reference, times in self.provider.taken.items():
            assert times <= 1, "the same request was taken twice"
            if times:
                taken[known[reference]["message_id"]] += 1
        for message_id, times in taken.items():
            assert times <= 1 + allowed[message_id], (message_id, times, allowed)

    @invariant()
    def states_of_messages_and_attempts_agree(self):
        for row in self.all(OPEN_ATTEMPTS):
            found = (row["in_flight"], row["unknown"], row["taken"])
            match row["state"]:
                case "sending":
                    assert found == (1, 0, 0), row
                case "unknown":
                    assert found == (0, 1, 0), row
                case "accepted" | "unconfirmed" | "delivered":
                    # A person may have released the message, to be sent again. A receipt for the first attempt then
                    # still proves a delivery.
                    assert found == (0, 0, 1) or (found == (0, 0, 0) and row["taken_after_release"]), row
                case "expired" | "cancelled" | "suppressed":
                    assert found[:2] == (0, 0), row
                case _:
                    assert found == (0, 0, 0), row

    @invariant()
    def identity_balances(self):
        assert [row for row in identity(self.rows) if row.difference] == []


CLEAN = """
TRUNCATE motcua.journals, motcua.gaps, motcua.lost_attempts, motcua.dossiers, motcua.transitions, motcua.messages,
motcua.message_history, motcua.attempts,
motcua.receipts, motcua.receipt_readings, motcua.releases, motcua.gateway_stops RESTART IDENTITY CASCADE
"""
OPEN_ATTEMPTS = """
SELECT m.message_id, m.state, m.reason,
    count(*) FILTER (WHERE a.state = 'in_flight' AND NOT a.released) AS in_flight,
    count(*) FILTER (WHERE a.state = 'unknown' AND NOT a.released) AS unknown,
    count(*) FILTER (WHERE a.state IN ('accepted', 'delivered') AND NOT a.released) AS taken,
    count(*) FILTER (WHERE a.state IN ('accepted', 'delivered') AND a.released) AS taken_after_release
FROM motcua.messages AS m LEFT JOIN motcua.attempts AS a USING (message_id) GROUP BY m.message_id
"""


@pytest.fixture
def provider(configure, monkeypatch):
    configure(MOTCUA_GATEWAYS="kannel")
    address = GatewayAddress("kannel", "http://127.0.0.1:1", "a", "b", {"concurrency": 1})
    provider = Provider(address)
    monkeypatch.setattr(sending, "open_and_note", lambda ledger, name: ensure_gateway(ledger, name) or provider)
    monkeypatch.setattr(settling, "open_gateway", lambda name: provider)
    return provider


def test_changes_of_state_that_the_ledger_allows_are_those_typed_here(rows):
    stored = {
        (row["from_state"], row["to_state"]): row["only_for"] for row in rows("SELECT * FROM motcua.message_moves")
    }
    typed = {(before, after): None for before, afters in MOVES.items() for after in afters.split()}
    assert stored == typed | ONLY_FOR
    states = {row["state"]: row["may_begin"] for row in rows("SELECT * FROM motcua.message_states")}
    assert states == {state: state in MAY_BEGIN for state in MOVES}


def test_whatever_happens_states_tell_the_truth(ledger, agencies, provider, rows, monkeypatch):
    rows("INSERT INTO motcua.sources (name) VALUES ('khanhhoa')")
    monkeypatch.setattr(Messages, "ledger", ledger)
    monkeypatch.setattr(Messages, "provider", provider, raising=False)
    run_state_machine_as_test(
        Messages,
        settings=settings(
            max_examples=20,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
