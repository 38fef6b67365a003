"""What a run leaves that may be retried: why its gate is red."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from motcua.domain.checks import Finding, fault
from motcua.domain.run_window import EVERYTHING, Window
from motcua.jobs.restoring.gaps import finding_of_gap
from motcua.settings import settings
from motcua.store.ledger.database import connect
from motcua.store.notices import attempts, messages
from motcua.store.notices.gaps import open_gap
from motcua.store.notices.gateways import GatewayStop, gateway_stops


def unresolved(run_id: str, window: Window = EVERYTHING, now: datetime | None = None) -> Sequence[Finding]:
    """What a run leaves that failed and may be retried, in words; empty: nothing. Names counts and reasons only."""
    moment = now or datetime.now(UTC)
    with connect() as ledger:
        gap = open_gap(ledger)
        left = [] if gap is None else [finding_of_gap(gap)]
        left += [
            fault(
                "attempts_failed",
                str(each.outcome),
                f"{each.unresolved} message(s) {each.outcome}",
                messages=each.unresolved,
                outcome=each.outcome,
            )
            for each in attempts.attempts_of_run(ledger, run_id)
            if each.unresolved
        ]
        stops = gateway_stops(ledger)
        due = messages.waiting(ledger, window, moment, _carriers(stops)).due if stops else 0
        # With messages due what was stopped counts until it is tried again, also just after its pause.
        longest = settings().gateway_stop if due else timedelta(0)
        stops = [stop for stop in stops if stop.until > moment - (longest if stop.pause is not None else timedelta(0))]
        if stops and due:
            left.append(fault("messages_held_up", "", f"{due} message(s) due while a gateway is stopped", messages=due))
        left += [stop.finding for stop in stops if not stop.by_hand]
    return left


def _carriers(stops: Sequence[GatewayStop]) -> list[str] | None:
    """Carriers whose messages the stops hold up; ``None``: there is a stop that is not of one carrier."""
    return [stop.subject for stop in stops] if all(stop.concerns == "carrier" for stop in stops) else None
