"""Reconciliation (đối chiếu): the figures of a closing, and the accounting identity they must keep.

A *closing* fixes the figures of one day or month as the ledger held them at its cut-off; what arrives later is seen in
a correction, which is another closing of the same period. Of every message kind the sources themselves are counted
anew; what does not meet is listed by row with a reason.

Moments are aware datetimes in UTC, days are days of Vietnam.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import Kind
from motcua.domain.periods import Period

STATES = (
    "suppressed",
    "cancelled",
    "expired",
    "queued",
    "sending",
    "unknown",
    "rejected",
    "accepted",
    "delivered",
    "undelivered",
    "unconfirmed",
)
"""The states of a message, in the order of the identity."""

SENT = ("accepted", "delivered", "undelivered", "unconfirmed")
"""States of a message that a gateway took."""

NOT_SENT = ("suppressed", "cancelled", "expired")
"""States of a message that ended before a gateway took or refused it."""

IN_HAND = ("queued", "sending", "unknown")
"""States of a message that has not ended and that no gateway is known to have taken."""

Side: TypeAlias = Literal["source", "ledger"]
"""Where the row is that has no counterpart: an occasion of a source, or a message of ours."""

DifferenceReason: TypeAlias = Literal[
    "quarantined",
    "cut_off",
    "other_period",
    "other_procedure",
    "source_changed",
    "time_cleaned",
    "scope_changed",
    "evening_missed",
    "missing",
    "unplanned",
    "without_message",
    "without_event",
]
"""Why an occasion has no message, or a message no occasion.

