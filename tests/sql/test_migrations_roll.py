"""Test that code of the earlier version works after a migration, so that services can be replaced one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from motcua.settings import include_dir

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORDS = re.compile(r"'(?:[^']|'')*'")
_NAME = r"(?:IF (?:NOT )?EXISTS )?(?:ONLY )?([a-z_.\"]+)"
_NEW_TABLE = re.compile(rf"^CREATE (?:UNLOGGED )?TABLE {_NAME}", re.IGNORECASE)
_INDEX = re.compile(rf"^CREATE (?:UNIQUE )?INDEX .*?\bON {_NAME}", re.IGNORECASE)
_ALTER = re.compile(rf"^ALTER TABLE {_NAME} (.*)", re.IGNORECASE)
_CHANGES = re.compile(r"^(?:UPDATE|DELETE FROM|TRUNCATE|LOCK)\b", re.IGNORECASE)
_KEYS = r"(?:CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY|EXCLUDE)\b"
_ALWAYS_FILLED = r"\b(?:DEFAULT|GENERATED)\b"
_UP_TO_THE_NEXT = r"(?:(?!, ADD).)*"
_NEEDS_NEW_VALUE, _UNDER_A_LOCK = "needs a value that old code does not write", "reads all rows under a lock"
_HARMFUL_CHANGES = [
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"\bDROP (?!NOT NULL|DEFAULT|CONSTRAINT|INDEX)(?:COLUMN )?(?:IF EXISTS )?\w+", "drops"),
        (r"\bRENAME (?!CONSTRAINT)", "renames"),
        (r"\bALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE\b", "changes a type"),
        (r"\bSET NOT NULL\b", _NEEDS_NEW_VALUE),
        (
            rf"\bADD (?:COLUMN )?(?!{_KEYS})(?:(?!{_ALWAYS_FILLED}|, ADD).)*\bNOT NULL\b"
            rf"(?!{_UP_TO_THE_NEXT}{_ALWAYS_FILLED})",
            _NEEDS_NEW_VALUE,
        ),
        (r"\bADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY)\b(?!.*NOT VALID)", _UNDER_A_LOCK),
        (r"\bADD (?:CONSTRAINT \w+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*USING INDEX)", _UNDER_A_LOCK),
    )
]
"""Patterns of changes that must not be made to a table in use, each with the reason."""


def faults(migration: str) -> Iterator[str]:
    """Yield the parts of a migration that would break running code of the earlier version, or hold a lock for long."""
    plain = _WORDS.sub("''", _COMMENT.sub(" ", migration))
    statements = [" ".join(each.split()) for each in plain.split(";") if each.strip()]
    own = {found[1] for each in statements if (found := _NEW_TABLE.match(each))}
    for each in statements:
        if re.match(r"DROP (?!INDEX|FUNCTION|VIEW|TRIGGER)", each, re.IGNORECASE):
            yield f"drops: {each}"
        elif (found := _INDEX.match(each)) and found[1] not in own and "CONCURRENTLY" not in each.upper():
            yield f"builds an index under a lock: {each}"
        elif _CHANGES.match(each):
            yield f"changes rows of a table that is in use: {each}"
        elif (found := _ALTER.match(each)) and found[1] not in own:
            yield from (f"{why}: {each}" for pattern, why in _HARMFUL_CHANGES if pattern.search(found[2]))


@pytest.mark.guarantee(
    "upgrades", "a migration removes nothing that old code uses, and holds no lock while it reads a table"
)
def test_no_migration_takes_from_old_code_or_holds_a_lock_while_it_reads_a_table() -> None:
    files = sorted((include_dir() / "sql" / "migrations").glob("*.sql"))
    found = {path.stem: list(faults(path.read_text(encoding="utf-8"))) for path in files}
    assert found
    assert {name: there for name, there in found.items() if there} == {}


HARMFUL = """
ALTER TABLE motcua.messages DROP text
ALTER TABLE motcua.messages RENAME TO letters
ALTER TABLE motcua.messages ALTER COLUMN text TYPE bytea USING text::bytea
ALTER TABLE motcua.messages ALTER text SET NOT NULL
ALTER TABLE motcua.messages ADD COLUMN colour text DEFAULT 'x' NOT NULL, ADD COLUMN shade text NOT NULL
ALTER TABLE motcua.messages ADD CONSTRAINT short CHECK (length(text) < 9)
ALTER TABLE motcua.messages ADD CONSTRAINT once UNIQUE (text)
DROP TABLE motcua.messages
CREATE UNIQUE INDEX IF NOT EXISTS quick ON motcua.messages (text)
UPDATE motcua.messages SET text = ''
CREATE TABLE motcua.other (a integer); CREATE INDEX quick ON motcua.messages (text)
"""
HARMLESS = """
ALTER TABLE motcua.messages ADD COLUMN colour text NOT NULL DEFAULT 'red'
ALTER TABLE motcua.messages ADD COLUMN no bigint GENERATED ALWAYS AS IDENTITY NOT NULL
ALTER TABLE motcua.messages ALTER COLUMN text DROP NOT NULL
ALTER TABLE motcua.messages DROP CONSTRAINT short, ADD CONSTRAINT long CHECK (length(text) < 99) NOT VALID
CREATE TABLE motcua.other (a integer); CREATE INDEX q ON motcua.other (a); ALTER TABLE motcua.other ADD CHECK (a > 0)
CREATE INDEX CONCURRENTLY quick ON motcua.messages (text)
COMMENT ON COLUMN motcua.messages.text IS 'Never RENAME; DROP TABLE x; it.'
ALTER TABLE motcua.messages RENAME CONSTRAINT short TO brief; ALTER SEQUENCE motcua.old_seq RENAME TO new_seq
"""


def test_changes_that_harm_old_code_are_told_from_harmless_ones() -> None:
    assert [each for each in HARMFUL.split("\n") if each and len(list(faults(each))) != 1] == []
    assert [each for each in HARMLESS.split("\n") if list(faults(each))] == []
