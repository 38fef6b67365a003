-- The sources from which dossiers are read, mostly databases of one-stop software. The tables store how far each source
-- was read, whether the source set back its numbers or its clock, what its status codes mean, and the result of the
-- last check of the source.

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
COMMENT ON TABLE motcua.sources IS 'Sources of dossiers, one row for each. The Airflow connection of a source is onestop_<name>. A pick-up reads the new rows of one source into the ledger.';
COMMENT ON COLUMN motcua.sources.source_id IS 'Our number of the source.';
COMMENT ON COLUMN motcua.sources.name IS 'Name of the source in the setting MOTCUA_SOURCES and in the id of its Airflow connection.';
COMMENT ON COLUMN motcua.sources.cursor_transition_id IS 'Largest number of a transition that was read from the source so far.';
COMMENT ON COLUMN motcua.sources.cursor_recorded_at IS 'Up to which recorded time transitions were read. The next pick-up begins some minutes before this time (the overlap), so it reads some rows again.';
COMMENT ON COLUMN motcua.sources.cursor_updated_at IS 'Up to which update time dossier rows were read. The next pick-up begins some minutes before this time (the overlap), so it reads some rows again.';
COMMENT ON COLUMN motcua.sources.watch IS 'Counts and checksums, at the last pick-up, of the rows that the next pick-up reads again (the overlap). The watcher, the process that looks for unread rows, compares them with the source''s present counts and checksums.';
COMMENT ON COLUMN motcua.sources.picked_up_at IS 'When the source was last read successfully.';
COMMENT ON COLUMN motcua.sources.look_back_at IS 'When a pick-up must next search for rows that were written after the last pick-up but have an earlier time.';
COMMENT ON COLUMN motcua.sources.failed_at IS 'When the last attempt to read the source failed; empty if it succeeded.';
COMMENT ON COLUMN motcua.sources.failure IS 'Why the last attempt to read the source failed.';
COMMENT ON COLUMN motcua.sources.set_back_from IS 'When the source began to write times that are earlier than times that it had written before, because its clock was set back; empty: this never happened.';
COMMENT ON COLUMN motcua.sources.set_back_at IS 'When the source last wrote a time that is earlier than one that it had written before.';
COMMENT ON COLUMN motcua.sources.set_back_by IS 'The largest amount by which a time since set_back_from was too early.';

CREATE TABLE motcua.source_numberings (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    recorded_from timestamptz NOT NULL,
    added bigint NOT NULL CHECK (added > 0),
    noticed_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, added)
);
COMMENT ON TABLE motcua.source_numberings IS 'When a source began to number its transitions anew, and which amount is added to its numbers since then, so that each transition gets a unique number larger than all earlier numbers. Append-only.';
COMMENT ON COLUMN motcua.source_numberings.source_id IS 'The source with the new numbering.';
COMMENT ON COLUMN motcua.source_numberings.recorded_from IS 'Recorded time of the first transition with the new numbering.';
COMMENT ON COLUMN motcua.source_numberings.added IS 'Amount that is added to a transition''s number at the source to get source_transition_id in the ledger.';
COMMENT ON COLUMN motcua.source_numberings.noticed_at IS 'When a pick-up noticed the new numbering.';

CREATE TABLE motcua.status_maps (
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    mapped_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz,
    PRIMARY KEY (source_id, source_status),
    -- The codes 1 to 10 have a fixed meaning by the source contract (the views that every source must offer), so a
    -- source cannot map them.
    CONSTRAINT codes_of_the_contract_are_not_mapped
    CHECK (source_status < 1 OR source_status > 10 OR status_code = source_status)
);
COMMENT ON TABLE motcua.status_maps IS 'Which national status code, 1-10, each status code of a source stands for. Only codes of a source outside 1-10 need a row.';
COMMENT ON COLUMN motcua.status_maps.source_id IS 'The source that uses the code.';
COMMENT ON COLUMN motcua.status_maps.source_status IS 'The code as the source writes it.';
COMMENT ON COLUMN motcua.status_maps.status_code IS 'The national code that the source''s code stands for.';
COMMENT ON COLUMN motcua.status_maps.mapped_at IS 'When a person last set the mapping of the code.';
COMMENT ON COLUMN motcua.status_maps.ends_at IS 'Earlier versions allowed a mapping of the codes 1-10. Such a mapping holds until this time. For other codes the column has no meaning.';

CREATE TABLE motcua.status_map_changes (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id smallint NOT NULL REFERENCES motcua.sources,
    source_status smallint NOT NULL,
    status_before smallint CHECK (status_before BETWEEN 1 AND 10),
    status_code smallint NOT NULL CHECK (status_code BETWEEN 1 AND 10),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL CHECK (btrim(changed_by) <> '')
);
COMMENT ON TABLE motcua.status_map_changes IS 'Changes of status_maps. Append-only. Mappings from before this table existed are only in status_maps.';
COMMENT ON COLUMN motcua.status_map_changes.change_id IS 'Our number of the change.';
COMMENT ON COLUMN motcua.status_map_changes.source_id IS 'The source whose code was mapped.';
COMMENT ON COLUMN motcua.status_map_changes.source_status IS 'The code as the source writes it.';
COMMENT ON COLUMN motcua.status_map_changes.status_before IS 'National code for which the source''s code stood before the change; empty: it was not mapped.';
COMMENT ON COLUMN motcua.status_map_changes.status_code IS 'National code for which the source''s code stands after the change.';
COMMENT ON COLUMN motcua.status_map_changes.changed_at IS 'When the mapping was changed.';
COMMENT ON COLUMN motcua.status_map_changes.changed_by IS 'Person who changed the mapping. Personal data of staff.';

CREATE TABLE motcua.source_checks (
    source text PRIMARY KEY CHECK (source ~ '^[a-z0-9_]+$'),
    checked_at timestamptz NOT NULL,
    dossiers integer NOT NULL CHECK (dossiers >= 0),
    transitions integer NOT NULL CHECK (transitions >= 0),
    findings jsonb NOT NULL CHECK (jsonb_typeof(findings) = 'array')
);
COMMENT ON TABLE motcua.source_checks IS 'The last check whether a source complies with the source contract, one row for each source. The next check replaces the row.';
COMMENT ON COLUMN motcua.source_checks.source IS 'Name of the source (setting MOTCUA_SOURCES).';
COMMENT ON COLUMN motcua.source_checks.checked_at IS 'When the source was checked.';
COMMENT ON COLUMN motcua.source_checks.dossiers IS 'Number of dossier rows that were checked.';
COMMENT ON COLUMN motcua.source_checks.transitions IS 'Number of transitions that were checked.';
COMMENT ON COLUMN motcua.source_checks.findings IS 'What the check found: for each fault its kind, its severity, how many of how many rows have it, since when, the names of columns, statuses or queries that it is about, and the codes of a few dossiers. Holds no name of a person and no phone number.';
