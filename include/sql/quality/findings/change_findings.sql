-- Findings that are known already, in the words of now. Called by store/oversight/quality.py.
UPDATE motcua.findings AS f
SET agency_code = n.agency_code, since = n.since, facts = n.facts
FROM quality.found AS n
WHERE
    f.rule = n.rule AND f.subject = n.subject
    AND (f.agency_code, f.since, f.facts) IS DISTINCT FROM (n.agency_code, n.since, n.facts)