``quarantined``: the row could not be used and waits for its cause to go. ``cut_off``: it was picked up, planned or
known after the cut-off. ``other_period``, ``other_procedure``: its counterpart is counted there. ``source_changed``:
the source says something else now than when it was read, or the dossier is held twice: by two sources or in two rows.
``time_cleaned``: its recorded time could not be used. ``scope_changed``: the agency's day of joining or its end was
moved, or its code at the source is another agency's now. ``evening_missed``: the 17:30 of that day was not settled by
the cut-off. The last four explain nothing: ``missing``: the source has a transition that the ledger lacks;
``unplanned``: a transition waits to be planned; ``without_message``: one was planned and no message is there;
``without_event``: a message that no event called for. A message at a dossier, an agency or a procedure to which it
never belonged is both of the latter.
"""

UNEXPLAINED: frozenset[DifferenceReason] = frozenset({"missing", "unplanned", "without_message", "without_event"})
"""Reasons that account for nothing: one of these makes a run red."""

ChangeCause: TypeAlias = Literal[
    "late_receipt", "settled_later", "sent_later", "reopened", "picked_up_late", "source_changed", "dossier_changed"
]
"""Why a correction differs from the closing before it."""

Measure: TypeAlias = Literal[
    "delivered_of_tellable", "without_phone", "resolved_late", "late_untold", "apologies_wrong"
]
"""By what an agency is urged: a share of its messages that should and could be told, of those that should be told; of
its resolved dossiers, due dossiers, judged apologies."""

OrphanSort: TypeAlias = Literal["message_without_dossier", "receipt_without_attempt", "handed_over_untold"]


@dataclass(frozen=True, slots=True)
class Closing:
    """What one closing was made of."""

    closing_no: int
    period: Period
    corrects: int | None
    """The closing of the same period that it corrects; ``None``: the first one."""
    run_id: str
    as_of: datetime
    """The cut-off."""
    known_version: int
    known_transition: int
    known_history: int
    known_inquiry: int
    known_receipt: int
    """Largest numbers in the ledger that count; all smaller ones were committed."""
    data_as_of: datetime | None
    """When the sources had last been read, the oldest of them."""
    sources_unread: tuple[str, ...]
    segment_price: int | None
    """Đồng that a segment costs where a gateway names no price, and by SMS alone."""
    figures_hash: str
    difference: int
    """Sum of what is missing or too much, without signs."""
    unexplained: int
    closed_at: datetime
    known_message: int = 0
    """All messages up to this one count."""
    known_quality_run: int | None = None
    """Largest check of data quality that counts, of those that were sealed; ``None``: an earlier version kept none."""
    known_attempt: int | None = None
    """Largest attempt that counts; ``None``: it counts no channels, as one of before, or what corrects such a one."""
    prices: Mapping[str, Mapping[str, str]] | None = None
    """By gateway that names its own and carrier, ``other`` for those that are not named: đồng a unit; ``None``: as
    ``known_attempt``."""


@dataclass(frozen=True, slots=True)
class DossierFigures:
    """Dossiers of one agency and procedure (an empty procedure: none is named), grouped as provinces report them.

    Groups of QĐ 766/QĐ-TTg: received (carried over, and in the period online, by post, directly), resolved (early, on
    time, late; withdrawn ones among them), being worked on and clock stopped, each in time or late.
    """

    agency_code: str
    procedure_code: str
    carried_over: int = 0
    received: int = 0
    received_online: int = 0
    received_postal: int = 0
    resolved_early: int = 0
    resolved_on_time: int = 0
    resolved_late: int = 0
    resolved_without_due: int = 0
    withdrawn: int = 0
    open_in_time: int = 0
    open_late: int = 0
    paused_in_time: int = 0
    paused_late: int = 0
    due: int = 0
    handed_over: int = 0

    @property
    def received_direct(self) -> int:
        """Received over the counter, or the source does not say how."""
        return self.received - self.received_online - self.received_postal

    @property
    def resolved(self) -> int:
        """Resolved in the period, early, on time, late or without an appointed day."""
        return self.resolved_early + self.resolved_on_time + self.resolved_late + self.resolved_without_due


@dataclass(frozen=True, slots=True)
class MessageFigures:
    """The identity of one agency, procedure and kind, against the sources' own count."""

    agency_code: str
    procedure_code: str
    kind: Kind
    at_source: int = 0
    """Occasions in the sources' own tables; of replies, inquiries."""
    out_of_scope: int = 0
    """Of these, from before the agency was enabled."""
    only_source: int = 0
    """Of these, without a message, for a reason."""
    only_ledger: int = 0
    """Messages without such an occasion, for a reason."""
    suppressed: int = 0
    cancelled: int = 0
    expired: int = 0
    queued: int = 0
    sending: int = 0
    unknown: int = 0
    rejected: int = 0
    accepted: int = 0
    delivered: int = 0
    undelivered: int = 0
    unconfirmed: int = 0
    segments: int = 0
    """SMS segments of the messages that a gateway took."""

    @property
    def expected(self) -> int:
        """Messages that there must be, by the sources' count."""
        return self.at_source - self.out_of_scope - self.only_source + self.only_ledger

    @property
    def messages(self) -> int:
        """Messages there are, in whatever state."""
        return sum(getattr(self, state) for state in STATES)

    @property
    def difference(self) -> int:
        """``expected`` less ``messages``; must be zero."""
        return self.expected - self.messages

    @property
    def sent(self) -> int:
        """Messages that a gateway took."""
        return sum(getattr(self, state) for state in SENT)

    @property
    def in_hand(self) -> int:
        """Messages that have not ended and that no gateway is known to have taken."""
        return sum(getattr(self, state) for state in IN_HAND)

    @property
    def not_sent(self) -> int:
        """Messages that ended before a gateway took or refused them."""
        return sum(getattr(self, state) for state in NOT_SENT)

    @property
    def tellable(self) -> int:
        """Messages that should and could be told: expected, less those suppressed (nobody can be told, or nobody is to
        be), less those cancelled because the result was handed over or the dossier moved on."""
        return self.expected - self.suppressed - self.cancelled

    @property
    def delivered_of_tellable(self) -> float | None:
        """Share, 0 to 1; ``None``: there was nothing to tell."""
        return self.delivered / self.tellable if self.tellable > 0 else None

    @property
    def delivered_of_sent(self) -> float | None:
        """Share, 0 to 1; ``None``: nothing was sent."""
        return self.delivered / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """Messages in a state for a reason."""

    agency_code: str
    procedure_code: str
    kind: Kind
    state: str
    reason: str
    messages: int


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """Messages of one agency and kind that one gateway took, to numbers of one carrier, with what it bills."""

    agency_code: str
    kind: Kind
    gateway: str
    """Empty: not known."""
    billed_unit: Literal["segment", "message"]
    carrier: str
    """As it was taken to be; empty: not known."""
    taken: int
    units: int
    """What it bills for them, in its unit."""
    segments: int
    """SMS segments of the same messages as planned: what SMS alone would count."""


