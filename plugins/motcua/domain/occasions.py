"""Decide which events a citizen is informed of, and which message each event gets: the planning rules.

The module is pure: it has no I/O and no clock.

The *condition* of a kind of message holds while the dossier has the status of that kind **and** is at the one-stop
desk. The report on the pilot of 2016 demanded that the dossier is at the desk, because texts had announced results that
had not arrived there yet ("báo có kết quả nhưng đến chưa có"). An *occasion* is one entry of a dossier into the
condition. Repeated rows belong to the same occasion. If the dossier leaves the condition and returns to it, a new
occasion begins.

The source's step numbers decide where an occasion begins and ends. One more rule decides whether an occasion is over:
an *old* step, which was typed in late, counts only if the dossier's row agrees with the step
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
"""The statuses Từ chối, rút hồ sơ and đã trả, which end a dossier. A step with such a status always counts, even if it
was typed in late."""


def condition_of(status_code: int, at_one_stop_desk: bool) -> Kind | None:
    """Return the kind of message that this status calls for; ``None`` if it calls for no message.

    The function motcua.condition_of in the database follows the same rule.
    """
    if not at_one_stop_desk:
        return None
    return {RESULT_STATUS: "result", SUPPLEMENT_STATUS: "supplement"}.get(status_code)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class PastTransition:
    """One transition in the history of a dossier."""

    transition_id: int
    status_code: int
    at_one_stop_desk: bool
    occurred_at: datetime
    recorded_at: datetime
    outcome: PlanningResult | None
    """The decision of planning on the transition. ``None`` if the transition was not planned yet."""
    is_old: bool = False
    """``True`` if the step happened well before a step with a lower number and was typed in late."""
    row_was_read: bool = False
    """For an old step: ``True`` if the dossier's row was read late enough after the step to decide whether the step
    counts."""
    row_calls_for: Kind | None = None
    """The kind of message that the dossier's row called for when the row was read."""

    @property
    def calls_for(self) -> Kind | None:
        """Return the kind of message whose condition the step's status meets; ``None`` if it meets none."""
        return condition_of(self.status_code, self.at_one_stop_desk)

    def leaves(self, kind: Kind) -> bool:
        """Return whether the step takes the dossier out of the condition of a kind of message.

        An old step takes the dossier out only if the dossier's row no longer meets the condition.
        """
        if self.calls_for == kind:
            return False
        return not self.is_old or (self.row_was_read and self.row_calls_for != kind)

    def enters(self, kind: Kind) -> bool | None:
        """Return whether the step brings the dossier into the condition of a kind of message.

        ``None`` if this depends on the dossier's row and the row was not read yet.
        """
        if not self.is_old:
            return self.calls_for == kind
        return self.row_calls_for == kind if self.row_was_read else None


def was_typed_in_late(
    step: PastTransition, is_substituted: bool, latest_before: datetime | None, clock_skew: timedelta
) -> bool:
    """Return whether a step is *old*, that is, was typed in late.

    An old step happened well before a step with a lower number, but was recorded after that step had happened.

    Args:
        step: the step, with cleaned times.
        is_substituted: ``True`` if the source gave no usable time of happening and another time replaces it.
        latest_before: the latest time of happening among the dossier's steps with a lower number at the same source.
        clock_skew: how far the source's clocks may be wrong.
    """
    if latest_before is None or is_substituted or step.status_code in NEVER_OLD:
        return False
    # Midnight stands for a date without a time, which does not show the order within the day.
    if step.occurred_at.astimezone(VIETNAM).time() == time(0):
        return False
    order_is_sure_before = latest_before - 2 * clock_skew
    # If the step was recorded before order_is_sure_before, it was not typed in late. Its place among the other steps
    # then comes from a wrong clock or from a transaction that was committed late.
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
    """The facts of a dossier and its agency that planning needs."""

    received_at: datetime | None
    due_at: datetime | None
    returned_at: datetime | None
    phone_refusal: str | None
    enabled_from: datetime | None
    same_day_excluded: bool
    kinds_off: Collection[str]
    result_hold: timedelta
    same_day_procedures: Collection[str] = ()
    """Codes of the procedures to which ``same_day_excluded`` applies; empty for all procedures."""
    procedure_code: str | None = None

    def hold_of(self, kind: Kind) -> timedelta:
        """Return how long a message of this kind waits after its event."""
        return self.result_hold if kind == "result" else timedelta(0)


