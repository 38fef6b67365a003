"""What the data themselves suggest to an agency, pure: figures in, figures out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from motcua.domain.quality import Dimension, TextableShare
from motcua.quality.rules import BadPhones, HoldTime, Suggestions
from motcua.store.oversight.quality import SuggestedFacts, TakenBack

_MOST_OF = 0.8
"""A hold time is suggested when it would have stopped this part of what the longest one would."""


def suggest(
    wanted: Suggestions, taken_back: Iterable[TakenBack], shares: Iterable[TextableShare]
) -> list[SuggestedFacts]:
    """What is suggested.

    Args:
        wanted: when something is suggested at all.
        taken_back: results told and taken back, by agency.
        shares: textable numbers by month.
    """
    found = [
        SuggestedFacts(each.agency_code, "hold_time", facts)
        for each in taken_back
        if (facts := hold_time(wanted.hold_time, each.told, float(each.hold_minutes), each.minutes or ()))
    ]
    return found + list(_bad_phones(wanted.phones, shares))


def hold_time(
    wanted: HoldTime, told: int, hold_minutes: float, minutes: Iterable[Any]
) -> dict[str, float | int] | None:
    """The shortest hold time that would have kept most of the false result messages from being sent.

    A result that is taken back within the hold time is never told: its message is cancelled. ``None``: too few to say.
    """
    after = [float(each) for each in minutes]
    longest = max(wanted.minutes)
    soon = [each for each in after if each <= longest]
    if len(soon) < wanted.cases or len(soon) < wanted.share * told:
        return None
    for choice in sorted(wanted.minutes):
        prevented = sum(each <= choice for each in soon)
        if choice > hold_minutes and prevented >= _MOST_OF * len(soon):
            return {
                "told": told,
                "taken_back": len(soon),
                "within_minutes": longest,
                "hold_minutes": choice,
                "prevented": prevented,
                "present_hold_minutes": hold_minutes,
            }
    return None


def _bad_phones(wanted: BadPhones, shares: Iterable[TextableShare]) -> Iterator[SuggestedFacts]:
    """The desk user and the procedure that most of an agency's bad phones come from."""
    dossiers: dict[tuple[str, Dimension, str], int] = defaultdict(int)
    bad: dict[tuple[str, Dimension, str], int] = defaultdict(int)
    for share in shares:
        whose = (share.agency_code, share.dimension, share.key)
        dossiers[whose] += share.dossiers
        bad[whose] += share.dossiers - share.textable
    worst: dict[tuple[str, Dimension], tuple[int, str]] = {}
    several: dict[tuple[str, Dimension], int] = defaultdict(int)
    for (agency, dimension, key), count in bad.items():
        if dimension == "agency":
            continue
        several[agency, dimension] += 1
        many = dossiers[agency, dimension, key]
        of_agency = bad[agency, "agency", ""]
        if (
            many >= wanted.dossiers
            and many - count < wanted.share * many
            and of_agency
            and count >= wanted.part * of_agency
        ):
            worst[agency, dimension] = max(worst.get((agency, dimension), (0, "")), (count, key))
    for (agency, dimension), (count, key) in sorted(worst.items()):
        # Where all dossiers come from one, that one says nothing.
        if several[agency, dimension] > 1:
            facts = {
                "key": key,
                "dossiers": dossiers[agency, dimension, key],
                "bad": count,
                "bad_of_agency": bad[agency, "agency", ""],
            }
            yield SuggestedFacts(agency, dimension, facts)
