"""Define the figures of a closing and the accounting identity that they must satisfy (reconciliation, đối chiếu).

A *closing* stores the figures of one day, month, quarter or year as the ledger had them at the cut-off. Facts that
arrive later appear in a correction, which is another closing of the same period. For each message kind, the occasions
(events that call for a message) are also counted independently in the sources. An occasion without a message and a
message without an occasion are each listed as a difference with a reason.

Moments are aware datetimes in UTC. Days are days in Vietnam's time zone.
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
"""States of a message, in the order of the accounting identity."""

SENT = ("accepted", "delivered", "undelivered", "unconfirmed")
"""States of a message that a gateway accepted."""

NOT_SENT = ("suppressed", "cancelled", "expired")
"""States of a message that ended before a gateway accepted or refused it."""

IN_HAND = ("queued", "sending", "unknown")
"""States of a message that has not ended and that no gateway is known to have accepted."""

Side: TypeAlias = Literal["source", "ledger"]
"""The side of a difference: a source has an occasion without a message, or the ledger a message without an occasion."""

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
"""Reason why an occasion has no message, or a message has no occasion.

``quarantined``: the row cannot be used yet and waits in quarantine. ``cut_off``: the row was read, known or checked for
a message only after the cut-off. ``other_period``, ``other_procedure``: the counterpart is counted in another period or
under another procedure. ``source_changed``: the source's data changed after they were read, or the source has the
dossier twice, or two sources have the dossier. ``time_cleaned``: the row's recorded time could not be used, so the
ledger counts the row at another time.
``scope_changed``: the day on which the agency joined or left was changed, or the agency's code at the source now
belongs to another agency. ``evening_missed``: the apology was due at 17:30 of an evening, and the agency's apologies of
this evening were not processed by the cut-off.

The four remaining reasons do not explain the difference. ``missing``: the source has a transition that the ledger
lacks. ``unplanned``: the system has not yet decided whether a transition needs a message. ``without_message``: an event
called for a message that does not exist. ``without_event``: a message exists that no event called for. If a message is
stored under a wrong dossier, agency or procedure, it appears once as ``without_message`` and once as
``without_event``.
"""

UNEXPLAINED: frozenset[DifferenceReason] = frozenset({"missing", "unplanned", "without_message", "without_event"})
"""Reasons that do not explain a difference. A single difference with such a reason makes the run fail."""

ChangeCause: TypeAlias = Literal[
    "late_receipt", "settled_later", "sent_later", "reopened", "picked_up_late", "source_changed", "dossier_changed"
]
"""Cause of a difference between a correction and the closing that it corrects."""

Measure: TypeAlias = Literal[
    "delivered_of_tellable", "without_phone", "resolved_late", "late_untold", "apologies_wrong"
]
"""Measure by which the report urges an agency (đôn đốc). Each measure is a share.

