"""Answer the question "was this citizen informed, and if not, why" from everything that is known of a dossier.

An answer is one sentence of a few clauses, which staff read aloud at the counter: whether the citizen was informed or
why not, where the dossier is, and what to do now. This module names the clauses. The words of each clause are in
include/templates/report/dossiers.vi.yaml. Before a clause promises that a message will be sent, the sender's own rules
(``look_again``) are applied, so that no answer promises a message that the sender would not send.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from motcua.domain.dossiers import Kind, RowRefusal
from motcua.domain.occasions import (
    RETURNED_STATUS,
    PlanningResult,
    PlanningRules,
    SendCandidate,
    condition_of,
    look_again,
)
from motcua.domain.phones.reading import PhoneRefusal

PLAIN = "plain"
"""The part of a clause's name that stands for a message without a reason."""
GATEWAY_STATUS = "gateway_status"
"""The part of a clause's name for each reason that contains a gateway's own code, such as ``gateway status 2``."""
TOLD = frozenset({"accepted", "delivered", "unconfirmed"})
"""The states in which a gateway accepted the message and no receipt reports that the phone did not get it."""

_PHONE_REFUSALS = frozenset(get_args(PhoneRefusal))
_NO_WORD_OF_ITS_OWN = frozenset({"already_told", "superseded", "outdated"})
"""Reasons for not sending a message that explain little to staff: another message had informed the citizen, or the
occasion of the unsent message was over. ``_newest`` prefers messages with other reasons."""
_RESULT_MAY_COME = frozenset({None, 1, 2, 4, 5, 6, 8, 9})
"""Statuses from which a result may still come. Excluded are Từ chối (3), rút hồ sơ (7) and đã trả (10)."""


@dataclass(frozen=True, slots=True)
class MessageFact:
    """A message of the dossier in its present state."""

    message_id: int
    kind: Kind
    state: str
    reason: str | None
    useful_until: datetime
    next_attempt_at: datetime
    accepted_at: datetime | None
    """When a gateway accepted the message."""
    attempted_at: datetime | None
    """When the last attempt of the message began."""
    stopped_until: datetime | None
    """The end of the Department's stop that covers the message; ``None`` if no stop covers it."""
    went_to_present_number: bool
    """``True`` if the message was sent to the phone number that the dossier has now."""
    candidate: SendCandidate
    """The message as the sender would see it at this moment."""


@dataclass(frozen=True, slots=True)
class MessageSent:
    """How a message was sent. Holds a phone number."""

    msisdn: str | None
    """The phone number that the message was sent to. ``None`` after the number was purged."""
    gateway: str | None
    unit: str | None
    """The unit that the gateway bills; ``None`` for the segments of an SMS."""
    delivered_at: datetime | None
    """When the phone got the message, according to the delivery receipt."""


@dataclass(frozen=True, slots=True)
class DossierStory:
    """The facts of a dossier on which the answer depends."""

    status_code: int | None
    """National status code; ``None`` if not known."""
    at_one_stop_desk: bool
    step_name: str | None
    due_at: datetime | None
    returned_at: datetime | None
    handed_over: bool
    """``True`` if the citizen has the result and no step followed the handing over."""
    is_late: bool
    """``True`` if the dossier is late, by the rule that replies to texts to 9029 use."""
    phone_refusal: str | None
    """Why the dossier's phone number cannot be texted. ``None`` if it can be texted."""
    enabled_from: datetime | None
    """Since when the agency informs citizens. ``None`` if it does not, or if no agency is in charge of the dossier."""
    kinds_off: Collection[str]
    is_told_same_day: bool
    """``False`` if the appointment is on the day of receipt and the agency sends nothing for such dossiers."""
    present_outcome: PlanningResult | None
    """What planning decided on the dossier's last step, apart from old steps, which somebody typed in late. ``None`` if
    there is no decision."""
    messages: Sequence[MessageFact] = ()
    unusable_rows: Sequence[RowRefusal] = ()
    """The reasons why rows of the dossier cannot be used."""
    nothing_sent_since: datetime | None = None
    """Since when nothing is sent because the ledger was restored and a person must check it. ``None`` if sending is not
    stopped by such a check."""
    can_ask_9029: bool = False

    @property
    def is_over(self) -> bool:
        """Return whether the citizen has the result."""
        return self.handed_over or self.status_code == RETURNED_STATUS

    @property
    def calls_for(self) -> Kind | None:
        """Return the kind of message that the dossier's status calls for now."""
        if self.is_over or self.status_code is None:
            return None
        return condition_of(self.status_code, self.at_one_stop_desk)


