-- State of the last edition of each recipient's mail of a run, of one agency (empty: the Department's). Called by
-- store/quality_mails.py.
SELECT DISTINCT ON (recipient_hash)
    recipient_hash,
    state,
    settled_at
FROM motcua.quality_mails
WHERE run_no = %(run_no)s AND agency_code IS NOT DISTINCT FROM %(agency_code)s
ORDER BY recipient_hash, edition DESC
