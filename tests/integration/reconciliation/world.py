"""Helpers of the reconciliation tests: write dossiers of one day, run the jobs, close periods and read closings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from motcua.domain.clock import VIETNAM
from motcua.domain.periods import Period
from motcua.domain.reconciliation import Closing
from motcua.domain.run_window import EVERYTHING
from motcua.jobs.gates import RunIncomplete
from motcua.jobs.notices.apologizing import apologize
from motcua.jobs.notices.picking_up import pick_up
from motcua.jobs.notices.planning import plan
from motcua.jobs.reconciliation.closing import close_period, require_complete
from motcua.store.oversight.closings import load_differences, load_figures
from tests.ground import NHA_TRANG, NOW, OneStop, in_ledger

DAY, NOVEMBER = Period.parse("2026-11-25"), Period.parse("2026-11")
NEXT_MORNING = datetime(2026, 11, 26, 6, 30, tzinfo=VIETNAM)
LATER = NEXT_MORNING + timedelta(days=4)
FIRST_OF_DECEMBER = datetime(2026, 12, 1, 7, 30, tzinfo=VIETNAM)
EVENING = datetime(2026, 11, 25, 17, 31, tzinfo=VIETNAM)
TOMORROW = datetime(2026, 11, 26, 16, tzinfo=VIETNAM)
"""A due time on 26 November. A dossier with this due time gets an apology in the evening of 25 November."""
MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)


def run(at: datetime = NOW, *sources: str) -> None:
    """Pick up the sources and plan messages, both at the moment ``at``."""
    for source in sources or ("khanhhoa",):
        pick_up(source, EVERYTHING, at)
    plan(now=at)


def run_the_evening(*sources: str) -> None:
    """Pick up the sources and plan at 10:00 and at 17:31, then plan the evening's apologies."""
    for at in (NOW, EVENING):
        run(at, *sources)
    apologize(now=EVENING)


def result(
    one_stop: OneStop,
    code: str,
    at: datetime = NOW - 5 * MINUTE,
    agency_code: str = NHA_TRANG,
    *,
    read_at: datetime | None = None,
    **row: Any,
) -> int:
    """Write a dossier whose result reached the desk at ``at``; return the number of that transition.

    With ``read_at`` the default source is picked up and messages are planned at that moment.
    """
    values = {"received_at": at - 5 * ONE_DAY, "updated_at": at - MINUTE} | row
    one_stop.both(4, code, agency_code, desk=False, at=at - 60 * MINUTE, **values)
    number = one_stop.move(9, code, agency_code, at=at)
    if read_at:
        run(read_at)
    return number


def change(one_stop: OneStop, table: str, code: str, **values: Any) -> None:
    """Change columns of a dossier's rows in a table of the source."""
    names = ", ".join(f"{name} = %({name})s" for name in values)
    given = values | {"of": code}
    one_stop.connection.execute(f"UPDATE onestop.{table} SET {names} WHERE dossier_code = %(of)s", given)


def close(period: Period = DAY, now: datetime = NEXT_MORNING) -> Closing:
    return close_period(period, "tests", now).closing


def rows_of(closing: Closing) -> list[tuple[str, str, str | None]]:
    """Return side, reason and dossier code of each difference of a closing, sorted.

    The side is ``source`` for an event of the source that lacks its message, ``ledger`` for a message without event.
    """
    found = in_ledger(load_differences, closing.closing_no)
    return sorted((each.side, each.reason, each.dossier_code) for each in found)


def cells(closing: Closing) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return how many messages were expected and how many there are, by agency, procedure and kind."""
    figures = in_ledger(load_figures, closing.closing_no).messages
    return {(m.agency_code, m.procedure_code, m.kind): (m.expected, m.messages) for m in figures}


RESULTS = (NHA_TRANG, "1.005129", "result")
"""The cell (agency, procedure, kind) of most dossiers that the tests write."""


def is_red(closing: Closing) -> bool:
    try:
        require_complete([closing.closing_no])
    except RunIncomplete:
        return True
    return False
