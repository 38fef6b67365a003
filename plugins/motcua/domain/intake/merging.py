"""Decide what is new in pushed or exported dossiers and steps, and what must be written.

A *call* is one request of a client, with one or more records. ``store/intake/pushes`` reads the known rows of all
records of a call at once, under the lock of their source, and writes all decisions at once. A *pick-up* later reads the
written rows into the ledger. docs/decisions/intake.md gives the reason for each rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import chain
from operator import attrgetter
from typing import Final, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.intake.records import PushedDossier, PushedStep, is_agency_code
from motcua.domain.words import AgencyWords, SeveralAgencies, agency_of

Key: TypeAlias = tuple[str, str]
"""A dossier as its agency code and its own code."""

ENDED: Final = (3, 7, 10)
"""Statuses that end a dossier."""
_TELLING: Final = (5, 9)
"""Statuses that may call for a message."""
CLOCKS_MAY_DIFFER: Final = timedelta(minutes=10)
"""Twice the allowed clock error. If two times are closer together, they do not show which step is the later one. A time
that is further in the future than this comes from a wrong clock."""
_REPEATED_WITHIN: Final = timedelta(days=2)
"""A step without a time of its own counts as a repeat if an equal step arrived within this time."""
_LONG_AGO: Final = timedelta(days=30)


@dataclass(slots=True)
class Dossier:
    """A dossier's row, either known from the ledger or still to be written."""

    agency_code: str
    dossier_code: str
    client_id: int | None = None
    """The client that last pushed the dossier."""
    dossier_no: int | None = None
    status_code: int | None = None
    supplement_at_desk: bool = False
    received_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    updated_at: datetime | None = None
    said_status: int | None = None
    """The status that the client's last record of the dossier gave, even if a step's status is used instead."""
    said_at: datetime | None = None
    is_emptied: bool = False
    """``True`` if the row's fields were emptied after their retention time."""
    has_other_fields: bool = False
    """``True`` if the arriving record would change the row's fields."""
    recent: Sequence[str] = ()
    """Digests of the arriving records. Only digests that also belong to a record of the last two days are listed."""
    exported_at: datetime | None = None
    """When the newest file with this dossier was exported. The file also gives ``happened_at``, the time of the
    dossier's last step, and ``state``, the hash of that step's status, name and place."""
    happened_at: datetime | None = None
    state: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """The fields of the arriving record, which replace the fields of the stored row."""
    is_told: bool = False
    """``True`` if the values of the arriving record are written into the row."""
    says: bool = False
    """``True`` if the arriving record gives a status."""
    is_moved: bool = False
    """``True`` if the row changed, so that the next pick-up must read it again."""
    is_later: bool = False
    """``True`` if the row is newer than the step that arrived with it, so that the row's status counts."""
    is_noted: bool = False
    """``True`` if the values that the file gives for ``exported_at``, ``happened_at`` and ``state`` must be stored."""


@dataclass(slots=True)
class Step:
    """A step, either known from the ledger or still to be written."""

    agency_code: str | None
    dossier_code: str
    client_id: int
    status_code: int | None
    supplement_at_desk: bool
    is_timed: bool
    occurred_at: datetime
    recorded_at: datetime
    digest: str
    step_no: int | None = None
    """The number that this system gave the step. ``None`` if the step is still to be written."""
    is_of_arrival: bool = False
    """``True`` if the step's time of arrival is used as its time of happening, because no better time is known."""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def happened_at(self) -> datetime:
        """Return when the step happened. The result is never later than the time of arrival."""
        return min(self.occurred_at, self.recorded_at)

    @property
    def is_day_alone(self) -> bool:
        """Return whether the step's time is only a day, which does not show its order among the steps of that day."""
        return _is_day_alone(self.occurred_at)

    @property
    def stamped_at(self) -> datetime:
        """Return the time that the step itself gives, or the time of its arrival if the given time is not credible."""
        is_none = self.is_day_alone or self.occurred_at > self.recorded_at + CLOCKS_MAY_DIFFER
        return self.recorded_at if is_none else self.occurred_at

    @property
    def said_from(self) -> datetime:
        """Return the earliest time at which a row may have got its status from this step.

        If the step's clock is ahead, the row may have arrived before the time that the step gives.
        """
        stamped = self.stamped_at
        return self.recorded_at - CLOCKS_MAY_DIFFER if stamped > self.recorded_at else stamped