@dataclass(frozen=True, slots=True)
class CountedMessage:
    """One message that a figure counts, as it stood at the closing's cut-off."""

    message_id: int
    dossier_code: str | None
    """``None``: an inquiry's reply that is about no known dossier."""
    agency_code: str
    procedure_code: str
    kind: Kind
    state: str
    reason: str
    recorded_at: datetime
    """When the source recorded what it tells of; of an apology, its evening."""
    moved_at: datetime | None
    """When it had reached this state."""


@dataclass(frozen=True, slots=True)
class CountedDossier:
    """One dossier that a figure counts, as its row was known at the closing's cut-off."""

    dossier_code: str
    agency_code: str
    procedure_code: str
    received_at: datetime | None
    due_at: datetime | None
    """The appointed day that counts: the one that stood at the end of the period."""
    resolved_at: datetime | None
    returned_at: datetime | None

    @property
    def days_over(self) -> int | None:
        """Calendar days of Vietnam from the appointed day to the result; below 0: early; ``None``: one is lacking."""
        if self.resolved_at is None or self.due_at is None:
            return None
        return (self.resolved_at.astimezone(VIETNAM).date() - self.due_at.astimezone(VIETNAM).date()).days


@dataclass(frozen=True, slots=True)
class Timing:
    """Whole seconds from the source's recording to delivery, by nearest rank; ``None``: all agencies or procedures."""

    agency_code: str | None
    procedure_code: str | None
    kind: Kind
    delivered: int
    median_seconds: int
    p95_seconds: int


@dataclass(frozen=True, slots=True)
class AgencyFigures:
    """What is counted by agency alone; an empty agency: inquiries that name no known dossier."""

    agency_code: str
    apologies_right: int = 0
    """No result at the end of the appointed day, as the apology said."""
    apologies_wrong: int = 0
    """The result was there in time."""
    apologies_stopped: int = 0
    """Work was stopped on the appointed day."""
    late_untold: int = 0
    """Late without an apology."""
    inquiries: int = 0
    inquiry_fees: int = 0
    """Đồng."""
    told_without_result: int = 0
    """Inquiries after a result SMS and before the result was handed over."""
    findings_open: int = 0
    """Findings of data quality at the last check before the cut-off."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An occasion without a message, or a message without an occasion."""

    side: Side
    reason: DifferenceReason
    agency_code: str
    procedure_code: str
    kind: Kind
    dossier_code: str | None
    source: str | None
    """Name of the source."""
    source_transition_id: int | None
    transition_id: int | None
    message_id: int | None
    occurred_at: datetime | None

    @property
    def is_explained(self) -> bool:
        """The reason accounts for it."""
        return self.reason not in UNEXPLAINED


