-- Agencies whose part of the snapshot was broken in some runs, with what was wrong. Called by
-- store/oversight/quality.py.
SELECT run_no, agency_code, fault
FROM motcua.quality_broken_agencies
WHERE run_no = any(%(run_nos)s)
ORDER BY run_no, agency_code, fault
