"""Build the reports about a sealed run, which mails, workbooks, charts, pages and commands show.

A run checks the data once, and is sealed together with its results. All figures come from these stored results, which
Great Expectations returned. This module judges nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar, get_args

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import mask_for_staff, mask_msisdn
from motcua.domain.quality import Run, TextableShare
from motcua.domain.working_days import written_day
from motcua.quality.choosing import Chosen
from motcua.quality.report_data import (
    AgencyFigures,
    AgencyReport,
    BrokenAgency,
    Change,
    DepartmentReport,
    FindingState,
    Group,
    RowToCorrect,
    RuleResult,
    RuleWords,
    Severity,
    Stage,
    Suggestion,
    ThresholdUsed,
    ToDo,
    TrendPoint,
)
from motcua.quality.rules import RuleBook, load_rules
from motcua.quality.soundness import load_soundness
from motcua.store.agencies import InForce, in_force
from motcua.store.ledger.database import Connection
from motcua.store.oversight import quality as store

WEEKS = 12
"""Number of weeks in the trend."""
_GRAVITY: Mapping[Severity, int] = {"critical": 0, "warning": 1, "info": 2}


class NoSuchRun(LookupError):
    """Raised if there is no sealed run with this number."""


class NoSuchAgency(LookupError):
    """Raised if no agency has this code."""


def last_run_no(connection: Connection) -> int | None:
    """Return the number of the last sealed run; ``None`` if there is none."""
    return next((run.run_no for run in store.list_runs(connection, most=1)), None)


def get_run(connection: Connection, run_no: int) -> Run:
    """Return a sealed run.

    Raises:
        NoSuchRun: there is no sealed run with this number.
    """
    for run in store.list_runs(connection, run_no=run_no):
        return run
    raise NoSuchRun(f"There is no sealed run {run_no}.")


def agency_report(
    connection: Connection,
    run_no: int,
    agency_code: str,
    *,
    since_run: int | None = None,
    rules: RuleBook | None = None,
) -> AgencyReport:
    """Build the report about a run for one agency.

    Args:
        connection: a connection to the ledger.
        run_no: number of the run.
        agency_code: code of the agency.
        since_run: number of the run to compare with; by default the last run of an earlier working day.
        rules: the rules whose words are used; by default the rules in force.

    Raises:
        NoSuchRun: there is no such run.
        NoSuchAgency: there is no such agency.
    """
    made = _RunData(connection, run_no, since_run, rules or load_rules(), agency_code)
    if agency_code not in made.names:
        raise NoSuchAgency(f"No agency has the code {agency_code}.")
    results = made.results(agency_code)
    ranked = made.ranked_agencies()
    return AgencyReport(
        run=made.run,
        previous=made.previous,
        agency_code=agency_code,
        agency_name=made.name_of(agency_code),
        figures=made.figures(agency_code),
        rank=ranked.index(agency_code) + 1 if agency_code in ranked else None,
        ranked=len(ranked),
        results=results,
        broken=tuple(each for each in results if each.status == "broken"),
        to_do_first=made.first(results),
        trend=made.trend(agency_code),
        shares=made.shares(agency_code),
        suggestions=made.suggestions(agency_code),
        thresholds=made.thresholds(),
        has_news=made.has_news(agency_code, results),
    )


def department_report(
    connection: Connection,
    run_no: int,
    *,
    since_run: int | None = None,
    rules: RuleBook | None = None,
    least_dossiers: int = 0,
) -> DepartmentReport:
    """Build the report about a run for the Department, over all agencies.

    Args:
        connection: a connection to the ledger.
        run_no: number of the run.
        since_run: number of the run to compare with; by default the last run of an earlier working day.
        rules: the rules whose words are used; by default the rules in force.
        least_dossiers: a share of textable numbers (phones that can get an SMS) is left out if it is computed from
            fewer dossiers than this. Without a limit a province has tens of thousands of shares, because each procedure
            has its own.

    Raises:
        NoSuchRun: there is no such run.
    """
    made = _RunData(connection, run_no, since_run, rules or load_rules())
    results = made.results(None)
    return DepartmentReport(
        run=made.run,
        previous=made.previous,
        figures=made.figures(None),
        agencies=made.agencies,
        results=results,
        broken=tuple(each for each in results if each.status == "broken"),
        to_do_first=made.first(results),
        trend=made.trend(None),
        shares=made.shares(None, least_dossiers),
        suggestions=made.suggestions(None),
        sources=tuple(store.sources_of(connection, run_no)),
        thresholds=made.thresholds(),
        has_news=made.has_news(None, results),
        broken_agencies=made.broken_agencies(),
    )


def rows_to_correct(
    connection: Connection,
    run_no: int,
    agency_code: str | None = None,
    *,
    rule: str | None = None,
    fixed_since: int | None = None,
    since_run: int | None = None,
    rules: RuleBook | None = None,
) -> Iterator[RowToCorrect]:
    """Stream the findings of a run, the gravest rules first.

    Args:
        connection: a connection to the ledger, used until the last row is read.
        run_no: number of the run.
        agency_code: only findings of this agency that the agency can correct, as in the agency's figures.
        rule: only findings of this rule, whichever party can correct them.
        fixed_since: number of a run; findings that were fixed since that run are returned too.
        since_run: the run relative to which a finding is new, or back after it had been fixed; by default the last run
            of an earlier working day.
        rules: the rules whose words are used; by default the rules in force.

    Raises:
        NoSuchRun: there is no such run.
    """
    made = _RunData(connection, run_no, since_run, rules or load_rules())
    order = [words.code for words in (made.in_order if rule is not None else made.told_to(agency_code))]
    rows = store.rows_of(connection, run_no, order, agency_code=agency_code, rule=rule, fixed_since=fixed_since)
    for row in rows:
        yield made.row(row)


def urgent_rows(
    connection: Connection, run_no: int, agency_code: str | None, chosen: Chosen, first: int, most: int
) -> list[RowToCorrect]:
    """Return one page of the chosen findings, the most urgent first, in the order of ``reports.quality.urgency``.

    Args:
        connection: a connection to the ledger.
        run_no: number of the run.
        agency_code: only findings that this agency can correct; ``None`` for all findings.
        chosen: the choice of findings.
        first: position of the page's first finding, counted from 0.
        most: how many findings are read at most.

    Raises:
        NoSuchRun: there is no such run.
    """
    made = _RunData(connection, run_no, None, load_rules(), agency_code)
    wanted = [words for words in made.told_to(agency_code) if chosen.takes(words)]
    wanted.sort(key=lambda words: (_GRAVITY[words.severity], not words.mendable, words.code))
    rows = store.urgent_rows_of(
        connection,
        run_no,
        [words.code for words in wanted],
        agency_code=agency_code,
        standing=chosen.standing,
        since_run=made.previous.run_no if made.previous else None,
        first=first,
        most=most,
    )
    return [made.row(row) for row in rows]


# ------------------------------------------------------------------------------------------------- one run


@dataclass(frozen=True, slots=True)
class _Tally:
    """The sums of some counts of a run."""

    found: int = 0
    acknowledged: int = 0
    remind_agency: int = 0
    remind_department: int = 0

    @classmethod
    def of(cls, counts: Iterable[store.RuleCount]) -> _Tally:
        listed = list(counts)
        return cls(*(sum(getattr(count, name) for count in listed) for name in cls.__dataclass_fields__))


class _RunData:
    """The data of one run, and the functions that build reports from the data. Each value is read only once."""

    def __init__(
        self,
        connection: Connection,
        run_no: int,
        since_run: int | None,
        book: RuleBook,
        agency_code: str | None = None,
    ) -> None:
        """Read the run. With an ``agency_code``, the numbers of findings are read for this agency only."""
        self.connection, self.book, self._only = connection, book, agency_code
        self.run = get_run(connection, run_no)
        before = store.previous_run_no(connection, run_no) if since_run is None else since_run
        self.previous = store.list_runs(connection, run_no=before)[0] if before is not None else None
        self.names: dict[str, InForce] = in_force(connection, self.run.day)
        self._words: dict[str, RuleWords] = {}

    # ------------------------------------------------------------------------------------------ words

    def words_of(self, code: str) -> RuleWords:
        """Return a rule's words. If the rule is no longer in the file, return its code and the values of the run."""
        if code not in self._words:
            self._words[code] = self._find_words(code)
        return self._words[code]

    def _find_words(self, code: str) -> RuleWords:
        if code in self.book.rules:
            return self.book.rules[code]
        stored = next(rule for rule in self.run.rules if rule["code"] == code)
        known = {name: stored[name] for name in ("code", "severity", "owner", "level")}
        title = self.book.phrases.lost_rule.format(code=code)
        return RuleWords(**known, group="other", mendable=False, title=title, explanation="", action="")

    @cached_property
    def in_order(self) -> list[RuleWords]:
        """Return the rules of the run's suite, the gravest first. Rules of one severity are in the file's order."""
        suite = [self.words_of(rule["code"]) for rule in self.run.rules]
        place = {code: number for number, code in enumerate(self.book.rules)}
        return sorted(suite, key=lambda words: (_GRAVITY[words.severity], place.get(words.code, len(place))))

    def told_to(self, agency_code: str | None) -> list[RuleWords]:
        """Return the rules of the suite that a report contains.

        A report to an agency contains only rules whose findings an agency can correct.
        """
        return [words for words in self.in_order if agency_code is None or words.owner == "agency"]

    def name_of(self, agency_code: str) -> str:
        """Return the agency's name on the day of the run."""
        known = self.names.get(agency_code)
        return known.name_in_texts if known else agency_code

    # ------------------------------------------------------------------------------------------ figures

    @cached_property
    def _weeks(self) -> dict[date, int]:
        return store.weekly_runs(self.connection, self.run.run_no, WEEKS)

    @cached_property
    def _run_nos(self) -> list[int]:
        runs = {self.run.run_no, *self._weeks.values()}
        if self.previous:
            runs.add(self.previous.run_no)
        return sorted(runs)

    @cached_property
    def _counts(self) -> dict[int, list[store.RuleCount]]:
        if self._only is not None:
            return _by_run(store.counts_of(self.connection, self._run_nos, self._only))
        # Only this run and the run that it is compared with need counts by agency. The trend needs only totals.
        told = {self.run.run_no, *((self.previous.run_no,) if self.previous else ())}
        earlier = [run_no for run_no in self._run_nos if run_no not in told]
        counts = store.counts_of(self.connection, sorted(told)) + store.counts_by_rule(self.connection, earlier)
        return _by_run(counts)

    @cached_property
    def _counts_of_agencies(self) -> dict[tuple[int, str | None], list[store.RuleCount]]:
        found: dict[tuple[int, str | None], list[store.RuleCount]] = defaultdict(list)
        for run_no, counts in self._counts.items():
            for row in counts:
                found[run_no, row.agency_code].append(row)
        return found

    def _counts_in(self, run_no: int, agency_code: str | None) -> Sequence[store.RuleCount]:
        """Return the counts of one agency, or of all agencies together."""
        if agency_code is None:
            return self._counts[run_no]
        return self._counts_of_agencies.get((run_no, agency_code), ())

    @cached_property
    def _outcomes(self) -> dict[int, dict[str, store.RuleOutcome]]:
        said: dict[int, dict[str, store.RuleOutcome]] = defaultdict(dict)
        for each in store.results_of(self.connection, self._run_nos):
            said[each.run_no][each.rule] = each
        return said

    @cached_property
    def _checked_agencies(self) -> dict[int, list[store.CheckedAgency]]:
        return _by_run(store.agencies_of(self.connection, self._run_nos))

    @cached_property
    def _broken_parts(self) -> dict[int, dict[str | None, str]]:
        """Return the faults in each agency's part of the snapshot, in words, by run and agency."""
        faults: dict[tuple[int, str | None], list[str]] = defaultdict(list)
        for row in store.broken_agencies_of(self.connection, self._run_nos):
            faults[row.run_no, row.agency_code].append(row.fault)
        found: dict[int, dict[str | None, str]] = defaultdict(dict)
        for (run_no, agency_code), its in faults.items():
            found[run_no][agency_code] = load_soundness().in_words(its)
        return found

    def broken_agencies(self) -> tuple[BrokenAgency, ...]:
        """Return the agencies whose part of this run's snapshot was broken. Rows that belong to no agency come last."""
        return tuple(
            BrokenAgency(code, self.name_of(code) if code else self.book.phrases.no_agency, reason)
            for code, reason in sorted(
                self._broken_parts[self.run.run_no].items(), key=lambda each: (each[0] is None, each[0] or "")
            )
        )

    def _broken_reason(self, run_no: int, agency_code: str | None) -> str | None:
        return self._broken_parts[run_no].get(agency_code) if agency_code is not None else None

    @cached_property
    def _changes(self) -> list[store.RuleChange]:
        if self.previous is None:
            return []
        return store.changes_of(self.connection, self.run.run_no, self.previous.run_no)

    @cached_property
    def _changes_of_agencies(self) -> dict[str | None, list[store.RuleChange]]:
        found: dict[str | None, list[store.RuleChange]] = defaultdict(list)
        for row in self._changes:
            found[row.agency_code].append(row)
        return found

    def _changes_of(self, agency_code: str | None) -> Sequence[store.RuleChange]:
        """Return the changes of one agency, or of all agencies together."""
        return self._changes if agency_code is None else self._changes_of_agencies.get(agency_code, ())

    def _dossiers(self, run_no: int, agency_code: str | None) -> tuple[int, int]:
        rows = [row for row in self._checked_agencies[run_no] if agency_code in (None, row.agency_code)]
        return sum(row.dossiers for row in rows), sum(row.textable for row in rows)

    def _tally(self, run_no: int, agency_code: str | None, rules: Iterable[str]) -> _Tally:
        wanted = set(rules)
        return _Tally.of(row for row in self._counts_in(run_no, agency_code) if row.rule in wanted)

    def _change(self, agency_code: str | None, rules: Sequence[str], found: int) -> Change:
        """Return the changes in the findings of these rules since the run that this run is compared with."""
        if self.previous is None:
            return Change(new=found)
        rows = [row for row in self._changes_of(agency_code) if row.rule in rules]
        new, back = sum(row.new for row in rows), sum(row.back for row in rows)
        before = self.previous.run_no
        comparable = [rule for rule in rules if self._was_checked(before, rule, agency_code)]
        was = self._tally(before, agency_code, comparable).found if comparable else None
        return Change(
            new=new,
            back=back,
            standing=found - new - back,
            fixed=sum(row.fixed for row in rows),
            previous_found=was,
            previous_per_thousand=self._per_thousand(was, self._dossiers(before, agency_code)[0]),
        )

    def _was_checked(self, run_no: int, rule: str, agency_code: str | None) -> bool:
        said = self._outcomes[run_no].get(rule)
        was_checked = said is not None and said.status == "checked"
        return was_checked and self._broken_reason(run_no, agency_code) is None

    def results(self, agency_code: str | None) -> tuple[RuleResult, ...]:
        """Return the results of all rules, or for one agency the results of the rules that agencies can correct."""
        run_no = self.run.run_no
        dossiers = self._dossiers(run_no, agency_code)[0]
        broken_reason = self._broken_reason(run_no, agency_code)
        results = []
        for words in self.told_to(agency_code):
            said = self._outcomes[run_no][words.code]
            tally = self._tally(run_no, agency_code, [words.code])
            is_checked = said.status == "checked" and broken_reason is None
            results.append(
                RuleResult(
                    rule=words,
                    status="checked" if is_checked else "broken",
                    broken_reason=said.broken_reason or broken_reason,
                    found=tally.found,
                    acknowledged=tally.acknowledged,
                    remind_agency=tally.remind_agency,
                    remind_department=tally.remind_department,
                    per_thousand=self._per_thousand(tally.found, dossiers) if is_checked else None,
                    change=self._change(agency_code, [words.code], tally.found) if is_checked else Change(),
                )
            )
        return tuple(results)

    def _per_thousand(self, found: int | None, dossiers: int) -> float | None:
        """Return findings per 1,000 dossiers; ``None`` if there are too few dossiers for a rate to mean anything."""
        return None if found is None or dossiers < self.book.rated_from else 1000 * found / dossiers

    def _rated(self, group: Group | None = None) -> list[str]:
        """Return the codes of the rules that the rates count: critical and warning rules that agencies can correct."""
        return [
            words.code
            for words in self.in_order
            if words.owner == "agency"
            and words.level == "dossier"
            and words.severity != "info"
            and group in (None, words.group)
        ]

    def figures(self, agency_code: str | None) -> AgencyFigures:
        """Return the figures of one agency, or of all agencies together."""
        run_no = self.run.run_no
        dossiers = self._dossiers(run_no, agency_code)[0]
        rated = self._rated()
        tally = self._tally(run_no, agency_code, rated)
        return AgencyFigures(
            agency_code=agency_code or "",
            name=self.name_of(agency_code) if agency_code else "",
            dossiers=dossiers,
            found=tally.found,
            acknowledged=tally.acknowledged,
            by_group={group: self._tally(run_no, agency_code, self._rated(group)).found for group in get_args(Group)},
            remind_agency=tally.remind_agency,
            remind_department=tally.remind_department,
            per_thousand=self._per_thousand(tally.found, dossiers),
            change=self._change(agency_code, rated, tally.found),
            ranked=dossiers >= self.book.rated_from,
            broken_reason=self._broken_reason(run_no, agency_code),
        )

    @cached_property
    def agencies(self) -> tuple[AgencyFigures, ...]:
        """Return all agencies: the worst rate first, then small agencies without a rank, then broken agencies."""
        codes = {row.agency_code for row in self._checked_agencies[self.run.run_no]}
        codes |= {code for code in self._broken_parts[self.run.run_no] if code in self.names}
        codes |= {row.agency_code for row in self._counts[self.run.run_no] if row.agency_code}
        return tuple(
            sorted(
                (self.figures(code) for code in codes),
                key=lambda each: (
                    each.broken_reason is not None,
                    not each.ranked,
                    -(each.per_thousand or 0),
                    each.agency_code,
                ),
            )
        )

    def ranked_agencies(self) -> list[str]:
        """Return the codes of the agencies that have a rank, the worst rate first.

        Small and broken agencies have no rank. The findings of all agencies are counted, even for a report about one
        agency.
        """
        run_no = self.run.run_no
        found = store.found_by_agency(self.connection, run_no, self._rated())
        rates = {
            row.agency_code: self._per_thousand(found.get(row.agency_code, 0), row.dossiers)
            for row in self._checked_agencies[run_no]
            if self._broken_reason(run_no, row.agency_code) is None
        }
        ranked = [(-rate, code) for code, rate in rates.items() if rate is not None]
        return [code for _, code in sorted(ranked)]

    def trend(self, agency_code: str | None) -> tuple[TrendPoint, ...]:
        """Return one point for each of the last weeks, the oldest first. A point shows the last run of its week."""
        monday = self.run.day - timedelta(days=self.run.day.weekday())
        return tuple(
            self._trend_point(monday - timedelta(weeks=back), agency_code) for back in range(WEEKS - 1, -1, -1)
        )

    def _trend_point(self, week: date, agency_code: str | None) -> TrendPoint:
        label, run_no = f"T{week.isocalendar().week}", self._weeks.get(week)
        if run_no is None or self._broken_reason(run_no, agency_code) is not None:
            return TrendPoint(label, week, None, 0, 0, None, dict.fromkeys(get_args(Group)), {}, None)
        dossiers, textable = self._dossiers(run_no, agency_code)
        found = self._tally(run_no, agency_code, self._rated()).found
        by_group: dict[Group, int] = {
            group: self._tally(run_no, agency_code, self._rated(group)).found for group in get_args(Group)
        }
        return TrendPoint(
            label,
            week,
            run_no,
            dossiers,
            found,
            self._per_thousand(found, dossiers),
            {group: self._per_thousand(count, dossiers) for group, count in by_group.items()},
            by_group,
            textable / dossiers if dossiers else None,
        )

    def shares(self, agency_code: str | None, least_dossiers: int = 0) -> tuple[TextableShare, ...]:
        """Return the shares of textable numbers in the newest months."""
        return tuple(
            store.shares_of(self.connection, self.run.run_no, agency_code, least_dossiers, name_of=self.name_of)
        )

    def suggestions(self, agency_code: str | None) -> tuple[Suggestion, ...]:
        """Return the suggestions that the run stored."""
        return tuple(
            Suggestion(
                row.kind,
                row.agency_code,
                self.name_of(row.agency_code),
                self._suggestion(row.kind, row.facts),
                row.facts,
            )
            for row in store.suggestions_of(self.connection, self.run.run_no, agency_code)
        )

    def thresholds(self) -> tuple[ThresholdUsed, ...]:
        """Return the thresholds that the run used."""
        defaults = {(each.rule, each.name): each for each in self.book.thresholds_used()}
        used = []
        for key, value in self.run.thresholds.items():
            rule, _, name = key.partition(".")
            known = defaults.get((rule, name))
            used.append(
                ThresholdUsed(
                    rule, name, known.meaning if known else name, float(value), known.default if known else float(value)
                )
            )
        return tuple(used)

    def has_news(self, agency_code: str | None, results: Iterable[RuleResult]) -> bool:
        """Return whether there is news since the run that this run is compared with (``Report.has_news``)."""
        if agency_code is None and self._broken_parts[self.run.run_no]:
            return True
        grave = [each for each in results if each.rule.severity != "info" or each.status == "broken"]
        if any(each.status == "broken" or each.change.new or each.change.back or each.change.fixed for each in grave):
            return True
        if self.previous is None:
            return False
        codes = [each.rule.code for each in grave]
        now = self._tally(self.run.run_no, agency_code, codes)
        before = self._tally(self.previous.run_no, agency_code, codes)
        return now.remind_agency > before.remind_agency or now.remind_department > before.remind_department

    def first(self, results: Iterable[RuleResult]) -> tuple[ToDo, ...]:
        """Return the tasks to do first, at most three.

        Rules are ordered by severity, then by whether their findings can be corrected, then by the number of findings
        past their deadline, then by the number of findings to correct.
        """
        wanted = sorted(
            (each for each in results if each.rule.severity != "info" and each.to_do),
            key=lambda each: (
                _GRAVITY[each.rule.severity],
                not each.rule.mendable,
                -(each.remind_agency + each.remind_department),
                -each.to_do,
            ),
        )
        return tuple(ToDo(each.rule, each.to_do, self._why_first(each)) for each in wanted[:3])

    def _why_first(self, result: RuleResult) -> str:
        phrases = self.book.phrases
        parts = [f"{_written_figure(result.to_do)} {phrases.unit[result.rule.level]}"]
        late = result.remind_agency + result.remind_department
        for count, words in (
            (late, phrases.late),
            (result.change.new, phrases.new),
            (result.change.back, phrases.back),
        ):
            if count:
                parts.append(f"{_written_figure(count)} {words}")
        return ", ".join(parts) + "."

    def _suggestion(self, kind: str, facts: Mapping[str, Any]) -> str:
        wanted = self.book.suggestions
        said = {name: _Figure(value) for name, value in facts.items()}
        if kind == "hold_time":
            said["share"] = _Figure(100 * facts["taken_back"] / facts["told"])
            return wanted.hold_time.sentence.format(**said)
        return (wanted.phones.desk_user if kind == "desk_user" else wanted.phones.procedure).format(**said)

    # ------------------------------------------------------------------------------------------ rows

    def row(self, found: store.StoredFinding) -> RowToCorrect:
        """Return one finding in words."""
        words = self.words_of(found.rule)
        is_fixed = found.closed_run is not None and found.closed_run <= self.run.run_no
        _, month, procedure = _subject_parts(words, found.subject)
        return RowToCorrect(
            finding_id=found.finding_id,
            rule=words,
            state="fixed" if is_fixed else self._state(found),
            agency_code=found.agency_code,
            agency_name=self.name_of(found.agency_code) if found.agency_code else None,
            subject=self._subject(words, found.subject, found.dossier_code),
            dossier_code=found.dossier_code,
            procedure_code=found.procedure_code or procedure,
            procedure_name=found.procedure_name,
            month=month,
            what=self._sentence(words.code, found.since, found.facts),
            since=found.since,
            first_seen=found.first_seen,
            last_seen=found.last_seen,
            age_days=(self.run.day - found.opened_at.astimezone(VIETNAM).date()).days,
            deadline=found.deadline,
            department_on=found.department_on,
            stage="in_time" if is_fixed or found.acknowledged else self._stage(found),
            masked_phone=_masked_or_none(found.phone) if words.level == "dossier" else None,
            acknowledged=found.acknowledged,
        )

    def _subject(self, words: RuleWords, subject: str, dossier_code: str | None) -> str:
        if words.level == "dossier":
            return dossier_code or ""
        phrases = self.book.phrases
        first, month, procedure = _subject_parts(words, subject)
        if month is None:
            return phrases.source.format(source=first)
        said = {"month": month.month, "year": month.year, "procedure": procedure}
        return (phrases.month_of_procedure if procedure else phrases.month).format(**said)

    def _state(self, found: store.StoredFinding) -> FindingState:
        if self.previous is not None and found.opened_run <= self.previous.run_no:
            return "standing"
        return "back" if found.again else "new"

    def _stage(self, found: store.StoredFinding) -> Stage:
        if found.deadline is None or found.department_on is None or self.run.day <= found.deadline:
            return "in_time"
        return "remind_agency" if self.run.day <= found.department_on else "remind_department"

    def _sentence(self, code: str, since: datetime | None, facts: Mapping[str, Any]) -> str:
        if code not in self.book.rules:
            return ""
        day = since.astimezone(VIETNAM).date() if since else None
        said = {name: _Figure(value) for name, value in facts.items()}
        said["since"] = _Figure(written_day(day) if day else self.book.phrases.unknown_day)
        said["days"] = _Figure((self.run.day - day).days if day else self.book.phrases.unknown_days)
        # If the rule was changed after the run, its sentence may need facts that the run did not store: "…" replaces
        # them.
        sentence = self.book.rules[code].what.format_map(defaultdict(lambda: _Figure("…"), said))
        return sentence[:1].upper() + sentence[1:]


