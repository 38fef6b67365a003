"""Count what a closing (the figures of a finished period) must contain, by an oracle that sees every act as it happens.

The proof calls the oracle for each act: for each write at the sources; when the system reads, plans, sends and settles;
for each answer of the gateway, receipt and inquiry; and for each planted fault. From the wording of the rules the
oracle derives what the system must know, plan, send and receive. When a period is closed, the oracle counts the figures
of the period. The oracle shares no code with the system.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OVERLAP = timedelta(minutes=15)
USEFUL = timedelta(days=3)
TOLD_WITHIN = timedelta(minutes=10)
HORIZON = timedelta(hours=72)
FEE = 1000
TOLD = ("accepted", "delivered", "unconfirmed")
SENT = ("accepted", "delivered", "undelivered", "unconfirmed")
STATES = (
    *("suppressed", "cancelled", "expired", "queued", "sending", "unknown", "rejected"),
    *("accepted", "delivered", "undelivered", "unconfirmed"),
)
LANDLINE = "02583822001"
DOSSIER_COLUMNS = (
    *("carried_over", "received", "received_online", "received_postal", "resolved_early", "resolved_on_time"),
    *("resolved_late", "resolved_without_due", "withdrawn", "open_in_time", "open_late", "paused_in_time"),
    *("paused_late", "due", "handed_over"),
)
MESSAGE_COLUMNS = ("at_source", "out_of_scope", "only_source", "only_ledger", *STATES, "segments")
AGENCY_COLUMNS = (
    *("apologies_right", "apologies_wrong", "apologies_stopped", "late_untold", "inquiries", "inquiry_fees"),
    *("told_without_result", "findings_open"),
)


def at(day: date, hour: int = 17, minute: int = 30, second: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute, second), ZONE)


def day_of(moment: datetime) -> date:
    return moment.astimezone(ZONE).date()


# -------------------------------------------------------------------------------------------------- the records


@dataclass
class Office:
    code: str
    source: str
    enabled_from: datetime | None
    accented: bool = False
    same_day_excluded: bool = False
    kinds_off: tuple[str, ...] = ()
    hold: timedelta = timedelta(0)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    procedure: str | None
    received_at: datetime
    due_at: datetime | None
    phone: str | None
    via: str
    status: int
    desk: bool
    updated_at: datetime
    finished_at: datetime | None = None
    returned_at: datetime | None = None


@dataclass
class Step:
    number: int
    status: int
    desk: bool
    occurred_at: datetime
    recorded_at: datetime | None


@dataclass
class Known:
    """A transition as the ledger must have it; ``step`` is ``None`` if only the dossier's row showed the transition."""

    dossier: Dossier
    step: Step | None
    sequence: int
    order: int
    status: int
    desk: bool
    occurred_at: datetime
    recorded_at: datetime
    outcome: str | None = None
    message: Message | None = None

    @property
    def kind(self) -> str | None:
        return kind_of(self.status, self.desk)


@dataclass(eq=False)
class Message:
    kind: str
    agency: str
    procedure: str
    dossier: Dossier | None
    recorded_at: datetime
    occurred_at: datetime
    useful_until: datetime
    next_at: datetime
    state: str
    reason: str | None = None
    phone: str | None = None
    begun_by: Known | None = None
    due_day: date | None = None
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    segments: int = 0
    reference: str = ""
    """Reference of the message's last attempt."""
    is_forged: bool = False


@dataclass(eq=False)
class Dossier:
    source: str
    written: str
    code: str
    row: Row | None = None
    steps: list[Step] = field(default_factory=list)
    seen: list[tuple[datetime, Row, int | None]] = field(default_factory=list)
    """(read at, row, national status) of each version of the dossier's row that the ledger has."""
    known: list[Known] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rewritten: bool = False
    """Whether the source has changed a transition after it was read."""

    @property
    def last(self) -> Row | None:
        return self.seen[-1][1] if self.seen else None


def _why_not_textable(phone: str | None) -> str | None:
    """Return the reason why a phone cannot be texted, or ``None`` if it can."""
    return "missing" if phone is None else "landline" if phone == LANDLINE else None


def _handed_over_by(row: Row, moment: datetime, stepped: datetime | None) -> bool:
    """Return whether a dossier was handed over to the citizen by ``moment``, and no later step undid this."""
    return row.returned_at is not None and row.returned_at <= moment and not (stepped and stepped > row.returned_at)


def kind_of(status: int | None, desk: bool) -> str | None:
    if not desk:
        return None
    return {9: "result", 5: "supplement"}.get(status or 0)


@dataclass(frozen=True)
class Difference:
    """A row that the table closing_differences must have, with one of the ``reasons``."""

    side: str
    reasons: frozenset[str]
    agency: str
    procedure: str
    kind: str
    dossier: str | None
    number: int | None


@dataclass(frozen=True)
class Occasion:
    """A dossier's entry into a condition that calls for a message, by the present records of the source."""

    kind: str
    steps: tuple[Step, ...]
    recorded_at: datetime | None
    occurred_at: datetime


