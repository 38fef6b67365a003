"""Define a dossier of the sandbox, and what changes when something happens to it. No function here uses a database or a
clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from motcua.sandbox.world.people import Phone, mended
from motcua.sandbox.world.procedures import Procedure, due_at

Kind = Literal["result", "supplement"]
Writing = Literal["together", "row_first", "transition_first", "late"]
Obstacle = Literal["unknown_agency", "unusable_code", "no_dossier_row"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Move(_Frozen):
    """One change of a dossier's step or status, as an official makes it.

    ``writing``: how the source commits the dossier's row and the transition. ``clock_error``: seconds by which the
    official's clock is wrong. ``odd_time``: a text instead of the time, for a source that stores times as text.
    ``ready``, ``handed``: the desk's register of results gets an entry that the result is there, or was handed over.
    ``truthful``: the status agrees with where the paper of the result really is. ``events``: further events to record
    in the database of the truth.
    """

    step: str
    status: int | None
    desk: bool
    actor: str
    note: str | None = None
    writing: Writing = "together"
    clock_error: float = 0.0
    odd_time: str | None = None
    ready: bool = False
    handed: bool = False
    truthful: bool = True
    events: tuple[str, ...] = ()


class Transition(_Frozen):
    """A row of the source's history, in the form in which it is written."""

    transition_id: int | None = None
    agency_code: str
    dossier_code: str
    from_step: str | None
    to_step: str
    status: int | None
    desk: bool
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    note: str | None
    odd_time: str | None


class Act(_Frozen):
    """Something that is going to happen to a dossier.

    ``after``: seconds after the dossier was received, or for ``write`` after the first half of the move.
    ``move``: see ``Move``. ``repeat``: the last transition is written once more. ``write``: the second half of a move
    reaches the source. ``reveal``: the dossier's row appears, after its transitions. ``mend``: the desk asks for the
    phone number again. ``correct_procedure``: a wrongly chosen procedure is corrected. ``paper_ready``: the result is
    on the desk at last.

    The fields from ``transition`` on belong to ``write``. ``happened_at`` is the time at which the official made the
    move.
    """

    after: float
    kind: Literal["move", "repeat", "write", "reveal", "mend", "correct_procedure", "paper_ready"]
    move: Move | None = None
    transition: Transition | None = None
    row: bool = False
    enters: Kind | None = None
    truthful: bool = True
    happened_at: datetime | None = None


class Dossier(_Frozen):
    """A dossier with its true data and the data that the source contains.

    ``agency_code`` and ``code`` are true. The source contains the fields ``written_…``.
    """

    source: str
    agency_code: str
    written_agency: str
    code: str
    written_code: str
    procedure: Procedure
    true_procedure: Procedure
    applicant_name: str
    phone: Phone
    phone_entered_at: datetime
    submitted_via: Literal["direct", "online", "postal"]
    received_at: datetime
    due_at: datetime
    odd_due: str | None = None
    step: str | None = None
    status: int | None = None
    desk: bool = False
    finished_at: datetime | None = None
    returned_at: datetime | None = None
    updated_at: datetime
    hidden: bool = False
    obstacle: Obstacle | None = None
    last: Transition | None = None
    occasions: dict[Kind, int] = {}


@dataclass(frozen=True, slots=True)
class Effects:
    """The changes that an act causes.

    ``row``: the source's row of the dossier changes. ``enters``, ``leaves``: the kind of message for which the dossier
    begins or ceases to meet the ``condition`` of status and place. ``ready_at``, ``handed_at``: entries of the desk's
    register of results. ``events``: what truly happened.
    """

    dossier: Dossier
    row: bool = False
    transition: Transition | None = None
    enters: Kind | None = None
    leaves: Kind | None = None
    truthful: bool = True
    ready_at: datetime | None = None
    handed_at: datetime | None = None
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def condition(status: int | None, desk: bool) -> Kind | None:
    """Return the kind of message that a status calls for: a result or a supplement, each only at the one-stop desk."""
    if not desk:
        return None
    return "result" if status == 9 else "supplement" if status == 5 else None