@dataclass(frozen=True, slots=True)
class PlanningRules:
    """The settings of planning."""

    useful_for: timedelta
    already_told_within: timedelta


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be inserted for an occasion."""

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
    """A message whose occasion began with an old step and is now confirmed by a step that is not old."""

    message_id: int
    occurred_at: datetime
    useful_until: datetime
    next_attempt_at: datetime


@dataclass(frozen=True, slots=True)
class DossierPlan:
    """The decisions of planning for one dossier."""

    messages: tuple[NewMessage, ...]
    outcomes: tuple[tuple[int, PlanningResult, int | None], ...]
    """For each transition with a new outcome: its id, the outcome, and the id of the transition that begins the
    occasion."""
    confirmed: tuple[Confirmation, ...] = ()
    """Messages that are queued again, because they may have ended while only an old step called for them."""


@dataclass(frozen=True, slots=True)
class _Occasion:
    kind: Kind
    transitions: Sequence[PastTransition]
    later: Sequence[PastTransition]
    """The transitions after the occasion, in the dossier's order."""

    @property
    def first(self) -> PastTransition:
        return self.transitions[0]

    @property
    def begun_by(self) -> PastTransition | None:
        """Return the first step that began the occasion. Old steps count only if the dossier's row confirms them."""
        return next((step for step in self.transitions if step.enters(self.kind)), None)

    @property
    def waits_for_row(self) -> bool:
        """Return whether only old steps began the occasion and the dossier's row was not read after them."""
        return self.begun_by is None and any(step.enters(self.kind) is None for step in self.transitions)

    @property
    def left_by(self) -> PastTransition | None:
        """Return the step that ended the occasion; ``None`` if no step did."""
        return next((step for step in self.later if step.leaves(self.kind)), None)


def _occasions_of(history: Sequence[PastTransition]) -> list[_Occasion]:
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
    """Return whether an agency sends nothing for same-day dossiers of a procedure.

    Args:
        excluded: whether the agency sends nothing for some or all same-day dossiers.
        procedures: codes of the excluded procedures; empty if all are excluded.
        procedure_code: the dossier's procedure; ``None`` if its source does not give one.
    """
    return excluded and (not procedures or procedure_code in procedures)


def is_same_day(received_at: datetime | None, due_at: datetime | None) -> bool:
    """Return whether the appointment is on the day of receipt (TTHC giải quyết trong ngày) in Vietnam."""
    if received_at is None or due_at is None:
        return False
    return due_at.astimezone(VIETNAM).date() == received_at.astimezone(VIETNAM).date()


def was_handed_over(kind: Kind, returned_at: datetime | None, occurred_at: datetime, now: datetime) -> bool:
    """Return whether the result is handed over to the citizen, so that a message about the step is not needed.

    A result counts as handed over even if the desk recorded the step later. For a supplement, only a handing over after
    the step counts, because a supplement may be asked for after an earlier result was handed over.
    """
    if returned_at is None or returned_at > now:
        return False
    return kind == "result" or occurred_at <= returned_at


def _why_over(occasion: _Occasion, others: Sequence[_Occasion]) -> tuple[BeginState, str] | None:
    """Return the state and reason of the message if its occasion is over already; ``None`` if it is not over."""
    following = occasion.left_by
    if following is not None:
        if following.status_code == RETURNED_STATUS:
            return "cancelled", "handed_over"
        return "cancelled", "taken_back" if following.calls_for is None else "superseded"
    if occasion.begun_by is None and not occasion.waits_for_row:
        return "cancelled", "outdated"
    # If only old steps that do not count are between two occasions, only the later occasion gets a message.
    if any(_is_same_state(occasion, other) and other.begun_by is not None for other in others):
        return "cancelled", "superseded"
    return None


