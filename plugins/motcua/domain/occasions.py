"""Which events tell a citizen something, and what becomes of each: the planning rules, pure.

A kind's *condition* holds while the dossier has its status **and** is at the one-stop desk (the seed report's own
cure for "báo có kết quả nhưng đến chưa có"). An *occasion* is one entry into the condition: repeated rows are the
same occasion, leaving and returning is a new one. Occasions are cut by the source's numbers; whether one is over is
another question: an *old* step, typed in late, counts only where the dossier's row agrees with it
(docs/decisions/old-steps.md).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import Kind

PlanningResult: TypeAlias = Literal["message", "same_occasion", "no_occasion", "out_of_scope"]
BeginState: TypeAlias = Literal["queued", "suppressed", "cancelled", "expired"]

RESULT_STATUS, SUPPLEMENT_STATUS, RETURNED_STATUS = 9, 5, 10
NEVER_OLD = frozenset({3, 7, RETURNED_STATUS})
"""Từ chối, rút hồ sơ, đã trả: what ends a dossier counts whenever it is typed in."""


def condition_of(status_code: int, at_one_stop_desk: bool) -> Kind | None:
    """The kind of message that this status calls for, if any. The database's motcua.condition_of says the same."""
    if not at_one_stop_desk:
        return None
    return {RESULT_STATUS: "result", SUPPLEMENT_STATUS: "supplement"}.get(status_code)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class PastTransition:
    """A transition of a dossier, in the dossier's order."""

    transition_id: int
    status_code: int
    at_one_stop_desk: bool
    occurred_at: datetime
    recorded_at: datetime
    outcome: PlanningResult | None
    """``None``: not planned yet."""
    is_old: bool = False
    """It happened well before a step of a lower number: an older step, typed in late."""
    row_was_read: bool = False
    """Of an old step: the dossier's row was read long enough after it was recorded."""
    row_calls_for: Kind | None = None
    """What that row called for."""

    @property
    def calls_for(self) -> Kind | None:
        """The kind of message whose condition it says."""
        return condition_of(self.status_code, self.at_one_stop_desk)

    def leaves(self, kind: Kind) -> bool:
        """Whether it takes the dossier out of the condition. An old step does where the row no longer says it."""
        if self.calls_for == kind:
            return False
        return not self.is_old or (self.row_was_read and self.row_calls_for != kind)

    def enters(self, kind: Kind) -> bool | None:
        """Whether it counts as an entry into the condition; ``None``: that waits for the row."""
        if not self.is_old:
            return self.calls_for == kind
        return self.row_calls_for == kind if self.row_was_read else None


def was_typed_in_late(
    step: PastTransition, is_substituted: bool, latest_before: datetime | None, clock_skew: timedelta
) -> bool:
    """Whether a step is *old*: it happened well before an earlier one of its source, and was recorded after that.

    Args:
        step: the step; of its times the cleaned ones.
        is_substituted: the source gave no usable time of happening, so that another one stands for it.
        latest_before: the latest time of happening among the dossier's steps of a lower number at the same source.
        clock_skew: how far the source's clocks may be off.
    """
    if latest_before is None or is_substituted or step.status_code in NEVER_OLD:
        return False
    # A date without a time says nothing about the order within its day.
    if step.occurred_at.astimezone(VIETNAM).time() == time(0):
        return False
    order_is_sure_before = latest_before - 2 * clock_skew
    # Recorded before that, too: a clock that went wrong, or a commit that came late, and nobody typed anything in.
    return step.occurred_at < order_is_sure_before <= step.recorded_at


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message that the dossier already has."""

    message_id: int
    kind: Kind
    transition_id: int
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class DossierFacts:
    """What planning must know of the dossier and its agency."""

    received_at: datetime | None
    due_at: datetime | None
    returned_at: datetime | None
    phone_refusal: str | None
    enabled_from: datetime | None
    same_day_excluded: bool
    kinds_off: Collection[str]
    result_hold: timedelta
    same_day_procedures: Collection[str] = ()
    """Codes of the procedures that ``same_day_excluded`` is about; empty: all."""
    procedure_code: str | None = None

    def hold_of(self, kind: Kind) -> timedelta:
        """How long a message of a kind is held back after its event."""
        return self.result_hold if kind == "result" else timedelta(0)


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """The settings that planning follows."""

    useful_for: timedelta
    already_told_within: timedelta


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be written for an occasion."""

    kind: Kind
    transition_id: int
    state: BeginState
    reason: str | None
    occurred_at: datetime
    recorded_at: datetime
    useful_until: datetime
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A step that is not old confirms the occasion of a message that an old one had begun."""

    message_id: int
    occurred_at: datetime
    useful_until: datetime
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class DossierPlan:
    """What planning decided for one dossier."""

    messages: tuple[NewMessage, ...]
    outcomes: tuple[tuple[int, PlanningResult, int | None], ...]
    """(transition, outcome, transition that begins its occasion) for each transition whose outcome changed."""
    confirmed: tuple[Confirmation, ...] = ()
    """Messages to be queued again where they had ended because only an old step called for them."""


@dataclass(frozen=True, slots=True)
class _Occasion:
    kind: Kind
    transitions: Sequence[PastTransition]
    later: Sequence[PastTransition]
    """What came after it, in the dossier's order."""

    @property
    def first(self) -> PastTransition:
        return self.transitions[0]

    @property
    def begun_by(self) -> PastTransition | None:
        """The step that brought it about: the first one, unless that is an old one that the row does not confirm."""
        return next((step for step in self.transitions if step.enters(self.kind)), None)

    @property
    def waits_for_row(self) -> bool:
        """Nothing but old steps brought it about, and the row was not read since."""
        return self.begun_by is None and any(step.enters(self.kind) is None for step in self.transitions)

    @property
    def left_by(self) -> PastTransition | None:
        """The step that ended it."""
        return next((step for step in self.later if step.leaves(self.kind)), None)


