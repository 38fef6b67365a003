"""Reads, compares, rehearses, saves and undoes the settings that an agency decides for itself on the staff pages.

These settings are fields of the agencies' file (include/agencies.yaml). The code that checks the file also checks the
settings from the pages, and one history stores the changes from both. All other fields are changed only through the
file, for example an agency's name or the storage time of personal data. By itself an agency may withhold messages from
its citizens only through the setting of same-day procedures. Any other such change needs the Department, which runs the
system.

The rehearsal shows the messages that an agency would have sent on its last working day: under its present settings, and
under settings that a person typed but did not save. The rehearsal works like the dry run of an agency
(jobs/notices/dry_running.py), but it reads the steps from the ledger and not from a source, rehearses a limited number
of dossiers, and uses the pages' database role. It plans apologies by the rules of the run that plans each evening's
apologies (jobs/notices/apologizing.py). It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Any, Final, Literal, TypeAlias

from motcua.domain.apologies import due_days, judge, useful_until
from motcua.domain.dossiers import Kind
from motcua.domain.occasions import PastTransition
from motcua.domain.periods import Period
from motcua.domain.texts import Template, render
from motcua.jobs.handed_in.agencies import (
    FIELDS,
    AgencyChange,
    Fault,
    FieldChange,
    SettingsRefused,
    compare_agency,
    settings_of,
    with_settings,
)
from motcua.jobs.notices.apologizing import apology_rules, apology_words, candidate_of
from motcua.jobs.notices.dry_running import Rehearsed, rehearse
from motcua.jobs.notices.planning import planning_rules
from motcua.store.agencies import Agency, agency_history, hold_import_lock, in_force, list_agencies, set_settings
from motcua.store.agencies import AgencyChange as KeptChange
from motcua.store.calendars import load_calendar
from motcua.store.ledger.database import Connection
from motcua.store.notices.apologies import DueDossier, candidates, covered_until
from motcua.store.notices.dossiers import DossierToPlan, dossiers_stepped_between
from motcua.store.notices.templates import load_templates
from motcua.store.notices.transitions import histories
from motcua.store.oversight.page_requests import ask

OWN: Final = (
    "same_day_excluded",
    "same_day_procedures",
    "same_day_reason",
    "accented",
    "result_hold",
    "waits_for_opening",
    "apology_day",
    "report_recipients",
)
"""Settings that an agency may change on the staff pages, by their field names in the agencies' file."""

_NOT_ASKED_BEFORE: Final[Mapping[str, Any]] = {
    "same_day_procedures": [],
    "same_day_reason": None,
    "waits_for_opening": False,
}
"""Values for fields that are missing in the changes stored by an earlier release."""

Typed: TypeAlias = Mapping[str, object]
"""Settings by their field names in the agencies' file, with values as that file writes them."""
Saved: TypeAlias = Literal["saved", "asked", "asked_before", "changed"]
"""``asked``: the new recipients are a page request (an order that a worker carries out), and all other settings are
saved. ``asked_before``: the agency has an open request for recipients already. ``changed``: nothing is saved, because
somebody else changed the agency's settings in the meantime."""
WhyNotUndone: TypeAlias = Literal["first", "of_the_file", "recipients", "changed_since", "no_more"]


@dataclass(frozen=True, slots=True)
class OpenedSettings:
    """An agency's settings at the moment when a person opens their page. Holds addresses of staff."""

    agency: Agency
    history: Sequence[KeptChange]
    """All changes of the settings, the oldest first. Empty if the agency's row was written while the triggers that
    store changes were off."""

    @property
    def last_change(self) -> int:
        """Number of the last change; 0 if no change is stored. If the number is different later, somebody changed the
        agency in the meantime."""
        return self.history[-1].change_id if self.history else 0


class NotUndone(Exception):
    """A change cannot be undone."""

    def __init__(self, why: WhyNotUndone, fields: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.why, self.fields = why, tuple(fields)


def open_settings(connection: Connection, agency_code: str) -> OpenedSettings | None:
    """Return the present settings with their history, or ``None`` if no agency has this code."""
    agency = next((each for each in list_agencies(connection) if each.agency_code == agency_code), None)
    return OpenedSettings(agency, agency_history(connection, agency_code)) if agency else None


def kept_settings(change: KeptChange) -> list[FieldChange]:
    """Return the fields that a change changed, in the order of the agencies' file."""
    before, after = _with_all_fields(change.before or {}), _with_all_fields(change.after)
    return [
        FieldChange(field, before.get(field), after.get(field))
        for field in FIELDS
        if before.get(field) != after.get(field)
    ]


def _with_all_fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**_NOT_ASKED_BEFORE, **settings}


