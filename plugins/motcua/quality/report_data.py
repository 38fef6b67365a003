"""Define the content of quality reports: the values from which mails, workbooks, charts and pages are built.

All values are ready to be shown. Names and sentences are Vietnamese (NFC), phone numbers are masked, desk users are
pseudonyms. Moments are aware datetimes in UTC, days are days in Vietnam's time zone. ``per_thousand`` is the number of
findings per 1,000 checked dossiers. It is ``None`` if fewer dossiers were checked than ``rated_from`` in the rules'
file states.

``found`` counts the findings that Great Expectations returned in this run. ``acknowledged`` counts the findings among
them that a person accepted for a time. ``to_do = found - acknowledged``. A finding is new, back (found again after it
had been fixed) or standing (found in the earlier run too). The numbers of these three add up to ``found``. Fixed
findings are not part of ``found``.
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
"""Party that can correct a finding: the agency, the Department, or the operator of the one-stop software
(``source``)."""
Level: TypeAlias = Literal["dossier", "agency_month", "source"]
Group: TypeAlias = Literal["phone_missing", "phone_invalid", "status", "other"]
"""The four groups into which charts divide findings. Each group is one band of a bar."""
FindingState: TypeAlias = Literal["new", "standing", "back", "fixed"]
Stage: TypeAlias = Literal["in_time", "remind_agency", "remind_department"]
"""Whether a finding is within its deadline, or who must be reminded of it. A finding of severity ``info`` has no
deadline and stays ``in_time``."""


class RuleWords(BaseModel):
    """One rule with the words that people read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    """The rule's code. R1…R15 are rules of domain knowledge, P… rules about phones, D… rules about other fields of a
    dossier, S… rules about the source itself."""
    severity: Severity
    owner: Owner
    level: Level
    group: Group
    mendable: bool = True
    """``False`` if the rule finds something that nobody can undo. Its findings then have no deadline, and are listed as
    long as their month is examined."""
    title: str
    explanation: str
    action: str
    """The advice on what to do."""


@dataclass(frozen=True, slots=True)
class ThresholdUsed:
    """A threshold that the run used. It is shown wherever results of its rule are shown."""

    rule: str
    """Code of the rule; empty if the threshold applies to all rules."""
    name: str
    meaning: str
    """The threshold's meaning in Vietnamese, with the unit."""
    value: float
    default: float


@dataclass(frozen=True, slots=True)
class Change:
    """The changes since an earlier run."""

    new: int = 0
    back: int = 0
    """How many findings had been fixed and were found again."""
    standing: int = 0
    fixed: int = 0
    previous_found: int | None = None
    """How many findings the earlier run had. ``None`` if there is no earlier run, or if the check of the rule was
    broken or did not exist in that run."""
    previous_per_thousand: float | None = None


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The result of one rule in one run, for one agency or for all."""

    rule: RuleWords
    status: CheckStatus
    broken_reason: str | None
    """Why the check is broken; ``None`` if it is not. All counts of a broken check are 0 and mean nothing. The text
    contains no value of any row."""
    found: int
    acknowledged: int
    remind_agency: int
    """How many findings are past the deadline, so that the agency must be reminded."""
    remind_department: int
    """How many findings are so long past the deadline that the Department must be informed."""
    per_thousand: float | None
    change: Change

    @property
    def to_do(self) -> int:
        """Return the found findings less the acknowledged ones."""
        return self.found - self.acknowledged


@dataclass(frozen=True, slots=True)
class AgencyFigures:
    """The figures of one agency, for the table and the chart of the worst agencies.

    The figures count critical and warning findings about dossiers that agencies can correct. All other findings (of
    severity info, about a month or a source, or for others to correct) would distort the rate. They are only in
    ``Report.results``.
    """

    agency_code: str
    name: str
    """The agency's name on the day of the run: the short name if there is one."""
    dossiers: int
    found: int
    acknowledged: int
    by_group: Mapping[Group, int]
    remind_agency: int
    remind_department: int
    per_thousand: float | None
    change: Change
    ranked: bool = True
    """``True`` if the agency has enough dossiers for a comparison of rates. Other agencies come last."""
    broken_reason: str | None = None
    """The fault in the agency's part of the snapshot, in words; ``None`` if there is none. If there is a fault, all
    counts are 0 and mean nothing."""

    @property
    def to_do(self) -> int:
        """Return the found findings less the acknowledged ones."""
        return self.found - self.acknowledged


