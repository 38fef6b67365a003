"""What is news in what comes of dossiers and their steps, pushed or exported, and what is to be written of it.

What is known is read in sets under the lock of its source, and what is decided here is written in sets
(``store/intake/pushes``). Why each rule is as it is: docs/decisions/intake.md.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import chain
from operator import attrgetter
from typing import Final, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.intake.records import PushedDossier, PushedStep
from motcua.domain.words import AgencyWords, SeveralAgencies, agency_of

Key: TypeAlias = tuple[str, str]
"""Agency and code of a dossier."""

ENDED: Final = (3, 7, 10)
"""Statuses of dossiers that are over."""
_TELLING: Final = (5, 9)
"""Statuses that may call for a message."""
_CLOCKS_OFF: Final = timedelta(minutes=10)
"""Twice what clocks may be off: closer together, they do not tell which of two steps is the later one."""
_REPEATED_WITHIN: Final = timedelta(days=2)
"""A step without a time of its own is a repeat where the same came so recently."""
_LONG_AGO: Final = timedelta(days=30)
_AGENCY_CODE: Final = re.compile(r"\d{3}(\.\d{2}){2}\.[A-Z]\d{2}", re.ASCII)


@dataclass(slots=True)
class Dossier:
    """A dossier's row: as it is known, or as it is to be."""

    agency_code: str
    dossier_code: str
    client_id: int | None = None
    """Who pushed it last."""
    dossier_no: int | None = None
    status_code: int | None = None
    supplement_at_desk: bool = False
    received_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    updated_at: datetime | None = None
    said_status: int | None = None
    """What the row itself said of its status, also where it was held back."""
    said_at: datetime | None = None
    is_emptied: bool = False
    """Its fields were, since their time is over."""
    has_other_fields: bool = False
    """What came would change its fields."""
    recent: Sequence[str] = ()
    """Digests of what came within two days, of those that came now."""
    exported_at: datetime | None = None
    """When the file was exported that last told of it; with it, when its step happened and what it said."""
    happened_at: datetime | None = None
    state: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    """That are to be put over its own."""
    is_told: bool = False
    """It is written as what came tells it."""
    says: bool = False
    """What came says something of its status."""
    is_moved: bool = False
    """Whoever reads it finds something new."""
    is_later: bool = False
    """Its row is newer than the step that came with it."""
    is_noted: bool = False
    """What the file said is kept."""


@dataclass(slots=True)
class Step:
    """A step: one that is known, or that is to be written."""

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
    """``None``: it is to be written."""
    is_of_arrival: bool = False
    """It happened when it came, for want of a better time."""
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def happened_at(self) -> datetime:
        """No step happened after it came, whatever its clock says."""
        return min(self.occurred_at, self.recorded_at)

    @property
    def is_day_alone(self) -> bool:
        """Its time is a day without a time of day, which orders nothing."""
        return _is_day_alone(self.occurred_at)

    @property
    def stamped_at(self) -> datetime:
        """By its clock, as far as that may be believed."""
        is_none = self.is_day_alone or self.occurred_at > self.recorded_at + _CLOCKS_OFF
        return self.recorded_at if is_none else self.occurred_at

    @property
    def said_from(self) -> datetime:
        """From when on a row's word may be about this step: where the clock is ahead, the row came before its stamp."""
        stamped = self.stamped_at
        return self.recorded_at - _CLOCKS_OFF if stamped > self.recorded_at else stamped


@dataclass(frozen=True, slots=True)
class File:
    """An export, as far as its dossiers are judged by it."""

    exported_at: datetime
    is_whole: bool
    is_first: bool
    """Of the whole ones: it says how things stand, and not since when."""


class Known:
    """What is known of the dossiers of which something comes, and who may tell of them."""

    def __init__(
        self,
        client_id: int,
        agencies: Sequence[str],
        moment: datetime,
        dossiers: Iterable[Dossier],
        steps: Iterable[Step],
        words: AgencyWords,
    ) -> None:
        """``agencies``: codes of those that it may tell of. ``moment``: of arrival, from when on nobody else writes of
        this source. ``steps``: in the order of their numbers; without an agency those that wait for their dossiers."""
        self.client_id, self.agencies, self.moment, self.words = client_id, agencies, moment, words
        self.dossiers = {(each.agency_code, each.dossier_code): each for each in dossiers}
        self.steps: defaultdict[tuple[str | None, str], list[Step]] = defaultdict(list)
        for step in steps:
            self.steps[step.agency_code, step.dossier_code].append(step)


@dataclass(slots=True)
class Decided:
    """What is to be written, and what became of each record by its place."""

    outcomes: dict[int, str] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    """The dossier that a record is of, where it was not refused."""
    dossiers: dict[Key, Dossier] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    """In the order in which they are numbered; first come those that had waited."""
    states: set[tuple[str, str, str]] = field(default_factory=set)
    """Agency, code and digest of what came, to be known when it is sent again."""