@dataclass(frozen=True, slots=True)
class File:
    """An export file. ``is_whole`` means that it lists all dossiers, not only changes."""

    exported_at: datetime
    is_whole: bool
    is_first: bool
    """``True`` for the first whole export. This export shows each dossier's present state, but not since when the
    dossier has been in this state."""


class Known:
    """Everything that is known of the arriving dossiers, and the agencies that the client may write for."""

    def __init__(
        self,
        client_id: int,
        agencies: Sequence[str],
        moment: datetime,
        dossiers: Iterable[Dossier],
        steps: Iterable[Step],
        words: AgencyWords,
    ) -> None:
        """Collect the known rows.

        Args:
            client_id: the client that sends.
            agencies: codes of the agencies that the client may write for.
            moment: time of arrival. The caller holds the lock of the source, so that nobody else writes its rows.
            dossiers: known dossiers.
            steps: known steps in the order of their numbers; steps without an agency still wait for their dossiers.
            words: map from words to agencies.
        """
        self.client_id, self.agencies, self.moment, self.words = client_id, agencies, moment, words
        self.dossiers = {(each.agency_code, each.dossier_code): each for each in dossiers}
        self.steps: defaultdict[tuple[str | None, str], list[Step]] = defaultdict(list)
        for step in steps:
            self.steps[step.agency_code, step.dossier_code].append(step)


@dataclass(slots=True)
class Decided:
    """The rows to write, and the outcome of each record by its position in the call."""

    outcomes: dict[int, str] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    """The dossier of each record that was not refused."""
    dossiers: dict[Key, Dossier] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    """The new steps, in the order in which they get their numbers. Steps that waited for their dossiers are first."""
    states: set[tuple[str, str, str]] = field(default_factory=set)
    """Agency, code and digest of each record, stored so that a repeated record is recognised."""


# --- Pushed records ---------------------------------------------------------------------------------------------


def merge_dossiers(known: Known, came: Mapping[int, PushedDossier]) -> Decided:
    """Decide what is new in pushed dossiers. ``came`` maps a position in the call to a dossier.

    A field that did not arrive stays, and a field that arrived empty is emptied. Steps that waited for one of the
    dossiers are linked to it, and the dossier gets the status of its last step.
    """
    found = Decided()
    last: dict[Key, PushedDossier] = {}
    for place, record in came.items():
        agency = _agency_of_record(known, record, record.of_name)
        if agency is None:
            found.outcomes[place] = "agency_missing"
        elif agency not in known.agencies:
            found.outcomes[place] = "agency_refused"
        else:
            found.keys[place] = key = agency, record.dossier_code
            last[key] = record
    for key, record in last.items():
        _merge_dossier(known, found, key, record)
    for place, key in found.keys.items():
        found.outcomes[place] = "taken" if key in found.dossiers else "repeated"
        recent = known.dossiers[key].recent
        for digest in (*came[place].earlier, came[place].digest):
            # A record's digest is stored even if the record gave nothing new, or if a later record of the same call
            # gave another state. Otherwise the same record would count as new when it is sent again.
            if digest not in recent or (key in found.dossiers and digest == last[key].digest):
                found.states.add((*key, digest))
    _number_waiting(known, found, dict.fromkeys(code for _, code in last))
    return found


def _merge_dossier(known: Known, found: Decided, key: Key, record: PushedDossier) -> None:
    before, steps = known.dossiers.get(key), known.steps.get(key, [])
    row = _row_from_record(before or Dossier(*key), record)
    last = last_steps(steps)
    if last is not None and _is_behind(record.status_code, before, last, steps):
        row.status_code, row.supplement_at_desk = last[0].status_code, last[0].supplement_at_desk
        if before is not None:
            row.supplement_at_desk = before.supplement_at_desk
            row.status_code = row.status_code if before.status_code is None else before.status_code
    if "status_code" in record.said:
        row.says, row.said_status, row.said_at = True, record.status_code, known.moment
    row.is_moved = before is None or _is_changed(before, row)
    # If a step's status counts instead of the arriving status, the arriving status is only stored. Nothing that a
    # pick-up reads changes.
    if before is not None and not row.is_moved and (before.is_emptied or row.said_status == before.said_status):
        return
    # If a dossier has steps, a repeated record is ignored. Without steps only its row shows its state, so each arriving
    # record counts.
    if before is not None and steps and record.digest in before.recent:
        return
    row.is_told, row.is_emptied, row.client_id = True, False, known.client_id
    row.updated_at = known.moment if row.is_moved else row.updated_at
    known.dossiers[key] = found.dossiers[key] = row


