"""The lists of who sees which agencies' rows."""

from __future__ import annotations

from motcua.jobs.listing.reading import Listing
from motcua.store.people import list_agencies_of_users, list_agency_of_user_changes

GRANTS = Listing(
    "grants", lambda connection, asked, most, skipped: list_agencies_of_users(connection)[skipped : skipped + most]
)
GRANT_CHANGES = Listing(
    "grant_changes",
    lambda connection, asked, most, skipped: list_agency_of_user_changes(connection, skipped + most)[skipped:],
)
