"""Queries a source for the rows and facts by which a check judges whether the source fulfils the source contract.

All queries see one snapshot, and each query has a time limit. If the source is large, the queries read only its newest
rows. Only the searches for keys and numbers that occur in several rows go through all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from motcua.domain.checking.reading import QUESTIONS, Table, tables_read_whole
from motcua.domain.dossiers import SourceDossier, SourceTransition
from motcua.sources.contract import ContractSource, Key, Latest
from motcua.store.ledger.database import Connection
from motcua.store.ledger.queries import statement

MOST_ROWS = 5_000
"""Maximum number of rows that each of the three queries for the newest rows returns."""
MOST_WHOLE = 2_000
"""Maximum number of dossiers that are read with all their transitions."""
_MOST_DOUBLES = 20

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RoleThere:
    """The database role with which we connect to the source.

    ``may_write`` means that the role may do more than read. ``letters_unknown`` means that the encoding of the source's
    database is unknown (SQL_ASCII).
    """

    is_superuser: bool
    may_write: bool
    letters_unknown: bool


@dataclass(frozen=True, slots=True)
class Doubled:
    """Keys of dossiers, or numbers of transitions, that each occur in several rows.

    ``count`` is how many such keys or numbers there are. ``some`` contains a few of them.
    """

    count: int = 0
    some: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class NewestRows:
    """The newest rows of a source. Each dossier and each transition occurs once."""

    dossiers: Sequence[SourceDossier]
    transitions: Sequence[SourceTransition]
    whole: frozenset[Key]
    """Keys of the dossiers of which all transitions are included, and the dossier's row if the source has one."""