def _is_behind(status: int | None, before: Dossier | None, last: tuple[Step, Step], steps: Sequence[Step]) -> bool:
    """Return whether an arriving status is older than the known steps.

    The statuses 1 and 2 are older, and so is a status that an earlier step gave. Status 4 is older in a dossier's first
    push, or if the row had already given 4 before the last step arrived.
    """
    told = last[0].status_code, last[1].status_code
    if status is None or None in told or status in told:
        return False
    is_coarse = before is None or (
        before.said_status == 4 and before.said_at is not None and before.said_at < last[0].recorded_at
    )
    return status in (1, 2) or (status == 4 and is_coarse) or any(step.status_code == status for step in steps)


def _number_waiting(known: Known, found: Decided, codes: Iterable[str]) -> None:
    """Link waiting steps to their dossiers if these dossiers exist now.

    A step waits if its agency could not be found when the step arrived.
    """
    waiting = (step for code in codes for step in known.steps.get((None, code), ()))
    for step in sorted(waiting, key=lambda each: each.step_no or 0):
        own = [
            agency
            for agency in known.agencies
            if (row := known.dossiers.get((agency, step.dossier_code))) and row.client_id == known.client_id
        ]
        if own:
            step.agency_code, step.recorded_at = min(own), known.moment
            known.steps[step.agency_code, step.dossier_code].append(step)
            found.steps.append(step)
    for key in dict.fromkeys((step.agency_code or "", step.dossier_code) for step in found.steps):
        _follow_last_step(known, found, key)


def merge_steps(known: Known, came: Mapping[int, PushedStep]) -> Decided:
    """Decide which pushed steps are new, and update rows whose status is older than their last step.

    ``came`` maps a position in the call to a step.

    Each step is accepted once. The steps of a dossier are put in the order of their times if each step has a time. A
    step without a time counts as a repeat if an equal step arrived within two days.
    """
    found = Decided()
    numbers = {row.dossier_no: row for row in known.dossiers.values() if row.client_id == known.client_id}
    by_code: dict[str, list[str]] = defaultdict(list)
    for row in known.dossiers.values():
        by_code[row.dossier_code].append(row.agency_code)
    seen: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in chain.from_iterable(known.steps.values()):
        seen[step.dossier_code, step.digest].append(step)
    news: dict[tuple[str | None, str], list[Step]] = defaultdict(list)
    for place, record in came.items():
        numbered = None if record.dossier_code else numbers.get(record.dossier_no)
        of_step = numbered.dossier_code if numbered else record.dossier_code
        if of_step is None:
            found.outcomes[place] = "code_missing"
            continue
        agency = numbered.agency_code if numbered else _agency_of_record(known, record, None, by_code[of_step])
        if agency is not None and agency not in known.agencies:
            found.outcomes[place] = "agency_refused"
            continue
        same = seen[of_step, record.digest]
        if any(_is_repeat(known, agency, other) for other in same):
            found.outcomes[place] = "repeated"
            continue
        step = Step(
            agency, of_step, known.client_id, record.status_code, record.supplement_at_desk,
            record.occurred_at is not None, record.occurred_at or known.moment, known.moment, record.digest,
            is_of_arrival=record.occurred_at is None, fields=record.fields,
        )  # fmt: skip
        same.append(step)
        news[agency, of_step].append(step)
        found.outcomes[place] = "waiting" if agency is None else "taken"
    for key, steps in news.items():
        if all(step.is_timed and not step.is_day_alone for step in steps):
            steps.sort(key=attrgetter("occurred_at"))
        found.steps += steps
        known.steps[key] += steps
        _follow_last_step(known, found, (key[0] or "", key[1]))
    return found


def _is_repeat(known: Known, agency: str | None, other: Step) -> bool:
    if agency is None or other.agency_code is None:
        is_same = other.client_id == known.client_id
    else:
        is_same = other.agency_code == agency
    return is_same and (other.is_timed or other.recorded_at > known.moment - _REPEATED_WITHIN)


