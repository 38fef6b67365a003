"""Test that the reads of a frequent SQL statement depend on the work to do, not on the age of the ledger.

The tests measure the number of database pages that a statement reads, not the time.
"""

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
from tests.prove.worlds.long.by_hand import many_of_one

Ledger = psycopg.Connection[DictRow]

A_DAY, SHORT, LONG = 500, 10, 40
"""Number of dossiers a day, days of the short ledger, and days of the long ledger."""
MOST = 1000
"""Largest number of database pages that an SQL statement for a few rows may read."""
ALWAYS = {"start": None, "end": None}
YESTERDAY = {"start": datetime(2026, 11, 23, 17, tzinfo=UTC), "end": datetime(2026, 11, 24, 17, tzinfo=UTC)}
MINUTE = {"start": NOW - timedelta(hours=2), "end": NOW - timedelta(hours=2) + timedelta(minutes=1)}


@pytest.fixture(scope="module")
def ledgers(postgres, migrated) -> Iterator[tuple[Ledger, Ledger]]:
    """Yield two ledgers that differ only in their number of days."""
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
    """Return how many pages an SQL statement reads, in memory or on disk; then roll back the statement's changes."""
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
    """Return parameters with which the ten newest receipts are applied as deliveries."""
    stored = column(
        ledger,
        "SELECT r.receipt_id FROM motcua.receipts AS r INNER JOIN motcua.attempts AS a"
        " ON r.gateway = a.gateway AND r.reference = a.reference ORDER BY 1 DESC LIMIT 10",
    )
    assert len(stored) == 10
    return {"meanings": json.dumps([{"receipt_id": each, "meaning": "delivered"} for each in stored]), "now": NOW}


def answers(ledger: Ledger) -> dict[str, Any]:
    """Return parameters for answers to the newest attempts, some of which already have a receipt."""
    young = column(ledger, "SELECT reference FROM motcua.attempts ORDER BY attempt_id DESC LIMIT 10")
    answer = {"attempt_state": "accepted", "outcome": "accepted", "http_status": 202, "answered_at": NOW.isoformat()}
    return {"rows": json.dumps([{"reference": each} | answer for each in young])}


def one_dossier(ledger: Ledger) -> dict[str, Any]:
    return {"dossier_id": young_dossiers(ledger)[0], "agencies": None, "now": NOW, "limit": 500}


OFTEN_TOLD = many_of_one(80, "H1", "viettel")


class Case(NamedTuple):
    """SQL statements that are measured together.

    They have the same parameters and the same preparation of the ledger, and each looks up ``looked_up`` rows.
    """

    names: str
    values: Mapping[str, Any] | Callable[[Ledger], Mapping[str, Any]]
    prepare: str = ""
    looked_up: int = 0


def dossiers_and_now(ledger: Ledger) -> dict[str, Any]:
    return {"dossier_ids": young_dossiers(ledger), "now": NOW, "clock_skew": timedelta(minutes=5)}


