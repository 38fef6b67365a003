"""Figures of the national portal that were handed in to be compared with closings: each is kept, the newest counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.domain.intake.portal_figures import ComparedAgency, CountedDossiers, PortalFigures, compare
from motcua.store.ledger.database import Connection
from motcua.store.ledger.locks import COMPARING, wait_for_lock
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import recordset, value_of


@dataclass(frozen=True, slots=True)
class NewPortalFigures:
    """What a line of a file says of one agency and period."""

    agency_code: str
    period: str
    received: int
    resolved: int
    returned: int | None
    file_line: int


def save_portal_figures(
    connection: Connection,
    figures: Iterable[NewPortalFigures],
    handed_in_by: str,
    handed_in_at: datetime,
    *,
    file: tuple[str, str],
) -> list[PortalFigures]:
    """Keeps what is new and gives it; what stands there already, or was in this very file before, adds nothing.

    Args:
        connection: to the ledger; for the rest of its transaction nobody else hands in.
        figures: each agency and period once.
        handed_in_by: who.
        handed_in_at: when.
        file: name and SHA-256 of the file that they come from.
    """
    wait_for_lock(connection, COMPARING)
    parameters = {
        "rows": recordset(figures),
        "handed_in_by": handed_in_by,
        "handed_in_at": handed_in_at,
        "file_name": file[0],
        "file_sha256": file[1],
    }
    rows = connection.execute(statement("intake/portal_figures/save"), parameters)
    return [value_of(PortalFigures, row) for row in rows]


def compare_periods(
    connection: Connection, periods: Sequence[str], *, agency_code: str | None = None, up_to: int | None = None
) -> list[ComparedAgency]:
    """What was handed in of these periods against their closings; what auditors may read is enough.

    Args:
        connection: to the ledger.
        periods: days or months, as closings write them.
        agency_code: of this agency alone; ``None``: of all.
        up_to: number of the newest closing that counts; ``None``: all do.
    """
    asked = {"periods": list(periods), "agency_code": agency_code, "up_to": up_to}
    handed_in = connection.execute(statement("intake/portal_figures/of_periods"), asked).fetchall()
    if not handed_in:
        return []
    counted = connection.execute(statement("intake/portal_figures/counted"), asked)
    return compare(
        (value_of(PortalFigures, row) for row in handed_in), (value_of(CountedDossiers, row) for row in counted)
    )
