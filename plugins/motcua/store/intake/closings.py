"""Which agencies' figures a closing has as their one-stop software pushed them: kept with it, for adapters change."""

from __future__ import annotations

from collections.abc import Sequence

from motcua.domain.periods import Period
from motcua.domain.reconciliation import PushedWords
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


def keep_pushed_of_closing(
    connection: Connection, closing_no: int, period: Period, sources: Sequence[str], days: Sequence[int]
) -> None:
    """Keeps with a closing which agencies are told by pushes.

    Args:
        connection: that the sources' own count was taken with.
        closing_no: of the closing.
        period: its period.
        sources: those that push, by what is set now.
        days: closings of the days of what is longer than a day, which say it themselves.
    """
    values = {
        "closing_no": closing_no,
        "start": period.start,
        "end": period.end,
        "sources": list(sources),
        "is_day": period.is_day,
        "days": list(days),
    }
    connection.execute(statement("intake/pushes/keep_of_closing"), values)


def pushed_of_closing(connection: Connection, closing_no: int) -> tuple[PushedWords, ...]:
    """What a closing kept of it; what auditors may read is enough."""
    rows = connection.execute(statement("intake/pushes/of_closing"), {"closing_no": closing_no})
    return tuple(value_of(PushedWords, row) for row in rows)
