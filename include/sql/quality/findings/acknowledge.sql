-- Somebody accepts a finding for a time, one of these agencies or any. Called by store/oversight/quality.py.
INSERT INTO motcua.finding_acknowledgements (finding_id, acknowledged_at, acknowledged_by, why, until)
SELECT f.finding_id, %(now)s, %(by)s, %(why)s, %(until)s
FROM motcua.findings AS f
WHERE f.finding_id = %(finding_id)s AND (%(agencies)s::text[] IS NULL OR f.agency_code = any(%(agencies)s))
RETURNING acknowledgement_id
