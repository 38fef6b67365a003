"""Judge a seed: compare the phone network's own log with the ledger's tables, and these tables with each other.

No function here calls the code under test; an administrator's connection reads the tables.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.crash.world import Truth

_TAKEN_STATES = ("accepted", "delivered", "undelivered", "unconfirmed")
_NEVER_TAKEN_STATES = ("queued", "rejected", "cancelled", "suppressed", "expired")
_DELIVERED, _FAILED = 1, 2

KINDS = ("doubled", "lost", "stuck", "wrong")
NOBODY = ""


@dataclass
class Verdict:
    """The result of one seed: texts that describe its defects, and counts."""

    doubled: list[str] = field(default_factory=list)
    """Messages that the network accepted a second time although no person had ordered this (a release)."""
    lost: list[str] = field(default_factory=list)
    """Messages that the ledger counts as accepted although the network never had them, or that were never sent although
    everything worked again.
    """
    stuck: list[str] = field(default_factory=list)
    """Messages in flight although their sender is dead, messages of unknown outcome although their receipt came, and
    receipts that were not read.
    """
    wrong: list[str] = field(default_factory=list)
    """All other untrue records of the ledger, and messages that the network accepted but that have no attempt."""
    figures: Counter[str] = field(default_factory=Counter)

    def add(self, later: Verdict) -> None:
        """Add the defects of a later verdict that this verdict does not have."""
        for kind in KINDS:
            known = getattr(self, kind)
            known += (Counter(getattr(later, kind)) - Counter(known)).elements()


def lay(
    ledger: psycopg.Connection[dict[str, Any]], numbers: Mapping[str, str], truth: Sequence[Truth]
) -> dict[str, list[Truth]]:
    """Assign each entry of the network's log to a seed by its attempt's reference, otherwise by its phone number.

    Args:
        ledger: Ledger of the seeds. The codes of a seed's dossiers begin with the seed's prefix. All prefixes have the
            same length.
        numbers: Number of a phone → prefix of its seed.
        truth: Entries of the network's log, in any order.

    Returns:
        The entries by prefix; entries of no seed under ``NOBODY``.
    """
    owners = {row["reference"]: row["dossier_code"] for row in ledger.execute(_REFERENCES)}
    length = len(next(iter(numbers.values())))
    laid: dict[str, list[Truth]] = defaultdict(list)
    for entry in truth:
        by_reference = owners.get(entry.reference, "")[:length]
        laid[by_reference or numbers.get(entry.number, NOBODY)].append(entry)
    return laid


def judge(ledger: psycopg.Connection[dict[str, Any]], prefix: str, expected: int, truth: Sequence[Truth]) -> Verdict:
    """Judge the messages of the dossiers whose codes begin with ``prefix``.

    When this function is called, no process may work on these messages, and all these messages must be due.
    """
    read, verdict = _Reader(ledger, prefix), Verdict()
    _judge_messages(read, truth, verdict)
    _judge_attempts(read, truth, verdict)
    _judge_receipts(read, truth, verdict)
    _count_unknown(read, verdict)
    if len(read.messages) != expected:
        verdict.lost.append(f"{len(read.messages)} messages of {expected} occasions")
    verdict.figures["messages"] = len(read.messages)
    verdict.figures["submissions"] = len(truth)
    verdict.figures["received"] = sum(taken.arrives for taken in truth)
    return verdict


class _Reader:
    def __init__(self, ledger: psycopg.Connection[dict[str, Any]], prefix: str) -> None:
        def of_seed(statement: str) -> list[dict[str, Any]]:
            return ledger.execute(statement, {"like": f"{prefix}%"}).fetchall()

        self.messages = {row["message_id"]: row for row in of_seed(_MESSAGES)}
        self.attempts = {row["reference"]: row for row in of_seed(_ATTEMPTS)}
        self.history = of_seed(_HISTORY)
        self.releases = Counter(row["message_id"] for row in of_seed(_RELEASES))


def _judge_messages(read: _Reader, truth: Sequence[Truth], verdict: Verdict) -> None:
    taken: dict[int, list[Truth]] = defaultdict(list)
    by_number = {message["msisdn"][3:]: message_id for message_id, message in read.messages.items()}
    for entry in truth:
        if attempt := read.attempts.get(entry.reference):
            message_id = attempt["message_id"]
            taken[message_id].append(entry)
            if entry.number[1:] != read.messages[message_id]["msisdn"][3:]:
                verdict.wrong.append(f"message {message_id} went to …{entry.number[-3:]}, which is not its number")
            continue
        verdict.wrong.append(f"the network took …{entry.number[-3:]}, and no attempt stands for it")
        if message_id := by_number.get(entry.number[1:]):
            taken[message_id].append(entry)
    for message_id, message in read.messages.items():
        name, state, times = f"message {message_id} ({message['state']})", message["state"], len(taken[message_id])
        again = times - 1 - read.releases[message_id]
        if again > 0:
            verdict.doubled.append(f"{name}: taken {times} times, released {read.releases[message_id]} times")
        verdict.figures["sent again after a release"] += max(0, times - 1) if again <= 0 else 0
        verdict.figures["received twice"] += sum(entry.arrives for entry in taken[message_id]) > 1
        if times == 0 and state in _TAKEN_STATES:
            if message["assumed"]:
                verdict.figures["assumed accepted by the declared policy, never taken"] += 1
            else:
                verdict.lost.append(f"{name}: the network never took it")
        if times > 0 and state in _NEVER_TAKEN_STATES:
            verdict.wrong.append(f"{name}: the network took it")
        if state == "sending":
            verdict.stuck.append(name)
        if state == "queued":
            verdict.lost.append(f"{name}: not sent although everything works again")
        arrives = any(entry.arrives for entry in taken[message_id])
        if state == "undelivered" and arrives:
            verdict.wrong.append(f"{name}: the phone has it")
        if state == "delivered" and not arrives:
            if any(_is_partial(entry) for entry in taken[message_id]):
                verdict.figures["said delivered, only parts were"] += 1
            else:
                verdict.wrong.append(f"{name}: no phone has it")
        if state == "unknown" and any(_is_reported(entry) for entry in taken[message_id]):
            verdict.stuck.append(f"{name}: its receipt was taken in")
        verdict.figures[f"state {state}"] += 1


def _is_partial(entry: Truth) -> bool:
    kinds = {kind for kind, _, _ in entry.receipts}
    return _DELIVERED in kinds and _FAILED in kinds


def _is_reported(entry: Truth) -> bool:
    return any(answered for _, _, answered in entry.receipts)


def _judge_attempts(read: _Reader, truth: Sequence[Truth], verdict: Verdict) -> None:
    for attempt in read.attempts.values():
        if attempt["state"] == "in_flight":
            verdict.stuck.append(f"attempt {attempt['attempt_id']} of message {attempt['message_id']} is in flight")
    for reference, times in Counter(entry.reference for entry in truth).items():
        if times > 1:
            verdict.doubled.append(f"reference {reference[:8]}… taken {times} times")


def _judge_receipts(read: _Reader, truth: Sequence[Truth], verdict: Verdict) -> None:
    for entry in truth:
        answered = sum(count for _, _, count in entry.receipts)
        verdict.figures["receipts"] += answered
        if attempt := read.attempts.get(entry.reference):
            if attempt["receipts"] < answered:
                verdict.wrong.append(f"{answered} receipts were taken in, {attempt['receipts']} are stored")
            if attempt["receipts_read"] < attempt["receipts"]:
                verdict.stuck.append(f"receipts of message {attempt['message_id']} are not read")


def _count_unknown(read: _Reader, verdict: Verdict) -> None:
    """Count the ways in which messages that were unknown left this state."""
    moves: dict[int, list[tuple[str | None, str]]] = defaultdict(list)
    for row in read.history:
        moves[row["message_id"]].append((row["from_state"], row["to_state"]))
    for message_id, path in moves.items():
        if not any(to == "unknown" for _, to in path):
            continue
        verdict.figures["unknown"] += 1
        verdict.figures[f"unknown, {_way_out(read, message_id, path)}"] += 1


def _way_out(read: _Reader, message_id: int, path: Sequence[tuple[str | None, str]]) -> str:
    message = read.messages[message_id]
    last = next((to for before, to in reversed(path) if before == "unknown" and to != "unknown"), None)
    if message["state"] == "unknown" or last is None:
        return "held"
    if read.releases[message_id]:
        return "by release"
    if message["assumed"]:
        return "by policy"
    if message["repeated"]:
        return "by repeating"
    return "by asking" if last == "queued" or message["asked"] else "by receipt"


_MESSAGES = """
SELECT m.message_id, m.state, m.reason, m.msisdn,
    EXISTS (SELECT 1 FROM motcua.message_history AS h WHERE h.message_id = m.message_id AND h.to_reason = 'assumed')
    AS assumed,
    EXISTS (SELECT 1 FROM motcua.attempts AS a
     WHERE a.message_id = m.message_id AND a.settlings > 0 AND a.outcome IN ('accepted', 'duplicate')) AS repeated,
    EXISTS (SELECT 1 FROM motcua.attempts AS a INNER JOIN motcua.receipt_readings AS s USING (attempt_id)
     INNER JOIN motcua.receipts AS r USING (receipt_id)
     WHERE a.message_id = m.message_id AND s.effect = 'applied' AND r.raw ? 'asked') AS asked