``delivered_of_tellable``: the delivered messages among the messages that should and could be sent. ``without_phone``:
messages without a phone number among the messages that should be sent. ``resolved_late``: late dossiers among resolved
dossiers. ``late_untold``: the late dossiers without an apology among the due dossiers. ``apologies_wrong``: the wrong
apologies among the judged apologies.
"""

OrphanSort: TypeAlias = Literal["message_without_dossier", "receipt_without_attempt", "handed_over_untold"]


@dataclass(frozen=True, slots=True)
class Closing:
    """One closing. The fields ``known_…`` bound the facts that it counts."""

    closing_no: int
    period: Period
    corrects: int | None
    """Number of the closing of the same period that this closing corrects; ``None`` for a first closing."""
    run_id: str
    as_of: datetime
    """The cut-off: the moment up to which facts count in the closing."""
    known_version: int
    known_transition: int
    known_history: int
    known_inquiry: int
    known_receipt: int
    """The largest number of a receipt that the closing counts. At the cut-off, all receipts with smaller numbers had
    been committed. The fields ``known_version``, ``known_transition``, ``known_history`` and ``known_inquiry`` give the
    same for their tables."""
    data_as_of: datetime | None
    """The oldest of the times at which each source had last been read."""
    sources_unread: tuple[str, ...]
    segment_price: int | None
    """Price of an SMS segment in đồng. It applies to gateways without a price of their own, and gives the cost of the
    messages if all had been sent by SMS."""
    figures_hash: str
    difference: int
    """The number of missing messages plus the number of surplus messages."""
    unexplained: int
    closed_at: datetime
    known_message: int = 0
    """The number up to which the closing counts all messages. It may also count messages with larger numbers."""
    known_quality_run: int | None = None
    """The number of the last sealed quality run that the closing counts. ``None`` for closings of an earlier version of
    the software, which stored no such number."""
    known_attempt: int | None = None
    """The largest attempt number that the closing counts. ``None`` if the closing has no figures per channel, because
    it, or the closing that it corrects, was made by an earlier version of the software."""
    prices: Mapping[str, Mapping[str, str]] | None = None
    """Price in đồng per unit, by gateway and then by carrier, with ``other`` for carriers that are not named. Only
    gateways with prices of their own are listed. ``None`` in the same cases as ``known_attempt``."""


@dataclass(frozen=True, slots=True)
class DossierFigures:
    """Dossiers of one agency and procedure, in the groups that provinces report.

    The procedure is empty if the source names none.

    The groups are those of QĐ 766/QĐ-TTg: received (carried over from before, or received in the period online, by post
    or directly), resolved (early, on time or late, including withdrawn dossiers), being worked on and suspended. The
    last two groups are each divided into dossiers in time and late dossiers.
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
        """Return how many dossiers were received over the counter, or in a way that the source does not state."""
        return self.received - self.received_online - self.received_postal

    @property
    def resolved(self) -> int:
        """Return how many dossiers were resolved in the period: early, on time, late or without an appointed day."""
        return self.resolved_early + self.resolved_on_time + self.resolved_late + self.resolved_without_due


@dataclass(frozen=True, slots=True)
class MessageFigures:
    """The terms of the accounting identity for one agency, procedure and message kind, with the sources' own count."""

    agency_code: str
    procedure_code: str
    kind: Kind
    at_source: int = 0
    """Number of occasions in the sources' own tables. For replies, the number of inquiries."""
    out_of_scope: int = 0
    """How many occasions of ``at_source`` happened before the agency was enabled."""
    only_source: int = 0
    """How many occasions of ``at_source`` have no message for a reason that explains this. An occasion that
    lacks both a message and such a reason is not counted here, and breaks the accounting identity."""
    only_ledger: int = 0
    """How many messages have no occasion in a source for a reason that explains this."""
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
    """Number of SMS segments of the messages that a gateway accepted."""

    @property
    def expected(self) -> int:
        """Return how many messages must exist by the sources' count."""
        return self.at_source - self.out_of_scope - self.only_source + self.only_ledger

    @property
    def messages(self) -> int:
        """Return how many messages exist, in any state."""
        return sum(getattr(self, state) for state in STATES)

    @property
    def difference(self) -> int:
        """Return ``expected`` minus ``messages``. The accounting identity requires zero."""
        return self.expected - self.messages

    @property
    def sent(self) -> int:
        """Return how many messages a gateway accepted."""
        return sum(getattr(self, state) for state in SENT)

    @property
    def in_hand(self) -> int:
        """Return how many messages have not ended and are not known to be accepted by a gateway."""
        return sum(getattr(self, state) for state in IN_HAND)

    @property
    def not_sent(self) -> int:
        """Return how many messages ended before a gateway accepted or refused them."""
        return sum(getattr(self, state) for state in NOT_SENT)

    @property
    def tellable(self) -> int:
        """Return how many messages should and could be sent.

        These are the expected messages without the suppressed and the cancelled messages. A message is suppressed if
        the citizen cannot or must not be texted. A message is cancelled if the result was handed over or the dossier
        moved on.
        """
        return self.expected - self.suppressed - self.cancelled

    @property
    def delivered_of_tellable(self) -> float | None:
        """Return the delivered share of ``tellable``, from 0 to 1; ``None`` if ``tellable`` is zero."""
        return self.delivered / self.tellable if self.tellable > 0 else None

    @property
    def delivered_of_sent(self) -> float | None:
        """Return the delivered share of ``sent``, from 0 to 1; ``None`` if nothing was sent."""
        return self.delivered / self.sent if self.sent else None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """The number of messages in one state for one reason."""

    agency_code: str
    procedure_code: str
    kind: Kind
    state: str
    reason: str
    messages: int


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """Messages of one agency and kind that one gateway accepted for one carrier, with the units that are billed."""

    agency_code: str
    kind: Kind
    gateway: str
    """The gateway's name. Empty if not known."""
    billed_unit: Literal["segment", "message"]
    carrier: str
    """The carrier that the sender assumed for the phone number. Empty if not known."""
    taken: int
    units: int
    """Number of units that the gateway bills for the messages."""
    segments: int
    """How many SMS segments planning counted for the same messages. Sending by SMS would bill these segments."""


