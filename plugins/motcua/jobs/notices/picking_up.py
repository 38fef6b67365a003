"""Pick-up: reads one source into the ledger. Reading again is harmless, and nothing is lost to late commits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
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
    clean_dossier,
    clean_transition,
    kept_code,
)
from motcua.domain.phones.reading import read_phone
from motcua.domain.run_window import EVERYTHING, Window
from motcua.settings import settings
from motcua.sources import adapter
from motcua.sources.contract import ContractSource, Key, Latest
from motcua.store.agencies import agency_codes
from motcua.store.ledger.database import (
    Connection,
    connect,
    open_connection,
    reason_without_values,
    without_values,
)
from motcua.store.ledger.rows import columns_of
from motcua.store.notices.dossiers import (
    Procedure,
    dossiers_whose_row_tells_more,
    dossiers_whose_status_was_mapped,
    dossiers_without_history,
    known_dossiers,
    save_dossiers,
    save_procedures,
)
from motcua.store.notices.messages import make_due_judged
from motcua.store.notices.old_steps import DossierToJudge, judge_old_steps, mark_old_steps, old_steps_to_judge
from motcua.store.notices.quarantine import RowKind, UnusableRow, curable_rows, quarantine_rows, release_rows
from motcua.store.notices.sources import (
    SourceCursor,
    advance_source,
    ensure_source,
    lock_source,
    note_failure,
    note_pick_up,
    status_map,
)
from motcua.store.notices.transitions import known_numbers, save_transitions, save_transitions_from_rows
from motcua.store.oversight.cleaned_fields import CleanedRow, save_findings

_BATCH = 2000

Row = TypeVar("Row")
SourceRow = TypeVar("SourceRow", SourceDossier, SourceTransition)
CleanRow = TypeVar("CleanRow", CleanDossier, CleanTransition)


@dataclass(slots=True)
class PickUpCounts:
    """What one pick-up of one source did."""

    transitions: int = 0
    from_rows: int = 0
    dossiers: int = 0
    quarantined: int = 0
    released: int = 0
    quarantined_by_reason: dict[str, int] = field(default_factory=dict)


class SourceFailed(Exception):
    """A source could not be read; the message names it and the reason, without values."""


def connection_id(source: str) -> str:
    """Airflow connection of a source.

    Raises:
        UnknownAdapter: its adapter cannot be used.
    """
    return adapter(settings().sources[source]).connection_id(source)


def pick_up(
    source: str, window: Window = EVERYTHING, now: datetime | None = None, *, waits: bool = False
) -> PickUpCounts:
    """Reads what is new at a source, or what was recorded in a backfill's window, into the ledger.

    Where another pick-up of this source is at work, nothing is done: that one reads it all. A backfill waits for it,
    and so does who ``waits``, since that one may have begun before what must be known now.

    Raises:
        SourceFailed: the source did not answer, or not as its adapter expects; the ledger keeps why.
    """
    moment = now or datetime.now(UTC)
    try:
        with connect() as ledger:
            ensure_source(ledger, source)
            # By itself: others who read a new source must not wait for this one.
            ledger.commit()
            cursor = lock_source(ledger, source, wait=waits or window is not EVERYTHING)
            if cursor is None:
                return PickUpCounts()
            # Only now: where one waits for a source that hangs, nobody else has to.
            with open_connection(connection_id(source)) as reading:
                return _PickUp(ledger, cursor, adapter(settings().sources[source])(reading, source), moment).run(window)
    except Exception as error:
        reason = reason_without_values(error)
    # Outside the handler: were the ledger away too, its error would show the first one, with its rows, as its context.
    with without_values(), connect() as ledger:
        note_failure(ledger, source, reason, moment)
    raise SourceFailed(f"Source {source} could not be read: {reason}")


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _typed_on(dossier: CleanDossier) -> date | None:
    typed = dossier.phone_entered_at or dossier.received_at
    return None if typed is None else typed.astimezone(VIETNAM).date()


class _PickUp:
    """One transaction on the ledger, one snapshot of the source."""

    def __init__(self, ledger: Connection, cursor: SourceCursor, source: ContractSource, now: datetime) -> None:
        self.ledger, self.cursor, self.source, self.now = ledger, cursor, source, now
        codes = agency_codes(ledger)
        self.provinces = {code.agency_code: code.province for code in codes}
        self.context = RowContext(
            agencies={code.written: code.agency_code for code in codes},
            statuses=status_map(ledger, self.cursor.source_id),
            now=now,
            clock_skew=settings().clock_skew,
        )
        self.counts = PickUpCounts()
        self.touched: set[int] = set()
        self.moved: list[int] = []
        """The dossier of each new transition."""
        self.changed: list[int] = []
        """The dossier of each row that was new or had changed."""
        self.read: set[tuple[str, str]] = set()
        """Dossiers, by agency and code, whose rows this snapshot of the source has shown."""
        self.procedures: set[Procedure] = set()
        self.written_as: dict[tuple[str, str], Key] = {}
        """How the source writes the key of a dossier, to ask it for more of the same dossier."""

    def run(self, window: Window) -> PickUpCounts:
        self.source.limit_time(settings().source_patience.total_seconds())
        first = self.cursor.cursor_recorded_at is None
        latest = self.source.latest()
        overlap = settings().overlap
        recorded_since = (self.cursor.cursor_recorded_at or latest.source_now - settings().first_look_back) - overlap
        updated_since = (self.cursor.cursor_updated_at or latest.source_now - settings().first_look_back) - overlap
        after = self.cursor.cursor_transition_id
        if after is None:
            after = latest.transition_id or 0
        # Before the rows: of a source without a snapshot what comes meanwhile is read, and counted as news once more;
        # counted after them, it would be taken for read.
        watch = self._count(latest)
        for dossiers in _batches(self.source.dossiers_since(updated_since, open_too=first)):
            self._take_dossiers(dossiers)
        for transitions in _batches(self.source.transitions_since(recorded_since, after)):
            self._take_transitions(transitions)
        if window.start is not None and window.end is not None:
            for transitions in _batches(self.source.transitions_between(window.start, window.end)):
                self._take_transitions(transitions)
        self._cure()
        self._ask_for_the_past()
        self._judge_old_steps()
        self._listen_to_rows()
        note_pick_up(self.ledger, self.cursor.source_id, self.moved, self.changed)
        number, recorded, updated = self._reached(latest)
        advance_source(
            self.ledger,
            self.cursor.source_id,
            transition_id=number,
            recorded_at=recorded,
            updated_at=updated,
            watch=watch,
            now=self.now,
        )
        return self.counts

    def _reached(self, latest: Latest) -> tuple[int, datetime, datetime]:
        """Number, recorded and updated time that the cursor comes to."""
        cursor = self.cursor
        # A source that is empty or silent keeps its cursor; a first reading that found nothing begins now.
        recorded = max(filter(None, (cursor.cursor_recorded_at, latest.recorded_at)), default=latest.source_now)
        updated = max(filter(None, (cursor.cursor_updated_at, latest.updated_at)), default=latest.source_now)
        number = max(filter(None, (cursor.cursor_transition_id, latest.transition_id)), default=0)
        return number, recorded, updated

    def _count(self, latest: Latest) -> dict[str, Any]:
        """What the watcher holds the source against from now on."""
        number, recorded, updated = self._reached(latest)
        recorded_since, updated_since = recorded - settings().overlap, updated - settings().overlap
        return {
            "recorded_since": recorded_since.isoformat(),
            "updated_since": updated_since.isoformat(),
            "after": number,
            "rows": self.source.watch(recorded_since, updated_since, number),
        }

    def _clean(
        self,
        kind: RowKind,
        rows: Iterable[SourceRow],
        clean: Callable[[SourceRow, RowContext], CleanRow],
        key: Callable[[SourceRow], str],
    ) -> list[tuple[SourceRow, CleanRow]]:
        """Rows that may be used, each with its cleaned form; the others go to quarantine."""
        good: list[tuple[SourceRow, CleanRow]] = []
        refused: list[tuple[SourceRow, RowRefusal]] = []
        for row in rows:
            try:
                good.append((row, clean(row, self.context)))
            except Refused as refusal:
                refused.append((row, refusal.reason))
        self._quarantine(kind, refused, key)
        return good

    def _quarantine(
        self, kind: RowKind, refused: Sequence[tuple[SourceRow, RowRefusal]], key: Callable[[SourceRow], str]
    ) -> None:
        rows = []
        for row, reason in refused:
            payload = columns_of(row) if kind == "transition" else {}
            rows.append(
                UnusableRow(
                    row_kind=kind,
                    row_key=key(row),
                    reason=reason,
                    agency_code=None if row.agency_code is None else kept_code(row.agency_code),
                    dossier_code=None if row.dossier_code is None else kept_code(row.dossier_code),
                    status_code=row.status_code,
                    payload=payload | {"agency_code": _cut(row.agency_code), "dossier_code": _cut(row.dossier_code)},
                )
            )
            by_reason = self.counts.quarantined_by_reason
            by_reason[reason] = by_reason.get(reason, 0) + 1
        self.counts.quarantined += quarantine_rows(self.ledger, self.cursor.source_id, rows, self.now)

    def _take_dossiers(self, rows: Sequence[SourceDossier]) -> None:
        good = self._clean("dossier", rows, clean_dossier, _dossier_key)
        read = []
        for raw, dossier in good:
            self.written_as[dossier.agency_code, dossier.dossier_code] = _written(raw)
            self.read.add((dossier.agency_code, dossier.dossier_code))
            reading = read_phone(
                dossier.applicant_phone, _typed_on(dossier), self.provinces.get(dossier.agency_code, "")
            )
            read.append((dossier, reading))
        met = {(each.procedure_code, each.procedure_name, each.field_name) for _, each in good} - self.procedures
        if met:
            # In a transaction of its own: sources share procedures, and one that hangs must not hold up the others.
            with connect() as aside:
                save_procedures(aside, met)
            self.procedures |= met
        saved = save_dossiers(self.ledger, self.cursor.source_id, read, self.now)
        self.counts.dossiers += len(saved)
        self.changed += saved
        self.touched.update(saved)
        self._find((dossier, None) for _, dossier in good)
        self.counts.released += release_rows(
            self.ledger, self.cursor.source_id, "dossier", [_dossier_key(raw) for raw, _ in good], self.now
        )

    def _take_transitions(self, rows: Sequence[SourceTransition]) -> None:
        numbers = [row.transition_id for row in rows if row.transition_id is not None]
        known = known_numbers(self.ledger, self.cursor.source_id, numbers)
        good = self._clean(
            "transition",
            (row for row in rows if row.transition_id not in known),
            clean_transition,
            _transition_key,
        )
        dossiers = self._dossiers_of(good)
        found = []
        missing: list[tuple[SourceTransition, RowRefusal]] = []
        for raw, transition in good:
            dossier_id = dossiers.get((transition.agency_code, transition.dossier_code))
            if dossier_id is None:
                missing.append((raw, "dossier_missing"))
                continue
            found.append((dossier_id, transition))
        self._quarantine("transition", missing, _transition_key)
        saved = save_transitions(self.ledger, self.cursor.source_id, found, self.now)
        self.counts.transitions += len(saved)
        self.moved += (each.dossier_id for each in saved)
        self.touched.update(each.dossier_id for each in saved)
        numbers_saved = {each.source_transition_id for each in saved}
        self._find(
            (clean, clean.source_transition_id) for _, clean in good if clean.source_transition_id in numbers_saved
        )
        self.counts.released += release_rows(
            self.ledger,
            self.cursor.source_id,
            "transition",
            [str(transition.source_transition_id) for _, transition in found],
            self.now,
        )

    def _dossiers_of(self, good: Sequence[tuple[SourceTransition, CleanTransition]]) -> dict[tuple[str, str], int]:
        for raw, clean in good:
            self.written_as.setdefault((clean.agency_code, clean.dossier_code), _written(raw))
        keys = list({(clean.agency_code, clean.dossier_code) for _, clean in good})
        self._take_dossiers(self.source.dossiers_by_key([self.written_as[key] for key in keys]))
        return known_dossiers(self.ledger, keys)

    def _find(self, cleaned: Iterable[tuple[CleanDossier | CleanTransition, int | None]]) -> None:
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

    def _cure(self) -> None:
        """Takes quarantined rows again whose cause may have gone."""
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
        # A row with an unknown status is kept without one; where no transition brought it, nothing waits in quarantine.
        dossier_keys += dossiers_whose_status_was_mapped(self.ledger, self.cursor.source_id)
        for batch in _batches(dict.fromkeys(dossier_keys)):
            self._take_dossiers(self.source.dossiers_by_key(batch))
        kept = {row.row_key: row.payload for row in rows if row.row_kind == "transition"}
        for row_keys in _batches(kept):
            # As the source has it now, since a desk may have mended it; as we kept it, where the source has dropped it.
            numbers = [int(row_key) for row_key in row_keys if row_key.removeprefix("-").isdigit()]
            present = {str(row.transition_id): row for row in self.source.transitions_by_number(numbers)}
            self._take_transitions([present.get(row_key) or _transition_of(kept[row_key]) for row_key in row_keys])

    def _ask_for_the_past(self) -> None:
        """Asks the source for the transitions of dossiers whose history we lack, or an old event would look new."""
        lacking = dossiers_without_history(self.ledger, list(self.touched), self.now)
        lacking += dossiers_whose_row_tells_more(self.ledger, list(self.touched))
        written = [self.written_as.get((dossier.agency_code, dossier.dossier_code)) for dossier in lacking]
        for keys in _batches(dict.fromkeys(key for key in written if key is not None)):
            self._take_transitions(self.source.transitions_by_key(keys))

    def _judge_old_steps(self) -> None:
        """Old steps are noted; those recorded long enough ago are held against the dossier's row, read once more."""
        mark_old_steps(self.ledger, list(self.touched), self.context.clock_skew, self.now)
        waiting = old_steps_to_judge(self.ledger, self.cursor.source_id, self.now)
        if not waiting:
            return
        unread = [(each.written, each.dossier_code) for each in waiting if not self._was_read(each)]
        for keys in _batches(dict.fromkeys(unread)):
            self._take_dossiers(self.source.dossiers_by_key(keys))
        read = {each.dossier_id for each in waiting if self._was_read(each)}
        judged = judge_old_steps(self.ledger, self.cursor.source_id, list(read), self.now)
        self.touched.update(judged)
        make_due_judged(self.ledger, judged, self.now)

    def _was_read(self, dossier: DossierToJudge) -> bool:
        return (dossier.agency_code, dossier.dossier_code) in self.read

    def _listen_to_rows(self) -> None:
        """Where a dossier's row is newer than its last transition and calls for something else, the row decides."""
        telling = dossiers_whose_row_tells_more(self.ledger, list(self.touched))
        ids = [dossier.dossier_id for dossier in telling]
        moved = save_transitions_from_rows(self.ledger, ids, self.now)
        self.counts.from_rows += len(moved)
        self.moved += moved


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
    # A code that was none is no longer kept once the row's time is over.
    return SourceTransition(**{"dossier_code": None, **payload, **moments})
