"""Check the newest rows of a source against the source contract (the two views that every source must offer) and
against each other. Pure: no database."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from motcua.domain.checking.encodings import broken
from motcua.domain.checking.kinds import MOST_EXAMPLES, Findings, shown_codes
from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import (
    EARLIEST,
    LATEST,
    Refused,
    RowContext,
    SourceDossier,
    SourceTransition,
    clean_code,
    clean_transition,
    national_status,
)
from motcua.domain.occasions import NEVER_OLD, RESULT_STATUS, SUPPLEMENT_STATUS
from motcua.domain.phones.reading import read_phone

Key: TypeAlias = tuple[str, str]
"""A dossier as (agency_code, dossier_code), in the source's spelling."""
Row: TypeAlias = SourceDossier | SourceTransition

ENOUGH: Final = 20
"""If a check has fewer rows than this, it does not judge which share of the rows is bad."""
_SOME: Final = 3
_ENOUGH_FOR_RESULTS: Final = 200
LATEST_NUMBER: Final = 2**62
_OFFICE: Final = range(6, 19)
"""Hours of the day, in Vietnam, at which desks are open."""
_ZONE: Final = timedelta(hours=7)
_SILENT_AFTER: Final = timedelta(days=7)
_SUBMITTED: Final = frozenset({"direct", "online", "postal"})
_NEVER_MOVED: Final = frozenset({1, 2})
"""Statuses that a dossier may have before its first step: registered and received."""


@dataclass(frozen=True, slots=True)
class Read:
    """Facts about the sample's transitions that pick-ups (readings of the source into the ledger) have read."""

    at: Mapping[int, datetime] = field(default_factory=dict)
    """When each transition was read, by its number."""
    set_aside: Set[int] = frozenset()
    """Numbers of transitions that were in quarantine at some time, even if they were used later."""
    until: datetime | None = None
    """Pick-ups no longer search for transitions that were recorded before this time. ``None`` if nothing was read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows of a source that a check reads, all in one snapshot."""

    source_now: datetime
    late_commit: timedelta
    context: RowContext
    """Agencies, the national codes of the source's statuses, the time of our clock, and the allowed clock skew."""
    provinces: Mapping[str, str]
    """Province by agency code."""
    dossiers: Sequence[SourceDossier]
    transitions: Sequence[SourceTransition]
    """The transitions that were read, each once."""
    whole: Set[Key]
    """Dossiers that were read by their keys. The sample contains the rows and all transitions of these dossiers."""
    doubled_dossiers: Sequence[Key] = ()
    """Examples of keys that several rows of the source share."""
    doubled_dossiers_count: int = 0
    doubled_numbers: Sequence[str | None] = ()
    """Codes of a few dossiers with a transition whose number another transition has too."""
    doubled_numbers_count: int = 0
    is_pushed: bool = False
    """``True`` if the rows were pushed to the intake app. A push may contain dossiers without transitions, and the
    intake app purges old rows."""
    read: Read = field(default_factory=Read)
    unanswered: Set[str] = frozenset()
    """Names of queries that timed out. The sample lacks their rows although the source may have them."""

    @property
    def settled_before(self) -> datetime:
        """Return the time before which all changes are complete.

        Later changes may be incomplete, because a dossier's row and its transition may be committed at different
        times.
        """
        return self.source_now - self.late_commit - self.context.clock_skew


