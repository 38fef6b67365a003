"""Whether one-stop software that pushes to us has gone silent, or pushes what cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from motcua.domain.checks import Finding, key_of
from motcua.domain.clock import VIETNAM
from motcua.domain.watching.judging import NEWS_DAYS, WatchRules, stretches_of_news
from motcua.domain.working_days import WorkingCalendar

_HOUR = timedelta(hours=1)
RECORDS_ENOUGH, REFUSED_LEAST = 20, 3
"""Records that a share is judged on, and refused ones among them, so that one slip raises nothing."""
KNOWN_BACK = timedelta(days=90)
"""How far back a last call is looked at: what is silent for longer is not judged any more."""
DAYS_BACK = KNOWN_BACK + timedelta(days=40)
"""How far back calls and calendars are needed for that."""


@dataclass(frozen=True, slots=True)
class DayPushed:
    """Records that a client pushed on a day."""

    records: int
    refused: int


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """One client, as the ledger has it."""

    name: str
    agencies: Sequence[str]
    """Those that are enabled and that it may write for."""
    last_call_at: datetime | None
    days: frozenset[date]
    """Days of Vietnam on which it called."""
    hours: frozenset[datetime]
    """Whole hours of the last weeks, by their beginning, in which it called."""
    recent: Sequence[DayPushed]
    """The last days on which it pushed anything, the newest first."""


def judge_silence(
    clients: Iterable[ClientFigures], calendars: Mapping[str, WorkingCalendar], rules: WatchRules, now: datetime
) -> tuple[list[Finding], set[str]]:
    """Clients that used to push and are silent in office hours; and keys of those of which that cannot be said now.

    One is silent that did not call for ``rules.news_within``, though it called in the same hours of each of the last
    five working days; and one that missed a whole working day, whatever its hours are, though it had called on each of
    the five working days up to its last call: software that pushes once a night is not silent all day.
    """
    found, undecided = [], set()
    for each in clients:
        own = [calendars[code] for code in each.agencies if code in calendars]
        stretches = stretches_of_news(own, rules, now)
        if not own or each.last_call_at is None:
            continue
        if not stretches or each.last_call_at < now - KNOWN_BACK:
            undecided.add(key_of("push_silent", each.name))
            continue
        (begins, _), *before = stretches
        if each.last_call_at >= begins:
            continue
        usual_hours = all(_called_in(each, *stretch) for stretch in before)
        missed_a_day = each.last_call_at < before[0][0] and _called_daily(each, own)
        if usual_hours or missed_a_day:
            found.append(Finding("push_silent", {"since": each.last_call_at.isoformat()}, each.name))
    return found, undecided


def _called_in(client: ClientFigures, begins: datetime, ends: datetime) -> bool:
    return any(begins <= hour and hour + _HOUR <= ends for hour in client.hours)


def _called_daily(client: ClientFigures, calendars: Sequence[WorkingCalendar]) -> bool:
    """Whether it called on each of the five working days up to its last call."""
    assert client.last_call_at is not None
    last = client.last_call_at.astimezone(VIETNAM).date()
    days = (last - timedelta(days=back) for back in range(31))
    working = [day for day in days if all(each.opening(day) == "full" for each in calendars)][:NEWS_DAYS]
    return len(working) == NEWS_DAYS and all(day in client.days for day in working)


def judge_refused(clients: Iterable[ClientFigures], most: float) -> list[Finding]:
    """Clients more than this share (0 to 1) of whose last records are refused: those of the newest days that have
    twenty of them together."""
    found = []
    for each in clients:
        records = refused = 0
        for day in each.recent:
            records, refused = records + day.records, refused + day.refused
            if records >= RECORDS_ENOUGH:
                break
        if refused >= REFUSED_LEAST and refused > most * records:
            facts = {"refused": refused, "records": records, "percent": round(100 * refused / records, 1)}
            found.append(Finding("push_refused", dict(facts), each.name))
    return found