# --- What is pushed ---------------------------------------------------------------------------------------------


def merge_dossiers(known: Known, came: Mapping[int, PushedDossier]) -> Decided:
    """Decides of dossiers that were pushed, by their places, what each tells that is new. A field that did not come
    stays; one that came empty is emptied. Steps that waited for a dossier are its own now, and its row follows them."""
    found = Decided()
    last: dict[Key, PushedDossier] = {}
    for place, record in came.items():
        agency = _whose(known, record, record.of_name)
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
            # Also what told nothing new, or came before another state in one call: sent again later, it would.
            if digest not in recent or (key in found.dossiers and digest == last[key].digest):
                found.states.add((*key, digest))
    _number_waiting(known, found, dict.fromkeys(code for _, code in last))
    return found


def _merge_dossier(known: Known, found: Decided, key: Key, record: PushedDossier) -> None:
    before, steps = known.dossiers.get(key), known.steps.get(key, [])
    row = _as_it_says(before or Dossier(*key), record)
    last = last_steps(steps)
    if last is not None and _is_behind(record.status_code, before, last, steps):
        row.status_code, row.supplement_at_desk = last[0].status_code, last[0].supplement_at_desk
        if before is not None:
            row.supplement_at_desk = before.supplement_at_desk
            row.status_code = row.status_code if before.status_code is None else before.status_code
    if "status_code" in record.said:
        row.says, row.said_status, row.said_at = True, record.status_code, known.moment
    row.is_moved = before is None or _is_changed(before, row)
    # A status that is held back is news, and changes nothing to be read.
    if before is not None and not row.is_moved and (before.is_emptied or row.said_status == before.said_status):
        return
    # Where no steps tell its life, a row is the only voice, and counts as it comes.
    if before is not None and steps and record.digest in before.recent:
        return
    row.is_told, row.is_emptied, row.client_id = True, False, known.client_id
    row.updated_at = known.moment if row.is_moved else row.updated_at
    known.dossiers[key] = found.dossiers[key] = row


def _is_behind(status: int | None, before: Dossier | None, last: tuple[Step, Step], steps: Sequence[Step]) -> bool:
    """Whether a status that came is older than the steps: 1 and 2, one that a step told before, and 4 in a dossier's
    first push or where its row had said 4 before the last step came, too."""
    told = last[0].status_code, last[1].status_code
    if status is None or None in told or status in told:
        return False
    is_coarse = before is None or (
        before.said_status == 4 and before.said_at is not None and before.said_at < last[0].recorded_at
    )
    return status in (1, 2) or (status == 4 and is_coarse) or any(step.status_code == status for step in steps)


def _number_waiting(known: Known, found: Decided, codes: Iterable[str]) -> None:
    """Steps of which nothing had said whose they are, and whose dossier is there now."""
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
        _follow(known, found, key)


def merge_steps(known: Known, came: Mapping[int, PushedStep]) -> Decided:
    """Decides of steps that were pushed, by their places, which are news: each is taken once, those of a dossier in the
    order of their times where each has one. One without a time of its own is a repeat where the same came within two
    days. Rows that are behind follow."""
    found = Decided()
    own = (row for row in known.dossiers.values() if row.client_id == known.client_id)
    numbers = {row.dossier_no: row.dossier_code for row in own}
    by_code: dict[str, list[str]] = defaultdict(list)
    for row in known.dossiers.values():
        by_code[row.dossier_code].append(row.agency_code)
    seen: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for step in chain.from_iterable(known.steps.values()):
        seen[step.dossier_code, step.digest].append(step)
    news: dict[tuple[str | None, str], list[Step]] = defaultdict(list)
    for place, record in came.items():
        of_step = record.dossier_code or numbers.get(record.dossier_no)
        if of_step is None:
            found.outcomes[place] = "code_missing"
            continue
        agency = _whose(known, record, None, by_code[of_step])
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
        _follow(known, found, (key[0] or "", key[1]))
    return found


def _is_repeat(known: Known, agency: str | None, other: Step) -> bool:
    if agency is None or other.agency_code is None:
        is_same = other.client_id == known.client_id
    else:
        is_same = other.agency_code == agency
    return is_same and (other.is_timed or other.recorded_at > known.moment - _REPEATED_WITHIN)


def _whose(
    known: Known, record: PushedDossier | PushedStep, of_name: str | None, of_dossier: Sequence[str] = ()
) -> str | None:
    """The agency that a record names, that its code begins with, or whose dossier it is; else the client's only one.
    ``None``: nobody can tell."""
    for written in (record.unit, record.prefix, of_name):
        try:
            agency = agency_of(written, known.words) if written else None
        except SeveralAgencies:
            agency = None
        if agency is not None:
            return agency
    if len(of_dossier) == 1:
        return of_dossier[0]
    # What begins with the code of another agency is not the client's, though we do not know that agency.
    if len(known.agencies) != 1 or _AGENCY_CODE.fullmatch(record.prefix or ""):
        return None
    return known.agencies[0]


