"""Advisory locks: who is alive, who goes on for all, whose a gateway's slots are. PostgreSQL frees them when their
connection ends."""

from __future__ import annotations

from collections.abc import Sequence

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first

LINGERING = 1
"""Held by the sender that leads: it picks up news for all. Senders' own numbers are random and large."""
CHECKING = 2
"""Held by the one check of data quality: there is one snapshot."""
CLOSING = 3
"""Held by the one that closes a period: there is one scratch table."""
PUBLISHING = 4
"""Held by whoever publishes: publications make a chain."""
# 5 is held by whoever sets or imports settings of agencies: motcua.wait_for_settings.
LOOKING_AT_GAP = 6
"""Held by whoever notices a gap in the ledger, or looks at one."""
# 7 is held by whoever empties personal data: motcua.wait_for_emptying.
COMPARING = 8
"""Held by whoever hands in figures of the portal: what is new is judged by the newest that are there."""

WATCHING = 9
"""Shared by the watchers of sources that live and have looked at all theirs; each has it once."""
RENEWING = 10
"""Held by whoever renews tokens of a gateway: a refresh token works once."""
_STANDING_BY = 1000
"""And on: places of senders that go on beside the one that leads."""


def stand_by(connection: Connection, places: int) -> int | None:
    """Takes one of so many places beside the sender that leads, and returns its lock, which is held until it is given
    back or this connection ends; ``None``: others have them all."""
    locks = range(_STANDING_BY, _STANDING_BY + places)
    return next((number for number in locks if hold_lock(connection, number)), None)


def somebody_stands_by(connection: Connection, places: int) -> bool:
    """Whether one of so many places beside the sender that leads is taken."""
    return any(is_held(connection, number) for number in range(_STANDING_BY, _STANDING_BY + places))


def hold_lock(connection: Connection, number: int) -> bool:
    """Takes the lock for as long as this connection lives; ``False``: another connection has it."""
    return bool(first(connection.execute(statement("locks/hold"), {"number": number}), "held"))


def release_lock(connection: Connection, number: int) -> None:
    """Gives the lock back."""
    connection.execute(statement("locks/release"), {"number": number})


def is_held(connection: Connection, number: int) -> bool:
    """Whether any connection to this database has the lock."""
    return lock_holders(connection, number) > 0


def share_lock(connection: Connection, number: int) -> None:
    """Has the lock together with others for as long as this connection lives; to be taken once."""
    connection.execute(statement("locks/share"), {"number": number})


def lock_holders(connection: Connection, number: int) -> int:
    """How many connections to this database have the lock."""
    return int(first(connection.execute(statement("locks/holders"), {"number": number}), "connections") or 0)


def wait_for_lock(connection: Connection, number: int) -> None:
    """Waits until no other connection has the lock, and holds it for the rest of this transaction."""
    connection.execute(statement("locks/wait"), {"number": number})


def share_gateway(connection: Connection, gateway: str) -> None:
    """Counts this connection among those that have requests for a gateway, until it leaves or ends; once only."""
    connection.execute(statement("locks/share_gateway"), {"gateway": gateway})


def leave_gateway(connection: Connection, gateway: str) -> None:
    """Counts this connection no longer."""
    connection.execute(statement("locks/leave_gateway"), {"gateway": gateway})


def sharing_gateway(connection: Connection, gateway: str) -> int:
    """How many connections have requests for a gateway."""
    return int(first(connection.execute(statement("locks/sharing_gateway"), {"gateway": gateway}), "connections") or 0)


def take_slots(connection: Connection, gateway: str, slots: Sequence[int], wanted: int) -> list[int]:
    """Takes up to ``wanted`` of these slots of a gateway (numbers from 1) that nobody has; returns which.

    This connection must have none of them.
    """
    values = {"gateway": gateway, "slots": list(slots), "wanted": wanted}
    return [row["slot"] for row in connection.execute(statement("locks/take_slots"), values)]


def give_slots_back(connection: Connection, gateway: str, slots: Sequence[int]) -> None:
    """Gives slots of a gateway back."""
    connection.execute(statement("locks/give_slots_back"), {"gateway": gateway, "slots": list(slots)})