@dataclass(slots=True)
class _Judging:
    sample: Sample
    found: Findings
    histories: dict[Key, list[SourceTransition]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_key: dict[Key, list[SourceTransition]] = defaultdict(list)
        for each in self.sample.transitions:
            if (key := _key_of(each)) is not None and each.transition_id is not None:
                by_key[key].append(each)
        self.histories = {key: sorted(rows, key=_number_of) for key, rows in by_key.items()}

    def national(self, row: Row) -> int | None:
        return None if row.status_code is None else national_status(row.status_code, self.sample.context)

    def add_rows(
        self,
        kind: str,
        bad: Sequence[SourceDossier] | Sequence[SourceTransition] | Sequence[Row],
        of: int,
        names: Iterable[str] = (),
        least: int = 1,
        share: float = 0.0,
    ) -> None:
        """Add a finding if at least ``least`` rows are bad, and if they are at least ``share`` (0 to 1) of all rows."""
        if len(bad) >= least and len(bad) >= share * of:
            self.found.add(kind, len(bad), of, names, (row.dossier_code for row in bad))


def judge_rows(sample: Sample, found: Findings) -> None:
    """Add a finding for everything that is wrong with the rows of a source."""
    views = {"dossiers": sample.dossiers, "transitions": sample.transitions}
    empty = [view for view, rows in views.items() if not rows]
    if sample.is_pushed and sample.dossiers:
        empty = []
    if empty and not any(name.startswith("newest") for name in sample.unanswered):
        found.add("empty", names=empty)
    judging = _Judging(sample, found)
    if sample.transitions:
        _judge_numbers(judging)
        _judge_silence(judging)
    _judge_keys(judging)
    _judge_times(judging)
    _judge_statuses(judging)
    _judge_desk(judging)
    if not empty:
        _compare_views(judging)
    if "numbers_go_back" not in found:
        _judge_moves(judging)
    dossiers = [row for row in sample.dossiers if not (sample.is_pushed and _is_emptied(row))]
    if dossiers:
        _judge_phones(judging, dossiers)
        _judge_due_dates(judging)
        _judge_texts(judging, dossiers)


def _is_emptied(row: SourceDossier) -> bool:
    fields = (row.procedure_code, row.procedure_name, row.applicant_name, row.applicant_phone, row.step_name)
    return all(each is None for each in fields)


def _key_of(row: Row) -> Key | None:
    return (
        None if _blank(row.agency_code) or _blank(row.dossier_code) else (str(row.agency_code), str(row.dossier_code))
    )


def _blank(text: str | None) -> bool:
    return text is None or not text.strip()


def _number_of(row: SourceTransition) -> int:
    return row.transition_id or 0


# --- Keys and codes --------------------------------------------------------------------------------------------------


def _judge_keys(judging: _Judging) -> None:
    sample, found = judging.sample, judging.found
    dossiers, transitions = sample.dossiers, sample.transitions
    judging.add_rows("dossier_key_missing", [row for row in dossiers if _key_of(row) is None], len(dossiers))
    judging.add_rows("transition_key_missing", [row for row in transitions if _key_of(row) is None], len(transitions))
    if sample.doubled_dossiers_count:
        codes = [code for _, code in sample.doubled_dossiers]
        found.add("dossier_key_double", sample.doubled_dossiers_count, examples=codes)
    if sample.doubled_numbers_count:
        found.add("number_double", sample.doubled_numbers_count, examples=sample.doubled_numbers)
    rows: list[Row] = [*dossiers, *transitions]
    unknown = [
        row
        for row in rows
        # Without any configured agency every code would be unknown.
        if sample.context.agencies
        and not _blank(row.agency_code)
        and unicodedata.normalize("NFC", str(row.agency_code)).strip() not in sample.context.agencies
    ]
    codes_unknown = Counter(str(row.agency_code).strip() for row in unknown)
    judging.add_rows("agency_unknown", unknown, len(rows), shown_codes(code for code, _ in codes_unknown.most_common()))
    coded = [row for row in rows if not _blank(row.dossier_code)]
    judging.add_rows("code_unusable", [row for row in coded if clean_code(str(row.dossier_code)) is None], len(coded))
    untidy = _odd_case(rows)
    judging.add_rows("code_untidy", [row for row in rows if untidy(row)], len(rows))


def _odd_case(rows: Sequence[Row]) -> Callable[[Row], bool]:
    """Return a function that says whether a row is untidy.

    A row is untidy if one of its codes contains blanks or invisible characters, or if its dossier code has lower-case
    letters while more rows use upper case, or the other way round.
    """
    upper = sum(_has_upper(row.dossier_code) for row in rows)
    lower = sum(_has_lower(row.dossier_code) for row in rows)
    odd = _has_lower if upper >= lower else _has_upper
    mixes = bool(upper and lower)

    def is_untidy(row: Row) -> bool:
        codes = [code for code in (row.agency_code, row.dossier_code) if code is not None and code.strip()]
        if any(_is_spaced(code) for code in codes):
            return True
        return mixes and odd(row.dossier_code)

    return is_untidy


def _is_spaced(code: str) -> bool:
    """Return whether a code has blanks or invisible characters in it or around it.

    The result is ``False`` for a code that cannot be used at all, because another finding reports such a code.
    """
    is_plain = code.isprintable() and " " not in code
    return not is_plain and clean_code(code) is not None


def _has_upper(code: str | None) -> bool:
    return code is not None and code != code.lower()


def _has_lower(code: str | None) -> bool:
    return code is not None and code != code.upper()


# --- Numbers ---------------------------------------------------------------------------------------------------------


def _judge_numbers(judging: _Judging) -> None:
    sample = judging.sample
    transitions = sample.transitions
    judging.add_rows("number_missing", [row for row in transitions if row.transition_id is None], len(transitions))
    numbered = [row for row in transitions if row.transition_id is not None]
    usable = [row for row in numbered if 0 <= _number_of(row) <= LATEST_NUMBER]
    judging.add_rows(
        "number_unusable", [row for row in numbered if not 0 <= _number_of(row) <= LATEST_NUMBER], len(numbered)
    )
    latest = sample.source_now + sample.context.clock_skew
    timed = [(row, row.recorded_at) for row in usable if row.recorded_at and EARLIEST <= row.recorded_at <= latest]
    timed.sort(key=lambda pair: (_number_of(pair[0]), pair[1]))
    if went_back := _rows_gone_back(timed, sample.late_commit):
        judging.add_rows("numbers_go_back", went_back, len(timed))
        return
    late, early = _out_of_order(timed, sample.late_commit)
    judging.add_rows("late_commits", late, len(timed), _some_numbers(late))
    seen_late = _seen_late(timed, sample)
    judging.add_rows("seen_late", seen_late, len(timed), _some_numbers(seen_late))
    judging.add_rows("recorded_backdated", early, len(timed))


_Timed = Sequence[tuple[SourceTransition, datetime]]


def _rows_gone_back(timed: _Timed, late: timedelta) -> list[SourceTransition]:
    """Return the newest rows if their numbers are lower than the numbers of several earlier rows."""
    by_time = sorted(timed, key=lambda pair: pair[1], reverse=True)
    newest = by_time[:_SOME]
    if len(newest) < _SOME:
        return []
    highest, since = max(_number_of(row) for row, _ in newest), newest[-1][1] - late
    before = [at for row, at in timed if _number_of(row) > highest and at < since]
    if len(before) < _SOME:
        return []
    last = max(before) + late
    return [row for row, at in by_time if at > last and _number_of(row) <= highest]


def _out_of_order(timed: _Timed, late: timedelta) -> tuple[list[SourceTransition], list[SourceTransition]]:
    """Return rows recorded well after rows of higher numbers, and rows recorded well before rows of lower numbers.

    The rows are compared with the longest chain of rows in which the times grow with the numbers. A row outside this
    chain is returned only if its time is out of order by more than ``late``.
    """
    times = [at for _, at in timed]
    ends: list[datetime] = []
    places: list[int] = []
    before: list[int | None] = []
    for place, at in enumerate(times):
        length = bisect_right(ends, at)
        before.append(places[length - 1] if length else None)
        if length == len(ends):
            ends.append(at)
            places.append(place)
        else:
            ends[length], places[length] = at, place
    chain = set()
    step = places[-1] if places else None
    while step is not None:
        chain.add(step)
        step = before[step]
    following: list[datetime | None] = [None] * len(times)
    nearest: datetime | None = None
    for place in range(len(times) - 1, -1, -1):
        following[place] = nearest
        if place in chain:
            nearest = times[place]
    after, early = [], []
    preceding: datetime | None = None
    for place, at in enumerate(times):
        if place in chain:
            preceding = at
            continue
        next_at = following[place]
        if next_at is not None and at > next_at + late:
            after.append(timed[place][0])
        elif preceding is not None and at < preceding - late:
            early.append(timed[place][0])
    return after, early


def _some_numbers(rows: Sequence[SourceTransition]) -> list[str]:
    return [str(_number_of(row)) for row in rows[:MOST_EXAMPLES]]


def _seen_late(timed: _Timed, sample: Sample) -> list[SourceTransition]:
    """Return rows that appeared in the source too late, after a row with a higher number had been read.

    The allowed time is ``late_commit`` plus the clock skew. A row is returned if it was read later than this after its
    own time and after the reading of the row with the higher number. A row is also returned if it was never read and
    pick-ups no longer search for rows of its time. A single snapshot of the source cannot show this fault.

    Args:
        timed: rows in the order of their numbers, each with the time at which it was written.
        sample: the sample, with what pick-ups have read.
    """
    read, allowed = sample.read, sample.late_commit + sample.context.clock_skew
    fresh = [at for row, at in timed if (taken := read.at.get(_number_of(row))) is not None and taken - at <= allowed]
    if not fresh or read.until is None:
        return []
    begun = min(fresh)
    higher_read: datetime | None = None
    found = []
    for row, at in reversed(timed):
        taken = read.at.get(_number_of(row))
        if higher_read is not None and at > begun and _number_of(row) not in read.set_aside and _is_usable(row, sample):
            if taken is None:
                is_late = at < read.until and higher_read < sample.context.now - allowed
            else:
                is_late = taken - max(at, higher_read) > allowed
            if is_late:
                found.append(row)
        if taken is not None:
            higher_read = taken if higher_read is None else min(higher_read, taken)
    return found[::-1]


def _is_usable(row: SourceTransition, sample: Sample) -> bool:
    try:
        clean_transition(row, sample.context)
    except Refused:
        return False
    return True


def _judge_silence(judging: _Judging) -> None:
    sample = judging.sample
    latest = sample.source_now + sample.context.clock_skew
    times = [row.recorded_at for row in sample.transitions if row.recorded_at and row.recorded_at <= latest]
    if times and max(times) < sample.source_now - _SILENT_AFTER:
        judging.found.add("silent", names=[str((sample.source_now - max(times)).days)])


# --- Times -----------------------------------------------------------------------------------------------------------


def _judge_times(judging: _Judging) -> None:
    sample = judging.sample
    dossiers, transitions = sample.dossiers, sample.transitions
    columns: dict[str, list[tuple[Row, datetime]]] = {
        f"{view}.{column}": [(row, at) for row in rows if (at := getattr(row, column)) is not None]
        for view, rows, names in (
            ("transitions", transitions, ("recorded_at", "occurred_at")),
            ("dossiers", dossiers, ("updated_at", "received_at", "phone_entered_at", "returned_at")),
        )
        for column in names
    }
    shifted = [
        name
        for name, rows in columns.items()
        if _is_shifted([at for _, at in rows], sample.source_now, sample.context.clock_skew)
    ]
    shifted += [name for name in _shifted_against(transitions) if name not in shifted]
    if shifted:
        judging.found.add("hours_shifted", names=shifted)
    else:
        # A database's "infinity" is read as LATEST, so it counts as a time in the future.
        latest = sample.source_now + sample.context.clock_skew
        ahead = {name: [row for row, at in rows if at > latest] for name, rows in columns.items()}
        names = [name for name, rows in ahead.items() if rows]
        if names:
            rows_ahead = list({id(row): row for rows in ahead.values() for row in rows}.values())
            judging.add_rows("times_in_future", rows_ahead, len(dossiers) + len(transitions), names)
    judging.add_rows(
        "recorded_missing", [row for row in transitions if not _is_credible(row.recorded_at)], len(transitions)
    )
    judging.add_rows("updated_missing", [row for row in dossiers if not _is_credible(row.updated_at)], len(dossiers))
    occurred = [row for row in transitions if not _is_credible(row.occurred_at)]
    judging.add_rows("occurred_missing", occurred, len(transitions), least=_SOME, share=0.05)
    judging.add_rows(
        "received_missing",
        [row for row in dossiers if not _is_credible(row.received_at)],
        len(dossiers),
        least=_SOME,
        share=0.05,
    )


def _is_credible(at: datetime | None) -> bool:
    return at is not None and EARLIEST <= at < LATEST


def _is_shifted(times: Sequence[datetime], now: datetime, skew: timedelta) -> bool:
    """Return whether a column's times are wrong by seven hours, the offset of Vietnam's time zone.

    The times are wrong if several of them are ahead of now, the latest by five to seven hours. They are also wrong if
    many of them are outside office hours, and nearly all become office hours when seven hours are subtracted or added.
    The second rule leaves out values at midnight, because midnight often stands for a date without a time.
    """
    ahead = [at - now for at in times if at > now + skew]
    if len(ahead) >= _SOME and max(ahead) <= _ZONE + skew and max(ahead) > _ZONE - timedelta(hours=2):
        return True
    local = [at.astimezone(VIETNAM) for at in times if _is_credible(at)]
    local = [at for at in local if at.time() != time(0)]
    if len(local) < ENOUGH or len({at.date() for at in local}) < _SOME:
        return False

    def in_office(by: timedelta) -> float:
        return sum((at + by).hour in _OFFICE for at in local) / len(local)

    as_is = in_office(timedelta(0))
    return as_is < 0.7 and (in_office(-_ZONE) > max(0.9, as_is + 0.2) or in_office(_ZONE) > max(0.9, as_is + 0.2))


def _shifted_against(transitions: Sequence[SourceTransition]) -> list[str]:
    """Return the name of ``occurred_at`` if at least half of its values differ from ``recorded_at`` by seven hours.

    Otherwise return an empty list.
    """
    apart = [
        row.occurred_at - row.recorded_at
        for row in transitions
        if row.occurred_at and row.recorded_at and _is_credible(row.occurred_at) and _is_credible(row.recorded_at)
    ]
    close = sum(abs(abs(each) - _ZONE) <= timedelta(minutes=10) for each in apart)
    return ["transitions.occurred_at"] if len(apart) >= ENOUGH and close >= 0.5 * len(apart) else []


# --- Statuses and the desk -------------------------------------------------------------------------------------------


def _judge_statuses(judging: _Judging) -> None:
    sample = judging.sample
    rows: list[Row] = [*sample.dossiers, *sample.transitions]
    judging.add_rows("status_missing", [row for row in rows if row.status_code is None], len(rows))
    unknown = [row for row in rows if row.status_code is not None and judging.national(row) is None]
    codes = Counter(row.status_code for row in unknown)
    judging.add_rows("status_unknown", unknown, len(rows), (str(code) for code, _ in codes.most_common(10)))
    if len(sample.transitions) >= _ENOUGH_FOR_RESULTS:
        known = {judging.national(row) for row in sample.transitions}
        if None not in known and RESULT_STATUS not in known:
            judging.found.add("results_never", of=len(sample.transitions))


def _judge_desk(judging: _Judging) -> None:
    sample, found = judging.sample, judging.found
    rows: list[Row] = [*sample.dossiers, *sample.transitions]
    judging.add_rows("desk_missing", [row for row in rows if row.at_one_stop_desk is None], len(rows))
    told = [row for row in sample.transitions if row.at_one_stop_desk is not None]
    if len(told) < ENOUGH:
        return
    if all(row.at_one_stop_desk for row in told):
        found.add("desk_always", len(told), len(told))
        return
    if not any(row.at_one_stop_desk for row in rows):
        found.add("desk_never", len(told), len(told))
        return
    for status, kind in ((RESULT_STATUS, "result_never_at_desk"), (SUPPLEMENT_STATUS, "supplement_never_at_desk")):
        of_it = [row for row in told if judging.national(row) == status]
        if len(of_it) >= _SOME and not any(row.at_one_stop_desk for row in of_it):
            found.add(kind, len(of_it), len(of_it), examples=(row.dossier_code for row in of_it))


def _judge_moves(judging: _Judging) -> None:
    """Find steps that cannot follow the end of a dossier.

    After a refusal, a withdrawal or a handing over, a step is impossible unless it ends the dossier again or asks for a
    supplement.
    """
    impossible, moves = [], 0
    for rows in judging.histories.values():
        for before, after in pairwise(rows):
            left, right = judging.national(before), judging.national(after)
            if left is None or right is None:
                continue
            moves += 1
            if left in NEVER_OLD and right not in NEVER_OLD | {SUPPLEMENT_STATUS}:
                impossible.append(after)
    judging.add_rows("moves_impossible", impossible, moves)


# --- Comparison of the two views -------------------------------------------------------------------------------------


def _compare_views(judging: _Judging) -> None:
    sample = judging.sample
    by_key = {key: row for row in sample.dossiers if (key := _key_of(row)) is not None}
    untidy = _odd_case([*sample.dossiers, *sample.transitions])
    settled = sample.settled_before
    # Codes are tidied here, so that one code in two spellings does not count as two codes. The finding code_untidy
    # reports the two spellings.
    tidied_dossiers, tidied_steps = {_tidied(key) for key in by_key}, {_tidied(key) for key in judging.histories}
    lost = [
        rows[-1]
        for key, rows in judging.histories.items()
        if key in sample.whole
        and _tidied(key) not in tidied_dossiers
        and not untidy(rows[-1])
        and clean_code(key[1]) is not None
        and _or_latest(rows[0].recorded_at) < settled
    ]
    judging.add_rows("transitions_without_dossier", lost, len(judging.histories))
    whole = [(key, row) for key, row in by_key.items() if key in sample.whole]
    silent = [
        row
        for key, row in whole
        if _tidied(key) not in tidied_steps
        and judging.national(row) not in _NEVER_MOVED | {None}
        and _or_latest(row.updated_at) < settled
        and not untidy(row)
        and clean_code(key[1]) is not None
    ]
    if not sample.is_pushed:
        judging.add_rows("dossiers_without_transitions", silent, len(whole))
    if "numbers_go_back" in judging.found:
        # If the source's step numbers restarted from lower ones, it is not known which step is the last one.
        return
    differing, frozen, followed = [], [], 0
    for key, row in whole:
        history = judging.histories.get(key)
        if not history or row.updated_at is None or history[-1].recorded_at is None:
            continue
        last, status = history[-1], judging.national(row)
        if status is None or any(judging.national(each) is None for each in history[-2:]):
            continue
        written = _or_latest(last.recorded_at)
        if max(written, row.updated_at) >= settled:
            continue
        followed += 1
        if status != judging.national(last):
            if not (sample.is_pushed and row.updated_at > written):
                differing.append(row)
        elif _changed(judging, history) and row.updated_at < written - sample.late_commit - sample.context.clock_skew:
            frozen.append(row)
    judging.add_rows("row_against_transition", differing, followed)
    if "hours_shifted" not in judging.found:
        judging.add_rows("updated_frozen", frozen, followed)


def _tidied(key: Key) -> Key:
    agency, code = key
    return "".join(agency.split()).casefold(), "".join(code.split()).casefold()


def _changed(judging: _Judging, history: Sequence[SourceTransition]) -> bool:
    """Return whether the last transition brought a new status, which the dossier's row cannot have had before."""
    return len(history) > 1 and judging.national(history[-1]) != judging.national(history[-2])


def _or_latest(moment: datetime | None) -> datetime:
    return moment or LATEST


# --- Phones ----------------------------------------------------------------------------------------------------------

_TEXTABLE_BELOW: Final = 0.5
_OFTEN: Final = 0.25
_SHARED_BY: Final = 20


def _judge_phones(judging: _Judging, dossiers: Sequence[SourceDossier]) -> None:
    sample, found = judging.sample, judging.found
    if len(dossiers) < ENOUGH:
        return
    missing, unreadable = [], []
    owners: dict[str, set[Key | None]] = defaultdict(set)
    shown: dict[str, list[str | None]] = defaultdict(list)
    for row in dossiers:
        agency = sample.context.agencies.get((row.agency_code or "").strip(), "")
        typed = row.phone_entered_at or row.received_at
        day = typed.astimezone(VIETNAM).date() if typed is not None and _is_credible(typed) else None
        reading = read_phone((row.applicant_phone or "")[:200], day, sample.provinces.get(agency, ""))
        if reading.refusal == "missing":
            missing.append(row)
        elif reading.refusal is not None or reading.e164 is None:
            unreadable.append(row)
        else:
            owners[reading.e164].add(_key_of(row))
            shown[reading.e164].append(row.dossier_code)
    total = len(dossiers)
    if total - len(missing) - len(unreadable) < _TEXTABLE_BELOW * total:
        found.add(
            "phones_unusable",
            len(missing) + len(unreadable),
            total,
            [str(len(missing)), str(len(unreadable))],
            (row.dossier_code for row in [*missing, *unreadable]),
        )
    else:
        judging.add_rows("phones_missing", missing, total, share=_OFTEN)
        judging.add_rows("phones_unreadable", unreadable, total, share=_OFTEN)
    readable = total - len(missing) - len(unreadable)
    shared = {number for number, keys in owners.items() if len(keys) >= _SHARED_BY and len(keys) >= 0.05 * readable}
    if shared:
        most = max(len(owners[number]) for number in shared)
        examples = (code for number in shared for code in shown[number])
        found.add("phone_shared", most, readable, [str(len(shared))], examples)


# --- Due dates -------------------------------------------------------------------------------------------------------


def _judge_due_dates(judging: _Judging) -> None:
    dossiers = judging.sample.dossiers
    total = len(dossiers)
    due = [(row, row.due_at) for row in dossiers if row.due_at is not None and _is_credible(row.due_at)]
    before = [
        row
        for row, at in due
        if row.received_at is not None and _is_credible(row.received_at) and at < _earliest_due(row, at)
    ]
    judging.add_rows("due_before_received", before, len(due))
    if total < ENOUGH:
        return
    judging.add_rows("due_missing", [row for row in dossiers if not _is_credible(row.due_at)], total, share=0.2)
    if len(due) < ENOUGH:
        return
    (common, times), *_ = Counter(at for _, at in due).most_common(1)
    received = {row.received_at.astimezone(VIETNAM).date() for row, at in due if at == common and row.received_at}
    if times >= 0.5 * len(due) and len(received) >= _SOME:
        rows = [row for row, at in due if at == common]
        judging.add_rows("due_all_equal", rows, len(due))
    midnight = [row for row, at in due if at.astimezone(VIETNAM).time() == time(0)]
    if "due_all_equal" not in judging.found:
        judging.add_rows("due_at_midnight", midnight, len(due), share=0.8)


def _earliest_due(row: SourceDossier, due: datetime) -> datetime:
    """Return the earliest due time that is not before the dossier's receipt.

    If the dossier's due time is only a date, it stands for the whole day. A due date on the day of receipt is then not
    before the receipt.
    """
    received = row.received_at
    assert received is not None
    local = received.astimezone(VIETNAM)
    is_day = due.astimezone(VIETNAM).time() == time(0)
    return local.replace(hour=0, minute=0, second=0, microsecond=0) if is_day else received


# --- Words -----------------------------------------------------------------------------------------------------------


def _judge_texts(judging: _Judging, dossiers: Sequence[SourceDossier]) -> None:
    sample = judging.sample
    sure: list[Row] = []
    likely: list[Row] = []
    columns: Counter[str] = Counter()
    rows: list[Row] = [*dossiers, *sample.transitions]
    for row in rows:
        faults = {name: fault for name, text in _texts(row) if (fault := broken(text)) is not None}
        if faults:
            columns.update(faults.keys())
            (sure if "sure" in faults.values() else likely).append(row)
    if sure or len(likely) >= _SOME:
        judging.add_rows("text_broken", [*sure, *likely], len(rows), (name for name, _ in columns.most_common()))
    total = len(dossiers)
    if total >= ENOUGH:
        for kind, names in (
            ("applicant_missing", ("applicant_name",)),
            ("procedure_missing", ("procedure_code", "procedure_name")),
        ):
            bad = [row for row in dossiers if any(_blank(getattr(row, name)) for name in names)]
            judging.add_rows(kind, bad, total, least=_SOME, share=0.05)
    odd = [
        row for row in dossiers if not _blank(row.submitted_via) and str(row.submitted_via).strip() not in _SUBMITTED
    ]
    judging.add_rows("submitted_via_unknown", odd, total)


def _texts(row: Row) -> Iterator[tuple[str, str | None]]:
    if isinstance(row, SourceDossier):
        for name in ("applicant_name", "procedure_name", "field_name", "step_name"):
            yield f"dossiers.{name}", getattr(row, name)
    else:
        for name in ("from_step", "to_step", "note"):
            yield f"transitions.{name}", getattr(row, name)
