"""Measure the time, memory and processor time of a quality check of a million dossiers.

SQL makes the dossiers with values that look random but follow from the dossiers' numbers: a hundred agencies from large
to small, three hundred procedures of one to twenty working days, five transitions and four versions for each dossier,
and messages with attempts. Some of the dossiers have the defects that the rules look for. All dossiers are of the
months that the check reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import psutil
import psycopg

from tests.bench import Line
from tests.bench.filling import quick_filling
from tests.bench.ledgers import most_of, server_of, used_by

DOSSIERS = 1_000_000
NOW = datetime(2026, 11, 25, 5, 30, tzinfo=UTC) - timedelta(hours=7)
MOST_SECONDS, MOST_MB = 40, 1000

_HOLIDAYS = {date(2026, 9, 1), date(2026, 9, 2), date(2026, 11, 24)}
_DAYS = [
    day
    for day in (date(2026, 8, 3) + timedelta(days=number) for number in range(240))
    if day.weekday() < 5 and day not in _HOLIDAYS
]

_PLACES: LiteralString = """
INSERT INTO motcua.sources (name, picked_up_at) VALUES ('mot_cua', %(now)s);
INSERT INTO motcua.agencies (agency_code, name, enabled_from, changed_by)
SELECT 'B' || to_char(n, 'FM000'), 'Cơ quan ' || n, '2026-01-01', 'bench' FROM generate_series(0, 99) AS n;
INSERT INTO motcua.procedures (procedure_code, name)
SELECT '1.' || to_char(n, 'FM000000'), 'Thủ tục ' || n FROM generate_series(0, 299) AS n
"""
# u(n, k) is the k-th pseudo-random number in [0, 1) of dossier n; it is the same in each run.
_LIVES: LiteralString = """
CREATE UNLOGGED TABLE public.lives AS
SELECT
    n, agency, procedure, terms.term, user_no, d.day, outcome, fault, refusal,
    ((d.days)[d.day] + clock) - interval '7 hours' AS received,
    d.day + (terms.term * (0.2 + 0.7 * pace))::integer AS done,
    (d.days)[least(d.day + terms.term, cardinality(d.days))] + time '10:00' AS due,
    clock, pace, pick_up
FROM (
    SELECT
        n,
        floor(100 * power(u(n, 1), 1.8))::integer AS agency,
        floor(300 * power(u(n, 2), 1.6))::integer AS procedure,
        floor(20 * u(n, 3))::integer AS user_no,
        (n - 1)::double precision / %(dossiers)s AS start,
        time '07:30' + u(n, 5) * interval '8 hours 45 minutes' AS clock,
        u(n, 6) AS pace,
        u(n, 7) AS outcome,
        u(n, 8) AS fault,
        u(n, 9) AS pick_up,
        CASE WHEN u(n, 10) < 0.12 THEN (ARRAY['missing', 'landline', 'too_short', 'dummy'])[1 + floor(4 * u(n, 11))] END
            AS refusal
    FROM generate_series(1, %(dossiers)s) AS n
) AS x
CROSS JOIN LATERAL (SELECT (ARRAY[1, 2, 3, 5, 7, 10, 15, 20])[1 + procedure %% 8] AS term) AS terms
CROSS JOIN LATERAL (
    SELECT %(days)s::date[] AS days, 22 + floor(58 * x.start)::integer AS day
) AS d
"""
_DOSSIERS: LiteralString = """
INSERT INTO motcua.dossiers (
    dossier_id, source_id, agency_code, dossier_code, procedure_code, applicant_name, applicant_phone, msisdn,
    phone_refusal, received_at, due_at, status_code, updated_at, picked_up_at
)
OVERRIDING SYSTEM VALUE
SELECT
    l.n, 1, 'B' || to_char(l.agency, 'FM000'), 'B' || to_char(l.agency, 'FM000') || '-26' || to_char(l.n, 'FM0000000'),
    '1.' || to_char(l.procedure, 'FM000000'), 'Nguyễn Văn ' || l.n, '0905' || to_char(l.n %% 400000, 'FM000000'),
    CASE WHEN l.refusal IS NULL THEN '+84905' || to_char(l.n %% 400000, 'FM000000') END, l.refusal,
    l.received AT TIME ZONE 'UTC', (l.due - interval '7 hours') AT TIME ZONE 'UTC', s.status, s.at, s.at
