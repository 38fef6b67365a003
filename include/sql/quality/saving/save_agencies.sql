-- How much of each agency was checked. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_agencies (run_no, agency_code, dossiers, textable)
SELECT %(run_no)s, f.agency_code, count(*), count(*) FILTER (WHERE f.textable)
FROM quality.dossier_facts AS f
GROUP BY f.agency_code
