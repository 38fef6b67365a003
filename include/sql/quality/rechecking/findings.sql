-- Findings about dossiers that one could judge again, with whose they are now; of these agencies or of any. "changed"
-- says whether the dossier or a step of it was read anew since a moment. Called by store/rechecks.py.
SELECT
    f.finding_id,
    f.rule,
    f.agency_code,
    f.dossier_id,
    d.agency_code AS dossier_agency,
    d.picked_up_at > %(since)s::timestamptz OR EXISTS (
        SELECT 1 FROM motcua.transitions AS t
        WHERE t.dossier_id = d.dossier_id AND t.picked_up_at > %(since)s::timestamptz
    ) AS changed
FROM motcua.findings AS f
INNER JOIN motcua.dossiers AS d ON f.dossier_id = d.dossier_id
WHERE
    f.finding_id = any(%(findings)s::bigint[])
    AND (%(agencies)s::text[] IS NULL OR f.agency_code = any(%(agencies)s))
