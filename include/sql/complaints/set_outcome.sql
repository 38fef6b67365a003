-- Writes down what the agency's check of a complaint found, who wrote it and when; of these agencies' complaints alone,
-- or of all. Called by store/oversight/complaints.py.
UPDATE motcua.complaints
SET outcome = %(outcome)s, outcome_by = %(by)s, outcome_at = %(now)s, outcome_reason = %(reason)s
WHERE
    complaint_id = %(complaint_id)s AND withdrawn_at IS NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
RETURNING complaint_id
