-- Sources with when each was read last, what was recorded there last, and why it could not be read; those that hold
-- dossiers of these agencies, or all. Called by store/notices/sources.py.
SELECT
    s.name,
    s.picked_up_at,
    s.failed_at,
    s.failure,
    (
        SELECT max(t.recorded_at) FROM motcua.transitions AS t WHERE t.source_id = s.source_id
    ) AS last_transition_at
FROM motcua.sources AS s
WHERE
    %(agencies)s::text[] IS NULL
    OR EXISTS (
        SELECT 1 FROM motcua.dossiers AS d WHERE d.agency_code = any(%(agencies)s) AND d.source_id = s.source_id
    )
ORDER BY s.name
