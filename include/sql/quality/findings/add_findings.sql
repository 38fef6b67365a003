-- Findings that no run saw before. Called by store/oversight/quality.py.
INSERT INTO motcua.findings (rule, subject, level, agency_code, dossier_id, since, facts, first_run)
SELECT
    n.rule,
    n.subject,
    n.level,
    n.agency_code,
    CASE n.level WHEN 'dossier' THEN n.subject::bigint END,
    n.since,
    n.facts,
    %(run_no)s
FROM quality.found AS n
WHERE NOT EXISTS (SELECT 1 FROM motcua.findings AS f WHERE f.rule = n.rule AND f.subject = n.subject)
