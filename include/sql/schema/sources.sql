-- The one-stop databases that dossiers are read from: how far each was read, how it numbers and dates its rows, what
-- its status codes mean, and what its last check found.

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
COMMENT ON COLUMN motcua.sources.source_id IS 'Our number of the source.';
COMMENT ON COLUMN motcua.sources.name IS 'Name in the setting MOTCUA_SOURCES and in the identifier of the connection.';
COMMENT ON COLUMN motcua.sources.cursor_transition_id IS 'Largest transition number read so far.';
COMMENT ON COLUMN motcua.sources.cursor_recorded_at IS 'Pick-ups read transitions again from this time minus the overlap.';
COMMENT ON COLUMN motcua.sources.cursor_updated_at IS 'Pick-ups read dossier rows again from this time minus the overlap.';
COMMENT ON COLUMN motcua.sources.watch IS 'Counts and sums of the rows inside the overlap at the last pick-up. The watcher compares the source''s present values with them.';
COMMENT ON COLUMN motcua.sources.picked_up_at IS 'When the last pick-up succeeded.';
COMMENT ON COLUMN motcua.sources.look_back_at IS 'When the next pick-up must search for rows that were written later but have an earlier time.';
COMMENT ON COLUMN motcua.sources.failed_at IS 'When the last pick-up failed; empty after a success.';
COMMENT ON COLUMN motcua.sources.failure IS 'Reason of the last failure.';
COMMENT ON COLUMN motcua.sources.set_back_from IS 'Since when the source writes times that are earlier than times that it wrote before, because its clock was set back; empty: this never happened.';
COMMENT ON COLUMN motcua.sources.set_back_at IS 'When the source last wrote such a time.';
COMMENT ON COLUMN motcua.sources.set_back_by IS 'The largest amount by which the clock was set back since then.';

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
COMMENT ON TABLE motcua.source_numberings IS 'When a source began to number its steps anew, and what is added to its numbers since then, so that every step has a unique number above the earlier numbers. Append-only.';
COMMENT ON COLUMN motcua.source_numberings.source_id IS 'The source.';
COMMENT ON COLUMN motcua.source_numberings.recorded_from IS 'The first recorded time of a step with the new numbering.';
COMMENT ON COLUMN motcua.source_numberings.added IS 'Amount that is added to a number of the source to get our number.';
COMMENT ON COLUMN motcua.source_numberings.noticed_at IS 'When a pick-up noticed the new numbering.';

CREATE TABLE motcua.status_maps (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    mapped_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    PRIMARY KEY (source_id, source_status),
    -- The codes 1 to 10 belong to the contract.
    CONSTRAINT codes_of_the_contract_are_not_mapped
    CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status)
);
COMMENT ON TABLE motcua.status_maps IS 'Status codes of a source that differ from the national codes 1-10.';
COMMENT ON COLUMN motcua.status_maps.source_id IS 'The source.';
COMMENT ON COLUMN motcua.status_maps.source_status IS 'The code as the source writes it.';
COMMENT ON COLUMN motcua.status_maps.status_code IS 'The national code that the source''s code stands for.';
COMMENT ON COLUMN motcua.status_maps.mapped_at IS 'When the mapping was last set.';
COMMENT ON COLUMN motcua.status_maps.ends_at IS 'Time until which the mapping of a code of the contract holds, which an earlier version allowed. It has no meaning for other codes.';

CREATE TABLE motcua.status_map_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_before smallint CHECK (status_before BETWEEN 1 AND 10),
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> '')
);
COMMENT ON TABLE motcua.status_map_changes IS 'Changes of the mapping of a source''s status codes. Append-only; mappings from before changes were stored are in status_maps only.';
COMMENT ON COLUMN motcua.status_map_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.status_map_changes.source_id IS 'The source.';
COMMENT ON COLUMN motcua.status_map_changes.source_status IS 'Code as the source writes it.';
COMMENT ON COLUMN motcua.status_map_changes.status_before IS 'National code before the change; empty: none.';
COMMENT ON COLUMN motcua.status_map_changes.status_code IS 'National code after the change.';
COMMENT ON COLUMN motcua.status_map_changes.changed_at IS 'When the mapping was changed.';
COMMENT ON COLUMN motcua.status_map_changes.changed_by IS 'Person who changed the mapping. Personal data of staff.';

CREATE TABLE motcua.source_checks (
    source text PRIMARY KEY CHECK (source ~ '^[a-z0-9_]+$'),
    checked_at timestamptz NOT NULL,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    transitions integer NOT NULL CHECK (transitions >= 0),
    findings jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'array')
);
COMMENT ON TABLE motcua.source_checks IS 'The last check of each source against the contract. The next check replaces it.';
COMMENT ON COLUMN motcua.source_checks.source IS 'Name of the source (setting MOTCUA_SOURCES).';
COMMENT ON COLUMN motcua.source_checks.checked_at IS 'When the source was checked.';
COMMENT ON COLUMN motcua.source_checks.dossiers IS 'Number of dossier rows that were checked.';
COMMENT ON COLUMN motcua.source_checks.transitions IS 'Number of transitions that were checked.';
COMMENT ON COLUMN motcua.source_checks.findings IS 'Findings of the check: kind, severity, number of rows and of all rows, names of columns, statuses or questions, codes of a few dossiers, since when. No names and no phone numbers.';
