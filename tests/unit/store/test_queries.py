"""Test the reading of SQL statements: each is found by name in its file, and a malformed file gives a clear error."""

from __future__ import annotations

import pytest

from motcua.store.ledger.queries import statement, statements_of

GOOD = """-- What the file is for. Called by nobody.

-- name: one
-- What it promises.
SELECT
    -- Why so.
    1 AS one;

-- name: other
-- The other one.
SELECT ';' AS semicolon, '--' AS dashes;  -- noqa: LT01
"""


@pytest.fixture
def file(tmp_path, configure):
    """Return the path of include/sql/nouns/part.sql in a home folder of the test. No SQL statements are cached."""
    configure(MOTCUA_HOME=str(tmp_path))
    forget()
    path = tmp_path / "include" / "sql" / "nouns" / "part.sql"
    path.parent.mkdir(parents=True)
    yield path
    forget()


def forget() -> None:
    statement.cache_clear()
    statements_of.cache_clear()


def test_statement_is_its_sql_below_its_whole_name_without_comments_and_the_last_semicolon(file):
    file.write_text(GOOD)
    assert statement("nouns/part/one") == "-- nouns/part/one\nSELECT\n    1 AS one"
    assert statement("nouns/part/other") == "-- nouns/part/other\nSELECT ';' AS semicolon, '--' AS dashes"
    assert list(statements_of("nouns/part")) == ["one", "other"]


def test_comments_and_blank_lines_are_none_of_a_statement(file):
    file.write_text(GOOD)
    was = statement("nouns/part/one")
    forget()
    file.write_text(GOOD.replace("-- What it promises.", "-- Other words,\n-- on two lines.\n").replace("Why", "How"))
    assert statement("nouns/part/one") == was


def test_name_that_a_file_does_not_have_is_refused_with_those_that_it_has(file):
    file.write_text(GOOD)
    with pytest.raises(LookupError, match=r"include/sql/nouns/part\.sql has no statement 'two'; it has one, other"):
        statement("nouns/part/two")
    with pytest.raises(FileNotFoundError, match=r"nouns/gone\.sql"):
        statement("nouns/gone/one")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("name: other", "name: one"), "has two statements 'one'"),
        (GOOD.replace("1 AS one;", "1 AS one"), "no semicolon ends 'one'"),
    ],
)
def test_file_that_says_two_things_by_one_name_or_does_not_end_a_statement_is_refused(file, text, words):
    file.write_text(text)
    with pytest.raises(LookupError, match=words):
        statement("nouns/part/other")
