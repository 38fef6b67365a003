-- depends: 0044_rest17
-- Findings that were looked at again between two runs; who said what a status of a source stands for.

CREATE TABLE motcua.finding_rechecks (
    recheck_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding_id bigint NOT NULL REFERENCES motcua.findings,
    rechecked_at timestamptz NOT NULL,
    rechecked_by text NOT NULL CHECK (btrim(rechecked_by) <> ''),
    outcome text NOT NULL CHECK (outcome IN ('mended', 'stands', 'unknown'))
);
COMMENT ON TABLE motcua.finding_rechecks IS 'Each time that somebody had one finding judged again, by its dossier as the ledger has it then. Counted nowhere: the next run closes the finding, or does not. Append-only.';
COMMENT ON COLUMN motcua.finding_rechecks.recheck_id IS 'Our number.';
COMMENT ON COLUMN motcua.finding_rechecks.finding_id IS 'The finding.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_at IS 'The moment that the rule took for now.';
COMMENT ON COLUMN motcua.finding_rechecks.rechecked_by IS 'Who asked for it. Personal data of staff.';
COMMENT ON COLUMN motcua.finding_rechecks.outcome IS 'mended (the rule no longer finds it), stands, unknown (it also depends on what only a whole run knows).';
CREATE INDEX finding_rechecks_finding ON motcua.finding_rechecks (finding_id, recheck_id);

CREATE TABLE motcua.status_map_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_before smallint CHECK (status_before BETWEEN 1 AND 10),
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> '')
);
COMMENT ON TABLE motcua.status_map_changes IS 'Each time that somebody said what a status of a source stands for. Append-only; what was said before it was kept is in status_maps alone.';
COMMENT ON COLUMN motcua.status_map_changes.change_id IS 'Our number.';
COMMENT ON COLUMN motcua.status_map_changes.source_id IS 'The source.';
COMMENT ON COLUMN motcua.status_map_changes.source_status IS 'Code as the source writes it.';
COMMENT ON COLUMN motcua.status_map_changes.status_before IS 'National code that it stood for until then; empty: none.';
COMMENT ON COLUMN motcua.status_map_changes.status_code IS 'National code that it stands for from then on.';
COMMENT ON COLUMN motcua.status_map_changes.changed_at IS 'When.';
COMMENT ON COLUMN motcua.status_map_changes.changed_by IS 'Who said so. Personal data of staff.';
