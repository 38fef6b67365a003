"""Checks data quality: takes one snapshot of the ledger, checks the snapshot, applies every rule, and seals the run.
The *seal* is a hash over the findings and the previous seal, so that nobody can change findings later without being
noticed."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import clean_code
from motcua.domain.phones.reading import REFUSALS
from motcua.domain.quality import Run
from motcua.jobs.notices.picking_up import connection_id
from motcua.quality.expectations import (
    Keep,
    Row,
    RuleVerdict,
    SnapshotVerdict,
    judge,
    judge_snapshot,
    prepare,
    software,
)
from motcua.quality.rules import Asked, RuleBook, ask, calendar_days, load_rules, snapshot_thresholds
from motcua.quality.seal import FIRST, content_hash, seal
from motcua.quality.soundness import Soundness, load_soundness
from motcua.quality.suggesting import suggest
from motcua.settings import settings
from motcua.sources.desk_register import read_desk_register
from motcua.store.agencies import agency_by_written_code, list_agencies
from motcua.store.calendars import load_calendars
from motcua.store.ledger.database import (
    Connection,
    connect,
    reason_without_values,
    without_values,
)
from motcua.store.ledger.locks import CHECKING, hold_lock
from motcua.store.ledger.rows import batches
from motcua.store.oversight import quality as store

log = logging.getLogger(__name__)

_REGISTER_REACHES_BACK = timedelta(days=366)
_BATCH = 5000
_SOURCES = "source_facts"
"""The only table of the snapshot with rows that may belong to no agency, because they describe a whole source."""


class CheckInProgress(Exception):
    """Another quality check is running."""


@dataclass(frozen=True, slots=True)
class QualityCounts:
    """Counts of one quality check."""

    run_no: int
    day: date
    working_day: bool
    dossiers: int
    findings: int
    rules: int
    broken: int
    content_hash: str
    seal: str
    sealed_before: bool
    """Whether the run was sealed before, so that nothing was checked again."""


Judge: TypeAlias = Callable[[Sequence[Asked], Keep], Sequence[RuleVerdict]]


@without_values()
def check_quality(
    run_id: str,
    now: datetime | None = None,
    *,
    rules: RuleBook | None = None,
    judged_by: Judge = judge,
    soundness: Soundness | None = None,
) -> QualityCounts:
    """Check the ledger's present data, and seal the findings under the run's name.

    A sealed run is not repeated: its counts are returned as they are. An agency whose rows in the snapshot fail an
    expectation is recorded as broken, without figures. All other agencies are checked as usual.

    Args:
        run_id: the DAG run, or a name for a check by hand.
        now: the moment that the rules use as the present, by default the current time.
        rules: the rules; by default those of include/quality/rules.yaml, with the thresholds in force.
        judged_by: gives the verdicts; Great Expectations by default.
        soundness: the expectations on the snapshot itself; by default those of include/quality/snapshot.yaml.

    Raises:
        CheckInProgress: Another quality check is running.
        motcua.quality.rules.RulesInvalid: The rules cannot be used.
        DatabaseFailed: The ledger refused a query or did not answer.
    """
    moment = now or datetime.now(UTC)
    book = rules or load_rules()
    with connect() as guard:
        if sealed := sealed_run(guard, run_id):
            return sealed
        if not hold_lock(guard, CHECKING):
            raise CheckInProgress("Another quality check is being made. Only one check at a time can use the snapshot.")
        guard.commit()
        since = book.since(moment)
        with ExitStack() as lanes:
            # Great Expectations is imported in a thread while the database works, because the import takes long.
            lanes.enter_context(ThreadPoolExecutor(1)).submit(prepare)
            with connect() as ledger:
                store.begin_snapshot(ledger, _parameters(book, moment, since))
            for source in settings().sources:
                _read_register(source, since)
            beside = _fill([lanes.enter_context(connect()) for _ in range(store.LANES)], book, moment, since)
        known = [agency.agency_code for agency in list_agencies(guard)]
        guard.commit()
        snapshot = judge_snapshot(soundness or load_soundness(), {"agencies": known, "phone_refusals": REFUSALS})
        asked = ask(book, moment, since)
        with connect() as ledger:
            verdicts = _judge(ledger, asked, snapshot, judged_by)
        with connect() as ledger:
            counts = _record(ledger, book, asked, verdicts, snapshot, beside, run_id, moment, since)
    log.info("run %d: %d dossiers, %d findings, %d of %d checks broken", counts.run_no, counts.dossiers,
             counts.findings, counts.broken, counts.rules)  # fmt: skip
    return counts


def _judge(
    ledger: Connection, asked: Sequence[Asked], snapshot: SnapshotVerdict, judged_by: Judge
) -> list[RuleVerdict]:
    """Apply the rules, store the rows that they find, and return the verdict on each rule. Rows of broken agencies are
    left out."""
    by_code = {each.rule.code: each for each in asked}
    withheld: Counter[str] = Counter()

    def is_sound(row: Row, table: str) -> bool:
        if row["agency_code"] is None:
            return table == _SOURCES and table not in snapshot.of_no_agency
        return row["agency_code"] not in snapshot.faults

    def keep(rule: str, rows: list[Row]) -> None:
        sound = [row for row in rows if is_sound(row, by_code[rule].table)]
        withheld[rule] = len(rows) - len(sound)
        if snapshot.broken_reason is None:
            store.add_found(ledger, rule, by_code[rule].rule.level, sound)

    # The rows of one rule are written while the rows of the next rule are fetched. At most two rules' rows are in
    # memory.
    with ThreadPoolExecutor(1) as writer:
        writing: list[Future[None]] = []

        def keep_beside(rule: str, rows: list[Row]) -> None:
            while writing:
                writing.pop().result()
            writing.append(writer.submit(keep, rule, rows))

        verdicts = judged_by(asked, keep_beside)
        while writing:
            writing.pop().result()
    if snapshot.broken_reason is not None:
        return [RuleVerdict(each.rule, "broken", 0, each.broken_reason or snapshot.broken_reason) for each in verdicts]
    return [replace(each, found=each.found - withheld[each.rule]) for each in verdicts]


def sealed_run(connection: Connection, run_id: str) -> QualityCounts | None:
    """Return the counts of the sealed run of this name. ``None`` if there is none."""
    for run in store.list_runs(connection, run_id=run_id, most=1):
        return _counts(run, len(run.rules), sealed_before=True)
    return None


def sealed_run_of_day(connection: Connection, day: date) -> QualityCounts | None:
    """Return the counts of a past day's last sealed run, or ``None``. A past day cannot be checked again."""
    for run in store.list_runs(connection, day=day, most=1):
        return _counts(run, len(run.rules), sealed_before=True)
    return None