@dataclass(frozen=True, slots=True)
class CountedMessage:
    """One message that a figure counts, in its state at the closing's cut-off."""

    message_id: int
    dossier_code: str | None
    """The code of the message's dossier. ``None`` for a reply to an inquiry about no known dossier."""
    agency_code: str
    procedure_code: str
    kind: Kind
    state: str
    reason: str
    recorded_at: datetime
    """When the source recorded the event of the message. For an apology, 17:30 of the evening for which it was made."""
    moved_at: datetime | None
    """When the message reached this state."""


@dataclass(frozen=True, slots=True)
class CountedDossier:
    """One dossier that a figure counts, with what the ledger knew of it at the closing's cut-off."""

    dossier_code: str
    agency_code: str
    procedure_code: str
    received_at: datetime | None
    due_at: datetime | None
    """The appointed time that was valid at the end of the period."""
    resolved_at: datetime | None
    returned_at: datetime | None

    @property
    def days_over(self) -> int | None:
        """Return the calendar days in Vietnam from the appointed day to the result.

        A negative number means early. The result is ``None`` if one of the two days is missing.
        """
        if self.resolved_at is None or self.due_at is None:
            return None
        return (self.resolved_at.astimezone(VIETNAM).date() - self.due_at.astimezone(VIETNAM).date()).days


@dataclass(frozen=True, slots=True)
class Timing:
    """How long messages took from the source's recording to delivery, in whole seconds.

    Percentiles follow the nearest-rank method. ``None`` as agency or procedure stands for all.
    """

    agency_code: str | None
    procedure_code: str | None
    kind: Kind
    delivered: int
    median_seconds: int
    p95_seconds: int


@dataclass(frozen=True, slots=True)
class AgencyFigures:
    """The figures that are counted per agency only. An empty ``agency_code`` stands for inquiries about no known
    dossier."""

    agency_code: str
    apologies_right: int = 0
    """How many apologies were right: their dossiers had no result at the end of the appointed day."""
    apologies_wrong: int = 0
    """How many apologies were wrong, because their dossiers had their results in time."""
    apologies_stopped: int = 0
    """How many apologies were about dossiers that were suspended on the appointed day."""
    late_untold: int = 0
    """How many late dossiers got no apology."""
    inquiries: int = 0
    inquiry_fees: int = 0
    """The fees that citizens paid for their inquiries, in đồng."""
    told_without_result: int = 0
    """How many inquiries came after the SMS about the result and before the result was handed over."""
    findings_open: int = 0
    """How many findings of data quality were open, and not acknowledged, at the last check before the cut-off."""


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
    """The name of the source."""
    source_transition_id: int | None
    transition_id: int | None
    message_id: int | None
    occurred_at: datetime | None

    @property
    def is_explained(self) -> bool:
        """Return whether the reason explains the difference."""
        return self.reason not in UNEXPLAINED


@dataclass(frozen=True, slots=True)
class Orphan:
    """A row without its counterpart, such as a receipt without an attempt, or a result handed over without a
    message."""

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
    """The kind of the counted messages. Empty for a figure about dossiers or an agency."""
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
    """The figures per channel. Empty for a closing of an earlier version of the software."""


def sum_dossiers(rows: Iterable[DossierFigures]) -> DossierFigures:
    """Return the sum of the rows. Its agency and its procedure are empty."""
    return DossierFigures("", "", *_sums(DossierFigures, rows, 2))


def sum_messages(rows: Iterable[MessageFigures], kind: Kind = "result") -> MessageFigures:
    """Return the sum of the rows. Its agency and its procedure are empty, and its kind is ``kind``."""
    return MessageFigures("", "", kind, *_sums(MessageFigures, rows, 3))


