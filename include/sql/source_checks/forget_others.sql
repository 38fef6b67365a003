-- Empties what was found at sources that are not read any more. Called by store/checking/checks.py.
UPDATE motcua.source_checks SET findings = '[]'
WHERE source <> all(%(sources)s::text[]) AND findings <> '[]'
