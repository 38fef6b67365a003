"""What the page *Nguồn dữ liệu* shows of software that pushes to us, of the last seven days.

What a client pushed is of all its agencies together, so that those alone see figures of it who may see all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from motcua.domain.clock import VIETNAM
from motcua.jobs.exports.taking import ADAPTER as BY_FILES
from motcua.reports import wording
from motcua.reports.lists.files import Row
from motcua.settings import settings
from motcua.store.agencies import list_agencies
from motcua.store.intake.clients import Client, list_clients
from motcua.store.intake.watching import FaultSum, SupplementsUntold, fault_sums, supplements_untold
from motcua.store.ledger.database import Connection
from motcua.store.watching.watch import list_alerts

_LOOKS_BACK = timedelta(days=7)
_MOST_ALERTS = 200

OWN_COLUMNS = ("client", "source", "last_push", "push_state")
CLIENT_COLUMNS = (
    "client",
    "source",
    "last_push",
    "calls",
    "taken",
    "repeated",
    "refused",
    "steps_waiting",
    "push_state",
)
FAULT_COLUMNS = ("client", "fault", "field", "records", "last_push")
SUPPLEMENT_COLUMNS = ("source", "agency_code", "agency", "supplements_untold")


@dataclass(frozen=True, slots=True)
class Pushes:
    """Clients, what was wrong in their pushes, and the supplements that nobody could be told of."""

    clients: Sequence[Client]
    silent: frozenset[str]
    """Names of those of which the watch says that they are silent."""
    faults: Sequence[FaultSum]
    untold: Sequence[SupplementsUntold]
    names: Mapping[str, str]
    """Agency code → name."""

    def state_of(self, client: Client) -> str:
        """How a client is, in words."""
        said = wording.list_words()["pushed"]["state"]
        if client.disabled_at is not None:
            return str(said["disabled"])
        if client.last_call_at is None:
            return str(said["never"])
        return str(said["silent" if client.name in self.silent else "pushes"])

    @staticmethod
    def fault_of(fault: FaultSum) -> str:
        """What was wrong, in words; its own name where there are none."""
        return str(wording.list_words()["pushed"]["fault"].get(fault.fault, fault.fault))

    @property
    def client_rows(self) -> list[Row]:
        """As CLIENT_COLUMNS."""
        return [
            [
                each.name, each.source, each.last_call_at, each.calls, each.taken, each.repeated, each.refused,
                each.waiting, self.state_of(each),
            ]
            for each in self.clients
        ]  # fmt: skip

    @property
    def own_rows(self) -> list[Row]:
        """As OWN_COLUMNS."""
        return [[each.name, each.source, each.last_call_at, self.state_of(each)] for each in self.clients]

    @property
    def fault_rows(self) -> list[Row]:
        """As FAULT_COLUMNS."""
        return [[each.client, self.fault_of(each), each.field, each.records, each.last_at] for each in self.faults]

    @property
    def supplement_rows(self) -> list[Row]:
        """As SUPPLEMENT_COLUMNS."""
        return [
            [each.source, each.agency_code, self.names.get(each.agency_code, each.agency_code), each.dossiers]
            for each in self.untold
        ]


def pushes_shown(connection: Connection, agencies: Sequence[str] | None, now: datetime) -> Pushes:
    """Clients that may write for these agencies; or (``None``) all, with what was wrong in their pushes.

    Nobody signs in with the account of a source whose software drops files: it is none that pushes.
    """
    first = (now - _LOOKS_BACK).astimezone(VIETNAM).date()
    midnight = datetime.combine(first, datetime.min.time(), VIETNAM)
    alerts = list_alerts(connection, now, _MOST_ALERTS)
    return Pushes(
        clients=[
            each
            for each in list_clients(connection, first, agencies)
            if settings().sources.get(each.source) != BY_FILES
        ],
        silent=frozenset(each.subject for each in alerts if each.name == "push_silent" and each.over_at is None),
        faults=fault_sums(connection, first) if agencies is None else (),
        untold=supplements_untold(connection, midnight, now, agencies),
        names={each.agency_code: each.name for each in list_agencies(connection)},
    )
