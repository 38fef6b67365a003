-- How many of an agency's open dossiers can be texted, and how many not, by reason; empty: they can.
-- Called by store/notices/dossiers.py.
SELECT
    d.phone_refusal,
    count(*) AS dossiers
FROM motcua.dossiers AS d
WHERE d.agency_code = %(agency_code)s AND d.finished_at IS NULL AND d.purged_at IS NULL
GROUP BY d.phone_refusal
ORDER BY d.phone_refusal
