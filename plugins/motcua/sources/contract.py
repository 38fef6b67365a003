"""The source contract: two views, ``onestop.dossiers`` and ``onestop.transitions``, which any one-stop database can
offer.

One-stop software that cannot offer these views gets its own adapter, a subclass of ``ContractSource``. The adapter
names a file of ``include/sql`` with two SELECTs, ``dossiers`` and ``transitions``, which map the vendor's tables to the
views' columns.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, LiteralString

from psycopg import IsolationLevel
from psycopg.rows import class_row, dict_row

from motcua.domain.dossiers import SourceDossier, SourceTransition
from motcua.domain.numbering import Numbers
from motcua.sources.patience import answered_within
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement
from motcua.store.ledger.rows import row_of

_BATCH = 2000

Key = tuple[str, str]
"""Key of a dossier: (agency_code, dossier_code) as the source writes them."""


@dataclass(frozen=True, slots=True)
class Latest:
    """The time by the source's clock, its highest transition number, and the latest times that its rows state.

    Times after ``source_now`` are left out.
    """

    source_now: datetime
    transition_id: int | None
    recorded_at: datetime | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time at which a dossier's row was written, as the row states it."""

    agency_code: str | None
    dossier_code: str | None
    updated_at: datetime


_AS_READ: Mapping[type[Any] | None, LiteralString] = {
    SourceDossier: "dossiers_as_read",
    SourceTransition: "transitions_as_read",
}
"""By kind of row: the SQL statement of ``include/sql/sources/reading.sql`` that gives the rows their final values."""


