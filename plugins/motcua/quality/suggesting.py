"""Derive suggestions to agencies from figures of data quality. Pure: no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from motcua.domain.quality import Dimension, TextableShare
from motcua.quality.rules import BadPhones, HoldTime, Suggestions
from motcua.store.oversight.quality import SuggestedFacts, TakenBack

_MOST_OF = 0.8
"""The minimum share of the preventable cases that a suggested hold time must prevent. A case is preventable if the
result was taken back within the longest possible hold time."""


def suggest(
    wanted: Suggestions, taken_back: Iterable[TakenBack], shares: Iterable[TextableShare]
) -> list[SuggestedFacts]:
    """Return the suggestions.

    Args:
        wanted: the conditions for each suggestion.
        taken_back: results that were announced and then taken back, by agency.
        shares: the shares of phone numbers that can get an SMS, by month.
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
    """Return the shortest hold time that would have prevented most of the false result messages.

    If a result is taken back within the hold time, its message is cancelled, so that the result is never announced.
    Return ``None`` if there are too few cases, or if no possible hold time longer than the present one would prevent
    the part ``_MOST_OF`` of the preventable cases.
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
    """Yield the desk user and the procedure from which most of an agency's unusable phone numbers come."""
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
        # If all dossiers of an agency have the same desk user or procedure, naming it explains nothing.
        if several[agency, dimension] > 1:
            facts = {
                "key": key,
                "dossiers": dossiers[agency, dimension, key],
                "bad": count,
                "bad_of_agency": bad[agency, "agency", ""],
            }
            yield SuggestedFacts(agency, dimension, facts)