def _agency_of_record(
    known: Known, record: PushedDossier | PushedStep, of_name: str | None, of_dossier: Sequence[str] = ()
) -> str | None:
    """Return the code of a record's agency; ``None`` if the agency cannot be found.

    The result is the first of these agencies that can be found: the agency that the record names, the agency with whose
    code the dossier's code begins, the agency with the name ``of_name``, the only agency in ``of_dossier``, the
    client's only agency.
    """
    for written in (record.unit, record.prefix, of_name):
        try:
            agency = agency_of(written, known.words) if written else None
        except SeveralAgencies:
            agency = None
        if agency is not None:
            return agency
    if len(of_dossier) == 1:
        return of_dossier[0]
    # If the dossier's code begins with the code of an agency that the ledger does not know, the dossier does not belong
    # to the client's only agency.
    if len(known.agencies) != 1 or is_agency_code(record.prefix):
        return None
    return known.agencies[0]


# --- The row and its steps --------------------------------------------------------------------------------------


def last_steps(steps: Sequence[Step]) -> tuple[Step, Step] | None:
    """Return the last step of a dossier by number and its last step by time.

    The step by number matters because pick-ups read steps in the order of their numbers.

    Steps that happened more than ``CLOCKS_MAY_DIFFER`` before another step are left out. Steps with only a day, and
    steps that end a dossier, are never left out. Among the remaining steps, the last by number is the one that arrived
    last, and the last by time is the one with the latest time.
    """
    if not steps:
        return None
    since = max(step.happened_at for step in steps) - CLOCKS_MAY_DIFFER
    standing = [s for s in steps if s.happened_at >= since or s.is_day_alone or s.status_code in ENDED]
    return standing[-1], max(reversed(standing), key=attrgetter("stamped_at"))


def _follow_last_step(known: Known, found: Decided, key: Key) -> None:
    """Give a dossier the status of its last step if the status in its row is older.

    The row's status is older if the row was sent before its step but arrived with it, or if a step arrived without a
    row.

    If the last step by number and the last step by time differ, the row decides which of the two steps counts. The step
    that is last by time counts if the client gave that step's status in the row after the step happened. Otherwise the
    step with the highest number counts.

    After a decision for the step that is last by time, a further step may arrive, for example because a failed call was
    repeated. The row is then written again. Otherwise the further step would count, because its number is higher. If
    the step that is last by time arrived more than ``CLOCKS_MAY_DIFFER`` ago, the row is written again only if the
    further step calls for a message. Otherwise the citizen, who was informed by then, would be informed twice.
    """
    row, last = known.dossiers.get(key), last_steps(known.steps.get(key, ()))
    if row is None or row.is_emptied or last is None or last[0].status_code is None:
        return
    step, clock = last
    decides = (
        clock.status_code not in (None, step.status_code)
        and row.said_status == clock.status_code
        and row.said_at is not None
        and row.said_at >= clock.said_from
    )
    holds = clock if decides else step
    is_behind = row.status_code != holds.status_code and (decides or _is_behind_step(row, step, known.steps[key]))
    speaks_again = (
        decides
        and step.recorded_at == known.moment
        and (clock.recorded_at > known.moment - CLOCKS_MAY_DIFFER or step.status_code in _TELLING)
    )
    if is_behind:
        row.status_code, row.supplement_at_desk = holds.status_code, holds.supplement_at_desk
    if is_behind or speaks_again:
        row.is_moved, row.is_later, row.updated_at = True, decides, known.moment
        found.dossiers[key] = row


def _is_behind_step(row: Dossier, step: Step, steps: Sequence[Step]) -> bool:
    """Return whether the status in a row is older than a step, so that the row is *behind* the step.

    A row is behind if its status is 1, 2 or empty, if an earlier step gave its status, or if its status was given
    before the last step happened. If the step calls for a message, a row is also behind if its status is neither a
    result nor an end: the message is planned as soon as the step arrives, so the step must count. The row of an ended
    dossier is behind only if a step gave the status that ended the dossier.
    """
    said_at = row.said_at or row.updated_at
    if row.status_code in (None, 1, 2) or any(each.status_code == row.status_code for each in steps):
        return True
    if row.status_code in ENDED:
        return False
    is_said_before = said_at is not None and step.happened_at > said_at
    return is_said_before or (row.status_code != 9 and step.status_code in _TELLING)


# --- Exported records -------------------------------------------------------------------------------------------


