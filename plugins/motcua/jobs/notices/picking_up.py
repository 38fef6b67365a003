"""Reads one source into the ledger: the *pick-up*. Reading the same rows twice changes nothing, and rows that a source
commits late are not lost."""

from __future__ import annotations

import gc
import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import (
    CleanDossier,
    CleanTransition,
    Refused,
    RowContext,
    RowRefusal,
    SourceDossier,
    SourceTransition,
    clean_code,
    clean_dossier,
    clean_transition,
    kept_code,
    was_set_back,
)
from motcua.domain.numbering import KnownStep, Numbering, Numbers, began_anew, doubtful
from motcua.domain.phones.reading import PhoneReading, read_phone
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.notices.sending.heartbeat import Heart, beating
from motcua.settings import settings
from motcua.sources import adapter
from motcua.sources.contract import ContractSource, Key, Latest
from motcua.sources.reading_ahead import read_ahead
from motcua.store.agencies import agency_codes
from motcua.store.ledger.database import (
    Connection,
    connect,
    reason_without_values,
    without_values,
)
from motcua.store.ledger.rows import batches, columns_of
from motcua.store.notices.dossiers import (
    DossierIds,
    NamedDossier,
    Procedure,
    SavedDossier,
    dossiers_whose_row_tells_more,
    dossiers_whose_status_was_mapped,
    dossiers_without_history,
    dossiers_written_down,
    known_dossiers,
    new_procedures,
    save_dossiers,
    save_procedures,
    stamped_otherwise,
)
from motcua.store.notices.messages import make_due_judged
from motcua.store.notices.quarantine import (
    CleanedRow,
    RowKind,
    UnusableRow,
    curable_rows,
    is_any_in_quarantine,
    quarantine_rows,
    release_rows,
    save_findings,
)
from motcua.store.notices.sources import (
    SourceCursor,
    advance_source,
    begin_numbering,
    ensure_source,
    lock_source,
    note_failure,
    note_pick_up,
    numberings_of,
    status_map,
)
from motcua.store.notices.transitions import (
    DossierToJudge,
    judge_old_steps,
    known_steps,
    lowest_number,
    mark_old_steps,
    newest_steps,
    old_steps_to_judge,
    save_transitions,
    save_transitions_from_rows,
    transitions_written_down,
)

LOOK_BACK = timedelta(hours=26)
"""How far back rows with a wrong time of writing are searched for. A clock that is wrong by less than a day cannot
misdate a row further than this."""
_LARGEST_STATUS = 2**31 - 1
"""Largest status code of a source that ``motcua.quarantine`` can hold in its column. The payload holds any number."""
_NEWEST = 5
"""How many of the newest steps are compared to see whether a source still numbers its steps as before."""
_FEW_STAMPS, _REST_FOR_EACH, _LONGEST_REST = 500, timedelta(milliseconds=2), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Portions:
    """Sizes of the portions in which a source's rows are read."""

    batch: int = 1600
    """Rows that are prepared at a time. Three batches are in memory at once."""
    noted: int = 20_000
    """Dossiers that are passed to one SQL statement at a time."""


USUAL = Portions()

Row = TypeVar("Row")
Ready = TypeVar("Ready")
SourceRow = TypeVar("SourceRow", SourceDossier, SourceTransition)
CleanRow = TypeVar("CleanRow", CleanDossier, CleanTransition)


@dataclass(frozen=True, slots=True)
class JudgedDossiers:
    """Dossier rows: usable rows (``good``) with their cleaned forms, and refused rows with the reason of the refusal.
    ``written`` is the usable rows as JSON for the ledger."""

    good: Sequence[tuple[SourceDossier, CleanDossier]]
    written: str
    refused: Sequence[tuple[SourceDossier, RowRefusal]]


@dataclass(frozen=True, slots=True)
class JudgedTransitions:
    """Transition rows, each with its cleaned form or the reason of its refusal. ``written`` is the usable rows as JSON
    for the ledger."""

    rows: Sequence[SourceTransition]
    clean: Sequence[CleanTransition | RowRefusal]
    written: str


@dataclass(slots=True)
class PickUpCounts:
    """Counts of one pick-up of one source."""

    transitions: int = 0
    from_rows: int = 0
    dossiers: int = 0
    quarantined: int = 0
    released: int = 0
    quarantined_by_reason: dict[str, int] = field(default_factory=dict)


