"""Findings judged again between two runs, each by its own dossier as the ledger has it now.

A run is sealed and stays as it is; what comes of this is told beside it, and the next run closes the finding or does
not. Judged are rules whose facts come from the dossier's own row and steps, by the very conditions of the rules' file.
Where a condition also asks what is usual at others, it is judged for as little and for as much as that can be: where
both agree nothing that others do changes it. Of every other rule only a whole run knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from motcua.domain.clock import VIETNAM
from motcua.quality.rules import Rule, RuleBook, calendar_days, condition, load_rules, snapshot_thresholds
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import Connection
from motcua.store.oversight.quality import OWN_FACTS, facts_of
from motcua.store.rechecks import FindingOfDossier, Judged, Outcome, findings_of_dossiers, judge_dossiers, save_recheck

_FACT = re.compile(r"\bf\.(\w+)")
_TABLE = re.compile(r"\bquality\.(\w+)")


def is_judged_alone(rule: Rule) -> bool:
    """Whether a rule can be mended and asks for nothing but the dossier's own facts and what is usual at others."""
    return (
        rule.level == "dossier"
        and rule.mendable
        and facts_of(OWN_FACTS).issuperset(_FACT.findall(rule.where))
        and {"usual_waits"}.issuperset(_TABLE.findall(rule.where))
    )


def rules_judged_alone(book: RuleBook | None = None) -> frozenset[str]:
    """Codes of the rules whose findings can be judged again between two runs."""
    return frozenset(code for code, rule in (book or load_rules()).rules.items() if is_judged_alone(rule))


def mended_since(connection: Connection, findings: Sequence[int], since: datetime, now: datetime) -> set[int]:
    """Those of some findings that no longer hold, of dossiers that were read anew since a moment.

    Args:
        connection: to the ledger.
        findings: their numbers, no more than a page has.
        since: the run's moment.
        now: the moment that the rules take for now.
    """
    known = findings_of_dossiers(connection, findings, since, None) if findings else []
    changed = [each for each in known if each.changed]
    return {number for number, outcome in _judge(connection, changed, now).items() if outcome == "mended"}


def recheck(
    connection: Connection, finding: int, by: str, now: datetime, agencies: Sequence[str] | None = None
) -> Outcome | None:
    """Judges one finding again, and keeps who had it done and what came of it.

    Args:
        connection: to the ledger.
        finding: its number.
        by: who asks.
        now: the moment that the rule takes for now.
        agencies: whose findings may be asked about; ``None``: all agencies'.

    Returns:
        ``None``: there is no such finding, or it is about no dossier.
    """
    known = findings_of_dossiers(connection, [finding], now, agencies)
    if not known:
        return None
    outcome = _judge(connection, known, now)[finding]
    save_recheck(connection, finding, by, now, outcome)
    return outcome


def _judge(connection: Connection, findings: Collection[FindingOfDossier], now: datetime) -> dict[int, Outcome]:
    book = load_rules()
    alone = rules_judged_alone(book)
    judged = [each for each in findings if each.rule in alone]
    outcomes: dict[int, Outcome] = {each.finding_id: "unknown" for each in findings}
    if not judged:
        return outcomes
    since = book.since(now)
    first, last = calendar_days(now, since)
    said = judge_dossiers(
        connection,
        sorted({each.dossier_id for each in judged}),
        {code: condition(book.rules[code], now, since) for code in sorted({each.rule for each in judged})},
        load_calendars(connection, sorted({each.dossier_agency for each in judged}), first, last),
        first,
        last,
        {"as_of": now, "since": since, "day": now.astimezone(VIETNAM).date(), **snapshot_thresholds(book)},
    )
    for each in judged:
        if each.dossier_id in said:
            of_dossier = said[each.dossier_id]
            outcomes[each.finding_id] = "mended" if of_dossier is None else _outcome(of_dossier[each.rule])
    return outcomes


def _outcome(judged: Judged) -> Outcome:
    if judged.at_least != judged.at_most:
        return "unknown"
    return "stands" if judged.at_least else "mended"
