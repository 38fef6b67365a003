-- The last check of each of these sources. Called by store/checking/checks.py.
SELECT source, checked_at, dossiers, transitions, findings
FROM motcua.source_checks
WHERE source = any(%(sources)s::text[])
ORDER BY source
