-- Runs, the newest first: all, or of one run_id, or of one day. Called by store/oversight/quality.py.
SELECT
    run_no, run_id, as_of, day, working_day, since, data_as_of, rules, thresholds, dossiers, findings, broken,
    content_hash, previous_seal, seal, sealed_at
FROM motcua.quality_runs
WHERE
    coalesce(run_id = %(run_id)s::text, TRUE) AND coalesce(day = %(day)s::date, TRUE)
    AND coalesce(run_no = %(run_no)s::bigint, TRUE)
ORDER BY run_no DESC
LIMIT %(most)s::bigint
