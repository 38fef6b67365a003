-- The last time that each of some findings was judged again, after a moment. Called by store/rechecks.py.
SELECT DISTINCT ON (r.finding_id) r.finding_id, r.rechecked_at, r.rechecked_by, r.outcome
FROM motcua.finding_rechecks AS r
WHERE r.finding_id = any(%(findings)s::bigint[]) AND r.rechecked_at > %(since)s::timestamptz
ORDER BY r.finding_id, r.recheck_id DESC