@dataclass(frozen=True, slots=True)
class Answer:
    """The names of the sentence's clauses, and the message that the sentence is about, if there is one."""

    clauses: tuple[str, ...]
    message: MessageFact | None = None


@dataclass(frozen=True, slots=True)
class _Judged:
    message: MessageFact
    state: str
    reason: str | None

    @property
    def clause(self) -> str:
        return clause_of(self.state, self.reason)


def clause_of(state: str, reason: str | None) -> str:
    """Return the name of the clause that describes a message in this state with this reason."""
    if reason is not None and reason.startswith("gateway status "):
        reason = GATEWAY_STATUS
    return f"told.{state}.{reason or PLAIN}"


def explain(story: DossierStory, now: datetime, rules: PlanningRules) -> Answer:
    """Return the answer for a dossier. Every dossier has exactly one answer.

    If the citizen has the result, the answer describes the message about the result, or says why that message does not
    exist. Otherwise, if the dossier's present status calls for a message, the answer describes that message, or says
    why it does not exist. If the status calls for no message, the answer describes the last message that was sent or
    should have been sent. If a message was not sent because the citizen was already informed, the answer describes the
    earlier message that informed the citizen.
    """
    judged = [_judge(each, story, now, rules) for each in sorted(story.messages, key=lambda each: each.message_id)]
    judged = [each for each in judged if each.message.kind != "reply"]
    if story.is_over:
        return _answer_after_handing_over(story, judged)
    present = [each for each in judged if each.message.candidate.occasion_holds]
    if not present and story.calls_for is not None:
        return Answer((_why_no_message(story), _place_clause(story)))
    chosen = _newest(present) or _newest(judged)
    if chosen is None:
        return _answer_without_message(story)
    chosen = _informing_message(chosen, judged)
    advice = _advice_clauses(chosen, story, now) if present else _coming_clauses(story)
    if present and chosen.message.kind == "apology":
        advice = advice or _coming_clauses(story)
    return Answer((chosen.clause, _place_clause(story), *advice), chosen.message)


def _judge(message: MessageFact, story: DossierStory, now: datetime, rules: PlanningRules) -> _Judged:
    """Return a message with its state and reason. For a queued message, return what the sender would decide now."""
    if message.state != "queued":
        return _Judged(message, message.state, message.reason)
    verdict, reason = look_again(message.candidate, now, rules)
    match verdict:
        case "cancelled" | "suppressed" | "expired":
            return _Judged(message, verdict, reason)
        case _ if story.nothing_sent_since is not None:
            return _Judged(message, "queued", "gap")
        case _ if message.stopped_until is not None:
            return _Judged(message, "queued", "stopped")
        case "wait":
            return _Judged(message, "queued", "earlier_unknown")
        case "wait_for_row":
            return _Judged(message, "queued", "old_step")
        case _:
            # A stop that has ended no longer explains why the message waits.
            return _Judged(message, "queued", None if message.reason == "stopped" else message.reason)


def _newest(judged: Sequence[_Judged]) -> _Judged | None:
    """Return the newest message whose reason is not in ``_NO_WORD_OF_ITS_OWN``, or the newest of all."""
    telling = [each for each in judged if each.reason not in _NO_WORD_OF_ITS_OWN]
    return (telling or [*judged] or [None])[-1]  # type: ignore[list-item]


def _informing_message(chosen: _Judged, judged: Sequence[_Judged]) -> _Judged:
    """Return ``chosen``. If it was not sent because the citizen was informed already, return the earlier message."""
    if chosen.reason != "already_told":
        return chosen
    return next((e for e in reversed(judged) if e.message.kind == chosen.message.kind and e.state in TOLD), chosen)


def _answer_after_handing_over(story: DossierStory, judged: Sequence[_Judged]) -> Answer:
    results = [each for each in judged if each.message.kind == "result"]
    told = [each for each in results if each.state in TOLD]
    chosen = _newest(told) or _newest(results)
    if chosen is not None and chosen.state == "cancelled":
        # Staff read that the citizen has the result, even if the sender stored another reason for the cancellation.
        return Answer((clause_of("cancelled", "handed_over"), _place_clause(story)), chosen.message)
    if chosen is not None:
        return Answer((chosen.clause, _place_clause(story)), chosen.message)
    return Answer((_why_no_message(story), _place_clause(story)))