class SourceFailed(Exception):
    """A source could not be read. The text names the source and the reason, and contains no value of a row."""


def connection_id(source: str) -> str:
    """Return the name of a source's Airflow connection.

    Raises:
        UnknownAdapter: the source's adapter cannot be used.
    """
    return adapter(settings().sources[source]).connection_id(source)


def pick_up(
    source: str,
    window: Window = EVERYTHING,
    now: datetime | None = None,
    *,
    waits: bool = False,
    portions: Portions = USUAL,
) -> PickUpCounts:
    """Read a source's new rows, or the rows recorded in a backfill's window, into the ledger.

    Do nothing if another pick-up of this source is running, because the other pick-up reads all new rows. With
    ``waits``, or in a backfill, wait for the other pick-up and then read the source. The other pick-up may have begun
    before the source had the rows that the caller needs.

    Raises:
        SourceFailed: the source did not answer, or gave an answer that its adapter does not expect. The ledger stores
            the reason. Also raised if the pick-up lost its connection to the ledger.
    """
    moment = now or datetime.now(UTC)
    with beating() as heart:
        return _pick_up(source, window, moment, heart, waits=waits, portions=portions)


def _pick_up(
    source: str, window: Window, moment: datetime, heart: Heart, *, waits: bool, portions: Portions
) -> PickUpCounts:
    ledger_was_lost = False
    try:
        with connect() as ledger:
            try:
                return _read_into(ledger, source, window, moment, waits=waits, portions=portions)
            finally:
                ledger_was_lost = ledger.broken
    except Exception as error:
        reason = reason_without_values(error)
    if ledger_was_lost or not heart.may_send:
        # The ledger ended this session, or is about to end it. The source did not fail.
        raise SourceFailed(f"The pick-up of {source} lost its connection to the ledger: {reason}")
    # This runs outside the exception handler. Otherwise an error of the ledger here would have the first error, and so
    # values of rows, as its context.
    with without_values(), connect() as ledger:
        note_failure(ledger, source, reason, moment)
    raise SourceFailed(f"Source {source} could not be read: {reason}")


def _read_into(
    ledger: Connection, source: str, window: Window, moment: datetime, *, waits: bool, portions: Portions
) -> PickUpCounts:
    ensure_source(ledger, source)
    # Commit the new source at once: pick-ups that read ``sources`` must not wait for this transaction.
    ledger.commit()
    cursor = lock_source(ledger, source, wait=waits or window is not EVERYTHING)
    if cursor is None:
        return PickUpCounts()
    # Connect to the source only while holding its lock. While one pick-up waits for a hanging source, other pick-ups of
    # this source then end at once.
    with connect(connection_id(source)) as reading:
        read = adapter(settings().sources[source])(reading, source)
        return _PickUp(ledger, cursor, read, moment, portions).run(window)


