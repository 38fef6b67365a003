"""What a run of a DAG did, as the ledger has it: messages, attempts, what was read, what was closed, checked and taken.

Everything is asked by the run's number or name, so that it costs what the run did, however long the ledger.
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
    """What its gate said was left, in the words of the log, several things with semicolons between them."""


@dataclass(frozen=True, slots=True)
class Move:
    """Messages that went one way."""

    kind: str | None
    """Of those that were made."""
    from_state: str | None
    """``None``: they were made."""
    to_state: str
    reason: str | None
    messages: int


@dataclass(frozen=True, slots=True)
class Attempted:
    """Attempts at one gateway with one answer."""

    gateway: str
    outcome: str | None
    """``None``: no answer yet."""
    state: str
    """How they stand now; a receipt may have come."""
    attempts: int


@dataclass(frozen=True, slots=True)
class PickedUp:
    """What was read anew of one source."""

    source: str
    transitions: int
    dossiers: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Rows of one source that cannot be used for one reason."""

    source: str
    reason: str
    found: int
    waiting: int


@dataclass(frozen=True, slots=True)
class EveningSettled:
    """An agency's evening of apologies."""

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
    """A message that the run had to do with, as it stands now."""

    message_id: int
    agency_code: str | None
    dossier_code: str | None
    kind: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class StoppedGateway:
    """A gateway, or what of it, that refused us."""

    gateway: str
    subject: str
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """A closing and its publication."""

    closing_no: int
    period: str
    corrects: int | None
    difference: int
    unexplained: int
    sources_unread: Sequence[str]
    publication_no: int | None


@dataclass(frozen=True, slots=True)
class Mailed:
    """Mails of one report to one body that ended alike."""

    report_no: int
    body: str
    agency_name: str | None
    state: str
    mails: int


@dataclass(frozen=True, slots=True)
class QualityChecked:
    """A check of quality."""

    run_no: int
    day: date
    working_day: bool
    broken: int
    is_sealed: bool
    dossiers: int
    to_correct: int


@dataclass(frozen=True, slots=True)
class StatementTaken:
    """A provider's statement; without a number: its file was refused."""

    form: str
    file_name: str
    month: date | None
    statement_no: int | None


@dataclass(frozen=True, slots=True)
class Purged:
    """Rows of one table that personal data was emptied in."""

    of_table: str
    emptied: int


@dataclass(frozen=True, slots=True)
class PublicationVerified:
    """A publication that was verified."""

    publication_no: int
    closing_no: int
    period: str
    faults: int


@dataclass(frozen=True, slots=True)
class RunWork:
    """All that a run did; of what a visitor may see."""

    known: KnownRun | None
    """``None``: the ledger knows no such run. What it planned and read is not known then; the rest is found by name."""
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
        """Whether nothing is on record that it did."""
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


_ASKED: dict[str, tuple[str, type[Any]]] = {
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
    """What a run did.

    Args:
        connection: to the ledger.
        run: which one.
        subjects: fields of :class:`RunWork` that the run's DAG may have something of; the others are not asked for.
        agencies: whose rows the visitor may see; ``None``: all.
        most_messages: messages that are listed.
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
        asked, kind = _ASKED[name]
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