HOUR_AGO, MINUTE_AGO = NOW - timedelta(hours=1), NOW - timedelta(minutes=1)
CLAIM = {
    "gateway": "kannel", "carriers": ["viettel"], "open_carriers": ["viettel"], "takes_unsorted": True, "now": NOW,
    "from_due": None, "from_id": None, **ALWAYS,
}  # fmt: skip
BY_KEYS = statement("messages/claiming/plan_by_keys")
IN_ORDER = statement("messages/browsing/plan_in_order")
ANY_ROW = "SET LOCAL session_replication_role = 'replica'"
MENDED = (
    "UPDATE motcua.dossiers SET msisdn = '+84905000000', phone_refusal = NULL WHERE dossier_id IN ("
    " SELECT dossier_id FROM motcua.dossiers WHERE status_code = 9 AND msisdn IS NULL ORDER BY 1 DESC LIMIT 10)"
)
STOPPED = (
    "INSERT INTO motcua.stops (kind, stopped_at, until, stopped_by, reason)"
    " VALUES ('supplement', '2026-11-25 10:00+07', '2026-11-26 10:00+07', 'tests', 'tests')"
)
LONG_QUEUE = (
    f"{ANY_ROW}; UPDATE motcua.messages SET state = 'queued', next_attempt_at = '{HOUR_AGO.isoformat()}',"
    " useful_until = 'infinity' WHERE message_id IN ("
    "  SELECT message_id FROM motcua.messages WHERE carrier = 'viettel' ORDER BY message_id DESC LIMIT 1000)"
)
"""SQL that queues a thousand messages again, as on an evening on which the gateway accepts no message."""
UNPLANNED = (
    f"{ANY_ROW}; UPDATE motcua.transitions SET planned_at = NULL, outcome = NULL WHERE transition_id IN ("
    "  SELECT transition_id FROM motcua.transitions ORDER BY transition_id DESC LIMIT 1000)"
)
OVERTAKEN = (
    "UPDATE motcua.attempts SET state = 'delivered', outcome = 'receipt' WHERE attempt_id IN ("
    " SELECT attempt_id FROM motcua.attempts ORDER BY 1 DESC LIMIT 3)"
)
REFUSED = (
    f"{ANY_ROW}; WITH refused AS (UPDATE motcua.attempts SET state = 'failed', outcome = 'configuration',"
    f" concerns = 'carrier', answered_at = '{NOW.isoformat()}' WHERE attempt_id IN (SELECT attempt_id"
    " FROM motcua.attempts ORDER BY 1 DESC LIMIT 3) RETURNING message_id)"
    " UPDATE motcua.messages AS m SET carrier = 'itel' FROM refused AS r WHERE m.message_id = r.message_id"
)
"""SQL that marks the three newest attempts as failed, as if the gateway refused all messages of their carrier."""
SET_ASIDE = (
    "UPDATE motcua.messages SET next_attempt_at = '2026-11-26 10:00+07', reason = 'stopped'"
    " WHERE state = 'queued' AND message_id % 2 = 0"
)
NEW_AGENCY = "INSERT INTO motcua.agencies (agency_code, name, enabled_from) VALUES ('H99', 'Cơ quan mới', '2020-01-01')"
QUARANTINED = [
    {"row_kind": "transition", "row_key": str(number), "reason": "agency_unknown", "agency_code": "X",
     "dossier_code": f"Q{number}", "status_code": 4, "payload": {"agency_code": "X", "dossier_code": "Q"}}
    for number in range(501, 511)
]  # fmt: skip
OF_A_RUN = (
    f"{ANY_ROW}; INSERT INTO motcua.runs (dag_id, run_id) VALUES ('notify_transitions', 'run 100');"
    " UPDATE motcua.message_history SET run_no = 1 WHERE history_id IN ("
    "  SELECT history_id FROM motcua.message_history ORDER BY 1 DESC LIMIT 10);"
    " UPDATE motcua.quarantine SET run_no = 1 WHERE quarantine_id <= 10"
)
THE_RUN = {"run_no": 1, "run_id": "run 100", "agencies": None, "limit": 21}
ANY_TIME = {"begins": None, "ends": None, "before_at": None, "before_id": None}
LISTED = {"kind": None, "reason": None, "procedure_codes": None, "looked_at": 100, "most": 51, "of_no_agency": False}
LISTED |= {"state": None, "states": list(STATES), "agencies": None} | ANY_TIME
BEFORE = {"before_at": NOW - timedelta(days=3), "before_id": 1}
DAY_LISTED = {"begins": YESTERDAY["start"], "ends": YESTERDAY["end"]}
ASKED = {"agencies": None, "outcome": None, "looked_at": 100, "most": 51, "limit": 20}
ASKED |= {"begins": NOW - timedelta(days=7), "ends": NOW, **BEFORE}
UNSERVED = {
    "carriers": ["viettel", "mobifone", "itel", ""], "gateways": ["kannel"] * 4, "firsts": [True] * 4,
    "held_by": [""] * 4, "since": [MINUTE_AGO] * 4, "due_by": MINUTE_AGO, "now": NOW, "resting": [], **ALWAYS,
}  # fmt: skip
EVENING = {"day": "2026-11-24", "evening_at": NOW - timedelta(hours=16, minutes=30), "agencies": None, "now": NOW}
NEWS = {
    "names": ["source_1", "source_2", "source_3"], "begins": [NOW - timedelta(days=day, hours=3) for day in range(6)],
    "ends": [NOW - timedelta(days=day) for day in range(6)], "enough": 5,
}  # fmt: skip
OF_GATEWAY = {"gateway": "kannel", "now": NOW, "limit": 10, "before": NOW - timedelta(hours=72), **ALWAYS}
OF_GATEWAY |= {"begun_since": NOW - timedelta(days=30)}
FIGURES = {
    "now": NOW, "most": 10_000, "limit": 1000, "since": HOUR_AGO, "before": HOUR_AGO, "over_since": NOW,
    "checked_day": "2026-11-25", "closed_period": "2026-11-24", "useful_at": NOW, "message_ids": None,
    "in_force_at": None, "agencies": None,
}  # fmt: skip
FOUND = {"keys": ["D1007"], "agencies": ["H1"], "agency_code": None, "limit": 100}
OF_A_DOSSIER = "story messages transitions versions moves attempts inquiries findings complaints".split()  # noqa: SIM905
CASES = [
    # Each reading of a source (pick-up) and each planning runs these statements.
    Case("sources/list attempts/senders_in_flight", {}),
    Case("quarantine/curable", {"source_id": 1, "agency_codes": ["H1"], "status_codes": [1], "now": NOW}),
    Case("quarantine/save", {"source_id": 1, "now": NOW, "rows": json.dumps(QUARANTINED)}, looked_up=10),
    Case("dossiers/status_mapped_since old_steps/to_judge old_steps/put_off", {"source_id": 1, "now": NOW}),
    Case(
        "dossiers/row_tells_more dossiers/without_history dossiers/lock_to_plan transitions/history old_steps/mark"
        " old_steps/judge messages/planning/of_dossiers",
        dossiers_and_now,
        looked_up=10,
    ),
    Case("transitions/known", {"source_id": 1, "numbers": list(range(1000, 1010))}, looked_up=10),
    Case("transitions/unplanned_dossiers", ALWAYS | {"after": 0, "limit": 1000}),
    Case("messages/planning/reopen_mended", ALWAYS | {"now": NOW}, MENDED, looked_up=10),
    Case("messages/planning/reopen_mended", MINUTE | {"now": NOW}),
    Case("apologies/is_left", EVENING),
    # A watcher (a trigger that queries the sources) runs these statements each second.
    Case("messages/claiming/left_waiting", {"gateways": ["kannel"], "due_by": NOW, "now": NOW}, STOPPED),
    Case("sources/looking/watched", {"names": None}),
    Case("sources/looking/told", {"news": "news", "unread": "unread", "silent": "silent"}),
    # Each sender, and each of its claims, runs these statements. The statements are also measured with a stop that puts
    # the messages of a whole day on hold, and for a message whose dossier has eighty other messages.
    Case("receipts/unread", {"of_each": 1_000}),
    Case("messages/claiming/claim_due", CLAIM | {"limit": 10}, BY_KEYS, looked_up=10),
    Case("messages/claiming/claim_due", CLAIM | {"limit": 10}, f"{STOPPED}; {SET_ASIDE}; {BY_KEYS}", looked_up=10),
    Case("messages/claiming/claim_due", CLAIM | {"limit": 1}, f"{OFTEN_TOLD}; {BY_KEYS}", looked_up=10),
    Case("attempts/apply_outcomes", answers, f"{OVERTAKEN}; {BY_KEYS}", looked_up=10),
    Case(
        "gateways/judge_carrier",
        {"gateway": "kannel", "carrier": "itel", "since": HOUR_AGO, "numbers": 10},
        f"{REFUSED}; {BY_KEYS}",
        looked_up=10,
    ),
    Case("stops/set_aside", {"message_ids": [*range(1, 11)], "now": NOW}, f"{STOPPED}; {BY_KEYS}", looked_up=10),
    Case("stops/stopped_until", {"kind": "reply", "agency_code": "H1", "now": NOW}, STOPPED),
    Case("messages/browsing/waiting", ALWAYS | {"now": NOW, "carriers": None}),
    Case("attempts/of_run", {"run_id": "run 100"}),
    # These statements run for each receipt and each inquiry. PostgreSQL expects a hundred receipts in the JSON
    # parameter of ``receipts/apply``, and so it reads a small table whole. The preparation calls a function once,
    # because the statements within a function also read the catalogue when a session first runs them.
    Case("receipts/apply", receipts, "SELECT motcua.apply_receipts('[]', now())", looked_up=100),
    Case(
        "inquiries/find_dossiers",
        {"phone": "+84906000007", "keys": ["D1007"]},
        "SELECT motcua.asked_dossiers('{}', NULL)",
        looked_up=1,
    ),
    Case("inquiries/reply_given", {"gateway": "kannel", "dedupe_key": "inquiry 1007"}),
    # Each settling runs these statements.
    Case(
        "attempts/unsettled attempts/unreported attempts/assume_accepted messages/outcomes/close_unconfirmed",
        OF_GATEWAY,
        looked_up=10,
    ),
    Case("messages/outcomes/expire messages/outcomes/count_held", ALWAYS | {"now": NOW, "agencies": None}),
    # Each round of the watch runs these statements, as do the pages about sending and messages of unknown outcome.
    Case(
        "metrics/takes_rows metrics/open_checks metrics/open_messages metrics/queue_due metrics/unknown_messages"
        " metrics/unread_receipts metrics/gateway_stops metrics/sources watch/enabled watch/unknown watch/high_marks"
        " watch/receipts_of_gateways watch/unknown_references watch/daily_work watch/first_moment watch/alerts"
        " gateways/stops gateways/changes messages/outcomes/held messages/outcomes/releases quarantine/count_open",
        FIGURES,
    ),
    Case("accounting/latency metrics/recorded_messages", FIGURES, looked_up=50),
    Case("stops/list", FIGURES, STOPPED),
    Case("stops/waiting", {"now": NOW}, f"{STOPPED}; {SET_ASIDE}", looked_up=10),
    Case("watch/evening_left", EVENING, looked_up=13),
    # This case has an agency without dossiers: the statement must not search the dossiers of other agencies.
    Case("watch/evening_left", EVENING, NEW_AGENCY, looked_up=13),
    Case("apologies/became apologies/settled_agencies", EVENING, looked_up=10),
    Case("watch/delivered", {"start": NOW - timedelta(hours=4), "end": NOW - timedelta(minutes=15)}, looked_up=10),
    Case("watch/news", NEWS, looked_up=18),
    Case("messages/browsing/recorded_in", YESTERDAY | {"agencies": ["H1"]}, looked_up=50),
    Case("dossiers/are_any", {"agencies": ["of nobody", "H1"]}),
    Case("complaints/count_open", {"since": NOW - timedelta(days=90), "agencies": ["H1"]}),
    Case("watch/unknown", {"before": NOW, "now": NOW, "agencies": ["H1"]}),
    # Lists of messages and of inquiries run these statements, with different filters.
    Case("messages/browsing/newest messages/browsing/oldest", LISTED, IN_ORDER, looked_up=51),
    Case("messages/browsing/newest messages/browsing/oldest", LISTED | BEFORE, IN_ORDER, looked_up=51),
    Case("messages/browsing/newest", LISTED | DAY_LISTED, IN_ORDER, looked_up=51),
    # In these cases no row matches. The statement must stop after the number of rows that it may read (``looked_at``).
    Case("messages/browsing/newest", LISTED | {"kind": "none"}, IN_ORDER, looked_up=100),
    Case("messages/browsing/newest", LISTED | {"of_no_agency": True}, IN_ORDER, looked_up=100),
    Case("messages/browsing/oldest", LISTED | {"agencies": ["none"]}, IN_ORDER, looked_up=100),
    Case("messages/browsing/of_agencies", LISTED | {"agencies": ["H1", "H2"]} | BEFORE, IN_ORDER, looked_up=51),
    Case(
        "messages/browsing/of_agencies",
        LISTED | {"agencies": ["H1", "H2"], "reason": "none"} | DAY_LISTED,
        IN_ORDER,
        looked_up=100,
    ),
    Case(
        "messages/browsing/of_agencies",
        LISTED | {"agencies": [f"H{number}" for number in range(1, 14)], "states": ["expired"]},
        IN_ORDER,
        looked_up=51,
    ),
    Case("messages/browsing/of_run", LISTED | {"run_id": "run 100", "dag_id": None}, looked_up=20),
    Case("messages/browsing/rows", {"message_ids": list(range(1001, 1051))}, looked_up=50),
    Case("inquiries/newest", ASKED, IN_ORDER, looked_up=51),
    Case("inquiries/rows", {"inquiry_ids": list(range(101, 151))}, looked_up=100),
    Case("inquiries/by_day inquiries/repeated_codes inquiries/repeated_phones", ASKED),
    # The page about a run runs these statements.
    Case("runs/find", {"run_id": "run 100", "dag_id": "notify_transitions"}, OF_A_RUN),
    Case("runs/moves runs/attempts runs/messages runs/quarantined", THE_RUN, OF_A_RUN, looked_up=20),
    Case("runs/moves", THE_RUN | {"agencies": ["H1", "H2"]}, OF_A_RUN, looked_up=10),
    Case("runs/pick_ups runs/evenings runs/stops runs/closings runs/checks runs/statements", THE_RUN, OF_A_RUN),
    Case("runs/mails", {"report": "publication", "numbers": [1, 2], "agencies": None}, OF_A_RUN),
    # The page of a dossier runs these statements.
    Case("dossiers/showing/find dossiers/showing/unusable_rows", FOUND, looked_up=1),
    Case("dossiers/showing/find_by_tail", {"tail": "1007", "agencies": ["H1"], "limit": 100}, looked_up=10),
    Case("dossiers/showing/find_by_phone", {"msisdn": "+84906000007", "agencies": None, "limit": 100}, looked_up=10),
    Case("dossiers/showing/by_number", {"dossier_ids": [7], "agencies": None, "limit": 100}, looked_up=1),
    Case(
        " ".join(f"dossiers/showing/{name}" for name in OF_A_DOSSIER),
        one_dossier,
        looked_up=5,
    ),
    Case("dossiers/showing/receipts", one_dossier, looked_up=10),
    # Each run of ``notify_transitions`` runs these statements at its end, and so does each round of the watch. These
    # cases are last, because the rows that they queue leave dead entries in indexes that other cases read.
    Case("unserved/gateways", {"gateways": ["kannel"], "now": NOW}),
    Case("unserved/messages", UNSERVED, LONG_QUEUE),
    Case("unserved/messages", UNSERVED, LONG_QUEUE + "; " + STOPPED.replace("'supplement'", "NULL")),
    Case("unserved/messages", UNSERVED | MINUTE, LONG_QUEUE),
    Case("unserved/steps", ALWAYS | {"due_by": MINUTE_AGO}),
    Case("unserved/steps", ALWAYS | {"due_by": MINUTE_AGO}, UNPLANNED),
]


