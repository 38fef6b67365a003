"""Cause one fault a day in the demo, so that its user sees in the mailbox how an alert is raised and ends.

The fault is a pause of the gateway that serves a certain carrier, only for messages to this carrier. No invented phone
belongs to this carrier, so no message waits because of the fault.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from motcua.domain.routing import CARRIERS, Route, assign_carriers
from motcua.sandbox.machine.deployment import Deployment
from motcua.settings import settings
from motcua.store.ledger.database import Connection
from motcua.store.notices.gateways import (
    GatewayStop,
    end_trial,
    ensure_gateway,
    gateway_openings,
    gateway_stops,
    stop_gateway,
)

BEGINS_AFTER = timedelta(minutes=11)
"""Delay from the demo's start to the first fault. By then the demo has sent its apologies, checked the quality of its
data and stored the figures of the day before."""
LASTS = timedelta(minutes=5)
"""Duration of the fault, long enough for the watch to raise an alert."""
CARRIER = "Wintel"
_BY, _REASON = "demo", "the demo's fault of the day, to show an alert"


class DailyFault:
    """Begins the fault once a day, the first time when ``BEGINS_AFTER`` has passed, and ends it after ``LASTS``."""

    def __init__(self, deployment: Deployment, now: datetime) -> None:
        self._deployment = deployment
        self._begins_at = now + BEGINS_AFTER
        self._stop: GatewayStop | None = None
        with self._deployment.ledger() as ledger:
            # An earlier start of the demo may have left the gateway pause of its fault, at any gateway.
            for left in gateway_stops(ledger):
                if left.reason == _REASON:
                    self._lift(ledger, left, now)

    def look(self, now: datetime) -> str | None:
        """Begin or end the fault if it is time for that.

        Return a line that reports the change; ``None`` if nothing changed.

        Raises:
            psycopg.Error: the ledger does not answer; the next call tries again.
        """
        if self._stop is not None and now >= self._stop.until:
            with self._deployment.ledger() as ledger:
                self._lift(ledger, self._stop, now)
            over, self._stop = self._stop, None
            return f"the demo's fault of the day is over: {over.gateway} accepts messages to {CARRIER} again"
        if self._stop is None and now >= self._begins_at:
            self._begins_at += timedelta(days=1)
            with self._deployment.ledger() as ledger:
                gateway = _gateway_of_carrier(ledger)
                if gateway is None:
                    return f"the demo has no fault today, because no gateway accepts messages to {CARRIER}"
                planted = GatewayStop(gateway, "carrier", CARRIER, now, now + LASTS, _REASON, by_hand=True)
                ensure_gateway(ledger, gateway)
                stop_gateway(ledger, planted, changed_by=_BY)
            self._stop = planted
            minutes = LASTS.total_seconds() / 60
            return (
                f"the demo's fault of the day begins: {gateway} accepts no messages to {CARRIER} for "
                f"{minutes:.0f} minutes; the mailbox shows the alert"
            )
        return None

    @staticmethod
    def _lift(ledger: Connection, stop: GatewayStop, now: datetime) -> None:
        end_trial(ledger, stop, now, changed_by=_BY)


def _gateway_of_carrier(ledger: Connection) -> str | None:
    """Return the configured gateway that serves the carrier; ``None`` if none does.

    A gateway that no sender has opened yet counts as serving every carrier.
    """
    opened = gateway_openings(ledger)
    routes = [
        Route(name, CARRIERS if carriers is None else frozenset(carriers), stopped=False, stopped_carriers=frozenset())
        for name in settings().gateways
        for carriers in [opened[name].carriers if name in opened else None]
    ]
    return next((name for name, carriers in assign_carriers(routes).items() if CARRIER in carriers), None)