@dataclass(frozen=True, slots=True)
class BrokenAgency:
    """An agency whose part of the snapshot was broken. Nothing is reported about its data, neither good nor bad."""

    agency_code: str | None
    """The agency's code in the snapshot, which the ledger may not know. ``None`` for rows that belong to no agency."""
    name: str
    reason: str
    """The fault, in words."""


@dataclass(frozen=True, slots=True)
class RowToCorrect:
    """One finding: what is wrong with a dossier, an agency's month or a source, since when, and what to do."""

    finding_id: int
    rule: RuleWords
    state: FindingState
    agency_code: str | None
    agency_name: str | None
    subject: str
    """The subject of the finding: the dossier's code, a month such as "tháng 11/2026", or the source's name."""
    dossier_code: str | None
    procedure_code: str | None
    procedure_name: str | None
    month: date | None
    """The first day of the month. ``None`` if the finding is not about a month."""
    what: str
    """The fault in one sentence, with the figures of this finding."""
    since: datetime | None
    """When the fault happened or began, according to the data."""
    first_seen: datetime
    """When a run first saw the finding."""
    last_seen: datetime
    age_days: int
    """Calendar days since a run first saw the finding, or saw it again after it had been fixed."""
    deadline: date | None
    department_on: date | None
    """The last day before the Department is informed of the finding: it is informed from the next day on."""
    stage: Stage
    masked_phone: str | None
    """The masked phone number, such as 09•• ••• 456. ``None`` if the finding is not about a dossier, or if the phone
    field holds no number."""
    acknowledged: Acknowledged | None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One point of the trend: the last run of an ISO week."""

    label: str
    """The label of the week, such as ``T47``."""
    week: date
    """The Monday of the week."""
    run_no: int | None
    """The number of the week's last run. ``None`` if there was none, or if the agency's part was broken in it. The line
    of the chart then has a gap."""
    dossiers: int
    found: int
    per_thousand: float | None
    by_group: Mapping[Group, float | None]
    """Findings per 1,000 dossiers, by group. ``None`` if there was no run, or too few dossiers for a rate."""
    found_by_group: Mapping[Group, int]
    """Number of findings by group, even if there are too few dossiers for a rate. Empty if there was no run."""
    textable_share: float | None
    """The share of the checked dossiers whose phone can be texted."""


@dataclass(frozen=True, slots=True)
class ToDo:
    """One of the three tasks to do first."""

    rule: RuleWords
    count: int
    sentence: str
    """Why the task comes first, in words: how many findings, how many new, how many past the deadline."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion to an agency that follows from the data."""

    kind: str
    """Kind of the suggestion, such as ``hold_time``."""
    agency_code: str
    agency_name: str
    sentence: str
    facts: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The content of a report about one run, for an agency or for the Department."""

    run: Run
    previous: Run | None
    """The earlier run that this run is compared with."""
    figures: AgencyFigures
    """The figures of the agency, or of all agencies together with an empty code and name."""
    results: tuple[RuleResult, ...]
    """The results of every rule of the suite, the gravest first, including rules without findings. An agency's report
    contains only rules whose findings an agency can correct."""
    broken: tuple[RuleResult, ...]
    """Those of ``results`` whose check is broken."""
    to_do_first: tuple[ToDo, ...]
    """The tasks to do first, at most three."""
    trend: tuple[TrendPoint, ...]
    """The trend of the last twelve weeks, the oldest first."""
    shares: tuple[TextableShare, ...]
    """The textable shares of the newest months: of the agency, its procedures and its desk users, the worst first."""
    suggestions: tuple[Suggestion, ...]
    thresholds: tuple[ThresholdUsed, ...]
    has_news: bool
    """``True`` if there is news: critical or warning findings are new, back or fixed, more of them are past their
    deadline, or a check is broken. In the Department's report a broken part of the snapshot is news, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyReport(Report):
    """The content of an agency's mail. ``reporting.rows_to_correct`` streams the findings that it counts."""

    agency_code: str
    agency_name: str
    rank: int | None
    """The agency's rank by findings per 1,000 dossiers; 1 is the worst. ``None`` if it has too few dossiers."""
    ranked: int
    """How many agencies are ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentReport(Report):
    """The content of the Department's mail, over all agencies."""

    agencies: tuple[AgencyFigures, ...]
    """The agencies in order of their rate, the worst first. Agencies with too few dossiers come last."""
    sources: tuple[SourceState, ...]
    broken_agencies: tuple[BrokenAgency, ...] = ()
    """The agencies whose part of the snapshot was broken. If the ledger knows such an agency, it is also in
    ``agencies``, without figures."""
