"""Take and release advisory locks: of leader and standbys, of gateways and request slots, and of exclusive jobs.

PostgreSQL releases a lock when the connection that holds it ends. A *request slot* is the right to have one request
open at a gateway.
"""

from __future__ import annotations

from collections.abc import Sequence

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first

LEADING = 1
"""The leader holds this lock. The leader is the sender that reads new rows of the sources for all senders. Each sender
also holds a lock of its own, whose number is random and large."""
CHECKING = 2
"""The running check of data quality holds this lock, because all checks write their snapshot into the same tables."""
CLOSING = 3
"""The process that closes a period holds this lock, because all closings are counted in the same scratch table."""
PUBLISHING = 4
"""The process that publishes holds this lock, because each publication contains the checksum of the one before."""
# The function motcua.wait_for_settings takes lock 5 while agencies' settings are changed or imported.
LOOKING_AT_GAP = 6
"""A process holds this lock while it records or examines a gap: a time of which the ledger may lack data."""
# The function motcua.wait_for_emptying takes lock 7 while personal data is emptied.
COMPARING = 8
"""A process holds this lock while it stores figures of the portal, because new figures are compared with the newest
stored ones."""

WATCHING = 9
"""The watchers share this lock. A watcher queries sources for new rows. Each watcher takes the lock when it has checked
all its sources once, and holds the lock until the watcher ends."""
RENEWING = 10
"""A process holds this lock while it renews a gateway's tokens, because a refresh token works only once."""
MIGRATING = 11
"""A process holds this lock while it migrates the ledger. When the process ends, PostgreSQL releases the lock. The row
of yoyo's own lock can remain."""
_STANDING_BY = 1000
"""The first lock number of the standbys: senders that wait to become leader."""


def take_standby_place(connection: Connection, places: int) -> int | None:
    """Take one of ``places`` standby places and return its lock number, or ``None`` if all places are taken.

    The lock is held until it is released or this connection ends.
    """
    locks = range(_STANDING_BY, _STANDING_BY + places)
    return next((number for number in locks if hold_lock(connection, number)), None)


def has_standby(connection: Connection, places: int) -> bool:
    """Return whether at least one of the standby places is taken."""
    return any(is_held(connection, number) for number in range(_STANDING_BY, _STANDING_BY + places))


def hold_lock(connection: Connection, number: int) -> bool:
    """Take a lock until this connection ends. Return ``False`` if another connection holds the lock."""
    return bool(first(connection.execute(statement("locks/hold"), {"number": number}), "held"))


def release_lock(connection: Connection, number: int) -> None:
    """Release a lock."""
    connection.execute(statement("locks/release"), {"number": number})


def is_held(connection: Connection, number: int) -> bool:
    """Return whether any connection to this database holds the lock."""
    return lock_holders(connection, number) > 0


def share_lock(connection: Connection, number: int) -> None:
    """Take a shared lock until this connection ends, unless another connection holds the lock exclusively.

    A connection may do this only once for a lock.
    """
    connection.execute(statement("locks/share"), {"number": number})


def lock_holders(connection: Connection, number: int) -> int:
    """Return how many connections to this database hold the lock."""
    return int(first(connection.execute(statement("locks/holders"), {"number": number}), "connections") or 0)


def wait_for_lock(connection: Connection, number: int) -> None:
    """Wait until no other connection holds the lock, and hold it until this transaction ends."""
    connection.execute(statement("locks/wait"), {"number": number})


def share_gateway(connection: Connection, gateway: str) -> None:
    """Count this connection among the connections with requests for a gateway.

    The counting ends with ``leave_gateway``, or when the connection ends. Until then, the caller must not call this
    function again for the same gateway.
    """
    connection.execute(statement("locks/share_gateway"), {"gateway": gateway})


def leave_gateway(connection: Connection, gateway: str) -> None:
    """Stop counting this connection among the connections with requests for a gateway."""
    connection.execute(statement("locks/leave_gateway"), {"gateway": gateway})


def sharing_gateway(connection: Connection, gateway: str) -> int:
    """Return how many connections have requests for a gateway."""
    return int(first(connection.execute(statement("locks/sharing_gateway"), {"gateway": gateway}), "connections") or 0)


def take_slots(connection: Connection, gateway: str, slots: Sequence[int], wanted: int) -> list[int]:
    """Take up to ``wanted`` free request slots of a gateway among ``slots``, and return their numbers.

    Slots are numbered from 1. This connection must not hold any of the given slots.
    """
    values = {"gateway": gateway, "slots": list(slots), "wanted": wanted}
    return [row["slot"] for row in connection.execute(statement("locks/take_slots"), values)]


def give_slots_back(connection: Connection, gateway: str, slots: Sequence[int]) -> None:
    """Release request slots of a gateway."""
    connection.execute(statement("locks/give_slots_back"), {"gateway": gateway, "slots": list(slots)})