def edit(connection: Connection, before: Agency, typed: Typed) -> tuple[Agency, AgencyChange | None]:
    """Return the agency with the typed settings, and the difference from its present settings. The difference is
    ``None`` if nothing changes.

    Raises:
        SettingsRefused: a setting is wrong, or only the Department may make such a change to it.
    """
    after = with_settings(before, typed)
    change = compare_agency(connection, before, after)
    if change and change.departments:
        words = "only the Department may change it like this"
        raise SettingsRefused([Fault(field, "departments", words) for field in change.departments])
    return after, change


def save(connection: Connection, after: Agency, seen: int, set_by: str) -> Saved:
    """Save an agency's own settings. Changed recipients of its reports become a page request, which a worker carries
    out after the Department was mailed. The caller must roll back if the result is ``asked_before`` or ``changed``."""
    hold_import_lock(connection)
    if set_settings(connection, after, seen, set_by) is None:
        return "changed"
    now = next(each for each in list_agencies(connection) if each.agency_code == after.agency_code)
    if now.report_recipients == after.report_recipients:
        return "saved"
    wanted = {"agency": after.agency_code, "addresses": list(after.report_recipients)}
    return "asked" if ask(connection, "recipients", wanted, set_by) == "waits" else "asked_before"


def changed_since(opened: OpenedSettings, seen: int) -> list[tuple[KeptChange, list[FieldChange]]]:
    """Return the changes after change ``seen``, each with the fields that it changed."""
    return [(change, kept_settings(change)) for change in opened.history if change.change_id > seen]


def typed_over(opened: OpenedSettings, seen: int, seen_recipients: Sequence[str], typed: Typed) -> dict[str, object]:
    """Return the present settings together with the fields that a person changed on a form. The function is called if
    somebody else changed the settings after the person opened the form.

    Fields that the person left unchanged get the present values. Fields that the person changed get the typed values.

    Args:
        opened: the present settings.
        seen: the last change that was stored when the person opened the form.
        seen_recipients: the addresses that the person saw. The history does not contain them.
        typed: the settings that the person sent.
    """
    base = next((_with_all_fields(each.after) for each in opened.history if each.change_id == seen), None)
    if base is None:
        return dict(typed)
    base["report_recipients"] = list(seen_recipients)
    now = settings_of(opened.agency)
    return dict(typed) | {field: now[field] for field in OWN if typed.get(field) == base.get(field)}


def to_undo(opened: OpenedSettings, change_id: int) -> dict[str, object]:
    """Return the settings that undo one change, as a person would type them. Recipients of reports stay unchanged.

    Raises:
        NotUndone: the change is the first, it changed a field that only the file changes, the history does not contain
            the former value (addresses), the field was changed again since, or there is no such change.
    """
    change = next((each for each in opened.history if each.change_id == change_id), None)
    if change is None:
        raise NotUndone("no_more")
    if change.before is None:
        raise NotUndone("first")
    changed = kept_settings(change)
    others = [each.field for each in changed if each.field not in OWN]
    if others:
        raise NotUndone("of_the_file", others)
    back = [each for each in changed if each.field != "report_recipients"]
    if not back:
        raise NotUndone("recipients" if changed else "no_more")
    now = _with_all_fields(opened.history[-1].after)
    since = [each.field for each in back if now[each.field] != each.after]
    if since:
        raise NotUndone("changed_since", since)
    settings = settings_of(opened.agency)
    return {field: settings[field] for field in OWN} | {each.field: each.before for each in back}


MOST_DOSSIERS: Final = 1000
"""Most dossiers that one rehearsal covers. If more dossiers of the agency had a step on the day, the others are left
out."""


@dataclass(frozen=True, slots=True)
class Fate:
    """The result that a message would have had, and its number of segments."""

    message: Rehearsed
    segments: int
    """Number of segments of the message; 0 if it would not have been sent."""


