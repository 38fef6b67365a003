"""Invent the dossiers of past months, with days instead of seconds between their steps, as in real life.

An *act* is something that happens to a dossier (``happenings.Act``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from motcua.sandbox.world.happenings import Act, Move, condition
from motcua.sandbox.world.history import BEFORE, Past, office_moments
from motcua.sandbox.world.lives import born, deal
from motcua.sandbox.world.people import phone
from motcua.sandbox.world.procedures import ZONE, Agency, Pilot, in_office_hours, working_day

_UNHURRIED = 0.12
"""The share of results that come after their due day at an average agency."""
_HONEST_FOR = 0.55
"""The share of the past in which the agency that later manipulates its dates still works honestly. The remaining six
weeks contain a whole month of manipulation, so that the agency's figures of data quality show the change."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The way an agency works at one time, as shares of its dossiers.

    ``late``: results that come days after the due day. ``beats``: late results that are announced on the day before the
    due day, shortly before apologies are sent, and then taken back. ``moved``: late results whose due day is changed.
    ``mended``: bad phone fields that are corrected when the dossier is received.
    """

    late: float = _UNHURRIED
    beats: float = 0.0
    moved: float = 0.0
    mended: float = 0.0


def manner(agency: Agency, elapsed: float) -> Manner:
    """Return the way an agency works when the share ``elapsed`` of the past, from 0 to 1, is over."""
    if agency.past == "improves":
        return Manner(late=0.5 - 0.45 * elapsed, mended=0.9 * elapsed)
    if agency.past == "games" and elapsed > _HONEST_FOR:
        return Manner(late=0.75, beats=0.7, moved=0.8)
    return Manner()


def _moment_at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, ZONE)


def _office_moments_between(random: Random, start: datetime, end: datetime, count: int) -> list[datetime]:
    return office_moments(random, start, end, count) if count else []


def _end_of_day(random: Random, day: date) -> datetime:
    """Return when the day's papers reach the desk, shortly before the day's only run, which informs the citizens."""
    return _moment_at(day, time(17, 18)) + timedelta(minutes=random.uniform(0, 12))


def _result_at(random: Random, past: Past, late: bool) -> datetime:
    """Return when the result reaches the desk."""
    received, due = past.dossier.received_at.astimezone(ZONE), past.dossier.due_at.astimezone(ZONE)
    if late:
        return _end_of_day(random, working_day(due.date(), random.choice((1, 1, 2, 3, 4, 6))))
    if due.date() == received.date():
        return received + (due - received) * random.uniform(0.5, 0.9)
    share = random.uniform(0.3, 1)
    return _end_of_day(random, working_day(received.date() + (due - timedelta(days=1) - received) * share, 0))


def _false_result_on_the_eve(random: Random, agency: Agency, due: datetime) -> list[tuple[datetime, Act]]:
    """Return two acts: a false result on the day before the due day, and its undoing on the next working morning."""
    eve = due.astimezone(ZONE).date() - timedelta(days=1)
    announced_at = _moment_at(eve, time(16, 46)) + timedelta(minutes=random.uniform(0, 30))
    back = _moment_at(working_day(eve, 1), time(8)) + timedelta(minutes=random.uniform(0, 120))
    official = f"{agency.login}.mc1"
    falsely = Move(
        step="Trả kết quả", status=9, desk=True, actor=official, truthful=False, events=("told_before_its_paper",)
    )
    undone = Move(step="Thẩm định", status=4, desk=False, actor=official, note="Chuyển nhầm bước")
    return [(announced_at, Act(after=0, kind="move", move=falsely)), (back, Act(after=0, kind="move", move=undone))]


def _reception(received: datetime, first: Act, following: list[Act], until: datetime) -> list[tuple[datetime, Act]]:
    """Return the acts of a dossier's reception, with their times.

    The act that receives an online dossier is removed from ``following``.
    """
    timed = [(received, first)]
    if first.move and first.move.status == 1 and following:
        # The act comes before the day's run. If it came later, the dossier would count for an already closed day.
        timed.append((received + min((until - received) / 10, timedelta(minutes=20)), following.pop(0)))
    return timed


def _timed_acts(
    random: Random, past: Past, acts: list[Act], result: int | None, at: datetime
) -> list[tuple[datetime, Act]]:
    """Return the acts with their times: those before the result, and those after it.

    ``at`` is the time of the result. If there is no result, ``at`` is the due day, and all acts happen before it.
    """
    received = past.dossier.received_at
    before = acts[1:result] if result else acts[1:]
    timed = _reception(received, acts[0], before, at)
    timed += zip(_office_moments_between(random, timed[-1][0], at, len(before)), before, strict=True)
    if result:
        timed.append((at, acts[result]))
        after = acts[result + 1 :]
        last = _moment_at(working_day(at.astimezone(ZONE).date(), random.choice((1, 1, 2, 2, 3, 5))), time(17))
        timed += zip(_office_moments_between(random, at + timedelta(minutes=5), last, len(after)), after, strict=True)
    return [*_supplements_at_days_end(random, timed, at)]


def _supplements_at_days_end(
    random: Random, timed: list[tuple[datetime, Act]], result_at: datetime
) -> Iterator[tuple[datetime, Act]]:
    """Yield the acts with their times. A request for a supplement is moved to the end of its day, unless another act
    follows before then."""
    for (moment, act), following in zip(timed, [*(each[0] for each in timed[1:]), None], strict=True):
        end = _end_of_day(random, moment.astimezone(ZONE).date())
        asks = act.move is not None and condition(act.move.status, act.move.desk) is not None and moment != result_at
        yield (end if asks and moment < end and (following is None or end < following) else moment), act


def _invented_past(
    random: Random, agency: Agency, pilot: Pilot, serial: Callable[[str, str], int], received: datetime, how: Manner
) -> tuple[Past, list[tuple[datetime, Act | datetime]]]:
    procedure = random.choice(agency.procedures)
    dossier, acts = born(random, agency, pilot.unknown_agency, received, serial, procedure=procedure)
    if not dossier.phone.good and random.random() < how.mended:
        written = dossier.phone
        while not written.good:
            written = phone(random)
        dossier = dossier.model_copy(update={"phone": written, "phone_entered_at": received})
    past = Past(dossier, [])
    results = [
        number
        for number, act in enumerate(acts)
        if act.move and act.move.truthful and condition(act.move.status, act.move.desk) == "result"
    ]
    late = random.random() < how.late and procedure.term > 0
    due, doings = dossier.due_at, list[tuple[datetime, Act | datetime]]()
    eve = due - timedelta(days=1)
    if not results:
        doings += _timed_acts(random, past, acts, None, due)
    elif late and random.random() < how.beats and in_office_hours(eve - timedelta(minutes=10)):
        at = _result_at(random, past, late=True)
        until_eve = _moment_at(eve.astimezone(ZONE).date(), time(16, 40))
        earlier = [act for act in acts[1 : results[-1]] if act.kind == "move" and act.move and act.move.status != 9]
        doings += _reception(received, acts[0], earlier, until_eve)
        doings += zip(_office_moments_between(random, doings[-1][0], until_eve, len(earlier)), earlier, strict=True)
        doings += _false_result_on_the_eve(random, agency, due)
        doings += [(max(at, doings[-1][0] + timedelta(hours=1)), acts[results[-1]])]
        handed = [act for act in acts[results[-1] + 1 :] if act.move and act.move.handed]
        doings += [(doings[-1][0] + timedelta(days=3), act) for act in handed]
    else:
        doings += _timed_acts(random, past, acts, results[-1], _result_at(random, past, late))
        if late and random.random() < how.moved:
            moved = _moment_at(working_day(due.astimezone(ZONE).date(), 4), time(17))
            doings.append((due - timedelta(hours=random.uniform(1, 5)), moved))
    return past, sorted(doings, key=lambda each: each[0])


def months(
    random: Random,
    pilot: Pilot,
    serial: Callable[[str, str], int],
    begins: date,
    joined: date,
    now: datetime,
    per_day: int,
) -> Iterator[Past]:
    """Yield the dossiers of past months, a given number for each working day.

    Agencies without a ``past`` in include/sandbox/agencies.yaml have dossiers only from the day ``joined`` on. The past
    ends at ``now`` minus ``BEFORE``; acts that would come later happen while the demo runs.
    """
    first = deal(random, {each: each.past_weight or each.weight for each in pilot.agencies if each.past})
    everyone = deal(random, pilot.shares)
    ends = now - BEFORE
    whole = (ends.astimezone(ZONE).date() - begins).days or 1
    for number in range(whole):
        day = begins + timedelta(days=number)
        if not in_office_hours(_moment_at(day, time(10))):
            continue
        for received in _office_moments_between(
            random, _moment_at(day, time(7, 30)), _moment_at(day, time(15, 30)), per_day
        ):
            agency = next(first if day < joined else everyone)
            past, doings = _invented_past(random, agency, pilot, serial, received, manner(agency, number / whole))
            for moment, doing in doings:
                if moment > ends:
                    if isinstance(doing, Act):
                        past.to_come.append(((moment - now).total_seconds(), doing))
                elif isinstance(doing, Act):
                    past.lived(doing, moment, random)
                else:
                    past.become(past.dossier.model_copy(update={"due_at": doing, "updated_at": moment}), moment)
            yield past
