-- What the data suggest. Called by store/oversight/quality.py.
INSERT INTO motcua.quality_suggestions (run_no, agency_code, kind, facts)
SELECT %(run_no)s, r.agency_code, r.kind, r.facts
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (agency_code text, kind text, facts jsonb)
