"""Prove that the quality check finds the planted defects, and has no other findings.

The check must find every defect of a dossier or a source, and 95 % of the defects of agencies' months.

The code that plants the defects (tests/planting) states which rules must find each of them, and shares no code with the
rules. The real check runs on a real ledger.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final
from unittest import mock

import psycopg
from psycopg import sql

from motcua.jobs.quality.checking import check_quality, verify_seals
from motcua.quality.reporting import agency_report, department_report
from motcua.quality.rules import load_rules
from motcua.sandbox.machine.deployment import postgres_connection
from tests.ground import AWAY, ask, connection_uri, database, environment, in_ledger
from tests.planting.defects import build
from tests.planting.ledger import write
from tests.planting.world import HOUR, NOW, Life, World
from tests.prove import Figure, equal, noted
from tests.prove.worlds.ledgers import proving_server

CLEAN, PLANTED = 100_000, 5_000

# ------------------------------------------------------------------------------------------------------ the verdict


@dataclass(frozen=True)
class Verdict:
    """Findings of a run of the quality check, by rule: dossiers by their number, agencies and sources by name."""

    dossiers: dict[str, set[int]]
    others: dict[str, set[str]]


def findings(dsn: str, run_no: int) -> Verdict:
    dossiers: dict[str, set[int]] = defaultdict(set)
    others: dict[str, set[str]] = defaultdict(set)
    with psycopg.connect(dsn) as connection:
        for rule, subject, number in connection.execute(
            "SELECT f.rule, f.subject, f.dossier_id FROM motcua.findings AS f"
            " INNER JOIN motcua.finding_episodes AS e ON f.finding_id = e.finding_id"
            " WHERE e.opened_run <= %(run)s AND coalesce(e.closed_run > %(run)s, TRUE)",
            {"run": run_no},
        ):
            if number is None:
                others[rule].add(subject)
            else:
                dossiers[rule].add(number)
    return Verdict(dossiers, others)


def compare(world: World, numbered: dict[int, Life], verdict: Verdict) -> tuple[list[Figure], list[str]]:
    """Return a row per rule (planted, found, false), and a description of each missed and each false finding."""
    figures, faults = [], []
    for code, rule in load_rules().rules.items():
        if rule.level == "dossier":
            wanted = {number for number, life in numbered.items() if code in life.expected}
            said = verdict.dossiers[code]
            missed, false = wanted - said, said - wanted
            faults += [f"{code} missed: {_describe(numbered[number])}" for number in sorted(missed)]
            faults += [f"{code} false: {_describe(numbered[number])}" for number in sorted(false)]
            figures.append(_figure_of_rule(code, rule.title, len(wanted), len(wanted & said), len(false), exact=True))
            continue
        if rule.level == "source":
            wanted_names = {subject for each, subject in world.sources if each == code}
            false_names = verdict.others[code] - wanted_names
            missed_names = wanted_names - verdict.others[code]
            found = len(wanted_names) - len(missed_names)
            total = len(wanted_names)
        else:
            guilty = {f"{agency} {month}" for each, agency, month in world.months if each == code}
            # If an agency's month has a planted defect, findings about single procedures of this month are right, too.
            false_names = {name for name in verdict.others[code] if " ".join(name.split(" ")[:2]) not in guilty}
            missed_names = guilty - verdict.others[code]
            found, total = len(guilty) - len(missed_names), len(guilty)
        faults += [f"{code} missed: {name}" for name in sorted(missed_names)]
        faults += [f"{code} false: {name}" for name in sorted(false_names)]
        figures.append(_figure_of_rule(code, rule.title, total, found, len(false_names), exact=rule.level == "source"))
    borders = [(number, life) for number, life in numbered.items() if life.border]
    right = sum(
        {code for code, numbers in verdict.dossiers.items() if number in numbers} == life.expected
        for number, life in borders
    )
    kinds = len({life.border for _, life in borders})
    figures.append(equal(f"dossiers judged rightly at or beside a limit, {kinds} kinds of limits", right, len(borders)))
    return figures, faults


def _figure_of_rule(code: str, title: str, planted: int, found: int, false: int, *, exact: bool) -> Figure:
    least = "all" if exact else "95 %"
    enough = found == planted if exact else found >= 0.95 * planted
    return Figure(
        f"{code} {title}",
        f"{planted:,} planted, {found:,} found, {false:,} false",
        f"{least} found, 0 false",
        planted > 0 and enough and not false,
    )


def _describe(life: Life) -> str:
    moves = ", ".join(f"{move.status} {move.when:%d/%m %H:%M:%S}" for move in life.moves[-4:])
    return f"{life.code} ({life.border or 'no border'}), expected {sorted(life.expected)}: {moves}"


# -------------------------------------------------------------------------------------------------------- the proof


@contextlib.contextmanager
def planted_ledger(admin_dsn: str, world: World, template: str = "motcua") -> Iterator[tuple[str, dict[int, Life]]]:
    """Write a simulated world into a copy of a migrated ledger; yield the copy's DSN, and the dossiers by number.

    Within the block, the connection ``motcua_db`` leads to this copy.
    """
    variables = {"MOTCUA_SOURCES": ",".join(world.states)}
    with (
        database(admin_dsn, "quality_world", template) as dsn,
        database(admin_dsn, "quality_register") as register,
    ):
        ask(admin_dsn, "GRANT CONNECT ON DATABASE quality_world TO motcua_app")
        for name in world.states:
            there = postgres_connection(register if name == "co_so" else admin_dsn)
            variables[f"AIRFLOW_CONN_ONESTOP_{name.upper()}"] = AWAY if name in world.unreadable else there
        with environment(**variables, AIRFLOW_CONN_MOTCUA_DB=connection_uri(admin_dsn, "motcua_app", "quality_world")):
            numbered = write(world, dsn, register)
            ask(dsn, "ANALYZE")
            yield dsn, numbered


def judge_world(world: World, dsn: str, numbered: dict[int, Life]) -> tuple[list[Figure], list[str]]:
    """Return the rows about a planted world: right and false findings by rule, then other properties of the check."""
    with mock.patch("motcua.jobs.quality.checking.log"):
        run = check_quality("proof", NOW)
        figures, faults = compare(world, numbered, findings(dsn, run.run_no))
        again = check_quality("proof again", NOW)
        figures.append(
            Figure("the same data checked again", again.content_hash[:12], f"the hash {run.content_hash[:12]}",
                   again.content_hash == run.content_hash and again.seal != run.seal)
        )  # fmt: skip
        figures.append(_judge_ranks(numbered, run.run_no))
        figures.append(_judge_broken_rule(dsn))
    clean = sum(not life.expected for life in world.lives)
    planted = sum(len(life.expected) for life in world.lives) + len(world.months) + len(world.sources)
    figures.insert(0, noted("defects planted in all", f"{planted:,} beside {clean:,} clean dossiers"))
    figures += _judge_doctored_runs(dsn)
    figures.append(_judge_bent_rules(world, dsn, numbered))
    return figures, faults


BENT: Final = {
    "P11.owners": 6, "R2.days": 4, "R3.days": 11, "R3M.cases": 11, "R4.share": 0.84, "R5.changes": 11, "R6.cases": 11,
    "R7.days": 4, "R8.moves": 2, "R9.cases": 11, "R10.night_from": 21, "R11.days": 3, "R13.inquiries": 3,
    "R14.share": 0.86, "R15.gap": 0.14, "D3.minutes": 32, "S1.hours": 7, "S2.days": 2, "S3.days": 4, "S4.share": 0.49,
}  # fmt: skip
"""Wrong thresholds by name.