def _occasions(history: Sequence[PastTransition]) -> list[_Occasion]:
    found: list[_Occasion] = []
    begin = 0
    for end in range(1, len(history) + 1):
        kind = history[begin].calls_for
        if end < len(history) and history[end].calls_for == kind:
            continue
        if kind is not None:
            found.append(_Occasion(kind, history[begin:end], history[end:]))
        begin = end
    return found


def leaves_out_same_day(excluded: bool, procedures: Collection[str], procedure_code: str | None) -> bool:
    """Whether an agency sends nothing for same-day dossiers of a procedure.

    Args:
        excluded: the agency leaves same-day procedures out.
        procedures: codes of those that it leaves out; empty: all.
        procedure_code: the dossier's; ``None``: its source does not say.
    """
    return excluded and (not procedures or procedure_code in procedures)


def is_same_day(received_at: datetime | None, due_at: datetime | None) -> bool:
    """The appointment is on the day of receipt (TTHC giải quyết trong ngày), by the calendar of Vietnam."""
    if received_at is None or due_at is None:
        return False
    return due_at.astimezone(VIETNAM).date() == received_at.astimezone(VIETNAM).date()


def was_handed_over(kind: Kind, returned_at: datetime | None, occurred_at: datetime, now: datetime) -> bool:
    """There is nothing left to tell: the citizen has the result, also where the desk clicked it after handing it over.

    A supplement may be asked for after an earlier result was handed over.
    """
    if returned_at is None or returned_at > now:
        return False
    return kind == "result" or occurred_at <= returned_at


def _over(occasion: _Occasion, others: Sequence[_Occasion]) -> tuple[BeginState, str] | None:
    """Why an occasion is over before it was told, if so."""
    following = occasion.left_by
    if following is not None:
        if following.status_code == RETURNED_STATUS:
            return "cancelled", "handed_over"
        return "cancelled", "taken_back" if following.calls_for is None else "superseded"
    if occasion.begun_by is None and not occasion.waits_for_row:
        return "cancelled", "outdated"
    # Entered again after nothing but old steps that do not count: it is told once, as the later one.
    if any(_is_of_same_state(occasion, other) and other.begun_by is not None for other in others):
        return "cancelled", "superseded"
    return None


def _is_of_same_state(earlier: _Occasion, later: _Occasion) -> bool:
    """Between the two lies nothing but old steps that do not count."""
    between = earlier.later[: len(earlier.later) - len(later.later) - len(later.transitions)]
    return (
        earlier.kind == later.kind
        and len(earlier.later) > len(later.later)
        and not any(step.leaves(earlier.kind) for step in between)
    )


def _begin(
    occasion: _Occasion,
    dossier: DossierFacts,
    others: Sequence[_Occasion],
    messages: Sequence[PastMessage],
    now: datetime,
    rules: PlanningRules,
) -> tuple[BeginState, str | None]:
    over = _over(occasion, others)
    if over is not None:
        return over
    occurred_at = (occasion.begun_by or occasion.first).occurred_at
    if was_handed_over(occasion.kind, dossier.returned_at, occurred_at, now):
        return "cancelled", "handed_over"
    if occasion.kind in dossier.kinds_off:
        return "suppressed", "kind_off"
    leaves_out = leaves_out_same_day(dossier.same_day_excluded, dossier.same_day_procedures, dossier.procedure_code)
    if leaves_out and is_same_day(dossier.received_at, dossier.due_at):
        return "suppressed", "same_day"
    told = [m for m in messages if m.kind == occasion.kind and m.accepted_at is not None]
    of_this_state = {
        step.transition_id for other in others if _is_of_same_state(other, occasion) for step in other.transitions
    }
    if any(
        message.transition_id in of_this_state
        or (message.accepted_at is not None and occurred_at <= message.accepted_at + rules.already_told_within)
        for message in told
    ):
        return "suppressed", "already_told"
    if dossier.phone_refusal is not None:
        return "suppressed", dossier.phone_refusal
    if occurred_at + rules.useful_for <= now:
        return "expired", "too_late"
    return "queued", None


