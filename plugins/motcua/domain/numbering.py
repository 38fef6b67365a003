"""Map the step numbers of a source to the ledger's numbers, even if the source's software restarted its numbering.

A ledger number is the source's own number plus an offset. The offset is 0 at first. Each time the source restarts its
numbering, the offset becomes a multiple of 2^40 that is higher than every earlier ledger number. The size of a ledger
number therefore shows to which numbering it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from motcua.domain.dossiers import SourceTransition, clean_code

_APART: Final = 40
"""Exponent of the distance between two numberings: offsets are multiples of 2^40."""


_FAR_BELOW: Final = 100
"""A step whose number is below the lowest known number by at most this distance may come from a transaction that was
committed late. If its number is still lower, the source restarted its numbering."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """One restart of a source's numbering."""

    recorded_from: datetime
    """Recorded time of the first step with a new number."""
    added: int
    """Offset that is added to the source's numbers from this restart on."""


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A step that is stored in the ledger. ``number`` is its ledger number."""

    number: int
    dossier_code: str
    occurred_at: datetime
    recorded_at: datetime
    picked_up_at: datetime


class Numbers:
    """Converts between the numbers of one source and the ledger's numbers.

    ``numberings`` are the restarts in the order of time.
    """

    def __init__(self, numberings: Sequence[Numbering] = ()) -> None:
        self.numberings = tuple(numberings)

    @property
    def added(self) -> int:
        """Return the offset for numbers that the source gives now."""
        return self.numberings[-1].added if self.numberings else 0

    def ours(self, number: int, recorded_at: datetime | None) -> int:
        """Return the ledger number of a step that the source shows. The step's recorded time decides the offset."""
        if not self.numberings or number >= self.numberings[0].added or number < 0:
            return number
        begun = [each.added for each in self.numberings if recorded_at is None or recorded_at >= each.recorded_from]
        return number + (begun[-1] if begun else 0)

    def at_source(self, number: int) -> int:
        """Return the number that the source itself gave to a step with this ledger number."""
        return number - max((each.added for each in self.numberings if each.added <= number), default=0)

    def all_of(self, number: int) -> list[int]:
        """Return the ledger numbers, one of each numbering, that have the same source number as this ledger number."""
        own = self.at_source(number)
        return [own, *(own + each.added for each in self.numberings)] if own >= 0 else [own]

    def next_added(self, highest: int) -> int:
        """Return the offset for the next restart. ``highest`` is the highest ledger number so far."""
        return (max(highest, self.added) >> _APART) + 1 << _APART


def is_same_step(known: KnownStep, row: SourceTransition) -> bool:
    """Return whether a row of the source is the step that the ledger has under the same number.

    A row that was edited is still the same step. If the source's time was unusable and the ledger stored the time of
    reading instead, the times prove nothing, and the row counts as the same step.
    """
    if row.recorded_at is None or known.recorded_at == known.picked_up_at:
        return True
    return row.recorded_at <= known.recorded_at or row.occurred_at == known.occurred_at


def doubtful(
    rows: Iterable[SourceTransition], known: Mapping[int, KnownStep], highest: int, recorded_at: datetime
) -> list[SourceTransition]:
    """Return the rows whose number may come from a restarted numbering.

    A row is doubtful if its number belongs to another step in the ledger. A row is also doubtful if its number is
    unknown and not above the highest number that was read, although it was recorded after everything that was read.

    Args:
        rows: rows of the source, with ledger numbers.
        known: steps of the ledger, by number.
        highest: highest number that was read.
        recorded_at: latest recorded time that was read.
    """

    def is_in_doubt(row: SourceTransition) -> bool:
        if row.transition_id is None or row.recorded_at is None or row.transition_id > highest:
            return False
        step = known.get(row.transition_id)
        return row.recorded_at > recorded_at if step is None else not is_same_step(step, row)

    return list(filter(is_in_doubt, rows))


def began_anew(
    rows: Iterable[SourceTransition],
    known: Mapping[int, KnownStep],
    newest: Sequence[KnownStep],
    there: Iterable[SourceTransition],
    recorded_at: datetime,
    lowest: int,
) -> datetime | None:
    """Return the earliest recorded time of rows with restarted numbers; ``None`` if there was no restart.

    There was a restart if the source no longer has the newest steps, or has other steps under the numbers of the newest
    steps. If the source still has one of the newest steps, only two kinds of rows count as renumbered: a row with the
    number of another dossier's step, and a row whose number is far below all known numbers. A low number alone proves
    nothing, because a source may give its numbers out of order. A row is left out if the source still has the ledger's
    step under the same number and the row is not newer than everything that was read. In this case the source already
    had both rows under one number before, and the step in the ledger counts.

    Args:
        rows: doubtful rows of the source, with ledger numbers.
        known: steps of the ledger, by number.
        newest: steps with the highest numbers in the ledger, the highest first.
        there: the rows that the source has now under the numbers of ``known`` and ``newest``.
        recorded_at: latest recorded time that was read.
        lowest: lowest number in the ledger.
    """
    steps = {step.number: step for step in newest} | dict(known)
    still = {
        number
        for row in there
        if (number := row.transition_id) is not None and number in steps and is_same_step(steps[number], row)
    }
    rows = [
        row
        for row in rows
        if row.transition_id not in still or (row.recorded_at is not None and row.recorded_at > recorded_at)
    ]
    if any(step.number in still for step in newest):
        rows = [row for row in rows if _is_anothers(row, known) or (row.transition_id or 0) < lowest - _FAR_BELOW]
    return min((row.recorded_at for row in rows if row.recorded_at is not None), default=None)


def _is_anothers(row: SourceTransition, known: Mapping[int, KnownStep]) -> bool:
    step = known.get(row.transition_id or 0)
    return step is not None and step.dossier_code != clean_code(row.dossier_code or "")
