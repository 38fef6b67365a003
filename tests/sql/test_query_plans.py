"""What is asked for again and again costs what there is to do, not what was ever kept: pages read, never a clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from motcua.domain.reconciliation import STATES
from motcua.store.ledger.provisioning import with_database
from motcua.store.ledger.queries import statement
from tests.ground import NOW
from tests.long_ledger import fill_ledger

Ledger = psycopg.Connection[DictRow]

A_DAY, SHORT, LONG = 500, 10, 40
"""Dossiers a day, and days."""
MOST = 1000
"""Pages, where a few rows are wanted."""
ALWAYS = {"start": None, "end": None}
YESTERDAY = {"start": datetime(2026, 11, 23, 17, tzinfo=UTC), "end": datetime(2026, 11, 24, 17, tzinfo=UTC)}
MINUTE = {"start": NOW - timedelta(hours=2), "end": NOW - timedelta(hours=2) + timedelta(minutes=1)}


@pytest.fixture(scope="module")
def ledgers(postgres, migrated) -> Iterator[tuple[Ledger, Ledger]]:
    """Two ledgers that are alike but for how long they have been kept."""
    names = ("plans_short", "plans_long")
    found = []
    for name, days in zip(names, (SHORT, LONG), strict=True):
        postgres.copy_database(migrated, name)
        dsn = with_database(postgres.admin_dsn, name)
        fill_ledger(dsn, NOW, days, A_DAY)
        found.append(psycopg.connect(dsn, row_factory=dict_row))
    yield found[0], found[1]
    for connection in found:
        connection.close()
    with psycopg.connect(postgres.admin_dsn, autocommit=True) as admin:
        for name in names:
            admin.execute(f"DROP DATABASE {name}")


def pages(ledger: Ledger, name: str, values: Mapping[str, Any], prepare: str = "") -> int:
    """Pages that a statement of ours reads, found in memory or not; nothing of what it does stays."""
    try:
        if prepare:
            ledger.execute(prepare)
        explained = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement(name)
        row = psycopg.ClientCursor(ledger, row_factory=dict_row).execute(explained, values).fetchone()
        plan = row["QUERY PLAN"][0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    finally:
        ledger.rollback()


def column(ledger: Ledger, query: str) -> list[Any]:
    return [next(iter(row.values())) for row in ledger.execute(query).fetchall()]


def young_dossiers(ledger: Ledger) -> list[int]:
    return column(ledger, "SELECT dossier_id FROM motcua.dossiers WHERE status_code = 9 ORDER BY 1 DESC LIMIT 10")


def receipts(ledger: Ledger) -> dict[str, Any]:
    """Of attempts of ours that no end is known of."""
    stored = column(
        ledger,
        "SELECT r.receipt_id FROM motcua.receipts AS r INNER JOIN motcua.attempts AS a"
        " ON r.gateway = a.gateway AND r.reference = a.reference ORDER BY 1 DESC LIMIT 10",
    )
    assert len(stored) == 10
    return {"meanings": json.dumps([{"receipt_id": each, "meaning": "delivered"} for each in stored]), "now": NOW}


def answers(ledger: Ledger) -> dict[str, Any]:
    """Of the newest attempts, some of which a receipt overtook."""
    young = column(ledger, "SELECT reference FROM motcua.attempts ORDER BY attempt_id DESC LIMIT 10")
    answer = {"attempt_state": "accepted", "outcome": "accepted", "http_status": 202, "answered_at": NOW.isoformat()}
    return {"rows": json.dumps([{"reference": each} | answer for each in young])}


def one_dossier(ledger: Ledger) -> dict[str, Any]:
    return {"dossier_id": young_dossiers(ledger)[0], "agencies": None, "now": NOW, "limit": 500}


OFTEN_TOLD = """
SET LOCAL session_replication_role = 'replica';
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, msisdn, status_code, at_one_stop_desk, picked_up_at
)
OVERRIDING SYSTEM VALUE
VALUES (900000, 1, 'H1', 'often', '+84905000000', 9, TRUE, now());
INSERT INTO motcua.transitions (
    transition_id, source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at,
    recorded_at, picked_up_at, planned_at, outcome
)
OVERRIDING SYSTEM VALUE
SELECT
    900000 + n, 1, 900000 + n, 900000, n, CASE n % 2 WHEN 1 THEN 9 ELSE 4 END, n % 2 = 1, now(), now(), now(), now(),
    'no_occasion'