def _is_same_state(earlier: _Occasion, later: _Occasion) -> bool:
    """Return whether only old steps that do not count are between the two occasions."""
    between = earlier.later[: len(earlier.later) - len(later.later) - len(later.transitions)]
    return (
        earlier.kind == later.kind
        and len(earlier.later) > len(later.later)
        and not any(step.leaves(earlier.kind) for step in between)
    )


def _begin_state(
    occasion: _Occasion,
    dossier: DossierFacts,
    others: Sequence[_Occasion],
    messages: Sequence[PastMessage],
    now: datetime,
    rules: PlanningRules,
) -> tuple[BeginState, str | None]:
    over = _why_over(occasion, others)
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
        step.transition_id for other in others if _is_same_state(other, occasion) for step in other.transitions
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
    state, reason = _begin_state(occasion, dossier, others, messages, now, rules)
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
    """Return the messages that must be inserted for the dossier, and the outcome of each transition not planned yet.

    ``history`` has the transitions in the dossier's order. If the same history is planned a second time, no further
    message is returned.
    """
    message_at = {message.transition_id: message for message in messages}
    new: list[NewMessage] = []
    confirmed: list[Confirmation] = []
    outcomes: dict[int, tuple[PlanningResult, int | None]] = {}
    occasions = _occasions_of(history)
    for occasion in occasions:
        first, steps = occasion.first, occasion.transitions
        unplanned = [step for step in steps if step.outcome is None]
        begun_by = next((step for step in steps if step.transition_id in message_at), first)
        told = message_at.get(begun_by.transition_id)
        if told is not None and told.kind == occasion.kind:
            outcomes |= {step.transition_id: ("same_occasion", begun_by.transition_id) for step in unplanned}
            sure = next((step for step in unplanned if not step.is_old), None)
            if begun_by.is_old and sure is not None and occasion.left_by is None:
                # Until now the occasion rested on an old step, which may have been ignored. Now a step that is not old
                # confirms the occasion.
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
    """A claimed message with the facts of its dossier and agency, read just before the request to the gateway."""

    kind: Kind
    occurred_at: datetime
    useful_until: datetime
    occasion_holds: bool
    """``True`` if no later transition took the dossier out of the condition."""
    returned_at: datetime | None
    kind_off: bool
    phone_refusal: str | None
    told_at: datetime | None
    """When a gateway last accepted another message of this kind about the dossier."""
    unsettled_since: datetime | None
    """When another message of this kind about the dossier last began an attempt without a known outcome."""
    gone: str | None = None
    """Why the occasion no longer holds. ``None`` if it holds, or if a later transition took the dossier out of the
    condition."""
    waits_until: datetime | None = None
    """The moment until which the message waits for the dossier's row, because an old step would end the occasion."""
    waits_for_row: bool = False
    """``True`` if only an old step began the occasion. The message waits until the dossier's row is read."""
    told_of_this: bool = False
    """``True`` if another message already informed the citizen of this same state. The state is the same if only old
    steps that do not count lie between the occasions of the two messages."""
    unsettled_of_this: bool = False
    """``True`` if another message may have informed the citizen of this same state, but its outcome is not known."""


SendDecision: TypeAlias = tuple[
    Literal["send", "wait", "wait_for_row", "cancelled", "suppressed", "expired"], str | None
]


def look_again(candidate: SendCandidate, now: datetime, rules: PlanningRules) -> SendDecision:
    """Decide whether a claimed message may still be sent, just before the HTTP request."""
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
        # The earlier message may still reach the phone. Until its outcome is settled, a second message could be a
        # duplicate.
        return ("wait", None) if now < candidate.useful_until else ("expired", "too_late")
    if candidate.phone_refusal is not None:
        return "suppressed", candidate.phone_refusal
    if candidate.useful_until <= now:
        return "expired", "too_late"
    if candidate.waits_for_row or (candidate.waits_until is not None and now < candidate.waits_until):
        return "wait_for_row", None
    return "send", None
