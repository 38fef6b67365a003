"""One fault a day, planted in the demo, so that whoever watches sees an alert come and go in the mailbox.

It stops the gateway for a carrier that no invented phone is of: nobody waits for a message because of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from motcua.sandbox.machine.deployment import Deployment
from motcua.store.ledger.database import Connection
from motcua.store.notices.gateways import GatewayStop, end_trial, ensure_gateway, stop_gateway

BEGINS_AFTER = timedelta(minutes=11)
"""From the demo's start on: its evening, its morning and its reconciliation have come by then."""
LASTS = timedelta(minutes=5)
"""Long enough for the watch to be sure of it."""
GATEWAY, CARRIER = "kannel", "Wintel"
_BY, _REASON = "demo", "the demo's fault of the day, to show an alert"


class DailyFault:
    """Begins and ends the fault when its time comes."""

    def __init__(self, deployment: Deployment, now: datetime) -> None:
        self._deployment = deployment
        self._begins_at = now + BEGINS_AFTER
        self._stop: GatewayStop | None = None
        with self._deployment.ledger() as ledger:
            # What a former start left.
            self._lift(ledger, self._planted(now - LASTS), now)

    def look(self, now: datetime) -> str | None:
        """Begins or ends it where that is due, and says so.

        Raises:
            psycopg.Error: the ledger does not answer; the next look tries again.
        """
        if self._stop is not None and now >= self._stop.until:
            with self._deployment.ledger() as ledger:
                self._lift(ledger, self._stop, now)
            self._stop = None
            return f"the fault of the day is over: {GATEWAY} takes messages to {CARRIER} again"
        if self._stop is None and now >= self._begins_at:
            planted = self._planted(now)
            with self._deployment.ledger() as ledger:
                ensure_gateway(ledger, GATEWAY)
                stop_gateway(ledger, planted, changed_by=_BY)
            self._stop, self._begins_at = planted, self._begins_at + timedelta(days=1)
            minutes = LASTS.total_seconds() / 60
            return (
                f"the fault of the day: {GATEWAY} takes nothing to {CARRIER} for {minutes:.0f} minutes; see the mailbox"
            )
        return None

    @staticmethod
    def _planted(now: datetime) -> GatewayStop:
        return GatewayStop(GATEWAY, "carrier", CARRIER, now, now + LASTS, _REASON, by_hand=True)

    @staticmethod
    def _lift(ledger: Connection, stop: GatewayStop, now: datetime) -> None:
        end_trial(ledger, stop, now, changed_by=_BY)