@dataclass(frozen=True, slots=True)
class Orphan:
    """What belongs to nothing."""

    sort: OrphanSort
    agency_code: str
    procedure_code: str
    dossier_code: str | None
    message_id: int | None
    receipt_id: int | None
    happened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """One figure that a correction changed."""

    agency_code: str
    procedure_code: str
    kind: str
    """Empty: a figure about dossiers or an agency."""
    figure: str
    was: int
    became: int
    causes: tuple[ChangeCause, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a closing, in a fixed order."""

    dossiers: tuple[DossierFigures, ...] = ()
    messages: tuple[MessageFigures, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    timings: tuple[Timing, ...] = ()
    agencies: tuple[AgencyFigures, ...] = ()
    channels: tuple[ChannelFigures, ...] = ()
    """None of a closing that counts no channels."""


def sum_dossiers(rows: Iterable[DossierFigures]) -> DossierFigures:
    """The rows added up; the sum names no agency and no procedure."""
    return DossierFigures("", "", *_sums(DossierFigures, rows, 2))


def sum_messages(rows: Iterable[MessageFigures], kind: Kind = "result") -> MessageFigures:
    """The rows added up; the sum names no agency and no procedure. ``kind``: that of the rows, where they have one."""
    return MessageFigures("", "", kind, *_sums(MessageFigures, rows, 3))


def _sums(of: type, rows: Iterable[object], keys: int) -> list[int]:
    figures = attrgetter(*(each.name for each in fields(of)[keys:]))
    # By columns: a month of a province has tens of thousands of rows.
    added = [sum(column) for column in zip(*map(figures, rows), strict=True)]
    return added or [0] * (len(fields(of)) - keys)


@dataclass(frozen=True, slots=True)
class AgencyWords:
    """An agency as the report names it, with what it leaves out, as every publication must show."""

    agency_code: str
    name: str
    """Name in force on the last day of the period."""
    enabled: bool
    kinds_off: tuple[Kind, ...] = ()
    kinds_off_reason: str | None = None
    same_day_excluded: bool = False
    same_day_procedures: tuple[str, ...] = ()
    """Codes of those that are left out; empty: all."""
    same_day_reason: str | None = None


@dataclass(frozen=True, slots=True)
class StopWords:
    """What the Department had nothing sent of within the period, as it was known at the cut-off."""

    stop_id: int
    agency_code: str
    """Empty: every agency."""
    kind: str
    """Empty: every kind."""
    stopped_at: datetime
    until: datetime
    """When it ends by itself."""
    ended_at: datetime | None
    """When it was ended early; ``None``: it was not, or not yet."""
    reason: str


@dataclass(frozen=True, slots=True)
class ComplaintCount:
    """Citizens' complaints (phản ánh) of the period."""

    agency_code: str
    """Empty: the agency is not known."""
    claim: str
    outcome: str
    complaints: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What messages cost, in đồng."""

    year: int
    for_year: int | None
    """``None``: no budget is set."""
    spent_in_period: int | None
    """``None``: a price is not known."""
    spent_in_year: int | None
    """From the first day of the year to the end of the period."""


@dataclass(frozen=True, slots=True)
class Urged:
    """An agency that the report proposes to urge (đôn đốc), with the figure that says why."""

    agency_code: str
    measure: Measure
    value: float
    """Share, 0 to 1."""
    threshold: float
    """Share beyond which an agency is urged."""
    of_all: int
    """How many the share is of."""


@dataclass(frozen=True, slots=True)
class QueryUsed:
    """A query behind the figures, or a function or view behind a query."""

    name: str
    """Of a statement, ``closings/counting/count_messages``, or in the ledger, ``audit.messages_as_of(bigint)``."""
    sha256: str
    """Of the statement's own text, or of what the ledger itself writes out as the definition."""
    figures: str
    """Which figures it makes, or what calls it."""


@dataclass(frozen=True, slots=True)
class PushedWords:
    """An agency whose figures are as its one-stop software pushed them: what pushes itself cannot be counted
    independently."""

    source: str
    agency_code: str


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """All that a publication of one closing tells."""

    closing: Closing
    figures: Figures
    previous: Figures | None
    """The last closing of the period before; ``None``: it was not closed."""
    differences: tuple[Difference, ...]
    orphans: tuple[Orphan, ...]
    changes: tuple[Change, ...]
    """Of a correction: what it changed of ``closing.corrects``."""
    agencies: tuple[AgencyWords, ...]
    procedures: dict[str, str]
    """Procedure code → name."""
    complaints: tuple[ComplaintCount, ...]
    budget: Budget
    urged: tuple[Urged, ...]
    queries: tuple[QueryUsed, ...]
    software: str
    """MotcuaSMS with its version."""
    previous_closing: int | None = None
    """Number of the closing that ``previous`` is."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """By name of the setting (``urge_…``): beyond which an agency is urged."""
    stops: tuple[StopWords, ...] = ()
    """The first one first."""
    pushed: tuple[PushedWords, ...] = ()
    """By source and agency."""
