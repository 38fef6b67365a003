"""Check that tests notice a broken SQL statement of ``include/sql``: a condition, a column or a lock is left out.

Each statement is broken in one place at a time, and the tests that use the statement are run
(``tests/prove/trials.py``). ``--seeds`` is the number of faults in the sample. A change that PostgreSQL refuses when it
parses the statement does not count as a fault. Objects of the ledger (functions, views, triggers) and statements for
the demo's own databases are not broken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import psycopg
from psycopg.rows import dict_row

from motcua.quality.rules import load_rules, snapshot_thresholds
from motcua.store.ledger.provisioning import with_database
from motcua.store.ledger.queries import statements_of
from motcua.store.oversight import quality
from tests.named_statements import FILES, NAMES
from tests.prove import Figure
from tests.prove.trials import Fault, broken_statements, drawn, figures_of, try_faults

MINUTES: Final = 30.0
SAMPLE: Final = 300

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>E?'(?:[^']|'')*'|"[^"]*"|\$\w*\$.*?\$\w*\$)|(?P<given>%\(\w+\)s)"""
    r"""|(?P<word>\w+)|(?P<sign><>|!=|<=|>=|->>|->|\|\||::|%%|.)""",
    re.DOTALL,
)
_ENDS_CONDITION: Final = frozenset(
    {"AND", "OR", "WHERE", "ON", "HAVING", "WHEN", "THEN", "ELSE", "END", "GROUP", "ORDER", "LIMIT", "OFFSET", "UNION"}
    | {"EXCEPT", "INTERSECT", "FOR", "RETURNING", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "JOIN", "WINDOW"}
    | {"SELECT", "FROM", "USING", "SET", "VALUES", "CASE", ",", ";"}
)
_ENDS_COLUMNS: Final = frozenset(
    {"FROM", "WHERE", "UNION", "EXCEPT", "INTERSECT", "ORDER", "LIMIT", "GROUP", "FOR", "HAVING", "RETURNING", "ON"}
)
_ENDS_ORDER: Final = frozenset({"LIMIT", "OFFSET", "FOR", "UNION", "FETCH", "RANGE", "ROWS", "GROUPS", "RETURNING"})
_NO_ANSWER: Final = frozenset({"NULL", "MATERIALIZED", "VALID"})
"""Words before which a NOT does not negate a condition, as in NOT NULL."""
_TURNED: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "<>": "=", "=": "<>"}
_OTHERS: Final = {
    "MIN": "max",
    "MAX": "min",
    "LEAST": "greatest",
    "GREATEST": "least",
    "TRUE": "FALSE",
    "FALSE": "TRUE",
}


@dataclass(frozen=True)
class _Token:
    word: str
    """The token's text in capital letters."""
    start: int
    end: int
    depth: int
    """Depth within brackets; a bracket has the depth of the text around it."""
    kind: str


@dataclass(frozen=True)
class Change:
    """A fault of an SQL statement: a replacement for one part of it."""

    kind: str
    start: int
    end: int
    becomes: str


def _tokens(sql: str) -> list[_Token]:
    found, depth = [], 0
    for each in _TOKEN.finditer(sql):
        if each.lastgroup == "space":
            continue
        depth -= each[0] in ")]"
        found.append(_Token(each[0].upper(), each.start(), each.end(), depth, str(each.lastgroup)))
        depth += each[0] in "(["
    return found


