"""Test closings on the pages: the sums and the first rows that SQL reads must agree with the publication.

A cell has the figures of one agency, one procedure and one kind of message.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from motcua.jobs.reconciliation.reporting import build_report, show_closing, show_figure
from motcua.reports.publication.data import Told
from motcua.reports.publication.document import summary_lines
from motcua.store.ledger.database import connect
from motcua.store.oversight.closings import save_sums
from motcua.store.oversight.figure_rows import Cell, newest_periods

# These closings contain the difficult cases of a page: cells that do not balance although their agency's sum does, many
# cells with the same share of delivered messages, cells with too few messages for a share, cells with only suppressed
# messages, an agency without a name, and procedures without a name.
CLOSED = """
SET session_replication_role = 'replica';
INSERT INTO motcua.agencies (agency_code, name, enabled_from)
SELECT 'H' || n, 'Cơ quan ' || n, '2026-01-01' FROM generate_series(1, 4) AS n;
INSERT INTO motcua.procedures (procedure_code, name) SELECT '1.' || n, 'Thủ tục ' || n FROM generate_series(1, 9) AS n;
INSERT INTO motcua.closings (
    closing_no, period, corrects, run_id, as_of, known_version, known_transition, known_history, known_message,
    known_inquiry, known_receipt, figures_hash, difference, unexplained
)
OVERRIDING SYSTEM VALUE
SELECT n, period, corrects, 'tests', '2026-11-26', 0, 0, 0, 0, 0, 0, repeat('0', 64), 0, 0
FROM (
    VALUES
    (1, '2026-10', NULL::bigint), (2, '2026-11-23', NULL), (3, '2026-11-24', NULL), (4, '2026-11-24', 3),
    (5, '2026-11-25', NULL)
) AS c (n, period, corrects);
INSERT INTO motcua.closing_messages (
    closing_no, agency_code, procedure_code, kind, at_source, out_of_scope, only_source, only_ledger, suppressed,
    cancelled, expired, queued, sending, unknown, rejected, accepted, delivered, undelivered, unconfirmed, segments
)
SELECT
    c, CASE WHEN a = 5 THEN '' ELSE 'H' || a END, CASE WHEN p = 0 THEN '' ELSE '1.' || p END, k.kind,
    m.messages + CASE WHEN p IN (3, 4) AND k.n = 1 THEN a * (2 * p - 7) ELSE 0 END, 0, 0, 0,
    CASE WHEN p = 5 THEN m.messages ELSE 0 END, 0, 0, 0, 0, 0, 0, 0,
    CASE WHEN p = 5 THEN 0 ELSE m.delivered END, CASE WHEN p = 5 THEN 0 ELSE m.messages - m.delivered END, 0, 9
