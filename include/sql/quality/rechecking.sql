-- Recheck findings (faults that rules found) of single dossiers between two runs of the data quality check: read the
-- findings and the rows of the dossiers, and write the outcome. Called by store/rechecks.py.

-- name: findings
-- Return those of the given findings that are about dossiers, each with the present agency of its dossier
-- (motcua.findings). If agencies are given, findings of other agencies are left out. The column changed is true if,
-- after a given time, the dossier's row was read or a new step of the dossier was read.
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
-- Return the dossiers to recheck (motcua.dossiers).
SELECT d.* FROM motcua.dossiers AS d WHERE d.dossier_id = any(%(dossiers)s::bigint[]);

-- name: transitions_here
-- Return the steps of the dossiers to recheck (motcua.transitions).
SELECT t.* FROM motcua.transitions AS t WHERE t.dossier_id = any(%(dossiers)s::bigint[]);

-- name: add
-- Insert the recheck of a finding that a person requested, with its outcome (motcua.finding_rechecks).
INSERT INTO motcua.finding_rechecks (finding_id, rechecked_at, rechecked_by, outcome)
VALUES (%(finding)s, %(now)s, %(by)s, %(outcome)s);

-- name: last
-- Return, for each given finding, its last recheck after a time (motcua.finding_rechecks).
SELECT DISTINCT ON (r.finding_id) r.finding_id, r.rechecked_at, r.rechecked_by, r.outcome
FROM motcua.finding_rechecks AS r
WHERE r.finding_id = any(%(findings)s::bigint[]) AND r.rechecked_at > %(since)s::timestamptz
ORDER BY r.finding_id, r.recheck_id DESC;
