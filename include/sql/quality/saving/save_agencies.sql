-- How much of each agency was checked; nothing of the broken ones. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_agencies (run_no, agency_code, dossiers, textable)
SELECT %(run_no)s, f.agency_code, count(*), count(*) FILTER (WHERE f.textable)
FROM quality.dossier_facts AS f
WHERE f.agency_code <> all(%(broken_agencies)s::text[])
GROUP BY f.agency_code
