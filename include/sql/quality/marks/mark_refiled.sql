-- Dossiers that their owner filed again: two of the same name, number and procedure at an agency, and no more (firms
-- and notaries file the same procedure all the time). Called by store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, refiled_at, refiled_nth)
WITH alike AS (
    SELECT d.agency_code, d.procedure_code, d.msisdn
    FROM motcua.dossiers AS d
    WHERE d.msisdn IS NOT NULL AND d.received_at >= %(since)s::timestamptz - interval '92 days'
    GROUP BY d.agency_code, d.procedure_code, d.msisdn
    HAVING count(*) > 1
),

filed AS (
    SELECT
        d.dossier_id,
        d.agency_code,
        lead(d.received_at) OVER w AS again_at,
        count(*) OVER (
            PARTITION BY d.agency_code, d.procedure_code, d.msisdn, motcua.owner_key(d.applicant_name)
        ) AS times
    FROM motcua.dossiers AS d
    INNER JOIN alike AS a
        ON d.agency_code = a.agency_code AND d.procedure_code = a.procedure_code AND d.msisdn = a.msisdn
    WHERE d.applicant_name IS NOT NULL AND d.received_at >= %(since)s::timestamptz - interval '92 days'
    WINDOW w AS (
        PARTITION BY d.agency_code, d.procedure_code, d.msisdn, motcua.owner_key(d.applicant_name)
        ORDER BY d.received_at, d.dossier_id
    )
)

SELECT f.dossier_id, f.again_at, n.nth
FROM filed AS f
INNER JOIN quality.agencies AS a ON f.agency_code = a.agency_code
LEFT JOIN quality.days AS n
    ON a.calendar = n.calendar AND (f.again_at AT TIME ZONE interval '+07:00')::date = n.day
WHERE f.times = 2 AND f.again_at IS NOT NULL
