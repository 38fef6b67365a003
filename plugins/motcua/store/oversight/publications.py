"""Store publications and their verifications.

A publication records the closing whose report was published, and the folder of the published files. Publications form a
chain by the hashes of their manifests. A verification records who verified a publication, at what time, and with what
result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from psycopg.types.json import Jsonb

from motcua.domain.periods import Period
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import first, first_of, value_of, values_of


@dataclass(frozen=True, slots=True)
class Publication:
    """One published report."""

    publication_no: int
    closing_no: int
    corrects: int | None
    """The number of the publication that this publication corrects. ``None`` if this is no correction."""
    folder: str
    """The folder's path below the store of publications."""
    manifest_sha256: str
    previous_sha256: str
    """The SHA-256 of the previous publication's manifest; 64 zeros for the first publication."""
    manifest: dict[str, Any]
    published_at: datetime
    period: str

    @property
    def is_daily(self) -> bool:
        """Return whether the publication concerns a single day.

        Publications of longer periods are also sent to the province's People's Committee (Ủy ban nhân dân tỉnh).
        """
        return Period.parse(self.period).is_day


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or view of the ledger, as PostgreSQL itself writes it."""

    name: str
    """The name with its schema. A function's name includes its argument types: ``audit.messages_as_of(bigint)``."""
    text: str

    @property
    def called(self) -> str:
        """Return the name without argument types, as SQL statements write it."""
        return self.name.partition("(")[0]

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the definition's text in UTF-8."""
        return sha256(self.text.encode()).hexdigest()


def list_definitions(connection: Connection) -> list[Definition]:
    """Return the functions and views of the schemas ``audit``, ``intake`` and ``motcua``, ordered by name.

    Any role may read these definitions.
    """
    # PostgreSQL writes names with or without a schema, depending on the session's search path.
    with connection.transaction(force_rollback=True):
        connection.execute(statement("publications/write_names_in_full"))
        return values_of(Definition, connection.execute(statement("publications/definitions")))


def list_publications(connection: Connection) -> list[Publication]:
    """Return all publications, the first one first."""
    return values_of(Publication, connection.execute(statement("publications/all")))


def find_publication(
    connection: Connection,
    *,
    publication_no: int | None = None,
    closing_no: int | None = None,
    manifest_sha256: str | None = None,
    folder: str | None = None,
) -> Publication | None:
    """Find the publication with this number, closing, manifest or folder. Without arguments, find the last one."""
    return first_of(
        Publication,
        connection.execute(
            statement("publications/find"),
            {
                "publication_no": publication_no,
                "closing_no": closing_no,
                "manifest_sha256": manifest_sha256,
                "folder": folder,
            },
        ),
    )


def publications_of_period(connection: Connection, period: str) -> int:
    """Return how many publications a period has."""
    return int(
        first(connection.execute(statement("publications/count_of_period"), {"period": period}), "publications") or 0
    )


def names_on(connection: Connection, day: date) -> dict[str, str]:
    """Return the name of each agency on a day, as far as the ledger knows now."""
    rows = connection.execute(statement("publications/names_on"), {"day": day})
    return {row["agency_code"]: row["name"] for row in rows}


def save_publication(connection: Connection, publication: Publication) -> None:
    """Insert the row that makes stored files a publication.

    Raises:
        psycopg.Error: the publication does not follow the last one (MC001), or its closing is published already.
    """
    values = asdict(publication) | {"manifest": Jsonb(publication.manifest)}
    connection.execute(statement("publications/save"), values)


@dataclass(frozen=True, slots=True)
class PublicationStanding:
    """A publication with its last verification."""

    publication_no: int
    published_at: datetime
    verified_at: datetime | None
    """When the publication was last verified. ``None`` if it was never verified."""
    verified_by: str | None
    faults: int | None
    first_verified_at: datetime | None
    """When any publication was verified for the first time. ``None`` if none was verified yet."""


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
    """When the publication was last verified. ``None`` if it was never verified."""
    faults: int | None
    differing: dict[str, Any] | None
    """The differences, in the form of ``Verification.differing``."""


def save_verification(
    connection: Connection,
    publication_no: int,
    verified_at: datetime,
    verified_by: str,
    faults: int,
    differing: Mapping[str, Any] | None,
) -> None:
    """Record in ``motcua.publication_verifications`` that a publication was verified, with the differences found.

    Raises:
        psycopg.errors.InsufficientPrivilege: the connection's role may only read.
    """
    values = {
        "publication_no": publication_no,
        "verified_at": verified_at,
        "verified_by": verified_by,
        "faults": faults,
        "differing": None if differing is None else Jsonb(differing),
    }
    connection.execute(statement("publications/save_verification"), values)


def standings_of_publications(connection: Connection) -> list[PublicationStanding]:
    """Return every publication with its last verification, the oldest publication first."""
    return values_of(PublicationStanding, connection.execute(statement("publications/last_of_each")))


def not_holding(connection: Connection) -> list[NotHolding]:
    """Return publications whose last verification found differences, the newest first."""
    return values_of(NotHolding, connection.execute(statement("publications/not_holding")))


def last_verifications(connection: Connection, closing_nos: Sequence[int]) -> dict[int, LastVerification]:
    """Return the last verification of these closings' publications, by closing. Unpublished closings are left out."""
    values = {"closing_nos": list(closing_nos)}
    rows = connection.execute(statement("publications/of_closings"), values)
    return {row["closing_no"]: value_of(LastVerification, row) for row in rows}
