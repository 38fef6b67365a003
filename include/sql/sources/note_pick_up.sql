-- What a pick-up of a source read anew, by agency, for the run that this session works for; nothing where it works for
-- none. Called by store/notices/sources.py.
INSERT INTO motcua.pick_ups AS p (run_no, source_id, agency_code, transitions, dossiers)
SELECT
    nullif(current_setting('motcua.run', TRUE), '')::bigint,
    %(source_id)s,
    d.agency_code,
    sum(r.transitions),
    sum(r.dossiers)
FROM (
    SELECT
        t.dossier_id,
        1 AS transitions,
        0 AS dossiers
    FROM unnest(%(of_transitions)s::bigint[]) AS t (dossier_id)
    UNION ALL
    SELECT
        c.dossier_id,
        0 AS transitions,
        1 AS dossiers
    FROM unnest(%(changed)s::bigint[]) AS c (dossier_id)
) AS r
INNER JOIN motcua.dossiers AS d ON r.dossier_id = d.dossier_id
WHERE nullif(current_setting('motcua.run', TRUE), '') IS NOT NULL
GROUP BY d.agency_code
ON CONFLICT (run_no, source_id, agency_code) DO UPDATE SET
    transitions = p.transitions + excluded.transitions,
    dossiers = p.dossiers + excluded.dossiers
