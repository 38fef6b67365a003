"""Read the work of one run of a DAG: messages, attempts, pick-ups, closings, checks, carrier statements and purges.

Every query finds its rows by the run's number or name. The cost of a query therefore depends on how much the run did,
and not on the ledger's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first_of, values_of
from motcua.store.ledger.sessions import Run
from motcua.store.upkeep import CleanedOf


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run that worked on the ledger."""

    run_no: int
    began_at: datetime
    left_undone: str | None
    """The reasons why the run left work undone, as its last task stored them. The function
    ``motcua.store.ledger.sessions.parse_left_undone`` reads this text."""


@dataclass(frozen=True, slots=True)
class Move:
    """How many messages made the same change of state."""

    kind: str | None
    """The kind of the messages. ``None`` if the messages existed before the change."""
    from_state: str | None
    """The state of the messages before the change. ``None`` if the messages were inserted."""
    to_state: str
    reason: str | None
    messages: int


@dataclass(frozen=True, slots=True)
class Attempted:
    """How many attempts at one gateway got the same answer."""

    gateway: str
    outcome: str | None
    """The class of the gateway's answer. ``None`` if there is no answer yet."""
    state: str
    """The present state of the attempts, which a delivery receipt may have changed."""
    attempts: int


@dataclass(frozen=True, slots=True)
class PickedUp:
    """How many new rows of one source the run read."""

    source: str
    transitions: int
    dossiers: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """How many rows of one source went to quarantine for one reason."""

    source: str
    reason: str
    found: int
    waiting: int


@dataclass(frozen=True, slots=True)
class EveningSettled:
    """What a run did with an agency's apologies of one evening.

    The run planned the apologies, or found that it was too late for them, or planned none on a day off.
    """

    agency_code: str
    agency_name: str
    day: date
    state: str
    looked_at: int
    queued: int
    suppressed: int
    missed: int


@dataclass(frozen=True, slots=True)
class RunMessage:
    """The present state of a message that the run inserted, changed or tried to send."""

    message_id: int
    agency_code: str | None
    dossier_code: str | None
    kind: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class StoppedGateway:
    """A gateway, or a carrier or template at a gateway, that the run paused, with the reason."""

    gateway: str
    subject: str
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """A closing that the run made, with its publication."""

    closing_no: int
    period: str
    corrects: int | None
    difference: int
    unexplained: int
    sources_unread: Sequence[str]
    publication_no: int | None


@dataclass(frozen=True, slots=True)
class Mailed:
    """How many mails of one report to one body ended in the same state."""

    report_no: int
    body: str
    agency_name: str | None
    state: str
    mails: int


@dataclass(frozen=True, slots=True)
class QualityChecked:
    """A check of data quality that the run made."""

    run_no: int
    day: date
    working_day: bool
    broken: int
    is_sealed: bool
    dossiers: int
    to_correct: int


@dataclass(frozen=True, slots=True)
class StatementTaken:
    """A provider's carrier statement that the run read. If ``statement_no`` is ``None``, the file was refused."""

    form: str
    file_name: str
    month: date | None
    statement_no: int | None


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of one table had their personal data emptied."""

    of_table: str
    emptied: int


@dataclass(frozen=True, slots=True)
class PublicationVerified:
    """A publication that the run verified."""

    publication_no: int
    closing_no: int
    period: str
    faults: int


@dataclass(frozen=True, slots=True)
class RunWork:
    """Everything that a run did, as far as a visitor may see it."""

    known: KnownRun | None
    """The run as the ledger stores it. ``None`` if the ledger does not have the run: its pick-ups and planned messages
    are then unknown, and all other work is found by the run's name."""
    moves: Sequence[Move] = field(default_factory=list)
    attempts: Sequence[Attempted] = field(default_factory=list)
    pick_ups: Sequence[PickedUp] = field(default_factory=list)
    quarantined: Sequence[Quarantined] = field(default_factory=list)
    evenings: Sequence[EveningSettled] = field(default_factory=list)
    messages: Sequence[RunMessage] = field(default_factory=list)
    stops: Sequence[StoppedGateway] = field(default_factory=list)
    closings: Sequence[PeriodClosed] = field(default_factory=list)
    checks: Sequence[QualityChecked] = field(default_factory=list)
    statements: Sequence[StatementTaken] = field(default_factory=list)
    purges: Sequence[Purged] = field(default_factory=list)
    verifications: Sequence[PublicationVerified] = field(default_factory=list)
    cleanings: Sequence[CleanedOf] = field(default_factory=list)
    mails: Sequence[Mailed] = field(default_factory=list)

    @property
    def is_nothing(self) -> bool:
        """Return whether the ledger has no record of any work of the run."""
        return not any(
            (
                self.moves,
                self.attempts,
                self.pick_ups,
                self.quarantined,
                self.evenings,
                self.stops,
                self.closings,
                self.checks,
                self.statements,
                self.purges,
                self.verifications,
                self.cleanings,
            )
        )


_QUERIES: dict[str, tuple[str, type[Any]]] = {
    "moves": ("runs/moves", Move),
    "attempts": ("runs/attempts", Attempted),
    "pick_ups": ("runs/pick_ups", PickedUp),
    "quarantined": ("runs/quarantined", Quarantined),
    "evenings": ("runs/evenings", EveningSettled),
    "messages": ("runs/messages", RunMessage),
    "stops": ("runs/stops", StoppedGateway),
    "closings": ("runs/closings", PeriodClosed),
    "checks": ("runs/checks", QualityChecked),
    "statements": ("runs/statements", StatementTaken),
    "purges": ("runs/purges", Purged),
    "verifications": ("runs/verifications", PublicationVerified),
    "cleanings": ("runs/cleanings", CleanedOf),
}


def work_of(
    connection: Connection, run: Run, subjects: Sequence[str], agencies: Sequence[str] | None, most_messages: int
) -> RunWork:
    """Read everything that a run did, as far as the visitor may see it.

    Args:
        connection: a connection to the ledger.
        run: the run.
        subjects: the fields of :class:`RunWork` that the run's DAG may fill; other fields are not queried.
        agencies: the agencies whose rows the visitor may see; ``None`` stands for all.
        most_messages: how many messages are listed at most.
    """
    known = first_of(KnownRun, connection.execute(statement("runs/find"), asdict(run)))
    given = {
        "run_no": known.run_no if known else None,
        "run_id": run.run_id,
        "agencies": agencies if agencies is None else list(agencies),
        "limit": most_messages,
    }
    found: dict[str, Any] = {}
    for name in subjects:
        asked, kind = _QUERIES[name]
        found[name] = values_of(kind, connection.execute(statement(asked), given))
    numbers: tuple[Literal["publication", "quality"], list[int]] | None = None
    if found.get("closings"):
        numbers = "publication", [each.publication_no for each in found["closings"] if each.publication_no is not None]
    elif found.get("checks"):
        numbers = "quality", [each.run_no for each in found["checks"]]
    if numbers is not None and numbers[1]:
        of_reports = {"report": numbers[0], "numbers": numbers[1], "agencies": given["agencies"]}
        found["mails"] = values_of(Mailed, connection.execute(statement("runs/mails"), of_reports))
    return RunWork(known, **found)
