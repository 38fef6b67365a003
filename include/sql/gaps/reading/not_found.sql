-- Attempts of a gap whose message the ledger does not have: the source did not tell of it again. Called by
-- store/notices/gaps.py.
SELECT departed_at, gateway, source, agency_code, dossier_code, kind, occasion, outcome
FROM motcua.lost_attempts
WHERE gap_no = %(gap_no)s AND message_id IS NULL
ORDER BY departed_at, lost_id
LIMIT %(limit)s