def _new_message(
    occasion: _Occasion,
    dossier: DossierFacts,
    others: Sequence[_Occasion],
    messages: Sequence[PastMessage],
    now: datetime,
    rules: PlanningRules,
) -> NewMessage:
    state, reason = _begin(occasion, dossier, others, messages, now, rules)
    occurred_at, hold = (occasion.begun_by or occasion.first).occurred_at, dossier.hold_of(occasion.kind)
    return NewMessage(
        kind=occasion.kind,
        transition_id=occasion.first.transition_id,
        state=state,
        reason=reason,
        occurred_at=occurred_at,
        recorded_at=occasion.first.recorded_at,
        useful_until=occurred_at + rules.useful_for,
        next_attempt_at=max(now, occurred_at + hold) if hold else now,
    )


def plan_dossier(
    dossier: DossierFacts,
    history: Sequence[PastTransition],
    messages: Sequence[PastMessage],
    now: datetime,
    rules: PlanningRules,
) -> DossierPlan:
    """Messages still missing for the dossier, and the outcome of each transition that was not planned.

    ``history`` is in the dossier's order. The same history planned twice gives nothing the second time.
    """
    message_at = {message.transition_id: message for message in messages}
    new: list[NewMessage] = []
    confirmed: list[Confirmation] = []
    outcomes: dict[int, tuple[PlanningResult, int | None]] = {}
    occasions = _occasions(history)
    for occasion in occasions:
        first, steps = occasion.first, occasion.transitions
        unplanned = [step for step in steps if step.outcome is None]
        begun_by = next((step for step in steps if step.transition_id in message_at), first)
        told = message_at.get(begun_by.transition_id)
        if told is not None and told.kind == occasion.kind:
            outcomes |= {step.transition_id: ("same_occasion", begun_by.transition_id) for step in unplanned}
            sure = next((step for step in unplanned if not step.is_old), None)
            if begun_by.is_old and sure is not None and occasion.left_by is None:
                # The old step that began it may not have been believed; this one is.
                at, goes_at = sure.occurred_at, max(now, sure.occurred_at + dossier.hold_of(occasion.kind))
                confirmed.append(Confirmation(told.message_id, at, at + rules.useful_for, goes_at))
        elif (
            dossier.enabled_from is None
            or first.occurred_at < dossier.enabled_from
            or any(step.outcome == "out_of_scope" for step in steps)
        ):
            outcomes |= {step.transition_id: ("out_of_scope", None) for step in unplanned}
        else:
            new.append(_new_message(occasion, dossier, occasions, messages, now, rules))
            outcomes |= {step.transition_id: ("same_occasion", first.transition_id) for step in steps}
            outcomes[first.transition_id] = ("message", first.transition_id)
    for step in history:
        if step.outcome is None:
            outcomes.setdefault(step.transition_id, ("no_occasion", None))
    return DossierPlan(tuple(new), tuple((key, *value) for key, value in outcomes.items()), tuple(confirmed))


@dataclass(frozen=True, slots=True)
class SendCandidate:
    """A claimed message with what its dossier and agency look like just before the call."""

    kind: Kind
    occurred_at: datetime
    useful_until: datetime
    occasion_holds: bool
    """No later transition left the condition."""
    returned_at: datetime | None
    kind_off: bool
    phone_refusal: str | None
    told_at: datetime | None
    """When the last other message of this kind for the dossier was accepted."""
    unsettled_since: datetime | None
    """When the last other message of this kind began an attempt that has no known end."""
    gone: str | None = None
    """Why the occasion does not hold, where that is not that a later transition left the condition."""
    waits_until: datetime | None = None
    """An old step would end it; until then the dossier's row is waited for."""
    waits_for_row: bool = False
    """Nothing but an old step began it: without the row it does not go."""
    told_of_this: bool = False
    """Another message told of this very state: nothing lies between but old steps that do not count."""
    unsettled_of_this: bool = False
    """Another message may have told of it."""


SendDecision: TypeAlias = tuple[
    Literal["send", "wait", "wait_for_row", "cancelled", "suppressed", "expired"], str | None
]


def look_again(candidate: SendCandidate, now: datetime, rules: PlanningRules) -> SendDecision:
    """Whether a claimed message may still go, decided just before the HTTP call."""
    if not candidate.occasion_holds:
        return "cancelled", candidate.gone or "taken_back"
    if was_handed_over(candidate.kind, candidate.returned_at, candidate.occurred_at, now):
        return "cancelled", "handed_over"
    if candidate.kind_off:
        return "suppressed", "kind_off"
    told, unsettled = candidate.told_at, candidate.unsettled_since
    if candidate.told_of_this or (told is not None and candidate.occurred_at <= told + rules.already_told_within):
        return "suppressed", "already_told"
    is_unsettled = unsettled is not None and candidate.occurred_at <= unsettled + rules.already_told_within
    if is_unsettled or candidate.unsettled_of_this:
        # The earlier one may yet prove to be at the phone; until that is settled a second one would be a guess.
        return ("wait", None) if now < candidate.useful_until else ("expired", "too_late")
    if candidate.phone_refusal is not None:
        return "suppressed", candidate.phone_refusal
    if candidate.useful_until <= now:
        return "expired", "too_late"
    if candidate.waits_for_row or (candidate.waits_until is not None and now < candidate.waits_until):
        return "wait_for_row", None
    return "send", None
