-- Complaints that repeat an earlier one, with its number: of a period, or those of these numbers; of some agencies or
-- of all. Reads audit views only. Called by store/oversight/complaints.py.
SELECT complaint_id, repeats
FROM audit.complaints
WHERE
    repeats IS NOT NULL
    AND (%(agencies)s::text[] IS NULL OR agency_code = any(%(agencies)s))
    AND (%(complaint_ids)s::bigint[] IS NULL OR complaint_id = any(%(complaint_ids)s))
    AND (%(begins)s::timestamptz IS NULL OR received_at >= %(begins)s)
    AND (%(ends)s::timestamptz IS NULL OR received_at < %(ends)s)
