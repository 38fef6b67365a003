-- Complaints of a period by agency, claim and outcome, without those that were taken back or repeat an earlier one.
-- Reads audit views only. Called by store/oversight/complaints.py.
SELECT agency_code, claim, outcome, count(*) AS complaints
FROM audit.complaints
WHERE received_at >= %(begins)s AND received_at < %(ends)s AND withdrawn_at IS NULL AND repeats IS NULL
GROUP BY agency_code, claim, outcome
ORDER BY agency_code, claim, outcome
