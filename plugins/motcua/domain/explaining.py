"""The one answer to "was this citizen told, and if not, why": of all that is known of a dossier, what makes it.

An answer is a few clauses that become one sentence, read aloud at the counter: what was told or why not, where the
dossier is, what to do now. Clauses are named here and worded in include/templates/report/dossiers.vi.yaml. What a
clause promises is asked of the rules that sending itself follows (``look_again``), never guessed.
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
"""The reason of a message that has none, in the name of a clause."""
GATEWAY_STATUS = "gateway_status"
"""Stands for every reason that is a gateway's own code, ``gateway status 2``."""
TOLD = frozenset({"accepted", "delivered", "unconfirmed"})
"""A gateway took it, and nothing says that the phone has it not."""

_PHONE_REFUSALS = frozenset(get_args(PhoneRefusal))
_NO_WORD_OF_ITS_OWN = frozenset({"already_told", "superseded", "outdated"})
"""Another message, or nothing at all, is what there was to tell."""
_RESULT_MAY_COME = frozenset({None, 1, 2, 4, 5, 6, 8, 9})
"""Not after Từ chối, rút hồ sơ, đã trả."""


@dataclass(frozen=True, slots=True)
class MessageFact:
    """A message of the dossier as it stands."""

    message_id: int
    kind: Kind
    state: str
    reason: str | None
    useful_until: datetime
    next_attempt_at: datetime
    accepted_at: datetime | None
    """When a gateway took it."""
    attempted_at: datetime | None
    """When its last attempt began."""
    stopped_until: datetime | None
    """People have stopped what it is one of until then."""
    went_to_present_number: bool
    """Its number is the one that the dossier has now."""
    candidate: SendCandidate
    """What sending would see of it at this moment."""


@dataclass(frozen=True, slots=True)
class MessageSent:
    """How a message went. Holds a number."""

    msisdn: str | None
    """``None``: emptied."""
    gateway: str | None
    unit: str | None
    """What the gateway counts; ``None``: the segments of an SMS."""
    delivered_at: datetime | None
    """When a receipt said that the phone has it."""


@dataclass(frozen=True, slots=True)
class DossierStory:
    """What the answer depends on."""

    status_code: int | None
    """National; ``None``: not known."""
    at_one_stop_desk: bool
    step_name: str | None
    due_at: datetime | None
    returned_at: datetime | None
    handed_over: bool
    """Its citizen has the result, and it was not moved since."""
    is_late: bool
    """By the rule that 9029 answers by."""
    phone_refusal: str | None
    """``None``: its phone can be texted."""
    enabled_from: datetime | None
    """Since when its agency tells citizens; ``None``: it does not, or nobody is in charge of it."""
    kinds_off: Collection[str]
    is_told_same_day: bool
    """``False``: its appointment is on the day of receipt, and the agency does not text about such."""
    present_outcome: PlanningResult | None
    """What planning made of the step that brought it into its present condition."""
    messages: Sequence[MessageFact] = ()
    unusable_rows: Sequence[RowRefusal] = ()
    """Why rows of it lie in quarantine."""
    nothing_sent_since: datetime | None = None
    """The ledger was restored, and nothing is sent before that was looked at."""
    can_ask_9029: bool = False

    @property
    def is_over(self) -> bool:
        """The citizen has the result."""
        return self.handed_over or self.status_code == RETURNED_STATUS

    @property
    def calls_for(self) -> Kind | None:
        """What its status calls for now."""
        if self.is_over or self.status_code is None:
            return None
        return condition_of(self.status_code, self.at_one_stop_desk)


@dataclass(frozen=True, slots=True)
class Answer:
    """The clauses of the sentence, by name, and the message that it is about, if any."""

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
    """The name of the clause that says how a message stands."""
    if reason is not None and reason.startswith("gateway status "):
        reason = GATEWAY_STATUS
    return f"told.{state}.{reason or PLAIN}"


def explain(story: DossierStory, now: datetime, rules: PlanningRules) -> Answer:
    """The answer for a dossier: there is always exactly one.

    A message about what the dossier calls for now comes first; else, where it calls for something, why there is none;
    else the last one that was told or should have been. One that was not sent because the citizen knew already leads to
    the one that told it.
    """
    judged = [_judge(each, story, now, rules) for each in sorted(story.messages, key=lambda each: each.message_id)]
    judged = [each for each in judged if each.message.kind != "reply"]
    if story.is_over:
        return _after_handing_over(story, judged)
    present = [each for each in judged if each.message.candidate.occasion_holds]
    if not present and story.calls_for is not None:
        return Answer((_why_none(story), _place(story)))
    chosen = _last(present) or _last(judged)
    if chosen is None:
        return _nothing_yet(story)
    chosen = _who_told(chosen, judged)
    advice = _what_now(chosen, story, now) if present else _what_comes(story)
    if present and chosen.message.kind == "apology":
        advice = advice or _what_comes(story)
    return Answer((chosen.clause, _place(story), *advice), chosen.message)


