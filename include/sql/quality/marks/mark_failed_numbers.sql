-- Dossiers whose number failed for good and was not reached since: of another dossier, or of this one. Called by
-- store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, number_failed_at, own_number_failed_at)
WITH failed AS MATERIALIZED (
    SELECT a.msisdn, m.dossier_id, max(coalesce(a.answered_at, a.started_at)) AS at
    FROM motcua.attempts AS a
    INNER JOIN motcua.messages AS m ON a.message_id = m.message_id
    WHERE
        (a.state = 'undelivered' OR (a.state = 'rejected' AND a.outcome = 'phone'))
        AND m.dossier_id IS NOT NULL
    GROUP BY a.msisdn, m.dossier_id
),

reached AS (
    SELECT a.msisdn, max(coalesce(a.answered_at, a.started_at)) AS at
    FROM motcua.attempts AS a
    WHERE a.state = 'delivered' AND a.msisdn IN (SELECT f.msisdn FROM failed AS f)
    GROUP BY a.msisdn
)

SELECT
    d.dossier_id,
    max(f.at) FILTER (WHERE f.dossier_id <> d.dossier_id),
    max(f.at) FILTER (WHERE f.dossier_id = d.dossier_id)
FROM failed AS f
INNER JOIN motcua.dossiers AS d ON f.msisdn = d.msisdn
LEFT JOIN reached AS r ON f.msisdn = r.msisdn
WHERE f.at > coalesce(r.at, '-infinity')
GROUP BY d.dossier_id
