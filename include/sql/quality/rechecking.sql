-- Some dossiers judged by themselves, between two runs: their findings, and what of the ledger is looked at.
-- Called by store/rechecks.py.

-- name: findings
-- Findings about dossiers that one could judge again, with whose they are now; of these agencies or of any. "changed"
-- says whether the dossier or a step of it was read anew since a moment.
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
    AND (%(agencies)s::text[] IS NULL OR f.agency_code = any(%(agencies)s));

-- name: dossiers_here
-- The dossiers that are judged by themselves.
SELECT d.* FROM motcua.dossiers AS d WHERE d.dossier_id = any(%(dossiers)s::bigint[]);

-- name: transitions_here
-- Their steps.
SELECT t.* FROM motcua.transitions AS t WHERE t.dossier_id = any(%(dossiers)s::bigint[]);

-- name: add
-- Somebody had a finding judged again.
INSERT INTO motcua.finding_rechecks (finding_id, rechecked_at, rechecked_by, outcome)
VALUES (%(finding)s, %(now)s, %(by)s, %(outcome)s);

-- name: last
-- The last time that each of some findings was judged again, after a moment.
SELECT DISTINCT ON (r.finding_id) r.finding_id, r.rechecked_at, r.rechecked_by, r.outcome
FROM motcua.finding_rechecks AS r
WHERE r.finding_id = any(%(findings)s::bigint[]) AND r.rechecked_at > %(since)s::timestamptz
ORDER BY r.finding_id, r.recheck_id DESC;
