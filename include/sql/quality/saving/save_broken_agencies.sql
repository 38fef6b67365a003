-- Agencies whose part of the snapshot is broken, with what is wrong. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_broken_agencies (run_no, agency_code, fault)
SELECT %(run_no)s, r.agency_code, r.fault
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, fault text)