class _Statement:
    """A statement, and the places where it can be broken."""

    def __init__(self, sql: str) -> None:
        self.sql, self.tokens = sql, _tokens(sql)
        self.words = [each.word for each in self.tokens]
        self.between = self._between()

    def _between(self) -> set[int]:
        """Return the positions of the ANDs that belong to a BETWEEN."""
        found, open_at = set(), []
        for at, token in enumerate(self.tokens):
            if token.word == "BETWEEN":
                open_at.append(token.depth)
            elif token.word == "AND" and open_at and open_at[-1] == token.depth:
                open_at.pop()
                found.add(at)
        return found

    def _end(self, at: int, ends: frozenset[str]) -> int:
        """Return the end of the part that begins at ``at``.

        The end is the position of the first token of ``ends`` that follows at the same depth.
        """
        depth = self.tokens[at].depth
        for later in range(at, len(self.tokens)):
            token = self.tokens[later]
            if token.depth < depth or (token.depth == depth and token.word in ends and later not in self.between):
                return later
        return len(self.tokens)

    def _change(self, kind: str, first: int, end: int, becomes: str) -> Change:
        """Return a change of the tokens from ``first`` to before ``end``."""
        return Change(kind, self.tokens[first].start, self.tokens[end - 1].end, becomes)

    def _starts_condition(self, at: int) -> bool:
        before = self.words[at - 1] if at else ""
        if self.words[at] == "ON":
            return before not in ("DISTINCT",) and self.words[at + 1 : at + 2] != ["CONFLICT"] and before != "CONFLICT"
        return self.words[at] in ("WHERE", "HAVING", "WHEN", "AND", "OR") and at not in self.between

    def conditions(self) -> Iterator[Change]:
        """Yield changes that leave out one condition: TRUE replaces it, or FALSE if it is part of an OR."""
        for at in range(len(self.tokens) - 1):
            behind = self._starts_condition(at)
            opens = self.words[at] == "(" and self.words[at + 1] not in ("SELECT", "WITH", "VALUES")
            if not (behind or opens) or self.words[at + 1] == "CONFLICT":
                continue
            end = self._end(at + 1, _ENDS_CONDITION)
            follows = self.words[end] if end < len(self.words) else ""
            if end == at + 1 or (opens and follows not in ("AND", "OR")):
                continue
            enough = "OR" in (self.words[at], follows)
            yield self._change("condition left out", at + 1, end, "FALSE" if enough else "TRUE")

    def comparisons(self) -> Iterator[Change]:
        """Yield changes of one comparison: ``<`` for ``<=``, ``=`` for ``<>``, or its negation."""
        for at, word in enumerate(self.words):
            following = self.words[at + 1 : at + 3]
            if word in _TURNED and not self._assigns(at):
                yield self._change("comparison turned", at, at + 1, _TURNED[word])
            elif word == "IS":
                negated = following[:1] == ["NOT"]
                yield self._change("comparison turned", at, at + 1 + negated, "IS" if negated else "IS NOT")
            elif word in ("EXISTS", "IN", "LIKE") and self.words[at - 1] not in ("IF", "NOT"):
                yield self._change("comparison turned", at, at + 1, f"NOT {word}")
            elif word == "NOT" and self.words[at - 1] not in ("IS", "IF") and following[0] not in _NO_ANSWER:
                yield self._change("comparison turned", at, at + 1, "")

    def _assigns(self, at: int) -> bool:
        """Return whether a ``=`` assigns a value to a column."""
        depth = self.tokens[at].depth
        for before in range(at - 1, -1, -1):
            token = self.tokens[before]
            if token.depth < depth:
                return False
            if token.depth == depth and token.word in ("SET", "WHERE", "ON", "AND", "OR", "WHEN", "SELECT", "HAVING"):
                return token.word == "SET"
        return False

    def joined(self) -> Iterator[Change]:
        """Yield changes that exchange AND with OR, or an inner join with a left join."""
        for at, word in enumerate(self.words):
            if word in ("AND", "OR") and at not in self.between:
                yield self._change("AND for OR", at, at + 1, "OR" if word == "AND" else "AND")
            elif word in ("LEFT", "INNER") and "JOIN" in self.words[at + 1 : at + 3]:
                yield self._change("join", at, at + 1, "INNER" if word == "LEFT" else "LEFT")

    def _parts_between_commas(self, at: int, ends: frozenset[str]) -> list[tuple[int, int]]:
        """Return the parts that commas separate from the token ``at`` on, as ranges of tokens."""
        end, parts = self._end(at, ends), []
        while at < end:
            comma = min(self._end(at, ends | {","}), end)
            parts.append((at, comma))
            at = comma + 1
        return parts

    def columns(self) -> Iterator[Change]:
        """Yield changes that make one column of a result or one written value NULL, or leave out one assignment."""
        for at, word in enumerate(self.words[:-1]):
            if word in ("SELECT", "RETURNING"):
                first = at + 1
                if self.words[first] == "DISTINCT":
                    on = self.words[first + 1] == "ON"
                    first = self._end(first + 2, frozenset({")"})) + 1 if on else first + 1
                    first = next((each for each in range(first, len(self.words)) if self.words[each] != ")"), first)
                yield from (
                    self._null_column(*part)
                    for part in self._parts_between_commas(first, _ENDS_COLUMNS)
                    if self._can_empty(*part)
                )
            elif word == "VALUES" and self.words[at + 1] == "(":
                yield from (
                    self._null_column(*part)
                    for part in self._parts_between_commas(at + 2, _ENDS_COLUMNS)
                    if part[0] < part[1]
                )
            elif (word == "SET" and self.words[at - 1] in ("UPDATE",)) or (
                word == "SET" and self.words[at + 2 : at + 3] == ["="]
            ):
                assigned = self._parts_between_commas(at + 1, _ENDS_COLUMNS)
                for number, (start, end) in enumerate(assigned):
                    if len(assigned) > 1:
                        start, end = (assigned[number - 1][1], end) if number else (start, end + 1)
                        yield self._change("column left out", start, end, "")

    def _can_empty(self, start: int, end: int) -> bool:
        return start < end and self.words[end - 1] != "*" and self.words[start:end] not in (["1"], ["NULL"])

    def _null_column(self, start: int, end: int) -> Change:
        """Return a change that makes a column NULL, with the same type and name."""
        named = start + next(
            (n for n, each in enumerate(self.tokens[start:end]) if self._begins_name(start, start + n)), end - start
        )
        value = self.sql[self.tokens[start].start : self.tokens[named - 1].end]
        name = self.sql[self.tokens[named].start : self.tokens[end - 1].end] if named < end else ""
        if not name and re.fullmatch(r"(\w+\.)?\w+", value):
            name = f"AS {value.rpartition('.')[2]}"
        elif not name and (called := re.match(r"(?:\w+\.)?(\w+)\(", value)):
            name = f"AS {called[1]}"
        empty = "NULL" if re.fullmatch(r"%\(\w+\)s", value) else f"CASE WHEN FALSE THEN {value} END"
        in_values = self.tokens[start - 1].word in ("(", ",") and self._in_values(start)
        return self._change("column left out", start, end, empty if in_values else f"{empty} {name}".strip())

    def _begins_name(self, start: int, at: int) -> bool:
        return self.words[at] == "AS" and self.tokens[at].depth == self.tokens[start].depth

    def _in_values(self, at: int) -> bool:
        depth = self.tokens[at].depth
        opened = next((each for each in range(at - 1, -1, -1) if self.tokens[each].depth < depth), 0)
        return self.words[opened - 1] == "VALUES"

    def order(self) -> Iterator[Change]:
        """Yield changes of ORDER BY and its direction, LIMIT, DISTINCT, locks and SKIP LOCKED."""
        for at, word in enumerate(self.words[:-1]):
            following = self.words[at + 1]
            if word == "ORDER" and following == "BY":
                end = self._end(at, _ENDS_ORDER)
                yield self._change("order", at, end, "")
                first = min(self._end(at + 2, _ENDS_ORDER | {","}), end)
                down = self.words[first - 1] == "DESC"
                yield self._change("order", first - 1, first, "" if down else f"{self._text(first - 1)} DESC")
            elif word in ("LIMIT", "OFFSET"):
                yield self._change("limit", at, self._end(at + 1, _ENDS_ORDER), "")
            elif word == "FOR" and following in ("UPDATE", "SHARE", "NO", "KEY"):
                yield self._change("lock", at, self._end(at + 1, frozenset(["LIMIT", "OFFSET"])), "")
            elif word == "SKIP" and following == "LOCKED":
                yield self._change("lock", at, at + 2, "")
            elif word == "DISTINCT" and self.words[at - 1] == "SELECT" and following != "ON":
                yield self._change("DISTINCT", at, at + 1, "")
            elif word == "UNION":
                yield self._change(
                    "DISTINCT", at, at + 1 + (following == "ALL"), "UNION" if following == "ALL" else "UNION ALL"
                )

    def _text(self, at: int) -> str:
        return self.sql[self.tokens[at].start : self.tokens[at].end]

    def others(self) -> Iterator[Change]:
        """Yield other changes: of the ON CONFLICT action, of a default, of greatest to least, of minus to plus."""
        for at, word in enumerate(self.words[:-1]):
            if word == "DO" and self.words[at + 1] == "UPDATE":
                yield self._change("on conflict", at, self._end(at, frozenset({"RETURNING"})), "DO NOTHING")
            elif word == "CONFLICT" and "NOTHING" in self.words[at : at + 12]:
                nothing = self.words.index("NOTHING", at)
                yield self._change("on conflict", at - 1, nothing + 1, "")
            elif word == "COALESCE" and self.words[at + 1] == "(":
                parts = self._parts_between_commas(at + 2, frozenset())
                if len(parts) > 1:
                    yield self._change("default", parts[-2][1], parts[-1][1], "")
            elif word == "ELSE" and self.words[at + 1] != "NULL":
                yield self._change("default", at, self._end(at + 1, frozenset({"END"})), "")
            elif word in _OTHERS and (self.words[at + 1] == "(" or word in ("TRUE", "FALSE")):
                yield self._change("value", at, at + 1, _OTHERS[word])
            elif word in ("+", "-") and self.tokens[at - 1].kind != "sign" and at:
                yield self._change("value", at, at + 1, "-" if word == "+" else "+")

    def changes(self) -> Iterator[Change]:
        """Yield all changes of all kinds."""
        for made in (self.conditions, self.comparisons, self.joined, self.columns, self.order, self.others):
            yield from made()