def _counts(run: Run, rules: int, *, sealed_before: bool) -> QualityCounts:
    return QualityCounts(
        run.run_no,
        run.day,
        run.working_day,
        run.dossiers,
        run.findings,
        rules,
        run.broken,
        run.content_hash,
        run.seal,
        sealed_before,
    )


# ------------------------------------------------------------------------------------------------- the snapshot


def _fill(lanes: Sequence[Connection], book: RuleBook, now: datetime, since: datetime) -> store.RecordFigures:
    codes = [agency.agency_code for agency in list_agencies(lanes[0])]
    first, last = calendar_days(now, since)
    calendars = load_calendars(lanes[0], codes, first, last)
    return store.fill_snapshot(lanes, calendars, first, last, _parameters(book, now, since))


def _parameters(book: RuleBook, now: datetime, since: datetime) -> dict[str, Any]:
    return {"as_of": now, "since": since, "sources": list(settings().sources), **snapshot_thresholds(book)}


def _read_register(source: str, since: datetime) -> None:
    """Copy a source's desk register, in which the desk notes when results are ready and handed over, into the snapshot.
    A failure to read it becomes a finding and raises no error."""
    failure: str | None = None
    try:
        with connect() as ledger, connect(connection_id(source)) as reading:
            rows = read_desk_register(reading, since - _REGISTER_REACHES_BACK, settings().source_patience)
            if rows is None:
                return
            known = agency_by_written_code(ledger)
            for batch in batches(_under_our_codes(rows, known), _BATCH):
                store.add_register(ledger, source, batch)
    except Exception as error:
        failure = reason_without_values(error)
        log.warning("the desk register of %s could not be read: %s", source, failure)
    with connect() as ledger:
        store.add_register_reading(ledger, source, failure)


def _under_our_codes(rows: Iterable[store.RegisterRow], known: dict[str, str]) -> Iterator[store.RegisterRow]:
    for row in rows:
        agency = known.get((row.agency_code or "").strip())
        code = clean_code(row.dossier_code or "")
        if agency and code:
            yield replace(row, agency_code=agency, dossier_code=code)


# ------------------------------------------------------------------------------------------------- the record