@contextmanager
def _frozen_garbage_collector() -> Iterator[None]:
    """Keep Python's garbage collector from scanning the objects that already exist, such as all of Airflow's. Scanning
    them repeatedly would take about a fifth of the processor time of a long reading."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _typed_on(dossier: CleanDossier) -> date | None:
    typed = dossier.phone_entered_at or dossier.received_at
    return None if typed is None else typed.astimezone(VIETNAM).date()


class _Shown:
    """The dossiers whose rows the source has returned (*shown*) in this pick-up's transaction, its snapshot of the
    source. An instance needs only a few bits of memory for each dossier that is new in the ledger."""

    def __init__(self) -> None:
        self.brought = DossierIds()
        """Dossiers that the ledger did not have before this snapshot."""
        self._unsure = DossierIds()
        """Dossiers of ``brought`` that the source returned in several rows, or in a row without a time. The source may
        have another row of such a dossier."""
        self._read: set[Key] = set()
        """Dossiers whose rows were returned, by agency and code. Dossiers of ``brought`` may be missing."""
        self.written_as: dict[Key, Key] = {}
        """Each dossier's key as the source writes it. Queries for more rows of the dossier use this key. A dossier of
        ``brought`` may be left out if its key is written in the usual way (``_usual``)."""
        self._usual: dict[str, str] = {}
        """For each agency, how the source wrote the agency's code for the first dossier of ``brought``."""

    def note(self, rows: Sequence[tuple[SourceDossier, CleanDossier]], saved: Sequence[SavedDossier]) -> None:
        """Record dossier rows that the source returned together, and which of them were saved as new or changed."""
        written_as: dict[Key, Key] = {}
        unsure: set[Key] = set()
        for raw, dossier in rows:
            key = (dossier.agency_code, dossier.dossier_code)
            if key in written_as or dossier.updated_at is None:
                unsure.add(key)
            written_as[key] = _written(raw)
        for each in saved:
            key = (each.agency_code, each.dossier_code)
            if each.is_new:
                self.brought.update([each.dossier_id])
                written = written_as[key]
                usual = (self._usual.setdefault(each.agency_code, written[0]), each.dossier_code)
                if written == usual and key not in unsure:
                    del written_as[key]
            elif each.dossier_id in self.brought:
                unsure.add(key)
            if key in unsure:
                self._unsure.update([each.dossier_id])
        self.written_as |= written_as
        self._read.update(written_as)

    def is_sure(self, dossier_id: int) -> bool:
        """Return whether the source returned exactly one row of the dossier in this snapshot. Reading the dossier again
        would return the same row."""
        return dossier_id in self.brought and dossier_id not in self._unsure

    def was_read(self, dossier: DossierToJudge) -> bool:
        """Return whether the source returned the dossier's row."""
        return dossier.dossier_id in self.brought or (dossier.agency_code, dossier.dossier_code) in self._read

    def key_at_source(self, dossier: NamedDossier) -> Key | None:
        """Return the dossier's key as the source writes it, or ``None`` if the source has returned no row of the
        dossier."""
        written = self.written_as.get((dossier.agency_code, dossier.dossier_code))
        if written is None and dossier.dossier_id in self.brought:
            return self._usual[dossier.agency_code], dossier.dossier_code
        return written