class CheckedSource:
    """One source while it is checked.

    If a query takes too long, its name is added to ``unanswered``, and the check continues without its answer.
    """

    def __init__(self, source: ContractSource, connection: Connection, patience: timedelta) -> None:
        """Prepares the check of a source.

        Args:
            source: the adapter of the source.
            connection: the connection that ``source`` uses, with no transaction open.
            patience: the time limit of each query.
        """
        self.source, self._connection = source, connection
        self._patience = patience.total_seconds()
        self.unanswered: list[str] = []
        """Names of the queries that took too long."""

    def begin(self) -> None:
        """Begins the snapshot that all queries see."""
        self.source.limit_time(self._patience)

    def ask(self, name: str, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """Runs the query ``question`` and returns its answer, or ``otherwise`` if the query takes too long.

        ``name`` is the query's name in ``unanswered``.

        Raises:
            psycopg.Error: the query fails for another reason.
        """
        self.source.limit_time(self._patience)
        try:
            with self._connection.transaction():
                return question()
        except psycopg.errors.QueryCanceled:
            self.unanswered.append(name)
            return otherwise

    def role(self) -> RoleThere:
        """Returns the database role with which we connect to the source."""
        with self._connection.cursor(row_factory=class_row(RoleThere)) as cursor:
            row = cursor.execute(statement("sources/checking/role"), {}).fetchone()
        return row or RoleThere(is_superuser=False, may_write=False, letters_unknown=False)

    def columns(self) -> dict[str, dict[str, str]]:
        """Returns the columns of each view, with their types.

        If the source offers the views of the contract, these are the columns that exist in its database. If an adapter
        makes the views from other tables, these are the columns that the adapter makes.

        Raises:
            psycopg.Error: a table or column that the adapter reads is missing, or may not be read.
        """
        if self.source.file == ContractSource.file:
            return {view: self._columns_of(f"onestop.{view}") for view in ("dossiers", "transitions")}
        return {view: self._columns_made(view) for view in ("dossiers", "transitions")}

    def _columns_of(self, relation: str) -> dict[str, str]:
        rows = self._connection.execute(statement("sources/checking/columns"), {"relation": relation})
        return {row["name"]: row["type"] for row in rows}

    def _columns_made(self, view: LiteralString) -> dict[str, str]:
        made = statement(f"{self.source.file}/{view}")
        cursor = self._connection.execute(f"WITH looked_at AS ({made}) TABLE looked_at LIMIT 0")
        types = self._connection.adapters.types
        described = cursor.description or ()
        return {
            each.name: (info.name if (info := types.get(each.type_code)) is not None else str(each.type_code))
            for each in described
        }

    def latest(self) -> Latest | None:
        """Returns the source's present time, and the highest number and the latest times of its rows.

        Returns ``None`` if the query took too long.
        """
        return self.ask("latest", self.source.latest, None)

    def newest_rows(self) -> NewestRows:
        """Returns the newest transitions by number, the newest transitions by time, and the newest dossiers.

        The result also contains the row and all transitions of up to ``MOST_WHOLE`` dossiers that occur in these rows.
        """
        most = {"most": MOST_ROWS}
        by_number = self._rows("newest_by_number", most, SourceTransition)
        by_time = self._rows("newest_by_time", most, SourceTransition)
        dossiers = self._rows("newest_dossiers", most, SourceDossier)
        keys: dict[Key, None] = {}
        for rows in (by_time[: MOST_WHOLE // 2], dossiers[: MOST_WHOLE // 2], by_time, dossiers):
            for row in rows:
                if row.agency_code is not None and row.dossier_code is not None and len(keys) < MOST_WHOLE:
                    keys.setdefault((row.agency_code, row.dossier_code))
        asked = list(keys)
        unanswered = len(self.unanswered)
        none: list[SourceDossier] = []
        rows_by_key = self.ask("dossiers_by_key", lambda: self.source.dossiers_by_key(asked), none)
        no_steps: list[SourceTransition] = []
        steps_by_key = self.ask("transitions_by_key", lambda: self.source.transitions_by_key(asked), no_steps)
        whole = frozenset(keys) if len(self.unanswered) == unanswered else frozenset()
        return NewestRows(
            dossiers=_once([*dossiers, *rows_by_key], lambda row: (row.agency_code, row.dossier_code)),
            transitions=_once([*by_number, *by_time, *steps_by_key], lambda row: row.transition_id),
            whole=whole,
        )

    def _rows(self, name: LiteralString, parameters: Mapping[str, Any], row: type[Answer]) -> list[Answer]:
        def read() -> list[Answer]:
            with self._connection.cursor(row_factory=class_row(row)) as cursor:
                return cursor.execute(self.source.checking_query(name, row), parameters).fetchall()

        return self.ask(name, read, [])

    def doubled(self, name: LiteralString) -> Doubled:
        """Returns the keys or numbers that occur in several rows of the source. The query searches all rows.

        ``name`` is ``double_dossiers`` for keys of dossiers, or ``double_numbers`` for numbers of transitions.
        """

        def read() -> Doubled:
            rows = self._connection.execute(self.source.checking_query(name), {"most": _MOST_DOUBLES}).fetchall()
            return Doubled(rows[0]["doubles"], rows) if rows else Doubled()

        return self.ask(name, read, Doubled())

    def plans(self, latest: Latest) -> tuple[dict[str, list[Table]], dict[Table, int]]:
        """Returns, for each query of ``QUESTIONS``, the tables that the source's server would read whole.

        The second value is the approximate number of rows of each of these tables. The server only plans the queries
        and runs none of them.
        """
        none: list[Table] = []
        read_whole = {
            question.name: self.ask(question.name, partial(self._read_whole, question.name, latest), none)
            for question in QUESTIONS
        }
        tables = sorted({table for tables in read_whole.values() for table in tables})
        schemas, names = [schema for schema, _ in tables], [name for _, name in tables]
        rows = self._connection.execute(
            statement("sources/checking/table_sizes"), {"schemas": schemas, "tables": names}
        ).fetchall()
        return read_whole, {(row["schema_name"], row["table_name"]): row["about_rows"] for row in rows}

    def _read_whole(self, question: LiteralString, latest: Latest) -> list[Table]:
        explain: LiteralString = f"EXPLAIN (VERBOSE, FORMAT JSON) {self.source.reading_query(question)}"
        # A ClientCursor writes the values into the text of the query, because the server's plan depends on the values.
        with psycopg.ClientCursor(self._connection) as cursor:
            (answer,) = cursor.execute(explain, _parameters(question, latest)).fetchall()
        return sorted(tables_read_whole(answer["QUERY PLAN"][0]["Plan"]))


def _once(rows: Sequence[Answer], key: Callable[[Answer], Any]) -> list[Answer]:
    """Returns only the first of several rows with the same key, and all different rows that have no key."""
    seen: dict[Any, Answer] = {}
    for row in rows:
        row_key = key(row)
        is_missing = row_key is None or (isinstance(row_key, tuple) and None in row_key)
        seen.setdefault(("row", row) if is_missing else row_key, row)
    return list(seen.values())


def _parameters(question: str, latest: Latest) -> dict[str, Any]:
    """Returns parameters with which a query finds few rows, as if the source had been read completely just before.

    With these parameters a server that has the needed indexes reads no table whole.
    """
    now, number = latest.source_now, latest.transition_id or 0
    key = {"agency_codes": ["-"], "dossier_codes": ["-"]}
    parameters: dict[str, dict[str, Any]] = {
        "transitions_by_number": {"numbers": [number]},
        "transitions_between": {"start": now, "end": now + timedelta(minutes=1)},
        "transitions_by_key": key,
        "dossiers_since": {"since": now, "open_too": False},
        "dossiers_by_key": key,
        "transitions_since": {"since": now, "after": number},
        "watch": {"recorded_since": now, "updated_since": now, "after": number},
        "latest": {},
    }
    return parameters[question]
