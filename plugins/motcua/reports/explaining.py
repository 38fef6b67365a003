"""Write the sentence that answers a question about a dossier: its clauses in words, with times, codes and steps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.explaining import Answer, DossierStory, MessageFact, MessageSent
from motcua.domain.phones.reading import hide_phones
from motcua.reports import wording
from motcua.reports.wording import words_in


def clauses() -> Mapping[str, Any]:
    """Return the words of all clauses about a dossier."""
    return words_in("report/dossiers.vi")


def words_of_clause(name: str) -> str:
    """Return the words of a clause, with unfilled places.

    A clause ``told.<state>.<reason>`` without words gets the words for other reasons of this state.

    Raises:
        KeyError: There is no such clause.
    """
    found: Any = clauses()
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            if name.startswith("told."):
                return str(clauses()["otherwise"][name.split(".")[1]])
            raise KeyError(name)
        found = found[part]
    return str(found)


def sentence(
    answer: Answer, story: DossierStory, dossier_code: str, sent: MessageSent | None = None, ends: str = ""
) -> str:
    """Write one sentence, to be read aloud. The sentence holds no phone number.

    Args:
        answer: the clauses.
        story: the facts about the dossier.
        dossier_code: the dossier's code.
        sent: how the message of the answer was sent.
        ends: the last digits of the phone number, if they may be shown.
    """
    values = _values_of_dossier(story, dossier_code) | _values_of_message(answer.message, story)
    values |= _values_of_sending(sent, ends)
    joined_clauses = "; ".join(words_of_clause(name).format_map(values) for name in answer.clauses)
    return " ".join(joined_clauses.split()) + "."


def _values_of_dossier(story: DossierStory, dossier_code: str) -> dict[str, str]:
    return {
        "code": dossier_code,
        "step": hide_phones(story.step_name or _unknown()),
        "due": due_moment(story.due_at),
        "returned": "" if story.returned_at is None else _on_day(story.returned_at),
        "present_phone": _phone(story.phone_refusal),
        "joined_at": _moment(story.enabled_from),
        "gap_at": _moment(story.nothing_sent_since),
    }


def _values_of_message(message: MessageFact | None, story: DossierStory) -> dict[str, str]:
    if message is None:
        return {}
    reason = message.reason or ""
    return {
        "kind": str(clauses()["kind"][message.kind]),
        "phone": _phone(reason if reason in clauses()["phone"] else story.phone_refusal),
        "told_at": _moment(message.accepted_at or message.attempted_at),
        "attempted_at": _moment(message.attempted_at or message.accepted_at),
        "until": _moment(message.useful_until),
        "next_at": _moment(message.next_attempt_at),
        "stopped_until": _moment(message.stopped_until),
    }


def _values_of_sending(sent: MessageSent | None, ends: str) -> dict[str, str]:
    """Return the gateway, the last digits of the number and the time of arrival in words, each with a leading blank. An
    unknown value is empty."""
    words = clauses()["sent"]
    by = words["by_sms"]
    if sent is not None and sent.unit is not None:
        by = words["by_other"].format(gateway=(sent.gateway or "").capitalize())
    arrived = sent.delivered_at if sent is not None else None
    return {
        "by": by,
        "to": words["to"].format(ends=ends) if ends else "",
        "arrived": words["arrived"].format(at=wording.moment(arrived)) if arrived else "",
    }


def _phone(refusal: str | None) -> str:
    """Return why a phone cannot be texted, in words that follow "vì" ("because")."""
    phones = clauses()["phone"]
    return str(phones.get(refusal or "", phones["not_a_phone"]))


def _unknown() -> str:
    return str(clauses()["unknown"])


def _on_day(at: datetime) -> str:
    return str(clauses()["on_day"]).format(day=wording.day(at))


def _moment(at: datetime | None) -> str:
    return _unknown() if at is None else wording.moment(at)


def due_moment(due_at: datetime | None) -> str:
    """Return an appointment in words: its day and time, or only its day if the time is midnight."""
    if due_at is None:
        return _unknown()
    if due_at.astimezone(VIETNAM).time() == time(0):
        return _on_day(due_at)
    return wording.moment(due_at)
