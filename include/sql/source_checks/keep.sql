-- Keeps what a check of a source found, in the place of the check before. Called by store/checking/checks.py.
INSERT INTO motcua.source_checks (source, checked_at, dossiers, transitions, findings)
VALUES (%(source)s, %(checked_at)s, %(dossiers)s, %(transitions)s, %(findings)s)
ON CONFLICT (source) DO UPDATE SET
    checked_at = excluded.checked_at,
    dossiers = excluded.dossiers,
    transitions = excluded.transitions,
    findings = excluded.findings