FROM generate_series(1, 161) AS n;
INSERT INTO motcua.messages (
    message_id, kind, dossier_id, agency_code, occasion, transition_id, state, msisdn, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, accepted_at, changed_at, carrier
)
OVERRIDING SYSTEM VALUE
SELECT
    transition_id, 'result', 900000, 'H1', 'transition ' || transition_id, transition_id,
    CASE sequence WHEN 161 THEN 'queued' ELSE 'delivered' END, '+84905000000', 'Ho so', 'result', 1, '{}', FALSE, 1,
    now(), now(), now(), 'infinity', '2020-01-01', CASE WHEN sequence < 161 THEN now() END, now(), 'viettel'
FROM motcua.transitions WHERE dossier_id = 900000 AND at_one_stop_desk;
"""
"""A dossier whose citizen was told eighty times of a result that was taken back again; one more is queued."""


class Case(NamedTuple):
    """A statement, what it is given, what is done to the ledger before, and how many rows it has to look up."""

    name: str
    values: Callable[[Ledger], Mapping[str, Any]]
    prepare: str = ""
    looked_up: int = 0


def given(**values: Any) -> Callable[[Ledger], Mapping[str, Any]]:
    return lambda _: values


SHARE = {"gateway": "kannel", "carriers": ["viettel"], "registered": ["viettel"], "takes_unsorted": True}
BY_KEYS = statement("messages/claiming/plan_by_keys")
MENDED = (
    "UPDATE motcua.dossiers SET msisdn = '+84905000000', phone_refusal = NULL WHERE dossier_id IN ("
    " SELECT dossier_id FROM motcua.dossiers WHERE status_code = 9 AND msisdn IS NULL ORDER BY 1 DESC LIMIT 10)"
)
STOPPED = (
    "INSERT INTO motcua.stops (kind, stopped_at, until, stopped_by, reason)"
    " VALUES ('supplement', '2026-11-25 10:00+07', '2026-11-26 10:00+07', 'tests', 'tests')"
)
LONG_QUEUE = (
    "SET LOCAL session_replication_role = 'replica';"
    f" UPDATE motcua.messages SET state = 'queued', next_attempt_at = '{(NOW - timedelta(hours=1)).isoformat()}',"
    " useful_until = 'infinity' WHERE message_id IN ("
    "  SELECT message_id FROM motcua.messages WHERE carrier = 'viettel' ORDER BY message_id DESC LIMIT 1000);"
)
"""Those of the evening, at a gateway that takes nothing."""
UNPLANNED = (
    "SET LOCAL session_replication_role = 'replica';"
    " UPDATE motcua.transitions SET planned_at = NULL, outcome = NULL WHERE transition_id IN ("
    "  SELECT transition_id FROM motcua.transitions ORDER BY transition_id DESC LIMIT 1000);"
)
OVERTAKEN = (
    "UPDATE motcua.attempts SET state = 'delivered', outcome = 'receipt' WHERE attempt_id IN ("
    " SELECT attempt_id FROM motcua.attempts ORDER BY 1 DESC LIMIT 3)"
)
REFUSED = (
    "SET LOCAL session_replication_role = 'replica';"
    " WITH refused AS (UPDATE motcua.attempts SET state = 'failed', outcome = 'configuration', concerns = 'carrier',"
    f" answered_at = '{NOW.isoformat()}' WHERE attempt_id IN (SELECT attempt_id FROM motcua.attempts ORDER BY 1 DESC"
    " LIMIT 3) RETURNING message_id)"
    " UPDATE motcua.messages AS m SET carrier = 'itel' FROM refused AS r WHERE m.message_id = r.message_id"
)
"""Of a carrier to which no gateway takes anything."""
SET_ASIDE = (
    "UPDATE motcua.messages SET next_attempt_at = '2026-11-26 10:00+07', reason = 'stopped'"
    " WHERE state = 'queued' AND message_id % 2 = 0"
)
QUARANTINED = [
    {
        "row_kind": "transition",
        "row_key": str(number),
        "reason": "agency_unknown",
        "agency_code": "X",
        "dossier_code": f"Q{number}",
        "status_code": 4,
        "payload": {"agency_code": "X", "dossier_code": "Q"},
    }
    for number in range(501, 511)
]
OF_A_RUN = (
    "SET LOCAL session_replication_role = 'replica';"
    " INSERT INTO motcua.runs (dag_id, run_id) VALUES ('notify_transitions', 'run 100');"
    " UPDATE motcua.message_history SET run_no = 1 WHERE history_id IN ("
    "  SELECT history_id FROM motcua.message_history ORDER BY 1 DESC LIMIT 10);"
    " UPDATE motcua.quarantine SET run_no = 1 WHERE quarantine_id <= 10"
)
THE_RUN = {"run_no": 1, "run_id": "run 100", "agencies": None, "limit": 21}
LISTED = {"kind": None, "reason": None, "procedure_codes": None, "looked_at": 100, "most": 51, "of_no_agency": False}
FIRST = {"begins": None, "ends": None, "before_at": None, "before_id": None}
BEFORE = FIRST | {"before_at": NOW - timedelta(days=3), "before_id": 1}
DAY_LISTED = FIRST | {"begins": YESTERDAY["start"], "ends": YESTERDAY["end"]}
CELLS = {"agencies": ["H1", "H2"], "states": list(STATES)}
RARE = {"agencies": [f"H{number}" for number in range(1, 14)], "states": ["expired"]}
INQUIRIES = {
    "agencies": None,
    "outcome": None,
    "looked_at": 100,
    "most": 51,
    "begins": NOW - timedelta(days=7),
    "ends": NOW,
}
UNSERVED = {
    "carriers": ["viettel", "mobifone", "itel", ""],
    "gateways": ["kannel"] * 4,
    "firsts": [True] * 4,
    "held_by": [""] * 4,
    "since": [NOW - timedelta(minutes=1)] * 4,
    "due_by": NOW - timedelta(minutes=1),
    "now": NOW,
    "resting": [],
} | ALWAYS
IN_ORDER = statement("messages/browsing/plan_in_order")
CASES = [
    # Each pick-up.
    Case("sources/list", given()),
    Case("quarantine/curable", given(source_id=1, agency_codes=["H1"], status_codes=[1], now=NOW + timedelta(hours=1))),
    Case("quarantine/save", given(source_id=1, now=NOW, rows=json.dumps(QUARANTINED)), looked_up=10),
    Case("dossiers/status_mapped_since", given(source_id=1)),
    Case("dossiers/row_tells_more", lambda ledger: {"dossier_ids": young_dossiers(ledger)}, looked_up=10),
    Case("dossiers/without_history", lambda ledger: {"dossier_ids": young_dossiers(ledger), "now": NOW}, looked_up=10),
    Case("transitions/known", given(source_id=1, numbers=list(range(1000, 1010))), looked_up=10),
    Case(
        "old_steps/mark",
        lambda ledger: {"dossier_ids": young_dossiers(ledger), "now": NOW, "clock_skew": timedelta(minutes=5)},
        looked_up=10,
    ),
    Case("old_steps/to_judge", given(source_id=1, now=NOW)),
    Case("old_steps/judge", lambda ledger: {"dossier_ids": young_dossiers(ledger), "now": NOW}, looked_up=10),
    Case("old_steps/put_off", given(source_id=1, now=NOW)),
    # Each plan.
    Case("transitions/unplanned_dossiers", given(**ALWAYS, after=0, limit=1000)),
    Case("dossiers/lock_to_plan", lambda ledger: {"dossier_ids": young_dossiers(ledger), "now": NOW}, looked_up=10),
    Case("transitions/history", lambda ledger: {"dossier_ids": young_dossiers(ledger)}, looked_up=10),
    Case("messages/planning/of_dossiers", lambda ledger: {"dossier_ids": young_dossiers(ledger)}, looked_up=10),
    Case("messages/planning/reopen_mended", given(**ALWAYS, now=NOW)),
    Case("messages/planning/reopen_mended", given(**ALWAYS, now=NOW), MENDED, looked_up=10),
    Case("messages/planning/reopen_mended", given(**MINUTE, now=NOW)),
    Case("apologies/is_left", given(day="2026-11-24", evening_at=NOW)),
    # Each second of a watcher.
    Case("messages/claiming/left_waiting", given(gateways=["kannel"], due_by=NOW, now=NOW)),
    Case("messages/claiming/left_waiting", given(gateways=["kannel"], due_by=NOW, now=NOW), STOPPED),
    Case("sources/looking/watched", given(names=None)),
    Case("sources/looking/told", given(news="news", unread="unread", silent="silent")),
    # Each run of sending, and each claim in it.
    Case("receipts/unread", given(of_each=1_000)),
    Case("attempts/senders_in_flight", given()),
    Case(
        "messages/claiming/claim_due",
        given(**ALWAYS, **SHARE, now=NOW, limit=10, from_due=None, from_id=None),
        BY_KEYS,
        looked_up=10,
    ),
    # With a stop that covers none of them, and with one that has set a whole day's messages aside.
    Case(
        "messages/claiming/claim_due",
        given(**ALWAYS, **SHARE, now=NOW, limit=10, from_due=None, from_id=None),
        f"{STOPPED}; {SET_ASIDE}; {BY_KEYS}",
        looked_up=10,
    ),
    Case("attempts/apply_outcomes", answers, f"{OVERTAKEN}; {BY_KEYS}", looked_up=10),
    Case(
        "gateways/judge_carrier",
        given(gateway="kannel", carrier="itel", since=NOW - timedelta(hours=1), numbers=10),
        f"{REFUSED}; {BY_KEYS}",
        looked_up=10,
    ),
    Case("stops/set_aside", given(message_ids=list(range(1, 11)), now=NOW), f"{STOPPED}; {BY_KEYS}", looked_up=10),
    Case("stops/stopped_until", given(kind="reply", agency_code="H1", now=NOW), STOPPED),
    Case("messages/browsing/waiting", given(**ALWAYS, now=NOW, carriers=None)),
    Case("attempts/of_run", given(run_id="run 100")),
    # Each receipt and each inquiry.
    # PostgreSQL expects a hundred rows, and reads a table of this size rather than look so many up.
    # What is inside a function reads the catalogue when a session first asks, and never again.
    Case("receipts/apply", receipts, "SELECT motcua.apply_receipts('[]', now())", looked_up=100),
    Case(
        "inquiries/find_dossiers",
        given(phone="+84906000007", keys=["D1007"]),
        "SELECT motcua.asked_dossiers('{}', NULL)",
        looked_up=1,
    ),
    Case("inquiries/reply_given", given(gateway="kannel", dedupe_key="inquiry 1007")),
    # Each settling.
    Case("attempts/unsettled", given(**ALWAYS, gateway="kannel", now=NOW, limit=10)),
    Case("attempts/unreported", given(**ALWAYS, gateway="kannel", now=NOW, limit=10), looked_up=10),
    Case("attempts/assume_accepted", given(**ALWAYS, gateway="kannel", before=NOW, now=NOW)),
    Case("messages/outcomes/close_unconfirmed", given(**ALWAYS, gateway="kannel", before=NOW - timedelta(hours=72))),
    Case("messages/outcomes/expire", given(**ALWAYS, now=NOW)),
    Case("messages/outcomes/count_held", given(**ALWAYS, now=NOW, agencies=None)),
    # Each look of whoever watches.
    Case("metrics/takes_rows", given()),
    Case("metrics/open_checks", given()),
    Case("metrics/open_messages", given(most=10_000)),
    Case("metrics/queue_due", given(now=NOW)),
    Case("metrics/unknown_messages", given(most=10_000)),
    Case("metrics/unread_receipts", given(most=10_000)),
    Case("metrics/gateway_stops", given()),
    Case("metrics/sources", given(now=NOW)),
    Case("metrics/recorded_messages", given(since=NOW - timedelta(hours=10)), looked_up=10),
    Case("accounting/latency", given(since=NOW - timedelta(hours=1), limit=1000), looked_up=50),
    # Each look of the watch.
    Case("watch/enabled", given(now=NOW)),
    Case(
        "watch/evening_left",
        given(day="2026-11-24", evening_at=NOW - timedelta(hours=16, minutes=30)),
        looked_up=13,
    ),
    # An agency that has no dossier: everybody else's are not looked through for one.
    Case(
        "watch/evening_left",
        given(day="2026-11-24", evening_at=NOW - timedelta(hours=16, minutes=30)),
        "INSERT INTO motcua.agencies (agency_code, name, enabled_from) VALUES ('H99', 'Cơ quan mới', '2020-01-01')",
        looked_up=13,
    ),
    Case("watch/unknown", given(before=NOW - timedelta(hours=1), now=NOW, agencies=None)),
    Case("watch/high_marks", given()),
    Case("watch/receipts_of_gateways", given(since=NOW - timedelta(days=1), before=NOW - timedelta(minutes=15))),
    Case("watch/unknown_references", given(since=NOW - timedelta(hours=1))),
    Case("watch/delivered", given(start=NOW - timedelta(hours=4), end=NOW - timedelta(minutes=15)), looked_up=10),
    Case(
        "watch/news",
        given(
            names=["source_1", "source_2", "source_3"],
            begins=[NOW - timedelta(days=day, hours=3) for day in range(6)],
            ends=[NOW - timedelta(days=day) for day in range(6)],
            enough=5,
        ),
        looked_up=18,
    ),
    Case("watch/daily_work", given(checked_day="2026-11-25", closed_period="2026-11-24")),
    Case("watch/first_moment", given()),
    Case("watch/alerts", given(over_since=NOW, limit=1000)),
    Case("gateways/stops", given()),
    # Lists of messages and of inquiries: of what is common, of what is rare, of a day, of an agency, and of a run.
    Case("messages/browsing/newest", given(**LISTED, state=None, **FIRST), IN_ORDER, looked_up=51),
    Case("messages/browsing/newest", given(**LISTED, state=None, **DAY_LISTED), IN_ORDER, looked_up=51),
    Case("messages/browsing/newest", given(**LISTED, state=None, **BEFORE), IN_ORDER, looked_up=51),
    # Nothing is such: no more than may be looked at.
    Case("messages/browsing/newest", given(**LISTED | {"kind": "none"}, state=None, **FIRST), IN_ORDER, looked_up=100),
    Case(
        "messages/browsing/newest",
        given(**LISTED | {"of_no_agency": True}, state=None, **FIRST),
        IN_ORDER,
        looked_up=100,
    ),
    # From the other end, and where nothing is such.
    Case("messages/browsing/oldest", given(**LISTED, agencies=None, state=None, **FIRST), IN_ORDER, looked_up=51),
    Case("messages/browsing/oldest", given(**LISTED, agencies=None, state=None, **BEFORE), IN_ORDER, looked_up=51),
    Case("messages/browsing/oldest", given(**LISTED, agencies=["none"], state=None, **FIRST), IN_ORDER, looked_up=100),
    Case("messages/browsing/of_agencies", given(**LISTED, **CELLS, **FIRST), IN_ORDER, looked_up=51),
    Case("messages/browsing/of_agencies", given(**LISTED, **CELLS, **BEFORE), IN_ORDER, looked_up=51),
    Case(
        "messages/browsing/of_agencies",
        given(**LISTED | {"reason": "none"}, **CELLS, **DAY_LISTED),
        IN_ORDER,
        looked_up=100,
    ),
    Case("messages/browsing/of_agencies", given(**LISTED, **RARE, **FIRST), IN_ORDER, looked_up=51),
    Case(
        "messages/browsing/of_run",
        given(**LISTED, state=None, agencies=None, run_id="run 100", dag_id=None, **FIRST),
        looked_up=20,
    ),
    Case("messages/browsing/rows", given(message_ids=list(range(1001, 1051))), looked_up=50),
    Case(
        "inquiries/newest",
        given(**INQUIRIES, before_at=NOW - timedelta(days=3), before_id=1),
        IN_ORDER,
        looked_up=51,
    ),
    Case("inquiries/rows", given(inquiry_ids=list(range(101, 151))), looked_up=100),
    Case("inquiries/by_day", given(**INQUIRIES)),
    Case("inquiries/repeated_codes", given(**INQUIRIES, limit=20)),
    Case("inquiries/repeated_phones", given(**INQUIRIES, limit=20)),
    # The page about sending.
    Case("messages/outcomes/held", given(useful_at=NOW, limit=50, agencies=None, message_ids=None)),
    Case("messages/outcomes/releases", given(limit=50, agencies=None)),
    # The first page, and what waits for people.
    Case("messages/browsing/recorded_in", given(**YESTERDAY, agencies=None), looked_up=50),
    Case("messages/browsing/recorded_in", given(**YESTERDAY, agencies=["H1"]), looked_up=50),
    Case("apologies/became", given(evening_at=NOW - timedelta(hours=16, minutes=30), agencies=None), looked_up=10),
    Case("apologies/settled_agencies", given(evening_at=NOW - timedelta(hours=16, minutes=30), agencies=None)),
    Case("dossiers/are_any", given(agencies=None)),
    Case("dossiers/are_any", given(agencies=["of nobody", "H1"])),
    Case("quarantine/count_open", given(most=10_000)),
    Case("complaints/count_open", given(since=NOW - timedelta(days=90), agencies=["H1"])),
    Case("watch/unknown", given(before=NOW, now=NOW, agencies=["H1"])),
    Case("stops/waiting", given(now=NOW), f"{STOPPED}; {SET_ASIDE}", looked_up=10),
    Case("gateways/changes", given(limit=50)),
    Case("stops/list", given(in_force_at=None, limit=50), STOPPED),
    # The page about a run.
    Case("runs/find", given(run_id="run 100", dag_id="notify_transitions"), OF_A_RUN),
    Case("runs/moves", given(**THE_RUN), OF_A_RUN, looked_up=10),
    Case("runs/moves", given(**THE_RUN | {"agencies": ["H1", "H2"]}), OF_A_RUN, looked_up=10),
    Case("runs/attempts", given(**THE_RUN), OF_A_RUN, looked_up=10),
    Case("runs/messages", given(**THE_RUN), OF_A_RUN, looked_up=20),
    Case("runs/pick_ups", given(**THE_RUN), OF_A_RUN),
    Case("runs/quarantined", given(**THE_RUN), OF_A_RUN, looked_up=10),
    Case("runs/evenings", given(**THE_RUN), OF_A_RUN),
    Case("runs/stops", given(**THE_RUN), OF_A_RUN),
    Case("runs/closings", given(**THE_RUN), OF_A_RUN),
    Case("runs/checks", given(**THE_RUN), OF_A_RUN),
    Case("runs/statements", given(**THE_RUN), OF_A_RUN),
    Case("runs/mails", given(report="publication", numbers=[1, 2], agencies=None), OF_A_RUN),
    # A claim of one message whose dossier has eighty others, and its page, of as many rows.
    Case(
        "messages/claiming/claim_due",
        given(**ALWAYS, **SHARE, now=NOW, limit=1, from_due=None, from_id=None),
        f"{OFTEN_TOLD}; {BY_KEYS}",
        looked_up=10,
    ),
    # The page of a dossier.
    Case("dossiers/showing/find", given(keys=["D1007"], agencies=["H1"], agency_code=None, limit=100), looked_up=1),
    Case("dossiers/showing/find_by_phone", given(msisdn="+84906000007", agencies=None, limit=100), looked_up=10),
    Case("dossiers/showing/by_number", given(dossier_ids=[7], agencies=None, limit=100), looked_up=1),
    Case("dossiers/showing/unusable_rows", given(keys=["D1007"], agencies=None, agency_code=None, limit=100)),
    *(
        Case(f"dossiers/showing/{name}", one_dossier, looked_up=looked_up)
        for name, looked_up in (
            ("story", 5),
            ("messages", 5),
            ("transitions", 5),
            ("versions", 5),
            ("moves", 5),
            ("attempts", 5),
            ("receipts", 10),
            ("inquiries", 5),
            ("findings", 5),
            ("complaints", 5),
        )
    ),
    # Each gate, and each look of the watch; last, since what is queued for it leaves dead entries in others' indexes.
    Case("unserved/gateways", given(gateways=["kannel"], now=NOW)),
    Case("unserved/messages", given(**UNSERVED)),
    Case("unserved/messages", given(**UNSERVED), LONG_QUEUE),
    Case("unserved/messages", given(**UNSERVED), LONG_QUEUE + STOPPED.replace("'supplement'", "NULL")),
    Case("unserved/messages", given(**UNSERVED | MINUTE), LONG_QUEUE),
    Case("unserved/steps", given(**ALWAYS, due_by=NOW - timedelta(minutes=1))),
    Case("unserved/steps", given(**ALWAYS, due_by=NOW - timedelta(minutes=1)), UNPLANNED),
]


@pytest.mark.guarantee(
    "cost",
    "a statement that is asked again and again reads at most 1,000 pages for a few rows, and no more in "
    "a ledger kept four times as long",
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_statement_that_is_asked_again_and_again_reads_little_however_long_the_ledger(ledgers, case):
    # Asked before, as by any process that goes on: one that never ran our functions reads the catalog for them first.
    (_, short), (_, long) = (
        [pages(ledger, case.name, case.values(ledger), case.prepare) for _ in range(2)] for ledger in ledgers
    )
    assert long <= MOST
    # Four times as much is kept. A row that is looked up is found at once in a small table, at some levels of a tree in
    # one that is larger.
    assert long <= short * 1.25 + 10 + case.looked_up * 10


@pytest.mark.guarantee("cost", "a dossier's page costs what its messages are, not their square")
def test_page_of_a_dossier_with_many_messages_looks_each_of_them_up_once(ledgers):
    short, _ = ledgers
    values = {"dossier_id": 900000, "now": NOW, "limit": 500}
    assert pages(short, "dossiers/showing/messages", values, OFTEN_TOLD) <= 81 * 150


@pytest.mark.guarantee("cost", "the identity of a day costs what the day holds")
def test_identity_of_a_day_costs_what_the_day_holds_however_long_the_ledger(ledgers):
    """Each thing that the day holds is looked up: some ten pages each, at three levels of a tree."""
    short, long = (pages(ledger, "accounting/identity", YESTERDAY) for ledger in ledgers)
    assert long <= A_DAY * 40
    assert long <= short * 1.5


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan's steps, from the top."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


A_MONTH = {
    "start": datetime(2026, 10, 31, 17, tzinfo=UTC),
    "end": datetime(2026, 11, 30, 17, tzinfo=UTC),
    "known_history": 2**62,
    "known_version": 2**62,
}


@pytest.mark.guarantee("cost", "a period's messages are read once for all its figures, by several processes")
def test_messages_of_a_period_are_read_once_and_added_up_by_several_processes(ledgers):
    _, ledger = ledgers
    try:
        # Small as this ledger is, as if it were large.
        ledger.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL min_parallel_table_scan_size = 0")
        explained = "EXPLAIN (FORMAT JSON) " + statement("closings/counting/count_messages")
        values = {
            "start": datetime(2026, 10, 31, 17, tzinfo=UTC),
            "end": datetime(2026, 11, 30, 17, tzinfo=UTC),
            "known_history": 2**62,
        }
        row = psycopg.ClientCursor(ledger, row_factory=dict_row).execute(explained, values).fetchone()
        plan = row["QUERY PLAN"][0]["Plan"]
    finally:
        ledger.rollback()
    (added_up,) = [each for each in nodes(plan) if each.get("Partial Mode") == "Partial"]
    (read,) = [each for each in nodes(plan) if each["Node Type"] == "Seq Scan"]
    assert read in list(nodes(added_up))
    assert (read["Relation Name"], read["Parallel Aware"]) == ("messages", True)


def test_receipts_that_wait_are_looked_up_although_postgresql_expected_none(ledgers):
    """It looked at the table while none waited, and of what it believes it might join it with all receipts."""
    _, ledger = ledgers
    waiting = "INSERT INTO motcua.unread_receipts SELECT receipt_id FROM motcua.receipts ORDER BY 1 DESC LIMIT 20"
    assert pages(ledger, "receipts/unread", {"of_each": 1_000}, waiting) <= 200


@pytest.mark.guarantee("cost", "how much waits for a stop is counted before the stops are asked for")
def test_stops_are_asked_for_once_an_agency_and_kind_however_many_messages_wait(ledgers):
    """A look at the stops costs a page at least."""
    _, ledger = ledgers
    few, many = (
        pages(
            ledger,
            "stops/waiting",
            {"now": NOW},
            f"{STOPPED}; SET LOCAL session_replication_role = 'replica';"
            " UPDATE motcua.messages SET state = 'queued', reason = 'stopped' WHERE kind = 'supplement'"
            f" AND recorded_at > '2026-11-25 10:00+07'::timestamptz - interval '{days} days'",
        )
        for days in (1, 11)
    )
    waiting = 10 * A_DAY // 5
    assert many - few < waiting