@dataclass(frozen=True, slots=True)
class RehearsedMessage:
    """One message of the rehearsed day, under the settings in force and under the typed ones. Holds personal data."""

    dossier_code: str
    procedure_code: str | None
    msisdn: str | None
    kind: Kind
    now: Fate | None
    """Result under the settings in force; ``None`` if there would have been no message."""
    typed: Fate | None

    @property
    def is_changed(self) -> bool:
        """Whether the two settings give different results, apart from the length of the text."""
        return _comparable(self.now) != _comparable(self.typed)

    @property
    def at(self) -> datetime:
        """When the message would have been sent, or would have ended unsent."""
        fate = self.typed or self.now
        assert fate is not None
        return fate.message.at


def _comparable(fate: Fate | None) -> tuple[object, ...] | None:
    return None if fate is None else (fate.message.end, fate.message.reason, fate.message.at)


@dataclass(frozen=True, slots=True)
class Sum:
    """Numbers of messages and segments that would have been sent."""

    messages: int
    segments: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an agency would have sent on one day, under the settings in force and under the typed settings."""

    period: Period
    dossiers: int
    is_whole: bool
    """Whether the rehearsal covers all dossiers that had a step on that day, and all dossiers that the evening of
    apologies would have checked."""
    due: int
    """Number of dossiers that the evening of apologies would have checked, under the settings in force or under the
    typed ones."""
    is_enabled: bool
    """Whether the agency was enabled on that day. If not, the rehearsal assumes that it was."""
    messages: tuple[RehearsedMessage, ...]
    """The messages in the order of their times. Messages that the typed settings change come before all others."""

    @property
    def now(self) -> Sum:
        """The messages and segments that would have been sent under the settings in force."""
        return _sum(each.now for each in self.messages)

    @property
    def typed(self) -> Sum:
        """The messages and segments that would have been sent under the typed settings."""
        return _sum(each.typed for each in self.messages)

    @property
    def changed(self) -> int:
        """Number of messages that have another result under the typed settings."""
        return sum(each.is_changed for each in self.messages)


def _sum(fates: Iterable[Fate | None]) -> Sum:
    sent = [each for each in fates if each is not None and each.message.end == "would_go"]
    return Sum(len(sent), sum(each.segments for each in sent))


_LONGEST_BREAK: Final = timedelta(days=31)
"""How far back the search for the last working day goes."""


def _last_working_day(connection: Connection, agency_code: str, moment: datetime) -> Period:
    """Returns the agency's last working day before the moment's day, or the day before the moment's day if the last
    month had no working day."""
    yesterday = Period.day_before(moment)
    first = yesterday.first - _LONGEST_BREAK
    calendar = load_calendar(connection, agency_code, first, yesterday.first)
    days = (yesterday.first - timedelta(days=back) for back in range(_LONGEST_BREAK.days))
    return next((Period(day) for day in days if calendar.is_working_day(day)), yesterday)


def rehearse_last_working_day(
    connection: Connection, now: Agency, typed: Agency, moment: datetime, most: int = MOST_DOSSIERS
) -> Rehearsal:
    """Return what would have been sent on the last working day before ``moment``. Messages are planned as if each step
    had just been recorded, and apologies as if it were the evening of that day.

    Uses the present phone numbers. A message that would have been sent counts as accepted by its gateway.
    """
    period = _last_working_day(connection, now.agency_code, moment)
    # A result message may wait for the hold time. So a result of the evening before may have been sent on the rehearsed
    # day.
    start = period.start - max(now.result_hold, typed.result_hold, timedelta(0))
    found = dossiers_stepped_between(connection, now.agency_code, start, period.end, period.first, most + 1)
    dossiers = found[:most]
    steps = histories(connection, [each.dossier_id for each in dossiers])
    templates = load_templates()
    is_enabled = now.enabled_from is not None and now.enabled_from < period.end
    messages: list[RehearsedMessage] = []
    for dossier in dossiers:
        known = [each for each in steps.get(dossier.dossier_id, ()) if each.recorded_at < period.end]
        of_now, of_typed = (
            _rehearse(dossier, known, settings, period, templates, is_enabled) for settings in (now, typed)
        )
        for key in sorted({*of_now, *of_typed}):
            messages.append(
                RehearsedMessage(
                    dossier.dossier_code,
                    dossier.procedure_code,
                    dossier.msisdn,
                    key[0],  # type: ignore[arg-type]  # the key holds a kind
                    of_now.get(key),
                    of_typed.get(key),
                )
            )
    apologies, due, is_all = _rehearse_evening(connection, now, typed, period, templates["apology"], most)
    messages += apologies
    messages.sort(key=lambda each: (not each.is_changed, each.at, each.dossier_code))
    return Rehearsal(period, len(dossiers), len(found) <= most and is_all, due, is_enabled, tuple(messages))


def _rehearse_evening(
    connection: Connection, now: Agency, typed: Agency, period: Period, template: Template, most: int
) -> tuple[list[RehearsedMessage], int, bool]:
    """Returns the apologies of the day's evening, the number of checked dossiers, and whether all were checked."""
    of_now = _Evening(connection, now, period, template)
    of_typed = _Evening(connection, typed, period, template)
    looked_at, is_all = dict[int, DueDossier](), True
    for due in dict.fromkeys(each.due for each in (of_now, of_typed) if each.due is not None):
        found = [*islice(chain.from_iterable(candidates(connection, [now.agency_code], due, of_now.at)), most + 1)]
        looked_at |= {each.dossier_id: each for each in found[:most]}
        is_all = is_all and len(found) <= most
    messages = []
    for dossier in looked_at.values():
        fates = of_now.fate(dossier), of_typed.fate(dossier)
        if fates != (None, None):
            code, procedure = dossier.dossier_code, dossier.procedure_code
            messages.append(RehearsedMessage(code, procedure, dossier.msisdn, "apology", *fates))
    return messages, len(looked_at), is_all


