-- Dossiers whose citizens complained that there was no result yet, within some days after a gateway had taken the
-- result message; what was taken back does not count. Days, since often only the day of a complaint is known. Called by
-- store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, complained_at)
SELECT d.dossier_id, max(c.received_at)
FROM motcua.complaints AS c
INNER JOIN motcua.dossiers AS d ON c.agency_code = d.agency_code AND c.dossier_code = d.dossier_code
INNER JOIN motcua.messages AS m ON d.dossier_id = m.dossier_id AND m.kind = 'result'
WHERE
    c.claim = 'no_result_yet' AND c.withdrawn_at IS NULL AND c.received_at >= %(since)s
    AND m.accepted_at <= c.received_at
    AND (c.received_at AT TIME ZONE interval '+07:00')::date
    <= (m.accepted_at AT TIME ZONE interval '+07:00')::date + %(complaint_days)s::integer
GROUP BY d.dossier_id