class _PickUp:
    """One pick-up: one transaction on the ledger, one snapshot of the source."""

    def __init__(
        self, ledger: Connection, cursor: SourceCursor, source: ContractSource, now: datetime, portions: Portions
    ) -> None:
        self.ledger, self.cursor, self.source, self.now, self.portions = ledger, cursor, source, now, portions
        codes = agency_codes(ledger)
        self.provinces = {code.agency_code: code.province for code in codes}
        self.numbers = Numbers(numberings_of(ledger, cursor.source_id))
        self.unread: tuple[datetime, datetime] | tuple[None, None] = (None, None)
        """Bounds of the times of writing that were read before. A changed row with a time between these bounds was
        written later than the row states."""
        self.set_back_by: timedelta | None = None
        """By how much the source's clock was set back, as far as this pick-up has noticed."""
        self.context = RowContext(
            agencies={code.written: code.agency_code for code in codes},
            statuses=status_map(ledger, self.cursor.source_id, now),
            now=now,
            clock_skew=settings().clock_skew,
        )
        self.counts = PickUpCounts()
        self.touched = DossierIds()
        self.moved: list[int] = []
        """The dossier of each new transition that ``note_pick_up`` has not counted for the run yet."""
        self.changed: list[int] = []
        """The dossier of each new or changed row that ``note_pick_up`` has not counted for the run yet."""
        self.shown = _Shown()
        self.procedures: set[Procedure] = set()
        self.may_be_in_quarantine: bool | None = None
        """Whether the source may have rows in the quarantine; ``None`` before the first query."""

    def run(self, window: Window) -> PickUpCounts:
        self.source.limit_time(settings().source_patience.total_seconds())
        first = self.cursor.cursor_recorded_at is None
        latest = self.source.latest()
        recorded_since = self._since(self.cursor.cursor_recorded_at, latest)
        updated_since = self._since(self.cursor.cursor_updated_at, latest)
        self._judge_clock(latest, recorded_since, updated_since)
        after = self.cursor.cursor_transition_id
        after = (latest.transition_id or 0) if after is None else self.numbers.at_source(after)
        # Count before reading the rows, since a source without a snapshot may get new rows during the reading. In this
        # order, the new rows are read, and the watcher reports them once more. In the reverse order, the new rows would
        # count as read although they were not read.
        watch = self._count(latest)
        dossiers = self.source.dossiers_since(updated_since, open_too=first)
        self._take_all(dossiers, self._judge_dossiers, self._judge_dossiers, self._take_dossiers)
        look_back_at = None if first else self._look_back(updated_since)
        streams = [self.source.transitions_since(recorded_since, after)]
        if window.start is not None and window.end is not None:
            streams.append(self.source.transitions_between(window.start, window.end))
        for transitions in streams:
            self._take_all(transitions, _without_judging, self._judge_transitions, self._take_transitions)
        self._retry_quarantined()
        self._read_missing_histories()
        self._judge_old_steps()
        self._save_transitions_from_rows()
        self._note_for_run(0)
        number, recorded, updated = self._next_cursor(latest)
        advance_source(
            self.ledger,
            self.cursor.source_id,
            transition_id=number,
            recorded_at=recorded,
            updated_at=updated,
            watch=watch,
            look_back_at=look_back_at,
            set_back_by=self.set_back_by,
            now=self.now,
        )
        return self.counts

    def _since(self, cursor: datetime | None, latest: Latest) -> datetime:
        """Return the time from which rows are read.

        This time is an overlap before the cursor, the last time that was read. If the source's clock was set back
        behind the cursor, it is an overlap before the source's present time. A first reading goes back further.
        """
        reached = latest.source_now - settings().first_look_back if cursor is None else min(cursor, latest.source_now)
        return reached - settings().overlap

    def _judge_clock(self, latest: Latest, recorded_since: datetime, updated_since: datetime) -> None:
        """Determine which times a new row cannot have, because rows of those times were read before.

        While the source's clock is behind its own newest rows, these times end at the cursor, the last time that was
        read. Otherwise these times end an overlap before the cursor.
        """
        recorded, updated = self.cursor.cursor_recorded_at, self.cursor.cursor_updated_at
        if recorded is None or updated is None or self.source.is_pushed:
            return
        behind = max(recorded, updated) - latest.source_now
        if behind > self.context.clock_skew:
            self._note_set_back(behind)
        less = timedelta(0) if behind > timedelta(0) else settings().overlap
        self.unread = (updated_since - LOOK_BACK, updated - less)
        self.context = replace(
            self.context,
            looked_from=recorded_since - LOOK_BACK,
            read_until=recorded - less,
            read_number=self.cursor.cursor_transition_id,
        )

    def _note_set_back(self, by: timedelta) -> None:
        self.set_back_by = max(by, self.set_back_by or by)

    def _look_back(self, updated_since: datetime) -> datetime | None:
        """Read rows that were written since the last call but state an earlier time. Return when to call this method
        again.

        Read only the times of writing of about the last day, and the whole row if its time of writing differs from the
        time in the ledger. This reading is needed because, once a wrong clock is right again, neither the clock nor the
        number of rows shows that the clock was wrong. The more rows were compared, the later the next call is, so that
        all calls together take about a hundredth of the time.
        """
        due = self.cursor.look_back_at
        if self.source.is_pushed or (due is not None and self.now < due):
            return None
        looked_at = 0
        stamped = self.source.stamps_between(updated_since - LOOK_BACK, updated_since)
        for stamps in batches(stamped, self.portions.batch):
            looked_at += len(stamps)
            known = [
                (stamp, agency, code)
                for stamp in stamps
                if (agency := self.context.agencies.get(unicodedata.normalize("NFC", stamp.agency_code or "").strip()))
                and (code := clean_code(stamp.dossier_code or ""))
            ]
            rows = [(agency, code, stamp.updated_at) for stamp, agency, code in known]
            places = stamped_otherwise(self.ledger, self.cursor.source_id, rows)
            keys = [(known[place][0].agency_code or "", known[place][0].dossier_code or "") for place in places]
            for part in batches(keys, self.portions.batch):
                self._take_dossiers(self._judge_dossiers(self.source.dossiers_by_key(part)))
        rest = looked_at * _REST_FOR_EACH if looked_at > _FEW_STAMPS else timedelta(0)
        return self.now + min(rest, _LONGEST_REST)

    def _next_cursor(self, latest: Latest) -> tuple[int, datetime, datetime]:
        """Return the transition number, the recorded time and the updated time for the source's new cursor."""
        cursor = self.cursor
        # An empty source leaves the cursor where it is, except that a first reading sets it to the source's present
        # time. If the source's clock was far ahead and is right again, the cursor is a future time: LOOK_BACK later it
        # is set back to the source's present time.
        since, last_met = cursor.set_back_from, cursor.set_back_at
        is_over = since is not None and last_met is not None and self.now - since > LOOK_BACK > self.now - last_met
        known = (cursor.cursor_recorded_at, cursor.cursor_updated_at)
        before = [min(at, latest.source_now) if at is not None and is_over else at for at in known]
        recorded = max(filter(None, (before[0], latest.recorded_at)), default=latest.source_now)
        updated = max(filter(None, (before[1], latest.updated_at)), default=latest.source_now)
        last = None if latest.transition_id is None else latest.transition_id + self.numbers.added
        number = max(filter(None, (cursor.cursor_transition_id, last)), default=0)
        return number, recorded, updated

    def _count(self, latest: Latest) -> dict[str, Any]:
        """Return the values that the watcher compares the source with from now on."""
        number, recorded, updated = self._next_cursor(latest)
        recorded_since, updated_since = self._since(recorded, latest), self._since(updated, latest)
        after = self.numbers.at_source(number)
        return {
            "recorded_since": recorded_since.isoformat(),
            "updated_since": updated_since.isoformat(),
            "after": after,
            "rows": self.source.watch(recorded_since, updated_since, after),
        }

    def _take_all(
        self,
        rows: Iterator[Row],
        at_once: Callable[[Sequence[Row]], Ready],
        ahead: Callable[[Sequence[Row]], Ready],
        take: Callable[[Ready], None],
    ) -> None:
        """Prepare the rows of a source and give them to ``take``, batch by batch. Rows that fill less than one batch
        are prepared with ``at_once``. Otherwise the next batches are read and prepared with ``ahead`` while the ledger
        writes."""
        in_batches = batches(rows, self.portions.batch)
        first = next(in_batches, [])
        if len(first) < self.portions.batch:
            if first:
                take(at_once(first))
            return
        with (
            _frozen_garbage_collector(),
            closing(read_ahead(ahead(batch) for batch in chain([first], in_batches))) as readied,
        ):
            for ready in readied:
                take(ready)

    def _judge_dossiers(self, rows: Sequence[SourceDossier]) -> JudgedDossiers:
        good: list[tuple[SourceDossier, CleanDossier]] = []
        read: list[tuple[CleanDossier, PhoneReading]] = []
        refused: list[tuple[SourceDossier, RowRefusal]] = []
        for row in rows:
            clean = self._judge(row, clean_dossier)
            if isinstance(clean, str):
                refused.append((row, clean))
            else:
                province = self.provinces.get(clean.agency_code, "")
                good.append((row, clean))
                read.append((clean, read_phone(clean.applicant_phone, _typed_on(clean), province)))
        return JudgedDossiers(good, dossiers_written_down(read), refused)

    def _judge_transitions(self, rows: Sequence[SourceTransition]) -> JudgedTransitions:
        clean = [self._judge(row, clean_transition) for row in rows]
        return JudgedTransitions(rows, clean, transitions_written_down(clean))

    def _judge(self, row: SourceRow, clean: Callable[[SourceRow, RowContext], CleanRow]) -> CleanRow | RowRefusal:
        try:
            return clean(row, self.context)
        except Refused as refusal:
            return refusal.reason

    def _quarantine(
        self, kind: RowKind, refused: Sequence[tuple[SourceRow, RowRefusal]], key: Callable[[SourceRow], str]
    ) -> None:
        rows = []
        for row, reason in refused:
            payload = columns_of(row) if kind == "transition" else {}
            status = row.status_code
            if status is not None and abs(status) > _LARGEST_STATUS:
                status = None
            rows.append(
                UnusableRow(
                    row_kind=kind,
                    row_key=key(row),
                    reason=reason,
                    agency_code=None if row.agency_code is None else kept_code(row.agency_code),
                    dossier_code=None if row.dossier_code is None else kept_code(row.dossier_code),
                    status_code=status,
                    payload=payload | {"agency_code": _cut(row.agency_code), "dossier_code": _cut(row.dossier_code)},
                )
            )
            by_reason = self.counts.quarantined_by_reason
            by_reason[reason] = by_reason.get(reason, 0) + 1
        self.counts.quarantined += quarantine_rows(self.ledger, self.cursor.source_id, rows, self.now)
        if rows:
            self.may_be_in_quarantine = True

    def _release(self, kind: RowKind, rows: Sequence[Row], key: Callable[[Row], str]) -> None:
        if not rows:
            return
        if self.may_be_in_quarantine is None:
            # One query is enough: only this pick-up adds rows of this source to the quarantine, because it holds the
            # source's lock.
            self.may_be_in_quarantine = is_any_in_quarantine(self.ledger, self.cursor.source_id)
        if self.may_be_in_quarantine:
            keys = [key(row) for row in rows]
            self.counts.released += release_rows(self.ledger, self.cursor.source_id, kind, keys, self.now)

    def _note_for_run(self, from_how_many: int) -> None:
        if len(self.moved) + len(self.changed) >= from_how_many:
            note_pick_up(self.ledger, self.cursor.source_id, self.moved, self.changed)
            self.moved, self.changed = [], []

    def _take_dossiers(self, judged: JudgedDossiers) -> None:
        self._quarantine("dossier", judged.refused, _dossier_key)
        names = {
            (each.procedure_code, each.procedure_name, each.field_name) for _, each in judged.good
        } - self.procedures
        if names:
            if new := new_procedures(self.ledger, names):
                # New procedures get a transaction of their own: sources share procedures, and a hanging source must not
                # block other sources.
                with connect() as aside:
                    save_procedures(aside, new)
            self.procedures |= names
        source_id, is_first = self.cursor.source_id, self.cursor.cursor_recorded_at is None
        saved = (
            save_dossiers(self.ledger, source_id, judged.written, self.now, self.unread, is_first=is_first)
            if judged.good
            else []
        )
        self.counts.dossiers += len(saved)
        self.changed += (each.dossier_id for each in saved)
        self.touched.update(each.dossier_id for each in saved)
        for each in saved:
            if each.stamped_at is not None and self.unread[1] is not None and each.stamped_at < self.unread[1]:
                self._note_set_back((self.cursor.cursor_updated_at or self.now) - each.stamped_at)
        self.shown.note(judged.good, saved)
        self._save_findings((dossier, None) for _, dossier in judged.good)
        self._release("dossier", [raw for raw, _ in judged.good], _dossier_key)
        self._note_for_run(self.portions.noted)

    def _take_transitions(self, batch: JudgedTransitions | Sequence[SourceTransition]) -> None:
        rows, known = self._with_known_numbers(batch.rows if isinstance(batch, JudgedTransitions) else batch)
        if isinstance(batch, JudgedTransitions) and self.numbers.numberings:
            batch = rows
        if not isinstance(batch, JudgedTransitions):
            # Most rows that are read again are in the ledger already and need no check.
            rows = [row for row in rows if row.transition_id not in known]
            batch = self._judge_transitions(rows)
        good: list[tuple[int, SourceTransition, CleanTransition]] = []
        refused: list[tuple[SourceTransition, RowRefusal]] = []
        for place, (row, clean) in enumerate(zip(rows, batch.clean, strict=True)):
            if row.transition_id in known:
                continue
            if isinstance(clean, str):
                refused.append((row, clean))
            else:
                good.append((place, row, clean))
        self._quarantine("transition", refused, _transition_key)
        dossiers = self._dossiers_of([(row, clean) for _, row, clean in good])
        places: list[int | None] = [None] * len(rows)
        found: list[tuple[int, CleanTransition]] = []
        missing: list[tuple[SourceTransition, RowRefusal]] = []
        for place, row, clean in good:
            dossier_id = dossiers.get((clean.agency_code, clean.dossier_code))
            if dossier_id is None:
                missing.append((row, "dossier_missing"))
            elif clean.source_transition_id not in known:
                # A source may return a row twice. Only the first one is saved.
                known.add(clean.source_transition_id)
                places[place] = dossier_id
                found.append((dossier_id, clean))
        self._quarantine("transition", missing, _transition_key)
        if found:
            save_transitions(self.ledger, self.cursor.source_id, batch.written, places, self.now)
        self.counts.transitions += len(found)
        self.moved += (dossier_id for dossier_id, _ in found)
        self.touched.update(dossier_id for dossier_id, _ in found)
        for _, row, clean in good:
            if row.recorded_at is not None and was_set_back(clean.source_transition_id, row.recorded_at, self.context):
                self._note_set_back((self.cursor.cursor_recorded_at or self.now) - row.recorded_at)
        self._save_findings((transition, transition.source_transition_id) for _, transition in found)
        self._release("transition", found, lambda each: str(each[1].source_transition_id))
        self._note_for_run(self.portions.noted)

    def _with_known_numbers(self, rows: Sequence[SourceTransition]) -> tuple[Sequence[SourceTransition], set[int]]:
        """Return the rows with the ledger's numbers, and the numbers that the ledger has already. If the rows show that
        the source began its numbering anew, store the new numbering first."""
        source_id, ours = self.cursor.source_id, self._with_our_numbers(rows)
        numbers = [row.transition_id for row in ours if row.transition_id is not None]
        candidates = numbers if not self.numbers.numberings else list(chain(*map(self.numbers.all_of, numbers)))
        known = known_steps(self.ledger, source_id, candidates)
        highest, recorded_at = self.cursor.cursor_transition_id, self.cursor.cursor_recorded_at
        if highest is not None and recorded_at is not None and not self.source.is_pushed:
            doubts = doubtful(ours, known, highest, recorded_at)
            begun = self._numbering_began_at(doubts, known, recorded_at) if doubts else None
            if begun is not None:
                numbering = Numbering(begun, self.numbers.next_added(highest))
                begin_numbering(self.ledger, source_id, numbering, self.now)
                self.numbers = Numbers([*self.numbers.numberings, numbering])
                ours = self._with_our_numbers(rows)
        if not self.numbers.numberings:
            return ours, set(known)
        # A row that the source has renumbered may be known under its earlier number, with the same recorded time.
        as_they_were = {(self.numbers.at_source(step.number), step.recorded_at) for step in known.values()}
        return ours, {
            number
            for row in ours
            if (number := row.transition_id) is not None
            and (number in known or (self.numbers.at_source(number), row.recorded_at) in as_they_were)
        }

    def _with_our_numbers(self, rows: Sequence[SourceTransition]) -> Sequence[SourceTransition]:
        if not self.numbers.numberings:
            return rows
        return [
            row
            if row.transition_id is None
            else replace(row, transition_id=self.numbers.ours(row.transition_id, row.recorded_at))
            for row in rows
        ]

    def _numbering_began_at(
        self, doubts: Sequence[SourceTransition], known: Mapping[int, KnownStep], recorded_at: datetime
    ) -> datetime | None:
        newest = newest_steps(self.ledger, self.cursor.source_id, _NEWEST)
        asked = {row.transition_id for row in doubts if row.transition_id is not None}
        asked |= {step.number for step in newest}
        present = self.source.transitions_by_number(list({self.numbers.at_source(number) for number in asked}))
        lowest = lowest_number(self.ledger, self.cursor.source_id, self.numbers.added) or 0
        return began_anew(doubts, known, newest, self._with_our_numbers(present), recorded_at, lowest)

    def _dossiers_of(self, good: Sequence[tuple[SourceTransition, CleanTransition]]) -> dict[tuple[str, str], int]:
        """Read the rows of the transitions' dossiers, and return the ids of these dossiers.

        If the source already returned exactly one row of a dossier in this snapshot, the row is not read again, because
        it would be the same.
        """
        keys = list(dict.fromkeys((clean.agency_code, clean.dossier_code) for _, clean in good))
        found: dict[Key, int] = {}
        if self.shown.brought:
            known = known_dossiers(self.ledger, keys)
            found = {key: dossier_id for key, dossier_id in known.items() if self.shown.is_sure(dossier_id)}
        unread = [key for key in keys if key not in found]
        if unread:
            written_as = {(clean.agency_code, clean.dossier_code): _written(raw) for raw, clean in reversed(good)}
            asked_as = [self.shown.written_as.setdefault(key, written_as[key]) for key in unread]
            self._take_dossiers(self._judge_dossiers(self.source.dossiers_by_key(asked_as)))
            found |= known_dossiers(self.ledger, unread)
        return found

    def _save_findings(self, cleaned: Iterable[tuple[CleanDossier | CleanTransition, int | None]]) -> None:
        save_findings(
            self.ledger,
            self.cursor.source_id,
            [
                CleanedRow(row.agency_code, row.dossier_code, number, ", ".join(row.noted))
                for row, number in cleaned
                if row.noted
            ],
            self.now,
        )

    def _retry_quarantined(self) -> None:
        """Read quarantined rows again if the reason for their quarantine may be gone."""
        rows = curable_rows(
            self.ledger,
            self.cursor.source_id,
            list(self.context.agencies),
            [*self.context.statuses, *range(1, 11)],
            self.now,
        )
        keys = [_key_of(row.payload) for row in rows]
        dossier_keys = [
            key
            for row, key in zip(rows, keys, strict=True)
            if key is not None and (row.row_kind == "dossier" or row.reason in ("dossier_missing", "status_unknown"))
        ]
        # A dossier row with an unknown status is saved without a status and not put into quarantine, so these dossiers
        # are queried separately.
        dossier_keys += dossiers_whose_status_was_mapped(self.ledger, self.cursor.source_id)
        for batch in batches(dict.fromkeys(dossier_keys), self.portions.batch):
            self._take_dossiers(self._judge_dossiers(self.source.dossiers_by_key(batch)))
        kept = {row.row_key: row.payload for row in rows if row.row_kind == "transition"}
        for row_keys in batches(kept, self.portions.batch):
            # Use the source's present row, since the desk may have corrected it; use the quarantined copy if the source
            # has deleted it.
            numbers = [int(row_key) for row_key in row_keys if row_key.removeprefix("-").isdigit()]
            asked = [self.numbers.at_source(number) for number in numbers]
            present = {
                str(row.transition_id): row for row in self._with_our_numbers(self.source.transitions_by_number(asked))
            }
            found = [present.get(row_key) or _transition_of(kept[row_key]) for row_key in row_keys]
            self._take_transitions(found)

    def _read_missing_histories(self) -> None:
        """Read all transitions of the dossiers whose history in the ledger may be incomplete.

        The history may be incomplete if the dossier's first transition is new and calls for a message. It may also be
        incomplete if the dossier's row is newer than its transitions and calls for another message. Without the earlier
        transitions, an old event of the dossier would look new.
        """
        for touched in self.touched.parts(self.portions.noted):
            lacking = dossiers_without_history(self.ledger, touched, self.now)
            lacking += dossiers_whose_row_tells_more(self.ledger, touched)
            written = [self.shown.key_at_source(dossier) for dossier in lacking]
            for keys in batches(dict.fromkeys(key for key in written if key is not None), self.portions.batch):
                self._take_transitions(self.source.transitions_by_key(keys))

    def _judge_old_steps(self) -> None:
        """Mark old steps, which were typed in late. An old step that was recorded long enough ago is compared with the
        dossier's row, which is read once more."""
        for touched in self.touched.parts(self.portions.noted):
            mark_old_steps(self.ledger, touched, self.context.clock_skew, self.now)
        waiting = old_steps_to_judge(self.ledger, self.cursor.source_id, self.now)
        if not waiting:
            return
        unread = [(each.written, each.dossier_code) for each in waiting if not self.shown.was_read(each)]
        for keys in batches(dict.fromkeys(unread), self.portions.batch):
            self._take_dossiers(self._judge_dossiers(self.source.dossiers_by_key(keys)))
        read = {each.dossier_id for each in waiting if self.shown.was_read(each)}
        judged = judge_old_steps(self.ledger, self.cursor.source_id, list(read), self.now)
        self.touched.update(judged)
        make_due_judged(self.ledger, judged, self.now)

    def _save_transitions_from_rows(self) -> None:
        """Save a transition from each dossier row that is newer than the dossier's last transition and calls for
        another message."""
        for touched in self.touched.parts(self.portions.noted):
            telling = dossiers_whose_row_tells_more(self.ledger, touched)
            ids = [dossier.dossier_id for dossier in telling]
            moved = save_transitions_from_rows(self.ledger, ids, self.now)
            self.counts.from_rows += len(moved)
            self.moved += moved
            self._note_for_run(self.portions.noted)


def _without_judging(rows: Sequence[SourceTransition]) -> JudgedTransitions | Sequence[SourceTransition]:
    return rows


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:2000]


def _written(row: SourceDossier | SourceTransition) -> Key:
    return row.agency_code or "", row.dossier_code or ""


def _dossier_key(row: SourceDossier) -> str:
    return hashlib.sha256("\x1f".join(_written(row)).encode("utf-8", "surrogatepass")).hexdigest()


def _transition_key(row: SourceTransition) -> str:
    if row.transition_id is not None:
        return str(row.transition_id)
    return "no number: " + hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).hexdigest()


def _key_of(payload: Mapping[str, Any]) -> Key | None:
    agency_code, dossier_code = payload.get("agency_code"), payload.get("dossier_code")
    return None if agency_code is None or dossier_code is None else (agency_code, dossier_code)


def _transition_of(payload: Mapping[str, Any]) -> SourceTransition:
    moments = {
        name: None if payload.get(name) is None else datetime.fromisoformat(payload[name])
        for name in ("occurred_at", "recorded_at")
    }
    # The purge empties the invalid dossier codes of old quarantined rows, so the code may be missing.
    return SourceTransition(**{"dossier_code": None, **payload, **moments})
