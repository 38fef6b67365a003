"""The lists of dossiers that a code or a phone number may mean, and of what happened to one."""

from __future__ import annotations

from motcua.domain.phones.reading import hide_phones
from motcua.jobs.explaining.dossiers import status_name
from motcua.jobs.listing.reading import Listing
from motcua.reports.explaining import clauses
from motcua.reports.lists import Cell, Seen
from motcua.store.dossiers import DossierFound


def _step(row: DossierFound, seen: Seen) -> Cell:
    return hide_phones(row.step_name or status_name(row.status_code) or "") or None


DOSSIERS = Listing("dossiers", cells={"step": _step})
AXIS = Listing(
    "axis",
    cells={
        "sort": lambda row, seen: clauses()["axis"]["sort"][row.sort],
        "details": lambda row, seen: "; ".join(row.details) or None,
    },
)
