"""Shows which messages an agency would have sent if it had been enabled on a given day (the command's *dry run*).
People make a dry run before they enable the agency.

The dry run reads the sources and plans messages in memory. Each event is planned as if it had just been recorded. The
dry run writes and sends nothing, and blocks no other reading of the sources. The dry run does not cover apologies.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from motcua.domain.clock import VIETNAM
from motcua.domain.dossiers import (
    CleanDossier,
    Kind,
    Refused,
    RowContext,
    clean_dossier,
    clean_transition,
)
from motcua.domain.occasions import (
    BeginState,
    DossierFacts,
    NewMessage,
    PastMessage,
    PastTransition,
    PlanningResult,
    PlanningRules,
    condition_of,
    plan_dossier,
    was_handed_over,
    was_typed_in_late,
)
from motcua.domain.phones.reading import mask_msisdn, read_phone, to_local
from motcua.domain.texts import render
from motcua.jobs.notices.picking_up import connection_id
from motcua.jobs.notices.planning import planning_rules
from motcua.settings import settings
from motcua.sources import adapter
from motcua.sources.contract import ContractSource, Key
from motcua.store.agencies import Agency, UnknownAgency, find_agency, in_force, list_agencies
from motcua.store.ledger.database import connect, reason_without_values
from motcua.store.notices.sources import list_sources, status_map
from motcua.store.notices.templates import load_templates

End: TypeAlias = Literal["would_go", "held"] | BeginState
"""How a message would have ended: handed to the gateway, still on hold now, or ended without being sent.

In the last case, the value is the state that the message would have got, such as ``suppressed``.
"""

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A message that would have been planned."""

    kind: Kind
    end: End
    reason: str | None
    at: datetime
    """When the message would have been sent, or would have ended unsent. For a message on hold, when it is due."""


@dataclass(frozen=True, slots=True)
class DryMessage:
    """A message that would have been planned, with a masked phone number, so that it may be shown."""

    dossier_code: str
    message: Rehearsed
    phone: str
    """The masked number; empty if there is no number to text."""
    template: str
    segments: int


@dataclass(slots=True)
class DryRun:
    """The messages that an agency would have sent."""

    agency: Agency
    name_in_texts: str
    since: datetime
    until: datetime
    sources: list[str] = field(default_factory=list)
    """Names of the sources in which the agency has rows that are newer than ``since``."""
    failures: dict[str, str] = field(default_factory=dict)
    """For each source that could not be read, the reason. The result lacks the messages about the dossiers of these
    sources."""
    dossiers: int = 0
    transitions: int = 0
    unusable: Counter[str] = field(default_factory=Counter)
    """Number of rows that would have gone to quarantine, by reason."""
    messages: list[DryMessage] = field(default_factory=list)
    """Messages in the order in which they would have been sent or ended."""


def dry_run(code: str, since: datetime) -> DryRun:
    """Return the messages that an agency would have sent between ``since`` and now, with the agency's present settings
    in the ledger.

    Ignore whether the agency is enabled already. Use the present phone numbers. Plan events one by one, even if one run
    would have read several events together.

    Raises:
        UnknownAgency: the ledger has no agency with this code or alias.
    """
    moment = datetime.now(UTC)
    with connect() as ledger:
        agency = find_agency(list_agencies(ledger), code)
        if agency is None:
            raise UnknownAgency(f"There is no agency {code}: add it to FILE, then run motcua agencies import FILE.")
        name = in_force(ledger, moment.astimezone(VIETNAM).date())[agency.agency_code].name_in_texts
        statuses = {each.name: status_map(ledger, each.source_id, moment) for each in list_sources(ledger)}
    run = DryRun(agency, name, since, moment)
    for source, kind in settings().sources.items():
        context = RowContext(
            agencies=dict.fromkeys((agency.agency_code, *agency.aliases), agency.agency_code),
            statuses=statuses.get(source, {}),
            now=moment,
            clock_skew=settings().clock_skew,
        )
        try:
            with connect(connection_id(source)) as connection:
                reader = adapter(kind)(connection, source)
                reader.limit_time(settings().source_patience.total_seconds())
                found = _Reading(run, context, reader).run()
        except Exception as error:
            run.failures[source] = reason_without_values(error)
            continue
        if found:
            run.sources.append(source)
    run.messages.sort(key=lambda each: (each.message.at, each.dossier_code))
    return run


