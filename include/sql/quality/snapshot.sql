-- Prepare the snapshot of a run of the data quality check. The snapshot is the tables of the schema quality, which are
-- filled anew for each run and show the ledger at one moment. Called by store/oversight/quality.py.

-- name: set_up
-- Set PostgreSQL's planner for this transaction's large queries. Sorts and joins get more memory. Queries are not
-- compiled (jit), because each of them runs only once. Merge joins are off, because sorting millions of rows costs much
-- more than hashing them. The caller turns nested loops off for some queries: if the planner wrongly believed that a
-- large table is small, a nested loop would take hours. random_page_cost is low, so that a few thousand rows out of
-- millions are read through an index. On a modern disk, or in the server's memory, reading a random page costs hardly
-- more than reading the next page.
SELECT
    set_config('work_mem', '96MB', TRUE),
    set_config('jit', 'off', TRUE),
    set_config('random_page_cost', '1.1', TRUE),
    set_config('enable_mergejoin', 'off', TRUE),
    set_config('enable_nestloop', %(nested_loops)s, TRUE);

-- name: export_moment
-- Export this transaction's PostgreSQL snapshot, so that other connections see the same data.
SELECT pg_export_snapshot() AS moment;

-- name: begin_snapshot
-- Empty the tables of the snapshot, even those that only another version of the program fills (quality.begin_snapshot).
SELECT quality.begin_snapshot();

-- name: make
-- Create a table of the snapshot with the given columns, unless it exists with these columns (quality.make).
SELECT quality.make(%(table_name)s, %(columns)s, %(types)s::oid[]);

-- name: middle
-- Return the average dossier_id of the dossiers that a check covers (motcua.dossiers). Other queries divide the
-- dossiers at this dossier_id into two parts, which are computed separately. The WHERE condition is the same as in
-- quality/facts/dossiers.
SELECT avg(d.dossier_id)::bigint AS middle
FROM motcua.dossiers AS d
WHERE
    coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
    OR d.received_at >= %(since)s
    OR coalesce(d.updated_at >= %(since)s, TRUE);

-- name: look_at
-- Update the planner's statistics of one column of a table of the snapshot (quality.look_at).
SELECT quality.look_at(%(table_name)s, %(column_name)s);
