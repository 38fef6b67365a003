"""What quality reports are made of: values that mails, workbooks, charts and pages are built from.

Everything here is ready to be shown: names and sentences are Vietnamese (NFC), phone numbers are masked, desk users are
pseudonyms. Moments are aware datetimes in UTC, days are days of Vietnam. ``per_thousand`` is findings for each 1,000
dossiers checked; ``None`` where fewer than ``rated_from`` of the rules' file were checked.

Counts: ``found`` is what Great Expectations returned in this run; ``acknowledged`` of them were accepted by somebody
for a time; ``to_do = found - acknowledged``. New, back and standing add up to ``found``; fixed ones are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from motcua.domain.quality import Acknowledged, CheckStatus, Run, SourceState, TextableShare

Severity: TypeAlias = Literal["critical", "warning", "info"]
Owner: TypeAlias = Literal["agency", "department", "source"]
"""Who can mend it: the agency, the Department, or whoever runs the one-stop software (the source)."""
Level: TypeAlias = Literal["dossier", "agency_month", "source"]
Group: TypeAlias = Literal["phone_missing", "phone_invalid", "status", "other"]
"""The four bands of the charts."""
FindingState: TypeAlias = Literal["new", "standing", "back", "fixed"]
Stage: TypeAlias = Literal["in_time", "remind_agency", "remind_department"]
"""Where a finding stands against its deadline; info findings have none and stay in_time."""


class RuleWords(BaseModel):
    """One rule as people read it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    """R1…R15 of domain knowledge, P… phones, D… other fields of a dossier, S… the source itself."""
    severity: Severity
    owner: Owner
    level: Level
    group: Group
    mendable: bool = True
    """False: it happened and stays true; it has no deadline and leaves the list with the months looked at."""
    title: str
    explanation: str
    action: str
    """What to do."""


@dataclass(frozen=True, slots=True)
class ThresholdUsed:
    """A value that the run used; shown wherever its rule's results are."""

    rule: str
    """Code of the rule; empty: it holds for all."""
    name: str
    meaning: str
    """In Vietnamese, with its unit."""
    value: float
    default: float


@dataclass(frozen=True, slots=True)
class Change:
    """What changed since an earlier run."""

    new: int = 0
    back: int = 0
    """Had been fixed and are there again."""
    standing: int = 0
    fixed: int = 0
    previous_found: int | None = None
    """``None``: there is no earlier run, or the check was broken or did not exist then."""
    previous_per_thousand: float | None = None


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule in one run, of one agency or of all."""

    rule: RuleWords
    status: CheckStatus
    broken_reason: str | None
    """Without a value of any row. Set when the check is broken; then all counts are 0 and mean nothing."""
    found: int
    acknowledged: int
    remind_agency: int
    """Past the deadline, the agency to be reminded."""
    remind_department: int
    """Longer past the deadline, the Department to be told."""
    per_thousand: float | None
    change: Change

    @property
    def to_do(self) -> int:
        """Found less acknowledged."""
        return self.found - self.acknowledged


@dataclass(frozen=True, slots=True)
class AgencyFigures:
    """One agency among all, for the table and the chart of the worst.

    Findings about dossiers that agencies can mend, critical and warning alone: what is only worth knowing (info), about
    a month or a source, or for others to mend would make no fair rate; it is in ``results``.
    """

    agency_code: str
    name: str
    """As in force on the day of the run: the short one where there is one."""
    dossiers: int
    found: int
    acknowledged: int
    by_group: Mapping[Group, int]
    remind_agency: int
    remind_department: int
    per_thousand: float | None
    change: Change
    ranked: bool = True
    """Whether it has dossiers enough for its rate to be held against others'; those that have not come last."""
    broken_reason: str | None = None
    """In words, what is wrong with its part of the snapshot. Set when that is broken; then all counts are 0 and mean
    nothing."""

    @property
    def to_do(self) -> int:
        """Found less acknowledged."""
        return self.found - self.acknowledged