Each is slightly off the right threshold, so that the rule misses a subject that is exactly at the right threshold.
"""


def _judge_bent_rules(world: World, dsn: str, numbered: dict[int, Life]) -> Figure:
    """Check that the comparison with the planted defects notices slightly wrong rules."""
    with mock.patch("motcua.jobs.quality.checking.log"):
        run = check_quality("proof bent", NOW, rules=load_rules(BENT))
    _, faults = compare(world, numbered, findings(dsn, run.run_no))
    bent = {name.partition(".")[0] for name in BENT}
    noticed = bent & {fault.partition(" ")[0] for fault in faults}
    return Figure(
        "wrong thresholds that are noticed",
        f"{len(noticed)}{f', not {sorted(bent - noticed)}' if bent - noticed else ''}",
        f"{len(bent)}",
        noticed == bent,
    )


def _judge_ranks(numbered: dict[int, Life], run_no: int) -> Figure:
    """Compare each agency's rank in its report with its rank by planted defects per dossier; rank 1 is the worst."""
    book = load_rules()
    rated = {
        code
        for code, rule in book.rules.items()
        if rule.level == "dossier" and rule.owner == "agency" and rule.severity != "info"
    }
    lives: dict[str, list[Life]] = defaultdict(list)
    for life in numbered.values():
        lives[life.office.code].append(life)
    rates = {
        agency: Fraction(sum(len(life.expected & rated) for life in ours), len(ours))
        for agency, ours in lives.items()
        if len(ours) >= book.rated_from
    }
    wanted = {agency: place for place, agency in enumerate(sorted(rates, key=lambda each: (-rates[each], each)), 1)}
    told = {agency: in_ledger(agency_report, run_no, agency).rank for agency in lives}
    wrong = sorted(agency for agency in lives if told[agency] != wanted.get(agency))
    return Figure(
        "agencies told their rank by findings per dossier",
        f"{len(lives) - len(wrong)} of {len(lives)}{f', not {wrong}' if wrong else ''}",
        f"{len(lives)}, at least 3 with a rank",
        not wrong and len(wanted) >= 3,
    )


