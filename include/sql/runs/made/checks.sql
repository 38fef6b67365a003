-- The check of quality that a run made, with how many dossiers it looked at and what it found that nobody has
-- acknowledged. Of some agencies only, where these are listed. Called by store/browsing/runs.py.
SELECT
    r.run_no,
    r.day,
    r.working_day,
    r.broken,
    r.sealed_at IS NOT NULL AS is_sealed,
    coalesce((
        SELECT sum(a.dossiers) FROM motcua.quality_agencies AS a
        WHERE
            a.run_no = r.run_no
            AND (%(agencies)s::text[] IS NULL OR a.agency_code = any(%(agencies)s::text[]))
    ), 0) AS dossiers,
    coalesce((
        SELECT sum(c.found - c.acknowledged) FROM motcua.quality_counts AS c
        WHERE
            c.run_no = r.run_no
            AND (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s::text[]))
    ), 0) AS to_correct
FROM motcua.quality_runs AS r
WHERE r.run_id = %(run_id)s
