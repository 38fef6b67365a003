"""Measure the first pick-up (reading) of a source with many old rows: its memory, and its speed compared with COPY.

The bench also measures how long a later pick-up of a single step takes.
"""

from __future__ import annotations

import os
import statistics
import time
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

from motcua.jobs.notices.picking_up import pick_up
from motcua.settings import settings
from motcua.store.ledger.provisioning import with_database
from tests.bench import Line
from tests.bench.ledgers import most_of, server_of, used_by
from tests.ground import ask

DOSSIERS, FEW = 174_545, 20_000
"""Numbers of dossiers.

The first number gives 768,000 steps, 4.4 for each dossier. The second number is about an eighth of the first; the bench
compares the memory that a pick-up of each number needs.
"""
A_SECOND, GROWTH_MB = 20_000, 30
SINGLE = 200

# Eight of ten dossiers have four steps, and two have six. Rows are stored in the order of writing, as in any database.
_SOURCE: LiteralString = """
CREATE SCHEMA onestop;
CREATE TABLE onestop.dossiers AS
SELECT
    '000.00.30.H32-' || to_char(r.at, 'YYMMDD') || '-' || to_char(n, 'FM0000000') AS dossier_code,
    '000.00.30.H32' AS agency_code,
    '1.' || to_char(n * 7919 % 300, 'FM000000') AS procedure_code,
    'Cấp bản sao trích lục hộ tịch, loại ' || n * 7919 % 300 AS procedure_name,
    'Hộ tịch' AS field_name,
    'Nguyễn Thị ' || (ARRAY['Lan', 'Hồng', 'Cúc', 'Mai', 'Đào', 'Huệ', 'Sen'])[1 + n % 7] AS applicant_name,
    CASE WHEN n % 9 > 0 THEN '0905' || lpad((n * 7919 % 1000000)::text, 6, '0') END AS applicant_phone,
    r.at AS phone_entered_at,
    'direct' AS submitted_via,
    r.at AS received_at,
    r.at + interval '10 days' AS due_at,
    'Trả kết quả' AS step_name,
    10::smallint AS status_code,
    FALSE AS at_one_stop_desk,
    r.at + interval '5 days' AS finished_at,
    r.at + interval '6 days' AS returned_at,
    r.at + interval '6 days' AS updated_at,
    n
FROM generate_series(1, {dossiers}) AS n
CROSS JOIN LATERAL (
    SELECT date_trunc('second', now()) - interval '2 years' + n * interval '700 days' / {dossiers} AS at
) AS r;
CREATE TABLE onestop.transitions AS
SELECT
    row_number() OVER (ORDER BY t.at, d.n, s.step) AS transition_id,
    d.agency_code,
    d.dossier_code,
    s.from_step,
    s.to_step,
    s.status::smallint AS status_code,
    s.desk AS at_one_stop_desk,
    t.at AS occurred_at,
    t.at AS recorded_at,
    'can.bo.' || d.n % 40 AS actor,
    CASE WHEN s.step = 5 THEN 'Đã ký số ngày ' || t.at::date END AS note,
    d.n
FROM onestop.dossiers AS d
CROSS JOIN (
    VALUES
    (1, 0.0, 2, FALSE, NULL, 'Tiếp nhận'), (2, 0.5, 4, FALSE, 'Tiếp nhận', 'Thụ lý'),
    (3, 2.0, 5, TRUE, 'Thụ lý', 'Yêu cầu bổ sung'), (4, 3.0, 4, FALSE, 'Yêu cầu bổ sung', 'Thụ lý'),
    (5, 5.0, 9, TRUE, 'Thụ lý', 'Trả kết quả'), (6, 6.0, 10, FALSE, 'Trả kết quả', 'Kết thúc')
) AS s (step, day, status, desk, from_step, to_step)
CROSS JOIN LATERAL (SELECT d.received_at + s.day * interval '1 day' AS at) AS t
WHERE s.step NOT IN (3, 4) OR d.n % 5 = 0
ORDER BY transition_id;
CREATE INDEX ON onestop.dossiers (updated_at);
CREATE INDEX ON onestop.dossiers (agency_code, dossier_code);
CREATE INDEX ON onestop.transitions (recorded_at);
CREATE INDEX ON onestop.transitions (transition_id);
CREATE INDEX ON onestop.transitions (agency_code, dossier_code);
"""
_BARE: LiteralString = "CREATE TABLE public.bare (LIKE motcua.transitions INCLUDING ALL)"
_SENT: LiteralString = """
COPY (
    SELECT 1::smallint, transition_id, n::bigint, transition_id, FALSE, from_step, to_step, status_code,
        at_one_stop_desk, occurred_at, recorded_at, actor, note, now()
    FROM onestop.transitions
) TO STDOUT (FORMAT binary)
"""
_TAKEN: LiteralString = """
COPY public.bare (
    source_id, source_transition_id, dossier_id, sequence, from_row, from_step, to_step, status_code, at_one_stop_desk,
    occurred_at, recorded_at, actor, note, picked_up_at
) FROM STDIN (FORMAT binary)
"""
_MOVE: LiteralString = """
INSERT INTO onestop.transitions (
    transition_id, agency_code, dossier_code, from_step, to_step, status_code, at_one_stop_desk, occurred_at,
    recorded_at, actor, n
)
SELECT 10000000 + %(n)s, agency_code, dossier_code, 'Thụ lý', 'Trả kết quả', 4, FALSE, now(), now(), 'can.bo', n
FROM onestop.dossiers WHERE n = %(n)s
"""