class _Reading:
    """Reads one source for one agency."""

    def __init__(self, run: DryRun, context: RowContext, source: ContractSource) -> None:
        self.dry_run, self.context, self.source = run, context, source
        self.templates = load_templates()
        self.rules = planning_rules()

    def run(self) -> bool:
        """Read the source. Return whether the source has new rows of the agency."""
        until = self.dry_run.until + self.context.clock_skew
        keys = dict.fromkeys(self._keys(self.source.transitions_between(self.dry_run.since, until)))
        # A source may record a change only in the dossier's row, without a transition.
        keys |= dict.fromkeys(self._keys(self.source.dossiers_since(self.dry_run.since, open_too=False)))
        listed = list(keys)
        for first in range(0, len(listed), _BATCH):
            self._read_dossiers(listed[first : first + _BATCH])
        return bool(listed)

    def _keys(self, rows: Iterable[object]) -> Iterable[Key]:
        for row in rows:
            agency_code, dossier_code = getattr(row, "agency_code", None), getattr(row, "dossier_code", None)
            if agency_code and unicodedata.normalize("NFC", agency_code).strip() in self.context.agencies:
                yield agency_code, dossier_code or ""

    def _read_dossiers(self, keys: Sequence[Key]) -> None:
        dossiers: dict[str, CleanDossier] = {}
        for dossier_row in self.source.dossiers_by_key(keys):
            try:
                dossier = clean_dossier(dossier_row, self.context)
            except Refused as refused:
                self.dry_run.unusable[refused.reason] += 1
                continue
            dossiers[dossier.dossier_code] = dossier
        histories: dict[str, dict[int, PastTransition]] = {code: {} for code in dossiers}
        substituted: set[int] = set()
        """Transitions without a time of their own, whose time was taken from another field."""
        for row in self.source.transitions_by_key(keys):
            try:
                step = clean_transition(row, self.context)
            except Refused as refused:
                self.dry_run.unusable[refused.reason] += 1
                continue
            if step.dossier_code not in histories:
                self.dry_run.unusable["dossier_missing"] += 1
                continue
            histories[step.dossier_code][step.source_transition_id] = PastTransition(
                step.source_transition_id,
                step.status_code,
                step.at_one_stop_desk,
                step.occurred_at,
                step.recorded_at,
                None,
            )
            if "occurred_at" in step.noted:
                substituted.add(step.source_transition_id)
        for code, dossier in dossiers.items():
            history = with_old_steps(
                [histories[code][number] for number in sorted(histories[code])],
                substituted,
                None if dossier.status_code is None else (dossier.status_code, dossier.at_one_stop_desk),
                self.context.clock_skew,
            )
            self.dry_run.dossiers += 1
            self.dry_run.transitions += len(history)
            self._plan(dossier, [*history, *_transition_from_row(dossier, history, self.dry_run.until)])

    def _plan(self, dossier: CleanDossier, history: Sequence[PastTransition]) -> None:
        agency = self.dry_run.agency
        typed = dossier.phone_entered_at or dossier.received_at
        phone = read_phone(
            dossier.applicant_phone, typed.astimezone(VIETNAM).date() if typed else None, agency.province
        )
        facts = DossierFacts(
            received_at=dossier.received_at,
            due_at=dossier.due_at,
            returned_at=dossier.returned_at,
            phone_refusal=phone.refusal,
            enabled_from=self.dry_run.since,
            same_day_excluded=agency.same_day_excluded,
            kinds_off=agency.kinds_off,
            result_hold=agency.result_hold,
            same_day_procedures=agency.same_day_procedures,
            procedure_code=dossier.procedure_code,
        )
        for message in rehearse(facts, history, self.dry_run.until, self.rules):
            text = render(
                self.templates[message.kind],
                {"dossier_code": dossier.dossier_code, "agency_name": self.dry_run.name_in_texts},
                agency.accented,
            )
            self.dry_run.messages.append(
                DryMessage(
                    dossier.dossier_code,
                    message,
                    mask_msisdn(to_local(phone.e164)) if phone.e164 else "",
                    f"{text.template_id} v{text.template_version}",
                    text.segments,
                )
            )


def _transition_from_row(
    dossier: CleanDossier, history: Sequence[PastTransition], now: datetime
) -> list[PastTransition]:
    """Return a transition for a change that the source recorded only in the dossier's row. Return an empty list if
    there is no such change.

    The row has such a change if two conditions are met: the row is newer than the last transition, and the row and the
    transition do not call for the same kind of message. If the dossier has no transition, its row counts as a change.
    """
    status, updated = dossier.status_code, dossier.updated_at
    if status is None or updated is None:
        return []
    if history:
        last = history[-1]
        if updated <= last.recorded_at or condition_of(status, dossier.at_one_stop_desk) == condition_of(
            last.status_code, last.at_one_stop_desk
        ):
            return []
    number = history[-1].transition_id + 1 if history else 1
    return [PastTransition(number, status, dossier.at_one_stop_desk, min(updated, now), updated, None)]