@pytest.mark.guarantee(
    "cost", "a frequent SQL statement reads at most 1,000 database pages, and no more in a ledger four times as old"
)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.names.split()[0])
def test_statement_that_is_asked_again_and_again_reads_little_however_long_the_ledger(ledgers, case):
    read = {}
    for name in case.names.split():
        values = [case.values(ledger) if callable(case.values) else case.values for ledger in ledgers]
        # Run each statement twice and measure the second run: the first run in a session also reads the catalogue for
        # the functions that it calls.
        read[name] = [
            [pages(ledger, name, given, case.prepare) for _ in range(2)][1]
            for ledger, given in zip(ledgers, values, strict=True)
        ]
    assert {name: pages for name, pages in read.items() if pages[1] > MOST} == {}
    # The long ledger has four times as many rows. Finding one row there costs a few more pages, because the indexes of
    # larger tables have more levels.
    allowed = {name: short * 1.25 + 10 + case.looked_up * 10 for name, (short, _) in read.items()}
    assert {name: pages for name, pages in read.items() if pages[1] > allowed[name]} == {}


@pytest.mark.guarantee("cost", "a dossier's page looks up each of its messages once")
def test_page_of_a_dossier_with_many_messages_looks_each_of_them_up_once(ledgers):
    short, _ = ledgers
    values = {"dossier_id": 40000000, "now": NOW, "limit": 500}
    assert pages(short, "dossiers/showing/messages", values, OFTEN_TOLD) <= 81 * 150