# ------------------------------------------------------------------------------------------------- formatting


OfRun = TypeVar("OfRun", store.RuleCount, store.CheckedAgency)


def _by_run(rows: Iterable[OfRun]) -> dict[int, list[OfRun]]:
    found: dict[int, list[OfRun]] = defaultdict(list)
    for row in rows:
        found[row.run_no].append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Figure:
    """A fact in a sentence: ``{name}`` writes it as it is, ``{name:%}`` as a percentage with one decimal."""

    value: object

    def __format__(self, spec: str) -> str:
        if spec == "%" and isinstance(self.value, int | float):
            return f"{self.value:,.1f}%".translate(str.maketrans(",.", ".,"))
        return _written_figure(self.value)


def _written_figure(value: object) -> str:
    """Write a figure as Vietnamese texts do: 1.100; 30,5."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{int(value):,}"
    return text.translate(str.maketrans(",.", ".,"))


def _masked_or_none(phone: str | None) -> str | None:
    # A field with only a few digits is no phone number.
    return None if mask_msisdn(phone or "") == "***" else mask_for_staff(phone or "")


def _subject_parts(words: RuleWords, subject: str) -> tuple[str, date | None, str | None]:
    """Split a subject into agency or source, month, and procedure."""
    first, _, rest = subject.partition(" ")
    if words.level != "agency_month":
        return first, None, None
    month, _, procedure = rest.partition(" ")
    return first, date.fromisoformat(f"{month}-01"), procedure or None
