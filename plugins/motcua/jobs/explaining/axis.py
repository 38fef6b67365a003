"""What happened to a dossier, in words: one line for each entry of its axis, as the page and the command show it.

No line holds a phone number: numbers are shown as whoever asks may see them, and everything that a source, a provider
or a person wrote is masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.phones.reading import hide_phones, read_phone
from motcua.jobs.explaining.dossiers import ExplainedDossier, status_name
from motcua.jobs.handed_in.complaints import titles
from motcua.quality.rules import load_rules
from motcua.reports import wording
from motcua.reports.explaining import clauses, due_moment
from motcua.store.dossiers import (
    AttemptEntry,
    ComplaintEntry,
    Entry,
    FindingEntry,
    InquiryEntry,
    MoveEntry,
    ReceiptEntry,
    StepEntry,
    UnusableRowSeen,
    VersionEntry,
)

_BAD = frozenset({"suppressed", "expired", "rejected", "undelivered", "unknown"})
_GOOD = frozenset({"delivered"})
_SAME_MOMENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class AxisLine:
    """An entry in words."""

    at: datetime
    sort: str
    """A key of the words' ``axis.sort``."""
    title: str
    details: tuple[str, ...] = ()
    message_id: int | None = None
    complaint_id: int | None = None
    tone: str = ""
    """``bad`` or ``ok``, where it is either."""


def axis_lines(explained: ExplainedDossier, phone: Callable[[str | None], str]) -> list[AxisLine]:
    """The lines of a dossier, the newest first.

    Args:
        explained: the dossier.
        phone: what of a number may be shown; nothing where that is empty.
    """
    writer = _Writer(explained, phone)
    lines = [line for entry in explained.entries for line in writer.lines(entry)]
    lines += [writer.unusable(each) for each in explained.unusable]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _words() -> Any:  # noqa: ANN401 - as the file has them
    return clauses()["axis"]


