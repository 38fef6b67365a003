"""The CSV files of a publication: RFC 4180, no formulas, and whoever reads them gets the same rows back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motcua.domain.reconciliation import Change, ReasonCount, Timing
from motcua.reports.publication.csv_tables import (
    TABLES,
    figure_rows,
    heads,
    read_csv,
    table_rows,
    unquoted,
    utc,
    write_csv,
)
from tests import reconciliation_samples as samples

BY_NAME = {table.name: table for table in TABLES}


def test_file_is_utf8_without_a_mark_with_commas_and_crlf():
    content = write_csv(BY_NAME["timings"], table_rows(BY_NAME["timings"], 7, [Timing("", None, "result", 3, 1, 2)]))
    assert content == (
        b'closing_no,agency_code,procedure_code,kind,delivered,median_seconds,p95_seconds\r\n7,"",,result,3,1,2\r\n'
    ), "an empty text is quoted, nothing is not"


def test_columns_are_those_of_the_ledger_s_tables():
    assert heads(BY_NAME["messages"])[:9] == (
        "closing_no",
        "agency_code",
        "procedure_code",
        "kind",
        "at_source",
        "out_of_scope",
        "only_source",
        "only_ledger",
        "expected",
    )
    assert "explained" in heads(BY_NAME["differences"])
    assert heads(BY_NAME["changes"])[-1] == "causes"


@pytest.mark.parametrize(
    "reason", ["=1+1", "+84", "-x", "@a", "\tx", "\rx", "'quoted", 'say "no"', "a,b", " x ", "đ\nđ"]
)
def test_text_cannot_run_as_a_formula_and_comes_back(reason):
    table = BY_NAME["reasons"]
    content = write_csv(table, table_rows(table, 1, [ReasonCount("a", "p", "result", "suppressed", reason, 1)]))
    ((*_, cell, number),) = list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == reason
    assert number == "1"


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12), max_size=6))
def test_whatever_is_written_is_read_again(reasons):
    table = BY_NAME["reasons"]
    rows = table_rows(table, 1, [ReasonCount("a", "p", "result", "suppressed", each, 1) for each in reasons])
    assert [tuple(each) for each in read_csv(write_csv(table, rows))[1:]] == [tuple(map(unquoted, row)) for row in rows]


def test_moments_are_utc_whatever_zone_they_came_in():
    there = datetime(2026, 11, 24, 17, 30, tzinfo=timezone(timedelta(hours=7)))
    assert utc(there) == utc(there.astimezone(UTC)) == "2026-11-24T10:30:00Z"


def test_order_of_the_rows_does_not_depend_on_the_report_s():
    figures = figure_rows(samples.figures(1))
    assert max(map(len, figures.values())) > 1
    for name, rows in figures.items():
        table = BY_NAME[name]
        assert table_rows(table, 1, rows) == table_rows(table, 1, tuple(reversed(rows)))


def test_list_stands_in_one_cell():
    row = Change("a", "p", "", "was", 1, 2, ("late_receipt", "reopened"))
    assert table_rows(BY_NAME["changes"], 1, [row])[0][-1] == "late_receipt reopened"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff\xfe", "can't decode"), (b'a,"b', "unexpected end of data"), (b'a,"b"c\r\n', "expected after")],
)
def test_file_that_is_no_csv_is_refused(content, reason):
    with pytest.raises(ValueError, match=reason):
        read_csv(content)