@pytest.mark.guarantee(
    "cost", "the accounting identity of a day reads only rows of that day, however old the ledger is"
)
def test_identity_of_a_day_costs_what_the_day_holds_however_long_the_ledger(ledgers):
    """If this test fails, the daily count of the accounting identity becomes slower with the age of the ledger.

    The SQL statement looks up each row of the day. One lookup in an index of three levels reads some ten pages.
    """
    short, long = (pages(ledger, "accounting/identity", YESTERDAY) for ledger in ledgers)
    assert long <= A_DAY * 40
    assert long <= short * 1.5


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield all nodes of a query plan, beginning with the top node."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from nodes(each)


@pytest.mark.guarantee("cost", "a period's messages are read once for all its figures, by several processes")
def test_messages_of_a_period_are_read_once_and_added_up_by_several_processes(ledgers):
    _, ledger = ledgers
    try:
        # Let PostgreSQL choose the same plan for this small ledger as for a large ledger.
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
    """If this test fails, the statement that reads the waiting receipts reads the whole table of receipts.

    PostgreSQL gathered its statistics while no receipt waited to be read. PostgreSQL might therefore choose a plan that
    joins the waiting receipts with all receipts.
    """
    _, ledger = ledgers
    waiting = "INSERT INTO motcua.unread_receipts SELECT receipt_id FROM motcua.receipts ORDER BY 1 DESC LIMIT 20"
    assert pages(ledger, "receipts/unread", {"of_each": 1_000}, waiting) <= 200


@pytest.mark.guarantee("cost", "stops are looked up once for each agency and kind, however many messages wait")
def test_stops_are_asked_for_once_an_agency_and_kind_however_many_messages_wait(ledgers):
    """If this test fails, a long queue makes each check of the stops slow.

    Each lookup of the stops reads at least one page.
    """
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