def _record(
    ledger: Connection,
    book: RuleBook,
    asked: Sequence[Asked],
    verdicts: Sequence[RuleVerdict],
    snapshot: SnapshotVerdict,
    beside: store.RecordFigures,
    run_id: str,
    now: datetime,
    since: datetime,
) -> QualityCounts:
    """Write the findings and seal them, in one transaction."""
    day, since_day = now.astimezone(VIETNAM).date(), since.astimezone(VIETNAM).date()
    by_code = {each.rule.code: each for each in asked}
    # Only the rules that got a verdict get a row.
    suite = [by_code[verdict.rule] for verdict in verdicts]
    rules = [
        {
            "code": each.rule.code,
            "severity": each.rule.severity,
            "owner": each.rule.owner,
            "level": each.rule.level,
            "digest": each.digest,
        }
        for each in suite
    ]
    thresholds = {
        f"{each.rule.code}.{name}": threshold.value
        for each in suite
        for name, threshold in each.rule.thresholds.items()
    }
    checked = [verdict.rule for verdict in verdicts if verdict.status == "checked"]
    broken_agencies = sorted(snapshot.faults)
    if _SOURCES in snapshot.of_no_agency:
        broken_agencies.append("")
    run_no = store.save_run(
        ledger,
        store.NewRun(
            run_id=run_id,
            as_of=now,
            day=day,
            since=since_day,
            data_as_of=store.data_as_of(ledger),
            rules=rules,
            thresholds=thresholds,
            software=software(),
            dossiers=store.count_dossiers(ledger, broken_agencies),
            broken=len(verdicts) - len(checked) + len(snapshot.faults) + bool(snapshot.of_no_agency),
        ),
    )
    faults = {(agency, fault) for agency, found in snapshot.faults.items() for fault in found}
    nowhere = {(None, fault) for found in snapshot.of_no_agency.values() for fault in found}
    store.save_broken_agencies(ledger, run_no, [store.BrokenPart(run_no, *each) for each in faults | nowhere])
    store.save_findings(ledger, run_no, day, checked, _deadlines(book, checked), broken_agencies)
    hashes = store.rows_hashes(ledger, run_no, checked)
    for verdict in verdicts:
        if verdict.status == "checked" and hashes[verdict.rule][0] != verdict.found:
            raise RuntimeError(f"{verdict.rule}: {verdict.found} rows returned, {hashes[verdict.rule][0]} kept")
    results = [
        store.RuleOutcome(
            run_no=run_no,
            rule=verdict.rule,
            status=verdict.status,
            broken_reason=verdict.broken_reason,
            found=verdict.found,
            rows_hash=hashes[verdict.rule][1] if verdict.status == "checked" else None,
        )
        for verdict in verdicts
    ]
    store.save_results(ledger, run_no, results)
    store.save_figures(ledger, run_no, day, beside.desk_users, broken_agencies)
    shares = store.shares_of(ledger, run_no)
    taken_back = [row for row in beside.taken_back if row.agency_code not in snapshot.faults]
    store.save_suggestions(ledger, run_no, suggest(book.suggestions, taken_back, shares))
    hashed, previous = run_content_hash(ledger, run_no), store.last_seal(ledger) or FIRST
    store.seal_run(ledger, run_no, hashed, previous, seal(previous, hashed, run_id, now))
    return _counts(store.list_runs(ledger, run_no=run_no)[0], len(rules), sealed_before=False)


def _deadlines(book: RuleBook, checked: Iterable[str]) -> list[store.Deadline]:
    found = []
    for code in checked:
        rule = book.rules[code]
        deadline = book.deadlines.get(rule.severity) if rule.mendable else None
        if deadline is not None:
            found.append(store.Deadline(code, deadline.agency, deadline.department))
    return found


# ------------------------------------------------------------------------------------------------- verification


def run_content_hash(ledger: Connection, run_no: int) -> str:
    """Compute the content hash of a run from its rows in the ledger."""
    run = store.list_runs(ledger, run_no=run_no)[0]
    return content_hash(
        run.thresholds,
        run.rules,
        {agency.agency_code: agency.dossiers for agency in store.agencies_of(ledger, [run_no])},
        store.results_of(ledger, [run_no]),
        store.counts_of(ledger, [run_no]),
        store.broken_agencies_of(ledger, [run_no]),
    )


@contextmanager
def _read_at_one_moment() -> Iterator[Connection]:
    with connect() as ledger:
        store.one_moment(ledger)
        yield ledger


@without_values()
def verify_seals() -> tuple[int, list[str]]:
    """Compute every seal again, the oldest first. Return the number of runs, and the faults in words."""
    faults: list[str] = []
    with _read_at_one_moment() as ledger:
        runs = list(reversed(store.list_runs(ledger)))
        previous = FIRST
        for run in runs:
            results = [each for each in store.results_of(ledger, [run.run_no]) if each.status == "checked"]
            hashes = store.rows_hashes(ledger, run.run_no, [each.rule for each in results])
            faults += [
                f"run {run.run_no}: the rows of {each.rule} are not those that were sealed"
                for each in results
                if hashes[each.rule] != (each.found, each.rows_hash)
            ]
            if not run.seal:
                faults.append(f"run {run.run_no}: it has no seal")
                continue
            if run_content_hash(ledger, run.run_no) != run.content_hash:
                faults.append(f"run {run.run_no}: its content is not what was sealed")
            if run.previous_seal != previous:
                faults.append(f"run {run.run_no}: it does not follow the run before it")
            if seal(run.previous_seal, run.content_hash, run.run_id, run.as_of) != run.seal:
                faults.append(f"run {run.run_no}: its seal is not right")
            previous = run.seal
    return len(runs), faults