FROM generate_series(1, 5) AS c
CROSS JOIN generate_series(1, 5) AS a
CROSS JOIN generate_series(0, 12) AS p
CROSS JOIN (VALUES ('result', 1), ('supplement', 2), ('apology', 3), ('reply', 4)) AS k (kind, n)
CROSS JOIN LATERAL (SELECT (p * 7 + a * 3 + k.n) % 60 AS messages) AS x
CROSS JOIN LATERAL (
    SELECT x.messages, CASE WHEN x.messages < 30 THEN 0 ELSE (x.messages + c) / 2 END AS delivered
) AS m;
INSERT INTO motcua.closing_dossiers (
    closing_no, agency_code, procedure_code, carried_over, received, received_online, received_postal, resolved_early,
    resolved_on_time, resolved_late, resolved_without_due, withdrawn, open_in_time, open_late, paused_in_time,
    paused_late, due, handed_over
)
SELECT c, 'H' || a, '1.' || p, 1, (a * p) % 7, 0, 0, 2, 1, (a + p) % 3, 0, 0, 1, p % 2, 0, 0, 4, 3
FROM generate_series(1, 5) AS c
CROSS JOIN generate_series(1, 4) AS a
CROSS JOIN generate_series(1, 12) AS p;
INSERT INTO motcua.closing_reasons (closing_no, agency_code, procedure_code, kind, state, reason, messages)
SELECT c, 'H' || a, '1.' || p, 'result', 'suppressed', CASE p % 2 WHEN 0 THEN 'missing' ELSE 'landline' END, p
FROM generate_series(1, 5) AS c
CROSS JOIN generate_series(1, 4) AS a
CROSS JOIN generate_series(1, 12) AS p;
INSERT INTO motcua.closing_agencies (
    closing_no, agency_code, apologies_right, apologies_wrong, apologies_stopped, late_untold, inquiries, inquiry_fees,
    told_without_result, findings_open
)
SELECT 5, 'H' || a, a, 1, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 4) AS a
"""


@pytest.fixture(params=[True, False], ids=["sums are written", "closed by an earlier version"])
def closed(request, ledger, rows):
    """Write closings by SQL, with stored sums, or without sums as an earlier version left them."""
    for each in CLOSED.split(";\n"):
        rows(each)
    with connect() as connection:
        for closing_no in range(1, 6):
            if request.param:
                save_sums(connection, closing_no)
        yield connection


@pytest.mark.guarantee("reconciliation", "a closing's page shows what its publication shows, to the last cell")
@pytest.mark.parametrize(
    ("closing_no", "agency", "most"), [(1, None, 25), (5, None, 1_000), (5, "H1", 25), (5, "H3", 200)]
)
def test_closing_that_is_shown_says_what_its_publication_says(closed, agency, closing_no, most):
    published = Told(build_report(closed, closing_no), agency=agency)
    shown = show_closing(closed, closing_no, agency, most)
    on_page = Told(shown.report, agency=agency)
    assert summary_lines(on_page) == summary_lines(published)
    assert on_page.difference == published.difference > 0
    assert on_page.reasons == published.reasons
    assert on_page.by_kind == published.by_kind
    # Pages show no times to delivery, so the comparison leaves these times out.
    assert [replace(each, timing=None) for each in on_page.agencies] == [
        replace(each, timing=None) for each in published.agencies
    ]
    assert (list(shown.messages.rows), shown.messages.all_rows) == (
        list(published.messages[:most]),
        len(published.messages),
    )
    assert (list(shown.dossiers.rows), shown.dossiers.all_rows) == (
        list(published.dossiers[:most]),
        len(published.dossiers),
    )
    for row in (*shown.messages.rows, *shown.dossiers.rows):
        assert on_page.procedure_name(row.procedure_code) == published.procedure_name(row.procedure_code)
        assert on_page.agency_name(row.agency_code) == published.agency_name(row.agency_code)


def test_periods_are_listed_once_each_by_their_newest_closing(closed):
    listed = [
        (each.period, each.closing_no, each.corrections) for each in newest_periods(closed, "day", 3, summed=False)
    ]
    assert listed == [("2026-11-25", 5, 0), ("2026-11-24", 4, 1), ("2026-11-23", 2, 0)]
    on_page = Told(build_report(closed, 5))
    first = newest_periods(closed, "day", 1, summed=True)[0]
    assert (first.expected, first.tellable, first.delivered) == (
        *(on_page.total.expected, on_page.notices.tellable, on_page.notices.delivered),
    )


@pytest.mark.parametrize(
    "cell",
    [
        Cell(),
        Cell("H1"),
        Cell("H1", "1.4"),
        Cell("H1", "1.4", "result"),
        Cell(None, "1.4"),
        Cell("H1", reason="missing"),
    ],
)
def test_figure_is_told_as_the_closing_stored_it_whatever_it_is_narrowed_down_to(closed, cell):
    """A figure for one agency, procedure, kind or reason must be the sum of the stored cells."""
    figures = build_report(closed, 5).figures
    figure = "delivered" if cell.reason is None else "suppressed"
    _, found = show_figure(closed, 5, figure, cell, 10)
    own = figures.messages if cell.reason is None else [each for each in figures.reasons if each.reason == cell.reason]
    assert found.closed == sum(
        getattr(each, figure, 0) if cell.reason is None else each.messages
        for each in own
        if cell.agency_code in (None, each.agency_code)
        and cell.procedure_code in (None, each.procedure_code)
        and cell.kind in (None, each.kind)
    )