FROM public.lives AS l
CROSS JOIN LATERAL (
    SELECT max(t.status_code) FILTER (WHERE t.last) AS status, max(t.occurred_at) AS at
    FROM (
        SELECT t.status_code, t.occurred_at, t.step = max(t.step) OVER () AS last
        FROM public.steps AS t WHERE t.n = l.n
    ) AS t
) AS s
"""
_STEPS: LiteralString = """
CREATE UNLOGGED TABLE public.steps AS
SELECT l.n, l.agency, l.user_no, v.step, v.status AS status_code, v.desk, at.occurred_at, v.note
FROM public.lives AS l
CROSS JOIN LATERAL (
    VALUES
    (1, 2, l.day, interval '0', FALSE, NULL),
    (2, 4, l.day, interval '20 minutes', FALSE, 'Chuyển phòng chuyên môn'),
    (3, CASE WHEN l.outcome < 0.08 THEN 5 END, l.day + 1, interval '1 minute', FALSE, 'Thiếu bản sao'),
    (4, CASE WHEN l.outcome < 0.08 THEN 4 END, l.day + 2, interval '2 minutes', FALSE, NULL),
    (5, CASE WHEN l.outcome >= 0.01 THEN 4 END, l.done, interval '-5 minutes', FALSE, 'Trình ký'),
    (6, CASE WHEN l.outcome < 0.95 THEN 9 END, l.done, interval '10 minutes', TRUE, NULL),
    (7, CASE WHEN l.fault < 0.01 THEN 4 WHEN l.fault < 0.015 THEN 5 END, l.done, interval '30 minutes', FALSE, NULL),
    (
        8, CASE WHEN l.outcome < 0.90 AND l.fault > 0.015 THEN 10 END,
        l.done + CASE WHEN l.pick_up < 0.3 THEN 0 ELSE floor(6 * l.pick_up)::integer END, interval '25 minutes', TRUE,
        NULL
    )
) AS v (step, status, day, later, desk, note)
CROSS JOIN LATERAL (
    SELECT ((((%(days)s::date[])[v.day] + l.clock) + v.later) - interval '7 hours') AT TIME ZONE 'UTC' AS occurred_at
) AS at
WHERE v.status IS NOT NULL AND at.occurred_at < %(now)s
"""
_TRANSITIONS: LiteralString = """
INSERT INTO motcua.transitions (
    source_id, source_transition_id, dossier_id, sequence, status_code, at_one_stop_desk, occurred_at, recorded_at,
    actor, note, picked_up_at
)
SELECT
    1, row_number() OVER (ORDER BY s.occurred_at, s.n, s.step), s.n, s.n * 10 + s.step, s.status_code, s.desk,
    s.occurred_at, s.occurred_at, 'can.bo.' || s.agency || '.' || (s.user_no + s.step) %% 20, s.note, s.occurred_at
FROM public.steps AS s
ORDER BY s.occurred_at, s.n, s.step
"""
_VERSIONS: LiteralString = """
INSERT INTO motcua.dossier_versions (
    dossier_id, seen_at, updated_at, procedure_code, due_at, status_code, at_one_stop_desk
)
SELECT
    d.dossier_id, s.occurred_at, s.occurred_at, d.procedure_code,
    CASE WHEN l.pace > 0.98 AND s.step < 4 THEN d.due_at - interval '3 days' ELSE d.due_at END, s.status_code, s.desk
FROM public.steps AS s
INNER JOIN motcua.dossiers AS d ON s.n = d.dossier_id
INNER JOIN public.lives AS l ON s.n = l.n
WHERE s.step <> 2
ORDER BY s.occurred_at
"""
_MESSAGES: LiteralString = """
INSERT INTO motcua.messages (
    kind, dossier_id, agency_code, procedure_code, occasion, transition_id, state, reason, msisdn, text, template_id,
    template_version, parameters, accented, segments, occurred_at, recorded_at, planned_at, useful_until,
    next_attempt_at, accepted_at, changed_at
)
SELECT
    CASE t.status_code WHEN 9 THEN 'result' ELSE 'supplement' END, d.dossier_id, d.agency_code, d.procedure_code,
    t.transition_id::text, t.transition_id, s.state, CASE s.state WHEN 'suppressed' THEN d.phone_refusal END, d.msisdn,
    repeat('x', 150), 'T1', 1, '{}', FALSE, 1, t.occurred_at, t.occurred_at, t.occurred_at,
    t.occurred_at + interval '3 days', t.occurred_at, CASE WHEN s.state <> 'suppressed' THEN t.occurred_at END,
    t.occurred_at
FROM motcua.transitions AS t
INNER JOIN motcua.dossiers AS d ON t.dossier_id = d.dossier_id
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN d.msisdn IS NULL THEN 'suppressed' WHEN d.dossier_id %% 17 = 0 THEN 'undelivered' ELSE 'delivered'
        END AS state
) AS s
WHERE t.status_code IN (5, 9)
"""
_REST: LiteralString = """
INSERT INTO motcua.attempts (
    message_id, gateway, reference, sender_id, run_id, msisdn, state, started_at, answered_at
)
SELECT m.message_id, 'kannel', 'r' || m.message_id, 1, 'bench', m.msisdn, m.state, m.accepted_at, m.accepted_at
FROM motcua.messages AS m WHERE m.state <> 'suppressed';
INSERT INTO motcua.inquiries (
    gateway, dedupe_key, received_at, outcome, dossier_id, agency_code, as_of, told_result, fee, message_id
)
SELECT
    'kannel', 'k' || m.message_id, m.occurred_at + interval '1 day', 'answered', m.dossier_id, m.agency_code,
    m.occurred_at, TRUE, 1000, m.message_id
