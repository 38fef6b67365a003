-- How much of each agency was checked in some runs. Called by store/oversight/quality.py.
SELECT run_no, agency_code, dossiers, textable
FROM motcua.quality_agencies
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, agency_code
