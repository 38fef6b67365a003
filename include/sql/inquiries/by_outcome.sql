-- Inquiries and đồng paid, by gateway and outcome, and how many were about a dossier that was told to be ready.
-- Called by store/notices/inquiries.py.
SELECT
    gateway,
    outcome,
    count(*) AS inquiries,
    sum(fee) AS fees,
    count(*) FILTER (WHERE told_result) AS told_result
FROM motcua.inquiries
GROUP BY gateway, outcome
ORDER BY gateway, outcome
