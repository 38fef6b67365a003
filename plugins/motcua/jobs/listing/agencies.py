"""Define the lists of agencies with their settings, and of the users who may see an agency's rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from motcua.domain.clock import VIETNAM
from motcua.jobs.handed_in.agencies import settings_of
from motcua.jobs.listing.asking import Asked
from motcua.jobs.listing.reading import Listing
from motcua.reports.agency_settings import setting_in_words, settings_words
from motcua.reports.lists import Cell, Link, OwnCell, Seen, Word
from motcua.store.agencies import in_force
from motcua.store.ledger.database import Connection
from motcua.store.people import list_agencies_of_users, list_agency_of_user_changes


def _read_settings(connection: Connection, asked: Asked, most: int, skipped: int) -> Sequence[Mapping[str, Any]]:
    """Return the settings of the agencies. Each row has under ``now`` the agency's name and the agency in charge as of
    today."""
    names = in_force(connection, datetime.now(VIETNAM).date())
    return [
        settings_of(each) | {"aliases": ", ".join(each.aliases), "now": names[each.agency_code]}
        for each in asked.agencies[skipped : skipped + most]
    ]


def _same_day_cell(row: Mapping[str, Any], seen: Seen) -> Cell:
    """Return the cell of the setting for same-day dossiers. If dossiers of only some procedures get no messages, the
    cell has the number of these procedures."""
    named = row["same_day_procedures"]
    some = settings_words()["some_procedures"].format(number=len(named)) if named else ""
    code = (", ".join(named) or "excluded") if row["same_day_excluded"] else "told"
    return Word(code, some or setting_in_words("same_day_excluded", row["same_day_excluded"], {}), None)


def _setting_cell(name: str, code: str = "") -> OwnCell:
    """Return a cell function that shows a setting in words.

    Args:
        name: name of the setting.
        code: text that a command writes if the setting is set; by default the setting's value.
    """
    return lambda row, seen: Word(
        (code or str(row[name])) if row[name] else "", setting_in_words(name, row[name], {}), None
    )


AGENCIES = Listing(
    "settings",
    _read_settings,
    {
        "agency": lambda row, seen: Link(row["now"].name, f"/settings/agency?{urlencode({'code': row['code']})}"),
        "in_charge": lambda row, seen: row["now"].in_charge if row["now"].in_charge != row["code"] else None,
        "accented": _setting_cell("accented", "yes"),
        "same_day": _same_day_cell,
        "result_hold": lambda row, seen: Word(
            row["result_hold"] if row["result_hold"] != "PT0S" else "",
            setting_in_words("result_hold", row["result_hold"], {}),
            None,
        ),
        "waits_for_opening": _setting_cell("waits_for_opening", "yes"),
        "apology_day": lambda row, seen: Word(
            row["apology_day"] if row["apology_day"] != "calendar" else "",
            setting_in_words("apology_day", row["apology_day"], {}),
            None,
        ),
        "kinds_off": lambda row, seen: (
            Word(", ".join(row["kinds_off"]), setting_in_words("kinds_off", row["kinds_off"], {}), None)
            if row["kinds_off"]
            else None
        ),
    },
)


# --- Users who may see an agency's rows ------------------------------------------------------------------------------

GRANTS = Listing(
    "grants", lambda connection, asked, most, skipped: list_agencies_of_users(connection)[skipped : skipped + most]
)
GRANT_CHANGES = Listing(
    "grant_changes",
    lambda connection, asked, most, skipped: list_agency_of_user_changes(connection, skipped + most)[skipped:],
)
