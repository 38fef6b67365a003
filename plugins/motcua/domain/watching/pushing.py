"""Judge whether a client (one-stop software that pushes its data) no longer calls, or pushes unusable records."""

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
"""The share of refused records is computed over the newest days that together have ``RECORDS_ENOUGH`` records. Fewer
than ``REFUSED_LEAST`` refused records are no fault."""
KNOWN_BACK = timedelta(days=90)
"""A client whose last call is longer ago than this is not judged any more."""
DAYS_BACK = KNOWN_BACK + timedelta(days=40)
"""How far back calls and calendars are read in order to judge silence."""


@dataclass(frozen=True, slots=True)
class DayPushed:
    """Number of records that a client pushed on one day, and how many of them were refused."""

    records: int
    refused: int


@dataclass(frozen=True, slots=True)
class ClientFigures:
    """One client with its calls in the ledger."""

    name: str
    agencies: Sequence[str]
    """Enabled agencies that the client may write for."""
    last_call_at: datetime | None
    days: frozenset[date]
    """Days, in Vietnam, on which the client called."""
    hours: frozenset[datetime]
    """Clock hours in which the client called, of about the last 60 days, each given by its beginning."""
    recent: Sequence[DayPushed]
    """The last days on which the client pushed anything, the newest first."""


def judge_silence(
    clients: Iterable[ClientFigures], calendars: Mapping[str, WorkingCalendar], rules: WatchRules, now: datetime
) -> tuple[list[Finding], set[str]]:
    """Return findings for clients that are silent in office hours, and the keys of clients that cannot be judged now.

    A client is silent in two cases. First, it did not call for ``rules.news_within`` although it called in the same
    hours of each of the last five working days. Second, its last call was before the same hours of the previous
    working day, although it had called on each of the five working days up to that call. The second case covers
    software that pushes once a night, which is quiet all day without a fault.
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
    """Return whether the client called on each of the five working days up to its last call."""
    assert client.last_call_at is not None
    last = client.last_call_at.astimezone(VIETNAM).date()
    days = (last - timedelta(days=back) for back in range(31))
    working = [day for day in days if all(each.opening(day) == "full" for each in calendars)][:NEWS_DAYS]
    return len(working) == NEWS_DAYS and all(day in client.days for day in working)


def judge_refused(clients: Iterable[ClientFigures], most: float) -> list[Finding]:
    """Return a finding for each client whose share of refused records is larger than ``most`` (0 to 1).

    If all of ``recent`` has fewer than ``RECORDS_ENOUGH`` records, the share is computed over all of it.
    """
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
