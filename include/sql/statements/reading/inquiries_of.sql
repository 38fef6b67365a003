-- Inquiries that a gateway brought in a month, and what citizens paid for them. Reads audit views only. Called by
-- store/oversight/statements.py.
SELECT count(*) AS inquiries, coalesce(sum(fee), 0)::bigint AS fees
FROM audit.inquiries
WHERE gateway = %(gateway)s AND received_at >= %(begins)s AND received_at < %(until)s
