"""When publications were verified: by whom, and whether they held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import value_of


@dataclass(frozen=True, slots=True)
class PublicationStanding:
    """A publication with its last verification."""

    publication_no: int
    published_at: datetime
    verified_at: datetime | None
    """``None``: it never was."""
    verified_by: str | None
    faults: int | None
    first_verified_at: datetime | None
    """When the first of all publications was; before that none could be."""


@dataclass(frozen=True, slots=True)
class NotHolding:
    """A publication whose last verification found differences."""

    publication_no: int
    closing_no: int
    period: str
    verified_at: datetime
    verified_by: str
    faults: int


@dataclass(frozen=True, slots=True)
class LastVerification:
    """The last verification of a closing's publication."""

    closing_no: int
    verified_at: datetime | None
    """``None``: it never was."""
    faults: int | None


def save_verification(
    connection: Connection, publication_no: int, verified_at: datetime, verified_by: str, faults: int
) -> None:
    """Keeps that a publication was verified.

    Raises:
        psycopg.errors.InsufficientPrivilege: the connection's role may only read.
    """
    values = {
        "publication_no": publication_no,
        "verified_at": verified_at,
        "verified_by": verified_by,
        "faults": faults,
    }
    connection.execute(statement("publications/save_verification"), values)


def standings_of_publications(connection: Connection) -> list[PublicationStanding]:
    """Every publication, the first one first."""
    rows = connection.execute(statement("publications/last_of_each"))
    return [value_of(PublicationStanding, row) for row in rows]


def not_holding(connection: Connection) -> list[NotHolding]:
    """Publications whose last verification found differences, the newest first."""
    return [value_of(NotHolding, row) for row in connection.execute(statement("publications/not_holding"))]


def last_verifications(connection: Connection, closing_nos: Sequence[int]) -> dict[int, LastVerification]:
    """Of these closings those that were published."""
    values = {"closing_nos": list(closing_nos)}
    rows = connection.execute(statement("publications/of_closings"), values)
    return {row["closing_no"]: value_of(LastVerification, row) for row in rows}
