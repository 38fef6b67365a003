"""Gateways as senders open them: what their connections say is kept in the ledger, for pages that have none of them."""

from __future__ import annotations

from datetime import UTC, datetime

from motcua.domain.routing import CARRIERS
from motcua.gateways import GatewayMisconfigured, open_gateway
from motcua.gateways.adapter import Gateway
from motcua.store.ledger.database import Connection
from motcua.store.notices.gateways import GatewayOpening, ensure_gateway, note_opening


def open_and_note(ledger: Connection, name: str) -> Gateway:
    """The gateway's adapter, ready to use; what its connection says, or what is wrong with it, is kept.

    Raises:
        GatewayMisconfigured: its connection is missing or names an adapter that does not exist; that is kept, too.
    """
    ensure_gateway(ledger, name)
    now = datetime.now(UTC)
    try:
        gateway = open_gateway(name)
    except GatewayMisconfigured as failure:
        note_opening(ledger, GatewayOpening(name, now, str(failure)))
        raise
    address = gateway.address
    carriers = None if address.carriers == CARRIERS else tuple(sorted(address.carriers))
    note_opening(
        ledger, GatewayOpening(name, now, None, carriers, address.segments_per_second, address.segments_per_day)
    )
    return gateway
