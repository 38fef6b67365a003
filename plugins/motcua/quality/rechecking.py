"""Judge single findings again between two runs, by the dossier's present data in the ledger.

A sealed run never changes. The new result is shown next to the run's result, and the next run closes the finding or
leaves it open. Only rules whose facts come from the dossier's own row and steps can be judged again. Every other rule
needs a whole run. The conditions come from the rules' file. If a condition also compares the dossier with the usual
waits of other dossiers, the condition is judged twice: with the lowest and with the highest result that these waits
could give. If both verdicts agree, the other dossiers do not matter; otherwise the outcome is unknown.
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
    """Return whether the findings of a rule can be judged again without a whole run.

    This is possible if the fault can be corrected, and if the rule's condition uses only the dossier's own facts and
    the usual waits.
    """
    return (
        rule.level == "dossier"
        and rule.mendable
        and facts_of(OWN_FACTS).issuperset(_FACT.findall(rule.where))
        and {"usual_waits"}.issuperset(_TABLE.findall(rule.where))
    )


def rules_judged_alone(book: RuleBook | None = None) -> frozenset[str]:
    """Return the codes of the rules whose findings can be judged again between two runs."""
    return frozenset(code for code, rule in (book or load_rules()).rules.items() if is_judged_alone(rule))


def mended_since(connection: Connection, findings: Sequence[int], since: datetime, now: datetime) -> set[int]:
    """Return the findings whose fault no longer exists, among those whose dossier was read again after ``since``.

    Args:
        connection: a connection to the ledger.
        findings: ids of the findings to judge, at most one page of them.
        since: the time of the run.
        now: the moment that the rules use as "now".
    """
    known = findings_of_dossiers(connection, findings, since, None) if findings else []
    changed = [each for each in known if each.changed]
    return {number for number, outcome in _judge_findings(connection, changed, now).items() if outcome == "mended"}


def recheck(
    connection: Connection, finding: int, by: str, now: datetime, agencies: Sequence[str] | None = None
) -> Outcome | None:
    """Judge one finding again, and store who requested it and the outcome.

    Args:
        connection: a connection to the ledger.
        finding: id of the finding.
        by: the person who requests it.
        now: the moment that the rule uses as "now".
        agencies: codes of the agencies whose findings may be judged; ``None`` for all.

    Returns:
        The outcome; ``None`` if there is no such finding, or if it is not about a dossier.
    """
    known = findings_of_dossiers(connection, [finding], now, agencies)
    if not known:
        return None
    outcome = _judge_findings(connection, known, now)[finding]
    save_recheck(connection, finding, by, now, outcome)
    return outcome


def _judge_findings(
    connection: Connection, findings: Collection[FindingOfDossier], now: datetime
) -> dict[int, Outcome]:
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
