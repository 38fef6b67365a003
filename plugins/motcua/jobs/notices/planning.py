"""Plans messages: makes at most one message for each occasion, and records for every transition what planning decided.

An *occasion* is one entry of a dossier into a state that calls for a message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from motcua.domain.occasions import (
    Confirmation,
    NewMessage,
    PlanningResult,
    PlanningRules,
    plan_dossier,
)
from motcua.domain.routing import carrier_of_msisdn
from motcua.domain.run_window import EVERYTHING, Window
from motcua.domain.texts import Template, render
from motcua.jobs.notices.sending.heartbeat import beating
from motcua.settings import settings
from motcua.store.ledger.database import Connection, connect
from motcua.store.notices.dossiers import DossierToPlan, lock_dossiers_to_plan
from motcua.store.notices.gaps import adopt_lost
from motcua.store.notices.messages import (
    PlannedMessage,
    make_due,
    messages_of,
    reopen_confirmed,
    reopen_mended,
    save_messages,
)
from motcua.store.notices.templates import load_templates
from motcua.store.notices.transitions import histories, settle_transitions, unplanned_dossiers

_BATCH = 1000


@dataclass(slots=True)
class PlanCounts:
    """Counts of one planning."""

    transitions: int = 0
    messages: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    suppressed_by_reason: dict[str, int] = field(default_factory=dict)
    reopened: int = 0
    made_due: int = 0
    told_before: int = 0
    """Number of messages that are not sent again, because they were sent, or may have been sent, before the ledger was
    restored."""


def planning_rules() -> PlanningRules:
    """Return the planning rules as set for this deployment."""
    return PlanningRules(settings().useful_for, settings().already_told_within)


@beating()
def plan(window: Window = EVERYTHING, now: datetime | None = None) -> PlanCounts:
    """Plan all unplanned transitions, or only the transitions of a window. Also queue messages again that failed
    because of a wrong phone number, if the number was corrected since.

    With a window (a backfill), messages of the window that failed for a passing reason also become due at once.
    Planning the same transitions again, or twice at the same time, makes no second message.
    """
    moment = now or datetime.now(UTC)
    counts = PlanCounts()
    templates = load_templates()
    after = 0
    while True:
        with connect() as connection:
            dossier_ids = unplanned_dossiers(connection, **window.bounds, after=after, limit=_BATCH)
            if not dossier_ids:
                break
            after = dossier_ids[-1]
            _plan_batch(connection, dossier_ids, templates, moment, counts, window)
    with connect() as connection:
        counts.reopened += reopen_mended(connection, window, moment)
        counts.told_before += adopt_lost(connection, moment)
        if window is not EVERYTHING:
            counts.made_due = make_due(connection, window, moment)
    return counts


def _plan_batch(
    connection: Connection,
    dossier_ids: Sequence[int],
    templates: Mapping[str, Template],
    now: datetime,
    counts: PlanCounts,
    window: Window,
) -> None:
    dossiers = lock_dossiers_to_plan(connection, dossier_ids, now)
    ids = [dossier.dossier_id for dossier in dossiers]
    transitions = histories(connection, ids)
    messages = messages_of(connection, ids)
    rules = planning_rules()
    new: list[PlannedMessage] = []
    outcomes: list[tuple[int, PlanningResult, int | None]] = []
    confirmed: list[Confirmation] = []
    for dossier in dossiers:
        dossier_plan = plan_dossier(
            dossier.facts,
            transitions.get(dossier.dossier_id, ()),
            messages.get(dossier.dossier_id, ()),
            now,
            rules,
        )
        # A backfill plans only its window. Transitions outside the window are left to the next run.
        beyond = {m.transition_id for m in dossier_plan.messages if not window.holds(m.recorded_at)}
        new.extend(
            _planned_message(message, dossier, templates)
            for message in dossier_plan.messages
            if message.transition_id not in beyond
        )
        outcomes.extend(
            (transition_id, outcome, begun_by)
            for transition_id, outcome, begun_by in dossier_plan.outcomes
            if begun_by not in beyond
        )
        confirmed.extend(dossier_plan.confirmed)
    for saved in save_messages(connection, new, now):
        counts.messages += 1
        counts.by_state[saved.state] = counts.by_state.get(saved.state, 0) + 1
        if saved.state == "suppressed" and saved.reason is not None:
            reasons = counts.suppressed_by_reason
            reasons[saved.reason] = reasons.get(saved.reason, 0) + 1
    counts.reopened += reopen_confirmed(connection, confirmed, now)
    settle_transitions(connection, outcomes, now)
    # After a restore, the ledger may have lost attempts that the journal (files outside the ledger) has. Such attempts
    # are assigned to messages that exist again, so the planned messages must be saved before.
    counts.told_before += adopt_lost(connection, now)
    counts.transitions += len(outcomes)


def _planned_message(message: NewMessage, dossier: DossierToPlan, templates: Mapping[str, Template]) -> PlannedMessage:
    return PlannedMessage(
        kind=message.kind,
        dossier_id=dossier.dossier_id,
        agency_code=dossier.agency_code,
        procedure_code=dossier.procedure_code,
        occasion=f"transition {message.transition_id}",
        transition_id=message.transition_id,
        state=message.state,
        reason=message.reason,
        msisdn=dossier.msisdn,
        carrier=carrier_of_msisdn(dossier.msisdn) if dossier.msisdn else None,
        words=render(
            templates[message.kind],
            {"dossier_code": dossier.dossier_code, "agency_name": dossier.agency_name},
            dossier.accented,
        ),
        occurred_at=message.occurred_at,
        recorded_at=message.recorded_at,
        useful_until=message.useful_until,
        next_attempt_at=message.next_attempt_at,
    )