def changes_of(sql: str) -> list[Change]:
    """Return each way in which a statement can be broken in one place."""
    return list(dict.fromkeys(_Statement(sql).changes()))


def faults_of(name: str, sql: str) -> list[Fault]:
    """Return the faults of one statement."""
    alike: Counter[tuple[str, str, str]] = Counter()
    found = []
    for each in changes_of(sql):
        becomes = f"{sql[: each.start]}{each.becomes}{sql[each.end :]}"
        was, shown = _replaced_text(sql, each), " ".join(each.becomes.split())
        alike[each.kind, was, shown] += 1
        change = partial(broken_statements.__setitem__, name, becomes)
        found.append(Fault(name, each.kind, was, shown, alike[each.kind, was, shown], change))
    return found


def _replaced_text(sql: str, change: Change) -> str:
    """Return the text that a change replaces; if the text is short, return its whole line."""
    was = sql[change.start : change.end]
    if len(was) < 12:
        line = slice(
            sql.rfind("\n", 0, change.start) + 1, sql.find("\n", change.end) if "\n" in sql[change.end :] else None
        )
        before, behind = sql[line.start : change.start], sql[change.end : line.stop]
        was = f"{before}«{was}»{behind}"
    return " ".join(was.split())


def every_fault() -> list[Fault]:
    """Return the faults of all statements."""
    files = {name: name.rpartition("/") for name in NAMES}
    return [fault for name, (file, _, own) in files.items() for fault in faults_of(name, statements_of(file)[own])]