def happen(dossier: Dossier, act: Act, now: datetime, random: Random) -> Effects:
    """Return the dossier after the act, with all effects of the act."""
    if act.kind == "move":
        assert act.move is not None
        return _move(dossier, act.move, now)
    if act.kind == "repeat":
        repeated = dossier.last.model_copy(update={"recorded_at": now}) if dossier.last else None
        return Effects(dossier, transition=repeated, events=[("repeated_row", {})])
    if act.kind == "reveal":
        shown = dossier.model_copy(update={"hidden": False, "obstacle": None, "updated_at": now})
        return Effects(shown, row=True, events=[("row_arrived", {})])
    if act.kind == "mend":
        return mend(dossier, mended(random, dossier.phone), now)
    if act.kind == "correct_procedure":
        right = dossier.true_procedure
        change = {"procedure": right, "due_at": due_at(dossier.received_at, right), "updated_at": now}
        events = [("procedure_corrected", {"from": dossier.procedure.code, "to": right.code})]
        return Effects(dossier.model_copy(update=change), row=True, events=events)
    if act.kind == "paper_ready":
        return Effects(dossier, ready_at=now, events=[("result_ready", {})])
    return Effects(dossier)


def mend(dossier: Dossier, phone: Phone | None, now: datetime) -> Effects:
    """Let the desk write another phone number. ``phone`` is ``None`` if the applicant has none to give."""
    if phone is None:
        return Effects(dossier, events=[("phone_not_mended", {})])
    change = {"phone": phone, "phone_entered_at": now, "updated_at": now}
    events = [("phone_mended", {"before": dossier.phone.kind, "owner_number": phone.number})]
    return Effects(dossier.model_copy(update=change), row=True, events=events)


def _facts(dossier: Dossier) -> dict[str, Any]:
    return {
        "procedure_code": dossier.true_procedure.code,
        "due_at": dossier.due_at.isoformat(),
        "phone_kind": dossier.phone.kind,
        "owner_number": dossier.phone.number,
    }


def _move(dossier: Dossier, move: Move, now: datetime) -> Effects:
    before, after = condition(dossier.status, dossier.desk), condition(move.status, move.desk)
    enters = after if after != before else None
    transition = Transition(
        agency_code=dossier.written_agency,
        dossier_code=dossier.written_code,
        from_step=dossier.step,
        to_step=move.step,
        status=move.status,
        desk=move.desk,
        occurred_at=now + timedelta(seconds=move.clock_error),
        recorded_at=now,
        actor=move.actor,
        note=move.note,
        odd_time=move.odd_time,
    )
    change: dict[str, Any] = {
        "step": move.step,
        "status": move.status,
        "desk": move.desk,
        "updated_at": now,
        "last": transition,
        # If the dossier is moved back from the result, the time of finishing is removed again.
        "finished_at": (dossier.finished_at or now) if move.status in (9, 10) else None,
        "returned_at": now if move.status == 10 else None,
    }
    if enters:
        change["occasions"] = {**dossier.occasions, enters: dossier.occasions.get(enters, 0) + 1}
    events: list[tuple[str, dict[str, Any]]] = [(event, {}) for event in move.events]
    if dossier.last is None:
        events.insert(0, ("received", _facts(dossier)))
    if move.ready:
        events.append(("result_ready", {}))
    if move.handed:
        events.append(("handed_over", {}))
    if move.clock_error:
        events.append(("clock_error", {"seconds": move.clock_error}))
    if move.writing != "together":
        events.append((f"written_{move.writing}", {}))
    return Effects(
        dossier.model_copy(update=change),
        row=True,
        transition=transition,
        enters=enters,
        leaves=before if before != after else None,
        truthful=move.truthful,
        ready_at=now if move.ready else None,
        handed_at=now if move.handed else None,
        events=events,
    )
