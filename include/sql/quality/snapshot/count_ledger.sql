-- How many dossiers each agency in charge has that are to be looked at, by the ledger alone: what the snapshot is held
-- against. The condition is that of fill_dossiers, without its joins. Called by store/oversight/quality.py.
INSERT INTO quality.ledger_counts (agency_code, dossiers)
SELECT coalesce(i.in_charge, l.agency_code), sum(l.dossiers)
FROM (
    SELECT d.agency_code, count(*) AS dossiers
    FROM motcua.dossiers AS d
    WHERE
        coalesce(d.status_code NOT IN (3, 7, 10), TRUE)
        OR d.received_at >= %(since)s
        OR coalesce(d.updated_at >= %(since)s, TRUE)
    GROUP BY d.agency_code
) AS l
LEFT JOIN motcua.agencies_on(%(day)s::date) AS i ON l.agency_code = i.agency_code
GROUP BY coalesce(i.in_charge, l.agency_code)