def make_source(ledger: str, name: str, dossiers: int) -> str:
    """Make a source with ``dossiers`` dossiers on the ledger's server, and return its administrator's DSN."""
    ask(ledger, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = with_database(ledger, name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in _SOURCE.split(";\n"):
            if statement.strip():
                connection.execute(sql.SQL(statement).format(dossiers=sql.Literal(dossiers)))
        connection.execute("VACUUM ANALYZE")
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    address = f"postgres://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{name}"
    os.environ[f"AIRFLOW_CONN_ONESTOP_{name.upper()}"] = address
    return dsn


def bench(ledger: str) -> list[Line]:
    os.environ |= {"MOTCUA_SOURCES": "few,late", "MOTCUA_FIRST_LOOK_BACK": "P9999D"}
    settings.cache_clear()
    make_source(ledger, "few", FEW)
    source = make_source(ledger, "late", int(os.environ.get("BENCH_DOSSIERS", DOSSIERS)))
    bare = _rate_of_copy(ledger, source)
    with most_of(_resident) as before:
        pick_up("few")
    with most_of(_resident) as meanwhile, used_by({"own": os.getpid(), "server": server_of(ledger)}) as used:
        started = time.perf_counter()
        counts = pick_up("late")
        seconds = time.perf_counter() - started
    rate, grown = counts.transitions / seconds, meanwhile.value - before.value
    what = f"pick up {counts.transitions:,} transitions of {counts.dossiers:,} dossiers that a late joiner brings"
    cores = f"CPU {used['own']:.1f} s in the Python process, {used['server']:.1f} s in PostgreSQL"
    found = f"{rate:,.0f}/s; bare COPY {bare:,.0f}/s: ratio {rate / bare:.2f}; {cores}"
    # On a real server, autovacuum does this work within two minutes. Until then, PostgreSQL plans queries without
    # statistics.
    ask(ledger, "VACUUM ANALYZE")
    one = _seconds_of_one(source)
    return [
        (what, found, f"≥ {A_SECOND:,}/s", rate >= A_SECOND),
        (
            "largest memory, beyond that of a source with an eighth of the dossiers",
            f"{grown:.0f} MB",
            f"≤ {GROWTH_MB} MB",
            grown <= GROWTH_MB,
        ),
        (f"pick up one after autovacuum, median of {SINGLE}", f"{one * 1000:.1f} ms", "≤ 60 ms", one <= 0.06),
    ]


def _rate_of_copy(ledger: str, source: str) -> float:
    """Return how many transitions PostgreSQL copies per second into a table with the indexes of the ledger's table."""
    with psycopg.connect(ledger) as into, psycopg.connect(source) as out:
        into.execute(_BARE)
        into.commit()
        started = time.perf_counter()
        with out.cursor().copy(_SENT) as sent, into.cursor().copy(_TAKEN) as taken:
            for block in sent:
                taken.write(block)
        into.commit()
        seconds = time.perf_counter() - started
        (rows,) = into.execute("SELECT count(*) FROM public.bare").fetchone() or (0,)
    return int(rows) / seconds


def _seconds_of_one(source: str) -> float:
    """Return the median seconds of a pick-up that reads one transition."""
    taken = []
    with psycopg.connect(source, autocommit=True) as desk:
        for number in range(1, SINGLE + 1):
            desk.execute(_MOVE, {"n": number})
            started = time.perf_counter()
            counts = pick_up("late")
            taken.append(time.perf_counter() - started)
            assert counts.transitions == 1, counts
    return statistics.median(taken)


def _resident() -> float:
    """Return the resident memory of this process in MB."""
    return psutil.Process().memory_info().rss / 2**20
