-- The one-stop databases that dossiers are read from: how far each was read, how it numbers and stamps what it writes,
-- what its status codes stand for, and what its last check found.

CREATE TABLE motcua.sources (
    source_id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9_]+$'),
    cursor_transition_id bigint,
    cursor_recorded_at timestamptz,
    cursor_updated_at timestamptz,
    watch jsonb,
    picked_up_at timestamptz,
    look_back_at timestamptz,
    failed_at timestamptz,
    failure text,
    set_back_from timestamptz,
    set_back_at timestamptz,
    set_back_by interval
);
COMMENT ON TABLE motcua.sources IS 'One row for each one-stop database; its Airflow connection is onestop_<name>.';
COMMENT ON COLUMN motcua.sources.source_id IS 'Our number.';
COMMENT ON COLUMN motcua.sources.name IS 'Name in MOTCUA_SOURCES and in the connection id.';
COMMENT ON COLUMN motcua.sources.cursor_transition_id IS 'Largest transition id read so far.';
COMMENT ON COLUMN motcua.sources.cursor_recorded_at IS 'Transitions are read again from this moment less the overlap.';
COMMENT ON COLUMN motcua.sources.cursor_updated_at IS 'Dossier rows are read again from this moment less the overlap.';
COMMENT ON COLUMN motcua.sources.watch IS 'Counts and sums of the rows inside the overlap at the last pick-up; the watcher compares them with the source''s.';
COMMENT ON COLUMN motcua.sources.picked_up_at IS 'When the last pick-up succeeded.';
COMMENT ON COLUMN motcua.sources.look_back_at IS 'When the next pick-up is to look for rows that were written since, and are stamped as of before.';
COMMENT ON COLUMN motcua.sources.failed_at IS 'When the last pick-up failed; empty after a success.';
COMMENT ON COLUMN motcua.sources.failure IS 'Why it failed.';
COMMENT ON COLUMN motcua.sources.set_back_from IS 'Since when the source writes times that it had passed: its clock was set back. Empty: it never did.';
COMMENT ON COLUMN motcua.sources.set_back_at IS 'When it last did.';
COMMENT ON COLUMN motcua.sources.set_back_by IS 'By how much at most, since then.';

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
COMMENT ON TABLE motcua.source_numberings IS 'When a source began to number its steps anew, and what is added to its numbers since, so that each step has one of its own, after those before. Append-only.';
COMMENT ON COLUMN motcua.source_numberings.source_id IS 'The source.';
COMMENT ON COLUMN motcua.source_numberings.recorded_from IS 'The first recorded time under the new numbers.';
COMMENT ON COLUMN motcua.source_numberings.added IS 'What is added to a number of the source to make it ours.';
COMMENT ON COLUMN motcua.source_numberings.noticed_at IS 'When a pick-up met the new numbers.';

CREATE TABLE motcua.status_maps (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    mapped_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    PRIMARY KEY (source_id, source_status),
    -- Codes 1-10 are the contract's.
    CONSTRAINT codes_of_the_contract_are_not_mapped
    CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status)
);
COMMENT ON TABLE motcua.status_maps IS 'Status codes of a source that differ from the national codes 1-10.';
COMMENT ON COLUMN motcua.status_maps.source_id IS 'The source.';
COMMENT ON COLUMN motcua.status_maps.source_status IS 'The code as the source writes it.';
COMMENT ON COLUMN motcua.status_maps.status_code IS 'The national code it stands for.';
COMMENT ON COLUMN motcua.status_maps.mapped_at IS 'When it was last said what the code stands for.';
COMMENT ON COLUMN motcua.status_maps.ends_at IS 'Of a code of the contract, which an earlier version let somebody map: until when that holds. Means nothing of any other code.';

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