FROM motcua.messages AS m INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE d.dossier_code LIKE %(like)s
"""
_ATTEMPTS = """
SELECT a.attempt_id, a.message_id, a.reference, a.state,
    (SELECT count(*) FROM motcua.receipts AS r WHERE r.reference = a.reference) AS receipts,
    (SELECT count(*) FROM motcua.receipts AS r INNER JOIN motcua.receipt_readings USING (receipt_id)
     WHERE r.reference = a.reference) AS receipts_read
FROM motcua.attempts AS a INNER JOIN motcua.messages AS m USING (message_id)
INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE d.dossier_code LIKE %(like)s
"""
_REFERENCES = """
SELECT a.reference, d.dossier_code FROM motcua.attempts AS a INNER JOIN motcua.messages AS m USING (message_id)
INNER JOIN motcua.dossiers AS d USING (dossier_id)
"""
_HISTORY = """
SELECT h.message_id, h.from_state, h.to_state FROM motcua.message_history AS h
INNER JOIN motcua.messages AS m USING (message_id)
INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE d.dossier_code LIKE %(like)s ORDER BY h.history_id
"""
_RELEASES = """
SELECT r.message_id FROM motcua.releases AS r INNER JOIN motcua.messages AS m USING (message_id)
INNER JOIN motcua.dossiers AS d USING (dossier_id) WHERE d.dossier_code LIKE %(like)s
"""