FROM motcua.messages AS m WHERE m.kind = 'result' AND m.message_id %% 20 = 0
"""
_U: LiteralString = """
CREATE FUNCTION public.u(n integer, k integer) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, k) & 1073741823) / 1073741824.0
"""


def bench(dsn: str, dossiers: int = DOSSIERS) -> list[Line]:
    """Measure the first check of ``dossiers`` dossiers and a second check, which finds the same; return the results."""
    started = time.perf_counter()
    _fill(dsn, dossiers)
    print(f"{dossiers:,} dossiers made in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    lines: list[Line] = []
    for name in ("first check", "the next one"):
        seen = _check_in_a_process(dsn, name)
        counts = seen["counts"]
        if counts["broken"] or counts["dossiers"] != dossiers:
            lines.append((f"{name}: dossiers, broken checks", f"{counts}", f"{dossiers:,}, 0", False))
        what = f"{name}: {counts['dossiers']:,} dossiers, {counts['rules']} rules, {counts['findings']:,} findings"
        ratio = seen["seconds"] / MOST_SECONDS
        lines += [
            (
                what,
                f"{seen['seconds']:.1f} s: {ratio:.2f} of the limit; CPU {seen['cpu']:.1f} s in the Python process, "
                f"{seen['server_cpu']:.1f} s in PostgreSQL; load {seen['load']:.1f}",
                f"≤ {MOST_SECONDS} s",
                ratio <= 1,
            ),
            (
                "largest memory of the Python process (with Airflow's SDK loaded)",
                f"{seen['mb']:.0f} MB: {seen['mb'] / MOST_MB:.2f} of the limit; PostgreSQL {seen['server_mb']:.0f} MB "
                f"more than before, {seen['temporary_mb']:.0f} MB of temporary files, snapshot "
                f"{seen['snapshot_mb']:.0f} MB",
                f"≤ {MOST_MB:,} MB",
                seen["mb"] <= MOST_MB,
            ),
        ]
    return lines


# --- The dossiers that are checked ----------------------------------------------------------------------------------


def _fill(dsn: str, dossiers: int) -> None:
    given = {"now": NOW, "dossiers": dossiers, "days": _DAYS}
    tables = ("dossiers", "transitions", "dossier_versions", "messages", "attempts")
    with quick_filling(dsn, tables) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute("INSERT INTO motcua.gateways (name) VALUES ('kannel') ON CONFLICT DO NOTHING")
        cursor.execute("DELETE FROM motcua.agencies; DELETE FROM motcua.sources")
        cursor.execute("ALTER TABLE motcua.sources ALTER source_id RESTART")
        cursor.execute(_PLACES, given)
        cursor.execute(_U)
        for statement in (_LIVES, _STEPS):
            cursor.execute(statement, given)
        cursor.execute("CREATE INDEX ON public.steps (n); ANALYZE public.steps; ANALYZE public.lives")
        for statement in (_DOSSIERS, _TRANSITIONS, _VERSIONS, _MESSAGES, _REST):
            cursor.execute(statement, given)
        cursor.execute("DROP TABLE public.steps, public.lives")


# --- The measurement ----------------------------------------------------------------------------------------------


def _check_in_a_process(dsn: str, name: str) -> dict[str, Any]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        server = server_of(dsn)
        temporary, held = _temporary_bytes(connection), _memory_of_server(server)
        environment = {**os.environ, "MOTCUA_SOURCES": "mot_cua"}
        command = [sys.executable, "-m", "tests.bench.quality", name]
        with most_of(lambda: _memory_of_server(server) - held, 0.3) as most, used_by({"server": server}) as used:
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        time.sleep(1)  # the server counts the temporary files of a connection only after the connection's end
        (snapshot,) = connection.execute(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c"
            " WHERE c.relnamespace = 'quality'::regnamespace AND c.relkind = 'r'"
        ).fetchone()  # type: ignore[misc]
        return json.loads(answer.stdout.splitlines()[-1]) | {
            "server_cpu": used["server"],
            "server_mb": most.value,
            "temporary_mb": (_temporary_bytes(connection) - temporary) / 1e6,
            "snapshot_mb": float(snapshot) / 1e6,
            "load": os.getloadavg()[0],
        }


def _temporary_bytes(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


def _memory_of_server(postmaster: int) -> float:
    """Return the memory of PostgreSQL's processes in MB; memory that they share is counted once."""
    held = 0.0
    server = psutil.Process(postmaster)
    for process in (server, *server.children()):
        with contextlib.suppress(psutil.Error):
            held += process.memory_full_info().pss / 2**20
    return held


def _run_check(name: str) -> None:
    """Run one check as its task does, and print its costs as JSON."""
    import airflow.sdk  # noqa: F401 - a task has the SDK loaded, so its memory counts too

    from motcua.jobs.quality.checking import check_quality

    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    counts = check_quality(f"bench {name}", NOW)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = {key: getattr(counts, key) for key in ("dossiers", "rules", "findings", "broken")}
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": after.ru_maxrss / 1024, "counts": figures}))


if __name__ == "__main__":
    _run_check(sys.argv[1])