class _Writer:
    def __init__(self, explained: ExplainedDossier, phone: Callable[[str | None], str]) -> None:
        self.explained, self.phone, self.words = explained, phone, _words()

    def lines(self, entry: Entry) -> Iterator[AxisLine]:
        """Of one entry; a version that changes two things has two."""
        match entry:
            case StepEntry():
                yield self._step(entry)
            case VersionEntry():
                yield from self._version(entry)
            case MoveEntry():
                yield self._move(entry)
            case AttemptEntry():
                yield self._attempt(entry)
            case ReceiptEntry():
                yield self._receipt(entry)
            case InquiryEntry():
                yield self._inquiry(entry)
            case FindingEntry():
                yield self._finding(entry)
            case ComplaintEntry():
                yield self._complaint(entry)

    def _step(self, entry: StepEntry) -> AxisLine:
        words = self.words
        to = hide_phones(entry.to_step or words["no_step"])
        title = words["step_first"].format(to=to)
        if entry.from_step:
            title = words["step"].format_map({"from": hide_phones(entry.from_step), "to": to})
        details = [
            words["status"].format(status=f"{entry.status_code} {status_name(entry.status_code)}".strip()),
            words["at_desk" if entry.at_one_stop_desk else "away"],
        ]
        if abs(entry.at - entry.occurred_at) > _SAME_MOMENT:
            details.append(words["occurred"].format(at=wording.moment(entry.occurred_at)))
        if entry.from_row:
            details.append(words["from_row"])
        if entry.is_old:
            force = {None: "waits", True: "counts", False: "ignored"}[entry.has_force]
            details.append(words["old"][force])
        details.append(words["outcome"][entry.outcome or "unplanned"].format(message=entry.message_id))
        return AxisLine(entry.at, "step", title, tuple(details), message_id=entry.message_id)

    def _version(self, entry: VersionEntry) -> Iterator[AxisLine]:
        words = self.words
        if entry.is_first or entry.due_at != entry.due_before:
            due, before = self._due(entry.due_at), self._due(entry.due_before)
            said = words["due_first"] if entry.is_first else words["due_changed"]
            yield AxisLine(entry.at, "version", said.format(due=due, before=before))
        if entry.is_first or entry.applicant_phone != entry.phone_before:
            now = self._field(entry.applicant_phone, entry, emptied=entry.phone_emptied)
            before = self._field(entry.phone_before, entry, emptied=entry.emptied_before)
            said = words["phone_first"] if entry.is_first else words["phone_changed"]
            yield AxisLine(entry.at, "version", said.format(phone=now, before=before))

    def _due(self, due_at: datetime | None) -> str:
        return str(self.words["no_due"]) if due_at is None else due_moment(due_at)

    def _field(self, field: str | None, entry: VersionEntry, *, emptied: bool) -> str:
        """What a phone field means, never as it was typed."""
        if emptied:
            return str(self.words["emptied"])
        typed_on = (entry.phone_entered_at or entry.at).astimezone(VIETNAM).date()
        reading = read_phone(field, typed_on, self.explained.dossier.province)
        if reading.e164 is None:
            return str(clauses()["phone"][reading.refusal])
        return self.phone(reading.e164) or str(self.words["number_hidden"])

    def _move(self, entry: MoveEntry) -> AxisLine:
        words, report = self.words, wording.publication_words()
        said = words["begins"] if entry.from_state is None else words["moves"]
        kind, state = clauses()["kind"][entry.kind], report["state"][entry.to_state].lower()
        title = said.format(message=entry.message_id, kind=kind, state=state)
        details = []
        if entry.to_reason is not None:
            reason = words["reason"].get(entry.to_reason) or wording.message_reason(entry.to_reason)
            details.append(hide_phones(reason))
        if entry.text is not None:
            details.append(words["words"].format(text=entry.text))
        tone = "bad" if entry.to_state in _BAD else "ok" if entry.to_state in _GOOD else ""
        return AxisLine(entry.at, "message", title, tuple(details), message_id=entry.message_id, tone=tone)

    def _attempt(self, entry: AttemptEntry) -> AxisLine:
        words = self.words
        outcome = words["attempt_outcome"][entry.outcome or "in_flight"]
        title = words["attempt"].format(message=entry.message_id, gateway=entry.gateway, outcome=outcome)
        details = []
        code = " ".join(str(each) for each in (entry.http_status, entry.gateway_code) if each)
        if code:
            details.append(words["attempt_code"].format(code=hide_phones(code)))
        if entry.released_at is not None:
            why = hide_phones(entry.released_because or "")
            at = wording.moment(entry.released_at)
            details.append(words["released"].format(by=entry.released_by, at=at, why=why))
        return AxisLine(entry.at, "attempt", title, tuple(details), message_id=entry.message_id)

    def _receipt(self, entry: ReceiptEntry) -> AxisLine:
        words = self.words
        meaning = words["receipt_meaning"][entry.meaning]
        title = words["receipt"].format(message=entry.message_id, gateway=entry.gateway, meaning=meaning)
        details = []
        if entry.gateway_status:
            details.append(words["receipt_code"].format(code=hide_phones(entry.gateway_status)))
        if entry.effect == "no_change":
            details.append(words["no_change"])
        return AxisLine(entry.at, "receipt", title, tuple(details), message_id=entry.message_id)

    def _inquiry(self, entry: InquiryEntry) -> AxisLine:
        words, asker = self.words, self.phone(entry.msisdn)
        details = [words["asked_by"].format(phone=asker)] if asker else []
        details.append(words["words"].format(text=hide_phones(entry.text)))
        return AxisLine(entry.at, "inquiry", words["inquiry"], tuple(details), message_id=entry.message_id)

    def _finding(self, entry: FindingEntry) -> AxisLine:
        words = self.words
        rule = load_rules().rules.get(entry.rule)
        title = words["finding"].format(rule=entry.rule, title=rule.title if rule else "").rstrip(": ")
        ended = words["finding_open"]
        if entry.closed_at is not None:
            ended = words["finding_closed"].format(at=wording.moment(entry.closed_at))
        return AxisLine(entry.at, "finding", title, (ended,))

    def _complaint(self, entry: ComplaintEntry) -> AxisLine:
        words, known = self.words, titles()
        details = [
            words["complaint_by"].format(channel=known["channel"][entry.channel].lower()),
            words["complaint_outcome"].format(outcome=known["outcome"][entry.outcome].lower()),
        ]
        if entry.withdrawn_at is not None:
            details.append(words["withdrawn"].format(at=wording.moment(entry.withdrawn_at)))
        title = words["complaint"].format(claim=known["claim"][entry.claim])
        return AxisLine(entry.at, "complaint", title, tuple(details), complaint_id=entry.complaint_id)

    def unusable(self, row: UnusableRowSeen) -> AxisLine:
        """Of a row in quarantine."""
        words = self.words
        ended = words["unusable_open"]
        if row.released_at is not None:
            ended = words["unusable_released"].format(at=wording.moment(row.released_at))
        title = words["unusable"].format(reason=words["unusable_reason"][row.reason].capitalize())
        return AxisLine(row.first_seen_at, "unusable", title, (ended,), tone="" if row.released_at else "bad")
