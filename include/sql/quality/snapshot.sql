-- What a run of checks sees of the ledger, all at one moment, in tables of schema quality that are made anew each time.
-- Called by store/oversight/quality.py.

-- name: set_up
-- Memory for this transaction's large sorts and joins, no compiling of queries that are run once, and no merge joins:
-- sorting millions of rows for one costs many times what hashing them does. Nested loops are switched off where the
-- planner cannot know how many rows there are, and hours would be lost by its mistake. A few thousand rows out of
-- millions are looked up by their index: a page out of order costs a disk of today, or the server's memory, hardly more
-- than the next one.
SELECT
    set_config('work_mem', '96MB', TRUE),
    set_config('jit', 'off', TRUE),
    set_config('random_page_cost', '1.1', TRUE),
    set_config('enable_mergejoin', 'off', TRUE),
    set_config('enable_nestloop', %(nested_loops)s, TRUE);

-- name: export_moment
-- Lets other connections see what this transaction sees.
SELECT pg_export_snapshot() AS moment;

-- name: begin_snapshot
-- Empties what there is of a snapshot, also tables that this version does not make.
SELECT quality.begin_snapshot();

-- name: make
-- Has a table of the snapshot be there, with the columns that a statement gives.
SELECT quality.make(%(table_name)s, %(columns)s, %(types)s::oid[]);

-- name: middle
-- A number in the middle of those of the dossiers that are looked at, as in quality/facts/dossiers.
SELECT avg(d.dossier_id)::bigint AS middle
FROM motcua.dossiers AS d
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE);

-- name: look_at
-- Has the planner learn how much there is in a table of the snapshot.
SELECT quality.look_at(%(table_name)s, %(column_name)s);
