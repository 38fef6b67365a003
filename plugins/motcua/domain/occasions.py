"""Which events tell a citizen something, and what becomes of each: the planning rules, pure.

A kind's *condition* holds while the dossier has its status **and** is at the one-stop desk (the seed report's own
cure for "báo có kết quả nhưng đến chưa có"). An *occasion* is one entry into the condition: repeated rows are the
same occasion, leaving and returning is a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from motcua.domain.dossiers import Kind

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")

Outcome: TypeAlias = Literal["message", "same_occasion", "no_occasion", "out_of_scope"]
BeginState: TypeAlias = Literal["queued", "suppressed", "cancelled", "expired"]

RESULT_STATUS, SUPPLEMENT_STATUS, RETURNED_STATUS = 9, 5, 10


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
    outcome: Outcome | None
    """``None``: not planned yet."""


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
class DossierPlan:
    """What planning decided for one dossier."""

    messages: tuple[NewMessage, ...]
    outcomes: tuple[tuple[int, Outcome, int | None], ...]
    """(transition, outcome, transition that begins its occasion) for each transition whose outcome changed."""


@dataclass(slots=True)
class _Occasion:
    kind: Kind
    transitions: list[PastTransition]
    followed_by: PastTransition | None = None


def _occasions(history: Sequence[PastTransition]) -> list[_Occasion]:
    found: list[_Occasion] = []
    current: _Occasion | None = None
    for transition in history:
        kind = condition_of(transition.status_code, transition.at_one_stop_desk)
        if current is not None and kind == current.kind:
            current.transitions.append(transition)
            continue
        if current is not None:
            current.followed_by = transition
        current = None if kind is None else _Occasion(kind, [transition])
        if current is not None:
            found.append(current)
    return found


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


def _begin(
    occasion: _Occasion,
    dossier: DossierFacts,
    told: Sequence[datetime],
    now: datetime,
    rules: PlanningRules,
) -> tuple[BeginState, str | None]:
    first = occasion.transitions[0]
    if occasion.followed_by is not None:
        following = occasion.followed_by
        if following.status_code == RETURNED_STATUS:
            return "cancelled", "handed_over"
        superseding = condition_of(following.status_code, following.at_one_stop_desk)
        return "cancelled", "taken_back" if superseding is None else "superseded"
    if was_handed_over(occasion.kind, dossier.returned_at, first.occurred_at, now):
        return "cancelled", "handed_over"
    if occasion.kind in dossier.kinds_off:
        return "suppressed", "kind_off"
    if dossier.same_day_excluded and is_same_day(dossier.received_at, dossier.due_at):
        return "suppressed", "same_day"
    if any(first.occurred_at <= accepted + rules.already_told_within for accepted in told):
        return "suppressed", "already_told"
    if dossier.phone_refusal is not None:
        return "suppressed", dossier.phone_refusal
    if first.occurred_at + rules.useful_for <= now:
        return "expired", "too_late"
    return "queued", None


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
    outcomes: dict[int, tuple[Outcome, int | None]] = {}
    for occasion in _occasions(history):
        first = occasion.transitions[0]
        begun_by = next((t for t in occasion.transitions if t.transition_id in message_at), None)
        told_already = begun_by is not None and message_at[begun_by.transition_id].kind == occasion.kind
        if told_already and begun_by is not None:
            for transition in occasion.transitions:
                if transition.outcome is None:
                    outcomes[transition.transition_id] = ("same_occasion", begun_by.transition_id)
            continue
        before = dossier.enabled_from is None or first.occurred_at < dossier.enabled_from
        if before or any(t.outcome == "out_of_scope" for t in occasion.transitions):
            for transition in occasion.transitions:
                if transition.outcome is None:
                    outcomes[transition.transition_id] = ("out_of_scope", None)
            continue
        told = [m.accepted_at for m in messages if m.kind == occasion.kind and m.accepted_at is not None]
        state, reason = _begin(occasion, dossier, told, now, rules)
        hold = dossier.result_hold if occasion.kind == "result" else timedelta(0)
        new.append(
            NewMessage(
                kind=occasion.kind,
                transition_id=first.transition_id,
                state=state,
                reason=reason,
                occurred_at=first.occurred_at,
                recorded_at=first.recorded_at,
                useful_until=first.occurred_at + rules.useful_for,
                next_attempt_at=max(now, first.occurred_at + hold) if hold else now,
            )
        )
        outcomes[first.transition_id] = ("message", first.transition_id)
        for transition in occasion.transitions[1:]:
            outcomes[transition.transition_id] = ("same_occasion", first.transition_id)
    for transition in history:
        if transition.outcome is None and transition.transition_id not in outcomes:
            outcomes[transition.transition_id] = ("no_occasion", None)
    return DossierPlan(tuple(new), tuple((key, *value) for key, value in outcomes.items()))


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


Verdict: TypeAlias = tuple[Literal["send", "wait", "cancelled", "suppressed", "expired"], str | None]


def look_again(candidate: SendCandidate, now: datetime, rules: PlanningRules) -> Verdict:
    """Whether a claimed message may still go, decided just before the HTTP call."""
    if not candidate.occasion_holds:
        return "cancelled", "taken_back"
    if was_handed_over(candidate.kind, candidate.returned_at, candidate.occurred_at, now):
        return "cancelled", "handed_over"
    if candidate.kind_off:
        return "suppressed", "kind_off"
    told, unsettled = candidate.told_at, candidate.unsettled_since
    if told is not None and candidate.occurred_at <= told + rules.already_told_within:
        return "suppressed", "already_told"
    if unsettled is not None and candidate.occurred_at <= unsettled + rules.already_told_within:
        # The earlier one may yet prove to be at the phone; until that is settled a second one would be a guess.
        return ("wait", None) if now < candidate.useful_until else ("expired", "too_late")
    if candidate.phone_refusal is not None:
        return "suppressed", candidate.phone_refusal
    if candidate.useful_until <= now:
        return "expired", "too_late"
    return "send", None
