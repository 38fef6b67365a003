"""Takes what a client pushed, in batches, so that the memory stays flat: a record that is bad refuses itself alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Literal, TypeAlias, TypeVar

from motcua.domain.intake.merging import merge_dossiers, merge_steps
from motcua.domain.intake.records import (
    PushedDossier,
    PushedStep,
    RecordRefused,
    read_dossier,
    read_step,
    times_in_future,
)
from motcua.domain.intake.values import Fields
from motcua.settings import settings
from motcua.store.intake.pushes import Fault, begin_push, note_call, write_push
from motcua.store.ledger.database import Connection

RecordKind: TypeAlias = Literal["dossiers", "steps"]
_BATCH: Final = 1000
_TOLD: Final = 100
"""Refused records, and fields that were not used, that an answer names; all are counted."""

Record = TypeVar("Record", PushedDossier, PushedStep)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not taken, or a field that was not used of one that was."""

    place: int
    """From 0, in the push."""
    reason: str
    field: str
    dossier_code: str


@dataclass(slots=True)
class Taken:
    """What became of a push."""

    taken: int = 0
    repeated: int = 0
    waiting: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    """The first of them."""
    unused: list[Refusal] = field(default_factory=list)
    """The first fields that could not be used, of records that were not refused for it."""
    dossier_no: int | None = None
    """Our number of the last dossier that was not refused."""
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_refused(self) -> bool:
        """There were records, and none could be used."""
        return self.refused > 0 and not (self.taken or self.repeated or self.waiting)

    def refuse(self, refusal: Refusal) -> None:
        """Counts a record that was not taken."""
        self.refused += 1
        self.faults[refusal.reason, refusal.field] += 1
        if len(self.refusals) < _TOLD:
            self.refusals.append(refusal)

    def leave_out(self, left_out: Refusal) -> None:
        """Counts a field that was not used."""
        self.faults[left_out.reason, left_out.field] += 1
        if len(self.unused) < _TOLD:
            self.unused.append(left_out)

    def count(self, place: int, outcome: str, dossier_code: str) -> None:
        """Counts what became of a record."""
        match outcome:
            case "taken":
                self.taken += 1
            case "repeated":
                self.repeated += 1
            case "waiting":
                self.waiting += 1
            case reason:
                self.refuse(Refusal(place, reason, "", dossier_code))


def take(
    connection: Connection, session: str, service: str, kind: RecordKind, records: Sequence[Any], unit: str | None
) -> Taken:
    """Reads and writes the records of a call. What was written stays where a later batch fails: to send all again adds
    nothing.

    Args:
        connection: of the intake's role, with no transaction under way; each batch is one of its own.
        session: that the client was given.
        service: as it is counted.
        kind: what the records are.
        records: as they came.
        unit: code of the unit that the call names.

    Raises:
        SessionEnded: the session is nobody's.
        psycopg.Error: the ledger does not answer.
    """
    found = Taken()
    for start, batch in _batches(records):
        if kind == "dossiers":
            _take_dossiers(connection, session, _read(read_dossier, start, batch, unit, found), found)
        else:
            _take_steps(connection, session, _read(read_step, start, batch, unit, found), found)
    with connection.transaction():
        note_call(
            connection,
            session,
            service,
            taken=found.taken + found.waiting,
            repeated=found.repeated,
            refused=found.refused,
            faults=[Fault(fault, name, records) for (fault, name), records in found.faults.items()],
        )
    return found


def _take_dossiers(connection: Connection, session: str, came: dict[int, PushedDossier], found: Taken) -> None:
    last = _last_of_each(came)
    records = {place: came[place] for place in last.values()}
    asked = (
        {
            "place": place,
            "dossier_code": each.dossier_code,
            "fields": each.fields,
            "digests": [each.digest, *each.earlier],
        }
        for place, each in records.items()
    )
    with connection.transaction():
        known = begin_push(connection, session, asked)
        decided = merge_dossiers(known, records)
        numbers = write_push(connection, session, decided)
    for place, dossier in came.items():
        of = last[_key(dossier)]
        found.count(place, decided.outcomes[of], dossier.dossier_code)
        if key := decided.keys.get(of):
            found.dossier_no = numbers.get(key) or known.dossiers[key].dossier_no


def _take_steps(connection: Connection, session: str, came: Mapping[int, PushedStep], found: Taken) -> None:
    named = {(each.dossier_code, None if each.dossier_code else each.dossier_no) for each in came.values()}
    with connection.transaction():
        known = begin_push(
            connection, session, ({"dossier_code": code, "dossier_no": number} for code, number in named)
        )
        decided = merge_steps(known, came)
        write_push(connection, session, decided)
    for place, step in came.items():
        found.count(place, decided.outcomes[place], step.dossier_code or "")


def _batches(records: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    rest = iter(records)
    for start in range(0, len(records), _BATCH):
        yield start, list(islice(rest, _BATCH))


def _read(
    read: Callable[[object, str | None], tuple[Record, list[str]]],
    start: int,
    batch: Iterable[Any],
    unit: str | None,
    found: Taken,
) -> dict[int, Record]:
    """The records of a batch that may be used, by their places in the push."""
    good = {}
    latest = datetime.now(UTC) + settings().clock_skew
    for place, record in enumerate(batch, start):
        try:
            good[place], unreadable = read(record, unit)
        except RecordRefused as refused:
            found.refuse(Refusal(place, refused.reason, refused.field, _code_of(record)))
            continue
        for reason, names in (
            ("field_unreadable", unreadable),
            ("time_in_future", times_in_future(good[place], latest)),
        ):
            for name in names:
                found.leave_out(Refusal(place, reason, name, _code_of(record)))
    return good


def _code_of(record: object) -> str:
    """The code of a refused record as its client may find it by."""
    code = record.get("mahoso") if isinstance(record, Fields) else None
    return code[:80].encode("utf-8", "replace").decode() if isinstance(code, str) else ""


def _key(dossier: PushedDossier) -> tuple[str, str | None, str | None]:
    return dossier.dossier_code, dossier.unit, dossier.of_name


def _last_of_each(dossiers: dict[int, PushedDossier]) -> dict[tuple[str, str | None, str | None], int]:
    """The last place of each dossier of a batch; what earlier ones say and the last does not is put into it."""
    last: dict[tuple[str, str | None, str | None], int] = {}
    for place, dossier in dossiers.items():
        earlier = last.get(_key(dossier))
        if earlier is not None:
            dossiers[place] = _both(dossiers[earlier], dossier)
        last[_key(dossier)] = place
    return last


def _both(earlier: PushedDossier, later: PushedDossier) -> PushedDossier:
    kept = {name: getattr(earlier, name) for name in earlier.said if name not in later.said}
    return replace(
        later,
        fields={**earlier.fields, **later.fields},
        said=sorted({*earlier.said, *later.said}),
        earlier=[*earlier.earlier, earlier.digest],
        **kept,
    )