def _sums(of: type, rows: Iterable[object], keys: int) -> list[int]:
    figures = attrgetter(*(each.name for each in fields(of)[keys:]))
    # Adding up whole columns is fast, and a month of a province has tens of thousands of rows.
    added = [sum(column) for column in zip(*map(figures, rows), strict=True)]
    return added or [0] * (len(fields(of)) - keys)


@dataclass(frozen=True, slots=True)
class AgencyWords:
    """An agency with its name in the report, and with the messages that it excludes.

    Every publication must show what an agency excludes.
    """

    agency_code: str
    name: str
    """The agency's name on the last day of the period."""
    enabled: bool
    kinds_off: tuple[Kind, ...] = ()
    kinds_off_reason: str | None = None
    same_day_excluded: bool = False
    same_day_procedures: tuple[str, ...] = ()
    """Codes of the excluded same-day procedures. Empty if all are excluded."""
    same_day_reason: str | None = None


@dataclass(frozen=True, slots=True)
class StopWords:
    """A stop: an order of the Department not to send some or all messages for a time, as it was known at the
    cut-off."""

    stop_id: int
    agency_code: str
    """The stopped agency. Empty if every agency is stopped."""
    kind: str
    """The stopped kind of message. Empty if every kind is stopped."""
    stopped_at: datetime
    until: datetime
    """When the stop ends automatically."""
    ended_at: datetime | None
    """When a person ended the stop before ``until``. ``None`` if nobody had ended it early by the cut-off."""
    reason: str


@dataclass(frozen=True, slots=True)
class ComplaintCount:
    """The number of citizens' complaints (phản ánh) of the period with one claim and outcome."""

    agency_code: str
    """The agency that the complaint is about. Empty if it is not known."""
    claim: str
    outcome: str
    complaints: int


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget for messages and the amounts spent, in đồng."""

    year: int
    for_year: int | None
    """The budget of the year. ``None`` if no budget is set."""
    spent_in_period: int | None
    """The amount spent in the period. ``None`` if a price is not known."""
    spent_in_year: int | None
    """The amount spent from the first day of the year to the end of the period. ``None`` if a price is not known."""


@dataclass(frozen=True, slots=True)
class Urged:
    """An agency that the report proposes to urge (đôn đốc), with the figure that is the reason."""

    agency_code: str
    measure: Measure
    value: float
    """The agency's share, from 0 to 1."""
    threshold: float
    """The share beyond which an agency is urged."""
    of_all: int
    """The number of items of which ``value`` is a share."""


@dataclass(frozen=True, slots=True)
class QueryUsed:
    """A query behind the figures, or a function or view behind a query."""

    name: str
    """The name of an SQL statement, such as ``closings/counting/count_messages``, or of an object in the ledger, such
    as ``audit.messages_as_of(bigint)``."""
    sha256: str
    """The checksum of the SQL statement's text, or of the object's definition as PostgreSQL writes it out."""
    figures: str
    """The figures that the SQL statement counts, or the SQL statement that calls the object."""


@dataclass(frozen=True, slots=True)
class PushedWords:
    """An agency whose figures rest on data that its one-stop software pushed.

    A source that pushes its data cannot be counted independently.
    """

    source: str
    agency_code: str


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """Everything that a publication of one closing reports."""

    closing: Closing
    figures: Figures
    previous: Figures | None
    """The figures of the last closing of the period before. ``None`` if that period was not closed."""
    differences: tuple[Difference, ...]
    orphans: tuple[Orphan, ...]
    changes: tuple[Change, ...]
    """The figures of a correction that differ from those of the closing ``closing.corrects``."""
    agencies: tuple[AgencyWords, ...]
    procedures: dict[str, str]
    """Maps a procedure code to its name."""
    complaints: tuple[ComplaintCount, ...]
    budget: Budget
    urged: tuple[Urged, ...]
    queries: tuple[QueryUsed, ...]
    software: str
    """The name of this software, MotcuaSMS, with its version."""
    previous_closing: int | None = None
    """Number of the closing from which ``previous`` was taken."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Thresholds beyond which an agency is urged, by name of the setting (``urge_…``)."""
    stops: tuple[StopWords, ...] = ()
    """The stops within the period, the earliest first."""
    pushed: tuple[PushedWords, ...] = ()
    """The agencies whose data was pushed, sorted by source and agency."""