# --- The row follows its steps ----------------------------------------------------------------------------------


def last_steps(steps: Sequence[Step]) -> tuple[Step, Step] | None:
    """The last step of a dossier, told twice: by its number, as pick-up tells it, and by its clock.

    By number the one that came last, but for those that happened more than what clocks may be off before another; a day
    alone and the end of a dossier are never too old. By clock, of those same steps the one that is stamped latest.
    """
    if not steps:
        return None
    since = max(step.happened_at for step in steps) - _CLOCKS_OFF
    standing = [s for s in steps if s.happened_at >= since or s.is_day_alone or s.status_code in ENDED]
    return standing[-1], max(reversed(standing), key=attrgetter("stamped_at"))


def _follow(known: Known, found: Decided, key: Key) -> None:
    """Gives a dossier the status of its last step where its row is behind it: the row was held back because it came
    before its step, or no row comes with a step.

    Within what clocks may be off of each other the row says which step is the last: one that said what the step says
    that is last by its clock, since that step happened, has that status. It speaks again where another step came after
    that one (a call that failed was made again), as by numbers alone the other would stand. Where that one came longer
    ago it does not, but against a step that calls for a message: what it says was told by then, and would be again.
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
        and (clock.recorded_at > known.moment - _CLOCKS_OFF or step.status_code in _TELLING)
    )
    if is_behind:
        row.status_code, row.supplement_at_desk = holds.status_code, holds.supplement_at_desk
    if is_behind or speaks_again:
        row.is_moved, row.is_later, row.updated_at = True, decides, known.moment
        found.dossiers[key] = row


def _is_behind_step(row: Dossier, step: Step, steps: Sequence[Step]) -> bool:
    """Behind are 1, 2, none, what an earlier step told, what was said before the last step happened, and whatever is
    neither a result nor an end where the step calls for a message: pick-up tells it as it comes, and what is told must
    be counted. The row of an ended dossier only where a step told its end."""
    said_at = row.said_at or row.updated_at
    if row.status_code in (None, 1, 2) or any(each.status_code == row.status_code for each in steps):
        return True
    if row.status_code in ENDED:
        return False
    is_said_before = said_at is not None and step.happened_at > said_at
    return is_said_before or (row.status_code != 9 and step.status_code in _TELLING)


# --- What is exported -------------------------------------------------------------------------------------------


def merge_exported(known: Known, came: Iterable[PushedDossier], file: File) -> tuple[Decided, Counter[str]]:
    """Decides of dossiers that a file tells of, each once with its steps in their order, what each tells that is new;
    and counts those that are ``added``, ``moved``, and left, since a newer file told of them (``older``).

    A step is news where status, step or place are others than the last file said; in an export of changes, steps with a
    time of their own once each, and the dossier stays as its latest step left it.
    """
    found = Decided()
    counted = Counter[str]()
    for record in came:
        key = record.agency_code, record.dossier_code
        before = known.dossiers.get(key)
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
            row = _as_it_says(before or Dossier(*key), record)
            row.status_code, row.supplement_at_desk = last.status_code, last.supplement_at_desk
            row.happened_at, row.state = happened_at, last.state
            row.is_told = row.is_moved = before is None or bool(news) or _is_changed(before, row)
            row.is_noted = not file.is_whole or before is None or row.state != before.state
            if row.is_told or row.is_noted:
                found.dossiers[key] = row
    return found, counted


def _happened_at(record: PushedDossier, step: PushedStep, file: File, before: Dossier | None) -> datetime:
    """When a step happened: when its column says, else when the file was exported; of a dossier that is new in the
    first whole one when that was returned, finished or received, else long ago."""
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
    """What happened before what is known changes no row: a step that was typed in late. A day without a time of day is
    of that whole day."""
    if before is None or happened_at >= before:
        return True
    return _is_day_alone(happened_at) and happened_at.astimezone(VIETNAM).date() == before.astimezone(VIETNAM).date()


# --- Both -------------------------------------------------------------------------------------------------------

_values = attrgetter("status_code", "supplement_at_desk", "received_at", "due_at", "finished_at", "returned_at")


def _as_it_says(row: Dossier, record: PushedDossier) -> Dossier:
    return replace(row, fields=record.fields, **{name: getattr(record, name) for name in record.said})


def _is_changed(before: Dossier, row: Dossier) -> bool:
    """An ended dossier whose fields were emptied is not filled again by what ended it."""
    return (before.has_other_fields and not before.is_emptied) or bool(_values(row) != _values(before))


def _is_day_alone(at: datetime) -> bool:
    return at.astimezone(VIETNAM).time() == time.min
