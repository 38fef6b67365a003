-- Rows that Great Expectations returned for a rule. Called by store/oversight/quality.py.
INSERT INTO quality.found (rule, subject, level, agency_code, since, facts)
SELECT %(rule)s, r.subject, %(level)s, r.agency_code, r.since, r.facts::jsonb
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (subject text, agency_code text, since timestamptz, facts text)