class _Evening:
    """The planning of an agency's apologies on one evening under some settings, as if all sources of the agency had
    been read."""

    def __init__(self, connection: Connection, settings: Agency, period: Period, template: Template) -> None:
        day, rules = period.first, apology_rules()
        in_charge = in_force(connection, day)[settings.agency_code]
        calendar = load_calendar(connection, in_charge.in_charge or settings.agency_code, day, day)
        self.at = rules.evening_of(day)
        covered = covered_until(connection, settings.agency_code, day)
        self.due = due_days(settings.apology_day, calendar, day, covered)  # type: ignore[arg-type]  # a CHECK permits only these
        self._settings, self._template, self._agency_name = settings, template, in_charge.name_in_texts
        self._goes_at = rules.quiet.until(self.at) or self.at
        self._is_too_late = self.due is not None and useful_until(calendar, self.due, rules.quiet) <= self._goes_at

    def fate(self, dossier: DueDossier) -> Fate | None:
        """Returns the result of the apology for a dossier, or ``None`` if there would have been no apology."""
        if self.due is None:
            return None
        candidate = candidate_of(dossier, kind_off="apology" in self._settings.kinds_off)
        judgement = judge(candidate, self.due, "missed" if self._is_too_late else None)
        if isinstance(judgement, str):
            return None
        state, reason = judgement
        if state != "queued":
            return Fate(Rehearsed("apology", state, reason, self.at), 0)
        words = apology_words(self._template, dossier, self._agency_name, accented=self._settings.accented)
        return Fate(Rehearsed("apology", "would_go", None, self._goes_at), words.segments)


def _rehearse(
    dossier: DossierToPlan,
    steps: list[PastTransition],
    settings: Agency,
    period: Period,
    templates: Mapping[str, Template],
    is_enabled: bool,
) -> dict[tuple[str, int], Fate]:
    """Returns the result of each message that one dossier would have caused on the rehearsed day. The key is the
    message's kind, and its number among the dossier's messages of that kind."""
    facts = replace(
        dossier.facts,
        enabled_from=dossier.facts.enabled_from if is_enabled else period.start,
        same_day_excluded=settings.same_day_excluded,
        same_day_procedures=settings.same_day_procedures,
        kinds_off=settings.kinds_off,
        result_hold=settings.result_hold,
    )
    counts: dict[str, int] = {}
    fates: dict[tuple[str, int], Fate] = {}
    for message in rehearse(facts, steps, period.end, planning_rules()):
        number = counts[message.kind] = counts.get(message.kind, 0) + 1
        if message.at < period.start:
            continue
        words = {"dossier_code": dossier.dossier_code, "agency_name": dossier.agency_name}
        goes = message.end == "would_go"
        segments = render(templates[message.kind], words, settings.accented).segments if goes else 0
        fates[message.kind, number] = Fate(message, segments)
    return fates
