-- Dossiers whose number stood for many owners within some days: each owner's latest use counts until so many days
-- later or that owner's next use, whichever comes first. Names that differ in case are one. Called by
-- store/oversight/quality.py.
INSERT INTO quality.marks (dossier_id, phone_owners)
WITH often AS (
    SELECT d.msisdn
    FROM motcua.dossiers AS d
    WHERE d.msisdn IS NOT NULL AND coalesce(d.phone_entered_at, d.received_at) >= %(since)s
    GROUP BY d.msisdn
    HAVING count(*) >= %(owners)s::numeric
),

uses AS MATERIALIZED (
    SELECT DISTINCT
        d.msisdn,
        motcua.owner_key(d.applicant_name) AS owner,
        (coalesce(d.phone_entered_at, d.received_at) AT TIME ZONE interval '+07:00')::date AS day
    FROM motcua.dossiers AS d
    INNER JOIN often AS o ON d.msisdn = o.msisdn
    WHERE d.applicant_name IS NOT NULL AND coalesce(d.phone_entered_at, d.received_at) >= %(since)s
),

lasting AS (
    SELECT
        u.msisdn,
        u.day AS begins,
        least(
            lead(u.day) OVER (PARTITION BY u.msisdn, u.owner ORDER BY u.day), u.day + %(days)s::integer + 1
        ) AS ends
    FROM uses AS u
),

steps AS (
    SELECT e.msisdn, e.day, sum(e.step) AS step
    FROM (
        SELECT l.msisdn, l.begins AS day, 1 AS step FROM lasting AS l
        UNION ALL
        SELECT l.msisdn, l.ends, -1 FROM lasting AS l
    ) AS e
    GROUP BY e.msisdn, e.day
),

counted AS (
    SELECT s.msisdn, sum(s.step) OVER (PARTITION BY s.msisdn ORDER BY s.day) AS owners FROM steps AS s
),

shared AS (
    SELECT c.msisdn, max(c.owners) AS owners FROM counted AS c GROUP BY c.msisdn HAVING max(c.owners) >= %(owners)s
)

SELECT d.dossier_id, h.owners
FROM shared AS h
INNER JOIN motcua.dossiers AS d ON h.msisdn = d.msisdn
