"""Numbers of a source's steps, where its software began to number anew: ours go on after those before.

A number of ours is the source's own and what is added to it since it began anew, each time a multiple of 2^40 that is
above every number before; so it tells which of the two it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from motcua.domain.dossiers import SourceTransition, clean_code

_APART: Final = 40
"""Bits: so many numbers lie between two beginnings at least."""


_FAR_BELOW: Final = 100
"""Numbers that a late commit is not below all others."""


@dataclass(frozen=True, slots=True)
class Numbering:
    """That a source began to number anew."""

    recorded_from: datetime
    """The first recorded time under the new numbers."""
    added: int
    """To the source's numbers since then."""


@dataclass(frozen=True, slots=True)
class KnownStep:
    """A step as the ledger has it."""

    number: int
    dossier_code: str
    occurred_at: datetime
    recorded_at: datetime
    picked_up_at: datetime


class Numbers:
    """What the numbers of one source are to us. ``numberings``: in their order."""

    def __init__(self, numberings: Sequence[Numbering] = ()) -> None:
        self.numberings = tuple(numberings)

    @property
    def added(self) -> int:
        """What is added to a number that the source gives now."""
        return self.numberings[-1].added if self.numberings else 0

    def ours(self, number: int, recorded_at: datetime | None) -> int:
        """The number of a step that the source shows: by when it was recorded."""
        if not self.numberings or number >= self.numberings[0].added or number < 0:
            return number
        begun = [each.added for each in self.numberings if recorded_at is None or recorded_at >= each.recorded_from]
        return number + (begun[-1] if begun else 0)

    def at_source(self, number: int) -> int:
        """The number that the source itself gave a step."""
        return number - max((each.added for each in self.numberings if each.added <= number), default=0)

    def all_of(self, number: int) -> list[int]:
        """Every number of ours that one of the source's may be."""
        own = self.at_source(number)
        return [own, *(own + each.added for each in self.numberings)] if own >= 0 else [own]

    def next_added(self, highest: int) -> int:
        """What is to be added from now on, where this is the highest number of ours."""
        return (max(highest, self.added) >> _APART) + 1 << _APART


def is_same_step(known: KnownStep, row: SourceTransition) -> bool:
    """Whether a row is the step that the ledger has under its number: one that was edited is. A time of reading, which
    stands where the source's own could not be used, tells nothing."""
    if row.recorded_at is None or known.recorded_at == known.picked_up_at:
        return True
    return row.recorded_at <= known.recorded_at or row.occurred_at == known.occurred_at


def doubtful(
    rows: Iterable[SourceTransition], known: Mapping[int, KnownStep], highest: int, recorded_at: datetime
) -> list[SourceTransition]:
    """Rows that may have been numbered anew: the number is another step's, or one that is not known, is below the
    highest that was read, and was recorded after all that was read.

    Args:
        rows: with numbers of ours.
        known: what the ledger has, by number.
        highest: number that was read.
        recorded_at: the latest time that was read.
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
    """The first recorded time of doubtful rows that were numbered anew; ``None``: none was.

    They were where the source has the newest steps no more, or others under their numbers. Where it still has them, a
    row has the number of another dossier's step, or one far below all others: one that is only low says nothing, since
    a source may give its numbers out of order. Where it still has the step of a row's number,
    and the row is not from after all that was read, it showed both by then, of which the first one counts.

    Args:
        rows: doubtful ones.
        known: what the ledger has, by number.
        newest: those of the highest numbers that the ledger has, the highest first.
        there: what the source has under the numbers of all these now.
        recorded_at: the latest time that was read.
        lowest: number that the ledger has.
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