def with_old_steps(
    history: Sequence[PastTransition],
    substituted: Collection[int],
    row: tuple[int, bool] | None,
    clock_skew: timedelta,
) -> list[PastTransition]:
    """Return a history in which the old steps are marked, each with the kind of message that the dossier's row called
    for.

    A step is old if it was typed in late. A run would have compared an old step with the dossier's row at that moment.
    Today that row is unknown. If a later step of the history is not old, the row is assumed to have called for the same
    message as the last step before that was not old. Otherwise the row's present state is used.

    Args:
        history: transitions in the dossier's order.
        substituted: transitions for which the source gave no time.
        row: present status and desk flag of the dossier's row; ``None`` if the row names no known status.
        clock_skew: how far the source's clocks may be off.
    """
    latest: datetime | None = None
    are_old: list[bool] = []
    for step in history:
        are_old.append(was_typed_in_late(step, step.transition_id in substituted, latest, clock_skew))
        latest = step.occurred_at if latest is None else max(latest, step.occurred_at)
    found: list[PastTransition] = []
    before: Kind | None = None
    for position, (step, is_old) in enumerate(zip(history, are_old, strict=True)):
        if not is_old:
            before = step.calls_for
            found.append(step)
            continue
        went_on = not all(are_old[position:])
        row_condition = before if went_on or row is None else condition_of(*row)
        found.append(replace(step, is_old=True, row_was_read=went_on or row is not None, row_calls_for=row_condition))
    return found


def rehearse(
    dossier: DossierFacts, history: Sequence[PastTransition], now: datetime, rules: PlanningRules
) -> list[Rehearsed]:
    """Return the messages that planning would have made from a history if each transition had been planned when it was
    recorded.

    A message is sent at once or when its hold ends. It is not sent if the dossier left the condition that the message
    is about, or if the dossier's result was handed over before. The gateway is assumed to accept each message.
    ``history`` is in the dossier's order.
    """
    rehearsal = _Rehearsal(dossier, rules)
    for position in range(len(history)):
        rehearsal.plan(history[: position + 1], now)
    return rehearsal.end(now)


class _Rehearsal:
    def __init__(self, dossier: DossierFacts, rules: PlanningRules) -> None:
        self.dossier, self.rules = dossier, rules
        self.outcomes: dict[int, PlanningResult] = {}
        self.told: dict[int, PastMessage] = {}
        self.waiting: dict[int, NewMessage] = {}
        self.outdated: dict[int, Rehearsed] = {}
        """Messages that only an old step called for and that the dossier's row does not confirm. A later step may
        confirm such a message."""
        self.ended: list[Rehearsed] = []

    def plan(self, seen: Sequence[PastTransition], now: datetime) -> None:
        moment = min(max(each.recorded_at for each in seen), now)
        self._send_due(moment)
        for number, message in list(self.waiting.items()):
            if seen[-1].leaves(message.kind):
                del self.waiting[number]
                self.ended.append(Rehearsed(message.kind, "cancelled", "taken_back", moment))
        planned = plan_dossier(
            self.dossier,
            [replace(each, outcome=self.outcomes.get(each.transition_id)) for each in seen],
            list(self.told.values()),
            moment,
            self.rules,
        )
        self.outcomes |= {number: outcome for number, outcome, _ in planned.outcomes}
        for message in planned.messages:
            number = message.transition_id
            self.told[number] = PastMessage(number, message.kind, number, None)
            if message.state == "queued":
                self._replace(message.kind, moment)
                self.waiting[number] = message
            elif message.reason == "outdated":
                self.outdated[number] = Rehearsed(message.kind, message.state, message.reason, moment)
            else:
                self.ended.append(Rehearsed(message.kind, message.state, message.reason, moment))
        for each in planned.confirmed:
            if (outdated := self.outdated.pop(each.message_id, None)) is not None:
                self.waiting[each.message_id] = NewMessage(
                    kind=outdated.kind,
                    transition_id=each.message_id,
                    state="queued",
                    reason="confirmed",
                    occurred_at=each.occurred_at,
                    recorded_at=moment,
                    useful_until=each.useful_until,
                    next_attempt_at=each.next_attempt_at,
                )
        self._send_due(moment)

    def _replace(self, kind: Kind, moment: datetime) -> None:
        """Cancel the waiting message of a kind, because a later message replaces it.

        This happens if the dossier enters a condition (such as having its result) twice, with only old steps in
        between.
        """
        for number, message in list(self.waiting.items()):
            if message.kind == kind:
                del self.waiting[number]
                self.ended.append(Rehearsed(kind, "cancelled", "superseded", moment))

    def end(self, now: datetime) -> list[Rehearsed]:
        self._send_due(now)
        self.ended += self.outdated.values()
        self.ended += [
            Rehearsed(message.kind, "held", None, message.next_attempt_at) for message in self.waiting.values()
        ]
        return self.ended

    def _send_due(self, moment: datetime) -> None:
        for number, message in list(self.waiting.items()):
            at = message.next_attempt_at
            if at > moment:
                continue
            del self.waiting[number]
            if was_handed_over(message.kind, self.dossier.returned_at, message.occurred_at, at):
                self.ended.append(Rehearsed(message.kind, "cancelled", "handed_over", at))
            elif message.useful_until <= at:
                self.ended.append(Rehearsed(message.kind, "expired", "too_late", at))
            else:
                self.told[number] = replace(self.told[number], accepted_at=at)
                self.ended.append(Rehearsed(message.kind, "would_go", None, at))