def _why_no_message(story: DossierStory) -> str:
    """Return the clause that gives the reason for a missing message."""
    if story.unusable_rows:
        return f"none.unusable.{story.unusable_rows[0]}"
    if story.present_outcome == "out_of_scope":
        return "none.before_joining" if story.enabled_from is not None else "none.not_joined"
    if story.enabled_from is None:
        return "none.not_joined"
    return "none.result_unseen" if story.is_over else "none.unplanned"


def _answer_without_message(story: DossierStory) -> Answer:
    if story.unusable_rows:
        return Answer((f"none.unusable.{story.unusable_rows[0]}", _place_clause(story)))
    if story.enabled_from is None:
        return Answer(("none.not_joined", _place_clause(story)))
    return Answer(("none.nothing_yet", _place_clause(story), *_coming_clauses(story)))


def _place_clause(story: DossierStory) -> str:
    """Return the clause that says where the dossier is."""
    if story.is_over:
        return "place.handed_over" if story.returned_at is not None else "place.handed_over_some_day"
    if story.calls_for is not None:
        return f"place.{story.calls_for}_waits"
    match story.status_code:
        case 3 | 7:
            return f"place.ended.{story.status_code}"
        case 5 | 6 | 8:
            return f"place.paused.{story.status_code}"
        case 9:
            return "place.done_elsewhere"
    step = "step" if story.step_name else "no_step"
    if story.due_at is None:
        return f"place.{step}.no_due_date"
    return f"place.{step}.late" if story.is_late else f"place.{step}.on_time"


def _coming_clauses(story: DossierStory) -> tuple[str, ...]:
    """Return the clause that says what the system will do once there is a result."""
    if story.status_code not in _RESULT_MAY_COME or story.is_over:
        return ()
    if story.enabled_from is None:
        return ("next.not_joined",)
    if "result" in story.kinds_off:
        return ("next.kind_off",)
    if not story.is_told_same_day:
        return ("next.same_day",)
    return ("next.mend_phone",) if story.phone_refusal is not None else ("next.result_goes",)


def _advice_clauses(chosen: _Judged, story: DossierStory, now: datetime) -> tuple[str, ...]:
    """Return the clauses that say what will happen to the chosen message, and what staff or the citizen may do."""
    message, ask = chosen.message, ("now.ask_9029",) if story.can_ask_9029 else ()
    is_useful = now < message.useful_until
    match chosen.state:
        case "suppressed" if chosen.reason in _PHONE_REFUSALS:
            return _mended_phone_clauses(chosen, story, is_useful, "now.mend_phone")
        case "undelivered" | "rejected":
            return (*_mended_phone_clauses(chosen, story, is_useful, "now.mend_other_phone"), *ask)
        case "queued":
            return _queued_clauses(chosen, story, now)
        case "sending":
            return ("now.look_again",)
        case "unknown":
            return (("now.release",) if is_useful else ()) + ask
        case "unconfirmed" | "expired":
            return ask
        case _:
            return ()


def _mended_phone_clauses(chosen: _Judged, story: DossierStory, is_useful: bool, mend: str) -> tuple[str, ...]:
    """Return the clauses for a message that can be sent once the phone number is corrected.

    After the correction the message is sent automatically, while it is useful and nothing else prevents sending.
    """
    message = chosen.message
    if not is_useful:
        return ("now.too_late",)
    if message.candidate.kind_off:
        return ("now.kind_off",)
    is_mended = story.phone_refusal is None and (chosen.state == "suppressed" or not message.went_to_present_number)
    return ("now.phone_mended" if is_mended else mend, *_delay_clauses(message, story))


def _delay_clauses(message: MessageFact, story: DossierStory) -> tuple[str, ...]:
    """Return the clause that says which gap or stop delays a message. Empty if nothing delays it."""
    if story.nothing_sent_since is not None:
        return ("now.after_gap",)
    if message.stopped_until is None:
        return ()
    return ("now.after_stop",) if message.stopped_until < message.useful_until else ("now.expires_in_stop",)


def _queued_clauses(chosen: _Judged, story: DossierStory, now: datetime) -> tuple[str, ...]:
    message = chosen.message
    if held := _delay_clauses(message, story):
        return held
    if chosen.reason == "slept":
        return ("now.after_answer",)
    if chosen.reason in (None, "confirmed", "phone_mended", "released") and message.next_attempt_at > now:
        return ("now.goes_at",)
    return ("now.goes_by_itself",)
