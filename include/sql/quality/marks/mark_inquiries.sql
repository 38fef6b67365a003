-- Dossiers that were asked about after their citizens had been told that the result is ready. Called by
-- store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, inquiries, last_inquiry_at)
SELECT i.dossier_id, count(*), max(i.received_at)
FROM motcua.inquiries AS i
WHERE i.told_result AND i.received_at >= %(since)s
GROUP BY i.dossier_id
