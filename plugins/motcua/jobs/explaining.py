"""Explains a dossier on the staff page and in a command, by a sentence to read aloud and by the dossier's history.

Codes are read, and the present state is queried, in the same way as for a citizen's text to 9029. So staff and citizens
get the same answer. No line contains a full phone number unless the reader may see it. Phone numbers in texts from
sources, providers and people are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from motcua.domain.clock import VIETNAM
from motcua.domain.explaining import Answer, DossierStory, explain
from motcua.domain.inquiries import (
    CODE_LIMIT,
    Hit,
    choose,
    code_key,
    fold,
    punctuality,
    read_inquiry_text,
    read_tail,
    reads_as_name,
)
from motcua.domain.occasions import is_same_day, leaves_out_same_day
from motcua.domain.phones.reading import hide_phones, read_phone
from motcua.domain.texts import Template
from motcua.jobs.handed_in.complaints import titles
from motcua.jobs.notices.planning import planning_rules
from motcua.quality.rules import load_rules
from motcua.reports import wording
from motcua.reports.explaining import clauses, due_moment, sentence
from motcua.settings import settings
from motcua.store.dossiers import (
    Agencies,
    AttemptEntry,
    ComplaintEntry,
    DossierFound,
    DossierShown,
    Entry,
    FindingEntry,
    InquiryEntry,
    MoveEntry,
    ReceiptEntry,
    StepEntry,
    UnusableRowSeen,
    VersionEntry,
    dossier_shown,
    dossiers_by_code,
    dossiers_by_tail,
    entries_of,
    message_facts,
    message_sent,
    unusable_rows,
)
from motcua.store.ledger.database import Connection
from motcua.store.notices.inquiries import FoundDossier, agency_keys, find_dossiers
from motcua.store.notices.templates import load_templates


@dataclass(frozen=True, slots=True)
class CodeSearch:
    """The dossiers that a typed code may mean."""

    dossiers: tuple[DossierFound, ...]
    """If the list has exactly one dossier, the code means that dossier."""
    unusable: tuple[UnusableRowSeen, ...] = ()
    """Rows in quarantine that have the code. They are searched only if no dossier was found."""


@dataclass(frozen=True, slots=True)
class ExplainedDossier:
    """A dossier with its explanation. Holds personal data."""

    dossier: DossierShown
    story: DossierStory
    answer: Answer
    sentence: str
    """Sentence to read aloud, without phone numbers and names."""
    ends: str
    """The last digits of the phone number that was texted; empty if no digit may be shown."""
    entries: Sequence[Entry]
    """The history of the dossier, the newest entry first."""
    unusable: Sequence[UnusableRowSeen]


@lru_cache(maxsize=1)
def _reply_template() -> Template:
    return load_templates()["reply"]


def find_by_code(connection: Connection, typed: str, agencies: Agencies, agency_code: str | None = None) -> CodeSearch:
    """Return the dossiers that a code may mean, in any spelling that 9029 reads. Return a single dossier if the meaning
    is clear.

    Args:
        connection: connection to the ledger.
        typed: the typed text.
        agencies: agencies whose rows may be seen.
        agency_code: restricts the search to this agency.
    """
    bare, asked = typed.strip(), read_inquiry_text(typed)
    # The text is also searched as it was typed, because a code in the ledger may contain characters that
    # ``read_inquiry_text`` replaces.
    whole = (code_key(fold(bare)), bare) if 0 < len(bare) <= CODE_LIMIT and bare.isprintable() else ()
    keys = tuple(dict.fromkeys((*whole, *asked.keys)))
    found = dossiers_by_code(connection, keys, agencies, agency_code)
    as_typed = [each for each in found if each.dossier_code == bare]
    if as_typed:
        return CodeSearch(tuple(as_typed))
    if len(found) > 1:
        hits = [Hit(each.dossier_id, each.agency_code, each.dossier_code, is_askers=False) for each in found]
        choice = choose(asked, hits, agency_keys(connection))
        if choice.hit is not None:
            return CodeSearch(tuple(each for each in found if each.dossier_id == choice.hit.dossier_id))
        if choice.shared_code is not None:
            key = code_key(fold(choice.shared_code))
            return CodeSearch(tuple(each for each in found if code_key(fold(each.dossier_code)) == key))
    rows = () if found else tuple(unusable_rows(connection, keys, agencies, agency_code))
    return CodeSearch(tuple(found), rows)


def find_by_tail(connection: Connection, typed: str, agencies: Agencies) -> list[DossierFound]:
    """Return the dossiers whose code ends with the typed text. If the text matches whole parts at the end of some
    codes, as ``0007`` in ``…-0007``, return only the dossiers with these codes.

    The list is empty if the text looks like a person's name and not like a code.
    """
    known = agency_keys(connection)
    tail = None if reads_as_name(typed) else read_tail(typed, known)
    if tail is None:
        return []
    seen = set(known.values() if agencies is None else agencies)
    found = dossiers_by_tail(connection, tail.signs, sorted(seen & tail.agencies if tail.agencies else seen))
    return [each for each in found if tail.is_last_of(each.dossier_code)] or found


def explain_dossier(
    connection: Connection,
    dossier_id: int,
    agencies: Agencies,
    now: datetime,
    phone: Callable[[str | None], str] = lambda _: "",
) -> ExplainedDossier | None:
    """Return a dossier with its sentence and its history, or ``None`` if it does not exist or may not be seen.

    Args:
        connection: connection to the ledger.
        dossier_id: the dossier.
        agencies: agencies whose rows may be seen.
        now: the moment of the question.
        phone: returns the part of a number that may be shown; an empty result shows nothing.
    """
    dossier = dossier_shown(connection, dossier_id, agencies, now)
    if dossier is None:
        return None
    seen = next(
        each for each in find_dossiers(connection, [dossier.code_key], None) if each.hit.dossier_id == dossier_id
    )
    unusable = unusable_rows(connection, [dossier.code_key], agencies, dossier.agency_code)
    story = _story(connection, dossier, seen, [each for each in unusable if each.released_at is None], now)
    answer = explain(story, now, planning_rules())
    sent = None if answer.message is None else message_sent(connection, answer.message.message_id)
    ends = "" if sent is None else phone(sent.msisdn)[-_DIGITS_SHOWN:]
    spoken = sentence(answer, story, dossier.dossier_code, sent, ends)
    return ExplainedDossier(dossier, story, answer, spoken, ends, entries_of(connection, dossier_id), unusable)


def _story(
    connection: Connection,
    dossier: DossierShown,
    seen: FoundDossier,
    unusable: Sequence[UnusableRowSeen],
    now: datetime,
) -> DossierStory:
    same_day = leaves_out_same_day(
        dossier.same_day_excluded, dossier.same_day_procedures, dossier.procedure_code
    ) and is_same_day(dossier.received_at, dossier.due_at)
    status = seen.state.status_code
    return DossierStory(
        status_code=status,
        at_one_stop_desk=dossier.at_one_stop_desk,
        step_name=seen.step_name or _reply_template().choices["step_name"].get(str(status)),
        due_at=dossier.due_at,
        returned_at=dossier.returned_at,
        handed_over=dossier.handed_over,
        is_late=punctuality(seen.state, now) == "late",
        phone_refusal=dossier.phone_refusal,
        enabled_from=dossier.enabled_from,
        kinds_off=dossier.kinds_off,
        is_told_same_day=not same_day,
        present_outcome=dossier.present_outcome,
        messages=message_facts(connection, dossier.dossier_id, now),
        unusable_rows=[each.reason for each in unusable],
        nothing_sent_since=dossier.nothing_sent_since,
        can_ask_9029=settings().inquiries_on and not dossier.inquiries_are_stopped,
    )


def status_name(status_code: int | None) -> str:
    """Return the national name of a status, or an empty text if it has none."""
    return _reply_template().choices["step_name"].get(str(status_code), "")


_BAD = frozenset({"suppressed", "expired", "rejected", "undelivered", "unknown"})
_GOOD = frozenset({"delivered"})
_SAME_MOMENT = timedelta(minutes=1)
_DIGITS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class AxisLine:
    """An entry of the history in words."""

    at: datetime
    sort: str
    """The sort of entry: a key of ``axis.sort`` in the texts of include/templates/report/dossiers.vi.yaml."""
    title: str
    details: tuple[str, ...] = ()
    message_id: int | None = None
    complaint_id: int | None = None
    tone: str = ""
    """How the page shows the line: as bad news (``bad``), as good news (``ok``) or as neither (empty)."""


def axis_lines(
    explained: ExplainedDossier, phone: Callable[[str | None], str], *, codes: bool = True
) -> list[AxisLine]:
    """Return the lines of a dossier's history, the newest first.

    Args:
        explained: the dossier.
        phone: returns the part of a number that may be shown; an empty result shows nothing.
        codes: whether to show also the providers' answers, which consist of codes and English words.
    """
    writer = _Writer(explained, phone, codes=codes)
    lines = [line for entry in explained.entries for line in writer.lines(entry)]
    lines += [writer.unusable(each) for each in explained.unusable]
    return sorted(lines, key=lambda line: line.at, reverse=True)


class _Writer:
    def __init__(self, explained: ExplainedDossier, phone: Callable[[str | None], str], *, codes: bool) -> None:
        self.explained, self.phone, self.codes, self.words = explained, phone, codes, clauses()["axis"]

    def lines(self, entry: Entry) -> Iterator[AxisLine]:
        """Yields the lines of one entry. In a version of the dossier's row, the due date and the phone have a line
        each, if they are new or changed."""
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
        words, sort = self.words, "first_version" if entry.is_first else "version"
        if entry.is_first or entry.due_at != entry.due_before:
            due, before = self._due(entry.due_at), self._due(entry.due_before)
            phrase = words["due_first"] if entry.is_first else words["due_changed"]
            yield AxisLine(entry.at, sort, phrase.format(due=due, before=before))
        if entry.is_first or entry.applicant_phone != entry.phone_before:
            now = self._field(entry.applicant_phone, entry, emptied=entry.phone_emptied)
            before = self._field(entry.phone_before, entry, emptied=entry.emptied_before)
            phrase = words["phone_first"] if entry.is_first else words["phone_changed"]
            yield AxisLine(entry.at, sort, phrase.format(phone=now, before=before))

    def _due(self, due_at: datetime | None) -> str:
        return str(self.words["no_due"]) if due_at is None else due_moment(due_at)

    def _field(self, field: str | None, entry: VersionEntry, *, emptied: bool) -> str:
        """Returns the content of a phone field in words or as a masked number, but never as it was typed."""
        if emptied:
            return str(self.words["emptied"])
        typed_on = (entry.phone_entered_at or entry.at).astimezone(VIETNAM).date()
        reading = read_phone(field, typed_on, self.explained.dossier.province)
        if reading.e164 is None:
            return str(self.words["phone"][reading.refusal])
        return self.phone(reading.e164) or str(self.words["number_hidden"])

    def _move(self, entry: MoveEntry) -> AxisLine:
        words, report = self.words, wording.publication_words()
        phrase = words["begins"] if entry.from_state is None else words["moves"]
        kind, state = clauses()["kind"][entry.kind], report["state"][entry.to_state].lower()
        title = phrase.format(message=entry.message_id, kind=kind, state=state)
        details = []
        if entry.to_reason is not None:
            reason = words["reason"].get(entry.to_reason) or wording.message_reason(entry.to_reason, code=self.codes)
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
        if code and self.codes:
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
        if entry.gateway_status and self.codes:
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
        """Returns the line of a row in quarantine."""
        words = self.words
        ended = words["unusable_open"]
        if row.released_at is not None:
            ended = words["unusable_released"].format(at=wording.moment(row.released_at))
        title = words["unusable"].format(reason=words["unusable_reason"][row.reason].capitalize())
        return AxisLine(row.first_seen_at, "unusable", title, (ended,), tone="" if row.released_at else "bad")
