"""What the page *Nguồn dữ liệu* shows of software that pushes to us, of the last seven days.

What a client pushed is of all its agencies together, so that those alone see figures of it who may see all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from motcua.domain.clock import VIETNAM
from motcua.jobs.exports.taking import ADAPTER as BY_FILES
from motcua.jobs.listing.reading import Listing
from motcua.reports import wording
from motcua.reports.lists.declared import Seen
from motcua.reports.lists.files import Cell, Word
from motcua.settings import settings
from motcua.store.intake.clients import Client, list_clients
from motcua.store.intake.watching import fault_sums, supplements_untold
from motcua.store.ledger.database import Connection
from motcua.store.watching.watch import list_alerts

_LOOKS_BACK = timedelta(days=7)
_MOST_ALERTS = 200


def pushes_shown(connection: Connection, agencies: Sequence[str] | None, now: datetime) -> dict[str, Listing]:
    """Lists of clients that may write for these agencies; or (``None``) of all, with what was wrong in their pushes.

    Nobody signs in with the account of a source whose software drops files: it is none that pushes.
    """
    said = wording.list_words()["pushed"]
    first = (now - _LOOKS_BACK).astimezone(VIETNAM).date()
    midnight = datetime.combine(first, datetime.min.time(), VIETNAM)
    alerts = list_alerts(connection, now, _MOST_ALERTS)
    silent = frozenset(each.subject for each in alerts if each.name == "push_silent" and each.over_at is None)
    clients = [
        each for each in list_clients(connection, first, agencies) if settings().sources.get(each.source) != BY_FILES
    ]

    def state_of(client: Client, seen: Seen) -> Cell:
        if client.disabled_at is not None:
            return Word("disabled", said["state"]["disabled"], None)
        if client.last_call_at is None:
            return Word("never", said["state"]["never"], None)
        name = "silent" if client.name in silent else "pushes"
        return Word(name, said["state"][name], "warn" if name == "silent" else None)

    return {
        "pushes": Listing("pushes").of(clients, push_state=state_of),
        "push_faults": Listing("push_faults").of(
            fault_sums(connection, first) if agencies is None else (),
            fault=lambda row, seen: str(said["fault"].get(row.fault, row.fault)),
        ),
        "supplements": Listing("supplements").of(supplements_untold(connection, midnight, now, agencies)),
    }