class _SyntaxChecker:
    """Checks with PostgreSQL whether SQL statements of the ledger can be parsed."""

    def __init__(self, server: str) -> None:
        self.connection = psycopg.connect(with_database(server, "motcua_template"), row_factory=dict_row)
        book = load_rules({})
        now = datetime.now(UTC)
        given = {"as_of": now, "since": book.since(now), "sources": [], **snapshot_thresholds(book)}
        quality.begin_snapshot(self.connection, given)
        self.whole: dict[str, bool] = {}

    def understands(self, fault: Fault) -> bool:
        """Return whether PostgreSQL accepts a broken statement.

        The result is also true if PostgreSQL refuses the original, because that statement belongs to another database.
        """
        name = fault.place
        if name not in self.whole:
            file, _, own = name.rpartition("/")
            self.whole[name] = self._reads(statements_of(file)[own])
        fault.apply()
        return self._reads(broken_statements.pop(name)) or not self.whole[name]

    def _reads(self, sql: str) -> bool:
        for position, given in enumerate(sorted(set(re.findall(r"%\((\w+)\)s", sql))), 1):
            sql = sql.replace(f"%({given})s", f"${position}")
        try:
            with self.connection.transaction():
                self.connection.execute(f"PREPARE broken AS {sql.replace('%%', '%')}".encode())
                self.connection.execute("DEALLOCATE broken")
        except psycopg.Error:
            return False
        return True


def _sample(seed: int, number: int, server: str) -> list[Fault]:
    reader = _SyntaxChecker(server)
    try:
        return drawn(every_fault(), seed, number, reader.understands)
    finally:
        reader.connection.close()


def figures(seed: int, seeds: int = SAMPLE, into: str = "", minutes: float = MINUTES) -> list[Figure]:
    """Return a row for each kind of fault."""
    return figures_of(
        try_faults("statements", tuple(f"{file}/" for file in FILES), _sample, seed, seeds, minutes, into)
    )