def _judge_broken_rule(dsn: str) -> Figure:
    """Check that a rule whose query fails is reported as broken, and that its earlier findings stay open."""
    book = load_rules()
    spoilt = book.rules["R7"].model_copy(update={"where": "f.no_such_fact > 1"})
    counts = check_quality(
        "proof broken", NOW + HOUR, rules=book.model_copy(update={"rules": {**book.rules, "R7": spoilt}})
    )
    report = in_ledger(department_report, counts.run_no)
    broken = [(each.rule.code, each.status) for each in report.broken]
    with psycopg.connect(dsn) as connection:
        ended = connection.execute(
            "SELECT count(*) FROM motcua.finding_episodes AS e"
            " INNER JOIN motcua.findings AS f ON e.finding_id = f.finding_id"
            " WHERE f.rule = 'R7' AND e.closed_run IS NOT NULL"
        ).fetchone()
    ok = counts.broken == 1 and broken == [("R7", "broken")] and ended == (0,)
    return Figure(
        "a check with a failing query",
        f"{broken}, {ended[0] if ended else '?'} findings ended",
        "R7 broken, 0 ended",
        ok,
    )


DOCTORED: Final = (
    (
        "a finding moved out of a sealed run",
        "finding_episodes",
        "UPDATE motcua.finding_episodes SET opened_run = 2 WHERE finding_id ="
        " (SELECT min(e.finding_id) FROM motcua.finding_episodes AS e WHERE e.opened_run = 1)",
    ),
    (
        "a count made smaller",
        "quality_counts",
        "UPDATE motcua.quality_counts SET found = found - 1 WHERE run_no = 1 AND rule = 'R1' AND found > 1",
    ),
    (
        "a threshold changed afterwards",
        "quality_runs",
        """UPDATE motcua.quality_runs SET thresholds = thresholds || '{"R7.days": 30}' WHERE run_no = 1""",
    ),
    (
        "a run cut out of the chain",
        "quality_runs",
        "UPDATE motcua.quality_runs SET previous_seal = repeat('1', 64) WHERE run_no = 2",
    ),
)
"""Changes that an owner of the database might make to a sealed run; its seal must reveal each change."""


def _judge_doctored_runs(dsn: str) -> list[Figure]:
    runs, faults = verify_seals()
    figures = [
        Figure("sealed runs verified", f"{runs}, {len(faults)} faults", "3, 0 faults", (runs, faults) == (3, []))
    ]
    for name, table, statement in DOCTORED:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            names = sql.Identifier("motcua", table)
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE untouched AS SELECT * FROM {}").format(names))
            connection.execute(statement)
            _, faults = verify_seals()
            figures.append(Figure(f"noticed: {name}", faults[0] if faults else "nothing", "a fault", bool(faults)))
            connection.execute(sql.SQL("DELETE FROM {}").format(names))
            connection.execute(sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE untouched").format(names))
    return figures


def figures(seed: int, share: float = 0.8) -> list[Figure]:
    """Judge one world with all defects; ``share`` is the share of the clean dossiers that the world gets.

    Rule R9 finds months in which the share of pauses that begin late is far above the usual share of all agencies. With
    ``share`` below about 0.7, clean dossiers have so few pauses that the planted late pauses raise the usual share, and
    R9 no longer finds the months that are exactly at its limit.
    """
    world = build(seed, round(CLEAN * share), PLANTED)
    with tempfile.TemporaryDirectory(prefix="motcua-prove-") as folder, proving_server(Path(folder)) as admin_dsn:
        with planted_ledger(admin_dsn, world) as (dsn, numbered):
            found, faults = judge_world(world, dsn, numbered)
        for fault, count in list(Counter(faults).items())[:30]:
            found.append(Figure("fault", f"{fault} ({count} times)", "", ok=False))
        return found
