-- The versions of a dossier's row in which its due date or its phone is another than before, the newest first; the
-- first one with what it began with. Holds the phone field as typed: the caller shows what it means. Called by
-- store/dossiers.py.
SELECT
    v.version_id, v.at, v.due_at, v.due_before, v.applicant_phone, v.phone_before, v.phone_entered_at, v.is_first,
    v.phone_emptied, v.emptied_before
FROM (
    SELECT
        n.version_id,
        coalesce(n.updated_at, n.seen_at) AS at,
        n.due_at,
        lag(n.due_at) OVER w AS due_before,
        n.applicant_phone,
        lag(n.applicant_phone) OVER w AS phone_before,
        n.purged_at IS NOT NULL AS phone_emptied,
        coalesce(lag(n.purged_at) OVER w IS NOT NULL, FALSE) AS emptied_before,
        n.phone_entered_at,
        lag(n.version_id) OVER w IS NULL AS is_first
    FROM motcua.dossier_versions AS n
    WHERE n.dossier_id = %(dossier_id)s
    WINDOW w AS (ORDER BY n.version_id)
) AS v
WHERE
    v.is_first
    OR v.due_at IS DISTINCT FROM v.due_before
    OR v.applicant_phone IS DISTINCT FROM v.phone_before
ORDER BY v.version_id DESC
LIMIT %(limit)s
