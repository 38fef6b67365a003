-- What must be the same of each agency in charge, for Great Expectations to judge: dossiers in the ledger and in the
-- snapshot, and those received in the months looked at one by one and in the sums of the months. Called by
-- store/oversight/quality.py.
INSERT INTO quality.agency_counts (agency_code, in_ledger, in_snapshot, received, received_in_months)
SELECT
    c.agency_code,
    sum(c.in_ledger),
    sum(c.in_snapshot),
    sum(c.received),
    sum(c.received_in_months)
FROM (
    SELECT l.agency_code, l.dossiers AS in_ledger, 0 AS in_snapshot, 0 AS received, 0 AS received_in_months
    FROM quality.ledger_counts AS l
    UNION ALL
    SELECT f.agency_code, 0, count(*), count(*) FILTER (WHERE f.received_month >= %(since_day)s::date), 0
    FROM quality.dossier_facts AS f
    GROUP BY f.agency_code
    UNION ALL
    SELECT m.agency_code, 0, 0, 0, sum(m.received)
    FROM quality.agency_month_facts AS m
    WHERE m.procedure_code IS NULL AND m.month >= %(since_day)s::date
    GROUP BY m.agency_code
) AS c
GROUP BY c.agency_code