def merge_exported(known: Known, came: Iterable[PushedDossier], file: File) -> tuple[Decided, Counter[str]]:
    """Decide what is new in the dossiers of a file, and count the ``added``, ``moved`` and ``older`` dossiers.

    ``came`` has each dossier once, with its steps in order. ``added`` dossiers are new, ``moved`` dossiers have new
    steps, and ``older`` dossiers are not changed, because a newer file contained them. A step is new if its status,
    step name or place differs from what the last file gave for the dossier. In an export of changes, a step that has
    its own time is new unless it is already stored, and the dossier gets the state of its latest step.
    """
    found = Decided()
    counted = Counter[str]()
    for record in came:
        key = record.agency_code, record.dossier_code
        before = known.dossiers.get(key)
        if before and before.exported_at and before.exported_at > known.moment + CLOCKS_MAY_DIFFER:
            # The last file with the dossier was read while the clock was ahead, so its times do not make it newer.
            before = replace(before, exported_at=None, happened_at=None)
        if before and not file.is_whole and before.exported_at and before.exported_at > file.exported_at:
            counted["older"] += 1
            continue
        steps = known.steps.get(key, ())
        news = [step for step in record.steps if _is_exported_news(step, before, file, steps)]
        found.steps += [
            Step(
                *key, known.client_id, step.status_code, step.supplement_at_desk, step.occurred_at is not None,
                _happened_at(record, step, file, before), known.moment, step.digest, fields=step.fields,
            )
            for step in news
        ]  # fmt: skip
        if before is None or news:
            counted["added" if before is None else "moved"] += 1
        last = record.steps[-1]
        happened_at = _happened_at(record, last, file, before)
        if file.is_whole or before is None or _is_no_earlier(happened_at, before.happened_at):
            row = _row_from_record(before or Dossier(*key), record)
            row.status_code, row.supplement_at_desk = last.status_code, last.supplement_at_desk
            row.happened_at, row.state = happened_at, last.state
            row.is_told = row.is_moved = before is None or bool(news) or _is_changed(before, row)
            row.is_noted = not file.is_whole or before is None or row.state != before.state
            if row.is_told or row.is_noted:
                found.dossiers[key] = row
    return found, counted


def _happened_at(record: PushedDossier, step: PushedStep, file: File, before: Dossier | None) -> datetime:
    """Return when a step happened.

    The result is the time that the file gives for the step, or else the time of the export. For a dossier that is new
    in the first whole export, the time of the export is replaced by the dossier's time of return, finishing or receipt.
    If the dossier has none of these times, the result is ``_LONG_AGO`` before the export.
    """
    if step.occurred_at is not None or not file.is_first or before is not None:
        return step.occurred_at or file.exported_at
    since = record.returned_at or record.finished_at or record.received_at or file.exported_at - _LONG_AGO
    return min(since, file.exported_at)


def _is_exported_news(step: PushedStep, before: Dossier | None, file: File, steps: Iterable[Step]) -> bool:
    if not file.is_whole and step.occurred_at is not None:
        return not any(each.is_timed and each.digest == step.digest for each in steps)
    if before is None or before.state is not None:
        return before is None or step.state != before.state
    return (step.status_code, step.supplement_at_desk) != (before.status_code, before.supplement_at_desk)


def _is_no_earlier(happened_at: datetime, before: datetime | None) -> bool:
    """Return whether a step is not earlier than the dossier's known state. An earlier step was typed in late.

    A step with only a day is not earlier than a state of the same day.
    """
    if before is None or happened_at >= before:
        return True
    return _is_day_alone(happened_at) and happened_at.astimezone(VIETNAM).date() == before.astimezone(VIETNAM).date()


# --- Shared helpers ---------------------------------------------------------------------------------------------

_values = attrgetter("status_code", "supplement_at_desk", "received_at", "due_at", "finished_at", "returned_at")


def _row_from_record(row: Dossier, record: PushedDossier) -> Dossier:
    return replace(row, fields=record.fields, **{name: getattr(record, name) for name in record.said})


def _is_changed(before: Dossier, row: Dossier) -> bool:
    """Return whether the row has new values.

    If the row's fields were emptied after their retention time, other ``fields`` do not count as new values. Otherwise
    a repetition of the dossier's last record would fill the fields again.
    """
    return (before.has_other_fields and not before.is_emptied) or bool(_values(row) != _values(before))


def _is_day_alone(at: datetime) -> bool:
    return at.astimezone(VIETNAM).time() == time.min