def _judge(message: MessageFact, story: DossierStory, now: datetime, rules: PlanningRules) -> _Judged:
    """How a message stands; of a queued one, what sending would make of it now."""
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
            # A stop that is over is no reason any more.
            return _Judged(message, "queued", None if message.reason == "stopped" else message.reason)


def _last(judged: Sequence[_Judged]) -> _Judged | None:
    """The newest; better one that has something to say itself."""
    telling = [each for each in judged if each.reason not in _NO_WORD_OF_ITS_OWN]
    return (telling or [*judged] or [None])[-1]  # type: ignore[list-item]


def _who_told(chosen: _Judged, judged: Sequence[_Judged]) -> _Judged:
    """Of one that was not sent because the citizen knew already, the one that told it."""
    if chosen.reason != "already_told":
        return chosen
    return next((e for e in reversed(judged) if e.message.kind == chosen.message.kind and e.state in TOLD), chosen)


def _after_handing_over(story: DossierStory, judged: Sequence[_Judged]) -> Answer:
    results = [each for each in judged if each.message.kind == "result"]
    told = [each for each in results if each.state in TOLD]
    chosen = _last(told) or _last(results)
    if chosen is not None and chosen.state == "cancelled":
        # What took the occasion back is that the citizen has the result, however sending named it.
        return Answer((clause_of("cancelled", "handed_over"), _place(story)), chosen.message)
    if chosen is not None:
        return Answer((chosen.clause, _place(story)), chosen.message)
    return Answer((_why_none(story), _place(story)))


def _why_none(story: DossierStory) -> str:
    """Why there is no message of what the dossier calls for."""
    if story.unusable_rows:
        return f"none.unusable.{story.unusable_rows[0]}"
    if story.present_outcome == "out_of_scope":
        return "none.before_joining" if story.enabled_from is not None else "none.not_joined"
    if story.enabled_from is None:
        return "none.not_joined"
    return "none.result_unseen" if story.is_over else "none.unplanned"


def _nothing_yet(story: DossierStory) -> Answer:
    if story.unusable_rows:
        return Answer((f"none.unusable.{story.unusable_rows[0]}", _place(story)))
    if story.enabled_from is None:
        return Answer(("none.not_joined", _place(story)))
    return Answer(("none.nothing_yet", _place(story), *_what_comes(story)))


def _place(story: DossierStory) -> str:
    """Where the dossier is."""
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


def _what_comes(story: DossierStory) -> tuple[str, ...]:
    """What the system does once there is a result."""
    if story.status_code not in _RESULT_MAY_COME or story.is_over:
        return ()
    if story.enabled_from is None:
        return ("next.not_joined",)
    if "result" in story.kinds_off:
        return ("next.kind_off",)
    if not story.is_told_same_day:
        return ("next.same_day",)
    return ("next.mend_phone",) if story.phone_refusal is not None else ("next.result_goes",)


def _what_now(chosen: _Judged, story: DossierStory, now: datetime) -> tuple[str, ...]:
    """What becomes of a message about the present, and what staff or the citizen may do."""
    message, ask = chosen.message, ("now.ask_9029",) if story.can_ask_9029 else ()
    is_useful = now < message.useful_until
    match chosen.state:
        case "suppressed" if chosen.reason in _PHONE_REFUSALS:
            return _once_mended(chosen, story, is_useful, "now.mend_phone")
        case "undelivered" | "rejected":
            return (*_once_mended(chosen, story, is_useful, "now.mend_other_phone"), *ask)
        case "queued":
            return _while_queued(chosen, story, now)
        case "sending":
            return ("now.look_again",)
        case "unknown":
            return (("now.release",) if is_useful else ()) + ask
        case "unconfirmed" | "expired":
            return ask
        case _:
            return ()


def _once_mended(chosen: _Judged, story: DossierStory, is_useful: bool, mend: str) -> tuple[str, ...]:
    """What a mended phone brings about: it goes by itself while it is useful and nothing else is in its way."""
    message = chosen.message
    if not is_useful:
        return ("now.too_late",)
    if message.candidate.kind_off:
        return ("now.kind_off",)
    is_mended = story.phone_refusal is None and (chosen.state == "suppressed" or not message.went_to_present_number)
    return ("now.phone_mended" if is_mended else mend, *_held(message, story))


def _held(message: MessageFact, story: DossierStory) -> tuple[str, ...]:
    """What keeps a message that is ready."""
    if story.nothing_sent_since is not None:
        return ("now.after_gap",)
    if message.stopped_until is None:
        return ()
    return ("now.after_stop",) if message.stopped_until < message.useful_until else ("now.expires_in_stop",)


def _while_queued(chosen: _Judged, story: DossierStory, now: datetime) -> tuple[str, ...]:
    message = chosen.message
    if held := _held(message, story):
        return held
    if chosen.reason == "slept":
        return ("now.after_answer",)
    if chosen.reason in (None, "confirmed", "phone_mended", "released") and message.next_attempt_at > now:
        return ("now.goes_at",)
    return ("now.goes_by_itself",)