class ContractSource:
    """Reads one source and never writes. All reads of one instance see the same snapshot."""

    file: ClassVar[LiteralString] = "sources/contract"
    mapping: ClassVar[tuple[LiteralString, ...]] = ("dossiers", "transitions")
    """SQL statements in ``file`` that decide which rows the source shows. A publication of figures lists each of
    these statements."""
    is_pushed: ClassVar[bool] = False
    """``True`` if the source's rows are stored by this system after the software pushed or exported them. A count of
    these rows is then no independent check of the ledger."""

    def __init__(self, connection: Connection, source: str = "") -> None:
        """Make the connection read-only, and let all its queries see one snapshot.

        Args:
            connection: a connection to the source, with no transaction open.
            source: the source's name.
        """
        self._connection = connection
        self.numbers = Numbers()
        """Conversion between the source's transition numbers and the ledger's numbers. Only ``stream_counted`` with
        ``by_agency`` returns the ledger's numbers. All other methods accept and return the source's own numbers."""
        self._patience: float | None = None
        self._asking = threading.RLock()
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    @classmethod
    def connection_id(cls, source: str) -> str:
        """Return the name of a source's Airflow connection."""
        return f"onestop_{source}"

    def limit_time(self, seconds: float) -> None:
        """Begin a transaction, and limit the time of each of its SQL statements to this many seconds.

        Without the limit a hanging source would delay the reading of other sources.

        Raises:
            psycopg.errors.QueryCanceled: a statement took longer. From this call on, each method that queries the
                source may raise this error.
        """
        self._patience = seconds
        with self._answering():
            self._connection.execute(statement("sources/reading/limit_time"), {"milliseconds": int(seconds * 1000)})

    @contextmanager
    def _answering(self) -> Iterator[None]:
        # Two threads may query the source, because rows are also read ahead by a second thread. The lock lets only one
        # thread use the connection at a time. The time limit counts from the moment at which a thread has the lock.
        with self._asking, answered_within(self._connection, self._patience):
            yield

    def _statement(self, of: LiteralString, name: LiteralString) -> LiteralString:
        return statement(of + "/" + name)

    def reading_query(self, name: LiteralString) -> LiteralString:
        """Return a query in the form for this source's tables.

        A *pick-up* uses such a query to read new rows into the ledger. The watcher uses one to notice new rows.
        ``name`` is the name of an SQL statement in ``include/sql/sources/reading.sql``.
        """
        rows: dict[str, type[Any]] = {"dossiers": SourceDossier, "transitions": SourceTransition}
        return self._query(name, rows.get(name.partition("_")[0]))

    def checking_query(self, name: LiteralString, row: type[Any] | None = None) -> LiteralString:
        """Return a query that checks whether the source keeps to the contract, in the form for this source's tables.

        Args:
            name: the name of an SQL statement in ``include/sql/sources/checking.sql``.
            row: the class of the returned rows; ``None`` if the statement's own columns are returned.
        """
        return self._query(name, row, of="sources/checking")

    def _query(
        self,
        name: LiteralString,
        row: type[Any] | None = None,
        *,
        by_agency: bool = False,
        of: LiteralString = "sources/reading",
    ) -> LiteralString:
        # The common table expressions are NOT MATERIALIZED, so that PostgreSQL can use the indexes of the source's
        # tables.
        dossiers, transitions = statement(self.file + "/dossiers"), statement(self.file + "/transitions")
        views: LiteralString = (
            f"source_dossiers AS NOT MATERIALIZED ({dossiers}), source_transitions AS NOT MATERIALIZED ({transitions})"
        )
        if by_agency:
            counted: LiteralString = "renumbered_transitions" if self.numbers.numberings else "transitions_by_agency"
            views = (
                f"written_dossiers AS NOT MATERIALIZED ({dossiers}),"
                f" written_transitions AS NOT MATERIALIZED ({transitions}),"
                f" source_dossiers AS NOT MATERIALIZED ({statement('sources/reading/dossiers_by_agency')}),"
                f" source_transitions AS NOT MATERIALIZED ({statement('sources/reading/' + counted)})"
            )
        shown = _AS_READ.get(row)
        read = "TABLE reading" if shown is None else self._statement("sources/reading", shown)
        return f"WITH {views}, reading AS ({self._statement(of, name)}) {read}"

    def _stream(
        self,
        name: LiteralString,
        parameters: dict[str, Any],
        row: type[Any] | None = None,
        *,
        of: LiteralString = "sources/reading",
        by_agency: bool = False,
    ) -> Iterator[Any]:
        # The cursor is on the server's side, because the rows of a large source must not fill the memory.
        make_row: Any = dict_row if row is None else row_of(row)
        cursor = self._connection.cursor(name=name, row_factory=make_row)
        try:
            with self._answering():
                cursor.execute(self._query(name, row, by_agency=by_agency, of=of), parameters)
            is_more = True
            while is_more:
                with self._answering():
                    rows = cursor.fetchmany(_BATCH)
                yield from rows
                is_more = len(rows) == _BATCH
        finally:
            with self._answering():
                cursor.close()

    def stream_counted(
        self, name: LiteralString, parameters: dict[str, Any], *, by_agency: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Stream the rows of an SQL statement of ``include/sql/sources/counting.sql`` on this source's tables.

        With ``by_agency``, each agency has one code in the rows even if the source writes several codes for it: each
        code in the parameter ``written`` is replaced by the code at the same place in the parameter ``agencies``.
        """
        return self._stream(name, parameters, of="sources/counting", by_agency=by_agency)

    def _by_key(self, name: LiteralString, keys: Sequence[Key], row: type[Any]) -> list[Any]:
        if not keys:
            return []
        agency_codes, dossier_codes = zip(*keys, strict=True)
        with self._answering(), self._connection.cursor(row_factory=row_of(row)) as cursor:
            cursor.execute(
                self._query(name, row), {"agency_codes": list(agency_codes), "dossier_codes": list(dossier_codes)}
            )
            return cursor.fetchall()

    def latest(self) -> Latest:
        """Return the time by the source's clock, its highest transition number, and the latest times of its rows."""
        with self._answering(), self._connection.cursor(row_factory=class_row(Latest)) as cursor:
            found = cursor.execute(self._query("latest")).fetchone()
        assert found is not None
        return found

    def columns_are_there(self) -> None:
        """Query every column that is read from the source, without reading a row.

        Raises:
            psycopg.Error: a view or a column is missing, or may not be read.
        """
        for view in (statement(self.file + "/dossiers"), statement(self.file + "/transitions")):
            with self._answering():
                self._connection.execute(f"WITH looked_at AS ({view}) TABLE looked_at LIMIT 0")

    def dossiers_since(self, since: datetime, *, open_too: bool) -> Iterator[SourceDossier]:
        """Stream dossier rows changed since ``since``; with ``open_too`` also every dossier that has not ended."""
        return self._stream("dossiers_since", {"since": since, "open_too": open_too}, SourceDossier)

    def dossiers_by_key(self, keys: Sequence[Key]) -> list[SourceDossier]:
        """Return the dossier rows with these keys."""
        return self._by_key("dossiers_by_key", keys, SourceDossier)

    def stamps_between(self, since: datetime, until: datetime) -> Iterator[Stamp]:
        """Stream the stamps of the dossier rows that state a time of writing in [since, until)."""
        return self._stream("stamps_between", {"since": since, "until": until}, Stamp)

    def transitions_since(self, since: datetime, after: int) -> Iterator[SourceTransition]:
        """Stream transitions recorded since ``since`` or numbered above ``after``.

        If a transition's recorded time is missing or wrong, the transition is included if its number is above
        ``after`` - 1,000.
        """
        return self._stream("transitions_since", {"since": since, "after": after}, SourceTransition)

    def transitions_between(self, start: datetime, end: datetime) -> Iterator[SourceTransition]:
        """Stream transitions recorded in [start, end)."""
        return self._stream("transitions_between", {"start": start, "end": end}, SourceTransition)

    def transitions_by_key(self, keys: Sequence[Key]) -> list[SourceTransition]:
        """Return all transitions of these dossiers."""
        return self._by_key("transitions_by_key", keys, SourceTransition)

    def transitions_by_number(self, numbers: Sequence[int]) -> list[SourceTransition]:
        """Return the transitions with these numbers."""
        with self._answering(), self._connection.cursor(row_factory=row_of(SourceTransition)) as cursor:
            query = self._query("transitions_by_number", SourceTransition)
            return cursor.execute(query, {"numbers": list(numbers)}).fetchall()

    def watch(self, recorded_since: datetime, updated_since: datetime, after: int) -> dict[str, Any]:
        """Return counts and sums by which the watcher notices new or changed rows, in the form of JSON values.

        The counts and sums cover the transitions recorded from ``recorded_since`` on or numbered above ``after``, and
        the dossiers updated from ``updated_since`` on. Each pick-up reads these rows again.
        """
        with self._answering(), self._connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                self._query("watch"),
                {"recorded_since": recorded_since, "updated_since": updated_since, "after": after},
            )
            return cursor.fetchone() or {}