@dataclass
class Count:
    """All figures that a closing of one period must contain."""

    dossiers: dict[tuple[str, str], Counter[str]]
    messages: dict[tuple[str, str, str], Counter[str]]
    reasons: Counter[tuple[str, str, str, str, str]]
    agencies: dict[str, Counter[str]]
    timings: dict[tuple[str | None, str | None, str], tuple[int, int, int]]
    differences: list[Difference]
    orphans: Counter[tuple[str, str | None]]
    unexplained: int
    unbalanced: dict[tuple[str, str, str], int]
    """(agency, procedure, kind) → expected difference between occasions and messages, if it is not zero."""


@dataclass
class _Tally:
    """Counts and differences of one period while they are being counted."""

    start: datetime
    end: datetime
    messages: dict[tuple[str, str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    differences: list[Difference] = field(default_factory=list)
    matched: set[int] = field(default_factory=set)
    scoped: set[int] = field(default_factory=set)
    """Ids of apologies that the present records of the source call for, on evenings before the agency took part."""

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment < self.end

    def differ(
        self, side: str, why: Iterable[str], key: tuple[str, str, str], code: str | None, number: int | None = None
    ) -> None:
        self.differences.append(Difference(side, frozenset(why), *key, code, number))


@dataclass
class _Cursor:
    recorded: datetime
    updated: datetime
    number: int


UNEXPLAINED = frozenset({"missing", "unplanned", "without_message", "without_event"})


class Oracle:
    """Derives from each act what the system must know, plan, send and count."""

    def __init__(self, offices: Iterable[Office], began: datetime) -> None:
        self.offices = {office.code: office for office in offices}
        self.codes = {alias: o.code for o in self.offices.values() for alias in (o.code, *o.aliases)}
        self.statuses: dict[str, dict[int, int]] = defaultdict(dict)
        self.dossiers: list[Dossier] = []
        self.of_source: dict[str, list[Dossier]] = defaultdict(list)
        self.cursors = {s: _Cursor(began, began, 1) for s in {o.source for o in self.offices.values()}}
        self.read_at: dict[str, list[datetime]] = defaultdict(list)
        self.dirty: dict[str, dict[int, Dossier]] = defaultdict(dict)
        self.unread: dict[str, list[tuple[Dossier, Step]]] = defaultdict(list)
        self.refused: dict[str, list[tuple[Dossier, Step]]] = defaultdict(list)
        self.messages: list[Message] = []
        self.replies: list[tuple[datetime, Message, bool]] = []
        """(inquiry received at, reply, whether a text had announced a result that is not collected yet)."""
        self.evenings: dict[tuple[str, date], str] = {}
        self.stray_receipts: list[datetime] = []
        self.act = 0
        self.causes: list[tuple[int, str, str, str, str]] = []
        """(number of the act, agency, procedure, kind, cause) of everything that may change a figure."""
        self.order = 0

    # --- at the sources

    def agency(self, dossier: Dossier) -> str | None:
        return self.codes.get(dossier.written)

    def national(self, source: str, status: int) -> int | None:
        code = self.statuses[source].get(status, status)
        return code if 1 <= code <= 10 else None

    def add(self, dossier: Dossier) -> None:
        self.dossiers.append(dossier)
        self.of_source[dossier.source].append(dossier)

    def write_row(self, dossier: Dossier, row: Row) -> None:
        dossier.row = row
        self.dirty[dossier.source][id(dossier)] = dossier

    def write_step(self, dossier: Dossier, step: Step) -> None:
        dossier.steps.append(step)
        dossier.steps.sort(key=lambda each: each.number)
        self.unread[dossier.source].append((dossier, step))

    def rewrite_step(self, dossier: Dossier, step: Step, status: int, desk: bool) -> None:
        step.status, step.desk = status, desk
        dossier.rewritten = True
        self.note(dossier, "source_changed")

    def note(self, dossier: Dossier, cause: str, message: Message | None = None) -> None:
        """Record why figures of this dossier's agency and procedure may change."""
        kinds = [message.kind] if message else ["result", "supplement", "apology", ""]
        rows = [dossier.row, *(row for _, row, _ in dossier.seen)]
        procedures = {row.procedure or "" for row in rows if row} | {m.procedure for m in dossier.messages} | {""}
        for agency in {self.agency(dossier) or dossier.written, ""}:
            self.causes += [(self.act, agency, p, kind, cause) for kind in kinds for p in procedures]

    # --- pick-up

    def read(self, source: str, now: datetime, window: tuple[datetime, datetime] | None = None) -> None:
        self.act += 1
        cursor = self.cursors[source]
        touched: dict[int, Dossier] = {}
        for dossier in list(self.dirty[source].values()):
            if dossier.row is not None and dossier.row.updated_at >= cursor.updated - OVERLAP:
                self._read_row(dossier, now, touched)
        rows = self.unread[source]
        for dossier, step in sorted(rows, key=lambda each: each[1].number):
            recorded = step.recorded_at
            is_read = step.number > cursor.number or (
                step.number > cursor.number - 1000 if recorded is None else recorded >= cursor.recorded - OVERLAP
            )
            if window and recorded and window[0] <= recorded < window[1]:
                is_read = True
            if is_read:
                rows.remove((dossier, step))
                self._read_step(dossier, step, now, touched)
        for dossier, step in list(self.refused[source]):
            if self._usable(dossier, step):
                self.refused[source].remove((dossier, step))
                self._read_step(dossier, step, now, touched)
        for dossier in list(self.dirty[source].values()):
            # Now also read rows of agencies that the system did not know when it read the source before.
            if dossier.row is not None and not dossier.seen and self.agency(dossier):
                self._read_row(dossier, now, touched)
        for dossier in list(touched.values()):
            known = self._in_order(dossier)
            is_first = all(each.recorded_at and each.order > self._order_before for each in known[:1])
            if (known and is_first and known[0].kind) or self._row_tells_more(dossier):
                for other, step in [each for each in rows if each[0] is dossier]:
                    rows.remove((other, step))
                    self._read_step(dossier, step, now, touched)
        for dossier in touched.values():
            if self._row_tells_more(dossier):
                row = dossier.seen[-1][1]
                sequence = max((each.sequence for each in dossier.known), default=0)
                status = dossier.seen[-1][2]
                assert status is not None
                self._add_transition(
                    dossier, None, sequence, status, row.desk, min(row.updated_at, now), row.updated_at
                )
                self.note(dossier, "picked_up_late")
        every = [step for each in self.of_source[source] for step in each.steps]
        cursor.number = max([cursor.number, *(step.number for step in every)])
        cursor.recorded = max([cursor.recorded, *(step.recorded_at for step in every if step.recorded_at)])
        cursor.updated = max([cursor.updated, *(d.row.updated_at for d in self.of_source[source] if d.row)])
        self.read_at[source].append(now)
        self._order_before = self.order

    _order_before = 0

    def _usable(self, dossier: Dossier, step: Step) -> bool:
        return (
            self.agency(dossier) is not None
            and self.national(dossier.source, step.status) is not None
            and dossier.row is not None
        )

    def _read_row(self, dossier: Dossier, now: datetime, touched: dict[int, Dossier]) -> None:
        row = dossier.row
        if row is None or self.agency(dossier) is None:
            return
        self.dirty[dossier.source].pop(id(dossier), None)
        status = self.national(dossier.source, row.status)
        if not dossier.seen or dossier.seen[-1][1:] != (row, status):
            dossier.seen.append((now, row, status))
            touched[id(dossier)] = dossier
            self.note(dossier, "dossier_changed")

    def _read_step(self, dossier: Dossier, step: Step, now: datetime, touched: dict[int, Dossier]) -> None:
        status = self.national(dossier.source, step.status)
        if self.agency(dossier) is not None and status is not None:
            self._read_row(dossier, now, touched)
        if status is None or not self._usable(dossier, step):
            self.refused[dossier.source].append((dossier, step))
            return
        recorded = step.recorded_at or now
        if recorded < datetime(2000, 1, 1, tzinfo=ZONE):
            recorded = now
        self._add_transition(
            dossier, step, step.number, status, step.desk, min(step.occurred_at, recorded, now), recorded
        )
        touched[id(dossier)] = dossier
        self.note(dossier, "picked_up_late")

    def _add_transition(
        self, dossier: Dossier, step: Step | None, sequence: int, status: int, desk: bool, occurred: datetime,
        recorded: datetime,
    ) -> None:  # fmt: skip
        self.order += 1
        dossier.known.append(Known(dossier, step, sequence, self.order, status, desk, occurred, recorded))

    def _in_order(self, dossier: Dossier) -> list[Known]:
        return sorted(dossier.known, key=lambda each: (each.sequence, each.step is None, each.order))

    def _row_tells_more(self, dossier: Dossier) -> bool:
        if not dossier.seen:
            return False
        _, row, status = dossier.seen[-1]
        in_order = self._in_order(dossier)
        last = in_order[-1] if in_order else None
        if status is None or (last is not None and row.updated_at <= last.recorded_at):
            return False
        return kind_of(status, row.desk) != (last.kind if last else None)

    # --- planning

    def occasions_known(self, dossier: Dossier) -> list[tuple[list[Known], Known | None]]:
        """Return a dossier's entries into conditions, as its transitions in the ledger must show them.

        Each entry has the transition that ended its condition, or ``None`` if the condition still lasts.
        """
        found: list[tuple[list[Known], Known | None]] = []
        current: list[Known] = []
        for each in self._in_order(dossier):
            if current and each.kind == current[0].kind:
                current.append(each)
                continue
            if current:
                found.append((current, each))
            current = [each] if each.kind else []
        return [*found, (current, None)] if current else found

    def plan(self, now: datetime) -> None:
        """Plan messages for all unplanned transitions; then queue messages again whose phone number was corrected."""
        self.act += 1
        for dossier in self.dossiers:
            if any(each.outcome is None for each in dossier.known):
                self._plan_dossier(dossier, now)
        for message in self.messages:
            row = message.dossier.last if message.dossier else None
            if row is None or message.kind == "reply" or message.useful_until <= now:
                continue
            phone = row.phone
            if _why_not_textable(phone) or message.is_forged or not self._still_holds(message):
                continue
            for_phone = message.state == "suppressed" and message.reason in ("missing", "landline")
            failed = message.state == "undelivered" or (message.state == "rejected" and message.reason == "phone")
            if for_phone or (failed and phone != message.phone):
                message.phone, message.next_at = phone, now
                self._move(message, "queued", "phone_mended", "reopened")

    def _plan_dossier(self, dossier: Dossier, now: datetime) -> None:
        office, row = self.offices[self.agency(dossier) or ""], dossier.last
        assert row is not None
        for transitions, following in self.occasions_known(dossier):
            first = transitions[0]
            kind = first.kind or ""
            if any(each.message is not None and each.message in dossier.messages for each in transitions):
                for each in transitions:
                    each.outcome = each.outcome or "same_occasion"
                continue
            enabled = office.enabled_from
            if enabled is None or first.occurred_at < enabled or any(t.outcome == "out_of_scope" for t in transitions):
                for each in transitions:
                    each.outcome = each.outcome or "out_of_scope"
                continue
            state, reason = self._first_state(dossier, row, office, kind, first, following, now)
            hold = office.hold if kind == "result" else timedelta(0)
            message = Message(
                kind, office.code, row.procedure or "", dossier, first.recorded_at, first.occurred_at,
                first.occurred_at + USEFUL, max(now, first.occurred_at + hold) if hold else now, state, reason,
                row.phone, first,
            )  # fmt: skip
            self._add_message(message)
            for each in transitions:
                each.outcome, each.message = "message" if each is first else "same_occasion", message
        for each in dossier.known:
            each.outcome = each.outcome or "no_occasion"

    def _first_state(
        self, dossier: Dossier, row: Row, office: Office, kind: str, first: Known, following: Known | None,
        now: datetime,
    ) -> tuple[str, str | None]:  # fmt: skip
        if following is not None:
            if following.status == 10:
                return "cancelled", "handed_over"
            return "cancelled", "superseded" if following.kind else "taken_back"
        if self._is_handed_over(row, kind, first.occurred_at, now):
            return "cancelled", "handed_over"
        if kind in office.kinds_off:
            return "suppressed", "kind_off"
        if office.same_day_excluded and row.due_at and day_of(row.due_at) == day_of(row.received_at):
            return "suppressed", "same_day"
        if any(first.occurred_at <= accepted_at + TOLD_WITHIN for accepted_at in self._accepted_times(dossier, kind)):
            return "suppressed", "already_told"
        if why := _why_not_textable(row.phone):
            return "suppressed", why
        return ("expired", "too_late") if first.occurred_at + USEFUL <= now else ("queued", None)

    @staticmethod
    def _is_handed_over(row: Row, kind: str, occurred: datetime, now: datetime) -> bool:
        if row.returned_at is None or row.returned_at > now:
            return False
        return kind == "result" or occurred <= row.returned_at

    def _accepted_times(self, dossier: Dossier, kind: str, but: Message | None = None) -> list[datetime]:
        return [
            message.accepted_at
            for message in dossier.messages
            if message.kind == kind and message is not but and message.state in TOLD and message.accepted_at
        ]

    def _add_message(self, message: Message) -> None:
        self.messages.append(message)
        if message.dossier is not None:
            message.dossier.messages.append(message)
        self._note_cause(message, "picked_up_late")

    def _note_cause(self, message: Message, *causes: str) -> None:
        self.causes += [(self.act, message.agency, message.procedure, message.kind, cause) for cause in causes]

    def _move(self, message: Message, state: str, reason: str | None, cause: str) -> None:
        message.state, message.reason = state, reason
        self._note_cause(message, cause)

    def _still_holds(self, message: Message) -> bool:
        dossier = message.dossier
        assert dossier is not None
        assert dossier.last is not None
        if message.kind == "apology":
            due_at, status, handed_over = self.stood(dossier, datetime.max.replace(tzinfo=ZONE))
            return status in (2, 4) and not handed_over and due_at is not None and day_of(due_at) == message.due_day
        return next(
            (left is None for transitions, left in self.occasions_known(dossier) if message.begun_by in transitions),
            False,
        )

    # --- sending

    def send(self, now: datetime, ask: Callable[[str], str]) -> list[Message]:
        """Send every message that is due, and return these messages.

        ``ask`` returns the gateway's answer to a number.
        """
        self.act += 1
        given = []
        for message in self.messages:
            if message.state != "queued" or message.next_at > now or message.dossier is None:
                continue
            away = self._check_before_send(message, now)
            if away is not None:
                self._move(message, *away, "dossier_changed")
                self._note_cause(message, "sent_later", "settled_later")
                continue
            assert message.phone is not None
            given.append(message)
            self.answered(message, ask(message.phone), now)
        return given

    def _check_before_send(self, message: Message, now: datetime) -> tuple[str, str] | None:
        dossier = message.dossier
        assert dossier is not None
        assert dossier.last is not None
        row, office = dossier.last, self.offices[message.agency]
        if not self._still_holds(message):
            return "cancelled", "taken_back"
        if self._is_handed_over(row, message.kind, message.occurred_at, now):
            return "cancelled", "handed_over"
        if message.kind in office.kinds_off:
            return "suppressed", "kind_off"
        if any(
            message.occurred_at <= accepted_at + TOLD_WITHIN
            for accepted_at in self._accepted_times(dossier, message.kind, message)
        ):
            return "suppressed", "already_told"
        if why := _why_not_textable(row.phone):
            return "suppressed", why
        message.phone = row.phone
        return ("expired", "too_late") if message.useful_until <= now else None

    def answered(self, message: Message, answer: str, now: datetime) -> None:
        if answer == "202":
            message.accepted_at = now
            self._move(message, "accepted", None, "sent_later")
        elif answer == "400":
            self._move(message, "rejected", "phone", "sent_later")
        elif answer == "503":
            message.next_at = now + timedelta(seconds=25)
        else:
            self._move(message, "unknown", "no_answer", "sent_later")

    def hold(self, message: Message) -> Callable[[datetime], None]:
        """Mark a message as in flight, and return a function that records that the gateway accepted it."""
        self.act += 1
        self._move(message, "sending", message.reason, "sent_later")

        def took(now: datetime) -> None:
            self.act += 1
            self.answered(message, "202", now)

        return took

    def receipt(self, message: Message, status: int, now: datetime) -> None:
        """Change the message's state by a receipt for its last attempt."""
        self.act += 1
        became = {1: "delivered", 2: "undelivered", 8: "accepted", 16: "undelivered"}[status]
        moves = {
            "accepted": ("delivered", "undelivered"),
            "unconfirmed": ("delivered", "undelivered"),
            "unknown": ("accepted", "delivered", "undelivered"),
            "undelivered": ("delivered",),
        }
        if became not in moves.get(message.state, ()) or message.reason == "part_refused":
            return
        message.accepted_at = message.accepted_at or now
        if became == "delivered":
            message.delivered_at = now
        reason = f"gateway status {status}" if became == "undelivered" else None
        if status == 16 and message.segments > 1:
            reason = "part_refused"
        self._move(message, became, reason, "late_receipt")

    def settle(self, now: datetime) -> None:
        """Mark old accepted messages as unconfirmed, and queued messages after ``useful_until`` as expired."""
        self.act += 1
        for message in self.messages:
            if message.state == "accepted" and message.accepted_at and message.accepted_at <= now - HORIZON:
                self._move(message, "unconfirmed", "no_receipt", "settled_later")
            elif message.state == "queued" and message.useful_until <= now:
                self._move(message, "expired", "too_late", "settled_later")

    # --- apologies

    def stood(self, dossier: Dossier, moment: datetime) -> tuple[datetime | None, int | None, bool]:
        """Return the due time and the status at a moment, and whether the dossier was handed over by then.

        Facts about this moment count even if the system read them later.
        """
        versions = [(row, status) for _, row, status in dossier.seen if row.updated_at <= moment]
        steps = [each for each in self._in_order(dossier) if each.recorded_at <= moment]
        step = steps[-1] if steps else None
        if not versions:
            return dossier.seen[0][1].due_at, step.status if step else None, False
        row, status = versions[-1]
        if step is not None and step.recorded_at > row.updated_at:
            status = step.status
        return row.due_at, status, _handed_over_by(row, moment, step and step.occurred_at)

    def _first_evening_from(self, office: Office) -> datetime | None:
        seen = [d.seen[0][0] for d in self.of_source[office.source] if d.seen and self.agency(d) == office.code]
        return max(min(seen), office.enabled_from) if seen and office.enabled_from else None

    def apologize(self, now: datetime, *, left_over: bool) -> None:
        """Plan the apologies of every evening that has begun, once for each agency and evening."""
        self.act += 1
        reached = now - timedelta(minutes=5) if left_over else now
        for office in self.offices.values():
            begins = self._first_evening_from(office)
            if begins is None:
                continue
            day = day_of(begins)
            while at(day) <= reached:
                if at(day) >= begins and (office.code, day) not in self.evenings:
                    self._settle_evening(office, day, now)
                day += timedelta(days=1)

    def _settle_evening(self, office: Office, day: date, now: datetime) -> None:
        useful_until = at(day, 21, 0)
        too_late = now >= useful_until
        reads = self.read_at[office.source]
        if not reads or reads[-1] < at(day):
            return
        if not too_late and (reads[-1] < now - timedelta(minutes=10) or not 7 <= now.astimezone(ZONE).hour < 21):
            return
        self.evenings[office.code, day] = "missed" if too_late else "done"
        for dossier, due_day in self.owed(office, day):
            if any(m.kind == "apology" and m.due_day == due_day for m in dossier.messages):
                continue
            assert dossier.last is not None
            state, reason = ("expired", "missed") if too_late else ("queued", None)
            if why := "kind_off" if "apology" in office.kinds_off else _why_not_textable(dossier.last.phone):
                state, reason = "suppressed", why
            self._add_message(
                Message(
                    "apology", office.code, dossier.last.procedure or "", dossier, at(day), at(day), useful_until, now,
                    state, reason, dossier.last.phone, due_day=due_day,
                )
            )  # fmt: skip

    def owed(self, office: Office, day: date) -> Iterator[tuple[Dossier, date]]:
        """Yield the dossiers whose citizens must get an apology on an evening, by all facts that are known so far."""
        due_day = day + timedelta(days=1)
        for dossier in self.of_source[office.source]:
            if not dossier.seen or self.agency(dossier) != office.code:
                continue
            if not any(row.due_at and day_of(row.due_at) == due_day for _, row, _ in dossier.seen):
                continue
            due_at, status, handed_over = self.stood(dossier, at(day))
            if due_at is None or day_of(due_at) != due_day or status not in (2, 4) or handed_over:
                continue
            if day_of(dossier.seen[-1][1].received_at) < due_day:
                yield dossier, due_day

    # --- inquiries

    def inquire(self, dossier: Dossier | None, now: datetime, segments: int) -> None:
        self.act += 1
        was_texted = False
        agency, procedure = "", ""
        if dossier is not None:
            row = dossier.last
            assert row is not None
            agency, procedure = self.agency(dossier) or "", row.procedure or ""
            _, status, _ = self.stood(dossier, datetime.max.replace(tzinfo=ZONE))
            was_texted = (
                row.returned_at is None
                and status != 10
                and any(m.kind == "result" and m.state in TOLD for m in dossier.messages)
            )
        reply = Message(
            "reply", agency, procedure, None, now, now, now, now, "accepted", None, accepted_at=now, segments=segments
        )
        self._add_message(reply)
        self.replies.append((now, reply, was_texted))
        self.causes.append((self.act, agency, "", "", "picked_up_late"))

    # --- counting

    def occasions_at_source(self, dossier: Dossier) -> list[Occasion]:
        found: list[Occasion] = []
        before: str | None = None
        steps = [s for s in dossier.steps if self.national(dossier.source, s.status) is not None]
        for step in steps:
            kind = kind_of(self.national(dossier.source, step.status), step.desk)
            if kind and kind == before:
                found[-1] = replace(found[-1], steps=(*found[-1].steps, step))
            elif kind:
                found.append(Occasion(kind, (step,), step.recorded_at, step.occurred_at))
            before = kind
        row = dossier.row
        if row is not None:
            kind = kind_of(self.national(dossier.source, row.status), row.desk)
            newest = steps[-1].recorded_at if steps else None
            is_newer = not steps or (newest is not None and row.updated_at > newest)
            if is_newer and kind and kind != before:
                found.append(Occasion(kind, (), row.updated_at, row.updated_at))
        return found

    def count(self, start: datetime, end: datetime, unread: frozenset[str] = frozenset()) -> Count:
        """Count what a closing of [start, end) must contain at this moment.

        Sources in ``unread`` do not answer, so their records cannot be counted.
        """

        tally = _Tally(start, end)
        messages, differences, holds = tally.messages, tally.differences, tally.holds
        reasons: Counter[tuple[str, str, str, str, str]] = Counter()
        taken: dict[tuple[str | None, str | None, str], list[int]] = defaultdict(list)
        for message in self.messages:
            if not holds(message.recorded_at):
                continue
            key = (message.agency, message.procedure, message.kind)
            messages[key][message.state] += 1
            if message.state in SENT:
                messages[key]["segments"] += message.segments
            if message.reason and message.state in ("suppressed", "cancelled", "expired", "rejected"):
                reasons[*key, message.state, message.reason] += 1
            if message.state == "delivered" and message.delivered_at is not None:
                seconds = int((message.delivered_at - message.recorded_at).total_seconds())
                for of in {(a, p) for a in (message.agency, None) for p in (message.procedure, None)}:
                    taken[*of, message.kind].append(seconds)
        for dossier in self.dossiers:
            if dossier.source not in unread:
                self._compare_dossier(dossier, tally)
        for office in self.offices.values():
            if office.source not in unread:
                for n in range((end - start).days):
                    self._compare_evening(office, day_of(start) + timedelta(days=n), tally)
        for message in self.messages:
            if not holds(message.recorded_at) or id(message) in tally.matched:
                continue
            about = message.dossier
            key = (message.agency, message.procedure, message.kind)
            if message.kind == "reply":
                messages[key]["at_source"] += 1
            elif message.kind == "apology" and about is not None:
                if about.source not in unread:
                    enabled = self.offices[message.agency].enabled_from
                    is_scoped = id(message) in tally.scoped
                    why = {"scope_changed"} if is_scoped else {"source_changed", "other_procedure"}
                    if enabled is None or message.recorded_at < enabled:
                        why.add("scope_changed")
                    tally.differ("ledger", why, key, about.code)
            elif about is None or about.source not in unread:
                begun_by = message.begun_by
                number = begun_by.step.number if begun_by and begun_by.step else None
                why = self._why_only_ledger(message, number, tally)
                tally.differ("ledger", why, key, about and about.code, number)
        for difference in differences:
            if not difference.reasons & UNEXPLAINED:
                column = "only_source" if difference.side == "source" else "only_ledger"
                messages[difference.agency, difference.procedure, difference.kind][column] += 1
        unbalanced: Counter[tuple[str, str, str]] = Counter()
        for each in differences:
            if each.reasons & UNEXPLAINED:
                unbalanced[each.agency, each.procedure, each.kind] += 1 if each.side == "source" else -1
        return Count(
            dossiers=self._count_dossiers(start, end),
            messages={key: value for key, value in messages.items() if any(value.values())},
            reasons=reasons,
            agencies=self._count_agencies(start, end),
            timings={key: _percentiles(sorted(seconds)) for key, seconds in taken.items()},
            differences=differences,
            orphans=self._orphans(tally),
            unexplained=sum(bool(each.reasons & UNEXPLAINED) for each in differences),
            unbalanced={key: n for key, n in unbalanced.items() if n},
        )

    def _compare_dossier(self, dossier: Dossier, tally: _Tally) -> None:
        agency = self.agency(dossier)
        name = agency or ""
        procedure = (dossier.row.procedure if dossier.row else None) or ""
        enabled = self.offices[agency].enabled_from if agency else None
        for occasion in self.occasions_at_source(dossier):
            message = self._message_of(dossier, occasion)
            counts = tally.holds(occasion.recorded_at)
            in_scope = agency is None or (enabled is not None and occasion.occurred_at >= enabled)
            meets = (
                counts and in_scope and message is not None and tally.holds(message.recorded_at)
                and message.procedure == procedure
            )  # fmt: skip
            if meets:
                tally.matched.add(id(message))
            if not counts:
                continue
            key = (name, procedure, occasion.kind)
            tally.messages[key]["at_source"] += 1
            if not in_scope:
                tally.messages[key]["out_of_scope"] += 1
            elif not meets:
                number = occasion.steps[0].number if occasion.steps else None
                why = self._why_only_source(dossier, occasion, message, tally)
                tally.differ("source", [why], key, dossier.code, number)

    def _compare_evening(self, office: Office, day: date, tally: _Tally) -> None:
        begins, due_day = self._first_evening_from(office), day + timedelta(days=1)
        is_settled = (office.code, day) in self.evenings
        if not is_settled and (begins is None or at(day) < begins):
            return
        for dossier in self.of_source[office.source]:
            if self.agency(dossier) != office.code or not self._is_owed_at_source(dossier, day):
                continue
            assert dossier.row is not None
            key = (office.code, dossier.row.procedure or "", "apology")
            tally.messages[key]["at_source"] += 1
            message = next((m for m in dossier.messages if m.kind == "apology" and m.due_day == due_day), None)
            if office.enabled_from is None or at(day) < office.enabled_from:
                tally.messages[key]["out_of_scope"] += 1
                tally.scoped.add(id(message))
                continue
            if message is not None and message.procedure == key[1] and message.recorded_at == at(day):
                tally.matched.add(id(message))
                continue
            why = {"other_procedure", "other_period", "source_changed", "cut_off"} if is_settled else {"evening_missed"}
            tally.differ("source", why, key, dossier.code)

    def _is_owed_at_source(self, dossier: Dossier, day: date) -> bool:
        """Return whether an apology was due on an evening, by the present records of the source.

        The dates are those of the dossier's present row; the status is the one that the dossier had on the evening.
        """
        row, evening = dossier.row, at(day)
        if row is None or row.due_at is None or day_of(row.due_at) != day + timedelta(days=1):
            return False
        if day_of(row.received_at) > day:
            return False
        steps = [s for s in dossier.steps if self.national(dossier.source, s.status) is not None]
        past = [s for s in steps if s.recorded_at is not None and s.recorded_at <= evening]
        status = self.national(dossier.source, past[-1].status) if past else None
        if row.updated_at <= evening and (not past or row.updated_at >= (past[-1].recorded_at or evening)):
            status = self.national(dossier.source, row.status)
        return status in (2, 4) and not _handed_over_by(row, evening, past[-1].occurred_at if past else None)

    def _message_of(self, dossier: Dossier, occasion: Occasion) -> Message | None:
        for transitions, _ in self.occasions_known(dossier):
            steps = [each.step for each in transitions if each.step is not None]
            of_row = not occasion.steps and any(
                each.step is None and each.recorded_at == occasion.recorded_at for each in transitions
            )
            if transitions[0].kind == occasion.kind and (of_row or any(step in occasion.steps for step in steps)):
                for each in transitions:
                    if each.message is not None and each.message in dossier.messages:
                        return each.message
        return None

    def _why_only_source(self, dossier: Dossier, occasion: Occasion, message: Message | None, tally: _Tally) -> str:
        if message is not None:
            return "other_procedure" if tally.holds(message.recorded_at) else "other_period"
        first = occasion.steps[0] if occasion.steps else None
        is_to_come = first is not None and self._is_to_come(dossier.source, first)
        if is_to_come and any(each[1] is first for each in self.unread[dossier.source]):
            return "cut_off"
        if self.agency(dossier) is None or any(each[1] is first for each in self.refused[dossier.source]):
            return "quarantined"
        if first is not None:
            known = next((each for each in dossier.known if each.step is first), None)
        else:
            known = next((k for k in dossier.known if k.step is None and k.recorded_at == occasion.recorded_at), None)
        if known is None:
            is_late = is_to_come or (first is None and id(dossier) in self.dirty[dossier.source])
            return "cut_off" if is_late or not self.read_at[dossier.source] else "missing"
        if dossier.rewritten:
            return "source_changed"
        return {None: "unplanned", "out_of_scope": "scope_changed"}.get(known.outcome, "without_message")

    def _is_to_come(self, source: str, step: Step) -> bool:
        cursor = self.cursors[source]
        if step.number > cursor.number:
            return True
        return step.recorded_at is None or step.recorded_at >= cursor.recorded - OVERLAP

    def _why_only_ledger(self, message: Message, number: int | None, tally: _Tally) -> set[str]:
        dossier = message.dossier
        if message.is_forged or dossier is None:
            return {"without_event"}
        for occasion in self.occasions_at_source(dossier):
            if self._message_of(dossier, occasion) is message:
                enabled = self.offices[message.agency].enabled_from
                if enabled is None or occasion.occurred_at < enabled:
                    # The dossier's row showed this state a day before the step, so the step may be counted in another
                    # period, too.
                    return {"scope_changed", *(["other_period"] if number is None else [])}
                if occasion.recorded_at is None or occasion.recorded_at.year < 2000:
                    return {"time_cleaned"}
                return {"other_procedure" if tally.holds(occasion.recorded_at) else "other_period"}
        return {"source_changed"}

    def _count_dossiers(self, start: datetime, end: datetime) -> dict[tuple[str, str], Counter[str]]:
        found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        last_day = day_of(end - timedelta(seconds=1))
        for dossier in self.dossiers:
            if not dossier.seen:
                continue
            _, row, status = dossier.seen[-1]
            figures = found[self.agency(dossier) or "", row.procedure or ""]
            resolved = (row.finished_at or row.returned_at or row.updated_at) if status in (9, 10, 7) else None
            if status not in (1, 3):
                if start <= row.received_at < end:
                    figures["received"] += 1
                    if row.via in ("online", "postal"):
                        figures[f"received_{row.via}"] += 1
                elif row.received_at < start and (resolved is None or resolved >= start):
                    figures["carried_over"] += 1
            due_day = day_of(row.due_at) if row.due_at else None
            if resolved is not None and start <= resolved < end:
                figures["withdrawn"] += status == 7
                if due_day is None:
                    figures["resolved_without_due"] += 1
                elif day_of(resolved) < due_day:
                    figures["resolved_early"] += 1
                else:
                    figures["resolved_on_time" if day_of(resolved) == due_day else "resolved_late"] += 1
            # The dossier's row at the end of the period decides whether the dossier was open or due.
            _, then, then_status = next(
                (each for each in reversed(dossier.seen) if each[1].updated_at < end), dossier.seen[-1]
            )
            due_then = day_of(then.due_at) if then.due_at else None
            if then_status not in (1, 3):
                figures["due"] += due_then is not None and day_of(start) <= due_then <= last_day
            late = "late" if due_then is not None and due_then <= last_day else "in_time"
            if row.received_at < end and (resolved is None or resolved >= end):
                if then_status in (5, 6, 8):
                    figures[f"paused_{late}"] += 1
                elif then_status in (2, 4, 7, 9, 10):
                    figures[f"open_{late}"] += 1
            figures["handed_over"] += row.returned_at is not None and start <= row.returned_at < end
        return {key: value for key, value in found.items() if any(value.values())}

    def _count_agencies(self, start: datetime, end: datetime) -> dict[str, Counter[str]]:
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for received, reply, was_texted in self.replies:
            if start <= received < end:
                found[reply.agency]["inquiries"] += 1
                found[reply.agency]["inquiry_fees"] += FEE
                found[reply.agency]["told_without_result"] += was_texted
        first_evening: dict[str, date] = {}
        for code, day in self.evenings:
            first_evening[code] = min(day, first_evening.get(code, day))
        for dossier in self.dossiers:
            code = self.agency(dossier)
            if not dossier.seen or code not in first_evening or code is None:
                continue
            for due_day in {day_of(row.due_at) for _, row, _ in dossier.seen if row.due_at}:
                if not (day_of(start) <= due_day <= day_of(end - timedelta(seconds=1))):
                    continue
                if due_day <= first_evening[code]:
                    continue
                due_at, status, handed_over = self.stood(dossier, at(due_day, 23, 59, 59))
                has_result = status in (9, 10) or handed_over
                was_texted = any(
                    m.kind == "apology" and m.due_day == due_day and m.state in TOLD for m in dossier.messages
                )
                if was_texted:
                    outcome = "wrong" if has_result else "right" if status in (2, 4) else "stopped"
                    found[code][f"apologies_{outcome}"] += 1
                elif status in (2, 4) and not has_result and due_at and day_of(due_at) == due_day:
                    found[code]["late_untold"] += 1
        return {key: value for key, value in found.items() if any(value.values())}

    def _orphans(self, tally: _Tally) -> Counter[tuple[str, str | None]]:
        holds = tally.holds
        found: Counter[tuple[str, str | None]] = Counter()
        found["receipt_without_attempt", None] += sum(holds(moment) for moment in self.stray_receipts)
        found["message_without_dossier", None] += sum(
            m.dossier is None and m.is_forged and holds(m.recorded_at) for m in self.messages
        )
        for dossier in self.dossiers:
            row = dossier.last
            if row is not None and holds(row.returned_at) and self._is_without_result_message(dossier, row):
                found["handed_over_untold", dossier.code] += 1
        return +found

    def _is_without_result_message(self, dossier: Dossier, row: Row) -> bool:
        enabled = self.offices[self.agency(dossier) or ""].enabled_from
        is_told_of = enabled is not None and row.returned_at is not None and row.returned_at >= enabled
        return is_told_of and not any(m.kind == "result" for m in dossier.messages)


def _percentiles(seconds: list[int]) -> tuple[int, int, int]:
    """Return the number, the median and the 95th percentile by nearest rank: the ceil(p·n)-th smallest value."""
    n = len(seconds)
    return n, seconds[-(-n * 50 // 100) - 1], seconds[-(-n * 95 // 100) - 1]
