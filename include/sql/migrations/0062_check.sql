-- depends: 0061_files
-- What the last check of each source found.

CREATE TABLE motcua.source_checks (
    source text PRIMARY KEY CHECK (source ~ '^[a-z0-9_]+$'),
    checked_at timestamptz NOT NULL,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    transitions integer NOT NULL CHECK (transitions >= 0),
    findings jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'array')
);
COMMENT ON TABLE motcua.source_checks IS 'The last check of each source against the contract; the next one takes its place.';
COMMENT ON COLUMN motcua.source_checks.source IS 'Name of the source (MOTCUA_SOURCES).';
COMMENT ON COLUMN motcua.source_checks.checked_at IS 'When it was checked.';
COMMENT ON COLUMN motcua.source_checks.dossiers IS 'How many rows of dossiers were looked at.';
COMMENT ON COLUMN motcua.source_checks.transitions IS 'How many transitions were looked at.';
COMMENT ON COLUMN motcua.source_checks.findings IS 'What was found: kind, severity, rows, of how many, names of columns, statuses or questions, codes of a few dossiers, since when. No names and no phones.';
