"""Write a client's push to the ledger in batches, so that memory does not grow with the push. A bad record does not
affect the other records."""

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
_BATCH_SIZE: Final = 1000
_MOST_NAMED: Final = 100
"""Most refused records, and most unused fields, that an answer names. All of them are counted."""

Record = TypeVar("Record", PushedDossier, PushedStep)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused record, or an unused field of an accepted record."""

    place: int
    """Position of the record in the push, from 0."""
    reason: str
    field: str
    dossier_code: str


@dataclass(slots=True)
class Taken:
    """The outcome of a push."""

    taken: int = 0
    repeated: int = 0
    waiting: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    """The first refused records."""
    unused: list[Refusal] = field(default_factory=list)
    """The first fields that could not be used, of records that were accepted."""
    dossier_no: int | None = None
    """Number that the ledger gave to the last accepted dossier."""
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_refused(self) -> bool:
        """Return whether the push had records and all of them were refused."""
        return self.refused > 0 and not (self.taken or self.repeated or self.waiting)

    def refuse(self, refusal: Refusal) -> None:
        """Count a refused record."""
        self.refused += 1
        self.faults[refusal.reason, refusal.field] += 1
        if len(self.refusals) < _MOST_NAMED:
            self.refusals.append(refusal)

    def leave_out(self, left_out: Refusal) -> None:
        """Count an unused field."""
        self.faults[left_out.reason, left_out.field] += 1
        if len(self.unused) < _MOST_NAMED:
            self.unused.append(left_out)

    def count(self, place: int, outcome: str, dossier_code: str) -> None:
        """Count the outcome of a record."""
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
    """Read and write the records of a call.

    If a batch fails, the batches before it stay written. The client may send all records again: a repeated record adds
    nothing.

    Args:
        connection: a connection of the intake's role without an open transaction; each batch is one transaction.
        session: session of the client.
        service: name of the called service, for the counts.
        kind: kind of the records.
        records: records as the client sent them.
        unit: code of the unit (agency) that the call names.

    Raises:
        SessionEnded: the session does not exist any more.
        psycopg.Error: the ledger does not answer.
    """
    found = Taken()
    for start, batch in _batches(records):
        if kind == "dossiers":
            _take_dossiers(connection, session, _read_batch(read_dossier, start, batch, unit, found), found)
        else:
            _take_steps(connection, session, _read_batch(read_step, start, batch, unit, found), found)
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
    """Write one batch of dossiers and count the outcome of each record."""
    last = _last_of_each(came)
    became: dict[int, tuple[str, int | None]] = {}
    with connection.transaction():
        for records in _rounds({place: came[place] for place in sorted(last.values())}):
            named = (
                {
                    "place": place,
                    "dossier_code": each.dossier_code,
                    "fields": each.fields,
                    "digests": [each.digest, *each.earlier],
                }
                for place, each in records.items()
            )
            known = begin_push(connection, session, named)
            decided = merge_dossiers(known, records)
            numbers = write_push(connection, session, decided)
            for place, outcome in decided.outcomes.items():
                key = decided.keys.get(place)
                number = None if key is None else numbers.get(key) or known.dossiers[key].dossier_no
                became[place] = outcome, number
    for place, dossier in came.items():
        outcome, number = became[last[_dossier_key(dossier)]]
        found.count(place, outcome, dossier.dossier_code)
        found.dossier_no = number or found.dossier_no


def _rounds(records: Mapping[int, PushedDossier]) -> list[dict[int, PushedDossier]]:
    """Split the records into rounds, which are written one after the other. No round has a dossier's code twice.

    Records with the same code and different units may be about the same dossier. Each record then changes the dossier
    as the earlier records left it, as if each record came in a call of its own.
    """
    rounds: list[dict[int, PushedDossier]] = []
    times = Counter[str]()
    for place, record in records.items():
        number = times[record.dossier_code]
        if number == len(rounds):
            rounds.append({})
        rounds[number][place] = record
        times[record.dossier_code] += 1
    return rounds


def _take_steps(connection: Connection, session: str, came: Mapping[int, PushedStep], found: Taken) -> None:
    """Write one batch of steps and count the outcome of each record."""
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
    """Yield batches of records, each with the position of its first record."""
    rest = iter(records)
    for start in range(0, len(records), _BATCH_SIZE):
        yield start, list(islice(rest, _BATCH_SIZE))


def _read_batch(
    read: Callable[[object, str | None], tuple[Record, list[str]]],
    start: int,
    batch: Iterable[Any],
    unit: str | None,
    found: Taken,
) -> dict[int, Record]:
    """Return the usable records of a batch by their positions in the push, and refuse the other records."""
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
    """Return the dossier's code in a record, so that the client can find a refused record or an unused field."""
    code = record.get("mahoso") if isinstance(record, Fields) else None
    return code[:80].encode("utf-8", "replace").decode() if isinstance(code, str) else ""


def _dossier_key(dossier: PushedDossier) -> tuple[str, str | None, str | None]:
    """Return the key that identifies a dossier within a push."""
    return dossier.dossier_code, dossier.unit, dossier.of_name


def _last_of_each(dossiers: dict[int, PushedDossier]) -> dict[tuple[str, str | None, str | None], int]:
    """Return the last position of each dossier in a batch.

    The record at that position receives the fields that only an earlier record of the dossier has.
    """
    last: dict[tuple[str, str | None, str | None], int] = {}
    for place, dossier in dossiers.items():
        earlier = last.get(_dossier_key(dossier))
        if earlier is not None:
            dossiers[place] = _merge_repeated(dossiers[earlier], dossier)
        last[_dossier_key(dossier)] = place
    return last


def _merge_repeated(earlier: PushedDossier, later: PushedDossier) -> PushedDossier:
    """Return the later record of a dossier, with the fields that only the earlier one has."""
    only_earlier = {name: getattr(earlier, name) for name in earlier.said if name not in later.said}
    return replace(
        later,
        fields={**earlier.fields, **later.fields},
        said=sorted({*earlier.said, *later.said}),
        earlier=[*earlier.earlier, earlier.digest],
        **only_earlier,
    )
