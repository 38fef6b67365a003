"""Statements of the jobs that a quiet run has no occasion for: asked by themselves, of what a long ledger holds.

A parameter of one name is of one meaning in all of them, so each is given what its file names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from motcua.store.ledger.database import open_connection
from motcua.store.ledger.queries import statement
from tests.prove.worlds.long.reads import Ledger

STATEMENTS = (
    "apologies/candidates",
    "apologies/evenings",
    "apologies/is_settled",
    "apologies/lock_sources",
    "attempts/abandon",
    "attempts/assume_accepted",
    "attempts/begin_repeat",
    "attempts/end_repeat",
    "attempts/note_settling",
    "attempts/settle_repeat",
    "attempts/unreported",
    "attempts/unsettled",
    "dossiers/showing/by_number",
    "dossiers/showing/find_by_phone",
    "gateways/begin_trial",
    "gateways/judge_carrier",
    "gateways/lock_allowance",
    "gateways/set_free_at",
    "gateways/stop",
    "inquiries/reply_given",
    "messages/claiming/any_due",
    "messages/claiming/find_for_trial",
    "messages/claiming/postpone",
    "messages/claiming/turn_away",
    "messages/outcomes/release",
    "messages/outcomes/do_not_wait",
    "messages/planning/make_due",
    "messages/planning/make_due_judged",
    "messages/planning/reopen_confirmed",
    "messages/browsing/waiting",
    "old_steps/judge",
    "old_steps/put_off",
    "stops/set_aside",
    "stops/waiting",
    "watch/news",
    "watch/acknowledge",
)
_NAMED = re.compile(r"%\((\w+)\)s")
# Half of an hour's messages wait for it.
_STOPPED = """
INSERT INTO motcua.stops (kind, stopped_at, until, stopped_by, reason)
VALUES ('supplement', now() - interval '1 hour', now() + interval '1 hour', 'tests', 'tests');
"""
# A carrier to which no gateway takes anything.
_REFUSED = """
WITH refused AS (
    UPDATE motcua.attempts
    SET state = 'failed', outcome = 'configuration', concerns = 'carrier', answered_at = now()
    WHERE attempt_id IN (
        SELECT attempt_id FROM motcua.attempts WHERE state = 'accepted' ORDER BY attempt_id DESC LIMIT 3
    )
    RETURNING message_id
)
UPDATE motcua.messages AS m SET carrier = 'itel' FROM refused AS r WHERE m.message_id = r.message_id;
"""
_BEFORE: Mapping[str, str] = {"stops/": _STOPPED, "gateways/judge_carrier": _REFUSED}
"""By how a statement's name begins: what is done to the ledger before it is asked."""
_PLANNED_BY_KEYS = ("messages/claiming/", "attempts/", "stops/set_aside", "gateways/judge_carrier")


def ask_by_hand(ledger: Ledger) -> None:
    """Asks each; nothing of what it does stays."""
    values = _values(ledger)
    with ledger.recording("by hand"), open_connection() as connection:
        for name in STATEMENTS:
            text = statement(name)
            if name.startswith(_PLANNED_BY_KEYS):
                connection.execute(statement("messages/claiming/plan_by_keys"))
            for named, before in _BEFORE.items():
                if name.startswith(named):
                    connection.execute(before.encode())
            given = values | _OWN.get(name, {})
            connection.execute(text, {each: given[each] for each in _NAMED.findall(text)})
            connection.rollback()


_OWN: Mapping[str, Mapping[str, Any]] = {
    "apologies/candidates": {"limit": 500},
    "gateways/judge_carrier": {"carrier": "itel"},
}


def _values(ledger: Ledger) -> dict[str, Any]:
    now = datetime.now(UTC)
    with psycopg.connect(ledger.dsn, row_factory=dict_row) as connection:
        unknown = connection.execute(
            "SELECT a.attempt_id, a.message_id FROM motcua.attempts AS a"
            " INNER JOIN motcua.messages AS m ON a.message_id = m.message_id"
            " WHERE a.state = 'unknown' AND m.state = 'unknown' ORDER BY 1 DESC LIMIT 1"
        ).fetchone()
        queued = [
            row["message_id"]
            for row in connection.execute(
                "SELECT message_id FROM motcua.messages WHERE state = 'queued' ORDER BY 1 DESC LIMIT 10"
            )
        ]
        dossiers = [
            row["dossier_id"]
            for row in connection.execute("SELECT dossier_id FROM motcua.dossiers ORDER BY 1 DESC LIMIT 10")
        ]
    assert unknown is not None, "no message is of unknown outcome"
    return {
        "after": 0,
        "agencies": None,
        "agency_code": "B000",
        "attempt_id": unknown["attempt_id"],
        "attempt_ids": [unknown["attempt_id"]],
        "attempt_state": "unknown",
        "before": now - timedelta(hours=1),
        "begins": [now - timedelta(days=1)],
        "by": now,
        "by_hand": False,
        "carrier": "MobiFone",
        "carriers": None,
        "changed_by": "tests",
        "concerns": "gateway",
        "day": now.date(),
        "dedupe_key": "inquiry 9",
        "dossier_ids": dossiers,
        "due_days": [now.date() + timedelta(days=1)],
        "end": None,
        "ends": [now],
        "enough": 5,
        "evening_at": now,
        "first": now.date() - timedelta(days=1),
        "free_at": now,
        "gateway": "kannel",
        "gateway_code": None,
        "gateway_reference": None,
        "http_status": None,
        "kind": "result",
        "last": now.date(),
        "limit": 10,
        "message_id": unknown["message_id"],
        "message_ids": queued,
        "msisdn": "+84905000007",
        "name": "identity",
        "names": ["mot_cua"],
        "now": now,
        "numbers": 10,
        "outcome": "unknown",
        "pause": timedelta(seconds=2),
        "reason": "unreachable",
        "refused_too": False,
        "released_by": "lan",
        "rows": json.dumps([]),
        "sender_id": 1,
        "settle_at": now,
        "since": now - timedelta(hours=1),
        "source_id": 1,
        "start": None,
        "state": "unknown",
        "stopped_at": now,
        "subject": "",
        "until": now + timedelta(minutes=1),
    }
