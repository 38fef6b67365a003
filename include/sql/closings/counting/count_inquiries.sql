-- Texts to 9029 in [start, end) that were known at the cut-off, by agency and procedure. Called by
-- store/oversight/closings.py.
SELECT
    coalesce(i.agency_code, '') AS agency_code,
    coalesce(m.procedure_code, '') AS procedure_code,
    count(*) AS inquiries,
    coalesce(sum(i.fee), 0) AS fees,
    count(*) FILTER (WHERE i.told_result) AS told_without_result
FROM audit.inquiries AS i
LEFT JOIN audit.messages AS m ON i.message_id = m.message_id
WHERE i.received_at >= %(start)s AND i.received_at < %(end)s AND i.inquiry_id <= %(known_inquiry)s
GROUP BY 1, 2
