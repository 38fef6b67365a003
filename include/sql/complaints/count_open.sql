-- Complaints received since a moment whose check has no outcome, by agency; of some agencies, or of all (NULL). Called
-- by store/oversight/complaints.py.
SELECT c.agency_code, count(*) AS complaints
FROM motcua.complaints AS c
WHERE
    c.received_at >= %(since)s
    AND c.outcome = 'open'
    AND c.withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR c.agency_code = any(%(agencies)s::text[]))
GROUP BY c.agency_code
ORDER BY c.agency_code