@dataclass(frozen=True, slots=True)
class BrokenAgency:
    """An agency whose part of the snapshot was broken: nothing is said of it, neither good nor bad."""

    agency_code: str | None
    """As the snapshot names it; the ledger may not know it. ``None``: rows that are of no agency."""
    name: str
    reason: str
    """In words."""


@dataclass(frozen=True, slots=True)
class RowToCorrect:
    """One finding: what is wrong with which dossier (or agency's month, or source), since when, what to do."""

    finding_id: int
    rule: RuleWords
    state: FindingState
    agency_code: str | None
    agency_name: str | None
    subject: str
    """What it is about, in words: the dossier's code, "tháng 11/2026", the source's name."""
    dossier_code: str | None
    procedure_code: str | None
    procedure_name: str | None
    month: date | None
    """First day, of a finding about a month."""
    what: str
    """What is wrong here, one sentence with this row's figures."""
    since: datetime | None
    """When it happened, or began, by the data."""
    first_seen: datetime
    """When a run first saw it."""
    last_seen: datetime
    age_days: int
    """Days of the calendar since this episode was first seen."""
    deadline: date | None
    department_on: date | None
    """From this day on the Department is told."""
    stage: Stage
    masked_phone: str | None
    """09•• ••• 456; None: not about a phone, or there is no number in the field."""
    acknowledged: Acknowledged | None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One period: the last run of an ISO week."""

    label: str
    """``T47``."""
    week: date
    """Its Monday."""
    run_no: int | None
    """``None``: no run in that week, or the agency was broken in it; the line has a gap."""
    dossiers: int
    found: int
    per_thousand: float | None
    by_group: Mapping[Group, float | None]
    """Findings per 1,000 dossiers, by band."""
    found_by_group: Mapping[Group, int]
    """Findings by band, however few the dossiers; empty where there was no run."""
    textable_share: float | None
    """Of the dossiers checked."""


@dataclass(frozen=True, slots=True)
class ToDo:
    """One of the three things to do first."""

    rule: RuleWords
    count: int
    sentence: str
    """Why it comes first, in words: how many, since when, how many past the deadline."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that the data themselves suggest."""

    kind: str
    """``hold_time``, …"""
    agency_code: str
    agency_name: str
    sentence: str
    facts: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run says, to an agency or to the Department."""

    run: Run
    previous: Run | None
    """The run that changes are told against."""
    figures: AgencyFigures
    """Of the agency, or of all together: its code and name are empty then."""
    results: tuple[RuleResult, ...]
    """Every rule of the suite that was run, the gravest first, also those that found nothing; to an agency those that
    an agency can mend."""
    broken: tuple[RuleResult, ...]
    """Those of ``results`` that broke."""
    to_do_first: tuple[ToDo, ...]
    """At most three."""
    trend: tuple[TrendPoint, ...]
    """Twelve, the oldest first."""
    shares: tuple[TextableShare, ...]
    """The newest months of the agency, its procedures and desk users, the worst first."""
    suggestions: tuple[Suggestion, ...]
    thresholds: tuple[ThresholdUsed, ...]
    has_news: bool
    """Something grave enough is new, back or fixed, more is past its deadline than before, or a check is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyReport(Report):
    """All that an agency's mail says; ``reporting.rows_to_correct`` streams the rows behind it."""

    agency_code: str
    agency_name: str
    rank: int | None
    """Place by findings per 1,000 dossiers, 1 is the worst; ``None``: too few dossiers to be ranked."""
    ranked: int
    """How many agencies are ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentReport(Report):
    """All that the Department's mail says, over all agencies."""

    agencies: tuple[AgencyFigures, ...]
    """The worst rate first; those with too few dossiers come last."""
    sources: tuple[SourceState, ...]
    broken_agencies: tuple[BrokenAgency, ...] = ()
    """Those that the ledger knows are in ``agencies`` too, without figures."""
