"""Store figures of the national portal, and compare them with closings, the ledger's stored figures of a period.

New figures are added to the stored ones. The newest figures of an agency and period count.
"""

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
    """The figures of one agency and period, from one line of a file."""

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
    """Store new figures in ``motcua.portal_figures`` and return them.

    Ignore figures that equal the newest stored figures of their agency and period. Also ignore figures that the same
    file gave before.

    Args:
        connection: a connection to the ledger; nobody else can store figures until its transaction ends.
        figures: the figures; a pair of agency and period occurs only once.
        handed_in_by: the person who hands the file in.
        handed_in_at: when the file was handed in.
        file: name and SHA-256 of the file.
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
    """Compare the portal's figures of these periods with the closings of the periods (from ``audit.portal_figures``).

    The rights of an auditor are enough.

    Args:
        connection: a connection to the ledger.
        periods: days or months, written as in closings, for example ``2026-11``.
        agency_code: compare only this agency; ``None`` compares all.
        up_to: the number of the newest closing that counts; ``None`` counts all.
    """
    asked = {"periods": list(periods), "agency_code": agency_code, "up_to": up_to}
    handed_in = connection.execute(statement("intake/portal_figures/of_periods"), asked).fetchall()
    if not handed_in:
        return []
    counted = connection.execute(statement("intake/portal_figures/counted"), asked)
    return compare(
        (value_of(PortalFigures, row) for row in handed_in), (value_of(CountedDossiers, row) for row in counted)
    )
