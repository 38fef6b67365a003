-- What citizens reported about a dossier, the newest first; no notes. Called by store/dossiers.py.
SELECT
    c.complaint_id,
    c.received_at AS at,
    c.claim,
    c.channel,
    c.outcome,
    c.outcome_at,
    c.withdrawn_at,
    c.message_id
FROM motcua.complaints AS c
WHERE c.dossier_id = %(dossier_id)s
ORDER BY c.complaint_id DESC
LIMIT %(limit)s
